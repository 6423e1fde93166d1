//! What is reported of a file.

use std::ops::Range;

use rigtone_audio::arrival::FirstArrival;
use rigtone_audio::continuity::Continuity;
use rigtone_audio::measure::{CaptureFigures, Findings, Outcome, StimulusRef};
use rigtone_audio::response::Difference;
use rigtone_audio::survey::Survey;
use rigtone_record::wav::Remark;
use schemars::JsonSchema;
use serde::Serialize;

use crate::source::Source;

/// Version of the report's form: raised when a reader of the old form would misread the new one.
pub const SCHEMA_VERSION: u32 = 1;

/// Where header and file differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum RecordingRemark {
    /// The file ends before its header says.
    Truncated {
        /// Frames that the header claims.
        claimed: u64,
        /// Frames that are there.
        there: u64,
    },
    /// The header gives no length.
    NoLength,
}

impl From<Remark> for RecordingRemark {
    fn from(remark: Remark) -> Self {
        match remark {
            Remark::Truncated { claimed, there } => Self::Truncated { claimed, there },
            Remark::NoLength => Self::NoLength,
        }
    }
}

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RecordingFacts {
    /// Its frames per second.
    pub rate: u32,
    /// Its channels.
    pub channels: usize,
    /// Its frames.
    pub frames: u64,
    /// Frames per second at which it was measured, and in which positions are counted.
    pub measured_at: u32,
    /// Frames from here on were measured, at that rate.
    pub from_frame: u64,
    /// Up to here.
    pub to_frame: u64,
    /// Where header and file differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<RecordingRemark>,
    /// The measured channel, all of it.
    pub figures: CaptureFigures,
}

impl RecordingFacts {
    /// The facts of a file of which these frames were measured, at the rate at which it is read.
    pub(crate) fn of(source: &Source, measured: Range<u64>, figures: CaptureFigures) -> Self {
        Self {
            rate: source.recorded_at(),
            channels: source.channels(),
            frames: source.recorded_frames(),
            measured_at: source.rate(),
            from_frame: measured.start,
            to_frame: measured.end,
            remark: source.remark().map(Into::into),
            figures,
        }
    }
}

/// What was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum LookedFor {
    /// A stimulus.
    Stimulus(StimulusRef),
    /// Another sound.
    Sound(SoundRef),
}

/// A sound that is no stimulus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SoundRef {
    /// Its frames per second.
    pub rate: u32,
    /// Its length in frames.
    pub frames: usize,
}

/// Where a sound was found that is no stimulus.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Place {
    /// Frame at which its first frame arrived by the strongest path; negative if that was before the recording.
    pub frame: f64,
    /// How much of what sounds there it is, 0 to 1.
    pub likeness: f64,
    /// That over the largest anywhere else; chance reaches about 1.5.
    pub psr: f64,
}

/// What a channel says about a sound that is no stimulus.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SoundFindings {
    /// Whether it was heard: proved by following it, or by standing out where it is too short for that.
    pub heard: Outcome<bool>,
    /// The likeliest place; none in a recording that is shorter than the sound, or silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Its first arrival.
    pub arrival: Outcome<FirstArrival>,
    /// That less its emission and the flight.
    pub latency: Outcome<SoundLatency>,
    /// Dropouts, jumps, clicks, level changes, clock. `reference_s` counts from the start of the sound.
    pub continuity: Outcome<Continuity>,
}

/// How long a sound took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct SoundLatency {
    /// In seconds.
    pub value_s: f64,
    /// Its standard uncertainty in seconds: noise, emission, and what a crossover makes of "first arrival".
    pub uncertainty_s: f64,
}

/// How the time of emission is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EmittedBy {
    /// It was given.
    Given,
    /// By the arrival in the reference channel.
    ReferenceChannel,
}

/// When the stimulus was emitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Emitted {
    /// How that is known.
    pub by: EmittedBy,
    /// Its position in frames.
    pub frame: f64,
    /// Its standard uncertainty in seconds.
    pub uncertainty_s: f64,
}

/// The difference of two responses at one frequency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct DifferenceAt {
    /// The frequency in Hz.
    pub hz: f64,
    /// This recording minus the other one.
    pub difference: Outcome<Difference>,
}

/// Two recordings beside each other.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Against {
    /// Their responses, this one minus the other one, each re 1 kHz.
    pub response: Vec<DifferenceAt>,
}

/// Everything that a file says about a stimulus.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Report {
    /// Version of this form.
    pub schema_version: u32,
    /// The file.
    pub recording: RecordingFacts,
    /// The channel that was measured, from 0.
    pub channel: usize,
    /// What was looked for.
    pub looked_for: LookedFor,
    /// When it was emitted, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emitted: Option<Emitted>,
    /// What the reference channel says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Findings>,
    /// What the channel says about a stimulus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub survey: Option<Survey>,
    /// What it says about another sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sound: Option<SoundFindings>,
    /// Beside another recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
}
