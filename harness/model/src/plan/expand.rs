//! From documents to combinations.

use std::{collections::BTreeSet, sync::Arc};

use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{
    AxisValue, Bindings, Capability, Combination, PlannedScenario,
    bindings::BindingError,
    candidate::{Candidate, candidates, fits_device},
    estimate, obstacles,
    point::{Point, unit_on},
    resources::{self, nearest},
};
use crate::{
    document::{Axis, Device, Expectation, Rig, Scenario, UnitChoice},
    id::CombinationId,
    quantity::Duration,
};

/// A plan that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// No device that is known, on whatever rig, fits an axis.
    #[error("scenario `{scenario}`: no known device fits the axis `{axis}`; add a device or widen the axis")]
    NoDevice {
        /// The scenario.
        scenario: String,
        /// The axis.
        axis: String,
    },
    /// A parameter stands for nothing.
    #[error("scenario `{scenario}`: {source}")]
    Binding {
        /// The scenario.
        scenario: String,
        /// What is wrong.
        source: BindingError,
    },
    /// More combinations than anybody can want.
    #[error("scenario `{scenario}` has more than {limit} combinations; narrow its matrix")]
    TooMany {
        /// The scenario.
        scenario: String,
        /// The limit.
        limit: usize,
    },
}

/// The most combinations of one scenario.
const MOST_COMBINATIONS: usize = 1_000_000;

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct Expansion<'a> {
    /// The rig.
    pub rig: &'a Rig,
    /// Every known device, by id.
    pub devices: &'a IndexMap<String, Device>,
    /// How long a stimulus lasts, by name.
    pub signal_length: &'a SignalLength,
}

/// How long a stimulus lasts, by name.
pub type SignalLength = dyn Fn(&str) -> Option<Duration>;

impl std::fmt::Debug for Expansion<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expansion").field("rig", &self.rig.rig).finish_non_exhaustive()
    }
}

/// The combinations of a scenario, in the order of its matrix; its conditions are innermost.
///
/// A combination that this rig cannot do is there too, with the reason why it is skipped.
///
/// # Errors
/// When no known device fits an axis, or a parameter stands for nothing.
pub fn expand(planned: &PlannedScenario, from: &Expansion<'_>) -> Result<Vec<Combination>, PlanError> {
    let scenario = &planned.document;
    let candidates = candidates(from);
    let scenario_name: Arc<str> = scenario.scenario.as_str().into();
    let meaning = Sha256::new_with_prefix(meaning_of(scenario));

    let mut names: Vec<Arc<str>> = Vec::new();
    let mut choices: Vec<Vec<Choice<'_>>> = Vec::new();
    for (axis, spec) in &scenario.matrix {
        let choice: Vec<Choice<'_>> = match spec {
            Axis::Values(values) => values.iter().map(|v| Choice::Value(v.as_str().into())).collect(),
            Axis::Units(wanted) => {
                if !from.devices.values().any(|d| fits_device(wanted, d)) {
                    return Err(PlanError::NoDevice { scenario: scenario.scenario.clone(), axis: axis.clone() });
                }
                candidates.iter().filter(|c| c.fits(wanted)).map(Choice::Unit).collect()
            }
            Axis::Microphone(choice) => vec![Choice::MicrophoneNear(choice.near.as_str())],
        };
        if choice.is_empty() {
            let mut reason = format!("no unit of the rig `{}` fits the axis `{axis}`", from.rig.rig);
            if let Axis::Units(UnitChoice { role: Some(role), .. }) = spec
                && !candidates.iter().any(|candidate| candidate.device.roles.contains(role))
            {
                reason += &format!(": no device of a unit there has the role {role}");
            }
            return Ok(vec![placeholder(&scenario_name, meaning, &reason)]);
        }
        names.push(axis.as_str().into());
        choices.push(choice);
    }
    if choices.iter().try_fold(1_usize, |n, c| n.checked_mul(c.len())).is_none_or(|n| n > MOST_COMBINATIONS) {
        return Err(PlanError::TooMany { scenario: scenario.scenario.clone(), limit: MOST_COMBINATIONS });
    }

    let compared: BTreeSet<&str> = scenario.expect.iter().filter_map(|e| compared(scenario, e.expectation())).collect();
    let shape = Shape { scenario, scenario_name: &scenario_name, names: &names, compared, meaning: &meaning, from };
    let conditions: Vec<Option<&str>> = if scenario.conditions.is_empty() {
        vec![None]
    } else {
        scenario.conditions.keys().map(|c| Some(c.as_str())).collect()
    };
    let needs: Vec<Result<Vec<(&str, Capability)>, String>> =
        conditions.iter().map(|c| obstacles::needs(scenario, *c)).collect();
    let mut combinations = Vec::new();
    let mut odometer = vec![0_usize; choices.len()];
    loop {
        let point: Vec<&Choice<'_>> = odometer.iter().zip(&choices).map(|(&i, c)| &c[i]).collect();
        if shape.sensible(&point) {
            for (condition, needs) in conditions.iter().zip(&needs) {
                combinations.push(shape.combination(&point, *condition, needs)?);
            }
        }
        // The last axis turns fastest.
        let Some(turn) = (0..choices.len()).rev().find(|&i| odometer[i] + 1 < choices[i].len()) else { break };
        odometer[turn] += 1;
        odometer[turn + 1..].fill(0);
    }
    if combinations.is_empty() {
        let reason = format!("no two units of the rig `{}` fit the matrix together", from.rig.rig);
        combinations.push(placeholder(&scenario_name, meaning, &reason));
    }
    Ok(combinations)
}

