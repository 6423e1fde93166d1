//! The one thread that may talk to a board. It needs no async runtime, and outlives a panic of every other thread.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    num::NonZeroU8,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant as HostInstant},
};

use rigtone_model::{
    document::{LcusReports, SafeState},
    event::Truth,
    trial::InfrastructureFault,
};
use tokio::sync::oneshot;

use super::{
    lcus::{self, Report},
    target::{Target, Which, Wired, position},
    word,
};
use crate::{
    clock::{Clock, Instant},
    hardware::HostClock,
    safety::{Entry, Journal},
};

/// How long one order may take, and its answer.
const ORDER_TIMEOUT: Duration = Duration::from_millis(500);
/// How much of an answer that is none is shown.
const SHOWN: usize = 12;
const CABLE: &str = "check the board's USB cable and its hub";

pub(super) type Reply<T> = oneshot::Sender<T>;
/// Tells how an output, by its place among the targets, was made safe.
pub(super) type Tell = Box<dyn Fn(usize, Result<(), InfrastructureFault>) + Send>;

pub(super) enum Order {
    Switch { channel: u8, on: bool, not_after: Instant, reply: Reply<Result<Truth, InfrastructureFault>> },
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
    pub(super) path: String,
    pub(super) reports: Option<LcusReports>,
    pub(super) channels: u8,
    /// What each channel was told last.
    pub(super) ordered: BTreeMap<u8, bool>,
    pub(super) rig: String,
    pub(super) port: Option<Box<dyn serialport::SerialPort>>,
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

    pub(super) fn open(&mut self) -> Result<(), InfrastructureFault> {
        if self.port.is_none() {
            let port = serialport::new(&self.path, lcus::BAUD).timeout(ORDER_TIMEOUT).open();
            self.port = Some(port.map_err(|e| self.refused(&e))?);
        }
        Ok(())
    }

    fn refused(&self, error: &serialport::Error) -> InfrastructureFault {
        self.fault(format!("opening {} failed: {error}", self.path)).hint(match error.kind() {
            _ if !std::path::Path::new(&self.path).exists() => "plug the board in, or correct its port in the rig file",
            serialport::ErrorKind::Io(io::ErrorKind::PermissionDenied) => {
                "give this user the right to use serial ports (group dialout)"
            }
            _ => "end the program that uses the port",
        })
    }

