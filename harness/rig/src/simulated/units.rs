//! What simulated units can do: the same traits as the hardware's.

use std::{future::Future, rc::Rc, sync::Arc};

use async_trait::async_trait;
use rigtone_model::{
    document::{Output, PAIRING_MODE, Role, USUAL_GAP},
    event::TimedBy,
    quantity::Duration,
};

use super::{
    body::{Gesture, LinkState},
    clock::VirtualClock,
    inquiry::Search,
    planted::Viewer,
    traffic::{self, Proof, Span},
    world::{Shared, World},
};
use crate::{
    capability::{
        Address, Answer, Codec, Connecting, DeviceFailure, FailureClass, Found, Gestures, InfrastructureFault, Inquiry,
        Link, Pairing, PairingMode, Power, Pressed, Profile, Settings, Switched, Truth, Wish,
    },
    clock::{Clock, Instant},
};

const MS: i64 = 1_000_000;
/// From the order to the contact.
const RELAY_NS: i64 = 15 * MS;
/// From a refused pairing to the answer, as real stacks show it.
const REFUSAL_NS: i64 = 1300 * MS;
/// A source's own no, before it calls anybody.
const REFUSING_NS: i64 = 50 * MS;
/// Changing a setting.
const SETTING_NS: i64 = 500 * MS;
/// How long an absent unit is paged.
const PAGE_TIMEOUT_NS: i64 = 5120 * MS;
const DISCONNECT_NS: i64 = 100 * MS;
const RSSI_DBM: i8 = -50;
/// The part of a pairing that the call takes.
const PAGED: f64 = 0.3;
/// What a real stack says of any refusal while a stream is set up.
const CREATE_SOCKET: &str = "the stream was not set up: the device has no codec in common or refused the configuration: \
                             Failed (br-connection-create-socket)";

/// One simulated unit.
pub(super) struct SimulatedUnit {
    pub(super) name: Arc<str>,
    pub(super) world: Shared,
    pub(super) clock: VirtualClock,
}

impl SimulatedUnit {
    pub(super) async fn pass(&self, ns: i64) {
        self.clock.sleep_until(self.clock.now().plus(ns)).await;
    }

    fn address(&self) -> Address {
        self.world.borrow_mut().body(&self.name).address
    }

    pub(super) fn failed<T>(class: FailureClass, detail: &str) -> Answer<T> {
        Ok(Err(DeviceFailure::new(class, detail)))
    }

    /// The device did not answer at all: its failure, unless its supply may as well be missing.
    pub(super) fn unanswered<T>(&self, target: Address, class: FailureClass, detail: &str) -> Answer<T> {
        match self.world.borrow_mut().doubt(target, self.clock.now()) {
            Some(fault) => Err(fault),
            None => Self::failed(class, detail),
        }
    }

    /// The link to another unit; a fault when the rig lost it.
    pub(super) fn link_to(&self, target: Address) -> Result<Option<LinkState>, InfrastructureFault> {
        let mut world = self.world.borrow_mut();
        let now = self.clock.now();
        world.settle(&self.name, now);
        world.at(target, now);
        let body = world.body(&self.name);
        match (body.state.links.get(&target), body.lost.get(&target)) {
            (Some(link), _) => Ok(Some(*link)),
            (None, Some(fault)) => Err(fault.clone()),
            (None, None) => Ok(None),
        }
    }

    /// Does what needs the dongle, unless that or its daemon is gone or goes meanwhile.
    pub(super) async fn radio<T>(
        &self,
        work: impl Future<Output = Result<T, InfrastructureFault>>,
    ) -> Result<T, InfrastructureFault> {
        let exposed = {
            let mut world = self.world.borrow_mut();
            world.planted.has_outages() && world.body(&self.name).dongle.is_some()
        };
        if !exposed {
            return work.await;
        }
        tokio::select! {
            biased;
            fault = self.outage() => Err(fault),
            done = work => done,
        }
    }

