//! What a run must show before it certifies anything.

use std::{collections::BTreeMap, fmt, path::Path};

use rigtone_judge::verdicts::{Replay, RunPlan};
use rigtone_model::{
    event::{Body, FirmwareLook, FirmwareSource},
    plan::{AxisValue, Combination},
    rig_kind::RigKind,
    verdict::{RunVerdicts, Verdict},
};
use rigtone_record::{read_environment, read_events, read_plan, read_verdicts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::CertificateError;

/// What a certificate is about: a device at a firmware.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Subject {
    /// The device, such as `sony/srs-xb33`.
    pub device: String,
    /// The firmware that its unit ran.
    pub firmware: String,
    /// The suite, by the name that its maker gives it.
    pub suite: String,
    /// The scenarios of the suite with the SHA-256 of their files, in the order of their names.
    pub scenarios: BTreeMap<String, String>,
}

/// What keeps a run from certifying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// No real device was there.
    NotReal(RigKind),
    /// The run did not come to its end.
    NotEnded,
    /// It was merged from other runs.
    Merged,
    /// Some combinations of the subject were not run, or were not passed.
    NotPassed {
        /// The combination.
        combination: String,
        /// Its verdict.
        verdict: String,
    },
    /// The subject takes part in nothing of a scenario.
    NotTaken(String),
    /// A scenario is not the one of the suite.
    AnotherScenario(String),
    /// Nobody has verified that a unit ran the firmware.
    Unverified {
        /// The unit.
        unit: String,
        /// What is known.
        why: String,
    },
    /// A microphone's calibration had ended.
    Uncalibrated(String),
    /// Something is in quarantine.
    Quarantined,
    /// The verdicts are not what the record says under the rules of its plan.
    JudgedOtherwise,
    /// A document is not what it was when the run began.
    Changed(String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReal(kind) => write!(f, "its rig is a {} one: nothing is proved of a real device", kind.word()),
            Self::NotEnded => f.write_str("it did not come to its end"),
            Self::Merged => f.write_str(
                "it was merged from other runs: run the suite for this device as a whole, so that one rig, at one time, answers for it",
            ),
            Self::NotPassed { combination, verdict } => write!(f, "`{combination}` is {verdict}, not passed"),
            Self::NotTaken(scenario) => write!(f, "no combination of `{scenario}` has this device at this firmware"),
            Self::AnotherScenario(scenario) => {
                write!(f, "`{scenario}` was run in another form than the suite has it, or not at all")
            }
            Self::Unverified { unit, why } => write!(f, "the firmware of unit `{unit}` was not verified: {why}"),
            Self::Uncalibrated(microphone) => write!(f, "the calibration of microphone `{microphone}` had ended"),
            Self::Quarantined => f.write_str("it has a quarantine, in which failures decide nothing"),
            Self::JudgedOtherwise => f.write_str(
                "its verdicts are not those of its record under its plan: it was judged with other limits, or changed",
            ),
            Self::Changed(document) => write!(f, "`{document}` has changed since it began, or is gone"),
        }
    }
}

/// A run, read whole, but for its events.
pub(crate) struct Material {
    pub(crate) run: String,
    pub(crate) unix_s: i64,
    pub(crate) plan: RunPlan,
    /// As its record says under its plan.
    pub(crate) verdicts: RunVerdicts,
    pub(crate) evidence_files: u64,
    pub(crate) evidence_bytes: u64,
    /// Its record tells of its end, and nothing broke it off.
    ended: bool,
    written: RunVerdicts,
    environment: Value,
    looks: BTreeMap<String, FirmwareLook>,
}

impl Material {
    /// Reads a run directory, or what a certificate holds of one.
    pub(crate) fn read(directory: &Path) -> Result<Self, CertificateError> {
        let plan: RunPlan = read_plan(directory)?;
        let written = read_verdicts(directory)?;
        let environment = read_environment(directory)?;
        let mut replay = Replay::new(&plan.plan, &plan.rules);
        let (mut looks, mut unix_s, mut ended) = (BTreeMap::new(), 0, false);
        let mut evidence = BTreeMap::new();
        let mut events = read_events(directory)?;
        for event in events.by_ref() {
            let event = event?;
            match &event.body {
                Body::RunStarted { unix_s: began, .. } => unix_s = *began,
                Body::RunFinished { interrupted, .. } => ended = interrupted.is_none(),
                Body::RunResumed { .. } => ended = false,
                Body::Evidence { file, bytes, .. } => {
                    evidence.insert(file.clone(), *bytes);
                }
                Body::EvidenceRemoved { file, .. } => {
                    evidence.remove(file);
                }
                // One that found another firmware stays, whatever is seen later.
                Body::FirmwareLooked(look) => {
                    let known: &mut FirmwareLook = looks.entry(look.unit.clone()).or_insert_with(|| look.clone());
                    if known.fault().is_none() {
                        *known = look.clone();
                    }
                }
                _ => {}
            }
            replay.take(event);
        }
        let run = events.run().unwrap_or(&written.run).to_owned();
        let mut verdicts = replay.verdicts(&run);
        plan.put_in_quarantine(&mut verdicts);
        Ok(Self {
            run,
            unix_s,
            verdicts,
            evidence_files: evidence.len() as u64,
            evidence_bytes: evidence.values().sum(),
            ended,
            written,
            environment,
            looks,
            plan,
        })
    }

