//! What the trials of one combination showed together.

use std::collections::BTreeMap;

use rigtone_judge::{
    sequential::Outcome,
    verdicts::{TrialResult, results},
};
use rigtone_model::{
    document::{Expect, Expectation, Parts, Scenario},
    event::TrialOutcome,
    observation::Quantity,
    trial::{FailureClass, TrialRecord},
};

use super::values::Values;

/// How a trial counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Everything that gates held.
    Held,
    /// Something that gates did not.
    Failed,
    /// Something that gates cannot be told.
    Untold,
    /// The rig lost it.
    Lost,
    /// It was broken off.
    Cancelled,
}

/// How long a step took in the trials in which it went well.
#[derive(Debug, Clone, Default)]
pub(crate) struct Step {
    pub(crate) label: String,
    /// In seconds.
    pub(crate) took: Values,
    pub(crate) failed: u32,
    /// How often it took so many attempts to go well.
    pub(crate) attempts: BTreeMap<usize, u32>,
    /// How often it did not in so many.
    pub(crate) in_vain: BTreeMap<usize, u32>,
}

/// A quantity that was observed in a step.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) of: String,
    pub(crate) quantity: Quantity,
    /// The axis of the microphone that heard it, where the step names its microphones.
    pub(crate) at: Option<String>,
    pub(crate) at_hz: Option<f64>,
    pub(crate) values: Values,
}

/// In how many trials what was to be measured never came. It has its place in the order of the values, as the judge gives it one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Never {
    /// Below every value: a sound that was not there is softer than any.
    pub(crate) before: u32,
    /// Above every value: it is later than any.
    pub(crate) behind: u32,
}

impl Never {
    pub(crate) const fn count(self) -> u32 {
        self.before + self.behind
    }
}

/// What the trials of one combination showed together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) steps: Vec<Step>,
    pub(crate) measured: Vec<Measured>,
    /// Of each trial, in the order in which they ended.
    pub(crate) fates: Vec<Fate>,
    /// Of each expectation that measures something, and each part of one that has parts, by their places.
    pub(crate) never: BTreeMap<(usize, usize), Never>,
    /// The end of the last trial, in nanoseconds on the rig's clock and seconds since 1970 where that is known.
    pub(crate) last: Option<i64>,
}

/// A scenario's expectations as they are asked of a combination.
pub(crate) struct Asked<'a> {
    pub(crate) scenario: &'a Scenario,
    /// Their places, whether they gate, and what they are.
    pub(crate) expectations: Vec<(usize, bool, Expectation<'a>)>,
}

impl<'a> Asked<'a> {
    pub(crate) fn of(scenario: &'a Scenario, condition: Option<&str>) -> Self {
        let holds = |when: &[String]| when.is_empty() || condition.is_some_and(|c| when.iter().any(|w| w == c));
        let expectations = scenario.expect.iter().enumerate().filter(|(_, e)| holds(&e.when));
        let asked = expectations.filter_map(|(n, e)| Some((n, e.gates(), asked_of_trials(e)?)));
        Self { scenario, expectations: asked.collect() }
    }
}

/// What an expectation asks of each trial for itself. A difference asks nothing of one side alone; a plan that somebody edited may hold one among the
/// parts of another, and expectations without a kind.
fn asked_of_trials(expect: &Expect) -> Option<Expectation<'_>> {
    let expectation = *expect.kinds().first()?;
    match expectation {
        Expectation::Difference(_) => None,
        Expectation::All(Parts(parts)) | Expectation::Any(Parts(parts)) => {
            parts.iter().all(|part| asked_of_trials(part).is_some()).then_some(expectation)
        }
        _ => Some(expectation),
    }
}

/// What one trial says.
pub(crate) struct Said {
    pub(crate) fate: Fate,
    pub(crate) class: Option<FailureClass>,
    /// What it is, in words.
    pub(crate) words: String,
}

impl Tally {
    /// Counts an attempt at a trial.
    pub(crate) fn take(&mut self, record: &TrialRecord, asked: Option<&Asked<'_>>) -> Said {
        let said = match &record.outcome {
            TrialOutcome::Lost(fault) => Said { fate: Fate::Lost, class: None, words: fault.to_string() },
            TrialOutcome::Cancelled => Said { fate: Fate::Cancelled, class: None, words: "broken off".to_owned() },
            TrialOutcome::Completed => {
                self.measure(record);
                self.ask(record, asked)
            }
        };
        self.fates.push(said.fate);
        said
    }

