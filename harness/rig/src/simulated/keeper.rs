//! What the simulated rig can do as a whole: checks, safe state, and the memory of its world.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use async_trait::async_trait;
use rigtone_model::{
    document::{Output, SafeState, Unit, Verify, Way},
    event::FirmwareLook,
    trial::InfrastructureFault,
};

use super::{
    clock::VirtualClock,
    dongles::Dongles,
    microphone::SimulatedMicrophone,
    planted::{DAEMON, Uses, Viewer, channel_of},
    world::Shared,
};
use crate::{
    bench::{Aftermath, Finding, Keeper, LookWhen, Scope, TrialKey, WiredOutput},
    capability::{Captured, Recording},
    clock::{Clock, Instant},
    firmware,
};

/// How long the check of a microphone listens.
const LISTEN_NS: i64 = 200_000_000;
/// Louder noise hides the quietest sound that has to be heard: white noise of this level has -60 dBFS between 500 and
/// 8000 Hz, where the analysis listens.
const LOUD_DBFS: f64 = -55.0;
/// A quiet room clips nothing; one sample in a thousand may be a click.
const CLIPPED: f64 = 1e-3;
/// The largest sample of a converter of 16 bits.
const FULL: f64 = 32_767.0 / 32_768.0;
const CLOCK: &str = "host clock";

pub(super) struct SimulatedKeeper {
    pub(super) world: Shared,
    pub(super) clock: VirtualClock,
    pub(super) microphones: BTreeMap<String, SimulatedMicrophone>,
    /// Every output, the units' buttons included.
    pub(super) outputs: Vec<Output>,
    /// The same, for whoever tries them out.
    pub(super) outlets: Vec<WiredOutput>,
    pub(super) relays: Vec<String>,
    pub(super) dongles: RefCell<Dongles>,
    /// By unit: what a trial of it uses, in the words of findings.
    pub(super) uses: BTreeMap<String, Vec<String>>,
    /// The documents of the units whose firmware is verified.
    pub(super) verified: BTreeMap<String, Unit>,
    /// How they are, for the run's environment.
    pub(super) verification: Option<serde_json::Value>,
    /// How much of the clock's jumps was told.
    pub(super) told_ns: Cell<i64>,
    /// How loud the first check heard the room, by microphone.
    pub(super) noise: RefCell<BTreeMap<String, f64>>,
}

impl SimulatedKeeper {
    /// Lets what is planted begin.
    pub(super) fn plant(&self) {
        let mut world = self.world.borrow_mut();
        for (at, by_ns) in world.planted.jumps() {
            self.clock.plant_jump(at, by_ns);
        }
        world.changed.notify_waiters();
    }

    fn names_of_dongles(&self) -> Vec<(String, String, String)> {
        let mut dongles = self.dongles.borrow_mut();
        dongles.settle(&mut self.world.borrow_mut().planted, self.clock.now());
        dongles.all().map(|(name, address, kernel)| (name.to_owned(), address.to_owned(), kernel)).collect()
    }

    /// A jump since the clock was looked at last.
    fn jump(&self) -> Option<String> {
        let jumped_ns = self.clock.jumped_ns();
        let new_ns = jumped_ns - self.told_ns.replace(jumped_ns);
        (new_ns != 0).then(|| jump_of(new_ns))
    }

    fn uses_dongles(&self) -> bool {
        self.uses.values().flatten().any(|member| member == DAEMON)
    }

    async fn hear(&self, microphone: &SimulatedMicrophone, deadline: Instant) -> (String, bool) {
        let recording = Box::new(microphone.listen());
        self.clock.sleep_until(self.clock.now().plus(LISTEN_NS)).await;
        match recording.stop(deadline).await {
            Ok(captured) => {
                // As the first check heard it: a trial depends on nothing that happened in another.
                let level = captured.samples.rms_dbfs(captured.channel, captured.channels);
                self.noise.borrow_mut().entry(microphone.name.clone()).or_insert(level);
                describe(&captured)
            }
            Err(fault) => (fault.what, false),
        }
    }
}

fn jump_of(ns: i64) -> String {
    format!("it jumped by {:.3} s against a second reference: the host slept, or its time was set", ns as f64 / 1e9)
}

