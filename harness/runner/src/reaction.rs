//! Reactions of units that are spoken to, or that should not react: heard by the microphone beside them.

use std::{collections::BTreeMap, sync::Arc};

use rigtone_model::{
    document::{Absence, Prompt, WaitFor},
    event::Body,
    observation::{Observation, Quantity, Value},
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};
use rigtone_rig::{
    capability::{Asked, Captured, Microphone, Recording, Request, Unit},
    clock::{Instant, compute},
    reaction::ReactionSound,
};
use rigtone_witness::reaction::{Looked, Seen, method, reactions};

use crate::{
    asked::{self, ASKED_NS},
    emit::Place,
    hearing,
    step::{Session, StepEnd, StepResult},
};

/// Who has not reacted in this time after a prompt began will not.
const REACTS_NS: i64 = 15_000_000_000;
/// A watch is recorded in stretches: as long as memory may hold, and shorter where the reaction is waited for.
const STRETCH_NS: i64 = 60_000_000_000;
const IMPATIENT_NS: i64 = 5_000_000_000;
/// Kept of a watch before a reaction and after it began, in nanoseconds.
const BEFORE_NS: i64 = 1_000_000_000;
const AFTER_NS: i64 = 3_000_000_000;
const START_NS: i64 = 10_000_000_000;
/// The virtual time that looking takes.
const ANALYSIS_NS: i64 = 10_000_000;

/// The microphone beside a unit, and the sound that it listens for.
struct Ear {
    name: String,
    member: String,
    microphone: std::rc::Rc<dyn Microphone>,
    sound: Arc<ReactionSound>,
}

/// A recording that was looked through.
struct Heard {
    captured: Captured,
    seen: Vec<Seen>,
}

impl Ear {
    /// That of a unit; nothing where its document names no sound, or nobody hears it.
    fn of(session: &Session<'_>, unit: &Unit) -> Option<Self> {
        let bench = session.trial.bench;
        let sound = unit.reaction.clone()?;
        let name = bench.nearest_microphone(&unit.name)?.to_owned();
        let microphone = bench.microphones.get(&name)?.clone();
        Some(Self { member: format!("microphone {name}"), name, microphone, sound })
    }

    async fn start(&self, session: &Session<'_>) -> Result<Box<dyn Recording>, InfrastructureFault> {
        let deadline = session.now().plus(START_NS);
        session.bounded(deadline, &self.member, self.microphone.start(deadline)).await
    }

    /// Ends a recording and looks for reactions in it.
    async fn look(&self, session: &Session<'_>, recording: Box<dyn Recording>) -> Result<Heard, InfrastructureFault> {
        let deadline = session.now().plus(START_NS);
        let captured = session.bounded(deadline, &self.member, recording.stop(deadline)).await?;
        let Captured { rate, channels, channel, ref samples, ref anchors, .. } = captured;
        let (samples, anchors, sound) = (samples.clone(), anchors.clone(), self.sound.clone());
        let job = move || {
            let looked = Looked { samples: &sound.samples, rate: sound.rate, sha256: &sound.sha256 };
            reactions(rate, &samples.scaled(channel, channels), &anchors, looked)
        };
        let seen = compute(&*session.trial.bench.clock, ANALYSIS_NS, job).await.ok_or_else(|| {
            InfrastructureFault::new("analysis", "the search for reactions ended with a panic")
                .hint("this is a fault of Rigtone: please report it with the run directory")
        })?;
        let seen = seen.map_err(|error| InfrastructureFault::new("analysis", error.to_string()))?;
        Ok(Heard { captured, seen })
    }

    /// For how long a reaction in a recording would have been seen whole, in seconds.
    fn listened_s(&self, captured: &Captured) -> f64 {
        let (Some(first), Some(last)) = (captured.anchors.first(), captured.anchors.last()) else { return 0.0 };
        let sound_s = self.sound.samples.len() as f64 / f64::from(self.sound.rate.max(1));
        (last.t_ns.saturating_sub(first.t_ns) as f64 / 1e9 - sound_s).max(0.0)
    }
}

/// Records a reaction, in seconds after `from`.
fn reacted(session: &Session<'_>, place: Place<'_>, seen: &Seen, from: Instant, evidence: &str) {
    // Frames of the recording that was searched are a few to the millisecond.
    let value = Value::Number { value: (seen.t_ns - from.0) as f64 / 1e9, unit: "s".to_owned(), uncertainty: 0.001 };
    let quality = BTreeMap::from([
        ("score".to_owned(), seen.score),
        ("unequal".to_owned(), seen.unequal),
        ("at-s".to_owned(), seen.at_s),
    ]);
    observe(session, place, Quantity::Reaction, value, quality, Some(evidence.to_owned()));
}

/// Records how often it reacted in the time that was listened to.
fn counted(session: &Session<'_>, place: Place<'_>, times: usize, listened_s: f64) {
    let value = Value::Number { value: times as f64, unit: "reactions".to_owned(), uncertainty: 0.0 };
    let quality = BTreeMap::from([("listened-s".to_owned(), listened_s)]);
    observe(session, place, Quantity::Reactions, value, quality, None);
}

