//! A sound that is no stimulus in a file: found, followed, timed.

use rigtone_audio::arrival::{BEFORE_S, BEHIND_S, FirstArrival, first_arrival};
use rigtone_audio::continuity::{self, Continuity, Tracker};
use rigtone_audio::excerpt::Excerpt;
use rigtone_audio::locate::{Located, Locator};
use rigtone_audio::measure::{CaptureFault, DEFINITION_S, Outcome, Reason, dbfs, rms};
use rigtone_audio::resample::Interpolator;

use crate::error::MeasureError;
use crate::report::{
    Emitted, EmittedBy, LookedFor, Place, RecordingFacts, Report, SCHEMA_VERSION, SoundFindings, SoundLatency, SoundRef,
};
use crate::source::Source;
use crate::stimulus::Request;

/// The fewest frames per second of a sound and of its recording: no telephone has less.
const LOWEST_RATE: u32 = 8_000;
/// A stretch that is searched at once, in seconds, and this many sounds.
const STRETCH_S: f64 = 60.0;
const STRETCH_SOUNDS: f64 = 3.0;
/// The tracker hears so much before the sound and behind it, in seconds: a speaker that starts late, one that stalls.
const AROUND_S: f64 = 2.0;
const READ: usize = 1 << 16;
/// A shorter sound cannot be followed: then it must stand out by as much as a marker.
const FOLLOWED_S: f64 = 1.0;
const STANDS_OUT: f64 = 2.0;
/// Where nine of ten tenths of a second are quieter than this, a sound would have been heard, in dBFS.
const MINIMUM_DBFS: f64 = -60.0;
const QUIET: (usize, usize) = (9, 10);

/// A known sound.
#[derive(Debug, Clone)]
pub struct Sound {
    samples: Vec<f32>,
    rate: u32,
}

impl Sound {
    /// The mean of all channels of a file, at its own rate.
    ///
    /// # Errors
    /// [`MeasureError::File`], and [`MeasureError::Unfit`], [`MeasureError::TooLong`] or [`MeasureError::TooSlow`] when it cannot be looked for.
    pub fn open(path: &std::path::Path) -> Result<Self, MeasureError> {
        let rate = Source::open(path, 48_000)?.recorded_at();
        let mut source = Source::open(path, rate)?;
        source.serves(LOWEST_RATE)?;
        let (frames, have_s) = (source.frames(), source.frames() as f64 / f64::from(rate));
        if have_s > MeasureError::LONGEST_SOUND_S {
            return Err(MeasureError::TooLong { have_s });
        }
        let channels = source.channels();
        let mut samples = vec![0.0f32; frames as usize];
        for channel in 0..channels {
            let one = source.read(channel, 0, frames as usize)?;
            samples.iter_mut().zip(&one).for_each(|(sum, sample)| *sum += sample / channels as f32);
        }
        Locator::new(&samples, rate).map_err(MeasureError::Unfit)?;
        Ok(Self { samples, rate })
    }

    /// Its frames per second.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate)
    }
}

/// Measures a sound in a file that is read at the rate of the sound.
///
/// # Errors
/// [`MeasureError`] when the file holds no recording, or one of too low a rate. Whatever a recording says, or does not say, is in the report.
pub fn measure_sound(source: &mut Source, sound: &Sound, request: &Request) -> Result<Report, MeasureError> {
    source.serves(LOWEST_RATE)?;
    let rate = f64::from(source.rate());
    let figures = source.figures(request.channel, request.digital_silence)?;
    let mut emitted =
        request.emitted_at_s.map(|seconds| Emitted { by: EmittedBy::Given, frame: seconds * rate, uncertainty_s: 0.0 });
    if let Some(channel) = request.reference_channel {
        source.figures(channel, false)?;
        let found = find(source, sound, channel, request)?;
        emitted = found.arrival.measured().map(|arrival| Emitted {
            by: EmittedBy::ReferenceChannel,
            frame: arrival.frame,
            uncertainty_s: arrival.uncertainty_s,
        });
    }
    let mut found = find(source, sound, request.channel, request)?;
    found.latency = match (&found.arrival, emitted) {
        (Outcome::Inconclusive(why), _) => Outcome::Inconclusive(*why),
        (_, None) => Outcome::Inconclusive(Reason::NoEmission),
        (Outcome::Measured(arrival), Some(emitted)) => Outcome::Measured(SoundLatency {
            value_s: (arrival.frame - emitted.frame) / rate - request.flight_s,
            uncertainty_s: arrival.uncertainty_s.hypot(emitted.uncertainty_s).hypot(DEFINITION_S),
        }),
    };
    Ok(Report {
        schema_version: SCHEMA_VERSION,
        recording: RecordingFacts::of(source, 0..source.frames(), figures),
        channel: request.channel,
        looked_for: LookedFor::Sound(SoundRef { rate: sound.rate, frames: sound.samples.len() }),
        emitted,
        reference: None,
        survey: None,
        sound: Some(found),
        against: None,
    })
}

