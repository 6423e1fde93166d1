//! `rigtone merge`

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
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
        page::Look,
        report::{self, Material, read_trouble},
        run::{now, place_trouble, record_trouble, run_id, show, write_results},
    },
    printer,
    trouble::Trouble,
};

const SECOND_NS: i64 = 1_000_000_000;

/// How to merge.
pub(crate) struct How {
    pub(crate) inconclusive: Option<Inconclusive>,
    pub(crate) look: Look,
    pub(crate) json: bool,
}

/// A run that becomes part of the whole.
struct Part {
    directory: PathBuf,
    plan: RunPlan,
    /// When its clock began, in seconds since 1970; nothing where its log does not tell.
    began: Option<i64>,
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
        let (mut began, mut resumed, mut said) = (None, None, BTreeSet::new());
        let log = read_log(run, |event| {
            match (&event.body, &event.at) {
                (Body::RunStarted { unix_s, .. }, _) => {
                    began.get_or_insert(unix_s.saturating_sub(event.t_ns / SECOND_NS));
                }
                (Body::RunResumed { .. }, _) => resumed = Some(event.seq),
                (Body::LeftOpen { .. }, Some(at)) => _ = said.insert(at.combination.clone()),
                _ => {}
            }
            replay.take(event);
            Ok(())
        })?;
        log.warn();
        if let Some(combination) = replay.stranger() {
            return Err(foreign(run, combination));
        }
        let left_open = replay.left_open();
        Ok(Self { directory: run.to_owned(), plan, began, resumed, left_open, said, _quiet: quiet })
    }

    /// How much later than the whole it began, in nanoseconds.
    fn later_ns(&self, whole: i64) -> i64 {
        self.began.map_or(0, |began| began.saturating_sub(whole).saturating_mul(SECOND_NS))
    }
}

/// When something of a merged run happened.
#[derive(Clone, Copy)]
struct Times {
    /// The first of its parts began, in seconds since 1970.
    began: i64,
    /// They were joined.
    merged: i64,
}

/// What to do about a merge that broke off.
const MERGE_AGAIN: &str = "nothing is left of it: free some space, and merge again";
/// How the ids of merged runs begin.
pub(crate) const MERGED: &str = "merged-";

/// Joins runs into one: their combinations, events and evidence.
pub(crate) fn merge(runs: &[PathBuf], out: &Path, how: &How) -> Result<Code, Trouble> {
    let look = how.look.read()?;
    let mut parts = runs.iter().map(|run| Part::read(run)).collect::<Result<Vec<_>, _>>()?;
    let plan = whole(&parts)?;
    apart(&parts, out)?;
    for missing in missing(&parts) {
        printer::note(&format!("warning: the part {missing} is not among them"));
    }
    // The log tells what happened in its order, whichever part was named first.
    parts.sort_by_key(|part| part.began);
    let merged = now();
    let times = Times { began: parts.iter().filter_map(|part| part.began).min().unwrap_or(merged), merged };
    let id = format!("{MERGED}{}", run_id(merged, &plan.plan.rig));
    let inconclusive = how.inconclusive.unwrap_or_default();
    let writer = RunWriter::create(out, &id).map_err(|e| place_trouble(&e))?;
    let replay = join(&parts, &plan, writer, times, inconclusive, out).inspect_err(|_| {
        // The directory was new or empty. The trouble that is told is the first one.
        let _ = fs::remove_dir_all(out);
    })?;
    let mut verdicts = replay.verdicts(&id);
    plan.put_in_quarantine(&mut verdicts);
    let material = Material {
        started_unix_s: times.began,
        here: false,
        look: &look,
        ..report::material(&verdicts, &plan.plan, inconclusive, out, None)
    };
    let written = write_results(&material, &[])?;
    show(&material, how.json, &written)
}

/// Writes the whole: its parts' events one after the other, their evidence, and the plan. The clock of the whole is that of the part that began
/// first: what the others tell is as much later as they began.
fn join<'a>(
    parts: &[Part],
    plan: &'a RunPlan,
    mut writer: RunWriter,
    times: Times,
    inconclusive: Inconclusive,
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
        unix_s: times.began,
        trials_at_most: runnable.map(trials).sum(),
    };
    write(0, None, started)?;
    let mut interrupted = None;
    let mut end_ns = 0;
    for part in parts {
        let later_ns = part.later_ns(times.began);
        let mut last_ns = later_ns;
        read_log(&part.directory, |event| {
            let Event { seq, t_ns, at, mut body } = event;
            let t_ns = t_ns.saturating_add(later_ns);
            body.shift(later_ns);
            last_ns = t_ns.max(last_ns);
            match &body {
                // What became of the part as a whole is said of each of its combinations below.
                Body::RunStarted { .. } | Body::RunResumed { .. } | Body::RunFinished { .. } => Ok(()),
                Body::GivenUp { .. } if part.resumed.is_some_and(|resumed| seq < resumed) => Ok(()),
                _ => write(t_ns, at, body),
            }
        })?;
        end_ns = last_ns.max(end_ns);
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
    write(end_ns, None, Body::RunFinished { interrupted: interrupted.map(|(why, _)| why), out_of_time })?;
    for part in parts {
        copy(&part.directory.join(EVIDENCE), &out.join(EVIDENCE))?;
    }
    let environment = environment(parts, writer.run(), times, inconclusive)?;
    writer.write_environment(&environment).map_err(|e| half_merged(&e))?;
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

/// What there is to say of the whole: when it began and was merged, and of which parts.
fn environment(
    parts: &[Part],
    run: &str,
    times: Times,
    inconclusive: Inconclusive,
) -> Result<serde_json::Value, Trouble> {
    let of = |part: &Part| {
        let environment = read_environment(&part.directory).map_err(|e| read_trouble(&e))?;
        Ok(serde_json::json!({"directory": part.directory, "environment": environment}))
    };
    let parts = parts.iter().map(of).collect::<Result<Vec<_>, Trouble>>()?;
    Ok(serde_json::json!({
        "schema": "1.0",
        "rigtone": env!("CARGO_PKG_VERSION"),
        "run": {"run": run, "unix_s": times.began, "inconclusive": inconclusive},
        "merged_unix_s": times.merged,
        "merged": parts,
    }))
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
