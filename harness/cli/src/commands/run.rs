//! `rigtone run`

use std::{
    cell::{Cell, RefCell},
    path::{Path, PathBuf},
    rc::Rc,
    time::{SystemTime, UNIX_EPOCH},
};

use rigtone_judge::verdicts::{Replay, RunPlan};
use rigtone_model::{
    document::Rig,
    event::{Body, Event},
    plan::Plan,
    quantity::Duration,
    verdict::RunVerdicts,
};
use rigtone_record::{ResumeError, RunWriter, read_environment, read_plan};
use rigtone_report::{exit, exit::Code, progress::Progress, sanitise};
use rigtone_rig::{bench::Bench, hardware::Selection};
use rigtone_runner::{Cancel, Forecast, Interruption, Keep, Observer, Options, Past, Retention};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    args::{Inconclusive, KeepEvidence, What},
    commands::{
        judge::{Earlier, foreign},
        page::Look,
        report::{self, Format, Material, policy, read_trouble},
    },
    display::Display,
    documents::{self, Origin},
    open::{self, Opened},
    printer,
    trouble::Trouble,
};

/// The time that outputs have to reach their safe state when a run is given up.
const SAFE_NS: i64 = 5_000_000_000;

/// How to run.
pub(crate) struct How {
    pub(crate) out: Option<PathBuf>,
    pub(crate) seed: u64,
    pub(crate) max_time: Option<Duration>,
    pub(crate) stop_within: Duration,
    pub(crate) keep_evidence: Option<KeepEvidence>,
    pub(crate) evidence_budget: Option<u64>,
    pub(crate) inconclusive: Option<Inconclusive>,
    pub(crate) baseline: Option<PathBuf>,
    pub(crate) quarantine: Option<PathBuf>,
    pub(crate) reports: Vec<Format>,
    pub(crate) look: Look,
    pub(crate) json: bool,
}

/// What is read before the first trial, though it is needed after the last one: what is wrong with it must not cost a night.
struct Ahead {
    earlier: Option<Earlier>,
    look: rigtone_html::Look,
}

impl Ahead {
    fn read(how: &How) -> Result<Self, Trouble> {
        Ok(Self { earlier: how.baseline.as_deref().map(Earlier::read).transpose()?, look: how.look.read()? })
    }
}

/// What a run that goes on has to know of its beginning, beside its plan.
#[derive(Serialize, Deserialize)]
struct Beginning {
    run: String,
    unix_s: i64,
    documents: Origin,
    keep_evidence: KeepEvidence,
    evidence_budget: Option<u64>,
    /// The part of the combinations that it has, such as `hash:1/4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partition: Option<String>,
    /// What an inconclusive verdict means in every report of the run.
    #[serde(default)]
    inconclusive: Inconclusive,
}

impl Beginning {
    fn retention(&self, how: &How) -> Retention {
        let keep = match how.keep_evidence.unwrap_or(self.keep_evidence) {
            KeepEvidence::All => Keep::All,
            KeepEvidence::Failures => Keep::Failures,
            KeepEvidence::None => Keep::None,
        };
        Retention { keep, budget: how.evidence_budget.or(self.evidence_budget) }
    }
}

