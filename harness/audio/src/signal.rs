//! The signals that stimuli are made of.

use std::f64::consts::PI;

use rand::Rng;

use crate::fft::{Complex, Fft, fast_size};
use crate::filter::{apply, bandpass_zero_phase};
use crate::window::tukey;

/// Linear frequency sweep (LFM): amplitude 1, from `from` to `to` Hz over all of `frames`, edges tapered by a Tukey window of 5 %.
pub fn lfm(rate: u32, frames: usize, from: f64, to: f64) -> Vec<f64> {
    let rate = f64::from(rate);
    let length = frames as f64 / rate;
    tukey(frames, 0.05)
        .into_iter()
        .enumerate()
        .map(|(n, weight)| {
            let t = n as f64 / rate;
            weight * (2.0 * PI * (from * t + (to - from) / (2.0 * length) * t * t)).sin()
        })
        .collect()
}

/// The time reference of a sweep in seconds after its start: its centroid weighted by frequency squared. A matched filter under clock drift
/// places this instant, and no other, without bias.
pub fn lfm_centroid(length: f64, from: f64, to: f64) -> f64 {
    // Closed form of the two integrals over f(t) = from + k t.
    let k = (to - from) / length;
    let weight = (to.powi(3) - from.powi(3)) / (3.0 * k);
    let moment = (to.powi(4) - from.powi(4)) / (4.0 * k * k) - from / k * weight;
    moment / weight
}

/// One normally distributed value (Box-Muller).
pub fn gaussian(rng: &mut impl Rng) -> f64 {
    // 53 random bits each; the first is kept away from zero for the logarithm.
    let unit = |bits: u64| (bits >> 11) as f64 / (1u64 << 53) as f64;
    let (u, v) = (1.0 - unit(rng.next_u64()), unit(rng.next_u64()));
    (-2.0 * u.ln()).sqrt() * (2.0 * PI * v).cos()
}

/// Pink noise (power falls by 3 dB per octave) from 20 Hz up, RMS 1.
pub fn pink(rng: &mut impl Rng, rate: u32, frames: usize) -> Vec<f64> {
    let size = fast_size(frames);
    let step = f64::from(rate) / size as f64;
    let spectrum = (0..=size / 2)
        .map(|bin| {
            let value = Complex::new(gaussian(rng), gaussian(rng));
            let frequency = bin as f64 * step;
            if frequency < 20.0 { Complex::default() } else { value / frequency.sqrt() }
        })
        .collect();
    let mut samples = Fft::default().inverse(spectrum, size);
    samples.truncate(frames);
    normalise(&mut samples);
    samples
}

/// Pseudo-noise: normally distributed, 300 to 14000 Hz, clipped at three standard deviations, RMS about 1, peak 3.
pub fn noise(rng: &mut impl Rng, rate: u32, frames: usize) -> Vec<f64> {
    let white: Vec<f64> = (0..frames).map(|_| gaussian(rng)).collect();
    let response = |frequency| Complex::new(bandpass_zero_phase(frequency, 300.0, 14_000.0), 0.0);
    let mut samples = apply(&mut Fft::default(), &white, rate, 0, response);
    normalise(&mut samples);
    for sample in &mut samples {
        *sample = sample.clamp(-3.0, 3.0);
    }
    samples
}

fn normalise(samples: &mut [f64]) {
    let power = samples.iter().map(|s| s * s).sum::<f64>() / samples.len().max(1) as f64;
    if power > 0.0 {
        let scale = power.sqrt().recip();
        for sample in samples {
            *sample *= scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn the_centroid_of_the_marker_lies_at_0_733_of_its_length() {
        assert!((lfm_centroid(1.0, 500.0, 8000.0) - 0.733).abs() < 1e-3);
        let down = lfm_centroid(1.0, 8000.0, 500.0);
        assert!((down - (1.0 - lfm_centroid(1.0, 500.0, 8000.0))).abs() < 1e-12, "a falling sweep is the mirror image");
    }

    #[test]
    fn pink_noise_has_equal_power_in_each_octave() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let samples = pink(&mut rng, 48_000, 1 << 18);
        let spectrum = Fft::default().forward(&samples, 1 << 18);
        let octave = |low: f64| {
            crate::fft::bins(1 << 18, 48_000, (low, 2.0 * low)).map(|bin| spectrum[bin].norm_sqr()).sum::<f64>()
        };
        for low in [125.0, 500.0, 2000.0, 8000.0] {
            let step = 10.0 * (octave(low) / octave(1000.0)).log10();
            assert!(step.abs() < 0.5, "octave from {low} Hz: {step} dB");
        }
    }

    #[test]
    fn noise_is_clipped_at_three_sigma_and_keeps_its_level() {
        let samples = noise(&mut ChaCha8Rng::seed_from_u64(2), 48_000, 48_000);
        let power = samples.iter().map(|s| s * s).sum::<f64>() / samples.len() as f64;
        assert!(samples.iter().all(|s| s.abs() <= 3.0) && (power - 1.0).abs() < 0.02);
    }
}
