//! What keeps a certificate from being made or read.

use std::{io, path::PathBuf};

use rigtone_record::{ReadError, RecordError};
use thiserror::Error;

use crate::conditions::Obstacle;

/// One file of a pair of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// What signatures are checked with.
    Public,
    /// What signs.
    Secret,
}

/// Why there is no certificate.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// The run directory cannot be read.
    #[error(transparent)]
    Run(#[from] ReadError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] RecordError),
    /// The operating system refused.
    #[error("{attempted} `{}`: {os}", path.display())]
    Io {
        /// What was attempted.
        attempted: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the operating system said.
        os: io::Error,
    },
    /// A file is no key.
    #[error("`{}` is no key: {what}", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// A file is the other half of a pair of keys.
    #[error("`{}` is no {}", path.display(), match half {
        Half::Public => "secret key: this is the public half",
        Half::Secret => "public key: this is the secret key",
    })]
    OtherHalf {
        /// The file.
        path: PathBuf,
        /// What it is.
        half: Half,
    },
    /// What stands for a day in the file of a key is none.
    #[error("`{}`: its `{field}` is no day, such as 2027-01-31", path.display())]
    NoDay {
        /// The file.
        path: PathBuf,
        /// Its field.
        field: &'static str,
    },
    /// There is something already where a new file or folder should be.
    #[error("`{}` is there already", path.display())]
    There {
        /// The file or folder.
        path: PathBuf,
    },
    /// The run does not show what a certificate says.
    #[error("the run is no ground for a certificate: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Obstacles(Vec<Obstacle>),
    /// The key is for another purpose.
    #[error("the key `{name}` is {}", if *.test { "a test key: it signs trials only" } else { "no test key: trials are signed with one that is" })]
    WrongKey {
        /// The name of the key.
        name: String,
        /// Whether it is a test key.
        test: bool,
    },
    /// The folder is no certificate.
    #[error("`{}` is no certificate: {what}", path.display())]
    NoCertificate {
        /// The folder.
        path: PathBuf,
        /// Why not.
        what: String,
    },
}

impl CertificateError {
    /// Whether the path that was given is at fault, not the disk: another one would do.
    pub fn is_of_path(&self) -> bool {
        match self {
            Self::Write(error) => error.is_of_path(),
            Self::Io { os, .. } => rigtone_record::is_of_path(os.kind()),
            _ => false,
        }
    }

    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::Run(error) => error.hint().to_string(),
            Self::Write(error) => error.hint().to_string(),
            Self::Io { os, .. } => os_hint(os).to_owned(),
            Self::NoKey { .. } => "make a pair of keys with `rigtone key new`".to_owned(),
            Self::OtherHalf { half: Half::Public, .. } => "name the file without `.pub`".to_owned(),
            Self::OtherHalf { half: Half::Secret, .. } => {
                "trust its `.pub` file, and keep this one to yourself".to_owned()
            }
            Self::NoDay { .. } => "write a day of the calendar as YYYY-MM-DD".to_owned(),
            Self::There { .. } => "name another place: nothing is overwritten".to_owned(),
            Self::Obstacles(_) => {
                "mend what is named and run the suite again; to try the way itself take `--trial` with a test key"
                    .to_owned()
            }
            Self::WrongKey { test: true, .. } => "make a key without `--test`, or certify with `--trial`".to_owned(),
            Self::WrongKey { test: false, .. } => "make a key with `rigtone key new --test`".to_owned(),
            Self::NoCertificate { .. } => "name the folder that `rigtone certify` made".to_owned(),
        }
    }
}

fn os_hint(os: &io::Error) -> &'static str {
    match os.kind() {
        // Keys and certificates are read too.
        io::ErrorKind::PermissionDenied => "choose a place that this user may read and write, or change its owner",
        io::ErrorKind::NotFound => "see that the folder is there and can be read and written",
        _ => rigtone_record::os_hint(os),
    }
}

/// A fault of the operating system at a file.
pub(crate) fn at(attempted: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> CertificateError {
    let path = path.to_owned();
    move |os| CertificateError::Io { attempted, path, os }
}
