//! What the recording of a trial says.
//!
//! The run and a second look at its evidence both go through [`hear`]: what the analysis goes by stands in the log beside the recording ([`Listening`]), and nothing else enters.

mod any;
mod facts;
mod repeated;

use std::{cell::RefCell, collections::BTreeMap};

use rigtone_audio::{
    channels,
    loudness::Calibration,
    measure::{self, Analyser, CaptureFault, Emission, Expectation, Recording},
    resample::Converter,
    response::{MicrophoneError, MicrophoneResponse},
    stimulus::{Name, Stimulus, StimulusError},
    survey::{Settings, Survey},
};
use rigtone_model::{
    document::{self, Scenario, Side},
    event::{Anchor, Listening},
    observation::{Observation, Value},
    quantity::Frequency,
};

use self::facts::Fact;
pub use self::{any::hear_any, facts::carries};

/// Samples a second of stimuli.
const RATE: u32 = 48_000;
/// The temperature of the air in degrees Celsius, which sets the speed of sound.
const AIR_C: f64 = 20.0;

thread_local! {
    static STIMULI: RefCell<BTreeMap<(Name, u32, u32), Stimulus>> = const { RefCell::new(BTreeMap::new()) };
    // One for each thread that analyses: it keeps plans and spectra, and gives the same values without them.
    static ANALYSER: RefCell<Analyser> = RefCell::new(Analyser::new());
}

/// When the first sample of a stimulus left, on the rig's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emitted {
    /// When, in nanoseconds.
    pub t_ns: i64,
    /// How well that is known, in nanoseconds.
    pub uncertainty_ns: i64,
}

/// One channel of a recording, and all that is known about it.
#[derive(Debug, Clone, Copy)]
pub struct Take<'a> {
    /// Frames a second.
    pub rate: u32,
    /// The microphone's samples, full scale at 1.0.
    pub samples: &'a [f32],
    /// Those of the channel that holds the stimulus as it was emitted, where one does.
    pub reference: Option<&'a [f32]>,
    /// When frames were captured.
    pub anchors: &'a [Anchor],
    /// When the stimulus left, where the source tells; a reference knows better.
    pub emitted: Option<Emitted>,
    /// What else the analysis goes by.
    pub listening: &'a Listening,
}

