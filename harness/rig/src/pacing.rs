//! Sending packets on the frame clock.
//!
//! Each packet leaves at an absolute deadline. Nothing is sent in a burst to catch up: a packet that the link does not
//! take before the next is due is dropped and counted, as a live source would, so that the stimulus keeps its timing.
//!
//! The emission is the moment in which the packet with sample 0 was handed to the kernel. What follows belongs to the
//! latency: controller, air, speaker, and the delay of the codec itself: with SBC the 73 samples of
//! [`rigtone_bluetooth::sbc::FILTER_DELAY`], with aptX 90, with AAC 1024 and what the decoder adds.

use std::os::fd::OwnedFd;

use rigtone_bluetooth::packet::Packet;
use rigtone_model::trial::{DeviceFailure, FailureClass, InfrastructureFault};
use rustix::{
    io::Errno,
    net::{SendFlags, send},
};

use crate::{
    capability::{Emission, Pacing},
    clock::{Clock, Instant},
};

/// Later than this the host itself has made the dropout.
const HOST_LATENESS_NS: i64 = 30_000_000;
/// A link that takes no packet for so long has stalled.
const STALL_NS: i64 = 2_000_000_000;
/// How soon a link that was full is tried again.
const AGAIN_NS: i64 = 5_000_000;

/// How sending went.
#[derive(Debug, PartialEq)]
pub struct Sent {
    /// When the first packet left.
    pub emission: Option<Emission>,
    /// When all of them did.
    pub pacing: Pacing,
    /// Whether all packets left.
    pub ended: Result<(), DeviceFailure>,
}

/// Sends `packets` of a stream of `rate` samples a second in real time and stays until the last one's sound is over, or `linked` says that
/// there is no link any more.
///
/// # Errors
/// When the host was so late that the dropout is its own.
pub async fn send_on_time(
    socket: &OwnedFd,
    packets: &[Packet],
    rate: u32,
    clock: &dyn Clock,
    linked: impl Fn() -> bool,
) -> Result<Sent, InfrastructureFault> {
    let time_of = |sample: u64| (i128::from(sample) * 1_000_000_000 / i128::from(rate)) as i64;
    let mut emission = None;
    let mut record = Record::default();
    let lost = |detail: String| Err(DeviceFailure::new(FailureClass::LinkLost, detail));
    let start = clock.now();
    let mut taken = start;
    for (number, packet) in packets.iter().enumerate() {
        let due = start.plus(time_of(packet.first_sample));
        let next = start.plus(time_of(packet.first_sample + u64::from(packet.samples)));
        clock.sleep_until(due).await;
        let before = clock.now();
        if before.since(due) > HOST_LATENESS_NS {
            let late_ms = before.since(due) / 1_000_000;
            let what = format!("packet {number} of {} was ready {late_ms} ms late", packets.len());
            return Err(InfrastructureFault::new("host", what).hint("take load from the host"));
        }
        if !linked() {
            let detail = format!("the stream was taken down after {number} of {} packets", packets.len());
            return Ok(Sent { emission, pacing: record.pacing(), ended: lost(detail) });
        }
        record.figures.due += 1;
        let mut answer = put(socket, &packet.bytes);
        let (mut tried, full) = (before, answer == Err(Errno::AGAIN));
        record.figures.blocked += u64::from(full);
        while answer == Err(Errno::AGAIN) && clock.now().plus(AGAIN_NS) < next {
            clock.sleep_until(clock.now().plus(AGAIN_NS)).await;
            tried = clock.now();
            answer = put(socket, &packet.bytes);
        }
        match answer {
            Ok(()) => {
                taken = clock.now();
                record.left(tried.since(due), packet.bytes.len());
                if number == 0 {
                    emission = Some(between(tried, taken));
                }
            }
            Err(Errno::AGAIN) => {
                record.figures.dropped += 1;
                if clock.now().since(taken) > STALL_NS {
                    let detail = format!("the link took no packet for 2 s after {number} of {}", packets.len());
                    return Ok(Sent { emission, pacing: record.pacing(), ended: lost(detail) });
                }
            }
            Err(e) => {
                let e = std::io::Error::from(e);
                let detail = format!("packet {number} of {} could not be sent: {e}", packets.len());
                return Ok(Sent { emission, pacing: record.pacing(), ended: lost(detail) });
            }
        }
    }
    let end = packets.last().map_or(0, |last| last.first_sample + u64::from(last.samples));
    clock.sleep_until(start.plus(time_of(end))).await;
    let pacing = record.pacing();
    let Pacing { dropped, blocked, .. } = pacing;
    let ended = match dropped {
        0 => Ok(()),
        _ => lost(format!(
            "the link did not take {dropped} of {} packets in time ({blocked} times blocked)",
            packets.len()
        )),
    };
    Ok(Sent { emission, pacing, ended })
}

