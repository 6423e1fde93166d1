//! What the log of a run says of its verdicts. Of a long night few events are decoded, and none is kept.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
};

use rigtone_model::{
    event::{Body, Event},
    verdict::RunVerdicts,
};
use rigtone_record::{EVENTS, open_file, read_events};
use rigtone_report::outline::{self, Mismatch, Outline};

/// So much is skimmed at a time, and the longest line.
const BLOCK: usize = 256 << 10;
const LONGEST_LINE: u64 = 16 << 20;
/// How the kind stands in a line that we wrote; no text can hold it, for there quotes have a backslash.
const KIND: &[u8] = b"\"kind\":\"";
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
        let mut reader = BufReader::with_capacity(BLOCK, open_file(&directory.join(EVENTS)).ok()?);
        let (mut line, mut due) = (Vec::new(), 0);
        while reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).ok()? > 0 {
            // Cut off, or too long.
            if line.pop() != Some(b'\n') {
                return None;
            }
            if tells(&line) {
                let (run, event) = Event::from_line(str::from_utf8(&line).ok()?).ok()?;
                if *log.run.get_or_insert_with(|| run.clone().into_owned()) != *run || event.seq < due {
                    return None;
                }
                due = event.seq.saturating_add(1);
                log.take(event);
            }
            line.clear();
        }
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

/// Whether a line may tell of the run as a whole. What is written in another way than ours is decoded to see.
fn tells(line: &[u8]) -> bool {
    let Some(at) = line.windows(KIND.len()).position(|part| part == KIND) else { return true };
    let kind = line.get(at + KIND.len()..).unwrap_or_default();
    let is = |known: &str| kind.strip_prefix(known.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'"'));
    is(BEGINNING) || outline::KINDS.iter().any(|known| is(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::of_the_run(r#"{"schema":"1.0","run":"r","kind":"trial-finished","payload":{}}"#, true)]
    #[case::its_beginning(r#"{"schema":"1.0","run":"r","kind":"run-started","payload":{}}"#, true)]
    #[case::of_a_step(r#"{"schema":"1.0","run":"r","kind":"observed","payload":{}}"#, false)]
    #[case::longer(r#"{"schema":"1.0","run":"r","kind":"trial-finished-twice","payload":{}}"#, false)]
    #[case::in_a_text(r#"{"schema":"1.0","run":"\"kind\":\"run-started\"","kind":"observed"}"#, false)]
    #[case::with_spaces(r#"{"schema": "1.0", "run": "r", "kind": "observed"}"#, true)]
    #[case::no_event("", true)]
    fn what_tells_of_a_run_is_found_without_decoding(#[case] line: &str, #[case] found: bool) {
        assert_eq!(tells(line.as_bytes()), found);
    }
}
