//! What is wired to what: ports that two members claim, and buttons that gestures need.

use std::{collections::HashMap, path::PathBuf};

use super::steps;
use crate::{
    diagnostic::{Code, Diagnostic, nearest},
    document::{Action, Axis, ByHand, Device, Gesture, PAIRING_MODE, Rig, Scenario, Unit, UnitChoice},
    load::{Entry, Library},
};

/// A gesture that a scenario needs, and of which units.
pub(super) struct Needed<'a> {
    entry: &'a Entry<Scenario>,
    choice: &'a UnitChoice,
    gesture: &'a str,
    /// Where the scenario asks for it.
    path: Vec<String>,
}

/// The gestures that the scenarios need.
pub(super) fn needed(library: &Library) -> Vec<Needed<'_>> {
    let mut all = Vec::new();
    for entry in library.scenarios.values() {
        for placed in steps::placed(&entry.value) {
            let action = placed.step.action();
            let (axis, gesture) = match action {
                Action::EnterPairingMode(a) => (a.unit.as_str(), PAIRING_MODE),
                Action::Gesture(a) => (a.unit.as_str(), a.name.as_str()),
                _ => continue,
            };
            if let Some(Axis::Units(choice)) = entry.value.matrix.get(axis) {
                let path = placed.at([action.name()]).into_iter().map(str::to_owned).collect();
                all.push(Needed { entry, choice, gesture, path });
            }
        }
    }
    all
}

