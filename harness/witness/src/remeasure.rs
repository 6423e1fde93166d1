//! A run measured again from its evidence, with what the log says about each recording.

use std::{
    collections::BTreeMap,
    fmt,
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread,
};

use rigtone_model::{
    document::Scenario,
    event::{Anchor, Body, Event, Listening, Phase, TrialOutcome},
    id::CombinationId,
    layer::{LayerFacts, Remeasured, TrialLayer},
    observation::{Observation, Quantity, Value},
    plan::Plan,
};
use rigtone_record::{LayerWriter, RecordError, read_evidence, wav::WavReader};
use thiserror::Error;

use crate::sound::{Emitted, HearError, Take, asked_hz, hear, hear_any, stimulus};

/// Trials that are measured together: enough for every processor, few enough for memory and for a word now and then.
const TOGETHER: usize = 64;
/// Files and values that are named one by one; of more the number is told.
const NAMED: usize = 10;

/// Why a run cannot be measured again.
#[derive(Debug, Error)]
pub enum RemeasureError {
    /// Evidence that is not what was recorded. Nothing was written.
    #[error("{} of the recordings cannot be measured: {}", faults, named(first, *faults))]
    Evidence {
        /// How many.
        faults: usize,
        /// The first of them, by their files below the run directory, with what is wrong.
        first: Vec<(String, String)>,
    },
    /// No recording of the run can be measured again.
    #[error("{}", nothing(*removed, *unknown))]
    Nothing {
        /// Recordings that retention took away.
        removed: u64,
        /// Recordings of which the log does not say what their analysis goes by.
        unknown: u64,
    },
    /// The layer cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl RemeasureError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Evidence { .. } => {
                "restore the files from a copy of the run; `rigtone judge` without --remeasure judges by what was recorded"
            }
            Self::Nothing { .. } => "run with `--keep-evidence all` to keep recordings",
            Self::Record(error) => error.hint(),
        }
    }
}

fn named(first: &[(String, String)], faults: usize) -> String {
    let mut text = first.iter().map(|(file, what)| format!("{file}: {what}")).collect::<Vec<_>>().join("; ");
    if faults > first.len() {
        text.push_str(&format!("; and {} more", faults - first.len()));
    }
    text
}

fn nothing(removed: u64, unknown: u64) -> String {
    match (removed, unknown) {
        (0, 0) => "the run has no recordings".to_owned(),
        (removed, 0) => format!("nothing is left to measure: {removed} recordings were not kept"),
        (removed, unknown) => format!(
            "nothing can be measured: {unknown} recordings were made by a version that did not write down how it listened, {removed} were not kept"
        ),
    }
}

/// An observation that is another one now.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The combination.
    pub combination: CombinationId,
    /// The trial, from 1.
    pub trial: u32,
    /// The step.
    pub step: String,
    /// What was observed.
    pub quantity: Quantity,
    /// At which frequency in Hz, where there are several.
    pub at_hz: Option<f64>,
    /// What was recorded, if it was.
    pub recorded: Option<Value>,
    /// What the evidence says now, if it does.
    pub now: Option<Value>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { combination, trial, step, quantity, at_hz, recorded, now } = self;
        let value = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
        let at = at_hz.map(|hz| format!(" at {hz} Hz")).unwrap_or_default();
        let (then, now) = (value(recorded), value(now));
        let figures = if then == now { ", with other figures of its quality" } else { "" };
        write!(f, "trial {trial} of {combination}: {} of {step}{at} was {then}, is {now}{figures}", quantity.as_str())
    }
}

/// What came of measuring a run again.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Recordings that were measured.
    pub recordings: u64,
    /// Observations of them.
    pub observations: u64,
    /// How many of them are not what was recorded, figures of their quality included.
    pub changed: u64,
    /// The first of those.
    pub first: Vec<Change>,
    /// Recordings that retention took away: their values stand.
    pub removed: u64,
    /// Recordings of which the log does not say what their analysis goes by: their values stand.
    pub unknown: u64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recordings, observations, changed, removed, unknown, .. } = self;
        write!(f, "{recordings} recordings measured again: ")?;
        match changed {
            0 => write!(f, "all {observations} values are as recorded")?,
            changed => write!(f, "{changed} of {observations} values are not as recorded")?,
        }
        if *removed > 0 {
            write!(f, "; {removed} recordings were not kept, what they said stands")?;
        }
        if *unknown > 0 {
            write!(f, "; {unknown} recordings do not say how they were listened to, what they said stands")?;
        }
        Ok(())
    }
}

