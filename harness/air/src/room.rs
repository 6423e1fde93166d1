//! Reverberation: the direct sound, sparse early reflections, an exponential tail.

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rigtone_audio::signal::gaussian;

/// Volume of the rooms in cubic metres (5 x 4 x 2.7 m): it sets how loud the reverberation is at a distance.
const VOLUME_M3: f64 = 54.0;
/// The first reflection of such a room comes no earlier.
const FIRST_REFLECTION_S: f64 = 0.0015;
/// From here on reflections are dense.
const DENSE_S: f64 = 0.020;

/// A room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Room {
    /// Time in which its reverberation falls by 60 dB, in seconds.
    pub rt60_s: f64,
    /// Which of all rooms with that time.
    pub seed: u64,
}

impl Room {
    /// Length of its impulse response at `rate` Hz in frames: until the tail has fallen by 60 dB.
    pub(crate) fn frames(&self, rate: u32) -> usize {
        (self.rt60_s.clamp(0.0, 5.0) * f64::from(rate)) as usize + 1
    }

    /// Impulse response at a distance, direct sound 1 at frame 0. Reverberant over direct energy is the squared ratio of the distance to the
    /// critical distance `0.057 sqrt(V / RT60)`.
    pub(crate) fn impulse_response(&self, rate: u32, distance_m: f64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let rate_hz = f64::from(rate);
        let mut tail: Vec<f64> = (0..self.frames(rate))
            .map(|n| {
                let t = n as f64 / rate_hz;
                // Their number grows with the square of time; each is then so much stronger that the energy decays evenly.
                let density = (t / DENSE_S).powi(2).clamp(0.05, 1.0);
                let chance = f64::from(rng.next_u32()) / f64::from(u32::MAX);
                let value = gaussian(&mut rng) * 10f64.powf(-3.0 * t / self.rt60_s.max(1e-3)) / density.sqrt();
                if t < FIRST_REFLECTION_S || chance > density { 0.0 } else { value }
            })
            .collect();
        let energy: f64 = tail.iter().map(|value| value * value).sum();
        let critical_m = 0.057 * (VOLUME_M3 / self.rt60_s.max(1e-3)).sqrt();
        if energy > 0.0 {
            let scale = distance_m / critical_m / energy.sqrt();
            for value in &mut tail {
                *value *= scale;
            }
        }
        tail[0] = 1.0;
        tail.into_iter().map(|value| value as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_falls_by_60_db_in_the_reverberation_time() {
        let response = Room { rt60_s: 0.4, seed: 3 }.impulse_response(48_000, 1.0);
        let energy = |from: f64, to: f64| {
            let range = (from * 48_000.0) as usize..(to * 48_000.0) as usize;
            response[range].iter().map(|v| f64::from(*v).powi(2)).sum::<f64>()
        };
        let slope_db_per_s = 10.0 * (energy(0.30, 0.35) / energy(0.05, 0.10)).log10() / 0.25;
        assert!((slope_db_per_s + 150.0).abs() < 8.0, "{slope_db_per_s} dB/s");
        // At the critical distance of 0.66 m both energies are equal.
        let at_critical = Room { rt60_s: 0.4, seed: 3 }.impulse_response(48_000, 0.057 * (54.0f64 / 0.4).sqrt());
        let reverberant: f64 = at_critical[1..].iter().map(|v| f64::from(*v).powi(2)).sum();
        assert!((reverberant - 1.0).abs() < 1e-3 && at_critical[0] == 1.0);
    }
}
