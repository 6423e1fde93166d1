//! A relay board: its handle, and the thread behind it.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant as HostInstant},
};

use async_trait::async_trait;
use rigtone_model::{document::RelayBoard, event::Edge, trial::InfrastructureFault};
use tokio::sync::oneshot;

use super::{
    actor::{Actor, Order, Position, Reply, Tell},
    families,
    held::Held,
    line::Line,
    press::{Begun, Chord},
    target::{Target, Which, Wired, targets},
};
use crate::{
    capability::{Power, Switched},
    clock::{Clock, Instant},
    hardware::HostClock,
    safety::{Entry, Journal, Wear},
};

/// How long dropping a board may take; a board that hangs must not hang the program.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a board is, before it is opened.
#[derive(Debug)]
pub struct Setup {
    /// Its name in the rig.
    pub name: String,
    /// What it is and how it is reached, as its document says, or a journal where no document names it any more.
    pub board: RelayBoard,
    /// The id of the rig.
    pub rig: String,
    /// How many channels a document of this rig gives it; none are known where none does.
    pub channels: u8,
    /// What is wired to it.
    pub wired: Vec<Wired>,
    /// Its own journal, then those that know it under another path. Without any, no output leaves its safe state.
    pub journals: Vec<Journal>,
    /// How often its contacts have worked, where that can be counted.
    pub wear: Option<Wear>,
}

/// An order whose answer is awaited.
pub(crate) type Pending<T> = oneshot::Receiver<T>;

/// A relay board that stays open. Dropping it drives every wired output to its declared safe state.
pub struct Board {
    member: String,
    orders: RefCell<Option<mpsc::Sender<Order>>>,
    ended: mpsc::Receiver<()>,
    /// When its thread is given up, once it has been dismissed.
    farewell: Cell<Option<HostInstant>>,
    keeps: Option<&'static str>,
    targets: Arc<[Target]>,
    clock: HostClock,
}

impl Setup {
    /// The board as faults name it.
    pub fn member(&self) -> String {
        format!("relay {}", self.name)
    }

    /// The outputs that it is left safe with.
    pub fn targets(&self) -> Vec<Target> {
        targets(&self.wired, &self.journals, self.channels)
    }

    /// Records the wiring, so that even a damaged journal may tell it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn record(&mut self) -> Result<(), InfrastructureFault> {
        let member = self.member();
        let Some(own) = self.journals.first_mut() else { return Ok(()) };
        let entry = |w: &Wired| Entry::new(&self.rig, &self.board, w.output.channel, w.output.safe, &w.what);
        own.wired(&self.wired.iter().map(entry).collect::<Vec<_>>()).map_err(|e| {
            InfrastructureFault::new(&member, format!("writing its journal {} failed: {e}", own.path().display()))
                .hint("make the file writable, or free space")
        })
    }
}

impl Board {
    /// Opens a board, for this program alone. Nothing is switched.
    ///
    /// # Errors
    /// When it is missing, busy, refused, another one, or of a family that is not known.
    pub fn open(setup: Setup, clock: HostClock) -> Result<Self, InfrastructureFault> {
        let line = families::line(&setup.member(), &setup.board)?;
        Self::with(line, setup, clock)
    }

    /// As [`Board::open`], over a line that is there already.
    pub(crate) fn with(line: Box<dyn Line>, setup: Setup, clock: HostClock) -> Result<Self, InfrastructureFault> {
        let (member, targets) = (setup.member(), Arc::<[Target]>::from(setup.targets()));
        let Setup { board, rig, wired, journals, wear, .. } = setup;
        let keeps = line.keeps();
        let mut actor = Actor {
            member: member.clone(),
            board,
            line,
            ordered: BTreeMap::new(),
            rig,
            last: None,
            wired,
            targets: targets.clone(),
            journals,
            wear,
            held: Held::default(),
            overran: Vec::new(),
            clock,
        };
        actor.line.open()?;
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
        Ok(Self { member, orders: RefCell::new(Some(orders)), ended, farewell: Cell::new(None), keeps, targets, clock })
    }

    /// The board as faults name it.
    pub fn member(&self) -> &str {
        &self.member
    }

