//! Opening a rig that is reached through drivers.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use async_trait::async_trait;
use rigtone_model::{
    document::{Alsa, Control, Device, Dongle, Output, PAIRING_MODE, Rig, Role, Unit as UnitDocument},
    quantity::Duration,
    trial::InfrastructureFault,
};
use thiserror::Error;

use super::{
    Hold, HostClock,
    hold::{outputs_of, own_dongle},
    keeper::HardwareKeeper,
    members::Members,
    supply::Supply,
};
use crate::{
    bench::{Bench, WiredOutput},
    capability::{Address, Answer, Microphone, PairingMode, Power, Unit},
    clock::Instant,
    gesture::Knowledge,
    lock::LockError,
    reaction, response,
    usb::{HubPort, Sysfs},
};

/// The members that a run needs; nothing else is opened.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Units by name.
    pub units: BTreeSet<String>,
    /// Microphones by name.
    pub microphones: BTreeSet<String>,
    /// Loudspeakers by name, beside those of units that are spoken to.
    pub loudspeakers: BTreeSet<String>,
}

impl Selection {
    /// Everything that the rig has.
    pub fn all(rig: &Rig) -> Self {
        let (units, microphones) = (rig.units.keys().cloned().collect(), rig.microphones.keys().cloned().collect());
        Self { units, microphones, loudspeakers: BTreeSet::new() }
    }
}

/// Why a rig cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The driver was left out of this build.
    #[error("{member} needs the driver `{feature}`, which this build does not have: build with --features {feature}")]
    NotBuilt {
        /// The member that needs it.
        member: String,
        /// The feature of the crate.
        feature: &'static str,
    },
    /// The document asks for something that cannot be.
    #[error("{member}: {what}")]
    Document {
        /// The member.
        member: String,
        /// What is wrong.
        what: String,
    },
    /// The rig failed.
    #[error(transparent)]
    Fault(#[from] InfrastructureFault),
}

pub(super) fn document(member: impl Into<String>, what: impl Into<String>) -> OpenError {
    OpenError::Document { member: member.into(), what: what.into() }
}

/// A dongle as its document has it.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "bluez"), expect(dead_code, reason = "without its driver it is only named"))]
pub(super) struct DongleToOpen<'a> {
    pub(super) name: &'a str,
    pub(super) address: Address,
    pub(super) document: &'a Dongle,
}

/// The runtime that a bench needs: one thread, with timers and sockets.
///
/// # Errors
/// When the host gives it no resources.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// What the user should know, one sentence each.
pub type Notes<'a> = &'a mut dyn FnMut(String);

