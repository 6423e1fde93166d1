//! Units that are not Rigtone itself and that are asked: what they can be asked for, and what nobody sees of them.

use super::{candidate::Candidate, capability::Capability, obstacles::Answer, point::Point};
use crate::document::{
    Action, ByHand, Comparable, Control, Device, Expectation, Rig, Role, Scenario, Step, Unit, World,
};

/// The prompts that a step of a source with `control: voice` speaks.
const PAIR: &str = "pair";
const FORGET: &str = "forget";
const CONNECT: &str = "connect";
const DISCONNECT: &str = "disconnect";
const PLAY: &str = "play";

/// Who is asked for what a unit of a hardware rig does; nobody, where Rigtone does it by itself.
fn origin(unit: &Unit, rig: &Rig) -> Option<Control> {
    let asked = matches!(unit.control, Some(Control::Operator | Control::Voice | Control::Android));
    unit.control.filter(|_| asked && rig.world == World::Hardware)
}

/// Whether a person is needed for a unit.
pub(super) fn needs_a_person(unit: &Unit, rig: &Rig) -> bool {
    // Reading a firmware is no part of a trial.
    rig.world == World::Hardware && (unit.control == Some(Control::Operator) || !unit.by_hand.is_empty())
}

/// Whether what a unit does is asked for in spoken words.
pub(super) fn is_spoken_to(unit: &Unit, rig: &Rig) -> bool {
    origin(unit, rig) == Some(Control::Voice)
}

/// The prompt that changes a setting.
pub(super) fn prompt_to_set(option: &str, value: &str) -> String {
    format!("set-{option}-{value}")
}

/// The loudspeaker that a unit needs, and its room.
pub(super) fn loudspeaker<'a>(unit: &'a Unit, rig: &'a Rig) -> Option<(&'a str, &'a str)> {
    let name = &unit.spoken_to.as_ref().filter(|_| origin(unit, rig) == Some(Control::Voice))?.loudspeaker;
    Some((name, rig.loudspeakers.get(name)?.room.as_str()))
}

/// The program that makes sound of what is said to a unit, where it has to.
pub(super) fn synthesiser(unit: &Unit, device: &Device, rig: &Rig) -> Option<&'static str> {
    let spoken = loudspeaker(unit, rig).is_some() && device.prompts.values().any(|prompt| prompt.wav.is_none());
    spoken.then_some("synthesiser espeak-ng")
}

/// What keeps a source from taking the sound from a content; nothing when it can.
pub(super) fn lacks_content(unit: &Unit, device: &Device, rig: &Rig, content: &str) -> Option<String> {
    let spoken = origin(unit, rig) == Some(Control::Voice);
    (spoken && !device.prompts.contains_key(content))
        .then(|| format!("its device has no prompt `{content}`: add it under `prompts`"))
}

/// What a unit can be asked to do.
pub(super) fn can(unit: &Unit, device: &Device, rig: &Rig) -> Vec<Capability> {
    let mut all = Vec::new();
    if rig.world == World::Hardware {
        all.extend(unit.by_hand.iter().map(|by_hand| match by_hand {
            ByHand::Power => Capability::Power,
            ByHand::PairingMode => Capability::PairingMode,
        }));
    }
    let sends = device.roles.contains(&Role::A2dpSource);
    match origin(unit, rig) {
        Some(Control::Operator) => {
            all.extend([Capability::Inquiry, Capability::Pairing, Capability::Forgetting, Capability::Connecting]);
            all.push(Capability::Setting);
            all.extend(sends.then_some([Capability::Streaming, Capability::Contents]).into_iter().flatten());
        }
        Some(Control::Voice) if loudspeaker(unit, rig).is_some() => {
            let has = |name: &str| device.prompts.contains_key(name);
            // For which settings it has a prompt depends on their values: see `settings`.
            all.extend([Capability::Speaking, Capability::Setting]);
            all.extend(has(PAIR).then_some(Capability::Pairing));
            all.extend(has(FORGET).then_some(Capability::Forgetting));
            all.extend((has(CONNECT) && has(DISCONNECT)).then_some(Capability::Connecting));
            // A content has a prompt of its own, which is looked for where one is named.
            all.extend(sends.then_some(Capability::Contents));
            all.extend((sends && has(PLAY)).then_some(Capability::Streaming));
        }
        Some(Control::Android) if unit.android.is_some() => {
            all.push(Capability::Connecting);
            all.extend(sends.then_some(Capability::Streaming));
        }
        _ => {}
    }
    all
}

