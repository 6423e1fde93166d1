//! What the units of a rig are called by those who are asked.

use std::collections::BTreeMap;

use rigtone_model::document::{Device, Rig};

use crate::capability::Address;

/// What a unit is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Called {
    /// Its name in the rig.
    pub(crate) name: String,
    /// What is written on its box.
    pub(crate) title: String,
    /// The name that it has on the air, as far as the documents know.
    pub(crate) on_air: String,
}

impl std::fmt::Display for Called {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` ({})", self.name, self.title)
    }
}

/// The units of a rig by their addresses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directory(BTreeMap<Address, Called>);

impl Directory {
    /// The units of a rig. What cannot be read is left out: it is refused elsewhere.
    pub(crate) fn of(rig: &Rig, devices: &dyn Fn(&str) -> Option<Device>) -> Self {
        let called = rig.units.iter().filter_map(|(name, unit)| {
            let device = devices(&unit.device);
            let title = device.as_ref().map_or_else(|| unit.device.clone(), |device| device.title.clone());
            let on_air = device.and_then(|device| device.air_name).unwrap_or_else(|| title.clone());
            Some((unit.address.parse().ok()?, Called { name: name.clone(), title, on_air }))
        });
        Self(called.collect())
    }

    /// What the unit of that address is called; by its address where nobody knows.
    pub(crate) fn of_address(&self, address: Address) -> Called {
        let unknown = || Called { name: address.to_string(), title: "unknown".into(), on_air: address.to_string() };
        self.0.get(&address).cloned().unwrap_or_else(unknown)
    }
}
