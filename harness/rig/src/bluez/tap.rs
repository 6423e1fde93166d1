//! Recording the HCI traffic of a dongle from the kernel's monitor channel.

use std::{
    collections::BTreeSet,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use async_trait::async_trait;
use rigtone_bluetooth::capture::Writer;
use rigtone_monitor::{Monitor, Record};
use rustix::{
    event::{PollFd, PollFlags, poll},
    pipe::{PipeFlags, pipe_with},
    time::{ClockId, clock_gettime},
};

use crate::{
    capability::{Address, Capture, CaptureClock, HciTap, HciTape, InfrastructureFault},
    clock::{Clock, Instant},
    hardware::HostClock,
};

/// What one trial records at most, in bytes: hours of music. What comes after is counted as lost.
const MOST: usize = 256 << 20;
/// How often the two clocks are read beside each other: the closest pair counts.
const READINGS: usize = 5;
/// A record's time is cut to microseconds.
const GRAIN_NS: i64 = 1_000;

const NEW_INDEX: u16 = 0;
const DELETE_INDEX: u16 = 1;
const INDEX_INFO: u16 = 10;

/// A dongle whose HCI traffic can be recorded.
pub struct MonitorTap {
    member: String,
    address: Address,
    keeps: Capture,
    clock: HostClock,
}

impl MonitorTap {
    /// The dongle `name` of that address.
    pub fn new(name: &str, address: Address, keeps: Capture, clock: HostClock) -> Self {
        Self { member: format!("dongle {name}"), address, keeps, clock }
    }

    /// Whether recording is possible here.
    ///
    /// # Errors
    /// When the monitor channel cannot be opened.
    pub fn check(&self) -> Result<(), InfrastructureFault> {
        self.open().map(drop)
    }

    fn open(&self) -> Result<Monitor, InfrastructureFault> {
        Monitor::open().map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::PermissionDenied => {
                    "give the program the right to record: `setcap cap_net_raw+ep` on the rigtone binary; or take `capture` out of the rig file"
                }
                io::ErrorKind::Unsupported => "load the kernel's Bluetooth: `modprobe bluetooth`",
                _ => "see the system log; or take `capture` out of the rig file",
            };
            self.fault(format!("its HCI traffic cannot be recorded: {error}")).hint(hint)
        })
    }

    fn fault(&self, what: impl Into<String>) -> InfrastructureFault {
        InfrastructureFault::new(&self.member, what)
    }
}

#[async_trait(?Send)]
impl HciTap for MonitorTap {
    fn member(&self) -> &str {
        &self.member
    }

    fn keeps(&self) -> Capture {
        self.keeps
    }

    async fn record(&self, _: Instant) -> Result<Box<dyn HciTape>, InfrastructureFault> {
        let monitor = self.open()?;
        let failed = |e: rustix::io::Errno| self.fault(format!("its HCI traffic cannot be recorded: {e}"));
        let readable = monitor.as_fd().try_clone_to_owned().map_err(|e| self.fault(e.to_string()))?;
        let (stop, stopper) = pipe_with(PipeFlags::CLOEXEC).map_err(failed)?;
        let state = Arc::new(Mutex::new(State::new(monitor, self.address)));
        let shared = state.clone();
        let thread = thread::Builder::new()
            .name("hci-monitor".to_owned())
            .spawn(move || follow(&shared, &readable, &stop))
            .map_err(|e| self.fault(format!("its HCI traffic cannot be recorded: {e}")))?;
        Ok(Box::new(Tape {
            member: self.member.clone(),
            state,
            began: Reading::take(self.clock),
            clock: self.clock,
            stopper: Some(stopper),
            thread: Some(thread),
        }))
    }
}

