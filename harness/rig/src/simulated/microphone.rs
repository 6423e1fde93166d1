//! Simulated microphones: each recording is rendered from everything that sounded in its room.

use std::{cell::RefCell, ops::Range, sync::Arc};

use async_trait::async_trait;
use rigtone_air::{self as air, AirPath, Plays};
use rigtone_model::{
    document::{Layout, Side},
    quantity::{Duration, Level},
};

use super::{
    body::seed_bytes,
    clock::VirtualClock,
    planted::{MicrophoneTrouble, Viewer},
    world::Shared,
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
/// What a gain that is turned up makes of that noise: it exceeds full scale.
const CLIPPED_DBFS: f64 = 3.0;
/// What an overrun of the host's buffer loses at least: one period.
const PERIOD_FRAMES: u64 = 4800;
/// How much further away the other driver of a stereo speaker is, in metres.
const APART_M: f64 = 0.15;
/// No microphone delivers one value for so many frames.
const DEAD_FRAMES: usize = RATE as usize / 20;

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
    pub(super) hum: Option<Level>,
    pub(super) dead: bool,
    pub(super) gain_control: bool,
    pub(super) calibrator: Option<Level>,
    pub(super) latency_uncertainty: Option<Duration>,
    pub(super) world: Shared,
    pub(super) clock: VirtualClock,
    pub(super) trial: std::rc::Rc<RefCell<Option<TrialKey>>>,
}

/// A recording that runs.
pub(super) struct SimulatedRecording {
    microphone: SimulatedMicrophone,
    started: Instant,
    seed: [u8; 32],
}

#[async_trait(?Send)]
impl Microphone for SimulatedMicrophone {
    async fn start(&self, _deadline: Instant) -> Result<Box<dyn Recording>, InfrastructureFault> {
        let label = self.label();
        let seed = match &*self.trial.borrow() {
            Some(key) => stream_seed(key.seed, &key.combination, key.trial, key.attempt, &label),
            None => seed_bytes(&label),
        };
        Ok(Box::new(self.record(seed)))
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
    flaws: Arc<air::Flaws>,
}

/// What is no stimulus, as the worker thread gets it.
struct Said {
    samples: Arc<[f32]>,
    emitted_at: f64,
    gain_db: f64,
    distance_m: f64,
    room: Option<air::Room>,
}

impl Said {
    fn plain(&self) -> air::Plain<'_> {
        let Self { samples, emitted_at, gain_db, distance_m, room } = self;
        air::Plain { samples, emitted_at: *emitted_at, gain_db: *gain_db, distance_m: *distance_m, room: *room }
    }
}

