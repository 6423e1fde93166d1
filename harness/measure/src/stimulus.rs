//! A named stimulus in a file.

use rigtone_audio::measure::{Emission, Expectation, Outcome, Recording};
use rigtone_audio::response::difference;
use rigtone_audio::stimulus::Stimulus;
use rigtone_audio::survey::{Settings, Survey};

use crate::error::MeasureError;
use crate::report::{Against, DifferenceAt, Emitted, EmittedBy, LookedFor, RecordingFacts, Report, SCHEMA_VERSION};
use crate::search::search;
use crate::source::Source;

/// Frames per second that hold the markers of a stimulus, up to 8 kHz: at less nothing of it is measured.
const LOWEST_RATE: u32 = 16_000;
/// Latencies of up to 10 s are looked for behind a known emission; the noise of the second before it is kept.
const BEFORE_S: f64 = 1.0;
const BEHIND_S: f64 = 10.5;
/// Responses are compared at 60 Hz and the thirds of an octave of IEC 61260-1.
const BASS_HZ: f64 = 60.0;
const THIRDS: std::ops::RangeInclusive<i32> = 15..=42;

/// What is asked of a file.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The microphone's channel, from 0.
    pub channel: usize,
    /// The channel that holds the sound as it was emitted, recorded by the same converter.
    pub reference_channel: Option<usize>,
    /// When the stimulus was emitted, in seconds of the recording, where no channel tells.
    pub emitted_at_s: Option<f64>,
    /// Time of flight from speaker to microphone in seconds.
    pub flight_s: f64,
    /// The quietest marker that must be heard, in dBFS; -60 when left out.
    pub minimum_level_dbfs: Option<f64>,
    /// Zeros are silence, and not a dead microphone.
    pub digital_silence: bool,
    /// What is asked of the survey.
    pub settings: Settings,
}

/// Measures `stimulus` in a file.
///
/// # Errors
/// [`MeasureError`] when the file holds no recording, or one of too low a rate. Whatever a recording says, or does not say, is in the report.
pub fn measure(source: &mut Source, stimulus: &Stimulus, request: &Request) -> Result<Report, MeasureError> {
    source.serves(LOWEST_RATE)?;
    let rate = f64::from(source.rate());
    let figures = source.figures(request.channel, request.digital_silence)?;
    let defaults = Expectation::default();
    let mut expectation = Expectation {
        flight_s: request.flight_s,
        minimum_level_dbfs: request.minimum_level_dbfs.unwrap_or(defaults.minimum_level_dbfs),
        capture_proven: request.digital_silence,
        ..defaults
    };
    let mut emitted =
        request.emitted_at_s.map(|seconds| Emitted { by: EmittedBy::Given, frame: seconds * rate, uncertainty_s: 0.0 });
    let mut reference = None;
    if let Some(channel) = request.reference_channel {
        source.figures(channel, false)?;
        let found = search(source, channel, stimulus, &defaults)?.findings;
        emitted = found.arrival.measured().map(|arrival| Emitted {
            by: EmittedBy::ReferenceChannel,
            frame: arrival.frame,
            uncertainty_s: arrival.uncertainty_s,
        });
        reference = Some(found);
    }
    let frames = match emitted {
        Some(emitted) => {
            let behind = emitted.frame + stimulus.samples().len() as f64 + BEHIND_S * rate;
            let range =
                (emitted.frame - BEFORE_S * rate).max(0.0) as u64..(behind.max(0.0) as u64).min(source.frames());
            if range.is_empty() || !emitted.frame.is_finite() {
                let (emitted_s, recorded_s) = (emitted.frame / rate, figures.duration_s);
                return Err(MeasureError::EmittedOutside { emitted_s, recorded_s });
            }
            range
        }
        None => search(source, request.channel, stimulus, &expectation)?.frames,
    };
    let samples = source.read(request.channel, frames.start, (frames.end - frames.start) as usize)?;
    expectation.emission = emitted
        .map(|emitted| Emission { frame: emitted.frame - frames.start as f64, uncertainty_s: emitted.uncertainty_s });
    let recorded_at = source.recorded_at();
    let settings =
        Settings { recorded_at: (recorded_at < source.rate()).then_some(recorded_at), ..request.settings.clone() };
    let survey = Survey::of(&Recording::mono(source.rate(), &samples), stimulus, &expectation, &settings)
        .map_err(|fault| MeasureError::Capture { channel: request.channel, fault })?;
    let survey = survey.later(frames.start, source.rate());
    Ok(Report {
        schema_version: SCHEMA_VERSION,
        recording: RecordingFacts::of(source, frames, figures),
        channel: request.channel,
        looked_for: LookedFor::Stimulus(stimulus.into()),
        emitted,
        reference,
        survey: Some(survey),
        sound: None,
        against: None,
    })
}

/// The responses of two recordings of one geometry, the first minus the second; empty unless the stimulus has a sweep.
pub fn compare(first: &Report, second: &Report) -> Against {
    let response = |report: &'_ Report| report.survey.as_ref().and_then(|survey| survey.response.clone());
    let (Some(one), Some(other)) = (response(first), response(second)) else {
        return Against { response: Vec::new() };
    };
    let thirds = THIRDS.map(|n| 10f64.powf(f64::from(n) / 10.0));
    let response = std::iter::once(BASS_HZ)
        .chain(thirds)
        .map(|hz| {
            let difference = match (&one, &other) {
                (Outcome::Measured(one), Outcome::Measured(other)) => difference(&one.response, &other.response, hz),
                (Outcome::Inconclusive(why), _) | (_, Outcome::Inconclusive(why)) => Outcome::Inconclusive(*why),
            };
            DifferenceAt { hz, difference }
        })
        .collect();
    Against { response }
}
