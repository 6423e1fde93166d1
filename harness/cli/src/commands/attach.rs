//! `rigtone attach`

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use rigtone_bluetooth::capture::without_keys;
use rigtone_judge::verdicts::RunPlan;
use rigtone_model::{
    event::{At, Body, CaptureClock, Event},
    quantity::Duration,
};
use rigtone_record::{RunWriter, read_plan};
use rigtone_report::{exit::Code, sanitise};
use rigtone_witness::radio::Traffic;

use super::{
    log::read_log,
    merge::MERGED,
    report::read_trouble,
    run::record_trouble,
    timeline::{capture_trouble, choose},
};
use crate::{printer, trouble::Trouble};

/// The largest capture that is attached, in bytes.
const LARGEST: u64 = 256 << 20;

/// Which capture, and to which trial.
#[derive(Debug, Args)]
pub(crate) struct Attach {
    /// The run directory.
    run: PathBuf,
    /// The capture: btsnoop as of `btmon -w` or Android, or Apple's PacketLogger.
    capture: PathBuf,
    /// The combination, by its id or a part of it; needed when the run has several.
    #[arg(long, value_name = "ID")]
    combination: Option<String>,
    /// The trial.
    #[arg(long, value_name = "N", default_value_t = 1)]
    trial: u32,
    /// How far the clock of the recorder may be from that of the rig's host.
    #[arg(long, value_name = "DURATION", default_value = "2 s")]
    clock_within: Duration,
    /// Keep link keys, PINs and passkeys, which are taken out otherwise.
    #[arg(long)]
    with_keys: bool,
}

/// The log tells the calendar's time in whole seconds: it was half a second more, or as much less.
const HALF_SECOND_NS: i64 = 500_000_000;

/// What the log says about the trial, and about time.
#[derive(Default)]
struct Found {
    attempt: Option<At>,
    span: Option<(i64, i64)>,
    /// The calendar's time in ns at a time of the run in ns.
    clock: Option<(i64, i64)>,
    finished: bool,
}

/// Adds a capture that somebody else recorded to the evidence of a trial.
pub(crate) fn attach(what: &Attach) -> Result<Code, Trouble> {
    let plan: RunPlan = read_plan(&what.run).map_err(|e| read_trouble(&e))?;
    let known: Vec<&str> = plan.plan.combinations.iter().map(|c| c.id.as_str()).collect();
    let combination = choose(&known, what.combination.as_deref())?;
    let found = find(&what.run, combination, what.trial)?;
    let (Some(at), Some(span)) = (found.attempt, found.span) else {
        return Err(Trouble::usage(format!("there is no trial {} of `{combination}` that ended", what.trial))
            .hint("`rigtone timeline RUN --combination ID --trial N` shows a trial"));
    };
    if !found.finished {
        return Err(Trouble::usage(format!("the run {} did not come to its end", what.run.display()))
            .hint("end it with `rigtone run --resume`, then attach"));
    }
    let Some((unix_ns, t_ns)) = found.clock else {
        return Err(Trouble::usage(format!("the log of {} does not say when the run began", what.run.display()))
            .hint("a merged run does not: attach to its parts before they are merged"));
    };
    let uncertainty_ns = what.clock_within.ns().max(0).saturating_add(HALF_SECOND_NS);
    let clock = CaptureClock { unix_ns, t_ns, uncertainty_ns };
    let bytes = read(&what.capture)?;
    let traffic = Traffic::decode(&bytes, clock).map_err(|e| capture_trouble(&what.capture, &e))?;
    overlaps(what, &traffic, span)?;
    let bytes =
        if what.with_keys { bytes } else { without_keys(bytes).map_err(|e| capture_trouble(&what.capture, &e))?.0 };
    let mut next = 0;
    let (mut writer, _) = RunWriter::resume(&what.run, "", |event| next = event.seq + 1).map_err(|e| match &e {
        rigtone_record::ResumeError::Read(error) => read_trouble(error),
        rigtone_record::ResumeError::Record(error) => record_trouble(error),
    })?;
    let name = what.capture.file_name().unwrap_or_default().to_string_lossy();
    let stored = writer.evidence(&at.combination, at.trial, at.attempt, &format!("attached-{name}"), &bytes);
    let stored = stored.map_err(|e| Trouble::new(Code::Infrastructure, &e).hint(e.hint()))?;
    let file = stored.file.clone();
    let body = Body::Evidence {
        file: stored.file,
        sha256: stored.sha256,
        bytes: bytes.len() as u64,
        about: "HCI traffic, recorded by somebody else".to_owned(),
        anchors: Vec::new(),
        clock: Some(clock),
        listening: None,
    };
    let event = Event { seq: next, t_ns: span.1, at: Some(at), body };
    writer.append(&event).and_then(|()| writer.sync()).map_err(|e| record_trouble(&e))?;
    printer::out(&format!("{}\n", sanitise::line(&what.run.join(file).display().to_string())));
    if let Some(damage) = traffic.damage() {
        printer::note(&format!("warning: {}", sanitise::line(&damage)));
    }
    Ok(Code::Passed)
}

