//! `rigtone merge`

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use rigtone_judge::verdicts::{Replay, RunPlan};
use rigtone_model::{event::Event, id::CombinationId, plan::Plan};
use rigtone_record::{EVIDENCE, RunWriter, read_environment, read_events, read_plan};
use rigtone_report::exit::Code;

use crate::{
    args::Inconclusive,
    commands::{
        report::read_trouble,
        run::{record_trouble, run_id, show, write_results},
    },
    printer,
    trouble::Trouble,
};

/// A run that becomes part of the whole.
struct Part {
    directory: PathBuf,
    plan: RunPlan,
}

/// Joins runs into one: their combinations, events and evidence.
pub(crate) fn merge(runs: &[PathBuf], out: &Path, inconclusive: Inconclusive, json: bool) -> Result<Code, Trouble> {
    let parts = runs
        .iter()
        .map(|run| {
            let plan = read_plan(run).map_err(|e| read_trouble(&e))?;
            Ok(Part { directory: run.clone(), plan })
        })
        .collect::<Result<Vec<Part>, Trouble>>()?;
    let plan = whole(&parts)?;
    let unix_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    let mut writer = RunWriter::create(out, &format!("merged-{}", run_id(unix_s, &plan.plan.rig)))
        .map_err(|e| record_trouble(&e))?;
    writer.write_environment(&environment(&parts)?).map_err(|e| record_trouble(&e))?;
    writer.write_plan(&plan).map_err(|e| record_trouble(&e))?;
    let mut replay = Replay::new(&plan.plan, &plan.rules);
    let mut seq = 0;
    for part in &parts {
        let mut events = read_events(&part.directory).map_err(|e| read_trouble(&e))?;
        while let Some(event) = events.next() {
            let event = match event {
                Ok(event) => Event { seq, ..event },
                Err(error) if error.is_damage() && events.next().is_none() => {
                    printer::note(&format!("warning: {error}"));
                    break;
                }
                Err(error) => return Err(read_trouble(&error)),
            };
            writer.append(&event).map_err(|e| record_trouble(&e))?;
            replay.take(&event);
            seq += 1;
        }
        copy(&part.directory.join(EVIDENCE), &out.join(EVIDENCE))?;
    }
    writer.sync().map_err(|e| record_trouble(&e))?;
    let verdicts = replay.verdicts(writer.run());
    write_results(&plan, &verdicts, out, unix_s, inconclusive)?;
    show(&plan, &verdicts, out, inconclusive, json)
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
    RunPlan::new(plan).map_err(Trouble::usage)
}

fn environment(parts: &[Part]) -> Result<serde_json::Value, Trouble> {
    let of = |part: &Part| {
        let environment = read_environment(&part.directory).map_err(|e| read_trouble(&e))?;
        Ok(serde_json::json!({"directory": part.directory, "environment": environment}))
    };
    let parts = parts.iter().map(of).collect::<Result<Vec<_>, Trouble>>()?;
    Ok(serde_json::json!({"schema": "1.0", "rigtone": env!("CARGO_PKG_VERSION"), "merged": parts}))
}

/// Copies a folder; files are linked where the disk can.
fn copy(from: &Path, to: &Path) -> Result<(), Trouble> {
    let failed = |path: &Path, os: &std::io::Error| {
        Trouble::new(Code::Infrastructure, format!("copy the evidence `{}`: {os}", path.display()))
            .hint("free some space, remove the half merged run, and merge again")
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
