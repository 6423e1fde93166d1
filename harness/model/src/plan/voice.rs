//! Speaking to units and hearing whether they react: what that needs beyond the capabilities of a unit.

use super::{candidate::Candidate, obstacles::Answer, point::Point};
use crate::document::{Action, Comparable, Countable, Event, Expectation, Prompt, Rig, WaitFor, World};

/// Whether a step speaks in a room or listens to it, though it plays no stimulus of its own.
pub(super) fn sounds(action: Action<'_>) -> bool {
    matches!(action, Action::Prompt(_) | Action::VoiceLoop(_) | Action::WaitFor(WaitFor { event: Event::Reaction, .. }))
}

/// What a scenario wants to be said or heard that cannot be on this rig.
pub(super) fn unheard(point: &Point<'_>) -> Answer {
    Ok(point.steps().find_map(|step| {
        let (unit, why) = match step.action() {
            Action::Prompt(prompt) => {
                let unit = point.unit_on(&prompt.unit)?;
                let why = unsaid(prompt, point.rig, unit)
                    .or_else(|| unseen(unit).filter(|_| asks_for_a_reaction(point, step.name())));
                (unit, why)
            }
            Action::WaitFor(WaitFor { event: Event::Reaction, unit, .. }) => {
                let unit = point.unit_on(unit)?;
                (unit, unseen(unit))
            }
            _ => return None,
        };
        why.map(|why| format!("{}: {why}", unit.name()))
    }))
}

/// Why a prompt cannot be said as the step wants it.
fn unsaid(prompt: &Prompt, rig: &Rig, unit: &Candidate<'_>) -> Option<String> {
    if !unit.device.prompts.contains_key(&prompt.says) {
        return Some(format!("its device has no prompt `{}`: add it under `prompts`", prompt.says));
    }
    // In the simulated world a prompt is as loud as it should be.
    prompt.loudness.as_ref().filter(|_| rig.world == World::Hardware)?;
    let name = &unit.unit.spoken_to.as_ref()?.loudspeaker;
    let known = rig.loudspeakers.get(name).is_some_and(|loudspeaker| loudspeaker.calibrated.is_some());
    (!known).then(|| {
        format!("how loud the loudspeaker `{name}` is is not known: its rig's document has no `calibrated` of it")
    })
}

/// Why nobody can tell whether a unit reacts.
fn unseen(unit: &Candidate<'_>) -> Option<String> {
    if unit.device.reaction.is_none() {
        return Some(format!(
            "whether it reacts is not seen: its device `{}` names no sound that it makes then (`reaction: {{sound: FILE.wav}}`)",
            unit.device.device
        ));
    }
    unit.unit.heard_by.is_empty().then(|| "no microphone hears whether it reacts: name one with `heard-by:`".to_owned())
}

/// Whether something is expected that a reaction in this step decides.
fn asks_for_a_reaction(point: &Point<'_>, step: &str) -> bool {
    point.expected().any(|expectation| {
        let decides = match expectation {
            Expectation::SuccessRate(_) | Expectation::Unsupported(_) | Expectation::Duration(_) => true,
            Expectation::Count(count) => count.of == Countable::Reactions,
            Expectation::Difference(difference) => difference.of == Comparable::SuccessRate,
            _ => false,
        };
        decides && expectation.step().is_none_or(|name| name == step)
    })
}
