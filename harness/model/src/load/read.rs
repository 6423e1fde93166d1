//! Reading files and folders.

use std::{
    collections::{BTreeSet, HashSet},
    env,
    fs::{self, DirEntry, File, Metadata, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{budget, collect::Collected, library::SourceFile, parse};
use crate::diagnostic::{Code, Diagnostic};

/// Reads files, and of folders every `*.yaml` and `*.yml` below them that is not hidden, in the order of their paths. Each file is read
/// once, however many of the paths lead to it. What cannot be read is explained.
///
/// Links are followed within the paths that are named and within the working directory; one that leads elsewhere is a
/// fault, since nobody who names a folder expects to be shown files from outside it.
pub fn read(paths: &[PathBuf]) -> (Vec<SourceFile>, Vec<Diagnostic>) {
    let mut reader =
        Reader { allowed: paths.iter().filter_map(|p| fs::canonicalize(p).ok()).collect(), ..Reader::default() };
    reader.allowed.extend(env::current_dir().and_then(fs::canonicalize));
    let mut named = BTreeSet::new();
    for path in paths {
        // A folder that is named twice is read once.
        if fs::canonicalize(path).is_ok_and(|real| !named.insert(real)) {
            continue;
        }
        reader.named(path);
    }
    reader.found.sort();
    let (mut files, mut total) = (Vec::new(), 0);
    for path in std::mem::take(&mut reader.found) {
        let bytes = match bytes(&path) {
            Ok(bytes) => bytes,
            Err(fault) => {
                reader.faults.push(*fault);
                continue;
            }
        };
        total += bytes.len() as u64;
        if total > budget::ALL_BYTES {
            let message = format!("the files are larger than {} MiB together", budget::ALL_BYTES >> 20);
            reader.fault(Code::TooLarge, &path, &message, "name fewer files or smaller folders");
            break;
        }
        files.push(SourceFile { path, bytes });
    }
    let mut all = Collected::default();
    for fault in reader.faults {
        all.add(&fault.path.clone(), vec![fault]);
    }
    (files, all.finish())
}

#[derive(Default)]
struct Reader {
    /// Where links may lead: real paths.
    allowed: Vec<PathBuf>,
    found: Vec<PathBuf>,
    /// How many documents were met, those that had been found before included.
    met: usize,
    /// Real paths of files and folders, so that links bring nothing twice.
    seen: HashSet<PathBuf>,
    faults: Vec<Diagnostic>,
    /// How many entries of folders were looked at.
    entries: usize,
    full: bool,
}

impl Reader {
    fn fault(&mut self, code: Code, path: &Path, message: &str, advice: &str) {
        self.faults.push(Diagnostic::of_file(code, path, message).suggest(advice));
    }

    /// A path that the user wrote.
    fn named(&mut self, path: &Path) {
        let (met, faults) = (self.met, self.faults.len());
        match fs::metadata(path) {
            Err(error) => self.faults.push(unreadable(path, &error)),
            Ok(meta) if meta.is_dir() && is_yaml(path) => self.folder_as_document(path),
            Ok(meta) if meta.is_dir() => {
                self.folder(path, &mut Vec::new());
                if self.met == met && self.faults.len() == faults {
                    let advice = "name a folder with `*.yaml` files";
                    self.fault(Code::NoDocuments, path, "the folder has no YAML file", advice);
                }
            }
            Ok(meta) => self.file(path, &meta),
        }
    }

    fn folder_as_document(&mut self, path: &Path) {
        let advice = "put the document there, or give the folder a name that does not end like one";
        self.fault(Code::NotAFile, path, "a folder stands where a document is due", advice);
    }

    fn file(&mut self, path: &Path, meta: &Metadata) {
        if !meta.is_file() {
            return self.faults.push(not_a_file(path));
        }
        if self.full {
            return;
        }
        if self.found.len() >= budget::FILES {
            self.full = true;
            let message = format!("there are more than {} files", budget::FILES);
            return self.fault(Code::TooLarge, path, &message, "name smaller folders");
        }
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        self.met += 1;
        if self.seen.insert(real) {
            self.found.push(path.to_owned());
        }
    }

    /// `above`: the real paths of the folders this one lies in.
    fn folder(&mut self, path: &Path, above: &mut Vec<PathBuf>) {
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) => return self.faults.push(unreadable(path, &error)),
        };
        if above.contains(&real) || above.len() >= budget::FOLDERS {
            let message = "the folder contains itself, or lies too deep";
            return self.fault(Code::LinkLoop, path, message, "remove the link");
        }
        if !self.seen.insert(real.clone()) {
            self.met += 1;
            return;
        }
        let entries = match self.list(path) {
            Ok(entries) => entries,
            Err(error) => return self.faults.push(unreadable(path, &error)),
        };
        above.push(real);
        for entry in entries {
            self.entry(&entry, above);
            if self.full {
                break;
            }
        }
        above.pop();
    }

    /// The entries that may be documents or hold some, in order. Only they are kept: a folder may have a million others.
    fn list(&mut self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            self.entries += 1;
            if self.entries > budget::ENTRIES {
                self.full = true;
                let message = format!("the folders have more than {} entries", budget::ENTRIES);
                self.fault(Code::TooLarge, path, &message, "name smaller folders");
                break;
            }
            if may_matter(&entry) {
                kept.push(entry.path());
            }
        }
        kept.sort();
        Ok(kept)
    }

    fn entry(&mut self, path: &Path, above: &mut Vec<PathBuf>) {
        let meta = match fs::metadata(path) {
            Ok(meta) => meta,
            // A dangling link matters only where a document is due.
            Err(error) if is_yaml(path) => return self.faults.push(unreadable(path, &error)),
            Err(_) => return,
        };
        if !meta.is_dir() && !is_yaml(path) {
            return;
        }
        if self.leaves(path) {
            let message = "the link leads out of the folders that were named";
            let advice = "put a copy here, or name the place it leads to, too";
            return self.fault(Code::LeavesProject, path, message, advice);
        }
        match (meta.is_dir(), is_yaml(path)) {
            (true, true) => self.folder_as_document(path),
            (true, false) => self.folder(path, above),
            (false, _) => self.file(path, &meta),
        }
    }

    /// Whether a path is a link to somewhere else. What is no link lies where its folder does.
    fn leaves(&self, path: &Path) -> bool {
        let is_link = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink());
        let inside = |real: PathBuf| self.allowed.iter().any(|allowed| real.starts_with(allowed));
        is_link && !fs::canonicalize(path).is_ok_and(inside)
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "yaml" || e == "yml")
}

