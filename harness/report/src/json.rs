//! The results of a run as JSON, for `--json`.

pub mod form;

use std::collections::BTreeMap;

use rigtone_model::{
    plan::{AxisValue, Plan},
    verdict::{CombinationVerdict, RunVerdicts},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    baseline::Baseline,
    exercised,
    exit::{self, InconclusivePolicy},
    terminal::counts,
};

/// The version of the results this build writes: `major.minor`.
pub const SCHEMA: &str = "1.2";

#[derive(Serialize)]
struct Results<'a> {
    schema: &'static str,
    run: &'a str,
    rig: &'a str,
    interrupted: Option<&'a str>,
    exit_code: u8,
    exit_reason: String,
    counts: BTreeMap<&'static str, usize>,
    paths: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    missing: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<&'a Baseline>,
    combinations: Vec<Combination<'a>>,
}

#[derive(Serialize)]
struct Combination<'a> {
    axes: BTreeMap<&'a str, &'a AxisValue>,
    condition: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    exercises: &'a [String],
    #[serde(flatten)]
    verdict: &'a CombinationVerdict,
}

/// The results of a run: verdicts with their axes, how often each verdict was given, the exit code, where files lie
/// (`paths`, by what they are, such as `junit`), what of the run is not there (`missing`, as sentences), and what has changed
/// since an earlier run, if one was named.
///
/// # Panics
/// Never: every part has a form in JSON.
pub fn results(
    verdicts: &RunVerdicts,
    plan: &Plan,
    policy: InconclusivePolicy,
    paths: &BTreeMap<String, String>,
    missing: &[String],
    baseline: Option<&Baseline>,
) -> Value {
    let planned: BTreeMap<_, _> = plan.combinations.iter().map(|c| (&c.id, c)).collect();
    let (code, exit_reason) = exit::of(verdicts, policy);
    let combinations = verdicts.combinations.iter().map(|verdict| {
        let planned = planned.get(&verdict.id).copied();
        Combination {
            axes: planned.iter().flat_map(|p| &p.axes).map(|(axis, value)| (&**axis, value)).collect(),
            condition: planned.and_then(|p| p.condition.as_deref()),
            exercises: exercised::of(plan, &verdict.scenario),
            verdict,
        }
    });
    let results = Results {
        schema: SCHEMA,
        run: &verdicts.run,
        rig: &plan.rig,
        interrupted: verdicts.interrupted.as_deref(),
        exit_code: code.number(),
        exit_reason,
        counts: counts(verdicts).into_iter().map(|(verdict, n)| (verdict.word(), n)).collect(),
        paths,
        missing,
        baseline,
        combinations: combinations.collect(),
    };
    serde_json::to_value(results).expect("keys are text and numbers that JSON lacks become null")
}
