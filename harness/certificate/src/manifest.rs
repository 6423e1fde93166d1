//! What a certificate says, and of which files it consists.

use rigtone_model::{
    id::CombinationId,
    verdict::{ExpectationVerdict, Verdict},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::conditions::Subject;

/// The version of certificates this build writes: `major.minor`.
pub(crate) const SCHEMA: &str = "1.0";

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format: `major.minor`.
    pub schema: String,
    /// Whether it certifies, or tries out how that goes.
    pub mode: Mode,
    /// What it is about.
    pub subject: Subject,
    /// When it was made, in seconds since 1970.
    pub made_unix_s: i64,
    /// The version of Rigtone that made it.
    pub rigtone: String,
    /// The name of the key that signs it.
    pub key_name: String,
    /// That key, in hexadecimal: Ed25519.
    pub key: String,
    /// The run.
    pub run: String,
    /// The rig.
    pub rig: String,
    /// When the run began, in seconds since 1970.
    pub run_unix_s: i64,
    /// What was found of each combination in which the subject takes part.
    pub combinations: Vec<CertifiedCombination>,
    /// How many files of evidence the record names, each with its hash.
    pub evidence_files: u64,
    /// What they hold together, in bytes.
    pub evidence_bytes: u64,
    /// What keeps it from certifying, in words; empty unless it is a trial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<String>,
    /// The files, in the order of their names.
    pub parts: Vec<Part>,
}

/// Whether a certificate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It counts.
    Certificate,
    /// It shows how a certificate is made, and says nothing of a device.
    Trial,
}

/// What was found of a combination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CertifiedCombination {
    /// Its id.
    pub id: String,
    /// The scenario.
    pub scenario: String,
    /// `pass`, or another verdict in a trial.
    pub verdict: String,
    /// Trials that gave a result.
    pub trials: u32,
    /// What was seen of each expectation, with unit, n and interval.
    pub seen: Vec<String>,
}

impl CertifiedCombination {
    pub(crate) fn of(
        id: &CombinationId,
        scenario: &str,
        verdict: &Verdict,
        trials: u32,
        of: &[ExpectationVerdict],
    ) -> Self {
        let seen = of.iter().map(|e| format!("{}: {} ({})", e.expected, e.seen, e.verdict)).collect();
        Self { id: id.to_string(), scenario: scenario.to_owned(), verdict: verdict.word().to_owned(), trials, seen }
    }
}

/// A file of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Part {
    /// Its path in the folder.
    pub path: String,
    /// How long it is.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// The signature of the bytes of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Signature {
    /// Version of this format: `major.minor`.
    pub schema: String,
    /// `ed25519`.
    pub algorithm: String,
    /// The key that it is checked with, in hexadecimal.
    pub key: String,
    /// The signature, in hexadecimal.
    pub signature: String,
}

/// The one way in which both are written: another one is a change.
pub(crate) fn text(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("text and numbers have a form in JSON") + "\n"
}

/// The JSON Schema of a manifest.
pub fn schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    rigtone_model::schema::sorted(settings.into_generator().into_root_schema_for::<Manifest>().to_value())
}
