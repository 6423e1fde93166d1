//! Suites: which scenarios are run together, and what of a matrix is known to have no device.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Selector;

/// Scenarios that are run together for a purpose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Suite {
    /// The id: lower case words joined by `-`, the same as its file name.
    #[schemars(regex(pattern = r"^[a-z0-9]+(-[a-z0-9]+)*$"), extend("examples" = ["nightly"]))]
    pub suite: String,
    /// One sentence that says what it answers.
    #[schemars(length(min = 1))]
    pub title: String,
    /// When to run it, how long it takes, and what it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub purpose: Option<String>,
    /// What is run. A plan and its reports have the scenarios in this order; when which trial runs is the scheduler's to decide.
    #[schemars(length(min = 1))]
    pub scenarios: Vec<Chosen>,
    /// Combinations that somebody speaks of and no device is known for: plans and reports show them as skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placeholders: Vec<Placeholder>,
}

/// Scenarios of a suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Chosen {
    /// A scenario's file, or a folder of them, from the folder in which `suites/` lies.
    #[schemars(length(min = 1), extend("examples" = ["scenarios/starter"]))]
    pub path: String,
    /// Only combinations that match, as `--select` takes them, such as `codec=sbc`; several must all match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<Selector>,
}

/// Combinations of a scenario for which there is no device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Placeholder {
    /// The scenario, by its id.
    #[schemars(length(min = 1))]
    pub scenario: String,
    /// What would stand on axes of units; each of one with each of the others is a combination.
    #[schemars(extend("minProperties" = 1))]
    pub axes: IndexMap<String, Absent>,
    /// Why there is none.
    #[schemars(length(min = 1))]
    pub reason: String,
}

/// Devices that would stand on an axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Absent {
    /// The devices, such as `placeholder/brand-7`.
    #[schemars(length(min = 1))]
    pub devices: Vec<String>,
    /// The firmware versions, each of them for each of the devices; whatever they run when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firmware: Vec<String>,
}

impl Suite {
    /// The folder from which a suite in this file names its scenarios: the one in which `suites/` lies, else that of the file.
    pub fn root(file: &Path) -> PathBuf {
        let folder = file.parent().unwrap_or(Path::new(""));
        match folder.file_name() {
            Some(name) if name == "suites" => folder.parent().unwrap_or(Path::new("")).to_owned(),
            _ => folder.to_owned(),
        }
    }

    /// The files and folders of its scenarios, in its order.
    pub fn paths(&self, file: &Path) -> Vec<PathBuf> {
        let root = Self::root(file);
        self.scenarios.iter().map(|chosen| root.join(&chosen.path)).collect()
    }
}
