//! Hands-free links of the simulated world: voice in both directions.

use async_trait::async_trait;
use rigtone_air::{self as air, AirPath};
use rigtone_audio::stimulus::Stimulus;
use rigtone_model::{
    document::{Codec, Role},
    quantity::Duration,
};

use super::{
    body::{Body, LinkState},
    microphone::RATE,
    units::SimulatedUnit,
};
use crate::{
    capability::{
        Address, Anchor, Answer, Captured, Emission, FailureClass, HandsFree, InfrastructureFault, Link, VoiceArrived,
    },
    clock::{Clock, Instant, compute},
    programme::Programme,
};

/// From the microphone to the gateway, and from the gateway to the sound, when nothing else is said.
const WAY_NS: i64 = 120_000_000;
/// Setting up a link: service search and the commands of either side.
const CONNECT_NS: i64 = 600_000_000;
/// From the order to the first sample.
const START_NS: i64 = 12_000_000;
/// Recorded at the gateway before the stimulus sounds, and after it has.
const LEAD_NS: i64 = 250_000_000;
const TAIL_NS: i64 = 1_500_000_000;
/// Ending a recording.
const STOP_NS: i64 = 20_000_000;
/// The noise of a hands-free microphone, in dB relative to full scale.
const NOISE_DBFS: f64 = -60.0;
/// The level of what is played right before that microphone.
const GAIN_DB: f64 = -12.0;

impl Body {
    /// The codec that it agrees on for voice.
    pub(super) fn voice_codec(&self) -> Codec {
        self.nature().hands_free.as_ref().and_then(|nature| nature.codec).unwrap_or_default().codec()
    }

    /// How long a voice takes to the gateway, and from there to its sound.
    fn voice_ways(&self) -> (i64, i64) {
        let nature = self.nature().hands_free.clone().unwrap_or_default();
        (nature.uplink.map_or(WAY_NS, Duration::ns), nature.downlink.map_or(WAY_NS, Duration::ns))
    }
}

impl SimulatedUnit {
    /// Connects the hands-free profile, from the gateway.
    pub(super) async fn try_hands_free(&self, target: Address, deadline: Instant) -> Answer<Link> {
        let now = self.clock.now();
        let paged = Self::page(&mut self.world.borrow_mut(), &self.name, target, now);
        let Some(paged) = paged else {
            return self.page_timeout(target, now, deadline).await;
        };
        if now.plus(CONNECT_NS) > deadline {
            self.clock.sleep_until(deadline).await;
            return Self::failed(FailureClass::NotConnected, "no end of the connection in time");
        }
        self.pass(CONNECT_NS).await;
        if paged.refuses {
            return Self::failed(FailureClass::NotConnected, "refused: it has a link to another source");
        }
        if !paged.bonded {
            return Self::failed(FailureClass::NotConnected, "not paired");
        }
        let (mut world, made) = (self.world.borrow_mut(), self.clock.now());
        if !world.body(&self.name).roles.contains(&Role::HfpGateway) {
            return Self::failed(FailureClass::Unsupported, "it offers no hands-free gateway");
        }
        let Some(codec) = world.at(target, made).filter(|b| b.roles.contains(&Role::HfpUnit)).map(|b| b.voice_codec())
        else {
            return Self::failed(FailureClass::Unsupported, "its service records state no hands-free unit");
        };
        let before = world.body(&self.name).state.links.get(&target).copied();
        let fresh = LinkState { codec, latency_ns: 0, made, taken_over: false, music: false, hands_free: true };
        let link = before.map_or(fresh, |link| LinkState { hands_free: true, ..link });
        world.link(&self.name, target, link);
        let (configuration, changes) = (Vec::new(), Vec::new());
        Ok(Ok(Link { codec, configuration, rate_hz: RATE, reported_delay_ns: None, changes }))
    }

    /// The codec and the ways of the voice link to a unit; the device's failure where there is none.
    fn voice_link(&self, target: Address) -> Answer<(Codec, i64, i64)> {
        let link = self.link_to(target)?;
        if !link.is_some_and(|link| link.hands_free) {
            return Self::failed(FailureClass::NoStream, "no hands-free link to speak over");
        }
        let mut world = self.world.borrow_mut();
        let Some(body) = world.at(target, self.clock.now()) else {
            return Self::failed(FailureClass::NoStream, "no such unit");
        };
        let (up, down) = body.voice_ways();
        Ok(Ok((body.voice_codec(), up, down)))
    }
}

