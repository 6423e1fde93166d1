//! One combination on its way through its trials.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::boundaries::{Boundaries, Decision};

/// How a trial ended for one expectation. A trial lost to the rig has no outcome and is never recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As required.
    Success,
    /// Not as required.
    Failure,
    /// Measured, but its uncertainty straddles the limit.
    Ambiguous,
}

/// Trials by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// Trials as required.
    pub successes: u32,
    /// Trials not as required.
    pub failures: u32,
    /// Trials of unknown outcome.
    pub ambiguous: u32,
}

/// A sequential test in progress, in the order of its trials.
///
/// With ambiguous trials it walks through two worlds at once: one where each of them failed, and one where each of them
/// succeeded. It passes when the first world passes and fails when the second fails; a boundary that a world has crossed
/// stays crossed. The walk with the true outcomes lies between the two, so it passes no later than the first world and
/// fails no later than the second: the error probabilities of the design hold, whatever makes trials ambiguous.
#[derive(Debug, Clone)]
pub struct Running {
    boundaries: Arc<Boundaries>,
    counts: Counts,
    /// The world of ambiguous failures can still pass.
    may_pass: bool,
    /// The world of ambiguous successes can still fail.
    may_fail: bool,
    decision: Decision,
    decided_after: Option<u32>,
}

impl Counts {
    /// Counts one more.
    pub(crate) fn add(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Success => &mut self.successes,
            Outcome::Failure => &mut self.failures,
            Outcome::Ambiguous => &mut self.ambiguous,
        };
        *count = count.saturating_add(1);
    }

    /// All trials.
    #[must_use]
    pub fn trials(&self) -> u32 {
        self.successes.saturating_add(self.failures).saturating_add(self.ambiguous)
    }
}

impl Running {
    /// Before the first trial.
    #[must_use]
    pub fn new(boundaries: Arc<Boundaries>) -> Self {
        let counts = Counts::default();
        Self { boundaries, counts, may_pass: true, may_fail: true, decision: Decision::Continue, decided_after: None }
    }

    /// Takes the outcome of the next trial. Trials after the decision are counted and change nothing.
    pub fn record(&mut self, outcome: Outcome) -> Decision {
        self.counts.add(outcome);
        if self.decision != Decision::Continue {
            return self.decision;
        }
        self.decision = self.look();
        if self.decision != Decision::Continue {
            self.decided_after = Some(self.counts.trials());
        }
        self.decision
    }

    fn look(&mut self) -> Decision {
        let Counts { successes, failures, ambiguous } = self.counts;
        let trials = self.counts.trials();
        let worst = self.boundaries.decide(successes, failures + ambiguous);
        let best = self.boundaries.decide(successes + ambiguous, failures);
        if self.may_pass && worst == Decision::Pass {
            return Decision::Pass;
        }
        if self.may_fail && best == Decision::Fail {
            return Decision::Fail;
        }
        let early = trials < self.boundaries.design().at_least;
        self.may_pass &=
            worst == Decision::Continue && (early || self.boundaries.can_pass(trials, failures + ambiguous));
        self.may_fail &= best == Decision::Continue && (early || self.boundaries.can_fail(trials, failures));
        if self.may_pass || self.may_fail { Decision::Continue } else { Decision::Inconclusive }
    }

    /// What is known so far.
    #[must_use]
    pub fn decision(&self) -> Decision {
        self.decision
    }

    /// All trials recorded, those after the decision included.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The trials after which the decision fell.
    #[must_use]
    pub fn decided_after(&self) -> Option<u32> {
        self.decided_after
    }

    /// The boundaries it decides by.
    #[must_use]
    pub fn boundaries(&self) -> &Boundaries {
        &self.boundaries
    }
}
