//! Frequency weighting of IEC 61672-1, annex E: the exact curves, not filters that approximate them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Poles of the curves in Hz.
const F: [f64; 4] = [20.598_997, 107.652_65, 737.862_23, 12_194.217];

/// Frequency weighting of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Weighting {
    /// None.
    Z,
    /// As the ear hears quiet sound.
    A,
    /// Nearly flat from 31.5 Hz to 8 kHz.
    C,
}

impl Weighting {
    /// Power gain at a frequency in Hz; 1 at 1 kHz.
    pub fn power(self, hz: f64) -> f64 {
        self.unscaled(hz) / self.unscaled(1000.0)
    }

    /// Gain in dB at a frequency in Hz; 0 at 1 kHz, minus infinity at 0 Hz (A, C).
    pub fn db(self, hz: f64) -> f64 {
        10.0 * self.power(hz).log10()
    }

    fn unscaled(self, hz: f64) -> f64 {
        let [s1, s2, s3, s4] = F.map(|f| f * f);
        let s = hz * hz;
        let ends = s / ((s + s1) * (s + s4));
        match self {
            Self::Z => 1.0,
            Self::A => (ends * s).powi(2) / ((s + s2) * (s + s3)),
            Self::C => ends.powi(2),
        }
    }
}
