//! What a rig says of those who are asked: people, voice assistants, phones, and the loudspeakers that speak to them.

use std::collections::HashMap;

use super::{dangling, microphone};
use crate::{
    diagnostic::{Code, Diagnostic},
    document::{ByHand, Control, Device, Rig, SpokenPrompt, Unit, Verify, Way, World},
    load::{Entry, Library},
};

pub(super) fn check(entry: &Entry<Rig>, library: &Library, faults: &mut Vec<Diagnostic>) {
    let rig = &entry.value;
    for (name, loudspeaker) in &rig.loudspeakers {
        if !rig.rooms.contains_key(&loudspeaker.room) {
            let known: Vec<&str> = rig.rooms.keys().map(String::as_str).collect();
            faults.push(dangling(entry, &["loudspeakers", name, "room"], "room", &loudspeaker.room, &known));
        }
        if rig.world == World::Simulated {
            let message = "a simulated rig has no real loudspeaker";
            let fault = entry.diagnostic(Code::WrongWorld, &["loudspeakers", name], message);
            faults.push(fault.suggest("delete it, or write `world: hardware`"));
        }
        if loudspeaker.level.is_some_and(|level| level.db() > 0.0) {
            let message = "a prompt that is louder than its recording would be cut off at the top";
            let fault = entry.diagnostic(Code::OutOfRange, &["loudspeakers", name, "level"], message);
            faults.push(fault.suggest("write `0 dB` or less, and turn up the amplifier"));
        }
        let card = loudspeaker.alsa.place();
        microphone::card(entry, ["loudspeakers", name], &card, "of the sound card", faults);
    }
    let mut phones: HashMap<&str, &str> = HashMap::new();
    for (name, unit) in &rig.units {
        by_hand(entry, name, unit, faults);
        spoken_to(entry, library, name, unit, faults);
        android(entry, name, unit, &mut phones, faults);
        if rig.world == World::Simulated && matches!(unit.verify.as_ref().and_then(Verify::way), Some(Way::Operator(_)))
        {
            let path = ["units", name, "verify", "operator"];
            let fault = entry.diagnostic(Code::WrongWorld, &path, "nobody can look at a simulated unit");
            faults.push(fault.suggest("verify it in another way, or write `world: hardware`"));
        }
    }
}

fn by_hand(entry: &Entry<Rig>, name: &str, unit: &Unit, faults: &mut Vec<Diagnostic>) {
    let path = ["units", name, "by-hand"];
    if unit.by_hand.is_empty() {
        return;
    }
    if entry.value.world == World::Simulated {
        let fault = entry.diagnostic(Code::WrongWorld, &path, "nobody can lay hands on a simulated unit");
        faults.push(fault.suggest("delete it, or write `world: hardware`"));
    }
    let twice = ByHand::PairingMode;
    let repeated =
        [ByHand::Power, twice].into_iter().find(|wanted| unit.by_hand.iter().filter(|b| *b == wanted).count() > 1);
    if let Some(repeated) = repeated {
        let message = format!("`{}` stands there twice", repeated.as_str());
        faults.push(entry.diagnostic(Code::RepeatedValue, &path, message).suggest("delete one of them"));
    }
    if unit.by_hand.contains(&ByHand::Power) && unit.power.is_some() {
        let first = ["units", name, "power"];
        faults.push(
            entry
                .diagnostic(Code::NotExactlyOne, &path, "its supply is switched by a relay already")
                .label(&entry.path, entry.key_position(&first), "it is wired here")
                .suggest("keep `power`, or let a person do it"),
        );
    }
    if unit.by_hand.contains(&ByHand::PairingMode) && unit.control == Some(Control::Endpoint) {
        let fault = entry.diagnostic(Code::WrongReference, &path, "a unit that is Rigtone itself has no buttons");
        faults.push(fault.suggest("delete `pairing-mode`"));
    }
}

