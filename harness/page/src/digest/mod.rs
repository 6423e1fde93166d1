//! What a run directory holds, brought to the size of a page.

mod faults;
mod files;
mod kept;
mod log;
mod notes;
mod planned;
mod tally;
mod values;

use std::{
    collections::{HashMap, HashSet},
    io,
    path::Path,
};

use rigtone_judge::verdicts::RunPlan;
use rigtone_model::{
    id::CombinationId,
    plan::Plan,
    rig_kind::RigKind,
    verdict::{CombinationVerdict, RunVerdicts},
};
use rigtone_record::{
    ENVIRONMENT, EVENTS, PLAN, ReadError, RecordError, VERDICTS, keep_quiet, read_environment, read_plan, read_verdicts,
};
use rigtone_report::{
    exit::GOES_ON,
    outline::{Mismatch, Shown, choose},
};
use serde_json::Value as Json;

#[cfg(test)]
pub(crate) use self::tally::Said;
pub(crate) use self::{
    kept::{Ending, Facts, File, Kept},
    log::{Log, Told},
    planned::Planned,
    tally::{Asked, Fate, Measured, Never},
    values::{percentile, rank},
};
use crate::{error::PageError, shortcoming::Shortcoming};

/// A combination with everything that is known of it.
#[derive(Debug)]
pub(crate) struct Combined {
    pub(crate) planned: Planned,
    pub(crate) verdict: Option<CombinationVerdict>,
    pub(crate) told: Told,
}

/// What a run directory holds.
#[derive(Debug)]
pub(crate) struct Digest {
    pub(crate) plan: Option<RunPlan>,
    pub(crate) environment: Option<Json>,
    /// What its rig was: only one kind proves anything of a device.
    pub(crate) kind: RigKind,
    pub(crate) verdicts: Option<RunVerdicts>,
    /// Whether the verdicts were made now, from the log.
    pub(crate) judged_now: bool,
    pub(crate) log: Log,
    /// In the order of the plan.
    pub(crate) combinations: Vec<Combined>,
    pub(crate) shortcomings: Vec<Shortcoming>,
}

impl Digest {
    /// Whether the rig was simulated: then its clock is not the calendar's.
    pub(crate) fn is_simulated(&self) -> bool {
        self.kind == RigKind::Simulated
    }
}

fn document(name: &'static str, error: &ReadError, instead: &'static str) -> Shortcoming {
    let (why, hint) = match error {
        ReadError::Io { os, .. } if os.kind() == io::ErrorKind::NotFound => {
            ("it is missing".to_owned(), "copy the whole run directory again".to_owned())
        }
        other => (other.to_string(), other.hint().to_owned()),
    };
    Shortcoming::Document { name, why, hint, instead }
}

/// Whether a version is of the same major version and a higher minor one.
fn is_newer(found: &str, read: &str) -> bool {
    let parts = |version: &str| {
        let (major, minor) = version.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    };
    matches!((parts(found), parts(read)), (Some(found), Some(read)) if found.0 == read.0 && found.1 > read.1)
}

/// Reads what there is.
///
/// # Errors
/// When there is neither a plan nor a log.
pub(crate) fn read(run: &Path) -> Result<Digest, PageError> {
    let mut shortcomings = Vec::new();
    // Asked first: what is written while it is read is no finished run.
    let being_written = matches!(keep_quiet(run), Err(RecordError::InUse { .. }));
    let plan = read_plan::<RunPlan>(run);
    // What an earlier end of the run was judged to be says nothing of what came since.
    let told = if being_written { None } else { Some(read_verdicts(run)) };
    let judge = !matches!(told, Some(Ok(_)));
    let mut log = log::read(run, plan.as_ref().ok(), judge);
    let mismatch = match (&log, &told) {
        (Ok(log), Some(Ok(told))) => log.mismatch(told),
        _ => None,
    };
    // Rare enough to go through the log once more.
    if mismatch.is_some() && plan.is_ok() {
        log = log::read(run, plan.as_ref().ok(), true);
    }
    let mut judged = log.as_mut().ok().and_then(|log| log.verdicts.take());
    if let (Ok(plan), Some(judged)) = (&plan, &mut judged) {
        plan.put_in_quarantine(judged);
        // Its log has no end yet, and nothing interrupted it.
        if being_written && judged.interrupted.is_some() {
            judged.interrupted = Some(GOES_ON.to_owned());
        }
    }
    let judged_now = judged.is_some();
    let verdicts = verdicts(&mut shortcomings, told, mismatch, judged);
    let (mut log, plan) = match (log, plan) {
        (Ok(log), plan) => (log, plan),
        (Err(log), Ok(plan)) => {
            shortcomings.push(document(EVENTS, &log, "there is nothing about single trials"));
            (Log::default(), Ok(plan))
        }
        (Err(log), Err(plan)) => {
            return Err(PageError::NoRun { directory: run.to_owned(), plan: Box::new(plan), log: Box::new(log) });
        }
    };
    let plan = match plan {
        Ok(plan) => {
            newer(&mut shortcomings, PLAN, &plan.schema, Plan::SCHEMA);
            Some(plan)
        }
        Err(error) => {
            shortcomings.push(document(
                PLAN,
                &error,
                "what was asked is not known, combinations are shown by their ids",
            ));
            None
        }
    };
    let environment = match read_environment(run) {
        Ok(environment) => Some(environment),
        Err(error) => {
            shortcomings.push(document(ENVIRONMENT, &error, "on what it ran is not known"));
            None
        }
    };
    state_of(&mut shortcomings, &log, verdicts.as_ref(), being_written);
    let combinations = combine(&mut shortcomings, plan.as_ref(), verdicts.as_ref(), &mut log);
    shortcomings.extend(log.files.shortcomings());
    let planned = plan.as_ref().map_or(&[][..], |plan| plan.plan.combinations.as_slice());
    let kind = RigKind::of(environment.as_ref(), planned);
    Ok(Digest { plan, environment, kind, verdicts, judged_now, log, combinations, shortcomings })
}

