//! A difference between two sides, as one of them sees it.
//!
//! The verdict belongs to the second side: what is expected is the second less the first. Looks are taken at planned numbers of trials, at the first
//! trials of either side in the order of their numbers, so that the answer does not depend on which of them ended sooner.

use rigtone_model::{
    document::{Difference, Expect, Expectation, Scenario},
    plan::Combination,
    trial::TrialRecord,
    verdict::{ExpectationVerdict, Verdict},
};

use super::{
    looks::Looks,
    outcome::{TrialResult, counted, result},
    rules::ExpectationRule,
    state::{interval, standing},
    tally::Ending,
    words,
};
use crate::{
    comparison::{Apart, Side, Trial, apart},
    sequential::{Decision, Outcome},
};

/// One side of a difference.
#[derive(Debug, Clone)]
pub(super) struct Beside {
    index: usize,
    gating: bool,
    /// Whether it is the second side.
    second: bool,
    looks: Looks,
    /// Looks that were taken.
    looked: usize,
    decision: Decision,
    trials: Vec<Trial>,
}

impl Beside {
    /// The side on which a combination stands, if it stands on one.
    pub(super) fn new(
        index: usize,
        expect: &Expect,
        rule: &ExpectationRule,
        combination: &Combination,
        scenario: &Scenario,
    ) -> Option<Self> {
        let Expectation::Difference(difference) = expect.expectation() else { return None };
        let mine = value(difference, combination, scenario)?;
        Some(Self {
            index,
            gating: expect.gates(),
            second: difference.between.iter().position(|value| value == mine)? == 1,
            looks: rule.looks.clone()?,
            looked: 0,
            decision: Decision::Continue,
            trials: Vec::new(),
        })
    }

    /// The expectation's place in the scenario.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// Whether its verdict is one of this combination's.
    pub(super) fn speaks(&self) -> bool {
        self.second
    }

    /// Whether it decides the combination.
    pub(super) fn gates(&self) -> bool {
        self.gating
    }

    /// What is known so far; the same on both sides.
    pub(super) fn decision(&self) -> Decision {
        self.decision
    }

    /// Takes over what was found out.
    pub(super) fn decide(&mut self, (looked, decision): (usize, Decision)) {
        (self.looked, self.decision) = (looked, decision);
    }

    /// Trials until the next look.
    pub(super) fn further(&self) -> Option<f64> {
        let next = self.looks.looks.get(self.looked)?;
        Some((f64::from(next.trials) - self.trials.len() as f64).max(1.0))
    }

    /// Takes a trial that gave a result.
    pub(super) fn take(&mut self, scenario: &Scenario, trial: &TrialRecord) {
        let Some(expect) = scenario.expect.get(self.index) else { return };
        let expectation = expect.expectation();
        let TrialResult { outcome, value, .. } = result(&expectation, scenario, trial);
        let counted = counted(&expectation, trial);
        // The sides of a difference take turns, trial by trial: their numbers are their order in time.
        self.trials.push(Trial { number: trial.trial, began_ns: i64::from(trial.trial), outcome, value, counted });
    }

    /// Takes the looks that are due; gives how many were taken in all, and what they say.
    pub(super) fn look(&self, first: &Self, difference: &Difference) -> (usize, Decision) {
        let (mut looked, mut decision) = (self.looked, self.decision);
        while decision == Decision::Continue
            && let Some(look) = self.looks.looks.get(looked)
            && let n = look.trials as usize
            && let (Some(of_first), Some(mine)) = (first.trials.get(..n), self.trials.get(..n))
        {
            looked += 1;
            if let Some(apart) = apart(difference.of, &side(of_first), &side(mine), look.alpha) {
                decision = decide(difference, &apart);
            }
            if decision == Decision::Continue && looked == self.looks.looks.len() {
                decision = Decision::Inconclusive;
            }
        }
        (looked, decision)
    }

    /// The verdict as it stands. `first` is the other side, or says why there is none.
    ///
    /// Its interval is two-sided, and its ends are the one-sided bounds of `seen`: each of these holds with the stated confidence, so that both
    /// together hold with twice the error.
    pub(super) fn verdict(
        &self,
        first: Result<(&Self, &Combination), &str>,
        difference: &Difference,
        ending: &Ending,
    ) -> ExpectationVerdict {
        let other = first.ok();
        let of_first = other.map_or(&[][..], |(first, _)| &first.trials);
        // All trials are shown, at the whole error probability; the looks have decided.
        let apart = apart(difference.of, &side(of_first), &side(&self.trials), self.looks.alpha);
        let verdict = match first {
            Ok(_) => standing(self.decision, ending),
            // Without a trial nothing was left open by trials.
            Err(_) if self.trials.is_empty() => standing(Decision::Continue, ending),
            Err(_) => Verdict::Inconclusive,
        };
        let seen = match (first, &apart) {
            (Err(why), _) => why.to_owned(),
            (Ok(_), Some(apart)) => words::apart(difference, apart, 1.0 - self.looks.alpha, self.looked),
            (Ok(_), None) => "there are no trials of both sides to compare".to_owned(),
        };
        let outcome = |wanted: Outcome| self.trials.iter().filter(|t| t.outcome == wanted).count() as u32;
        ExpectationVerdict {
            index: self.index,
            expected: words::expected(&Expectation::Difference(difference)),
            gating: self.gating,
            verdict,
            seen,
            n: self.trials.len() as u32,
            held: outcome(Outcome::Success),
            ambiguous: outcome(Outcome::Ambiguous),
            estimate: apart.and_then(|apart| apart.estimate).filter(|estimate| estimate.is_finite()),
            unit: difference.of.unit().0.to_owned(),
            interval: apart
                .and_then(|apart| interval(apart.interval.lower, apart.interval.upper, 1.0 - 2.0 * self.looks.alpha)),
            needed: None,
            classes: std::collections::BTreeMap::new(),
            unstable: None,
            parts: Vec::new(),
            beside: other.map(|(_, combination)| combination.id.clone()),
        }
    }
}

/// The value of a combination in what a difference compares: its condition, or its place on an axis.
fn value<'a>(difference: &Difference, combination: &'a Combination, scenario: &Scenario) -> Option<&'a str> {
    match difference.axis(scenario) {
        Some(axis) => combination.axis(axis).map(rigtone_model::plan::AxisValue::text),
        None => combination.condition.as_deref(),
    }
}

fn side(trials: &[Trial]) -> Side {
    Side { trials: trials.to_vec(), one_series: true, run: Some(0) }
}

/// Within both limits with the whole interval, outside of one of them with the whole interval, or neither.
fn decide(difference: &Difference, apart: &Apart) -> Decision {
    let (low, high) = difference.limits();
    let interval = apart.interval;
    if low.is_some_and(|low| interval.upper < low) || high.is_some_and(|high| interval.lower > high) {
        Decision::Fail
    } else if low.is_none_or(|low| interval.lower >= low) && high.is_none_or(|high| interval.upper <= high) {
        Decision::Pass
    } else {
        Decision::Continue
    }
}
