//! Room for a run.

use std::path::Path;

use crate::error::RecordError;

/// Bytes that this user may still write on the disk of `directory`, which need not exist yet.
///
/// # Errors
/// When the disk cannot be asked.
pub fn free_space(directory: &Path) -> Result<u64, RecordError> {
    let mut place = directory;
    while !place.as_os_str().is_empty() && !place.exists() {
        place = place.parent().unwrap_or(Path::new(""));
    }
    let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
    let room = rustix::fs::statvfs(place).map_err(|e| RecordError::Io {
        attempted: "ask for the free space of",
        path: place.to_owned(),
        os: e.into(),
    })?;
    Ok(room.f_bavail.saturating_mul(room.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_to_be_made_has_the_room_of_the_disk_it_will_be_on() {
        let dir = tempfile::tempdir().unwrap();
        assert!(free_space(&dir.path().join("not/yet/there")).unwrap() > 0);
        assert!(free_space(Path::new("not-yet-there")).unwrap() > 0);
    }
}
