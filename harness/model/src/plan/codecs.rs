//! Whether the codecs that are asked for can be had.

use super::{Capability, obstacles::Answer, point::Point};
use crate::{
    document::{Action, Codec, Connect, Control, Expectation, Profile, Role, Unit, WantedCodec, World},
    dongle,
};

/// The steps that connect.
fn connects<'a>(point: &Point<'a>) -> impl Iterator<Item = &'a Connect> + use<'a> {
    point.steps().filter_map(|step| match step.action() {
        Action::Connect(connect) => Some(connect),
        _ => None,
    })
}

/// Asking for a codec that a firmware does not claim proves nothing, unless a fallback is what the scenario wants to see.
pub(super) fn unclaimed(point: &Point<'_>) -> Answer {
    // The codecs of documents are those of music.
    for connect in connects(point).filter(|connect| connect.profile == Profile::A2dp) {
        let codec = point.bindings.codec(connect)?;
        if wants_fallback(point, codec) {
            continue;
        }
        for candidate in [&connect.by, &connect.unit].into_iter().filter_map(|axis| point.unit_on(axis)) {
            if !candidate.codecs.contains(&codec) {
                let (name, firmware) = (candidate.name(), &candidate.unit.firmware);
                return Ok(Some(format!("{name}: firmware {firmware} does not claim the codec {codec}")));
            }
        }
    }
    Ok(None)
}

/// Whether another codec than the one that is asked for is expected, or the refusal itself.
fn wants_fallback(point: &Point<'_>, codec: Codec) -> bool {
    point.expected().any(|expectation| match expectation {
        Expectation::Codec(c) => matches!(c.is, WantedCodec::Codec(wanted) if wanted != codec),
        Expectation::Unsupported(_) => true,
        _ => false,
    })
}

/// Whether a unit is Rigtone itself on a dongle.
fn is_ours(point: &Point<'_>, unit: &Unit) -> bool {
    point.rig.world == World::Hardware && unit.control == Some(Control::Endpoint)
}

/// Whoever finds Rigtone as a sink in pairing mode may choose among all codecs of its document: it has to have them.
pub(super) fn unoffered(point: &Point<'_>) -> Answer {
    Ok(point.steps().find_map(|step| {
        let Action::EnterPairingMode(on) = step.action() else { return None };
        let candidate = point.unit_on(&on.unit)?;
        if !is_ours(point, candidate.unit) || !candidate.can.has(Capability::Receiving) {
            return None;
        }
        let codec = candidate.codecs.iter().find(|codec| !dongle::codecs(Role::A2dpSink).contains(codec))?;
        let (name, device, known) = (candidate.name(), &candidate.unit.device, dongle::codecs_in_words(Role::A2dpSink));
        Some(format!(
            "{name}: a dongle cannot be the sink of {codec}, which `{device}` would offer in pairing mode: list only what it can be the sink of ({known})"
        ))
    }))
}

/// A dongle has drivers of its own for codecs, whatever the device claims as which it goes, and whatever is expected.
pub(super) fn undriven(point: &Point<'_>) -> Answer {
    for connect in connects(point).filter(|connect| connect.profile == Profile::A2dp) {
        let codec = point.bindings.codec(connect)?;
        let ends = [&connect.by, &connect.unit].into_iter().filter_map(|axis| point.unit_on(axis));
        for candidate in ends.filter(|candidate| is_ours(point, candidate.unit)) {
            let (role, word) = match candidate.can.has(Capability::Receiving) {
                true => (Role::A2dpSink, "sink"),
                false => (Role::A2dpSource, "source"),
            };
            if !dongle::codecs(role).contains(&codec) {
                let (name, known) = (candidate.name(), dongle::codecs_in_words(role));
                return Ok(Some(format!(
                    "{name}: a dongle cannot be the {word} of {codec}: ask for another codec ({known}), or put a unit on this axis that is not Rigtone itself"
                )));
            }
        }
    }
    Ok(None)
}

/// The simulated world has one configuration of each codec.
pub(super) fn unconfigurable(point: &Point<'_>) -> Answer {
    for connect in connects(point) {
        let codec = point.bindings.codec(connect)?;
        let unusual = point.bindings.configuration(connect)?.filter(|wanted| !wanted.is_usual(codec));
        if let Some(wanted) = unusual.filter(|_| point.rig.world == World::Simulated) {
            let what = "the simulated world has the usual configuration of each codec only";
            return Ok(Some(format!("{what}, and {codec} at {wanted} is asked for")));
        }
    }
    Ok(None)
}
