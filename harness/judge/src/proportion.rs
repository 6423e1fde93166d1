//! Success rates from a number of trials fixed in advance.
//!
//! Display the Wilson interval; gate on the one-sided Clopper-Pearson bound. The two cross, and a two-sided bound is not
//! the one-sided gate. A bound looked at after every trial passes bad devices too often: [`crate::sequential`] is for that.

use statrs::distribution::{ContinuousCDF, Normal};
use thiserror::Error;

use crate::{Confidence, Gate, Interval, Rate, binomial};

/// Successes of a number of trials. Trials lost to the rig are in neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proportion {
    successes: u64,
    trials: u64,
}

/// Counts that cannot be a proportion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProportionError {
    /// More successes than trials.
    #[error("proportion has more successes ({successes}) than trials ({trials})")]
    TooManySuccesses {
        /// Successes given.
        successes: u64,
        /// Trials given.
        trials: u64,
    },
}

/// Beyond this many further trials the answer of [`Proportion::needed`] is of no use in a lab.
const MOST_NEEDED: u64 = 1_000_000_000;

impl Proportion {
    /// # Errors
    /// More successes than trials. No trial at all is a proportion about which nothing is known.
    pub fn new(successes: u64, trials: u64) -> Result<Self, ProportionError> {
        if successes > trials {
            return Err(ProportionError::TooManySuccesses { successes, trials });
        }
        Ok(Self { successes, trials })
    }

    /// Successes.
    #[must_use]
    pub fn successes(&self) -> u64 {
        self.successes
    }

    /// Trials.
    #[must_use]
    pub fn trials(&self) -> u64 {
        self.trials
    }

    /// Successes by trials, 0 to 1; nothing without trials.
    #[must_use]
    pub fn estimate(&self) -> Option<f64> {
        (self.trials > 0).then(|| self.successes as f64 / self.trials as f64)
    }

    /// Wilson's two-sided score interval (E. B. Wilson 1927), for display.
    #[must_use]
    pub fn wilson(&self, confidence: Confidence) -> Interval {
        let Some(estimate) = self.estimate() else { return Interval { lower: 0.0, upper: 1.0 } };
        let n = self.trials as f64;
        let z = Normal::standard().inverse_cdf(1.0 - confidence.alpha() / 2.0);
        let scale = 1.0 + z * z / n;
        let middle = estimate + z * z / (2.0 * n);
        let half = z * (estimate * (1.0 - estimate) / n + z * z / (4.0 * n * n)).sqrt();
        Interval {
            lower: if self.successes == 0 { 0.0 } else { (middle - half) / scale },
            upper: if self.successes == self.trials { 1.0 } else { (middle + half) / scale },
        }
    }

    /// The two-sided interval of Clopper and Pearson (1934): each side takes half of the error.
    #[must_use]
    pub fn clopper_pearson(&self, confidence: Confidence) -> Interval {
        let half = confidence.alpha() / 2.0;
        Interval { lower: self.lower(half), upper: self.upper(half) }
    }

    /// One-sided Clopper-Pearson lower bound of the success rate.
    #[must_use]
    pub fn lower_bound(&self, confidence: Confidence) -> f64 {
        self.lower(confidence.alpha())
    }

    /// One-sided Clopper-Pearson upper bound of the success rate.
    #[must_use]
    pub fn upper_bound(&self, confidence: Confidence) -> f64 {
        self.upper(confidence.alpha())
    }

    /// Is the rate at least `required`? Only for a number of trials that was fixed before the first.
    #[must_use]
    pub fn gate(&self, required: Rate, confidence: Confidence) -> Gate {
        if self.shows_at_least(required, confidence.alpha()) {
            Gate::Pass
        } else if self.upper_bound(confidence) < required.get() {
            Gate::Fail
        } else {
            Gate::Inconclusive
        }
    }

    /// How many further trials, all of them successes, until the one-sided lower bound reaches `required`:
    /// 0 when it does already, nothing when a thousand million do not suffice.
    #[must_use]
    pub fn needed(&self, required: Rate, confidence: Confidence) -> Option<u64> {
        let alpha = confidence.alpha();
        let enough = |more: u64| {
            Self { successes: self.successes.saturating_add(more), trials: self.trials.saturating_add(more) }
                .shows_at_least(required, alpha)
        };
        if enough(0) {
            return Some(0);
        }
        let mut high = 1_u64;
        while !enough(high) {
            high *= 2;
            if high > MOST_NEEDED {
                return None;
            }
        }
        let mut low = high / 2;
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if enough(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    }

    /// The lower bound compared to `required` without solving for it. The slack of rounding keeps a required rate that
    /// equals the bound a pass.
    fn shows_at_least(&self, required: Rate, alpha: f64) -> bool {
        binomial::at_least(self.successes, self.trials, required.get()) <= alpha * (1.0 + 1e-12)
    }

    /// The rate at which this many successes or more have probability `alpha`.
    fn lower(&self, alpha: f64) -> f64 {
        if self.successes == 0 {
            0.0
        } else if self.successes == self.trials {
            (alpha.ln() / self.trials as f64).exp()
        } else {
            turning_point(|p| binomial::at_least(self.successes, self.trials, p) >= alpha)
        }
    }

    /// The rate at which this many successes or fewer have probability `alpha`.
    fn upper(&self, alpha: f64) -> f64 {
        if self.successes == self.trials {
            1.0
        } else if self.successes == 0 {
            -(alpha.ln() / self.trials as f64).exp_m1()
        } else {
            turning_point(|p| binomial::at_most(self.successes, self.trials, p) <= alpha)
        }
    }
}

/// The rate from which on `holds`, by bisection down to neighbouring numbers.
fn turning_point(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return middle;
        }
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
}

/// The smallest number of trials which, all successful, demonstrate `required`: ⌈ln(1 − confidence) / ln required⌉.
#[must_use]
pub fn zero_failure_trials(required: Rate, confidence: Confidence) -> u64 {
    smallest_power(required.get(), confidence.alpha())
}

/// The smallest n with `base`ⁿ ≤ `alpha`; rounding does not add one where the two are equal.
pub(crate) fn smallest_power(base: f64, alpha: f64) -> u64 {
    let exact = alpha.ln() / base.ln();
    ((exact * (1.0 - 1e-12)).ceil() as u64).max(1)
}
