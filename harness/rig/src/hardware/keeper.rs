//! The members of an opened rig, and looking after all of them.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use async_trait::async_trait;
use rigtone_model::{document::Output, trial::InfrastructureFault};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

use super::{
    Hold, HostClock,
    open::{DongleToOpen, OpenError},
};
use crate::{
    bench::{Aftermath, Finding, Keeper, Scope, TrialKey},
    capability::{Captured, Codec, Microphone, Power, Unit},
    clock::{Clock, Instant},
};

/// How long the check of a microphone listens.
const LISTEN_NS: i64 = 300_000_000;
/// How long one member is waited for in a check.
const SHARE_NS: i64 = 8_000_000_000;
/// What the two clocks may differ without the host having slept.
const NAP_NS: i64 = 50_000_000;

/// The members that drivers hold open.
#[derive(Default)]
pub(super) struct Members {
    #[cfg(feature = "serial")]
    pub(super) relays: crate::power::Boards,
    #[cfg(feature = "bluez")]
    dongles: BTreeMap<String, Rc<crate::bluez::Dongle>>,
    /// Those whose HCI traffic is recorded.
    #[cfg(feature = "bluez")]
    taps: BTreeMap<String, Rc<crate::bluez::MonitorTap>>,
    /// By unit.
    #[cfg(feature = "bluez")]
    dongle_of: BTreeMap<String, Rc<crate::bluez::Dongle>>,
}

#[cfg(feature = "serial")]
impl Members {
    pub(super) fn outlet(&self, output: &Output) -> Result<Rc<dyn Power>, OpenError> {
        let missing = || super::open::document(format!("relay {}", output.relay), "there is no such board");
        let board = self.relays.get(&output.relay).ok_or_else(missing)?.clone();
        Ok(Rc::new(crate::power::Outlet { board, channel: output.channel }))
    }
}

#[cfg(not(feature = "serial"))]
impl Members {
    pub(super) fn outlet(&self, output: &Output) -> Result<Rc<dyn Power>, OpenError> {
        Err(OpenError::NotBuilt { member: format!("relay {}", output.relay), feature: "serial" })
    }
}

#[cfg(feature = "bluez")]
impl Members {
    pub(super) fn open_endpoint(
        &mut self,
        DongleToOpen { name: dongle, address, capture }: DongleToOpen<'_>,
        sends: bool,
        receives: Option<&[Codec]>,
        unit: &mut Unit,
        clock: HostClock,
    ) -> Result<(), OpenError> {
        use crate::bluez::{Dongle, Endpoint, EndpointRole, MonitorTap, Sink};
        let member = || format!("dongle {dongle}");
        if self.dongles.contains_key(dongle) {
            let what = "two units cannot share one: it has one role at a time".to_owned();
            return Err(OpenError::Document { member: member(), what });
        }
        let held = Rc::new(Dongle::new(dongle, address, clock));
        self.dongle_of.insert(unit.name.to_string(), held.clone());
        self.dongles.insert(dongle.to_owned(), held.clone());
        let role = if receives.is_some() { EndpointRole::Sink } else { EndpointRole::Source };
        let endpoint = Rc::new(Endpoint::new(held, role));
        unit.inquiry = Some(endpoint.clone());
        unit.pairing = Some(endpoint.clone());
        unit.connecting = Some(endpoint.clone());
        if let Some(codecs) = receives {
            let sink = Rc::new(Sink::new(endpoint.clone(), codecs));
            unit.pairing_mode = Some(sink.clone());
            unit.receiving = Some(sink);
        }
        if sends {
            unit.streaming = Some(endpoint);
        }
        if let Some(keeps) = capture {
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
        use crate::bluez::{Dongle, WireMicrophone};
        let opened = self.dongles.entry(dongle.name.to_owned());
        let held = opened.or_insert_with(|| Rc::new(Dongle::new(dongle.name, dongle.address, clock)));
        Ok(Rc::new(WireMicrophone::new(name, held.clone(), channel, uncertainty_ns)))
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

/// Looks after the members of a rig.
pub(super) struct HardwareKeeper {
    #[cfg_attr(
        not(any(feature = "serial", feature = "bluez")),
        expect(dead_code, reason = "without drivers there are no members")
    )]
    members: Members,
    microphones: BTreeMap<String, Rc<dyn Microphone>>,
    clock: HostClock,
    /// What the rig was like when the trials that run began.
    begun: RefCell<Vec<(TrialKey, Begun)>>,
    /// Last: until every board has been left safe, nobody else may come in.
    _hold: Hold,
}

impl HardwareKeeper {
    pub(super) fn new(
        members: Members,
        microphones: BTreeMap<String, Rc<dyn Microphone>>,
        clock: HostClock,
        hold: Hold,
    ) -> Self {
        Self { members, microphones, clock, begun: RefCell::default(), _hold: hold }
    }