/// A point's place on one axis.
enum Choice<'a> {
    Unit(&'a Candidate<'a>),
    MicrophoneNear(&'a str),
    Value(Arc<str>),
}

/// Stands for a scenario that has no combination on this rig, so that it is seen to be skipped.
fn placeholder(scenario: &Arc<str>, meaning: Sha256, reason: &str) -> Combination {
    let hash: [u8; 32] = meaning.finalize().into();
    Combination {
        id: CombinationId::new(scenario, std::iter::empty(), &hash),
        scenario: scenario.clone(),
        axes: Vec::new(),
        condition: None,
        group: group(&hash),
        resources: Arc::from([]),
        relies_on: Arc::from([]),
        trial_ns: 0,
        skipped: Some(reason.into()),
    }
}

pub(super) fn group(hash: &[u8; 32]) -> u64 {
    u64::from_le_bytes(hash[..8].try_into().expect("eight of 32 bytes"))
}

/// The bytes that give a scenario its meaning: what is done. Titles, limits and the number of trials may change
/// without making it another scenario.
pub(super) fn meaning_of(scenario: &Scenario) -> Vec<u8> {
    let parts = (&scenario.scenario, &scenario.setup, &scenario.trial, &scenario.cleanup);
    serde_json::to_vec(&parts).expect("steps are plain data")
}

/// The axis whose values a difference is between; none where it is between conditions.
fn compared<'a>(scenario: &'a Scenario, expectation: Expectation<'a>) -> Option<&'a str> {
    match expectation {
        Expectation::Difference(difference) => difference.axis(scenario),
        _ => None,
    }
}

/// What all combinations of a scenario share.
struct Shape<'a> {
    scenario: &'a Scenario,
    scenario_name: &'a Arc<str>,
    names: &'a [Arc<str>],
    /// Axes whose values are compared with each other: combinations that differ in them alone are one group.
    compared: BTreeSet<&'a str>,
    meaning: &'a Sha256,
    from: &'a Expansion<'a>,
}

