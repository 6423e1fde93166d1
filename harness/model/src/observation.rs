//! Observations: facts recorded in a trial, never changed afterwards.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// What was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// Whether the stimulus was heard.
    Presence,
    /// First arrival of the sound less its emission.
    Latency,
    /// The codec that was agreed on.
    Codec,
    /// The codec that was asked for.
    RequestedCodec,
    /// How long a step took.
    Duration,
    /// How many attempts a step needed.
    Attempts,
    /// Level of the recording.
    Level,
    /// Signal-to-noise ratio in the band of the markers.
    Snr,
    /// The delay that the sink reports over AVDTP.
    ReportedDelay,
    /// What a newer version of Rigtone recorded.
    #[serde(other)]
    Unknown,
}

impl Quantity {
    /// As events write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Latency => "latency",
            Self::Codec => "codec",
            Self::RequestedCodec => "requested-codec",
            Self::Duration => "duration",
            Self::Attempts => "attempts",
            Self::Level => "level",
            Self::Snr => "snr",
            Self::ReportedDelay => "reported-delay",
            Self::Unknown => "unknown",
        }
    }
}

/// The value of an observation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// A number with its unit and its uncertainty in the same unit.
    Number {
        /// The value.
        value: f64,
        /// The unit, such as `ms`.
        unit: String,
        /// Half the width of the interval in which the true value lies.
        uncertainty: f64,
    },
    /// Yes or no.
    Truth(bool),
    /// A word, such as a codec.
    Word(String),
    /// The recording does not carry the answer.
    Inconclusive {
        /// Why not.
        reason: String,
    },
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { value, unit, uncertainty } if *uncertainty > 0.0 => {
                write!(f, "{value:.3} {unit} ± {uncertainty:.3} {unit}")
            }
            Self::Number { value, unit, .. } => write!(f, "{value:.3} {unit}"),
            Self::Truth(true) => f.write_str("yes"),
            Self::Truth(false) => f.write_str("no"),
            Self::Word(word) => f.write_str(word),
            Self::Inconclusive { reason } => write!(f, "inconclusive: {reason}"),
        }
    }
}

/// How a derived observation was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// The method's name.
    pub name: String,
    /// Its version: another one may give another value for the same evidence.
    pub version: u32,
}

/// A fact recorded in a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The label of the step it belongs to.
    pub of: String,
    /// What was observed.
    pub quantity: Quantity,
    /// Its value.
    pub value: Value,
    /// How it was derived; absent for what was read directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// SHA-256 of the evidence it was derived from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The figures on which it rests, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quality: BTreeMap<String, f64>,
}

impl Observation {
    /// What was read directly, without a method between.
    pub fn raw(of: &str, quantity: Quantity, value: Value) -> Self {
        Self { of: of.to_owned(), quantity, value, method: None, evidence: None, quality: BTreeMap::new() }
    }
}