    /// Waits for the next outage.
    async fn outage(&self) -> InfrastructureFault {
        loop {
            let (next, changed) = {
                let (mut world, now) = (self.world.borrow_mut(), self.clock.now());
                if let Some(fault) = world.outage(&self.name, now) {
                    return fault;
                }
                (world.next_outage(&self.name, now), world.changed.clone())
            };
            let sleep = async {
                match next {
                    Some(next) => self.clock.sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = changed.notified() => {}
                () = sleep => {}
            }
        }
    }

    /// Switches a relay and waits for its answer.
    async fn order(&self, output: &Output, on: bool) -> Result<Truth, InfrastructureFault> {
        self.pass(RELAY_NS).await;
        let (wait, answer) = {
            let mut world = self.world.borrow_mut();
            let trial = world.body(&self.name).trial.clone();
            world.order(output, on, self.clock.now(), Viewer::Trial(trial.as_ref()))
        };
        if wait > 0 {
            self.pass(wait).await;
        }
        answer
    }

    /// Pages the unit after its supply was cut by a board that tells nothing: no answer shows that the contact opened.
    async fn see_it_off(&self, output: &Output, deadline: Instant) -> Result<Truth, InfrastructureFault> {
        let discharge_ns = self.world.borrow_mut().body(&self.name).discharge_ns;
        self.clock.sleep_until(self.clock.now().plus(discharge_ns).min(deadline)).await;
        let awake = {
            let (mut world, now) = (self.world.borrow_mut(), self.clock.now());
            world.settle(&self.name, now);
            world.body(&self.name).is_awake(now)
        };
        if awake {
            let what = format!("channel {} was switched off, and the unit {} still answers", output.channel, self.name);
            return Err(InfrastructureFault::new(output.member(), what)
                .hint("the contact sticks, or the unit has a battery that its device's document does not mention"));
        }
        self.clock.sleep_until(self.clock.now().plus(PAGE_TIMEOUT_NS).min(deadline)).await;
        Ok(Truth::Observed)
    }
}

#[async_trait(?Send)]
impl Power for SimulatedUnit {
    async fn switch(&self, on: bool, deadline: Instant) -> Result<Switched, InfrastructureFault> {
        let (output, was_awake, battery) = {
            let (mut world, now) = (self.world.borrow_mut(), self.clock.now());
            world.settle(&self.name, now);
            let body = world.body(&self.name);
            (body.power.clone(), body.is_awake(now), body.may_have_battery)
        };
        let Some(output) = output else {
            return Err(InfrastructureFault::new(format!("unit {}", self.name), "its supply is wired to no relay"));
        };
        let before = self.world.borrow_mut().body(&self.name).knowledge.supply_begins();
        let truth = self.order(&output, on).await?;
        self.world.borrow_mut().body(&self.name).knowledge.supply_ends(before, on, self.clock.now());
        if truth == Truth::Reported {
            return Ok(truth.into());
        }
        if on {
            self.world.borrow_mut().body(&self.name).state.proven = false;
        } else if was_awake && !battery {
            return self.see_it_off(&output, deadline).await.map(Switched::from);
        }
        Ok(truth.into())
    }
}

impl SimulatedUnit {
    /// Holds buttons together; tells how long, how well that is known, and whether all contacts did it.
    async fn press(
        &self,
        contacts: &[(Output, bool)],
        held: Duration,
        deadline: Instant,
    ) -> Result<(i64, Truth, bool), InfrastructureFault> {
        let (mut truth, mut moved) = (Truth::Reported, true);
        for (output, pressed) in contacts {
            truth = self.order(output, *pressed).await?;
            moved &= self.world.borrow().boards.position(&output.relay, output.channel) == *pressed;
        }
        let since = self.clock.now();
        self.clock.sleep_until(since.plus(held.ns()).min(deadline)).await;
        let held_ns = self.clock.now().since(since);
        for (output, pressed) in contacts {
            self.order(output, !*pressed).await?;
        }
        Ok((held_ns, truth, moved))
    }
}

#[async_trait(?Send)]
impl Gestures for SimulatedUnit {
    fn lasts_ns(&self, gesture: &str) -> Option<i64> {
        let (mut world, now) = (self.world.borrow_mut(), self.clock.now());
        let body = world.body(&self.name);
        let document = &body.gestures.get(gesture).filter(|g| !g.document.automatic)?.document;
        let starting = body.awake_at(now).map_or(0, |awake| awake.since(now).clamp(0, STARTS_WITHIN_NS));
        Some(document.lasts().ns().saturating_add(starting))
    }

