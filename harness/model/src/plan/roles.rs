//! Whether units have the roles that a link between them needs.

use super::{candidate::Candidate, obstacles::Answer, point::Point};
use crate::document::{Action, Control, Device, Profile, Role, Unit, World};

/// The roles of a unit, which are those of its device but where a simulated one says otherwise.
pub(super) fn of<'a>(unit: &'a Unit, device: &'a Device) -> &'a [Role] {
    unit.simulated.as_ref().and_then(|simulated| simulated.roles.as_deref()).unwrap_or(&device.roles)
}

/// What keeps a unit from being a source of music, and what to do; nothing when it is one.
pub(super) fn no_source(candidate: &Candidate<'_>) -> Option<String> {
    let Candidate { unit, device, .. } = candidate;
    let lacks = |roles: &[Role]| !roles.contains(&Role::A2dpSource);
    lacks(of(unit, device)).then(|| {
        let id = &device.device;
        match unit.control {
            _ if !lacks(&device.roles) => "it is no A2DP source: `simulated: {roles: [...]}` leaves out a2dp-source".to_owned(),
            Some(Control::Endpoint) => format!(
                "Rigtone is no A2DP source as this unit, because its device `{id}` lacks the role a2dp-source: let it be of a device that has the role, such as `device: rigtone/endpoint`"
            ),
            _ => format!(
                "it is no A2DP source, because its device `{id}` lacks the role a2dp-source: put a unit on this axis whose device has it"
            ),
        }
    })
}

/// A dongle that cannot be the other end of a link with music. The device would be blamed for lacking what it need not have.
pub(super) fn unmatched(point: &Point<'_>) -> Answer {
    Ok(point.steps().filter(|_| point.rig.world == World::Hardware).find_map(|step| {
        let Action::Connect(connect) = step.action() else { return None };
        let (by, unit) = (point.unit_on(&connect.by)?, point.unit_on(&connect.unit)?);
        let is_ours = connect.profile == Profile::A2dp && by.unit.control == Some(Control::Endpoint);
        // As a sink it connects to sources.
        let has = |candidate: &Candidate<'_>, role| of(candidate.unit, candidate.device).contains(&role);
        let as_sink = has(by, Role::A2dpSink) && has(unit, Role::A2dpSource);
        let why = no_source(by).filter(|_| is_ours && !as_sink)?;
        Some(format!("{}: {why}", by.name()))
    }))
}
