//! What was played: any stretch of samples, or pseudo-noise of any length made where it is needed.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::fft::{Complex, Fft};
use crate::filter::bandpass_zero_phase;
use crate::signal::gaussian;

/// A known sound that can be read anywhere: 1 channel, full scale 1.0.
pub trait Reference {
    /// Its length in frames.
    fn frames(&self) -> u64;
    /// Fills `out` with the frames from `from` on; zeros before the start and after the end.
    fn read(&mut self, from: i64, out: &mut [f32]);
}

impl Reference for &[f32] {
    fn frames(&self) -> u64 {
        self.len() as u64
    }

    fn read(&mut self, from: i64, out: &mut [f32]) {
        for (n, sample) in out.iter_mut().enumerate() {
            let value = usize::try_from(from + n as i64).ok().and_then(|frame| self.get(frame));
            *sample = value.copied().unwrap_or(0.0);
        }
    }
}

/// Half the length of the band-pass, in frames.
const HALF: usize = 1024;
/// Frames made at once: with the filter round them a fast transform.
const BLOCK: usize = 10 * 1024;
const SIZE: usize = BLOCK + 2 * HALF;
const RMS: f64 = 0.15;
const CLIP: f64 = 3.0;

/// Pseudo-noise: normally distributed, 300 to 14000 Hz (zero-phase Butterworth of order 4), clipped at three standard deviations, RMS 0.15.
/// Each frame depends on the seed and its number only, so hours of it need no memory.
pub struct PseudoNoise {
    frames: u64,
    seed: u64,
    fft: Fft<f64>,
    filter: Vec<Complex<f64>>,
    block: Vec<f32>,
    kept: Option<u64>,
}

impl PseudoNoise {
    /// `frames` frames of noise for playing at `rate` Hz, chosen by `seed`.
    pub fn new(rate: u32, frames: u64, seed: u64) -> Self {
        let mut fft = Fft::default();
        let step = f64::from(rate) / SIZE as f64;
        let response = (0..=SIZE / 2).map(|bin| bandpass_zero_phase(bin as f64 * step, 300.0, 14_000.0));
        let mut kernel = fft.inverse(response.map(|gain| Complex::new(gain, 0.0)).collect(), SIZE);
        // Cut to its middle with soft edges, so that a block needs no more than HALF frames on either side.
        for (lag, value) in kernel.iter_mut().enumerate() {
            let x = lag.min(SIZE - lag) as f64 / HALF as f64;
            *value *= if x < 1.0 { 0.5 + 0.5 * (std::f64::consts::PI * x).cos() } else { 0.0 };
        }
        let scale = RMS / kernel.iter().map(|value| value * value).sum::<f64>().sqrt();
        for value in &mut kernel {
            *value *= scale;
        }
        let filter = fft.forward(&kernel, SIZE);
        Self { frames, seed, fft, filter, block: Vec::new(), kept: None }
    }

    fn make(&mut self, index: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        // One normal value takes two 64-bit words; frame 0 needs HALF of them before it.
        rng.set_word_pos(u128::from(index) * BLOCK as u128 * 4);
        let white: Vec<f64> = (0..SIZE).map(|_| gaussian(&mut rng)).collect();
        let mut spectrum = self.fft.forward(&white, SIZE);
        for (value, gain) in spectrum.iter_mut().zip(&self.filter) {
            *value *= gain;
        }
        let made = self.fft.inverse(spectrum, SIZE);
        let limit = CLIP * RMS;
        self.block = made[HALF..HALF + BLOCK].iter().map(|value| value.clamp(-limit, limit) as f32).collect();
        self.kept = Some(index);
    }
}

impl Reference for PseudoNoise {
    fn frames(&self) -> u64 {
        self.frames
    }

    fn read(&mut self, from: i64, out: &mut [f32]) {
        let mut done = 0;
        while done < out.len() {
            let frame = from + done as i64;
            let Ok(at) = u64::try_from(frame) else {
                let still = (frame.unsigned_abs() as usize).min(out.len() - done);
                out[done..done + still].fill(0.0);
                done += still;
                continue;
            };
            if at >= self.frames {
                out[done..].fill(0.0);
                return;
            }
            let index = at / BLOCK as u64;
            if self.kept != Some(index) {
                self.make(index);
            }
            let offset = (at % BLOCK as u64) as usize;
            let count = (BLOCK - offset).min(out.len() - done).min((self.frames - at) as usize);
            out[done..done + count].copy_from_slice(&self.block[offset..offset + count]);
            done += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fft::bins;

    #[test]
    fn a_frame_of_the_noise_does_not_depend_on_how_it_is_read() {
        let mut noise = PseudoNoise::new(48_000, 50_000, 7);
        let mut whole = vec![1.0; 60_000];
        noise.read(-5000, &mut whole);
        assert!(whole[..5000].iter().chain(&whole[55_000..]).all(|sample| *sample == 0.0));
        for (from, count) in [(0, 1), (10_239, 2), (20_000, 12_345), (49_990, 20), (-3, 7)] {
            let mut piece = vec![1.0; count];
            PseudoNoise::new(48_000, 50_000, 7).read(from, &mut piece);
            let at = (from + 5000) as usize;
            assert_eq!(piece, whole[at..at + count], "{count} frames from {from}");
        }
    }

    #[test]
    fn the_noise_has_its_level_its_band_and_its_clip() {
        let mut samples = vec![0.0; 1 << 18];
        PseudoNoise::new(48_000, 1 << 18, 8).read(0, &mut samples);
        let power = samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64;
        assert!((power.sqrt() / 0.15 - 1.0).abs() < 0.02, "{}", power.sqrt());
        assert!(samples.iter().all(|s| s.abs() <= 0.4501));
        let spectrum = Fft::default().forward(&samples, 1 << 18);
        let density = |band: (f64, f64)| {
            let bins = bins(1 << 18, 48_000, band);
            let count = bins.len() as f64;
            10.0 * (spectrum[bins].iter().map(|v| f64::from(v.norm_sqr())).sum::<f64>() / count).log10()
        };
        let middle = density((1000.0, 8000.0));
        for (band, lowest, highest) in [((290.0, 310.0), -8.0, -4.0), ((13_900.0, 14_100.0), -8.0, -4.0)] {
            let level = density(band) - middle;
            assert!((lowest..highest).contains(&level), "{band:?}: {level} dB");
        }
        // The band-pass is 31 dB down at 22 kHz and far more below 100 Hz; there is what the clip leaves.
        let (low, high) = (density((20.0, 100.0)) - middle, density((22_000.0, 23_900.0)) - middle);
        assert!(low < -25.0 && high < -25.0, "{low} {high} dB");
    }

    #[test]
    fn another_seed_is_another_noise() {
        let read = |seed| {
            let mut out = vec![0.0; 20_000];
            PseudoNoise::new(48_000, 20_000, seed).read(0, &mut out);
            out
        };
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let (a, b) = (read(1), read(2));
        assert!((dot(&a, &b) / dot(&a, &a)).abs() < 0.05);
    }
}
