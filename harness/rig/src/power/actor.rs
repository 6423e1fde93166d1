//! The one thread that may talk to a board. It needs no async runtime, and outlives a panic of every other thread.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU8,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant as HostInstant},
};

use rigtone_model::{
    document::{RelayBoard, SafeState},
    event::Truth,
    trial::InfrastructureFault,
};
use tokio::sync::oneshot;

use super::{
    line::Line,
    target::{Target, Which, Wired, position},
    word,
};
use crate::{
    clock::{Clock, Instant},
    hardware::HostClock,
    safety::{Entry, Journal},
};

pub(super) type Reply<T> = oneshot::Sender<T>;
/// Tells how an output, by its place among the targets, was made safe.
pub(super) type Tell = Box<dyn Fn(usize, Result<(), InfrastructureFault>) + Send>;

pub(super) enum Order {
    Switch { channel: u8, on: bool, not_after: Instant, reply: Reply<Result<Truth, InfrastructureFault>> },
    Pulse { channel: u8, held: Duration, not_after: Instant, reply: Reply<Result<bool, InfrastructureFault>> },
    Check { not_after: Instant, reply: Reply<Result<Vec<Position>, InfrastructureFault>> },
    MakeSafe { which: Which, tell: Tell },
}

/// What a board says about a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The channel, from 1.
    pub channel: u8,
    /// Where its coil is.
    pub on: bool,
    /// What it was told last, if it was told anything since the board was opened.
    pub ordered: Option<bool>,
}

pub(super) struct Actor {
    pub(super) member: String,
    /// Its document, for the journal.
    pub(super) board: RelayBoard,
    pub(super) line: Box<dyn Line>,
    /// What each channel was told last.
    pub(super) ordered: BTreeMap<u8, bool>,
    pub(super) rig: String,
    pub(super) last: Option<HostInstant>,
    pub(super) wired: Vec<Wired>,
    pub(super) targets: Arc<[Target]>,
    /// The board's own journal, then those that know it under another path.
    pub(super) journals: Vec<Journal>,
    pub(super) clock: HostClock,
}

impl Actor {
    fn fault(&self, what: impl Into<String>) -> InfrastructureFault {
        InfrastructureFault::new(&self.member, what)
    }

    pub(super) fn serve(&mut self, queue: &mpsc::Receiver<Order>) {
        // A caller that has given up does not take the reply; there is nobody else to tell.
        for order in queue {
            match order {
                Order::Switch { channel, on, not_after, reply } => {
                    let _ = reply.send(self.in_time(not_after).and_then(|()| self.switch(channel, on, not_after)));
                }
                Order::Pulse { channel, held, not_after, reply } => {
                    let _ = reply.send(self.in_time(not_after).and_then(|()| self.pulse(channel, held, not_after)));
                }
                Order::Check { not_after, reply } => {
                    let _ = reply.send(self.in_time(not_after).and_then(|()| self.positions()));
                }
                Order::MakeSafe { which, tell } => self.make_safe(which, &tell),
            }
        }
        self.make_safe(Which::All, &|_, _| {});
    }

    fn keep_distance(&self) {
        if let Some(last) = self.last {
            thread::sleep((last + self.line.spacing()).saturating_duration_since(HostInstant::now()));
        }
    }

    fn in_time(&self, not_after: Instant) -> Result<(), InfrastructureFault> {
        self.keep_distance();
        if self.clock.now() >= not_after {
            return Err(self.fault("the deadline had passed before the order could be sent"));
        }
        Ok(())
    }

    fn switch(&mut self, channel: u8, on: bool, not_after: Instant) -> Result<Truth, InfrastructureFault> {
        let leaves = self.leave(channel, on, not_after)?;
        let truth = self.order(channel, on)?;
        if !leaves {
            self.strike(channel);
        }
        Ok(truth)
    }

    /// Puts it on record where the order brings the output out of its safe state; tells whether it does. The journal comes
    /// first: a crash right after the order must not be forgotten.
    fn leave(&mut self, channel: u8, on: bool, not_after: Instant) -> Result<bool, InfrastructureFault> {
        let wired = self.wired.iter().find(|wired| wired.output.channel == channel);
        let (safe, what) =
            wired.map_or((SafeState::Off, "not wired"), |wired| (wired.output.safe, wired.what.as_str()));
        let leaves = position(safe).is_some_and(|safe| safe != on);
        if leaves {
            let entry = Entry::new(&self.rig, &self.board, channel, safe, what);
            self.record(&entry)?;
            self.in_time(not_after)?;
        }
        Ok(leaves)
    }

