//! What one trial says about one expectation.

use rigtone_model::{
    document::{Action, Comparable, Countable, Difference, Expectation, Per, Role, Scenario, WantedCodec},
    observation::{Observation, Quantity, Value},
    quantity::{BitRate, Duration, Frequency, Level},
    trial::{FailureClass, StepRecord, TrialRecord},
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

/// What a trial that gave a result says about an expectation of its scenario: of each attempt where those are counted, else of the trial.
pub fn results(expectation: &Expectation<'_>, scenario: &Scenario, trial: &TrialRecord) -> Vec<TrialResult> {
    if let Expectation::SuccessRate(e) = expectation
        && expectation.per() == Per::Attempt
        && let Some(step) = e.of.as_deref().and_then(|label| trial.step(label))
        && !step.attempts.is_empty()
    {
        return step.attempts.iter().map(|failed| failed.map_or_else(TrialResult::held, TrialResult::failed)).collect();
    }
    vec![result(expectation, scenario, trial)]
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
            match codec(trial, &label, e.is) {
                TrialResult { outcome: Outcome::Success, .. } => match e.bit_rate_at_most {
                    Some(limit) => bit_rate(trial, &label, limit),
                    None => TrialResult::held(),
                },
                other => other,
            }
        }
        Expectation::Latency(e) => {
            let low = e.at_least.map(Duration::milliseconds);
            let limits = Limits { low, high: Some(e.at_most.milliseconds()), unit: "ms", class: FailureClass::Late };
            let found = limits.hold(trial, &e.step, trial.observation(&e.step, Quantity::Latency));
            // What is heard too soon is not late.
            match (low, found.value, found.class) {
                (Some(low), Some(value), Some(FailureClass::Late)) if value.upper < low => {
                    TrialResult { class: Some(FailureClass::OutOfLimits), ..found }
                }
                _ => found,
            }
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
            let timed = e.of.actions().is_some() && !e.of.is_told_by_source();
            let class = if timed { FailureClass::Untimely } else { FailureClass::OutOfLimits };
            let limits = Limits { low, high, unit: e.of.unit().0, class };
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
        Expectation::Count(e) => match counted(expectation, trial) {
            Some((0, _)) => TrialResult::held(),
            Some(_) => TrialResult::failed(match e.of {
                Countable::LinkLosses => FailureClass::LinkLost,
                Countable::Reactions => FailureClass::UnaskedReaction,
                Countable::Dropouts => FailureClass::WithHoles,
            }),
            None => TrialResult::ambiguous(match e.of {
                Countable::LinkLosses => "no link was watched",
                Countable::Reactions => "nothing was listened to in which reactions could be counted",
                Countable::Dropouts => "nothing was listened to in which holes could be counted",
            }),
        },
        Expectation::Difference(e) => compared(e, trial),
        Expectation::All(_) => together(true, expectation.parts().map(|part| result(&part, scenario, trial))),
        Expectation::Any(_) => together(false, expectation.parts().map(|part| result(&part, scenario, trial))),
        Expectation::Role(e) => role(scenario, trial, &e.of, e.is),
    }
}

/// Several results as one: what is violated outweighs what cannot be told where all have to hold, what holds outweighs it where any has to.
pub(super) fn together(all: bool, results: impl Iterator<Item = TrialResult>) -> TrialResult {
    let decisive = if all { Outcome::Failure } else { Outcome::Success };
    let mut rest = None;
    for result in results {
        let result = TrialResult { value: None, ..result };
        if result.outcome == decisive {
            return result;
        }
        match &rest {
            Some(TrialResult { outcome: Outcome::Ambiguous, .. }) => {}
            Some(_) if result.outcome != Outcome::Ambiguous => {}
            _ => rest = Some(result),
        }
    }
    rest.unwrap_or_else(|| TrialResult::ambiguous("there is nothing to judge"))
}