/// The verdicts that are shown: those that were told where they are those of the log, else what it was judged to be now.
fn verdicts(
    shortcomings: &mut Vec<Shortcoming>,
    told: Option<Result<RunVerdicts, ReadError>>,
    mismatch: Option<Mismatch>,
    judged: Option<RunVerdicts>,
) -> Option<RunVerdicts> {
    let shown = choose(matches!(told, Some(Ok(_))), mismatch.as_ref(), judged.is_some());
    match (told, mismatch) {
        // A run that goes on has none yet: that it goes on says so.
        (None, _) => judged,
        (Some(Err(error)), _) => {
            let instead = match shown {
                Shown::Judged => "the verdicts here were judged again from the log",
                Shown::AsTold | Shown::ToldAllTheSame | Shown::Nothing => "there are no verdicts",
            };
            shortcomings.push(document(VERDICTS, &error, instead));
            judged
        }
        (Some(Ok(told)), None) => {
            newer(shortcomings, VERDICTS, &told.schema, RunVerdicts::SCHEMA);
            Some(told)
        }
        (Some(Ok(told)), Some(mismatch)) => {
            let instead = match shown {
                Shown::Judged => "the verdicts here were judged from the log",
                Shown::ToldAllTheSame => "they are shown all the same, for the log cannot be judged",
                Shown::AsTold | Shown::Nothing => "there are no verdicts",
            };
            shortcomings.push(Shortcoming::OtherVerdicts { why: mismatch.to_string(), instead });
            if shown == Shown::ToldAllTheSame { Some(told) } else { judged }
        }
    }
}

fn newer(shortcomings: &mut Vec<Shortcoming>, name: &'static str, found: &str, read: &'static str) {
    if is_newer(found, read) {
        shortcomings.push(Shortcoming::Newer { name, found: found.to_owned(), read });
    }
}

/// How far the run is, and what of its log cannot be read.
fn state_of(shortcomings: &mut Vec<Shortcoming>, log: &Log, verdicts: Option<&RunVerdicts>, being_written: bool) {
    let first = match () {
        () if being_written => Some(Shortcoming::BeingWritten),
        () if log.is_cut_off() => Some(Shortcoming::Unended),
        () => verdicts.and_then(|v| v.interrupted.clone()).map(|by| Shortcoming::Interrupted { by }),
    };
    // What matters most stands first.
    shortcomings.splice(0..0, first);
    shortcomings.extend(log.faults.shortcomings());
    if log.in_flight > 0 {
        shortcomings.push(Shortcoming::InFlight { trials: log.in_flight });
    }
    if !log.unknown.is_empty() {
        let kinds = log.unknown.iter().map(|(kind, n)| (kind.clone(), *n)).collect();
        shortcomings.push(Shortcoming::UnknownKinds { kinds });
    }
}

/// Brings plan, verdicts and log together: in the order of the plan, and behind it what only the others know.
fn combine(
    shortcomings: &mut Vec<Shortcoming>,
    plan: Option<&RunPlan>,
    verdicts: Option<&RunVerdicts>,
    log: &mut Log,
) -> Vec<Combined> {
    if let Some(plan) = plan {
        let planned: HashSet<&CombinationId> = plan.plan.combinations.iter().map(|c| &c.id).collect();
        let mut strangers: Vec<&CombinationId> = log.told.keys().filter(|id| !planned.contains(id)).collect();
        strangers.sort();
        if let Some(first) = strangers.first() {
            shortcomings.push(Shortcoming::Strangers { first: first.to_string(), count: strangers.len() });
        }
    }
    let mut known: HashMap<&CombinationId, &CombinationVerdict> =
        verdicts.iter().flat_map(|v| &v.combinations).map(|c| (&c.id, c)).collect();
    let mut combinations = Vec::new();
    let mut add = |planned: Planned, verdict: Option<&CombinationVerdict>, told: Option<Told>| {
        combinations.push(Combined { planned, verdict: verdict.cloned(), told: told.unwrap_or_default() });
    };
    for planned in plan.iter().flat_map(|plan| &plan.plan.combinations) {
        add(Planned::of(planned), known.remove(&planned.id), log.told.remove(&planned.id));
    }
    for verdict in verdicts.iter().flat_map(|v| &v.combinations) {
        if known.remove(&verdict.id).is_some() {
            add(Planned::from_id(&verdict.id), Some(verdict), log.told.remove(&verdict.id));
        }
    }
    let mut rest: Vec<CombinationId> = log.told.keys().cloned().collect();
    rest.sort();
    for id in rest {
        let told = log.told.remove(&id);
        add(Planned::from_id(&id), None, told);
    }
    combinations
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1.0", "1.0", false)]
    #[case("1.1", "1.0", true)]
    #[case("1.10", "1.9", true)]
    #[case("2.0", "1.0", false)]
    #[case("nonsense", "1.0", false)]
    fn a_higher_minor_version_is_newer(#[case] found: &str, #[case] read: &str, #[case] newer: bool) {
        assert_eq!(is_newer(found, read), newer);
    }
}
