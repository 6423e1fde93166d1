//! Anything may stand in a capture: decoding never panics, says the same each time whatever the slices, keeps little, and
//! what it says can be shown.
//!
//! `RIGTONE_FUZZ_CASES` sets the number of cases of each target, `RIGTONE_FUZZ_SEED` repeats a run.

use std::{cell::Cell, io::Write as _, time::Instant};

use proptest::{collection::vec, prelude::*, sample::Index};
use rigtone_bluetooth::{
    capture::{
        CaptureError,
        Direction::{Received, Sent},
        Format, without_keys,
    },
    timeline::{Damage, Decoder, Report},
};

use crate::{
    build::{FORMATS, btsnoop, file, head, record},
    recorded::{copied, report},
    scene::{SBC, SPEAKER, Scene, sbc_packet},
    target::{LONGEST, target},
};

fn decode(file: &[u8], slice: usize) -> Result<Report, CaptureError> {
    let mut decoder = Decoder::new();
    for bytes in file.chunks(slice.max(1)) {
        decoder.feed(bytes)?;
    }
    decoder.finish()
}

/// What holds for any bytes. Links that were found.
fn holds(file: &[u8], slice: usize) -> usize {
    // Whatever it is, taking the keys out changes no length and can be done again.
    if let Ok((clean, records)) = without_keys(file.to_vec()) {
        assert_eq!(clean.len(), file.len());
        assert_eq!(without_keys(clean.clone()), Ok((clean, records)));
    }

    let whole = decode(file, usize::MAX);
    assert_eq!(decode(file, slice), whole, "slices of {slice} bytes say something else");
    match whole {
        Ok(report) => {
            let text = serde_json::to_string(&report).unwrap();
            // A fact is never much longer than what it was made of.
            assert!(text.len() < 10_000 + 200 * file.len(), "{} bytes from {}", text.len(), file.len());
            assert_eq!(report.proof.usable, report.proof.damage.is_empty());
            let counts = &report.capture;
            let hci = counts.commands + counts.events + counts.acl_sent + counts.acl_received;
            assert_eq!(hci + counts.synchronous + counts.isochronous + counts.others, counts.records);
            report.links.len()
        }
        Err(error) => {
            assert!(!error.to_string().is_empty() && !error.hint().is_empty());
            0
        }
    }
}

