//! Reading what a run came to.

use std::{
    collections::HashMap,
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use rigtone_model::{id::CombinationId, plan::Combination, verdict::CombinationVerdict};
use rigtone_record::{
    ENVIRONMENT, EVENTS, PLAN, ReadError, RecordError, VERDICTS, keep_quiet, merged_of, read_environment, read_plan,
    read_verdicts,
};
use rigtone_report::exit::{self, InconclusivePolicy};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{Kind, error::TakeError, log::Log};

/// The version of Rigtone that a run does not tell.
const UNKNOWN_VERSION: &str = "unknown";

/// What the index keeps of a run.
pub(crate) struct Taken {
    /// The run's id.
    pub(crate) id: String,
    pub(crate) rig: String,
    pub(crate) kind: Kind,
    /// When it began, in seconds since 1970.
    pub(crate) unix_s: i64,
    /// The version of Rigtone.
    pub(crate) rigtone: String,
    pub(crate) interrupted: Option<String>,
    pub(crate) exit_code: u8,
    /// The ids of the runs that it was merged of.
    pub(crate) parts: Vec<String>,
    /// Id and document of each scenario.
    pub(crate) scenarios: Vec<(String, Box<RawValue>)>,
    pub(crate) combinations: Vec<(Combination, CombinationVerdict)>,
}

/// The part of `plan.json` that matters here: rules of tests are passed over.
#[derive(Deserialize)]
struct Asked {
    plan: Plan,
}

#[derive(Deserialize)]
struct Plan {
    rig: String,
    scenarios: Vec<Planned>,
    combinations: Vec<Combination>,
}

#[derive(Deserialize)]
struct Planned {
    document: Box<RawValue>,
}

#[derive(Deserialize)]
struct Named {
    scenario: String,
}

/// What tells that the files of a run are those that were read before: size, times and number of each on its disk.
pub(crate) fn state(directory: &Path) -> Result<String, TakeError> {
    let one = |name: &str| match fs::metadata(directory.join(name)) {
        Ok(data) => Ok(Some(identity(&data))),
        Err(os) if os.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(os) => Err(TakeError::Io(os)),
    };
    let plan = one(PLAN)?.ok_or(TakeError::NoPlan)?;
    let verdicts = one(VERDICTS)?.ok_or_else(|| unjudged(directory))?;
    let [environment, events] = [one(ENVIRONMENT)?, one(EVENTS)?].map(|there| there.unwrap_or_else(|| "-".to_owned()));
    Ok(format!("{plan} {verdicts} {environment} {events}"))
}

/// Why a run has no verdicts: it goes on, it did not come to its end, or only they are missing.
fn unjudged(directory: &Path) -> TakeError {
    match keep_quiet(directory) {
        Err(RecordError::InUse { .. }) => TakeError::BeingWritten,
        // As long as it is there nobody writes.
        _quiet => match Log::of(directory).is_done() {
            true => TakeError::NoVerdicts,
            false => TakeError::NotJudged,
        },
    }
}

fn identity(data: &Metadata) -> String {
    // The time of the last change of the inode tells a file that was written anew within one tick, or copied with its old time.
    let (size, inode) = (data.len(), data.ino());
    format!("{size}:{}.{}:{}.{}:{inode}", data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec())
}

/// Reads a run.
pub(crate) fn take(directory: &Path) -> Result<Taken, TakeError> {
    // Whoever writes it will have other verdicts in a moment. A disk without locks has no writer that would tell.
    let _quiet = match keep_quiet(directory) {
        Err(RecordError::InUse { .. }) => return Err(TakeError::BeingWritten),
        other => other.ok(),
    };
    let verdicts = read_verdicts(directory).map_err(|error| match &error {
        ReadError::Io { os, .. } if os.kind() == io::ErrorKind::NotFound => TakeError::NotJudged,
        _ => TakeError::Read(error),
    })?;
    let Asked { plan } = read_plan(directory)?;
    // A run from which the environment was not copied still says much: it is of an unknown kind.
    let environment = read_environment(directory).ok();
    let policy = match environment.as_ref().and_then(|told| told["run"]["inconclusive"].as_str()) {
        Some("pass") => InconclusivePolicy::AsPass,
        Some("fail") => InconclusivePolicy::AsFailure,
        _ => InconclusivePolicy::AsError,
    };
    let (exit_code, _) = exit::of(&verdicts, policy);
    let scenarios = plan.scenarios.into_iter().map(|planned| named(directory, planned)).collect::<Result<_, _>>()?;
    let kind = Kind::of(environment.as_ref(), &plan.combinations);
    let environment = environment.unwrap_or_default();
    // A log may be long: it is gone through only when nothing else is in the way of the run.
    let log = Log::of(directory);
    if let Some(why) = log.mismatch(&verdicts) {
        return Err(TakeError::Strange(why));
    }
    let (unix_s, rigtone) = beginning(&environment, log).ok_or(TakeError::NoTime)?;
    let parts = merged_of(&environment);
    Ok(Taken {
        id: verdicts.run,
        rig: plan.rig,
        kind,
        unix_s,
        rigtone,
        interrupted: verdicts.interrupted,
        exit_code: exit_code.number(),
        parts,
        scenarios,
        combinations: matched(plan.combinations, verdicts.combinations)?,
    })
}

fn named(directory: &Path, planned: Planned) -> Result<(String, Box<RawValue>), TakeError> {
    let Named { scenario } = serde_json::from_str(planned.document.get())
        .map_err(|cause| ReadError::Json { path: directory.join(PLAN), cause })?;
    Ok((scenario, planned.document))
}

/// When the run began and with which version: as its environment says, else as the first event of its log does.
fn beginning(environment: &Value, log: Log) -> Option<(i64, String)> {
    let version = environment["rigtone"].as_str().unwrap_or(UNKNOWN_VERSION);
    let stated = environment["run"]["unix_s"].as_i64();
    stated.map(|unix_s| (unix_s, version.to_owned())).or(log.began)
}

/// Each combination of the plan with its verdict.
fn matched(
    planned: Vec<Combination>,
    judged: Vec<CombinationVerdict>,
) -> Result<Vec<(Combination, CombinationVerdict)>, TakeError> {
    let apart = |id: &CombinationId| TakeError::Apart { combination: id.as_str().to_owned() };
    let mut planned: HashMap<CombinationId, Combination> = planned.into_iter().map(|c| (c.id.clone(), c)).collect();
    let pairs = judged
        .into_iter()
        .map(|verdict| Ok((planned.remove(&verdict.id).ok_or_else(|| apart(&verdict.id))?, verdict)))
        .collect::<Result<Vec<_>, TakeError>>()?;
    match planned.keys().min() {
        Some(id) => Err(apart(id)),
        None => Ok(pairs),
    }
}
