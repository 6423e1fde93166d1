//! What a command must have before it may drive outputs: the locks, and a place for journals.

use rigtone_model::{
    document::{Alsa, Control, Dongle, Output, RelayBoard, Rig, Unit},
    trial::InfrastructureFault,
};

use super::open::Selection;
use crate::{
    lock::{LockError, Locks, Resource},
    safety::State,
    usb::{Plug, Sysfs},
};

/// The right to drive a rig's outputs. Dropped after the rig itself, so that nobody else comes in between.
#[derive(Debug)]
pub struct Hold {
    pub(super) locks: Locks,
    pub(super) state: Result<State, InfrastructureFault>,
}

impl Hold {
    /// Locks a rig and every device behind the wanted members, all or nothing. Journals are kept where
    /// [`State::find`] says; that there is no such place is a fault of what leaves its safe state, not of the lock.
    ///
    /// # Errors
    /// When another process has one of them, or a lock file cannot be used.
    pub fn take(rig: &Rig, wanted: &Selection) -> Result<Self, LockError> {
        Self::take_with(rig, wanted, State::find())
    }

    /// As [`Hold::take`], with journals in another place.
    ///
    /// # Errors
    /// As [`Hold::take`].
    pub fn take_with(
        rig: &Rig,
        wanted: &Selection,
        state: Result<State, InfrastructureFault>,
    ) -> Result<Self, LockError> {
        Ok(Self { locks: Locks::take(&rig.rig, resources(rig, wanted))?, state })
    }
}

/// The outputs of a rig's members that hang on them: those of units, and of the dongles that are Rigtone's. With each
/// stands the unit that needs it, and what it is.
pub(super) fn outputs_of(rig: &Rig) -> impl Iterator<Item = (&str, String, &Output)> {
    rig.units.iter().flat_map(|(name, unit)| {
        let power = unit.power.iter().map(move |output| (format!("power of {name}"), output));
        let buttons = unit.buttons.iter();
        let buttons = buttons.map(move |(button, wiring)| (format!("button {button} of {name}"), &wiring.output));
        let supply = own_dongle(rig, unit).and_then(|(dongle, document)| {
            document.power().map(|output| (format!("supply of dongle {dongle}"), output))
        });
        power.chain(buttons).chain(supply).map(move |(what, output)| (name.as_str(), what, output))
    })
}

/// The dongle of a unit that is Rigtone itself.
pub(super) fn own_dongle<'a>(rig: &'a Rig, unit: &'a Unit) -> Option<(&'a str, &'a Dongle)> {
    let name = unit.dongle.as_deref().filter(|_| unit.control == Some(Control::Endpoint))?;
    rig.dongles.get(name).map(|dongle| (name, dongle))
}

/// A relay board, by its key: what that means on this host now. Two keys of one board are one resource.
pub(super) fn board(name: &str, key: &str) -> Resource {
    board_in(&Sysfs::host(), name, key)
}

fn board_in(sysfs: &Sysfs, name: &str, key: &str) -> Resource {
    let plug = match key.split_once(':') {
        _ if key.starts_with('/') => return Resource::serial(name, key),
        Some(("usb", port)) => port.parse().ok().map(|port| Plug { port: Some(port), ..Plug::default() }),
        Some(("serial", number)) => Some(Plug { serial: Some(number.to_owned()), ..Plug::default() }),
        _ => None,
    };
    let Some(plug) = plug else { return Resource::board(name, key) };
    let hid = || sysfs.hids().ok()?.into_iter().find(|hid| plug.port.as_ref() == Some(&hid.device.port));
    // A board that is not there now is nobody else's either.
    match sysfs.serial_port(&plug).ok().or_else(hid) {
        Some(node) => Resource::serial(name, &node.path.to_string_lossy()),
        None => Resource::board(name, key),
    }
}

/// The devices of the host behind some members. What the document lacks is found when the member is opened.
fn resources(rig: &Rig, wanted: &Selection) -> Vec<Resource> {
    let mut resources = Vec::new();
    for (_, _, output) in outputs_of(rig).filter(|(unit, ..)| wanted.units.contains(*unit)) {
        let key = rig.relays.get(&output.relay).and_then(RelayBoard::key);
        resources.extend(key.map(|key| board(&output.relay, &key)));
    }
    for unit in wanted.units.iter().filter_map(|name| rig.units.get(name)) {
        let found = own_dongle(rig, unit);
        resources.extend(found.map(|(name, dongle)| Resource::dongle(name, &dongle.address)));
    }
    resources.extend(super::asked::resources(rig, wanted));
    for (name, microphone) in &rig.microphones {
        let alsa = microphone.alsa.as_ref().filter(|_| wanted.microphones.contains(name));
        // A card that is not there now is nobody else's either.
        let device = |alsa: &Alsa| Sysfs::host().pcm(alsa).map_or_else(|_| alsa.named(), |pcm| pcm.name);
        resources.extend(alsa.map(|alsa| Resource::alsa(name, &device(alsa))));
        let wire = microphone.sink.as_ref().filter(|_| wanted.microphones.contains(name));
        let found = wire.and_then(|wire| Some((&wire.dongle, rig.dongles.get(&wire.dongle)?)));
        resources.extend(found.map(|(name, dongle)| Resource::dongle(name, &dongle.address)));
    }
    resources
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usb::tree::Tree;

    #[test]
    fn a_board_is_one_resource_whatever_it_is_found_by() {
        let tree = Tree::new();
        tree.usb("1-2", "0403", "6001", Some("A9079L5D"));
        // A character device that every host has.
        tree.node("tty", "null", "1-2/1-2:1.0/null/tty/null");
        let of = |key: &str| board_in(&tree.sysfs(), "b", key).key().to_owned();
        assert_eq!([of("usb:1-2"), of("serial:A9079L5D"), of("/dev/null")], ["+tty-1:3"; 3]);
        assert_eq!(of("usb:1-3"), "+board-usb:1-3", "one that is not there");
        assert_eq!(of("http://10.0.0.5"), "+board-http:%2F%2F10.0.0.5");
    }
}