/// A recording of an attempt.
struct Recording {
    step: String,
    file: String,
    sha256: String,
    anchors: Vec<Anchor>,
    listening: Listening,
    emitted: Option<Emitted>,
    recorded: Vec<Observation>,
}

#[derive(Default)]
struct Attempt {
    emitted: BTreeMap<String, Emitted>,
    recordings: Vec<Recording>,
    unknown: u64,
    /// The step that goes on is no part of what is judged.
    aside: bool,
}

/// A trial that gave a result.
struct Ended<'a> {
    at: Key,
    scenario: Option<&'a Scenario>,
    recordings: Vec<Recording>,
}

type Key = (CombinationId, u32, u32);

/// Measures a run again as its events go by, on every processor.
pub struct Remeasure<'a> {
    run: &'a Path,
    scenarios: BTreeMap<&'a CombinationId, &'a Scenario>,
    layer: LayerWriter,
    attempts: BTreeMap<Key, Attempt>,
    /// Trials that wait to be measured together.
    waiting: Vec<Ended<'a>>,
    outcome: Outcome,
    events: u64,
    /// Recordings that cannot be measured, by their files: retention may say later that it took them away.
    faults: BTreeMap<String, String>,
}

impl<'a> Remeasure<'a> {
    /// Recordings that were measured so far.
    pub fn recordings(&self) -> u64 {
        self.outcome.recordings
    }

    /// Begins a layer of a run; `plan` says at which frequencies the response is wanted.
    ///
    /// # Errors
    /// When the run's directory cannot be written to.
    pub fn new(run: &'a Path, plan: &'a Plan) -> Result<Self, RecordError> {
        let scenario = |id: &str| plan.scenario(id);
        Ok(Self {
            run,
            scenarios: plan.combinations.iter().filter_map(|c| Some((&c.id, scenario(&c.scenario)?))).collect(),
            layer: LayerWriter::create(run)?,
            attempts: BTreeMap::new(),
            waiting: Vec::new(),
            outcome: Outcome::default(),
            events: 0,
            faults: BTreeMap::new(),
        })
    }

    /// Takes the next event of the run.
    ///
    /// # Errors
    /// When the layer cannot be written.
    pub fn take(&mut self, event: Event) -> Result<(), RecordError> {
        self.events = event.seq + 1;
        let Some(at) = event.at else { return Ok(()) };
        let (key, step) = ((at.combination, at.trial, at.attempt), at.step.unwrap_or_default());
        match event.body {
            Body::TrialStarted => {
                self.attempts.insert(key, Attempt::default());
            }
            Body::StepStarted { phase, .. } => {
                if let Some(attempt) = self.attempts.get_mut(&key) {
                    attempt.aside = phase != Phase::Trial;
                }
            }
            Body::Emitted { t_ns, uncertainty_ns, .. } => {
                if let Some(attempt) = self.attempts.get_mut(&key) {
                    attempt.emitted.insert(step, Emitted { t_ns, uncertainty_ns });
                }
            }
            Body::Evidence { file, sha256, anchors, listening, .. } => {
                let Some(attempt) = self.attempts.get_mut(&key).filter(|attempt| !attempt.aside) else {
                    return Ok(());
                };
                match listening {
                    Some(listening) => {
                        let emitted = attempt.emitted.get(&step).copied();
                        let (listening, recorded) = (*listening, Vec::new());
                        attempt.recordings.push(Recording {
                            step,
                            file,
                            sha256,
                            anchors,
                            listening,
                            emitted,
                            recorded,
                        });
                    }
                    None if !anchors.is_empty() => attempt.unknown += 1,
                    // No recording.
                    None => {}
                }
            }
            Body::Observed(observation) => {
                let Some(attempt) = self.attempts.get_mut(&key) else { return Ok(()) };
                let Some(evidence) = &observation.evidence else { return Ok(()) };
                let of = |r: &&mut Recording| r.step == observation.of && r.sha256 == *evidence;
                if let Some(recording) = attempt.recordings.iter_mut().find(of) {
                    recording.recorded.push(observation);
                }
            }
            Body::EvidenceRemoved { file, .. } => {
                let before = self.attempts.get_mut(&key).map(|attempt| &mut attempt.recordings);
                let waiting = self.waiting.iter_mut().find(|ended| ended.at == key).map(|ended| &mut ended.recordings);
                if let Some(recordings) = before.or(waiting)
                    && let Some(place) = recordings.iter().position(|r| r.file == file)
                {
                    recordings.remove(place);
                    self.outcome.removed += 1;
                } else if self.faults.remove(&file).is_some() {
                    self.outcome.removed += 1;
                }
            }
            Body::TrialFinished { outcome, .. } => {
                let Some(Attempt { recordings, unknown, .. }) = self.attempts.remove(&key) else { return Ok(()) };
                if outcome == TrialOutcome::Completed {
                    self.outcome.unknown += unknown;
                    let scenario = self.scenarios.get(&key.0).copied();
                    self.waiting.push(Ended { at: key, scenario, recordings });
                }
            }
            Body::TrialDiscarded { .. } => {
                self.attempts.remove(&key);
            }
            _ => {}
        }
        if self.waiting.len() >= TOGETHER { self.measure() } else { Ok(()) }
    }

