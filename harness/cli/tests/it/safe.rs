//! What is left of a lab when a command ends badly: every output is in its safe state, or named.

#![expect(clippy::print_stdout, reason = "the tests tell how many kills and faults they tried")]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rstest::rstest;
use rustix::process::Signal;

use crate::{
    board::{Board, Dice, kills},
    user::{Done, Home, Running, wait_for},
};

/// A unit that only has a supply: its name, its board, the channel and the safe position.
type Wire = (&'static str, &'static str, u8, &'static str);

const WIRES: [Wire; 5] = [
    ("one", "a", 1, "off"),
    ("two", "a", 2, "on"),
    ("three", "b", 1, "off"),
    ("four", "b", 3, "on"),
    ("five", "b", 4, "keep"),
];

const LAMP: &str = "device: test/lamp
title: Something that is on or off
roles: [a2dp-sink]
tags: [lamp]
codecs: [sbc]
boot: 10 ms
firmware:
  \"1\": {}
sources: {test: a test}
";

const BLINK: &str = "scenario: blink
title: A lamp goes off and on
matrix:
  speaker: {tags: [lamp]}
trial:
  - power: {unit: speaker, state: on}
  - power-cycle: {unit: speaker, off-for: 20 ms}
  - wait: {for: 10 ms}
cleanup:
  - power: {unit: speaker, state: off}
repeat: {at-least: 5, at-most: 60}
expect:
  - success-rate: {of: power-cycle, at-least: 50 %, good: 98 %, confidence: 95 %}
";

/// Boards, and rigs that are wired to them.
struct Lab {
    home: Home,
    a: Board,
    b: Board,
}

impl Lab {
    fn new() -> Self {
        let (home, a, b) = (Home::empty(), Board::new(4), Board::new(4));
        home.write("devices/test/lamp.yaml", LAMP);
        home.write("blink.yaml", BLINK);
        let lab = Self { home, a, b };
        lab.wire("lab", &WIRES, "");
        // Somebody has left it as it should be.
        for (_, board, channel, safe) in WIRES {
            lab.board(board).put(channel, safe == "on");
        }
        lab
    }

    /// Writes a rig's document. Locks are of the whole system: every lab's rigs have names of their own.
    fn wire(&self, rig: &str, wires: &[Wire], more: &str) {
        self.home.write(&self.file(rig), &self.document(rig, wires, more));
    }

    fn document(&self, rig: &str, wires: &[Wire], more: &str) -> String {
        let mut text = format!("rig: {}\ntitle: Lamps\nworld: hardware\nrooms: {{lab: {{}}}}\nrelays:\n", self.id(rig));
        for (name, board) in [("a", &self.a), ("b", &self.b)] {
            if wires.iter().any(|wire| wire.1 == name) {
                let port = board.port().display();
                let _ = writeln!(text, "  {name}: {{lcus: {{port: {port}}}, channels: 4}}");
            }
        }
        text.push_str(more);
        text.push_str("units:\n");
        for (place, (unit, board, channel, safe)) in wires.iter().enumerate() {
            let _ = write!(
                text,
                "  {unit}:\n    device: test/lamp\n    firmware: \"1\"\n    address: \"D2:00:00:00:00:0{place}\"\n    \
                 power: {{relay: {board}, channel: {channel}, safe: {safe}}}\n"
            );
        }
        text
    }

    fn id(&self, rig: &str) -> String {
        let port = |board: &Board| board.port().file_name().unwrap().to_string_lossy().into_owned();
        format!("it-{rig}-{}-{}", port(&self.a), port(&self.b))
    }

    fn file(&self, rig: &str) -> String {
        format!("{}.yaml", self.id(rig))
    }

    fn run(&self, rig: &str, more: &[&str]) -> Running {
        self.home.start(&[&["run", "blink.yaml", "--rig", &self.file(rig)], more].concat())
    }

    fn safe(&self, rig: &str) -> Done {
        self.home.rigtone(&["rig", "safe", &self.file(rig)])
    }

    fn board(&self, name: &str) -> &Board {
        if name == "a" { &self.a } else { &self.b }
    }

    /// Waits until both boards have carried out what programs that have ended sent them.
    fn settle(&self) {
        self.a.settle();
        self.b.settle();
    }

    fn outside(&self, wires: &[Wire]) -> Vec<&'static str> {
        let out = |wire: &&Wire| wire.3 != "keep" && self.board(wire.1).is_on(wire.2) != (wire.3 == "on");
        wires.iter().filter(out).map(|wire| wire.0).collect()
    }

    #[track_caller]
    fn assert_safe(&self, after: &str) {
        self.settle();
        assert_eq!(self.outside(&WIRES), [""; 0], "after {after}");
    }

    fn orders(&self) -> usize {
        self.a.count() + self.b.count()
    }

    fn journals(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.home.path("state/outputs")).unwrap();
        let mut journals: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        journals.sort();
        journals
    }

    /// A run that ends with `signal` when `orders` have been carried out, and a moment later.
    fn killed(&self, signal: Signal, orders: usize, moment: Duration) {
        let before = self.orders();
        let mut running = self.run("lab", &[]);
        wait_for("orders", || {
            assert!(running.ended().is_none(), "it ended too early: {:?}", running.ended());
            (self.orders() >= before + orders).then_some(())
        });
        // The instant itself is what is tried, not waited for.
        thread::sleep(moment);
        running.signal(signal);
        wait_for("its end", || running.ended());
        self.settle();
    }

    /// A run that is killed while a lamp of `board` is outside its safe state.
    fn killed_outside(&self, board: &str) -> Vec<&'static str> {
        let wires: Vec<Wire> = WIRES.into_iter().filter(|wire| wire.1 == board).collect();
        loop {
            let mut running = self.run("lab", &[]);
            wait_for("a lamp outside its safe state", || {
                assert!(running.ended().is_none(), "it ended too early");
                (!self.outside(&wires).is_empty()).then_some(())
            });
            running.signal(Signal::KILL);
            wait_for("its end", || running.ended());
            self.settle();
            let outside = self.outside(&wires);
            if !outside.is_empty() {
                return outside;
            }
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for rig in ["lab", "other"] {
            // The locks of its boards stay, one small file for each terminal of the system.
            let _ = fs::remove_file(format!("/tmp/rigtone-{}.lock", self.id(rig)));
        }
    }
}

