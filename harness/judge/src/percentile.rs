//! Percentiles by order statistics: no assumption about the shape of the distribution.
//!
//! Of n sorted values, the interval from the l-th to the u-th covers the p-quantile with probability at least
//! F(u−1) − F(l−1), F the cumulative binomial of n and p (H. A. David, "Order Statistics", 7.1). With ties the closed
//! interval covers no less. A value that never came, such as a sound never heard, is +∞ and takes its place in the order.

use thiserror::Error;

use crate::proportion::smallest_power;
use crate::{Confidence, Gate, Interval, Rate, binomial};

/// Places in the sorted sample, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranks {
    /// Place of the lower end.
    pub lower: u64,
    /// Place of the upper end.
    pub upper: u64,
    /// Probability that the interval covers the percentile.
    pub coverage: f64,
}

/// The narrowest two-sided interval by ranks; on a tie the one of higher coverage, then the lower one. Nothing when the
/// whole sample covers too little.
#[must_use]
pub fn interval_ranks(n: u64, level: Rate, confidence: Confidence) -> Option<Ranks> {
    let cumulative: Vec<f64> = (0..n).map(|k| binomial::at_most(k, n, level.get())).collect();
    let wanted = confidence.get() - SLACK;
    let mut best: Option<Ranks> = None;
    for (l, below) in cumulative.iter().enumerate() {
        // The first upper end that covers enough is the narrowest for this lower end.
        let u = l + 1 + cumulative[l + 1..].partition_point(|above| above - below < wanted);
        let Some(above) = cumulative.get(u) else { break };
        let found = Ranks { lower: l as u64 + 1, upper: u as u64 + 1, coverage: above - below };
        let better = best.is_none_or(|b| {
            let (new, old) = (found.upper - found.lower, b.upper - b.lower);
            new < old || (new == old && found.coverage > b.coverage)
        });
        if better {
            best = Some(found);
        }
    }
    best
}

/// Place of the smallest value that bounds the percentile from above; nothing when the sample is too small.
#[must_use]
pub fn upper_bound_rank(n: u64, level: Rate, confidence: Confidence) -> Option<u64> {
    first(1, n, |u| binomial::at_most(u - 1, n, level.get()) >= confidence.get() - SLACK)
}

/// Place of the largest value that bounds the percentile from below; nothing when the sample is too small.
#[must_use]
pub fn lower_bound_rank(n: u64, level: Rate, confidence: Confidence) -> Option<u64> {
    let too_high = |l| binomial::at_least(l, n, level.get()) < confidence.get() - SLACK;
    let above = first(1, n, too_high).unwrap_or(n + 1);
    (above > 1).then(|| above - 1)
}

/// Trials from which the largest value bounds the percentile from above.
#[must_use]
pub fn smallest_n_for_upper_bound(level: Rate, confidence: Confidence) -> u64 {
    smallest_power(level.get(), confidence.alpha())
}

/// Trials from which the smallest value bounds the percentile from below.
#[must_use]
pub fn smallest_n_for_lower_bound(level: Rate, confidence: Confidence) -> u64 {
    smallest_power(1.0 - level.get(), confidence.alpha())
}

/// Trials from which a two-sided interval exists.
#[must_use]
pub fn smallest_n_for_interval(level: Rate, confidence: Confidence) -> u64 {
    let (p, wanted) = (level.get(), confidence.get() - SLACK);
    // Half of the error on the worse side always suffices.
    let enough = smallest_power(p.max(1.0 - p), confidence.alpha() / 2.0) + 1;
    let covers = |n: u64| 1.0 - (n as f64 * p.ln()).exp() - (n as f64 * (-p).ln_1p()).exp() >= wanted;
    first(2, enough, covers).unwrap_or(enough)
}

/// Rounding must not turn a coverage that equals the confidence into a miss.
const SLACK: f64 = 1e-12;

/// The first number from `low` to `high` that holds, where all that follow it hold too.
fn first(low: u64, high: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut from, mut to) = (low, high.checked_add(1)?);
    while from < to {
        let middle = from + (to - from) / 2;
        if holds(middle) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    (from <= high).then_some(from)
}

/// Values of one quantity, in its unit, one per trial; each exact, or known to lie within a range.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    lowest: Vec<f64>,
    highest: Vec<f64>,
}

