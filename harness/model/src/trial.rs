//! What became of a trial: the events of one attempt, folded into what the judge needs.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    event::{At, Body, Event, Phase, StepOutcome, TrialOutcome},
    id::CombinationId,
    observation::{Observation, Quantity, Value},
};

/// How a device failed, along the chain from inquiry to sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// It did not answer the inquiry.
    NotDiscovered,
    /// It refused to pair.
    PairingRefused,
    /// It did not answer the pairing in time.
    PairingTimedOut,
    /// Paired, but the profile did not connect.
    NotConnected,
    /// Connected, but no stream was set up.
    NoStream,
    /// The stream ran and nothing was heard.
    Silent,
    /// Another codec than the one expected.
    WrongCodec,
    /// What was agreed on, what was sent and what was heard are not one codec.
    CodecDisagreement,
    /// It has not the role that is needed.
    WrongRole,
    /// Heard later than allowed.
    Late,
    /// A step took longer, or less, than allowed.
    Untimely,
    /// The link went down.
    LinkLost,
    /// It does not support what was asked.
    Unsupported,
    /// It did what it should have refused.
    Accepted,
    /// Something was heard where silence was due.
    UnexpectedSound,
    /// The sound had holes, or jumped.
    WithHoles,
    /// Clicks or changes of the level were heard that were not sent.
    Disturbed,
    /// The sound was heard more than once.
    Doubled,
    /// Feedback howled.
    Howling,
    /// The channels of the stream were played in another way than expected, or turned over.
    WrongChannels,
    /// The sound had the bandwidth of another codec.
    WrongBandwidth,
    /// A measured quantity lay outside its limits.
    OutOfLimits,
    /// It was spoken to and did not react.
    NoReaction,
    /// It reacted though nobody had spoken to it.
    UnaskedReaction,
}

impl FailureClass {
    /// As events write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotDiscovered => "not-discovered",
            Self::PairingRefused => "pairing-refused",
            Self::PairingTimedOut => "pairing-timed-out",
            Self::NotConnected => "not-connected",
            Self::NoStream => "no-stream",
            Self::Silent => "silent",
            Self::WrongCodec => "wrong-codec",
            Self::CodecDisagreement => "codec-disagreement",
            Self::WrongRole => "wrong-role",
            Self::Late => "late",
            Self::Untimely => "untimely",
            Self::LinkLost => "link-lost",
            Self::Unsupported => "unsupported",
            Self::Accepted => "accepted",
            Self::UnexpectedSound => "unexpected-sound",
            Self::WithHoles => "with-holes",
            Self::Disturbed => "disturbed",
            Self::Doubled => "doubled",
            Self::Howling => "howling",
            Self::WrongChannels => "wrong-channels",
            Self::WrongBandwidth => "wrong-bandwidth",
            Self::OutOfLimits => "out-of-limits",
            Self::NoReaction => "no-reaction",
            Self::UnaskedReaction => "unasked-reaction",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The device under test did not do what was asked, and the rig did its part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceFailure {
    /// Where in the chain.
    pub class: FailureClass,
    /// What was seen.
    pub detail: String,
}

impl DeviceFailure {
    /// A failure of this class.
    pub fn new(class: FailureClass, detail: impl Into<String>) -> Self {
        Self { class, detail: detail.into() }
    }
}

impl fmt::Display for DeviceFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.detail)
    }
}

