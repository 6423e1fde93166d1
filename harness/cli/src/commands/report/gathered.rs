//! What there is of a run: all of it, or what a kill, a copy or another version has left, with the name of what is not there.

use std::path::Path;

use rigtone_judge::verdicts::RunPlan;
use rigtone_model::{plan::Plan, verdict::RunVerdicts};
use rigtone_record::{ReadError, RecordError, keep_quiet, read_plan, read_verdicts};
use rigtone_report::outline::Mismatch;

use super::{read_trouble, scan::Scan};
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
            missing.push(format!("the plan is not there, and with it titles, axes and units: {error}"));
        }
        Err(_) => {}
    }
    // What an earlier end of the run was judged to be says nothing of what came since.
    let told = if written_now { None } else { told(run, &mut missing) };
    let is_needed = needed || told.is_none() || plan.is_err();
    let skimmed = if is_needed { None } else { Scan::skim(run) };
    let mut scan = skimmed.unwrap_or_else(|| Scan::of(run));
    let mismatch = told.as_ref().and_then(|told| scan.mismatch(told));
    // Of a log that is judged all is told that is amiss.
    if mismatch.is_some() && !scan.is_whole() {
        scan = Scan::of(run);
    }
    let (verdicts, unjudged) = match verdicts(run, &plan, told, mismatch.as_ref(), &mut missing) {
        Ok(verdicts) => (Some(verdicts), None),
        Err(trouble) => (None, Some(trouble)),
    };
    missing.extend(scan.missing());
    if !scan.is_whole()
        && let Some(verdicts) = &verdicts
    {
        missing.extend(without_evidence(run, verdicts));
    }
    let verdicts = verdicts.unwrap_or_else(|| RunVerdicts {
        schema: RunVerdicts::SCHEMA.to_owned(),
        run: scan.run.clone(),
        interrupted: None,
        combinations: Vec::new(),
    });
    let plan = plan.map_or_else(|_| nothing_planned(scan.rig.as_deref()), |plan| plan.plan);
    let started_unix_s = scan.started_unix_s.unwrap_or_default();
    Ok(Gathered { plan, verdicts, missing, unjudged, started_unix_s })
}

/// Those that were told where they are those of the log, else what the log is judged to be.
fn verdicts(
    run: &Path,
    plan: &Result<RunPlan, ReadError>,
    told: Option<RunVerdicts>,
    mismatch: Option<&Mismatch>,
    missing: &mut Vec<String>,
) -> Result<RunVerdicts, Trouble> {
    let told = match (told, mismatch) {
        (Some(told), None) => return Ok(told),
        (told, _) => told,
    };
    let judged = match plan {
        Ok(plan) => judge::verdicts_now(run, plan),
        Err(error) => Err(read_trouble(error)),
    };
    let (Some(told), Some(mismatch)) = (told, mismatch) else { return judged };
    let instead = match &judged {
        Ok(_) => "judged from the log, as `rigtone judge` does".to_owned(),
        Err(_) if mismatch.is_of_another_run() => "not shown".to_owned(),
        Err(trouble) => format!("shown all the same, for the log cannot be judged ({})", trouble.in_a_line()),
    };
    missing.push(format!("verdicts.json does not belong to this log: {mismatch}; {instead}"));
    match judged {
        Err(_) if !mismatch.is_of_another_run() => Ok(told),
        judged => judged,
    }
}

/// The verdicts that were written at the end of the run.
fn told(run: &Path, missing: &mut Vec<String>) -> Option<RunVerdicts> {
    match read_verdicts(run) {
        Ok(verdicts) => {
            newer("verdicts.json", &verdicts.schema, RunVerdicts::SCHEMA, missing);
            return Some(verdicts);
        }
        Err(ReadError::Io { os, .. }) if os.kind() == std::io::ErrorKind::NotFound => {
            missing.push("verdicts.json is not there: judged from the log, as `rigtone judge` does".to_owned());
        }
        Err(error) => missing.push(format!("judged from the log, as `rigtone judge` does: {error}")),
    }
    None
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

/// Evidence that verdicts name and that is not there.
fn without_evidence(run: &Path, verdicts: &RunVerdicts) -> Option<String> {
    let named: Vec<&String> = verdicts.combinations.iter().flat_map(|c| &c.evidence).collect();
    let gone: Vec<&&String> = named.iter().filter(|file| !run.join(file).exists()).collect();
    let first = gone.first()?;
    Some(format!("{} of {} evidence files that verdicts name are not there, such as {first}", gone.len(), named.len()))
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
