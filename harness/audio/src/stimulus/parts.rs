//! What a stimulus consists of, for machines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::generate::RATES;
use super::layout::layout;
use super::pattern::Pattern;
use super::{Name, StimulusError, frames};
use crate::channels::Content;
use crate::signal;

/// Lowest and highest frequency of the markers in Hz.
pub const MARKER_BAND: (f64, f64) = (500.0, 8000.0);
/// Length of one marker in seconds.
pub const MARKER_S: f64 = 0.1;

/// Which of the two marker triplets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Triplet {
    /// Before the noise.
    First,
    /// After it, with all directions turned round.
    Last,
}

/// Direction of a marker's sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sweep {
    /// 500 to 8000 Hz.
    Up,
    /// 8000 to 500 Hz.
    Down,
}

impl Sweep {
    /// The other direction.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }

    fn edges(self) -> (f64, f64) {
        match self {
            Self::Up => MARKER_BAND,
            Self::Down => (MARKER_BAND.1, MARKER_BAND.0),
        }
    }

    /// The marker that sweeps this way at `rate` Hz, peak 1.
    pub fn marker(self, rate: u32) -> Vec<f64> {
        let (from, to) = self.edges();
        signal::lfm(rate, frames(MARKER_S, rate), from, to)
    }

    /// The marker's time reference in frames after its start.
    pub(crate) fn centroid(self, rate: u32) -> f64 {
        let (from, to) = self.edges();
        signal::lfm_centroid(MARKER_S, from, to) * f64::from(rate)
    }
}

/// What one part of a stimulus is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum PartKind {
    /// Digital silence: the noise floor is measured here.
    Silence,
    /// Pink noise that wakes the speaker; nothing is judged by it.
    Primer,
    /// One linear sweep of a triplet.
    Marker {
        /// The triplet it belongs to.
        triplet: Triplet,
        /// Its place in the triplet, from 0.
        index: u8,
        /// Its direction.
        sweep: Sweep,
    },
    /// The code of one channel alone, or those of both at once: which channel is heard, the right way round, and once.
    ChannelCode {
        /// Which channels sound.
        content: Content,
    },
    /// One step of the level ladder: gain control.
    LadderStep {
        /// Its level in dB re full scale (RMS).
        dbfs: i32,
    },
    /// An exponential sine sweep: response and harmonics.
    Sweep {
        /// Its first frequency in Hz.
        low_hz: u32,
        /// Its last frequency in Hz.
        high_hz: u32,
    },
    /// A dense multitone with empty places: what the codec left of the sound.
    Probe,
    /// A single tone: distortion and noise.
    Tone {
        /// Its frequency in Hz.
        hz: u32,
    },
    /// Pseudo-noise seeded by the code: identity, level, coverage; where it lasts, dropouts, skips and clock.
    Noise,
}

/// One part of a stimulus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// What it is.
    #[serde(flatten)]
    pub kind: PartKind,
    /// Its first frame in the stimulus.
    pub start: usize,
    /// Its length in frames.
    pub frames: usize,
}

impl Part {
    /// The frames of the stimulus that it covers.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start..self.start + self.frames
    }
}

/// Where the parts of a stimulus lie, for machines. What lies between them is silent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Positions {
    /// The stimulus.
    pub name: Name,
    /// Version of the generator that made it.
    pub generator_version: u32,
    /// Frames per second.
    pub rate: u32,
    /// The identity it carries.
    pub code: u32,
    /// Its length in frames.
    pub frames: usize,
    /// Channels of the stream it is made for: 1 is sent on every channel.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub channels: usize,
    /// Its parts in the order of time.
    pub parts: Vec<Part>,
}

impl Positions {
    /// The positions of the stimulus `name` at `rate` Hz with the identity `code`, without its samples.
    ///
    /// # Errors
    /// As [`super::Stimulus::build`].
    pub fn of(name: Name, rate: u32, code: u32) -> Result<Self, StimulusError> {
        if !RATES.contains(&rate) {
            return Err(StimulusError::UnsupportedRate { name, rate });
        }
        Ok(layout(name, rate, code, Pattern::of(code)))
    }

    /// Its length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.frames as f64 / f64::from(self.rate)
    }

    /// The first part of a kind.
    pub fn first(&self, wanted: impl Fn(PartKind) -> bool) -> Option<&Part> {
        self.parts.iter().find(|part| wanted(part.kind))
    }
}

fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_one(channels: &usize) -> bool {
    *channels == 1
}
