//! Looking at a whole rig: its members, the firmware of its units, and on request its outputs.

use rigtone_model::{
    document::{Rig, SafeState},
    event::Truth,
    inspection::{Found, Health, Inspection, Subject},
    trial::InfrastructureFault,
};

use crate::{
    bench::{Bench, Finding, LookWhen, Scope, WiredOutput},
    clock::Instant,
};

/// How long the look at all members may take, and each that follows.
pub const LIMIT_NS: i64 = 60_000_000_000;
/// How long an output stays outside its safe state when it is exercised: a short press of a button, and enough for a
/// person to see a light go off.
pub const AWAY_NS: i64 = 500_000_000;
/// How long an order may take.
const ORDER_NS: i64 = 5_000_000_000;

/// Looks at a rig that was opened. With `exercise` every output goes to its other position and back; without it nothing is
/// switched but to its safe state, at the end.
pub async fn inspect(bench: &Bench, rig: &Rig, exercise: bool, inspection: &mut Inspection) {
    let began = bench.clock.now();
    let findings = bench.keeper.check(Scope::Whole, began.plus(LIMIT_NS)).await;
    inspection.found.extend(findings.into_iter().map(of_member));
    for (name, unit) in &rig.units {
        let deadline = bench.clock.now().plus(LIMIT_NS);
        let look = bench.keeper.look_at_firmware(name, LookWhen::Idle, deadline).await;
        let found = |health, what| of_firmware(name, health, what);
        let found = match look.map(|look| look.map(|look| (look.finding(), look.fault()))) {
            Ok(Some((finding, None))) => found(Health::Ok, finding),
            Ok(Some((_, Some(fault)))) | Err(fault) => found(Health::Fault, told(&fault)),
            Ok(None) if unit.verify.is_some() => {
                found(Health::Ok, "its firmware is read when it is connected in a trial".to_owned())
            }
            Ok(None) => continue,
        };
        inspection.found.push(found);
    }
    if exercise {
        for output in bench.keeper.outputs() {
            inspection.found.push(exercised(bench, &output).await);
        }
    }
    let faults = bench.keeper.make_safe(bench.clock.now().plus(LIMIT_NS)).await;
    inspection.found.extend(faults.iter().map(|fault| of_fault(Subject::SafeState, fault)));
    inspection.warnings.extend(bench.keeper.warnings());
    inspection.took_ns = bench.clock.now().since(began);
}

/// What a fault says, for what was looked at.
pub fn of_fault(subject: Subject, fault: &InfrastructureFault) -> Found {
    let (member, what) = (fault.member.clone(), told(fault));
    Found { member, subject, health: Health::Fault, what, answered_ns: None }
}

fn told(fault: &InfrastructureFault) -> String {
    match &fault.hint {
        Some(hint) => format!("{}; {hint}", fault.what),
        None => fault.what.clone(),
    }
}

fn of_member(finding: Finding) -> Found {
    let health = match finding.ok {
        true => Health::Ok,
        // Only what is sent with that codec cannot be done.
        false if finding.member.starts_with("encoder ") => Health::Lacks,
        false => Health::Fault,
    };
    let Finding { member, finding: what, .. } = finding;
    Found { member, subject: Subject::Member, health, what, answered_ns: None }
}

fn of_firmware(unit: &str, health: Health, what: String) -> Found {
    Found { member: format!("unit {unit}"), subject: Subject::Firmware, health, what, answered_ns: None }
}

/// Switches an output to its other position and back.
async fn exercised(bench: &Bench, output: &WiredOutput) -> Found {
    let found = |health, what, answered_ns| Found {
        member: output.what.clone(),
        subject: Subject::Output,
        health,
        what,
        answered_ns,
    };
    let safe = match output.safe {
        SafeState::On => true,
        SafeState::Off => false,
        SafeState::Keep => {
            let what = format!("{} has no safe position to come back to", output.member);
            return found(Health::Skipped, what, None);
        }
    };
    let away = order(bench, output, !safe).await;
    bench.clock.sleep_until(bench.clock.now().plus(AWAY_NS)).await;
    // Whatever became of the first order, it may have been carried out.
    let back = order(bench, output, safe).await;
    match (away, back) {
        (Ok((truth, there_ns)), Ok((_, back_ns))) => {
            let ms = |ns: i64| ns as f64 / 1e6;
            let positions = if safe { ["off", "on"] } else { ["on", "off"] };
            let what = format!(
                "{} went {} in {:.1} ms and {} in {:.1} ms, as {}",
                output.member,
                positions[0],
                ms(there_ns),
                positions[1],
                ms(back_ns),
                word(truth)
            );
            found(Health::Ok, what, Some([there_ns, back_ns]))
        }
        (Err(fault), _) | (_, Err(fault)) => found(Health::Fault, format!("{}: {}", fault.member, told(&fault)), None),
    }
}

async fn order(bench: &Bench, output: &WiredOutput, on: bool) -> Result<(Truth, i64), InfrastructureFault> {
    let began: Instant = bench.clock.now();
    let switched = output.switch.switch(on, began.plus(ORDER_NS)).await?;
    Ok((switched.truth, bench.clock.now().since(began)))
}

fn word(truth: Truth) -> &'static str {
    match truth {
        Truth::Commanded => "commanded: the board does not tell positions",
        Truth::Reported => "reported by the board",
        Truth::Observed => "observed",
        Truth::Said => "a person says",
    }
}
