//! `rigtone timeline`: recorded captures, what is no capture, and names that would like to be obeyed.

use std::fs;

use rstest::rstest;
use serde_json::Value;

use crate::user::{Home, repository};

fn copied(name: &str) -> Vec<u8> {
    fs::read(repository().join("harness/bluetooth/tests/data").join(name)).unwrap()
}

fn schema() -> Value {
    let text = fs::read_to_string(repository().join("reports/schemas/timeline.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The report, which must keep to its published schema.
fn report(home: &Home, file: &[u8]) -> Value {
    fs::write(home.path("capture"), file).unwrap();
    let report = home.rigtone(&["timeline", "capture", "--json"]).with_code(0).json();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(&report).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert_eq!(faults, Vec::<String>::new());
    report
}

/// Committed schemas are those that the command writes: `rigtone schema --out reports/schemas` renews them.
#[test]
fn committed_schemas_are_those_of_the_command() {
    let home = Home::empty();
    home.rigtone(&["schema", "--out", "schemas"]).with_code(0);
    let mut names = Vec::new();
    for entry in fs::read_dir(home.path("schemas")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let committed = fs::read_to_string(repository().join("reports/schemas").join(&name)).unwrap();
        assert!(committed == fs::read_to_string(&path).unwrap(), "{name} is another: write and commit it anew");
        names.push(name);
    }
    assert!(names.contains(&"timeline.schema.json".to_owned()), "{names:?}");
}

/// Editors and readers of the schema show what a key means.
#[test]
fn every_key_of_the_schema_is_described() {
    fn walk(schema: &Value, at: &str, missing: &mut Vec<String>) {
        for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let described = property.get("description").or(property.get("$ref")).or(property.get("const"));
            // Moments say by their kind what their fields are.
            if described.is_none() && !at.contains("/Moment/") {
                missing.push(format!("{at}/{key}"));
            }
        }
        match schema {
            Value::Object(map) => map.iter().for_each(|(key, value)| walk(value, &format!("{at}/{key}"), missing)),
            Value::Array(list) => list.iter().for_each(|value| walk(value, at, missing)),
            _ => {}
        }
    }
    let mut missing = Vec::new();
    walk(&schema(), "", &mut missing);
    assert_eq!(missing, Vec::<String>::new());
}

#[rstest]
#[case("codec-switch.btsnoop", true)]
#[case("faults.btsnoop", true)]
#[case("ldac-damaged.btsnoop", false)]
fn reports_keep_to_their_schema_and_say_whether_they_prove_anything(#[case] name: &str, #[case] usable: bool) {
    let report = report(&Home::empty(), &copied(name));
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["proof"]["usable"], usable);
    assert_eq!(report["proof"]["damage"].as_array().unwrap().is_empty(), usable);
}

#[test]
fn a_person_reads_what_happened() {
    let home = Home::empty();
    fs::write(home.path("switch.btsnoop"), copied("codec-switch.btsnoop")).unwrap();
    home.rigtone(&["timeline", "switch.btsnoop"]).with_code(0).says(&[
        "switch.btsnoop: 11.7",
        "whole: nothing of it is damaged",
        "link 1: `Speaker A` D2:00:00:00:00:01 (we called; hci0, handle 3838)",
        "0.100728    1912.3 ms  inquiry        we    heard at -50 dBm",
        "2.013153    1015.7 ms  page           we",
        "authentication we    paired: unauthenticated key, P-256",
        "their endpoint 2 sink: aptX 44.1/48 kHz, stereo (4f 00 00 00 01 00 32), delay reporting",
        "configuration  we    AAC MPEG-2 LC, 44.1 kHz, 2 channels, constant bit rate, peak 256 kbit/s (80 01 04 03 e8 00)",
        "8.092169       8.1 ms  first media    we    after START",
        "40 packets of 360 B, 132.5 packets/s, 381.7 kbit/s",
        "looks like no RTP, as of aptX, as agreed",
        "no sequence gap, largest gap 45.1 ms at 4.495344 s",
        "the capture ends before the link",
    ]);
    fs::write(home.path("faults.btsnoop"), copied("faults.btsnoop")).unwrap();
    home.rigtone(&["timeline", "faults.btsnoop"]).with_code(0).says(&[
        "! 58.575644 s: authentication ended with: authentication failure",
        "! 75.524763 s: the configuration was refused: unsupported configuration (0x29) in media codec",
        "! 107.941201 s: the stream was opened and never started",
        "delayed: 445.0 ms of silence from 94.819921 s, their turn",
    ]);
}

#[test]
fn a_damaged_capture_says_first_that_it_proves_nothing() {
    let home = Home::empty();
    fs::write(home.path("c"), copied("ldac-damaged.btsnoop")).unwrap();
    let done = home.rigtone(&["timeline", "c"]).with_code(0);
    let second = done.out.lines().nth(1).unwrap().to_owned();
    assert_eq!(second.trim(), "damaged, and no proof of anything:");
    done.says(&["hci0 handle 42:", "sent packets that were never finished: ", "missing of our media packets: "]);
    // A file that was cut off is read up to there.
    let whole = copied("codec-switch.btsnoop");
    fs::write(home.path("c"), &whole[..whole.len() - 3]).unwrap();
    let length = |at: usize| 24 + u32::from_be_bytes(whole[at + 4..at + 8].try_into().unwrap()) as usize;
    let (mut records, mut at) = (0, 16);
    while at + length(at) < whole.len() {
        at += length(at);
        records += 1;
    }
    let said = format!("the file ends within record {} at byte {at}", records + 1);
    home.rigtone(&["timeline", "c"]).with_code(0).says(&["damaged", &said]);
}

#[rstest]
#[case::empty(b"", 12, &["the file is empty", "record again"])]
#[case::head(b"btsnoop\0\0\0\0\x01\0\0\x03\xea", 12, &["ends at byte 16, before its first record"])]
#[case::length(
    b"btsnoop\0\0\0\0\x01\0\0\x03\xea\0\0\0\x04\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    12,
    &["record 1 at byte 16 claims 4294967295 bytes"],
)]
#[case::text(b"> HCI Event: Connect Complete (0x03) plen 11\n", 2, &["no HCI capture: text", "btmon -w FILE"])]
#[case::pcap(b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0", 2, &["a pcap file", "tshark -r FILE -F btsnoop -w OUT"])]
#[case::zip(b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0", 2, &["a ZIP archive", "btsnoop_hci.log"])]
#[case::simulator(b"btsnoop\0\0\0\0\x01\0\0\x07\xd2____", 2, &["packets of kind 2002 (at byte 12)"])]
fn what_is_no_capture_is_refused_with_what_to_do(#[case] bytes: &[u8], #[case] code: i32, #[case] said: &[&str]) {
    let home = Home::empty();
    fs::write(home.path("file"), bytes).unwrap();
    let done = home.rigtone(&["timeline", "file"]).with_code(code);
    assert_eq!(done.out, "");
    done.says(&["error: file: ", "help: "]).says(said);
}