/// Keeps the kernel's queue empty until the other end of `stop` is closed.
fn follow(state: &Mutex<State>, readable: &OwnedFd, stop: &OwnedFd) {
    loop {
        let mut ready = [PollFd::new(readable, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
        match poll(&mut ready, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
        if !ready[1].revents().is_empty() || !lock(state).drain() {
            return;
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A recorder that panicked has recorded what it has recorded.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was recorded.
struct State {
    monitor: Monitor,
    own: [u8; 6],
    /// The numbers that the kernel gives the dongle: another one after it was plugged in anew.
    numbers: BTreeSet<u16>,
    writer: Writer,
    broken: Option<String>,
}

impl State {
    fn new(monitor: Monitor, address: Address) -> Self {
        let mut own = address.0;
        own.reverse();
        Self { monitor, own, numbers: BTreeSet::new(), writer: Writer::new(), broken: None }
    }

    /// Takes everything that the kernel has; says whether there may come more.
    fn drain(&mut self) -> bool {
        while self.broken.is_none() {
            match self.monitor.receive() {
                Ok(Some(record)) => keep(&mut self.writer, &mut self.numbers, self.own, &record),
                Ok(None) => return true,
                Err(error) => self.broken = Some(error.to_string()),
            }
        }
        false
    }
}

/// Keeps a record if it is about the dongle.
fn keep(writer: &mut Writer, numbers: &mut BTreeSet<u16>, own: [u8; 6], record: &Record<'_>) {
    let address = match record.code {
        NEW_INDEX => record.data.get(2..8),
        INDEX_INFO => record.data.get(..6),
        _ => None,
    };
    if address == Some(&own[..]) {
        numbers.insert(record.controller);
    }
    if !numbers.contains(&record.controller) {
        return;
    }
    if writer.len() + record.data.len() > MOST {
        writer.lost(1);
        return;
    }
    writer.monitored(record.at_ns, record.controller, record.code, record.data);
    if record.code == DELETE_INDEX {
        numbers.remove(&record.controller);
    }
}

/// The calendar's clock beside the rig's.
#[derive(Debug, Clone, Copy)]
struct Reading {
    unix_ns: i64,
    t_ns: i64,
    uncertainty_ns: i64,
}

impl Reading {
    fn take(clock: HostClock) -> Self {
        let once = |_| {
            let before = clock.now();
            let unix = clock_gettime(ClockId::Realtime);
            let after = clock.now();
            let half = after.since(before) / 2;
            let unix_ns = unix.tv_sec.saturating_mul(1_000_000_000).saturating_add(unix.tv_nsec);
            Self { unix_ns, t_ns: before.plus(half).0, uncertainty_ns: half + 1 }
        };
        let readings = (1..READINGS).map(once);
        readings.fold(once(0), |best, one| if one.uncertainty_ns < best.uncertainty_ns { one } else { best })
    }

    /// Where the calendar's clock stands, given what it was when the recording began: it may have been set since.
    fn since(self, began: Self) -> CaptureClock {
        let strayed = (self.unix_ns - self.t_ns) - (began.unix_ns - began.t_ns);
        let uncertainty_ns = began.uncertainty_ns.max(self.uncertainty_ns) + strayed.abs() + GRAIN_NS;
        CaptureClock { unix_ns: began.unix_ns, t_ns: began.t_ns, uncertainty_ns }
    }
}

struct Tape {
    member: String,
    state: Arc<Mutex<State>>,
    began: Reading,
    clock: HostClock,
    stopper: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl HciTape for Tape {
    fn so_far(&mut self) -> Result<Vec<u8>, InfrastructureFault> {
        // What the thread has not fetched yet is fetched here.
        let mut state = lock(&self.state);
        state.drain();
        match &state.broken {
            Some(what) => {
                let what = format!("the recording of its HCI traffic broke off: {what}");
                Err(InfrastructureFault::new(&self.member, what).hint("see the system log of that time"))
            }
            None => Ok(state.writer.bytes().to_vec()),
        }
    }

    fn clock(&self) -> CaptureClock {
        Reading::take(self.clock).since(self.began)
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.stopper = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const OWN: [u8; 6] = [1, 2, 3, 4, 5, 6];
    const OTHER: [u8; 6] = [9, 2, 3, 4, 5, 6];

    fn kept(records: &[(u16, u16, Vec<u8>)]) -> Vec<u8> {
        let (mut writer, mut numbers) = (Writer::new(), BTreeSet::new());
        for (controller, code, data) in records {
            keep(&mut writer, &mut numbers, OWN, &Record { at_ns: 0, controller: *controller, code: *code, data });
        }
        writer.bytes().to_vec()
    }

    fn file(records: &[(u16, u16, Vec<u8>)]) -> Vec<u8> {
        let mut writer = Writer::new();
        records.iter().for_each(|(controller, code, data)| writer.monitored(0, *controller, *code, data));
        writer.bytes().to_vec()
    }

    fn index(controller: u16, address: [u8; 6]) -> (u16, u16, Vec<u8>) {
        (controller, NEW_INDEX, [[0, 1].as_slice(), &address, b"hci0\0\0\0\0"].concat())
    }

    #[test]
    fn only_the_traffic_of_the_dongle_is_kept_whatever_its_number() {
        let event = |controller, number| (controller, 3, vec![number]);
        let all = [
            event(0, 1),
            index(0, OTHER),
            index(1, OWN),
            event(0, 2),
            event(1, 3),
            (1, DELETE_INDEX, Vec::new()),
            event(1, 4),
            (4, INDEX_INFO, [OWN.as_slice(), &[2, 0]].concat()),
            event(4, 5),
            (0xffff, 13, b"somebody's log".to_vec()),
        ];
        let ours = [2, 4, 5, 7, 8].map(|place: usize| all[place].clone());
        assert_eq!(kept(&all), file(&ours));
    }

    #[rstest]
    #[case::steady(0, 10)]
    #[case::slewed(700, 710)]
    #[case::set_back(-5_000_000_000, 5_000_000_010)]
    fn a_clock_that_was_set_is_less_certain(#[case] strayed_ns: i64, #[case] expected_ns: i64) {
        let began = Reading { unix_ns: 1_000_000, t_ns: 50, uncertainty_ns: 10 };
        let now = Reading { unix_ns: 3_000_000 + strayed_ns, t_ns: 2_000_050, uncertainty_ns: 10 };
        let clock = now.since(began);
        assert_eq!((clock.unix_ns, clock.t_ns), (1_000_000, 50));
        assert_eq!(clock.uncertainty_ns, expected_ns + GRAIN_NS);
        assert_eq!(clock.rig_ns(1_000_900), 950);
    }

    #[test]
    fn the_clocks_are_read_close_to_each_other() {
        let reading = Reading::take(HostClock::start());
        assert!(reading.uncertainty_ns < 1_000_000, "{reading:?}");
    }
}