pub(crate) fn run(what: &What, how: &How) -> Result<Code, Trouble> {
    let mut planned = documents::plan(what)?;
    if let Some(file) = &how.quarantine {
        documents::quarantine(file, &mut planned.run)?;
    }
    let ahead = Ahead::read(how)?;
    let forecast = Forecast::of(&planned.run);
    // A part that happens to be empty is a run with nothing in it: its parts are merged in the morning.
    let is_empty_part = what.partition.is_some() && planned.run.plan.combinations.is_empty();
    if forecast.combinations == 0 && !is_empty_part {
        let mut reasons: Vec<&str> =
            planned.run.plan.combinations.iter().filter_map(|c| c.skipped.as_deref()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        let (why, hint) = match reasons.is_empty() {
            true => ("no combination was selected".to_owned(), "`rigtone plan` shows what there is to select from"),
            false => (reasons.join("; "), "`rigtone plan` shows what keeps each combination from running"),
        };
        let what = format!("there is nothing to do on the rig `{}`: {why}", planned.rig.rig);
        return Err(Trouble::new(Code::Nothing, what).hint(hint));
    }
    let unix_s = now();
    let run_id = run_id(unix_s, &planned.rig.rig);
    let directory = how.out.clone().unwrap_or_else(|| Path::new("runs").join(&run_id));
    let mut beginning = Beginning {
        run: run_id.clone(),
        unix_s,
        documents: planned.origin,
        keep_evidence: how.keep_evidence.unwrap_or(KeepEvidence::All),
        evidence_budget: how.evidence_budget,
        partition: what.partition.map(|part| part.to_string()),
        inconclusive: how.inconclusive.unwrap_or_default(),
    };
    let retention = beginning.retention(how);
    // Everything that can fail before a relay moves fails here, and leaves no half run behind.
    if retention.keep == Keep::All {
        enough_space(&directory, forecast.evidence_bytes.min(retention.budget.unwrap_or(u64::MAX)))?;
    }
    let mut opened = open::open(&planned.rig, &planned.devices, &needed(&planned.run.plan))?;
    hold(&mut opened, &planned.rig, planned.calibration.as_ref());
    // The first event tells it beside the rig's clock: what opening took is no part of it.
    beginning.unix_s = now();
    let writer = RunWriter::create(&directory, &run_id).map_err(|e| place_trouble(&e))?;
    writer
        .write_environment(&environment(&opened, how.seed, &beginning, planned.calibration.as_ref()))
        .map_err(|e| record_trouble(&e))?;
    // The plan comes last: where it is, everything is that a run needs to go on.
    writer.write_plan(&planned.run).map_err(|e| record_trouble(&e))?;
    let options = Options {
        seed: how.seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        unix_s: beginning.unix_s,
        max_time: how.max_time,
        retention,
        past: Past::default(),
    };
    let progress = Progress::new(&planned.run.plan);
    let (verdicts, left) = drive(&planned.run, &opened, writer, progress, &options, how.stop_within)?;
    let code = finish(&planned.run, verdicts, &directory, beginning.unix_s, how, ahead)?;
    Ok(with_outputs(code, left))
}

/// Goes on with a run that was interrupted.
pub(crate) fn resume(what: &What, directory: &Path, how: &How) -> Result<Code, Trouble> {
    let begin_anew = "begin a new run: this one had not got far enough to go on with";
    let ahead = Ahead::read(how)?;
    let plan: RunPlan = read_plan(directory).map_err(|e| read_trouble(&e))?;
    let environment = read_environment(directory).map_err(|e| {
        let restore =
            "without environment.json nobody knows how the run began: restore it from a copy, or begin a new run";
        Trouble::usage(e).hint(restore)
    })?;
    if environment.get("merged").is_some() {
        return Err(Trouble::usage(format!("{} was merged from other runs", directory.display()))
            .hint("go on with those of its parts that were interrupted, and merge again"));
    }
    let beginning: Beginning = serde_json::from_value(environment["run"].clone()).map_err(|e| {
        let file = directory.join("environment.json");
        Trouble::usage(format!("{} does not tell how the run began: {e}", file.display())).hint(begin_anew)
    })?;
    let mut past = Past::default();
    let mut progress = Progress::new(&plan.plan);
    let mut replay = Replay::new(&plan.plan, &plan.rules);
    let mut ended = false;
    let resumed = RunWriter::resume(directory, &beginning.run, |event| {
        past.take(event);
        progress.take(event);
        replay.take(event.clone());
        match &event.body {
            Body::RunFinished { interrupted, .. } => ended = interrupted.is_none(),
            Body::RunResumed { .. } => ended = false,
            _ => {}
        }
    });
    let (writer, found) = resumed.map_err(|error| match &error {
        ResumeError::Read(error) => read_trouble(error),
        ResumeError::Record(error) => record_trouble(error),
    })?;
    if let Some(combination) = replay.stranger() {
        return Err(foreign(directory, combination));
    }
    if found.next > 0 && writer.run() != beginning.run {
        let (log, environment) = (writer.run(), &beginning.run);
        return Err(Trouble::usage(format!("the log is of run `{log}`, environment.json of run `{environment}`"))
            .hint("restore both from a copy of one run"));
    }
    past.close(found.mended_bytes);
    if found.mended_bytes > 0 {
        let (bytes, place) = (found.mended_bytes, directory.display());
        printer::note(&format!("warning: the last record of {place} was damaged; its {bytes} bytes were put aside"));
    }
    if ended {
        // Only the words were missing, if anything was.
        let verdicts = replay.verdicts(writer.run());
        drop(writer);
        return finish(&plan, verdicts, directory, beginning.unix_s, how, ahead);
    }
    drop(replay);
    let (rig, devices, calibration) = documents::of_run(what, &plan.plan, &beginning.documents)?;
    let mut opened = open::open(&rig, &devices, &needed(&plan.plan))?;
    hold(&mut opened, &rig, calibration.as_ref());
    let options = Options {
        seed: past.seed().or_else(|| environment["seed"].as_u64()).unwrap_or(how.seed),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        unix_s: now(),
        max_time: how.max_time,
        retention: beginning.retention(how),
        past,
    };
    let (verdicts, left) = drive(&plan, &opened, writer, progress, &options, how.stop_within)?;
    let code = finish(&plan, verdicts, directory, beginning.unix_s, how, ahead)?;
    Ok(with_outputs(code, left))
}

/// A lab that is left with an output on has not passed, whatever its devices did.
fn with_outputs(code: Code, left: u32) -> Code {
    match code {
        Code::Passed | Code::Inconclusive if left > 0 => {
            printer::note(&format!("exit code 12: outputs that are not in their safe state: {left}"));
            Code::Infrastructure
        }
        code => code,
    }
}

/// This second since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}

/// Writes the verdicts and the report, and shows them.
fn finish(
    plan: &RunPlan,
    mut verdicts: RunVerdicts,
    directory: &Path,
    started_unix_s: i64,
    how: &How,
    Ahead { earlier, look }: Ahead,
) -> Result<Code, Trouble> {
    plan.put_in_quarantine(&mut verdicts);
    let baseline = earlier.map(|earlier| earlier.beside(&verdicts));
    let inconclusive = report::counted_as(directory, how.inconclusive).inconclusive;
    let material = Material {
        started_unix_s,
        here: false,
        look: &look,
        ..report::material(&verdicts, &plan.plan, inconclusive, directory, baseline.as_ref())
    };
    let written = write_results(&material, &how.reports)?;
    show(&material, how.json, &written)
}

/// Writes `verdicts.json`, `junit.xml`, `report.html` and whatever else was asked for; gives what was written.
pub(crate) fn write_results(material: &Material<'_>, more: &[Format]) -> Result<Vec<Format>, Trouble> {
    let directory = material.directory;
    rigtone_record::write_verdicts(directory, material.verdicts).map_err(|e| record_trouble(&e))?;
    let mut formats = vec![Format::Junit, Format::Html];
    for format in more {
        if !formats.contains(format) {
            formats.push(*format);
        }
    }
    // Of a long run it takes seconds: whoever watches sees what goes on.
    printer::so_far("writing reports");
    formats.retain(|format| match report::write(*format, material, &directory.join(format.file_name())) {
        Ok(()) => true,
        Err(trouble) => {
            printer::so_far("");
            // A report changes no verdict.
            let (what, place) = (trouble.in_a_line(), directory.display());
            printer::note(&format!("warning: {what}; the verdicts are in {place}"));
            false
        }
    });
    printer::so_far("");
    Ok(formats)
}

/// Shows the verdicts and where everything lies.
pub(crate) fn show(material: &Material<'_>, json: bool, written: &[Format]) -> Result<Code, Trouble> {
    let (code, why) = exit::of(material.verdicts, policy(material.inconclusive));
    if json {
        report::show(Format::Json, material)?;
        return Ok(code);
    }
    if printer::quiet() {
        printer::out(&format!("exit code {}: {}\n", code.number(), sanitise::line(&why)));
        return Ok(code);
    }
    report::show(Format::Terminal, &Material { here: true, ..*material })?;
    printer::out("\n");
    let directory = material.directory;
    let mut places = vec![("run", directory.to_owned()), ("verdicts", directory.join("verdicts.json"))];
    places.extend(written.iter().map(|format| (format.title(), directory.join(format.file_name()))));
    for (name, path) in places {
        printer::out(&format!("{name:<9} {}\n", path.display()));
    }
    Ok(code)
}

/// Runs the plan with progress on the terminal and with the operating system's signals.
fn drive(
    plan: &RunPlan,
    opened: &Opened,
    writer: RunWriter,
    progress: Progress,
    options: &Options,
    stop_within: Duration,
) -> Result<(RunVerdicts, u32), Trouble> {
    let progress = if opened.bench.simulated { progress.on_a_virtual_clock() } else { progress };
    let display = Rc::new(RefCell::new(Display::new(progress)));
    // Those of the last try: what came after an earlier one has moved them again.
    let unsafe_outputs = Rc::new(Cell::new(0_u32));
    let counted = unsafe_outputs.clone();
    let (shown, keeper) = (display.clone(), opened.bench.keeper.clone());
    let observer: Observer = Box::new(move |event: &Event| {
        let mut display = shown.borrow_mut();
        // A question at the terminal stands where the display would be drawn.
        display.take(event, keeper.is_asking());
        match &event.body {
            // What is said of one trial is told with that trial.
            Body::Warning { text } if event.at.is_none() => display.note(&format!("warning: {text}")),
            // A run whose trials are all done checks its rig too.
            Body::TrialStarted | Body::Checked { .. } => counted.set(0),
            Body::OutputUnsafe { member, what, hint } => {
                counted.set(counted.get() + 1);
                display.note(&format!("error: {member}: {what}\n  help: {hint}"));
            }
            _ => {}
        }
    });
    let cancel = Cancel::new();
    let bench = &opened.bench;
    let result = opened.runtime.block_on(async {
        let work = rigtone_runner::run(&plan.plan, &plan.rules, bench, writer, observer, &cancel, options);
        tokio::select! {
            biased;
            given_up = signals(&cancel, stop_within, &display) => Err(given_up),
            result = work => Ok(result),
            () = ticking(&display, bench) => Err("the display ended".to_owned()),
        }
    });
    display.borrow().end();
    match result {
        Ok(Ok(verdicts)) => Ok((verdicts, unsafe_outputs.get())),
        Ok(Err(error)) => {
            let source = std::error::Error::source(&error).map(|s| format!(": {s}")).unwrap_or_default();
            let rigtone_runner::RunError::Record(record) = &error;
            Err(Trouble::new(Code::Infrastructure, format!("{error}{source}")).hint(record.hint()))
        }
        Err(why) => {
            // Asked twice: nothing but the outputs matters now.
            let deadline = bench.clock.now().plus(SAFE_NS);
            let faults = opened.runtime.block_on(bench.keeper.make_safe(deadline));
            for fault in &faults {
                let hint = fault.hint.as_deref().unwrap_or("switch it by hand");
                printer::note(&format!("error: {fault}\n  help: {hint}"));
            }
            let outputs = if faults.is_empty() { "; its outputs are safe" } else { "" };
            Err(Trouble::new(Code::Interrupted, format!("{why}{outputs}"))
                .hint("the run directory holds every trial that had ended"))
        }
    }
}

/// Draws the display anew every second, for as long as nothing happens; for ever. A simulated clock must meet no timer of ours.
async fn ticking(display: &RefCell<Display>, bench: &Bench) {
    if bench.simulated {
        std::future::pending::<()>().await;
    }
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        display.borrow_mut().tick(bench.keeper.is_asking());
    }
}

