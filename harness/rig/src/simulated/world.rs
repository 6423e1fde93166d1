//! The state of the simulated world: its units, what is wired to them, and what sounds where.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
    sync::Arc,
};

use rigtone_air as air;
use rigtone_audio::stimulus::Stimulus;
use rigtone_model::{
    document::{Device, Gesture, Heard, Layout, Output, PAIRING_MODE, Rig, SecondLink, Turns},
    quantity::Duration,
};
use tokio::sync::Notify;

use super::{
    assistant::Utterance,
    boards::Boards,
    body::{Body, Happening, LinkState, seed_bytes},
    planted::{Planted, Viewer},
    traffic::Traffic,
};
use crate::{
    bench::TrialKey,
    capability::{Address, InfrastructureFault, Truth},
    clock::Instant,
};

/// How long nothing comes over a link while another one is made beside it, where that disturbs it.
const DISTURBED_NS: i64 = 400_000_000;

/// The world, shared by everything that acts in it. Single-threaded: one step at a time.
pub(super) type Shared = Rc<RefCell<World>>;

/// Everything that is in the world.
pub(super) struct World {
    pub(super) bodies: BTreeMap<Arc<str>, Body>,
    by_address: BTreeMap<Address, Arc<str>>,
    /// What is wired to a channel's supply.
    supplies: HashMap<(String, u8), Arc<str>>,
    pub(super) boards: Boards,
    pub(super) planted: Planted,
    /// Wakes what waits for a fault to begin.
    pub(super) changed: Rc<Notify>,
    pub(super) sounds: Vec<Sound>,
    pub(super) utterances: Vec<Utterance>,
    /// What calibrated microphones hear as full scale, in dB SPL.
    pub(super) full_scale: BTreeMap<String, f64>,
    /// By dongle, while its traffic is recorded.
    pub(super) traffic: BTreeMap<String, Traffic>,
    pub(super) rooms: BTreeMap<String, air::Room>,
}

/// Something that sounds, or will be heard to sound.
#[derive(Clone)]
pub(super) struct Sound {
    pub(super) stimulus: Stimulus,
    pub(super) by: Arc<str>,
    pub(super) emitted: Instant,
    pub(super) path: air::AirPath,
    /// How the unit plays the channels of the stream.
    pub(super) layout: Layout,
    pub(super) flaws: Arc<air::Flaws>,
    /// Microphones that hear it.
    pub(super) heard_by: Vec<(String, Heard)>,
    /// From when it is silent, if its unit stopped before the end.
    pub(super) silent_from: Option<Instant>,
    /// Stretches in which nothing comes of it.
    pub(super) holes: Vec<(Instant, Instant)>,
    /// The trial it belongs to. Trials that could hear each other never run together.
    pub(super) trial: Option<TrialKey>,
}

impl World {
    pub(super) fn of(rig: &Rig, devices: &dyn Fn(&str) -> Option<Device>) -> Result<Self, String> {
        let mut bodies = BTreeMap::new();
        let mut by_address = BTreeMap::new();
        let mut supplies = HashMap::new();
        for (name, unit) in &rig.units {
            let device = devices(&unit.device)
                .ok_or_else(|| format!("unit `{name}`: no document of device `{}`", unit.device))?;
            let body = Body::of(name, unit, &device)?;
            by_address.insert(body.address, body.name.clone());
            if let Some(output) = &unit.power {
                supplies.insert((output.relay.clone(), output.channel), body.name.clone());
            }
            bodies.insert(body.name.clone(), body);
        }
        let rooms = rig.rooms.iter().map(|(name, room)| {
            let seed = u64::from_le_bytes(seed_bytes(name)[..8].try_into().expect("eight bytes"));
            (name.clone(), air::Room { rt60_s: room.rt60.map_or(0.0, Duration::seconds), seed })
        });
        let full_scale = rig
            .microphones
            .iter()
            .filter_map(|(name, microphone)| Some((name.clone(), microphone.calibrated?.full_scale.db_spl())));
        Ok(Self {
            bodies,
            by_address,
            supplies,
            boards: Boards::of(rig),
            planted: Planted::of(rig),
            changed: Rc::new(Notify::new()),
            sounds: Vec::new(),
            utterances: Vec::new(),
            full_scale: full_scale.collect(),
            traffic: BTreeMap::new(),
            rooms: rooms.collect(),
        })
    }