#[async_trait(?Send)]
impl Recording for SimulatedRecording {
    async fn stop(self: Box<Self>, _deadline: Instant) -> Result<Captured, InfrastructureFault> {
        let Self { microphone, started, seed } = *self;
        let ended = microphone.clock.now();
        let frames = (ended.since(started) as f64 * f64::from(RATE) / 1e9) as usize;
        let frame_of = |t: Instant| t.since(started) as f64 * f64::from(RATE) / 1e9;
        let heard = microphone.heard(started, &frame_of);
        let said = microphone.said((started, ended), &frame_of);
        let label = microphone.label();
        let troubles = {
            let (world, trial) = (microphone.world.borrow(), microphone.trial.borrow());
            world.planted.microphone(&microphone.name, (started, ended), Viewer::Trial(trial.as_ref()))
        };
        if troubles.contains(&MicrophoneTrouble::LosesSamples) {
            let what = format!("at least {PERIOD_FRAMES} frames of the recording were lost (overrun)");
            return Err(InfrastructureFault::new(label, what).hint("see what else keeps the host or its USB bus busy"));
        }
        let mut air = air::Microphone {
            noise_dbfs: microphone.noise.map_or(QUIET_DBFS, Level::db),
            hum_dbfs: microphone.hum.map_or(f64::NEG_INFINITY, Level::db),
            gain_control: microphone.gain_control,
            dead: microphone.dead,
        };
        let clips = troubles.contains(&MicrophoneTrouble::Clips);
        let gain = if clips { 10f64.powf((CLIPPED_DBFS - air.noise_dbfs) / 20.0) as f32 } else { 1.0 };
        let mut dead: Vec<Range<usize>> = Vec::new();
        for trouble in &troubles {
            match trouble {
                MicrophoneTrouble::Noisy(dbfs) => air.noise_dbfs = air.noise_dbfs.max(*dbfs),
                MicrophoneTrouble::Dead(from, until) => {
                    let frame = |t: Instant| frame_of(t).clamp(0.0, frames as f64) as usize;
                    dead.push(frame(*from)..until.map_or(frames, frame));
                }
                MicrophoneTrouble::Clips | MicrophoneTrouble::LosesSamples => {}
            }
        }
        let seed = u64::from_le_bytes(seed[..8].try_into().expect("eight of 32 bytes"));
        let stretches = dead.clone();
        let calibrator = microphone.calibrator.filter(|_| !microphone.dead);
        let render = move || {
            let sounds: Vec<air::Sound<'_>> = heard
                .iter()
                .map(|h| air::Sound {
                    stimulus: &h.stimulus,
                    path: &h.path,
                    emitted_at: h.emitted_at,
                    silences: &h.silences,
                    flaws: Some(&h.flaws),
                })
                .collect();
            let plain: Vec<air::Plain<'_>> = said.iter().map(Said::plain).collect();
            let mut samples = RENDERER.with_borrow_mut(|r| r.record_with(frames, &sounds, &plain, &air, seed));
            if let Some(level) = calibrator {
                add_tone(&mut samples, level.db());
            }
            for stretch in stretches {
                samples[stretch].fill(0.0);
            }
            // A converter of 16 bits, which clips what is too loud.
            let sample = |x: &f32| (x * gain * 32767.0).round().clamp(-32768.0, 32767.0) as i16;
            samples.iter().map(sample).collect::<Vec<i16>>()
        };
        let samples = compute(&microphone.clock, STOP_NS, render).await.ok_or_else(|| {
            InfrastructureFault::new(&label, "rendering the recording failed: this is a fault of Rigtone")
        })?;
        // A recording that is dead throughout is left to those who look at it.
        if let Some(stretch) = dead.iter().find(|s| s.len() >= DEAD_FRAMES && s.len() < frames) {
            let what = format!("it delivered one constant value for {} ms", stretch.len() * 1000 / RATE as usize);
            return Err(InfrastructureFault::new(label, what).hint("check its cable and its gain"));
        }
        Ok(Captured {
            rate: RATE,
            channels: 1,
            channel: 0,
            reference: None,
            samples: samples.into(),
            anchors: vec![Anchor { frame: 0.0, t_ns: started.0 }, Anchor { frame: frames as f64, t_ns: ended.0 }],
            residual_ns: 0,
            received: None,
        })
    }
}

impl SimulatedMicrophone {
    fn label(&self) -> String {
        format!("microphone {}", self.name)
    }

    fn record(&self, seed: [u8; 32]) -> SimulatedRecording {
        SimulatedRecording { microphone: self.clone(), started: self.clock.now(), seed }
    }

    /// A recording of a check, which is the same whatever was recorded before.
    pub(super) fn listen(&self) -> SimulatedRecording {
        self.record(seed_bytes(&self.label()))
    }

