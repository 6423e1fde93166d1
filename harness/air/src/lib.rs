//! The air: what a microphone hears of the sounds that speakers make.
//!
//! Every recording is made of real samples. A stimulus goes through a model of its codec, the speaker's response and a room, arrives late by
//! the latency and the flight through the air on a clock that may run apart, and the microphone adds its noise. What is the same in every
//! trial (the stimulus behind codec, speaker and room) is kept; delay, drift, silences and noise are rendered anew each time.

mod codec;
mod flaws;
mod microphone;
mod room;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use rigtone_audio::fft::{Complex, Fft, fast_size};
use rigtone_audio::filter;
use rigtone_audio::measure::{StimulusRef, speed_of_sound};
use rigtone_audio::resample::Interpolator;
use rigtone_audio::stimulus::Stimulus;

pub use codec::Codec;
pub use flaws::{Flaws, Howl, Jump};
pub use microphone::Microphone;
pub use room::Room;

/// Air temperature of the simulated rooms in degrees Celsius.
pub const CELSIUS: f64 = 20.0;
/// Room for a speaker's ringing after the stimulus, in seconds.
const RINGING_S: f64 = 0.05;
/// So many samples of rendered stimuli are kept in each of three ways: 128 of the short ones.
const KEPT_SAMPLES: usize = 32 << 20;
/// Frames per second of a recording in which nothing sounds.
const DEFAULT_RATE: u32 = 48_000;

/// Frequency response of a speaker.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Speaker {
    /// Second-order high-pass in Hz; none at 0.
    pub highpass_hz: f64,
    /// Second-order low-pass in Hz; none at 0.
    pub lowpass_hz: f64,
    /// Wired the wrong way round.
    pub inverted: bool,
    /// Second harmonic of a full-scale tone, as a share of it.
    pub distortion: f64,
    /// What of the stream it plays.
    pub plays: Plays,
}

/// What of the stream a driver plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Plays {
    /// The mean of both channels.
    #[default]
    Sum,
    /// The left channel.
    Left,
    /// The right channel.
    Right,
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
    /// What is wrong with the sound, if anything is.
    pub flaws: Option<&'a Flaws>,
}

/// A sound that is no stimulus, as it leaves whatever makes it.
#[derive(Debug, Clone, Copy)]
pub struct Plain<'a> {
    /// Its samples, at the rate of the recording.
    pub samples: &'a [f32],
    /// Frame of the recording at which its first sample leaves.
    pub emitted_at: f64,
    /// Level of the direct sound at the microphone over that of the samples, in dB.
    pub gain_db: f64,
    /// To the microphone in metres; the flight makes it late.
    pub distance_m: f64,
    /// The room; without one there is the direct sound only.
    pub room: Option<Room>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct DryKey {
    stimulus: StimulusRef,
    codec: Codec,
    highpass: u64,
    lowpass: u64,
    distortion: u64,
    plays: Plays,
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
    dry: Kept<DryKey, f32>,
    rooms: Kept<RoomKey, Complex<f32>>,
    wet: Kept<(DryKey, RoomKey), f32>,
}

