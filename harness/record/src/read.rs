//! Reading a run back.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use rigtone_model::{
    event::{Event, EventError},
    plan::Plan,
    verdict::RunVerdicts,
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    error::ReadError,
    layout::{ENVIRONMENT, EVENTS, PLAN, VERDICTS},
    open,
};

/// The longest line of an event log that is read, in bytes: memory stays bounded whatever the file holds.
const LONGEST_LINE: u64 = 16 << 20;

/// Reads `plan.json`: as the [`Plan`], or as JSON with all that a newer version wrote.
///
/// # Errors
/// When it is not there, not a plan, or of another major version.
pub fn read_plan<T: DeserializeOwned>(directory: &Path) -> Result<T, ReadError> {
    read_json(directory.join(PLAN), Some(Plan::SCHEMA))
}

/// Reads `verdicts.json`.
///
/// # Errors
/// When it is not there, not verdicts, or of another major version.
pub fn read_verdicts(directory: &Path) -> Result<RunVerdicts, ReadError> {
    read_json(directory.join(VERDICTS), Some(RunVerdicts::SCHEMA))
}

/// Reads `environment.json`.
///
/// # Errors
/// When it is not there, or not JSON.
pub fn read_environment(directory: &Path) -> Result<serde_json::Value, ReadError> {
    read_json(directory.join(ENVIRONMENT), None)
}

fn read_json<T: DeserializeOwned>(path: PathBuf, schema: Option<&'static str>) -> Result<T, ReadError> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: String,
    }
    let text = match open::whole(&path) {
        Ok(text) => text,
        Err(os) => return Err(ReadError::Io { path, os }),
    };
    // The version comes first: a document of another one may fault in any way.
    if let Some(expected) = schema {
        let found = match serde_json::from_slice::<Versioned>(&text) {
            Ok(document) => document.schema,
            Err(cause) => return Err(ReadError::Json { path, cause }),
        };
        if found.split('.').next() != expected.split('.').next() {
            return Err(ReadError::Schema { path, found, expected });
        }
    }
    serde_json::from_slice(&text).map_err(|cause| ReadError::Json { path, cause })
}

/// Reads `events.jsonl` event by event.
///
/// # Errors
/// When the log cannot be opened.
pub fn read_events(directory: &Path) -> Result<Events, ReadError> {
    let path = directory.join(EVENTS);
    match open::file(&path) {
        Ok(file) => Ok(Events {
            reader: BufReader::new(file),
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
    reader: BufReader<File>,
    path: PathBuf,
    line: u64,
    /// Bytes read.
    offset: u64,
    next: u64,
    run: Option<String>,
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
        let mut bytes = Vec::new();
        if let Err(os) = (&mut self.reader).take(LONGEST_LINE).read_until(b'\n', &mut bytes) {
            self.ended = true;
            return Some(Err(ReadError::Io { path: self.path.clone(), os }));
        }
        if bytes.is_empty() {
            self.ended = true;
            return None;
        }
        self.line += 1;
        self.offset += bytes.len() as u64;
        let (path, line) = (self.path.clone(), self.line);
        if bytes.pop() != Some(b'\n') {
            let read = bytes.len() as u64 + 1;
            return Some(match self.skip_line() {
                Err(os) => {
                    self.ended = true;
                    Err(ReadError::Io { path, os })
                }
                Ok((more, true)) => {
                    self.offset += more;
                    self.next += 1;
                    Err(ReadError::TooLong { path, line, most: LONGEST_LINE })
                }
                Ok((more, false)) => {
                    self.ended = true;
                    Err(ReadError::Truncated { path, line, bytes: read + more })
                }
            });
        }
        Some(self.event(path, line, bytes))
    }

    fn event(&mut self, path: PathBuf, line: u64, bytes: Vec<u8>) -> Result<Event, ReadError> {
        let expected = self.next;
        // A line that cannot be read counts as the event that was due: one fault, one message.
        self.next += 1;
        let Ok(text) = String::from_utf8(bytes) else { return Err(ReadError::NotText { path, line }) };
        let (run, event) = Event::from_line(&text).map_err(|cause: EventError| ReadError::Event {
            path: path.clone(),
            line,
            cause,
        })?;
        let log = self.run.get_or_insert_with(|| run.clone().into_owned());
        if *log != run {
            self.next = expected;
            return Err(ReadError::Run { path, line, expected: log.clone(), found: run.into_owned() });
        }
        let found = event.seq;
        if found < expected {
            self.next = expected;
            return Err(ReadError::Duplicate { path, line, expected, found });
        }
        self.next = found.saturating_add(1);
        if found > expected {
            self.after_gap = Some(event);
            return Err(ReadError::Gap { path, line, expected, found });
        }
        Ok(event)
    }

    /// Passes over the rest of a line; tells its bytes and whether a line feed ended it.
    fn skip_line(&mut self) -> io::Result<(u64, bool)> {
        let mut skipped = 0;
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok((skipped, false));
            }
            let end = buffer.iter().position(|b| *b == b'\n');
            let used = end.map_or(buffer.len(), |at| at + 1);
            self.reader.consume(used);
            skipped += used as u64;
            if end.is_some() {
                return Ok((skipped, true));
            }
        }
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