    async fn perform(&self, name: &str, deadline: Instant) -> Result<Vec<Pressed>, InfrastructureFault> {
        let (awake, gesture, before) = {
            let (mut world, now) = (self.world.borrow_mut(), self.clock.now());
            world.settle(&self.name, now);
            let body = world.body(&self.name);
            let missing =
                || InfrastructureFault::new(format!("unit {}", self.name), format!("has no gesture `{name}`"));
            let gesture = body.gestures.get(name).cloned().ok_or_else(missing)?;
            body.knowledge.may(name, &gesture.document)?;
            if gesture.document.power.is_none() {
                body.wake_by_button(now);
            }
            (body.awake_at(now), gesture, body.knowledge.gesture_begins())
        };
        let Gesture { document, presses } = gesture;
        // A gesture during start-up is lost on most devices: a person waits.
        let now = self.clock.now();
        let start = awake.unwrap_or(now).max(now).min(now.plus(STARTS_WITHIN_NS));
        self.clock.sleep_until(start.min(deadline)).await;
        let (mut all, mut moved) = (Vec::new(), true);
        for (n, (press, contacts)) in document.press.iter().zip(&presses).enumerate() {
            if n > 0 {
                let gap = document.press[n - 1].gap.unwrap_or(USUAL_GAP);
                self.clock.sleep_until(self.clock.now().plus(gap.ns()).min(deadline)).await;
            }
            let (held_ns, truth, all_moved) = self.press(contacts, press.held, deadline).await?;
            moved &= all_moved;
            let buttons = press.buttons.clone();
            all.push(Pressed { buttons, held_ns, timed_by: TimedBy::Host, switched: truth.into() });
        }
        let takes_ns = document.takes.map_or(0, Duration::ns);
        self.clock.sleep_until(self.clock.now().plus(takes_ns).min(deadline)).await;
        let (mut world, now) = (self.world.borrow_mut(), self.clock.now());
        world.settle(&self.name, now);
        world.body(&self.name).knowledge.gesture_ends(before, name, &document, now);
        if moved {
            world.pressed(&self.name, name, &document, now);
        }
        Ok(all)
    }

    fn is_alive(&self) {
        self.world.borrow_mut().body(&self.name).knowledge.is_alive();
    }
}

/// So long a start-up is waited for before a gesture; one that goes on loses it.
const STARTS_WITHIN_NS: i64 = 40_000_000_000;

/// A channel that is wired to a unit, for whoever tries it out.
pub(super) struct SimulatedOutlet {
    pub(super) unit: Rc<SimulatedUnit>,
    pub(super) output: Output,
}

#[async_trait(?Send)]
impl Power for SimulatedOutlet {
    async fn switch(&self, on: bool, _deadline: Instant) -> Result<Switched, InfrastructureFault> {
        self.unit.order(&self.output, on).await.map(Switched::from)
    }
}

#[async_trait(?Send)]
impl PairingMode for SimulatedUnit {
    async fn enter(&self, deadline: Instant) -> Answer<()> {
        if self.lasts_ns(PAIRING_MODE).is_some() {
            return self.perform(PAIRING_MODE, deadline).await.map(|_| Ok(()));
        }
        let awake = {
            let (mut world, now) = (self.world.borrow_mut(), self.clock.now());
            world.settle(&self.name, now);
            let body = world.body(&self.name);
            body.wake_by_button(now);
            body.awake_at(now)
        };
        let start = awake.unwrap_or_else(|| self.clock.now()).max(self.clock.now());
        self.clock.sleep_until(start.min(deadline)).await;
        let (mut world, now) = (self.world.borrow_mut(), self.clock.now());
        world.settle(&self.name, now);
        world.body(&self.name).pairing_pressed(now);
        Ok(Ok(()))
    }
}

#[async_trait(?Send)]
impl Inquiry for SimulatedUnit {
    async fn find(&self, target: Address, restart_ns: Option<i64>, deadline: Instant) -> Answer<Found> {
        self.radio(async {
            let begun = self.clock.now();
            let answers = self.world.borrow_mut().at(target, begun).and_then(|body| {
                let awake = body.awake_at(begun)?;
                let from_ns = awake.since(begun).max(0);
                let search = Search { from_ns, until_ns: deadline.since(begun), restart_ns };
                body.answers_inquiry().then(|| body.answers_after_ns(search))?
            });
            if let Some(after_ns) = answers {
                self.clock.sleep_until(begun.plus(after_ns)).await;
                let mut world = self.world.borrow_mut();
                // Sleeping may have taken longer than it should, when the clock jumped.
                let found = self.clock.now();
                if let Some(body) = world.at(target, found).filter(|b| b.in_pairing_mode(found)) {
                    body.state.proven = true;
                    self.searched(&mut world, target, restart_ns, Span { from: begun, to: found }, true);
                    return Ok(Ok(Found { at: found, rssi_dbm: Some(RSSI_DBM.into()) }));
                }
            }
            self.clock.sleep_until(deadline).await;
            let span = Span { from: begun, to: self.clock.now() };
            self.searched(&mut self.world.borrow_mut(), target, restart_ns, span, false);
            self.unanswered(target, FailureClass::NotDiscovered, "no answer to the inquiry")
        })
        .await
    }
}

#[async_trait(?Send)]
impl Pairing for SimulatedUnit {
    async fn pair(&self, target: Address, deadline: Instant) -> Answer<()> {
        self.radio(self.try_to_pair(target, deadline)).await
    }

