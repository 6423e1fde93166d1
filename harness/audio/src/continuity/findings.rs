//! What was found, each value with the figures on which it rests.

use schemars::JsonSchema;
use serde::Serialize;

use crate::measure::Outcome;

/// Where something happened that belongs to the path and not to the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Before the loudspeaker: the room's reverberation goes on through it.
    Stream,
    /// In the recording itself: the reverberation jumps with the sound. The rig's fault.
    Capture,
    /// The room is too dry or too noisy to tell.
    Undecided,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum EventKind {
    /// The sound was missing (or more than 6 dB down for less than 0.1 s) and went on as if it had been there.
    Mute {
        /// Gain in the gap relative to before and after, 0 to 0.5.
        gain: f64,
    },
    /// There was sound, but not the reference at any alignment tried: concealment, decoding errors, another sound in its place.
    Garbled,
    /// The reference was not heard at any alignment tried, and the noise hides whether anything else was.
    Lost,
    /// A stretch of the reference was left out.
    Skip {
        /// Its length in frames of the reference.
        frames: u64,
        /// Silence in its place, in seconds.
        silence_s: f64,
        /// Device or rig.
        origin: Origin,
    },
    /// Silence was put in and the reference went on where it had stopped.
    Stall {
        /// Frames of delay that remain.
        frames: u64,
        /// The silence in seconds.
        silence_s: f64,
        /// Device or rig.
        origin: Origin,
    },
    /// A stretch of the reference was played again.
    Repeat {
        /// Its length in frames of the reference.
        frames: u64,
        /// Silence before it, in seconds.
        silence_s: f64,
        /// Device or rig.
        origin: Origin,
    },
    /// Sound beside the reference for less than 5 ms.
    Click {
        /// Its power over the usual remainder, in dB.
        above_db: f64,
    },
    /// Sound beside the reference for longer. It may come from the room.
    Burst {
        /// Its power over the usual remainder, in dB.
        above_db: f64,
    },
    /// The level changed within at most 0.1 s and stayed.
    Step {
        /// By how much, in dB.
        change_db: f64,
        /// Standard uncertainty in dB.
        uncertainty_db: f64,
    },
    /// The level changed slowly, from the event's start to its end.
    Fade {
        /// By how much, in dB.
        change_db: f64,
        /// Standard uncertainty in dB.
        uncertainty_db: f64,
    },
}

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Event {
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
    /// Where it starts in the recording, in seconds; strongest path.
    pub from_s: f64,
    /// Where it ends. A jump without silence ends where it starts.
    pub to_s: f64,
    /// Its start on the reference, in seconds.
    pub reference_s: f64,
    /// Standard uncertainty of either end in seconds.
    pub uncertainty_s: f64,
    /// How far the event stands out: nats of log-likelihood ratio for gaps, standard deviations for all else.
    pub strength: f64,
}

impl Event {
    /// Its length in the recording, in seconds.
    pub fn length_s(&self) -> f64 {
        self.to_s - self.from_s
    }
}

/// What the findings rest on.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Quality {
    /// Seconds of the recording in which the reference was followed or shown to be missing.
    pub listened_s: f64,
    /// First and last second of the recording that were looked at.
    pub span_s: (f64, f64),
    /// Share of that in which no gap would have shown, 0 to 1: another sound hid it, or it was itself too quiet.
    pub masked: f64,
    /// Peak of the impulse response over its floor in the worst window: whose sound it is.
    pub identity_z: f64,
    /// Power of the direct sound over that of the remainder in dB, 300 to 14000 Hz: median of the windows.
    pub snr_db: f64,
    /// Power of all sound that belongs to the reference over that of the remainder, in dB: median of the windows.
    pub snr_total_db: f64,
    /// Block length to which `sigma` belongs, in seconds.
    pub block_s: f64,
    /// Standard deviation of the gain of such blocks, 1 = the sound itself: worst window.
    pub sigma: f64,
    /// Shortest gap that is found with a probability of 99.9 %, in seconds: worst window.
    pub minimum_gap_s: f64,
    /// Share of the blocks of 0.1 s whose alignment was followed, gaps not counted, 0 to 1.
    pub aligned: f64,
}

