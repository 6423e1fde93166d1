//! Run directories that nobody wrote by mistake, and real ones after a bad disk: each fault is told, nothing is waited
//! for, and what is whole is read.
//!
//! `RIGTONE_FUZZ_CASES` sets the number of cases of each target, `RIGTONE_FUZZ_SEED` repeats a run.

use std::{fs, os::unix::fs::symlink, path::Path};

use proptest::{collection::vec, prelude::*, sample::Index};
use rigtone_model::{
    load::{load, read},
    plan::{Expansion, Plan, PlannedScenario, expand},
};
use rigtone_record::{ENVIRONMENT, EVENTS, PLAN, VERDICTS, read_environment, read_events, read_plan, read_verdicts};
use rstest::rstest;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::{RUN, events, target::target};

/// What each reader says of a directory whose files are all of one kind.
fn refusals(make: impl Fn(&Path)) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    for name in [PLAN, EVENTS, VERDICTS, ENVIRONMENT] {
        make(&dir.path().join(name));
    }
    let path = dir.path();
    vec![
        read_plan::<Plan>(path).unwrap_err().to_string(),
        read_verdicts(path).unwrap_err().to_string(),
        read_environment(path).unwrap_err().to_string(),
        match read_events(path) {
            Err(error) => error.to_string(),
            Ok(mut events) => events.next().unwrap().unwrap_err().to_string(),
        },
    ]
}

#[rstest]
#[case::a_pipe(|path: &Path| mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap(), "it is not a file")]
#[case::an_endless_device(|path: &Path| symlink("/dev/zero", path).unwrap(), "it is not a file")]
#[case::a_folder(|path: &Path| fs::create_dir(path).unwrap(), "it is not a file")]
#[case::a_link_to_itself(|path: &Path| symlink(path, path).unwrap(), "symbolic links")]
#[case::a_dangling_link(|path: &Path| symlink("nowhere", path).unwrap(), "No such file")]
fn what_is_no_file_is_refused_at_once(#[case] make: fn(&Path), #[case] says: &str) {
    for text in refusals(make) {
        assert!(text.starts_with("read `") && text.contains(says), "{text}");
    }
}

/// They only claim their size: reading one whole would need a terabyte.
#[test]
fn a_document_of_a_terabyte_is_not_read_whole() {
    let texts = refusals(|path| {
        fs::File::create(path).unwrap().set_len(if path.ends_with(EVENTS) { 1 } else { 1 << 40 }).unwrap();
    });
    for text in &texts[..3] {
        assert!(text.contains("larger than 256 MiB"), "{text}");
    }
}

#[test]
fn brackets_without_end_do_not_end_the_stack() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(PLAN), "[".repeat(1 << 20)).unwrap();
    assert!(read_plan::<Plan>(dir.path()).is_err());
    let (open, close) = ("[".repeat(1 << 20), "]".repeat(1 << 20));
    for (kind, payload, says) in [
        ("x", open.clone(), "not an event"),
        ("x", format!("{open}{close}"), "recursion limit"),
        ("checked", format!("{open}{close}"), "invalid type"),
        ("warning", format!("{{\"text\":{open}{close}}}"), "invalid type"),
        ("trial-finished", format!("{{\"outcome\":\"completed\",\"memory\":{open}{close}}}"), "recursion limit"),
    ] {
        let head = format!("{{\"schema\":\"1.0\",\"run\":\"r\",\"seq\":0,\"t_ns\":0,\"kind\":\"{kind}\"");
        fs::write(dir.path().join(EVENTS), format!("{head},\"payload\":{payload}}}\n")).unwrap();
        let read: Vec<_> = read_events(dir.path()).unwrap().collect();
        let fault = match &read[..] {
            [Err(fault)] => fault.to_string(),
            other => panic!("{kind}: {other:?}"),
        };
        assert!(fault.contains(says), "{kind}: {fault}");
    }
}

/// The repository's own scenarios, planned on its simulated rig.
fn plan() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (files, _) = read(&["scenarios/starter", "devices", "rigs/simulated.yaml"].map(|path| root.join(path)));
    let library = load(files).library;
    let devices = library.devices.iter().map(|(id, entry)| (id.clone(), entry.value.clone())).collect();
    let rig = &library.rigs.values().next().expect("there is one rig").value;
    let scenarios: Vec<PlannedScenario> = (library.scenarios.values())
        .map(|entry| PlannedScenario { document: entry.value.clone(), hash: entry.hash.clone() })
        .collect();
    let from = Expansion { rig, devices: &devices, signal_length: &|_| None };
    let combinations: Vec<_> = scenarios.iter().flat_map(|s| expand(s, &from).unwrap()).collect();
    let plan = Plan {
        schema: Plan::SCHEMA.into(),
        rig: rig.rig.clone(),
        rig_hash: "00".into(),
        retries: rig.retries.infrastructure,
        bench_after: rig.retries.bench_after,
        scenarios,
        combinations,
    };
    serde_json::to_string_pretty(&plan).unwrap()
}

/// A real `verdicts.json`.
fn verdicts() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/samples/verdicts.json")).unwrap()
}

