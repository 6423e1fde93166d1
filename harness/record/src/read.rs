//! Reading the documents of a run back.

use std::path::{Path, PathBuf};

use rigtone_model::{plan::Plan, verdict::RunVerdicts};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    error::ReadError,
    layout::{ENVIRONMENT, PLAN, VERDICTS},
    open,
};

/// Reads `plan.json`: as the [`Plan`], or as JSON with all that a newer version wrote.
///
/// # Errors
/// When it is not there, not a plan, or of another major version.
pub fn read_plan<T: DeserializeOwned>(directory: &Path) -> Result<T, ReadError> {
    read_json(directory.join(PLAN), Some(Plan::SCHEMA))
}

/// Reads `verdicts.json`.
///
/// # Errors
/// When it is not there, not verdicts, or of another major version.
pub fn read_verdicts(directory: &Path) -> Result<RunVerdicts, ReadError> {
    read_json(directory.join(VERDICTS), Some(RunVerdicts::SCHEMA))
}

/// The version of `environment.json` that this build writes: `major.minor`.
const ENVIRONMENT_SCHEMA: &str = "1.0";

/// Reads `environment.json`.
///
/// # Errors
/// When it is not there, not JSON, or of another major version.
pub fn read_environment(directory: &Path) -> Result<serde_json::Value, ReadError> {
    let path = directory.join(ENVIRONMENT);
    let environment: serde_json::Value = read_json(path.clone(), None)?;
    // One that names no version is read as it is: nothing in it has to be there.
    match environment["schema"].as_str() {
        Some(found) if !is_of_major(found, ENVIRONMENT_SCHEMA) => {
            Err(ReadError::Schema { path, found: found.to_owned(), expected: ENVIRONMENT_SCHEMA })
        }
        _ => Ok(environment),
    }
}

/// Whether two versions have the same major one.
fn is_of_major(found: &str, expected: &str) -> bool {
    found.split('.').next() == expected.split('.').next()
}

/// The ids of the runs that a merged run was made of, of merged ones among them those of their parts, from its `environment.json`; none of a
/// run that was not merged.
pub fn merged_of(environment: &serde_json::Value) -> Vec<String> {
    let mut ids = Vec::new();
    for part in environment["merged"].as_array().into_iter().flatten() {
        ids.extend(part["environment"]["run"]["run"].as_str().map(str::to_owned));
        ids.extend(merged_of(&part["environment"]));
    }
    ids
}

pub(crate) fn read_json<T: DeserializeOwned>(path: PathBuf, schema: Option<&'static str>) -> Result<T, ReadError> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: String,
    }
    let text = match open::whole(&path) {
        Ok(text) => text,
        Err(os) => return Err(ReadError::Io { path, os }),
    };
    // The version comes first: a document of another one may fault in any way.
    if let Some(expected) = schema {
        let found = match serde_json::from_slice::<Versioned>(&text) {
            Ok(document) => document.schema,
            Err(cause) => return Err(ReadError::Json { path, cause }),
        };
        if !is_of_major(&found, expected) {
            return Err(ReadError::Schema { path, found, expected });
        }
    }
    serde_json::from_slice(&text).map_err(|cause| ReadError::Json { path, cause })
}