    async fn forget(&self, target: Address, _deadline: Instant) -> Result<(), InfrastructureFault> {
        self.radio(async {
            self.pass(20 * MS).await;
            let own = self.address();
            let mut world = self.world.borrow_mut();
            world.unlink(&self.name, target);
            let now = self.clock.now();
            if let Some((traffic, _)) = world.traffic(&self.name, target) {
                traffic.disconnect(Span { from: now, to: now }, target);
            }
            let had = world.body(&self.name).state.bonds.remove(&target);
            if let Some(body) = world.at(target, self.clock.now()).filter(|_| had) {
                body.is_forgotten_by(own);
            }
            Ok(())
        })
        .await
    }
}

#[async_trait(?Send)]
impl Connecting for SimulatedUnit {
    async fn connect(&self, target: Address, wish: Wish, deadline: Instant) -> Answer<Link> {
        if wish.profile == Profile::Hfp {
            return self.radio(self.try_hands_free(target, deadline)).await;
        }
        self.radio(self.try_to_connect(target, wish, deadline)).await
    }

    async fn disconnect(&self, target: Address, _deadline: Instant) -> Result<(), InfrastructureFault> {
        self.radio(async {
            // A link that is gone, however that came, needs no end.
            if matches!(self.link_to(target), Ok(Some(_))) {
                let from = self.clock.now();
                self.pass(DISCONNECT_NS).await;
                let mut world = self.world.borrow_mut();
                world.unlink(&self.name, target);
                if let Some((traffic, _)) = world.traffic(&self.name, target) {
                    traffic.disconnect(Span { from, to: self.clock.now() }, target);
                }
            }
            Ok(())
        })
        .await
    }
}

#[async_trait(?Send)]
impl Settings for SimulatedUnit {
    async fn set(&self, option: &str, value: &str, _deadline: Instant) -> Answer<()> {
        self.pass(SETTING_NS).await;
        self.world.borrow_mut().body(&self.name).state.settings.insert(option.to_owned(), value.to_owned());
        Ok(Ok(()))
    }
}

/// Another unit as one that pages it finds it.
pub(super) struct Paged {
    /// Both have a bond, and the other one accepts it.
    pub(super) bonded: bool,
    is_sink: bool,
    pub(super) refuses: bool,
    offered: Vec<Codec>,
    refused: Vec<Codec>,
    connecting_ns: i64,
    bitpool: u8,
}

impl SimulatedUnit {
    /// Calls another unit for as long as a call lasts: one that starts meanwhile answers in the end.
    pub(super) async fn calls(&self, target: Address, deadline: Instant) -> bool {
        let from = self.clock.now();
        let until = from.plus(PAGE_TIMEOUT_NS).min(deadline);
        let answers = self.world.borrow_mut().at(target, from).and_then(|body| body.awake_at(from));
        self.clock.sleep_until(answers.map_or(until, |at| at.max(from).min(until))).await;
        let now = self.clock.now();
        let awake = self.world.borrow_mut().at(target, now).is_some_and(|body| body.is_awake(now));
        if !awake {
            self.clock.sleep_until(until).await;
            self.paged_in_vain(from, target);
        }
        awake
    }