#[test]
fn a_run_of_relays_alone_ends_with_every_output_safe_and_nothing_on_record() {
    let lab = Lab::new();
    lab.run("lab", &[]).done().with_code(0);
    lab.assert_safe("a run");
    assert!(lab.a.count() > 10 && lab.b.count() > 10);
    for journal in lab.journals() {
        let text = fs::read_to_string(&journal).unwrap();
        let mut last = std::collections::BTreeMap::new();
        for line in text.lines() {
            let record: serde_json::Value = serde_json::from_str(&line[17..]).unwrap();
            last.insert(record["channel"].as_u64().unwrap(), record["left"].as_bool().unwrap());
        }
        assert!(text.contains("\"left\":true") && last.values().all(|left| !left), "{text}");
    }
}

#[test]
fn a_kept_output_is_never_touched_unless_a_step_says_so() {
    let lab = Lab::new();
    lab.b.put(4, true);
    lab.run("lab", &["--select", "speaker=one"]).done().with_code(0);
    lab.safe("lab").with_code(0);
    lab.settle();
    assert!(lab.b.is_on(4) && lab.b.orders().iter().all(|(channel, _)| *channel != 4), "{:?}", lab.b.orders());
}

/// Kills runs at random instants, and looks what `repair` makes of it.
fn kill_again_and_again(name: &str, tried: usize, repair: impl Fn(&Lab, &str) -> Done) {
    let (lab, mut dice) = (Lab::new(), Dice::of(name));
    let (mut left, mut told, mut repaired) = (0, 0, 0);
    for kill in 0..tried {
        let signal = if dice.roll(4) == 0 { Signal::ABORT } else { Signal::KILL };
        let (orders, moment) = (dice.roll(8) as usize, Duration::from_micros(dice.roll(60_000)));
        lab.killed(signal, orders, moment);
        let outside = lab.outside(&WIRES);
        let when = format!("kill {kill} with {signal:?}, {orders} orders and {moment:?}, which left {outside:?}");
        // Some are killed once more while they repair what the first left.
        if dice.roll(3) == 0 {
            continue;
        }
        let done = repair(&lab, &when);
        lab.settle();
        assert_eq!(lab.outside(&WIRES), [""; 0], "{when}\n{}{}", done.out, done.err);
        for unit in &outside {
            assert!(done.err.contains(&format!("warning: power of {unit} (channel")), "{when}\n{}", done.err);
            told += 1;
        }
        left += usize::from(!outside.is_empty());
        repaired += 1;
    }
    println!("{name}: {tried} kills, {repaired} repairs, {left} of them of {told} outputs outside their safe state");
    assert!(tried < 20 || left * 5 > repaired, "the kills came too early to mean anything: {left} of {repaired}");
}