/// Asks for an orderly end on the first signal; comes back on the second. Whoever sends SIGTERM or SIGHUP does not
/// wait for ever: then it also comes back when the order takes too long.
async fn signals(cancel: &Cancel, stop_within: Duration, display: &RefCell<Display>) -> String {
    let streams = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()));
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = streams else {
        printer::note("warning: signals cannot be caught; ending the run from outside will not be orderly");
        return std::future::pending().await;
    };
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
            _ = hangup.recv() => "SIGHUP",
        }
    };
    let first = next().await;
    let patient = first == "SIGINT";
    let limit = if patient { String::new() } else { format!(" within {stop_within}") };
    display.borrow().note(&format!(
        "{first}: ending the trials that run, cleaning up, writing what is known{limit}; once more to give up"
    ));
    cancel.ask(Interruption::Asked(first.to_owned()));
    let too_long = async {
        if patient {
            std::future::pending::<()>().await;
        } else {
            tokio::time::sleep(std::time::Duration::from_nanos(stop_within.ns().unsigned_abs())).await;
        }
    };
    tokio::select! {
        second = next() => format!("{second} again: the run was given up"),
        () = too_long => format!("{first}: the run did not end within {stop_within} and was given up"),
    }
}

/// A disk that would fill in the middle of the night is found in the evening.
fn enough_space(directory: &Path, needed: u64) -> Result<(), Trouble> {
    let free = rigtone_record::free_space(directory).map_err(|e| record_trouble(&e))?;
    if free >= needed {
        return Ok(());
    }
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    let what = format!(
        "the run needs about {} MB for its recordings, and {} MB are free in {}",
        megabytes(needed),
        megabytes(free),
        directory.display()
    );
    Err(Trouble::new(Code::Infrastructure, what).hint("free space, or name another folder with --out"))
}

