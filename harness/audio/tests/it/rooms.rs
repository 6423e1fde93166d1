//! A speaker in a room: shoebox by the image-source method (5 x 4 x 2.7 m, absorption by Sabine's formula, every image that arrives within
//! the reverberation time, at the nearest frame), clock drift, white noise at a wideband signal-to-noise ratio.

use std::collections::BTreeMap;
use std::sync::Mutex;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rigtone_audio::fft::{Fft, fast_size};
use rigtone_audio::measure::rms;
use rigtone_audio::resample::Interpolator;
use rigtone_audio::signal::gaussian;

pub(crate) const SIZE_M: [f64; 3] = [5.0, 4.0, 2.7];
const SOUND_M_S: f64 = 343.4;

/// Impulse response over `rt60_s`, direct sound 1 at frame 0. The microphone stands at about the middle of the room.
pub(crate) fn shoebox(rate: u32, rt60_s: f64, distance_m: f64) -> Vec<f32> {
    let [x, y, z] = SIZE_M;
    let surface = 2.0 * (x * y + y * z + z * x);
    let absorption = (0.161 * x * y * z / (surface * rt60_s)).min(1.0);
    let reflection = (1.0 - absorption).sqrt();
    let microphone = [2.31, 1.87, 1.12];
    // Not along a wall: along a direction that makes all images different.
    let way = [0.8, 0.5656, 0.2];
    let norm = way.iter().map(|v: &f64| v * v).sum::<f64>().sqrt();
    let source: Vec<f64> = (0..3).map(|n| microphone[n] + distance_m * way[n] / norm).collect();
    let reach = SOUND_M_S * rt60_s;
    let frames = (rt60_s * f64::from(rate)) as usize;
    let mut response = vec![0.0f64; frames];
    // Along each axis: place of every image relative to the microphone, and its number of reflections.
    let images = |axis: usize| -> Vec<(f64, i32)> {
        let (length, at) = (SIZE_M[axis], source[axis]);
        let most = (reach / length / 2.0).ceil() as i32 + 1;
        let cells = (-most..=most).flat_map(|cell| [(cell, false), (cell, true)]);
        cells
            .map(|(cell, mirrored)| {
                let place = 2.0 * f64::from(cell) * length + if mirrored { -at } else { at };
                (place - microphone[axis], if mirrored { (2 * cell - 1).abs() } else { (2 * cell).abs() })
            })
            .collect()
    };
    let (across, along, up) = (images(0), images(1), images(2));
    for (dx, nx) in &across {
        for (dy, ny) in &along {
            let flat = dx * dx + dy * dy;
            if flat > reach * reach {
                continue;
            }
            for (dz, nz) in &up {
                let distance = (flat + dz * dz).sqrt();
                let frame = ((distance - distance_m) / SOUND_M_S * f64::from(rate)).round() as usize;
                if let Some(value) = response.get_mut(frame) {
                    *value += distance_m / distance.max(1e-3) * reflection.powi(nx + ny + nz);
                }
            }
        }
    }
    response.into_iter().map(|value| value as f32).collect()
}

/// The same, made once for many tests.
fn kept_shoebox(rate: u32, rt60_s: f64, distance_m: f64) -> Vec<f32> {
    static KEPT: Mutex<BTreeMap<(u32, u64, u64), Vec<f32>>> = Mutex::new(BTreeMap::new());
    let mut kept = KEPT.lock().expect("nobody panics while holding it");
    let key = (rate, rt60_s.to_bits(), distance_m.to_bits());
    kept.entry(key).or_insert_with(|| shoebox(rate, rt60_s, distance_m)).clone()
}