    /// What was said within earshot in that time, on the frames of the recording.
    fn said(&self, (started, ended): (Instant, Instant), frame_of: &dyn Fn(Instant) -> f64) -> Vec<Said> {
        let world = self.world.borrow();
        let room = world.rooms.get(&self.room).filter(|r| r.rt60_s > 0.0).copied();
        let trial = self.trial.borrow();
        let mut all = Vec::new();
        for one in world.utterances.iter().filter(|one| one.trial == *trial) {
            // What ended more than two seconds before has died away.
            let over = one.begins.plus((one.samples.len() as f64 * 1e9 / f64::from(RATE)) as i64 + 2_000_000_000);
            let Some((_, gain_db, metres)) = one.heard_by.iter().find(|(name, ..)| *name == self.name) else {
                continue;
            };
            if over <= started || ended <= one.begins {
                continue;
            }
            let (samples, emitted_at) = (one.samples.clone(), frame_of(one.begins));
            all.push(Said { samples, emitted_at, gain_db: *gain_db, distance_m: *metres, room });
        }
        all
    }

    /// What sounded within earshot since `started`, on the frames of the recording.
    fn heard(&self, started: Instant, frame_of: &dyn Fn(Instant) -> f64) -> Vec<Heard> {
        let world = self.world.borrow();
        let room = world.rooms.get(&self.room).filter(|r| r.rt60_s > 0.0).copied();
        let trial = self.trial.borrow();
        let mut all = Vec::new();
        for sound in world.sounds.iter().filter(|sound| sound.trial == *trial) {
            let Some((_, heard)) = sound.heard_by.iter().find(|(name, _)| *name == self.name) else { continue };
            // What ended more than two seconds before has died away.
            let ended = sound.emitted.plus((sound.stimulus.duration_s() * 1e9) as i64 + 2_000_000_000);
            if ended <= started {
                continue;
            }
            let emitted_at = frame_of(sound.emitted);
            let holes = sound.holes.iter().map(|(from, to)| frame_of(*from)..frame_of(*to));
            let silences: Vec<Range<f64>> =
                holes.chain(sound.silent_from.map(|t| frame_of(t)..f64::INFINITY)).collect();
            for (plays, further_m) in drivers(sound.layout, heard.nearer) {
                let near = heard.distance.metres().max(0.01) + further_m;
                // No two places in a room hear the same of it.
                let place = u64::from(further_m > 0.0);
                let path = AirPath {
                    // The level is given at one metre; sound pressure falls with distance.
                    gain_db: sound.path.gain_db - 20.0 * near.log10(),
                    distance_m: near,
                    room: room.map(|room| air::Room { seed: room.seed ^ place, ..room }),
                    speaker: air::Speaker { plays, ..sound.path.speaker },
                    ..sound.path
                };
                let (stimulus, flaws) = (sound.stimulus.clone(), Arc::clone(&sound.flaws));
                all.push(Heard { stimulus, path, emitted_at, silences: silences.clone(), flaws });
            }
        }
        all
    }
}

/// The tone of a calibrator of that level (RMS) in dBFS.
fn add_tone(samples: &mut [f32], level_dbfs: f64) {
    let amplitude = 2f64.sqrt() * 10f64.powf(level_dbfs / 20.0);
    for (frame, sample) in samples.iter_mut().enumerate() {
        // The phase within a period of 48 frames: nothing is lost after hours.
        let phase = (frame % (RATE as usize / 1000)) as f64 / (f64::from(RATE) / 1000.0);
        *sample += (amplitude * (std::f64::consts::TAU * phase).sin()) as f32;
    }
}

/// The drivers of a speaker: what each plays, and how much further than the nearer one it is from the microphone, in metres.
fn drivers(layout: Layout, nearer: Option<Side>) -> Vec<(Plays, f64)> {
    let sides = |left: Plays, right: Plays| match nearer.unwrap_or(Side::Left) {
        Side::Left => vec![(left, 0.0), (right, APART_M)],
        Side::Right => vec![(right, 0.0), (left, APART_M)],
    };
    match layout {
        Layout::Mono => vec![(Plays::Sum, 0.0)],
        Layout::LeftOnly => vec![(Plays::Left, 0.0)],
        Layout::RightOnly => vec![(Plays::Right, 0.0)],
        Layout::Stereo => sides(Plays::Left, Plays::Right),
        Layout::Swapped => sides(Plays::Right, Plays::Left),
    }
}
