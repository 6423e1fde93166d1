//! `rigtone rig list | check | safe`

use std::{fmt::Write as _, path::Path};

use rigtone_model::{
    diagnostic,
    document::{Rig, World},
    load,
};
use rigtone_report::exit::Code;
use rigtone_rig::{
    bench::{Finding, LookWhen},
    hardware::{Inventory, MadeSafe, Selection},
};

use crate::{documents, open, printer, trouble::Trouble};

/// How long a check of the whole rig may take.
const CHECK_NS: i64 = 60_000_000_000;

pub(crate) fn list(rig: &Path, devices: &Path) -> Result<Code, Trouble> {
    let (rig, _) = documents::rig(rig, devices)?;
    let mut text = format!("{}: {}\n", rig.rig, rig.title);
    for (name, unit) in &rig.units {
        let _ = writeln!(text, "  unit        {name}: {} {} at {}", unit.device, unit.firmware, unit.address);
    }
    let there = (rig.world == World::Hardware).then(Inventory::take);
    for (name, dongle) in &rig.dongles {
        let due = dongle.usb.as_ref().map(|port| format!(", due at USB port {port}")).unwrap_or_default();
        let _ = writeln!(text, "  dongle      {name}: {}{due}", dongle.address);
        for found in there.iter().map(|there| there.dongle(&dongle.address)) {
            let _ = writeln!(text, "                {found}");
        }
    }
    for (name, board) in &rig.relays {
        let stated = board.stated().into_iter().next();
        let at = stated.map(|stated| format!("{} at {}", stated.family, stated.place.key().unwrap_or_default()));
        let at = at.as_deref().unwrap_or("simulated");
        let _ = writeln!(text, "  relay       {name}: {} channels, {at}", board.channels);
    }
    for (name, microphone) in &rig.microphones {
        let device = match (&microphone.alsa, &microphone.sink) {
            (Some(alsa), _) => alsa.named(),
            (None, Some(wire)) => format!("what dongle {} receives", wire.dongle),
            (None, None) => "simulated".to_owned(),
        };
        let _ = writeln!(text, "  microphone  {name}: {device} in {}", microphone.room);
        if let (Some(there), Some(alsa)) = (&there, &microphone.alsa) {
            let _ = writeln!(text, "                {}", there.microphone(alsa));
        }
    }
    for other in there.iter().flat_map(|there| there.others(&rig)) {
        let _ = writeln!(text, "  not in it   {other}");
    }
    printer::out(&text);
    Ok(Code::Passed)
}

pub(crate) fn check(rig: &Path, devices: &Path) -> Result<Code, Trouble> {
    let (rig, devices) = documents::rig(rig, devices)?;
    let opened = open::open(&rig, &devices, &Selection::all(&rig))?;
    let bench = &opened.bench;
    let deadline = bench.clock.now().plus(CHECK_NS);
    let findings = opened.runtime.block_on(bench.keeper.check(rigtone_rig::bench::Scope::Whole, deadline));
    let looked = opened.runtime.block_on(async {
        let mut looked = Vec::new();
        for name in rig.units.keys() {
            let deadline = bench.clock.now().plus(CHECK_NS);
            looked.push((name, bench.keeper.look_at_firmware(name, LookWhen::Idle, deadline).await));
        }
        looked
    });
    let faults = opened.runtime.block_on(bench.keeper.make_safe(bench.clock.now().plus(CHECK_NS)));
    let mut healthy = faults.is_empty() && findings.iter().all(|f| f.ok || is_encoder(f));
    let mut text = String::new();
    for finding in &findings {
        let word = match finding.ok {
            true => "ok   ",
            // Only what is sent with that codec cannot be done.
            false if is_encoder(finding) => "lacks",
            false => "fault",
        };
        let _ = writeln!(text, "{word}  {}: {}", finding.member, finding.finding);
    }
    for (name, look) in looked {
        let verified = rig.units[name].verify.is_some();
        let _ = match look.map(|look| look.map(|look| (look.finding(), look.fault()))) {
            Ok(Some((finding, None))) => writeln!(text, "ok     unit {name}: {finding}"),
            Ok(Some((_, Some(fault)))) => {
                healthy = false;
                writeln!(text, "fault  {fault}; {}", fault.hint.as_deref().unwrap_or_default())
            }
            Ok(None) if verified => {
                writeln!(text, "ok     unit {name}: its firmware is read when it is connected in a trial")
            }
            Ok(None) => Ok(()),
            Err(fault) => {
                healthy = false;
                writeln!(text, "fault  {fault}")
            }
        };
    }
    for fault in &faults {
        let hint = fault.hint.as_deref().unwrap_or("switch it by hand");
        let _ = writeln!(text, "fault  {fault}; {hint}");
    }
    for warning in bench.keeper.warnings() {
        printer::note(&format!("warning: {warning}"));
    }
    printer::out(&text);
    Ok(if healthy { Code::Passed } else { Code::Infrastructure })
}

fn is_encoder(finding: &Finding) -> bool {
    finding.member.starts_with("encoder ")
}

pub(crate) fn safe(rig: &Path, devices: &Path) -> Result<Code, Trouble> {
    let path = rig;
    let rig = outputs_of(path)?;
    let done = match rig.world {
        World::Hardware => open::make_safe(&rig)?,
        World::Simulated => {
            let (rig, devices) = documents::rig(path, devices)?;
            let opened = open::open(&rig, &devices, &Selection::all(&rig))?;
            let deadline = opened.bench.clock.now().plus(CHECK_NS);
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
    if done.faults.is_empty() && done.taken.is_empty() {
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
