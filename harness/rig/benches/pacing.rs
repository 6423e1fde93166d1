//! Eight streams of SBC at 48 kHz, paced to eight sockets side by side: CPU time as a share of one core and when packets leave beside the
//! clock of their frames. Two peers in the same run: an interval of tokio for each stream, and a thread for each stream that sleeps a period.
//!
//! `cargo bench -p rigtone-rig --bench pacing [-- SECONDS]`

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and ends where it cannot go on")]

use std::{
    os::fd::OwnedFd,
    thread,
    time::{Duration, Instant as Moment},
};

use rigtone_bluetooth::{
    codec::CodecConfiguration,
    packet::{Packet, packetise},
    sbc::{Configuration, Frequency},
};
use rigtone_rig::{capability::Pacing, hardware, hardware::HostClock, pacing::send_on_time};
use rustix::{
    net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair},
    time::{ClockId, clock_gettime},
};

const STREAMS: usize = 8;
const RATE: u32 = 48_000;
/// The MTU of a usual media channel: five frames in a packet, 13.3 ms.
const MTU: usize = 672;
/// What eight streams may use of one core.
const SHARE: f64 = 0.10;

fn cpu_s() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

fn packets(seconds: u64) -> Vec<Packet> {
    let configuration = Configuration::high_quality(Frequency::Hz48000);
    let mut frame = vec![0x55; configuration.frame().length()];
    frame[..3].copy_from_slice(&[0x9C, 0xFD, configuration.max_bitpool]);
    let frames = (seconds * u64::from(RATE) / 128) as usize;
    packetise(CodecConfiguration::Sbc(configuration), &frame.repeat(frames), MTU).unwrap()
}

/// The near ends of as many sockets as there are streams; somebody else reads the far ends.
fn sockets() -> Vec<OwnedFd> {
    let pair = || socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    let ends = (0..STREAMS).map(|_| {
        let (near, far) = pair();
        thread::spawn(move || {
            let mut buffer = [0; 2048];
            while matches!(recv(&far, &mut buffer, RecvFlags::empty()), Ok((1.., _))) {}
        });
        near
    });
    ends.collect()
}

/// What one way of sending cost and how late its packets left, all streams together.
struct Outcome {
    cpu_s: f64,
    wall_s: f64,
    late_ms: Vec<f64>,
}

impl Outcome {
    fn print(&mut self, name: &str) -> f64 {
        self.late_ms.sort_by(f64::total_cmp);
        let at = |share: f64| self.late_ms[((self.late_ms.len() - 1) as f64 * share).round() as usize];
        let share = self.cpu_s / self.wall_s;
        println!(
            "{name:<28} {:5.2} % of a core; late by {:.3} ms (p50), {:.3} ms (p99), {:.3} ms (max); {} packets",
            100.0 * share,
            at(0.5),
            at(0.99),
            at(1.0),
            self.late_ms.len(),
        );
        share
    }
}

/// Ours: every packet at its own deadline. The figures of each stream are what a trial records. Gives the share of a core.
fn ours(packets: &[Packet]) -> f64 {
    let (clock, ends) = (HostClock::start(), sockets());
    let runtime = hardware::runtime().unwrap();
    let (cpu, wall) = (cpu_s(), Moment::now());
    let sent = runtime.block_on(async {
        let streams = ends.iter().map(|socket| send_on_time(socket, packets, RATE, &clock, || true));
        futures::future::join_all(streams).await
    });
    let share = (cpu_s() - cpu) / wall.elapsed().as_secs_f64();
    let all: Vec<Pacing> = sent.into_iter().map(|sent| sent.unwrap().pacing).collect();
    let worst = |of: fn(&Pacing) -> i64| all.iter().map(of).max().unwrap_or_default() as f64 / 1e6;
    let sum = |of: fn(&Pacing) -> u64| all.iter().map(of).sum::<u64>();
    println!(
        "ours, the worst stream       {:5.2} % of a core; late by {:.3} ms (p50), {:.3} ms (p99), {:.3} ms (max); {} packets",
        100.0 * share,
        worst(|p| p.late_p50_ns),
        worst(|p| p.late_p99_ns),
        worst(|p| p.late_most_ns),
        sum(|p| p.sent),
    );
    println!(
        "    jitter {:.3} ms, {} blocked, {} dropped",
        worst(|p| p.jitter_ns),
        sum(|p| p.blocked),
        sum(|p| p.dropped)
    );
    share
}

fn due_s(packet: &Packet) -> f64 {
    packet.first_sample as f64 / f64::from(RATE)
}

fn interval_of_tokio(packets: &[Packet]) -> Outcome {
    let ends = sockets();
    let runtime = hardware::runtime().unwrap();
    let (cpu, wall) = (cpu_s(), Moment::now());
    let late = runtime.block_on(async {
        let streams = ends.iter().map(|socket| async move {
            let mut late_ms = Vec::with_capacity(packets.len());
            let period = Duration::from_secs_f64(f64::from(packets[0].samples) / f64::from(RATE));
            let (mut ticks, begun) = (tokio::time::interval(period), Moment::now());
            for packet in packets {
                ticks.tick().await;
                late_ms.push((begun.elapsed().as_secs_f64() - due_s(packet)) * 1e3);
                send(socket, &packet.bytes, SendFlags::NOSIGNAL).unwrap();
            }
            late_ms
        });
        futures::future::join_all(streams).await
    });
    Outcome { cpu_s: cpu_s() - cpu, wall_s: wall.elapsed().as_secs_f64(), late_ms: late.concat() }
}

fn thread_for_each(packets: &[Packet]) -> Outcome {
    let wall = Moment::now();
    let streams: Vec<(f64, Vec<f64>)> = thread::scope(|scope| {
        let running: Vec<_> = sockets()
            .into_iter()
            .map(|socket| {
                scope.spawn(move || {
                    let (cpu, begun) = (cpu_s(), Moment::now());
                    let mut late_ms = Vec::with_capacity(packets.len());
                    for packet in packets {
                        late_ms.push((begun.elapsed().as_secs_f64() - due_s(packet)) * 1e3);
                        send(&socket, &packet.bytes, SendFlags::NOSIGNAL).unwrap();
                        thread::sleep(Duration::from_secs_f64(f64::from(packet.samples) / f64::from(RATE)));
                    }
                    (cpu_s() - cpu, late_ms)
                })
            })
            .collect();
        running.into_iter().map(|stream| stream.join().unwrap()).collect()
    });
    let cpu_s = streams.iter().map(|(cpu, _)| cpu).sum();
    let late_ms = streams.into_iter().flat_map(|(_, late)| late).collect();
    Outcome { cpu_s, wall_s: wall.elapsed().as_secs_f64(), late_ms }
}

fn main() {
    // `cargo bench` adds words of its own.
    let seconds = std::env::args().filter_map(|word| word.parse().ok()).next_back().unwrap_or(20);
    let packets = packets(seconds);
    println!("{STREAMS} streams of SBC, {seconds} s, {} packets each:", packets.len());
    let share = ours(&packets);
    let tokio = interval_of_tokio(&packets).print("an interval of tokio each");
    let threads = thread_for_each(&packets).print("a thread that sleeps each");
    println!("CPU beside tokio's interval: {:.2}, beside a thread each: {:.2}", share / tokio, share / threads);
    assert!(share < SHARE, "{STREAMS} streams took {:.1} % of a core", 100.0 * share);
}
