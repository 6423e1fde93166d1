//! Simulated microphones: each recording is rendered from everything that sounded in its room.

use std::{cell::RefCell, ops::Range, sync::Arc};

use async_trait::async_trait;
use rigtone_model::quantity::{Duration, Level};

use super::{
    air::{self, AirPath},
    clock::VirtualClock,
    world::{Shared, seed_bytes},
};
use crate::{
    bench::TrialKey,
    capability::{Anchor, Captured, InfrastructureFault, Microphone, Recording},
    clock::{Clock, Instant, compute},
};
use rigtone_model::id::stream_seed;

/// Frames a second.
pub(super) const RATE: u32 = 48_000;
/// The virtual time that ending a recording takes.
const STOP_NS: i64 = 20_000_000;
/// Noise of a quiet room in dBFS.
const QUIET_DBFS: f64 = -75.0;

thread_local! {
    // One for each worker: it keeps what repeats from trial to trial, and gives the same samples without it.
    static RENDERER: RefCell<air::Renderer> = RefCell::new(air::Renderer::new());
}

/// One simulated microphone.
#[derive(Clone)]
pub(super) struct SimulatedMicrophone {
    pub(super) name: String,
    pub(super) room: String,
    pub(super) noise: Option<Level>,
    pub(super) dead: bool,
    pub(super) latency_uncertainty: Option<Duration>,
    pub(super) world: Shared,
    pub(super) clock: VirtualClock,
    pub(super) trial: std::rc::Rc<RefCell<Option<TrialKey>>>,
}

struct SimulatedRecording {
    microphone: SimulatedMicrophone,
    started: Instant,
}

#[async_trait(?Send)]
impl Microphone for SimulatedMicrophone {
    async fn start(&self, _deadline: Instant) -> Result<Box<dyn Recording>, InfrastructureFault> {
        Ok(Box::new(SimulatedRecording { microphone: self.clone(), started: self.clock.now() }))
    }
    fn latency_uncertainty_ns(&self) -> i64 {
        self.latency_uncertainty.map_or(0, Duration::ns)
    }
}

/// A sound as the worker thread gets it.
struct Heard {
    stimulus: rigtone_audio::stimulus::Stimulus,
    path: AirPath,
    emitted_at: f64,
    silences: Vec<Range<f64>>,
}

#[async_trait(?Send)]
impl Recording for SimulatedRecording {
    async fn stop(self: Box<Self>, _deadline: Instant) -> Result<Captured, InfrastructureFault> {
        let Self { microphone, started } = *self;
        let ended = microphone.clock.now();
        let frames = (ended.since(started) as f64 * f64::from(RATE) / 1e9) as usize;
        let frame_of = |t: Instant| t.since(started) as f64 * f64::from(RATE) / 1e9;
        let heard = microphone.heard(started, &frame_of);
        let air = air::Microphone { noise_dbfs: microphone.noise.map_or(QUIET_DBFS, Level::db), dead: microphone.dead };
        let label = format!("microphone {}", microphone.name);
        let seed = match &*microphone.trial.borrow() {
            Some(key) => stream_seed(key.seed, &key.combination, key.trial, key.attempt, &label),
            None => seed_bytes(&label),
        };
        let seed = u64::from_le_bytes(seed[..8].try_into().expect("eight of 32 bytes"));
        let render = move || {
            let sounds: Vec<air::Sound<'_>> = heard
                .iter()
                .map(|h| air::Sound {
                    stimulus: &h.stimulus,
                    path: &h.path,
                    emitted_at: h.emitted_at,
                    silences: &h.silences,
                })
                .collect();
            let samples = RENDERER.with_borrow_mut(|r| r.record(frames, &sounds, &air, seed));
            // A converter of 16 bits, which clips what is too loud.
            samples.iter().map(|x| (x * 32767.0).round().clamp(-32768.0, 32767.0) as i16).collect::<Arc<[i16]>>()
        };
        let samples = compute(&microphone.clock, STOP_NS, render).await.ok_or_else(|| {
            InfrastructureFault::new(label, "rendering the recording failed: this is a fault of Rigtone")
        })?;
        Ok(Captured {
            rate: RATE,
            channels: 1,
            channel: 0,
            samples,
            anchors: vec![Anchor { frame: 0.0, t_ns: started.0 }, Anchor { frame: frames as f64, t_ns: ended.0 }],
            residual_ns: 0,
        })
    }
}

impl SimulatedMicrophone {
    /// What sounded within earshot since `started`, on the frames of the recording.
    fn heard(&self, started: Instant, frame_of: &dyn Fn(Instant) -> f64) -> Vec<Heard> {
        let world = self.world.borrow();
        let room = world.rooms.get(&self.room).filter(|r| r.rt60_s > 0.0).copied();
        let sounds = world.sounds.iter().filter_map(|sound| {
            let distance = sound.heard_by.iter().find(|(name, _)| *name == self.name)?.1;
            // What ended more than two seconds before has died away.
            let ended = sound.emitted.plus((sound.stimulus.duration_s() * 1e9) as i64 + 2_000_000_000);
            (ended > started).then(|| {
                let near = distance.max(0.01);
                let path = AirPath {
                    // The level is given at one metre; sound pressure falls with distance.
                    gain_db: sound.path.gain_db - 20.0 * near.log10(),
                    distance_m: near,
                    room,
                    ..sound.path
                };
                let silences = sound.silent_from.map(|t| frame_of(t)..f64::INFINITY).into_iter().collect();
                Heard { stimulus: sound.stimulus.clone(), path, emitted_at: frame_of(sound.emitted), silences }
            })
        });
        sounds.collect()
    }
}
