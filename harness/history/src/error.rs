//! What can go wrong with an index, and with a run that should go into it.

use std::{io, path::PathBuf};

use rigtone_record::ReadError;
use rigtone_report::outline::Mismatch;
use rusqlite::ErrorCode;
use thiserror::Error;

/// The index cannot be used.
#[derive(Debug, Error)]
pub enum IndexError {
    /// A file of somebody else was named as the index.
    #[error("`{}` is not an index of Rigtone: it is left as it is", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another process has it for longer than anybody waits.
    #[error("the index `{}` is in use by another process for more than {seconds} s", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The database refused.
    #[error("use the index `{}`: {cause}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What it said.
        cause: rusqlite::Error,
    },
    /// The operating system refused.
    #[error("{attempted} `{}`: {os}", path.display())]
    Io {
        /// What was attempted, such as `look into`.
        attempted: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the operating system said.
        os: io::Error,
    },
}

impl IndexError {
    /// Whether the file is not what this version of Rigtone has written: it is of no use, and can be made anew.
    pub(crate) fn is_damage(&self) -> bool {
        let Self::Database { cause, .. } = self else { return false };
        match cause.sqlite_error_code() {
            // Tables and columns that are not there are of that kind as well.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown) => true,
            Some(_) => false,
            // A value that is of another type than every version writes.
            None => true,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Foreign { .. } => "name a file that does not exist yet, or an index, with `--index FILE`",
            Self::Busy { .. } => "wait for the other command, or give this one an index of its own with `--index FILE`",
            Self::Database { .. } => {
                "delete the file: it is made again from the run directories; `--index FILE` puts it elsewhere"
            }
            Self::Io { .. } => "name folders of runs, or run directories, that this user may read",
        }
    }
}

/// Why a directory is not in the history.
#[derive(Debug, Error)]
pub enum TakeError {
    /// It holds no plan and no run below it.
    #[error("it is no run directory: it has no `plan.json`")]
    NoRun,
    /// It has folders that nobody has looked into.
    #[error(
        "it lies {folders} folders deep, and runs are not looked for below it: name it to have those that are there"
    )]
    Deeper {
        /// How deep runs are looked for.
        folders: usize,
    },
    /// Files of a run without its plan.
    #[error("it has files of a run and no `plan.json`: the run was never begun, or only a part of it was copied")]
    NoPlan,
    /// A process is writing it.
    #[error("a run is being written to it")]
    BeingWritten,
    /// It was never judged.
    #[error(
        "it has no `verdicts.json`: the run did not come to its end; `rigtone run --resume` goes on with it, `rigtone merge` judges what it recorded"
    )]
    NotJudged,
    /// Its log is whole, and only its verdicts are not there.
    #[error(
        "it has no `verdicts.json`, though the run came to its end: `rigtone run --resume` writes them from its log, and needs no rig for that"
    )]
    NoVerdicts,
    /// Its plan and its verdicts are not of one run.
    #[error("its plan and its verdicts do not belong together: `{combination}` stands in one of them only")]
    Apart {
        /// A combination that only one of them has.
        combination: String,
    },
    /// Its verdicts were written at another end of the run, or for another run.
    #[error("its `verdicts.json` does not belong to its log: {0}; `rigtone merge` judges what it recorded")]
    Strange(Mismatch),
    /// Nobody knows when it began.
    #[error("nothing in it tells when the run began")]
    NoTime,
    /// A part of it cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The operating system refused.
    #[error("it cannot be looked at: {0}")]
    Io(io::Error),
}