/// What a trial contributes to a difference: whether it succeeded or was heard, or its value.
fn compared(difference: &Difference, trial: &TrialRecord) -> TrialResult {
    let label = difference.step.as_deref();
    // What never came is infinitely late, and infinitely soft.
    let measured = |unit, low, high, observation| {
        let limits = Limits { low, high, unit, class: FailureClass::OutOfLimits };
        limits.hold(trial, label.unwrap_or_default(), observation)
    };
    match (difference.of, label) {
        (Comparable::SuccessRate, None) => {
            trial.failure().map_or_else(TrialResult::held, |f| TrialResult::failed(f.class))
        }
        (Comparable::SuccessRate, Some(label)) => step_result(trial, label),
        (Comparable::Presence, label) => presence(trial, label.unwrap_or_default(), None, true),
        (Comparable::Latency, label) => {
            measured("ms", None, Some(f64::INFINITY), trial.observation(label.unwrap_or_default(), Quantity::Latency))
        }
        (Comparable::Response, label) => {
            let hz = difference.at.map_or(1000.0, Frequency::hertz);
            measured(
                "dB",
                Some(f64::NEG_INFINITY),
                None,
                trial.observation_at(label.unwrap_or_default(), Quantity::Response, hz),
            )
        }
        (Comparable::Duration, Some(label)) => duration(trial, label, None, None),
        (Comparable::Duration, None) => match trial.failure() {
            Some(failure) => TrialResult::failed(failure.class).with(f64::INFINITY, f64::INFINITY),
            None => {
                let ms = trial.steps.iter().map(|s| Duration::from_ns(s.took_ns).milliseconds()).sum();
                TrialResult::held().with(ms, ms)
            }
        },
        (Comparable::Dropouts, _) => TrialResult::held(),
    }
}

