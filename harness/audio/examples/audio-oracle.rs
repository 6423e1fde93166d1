//! Prints what this crate measures on signals that anybody can make again, one JSON object per line, for comparison by `ci/oracles/audio.py`.

use std::error::Error;
use std::f64::consts::PI;
use std::io::Write;

use rigtone_audio::channels::code_pair;
use rigtone_audio::excerpt::Excerpt;
use rigtone_audio::filter::{bandpass_zero_phase, highpass, lowpass};
use rigtone_audio::loudness::{Weighting, hum, level, noise_floor, snr};
use rigtone_audio::measure::Outcome;
use rigtone_audio::response::{Deconvolver, Gate, MicrophoneResponse, Sweep, TONE_HZ, thd_n, tone_level};
use serde_json::{Value, json};

const RATE: u32 = 48_000;
const SEED: u32 = 20_260_101;

fn main() -> Result<(), Box<dyn Error>> {
    let mut cases = weightings();
    cases.extend(filters());
    cases.extend(levels()?);
    cases.push(noise()?);
    cases.push(ratio()?);
    cases.push(hum_lines()?);
    cases.extend(tones()?);
    cases.extend(responses()?);
    cases.push(harmonics()?);
    cases.push(microphone()?);
    cases.extend(codes());
    let mut out = std::io::stdout().lock();
    for case in cases {
        writeln!(out, "{case}")?;
    }
    Ok(())
}

/// Uniform noise between -1 and 1 from a linear congruential generator, which takes a line in any language.
fn uniform(seed: u32, frames: usize) -> Vec<f64> {
    let mut state = seed;
    (0..frames)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            2.0 * (f64::from(state) / 4_294_967_296.0) - 1.0
        })
        .collect()
}

/// Tones of (Hz, amplitude, phase) over uniform noise.
fn sound(rate: u32, frames: usize, tones: &[(f64, f64, f64)], noise: (u32, f64)) -> Vec<f32> {
    let mut out: Vec<f64> = uniform(noise.0, frames).into_iter().map(|value| noise.1 * value).collect();
    for (n, sample) in out.iter_mut().enumerate() {
        for (hz, amplitude, phase) in tones {
            *sample += amplitude * (2.0 * PI * hz * n as f64 / f64::from(rate) + phase).sin();
        }
    }
    out.into_iter().map(|sample| sample as f32).collect()
}

fn measured<T>(outcome: Outcome<T>) -> Result<T, Box<dyn Error>> {
    match outcome {
        Outcome::Measured(value) => Ok(value),
        Outcome::Inconclusive(reason) => Err(reason.to_string().into()),
    }
}

fn weightings() -> Vec<Value> {
    let frequencies = (-20..=13).map(|n| 1000.0 * 10f64.powf(f64::from(n) / 10.0)).chain([31.5, 63.0, 60.0, 997.0]);
    frequencies
        .map(|hz| json!({"kind": "weighting", "hz": hz, "a": Weighting::A.db(hz), "c": Weighting::C.db(hz)}))
        .collect()
}

fn filters() -> Vec<Value> {
    [20.0, 60.0, 300.0, 500.0, 997.0, 4000.0, 8000.0, 15_000.0]
        .into_iter()
        .map(|hz| {
            json!({
                "kind": "filter", "hz": hz, "bandpass": bandpass_zero_phase(hz, 500.0, 8000.0),
                "highpass": highpass(hz, 97.396).norm(), "lowpass": lowpass(hz, 12_000.0).norm(),
            })
        })
        .collect()
}

fn levels() -> Result<Vec<Value>, Box<dyn Error>> {
    let mut cases = Vec::new();
    for rate in [44_100, 48_000] {
        let tones = [(63.0, 0.2, 0.1), (1000.0, 0.05, 0.2), (6300.0, 0.1, 0.3)];
        let samples = sound(rate, 2 * rate as usize, &tones, (SEED, 0.0));
        let excerpt = Excerpt::new(rate, &samples)?;
        for (name, weighting) in [("z", Weighting::Z), ("a", Weighting::A), ("c", Weighting::C)] {
            let found = measured(level(&excerpt, weighting))?;
            cases.push(json!({
                "kind": "level", "rate": rate, "frames": samples.len(), "tones": tones, "noise": [SEED, 0.0],
                "weighting": name, "dbfs": found.dbfs,
            }));
        }
    }
    Ok(cases)
}

