//! What a trial needs of the rig for itself, what it shares, and how many trials may need the same at a time.

use std::{collections::BTreeSet, sync::Arc};

use super::{asked, bindings::BindingError, candidate::Candidate, point::Point, voice};
use crate::document::{Action, Codec, Unit};

/// How many trials may search or pair in one room at a time.
///
/// They share the 32 frequencies of the inquiry. In 1250 µs a searching radio sends on two of its frequencies and hears
/// answers of 366 µs; another's packet of 68 µs meets an answer with a probability of 2 × (366 + 68) / 1250 / 32, some
/// 2 %. So with three each loses less than one answer in twenty, which the next round makes good, while a crowd would
/// make searches longer than the device does: the rig would measure itself.
const AIRTIME: u32 = 3;

/// How many trials may use a resource at a time: units, dongles, microphones and rooms belong to one.
///
/// `resource` is a name as in [`Combination::resources`](super::Combination::resources).
pub fn capacity(resource: &str) -> u32 {
    if resource.starts_with("airtime ") { AIRTIME } else { 1 }
}

/// What a trial needs for itself, in alphabetical order.
pub(super) fn own(point: &Point<'_>) -> Arc<[Arc<str>]> {
    let rig = point.rig;
    let (mut plays, mut searches) = (false, false);
    for step in point.steps() {
        plays |= matches!(step.action(), Action::Play(_) | Action::Listen(_)) || voice::sounds(step.action());
        searches |= matches!(step.action(), Action::Discover(_) | Action::Pair(_));
    }
    let mut resources: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut rooms: BTreeSet<&str> = BTreeSet::new();
    for (_, Candidate { unit, resource, .. }) in point.units {
        resources.insert(resource.clone());
        if let Some(dongle) = &unit.dongle {
            resources.insert(format!("dongle {dongle}").into());
        }
        if asked::needs_a_person(unit, rig) {
            // One person does one thing at a time.
            resources.insert("operator".into());
        }
        if let Some((name, room)) = asked::loudspeaker(unit, rig) {
            resources.extend([format!("loudspeaker {name}").into(), format!("room {room}").into()]);
        }
        let Some((name, microphone)) = nearest(unit).and_then(|n| Some((n, rig.microphones.get(n)?))) else { continue };
        rooms.insert(&microphone.room);
        if plays {
            resources.insert(format!("microphone {name}").into());
            // What sounds in a room is heard by every microphone in it.
            resources.insert(format!("room {}", microphone.room).into());
        }
    }
    if searches {
        // A unit that no microphone hears stands in the only room, or nobody knows where.
        if let (true, 1) = (rooms.is_empty(), rig.rooms.len()) {
            rooms.extend(rig.rooms.keys().map(String::as_str));
        }
        resources.extend(rooms.into_iter().map(|room| format!("airtime {room}").into()));
    }
    resources.into_iter().collect()
}

/// Members that are shared, but without which a trial cannot be done, in alphabetical order.
pub(super) fn shared(point: &Point<'_>) -> Result<Arc<[Arc<str>]>, BindingError> {
    let plays = point.steps().any(|step| matches!(step.action(), Action::Play(_)));
    let mut encoders: BTreeSet<Arc<str>> = BTreeSet::new();
    for step in point.steps().filter(|_| plays) {
        if let Action::Connect(connect) = step.action() {
            encoders.insert(format!("encoder {}", encoder(point.bindings.codec(connect)?)).into());
        }
    }
    let mut members: BTreeSet<Arc<str>> = BTreeSet::new();
    for (_, Candidate { unit, device, .. }) in point.units {
        let outputs = unit.power.iter().chain(unit.buttons.values().map(|button| &button.output));
        members.extend(outputs.flat_map(|output| [output.board().into(), output.member().into()]));
        members.extend(asked::synthesiser(unit, device, point.rig).map(Into::into));
        if plays && unit.dongle.is_some() {
            members.extend(encoders.iter().cloned());
        }
    }
    Ok(members.into_iter().collect())
}

/// What makes the stream of a codec, as rigs call it.
const fn encoder(codec: Codec) -> &'static str {
    match codec {
        Codec::Sbc => "sbcenc",
        Codec::Ldac => "gst-launch-1.0",
        _ => "ffmpeg",
    }
}

/// The microphone that hears a unit best.
pub(super) fn nearest(unit: &Unit) -> Option<&String> {
    let metres = |heard: &crate::document::Heard| heard.distance.metres();
    unit.heard_by.iter().min_by(|a, b| metres(a.1).total_cmp(&metres(b.1))).map(|(name, _)| name)
}
