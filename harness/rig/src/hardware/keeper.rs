//! Looking after all members of an opened rig.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use async_trait::async_trait;
use rigtone_model::{
    document::{Alsa, Rig, Unit as UnitDocument, Verify, Way},
    event::FirmwareLook,
    trial::InfrastructureFault,
};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

use super::{Hold, HostClock, members::Members, within};
#[cfg(feature = "bluez")]
use crate::bluez::{DAEMON, Supply};
#[cfg(feature = "serial")]
use crate::power;
use crate::{
    bench::{Aftermath, Finding, Keeper, LookWhen, Scope, TrialKey, WiredOutput},
    capability::{Captured, Microphone},
    clock::{Clock, Instant},
    firmware,
    usb::{Place, Sysfs},
};

/// How long the check of a microphone listens.
const LISTEN_NS: i64 = 300_000_000;
/// How long one member is waited for in a check.
const SHARE_NS: i64 = 8_000_000_000;
/// What the two clocks may differ without the host having slept.
const NAP_NS: i64 = 50_000_000;

/// Looks after the members of a rig.
pub(super) struct HardwareKeeper {
    members: Members,
    outputs: Vec<WiredOutput>,
    microphones: BTreeMap<String, Rc<dyn Microphone>>,
    /// What the microphones are, by their names.
    devices: BTreeMap<String, Alsa>,
    /// The documents of the units whose firmware is verified.
    verified: BTreeMap<String, UnitDocument>,
    /// How they are, for the run's environment.
    verification: Option<serde_json::Value>,
    /// Contacts that should be replaced.
    worn: Vec<String>,
    clock: HostClock,
    /// What the rig was like when the trials that run began.
    begun: RefCell<Vec<(TrialKey, Begun)>>,
    /// How loud the first check heard the room, by microphone.
    noise: RefCell<BTreeMap<String, f64>>,
    /// Last: until every board has been left safe, nobody else may come in.
    _hold: Hold,
}

impl HardwareKeeper {
    pub(super) fn new(
        members: Members,
        outputs: Vec<WiredOutput>,
        microphones: BTreeMap<String, Rc<dyn Microphone>>,
        devices: BTreeMap<String, Alsa>,
        rig: &Rig,
        clock: HostClock,
        hold: Hold,
    ) -> Self {
        let verified = rig.units.iter().filter(|(_, unit)| unit.verify.is_some());
        let verified = verified.map(|(name, unit)| (name.clone(), unit.clone())).collect();
        let verification = firmware::environment(rig);
        let worn = super::wear::warnings(rig, &hold);
        Self {
            members,
            outputs,
            microphones,
            devices,
            verified,
            verification,
            worn,
            clock,
            begun: RefCell::default(),
            noise: RefCell::default(),
            _hold: hold,
        }
    }

    /// What a unit says of its firmware over its link to a dongle of the rig; nothing where Rigtone is not the one that has the link.
    async fn read_over_link(
        &self,
        unit: &UnitDocument,
        by: &str,
        deadline: Instant,
    ) -> Result<Option<Result<String, String>>, InfrastructureFault> {
        #[cfg(feature = "bluez")]
        if let Some(dongle) = self.members.dongle_of.get(by)
            && let Ok(target) = unit.address.parse()
        {
            let (said, what) = match unit.verify.as_ref().and_then(Verify::way) {
                Some(Way::Gatt(_)) => {
                    (dongle.firmware_revision(target, deadline).await?, "it offers no firmware revision over this link")
                }
                _ => {
                    let modalias = dongle.device_id(target, deadline).await?;
                    (modalias.map(|modalias| firmware::of_modalias(&modalias, unit)), "it has no Device ID record")
                }
            };
            return Ok(Some(said.ok_or_else(|| what.to_owned())));
        }
        #[cfg(not(feature = "bluez"))]
        let (_, _, _) = (unit, by, deadline);
        Ok(None)
    }

    /// What it is like now, for a trial of these units.
    fn now_of(&self, units: &[&str]) -> Begun {
        #[cfg(not(feature = "bluez"))]
        let (losses, _) = (BTreeMap::new(), units);
        #[cfg(feature = "bluez")]
        let losses = units
            .iter()
            .filter_map(|unit| self.members.dongle_of.get(*unit))
            .map(|dongle| (dongle.member().to_owned(), dongle.losses()))
            .collect();
        Begun { losses, asleep_ns: asleep_ns() }
    }

    /// The time that one member has, so that none that hangs takes it from the others; none when all is used up.
    fn share(&self, deadline: Instant) -> Option<Instant> {
        let now = self.clock.now();
        (now < deadline).then(|| now.plus(SHARE_NS).min(deadline))
    }

