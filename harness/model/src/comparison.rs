//! Two runs, firmware versions, conditions or values of an axis beside each other: what the judge makes of them.

use schemars::JsonSchema;
use serde::Serialize;

/// How two series are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Fisher's exact test of two rates.
    Fisher,
    /// McNemar's exact test of pairs.
    Mcnemar,
    /// Mann and Whitney's test, Hodges and Lehmann's shift.
    MannWhitney,
    /// Wilcoxon's signed ranks of pairs.
    SignedRank,
    /// The exact share of events.
    Poisson,
}

/// What is known of the second side beside the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Better, by more than the margin.
    Better,
    /// Worse, by more than the margin.
    Worse,
    /// Another, where neither direction is better.
    Different,
    /// The same within the margin.
    Same,
    /// The trials do not tell.
    CannotTell,
}

/// One side in figures.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize)]
pub struct Summary {
    /// Trials that count.
    pub n: u64,
    /// The rate as a fraction, the median, or the events an hour; absent without trials, or where it is infinite.
    pub estimate: Option<f64>,
    /// Trials that do not tell.
    pub ambiguous: u64,
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Comparison {
    /// How it was compared.
    pub method: Method,
    /// The first side.
    pub first: Summary,
    /// The second side.
    pub second: Summary,
    /// The unit of what follows: `%` points for rates, a factor for events.
    pub unit: String,
    /// The second less the first; of events the second over the first. Absent where it is infinite.
    pub difference: Option<f64>,
    /// Lower end of its interval; absent when unbounded.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Probability of so large a difference, two-sided, if there were none.
    pub p: f64,
    /// The same, adjusted for all questions of the comparison.
    pub p_adjusted: f64,
    /// The answer.
    pub answer: Answer,
    /// Trials of each side that would show a difference as large as the one seen with 80 %, where the trials do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<u64>,
}

/// A comparison as a whole: the form of `rigtone compare --json`.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Comparisons {
    /// Version of this form: `major.minor`.
    pub schema: String,
    /// What the sides differ in: `run`, `condition`, an axis such as `codec`, or `speaker.firmware`.
    pub by: String,
    /// The first side.
    pub first: String,
    /// The second side: better and worse are said of it.
    pub second: String,
    /// The confidence of every interval and of all answers together, a fraction.
    pub confidence: f64,
    /// One for each expectation of each group.
    pub questions: Vec<Question>,
    /// Groups that stand on one side only.
    pub unmatched: Vec<String>,
}

/// One expectation of one group of combinations.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Question {
    /// All that is the same on both sides.
    pub group: String,
    /// What was expected, such as `latency of play`.
    pub title: String,
    /// The answer.
    #[serde(flatten)]
    pub comparison: Comparison,
}

impl Comparisons {
    /// The version this build writes.
    pub const SCHEMA: &'static str = "1.0";

    /// How many questions have this answer.
    pub fn count(&self, answer: Answer) -> usize {
        self.questions.iter().filter(|q| q.comparison.answer == answer).count()
    }

    /// Its JSON Schema (draft 2020-12).
    pub fn json_schema() -> serde_json::Value {
        let generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
        crate::schema::sorted(generator.into_root_schema_for::<Self>().to_value())
    }
}
