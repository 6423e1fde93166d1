//! Playing a stimulus, recording it, and turning the recording into observations.

mod facts;

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use rigtone_audio::{
    channels,
    loudness::Calibration,
    measure::{self, Analyser, CaptureFault, Emission, Expectation, Recording},
    stimulus::{Name, Stimulus},
    survey::{Settings, Survey},
};
use rigtone_model::{
    document::{self, Play, Side},
    event::{Anchor, Body},
    observation::Observation,
    quantity::Frequency,
    trial::InfrastructureFault,
};
use rigtone_rig::{
    capability::{Captured, Streaming, Unit, Wish},
    clock::{Instant, compute},
};

pub use facts::carries;

use crate::{
    emit::Place,
    step::{Session, StepEnd, StepResult},
};

/// Recorded before the sound: the noise of the room.
const LEAD_NS: i64 = 250_000_000;
/// Recorded after the last sample was sent: what is late still counts.
const TAIL_NS: i64 = 900_000_000;
/// The virtual time that analysing takes.
const ANALYSIS_NS: i64 = 10_000_000;
const START_NS: i64 = 10_000_000_000;
/// Samples a second of stimuli.
const RATE: u32 = 48_000;

thread_local! {
    static STIMULI: RefCell<BTreeMap<(Name, u32), Stimulus>> = const { RefCell::new(BTreeMap::new()) };
    // One for each thread that analyses: it keeps plans and spectra, and gives the same values without them.
    static ANALYSER: RefCell<Analyser> = RefCell::new(Analyser::new());
}

/// The identity of the sound of one speaker of one rig, so that no other can be taken for it.
fn code(rig: &str, unit: &str) -> u32 {
    let digest = rigtone_model::id::sha256_hex(format!("{rig}\n{unit}").as_bytes());
    u32::from_str_radix(&digest[..8], 16).unwrap_or(1)
}

fn stimulus(name: &str, code: u32) -> Result<Stimulus, InfrastructureFault> {
    let fault = |what: String| InfrastructureFault::new("plan", what).hint("run `rigtone check` on the scenario");
    let name: Name = name.parse().map_err(|e: rigtone_audio::stimulus::StimulusError| fault(e.to_string()))?;
    STIMULI.with_borrow_mut(|known| {
        if let Some(stimulus) = known.get(&(name, code)) {
            return Ok(stimulus.clone());
        }
        let stimulus = Stimulus::build(name, RATE, code).map_err(|e| fault(e.to_string()))?;
        known.insert((name, code), stimulus.clone());
        Ok(stimulus)
    })
}

pub(crate) async fn play(
    session: &Session<'_>,
    play: &Play,
    streaming: &dyn Streaming,
    unit: &Unit,
    target: &Unit,
    wish: Wish,
    place: Place<'_>,
) -> StepResult {
    let trial = session.trial;
    let stimulus = stimulus(&play.signal, code(&trial.plan.rig, &target.name))?;
    let member = format!("unit {}", unit.name);
    let name = trial.bench.nearest_microphone(&target.name).unwrap_or_default().to_owned();
    let microphone = trial.bench.microphones.get(&name).ok_or_else(|| {
        InfrastructureFault::new(format!("unit {}", target.name), "no microphone of the rig hears it")
            .hint("name one with `heard-by:` in the rig's document")
    })?;
    let ear = format!("microphone {name}");

    let deadline = session.now().plus(START_NS);
    session.bounded(deadline, &member, streaming.prepare(&stimulus, wish, deadline)).await?;
    let deadline = session.now().plus(START_NS);
    let recording = session.bounded(deadline, &ear, microphone.start(deadline)).await?;
    session.pass(LEAD_NS).await;
    let length_ns = (stimulus.duration_s() * 1e9) as i64;
    let deadline = session.now().plus(length_ns + START_NS);
    let streamed = session.bounded(deadline, &member, streaming.stream(target.address, &stimulus, deadline)).await?;
    session.pass(TAIL_NS).await;
    let deadline = session.now().plus(START_NS);
    let captured = session.bounded(deadline, &ear, recording.stop(deadline)).await?;

    if let Some(emission) = streamed.emission {
        let body =
            Body::Emitted { signal: play.signal.clone(), t_ns: emission.at.0, uncertainty_ns: emission.uncertainty_ns };
        place.emit(session.now(), body);
    }
    let evidence = store(session, place, &name, &captured)?;
    let bound_ns = microphone.latency_uncertainty_ns();
    let expectation = Expectation {
        channel: 0,
        emission: streamed.emission.and_then(|e| {
            let frame = frame_at(&captured.anchors, e.at)?;
            let uncertainty_s = (e.uncertainty_ns as f64).hypot(captured.residual_ns as f64) / 1e9;
            Some(Emission { frame, uncertainty_s })
        }),
        flight_s: flight_s(session, target, &name),
        capture_proven: trial.bench.digital_silence.contains(&name),
        ..Expectation::default()
    };
    let settings = settings(session, target, &name);
    let survey = match survey(session, &captured, &stimulus, expectation, settings).await? {
        Ok(survey) => survey,
        Err(fault) => {
            let what = format!("the recording cannot be analysed: {fault}");
            return Err(InfrastructureFault::new(ear, what).hint("check the microphone's cable, gain and format"));
        }
    };
    for fact in facts::facts(&survey, bound_ns, &asked_hz(session, place)) {
        let observation = Observation {
            of: place.step.unwrap_or_default().to_owned(),
            quantity: fact.quantity,
            at_hz: fact.at_hz,
            value: fact.value,
            method: Some(fact.method),
            evidence: Some(evidence.clone()),
            quality: fact.quality,
        };
        place.emit(session.now(), Body::Observed(observation));
    }
    if let Some(at_s) = facts::seam(&survey) {
        let what = format!("its recording jumps at {at_s:.3} s, room and all: samples were lost or made up");
        return Err(InfrastructureFault::new(ear, what).hint("see what else keeps the host or its USB bus busy"));
    }
    Ok(streamed.ended.map_or_else(StepEnd::Failed, |()| StepEnd::Done))
}

