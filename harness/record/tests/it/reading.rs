use std::{fs, path::Path};

use rigtone_model::event::{Body, Event};
use rigtone_record::{
    ENVIRONMENT, EVENTS, PLAN, ReadError, VERDICTS, read_environment, read_events, read_plan, read_verdicts,
};
use rstest::rstest;

use crate::{RUN, events};

fn lines() -> Vec<String> {
    events().iter().map(|e| e.to_line(RUN).unwrap() + "\n").collect()
}

/// What a log of these bytes reads as: the numbers of the events and the texts of the faults, in order.
fn read(bytes: &[u8]) -> Vec<Result<u64, String>> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(EVENTS), bytes).unwrap();
    let prefix = format!("{}/", dir.path().display());
    let read = read_events(dir.path()).unwrap();
    read.map(|r| r.map(|e| e.seq).map_err(|e| e.to_string().replace(&prefix, ""))).collect()
}

#[test]
fn a_log_cut_at_any_byte_gives_every_whole_line_and_says_that_it_is_cut() {
    let whole = lines().concat();
    for cut in 0..=whole.len() {
        let bytes = &whole.as_bytes()[..cut];
        let complete = bytes.iter().filter(|b| **b == b'\n').count();
        let rest = bytes.len() - bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let mut expected: Vec<_> = (0..complete as u64).map(Ok).collect();
        if rest > 0 {
            expected.push(Err(format!("events.jsonl:{}: the last line is cut off after {rest} bytes", complete + 1)));
        }
        assert_eq!(read(bytes), expected, "cut at byte {cut}");
    }
}

#[rstest]
#[case::ours(r#"{"schema": "1.0"}"#, true)]
#[case::newer_minor(r#"{"schema": "1.7"}"#, true)]
#[case::of_no_version("{}", true)]
#[case::another_major(r#"{"schema": "2.0"}"#, false)]
fn what_a_run_ran_on_is_read_unless_it_is_of_another_major_version(#[case] text: &str, #[case] is_read: bool) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(ENVIRONMENT), text).unwrap();
    match read_environment(dir.path()) {
        Ok(_) => assert!(is_read),
        Err(error) => assert!(!is_read && matches!(error, ReadError::Schema { .. }), "{error}"),
    }
}

/// Who cannot read is not told to look for a place to write to.
#[test]
fn what_nobody_may_read_is_to_be_made_readable() {
    let os = std::io::ErrorKind::PermissionDenied.into();
    let hint = ReadError::Io { path: EVENTS.into(), os }.hint();
    assert!(hint.contains("read") && !hint.contains("write"), "{hint}");
}

#[test]
fn a_cut_log_is_told_from_a_damaged_one() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(EVENTS), &lines().concat().as_bytes()[..40]).unwrap();
    let faults: Vec<ReadError> = read_events(dir.path()).unwrap().filter_map(Result::err).collect();
    assert!(
        matches!(&faults[..], [fault] if fault.is_truncation() && fault.hint().contains("in flight")),
        "{faults:?}"
    );
}

#[rstest]
#[case::a_missing_event(&[0, 1, 3, 4], &[Ok(0), Ok(1), Err("events.jsonl:3: event 3 follows where 2 is due: 1 missing"), Ok(3), Ok(4)])]
#[case::a_missing_beginning(&[2, 3], &[Err("events.jsonl:1: event 2 follows where 0 is due: 2 missing"), Ok(2), Ok(3)])]
#[case::an_event_twice(&[0, 1, 1, 2], &[Ok(0), Ok(1), Err("events.jsonl:3: event 1 is there twice: 2 is due"), Ok(2)])]
fn holes_and_doubles_are_found(#[case] kept: &[usize], #[case] expected: &[Result<u64, &str>]) {
    let lines = lines();
    let log: String = kept.iter().map(|i| lines[*i].as_str()).collect();
    let expected: Vec<_> = expected.iter().map(|r| r.map_err(str::to_owned)).collect();
    assert_eq!(read(log.as_bytes()), expected);
}

