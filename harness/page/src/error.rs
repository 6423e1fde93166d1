//! Why there is no page.

use std::path::PathBuf;

use rigtone_record::ReadError;
use thiserror::Error;

/// There is nothing to make a page of.
#[derive(Debug, Error)]
pub enum PageError {
    /// Neither a plan nor a log.
    #[error("`{}` is no run directory: {plan}; {log}", directory.display())]
    NoRun {
        /// The directory.
        directory: PathBuf,
        /// Why there is no plan.
        plan: Box<ReadError>,
        /// Why there is no log.
        log: Box<ReadError>,
    },
}

impl PageError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoRun { .. } => "name the directory of a run: it holds `plan.json` and `events.jsonl`",
        }
    }
}
