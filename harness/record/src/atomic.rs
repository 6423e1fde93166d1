//! Files that are either the old one or the new one, whenever the program or the machine stops.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use crate::error::RecordError;

/// Writes a file beside `path`, syncs it and puts it in the place of `path`.
///
/// # Errors
/// When the file cannot be written; `path` is then what it was.
pub fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), RecordError> {
    let failed = |attempted, path: &Path| {
        let path = path.to_owned();
        move |os| RecordError::Io { attempted, path, os }
    };
    let new = beside(path);
    let written = (|| {
        let file = File::create(&new).map_err(failed("create", &new))?;
        let mut buffer = BufWriter::new(file);
        write(&mut buffer).map_err(failed("write", &new))?;
        let file = buffer.into_inner().map_err(|e| failed("write", &new)(e.into_error()))?;
        file.sync_all().map_err(failed("sync", &new))?;
        fs::rename(&new, path).map_err(failed("put in place", path))
    })();
    if written.is_err() {
        // The fault that is reported is the first one; a leftover is of no harm.
        let _ = fs::remove_file(&new);
    }
    written?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

/// Makes names in a directory survive a loss of power.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), RecordError> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    File::open(directory).and_then(|d| d.sync_all()).map_err(|os| RecordError::Io {
        attempted: "sync directory",
        path: directory.to_owned(),
        os,
    })
}

/// A name of this process alone, so that two commands on one run do not write into one file.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("verdicts.json");
        replace(&path, |w| w.write_all(b"old")).unwrap();
        let error = replace(&path, |w| {
            w.write_all(b"half of the ne")?;
            Err(io::ErrorKind::StorageFull.into())
        })
        .expect_err("the disk is full");
        assert!(error.hint().contains("space"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