/// Gaps: muted, garbled or lost stretches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Dropouts {
    /// How many.
    pub count: usize,
    /// Their sum in seconds.
    pub total_s: f64,
    /// The longest in seconds.
    pub longest_s: f64,
    /// Standard uncertainty of a length in seconds.
    pub uncertainty_s: f64,
    /// Seconds listened to: what a rate refers to.
    pub listened_s: f64,
}

/// Steps of the alignment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Jumps {
    /// Stretches left out.
    pub skips: usize,
    /// Silences put in.
    pub stalls: usize,
    /// Stretches played again.
    pub repeats: usize,
    /// Sum of all in frames of the reference: positive, the sound came later in the end than at the start. Exact.
    pub net_frames: i64,
}

/// Sound beside the reference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Clicks {
    /// Shorter than 5 ms.
    pub clicks: usize,
    /// Longer.
    pub bursts: usize,
    /// Power from which a click counts, in dB over the power of the direct sound, median of the windows.
    pub minimum_db: f64,
}

/// The level over time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Levels {
    /// Sudden changes.
    pub steps: usize,
    /// Slow changes.
    pub fades: usize,
    /// Highest over lowest level in dB, 0.1 s blocks, gaps not counted, smoothed over 0.5 s.
    pub range_db: f64,
    /// Standard deviation of a block in dB.
    pub uncertainty_db: f64,
    /// Smallest change that counts, in dB.
    pub minimum_db: f64,
}

/// What is missing at the start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct StartUp {
    /// Seconds of the reference that were not heard before it was.
    pub lost_s: f64,
    /// Standard uncertainty in seconds.
    pub uncertainty_s: f64,
}

/// Drift round one instant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct DriftPoint {
    /// The instant in the recording, in seconds.
    pub at_s: f64,
    /// Drift in parts per million.
    pub ppm: f64,
    /// Standard uncertainty.
    pub uncertainty_ppm: f64,
}

/// How the clocks run apart, jumps taken out. Positive: the recording holds more frames than were played.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Clock {
    /// Mean drift in parts per million.
    pub drift_ppm: f64,
    /// Its standard uncertainty: scatter of the alignment round its line, correlation in time included.
    pub uncertainty_ppm: f64,
    /// RMS deviation from the line in seconds.
    pub residual_s: f64,
    /// The clocks kept their ratio within what could be seen.
    pub steady: bool,
    /// Drift over time, about every 5 s.
    pub track: Vec<DriftPoint>,
}

/// Everything found. Each outcome is inconclusive with its reason where the recording does not carry it; `events` holds whatever was
/// proven, even then.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Continuity {
    /// Name of the method.
    pub method: &'static str,
    /// Its version: raised when the same recording may give another answer.
    pub method_version: u32,
    /// Figures on which all rests; none if the reference was not found.
    pub quality: Option<Quality>,
    /// What happened, in the order of time; at most [`Continuity::MAX_EVENTS`].
    pub events: Vec<Event>,
    /// Events that were counted but not kept.
    pub events_not_kept: usize,
    /// Gaps.
    pub dropouts: Outcome<Dropouts>,
    /// Skips, stalls, repeats.
    pub jumps: Outcome<Jumps>,
    /// Clicks and bursts.
    pub clicks: Outcome<Clicks>,
    /// Level changes.
    pub levels: Outcome<Levels>,
    /// Start-up loss.
    pub start_up: Outcome<StartUp>,
    /// Drift.
    pub clock: Outcome<Clock>,
}

impl Continuity {
    /// So many events are kept.
    pub const MAX_EVENTS: usize = 10_000;
}
