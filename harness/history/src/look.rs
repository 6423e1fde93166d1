//! A look at run directories through an index, whatever state the index is in.

use std::path::{Path, PathBuf};

use crate::{
    Filter,
    error::IndexError,
    find::Found,
    index::{Index, Loaded, Refreshed},
};

/// What was seen.
#[derive(Debug)]
pub struct Look {
    /// The part that was asked for.
    pub loaded: Loaded,
    /// What has changed since the last look, and what is no run.
    pub refreshed: Refreshed,
    /// What the user should know of the index.
    pub notes: Vec<String>,
}

/// Looks at the runs that were found below `roots`: brings the index up to date and reads it. One in which damage shows only now is made anew.
///
/// # Errors
/// When the index cannot be used.
pub fn look(index: &Path, roots: &[PathBuf], found: Found, rebuild: bool, filter: &Filter) -> Result<Look, IndexError> {
    let wanted = found.runs.clone();
    let once = |mut index: Index, found: Found| {
        let refreshed = index.refresh(found, roots)?;
        let notes = index.note().map(str::to_owned).into_iter().collect();
        Ok(Look { loaded: index.load(&wanted, filter)?, refreshed, notes })
    };
    let opened = if rebuild { Index::rebuild(index)? } else { Index::open(index)? };
    match once(opened, found) {
        Err(error @ IndexError::Database { .. }) if error.is_damage() => {
            once(Index::anew(index, "it was damaged")?, crate::find(roots)?)
        }
        other => other,
    }
}
