//! A unit of the simulated world as it really is, whatever its documents say.
//!
//! Its own time runs during its trials and stands still between them: what it does depends on its trials alone, and
//! never on how long it waited for the next one.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rigtone_model::{
    document::{self, Codec, Device, Heard, Output, PAIRING_MODE, PairingButton, Role, SimulatedUnit, Unit},
    id::stream_seed,
    quantity::{Duration, Share},
};

use crate::{
    bench::TrialKey,
    capability::{Address, InfrastructureFault},
    clock::Instant,
    gesture::Knowledge,
};

/// Longer than any capacitor holds.
const LONG_NS: i64 = i64::MAX / 4;

/// The setting that keeps a source from sending, where it is `off`.
const SOURCE_MODE: &str = "source-mode";
/// The bitpool that sources and sinks have in common as a rule (A2DP, table 4.7).
const USUAL_BITPOOL: u8 = 53;
/// Setting up a profile: service search, capabilities, configuration.
const USUAL_CONNECTING: Duration = Duration::from_ms(350);

/// A unit as it really is.
pub(super) struct Body {
    pub(super) name: Arc<str>,
    pub(super) address: Address,
    pub(super) roles: Vec<Role>,
    /// Whether its device is a source, whatever its own records state.
    pub(super) could_send: bool,
    pub(super) codecs: Vec<Codec>,
    /// Those of them that it offers now, where it was told.
    offered: Option<Vec<Codec>>,
    pub(super) dongle: Option<Arc<str>>,
    pub(super) power: Option<Output>,
    pub(super) gestures: BTreeMap<String, Gesture>,
    /// What anybody can know of its power.
    pub(super) knowledge: Knowledge,
    pub(super) heard_by: Vec<(String, Heard)>,
    /// Whether its device's document knows of a battery.
    pub(super) may_have_battery: bool,
    pub(super) discharge_ns: i64,
    pub(super) trial: Option<TrialKey>,
    pub(super) state: State,
    /// Links that were lost to the rig, and to what of it.
    pub(super) lost: BTreeMap<Address, InfrastructureFault>,
    /// Whether it sounds, or would if it could.
    pub(super) playing: bool,
    /// The volume that a source has set in its trial, a share of its range; full before.
    pub(super) volume: f64,
    /// Attempts to pair with it in this trial.
    attempts: usize,
    nature: SimulatedUnit,
    boot_ns: i64,
    streams: HashMap<&'static str, ChaCha8Rng>,
    /// Its own time when it stood still last, and since when it runs.
    stood: i64,
    runs: Option<Instant>,
}

/// What can be done with its buttons.
#[derive(Clone)]
pub(super) struct Gesture {
    /// As its device's document has it.
    pub(super) document: document::Gesture,
    /// What is pressed together, where that is wired: with each contact its position while it is pressed.
    pub(super) presses: Vec<Vec<(Output, bool)>>,
}

/// What lives on from one trial to the next. Times are of its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    /// Whether its supply is there.
    pub(super) mains: bool,
    /// From when it answers; absent while it is off.
    pub(super) awake: Option<i64>,
    /// Since when it has had no power at all.
    pub(super) dark: Option<i64>,
    pub(super) pairing_mode: bool,
    pub(super) bonds: BTreeSet<Address>,
    /// Those that forgot a bond of which it keeps its half.
    pub(super) stale: BTreeSet<Address>,
    pub(super) links: BTreeMap<Address, LinkState>,
    pub(super) frozen: bool,
    /// Since when nothing sounds.
    pub(super) quiet: i64,
    /// What its battery has left, and when that was so.
    pub(super) charge: (i64, i64),
    /// Whether it gave a sign of life since its supply was switched on.
    pub(super) proven: bool,
    /// Its settings, where they were changed.
    pub(super) settings: BTreeMap<String, String>,
}

/// A connected profile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LinkState {
    pub(super) codec: Codec,
    pub(super) latency_ns: i64,
    /// Whether music can be sent over it.
    pub(super) music: bool,
    /// Whether voice can.
    pub(super) hands_free: bool,
    /// On the rig's clock.
    pub(super) made: Instant,
    /// Whether another link has taken the sound over.
    pub(super) taken_over: bool,
}

/// What a unit does by itself when its time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Happening {
    BatteryEmpty,
    SwitchesOff,
    Disconnects,
}

/// How a stream ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    SupplyFails,
    DropsLink,
}