/// Opens the wanted members of a rig. Relay boards are opened here, exclusively and for as long as the bench lives;
/// dongles and microphones when they are first used or checked. Outputs that a dead process left outside their safe
/// state are made safe first, whether they are wanted or not, and told to `notes`; nothing else is switched: see
/// [`make_safe`](crate::bench::Keeper::make_safe).
///
/// # Errors
/// When a driver is not built in, a document is missing or wrong, or a relay board or its journal cannot be opened.
pub fn open(
    rig: &Rig,
    devices: &dyn Fn(&str) -> Option<Device>,
    wanted: &Selection,
    mut hold: Hold,
    notes: Notes<'_>,
) -> Result<Bench, OpenError> {
    let clock = HostClock::start();
    let mut members = Members::default();
    open_relays(rig, wanted, &mut hold, clock, &mut members, notes)?;
    let mut units = BTreeMap::new();
    for name in &wanted.units {
        let unit = rig.units.get(name).ok_or_else(|| document(format!("unit {name}"), "there is no such unit"))?;
        let device = devices(&unit.device).ok_or_else(|| {
            document(format!("unit {name}"), format!("there is no document of device `{}`", unit.device))
        })?;
        let mut opened = open_unit(name, unit, &device, rig, clock, &mut members)?;
        members.open_asked(unit, &device, rig, devices, clock, &mut opened)?;
        units.insert(name.clone(), opened);
    }
    let mut microphones: BTreeMap<String, Rc<dyn Microphone>> = BTreeMap::new();
    for name in &wanted.microphones {
        microphones.insert(name.clone(), open_microphone(name, rig, clock, &mut members)?);
    }
    let mut loudspeakers = BTreeMap::new();
    for name in &wanted.loudspeakers {
        let document = rig
            .loudspeakers
            .get(name)
            .ok_or_else(|| document(format!("loudspeaker {name}"), "there is no such loudspeaker"))?;
        loudspeakers.insert(name.clone(), members.loudspeaker(name, document, clock)?);
    }
    let heard_with = rig.microphones.iter().filter(|(name, _)| microphones.contains_key(*name));
    let devices = heard_with.filter_map(|(name, m)| Some((name.clone(), m.alsa.clone()?))).collect();
    let responses =
        response::of_rig(rig).map_err(|(name, error)| document(format!("microphone {name}"), error.to_string()))?;
    let outputs = wired_outputs(rig, wanted, &members)?;
    let keeper = HardwareKeeper::new(members, outputs, microphones.clone(), devices, rig, clock, hold);
    Ok(Bench {
        clock: Rc::new(clock),
        simulated: false,
        units,
        microphones,
        loudspeakers,
        heard_by: Bench::hearing(rig),
        calibrated: Bench::calibrations(rig),
        responses,
        digital_silence: Bench::digitally_silent(rig),
        keeper: Rc::new(keeper),
    })
}

/// The outputs of the wanted units.
fn wired_outputs(rig: &Rig, wanted: &Selection, members: &Members) -> Result<Vec<WiredOutput>, OpenError> {
    let outputs = outputs_of(rig).filter(|(unit, ..)| wanted.units.contains(*unit));
    let wired = outputs.map(|(_, what, output)| {
        let switch = members.outlet(output)?;
        Ok(WiredOutput { what, member: output.member(), safe: output.safe, switch })
    });
    wired.collect()
}

/// What became of making a whole rig safe.
#[derive(Debug, Default)]
pub struct MadeSafe {
    /// How many outputs are in their safe state, as far as can be known.
    pub safe: usize,
    /// The outputs that may not be, and what to do.
    pub faults: Vec<InfrastructureFault>,
    /// The boards that another process has.
    pub taken: Vec<LockError>,
}

/// Brings every output of a rig to its safe state, those too that a dead process left and that the document wires no
/// more, and turns on the ports of hubs that feed its dongles. Uses nothing but relay boards and hubs: whatever else of
/// the rig is missing does not matter.
///
/// # Errors
/// When the rig has relay boards and this build has no driver for them.
pub fn make_safe(rig: &Rig, hold: &mut Hold, notes: Notes<'_>) -> Result<MadeSafe, OpenError> {
    let mut done = relays_safe(rig, hold, notes)?;
    let sysfs = Sysfs::host();
    for (name, dongle) in &rig.dongles {
        let is_off = hub_port(&sysfs, dongle).filter(HubPort::is_off);
        match is_off.map(|port| (port.feed(), port)) {
            None => {}
            Some((Ok(()), port)) => {
                done.safe += 1;
                notes(format!("{} was off; it is on now", port.name()));
            }
            Some((Err(refusal), _)) => {
                let member = format!("dongle {name}");
                done.faults.push(InfrastructureFault::new(member, refusal.what).hint(refusal.hint));
            }
        }
    }
    Ok(done)
}

/// The port of a hub that a dongle's document lets be switched.
pub(super) fn hub_port(sysfs: &Sysfs, dongle: &Dongle) -> Option<HubPort> {
    dongle.recover.as_ref()?.hub_port.as_ref()?;
    Some(HubPort::of(sysfs, &dongle.usb.as_ref()?.parse().ok()?))
}

#[cfg(feature = "serial")]
fn relays_safe(rig: &Rig, hold: &mut Hold, notes: Notes<'_>) -> Result<MadeSafe, OpenError> {
    Ok(super::relays::make_safe(rig, hold, notes))
}

