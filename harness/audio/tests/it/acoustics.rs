//! Paths to plant: rooms, noise, filters with a known edge.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rigtone_audio::excerpt::Excerpt;
use rigtone_audio::fft::{Complex, Fft, fast_size};
use rigtone_audio::filter::apply;
use rigtone_audio::measure::{Outcome, Reason};
use rigtone_audio::signal::gaussian;

/// Impulse response of a room of 54 cubic metres: direct sound 1, sparse early reflections, exponential tail. Reverberant over direct energy is
/// the squared ratio of the distance to the critical distance `0.057 sqrt(V / RT60)`.
pub(crate) fn room(rate: u32, rt60_s: f64, distance_m: f64, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut response: Vec<f64> = (0..(rt60_s * f64::from(rate)) as usize)
        .map(|n| {
            let t = n as f64 / f64::from(rate);
            let density = (t / 0.02).powi(2).clamp(0.05, 1.0);
            let chance = f64::from(rng.next_u32()) / f64::from(u32::MAX);
            let value = gaussian(&mut rng) * 10f64.powf(-3.0 * t / rt60_s) / density.sqrt();
            if t < 0.0015 || chance > density { 0.0 } else { value }
        })
        .collect();
    let energy: f64 = response.iter().map(|value| value * value).sum();
    let critical_m = 0.057 * (54.0 / rt60_s).sqrt();
    for value in &mut response {
        *value *= distance_m / critical_m / energy.sqrt();
    }
    response[0] = 1.0;
    response
}

/// `signal` through an impulse response, as long as the signal.
pub(crate) fn convolve(signal: &[f64], response: &[f64]) -> Vec<f64> {
    let mut fft = Fft::default();
    let size = fast_size(signal.len() + response.len());
    let other = fft.forward(response, size);
    let product = fft.forward(signal, size).iter().zip(other).map(|(a, b)| a * b).collect();
    let mut out = fft.inverse(product, size);
    out.truncate(signal.len());
    out
}

/// `before` frames of silence, the signal, `after` frames of silence.
pub(crate) fn padded(signal: &[f64], before: usize, after: usize) -> Vec<f64> {
    let mut out = vec![0.0; before];
    out.extend(signal);
    out.resize(before + signal.len() + after, 0.0);
    out
}

pub(crate) fn rms(samples: &[f64]) -> f64 {
    (samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len() as f64).sqrt()
}

pub(crate) fn noise(frames: usize, rms: f64, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..frames).map(|_| rms * gaussian(&mut rng)).collect()
}

pub(crate) fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// The gain of a filter of Butterworth shape with these frequencies at -3 and at -20 dB.
pub(crate) fn wall(hz: f64, edge: (f64, f64)) -> f64 {
    let exponent = 99f64.ln() / (edge.1 / edge.0).ln();
    (1.0 + (hz / edge.0).powf(exponent)).sqrt().recip()
}

/// Zero-phase filter.
pub(crate) fn filtered(signal: &[f64], rate: u32, gain: impl Fn(f64) -> f64) -> Vec<f64> {
    apply(&mut Fft::default(), signal, rate, 0, |hz| Complex::new(gain(hz), 0.0))
}

/// So many seeds, times RIGTONE_SOAK where that is set: the nightly run asks for more.
pub(crate) fn seeds(count: u64) -> std::ops::Range<u64> {
    let times = std::env::var("RIGTONE_SOAK").map_or(1, |times| times.parse().expect("RIGTONE_SOAK is a number"));
    0..count * times
}

pub(crate) fn samples(signal: &[f64]) -> Vec<f32> {
    signal.iter().map(|sample| *sample as f32).collect()
}

pub(crate) fn excerpt(rate: u32, samples: &[f32]) -> Excerpt<'_> {
    Excerpt::new(rate, samples).expect("a sound recording")
}

/// The value, or the reason why there is none in the panic.
pub(crate) fn value<T: Clone + std::fmt::Debug>(outcome: &Outcome<T>) -> T {
    match outcome {
        Outcome::Measured(value) => value.clone(),
        Outcome::Inconclusive(reason) => panic!("inconclusive: {reason}"),
    }
}

pub(crate) fn reason<T: std::fmt::Debug>(outcome: &Outcome<T>) -> Reason {
    match outcome {
        Outcome::Measured(value) => panic!("measured: {value:?}"),
        Outcome::Inconclusive(reason) => *reason,
    }
}