/// The rig failed: nothing is known about the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{member}: {what}")]
pub struct InfrastructureFault {
    /// The member of the rig, such as `relay board-1` or `microphone bench-1`.
    pub member: String,
    /// What was attempted and what happened.
    pub what: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl InfrastructureFault {
    /// A fault of a member.
    pub fn new(member: impl Into<String>, what: impl Into<String>) -> Self {
        Self { member: member.into(), what: what.into(), hint: None }
    }
    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A step of a trial as it went.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRecord {
    /// Its label.
    pub label: String,
    /// Its action.
    pub action: String,
    /// The failure, if the device failed.
    pub failure: Option<DeviceFailure>,
    /// How each of its attempts ended, for a step that makes several.
    pub attempts: Vec<Option<FailureClass>>,
    /// How long it took, in nanoseconds.
    pub took_ns: i64,
}

/// One attempt at a trial, folded from its events.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialRecord {
    /// The combination.
    pub combination: CombinationId,
    /// The trial, from 1.
    pub trial: u32,
    /// The attempt, from 1.
    pub attempt: u32,
    /// When it began, in nanoseconds on the rig's clock.
    pub began_ns: i64,
    /// How it ended.
    pub outcome: TrialOutcome,
    /// The steps of the trial proper that ended, in order.
    pub steps: Vec<StepRecord>,
    /// The facts.
    pub observations: Vec<Observation>,
    /// Evidence files, below the run directory.
    pub evidence: Vec<String>,
}

impl TrialRecord {
    /// The step of that label, if it was reached.
    pub fn step(&self, label: &str) -> Option<&StepRecord> {
        self.steps.iter().find(|s| s.label == label)
    }
    /// The observation of a quantity in a step.
    pub fn observation(&self, of: &str, quantity: Quantity) -> Option<&Observation> {
        self.observations.iter().find(|o| o.quantity == quantity && o.of == of)
    }
    /// The same as a microphone heard it: the one on the axis `at`; where none is named, the first of the step, which is the nearest.
    pub fn observation_at_microphone(&self, of: &str, quantity: Quantity, at: Option<&str>) -> Option<&Observation> {
        let mut all = self.observations.iter().filter(|o| o.quantity == quantity && o.of == of);
        all.find(|o| at.is_none() || o.at.is_none() || o.at.as_deref() == at)
    }
    /// The observation of a quantity in a step at a frequency.
    pub fn observation_at(&self, of: &str, quantity: Quantity, hz: f64) -> Option<&Observation> {
        self.observations.iter().find(|o| o.quantity == quantity && o.of == of && o.at_hz == Some(hz))
    }
    /// Whether every stimulus that was listened for was heard.
    pub fn was_heard(&self) -> bool {
        let mut presences = self.observations.iter().filter(|o| o.quantity == Quantity::Presence);
        presences.all(|o| o.value == Value::Truth(true))
    }
    /// The first failure of the device.
    pub fn failure(&self) -> Option<&DeviceFailure> {
        self.steps.iter().find_map(|s| s.failure.as_ref())
    }
}

/// Folds a stream of events into trial records, in the order in which the trials ended.
#[derive(Debug, Clone, Default)]
pub struct TrialFolder {
    open: BTreeMap<(CombinationId, u32, u32), Open>,
    /// The last trial of each combination that gave a result.
    last: BTreeMap<CombinationId, u32>,
    doubled: Option<(CombinationId, u32)>,
}

/// A trial that has begun.
#[derive(Debug, Clone)]
struct Open {
    record: TrialRecord,
    /// Attempts of the steps that have not ended, by their labels: several may go on at once.
    attempts: BTreeMap<String, Vec<Option<FailureClass>>>,
    /// Whether those steps are a part of the trial proper.
    judged: bool,
}

impl TrialFolder {
    /// Takes the next event; gives the record of the trial that it ends, if it ends one.
    pub fn take(&mut self, event: Event) -> Option<TrialRecord> {
        let Event { t_ns, at, body, .. } = event;
        let At { combination, trial, attempt, step } = at?;
        let key = (combination, trial, attempt);
        if matches!(body, Body::TrialStarted) {
            let record = TrialRecord {
                combination: key.0.clone(),
                trial,
                attempt,
                began_ns: t_ns,
                outcome: TrialOutcome::Cancelled,
                steps: Vec::new(),
                observations: Vec::new(),
                evidence: Vec::new(),
            };
            self.open.insert(key, Open { record, attempts: BTreeMap::new(), judged: true });
            return None;
        }
        if let Body::TrialDiscarded { .. } = body {
            self.open.remove(&key);
            return None;
        }
        if let Body::TrialFinished { outcome, .. } = body {
            let record = TrialRecord { outcome, ..self.open.remove(&key)?.record };
            return self.is_new(&record).then_some(record);
        }
        let Open { record, attempts, judged } = self.open.get_mut(&key)?;
        match body {
            Body::StepStarted { phase, .. } => {
                attempts.insert(step.unwrap_or_default(), Vec::new());
                *judged = phase == Phase::Trial;
            }
            Body::Attempt { failure, .. } => {
                attempts.entry(step.unwrap_or_default()).or_default().push(failure.map(|f| f.class));
            }
            // What was tried before the trial proper, or after it, is not judged.
            Body::StepFinished { phase: Phase::Setup | Phase::Cleanup, .. } => {
                attempts.remove(step.as_deref().unwrap_or_default());
                *judged = attempts.is_empty();
            }
            Body::StepFinished { action, phase: Phase::Trial, outcome, took_ns } => {
                let label = step.unwrap_or_default();
                let attempts = attempts.remove(&label).unwrap_or_default();
                let failure = match outcome {
                    StepOutcome::Failed(failure) => Some(failure),
                    StepOutcome::Done | StepOutcome::Lost(_) | StepOutcome::Cancelled => None,
                };
                record.steps.push(StepRecord { label, action, failure, attempts, took_ns });
            }
            // The same of what was observed. What is known only when all steps are done says itself what it is about.
            Body::Observed(observation) if *judged => record.observations.push(observation),
            Body::Evidence { file, .. } => record.evidence.push(file),
            Body::EvidenceRemoved { file, .. } => record.evidence.retain(|kept| *kept != file),
            _ => {}
        }
        None
    }

    /// Whether a record is the first result of its trial, whose trials come one after the other.
    fn is_new(&mut self, record: &TrialRecord) -> bool {
        if record.outcome != TrialOutcome::Completed {
            return true;
        }
        if let Some(last) = self.last.get_mut(&record.combination) {
            if *last >= record.trial {
                self.doubled.get_or_insert_with(|| (record.combination.clone(), record.trial));
                return false;
            }
            *last = record.trial;
        } else {
            self.last.insert(record.combination.clone(), record.trial);
        }
        true
    }

    /// A trial that gave a result twice, which no run does: the log was put together by somebody. Its second result was left out.
    pub fn doubled(&self) -> Option<&(CombinationId, u32)> {
        self.doubled.as_ref()
    }

    /// What is known so far of a trial that has begun.
    pub fn open(&self, combination: &CombinationId, trial: u32, attempt: u32) -> Option<&TrialRecord> {
        self.open.get(&(combination.clone(), trial, attempt)).map(|open| &open.record)
    }

    /// Trials that began and did not end: they were in flight when the log ended.
    pub fn in_flight(&self) -> impl Iterator<Item = &TrialRecord> {
        self.open.values().map(|open| &open.record)
    }
}