    /// A search that has ended, with all those that it was begun anew with.
    fn searched(&self, world: &mut World, target: Address, restart_ns: Option<i64>, span: Span, found: bool) {
        let Some((traffic, _)) = world.traffic(&self.name, target) else { return };
        let mut from = span.from;
        if let Some(every) = restart_ns.filter(|every| *every > 0) {
            while from.plus(every) < span.to {
                traffic.inquiry(Span { from, to: from.plus(every) }, None);
                from = from.plus(every);
            }
        }
        traffic.inquiry(Span { from, to: span.to }, found.then_some((target, RSSI_DBM)));
    }

    /// A call that began at `from` and that nobody answered.
    fn paged_in_vain(&self, from: Instant, target: Address) {
        if let Some((traffic, awake)) = self.world.borrow_mut().traffic(&self.name, target) {
            traffic.page(Span { from, to: self.clock.now() }, target, awake, traffic::PAGE_TIMEOUT);
        }
    }

    /// A pairing that has ended, or was left alone.
    fn paired(&self, from: Instant, target: Address, proof: Option<Proof>) {
        if let Some((traffic, awake)) = self.world.borrow_mut().traffic(&self.name, target) {
            let span = Span { from, to: self.clock.now() };
            let called = if traffic.is_linked(from, target, awake) { 0.0 } else { PAGED };
            if called > 0.0 {
                traffic.page(span.part(0.0, called), target, awake, traffic::DONE);
            }
            if let Some(proof) = proof {
                traffic.authenticate(span.part(called, 1.0), target, proof);
            }
        }
    }

    /// A connection that has ended one way or the other: the codec that was agreed on, the one that was refused, or none.
    fn connected(&self, from: Instant, target: Address, paged: &Paged, codec: Option<Result<Codec, Codec>>) {
        let mut world = self.world.borrow_mut();
        let Some((traffic, awake)) = world.traffic(&self.name, target) else { return };
        let span = Span { from, to: self.clock.now() };
        let mut begin = 0.0;
        if !traffic.is_linked(from, target, awake) {
            let status = if paged.refuses { traffic::LIMITED_RESOURCES } else { traffic::DONE };
            traffic.page(span.part(0.0, 0.2), target, awake, status);
            let proof = if paged.bonded { Proof::Known } else { Proof::Refused };
            traffic.authenticate(span.part(0.2, 0.3), target, proof);
            begin = 0.3;
        }
        match codec {
            Some(choice) => traffic.set_up(span.part(begin, 1.0), target, &paged.offered, choice, paged.bitpool),
            None if paged.bonded && !paged.is_sink => traffic.no_sink(span.part(begin, 1.0), target),
            None => {}
        }
    }

    async fn try_to_pair(&self, target: Address, deadline: Instant) -> Answer<()> {
        let (begun, own) = (self.clock.now(), self.address());
        let called = self.calls(target, deadline).await;
        let now = self.clock.now();
        let draw = self.world.borrow_mut().at(target, now).filter(|body| body.in_pairing_mode(now)).map(|body| {
            let accepted = body.accepts_pairing() && !body.state.stale.contains(&own);
            (accepted, body.pairing_ns())
        });
        let Some((accepted, pairing_ns)) = draw else {
            // Awake, and not to be connected by strangers.
            if called {
                self.clock.sleep_until(begun.plus(PAGE_TIMEOUT_NS).min(deadline)).await;
                self.paged_in_vain(begun, target);
            }
            return self.unanswered(target, FailureClass::PairingTimedOut, "no answer to the page");
        };
        let takes = if accepted { pairing_ns } else { REFUSAL_NS };
        if now.plus(takes) > deadline {
            self.clock.sleep_until(deadline).await;
            self.paired(begun, target, None);
            return Self::failed(FailureClass::PairingTimedOut, "no end of the pairing in time");
        }
        self.pass(takes).await;
        self.paired(begun, target, Some(if accepted { Proof::Paired } else { Proof::Refused }));
        if !accepted {
            return Self::failed(FailureClass::PairingRefused, "authentication failed");
        }
        let mut world = self.world.borrow_mut();
        if let Some(body) = world.at(target, self.clock.now()) {
            body.state.bonds.insert(own);
            body.state.proven = true;
        }
        world.body(&self.name).state.bonds.insert(target);
        Ok(Ok(()))
    }

    /// Why it does not even call another unit, if it does not.
    fn refuses_to_connect(&self, target: Address) -> Option<(FailureClass, &'static str)> {
        let mut world = self.world.borrow_mut();
        let body = world.body(&self.name);
        if !body.roles.contains(&Role::A2dpSource) && body.could_send {
            return Some((
                FailureClass::Unsupported,
                "it refuses to be a source: its service records state no A2DP source",
            ));
        }
        body.refuses_link_from(target)
            .then_some((FailureClass::NotConnected, "refused: it has a link to another speaker"))
    }

