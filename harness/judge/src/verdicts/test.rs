//! The test of one expectation on its way through the trials.

use std::sync::Arc;

use rigtone_model::document::Expectation;

use super::rules::ExpectationRule;
use crate::{
    poisson::{Count, Watch},
    sequential::{Boundaries, Counts, Decision, Outcome, Running},
};

/// A test that looks at each trial.
#[derive(Debug, Clone)]
pub(super) enum Test {
    /// Of a share of trials.
    Share(Running),
    /// Of events in time.
    Events(Watching),
    /// Of several expectations together, whose own tests decide.
    Together {
        /// Whether all of them have to hold; else any.
        all: bool,
        counts: Counts,
    },
}

/// Events so far, and what they say.
#[derive(Debug, Clone)]
pub(super) struct Watching {
    pub(super) watch: Watch,
    pub(super) count: Count,
    counts: Counts,
    decision: Decision,
}

impl Test {
    /// The test that a rule asks for; none for kinds that this version does not judge.
    pub(super) fn of(expectation: &Expectation<'_>, rule: &ExpectationRule) -> Option<Self> {
        match expectation {
            Expectation::All(_) => return Some(Self::Together { all: true, counts: Counts::default() }),
            Expectation::Any(_) => return Some(Self::Together { all: false, counts: Counts::default() }),
            _ => {}
        }
        if let Some(boundaries) = &rule.boundaries {
            return Some(Self::Share(Running::new(Arc::clone(boundaries))));
        }
        let count = Count { events: 0, hours: 0.0 };
        let watching = |watch| Watching { watch, count, counts: Counts::default(), decision: Decision::Continue };
        rule.watch.map(|watch| Self::Events(watching(watch)))
    }

    pub(super) fn record(&mut self, outcome: Outcome, counted: Option<(u64, f64)>) {
        match self {
            Self::Share(running) => _ = running.record(outcome),
            Self::Events(watching) => watching.record(outcome, counted),
            Self::Together { counts, .. } => counts.add(outcome),
        }
    }

    pub(super) fn decision(&self) -> Decision {
        match self {
            Self::Share(running) => running.decision(),
            Self::Events(watching) => watching.decision,
            // What its parts make of it, the state of the expectation knows.
            Self::Together { .. } => Decision::Continue,
        }
    }

    /// Trials by outcome.
    pub(super) fn counts(&self) -> Counts {
        match self {
            Self::Share(running) => running.counts(),
            Self::Events(watching) => watching.counts,
            Self::Together { counts, .. } => *counts,
        }
    }

    /// One minus the probability of either error.
    pub(super) fn confidence(&self) -> f64 {
        match self {
            Self::Share(running) => 1.0 - running.boundaries().design().alpha,
            Self::Events(watching) => watching.watch.confidence(),
            Self::Together { .. } => 1.0,
        }
    }

    /// The boundaries of a share.
    pub(super) fn boundaries(&self) -> Option<&Boundaries> {
        match self {
            Self::Share(running) => Some(running.boundaries()),
            Self::Events(_) | Self::Together { .. } => None,
        }
    }

    /// Further trials that would pass it if it held in all of them, each as long as those so far.
    pub(super) fn needed(&self) -> Option<u32> {
        match self {
            Self::Share(running) => {
                let (counts, boundaries) = (running.counts(), running.boundaries());
                let n = counts.trials();
                let at_most = boundaries.design().at_most;
                (1..=at_most.saturating_sub(n))
                    .find(|more| boundaries.pass_at(n + more).is_some_and(|k| counts.successes + more >= k))
            }
            Self::Events(watching) => {
                let n = watching.counts.successes + watching.counts.failures;
                let each = watching.count.hours / f64::from(n);
                let trials = (watching.watch.hours_needed(watching.count)? / each).ceil();
                (trials.is_finite() && trials < 1e9).then_some(trials as u32)
            }
            Self::Together { .. } => None,
        }
    }
}

impl Watching {
    fn record(&mut self, outcome: Outcome, counted: Option<(u64, f64)>) {
        self.counts.add(outcome);
        // A decision that has fallen stands.
        if self.decision != Decision::Continue {
            return;
        }
        if let Some((events, hours)) = counted {
            self.count.events += events;
            self.count.hours += hours;
            self.decision = self.watch.decide(self.count);
        }
    }
}
