//! Windows.

use std::f64::consts::PI;

/// Periodic Hann window of `frames` values.
pub fn hann(frames: usize) -> Vec<f64> {
    (0..frames).map(|n| 0.5 - 0.5 * (2.0 * PI * n as f64 / frames as f64).cos()).collect()
}

/// Tukey window: flat, with raised-cosine edges that together take the share `taper` (0..=1) of its length.
pub fn tukey(frames: usize, taper: f64) -> Vec<f64> {
    let last = frames.saturating_sub(1) as f64;
    let edge = taper * last / 2.0;
    (0..frames)
        .map(|n| {
            let from_end = (n as f64).min(last - n as f64);
            if from_end >= edge { 1.0 } else { 0.5 - 0.5 * (PI * from_end / edge).cos() }
        })
        .collect()
}

/// Kaiser window of shape `beta` at `x`, where the window spans -1..=1 and is zero outside.
pub fn kaiser(x: f64, beta: f64) -> f64 {
    if x.abs() > 1.0 { 0.0 } else { bessel_i0(beta * (1.0 - x * x).sqrt()) / bessel_i0(beta) }
}

/// Modified Bessel function of the first kind, order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..64 {
        term *= quarter / f64::from(k * k);
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_their_known_values() {
        assert!(hann(4).iter().zip([0.0, 0.5, 1.0, 0.5]).all(|(have, want)| (have - want).abs() < 1e-12));
        let tukey = tukey(101, 0.2);
        assert_eq!((tukey[0], tukey[50], tukey[100]), (0.0, 1.0, 0.0));
        assert!((tukey[5] - 0.5).abs() < 1e-12, "half way up its edge");
        // I0(1), I0(5): Abramowitz & Stegun, table 9.8.
        assert!((bessel_i0(1.0) - 1.266_065_877_8).abs() < 1e-9);
        assert!((bessel_i0(5.0) - 27.239_871_823_6).abs() < 1e-8);
        assert_eq!(kaiser(1.5, 9.0), 0.0);
    }
}
