//! What one trial says about one expectation.

use rigtone_model::{
    document::{Action, Countable, Expectation, Scenario, WantedCodec},
    observation::{Quantity, Value},
    quantity::{Duration, Level},
    trial::{FailureClass, TrialRecord},
};

use super::sound::{self, Limits};
use crate::{Interval, sequential::Outcome};

/// What one trial says about one expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialResult {
    /// Whether it held.
    pub outcome: Outcome,
    /// How the device failed, when it did not hold.
    pub class: Option<FailureClass>,
    /// The measured value as a range, for expectations about one; `+∞` for what never came.
    pub value: Option<Interval>,
    /// Why the trial does not tell.
    pub reason: Option<String>,
}

impl TrialResult {
    pub(super) fn held() -> Self {
        Self { outcome: Outcome::Success, class: None, value: None, reason: None }
    }
    pub(super) fn failed(class: FailureClass) -> Self {
        Self { outcome: Outcome::Failure, class: Some(class), value: None, reason: None }
    }
    pub(super) fn ambiguous(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Ambiguous, class: None, value: None, reason: Some(reason.into()) }
    }
    pub(super) fn with(self, lower: f64, upper: f64) -> Self {
        Self { value: Some(Interval { lower, upper }), ..self }
    }
}

/// What a trial that gave a result says about an expectation of its scenario.
pub fn result(expectation: &Expectation<'_>, scenario: &Scenario, trial: &TrialRecord) -> TrialResult {
    match expectation {
        Expectation::SuccessRate(e) => match &e.of {
            Some(label) => step_result(trial, label),
            None => trial.failure().map_or_else(TrialResult::held, |f| TrialResult::failed(f.class)),
        },
        Expectation::Audio(e) => sound::audio(trial, e),
        Expectation::Codec(e) => {
            let label = e.step.clone().or_else(|| connecting_step(scenario)).unwrap_or_default();
            codec(trial, &label, e.is)
        }
        Expectation::Latency(e) => {
            let limits =
                Limits { low: None, high: Some(e.at_most.milliseconds()), unit: "ms", class: FailureClass::Late };
            limits.hold(trial, &e.step, trial.observation(&e.step, Quantity::Latency))
        }
        Expectation::Response(e) => {
            let limits = Limits {
                low: e.at_least.map(Level::db),
                high: e.at_most.map(Level::db),
                unit: "dB",
                class: FailureClass::OutOfLimits,
            };
            limits.hold(trial, &e.step, trial.observation_at(&e.step, Quantity::Response, e.at.hertz()))
        }
        Expectation::Measured(e) => {
            let (low, high) = e.limits();
            let limits = Limits { low, high, unit: e.of.unit().0, class: FailureClass::OutOfLimits };
            limits.hold(trial, &e.step, trial.observation(&e.step, e.of.quantity()))
        }
        Expectation::Duration(e) => duration(trial, &e.of, e.at_least, e.at_most),
        Expectation::Unsupported(e) => match trial.step(&e.of) {
            Some(step) => match step.failure.as_ref().map(|f| f.class) {
                None => TrialResult::failed(FailureClass::Accepted),
                // To stay away or to break off is no refusal.
                Some(
                    class @ (FailureClass::LinkLost | FailureClass::NotDiscovered | FailureClass::PairingTimedOut),
                ) => TrialResult::ambiguous(format!("`{}` was not refused, it ended with {class}", e.of)),
                Some(_) => TrialResult::held(),
            },
            None => TrialResult::ambiguous(format!("the trial ended before the step `{}`", e.of)),
        },
        Expectation::Count(_) => match counted(expectation, trial) {
            Some((0, _)) => TrialResult::held(),
            Some(_) => TrialResult::failed(FailureClass::WithHoles),
            None => TrialResult::ambiguous("nothing was listened to in which holes could be counted"),
        },
        Expectation::Role(_) | Expectation::Difference(_) => TrialResult::ambiguous("this version does not judge it"),
    }
}

/// The label of the scenario's only connecting step.
fn connecting_step(scenario: &Scenario) -> Option<String> {
    scenario.trial.iter().find(|s| matches!(s.action(), Action::Connect(_))).map(|s| s.name().to_owned())
}

