//! Two samples of a quantity by ranks: Mann and Whitney's test, the shift of Hodges and Lehmann with its interval.
//!
//! No assumption about the shape of the distribution, which of latencies is skewed and has several modes. A value that never came is +∞ and
//! takes its place in the order (H. B. Mann, D. R. Whitney 1947; J. L. Hodges, E. L. Lehmann 1963).

use statrs::distribution::{ContinuousCDF, Normal};

use crate::{Confidence, Interval, normal::upper_tail};

/// Up to this many pairs the null distribution is computed exactly.
const EXACT_PAIRS: usize = 2_500;
/// With ties, up to this many ways to divide the values among the samples are counted one by one.
const EXACT_WAYS: f64 = 200_000.0;

/// How a p-value was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exactness {
    /// The distribution of the statistic itself.
    Exact,
    /// A normal approximation with corrections for ties and for continuity.
    Asymptotic,
}

/// Whether the values of two samples come from one distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which the value of the first sample is larger, half of a tie.
    pub u: f64,
    /// Probability of a statistic as far out, on either side, if they do.
    pub two_sided: f64,
    /// Probability of one as small: small if the first sample has smaller values.
    pub less: f64,
    /// Probability of one as large.
    pub greater: f64,
    /// How these were computed.
    pub exactness: Exactness,
}

/// Compares two samples; nothing when one is empty or a value is not a number.
#[must_use]
pub fn mann_whitney(first: &[f64], second: &[f64]) -> Option<MannWhitney> {
    if first.is_empty() || second.is_empty() || first.iter().chain(second).any(|value| value.is_nan()) {
        return None;
    }
    let (n, m) = (first.len(), second.len());
    let u: f64 = first.iter().map(|a| second.iter().map(|b| half(*a, *b)).sum::<f64>()).sum();
    let ties = ties(first, second);
    let (less, greater, exactness) = if ties.is_empty() && n * m <= EXACT_PAIRS {
        let counts = null_counts(n, m);
        let total: f64 = counts.iter().sum();
        // Without ties the statistic is whole.
        let at = u.round() as usize;
        let share = |part: &[f64]| part.iter().sum::<f64>() / total;
        (share(&counts[..=at]), share(&counts[at..]), Exactness::Exact)
    } else if ways(n, m) <= EXACT_WAYS {
        let (less, greater) = permuted(first, second, u);
        (less, greater, Exactness::Exact)
    } else {
        let (less, greater) = asymptotic(u, n as f64, m as f64, &ties);
        (less, greater, Exactness::Asymptotic)
    };
    Some(MannWhitney { u, two_sided: (2.0 * less.min(greater)).min(1.0), less, greater, exactness })
}

/// 1 when the first is larger, a half when they are equal.
pub(crate) fn half(a: f64, b: f64) -> f64 {
    if a > b {
        1.0
    } else if a < b {
        0.0
    } else {
        0.5
    }
}

/// Sizes of groups of equal values.
fn ties(first: &[f64], second: &[f64]) -> Vec<f64> {
    let mut all: Vec<f64> = first.iter().chain(second).copied().collect();
    all.sort_by(f64::total_cmp);
    // Zero has two signs and one value.
    let groups = all.chunk_by(|a, b| a == b);
    groups.map(|group| group.len() as f64).filter(|size| *size > 1.0).collect()
}

/// In how many ways each value of the statistic comes about, from 0 to n·m, by the recurrence of Mann and Whitney: the largest of all values is
/// of the first sample, and larger than all m of the second, or it is of the second. Sums only: nothing cancels.
fn null_counts(n: usize, m: usize) -> Vec<f64> {
    // Of i values of the first sample and j of the second, for each j; none of the first win no pair.
    let mut rows: Vec<Vec<f64>> = (0..=m).map(|_| vec![1.0]).collect();
    for i in 1..=n {
        let mut next: Vec<Vec<f64>> = Vec::with_capacity(m + 1);
        next.push(vec![1.0]);
        for j in 1..=m {
            let mut row = vec![0.0; i * j + 1];
            for (u, ways) in next[j - 1].iter().enumerate() {
                row[u] += ways;
            }
            for (u, ways) in rows[j].iter().enumerate() {
                row[u + j] += ways;
            }
            next.push(row);
        }
        rows = next;
    }
    rows.pop().unwrap_or_default()
}

/// n + m over n, as a number.
fn ways(n: usize, m: usize) -> f64 {
    (1..=n.min(m)).map(|k| (n.max(m) + k) as f64 / k as f64).product()
}

