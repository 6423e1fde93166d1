//! What a survey says.

use schemars::JsonSchema;
use serde::Serialize;

use super::response::ResponseFigures;
use crate::channels::{Doubled, Heard, Howling, Layout, PolarityFound};
use crate::continuity::Continuity;
use crate::fingerprint::Fingerprint;
use crate::loudness::{Chain, Hum, NoiseFloor, Snr, SoundPressure, WeightedLevel};
use crate::measure::{Findings, Outcome};
use crate::response::ThdN;

/// The silence before the stimulus.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Floor {
    /// Its levels.
    pub noise: Outcome<NoiseFloor>,
    /// Mains hum in it.
    pub hum: Outcome<Hum>,
    /// The pseudo-noise over it, 300 to 14000 Hz.
    pub snr: Outcome<Snr>,
}

/// Which channels are heard, the right way round, once.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ChannelFindings {
    /// What the microphone hears of each channel.
    pub heard: Outcome<Heard>,
    /// How the speaker is wired; absent where it is not known which driver the microphone is nearer to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<Outcome<Layout>>,
    /// The sign of the louder channel's first arrival.
    pub polarity: Outcome<PolarityFound>,
    /// Whether that channel is heard more than once.
    pub doubled: Outcome<Doubled>,
}

/// How loud the pseudo-noise is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Loudness {
    /// A-weighted, in dB re full scale.
    pub a_weighted: Outcome<WeightedLevel>,
    /// A-weighted sound pressure; absent without calibration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sound_pressure: Option<Outcome<SoundPressure>>,
}

/// Whether the pseudo-noise was heard without a hole, and alone.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Steadiness {
    /// Dropouts, jumps, clicks, level changes, clock. `reference_s` counts from the start of the noise.
    pub continuity: Outcome<Continuity>,
    /// Feedback.
    pub howling: Outcome<Howling>,
}

/// Everything that one recording says about one stimulus. What the stimulus has no part for is absent.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Survey {
    /// Presence, arrival, latency, level, and the figures of the recording.
    pub findings: Findings,
    /// Of the silence before the stimulus, where it lasts a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<Floor>,
    /// Of the channel codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<ChannelFindings>,
    /// Of the level ladder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<Outcome<Chain>>,
    /// Of the sweep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Outcome<ResponseFigures>>,
    /// Of the dense multitone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Outcome<Fingerprint>>,
    /// Of the tone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thd_n: Option<Outcome<ThdN>>,
    /// Of the noise, where it lasts a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loudness: Option<Loudness>,
    /// Of the noise, where it lasts a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steadiness: Option<Steadiness>,
}