/// What a scenario wants to know or to choose that no one can see or choose where a unit is only asked.
pub(super) fn unseen(point: &Point<'_>) -> Answer {
    for step in point.steps() {
        let (by, unit) = match step.action() {
            Action::Discover(a) => (&a.by, Some(&a.unit)),
            Action::Pair(a) => (&a.by, Some(&a.unit)),
            Action::Connect(a) => (&a.by, Some(&a.unit)),
            Action::Disconnect(a) | Action::Forget(a) => (&a.by, Some(&a.unit)),
            Action::Play(a) => (&a.by, Some(&a.on)),
            Action::Prompt(a) => (&a.unit, None),
            _ => continue,
        };
        let Some(source) = point.unit_on(by) else { continue };
        let Some(control) = origin(source.unit, point.rig) else { continue };
        // A sink of Rigtone's own sees who connects and with what.
        let seen = unit.and_then(|unit| point.unit_on(unit)).is_some_and(|unit| unit.can.has(Capability::Receiving));
        let why = wrong_step(point.scenario, step, source, control, seen).or_else(|| {
            let of_it = |e: &Expectation<'_>| {
                e.step() == Some(step.name())
                    // The only step that connects is meant where none is named.
                    || (matches!(e, Expectation::Codec(_)) && e.step().is_none())
            };
            point.expected().filter(of_it).find_map(|e| unanswered(e, step, control, seen))
        });
        if let Some(why) = why {
            return Ok(Some(format!("{}: {why}", source.name())));
        }
    }
    Ok(None)
}

/// What a step asks of a source that cannot be told so.
fn wrong_step(
    scenario: &Scenario,
    step: &Step,
    source: &Candidate<'_>,
    control: Control,
    seen: bool,
) -> Option<String> {
    match step.action() {
        Action::Connect(connect) => {
            let by_axis = scenario.matrix.contains_key("codec") && !seen;
            if by_axis || connect.codec.is_some() || connect.configuration.is_some() {
                return Some(format!(
                    "with `control: {control}` nobody can tell it which codec to use; leave that out, or let a sink of Rigtone's own offer one with the axis `codec`"
                ));
            }
            None
        }
        Action::Play(play) if play.lasting.is_some() || play.level.is_some() => Some(format!(
            "with `control: {control}` it plays the stimulus once and at its own level; leave `for` and `level` out"
        )),
        Action::Prompt(prompt) if !source.device.prompts.contains_key(&prompt.says) => {
            Some(format!("its device has no prompt `{}`: add it under `prompts`", prompt.says))
        }
        Action::Prompt(prompt)
            if prompt.from.is_some_and(|from| source.unit.spoken_to.as_ref().is_none_or(|to| to.distance != from)) =>
        {
            Some("its loudspeaker stands at another distance than the step asks for".to_owned())
        }
        _ => None,
    }
}

/// Why an expectation about a step of such a source would be answered by nobody.
fn unanswered(expectation: Expectation<'_>, step: &Step, control: Control, seen: bool) -> Option<String> {
    let name = step.name();
    let action = step.action();
    let connects = matches!(action, Action::Connect(_));
    let plays = matches!(action, Action::Play(_));
    let heard = plays || matches!(action, Action::Prompt(_)) || (connects && seen);
    let phone = control == Control::Android;
    match expectation {
        Expectation::Codec(_) if connects && !seen && !phone => Some(format!(
            "which codec was agreed on in `{name}` is not seen with `control: {control}`: let it connect to a sink of Rigtone's own"
        )),
        Expectation::SuccessRate(_) | Expectation::Unsupported(_)
            // Whether a prompt was understood is heard: see `voice`.
            if control == Control::Voice && !heard =>
        {
            Some(format!(
                "whether `{name}` succeeded is not seen with `control: voice`; expect something of a step that follows"
            ))
        }
        Expectation::Duration(_) => {
            Some(format!("how long `{name}` takes with `control: {control}` is the time of whoever is asked"))
        }
        Expectation::Latency(_) => {
            Some(format!("when the sound of `{name}` leaves is not known with `control: {control}`"))
        }
        Expectation::Difference(d) if matches!(d.of, Comparable::Latency | Comparable::Duration) => {
            Some(format!("times of `{name}` are not known with `control: {control}`"))
        }
        _ => None,
    }
}
