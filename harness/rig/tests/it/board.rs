//! An LCUS relay board that is a pseudo terminal: it keeps the positions of its channels, and can hang and babble.

#![expect(clippy::print_stdout, reason = "seeds are printed")]

use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags},
    io::Errno,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Action, OptionalActions, ioctl_tiocnxcl, tcflow, tcgetattr, tcsetattr},
};

/// No board needs as long on any machine.
const PATIENCE: Duration = Duration::from_secs(60);
const BEAT: Duration = Duration::from_millis(1);
/// No order begins with it: the board counts it instead.
const MARK: u8 = 0xFF;

#[derive(Debug, Default)]
struct State {
    channels: Vec<bool>,
    /// What was switched, in order.
    orders: Vec<(u8, bool)>,
    /// When.
    times: Vec<Instant>,
    /// Bytes that are no order.
    strays: usize,
    marks: usize,
    hangs: bool,
    babbles: bool,
    pending: Vec<u8>,
}

pub(crate) struct Board {
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    /// The program's end of the line, held open so that the line lives while no program uses it.
    line: OwnedFd,
    path: PathBuf,
}

impl Board {
    pub(crate) fn new(channels: usize) -> Self {
        let board = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pty");
        grantpt(&board).expect("granted");
        unlockpt(&board).expect("unlocked");
        let path = PathBuf::from(ptsname(&board, Vec::new()).expect("a name").into_string().expect("a path"));
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let line = rustix::fs::open(&path, flags, Mode::empty()).expect("the program's end");
        let mut settings = tcgetattr(&line).expect("a terminal");
        settings.make_raw();
        tcsetattr(&line, OptionalActions::Now, &settings).expect("settings");
        rustix::fs::fcntl_setfl(&board, OFlags::NONBLOCK).expect("a flag");
        let state = Arc::new(Mutex::new(State { channels: vec![false; channels], ..State::default() }));
        let stop = Arc::new(AtomicBool::new(false));
        let (of_reader, stops) = (state.clone(), stop.clone());
        let reader = thread::spawn(move || {
            while !stops.load(Ordering::Relaxed) {
                serve(&board, &of_reader);
            }
        });
        Self { state, stop, reader: Some(reader), line, path }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with it")
    }

    pub(crate) fn port(&self) -> &Path {
        &self.path
    }

    /// Whether a channel, from 1, is energised.
    pub(crate) fn is_on(&self, channel: u8) -> bool {
        self.state().channels[usize::from(channel) - 1]
    }

    /// Puts a channel where a hand has put it.
    pub(crate) fn put(&self, channel: u8, on: bool) {
        self.state().channels[usize::from(channel) - 1] = on;
    }

    /// What was switched, in order.
    pub(crate) fn orders(&self) -> Vec<(u8, bool)> {
        self.state().orders.clone()
    }

    /// When that was.
    pub(crate) fn times(&self) -> Vec<Instant> {
        self.state().times.clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.state().orders.len()
    }

    /// From now on it takes nothing: writing to it blocks.
    pub(crate) fn hang(&self) {
        tcflow(&self.line, Action::OOff).expect("flow control");
        self.state().hangs = true;
    }

    pub(crate) fn recover(&self) {
        self.state().hangs = false;
        tcflow(&self.line, Action::OOn).expect("flow control");
    }

    /// From now on it answers every order with garbage.
    pub(crate) fn babble(&self) {
        self.state().babbles = true;
    }

    /// Waits until it has done what a program that has ended had sent.
    pub(crate) fn settle(&self) {
        // A killed program leaves the terminal its own for ever.
        let _ = ioctl_tiocnxcl(&self.line);
        let before = self.state().marks;
        let begin = Instant::now();
        while rustix::io::write(&self.line, &[MARK]) == Err(Errno::AGAIN) {
            assert!(begin.elapsed() < PATIENCE, "the line is full");
            thread::sleep(BEAT);
        }
        while self.state().marks == before {
            assert!(begin.elapsed() < PATIENCE, "the board does not answer");
            thread::sleep(BEAT);
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.reader.take().map(JoinHandle::join);
    }
}

/// Takes what came, and waits a moment where nothing did.
fn serve(board: &OwnedFd, state: &Mutex<State>) {
    if state.lock().expect("no thread panics with it").hangs {
        return thread::sleep(BEAT);
    }
    let moment = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
    if poll(&mut [PollFd::new(board, PollFlags::IN)], Some(&moment)).is_ok_and(|ready| ready == 0) {
        return;
    }
    let mut bytes = [0; 256];
    let Ok(count) = rustix::io::read(board, &mut bytes) else { return thread::sleep(BEAT) };
    let mut state = state.lock().expect("no thread panics with it");
    state.pending.extend(&bytes[..count]);
    let done = state.take();
    if state.babbles && done > 0 {
        // A program that does not listen must not stop the board.
        let _ = rustix::io::write(board, b"\xA0\x01\x01\xA2 ERROR \x00\xFF\r\n");
    }
}

impl State {
    /// Carries out what is whole; gives how many orders that were.
    fn take(&mut self) -> usize {
        let before = self.orders.len();
        while let Some(&first) = self.pending.first() {
            if first == MARK {
                self.marks += 1;
            } else if first != 0xA0 {
                self.strays += 1;
            } else if let &[_, channel, operation, sum, ..] = self.pending.as_slice() {
                let right = 0xA0_u8.wrapping_add(channel).wrapping_add(operation) == sum;
                if right && operation <= 1 && (1..=self.channels.len()).contains(&usize::from(channel)) {
                    self.channels[usize::from(channel) - 1] = operation == 1;
                    self.orders.push((channel, operation == 1));
                    self.times.push(Instant::now());
                    self.pending.drain(..4);
                    continue;
                }
                self.strays += 1;
            } else {
                // A mark behind a part of an order is no order either.
                match self.pending.contains(&MARK) {
                    true => self.strays += 1,
                    false => break,
                }
            }
            self.pending.remove(0);
        }
        self.orders.len() - before
    }
}

/// Numbers that are the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    /// Of `RIGTONE_SEED`; tests print it.
    pub(crate) fn of(test: &str) -> Self {
        let seed = std::env::var("RIGTONE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        println!("{test}: RIGTONE_SEED={seed}");
        Self(seed ^ test.bytes().fold(0, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte))))
    }

    /// From 0 to `below`, without it (SplitMix64).
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below.max(1)
    }
}

/// How many kills are tried: `RIGTONE_KILLS`, or what a push can afford.
pub(crate) fn kills(of_push: usize) -> usize {
    std::env::var("RIGTONE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(of_push)
}
