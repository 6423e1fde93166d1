//! `rigtone merge`

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use rigtone_judge::verdicts::{Ending, Replay, RunPlan};
use rigtone_model::{
    event::{At, Body, Event},
    id::CombinationId,
    plan::{Combination, Partition, Plan},
};
use rigtone_record::{EVIDENCE, Quiet, RunWriter, keep_quiet, read_environment, read_plan};
use rigtone_report::exit::Code;

use crate::{
    args::Inconclusive,
    commands::{
        judge::foreign,
        log::read_log,
        report::{self, Material, read_trouble},
        run::{place_trouble, record_trouble, run_id, show, write_results},
    },
    printer,
    trouble::Trouble,
};

/// A run that becomes part of the whole.
struct Part {
    directory: PathBuf,
    plan: RunPlan,
    /// The last time that it went on: what was given up before was looked at anew.
    resumed: Option<u64>,
    /// What ended it before its plan was done, and what it left open.
    left_open: Option<(String, Ending, Vec<CombinationId>)>,
    /// Of which of those that was said already: it is a merged run itself.
    said: BTreeSet<CombinationId>,
    /// Nobody writes it meanwhile.
    _quiet: Quiet,
}

impl Part {
    /// Reads a run from end to end: what cannot be read is found before anything is written.
    fn read(run: &Path) -> Result<Self, Trouble> {
        let plan: RunPlan = read_plan(run).map_err(|e| read_trouble(&e))?;
        let quiet = keep_quiet(run).map_err(|e| record_trouble(&e))?;
        let mut replay = Replay::new(&plan.plan, &plan.rules);
        let (mut resumed, mut said) = (None, BTreeSet::new());
        let log = read_log(run, |event| {
            if matches!(event.body, Body::RunResumed { .. }) {
                resumed = Some(event.seq);
            }
            if let (Body::LeftOpen { .. }, Some(at)) = (&event.body, &event.at) {
                said.insert(at.combination.clone());
            }
            replay.take(event);
            Ok(())
        })?;
        log.warn();
        if let Some(combination) = replay.stranger() {
            return Err(foreign(run, combination));
        }
        let left_open = replay.left_open();
        Ok(Self { directory: run.to_owned(), plan, resumed, left_open, said, _quiet: quiet })
    }
}

/// What to do about a merge that broke off.
const MERGE_AGAIN: &str = "nothing is left of it: free some space, and merge again";
/// How the ids of merged runs begin.
pub(crate) const MERGED: &str = "merged-";

/// Joins runs into one: their combinations, events and evidence.
pub(crate) fn merge(
    runs: &[PathBuf],
    out: &Path,
    inconclusive: Option<Inconclusive>,
    json: bool,
) -> Result<Code, Trouble> {
    let parts = runs.iter().map(|run| Part::read(run)).collect::<Result<Vec<_>, _>>()?;
    let plan = whole(&parts)?;
    apart(&parts, out)?;
    for missing in missing(&parts) {
        printer::note(&format!("warning: the part {missing} is not among them"));
    }
    let unix_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    let id = format!("{MERGED}{}", run_id(unix_s, &plan.plan.rig));
    let writer = RunWriter::create(out, &id).map_err(|e| place_trouble(&e))?;
    let replay = join(&parts, &plan, writer, unix_s, out).inspect_err(|_| {
        // The directory was new or empty. The trouble that is told is the first one.
        let _ = fs::remove_dir_all(out);
    })?;
    let mut verdicts = replay.verdicts(&id);
    plan.put_in_quarantine(&mut verdicts);
    let material = Material {
        started_unix_s: unix_s,
        here: false,
        ..report::material(&verdicts, &plan.plan, inconclusive.unwrap_or_default(), out, None)
    };
    let written = write_results(&material, &[])?;
    show(&material, json, &written)
}

