//! How many trials would show a difference as large as the one seen.
//!
//! By the test that compared them, at the level that the smallest p-value of a family must reach: the error divided by the number of questions, as
//! Holm's method has it. What was seen is taken for the truth. Rates and events are counted exactly, over all results that so many trials may have;
//! values by the normal approximation of ranks, with the variance that was seen (E. L. Lehmann 1975).

use statrs::{
    distribution::{ContinuousCDF, Normal},
    function::factorial::{ln_binomial, ln_factorial},
};

use super::paired::Discordant;
use crate::{Confidence, binomial, pairs::mcnemar, poisson, proportion::Proportion, ranks::half, rates};

/// The probability with which the difference should be found.
const POWER: f64 = 0.8;
/// More trials than this nobody makes.
const MOST_TRIALS: u64 = 100_000;
/// Beyond so many trials or events formulas are as good as counting.
const COUNTED: u64 = 2_000;
/// Numbers of trials are tried in steps of this part of themselves, one by one below: power rises in a sawtooth, in which halving would get lost.
const STEP: u64 = 50;
/// Results further out, in standard deviations, have no share that counts.
const FAR: f64 = 9.0;

/// What was seen, as far as the number of trials depends on it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen {
    /// Two rates.
    Rates(f64, f64),
    /// The shares of pairs in which only the first succeeded, and only the second.
    Pairs(f64, f64),
    /// Two samples.
    Values(Vec<f64>, Vec<f64>),
    /// Differences within pairs.
    Differences(Vec<f64>),
    /// Events in a trial of either side.
    Events(f64, f64),
}

/// What trials must show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Demand {
    /// The p-value that must be reached, on two sides.
    pub(super) level: f64,
    /// The confidence of the interval, which must lie beyond the margin.
    pub(super) confidence: Confidence,
    /// The smallest difference that matters, in the unit of the difference; 0 where all do.
    pub(super) margin: f64,
    /// So many trials of each side did not show it.
    pub(super) tried: u64,
}

impl Seen {
    /// Trials of each side that show it with a probability of 80 %; nothing without a difference, or when nobody makes so many.
    pub(super) fn needed(&self, demand: &Demand) -> Option<u64> {
        let found = match self {
            Self::Rates(first, second) => two_rates(first.min(*second), first.max(*second), demand),
            Self::Pairs(first, second) => in_pairs(first.min(*second), first.max(*second), demand),
            Self::Events(first, second) => events(first.min(*second), first.max(*second), demand),
            Self::Values(first, second) => two_samples(first, second, demand),
            Self::Differences(values) => signed(values, demand),
        }?;
        Some(found.max(demand.tried + 1)).filter(|n| *n <= MOST_TRIALS)
    }
}

impl Demand {
    /// The level as a confidence.
    fn sure(&self) -> Option<Confidence> {
        Confidence::new(1.0 - self.level).ok()
    }

    /// The smallest number of trials up to `most` that is enough, above those that were not. A formula never asks for twice as many.
    fn smallest(&self, formula: Option<u64>, most: u64, enough: impl Fn(u64) -> bool) -> Option<u64> {
        let mut n = (self.tried + 1).max(formula.unwrap_or(MOST_TRIALS) / 2);
        while n <= most {
            if enough(n) {
                return Some(n);
            }
            n += (n / STEP).max(1);
        }
        None
    }
}

/// What a formula says, unless nobody makes so many.
fn whole(trials: f64) -> Option<u64> {
    (trials <= MOST_TRIALS as f64).then_some(trials.ceil() as u64)
}

/// Standard deviations beyond which a value lies with probability `alpha`.
fn z(alpha: f64) -> f64 {
    Normal::standard().inverse_cdf(1.0 - alpha)
}

/// Successes that `n` trials may well have, with their probabilities.
fn successes(n: u64, rate: f64) -> Vec<(u64, f64)> {
    let log = |k: u64, p: f64| if k == 0 { 0.0 } else { k as f64 * p.ln() };
    let mean = n as f64 * rate;
    let reach = FAR * ((mean * (1.0 - rate)).sqrt() + 1.0);
    let (low, high) = ((mean - reach).max(0.0) as u64, ((mean + reach).ceil() as u64).min(n));
    (low..=high).map(|k| (k, (ln_binomial(n, k) + log(k, rate) + log(n - k, 1.0 - rate)).exp())).collect()
}

