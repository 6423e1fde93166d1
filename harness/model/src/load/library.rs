//! Documents of many files, by their ids.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use indexmap::{IndexMap, map::Entry as Slot};
use serde::de::DeserializeOwned;

use super::{
    Collected, decode, parse, shape,
    tree::{Tree, Value},
};
use crate::{
    diagnostic::{Code, Diagnostic, Position, nearest},
    document::{Calibration, Device, Kind, Quarantine, Rig, Scenario, Suite},
    id::sha256_hex,
};

/// A file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path, as diagnostics show it.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// A document, where it comes from, and where each of its parts stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<T> {
    /// The document.
    pub value: T,
    /// Its file.
    pub path: PathBuf,
    /// SHA-256 of the file's bytes, in hexadecimal digits.
    pub hash: String,
    /// The document as it stands in the file.
    pub tree: Tree,
}

impl<T> Entry<T> {
    /// Where a part stands, such as `["expect", "0", "success-rate"]`: the value, or the key above a map or a list. For a
    /// part that is not written the nearest one around it.
    pub fn position<S: AsRef<str>>(&self, path: &[S]) -> Position {
        let found = self.tree.find(path);
        if found.whole { found.position() } else { found.key_position() }
    }

    /// Where the key of a part stands.
    pub fn key_position<S: AsRef<str>>(&self, path: &[S]) -> Position {
        self.tree.find(path).key_position()
    }

    /// A finding about a part.
    pub fn diagnostic<S: AsRef<str>>(&self, code: Code, path: &[S], message: impl Into<String>) -> Diagnostic {
        Diagnostic::of_file(code, &self.path, message).at(self.position(path), self.tree.path_text(path))
    }
}

/// All documents, by id, in the order of their files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Library {
    /// Scenarios.
    pub scenarios: IndexMap<String, Entry<Scenario>>,
    /// Devices.
    pub devices: IndexMap<String, Entry<Device>>,
    /// Rigs.
    pub rigs: IndexMap<String, Entry<Rig>>,
    /// Suites.
    pub suites: IndexMap<String, Entry<Suite>>,
    /// Quarantines.
    pub quarantines: IndexMap<String, Entry<Quarantine>>,
    /// What was measured of rigs, by their ids.
    pub calibrations: IndexMap<String, Entry<Calibration>>,
    /// Documents that are there and have faults of their own, by id or by the id that their path speaks of.
    faulty: BTreeSet<String>,
}

impl Library {
    /// Whether a document of that id was left out because of its faults. What refers to it is not at fault.
    pub(crate) fn is_faulty(&self, id: &str) -> bool {
        self.faulty.contains(id)
    }

    /// Whether any document was left out: names that only it has are then unknown.
    pub(crate) fn has_faulty(&self) -> bool {
        !self.faulty.is_empty()
    }

    fn leave_out(&mut self, path: &Path, tree: Option<&Tree>) {
        let written = tree.and_then(|tree| tree.root.entries().first()).map(|field| &field.node.value);
        if let Some(Value::Text(id)) = written {
            self.faulty.insert(id.clone());
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        self.faulty.insert(format!("{folder}/{name}"));
        self.faulty.insert(name.into_owned());
    }
}

/// What loading found.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The documents without faults.
    pub library: Library,
    /// The faults of the others, in the order of files and lines.
    pub diagnostics: Vec<Diagnostic>,
    /// The files, for showing the lines.
    pub sources: Vec<SourceFile>,
}

/// Loads documents from the bytes of their files. Faulty ones are left out and explained.
pub fn load(files: Vec<SourceFile>) -> Loaded {
    let mut library = Library::default();
    let mut all = Collected::default();
    for file in &files {
        let mut faults = Vec::new();
        one(file, all.is_full(), &mut library, &mut faults);
        all.add(&file.path, faults);
    }
    Loaded { library, diagnostics: all.finish(), sources: files }
}