    async fn listen(&self, microphone: &dyn Microphone, deadline: Instant) -> Result<Captured, InfrastructureFault> {
        let recording = microphone.start(deadline).await?;
        self.clock.sleep_until(self.clock.now().plus(LISTEN_NS)).await;
        recording.stop(deadline).await
    }
}

#[async_trait(?Send)]
impl Keeper for HardwareKeeper {
    async fn check(&self, scope: Scope<'_>, deadline: Instant) -> Vec<Finding> {
        let mut findings = Vec::new();
        // Who is not looked at is not told of: nothing is known of it.
        #[cfg(feature = "serial")]
        for board in self.members.relays.iter().filter(|b| scope.holds(b.member())) {
            let Some(share) = self.share(deadline) else { return findings };
            let positions = board.check(share).await;
            let stuck = positions.iter().flatten().filter_map(|position| stuck(board.member(), *position));
            let stuck: Vec<Finding> = stuck.collect();
            findings.push(finding(board.member(), positions.map(|positions| reported(&positions))));
            findings.extend(stuck);
        }
        #[cfg(feature = "bluez")]
        {
            let mut daemon_is_well = true;
            if scope.holds(DAEMON) && self.members.dongles_in(scope).next().is_some() {
                let Some(share) = self.share(deadline) else { return findings };
                let found = finding(DAEMON, crate::bluez::daemon(self.clock, share).await);
                daemon_is_well = found.ok;
                findings.push(found);
            }
            // Without the daemon nothing is known of them.
            for (name, dongle) in self.members.dongles_in(scope).filter(|_| daemon_is_well) {
                let Some(share) = self.share(deadline) else { return findings };
                let mut found = dongle.check(share, deadline).await;
                if let (Some(tap), Ok(said)) = (self.members.taps.get(name), &found) {
                    found = tap.check().map(|()| format!("{said}; its HCI traffic can be recorded"));
                }
                // What the daemon did meanwhile is its own.
                let member = found.as_ref().map_or_else(|fault| fault.member.clone(), |_| dongle.member().to_owned());
                findings.push(finding(&member, found));
            }
            if scope == Scope::Whole && !self.members.dongles.is_empty() {
                for (encoder, installed) in crate::bluez::encoders().await {
                    let missing = || format!("missing: apt-get install {}", encoder.package);
                    let finding = if installed { "installed".to_owned() } else { missing() };
                    findings.push(Finding { member: format!("encoder {}", encoder.name), finding, ok: installed });
                }
                if let Some(trouble) = crate::bluez::cache_trouble() {
                    let finding = format!("{trouble}; stimuli are encoded anew in each run");
                    findings.push(Finding { member: "cache of encoded stimuli".to_owned(), finding, ok: true });
                }
            }
        }
        for source in self.members.programs.iter().filter(|source| scope.holds(source.member())) {
            // How long it may take to start is stated.
            let checked = within(self.clock, deadline, source.check()).await;
            let late = || InfrastructureFault::new(source.member(), "its program did not say in time what it can do");
            findings.push(finding(source.member(), checked.unwrap_or_else(|| Err(late()))));
        }
        findings.extend(self.members.others.check(scope, self.clock, deadline).await);
        for (name, microphone) in &self.microphones {
            if !scope.holds(&format!("microphone {name}")) {
                continue;
            }
            let Some(share) = self.share(deadline) else { return findings };
            let card = self.devices.get(name).and_then(|alsa| Sysfs::host().pcm(alsa).ok()?.found());
            let card = card.map(|card| format!("{card}: ")).unwrap_or_default();
            let heard = self.listen(&**microphone, share).await.map(|heard| {
                let level = heard.samples.rms_dbfs(heard.channel, heard.channels);
                self.noise.borrow_mut().entry(name.clone()).or_insert(level);
                format!("{card}{}", describe(&heard))
            });
            findings.push(finding(&format!("microphone {name}"), heard));
        }
        findings
    }