impl Body {
    pub(super) fn of(name: &str, unit: &Unit, device: &Device) -> Result<Self, String> {
        let nature = unit.simulated.clone().unwrap_or_default();
        let wired = |press: &document::Press| {
            let wired = press.buttons.iter().filter_map(|button| unit.buttons.get(button));
            wired.map(|button| (button.output.clone(), button.pressed_is_on())).collect()
        };
        let gesture = |(name, document): (&String, &document::Gesture)| {
            let presses = document.press.iter().map(wired).collect();
            (name.clone(), Gesture { document: document.clone(), presses })
        };
        // What is not wired to a relay is always on.
        let always = unit.power.is_none();
        let state = State {
            mains: always,
            awake: always.then_some(0),
            dark: (!always).then_some(-LONG_NS),
            pairing_mode: false,
            bonds: BTreeSet::new(),
            stale: BTreeSet::new(),
            links: BTreeMap::new(),
            frozen: false,
            quiet: 0,
            charge: (nature.battery.map_or(0, Duration::ns), 0),
            proven: false,
            settings: BTreeMap::new(),
        };
        Ok(Self {
            name: name.into(),
            address: unit.address.parse().map_err(|e| format!("unit `{name}`: {e}"))?,
            roles: nature.roles.clone().unwrap_or_else(|| device.roles.clone()),
            could_send: device.roles.contains(&Role::A2dpSource),
            offered: None,
            codecs: nature.codecs.clone().unwrap_or_else(|| device.codecs_of(&unit.firmware).to_vec()),
            dongle: unit.dongle.as_deref().map(Into::into),
            power: unit.power.clone(),
            gestures: device.gestures.iter().map(gesture).collect(),
            knowledge: Knowledge::of(name, unit, device),
            heard_by: unit.heard_by.iter().map(|(m, h)| (m.clone(), *h)).collect(),
            may_have_battery: device.battery,
            discharge_ns: device.discharge.map_or(0, Duration::ns),
            trial: None,
            state,
            lost: BTreeMap::new(),
            playing: false,
            volume: 1.0,
            attempts: 0,
            boot_ns: nature.boot.or(device.boot).unwrap_or(Duration::from_s(2)).ns(),
            streams: HashMap::new(),
            stood: 0,
            runs: None,
            nature,
        })
    }

    /// Its own time.
    pub(super) fn own(&self, now: Instant) -> i64 {
        self.stood.saturating_add(self.runs.map_or(0, |since| now.since(since)))
    }

    pub(super) fn trial_begins(&mut self, key: &TrialKey, now: Instant) {
        self.stood = self.own(now);
        self.runs = Some(now);
        self.trial = Some(key.clone());
        self.streams.clear();
        self.lost.clear();
        self.playing = false;
        self.volume = 1.0;
        self.attempts = 0;
        self.knowledge.trial_begins();
    }

    pub(super) fn trial_ends(&mut self, now: Instant) {
        self.stood = self.own(now);
        self.runs = None;
        self.trial = None;
    }

    /// When its own time will be `own`.
    pub(super) fn at(&self, own: i64, now: Instant) -> Instant {
        now.plus(own.saturating_sub(self.own(now)))
    }

    /// From when it answers.
    pub(super) fn awake_at(&self, now: Instant) -> Option<Instant> {
        self.state.awake.map(|own| self.at(own, now))
    }

    /// Whether it has power and has started.
    pub(super) fn is_awake(&self, now: Instant) -> bool {
        self.state.awake.is_some_and(|own| own <= self.own(now))
    }

    /// Whether others can find it and pair with it.
    pub(super) fn in_pairing_mode(&self, now: Instant) -> bool {
        let automatic = self.gestures.get(PAIRING_MODE).is_some_and(|gesture| gesture.document.automatic);
        let by_itself = automatic && self.state.links.is_empty();
        self.is_awake(now) && (self.state.pairing_mode || by_itself)
    }

    /// Its pairing gesture was done. Without power the buttons do nothing, and nobody sees that at once.
    pub(super) fn pairing_pressed(&mut self, now: Instant) {
        let toggles = self.nature.pairing_button == PairingButton::Toggle;
        self.state.pairing_mode = self.is_awake(now) && !(toggles && self.state.pairing_mode);
        self.state.quiet = self.state.quiet.max(self.own(now));
    }

    /// The same by one that starts it: it is in pairing mode when it has started.
    pub(super) fn starts_in_pairing_mode(&mut self) {
        self.state.pairing_mode = self.state.awake.is_some();
    }

    /// It forgets everything that it knew of others.
    pub(super) fn is_reset(&mut self) {
        self.state.bonds.clear();
        self.state.stale.clear();
        self.state.pairing_mode = false;
    }

