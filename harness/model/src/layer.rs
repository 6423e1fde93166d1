//! Layers: what the evidence of a run says to a later analysis. The record itself is never changed.

use serde::{Deserialize, Serialize};

use crate::{id::CombinationId, observation::Observation, trial::TrialRecord};

/// What a layer is and what it rests on: its file `layer.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LayerFacts {
    /// Version of this format: `major.minor`.
    pub schema: String,
    /// The run that it belongs to.
    pub run: String,
    /// The version of Rigtone that measured.
    pub rigtone: String,
    /// Seconds since 1970 on the host's calendar clock.
    pub unix_s: i64,
    /// Events that the log had.
    pub events: u64,
    /// Recordings that were measured.
    pub recordings: u64,
    /// Recordings whose values stand as recorded, because retention had taken them away.
    pub removed: u64,
    /// Recordings whose values stand as recorded, because the log does not say what their analysis goes by.
    pub unknown: u64,
    /// SHA-256 of the layer's observations.
    pub observations_sha256: String,
}

impl LayerFacts {
    /// The version this build writes.
    pub const SCHEMA: &'static str = "1.0";
}

/// What was measured again of one trial: a line of the layer's observations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TrialLayer {
    /// The combination.
    pub combination: CombinationId,
    /// The trial, from 1.
    pub trial: u32,
    /// The attempt, from 1.
    pub attempt: u32,
    /// Its recordings.
    pub recordings: Vec<Remeasured>,
}

/// One recording, measured again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Remeasured {
    /// The label of the step.
    pub step: String,
    /// SHA-256 of the recording.
    pub evidence: String,
    /// What it says.
    pub observations: Vec<Observation>,
}

impl TrialLayer {
    /// Whether it is about that trial.
    pub fn is_of(&self, record: &TrialRecord) -> bool {
        (&self.combination, self.trial, self.attempt) == (&record.combination, record.trial, record.attempt)
    }

    /// Puts what was measured again in the place of what was recorded.
    pub fn correct(self, record: &mut TrialRecord) {
        for Remeasured { step, evidence, observations } in self.recordings {
            let is_old = |o: &Observation| o.of == step && o.evidence.as_deref() == Some(&evidence);
            let place = record.observations.iter().position(is_old).unwrap_or(record.observations.len());
            record.observations.retain(|o| !is_old(o));
            record.observations.splice(place..place, observations);
        }
    }
}