    /// The combinations in which the subject takes part, with their verdicts.
    pub(crate) fn of(
        &self,
        subject: &Subject,
    ) -> impl Iterator<Item = (&Combination, &rigtone_model::verdict::CombinationVerdict)> {
        let planned =
            self.plan.plan.combinations.iter().filter(|combination| units_of(combination, subject).next().is_some());
        planned.filter_map(|planned| Some((planned, self.verdicts.combinations.iter().find(|c| c.id == planned.id)?)))
    }

    /// What keeps it from certifying.
    pub(crate) fn obstacles(&self, subject: &Subject) -> Vec<Obstacle> {
        let mut found = Vec::new();
        let kind = RigKind::of(Some(&self.environment), &self.plan.plan.combinations);
        if kind != RigKind::Hardware {
            found.push(Obstacle::NotReal(kind));
        }
        if !self.ended || self.verdicts.interrupted.is_some() {
            found.push(Obstacle::NotEnded);
        }
        if self.environment["merged"].is_array() {
            found.push(Obstacle::Merged);
        }
        if self.written != self.verdicts {
            found.push(Obstacle::JudgedOtherwise);
        }
        if !self.plan.quarantine.is_empty() {
            found.push(Obstacle::Quarantined);
        }
        for (scenario, hash) in &subject.scenarios {
            let planned = self.plan.plan.scenarios.iter().find(|planned| planned.document.scenario == *scenario);
            if planned.is_none_or(|planned| planned.hash != *hash) {
                found.push(Obstacle::AnotherScenario(scenario.clone()));
            } else if !self.of(subject).any(|(planned, _)| *planned.scenario == **scenario) {
                found.push(Obstacle::NotTaken(scenario.clone()));
            }
        }
        let mut units = BTreeMap::new();
        for (planned, verdict) in
            self.of(subject).filter(|(planned, _)| subject.scenarios.contains_key(&*planned.scenario))
        {
            if verdict.verdict != Verdict::Pass {
                let why = match &verdict.verdict {
                    Verdict::Skipped(reason) => format!("skipped ({reason})"),
                    other => other.word().to_owned(),
                };
                found.push(Obstacle::NotPassed { combination: planned.id.to_string(), verdict: why });
            }
            units.extend(units_of(planned, subject).map(|unit| (unit.to_owned(), ())));
        }
        found.extend(units.into_keys().filter_map(|unit| self.unverified(unit)));
        found.extend(self.uncalibrated());
        found
    }

    fn unverified(&self, unit: String) -> Option<Obstacle> {
        let why = match self.looks.get(&unit) {
            None => "nobody looked at it".to_owned(),
            Some(look) => match look.fault() {
                Some(fault) => fault.what,
                None if look.source == FirmwareSource::Declared => "it is a person's word alone".to_owned(),
                None => return None,
            },
        };
        Some(Obstacle::Unverified { unit, why })
    }

    fn uncalibrated(&self) -> impl Iterator<Item = Obstacle> {
        let calibration = &self.environment["calibration"];
        let in_use = calibration["in-use"].as_array().into_iter().flatten().filter_map(Value::as_str);
        in_use
            .filter(|name| {
                let worth = &calibration["microphones"][name]["worth"];
                // A figure of the rig's own document has no end.
                !worth.is_null() && worth != "holds" && worth.get("ends").is_none()
            })
            .map(|name| Obstacle::Uncalibrated(name.to_owned()))
    }
}

/// The units of a combination that are the subject.
fn units_of<'a>(combination: &'a Combination, subject: &'a Subject) -> impl Iterator<Item = &'a str> {
    combination.axes.iter().filter_map(|(_, value)| match value {
        AxisValue::Unit { name, device, firmware }
            if **device == *subject.device && **firmware == *subject.firmware =>
        {
            Some(&**name)
        }
        _ => None,
    })
}
