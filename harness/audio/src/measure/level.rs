//! Levels and the gate against clipping.

use super::findings::CaptureFigures;
use crate::fft::{Fft, bins, fast_size};

/// What counts as full scale: a few 16-bit steps below 1.0, so that converters of either sign convention are caught.
pub const FULL_SCALE: f32 = 0.9998;

/// Root mean square of samples; 0 for none.
pub fn rms(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (sum / samples.len().max(1) as f64).sqrt()
}

/// An amplitude in dB re full scale. Silence reads -400, which JSON can carry where minus infinity cannot.
pub fn dbfs(amplitude: f64) -> f64 {
    20.0 * amplitude.max(1e-20).log10()
}

/// A power ratio in dB with the same lower end.
pub(super) fn power_db(power: f64) -> f64 {
    10.0 * power.max(1e-40).log10()
}

/// Mean power of `samples` within `band` Hz: periodogram under a window of their length.
pub(super) fn band_power(fft: &mut Fft<f32>, samples: &[f32], window: &[f64], rate: u32, band: (f64, f64)) -> f64 {
    let size = fast_size(samples.len());
    let weight: f64 = window.iter().map(|w| w * w).sum();
    if weight == 0.0 {
        return 0.0;
    }
    let windowed: Vec<f32> = samples.iter().zip(window).map(|(s, w)| s * *w as f32).collect();
    let spectrum = fft.forward(&windowed, size);
    let sum: f64 = spectrum[bins(size, rate, band)].iter().map(|value| f64::from(value.norm_sqr())).sum();
    2.0 * sum / (size as f64 * weight)
}

/// Figures of the recording, and where it first clips: the run of full-scale samples that counts grows with the rate, as 12 at 48 kHz.
pub(crate) fn capture_figures(samples: &[f32], rate: u32) -> (CaptureFigures, Option<usize>) {
    let limit = (f64::from(rate) / 4000.0) as usize;
    let limit = limit.max(3);
    let (mut longest, mut first, mut run) = (0, None, 0);
    for (frame, sample) in samples.iter().enumerate() {
        run = if sample.abs() >= FULL_SCALE { run + 1 } else { 0 };
        longest = longest.max(run);
        if run == limit && first.is_none() {
            first = Some(frame + 1 - limit);
        }
    }
    let peak = samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    let figures = CaptureFigures {
        duration_s: samples.len() as f64 / f64::from(rate.max(1)),
        peak_dbfs: dbfs(f64::from(peak)),
        rms_dbfs: dbfs(rms(samples)),
        longest_clip: longest,
    };
    (figures, first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::hann;
    use rstest::rstest;

    fn sine(hz: f64, amplitude: f64, frames: usize) -> Vec<f32> {
        (0..frames)
            .map(|n| (amplitude * (2.0 * std::f64::consts::PI * hz * n as f64 / 48_000.0).sin()) as f32)
            .collect()
    }

    #[test]
    fn levels_read_what_was_planted() {
        assert!((dbfs(rms(&sine(997.0, 1.0, 48_000))) + 3.0103).abs() < 0.001);
        assert_eq!(dbfs(0.0), -400.0);
        let two: Vec<f32> =
            sine(100.0, 0.5, 48_000).iter().zip(sine(2000.0, 0.005, 48_000)).map(|(a, b)| a + b).collect();
        let inside = power_db(band_power(&mut Fft::default(), &two, &hann(two.len()), 48_000, (500.0, 8000.0)));
        let want = 20.0 * (0.005f64 / 2.0f64.sqrt()).log10();
        assert!((inside - want).abs() < 0.05, "{inside} dB instead of {want}: the hum must stay out");
    }

    #[test]
    fn a_planted_ratio_of_60_db_reads_60_db() {
        // The peers' slip: a natural logarithm called dB reads 138.
        assert!((power_db(1e6) - 60.0).abs() < 0.1);
    }

    #[rstest]
    #[case(48_000, 11, false)]
    #[case(48_000, 12, true)]
    #[case(44_100, 10, false)]
    #[case(44_100, 11, true)]
    #[case(96_000, 24, true)]
    #[case(96_000, 23, false)]
    fn clipping_is_a_run_of_full_scale(#[case] rate: u32, #[case] run: usize, #[case] clipped: bool) {
        let mut samples = sine(100.0, 0.5, 4000);
        samples[1000..1000 + run].fill(-1.0);
        let (figures, at) = capture_figures(&samples, rate);
        assert_eq!((figures.longest_clip, at), (run, clipped.then_some(1000)));
    }
}
