//! One process at a time may have a rig.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, Write},
    path::PathBuf,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use thiserror::Error;

/// A rig's lock, held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// A lock that was not taken.
#[derive(Debug, Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("the rig `{rig}` is in use by process {holder} (lock {})", path.display())]
    Taken {
        /// The rig.
        rig: String,
        /// The process that has it.
        holder: String,
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file cannot be used.
    #[error("locking the rig with {} failed: {source}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Lock {
    /// Takes the lock of a rig, system-wide.
    ///
    /// # Errors
    /// When another process has it, or the lock file cannot be used.
    pub fn take(rig: &str) -> Result<Self, LockError> {
        // The one folder that every user may write and that every process sees alike.
        Self::at(std::path::Path::new("/tmp").join(format!("rigtone-{rig}.lock")), rig)
    }

    fn at(path: PathBuf, rig: &str) -> Result<Self, LockError> {
        let io = |source| LockError::Io { path: path.clone(), source };
        // A file that another user made can be locked, though not written; in a sticky folder not even opened to create.
        let open = |create: bool, write: bool| {
            OpenOptions::new().read(true).write(write).create(create).truncate(false).open(&path)
        };
        let mut file = open(false, true).or_else(|_| open(false, false)).or_else(|_| open(true, true)).map_err(io)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(io)?;
                return Err(LockError::Taken { rig: rig.to_owned(), holder: holder.trim().to_owned(), path });
            }
            Err(error) => return Err(io(error.into())),
        }
        // The holder's name is a help, not the lock: where it cannot be written, the lock holds all the same.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_taken_once_and_free_again_when_dropped() {
        let path = std::env::temp_dir().join(format!("rigtone-test-{}.lock", std::process::id()));
        let first = Lock::at(path.clone(), "bench").expect("a free lock");
        let error = Lock::at(path.clone(), "bench").expect_err("a taken lock");
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        drop(first);
        Lock::at(path.clone(), "bench").expect("a lock that was given back");
        std::fs::remove_file(path).expect("our own file");
    }
}