#[test]
fn killed_at_any_instant_the_lab_is_safe_after_rig_safe() {
    kill_again_and_again("kill, then rig safe", kills(50).div_ceil(2), |lab, when| {
        let done = lab.safe("lab");
        assert_eq!(done.code, 0, "{when}\n{}{}", done.out, done.err);
        done
    });
}

#[test]
fn killed_at_any_instant_the_lab_is_safe_after_the_next_run_though_it_needs_one_lamp_only() {
    kill_again_and_again("kill, then run", kills(50) / 2, |lab, when| {
        let one = ["--select", "speaker=three", "--max-time", "100 ms"];
        let done = lab.run("lab", &one).done();
        assert!([0, 3, 11].contains(&done.code), "{when}\n{}{}", done.out, done.err);
        done
    });
}

#[test]
fn an_output_whose_wiring_has_left_the_document_is_made_safe_and_told() {
    let lab = Lab::new();
    let outside = lab.killed_outside("a");
    // Neither the board nor its units are in the document any more.
    lab.wire("lab", &WIRES[2..], "");
    let done = lab.run("lab", &["--select", "speaker=three"]).done().with_code(0);
    for unit in outside {
        done.err.find(&format!("warning: power of {unit} (channel ")).unwrap_or_else(|| panic!("{}", done.err));
    }
    lab.assert_safe("a run that knows nothing of it");
    let again = lab.run("lab", &["--select", "speaker=three"]).done().with_code(0);
    assert!(!again.err.contains("was left"), "told once: {}", again.err);
}

#[test]
fn another_rig_on_the_same_board_makes_safe_what_the_first_left() {
    let lab = Lab::new();
    lab.wire("other", &[("six", "a", 4, "off")], "");
    let outside = lab.killed_outside("a");
    let done = lab.run("other", &[]).done().with_code(0);
    for unit in outside {
        assert!(done.err.contains(&format!("power of {unit} (channel")), "{}", done.err);
        assert!(done.err.contains(&format!("of the rig `{}`", lab.id("lab"))), "{}", done.err);
    }
    lab.settle();
    assert_eq!(lab.outside(&WIRES[..2]), [""; 0]);
}

#[test]
fn a_board_that_hangs_keeps_no_other_output_and_is_named_with_what_to_do() {
    let lab = Lab::new();
    for _ in 0..2 {
        lab.killed_outside("a");
        lab.a.hang();
        let done = lab.safe("lab").with_code(12);
        lab.b.settle();
        assert_eq!(lab.outside(&WIRES[2..]), [""; 0], "{}", done.err);
        for (unit, channel, safe) in [("one", 1, "off"), ("two", 2, "on")] {
            let fault = format!("relay a: power of {unit} may not be in its safe state");
            let by_hand = format!("switch channel {channel} of relay a {safe} by hand");
            assert!(done.err.contains(&fault) && done.err.contains(&by_hand), "{}", done.err);
        }
        // Only what needs the board is refused.
        lab.run("lab", &["--select", "speaker=three"]).done().with_code(0).says(&["power of", "by hand"]);
        lab.run("lab", &["--select", "speaker=one"]).done().with_code(12).says(&["relay a", "by hand"]);
        lab.a.recover();
        lab.safe("lab").with_code(0).says(&["every output", "safe state"]);
        lab.assert_safe("the board recovered");
    }
}

#[test]
fn a_board_that_hangs_in_the_middle_of_a_run_does_not_hang_the_program() {
    let lab = Lab::new();
    let mut running = lab.run("lab", &[]);
    wait_for("orders", || {
        assert!(running.ended().is_none());
        (lab.a.count() > 3 && lab.b.count() > 1).then_some(())
    });
    lab.a.hang();
    running.signal(Signal::INT);
    running.signal(Signal::TERM);
    let done = running.done();
    assert_ne!(done.code, 0, "{}{}", done.out, done.err);
    lab.b.settle();
    assert_eq!(lab.outside(&WIRES[2..]), [""; 0], "{}", done.err);
    lab.a.recover();
    lab.safe("lab").with_code(0);
    lab.assert_safe("the board recovered");
}