    /// What it is like now, for a trial of these units.
    fn now_of(&self, units: &[&str]) -> Begun {
        #[cfg(not(feature = "bluez"))]
        let (openings, _) = (BTreeMap::new(), units);
        #[cfg(feature = "bluez")]
        let openings = units
            .iter()
            .filter_map(|unit| self.members.dongle_of.get(*unit))
            .map(|dongle| (dongle.member().to_owned(), dongle.openings()))
            .collect();
        Begun { openings, asleep_ns: asleep_ns() }
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
            let opened = board.check(share).await.map(|()| "its port is open; it reports no positions".to_owned());
            findings.push(finding(board.member(), opened));
        }
        #[cfg(feature = "bluez")]
        {
            for (name, dongle) in self.members.dongles.iter().filter(|(_, d)| scope.holds(d.member())) {
                let Some(share) = self.share(deadline) else { return findings };
                let mut found = dongle.check(share).await;
                if let (Some(tap), Ok(said)) = (self.members.taps.get(name), &found) {
                    found = tap.check().map(|()| format!("{said}; its HCI traffic can be recorded"));
                }
                findings.push(finding(dongle.member(), found));
            }
            if scope == Scope::Whole && !self.members.dongles.is_empty() {
                for (encoder, installed) in crate::bluez::encoders() {
                    let missing = || format!("missing: apt-get install {}", encoder.package);
                    let finding = if installed { "installed".to_owned() } else { missing() };
                    findings.push(Finding { member: format!("encoder {}", encoder.name), finding, ok: installed });
                }
            }
        }
        for (name, microphone) in &self.microphones {
            if !scope.holds(&format!("microphone {name}")) {
                continue;
            }
            let Some(share) = self.share(deadline) else { return findings };
            let heard = self.listen(&**microphone, share).await.map(|captured| describe(&captured));
            findings.push(finding(&format!("microphone {name}"), heard));
        }
        findings
    }

    fn trial_begins(&self, key: &TrialKey, units: &[&str], _microphones: &[&str]) {
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

    async fn make_safe(&self, deadline: Instant) -> Vec<InfrastructureFault> {
        #[cfg(not(feature = "serial"))]
        let (faults, _) = (Vec::new(), deadline);
        #[cfg(feature = "serial")]
        let faults = self.members.relays.make_safe(self.clock, deadline).await;
        faults
    }

    fn environment(&self) -> serde_json::Value {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        #[cfg_attr(not(feature = "bluez"), expect(unused_mut, reason = "only drivers add to it"))]
        let mut environment = json!({ "kernel": kernel.trim(), "clock": "CLOCK_MONOTONIC" });
        #[cfg(feature = "bluez")]
        if !self.members.dongles.is_empty() {
            use crate::bluez::{known_trouble, version};
            let version = version();
            let warning = version.as_deref().and_then(known_trouble);
            let dongles: BTreeMap<_, _> =
                self.members.dongles.iter().map(|(name, dongle)| (name, dongle.description())).collect();
            environment["bluez"] = json!({ "version": version, "warning": warning, "dongles": dongles });
        }
        environment
    }
}

/// What the rig was like at some time.
#[derive(Debug, Default, PartialEq, Eq)]
struct Begun {
    /// How often each dongle had been opened.
    openings: BTreeMap<String, u32>,
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
        for (dongle, openings) in &now.openings {
            // The first opening is no news.
            if self.openings.get(dongle).is_some_and(|before| *before > 0 && before < openings) {
                let what = "it or bluetoothd went away and came back";
                incidents.push(InfrastructureFault::new(dongle, what).hint("see the system log of that time"));
            }
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

/// What a microphone delivered. Silence is said and not condemned: a virtual room is silent, a broken cable too.
fn describe(captured: &Captured) -> String {
    let own =
        captured.samples.iter().skip(usize::from(captured.channel)).step_by(usize::from(captured.channels.max(1)));
    let frames = captured.samples.len() / usize::from(captured.channels.max(1));
    let loudest = own.map(|sample| sample.unsigned_abs()).max().unwrap_or_default();
    let level = match loudest {
        0 => "digital silence".to_owned(),
        peak => format!("peak {:.1} dBFS", 20.0 * (f64::from(peak) / 32_768.0).log10()),
    };
    let residual_us = captured.residual_ns as f64 / 1e3;
    format!("{frames} frames at {} Hz, {level}, clock fits within {residual_us:.0} us", captured.rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn begun(openings: u32, asleep_ns: i64) -> Begun {
        Begun { openings: [("dongle usb-1".to_owned(), openings)].into(), asleep_ns }
    }

    #[rstest]
    #[case::nothing_happened(begun(1, 7), begun(1, 9), &[])]
    #[case::first_opening(begun(0, 0), begun(1, 0), &[])]
    #[case::daemon_restarted(begun(1, 0), begun(2, 0), &["dongle usb-1"])]
    #[case::host_slept(begun(1, 0), begun(1, 3_000_000_000), &["host clock"])]
    #[case::both(begun(3, 0), begun(4, 3_000_000_000), &["host clock", "dongle usb-1"])]
    fn what_befell_the_rig_is_told_from_what_it_was(#[case] then: Begun, #[case] now: Begun, #[case] told: &[&str]) {
        let members: Vec<String> = then.incidents(&now).into_iter().map(|fault| fault.member).collect();
        assert_eq!(members, told);
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
            samples: samples.into(),
            anchors: Vec::new(),
            residual_ns: 40_000,
            received: None,
        };
        assert!(describe(&captured).starts_with(said), "{}", describe(&captured));
    }
}