pub(super) fn check(entry: &Entry<Rig>, library: &Library, needed: &[Needed<'_>], faults: &mut Vec<Diagnostic>) {
    ports(entry, faults);
    for (name, unit) in &entry.value.units {
        // Without any button wired, or with a person at it, the unit is not pressed by relays: a plan says what that means.
        let unpressed = unit.buttons.is_empty() || unit.by_hand.contains(&ByHand::PairingMode);
        if let (false, Some(device)) = (unpressed, library.devices.get(&unit.device)) {
            buttons(entry, name, unit, &device.value, needed, faults);
        }
    }
}

/// A port that two boards claim, or a channel of a sound card that two microphones claim: what one of them does would
/// happen to the other.
fn ports(entry: &Entry<Rig>, faults: &mut Vec<Diagnostic>) {
    let rig = &entry.value;
    // Paths are compared part by part: `/dev//ttyUSB0` is `/dev/ttyUSB0`.
    let mut boards: HashMap<PathBuf, Vec<&str>> = HashMap::new();
    for (name, board) in &rig.relays {
        for stated in board.stated() {
            let Some(key) = stated.place.key() else { continue };
            let path = vec!["relays", name, stated.family, stated.place.field()];
            let place = std::path::Path::new(&key).components().collect();
            if let Some(first) = boards.get(&place) {
                faults.push(shared(entry, &path, first, format!("`{key}` is a board already")));
            } else {
                boards.insert(place, path);
            }
        }
    }
    let mut channels: HashMap<(String, u16), Vec<&str>> = HashMap::new();
    for (name, microphone) in &rig.microphones {
        let Some(alsa) = &microphone.alsa else { continue };
        let key = if alsa.device.is_some() { "device" } else { "usb" };
        let path = vec!["microphones", name, "alsa", key];
        let channel = (alsa.named(), alsa.channel);
        if let Some(first) = channels.get(&channel) {
            let message = format!("channel {} of `{}` is a microphone already", channel.1, channel.0);
            faults.push(shared(entry, &path, first, message));
        } else {
            channels.insert(channel, path);
        }
    }
    usb_ports(entry, faults);
}

/// A USB port that two members claim, or that leads to another member: one thing is plugged into one port. The channels
/// of one sound card are several microphones.
fn usb_ports(entry: &Entry<Rig>, faults: &mut Vec<Diagnostic>) {
    let rig = &entry.value;
    let dongles = rig.dongles.iter().map(|(name, dongle)| (&dongle.usb, vec!["dongles", name, "usb"]));
    let microphones = rig.microphones.iter().filter_map(|(name, m)| Some((name, m.alsa.as_ref()?)));
    let microphones = microphones.map(|(name, alsa)| (&alsa.usb, vec!["microphones", name, "alsa", "usb"]));
    let boards: Vec<(Option<String>, Vec<&str>)> = rig
        .relays
        .iter()
        .flat_map(|(name, board)| board.stated().into_iter().map(move |stated| (name, stated)))
        .map(|(name, stated)| (stated.place.usb().map(str::to_owned), vec!["relays", name, stated.family, "usb"]))
        .collect();
    let boards = boards.iter().map(|(port, path)| (port, path.clone()));
    let named = dongles.chain(microphones).chain(boards).filter_map(|(port, path)| Some((port.as_deref()?, path)));
    let mut seen: Vec<(&str, Vec<&str>)> = Vec::new();
    for (port, path) in named {
        let clash = seen.iter().find_map(|(other, first)| {
            let message = if *other == port && (first[0], path[0]) != ("microphones", "microphones") {
                format!("something else is plugged into the USB port `{port}`")
            } else if is_behind(port, other) {
                format!("the USB port `{other}` is no hub, so nothing is plugged in at `{port}`")
            } else if is_behind(other, port) {
                format!("the USB port `{port}` is a hub: `{other}` lies behind it")
            } else {
                return None;
            };
            Some(shared(entry, &path, first, message))
        });
        faults.extend(clash);
        seen.push((port, path));
    }
}

/// Whether a USB port is one of the hub that is plugged into another, or of one behind that.
fn is_behind(port: &str, other: &str) -> bool {
    port.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'))
}

fn shared(entry: &Entry<Rig>, path: &[&str], first: &[&str], message: String) -> Diagnostic {
    entry
        .diagnostic(Code::SharedPort, path, message)
        .label(&entry.path, entry.position(first), "it is named here")
        .suggest("name the port of the other one, or use one member for both")
}

/// Buttons that a gesture presses and that are not wired, though others of the unit are.
fn buttons(
    entry: &Entry<Rig>,
    name: &str,
    unit: &Unit,
    device: &Device,
    needed: &[Needed<'_>],
    faults: &mut Vec<Diagnostic>,
) {
    for (gesture, does) in &device.gestures {
        let need = || needed.iter().find(|n| n.gesture == gesture && chooses(n.choice, name, unit, device));
        if let Some(button) = missing(unit, does)
            && let Some(need) = need()
        {
            faults.push(unwired(entry, name, unit, device, (gesture, button), need));
        }
        for (button, wiring) in &unit.buttons {
            let held = does.longest_hold(button);
            if held > wiring.longest_hold
                && let Some(need) = need()
            {
                let longest = wiring.longest_hold;
                let message = format!(
                    "the gesture `{gesture}` of `{}` holds `{button}` for {held}, and {longest} is the longest here",
                    unit.device
                );
                faults.push(
                    entry
                        .diagnostic(Code::HeldTooLong, &["units", name, "buttons", button], message)
                        .label(&need.entry.path, need.entry.key_position(&need.path), "a scenario needs it here")
                        .suggest(format!("write `longest-hold: {held}` if that does no harm to this unit")),
                );
            }
        }
    }
}

/// The finding about a button that is not wired.
fn unwired(
    entry: &Entry<Rig>,
    name: &str,
    unit: &Unit,
    device: &Device,
    (gesture, button): (&str, &str),
    need: &Needed<'_>,
) -> Diagnostic {
    let message = format!("the gesture `{gesture}` of `{}` presses `{button}`, which is not wired", unit.device);
    // A button that the device does not have was probably meant for the one that is missing.
    let unknown = |wired: &&String| !device.gestures.values().any(|g| g.buttons().any(|b| b == wired.as_str()));
    let wired = unit.buttons.keys().filter(unknown).map(String::as_str);
    let advice = match nearest(button, wired) {
        Some(wired) => format!("did you mean `{button}` where `{wired}` is wired?"),
        None => format!("add `{button}` to `buttons`, or let the scenario choose other units"),
    };
    entry
        .diagnostic(Code::UnwiredButton, &["units", name, "buttons"], message)
        .label(&need.entry.path, need.entry.key_position(&need.path), "a scenario needs it here")
        .suggest(advice)
}

fn missing<'a>(unit: &Unit, gesture: &'a Gesture) -> Option<&'a str> {
    gesture.buttons().find(|button| !unit.buttons.contains_key(*button))
}

/// Whether a unit may stand on an axis, as a plan chooses.
pub(super) fn chooses(choice: &UnitChoice, name: &str, unit: &Unit, device: &Device) -> bool {
    let any = |names: &[String], name: &str| names.is_empty() || names.iter().any(|n| n == name);
    choice.role.is_none_or(|role| device.roles.contains(&role))
        && any(&choice.devices, &device.device)
        && any(&choice.units, name)
        && any(&choice.firmware, &unit.firmware)
        && choice.tags.iter().all(|tag| device.tags.contains(tag) || unit.tags.contains(tag))
}
