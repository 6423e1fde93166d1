//! The same packets in files of all formats; cut files, files with impossible lengths, files that are none.

use rigtone_bluetooth::capture::{
    CaptureError,
    Direction::{Received, Sent},
    End, Foreign, Format, Kind, LARGEST_RECORD, Reader,
};
use rstest::rstest;

use crate::build::{BEGUN_S, FORMATS, Packet, btsnoop, file, head, packet, packet_logger, record};

/// What was read of a file that was fed in slices of a size.
fn read(file: &[u8], slice: usize) -> Result<(Vec<Packet>, End), CaptureError> {
    let mut reader = Reader::new();
    let mut packets = Vec::new();
    for bytes in file.chunks(slice) {
        reader.feed(bytes);
        while let Some(record) = reader.record()? {
            assert_eq!(record.number as usize, packets.len() + 1);
            let at_us = (record.at_ns / 1000) as u64 - BEGUN_S * 1_000_000;
            packets.push(Packet { at_us, direction: record.direction, kind: record.kind, data: record.data.to_vec() });
        }
        assert!(reader.kept() <= LARGEST_RECORD + slice + 64, "{} bytes are kept", reader.kept());
    }
    let (end, records, length) = reader.finish()?;
    assert_eq!((records as usize, length as usize), (packets.len(), file.len()));
    Ok((packets, end))
}

/// One packet of each kind that every format has.
fn packets() -> Vec<Packet> {
    vec![
        packet(0, Sent, Kind::Command, &[0x03, 0x0C, 0]),
        packet(1, Received, Kind::Event, &[0x0E, 4, 1, 0x03, 0x0C, 0]),
        packet(1_500_000, Sent, Kind::Acl, &[2, 0x20, 1, 0, 7]),
        packet(1_500_001, Received, Kind::Acl, &[2, 0x20, 0, 0]),
    ]
}

#[rstest]
fn every_format_says_the_same(#[values(0, 1, 2, 3, 4)] format: usize, #[values(1, 7, 64, 1 << 16)] slice: usize) {
    let file = file(FORMATS[format], &packets());
    assert_eq!(read(&file, slice), Ok((packets(), End::Whole)));
    let mut reader = Reader::new();
    reader.feed(&file);
    assert_eq!(reader.format(), Ok(Some(FORMATS[format])));
}

#[test]
fn voice_and_isochronous_data_have_their_kinds() {
    let more = [
        packet(2, Sent, Kind::Sco, &[1, 0, 1, 9]),
        packet(3, Received, Kind::Sco, &[1, 0, 1, 9]),
        packet(4, Sent, Kind::Iso, &[1, 0, 0, 0]),
        packet(5, Received, Kind::Iso, &[1, 0, 0, 0]),
    ];
    for format in FORMATS.into_iter().skip(1) {
        assert_eq!(read(&file(format, &more), 4096), Ok((more.to_vec(), End::Whole)), "{format:?}");
    }
}

/// Only what is whole is given, and the file says where it was cut.
#[rstest]
fn a_file_cut_at_any_byte_gives_what_is_whole(#[values(0, 1, 2, 3, 4)] format: usize) {
    let format = FORMATS[format];
    let (whole, packets) = (file(format, &packets()), packets());
    let ends: Vec<usize> = packets
        .iter()
        .scan(head(format).len(), |end, packet| {
            *end += record(format, packet).len();
            Some(*end)
        })
        .collect();
    for cut in 0..whole.len() {
        let expected = ends.iter().filter(|end| **end <= cut).count();
        let begins = if expected == 0 { head(format).len() } else { ends[expected - 1] };
        match read(&whole[..cut], 5) {
            Ok((found, end)) => {
                assert_eq!(found, packets[..expected], "cut at {cut}");
                let cut_off = End::Cut { record: expected as u64 + 1, offset: begins as u64 };
                assert_eq!(end, if cut == begins { End::Whole } else { cut_off }, "cut at {cut}");
            }
            Err(CaptureError::Empty) => assert_eq!(cut, 0),
            Err(CaptureError::NoRecord { length }) => assert_eq!((length as usize, expected), (cut, 0)),
            // Fewer bytes than a header of a format without a magic.
            Err(CaptureError::Foreign(_)) => assert!(cut < 13 && head(format).is_empty(), "cut at {cut}"),
            Err(error) => panic!("cut at {cut}: {error}"),
        }
    }
}

