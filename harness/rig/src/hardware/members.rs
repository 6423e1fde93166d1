//! The members of an opened rig.

#[cfg(feature = "serial")]
use std::cell::Cell;
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

#[cfg(feature = "bluez")]
use rigtone_model::document;
use rigtone_model::document::{Device, Output, SourceAbility, SourceProgram, Unit as UnitDocument};

#[cfg(feature = "serial")]
use super::buttons::{Buttons, Contact};
use super::{
    HostClock,
    open::{DongleToOpen, OpenError},
};
#[cfg(feature = "bluez")]
use crate::bench::Scope;
#[cfg(feature = "bluez")]
use crate::bluez::Supply;
#[cfg(feature = "serial")]
use crate::power;
#[cfg(feature = "bluez")]
use crate::usb::Sysfs;
use crate::{
    capability::{Codec, Gestures, Microphone, Power, Unit},
    gesture::Knowledge,
};

/// The members that drivers hold open.
#[derive(Default)]
pub(super) struct Members {
    /// What is known of the power of units.
    pub(super) known: BTreeMap<String, Rc<RefCell<Knowledge>>>,
    #[cfg(feature = "serial")]
    pub(super) relays: power::Boards,
    #[cfg(feature = "bluez")]
    pub(super) dongles: BTreeMap<String, Rc<crate::bluez::Dongle>>,
    /// Those whose HCI traffic is recorded.
    #[cfg(feature = "bluez")]
    pub(super) taps: BTreeMap<String, Rc<crate::bluez::MonitorTap>>,
    /// By unit.
    #[cfg(feature = "bluez")]
    pub(super) dongle_of: BTreeMap<String, Rc<crate::bluez::Dongle>>,
    /// The drivers of sources that are programs of the lab.
    pub(super) programs: Vec<Rc<crate::program::Source>>,
    /// Who does what Rigtone cannot do itself.
    pub(super) others: super::asked::Others,
}

impl Members {
    /// A source that a program is the driver of. It is started when it is first used or checked.
    pub(super) fn open_program(&mut self, document: &SourceProgram, sends: bool, unit: &mut Unit, clock: HostClock) {
        let source = Rc::new(crate::program::Source::new(&unit.name, unit.address, document, clock));
        if document.can(SourceAbility::Inquiry) {
            unit.inquiry = Some(source.clone());
        }
        if document.can(SourceAbility::Pairing) {
            unit.pairing = Some(source.clone());
        }
        if document.can(SourceAbility::Connecting) {
            unit.connecting = Some(source.clone());
        }
        if document.can(SourceAbility::Settings) {
            unit.settings = Some(source.clone());
        }
        if document.can(SourceAbility::Streaming) && sends {
            unit.streaming = Some(source.clone());
        }
        self.programs.push(source);
    }
}

#[cfg(feature = "serial")]
impl Members {
    pub(super) fn outlet(&self, output: &Output) -> Result<Rc<dyn Power>, OpenError> {
        let missing = || super::open::document(format!("relay {}", output.relay), "there is no such board");
        let board = self.relays.get(&output.relay).ok_or_else(missing)?.clone();
        Ok(Rc::new(power::Outlet { board, channel: output.channel }))
    }

    /// The gestures of a unit that can be done with buttons, if any is wired.
    pub(super) fn buttons(
        &self,
        name: &str,
        unit: &UnitDocument,
        device: &Device,
        knowledge: &Rc<RefCell<Knowledge>>,
        clock: HostClock,
    ) -> Result<Option<Rc<dyn Gestures>>, OpenError> {
        if unit.buttons.is_empty() {
            return Ok(None);
        }
        let mut contacts = BTreeMap::new();
        for (button, wiring) in &unit.buttons {
            let missing = || super::open::document(wiring.output.board(), "there is no such board");
            let board = self.relays.get(&wiring.output.relay).ok_or_else(missing)?.clone();
            contacts.insert(button.clone(), Contact { board, wiring: wiring.clone(), released: Cell::new(None) });
        }
        Ok(Some(Rc::new(Buttons {
            member: format!("unit {name}"),
            gestures: device.gestures.clone().into_iter().collect(),
            contacts,
            allows_factory_reset: unit.allows_factory_reset,
            knowledge: knowledge.clone(),
            clock,
        })))
    }
}

#[cfg(not(feature = "serial"))]
impl Members {
    pub(super) fn outlet(&self, output: &Output) -> Result<Rc<dyn Power>, OpenError> {
        Err(OpenError::NotBuilt { member: format!("relay {}", output.relay), feature: "serial" })
    }

    pub(super) fn buttons(
        &self,
        _name: &str,
        unit: &UnitDocument,
        _device: &Device,
        _knowledge: &Rc<RefCell<Knowledge>>,
        _clock: HostClock,
    ) -> Result<Option<Rc<dyn Gestures>>, OpenError> {
        match unit.buttons.values().next() {
            Some(button) => Err(OpenError::NotBuilt { member: button.output.board(), feature: "serial" }),
            None => Ok(None),
        }
    }
}

