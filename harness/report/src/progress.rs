//! How far a run is, folded from its events.

mod block;
mod news;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use rigtone_model::{
    event::{At, Body, Event, TrialOutcome},
    id::CombinationId,
    plan::{Plan, capacity},
    verdict::Verdict,
};

pub use news::news;

use crate::figure::span;

/// How far a run is.
#[derive(Debug)]
pub struct Progress {
    combinations: Vec<State>,
    places: HashMap<CombinationId, usize>,
    /// Of each scenario: combinations decided, and the trials they took.
    decided_of: Vec<(u64, u64)>,
    decided: usize,
    trials: u64,
    trials_at_most: u64,
    lost: u64,
    /// Trials that run, the one that began first in front.
    running: Vec<Running>,
    /// How often each verdict was given so far.
    verdicts: BTreeMap<&'static str, usize>,
    /// Members of the rig that are not used any more.
    benched: Vec<String>,
    /// The planned duration of all trials that ended, in nanoseconds, and when the last of them did.
    work_done: f64,
    done_ns: i64,
    started_ns: Option<i64>,
    now_ns: i64,
    /// The time since the last event, in nanoseconds.
    quiet_ns: i64,
    /// Whether the rig's clock is none that anybody can wait by.
    virtual_clock: bool,
}

/// A trial that runs.
#[derive(Debug)]
struct Running {
    at: At,
    since_ns: i64,
    /// The step that began last.
    step: Option<(String, i64)>,
}

#[derive(Debug)]
struct State {
    scenario: usize,
    resources: Arc<[Arc<str>]>,
    trial_ns: f64,
    at_most: u64,
    done: u64,
    decided: bool,
}

/// An estimate of the time that a run still needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLeft {
    /// In nanoseconds on the rig's clock.
    pub ns: i64,
    /// Whether nothing tells yet how many trials some scenario needs, so that its limit was taken.
    pub at_most: bool,
}

impl Progress {
    /// A run of this plan that has not begun.
    pub fn new(plan: &Plan) -> Self {
        let scenarios: HashMap<&str, (usize, u64)> = plan
            .scenarios
            .iter()
            .enumerate()
            .map(|(i, s)| (s.document.scenario.as_str(), (i, u64::from(s.document.repeat.at_most))))
            .collect();
        let mut combinations = Vec::new();
        let mut places = HashMap::new();
        for planned in plan.combinations.iter().filter(|c| c.skipped.is_none()) {
            let Some(&(scenario, at_most)) = scenarios.get(&*planned.scenario) else { continue };
            places.insert(planned.id.clone(), combinations.len());
            // A trial without a duration would make the rest of the run look free.
            let trial_ns = planned.trial_ns.max(1) as f64;
            let resources = planned.resources.clone();
            combinations.push(State { scenario, resources, trial_ns, at_most, done: 0, decided: false });
        }
        let trials_at_most = combinations.iter().map(|c| c.at_most).sum();
        Self {
            combinations,
            places,
            decided_of: vec![(0, 0); plan.scenarios.len()],
            decided: 0,
            trials: 0,
            trials_at_most,
            lost: 0,
            running: Vec::new(),
            verdicts: BTreeMap::new(),
            benched: Vec::new(),
            work_done: 0.0,
            done_ns: 0,
            started_ns: None,
            now_ns: 0,
            quiet_ns: 0,
            virtual_clock: false,
        }
    }

    /// The same on a rig whose clock goes as fast as the host computes: it is said whose time is meant.
    #[must_use]
    pub fn on_a_virtual_clock(mut self) -> Self {
        self.virtual_clock = true;
        self
    }

    /// Says how long ago the last event was, in nanoseconds, for a display that is drawn between events.
    pub fn wait(&mut self, ns: i64) {
        self.quiet_ns = ns.max(0);
    }

