//! The running count of a combination, and its verdict.

use std::collections::{BTreeMap, BTreeSet};

use rigtone_model::{
    document::{Expect, Scenario},
    event::TrialOutcome,
    plan::Combination,
    trial::{FailureClass, TrialRecord},
    verdict::{CombinationVerdict, ExpectationVerdict, Verdict},
};

use super::{beside::Beside, rules::ScenarioRules, state::State};
use crate::sequential::Decision;

/// From this many attempts on, a combination may be given up because of the rig.
const CAP_FROM: u32 = 10;
/// The share of attempts lost to the rig above which a combination has no verdict about the device.
const CAP: f64 = 0.10;
/// With more trials than this the walk to a better estimate would take longer than the estimate is worth.
const MOST_WALKED: u32 = 2_000;
/// Faults that are told in full.
const MOST_FAULTS: usize = 3;
/// Evidence that is named.
const MOST_EVIDENCE: usize = 2;

/// Why a combination ended before its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It had all its trials.
    Complete,
    /// The run was interrupted.
    Interrupted,
    /// The run's time was up.
    OutOfTime,
}

/// What a combination wants when its verdict is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wants {
    /// More trials.
    Trials,
    /// None after those that it had.
    Nothing,
    /// None from the beginning.
    Never(Untried),
}

/// Why no trial of a combination could answer anything. The rig's fault weighs more than what was planned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Untried {
    /// The rig took what it is compared with.
    Rig(String),
    /// There is nothing to answer, or nothing to compare with.
    Plan(String),
}

impl Untried {
    /// In words.
    pub(super) fn why(&self) -> &str {
        match self {
            Self::Rig(why) | Self::Plan(why) => why,
        }
    }

    fn verdict(&self) -> Verdict {
        match self {
            Self::Rig(_) => Verdict::InfraError,
            Self::Plan(why) => Verdict::Skipped(why.clone()),
        }
    }
}

/// The running count of one combination.
#[derive(Debug, Clone)]
pub struct Tally {
    judged: Vec<Judged>,
    beside: Vec<Beside>,
    trials: u32,
    lost: u32,
    classes: BTreeMap<FailureClass, u32>,
    faults: Vec<String>,
    first_evidence: Vec<String>,
    failing_evidence: Vec<String>,
    took_ns: i64,
    at_most: u32,
    rig_gave_up: Option<String>,
    /// Why its trials count no more, if they do not.
    void: Option<String>,
}

/// One expectation of the combination.
#[derive(Debug, Clone)]
struct Judged {
    index: usize,
    state: State,
    /// Whether it speaks about this combination's condition.
    applies: bool,
    gating: bool,
}

impl Tally {
    /// An empty count for a combination of `scenario`.
    pub fn new(combination: &Combination, scenario: &Scenario, rules: &ScenarioRules) -> Self {
        let applies = |expect: &Expect| {
            expect.when.is_empty()
                || combination.condition.as_deref().is_some_and(|c| expect.when.iter().any(|w| w == c))
        };
        let expected = || scenario.expect.iter().zip(&rules.expectations).enumerate();
        let judged = expected().filter_map(|(index, (expect, rule))| {
            let state = State::new(&expect.expectation(), rule)?;
            Some(Judged { index, state, applies: applies(expect), gating: expect.gates() })
        });
        let beside =
            expected().filter_map(|(index, (expect, rule))| Beside::new(index, expect, rule, combination, scenario));
        Self {
            judged: judged.collect(),
            beside: beside.collect(),
            trials: 0,
            lost: 0,
            classes: BTreeMap::new(),
            faults: Vec::new(),
            first_evidence: Vec::new(),
            failing_evidence: Vec::new(),
            took_ns: 0,
            at_most: scenario.repeat.at_most,
            rig_gave_up: None,
            void: None,
        }
    }

    /// Counts one attempt at a trial. What was cancelled counts nowhere.
    pub fn take(&mut self, trial: &TrialRecord, scenario: &Scenario) {
        match &trial.outcome {
            TrialOutcome::Cancelled => return,
            TrialOutcome::Lost(fault) => {
                self.lost += 1;
                self.blame(fault.to_string());
                return;
            }
            TrialOutcome::Completed => self.trials += 1,
        }
        // A trial counts once in each class, however many expectations saw it.
        let mut seen: BTreeSet<FailureClass> = trial.failure().map(|f| f.class).into_iter().collect();
        let broke_off = !seen.is_empty();
        let mut failed = false;
        let mut how = BTreeSet::new();
        for judged in self.judged.iter_mut().filter(|j| j.applies) {
            let Some(expect) = scenario.expect.get(judged.index) else { continue };
            failed |= judged.state.take(&expect.expectation(), scenario, trial, &mut how);
        }
        for beside in &mut self.beside {
            beside.take(scenario, trial);
        }
        // What follows from a step that failed is no class of its own.
        if !broke_off {
            seen.extend(how);
        }
        for class in seen {
            *self.classes.entry(class).or_default() += 1;
        }
        let evidence = if failed { &mut self.failing_evidence } else { &mut self.first_evidence };
        if evidence.len() < MOST_EVIDENCE {
            evidence.extend(trial.evidence.iter().take(MOST_EVIDENCE - evidence.len()).cloned());
        }
    }

