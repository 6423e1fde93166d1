//! From a design to its boundaries.
//!
//! Between the first look and the last, the lines of a sequential probability ratio test: pass while failures ≤ g·n − a,
//! fail while failures ≥ g·n + b, with Wald's slope g. At the last look the error probabilities that are left are spent
//! on as many counts as they pay for. The distances a and b are searched so that trials are saved and as little as
//! possible stays inconclusive; every candidate is judged by its exact distribution, so each one that is considered at
//! all keeps its error probabilities.

use std::cell::Cell;

use statrs::distribution::{ContinuousCDF, Normal};

use super::boundaries::Boundaries;
use super::design::Design;
use super::walk::Walk;

/// Error probabilities are kept to rounding: what is summed here stays below the limit by this share.
const MARGIN: f64 = 1e-11;

/// What a verdict costs that is wrong or missing, in campaigns of a fixed number of trials, `at_most` at the most.
/// Tuned: below 4 a good device may fail by its first failure, to save a part of a trial on average; above 5 the test
/// keeps further and further below its error probabilities and becomes longer than Wald's.
const PRICE: f64 = 4.5;

/// The search ends after this many steps of single cells, some 50 ms. Only tests of thousands of trials whose rates lie
/// close together get there. A count instead of a clock, so that every machine finds the same boundaries.
const WORK: usize = 30_000_000;

/// The lines, and the walks of the two rates up to the first look.
struct Search<'a> {
    design: &'a Design,
    slope: f64,
    /// [`PRICE`] in trials.
    price: f64,
    work: Cell<usize>,
    bad: Walk,
    good: Walk,
}

/// A candidate and what it costs.
#[derive(Clone, Copy)]
struct Plan {
    /// Distance of the pass line, in failures.
    a: f64,
    /// Distance of the fail line, in failures.
    b: f64,
    /// At the last look: most failures that pass.
    last_pass: Option<u32>,
    /// At the last look: least failures that fail.
    last_fail: Option<u32>,
    cost: f64,
}

pub(super) fn boundaries(design: &Design) -> Boundaries {
    if design.forgives_nothing() {
        // Nothing is to be searched: as many successes as show the rate, or the first failure.
        let least = design.least_to_pass();
        return Boundaries::from_lines(*design, |n| (n >= least).then_some(0), |_| Some(1));
    }
    let (a, b, slope) = wald(design);
    let price = f64::from(design.at_most).min(PRICE * fixed_trials(design));
    // What is dropped over all trials stays within the margin.
    let negligible = 1e-16 * design.alpha.min(design.beta);
    let mut search = Search {
        design,
        slope,
        price,
        work: Cell::new(0),
        bad: Walk::new(design.reject, negligible),
        good: Walk::new(design.accept, negligible),
    };
    for _ in 1..design.at_least {
        search.bad.step();
        search.good.step();
    }
    search.best(a, b).boundaries(design, slope)
}

/// Wald's distances of the pass line and of the fail line, and the slope of both, in failures.
fn wald(design: &Design) -> (f64, f64, f64) {
    let Design { reject, accept, alpha, beta, .. } = *design;
    let per_success = (accept / reject).ln();
    let per_failure = ((1.0 - reject) / (1.0 - accept)).ln();
    let unit = per_success + per_failure;
    (((1.0 - beta) / alpha).ln() / unit, ((1.0 - alpha) / beta).ln() / unit, per_success / unit)
}

/// Trials of a test without looks on the way, by the normal approximation.
fn fixed_trials(design: &Design) -> f64 {
    let deviations = |rate: f64, risk: f64| Normal::standard().inverse_cdf(1.0 - risk) * (rate * (1.0 - rate)).sqrt();
    let spread = deviations(design.reject, design.alpha) + deviations(design.accept, design.beta);
    (spread / (design.accept - design.reject)).powi(2)
}

fn most_that_pass(slope: f64, a: f64, n: u32) -> Option<u32> {
    let line = (f64::from(n) * slope - a).floor();
    (line >= 0.0).then_some(line as u32)
}

