//! A log cut into blocks of whole lines, and the lines decoded.

use std::{
    io::{self, Read},
    sync::Arc,
};

use rigtone_model::event::{Event, EventError};

/// The longest line of an event log that is read, in bytes with its line feed.
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

impl Line {
    /// What stands for lines whose thread died.
    pub(super) fn lost() -> Self {
        Self { bytes: 0, content: Err(Fault::Io(io::Error::other("the thread that decodes it has died"))) }
    }
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

/// Whole lines, and what comes after them where that is no whole line.
#[derive(Debug, Default)]
pub(super) struct Block {
    lines: Vec<u8>,
    after: Option<(u64, Fault)>,
}

/// Cuts what is read into blocks.
#[derive(Debug)]
pub(super) struct Blocks<R> {
    reader: R,
    /// The beginning of a line whose end was not read yet.
    rest: Vec<u8>,
    ended: bool,
}

impl<R: Read> Blocks<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, rest: Vec::new(), ended: false }
    }

    /// The next block; nothing at the end.
    pub(super) fn next(&mut self) -> Option<Block> {
        if self.ended {
            return None;
        }
        let mut bytes = std::mem::take(&mut self.rest);
        // What a line that was too long left over may hold whole lines.
        let mut searched = 0;
        loop {
            let read = self.reader.by_ref().take(BLOCK as u64).read_to_end(&mut bytes);
            let whole = bytes[searched..].iter().rposition(|b| *b == b'\n').map(|at| searched + at + 1);
            searched = bytes.len();
            match (read, whole) {
                (Err(os), _) => {
                    self.ended = true;
                    let _ = bytes.split_off(whole.unwrap_or_default());
                    return Some(Block { lines: bytes, after: Some((0, Fault::Io(os))) });
                }
                (Ok(0), whole) => {
                    self.ended = true;
                    let cut = bytes.split_off(whole.unwrap_or_default()).len() as u64;
                    let after = (cut > 0).then_some((cut, Fault::Truncated));
                    return (!bytes.is_empty() || after.is_some()).then_some(Block { lines: bytes, after });
                }
                (Ok(_), Some(whole)) => {
                    self.rest = bytes.split_off(whole);
                    return Some(Block { lines: bytes, after: None });
                }
                (Ok(_), None) if searched as u64 >= LONGEST_LINE => {
                    let after = Some(self.skip_line(searched as u64));
                    return Some(Block { lines: Vec::new(), after });
                }
                (Ok(_), None) => {}
            }
        }
    }

    /// Passes over the rest of a line that is too long.
    fn skip_line(&mut self, mut length: u64) -> (u64, Fault) {
        let mut buffer = vec![0; BLOCK];
        loop {
            let read = match self.reader.read(&mut buffer) {
                Ok(read) => &buffer[..read],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(os) => {
                    self.ended = true;
                    return (0, Fault::Io(os));
                }
            };
            if read.is_empty() {
                self.ended = true;
                return (length, Fault::Truncated);
            }
            if let Some(at) = read.iter().position(|b| *b == b'\n') {
                self.rest = read[at + 1..].to_vec();
                return (length + at as u64 + 1, Fault::TooLong);
            }
            length += read.len() as u64;
        }
    }
}

impl Block {
    /// Its lines, decoded; equal names of runs share their text.
    pub(super) fn decode(self) -> Vec<Line> {
        let mut known: Arc<str> = Arc::from("");
        let mut lines: Vec<Line> =
            self.lines.split_inclusive(|b| *b == b'\n').map(|line| decode(line, &mut known)).collect();
        lines.extend(self.after.map(|(bytes, fault)| Line { bytes, content: Err(fault) }));
        lines
    }
}

fn decode(line: &[u8], known: &mut Arc<str>) -> Line {
    let bytes = line.len() as u64;
    let mut content = || {
        if bytes > LONGEST_LINE {
            return Err(Fault::TooLong);
        }
        let text = str::from_utf8(line.strip_suffix(b"\n").unwrap_or(line)).map_err(|_| Fault::NotText)?;
        let (run, event) = Event::from_line(text).map_err(Fault::Event)?;
        if *run != **known {
            *known = Arc::from(&*run);
        }
        Ok((known.clone(), event))
    };
    Line { bytes, content: content() }
}
