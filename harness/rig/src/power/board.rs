//! A relay board and the one thread that may talk to it.
//!
//! The thread needs no async runtime: it drives the outputs to their safe state when its handle is dropped, which also
//! happens when the main thread unwinds from a panic.

use std::{
    io::Write,
    num::NonZeroU8,
    rc::Rc,
    sync::mpsc,
    thread,
    time::{Duration, Instant as HostInstant},
};

use async_trait::async_trait;
use rigtone_model::{
    document::{Output, SafeState},
    event::Truth,
    trial::InfrastructureFault,
};
use tokio::sync::oneshot;

use super::lcus;
use crate::{
    capability::Power,
    clock::{Clock, Instant},
    hardware::HostClock,
};

/// How long one write may take.
const WRITE_TIMEOUT: Duration = Duration::from_millis(500);
/// How long dropping a board may take; a board that hangs must not hang the program.
const FAREWELL: Duration = Duration::from_secs(5);

/// An output of the board that is wired to something.
#[derive(Debug, Clone)]
pub struct Wired {
    /// What it is wired to, such as `power of kitchen-speaker`.
    pub what: String,
    /// The output.
    pub output: Output,
}

type Reply<T> = oneshot::Sender<T>;

enum Order {
    Switch { channel: u8, on: bool, not_after: Instant, reply: Reply<Result<Truth, InfrastructureFault>> },
    Check { not_after: Instant, reply: Reply<Result<(), InfrastructureFault>> },
    MakeSafe { reply: Reply<Vec<InfrastructureFault>> },
}

/// A relay board that stays open. Dropping it drives every wired output to its declared safe state.
pub struct Board {
    member: String,
    orders: Option<mpsc::Sender<Order>>,
    ended: mpsc::Receiver<()>,
    clock: HostClock,
}

impl Board {
    /// Opens the board `name` on the serial port `path`, for this program alone.
    ///
    /// # Errors
    /// When the port is missing, busy or refused.
    pub fn open(name: &str, path: &str, wired: Vec<Wired>, clock: HostClock) -> Result<Self, InfrastructureFault> {
        let member = format!("relay {name}");
        let mut actor = Actor { member: member.clone(), path: path.to_owned(), port: None, last: None, wired, clock };
        actor.open()?;
        let (orders, queue) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        thread::Builder::new()
            .name(member.clone())
            .spawn(move || {
                actor.serve(&queue);
                // Nobody listens when the board was given up.
                let _ = end.send(());
            })
            .map_err(|e| InfrastructureFault::new(&member, format!("starting its thread failed: {e}")))?;
        Ok(Self { member, orders: Some(orders), ended, clock })
    }

    /// The board as faults name it.
    pub fn member(&self) -> &str {
        &self.member
    }

    /// Switches a channel, from 1.
    ///
    /// # Errors
    /// When the order was not sent by `deadline`. An order that comes too late is dropped, never sent afterwards.
    pub async fn switch(&self, channel: u8, on: bool, deadline: Instant) -> Result<Truth, InfrastructureFault> {
        self.ask(deadline, |reply| Order::Switch { channel, on, not_after: deadline, reply }).await?
    }

    /// Whether the port is still there; it is opened again where it was lost.
    ///
    /// # Errors
    /// When it is not.
    pub async fn check(&self, deadline: Instant) -> Result<(), InfrastructureFault> {
        self.ask(deadline, |reply| Order::Check { not_after: deadline, reply }).await?
    }

    /// Drives every wired output to its safe state; tries all of them and gives what failed.
    pub async fn make_safe(&self, deadline: Instant) -> Vec<InfrastructureFault> {
        self.ask(deadline, |reply| Order::MakeSafe { reply }).await.unwrap_or_else(|fault| vec![fault])
    }

    async fn ask<T>(&self, deadline: Instant, order: impl FnOnce(Reply<T>) -> Order) -> Result<T, InfrastructureFault> {
        let gone = || InfrastructureFault::new(&self.member, "its thread has ended");
        let (reply, answer) = oneshot::channel();
        self.orders.as_ref().ok_or_else(gone)?.send(order(reply)).map_err(|_| gone())?;
        tokio::select! {
            biased;
            answer = answer => answer.map_err(|_| gone()),
            () = self.clock.sleep_until(deadline) => Err(
                InfrastructureFault::new(&self.member, "the port took no order before the deadline")
                    .hint("unplug the board and plug it in again"),
            ),
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.orders = None;
        // A board that hangs is given up; its thread dies with the program.
        let _ = self.ended.recv_timeout(FAREWELL);
    }
}

struct Actor {
    member: String,
    path: String,
    port: Option<Box<dyn serialport::SerialPort>>,
    last: Option<HostInstant>,
    wired: Vec<Wired>,
    clock: HostClock,
}

impl Actor {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        if self.port.is_none() {
            let port = serialport::new(&self.path, lcus::BAUD).timeout(WRITE_TIMEOUT).open();
            self.port = Some(port.map_err(|e| self.refused(&e))?);
        }
        Ok(())
    }