#[cfg(not(feature = "serial"))]
fn relays_safe(rig: &Rig, _hold: &mut Hold, _notes: Notes<'_>) -> Result<MadeSafe, OpenError> {
    match rig.relays.keys().next() {
        Some(name) => Err(OpenError::NotBuilt { member: format!("relay {name}"), feature: "serial" }),
        None => Ok(MadeSafe::default()),
    }
}

#[cfg(feature = "serial")]
fn open_relays(
    rig: &Rig,
    wanted: &Selection,
    hold: &mut Hold,
    clock: HostClock,
    members: &mut Members,
    notes: Notes<'_>,
) -> Result<(), OpenError> {
    members.relays = super::relays::open(rig, wanted, hold, clock, notes)?;
    Ok(())
}

#[cfg(not(feature = "serial"))]
fn open_relays(
    rig: &Rig,
    wanted: &Selection,
    _hold: &mut Hold,
    _clock: HostClock,
    _members: &mut Members,
    _notes: Notes<'_>,
) -> Result<(), OpenError> {
    match outputs_of(rig).find(|(unit, ..)| wanted.units.contains(*unit)) {
        Some((_, _, output)) if !rig.relays.contains_key(&output.relay) => {
            Err(document(format!("relay {}", output.relay), "there is no such board"))
        }
        Some((_, _, output)) => {
            Err(OpenError::NotBuilt { member: format!("relay {}", output.relay), feature: "serial" })
        }
        None => Ok(()),
    }
}

fn open_unit(
    name: &str,
    unit: &UnitDocument,
    device: &Device,
    rig: &Rig,
    clock: HostClock,
    members: &mut Members,
) -> Result<Unit, OpenError> {
    let member = format!("unit {name}");
    let address = unit.address.parse().map_err(|e: String| document(&member, e))?;
    let knowledge = Rc::new(RefCell::new(Knowledge::of(name, unit, device)));
    let supply = |output: &Output| -> Result<Rc<dyn Power>, OpenError> {
        let of_board = rig.relays.get(&output.relay).and_then(|board| board.settle);
        let settle = output.settle.or(of_board).unwrap_or(Duration::ZERO);
        let outlet = members.outlet(output)?;
        Ok(Rc::new(Supply { outlet, settle, knowledge: knowledge.clone(), clock }))
    };
    let power = unit.power.as_ref().map(supply).transpose()?;
    let gestures = members.buttons(name, unit, device, &knowledge, clock)?;
    members.known.insert(name.to_owned(), knowledge);
    let automatic = device.gestures.get(PAIRING_MODE).is_some_and(|gesture| gesture.automatic);
    let mut opened = Unit {
        name: name.into(),
        address,
        power,
        gestures,
        pairing_mode: automatic.then(|| Rc::new(ByItself) as Rc<dyn PairingMode>),
        inquiry: None,
        pairing: None,
        connecting: None,
        watching: None,
        volume: None,
        streaming: None,
        receiving: None,
        services: None,
        settings: None,
        tap: None,
        asked: None,
        spoken_to: None,
        reaction: reaction::of_device(device)?,
        hands_free: None,
        by_hand: None,
    };
    if unit.control == Some(Control::Endpoint) {
        let dongle = unit.dongle.as_deref().ok_or_else(|| document(&member, "`control: endpoint` needs a `dongle`"))?;
        let (name, document_of) =
            own_dongle(rig, unit).ok_or_else(|| document(&member, format!("there is no dongle `{dongle}`")))?;
        let of_dongle = dongle_to_open(name, document_of)?;
        if of_dongle.address != address {
            let what = format!("its address {address} is not that of its dongle, {}", of_dongle.address);
            return Err(document(&member, what));
        }
        let sends = device.roles.contains(&Role::A2dpSource);
        // One role at a time: who can be both is the source.
        let receives = !sends && device.roles.contains(&Role::A2dpSink);
        let receives = receives.then(|| device.codecs_of(&unit.firmware));
        members.open_endpoint(of_dongle, sends, receives, &mut opened, clock)?;
    }
    if unit.control == Some(Control::Command) {
        let program = unit.command.as_ref();
        let program = program.ok_or_else(|| document(&member, "`control: command` needs a `command`"))?;
        members.open_program(program, device.roles.contains(&Role::A2dpSource), &mut opened, clock);
    }
    Ok(opened)
}

