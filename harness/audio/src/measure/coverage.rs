//! Whose noise it is, and which stretches of it were heard.
//!
//! Blocks of the noise are compared with the recording at the lag that the markers gave. The direct sound stops at once when the source
//! stops, so reverberation does not fill the hole.

use crate::fft::{Complex, Fft, bins, fast_size};
use crate::stimulus::{MARKER_BAND, Stimulus};

/// Correlation in standard deviations of chance from which the noise is this code's.
pub(super) const IDENTITY_Z: f64 = 8.0;

const BLOCK_S: f64 = 0.05;
/// Lags tried round the expected one, in frames.
const LAGS: i64 = 4;
/// A block must stand this far out of chance before its lack means anything: with the threshold at half the largest gain, which is biased by
/// about two deviations, five remain.
const BLOCK_Z: f64 = 12.0;
/// Share of the usual gain below which a block was not heard.
const HEARD: f64 = 0.5;

/// The noise of one stimulus, 500 to 8000 Hz.
pub(super) struct Reference {
    samples: Vec<f32>,
    start: usize,
    rate: u32,
}

/// A block of the noise, in frames of the stimulus.
pub(super) struct Block {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) heard: bool,
    /// It lies within the recording.
    pub(super) recorded: bool,
}

/// What the noise part says.
pub(super) struct Coverage {
    /// Correlation over the whole part, in standard deviations of chance.
    pub(super) identity_z: f64,
    /// Blocks, if the recording is quiet enough to tell.
    pub(super) blocks: Vec<Block>,
    /// Their length in seconds.
    pub(super) block_s: Option<f64>,
    /// Power in the band relative to the power of the noise itself: the gain of the path squared, noise of the room included.
    pub(super) gain_power: f64,
}

impl Coverage {
    /// Both together: a block counts as heard if it was heard along either line.
    pub(super) fn or(self, other: Self) -> Self {
        let (mut most, least) = if self.identity_z >= other.identity_z { (self, other) } else { (other, self) };
        if most.blocks.len() == least.blocks.len() {
            for (block, same) in most.blocks.iter_mut().zip(&least.blocks) {
                block.heard |= same.heard;
                block.recorded &= same.recorded;
            }
        }
        most
    }
}

impl Reference {
    pub(super) fn new(fft: &mut Fft<f32>, stimulus: &Stimulus) -> Option<Self> {
        let part = stimulus.noise()?;
        let samples = band_limited(fft, &stimulus.samples()[part.range()], stimulus.rate());
        Some(Self { samples, start: part.start, rate: stimulus.rate() })
    }

    /// Compares the recording with this noise, given where the strongest arrival of stimulus frame 0 lies and the drift.
    pub(super) fn compare(&self, fft: &mut Fft<f32>, recording: &[f32], start: f64, drift: f64) -> Coverage {
        let place = |frame: usize| start + (1.0 + drift) * frame as f64;
        let margin = 2048i64;
        let origin = place(self.start).floor() as i64 - margin;
        let length = (self.samples.len() as f64 * (1.0 + drift)).ceil() as i64 + 2 * margin;
        let at = |frame: i64| usize::try_from(frame).ok().and_then(|frame| recording.get(frame)).copied();
        let segment: Vec<f32> = (origin..origin + length).map(|frame| at(frame).unwrap_or(0.0)).collect();
        let heard = band_limited(fft, &segment, self.rate);

        let block = (BLOCK_S * f64::from(self.rate)).round() as usize;
        let shift = |n: usize| (place(self.start + n * block).round() as i64 - origin) as usize;
        let blocks = self.samples.len() / block;
        let sums = |lag: i64| -> Vec<f64> {
            (0..blocks)
                .map(|n| {
                    let from = (shift(n) as i64 + lag) as usize;
                    dot(&self.samples[n * block..(n + 1) * block], &heard[from..from + block])
                })
                .collect()
        };
        let products = (-LAGS..=LAGS)
            .map(sums)
            .max_by(|a, b| a.iter().sum::<f64>().abs().total_cmp(&b.iter().sum::<f64>().abs()))
            .unwrap_or_default();
        let energy: Vec<(f64, f64)> = (0..blocks)
            .map(|n| {
                let (reference, heard) =
                    (&self.samples[n * block..(n + 1) * block], &heard[shift(n)..shift(n) + block]);
                (dot(reference, reference), dot(heard, heard))
            })
            .collect();
        // Two independent noises of bandwidth B correlate over T seconds like 2 B T independent products.
        let freedom = 2.0 * (MARKER_BAND.1 - MARKER_BAND.0) * block as f64 / f64::from(self.rate);
        let chance: f64 = energy.iter().map(|(x, y)| x * y / freedom).sum::<f64>().sqrt();
        let sum: f64 = products.iter().sum();
        let total: (f64, f64) = energy.iter().fold((0.0, 0.0), |sum, e| (sum.0 + e.0, sum.1 + e.1));
        let recorded = |n: usize| {
            let from = origin + shift(n) as i64;
            from >= 0 && from + block as i64 <= recording.len() as i64
        };
        let mut coverage = Coverage {
            identity_z: if chance > 0.0 { sum.abs() / chance } else { 0.0 },
            blocks: Vec::new(),
            block_s: None,
            gain_power: if total.0 > 0.0 { total.1 / total.0 } else { 0.0 },
        };
        for merge in [1, 2, 4] {
            let groups: Vec<std::ops::Range<usize>> = (0..blocks / merge)
                .map(|n| n * merge..if n == blocks / merge - 1 { blocks } else { (n + 1) * merge })
                .collect();
            let gain = |group: &std::ops::Range<usize>| {
                let x: f64 = energy[group.clone()].iter().map(|e| e.0).sum();
                if x > 0.0 { sum.signum() * products[group.clone()].iter().sum::<f64>() / x } else { 0.0 }
            };
            // The largest gain: what it is where the noise was heard, even if hardly any of it was.
            let usual = groups.iter().map(gain).fold(0.0, f64::max);
            let noise = (coverage.gain_power / (freedom * merge as f64)).sqrt();
            if usual > 0.0 && usual >= BLOCK_Z * noise {
                coverage.block_s = Some((merge * block) as f64 / f64::from(self.rate));
                coverage.blocks = groups
                    .iter()
                    .map(|group| Block {
                        from: self.start + group.start * block,
                        to: self.start + group.end * block,
                        heard: gain(group) >= HEARD * usual,
                        recorded: group.clone().all(recorded),
                    })
                    .collect();
                break;
            }
        }
        coverage
    }
}

fn band_limited(fft: &mut Fft<f32>, samples: &[f32], rate: u32) -> Vec<f32> {
    let size = fast_size(samples.len());
    let mut spectrum = fft.forward(samples, size);
    let band = bins(size, rate, MARKER_BAND);
    spectrum[..band.start].fill(Complex::default());
    spectrum[band.end..].fill(Complex::default());
    let mut out = fft.inverse(spectrum, size);
    out.truncate(samples.len());
    out
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    // Eight partial sums: fast, and kind to the rounding of f32.
    let mut sums = [0.0f32; 8];
    for (x, y) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y;
        }
    }
    let rest: f64 =
        a.chunks_exact(8).remainder().iter().zip(b.chunks_exact(8).remainder()).map(|(x, y)| f64::from(x * y)).sum();
    sums.iter().map(|sum| f64::from(*sum)).sum::<f64>() + rest
}
