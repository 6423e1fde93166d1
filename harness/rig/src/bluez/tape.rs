//! Packets of a stream that a source sends us, each with the time at which it came.
//!
//! A thread of its own reads: packets are timed by when they come, not by when the runtime has time for them.

use std::{
    collections::BTreeMap,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use rigtone_bluetooth::codec::CodecConfiguration;
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    net::{RecvFlags, recv},
    pipe::{PipeFlags, pipe_with},
};

use crate::{clock::Clock, hardware::HostClock};

/// What one recording holds at most, in bytes: hours of music.
const MOST: usize = 64 << 20;
/// No packet of L2CAP is longer.
const LONGEST: usize = 1 << 16;

/// One start of a stream.
#[derive(Debug, Clone)]
pub(super) struct Start {
    number: u64,
    /// What was agreed on, or why that is not known.
    pub(super) configuration: Result<CodecConfiguration, String>,
    /// Packets with the times at which they came, in nanoseconds.
    pub(super) packets: Vec<(i64, Box<[u8]>)>,
}

/// What was recorded.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// The starts of streams of which something came, in order.
    pub(super) starts: Vec<Start>,
    /// Packets that found no room.
    pub(super) too_many: u64,
    /// What of ours failed, and what to do.
    pub(super) broken: Option<(String, &'static str)>,
}

/// Takes what a sink receives; keeps it while it is recorded.
pub(super) struct Tape {
    clock: HostClock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    recording: bool,
    bytes: usize,
    recorded: Recorded,
    started: u64,
    /// The readers by transport: closing the pipe ends one.
    readers: BTreeMap<String, OwnedFd>,
}

