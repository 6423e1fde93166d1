//! Reading evidence back: only what was stored is evidence.

use std::{
    fs, io,
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

/// What a look at a piece of evidence finds amiss, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amiss {
    /// The log names a path that no run stores evidence at: nothing there is looked at.
    Elsewhere,
    /// There is nothing.
    Missing,
    /// There is something else.
    NoFile,
    /// It is not as long as it was: cut off, or only half copied.
    Resized,
    /// Nobody lets us look: whether it is there is not known.
    Unreadable,
}

impl Amiss {
    /// What is said of one file.
    pub const fn of_one(self) -> &'static str {
        match self {
            Self::Elsewhere => "lies elsewhere than below `evidence`",
            Self::Missing => "is missing",
            Self::NoFile => "is not a file",
            Self::Resized => "has another size than when it was recorded",
            Self::Unreadable => "cannot be looked at",
        }
    }

    /// What is said of several.
    pub const fn of_several(self) -> &'static str {
        match self {
            Self::Elsewhere => "lie elsewhere than below `evidence`",
            Self::Missing => "are missing",
            Self::NoFile => "are not files",
            Self::Resized => "have another size than when they were recorded",
            Self::Unreadable => "cannot be looked at",
        }
    }
}

/// Looks at a piece of evidence of so many bytes: what is amiss, if anything is. A log of before sizes were kept says 0.
pub fn look_at_evidence(run: &Path, file: &str, bytes: u64) -> Option<Amiss> {
    if !is_evidence_path(file) {
        return Some(Amiss::Elsewhere);
    }
    match fs::metadata(run.join(file)) {
        Err(os) if matches!(os.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Some(Amiss::Missing),
        Err(_) => Some(Amiss::Unreadable),
        Ok(found) if !found.is_file() => Some(Amiss::NoFile),
        Ok(found) => (bytes > 0 && found.len() != bytes).then_some(Amiss::Resized),
    }
}

/// Whether a path of the log is one at which a run stores evidence: below `evidence`, without detours.
pub fn is_evidence_path(file: &str) -> bool {
    let mut parts = Path::new(file).components();
    parts.next() == Some(Component::Normal(EVIDENCE.as_ref())) && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// All bytes of a piece of evidence, which have the hash that was recorded.
///
/// # Errors
/// [`EvidenceFault`].
pub fn read_evidence(run: &Path, file: &str, sha256: &str) -> Result<Vec<u8>, EvidenceFault> {
    if !is_evidence_path(file) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::whole("evidence/whole", 3, None)]
    #[case::of_before_sizes_were_kept("evidence/whole", 0, None)]
    #[case::cut("evidence/whole", 4, Some(Amiss::Resized))]
    #[case::missing("evidence/nothing", 3, Some(Amiss::Missing))]
    #[case::below_a_file("evidence/whole/nothing", 3, Some(Amiss::Missing))]
    #[case::folder("evidence/folder", 3, Some(Amiss::NoFile))]
    #[case::endless_link("evidence/endless", 3, Some(Amiss::Unreadable))]
    #[case::of_the_run("plan.json", 3, Some(Amiss::Elsewhere))]
    #[case::of_the_host("/etc/passwd", 3, Some(Amiss::Elsewhere))]
    #[case::detour("evidence/../plan.json", 3, Some(Amiss::Elsewhere))]
    #[case::no_path("", 3, Some(Amiss::Elsewhere))]
    fn what_is_amiss_with_evidence_is_told(#[case] file: &str, #[case] bytes: u64, #[case] amiss: Option<Amiss>) {
        let run = tempfile::tempdir().unwrap();
        fs::create_dir_all(run.path().join("evidence/folder")).unwrap();
        fs::write(run.path().join("evidence/whole"), "abc").unwrap();
        std::os::unix::fs::symlink("endless", run.path().join("evidence/endless")).unwrap();
        fs::write(run.path().join("plan.json"), "abc").unwrap();
        assert_eq!(look_at_evidence(run.path(), file, bytes), amiss);
    }
}
