//! The state of the simulated world: which units have power, bonds and links, and what sounds where.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
    sync::Arc,
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rigtone_audio::stimulus::Stimulus;
use rigtone_model::{
    document::{Codec, Device, Rig, Role, SimulatedUnit, Unit},
    id::stream_seed,
    quantity::{Drift, Duration, Frequency, Level, Share},
};

use super::air;
use crate::{bench::TrialKey, capability::Address, clock::Instant};

/// The world, shared by everything that acts in it. Single-threaded: one step at a time.
pub(super) type Shared = Rc<RefCell<World>>;

/// Everything that is in the world.
pub(super) struct World {
    pub(super) bodies: BTreeMap<Arc<str>, Body>,
    by_address: BTreeMap<Address, Arc<str>>,
    pub(super) sounds: Vec<Sound>,
    /// Keeps the list of sounds short: nobody records longer than this after a sound has ended.
    pub(super) rooms: BTreeMap<String, air::Room>,
}

/// A unit as it really is, whatever its documents say.
pub(super) struct Body {
    pub(super) name: Arc<str>,
    pub(super) address: Address,
    nature: SimulatedUnit,
    pub(super) roles: Vec<Role>,
    pub(super) codecs: Vec<Codec>,
    pub(super) boot_ns: i64,
    pub(super) gesture_ns: i64,
    pub(super) pairs_by_itself: bool,
    pub(super) heard_by: Vec<(String, f64)>,
    /// From when it answers; absent without power.
    pub(super) awake: Option<Instant>,
    pub(super) pairing_mode: bool,
    pub(super) bonds: BTreeSet<Address>,
    pub(super) link: Option<LinkState>,
    trial: Option<TrialKey>,
    streams: HashMap<&'static str, ChaCha8Rng>,
}

/// A connected profile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LinkState {
    pub(super) peer: Address,
    pub(super) codec: Codec,
    pub(super) latency_ns: i64,
}

/// Something that sounds, or will be heard to sound.
#[derive(Clone)]
pub(super) struct Sound {
    pub(super) stimulus: Stimulus,
    pub(super) by: Arc<str>,
    pub(super) emitted: Instant,
    pub(super) path: air::AirPath,
    /// Microphones that hear it, with their distances in metres.
    pub(super) heard_by: Vec<(String, f64)>,
    /// From when it is silent, if its unit lost power.
    pub(super) silent_from: Option<Instant>,
}

impl World {
    pub(super) fn of(rig: &Rig, devices: &dyn Fn(&str) -> Option<Device>) -> Result<Self, String> {
        let mut bodies = BTreeMap::new();
        let mut by_address = BTreeMap::new();
        for (name, unit) in &rig.units {
            let device = devices(&unit.device)
                .ok_or_else(|| format!("unit `{name}`: no document of device `{}`", unit.device))?;
            let body = Body::of(name, unit, &device)?;
            by_address.insert(body.address, body.name.clone());
            bodies.insert(body.name.clone(), body);
        }
        let rooms = rig.rooms.iter().map(|(name, room)| {
            let seed = u64::from_le_bytes(seed_bytes(name)[..8].try_into().expect("eight bytes"));
            (name.clone(), air::Room { rt60_s: room.rt60.map_or(0.0, Duration::seconds), seed })
        });
        Ok(Self { bodies, by_address, sounds: Vec::new(), rooms: rooms.collect() })
    }

    pub(super) fn body(&mut self, name: &str) -> &mut Body {
        self.bodies.get_mut(name).expect("handles exist only for units of the rig")
    }

    pub(super) fn at(&mut self, address: Address) -> Option<&mut Body> {
        let name = self.by_address.get(&address)?;
        self.bodies.get_mut(name)
    }

    /// Cuts or restores a unit's supply. What it plays ends with it, and so do its links; bonds are kept in flash.
    pub(super) fn supply(&mut self, name: &str, on: bool, now: Instant) {
        let body = self.body(name);
        if on {
            let boot = body.boot_ns;
            body.awake.get_or_insert(now.plus(boot));
            return;
        }
        body.awake = None;
        body.pairing_mode = false;
        let (address, link) = (body.address, body.link.take());
        if let Some(peer) = link.and_then(|l| self.at(l.peer)) {
            peer.link = peer.link.filter(|l| l.peer != address);
        }
        for sound in self.sounds.iter_mut().filter(|s| *s.by == *name) {
            sound.silent_from.get_or_insert(now);
        }
    }

