//! What is played: composite test signals, generated from a name, a rate and a code.
//!
//! The code is the identity of one speaker in one rig. It chooses the spacing and the sweep directions of the markers (64 patterns) and seeds
//! the noise (all 32 bits), so that the sound of another speaker or another rig is recognised and never taken for this one.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::signal;

/// Version of the generator: the same name, rate and code give the same samples as long as it stays the same.
pub const GENERATOR_VERSION: u32 = 1;
/// The rates of A2DP for which stimuli are made, in Hz: generating at the negotiated rate keeps resamplers out of the path.
pub const RATES: [u32; 2] = [44_100, 48_000];

/// Lowest and highest frequency of the markers in Hz.
pub const MARKER_BAND: (f64, f64) = (500.0, 8000.0);
/// Length of one marker in seconds.
pub const MARKER_S: f64 = 0.1;

const MARKER_PEAK: f64 = 0.316_227_766; // -10 dBFS
const PRIMER_RMS: f64 = 0.031_622_777; // -30 dBFS
const NOISE_SIGMA: f64 = 0.15; // with the clip at 3 sigma a peak of -7 dBFS

/// A stimulus by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    /// At most 3 s: silence, primer, markers, noise, markers. Presence, latency, level.
    Smoke,
}

impl Name {
    /// Every name there is.
    pub const ALL: [Self; 1] = [Self::Smoke];
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smoke => f.write_str("smoke"),
        }
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

/// Which of the two marker triplets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Triplet {
    /// Before the noise.
    First,
    /// After it, with all directions turned round.
    Last,
}

/// Direction of a marker's sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Pseudo-noise seeded by the code: identity, level, coverage.
    Noise,
}

/// One part of a stimulus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// Where the parts of a stimulus lie, for machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Its parts in the order of time.
    pub parts: Vec<Part>,
}

/// A generated stimulus. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Stimulus {
    positions: Arc<Positions>,
    samples: Arc<[f32]>,
}

impl Stimulus {
    /// Generates the stimulus `name` at `rate` Hz with the identity `code`.
    ///
    /// # Errors
    /// [`StimulusError::UnsupportedRate`] unless the rate is one of [`RATES`].
    pub fn build(name: Name, rate: u32, code: u32) -> Result<Self, StimulusError> {
        if !RATES.contains(&rate) {
            return Err(StimulusError::UnsupportedRate { name, rate });
        }
        let positions = match name {
            Name::Smoke => smoke(rate, code, Pattern::of(code)),
        };
        let mut samples = vec![0.0f32; positions.frames];
        for part in &positions.parts {
            let (content, scale) = match part.kind {
                PartKind::Silence => continue,
                PartKind::Primer => (signal::pink(&mut generator(code, 1), rate, part.frames), PRIMER_RMS),
                PartKind::Marker { sweep, .. } => (sweep.marker(rate), MARKER_PEAK),
                PartKind::Noise => (signal::noise(&mut generator(code, 2), rate, part.frames), NOISE_SIGMA),
            };
            for (sample, value) in samples[part.range()].iter_mut().zip(content) {
                *sample = (value * scale) as f32;
            }
        }
        Ok(Self { positions: Arc::new(positions), samples: samples.into() })
    }

    /// Its name.
    pub fn name(&self) -> Name {
        self.positions.name
    }

    /// Its frames per second.
    pub fn rate(&self) -> u32 {
        self.positions.rate
    }

    /// The identity that it carries.
    pub fn code(&self) -> u32 {
        self.positions.code
    }

    /// One channel of samples, full scale 1.0, peak below -1 dBFS. Send it on every channel of the stream.
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Its length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate())
    }

    /// The samples as little-endian 32-bit floats: what to hash.
    pub fn le_bytes(&self) -> Vec<u8> {
        self.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }

    /// Where its parts lie.
    pub fn positions(&self) -> &Positions {
        &self.positions
    }

    /// The same stimulus with the markers of every pattern but its own: what another code would have put there.
    pub(crate) fn foreign(&self) -> impl Iterator<Item = Positions> {
        let (rate, code) = (self.rate(), self.code());
        let others = Pattern::all().filter(move |pattern| *pattern != Pattern::of(code));
        others.map(move |pattern| match self.name() {
            Name::Smoke => smoke(rate, code, pattern),
        })
    }

    /// The one noise part.
    pub(crate) fn noise(&self) -> Option<&Part> {
        self.positions.parts.iter().find(|part| part.kind == PartKind::Noise)
    }
}

