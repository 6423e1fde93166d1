//! The one thread that may talk to a board. It needs no async runtime, and outlives a panic of every other thread.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU8,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant as HostInstant},
};

use rigtone_model::{
    document::{RelayBoard, SafeState},
    event::{Edge, Truth},
    trial::InfrastructureFault,
};
use tokio::sync::oneshot;

use super::{
    held::Held,
    line::Line,
    press::{Begun, Chord},
    target::{Target, Which, Wired, position},
    word,
};
use crate::{
    capability::Switched,
    clock::{Clock, Instant},
    hardware::HostClock,
    safety::{Entry, Journal, Wear, now_s},
};

pub(super) type Reply<T> = oneshot::Sender<T>;
/// Tells how an output, by its place among the targets, was made safe.
pub(super) type Tell = Box<dyn Fn(usize, Result<(), InfrastructureFault>) + Send>;

pub(super) enum Order {
    Switch {
        channel: u8,
        on: bool,
        not_after: Instant,
        reply: Reply<Result<Switched, InfrastructureFault>>,
    },
    /// Press buttons together.
    Press {
        chord: Chord,
        not_after: Instant,
        reply: Reply<Result<Begun, InfrastructureFault>>,
    },
    /// Let go of buttons at that time; tells when the first was let go.
    Release {
        channels: Vec<u8>,
        at: Instant,
        reply: Option<Reply<Result<Edge, InfrastructureFault>>>,
    },
    Check {
        not_after: Instant,
        reply: Reply<Result<Vec<Position>, InfrastructureFault>>,
    },
    MakeSafe {
        which: Which,
        tell: Tell,
    },
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
    /// How often its contacts have worked, where that can be counted.
    pub(super) wear: Option<Wear>,
    /// What it lets go by itself.
    pub(super) held: Held,
    /// Outputs that were on for too long, and that nobody has been told of.
    pub(super) overran: Vec<InfrastructureFault>,
    pub(super) clock: HostClock,
}

impl Actor {
    pub(super) fn fault(&self, what: impl Into<String>) -> InfrastructureFault {
        InfrastructureFault::new(&self.member, what)
    }

    pub(super) fn serve(&mut self, queue: &mpsc::Receiver<Order>) {
        // A caller that has given up does not take the reply; there is nobody else to tell.
        loop {
            let now = self.clock.now();
            if self.held.next().is_some_and(|due| due <= now) {
                self.let_go(now);
                // What fails slowly is due again by now: whoever has waited meanwhile comes before it, and once.
                for order in queue.try_iter().collect::<Vec<_>>() {
                    self.obey(order);
                }
            }
            let order = match self.held.next() {
                // What is due already is not waited for; that nobody is left who gives orders is seen all the same.
                Some(due) => {
                    let left = due.since(self.clock.now()).max(0);
                    queue.recv_timeout(Duration::from_nanos(left.unsigned_abs()))
                }
                None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match order {
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.make_safe(Which::All, &|_, _| {});
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Switch { channel, on, not_after, reply } => {
                let _ = reply.send(self.in_time(not_after).and_then(|()| self.switch(channel, on, not_after)));
            }
            Order::Press { chord, not_after, reply } => {
                let begun = self.in_time(not_after).and_then(|()| self.press(&chord, not_after));
                // Whoever wanted them pressed is gone: nobody will let them go.
                if reply.send(begun).is_err() {
                    self.release(&chord.channels, self.clock.now(), None);
                }
            }
            Order::Release { channels, at, reply } => self.release(&channels, at, reply),
            Order::Check { not_after, reply } => {
                let _ = reply.send(self.in_time(not_after).and_then(|()| self.positions()));
            }
            Order::MakeSafe { which, tell } => self.make_safe(which, &tell),
        }
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

    fn switch(&mut self, channel: u8, on: bool, not_after: Instant) -> Result<Switched, InfrastructureFault> {
        let leaves = self.leave(channel, on, not_after)?;
        let longest = self.wired.iter().find(|wired| wired.output.channel == channel).and_then(|w| w.output.longest_on);
        if let Some(longest) = longest.filter(|_| leaves) {
            // Before the order: it may be obeyed though it is not acknowledged.
            self.held.limit(channel, longest, self.clock.now());
        }
        let switched = self.order(channel, on)?;
        if !leaves {
            self.strike(channel);
            self.held.rests(channel, self.clock.now());
        }
        Ok(switched)
    }

    /// Puts it on record where the order brings the output out of its safe state; tells whether it does. The journal comes
    /// first: a crash right after the order must not be forgotten.
    pub(super) fn leave(&mut self, channel: u8, on: bool, not_after: Instant) -> Result<bool, InfrastructureFault> {
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

    /// Has the board time a press; nothing where it cannot. It lets go by itself, and nobody has seen it do so: the output stays
    /// on record until it is switched off.
    pub(super) fn pulse(&mut self, channel: u8, held: Duration) -> Result<Option<Switched>, InfrastructureFault> {
        let number = self.number(channel)?;
        self.keep_distance();
        let sent = self.clock.now();
        if !self.say(|line| line.pulse(number, held))? {
            return Ok(None);
        }
        self.count(channel);
        self.ordered.insert(channel, false);
        let edge = Edge { sent_ns: sent.0, acknowledged_ns: self.clock.now().0 };
        Ok(Some(Switched { truth: Truth::Commanded, edge: Some(edge) }))
    }

    /// The contact has worked once more. What cannot be counted now is counted with its next operation.
    fn count(&mut self, channel: u8) {
        let what = self.wired.iter().find(|wired| wired.output.channel == channel);
        let what = what.map_or("not wired", |wired| wired.what.as_str());
        if let Some(wear) = &mut self.wear {
            let _ = wear.count(channel, what, &self.rig, now_s());
        }
    }

    /// Where a channel is as far as is known: as it was told last, else as it is left.
    fn was_on(&self, channel: u8) -> bool {
        let wired = self.wired.iter().find(|wired| wired.output.channel == channel);
        let left = || wired.and_then(|wired| position(wired.output.safe)).unwrap_or(false);
        self.ordered.get(&channel).copied().unwrap_or_else(left)
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
    pub(super) fn order(&mut self, channel: u8, on: bool) -> Result<Switched, InfrastructureFault> {
        let number = self.number(channel)?;
        let works = on && !self.was_on(channel);
        self.keep_distance();
        let sent = self.clock.now();
        let told = self.say(|line| line.switch(number, on))?;
        let mut acknowledged = self.clock.now();
        if works {
            self.count(channel);
        }
        self.ordered.insert(channel, on);
        let told = match told {
            Some(told) => Some(told),
            None => {
                let told = self.say(|line| line.position(number))?;
                if told.is_some() {
                    acknowledged = self.clock.now();
                }
                told
            }
        };
        let edge = Some(Edge { sent_ns: sent.0, acknowledged_ns: acknowledged.0 });
        let Some(told) = told else { return Ok(Switched { truth: Truth::Commanded, edge }) };
        if told != on {
            let what = format!("switching it {}: the board reports that it is {}", word(on), word(!on));
            let member = format!("{} channel {channel}", self.member);
            let hint = "the relay sticks or has no supply: replace the board, or use another channel";
            return Err(InfrastructureFault::new(member, what).hint(hint));
        }
        Ok(Switched { truth: Truth::Reported, edge })
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
    pub(super) fn strike(&mut self, channel: u8) {
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
        if let Some(overran) = self.overran.pop() {
            return Err(overran);
        }
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
                self.held.rests(target.channel, self.clock.now());
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