/// Events that may well be counted where so many are expected, with their probabilities.
fn counts(mean: f64) -> Vec<(u64, f64)> {
    let reach = FAR * (mean.sqrt() + 1.0);
    let (low, high) = ((mean - reach).max(0.0) as u64, (mean + reach).ceil() as u64);
    (low..=high).map(|k| (k, (k as f64 * mean.ln() - mean - ln_factorial(k)).exp())).collect()
}

/// Fisher's test on two sides, of `low` and of more successes of `n` trials each. Both sides have as many trials, so that both tails are alike.
fn fisher(n: u64, low: u64, high: u64) -> f64 {
    let sum = low + high;
    let spread = (sum as f64 * (2 * n - sum) as f64 / (4.0 * (2 * n - 1) as f64)).sqrt();
    let start = sum.saturating_sub(n).max((sum as f64 / 2.0 - FAR * (spread + 1.0)).max(0.0) as u64);
    if start > low {
        return 0.0;
    }
    let mut term = (ln_binomial(n, start) + ln_binomial(n, sum - start) - ln_binomial(2 * n, sum)).exp();
    let mut tail = term;
    for k in start..low {
        term *= (n - k) as f64 * (sum - k) as f64 / ((k + 1) as f64 * (n + k + 1 - sum) as f64);
        tail += term;
    }
    2.0 * tail
}

/// Two rates of their own, the lower one first.
fn two_rates(low: f64, high: f64, demand: &Demand) -> Option<u64> {
    if low >= high {
        return None;
    }
    let margin = demand.margin / 100.0;
    let beyond = |n: u64, x: u64, y: u64| match (Proportion::new(x, n), Proportion::new(y, n)) {
        (Ok(x), Ok(y)) => rates::difference(x, y, demand.confidence).lower > margin,
        _ => false,
    };
    let power = |n: u64, shows: &dyn Fn(u64, u64) -> bool| -> f64 {
        let (of_low, of_high) = (successes(n, low), successes(n, high));
        // The more the lower side has, the more the other must have.
        let (mut beside, mut left) = (0_usize, of_high.iter().map(|(_, share)| share).sum::<f64>());
        let shown = of_low.iter().map(|(x, share)| {
            while let Some((y, less)) = of_high.get(beside)
                && (y <= x || !shows(*x, *y))
            {
                left -= less;
                beside += 1;
            }
            share * left
        });
        shown.sum()
    };
    let formula = rates::trials_needed(low, high, demand.sure()?, POWER, MOST_TRIALS);
    let counted = demand.smallest(formula, COUNTED, |n| {
        let differs = |x: u64, y: u64| fisher(n, x, y) <= demand.level;
        power(n, &differs) >= POWER && (margin <= 0.0 || power(n, &|x, y| differs(x, y) && beyond(n, x, y)) >= POWER)
    });
    counted.or_else(|| formula.filter(|_| margin <= 0.0).map(|n| n.max(COUNTED + 1)))
}

/// How often the second of two sides is shown to be ahead: of each sum, with its probability, `lean` is its share on average.
fn ahead(sums: &[(u64, f64)], lean: f64, shows: impl Fn(u64, u64) -> bool) -> f64 {
    let mut least = 0_u64;
    let shown = sums.iter().map(|&(sum, share)| {
        let more = sum / 2 + 1;
        least = least.clamp(more, sum + 1);
        while least <= sum && !shows(sum, least) {
            least += 1;
        }
        while least > more && shows(sum, least - 1) {
            least -= 1;
        }
        share * binomial::at_least(least, sum, lean)
    });
    shown.sum()
}