    /// The run has been gone through: finishes the layer. Gives its number, its folder and what came of it.
    ///
    /// # Errors
    /// When evidence is not what was recorded, nothing could be measured, or the layer cannot be written; there is no layer then.
    pub fn finish(mut self, run: &str, unix_s: i64) -> Result<(u32, PathBuf, Outcome), RemeasureError> {
        self.measure()?;
        let outcome = self.outcome;
        if !self.faults.is_empty() {
            let faults = self.faults.len();
            return Err(RemeasureError::Evidence { faults, first: self.faults.into_iter().take(NAMED).collect() });
        }
        if outcome.recordings == 0 {
            return Err(RemeasureError::Nothing { removed: outcome.removed, unknown: outcome.unknown });
        }
        let (number, path) = self.layer.finish(|observations_sha256| LayerFacts {
            schema: LayerFacts::SCHEMA.to_owned(),
            run: run.to_owned(),
            rigtone: env!("CARGO_PKG_VERSION").to_owned(),
            unix_s,
            events: self.events,
            recordings: outcome.recordings,
            removed: outcome.removed,
            unknown: outcome.unknown,
            observations_sha256,
        })?;
        Ok((number, path, outcome))
    }

    /// Measures what waits, and writes it in the order in which the trials ended.
    fn measure(&mut self) -> Result<(), RecordError> {
        let waiting = std::mem::take(&mut self.waiting);
        let run = self.run;
        let threads = thread::available_parallelism().map_or(1, usize::from).min(waiting.len().max(1));
        let found: Vec<Vec<_>> = thread::scope(|scope| {
            let waiting = &waiting;
            let work = move |thread: usize| {
                let mine = waiting.iter().skip(thread).step_by(threads);
                let measured = |r, scenario| {
                    let panicked =
                        |_| Err("its analysis ended with a panic: please report this with the file".to_owned());
                    catch_unwind(AssertUnwindSafe(|| again(run, r, scenario))).unwrap_or_else(panicked)
                };
                mine.map(|ended| ended.recordings.iter().map(|r| measured(r, ended.scenario)).collect()).collect()
            };
            let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
            running.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
        });
        let mut found: Vec<_> = found.into_iter().map(Vec::into_iter).collect();
        for (place, ended) in waiting.into_iter().enumerate() {
            let results: Vec<Result<_, String>> = found[place % threads].next().unwrap_or_default();
            self.write(ended, results)?;
        }
        Ok(())
    }

