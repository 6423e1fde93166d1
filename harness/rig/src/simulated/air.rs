//! The air: what a microphone hears of the sounds that speakers make.
//!
//! Every recording is made of real samples. A stimulus goes through a model of its codec, the speaker's response and a room, arrives late by
//! the latency and the flight through the air on a clock that may run apart, and the microphone adds its noise. What is the same in every
//! trial (the stimulus behind codec, speaker and room) is kept; delay, drift, silences and noise are rendered anew each time.

mod codec;
mod room;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rigtone_audio::fft::{Complex, Fft, fast_size};
use rigtone_audio::filter;
use rigtone_audio::measure::{StimulusRef, speed_of_sound};
use rigtone_audio::resample::Interpolator;
use rigtone_audio::stimulus::Stimulus;

pub use codec::Codec;
pub use room::Room;

/// Air temperature of the simulated rooms in degrees Celsius.
pub const CELSIUS: f64 = 20.0;
/// Room for a speaker's ringing after the stimulus, in seconds.
const RINGING_S: f64 = 0.05;
/// So many rendered stimuli are kept, about 1 MB each.
const KEPT: usize = 128;

/// Frequency response of a speaker.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Speaker {
    /// Second-order high-pass in Hz; none at 0.
    pub highpass_hz: f64,
    /// Second-order low-pass in Hz; none at 0.
    pub lowpass_hz: f64,
    /// Wired the wrong way round.
    pub inverted: bool,
}

/// The way of a sound from the source to one microphone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AirPath {
    /// What the stream is coded with.
    pub codec: Codec,
    /// The speaker.
    pub speaker: Speaker,
    /// Level of the direct sound at the microphone over the level in the stream, in dB.
    pub gain_db: f64,
    /// From emission to the speaker's membrane, in seconds, codec included.
    pub latency_s: f64,
    /// How much faster the microphone's clock counts than the source's, in parts per million. The latency holds at stimulus frame 0.
    pub drift_ppm: f64,
    /// From speaker to microphone in metres; the flight adds to the latency.
    pub distance_m: f64,
    /// The room; without one there is the direct sound only.
    pub room: Option<Room>,
}

impl AirPath {
    /// Time of flight in seconds.
    pub fn flight_s(&self) -> f64 {
        self.distance_m / speed_of_sound(CELSIUS)
    }
}

impl Default for AirPath {
    fn default() -> Self {
        Self {
            codec: Codec::Pcm,
            speaker: Speaker::default(),
            gain_db: 0.0,
            latency_s: 0.0,
            drift_ppm: 0.0,
            distance_m: 0.3,
            room: None,
        }
    }
}

/// One stimulus on its way to the microphone.
#[derive(Debug, Clone, Copy)]
pub struct Sound<'a> {
    /// What is played.
    pub stimulus: &'a Stimulus,
    /// How it gets to the microphone.
    pub path: &'a AirPath,
    /// Frame of the recording, with its fraction, at which stimulus frame 0 is emitted.
    pub emitted_at: f64,
    /// Frames of the recording in which the speaker makes no sound: gaps, or `t..f64::INFINITY` for power that is lost at `t`.
    pub silences: &'a [Range<f64>],
}

/// The microphone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Microphone {
    /// Its white noise, the room's included, in dBFS (RMS); none at minus infinity.
    pub noise_dbfs: f64,
    /// The chain behind it is dead: it records zeros.
    pub dead: bool,
}