/// Pairs in which only one succeeded, the smaller share first.
fn in_pairs(low: f64, high: f64, demand: &Demand) -> Option<u64> {
    let (unlike, apart) = (low + high, high - low);
    if apart <= 0.0 {
        return None;
    }
    let margin = demand.margin / 100.0;
    // R. J. Connor 1987.
    let spread = z(demand.level / 2.0) * unlike.sqrt() + z(1.0 - POWER) * (unlike - apart * apart).max(0.0).sqrt();
    let formula = whole((spread / apart).powi(2));
    let counted = demand.smallest(formula, COUNTED, |n| {
        let sums = successes(n, unlike.min(1.0));
        let differs = |sum: u64, k: u64| mcnemar(sum - k, k) <= demand.level;
        let beyond = |sum: u64, k: u64| {
            Discordant { only_first: sum - k, only_second: k, pairs: n }.interval(demand.confidence).lower > margin
        };
        ahead(&sums, high / unlike, differs) >= POWER
            && (margin <= 0.0 || ahead(&sums, high / unlike, |sum, k| differs(sum, k) && beyond(sum, k)) >= POWER)
    });
    counted.or_else(|| formula.filter(|_| margin <= 0.0).map(|n| n.max(COUNTED + 1)))
}

/// Events in a trial, the fewer first: of two equal times the sum divides as pairs do.
fn events(few: f64, many: f64, demand: &Demand) -> Option<u64> {
    let each = few + many;
    if few >= many || !each.is_finite() {
        return None;
    }
    let most = (COUNTED as f64 / each).min(MOST_TRIALS as f64) as u64;
    let formula = whole(poisson::hours_needed(few, many, demand.sure()?, POWER));
    let counted = demand.smallest(formula, most, |n| {
        let sums = counts(n as f64 * each);
        ahead(&sums, many / each, |sum, k| mcnemar(sum - k, k) <= demand.level) >= POWER
    });
    counted.or_else(|| formula.map(|n| n.max(most + 1)))
}

/// The mean of values, and their variance about it.
fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n)
}

/// Trials from which on the lean of ranks away from a half is shown. Of one trial its variance is `even` where there is no difference, and `seen`.
fn by_ranks((lean, seen): (f64, f64), even: f64, alpha: f64) -> Option<u64> {
    whole(((z(alpha / 2.0) * even.sqrt() + z(1.0 - POWER) * seen.sqrt()) / lean).powi(2))
}

/// The larger number of both: the difference is shown, and lies beyond the margin. Moved away from the margin it only leans more.
fn ranked(demand: &Demand, even: f64, moved: impl Fn(f64) -> (f64, f64)) -> Option<u64> {
    let shown = by_ranks(moved(0.0), even, demand.level)?;
    if demand.margin <= 0.0 {
        return Some(shown);
    }
    let outside = |by: f64| by_ranks(moved(by), even, demand.confidence.alpha());
    Some(shown.max(outside(demand.margin)?).max(outside(-demand.margin)?))
}

/// Two samples by the ranks of Mann and Whitney.
fn two_samples(first: &[f64], second: &[f64], demand: &Demand) -> Option<u64> {
    let moved = |by: f64| {
        let share =
            |of: &dyn Fn(f64) -> f64, over: &[f64]| over.iter().map(|x| of(*x)).sum::<f64>() / over.len() as f64;
        let above: Vec<f64> = first.iter().map(|a| share(&|b| half(b - by, *a), second)).collect();
        let below: Vec<f64> = second.iter().map(|b| share(&|a| half(b - by, a), first)).collect();
        let ((mean, one), (_, other)) = (mean_and_variance(&above), mean_and_variance(&below));
        (mean - 0.5, one + other)
    };
    // Of all divisions of the values the two that lie furthest out are the least that a test can show.
    let least = (1..=COUNTED).find(|n| 2.0 * (-ln_binomial(2 * n, *n)).exp() <= demand.level)?;
    Some(ranked(demand, 1.0 / 6.0, moved)?.max(least))
}

/// Differences within pairs by signed ranks.
fn signed(values: &[f64], demand: &Demand) -> Option<u64> {
    let others = values.len().checked_sub(1).filter(|others| *others > 0)? as f64;
    let moved = |by: f64| {
        let positive = |i: usize| {
            let beside = values.iter().enumerate().filter(|(j, _)| *j != i);
            beside.map(|(_, other)| half((values[i] - by) + (other - by), 0.0)).sum::<f64>() / others
        };
        let shares: Vec<f64> = (0..values.len()).map(positive).collect();
        let (mean, variance) = mean_and_variance(&shares);
        (mean - 0.5, 4.0 * variance)
    };
    // All signs alike.
    let least = (1..=COUNTED).find(|n| 2.0 * 0.5f64.powi(*n as i32) <= demand.level)?;
    Some(ranked(demand, 1.0 / 3.0, moved)?.max(least))
}
