//! Writing a run.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use rigtone_model::{
    event::Event,
    id::{CombinationId, sha256_hex},
    verdict::RunVerdicts,
};
use serde::Serialize;

use crate::{
    atomic::{replace, sync_directory},
    error::{EvidenceError, RecordError},
    layout::{ENVIRONMENT, EVENTS, EVIDENCE, PLAN, VERDICTS, evidence_path},
    log::EventLog,
};

/// Evidence files that may wait for the next sync; more are synced on the way, so that few files stay open.
const UNSYNCED: usize = 64;

/// A piece of evidence as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its path below the run directory.
    pub file: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// The run directory of a run that is going on.
#[derive(Debug)]
pub struct RunWriter {
    directory: PathBuf,
    run: String,
    log: EventLog,
    unsynced: Vec<File>,
}

impl RunWriter {
    /// Makes the directory, which must be new or empty, with its event log and its evidence folder: what cannot be
    /// written fails here and not after the first night.
    ///
    /// # Errors
    /// When the directory holds something already, or cannot be written to.
    pub fn create(directory: &Path, run: &str) -> Result<Self, RecordError> {
        let io = |attempted, path: &Path| {
            let path = path.to_owned();
            move |os| RecordError::Io { attempted, path, os }
        };
        fs::create_dir_all(directory).map_err(io("create the run directory", directory))?;
        if fs::read_dir(directory).map_err(io("list", directory))?.next().is_some() {
            return Err(RecordError::NotEmpty { path: directory.to_owned() });
        }
        let evidence = directory.join(EVIDENCE);
        fs::create_dir(&evidence).map_err(io("create", &evidence))?;
        let log = EventLog::create(&directory.join(EVENTS))?;
        sync_directory(directory)?;
        Ok(Self { directory: directory.to_owned(), run: run.to_owned(), log, unsynced: Vec::new() })
    }

    /// The run directory.
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// The run's id.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Writes `plan.json`, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_plan(&self, plan: &impl Serialize) -> Result<(), RecordError> {
        write_json(&self.directory.join(PLAN), plan)
    }

    /// Writes `environment.json`, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_environment(&self, environment: &impl Serialize) -> Result<(), RecordError> {
        write_json(&self.directory.join(ENVIRONMENT), environment)
    }

    /// Writes `verdicts.json`, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_verdicts(&self, verdicts: &RunVerdicts) -> Result<(), RecordError> {
        write_verdicts(&self.directory, verdicts)
    }

    /// Appends an event to the log. It survives the end of this program at once, and a loss of power from the next
    /// [`sync`](Self::sync) on.
    ///
    /// # Errors
    /// When the log takes no more; it stays given up after that.
    pub fn append(&mut self, event: &Event) -> Result<(), RecordError> {
        self.log.append(&self.run, event)
    }

    /// Makes everything so far survive a loss of power: first the evidence, then the log that names it.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn sync(&mut self) -> Result<(), RecordError> {
        for file in self.unsynced.drain(..) {
            file.sync_data().map_err(|os| RecordError::Io {
                attempted: "sync the evidence in",
                path: self.directory.join(EVIDENCE),
                os,
            })?;
        }
        self.log.sync()
    }

    /// Stores a piece of evidence.
    ///
    /// # Errors
    /// When it cannot be written, or is there already.
    pub fn evidence(
        &mut self,
        combination: &CombinationId,
        trial: u32,
        attempt: u32,
        name: &str,
        bytes: &[u8],
    ) -> Result<Stored, EvidenceError> {
        let file = evidence_path(combination, trial, attempt, name);
        let path = self.directory.join(&file);
        let io = |attempted, path: &Path| {
            let path = path.to_owned();
            move |os| EvidenceError::Io { attempted, path, os }
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io("create the folder of", folder))?;
        }
        let mut handle = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(EvidenceError::Exists { path }),
            other => other.map_err(io("create", &path))?,
        };
        handle.write_all(bytes).map_err(io("write", &path))?;
        if self.unsynced.len() >= UNSYNCED {
            for file in self.unsynced.drain(..) {
                file.sync_data().map_err(io("sync", &path))?;
            }
        }
        self.unsynced.push(handle);
        Ok(Stored { file, sha256: sha256_hex(bytes) })
    }
}

/// Writes `verdicts.json` of a run that has ended, whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn write_verdicts(directory: &Path, verdicts: &RunVerdicts) -> Result<(), RecordError> {
    write_json(&directory.join(VERDICTS), verdicts)
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RecordError> {
    replace(path, |w| {
        serde_json::to_writer_pretty(&mut *w, value)?;
        w.write_all(b"\n")
    })
}
