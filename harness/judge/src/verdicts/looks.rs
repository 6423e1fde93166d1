//! When a difference between two sides is looked at.

use serde::{Deserialize, Serialize};

use crate::Confidence;

/// Looks before the last one.
const MOST_EARLY: u32 = 3;

/// The looks at a difference, planned before the first trial: the numbers of trials of either side, and the error probability that each look may
/// spend on either answer.
///
/// The last look has half of the whole, those before it share the rest, and whatever the trials depend on the sum is kept (C. E. Bonferroni
/// 1936). Each look has twice the trials of the one before: a clear difference is seen with an eighth of the trials, and a doubtful one is looked at
/// with nearly what a single look would have had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Looks {
    /// In the order of the trials.
    pub looks: Vec<Look>,
    /// The error probability of either answer over all of them.
    pub alpha: f64,
}

/// One look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Trials of either side.
    pub trials: u32,
    /// The error probability of either answer.
    pub alpha: f64,
}

impl Looks {
    /// Looks from `at_least` to `at_most` trials.
    #[must_use]
    pub fn new(at_least: u32, at_most: u32, confidence: Confidence) -> Self {
        let halves = std::iter::successors(Some(at_most / 2), |n| Some(n / 2));
        let mut early: Vec<u32> =
            halves.take(MOST_EARLY as usize).take_while(|n| *n >= at_least.max(2) && *n < at_most).collect();
        early.reverse();
        let alpha = confidence.alpha();
        let last = if early.is_empty() { alpha } else { alpha / 2.0 };
        let each = (alpha - last) / early.len().max(1) as f64;
        let looks = early.into_iter().map(|trials| Look { trials, alpha: each });
        Self { looks: looks.chain([Look { trials: at_most, alpha: last }]).collect(), alpha }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::four_looks(10, 120, &[15, 30, 60, 120])]
    #[case::none_before_the_least(40, 120, &[60, 120])]
    #[case::one_look(100, 120, &[120])]
    #[case::one_trial(1, 1, &[1])]
    fn looks_double_and_their_errors_add_up(#[case] at_least: u32, #[case] at_most: u32, #[case] trials: &[u32]) {
        let looks = Looks::new(at_least, at_most, Confidence::new(0.95).unwrap());
        assert_eq!(looks.looks.iter().map(|look| look.trials).collect::<Vec<_>>(), trials);
        let spent: f64 = looks.looks.iter().map(|look| look.alpha).sum();
        assert!((spent - 0.05).abs() < 1e-12, "{spent}");
    }
}