fn find(source: &mut Source, sound: &Sound, channel: usize, request: &Request) -> Result<SoundFindings, MeasureError> {
    let (located, loud_dbfs) = search(source, sound, channel)?;
    let nothing = |why: Reason| SoundFindings {
        heard: Outcome::Inconclusive(why),
        place: None,
        arrival: Outcome::Inconclusive(why),
        latency: Outcome::Inconclusive(why),
        continuity: Outcome::Inconclusive(why),
    };
    let have_s = source.frames() as f64 / f64::from(source.rate());
    let Some(located) = located else {
        let mut found = nothing(Reason::TooShort { have_s, need_s: sound.seconds() });
        if have_s >= sound.seconds() {
            found = nothing(Reason::NotPresent);
            found.heard = Outcome::Measured(false);
        }
        return Ok(found);
    };
    let place = Place { frame: located.frame, likeness: located.likeness, psr: located.psr };
    let followed = if sound.seconds() < FOLLOWED_S {
        Err(Reason::TooShort { have_s: sound.seconds(), need_s: FOLLOWED_S })
    } else {
        Ok(follow(source, sound, channel, &located, request)?)
    };
    let proven = match &followed {
        Ok(continuity) => continuity.quality.is_some(),
        Err(_) => located.psr >= STANDS_OUT,
    };
    if !proven {
        let mut found = nothing(Reason::NotPresent);
        found.place = Some(place);
        found.heard = if loud_dbfs <= MINIMUM_DBFS {
            Outcome::Measured(false)
        } else {
            Outcome::Inconclusive(Reason::TooNoisy { noise_dbfs: loud_dbfs, minimum_dbfs: MINIMUM_DBFS })
        };
        return Ok(found);
    }
    let drift =
        followed.as_ref().ok().and_then(|found| found.clock.measured()).map_or(0.0, |clock| clock.drift_ppm * 1e-6);
    Ok(SoundFindings {
        heard: Outcome::Measured(true),
        place: Some(place),
        arrival: arrival(source, sound, channel, &located, drift)?,
        latency: Outcome::Inconclusive(Reason::NoEmission),
        continuity: match followed {
            Ok(found) => Outcome::Measured(found),
            Err(why) => Outcome::Inconclusive(why),
        },
    })
}

/// The place where the sound stands out most, and the level that nine tenths of the file keep below.
fn search(source: &mut Source, sound: &Sound, channel: usize) -> Result<(Option<Located>, f64), MeasureError> {
    let rate = f64::from(source.rate());
    let mut locator = Locator::new(&sound.samples, sound.rate).map_err(MeasureError::Unfit)?;
    let (_, looked_for) = locator.stretch();
    let stretch = ((STRETCH_S * rate) as u64).max((STRETCH_SOUNDS * looked_for as f64) as u64);
    let hop = stretch - looked_for as u64;
    let mut best: Option<Located> = None;
    let mut levels = Vec::new();
    let mut from = 0;
    loop {
        let samples = source.read(channel, from, stretch as usize)?;
        levels.extend(samples.chunks((rate / 10.0) as usize).map(rms));
        if let Some(mut found) = locator.locate(&samples)
            && best.as_ref().is_none_or(|best| found.psr * found.likeness > best.psr * best.likeness)
        {
            found.frame += from as f64;
            best = Some(found);
        }
        if from + samples.len() as u64 >= source.frames() || samples.is_empty() {
            break;
        }
        from += hop;
    }
    levels.sort_by(f64::total_cmp);
    let loud = levels.get(levels.len() * QUIET.0 / QUIET.1).copied().unwrap_or(0.0);
    Ok((best, dbfs(loud)))
}

/// Follows the sound from its place on, a piece at a time.
fn follow(
    source: &mut Source,
    sound: &Sound,
    channel: usize,
    located: &Located,
    request: &Request,
) -> Result<Continuity, MeasureError> {
    let rate = source.rate();
    let around = AROUND_S * f64::from(rate);
    let begin = (located.frame - around).max(0.0) as u64;
    let end = ((located.frame + sound.samples.len() as f64 + 2.0 * around).max(0.0) as u64).min(source.frames());
    let place = continuity::Place { frame: located.frame - begin as f64, drift_ppm: 0.0 };
    let settings =
        continuity::Settings { wanted_gap_s: request.settings.wanted_gap_s, capture_proven: request.digital_silence };
    let mut tracker = Tracker::new(rate, sound.samples.as_slice(), place, settings);
    let fault = |fault: CaptureFault| MeasureError::Capture { channel, fault };
    let mut from = begin;
    while from < end {
        let samples = source.read(channel, from, READ.min((end - from) as usize))?;
        if samples.is_empty() {
            break;
        }
        tracker.push(&samples).map_err(fault)?;
        from += samples.len() as u64;
    }
    match tracker.finish() {
        Ok(found) => Ok(found.later(begin, rate)),
        Err(why) => Err(fault(why)),
    }
}

/// The first arrival by the stretch of the sound that was located, drift taken out.
fn arrival(
    source: &mut Source,
    sound: &Sound,
    channel: usize,
    located: &Located,
    drift: f64,
) -> Result<Outcome<FirstArrival>, MeasureError> {
    let rate = f64::from(source.rate());
    let locator = Locator::new(&sound.samples, sound.rate).map_err(MeasureError::Unfit)?;
    let (offset, frames) = locator.stretch();
    let stretch = &sound.samples[offset..offset + frames];
    let before = BEFORE_S * rate;
    let start = located.frame + offset as f64 - before;
    let length = frames + ((BEFORE_S + BEHIND_S) * rate) as usize;
    let margin = (rate * 0.01) as u64;
    let from = (start.max(0.0) as u64).saturating_sub(margin);
    let samples = source.read(channel, from, length + 2 * margin as usize + (drift.abs() * length as f64) as usize)?;
    let mut straight = vec![0.0; length];
    Interpolator::default().add(&mut straight, &samples, start - from as f64, 1.0 + drift, 1.0);
    let excerpt = Excerpt::new(source.rate(), &straight);
    let excerpt = excerpt.map_err(|fault| MeasureError::Capture { channel, fault })?;
    Ok(match first_arrival(&excerpt, stretch) {
        // The middle of the stretch is what drift leaves in place.
        Outcome::Measured(found) => Outcome::Measured(FirstArrival {
            frame: start + found.frame * (1.0 + drift) - offset as f64 * (1.0 + drift),
            ..found
        }),
        inconclusive @ Outcome::Inconclusive(_) => inconclusive,
    })
}