/// One change of a file, as a broken disk, a bad copy or a hostile hand makes it.
#[derive(Debug, Clone)]
enum Change {
    FlipBit(Index, u8),
    Byte(Index, u8),
    Word(Index, u32),
    Cut(Index, Index),
    Repeat(Index, Index),
    End(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let odd = prop::sample::select(vec![0, 1, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, u32::MAX, 0x0200_0000]);
    prop_oneof![
        6 => (at(), 0_u8..8).prop_map(|(at, bit)| Change::FlipBit(at, bit)),
        6 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        3 => (at(), odd).prop_map(|(at, word)| Change::Word(at, word)),
        1 => (at(), at()).prop_map(|(a, b)| Change::Cut(a, b)),
        1 => (at(), at()).prop_map(|(a, b)| Change::Repeat(a, b)),
        1 => at().prop_map(Change::End),
    ]
}

fn apply(change: &Change, bytes: &mut Vec<u8>) {
    let length = bytes.len();
    if length < 8 {
        return;
    }
    // Damage is local: a stretch is not half of the file.
    let stretch = |a: &Index, b: &Index| {
        let from = a.index(length);
        from..(from + b.index(300)).min(length)
    };
    match change {
        Change::FlipBit(at, bit) => bytes[at.index(length)] ^= 1 << bit,
        Change::Byte(at, byte) => bytes[at.index(length)] = *byte,
        Change::Word(at, word) => {
            let at = at.index(length - 4);
            bytes[at..at + 4].copy_from_slice(&word.to_be_bytes());
        }
        Change::Cut(a, b) => drop(bytes.drain(stretch(a, b))),
        Change::Repeat(a, b) => {
            let piece = bytes[stretch(a, b)].to_vec();
            let at = a.index(length);
            drop(bytes.splice(at..at, piece));
        }
        Change::End(at) => bytes.truncate(at.index(length)),
    }
}

#[test]
fn a_damaged_recording_is_decoded_or_refused() {
    let files = ["faults.btsnoop", "ldac-damaged.btsnoop", "codec-switch.btsnoop"].map(copied);
    // The first part of each is as good as the whole, and faster.
    let files = files.map(|file| file[..file.len().min(40_000)].to_vec());
    let found = Cell::new(0);
    let strategy = (0_usize..3, vec(change(), 1..40), 1_usize..5000);
    target("a_damaged_recording_is_decoded_or_refused", 200, strategy, |(which, changes, slice)| {
        let mut file = files[which].clone();
        changes.iter().for_each(|change| apply(change, &mut file));
        found.set(found.get() + holds(&file, slice));
    });
    assert!(found.get() > 0, "not one link was found in any");
}

#[test]
fn a_damaged_conversation_is_decoded_or_refused() {
    let mut scene = Scene::opened().start();
    for number in 0..5 {
        scene = scene.media(number).wait(15);
    }
    let scene = scene.ask(Sent, 0x08, &[1 << 2]).accept(Received, 0x08, &[]).disconnected(0x13);
    let files = FORMATS.map(|format| file(format, &scene.packets));
    let strategy = (0..FORMATS.len(), vec(change(), 1..12), 1_usize..300);
    target("a_damaged_conversation_is_decoded_or_refused", 1000, strategy, |(which, changes, slice)| {
        let mut file = files[which].clone();
        changes.iter().for_each(|change| apply(change, &mut file));
        holds(&file, slice);
    });
}

#[test]
fn any_bytes_are_decoded_or_refused() {
    let strategy = (0..=FORMATS.len(), vec(any::<u8>(), 0..400), 1_usize..50);
    target("any_bytes_are_decoded_or_refused", 2000, strategy, |(which, bytes, slice)| {
        let head = FORMATS.get(which).map(|format| head(*format)).unwrap_or_default();
        holds(&[head, bytes].concat(), slice);
    });
}

/// Something that may happen at any time: mostly well-formed, in no order at all.
#[derive(Debug, Clone)]
enum Step {
    Event(u8, Vec<u8>),
    Command(u16, Vec<u8>),
    Signal(bool, u8, u8, Vec<u8>),
    Channel(bool, u8, u8, u8),
    ChannelSignal(bool, Vec<u8>),
    Data(bool, u16, Vec<u8>),
    Fragment(bool, bool, Vec<u8>),
    Media(u16),
    Wait(u64),
    Back(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let code = prop::sample::select(vec![
        0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x0E, 0x0F, 0x10, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x22,
        0x2C, 0x2F, 0x31, 0x33, 0x36, 0x3E,
    ]);
    let opcode = prop::sample::select(vec![
        0x0401, 0x0402, 0x0405, 0x0406, 0x040B, 0x040C, 0x0411, 0x0413, 0x042C, 0x0804, 0x0C03,
    ]);
    // Parameters that begin like those of the conversation's link and device.
    let parameters = || {
        prop_oneof![
            vec(any::<u8>(), 0..30),
            vec(any::<u8>(), 0..20).prop_map(|more| [&[0, 2, 0], SPEAKER.as_slice(), &[1], &more].concat()),
            vec(any::<u8>(), 0..20).prop_map(|more| [&[0, 2, 0], more.as_slice()].concat()),
            vec(any::<u8>(), 0..20).prop_map(|more| [&SPEAKER, more.as_slice()].concat()),
            vec(any::<u8>(), 0..20).prop_map(|more| [&[0], SPEAKER.as_slice(), &more].concat()),
        ]
    };
    let content = prop_oneof![
        vec(any::<u8>(), 0..12),
        Just(vec![4]),
        Just(vec![4, 8]),
        Just([&[4, 12], SBC.as_slice()].concat()),
        Just(SBC.to_vec()),
    ];
    prop_oneof![
        4 => (code, parameters()).prop_map(|(code, more)| Step::Event(code, more)),
        2 => (opcode, parameters()).prop_map(|(opcode, more)| Step::Command(opcode, more)),
        8 => (any::<bool>(), prop_oneof![Just(0x10), Just(0x12), Just(0x13), any::<u8>()], 0_u8..16, content)
            .prop_map(|(sent, first, id, content)| Step::Signal(sent, first, id, content)),
        3 => (any::<bool>(), prop::sample::select(vec![1, 3, 23, 25]), 64_u8..70, 64_u8..70)
            .prop_map(|(sent, psm, a, b)| Step::Channel(sent, psm, a, b)),
        1 => (any::<bool>(), vec(any::<u8>(), 0..20)).prop_map(|(sent, bytes)| Step::ChannelSignal(sent, bytes)),
        4 => (any::<bool>(), 62_u16..70, vec(any::<u8>(), 0..60)).prop_map(|(sent, to, bytes)| Step::Data(sent, to, bytes)),
        1 => (any::<bool>(), any::<bool>(), vec(any::<u8>(), 0..30))
            .prop_map(|(sent, goes_on, bytes)| Step::Fragment(sent, goes_on, bytes)),
        4 => any::<u16>().prop_map(Step::Media),
        3 => (0_u64..5000).prop_map(Step::Wait),
        1 => any::<u64>().prop_map(Step::Back),
    ]
}

#[test]
fn a_conversation_in_no_order_is_decoded() {
    let seen = Cell::new([0_usize; 3]);
    let strategy = (vec(step(), 1..120), 1_usize..300);
    target("a_conversation_in_no_order_is_decoded", 1500, strategy, |(steps, slice)| {
        let way = |sent: bool| if sent { Sent } else { Received };
        let mut scene = Scene::opened();
        for step in steps {
            scene = match step {
                Step::Event(code, more) => scene.event(code, &more),
                Step::Command(opcode, more) => scene.command(opcode, &more),
                Step::Signal(sent, first, id, content) => {
                    scene.signal(way(sent), &[&[first, id], &content[..]].concat())
                }
                Step::Channel(sent, psm, a, b) => scene.channel(way(sent), u16::from(psm), a, b),
                Step::ChannelSignal(sent, bytes) => scene.l2cap(way(sent), 1, &bytes),
                Step::Data(sent, to, bytes) => scene.l2cap(way(sent), to, &bytes),
                Step::Fragment(sent, goes_on, bytes) => scene.acl(way(sent), goes_on, &bytes),
                Step::Media(number) => scene.l2cap(Sent, 67, &sbc_packet(number)),
                Step::Wait(ms) => scene.wait(ms),
                // Any clock, at most some ten thousand years away.
                Step::Back(us) => Scene { now: us >> 5, ..scene },
            };
        }
        let file = file(Format::BtsnoopH4, &scene.packets);
        holds(&file, slice);
        let links = report(&file).links;
        let [streams, starts, moments] = seen.get();
        seen.set([
            streams + links.iter().map(|link| link.streams.len()).sum::<usize>(),
            starts + links.iter().flat_map(|link| &link.streams).map(|stream| stream.starts.len()).sum::<usize>(),
            moments + links.iter().map(|link| link.moments.len()).sum::<usize>(),
        ]);
    });
    let _ = writeln!(
        std::io::stderr(),
        "fuzz a_conversation_in_no_order_is_decoded: {:?} streams, starts, moments",
        seen.get()
    );
    assert!(seen.get().iter().all(|count| *count > 1000), "the cases do not reach far: {:?}", seen.get());
}

/// Whatever is cut off, what is before it is reported, and that it was cut is said.
#[test]
fn a_conversation_cut_at_any_byte_is_decoded() {
    let scene = Scene::opened().start().media(0).media(1).disconnected(0x13);
    for format in FORMATS {
        let whole = file(format, &scene.packets);
        let mut ends = vec![head(format).len()];
        for packet in &scene.packets {
            ends.push(ends[ends.len() - 1] + record(format, packet).len());
        }
        for cut in ends[1]..whole.len() {
            let report = report(&whole[..cut]);
            let records = ends.iter().filter(|end| **end <= cut).count() as u64 - 1;
            assert_eq!(report.capture.records, records);
            let cut_off = Damage::CutShort { record: records + 1, offset: ends[records as usize] as u64 };
            let expected = if ends.contains(&cut) { vec![] } else { vec![cut_off] };
            assert_eq!(report.proof.damage, expected, "{format:?} cut at {cut}");
        }
    }
}

/// The memory of this process that was used at most, in kB.
fn most_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The flags and the data of a record with this number.
type Make<'a> = dyn Fn(u32) -> (u32, Vec<u8>) + 'a;

/// Captures of which every record wants to be remembered: what is kept stays within bounds, and what is left out is counted.
#[test]
fn endless_facts_are_not_kept() {
    const RECORDS: u32 = 120_000;
    let one = |scene: Scene| -> Vec<Vec<u8>> { scene.packets.into_iter().map(|packet| packet.data).collect() };
    let opened = Scene::opened();
    let signal = one(Scene::default().signal(Received, &[&[0x12, 0x0C], [7, 200].as_slice(), &[0xFF; 200]].concat()));
    let begun = [[0xFF, 0xFF, 0x40, 0].as_slice(), &[0x55; 1000]].concat();
    let kinds: [(&str, Box<Make<'_>>); 6] = [
        ("signals", Box::new(|_| (1, [&[2], signal[0].as_slice()].concat()))),
        (
            "links",
            Box::new(|n| {
                let [a, b, c, d] = n.to_le_bytes();
                (3, [&[4, 3, 11, 0, a, b & 0x0F], [a, b, c, d, 1, 1].as_slice(), &[1, 0]].concat())
            }),
        ),
        (
            "fragments",
            Box::new(|n| {
                let handle = (n as u16 & 0x0FFF | 0x2000).to_le_bytes();
                (0, [&[2], handle.as_slice(), &(begun.len() as u16).to_le_bytes(), &begun].concat())
            }),
        ),
        (
            "devices",
            Box::new(|n| {
                let address = [n.to_le_bytes().as_slice(), &[1, 1]].concat();
                match n {
                    0 => (2, vec![1, 0x01, 0x04, 5, 0x33, 0x8B, 0x9E, 8, 0]),
                    _ => (3, [&[4, 2, 15, 1], address.as_slice(), &[0; 8]].concat()),
                }
            }),
        ),
        (
            "calls",
            Box::new(|n| {
                let address = [n.to_le_bytes().as_slice(), &[1, 1]].concat();
                (2, [&[1, 0x05, 0x04, 13], address.as_slice(), &[0; 7]].concat())
            }),
        ),
        (
            "names",
            Box::new(|n| {
                let address = [n.to_le_bytes().as_slice(), &[1, 1]].concat();
                (3, [&[4, 7, 255, 0], address.as_slice(), &[b'x'; 248]].concat())
            }),
        ),
    ];
    for (name, make) in kinds {
        let (before, begun) = (most_kb(), Instant::now());
        let mut decoder = Decoder::new();
        decoder.feed(&file(Format::BtsnoopH4, &opened.packets)).unwrap();
        let mut length = 0;
        for number in 0..RECORDS {
            let (flags, data) = make(number);
            let bytes = btsnoop(opened.now + u64::from(number), flags, 0, data.len() as u32, &data);
            length += bytes.len();
            decoder.feed(&bytes).unwrap();
        }
        let report = decoder.finish().unwrap();
        let grown = most_kb() - before;
        let _ = writeln!(
            std::io::stderr(),
            "memory {name}: {grown} kB for {} kB, {} left out",
            length / 1000,
            report.left_out
        );
        assert!(begun.elapsed() < LONGEST, "{name}: {:?}", begun.elapsed());
        assert!(grown < 50_000, "{name}: {grown} kB");
        assert!(report.capture.records > u64::from(RECORDS));
        if matches!(name, "links" | "signals" | "devices" | "calls") {
            assert!(report.left_out > 0, "{name}: nothing was left out");
        }
    }
}
