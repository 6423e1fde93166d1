//! A pseudo terminal that stands for a serial board, or for a person at a terminal, in tests.

use std::os::fd::OwnedFd;

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Action, tcflow},
};

/// The board's end; dropping it is pulling the plug.
pub(crate) struct Pty {
    board: OwnedFd,
    /// The program's end once more: while it is open, no other terminal gets this one's number.
    number: OwnedFd,
    path: String,
}

impl Pty {
    pub(crate) fn open() -> Self {
        let board = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pty");
        grantpt(&board).expect("granted");
        unlockpt(&board).expect("unlocked");
        let path = ptsname(&board, Vec::new()).expect("a name").into_string().expect("a path");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let number = rustix::fs::open(&path, flags, Mode::empty()).expect("the program's end");
        Self { board, number, path }
    }

    /// Pulls the plug. While what this gives is held, nothing else appears under the same path.
    pub(crate) fn unplug(self) -> OwnedFd {
        self.number
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// From now on the board takes nothing: writing to it blocks.
    pub(crate) fn stop(&self) {
        tcflow(&self.number, Action::OOff).expect("flow control");
    }

    /// Exactly `count` bytes that the board received.
    pub(crate) fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let mut have = 0;
        while have < count {
            assert!(self.readable(10), "only {:02x?} came", &bytes[..have]);
            have += rustix::io::read(&self.board, &mut bytes[have..]).expect("the port is open");
        }
        bytes
    }

    /// All that was received until it ends with one of the two.
    pub(crate) fn until(&self, end: &str, or: &str) -> String {
        let mut bytes = Vec::new();
        loop {
            assert!(self.readable(30), "only {:?} came", String::from_utf8_lossy(&bytes));
            let mut one = [0];
            assert_eq!(rustix::io::read(&self.board, &mut one), Ok(1), "the port is open");
            bytes.push(one[0]);
            if bytes.ends_with(end.as_bytes()) || bytes.ends_with(or.as_bytes()) {
                return String::from_utf8_lossy(&bytes).into_owned();
            }
        }
    }

    /// What the board says.
    pub(crate) fn say(&self, bytes: &[u8]) {
        assert_eq!(rustix::io::write(&self.board, bytes), Ok(bytes.len()));
    }

    /// How many bytes wait to be read.
    pub(crate) fn waiting(&self) -> usize {
        if !self.readable(0) {
            return 0;
        }
        rustix::io::read(&self.board, &mut [0; 64]).unwrap_or(0)
    }

    fn readable(&self, seconds: i64) -> bool {
        let patience = Timespec { tv_sec: seconds, tv_nsec: 0 };
        let mut fds = [PollFd::new(&self.board, PollFlags::IN)];
        poll(&mut fds, Some(&patience)).expect("poll") > 0
    }
}
