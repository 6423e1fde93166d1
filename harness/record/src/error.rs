//! What can go wrong with a run directory.

use std::{io, path::PathBuf};

use rigtone_model::{event::EventError, id::CombinationId};
use thiserror::Error;

/// The run directory or its event log cannot be written: the run must stop.
#[derive(Debug, Error)]
pub enum RecordError {
    /// A directory with something in it was given for a new run.
    #[error("create the run directory `{}`: it is not empty", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// Another process writes it.
    #[error("open the run directory `{}`: another process is writing to it", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{attempted} `{}`: {os}", path.display())]
    Io {
        /// What was attempted, such as `append to`.
        attempted: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the operating system said.
        os: io::Error,
    },
    /// A value has no form in JSON.
    #[error("write `{}` as JSON: {cause}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the encoder said.
        cause: serde_json::Error,
    },
    /// The operating system took a part of a record only.
    #[error("append to `{}`: the disk took {written} of {of} bytes", path.display())]
    Short {
        /// The event log.
        path: PathBuf,
        /// Bytes taken.
        written: usize,
        /// Bytes of the record.
        of: usize,
    },
    /// An earlier record failed; what came after it would not be read back.
    #[error("append to `{}`: the log was given up after an earlier failure: {first}", path.display())]
    Poisoned {
        /// The event log.
        path: PathBuf,
        /// The failure.
        first: String,
    },
    /// The record is not the next one.
    #[error("append to `{}`: the next event is number {expected}, not {found}", path.display())]
    Sequence {
        /// The event log.
        path: PathBuf,
        /// The number that is due.
        expected: u64,
        /// The number of the event.
        found: u64,
    },
}

impl RecordError {
    /// Whether the path that was given is at fault, not the disk: another one would do.
    pub fn is_of_path(&self) -> bool {
        match self {
            Self::NotEmpty { .. } => true,
            Self::Io { os, .. } => is_of_path(os.kind()),
            _ => false,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "wait for the other run, or end it",
            Self::NotEmpty { .. } => "name a directory that does not exist yet: a run never overwrites another one",
            Self::Io { os, .. } => os_hint(os),
            Self::Short { .. } | Self::Poisoned { .. } => {
                "free some space, then go on with `rigtone run --resume`: what was recorded before is there"
            }
            Self::Json { .. } | Self::Sequence { .. } => "report this as a bug and keep the run directory",
        }
    }
}

/// A run cannot go on where it was interrupted.
#[derive(Debug, Error)]
pub enum ResumeError {
    /// What was recorded cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It cannot be written to.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl ResumeError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read(error) => error.hint(),
            Self::Record(error) => error.hint(),
        }
    }
}

/// A piece of evidence cannot be stored: the trial has no result, the run goes on.
#[derive(Debug, Error)]
pub enum EvidenceError {
    /// Evidence of that name is there already; it is never overwritten.
    #[error("store evidence `{}`: it is there already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{attempted} evidence `{}`: {os}", path.display())]
    Io {
        /// What was attempted, such as `write`.
        attempted: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the operating system said.
        os: io::Error,
    },
    /// The log names a path, or the folders hold a link, to where no run stores evidence.
    #[error("leave `{}` alone, which the log names as evidence: it does not lie below `evidence`", path.display())]
    Elsewhere {
        /// The file.
        path: PathBuf,
    },
}

impl EvidenceError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "report this as a bug and keep the run directory",
            Self::Io { os, .. } => os_hint(os),
            Self::Elsewhere { .. } => "see who changed the run directory: no run names such a path",
        }
    }
}

