//! Which settings of a unit can be changed, and by whom.

use super::asked;
use crate::document::{Device, Rig, Unit};

/// What keeps a unit of a rig from having one of its settings changed; nothing when it can. That it can be told at all is a capability.
pub(super) fn obstacle_to(unit: &Unit, device: &Device, rig: &Rig, option: &str, value: &str) -> Option<String> {
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