fn least_that_fail(slope: f64, b: f64, n: u32) -> u32 {
    // At least one failure: lines that start too close to each other must not fail a device without any.
    (f64::from(n) * slope + b).ceil().max(1.0) as u32
}

impl Search<'_> {
    /// The cheapest of the candidates around Wald's distances: first both scaled together, then each by itself in
    /// shrinking steps.
    fn best(&self, a: f64, b: f64) -> Plan {
        // Distances beyond all failures: nothing is decided before the last look. This keeps the limits always.
        let far = f64::from(self.design.at_most) + 2.0;
        let mut best = self.plan(far, far, f64::INFINITY).unwrap_or(Plan {
            a: far,
            b: far,
            last_pass: None,
            last_fail: None,
            cost: f64::INFINITY,
        });
        let improve = |best: &mut Plan, a: f64, b: f64| {
            if self.work.get() > WORK {
                return false;
            }
            let found = self.plan(a, b, best.cost).filter(|p| p.cost < best.cost);
            if let Some(found) = found {
                *best = found;
            }
            found.is_some()
        };
        for scale in [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 1.15, 1.3, 1.6, 2.0, 3.0] {
            improve(&mut best, a * scale, b * scale);
        }
        for step in [1.25, 1.1, 1.04, 1.015] {
            let mut tries = 4;
            while tries > 0 {
                tries -= 1;
                let (a, b) = (best.a, best.b);
                let moved = [
                    (1.0 / step, 1.0),
                    (1.0, 1.0 / step),
                    (step, 1.0),
                    (1.0, step),
                    (1.0 / step, step),
                    (step, 1.0 / step),
                ]
                .into_iter()
                .any(|(x, y)| improve(&mut best, a * x, b * y));
                if !moved {
                    break;
                }
            }
        }
        best
    }

    /// Nothing when the lines alone spend more than the limits, or their trials alone cost more than `enough`.
    fn plan(&self, a: f64, b: f64, enough: f64) -> Option<Plan> {
        let Design { alpha, beta, at_least, at_most, .. } = *self.design;
        let (alpha_limit, beta_limit) = (alpha * (1.0 - MARGIN), beta * (1.0 - MARGIN));
        let (mut bad, mut good) = (self.bad.clone(), self.good.clone());
        let (mut alpha, mut beta, mut right_bad, mut right_good) = (0.0, 0.0, 0.0, 0.0);
        let mut trials = 2.0 * f64::from(at_least - 1);
        for n in at_least..at_most {
            let (bad_left, good_left) = (bad.total(), good.total());
            trials += bad_left + good_left;
            self.work.set(self.work.get() + bad.width() + good.width());
            bad.step();
            good.step();
            let fail = least_that_fail(self.slope, b, n);
            if let Some(pass) = most_that_pass(self.slope, a, n) {
                if pass >= fail {
                    return None;
                }
                alpha += bad.take_up_to(pass);
                right_good += good.take_up_to(pass);
            }
            beta += good.take_from(fail);
            right_bad += bad.take_from(fail);
            if alpha > alpha_limit || beta > beta_limit || trials > enough {
                return None;
            }
        }
        trials += bad.total() + good.total();
        bad.step();
        good.step();
        let passed = if at_most > at_least { most_that_pass(self.slope, a, at_most - 1) } else { None };
        let (last_pass, last_fail) = last_look(&bad, &good, at_most, passed, (alpha_limit - alpha, beta_limit - beta));
        let right = right_bad
            + right_good
            + last_fail.map_or(0.0, |least| bad.take_from(least))
            + last_pass.map_or(0.0, |most| good.take_up_to(most));
        Some(Plan { a, b, last_pass, last_fail, cost: trials + self.price * (2.0 - right) })
    }
}

