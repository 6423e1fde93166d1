//! When markers arrived: unwhitened matched filter, first arrival, refined between the samples; then one line through all of them.

use std::collections::HashMap;

use crate::fft::{Complex, Fft, bins};
use crate::stimulus::{MARKER_BAND, MARKER_S, Sweep};
use crate::window::hann;

/// Lags looked at on both sides of the detected peak, in frames.
const REACH: usize = 1536;
/// How far before (and round) the peak an arrival is looked for: 10 ms at 48 kHz.
const EARLY: usize = 480;
/// An earlier peak counts from this share of the strongest.
const FIRST_ARRIVAL: f32 = 0.3;
/// Half a period of the middle of the band, in frames.
const HALF_PERIOD: usize = 5;
const REFINE: usize = 128;
const FINER: usize = 16;

/// Matched filters for timing, kept per rate.
#[derive(Default)]
pub(super) struct Timer {
    fft: Fft<f64>,
    templates: HashMap<(u32, Sweep), Template>,
}

struct Template {
    conjugate: Vec<Complex<f32>>,
    frames: usize,
    energy: f32,
}

/// One marker in the recording.
#[derive(Debug, Clone, Copy)]
pub(super) struct MarkerTime {
    /// Start of the first arrival in frames of the recording.
    pub(super) first: f64,
    /// How many frames later the strongest arrival starts.
    pub(super) strongest_after: f64,
    /// Sign and size of the marker at the first arrival, 1 = full scale.
    pub(super) amplitude: f32,
}

impl Timer {
    /// Times the marker that was detected at frame `detected`.
    pub(super) fn time(
        &mut self,
        fft: &mut Fft<f32>,
        samples: &[f32],
        rate: u32,
        sweep: Sweep,
        detected: usize,
    ) -> Option<MarkerTime> {
        let frames = (MARKER_S * f64::from(rate)).round() as usize;
        let size = (2 * REACH + frames).next_power_of_two();
        let template = self.templates.entry((rate, sweep)).or_insert_with(|| {
            let marker: Vec<f32> = sweep.marker(rate).into_iter().map(|sample| sample as f32).collect();
            let energy = marker.iter().map(|sample| sample * sample).sum();
            let mut conjugate = fft.forward(&marker, size);
            let band = bins(size, rate, MARKER_BAND);
            for (bin, value) in conjugate.iter_mut().enumerate() {
                *value = if band.contains(&bin) { value.conj() } else { Complex::default() };
            }
            Template { conjugate, frames, energy }
        });
        let origin = detected as i64 - REACH as i64;
        let segment: Vec<f32> = (origin..origin + (2 * REACH + template.frames) as i64)
            .map(|frame| usize::try_from(frame).ok().and_then(|frame| samples.get(frame)).copied().unwrap_or(0.0))
            .collect();
        let mut spectrum = fft.forward(&segment, size);
        for (value, template) in spectrum.iter_mut().zip(&template.conjugate) {
            *value *= template;
        }
        let quadrature = fft.inverse(spectrum.iter().map(|value| Complex::new(value.im, -value.re)).collect(), size);
        let mut correlation = fft.inverse(spectrum, size);
        correlation.truncate(2 * REACH);
        let (first, strongest) = arrivals(&correlation, &quadrature)?;
        let sign = if correlation[first] < 0.0 { -1.0 } else { 1.0 };
        let strongest_sign = if correlation[strongest] < 0.0 { -1.0 } else { 1.0 };
        let place = refine(&mut self.fft, &correlation, first, sign);
        let strongest_place = refine(&mut self.fft, &correlation, strongest, strongest_sign);
        Some(MarkerTime {
            first: origin as f64 + place,
            strongest_after: strongest_place - place,
            amplitude: correlation[first] / template.energy,
        })
    }
}

/// Lags of the first and of the strongest arrival round the middle of a correlation.
///
/// Arrivals are told apart on the envelope: its side lobes reach 0.22 of the peak, while the correlation itself swings through 0.30 one half
/// period of the carrier before its peak and would pass for an arrival.
fn arrivals(correlation: &[f32], quadrature: &[f32]) -> Option<(usize, usize)> {
    let envelope: Vec<f32> = correlation.iter().zip(quadrature).map(|(a, b)| (a * a + b * b).sqrt()).collect();
    let strongest = (REACH - EARLY..REACH + EARLY).max_by(|&a, &b| envelope[a].total_cmp(&envelope[b]))?;
    let peak = envelope[strongest];
    if peak <= 0.0 {
        return None;
    }
    // In strong noise a share of the peak is not enough: an arrival must also stand out of what was there before any could come.
    let before = &envelope[..strongest - EARLY - 64];
    let noise = (before.iter().map(|value| value * value).sum::<f32>() / before.len() as f32).sqrt();
    let threshold = (FIRST_ARRIVAL * peak).max(4.0 * noise);
    let is_peak = |n: usize| envelope[n] >= envelope[n - 1] && envelope[n] > envelope[n + 1];
    let first = (strongest - EARLY..strongest).find(|&n| envelope[n] >= threshold && is_peak(n)).unwrap_or(strongest);
    // The swing of the correlation that belongs to this peak of the envelope.
    let swing = |at: usize| {
        (at - HALF_PERIOD..=at + HALF_PERIOD).max_by(|&a, &b| correlation[a].abs().total_cmp(&correlation[b].abs()))
    };
    Some((swing(first)?, swing(strongest)?))
}

