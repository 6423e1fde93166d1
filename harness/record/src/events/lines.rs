//! A log cut into lines, and each line decoded.

use std::{
    io::{self, Read},
    sync::Arc,
};

use memchr::memchr;
use rigtone_model::event::{Event, EventError};

/// The longest line of an event log that is read, in bytes with its line feed: memory stays bounded whatever the file holds.
pub(super) const LONGEST_LINE: u64 = 16 << 20;

/// So much is read at a time.
const BLOCK: usize = 256 << 10;

/// A line of the log.
#[derive(Debug)]
pub(super) struct Line {
    /// Its length with its line feed.
    pub(super) bytes: u64,
    /// The run it names, and the event.
    pub(super) content: Result<(Arc<str>, Event), Fault>,
}

/// Why a line is no event.
#[derive(Debug)]
pub(super) enum Fault {
    /// The log cannot be read on.
    Io(io::Error),
    /// It is longer than [`LONGEST_LINE`].
    TooLong,
    /// No line feed ends it: it is the last.
    Truncated,
    /// It is not UTF-8.
    NotText,
    /// It is no event that this version reads.
    Event(EventError),
}

/// The lines of a log, one after the other.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    /// What was read, and how far it was given out.
    bytes: Vec<u8>,
    at: usize,
    ended: bool,
    /// The name of the run of the line before: equal names share their text.
    known: Arc<str>,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, bytes: Vec::new(), at: 0, ended: false, known: Arc::from("") }
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Reads on; gives the line that cannot be read, if one is met.
    fn read(&mut self) -> Option<Line> {
        self.bytes.drain(..self.at);
        self.at = 0;
        let held = self.bytes.len() as u64;
        let fault = match self.reader.by_ref().take(BLOCK as u64).read_to_end(&mut self.bytes) {
            Ok(0) if held == 0 => {
                self.ended = true;
                return None;
            }
            Ok(0) => (held, Fault::Truncated),
            Ok(_) if held < LONGEST_LINE => return None,
            Ok(_) => return Some(self.skip()),
            Err(os) => (0, Fault::Io(os)),
        };
        self.ended = true;
        Some(Line { bytes: fault.0, content: Err(fault.1) })
    }

    /// Passes over a line that is too long.
    fn skip(&mut self) -> Line {
        let mut skipped = 0;
        let fault = loop {
            if let Some(feed) = memchr(b'\n', &self.bytes) {
                self.at = feed + 1;
                skipped += self.at as u64;
                break Fault::TooLong;
            }
            skipped += self.bytes.len() as u64;
            self.bytes.clear();
            match self.reader.by_ref().take(BLOCK as u64).read_to_end(&mut self.bytes) {
                Ok(0) => {
                    self.ended = true;
                    break Fault::Truncated;
                }
                Ok(_) => {}
                Err(os) => {
                    self.ended = true;
                    break Fault::Io(os);
                }
            }
        };
        Line { bytes: skipped, content: Err(fault) }
    }

    fn decode(&mut self, length: usize) -> Result<(Arc<str>, Event), Fault> {
        let line = self.rest().get(..length).unwrap_or_default();
        if length as u64 >= LONGEST_LINE {
            return Err(Fault::TooLong);
        }
        let text = str::from_utf8(line).map_err(|_| Fault::NotText)?;
        let (run, event) = Event::from_line(text).map_err(Fault::Event)?;
        if *run == *self.known {
            return Ok((self.known.clone(), event));
        }
        let run: Arc<str> = Arc::from(&*run);
        self.known = run.clone();
        Ok((run, event))
    }
}

impl<R: Read> Iterator for Lines<R> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        while !self.ended {
            if let Some(length) = memchr(b'\n', self.rest()) {
                let content = self.decode(length);
                self.at += length + 1;
                return Some(Line { bytes: length as u64 + 1, content });
            }
            if let Some(line) = self.read() {
                return Some(line);
            }
        }
        None
    }
}