/// The members that the plan's trials use.
fn needed(plan: &Plan) -> Selection {
    let mut wanted = Selection::default();
    for resource in plan.combinations.iter().filter(|c| c.skipped.is_none()).flat_map(|c| c.resources.iter()) {
        if let Some(name) = resource.strip_prefix("unit ") {
            wanted.units.insert(name.to_owned());
        } else if let Some(name) = resource.strip_prefix("microphone ") {
            wanted.microphones.insert(name.to_owned());
        }
    }
    wanted
}

pub(crate) fn record_trouble(error: &rigtone_record::RecordError) -> Trouble {
    let code = match error {
        rigtone_record::RecordError::NotEmpty { .. } => Code::Usage,
        rigtone_record::RecordError::InUse { .. } => Code::InUse,
        _ => Code::Infrastructure,
    };
    Trouble::new(code, error).hint(error.hint())
}

/// What could not be made where somebody wanted it: another path may do.
pub(crate) fn place_trouble(error: &rigtone_record::RecordError) -> Trouble {
    let mut trouble = record_trouble(error);
    if error.is_of_path() {
        trouble.code = Code::Usage;
    }
    trouble
}

pub(crate) fn run_id(unix_s: i64, rig: &str) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]Z");
    let when = time::OffsetDateTime::from_unix_timestamp(unix_s).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    // Two runs may begin in the same second.
    format!("{}-{rig}-{}", when.format(format).unwrap_or_default(), std::process::id())
}

