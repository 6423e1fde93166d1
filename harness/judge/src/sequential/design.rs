//! What a sequential test is asked for.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Boundaries, search};
use crate::level::is_inside;

/// The most trials a design may have: its boundaries then still take milliseconds.
pub const MOST_TRIALS: u32 = 5000;

/// The requirement on a success rate, and how sure the answer must be.
///
/// A device at or below `reject` passes with probability at most `alpha`; one at or above `accept` fails with
/// probability at most `beta`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Design {
    /// The success rate that must be rejected, above 0.
    pub reject: f64,
    /// The success rate that should be accepted quickly, above `reject`; at 1 the first failure is final.
    pub accept: f64,
    /// Largest probability of passing at `reject`.
    pub alpha: f64,
    /// Largest probability of failing at `accept`.
    pub beta: f64,
    /// No decision before this many trials; 1 for no such minimum.
    pub at_least: u32,
    /// What is undecided after this many trials stays inconclusive.
    pub at_most: u32,
}

/// A design that asks for nothing that can be computed.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum DesignError {
    /// A rate is out of its range: above 0, and below 1 for the one to reject.
    #[error("{name} rate of the sequential test is not above 0 and below 1: {value}")]
    Rate {
        /// `reject` or `accept`.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// An error probability is not above 0 and below one half.
    #[error("{name} of the sequential test is not above 0 and below 0.5: {value}")]
    Risk {
        /// `alpha` or `beta`.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// There is nothing between the two rates.
    #[error("rate to accept ({accept}) is not above the rate to reject ({reject})")]
    Order {
        /// Rate to reject.
        reject: f64,
        /// Rate to accept.
        accept: f64,
    },
    /// `at_least` is 0 or above `at_most`.
    #[error("number of trials from {at_least} to {at_most} is no range that starts at 1 or above")]
    Range {
        /// Least number of trials.
        at_least: u32,
        /// Greatest number of trials.
        at_most: u32,
    },
    /// More than [`MOST_TRIALS`].
    #[error("sequential test has more than {MOST_TRIALS} trials: {at_most}")]
    TooLong {
        /// Greatest number of trials.
        at_most: u32,
    },
}

impl Design {
    /// The boundaries of this design. Takes milliseconds; plans with many equal designs should keep them.
    ///
    /// # Errors
    /// Rates, risks or numbers of trials that make no test.
    pub fn boundaries(&self) -> Result<Boundaries, DesignError> {
        self.check()?;
        Ok(search::boundaries(self))
    }

    /// Whether the first failure is final: a device that never fails is the only good one.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "nothing but certainty itself is meant")]
    pub fn forgives_nothing(&self) -> bool {
        self.accept == 1.0
    }

    /// Trials without a failure that show a rate above `reject`: ⌈ln α / ln p⌉.
    #[must_use]
    pub fn least_to_pass(&self) -> u32 {
        let n = (self.alpha.ln() / self.reject.ln()).ceil().max(1.0);
        // Rounding must not cost a trial, nor spare one.
        let shown = |n: f64| self.reject.powf(n) <= self.alpha * (1.0 + 1e-12);
        let n = if n > 1.0 && shown(n - 1.0) { n - 1.0 } else { n };
        (n as u32).max(self.at_least)
    }

    pub(super) fn check(&self) -> Result<(), DesignError> {
        for (name, value, fits) in [
            ("reject", self.reject, is_inside(self.reject)),
            ("accept", self.accept, is_inside(self.accept) || self.forgives_nothing()),
        ] {
            if !fits {
                return Err(DesignError::Rate { name, value });
            }
        }
        for (name, value) in [("alpha", self.alpha), ("beta", self.beta)] {
            if !is_inside(value) || value >= 0.5 {
                return Err(DesignError::Risk { name, value });
            }
        }
        if self.accept <= self.reject {
            return Err(DesignError::Order { reject: self.reject, accept: self.accept });
        }
        if self.at_least == 0 || self.at_least > self.at_most {
            return Err(DesignError::Range { at_least: self.at_least, at_most: self.at_most });
        }
        if self.at_most > MOST_TRIALS {
            return Err(DesignError::TooLong { at_most: self.at_most });
        }
        Ok(())
    }
}