    fn refused(&self, error: &serialport::Error) -> InfrastructureFault {
        let fault = InfrastructureFault::new(&self.member, format!("opening {} failed: {error}", self.path));
        fault.hint(match error.kind() {
            _ if !std::path::Path::new(&self.path).exists() => "plug the board in, or correct its port in the rig file",
            serialport::ErrorKind::Io(std::io::ErrorKind::PermissionDenied) => {
                "give this user the right to use serial ports (group dialout)"
            }
            _ => "end the program that uses the port",
        })
    }

    fn serve(&mut self, queue: &mpsc::Receiver<Order>) {
        // A caller that has given up does not take the reply; there is nobody else to tell.
        for order in queue {
            match order {
                Order::Switch { channel, on, not_after, reply } => {
                    let _ = reply.send(self.in_time(not_after).and_then(|()| self.switch(channel, on)));
                }
                Order::Check { not_after, reply } => {
                    let _ = reply.send(self.in_time(not_after).and_then(|()| self.alive()));
                }
                Order::MakeSafe { reply } => {
                    let _ = reply.send(self.make_safe());
                }
            }
        }
        self.make_safe();
    }

    fn keep_distance(&self) {
        if let Some(last) = self.last {
            thread::sleep((last + lcus::SPACING).saturating_duration_since(HostInstant::now()));
        }
    }

    fn in_time(&self, not_after: Instant) -> Result<(), InfrastructureFault> {
        self.keep_distance();
        if self.clock.now() >= not_after {
            return Err(InfrastructureFault::new(
                &self.member,
                "the deadline had passed before the order could be sent",
            ));
        }
        Ok(())
    }

    fn switch(&mut self, channel: u8, on: bool) -> Result<Truth, InfrastructureFault> {
        let number = NonZeroU8::new(channel)
            .ok_or_else(|| InfrastructureFault::new(&self.member, "channels count from 1; 0 is none"))?;
        self.keep_distance();
        self.open()?;
        let Some(port) = &mut self.port else { return Err(InfrastructureFault::new(&self.member, "no port is open")) };
        let sent = port.write_all(&lcus::switch(number, on)).and_then(|()| port.flush());
        self.last = Some(HostInstant::now());
        if let Err(e) = sent {
            // The next order opens it again: a board that was plugged in again must be usable.
            self.port = None;
            let order = if on { "on" } else { "off" };
            let what = format!("switching channel {channel} {order} on {} failed: {e}", self.path);
            return Err(InfrastructureFault::new(&self.member, what).hint("check the board's USB cable and its hub"));
        }
        Ok(Truth::Commanded)
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        if let Some(port) = &mut self.port
            && let Err(e) = port.bytes_to_read()
        {
            self.port = None;
            if self.open().is_err() {
                let what = format!("{} is gone: {e}", self.path);
                return Err(
                    InfrastructureFault::new(&self.member, what).hint("check the board's USB cable and its hub")
                );
            }
        }
        self.open()
    }

    fn make_safe(&mut self) -> Vec<InfrastructureFault> {
        let mut faults = Vec::new();
        for Wired { what, output } in self.wired.clone() {
            let on = match output.safe {
                SafeState::On => true,
                SafeState::Off => false,
                SafeState::Keep => continue,
            };
            if let Err(mut fault) = self.switch(output.channel, on) {
                fault.what = format!("{what} may not be in its safe state: {}", fault.what);
                faults.push(fault);
            }
        }
        faults
    }
}

/// A channel that switches a unit's supply.
pub struct Outlet {
    /// The board.
    pub board: Rc<Board>,
    /// The channel, from 1.
    pub channel: u8,
}

