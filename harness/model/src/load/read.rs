//! Reading files and folders.

use std::{
    collections::HashSet,
    fs::{self, File, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{budget, library::SourceFile, parse};
use crate::diagnostic::{Code, Diagnostic, sort};

/// Reads files, and of folders every `*.yaml` and `*.yml` below them that is not hidden, in the order of their paths. Each file is read
/// once, however many of the paths lead to it. What cannot be read is explained.
pub fn read(paths: &[PathBuf]) -> (Vec<SourceFile>, Vec<Diagnostic>) {
    let mut reader = Reader::default();
    let mut named = std::collections::BTreeSet::new();
    for path in paths {
        // A folder that is named twice is read once.
        if fs::canonicalize(path).is_ok_and(|real| !named.insert(real)) {
            continue;
        }
        let before = reader.found.len();
        match fs::metadata(path) {
            Err(error) => reader.faults.push(unreadable(path, &error)),
            Ok(meta) if meta.is_dir() => {
                let faults = reader.faults.len();
                reader.folder(path, &mut Vec::new());
                if reader.found.len() == before && reader.faults.len() == faults {
                    let fault = Diagnostic::of_file(
                        Code::NoDocuments,
                        path,
                        "the folder has no YAML file that was not named already",
                    );
                    reader.faults.push(fault.suggest("name a folder with `*.yaml` files"));
                }
            }
            Ok(meta) => reader.file(path, &meta),
        }
    }
    reader.found.sort();
    let mut files = Vec::new();
    for path in std::mem::take(&mut reader.found) {
        match bytes(&path) {
            Ok(Some(bytes)) => files.push(SourceFile { path, bytes }),
            Ok(None) => reader.faults.push(parse::too_large(&path)),
            Err(error) => reader.faults.push(unreadable(&path, &error)),
        }
    }
    sort(&mut reader.faults);
    (files, reader.faults)
}

#[derive(Default)]
struct Reader {
    found: Vec<PathBuf>,
    /// Real paths of files and folders, so that links bring nothing twice.
    seen: HashSet<PathBuf>,
    faults: Vec<Diagnostic>,
    full: bool,
}

impl Reader {
    fn file(&mut self, path: &Path, meta: &Metadata) {
        if !meta.is_file() {
            // Opening a pipe or a device could wait for ever.
            let fault = Diagnostic::of_file(Code::NotAFile, path, "this is neither a file nor a folder");
            return self.faults.push(fault);
        }
        if self.full {
            return;
        }
        if self.found.len() >= budget::FILES {
            self.full = true;
            let message = format!("there are more than {} files", budget::FILES);
            self.faults.push(Diagnostic::of_file(Code::TooLarge, path, message).suggest("name smaller folders"));
            return;
        }
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
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
            let fault = Diagnostic::of_file(Code::LinkLoop, path, "the folder contains itself, or lies too deep");
            return self.faults.push(fault.suggest("remove the link"));
        }
        let listed = fs::read_dir(path)
            .and_then(|list| list.map(|entry| entry.map(|e| e.path())).collect::<io::Result<Vec<_>>>());
        let mut entries = match listed {
            Ok(entries) => entries,
            Err(error) => return self.faults.push(unreadable(path, &error)),
        };
        entries.sort();
        if !self.seen.insert(real.clone()) {
            return;
        }
        above.push(real);
        let hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        for entry in entries.into_iter().filter(|entry| !hidden(entry)) {
            let is_yaml = entry.extension().is_some_and(|e| e == "yaml" || e == "yml");
            match fs::metadata(&entry) {
                Ok(meta) if meta.is_dir() => self.folder(&entry, above),
                Ok(meta) if is_yaml => self.file(&entry, &meta),
                // A dangling link matters only where a document is due.
                Err(error) if is_yaml => self.faults.push(unreadable(&entry, &error)),
                Ok(_) | Err(_) => {}
            }
            if self.full {
                break;
            }
        }
        above.pop();
    }
}

/// The error number of Linux for links that lead to themselves; `io::ErrorKind` has no stable name for it.
const ELOOP: i32 = 40;

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

/// The bytes of a file, or `None` for more than the budget, however large it claims to be or grows meanwhile.
fn bytes(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(budget::BYTES + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= budget::BYTES).then_some(bytes))
}