#[test]
fn a_board_that_answers_garbage_is_switched_all_the_same() {
    let lab = Lab::new();
    lab.a.babble();
    lab.run("lab", &[]).done().with_code(0);
    lab.assert_safe("a run with a board that babbles");
    lab.killed_outside("a");
    lab.safe("lab").with_code(0);
    lab.assert_safe("rig safe with a board that babbles");
}

#[test]
fn a_board_that_is_unplugged_keeps_no_other_output() {
    let lab = Lab::new();
    lab.b.put(1, true);
    let missing =
        lab.document("lab", &WIRES, "").replace(&format!("{}}}", lab.a.port().display()), "/dev/no-such-board}");
    lab.home.write(&lab.file("lab"), &missing);
    let said = ["power of one", "power of two", "/dev/no-such-board", "switch channel 1 of relay a off by hand"];
    lab.safe("lab").with_code(12).says(&said);
    lab.assert_safe("rig safe");
}

#[test]
fn rig_safe_needs_neither_dongles_nor_microphones_nor_the_documents_of_devices() {
    let lab = Lab::new();
    let more = "dongles: {d: {address: \"AA:BB:CC:00:00:01\"}}\nmicrophones:\n  m: {room: lab, alsa: {device: \
                \"hw:CARD=NONE\", rate: 48000, channels: 2, channel: 1}}\n";
    lab.wire("lab", &WIRES, more);
    fs::remove_dir_all(lab.home.path("devices")).unwrap();
    for (board, channel, on) in [(&lab.a, 1, true), (&lab.a, 2, false), (&lab.b, 3, false)] {
        board.put(channel, on);
    }
    lab.safe("lab").with_code(0).says(&["every output"]);
    lab.assert_safe("rig safe");
}

/// Spoils a file as crashes, disks and people do.
fn spoil(path: &Path, dice: &mut Dice) -> &'static str {
    let mut bytes = fs::read(path).unwrap();
    let length = bytes.len() as u64;
    let what = match dice.roll(5) {
        0 => {
            bytes.truncate(dice.roll(length) as usize);
            "cut"
        }
        1 => {
            for _ in 0..=dice.roll(16) {
                bytes[dice.roll(length) as usize] = dice.roll(256) as u8;
            }
            "flipped"
        }
        2 => {
            bytes = (0..dice.roll(4_000)).map(|_| dice.roll(256) as u8).chain([b'x']).collect();
            "garbage"
        }
        3 => {
            let from = dice.roll(length) as usize;
            bytes[from..].fill(0);
            "zeros"
        }
        _ => {
            bytes.extend(b"\n{\"channel\": 1, \"left\": fal");
            "torn"
        }
    };
    fs::write(path, bytes).unwrap();
    what
}

#[test]
fn a_journal_that_was_spoiled_never_keeps_an_output_from_its_safe_state() {
    let (lab, mut dice) = (Lab::new(), Dice::of("spoiled journals"));
    let (tried, mut said) = (kills(50).div_ceil(5), 0);
    for fault in 0..tried {
        let board = if dice.roll(2) == 0 { "a" } else { "b" };
        lab.killed_outside(board);
        let faults: Vec<&str> = lab.journals().iter().map(|journal| spoil(journal, &mut dice)).collect();
        let done = match fault % 2 {
            0 => lab.safe("lab").with_code(0),
            // All lamps: a cut may have taken whole records with it, and what is not needed is not looked at then.
            _ => lab.run("lab", &[]).done().with_code(0),
        };
        lab.settle();
        assert_eq!(lab.outside(&WIRES), [""; 0], "{faults:?}\n{}", done.err);
        said += usize::from(done.err.contains("is damaged"));
        let again = lab.safe("lab").with_code(0);
        assert!(!again.err.contains("is damaged"), "told once: {}", again.err);
    }
    println!("spoiled journals: {tried} times both of two, {said} of them said to be damaged; every output was safe");
    assert!(said * 2 > tried, "{said} of {tried}");
}

#[test]
fn a_journal_that_cannot_be_written_is_the_rigs_fault_and_nothing_is_switched() {
    let lab = Lab::new();
    lab.home.write("state", "a file, where a folder is due");
    lab.run("lab", &[]).done().with_code(12).says(&["state/outputs failed", "help:", "RIGTONE_STATE"]);
    lab.settle();
    assert_eq!(lab.orders(), 0);
    // What makes the lab safe needs no record.
    lab.a.put(1, true);
    // Its own outputs are safe; what else may be on record nobody knows.
    lab.safe("lab").with_code(12).says(&["error: state directory", "help:"]);
    lab.assert_safe("rig safe");
}