/// Why a recording says nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum HearError {
    /// It is no recording.
    #[error(transparent)]
    Capture(#[from] CaptureFault),
    /// What is known of the microphone's response cannot be.
    #[error(transparent)]
    Response(#[from] MicrophoneError),
}

/// What a recording says.
pub struct Heard {
    facts: Vec<Fact>,
    seam_s: Option<f64>,
}

impl Heard {
    /// Where the recording itself jumps, in seconds from its beginning: the rig lost or made up samples.
    pub fn seam_s(&self) -> Option<f64> {
        self.seam_s
    }

    /// The observations of a step, with the hash of the recording that they come from; `at` is the axis of its microphone, where the
    /// step names it.
    pub fn observations(self, step: &str, evidence: &str, at: Option<&str>) -> impl Iterator<Item = Observation> {
        self.facts.into_iter().map(move |fact| Observation {
            of: step.to_owned(),
            quantity: fact.quantity,
            at: at.map(str::to_owned),
            at_hz: fact.at_hz,
            value: fact.value,
            method: Some(fact.method),
            evidence: Some(evidence.to_owned()),
            quality: fact.quality,
        })
    }
}

/// The stimulus of that name at a rate in Hz and with an identity, as every run plays it. Each thread makes it once.
///
/// # Errors
/// When there is none of that name, or it is not made at that rate.
pub fn stimulus(name: &str, rate: u32, code: u32) -> Result<Stimulus, StimulusError> {
    let name: Name = name.parse()?;
    STIMULI.with_borrow_mut(|known| {
        if let Some(stimulus) = known.get(&(name, rate, code)) {
            return Ok(stimulus.clone());
        }
        let stimulus = Stimulus::build(name, rate, code)?;
        known.insert((name, rate, code), stimulus.clone());
        Ok(stimulus)
    })
}

/// The identity of the sound of one speaker of one rig, so that no other can be taken for it.
pub fn identity(rig: &str, unit: &str) -> u32 {
    let digest = rigtone_model::id::sha256_hex(format!("{rig}\n{unit}").as_bytes());
    u32::from_str_radix(&digest[..8], 16).unwrap_or(1)
}

/// The frequencies in Hz at which a scenario asks for the response of a step.
pub fn asked_hz(scenario: &Scenario, step: &str) -> Vec<f64> {
    let expected = scenario.expect.iter().flat_map(|expect| expect.expectation().leaves());
    let asked = expected.filter_map(|expectation| match expectation {
        document::Expectation::Response(e) if e.step == step => Some(e.at.hertz()),
        document::Expectation::Difference(e) if e.step.as_deref() == Some(step) => e.at.map(Frequency::hertz),
        _ => None,
    });
    asked.collect()
}

/// What a recording of `stimulus` says, sent as often as `take` has it; the response is wanted at `hz` too. A recording of another rate is brought to that of the
/// stimulus first.
///
/// # Errors
/// When it is no recording at all, or the microphone's response is none.
pub fn hear(take: &Take<'_>, stimulus: &Stimulus, hz: &[f64]) -> Result<Heard, HearError> {
    let (samples, reference, anchors);
    let mut take = *take;
    if take.rate != stimulus.rate() && take.rate > 0 {
        let converter = Converter::new(take.rate, stimulus.rate());
        let converted = |samples: &[f32]| {
            let mut converted = vec![0.0; converter.frames(samples.len() as u64) as usize];
            converter.convert(samples, 0, 0, &mut converted);
            converted
        };
        let ratio = f64::from(stimulus.rate()) / f64::from(take.rate);
        let moved = take.anchors.iter().map(|anchor| Anchor { frame: anchor.frame * ratio, ..*anchor });
        (samples, reference, anchors) =
            (converted(take.samples), take.reference.map(converted), moved.collect::<Vec<_>>());
        let (samples, reference) = (&samples[..], reference.as_deref());
        take = Take { rate: stimulus.rate(), samples, reference, anchors: &anchors, ..take };
    }
    match take.listening.times {
        0 | 1 => once(&take, stimulus, hz),
        times => repeated::hear(&take, stimulus, hz, times),
    }
}

/// Why all of it was or was not heard is open: the recording ends before.
fn inconclusive_after(heard: usize, times: usize) -> Value {
    Value::Inconclusive { reason: format!("the recording ends after {heard} of {times} times") }
}

/// What a recording says of a stimulus that was sent once, at its own rate.
fn once(take: &Take<'_>, stimulus: &Stimulus, hz: &[f64]) -> Result<Heard, HearError> {
    let known = take.listening;
    let emission = match take.reference {
        Some(reference) => by_reference(reference, take.rate, stimulus)?,
        None => take.emitted.and_then(|emitted| {
            let frame = frame_at(take.anchors, emitted.t_ns)?;
            let uncertainty_s = (emitted.uncertainty_ns as f64).hypot(known.residual_ns as f64) / 1e9;
            Some(Emission { frame, uncertainty_s })
        }),
    };
    let unheard_reference = take.reference.is_some() && emission.is_none();
    let microphone = known.response.as_ref().map(|response| MicrophoneResponse::of(response.points.clone()));
    let expectation = Expectation {
        channel: 0,
        emission,
        // The time of flight is no latency of the unit.
        flight_s: known.distance_m / measure::speed_of_sound(AIR_C),
        capture_proven: known.digital_silence,
        ..Expectation::default()
    };
    let settings = Settings {
        nearer: known.nearer.map(|side| match side {
            Side::Left => channels::Side::Left,
            Side::Right => channels::Side::Right,
        }),
        calibration: known.calibrated.map(|calibrated| Calibration {
            full_scale_db: calibrated.full_scale.db_spl(),
            uncertainty_db: calibrated.uncertainty.db(),
        }),
        microphone: microphone.transpose()?,
        ..Settings::default()
    };
    let recording = Recording::mono(take.rate, take.samples);
    let survey =
        ANALYSER.with_borrow_mut(|analyser| Survey::with(analyser, &recording, stimulus, &expectation, &settings))?;
    let mut facts = facts::facts(&survey, known.clock_uncertainty_ns, hz);
    if unheard_reference {
        facts.iter_mut().for_each(Fact::without_reference);
    }
    Ok(Heard { facts, seam_s: facts::seam(&survey) })
}

/// When a stimulus left, by the channel that is wired to its source.
fn by_reference(samples: &[f32], rate: u32, stimulus: &Stimulus) -> Result<Option<Emission>, CaptureFault> {
    // A wire is silent while nothing is sent.
    let expectation = Expectation { capture_proven: true, ..Expectation::default() };
    let recording = Recording::mono(rate, samples);
    let found = ANALYSER.with_borrow_mut(|analyser| analyser.analyse(&recording, stimulus, &expectation))?;
    let arrival = found.arrival.measured();
    Ok(arrival.map(|arrival| Emission { frame: arrival.frame, uncertainty_s: arrival.uncertainty_s }))
}

/// The frame that was captured at a time, on the line through the first and the last anchor.
fn frame_at(anchors: &[Anchor], t_ns: i64) -> Option<f64> {
    let (first, last) = (anchors.first()?, anchors.last()?);
    let span = last.t_ns.saturating_sub(first.t_ns) as f64;
    (span > 0.0).then(|| first.frame + (last.frame - first.frame) * t_ns.saturating_sub(first.t_ns) as f64 / span)
}