fn observe(
    session: &Session<'_>,
    place: Place<'_>,
    quantity: Quantity,
    value: Value,
    quality: BTreeMap<String, f64>,
    evidence: Option<String>,
) {
    let raw = Observation::raw(place.step.unwrap_or_default(), quantity, value);
    place.emit(session.now(), Body::Observed(Observation { method: Some(method()), evidence, quality, ..raw }));
}

/// Speaks prompts, each at its time, and sees whether the unit reacts. Without a sound to listen for they are spoken, and nothing is seen.
pub(crate) async fn prompt(
    session: &Session<'_>,
    step: &Prompt,
    unit: &Unit,
    who: &dyn Asked,
    place: Place<'_>,
) -> StepResult {
    let loudness = session.bound(step.loudness.as_ref().map(|l| session.trial.bindings().resolve(l)).transpose())?;
    let request = Request::Say { prompt: &step.says, loudness };
    let ear = Ear::of(session, unit);
    let (begin, clock) = (session.now(), &session.trial.bench.clock);
    let (mut missed, mut times, mut listened_s) = (0, 0, 0.0);
    for number in 0..step.times {
        let due = begin.plus(step.every.ns().saturating_mul(i64::from(number)));
        clock.sleep_until(due).await;
        let recording = match &ear {
            Some(ear) => Some((ear, ear.start(session).await?)),
            None => None,
        };
        let spoken = session.now();
        let reply = asked::ask(session, unit, who, request, ASKED_NS, place).await?;
        if let Err(failure) = reply.outcome {
            return Ok(StepEnd::Failed(failure));
        }
        let Some((ear, recording)) = recording else { continue };
        clock.sleep_until(due.plus(step.every.ns()).min(spoken.plus(REACTS_NS)).max(session.now())).await;
        let Heard { captured, seen } = ear.look(session, recording).await?;
        listened_s += ear.listened_s(&captured);
        // What it did before is no answer.
        let seen: Vec<Seen> = seen.into_iter().filter(|one| one.t_ns >= spoken.0).collect();
        let evidence = hearing::keep_sound(session, place, &ear.name, &captured, None)?;
        seen.iter().for_each(|one| reacted(session, place, one, spoken, &evidence));
        times += seen.len();
        missed += u32::from(seen.is_empty());
        let failure = seen.is_empty().then(|| {
            let detail = format!("it did not react to `{}`", step.says);
            DeviceFailure::new(FailureClass::NoReaction, detail)
        });
        place.emit(session.now(), Body::Attempt { number: number + 1, failure });
    }
    if ear.is_some() {
        counted(session, place, times, listened_s);
    }
    Ok(match missed {
        0 => StepEnd::Done,
        missed => {
            let detail = format!("it did not react to {missed} of {} times `{}`", step.times, step.says);
            StepEnd::Failed(DeviceFailure::new(FailureClass::NoReaction, detail))
        }
    })
}

/// Watches a unit until it reacts; with `absence-is: success` for the whole time, in which it should not.
pub(crate) async fn wait(session: &Session<'_>, step: &WaitFor, unit: &Unit, place: Place<'_>) -> StepResult {
    let ear = Ear::of(session, unit).ok_or_else(|| {
        InfrastructureFault::new(format!("unit {}", unit.name), "nothing tells whether it reacts")
            .hint("run `rigtone plan`: it skips combinations that the rig cannot do")
    })?;
    let unwanted = step.absence_is == Some(Absence::Success);
    let stretch_ns = if unwanted { STRETCH_NS } else { IMPATIENT_NS };
    let begin = session.now();
    let deadline = begin.plus(step.within.ns());
    let (mut times, mut listened_s) = (0, 0.0);
    loop {
        let recording = ear.start(session).await?;
        session.trial.bench.clock.sleep_until(session.now().plus(stretch_ns).min(deadline)).await;
        let Heard { captured, seen } = ear.look(session, recording).await?;
        listened_s += ear.listened_s(&captured);
        times += seen.len();
        for one in &seen {
            // Hours of silence are no evidence of anything: what is kept is what it rests on.
            let around = (one.t_ns - BEFORE_NS, one.t_ns + AFTER_NS);
            let evidence = hearing::keep_sound(session, place, &ear.name, &captured, Some(around))?;
            reacted(session, place, one, begin, &evidence);
        }
        if session.now() >= deadline || (times > 0 && !unwanted) {
            break;
        }
    }
    counted(session, place, times, listened_s);
    Ok(match (times, unwanted) {
        (0, true) => StepEnd::Done,
        (0, false) => {
            let detail = format!("it did not react within {}", step.within);
            StepEnd::Failed(DeviceFailure::new(FailureClass::NoReaction, detail))
        }
        (times, true) => {
            let detail = format!("it reacted {times} times, and nobody had spoken to it");
            StepEnd::Failed(DeviceFailure::new(FailureClass::UnaskedReaction, detail))
        }
        (_, false) => StepEnd::Done,
    })
}
