//! Whose service records can be read, and by whom.

use super::{capability::Capability, obstacles::Answer, point::Point};
use crate::document::Action;

/// Why the records that a step reads are read by nobody. Who can read others knows its own; those of all others are read by a unit of the trial.
pub(super) fn unread(point: &Point<'_>) -> Answer {
    if point.units.iter().any(|(_, candidate)| candidate.can.has(Capability::ReadingServices)) {
        return Ok(None);
    }
    let axis = point.steps().find_map(|step| match step.action() {
        Action::ReadServices(on) => Some(on.unit.as_str()),
        _ => None,
    });
    Ok(axis.map(|axis| {
        let name = point.unit_on(axis).map_or(axis, |candidate| candidate.name());
        format!(
            "{name}: nobody can read its service records: on a hardware rig a unit of the trial has to be Rigtone itself, with `control: endpoint` and a dongle"
        )
    }))
}
