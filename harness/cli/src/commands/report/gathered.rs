//! What there is of a run: all of it, or what a kill, a copy or another version has left, with the name of what is not there.

use std::{io, path::Path};

use rigtone_judge::verdicts::RunPlan;
use rigtone_model::{plan::Plan, rig_kind::RigKind, verdict::RunVerdicts};
use rigtone_record::{ReadError, RecordError, keep_quiet, read_plan, read_verdicts};
use rigtone_report::{
    exit,
    outline::{Mismatch, Shown, choose},
};

use super::{kind, read_trouble, scan::Scan};
use crate::{commands::judge, trouble::Trouble};

/// What there is of a run.
pub(crate) struct Gathered {
    pub(crate) plan: Plan,
    /// Without combinations when `unjudged` says why there are none.
    pub(crate) verdicts: RunVerdicts,
    /// What is not there, as sentences.
    pub(crate) missing: Vec<String>,
    /// Why there are no verdicts.
    pub(crate) unjudged: Option<Trouble>,
    /// When the run began, in seconds since 1970.
    pub(crate) started_unix_s: i64,
    /// What the rig is made of.
    pub(crate) kind: RigKind,
}

/// Reads a run. Its log is gone through when it is `needed`, or when there is nothing else to judge by; else it is skimmed.
pub(crate) fn gather(run: &Path, needed: bool) -> Result<Gathered, Trouble> {
    let mut missing = Vec::new();
    let written_now = matches!(keep_quiet(run), Err(RecordError::InUse { .. }));
    if written_now {
        missing.push("the run is still being written: this is how far it was".to_owned());
    }
    let plan: Result<RunPlan, ReadError> = read_plan(run);
    match &plan {
        Ok(plan) => newer("plan.json", &plan.schema, Plan::SCHEMA, &mut missing),
        // What the rest of such a run means nobody knows here.
        Err(error @ ReadError::Schema { .. }) => return Err(read_trouble(error)),
        Err(error) if run.is_dir() => {
            let what = if is_gone(error) { "is not there" } else { "cannot be read" };
            missing.push(format!("the plan {what}, and with it titles, axes and units: {error}"));
        }
        Err(_) => {}
    }
    // What an earlier end of the run was judged to be says nothing of what came since.
    let told = if written_now { Err(None) } else { told(run, &mut missing).map_err(Some) };
    let is_needed = needed || told.is_err() || plan.is_err();
    let skimmed = if is_needed { None } else { Scan::skim(run) };
    let mut scan = skimmed.unwrap_or_else(|| Scan::of(run));
    let mismatch = told.as_ref().ok().and_then(|told| scan.mismatch(told));
    // Of a log that is judged all is told that is amiss.
    if mismatch.is_some() && !scan.is_whole() {
        scan = Scan::of(run);
    }
    let (verdicts, unjudged) = match verdicts(run, &plan, told, mismatch.as_ref(), &mut missing) {
        Ok(mut verdicts) => {
            // Its log has no end yet, and nothing interrupted it.
            if written_now && verdicts.interrupted.is_some() {
                verdicts.interrupted = Some(exit::GOES_ON.to_owned());
            }
            (Some(verdicts), None)
        }
        Err(trouble) => (None, Some(trouble)),
    };
    // Where no log tells which evidence there is, the verdicts name some of it.
    if let Some(verdicts) = verdicts.as_ref().filter(|_| scan.run.is_empty()) {
        scan.look_by(run, verdicts);
    }
    missing.extend(scan.missing());
    let verdicts = verdicts.unwrap_or_else(|| RunVerdicts {
        schema: RunVerdicts::SCHEMA.to_owned(),
        run: scan.run.clone(),
        interrupted: None,
        combinations: Vec::new(),
    });
    let plan = plan.map_or_else(|_| nothing_planned(scan.rig.as_deref()), |plan| plan.plan);
    let started_unix_s = scan.started_unix_s.unwrap_or_default();
    let kind = kind(run, &plan);
    Ok(Gathered { plan, verdicts, missing, unjudged, started_unix_s, kind })
}

/// Whether a document is not there at all.
fn is_gone(error: &ReadError) -> bool {
    matches!(error, ReadError::Io { os, .. } if os.kind() == io::ErrorKind::NotFound)
}

/// What stands in the place of verdicts that are not there.
const JUDGED: &str = "judged from the log, as `rigtone judge` does";

/// Those that were told where they are those of the log, else what the log is judged to be. A run that goes on has told none, for no error.
fn verdicts(
    run: &Path,
    plan: &Result<RunPlan, ReadError>,
    told: Result<RunVerdicts, Option<ReadError>>,
    mismatch: Option<&Mismatch>,
    missing: &mut Vec<String>,
) -> Result<RunVerdicts, Trouble> {
    let judge = || match plan {
        Ok(plan) => judge::verdicts_now(run, plan),
        Err(error) => Err(read_trouble(error)),
    };
    let (told, mismatch) = match (told, mismatch) {
        (Ok(told), None) => return Ok(told),
        (Ok(told), Some(mismatch)) => (told, mismatch),
        (Err(None), _) => return judge(),
        (Err(Some(error)), _) => {
            let judged = judge();
            let instead = match &judged {
                Ok(_) => JUDGED.to_owned(),
                Err(trouble) => format!("nothing is judged ({})", trouble.in_a_line()),
            };
            missing.push(match is_gone(&error) {
                true => format!("verdicts.json is not there: {instead}"),
                false => format!("{instead}: {error}"),
            });
            return judged;
        }
    };
    let judged = judge();
    let shown = choose(true, Some(mismatch), judged.is_ok());
    let instead = match &judged {
        Err(trouble) if shown == Shown::ToldAllTheSame => {
            format!("shown all the same, for the log cannot be judged ({})", trouble.in_a_line())
        }
        Err(_) => "not shown".to_owned(),
        Ok(_) => JUDGED.to_owned(),
    };
    missing.push(format!("verdicts.json does not belong to this log: {mismatch}; {instead}"));
    if shown == Shown::ToldAllTheSame { Ok(told) } else { judged }
}

/// The verdicts that were written at the end of the run.
fn told(run: &Path, missing: &mut Vec<String>) -> Result<RunVerdicts, ReadError> {
    let verdicts = read_verdicts(run)?;
    newer("verdicts.json", &verdicts.schema, RunVerdicts::SCHEMA, missing);
    Ok(verdicts)
}

/// A document of a newer minor version is read, and what it has more is not shown.
fn newer(name: &str, found: &str, known: &str, missing: &mut Vec<String>) {
    let minor = |version: &str| version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    if minor(found) > minor(known) {
        missing.push(format!(
            "{name} was written by a newer version of Rigtone (schema {found}; this one knows {known}): what that added is not shown"
        ));
    }
}

fn nothing_planned(rig: Option<&str>) -> Plan {
    Plan {
        schema: Plan::SCHEMA.to_owned(),
        rig: rig.unwrap_or("unknown").to_owned(),
        rig_hash: String::new(),
        retries: 0,
        bench_after: 0,
        scenarios: Vec::new(),
        combinations: Vec::new(),
    }
}
