//! The table by which a sequential test decides.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::design::{Design, DesignError};
use super::walk::Walk;

/// Far below rounding, and above what makes a processor slow.
const NEGLIGIBLE: f64 = 1e-38;

/// For each number of trials, from how many successes the test passes and up to how many it fails.
///
/// Kept as two staircases by number of failures. That is compact, and reads well in a plan: with k failures the test
/// passes from `pass_from[k]` trials on, and fails up to `fail_until[k]` trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Table", into = "Table")]
pub struct Boundaries {
    table: Table,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    design: Design,
    pass_from: Vec<u32>,
    fail_until: Vec<u32>,
}

/// Boundaries that were read and contradict themselves.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum BoundariesError {
    /// Their design is none.
    #[error(transparent)]
    Design(#[from] DesignError),
    /// A staircase falls, leaves the range of trials, or both staircases meet.
    #[error("boundaries of the sequential test contradict themselves at {failures} failures in `{staircase}`")]
    Staircase {
        /// `pass-from` or `fail-until`.
        staircase: &'static str,
        /// Where.
        failures: usize,
    },
}

/// What is known after some trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The rate to be rejected is rejected.
    Pass,
    /// The rate to be accepted is rejected.
    Fail,
    /// More trials can still decide.
    Continue,
    /// Neither, and no further trial can change that.
    Inconclusive,
}

/// What a device of a given success rate can expect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Probabilities {
    /// Probability of passing.
    pub pass: f64,
    /// Probability of failing.
    pub fail: f64,
    /// Probability of neither.
    pub inconclusive: f64,
    /// Mean number of trials.
    pub expected_trials: f64,
}

impl Boundaries {
    /// From the lines themselves: at most `pass(n)` failures pass, at least `fail(n)` fail, both non-decreasing in n and
    /// `fail` never growing by more than one.
    pub(super) fn from_lines(
        design: Design,
        pass: impl Fn(u32) -> Option<u32>,
        fail: impl Fn(u32) -> Option<u32>,
    ) -> Self {
        let (mut pass_from, mut fail_until) = (Vec::new(), Vec::new());
        for n in design.at_least..=design.at_most {
            if let Some(most) = pass(n) {
                pass_from.resize((most as usize + 1).max(pass_from.len()), n);
            }
            if let Some(least) = fail(n) {
                fail_until.resize((least as usize + 1).max(fail_until.len()), 0);
                fail_until[least as usize] = n;
            }
        }
        // k failures fail as long as some smaller number does.
        let mut last = 0;
        for until in &mut fail_until {
            last = last.max(*until);
            *until = last;
        }
        Self { table: Table { design, pass_from, fail_until } }
    }

    /// The design they were computed for.
    #[must_use]
    pub fn design(&self) -> &Design {
        &self.table.design
    }

    /// Successes from which the test passes after this many trials.
    #[must_use]
    pub fn pass_at(&self, trials: u32) -> Option<u32> {
        self.most_failures_to_pass(trials).and_then(|failures| trials.checked_sub(failures))
    }

    /// Successes up to which the test fails after this many trials.
    #[must_use]
    pub fn fail_at(&self, trials: u32) -> Option<u32> {
        self.least_failures_to_fail(trials).and_then(|failures| trials.checked_sub(failures))
    }

    /// What these counts say when the boundaries were not crossed before. Counts do not tell the way that led to them:
    /// verdicts come from [`super::Running`], which remembers the first crossing. More trials than the design has are
    /// inconclusive.
    #[must_use]
    pub fn decide(&self, successes: u32, failures: u32) -> Decision {
        self.decide_with_ambiguous(successes, failures, 0)
    }

    /// As [`Self::decide`], with trials whose outcome is not known, such as a latency whose uncertainty straddles its
    /// limit. It passes only if it passes with all of them failures, and fails only if it fails with all of them
    /// successes.
    ///
    /// The error probabilities hold whatever makes trials ambiguous: with the true outcomes the number of failures at
    /// each trial is at most the one counted for a pass, so the test with the true outcomes has passed too, by then or
    /// earlier. The same holds for a fail.
    #[must_use]
    pub fn decide_with_ambiguous(&self, successes: u32, failures: u32, ambiguous: u32) -> Decision {
        let (worst, trials) = match failures.checked_add(ambiguous) {
            Some(worst) => (worst, worst.saturating_add(successes)),
            None => return Decision::Inconclusive,
        };
        if self.most_failures_to_pass(trials).is_some_and(|most| worst <= most) {
            Decision::Pass
        } else if self.least_failures_to_fail(trials).is_some_and(|least| failures >= least) {
            Decision::Fail
        } else if trials < self.design().at_least || self.can_pass(trials, worst) || self.can_fail(trials, failures) {
            Decision::Continue
        } else {
            Decision::Inconclusive
        }
    }

    /// What a device of this success rate can expect, exactly; nothing unless 0 ≤ `rate` ≤ 1.
    #[must_use]
    pub fn probabilities(&self, rate: f64) -> Option<Probabilities> {
        self.probabilities_after(0, 0, rate)
    }

