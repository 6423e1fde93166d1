//! `rigtone rig check`

use std::{
    fmt::Write as _,
    io::{self, BufRead, IsTerminal},
    path::{Path, PathBuf},
};

use rigtone_model::{
    document::{Rig, SafeState},
    inspection::{Found, Health, Inspection, Subject},
};
use rigtone_report::{exit::Code, junit, sanitise};
use rigtone_rig::{bench::Bench, hardware::Selection, inspection};

use crate::{documents, open, printer, trouble::Trouble};

/// What is done beside looking.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct How {
    /// Switch every wired output to its other position for half a second and back, and tell how long its board took to
    /// answer. Buttons are pressed by this, supplies cut. Asks first.
    #[arg(long)]
    switch: bool,
    /// Do not ask before switching.
    #[arg(long, requires = "switch")]
    yes: bool,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
    /// Write what was found as JUnit XML, one suite `rig`.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub(crate) fn check(rig: &Path, devices: &Path, how: &How) -> Result<Code, Trouble> {
    let (rig, devices) = documents::rig(rig, devices)?;
    let mut inspection = Inspection::of(&rig.rig, time::OffsetDateTime::now_utc().unix_timestamp());
    let opened = match open::open(&rig, &devices, &Selection::all(&rig)) {
        Ok(opened) => opened,
        // Readers of the report are told too.
        Err(trouble) if trouble.code == Code::Infrastructure => {
            let member = format!("rig {}", rig.rig);
            let (what, health) = (trouble.in_a_line(), Health::Fault);
            inspection.found.push(Found { member, subject: Subject::Opening, health, what, answered_ns: None });
            tell(&inspection, how, true)?;
            return Err(trouble);
        }
        Err(trouble) => return Err(trouble),
    };
    if how.switch && !how.yes {
        agreed(&opened.bench, &rig)?;
    }
    let bench = &opened.bench;
    let ended = opened.runtime.block_on(async {
        tokio::select! {
            biased;
            signal = super::stopped() => Err(signal),
            () = inspection::inspect(bench, &rig, how.switch, &mut inspection) => Ok(()),
        }
    });
    if let Err(signal) = ended {
        let deadline = bench.clock.now().plus(inspection::LIMIT_NS);
        let faults = opened.runtime.block_on(bench.keeper.make_safe(deadline));
        for fault in &faults {
            let hint = fault.hint.as_deref().unwrap_or("switch it by hand");
            printer::note(&format!("error: {fault}\n  help: {hint}"));
        }
        let outputs = if faults.is_empty() { "; its outputs are safe" } else { "" };
        return Err(Trouble::new(Code::Interrupted, format!("{signal}: the check was given up{outputs}")));
    }
    for warning in &inspection.warnings {
        printer::note(&format!("warning: {warning}"));
    }
    tell(&inspection, how, false)?;
    Ok(if inspection.is_healthy() { Code::Passed } else { Code::Infrastructure })
}

/// Prints and writes what was found. What could not be opened is told as an error of the command, so not as text.
fn tell(inspection: &Inspection, how: &How, is_error: bool) -> Result<(), Trouble> {
    if let Some(file) = &how.junit {
        let written = rigtone_record::deliver(file, |sink| junit::write_inspection(inspection, sink));
        written.map_err(|e| Trouble::new(Code::Infrastructure, format!("writing {} failed: {e}", file.display())))?;
    }
    if how.json {
        printer::json(inspection)?;
    } else if !is_error {
        printer::out(&text(inspection));
    }
    Ok(())
}

fn text(inspection: &Inspection) -> String {
    let mut text = String::new();
    for found in &inspection.found {
        let word = match found.health {
            Health::Ok => "ok   ",
            Health::Lacks => "lacks",
            Health::Skipped => "skip ",
            Health::Fault => "fault",
        };
        let _ = writeln!(text, "{word}  {}: {}", found.member, sanitise::line(&found.what));
    }
    text
}

/// Asks the person at the terminal, who sees what will be switched.
fn agreed(bench: &Bench, rig: &Rig) -> Result<(), Trouble> {
    let outputs = bench.keeper.outputs();
    let refused = |what: &str| {
        Trouble::usage(format!("{what}, so nothing of `{}` was switched", rig.rig))
            .hint("say `--yes` where nobody can be asked, once you know what each output does")
    };
    if !io::stdin().is_terminal() {
        return Err(refused("`--switch` asks first, and there is nobody at a terminal"));
    }
    for output in outputs.iter().filter(|output| output.safe != SafeState::Keep) {
        let (there, back) = if output.safe == SafeState::On { ("off", "on") } else { ("on", "off") };
        printer::note(&format!("{} ({}): {there} for half a second, then {back}", output.what, output.member));
    }
    printer::note("Switch them, one after the other? Write `yes`:");
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    match read {
        Ok(_) if answer.trim() == "yes" => Ok(()),
        _ => Err(refused("nobody agreed")),
    }
}
