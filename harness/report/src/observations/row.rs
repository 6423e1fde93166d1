//! The part of a row that is the observation itself.

use rigtone_model::{
    event::Phase,
    observation::{Observation, Value},
};

use super::cells::{number, text};

/// The cells from `phase` to `microphone`, ready to be written.
pub(super) struct Row([String; 17]);

impl Row {
    pub(super) fn new(seq: u64, t_ns: i64, phase: Phase, observation: &Observation) -> Self {
        let phase = match phase {
            Phase::Setup => "setup",
            Phase::Trial => "trial",
            Phase::Cleanup => "cleanup",
        };
        let mut figures = Figures::default();
        match &observation.value {
            Value::Number { value, unit, uncertainty } => {
                figures = Figures {
                    form: "number",
                    value: Some(*value),
                    unit: text(unit),
                    uncertainty: Some(*uncertainty),
                    ..figures
                };
            }
            Value::Range { low, high, unit } => {
                figures = Figures { form: "range", low: *low, high: *high, unit: text(unit), ..figures };
            }
            Value::Truth(truth) => {
                figures = Figures { form: "truth", text: truth.to_string(), ..figures };
            }
            Value::Word(word) => figures = Figures { form: "word", text: text(word), ..figures },
            Value::Inconclusive { reason } => {
                figures = Figures { form: "inconclusive", text: text(reason), ..figures };
            }
        }
        let method = observation.method.as_ref();
        Self([
            phase.to_owned(),
            text(&observation.of),
            observation.quantity.as_str().to_owned(),
            number(observation.at_hz),
            figures.form.to_owned(),
            number(figures.value),
            figures.unit,
            number(figures.uncertainty),
            number(figures.low),
            number(figures.high),
            figures.text,
            method.map(|m| text(&m.name)).unwrap_or_default(),
            method.map(|m| m.version.to_string()).unwrap_or_default(),
            observation.evidence.as_deref().map(text).unwrap_or_default(),
            t_ns.to_string(),
            seq.to_string(),
            observation.at.as_deref().map(text).unwrap_or_default(),
        ])
    }

    /// That nothing was observed.
    pub(super) fn nothing((seq, t_ns): (u64, i64)) -> Self {
        let mut cells = <[String; 17]>::default();
        let [.., at, number, _] = &mut cells;
        (*at, *number) = (t_ns.to_string(), seq.to_string());
        Self(cells)
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// A value taken apart.
#[derive(Default)]
struct Figures {
    form: &'static str,
    value: Option<f64>,
    unit: String,
    uncertainty: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    text: String,
}
