//! Which settings of a unit can be changed, and by whom.

use super::{asked, candidate::Candidate, obstacles::Answer, point::Point};
use crate::document::{Action, Rig};

/// A setting that a unit cannot have changed.
pub(super) fn unset(point: &Point<'_>) -> Answer {
    for step in point.steps() {
        let Action::Set(set) = step.action() else { continue };
        let (value, Some(candidate)) = (point.bindings.resolve(&set.value)?, point.unit_on(&set.unit)) else {
            continue;
        };
        if let Some(why) = obstacle_to(candidate, point.rig, &set.option, &value) {
            return Ok(Some(format!("{}: {why}", candidate.name())));
        }
    }
    Ok(None)
}

/// What keeps a unit of a rig from having one of its settings changed; nothing when it can. That it can be told at all is a capability.
fn obstacle_to(Candidate { unit, device, .. }: &Candidate<'_>, rig: &Rig, option: &str, value: &str) -> Option<String> {
    let Some(values) = device.settings.get(option) else {
        return Some(format!("its device `{}` has no setting `{option}`", device.device));
    };
    if !values.iter().any(|known| known == value) {
        let known = values.join(", ");
        return Some(format!("the setting `{option}` of `{}` has no value `{value}`: {known}", device.device));
    }
    let prompt = asked::prompt_to_set(option, value);
    (asked::is_spoken_to(unit, rig) && !device.prompts.contains_key(&prompt))
        .then(|| format!("its device has no prompt `{prompt}`: add it under `prompts`"))
}
