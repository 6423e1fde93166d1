//! Whether what is limited can be measured on the rig.

use super::{obstacles::Answer, point::Point, resources::nearest};
use crate::document::{Action, Expectation, Measurable, World};

/// The steps in which something is limited that is `wanted`.
fn measured_in<'a>(point: &Point<'a>, wanted: impl Fn(Measurable) -> bool) -> Vec<&'a str> {
    let of = |expectation| match expectation {
        Expectation::Measured(m) if wanted(m.of) => Some(m.step.as_str()),
        _ => None,
    };
    point.expected().filter_map(of).collect()
}

/// Sound pressure is known of calibrated microphones only.
pub(super) fn uncalibrated(point: &Point<'_>) -> Answer {
    let wanted = measured_in(point, |of| of == Measurable::SoundPressure);
    Ok(point.steps().find_map(|step| {
        let Action::Play(play) = step.action() else { return None };
        let microphone = nearest(point.unit_on(&play.on)?.unit)?;
        let known = point.rig.microphones.get(microphone).is_some_and(|m| m.calibrated.is_some());
        (wanted.contains(&step.name()) && !known).then(|| {
            format!("the microphone `{microphone}` is not calibrated: its rig's document has no `calibrated` of it")
        })
    }))
}

/// What is measured in HCI traffic needs a dongle that records it.
pub(super) fn unrecorded(point: &Point<'_>) -> Answer {
    let wanted = measured_in(point, |of| of.actions().is_some() && !of.is_told_by_source());
    Ok(point.steps().filter(|step| wanted.contains(&step.name())).find_map(|step| {
        let by = match step.action() {
            Action::Discover(discover) => &discover.by,
            Action::Pair(pair) => &pair.by,
            Action::Connect(connect) => &connect.by,
            Action::Play(play) => &play.by,
            _ => return None,
        };
        let candidate = point.unit_on(by)?;
        match &candidate.unit.dongle {
            Some(dongle) if point.rig.dongles.get(dongle).is_some_and(|d| d.capture.is_some()) => None,
            Some(dongle) => Some(format!(
                "the HCI traffic of the dongle `{dongle}` is not recorded: its rig's document has no `capture` of it"
            )),
            None => Some(format!("{}: it has no dongle whose HCI traffic could be recorded", candidate.name())),
        }
    }))
}

/// No real packets leave in the simulated world.
pub(super) fn untold(point: &Point<'_>) -> Answer {
    let wanted = measured_in(point, Measurable::is_told_by_source);
    let simulated = point.rig.world == World::Simulated;
    let step = point.steps().find(|step| simulated && wanted.contains(&step.name()));
    Ok(step.map(|step| format!("the simulated world sends no packets that could be timed in `{}`", step.name())))
}