    async fn look_at_firmware(
        &self,
        name: &str,
        when: LookWhen<'_>,
        deadline: Instant,
    ) -> Result<Option<FirmwareLook>, InfrastructureFault> {
        let Some(unit) = self.verified.get(name) else { return Ok(None) };
        let Some(way) = unit.verify.as_ref().and_then(Verify::way) else { return Ok(None) };
        Ok(match (way, when) {
            (Way::Declared(declared), LookWhen::Idle) => firmware::word_of_a_person(name, unit, &declared.on),
            (Way::Command(command), LookWhen::Idle) => {
                let deadline = self.clock.now().plus(command.within.ns()).min(deadline);
                firmware::look(name, unit, firmware::output_of(command, self.clock, deadline).await)
            }
            (Way::Operator(shown), LookWhen::Idle) => {
                firmware::look(name, unit, self.members.others.read_firmware(name, &shown.at, deadline).await)
            }
            (Way::DeviceId(_) | Way::Gatt(_), LookWhen::Linked { by }) => {
                let read = self.read_over_link(unit, by, deadline).await?;
                read.and_then(|read| firmware::look(name, unit, read))
            }
            (Way::DeviceId(_) | Way::Gatt(_), LookWhen::NeverLinked) => firmware::never_linked(name, unit),
            _ => None,
        })
    }

    fn trial_begins(&self, key: &TrialKey, units: &[&str], _microphones: &[&str]) {
        for known in units.iter().filter_map(|unit| self.members.known.get(*unit)) {
            known.borrow_mut().trial_begins();
        }
        let now = self.now_of(units);
        self.begun.borrow_mut().push((key.clone(), now));
    }

    fn trial_ends(&self, key: &TrialKey, units: &[&str]) -> Aftermath {
        let begun = {
            let mut all = self.begun.borrow_mut();
            all.iter().position(|(of, _)| of == key).map(|place| all.swap_remove(place).1)
        };
        let incidents = begun.map(|begun| begun.incidents(&self.now_of(units))).unwrap_or_default();
        Aftermath { incidents, memory: None }
    }

    fn noise_dbfs(&self, microphone: &str) -> Option<f64> {
        self.noise.borrow().get(microphone).copied().filter(|level| level.is_finite())
    }

    fn identity(&self, microphone: &str) -> Option<String> {
        identity(&Sysfs::host(), self.devices.get(microphone)?)
    }

    fn outputs(&self) -> Vec<WiredOutput> {
        self.outputs.clone()
    }

    fn is_asking(&self) -> bool {
        self.members.others.is_asking()
    }

    async fn make_safe(&self, deadline: Instant) -> Vec<InfrastructureFault> {
        #[cfg(not(feature = "serial"))]
        let (faults, _) = (Vec::new(), deadline);
        #[cfg(feature = "serial")]
        let faults = self.members.relays.make_safe(self.clock, deadline).await;
        #[cfg(feature = "bluez")]
        let faults = faults.into_iter().chain(self.members.dongles.values().filter_map(cut_off)).collect();
        faults
    }

    fn warnings(&self) -> Vec<String> {
        #[cfg_attr(
            not(any(feature = "bluez", feature = "serial")),
            expect(unused_mut, reason = "only drivers add to them")
        )]
        let mut warnings = self.worn.clone();
        #[cfg(feature = "serial")]
        for (board, why) in self.members.relays.iter().filter_map(|board| Some((board, board.keeps()?))) {
            warnings.push(format!(
                "{} does not let go when this host goes down: {why}; what was left on stays on until the next start, or \
                 `rigtone rig safe`",
                board.member()
            ));
        }
        #[cfg(feature = "bluez")]
        if !self.members.dongles.is_empty() {
            use crate::bluez::{known_trouble, version};
            let trouble = |version: String| known_trouble(&version).map(|trouble| (version, trouble));
            warnings.extend(version().and_then(trouble).map(|(version, trouble)| {
                format!("BlueZ {version} is known to break trials: {trouble}; install another version")
            }));
            for dongle in self.members.dongles.values() {
                let obstacle = dongle.supply().and_then(Supply::obstacle);
                warnings.extend(obstacle.map(|obstacle| {
                    format!("{} could not be brought back: {}; {}", dongle.member(), obstacle.what, obstacle.hint)
                }));
            }
        }
        warnings
    }

    fn environment(&self) -> serde_json::Value {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let mut environment = json!({ "kernel": kernel.trim(), "clock": "CLOCK_MONOTONIC" });
        let sysfs = Sysfs::host();
        if let Some(verification) = &self.verification {
            environment["firmware"] = verification.clone();
        }
        #[cfg(feature = "bluez")]
        if !self.members.dongles.is_empty() {
            use crate::bluez::{controllers, known_trouble, version};
            let version = version();
            let warning = version.as_deref().and_then(known_trouble);
            let known = controllers(&sysfs);
            let dongles = self.members.dongles.iter().map(|(name, dongle)| {
                let found: Vec<_> = known.iter().flatten().filter(|c| c.address == dongle.address()).collect();
                let described: Vec<_> = found.iter().map(|controller| controller.describe()).collect();
                let one = if described.len() == 1 { described[0].clone() } else { json!(described) };
                (name, one)
            });
            let dongles: BTreeMap<_, _> = dongles.collect();
            environment["bluez"] = json!({ "version": version, "warning": warning, "dongles": dongles });
            if let Err(why) = &known {
                environment["bluez"]["unknown"] = json!(why);
            }
        }
        let microphones = self.devices.iter().map(|(name, alsa)| {
            let described = match sysfs.pcm(alsa) {
                Ok(pcm) => json!({ "device": pcm.name, "found": pcm.found() }),
                Err(refusal) => json!({ "device": alsa.named(), "found": refusal.what }),
            };
            (name, described)
        });
        let microphones: BTreeMap<_, _> = microphones.collect();
        environment["microphones"] = json!(microphones);
        environment
    }
}

