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

/// Writes what somebody asked to have at `path`. A file is replaced as by [`replace`], also one that a link leads to; what is no file, such as a pipe, a
/// terminal or `/dev/stdout`, is written to and stays what it is.
///
/// # Errors
/// When it cannot be written; a file is then what it was.
pub fn deliver(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), RecordError> {
    // What is open already may be a file that somebody else goes on writing.
    let is_open = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"].iter().any(|open| path.starts_with(open));
    let is_no_file = fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    if is_open || is_no_file {
        let written = File::options().append(true).open(path).and_then(|file| {
            let mut buffer = BufWriter::new(file);
            write(&mut buffer)?;
            buffer.flush()
        });
        return written.map_err(|os| RecordError::Io { attempted: "write to", path: path.to_owned(), os });
    }
    // A path that leads nowhere yet is made.
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    replace(&real, write)
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
    fn what_a_link_leads_to_is_replaced_and_the_link_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        deliver(&link, |w| w.write_all(b"new")).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        deliver(&dir.path().join("another"), |w| w.write_all(b"new")).unwrap();
        assert_eq!(fs::read(dir.path().join("another")).unwrap(), b"new");
    }

    #[test]
    fn a_pipe_is_written_to_and_stays_a_pipe() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let (path, reader) = (
            pipe.clone(),
            std::thread::spawn({
                let pipe = pipe.clone();
                move || fs::read(pipe)
            }),
        );
        deliver(&path, |w| w.write_all(b"read by somebody")).unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), b"read by somebody");
        assert!(!fs::metadata(&pipe).unwrap().is_file());
    }

    #[test]
    fn a_device_that_takes_nothing_says_so_and_stays() {
        let error = deliver(Path::new("/dev/full"), |w| w.write_all(b"lost")).expect_err("it is full");
        assert!(error.hint().contains("space"), "{error}");
        assert!(!fs::metadata("/dev/full").unwrap().is_file());
    }

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
