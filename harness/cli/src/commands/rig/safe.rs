//! `rigtone rig safe`

use std::path::Path;

use rigtone_model::{
    diagnostic,
    document::{Rig, World},
    load,
    trial::InfrastructureFault,
};
use rigtone_report::exit::Code;
use rigtone_rig::{
    hardware::{MadeSafe, Selection},
    inspection,
};
use serde::Serialize;

use crate::{documents, open, printer, trouble::Trouble};

/// The form of `--json`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Told {
    schema: &'static str,
    rig: String,
    /// Whether every output is in its safe state.
    safe: bool,
    /// The outputs that may not be, with what to do.
    faults: Vec<String>,
    /// What another process has.
    taken: Vec<String>,
}

pub(crate) fn safe(rig: &Path, devices: &Path, json: bool) -> Result<Code, Trouble> {
    let path = rig;
    let rig = outputs_of(path)?;
    let done = match rig.world {
        World::Hardware => open::make_safe(&rig)?,
        World::Simulated => {
            let (rig, devices) = documents::rig(path, devices)?;
            let opened = open::open(&rig, &devices, &Selection::all(&rig))?;
            let deadline = opened.bench.clock.now().plus(inspection::LIMIT_NS);
            let faults = opened.runtime.block_on(opened.bench.keeper.make_safe(deadline));
            MadeSafe { faults, ..MadeSafe::default() }
        }
    };
    for fault in &done.faults {
        let hint = fault.hint.as_deref().unwrap_or("switch it by hand");
        printer::note(&format!("error: {fault}\n  help: {hint}"));
    }
    for taken in &done.taken {
        printer::note(&format!("error: {taken}; its outputs are left to that process"));
    }
    let safe = done.faults.is_empty() && done.taken.is_empty();
    if json {
        let full = |fault: &InfrastructureFault| match &fault.hint {
            Some(hint) => format!("{fault}; {hint}"),
            None => fault.to_string(),
        };
        let faults = done.faults.iter().map(full).collect();
        let taken = done.taken.iter().map(ToString::to_string).collect();
        printer::json(&Told { schema: "1.0", rig: rig.rig.clone(), safe, faults, taken })?;
    } else if safe {
        printer::out(&format!("every output of {} is in its safe state\n", rig.rig));
    }
    Ok(match (done.taken.is_empty(), done.faults.is_empty()) {
        (false, _) => Code::InUse,
        (true, false) => Code::Infrastructure,
        (true, true) => Code::Passed,
    })
}

/// A rig as its document wires it, whatever else of the document does not hold: a missing device must not keep an
/// output on.
fn outputs_of(path: &Path) -> Result<Rig, Trouble> {
    let (files, unread) = load::read(&[path.to_owned()]);
    let loaded = load::load(files);
    let mut rigs = loaded.library.rigs.into_values();
    if let (Some(rig), None) = (rigs.next(), rigs.next()) {
        return Ok(rig.value);
    }
    let mut faults = unread;
    faults.extend(loaded.diagnostics);
    if !faults.is_empty() {
        printer::note(diagnostic::render(&faults, &loaded.sources, printer::colour_of_notes()).trim_end());
    }
    Err(Trouble::usage(format!("{} is not the document of one rig", path.display()))
        .hint("name a rig's document; a rig whose document has faults must be made safe by hand"))
}