/// Which sound card a microphone is on, and which of its channels it is.
fn identity(sysfs: &Sysfs, alsa: &Alsa) -> Option<String> {
    let pcm = sysfs.pcm(alsa).ok()?;
    let place = match pcm.card {
        Some((_, Ok(place @ Place::Usb(_)))) => place.to_string(),
        // What is on no USB port stays where it is.
        Some((_, Ok(Place::Elsewhere(_)))) | None => pcm.name,
        Some((_, Err(_))) => return None,
    };
    Some(format!("{place}, channel {}", alsa.channel))
}

/// What the rig was like at some time.
#[derive(Debug, Default, PartialEq, Eq)]
struct Begun {
    /// How often each dongle had been lost while it was open, and what it was the last time.
    losses: BTreeMap<String, (u32, Option<InfrastructureFault>)>,
    /// How long the host had slept since it was booted.
    asleep_ns: i64,
}

impl Begun {
    /// What befell the rig since then.
    fn incidents(&self, now: &Self) -> Vec<InfrastructureFault> {
        let mut incidents = Vec::new();
        let slept_ns = now.asleep_ns - self.asleep_ns;
        if slept_ns > NAP_NS {
            let what = format!("the host slept for {:.1} s", slept_ns as f64 / 1e9);
            incidents.push(InfrastructureFault::new("host clock", what).hint("keep the host of a rig from suspending"));
        }
        for (dongle, (count, last)) in &now.losses {
            let before = self.losses.get(dongle).map_or(0, |(count, _)| *count);
            incidents.extend(last.clone().filter(|_| *count > before));
        }
        incidents
    }
}

/// How long the host has slept since it was booted: one clock goes on meanwhile, the other does not.
fn asleep_ns() -> i64 {
    let ns = |clock| {
        let time = clock_gettime(clock);
        time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
    };
    // In this order a pause between the two reads can only make the sleep look shorter.
    let boottime = ns(ClockId::Boottime);
    boottime - ns(ClockId::Monotonic)
}

fn finding(member: &str, found: Result<String, InfrastructureFault>) -> Finding {
    let (member, ok) = (member.to_owned(), found.is_ok());
    let finding = found.unwrap_or_else(|fault| match fault.hint {
        Some(hint) => format!("{}; {hint}", fault.what),
        None => fault.what,
    });
    Finding { member, finding, ok }
}

/// A dongle whose supply stays cut.
#[cfg(feature = "bluez")]
fn cut_off(dongle: &Rc<crate::bluez::Dongle>) -> Option<InfrastructureFault> {
    let left = dongle.supply().and_then(|supply| supply.restore().err())?;
    Some(InfrastructureFault::new(dongle.member(), left.what).hint(left.hint))
}

/// What a board told.
#[cfg(feature = "serial")]
fn reported(positions: &[power::Position]) -> String {
    if positions.is_empty() {
        return "its port is open; it reports no positions".to_owned();
    }
    let told: Vec<String> = positions.iter().map(|p| format!("{} {}", p.channel, power::word(p.on))).collect();
    format!("its port is open; it reports {}", told.join(", "))
}

/// A channel that is not where it was told to be.
#[cfg(feature = "serial")]
fn stuck(board: &str, position: power::Position) -> Option<Finding> {
    let ordered = position.ordered.filter(|&ordered| ordered != position.on)?;
    let finding = format!("is {}, where {} was ordered", power::word(position.on), power::word(ordered));
    Some(Finding { member: format!("{board} channel {}", position.channel), finding, ok: false })
}