#[cfg(feature = "bluez")]
impl Members {
    pub(super) fn open_endpoint(
        &mut self,
        of_dongle: DongleToOpen<'_>,
        sends: bool,
        receives: Option<&[Codec]>,
        unit: &mut Unit,
        clock: HostClock,
    ) -> Result<(), OpenError> {
        use crate::bluez::{Endpoint, EndpointRole, MonitorTap, Sink};
        let DongleToOpen { name: dongle, address, document } = of_dongle;
        if self.dongles.contains_key(dongle) {
            let what = "two units cannot share one: it has one role at a time".to_owned();
            return Err(OpenError::Document { member: format!("dongle {dongle}"), what });
        }
        let held = self.open_dongle(of_dongle, clock)?;
        self.dongle_of.insert(unit.name.to_string(), held.clone());
        let role = if receives.is_some() { EndpointRole::Sink } else { EndpointRole::Source };
        let endpoint = Rc::new(Endpoint::new(held, role));
        unit.inquiry = Some(endpoint.clone());
        unit.pairing = Some(endpoint.clone());
        unit.connecting = Some(endpoint.clone());
        unit.watching = Some(endpoint.clone());
        unit.services = Some(endpoint.clone());
        if let Some(codecs) = receives {
            let sink = Rc::new(Sink::new(endpoint.clone(), codecs));
            unit.pairing_mode = Some(sink.clone());
            unit.receiving = Some(sink);
        }
        if sends {
            unit.volume = Some(endpoint.clone());
            unit.streaming = Some(endpoint);
        }
        if let Some(keeps) = document.capture {
            let tap = Rc::new(MonitorTap::new(dongle, address, keeps, clock));
            unit.tap = Some(tap.clone());
            self.taps.insert(dongle.to_owned(), tap);
        }
        Ok(())
    }

    pub(super) fn open_wire(
        &mut self,
        name: &str,
        dongle: DongleToOpen<'_>,
        channel: u16,
        uncertainty_ns: i64,
        clock: HostClock,
    ) -> Result<Rc<dyn Microphone>, OpenError> {
        let held = match self.dongles.get(dongle.name) {
            Some(held) => held.clone(),
            None => self.open_dongle(dongle, clock)?,
        };
        Ok(Rc::new(crate::bluez::WireMicrophone::new(name, held, channel, uncertainty_ns)))
    }

    fn open_dongle(
        &mut self,
        DongleToOpen { name, address, document }: DongleToOpen<'_>,
        clock: HostClock,
    ) -> Result<Rc<crate::bluez::Dongle>, OpenError> {
        use crate::bluez::{Dongle, Wanted};
        let usb = document.usb.as_deref().map(str::parse).transpose();
        let usb = usb.map_err(|what| OpenError::Document { member: format!("dongle {name}"), what })?;
        let wanted = Wanted { address, usb, usb_id: document.usb_id.clone() };
        let sysfs = Sysfs::host();
        let supply = self.supply(&sysfs, document)?;
        let held = Rc::new(Dongle::new(name, wanted, supply, sysfs, clock));
        self.dongles.insert(name.to_owned(), held.clone());
        Ok(held)
    }

    /// What cuts the supply of a dongle, if its document says so.
    fn supply(&self, sysfs: &Sysfs, dongle: &document::Dongle) -> Result<Option<Supply>, OpenError> {
        use crate::bluez::Switch;
        let Some(recover) = &dongle.recover else { return Ok(None) };
        let relay = || -> Result<Option<Switch>, OpenError> {
            let Some(output) = &recover.power else { return Ok(None) };
            let (power, name) = (self.outlet(output)?, output.member());
            Ok(Some(Switch::Relay { power, name, fed: output.safe == document::SafeState::On }))
        };
        let switch = match super::open::hub_port(sysfs, dongle) {
            Some(port) => Some(Switch::Hub(port)),
            None => relay()?,
        };
        Ok(switch.map(|switch| Supply { switch, off_ns: recover.off_for.ns() }))
    }

    /// The dongles that a check looks at.
    pub(super) fn dongles_in<'a>(
        &'a self,
        scope: Scope<'a>,
    ) -> impl Iterator<Item = (&'a String, &'a Rc<crate::bluez::Dongle>)> {
        self.dongles.iter().filter(move |(_, dongle)| scope.holds(dongle.member()))
    }
}

#[cfg(not(feature = "bluez"))]
impl Members {
    pub(super) fn open_wire(
        &mut self,
        _name: &str,
        dongle: DongleToOpen<'_>,
        _channel: u16,
        _uncertainty_ns: i64,
        _clock: HostClock,
    ) -> Result<Rc<dyn Microphone>, OpenError> {
        Err(OpenError::NotBuilt { member: format!("dongle {}", dongle.name), feature: "bluez" })
    }

    pub(super) fn open_endpoint(
        &mut self,
        dongle: DongleToOpen<'_>,
        _sends: bool,
        _receives: Option<&[Codec]>,
        _unit: &mut Unit,
        _clock: HostClock,
    ) -> Result<(), OpenError> {
        Err(OpenError::NotBuilt { member: format!("dongle {}", dongle.name), feature: "bluez" })
    }
}
