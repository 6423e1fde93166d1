//! One expectation of a combination on its way through the trials.

use std::collections::{BTreeMap, BTreeSet};

use rigtone_model::{
    document::{Expectation, Scenario},
    trial::{FailureClass, TrialRecord},
    verdict::{ExpectationVerdict, Interval as Shown, Verdict},
};

use super::{
    outcome::{TrialResult, counted, results},
    rules::ExpectationRule,
    tally::Ending,
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

/// With fewer of either outcome the test for clusters is rough.
const FEWEST: usize = 5;
/// As improbable must clusters be if there were no cause.
const UNSTABLE: f64 = 0.01;
/// Trials further apart than this are of two sessions: other people, another room, other weather.
const SESSION_NS: i64 = 3_600_000_000_000;
/// A session of fewer trials tells nothing: it goes on with the next.
const SESSION_LEAST: u64 = 5;

/// What the trials so far say about one expectation.
#[derive(Debug, Clone)]
pub(super) struct State {
    test: Test,
    values: Vec<Interval>,
    classes: BTreeMap<FailureClass, u32>,
    reasons: BTreeMap<String, u32>,
    /// Whether it held, trial by trial, where that was told.
    outcomes: Vec<bool>,
    /// The same by session: how often it held, and trials.
    sessions: Vec<(u64, u64)>,
    last_began_ns: i64,
}

impl State {
    /// Before the first trial; nothing for kinds that this version does not judge trial by trial.
    pub(super) fn new(expectation: &Expectation<'_>, rule: &ExpectationRule) -> Option<Self> {
        Some(Self {
            test: Test::of(expectation, rule)?,
            values: Vec::new(),
            classes: BTreeMap::new(),
            reasons: BTreeMap::new(),
            outcomes: Vec::new(),
            sessions: Vec::new(),
            last_began_ns: 0,
        })
    }

    /// Takes a trial that gave a result; tells whether it failed, and adds how.
    pub(super) fn take(
        &mut self,
        expectation: &Expectation<'_>,
        scenario: &Scenario,
        trial: &TrialRecord,
        seen: &mut BTreeSet<FailureClass>,
    ) -> bool {
        if let Test::Together(together) = &mut self.test {
            for (part, expectation) in together.parts.iter_mut().zip(expectation.parts()) {
                part.take(&expectation, scenario, trial, &mut BTreeSet::new());
            }
        }
        let counted = counted(expectation, trial);
        let mut failed = false;
        for result in results(expectation, scenario, trial) {
            failed |= result.outcome == Outcome::Failure;
            seen.extend(result.class);
            self.record(result, counted, trial.began_ns);
        }
        failed
    }

    fn record(&mut self, result: TrialResult, counted: Option<(u64, f64)>, began_ns: i64) {
        self.test.record(result.outcome, counted);
        if result.outcome != Outcome::Ambiguous {
            let held = result.outcome == Outcome::Success;
            self.outcomes.push(held);
            // A clock that went back was another one.
            let apart = began_ns.saturating_sub(self.last_began_ns) > SESSION_NS || began_ns < self.last_began_ns;
            match self.sessions.last_mut() {
                Some((successes, trials)) if !apart || *trials < SESSION_LEAST => {
                    (*successes, *trials) = (*successes + u64::from(held), *trials + 1);
                }
                _ => self.sessions.push((u64::from(held), 1)),
            }
            self.last_began_ns = began_ns;
        }
        self.values.extend(result.value);
        if let Some(class) = result.class {
            *self.classes.entry(class).or_default() += 1;
        }
        if let Some(reason) = result.reason {
            *self.reasons.entry(reason).or_default() += 1;
        }
    }

    /// What is known so far.
    pub(super) fn decision(&self) -> Decision {
        self.test.decision()
    }

    /// One minus the probability of either error.
    pub(super) fn confidence(&self) -> f64 {
        self.test.confidence()
    }

    /// Further trials that it is expected to need; nothing where that is not known.
    pub(super) fn further(&self) -> Option<f64> {
        self.test.further()
    }

    /// Further trials that would pass it if it held in all of them: 0 when it has passed, nothing when it has failed.
    pub(super) fn needed(&self) -> Option<u32> {
        match self.decision() {
            Decision::Pass => Some(0),
            Decision::Fail => None,
            Decision::Continue | Decision::Inconclusive => self.test.needed(),
        }
    }

    /// The verdict as it stands.
    ///
    /// Its `interval` is two-sided at the stated confidence, for display. The bounds of a rate in `seen` are one-sided at the same confidence, as the
    /// question is: they lie within the interval. Neither decides: the sequential test does, which looks after every trial.
    pub(super) fn verdict(
        &self,
        index: usize,
        gating: bool,
        expectation: &Expectation<'_>,
        ending: &Ending,
    ) -> ExpectationVerdict {
        let counts = self.test.counts();
        let n = counts.trials();
        let confidence = self.confidence();
        let verdict = standing(self.decision(), ending);
        let parts: Vec<ExpectationVerdict> = self
            .test
            .parts()
            .iter()
            .zip(expectation.parts())
            .map(|(part, expectation)| part.verdict(index, gating, &expectation, ending))
            .collect();
        let (estimate, unit, interval, mut seen) = self.figures(expectation, confidence);
        match self.test {
            Test::Share(_) => {
                let (low, high) = one_sided(&counts, confidence);
                let what = expectation.per().plural();
                seen += &words::rate(counts.successes, counts.ambiguous, n, what, (low, high), confidence);
            }
            Test::Events(_) => {}
            Test::Together(_) => seen += &words::together(&parts),
        }
        if verdict == Verdict::Inconclusive
            && let Some((reason, times)) = self.reasons.iter().max_by_key(|(_, times)| **times)
        {
            seen += &format!("; {reason} ({times} times)");
        }
        ExpectationVerdict {
            index,
            expected: words::expected(expectation),
            gating,
            needed: (!matches!(verdict, Verdict::Pass | Verdict::Fail)).then(|| self.needed()).flatten(),
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
            parts,
            beside: None,
        }
    }

    /// Estimate, unit and two-sided interval, and what of them is said in words.
    fn figures(&self, expectation: &Expectation<'_>, confidence: f64) -> Figures {
        let share = expectation.rate().map_or(0.5, |rate| rate.at_least);
        let at = |low: bool, high: bool| match (expectation.is_extreme(), low, high) {
            (true, false, true) => Place::Largest,
            (true, true, false) => Place::Smallest,
            _ => Place::Percent(percentile_at(share, low, high)),
        };
        match expectation {
            Expectation::Latency(_) => self.percentile(at(false, true), confidence, "ms"),
            Expectation::Duration(e) => {
                self.percentile(at(e.at_least.is_some(), e.at_most.is_some()), confidence, "ms")
            }
            Expectation::Response(e) => {
                self.percentile(at(e.at_least.is_some(), e.at_most.is_some()), confidence, "dB")
            }
            Expectation::Measured(e) => {
                self.percentile(at(e.at_least.is_some(), e.at_most.is_some()), confidence, e.of.unit().0)
            }
            Expectation::Count(_) => self.events(confidence),
            // A figure of the whole would be none of its parts, which decide.
            Expectation::All(_) | Expectation::Any(_) => (None, "", None, String::new()),
            _ => {
                let counts = self.test.counts();
                let (low, high) = two_sided(&counts, confidence);
                let n = counts.trials();
                // Where no trial tells there is no rate.
                let estimate = (n > counts.ambiguous).then(|| f64::from(counts.successes) / f64::from(n));
                (estimate, "", interval(low, high, confidence), String::new())
            }
        }
    }

    /// Whether failures come in clusters, or sessions differ: then the device, the room or the rig is not the same all the time.
    fn unstable(&self) -> Option<String> {
        let failed = self.outcomes.iter().filter(|held| !**held).count();
        if failed.min(self.outcomes.len() - failed) < FEWEST {
            return None;
        }
        let clusters = stability::runs(&self.outcomes).filter(|runs| runs.z < 0.0 && runs.p <= UNSTABLE);
        let sessions = self.sessions.iter().filter_map(|&(held, trials)| Proportion::new(held, trials).ok());
        let sessions: Vec<Proportion> = sessions.collect();
        let dispersion = stability::dispersion(&sessions).filter(|found| found.p <= UNSTABLE);
        let reasons = clusters
            .map(|runs| words::clusters(&runs, self.outcomes.len()))
            .into_iter()
            .chain(dispersion.map(|found| words::sessions(&sessions, found.p)));
        let text = reasons.collect::<Vec<_>>().join("; ");
        (!text.is_empty()).then_some(text)
    }

    /// Events an hour, with their exact two-sided interval; the bound in words is one-sided.
    fn events(&self, confidence: f64) -> Figures {
        let (Test::Events(watching), Ok(level)) = (&self.test, Confidence::new(confidence)) else {
            return (None, "/h", None, String::new());
        };
        let count = watching.count;
        let Interval { lower, upper } = count.interval(level);
        let text = words::events(count, count.upper_bound(level), confidence);
        (count.estimate(), "/h", interval(lower, upper, confidence), text)
    }

    fn percentile(&self, at: Place, confidence: f64, unit: &'static str) -> Figures {
        let none = (None, unit, None, String::new());
        let (Ok(sample), Ok(confidence)) = (Sample::from_ranges(&self.values), Confidence::new(confidence)) else {
            return none;
        };
        let (estimate, by_rank) = match at {
            Place::Smallest => (sample.smallest(), None),
            Place::Largest => (sample.largest(), None),
            Place::Percent(percent) => {
                let Ok(level) = Rate::new(percent / 100.0) else { return none };
                (sample.estimate(level), sample.interval(level, confidence))
            }
        };
        let Some(estimate) = estimate else { return none };
        let text = words::percentile(
            &at.to_string(),
            unit,
            (estimate.lower, estimate.upper),
            by_rank.map(|i| (i.lower, i.upper)),
        );
        let shown = by_rank.and_then(|i| interval(i.lower, i.upper, confidence.get()));
        (Some((estimate.lower + estimate.upper) / 2.0), unit, shown, text)
    }
}

/// Estimate, unit, interval, words.
type Figures = (Option<f64>, &'static str, Option<Shown>, String);

/// Which value of the trials is shown.
#[derive(Debug, Clone, Copy)]
enum Place {
    Smallest,
    Percent(f64),
    Largest,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Smallest => f.write_str("smallest"),
            Self::Percent(percent) => write!(f, "p{percent}"),
            Self::Largest => f.write_str("largest"),
        }
    }
}

/// What a decision is worth when the trials have ended.
pub(super) fn standing(decision: Decision, ending: &Ending) -> Verdict {
    match (decision, ending) {
        (Decision::Pass, _) => Verdict::Pass,
        (Decision::Fail, _) => Verdict::Fail,
        (Decision::Continue, Ending::Interrupted) => Verdict::Aborted,
        (Decision::Continue | Decision::Inconclusive, _) => Verdict::Inconclusive,
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
pub(super) fn interval(low: f64, high: f64, confidence: f64) -> Option<Shown> {
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