/// A run directory cannot be read, or not all of it.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The operating system refused.
    #[error("read `{}`: {os}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        os: io::Error,
    },
    /// A JSON document that is not what it should be.
    #[error("read `{}`: {cause}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the decoder said, with line and column.
        cause: serde_json::Error,
    },
    /// A document of another major version.
    #[error("read `{}`: its schema {found} cannot be read by this version, which reads {expected}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: String,
        /// The version this build reads.
        expected: &'static str,
    },
    /// A line that is not an event.
    #[error("{}:{line}: {cause}", path.display())]
    Event {
        /// The event log.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Why not.
        cause: EventError,
    },
    /// A line that is not text.
    #[error("{}:{line}: not UTF-8", path.display())]
    NotText {
        /// The event log.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// A line beyond any event; it is skipped.
    #[error("{}:{line}: longer than {most} bytes", path.display())]
    TooLong {
        /// The event log.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The longest line that is read.
        most: u64,
    },
    /// The last line has no line feed: the writer was killed, or the disk was full. Everything before it stands.
    #[error("{}:{line}: the last line is cut off after {bytes} bytes", path.display())]
    Truncated {
        /// The event log.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Bytes of it that are there.
        bytes: u64,
    },
    /// Events are missing before this line; the event on it follows.
    #[error("{}:{line}: event {found} follows where {expected} is due: {} missing", path.display(), found - expected)]
    Gap {
        /// The event log.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The number that is due.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// A number that was there before; the event is not given out again.
    #[error("{}:{line}: event {found} is there twice: {expected} is due", path.display())]
    Duplicate {
        /// The event log.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The number that is due.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// An event of another run; it is not given out.
    #[error("{}:{line}: this event belongs to run `{found}`, the log to run `{expected}`", path.display())]
    Run {
        /// The event log.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The run of the first event.
        expected: String,
        /// The run found.
        found: String,
    },
}

impl ReadError {
    /// Whether only the end of the log is missing, as after a kill: what came before is whole.
    pub const fn is_truncation(&self) -> bool {
        matches!(self, Self::Truncated { .. })
    }

    /// Whether the record on that line is damaged, as a loss of power or a full disk leaves the last one.
    pub const fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Truncated { .. }
                | Self::NotText { .. }
                | Self::TooLong { .. }
                | Self::Event { cause: EventError::Malformed(_), .. }
        )
    }

    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { os, .. } if os.kind() == io::ErrorKind::NotFound => {
                "name the directory of a run: it holds `plan.json` and `events.jsonl`"
            }
            Self::Io { os, .. } => read_hint(os),
            Self::Schema { .. } => "use the version of Rigtone that wrote the run",
            Self::Truncated { .. } => "the trials in flight have no result; everything before them counts",
            Self::Json { .. }
            | Self::Event { .. }
            | Self::NotText { .. }
            | Self::TooLong { .. }
            | Self::Gap { .. }
            | Self::Duplicate { .. }
            | Self::Run { .. } => "the file was changed after the run: restore it from a copy",
        }
    }
}

/// A layer of a run cannot be used.
#[derive(Debug, Error)]
pub enum LayerError {
    /// There is none of that number.
    #[error("`{}` has no layer {number}{}", run.display(), known(there))]
    NoSuchLayer {
        /// The run directory.
        run: PathBuf,
        /// The number asked for.
        number: u32,
        /// Those that there are.
        there: Vec<u32>,
    },
    /// Its facts cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The operating system refused.
    #[error("read `{}`: {os}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        os: io::Error,
    },
    /// A line that says nothing about a trial.
    #[error("{}:{line}: {cause}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What the decoder said.
        cause: serde_json::Error,
    },
    /// It was changed after it was written.
    #[error("`{}` was changed: it has not the SHA-256 that its `layer.json` states", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// It was made of another run.
    #[error("`{}` is a layer of the run {of}, not of {run}", path.display())]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// The run that it was made of.
        of: String,
        /// The run that is judged.
        run: String,
    },
    /// The run went on after it was made.
    #[error("`{}` was made when the log had {of} events; it has {events} now", path.display())]
    Grown {
        /// The file.
        path: PathBuf,
        /// Events that it was made of.
        of: u64,
        /// Events of the log.
        events: u64,
    },
    /// It has a trial that the log does not have at that place.
    #[error("{}:{line}: trial {trial} of `{combination}` has no result in the log at that place", path.display())]
    Stranger {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The combination.
        combination: CombinationId,
        /// The trial.
        trial: u32,
    },
}

impl LayerError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoSuchLayer { .. } => "`rigtone judge RUN --remeasure` makes one",
            Self::Read(error) => error.hint(),
            Self::Io { os, .. } => read_hint(os),
            Self::Json { .. }
            | Self::Changed { .. }
            | Self::OtherRun { .. }
            | Self::Grown { .. }
            | Self::Stranger { .. } => "make another with `rigtone judge RUN --remeasure`",
        }
    }
}

fn known(layers: &[u32]) -> String {
    match layers {
        [] => ": it was never measured again".to_owned(),
        layers => format!("; it has {}", layers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// Whether what the operating system said is about the path that it was given, not about the disk: another path would do.
pub fn is_of_path(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{AlreadyExists, IsADirectory, NotADirectory, NotFound};
    matches!(kind, AlreadyExists | IsADirectory | NotADirectory | NotFound)
}

/// What to do about what the operating system said of a file that was to be read.
fn read_hint(os: &io::Error) -> &'static str {
    match os.kind() {
        io::ErrorKind::PermissionDenied => "let this user read it, or change its owner",
        _ => "check the path and the disk",
    }
}

/// What to do about what the operating system said of a file that was to be written.
pub fn os_hint(os: &io::Error) -> &'static str {
    match os.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space, or choose another disk",
        io::ErrorKind::PermissionDenied => "choose a directory that this user may write to, or change its owner",
        io::ErrorKind::ReadOnlyFilesystem => "choose a directory on a disk that can be written to",
        io::ErrorKind::NotADirectory => "a file stands where a directory is needed: choose another path",
        _ => "check the path and the disk",
    }
}