    fn measure(&mut self, record: &TrialRecord) {
        for done in &record.steps {
            let at = match self.steps.iter().position(|s| s.label == done.label) {
                Some(at) => at,
                None => {
                    let label = done.label.clone();
                    let took = Values { unit: "s".to_owned(), ..Values::default() };
                    self.steps.push(Step { label, took, ..Step::default() });
                    self.steps.len() - 1
                }
            };
            let step = &mut self.steps[at];
            let tries = done.attempts.len();
            if done.failure.is_none() {
                step.took.push(done.took_ns as f64 / 1e9);
            } else {
                step.failed += 1;
            }
            if tries > 0 {
                let counts = if done.failure.is_none() { &mut step.attempts } else { &mut step.in_vain };
                *counts.entry(tries).or_default() += 1;
            }
        }
        for seen in &record.observations {
            // Steps count their attempts and their time themselves.
            if matches!(seen.quantity, Quantity::Attempts | Quantity::Duration) {
                continue;
            }
            let same =
                |m: &Measured| (m.quantity, &m.of, &m.at, m.at_hz) == (seen.quantity, &seen.of, &seen.at, seen.at_hz);
            match self.measured.iter_mut().find(|m| same(m)) {
                Some(measured) => measured.values.take(&seen.value),
                None => {
                    let mut values = Values::default();
                    values.take(&seen.value);
                    let (of, quantity, at_hz) = (seen.of.clone(), seen.quantity, seen.at_hz);
                    let at = seen.at.clone();
                    self.measured.push(Measured { of, quantity, at, at_hz, values });
                }
            }
        }
    }

    fn ask(&mut self, record: &TrialRecord, asked: Option<&Asked<'_>>) -> Said {
        let failure = record.failure();
        let (mut failed, mut untold) = (None, None);
        for (place, gates, expectation) in asked.iter().flat_map(|asked| &asked.expectations) {
            let Some(scenario) = asked.map(|asked| asked.scenario) else { break };
            let told = results(expectation, scenario, record);
            self.miss((*place, 0), &told);
            for (part, of_part) in expectation.parts().enumerate() {
                self.miss((*place, part), &results(&of_part, scenario, record));
            }
            for result in told {
                match result.outcome {
                    _ if !gates => {}
                    Outcome::Failure => failed = failed.or(Some((result.class, expectation.title()))),
                    Outcome::Ambiguous => untold = untold.or(result.reason),
                    Outcome::Success => {}
                }
            }
        }
        match (failed, failure, untold) {
            // What the device did wrong says more than which expectation it broke.
            (Some(_), Some(failure), _) => {
                Said { fate: Fate::Failed, class: Some(failure.class), words: failure.to_string() }
            }
            (Some((class, title)), None, _) => {
                let words = class.map_or_else(|| title.clone(), |class| format!("{class}: `{title}` did not hold"));
                Said { fate: Fate::Failed, class, words }
            }
            // Nobody asked, or what was asked is not known.
            (None, Some(failure), _) if asked.is_none() => {
                Said { fate: Fate::Failed, class: Some(failure.class), words: failure.to_string() }
            }
            (None, _, Some(why)) => Said { fate: Fate::Untold, class: None, words: why },
            (None, failure, None) => {
                let words = failure.map_or_else(|| "everything held".to_owned(), |f| format!("held, with {f}"));
                Said { fate: Fate::Held, class: None, words }
            }
        }
    }

    /// Counts a trial in which what was to be measured never came.
    fn miss(&mut self, place: (usize, usize), told: &[TrialResult]) {
        let values = || told.iter().filter_map(|result| result.value);
        let before = values().any(|value| value.upper == f64::NEG_INFINITY);
        let behind = values().any(|value| value.lower == f64::INFINITY);
        if before || behind {
            let never = self.never.entry(place).or_default();
            never.before += u32::from(before);
            never.behind += u32::from(behind);
        }
    }

    pub(crate) fn count(&self, fate: Fate) -> usize {
        self.fates.iter().filter(|f| **f == fate).count()
    }

    /// Trials that gave a result.
    pub(crate) fn results(&self) -> usize {
        self.fates.len() - self.count(Fate::Lost) - self.count(Fate::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn scenario(expect: &Value) -> Scenario {
        let scenario = json!({"scenario": "heard", "title": "It is heard", "matrix": {}, "expect": expect,
            "trial": [{"play": {"signal": "smoke"}}], "repeat": {"at-least": 5, "at-most": 20}});
        serde_json::from_value(scenario).expect("a scenario")
    }

    #[rstest]
    #[case::plain(json!([{"codec": {"is": "sbc"}}]), &[0])]
    #[case::difference(json!([{"difference": {"of": "presence", "between": ["a", "b"]}}, {"codec": {"is": "sbc"}}]), &[1])]
    #[case::difference_among_parts(
        json!([{"any": [{"codec": {"is": "sbc"}}, {"difference": {"of": "presence", "between": ["a", "b"]}}]}]),
        &[]
    )]
    #[case::no_kind(json!([{}, {"all": [{"codec": {"is": "sbc"}}, {"codec": {"is": "aac"}}]}]), &[1])]
    #[case::no_kind_among_parts_of_parts(
        json!([{"all": [{"any": [{"codec": {"is": "sbc"}}, {}]}, {"codec": {"is": "sbc"}}]}]),
        &[]
    )]
    #[case::other_conditions(
        json!([{"codec": {"is": "sbc"}, "when": ["cold"]}, {"codec": {"is": "sbc"}, "when": ["warm"]}]),
        &[1]
    )]
    fn trials_are_asked_what_one_of_them_can_answer(#[case] expect: Value, #[case] places: &[usize]) {
        let scenario = scenario(&expect);
        let asked = Asked::of(&scenario, Some("warm"));
        assert_eq!(asked.expectations.iter().map(|(place, ..)| *place).collect::<Vec<_>>(), places);
    }
}