/// Place of the extremum of sign `sign` next to lag `at`: 128 values under a Hann window, 16 times finer by Fourier interpolation, then a
/// parabola. A bare parabola is off by 0.01 sample here and by 0.2 on wider bands.
fn refine(fft: &mut Fft<f64>, correlation: &[f32], at: usize, sign: f64) -> f64 {
    let start = at as i64 - REFINE as i64 / 2;
    let around: Vec<f64> = hann(REFINE)
        .into_iter()
        .enumerate()
        .map(|(n, weight)| {
            let value = usize::try_from(start + n as i64).ok().and_then(|lag| correlation.get(lag));
            value.map_or(0.0, |value| sign * weight * f64::from(*value))
        })
        .collect();
    let spectrum = fft.forward(&around, REFINE);
    let fine = fft.inverse(spectrum, REFINE * FINER);
    let middle = REFINE / 2 * FINER;
    let peak = (middle - FINER..=middle + FINER).max_by(|&a, &b| fine[a].total_cmp(&fine[b])).unwrap_or(middle);
    let (a, b, c) = (fine[peak - 1], fine[peak], fine[peak + 1]);
    let curvature = a - 2.0 * b + c;
    let delta = if curvature < 0.0 { (0.5 * (a - c) / curvature).clamp(-1.0, 1.0) } else { 0.0 };
    start as f64 + (peak as f64 + delta) / FINER as f64
}

/// A straight line through marker times: where the stimulus started, and how fast the clocks run apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// Frame of the recording at stimulus frame 0.
    pub(super) start: f64,
    /// Frames of the recording per frame of the stimulus, minus 1.
    pub(super) drift: f64,
    /// Standard uncertainties of both for a scatter of 1 frame per marker.
    pub(super) start_weight: f64,
    pub(super) drift_weight: f64,
    /// RMS deviation in frames.
    pub(super) residual: f64,
    /// Markers used.
    pub(super) used: usize,
}

/// Fits a line through (stimulus frame, recording frame). Points further than `limit` frames from the line through the middle are dropped:
/// a marker that took another path to the microphone.
pub(super) fn fit(points: &[(f64, f64)], limit: f64) -> Option<Line> {
    let mut slopes: Vec<f64> = Vec::new();
    for (n, a) in points.iter().enumerate() {
        slopes.extend(points[n + 1..].iter().map(|b| (b.1 - a.1) / (b.0 - a.0)));
    }
    let slope = median(&mut slopes)?;
    let mut starts: Vec<f64> = points.iter().map(|(s, t)| t - slope * s).collect();
    let start = median(&mut starts)?;
    let kept: Vec<(f64, f64)> =
        points.iter().copied().filter(|(s, t)| (t - slope * s - start).abs() <= limit).collect();
    let n = kept.len() as f64;
    if kept.len() < 2 {
        return None;
    }
    let mean_s = kept.iter().map(|(s, _)| s).sum::<f64>() / n;
    let mean_t = kept.iter().map(|(_, t)| t).sum::<f64>() / n;
    let spread: f64 = kept.iter().map(|(s, _)| (s - mean_s).powi(2)).sum();
    let slope = kept.iter().map(|(s, t)| (s - mean_s) * (t - mean_t)).sum::<f64>() / spread;
    let start = mean_t - slope * mean_s;
    let square: f64 = kept.iter().map(|(s, t)| (t - slope * s - start).powi(2)).sum();
    Some(Line {
        start,
        drift: slope - 1.0,
        start_weight: (1.0 / n + mean_s * mean_s / spread).sqrt(),
        drift_weight: spread.sqrt().recip(),
        residual: (square / n).sqrt(),
        used: kept.len(),
    })
}

pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 {
        return None;
    }
    Some(0.5 * (values[(n - 1) / 2] + values[n / 2]))
}