/// Stores the recording as captured; gives its hash.
fn store(
    session: &Session<'_>,
    place: Place<'_>,
    microphone: &str,
    captured: &Captured,
) -> Result<String, InfrastructureFault> {
    let fault =
        |what: String| InfrastructureFault::new("evidence", what).hint("free space on the disk of the run directory");
    let wav = rigtone_record::wav::encode_i16(captured.rate, captured.channels, &captured.samples)
        .map_err(|e| fault(e.to_string()))?;
    let step = place.step.unwrap_or("play");
    let stored = place
        .evidence(&format!("{step}-{microphone}.wav"), &wav, session.trial.bench.keeper.disk_is_full())
        .map_err(|e| fault(e.to_string()))?;
    let body = Body::Evidence {
        file: stored.file,
        sha256: stored.sha256.clone(),
        bytes: wav.len() as u64,
        about: format!("recording of microphone {microphone}"),
        anchors: captured.anchors.clone(),
    };
    place.emit(session.now(), body);
    Ok(stored.sha256)
}

/// The time of flight from the unit to its microphone, which is no latency of the unit.
fn flight_s(session: &Session<'_>, target: &Unit, microphone: &str) -> f64 {
    let metres = session.trial.bench.heard(&target.name, microphone).map_or(0.0, |heard| heard.distance.metres());
    metres / measure::speed_of_sound(20.0)
}

/// The frame that was captured at `t`, on the line through the first and the last anchor.
fn frame_at(anchors: &[Anchor], t: Instant) -> Option<f64> {
    let (first, last) = (anchors.first()?, anchors.last()?);
    let span = (last.t_ns - first.t_ns) as f64;
    (span > 0.0).then(|| first.frame + (last.frame - first.frame) * (t.0 - first.t_ns) as f64 / span)
}

/// What is known of the microphone, and where it stands.
fn settings(session: &Session<'_>, target: &Unit, microphone: &str) -> Settings {
    let bench = session.trial.bench;
    Settings {
        nearer: bench.heard(&target.name, microphone).and_then(|heard| heard.nearer).map(|side| match side {
            Side::Left => channels::Side::Left,
            Side::Right => channels::Side::Right,
        }),
        calibration: bench.calibrated.get(microphone).map(|known| Calibration {
            full_scale_db: known.full_scale.db_spl(),
            uncertainty_db: known.uncertainty.db(),
        }),
        ..Settings::default()
    }
}

/// The frequencies in Hz at which the scenario asks for the response of a step.
fn asked_hz(session: &Session<'_>, place: Place<'_>) -> Vec<f64> {
    let step = place.step.unwrap_or_default();
    let expected = session.trial.scenario.expect.iter().flat_map(|expect| expect.expectation().leaves());
    let asked = expected.filter_map(|expectation| match expectation {
        document::Expectation::Response(e) if e.step == step => Some(e.at.hertz()),
        document::Expectation::Difference(e) if e.step.as_deref() == Some(step) => e.at.map(Frequency::hertz),
        _ => None,
    });
    asked.collect()
}

async fn survey(
    session: &Session<'_>,
    captured: &Captured,
    stimulus: &Stimulus,
    expectation: Expectation,
    settings: Settings,
) -> Result<Result<Survey, CaptureFault>, InfrastructureFault> {
    let samples = Arc::clone(&captured.samples);
    let (rate, channels, channel) =
        (captured.rate, usize::from(captured.channels.max(1)), usize::from(captured.channel));
    let stimulus = stimulus.clone();
    let job = move || {
        let mono: Vec<f32> = samples
            .chunks_exact(channels)
            .filter_map(|frame| frame.get(channel))
            .map(|&x| f32::from(x) / 32768.0)
            .collect();
        let recording = Recording::mono(rate, &mono);
        ANALYSER.with_borrow_mut(|known| Survey::with(known, &recording, &stimulus, &expectation, &settings))
    };
    let found = compute(&*session.trial.bench.clock, ANALYSIS_NS, job).await;
    found.ok_or_else(|| {
        InfrastructureFault::new("analysis", "the analysis of the recording ended with a panic")
            .hint("this is a fault of Rigtone: please report it with the run directory")
    })
}
