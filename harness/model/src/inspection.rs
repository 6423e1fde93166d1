//! What a look at a rig found: every member, the firmware of its units, its outputs. The form of `rigtone rig check --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Opening the rig.
    Opening,
    /// A member: it answers and is the one expected.
    Member,
    /// The firmware of a unit.
    Firmware,
    /// An output, switched to and fro.
    Output,
    /// Leaving every output in its safe state.
    SafeState,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// Trials may rely on it.
    Ok,
    /// It is missing, and only what needs it cannot be done.
    Lacks,
    /// It was not looked at, for the reason that is told.
    Skipped,
    /// Trials that need it prove nothing.
    Fault,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Found {
    /// The member, such as `relay board-1`, or what an output is wired to, such as `power of speaker`.
    pub member: String,
    /// What was looked at.
    pub subject: Subject,
    /// How it is.
    pub health: Health,
    /// What was found, with what to do where something is wrong.
    pub what: String,
    /// From the order to the answer of an output, in nanoseconds: there and back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_ns: Option<[i64; 2]>,
}

/// What a look at a rig found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Inspection {
    /// Version of this form.
    pub schema: String,
    /// The rig.
    pub rig: String,
    /// When it began, in seconds since 1970.
    pub begun_unix_s: i64,
    /// How long it took on the rig's clock, in nanoseconds.
    pub took_ns: i64,
    /// What was found, in the order of looking.
    pub found: Vec<Found>,
    /// What a person should know before trials begin, one sentence each.
    pub warnings: Vec<String>,
}

impl Inspection {
    /// Version of the form that this Rigtone writes.
    pub const SCHEMA: &'static str = "1.0";

    /// Of a rig that nothing is known of yet.
    pub fn of(rig: &str, begun_unix_s: i64) -> Self {
        let (schema, rig) = (Self::SCHEMA.to_owned(), rig.to_owned());
        Self { schema, rig, begun_unix_s, took_ns: 0, found: Vec::new(), warnings: Vec::new() }
    }

    /// Whether trials may rely on the rig.
    pub fn is_healthy(&self) -> bool {
        self.found.iter().all(|found| found.health != Health::Fault)
    }

    /// The JSON Schema of this form.
    pub fn json_schema() -> serde_json::Value {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        crate::schema::sorted(settings.into_generator().into_root_schema_for::<Self>().to_value())
    }
}
