//! From positions to samples.

use std::sync::Arc;

use super::content::{Maker, Sound};
use super::layout::layout;
use super::parts::{Part, PartKind, Positions};
use super::pattern::Pattern;
use super::{Name, StimulusError};

/// Version of the generator: the same name, rate and code give the same samples as long as it stays the same.
pub const GENERATOR_VERSION: u32 = 1;
/// The rates of A2DP for which stimuli are made, in Hz: generating at the negotiated rate keeps resamplers out of the path.
pub const RATES: [u32; 2] = [44_100, 48_000];

/// A generated stimulus. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Stimulus {
    positions: Arc<Positions>,
    samples: Arc<[f32]>,
    /// The right channel, if it differs.
    right: Option<Arc<[f32]>>,
}

impl Stimulus {
    /// Generates the stimulus `name` at `rate` Hz with the identity `code`.
    ///
    /// # Errors
    /// [`StimulusError::UnsupportedRate`] unless the rate is one of [`RATES`].
    pub fn build(name: Name, rate: u32, code: u32) -> Result<Self, StimulusError> {
        let positions = Positions::of(name, rate, code)?;
        let mut samples = vec![0.0f32; positions.frames];
        let mut right = (positions.channels == 2).then(|| samples.clone());
        let mut maker = Maker::new(rate, code);
        let mut step = 0;
        for part in &positions.parts {
            let sound = maker.sound(part, step);
            step += usize::from(matches!(part.kind, PartKind::LadderStep { .. }));
            let (on_left, on_right) = match &sound {
                Sound::Nothing => continue,
                Sound::Everywhere(both) => (both, both),
                Sound::Apart(left, right) => (left, right),
            };
            let put = |out: &mut [f32], content: &[f64]| {
                for (sample, value) in out[part.range()].iter_mut().zip(content) {
                    *sample = *value as f32;
                }
            };
            put(&mut samples, on_left);
            if let Some(right) = &mut right {
                put(right, on_right);
            }
        }
        Ok(Self { positions: Arc::new(positions), samples: samples.into(), right: right.map(Into::into) })
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

    /// How many channels differ: 1 or 2.
    pub fn channels(&self) -> usize {
        self.positions.channels
    }

    /// Samples of the first channel, full scale 1.0, peak below -1 dBFS. Where there is one channel only, send it on every channel of the stream.
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// What is sent on channel `index` of the stream, counted from 0: left and right in turn, the same everywhere where there is one channel.
    pub fn channel(&self, index: usize) -> &[f32] {
        match &self.right {
            Some(right) if index % 2 == 1 => right,
            _ => &self.samples,
        }
    }

    /// Its length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate())
    }

    /// The samples as little-endian 32-bit floats, channels in turn: what to hash.
    pub fn le_bytes(&self) -> Vec<u8> {
        let channels = self.channels();
        let frame = |n: usize| (0..channels).flat_map(move |channel| self.channel(channel)[n].to_le_bytes());
        (0..self.samples.len()).flat_map(frame).collect()
    }

    /// Where its parts lie.
    pub fn positions(&self) -> &Positions {
        &self.positions
    }

    /// The same stimulus with the markers of every pattern but its own: what another code would have put there.
    pub(crate) fn foreign(&self) -> impl Iterator<Item = Positions> {
        let (name, rate, code) = (self.name(), self.rate(), self.code());
        let others = Pattern::all().filter(move |pattern| *pattern != Pattern::of(code));
        others.map(move |pattern| layout(name, rate, code, pattern))
    }

    /// The one noise part.
    pub(crate) fn noise(&self) -> Option<&Part> {
        self.positions.first(|kind| kind == PartKind::Noise)
    }
}
