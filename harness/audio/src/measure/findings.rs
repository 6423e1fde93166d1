//! What an analysis says, each value with the figures on which it rests.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::stimulus::{Name, PartKind, Stimulus};

/// Why a measurement has no value: the recording does not carry the answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Reason {
    /// The recording cannot hold the stimulus.
    TooShort {
        /// Its usable length in seconds.
        have_s: f64,
        /// The length needed in seconds.
        need_s: f64,
    },
    /// A run of samples at full scale.
    Clipped {
        /// Where the first such run starts, in seconds.
        at_s: f64,
        /// Length of the longest run in frames.
        longest: usize,
    },
    /// The noise would hide a sound at the minimum level.
    TooNoisy {
        /// Level of the noise in dBFS, 500 to 8000 Hz.
        noise_dbfs: f64,
        /// The level that must be audible, in the same unit.
        minimum_dbfs: f64,
    },
    /// Some markers were found, but too few or too far from where they belong.
    MarkersDisagree {
        /// How many markers stood out.
        found: usize,
        /// How many agree in their spacing.
        agree: usize,
    },
    /// Markers were found, but the sound does not prove whose they are.
    IdentityUnproven,
    /// Presence is not established, so nothing else can be.
    NotPresent,
    /// The strongest sound comes long after the first: the line of sight is in doubt.
    LineOfSight {
        /// How much later, in seconds.
        apart_s: f64,
    },
    /// The clocks run apart faster than clocks do.
    Drift {
        /// The apparent drift in parts per million.
        ppm: f64,
    },
    /// The markers do not lie on one line of time: something was skipped or repeated, or they took different paths.
    Unsteady {
        /// RMS deviation from the line, in seconds.
        residual_s: f64,
    },
    /// The time of emission is not known.
    NoEmission,
    /// The silence before the stimulus is not in the recording.
    NoFloor,
    /// The recording was made at a rate that does not serve.
    WrongRate {
        /// Its rate in Hz.
        have: u32,
        /// The rate needed in Hz.
        need: u32,
    },
    /// The noise is too strong where the answer lies.
    LowSnr {
        /// Signal-to-noise ratio in dB.
        snr_db: f64,
        /// The ratio needed in dB.
        need_db: f64,
        /// The frequency in Hz to which it applies: the middle of the deciding band.
        at_hz: f64,
    },
    /// The level chain is not linear: automatic gain control or compression.
    GainControl {
        /// Output level over input level, dB per dB.
        slope: f64,
        /// Level on the way down minus that on the way up, in dB.
        hysteresis_db: f64,
    },
    /// No calibration figure serves.
    NoCalibration,
    /// Asked for a frequency outside of what was measured.
    OutsideBand {
        /// The frequency in Hz.
        hz: f64,
        /// Lowest frequency measured in Hz.
        low_hz: f64,
        /// Highest frequency measured in Hz.
        high_hz: f64,
    },
    /// Two recordings that are to be compared were made at different levels.
    LevelsDiffer {
        /// By how much, in dB.
        by_db: f64,
        /// How much is allowed, in dB.
        limit_db: f64,
    },
    /// The sound moved in time: samples were lost or repeated.
    SamplesLost {
        /// Where in the recording, in seconds.
        at_s: f64,
        /// By how much it moved, in seconds.
        by_s: f64,
    },
    /// Gaps as short as asked for would be missed.
    GapResolution {
        /// The shortest gap that would be found, in seconds.
        achieved_s: f64,
        /// The shortest that must be found, in seconds.
        wanted_s: f64,
    },
    /// The reference could not be told from what was heard beside it for too long: another sound hid it, or it was itself too quiet.
    Masked {
        /// For which share of the time, 0 to 1.
        share: f64,
    },
    /// The recording could not be followed along the reference.
    AlignmentLost {
        /// Share of the sound that was followed, 0 to 1.
        aligned: f64,
    },
    /// The level scatters too much for its changes to show.
    LevelNoise {
        /// Standard deviation of the level of 0.1 s in dB.
        sigma_db: f64,
    },
    /// The level hardly ever stands still: gain control is suspected.
    LevelMoves {
        /// For which share of the time it moves, 0 to 1.
        share: f64,
    },
    /// A figure lies between what the rules call one thing and what they call another.
    Undecided {
        /// The figure in dB.
        figure_db: f64,
        /// From here down it would mean the one.
        below_db: f64,
        /// From here up it would mean the other.
        above_db: f64,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { have_s, need_s } => {
                write!(f, "recording too short: {have_s:.2} s where {need_s:.2} s are needed")
            }
            Self::Clipped { at_s, longest } => {
                write!(f, "recording clipped at {at_s:.3} s ({longest} samples at full scale)")
            }
            Self::TooNoisy { noise_dbfs, minimum_dbfs } => {
                write!(f, "too noisy: {noise_dbfs:.1} dBFS would hide a sound of {minimum_dbfs:.1} dBFS")
            }
            Self::MarkersDisagree { found, agree } => {
                write!(f, "{found} markers found of which {agree} agree in their spacing")
            }
            Self::IdentityUnproven => f.write_str("markers heard, but whose they are is not proven"),
            Self::NotPresent => f.write_str("the stimulus was not established as present"),
            Self::LineOfSight { apart_s } => {
                write!(f, "strongest sound {:.1} ms after the first: line of sight in doubt", apart_s * 1e3)
            }
            Self::Drift { ppm } => write!(f, "apparent clock drift of {ppm:.0} ppm"),
            Self::Unsteady { residual_s } => {
                write!(f, "marker times scatter by {:.0} us: skipped, repeated or moved sound", residual_s * 1e6)
            }
            Self::NoEmission => f.write_str("time of emission unknown"),
            Self::NoFloor => f.write_str("the silence before the stimulus is not in the recording"),
            Self::WrongRate { have, need } => {
                write!(f, "recorded at {have} frames per second where {need} are needed")
            }
            Self::LowSnr { snr_db, need_db, at_hz } => {
                write!(f, "too noisy: {snr_db:.1} dB over the noise at {at_hz:.0} Hz where {need_db:.0} dB are needed")
            }
            Self::GainControl { slope, hysteresis_db } => {
                write!(f, "gain control: {slope:.3} dB per dB, {hysteresis_db:.1} dB between up and down")
            }
            Self::NoCalibration => f.write_str("no calibration"),
            Self::OutsideBand { hz, low_hz, high_hz } => {
                write!(f, "{hz:.1} Hz lies outside of what was measured ({low_hz:.1} to {high_hz:.1} Hz)")
            }
            Self::LevelsDiffer { by_db, limit_db } => {
                write!(f, "levels differ by {by_db:.2} dB where {limit_db:.2} dB are allowed")
            }
            Self::SamplesLost { at_s, by_s } => {
                write!(f, "the sound moved by {:.2} ms at {at_s:.2} s: samples lost or repeated", by_s * 1e3)
            }
            Self::GapResolution { achieved_s, wanted_s } => {
                let (achieved, wanted) = (achieved_s * 1e3, wanted_s * 1e3);
                write!(f, "too noisy: gaps below {achieved:.1} ms would be missed where {wanted:.1} ms are asked for")
            }
            Self::Masked { share } => {
                let share = share * 100.0;
                write!(
                    f,
                    "for {share:.0} % of the time another sound was too loud, or the reference too quiet, for a gap to show"
                )
            }
            Self::AlignmentLost { aligned } => {
                write!(f, "only {:.0} % of the sound could be followed along the reference", aligned * 100.0)
            }
            Self::LevelNoise { sigma_db } => write!(f, "too noisy: the level scatters by {sigma_db:.1} dB"),
            Self::LevelMoves { share } => {
                write!(f, "the level moves for {:.0} % of the time: gain control suspected", share * 100.0)
            }
            Self::Undecided { figure_db, below_db, above_db } => {
                write!(f, "{figure_db:.1} dB lies between {below_db:.0} and {above_db:.0} dB: undecided")
            }
        }
    }
}