/// Writes the whole: its parts' events one after the other, their evidence, and the plan.
fn join<'a>(
    parts: &[Part],
    plan: &'a RunPlan,
    mut writer: RunWriter,
    unix_s: i64,
    out: &Path,
) -> Result<Replay<'a>, Trouble> {
    let mut replay = Replay::new(&plan.plan, &plan.rules);
    let mut seq = 0;
    let mut write = |t_ns, at, body| {
        let event = Event { seq, t_ns, at, body };
        seq += 1;
        writer.append(&event).map_err(|e| half_merged(&e))?;
        replay.take(event);
        Ok(())
    };
    let trials = |c: &Combination| plan.plan.scenario(&c.scenario).map_or(0, |s| u64::from(s.repeat.at_most));
    let runnable = plan.plan.combinations.iter().filter(|c| c.skipped.is_none());
    let started = Body::RunStarted {
        rigtone: env!("CARGO_PKG_VERSION").to_owned(),
        rig: plan.plan.rig.clone(),
        seed: 0,
        unix_s,
        trials_at_most: runnable.map(trials).sum(),
    };
    write(0, None, started)?;
    let mut interrupted = None;
    for part in parts {
        let mut last_ns = 0;
        read_log(&part.directory, |event| {
            last_ns = event.t_ns.max(last_ns);
            match &event.body {
                // What became of the part as a whole is said of each of its combinations below.
                Body::RunStarted { .. } | Body::RunResumed { .. } | Body::RunFinished { .. } => Ok(()),
                Body::GivenUp { .. } if part.resumed.is_some_and(|resumed| event.seq < resumed) => Ok(()),
                _ => write(event.t_ns, event.at, event.body),
            }
        })?;
        if let Some((why, ending, open)) = &part.left_open {
            let out_of_time = *ending == Ending::OutOfTime;
            for combination in open.iter().filter(|id| !part.said.contains(id)) {
                let at = At { combination: combination.clone(), trial: 0, attempt: 0, step: None };
                write(last_ns, Some(at), Body::LeftOpen { why: why.clone(), out_of_time })?;
            }
            if !open.is_empty() {
                // An interruption weighs more than the end of the time.
                let so_far = interrupted.take();
                interrupted = so_far.filter(|(_, late)| !late || out_of_time).or(Some((why.clone(), out_of_time)));
            }
        }
    }
    let out_of_time = interrupted.as_ref().is_some_and(|(_, late)| *late);
    write(0, None, Body::RunFinished { interrupted: interrupted.map(|(why, _)| why), out_of_time })?;
    for part in parts {
        copy(&part.directory.join(EVIDENCE), &out.join(EVIDENCE))?;
    }
    writer.write_environment(&environment(parts)?).map_err(|e| half_merged(&e))?;
    writer.sync().map_err(|e| half_merged(&e))?;
    // The plan comes last: without it this is no run.
    writer.write_plan(plan).map_err(|e| half_merged(&e))?;
    Ok(replay)
}

/// The parts of the plan that are missing, where each run says which part it is.
fn missing(parts: &[Part]) -> Vec<Partition> {
    let of = |part: &Part| -> Option<Partition> {
        read_environment(&part.directory).ok()?["run"]["partition"].as_str()?.parse().ok()
    };
    parts.iter().map(of).collect::<Option<Vec<_>>>().map(|there| Partition::missing(&there)).unwrap_or_default()
}

