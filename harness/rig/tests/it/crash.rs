//! A process with a rig that ends badly, and what it leaves. The process is this test binary once more.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rigtone_model::document::{Device, Lcus, RelayBoard, Rig, SafeState};
use rigtone_rig::{
    bench::Bench,
    hardware::{Hold, MadeSafe, Selection, make_safe, open, runtime},
    lock::Locks,
    safety::{Entry, State},
};
use rstest::rstest;
use serde_json::json;

use crate::board::{Board, Dice, kills};

/// Far enough that no load of the host matters.
const PATIENCE: i64 = 60_000_000_000;
const ROLE: &str = "RIGTONE_TEST_ROLE";
const PORT: &str = "RIGTONE_TEST_PORT";

fn rig(port: &str) -> Rig {
    let unit = |channel: u8, safe: &str| {
        json!({
            "device": "test/lamp", "firmware": "1", "address": format!("D2:00:00:00:00:0{channel}"),
            "power": {"relay": "board", "channel": channel, "safe": safe},
        })
    };
    serde_json::from_value(json!({
        "rig": format!("crash-{}", port.replace('/', "-").trim_matches('-')),
        "title": "A rig that ends badly", "world": "hardware", "rooms": {"room": {}},
        "relays": {"board": {"lcus": {"port": port}, "channels": 4}},
        "units": {"off": unit(1, "off"), "on": unit(2, "on"), "kept": unit(3, "keep")},
    }))
    .expect("a rig")
}

fn device(id: &str) -> Option<Device> {
    let document = json!({"device": id, "title": id, "roles": ["a2dp-sink"], "codecs": ["sbc"], "gestures": {}});
    serde_json::from_value(document).ok()
}

fn opened(rig: &Rig) -> Bench {
    let wanted = Selection::all(rig);
    let hold = Hold::take(rig, &wanted).expect("nobody else has it");
    open(rig, &device, &wanted, hold, &mut |_| {}).expect("the board is there")
}

/// Every unit to the position that is not safe.
async fn leave(bench: &Bench) {
    for (unit, on) in [("off", true), ("on", false), ("kept", true)] {
        let power = bench.units[unit].power.clone().expect("it has a supply");
        power.switch(on, bench.clock.now().plus(PATIENCE)).await.expect("the board is there");
    }
}

/// What the other tests start as a process of its own.
#[test]
#[ignore = "it is the process that ends badly in the tests beside it"]
fn process() {
    let (Ok(role), Ok(port)) = (env::var(ROLE), env::var(PORT)) else { return };
    if role == "journal" {
        let state = State::find().expect("it is named");
        let mut journal = state.journal("relay board", &port).expect("a journal");
        let board = RelayBoard { lcus: Some(Lcus::at(&port)), channels: 4, ..RelayBoard::default() };
        for round in 0_u32.. {
            let channel = (round % 4) as u8 + 1;
            let entry = Entry::new("lab", &board, channel, SafeState::Off, &format!("round {round}"));
            journal.leaving(&entry).expect("space");
            println!("left {channel}");
            // Every second round it comes back at once.
            if round % 8 < 4 {
                println!("back {channel}");
                journal.safe_again(channel).expect("space");
            }
        }
    }
    let rig = rig(&port);
    runtime().expect("a runtime").block_on(async {
        let bench = opened(&rig);
        leave(&bench).await;
        match role.as_str() {
            "panic" => panic!("planted"),
            "abort" => std::process::abort(),
            "return" => {}
            other => unreachable!("{other}"),
        }
    });
}

fn start(role: &str, port: &str, state: &std::path::Path) -> Child {
    Command::new(env::current_exe().expect("this test"))
        .args(["--exact", "crash::process", "--ignored", "--nocapture", "--test-threads", "1"])
        .envs([(ROLE, role), (PORT, port)])
        .env("RIGTONE_STATE", state)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this test can be started")
}

fn ended(mut child: Child) -> ExitStatus {
    // Its output must not block it.
    let mut out = child.stdout.take().expect("piped");
    std::io::copy(&mut out, &mut std::io::sink()).expect("readable");
    child.wait().expect("a child")
}

fn positions(board: &Board) -> [bool; 3] {
    [1, 2, 3].map(|channel| board.is_on(channel))
}