    /// Ends the link between two units.
    pub(super) fn unlink(&mut self, a: Address, b: Address) {
        for (one, other) in [(a, b), (b, a)] {
            if let Some(body) = self.at(one) {
                body.link = body.link.filter(|l| l.peer != other);
            }
        }
    }

    pub(super) fn trial_begins(&mut self, key: &TrialKey, units: &[&str]) {
        for unit in units {
            if let Some(body) = self.bodies.get_mut(*unit) {
                body.trial = Some(key.clone());
                body.streams.clear();
            }
            // A unit plays for one trial at a time: what it played before is over.
            self.sounds.retain(|s| *s.by != **unit);
        }
    }
}

impl Body {
    fn of(name: &str, unit: &Unit, device: &Device) -> Result<Self, String> {
        let nature = unit.simulated.clone().unwrap_or_default();
        let gesture = device.gestures.get("pairing-mode");
        Ok(Self {
            name: name.into(),
            address: unit.address.parse().map_err(|e| format!("unit `{name}`: {e}"))?,
            roles: nature.roles.clone().unwrap_or_else(|| device.roles.clone()),
            codecs: nature.codecs.clone().unwrap_or_else(|| device.codecs_of(&unit.firmware).to_vec()),
            boot_ns: device.boot.unwrap_or(Duration::from_s(2)).ns(),
            gesture_ns: gesture
                .map_or(0, |g| g.press.iter().map(|p| p.held.ns()).sum::<i64>() + g.takes.map_or(0, Duration::ns)),
            pairs_by_itself: gesture.is_some_and(|g| g.automatic),
            heard_by: unit.heard_by.iter().map(|(m, h)| (m.clone(), h.distance.metres())).collect(),
            // What is not wired to a relay is always on.
            awake: unit.power.is_none().then_some(Instant(0)),
            pairing_mode: false,
            bonds: BTreeSet::new(),
            link: None,
            trial: None,
            streams: HashMap::new(),
            nature,
        })
    }

    /// A random number in [0, 1) of one of the trial's streams.
    fn chance(&mut self, stream: &'static str) -> f64 {
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

    /// Whether it has power and has started.
    pub(super) fn is_awake(&self, now: Instant) -> bool {
        self.awake.is_some_and(|t| t <= now)
    }

    /// Whether others can find it and pair with it.
    pub(super) fn in_pairing_mode(&self, now: Instant) -> bool {
        self.is_awake(now) && (self.pairing_mode || (self.pairs_by_itself && self.link.is_none()))
    }

    pub(super) fn answers_inquiry(&mut self) -> bool {
        self.happens("discovery", self.nature.discovery)
    }

    pub(super) fn accepts_pairing(&mut self) -> bool {
        self.happens("pairing", self.nature.pairing)
    }

    /// How long an inquiry needs: 0.3 to 3 s, as a real one between two scan windows.
    pub(super) fn inquiry_ns(&mut self) -> i64 {
        (0.3e9 + 2.7e9 * self.chance("inquiry")) as i64
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

    pub(super) fn fails_after_ns(&self) -> Option<i64> {
        self.nature.fails_after.map(Duration::ns)
    }

    pub(super) fn is_silent(&self) -> bool {
        self.nature.silent
    }

    /// How its sound gets into the air, but for the way to a certain microphone.
    pub(super) fn path(&self, codec: Codec, latency_ns: i64) -> air::AirPath {
        air::AirPath {
            codec: match codec {
                Codec::Sbc => air::Codec::Sbc { bitpool: 53 },
                Codec::Aac => air::Codec::Aac { kbit_s: 256 },
                Codec::Aptx | Codec::AptxLl => air::Codec::AptX,
                Codec::AptxHd => air::Codec::AptXHd,
                Codec::Ldac | Codec::Opus => air::Codec::Ldac,
                Codec::Cvsd => air::Codec::Cvsd,
                Codec::Msbc => air::Codec::MSbc,
            },
            speaker: air::Speaker {
                highpass_hz: self.nature.high_pass.map_or(60.0, Frequency::hertz),
                ..air::Speaker::default()
            },
            gain_db: self.nature.level.map_or(-20.0, Level::db),
            latency_s: latency_ns as f64 / 1e9,
            drift_ppm: self.nature.drift.map_or(0.0, Drift::ppm),
            ..air::AirPath::default()
        }
    }
}

/// 32 bytes that depend on nothing but a name.
pub(super) fn seed_bytes(name: &str) -> [u8; 32] {
    stream_seed(0, &"".into(), 0, 0, name)
}