/// A run of a rig that has begun to switch.
fn under_way(lab: &Lab, rig: &str, board: &Board) -> Running {
    let before = board.count();
    let mut running = lab.run(rig, &["--out", rig]);
    wait_for("orders", || {
        assert!(running.ended().is_none(), "it ended too early");
        (board.count() > before).then_some(())
    });
    running
}

#[test]
fn a_rig_and_a_board_have_one_program_at_a_time_and_it_is_named() {
    let lab = Lab::new();
    lab.wire("other", &[("six", "a", 4, "off")], "");
    let running = under_way(&lab, "lab", &lab.a);
    let holder = format!("of the rig `{}`", lab.id("lab"));
    let same = format!("the rig `{}` is in use by process ", lab.id("lab"));
    lab.run("lab", &["--out", "second"]).done().with_code(13).says(&[&same, &holder, "help: wait for"]);
    lab.safe("lab").with_code(13).says(&[&same]);
    let shared = format!("relay a on {} is in use by process ", lab.a.port().display());
    lab.run("other", &["--out", "third"]).done().with_code(13).says(&[&shared, &holder]);
    lab.safe("other").with_code(13).says(&[&shared, &holder]);
    assert!(!lab.home.path("second").exists() && !lab.home.path("third").exists());
    running.done().with_code(0);
    lab.run("other", &[]).done().with_code(0);
}

#[test]
fn rigs_that_share_nothing_run_side_by_side() {
    let lab = Lab::new();
    lab.wire("lab", &WIRES[..2], "");
    lab.wire("other", &WIRES[2..4], "");
    let mut first = under_way(&lab, "lab", &lab.a);
    let second = under_way(&lab, "other", &lab.b);
    assert!(first.ended().is_none(), "both run");
    first.done().with_code(0);
    second.done().with_code(0);
    lab.assert_safe("both");
}

#[rstest]
#[case(Signal::INT)]
#[case(Signal::TERM)]
#[case(Signal::HUP)]
fn a_run_that_is_ended_from_outside_leaves_every_output_safe(#[case] signal: Signal) {
    let lab = Lab::new();
    let running = under_way(&lab, "lab", &lab.a);
    running.signal(signal);
    running.done().with_code(130);
    lab.assert_safe("a signal");
}

#[test]
fn a_service_manager_does_not_wait_for_a_board_that_hangs() {
    let lab = Lab::new();
    let running = lab.run("lab", &["--select", "speaker=one", "--stop-within", "100 ms"]);
    wait_for("trials", || (lab.a.count() > 10).then_some(()));
    lab.a.hang();
    // The step in hand, or its cleanup, waits for the board much longer than that.
    running.signal(Signal::TERM);
    running.done().with_code(130).says(&["SIGTERM", "within 100 ms", "was given up"]);
    lab.a.recover();
    lab.safe("lab").with_code(0);
    lab.settle();
    lab.assert_safe("a run that was given up");
}

/// What was on record of a board that no document wires any more cannot be read.
#[rstest]
#[case::a_folder_stands_there(|journal: &Path| {
    fs::remove_file(journal).unwrap();
    fs::create_dir(journal).unwrap();
}, "opening its journal")]
#[case::nothing_of_it_is_whole(|journal: &Path| fs::write(journal, "garbage\n").unwrap(), "is damaged")]
fn what_nobody_knows_is_never_called_safe(#[case] spoil: fn(&Path), #[case] said: &str) {
    let lab = Lab::new();
    lab.killed_outside("a");
    let port = lab.a.port().file_name().unwrap().to_string_lossy().into_owned();
    let journal = lab.journals().into_iter().find(|path| path.to_string_lossy().contains(&format!("pts%2F{port}")));
    let journal = journal.unwrap_or_else(|| lab.journals().remove(0));
    spoil(&journal);
    lab.wire("lab", &WIRES[2..], "");
    let done = lab.safe("lab").with_code(12);
    assert!(!done.out.contains("is in its safe state"), "{}", done.out);
    done.says(&[said, "help:"]);
    // A run that does not need the board says so and goes on.
    lab.run("lab", &["--select", "speaker=three"]).done().with_code(0).says(&[said]);
    let _ = fs::remove_dir(&journal).or_else(|_| fs::remove_file(&journal));
    lab.wire("lab", &WIRES, "");
    lab.safe("lab").with_code(0);
    lab.assert_safe("the document wires it again");
}
