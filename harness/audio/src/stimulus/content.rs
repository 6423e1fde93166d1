//! What sounds in the parts, and the same again for measuring them.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::frames;
use super::generate::{GENERATOR_VERSION, Stimulus};
use super::parts::{Part, PartKind};
use crate::channels::{ChannelPart, ChannelTest, Content, code_pair};
use crate::fingerprint::probe;
use crate::loudness::ladder;
use crate::{response, signal};

/// The tone in Hz; whole, as positions list it.
pub(super) const TONE_HZ: u32 = response::TONE_HZ as u32;
/// Its length: half a second for the room to build up, and three to measure.
pub(super) const TONE_S: f64 = 3.5;
/// The sweep: its length in seconds and its band in Hz.
pub(super) const SWEEP_S: f64 = 5.0;
pub(super) const SWEEP_HZ: (u32, u32) = (20, 20_000);

const MARKER_PEAK: f64 = 0.316_227_766; // -10 dBFS
const PRIMER_RMS: f64 = 0.031_622_777; // -30 dBFS
const NOISE_SIGMA: f64 = 0.15; // with the clip at 3 sigma a peak of -7 dBFS
const TONE_PEAK_DBFS: f64 = -6.0;

/// Makes parts of one stimulus.
pub(super) struct Maker {
    rate: u32,
    code: u32,
    ladder: Option<Vec<f64>>,
    codes: Option<(Vec<f64>, Vec<f64>)>,
}

/// The same on all channels, or what belongs to the left and to the right one.
pub(super) enum Sound {
    Nothing,
    Everywhere(Vec<f64>),
    Apart(Vec<f64>, Vec<f64>),
}

impl Maker {
    pub(super) fn new(rate: u32, code: u32) -> Self {
        Self { rate, code, ladder: None, codes: None }
    }

    /// The sound of `part`; `step` counts the steps of the ladder.
    pub(super) fn sound(&mut self, part: &Part, step: usize) -> Sound {
        let (rate, code) = (self.rate, self.code);
        let scaled = |samples: Vec<f64>, by: f64| samples.into_iter().map(|sample| sample * by).collect();
        Sound::Everywhere(match part.kind {
            PartKind::Silence => return Sound::Nothing,
            PartKind::Primer => scaled(signal::pink(&mut generator(code, 1), rate, part.frames), PRIMER_RMS),
            PartKind::Marker { sweep, .. } => scaled(sweep.marker(rate), MARKER_PEAK),
            PartKind::Noise => scaled(signal::noise(&mut generator(code, 2), rate, part.frames), NOISE_SIGMA),
            PartKind::ChannelCode { content } => {
                let (left, right) = self.codes.get_or_insert_with(|| code_pair(rate, code));
                let (left, right) = (left.clone(), right.clone());
                return match content {
                    Content::LeftOnly => Sound::Apart(left, Vec::new()),
                    Content::RightOnly => Sound::Apart(Vec::new(), right),
                    Content::Both => Sound::Apart(left, right),
                };
            }
            PartKind::LadderStep { .. } => {
                let samples = self.ladder.get_or_insert_with(|| ladder(rate, code).samples);
                samples[step * part.frames..(step + 1) * part.frames].to_vec()
            }
            PartKind::Sweep { .. } => sweep(rate).samples().to_vec(),
            PartKind::Probe => probe(rate, code).expect("the rates of A2DP are rates of the probe").samples,
            PartKind::Tone { hz } => response::tone(rate, f64::from(hz), TONE_S, TONE_PEAK_DBFS),
        })
    }
}

/// The sweep of the stimuli at a rate of A2DP.
pub(crate) fn sweep(rate: u32) -> response::Sweep {
    let (low, high) = SWEEP_HZ;
    response::Sweep::new(rate, SWEEP_S, f64::from(low), f64::from(high)).expect("the rates of A2DP carry 20 kHz")
}

fn generator(code: u32, part: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(u64::from(GENERATOR_VERSION) << 48 | part << 32 | u64::from(code))
}

/// The channel codes of a stimulus as its measurement wants them.
pub(crate) struct ChannelCodes {
    /// Frame of the stimulus at which the test begins.
    pub(crate) start: usize,
    /// The test, half a second behind its last code included.
    pub(crate) test: ChannelTest,
}

impl ChannelCodes {
    /// None if the stimulus has no codes.
    pub(crate) fn of(stimulus: &Stimulus) -> Option<Self> {
        let rate = stimulus.rate();
        let positions = stimulus.positions();
        let part = |wanted: Content| positions.first(|kind| kind == PartKind::ChannelCode { content: wanted }).copied();
        let found = [part(Content::LeftOnly)?, part(Content::RightOnly)?, part(Content::Both)?];
        let start = found[0].start;
        let end = (found[2].range().end + frames(0.5, rate)).min(positions.frames);
        let contents = [Content::LeftOnly, Content::RightOnly, Content::Both];
        let parts = std::array::from_fn(|n| ChannelPart {
            content: contents[n],
            start: found[n].start - start,
            frames: found[n].frames,
        });
        let played = |channel: usize| stimulus.channel(channel)[start..end].iter().map(|s| f64::from(*s)).collect();
        let (left_code, right_code) = code_pair(rate, stimulus.code());
        let test = ChannelTest { rate, left_code, right_code, left: played(0), right: played(1), parts };
        Some(Self { start, test })
    }
}
