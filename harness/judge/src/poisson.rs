//! Counts in time: exact intervals of a rate, two rates beside each other, a rate looked at after every trial.
//!
//! Everything here takes events for independent. Dropouts come in bursts: what is one disturbance counts once, and [`crate::stability`] says
//! when the counts scatter more than that allows.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF, DiscreteCDF, Poisson};
use statrs::function::gamma::ln_gamma;

use crate::{Confidence, Interval, binomial, sequential::Decision};

/// Events that were counted while something was watched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Count {
    /// How many.
    pub events: u64,
    /// For how long, in hours.
    pub hours: f64,
}

impl Count {
    /// Events an hour; nothing without time.
    #[must_use]
    pub fn estimate(&self) -> Option<f64> {
        (self.hours > 0.0).then(|| self.events as f64 / self.hours)
    }

    /// The exact two-sided interval of the rate an hour (F. Garwood 1936).
    #[must_use]
    pub fn interval(&self, confidence: Confidence) -> Interval {
        let half = confidence.alpha() / 2.0;
        Interval { lower: self.lower(half), upper: self.upper(half) }
    }

    /// One-sided lower bound of the rate an hour.
    #[must_use]
    pub fn lower_bound(&self, confidence: Confidence) -> f64 {
        self.lower(confidence.alpha())
    }

    /// One-sided upper bound of the rate an hour; infinite without time.
    #[must_use]
    pub fn upper_bound(&self, confidence: Confidence) -> f64 {
        self.upper(confidence.alpha())
    }

    fn lower(&self, alpha: f64) -> f64 {
        if self.events == 0 || self.hours <= 0.0 {
            return 0.0;
        }
        chi_squared(alpha, 2.0 * self.events as f64) / (2.0 * self.hours)
    }

    fn upper(&self, alpha: f64) -> f64 {
        if self.hours <= 0.0 {
            return f64::INFINITY;
        }
        if self.events == 0 {
            return -alpha.ln() / self.hours;
        }
        chi_squared(1.0 - alpha, 2.0 * self.events as f64 + 2.0) / (2.0 * self.hours)
    }
}

fn chi_squared(p: f64, freedom: f64) -> f64 {
    ChiSquared::new(freedom).map_or(f64::NAN, |distribution| polished(&distribution, p))
}

/// The quantile of statrs, brought to the last digits by bisection.
fn polished(distribution: &ChiSquared, p: f64) -> f64 {
    let about = distribution.inverse_cdf(p);
    let (mut low, mut high) = (about * (1.0 - 1e-4), about * (1.0 + 1e-4));
    if !(distribution.cdf(low) <= p && distribution.cdf(high) >= p) {
        (low, high) = (0.0, about * 2.0 + 10.0);
    }
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if distribution.cdf(middle) < p { low = middle } else { high = middle }
    }
    low + (high - low) / 2.0
}

/// Two counts beside each other: probability of the first one's share or a more extreme one if the rates are equal, given the sum; conditional
/// binomial, exact. Twice the smaller side.
#[must_use]
pub fn compare(first: Count, second: Count) -> Option<f64> {
    let hours = first.hours + second.hours;
    if !(first.hours > 0.0 && second.hours > 0.0) {
        return None;
    }
    let (k, n, share) = (first.events, first.events + second.events, first.hours / hours);
    let side = binomial::at_most(k, n, share).min(binomial::at_least(k, n, share));
    Some((2.0 * side).min(1.0))
}

/// The interval of the ratio of the second rate to the first, from the exact interval of the share (J. Przyborowski, H. Wileński 1940).
#[must_use]
pub fn ratio(first: Count, second: Count, confidence: Confidence) -> Interval {
    let everything = Interval { lower: 0.0, upper: f64::INFINITY };
    if !(first.hours > 0.0 && second.hours > 0.0) {
        return everything;
    }
    let Ok(share) = crate::proportion::Proportion::new(second.events, first.events + second.events) else {
        return everything;
    };
    let share = share.clopper_pearson(confidence);
    let odds =
        |share: f64| if share >= 1.0 { f64::INFINITY } else { share / (1.0 - share) * first.hours / second.hours };
    Interval { lower: odds(share.lower), upper: odds(share.upper) }
}

/// The interval of the second rate less the first, an hour: the distances to the exact limits of both, squared and added (G. Y. Zou, A. Donner
/// 2008, with Garwood's limits). Everything is possible without time on both sides.
#[must_use]
pub fn difference(first: Count, second: Count, confidence: Confidence) -> Interval {
    let (Some(p), Some(q)) = (first.estimate(), second.estimate()) else {
        return Interval { lower: f64::NEG_INFINITY, upper: f64::INFINITY };
    };
    let (a, b) = (first.interval(confidence), second.interval(confidence));
    Interval { lower: q - p - (q - b.lower).hypot(a.upper - p), upper: q - p + (b.upper - q).hypot(p - a.lower) }
}

/// Hours of each side that show a difference between two rates an hour with this probability, on two sides: by the square roots of counts, whose
/// variance is a quarter (M. D. Huffman 1984). Infinite without a difference.
#[must_use]
pub fn hours_needed(first: f64, second: f64, confidence: Confidence, power: f64) -> f64 {
    use statrs::distribution::Normal;
    let normal = Normal::standard();
    let z = normal.inverse_cdf(1.0 - confidence.alpha() / 2.0) + normal.inverse_cdf(power);
    z * z / (2.0 * (first.sqrt() - second.sqrt()).powi(2))
}

