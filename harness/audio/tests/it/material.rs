//! Sounds to plant and to hide behind.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rigtone_audio::resample::Interpolator;
use rigtone_audio::signal::{gaussian, pink};
use rigtone_audio::stimulus::{Name, Stimulus};

pub(crate) const RATE: u32 = 48_000;

pub(crate) fn smoke(code: u32) -> Stimulus {
    Stimulus::build(Name::Smoke, RATE, code).expect("the rate is supported")
}

/// A recording of `frames` frames in which the stimulus starts at `at` and runs `drift` faster than nominal.
pub(crate) fn plant(stimulus: &Stimulus, frames: usize, at: f64, drift: f64, gain: f32) -> Vec<f32> {
    let mut out = vec![0.0; frames];
    let stretch = 1.0 + drift;
    Interpolator::default().add(&mut out, stimulus.samples(), -at / stretch, 1.0 / stretch, gain);
    out
}

pub(crate) fn add_white(samples: &mut [f32], rms: f64, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for sample in samples {
        *sample += (rms * gaussian(&mut rng)) as f32;
    }
}

pub(crate) fn white(frames: usize, rms: f64, seed: u64) -> Vec<f32> {
    let mut out = vec![0.0; frames];
    add_white(&mut out, rms, seed);
    out
}

pub(crate) fn pink_noise(frames: usize, rms: f64, seed: u64) -> Vec<f32> {
    let samples = pink(&mut ChaCha8Rng::seed_from_u64(seed), RATE, frames);
    samples.into_iter().map(|sample| (rms * sample) as f32).collect()
}

fn uniform(rng: &mut ChaCha8Rng, from: f64, to: f64) -> f64 {
    from + (to - from) * f64::from(rng.next_u32()) / f64::from(u32::MAX)
}

/// Speech-like: syllables of a gliding voice through moving resonances, fricatives, pauses.
pub(crate) fn speech(frames: usize, rms: f64, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let rate = f64::from(RATE);
    let mut out = vec![0.0f64; frames];
    let mut at = 0usize;
    while at < frames {
        let length = (uniform(&mut rng, 0.08, 0.30) * rate) as usize;
        let voiced = uniform(&mut rng, 0.0, 1.0) < 0.7;
        let (pitch, glide) = (uniform(&mut rng, 90.0, 240.0), uniform(&mut rng, -0.4, 0.4));
        let formants =
            [uniform(&mut rng, 300.0, 800.0), uniform(&mut rng, 900.0, 2400.0), uniform(&mut rng, 2400.0, 3500.0)];
        let move_by = uniform(&mut rng, -0.3, 0.3);
        let mut phase = 0.0;
        let mut hiss = 0.0;
        for n in 0..length.min(frames - at) {
            let progress = n as f64 / length as f64;
            let envelope = (std::f64::consts::PI * progress).sin();
            let value = if voiced {
                phase += 2.0 * std::f64::consts::PI * pitch * (1.0 + glide * progress) / rate;
                (1..=24)
                    .map(|k| {
                        let hz = f64::from(k) * pitch;
                        let weight: f64 = formants
                            .iter()
                            .map(|f| 1.0 / (1.0 + ((hz - f * (1.0 + move_by * progress)) / 90.0).powi(2)))
                            .sum();
                        (weight + 0.02) * (f64::from(k) * phase).sin()
                    })
                    .sum()
            } else {
                let noise = gaussian(&mut rng);
                let high = noise - hiss;
                hiss = noise;
                0.5 * high
            };
            out[at + n] = envelope * value;
        }
        at += length + (uniform(&mut rng, 0.0, 0.12) * rate) as usize;
    }
    scale(&out, rms)
}

/// Music-like: chords of decaying partials on a beat, drum noise, a gliding lead.
pub(crate) fn music(frames: usize, rms: f64, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let rate = f64::from(RATE);
    let beat = (uniform(&mut rng, 0.18, 0.35) * rate) as usize;
    let mut out = vec![0.0f64; frames];
    for start in (0..frames).step_by(beat) {
        for _ in 0..3 {
            let base = 110.0 * 2f64.powf(uniform(&mut rng, 0.0, 36.0).floor() / 12.0);
            let decay = uniform(&mut rng, 0.1, 0.6) * rate;
            for n in 0..(3 * beat).min(frames - start) {
                let t = n as f64 / rate;
                let level = (-(n as f64) / decay).exp();
                out[start + n] += level
                    * (1..=8)
                        .map(|k| (2.0 * std::f64::consts::PI * base * f64::from(k) * t).sin() / f64::from(k))
                        .sum::<f64>();
            }
        }
        for n in 0..(beat / 3).min(frames - start) {
            out[start + n] += gaussian(&mut rng) * (-(n as f64) / (0.02 * rate)).exp() * 2.0;
        }
        let (from, to) = (uniform(&mut rng, 300.0, 6000.0), uniform(&mut rng, 300.0, 6000.0));
        let mut phase = 0.0;
        for n in 0..beat.min(frames - start) {
            phase += 2.0 * std::f64::consts::PI * (from + (to - from) * n as f64 / beat as f64) / rate;
            out[start + n] += 0.7 * phase.sin();
        }
    }
    scale(&out, rms)
}

fn scale(samples: &[f64], rms: f64) -> Vec<f32> {
    let power = samples.iter().map(|s| s * s).sum::<f64>() / samples.len().max(1) as f64;
    let gain = rms / power.sqrt().max(1e-12);
    samples.iter().map(|sample| (gain * sample).clamp(-0.99, 0.99) as f32).collect()
}
