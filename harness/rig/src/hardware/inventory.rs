//! What is plugged into the host, for whoever writes a rig's document. The kernel is asked, and no device.

use std::collections::BTreeMap;

use rigtone_model::document::{Alsa, Rig, World};
use serde::Serialize;

use crate::usb::{Class, Sysfs};

/// The members of a rig, each with what is known of it on this host. The form of `rigtone rig list --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Listing {
    /// Version of this form.
    pub schema: &'static str,
    /// The rig.
    pub rig: String,
    /// What it is.
    pub title: String,
    /// Its units by name.
    pub units: BTreeMap<String, ListedUnit>,
    /// Its dongles by name.
    pub dongles: BTreeMap<String, ListedDongle>,
    /// Its relay boards by name.
    pub relays: BTreeMap<String, ListedBoard>,
    /// Its microphones by name.
    pub microphones: BTreeMap<String, ListedMicrophone>,
    /// What is plugged in and not part of it, one sentence each.
    pub others: Vec<String>,
}

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListedUnit {
    /// Its device.
    pub device: String,
    /// The firmware that the document names.
    pub firmware: String,
    /// Its address.
    pub address: String,
}

/// A dongle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListedDongle {
    /// Its address.
    pub address: String,
    /// The USB port that the document names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usb: Option<String>,
    /// What is known of it now; nothing of a simulated one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

/// A relay board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListedBoard {
    /// How many channels it has.
    pub channels: u8,
    /// Its family; nothing of a simulated one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<&'static str>,
    /// Where it is reached; nothing of a simulated one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
}

/// A microphone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListedMicrophone {
    /// The room it stands in.
    pub room: String,
    /// What it is.
    pub device: String,
    /// What is known of it now, if it is a sound card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

impl Listing {
    /// The members of a rig; those of a simulated one are plugged in nowhere.
    pub fn of(rig: &Rig) -> Self {
        let there = (rig.world == World::Hardware).then(Inventory::take);
        let units = rig.units.iter().map(|(name, unit)| {
            let (device, firmware, address) = (unit.device.clone(), unit.firmware.clone(), unit.address.clone());
            (name.clone(), ListedUnit { device, firmware, address })
        });
        let dongles = rig.dongles.iter().map(|(name, dongle)| {
            let found = there.as_ref().map(|there| there.dongle(&dongle.address));
            (name.clone(), ListedDongle { address: dongle.address.clone(), usb: dongle.usb.clone(), found })
        });
        let relays = rig.relays.iter().map(|(name, board)| {
            let stated = board.stated().into_iter().next();
            let family = stated.as_ref().map(|stated| stated.family);
            let port = stated.and_then(|stated| stated.place.key());
            (name.clone(), ListedBoard { channels: board.channels, family, port })
        });
        let microphones = rig.microphones.iter().map(|(name, microphone)| {
            let device = match (&microphone.alsa, &microphone.sink) {
                (Some(alsa), _) => alsa.named(),
                (None, Some(wire)) => format!("what dongle {} receives", wire.dongle),
                (None, None) => "simulated".to_owned(),
            };
            let found = there.as_ref().zip(microphone.alsa.as_ref()).map(|(there, alsa)| there.microphone(alsa));
            (name.clone(), ListedMicrophone { room: microphone.room.clone(), device, found })
        });
        Self {
            schema: "1.0",
            rig: rig.rig.clone(),
            title: rig.title.clone(),
            units: units.collect(),
            dongles: dongles.collect(),
            relays: relays.collect(),
            microphones: microphones.collect(),
            others: there.iter().flat_map(|there| there.others(rig)).collect(),
        }
    }
}

/// What there is.
pub struct Inventory {
    sysfs: Sysfs,
    /// The addresses of controllers, and what else is known of each.
    controllers: Result<Vec<(String, String)>, String>,
}

impl Inventory {
    /// What there is now.
    pub fn take() -> Self {
        let sysfs = Sysfs::host();
        let controllers = controllers(&sysfs);
        Self { sysfs, controllers }
    }

    /// What is known of the dongle of that address.
    pub fn dongle(&self, address: &str) -> String {
        let known = match &self.controllers {
            Ok(known) => known,
            Err(why) => return why.clone(),
        };
        let found = known.iter().filter(|(of, _)| of == address).map(|(_, what)| what.as_str());
        match found.collect::<Vec<_>>().as_slice() {
            [] => "not there".to_owned(),
            [one] => (*one).to_owned(),
            several => format!("{} of that address: {}", several.len(), several.join("; ")),
        }
    }

    /// What is known of a microphone.
    pub fn microphone(&self, alsa: &Alsa) -> String {
        match self.sysfs.pcm(alsa) {
            Ok(pcm) => pcm.found().unwrap_or_else(|| "no card of that name".to_owned()),
            Err(refusal) => format!("{}; {}", refusal.what, refusal.hint),
        }
    }

    /// What a rig's document does not name: dongles, and sound cards on USB ports.
    pub fn others(&self, rig: &Rig) -> Vec<String> {
        let named = |address: &String| rig.dongles.values().any(|dongle| dongle.address == *address);
        let known = self.controllers.iter().flatten().filter(|(address, _)| !named(address));
        let mut others: Vec<String> = known.map(|(address, what)| format!("dongle {address}: {what}")).collect();
        let devices = rig.microphones.values().filter_map(|microphone| microphone.alsa.as_ref());
        let ours: Vec<u32> = devices.filter_map(|alsa| Some(self.sysfs.pcm(alsa).ok()?.card?.0)).collect();
        let cards = self.sysfs.numbers(Class::Sound).unwrap_or_default();
        for card in cards.into_iter().filter(|card| !ours.contains(card)) {
            if let Ok(place) = self.sysfs.place(Class::Sound, card)
                && place.port().is_some()
            {
                others.push(format!("sound card {card} at {place}"));
            }
        }
        others
    }
}

#[cfg(feature = "bluez")]
fn controllers(sysfs: &Sysfs) -> Result<Vec<(String, String)>, String> {
    let known = crate::bluez::controllers(sysfs)?;
    Ok(known.into_iter().map(|found| (found.address.to_string(), found.to_string())).collect())
}

#[cfg(not(feature = "bluez"))]
fn controllers(_: &Sysfs) -> Result<Vec<(String, String)>, String> {
    Err("this build has no driver for dongles".to_owned())
}