    pub(super) fn body(&mut self, name: &str) -> &mut Body {
        self.bodies.get_mut(name).expect("handles exist only for units of the rig")
    }

    /// The name of the unit of that address.
    pub(super) fn name_of(&self, address: Address) -> Option<Arc<str>> {
        self.by_address.get(&address).cloned()
    }

    /// The unit of that address, as it is now.
    pub(super) fn at(&mut self, address: Address, now: Instant) -> Option<&mut Body> {
        let name = self.by_address.get(&address)?.clone();
        self.settle(&name, now);
        self.bodies.get_mut(&name)
    }

    /// Sends an order to a relay board. What it answers is known after the time that comes with it.
    pub(super) fn order(
        &mut self,
        output: &Output,
        on: bool,
        now: Instant,
        viewer: Viewer<'_>,
    ) -> (i64, Result<Truth, InfrastructureFault>) {
        let (answer, moved) = self.boards.order(&self.planted, output, on, now, viewer);
        if moved {
            self.contact_moved(&output.relay, output.channel, now);
        }
        answer
    }

    fn contact_moved(&mut self, relay: &str, channel: u8, now: Instant) {
        let Some(name) = self.supplies.get(&(relay.to_owned(), channel)).cloned() else { return };
        let on = self.boards.position(relay, channel);
        let body = self.body(&name);
        let own = body.own(now);
        if body.set_mains(on, own) {
            self.fall_silent(&name, now);
        }
    }

    /// A gesture was done on a unit's buttons.
    pub(super) fn pressed(&mut self, name: &str, gesture: &str, does: &Gesture, now: Instant) {
        let body = self.body(name);
        let (own, is_on) = (body.own(now), body.state.awake.is_some());
        let on = match does.power {
            None => is_on,
            Some(Turns::On) => true,
            Some(Turns::Off) => false,
            Some(Turns::Over) => !is_on,
        };
        match (is_on, on) {
            (false, true) => body.wake_by_button(now),
            (true, false) => {
                body.switch_off(own);
                self.fall_silent(name, now);
                return;
            }
            _ => {}
        }
        if does.factory_reset && is_on {
            body.is_reset();
            self.drop_links(name);
        }
        let body = self.body(name);
        match gesture {
            PAIRING_MODE if !is_on && on => body.starts_in_pairing_mode(),
            PAIRING_MODE => body.pairing_pressed(now),
            _ => body.state.quiet = body.state.quiet.max(own),
        }
    }

    /// Does what a unit has done by itself until now.
    pub(super) fn settle(&mut self, name: &str, now: Instant) {
        let Some(body) = self.bodies.get(name) else { return };
        if let Some(output) = body.power.clone() {
            let trial = body.trial.clone();
            let viewer = Viewer::Trial(trial.as_ref());
            // A contact that stuck follows its coil when it comes loose.
            if self.boards.release(&self.planted, &output, now, viewer) {
                self.contact_moved(&output.relay, output.channel, now);
            }
        }
        loop {
            let body = self.body(name);
            let own = body.own(now);
            let Some((at, happening)) = body.next_happening().filter(|(at, _)| *at <= own) else { break };
            match happening {
                Happening::BatteryEmpty => body.darken(at),
                Happening::SwitchesOff => body.switch_off(at),
                Happening::Disconnects => {}
            }
            let when = body.at(at, now);
            match happening {
                Happening::BatteryEmpty | Happening::SwitchesOff => self.fall_silent(name, when),
                Happening::Disconnects => self.drop_links(name),
            }
        }
        self.lose_links(name, now);
    }