/// How a trial failed that did not reach what it should: it counts against the device.
pub(super) fn not_reached(trial: &TrialRecord) -> TrialResult {
    match trial.failure() {
        Some(failure) => TrialResult::failed(failure.class),
        None => TrialResult::ambiguous("the step has no record"),
    }
}

fn step_result(trial: &TrialRecord, label: &str) -> TrialResult {
    match trial.step(label) {
        Some(step) => step.failure.as_ref().map_or_else(TrialResult::held, |f| TrialResult::failed(f.class)),
        None => not_reached(trial),
    }
}

pub(super) fn presence(trial: &TrialRecord, label: &str, wanted: bool) -> TrialResult {
    let observation = trial.observation(label, Quantity::Presence);
    let in_part = observation.is_some_and(|o| o.quality.contains_key("heard-until-s"));
    match observation.map(|o| &o.value) {
        // Half a stimulus is no silence.
        Some(Value::Truth(heard)) if !wanted && (*heard || in_part) => {
            TrialResult::failed(FailureClass::UnexpectedSound)
        }
        Some(Value::Truth(heard)) if *heard == wanted => TrialResult::held(),
        // The link that went down explains the silence; without such a cause it is silence itself.
        Some(Value::Truth(_)) => TrialResult::failed(trial.failure().map_or(FailureClass::Silent, |f| f.class)),
        // A stream that broke off was not heard whole, whatever the part of it leaves open.
        Some(Value::Inconclusive { reason }) => match trial.step(label).and_then(|s| s.failure.as_ref()) {
            Some(failure) if wanted => TrialResult::failed(failure.class),
            _ => TrialResult::ambiguous(reason.clone()),
        },
        Some(_) => TrialResult::ambiguous("the record holds no answer about presence"),
        None => not_reached(trial),
    }
}

fn codec(trial: &TrialRecord, label: &str, wanted: WantedCodec) -> TrialResult {
    let word = |quantity| match trial.observation(label, quantity).map(|o| &o.value) {
        Some(Value::Word(word)) => Some(word.as_str()),
        _ => None,
    };
    let Some(agreed) = word(Quantity::Codec) else { return not_reached(trial) };
    let wanted = match wanted {
        WantedCodec::Requested => word(Quantity::RequestedCodec),
        WantedCodec::Codec(codec) => Some(codec.as_str()),
    };
    match wanted {
        Some(wanted) if wanted == agreed => TrialResult::held(),
        Some(_) => TrialResult::failed(FailureClass::WrongCodec),
        None => TrialResult::ambiguous("the record does not say which codec was asked for"),
    }
}

fn duration(trial: &TrialRecord, label: &str, at_least: Option<Duration>, at_most: Option<Duration>) -> TrialResult {
    let Some(step) = trial.step(label) else { return not_reached(trial).with(f64::INFINITY, f64::INFINITY) };
    if let Some(failure) = &step.failure {
        return TrialResult::failed(failure.class).with(f64::INFINITY, f64::INFINITY);
    }
    let took = Duration::from_ns(step.took_ns);
    let within = at_least.is_none_or(|limit| took >= limit) && at_most.is_none_or(|limit| took <= limit);
    let result = if within { TrialResult::held() } else { TrialResult::failed(FailureClass::Untimely) };
    result.with(took.milliseconds(), took.milliseconds())
}

/// What a trial counted, and for how many hours it did.
pub fn counted(expectation: &Expectation<'_>, record: &TrialRecord) -> Option<(u64, f64)> {
    let Expectation::Count(count) = expectation else { return None };
    if count.of != Countable::Dropouts {
        return None;
    }
    let mine = |of: &str| count.step.as_deref().is_none_or(|step| step == of);
    let mut sum = None;
    for observation in record.observations.iter().filter(|o| o.quantity == Quantity::Dropouts && mine(&o.of)) {
        let Value::Number { value, .. } = observation.value else { return None };
        let hours = observation.quality.get("listened-s")? / 3600.0;
        let (events, listened) = sum.unwrap_or((0, 0.0));
        sum = Some((events + value.max(0.0) as u64, listened + hours));
    }
    sum
}