/// The test of K. Krishnamoorthy and J. Thomson (2004): more power than the conditional one.
#[must_use]
pub fn e_test(first: Count, second: Count) -> Option<f64> {
    if !(first.hours > 0.0 && second.hours > 0.0) {
        return None;
    }
    let statistic = |i: f64, j: f64| {
        let variance = i / first.hours.powi(2) + j / second.hours.powi(2);
        if variance > 0.0 { (i / first.hours - j / second.hours) / variance.sqrt() } else { 0.0 }
    };
    let observed = statistic(first.events as f64, second.events as f64).abs();
    if first.events + second.events == 0 {
        return Some(1.0);
    }
    let rate = (first.events + second.events) as f64 / (first.hours + second.hours);
    let masses = |mean: f64| -> Vec<f64> {
        let last = Poisson::new(mean).map_or(0, |p| p.inverse_cdf(1.0 - 1e-15)) + 10;
        (0..=last).map(|k| (k as f64 * mean.ln() - mean - ln_gamma(k as f64 + 1.0)).exp()).collect()
    };
    let (of_first, of_second) = (masses(rate * first.hours), masses(rate * second.hours));
    let mut p = 0.0;
    for (i, x) in of_first.iter().enumerate() {
        for (j, y) in of_second.iter().enumerate() {
            if statistic(i as f64, j as f64).abs() >= observed - 1e-12 {
                p += x * y;
            }
        }
    }
    Some(p.min(1.0))
}

/// A rate that must be rejected, one that a good device has, and the error of either answer: looked at as often as anybody likes.
///
/// The likelihood ratio of two rates is a martingale under either of them, and passes 1/α with probability α at most, whenever one looks (J. Ville
/// 1939; A. Wald 1945). Under any rate above the one to be rejected it is a supermartingale: the error holds for all devices worse than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    limit: f64,
    good: f64,
    alpha: f64,
}

impl Watch {
    /// A watch over a rate an hour; nothing unless 0 ≤ `good` < `limit`, both finite.
    #[must_use]
    pub fn new(limit: f64, good: f64, confidence: Confidence) -> Option<Self> {
        let fits = good >= 0.0 && good < limit && limit.is_finite();
        fits.then_some(Self { limit, good, alpha: confidence.alpha() })
    }

    /// One minus the probability of either error.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        1.0 - self.alpha
    }

    /// The rate an hour that must be rejected.
    #[must_use]
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// The rate an hour of a good device.
    #[must_use]
    pub fn good(&self) -> f64 {
        self.good
    }

    /// Hours until the answer on average, for events at this rate an hour: Wald's identity, with half a step beyond the barrier that events
    /// overstep.
    #[must_use]
    pub fn expected_hours(&self, rate: f64) -> f64 {
        let needed = -self.alpha.ln();
        if self.good <= 0.0 {
            // The first event ends it, or the time does.
            let longest = needed / self.limit;
            return if rate > 0.0 { (1.0 - (-rate * longest).exp()) / rate } else { longest };
        }
        let (gain, step) = (self.limit - self.good, (self.limit / self.good).ln());
        let drift = gain - rate * step;
        let (pass, fail) = (needed, needed + step / 2.0);
        if rate <= 0.0 {
            return pass / gain;
        }
        if drift.abs() < 1e-9 * gain {
            return pass * fail / (rate * step * step);
        }
        // exp(root·evidence) is a martingale; its root has the sign against the drift.
        let excess = |theta: f64| theta * gain + rate * (-theta * step).exp_m1();
        let sign = -drift.signum();
        let mut far = sign / step;
        while excess(far) < 0.0 {
            far *= 2.0;
        }
        let mut near = 0.0;
        for _ in 0..200 {
            let middle = f64::midpoint(near, far);
            if excess(middle) < 0.0 { near = middle } else { far = middle }
        }
        let passes = -(-far * fail).exp_m1() / ((far * pass).exp() - (-far * fail).exp());
        (pass * passes - fail * (1.0 - passes)) / drift
    }

    /// What the count says so far.
    #[must_use]
    pub fn decide(&self, count: Count) -> Decision {
        let advantage = self.evidence(count);
        let needed = -self.alpha.ln();
        if advantage >= needed {
            Decision::Pass
        } else if advantage <= -needed {
            Decision::Fail
        } else {
            Decision::Continue
        }
    }

    /// Logarithm of the likelihood of the good rate over that of the limit.
    fn evidence(&self, count: Count) -> f64 {
        let by_time = (self.limit - self.good) * count.hours.max(0.0);
        match count.events {
            0 => by_time,
            events => by_time + events as f64 * (self.good / self.limit).ln(),
        }
    }

    /// Further hours without an event until it passes; 0 when it has, nothing when no time does because the good rate is zero and there was one.
    #[must_use]
    pub fn hours_needed(&self, count: Count) -> Option<f64> {
        let missing = -self.alpha.ln() - self.evidence(count);
        let hours = missing / (self.limit - self.good);
        hours.is_finite().then_some(hours.max(0.0))
    }
}
