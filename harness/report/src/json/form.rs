//! The published forms of `results.json` and `verdicts.json`. A test holds what is written against them, so that neither can
//! change without the other.

use std::collections::BTreeMap;

use rigtone_model::{document::Quarantined, schema::sorted};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};

use crate::baseline::Baseline;

/// The results of a run: `rigtone report RUN --format json` and `rigtone run --json`.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// Version of this form: `major.minor`. A minor version adds fields; readers pass over those that they do not know.
    pub schema: String,
    /// The run.
    pub run: String,
    /// The rig.
    pub rig: String,
    /// What ended the run before its plan was done.
    pub interrupted: Option<String>,
    /// The exit code of the run.
    pub exit_code: u8,
    /// Why it is that one.
    pub exit_reason: String,
    /// How many combinations have each verdict.
    pub counts: BTreeMap<String, u32>,
    /// Where files lie, by what they are.
    pub paths: BTreeMap<String, String>,
    /// What of the run is not there, as sentences; absent when all is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What has changed since an earlier run, if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// Every combination of the plan, in the order of the plan.
    pub combinations: Vec<Combination>,
}

/// A combination with its verdict.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Combination {
    /// Where it stands on each axis.
    pub axes: BTreeMap<String, AxisValue>,
    /// The condition, in a scenario that compares some.
    pub condition: Option<String>,
    /// Test cases of the Bluetooth SIG whose behaviour it exercises, and which are not passed by that; absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exercises: Vec<String>,
    /// Its verdict.
    #[serde(flatten)]
    pub judged: Judged,
}

/// Where a combination stands on an axis.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AxisValue {
    /// A unit of the rig.
    Unit {
        /// Its name.
        name: String,
        /// Its device.
        device: String,
        /// The firmware it runs.
        firmware: String,
    },
    /// A microphone of the rig.
    Microphone(String),
    /// A value.
    Value(String),
}

/// `verdicts.json` of a run directory.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdicts {
    /// Version of this form: `major.minor`. A minor version adds fields; readers pass over those that they do not know.
    pub schema: String,
    /// The run.
    pub run: String,
    /// What ended the run before its plan was done.
    pub interrupted: Option<String>,
    /// Every combination of the plan, in the order of the plan.
    pub combinations: Vec<Judged>,
}

/// A verdict.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The requirement is demonstrated at the stated confidence.
    Pass,
    /// Its violation is demonstrated at the stated confidence.
    Fail,
    /// Neither.
    Inconclusive,
    /// The rig prevented an answer.
    InfraError,
    /// Not run, and why.
    Skipped(String),
    /// Ended before an answer.
    Aborted,
}

/// The verdict of a combination.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judged {
    /// The combination: its scenario, its axes and a hash of its meaning.
    pub id: String,
    /// The scenario.
    pub scenario: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Trials that gave a result.
    pub trials: u32,
    /// Trials lost to the rig, retries included.
    pub lost: u32,
    /// The verdicts of its expectations.
    pub expectations: Vec<Expectation>,
    /// How often each failure class was seen.
    pub classes: BTreeMap<String, u32>,
    /// The last infrastructure faults, in words.
    pub faults: Vec<String>,
    /// Evidence of a trial that shows the verdict, below the run directory.
    pub evidence: Vec<String>,
    /// Time its trials took, in nanoseconds on the rig's clock.
    pub took_ns: i64,
    /// Why its verdict decides nothing, for one that is known to fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<Quarantined>,
}

/// The verdict of one expectation for one combination.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expectation {
    /// Position among the scenario's expectations, from 0.
    pub index: u32,
    /// What was expected, in words.
    pub expected: String,
    /// Whether it decides the combination.
    pub gating: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// What was seen, in words, with unit, n and interval.
    pub seen: String,
    /// Trials that counted.
    pub n: u32,
    /// Of these, those in which it held.
    pub held: u32,
    /// Of these, those that do not tell.
    pub ambiguous: u32,
    /// The estimate, in `unit`.
    pub estimate: Option<f64>,
    /// Its unit.
    pub unit: String,
    /// The interval of the estimate.
    pub interval: Option<Interval>,
    /// Further trials that would decide it if all of them held; absent when decided.
    pub needed: Option<u32>,
    /// How often each failure class was seen.
    pub classes: BTreeMap<String, u32>,
    /// Why its trials are not alike, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unstable: Option<String>,
    /// The verdicts of its parts, for an expectation that is judged from several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Expectation>,
    /// The combination that this one is compared with, for a difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
}

/// An interval with its confidence.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Lower end; absent when unbounded.
    pub low: Option<f64>,
    /// Upper end; absent when unbounded.
    pub high: Option<f64>,
    /// Confidence, a fraction.
    pub confidence: f64,
}

/// The schemas (draft 2020-12) as they are kept under `reports/schemas/`: file name and text.
pub fn schemas() -> [(String, String); 2] {
    fn of<T: JsonSchema>() -> String {
        let generator = SchemaSettings::draft2020_12().into_generator();
        format!("{:#}\n", sorted(generator.into_root_schema_for::<T>().to_value()))
    }
    [("results.schema.json".to_owned(), of::<Results>()), ("verdicts.schema.json".to_owned(), of::<Verdicts>())]
}
