//! What a schema cannot say: whether the documents make sense, alone and together.

mod asked;
mod calibration;
mod configuration;
mod device;
mod expect;
mod facts;
mod fault;
mod known;
mod microphone;
mod network;
mod program;
mod quarantine;
mod references;
mod relay;
mod rig;
mod scenario;
mod size;
mod steps;
mod suite;
mod supply;
mod wiring;

use std::path::Path;

pub use self::{calibration::stale_calibrations, facts::unmarked, quarantine::expired, rig::stale_declarations};

use crate::{
    diagnostic::{Code, Diagnostic, nearest},
    load::{Collected, Entry, Library},
    observation::Quantity,
};

/// Names that documents may use and that other crates define.
#[derive(Debug, Clone, Copy)]
pub struct Vocabulary<'a> {
    /// The stimuli that can be played.
    pub stimuli: &'a [Stimulus<'a>],
    /// The rates in Hz at which they can be made.
    pub rates: &'a [u32],
}

/// A stimulus that can be played.
#[derive(Debug, Clone, Copy)]
pub struct Stimulus<'a> {
    /// Its name.
    pub name: &'a str,
    /// What a recording of it answers.
    pub carries: &'a [Quantity],
}

impl<'a> Vocabulary<'a> {
    fn stimulus(&self, name: &str) -> Option<&'a Stimulus<'a>> {
        self.stimuli.iter().find(|stimulus| stimulus.name == name)
    }

    fn names(&self) -> Vec<&'a str> {
        self.stimuli.iter().map(|stimulus| stimulus.name).collect()
    }
}

/// Checks all documents of a project together, in the order of files and lines.
///
/// The library has to hold everything that documents may refer to: a device that was not loaded is a dangling reference.
pub fn check(library: &Library, vocabulary: &Vocabulary<'_>) -> Vec<Diagnostic> {
    let known = known::Known::of(library);
    let gestures = wiring::needed(library);
    let cuts = supply::cuts(library);
    let mut all = Collected::default();
    for entry in library.scenarios.values() {
        let mut faults = Vec::new();
        path_agrees(entry, "scenario", &entry.value.scenario, &mut faults);
        match size::fault(entry) {
            // Its parts are more than there is time to look at.
            Some(fault) => faults.push(fault),
            None => {
                scenario::check(entry, library, &known, vocabulary, &mut faults);
                supply::discharge(entry, library, &mut faults);
            }
        }
        all.add(&entry.path, faults);
        if all.is_full() {
            return all.finish();
        }
    }
    for entry in library.devices.values() {
        let mut faults = Vec::new();
        path_agrees(entry, "device", &entry.value.device, &mut faults);
        device::check(entry, &mut faults);
        facts::check(entry, &mut faults);
        asked::prompts(entry, &mut faults);
        all.add(&entry.path, faults);
    }
    for entry in library.rigs.values() {
        if all.is_full() {
            break;
        }
        let mut faults = Vec::new();
        path_agrees(entry, "rig", &entry.value.rig, &mut faults);
        rig::check(entry, library, &mut faults);
        asked::check(entry, library, &mut faults);
        fault::check(entry, library, &mut faults);
        wiring::check(entry, library, &gestures, &mut faults);
        supply::batteries(entry, library, &cuts, &mut faults);
        network::check(entry, &mut faults);
        program::check(entry, &mut faults);
        all.add(&entry.path, faults);
    }
    for entry in library.suites.values() {
        let mut faults = Vec::new();
        path_agrees(entry, "suite", &entry.value.suite, &mut faults);
        suite::check(entry, library, &mut faults);
        all.add(&entry.path, faults);
    }
    for entry in library.quarantines.values() {
        let mut faults = Vec::new();
        path_agrees(entry, "quarantine", &entry.value.quarantine, &mut faults);
        quarantine::check(entry, library, &mut faults);
        all.add(&entry.path, faults);
    }
    for entry in library.calibrations.values() {
        let mut faults = Vec::new();
        path_agrees(entry, "calibration", &entry.value.calibration, &mut faults);
        calibration::check(entry, library, &mut faults);
        all.add(&entry.path, faults);
    }
    all.finish()
}

/// A document is found by its path: `devices/jbl/charge-5.yaml` is `jbl/charge-5`.
fn path_agrees<T>(entry: &Entry<T>, key: &str, id: &str, faults: &mut Vec<Diagnostic>) {
    let due = Path::new(id);
    let path = entry.path.with_extension("");
    let length = path.components().count().min(due.components().count());
    let tail = |path: &Path| {
        let all: Vec<_> = path.components().map(|c| c.as_os_str().to_owned()).collect();
        all[all.len() - length..].to_vec()
    };
    if tail(&path) != tail(due) {
        let message = format!("the id `{id}` does not agree with the path of the file");
        let fault = entry.diagnostic(Code::PathDiffers, &[key], message);
        faults.push(fault.suggest(format!("name the file `{id}.yaml`, or change the id")));
    }
}

/// The finding about a name that refers to nothing, with what it could refer to.
fn dangling<T>(entry: &Entry<T>, path: &[&str], what: &str, name: &str, known: &[&str]) -> Diagnostic {
    unknown(entry, Code::DanglingReference, path, what, name, known)
}

fn unknown<T>(entry: &Entry<T>, code: Code, path: &[&str], what: &str, name: &str, known: &[&str]) -> Diagnostic {
    /// So many names fit on a line.
    const SHOWN: usize = 12;
    /// So many names are compared: a hostile document could ask for every pair.
    const COMPARED: usize = 150;
    let similar = |known: &&str| known.len().abs_diff(name.len()) <= 1 + name.len() / 2;
    let fault = entry.diagnostic(code, path, format!("there is no {what} `{name}`"));
    let mut list = known.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if known.len() > SHOWN {
        list.push_str(", ...");
    }
    fault.suggest(match nearest(name, known.iter().copied().filter(similar).take(COMPARED)) {
        _ if known.is_empty() => format!("there is no {what} at all: add one, or delete the name"),
        Some(meant) => format!("did you mean `{meant}`? There are {list}"),
        None => format!("there are {list}"),
    })
}