fn find(run: &Path, combination: &str, trial: u32) -> Result<Found, Trouble> {
    let mut found = Found::default();
    let (mut began, mut clock) = (None, None);
    let log = read_log(run, |event| {
        match &event.body {
            Body::RunStarted { unix_s, .. } | Body::RunResumed { unix_s, .. } => {
                found.finished = false;
                clock = Some((unix_s.saturating_mul(1_000_000_000).saturating_add(HALF_SECOND_NS), event.t_ns));
            }
            Body::RunFinished { .. } => found.finished = true,
            _ => {}
        }
        let Some(at) = event.at.filter(|at| at.combination.as_str() == combination && at.trial == trial) else {
            return Ok(());
        };
        match event.body {
            Body::TrialStarted => began = Some(event.t_ns),
            Body::TrialFinished { .. } => {
                if let Some(from_ns) = began.take() {
                    found.span = Some((from_ns, event.t_ns));
                    found.attempt = Some(At { step: None, ..at });
                    // Of a run that went on: the clock of that part of it.
                    found.clock = clock;
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    log.warn();
    // The parts of a merged run had beginnings of their own.
    if log.run.starts_with(MERGED) {
        found.clock = None;
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    let failed = |e: std::io::Error| {
        Trouble::usage(format!("reading {} failed: {e}", path.display())).hint("check the path of the capture")
    };
    let about = fs::metadata(path).map_err(failed)?;
    if !about.is_file() {
        return Err(Trouble::usage(format!("{} is no file", path.display())).hint("name the capture in it"));
    }
    if about.len() > LARGEST {
        return Err(Trouble::usage(format!("{} is larger than {} MiB", path.display(), LARGEST >> 20))
            .hint("cut the time of the trial out of it: `editcap -A START -B STOP IN OUT`"));
    }
    fs::read(path).map_err(failed)
}

/// A capture of another time says nothing about the trial.
fn overlaps(what: &Attach, traffic: &Traffic, (from_ns, to_ns): (i64, i64)) -> Result<(), Trouble> {
    let within = traffic.uncertainty_ns();
    let (first, last) = (traffic.rig_ns(0), traffic.rig_ns(traffic.report().capture.length_ns));
    if last.saturating_add(within) >= from_ns && first.saturating_sub(within) <= to_ns {
        return Ok(());
    }
    let (off, word) =
        if first > to_ns { (first.saturating_sub(to_ns), "after") } else { (from_ns.saturating_sub(last), "before") };
    let off = off as f64 / 1e9;
    Err(Trouble::usage(format!("{} is of another time: {off:.1} s {word} the trial", what.capture.display()))
        .hint("see the clock of the recorder; say with --clock-within how far it may be off"))
}
