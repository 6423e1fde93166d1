//! Sounds of a simulated assistant: what it plays when it wakes, and words that nobody understands.

use std::f64::consts::TAU;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::signal::pink;

/// The notes of the chime in Hz, one after the other.
const NOTES: [f64; 3] = [659.26, 987.77, 1318.51];
/// From one note to the next, in seconds.
const NOTE_S: f64 = 0.13;
/// A note dies away by the factor e in this time.
const DECAY_S: f64 = 0.09;
/// Partials of each note: how many times its frequency, and how loud.
const PARTIALS: [(f64, f64); 4] = [(1.0, 1.0), (2.0, 0.4), (3.01, 0.2), (5.43, 0.1)];
/// Syllables a second of speech (Houtgast and Steeneken, "A review of the MTF concept", J. Acoust. Soc. Am. 77, 1985: about 4 Hz).
const SYLLABLES: f64 = 4.0;

/// The chime of a simulated assistant at `rate` Hz: three rising notes of struck metal, 0.5 s, peak 0.5. No assistant of the market has it.
pub fn chime(rate: u32) -> Vec<f32> {
    let frames = (0.5 * f64::from(rate)).round() as usize;
    let mut wave = vec![0.0f64; frames];
    for (n, note) in NOTES.iter().enumerate() {
        let from = (n as f64 * NOTE_S * f64::from(rate)) as usize;
        for (frame, sample) in wave[from..].iter_mut().enumerate() {
            let t = frame as f64 / f64::from(rate);
            // Two milliseconds from nothing to full, so that it does not click.
            let envelope = (t / 0.002).min(1.0) * (-t / DECAY_S).exp();
            *sample += envelope * PARTIALS.iter().map(|(f, a)| a * (TAU * f * note * t).sin()).sum::<f64>();
        }
    }
    let peak = wave.iter().fold(0.0f64, |peak, sample| peak.max(sample.abs()));
    // It ends within its length: the last 20 ms are faded.
    let fade = 0.02 * f64::from(rate);
    let faded = |(n, sample): (usize, f64)| (0.5 * sample / peak * (((frames - n) as f64) / fade).min(1.0)) as f32;
    wave.into_iter().enumerate().map(faded).collect()
}

/// Something with the rhythm and the spectrum of speech at `rate` Hz: pink noise in syllables, RMS 0.1. The same `seed` gives the same.
pub fn speech(rate: u32, seconds: f64, seed: u64) -> Vec<f32> {
    let frames = (seconds * f64::from(rate)).round() as usize;
    let syllable = |n: usize| 0.5 - 0.5 * (TAU * SYLLABLES * n as f64 / f64::from(rate)).cos();
    let noise = pink(&mut ChaCha8Rng::seed_from_u64(seed), rate, frames);
    let wave: Vec<f64> = noise.into_iter().enumerate().map(|(n, sample)| sample * syllable(n)).collect();
    let rms = (wave.iter().map(|x| x * x).sum::<f64>() / frames.max(1) as f64).sqrt().max(1e-12);
    wave.into_iter().map(|sample| (0.1 * sample / rms) as f32).collect()
}
