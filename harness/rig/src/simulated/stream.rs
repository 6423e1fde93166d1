//! Streaming between simulated units.

use std::sync::Arc;

use super::{
    body::Fate,
    clock::VirtualClock,
    traffic::{self, Span},
    units::SimulatedUnit,
    world::{Shared, Sound},
};
use crate::{
    capability::{
        Address, Answer, DeviceFailure, Emission, FailureClass, InfrastructureFault, Programme, Streamed, Streaming,
        VolumeControl, Wish,
    },
    clock::{Clock, Instant},
};
use async_trait::async_trait;

/// From the order to play to the first packet.
const START_NS: i64 = 12_000_000;
/// From the loss of the other side's power until the link is given up.
const SUPERVISION_NS: i64 = 2_500_000_000;

/// A unit that plays; dropping it ends that, however the stream ends.
struct Playing {
    name: Arc<str>,
    /// The unit that sends.
    by: Arc<str>,
    world: Shared,
    clock: VirtualClock,
    emitted: Instant,
    length_ns: i64,
}

impl Drop for Playing {
    fn drop(&mut self) {
        let now = self.clock.now();
        let mut world = self.world.borrow_mut();
        let played_ns = now.since(self.emitted);
        if played_ns < self.length_ns {
            world.silence(&self.name, now);
        }
        for name in [&self.by, &self.name] {
            let body = world.body(name);
            body.playing = false;
            body.state.quiet = body.own(now);
        }
        let body = world.body(&self.name);
        let on = body.state.awake.is_some();
        body.state.frozen |= on && body.freezes_after_ns().is_some_and(|ns| ns <= played_ns.min(self.length_ns));
    }
}

/// How a stream ends on the air.
#[derive(Debug, Clone, Copy)]
enum End {
    Suspended,
    Lost,
    Left,
}

fn ended(emission: Option<Emission>, class: FailureClass, detail: &str) -> Streamed {
    Streamed { emission, pacing: None, changes: Vec::new(), ended: Err(DeviceFailure::new(class, detail)) }
}

#[async_trait(?Send)]
impl Streaming for SimulatedUnit {
    async fn prepare(&self, _: &Programme, _: Wish, _: Instant) -> Result<(), InfrastructureFault> {
        self.radio(async { Ok(()) }).await
    }

    async fn stream(
        &self,
        target: Address,
        programme: &Programme,
        deadline: Instant,
    ) -> Result<Streamed, InfrastructureFault> {
        self.radio(self.play(target, programme, deadline)).await
    }
}

/// The steps of the absolute volume of AVRCP.
const VOLUME_STEPS: f64 = 127.0;
/// From the order to the answer of the speaker.
const VOLUME_NS: i64 = 30_000_000;

#[async_trait(?Send)]
impl VolumeControl for SimulatedUnit {
    async fn set_volume(&self, target: Address, share: f64, _: Instant) -> Answer<f64> {
        self.radio(async {
            self.pass(VOLUME_NS).await;
            if self.link_to(target)?.is_none() {
                return Self::failed(FailureClass::LinkLost, "no link over which the volume could be set");
            }
            let mut world = self.world.borrow_mut();
            match world.at(target, self.clock.now()) {
                Some(body) if !body.nature().fixed_volume => {
                    body.volume = (share.clamp(0.0, 1.0) * VOLUME_STEPS).round() / VOLUME_STEPS;
                    Ok(Ok(body.volume))
                }
                _ => Self::failed(FailureClass::Unsupported, "it lets no source set its volume"),
            }
        })
        .await
    }
}

impl SimulatedUnit {
    /// A link over which its source sends nothing; it says that it plays.
    async fn send_nothing(&self, target: Address, until: Instant) -> Result<Streamed, InfrastructureFault> {
        self.clock.sleep_until(until).await;
        Ok(match self.link_to(target)? {
            Some(_) => Streamed { emission: None, pacing: None, changes: Vec::new(), ended: Ok(()) },
            None => ended(None, FailureClass::LinkLost, "the other side ended the link"),
        })
    }

