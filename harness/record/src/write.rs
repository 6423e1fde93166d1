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
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use serde::Serialize;

use crate::{
    atomic::{replace, sync_directory},
    error::{EvidenceError, RecordError, ResumeError},
    events::read_events,
    evidence::is_evidence_path,
    layout::{ENVIRONMENT, EVENTS, EVIDENCE, PLAN, VERDICTS, evidence_folder, evidence_path},
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
    /// Held as long as the run is written, however the program ends.
    _claim: File,
    /// The run goes on: a crash may have left evidence of which the log knows nothing.
    resumed: bool,
}

/// What was found of a run that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The number of the event that is due.
    pub next: u64,
    /// Bytes of a last record that was cut off or damaged; they lie beside the log now.
    pub mended_bytes: u64,
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
        let claim = claim(directory)?;
        if fs::read_dir(directory).map_err(io("list", directory))?.next().is_some() {
            return Err(RecordError::NotEmpty { path: directory.to_owned() });
        }
        let evidence = directory.join(EVIDENCE);
        fs::create_dir(&evidence).map_err(io("create", &evidence))?;
        let events = directory.join(EVENTS);
        let made = EventLog::create(&events).and_then(|log| sync_directory(directory).map(|()| log));
        let log = made.inspect_err(|_| {
            // Whoever frees the disk finds the directory as empty as it was.
            let _ = fs::remove_file(&events);
            let _ = fs::remove_dir(&evidence);
        })?;
        Ok(Self {
            directory: directory.to_owned(),
            run: run.to_owned(),
            log,
            unsynced: Vec::new(),
            _claim: claim,
            resumed: false,
        })
    }

    /// Opens the directory of a run that was interrupted, to go on with it. Every event that was recorded goes through
    /// `visit`. A last record that was cut off or damaged is put aside; a log that is damaged before its end is
    /// refused. `run` is the id to go on with when nothing was recorded.
    ///
    /// # Errors
    /// When another process writes the run, it cannot be read, or cannot be written to.
    pub fn resume(directory: &Path, run: &str, mut visit: impl FnMut(&Event)) -> Result<(Self, Found), ResumeError> {
        let claim = claim(directory)?;
        let mut events = read_events(directory)?;
        let (mut good, mut next) = (0, 0);
        while let Some(event) = events.next() {
            match event {
                Ok(event) => {
                    visit(&event);
                    (good, next) = (events.offset(), events.due());
                }
                // Only the last record may be damaged: what follows would hang in the air.
                Err(fault) if fault.is_damage() && events.next().is_none() => break,
                Err(fault) => return Err(fault.into()),
            }
        }
        let path = directory.join(EVENTS);
        let size = fs::metadata(&path)
            .map_err(|os| RecordError::Io { attempted: "ask for the size of", path: path.clone(), os })?
            .len();
        let log = EventLog::reopen(&path, good, next, &directory.join(format!("damaged-{good}.bin")))?;
        let run = events.run().unwrap_or(run).to_owned();
        let writer =
            Self { directory: directory.to_owned(), run, log, unsynced: Vec::new(), _claim: claim, resumed: true };
        Ok((writer, Found { next, mended_bytes: size.saturating_sub(good) }))
    }

    /// Puts the evidence of an attempt aside that has no result and is made again; gives where it lies now, below the
    /// run directory, if there was any.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn put_aside(
        &self,
        combination: &CombinationId,
        trial: u32,
        attempt: u32,
    ) -> Result<Option<String>, RecordError> {
        let folder = evidence_folder(combination, trial, attempt);
        let from = self.directory.join(&folder);
        let to = free_name(&from);
        match fs::rename(&from, &to) {
            Ok(()) => {
                let name = to.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let folder = Path::new(&folder).with_file_name(name);
                Ok(Some(folder.to_string_lossy().into_owned()))
            }
            Err(os) if os.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(os) => Err(RecordError::Io { attempted: "put aside", path: from, os }),
        }
    }

    /// Removes a piece of evidence. The path is that of the log, which somebody may have changed: nothing outside of the run is touched.
    ///
    /// # Errors
    /// When it cannot be removed, or lies elsewhere; that it is not there is none.
    pub fn remove_evidence(&mut self, file: &str) -> Result<(), EvidenceError> {
        let path = self.directory.join(file);
        let real = |path: &Path| fs::canonicalize(path).ok();
        let is_elsewhere = path.parent().and_then(real).is_some_and(|folder| {
            real(&self.directory.join(EVIDENCE)).is_none_or(|evidence| !folder.starts_with(evidence))
        });
        if !is_evidence_path(file) || is_elsewhere {
            return Err(EvidenceError::Elsewhere { path });
        }
        match fs::remove_file(&path) {
            Err(os) if os.kind() != io::ErrorKind::NotFound => Err(EvidenceError::Io { attempted: "remove", path, os }),
            _ => {
                // The folder goes with its last file, and stays while there is another.
                let _ = path.parent().map(fs::remove_dir);
                Ok(())
            }
        }
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
        let create = || OpenOptions::new().write(true).create_new(true).open(&path);
        let mut handle = match create() {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && self.resumed => {
                let aside = free_name(&path);
                fs::rename(&path, &aside).map_err(io("put aside", &path))?;
                create().map_err(io("create", &path))?
            }
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

/// A name beside `path` that nothing has yet.
fn free_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = |number: u32| path.with_file_name(format!("{name}.aside-{number}"));
    (1..).map(beside).find(|path| !path.exists()).unwrap_or_else(|| beside(0))
}

/// A run that nobody writes as long as this lives.
#[derive(Debug)]
pub struct Quiet {
    _file: File,
}

/// Makes sure that nobody writes a run while it is read as a whole.
///
/// # Errors
/// When somebody does, or the directory cannot be opened.
pub fn keep_quiet(directory: &Path) -> Result<Quiet, RecordError> {
    lock(directory, FlockOperation::NonBlockingLockShared).map(|file| Quiet { _file: file })
}

/// One process at a time writes a run.
pub(crate) fn claim(directory: &Path) -> Result<File, RecordError> {
    lock(directory, FlockOperation::NonBlockingLockExclusive)
}

fn lock(directory: &Path, how: FlockOperation) -> Result<File, RecordError> {
    let io = |attempted| {
        let path = directory.to_owned();
        move |os| RecordError::Io { attempted, path, os }
    };
    let file = File::open(directory).map_err(io("open"))?;
    match flock(&file, how) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(RecordError::InUse { path: directory.to_owned() }),
        Err(error) => Err(io("lock")(error.into())),
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