/// What is noted of each packet.
#[derive(Default)]
struct Record {
    figures: Pacing,
    late_ns: Vec<i64>,
}

impl Record {
    fn left(&mut self, late_ns: i64, bytes: usize) {
        self.figures.sent += 1;
        self.figures.bytes += bytes as u64;
        self.late_ns.push(late_ns);
    }

    fn pacing(mut self) -> Pacing {
        self.late_ns.sort_unstable();
        let count = self.late_ns.len();
        // The smallest that so many of 100 do not exceed.
        let at = |share: usize| self.late_ns.get((count * share).div_ceil(100).saturating_sub(1)).copied();
        let (sum, n) = (self.late_ns.iter().map(|late| *late as f64).sum::<f64>(), count.max(1) as f64);
        let mean = sum / n;
        let squares: f64 = self.late_ns.iter().map(|late| (*late as f64 - mean).powi(2)).sum();
        Pacing {
            late_p50_ns: at(50).unwrap_or_default(),
            late_p99_ns: at(99).unwrap_or_default(),
            late_most_ns: self.late_ns.last().copied().unwrap_or_default(),
            jitter_ns: (squares / n).sqrt().round() as i64,
            ..self.figures
        }
    }
}

/// The packet left while `send` ran.
fn between(before: Instant, after: Instant) -> Emission {
    let half = after.since(before) / 2;
    Emission { at: before.plus(half), uncertainty_ns: half.max(1_000) }
}

