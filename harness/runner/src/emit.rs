//! The stream of events: written to the log first, then shown to everybody else.

use std::{cell::RefCell, collections::BTreeMap, io};

use rigtone_model::{
    document::Scenario,
    event::{At, Body, Event, TrialOutcome},
    id::{CombinationId, sha256_hex},
    observation::Observation,
    trial::{TrialFolder, TrialRecord},
};
use rigtone_record::{EvidenceError, RecordError, RunWriter, Stored, evidence_path};
use rigtone_rig::clock::Instant;

use crate::{
    past::{Done, Past},
    retain::{Keep, Retention, Store, is_of_interest},
};

/// Sees every event after it was recorded.
pub type Observer = Box<dyn FnMut(&Event)>;

/// The only way for events to get anywhere.
pub(crate) struct Emitter {
    inner: RefCell<Inner>,
}

struct Inner {
    writer: RunWriter,
    observer: Observer,
    folder: TrialFolder,
    seq: u64,
    /// The rig's clock began anew at this time of the run.
    offset_ns: i64,
    retention: Retention,
    store: Store,
    /// Evidence of the trials that run, with its size in bytes.
    files: BTreeMap<(CombinationId, u32, u32), Vec<(String, u64)>>,
    /// Evidence of trials that had ended before it was removed.
    forgotten: Vec<(CombinationId, String)>,
    /// The log could not be written: from then on nothing is a result any more.
    broken: Option<RecordError>,
}

/// Where events of a trial belong, and where they go.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) emitter: &'a Emitter,
    pub(crate) combination: &'a CombinationId,
    pub(crate) trial: u32,
    pub(crate) attempt: u32,
    pub(crate) step: Option<&'a str>,
}

impl Emitter {
    /// Goes on where `past` ended. With `again` the rig's clock goes through the whole run once more, else it began
    /// anew.
    pub(crate) fn new(writer: RunWriter, observer: Observer, retention: Retention, past: &Past, again: bool) -> Self {
        let inner = Inner {
            writer,
            observer,
            folder: TrialFolder::default(),
            seq: past.events(),
            offset_ns: if again { 0 } else { past.last_ns() },
            retention,
            store: Store::default(),
            files: BTreeMap::new(),
            forgotten: Vec::new(),
            broken: None,
        };
        Self { inner: RefCell::new(inner) }
    }

    /// Records an event; gives the record of the trial that it ends, if it ends one.
    pub(crate) fn emit(&self, now: Instant, at: Option<At>, mut body: Body) -> Option<TrialRecord> {
        let mut inner = self.inner.borrow_mut();
        body.shift(inner.offset_ns);
        let event = Event { seq: inner.seq, t_ns: now.0 + inner.offset_ns, at, body };
        if inner.broken.is_none()
            && let Err(error) = inner.writer.append(&event)
        {
            inner.broken = Some(error);
        }
        inner.seq += 1;
        (inner.observer)(&event);
        inner.folder.take(event)
    }

    /// Puts the evidence of an attempt aside that is made again.
    pub(crate) fn put_aside(&self, at: &At) -> Option<String> {
        let mut inner = self.inner.borrow_mut();
        match inner.writer.put_aside(&at.combination, at.trial, at.attempt) {
            Ok(aside) => aside,
            Err(error) => {
                inner.broken.get_or_insert(error);
                None
            }
        }
    }

    /// Evidence that was removed after its trial had ended.
    pub(crate) fn take_forgotten(&self) -> Vec<(CombinationId, String)> {
        std::mem::take(&mut self.inner.borrow_mut().forgotten)
    }

    /// Makes what was recorded survive a loss of power.
    pub(crate) fn sync(&self) {
        let mut inner = self.inner.borrow_mut();
        if inner.broken.is_none()
            && let Err(error) = inner.writer.sync()
        {
            inner.broken = Some(error);
        }
    }

    /// Why the log could not be written, once.
    pub(crate) fn take_broken(&self) -> Option<RecordError> {
        self.inner.borrow_mut().broken.take()
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.inner.borrow().broken.is_some()
    }
}

impl<'a> Place<'a> {
    pub(crate) fn emit(&self, now: Instant, body: Body) -> Option<TrialRecord> {
        let at = At {
            combination: self.combination.clone(),
            trial: self.trial,
            attempt: self.attempt,
            step: self.step.map(str::to_owned),
        };
        self.emitter.emit(now, Some(at), body)
    }

    /// The same place, in a step.
    pub(crate) fn in_step(&self, step: &'a str) -> Self {
        Self { step: Some(step), ..*self }
    }