/// A measured value, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome<T> {
    /// The value and its quality.
    Measured(T),
    /// The conditions of a valid measurement do not hold.
    Inconclusive(Reason),
}

impl<T> Outcome<T> {
    /// The value, if there is one.
    pub fn measured(&self) -> Option<&T> {
        match self {
            Self::Measured(value) => Some(value),
            Self::Inconclusive(_) => None,
        }
    }
}

/// A stretch of the stimulus in seconds after its start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Span {
    /// Where it starts.
    pub from_s: f64,
    /// Where it ends.
    pub to_s: f64,
}

/// Whether the stimulus of this test, and no other sound, was audible.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Presence {
    /// Heard, with the right identity, and nothing is known to be missing.
    Present,
    /// Heard in part: the rest would have been heard at the same level, and was not.
    Partial {
        /// End of the last part that was heard, in seconds of the stimulus.
        heard_until_s: f64,
        /// What was not heard of markers and noise; its grain is `coverage_block_s`.
        missing: Vec<Span>,
    },
    /// Not heard, in a recording that would have shown it at the minimum level.
    Absent,
    /// The markers or the noise of another code: another speaker or another rig.
    Foreign,
    /// The recording does not decide it.
    Inconclusive {
        /// Why.
        why: Reason,
    },
}