fn put(socket: &OwnedFd, packet: &[u8]) -> Result<(), Errno> {
    // The socket keeps packets apart: it takes all of one or nothing.
    send(socket, packet, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, recv, socketpair};
    use std::cell::Cell;

    const RATE: u32 = 48_000;
    const PACKET_NS: i64 = 10_000_000;

    /// Sleeping takes no time: it is later at once.
    #[derive(Default)]
    struct Steps(Cell<i64>);

    #[async_trait(?Send)]
    impl Clock for Steps {
        fn now(&self) -> Instant {
            Instant(self.0.get())
        }
        async fn sleep_until(&self, when: Instant) {
            self.0.set(self.0.get().max(when.0));
        }
        async fn work(&self, _nominal_ns: i64, job: Box<dyn FnOnce() + Send>) {
            job();
        }
    }

    fn packets(count: u64) -> Vec<Packet> {
        (0..count).map(|n| Packet { bytes: vec![n as u8; 1000], first_sample: n * 480, samples: 480 }).collect()
    }

    fn pair() -> (OwnedFd, OwnedFd) {
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("a pair")
    }

    fn received(socket: &OwnedFd) -> Vec<u8> {
        let mut buffer = [0; 2000];
        let mut first_bytes = Vec::new();
        while let Ok((length @ 1.., _)) = recv(socket, &mut buffer, RecvFlags::DONTWAIT) {
            assert_eq!(length, 1000);
            first_bytes.push(buffer[0]);
        }
        first_bytes
    }

    #[tokio::test]
    async fn each_packet_leaves_at_its_time_and_the_stream_lasts_as_long_as_its_sound() {
        let ((ours, theirs), clock) = (pair(), Steps(Cell::new(5)));
        let left = Cell::new(Vec::new());
        let linked = || {
            let mut times = left.take();
            times.push(clock.now().0);
            left.set(times);
            true
        };
        let sent = send_on_time(&ours, &packets(6), RATE, &clock, linked).await.expect("the host is in time");
        assert_eq!(sent.ended, Ok(()));
        assert_eq!(left.take(), (0..6).map(|n| 5 + n * PACKET_NS).collect::<Vec<_>>());
        assert_eq!(clock.now(), Instant(5 + 6 * PACKET_NS));
        assert_eq!(received(&theirs), [0, 1, 2, 3, 4, 5]);
        assert_eq!(sent.emission, Some(Emission { at: Instant(5), uncertainty_ns: 1_000 }));
        assert_eq!(sent.pacing, Pacing { due: 6, sent: 6, bytes: 6000, ..Pacing::default() });
    }

    #[test]
    fn lateness_is_told_by_its_percentile_its_extreme_and_its_spread() {
        let mut record = Record::default();
        for late in (1..=200).rev() {
            record.left(late, 10);
        }
        // Of the numbers 1 to n: the variance is (n^2 - 1) / 12.
        let jitter_ns = ((200.0_f64 * 200.0 - 1.0) / 12.0).sqrt().round() as i64;
        let wanted = Pacing {
            sent: 200,
            bytes: 2000,
            late_p50_ns: 100,
            late_p99_ns: 198,
            late_most_ns: 200,
            jitter_ns,
            ..Pacing::default()
        };
        assert_eq!(record.pacing(), wanted);
        assert_eq!(Record::default().pacing(), Pacing::default());
    }

    #[tokio::test]
    async fn a_late_host_is_seen_in_the_figures() {
        let ((ours, _theirs), clock) = (pair(), Steps::default());
        let looks = Cell::new(0);
        let linked = || {
            // Each second packet finds the thread 4 ms late: what it does before counts for the next one.
            if looks.replace(looks.get() + 1) % 2 == 0 {
                clock.0.set(clock.0.get() + PACKET_NS + 4_000_000);
            }
            true
        };
        let sent = send_on_time(&ours, &packets(10), RATE, &clock, linked).await.expect("no rig fault");
        assert_eq!((sent.pacing.sent, sent.pacing.blocked, sent.pacing.dropped), (10, 0, 0));
        assert_eq!(sent.pacing.late_most_ns, 4_000_000);
    }

    #[tokio::test]
    async fn a_link_that_goes_down_is_the_devices_failure() {
        let (ours, theirs) = pair();
        drop(theirs);
        let sent = send_on_time(&ours, &packets(3), RATE, &Steps::default(), || true).await.expect("no rig fault");
        assert_eq!(sent.emission, None);
        let failure = sent.ended.expect_err("nobody is there");
        assert_eq!(failure.class, FailureClass::LinkLost);
        assert!(failure.detail.contains("packet 0 of 3"), "{failure}");
    }

    #[tokio::test]
    async fn a_transport_that_bluez_takes_down_ends_the_stream() {
        let (ours, theirs) = pair();
        let looks = Cell::new(0);
        let linked = || looks.replace(looks.get() + 1) < 2;
        let sent = send_on_time(&ours, &packets(9), RATE, &Steps::default(), linked).await.expect("no rig fault");
        assert!(sent.emission.is_some());
        assert_eq!(sent.ended.expect_err("taken down").class, FailureClass::LinkLost);
        assert_eq!(received(&theirs), [0, 1]);
    }

    #[tokio::test]
    async fn what_the_link_does_not_take_in_time_is_dropped_and_never_sent_in_a_burst() {
        let (ours, theirs) = pair();
        rustix::net::sockopt::set_socket_send_buffer_size(&ours, 4096).expect("a small buffer");
        let taken = Cell::new(Vec::new());
        let looks = Cell::new(0);
        // The other end reads nothing before packet 8, and then everything.
        let linked = || {
            if looks.replace(looks.get() + 1) >= 8 {
                let mut all = taken.take();
                all.extend(received(&theirs));
                taken.set(all);
            }
            true
        };
        let sent = send_on_time(&ours, &packets(12), RATE, &Steps::default(), linked).await.expect("no rig fault");
        let mut taken = taken.take();
        taken.extend(received(&theirs));
        let dropped: Vec<u8> = (0..12).filter(|n| !taken.contains(n)).collect();
        assert!(!dropped.is_empty() && dropped.iter().all(|n| (1..8).contains(n)), "{dropped:?}");
        assert!(taken.is_sorted() && taken.len() + dropped.len() == 12, "once each, in order: {taken:?}");
        let failure = sent.ended.expect_err("some are lost");
        assert!(failure.detail.contains(&format!("did not take {} of 12", dropped.len())), "{failure}");
        let Pacing { due, sent: left, dropped: gone, blocked, .. } = sent.pacing;
        assert_eq!((due, left, gone), (12, 12 - dropped.len() as u64, dropped.len() as u64));
        assert!(blocked >= gone);
    }

    #[tokio::test]
    async fn a_link_that_takes_nothing_for_two_seconds_is_given_up() {
        let (ours, _theirs) = pair();
        rustix::net::sockopt::set_socket_send_buffer_size(&ours, 4096).expect("a small buffer");
        let clock = Steps::default();
        let sent = send_on_time(&ours, &packets(1000), RATE, &clock, || true).await.expect("no rig fault");
        assert!(sent.ended.expect_err("nobody reads").detail.contains("no packet for 2 s"));
        assert!(clock.now().0 < 3 * STALL_NS / 2, "{}", clock.now());
    }

    #[tokio::test]
    async fn a_host_that_stalls_is_the_rigs_fault() {
        let ((ours, _theirs), clock) = (pair(), Steps::default());
        let linked = || {
            // The thread stands still while it sends the first packet.
            clock.0.set(clock.0.get() + PACKET_NS + HOST_LATENESS_NS + 1);
            true
        };
        let fault = send_on_time(&ours, &packets(3), RATE, &clock, linked).await.expect_err("late");
        assert_eq!(fault.member, "host");
    }
}
