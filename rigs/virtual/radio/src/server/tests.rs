use std::{
    cell::RefCell,
    io::{Read, Write},
    path::PathBuf,
    rc::Rc,
    time::Instant,
};

use rstest::rstest;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{air::Air, fake::Fake, order::ORDERS};

const HOST: &str = "AA:BB:CC:00:00:01";
const SECOND_HOST: &str = "AA:BB:CC:00:00:02";
const PEER: &str = "D2:00:00:00:00:01";
const SECOND_PEER: &str = "D2:00:00:00:00:02";

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// A server of fake controllers with two dongles and two peers, and the kernel that it is plugged into.
struct Rig {
    server: Server<Fake>,
    /// The kernel's ends of all devices that were ever opened.
    kernel: Rc<RefCell<Vec<File>>>,
    folder: TempDir,
}

impl Rig {
    fn new() -> Self {
        let kernel = Rc::new(RefCell::new(Vec::new()));
        let folder = tempfile::tempdir().unwrap();
        let air = Air::new(1, [HOST, SECOND_HOST, PEER, SECOND_PEER].map(address));
        let open = {
            let kernel = Rc::clone(&kernel);
            move || {
                let (ours, device) =
                    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::NONBLOCK, None)?;
                kernel.borrow_mut().push(File::from(ours));
                Ok(File::from(device))
            }
        };
        let mut server = Server::new(Radio::new(air), Box::new(|_| Ok(Fake::default())), Box::new(open));
        for peer in [PEER, SECOND_PEER] {
            server.peer(address(peer), &folder.path().join(peer)).unwrap();
        }
        for host in [HOST, SECOND_HOST] {
            server.dongle(address(host)).unwrap();
        }
        server.listen(&folder.path().join("control")).unwrap();
        let mut rig = Self { server, kernel, folder };
        assert_eq!(rig.read_kernel(0), Some(vec![0xFF, 0x00]));
        assert_eq!(rig.read_kernel(1), Some(vec![0xFF, 0x00]));
        rig
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Lets the server do all that it has to do now.
    fn settle(&mut self) {
        for _ in 0..20 {
            self.server.turn(Some(Duration::ZERO)).unwrap();
        }
    }

    /// Connects the host of a peer.
    fn peer(&mut self, name: &str) -> UnixStream {
        let stream = UnixStream::connect(self.path(name)).unwrap();
        stream.set_nonblocking(true).unwrap();
        self.settle();
        stream
    }

    fn read_kernel(&mut self, device: usize) -> Option<Vec<u8>> {
        let mut packet = [0; 64];
        let read = self.kernel.borrow_mut()[device].read(&mut packet);
        read.ok().map(|size| packet[..size].to_vec())
    }

    fn write_kernel(&mut self, device: usize, packet: &[u8]) {
        self.kernel.borrow_mut()[device].write_all(packet).unwrap();
        self.settle();
    }

    fn order(&mut self, order: &Value) -> Value {
        let mut client = UnixStream::connect(self.path("control")).unwrap();
        writeln!(client, "{order}").unwrap();
        self.settle();
        let mut answer = vec![0; 4096];
        let size = client.read(&mut answer).unwrap();
        drop(client);
        self.settle();
        serde_json::from_slice(&answer[..size]).unwrap()
    }

    fn done(&mut self, order: &Value) {
        assert_eq!(self.order(order), json!({"ok": true}), "{order}");
    }
}

fn read(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut octets = [0; 256];
    let read = stream.read(&mut octets);
    read.ok().map(|size| octets[..size].to_vec())
}

#[test]
fn dongles_and_peers_hear_each_other() {
    let mut rig = Rig::new();
    let mut first = rig.peer(PEER);
    let mut second = rig.peer(SECOND_PEER);
    rig.write_kernel(0, &[0xFF, 0x00, 0x00, 0x00]);
    rig.write_kernel(0, &Fake::say(b"kernel"));
    let heard = Some(Fake::heard(b"kernel", -50));
    assert_eq!((read(&mut first), read(&mut second)), (heard.clone(), heard.clone()));
    assert_eq!((rig.read_kernel(0), rig.read_kernel(1)), (None, heard));
    first.write_all(&[Fake::say(b"one"), Fake::say(b"two")].concat()).unwrap();
    rig.settle();
    let both = [Fake::heard(b"one", -50), Fake::heard(b"two", -50)];
    assert_eq!(read(&mut second), Some(both.concat()));
    assert_eq!([rig.read_kernel(0), rig.read_kernel(0)], both.map(Some));
}