#[rstest]
#[case::not_json(b"{\"schema\":\n", "events.jsonl:3: not an event: ")]
#[case::empty_line(b"\n", "events.jsonl:3: not an event: ")]
#[case::not_text(b"\xff\xfe\n", "events.jsonl:3: not UTF-8")]
#[case::nul_bytes(b"\0\0\0\0\n", "events.jsonl:3: not an event: ")]
#[case::other_version(
    b"{\"schema\":\"2.0\",\"run\":\"run-1\",\"seq\":2,\"t_ns\":0,\"kind\":\"x\"}\n",
    "events.jsonl:3: events of schema 2.0"
)]
fn a_damaged_line_is_one_fault_and_the_rest_is_read(#[case] damage: &[u8], #[case] fault: &str) {
    let mut log = Vec::new();
    for (i, line) in lines().iter().enumerate() {
        log.extend(if i == 2 { damage } else { line.as_bytes() });
    }
    let read = read(&log);
    assert_eq!(read.iter().filter_map(|r| r.as_ref().ok()).copied().collect::<Vec<_>>(), [0, 1, 3, 4]);
    let faults: Vec<_> = read.iter().filter_map(|r| r.as_ref().err()).collect();
    assert!(matches!(&faults[..], [text] if text.starts_with(fault)), "{faults:?}");
}

#[test]
fn an_event_of_another_run_is_not_given_out() {
    let mut lines = lines();
    let stranger = Event { seq: 1, ..events()[1].clone() };
    lines.insert(1, stranger.to_line("run-9").unwrap() + "\n");
    let mut expected: Vec<_> = (0..5).map(Ok).collect();
    expected.insert(1, Err("events.jsonl:2: this event belongs to run `run-9`, the log to run `run-1`".to_owned()));
    assert_eq!(read(lines.concat().as_bytes()), expected);
}

#[test]
fn an_endless_line_is_passed_over() {
    let mut log = lines();
    log[2] = "x".repeat(17 << 20) + "\n";
    let mut expected: Vec<_> = [0, 1, 3, 4].map(Ok).into();
    expected.insert(2, Err("events.jsonl:3: longer than 16777216 bytes".to_owned()));
    assert_eq!(read(log.concat().as_bytes()), expected);
}

#[test]
fn an_empty_log_has_no_events_and_no_fault() {
    assert_eq!(read(b""), []);
}

#[test]
fn a_directory_that_is_no_run_is_named_with_what_to_do() {
    let error = read_events(Path::new("/nowhere")).expect_err("nothing there");
    assert!(error.to_string().starts_with("read `/nowhere/events.jsonl`: "), "{error}");
    assert!(error.hint().contains("directory of a run"));
}

#[test]
fn documents_of_another_major_version_are_a_clear_error_whatever_they_hold() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(PLAN), r#"{"schema": "2.0", "moons": 3}"#).unwrap();
    fs::write(dir.path().join(VERDICTS), r#"{"schema": "10.0"}"#).unwrap();
    let plan = read_plan::<rigtone_model::plan::Plan>(dir.path()).expect_err("another version");
    assert!(matches!(&plan, ReadError::Schema { found, .. } if found == "2.0"), "{plan}");
    let verdicts = read_verdicts(dir.path()).expect_err("another version");
    assert!(matches!(&verdicts, ReadError::Schema { found, .. } if found == "10.0"), "{verdicts}");
}

#[test]
fn a_broken_document_says_file_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(VERDICTS), "{\"schema\": \"1.0\",\n oops").unwrap();
    let error = read_verdicts(dir.path()).expect_err("not JSON");
    assert!(error.to_string().contains("verdicts.json") && error.to_string().contains("line 2"), "{error}");
}

/// A log that is read in many pieces says the same as its lines one by one, with faults in every place.
#[test]
fn a_large_log_is_read_in_its_order_with_its_faults() {
    let event = |seq: u64| {
        let text = format!("{seq} {}", "x".repeat((seq as usize * 7919) % 5000));
        Event { seq, t_ns: 0, at: None, body: Body::Warning { text } }
    };
    let (mut log, mut expected) = (Vec::new(), Vec::new());
    for seq in 0..3000_u64 {
        match seq % 701 {
            17 => {
                log.extend(b"no event\n");
                expected.push(Err("not an event"));
            }
            19 => {
                log.extend([0xff, b'\n']);
                expected.push(Err("not UTF-8"));
            }
            23 => expected.push(Err("1 missing")),
            _ => {
                log.extend(format!("{}\n", event(seq).to_line(RUN).unwrap()).into_bytes());
                expected.push(Ok(seq));
            }
        }
    }
    // What is missing is said at the line that follows.
    assert!(log.len() > 4 << 20, "{} bytes are no large log", log.len());
    let found = read(&log);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}, not {expected}"),
            other => panic!("{other:?}"),
        }
    }
    // A cut in any block.
    for cut in [log.len() - 1, log.len() - 2000, log.len() / 2, (1 << 20) + 10] {
        let last = read(&log[..cut]).pop().expect("events");
        assert!(last.expect_err("the last line is cut").contains("cut off"), "cut at byte {cut}");
    }
}