/// The controller's number and the direction of the monitor stand in its flags; what is no HCI traffic is stepped over.
#[test]
fn the_monitor_has_controllers_and_notes() {
    let mut bytes = head(Format::BtsnoopMonitor);
    bytes.extend(btsnoop(0, 1 << 16, 0, 16, &[0; 16]));
    bytes.extend(btsnoop(1, 1 << 16 | 5, 3, 4, &[2, 0x20, 0, 0]));
    bytes.extend(btsnoop(2, 0xFFFF << 16 | 12, 3, 4, b"note"));
    bytes.extend(btsnoop(3, 999, 3, 0, b""));
    let mut reader = Reader::new();
    reader.feed(&bytes);
    let mut found = Vec::new();
    while let Some(record) = reader.record().unwrap() {
        found.push((record.adapter, record.kind, record.direction, record.drops));
    }
    let expected = [
        (1, Kind::NewIndex, Received, 0),
        (1, Kind::Acl, Received, 3),
        (0xFFFF, Kind::Other, Received, 3),
        (0, Kind::Other, Received, 3),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_packet_that_the_recorder_cut_says_so() {
    let mut bytes = head(Format::BtsnoopH4);
    bytes.extend(btsnoop(0, 0, 0, 700, &[2, 2, 0x20, 0x90, 2, 1]));
    let mut reader = Reader::new();
    reader.feed(&bytes);
    let record = reader.record().unwrap().unwrap();
    assert_eq!((record.data.len(), record.original, record.is_cut()), (5, 699, true));
}

#[rstest]
#[case(Format::BtsnoopH4, btsnoop(9, 0, 0, 5, &[]), u32::MAX, 4)]
#[case(Format::BtsnoopMonitor, btsnoop(9, 0, 0, 5, &[]), LARGEST_RECORD as u32 + 1, 4)]
#[case(Format::PacketLogger, packet_logger(9, 1, &[], false), u32::MAX, 0)]
#[case(Format::PacketLogger, packet_logger(9, 1, &[], false), 8, 0)]
fn an_impossible_length_ends_the_reading_there(
    #[case] format: Format,
    #[case] mut hostile: Vec<u8>,
    #[case] claimed: u32,
    #[case] at: usize,
) {
    hostile[at..at + 4].copy_from_slice(&claimed.to_be_bytes());
    let whole = file(format, &packets());
    let bytes = [whole.as_slice(), &hostile, &whole].concat();
    let end = End::Impossible { record: 5, offset: whole.len() as u64, claimed: u64::from(claimed) };
    assert_eq!(read(&bytes, 1 << 16), Ok((packets(), end)));
    // As the first record it is no capture.
    let bytes = [head(format), hostile].concat();
    match read(&bytes, 1 << 16) {
        Err(CaptureError::FirstRecord { offset, claimed: said }) => {
            assert_eq!((offset as usize, said), (head(format).len(), u64::from(claimed)));
        }
        Err(CaptureError::Foreign(_)) => assert!(head(format).is_empty()),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case(b"", CaptureError::Empty, "record again")]
#[case(b"btsnoop\0\0\0\0\x01\0\0\x03\xea", CaptureError::NoRecord { length: 16 }, "record again")]
#[case(b"btsno", CaptureError::NoRecord { length: 5 }, "record again")]
#[case(b"btsnoop\0\0\0\0\x02\0\0\x03\xea____", CaptureError::Version(2), "btmon -w")]
#[case(b"btsnoop\0\0\0\0\x01\0\0\x07\xd2____", CaptureError::Datalink(2002), "btmon -w")]
#[case(b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0", CaptureError::Foreign(Foreign::Pcap), "-F btsnoop")]
#[case(b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0", CaptureError::Foreign(Foreign::Pcapng), "-F btsnoop")]
#[case(b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0", CaptureError::Foreign(Foreign::Zip), "FS/data/misc/bluetooth")]
#[case(b"\x1f\x8b\x08\0\0\0\0\0\0\x03\0\0\0\0\0\0", CaptureError::Foreign(Foreign::Gzip), "gunzip")]
#[case(b"> HCI Event: Connect Complete (0x03)", CaptureError::Foreign(Foreign::Text), "the capture itself")]
#[case(b"hi", CaptureError::Foreign(Foreign::Text), "the capture itself")]
#[case(&[0; 64], CaptureError::Foreign(Foreign::Unknown { first: [0; 4] }), "btmon -w")]
fn what_is_no_capture_is_refused_by_name(#[case] bytes: &[u8], #[case] error: CaptureError, #[case] hint: &str) {
    assert_eq!(read(bytes, 3), Err(error.clone()));
    assert_eq!(read(bytes, 4096), Err(error.clone()));
    assert!(error.hint().contains(hint), "{}", error.hint());
}