    pub(super) fn serve(&mut self, queue: &mpsc::Receiver<Order>) {
        // A caller that has given up does not take the reply; there is nobody else to tell.
        for order in queue {
            match order {
                Order::Switch { channel, on, not_after, reply } => {
                    let _ = reply.send(self.in_time(not_after).and_then(|()| self.switch(channel, on, not_after)));
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
            thread::sleep((last + lcus::SPACING).saturating_duration_since(HostInstant::now()));
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
        let wired = self.wired.iter().find(|wired| wired.output.channel == channel);
        let (safe, what) =
            wired.map_or((SafeState::Off, "not wired"), |wired| (wired.output.safe, wired.what.as_str()));
        let leaves = position(safe).is_some_and(|safe| safe != on);
        if leaves {
            // The journal first: a crash right after the order must not be forgotten.
            let entry = Entry::new(&self.rig, &self.path, channel, safe, what);
            self.record(&entry)?;
            self.in_time(not_after)?;
        }
        let truth = self.order(channel, on)?;
        if !leaves {
            self.strike(channel);
        }
        Ok(truth)
    }

    /// Gives an order, and asks what became of it where the board tells.
    fn order(&mut self, channel: u8, on: bool) -> Result<Truth, InfrastructureFault> {
        self.send(channel, on)?;
        self.ordered.insert(channel, on);
        let Some(reports) = self.reports else { return Ok(Truth::Commanded) };
        if self.ask(reports, channel)? != on {
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

    fn send(&mut self, channel: u8, on: bool) -> Result<(), InfrastructureFault> {
        let number = self.number(channel)?;
        self.tell(&lcus::switch(number, on), || format!("switching channel {channel} {}", word(on)))
    }

    fn number(&self, channel: u8) -> Result<NonZeroU8, InfrastructureFault> {
        NonZeroU8::new(channel).ok_or_else(|| self.fault("channels count from 1; 0 is none"))
    }

    fn tell(&mut self, bytes: &[u8], doing: impl Fn() -> String) -> Result<(), InfrastructureFault> {
        self.keep_distance();
        self.open()?;
        let Some(port) = &mut self.port else { return Err(self.fault("no port is open")) };
        let sent = port.write_all(bytes).and_then(|()| drain(&**port));
        self.last = Some(HostInstant::now());
        if let Err(e) = sent {
            // Closing waits for what was not sent.
            let _ = port.clear(serialport::ClearBuffer::Output);
            return Err(self.lost(&doing(), &e));
        }
        Ok(())
    }

    /// The port failed. The next order opens it again: a board that was plugged in again must be usable.
    fn lost(&mut self, doing: &str, error: &io::Error) -> InfrastructureFault {
        self.port = None;
        self.fault(format!("{doing} on {} failed: {error}", self.path)).hint(CABLE)
    }

    /// Asks the board for the position of a channel.
    fn ask(&mut self, reports: LcusReports, channel: u8) -> Result<bool, InfrastructureFault> {
        let number = self.number(channel)?;
        let doing = || format!("asking for channel {channel}");
        // What it said unasked, or too late, is no answer to this question.
        if let Some(port) = &self.port {
            let _ = port.clear(serialport::ClearBuffer::Input);
        }
        self.tell(&lcus::ask(reports, number), doing)?;
        let (mut received, mut buffer) = (Vec::new(), [0; 64]);
        let end = HostInstant::now() + ORDER_TIMEOUT;
        while HostInstant::now() < end {
            let Some(port) = &mut self.port else { return Err(self.fault("no port is open")) };
            match port.read(&mut buffer) {
                Ok(count) => received.extend(&buffer[..count]),
                Err(e) if matches!(e.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted) => {}
                Err(e) => return Err(self.lost(&doing(), &e)),
            }
            match lcus::report(reports, number, self.channels, &received) {
                Report::Position(on) => return Ok(on),
                Report::Part => {}
                Report::Garbage => break,
            }
        }
        Err(self.no_answer(&doing(), &received))
    }

    fn no_answer(&self, doing: &str, received: &[u8]) -> InfrastructureFault {
        if received.is_empty() {
            let what = format!("{doing}: no answer within {} ms", ORDER_TIMEOUT.as_millis());
            return self.fault(what).hint("check the board's cable and supply, and `reports` in the rig file");
        }
        let shown: Vec<String> = received.iter().take(SHOWN).map(|byte| format!("{byte:02X}")).collect();
        let more = if received.len() > SHOWN { " ..." } else { "" };
        self.fault(format!("{doing}: it answered {}{more}, which is no answer", shown.join(" ")))
            .hint("check what else uses its port, and `reports` and `channels` in the rig file")
    }

    /// Whether the port is there, and the positions that the board tells of the channels that are wired.
    fn positions(&mut self) -> Result<Vec<Position>, InfrastructureFault> {
        self.alive()?;
        let Some(reports) = self.reports else { return Ok(Vec::new()) };
        let channels: BTreeSet<u8> = self.wired.iter().map(|wired| wired.output.channel).collect();
        let mut positions = Vec::new();
        for channel in channels {
            let on = self.ask(reports, channel)?;
            positions.push(Position { channel, on, ordered: self.ordered.get(&channel).copied() });
        }
        Ok(positions)
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        if let Some(port) = &mut self.port
            && let Err(e) = port.bytes_to_read()
        {
            self.port = None;
            if self.open().is_err() {
                return Err(self.fault(format!("{} is gone: {e}", self.path)).hint(CABLE));
            }
        }
        self.open()
    }

    fn make_safe(&mut self, which: Which, tell: &dyn Fn(usize, Result<(), InfrastructureFault>)) {
        let targets = self.targets.clone();
        let mut all = true;
        for (place, target) in targets.iter().enumerate().filter(|(_, target)| which.holds(target)) {
            let was_open = self.port.is_some();
            let mut done = self.order(target.channel, target.on);
            // A board that was plugged in again since the last order answers to its new port only.
            if done.is_err() && was_open && self.open().is_ok() {
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

/// Waits until the port has sent what it was given, and not for ever: a board may take nothing.
fn drain(port: &dyn serialport::SerialPort) -> io::Result<()> {
    let begin = HostInstant::now();
    while port.bytes_to_write()? > 0 {
        if begin.elapsed() > ORDER_TIMEOUT {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the board takes nothing"));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
