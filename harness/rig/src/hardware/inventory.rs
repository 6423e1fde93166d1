//! What is plugged into the host, for whoever writes a rig's document. The kernel is asked, and no device.

use rigtone_model::document::{Alsa, Rig};

use crate::usb::{Class, Sysfs};

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