/// Convolution by overlap-add.
pub(crate) fn convolve(signal: &[f32], kernel: &[f32]) -> Vec<f32> {
    let block = 1 << 16;
    let size = fast_size(block + kernel.len());
    let mut fft = Fft::<f32>::default();
    let filter = fft.forward(kernel, size);
    let mut out = vec![0.0; signal.len() + kernel.len()];
    for (n, piece) in signal.chunks(block).enumerate() {
        let mut spectrum = fft.forward(piece, size);
        for (value, gain) in spectrum.iter_mut().zip(&filter) {
            *value *= gain;
        }
        let made = fft.inverse(spectrum, size);
        let from = n * block;
        for (sample, value) in out[from..].iter_mut().zip(&made[..piece.len() + kernel.len() - 1]) {
            *sample += value;
        }
    }
    out
}

/// How a stream is heard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) rate: u32,
    /// No room at 0.
    pub(crate) rt60_s: f64,
    pub(crate) distance_m: f64,
    pub(crate) drift_ppm: f64,
    /// Wideband, at the microphone.
    pub(crate) snr_db: f64,
    /// Frame of the recording at which the stream's frame 0 arrives directly.
    pub(crate) at: f64,
    pub(crate) seed: u64,
    /// The direct sound is so much weaker than it would be in line of sight.
    pub(crate) occluded_db: f64,
    /// A codec's noise below the sound of each 128 frames, in dB; none at infinity.
    pub(crate) codec_db: f64,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            rate: 48_000,
            rt60_s: 0.4,
            distance_m: 1.0,
            drift_ppm: 0.0,
            snr_db: 20.0,
            at: 9600.37,
            seed: 1,
            occluded_db: 0.0,
            codec_db: f64::INFINITY,
        }
    }
}

impl Scene {
    /// What the room makes of the stream, before clock and noise.
    pub(crate) fn sound(&self, stream: &[f32]) -> Vec<f32> {
        let mut stream = stream.to_vec();
        if self.codec_db.is_finite() {
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ 0xC0DEC);
            for block in stream.chunks_mut(128) {
                let level = rms(block) * 10f64.powf(-self.codec_db / 20.0);
                for sample in block {
                    *sample += (level * gaussian(&mut rng)) as f32;
                }
            }
        }
        if self.rt60_s == 0.0 {
            return stream;
        }
        let mut response = kept_shoebox(self.rate, self.rt60_s, self.distance_m);
        response[0] *= 10f32.powf(-self.occluded_db as f32 / 20.0);
        convolve(&stream, &response)
    }

    /// The recording: 0.2 s longer than the stream.
    pub(crate) fn record(&self, stream: &[f32]) -> Vec<f32> {
        self.record_drifting(stream, |_| self.drift_ppm)
    }

    /// The same with a drift in parts per million that depends on the second of the recording.
    pub(crate) fn record_drifting(&self, stream: &[f32], ppm: impl Fn(f64) -> f64) -> Vec<f32> {
        const PIECE: usize = 4800;
        let sound = self.sound(stream);
        let rate = f64::from(self.rate);
        let interpolator = Interpolator::default();
        let mut out = Vec::with_capacity(stream.len() + self.rate as usize);
        let mut position = -self.at;
        let end = stream.len() as f64 + 0.2 * rate;
        while position < end {
            let step = 1.0 / (1.0 + 1e-6 * ppm(out.len() as f64 / rate));
            let from = out.len();
            out.resize(from + PIECE, 0.0);
            // Only what a piece can reach, so that long sounds cost no more.
            let low = (position.floor() as i64 - 40).clamp(0, sound.len() as i64) as usize;
            let high = (low + PIECE + 120 + (-position).max(0.0) as usize).min(sound.len());
            interpolator.add(&mut out[from..], &sound[low..high], position - low as f64, step, 0.5);
            position += PIECE as f64 * step;
        }
        let level = 0.5 * rms(&sound[..stream.len().min(sound.len())]);
        // Never the sequence of a reference with the same seed.
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ 0x4015_E000_0000);
        let noise = level * 10f64.powf(-self.snr_db / 20.0);
        for sample in &mut out {
            *sample += (noise * gaussian(&mut rng)) as f32;
        }
        out
    }
}

/// Numbers for planting.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// One of `from..to`.
    pub(crate) fn between(&mut self, from: usize, to: usize) -> usize {
        from + (self.0.next_u64() % (to - from) as u64) as usize
    }
}
