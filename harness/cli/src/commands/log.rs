//! The log of a run, from its first event to its last.

use std::path::Path;

use rigtone_model::event::Event;
use rigtone_record::{ReadError, read_events};

use super::report::read_trouble;
use crate::{printer, trouble::Trouble};

/// A log that was read to its end.
pub(crate) struct Log {
    /// The id of the run; nothing when no event was read.
    pub(crate) run: String,
    /// How many events it has.
    pub(crate) events: u64,
    /// What was being written when the program was killed: a last line that is no event.
    damage: Option<ReadError>,
}

impl Log {
    /// Says what of it could not be read.
    pub(crate) fn warn(&self) {
        if let Some(damage) = &self.damage {
            printer::note(&format!("warning: {damage}"));
        }
    }
}

/// Goes through the events of a run. Damage before the last line is an error.
pub(crate) fn read_log(run: &Path, mut visit: impl FnMut(Event) -> Result<(), Trouble>) -> Result<Log, Trouble> {
    let mut events = read_events(run).map_err(|e| read_trouble(&e))?;
    let (mut damage, mut count) = (None, 0);
    while let Some(event) = events.next() {
        match event {
            Ok(event) => {
                count = event.seq + 1;
                visit(event)?;
            }
            Err(error) if error.is_damage() && events.next().is_none() => damage = Some(error),
            Err(error) => return Err(read_trouble(&error)),
        }
    }
    Ok(Log { run: events.run().unwrap_or_default().to_owned(), events: count, damage })
}
