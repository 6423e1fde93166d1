//! What the recording of one trial says about expectations of its sound.

use rigtone_model::{
    document::{Asked, Audio},
    observation::{Observation, Quantity, Value},
    trial::{FailureClass, TrialRecord},
};

use super::outcome::{TrialResult, not_reached, presence};
use crate::sequential::Outcome;

/// All that is expected of a sound has to hold: what is violated outweighs what cannot be told.
pub(super) fn audio(trial: &TrialRecord, audio: &Audio) -> TrialResult {
    let (mut failed, mut doubtful) = (None, None);
    audio.each(|_, quantity, asked| {
        let result = match asked {
            Asked::Present(wanted) => presence(trial, &audio.step, audio.at.as_deref(), wanted),
            other => one(trial, &audio.step, audio.at.as_deref(), quantity, other),
        };
        match result.outcome {
            Outcome::Success => {}
            Outcome::Failure => _ = failed.get_or_insert(result),
            Outcome::Ambiguous => _ = doubtful.get_or_insert(result),
        }
    });
    failed.or(doubtful).unwrap_or_else(TrialResult::held)
}

fn one(trial: &TrialRecord, label: &str, at: Option<&str>, quantity: Quantity, asked: Asked<'_>) -> TrialResult {
    let holds = |fine: bool| if fine { TrialResult::held() } else { TrialResult::failed(class(quantity)) };
    match (trial.observation_at_microphone(label, quantity, at).map(|o| &o.value), asked) {
        (Some(Value::Number { value, .. }), Asked::AtMost(limit)) => holds(*value <= f64::from(limit)),
        (Some(Value::Truth(is)), Asked::Is(wanted)) => holds(*is == wanted),
        (Some(Value::Word(word)), Asked::OneOf(wanted)) => holds(wanted.contains(&word.as_str())),
        (Some(Value::Inconclusive { reason }), _) => unheard(trial, label, at, reason),
        (Some(_), _) => TrialResult::ambiguous(format!("the record holds no answer about {}", quantity.as_str())),
        (None, _) => not_reached(trial),
    }
}

/// A recording that does not answer: where nothing was heard at all the device failed.
fn unheard(trial: &TrialRecord, label: &str, at: Option<&str>, reason: &str) -> TrialResult {
    match presence(trial, label, at, true) {
        silent if silent.outcome == Outcome::Failure => silent,
        _ => TrialResult::ambiguous(reason.to_owned()),
    }
}

/// How a device fails that does not sound as it should.
const fn class(quantity: Quantity) -> FailureClass {
    match quantity {
        Quantity::Dropouts | Quantity::Skips => FailureClass::WithHoles,
        Quantity::Clicks | Quantity::LevelChanges => FailureClass::Disturbed,
        Quantity::Doubled => FailureClass::Doubled,
        Quantity::Howling => FailureClass::Howling,
        Quantity::Polarity | Quantity::Channels => FailureClass::WrongChannels,
        Quantity::Fingerprint => FailureClass::WrongBandwidth,
        _ => FailureClass::OutOfLimits,
    }
}

/// The limits of a measured value.
pub(super) struct Limits {
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    /// The unit of the value and of the limits.
    pub(super) unit: &'static str,
    /// How the device fails that is outside.
    pub(super) class: FailureClass,
}

impl Limits {
    /// Whether an observation lies within, its uncertainty included.
    pub(super) fn hold(&self, trial: &TrialRecord, label: &str, observation: Option<&Observation>) -> TrialResult {
        let unknown = |result: TrialResult| result.with(f64::NEG_INFINITY, f64::INFINITY);
        // A sound that never came is later than any limit, and below one that must be reached.
        let worst = if self.high.is_none() { f64::NEG_INFINITY } else { f64::INFINITY };
        let range = match observation.map(|o| &o.value) {
            Some(Value::Number { value, uncertainty, unit })
                if unit == self.unit && value.is_finite() && *uncertainty >= 0.0 =>
            {
                (value - uncertainty, value + uncertainty)
            }
            Some(Value::Range { low, high, unit }) if unit == self.unit => {
                (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY))
            }
            Some(Value::Inconclusive { reason }) => {
                return match unheard(trial, label, None, reason) {
                    silent if silent.outcome == Outcome::Failure => silent.with(worst, worst),
                    doubtful => unknown(doubtful),
                };
            }
            Some(_) => {
                return unknown(TrialResult::ambiguous(format!("the record holds no value in {}", self.unit)));
            }
            None => {
                return match not_reached(trial) {
                    failed if failed.outcome == Outcome::Failure => failed.with(worst, worst),
                    other => other,
                };
            }
        };
        let (low, high) = (self.low.unwrap_or(f64::NEG_INFINITY), self.high.unwrap_or(f64::INFINITY));
        let result = if range.0 >= low && range.1 <= high {
            TrialResult::held()
        } else if range.1 < low || range.0 > high {
            TrialResult::failed(self.class)
        } else {
            TrialResult::ambiguous("the limit lies within the measurement's uncertainty")
        };
        result.with(range.0, range.1)
    }
}
