//! What a microphone and its room add to the sounds.

use std::f64::consts::TAU;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Mains, and the harmonic that comes with it at a tenth of its level.
const MAINS_HZ: [(f64, f64); 2] = [(50.0, 1.0), (150.0, 0.1)];
/// Gain control turns down what is louder than this, in dBFS, to a quarter of the decibels above.
const CONTROLLED_FROM_DBFS: f64 = -45.0;
const RATIO: f64 = 4.0;
/// How fast it turns down, and how slowly up again, in seconds.
const ATTACK_S: f64 = 0.01;
const RELEASE_S: f64 = 0.3;

/// The microphone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Microphone {
    /// Its white noise, the room's included, in dBFS (RMS); none at minus infinity.
    pub noise_dbfs: f64,
    /// Mains hum in dBFS (RMS); none at minus infinity.
    pub hum_dbfs: f64,
    /// It moves its gain.
    pub gain_control: bool,
    /// The chain behind it is dead: it records zeros.
    pub dead: bool,
}

impl Default for Microphone {
    fn default() -> Self {
        Self { noise_dbfs: f64::NEG_INFINITY, hum_dbfs: f64::NEG_INFINITY, gain_control: false, dead: false }
    }
}

impl Microphone {
    /// Adds its noise to what sounds, moves the gain if it does so, and limits it to full scale.
    pub(crate) fn hear(&self, out: &mut [f32], rate: u32, seed: u64) {
        add_noise(out, self.noise_dbfs, seed);
        self.add_hum(out, rate);
        if self.gain_control {
            control_gain(out, rate);
        }
        for sample in out {
            *sample = sample.clamp(-1.0, 1.0);
        }
    }

    fn add_hum(&self, out: &mut [f32], rate: u32) {
        let rms = 10f64.powf(self.hum_dbfs / 20.0);
        if rms <= 0.0 {
            return;
        }
        for (hz, share) in MAINS_HZ {
            let (step, peak) = (TAU * hz / f64::from(rate), std::f64::consts::SQRT_2 * rms * share);
            for (n, sample) in out.iter_mut().enumerate() {
                *sample += (peak * (step * n as f64).sin()) as f32;
            }
        }
    }
}

/// A compressor as small recorders have one.
fn control_gain(out: &mut [f32], rate: u32) {
    let pole = |seconds: f64| (-1.0 / (seconds * f64::from(rate))).exp();
    let (attack, release) = (pole(ATTACK_S), pole(RELEASE_S));
    let mut power = 0.0f64;
    for sample in out {
        let now = f64::from(*sample).powi(2);
        let pole = if now > power { attack } else { release };
        power = pole * power + (1.0 - pole) * now;
        let above_db = (10.0 * power.max(1e-20).log10() - CONTROLLED_FROM_DBFS).max(0.0);
        *sample *= 10f64.powf(-above_db * (1.0 - 1.0 / RATIO) / 20.0) as f32;
    }
}

/// White noise: the sum of four uniform values per sample, which is normal enough (within 3.5 standard deviations) for what sums thousands.
fn add_noise(out: &mut [f32], dbfs: f64, seed: u64) {
    let rms = 10f64.powf(dbfs / 20.0);
    if rms <= 0.0 {
        return;
    }
    // Four uniform 16-bit values: mean 4 * 32767.5, variance 4 * (65536^2 - 1) / 12.
    let scale = (rms / ((65_536f64.powi(2) - 1.0) / 3.0).sqrt()) as f32;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for sample in out {
        let bits = rng.next_u64();
        let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48);
        *sample += scale * (sum as f32 - 131_070.0);
    }
}