    pub(super) fn page(world: &mut World, name: &str, target: Address, now: Instant) -> Option<Paged> {
        let body = world.body(name);
        let (own, mine) = (body.address, body.state.bonds.contains(&target));
        let other = world.at(target, now).filter(|other| other.is_awake(now))?;
        Some(Paged {
            bonded: mine && other.state.bonds.contains(&own) && !other.state.stale.contains(&own),
            is_sink: other.roles.contains(&Role::A2dpSink),
            refuses: other.refuses_link_from(own),
            offered: other.offers(),
            refused: other.codecs.iter().copied().filter(|codec| other.refuses_codec(*codec)).collect(),
            connecting_ns: other.connecting_ns(),
            bitpool: other.bitpool(),
        })
    }

    /// Nobody answers a call that began at `from`.
    pub(super) async fn page_timeout(&self, target: Address, from: Instant, deadline: Instant) -> Answer<Link> {
        self.clock.sleep_until(from.plus(PAGE_TIMEOUT_NS).min(deadline)).await;
        self.paged_in_vain(from, target);
        self.unanswered(target, FailureClass::NotConnected, "page timeout")
    }

    async fn try_to_connect(&self, target: Address, wish: Wish, deadline: Instant) -> Answer<Link> {
        let now = self.clock.now();
        if let Some((class, why)) = self.refuses_to_connect(target) {
            self.pass(REFUSING_NS).await;
            return Self::failed(class, why);
        }
        self.calls(target, deadline).await;
        let paged = Self::page(&mut self.world.borrow_mut(), &self.name, target, self.clock.now());
        let Some(paged) = paged else {
            return self.page_timeout(target, now, deadline).await;
        };
        if self.clock.now().plus(paged.connecting_ns) > deadline {
            self.clock.sleep_until(deadline).await;
            return Self::failed(FailureClass::NotConnected, "no end of the connection in time");
        }
        self.pass(paged.connecting_ns).await;
        if paged.refuses || !paged.bonded || !paged.is_sink {
            self.connected(now, target, &paged, None);
        }
        if paged.refuses {
            return Self::failed(FailureClass::NotConnected, "refused: it has a link to another source");
        }
        if !paged.bonded {
            return Self::failed(FailureClass::NotConnected, "not paired");
        }
        if !paged.is_sink {
            return Self::failed(FailureClass::WrongRole, "its service records state no A2DP sink");
        }
        // As real stacks do: what is not offered by both falls back to SBC, which every sink must offer.
        if let Some(wanted) = wish.configured.filter(|wanted| !wanted.is_usual(wish.codec)) {
            let what = format!("has the usual configuration of {} only, not {wanted}", wish.codec);
            return Err(
                InfrastructureFault::new("simulation", what).hint("run `rigtone plan`: it skips such combinations")
            );
        }
        let mine = self.world.borrow_mut().body(&self.name).codecs.contains(&wish.codec);
        let codec = if mine && paged.offered.contains(&wish.codec) { wish.codec } else { Codec::Sbc };
        let refused = paged.refused.contains(&codec);
        self.connected(now, target, &paged, Some(if refused { Err(codec) } else { Ok(codec) }));
        if refused {
            return Self::failed(FailureClass::NoStream, CREATE_SOCKET);
        }
        let (mut world, made) = (self.world.borrow_mut(), self.clock.now());
        let hands_free = {
            let source = world.body(&self.name);
            source.state.links.get(&target).is_some_and(|link| link.hands_free)
        };
        let added_ns = world.body(&self.name).added_latency_ns(codec);
        let latency_ns = world.at(target, made).map_or(0, |body| body.connection_latency_ns(codec)) + added_ns;
        world.link(
            &self.name,
            target,
            LinkState { codec, latency_ns, made, taken_over: false, music: true, hands_free },
        );
        world.second_link(&self.name, target, made);
        let configuration = traffic::configuration(codec, paged.bitpool);
        Ok(Ok(Link {
            codec,
            configuration,
            rate_hz: super::microphone::RATE,
            reported_delay_ns: None,
            changes: Vec::new(),
        }))
    }
}
