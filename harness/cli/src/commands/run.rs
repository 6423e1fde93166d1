//! `rigtone run`

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    rc::Rc,
    time::{SystemTime, UNIX_EPOCH},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rigtone_model::{event::Event, plan::Plan, quantity::Duration, verdict::RunVerdicts};
use rigtone_record::RunWriter;
use rigtone_report::{exit, exit::Code, junit, progress::Progress};
use rigtone_rig::hardware::Selection;
use rigtone_runner::{Cancel, Forecast, Interruption, Observer, Options};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    args::{Inconclusive, What},
    commands::report::{policy, results, summary},
    documents::{self, Planned},
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
    pub(crate) inconclusive: Inconclusive,
    pub(crate) json: bool,
}

pub(crate) fn run(what: &What, how: &How) -> Result<Code, Trouble> {
    let planned = documents::plan(what)?;
    let forecast = Forecast::of(&planned.run);
    if forecast.combinations == 0 {
        let mut reasons: Vec<&str> =
            planned.run.plan.combinations.iter().filter_map(|c| c.skipped.as_deref()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        let why = if reasons.is_empty() { "no combination was selected".to_owned() } else { reasons.join("\n  ") };
        return Err(Trouble::new(
            Code::Nothing,
            format!("there is nothing to do on the rig `{}`\n  {why}", planned.rig.rig),
        ));
    }
    let unix_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    let run_id = run_id(unix_s, &planned.rig.rig);
    let directory = how.out.clone().unwrap_or_else(|| Path::new("runs").join(&run_id));
    // Everything that can fail before a relay moves fails here, and leaves no half run behind.
    enough_space(&directory, forecast.evidence_bytes)?;
    let opened = open::open(&planned.rig, &planned.devices, &needed(&planned.run.plan))?;
    let writer = RunWriter::create(&directory, &run_id).map_err(|e| record_trouble(&e))?;
    writer.write_plan(&planned.run).map_err(|e| record_trouble(&e))?;
    writer.write_environment(&environment(&opened, how.seed)).map_err(|e| record_trouble(&e))?;

    let options =
        Options { seed: how.seed, version: env!("CARGO_PKG_VERSION").to_owned(), unix_s, max_time: how.max_time };
    let verdicts = drive(&planned, &opened, writer, &options)?;

    rigtone_record::write_verdicts(&directory, &verdicts).map_err(|e| record_trouble(&e))?;
    let junit_path = directory.join("junit.xml");
    let written = rigtone_record::replace(&junit_path, |file| {
        let shown = directory.display().to_string();
        let options =
            junit::Options { inconclusive: policy(how.inconclusive), started_unix_s: unix_s, directory: Some(&shown) };
        junit::write(&verdicts, &planned.run.plan, &options, file).map_err(std::io::Error::other)
    });
    if let Err(error) = written {
        // A report changes no verdict.
        printer::note(&format!("warning: {error}; the verdicts are in {}", directory.display()));
    }
    let (code, _) = exit::of(&verdicts, policy(how.inconclusive));
    if how.json {
        printer::out(&results(&verdicts, &planned.run.plan, how.inconclusive, &directory)?);
    } else {
        printer::out(&summary(&verdicts, &planned.run.plan, how.inconclusive, &directory));
        printer::out("\n");
        for (name, path) in
            [("run", directory.clone()), ("verdicts", directory.join("verdicts.json")), ("JUnit", junit_path)]
        {
            printer::out(&format!("{name:<9} {}\n", path.display()));
        }
    }
    Ok(code)
}

/// Runs the plan with progress on the terminal and with the operating system's signals.
fn drive(planned: &Planned, opened: &Opened, writer: RunWriter, options: &Options) -> Result<RunVerdicts, Trouble> {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        bar.set_style(style);
    }
    let progress = Rc::new(RefCell::new(Progress::new(&planned.run.plan)));
    let shown = bar.clone();
    let hidden = bar.is_hidden();
    let observer: Observer = Box::new(move |event: &Event| {
        let mut progress = progress.borrow_mut();
        progress.take(event);
        if !hidden {
            shown.set_message(progress.line(printer::width().saturating_sub(2)));
            shown.tick();
        }
        if let rigtone_model::event::Body::Warning { text } = &event.body {
            shown.suspend(|| printer::note(&format!("warning: {text}")));
        }
    });
    let cancel = Cancel::new();
    let bench = &opened.bench;
    let result = opened.runtime.block_on(async {
        let work =
            rigtone_runner::run(&planned.run.plan, &planned.run.rules, bench, writer, observer, &cancel, options);
        tokio::select! {
            biased;
            given_up = signals(&cancel) => Err(given_up),
            result = work => Ok(result),
        }
    });
    bar.finish_and_clear();
    match result {
        Ok(Ok(verdicts)) => Ok(verdicts),
        Ok(Err(error)) => {
            let source = std::error::Error::source(&error).map(|s| format!(": {s}")).unwrap_or_default();
            Err(Trouble::new(Code::Infrastructure, format!("{error}{source}")))
        }
        Err(why) => {
            // Asked twice: nothing but the outputs matters now.
            let deadline = bench.clock.now().plus(SAFE_NS);
            let faults = opened.runtime.block_on(bench.keeper.make_safe(deadline));
            for fault in &faults {
                printer::note(&format!("error: {fault}; switch it by hand"));
            }
            let outputs = if faults.is_empty() { "; its outputs are safe" } else { "" };
            Err(Trouble::new(Code::Interrupted, format!("{why}{outputs}"))
                .hint("the run directory holds every trial that had ended"))
        }
    }
}

/// Asks for an orderly end on the first signal; comes back on the second.
async fn signals(cancel: &Cancel) -> String {
    let streams = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()));
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = streams else {
        printer::note("warning: signals cannot be caught; ending the run from outside will not be orderly");
        return std::future::pending().await;
    };
    let mut asked = false;
    loop {
        let name = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
            _ = hangup.recv() => "SIGHUP",
        };
        if asked {
            return format!("{name} again: the run was given up");
        }
        asked = true;
        printer::note(&format!(
            "{name}: ending the trials that run, cleaning up, writing what is known; once more to give up"
        ));
        cancel.ask(Interruption::Asked(name.to_owned()));
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

fn record_trouble(error: &rigtone_record::RecordError) -> Trouble {
    let code = match error {
        rigtone_record::RecordError::NotEmpty { .. } => Code::Usage,
        _ => Code::Infrastructure,
    };
    Trouble::new(code, error).hint(error.hint())
}

fn run_id(unix_s: i64, rig: &str) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]Z");
    let when = time::OffsetDateTime::from_unix_timestamp(unix_s).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    // Two runs may begin in the same second.
    format!("{}-{rig}-{}", when.format(format).unwrap_or_default(), std::process::id())
}

fn environment(opened: &Opened, seed: u64) -> serde_json::Value {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    serde_json::json!({
        "schema": "1.0",
        "rigtone": env!("CARGO_PKG_VERSION"),
        "kernel": kernel.trim(),
        "seed": seed,
        "rig": opened.bench.keeper.environment(),
    })
}
