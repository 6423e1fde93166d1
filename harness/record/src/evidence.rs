//! Reading evidence back: only what was stored is evidence.

use std::{
    io,
    path::{Component, Path},
};

use rigtone_model::id::sha256_hex;
use thiserror::Error;

use crate::{layout::EVIDENCE, open};

/// A file that is not the evidence which was recorded.
#[derive(Debug, Error)]
pub enum EvidenceFault {
    /// It is not there.
    #[error("it is missing")]
    Missing,
    /// Its bytes are others.
    #[error("it was changed: its SHA-256 begins with {found}, recorded was {recorded}")]
    Changed {
        /// The beginning of what is found.
        found: String,
        /// The beginning of what was recorded.
        recorded: String,
    },
    /// The log names a path that no run stores evidence at.
    #[error("it does not lie below `evidence`")]
    Elsewhere,
    /// The operating system refused.
    #[error("it cannot be read: {0}")]
    Io(io::Error),
}

/// Whether a path of the log is one at which a run stores evidence.
pub(crate) fn is_below_its_folder(file: &str) -> bool {
    let mut parts = Path::new(file).components();
    parts.next() == Some(Component::Normal(EVIDENCE.as_ref())) && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// All bytes of a piece of evidence, which have the hash that was recorded.
///
/// # Errors
/// [`EvidenceFault`].
pub fn read_evidence(run: &Path, file: &str, sha256: &str) -> Result<Vec<u8>, EvidenceFault> {
    if !is_below_its_folder(file) {
        return Err(EvidenceFault::Elsewhere);
    }
    let bytes = open::whole(&run.join(file)).map_err(|os| match os.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => EvidenceFault::Missing,
        _ => EvidenceFault::Io(os),
    })?;
    let found = sha256_hex(&bytes);
    if found != sha256 {
        let beginning = |hash: &str| hash.chars().take(12).collect();
        return Err(EvidenceFault::Changed { found: beginning(&found), recorded: beginning(sha256) });
    }
    Ok(bytes)
}