fn noise() -> Result<Value, Box<dyn Error>> {
    // As many frames as four windows with half overlap cover.
    let frames = 32_768 / 2 * 5;
    let samples = sound(RATE, frames, &[(250.0, 0.01, 0.0)], (SEED + 1, 0.1));
    let found = measured(noise_floor(&Excerpt::new(RATE, &samples)?))?;
    Ok(json!({
        "kind": "noise", "rate": RATE, "frames": frames, "tones": [[250.0, 0.01, 0.0]], "noise": [SEED + 1, 0.1],
        "size": 32_768, "floor": found,
    }))
}

fn ratio() -> Result<Value, Box<dyn Error>> {
    let frames = 32_768 / 2 * 5;
    let tones = [(997.0, 0.1, 0.0)];
    let signal = sound(RATE, frames, &tones, (SEED + 2, 0.001));
    let floor = sound(RATE, frames, &[], (SEED + 3, 0.001));
    let found = measured(snr(&Excerpt::new(RATE, &signal)?, &Excerpt::new(RATE, &floor)?, (500.0, 8000.0)))?;
    Ok(json!({
        "kind": "snr", "rate": RATE, "frames": frames, "tones": tones, "noise": [SEED + 2, 0.001], "floor": [SEED + 3, 0.001],
        "size": 32_768, "value": found,
    }))
}

fn hum_lines() -> Result<Value, Box<dyn Error>> {
    let tones = [(50.0, 0.002, 0.3), (100.0, 0.0005, 0.1), (150.0, 0.001, 1.0), (250.0, 0.0003, 2.0)];
    let samples = sound(RATE, 6 * RATE as usize, &tones, (SEED + 4, 0.001));
    let found = measured(hum(&Excerpt::new(RATE, &samples)?))?;
    Ok(json!({
        "kind": "hum", "rate": RATE, "frames": samples.len(), "tones": tones, "noise": [SEED + 4, 0.001], "lines": found.lines,
    }))
}

fn tones() -> Result<Vec<Value>, Box<dyn Error>> {
    let mut cases = Vec::new();
    for (rate, drift, second, noise) in [
        (48_000, 0.0, 1e-3, 1e-4),
        (44_100, 50e-6, 1e-3, 1e-4),
        (48_000, -300e-6, 0.01, 1e-3),
        (48_000, 20e-6, 0.0, 2e-5),
    ] {
        let hz = TONE_HZ * (1.0 + drift);
        let tones = [(hz, 0.5, 0.4), (2.0 * hz, 0.5 * second, 0.0), (3.0 * hz, 0.2 * second, 1.0)];
        let samples = sound(rate, 2 * rate as usize, &tones, (SEED + 5, noise));
        let floor = vec![0.0; rate as usize];
        let excerpt = Excerpt::new(rate, &samples)?;
        let found = measured(thd_n(&excerpt, TONE_HZ, &Excerpt::new(rate, &floor)?, -30.0))?;
        let level = measured(tone_level(&excerpt, TONE_HZ))?;
        cases.push(json!({
            "kind": "thd-n", "rate": rate, "frames": samples.len(), "tones": tones, "noise": [SEED + 5, noise],
            "found": found, "level": level,
        }));
    }
    Ok(cases)
}

/// A second-order section, run directly.
fn biquad(samples: &[f64], b: [f64; 3], a: [f64; 3]) -> Vec<f64> {
    let (mut x, mut y) = ([0.0; 2], [0.0; 2]);
    samples
        .iter()
        .map(|sample| {
            let out = (b[0] * sample + b[1] * x[0] + b[2] * x[1] - a[1] * y[0] - a[2] * y[1]) / a[0];
            (x, y) = ([*sample, x[0]], [out, y[0]]);
            out
        })
        .collect()
}

