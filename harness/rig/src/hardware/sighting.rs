//! What a dongle sees of a device that nobody knows yet: its answer to an inquiry, without a link and without a bond.

use rigtone_model::document::Dongle;

use super::OpenError;
use crate::capability::{Address, Answer};

/// How a device answered an inquiry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sighting {
    /// Its name.
    pub name: Option<String>,
    /// Its class of device (Bluetooth Assigned Numbers, section 2.8).
    pub class: Option<u32>,
    /// The services that it names, as full UUIDs in ascending order. It need not name all of them.
    pub services: Vec<u128>,
    /// Its Device ID record, such as `bluetooth:v0057p0301d0211`.
    pub device_id: Option<String>,
}

/// Searches with a dongle until a device answers. Nothing else of the rig is touched. Whoever asks has the lock of rig and dongle.
///
/// # Errors
/// When this build has no driver, or the dongle fails. That the device does not answer within `ns` is its own failure.
#[cfg(feature = "bluez")]
pub async fn sight(name: &str, dongle: &Dongle, target: Address, ns: i64) -> Result<Answer<Sighting>, OpenError> {
    use std::rc::Rc;

    use super::{HostClock, open::document};
    use crate::{bluez, clock::Clock as _, usb::Sysfs};

    let wrong = |what: String| document(format!("dongle {name}"), what);
    let address = dongle.address.parse().map_err(wrong)?;
    let usb = dongle.usb.as_deref().map(str::parse).transpose().map_err(wrong)?;
    let wanted = bluez::Wanted { address, usb, usb_id: dongle.usb_id.clone() };
    let clock = HostClock::start();
    let held = Rc::new(bluez::Dongle::new(name, wanted, None, Sysfs::host(), clock));
    Ok(bluez::sight(&held, target, clock.now().plus(ns)).await)
}

/// Searches with a dongle until a device answers.
///
/// # Errors
/// This build has no driver.
#[cfg(not(feature = "bluez"))]
pub async fn sight(name: &str, _: &Dongle, _: Address, _: i64) -> Result<Answer<Sighting>, OpenError> {
    Err(OpenError::NotBuilt { member: format!("dongle {name}"), feature: "bluez" })
}
