//! Boards on the network behind their threads: what is on record, and how they are left.

use rigtone_model::{
    document::{Output, RelayBoard, SafeState},
    event::Truth,
};
use serde_json::json;
use std::{
    fs,
    sync::{Arc, Mutex},
};

use super::fake::{Asked, Bytes, ok, web};
use crate::{
    clock::Clock,
    hardware::HostClock,
    power::{Board, Boards, Position, Setup, Wired},
    safety::{Entry, State},
};

const PATIENCE: i64 = 30_000_000_000;

/// A device with Tasmota and a password: its position, and whether it obeys.
fn plug(on: Arc<Mutex<bool>>, obeys: bool) -> Bytes {
    web(move |Asked { what, .. }| {
        let mut on = on.lock().expect("a lock");
        let command =
            what.strip_prefix("GET /cm?cmnd=Power1").and_then(|c| c.strip_suffix("&user=lab&password=geheim"));
        match command.expect("a command with its login") {
            "%20On" if obeys => *on = true,
            "%20Off" if obeys => *on = false,
            "%20On" | "%20Off" | "" => {}
            other => panic!("{other}"),
        }
        Some(ok(&json!({"POWER": if *on { "ON" } else { "OFF" }}).to_string()))
    })
}

struct Lab {
    folder: tempfile::TempDir,
    state: State,
    board: RelayBoard,
}

fn lab(host: &str) -> Lab {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("password");
    fs::write(&path, "geheim\n").expect("written");
    let login = json!({"user": "lab", "password": {"from-file": path}});
    let board = json!({"channels": 1, "tasmota": {"host": host, "login": login}});
    let state = State::at(folder.path().join("state")).expect("usable");
    Lab { folder, state, board: serde_json::from_value(board).expect("a board") }
}

impl Lab {
    fn journal(&self) -> crate::safety::Journal {
        self.state.journal("relay plug", &self.board.key().expect("a key")).expect("a journal")
    }

    fn setup(&self, board: RelayBoard, wired: &[Wired]) -> Setup {
        let (name, rig) = ("plug".to_owned(), "lab".to_owned());
        let channels = if wired.is_empty() { 0 } else { 1 };
        Setup { name, board, rig, channels, wired: wired.to_vec(), journals: vec![self.journal()], wear: None }
    }
}

fn speaker() -> Wired {
    let output = Output { relay: "plug".into(), channel: 1, safe: SafeState::Off, longest_on: None, settle: None };
    Wired { what: "power of speaker".into(), output, button: None }
}

#[tokio::test]
async fn a_plug_is_left_safe_and_its_password_is_nowhere_on_record() {
    let on = Arc::new(Mutex::new(false));
    let device = plug(on.clone(), true);
    let (lab, clock) = (lab(device.host()), HostClock::start());
    let board = Board::open(lab.setup(lab.board.clone(), &[speaker()]), clock).expect("it is there");
    assert_eq!(board.switch(1, true, clock.now().plus(PATIENCE)).await.map(|s| s.truth), Ok(Truth::Reported));
    assert!(*on.lock().expect("a lock"));
    let left: Vec<Entry> = lab.journal().entries().filter(|entry| entry.left).cloned().collect();
    assert_eq!(left.iter().map(|entry| (entry.channel, entry.protocol.as_str())).collect::<Vec<_>>(), [(1, "tasmota")]);
    assert_eq!(left[0].board(), lab.board, "the next start knows how to reach it");
    let records = fs::read_to_string(lab.journal().path()).expect("text");
    assert!(records.contains("from-file") && !records.contains("geheim"), "{records}");
    drop(board);
    assert!(!*on.lock().expect("a lock"), "its safe state");
    assert_eq!(lab.journal().entries().filter(|entry| entry.left).count(), 0);
}

#[tokio::test]
async fn a_plug_that_no_document_names_any_more_is_made_safe_by_its_journal() {
    let on = Arc::new(Mutex::new(true));
    let device = plug(on.clone(), true);
    let (lab, clock) = (lab(device.host()), HostClock::start());
    lab.journal().leaving(&Entry::new("lab", &lab.board, 1, SafeState::Off, "power of speaker")).expect("written");
    let known = lab.journal().entries().next().expect("a record").board();
    let mut boards = Boards::default();
    boards.insert("plug", Board::open(lab.setup(known, &[]), clock).expect("it is there"));
    assert_eq!(boards.make_safe(clock, clock.now().plus(PATIENCE)).await, []);
    assert!(!*on.lock().expect("a lock"));
    assert_eq!(lab.journal().entries().filter(|entry| entry.left).count(), 0);
}

#[tokio::test]
async fn a_plug_that_does_not_obey_is_the_rigs_fault_and_stays_on_record() {
    let device = plug(Arc::new(Mutex::new(true)), false);
    let (lab, clock) = (lab(device.host()), HostClock::start());
    let board = Board::open(lab.setup(lab.board.clone(), &[speaker()]), clock).expect("it is there");
    let patience = || clock.now().plus(PATIENCE);
    assert_eq!(board.switch(1, true, patience()).await.map(|s| s.truth), Ok(Truth::Reported));
    let fault = board.switch(1, false, patience()).await.expect_err("it stays on");
    assert_eq!(fault.member, "relay plug channel 1");
    assert!(fault.what.contains("the board reports that it is on") && fault.hint.is_some(), "{fault:?}");
    let positions = board.check(patience()).await;
    assert_eq!(positions, Ok(vec![Position { channel: 1, on: true, ordered: Some(false) }]));
    assert_eq!(lab.journal().entries().filter(|entry| entry.left).count(), 1);
    assert!(board.keeps().is_some_and(|why| why.contains("PowerOnState")), "whoever looks after the rig has to know");
}

#[tokio::test]
async fn a_password_that_is_not_there_is_said_and_nothing_is_sent() {
    let device = web(|asked| panic!("{asked:?}"));
    let (lab, clock) = (lab(device.host()), HostClock::start());
    fs::remove_file(lab.folder.path().join("password")).expect("there");
    let board = Board::open(lab.setup(lab.board.clone(), &[speaker()]), clock).expect("nothing is asked yet");
    let fault = board.switch(1, true, clock.now().plus(PATIENCE)).await.expect_err("no password");
    assert!(fault.what.contains("reading the secret in") && fault.hint.is_some(), "{fault:?}");
}