    fn full_ns(&self) -> i64 {
        self.nature.battery.map_or(0, Duration::ns)
    }

    /// What its battery has left. It charges as fast as it drains.
    pub(super) fn charge_ns(&self, own: i64) -> i64 {
        let (charge, at) = self.state.charge;
        let passed = own.saturating_sub(at);
        match (self.state.mains, self.state.awake) {
            (true, _) => charge.saturating_add(passed).min(self.full_ns()),
            (false, Some(_)) => charge.saturating_sub(passed).max(0),
            (false, None) => charge,
        }
    }

    /// Its supply is switched. Says whether it lost all power by it.
    pub(super) fn set_mains(&mut self, on: bool, own: i64) -> bool {
        if self.state.mains == on {
            return false;
        }
        let charge = self.charge_ns(own);
        self.state.charge = (charge, own);
        self.state.mains = on;
        if on {
            // A battery that carried it has kept it awake.
            if self.state.awake.is_none() {
                self.start(own);
            }
            return false;
        }
        if charge == 0 {
            self.darken(own);
        }
        charge == 0
    }

    /// It starts, from wherever it has its power.
    fn start(&mut self, own: i64) {
        self.state.charge = (self.charge_ns(own), own);
        if self.state.dark.take().is_some_and(|since| own.saturating_sub(since) >= self.discharge_ns) {
            self.state.stale.clear();
        }
        let awake = own.saturating_add(self.boot_ns);
        self.state.awake = Some(awake);
        self.state.quiet = awake;
    }

    /// A button wakes it if it switched itself off.
    pub(super) fn wake_by_button(&mut self, now: Instant) {
        let own = self.own(now);
        if self.state.awake.is_none() && self.state.dark.is_none() {
            self.start(own);
        }
    }

    /// Offers these from now on; none: all that it has.
    pub(super) fn offer(&mut self, codecs: &[Codec]) {
        self.offered = (!codecs.is_empty()).then(|| codecs.to_vec());
    }

    /// What it offers.
    pub(super) fn offers(&self) -> Vec<Codec> {
        let offers = |codec: &Codec| self.offered.as_ref().is_none_or(|offered| offered.contains(codec));
        self.codecs.iter().copied().filter(offers).collect()
    }

    /// It has no power any more: what is not in flash is gone. Its links are ended by the world.
    pub(super) fn darken(&mut self, own: i64) {
        self.state.charge = (self.charge_ns(own), own);
        self.state.awake = None;
        self.state.pairing_mode = false;
        self.state.frozen = false;
        self.state.dark.get_or_insert(own);
    }

    /// It switches itself off. With power left its memory stays.
    pub(super) fn switch_off(&mut self, own: i64) {
        self.state.charge = (self.charge_ns(own), own);
        self.state.awake = None;
        self.state.pairing_mode = false;
        self.state.frozen = false;
    }