/// One marker of the stimulus in the recording.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct MarkerFinding {
    /// What it is.
    #[serde(flatten)]
    pub kind: PartKind,
    /// Peak-to-sidelobe ratio of the whitened matched filter: the peak over all else outside the guard.
    pub psr: f64,
    /// Frame of the recording at which it starts by that peak.
    pub frame: usize,
    /// Stands out and agrees with the spacing.
    pub found: bool,
}

/// What presence rests on.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PresenceQuality {
    /// Every marker at the best hypothesis; empty if the recording was not searched.
    pub markers: Vec<MarkerFinding>,
    /// Half-width round a peak that does not count as sidelobe, in seconds.
    pub guard_s: f64,
    /// Largest deviation of the found markers from their spacing, in seconds.
    pub spacing_residual_s: Option<f64>,
    /// Correlation of the noise part with this code's noise, in standard deviations of chance.
    pub identity_z: Option<f64>,
    /// Grain in seconds at which missing noise can be seen; none if the recording is too noisy for that.
    pub coverage_block_s: Option<f64>,
}

/// Sign of the sound at the first arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Polarity {
    /// As emitted.
    Normal,
    /// Turned over.
    Inverted,
}

/// When the stimulus arrived at the microphone: first arrival of the marker centroids, 500 to 8000 Hz.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Arrival {
    /// Position in the recording, in frames, at which frame 0 of the stimulus arrived: extrapolated with the measured drift.
    pub frame: f64,
    /// Its standard uncertainty in seconds: scatter of the markers and the Cramér-Rao bound.
    pub uncertainty_s: f64,
    /// Clock drift in parts per million; positive: the recording holds more frames than were emitted.
    pub drift_ppm: f64,
    /// Its standard uncertainty.
    pub drift_uncertainty_ppm: f64,
    /// Sign of most markers.
    pub polarity: Polarity,
    /// How many markers it rests on.
    pub markers: usize,
    /// RMS of their deviations in seconds.
    pub residual_s: f64,
    /// How much later than the first arrival the strongest came, in seconds.
    pub strongest_after_s: f64,
}

/// Latency: arrival minus emission minus time of flight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Latency {
    /// The latency in seconds.
    pub value_s: f64,
    /// Combined standard uncertainty in seconds (k = 1).
    pub uncertainty_s: f64,
    /// Share of the noise in it.
    pub noise_s: f64,
    /// Share of the time of emission.
    pub emission_s: f64,
    /// Share of the definition: what a speaker's own phase does to "first arrival".
    pub definition_s: f64,
}

/// Levels at the microphone in dBFS (RMS).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Level {
    /// The noise part, all frequencies.
    pub rms_dbfs: f64,
    /// The noise part, 500 to 8000 Hz.
    pub band_dbfs: f64,
    /// The silence before the stimulus, all frequencies.
    pub floor_dbfs: f64,
    /// That silence, 500 to 8000 Hz.
    pub floor_band_dbfs: f64,
    /// Signal-to-noise ratio of the noise part, 500 to 8000 Hz, noise taken out of the signal.
    pub snr_band_db: f64,
}

/// The recording itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct CaptureFigures {
    /// Length in seconds.
    pub duration_s: f64,
    /// Largest magnitude in dBFS (peak).
    pub peak_dbfs: f64,
    /// Level of the whole in dBFS (RMS).
    pub rms_dbfs: f64,
    /// Longest run of full-scale samples.
    pub longest_clip: usize,
}

/// Which stimulus was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct StimulusRef {
    /// Its name.
    pub name: Name,
    /// Version of its generator.
    pub generator_version: u32,
    /// Its rate in Hz.
    pub rate: u32,
    /// Its identity.
    pub code: u32,
}

impl From<&Stimulus> for StimulusRef {
    fn from(stimulus: &Stimulus) -> Self {
        let positions = stimulus.positions();
        Self {
            name: positions.name,
            generator_version: positions.generator_version,
            rate: positions.rate,
            code: positions.code,
        }
    }
}

/// Everything that one analysis found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Findings {
    /// Name of the method.
    pub method: &'static str,
    /// Its version: raised when the same recording may give another answer.
    pub method_version: u32,
    /// What was looked for.
    pub stimulus: StimulusRef,
    /// The recording.
    pub capture: CaptureFigures,
    /// Heard or not.
    pub presence: Presence,
    /// What that rests on.
    pub quality: PresenceQuality,
    /// When it arrived.
    pub arrival: Outcome<Arrival>,
    /// How long it took.
    pub latency: Outcome<Latency>,
    /// How loud it was.
    pub level: Outcome<Level>,
}
