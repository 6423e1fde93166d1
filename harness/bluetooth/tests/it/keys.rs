//! Captures without the keys in them, and captures as they are written.

use rigtone_bluetooth::capture::{
    CaptureError,
    Direction::{Received, Sent},
    Format, Kind, Reader, Writer, without_keys,
};
use rstest::rstest;

use crate::{
    build::{BEGUN_S, FORMATS, Packet, btsnoop, file, head, packet},
    recorded::report,
    scene::evening,
};

/// A key that occurs nowhere else.
const KEY: [u8; 16] = *b"\xA1\xB2\xC3\xD4\xE5\xF6\xA7\xB8\xC9\xDA\xEB\xFC\xAD\xBE\xCF\xD0";
const ADDRESS: [u8; 6] = [1, 2, 3, 4, 5, 6];

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn command(opcode: u16, parameters: &[&[u8]]) -> Packet {
    let parameters = parameters.concat();
    let head = [opcode as u8, (opcode >> 8) as u8, parameters.len() as u8];
    packet(5, Sent, Kind::Command, &[head.as_slice(), &parameters].concat())
}

fn event(code: u8, parameters: &[&[u8]]) -> Packet {
    let parameters = parameters.concat();
    packet(6, Received, Kind::Event, &[[code, parameters.len() as u8].as_slice(), &parameters].concat())
}

/// A PDU of the security manager.
fn security(code: u8) -> Packet {
    let pdu = [&[code], KEY.as_slice()].concat();
    let data = [&[2, 0x20, 21, 0, 17, 0, 6, 0], pdu.as_slice()].concat();
    packet(7, Received, Kind::Acl, &data)
}

#[rstest]
#[case::link_key_reply(command(0x040B, &[&ADDRESS, &KEY]))]
#[case::pin_reply(command(0x040D, &[&ADDRESS, &[16], &KEY]))]
#[case::passkey_reply(command(0x042E, &[&ADDRESS, &KEY[..4]]))]
#[case::out_of_band(command(0x0430, &[&ADDRESS, &[0; 16], &KEY]))]
#[case::out_of_band_extended(command(0x0445, &[&ADDRESS, &[0; 48], &KEY]))]
#[case::stored_keys(command(0x0C11, &[&[2], &ADDRESS, &[0; 16], &ADDRESS, &KEY]))]
#[case::encryption(command(0x2019, &[&[0; 12], &KEY]))]
#[case::long_term_key(command(0x201A, &[&[0; 2], &KEY]))]
#[case::resolving_list(command(0x2027, &[&[0], &ADDRESS, &[0; 16], &KEY]))]
#[case::new_link_key(event(0x18, &[&ADDRESS, &KEY, &[5]]))]
#[case::returned_keys(event(0x15, &[&[2], &ADDRESS, &[0; 16], &ADDRESS, &KEY]))]
#[case::own_out_of_band(event(0x0E, &[&[1, 0x57, 0x04, 0], &KEY, &KEY]))]
#[case::passkey(event(0x3B, &[&ADDRESS, &KEY[..4]]))]
#[case::encryption_information(security(6))]
#[case::identity_information(security(8))]
#[case::signing_information(security(10))]
fn a_secret_is_taken_out_of_every_format(#[case] secret: Packet) {
    for format in FORMATS {
        let packets = [vec![secret.clone()], evening().packets, vec![secret.clone()]].concat();
        let whole = file(format, &packets);
        assert!(holds(&whole, &KEY[..4]));
        let (clean, records) = without_keys(whole.clone()).unwrap();
        assert_eq!(records, 2, "{format:?}");
        assert!(!holds(&clean, &KEY[..4]), "{format:?}");
        // Nothing else is touched, and what the capture says is what it said.
        assert_eq!(clean.len(), whole.len());
        let changed = clean.iter().zip(&whole).filter(|(a, b)| a != b).count();
        let secrets = secret.data.iter().filter(|byte| KEY.contains(byte)).count();
        assert!(changed <= 2 * (secrets + 1), "{changed} of {secrets} bytes in {format:?}");
        assert_eq!(report(&clean), report(&whole));
    }
}

#[test]
fn management_of_the_monitor_is_emptied_and_its_log_is_kept() {
    let data = [b"\x01\0\0\0\x12\0".as_slice(), &KEY].concat();
    let length = data.len() as u32;
    let record = |code: u32| btsnoop(1, 0xffff_0000 | code, 0, length, &data);
    for (code, emptied) in [(16, true), (17, true), (13, false), (12, false)] {
        let whole = [head(Format::BtsnoopMonitor), record(code)].concat();
        let (clean, records) = without_keys(whole.clone()).unwrap();
        assert_eq!((holds(&clean, &KEY), records), (!emptied, u64::from(emptied)), "{code}");
        assert!(holds(&clean, &data[..6]));
    }
}

#[rstest]
#[case::cut_key(command(0x040B, &[&ADDRESS, &KEY[..3]]))]
#[case::no_parameters(command(0x040B, &[]))]
#[case::no_count(event(0x15, &[]))]
#[case::nothing(packet(1, Sent, Kind::Command, &[]))]
#[case::half_an_opcode(packet(1, Sent, Kind::Command, &[0x0B]))]
#[case::half_a_header(packet(1, Received, Kind::Acl, &[2, 0x20, 21]))]
fn what_is_too_short_for_a_secret_is_no_trouble(#[case] odd: Packet) {
    for format in FORMATS {
        let (clean, _) = without_keys(file(format, std::slice::from_ref(&odd))).unwrap();
        assert!(!holds(&clean, &KEY[..3]), "{format:?}");
    }
}

#[test]
fn what_is_no_capture_has_no_keys_to_take_out() {
    assert_eq!(without_keys(Vec::new()), Ok((Vec::new(), 0)));
    assert!(matches!(without_keys(b"PK\x03\x04 and what else a ZIP has".to_vec()), Err(CaptureError::Foreign(_))));
}

#[test]
fn what_is_written_is_read_back() {
    let packets = evening().packets;
    let mut writer = Writer::new();
    assert!(writer.is_empty());
    for Packet { at_us, direction, kind, data } in &packets {
        let at_ns = ((BEGUN_S * 1_000_000 + at_us) * 1000) as i64;
        writer.packet(at_ns, 0, *direction, *kind, data);
    }
    assert!(!writer.is_empty());
    assert_eq!(writer.bytes(), file(Format::BtsnoopMonitor, &packets));
    assert_eq!(writer.len(), writer.bytes().len());
    // Losses are told by every record that follows.
    writer.lost(3);
    writer.packet(0, 1, Received, Kind::Event, &[0x10, 1, 0]);
    let mut reader = Reader::new();
    reader.feed(writer.bytes());
    let mut last = None;
    while let Some(record) = reader.record().unwrap() {
        last = Some((record.drops, record.adapter, record.at_ns, record.end));
    }
    assert_eq!(last, Some((3, 1, 0, writer.len() as u64)));
}
