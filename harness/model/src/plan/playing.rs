//! Whether what is to be played can be, and is heard by somebody.

use super::{asked, obstacles::Answer, point::Point, resources::nearest};
use crate::document::{Action, Axis, Play};

/// A play that cannot be done, or would be measured by nobody.
pub(super) fn unplayable(point: &Point<'_>) -> Answer {
    for step in point.steps() {
        if let Action::Play(play) = step.action()
            && let Some(why) = obstacle(point, step.name(), play)?
        {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

fn obstacle(point: &Point<'_>, name: &str, play: &Play) -> Answer {
    if let Some(lasting) = point.bindings.optional(play.lasting.as_ref())?
        && lasting > Play::LONGEST
    {
        return Ok(Some(format!("`{name}` plays for {lasting}, and {} is the longest", Play::LONGEST)));
    }
    if let Some(level) = point.bindings.optional(play.level.as_ref())?
        && level.db() > 0.0
    {
        return Ok(Some(format!("`{name}` plays at {level}: a stimulus is close to full scale at 0 dB already")));
    }
    if let Some(loudness) = point.bindings.optional(play.loudness.as_ref())?
        && let Some(microphone) = point.unit_on(&play.on).and_then(|c| nearest(c.unit))
        && point.rig.microphones.get(microphone).is_none_or(|m| m.calibrated.is_none())
    {
        return Ok(Some(format!(
            "the microphone `{microphone}` is not calibrated, and `{name}` has to be {loudness} there: its rig's document has no `calibrated` of it"
        )));
    }
    if let Some(content) = point.bindings.optional(play.content.as_ref())?
        && let Some(source) = point.unit_on(&play.by)
        && let Some(why) = asked::lacks_content(source.unit, source.device, point.rig, &content)
    {
        return Ok(Some(format!("{}: {why}", source.name())));
    }
    let near = |axis: &String| match point.scenario.matrix.get(axis) {
        Some(Axis::Microphone(choice)) => point.unit_on(&choice.near).and_then(|c| nearest(c.unit)),
        _ => None,
    };
    for (n, axis) in play.heard_by.iter().enumerate() {
        let same = |other: &&String| near(other).is_some() && near(other) == near(axis);
        if let Some(other) = play.heard_by[..n].iter().find(same) {
            return Ok(Some(format!("one microphone stands on both axes, `{other}` and `{axis}`")));
        }
    }
    Ok(None)
}
