//! Units of the rig, with what planning needs to know of them.

use std::sync::Arc;

use super::{AxisValue, Capabilities, Expansion};
use crate::document::{Codec, Device, Unit, UnitChoice};

/// A unit that can stand on an axis.
pub(super) struct Candidate<'a> {
    pub(super) value: AxisValue,
    pub(super) resource: Arc<str>,
    pub(super) unit: &'a Unit,
    pub(super) device: &'a Device,
    pub(super) can: Capabilities,
    /// What its firmware claims.
    pub(super) codecs: &'a [Codec],
}

impl Candidate<'_> {
    /// Its name in the rig's document.
    pub(super) fn name(&self) -> &str {
        self.value.text()
    }

    /// Whether it is what an axis wants.
    pub(super) fn fits(&self, wanted: &UnitChoice) -> bool {
        let tagged = |tag: &String| self.device.tags.contains(tag) || self.unit.tags.contains(tag);
        fits_device(wanted, self.device)
            && wanted.tags.iter().all(tagged)
            && (wanted.units.is_empty() || wanted.units.iter().any(|unit| unit == self.name()))
            && (wanted.firmware.is_empty() || wanted.firmware.contains(&self.unit.firmware))
    }
}

/// Those of a rig, in the order of its document.
pub(super) fn candidates<'a>(from: &Expansion<'a>) -> Vec<Candidate<'a>> {
    let units = from.rig.units.iter().filter_map(|(name, unit)| Some((name, unit, from.devices.get(&unit.device)?)));
    let candidate = |(name, unit, device): (&String, &'a Unit, &'a Device)| Candidate {
        value: AxisValue::Unit {
            name: name.as_str().into(),
            device: unit.device.as_str().into(),
            firmware: unit.firmware.as_str().into(),
        },
        resource: format!("unit {name}").into(),
        unit,
        device,
        can: Capabilities::of(unit, device, from.rig),
        codecs: device.codecs_of(&unit.firmware),
    };
    units.map(candidate).collect()
}

/// Whether a device is of those that an axis wants.
pub(super) fn fits_device(wanted: &UnitChoice, device: &Device) -> bool {
    wanted.role.is_none_or(|role| device.roles.contains(&role))
        && (wanted.devices.is_empty() || wanted.devices.contains(&device.device))
}