    fn write(&mut self, ended: Ended<'_>, results: Vec<Result<Vec<Observation>, String>>) -> Result<(), RecordError> {
        let (combination, trial, attempt) = ended.at;
        let mut layer = TrialLayer { combination, trial, attempt, recordings: Vec::new() };
        for (recording, result) in ended.recordings.into_iter().zip(results) {
            match result {
                Ok(observations) => {
                    self.outcome.recordings += 1;
                    self.outcome.beside(&layer, &recording, &observations);
                    let Recording { step, sha256: evidence, .. } = recording;
                    layer.recordings.push(Remeasured { step, evidence, observations });
                }
                Err(what) => {
                    self.faults.insert(recording.file, what);
                }
            }
        }
        if layer.recordings.is_empty() { Ok(()) } else { self.layer.append(&layer) }
    }
}

impl Outcome {
    fn beside(&mut self, at: &TrialLayer, recording: &Recording, now: &[Observation]) {
        let same = |a: &Observation, b: &Observation| (a.quantity, &a.at, a.at_hz) == (b.quantity, &b.at, b.at_hz);
        let mut differ = |one: &Observation, recorded: Option<&Observation>, now: Option<&Observation>| {
            self.changed += 1;
            if self.first.len() < NAMED {
                self.first.push(Change {
                    combination: at.combination.clone(),
                    trial: at.trial,
                    step: recording.step.clone(),
                    quantity: one.quantity,
                    at_hz: one.at_hz,
                    recorded: recorded.map(|o| o.value.clone()),
                    now: now.map(|o| o.value.clone()),
                });
            }
        };
        for one in now {
            let then = recording.recorded.iter().find(|o| same(o, one));
            if then != Some(one) {
                differ(one, then, Some(one));
            }
        }
        for one in recording.recorded.iter().filter(|one| !now.iter().any(|o| same(o, one))) {
            differ(one, Some(one), None);
        }
        self.observations += now.len() as u64;
    }
}

/// What a recording says now; else what is wrong with its file.
fn again(run: &Path, recording: &Recording, scenario: Option<&Scenario>) -> Result<Vec<Observation>, String> {
    let Recording { step, file, sha256, anchors, listening, emitted, recorded } = recording;
    let bytes = read_evidence(run, file, sha256).map_err(|e| e.to_string())?;
    let (rate, samples) = one_channel(&bytes, listening.channel)?;
    let reference = listening.reference.map(|channel| one_channel(&bytes, channel)).transpose()?;
    let reference = reference.as_ref().map(|(_, samples)| &samples[..]);
    let hz = scenario.map(|scenario| asked_hz(scenario, step)).unwrap_or_default();
    let take = Take { rate, samples: &samples, reference, anchors, emitted: *emitted, listening };
    if listening.any_above_dbfs.is_some() {
        return Ok(hear_any(&take).observations(step, sha256, listening.at.as_deref()).collect());
    }
    let stimulus = stimulus(&listening.signal, listening.rate_hz, listening.code).map_err(|e| e.to_string())?;
    // It was good enough once: whoever thinks otherwise now knows nothing about the device.
    let unfit = |why: String| {
        let unknown = |o: &Observation| {
            let value = Value::Inconclusive { reason: why.clone() };
            Observation { value, quality: BTreeMap::new(), ..o.clone() }
        };
        Ok(recorded.iter().map(unknown).collect())
    };
    match hear(&take, &stimulus, &hz) {
        Err(HearError::Capture(fault)) => unfit(format!("the recording cannot be analysed: {fault}")),
        Err(HearError::Response(error)) => Err(error.to_string()),
        Ok(heard) => match heard.seam_s() {
            Some(at_s) => unfit(format!("the recording jumps at {at_s:.3} s")),
            None => Ok(heard.observations(step, sha256, listening.at.as_deref()).collect()),
        },
    }
}

/// One channel of a WAV file, full scale at 1.0, with its frames a second.
fn one_channel(bytes: &[u8], channel: u16) -> Result<(u32, Vec<f32>), String> {
    let mut wav = WavReader::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    let (mut samples, channels) = (Vec::new(), wav.channels());
    if channel >= channels {
        return Err(format!("it has {channels} channels, and the microphone was channel {channel}"));
    }
    while wav.read(&mut samples, 1 << 16).map_err(|e| e.to_string())? > 0 {}
    Ok((wav.rate(), samples.into_iter().skip(channel.into()).step_by(channels.into()).collect()))
}
