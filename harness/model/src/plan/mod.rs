//! Plans: what a run will do, written down before its first trial.

mod asked;
mod bindings;
mod candidate;
mod capability;
mod codecs;
mod estimate;
mod expand;
mod measured;
mod obstacles;
mod placeholder;
mod playing;
mod point;
mod resources;
mod roles;
mod select;
mod services;
mod settings;
mod voice;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use bindings::{BindingError, Bindings};
pub use capability::{Capabilities, Capability};
pub use expand::{Expansion, PlanError, SignalLength, expand};
pub use placeholder::placeholders;
pub use resources::capacity;
pub use select::{Partition, SelectError, Selector};

use crate::{document::Scenario, id::CombinationId};

/// What a run will do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this format: `major.minor`.
    pub schema: String,
    /// The rig's id.
    pub rig: String,
    /// SHA-256 of the rig's document.
    pub rig_hash: String,
    /// How often a trial that was lost to the rig is tried again.
    pub retries: u32,
    /// After how many trials in a row that were lost to one member of the rig it is not used any more.
    pub bench_after: u32,
    /// The scenarios, as documents: limits can be judged later without the files.
    pub scenarios: Vec<PlannedScenario>,
    /// The combinations, scenario by scenario, each in the order of its matrix.
    pub combinations: Vec<Combination>,
}

impl Plan {
    /// The version this build writes.
    pub const SCHEMA: &'static str = "1.0";

    /// The scenario of that id.
    pub fn scenario(&self, id: &str) -> Option<&Scenario> {
        self.scenarios.iter().map(|s| &s.document).find(|s| s.scenario == id)
    }
}

/// A scenario of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedScenario {
    /// The document.
    pub document: Scenario,
    /// SHA-256 of its file.
    pub hash: String,
}

/// One point of a scenario's matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Combination {
    /// Its id.
    pub id: CombinationId,
    /// The scenario.
    pub scenario: Arc<str>,
    /// Its axes by name, in alphabetical order.
    pub axes: Vec<(Arc<str>, AxisValue)>,
    /// The condition, in a scenario that compares some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Arc<str>>,
    /// The comparison group: the id without its condition, as a number. Groups are never split between partitions.
    pub group: u64,
    /// What a trial needs for itself, in alphabetical order: units, dongles, microphones, rooms, and the
    /// airtime of a room, which some trials share up to its [`capacity`].
    pub resources: Arc<[Arc<str>]>,
    /// What a trial needs beside, without having it for itself: relay boards, an encoder.
    #[serde(default)]
    pub relies_on: Arc<[Arc<str>]>,
    /// How long a trial is expected to take, in nanoseconds.
    pub trial_ns: i64,
    /// Why it is not run, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Arc<str>>,
}

/// Where a combination stands on an axis.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AxisValue {
    /// A unit of the rig.
    Unit {
        /// Its name.
        name: Arc<str>,
        /// Its device.
        device: Arc<str>,
        /// The firmware it runs.
        firmware: Arc<str>,
    },
    /// A microphone of the rig.
    Microphone(Arc<str>),
    /// A value.
    Value(Arc<str>),
}

impl AxisValue {
    /// As ids and tables show it.
    pub fn text(&self) -> &str {
        match self {
            Self::Unit { name, .. } => name,
            Self::Microphone(text) | Self::Value(text) => text,
        }
    }
}

impl Combination {
    /// The value on an axis.
    pub fn axis(&self, name: &str) -> Option<&AxisValue> {
        self.axes.iter().find(|(axis, _)| &**axis == name).map(|(_, value)| value)
    }
    /// Whether a trial needs a member of the rig, such as `relay board-1`.
    pub fn needs(&self, member: &str) -> bool {
        self.resources.iter().chain(self.relies_on.iter()).any(|needed| **needed == *member)
    }
    /// The unit on an axis.
    pub fn unit(&self, axis: &str) -> Option<&str> {
        match self.axis(axis) {
            Some(AxisValue::Unit { name, .. }) => Some(name),
            _ => None,
        }
    }
}
