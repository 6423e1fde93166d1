//! Opening a simulated rig.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use rigtone_model::{
    document::{Control, Device, Output, Rig, Role, Unit as UnitDocument},
    trial::InfrastructureFault,
};

use super::{
    clock::VirtualClock,
    dongles::Dongles,
    keeper::{SimulatedKeeper, uses_of},
    microphone::SimulatedMicrophone,
    tap::SimulatedTap,
    units::{SimulatedOutlet, SimulatedUnit},
    world::{Shared, World},
};
use crate::{
    bench::{Bench, WiredOutput},
    capability::{HciTap, Microphone, Unit},
    firmware, reaction,
};

/// What records the HCI traffic of a unit, if the document of its dongle wants that.
fn tap_of(
    unit: &UnitDocument,
    rig: &Rig,
    world: &Shared,
    clock: &VirtualClock,
) -> Result<Option<Rc<dyn HciTap>>, String> {
    let Some(name) = &unit.dongle else { return Ok(None) };
    let Some(dongle) = rig.dongles.get(name) else { return Ok(None) };
    let Some(keeps) = dongle.capture else { return Ok(None) };
    Ok(Some(Rc::new(SimulatedTap {
        dongle: name.clone(),
        member: format!("dongle {name}"),
        address: dongle.address.parse()?,
        keeps,
        world: world.clone(),
        clock: clock.clone(),
    })))
}

/// The outputs that are wired to a unit.
fn outlets_of(unit: &Rc<SimulatedUnit>, document: &UnitDocument) -> Vec<WiredOutput> {
    let name = &unit.name;
    let power = document.power.iter().map(|output| (format!("power of {name}"), output));
    let buttons = document.buttons.iter().map(|(button, wired)| (format!("button {button} of {name}"), &wired.output));
    let wired = |(what, output): (String, &Output)| {
        let switch = Rc::new(SimulatedOutlet { unit: unit.clone(), output: output.clone() });
        WiredOutput { what, member: output.member(), safe: output.safe, switch }
    };
    power.chain(buttons).map(wired).collect()
}

/// Opens a simulated rig on `clock`. A simulated unit offers what its device and its wiring could, and no more.
///
/// # Errors
/// When the document of a unit's device is missing or an address cannot be read; `check` finds both before.
pub fn open(
    rig: &Rig,
    devices: &dyn Fn(&str) -> Option<Device>,
    clock: &VirtualClock,
) -> Result<Bench, InfrastructureFault> {
    let fault = |what| InfrastructureFault::new(format!("rig {}", rig.rig), what);
    let world: Shared = Rc::new(RefCell::new(World::of(rig, devices).map_err(fault)?));
    let mut units = BTreeMap::new();
    let (mut outputs, mut outlets) = (Vec::new(), Vec::new());
    for (name, document) in &rig.units {
        let device =
            devices(&document.device).ok_or_else(|| fault(format!("no document of device `{}`", document.device)))?;
        let handle = Rc::new(SimulatedUnit { name: name.as_str().into(), world: world.clone(), clock: clock.clone() });
        let controlled = matches!(document.control, Some(Control::Endpoint | Control::Voice | Control::Command));
        let sends = controlled && device.roles.contains(&Role::A2dpSource);
        let receives = document.control == Some(Control::Endpoint) && !sends && device.roles.contains(&Role::A2dpSink);
        outputs.extend(document.power.iter().chain(document.buttons.values().map(|button| &button.output)).cloned());
        outlets.extend(outlets_of(&handle, document));
        let unit = Unit {
            name: handle.name.clone(),
            address: document.address.parse().map_err(fault)?,
            power: document.power.as_ref().map(|_| handle.clone() as Rc<_>),
            gestures: (!receives && !device.gestures.is_empty()).then(|| handle.clone() as Rc<_>),
            pairing_mode: (receives || device.gestures.contains_key("pairing-mode")).then(|| handle.clone() as Rc<_>),
            inquiry: controlled.then(|| handle.clone() as Rc<_>),
            pairing: controlled.then(|| handle.clone() as Rc<_>),
            connecting: controlled.then(|| handle.clone() as Rc<_>),
            watching: controlled.then(|| handle.clone() as Rc<_>),
            volume: sends.then(|| handle.clone() as Rc<_>),
            streaming: sends.then(|| handle.clone() as Rc<_>),
            receiving: receives.then(|| handle.clone() as Rc<_>),
            services: controlled.then(|| handle.clone() as Rc<_>),
            settings: controlled.then(|| handle.clone() as Rc<_>),
            tap: tap_of(document, rig, &world, clock).map_err(fault)?,
            asked: None,
            spoken_to: (document.control == Some(Control::Voice)).then(|| handle.clone() as Rc<_>),
            reaction: reaction::of_device(&device)?,
            hands_free: controlled.then(|| handle.clone() as Rc<_>),
            by_hand: None,
        };
        units.insert(name.clone(), unit);
    }
    let mut microphones = BTreeMap::new();
    for (name, document) in &rig.microphones {
        let microphone = SimulatedMicrophone {
            name: name.clone(),
            room: document.room.clone(),
            noise: rig.rooms.get(&document.room).and_then(|r| r.noise),
            hum: rig.rooms.get(&document.room).and_then(|r| r.hum),
            dead: document.simulated.as_ref().is_some_and(|s| s.dead),
            gain_control: document.simulated.as_ref().is_some_and(|s| s.gain_control),
            calibrator: document.simulated.as_ref().and_then(|s| s.calibrator),
            latency_uncertainty: document.latency_uncertainty,
            world: world.clone(),
            clock: clock.clone(),
            trial: Rc::new(RefCell::new(None)),
        };
        microphones.insert(name.clone(), microphone);
    }
    let heard: BTreeMap<String, Rc<dyn Microphone>> =
        microphones.iter().map(|(name, microphone)| (name.clone(), Rc::new(microphone.clone()) as Rc<_>)).collect();
    let keeper = SimulatedKeeper {
        world,
        clock: clock.clone(),
        microphones,
        outputs,
        outlets,
        relays: rig.relays.keys().cloned().collect(),
        dongles: RefCell::new(Dongles::of(rig)),
        uses: rig.units.iter().map(|(name, unit)| (name.clone(), uses_of(unit))).collect(),
        verified: rig.units.iter().map(|(name, unit)| (name.clone(), unit.clone())).collect(),
        verification: firmware::environment(rig),
        told_ns: Cell::new(0),
        noise: RefCell::default(),
    };
    keeper.plant();
    Ok(Bench {
        loudspeakers: BTreeMap::new(),
        clock: Rc::new(clock.clone()),
        simulated: true,
        units,
        microphones: heard,
        heard_by: Bench::hearing(rig),
        calibrated: Bench::calibrations(rig),
        // A simulated microphone is flat.
        responses: BTreeMap::new(),
        digital_silence: Bench::digitally_silent(rig),
        keeper: Rc::new(keeper),
    })
}