    /// Stores a piece of evidence of the trial; with `full` the disk takes nothing more.
    pub(crate) fn evidence(&self, name: &str, bytes: &[u8], full: bool) -> Result<Stored, EvidenceError> {
        let mut inner = self.emitter.inner.borrow_mut();
        let key = (self.combination.clone(), self.trial, self.attempt);
        let path_of = |name: &str| evidence_path(self.combination, self.trial, self.attempt, name);
        let files = inner.files.get(&key);
        let is_free = |name: &String| !files.is_some_and(|files| files.iter().any(|(file, _)| *file == path_of(name)));
        // Steps of setup, trial and cleanup may have one name.
        let mut names = (1..).map(|number| numbered(name, number));
        let name = &names.find(is_free).unwrap_or_else(|| name.to_owned());
        let stored = if full {
            let path = inner.writer.path().join(path_of(name));
            return Err(EvidenceError::Io { attempted: "write", path, os: io::ErrorKind::StorageFull.into() });
        } else if inner.retention.keep == Keep::None {
            Stored { file: path_of(name), sha256: sha256_hex(bytes) }
        } else {
            inner.writer.evidence(self.combination, self.trial, self.attempt, name, bytes)?
        };
        inner.files.entry(key).or_default().push((stored.file.clone(), bytes.len() as u64));
        Ok(stored)
    }

    /// What was observed in the trial so far.
    pub(crate) fn observations(&self) -> Vec<Observation> {
        let inner = self.emitter.inner.borrow();
        let record = inner.folder.open(self.combination, self.trial, self.attempt);
        record.map(|record| record.observations.clone()).unwrap_or_default()
    }

    /// Whether something in the trial so far is a reason to look at the rig: the device failed, or was not heard.
    pub(crate) fn is_suspicious(&self) -> bool {
        let inner = self.emitter.inner.borrow();
        let record = inner.folder.open(self.combination, self.trial, self.attempt);
        record.is_some_and(|r| r.failure().is_some() || !r.was_heard())
    }

    /// Removes what is not to be kept of the trial, which ends like this.
    pub(crate) fn settle_evidence(&self, now: Instant, scenario: &Scenario, outcome: &TrialOutcome) {
        let key = (self.combination.clone(), self.trial, self.attempt);
        let (files, of_interest) = {
            let mut inner = self.emitter.inner.borrow_mut();
            let Some(files) = inner.files.remove(&key) else { return };
            let record = inner.folder.open(self.combination, self.trial, self.attempt);
            (files, record.is_none_or(|record| is_of_interest(record, outcome, scenario)))
        };
        self.settle(now, files, of_interest, &|_| false);
    }

    /// Counts the evidence of a trial that was done before the run was interrupted, and what had to go for it.
    pub(crate) fn settle_past(&self, now: Instant, scenario: &Scenario, done: &Done, past: &Past) {
        let of_interest = is_of_interest(&done.record, &done.record.outcome, scenario);
        self.settle(now, done.evidence.clone(), of_interest, &|file| past.has_removed(file));
    }

    fn settle(&self, now: Instant, files: Vec<(String, u64)>, of_interest: bool, gone: &dyn Fn(&str) -> bool) {
        let at = At { combination: self.combination.clone(), trial: self.trial, attempt: self.attempt, step: None };
        let (removals, used_up) = {
            let mut inner = self.emitter.inner.borrow_mut();
            let retention = inner.retention;
            inner.store.settle(retention, &at, files, of_interest)
        };
        for removal in removals {
            if removal.at != at {
                let forgotten = (removal.at.combination.clone(), removal.file.clone());
                self.emitter.inner.borrow_mut().forgotten.push(forgotten);
            }
            if gone(&removal.file) {
                continue;
            }
            // First the word, then the deed: the log never names what is not there.
            let body = Body::EvidenceRemoved { file: removal.file.clone(), why: removal.why.to_owned() };
            self.emitter.emit(now, Some(removal.at), body);
            let removed = self.emitter.inner.borrow_mut().writer.remove_evidence(&removal.file);
            if let Err(error) = removed {
                self.emitter.emit(now, None, Body::Warning { text: format!("{error}; {}", error.hint()) });
            }
        }
        if used_up {
            let text = "the budget for evidence is used up by trials that did not go as expected: \
                        what follows is judged, but its recordings are not kept";
            self.emitter.emit(now, None, Body::Warning { text: text.to_owned() });
        }
    }
}

/// The name of the second file that would be called so, and of those after it: `play-bench-1.2.wav`.
fn numbered(name: &str, number: u32) -> String {
    match (number, name.rsplit_once('.')) {
        (0 | 1, _) => name.to_owned(),
        (number, Some((stem, extension))) => format!("{stem}.{number}.{extension}"),
        (number, None) => format!("{name}.{number}"),
    }
}