#[async_trait(?Send)]
impl HandsFree for SimulatedUnit {
    async fn uplink(&self, target: Address, stimulus: &Stimulus, _deadline: Instant) -> Answer<VoiceArrived> {
        self.radio(async {
            let (codec, up_ns, _) = match self.voice_link(target)? {
                Ok(link) => link,
                Err(failure) => return Ok(Err(failure)),
            };
            let started = self.clock.now();
            self.pass(LEAD_NS).await;
            let emitted = self.clock.now();
            self.pass((stimulus.duration_s() * 1e9) as i64 + TAIL_NS).await;
            let ended = self.clock.now();
            if self.voice_link(target)?.is_err() {
                return Self::failed(FailureClass::LinkLost, "the hands-free link went down");
            }
            let frames_of = |ns: i64| ns as f64 * f64::from(RATE) / 1e9;
            let (frames, emitted_at) = (frames_of(ended.since(started)) as usize, frames_of(emitted.since(started)));
            let codec = if codec == Codec::Cvsd { air::Codec::Cvsd } else { air::Codec::MSbc };
            let path = AirPath {
                codec,
                gain_db: GAIN_DB,
                latency_s: up_ns as f64 / 1e9,
                distance_m: 0.0,
                ..AirPath::default()
            };
            // Drawn from the trial: no two have the same noise.
            let seed = (self.world.borrow_mut().body(&self.name).chance("voice") * (1_u64 << 53) as f64) as u64;
            let stimulus = stimulus.clone();
            let render = move || {
                let sound = air::Sound { stimulus: &stimulus, path: &path, emitted_at, silences: &[], flaws: None };
                let microphone = air::Microphone {
                    noise_dbfs: NOISE_DBFS,
                    hum_dbfs: f64::NEG_INFINITY,
                    gain_control: false,
                    dead: false,
                };
                let samples = air::Renderer::new().record(frames, &[sound], &microphone, seed);
                samples.iter().map(|x| (x * 32767.0).round().clamp(-32768.0, 32767.0) as i16).collect::<Vec<i16>>()
            };
            let samples = compute(&self.clock, STOP_NS, render).await.ok_or_else(|| {
                InfrastructureFault::new("simulation", "rendering a voice failed: this is a fault of Rigtone")
            })?;
            Ok(Ok(VoiceArrived {
                emission: Emission { at: emitted, uncertainty_ns: 0 },
                captured: Captured {
                    rate: RATE,
                    channels: 1,
                    channel: 0,
                    reference: None,
                    samples: samples.into(),
                    anchors: vec![
                        Anchor { frame: 0.0, t_ns: started.0 },
                        Anchor { frame: frames as f64, t_ns: ended.0 },
                    ],
                    residual_ns: 0,
                    received: None,
                },
            }))
        })
        .await
    }

    async fn downlink(&self, target: Address, stimulus: &Stimulus, deadline: Instant) -> Answer<Emission> {
        self.radio(async {
            self.pass(START_NS).await;
            let (codec, _, down_ns) = match self.voice_link(target)? {
                Ok(link) => link,
                Err(failure) => return Ok(Err(failure)),
            };
            let emitted = self.clock.now();
            {
                let mut world = self.world.borrow_mut();
                let Some(body) = world.at(target, emitted) else {
                    return Self::failed(FailureClass::NoStream, "no such unit");
                };
                let link = LinkState {
                    codec,
                    latency_ns: down_ns,
                    made: emitted,
                    taken_over: false,
                    music: false,
                    hands_free: true,
                };
                let programme = Programme::once(stimulus);
                let sounds = if body.is_silent() { Vec::new() } else { body.sounds(&programme, link, emitted, None) };
                body.state.quiet = body.own(emitted);
                world.sounds.extend(sounds);
            }
            let ends = emitted.plus((stimulus.duration_s() * 1e9) as i64);
            self.clock.sleep_until(ends.min(deadline)).await;
            if self.voice_link(target)?.is_err() {
                return Self::failed(FailureClass::LinkLost, "the hands-free link went down");
            }
            Ok(Ok(Emission { at: emitted, uncertainty_ns: 0 }))
        })
        .await
    }
}