impl Tape {
    pub(super) fn new(clock: HostClock) -> Self {
        Self { clock, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Who panicked has recorded what he has recorded.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to record; gives when, in nanoseconds. `None` when it is recorded already.
    pub(super) fn record(&self) -> Option<i64> {
        let mut state = self.state();
        if state.recording {
            return None;
        }
        let broken = state.recorded.broken.take();
        (state.recording, state.bytes) = (true, 0);
        state.recorded = Recorded { broken, ..Recorded::default() };
        Some(self.clock.now().0)
    }

    /// Ends the recording; gives what was recorded and until when, in nanoseconds.
    pub(super) fn stop(&self) -> (Recorded, i64) {
        let mut state = self.state();
        state.recording = false;
        (std::mem::take(&mut state.recorded), self.clock.now().0)
    }

    /// A stream begins on a transport.
    pub(super) fn begins(
        self: &Arc<Self>,
        transport: &str,
        configuration: Result<CodecConfiguration, String>,
        socket: OwnedFd,
    ) {
        let (stop, stopper) = match pipe_with(PipeFlags::CLOEXEC) {
            Ok(pipe) => pipe,
            Err(error) => return self.broke(format!("reading a stream failed: {error}"), "close what uses many files"),
        };
        let number = {
            let mut state = self.state();
            state.started += 1;
            // One that ran on it has ended.
            state.readers.insert(transport.to_owned(), stopper);
            state.started
        };
        let tape = self.clone();
        let read = move || tape.read(number, &configuration, &socket, &stop);
        if let Err(error) = thread::Builder::new().name("a2dp-sink".to_owned()).spawn(read) {
            self.broke(format!("reading a stream failed: {error}"), "take load from the host");
        }
    }

    /// The stream on a transport has ended.
    pub(super) fn ends(&self, transport: &str) {
        self.state().readers.remove(transport);
    }

    /// Something of ours failed.
    pub(super) fn broke(&self, what: String, hint: &'static str) {
        self.state().recorded.broken.get_or_insert((what, hint));
    }

    /// Reads until the other end or `stop` is closed.
    fn read(&self, number: u64, configuration: &Result<CodecConfiguration, String>, socket: &OwnedFd, stop: &OwnedFd) {
        let mut buffer = vec![0; LONGEST];
        loop {
            let mut ready = [PollFd::new(socket, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
            match poll(&mut ready, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
            let [has_packets, has_ended] = ready.map(|one| !one.revents().is_empty());
            if has_packets {
                loop {
                    match recv(socket, &mut buffer[..], RecvFlags::DONTWAIT) {
                        Ok((0, _)) => return,
                        Ok((length, _)) => self.take(number, configuration, &buffer[..length.min(LONGEST)]),
                        Err(Errno::AGAIN) => break,
                        Err(Errno::INTR) => {}
                        Err(_) => return,
                    }
                }
            }
            if has_ended {
                return;
            }
        }
    }

    fn take(&self, number: u64, configuration: &Result<CodecConfiguration, String>, packet: &[u8]) {
        let at_ns = self.clock.now().0;
        let mut state = self.state();
        if !state.recording {
            return;
        }
        if state.bytes + packet.len() > MOST {
            state.recorded.too_many += 1;
            return;
        }
        state.bytes += packet.len();
        let starts = &mut state.recorded.starts;
        if starts.last().is_none_or(|last| last.number != number) {
            starts.push(Start { number, configuration: configuration.clone(), packets: Vec::new() });
        }
        if let Some(start) = starts.last_mut() {
            start.packets.push((at_ns, packet.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rigtone_bluetooth::opus;
    use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};
    use std::time::Duration;

    const OPUS: CodecConfiguration = CodecConfiguration::Opus(opus::Configuration);

    fn pair() -> (OwnedFd, OwnedFd) {
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("a pair")
    }

    fn put(socket: &OwnedFd, packets: &[&[u8]]) {
        for packet in packets {
            send(socket, packet, SendFlags::NOSIGNAL).expect("a reader");
        }
    }

    fn until(tape: &Tape, packets: usize) {
        let there = || tape.state().recorded.starts.iter().map(|start| start.packets.len()).sum::<usize>();
        for _ in 0..2000 {
            if there() >= packets {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
        panic!("{} of {packets} packets", there());
    }

    fn tape() -> Arc<Tape> {
        Arc::new(Tape::new(HostClock::start()))
    }

    #[test]
    fn packets_are_kept_apart_by_start_and_timed_in_order() {
        let (tape, (theirs, ours), (theirs_again, ours_again)) = (tape(), pair(), pair());
        let from = tape.record().expect("nobody records");
        tape.begins("/fd0", Ok(OPUS), ours);
        put(&theirs, &[&[1; 600], &[2; 10]]);
        until(&tape, 2);
        tape.ends("/fd0");
        tape.begins("/fd0", Ok(OPUS), ours_again);
        put(&theirs_again, &[&[3]]);
        until(&tape, 3);
        let (recorded, to) = tape.stop();
        let lengths: Vec<Vec<usize>> =
            recorded.starts.iter().map(|s| s.packets.iter().map(|(_, bytes)| bytes.len()).collect()).collect();
        assert_eq!(lengths, [vec![600, 10], vec![1]]);
        let times: Vec<i64> = recorded.starts.iter().flat_map(|s| s.packets.iter().map(|(at, _)| *at)).collect();
        assert!(times.is_sorted() && from <= times[0] && times[2] <= to, "{from} {times:?} {to}");
    }

    #[test]
    fn what_comes_while_nobody_records_is_read_and_forgotten() {
        let (tape, (theirs, ours)) = (tape(), pair());
        tape.begins("/fd0", Ok(OPUS), ours);
        put(&theirs, &[&[1; 100][..]; 50]);
        drop(theirs);
        tape.record().expect("nobody records");
        assert!(tape.record().is_none());
        let (recorded, _) = tape.stop();
        assert!(recorded.starts.iter().all(|start| start.packets.len() <= 50) && recorded.too_many == 0);
        tape.record().expect("nobody records any more");
        assert!(tape.stop().0.starts.is_empty());
    }

    #[test]
    fn a_stream_that_ends_frees_its_socket() {
        let (tape, (theirs, ours)) = (tape(), pair());
        tape.begins("/fd0", Ok(OPUS), ours);
        tape.ends("/fd0");
        for _ in 0..2000 {
            if send(&theirs, &[1], SendFlags::NOSIGNAL).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
        panic!("still read");
    }

    #[test]
    fn what_failed_is_told_once() {
        let tape = tape();
        tape.broke("first".to_owned(), "do this");
        tape.broke("second".to_owned(), "do that");
        tape.record();
        assert_eq!(tape.stop().0.broken, Some(("first".to_owned(), "do this")));
        tape.record();
        assert_eq!(tape.stop().0.broken, None);
    }
}