    /// Counts the time that an attempt took, in nanoseconds.
    pub fn spent(&mut self, ns: i64) {
        self.took_ns = self.took_ns.saturating_add(ns);
    }

    /// A member of the rig that this combination needs is out of order. Whoever calls this knows that it is not
    /// settled.
    pub fn give_up(&mut self, fault: &str) {
        self.rig_gave_up = Some(fault.to_owned());
    }

    /// Its trials were not of the device that it names: they count no more, and there are no others.
    pub fn void(&mut self, fault: &str) {
        self.void = Some(fault.to_owned());
    }

    /// Whether its trials count no more.
    pub fn is_void(&self) -> bool {
        self.void.is_some()
    }

    /// The rig is looked at anew: what was given up goes on.
    pub fn take_up(&mut self) {
        self.rig_gave_up = None;
    }

    /// A piece of evidence is no longer there.
    pub fn forget_evidence(&mut self, file: &str) {
        for evidence in [&mut self.first_evidence, &mut self.failing_evidence] {
            evidence.retain(|f| f != file);
        }
    }

    fn blame(&mut self, fault: String) {
        if !self.faults.contains(&fault) {
            if self.faults.len() == MOST_FAULTS {
                self.faults.remove(0);
            }
            self.faults.push(fault);
        }
    }

    /// Trials that gave a result.
    pub fn trials(&self) -> u32 {
        self.trials
    }

    /// Whether it had no trial at all, not even one that the rig lost.
    pub(super) fn is_untried(&self) -> bool {
        self.trials == 0 && self.lost == 0
    }

    /// Whether the combination can have no more trials: they are used up, or the rig lost too many of them.
    pub(super) fn is_over(&self) -> bool {
        self.trials >= self.at_most || self.rig_gave_up.is_some() || self.is_lost()
    }

    /// Whether every gating expectation is decided, differences apart.
    pub(super) fn is_decided(&self) -> bool {
        self.open().next().is_none()
    }

    /// Expectations that still have to be decided.
    fn open(&self) -> impl Iterator<Item = &Judged> {
        let gates = self.gates();
        let counts = move |j: &&Judged| j.applies && (j.gating || !gates);
        self.judged.iter().filter(counts).filter(|j| j.state.decision() == Decision::Continue)
    }

    /// Whether anything gates: what does not is waited for only where nothing does.
    fn gates(&self) -> bool {
        self.judged.iter().any(|j| j.gating && j.applies) || self.beside.iter().any(Beside::gates)
    }

    /// Differences in which it is a side.
    pub(super) fn beside(&self) -> &[Beside] {
        &self.beside
    }

    /// The same, for what is decided about them.
    pub(super) fn beside_mut(&mut self) -> &mut [Beside] {
        &mut self.beside
    }

    /// Whether a difference is one that has to be decided.
    pub(super) fn waits_for(&self, beside: &Beside) -> bool {
        beside.decision() == Decision::Continue && (beside.gates() || !self.gates())
    }

    /// The further time that it is expected to need, in nanoseconds: trials like those it had, until the slowest of its
    /// expectations is decided. `trial_ns` and `trials` are what the plan expects of a good device; it weighs as much as
    /// one trial.
    pub fn expected_ns(&self, trial_ns: i64, trials: f64) -> i64 {
        if self.trials == 0 || self.at_most > MOST_WALKED {
            return ((trials - f64::from(self.trials)).max(1.0) * trial_ns as f64) as i64;
        }
        let looks = self.beside.iter().filter(|beside| self.waits_for(beside)).filter_map(Beside::further);
        let trials = self.open().filter_map(|j| j.state.further()).chain(looks).fold(1.0, f64::max);
        let each = (self.took_ns + trial_ns) as f64 / f64::from(self.trials + self.lost + 1);
        (trials * each) as i64
    }