/// A value that cannot be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SampleError {
    /// Not a number.
    #[error("value {index} of the sample is not a number")]
    NotANumber {
        /// Its place in what was given, from 0.
        index: usize,
    },
    /// The lower end is above the upper end.
    #[error("range {index} of the sample ends below its beginning")]
    Reversed {
        /// Its place in what was given, from 0.
        index: usize,
    },
}

impl Sample {
    /// Exact values; infinities are allowed.
    ///
    /// # Errors
    /// A value is not a number.
    pub fn new(mut values: Vec<f64>) -> Result<Self, SampleError> {
        if let Some(index) = values.iter().position(|v| v.is_nan()) {
            return Err(SampleError::NotANumber { index });
        }
        values.sort_by(f64::total_cmp);
        Ok(Self { lowest: values.clone(), highest: values })
    }

    /// Values with uncertainty. Bounds stay valid wherever in its range each value lies: lower bounds come from the lower
    /// ends, upper bounds from the upper ends, and each order statistic lies between the two of its rank.
    ///
    /// # Errors
    /// An end is not a number, or a range is reversed.
    pub fn from_ranges(ranges: &[Interval]) -> Result<Self, SampleError> {
        for (index, range) in ranges.iter().enumerate() {
            if range.lower.is_nan() || range.upper.is_nan() {
                return Err(SampleError::NotANumber { index });
            }
            if range.lower > range.upper {
                return Err(SampleError::Reversed { index });
            }
        }
        let sorted = |end: fn(&Interval) -> f64| {
            let mut ends: Vec<f64> = ranges.iter().map(end).collect();
            ends.sort_by(f64::total_cmp);
            ends
        };
        Ok(Self { lowest: sorted(|r| r.lower), highest: sorted(|r| r.upper) })
    }

    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lowest.len()
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lowest.is_empty()
    }

    /// The smallest value, as the range in which it lies; nothing without values.
    #[must_use]
    pub fn smallest(&self) -> Option<Interval> {
        self.at_rank(1)
    }

    /// The largest value, as the range in which it lies; nothing without values.
    #[must_use]
    pub fn largest(&self) -> Option<Interval> {
        self.at_rank(self.len() as u64)
    }

    /// The ⌈n·level⌉-th value, as the range in which it lies; nothing without values.
    #[must_use]
    pub fn estimate(&self, level: Rate) -> Option<Interval> {
        self.at_rank((self.n() as f64 * level.get() * (1.0 - SLACK)).ceil().max(1.0) as u64)
    }

    fn at_rank(&self, rank: u64) -> Option<Interval> {
        Some(Interval { lower: pick(&self.lowest, rank)?, upper: pick(&self.highest, rank)? })
    }

    /// The narrowest two-sided interval by ranks; nothing when the sample is too small.
    #[must_use]
    pub fn interval(&self, level: Rate, confidence: Confidence) -> Option<Interval> {
        let ranks = interval_ranks(self.n(), level, confidence)?;
        Some(Interval { lower: pick(&self.lowest, ranks.lower)?, upper: pick(&self.highest, ranks.upper)? })
    }

    /// One-sided lower bound of the percentile; nothing when the sample is too small.
    #[must_use]
    pub fn lower_bound(&self, level: Rate, confidence: Confidence) -> Option<f64> {
        pick(&self.lowest, lower_bound_rank(self.n(), level, confidence)?)
    }

    /// One-sided upper bound of the percentile; nothing when the sample is too small.
    #[must_use]
    pub fn upper_bound(&self, level: Rate, confidence: Confidence) -> Option<f64> {
        pick(&self.highest, upper_bound_rank(self.n(), level, confidence)?)
    }

    /// Is the percentile at most `limit`? Only for a number of trials that was fixed before the first. A limit that is
    /// not a number decides nothing.
    #[must_use]
    pub fn gate(&self, level: Rate, limit: f64, confidence: Confidence) -> Gate {
        if self.upper_bound(level, confidence).is_some_and(|bound| bound <= limit) {
            Gate::Pass
        } else if self.lower_bound(level, confidence).is_some_and(|bound| bound > limit) {
            Gate::Fail
        } else {
            Gate::Inconclusive
        }
    }

    fn n(&self) -> u64 {
        self.lowest.len() as u64
    }
}

/// The value at a place counted from 1.
fn pick(sorted: &[f64], rank: u64) -> Option<f64> {
    sorted.get(usize::try_from(rank).ok()?.checked_sub(1)?).copied()
}
