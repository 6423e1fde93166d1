//! The normal distribution's tails to the last digits.

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Probability of more than `z` standard deviations: half of what a square exceeds. The incomplete gamma function keeps thirteen digits where
/// an error function keeps nine.
pub(crate) fn upper_tail(z: f64) -> f64 {
    let both = ChiSquared::new(1.0).map_or(f64::NAN, |square| square.sf(z * z));
    if z >= 0.0 { both / 2.0 } else { 1.0 - both / 2.0 }
}