const SAFE: [bool; 3] = [false, true, true];
const LEFT: [bool; 3] = [true, false, true];

#[rstest]
#[case::orderly("return", 0)]
#[case::panic("panic", 101)]
fn a_process_that_ends_or_panics_leaves_every_output_safe(#[case] role: &str, #[case] code: i32) {
    let (board, state) = (Board::new(4), tempfile::tempdir().expect("a folder"));
    let port = board.port().to_str().expect("plain");
    assert_eq!(ended(start(role, port, state.path())).code(), Some(code));
    board.settle();
    assert_eq!(positions(&board), SAFE);
    assert_eq!(&board.orders()[..3], &[(1, true), (2, false), (3, true)], "they had left");
}

#[test]
fn what_an_abort_leaves_is_on_record_and_made_safe_by_the_next_start() {
    let (board, state) = (Board::new(4), tempfile::tempdir().expect("a folder"));
    let port = board.port().to_str().expect("plain");
    let status = ended(start("abort", port, state.path()));
    assert_eq!(status.signal(), Some(6), "{status}");
    board.settle();
    assert_eq!(positions(&board), LEFT);
    // Panicking afterwards, so that nothing but its start and its end can have done it.
    ended(start("panic", port, state.path()));
    board.settle();
    assert_eq!(positions(&board), SAFE);
    let repaired = &board.orders()[3..5];
    assert!(repaired.contains(&(1, false)) && repaired.contains(&(2, true)), "{repaired:?}: before anything else");
}

#[test]
fn a_journal_that_is_being_written_when_its_writer_is_killed_forgets_no_output() {
    let (folder, mut dice) = (tempfile::tempdir().expect("a folder"), Dice::of("journal"));
    let tried = kills(50);
    let (mut torn, mut records) = (0, 0);
    for kill in 0..tried {
        let port = format!("/dev/board-{kill}");
        let mut child = start("journal", &port, folder.path());
        // At some line or just behind it: between the lines it writes.
        let lines = 1 + dice.roll(200);
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut left = [false; 5];
        let mut take = |line: &str| {
            let (word, channel) = line.split_once(' ').unwrap_or_default();
            if let (true, Ok(channel)) = (["left", "back"].contains(&word), channel.trim().parse::<usize>()) {
                left[channel] = word == "left";
                records += 1;
            }
        };
        let mut line = String::new();
        for _ in 0..lines {
            line.clear();
            out.read_line(&mut line).expect("readable");
            take(&line);
        }
        std::thread::sleep(Duration::from_micros(dice.roll(500)));
        child.kill().expect("our own child");
        child.wait().expect("our own child");
        // The last line may be half a line; whoever reads takes only what was finished.
        for line in out.lines().map_while(Result::ok) {
            take(&line);
        }
        let state = State::at(folder.path().to_owned()).expect("usable");
        let journal = state.journal("relay board", &port).expect("a journal");
        let known: Vec<u8> = journal.entries().filter(|entry| entry.left).map(|entry| entry.channel).collect();
        let forgotten: Vec<usize> = (1..5).filter(|&c| left[c] && !known.contains(&(c as u8))).collect();
        assert!(
            forgotten.is_empty() || journal.damage().is_some(),
            "kill {kill}: {forgotten:?} of {left:?}, {known:?}"
        );
        torn += usize::from(journal.damage().is_some());
    }
    println!("journal: {tried} kills while it was written, {records} records, {torn} torn");
    assert!(records > tried);
}

#[test]
fn a_rig_is_made_safe_with_nothing_but_its_boards() {
    let board = Board::new(4);
    let port = board.port().to_str().expect("plain");
    let rig = rig(port);
    for (channel, on) in [(1, true), (3, true)] {
        board.put(channel, on);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let state = State::at(folder.path().to_owned());
    let mut hold = Hold::take_with(&rig, &Selection::default(), state).expect("nobody else has it");
    let MadeSafe { safe, faults, taken } = make_safe(&rig, &mut hold, &mut |_| {}).expect("the driver is built in");
    board.settle();
    assert_eq!((safe, faults, taken.len(), positions(&board)), (2, vec![], 0, SAFE));
    drop(hold);
    Locks::take(&rig.rig, []).expect("given back");
    let _ = fs::remove_file(format!("/tmp/rigtone-{}.lock", rig.rig));
}
