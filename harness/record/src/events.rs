//! Reading the log of a run back, event by event.

mod lines;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use rigtone_model::event::Event;

use self::lines::{Fault, LONGEST_LINE, Line, Lines};
use crate::{error::ReadError, layout::EVENTS, open};

/// Reads `events.jsonl` event by event.
///
/// # Errors
/// When the log cannot be opened.
pub fn read_events(directory: &Path) -> Result<Events, ReadError> {
    let path = directory.join(EVENTS);
    match open::file(&path) {
        Ok(file) => Ok(Events {
            lines: Lines::new(file),
            path,
            line: 0,
            offset: 0,
            next: 0,
            run: None,
            after_gap: None,
            ended: false,
        }),
        Err(os) => Err(ReadError::Io { path, os }),
    }
}

/// The events of a log, in its order. A fault names its line and does not end the stream: what is whole is given out.
#[derive(Debug)]
pub struct Events {
    lines: Lines<File>,
    path: PathBuf,
    line: u64,
    /// Bytes read.
    offset: u64,
    next: u64,
    run: Option<Arc<str>>,
    /// The event whose gap was reported just now.
    after_gap: Option<Event>,
    ended: bool,
}

impl Events {
    /// The run of the events so far.
    pub fn run(&self) -> Option<&str> {
        self.run.as_deref()
    }

    /// Where the line that was read last ends, in bytes from the beginning.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The number of the event that is due.
    pub(crate) fn due(&self) -> u64 {
        self.next
    }

    fn read(&mut self) -> Option<Result<Event, ReadError>> {
        let Line { bytes, content } = self.lines.next()?;
        self.line += 1;
        let (line, expected) = (self.line, self.next);
        let path = || self.path.clone();
        // A line that cannot be read counts as the event that was due: one fault, one message.
        self.next += 1;
        let error = match content {
            Ok((run, event)) => {
                self.offset += bytes;
                return Some(self.check(line, expected, &run, event));
            }
            Err(Fault::Io(os)) => {
                self.ended = true;
                return Some(Err(ReadError::Io { path: path(), os }));
            }
            Err(Fault::Truncated) => {
                self.ended = true;
                self.next = expected;
                return Some(Err(ReadError::Truncated { path: path(), line, bytes }));
            }
            Err(Fault::TooLong) => ReadError::TooLong { path: path(), line, most: LONGEST_LINE },
            Err(Fault::NotText) => ReadError::NotText { path: path(), line },
            Err(Fault::Event(cause)) => ReadError::Event { path: path(), line, cause },
        };
        self.offset += bytes;
        Some(Err(error))
    }

    fn check(&mut self, line: u64, expected: u64, run: &Arc<str>, event: Event) -> Result<Event, ReadError> {
        let log = &*self.run.get_or_insert_with(|| run.clone());
        if log != run {
            self.next = expected;
            let (expected, found) = (log.to_string(), run.to_string());
            return Err(ReadError::Run { path: self.path.clone(), line, expected, found });
        }
        let found = event.seq;
        if found < expected {
            self.next = expected;
            return Err(ReadError::Duplicate { path: self.path.clone(), line, expected, found });
        }
        self.next = found.saturating_add(1);
        if found > expected {
            self.after_gap = Some(event);
            return Err(ReadError::Gap { path: self.path.clone(), line, expected, found });
        }
        Ok(event)
    }
}

impl Iterator for Events {
    type Item = Result<Event, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(event) = self.after_gap.take() {
            return Some(Ok(event));
        }
        if self.ended { None } else { self.read() }
    }
}
