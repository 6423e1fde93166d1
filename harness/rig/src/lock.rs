//! One process at a time may have a rig.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, Write},
    path::PathBuf,
};

use rustix::fs::{FlockOperation, flock};
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
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            file.read_to_string(&mut holder).map_err(io)?;
            return Err(LockError::Taken { rig: rig.to_owned(), holder: holder.trim().to_owned(), path });
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(io)?;
        write!(file, "{}", std::process::id()).map_err(io)?;
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