#[test]
fn a_connection_is_the_power_of_a_peer() {
    let mut rig = Rig::new();
    assert!(rig.order(&json!({"freeze": PEER}))["error"].as_str().unwrap().ends_with("is off"));
    let first = rig.peer(PEER);
    rig.done(&json!({"freeze": PEER}));
    let mut intruder = rig.peer(PEER);
    assert_eq!(read(&mut intruder), Some(vec![]), "there is one host for each controller");
    drop(first);
    let mut again = rig.peer(PEER);
    rig.write_kernel(0, &Fake::say(b"new"));
    assert_eq!(read(&mut again), Some(Fake::heard(b"new", -50)), "the new controller is not frozen");
}

/// As a relay does it: nothing is processed between the end of one host and the beginning of the next.
#[test]
fn the_next_host_is_let_in_however_much_the_last_one_left_unread() {
    let mut rig = Rig::new();
    let mut last = rig.peer(PEER);
    while last.write(&Fake::say(&[0; 250])).is_ok() {}
    drop(last);
    let mut next = rig.peer(PEER);
    while read(&mut next).is_some_and(|octets| !octets.is_empty()) {}
    rig.write_kernel(0, &Fake::say(b"hello"));
    assert_eq!(read(&mut next), Some(Fake::heard(b"hello", -50)));
}

#[rstest]
#[case::garbage(b"GET / HTTP/1.1\r\n\r\n")]
#[case::an_event(&[4, 0x0E, 0])]
#[case::cut_in_a_header(&[2, 0])]
#[case::cut_in_mid_packet(&[1, 0, 0xFC, 5, b'h'])]
#[case::nothing(&[])]
fn a_broken_peer_harms_nobody(#[case] octets: &[u8]) {
    let mut rig = Rig::new();
    let mut other = rig.peer(SECOND_PEER);
    let mut broken = rig.peer(PEER);
    broken.write_all(octets).unwrap();
    rig.settle();
    drop(broken);
    rig.settle();
    assert_eq!(rig.order(&json!({"freeze": PEER}))["error"], format!("{PEER} is off"));
    rig.write_kernel(0, &Fake::say(b"still there"));
    assert_eq!(read(&mut other), Some(Fake::heard(b"still there", -50)));
    let mut mended = rig.peer(PEER);
    rig.write_kernel(0, &Fake::say(b"and back"));
    assert_eq!(read(&mut mended), Some(Fake::heard(b"and back", -50)));
}

#[test]
fn a_peer_that_stops_reading_goes_off_in_the_end() {
    let mut rig = Rig::new();
    for host in [HOST, SECOND_HOST] {
        rig.done(&json!({"unplug": host}));
    }
    let _stopped = rig.peer(PEER);
    let flood: Vec<u8> = Fake::say(&[0; 250]).repeat(1000);
    let mut talker = rig.peer(SECOND_PEER);
    let off = (0..100).any(|_| {
        let mut sent = 0;
        while sent < flood.len() {
            sent += talker.write(&flood[sent..]).unwrap_or(0);
            rig.settle();
        }
        rig.order(&json!({"freeze": PEER, "for-ms": 0}))["error"] == format!("{PEER} is off")
    });
    assert!(off);
    rig.done(&json!({"freeze": SECOND_PEER}));
}

#[test]
fn a_device_that_vanishes_is_a_dongle_that_was_unplugged() {
    let mut rig = Rig::new();
    rig.kernel.borrow_mut().remove(0);
    rig.settle();
    assert_eq!(rig.order(&json!({"unplug": HOST}))["error"], format!("{HOST} is unplugged"));
    let mut peer = rig.peer(PEER);
    rig.write_kernel(0, &Fake::say(b"the other"));
    assert_eq!(read(&mut peer), Some(Fake::heard(b"the other", -50)));
    rig.done(&json!({"plug": HOST}));
    assert_eq!(rig.read_kernel(1), Some(vec![0xFF, 0x00]));
}

