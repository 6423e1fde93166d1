//! The test of one expectation on its way through the trials.

use std::sync::Arc;

use rigtone_model::document::Expectation;

use super::{rules::ExpectationRule, state::State};
use crate::{
    poisson::{Count, Watch},
    sequential::{Counts, Decision, Outcome, Running},
};

/// A test that looks at each trial.
#[derive(Debug, Clone)]
pub(super) enum Test {
    /// Of a share of trials.
    Share(Running),
    /// Of events in time.
    Events(Watching),
    /// Of several expectations together.
    Together(Together),
}

/// Events so far, and what they say.
#[derive(Debug, Clone)]
pub(super) struct Watching {
    pub(super) watch: Watch,
    pub(super) count: Count,
    at_least: u32,
    counts: Counts,
    decision: Decision,
}

/// Several expectations, whose own tests decide.
#[derive(Debug, Clone)]
pub(super) struct Together {
    /// Whether all of them have to hold; else any.
    all: bool,
    pub(super) parts: Vec<State>,
    counts: Counts,
}

impl Test {
    /// The test that a rule asks for; none for kinds that this version does not judge.
    pub(super) fn of(expectation: &Expectation<'_>, rule: &ExpectationRule) -> Option<Self> {
        let together = |all| {
            let parts = expectation.parts().zip(&rule.parts).filter_map(|(part, rule)| State::new(&part, rule));
            Some(Self::Together(Together { all, parts: parts.collect(), counts: Counts::default() }))
        };
        match expectation {
            Expectation::All(_) => return together(true),
            Expectation::Any(_) => return together(false),
            _ => {}
        }
        if let Some(boundaries) = &rule.boundaries {
            return Some(Self::Share(Running::new(Arc::clone(boundaries))));
        }
        let count = Count { events: 0, hours: 0.0 };
        let watching = |watch| Watching {
            watch,
            count,
            at_least: rule.watch_at_least,
            counts: Counts::default(),
            decision: Decision::Continue,
        };
        rule.watch.map(|watch| Self::Events(watching(watch)))
    }

    pub(super) fn record(&mut self, outcome: Outcome, counted: Option<(u64, f64)>) {
        match self {
            Self::Share(running) => _ = running.record(outcome),
            Self::Events(watching) => watching.record(outcome, counted),
            Self::Together(together) => together.counts.add(outcome),
        }
    }

    pub(super) fn decision(&self) -> Decision {
        match self {
            Self::Share(running) => running.decision(),
            Self::Events(watching) => watching.decision,
            Self::Together(together) => together.decision(),
        }
    }

    /// Trials by outcome.
    pub(super) fn counts(&self) -> Counts {
        match self {
            Self::Share(running) => running.counts(),
            Self::Events(watching) => watching.counts,
            Self::Together(together) => together.counts,
        }
    }

    /// One minus the probability of either error; of several parts that of the least sure one.
    pub(super) fn confidence(&self) -> f64 {
        match self {
            Self::Share(running) => 1.0 - running.boundaries().design().alpha,
            Self::Events(watching) => watching.watch.confidence(),
            Self::Together(together) => together.parts.iter().map(State::confidence).fold(1.0, f64::min),
        }
    }

    /// The parts of several expectations together.
    pub(super) fn parts(&self) -> &[State] {
        match self {
            Self::Together(together) => &together.parts,
            Self::Share(_) | Self::Events(_) => &[],
        }
    }

    /// Further trials that it is expected to need until it is decided, those of its slowest part; nothing where that is not known.
    pub(super) fn further(&self) -> Option<f64> {
        match self {
            Self::Share(running) => {
                let (counts, boundaries) = (running.counts(), running.boundaries());
                let failures = counts.failures + counts.ambiguous;
                let trials = counts.successes + failures;
                let rate = (f64::from(counts.successes) + boundaries.design().accept) / f64::from(trials + 1);
                boundaries.probabilities_after(trials, failures, rate).map(|p| p.expected_trials)
            }
            Self::Events(_) => None,
            Self::Together(together) => {
                let open = together.parts.iter().filter(|part| part.decision() == Decision::Continue);
                open.filter_map(State::further).reduce(f64::max)
            }
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
                let still = watching.at_least.saturating_sub(watching.counts.trials());
                (trials.is_finite() && trials < 1e9).then_some((trials as u32).max(still))
            }
            Self::Together(together) => together.needed(),
        }
    }
}

impl Together {
    /// `all` fails by one part and passes by every part; `any` the other way round.
    fn decision(&self) -> Decision {
        let (one, every) = if self.all { (Decision::Fail, Decision::Pass) } else { (Decision::Pass, Decision::Fail) };
        let is = |wanted: Decision| move |part: &State| part.decision() == wanted;
        if self.parts.iter().any(is(one)) {
            one
        } else if self.parts.iter().all(is(every)) {
            every
        } else if self.parts.iter().any(is(Decision::Continue)) {
            Decision::Continue
        } else {
            Decision::Inconclusive
        }
    }

    fn needed(&self) -> Option<u32> {
        let each = self.parts.iter().map(State::needed);
        if self.all { each.collect::<Option<Vec<u32>>>()?.into_iter().max() } else { each.flatten().min() }
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
        }
        if self.counts.trials() >= self.at_least {
            self.decision = self.watch.decide(self.count);
        }
    }
}