/// A folder below a part would be copied into itself.
fn apart(parts: &[Part], out: &Path) -> Result<(), Trouble> {
    let real = |path: &Path| {
        let there = path.ancestors().find(|p| p.exists() && !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::canonicalize(there).unwrap_or_default()
    };
    let within = parts.iter().find(|part| real(out).starts_with(real(&part.directory)));
    within.map_or(Ok(()), |part| {
        let (out, part) = (out.display(), part.directory.display());
        Err(Trouble::usage(format!("{out} lies in {part}, which is to be merged")).hint("choose a directory beside it"))
    })
}

/// The plan of the whole: its parts must belong together and must not overlap.
fn whole(parts: &[Part]) -> Result<RunPlan, Trouble> {
    let Some((first, others)) = parts.split_first() else { return Err(Trouble::usage("no run was given")) };
    let mut plan = first.plan.plan.clone();
    let mut owners: BTreeMap<CombinationId, &Path> = BTreeMap::new();
    let differ = |part: &Part, what: &str| {
        let (one, other) = (first.directory.display(), part.directory.display());
        Trouble::usage(format!("{one} and {other} do not belong together: they differ in {what}"))
            .hint("merge runs of one plan on one rig, such as those of `--partition`; compare others")
    };
    for part in parts {
        for combination in &part.plan.plan.combinations {
            if let Some(owner) = owners.insert(combination.id.clone(), &part.directory) {
                let (id, one, other) = (&combination.id, owner.display(), part.directory.display());
                return Err(Trouble::usage(format!("`{id}` was run in {one} and in {other}"))
                    .hint("a combination has one record: leave one of the runs out"));
            }
        }
    }
    for part in others {
        let theirs = &part.plan.plan;
        let settings = |p: &Plan| (p.rig.clone(), p.rig_hash.clone(), p.retries, p.bench_after);
        if settings(theirs) != settings(&plan) {
            return Err(differ(part, "the rig's document"));
        }
        for scenario in &theirs.scenarios {
            match plan.scenarios.iter().find(|s| s.document.scenario == scenario.document.scenario) {
                Some(known) if known.hash != scenario.hash => {
                    return Err(differ(part, &format!("the scenario `{}`", scenario.document.scenario)));
                }
                Some(_) => {}
                None => plan.scenarios.push(scenario.clone()),
            }
        }
        plan.combinations.extend(theirs.combinations.iter().cloned());
    }
    // The order of the parts must not matter.
    plan.scenarios.sort_by(|a, b| a.document.scenario.cmp(&b.document.scenario));
    plan.combinations.sort_by(|a, b| (&a.scenario, &a.id).cmp(&(&b.scenario, &b.id)));
    let quarantine = &first.plan.quarantine;
    if let Some(other) = parts.iter().find(|part| part.plan.quarantine != *quarantine) {
        let (first, other) = (first.directory.display(), other.directory.display());
        return Err(Trouble::usage(format!("{first} and {other} have not the same quarantine")).hint(
            "run the parts of a plan with one `--quarantine`; `rigtone judge --quarantine` judges a run with another",
        ));
    }
    Ok(RunPlan { quarantine: quarantine.clone(), ..RunPlan::new(plan).map_err(Trouble::usage)? })
}

fn environment(parts: &[Part]) -> Result<serde_json::Value, Trouble> {
    let of = |part: &Part| {
        let environment = read_environment(&part.directory).map_err(|e| read_trouble(&e))?;
        Ok(serde_json::json!({"directory": part.directory, "environment": environment}))
    };
    let parts = parts.iter().map(of).collect::<Result<Vec<_>, Trouble>>()?;
    Ok(serde_json::json!({"schema": "1.0", "rigtone": env!("CARGO_PKG_VERSION"), "merged": parts}))
}

/// What came of a merge that broke off.
fn half_merged(error: &rigtone_record::RecordError) -> Trouble {
    record_trouble(error).hint(MERGE_AGAIN)
}

/// Copies a folder; files are linked where the disk can.
fn copy(from: &Path, to: &Path) -> Result<(), Trouble> {
    let failed = |path: &Path, os: &std::io::Error| {
        Trouble::new(Code::Infrastructure, format!("copy the evidence `{}`: {os}", path.display())).hint(MERGE_AGAIN)
    };
    if !from.exists() {
        return Ok(());
    }
    fs::create_dir_all(to).map_err(|os| failed(to, &os))?;
    for entry in fs::read_dir(from).map_err(|os| failed(from, &os))? {
        let entry = entry.map_err(|os| failed(from, &os))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().map_err(|os| failed(&path, &os))?.is_dir() {
            copy(&path, &target)?;
        } else if fs::hard_link(&path, &target).is_err() {
            fs::copy(&path, &target).map_err(|os| failed(&path, &os))?;
        }
    }
    Ok(())
}
