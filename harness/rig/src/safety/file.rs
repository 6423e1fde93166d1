//! Files of the state that are replaced as a whole: whoever is killed meanwhile leaves the old one or the new one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

use super::state::share;

/// Puts a new file of these bytes in the place of an old one, and gives it, open to be written on. The new name is durable when
/// [`sync_folder`] has been called.
pub(super) fn put(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let new = path.with_extension(format!("{extension}-new"));
    // What a killed process left of an earlier attempt is not appended to.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().append(true).create_new(true).open(&new)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    share(&new)?;
    fs::rename(&new, path)?;
    Ok(file)
}

/// A new name is durable only with its folder.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
