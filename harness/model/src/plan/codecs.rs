//! Whether the codecs that are asked for can be had.

use super::{obstacles::Answer, point::Point};
use crate::document::{Action, Codec, Connect, Expectation, Profile, WantedCodec, World};

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