#[test]
fn a_folder_and_a_file_that_is_not_there_are_wrong_usage() {
    let home = Home::empty();
    home.rigtone(&["timeline", "."]).with_code(2).says(&["error: . is a folder", "name the capture in it"]);
    home.rigtone(&["timeline", "none"]).with_code(2).says(&["reading none failed"]);
}

/// The record of a remote name, as Android writes it.
fn named(name: &[u8]) -> Vec<u8> {
    let connected = [4, 3, 11, 0, 2, 0, 3, 2, 1, 0x6B, 0x18, 0, 1, 0].to_vec();
    let mut given = [&[4, 7, 255, 0, 3, 2, 1, 0x6B, 0x18, 0], name].concat();
    given.resize(258, 0);
    let mut file = b"btsnoop\0\0\0\0\x01\0\0\x03\xea".to_vec();
    for data in [connected, given] {
        let length = (data.len() as u32).to_be_bytes();
        file.extend(
            [&length, &length, [0, 0, 0, 3].as_slice(), &[0; 4], &0x00e2_0000_0000_0000_u64.to_be_bytes(), &data]
                .concat(),
        );
    }
    file
}

#[rstest]
#[case(b"\x1b[2J\x1b]0;owned\x07Box", "`Box`", "\u{1b}[2J\u{1b}]0;owned\u{7}Box")]
#[case("Bo\u{9b}31mx\u{202e}".as_bytes(), "`Box`", "Bo\u{9b}31mx\u{202e}")]
#[case(b"Bo\xFFx\nlink 2: `trusted`", "`Bo\u{fffd}x link 2: `trusted``", "Bo\u{fffd}x\nlink 2: `trusted`")]
fn names_of_devices_are_shown_and_not_obeyed(#[case] name: &[u8], #[case] shown: &str, #[case] kept: &str) {
    let home = Home::empty();
    let file = named(name);
    assert_eq!(report(&home, &file)["links"][0]["name"], kept);
    for arguments in [["timeline", "capture"].as_slice(), &["timeline", "capture", "--json"]] {
        let out = home.rigtone(arguments).with_code(0).out;
        assert_eq!(out.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}'), None, "{out}");
    }
    home.rigtone(&["timeline", "capture"]).with_code(0).says(&[shown]);
}

#[test]
fn a_reader_that_goes_away_ends_the_output() {
    let home = Home::empty();
    fs::write(home.path("c"), copied("codec-switch.btsnoop")).unwrap();
    home.rigtone_unread(&["timeline", "c", "--json"]).with_code(0);
}
