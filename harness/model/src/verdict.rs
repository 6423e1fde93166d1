//! Verdicts: what the judge makes of a plan and its observations.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{document::Quarantined, id::CombinationId, trial::FailureClass};

/// A verdict of an expectation, a combination or a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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

impl Verdict {
    /// What the time given to the run did not allow.
    pub fn out_of_time() -> Self {
        Self::Skipped("time".to_owned())
    }
    /// Whether the time given to the run did not allow it.
    pub fn is_out_of_time(&self) -> bool {
        matches!(self, Self::Skipped(reason) if reason == "time")
    }
    /// As tables show it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::InfraError => "infra-error",
            Self::Skipped(_) => "skipped",
            Self::Aborted => "aborted",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// An interval with its confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end; absent when unbounded.
    pub low: Option<f64>,
    /// Upper end; absent when unbounded.
    pub high: Option<f64>,
    /// Confidence, a fraction.
    pub confidence: f64,
}

/// The verdict of one expectation for one combination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpectationVerdict {
    /// Position among the scenario's expectations, from 0.
    pub index: usize,
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
    pub classes: BTreeMap<FailureClass, u32>,
    /// Why its trials are not alike, in words: then something changes from time to time, and bounds from all of them are too narrow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unstable: Option<String>,
    /// The verdicts of its parts, for an expectation that is judged from several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ExpectationVerdict>,
    /// The combination that this one is compared with, for a difference: the verdict is about both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<CombinationId>,
}

/// The verdict of a combination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CombinationVerdict {
    /// The combination.
    pub id: CombinationId,
    /// The scenario.
    pub scenario: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Trials that gave a result.
    pub trials: u32,
    /// Trials lost to the rig, retries included.
    pub lost: u32,
    /// The verdicts of its expectations.
    pub expectations: Vec<ExpectationVerdict>,
    /// How often each failure class was seen.
    pub classes: BTreeMap<FailureClass, u32>,
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

/// The verdicts of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunVerdicts {
    /// Version of this format: `major.minor`.
    pub schema: String,
    /// The run.
    pub run: String,
    /// What ended the run before its plan was done.
    pub interrupted: Option<String>,
    /// Every combination of the plan, in the order of the plan.
    pub combinations: Vec<CombinationVerdict>,
}

impl RunVerdicts {
    /// The version this build writes.
    pub const SCHEMA: &'static str = "1.0";

    /// How many combinations have a verdict of this kind.
    pub fn count(&self, word: &str) -> usize {
        self.combinations.iter().filter(|c| c.verdict.word() == word).count()
    }
}
