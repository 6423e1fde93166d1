//! Why a combination cannot run on this rig.

use super::{
    Capability, asked, bindings::BindingError, capability, codecs, estimate, measured, playing, point::Point, roles,
    services, settings, voice,
};
use crate::document::{Action, Event, Expect, Expectation, Scenario, WaitFor};

/// Why not, where something is in the way.
pub(super) type Answer = Result<Option<String>, BindingError>;

/// Everything that can be in the way. The first that is one is told: an earlier one says more of the cause.
const OBSTACLES: [fn(&Point<'_>) -> Answer; 17] = [
    incapable,
    roles::unmatched,
    codecs::unclaimed,
    codecs::undriven,
    codecs::unoffered,
    codecs::unconfigurable,
    measured::uncalibrated,
    measured::unrecorded,
    measured::untold,
    unwatched,
    estimate::overlong,
    playing::unplayable,
    services::unread,
    settings::unset,
    undone,
    asked::unseen,
    voice::unheard,
];

/// The first thing that keeps a combination from running; nothing when it can.
///
/// # Errors
/// When a parameter stands for nothing.
pub(super) fn first(point: &Point<'_>) -> Answer {
    OBSTACLES.iter().find_map(|obstacle| obstacle(point).transpose()).transpose()
}

/// What the steps of a scenario need under a condition, by axis.
///
/// # Errors
/// Why no rig could run it.
pub(super) fn needs<'a>(
    scenario: &'a Scenario,
    condition: Option<&'a str>,
) -> Result<Vec<(&'a str, Capability)>, String> {
    let among = |names: &[String]| condition.is_some_and(|c| names.iter().any(|name| name == c));
    let speaks = |e: &Expect| match e.expectation() {
        Expectation::Difference(difference) => difference.axis(scenario).is_some() || among(&difference.between),
        _ => e.when.is_empty() || among(&e.when),
    };
    if !scenario.expect.iter().any(speaks) {
        return Err(format!("no expectation speaks about the condition `{}`", condition.unwrap_or_default()));
    }
    let mut needs = Vec::new();
    for step in scenario.steps_under(condition) {
        capability::needs(step, &mut needs)?;
    }
    let judged = |kind: Expectation<'_>| {
        matches!(kind, Expectation::Count(_) | Expectation::Difference(_)) || kind.rate().is_some()
    };
    for kind in scenario.expect.iter().map(Expect::expectation) {
        if !kind.leaves().all(judged) {
            return Err(format!("this version of Rigtone does not judge all of the expectation `{}`", kind.name()));
        }
    }
    needs.dedup();
    Ok(needs)
}

/// A unit that cannot do what a step needs.
fn incapable(point: &Point<'_>) -> Answer {
    Ok(point.needs.iter().find_map(|(axis, capability)| {
        let candidate = point.unit_on(axis)?;
        let why = || match capability {
            Capability::Streaming => roles::no_source(candidate),
            _ => None,
        };
        (!candidate.can.has(*capability))
            .then(|| format!("{}: {}", candidate.name(), why().unwrap_or_else(|| capability.to_string())))
    }))
}

/// A link whose end is waited for, and that neither end tells of.
fn unwatched(point: &Point<'_>) -> Answer {
    Ok(point.steps().find_map(|step| {
        let Action::WaitFor(WaitFor { event: Event::Disconnected, unit, .. }) = step.action() else { return None };
        let candidate = point.unit_on(unit)?;
        if candidate.can.has(Capability::Receiving) {
            return None;
        }
        let Some(by) = point.scenario.linked_by(unit, point.condition).and_then(|by| point.unit_on(by)) else {
            return Some(format!("{}: {}", candidate.name(), Capability::Receiving));
        };
        (!by.can.has(Capability::Watching)).then(|| format!("{}: {}", by.name(), Capability::Watching))
    }))
}

/// A gesture that a unit cannot do.
fn undone(point: &Point<'_>) -> Answer {
    Ok(point.steps().find_map(|step| {
        let Action::Gesture(gesture) = step.action() else { return None };
        let candidate = point.unit_on(&gesture.unit)?;
        let why = capability::obstacle_to(candidate.unit, candidate.device, point.rig, &gesture.name)?;
        Some(format!("{}: {why}", candidate.name()))
    }))
}
