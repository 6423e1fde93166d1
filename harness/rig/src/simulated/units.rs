//! What simulated units can do: the same traits as the hardware's.

use std::sync::Arc;

use async_trait::async_trait;
use rigtone_audio::stimulus::Stimulus;

use super::{
    clock::VirtualClock,
    world::{LinkState, Shared, Sound},
};
use crate::{
    capability::{
        Address, Answer, Codec, Connecting, DeviceFailure, Emission, FailureClass, Found, InfrastructureFault, Inquiry,
        Link, Pairing, PairingMode, Power, Streamed, Streaming, Truth, Wish,
    },
    clock::{Clock, Instant},
};

const MS: i64 = 1_000_000;
/// From the order to the contact.
const RELAY_NS: i64 = 15 * MS;
/// From a refused pairing to the answer, as real stacks show it.
const REFUSAL_NS: i64 = 1300 * MS;
/// Setting up a profile: service search, capabilities, configuration.
const CONNECT_NS: i64 = 350 * MS;
/// How long an absent unit is paged.
const PAGE_TIMEOUT_NS: i64 = 5120 * MS;
const DISCONNECT_NS: i64 = 100 * MS;
/// From the order to play to the first packet.
const START_NS: i64 = 12 * MS;
/// From the loss of the other side's power until the link is given up.
const SUPERVISION_NS: i64 = 2500 * MS;

/// One simulated unit.
pub(super) struct SimulatedUnit {
    pub(super) name: Arc<str>,
    pub(super) world: Shared,
    pub(super) clock: VirtualClock,
}

impl SimulatedUnit {
    async fn pass(&self, ns: i64) {
        self.clock.sleep_until(self.clock.now().plus(ns)).await;
    }

    fn address(&self) -> Address {
        self.world.borrow_mut().body(&self.name).address
    }

    fn failed<T>(class: FailureClass, detail: &str) -> Answer<T> {
        Ok(Err(DeviceFailure::new(class, detail)))
    }

    fn link_to(&self, target: Address) -> Option<LinkState> {
        self.world.borrow_mut().body(&self.name).link.filter(|l| l.peer == target)
    }
}

#[async_trait(?Send)]
impl Power for SimulatedUnit {
    async fn switch(&self, on: bool, _deadline: Instant) -> Result<Truth, InfrastructureFault> {
        self.pass(RELAY_NS).await;
        self.world.borrow_mut().supply(&self.name, on, self.clock.now());
        Ok(Truth::Commanded)
    }
}

#[async_trait(?Send)]
impl PairingMode for SimulatedUnit {
    async fn enter(&self, deadline: Instant) -> Answer<()> {
        let (awake, gesture_ns) = {
            let mut world = self.world.borrow_mut();
            let body = world.body(&self.name);
            (body.awake, body.gesture_ns)
        };
        // A gesture during start-up is lost on most devices: a person waits.
        let start = awake.unwrap_or_else(|| self.clock.now()).max(self.clock.now());
        self.clock.sleep_until(start.plus(gesture_ns).min(deadline)).await;
        let mut world = self.world.borrow_mut();
        let body = world.body(&self.name);
        // Without power the buttons do nothing, and nobody sees that at once.
        body.pairing_mode = body.is_awake(self.clock.now());
        Ok(Ok(()))
    }
}

#[async_trait(?Send)]
impl Inquiry for SimulatedUnit {
    async fn find(&self, target: Address, deadline: Instant) -> Answer<Found> {
        let needed = {
            let mut world = self.world.borrow_mut();
            world.at(target).map(|body| (body.answers_inquiry(), body.inquiry_ns(), body.awake))
        };
        if let Some((true, inquiry_ns, Some(awake))) = needed {
            let found = self.clock.now().max(awake).plus(inquiry_ns);
            if found <= deadline {
                self.clock.sleep_until(found).await;
                if self.world.borrow_mut().at(target).is_some_and(|b| b.in_pairing_mode(found)) {
                    return Ok(Ok(Found { at: found, rssi_dbm: Some(-50) }));
                }
            }
        }
        self.clock.sleep_until(deadline).await;
        Self::failed(FailureClass::NotDiscovered, "no answer to the inquiry")
    }
}

#[async_trait(?Send)]
impl Pairing for SimulatedUnit {
    async fn pair(&self, target: Address, deadline: Instant) -> Answer<()> {
        let now = self.clock.now();
        let draw = {
            let mut world = self.world.borrow_mut();
            world
                .at(target)
                .filter(|body| body.in_pairing_mode(now))
                .map(|body| (body.accepts_pairing(), body.pairing_ns()))
        };
        let Some((accepted, pairing_ns)) = draw else {
            self.clock.sleep_until(now.plus(PAGE_TIMEOUT_NS).min(deadline)).await;
            return Self::failed(FailureClass::PairingTimedOut, "no answer to the page");
        };
        let takes = if accepted { pairing_ns } else { REFUSAL_NS };
        if now.plus(takes) > deadline {
            self.clock.sleep_until(deadline).await;
            return Self::failed(FailureClass::PairingTimedOut, "no end of the pairing in time");
        }
        self.pass(takes).await;
        if !accepted {
            return Self::failed(FailureClass::PairingRefused, "authentication failed");
        }
        let own = self.address();
        let mut world = self.world.borrow_mut();
        if let Some(body) = world.at(target) {
            body.bonds.insert(own);
        }
        world.body(&self.name).bonds.insert(target);
        Ok(Ok(()))
    }