fn responses() -> Result<Vec<Value>, Box<dyn Error>> {
    let mut cases = Vec::new();
    for (rate, seconds, hz, peak_db, q) in
        [(48_000, 5.0, 60.0, -9.0, 1.0), (44_100, 3.0, 900.0, 5.0, 3.0), (48_000, 2.0, 6500.0, 6.0, 5.0)]
    {
        // A peaking section: gain at its middle, 1 far from it.
        let (omega, gain) = (2.0 * PI * hz / f64::from(rate), 10f64.powf(peak_db / 40.0));
        let alpha = omega.sin() / (2.0 * q);
        let b = [1.0 + alpha * gain, -2.0 * omega.cos(), 1.0 - alpha * gain];
        let a = [1.0 + alpha / gain, -2.0 * omega.cos(), 1.0 - alpha / gain];
        let mut deconvolver = Deconvolver::new(Sweep::audio_band(rate, seconds)?);
        let mut played = deconvolver.sweep().samples().to_vec();
        played.resize(played.len() + rate as usize, 0.0);
        let recording: Vec<f32> = biquad(&played, b, a).into_iter().map(|sample| sample as f32).collect();
        let floor = vec![0.0; rate as usize];
        let found = measured(deconvolver.response(&Excerpt::new(rate, &recording)?, &Excerpt::new(rate, &floor)?))?;
        let curve: Vec<_> =
            found.curve(Gate::Room).into_iter().filter_map(|(_, point)| point.measured().copied()).collect();
        let places = [100, 20_000, 50_000, 88_000];
        let samples: Vec<f64> = places.iter().map(|n| deconvolver.sweep().samples()[*n]).collect();
        cases.push(json!({
            "kind": "response", "rate": rate, "seconds": seconds, "b": b, "a": a, "curve": curve,
            "sweep": {"places": places, "samples": samples},
        }));
    }
    Ok(cases)
}

fn harmonics() -> Result<Value, Box<dyn Error>> {
    let (square, cube) = (0.2, 0.3);
    let mut deconvolver = Deconvolver::new(Sweep::new(RATE, 4.0, 20.0, 7500.0)?);
    let mut bent: Vec<f32> =
        deconvolver.sweep().samples().iter().map(|x| (x + square * x * x + cube * x * x * x) as f32).collect();
    bent.resize(bent.len() + RATE as usize, 0.0);
    let floor = vec![0.0; RATE as usize];
    let found = measured(deconvolver.response(&Excerpt::new(RATE, &bent)?, &Excerpt::new(RATE, &floor)?))?;
    let points = [200.0, 500.0, 1000.0].map(|hz| found.thd(hz).measured().cloned());
    Ok(json!({
        "kind": "harmonics", "rate": RATE, "square": square, "cube": cube, "peak": 10f64.powf(-12.0 / 20.0), "points": points,
    }))
}

fn microphone() -> Result<Value, Box<dyn Error>> {
    let points = [(20.0, -3.0), (55.0, -0.7), (310.0, 0.2), (4000.0, 1.1), (20_000.0, -4.5)];
    let text: String = points.iter().map(|(hz, db)| format!("{hz}\t{db}\n")).collect();
    let found = MicrophoneResponse::parse(&text)?;
    let at: Vec<_> = [20.0, 33.0, 60.0, 997.0, 12_345.0, 20_000.0].iter().map(|hz| (*hz, found.db_at(*hz))).collect();
    Ok(json!({"kind": "microphone", "points": points, "at": at}))
}

fn codes() -> Vec<Value> {
    [(48_000, 0), (44_100, 1), (48_000, 5)]
        .into_iter()
        .map(|(rate, code)| {
            let (left, right) = code_pair(rate, code);
            json!({"kind": "codes", "rate": rate, "code": code, "left": left, "right": right})
        })
        .collect()
}
