//! What a unit makes of a stream: its sounds, as its nature has them.

use std::sync::Arc;

use rigtone_air::{self as air, AirPath, Flaws, Howl, Jump};
use rigtone_audio::stimulus::Stimulus;
use rigtone_model::{
    document::{Codec, Every, Layout, SimulatedSound},
    quantity::{Drift, Duration, Frequency, Level, Share},
};

use super::{
    body::{Body, LinkState},
    world::Sound,
};
use crate::{capability::Programme, clock::Instant};

/// How much softer a unit is at the lowest step of its volume than at the highest, in dB.
const VOLUME_RANGE_DB: f64 = 60.0;

impl Body {
    /// The sounds of a programme that is sent to it: one for each time, two where it is heard twice.
    pub(super) fn sounds(
        &self,
        programme: &Programme,
        link: LinkState,
        emitted: Instant,
        silent_from: Option<Instant>,
    ) -> Vec<Sound> {
        // It is silent at the lower end of its volume, and 60 dB softer just above.
        if self.volume <= 0.0 {
            return Vec::new();
        }
        let gain_db = programme.level_db() + VOLUME_RANGE_DB * (self.volume - 1.0);
        let length_ns = programme.stimulus().duration_s() * 1e9;
        let each = (0..programme.repeats()).flat_map(|time| {
            let emitted = emitted.plus((length_ns * f64::from(time)) as i64);
            self.once(programme.stimulus(), time, link, gain_db, emitted, silent_from)
        });
        each.collect()
    }

    fn once(
        &self,
        stimulus: &Stimulus,
        time: u32,
        link: LinkState,
        gain_db: f64,
        emitted: Instant,
        silent_from: Option<Instant>,
    ) -> Vec<Sound> {
        let nature = self.nature().sound.as_ref();
        let path = self.path(link);
        let first = Sound {
            stimulus: stimulus.clone(),
            by: self.name.clone(),
            emitted,
            path: AirPath { gain_db: path.gain_db + gain_db, ..path },
            layout: nature.and_then(|sound| sound.channels).unwrap_or(Layout::Mono),
            flaws: Arc::new(self.flaws(stimulus, link, time)),
            heard_by: self.heard_by.clone(),
            silent_from,
            holes: Vec::new(),
            trial: self.trial.clone(),
        };
        let of_voice = self.nature().hands_free.as_ref().filter(|_| link.hands_free && link.music);
        let copied = nature.and_then(|sound| sound.copied).or_else(|| of_voice.and_then(|voice| voice.copied));
        let again = copied.map(|copy| {
            let mut again = first.clone();
            again.path.latency_s += copy.after.seconds();
            again.path.gain_db += copy.level.map_or(0.0, Level::db);
            again
        });
        std::iter::once(first).chain(again).collect()
    }

    /// How its sound gets into the air, but for the way to a certain microphone.
    fn path(&self, link: LinkState) -> AirPath {
        let nature = self.nature();
        let sound = nature.sound.as_ref();
        let codec = sound.and_then(|sound| sound.coded_as).unwrap_or(link.codec);
        let high_pass = nature.high_pass_with.get(&link.codec).copied().or(nature.high_pass);
        AirPath {
            codec: match codec {
                Codec::Sbc => air::Codec::Sbc { bitpool: self.bitpool() },
                Codec::Aac => air::Codec::Aac { kbit_s: 256 },
                Codec::Aptx | Codec::AptxLl => air::Codec::AptX,
                Codec::AptxHd => air::Codec::AptXHd,
                Codec::Ldac | Codec::Opus => air::Codec::Ldac,
                Codec::Cvsd => air::Codec::Cvsd,
                Codec::Msbc => air::Codec::MSbc,
            },
            speaker: air::Speaker {
                highpass_hz: high_pass.map_or(60.0, Frequency::hertz),
                lowpass_hz: sound.and_then(|sound| sound.low_pass).map_or(0.0, Frequency::hertz),
                inverted: sound.is_some_and(|sound| sound.inverted),
                distortion: sound.and_then(|sound| sound.distortion).map_or(0.0, Share::fraction),
                plays: air::Plays::Sum,
            },
            gain_db: nature.level.map_or(-20.0, Level::db),
            latency_s: link.latency_ns as f64 / 1e9,
            drift_ppm: nature.drift.map_or(0.0, Drift::ppm),
            ..AirPath::default()
        }
    }

    /// What is wrong with the sound when the stimulus is played for that time, counted from 0.
    fn flaws(&self, stimulus: &Stimulus, link: LinkState, time: u32) -> Flaws {
        let of_voice = self.nature().hands_free.as_ref().filter(|_| link.hands_free && link.music);
        let usual = SimulatedSound::default();
        let sound = self.nature().sound.as_ref().unwrap_or(&usual);
        let howl = sound.howl.or_else(|| of_voice.and_then(|voice| voice.howl));
        let (rate, length) = (f64::from(stimulus.rate()), stimulus.samples().len());
        let begin = length.saturating_mul(time as usize);
        let played_s = begin as f64 / rate;
        let frames = |duration: Duration| (duration.seconds() * rate).round() as usize;
        let each = |every: Option<Duration>| {
            let step = every.map_or(usize::MAX, |every| frames(every).max(1));
            // The first within this time, counted from its beginning.
            let first = (begin / step + usize::from(begin % step > 0 || begin == 0)).saturating_mul(step) - begin;
            std::iter::successors(Some(first), move |at| at.checked_add(step)).take_while(move |at| *at < length)
        };
        let times = |every: Option<Every>| each(every.map(|e| e.every));
        let lasting = |every: Option<Every>| every.map_or(0, |e| frames(e.lasting));
        let (left_out, put_in, hole) = (lasting(sound.skips), lasting(sound.stalls), lasting(sound.holes));
        let skips = times(sound.skips).map(|at| Jump { at, frames: -(left_out as i64) });
        let stalls = times(sound.stalls).map(|at| Jump { at, frames: put_in as i64 });
        let mut jumps: Vec<Jump> = skips.chain(stalls).collect();
        jumps.sort_by_key(|jump| jump.at);
        let late = sound.starts_late.map(|late| frames(late).saturating_sub(begin)).filter(|late| *late > 0);
        let late = late.map(|late| 0..late.min(length));
        Flaws {
            jumps,
            muted: late.into_iter().chain(times(sound.holes).map(|at| at..at + hole)).collect(),
            clicks: each(sound.clicks_every).collect(),
            howl: howl.map(|howl| Howl {
                hz: howl.at.hertz(),
                after_s: (howl.after.seconds() - played_s).max(0.0),
                dbfs: howl.level.db(),
            }),
        }
    }
}
