//! The running count of a combination, and its verdict.

use std::collections::{BTreeMap, BTreeSet};

use rigtone_model::{
    document::{Expect, Expectation, Scenario},
    event::TrialOutcome,
    plan::Combination,
    trial::{FailureClass, TrialRecord},
    verdict::{CombinationVerdict, ExpectationVerdict, Interval as Shown, Verdict},
};

use super::{
    outcome::{TrialResult, counted, result},
    rules::ScenarioRules,
    test::Test,
    words,
};
use crate::{
    Confidence, Interval, Rate,
    percentile::Sample,
    proportion::Proportion,
    sequential::{Counts, Decision, Outcome},
    stability,
};

/// From this many attempts on, a combination may be given up because of the rig.
const CAP_FROM: u32 = 10;
/// The share of attempts lost to the rig above which a combination has no verdict about the device.
const CAP: f64 = 0.10;
/// With more trials than this the walk to a better estimate would take longer than the estimate is worth.
const MOST_WALKED: u32 = 2_000;
/// With fewer of either outcome the test for clusters is rough.
const FEWEST: usize = 5;
/// As improbable must clusters be if there were no cause.
const UNSTABLE: f64 = 0.01;
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

/// The running count of one combination.
#[derive(Debug, Clone)]
pub struct Tally {
    states: Vec<State>,
    trials: u32,
    lost: u32,
    classes: BTreeMap<FailureClass, u32>,
    faults: Vec<String>,
    first_evidence: Vec<String>,
    failing_evidence: Vec<String>,
    took_ns: i64,
    at_most: u32,
    rig_gave_up: Option<String>,
}