    /// What it will do next by itself, and when, in its own time.
    pub(super) fn next_happening(&self) -> Option<(i64, Happening)> {
        let awake = self.state.awake?;
        let empty = (!self.state.mains)
            .then(|| (self.state.charge.0.saturating_add(self.state.charge.1), Happening::BatteryEmpty));
        let quiet_for = |d: Option<Duration>| Some(self.state.quiet.max(awake).saturating_add(d?.ns()));
        let calm = |at: Option<i64>, what| at.filter(|_| !self.playing).map(|at| (at, what));
        let linked = !self.state.links.is_empty();
        [
            empty,
            calm(quiet_for(self.nature.switches_off_after), Happening::SwitchesOff),
            calm(quiet_for(self.nature.disconnects_after).filter(|_| linked), Happening::Disconnects),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// How a stream of that length ends before its time, and after how long.
    pub(super) fn fate(&self, length_ns: i64) -> Option<(i64, Fate)> {
        let fails = self.nature.fails_after.map(|d| (d.ns(), Fate::SupplyFails));
        let drops = self.nature.drops_link_after.map(|d| (d.ns(), Fate::DropsLink));
        [fails, drops].into_iter().flatten().filter(|(ns, _)| *ns < length_ns).min()
    }

    /// Whether it makes a difference to it how long nothing has sounded.
    pub(super) fn minds_quiet(&self) -> bool {
        self.nature.switches_off_after.is_some() || self.nature.disconnects_after.is_some()
    }

    pub(super) fn freezes_after_ns(&self) -> Option<i64> {
        self.nature.freezes_after.map(Duration::ns)
    }

    /// Whether it makes no sound of what it accepts.
    pub(super) fn is_silent(&self) -> bool {
        self.nature.silent || self.state.frozen
    }

    /// Whether it sends nothing over a link that it makes.
    pub(super) fn sends_nothing(&self) -> bool {
        let off = self.state.settings.get(SOURCE_MODE).is_some_and(|mode| mode == "off");
        self.nature.silent || (off && !self.nature.ignores.iter().any(|option| option == SOURCE_MODE))
    }

    /// The highest bitpool of SBC that it takes.
    pub(super) fn bitpool(&self) -> u8 {
        self.nature.bitpool.map_or(USUAL_BITPOOL, |most| most.min(USUAL_BITPOOL))
    }

    /// How long it takes to connect a profile with it.
    pub(super) fn connecting_ns(&self) -> i64 {
        self.nature.connecting_takes.unwrap_or(USUAL_CONNECTING).ns()
    }

    /// Whether it refuses a configuration of this codec, though it offers it.
    pub(super) fn refuses_codec(&self, codec: Codec) -> bool {
        self.nature.refuses.contains(&codec)
    }

    /// The codec of the frames that it sends, whatever was agreed on.
    pub(super) fn sends(&self, agreed: Codec) -> Codec {
        self.nature.sends.unwrap_or(agreed)
    }

    pub(super) fn refuses_link_from(&self, other: Address) -> bool {
        self.nature.one_link && self.state.links.keys().any(|peer| *peer != other)
    }

    /// Whether nothing is heard of a content of it.
    pub(super) fn silences(&self, content: Option<&str>) -> bool {
        content.is_some_and(|content| self.nature.silent_contents.iter().any(|silent| silent == content))
    }

    /// The other side has forgotten the bond.
    pub(super) fn is_forgotten_by(&mut self, other: Address) {
        if self.nature.stale_cache && self.state.bonds.contains(&other) && self.state.dark.is_none() {
            self.state.stale.insert(other);
        }
    }

    /// A random number in [0, 1) of one of the trial's streams.
    pub(super) fn chance(&mut self, stream: &'static str) -> f64 {
        let (name, trial) = (&self.name, &self.trial);
        let generator = self.streams.entry(stream).or_insert_with(|| {
            let label = format!("{name} {stream}");
            ChaCha8Rng::from_seed(match trial {
                Some(key) => stream_seed(key.seed, &key.combination, key.trial, key.attempt, &label),
                None => seed_bytes(&label),
            })
        });
        (generator.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Draws whether something of this probability happens.
    fn happens(&mut self, stream: &'static str, probability: Option<Share>) -> bool {
        let probability = probability.map_or(1.0, Share::fraction);
        self.chance(stream) < probability
    }

    /// A draw from the normal distribution of mean 0 and variance 1 (Box and Muller).
    fn normal(&mut self, stream: &'static str) -> f64 {
        let (a, b) = (1.0 - self.chance(stream), self.chance(stream));
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }

    pub(super) fn answers_inquiry(&mut self) -> bool {
        self.happens("discovery", self.nature.discovery)
    }

    pub(super) fn accepts_pairing(&mut self) -> bool {
        let by_attempt = &self.nature.pairing_by_attempt;
        let of_this = by_attempt.get(self.attempts).or(by_attempt.last()).copied();
        self.attempts += 1;
        self.happens("pairing", of_this.or(self.nature.pairing))
    }

    /// How long a pairing needs, give or take a tenth.
    pub(super) fn pairing_ns(&mut self) -> i64 {
        let nominal = self.nature.pairing_takes.unwrap_or(Duration::from_ms(1800)).ns() as f64;
        (nominal * (0.9 + 0.2 * self.chance("pairing-time"))) as i64
    }

    /// The latency of a new connection: it differs from one to the next.
    pub(super) fn connection_latency_ns(&mut self, codec: Codec) -> i64 {
        let nominal = self.nature.latency.get(&codec).copied().unwrap_or(Duration::from_ms(180)).ns();
        let jitter = self.nature.jitter.map_or(0.0, |j| j.ns() as f64 * self.normal("latency"));
        (nominal + jitter as i64).max(0)
    }

    /// What it adds to the latency as a source.
    pub(super) fn added_latency_ns(&self, codec: Codec) -> i64 {
        self.nature.latency.get(&codec).copied().map_or(0, Duration::ns)
    }

    /// How it behaves, as its rig's document says.
    pub(super) fn nature(&self) -> &SimulatedUnit {
        &self.nature
    }
}

/// 32 bytes that depend on nothing but a name.
pub(super) fn seed_bytes(name: &str) -> [u8; 32] {
    stream_seed(0, &"".into(), 0, 0, name)
}