/// `counted`: faults are counted only, so that explaining them would be work for nothing.
fn one(file: &SourceFile, counted: bool, library: &mut Library, faults: &mut Vec<Diagnostic>) {
    let parsed = parse::parse(&file.path, &file.bytes);
    faults.extend(parsed.faults);
    let Some(tree) = parsed.tree else { return library.leave_out(&file.path, None) };
    let kind = kind(&file.path, &tree, faults);
    match kind {
        Some(kind) if counted && !shape::is_right(kind, &tree) => {
            faults.push(Diagnostic::of_file(Code::TooManyFaults, &file.path, "the file has faults"));
        }
        Some(kind) if !counted => faults.extend(shape::faults(kind, &file.path, &tree)),
        _ => {}
    }
    let (Some(kind), true) = (kind, faults.is_empty()) else {
        return library.leave_out(&file.path, Some(&tree));
    };
    match kind {
        Kind::Scenario => keep(kind, file, tree, &mut library.scenarios, |d| &d.scenario, faults),
        Kind::Device => keep(kind, file, tree, &mut library.devices, |d| &d.device, faults),
        Kind::Rig => keep(kind, file, tree, &mut library.rigs, |d| &d.rig, faults),
        Kind::Suite => keep(kind, file, tree, &mut library.suites, |d| &d.suite, faults),
        Kind::Quarantine => keep(kind, file, tree, &mut library.quarantines, |d| &d.quarantine, faults),
        Kind::Calibration => keep(kind, file, tree, &mut library.calibrations, |d| &d.calibration, faults),
    }
}

/// The kind of a document, told by its first key.
fn kind(path: &Path, tree: &Tree, faults: &mut Vec<Diagnostic>) -> Option<Kind> {
    const ADVICE: &str =
        "begin with `scenario:`, `device:`, `rig:`, `suite:`, `quarantine:` or `calibration:` and the id";
    let fault = |message: &str, position| Diagnostic::of_file(Code::UnknownKind, path, message).at(position, "");
    let Some(first) = tree.root.entries().first() else {
        if faults.is_empty() {
            let position = tree.root.position;
            faults.push(fault("a document is a map, and this is none", position).suggest(ADVICE));
        }
        return None;
    };
    let of_key = |key: &str| Kind::ALL.into_iter().find(|kind| kind.key() == key);
    if let Some(kind) = of_key(&first.key) {
        return Some(kind);
    }
    let later = tree.root.entries().iter().find_map(|entry| Some((of_key(&entry.key)?, entry.position)));
    let unknown = fault("the first key does not name the kind of the document", first.position);
    faults.push(match later {
        Some((kind, position)) => {
            unknown.label(path, position, "it stands here").suggest(format!("put `{}:` first", kind.key()))
        }
        None => match nearest(&first.key, Kind::ALL.map(Kind::key)) {
            Some(meant) => unknown.suggest(format!("did you mean `{meant}`?")),
            None => unknown.suggest(ADVICE),
        },
    });
    later.map(|(kind, _)| kind)
}

fn keep<T: DeserializeOwned>(
    kind: Kind,
    file: &SourceFile,
    tree: Tree,
    shelf: &mut IndexMap<String, Entry<T>>,
    id: impl Fn(&T) -> &str,
    faults: &mut Vec<Diagnostic>,
) {
    let value: T = match decode::decode(&tree.root) {
        Ok(value) => value,
        Err(error) => {
            let message = format!("the schema accepts the document, decoding does not: {error}");
            let fault = Diagnostic::of_file(Code::Internal, &file.path, message);
            faults.push(fault.suggest("please report it, with the file"));
            return;
        }
    };
    let id = id(&value).to_owned();
    let hash = sha256_hex(&file.bytes);
    let entry = Entry { value, path: file.path.clone(), hash, tree };
    match shelf.entry(id) {
        Slot::Vacant(slot) => {
            slot.insert(entry);
        }
        Slot::Occupied(slot) => {
            let (first, id) = (slot.get(), slot.key());
            faults.push(
                entry
                    .diagnostic(Code::DuplicateId, &[kind.key()], format!("there is another {} `{id}`", kind.key()))
                    .label(&first.path, first.position(&[kind.key()]), "the first one")
                    .suggest("give one of them another id"),
            );
        }
    }
}
