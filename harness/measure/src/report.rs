//! What is reported of a file.

use rigtone_audio::measure::{CaptureFigures, Findings, Outcome, StimulusRef};
use rigtone_audio::response::Difference;
use rigtone_audio::survey::Survey;
use rigtone_record::wav::Remark;
use schemars::JsonSchema;
use serde::Serialize;

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

/// What was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum LookedFor {
    /// A stimulus.
    Stimulus(StimulusRef),
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
    /// What the channel says.
    pub survey: Survey,
    /// Beside another recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
}