    async fn forget(&self, target: Address, _deadline: Instant) -> Result<(), InfrastructureFault> {
        self.pass(20 * MS).await;
        let own = self.address();
        let mut world = self.world.borrow_mut();
        world.unlink(own, target);
        world.body(&self.name).bonds.remove(&target);
        Ok(())
    }
}

#[async_trait(?Send)]
impl Connecting for SimulatedUnit {
    async fn connect(&self, target: Address, wish: Wish, deadline: Instant) -> Answer<Link> {
        let now = self.clock.now();
        let own = self.address();
        let (reachable, bonded, is_sink, offered) = {
            let mut world = self.world.borrow_mut();
            let mine = world.body(&self.name).bonds.contains(&target);
            match world.at(target).filter(|body| body.is_awake(now)) {
                Some(body) => (
                    true,
                    mine && body.bonds.contains(&own),
                    body.roles.contains(&rigtone_model::document::Role::A2dpSink),
                    body.codecs.clone(),
                ),
                None => (false, mine, false, Vec::new()),
            }
        };
        if !reachable {
            self.clock.sleep_until(now.plus(PAGE_TIMEOUT_NS).min(deadline)).await;
            return Self::failed(FailureClass::NotConnected, "page timeout");
        }
        if now.plus(CONNECT_NS) > deadline {
            self.clock.sleep_until(deadline).await;
            return Self::failed(FailureClass::NotConnected, "no end of the connection in time");
        }
        self.pass(CONNECT_NS).await;
        if !bonded {
            return Self::failed(FailureClass::NotConnected, "not paired");
        }
        if !is_sink {
            return Self::failed(FailureClass::WrongRole, "its service records state no A2DP sink");
        }
        // As real stacks do: what is not offered by both falls back to SBC, which every sink must offer.
        let mut world = self.world.borrow_mut();
        let mine = &world.body(&self.name).codecs;
        let codec = if mine.contains(&wish.codec) && offered.contains(&wish.codec) { wish.codec } else { Codec::Sbc };
        let latency_ns = world.at(target).map_or(0, |body| body.connection_latency_ns(codec));
        world.body(&self.name).link = Some(LinkState { peer: target, codec, latency_ns });
        if let Some(body) = world.at(target) {
            body.link = Some(LinkState { peer: own, codec, latency_ns });
            body.pairing_mode = false;
        }
        let configuration = if codec == Codec::Sbc { vec![0x11, 0x15, 2, 53] } else { Vec::new() };
        Ok(Ok(Link { codec, configuration, reported_delay_ns: None }))
    }

    async fn disconnect(&self, target: Address, _deadline: Instant) -> Result<(), InfrastructureFault> {
        if self.link_to(target).is_some() {
            self.pass(DISCONNECT_NS).await;
            let own = self.address();
            self.world.borrow_mut().unlink(own, target);
        }
        Ok(())
    }
}

#[async_trait(?Send)]
impl Streaming for SimulatedUnit {
    async fn prepare(&self, _: &Stimulus, _: Wish, _: Instant) -> Result<(), InfrastructureFault> {
        Ok(())
    }

    async fn stream(
        &self,
        target: Address,
        stimulus: &Stimulus,
        deadline: Instant,
    ) -> Result<Streamed, InfrastructureFault> {
        self.pass(START_NS).await;
        let emitted = self.clock.now();
        let Some(link) = self.link_to(target) else {
            let failure = DeviceFailure::new(FailureClass::NoStream, "no link to stream over");
            return Ok(Streamed { emission: None, ended: Err(failure) });
        };
        let length_ns = (stimulus.duration_s() * 1e9) as i64;
        let fails = {
            let mut world = self.world.borrow_mut();
            let Some(body) = world.at(target) else {
                let failure = DeviceFailure::new(FailureClass::NoStream, "no such unit");
                return Ok(Streamed { emission: None, ended: Err(failure) });
            };
            let fails = body.fails_after_ns().filter(|&ns| ns < length_ns);
            let sound = (!body.is_silent()).then(|| Sound {
                stimulus: stimulus.clone(),
                by: body.name.clone(),
                emitted,
                path: body.path(link.codec, link.latency_ns),
                heard_by: body.heard_by.clone(),
                silent_from: None,
            });
            world.sounds.extend(sound);
            fails
        };
        let emission = Some(Emission { at: emitted, uncertainty_ns: 0 });
        let lost =
            |detail: &str| Ok(Streamed { emission, ended: Err(DeviceFailure::new(FailureClass::LinkLost, detail)) });
        if let Some(after) = fails {
            self.pass(after).await;
            {
                let mut world = self.world.borrow_mut();
                if let Some(name) = world.at(target).map(|b| b.name.clone()) {
                    let now = self.clock.now();
                    world.supply(&name, false, now);
                }
            }
            self.clock.sleep_until(self.clock.now().plus(SUPERVISION_NS).min(deadline)).await;
            return lost("supervision timeout in mid-stream");
        }
        self.clock.sleep_until(emitted.plus(length_ns).min(deadline)).await;
        if self.link_to(target).is_none() {
            return lost("the link went down in mid-stream");
        }
        Ok(Streamed { emission, ended: Ok(()) })
    }
}