/// Who is spoken to has a loudspeaker and something that is said; who is not has neither.
fn spoken_to(entry: &Entry<Rig>, library: &Library, name: &str, unit: &Unit, faults: &mut Vec<Diagnostic>) {
    let rig = &entry.value;
    let voice = unit.control == Some(Control::Voice);
    match &unit.spoken_to {
        None if voice && rig.world == World::Hardware => {
            let fault = entry.diagnostic(Code::Incomplete, &["units", name, "control"], "nothing speaks to it");
            faults.push(fault.suggest("add `spoken-to` with one of the names under `loudspeakers`, and the distance"));
        }
        None => {}
        Some(_) if !voice => {
            let message = "only a unit with `control: voice` is spoken to";
            let fault = entry.diagnostic(Code::WrongReference, &["units", name, "spoken-to"], message);
            faults.push(fault.suggest("write `control: voice`, or delete it"));
        }
        Some(to) if !rig.loudspeakers.contains_key(&to.loudspeaker) => {
            let known: Vec<&str> = rig.loudspeakers.keys().map(String::as_str).collect();
            let path = ["units", name, "spoken-to", "loudspeaker"];
            faults.push(dangling(entry, &path, "loudspeaker", &to.loudspeaker, &known));
        }
        Some(_) => {}
    }
    let silent = |device: &Entry<Device>| device.value.prompts.is_empty();
    if voice && rig.world == World::Hardware && library.devices.get(&unit.device).is_some_and(silent) {
        let message = format!("the device `{}` has no prompts, so that nothing can be said to it", unit.device);
        let fault = entry.diagnostic(Code::Incomplete, &["units", name, "control"], message);
        faults.push(fault.suggest("add `prompts` to its document: `pair`, `connect`, `disconnect`, `play`"));
    }
}

fn android<'a>(
    entry: &'a Entry<Rig>,
    name: &'a str,
    unit: &'a Unit,
    phones: &mut HashMap<&'a str, &'a str>,
    faults: &mut Vec<Diagnostic>,
) {
    let controlled = unit.control == Some(Control::Android);
    match &unit.android {
        None if controlled => {
            let fault = entry.diagnostic(Code::Incomplete, &["units", name, "control"], "no phone is named");
            faults.push(fault.suggest("add `android: {serial: ...}` with what `adb devices` shows"));
        }
        Some(_) if !controlled => {
            let message = "only a unit with `control: android` is a phone";
            let fault = entry.diagnostic(Code::WrongReference, &["units", name, "android"], message);
            faults.push(fault.suggest("write `control: android`, or delete it"));
        }
        Some(phone) => {
            if let Some(other) = phones.insert(&phone.serial, name) {
                let message = format!("the phone `{}` is the unit `{other}` already", phone.serial);
                let first = ["units", other, "android", "serial"];
                faults.push(
                    entry
                        .diagnostic(Code::RepeatedValue, &["units", name, "android", "serial"], message)
                        .label(&entry.path, entry.position(&first), "it stands here first")
                        .suggest("write the serial number of the other phone, as `adb devices` shows it"),
                );
            }
        }
        None => {}
    }
    if controlled && entry.value.world == World::Simulated {
        let fault = entry.diagnostic(Code::WrongWorld, &["units", name, "control"], "a simulated rig has no phone");
        faults.push(fault.suggest("write `control: endpoint`, or `world: hardware`"));
    }
}

/// What is said has words or a recording, not both, and stands for nothing unknown.
pub(super) fn prompts(entry: &Entry<Device>, faults: &mut Vec<Diagnostic>) {
    for (name, SpokenPrompt { text, wav, .. }) in &entry.value.prompts {
        if text.is_some() == wav.is_some() {
            let message = if text.is_some() { "it is both spoken and recorded" } else { "it says nothing" };
            let fault = entry.diagnostic(Code::NotExactlyOne, &["prompts", name], message);
            faults.push(fault.suggest("write one of `text` and `wav`"));
        }
        let unknown =
            text.iter().flat_map(|text| placeholders(text)).find(|word| !["{speaker}", "{signal}"].contains(word));
        if let Some(unknown) = unknown {
            let message = format!("`{unknown}` stands for nothing");
            let fault = entry.diagnostic(Code::DanglingReference, &["prompts", name, "text"], message);
            faults.push(fault.suggest("write `{speaker}`, `{signal}`, or the words themselves"));
        }
    }
}

/// What begins with a brace, with it, up to the one that closes it.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('{').map(|(begin, _)| {
        let rest = &text[begin..];
        rest.find('}').map_or(rest, |end| &rest[..=end])
    })
}