    /// Its supply fails, whatever feeds it.
    pub(super) fn break_down(&mut self, address: Address, now: Instant) {
        let Some(body) = self.at(address, now) else { return };
        let own = body.own(now);
        body.darken(own);
        let name = body.name.clone();
        self.fall_silent(&name, now);
    }

    /// What a unit plays ends, and so do its links; bonds are kept in flash.
    fn fall_silent(&mut self, name: &str, when: Instant) {
        self.drop_links(name);
        self.silence(name, when);
    }

    pub(super) fn silence(&mut self, name: &str, when: Instant) {
        for sound in self.sounds.iter_mut().filter(|s| *s.by == *name) {
            sound.silent_from = Some(sound.silent_from.map_or(when, |earlier| earlier.min(when)));
        }
        self.calm(name, when);
    }

    /// Ends the links of a unit. Another one notices only in a trial of its own.
    fn drop_links(&mut self, name: &str) {
        let body = self.body(name);
        let (address, trial) = (body.address, body.trial.clone());
        for peer in std::mem::take(&mut body.state.links).into_keys() {
            self.unlink_half(peer, address, trial.as_ref());
        }
    }

    fn unlink_half(&mut self, of: Address, peer: Address, trial: Option<&TrialKey>) {
        let Some(body) = self.by_address.get(&of).and_then(|name| self.bodies.get_mut(name)) else { return };
        if body.trial.as_ref() == trial {
            body.state.links.remove(&peer);
        }
    }

    /// What goes over the dongle of a unit, while that is recorded, and since when another unit has been awake.
    pub(super) fn traffic(&mut self, name: &str, other: Address) -> Option<(&mut Traffic, Option<i64>)> {
        let dongle = self.bodies.get(name)?.dongle.as_deref()?;
        let traffic = self.traffic.get_mut(dongle)?;
        let awake = self.by_address.get(&other).and_then(|name| self.bodies.get(name)).and_then(|b| b.state.awake);
        Some((traffic, awake))
    }

    /// Ends the link between a unit and another one.
    pub(super) fn unlink(&mut self, name: &str, peer: Address) {
        let body = self.body(name);
        let (address, trial) = (body.address, body.trial.clone());
        body.state.links.remove(&peer);
        self.unlink_half(peer, address, trial.as_ref());
    }

    /// Makes a link between a unit and another one.
    pub(super) fn link(&mut self, name: &str, peer: Address, link: LinkState) {
        let body = self.body(name);
        let own = body.own(link.made);
        body.state.links.insert(peer, link);
        body.state.quiet = body.state.quiet.max(own);
        body.lost.remove(&peer);
        let address = body.address;
        if let Some(other) = self.at(peer, link.made) {
            let own = other.own(link.made);
            other.state.links.insert(address, link);
            other.state.quiet = other.state.quiet.max(own);
            other.state.pairing_mode = false;
            other.state.proven = true;
        }
    }

    /// What a source makes of the links that it had, now that it has made one more.
    pub(super) fn second_link(&mut self, name: &str, made_to: Address, made: Instant) {
        let body = self.body(name);
        let (address, nature) = (body.address, body.nature().second_link);
        let others: Vec<Address> = body.state.links.keys().copied().filter(|peer| *peer != made_to).collect();
        for peer in others {
            let Some(other) = self.by_address.get(&peer).cloned() else { continue };
            match nature {
                Some(SecondLink::Disturbs) => {
                    for sound in self.sounds.iter_mut().filter(|sound| sound.by == other) {
                        sound.holes.push((made, made.plus(DISTURBED_NS)));
                    }
                }
                Some(SecondLink::TakesOver) => {
                    self.silence(&other, made);
                    for (end, of) in [(name, peer), (&*other, address)] {
                        if let Some(link) = self.body(end).state.links.get_mut(&of) {
                            link.taken_over = true;
                        }
                    }
                }
                None => {}
            }
        }
    }

