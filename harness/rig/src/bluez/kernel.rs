//! The host's controllers as the kernel knows them: which they are and where they hang. No controller is asked.

use std::fmt;

use serde_json::json;

use crate::{
    capability::Address,
    usb::{Class, Place, PlaceError, Sysfs},
};

/// A controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// N of `hciN`, at this time.
    pub number: u32,
    /// Its address.
    pub address: Address,
    /// Where it hangs.
    pub place: Result<Place, PlaceError>,
    /// Its version of HCI, by its assigned number: 6 is Bluetooth 4.0, 13 is 5.4.
    pub hci_version: u8,
    /// Its maker, by its assigned number.
    pub manufacturer: u16,
    /// Whether it is powered.
    pub powered: bool,
}

impl Controller {
    /// For the run's environment.
    pub(crate) fn describe(&self) -> serde_json::Value {
        let usb = self.place.as_ref().ok().and_then(|place| match place {
            Place::Usb(device) => Some(device),
            Place::Elsewhere(_) => None,
        });
        json!({
            "address": self.address.to_string(),
            "kernel": format!("hci{}", self.number),
            "place": self.place.as_ref().map_or_else(ToString::to_string, ToString::to_string),
            "usb": usb.map(|device| device.port.to_string()),
            "usb-id": usb.map(|device| device.id.clone()),
            "serial": usb.and_then(|device| device.serial.clone()),
            "hci-version": self.hci_version,
            "manufacturer": self.manufacturer,
        })
    }
}

impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hci{} at ", self.number)?;
        match &self.place {
            Ok(place) => place.fmt(f)?,
            Err(e) => write!(f, "an unknown place: {e}")?,
        }
        let powered = if self.powered { "powered" } else { "not powered" };
        write!(f, ", HCI version {}, manufacturer {}, {powered}", self.hci_version, self.manufacturer)
    }
}

/// All that are ready.
///
/// # Errors
/// When the kernel has no Bluetooth, does not let this program ask, or does not answer.
pub fn controllers(sysfs: &Sysfs) -> Result<Vec<Controller>, String> {
    let known =
        rigtone_monitor::controllers().map_err(|e| format!("the kernel tells nothing of its controllers: {e}"))?;
    let controllers = known.into_iter().map(|known| Controller {
        number: u32::from(known.index),
        address: Address(known.address),
        place: sysfs.place(Class::Bluetooth, u32::from(known.index)),
        hci_version: known.version,
        manufacturer: known.manufacturer,
        powered: known.powered,
    });
    Ok(controllers.collect())
}