impl Renderer {
    /// A renderer with nothing kept yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a microphone records in `frames` frames, at the rate of the stimuli: all sounds, then its noise, then full scale as the limit.
    /// The same arguments give the same samples.
    pub fn record(&mut self, frames: usize, sounds: &[Sound<'_>], microphone: &Microphone, seed: u64) -> Vec<f32> {
        self.record_with(frames, sounds, &[], microphone, seed)
    }

    /// The same with sounds that are no stimuli; without any stimulus the rate is 48 kHz.
    pub fn record_with(
        &mut self,
        frames: usize,
        sounds: &[Sound<'_>],
        plain: &[Plain<'_>],
        microphone: &Microphone,
        seed: u64,
    ) -> Vec<f32> {
        let mut out = vec![0.0f32; frames];
        if microphone.dead {
            return out;
        }
        for sound in sounds {
            self.add(&mut out, sound);
        }
        let rate = sounds.first().map_or(DEFAULT_RATE, |sound| sound.stimulus.rate());
        for sound in plain {
            self.add_plain(&mut out, sound, rate);
        }
        microphone.hear(&mut out, rate, seed);
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
            distortion: path.speaker.distortion.to_bits(),
            plays: path.speaker.plays,
        };
        let dry = self.dry(&key, stimulus, path);
        let flawed = sound.flaws.filter(|flaws| flaws.change_the_sound());
        let dry = flawed.map_or_else(|| Arc::clone(&dry), |flaws| flaws.applied_to(&dry).into());
        let silences = sound.silences.iter().map(|silence| {
            let frame = |at: f64| ((at - at_speaker) / stretch).clamp(0.0, dry.len() as f64).round() as usize;
            frame(silence.start)..frame(silence.end)
        });
        let silences: Vec<Range<usize>> = silences.filter(|silence| !silence.is_empty()).collect();
        // What is the same in every trial is kept.
        let wave = match (silences.is_empty() && flawed.is_none(), path.room) {
            (true, None) => dry,
            (true, Some(room)) => {
                let size = fast_size(dry.len() + room.frames(stimulus.rate()));
                let room_key = room_key(&room, path.distance_m, stimulus.rate(), size);
                let whole = (key, room_key.clone());
                match self.wet.get(&whole) {
                    Some(wet) => wet,
                    None => {
                        let wet: Arc<[f32]> = self.reverberate(&dry, &room, room_key, path).into();
                        self.wet.keep(whole, &wet);
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
                        let size = fast_size(holed.len() + room.frames(stimulus.rate()));
                        let room_key = room_key(&room, path.distance_m, stimulus.rate(), size);
                        self.reverberate(&holed, &room, room_key, path).into()
                    }
                }
            }
        };
        let sign = if path.speaker.inverted { -1.0 } else { 1.0 };
        let gain = sign * 10f64.powf(path.gain_db / 20.0);
        self.interpolator.add(out, &wave, -at_microphone / stretch, 1.0 / stretch, gain as f32);
        if let Some(howl) = sound.flaws.and_then(|flaws| flaws.howl) {
            howl.add(out, at_microphone, wave.len() as f64 * stretch, rate);
        }
    }

    fn add_plain(&mut self, out: &mut [f32], sound: &Plain<'_>, rate: u32) {
        let path = AirPath { distance_m: sound.distance_m, ..AirPath::default() };
        let wave = match sound.room {
            None => sound.samples.to_vec(),
            Some(room) => {
                let size = fast_size(sound.samples.len() + room.frames(rate));
                self.reverberate(sound.samples, &room, room_key(&room, sound.distance_m, rate, size), &path)
            }
        };
        let at = sound.emitted_at + path.flight_s() * f64::from(rate);
        self.interpolator.add(out, &wave, -at, 1.0, 10f64.powf(sound.gain_db / 20.0) as f32);
    }

    /// The stimulus as the speaker radiates it.
    fn dry(&mut self, key: &DryKey, stimulus: &Stimulus, path: &AirPath) -> Arc<[f32]> {
        if let Some(dry) = self.dry.get(key) {
            return dry;
        }
        let rate = stimulus.rate();
        let mut fft = Fft::default();
        let speaker = path.speaker;
        let mean = |(left, right): (&f32, &f32)| 0.5 * (left + right);
        let stream: std::borrow::Cow<'_, [f32]> = match speaker.plays {
            Plays::Sum if stimulus.channels() == 1 => stimulus.samples().into(),
            Plays::Sum => stimulus.channel(0).iter().zip(stimulus.channel(1)).map(mean).collect(),
            Plays::Left => stimulus.channel(0).into(),
            Plays::Right => stimulus.channel(1).into(),
        };
        let mut coded = codec::decode(&mut fft, path.codec, &stream, rate);
        if speaker.distortion > 0.0 {
            // cos^2 x is half a constant and half cos 2x.
            coded.iter_mut().for_each(|x| *x += 2.0 * speaker.distortion * *x * *x);
        }
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
        self.dry.keep(key.clone(), &dry);
        dry
    }

    fn reverberate(&mut self, dry: &[f32], room: &Room, key: RoomKey, path: &AirPath) -> Vec<f32> {
        let size = key.size;
        let response = match self.rooms.get(&key) {
            Some(response) => response,
            None => {
                let response: Arc<[Complex<f32>]> =
                    self.fft.forward(&room.impulse_response(key.rate, path.distance_m), size).into();
                self.rooms.keep(key, &response);
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

fn room_key(room: &Room, distance_m: f64, rate: u32, size: usize) -> RoomKey {
    RoomKey { rt60: room.rt60_s.to_bits(), distance: distance_m.to_bits(), seed: room.seed, rate, size }
}

/// What was rendered before.
struct Kept<K, T> {
    all: HashMap<K, Arc<[T]>>,
    samples: usize,
}

impl<K, T> Default for Kept<K, T> {
    fn default() -> Self {
        Self { all: HashMap::new(), samples: 0 }
    }
}

impl<K: std::hash::Hash + Eq, T> Kept<K, T> {
    fn get(&self, key: &K) -> Option<Arc<[T]>> {
        self.all.get(key).map(Arc::clone)
    }

    fn keep(&mut self, key: K, value: &Arc<[T]>) {
        if self.samples + value.len() > KEPT_SAMPLES {
            self.all.clear();
            self.samples = 0;
        }
        self.samples += value.len();
        self.all.insert(key, Arc::clone(value));
    }
}

#[cfg(test)]
mod tests;
