//! Lanes: as many as trials, and steps beside steps, ran at the same time.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use super::{
    TRIALS,
    writer::{Track, Writer},
};

/// Which lanes there are and which of them are free.
#[derive(Default)]
pub(super) struct Lanes {
    known: u32,
    free: BTreeSet<u32>,
}

impl Lanes {
    /// The first lane that is free.
    pub(super) fn take<W: Write>(&mut self, out: &mut Writer<W>) -> io::Result<Track> {
        if let Some(number) = self.free.pop_first() {
            return Ok(Track { group: TRIALS, number });
        }
        self.known += 1;
        let track = Track { group: TRIALS, number: self.known };
        out.track(track, &format!("lane {}", self.known))?;
        Ok(track)
    }

    /// Gives it back.
    pub(super) fn give(&mut self, lane: Track) {
        self.free.insert(lane.number);
    }
}