    /// Takes the next event.
    pub fn take(&mut self, event: &Event) {
        self.now_ns = self.now_ns.max(event.t_ns);
        self.quiet_ns = 0;
        if let Body::Benched { member, .. } = &event.body
            && !self.benched.contains(member)
        {
            self.benched.push(member.clone());
        }
        let Some(at) = &event.at else { return };
        let Some(state) = self.places.get(&at.combination).map(|i| &mut self.combinations[*i]) else { return };
        let trial = |running: &Running| {
            let known = &running.at;
            (&known.combination, known.trial, known.attempt) == (&at.combination, at.trial, at.attempt)
        };
        match &event.body {
            Body::TrialStarted => {
                self.started_ns.get_or_insert(event.t_ns);
                self.running.retain(|running| !trial(running));
                self.running.push(Running { at: at.clone(), since_ns: event.t_ns, step: None });
            }
            Body::StepStarted { action, .. } => {
                if let Some(running) = self.running.iter_mut().find(|running| trial(running)) {
                    running.step = Some((at.step.clone().unwrap_or_else(|| action.clone()), event.t_ns));
                }
            }
            Body::TrialFinished { outcome, .. } => {
                self.running.retain(|running| !trial(running));
                match outcome {
                    TrialOutcome::Completed => {
                        state.done += 1;
                        self.trials += 1;
                        self.work_done += state.trial_ns;
                        self.done_ns = self.now_ns;
                    }
                    TrialOutcome::Lost(_) => self.lost += 1,
                    TrialOutcome::Cancelled => {}
                }
            }
            Body::TrialDiscarded { .. } => self.running.retain(|running| !trial(running)),
            // What the rig cannot do any more needs no time either, and tells nothing about the others.
            Body::GivenUp { .. } | Body::Voided { .. } if !state.decided => {
                state.decided = true;
                self.decided += 1;
                *self.verdicts.entry(Verdict::InfraError.word()).or_default() += 1;
            }
            Body::Decided { verdict, .. } if !state.decided => {
                state.decided = true;
                self.decided += 1;
                *self.verdicts.entry(verdict.word()).or_default() += 1;
                let of = &mut self.decided_of[state.scenario];
                of.0 += 1;
                of.1 += state.done;
            }
            _ => {}
        }
    }

    /// Combinations that need no more trials.
    pub fn decided(&self) -> usize {
        self.decided
    }

    /// Combinations that are run.
    pub fn combinations(&self) -> usize {
        self.combinations.len()
    }

    /// The time left: the planned work of the combinations that are not decided, at the pace so far; before the first trial has
    /// ended, on the resource that is needed longest, as the plan has it. A combination is taken to need as many trials as those of
    /// its scenario that are decided. It runs down between events. `None` when more of it has passed than was thought.
    pub fn time_left(&self) -> Option<TimeLeft> {
        let open: Vec<(&State, u64)> =
            self.combinations.iter().filter(|c| !c.decided).map(|c| (c, self.needed(c))).collect();
        let at_most = open.iter().any(|(state, _)| self.decided_of[state.scenario].0 == 0);
        let started = self.started_ns.unwrap_or(self.now_ns);
        let elapsed = self.done_ns.saturating_sub(started) as f64;
        let (whole, since) = if self.work_done > 0.0 && elapsed > 0.0 {
            let work: f64 = open.iter().map(|(state, needed)| *needed as f64 * state.trial_ns).sum();
            (work * elapsed / self.work_done, self.done_ns)
        } else {
            (longest(&open), started)
        };
        let passed = self.now_ns.saturating_add(self.quiet_ns).saturating_sub(since);
        let ns = (whole as i64).saturating_sub(passed);
        (ns > 0 || open.is_empty()).then_some(TimeLeft { ns: ns.max(0), at_most })
    }

    /// Trials that a combination needs yet.
    fn needed(&self, state: &State) -> u64 {
        let needed = match self.decided_of[state.scenario] {
            (0, _) => state.at_most,
            (decided, trials) => trials.div_ceil(decided).clamp(state.done + 1, state.at_most.max(state.done + 1)),
        };
        needed.saturating_sub(state.done)
    }

    /// The time left in words, as long as something is open.
    fn left(&self) -> Option<String> {
        let left = self.time_left().filter(|_| self.decided < self.combinations.len())?;
        let whose = if self.virtual_clock { " of rig time" } else { "" };
        Some(format!("{} {}{whose} left", if left.at_most { "at most" } else { "about" }, span(left.ns)))
    }

    /// The state in one line of at most `width` characters; what does not fit is left out from the end.
    pub fn line(&self, width: usize) -> String {
        let mut parts = vec![
            format!("{}/{} decided", self.decided, self.combinations.len()),
            format!("{} of at most {} trials", self.trials, self.trials_at_most),
        ];
        parts.extend(self.left());
        if self.lost > 0 {
            parts.push(format!("{} lost", self.lost));
        }
        if !self.running.is_empty() {
            parts.push(format!("{} running", self.running.len()));
        }
        block::fit(&parts, width)
    }
}

/// The planned time of so many trials each, in nanoseconds, on the resource that is needed longest: no schedule is faster.
fn longest(open: &[(&State, u64)]) -> f64 {
    let mut load: HashMap<&str, f64> = HashMap::new();
    for (state, trials) in open {
        let ns = *trials as f64 * state.trial_ns;
        for resource in state.resources.iter() {
            *load.entry(resource).or_default() += ns / f64::from(capacity(resource));
        }
    }
    load.into_values().fold(0.0, f64::max)
}
