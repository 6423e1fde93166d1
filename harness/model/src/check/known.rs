//! The names that scenarios may refer to, gathered once for all of them.

use crate::load::Library;

/// Names in alphabetical order, without repetition.
pub(super) struct Known<'a> {
    pub(super) devices: Vec<&'a str>,
    pub(super) firmware: Vec<&'a str>,
    pub(super) units: Vec<&'a str>,
    /// Of devices and of units.
    pub(super) tags: Vec<&'a str>,
    pub(super) gestures: Vec<&'a str>,
    pub(super) settings: Vec<&'a str>,
}

impl<'a> Known<'a> {
    pub(super) fn of(library: &'a Library) -> Self {
        let devices = || library.devices.values().map(|entry| &entry.value);
        let units = || library.rigs.values().flat_map(|entry| &entry.value.units);
        Self {
            devices: sorted(library.devices.keys()),
            firmware: sorted(devices().flat_map(|device| device.firmware.keys())),
            units: sorted(units().map(|(name, _)| name)),
            tags: sorted(devices().flat_map(|device| &device.tags).chain(units().flat_map(|(_, unit)| &unit.tags))),
            gestures: sorted(devices().flat_map(|device| device.gestures.keys())),
            settings: sorted(devices().flat_map(|device| device.settings.keys())),
        }
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}
