//! Finding run directories.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use rigtone_record::{EVENTS, PLAN, VERDICTS};

use crate::error::{IndexError, TakeError};

/// How many folders deep runs are looked for below a folder that was named: `runs/lab/2026/RUN`.
const DEEPEST: usize = 3;

/// Run directories below what was named, and what there is beside them.
#[derive(Debug, Default)]
pub struct Found {
    /// The run directories with real paths, each once, in the order of their paths.
    pub runs: BTreeSet<PathBuf>,
    /// What is no run, and why.
    pub skipped: Vec<(PathBuf, TakeError)>,
}

/// Looks for run directories: a path is one, or a folder of some.
///
/// # Errors
/// When a path that was named cannot be looked into.
pub fn find(paths: &[PathBuf]) -> Result<Found, IndexError> {
    let mut walk = Walk::default();
    for path in paths {
        let real = fs::canonicalize(path).and_then(|real| fs::read_dir(&real).map(|_| real));
        let real = real.map_err(|os| IndexError::Io { attempted: "look for runs in", path: path.clone(), os })?;
        walk.look(&real, 0);
    }
    let Walk { mut found, walked, stopped } = walk;
    // A link may lead back to a folder that was looked into from elsewhere.
    let deeper = stopped.difference(&walked).map(|folder| (folder.clone(), TakeError::Deeper { folders: DEEPEST }));
    found.skipped.extend(deeper);
    found.skipped.sort_by(|a, b| a.0.cmp(&b.0));
    found.skipped.dedup_by(|a, b| a.0 == b.0);
    Ok(found)
}

/// A walk through folders.
#[derive(Default)]
struct Walk {
    found: Found,
    /// Folders whose folders were looked into.
    walked: BTreeSet<PathBuf>,
    /// Folders whose folders were not, for they lie too deep.
    stopped: BTreeSet<PathBuf>,
}

impl Walk {
    /// Whether there was a run, something like one, or more than is looked into, in a directory or below it.
    fn look(&mut self, directory: &Path, depth: usize) -> bool {
        if directory.join(PLAN).symlink_metadata().is_ok() {
            self.found.runs.insert(directory.to_owned());
            return true;
        }
        if [EVENTS, VERDICTS].iter().any(|name| directory.join(name).is_file()) {
            self.skip(directory, TakeError::NoPlan);
            return true;
        }
        let below = match folders(directory) {
            Ok(below) => below,
            Err(os) => {
                self.skip(directory, TakeError::Io(os));
                return true;
            }
        };
        if depth == DEEPEST && !below.is_empty() {
            self.stopped.insert(directory.to_owned());
            return true;
        }
        self.walked.insert(directory.to_owned());
        let mut any = false;
        for folder in below {
            any |= self.look(&folder, depth + 1);
        }
        if !any && depth == 1 {
            self.skip(directory, TakeError::NoRun);
        }
        any
    }

    fn skip(&mut self, directory: &Path, why: TakeError) {
        self.found.skipped.push((directory.to_owned(), why));
    }
}

/// The folders in a directory, hidden ones left out; links are followed to where they lead, so that no run is counted twice.
fn folders(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let kind = entry.file_type()?;
        if hidden || !(kind.is_dir() || kind.is_symlink()) {
            continue;
        }
        // A link that leads nowhere is nothing to look into.
        let path = if kind.is_symlink() { fs::canonicalize(entry.path()).ok() } else { Some(entry.path()) };
        folders.extend(path.filter(|path| path.is_dir()));
    }
    folders.sort();
    Ok(folders)
}
