//! What a cut supply does: capacitors that carry a device on for a while, and batteries that carry it on for hours.

use super::{
    steps::{self, Placed},
    wiring::chooses,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    document::{Action, Axis, OnOff, Rig, Scenario, UnitChoice, World},
    load::{Entry, Library},
    quantity::{Duration, Param},
};

/// A step that cuts the supply of what stands on an axis, before what is judged has ended.
pub(super) struct Cut<'a> {
    entry: &'a Entry<Scenario>,
    choice: &'a UnitChoice,
    /// Where the scenario does it.
    path: Vec<String>,
}

/// Every such step of the scenarios.
pub(super) fn cuts(library: &Library) -> Vec<Cut<'_>> {
    let mut all = Vec::new();
    for entry in library.scenarios.values() {
        for placed in steps::placed(&entry.value).into_iter().filter(|placed| placed.section() != "cleanup") {
            let action = placed.step.action();
            let axis = match action {
                Action::PowerCycle(cycle) => &cycle.unit,
                Action::Power(power) if power.state == OnOff::Off => &power.unit,
                _ => continue,
            };
            if let Some(Axis::Units(choice)) = entry.value.matrix.get(axis) {
                let path = placed.at([action.name()]).into_iter().map(str::to_owned).collect();
                all.push(Cut { entry, choice, path });
            }
        }
    }
    all
}

/// Units that go on from a battery when a scenario cuts their supply. A simulated one has a battery only where that is
/// planted.
pub(super) fn batteries(entry: &Entry<Rig>, library: &Library, cuts: &[Cut<'_>], faults: &mut Vec<Diagnostic>) {
    if entry.value.world != World::Hardware {
        return;
    }
    for (name, unit) in &entry.value.units {
        let Some(device) = library.devices.get(&unit.device).map(|device| &device.value) else { continue };
        if unit.power.is_none() || !device.battery || unit.without_battery {
            continue;
        }
        let Some(cut) = cuts.iter().find(|cut| chooses(cut.choice, name, unit, device)) else { continue };
        let message = format!("a cut supply does not turn `{name}` off: `{}` has a battery", unit.device);
        faults.push(
            entry
                .diagnostic(Code::GoesOnFromBattery, &["units", name, "power"], message)
                .label(&cut.entry.path, cut.entry.key_position(&cut.path), "a scenario cuts it here")
                .suggest("take the battery out and write `without-battery: true`, or turn the unit off with a gesture"),
        );
    }
}

/// Supplies that a scenario cuts for a shorter time than a device needs to lose its power.
pub(super) fn discharge(entry: &Entry<Scenario>, library: &Library, faults: &mut Vec<Diagnostic>) {
    for placed in steps::placed(&entry.value) {
        let Action::PowerCycle(cycle) = placed.step.action() else { continue };
        let Some(Axis::Units(choice)) = entry.value.matrix.get(&cycle.unit) else { continue };
        let Some(shortest) = shortest(&entry.value, &placed, &cycle.off_for) else { continue };
        let units = library.rigs.values().flat_map(|rig| &rig.value.units).filter(|(_, unit)| unit.power.is_some());
        let needs = units.filter_map(|(name, unit)| {
            let device = &library.devices.get(&unit.device)?.value;
            let discharge = device.discharge.filter(|_| chooses(choice, name, unit, device))?;
            Some((discharge, &unit.device))
        });
        let Some((discharge, device)) = needs.filter(|(discharge, _)| *discharge > shortest).max() else { continue };
        let message = format!("`{device}` has lost its power only after {discharge}, and is cut for {shortest}");
        let fault = entry.diagnostic(Code::ShortCut, &placed.at(["power-cycle", "off-for"]), message);
        faults.push(fault.suggest(format!("write `{discharge}`, or take the trial for one of a short cut")));
    }
}

/// The shortest time that a parameter stands for, as far as it is known.
fn shortest(scenario: &Scenario, placed: &Placed<'_>, off_for: &Param<Duration>) -> Option<Duration> {
    match off_for {
        Param::Fixed(time) => Some(*time),
        Param::From(name) => {
            let of_axis = match scenario.matrix.get(name) {
                Some(Axis::Values(values)) => values.as_slice(),
                _ => &[],
            };
            let conditions = scenario.conditions.iter().filter(|(condition, _)| placed.applies(Some(condition)));
            let of_conditions = conditions.filter_map(|(_, given)| given.get(name));
            of_axis.iter().chain(of_conditions).filter_map(|text| text.parse().ok()).min()
        }
    }
}