fn generator(code: u32, part: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(u64::from(GENERATOR_VERSION) << 48 | part << 32 | u64::from(code))
}

fn frames(seconds: f64, rate: u32) -> usize {
    (seconds * f64::from(rate)).round() as usize
}

fn smoke(rate: u32, code: u32, pattern: Pattern) -> Positions {
    const FIRST_S: f64 = 0.60;
    const NOISE_S: (f64, f64) = (1.28, 0.87);
    const LAST_S: f64 = 2.20;
    const END_S: f64 = 2.95;
    let at = |kind, start_s, length_s| Part { kind, start: frames(start_s, rate), frames: frames(length_s, rate) };
    let triplet = |triplet, start_s: f64| {
        (0..3u8).map(move |index| {
            let sweep = pattern.sweeps(triplet)[usize::from(index)];
            at(PartKind::Marker { triplet, index, sweep }, start_s + pattern.offsets_s()[usize::from(index)], MARKER_S)
        })
    };
    let mut parts = vec![at(PartKind::Silence, 0.0, 0.30), at(PartKind::Primer, 0.30, 0.25)];
    parts.extend(triplet(Triplet::First, FIRST_S));
    parts.push(at(PartKind::Noise, NOISE_S.0, NOISE_S.1));
    parts.extend(triplet(Triplet::Last, LAST_S));
    Positions {
        name: Name::Smoke,
        generator_version: GENERATOR_VERSION,
        rate,
        code,
        frames: frames(END_S, rate),
        parts,
    }
}

/// The arrangement of a triplet that belongs to a code: 16 spacings times 4 choices of directions. The spacings differ by 30 ms, more than
/// the guard round a correlation peak, so that an echo of one pattern is not another. The first marker rises in every pattern and falls in
/// every last triplet: nobody's first triplet is anybody's last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pattern(u8);

impl Pattern {
    pub(crate) fn of(code: u32) -> Self {
        // Fibonacci hashing: neighbouring codes get distant patterns.
        Self((code.wrapping_mul(0x9E37_79B1) >> 26) as u8)
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..64).map(Self)
    }

    /// Starts of the three markers after the start of the triplet.
    pub(crate) fn offsets_s(self) -> [f64; 3] {
        [0.0, 0.17 + 0.03 * f64::from(self.0 & 3), 0.44 + 0.03 * f64::from(self.0 >> 2 & 3)]
    }

    pub(crate) fn sweeps(self, triplet: Triplet) -> [Sweep; 3] {
        let sweep = |bit: u8| if self.0 >> bit & 1 == 0 { Sweep::Up } else { Sweep::Down };
        let first = [Sweep::Up, sweep(4), sweep(5)];
        match triplet {
            Triplet::First => first,
            Triplet::Last => first.map(Sweep::reversed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_uneven_and_unlike_every_other() {
        let all: Vec<_> = Pattern::all().collect();
        for (n, pattern) in all.iter().enumerate() {
            let [_, second, third] = pattern.offsets_s();
            assert!((third - 2.0 * second).abs() > 0.009, "even spacing is no identity");
            assert!(third + MARKER_S < 0.66 && second > 0.12 && third - second > 0.12);
            for other in &all[n + 1..] {
                let same_directions = pattern.sweeps(Triplet::First) == other.sweeps(Triplet::First);
                assert!(!same_directions || pattern.offsets_s() != other.offsets_s());
            }
        }
    }

    #[test]
    fn codes_use_all_patterns() {
        let used: std::collections::BTreeSet<u8> = (0..1000).map(|code| Pattern::of(code).0).collect();
        assert_eq!(used.len(), 64);
    }
}