#[async_trait(?Send)]
impl Power for Outlet {
    async fn switch(&self, on: bool, deadline: Instant) -> Result<Truth, InfrastructureFault> {
        self.board.switch(self.channel, on, deadline).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_port::Pty;

    /// Far enough that no load of the host matters.
    const PATIENCE: i64 = 30_000_000_000;
    const ON_1: [u8; 4] = [0xA0, 1, 1, 0xA2];
    const OFF_1: [u8; 4] = [0xA0, 1, 0, 0xA1];
    const OFF_2: [u8; 4] = [0xA0, 2, 0, 0xA2];
    const ON_3: [u8; 4] = [0xA0, 3, 1, 0xA4];

    fn wired(channel: u8, safe: SafeState) -> Wired {
        Wired { what: format!("power of unit-{channel}"), output: Output { relay: "board".into(), channel, safe } }
    }

    fn open(pty: &Pty, wired: Vec<Wired>) -> (Board, HostClock) {
        let clock = HostClock::start();
        (Board::open("board", pty.path(), wired, clock).expect("the port is there"), clock)
    }

    #[tokio::test]
    async fn an_order_reaches_the_board_as_commanded() {
        let mut pty = Pty::open();
        let (board, clock) = open(&pty, vec![]);
        let truth = board.switch(1, true, clock.now().plus(PATIENCE)).await;
        assert_eq!((truth, pty.read(4)), (Ok(Truth::Commanded), ON_1.to_vec()));
    }

    #[tokio::test]
    async fn orders_keep_their_distance_and_their_sequence() {
        let mut pty = Pty::open();
        let (board, clock) = open(&pty, vec![]);
        let began = clock.now();
        for on in [true, false, true] {
            board.switch(1, on, clock.now().plus(PATIENCE)).await.expect("sent");
        }
        assert!(clock.now().since(began) >= 2 * 50_000_000, "boards lose what comes sooner");
        assert_eq!(pty.read(12), [ON_1, OFF_1, ON_1].concat());
    }

    #[tokio::test]
    async fn safe_state_is_what_each_output_declares() {
        let mut pty = Pty::open();
        let outputs = vec![wired(2, SafeState::Off), wired(3, SafeState::On), wired(4, SafeState::Keep)];
        let (board, clock) = open(&pty, outputs);
        assert_eq!(board.make_safe(clock.now().plus(PATIENCE)).await, []);
        assert_eq!(pty.read(8), [OFF_2, ON_3].concat());
        drop(board);
        assert_eq!(pty.read(8), [OFF_2, ON_3].concat(), "once more on the way out");
        assert_eq!(pty.waiting(), 0, "what is kept is not touched");
    }

    #[test]
    fn a_panic_of_the_main_thread_leaves_the_outputs_safe() {
        let mut pty = Pty::open();
        let path = pty.path().to_owned();
        let trial = thread::spawn(move || {
            let outputs = vec![wired(1, SafeState::Off)];
            let _board = Board::open("board", &path, outputs, HostClock::start()).expect("the port is there");
            panic!("planted");
        });
        assert!(trial.join().is_err());
        assert_eq!(pty.read(4), OFF_1);
    }

    #[tokio::test]
    async fn an_order_that_is_too_late_is_never_sent() {
        let mut pty = Pty::open();
        let (board, clock) = open(&pty, vec![]);
        board.switch(1, true, clock.now().plus(PATIENCE)).await.expect("sent");
        let fault = board.switch(2, true, clock.now()).await.expect_err("too late");
        assert_eq!(fault.member, "relay board");
        board.switch(1, false, clock.now().plus(PATIENCE)).await.expect("sent");
        drop(board);
        assert_eq!(pty.read(8), [ON_1, OFF_1].concat());
        assert_eq!(pty.waiting(), 0);
    }

    #[tokio::test]
    async fn a_board_that_goes_away_is_the_rigs_fault_and_names_the_outputs() {
        let pty = Pty::open();
        let (board, clock) = open(&pty, vec![wired(1, SafeState::Off)]);
        let path = pty.path().to_owned();
        drop(pty);
        let fault = board.switch(1, true, clock.now().plus(PATIENCE)).await.expect_err("hung up");
        assert_eq!(fault.member, "relay board");
        assert!(fault.what.contains(&path) && fault.hint.is_some(), "{fault:?}");
        assert!(board.check(clock.now().plus(PATIENCE)).await.is_err());
        let faults = board.make_safe(clock.now().plus(PATIENCE)).await;
        assert!(faults[0].what.contains("power of unit-1 may not be in its safe state"), "{faults:?}");
    }

    #[test]
    fn a_port_that_is_missing_is_named_with_what_to_do() {
        let fault = Board::open("board", "/dev/serial/by-path/none", vec![], HostClock::start())
            .map(|_| ())
            .expect_err("missing");
        assert_eq!(fault.member, "relay board");
        assert!(fault.what.contains("/dev/serial/by-path/none"), "{fault}");
        assert!(fault.hint.is_some_and(|h| h.contains("plug the board in")));
    }

    #[test]
    fn a_port_that_another_program_uses_is_refused() {
        let pty = Pty::open();
        let (_board, clock) = open(&pty, vec![]);
        let fault = Board::open("board", pty.path(), vec![], clock).map(|_| ()).expect_err("busy");
        assert!(fault.hint.is_some_and(|h| h.contains("end the program")));
    }
}