fn may_matter(entry: &DirEntry) -> bool {
    let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
    // The kind comes with the listing; only links have to be followed to be known.
    let plain = entry.file_type().is_ok_and(|kind| kind.is_file());
    !hidden && (!plain || is_yaml(Path::new(&entry.file_name())))
}

/// The error number of Linux for links that lead to themselves; `io::ErrorKind` has no stable name for it.
const ELOOP: i32 = 40;
/// `O_NONBLOCK | O_NOCTTY` of Linux: a pipe that took the place of a file must not hold the reader, nor a terminal adopt it.
const AT_ONCE: i32 = 0o4400;

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    match error.kind() {
        io::ErrorKind::NotFound => {
            Diagnostic::of_file(Code::NotFound, path, "there is no such file or folder").suggest("check the path")
        }
        _ if error.raw_os_error() == Some(ELOOP) => {
            Diagnostic::of_file(Code::LinkLoop, path, "the link leads back to itself").suggest("remove the link")
        }
        _ => Diagnostic::of_file(Code::Unreadable, path, format!("it cannot be read: {error}")),
    }
}

/// The fault of what would have to be waited for: pipes, sockets and devices.
fn not_a_file(path: &Path) -> Diagnostic {
    Diagnostic::of_file(Code::NotAFile, path, "this is neither a file nor a folder")
}

/// The bytes of a file within the budget, however large it claims to be or grows meanwhile. What the path leads to is
/// looked at again once it is open: it may be something else by now.
fn bytes(path: &Path) -> Result<Vec<u8>, Box<Diagnostic>> {
    let failed = |error: io::Error| Box::new(unreadable(path, &error));
    let mut file = OpenOptions::new().read(true).custom_flags(AT_ONCE).open(path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    if !before.is_file() {
        return Err(Box::new(not_a_file(path)));
    }
    let bytes = within_budget(&mut file).map_err(failed)?.ok_or_else(|| Box::new(parse::too_large(path)))?;
    if state(&before) != state(&file.metadata().map_err(failed)?) {
        let fault = Diagnostic::of_file(Code::Unreadable, path, "it was changed while it was read");
        return Err(Box::new(fault.suggest("try again when nobody writes it")));
    }
    Ok(bytes)
}

fn within_budget(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.take(budget::BYTES + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= budget::BYTES).then_some(bytes))
}

/// What differs after a file was written.
fn state(meta: &Metadata) -> (u64, i64, i64) {
    (meta.len(), meta.mtime(), meta.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_that_was_written_meanwhile_has_another_state() {
        let path = env::temp_dir().join(format!("rigtone-state-{}.yaml", std::process::id()));
        fs::write(&path, b"rig: x\n").expect("a file can be written");
        let file = File::open(&path).expect("it is there");
        let before = state(&file.metadata().expect("it is open"));
        assert_eq!(before, state(&file.metadata().expect("it is open")));
        let mut writer = OpenOptions::new().append(true).open(&path).expect("it can be written");
        writer.write_all(b"title: y\n").expect("it can be written");
        assert_ne!(before, state(&file.metadata().expect("it is open")));
        let _ = fs::remove_file(&path);
    }

    /// As if it had taken the place of a file between the listing and the reading.
    #[test]
    fn what_is_no_file_once_it_is_open_is_not_read() {
        let fault = bytes(Path::new("/dev/zero")).expect_err("endless");
        assert_eq!(fault.code, Code::NotAFile);
    }
}
