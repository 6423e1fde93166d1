//! The one thread that may talk to a board. It needs no async runtime, and outlives a panic of every other thread.

use std::{
    io::{self, Write},
    num::NonZeroU8,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant as HostInstant},
};

use rigtone_model::{document::SafeState, event::Truth, trial::InfrastructureFault};
use tokio::sync::oneshot;

use super::{
    lcus,
    target::{Target, Which, Wired, position},
};
use crate::{
    clock::{Clock, Instant},
    hardware::HostClock,
    safety::{Entry, Journal},
};

/// How long one order may take.
const ORDER_TIMEOUT: Duration = Duration::from_millis(500);
const CABLE: &str = "check the board's USB cable and its hub";

pub(super) type Reply<T> = oneshot::Sender<T>;
/// Tells how an output, by its place among the targets, was made safe.
pub(super) type Tell = Box<dyn Fn(usize, Result<(), InfrastructureFault>) + Send>;

pub(super) enum Order {
    Switch { channel: u8, on: bool, not_after: Instant, reply: Reply<Result<Truth, InfrastructureFault>> },
    Check { not_after: Instant, reply: Reply<Result<(), InfrastructureFault>> },
    MakeSafe { which: Which, tell: Tell },
}

pub(super) struct Actor {
    pub(super) member: String,
    pub(super) path: String,
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
                    let _ = reply.send(self.in_time(not_after).and_then(|()| self.alive()));
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
        self.send(channel, on)?;
        if !leaves {
            self.strike(channel);
        }
        Ok(Truth::Commanded)
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
        let number = NonZeroU8::new(channel).ok_or_else(|| self.fault("channels count from 1; 0 is none"))?;
        self.keep_distance();
        self.open()?;
        let Some(port) = &mut self.port else { return Err(self.fault("no port is open")) };
        let sent = port.write_all(&lcus::switch(number, on)).and_then(|()| drain(&**port));
        self.last = Some(HostInstant::now());
        if let Err(e) = sent {
            // Closing waits for what was not sent.
            let _ = port.clear(serialport::ClearBuffer::Output);
            // The next order opens it again: a board that was plugged in again must be usable.
            self.port = None;
            let order = if on { "on" } else { "off" };
            let what = format!("switching channel {channel} {order} on {} failed: {e}", self.path);
            return Err(self.fault(what).hint(CABLE));
        }
        Ok(())
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
            let mut sent = self.send(target.channel, target.on);
            // A board that was plugged in again since the last order answers to its new port only.
            if sent.is_err() && was_open && self.open().is_ok() {
                sent = self.send(target.channel, target.on);
            }
            all &= sent.is_ok();
            if sent.is_ok() {
                self.strike(target.channel);
            }
            tell(place, sent);
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