/// Shares of all divisions of the values whose statistic is at most and at least `u`.
fn permuted(first: &[f64], second: &[f64], u: f64) -> (f64, f64) {
    let mut all: Vec<f64> = first.iter().chain(second).copied().collect();
    all.sort_by(f64::total_cmp);
    let ranks = ranks(&all);
    let n = first.len();
    // The statistic is the rank sum less n (n + 1) / 2.
    let wanted = u + (n * (n + 1)) as f64 / 2.0;
    let (mut at_most, mut at_least, mut total) = (0.0, 0.0, 0.0);
    let mut chosen: Vec<usize> = (0..n).collect();
    loop {
        let sum: f64 = chosen.iter().map(|at| ranks[*at]).sum();
        // Ranks are multiples of a half: their sums are exact.
        at_most += f64::from(u8::from(sum <= wanted));
        at_least += f64::from(u8::from(sum >= wanted));
        total += 1.0;
        let Some(turn) = (0..n).rev().find(|&k| chosen[k] < all.len() - n + k) else { break };
        chosen[turn] += 1;
        for k in turn + 1..n {
            chosen[k] = chosen[k - 1] + 1;
        }
    }
    (at_most / total, at_least / total)
}

/// Ranks from 1 of sorted values, the mean of their places for equal ones.
fn ranks(sorted: &[f64]) -> Vec<f64> {
    let mut ranks = Vec::with_capacity(sorted.len());
    for group in sorted.chunk_by(|a, b| a == b) {
        let first = ranks.len() + 1;
        let mean = (first + first + group.len() - 1) as f64 / 2.0;
        ranks.extend(group.iter().map(|_| mean));
    }
    ranks
}

fn asymptotic(u: f64, n: f64, m: f64, ties: &[f64]) -> (f64, f64) {
    let total = n + m;
    let tied: f64 = ties.iter().map(|t| t * t * t - t).sum();
    let variance = n * m / 12.0 * (total + 1.0 - tied / (total * (total - 1.0)));
    if variance <= 0.0 {
        return (1.0, 1.0);
    }
    let (mean, sigma) = (n * m / 2.0, variance.sqrt());
    let less = upper_tail(-(u - mean + 0.5) / sigma);
    let greater = upper_tail((u - mean - 0.5) / sigma);
    (less.min(1.0), greater.min(1.0))
}

/// How far the second sample lies above the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// The median of all differences, second less first (Hodges and Lehmann).
    pub estimate: f64,
    /// Its interval; an end is infinite where values never came, or the samples are too small.
    pub interval: Interval,
    /// How much more often than not a value of the second sample is larger, −1 to 1 (Cliff).
    pub cliff_delta: f64,
}

/// The shift between two samples; nothing when one is empty or a value is not a number.
#[must_use]
pub fn shift(first: &[f64], second: &[f64], confidence: Confidence) -> Option<Shift> {
    let (n, m) = (first.len(), second.len());
    let test = mann_whitney(second, first)?;
    let pairs = n * m;
    let mut differences: Vec<f64> = second
        .iter()
        .flat_map(|b| first.iter().map(move |a| if a == b { 0.0 } else { b - a }))
        // Never less never is no difference that anybody could name: it is none.
        .map(|difference| if difference.is_nan() { 0.0 } else { difference })
        .collect();
    differences.sort_by(f64::total_cmp);
    let middle = |at: usize| differences[at];
    let estimate = match pairs % 2 {
        1 => middle(pairs / 2),
        _ => mean(middle(pairs / 2 - 1), middle(pairs / 2)),
    };
    let k = rank(n, m, confidence.alpha() / 2.0);
    let interval = match k {
        0 => Interval { lower: f64::NEG_INFINITY, upper: f64::INFINITY },
        // Places are counted from 1.
        k => Interval { lower: differences[k - 1], upper: differences[pairs - k] },
    };
    Some(Shift { estimate, interval, cliff_delta: 2.0 * test.u / pairs as f64 - 1.0 })
}

fn mean(a: f64, b: f64) -> f64 {
    if a == b { a } else { a + (b - a) / 2.0 }
}

/// The place, from 1, of the difference that bounds the shift from below: the smallest u with P(U ≤ u) above `alpha`; 0 when even the
/// smallest difference covers too little.
fn rank(n: usize, m: usize, alpha: f64) -> usize {
    if n * m > EXACT_PAIRS {
        let (n, m) = (n as f64, m as f64);
        let sigma = (n * m * (n + m + 1.0) / 12.0).sqrt();
        let z = Normal::standard().inverse_cdf(alpha);
        return (n * m / 2.0 + z * sigma).floor().max(0.0) as usize;
    }
    let counts = null_counts(n, m);
    let total: f64 = counts.iter().sum();
    let mut sum = 0.0;
    counts
        .iter()
        .position(|count| {
            sum += count;
            sum / total > alpha
        })
        .unwrap_or(0)
}
