//! What the log of a run says of its verdicts. Of a long night few events are decoded, and none is kept.

use std::path::Path;

use rigtone_model::{
    event::{Body, Event},
    verdict::RunVerdicts,
};
use rigtone_record::{read_events, skim_events};
use rigtone_report::outline::{self, Mismatch, Outline};

/// The kind that tells when a run began.
const BEGINNING: &str = "run-started";

/// What a log says of its run as a whole.
#[derive(Debug, Default)]
pub(crate) struct Log {
    run: Option<String>,
    /// When it began, in seconds since 1970, and with which version of Rigtone.
    pub(crate) began: Option<(i64, String)>,
    /// Whether the run came to its end with its plan done. One that was interrupted has an end too, and can go on.
    done: bool,
    outline: Outline,
}

impl Log {
    /// Goes through the log of a run.
    pub(crate) fn of(directory: &Path) -> Self {
        Self::skimmed(directory).unwrap_or_else(|| Self::whole(directory))
    }

    /// Why verdicts are not those of this log, if they are not. A log that was not copied contradicts nothing.
    pub(crate) fn mismatch(&self, verdicts: &RunVerdicts) -> Option<Mismatch> {
        self.outline.mismatch(self.run.as_deref(), verdicts)
    }

    /// Whether nothing is left to do but to judge it.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Decodes only what tells of the run as a whole. Nothing when something is amiss: then all of it has to be looked at.
    fn skimmed(directory: &Path) -> Option<Self> {
        let mut log = Self::default();
        let kinds: Vec<&str> = outline::KINDS.into_iter().chain([BEGINNING]).collect();
        let run = skim_events(directory, &kinds, |event| log.take(event))?;
        log.run = Some(run).filter(|run| !run.is_empty());
        Some(log)
    }

    /// Goes through every event; what cannot be read is damage.
    fn whole(directory: &Path) -> Self {
        let mut log = Self::default();
        let Ok(mut events) = read_events(directory) else {
            log.outline.take_damage();
            return log;
        };
        for event in events.by_ref() {
            match event {
                Ok(event) => log.take(event),
                Err(_) => log.outline.take_damage(),
            }
        }
        log.run = events.run().map(str::to_owned);
        log
    }

    fn take(&mut self, event: Event) {
        self.outline.take(&event);
        match event.body {
            Body::RunStarted { unix_s, rigtone, .. } => _ = self.began.get_or_insert((unix_s, rigtone)),
            Body::RunFinished { interrupted, .. } => self.done = interrupted.is_none(),
            Body::RunResumed { .. } => self.done = false,
            _ => {}
        }
    }
}