    /// The outputs that it is left safe with.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Switches a channel, from 1. An output that leaves its safe state is on record before it moves.
    ///
    /// # Errors
    /// When the order was not sent by `deadline`, leaving the safe state could not be recorded, or a board that tells
    /// positions tells another one. An order that comes too late is dropped, never sent afterwards.
    pub async fn switch(&self, channel: u8, on: bool, deadline: Instant) -> Result<Switched, InfrastructureFault> {
        self.ask(deadline, |reply| Order::Switch { channel, on, not_after: deadline, reply }).await?
    }

    /// Why its contacts stay where they are when the host goes away, if they do.
    pub const fn keeps(&self) -> Option<&'static str> {
        self.keeps
    }

    /// Has buttons pressed together. An order that comes too late is dropped; whatever was pressed is let go when `chord.held` is
    /// over and nobody has said when.
    ///
    /// # Errors
    /// When its thread has ended. The answer is a fault when a button may not be held for that long, when it cannot be recorded
    /// that it leaves its rest, or when a contact does not move.
    pub(crate) fn press(
        &self,
        chord: Chord,
        deadline: Instant,
    ) -> Result<Pending<Result<Begun, InfrastructureFault>>, InfrastructureFault> {
        self.give(|reply| Order::Press { chord, not_after: deadline, reply })
    }

    /// Has buttons let go at that time; the answer says when the first of them was.
    ///
    /// # Errors
    /// When its thread has ended. The answer is a fault when a release failed again and again.
    pub(crate) fn release(
        &self,
        channels: &[u8],
        at: Instant,
    ) -> Result<Pending<Result<Edge, InfrastructureFault>>, InfrastructureFault> {
        self.give(|reply| Order::Release { channels: channels.to_vec(), at, reply: Some(reply) })
    }

    /// Has buttons let go now, if they are held.
    pub(crate) fn let_go(&self, channels: &[u8]) {
        let order = Order::Release { channels: channels.to_vec(), at: self.clock.now(), reply: None };
        // Where the thread has ended, everything was made safe.
        let _ = self.orders.borrow().as_ref().map(|orders| orders.send(order));
    }

    /// Whether the board is still there; it is opened again where it was lost. Gives the positions of the wired channels,
    /// of a board that tells them.
    ///
    /// # Errors
    /// When the port is gone, or the board does not answer though it should.
    pub async fn check(&self, deadline: Instant) -> Result<Vec<Position>, InfrastructureFault> {
        self.ask(deadline, |reply| Order::Check { not_after: deadline, reply }).await?
    }

    /// Has outputs made safe; each is told when it was tried.
    pub(super) fn order_safe(&self, which: Which, tell: Tell) {
        // Where the thread has ended nothing is told, which is an answer too.
        let _ = self.orders.borrow().as_ref().map(|orders| orders.send(Order::MakeSafe { which, tell }));
    }

    fn gone(&self) -> InfrastructureFault {
        InfrastructureFault::new(&self.member, "its thread has ended")
    }

    async fn ask<T>(&self, deadline: Instant, order: impl FnOnce(Reply<T>) -> Order) -> Result<T, InfrastructureFault> {
        self.answer(self.give(order)?, deadline).await
    }

    fn give<T>(&self, order: impl FnOnce(Reply<T>) -> Order) -> Result<Pending<T>, InfrastructureFault> {
        let (reply, answer) = oneshot::channel();
        self.orders.borrow().as_ref().ok_or_else(|| self.gone())?.send(order(reply)).map_err(|_| self.gone())?;
        Ok(answer)
    }

    /// What became of an order.
    ///
    /// # Errors
    /// When that is not known by `deadline`.
    pub(crate) async fn answer<T>(&self, pending: Pending<T>, deadline: Instant) -> Result<T, InfrastructureFault> {
        tokio::select! {
            biased;
            answer = pending => answer.map_err(|_| self.gone()),
            () = self.clock.sleep_until(deadline) => Err(
                InfrastructureFault::new(&self.member, "the port took no order before the deadline")
                    .hint("unplug the board and plug it in again"),
            ),
        }
    }

    /// Lets its thread make everything safe and end.
    pub(super) fn dismiss(&self) {
        if self.orders.borrow_mut().take().is_some() {
            self.farewell.set(Some(HostInstant::now() + FAREWELL));
        }
    }

    /// Waits for the end of its thread. A board that hangs is given up; its thread dies with the program.
    pub(super) fn see_off(&self) {
        let end = self.farewell.get().unwrap_or_else(HostInstant::now);
        let _ = self.ended.recv_timeout(end.saturating_duration_since(HostInstant::now()));
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.dismiss();
        self.see_off();
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
    async fn switch(&self, on: bool, deadline: Instant) -> Result<Switched, InfrastructureFault> {
        self.board.switch(self.channel, on, deadline).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        power::{Boards, port::patience},
        safety::State,
        test_port::Pty,
    };
    use rigtone_model::{
        document::{Lcus, LcusReports, Output, SafeState},
        event::Truth,
    };
    use rstest::rstest;
    use std::{num::NonZeroU8, sync::Mutex};
    use tempfile::TempDir;

    /// Far enough that no load of the host matters.
    const PATIENCE: i64 = 30_000_000_000;
    const ON_1: [u8; 4] = [0xA0, 1, 1, 0xA2];
    const OFF_1: [u8; 4] = [0xA0, 1, 0, 0xA1];
    const OFF_2: [u8; 4] = [0xA0, 2, 0, 0xA2];
    const ON_3: [u8; 4] = [0xA0, 3, 1, 0xA4];

    fn wired(channel: u8, safe: SafeState) -> Wired {
        Wired {
            what: format!("power of unit-{channel}"),
            output: Output { relay: "board".into(), channel, safe, longest_on: None, settle: None },
            button: None,
        }
    }

    fn setup(port: &str, wired: Vec<Wired>, journals: Vec<Journal>) -> Setup {
        let (name, rig) = ("board".to_owned(), "lab".to_owned());
        Setup { name, board: on(port, None), rig, channels: 4, wired, journals, wear: None }
    }

    fn on(port: &str, reports: Option<LcusReports>) -> RelayBoard {
        RelayBoard { lcus: Some(Lcus { reports, ..Lcus::at(port) }), channels: 4, ..RelayBoard::default() }
    }

    fn journal(folder: &TempDir, port: &str) -> Journal {
        let state = State::at(folder.path().to_owned()).expect("usable");
        state.journal("relay board", port).expect("a journal")
    }

    fn left(folder: &TempDir, port: &str) -> Vec<u8> {
        journal(folder, port).entries().filter(|entry| entry.left).map(|entry| entry.channel).collect()
    }

    fn open(pty: &Pty, wired: Vec<Wired>) -> (Board, HostClock, TempDir) {
        let (clock, folder) = (HostClock::start(), tempfile::tempdir().expect("a folder"));
        let journals = vec![journal(&folder, pty.path())];
        (Board::open(setup(pty.path(), wired, journals), clock).expect("the port is there"), clock, folder)
    }

    const ASK: u8 = 0xFF;

    /// A board that tells positions in bytes, and has time for it: its channel 1 is wired.
    fn open_telling(pty: &Pty) -> (Board, HostClock, TempDir) {
        patience::set(patience::LONG);
        let (clock, folder) = (HostClock::start(), tempfile::tempdir().expect("a folder"));
        let setup = setup(pty.path(), vec![wired(1, SafeState::Off)], vec![journal(&folder, pty.path())]);
        let setup = Setup { board: on(pty.path(), Some(LcusReports::Bytes)), ..setup };
        (Board::open(setup, clock).expect("the port is there"), clock, folder)
    }

    /// The board takes `orders`, each followed by a question that it answers.
    fn plays(mut pty: Pty, orders: Vec<(Vec<u8>, Vec<u8>)>) -> thread::JoinHandle<Pty> {
        thread::spawn(move || {
            for (order, answer) in orders {
                assert_eq!(pty.read(order.len() + 1), [order.as_slice(), &[ASK]].concat());
                pty.say(&answer);
            }
            pty
        })
    }

    fn alone(board: Board) -> Boards {
        let mut boards = Boards::default();
        boards.insert("board", board);
        boards
    }

    #[tokio::test]
    async fn an_order_reaches_the_board_as_commanded() {
        let mut pty = Pty::open();
        let (board, clock, _folder) = open(&pty, vec![]);
        let truth = board.switch(1, true, clock.now().plus(PATIENCE)).await;
        assert_eq!((truth.map(|s| s.truth), pty.read(4)), (Ok(Truth::Commanded), ON_1.to_vec()));
    }

    #[tokio::test]
    async fn a_board_that_tells_positions_is_asked_after_each_order() {
        let pty = Pty::open();
        let (board, clock, folder) = open_telling(&pty);
        let path = pty.path().to_owned();
        let orders = vec![(ON_1.to_vec(), vec![1, 0, 0, 0]), (vec![], vec![1, 0, 0, 0]), (OFF_1.to_vec(), vec![0; 4])];
        let pty = plays(pty, orders);
        let patience = || clock.now().plus(PATIENCE);
        assert_eq!(board.switch(1, true, patience()).await.map(|s| s.truth), Ok(Truth::Reported));
        assert_eq!(board.check(patience()).await, Ok(vec![Position { channel: 1, on: true, ordered: Some(true) }]));
        assert_eq!(board.switch(1, false, patience()).await.map(|s| s.truth), Ok(Truth::Reported));
        assert!(left(&folder, &path).is_empty());
        pty.join().expect("as played");
    }

    #[tokio::test]
    async fn a_relay_that_sticks_is_the_rigs_fault_and_stays_on_record() {
        let pty = Pty::open();
        let (board, clock, folder) = open_telling(&pty);
        let path = pty.path().to_owned();
        let stuck = vec![1, 0, 0, 0];
        let orders = vec![(ON_1.to_vec(), stuck.clone()), (OFF_1.to_vec(), stuck.clone()), (vec![], stuck.clone())];
        let pty = plays(pty, orders);
        let patience = || clock.now().plus(PATIENCE);
        board.switch(1, true, patience()).await.expect("it goes on");
        let fault = board.switch(1, false, patience()).await.expect_err("it does not go off");
        assert_eq!(fault.member, "relay board channel 1");
        assert!(fault.what.contains("switching it off: the board reports that it is on"), "{fault}");
        assert_eq!(board.check(patience()).await, Ok(vec![Position { channel: 1, on: true, ordered: Some(false) }]));
        // It is told a second time when it did not obey.
        let pty = plays(pty.join().expect("as played"), vec![(OFF_1.to_vec(), stuck); 2]);
        let board = alone(board);
        let faults = board.make_safe(clock, patience()).await;
        assert!(faults[0].what.contains("power of unit-1 may not be in its safe state"), "{faults:?}");
        assert_eq!(left(&folder, &path), [1], "the next start tries again");
        pty.join().expect("as played");
    }

    #[rstest]
    #[case::nothing(&[], "asking for channel 1: no answer within 500 ms")]
    #[case::half(&[1, 0], "it answered 01 00, and nothing more within 500 ms, which is half an answer")]
    #[case::garbage(b"garbage that goes on", "it answered 67 61 72 62 61 67 65 20 74 68 61 74 ..., which is no answer")]
    #[tokio::test]
    async fn a_board_that_should_answer_and_does_not_is_the_rigs_fault(#[case] answer: &[u8], #[case] said: &str) {
        let mut told = String::new();
        for least in patience::GROWING {
            let pty = Pty::open();
            let (board, clock, _folder) = open_telling(&pty);
            patience::set(least);
            let pty = plays(pty, vec![(ON_1.to_vec(), answer.to_vec())]);
            let fault = board.switch(1, true, clock.now().plus(PATIENCE)).await.expect_err("no answer");
            pty.join().expect("as played");
            assert_eq!(fault.member, "relay board");
            assert!(fault.hint.is_some(), "{fault:?}");
            told = fault.what;
            let within = least.max(Duration::from_millis(500)).as_millis();
            if told.contains(&said.replace("500 ms", &format!("{within} ms"))) {
                return;
            }
        }
        panic!("{told}");
    }

    /// A line in memory: what was said to it.
    struct Memory {
        said: Arc<Mutex<Vec<String>>>,
    }

    impl Memory {
        fn say<T>(&self, what: String, answer: T) -> Result<T, InfrastructureFault> {
            self.said.lock().expect("not poisoned").push(what);
            Ok(answer)
        }
    }

    impl Line for Memory {
        fn open(&mut self) -> Result<(), InfrastructureFault> {
            self.say("open".into(), ())
        }
        fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
            self.say(format!("{channel} {on}"), Some(on))
        }
        fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
            self.say(format!("{channel}?"), None)
        }
        fn alive(&mut self) -> Result<(), InfrastructureFault> {
            self.say("alive".into(), ())
        }
        fn spacing(&self) -> Duration {
            Duration::ZERO
        }
        fn keeps(&self) -> Option<&'static str> {
            Some("it is in memory")
        }
    }

    fn in_memory(safe: SafeState) -> (Board, HostClock, TempDir, Arc<Mutex<Vec<String>>>) {
        let (clock, folder, said) = (HostClock::start(), tempfile::tempdir().expect("a folder"), Arc::default());
        let setup = setup("/dev/b", vec![wired(1, safe)], vec![journal(&folder, "/dev/b")]);
        let line = Box::new(Memory { said: Arc::clone(&said) });
        (Board::with(line, setup, clock).expect("it opens"), clock, folder, said)
    }

    #[tokio::test]
    async fn an_answer_that_tells_is_enough_and_what_a_board_cannot_tell_is_said() {
        let (board, clock, _folder, said) = in_memory(SafeState::Off);
        let patience = || clock.now().plus(PATIENCE);
        assert_eq!(board.switch(1, true, patience()).await.map(|switched| switched.truth), Ok(Truth::Reported));
        assert_eq!(*said.lock().expect("not poisoned"), ["open", "1 true"]);
        assert_eq!(board.check(patience()).await, Ok(vec![]), "a position that cannot be read is none");
        assert_eq!(board.keeps(), Some("it is in memory"));
    }

    #[tokio::test]
    async fn orders_keep_their_distance_and_their_sequence() {
        let mut pty = Pty::open();
        let (board, clock, _folder) = open(&pty, vec![]);
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
        let (board, clock, _folder) = open(&pty, outputs);
        let board = alone(board);
        assert_eq!(board.make_safe(clock, clock.now().plus(PATIENCE)).await, []);
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
            let setup = setup(&path, vec![wired(1, SafeState::Off)], vec![]);
            let _board = Board::open(setup, HostClock::start()).expect("the port is there");
            panic!("planted");
        });
        assert!(trial.join().is_err());
        assert_eq!(pty.read(4), OFF_1);
    }

    #[tokio::test]
    async fn an_order_that_is_too_late_is_never_sent() {
        let mut pty = Pty::open();
        let (board, clock, _folder) = open(&pty, vec![]);
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
        let (board, clock, _folder) = open(&pty, vec![wired(1, SafeState::Off)]);
        let path = pty.path().to_owned();
        let _number = pty.unplug();
        let fault = board.switch(1, true, clock.now().plus(PATIENCE)).await.expect_err("hung up");
        assert_eq!(fault.member, "relay board");
        assert!(fault.what.contains(&path) && fault.hint.is_some(), "{fault:?}");
        assert!(board.check(clock.now().plus(PATIENCE)).await.is_err());
        let faults = alone(board).make_safe(clock, clock.now().plus(PATIENCE)).await;
        assert!(faults[0].what.contains("power of unit-1 may not be in its safe state"), "{faults:?}");
    }

    #[test]
    fn a_port_that_is_missing_is_named_with_what_to_do() {
        let fault = Board::open(setup("/dev/serial/by-path/none", vec![], vec![]), HostClock::start())
            .map(|_| ())
            .expect_err("missing");
        assert_eq!(fault.member, "relay board");
        assert!(fault.what.contains("/dev/serial/by-path/none"), "{fault}");
        assert!(fault.hint.is_some_and(|h| h.contains("plug the board in")));
    }

    #[test]
    fn a_port_that_another_program_uses_is_refused() {
        let pty = Pty::open();
        let (_board, clock, _folder) = open(&pty, vec![]);
        let fault = Board::open(setup(pty.path(), vec![], vec![]), clock).map(|_| ()).expect_err("busy");
        assert!(fault.hint.is_some_and(|h| h.contains("end the program")));
    }

    #[tokio::test]
    async fn an_output_outside_its_safe_state_is_on_record_and_struck_out_when_it_is_back() {
        let pty = Pty::open();
        let (board, clock, folder) = open(&pty, vec![wired(1, SafeState::Off), wired(3, SafeState::On)]);
        for (channel, on, known) in
            [(1, true, vec![1]), (3, false, vec![1, 3]), (1, false, vec![3]), (3, true, vec![]), (3, true, vec![])]
        {
            board.switch(channel, on, clock.now().plus(PATIENCE)).await.expect("sent");
            assert_eq!(left(&folder, pty.path()), known, "channel {channel} {on}");
        }
    }

    #[tokio::test]
    async fn without_a_journal_no_output_leaves_its_safe_state() {
        let mut pty = Pty::open();
        let clock = HostClock::start();
        let outputs = vec![wired(1, SafeState::Off), wired(4, SafeState::Keep)];
        let board = Board::open(setup(pty.path(), outputs, vec![]), clock).expect("the port is there");
        let fault = board.switch(1, true, clock.now().plus(PATIENCE)).await.expect_err("not recorded");
        assert!(fault.what.contains("power of unit-1 has no journal, so it was not switched"), "{fault}");
        board.switch(1, false, clock.now().plus(PATIENCE)).await.expect("to its safe state it may always go");
        board.switch(4, true, clock.now().plus(PATIENCE)).await.expect("it has no safe state to leave");
        assert_eq!(pty.read(8), [OFF_1, [0xA0, 4, 1, 0xA5]].concat());
    }

    #[test]
    fn what_a_dead_process_left_is_made_safe_and_struck_out() {
        let mut pty = Pty::open();
        let folder = tempfile::tempdir().expect("a folder");
        let mut before = journal(&folder, pty.path());
        before
            .leaving(&Entry::new("lab", &on(pty.path(), None), 3, SafeState::On, "power of one that is gone"))
            .expect("written");
        drop(before);
        let outputs = vec![wired(1, SafeState::Off)];
        let setup = setup(pty.path(), outputs, vec![journal(&folder, pty.path())]);
        let board = alone(Board::open(setup, HostClock::start()).expect("the port is there"));
        let settled = Boards::settle(&[(&board, Which::Owed)], Duration::from_secs(30));
        assert_eq!((pty.read(4), settled.len()), (ON_3.to_vec(), 1));
        assert_eq!((&settled[0].target.what[..], &settled[0].result), ("power of one that is gone", &Ok(())));
        assert!(left(&folder, pty.path()).is_empty());
    }

    #[test]
    fn a_board_that_takes_nothing_is_given_up_and_keeps_no_other() {
        let (mut well, stuck) = (Pty::open(), Pty::open());
        stuck.stop();
        let mut boards = Boards::default();
        for (name, pty) in [("a-stuck", &stuck), ("well", &well)] {
            let setup = Setup { name: name.into(), ..setup(pty.path(), vec![wired(1, SafeState::Off)], vec![]) };
            boards.insert(name, Board::open(setup, HostClock::start()).expect("the port is there"));
        }
        let settled = Boards::settle(&[(&boards, Which::All)], Duration::from_secs(30));
        let results: Vec<_> = settled.iter().map(|s| (s.member.as_str(), s.result.is_ok())).collect();
        assert_eq!(results, [("relay a-stuck", false), ("relay well", true)]);
        let fault = settled[0].result.clone().expect_err("stuck");
        assert!(fault.what.contains("power of unit-1 may not be in its safe state"), "{fault}");
        assert_eq!(fault.hint.as_deref(), Some("switch channel 1 of relay a-stuck off by hand"));
        assert_eq!(well.read(4), OFF_1);
        let begin = HostInstant::now();
        drop(boards);
        assert!(begin.elapsed() < 2 * FAREWELL, "once, and for all boards together");
    }
}
