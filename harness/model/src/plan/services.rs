//! Whose service records can be read, and by whom.

use super::capability::{Capabilities, Capability};
use crate::document::{Action, Step};

/// A unit of a combination: its axis, its name, and what it can do.
pub(super) type Seat<'a> = (&'a str, &'a str, Capabilities);

/// Why the records that a step reads are read by nobody. Who can read others knows its own; those of all others are read by a unit of the trial.
pub(super) fn unread<'a>(steps: impl Iterator<Item = &'a Step>, units: &[Seat<'_>]) -> Option<String> {
    let reads = |(_, _, can): &Seat<'_>| can.has(Capability::ReadingServices);
    let mut read = steps.filter_map(|step| match step.action() {
        Action::ReadServices(on) => Some(on.unit.as_str()),
        _ => None,
    });
    let axis = read.find(|_| !units.iter().any(reads))?;
    let name = units.iter().find(|(of, ..)| *of == axis).map_or(axis, |(_, name, _)| name);
    Some(format!(
        "{name}: nobody can read its service records: on a hardware rig a unit of the trial has to be Rigtone itself, with `control: endpoint` and a dongle"
    ))
}
