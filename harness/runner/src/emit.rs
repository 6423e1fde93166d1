//! The stream of events: written to the log first, then shown to everybody else.

use std::cell::RefCell;

use rigtone_model::{
    event::{At, Body, Event},
    id::CombinationId,
    trial::{TrialFolder, TrialRecord},
};
use rigtone_record::{EvidenceError, RecordError, RunWriter, Stored};
use rigtone_rig::clock::Instant;

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
    pub(crate) fn new(writer: RunWriter, observer: Observer) -> Self {
        let inner = Inner { writer, observer, folder: TrialFolder::default(), seq: 0, broken: None };
        Self { inner: RefCell::new(inner) }
    }

    /// Records an event; gives the record of the trial that it ends, if it ends one.
    pub(crate) fn emit(&self, now: Instant, at: Option<At>, body: Body) -> Option<TrialRecord> {
        let mut inner = self.inner.borrow_mut();
        let event = Event { seq: inner.seq, t_ns: now.0, at, body };
        if inner.broken.is_none()
            && let Err(error) = inner.writer.append(&event)
        {
            inner.broken = Some(error);
        }
        inner.seq += 1;
        (inner.observer)(&event);
        inner.folder.take(&event)
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

    /// Stores a piece of evidence of the trial.
    pub(crate) fn evidence(&self, name: &str, bytes: &[u8]) -> Result<Stored, EvidenceError> {
        self.emitter.inner.borrow_mut().writer.evidence(self.combination, self.trial, self.attempt, name, bytes)
    }
}