/// Uses what was measured of the microphones that are there, and of no other.
fn hold(opened: &mut Opened, rig: &Rig, calibration: Option<&documents::Calibrated>) {
    let Some(calibration) = calibration else { return };
    let today = documents::today();
    for warning in rigtone_rig::calibration::hold(&mut opened.bench, rig, &calibration.document, &today) {
        printer::note(&format!("warning: {warning}"));
    }
}

/// What stands behind the rig: the virtual one says of itself that it is one, and has real drivers otherwise.
fn rig_kind(opened: &Opened) -> &'static str {
    match std::env::var_os("RIGTONE_VIRTUAL_RIG") {
        _ if opened.bench.simulated => "simulated",
        Some(_) => "virtual",
        None => "hardware",
    }
}

fn environment(
    opened: &Opened,
    seed: u64,
    beginning: &Beginning,
    calibration: Option<&documents::Calibrated>,
) -> serde_json::Value {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut environment = serde_json::json!({
        "schema": "1.0",
        "rigtone": env!("CARGO_PKG_VERSION"),
        "kernel": kernel.trim(),
        "seed": seed,
        "run": beginning,
        "rig-kind": rig_kind(opened),
        "rig": opened.bench.keeper.environment(),
    });
    if let Some(calibration) = calibration {
        environment["calibration"] = calibration.environment();
        // Figures of other microphones than those that are there are on record, and not used.
        let used: Vec<&String> = opened.bench.calibrated.keys().collect();
        environment["calibration"]["in-use"] = serde_json::json!(used);
    }
    environment
}