#[test]
fn a_dongle_is_unplugged_and_plugged_in() {
    let mut rig = Rig::new();
    let mut peer = rig.peer(PEER);
    rig.done(&json!({"unplug": HOST}));
    assert_eq!(rig.read_kernel(0), Some(vec![]), "the device was closed");
    peer.write_all(&Fake::say(b"anybody?")).unwrap();
    rig.settle();
    assert_eq!(rig.read_kernel(1), Some(Fake::heard(b"anybody?", -50)));
    assert_eq!(rig.order(&json!({"unplug": HOST}))["error"], format!("{HOST} is unplugged"));
    rig.done(&json!({"plug": HOST}));
    assert_eq!(rig.read_kernel(2), Some(vec![0xFF, 0x00]), "a new device was opened");
    assert_eq!(rig.order(&json!({"plug": HOST}))["error"], format!("{HOST} is plugged in"));
    peer.write_all(&Fake::say(b"and now?")).unwrap();
    rig.settle();
    assert_eq!(rig.read_kernel(2), Some(Fake::heard(b"and now?", -50)));
    let refused = rig.order(&json!({"unplug": PEER}));
    assert!(refused["error"].as_str().unwrap().contains("is no dongle"), "{refused}");
}

#[test]
fn orders_reach_the_air() {
    let mut rig = Rig::new();
    let mut peer = rig.peer(PEER);
    rig.done(&json!({"rssi": PEER, "dbm": -90}));
    rig.write_kernel(0, &Fake::say(b"faint"));
    assert_eq!(read(&mut peer), Some(Fake::heard(b"faint", -90)));
    rig.done(&json!({"range": PEER, "in": false}));
    rig.write_kernel(0, &Fake::say(b"gone"));
    assert_eq!(read(&mut peer), None);
    rig.done(&json!({"range": PEER, "in": true}));
    rig.done(&json!({"loss": PEER, "share": 1}));
    // The first octet of an ACL packet of the link layer is 1.
    rig.write_kernel(0, &Fake::say(&[1]));
    rig.write_kernel(0, &Fake::say(&[2]));
    assert_eq!(read(&mut peer), Some(Fake::heard(&[2], -90)));
    rig.done(&json!({"delay": PEER, "ms": 30}));
    let sent = Instant::now();
    rig.write_kernel(0, &Fake::say(b"late"));
    while read(&mut peer).is_none() {
        rig.server.turn(Some(Duration::from_secs(1))).unwrap();
    }
    assert!(sent.elapsed() >= Duration::from_millis(30), "{:?}", sent.elapsed());
}

#[test]
fn a_wrong_order_is_answered_with_what_there_is() {
    let mut rig = Rig::new();
    let unknown = rig.order(&json!({"rssi": "D2:00:00:00:00:03", "dbm": -60}));
    let all = format!("no controller D2:00:00:00:00:03; there are {HOST}, {SECOND_HOST}, {PEER}, {SECOND_PEER}");
    assert_eq!(unknown["error"], all);
    assert!(rig.order(&json!({"explode": PEER}))["error"].as_str().unwrap().ends_with(ORDERS));
}

#[test]
fn somebody_who_only_talks_is_sent_away_and_others_are_served() {
    let mut rig = Rig::new();
    let mut talker = UnixStream::connect(rig.path("control")).unwrap();
    talker.write_all(&[b'x'; 10_000]).unwrap();
    rig.settle();
    assert_eq!(talker.read(&mut [0; 8]).unwrap(), 0);
    let many: Vec<UnixStream> = (0..CLIENTS + 5).map(|_| UnixStream::connect(rig.path("control")).unwrap()).collect();
    for _ in 0..10 {
        rig.settle();
    }
    drop(many);
    rig.settle();
    rig.done(&json!({"range": PEER, "in": true}));
}

/// All that was ordered is answered, and nobody spins until the answers are read.
#[test]
fn answers_wait_for_their_reader() {
    let mut rig = Rig::new();
    for host in [HOST, SECOND_HOST] {
        rig.done(&json!({"unplug": host}));
    }
    let mut client = UnixStream::connect(rig.path("control")).unwrap();
    let orders = 2000;
    for _ in 0..orders / 100 {
        client.write_all("[]\n".repeat(100).as_bytes()).unwrap();
        rig.settle();
    }
    client.shutdown(std::net::Shutdown::Write).unwrap();
    rig.settle();
    let begun = Instant::now();
    rig.server.turn(Some(Duration::from_millis(40))).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(40));
    client.set_nonblocking(true).unwrap();
    let mut answers = Vec::new();
    while let Some(octets) = read(&mut client).filter(|octets| !octets.is_empty()) {
        answers.extend(octets);
        rig.settle();
    }
    assert_eq!(answers.iter().filter(|octet| **octet == b'\n').count(), orders);
}

#[test]
fn nothing_is_done_while_nothing_is_due() {
    let mut rig = Rig::new();
    for host in [HOST, SECOND_HOST] {
        rig.done(&json!({"unplug": host}));
    }
    let begun = Instant::now();
    rig.server.turn(Some(Duration::from_millis(40))).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(40), "without controllers there are no ticks");
}