    /// The board lets go by itself, and nobody has seen it do so: the output stays on record until it is switched off.
    fn pulse(&mut self, channel: u8, held: Duration, not_after: Instant) -> Result<bool, InfrastructureFault> {
        let number = self.number(channel)?;
        // It comes by both positions; where it then could not begin, the next start makes safe what is safe already.
        for on in [true, false] {
            self.leave(channel, on, not_after)?;
        }
        let begun = self.say(|line| line.pulse(number, held))?;
        if begun {
            self.ordered.insert(channel, false);
        }
        Ok(begun)
    }

    /// Speaks to the board, not too soon after the last time.
    fn say<T>(
        &mut self,
        what: impl FnOnce(&mut dyn Line) -> Result<T, InfrastructureFault>,
    ) -> Result<T, InfrastructureFault> {
        self.keep_distance();
        let said = what(&mut *self.line);
        self.last = Some(HostInstant::now());
        said
    }

    /// Gives an order, and asks what became of it where the board tells.
    fn order(&mut self, channel: u8, on: bool) -> Result<Truth, InfrastructureFault> {
        let number = self.number(channel)?;
        let told = self.say(|line| line.switch(number, on))?;
        self.ordered.insert(channel, on);
        let told = match told {
            Some(told) => Some(told),
            None => self.say(|line| line.position(number))?,
        };
        let Some(told) = told else { return Ok(Truth::Commanded) };
        if told != on {
            let what = format!("switching it {}: the board reports that it is {}", word(on), word(!on));
            let member = format!("{} channel {channel}", self.member);
            let hint = "the relay sticks or has no supply: replace the board, or use another channel";
            return Err(InfrastructureFault::new(member, what).hint(hint));
        }
        Ok(Truth::Reported)
    }

    fn record(&mut self, entry: &Entry) -> Result<(), InfrastructureFault> {
        let not_switched = "so it was not switched";
        let Some(journal) = self.journals.first_mut() else {
            return Err(self.fault(format!("{} has no journal, {not_switched}", entry.what)));
        };
        let path = journal.path().to_owned();
        journal.leaving(entry).map_err(|e| {
            self.fault(format!("writing its journal {} failed: {e}; {}, {not_switched}", path.display(), entry.what))
                .hint("make the file writable, or free space")
        })
    }

    /// The output is safe. Where that cannot be recorded, the next start makes it safe once more, which does no harm.
    fn strike(&mut self, channel: u8) {
        for journal in &mut self.journals {
            let _ = journal.safe_again(channel);
        }
    }

    fn number(&self, channel: u8) -> Result<NonZeroU8, InfrastructureFault> {
        NonZeroU8::new(channel).ok_or_else(|| self.fault("channels count from 1; 0 is none"))
    }

    /// Whether it is there, and the positions that it tells of the channels that are wired.
    fn positions(&mut self) -> Result<Vec<Position>, InfrastructureFault> {
        self.say(|line| line.alive())?;
        let channels: BTreeSet<u8> = self.wired.iter().map(|wired| wired.output.channel).collect();
        let mut positions = Vec::new();
        for channel in channels {
            let number = self.number(channel)?;
            let Some(on) = self.say(|line| line.position(number))? else { continue };
            positions.push(Position { channel, on, ordered: self.ordered.get(&channel).copied() });
        }
        Ok(positions)
    }

    fn make_safe(&mut self, which: Which, tell: &dyn Fn(usize, Result<(), InfrastructureFault>)) {
        let targets = self.targets.clone();
        let mut all = true;
        for (place, target) in targets.iter().enumerate().filter(|(_, target)| which.holds(target)) {
            let mut done = self.order(target.channel, target.on);
            // A board that was plugged in again since the last order answers to its new port only.
            if done.is_err() && self.line.open().is_ok() {
                done = self.order(target.channel, target.on);
            }
            all &= done.is_ok();
            if done.is_ok() {
                self.strike(target.channel);
            }
            tell(place, done.map(|_| ()));
        }
        if all {
            for journal in &mut self.journals {
                // What stays damaged on the disk is made safe again, as above.
                let _ = journal.mended();
            }
        }
    }
}