/// What a microphone heard in a room in which nothing plays.
fn describe(captured: &Captured) -> (String, bool) {
    let samples: Vec<f64> =
        captured.samples.scaled(captured.channel, captured.channels).into_iter().map(f64::from).collect();
    // Even a silent room has noise; a chain that delivers one value is dead.
    if samples.windows(2).all(|w| w[0] == w[1]) {
        return ("delivers one constant value, not even noise; check its cable and its gain".to_owned(), false);
    }
    let full = samples.iter().filter(|x| x.abs() >= FULL).count();
    let share = full as f64 / samples.len() as f64;
    if share > CLIPPED {
        let what = format!(
            "clips: {:.0} % of its samples are at full scale, and nothing plays; turn its gain down",
            100.0 * share
        );
        return (what, false);
    }
    let level = level_dbfs(&samples);
    if level > LOUD_DBFS {
        let what = format!(
            "hears noise at {level:.1} dBFS where nothing plays; above {LOUD_DBFS} dBFS it hides sounds that must be heard"
        );
        return (what, false);
    }
    (format!("hears noise at {level:.1} dBFS"), true)
}

fn level_dbfs(samples: &[f64]) -> f64 {
    let power: f64 = samples.iter().map(|x| x.powi(2)).sum::<f64>() / samples.len().max(1) as f64;
    10.0 * power.max(1e-12).log10()
}

#[async_trait(?Send)]
impl Keeper for SimulatedKeeper {
    async fn check(&self, scope: Scope<'_>, deadline: Instant) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut found = |member: String, (finding, ok): (String, bool)| findings.push(Finding { member, finding, ok });
        let dongles = self.names_of_dongles();
        {
            let (world, now) = (self.world.borrow(), self.clock.now());
            let trials = world.planted.trials_of(&|member| scope.holds(member));
            let viewer = Viewer::Check(&trials);
            for relay in &self.relays {
                let member = format!("relay {relay}");
                if scope.holds(&member) {
                    found(member, world.boards.check(&world.planted, relay, now, viewer));
                }
            }
            // Of the channels only what is wrong is told: boards have many.
            for output in &self.outputs {
                let (member, channel) = (output.member(), (output.relay.as_str(), output.channel));
                let wrong = || world.boards.check_channel(&world.planted, channel, now, viewer);
                if scope.holds(&member)
                    && let Some(what) = wrong()
                {
                    found(member, (what, false));
                }
            }
            for (name, address, kernel) in &dongles {
                let member = format!("dongle {name}");
                if scope.holds(&member) {
                    let well = format!("{kernel} has the address {address}, as expected");
                    let gone = world.planted.absence(&member, now, viewer);
                    found(member, gone.map_or((well, true), |fault| (fault.what, false)));
                }
            }
            if scope.holds(DAEMON) && self.uses_dongles() {
                let down = world.planted.absence(DAEMON, now, viewer);
                found(DAEMON.to_owned(), down.map_or(("it runs".to_owned(), true), |fault| (fault.what, false)));
            }
        }
        for (name, microphone) in &self.microphones {
            let member = format!("microphone {name}");
            if scope.holds(&member) {
                found(member, self.hear(microphone, deadline).await);
            }
        }
        // Last, so that a jump during the check is found too.
        if scope.holds(CLOCK) {
            let well = || ("it agrees with a second reference".to_owned(), true);
            found(CLOCK.to_owned(), self.jump().map_or_else(well, |jump| (jump, false)));
        }
        findings
    }

    async fn look_at_firmware(
        &self,
        name: &str,
        when: LookWhen<'_>,
        _deadline: Instant,
    ) -> Result<Option<FirmwareLook>, InfrastructureFault> {
        let Some(unit) = self.verified.get(name) else { return Ok(None) };
        let Some(way) = unit.verify.as_ref().and_then(Verify::way) else { return Ok(None) };
        Ok(match (way, when) {
            (Way::Declared(declared), LookWhen::Idle) => firmware::word_of_a_person(name, unit, &declared.on),
            (Way::Command(_), LookWhen::Idle) | (Way::DeviceId(_) | Way::Gatt(_), LookWhen::Linked { .. }) => {
                firmware::look(name, unit, read(unit, self.clock.now()))
            }
            (Way::DeviceId(_) | Way::Gatt(_), LookWhen::NeverLinked) => firmware::never_linked(name, unit),
            _ => None,
        })
    }

    fn trial_begins(&self, key: &TrialKey, units: &[&str], microphones: &[&str]) {
        let now = self.clock.now();
        let mut members: Vec<String> = units.iter().filter_map(|u| self.uses.get(*u)).flatten().cloned().collect();
        members.extend(microphones.iter().map(|name| format!("microphone {name}")));
        {
            let mut world = self.world.borrow_mut();
            world.trial_begins(key, units, now);
            let units = units.iter().map(|u| (*u).into()).collect();
            let uses = Uses { units, members, jumped_ns: self.clock.jumped_ns() };
            world.planted.trial_begins(key, now, uses);
        }
        for name in microphones {
            if let Some(microphone) = self.microphones.get(*name) {
                microphone.trial.replace(Some(key.clone()));
            }
        }
        self.plant();
    }

