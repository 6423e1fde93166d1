//! The clocks: lines through the alignment of blocks.

use super::findings::{Clock, DriftPoint};

/// Length of one point of the drift over time, in seconds.
const POINT_S: f64 = 5.0;
/// Deviations below this are not called unsteady whatever the statistics say: in seconds.
const STEADY_S: f64 = 1e-6;

/// The alignment of one block: instants on both clocks in frames, jumps taken out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tie {
    pub(super) recording: f64,
    pub(super) reference: f64,
    /// Expected standard deviation in frames.
    pub(super) sigma: f64,
}

/// A weighted line through points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit {
    pub(super) at: f64,
    pub(super) value: f64,
    pub(super) slope: f64,
    /// Standard uncertainty of the slope from the expected deviations.
    pub(super) slope_sigma: f64,
}

impl Fit {
    pub(super) fn value_at(&self, x: f64) -> f64 {
        self.value + (x - self.at) * self.slope
    }
}

/// Fits `y = value + slope (x - at)` to (x, y, sigma).
pub(super) fn fit(points: &[(f64, f64, f64)]) -> Option<Fit> {
    let weight = |sigma: f64| (sigma * sigma).max(1e-12).recip();
    let total: f64 = points.iter().map(|p| weight(p.2)).sum();
    if points.len() < 2 || !total.is_finite() {
        return None;
    }
    let at = points.iter().map(|p| weight(p.2) * p.0).sum::<f64>() / total;
    let value = points.iter().map(|p| weight(p.2) * p.1).sum::<f64>() / total;
    let square: f64 = points.iter().map(|p| weight(p.2) * (p.0 - at).powi(2)).sum();
    if square <= 0.0 {
        return None;
    }
    let slope = points.iter().map(|p| weight(p.2) * (p.0 - at) * (p.1 - value)).sum::<f64>() / square;
    Some(Fit { at, value, slope, slope_sigma: square.sqrt().recip() })
}

pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let (middle, odd) = (values.len() / 2, values.len() % 2 == 1);
    let (low, high, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let high = *high;
    if odd {
        return Some(high);
    }
    let low = low.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(0.5 * (low + high))
}

/// Drift of all ties. `None` if they are fewer than six.
pub(super) fn clock(ties: &[Tie], rate: u32) -> Option<Clock> {
    let rate = f64::from(rate);
    let points: Vec<(f64, f64, f64)> = ties.iter().map(|t| (t.reference, t.recording - t.reference, t.sigma)).collect();
    if points.len() < 6 {
        return None;
    }
    let line = fit(&points)?;
    let off: Vec<f64> = points.iter().map(|p| p.1 - line.value_at(p.0)).collect();
    let count = off.len() as f64;
    let residual = (off.iter().map(|v| v * v).sum::<f64>() / count).sqrt();
    let expected = (points.iter().map(|p| p.2 * p.2).sum::<f64>() / count).sqrt();
    // Neighbours that deviate together carry less: the integrated correlation over 2 s inflates the uncertainty.
    let lag_sum: f64 = (1..20.min(off.len() / 3).max(2))
        .map(|lag| {
            off.iter().zip(&off[lag..]).map(|(a, b)| a * b).sum::<f64>() / (count * residual * residual).max(1e-30)
        })
        .map(|correlation| correlation.max(0.0))
        .sum();
    let inflation = (residual / expected.max(1e-12)).max(1.0) * (1.0 + 2.0 * lag_sum).sqrt();

    let mut track = Vec::new();
    let mut from = 0;
    while from < ties.len() {
        let limit = ties[from].recording + POINT_S * rate;
        let to = from + ties[from..].partition_point(|tie| tie.recording < limit);
        if let Some(part) = (to - from >= 10).then(|| fit(&points[from..to])).flatten() {
            track.push(DriftPoint {
                at_s: 0.5 * (ties[from].recording + ties[to - 1].recording) / rate,
                ppm: part.slope * 1e6,
                uncertainty_ppm: part.slope_sigma * 1e6 * (residual / expected.max(1e-12)).clamp(1.0, 3.0),
            });
        }
        from = to;
    }
    Some(Clock {
        drift_ppm: line.slope * 1e6,
        uncertainty_ppm: line.slope_sigma * inflation * 1e6,
        residual_s: residual / rate,
        steady: residual <= (3.0 * expected).max(STEADY_S * rate),
        track,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ties(count: usize, place: impl Fn(f64) -> f64) -> Vec<Tie> {
        let at = |n: usize| n as f64 * 4800.0;
        (0..count).map(|n| Tie { recording: place(at(n)), reference: at(n), sigma: 0.01 }).collect()
    }

    #[test]
    fn a_line_is_a_steady_clock() {
        let found = clock(&ties(120, |s| 1000.0 + s * (1.0 + 80e-6)), 48_000).unwrap();
        assert!((found.drift_ppm - 80.0).abs() < 1e-6 && found.steady);
        assert!(found.track.iter().all(|point| (point.ppm - 80.0).abs() < 1e-6) && found.track.len() >= 2);
    }

    #[test]
    fn a_bend_is_not_steady_and_shows_in_the_track() {
        let bent = |s: f64| s * (1.0 + 20e-6) + (s - 480_000.0).max(0.0) * 30e-6;
        let found = clock(&ties(200, bent), 48_000).unwrap();
        assert!(!found.steady);
        assert!((found.track[0].ppm - 20.0).abs() < 0.1 && (found.track.last().unwrap().ppm - 50.0).abs() < 0.1);
    }

    #[test]
    fn medians_of_few_and_many() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [3.0]), Some(3.0));
        assert_eq!(median(&mut [4.0, 1.0]), Some(2.5));
        assert_eq!(median(&mut [5.0, 1.0, 3.0, 2.0]), Some(2.5));
    }
}
