//! How far the facts of a device are to be trusted, and who says them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::Mark;

/// How far a fact is to be trusted, and who says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fact {
    /// How far it is to be trusted.
    pub mark: Mark,
    /// Who says it: names of `sources`, and claims such as `claim/aac-gate`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// The day on which somebody saw it, in UTC, such as `2026-11-01`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), extend("examples" = ["2026-11-01"]))]
    pub on: Option<String>,
    /// What else is to be said of it, such as who says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub note: Option<String>,
}

/// Something that a device does and that no other key has a word for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Quirk {
    /// What it does, in a sentence.
    #[schemars(length(min = 1))]
    pub says: String,
    /// How far that is to be trusted.
    pub mark: Mark,
    /// Who says it: names of `sources`, and claims such as `claim/aac-gate`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// The day on which somebody saw it, in UTC, such as `2026-11-01`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), extend("examples" = ["2026-11-01"]))]
    pub on: Option<String>,
}