    async fn play(
        &self,
        target: Address,
        programme: &Programme,
        deadline: Instant,
    ) -> Result<Streamed, InfrastructureFault> {
        let asked = self.clock.now();
        self.pass(START_NS).await;
        let emitted = self.clock.now();
        let Some(link) = self.link_to(target)?.filter(|link| link.music) else {
            return Ok(ended(None, FailureClass::NoStream, "no link to stream over"));
        };
        let length_ns = programme.length_ns();
        if self.world.borrow_mut().body(&self.name).sends_nothing() {
            return self.send_nothing(target, emitted.plus(length_ns).min(deadline)).await;
        }
        let (fate, _playing) = {
            let mut world = self.world.borrow_mut();
            let source = world.body(&self.name);
            source.playing = true;
            let unheard = link.taken_over || source.silences(programme.content());
            let Some(body) = world.at(target, emitted) else {
                return Ok(ended(None, FailureClass::NoStream, "no such unit"));
            };
            body.playing = true;
            let freezes = body.freezes_after_ns().filter(|ns| *ns < length_ns).map(|ns| emitted.plus(ns));
            let sounds: Vec<Sound> =
                if unheard || body.is_silent() { Vec::new() } else { body.sounds(programme, link, emitted, freezes) };
            let (fate, name) = (body.fate(length_ns), body.name.clone());
            world.may_wake_others(&sounds);
            world.sounds.extend(sounds);
            let (world, clock) = (self.world.clone(), self.clock.clone());
            (fate, Playing { name, by: self.name.clone(), world, clock, emitted, length_ns })
        };
        let emission = Some(Emission { at: emitted, uncertainty_ns: 0 });
        let until = emitted.plus(fate.map_or(length_ns, |(ns, _)| ns)).min(deadline);
        let supervise = || self.clock.sleep_until(self.clock.now().plus(SUPERVISION_NS).min(deadline));
        let flowed = |end: End| {
            let (mut world, now) = (self.world.borrow_mut(), self.clock.now());
            let codec = world.body(&self.name).sends(link.codec);
            let bitpool = world.at(target, now).map_or(0, |body| body.bitpool());
            let Some((traffic, _)) = world.traffic(&self.name, target) else { return };
            traffic.stream(asked, Span { from: emitted, to: now.min(until) }, target, codec, bitpool);
            match end {
                End::Suspended => traffic.suspend(now, target),
                End::Lost => traffic.ended(now, target, traffic::SUPERVISION_TIMEOUT),
                End::Left => traffic.ended(now, target, traffic::ENDED_BY_PEER),
            }
        };
        loop {
            let now = self.clock.now();
            if self.link_to(target)?.is_none() {
                supervise().await;
                flowed(End::Lost);
                return Ok(ended(emission, FailureClass::LinkLost, "supervision timeout in mid-stream"));
            }
            if now >= until {
                break;
            }
            // What the unit does by itself meanwhile, as when its battery is empty.
            let next = self.world.borrow_mut().at(target, now).and_then(|body| {
                let (at, _) = body.next_happening()?;
                Some(body.at(at, now))
            });
            self.clock.sleep_until(next.map_or(until, |next| next.min(until))).await;
        }
        match fate {
            Some((_, Fate::SupplyFails)) => {
                self.world.borrow_mut().break_down(target, self.clock.now());
                supervise().await;
                flowed(End::Lost);
                Ok(ended(emission, FailureClass::LinkLost, "supervision timeout in mid-stream"))
            }
            Some((_, Fate::DropsLink)) => {
                self.world.borrow_mut().unlink(&self.name, target);
                flowed(End::Left);
                Ok(ended(emission, FailureClass::LinkLost, "the other side ended the link in mid-stream"))
            }
            None => {
                flowed(End::Suspended);
                Ok(Streamed { emission, pacing: None, changes: Vec::new(), ended: Ok(()) })
            }
        }
    }
}
