//! `junit.xml`: the verdicts for GitLab, Jenkins and Buildkite.
//!
//! One suite per scenario. One case per combination and expectation, and one case `trials` per combination, which carries what
//! no expectation carries: that the rig lost the trials, that the combination was skipped, that the run was ended. Product
//! failure is `failure`; infrastructure error, inconclusive and aborted are `error` with that type; skipped is `skipped`.
//! What of the run is not there stands among the facts of the first case of each suite.
//! Names hold no measured value and do not depend on other combinations, so that readers follow a case from run to run.

mod cases;
mod rig;
mod text;
mod xml;

use std::io::{self, Write};

use rigtone_model::{inspection::Inspection, plan::Plan, verdict::RunVerdicts};
use thiserror::Error;

use crate::exit::InconclusivePolicy;

/// How the report is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// What inconclusive counts as.
    pub inconclusive: InconclusivePolicy,
    /// When the run began, in seconds since 1970.
    pub started_unix_s: i64,
    /// The run directory as the reader of the report knows it: the beginning of the paths of attachments.
    pub directory: Option<&'a str>,
    /// What of the run is not there, as sentences.
    pub missing: &'a [String],
}

/// The report cannot be written.
#[derive(Debug, Error)]
pub enum JunitError {
    /// Two cases of one name, of which readers would drop one.
    #[error("write JUnit: suite `{suite}` has two cases `{name}` of class `{classname}`")]
    Duplicate {
        /// The suite.
        suite: String,
        /// The class name.
        classname: String,
        /// The name.
        name: String,
    },
    /// The output takes no more.
    #[error("write JUnit: {0}")]
    Io(io::Error),
}

impl JunitError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "the verdicts name a combination twice: judge the run again",
            Self::Io(_) => "check the path and the disk, then run `rigtone report` again: the verdicts are safe",
        }
    }
}

/// Writes the report.
///
/// # Errors
/// When two cases have one name, or the output takes no more.
pub fn write(verdicts: &RunVerdicts, plan: &Plan, options: &Options<'_>, sink: impl Write) -> Result<(), JunitError> {
    xml::write(cases::suites(verdicts, plan, options)?, sink).map_err(JunitError::Io)
}

/// Writes what a look at a rig found, as one suite `rig`. Its readers see a rig that is not well as an error.
///
/// # Errors
/// When the output takes no more.
pub fn write_inspection(inspection: &Inspection, sink: impl Write) -> io::Result<()> {
    xml::write(vec![rig::suite(inspection)], sink)
}
