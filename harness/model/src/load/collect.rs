//! Faults of many files, as many as anyone reads.

use std::path::{Path, PathBuf};

use super::budget;
use crate::diagnostic::{Code, Diagnostic, sort};

/// Faults file by file. What is left out is counted, so that nobody takes what is shown for all there is.
#[derive(Default)]
pub(crate) struct Collected {
    faults: Vec<Diagnostic>,
    /// The first file of which nothing is shown, and how many there are.
    silent: Option<(PathBuf, usize)>,
}

impl Collected {
    /// Whether no more faults are kept: looking for them is then work for nothing.
    pub(crate) fn is_full(&self) -> bool {
        self.faults.len() >= budget::ALL_FAULTS
    }

    /// Adds the faults of a file: the first ones, if there are more than anyone reads.
    pub(crate) fn add(&mut self, path: &Path, mut faults: Vec<Diagnostic>) {
        if faults.is_empty() {
            return;
        }
        if self.is_full() {
            self.silent.get_or_insert_with(|| (path.to_owned(), 0)).1 += 1;
            return;
        }
        sort(&mut faults);
        if faults.len() > budget::FAULTS {
            faults.truncate(budget::FAULTS);
            let message = format!("the file has more than {} faults; the rest is not shown", budget::FAULTS);
            faults.push(Diagnostic::of_file(Code::TooManyFaults, path, message));
        }
        self.faults.append(&mut faults);
    }

    /// All that is shown, in the order of files and lines.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        if let Some((path, files)) = self.silent {
            let message = format!("this file and {} more have faults, too, which are not shown", files - 1);
            let fault = Diagnostic::of_file(Code::TooManyFaults, path, message);
            self.faults.push(fault.suggest("mend those that are shown, and check again"));
        }
        sort(&mut self.faults);
        self.faults
    }
}
