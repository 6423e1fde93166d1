//! Two success rates: Fisher's exact test, and an interval of their difference.

use statrs::function::factorial::ln_binomial;

use crate::{Confidence, Interval, proportion::Proportion};

/// Tables as improbable as the observed one count with it: rounding must not part them.
const SLACK: f64 = 1e-7;

/// Whether two rates are one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fisher {
    /// Probability of a table as improbable as this one or more so, if they are.
    pub two_sided: f64,
    /// Probability of so few successes of the first or fewer: small if its rate is the lower one.
    pub less: f64,
    /// Probability of so many successes of the first or more.
    pub greater: f64,
    /// Odds of the first over those of the second, infinite where one of them never fails; not a number where neither does, or neither
    /// succeeds.
    pub odds_ratio: f64,
}

/// Fisher's exact test of two proportions (R. A. Fisher 1922), given all successes together.
#[must_use]
pub fn fisher(first: Proportion, second: Proportion) -> Fisher {
    let (a, n, c, m) = (first.successes(), first.trials(), second.successes(), second.trials());
    let successes = a + c;
    let (lowest, highest) = (successes.saturating_sub(m), successes.min(n));
    let whole = ln_binomial(n + m, successes);
    let probability = |k: u64| (ln_binomial(n, k) + ln_binomial(m, successes - k) - whole).exp();
    let observed = probability(a);
    let (mut two_sided, mut less, mut greater) = (0.0, 0.0, 0.0);
    for k in lowest..=highest {
        let p = probability(k);
        if p <= observed * (1.0 + SLACK) {
            two_sided += p;
        }
        if k <= a {
            less += p;
        }
        if k >= a {
            greater += p;
        }
    }
    let (b, d) = ((n - a) as f64, (m - c) as f64);
    Fisher {
        two_sided: two_sided.min(1.0),
        less: less.min(1.0),
        greater: greater.min(1.0),
        odds_ratio: (a as f64 * d) / (b * c as f64),
    }
}

/// The interval of the second rate less the first: the distances to the Clopper-Pearson limits of both, squared and added (R. G. Newcombe 1998,
/// with exact limits in place of Wilson's). Everything is possible of a proportion without trials.
#[must_use]
pub fn difference(first: Proportion, second: Proportion, confidence: Confidence) -> Interval {
    let (Some(p), Some(q)) = (first.estimate(), second.estimate()) else { return Interval { lower: -1.0, upper: 1.0 } };
    let (a, b) = (first.clopper_pearson(confidence), second.clopper_pearson(confidence));
    Interval {
        lower: (q - p - (q - b.lower).hypot(a.upper - p)).max(-1.0),
        upper: (q - p + (b.upper - q).hypot(p - a.lower)).min(1.0),
    }
}

/// Trials of each that show the difference between two rates with this probability, by Fisher's test on two sides; nothing beyond `most`.
#[must_use]
pub fn trials_needed(first: f64, second: f64, confidence: Confidence, power: f64, most: u64) -> Option<u64> {
    use statrs::distribution::{ContinuousCDF, Normal};
    if !((0.0..=1.0).contains(&first) && (0.0..=1.0).contains(&second)) || first == second {
        return None;
    }
    // Fleiss' formula with the correction for continuity: close to what the exact test needs.
    let normal = Normal::standard();
    let (za, zb) = (normal.inverse_cdf(1.0 - confidence.alpha() / 2.0), normal.inverse_cdf(power));
    let mean = (first + second) / 2.0;
    let apart = (first - second).abs();
    let spread = first * (1.0 - first) + second * (1.0 - second);
    let plain = (za * (2.0 * mean * (1.0 - mean)).sqrt() + zb * spread.sqrt()).powi(2) / apart.powi(2);
    let n = plain / 4.0 * (1.0 + (1.0 + 4.0 / (plain * apart)).sqrt()).powi(2);
    let n = n.ceil();
    (n <= most as f64).then_some(n as u64)
}