/// One expectation of the combination.
#[derive(Debug, Clone)]
struct State {
    index: usize,
    test: Test,
    values: Vec<Interval>,
    classes: BTreeMap<FailureClass, u32>,
    reasons: BTreeMap<String, u32>,
    /// Whether it held, trial by trial, where that was told.
    outcomes: Vec<bool>,
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
        let states =
            scenario.expect.iter().zip(&rules.expectations).enumerate().filter_map(|(index, (expect, rule))| {
                Some(State {
                    index,
                    test: Test::of(rule)?,
                    values: Vec::new(),
                    classes: BTreeMap::new(),
                    reasons: BTreeMap::new(),
                    outcomes: Vec::new(),
                    applies: applies(expect),
                    gating: expect.gates(),
                })
            });
        Self {
            states: states.collect(),
            trials: 0,
            lost: 0,
            classes: BTreeMap::new(),
            faults: Vec::new(),
            first_evidence: Vec::new(),
            failing_evidence: Vec::new(),
            took_ns: 0,
            at_most: scenario.repeat.at_most,
            rig_gave_up: None,
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
        for state in self.states.iter_mut().filter(|s| s.applies) {
            let Some(expect) = scenario.expect.get(state.index) else { continue };
            let expectation = expect.expectation();
            let result = result(&expectation, scenario, trial);
            let counted = counted(&expectation, trial);
            failed |= result.outcome == Outcome::Failure;
            // What follows from a step that failed is no class of its own.
            seen.extend(result.class.filter(|_| !broke_off));
            state.take(result, counted);
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
        self.took_ns += ns;
    }

    /// A member of the rig that this combination needs is out of order. Whoever calls this knows that it is not
    /// settled.
    pub fn give_up(&mut self, fault: &str) {
        self.rig_gave_up = Some(fault.to_owned());
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

    /// Whether the combination needs no more trials: every gating expectation is decided, its trials are used up, or
    /// the rig lost too many of them.
    pub fn is_settled(&self) -> bool {
        self.open().next().is_none() || self.trials >= self.at_most || self.rig_gave_up.is_some() || self.is_lost()
    }

    /// Expectations that still have to be decided.
    fn open(&self) -> impl Iterator<Item = &State> {
        let gates = self.states.iter().any(|s| s.gating && s.applies);
        let counts = move |s: &&State| s.applies && (s.gating || !gates);
        self.states.iter().filter(counts).filter(|s| s.test.decision() == Decision::Continue)
    }

    /// The further time that it is expected to need, in nanoseconds: trials like those it had, until the slowest of its
    /// expectations is decided. `trial_ns` and `trials` are what the plan expects of a good device; it weighs as much as
    /// one trial.
    pub fn expected_ns(&self, trial_ns: i64, trials: f64) -> i64 {
        if self.trials == 0 || self.at_most > MOST_WALKED {
            return ((trials - f64::from(self.trials)).max(1.0) * trial_ns as f64) as i64;
        }
        let further = |state: &State| {
            let (counts, boundaries) = (state.test.counts(), state.test.boundaries()?);
            let failures = counts.failures + counts.ambiguous;
            let trials = counts.successes + failures;
            let rate = (f64::from(counts.successes) + boundaries.design().accept) / f64::from(trials + 1);
            boundaries.probabilities_after(trials, failures, rate).map(|p| p.expected_trials)
        };
        let trials = self.open().filter_map(further).fold(1.0, f64::max);
        let each = (self.took_ns + trial_ns) as f64 / f64::from(self.trials + self.lost + 1);
        (trials * each) as i64
    }

    /// Whether a failure was demonstrated: it stays one, whatever the rig did not allow afterwards.
    fn has_failed(&self) -> bool {
        self.states.iter().any(|s| s.gating && s.applies && s.test.decision() == Decision::Fail)
    }

    /// Whether the rig lost so many trials that the rest proves nothing.
    fn is_lost(&self) -> bool {
        let attempts = self.trials + self.lost;
        (self.rig_gave_up.is_some() && !self.has_failed())
            || (attempts >= CAP_FROM && f64::from(self.lost) > CAP * f64::from(attempts))
            || (attempts >= CAP_FROM && self.trials == 0)
    }

    /// The verdict as it stands.
    pub fn verdict(&self, combination: &Combination, scenario: &Scenario, ending: &Ending) -> CombinationVerdict {
        let mut expectations: Vec<ExpectationVerdict> =
            self.states.iter().filter(|s| s.applies).map(|s| s.verdict(scenario, ending)).collect();
        // A failure that was demonstrated stays one, whatever the time did not allow.
        let any_fails = expectations.iter().any(|e| e.gating && e.verdict == Verdict::Fail);
        let verdict = match &combination.skipped {
            Some(reason) => Verdict::Skipped(reason.to_string()),
            None if self.is_lost() => Verdict::InfraError,
            None if *ending == Ending::OutOfTime && !self.is_settled() && !any_fails => Verdict::out_of_time(),
            None => overall(&expectations, self.trials, self.lost),
        };
        if matches!(verdict, Verdict::Skipped(_) | Verdict::InfraError) {
            // What nobody could look at is not undecided: it takes the verdict of its combination.
            expectations.retain(|e| matches!(e.verdict, Verdict::Pass | Verdict::Fail));
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
            trials: self.trials,
            lost: self.lost,
            expectations,
            classes: self.classes.clone(),
            faults: self.rig_gave_up.iter().chain(&self.faults).cloned().collect(),
            evidence: evidence.clone(),
            took_ns: self.took_ns,
        }
    }
}

/// A combination passes when all that gates passes, and fails when any of it fails.
fn overall(expectations: &[ExpectationVerdict], trials: u32, lost: u32) -> Verdict {
    let gating = || expectations.iter().filter(|e| e.gating).map(|e| &e.verdict);
    let any = |wanted: Verdict| gating().any(|v| *v == wanted);
    let ended_early = expectations.iter().any(|e| e.verdict == Verdict::Aborted);
    if any(Verdict::Fail) {
        Verdict::Fail
    } else if any(Verdict::Aborted) || (ended_early && gating().next().is_none()) {
        Verdict::Aborted
    } else if trials == 0 && lost > 0 {
        Verdict::InfraError
    } else if any(Verdict::Inconclusive) || trials == 0 {
        Verdict::Inconclusive
    } else {
        Verdict::Pass
    }
}

impl State {
    fn take(&mut self, result: TrialResult, counted: Option<(u64, f64)>) {
        self.test.record(result.outcome, counted);
        if result.outcome != Outcome::Ambiguous {
            self.outcomes.push(result.outcome == Outcome::Success);
        }
        self.values.extend(result.value);
        if let Some(class) = result.class {
            *self.classes.entry(class).or_default() += 1;
        }
        if let Some(reason) = result.reason {
            *self.reasons.entry(reason).or_default() += 1;
        }
    }

    fn verdict(&self, scenario: &Scenario, ending: &Ending) -> ExpectationVerdict {
        let expectation = scenario.expect[self.index].expectation();
        let counts = self.test.counts();
        let n = counts.successes + counts.failures + counts.ambiguous;
        let confidence = self.test.confidence();
        let verdict = match (self.test.decision(), ending) {
            (Decision::Pass, _) => Verdict::Pass,
            (Decision::Fail, _) => Verdict::Fail,
            (Decision::Continue, Ending::Interrupted) => Verdict::Aborted,
            (Decision::Continue | Decision::Inconclusive, _) => Verdict::Inconclusive,
        };
        let rate = expectation.rate().map_or(0.5, |rate| rate.at_least);
        let (estimate, unit, interval, mut seen) = match expectation {
            Expectation::Latency(e) => self.percentile(e.percentile, confidence, "ms"),
            Expectation::Duration(e) => self.percentile(e.percentile, confidence, "ms"),
            Expectation::Response(e) => {
                let percent = percentile_at(rate, e.at_least.is_some(), e.at_most.is_some());
                self.percentile(percent, confidence, "dB")
            }
            Expectation::Measured(e) => {
                let percent = percentile_at(rate, e.at_least.is_some(), e.at_most.is_some());
                self.percentile(percent, confidence, e.of.unit().0)
            }
            Expectation::Count(_) => self.events(confidence),
            _ => {
                let (low, high) = two_sided(&counts, confidence);
                let estimate = (n > 0).then(|| f64::from(counts.successes) / f64::from(n));
                (estimate, "", interval(low, high, confidence), String::new())
            }
        };
        if !matches!(self.test, Test::Events(_)) {
            let (low, high) = one_sided(&counts, confidence);
            seen += &words::rate(counts.successes, counts.ambiguous, n, low, high, confidence);
        }
        if verdict == Verdict::Inconclusive
            && let Some((reason, times)) = self.reasons.iter().max_by_key(|(_, times)| **times)
        {
            seen += &format!("; {reason} ({times} times)");
        }
        ExpectationVerdict {
            index: self.index,
            expected: words::expected(&expectation),
            gating: self.gating,
            needed: (!matches!(verdict, Verdict::Pass | Verdict::Fail)).then(|| self.test.needed()).flatten(),
            verdict,
            seen,
            n,
            held: counts.successes,
            ambiguous: counts.ambiguous,
            estimate: estimate.filter(|e| e.is_finite()),
            unit: unit.to_owned(),
            interval,
            classes: self.classes.clone(),
            unstable: self.unstable(),
        }
    }

    /// Whether failures come in clusters: then the device, the room or the rig is not the same all the time.
    fn unstable(&self) -> Option<String> {
        let failed = self.outcomes.iter().filter(|held| !**held).count();
        if failed.min(self.outcomes.len() - failed) < FEWEST {
            return None;
        }
        let runs = stability::runs(&self.outcomes).filter(|runs| runs.z < 0.0 && runs.p <= UNSTABLE)?;
        Some(words::clusters(&runs, self.outcomes.len()))
    }

    /// Events an hour, with their exact interval.
    fn events(&self, confidence: f64) -> (Option<f64>, &'static str, Option<Shown>, String) {
        let (Test::Events(watching), Ok(level)) = (&self.test, Confidence::new(confidence)) else {
            return (None, "/h", None, String::new());
        };
        let count = watching.count;
        let Interval { lower, upper } = count.interval(level);
        let text = words::events(count, count.upper_bound(level), confidence);
        (count.estimate(), "/h", interval(lower, upper, confidence), text)
    }

    fn percentile(
        &self,
        percent: f64,
        confidence: f64,
        unit: &'static str,
    ) -> (Option<f64>, &'static str, Option<Shown>, String) {
        let none = (None, unit, None, String::new());
        let (Ok(sample), Ok(level), Ok(confidence)) =
            (Sample::from_ranges(&self.values), Rate::new(percent / 100.0), Confidence::new(confidence))
        else {
            return none;
        };
        let Some(estimate) = sample.estimate(level) else { return none };
        let by_rank = sample.interval(level, confidence);
        let text =
            words::percentile(percent, unit, (estimate.lower, estimate.upper), by_rank.map(|i| (i.lower, i.upper)));
        let shown = by_rank.and_then(|i| interval(i.lower, i.upper, confidence.get()));
        (Some((estimate.lower + estimate.upper) / 2.0), unit, shown, text)
    }
}

/// The percentile that a limit is about: that share lies below an upper one and above a lower one; between two limits the
/// middle is shown.
fn percentile_at(share: f64, at_least: bool, at_most: bool) -> f64 {
    // Rounded: a share of 90 % is no 90.00000000000001.
    let percent = (share * 1e6).round() / 1e4;
    match (at_least, at_most) {
        (true, true) => 50.0,
        (true, false) => 100.0 - percent,
        (false, _) => percent,
    }
}

/// JSON has no infinity: an end that is not finite is left open.
fn interval(low: f64, high: f64, confidence: f64) -> Option<Shown> {
    let finite = |x: f64| x.is_finite().then_some(x);
    Some(Shown { low: finite(low), high: finite(high), confidence })
}

/// The rate at its worst and at its best: what does not tell is taken against either side.
fn extremes(counts: &Counts, confidence: f64) -> Option<(Proportion, Proportion, Confidence)> {
    let n = u64::from(counts.successes) + u64::from(counts.failures) + u64::from(counts.ambiguous);
    let low = Proportion::new(u64::from(counts.successes), n).ok()?;
    let high = Proportion::new(u64::from(counts.successes) + u64::from(counts.ambiguous), n).ok()?;
    Some((low, high, Confidence::new(confidence).ok()?))
}

/// The two-sided interval of the rate, for display.
fn two_sided(counts: &Counts, confidence: f64) -> (f64, f64) {
    extremes(counts, confidence)
        .map_or((0.0, 1.0), |(low, high, c)| (low.clopper_pearson(c).lower, high.clopper_pearson(c).upper))
}

/// Its one-sided bounds: each alone holds with the confidence.
fn one_sided(counts: &Counts, confidence: f64) -> (f64, f64) {
    extremes(counts, confidence).map_or((0.0, 1.0), |(low, high, c)| (low.lower_bound(c), high.upper_bound(c)))
}
