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
    let mut found = Found::default();
    for path in paths {
        let real = fs::canonicalize(path).and_then(|real| fs::read_dir(&real).map(|_| real));
        let real = real.map_err(|os| IndexError::Io { attempted: "look for runs in", path: path.clone(), os })?;
        look(&real, 0, &mut found);
    }
    found.skipped.sort_by(|a, b| a.0.cmp(&b.0));
    found.skipped.dedup_by(|a, b| a.0 == b.0);
    Ok(found)
}

/// Whether there was a run, or something like one, in a directory or below it.
fn look(directory: &Path, depth: usize, found: &mut Found) -> bool {
    if directory.join(PLAN).symlink_metadata().is_ok() {
        found.runs.insert(directory.to_owned());
        return true;
    }
    if [EVENTS, VERDICTS].iter().any(|name| directory.join(name).is_file()) {
        found.skipped.push((directory.to_owned(), TakeError::NoPlan));
        return true;
    }
    let below = match folders(directory) {
        Ok(below) => below,
        Err(os) => {
            found.skipped.push((directory.to_owned(), TakeError::Io(os)));
            return true;
        }
    };
    let mut any = false;
    if depth < DEEPEST {
        for folder in below {
            any |= look(&folder, depth + 1, found);
        }
    }
    if !any && depth == 1 {
        found.skipped.push((directory.to_owned(), TakeError::NoRun));
    }
    any
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
