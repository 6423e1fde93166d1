//! Holes, jumps, clicks, levels and drift in rooms: what is planted is found, and nothing else is.

mod gaps;
mod honesty;
mod jumps;
mod levels;
mod soak;
mod time;

use rigtone_audio::continuity::{Continuity, EventKind, Place, PseudoNoise, Reference, Settings, examine};
use rigtone_audio::measure::Recording;

use crate::rooms::Scene;

fn noise(rate: u32, seconds: f64, seed: u64) -> Vec<f32> {
    let frames = (seconds * f64::from(rate)) as usize;
    let mut samples = vec![0.0; frames];
    PseudoNoise::new(rate, frames as u64, seed).read(0, &mut samples);
    samples
}

fn place(scene: &Scene) -> Place {
    Place { frame: scene.at, drift_ppm: scene.drift_ppm }
}

/// The settings of most tests: one SBC frame at 48 kHz must be found.
fn sharp() -> Settings {
    Settings { wanted_gap_s: 128.0 / 48_000.0, ..Settings::default() }
}

fn listen(scene: &Scene, reference: &[f32], recording: &[f32]) -> Continuity {
    let recording = Recording::mono(scene.rate, recording);
    examine(&recording, 0, reference, place(scene), sharp()).expect("a sound recording")
}

/// Start on the reference and length in the recording of each gap, in frames.
fn gaps(found: &Continuity, rate: u32) -> Vec<(f64, f64)> {
    let rate = f64::from(rate);
    let events = found.events.iter().filter(|event| matches!(event.kind, EventKind::Mute { .. } | EventKind::Garbled));
    events.map(|event| (event.reference_s * rate, event.length_s() * rate)).collect()
}