/// Spends the rest of both error probabilities: the most failures that pass, the least that fail.
fn last_look(
    bad: &Walk,
    good: &Walk,
    at_most: u32,
    passed: Option<u32>,
    (alpha, beta): (f64, f64),
) -> (Option<u32>, Option<u32>) {
    let mut pass: Option<u32> = None;
    let mut spent_alpha = Vec::new();
    let mut spent = 0.0;
    for failures in 0..=at_most {
        spent += bad.at(failures);
        if spent > alpha {
            break;
        }
        spent_alpha.push(spent);
        pass = Some(failures);
    }
    let mut fail: Option<u32> = None;
    let mut cut = (f64::INFINITY, None);
    let mut spent = 0.0;
    let lowest = passed.map_or(1, |most| most + 1);
    for failures in (lowest..=at_most).rev() {
        spent += good.at(failures);
        if spent > beta {
            break;
        }
        fail = Some(failures);
        // Where both would reach, the cut that leaves most of both.
        if let Some(spent_alpha) = spent_alpha.get(failures as usize - 1) {
            let used = (spent_alpha / alpha).max(spent / beta);
            if used <= cut.0 {
                cut = (used, Some(failures));
            }
        }
    }
    match (pass, fail) {
        (Some(most), Some(least)) if most >= least => {
            let cut = cut.1.unwrap_or(least);
            (Some(cut - 1), Some(cut))
        }
        _ => (pass, fail),
    }
}

impl Plan {
    /// The staircases, with every count decided as early as its outcome is certain.
    fn boundaries(&self, design: &Design, slope: f64) -> Boundaries {
        let (first, last) = (design.at_least, design.at_most);
        // Who has as many failures as fail at the end has failed already.
        let fail = |n: u32| {
            self.last_fail.map(|at_end| if n == last { at_end } else { at_end.min(least_that_fail(slope, self.b, n)) })
        };
        let line = |n: u32| if n == last { self.last_pass } else { most_that_pass(slope, self.a, n) };
        // Who passes at the end even if all that follows fails, without failing on the way, has passed already.
        let certain = |n: u32| self.last_pass.and_then(|most| most.checked_sub(last - n));
        let certain_from = (first..last)
            .rev()
            .take_while(|n| certain(*n).is_some_and(|most| fail(*n).is_none_or(|least| most < least)))
            .last()
            .unwrap_or(last);
        let pass = |n: u32| if n < certain_from { line(n) } else { line(n).max(certain(n)) };
        Boundaries::from_lines(*design, pass, fail)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Wald's own distances, practically without truncation: the table of the sequential probability ratio test, whose
    /// rates and means come from 20,000 simulated runs.
    #[rstest]
    #[case(0.90, 0.99, (31, 2), (24.2, 39.7), (0.0499, 0.977))]
    #[case(0.95, 0.99, (72, 2), (78.8, 112.1), (0.046, 0.972))]
    #[case(0.80, 0.95, (18, 3), (22.9, 30.3), (0.042, 0.968))]
    fn lines_at_walds_distances_are_walds_test(
        #[case] reject: f64,
        #[case] accept: f64,
        #[case] straight: (u32, u32),
        #[case] mean: (f64, f64),
        #[case] pass: (f64, f64),
    ) {
        let design = Design { reject, accept, alpha: 0.05, beta: 0.05, at_least: 1, at_most: 5000 };
        let (a, b, slope) = wald(&design);
        let boundaries = Plan {
            a,
            b,
            last_pass: Some(most_that_pass(slope, a, 5000).unwrap()),
            last_fail: Some(least_that_fail(slope, b, 5000)),
            cost: 0.0,
        }
        .boundaries(&design, slope);
        assert_eq!(boundaries.straight_successes_to_pass(), Some(straight.0));
        assert_eq!(boundaries.straight_failures_to_fail(), Some(straight.1));
        for (rate, mean, pass) in [(reject, mean.0, pass.0), (accept, mean.1, pass.1)] {
            let found = boundaries.probabilities(rate).unwrap();
            assert!((found.expected_trials / mean - 1.0).abs() < 0.02, "{found:?}");
            let four_standard_errors = 4.0 * (pass * (1.0 - pass) / 20_000.0).sqrt() + 0.0005;
            assert!((found.pass - pass).abs() < four_standard_errors, "{found:?}");
        }
    }
}