    fn step_begins(&self, key: &TrialKey, label: &str) {
        self.world.borrow_mut().planted.step_begins(key, label, self.clock.now());
        self.plant();
    }

    fn trial_ends(&self, key: &TrialKey, units: &[&str]) -> Aftermath {
        let now = self.clock.now();
        let mut incidents = Vec::new();
        for microphone in self.microphones.values() {
            let mut trial = microphone.trial.borrow_mut();
            if trial.as_ref() == Some(key) {
                *trial = None;
            }
        }
        let mut world = self.world.borrow_mut();
        let world = &mut *world;
        let viewer = Viewer::Trial(Some(key));
        if let Some(began) = world.planted.began(key) {
            let jumped_ns = self.clock.jumped_ns();
            if jumped_ns != began.jumped_ns {
                incidents.push(InfrastructureFault::new(CLOCK, jump_of(jumped_ns - began.jumped_ns)));
                self.told_ns.replace(jumped_ns);
            }
            let dongles = units.iter().filter_map(|unit| world.bodies.get(*unit)?.dongle.as_deref());
            for dongle in dongles {
                let outage = world.planted.outage(dongle, (began.at, now), viewer).map(|(_, fault)| fault);
                incidents.extend(outage.filter(|fault| !incidents.contains(fault)));
            }
        }
        world.planted.trial_ends(key, now);
        // What was held for this trial alone is loose before it is remembered.
        world.trial_ends(units, now);
        self.dongles.borrow_mut().settle(&mut world.planted, now);
        world.planted.prune(now);
        Aftermath { incidents, memory: Some(world.memory(units, now)) }
    }

    fn remember(&self, memory: &serde_json::Value) {
        self.world.borrow_mut().remember(memory, self.clock.now());
    }

    fn disk_is_full(&self) -> bool {
        self.world.borrow().planted.disk_is_full(self.clock.now())
    }

    fn noise_dbfs(&self, microphone: &str) -> Option<f64> {
        self.noise.borrow().get(microphone).copied().filter(|level| level.is_finite())
    }

    fn identity(&self, microphone: &str) -> Option<String> {
        self.microphones.contains_key(microphone).then(|| format!("the simulated microphone {microphone}"))
    }

    fn outputs(&self) -> Vec<WiredOutput> {
        self.outlets.clone()
    }

    async fn make_safe(&self, _deadline: Instant) -> Vec<InfrastructureFault> {
        let mut world = self.world.borrow_mut();
        let mut faults = Vec::new();
        for output in &self.outputs {
            let on = match output.safe {
                SafeState::On => true,
                SafeState::Off => false,
                SafeState::Keep => continue,
            };
            let trials = world.planted.trials_of(&|_| true);
            let (_, answer) = world.order(output, on, self.clock.now(), Viewer::Check(&trials));
            faults.extend(answer.err());
        }
        faults
    }

    fn environment(&self) -> serde_json::Value {
        let dongles = self.names_of_dongles();
        let named = dongles
            .into_iter()
            .map(|(name, address, kernel)| (name, serde_json::json!({"address": address, "kernel": kernel})));
        let named: serde_json::Map<_, _> = named.collect();
        let mut environment = serde_json::json!({"world": "simulated"});
        if !named.is_empty() {
            environment["dongles"] = named.into();
        }
        if let Some(verification) = &self.verification {
            environment["firmware"] = verification.clone();
        }
        environment
    }
}

/// What is read of a simulated unit's firmware: what is expected of the one that its document names, and of another one its name.
fn read(unit: &Unit, now: Instant) -> Result<String, String> {
    let nature = unit.simulated.clone().unwrap_or_default();
    if nature.hides_firmware {
        return Err("it does not tell".to_owned());
    }
    let updated = nature.runs_from.is_none_or(|from| now.0 >= from.ns());
    match nature.runs.filter(|runs| updated && *runs != unit.firmware) {
        Some(other) => Ok(format!("what firmware {other} has")),
        None => firmware::expected(unit).map(|(_, expected)| expected).ok_or_else(|| "nobody looks".to_owned()),
    }
}

/// What a trial of a unit uses, in the words of findings; of a relay board also the channels.
pub(super) fn uses_of(unit: &Unit) -> Vec<String> {
    let outputs = unit.power.iter().chain(unit.buttons.values().map(|button| &button.output));
    let mut uses: Vec<String> =
        outputs.flat_map(|o| [format!("relay {}", o.relay), channel_of(&o.relay, o.channel)]).collect();
    if let Some(dongle) = &unit.dongle {
        uses.extend([format!("dongle {dongle}"), DAEMON.to_owned()]);
    }
    uses
}
