//! Opening a rig that is reached through drivers.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use async_trait::async_trait;
use rigtone_model::{
    document::{Control, Device, Rig, Role, Unit as UnitDocument},
    trial::InfrastructureFault,
};
use thiserror::Error;

use super::{
    HostClock,
    keeper::{HardwareKeeper, Members},
};
use crate::{
    bench::Bench,
    capability::{Address, Answer, Microphone, PairingMode, Unit},
    clock::Instant,
};

/// The members that a run needs; nothing else is opened.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Units by name.
    pub units: BTreeSet<String>,
    /// Microphones by name.
    pub microphones: BTreeSet<String>,
}

impl Selection {
    /// Everything that the rig has.
    pub fn all(rig: &Rig) -> Self {
        Self { units: rig.units.keys().cloned().collect(), microphones: rig.microphones.keys().cloned().collect() }
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

fn document(member: impl Into<String>, what: impl Into<String>) -> OpenError {
    OpenError::Document { member: member.into(), what: what.into() }
}

/// The runtime that a bench needs: one thread, with timers and sockets.
///
/// # Errors
/// When the host gives it no resources.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Opens the wanted members of a rig. Relay boards are opened here, exclusively and for as long as the bench lives;
/// dongles and microphones when they are first used or checked. Nothing is switched: see
/// [`make_safe`](crate::bench::Keeper::make_safe).
///
/// # Errors
/// When a driver is not built in, a document is missing or wrong, or a relay board cannot be opened.
pub fn open(rig: &Rig, devices: &dyn Fn(&str) -> Option<Device>, wanted: &Selection) -> Result<Bench, OpenError> {
    let clock = HostClock::start();
    let mut members = Members::default();
    open_relays(rig, wanted, clock, &mut members)?;
    let mut units = BTreeMap::new();
    for name in &wanted.units {
        let unit = rig.units.get(name).ok_or_else(|| document(format!("unit {name}"), "there is no such unit"))?;
        let device = devices(&unit.device).ok_or_else(|| {
            document(format!("unit {name}"), format!("there is no document of device `{}`", unit.device))
        })?;
        units.insert(name.clone(), open_unit(name, unit, &device, rig, clock, &mut members)?);
    }
    let mut microphones: BTreeMap<String, Rc<dyn Microphone>> = BTreeMap::new();
    for name in &wanted.microphones {
        microphones.insert(name.clone(), open_microphone(name, rig, clock)?);
    }
    let keeper = HardwareKeeper::new(members, microphones.clone(), clock);
    Ok(Bench {
        clock: Rc::new(clock),
        simulated: false,
        units,
        microphones,
        heard_by: Bench::hearing(rig),
        digital_silence: Bench::digitally_silent(rig),
        keeper: Rc::new(keeper),
    })
}

/// Opens the boards that the wanted units hang on. All outputs of such a board are left safe in the end, those of other
/// units too: the board is one resource.
fn open_relays(rig: &Rig, wanted: &Selection, clock: HostClock, members: &mut Members) -> Result<(), OpenError> {
    let outputs_of = |unit: &UnitDocument| {
        let power = unit.power.iter().map(|output| ("power".to_owned(), output.clone()));
        let buttons = unit.buttons.iter().map(|(name, output)| (format!("button {name}"), output.clone()));
        power.chain(buttons).collect::<Vec<_>>()
    };
    let needed: BTreeSet<String> = rig
        .units
        .iter()
        .filter(|(name, _)| wanted.units.contains(*name))
        .flat_map(|(_, unit)| outputs_of(unit))
        .map(|(_, output)| output.relay)
        .collect();
    for relay in needed {
        let member = format!("relay {relay}");
        let board = rig.relays.get(&relay).ok_or_else(|| document(&member, "there is no such board"))?;
        let lcus = board.lcus.as_ref().ok_or_else(|| document(&member, "it names no protocol and no port"))?;
        let mut wired = Vec::new();
        for (unit, of) in &rig.units {
            for (what, output) in outputs_of(of).into_iter().filter(|(_, output)| output.relay == relay) {
                if output.channel == 0 || output.channel > board.channels {
                    let what = format!("{what} of {unit} is on channel {}; it has {}", output.channel, board.channels);
                    return Err(document(&member, what));
                }
                wired.push((format!("{what} of {unit}"), output));
            }
        }
        members.open_relay(&relay, &lcus.port, wired, clock)?;
    }
    Ok(())
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
    let power = unit.power.as_ref().map(|output| members.outlet(output)).transpose()?;
    let automatic = device.gestures.get("pairing-mode").is_some_and(|gesture| gesture.automatic);
    let mut opened = Unit {
        name: name.into(),
        address,
        power,
        // Gestures with buttons need a driver of their own; without one the unit does not offer it.
        pairing_mode: automatic.then(|| Rc::new(ByItself) as Rc<dyn PairingMode>),
        inquiry: None,
        pairing: None,
        connecting: None,
        streaming: None,
    };
    if unit.control == Some(Control::Endpoint) {
        let dongle = unit.dongle.as_deref().ok_or_else(|| document(&member, "`control: endpoint` needs a `dongle`"))?;
        let text = &rig
            .dongles
            .get(dongle)
            .ok_or_else(|| document(&member, format!("there is no dongle `{dongle}`")))?
            .address;
        let of_dongle: Address = text.parse().map_err(|e: String| document(format!("dongle {dongle}"), e))?;
        if of_dongle != address {
            return Err(document(&member, format!("its address {address} is not that of its dongle, {of_dongle}")));
        }
        members.open_endpoint(dongle, of_dongle, device.roles.contains(&Role::A2dpSource), &mut opened, clock)?;
    }
    Ok(opened)
}

#[cfg(feature = "alsa")]
fn open_microphone(name: &str, rig: &Rig, clock: HostClock) -> Result<Rc<dyn Microphone>, OpenError> {
    let (microphone, alsa) = microphone_document(name, rig)?;
    let uncertainty_ns =
        microphone.latency_uncertainty.map_or(DEFAULT_UNCERTAINTY_NS, |d| (d.seconds() * 1e9).round() as i64);
    Ok(Rc::new(crate::capture::AlsaMicrophone::new(name, alsa.clone(), uncertainty_ns, clock)))
}

#[cfg(not(feature = "alsa"))]
fn open_microphone(name: &str, rig: &Rig, _clock: HostClock) -> Result<Rc<dyn Microphone>, OpenError> {
    microphone_document(name, rig)?;
    Err(OpenError::NotBuilt { member: format!("microphone {name}"), feature: "alsa" })
}

/// What an uncalibrated sound card may add without telling: conversion filters and USB frames.
#[cfg(feature = "alsa")]
const DEFAULT_UNCERTAINTY_NS: i64 = 2_000_000;

fn microphone_document<'a>(
    name: &str,
    rig: &'a Rig,
) -> Result<(&'a rigtone_model::document::Microphone, &'a rigtone_model::document::Alsa), OpenError> {
    let member = format!("microphone {name}");
    let microphone = rig.microphones.get(name).ok_or_else(|| document(&member, "there is no such microphone"))?;
    let alsa = microphone.alsa.as_ref().ok_or_else(|| document(&member, "it names no ALSA device"))?;
    if alsa.channel == 0 || alsa.channel > alsa.channels {
        return Err(document(&member, format!("channel {} of {} does not exist", alsa.channel, alsa.channels)));
    }
    Ok((microphone, alsa))
}

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
    use rstest::rstest;
    use serde_json::{Value, json};

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

    fn refusal(rig: &Rig, wanted: &Selection) -> String {
        open(rig, &device, wanted).map(|_| ()).expect_err("refused").to_string()
    }

    #[cfg(all(feature = "bluez", feature = "alsa"))]
    #[test]
    fn units_offer_what_their_wiring_gives() {
        let rig = rig(|_| {});
        let bench = open(&rig, &device, &Selection::all(&rig)).expect("nothing is opened that is not there");
        let (source, speaker) = (&bench.units["source"], &bench.units["speaker"]);
        assert!(source.inquiry.is_some() && source.pairing.is_some() && source.streaming.is_some());
        assert!(source.power.is_none() && speaker.power.is_none() && speaker.streaming.is_none());
        assert!(speaker.pairing_mode.is_some() && !bench.simulated);
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
        let only = Selection { units: ["speaker".to_owned()].into(), microphones: BTreeSet::new() };
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
        let only = Selection { units: ["speaker".to_owned()].into(), microphones: BTreeSet::new() };
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