    /// The same for a test that is undecided after so many trials, of which so many failed: `expected_trials` are
    /// further ones.
    #[must_use]
    pub fn probabilities_after(&self, trials: u32, failures: u32, rate: f64) -> Option<Probabilities> {
        if !(0.0..=1.0).contains(&rate) {
            return None;
        }
        let design = self.design();
        let mut walk = Walk::new(rate, NEGLIGIBLE).after(failures);
        let mut found = Probabilities { pass: 0.0, fail: 0.0, inconclusive: 0.0, expected_trials: 0.0 };
        for n in trials + 1..=design.at_most {
            let undecided = walk.total();
            if undecided <= 0.0 {
                break;
            }
            found.expected_trials += undecided;
            walk.step();
            if n < design.at_least {
                continue;
            }
            let passes = self.most_failures_to_pass(n);
            if let Some(most) = passes {
                found.pass += walk.take_up_to(most);
            }
            if let Some(least) = self.least_failures_to_fail(n) {
                found.fail += walk.take_from(least);
            }
            let hopeless = self.table.pass_from.len() as u32;
            found.inconclusive += walk.take_between(hopeless, self.failures_that_can_fail(n));
        }
        Some(found)
    }

    /// Probability that a device of this success rate is decided at all; nothing unless 0 ≤ `rate` ≤ 1.
    #[must_use]
    pub fn can_decide(&self, rate: f64) -> Option<f64> {
        self.probabilities(rate).map(|p| p.pass + p.fail)
    }

    /// Trials after which a device that never fails passes.
    #[must_use]
    pub fn straight_successes_to_pass(&self) -> Option<u32> {
        self.table.pass_from.first().copied()
    }

    /// Trials after which a device that never succeeds fails.
    #[must_use]
    pub fn straight_failures_to_fail(&self) -> Option<u32> {
        let design = self.design();
        (design.at_least..=design.at_most).find(|n| self.least_failures_to_fail(*n).is_some_and(|least| least <= *n))
    }

    fn in_range(&self, trials: u32) -> bool {
        (self.design().at_least..=self.design().at_most).contains(&trials)
    }

    fn most_failures_to_pass(&self, trials: u32) -> Option<u32> {
        if !self.in_range(trials) {
            return None;
        }
        (self.table.pass_from.partition_point(|from| *from <= trials) as u32).checked_sub(1)
    }

    fn least_failures_to_fail(&self, trials: u32) -> Option<u32> {
        if !self.in_range(trials) {
            return None;
        }
        let least = self.table.fail_until.partition_point(|until| *until < trials);
        (least < self.table.fail_until.len()).then_some(least as u32)
    }

    /// Whether straight successes from here on can still lead to a pass.
    pub(crate) fn can_pass(&self, trials: u32, failures: u32) -> bool {
        trials < self.design().at_most && (failures as usize) < self.table.pass_from.len()
    }

    /// Whether straight failures from here on can still lead to a fail.
    pub(super) fn can_fail(&self, trials: u32, failures: u32) -> bool {
        trials < self.design().at_most && failures >= self.failures_that_can_fail(trials)
    }

    /// The fewest failures after this many trials from which straight failures still reach a fail. The staircase never
    /// grows by more than one per trial, so what does not reach its end does not reach it before.
    fn failures_that_can_fail(&self, trials: u32) -> u32 {
        let Some(at_end) = self.table.fail_until.len().checked_sub(1) else { return u32::MAX };
        (at_end as u32).saturating_sub(self.design().at_most.saturating_sub(trials))
    }
}

impl From<Boundaries> for Table {
    fn from(boundaries: Boundaries) -> Self {
        boundaries.table
    }
}

impl TryFrom<Table> for Boundaries {
    type Error = BoundariesError;

    fn try_from(table: Table) -> Result<Self, BoundariesError> {
        let design = table.design;
        design.check()?;
        let range = design.at_least..=design.at_most;
        let fault = |staircase, failures| Err(BoundariesError::Staircase { staircase, failures });
        for (k, from) in table.pass_from.iter().enumerate() {
            if !range.contains(from) || (k > 0 && table.pass_from[k - 1] > *from) || k as u64 >= u64::from(*from) {
                return fault("pass-from", k);
            }
        }
        for (k, until) in table.fail_until.iter().enumerate() {
            let before = k.checked_sub(1).map_or(0, |k| table.fail_until[k]);
            // Strictly growing once it has begun: the line of fails rises by at most one per trial.
            let grows = *until > before || (*until == 0 && before == 0);
            let begun = *until == 0 || range.contains(until);
            let meets_pass = table.pass_from.get(k).is_some_and(|from| from <= until);
            if !grows || !begun || meets_pass || (k == 0 && *until > 0) {
                return fault("fail-until", k);
            }
        }
        match table.fail_until.last() {
            Some(last) if *last != design.at_most => fault("fail-until", table.fail_until.len() - 1),
            _ => Ok(Self { table }),
        }
    }
}
