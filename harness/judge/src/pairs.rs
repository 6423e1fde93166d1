//! Trials in pairs, such as those of two conditions that took turns: what both of a pair share cancels.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::{Confidence, Interval, binomial, normal::upper_tail, ranks::Exactness};

/// Up to this many pairs the null distribution is computed exactly.
const EXACT_PAIRS: usize = 100;

/// Whether two rates are one, by the pairs in which only one of the two succeeded: exact binomial, two-sided (Q. McNemar 1947).
#[must_use]
pub fn mcnemar(only_first: u64, only_second: u64) -> f64 {
    let n = only_first + only_second;
    if n == 0 {
        return 1.0;
    }
    (2.0 * binomial::at_most(only_first.min(only_second), n, 0.5)).min(1.0)
}

/// Whether differences within pairs are centred on zero, and where they are centred.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignedRank {
    /// Sum of the ranks of positive differences; zeros are left out (F. Wilcoxon 1945).
    pub w: f64,
    /// Two-sided probability of a sum as far out, if they are.
    pub two_sided: f64,
    /// How it was computed.
    pub exactness: Exactness,
    /// Median of the means of all two differences, each with itself too (Hodges and Lehmann).
    pub estimate: f64,
    /// Its interval; open where there are too few pairs.
    pub interval: Interval,
}

/// The signed-rank test of differences; nothing without any, or when one is not a number.
#[must_use]
pub fn signed_rank(differences: &[f64], confidence: Confidence) -> Option<SignedRank> {
    if differences.is_empty() || differences.iter().any(|d| d.is_nan()) {
        return None;
    }
    let mut sizes: Vec<(f64, bool)> = differences.iter().filter(|d| **d != 0.0).map(|d| (d.abs(), *d > 0.0)).collect();
    sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Twice the ranks: ties share the mean of their places, which is a multiple of a half.
    let mut doubled: Vec<usize> = Vec::with_capacity(sizes.len());
    for group in sizes.chunk_by(|a, b| a.0 == b.0) {
        let first = doubled.len() + 1;
        doubled.extend(std::iter::repeat_n(2 * first + group.len() - 1, group.len()));
    }
    let w: usize = doubled.iter().zip(&sizes).filter(|(_, (_, positive))| *positive).map(|(rank, _)| rank).sum();
    let (two_sided, exactness) = match doubled.len() {
        0 => (1.0, Exactness::Exact),
        n if n <= EXACT_PAIRS => {
            let shares = shares(&doubled);
            let side = |part: &[f64]| part.iter().sum::<f64>();
            ((2.0 * side(&shares[..=w]).min(side(&shares[w..]))).min(1.0), Exactness::Exact)
        }
        _ => (asymptotic(w, &doubled), Exactness::Asymptotic),
    };
    let (estimate, interval) = centre(differences, confidence);
    Some(SignedRank { w: w as f64 / 2.0, two_sided, exactness, estimate, interval })
}

/// Probability of each sum of some of these ranks, when each is taken or not with equal chances.
fn shares(ranks: &[usize]) -> Vec<f64> {
    let mut shares = vec![0.0f64; ranks.iter().sum::<usize>() + 1];
    shares[0] = 1.0;
    let mut reached = 0;
    for rank in ranks {
        reached += rank;
        for sum in (0..=reached).rev() {
            let with = sum.checked_sub(*rank).map_or(0.0, |rest| shares[rest]);
            shares[sum] = 0.5 * (shares[sum] + with);
        }
    }
    shares
}

fn asymptotic(w: usize, doubled: &[usize]) -> f64 {
    let mean = doubled.iter().sum::<usize>() as f64 / 2.0;
    let sigma = (doubled.iter().map(|rank| (rank * rank) as f64).sum::<f64>() / 4.0).sqrt();
    // Half a rank for continuity: one step of what is doubled.
    let z = ((w as f64 - mean).abs() - 1.0).max(0.0) / sigma;
    (2.0 * upper_tail(z)).min(1.0)
}

fn centre(differences: &[f64], confidence: Confidence) -> (f64, Interval) {
    let n = differences.len();
    let mut means: Vec<f64> = (0..n)
        .flat_map(|i| (i..n).map(move |j| (i, j)))
        .map(|(i, j)| 0.5 * (differences[i] + differences[j]))
        // An infinite gain and an infinite loss: nothing that anybody could name.
        .map(|mean| if mean.is_nan() { 0.0 } else { mean })
        .collect();
    means.sort_by(f64::total_cmp);
    let count = means.len();
    let estimate = match count % 2 {
        1 => means[count / 2],
        _ if means[count / 2 - 1] == means[count / 2] => means[count / 2],
        _ => 0.5 * (means[count / 2 - 1] + means[count / 2]),
    };
    let interval = match rank(n, confidence.alpha() / 2.0) {
        0 => Interval { lower: f64::NEG_INFINITY, upper: f64::INFINITY },
        k => Interval { lower: means[k - 1], upper: means[count - k] },
    };
    (estimate, interval)
}

/// The place, from 1, of the mean that bounds the centre from below; 0 when even the smallest covers too little.
fn rank(n: usize, alpha: f64) -> usize {
    if n > EXACT_PAIRS {
        let n = n as f64;
        let (mean, sigma) = (n * (n + 1.0) / 4.0, (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt());
        return (mean + Normal::standard().inverse_cdf(alpha) * sigma).floor().max(0.0) as usize;
    }
    let ranks: Vec<usize> = (1..=n).collect();
    let mut sum = 0.0;
    shares(&ranks)
        .iter()
        .position(|share| {
            sum += share;
            sum > alpha
        })
        .unwrap_or(0)
}
