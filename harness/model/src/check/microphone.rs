//! Microphones of a rig: what they are, and where they stand.

use super::{dangling, rig::names};
use crate::{
    diagnostic::{Code, Diagnostic},
    document::{Alsa, Control, Rig, Role, Unit, Wire},
    load::{Entry, Library},
};

pub(super) fn check(entry: &Entry<Rig>, library: &Library, faults: &mut Vec<Diagnostic>) {
    let rig = &entry.value;
    for (name, microphone) in &rig.microphones {
        if !rig.rooms.contains_key(&microphone.room) {
            let path = ["microphones", name, "room"];
            faults.push(dangling(entry, &path, "room", &microphone.room, &names(&rig.rooms)));
        }
        if let Some(wire) = &microphone.sink {
            of_sink(entry, library, name, wire, faults);
        }
        match &microphone.alsa {
            Some(alsa) => device(entry, name, alsa, faults),
            None if microphone.calibration_file.is_some() => {
                let message = "there is no microphone whose response it could be";
                let fault = entry.diagnostic(Code::Incomplete, &["microphones", name, "calibration-file"], message);
                faults.push(fault.suggest("delete it: a stream and a simulated microphone are flat"));
            }
            None => {}
        }
    }
}

/// The sound card that `alsa` of a member names: one, by its port or by its device; `port` says where the port is found out.
pub(super) fn card(entry: &Entry<Rig>, member: [&str; 2], alsa: &Alsa, port: &str, faults: &mut Vec<Diagnostic>) {
    let [kind, name] = member;
    let at = |key: &'static str| [kind, name, "alsa", key];
    match (&alsa.device, &alsa.usb) {
        (Some(_), Some(_)) => faults.push(
            entry
                .diagnostic(Code::NotExactlyOne, &at("usb"), "the device is named already")
                .label(&entry.path, entry.position(&at("device")), "it is named here")
                .suggest("keep `usb`, or `device`"),
        ),
        (None, None) => faults.push(
            entry
                .diagnostic(Code::NotExactlyOne, &[kind, name, "alsa"], "no device is named")
                .suggest(format!("add `usb` and the port {port}, or `device`")),
        ),
        _ => {}
    }
    for (key, is) in [("pcm", alsa.pcm.is_some()), ("usb-id", alsa.usb_id.is_some())] {
        if is && alsa.usb.is_none() {
            let message = format!("`{key}` is of the card at a USB port, and no port is named");
            let fault = entry.diagnostic(Code::Incomplete, &at(key), message);
            faults.push(fault.suggest(format!("add `usb`, or delete `{key}`")));
        }
    }
}

fn device(entry: &Entry<Rig>, name: &str, alsa: &Alsa, faults: &mut Vec<Diagnostic>) {
    card(entry, ["microphones", name], alsa, "that `rigtone rig list` shows", faults);
    let at = |key: &'static str| ["microphones", name, "alsa", key];
    for (key, channel) in [("channel", Some(alsa.channel)), ("reference", alsa.reference)] {
        if let Some(channel) = channel.filter(|channel| *channel > alsa.channels) {
            let message = format!("channel {channel} of a device with {}", alsa.channels);
            let fault = entry.diagnostic(Code::DanglingReference, &at(key), message);
            faults.push(fault.suggest(format!("write a channel from 1 to {}", alsa.channels)));
        }
    }
    if alsa.reference == Some(alsa.channel) {
        let message = "the microphone itself cannot say when the sound was emitted";
        let fault = entry.diagnostic(Code::WrongReference, &at("reference"), message);
        let fault = fault.label(&entry.path, entry.position(&at("channel")), "the microphone is this channel");
        faults.push(fault.suggest("name the channel that is wired to the source, or delete `reference`"));
    }
}

/// What a microphone hears the stream of has to be a sink.
fn of_sink(entry: &Entry<Rig>, library: &Library, name: &str, wire: &Wire, faults: &mut Vec<Diagnostic>) {
    let rig = &entry.value;
    let path = ["microphones", name, "sink", "dongle"];
    if !rig.dongles.contains_key(&wire.dongle) {
        faults.push(dangling(entry, &path, "dongle", &wire.dongle, &names(&rig.dongles)));
        return;
    }
    // What a faulty document has is not known.
    let may_receive = |unit: &Unit| match library.devices.get(&unit.device) {
        Some(device) => device.value.roles.contains(&Role::A2dpSink),
        None => true,
    };
    let on_it = |unit: &&Unit| unit.control == Some(Control::Endpoint) && unit.dongle.as_ref() == Some(&wire.dongle);
    if !rig.units.values().filter(on_it).any(may_receive) {
        let message = format!("no sink of Rigtone is on the dongle `{}`", wire.dongle);
        let fault = entry.diagnostic(Code::WrongReference, &path, message);
        faults.push(fault.suggest(
            "add a unit with `control: endpoint`, this dongle, and a device of the role a2dp-sink, such as rigtone/reference-sink",
        ));
    }
}