fn dongle_to_open<'a>(name: &'a str, of_rig: &'a Dongle) -> Result<DongleToOpen<'a>, OpenError> {
    let address = of_rig.address.parse().map_err(|e: String| document(format!("dongle {name}"), e))?;
    Ok(DongleToOpen { name, address, document: of_rig })
}

fn open_microphone(
    name: &str,
    rig: &Rig,
    clock: HostClock,
    members: &mut Members,
) -> Result<Rc<dyn Microphone>, OpenError> {
    let member = format!("microphone {name}");
    let microphone = rig.microphones.get(name).ok_or_else(|| document(&member, "there is no such microphone"))?;
    let uncertainty_ns =
        |usual: i64| microphone.latency_uncertainty.map_or(usual, |d| (d.seconds() * 1e9).round() as i64);
    if let Some(wire) = &microphone.sink {
        let dongle = rig.dongles.get(&wire.dongle);
        let dongle = dongle.ok_or_else(|| document(&member, format!("there is no dongle `{}`", wire.dongle)))?;
        let dongle = dongle_to_open(&wire.dongle, dongle)?;
        return members.open_wire(name, dongle, wire.channel, uncertainty_ns(WIRE_UNCERTAINTY_NS), clock);
    }
    let alsa = microphone.alsa.as_ref().ok_or_else(|| document(&member, "it names no ALSA device"))?;
    if alsa.channel == 0 || alsa.channel > alsa.channels {
        return Err(document(&member, format!("channel {} of {} does not exist", alsa.channel, alsa.channels)));
    }
    let usual = if alsa.reference.is_some() { ONE_CONVERTER_NS } else { DEFAULT_UNCERTAINTY_NS };
    open_alsa(name, alsa, uncertainty_ns(usual), clock)
}

#[cfg(feature = "alsa")]
fn open_alsa(name: &str, alsa: &Alsa, uncertainty_ns: i64, clock: HostClock) -> Result<Rc<dyn Microphone>, OpenError> {
    Ok(Rc::new(crate::capture::AlsaMicrophone::new(name, alsa.clone(), uncertainty_ns, Sysfs::host(), clock)))
}

#[cfg(not(feature = "alsa"))]
fn open_alsa(name: &str, _: &Alsa, _: i64, _: HostClock) -> Result<Rc<dyn Microphone>, OpenError> {
    Err(OpenError::NotBuilt { member: format!("microphone {name}"), feature: "alsa" })
}

/// What an uncalibrated sound card may add without telling: conversion filters and USB frames.
const DEFAULT_UNCERTAINTY_NS: i64 = 2_000_000;
/// Where both ends of a latency are channels of one converter, it is one sample at most.
const ONE_CONVERTER_NS: i64 = 25_000;
/// What lies between the controller and the program that reads a stream: polls of USB, and the host's scheduler.
const WIRE_UNCERTAINTY_NS: i64 = 1_000_000;

/// A device that is in pairing mode whenever it is on and has no link.
struct ByItself;