impl Shape<'_> {
    /// No unit stands on two axes at once, unless the author wants it so by naming it on both.
    fn sensible(&self, point: &[&Choice<'_>]) -> bool {
        let mut seen = BTreeSet::new();
        point.iter().all(|choice| match choice {
            Choice::Unit(candidate) => seen.insert(&candidate.resource),
            _ => true,
        })
    }

    fn combination<'a>(
        &'a self,
        choices: &[&'a Choice<'a>],
        condition: Option<&'a str>,
        needs: &'a Result<Vec<(&'a str, Capability)>, String>,
    ) -> Result<Combination, PlanError> {
        let stands = |(name, choice): (&'a Arc<str>, &&'a Choice<'a>)| match choice {
            Choice::Unit(candidate) => Some((&**name, *candidate)),
            _ => None,
        };
        let units: Vec<(&str, &Candidate<'_>)> = self.names.iter().zip(choices).filter_map(stands).collect();
        let mut skipped: Option<String> = needs.as_ref().err().cloned();
        let mut axes: Vec<(Arc<str>, AxisValue)> = Vec::with_capacity(choices.len());
        for (name, choice) in self.names.iter().zip(choices) {
            let value = match choice {
                Choice::Unit(candidate) => candidate.value.clone(),
                Choice::Value(value) => AxisValue::Value(value.clone()),
                Choice::MicrophoneNear(axis) => match unit_on(&units, axis).and_then(|c| nearest(c.unit)) {
                    Some(microphone) => AxisValue::Microphone(microphone.as_str().into()),
                    None => {
                        skipped.get_or_insert_with(|| format!("no microphone hears the unit on the axis `{axis}`"));
                        AxisValue::Microphone("none".into())
                    }
                },
            };
            axes.push((name.clone(), value));
        }
        axes.sort_by(|a, b| a.0.cmp(&b.0));

        let parameters = condition.and_then(|c| self.scenario.conditions.get(c));
        let point = Point {
            scenario: self.scenario,
            condition,
            rig: self.from.rig,
            signal_length: self.from.signal_length,
            bindings: Bindings::new(&axes, parameters),
            needs: needs.as_deref().unwrap_or_default(),
            units: &units,
        };
        let binding = |source| PlanError::Binding { scenario: self.scenario.scenario.clone(), source };
        if skipped.is_none() {
            skipped = obstacles::first(&point).map_err(binding)?;
        }
        let (resources, relies_on) = (resources::own(&point), resources::shared(&point).map_err(binding)?);
        let trial_ns = estimate::trial_ns(&point).map_err(binding)?;

        let mut meaning = self.meaning.clone();
        for (name, value) in &axes {
            meaning.update(name.as_bytes());
            match value {
                AxisValue::Unit { device, firmware, .. } => {
                    meaning.update(device.as_bytes());
                    meaning.update([0]);
                    meaning.update(firmware.as_bytes());
                }
                AxisValue::Value(text) => meaning.update(text.as_bytes()),
                // A microphone is part of the rig, not of what is tested.
                AxisValue::Microphone(_) => {}
            }
            meaning.update([0]);
        }
        // Two units of one device and firmware mean the same, but are no comparison group.
        let mut group_hash = self.meaning.clone();
        for (name, value) in axes.iter().filter(|(name, _)| !self.compared.contains(&**name)) {
            group_hash.update(name.as_bytes());
            group_hash.update(value.text().as_bytes());
            if let AxisValue::Unit { device, firmware, .. } = value {
                group_hash.update(device.as_bytes());
                group_hash.update([0]);
                group_hash.update(firmware.as_bytes());
            }
            group_hash.update([0]);
        }
        if let Some(condition) = condition {
            meaning.update(condition.as_bytes());
            meaning.update(serde_json::to_vec(&parameters).expect("parameters are plain text"));
        }
        let pairs = axes.iter().map(|(n, v)| (&**n, v.text())).chain(condition.map(|c| ("condition", c)));
        let id = CombinationId::new(self.scenario_name, pairs, &meaning.finalize().into());
        Ok(Combination {
            id,
            scenario: self.scenario_name.clone(),
            axes,
            condition: condition.map(Into::into),
            group: group(&group_hash.finalize().into()),
            resources,
            relies_on,
            trial_ns,
            skipped: skipped.map(Into::into),
        })
    }
}
