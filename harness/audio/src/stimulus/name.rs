//! Stimuli by name.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stimulus by name. All but `smoke` begin with more than 1 s of silence; every one carries its code in markers and noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    /// At most 3 s: silence, primer, markers, noise, markers. Presence, latency, level.
    Smoke,
    /// All parts, about 40 s, two channels.
    Full,
    /// The channel codes, two channels: channel layout, polarity, doubled audio.
    Channels,
    /// The level ladder: gain control.
    Ladder,
    /// The exponential sine sweep: response and harmonics.
    Sweep,
    /// The dense multitone: bandwidth fingerprint.
    Probe,
    /// The tone: distortion and noise.
    Tone,
    /// 12 s of pseudo-noise: dropouts, skips, clicks, clock.
    Noise,
}

impl Name {
    /// Every name there is.
    pub const ALL: [Self; 8] =
        [Self::Smoke, Self::Full, Self::Channels, Self::Ladder, Self::Sweep, Self::Probe, Self::Tone, Self::Noise];
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Smoke => "smoke",
            Self::Full => "full",
            Self::Channels => "channels",
            Self::Ladder => "ladder",
            Self::Sweep => "sweep",
            Self::Probe => "probe",
            Self::Tone => "tone",
            Self::Noise => "noise",
        })
    }
}

impl FromStr for Name {
    type Err = StimulusError;

    fn from_str(text: &str) -> Result<Self, StimulusError> {
        let known = Self::ALL.into_iter().find(|name| name.to_string() == text);
        known.ok_or_else(|| StimulusError::UnknownName { name: text.to_owned() })
    }
}

/// Why a stimulus cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StimulusError {
    /// Nobody knows a stimulus of that name.
    #[error("unknown stimulus `{name}` (known: {})", Name::ALL.map(|name| name.to_string()).join(", "))]
    UnknownName {
        /// The name asked for.
        name: String,
    },
    /// Stimuli are made at the rates of A2DP only.
    #[error("stimulus `{name}` is not made at {rate} Hz (possible: 44100, 48000)")]
    UnsupportedRate {
        /// The stimulus asked for.
        name: Name,
        /// The rate asked for, in Hz.
        rate: u32,
    },
}
