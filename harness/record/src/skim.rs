//! Events of some kinds, read without decoding the others.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
};

use rigtone_model::event::Event;

use crate::{EVENTS, open_file};

/// So much of a log is read at a time, and the longest line of it.
const BLOCK: usize = 256 << 10;
const LONGEST_LINE: u64 = 16 << 20;
/// How the kind stands in a line that we wrote; no text can hold it, for there quotes have a backslash.
const KIND: &[u8] = b"\"kind\":\"";

/// Goes through the log of a run for events of these kinds: of a long night the others are not even decoded. What is written in another way than ours
/// is decoded to see, and handed over whatever its kind. Gives the id of the run, which is empty where no event was handed over; nothing when
/// something is amiss, for then all of it has to be looked at.
pub fn skim_events(directory: &Path, kinds: &[&str], mut take: impl FnMut(Event)) -> Option<String> {
    let mut reader = BufReader::with_capacity(BLOCK, open_file(&directory.join(EVENTS)).ok()?);
    let (mut run, mut line, mut due) = (String::new(), Vec::new(), 0);
    while reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).ok()? > 0 {
        // Cut off, or too long.
        if line.pop() != Some(b'\n') {
            return None;
        }
        if may_be(&line, kinds) {
            let (of, event) = Event::from_line(str::from_utf8(&line).ok()?).ok()?;
            if run.is_empty() {
                run = of.into_owned();
            } else if run != of {
                return None;
            }
            if event.seq < due {
                return None;
            }
            due = event.seq.saturating_add(1);
            take(event);
        }
        line.clear();
    }
    Some(run)
}

/// Whether a line may be of one of these kinds.
fn may_be(line: &[u8], kinds: &[&str]) -> bool {
    let Some(at) = line.windows(KIND.len()).position(|part| part == KIND) else { return true };
    let kind = line.get(at + KIND.len()..).unwrap_or_default();
    kinds.iter().any(|known| kind.strip_prefix(known.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'"')))
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
    fn what_is_wanted_is_found_without_decoding(#[case] line: &str, #[case] found: bool) {
        assert_eq!(may_be(line.as_bytes(), &["trial-finished", "run-started"]), found);
    }
}