impl Default for Microphone {
    fn default() -> Self {
        Self { noise_dbfs: f64::NEG_INFINITY, dead: false }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct DryKey {
    stimulus: StimulusRef,
    codec: Codec,
    highpass: u64,
    lowpass: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct RoomKey {
    rt60: u64,
    distance: u64,
    seed: u64,
    rate: u32,
    size: usize,
}

/// Renders recordings. Keep one for many: it keeps what repeats.
#[derive(Default)]
pub struct Renderer {
    fft: Fft<f32>,
    interpolator: Interpolator,
    dry: HashMap<DryKey, Arc<[f32]>>,
    rooms: HashMap<RoomKey, Arc<[Complex<f32>]>>,
    wet: HashMap<(DryKey, RoomKey), Arc<[f32]>>,
}

impl Renderer {
    /// A renderer with nothing kept yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a microphone records in `frames` frames, at the rate of the stimuli: all sounds, then its noise, then full scale as the limit.
    /// The same arguments give the same samples.
    pub fn record(&mut self, frames: usize, sounds: &[Sound<'_>], microphone: &Microphone, seed: u64) -> Vec<f32> {
        let mut out = vec![0.0f32; frames];
        if microphone.dead {
            return out;
        }
        for sound in sounds {
            self.add(&mut out, sound);
        }
        add_noise(&mut out, microphone.noise_dbfs, seed);
        for sample in &mut out {
            *sample = sample.clamp(-1.0, 1.0);
        }
        out
    }

    fn add(&mut self, out: &mut [f32], sound: &Sound<'_>) {
        let Sound { stimulus, path, .. } = sound;
        let rate = f64::from(stimulus.rate());
        let stretch = 1.0 + path.drift_ppm * 1e-6;
        let at_speaker = sound.emitted_at + path.latency_s * rate;
        let at_microphone = at_speaker + path.flight_s() * rate;
        let key = DryKey {
            stimulus: (*stimulus).into(),
            codec: path.codec,
            highpass: path.speaker.highpass_hz.to_bits(),
            lowpass: path.speaker.lowpass_hz.to_bits(),
        };
        let dry = self.dry(&key, stimulus, path);
        let silences = sound.silences.iter().map(|silence| {
            let frame = |at: f64| ((at - at_speaker) / stretch).clamp(0.0, dry.len() as f64).round() as usize;
            frame(silence.start)..frame(silence.end)
        });
        let silences: Vec<Range<usize>> = silences.filter(|silence| !silence.is_empty()).collect();
        let wave = match (silences.is_empty(), path.room) {
            (true, None) => dry,
            (true, Some(room)) => {
                let room_key = room_key(&room, path, stimulus, dry.len());
                let whole = (key, room_key.clone());
                match self.wet.get(&whole) {
                    Some(wet) => Arc::clone(wet),
                    None => {
                        let wet: Arc<[f32]> = self.reverberate(&dry, &room, room_key, path).into();
                        keep(&mut self.wet, whole, &wet);
                        wet
                    }
                }
            }
            (false, room) => {
                let mut holed = dry.to_vec();
                for silence in silences {
                    holed[silence].fill(0.0);
                }
                match room {
                    None => holed.into(),
                    Some(room) => {
                        let room_key = room_key(&room, path, stimulus, holed.len());
                        self.reverberate(&holed, &room, room_key, path).into()
                    }
                }
            }
        };
        let sign = if path.speaker.inverted { -1.0 } else { 1.0 };
        let gain = sign * 10f64.powf(path.gain_db / 20.0);
        self.interpolator.add(out, &wave, -at_microphone / stretch, 1.0 / stretch, gain as f32);
    }

    /// The stimulus as the speaker radiates it.
    fn dry(&mut self, key: &DryKey, stimulus: &Stimulus, path: &AirPath) -> Arc<[f32]> {
        if let Some(dry) = self.dry.get(key) {
            return Arc::clone(dry);
        }
        let rate = stimulus.rate();
        let mut fft = Fft::default();
        let coded = codec::decode(&mut fft, path.codec, stimulus.samples(), rate);
        let speaker = path.speaker;
        let tail = (RINGING_S * f64::from(rate)) as usize;
        let sound = filter::apply(&mut fft, &coded, rate, tail, |frequency| {
            let high = if speaker.highpass_hz > 0.0 {
                filter::highpass(frequency, speaker.highpass_hz)
            } else {
                Complex::new(1.0, 0.0)
            };
            let low = if speaker.lowpass_hz > 0.0 {
                filter::lowpass(frequency, speaker.lowpass_hz)
            } else {
                Complex::new(1.0, 0.0)
            };
            high * low
        });
        let dry: Arc<[f32]> = sound.into_iter().map(|sample| sample as f32).collect();
        keep(&mut self.dry, key.clone(), &dry);
        dry
    }

    fn reverberate(&mut self, dry: &[f32], room: &Room, key: RoomKey, path: &AirPath) -> Vec<f32> {
        let size = key.size;
        let response = match self.rooms.get(&key) {
            Some(response) => Arc::clone(response),
            None => {
                let response: Arc<[Complex<f32>]> =
                    self.fft.forward(&room.impulse_response(key.rate, path.distance_m), size).into();
                keep(&mut self.rooms, key, &response);
                response
            }
        };
        let mut spectrum = self.fft.forward(dry, size);
        for (value, response) in spectrum.iter_mut().zip(response.iter()) {
            *value *= response;
        }
        self.fft.inverse(spectrum, size)
    }
}

fn room_key(room: &Room, path: &AirPath, stimulus: &Stimulus, frames: usize) -> RoomKey {
    let rate = stimulus.rate();
    RoomKey {
        rt60: room.rt60_s.to_bits(),
        distance: path.distance_m.to_bits(),
        seed: room.seed,
        rate,
        size: fast_size(frames + room.frames(rate)),
    }
}

fn keep<K: std::hash::Hash + Eq, V: ?Sized>(cache: &mut HashMap<K, Arc<V>>, key: K, value: &Arc<V>) {
    if cache.len() >= KEPT {
        cache.clear();
    }
    cache.insert(key, Arc::clone(value));
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

#[cfg(test)]
mod tests;