#[async_trait(?Send)]
impl PairingMode for ByItself {
    async fn enter(&self, _deadline: Instant) -> Answer<()> {
        Ok(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lock::Locks, safety::State};
    use rstest::rstest;
    use serde_json::{Value, json};
    use std::sync::atomic::{AtomicU32, Ordering};

    fn device(id: &str) -> Option<Device> {
        let role = if id == "rigtone/endpoint" { "a2dp-source" } else { "a2dp-sink" };
        let gestures = json!({"pairing-mode": {"automatic": true}});
        let document = json!({"device": id, "title": id, "roles": [role], "codecs": ["sbc"], "gestures": gestures});
        (id != "none/such").then(|| serde_json::from_value(document).expect("a device"))
    }

    fn rig(change: impl FnOnce(&mut Value)) -> Rig {
        let mut document = json!({
            "rig": "lab", "title": "A lab", "world": "hardware", "rooms": {"room": {}},
            "dongles": {"one": {"address": "AA:BB:CC:00:00:01"}},
            "microphones": {"mic": {"room": "room", "alsa": {"device": "hw:0,0", "rate": 48000, "channels": 2, "channel": 2}}},
            "units": {
                "source": {
                    "device": "rigtone/endpoint", "firmware": "1", "address": "AA:BB:CC:00:00:01",
                    "control": "endpoint", "dongle": "one",
                },
                "speaker": {"device": "virtual/speaker", "firmware": "1", "address": "D2:00:00:00:00:01"},
            },
        });
        change(&mut document);
        serde_json::from_value(document).expect("a rig")
    }

    /// Opens with locks of its own: tests run side by side.
    fn attempt(rig: &Rig, wanted: &Selection) -> Result<Bench, OpenError> {
        static TESTS: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir().expect("a folder");
        let id = format!("test-{}-{}", std::process::id(), TESTS.fetch_add(1, Ordering::Relaxed));
        let locks = Locks::take(&id, []).expect("nobody else has that name");
        let _ = std::fs::remove_file(format!("/tmp/rigtone-{id}.lock"));
        let hold = Hold { locks, state: State::at(folder.path().to_owned()) };
        open(rig, &device, wanted, hold, &mut |_| {})
    }

    fn refusal(rig: &Rig, wanted: &Selection) -> String {
        attempt(rig, wanted).map(|_| ()).expect_err("refused").to_string()
    }

    #[cfg(feature = "alsa")]
    #[rstest]
    #[case(&["pairing", "streaming"], [false, true, false, true])]
    #[case(&["inquiry", "connecting"], [true, false, true, false])]
    fn a_source_behind_a_program_offers_what_its_document_says(#[case] can: &[&str], #[case] offered: [bool; 4]) {
        let rig = rig(|document| {
            document["units"]["source"]["control"] = "command".into();
            document["units"]["source"]["command"] = json!({"program": ["/does/not/exist"], "can": can});
        });
        let bench = attempt(&rig, &Selection::all(&rig)).expect("nothing is started");
        let source = &bench.units["source"];
        let found = [
            source.inquiry.is_some(),
            source.pairing.is_some(),
            source.connecting.is_some(),
            source.streaming.is_some(),
        ];
        assert_eq!(found, offered);
    }

    #[test]
    fn a_source_without_its_program_is_refused() {
        let rig = rig(|document| document["units"]["source"]["control"] = "command".into());
        let text = refusal(&rig, &Selection::all(&rig));
        assert!(text.contains("unit source") && text.contains("needs a `command`"), "{text}");
    }

    #[cfg(all(feature = "bluez", feature = "alsa"))]
    #[test]
    fn units_offer_what_their_wiring_gives() {
        let rig = rig(|_| {});
        let bench = attempt(&rig, &Selection::all(&rig)).expect("nothing is opened that is not there");
        let (source, speaker) = (&bench.units["source"], &bench.units["speaker"]);
        assert!(source.inquiry.is_some() && source.pairing.is_some() && source.streaming.is_some());
        assert!(source.power.is_none() && speaker.power.is_none() && speaker.streaming.is_none());
        assert!(speaker.pairing_mode.is_some() && !bench.simulated);
    }

    /// The sink of another dongle, and a microphone that hears what it receives.
    #[cfg(feature = "bluez")]
    fn with_sink(rig: &mut Value) {
        rig["dongles"]["two"] = json!({"address": "AA:BB:CC:00:00:02"});
        rig["microphones"] = json!({"wire": {"room": "room", "sink": {"dongle": "two"}}});
        rig["units"] = json!({"sink": {
            "device": "rigtone/sink", "firmware": "1", "address": "AA:BB:CC:00:00:02", "control": "endpoint",
            "dongle": "two", "heard-by": {"wire": {"distance": "0 m"}},
        }});
    }

    #[cfg(feature = "bluez")]
    #[test]
    fn a_sink_can_be_paired_with_and_waited_for_and_sends_nothing() {
        let rig = rig(with_sink);
        let bench = attempt(&rig, &Selection::all(&rig)).expect("nothing is opened that is not there");
        let sink = &bench.units["sink"];
        assert!(sink.pairing_mode.is_some() && sink.receiving.is_some() && sink.connecting.is_some());
        assert!(sink.streaming.is_none() && bench.digital_silence.contains("wire"));
        // The microphone alone needs the dongle too.
        let alone = Selection { microphones: ["wire".to_owned()].into(), ..Selection::default() };
        assert!(attempt(&rig, &alone).expect("a microphone").microphones.contains_key("wire"));
    }

    #[cfg(feature = "bluez")]
    #[test]
    fn a_microphone_on_a_dongle_that_is_not_there_is_refused() {
        let rig = rig(|r| {
            with_sink(r);
            r["microphones"]["wire"]["sink"]["dongle"] = json!("three");
        });
        let text = refusal(&rig, &Selection::all(&rig));
        assert!(text.contains("microphone wire: there is no dongle `three`"), "{text}");
    }

    #[cfg(all(feature = "bluez", feature = "alsa"))]
    #[rstest]
    #[case(|r: &mut Value| r["units"]["source"]["dongle"] = json!("two"), "there is no dongle `two`")]
    #[case(|r: &mut Value| r["units"]["source"]["address"] = json!("AA:BB:CC:00:00:02"), "is not that of its dongle")]
    #[case(|r: &mut Value| r["units"]["copy"] = r["units"]["source"].clone(), "two units cannot share one")]
    #[case(|r: &mut Value| r["microphones"]["mic"]["alsa"]["channel"] = json!(3), "channel 3 of 2")]
    #[case(|r: &mut Value| { r["microphones"]["mic"].as_object_mut().map(|m| m.remove("alsa")); }, "no ALSA device")]
    fn wiring_that_cannot_be_is_refused(#[case] change: fn(&mut Value), #[case] said: &str) {
        let rig = rig(change);
        let text = refusal(&rig, &Selection::all(&rig));
        assert!(text.contains(said), "{text}");
    }

    #[rstest]
    #[case(|r: &mut Value| r["units"]["speaker"]["device"] = json!("none/such"), "no document of device `none/such`")]
    #[case(|r: &mut Value| r["units"]["speaker"]["power"] = json!({"relay": "b", "channel": 1}), "relay b: there is no such board")]
    fn documents_that_do_not_fit_are_refused(#[case] change: fn(&mut Value), #[case] said: &str) {
        let rig = rig(change);
        let only = Selection { units: ["speaker".to_owned()].into(), ..Selection::default() };
        let text = refusal(&rig, &only);
        assert!(text.contains(said), "{text}");
    }

    #[cfg(feature = "serial")]
    #[test]
    fn an_output_that_the_board_does_not_have_is_refused() {
        let rig = rig(|r| {
            r["relays"] = json!({"b": {"lcus": {"port": "/dev/none"}, "channels": 2}});
            r["units"]["speaker"]["power"] = json!({"relay": "b", "channel": 3});
        });
        let only = Selection { units: ["speaker".to_owned()].into(), ..Selection::default() };
        let text = refusal(&rig, &only);
        assert!(text.contains("power of speaker is on channel 3; it has 2"), "{text}");
    }

    #[cfg(not(feature = "bluez"))]
    #[test]
    fn a_driver_that_was_left_out_is_named_with_what_to_do() {
        let rig = rig(|_| {});
        let text = refusal(&rig, &Selection::all(&rig));
        assert!(text.contains("dongle one") && text.contains("build with --features bluez"), "{text}");
    }
}
