//! What the tests share: documents of the repository, planned and run in a directory of their own.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    rc::Rc,
};

use indexmap::IndexMap;
use rigtone_judge::verdicts::RunPlan;
use rigtone_model::{
    document::{Device, Fault, Rig, World},
    event::{Body, Event, TrialOutcome},
    load,
    plan::{Expansion, Plan, PlannedScenario, expand},
    quantity::Duration,
    verdict::RunVerdicts,
};
use rigtone_record::RunWriter;
use rigtone_rig::{
    bench::Bench,
    simulated::{self, VirtualClock},
};
use rigtone_runner::{Cancel, Options, Past, run};

pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Documents that were planned.
pub(crate) struct Planned {
    pub(crate) run: RunPlan,
    pub(crate) rig: Rig,
    pub(crate) devices: IndexMap<String, Device>,
}

/// Plans scenarios (files or folders of the repository) on the simulated rig, after `change` of its document.
pub(crate) fn plan(scenarios: &[&str], change: impl FnOnce(&mut Rig)) -> Planned {
    let root = repository();
    let mut paths: Vec<PathBuf> = scenarios.iter().map(|s| root.join(s)).collect();
    paths.extend([root.join("rigs/simulated.yaml"), root.join("devices")]);
    let (files, faults) = load::read(&paths);
    assert!(faults.is_empty(), "{faults:?}");
    let loaded = load::load(files);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let mut rig = loaded.library.rigs["simulated"].value.clone();
    change(&mut rig);
    let beside = |entry: &load::Entry<Device>| {
        let mut device = entry.value.clone();
        device.beside(Path::new(&entry.path).parent().expect("a folder"));
        device
    };
    let devices = loaded.library.devices.iter().map(|(id, entry)| (id.clone(), beside(entry))).collect();
    let planned: Vec<PlannedScenario> = loaded
        .library
        .scenarios
        .values()
        .map(|e| PlannedScenario { document: e.value.clone(), hash: e.hash.clone() })
        .collect();
    let length = |_: &str| Some(Duration::from_s(3));
    let from = Expansion { rig: &rig, devices: &devices, signal_length: &length };
    let combinations = planned.iter().flat_map(|p| expand(p, &from).expect("a plan")).collect();
    let plan = Plan {
        schema: Plan::SCHEMA.to_owned(),
        rig: rig.rig.clone(),
        rig_hash: String::new(),
        retries: rig.retries.infrastructure,
        bench_after: rig.retries.bench_after,
        scenarios: planned,
        combinations,
    };
    Planned { run: RunPlan::new(plan).expect("rules"), rig, devices }
}

/// A planted fault, written as in a rig's document.
pub(crate) fn planted_fault(text: &str) -> Fault {
    let file = load::SourceFile {
        path: "rigs/x.yaml".into(),
        bytes: format!(
            "rig: x\ntitle: x\nworld: simulated\nrooms: {{a: {{}}}}\nrelays: {{board-1: {{channels: 8}}}}\n\
             microphones: {{bench-1: {{room: a}}}}\nunits:\n  u: {{device: a/b, firmware: \"1\", address: \"00:00:00:00:00:01\"}}\n\
             faults:\n  - {{{text}}}\n"
        )
        .into_bytes(),
    };
    let loaded = load::load(vec![file]);
    assert!(loaded.diagnostics.is_empty(), "{text}: {:?}", loaded.diagnostics);
    loaded.library.rigs["x"].value.faults[0].clone()
}

/// A finished run.
pub(crate) struct Done {
    pub(crate) verdicts: RunVerdicts,
    pub(crate) events: Vec<Event>,
    /// Kept until the test ends.
    pub(crate) directory: tempfile::TempDir,
}

impl Done {
    /// The members that trials were lost to, in their order.
    pub(crate) fn lost(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|event| match &event.body {
                Body::TrialFinished { outcome: TrialOutcome::Lost(fault), .. } => Some(fault.member.as_str()),
                _ => None,
            })
            .collect()
    }
}

/// Runs a plan from `seed`; `meddle` sees every event and may ask the run to end.
pub(crate) fn run_with(planned: &Planned, options: &Options, meddle: impl Fn(&Event, &Cancel) + 'static) -> Done {
    let directory = tempfile::tempdir().expect("a directory");
    let writer = RunWriter::create(&directory.path().join("run"), "test").expect("a new run");
    writer.write_plan(&planned.run).expect("a plan");
    go(World::Simulated, planned, directory, writer, options, meddle, |_| {})
}

/// Runs a plan from `seed` undisturbed, on a bench that was changed after it was opened.
pub(crate) fn run_changed(planned: &Planned, seed: u64, change: impl FnOnce(&mut Bench)) -> Done {
    let directory = tempfile::tempdir().expect("a directory");
    let writer = RunWriter::create(&directory.path().join("run"), "test").expect("a new run");
    writer.write_plan(&planned.run).expect("a plan");
    go(World::Simulated, planned, directory, writer, &options(seed), |_, _| {}, change)
}

/// Goes on with the run in `directory`, as a new process would.
pub(crate) fn resume(
    planned: &Planned,
    directory: tempfile::TempDir,
    options: Options,
    meddle: impl Fn(&Event, &Cancel) + 'static,
) -> Done {
    resume_in(World::Simulated, planned, directory, options, meddle)
}

/// Goes on as on a rig of that kind: hardware cannot go back in time.
pub(crate) fn resume_in(
    world: World,
    planned: &Planned,
    directory: tempfile::TempDir,
    options: Options,
    meddle: impl Fn(&Event, &Cancel) + 'static,
) -> Done {
    let mut past = Past::default();
    let (writer, found) =
        RunWriter::resume(&directory.path().join("run"), "test", |event| past.take(event)).expect("a run to resume");
    past.close(found.mended_bytes);
    let seed = past.seed().unwrap_or(options.seed);
    go(world, planned, directory, writer, &Options { past, seed, ..options }, meddle, |_| {})
}

fn go(
    world: World,
    planned: &Planned,
    directory: tempfile::TempDir,
    writer: RunWriter,
    options: &Options,
    meddle: impl Fn(&Event, &Cancel) + 'static,
    change: impl FnOnce(&mut Bench),
) -> Done {
    let clock = VirtualClock::new();
    let mut bench = simulated::open(&planned.rig, &|id| planned.devices.get(id).cloned(), &clock).expect("a rig");
    bench.simulated = world == World::Simulated;
    change(&mut bench);
    let events = Rc::new(RefCell::new(Vec::new()));
    let cancel = Cancel::new();
    let (seen, asks) = (events.clone(), cancel.clone());
    let observer = Box::new(move |event: &Event| {
        seen.borrow_mut().push(event.clone());
        meddle(event, &asks);
    });
    let runtime = clock.runtime().expect("a runtime");
    let work = run(&planned.run.plan, &planned.run.rules, &bench, writer, observer, &cancel, options);
    let verdicts = runtime.block_on(work).expect("a record that can be written");
    Done { verdicts, events: events.take(), directory }
}

pub(crate) fn options(seed: u64) -> Options {
    Options { seed, version: "test".to_owned(), unix_s: 0, max_time: None, ..Options::default() }
}

/// Runs a plan from `seed` undisturbed.
pub(crate) fn run_from(planned: &Planned, seed: u64) -> Done {
    run_with(planned, &options(seed), |_, _| {})
}