fn log() -> String {
    events().iter().map(|event| event.to_line(RUN).unwrap() + "\n").collect::<String>().repeat(3)
}

/// One change of a file, as a bad disk, a bad merge or a curious hand makes it.
#[derive(Debug, Clone)]
enum Change {
    FlipBit(Index, u8),
    Cut(Index, Index),
    Copy(Index, Index, Index),
    RepeatLine(Index, usize),
    DeleteLine(Index),
    SwapLines(Index, Index),
    Word(Index, bool, &'static str),
}

const WORDS: &[&str] = &[
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "18446744073709551616",
    "9223372036854775808",
    "0.1",
    "[]",
    "{}",
    "[",
    "{",
    "}",
    "\"",
    "\"\\ud800\"",
    "\\u0000",
    "\"2.0\"",
    "\"1.9\"",
    "\"schema\":",
    "\"kind\":",
    "\"run\":\"x\",",
    "\n",
    "\0",
    "\u{1b}[2J",
    ",",
    "é",
];

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        (at(), 0_u8..8).prop_map(|(at, bit)| Change::FlipBit(at, bit)),
        (at(), at()).prop_map(|(a, b)| Change::Cut(a, b)),
        (at(), at(), at()).prop_map(|(a, b, to)| Change::Copy(a, b, to)),
        (at(), 1_usize..4).prop_map(|(at, times)| Change::RepeatLine(at, times)),
        at().prop_map(Change::DeleteLine),
        (at(), at()).prop_map(|(a, b)| Change::SwapLines(a, b)),
        (at(), any::<bool>(), prop::sample::select(WORDS)).prop_map(|(at, over, word)| Change::Word(at, over, word)),
    ]
}

fn changed(text: &str, changes: &[Change]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for change in changes {
        let length = bytes.len();
        if length == 0 {
            break;
        }
        let range = |a: &Index, b: &Index| {
            let (a, b) = (a.index(length), b.index(length));
            a.min(b)..a.max(b)
        };
        let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let count = lines.len();
        match change {
            Change::FlipBit(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Change::Cut(a, b) => drop(bytes.drain(range(a, b))),
            Change::Copy(a, b, to) => {
                let piece = bytes[range(a, b)].to_vec();
                let to = to.index(length);
                drop(bytes.splice(to..to, piece));
            }
            Change::Word(at, over, word) => {
                let at = at.index(length);
                let end = if *over { (at + word.len()).min(length) } else { at };
                drop(bytes.splice(at..end, word.bytes()));
            }
            Change::RepeatLine(at, times) => {
                let at = at.index(count);
                let line = lines[at].clone();
                drop(lines.splice(at..at, vec![line; *times]));
                bytes = lines.concat();
            }
            Change::DeleteLine(at) => {
                drop(lines.remove(at.index(count)));
                bytes = lines.concat();
            }
            Change::SwapLines(a, b) => {
                lines.swap(a.index(count), b.index(count));
                bytes = lines.concat();
            }
        }
    }
    bytes
}

/// Runs a target on as many mutations of a text as are asked for.
fn mutated(name: &'static str, cases: u32, text: &str, file: &str, test: impl Fn(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    target(name, cases, vec(change(), 1..6), |changes| {
        fs::write(dir.path().join(file), changed(text, &changes)).unwrap();
        test(dir.path());
    });
}

#[test]
fn of_a_mutated_log_every_line_is_an_event_or_a_fault() {
    let text = log();
    mutated("of_a_mutated_log_every_line_is_an_event_or_a_fault", 2000, &text, EVENTS, |dir| {
        let lines = fs::read(dir.join(EVENTS)).unwrap().iter().filter(|byte| **byte == b'\n').count() + 1;
        let read =
            || read_events(dir).unwrap().map(|r| r.map(|e| e.seq).map_err(|e| e.to_string())).collect::<Vec<_>>();
        let first = read();
        // A gap is told beside the event that shows it.
        assert!(first.len() <= 2 * lines, "{} events and faults of {lines} lines", first.len());
        let numbers: Vec<u64> = first.iter().filter_map(|r| r.as_ref().ok()).copied().collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        assert!(first.iter().filter_map(|r| r.as_ref().err()).all(|text| text.contains(EVENTS)));
        assert_eq!(read(), first);
    });
}

#[test]
fn a_mutated_plan_is_read_or_refused() {
    let text = plan();
    assert_eq!(serde_json::from_str::<Plan>(&text).map(|plan| plan.rig).ok(), Some("simulated".into()));
    mutated("a_mutated_plan_is_read_or_refused", 300, &text, PLAN, |dir| match read_plan::<Plan>(dir) {
        Ok(plan) => assert!(serde_json::to_string(&plan).is_ok()),
        Err(error) => assert!(error.to_string().contains(PLAN)),
    });
}

#[test]
fn mutated_verdicts_are_read_or_refused() {
    let text = verdicts();
    mutated("mutated_verdicts_are_read_or_refused", 300, &text, VERDICTS, |dir| match read_verdicts(dir) {
        Ok(verdicts) => assert!(serde_json::to_string(&verdicts).is_ok()),
        Err(error) => assert!(error.to_string().contains(VERDICTS)),
    });
}