/// Cramér-Rao bound of the delay of one marker in seconds, for a ratio `snr` of marker power to white noise power over half the rate.
pub(super) fn cramer_rao(rate: u32, snr: f64) -> f64 {
    let (low, high) = MARKER_BAND;
    let spread = 4.0 * std::f64::consts::PI.powi(2) * (high.powi(3) - low.powi(3)) / (3.0 * (high - low));
    (spread * snr * MARKER_S * f64::from(rate)).sqrt().recip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resample::Interpolator;
    use crate::signal::gaussian;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rstest::rstest;

    #[rstest]
    #[case(20.0, 0.0482)]
    #[case(10.0, 0.152)]
    #[case(0.0, 0.482)]
    #[case(-10.0, 1.52)]
    #[case(-20.0, 4.82)]
    fn the_bound_has_its_published_values(#[case] snr_db: f64, #[case] micros: f64) {
        let bound = cramer_rao(48_000, 10f64.powf(snr_db / 10.0)) * 1e6;
        assert!((bound / micros - 1.0).abs() < 0.005, "{bound} us");
    }

    /// A marker of amplitude 1 that starts at `at` frames in 16384 frames.
    fn marker_at(at: f64, sweep: Sweep) -> Vec<f32> {
        let marker: Vec<f32> = sweep.marker(48_000).into_iter().map(|sample| sample as f32).collect();
        let mut samples = vec![0.0; 16_384];
        Interpolator::default().add(&mut samples, &marker, -at, 1.0, 1.0);
        samples
    }

    fn time(samples: &[f32], sweep: Sweep, detected: usize) -> MarkerTime {
        let mut fft = Fft::default();
        Timer::default().time(&mut fft, samples, 48_000, sweep, detected).expect("there is a marker")
    }

    #[rstest]
    fn fractions_of_a_sample_are_read_within_3_thousandths(
        #[values(Sweep::Up, Sweep::Down)] sweep: Sweep,
        #[values(1.0, -1.0)] sign: f32,
    ) {
        for step in 0..20 {
            let truth = 5000.0 + f64::from(step) / 20.0;
            let samples: Vec<f32> = marker_at(truth, sweep).into_iter().map(|sample| sign * sample).collect();
            let found = time(&samples, sweep, 5000);
            assert!((found.first - truth).abs() <= 0.003, "{truth}: {}", found.first);
            assert!(found.strongest_after.abs() < 1e-9 && found.amplitude * sign > 0.9);
        }
    }

    #[test]
    fn the_error_in_white_noise_at_0_db_is_the_cramer_rao_bound() {
        let mut rng = ChaCha8Rng::seed_from_u64(20_260_101);
        let (mut fft, mut timer) = (Fft::default(), Timer::default());
        let marker_power = 0.5 * (1.0 - 0.05 * 5.0 / 8.0); // a sine under a Tukey window of 5 %
        let trials = 400;
        let mut square = 0.0;
        for _ in 0..trials {
            let truth = 4000.0 + rng.next_u32() as f64 / u32::MAX as f64 * 2000.0;
            let mut samples = marker_at(truth, Sweep::Up);
            for sample in &mut samples {
                *sample += (gaussian(&mut rng) * f64::sqrt(marker_power)) as f32;
            }
            let found = timer.time(&mut fft, &samples, 48_000, Sweep::Up, truth as usize).expect("a marker");
            let error = (found.first - truth) / 48_000.0;
            assert!(error.abs() < 1e-3, "gross error at {truth}");
            square += error * error;
        }
        let ratio = (square / f64::from(trials)).sqrt() / cramer_rao(48_000, 1.0);
        assert!((0.85..=1.3).contains(&ratio), "RMSE over bound: {ratio}");
    }

    #[test]
    fn the_first_arrival_counts_even_when_a_reflection_is_10_db_stronger() {
        let mut samples = marker_at(5000.0, Sweep::Up);
        for (sample, echo) in samples.iter_mut().zip(marker_at(5177.3, Sweep::Up)) {
            *sample += echo / 0.316;
        }
        let found = time(&samples, Sweep::Up, 5177);
        assert!((found.first - 5000.0).abs() < 2.0, "{}", found.first);
        assert!((found.strongest_after - 177.3).abs() < 2.0);
    }

    #[test]
    fn a_line_is_found_through_an_outlier() {
        let mut points: Vec<(f64, f64)> =
            (0..6).map(|n| f64::from(n) * 20_000.0).map(|s| (s, 777.25 + s * 1.00002)).collect();
        points[3].1 += 40.0;
        let line = fit(&points, 5.0).expect("five points on a line");
        assert!((line.start - 777.25).abs() < 1e-6 && (line.drift - 2e-5).abs() < 1e-12 && line.used == 5);
        assert!(fit(&points[..1], 5.0).is_none());
    }
}