/// What a microphone delivered. Silence is said and not condemned: a virtual room is silent, a broken cable too.
fn describe(captured: &Captured) -> String {
    let own = captured.samples.channel(captured.channel, captured.channels);
    let frames = captured.samples.len() / usize::from(captured.channels.max(1));
    let level = match own.map(i32::unsigned_abs).max().unwrap_or_default() {
        0 => "digital silence".to_owned(),
        peak => format!("peak {:.1} dBFS", 20.0 * (f64::from(peak) / captured.samples.full_scale()).log10()),
    };
    let residual_us = captured.residual_ns as f64 / 1e3;
    format!("{frames} frames at {} Hz, {level}, clock fits within {residual_us:.0} us", captured.rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn begun(losses: u32, last: &str, asleep_ns: i64) -> Begun {
        let last = (!last.is_empty()).then(|| InfrastructureFault::new(last, "it went away"));
        Begun { losses: [("dongle usb-1".to_owned(), (losses, last))].into(), asleep_ns }
    }

    #[rstest]
    #[case::nothing_happened(begun(1, "dongle usb-1", 7), begun(1, "dongle usb-1", 9), &[])]
    #[case::opened_only(begun(0, "", 0), begun(0, "", 0), &[])]
    #[case::unplugged(begun(0, "", 0), begun(1, "dongle usb-1", 0), &["dongle usb-1"])]
    #[case::daemon_restarted(begun(1, "dongle usb-1", 0), begun(2, "daemon bluetoothd", 0), &["daemon bluetoothd"])]
    #[case::host_slept(begun(1, "dongle usb-1", 0), begun(1, "dongle usb-1", 3_000_000_000), &["host clock"])]
    #[case::both(begun(3, "dongle usb-1", 0), begun(4, "dongle usb-1", 3_000_000_000), &["host clock", "dongle usb-1"])]
    fn what_befell_the_rig_is_told_from_what_it_was(#[case] then: Begun, #[case] now: Begun, #[case] told: &[&str]) {
        let members: Vec<String> = then.incidents(&now).into_iter().map(|fault| fault.member).collect();
        assert_eq!(members, told);
    }

    #[rstest]
    #[case::usb(json!({"usb": "1-2.4"}), Some("USB port 1-2.4 (0d8c:0014, serial S1), channel 2"))]
    #[case::no_serial(json!({"usb": "1-2.5"}), Some("USB port 1-2.5 (0d8c:0014), channel 2"))]
    #[case::named(json!({"device": "hw:CARD=PCH,DEV=0"}), Some("hw:CARD=PCH,DEV=0, channel 2"))]
    #[case::of_no_card(json!({"device": "fakemic"}), Some("fakemic, channel 2"))]
    #[case::gone(json!({"usb": "1-2.6"}), None)]
    fn a_microphone_is_where_it_is_plugged_in(#[case] named: serde_json::Value, #[case] is: Option<&str>) {
        use crate::usb::{Class, tree::Tree};
        let tree = Tree::new();
        for (number, port, serial) in [(1, "1-2.4", Some("S1")), (2, "1-2.5", None)] {
            tree.usb(port, "0d8c", "0014", serial);
            tree.link(Class::Sound, number, &format!("{port}/{port}:1.0/sound/card{number}"));
            tree.file(&format!("class/sound/pcmC{number}D0c"), b"");
        }
        tree.link_to(Class::Sound, 0, "devices/pci0/0000:00:1f.3/sound/card0");
        tree.file("devices/pci0/0000:00:1f.3/sound/card0/id", b"PCH\n");
        let mut document = json!({"rate": 48000, "channels": 2, "channel": 2});
        document.as_object_mut().expect("a map").extend(named.as_object().expect("a map").clone());
        let alsa: Alsa = serde_json::from_value(document).expect("a device");
        assert_eq!(identity(&tree.sysfs(), &alsa).as_deref(), is);
    }

    #[test]
    fn a_host_that_is_awake_has_not_slept_since_a_moment_ago() {
        let before = asleep_ns();
        assert!((asleep_ns() - before).abs() < NAP_NS);
    }

    #[rstest]
    #[case(&[0, 500, 0, -500], 0, "2 frames at 48000 Hz, digital silence")]
    #[case(&[0, 16384, 0, -16384], 1, "2 frames at 48000 Hz, peak -6.0 dBFS")]
    fn a_microphone_is_described_by_its_own_channel(#[case] samples: &[i16], #[case] channel: u16, #[case] said: &str) {
        let captured = Captured {
            rate: 48_000,
            channels: 2,
            channel,
            reference: None,
            samples: samples.to_vec().into(),
            anchors: Vec::new(),
            residual_ns: 40_000,
            received: None,
        };
        assert!(describe(&captured).starts_with(said), "{}", describe(&captured));
    }
}