/// The label of the scenario's only connecting step.
fn connecting_step(scenario: &Scenario) -> Option<String> {
    scenario.steps_of_trial().into_iter().find(|s| s.action().connects()).map(|s| s.name().to_owned())
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

pub(super) fn presence(trial: &TrialRecord, label: &str, at: Option<&str>, wanted: bool) -> TrialResult {
    let observation = trial.observation_at_microphone(label, Quantity::Presence, at);
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
    let requested = wanted == WantedCodec::Requested;
    let wanted = match wanted {
        WantedCodec::Requested => word(Quantity::RequestedCodec),
        WantedCodec::Codec(codec) => Some(codec.as_str()),
    };
    // Who says one codec and does another has not the one that he says.
    let contradicts = |o: &Observation| o.quantity == Quantity::CodecAgreement && o.value == Value::Truth(false);
    if trial.observations.iter().any(contradicts) {
        return TrialResult::failed(FailureClass::CodecDisagreement);
    }
    let of_step = |quantity| trial.observation(label, quantity).map(|o| &o.value);
    let differs = requested && of_step(Quantity::ConfigurationAgreement) == Some(&Value::Truth(false));
    // Where a configuration was asked for, the name of its codec is the smaller part of it.
    let unknown = requested
        && of_step(Quantity::RequestedConfiguration).is_some()
        && of_step(Quantity::ConfigurationAgreement).is_none();
    match wanted {
        Some(_) if differs => TrialResult::failed(FailureClass::WrongCodec),
        Some(wanted) if wanted == agreed && unknown => {
            TrialResult::ambiguous("the record does not say which configuration was agreed on")
        }
        Some(wanted) if wanted == agreed => TrialResult::held(),
        Some(_) => TrialResult::failed(FailureClass::WrongCodec),
        None => TrialResult::ambiguous("the record does not say which codec was asked for"),
    }
}

/// Whether neither what was agreed on nor what was sent has more bits a second than allowed.
fn bit_rate(trial: &TrialRecord, label: &str, limit: BitRate) -> TrialResult {
    let high = Some(limit.bits_per_second() / 1e3);
    let limits = Limits { low: None, high, unit: "kbit/s", class: FailureClass::OutOfLimits };
    let sent = trial.observations.iter().filter(|o| o.quantity == Quantity::SentBitRate);
    let found: Vec<&Observation> = trial.observation(label, Quantity::BitRate).into_iter().chain(sent).collect();
    if found.is_empty() {
        return TrialResult::ambiguous("neither the configuration nor the air says the bit rate");
    }
    together(true, found.into_iter().map(|o| limits.hold(trial, label, Some(o))))
}

/// Whether the service records of a unit state a role, whenever they were read.
fn role(scenario: &Scenario, trial: &TrialRecord, axis: &str, role: Role) -> TrialResult {
    let reads =
        scenario.trial.iter().filter(|step| matches!(step.action(), Action::ReadServices(on) if on.unit == axis));
    let read = reads.filter_map(|step| trial.observation(step.name(), Quantity::ServiceClasses));
    let states = |o: &Observation| match &o.value {
        Value::Word(classes) if states_role(classes, role) => TrialResult::held(),
        Value::Word(_) => TrialResult::failed(FailureClass::WrongRole),
        Value::Inconclusive { reason } => TrialResult::ambiguous(reason.clone()),
        _ => TrialResult::ambiguous("the record holds no service classes"),
    };
    let results: Vec<TrialResult> = read.map(states).collect();
    if results.is_empty() { not_reached(trial) } else { together(true, results.into_iter()) }
}

fn states_role(classes: &str, role: Role) -> bool {
    classes.split_whitespace().any(|class| u16::from_str_radix(class, 16) == Ok(role.service_class()))
}

fn duration(trial: &TrialRecord, label: &str, at_least: Option<Duration>, at_most: Option<Duration>) -> TrialResult {
    let Some(step) = trial.step(label) else { return not_reached(trial).with(f64::INFINITY, f64::INFINITY) };
    if let Some(failure) = &step.failure {
        return TrialResult::failed(failure.class).with(f64::INFINITY, f64::INFINITY);
    }
    // Of several round trips the median is the time; the rest of the step is no part of it.
    if let Some(observation) = trial.observation(label, Quantity::RoundTrip) {
        let (low, high) = (at_least.map(Duration::milliseconds), at_most.map(Duration::milliseconds));
        let limits = Limits { low, high, unit: "ms", class: FailureClass::Untimely };
        return limits.hold(trial, label, Some(observation));
    }
    let took = Duration::from_ns(step.took_ns);
    let within = at_least.is_none_or(|limit| took >= limit) && at_most.is_none_or(|limit| took <= limit);
    let result = if within { TrialResult::held() } else { TrialResult::failed(FailureClass::Untimely) };
    result.with(took.milliseconds(), took.milliseconds())
}

/// What a trial counted, and for how many hours it did.
pub fn counted(expectation: &Expectation<'_>, record: &TrialRecord) -> Option<(u64, f64)> {
    match expectation {
        Expectation::Count(e) => match e.of {
            Countable::Dropouts => observed(Quantity::Dropouts, e.step.as_deref(), record),
            Countable::LinkLosses => link_losses(e.step.as_deref(), record),
            Countable::Reactions => observed(Quantity::Reactions, e.step.as_deref(), record),
        },
        Expectation::Difference(e) if e.of == Comparable::Dropouts => {
            observed(Quantity::Dropouts, e.step.as_deref(), record)
        }
        _ => None,
    }
}

/// Links that went down, in the time of a step; of the whole trial, in the steps after the first that connected.
fn link_losses(step: Option<&str>, record: &TrialRecord) -> Option<(u64, f64)> {
    let lost = |step: &StepRecord| step.failure.as_ref().is_some_and(|f| f.class == FailureClass::LinkLost);
    let connected = record.steps.iter().position(|s| s.action == "connect" && s.failure.is_none());
    let watched = record.steps.iter().enumerate().filter(|(n, s)| match step {
        Some(label) => s.label == label,
        None => connected.is_some_and(|first| *n > first) && !matches!(&*s.action, "connect" | "disconnect"),
    });
    let mut sum = None;
    for (_, step) in watched {
        let (events, hours) = sum.unwrap_or((0, 0.0));
        sum = Some((events + u64::from(lost(step)), hours + step.took_ns as f64 / 3.6e12));
    }
    sum.filter(|(_, hours)| *hours > 0.0)
}

/// What was counted in recordings, and for how long they were listened to.
fn observed(quantity: Quantity, step: Option<&str>, record: &TrialRecord) -> Option<(u64, f64)> {
    let mine = |of: &str| step.is_none_or(|step| step == of);
    // What several microphones hear of one step happened once: the nearest tells.
    let first = |o: &Observation| record.observation(&o.of, o.quantity).is_some_and(|nearest| nearest.at == o.at);
    let mut sum = None;
    let heard = |o: &&Observation| o.quantity == quantity && mine(&o.of) && first(o);
    for observation in record.observations.iter().filter(heard) {
        let Value::Number { value, .. } = observation.value else { return None };
        let hours = observation.quality.get("listened-s")? / 3600.0;
        let (events, listened) = sum.unwrap_or((0, 0.0));
        sum = Some((events + value.max(0.0) as u64, listened + hours));
    }
    sum
}