    /// Whether a failure was demonstrated: it stays one, whatever the rig did not allow afterwards.
    fn has_failed(&self) -> bool {
        let failed = |decision: Decision| decision == Decision::Fail;
        self.judged.iter().any(|j| j.gating && j.applies && failed(j.state.decision()))
            || self.beside.iter().any(|beside| beside.gates() && beside.speaks() && failed(beside.decision()))
    }

    /// Whether the rig lost so many trials that the rest proves nothing.
    pub(super) fn is_lost(&self) -> bool {
        let attempts = self.trials + self.lost;
        self.is_void()
            || (self.rig_gave_up.is_some() && !self.has_failed())
            || (attempts >= CAP_FROM && f64::from(self.lost) > CAP * f64::from(attempts))
            || (attempts >= CAP_FROM && self.trials == 0)
    }

    /// The verdict as it stands, with those of the differences in which it is the second side.
    pub(super) fn verdict(
        &self,
        combination: &Combination,
        scenario: &Scenario,
        ending: &Ending,
        wants: &Wants,
        differences: Vec<ExpectationVerdict>,
    ) -> CombinationVerdict {
        let own = self.judged.iter().filter(|j| j.applies).map(|j| {
            let expectation = scenario.expect[j.index].expectation();
            j.state.verdict(j.index, j.gating, &expectation, ending)
        });
        let mut expectations: Vec<ExpectationVerdict> = own.chain(differences).collect();
        expectations.sort_by_key(|e| e.index);
        // A failure that was demonstrated stays one, whatever the time did not allow.
        let any_fails = expectations.iter().any(|e| e.gating && e.verdict == Verdict::Fail);
        let open = *wants == Wants::Trials;
        let verdict = match (&combination.skipped, wants) {
            (Some(reason), _) => Verdict::Skipped(reason.to_string()),
            (None, _) if self.is_lost() => Verdict::InfraError,
            (None, _) if *ending == Ending::OutOfTime && open && !any_fails => Verdict::out_of_time(),
            (None, Wants::Never(untried)) => untried.verdict(),
            (None, Wants::Trials | Wants::Nothing) => {
                overall(&expectations, self.trials, self.lost, open && *ending == Ending::Interrupted)
            }
        };
        let taken = match wants {
            Wants::Never(Untried::Rig(why)) => Some(why),
            Wants::Never(Untried::Plan(_)) | Wants::Trials | Wants::Nothing => None,
        };
        if matches!(verdict, Verdict::Skipped(_) | Verdict::InfraError) {
            // What nobody could look at is not undecided: it takes the verdict of its combination.
            expectations.retain(|e| !self.is_void() && matches!(e.verdict, Verdict::Pass | Verdict::Fail));
        }
        let evidence = match verdict {
            Verdict::Pass => &self.first_evidence,
            _ if self.failing_evidence.is_empty() => &self.first_evidence,
            _ => &self.failing_evidence,
        };
        CombinationVerdict {
            id: combination.id.clone(),
            scenario: combination.scenario.to_string(),
            verdict,
            trials: if self.is_void() { 0 } else { self.trials },
            lost: if self.is_void() { self.trials + self.lost } else { self.lost },
            expectations,
            classes: if self.is_void() { BTreeMap::new() } else { self.classes.clone() },
            faults: self.rig_gave_up.iter().chain(&self.faults).chain(&self.void).chain(taken).cloned().collect(),
            evidence: evidence.clone(),
            took_ns: self.took_ns,
            quarantined: None,
        }
    }
}

/// A combination passes when all that gates passes, and fails when any of it fails. `cut_short` says whether the run was interrupted while it still
/// wanted trials: a side of a difference may have nothing of its own that says so.
fn overall(expectations: &[ExpectationVerdict], trials: u32, lost: u32, cut_short: bool) -> Verdict {
    let gating = || expectations.iter().filter(|e| e.gating).map(|e| &e.verdict);
    let any = |wanted: Verdict| gating().any(|v| *v == wanted);
    let ended_early = cut_short || expectations.iter().any(|e| e.verdict == Verdict::Aborted);
    if any(Verdict::Fail) {
        Verdict::Fail
    } else if any(Verdict::Aborted) || (ended_early && gating().next().is_none()) {
        Verdict::Aborted
    } else if trials == 0 {
        // Nothing was seen: that is no answer, and nothing that trials left open.
        if lost > 0 && !ended_early { Verdict::InfraError } else { Verdict::Aborted }
    } else if any(Verdict::Inconclusive) {
        Verdict::Inconclusive
    } else {
        Verdict::Pass
    }
}