    /// Ends links that went over a dongle which was away since, and remembers why.
    fn lose_links(&mut self, name: &str, now: Instant) {
        let Some(body) = self.bodies.get(name) else { return };
        let Some(dongle) = body.dongle.clone() else { return };
        let trial = body.trial.clone();
        let viewer = Viewer::Trial(trial.as_ref());
        let broken: Vec<(Address, InfrastructureFault)> = body
            .state
            .links
            .iter()
            .filter_map(|(peer, link)| Some((*peer, self.planted.outage(&dongle, (link.made, now), viewer)?.1)))
            .collect();
        for (peer, fault) in broken {
            self.unlink(name, peer);
            self.body(name).lost.insert(peer, fault);
        }
    }

    /// The fault that keeps a unit's dongle from doing anything now.
    pub(super) fn outage(&mut self, name: &str, now: Instant) -> Option<InfrastructureFault> {
        self.lose_links(name, now);
        let body = self.bodies.get(name)?;
        let viewer = Viewer::Trial(body.trial.as_ref());
        self.planted.outage(body.dongle.as_deref()?, (now, now), viewer).map(|(_, fault)| fault)
    }

    /// When the next such fault begins, as far as it is known.
    pub(super) fn next_outage(&self, name: &str, now: Instant) -> Option<Instant> {
        let body = self.bodies.get(name)?;
        self.planted.next_outage(body.dongle.as_deref()?, now, Viewer::Trial(body.trial.as_ref()))
    }

    /// The fault of the rig that may as well explain why a unit gives no sign of life: a supply that nobody saw come.
    pub(super) fn doubt(&mut self, address: Address, now: Instant) -> Option<InfrastructureFault> {
        let body = self.at(address, now)?;
        let (awake, proven, name) = (body.is_awake(now), body.state.proven, body.name.clone());
        let output = body.power.clone()?;
        let unseen = !awake && !proven && self.boards.is_mute(&output.relay);
        (unseen && self.boards.ordered(&output.relay, output.channel)).then(|| {
            let what = format!(
                "channel {} was switched on, nobody saw it, and the unit {name} gives no sign of life",
                output.channel
            );
            InfrastructureFault::new(output.member(), what)
                .hint("see whether the unit has power; a board that reports its positions would tell")
        })
    }

    pub(super) fn trial_begins(&mut self, key: &TrialKey, units: &[&str], now: Instant) {
        for unit in units {
            if let Some(body) = self.bodies.get_mut(*unit) {
                if let Some(output) = &body.power {
                    // Also after a run that went on: nothing but the contact is remembered.
                    body.knowledge.supply(self.boards.ordered(&output.relay, output.channel), now);
                }
                body.trial_begins(key, now);
            }
            // A unit plays for one trial at a time: what it played before is over.
            self.sounds.retain(|s| *s.by != **unit);
            self.utterances.retain(|u| *u.by != **unit);
        }
        // Two that meet again agree on whether they are still linked.
        let ends: Vec<(Arc<str>, Address)> = units
            .iter()
            .filter_map(|unit| self.bodies.get(*unit))
            .flat_map(|body| body.state.links.keys().map(|peer| (body.name.clone(), *peer)))
            .collect();
        for (name, peer) in ends {
            let own = self.body(&name).address;
            let other = self.by_address.get(&peer).and_then(|other| self.bodies.get(other));
            let disagrees = other.is_some_and(|o| o.trial.as_ref() == Some(key) && !o.state.links.contains_key(&own));
            if disagrees {
                self.body(&name).state.links.remove(&peer);
            }
        }
    }

    pub(super) fn trial_ends(&mut self, units: &[&str], now: Instant) {
        for unit in units {
            // Before it stands still: what was to happen by now has happened, and what was held is loose.
            self.settle(unit, now);
            self.sounds.retain(|s| *s.by != **unit);
            self.utterances.retain(|u| *u.by != **unit);
        }
        for unit in units {
            if let Some(body) = self.bodies.get_mut(*unit) {
                body.trial_ends(now);
            }
        }
    }
}
