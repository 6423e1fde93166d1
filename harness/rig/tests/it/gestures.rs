//! Gestures as the boards see them: chords over two boards, inverted contacts, limits, and hands that let go.

use std::{
    thread,
    time::{Duration, Instant},
};

use rigtone_model::{
    document::{Device, Rig},
    event::{TimedBy, Truth},
};
use rigtone_rig::{
    bench::Bench,
    capability::Pressed,
    hardware::{Hold, Selection, WornContact, open, runtime, worn},
    safety::State,
};
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::board::Board;

/// Far enough that no load of the host matters.
const PATIENCE: i64 = 60_000_000_000;
/// How often a gesture is made, everything new, where this host was too busy to let go in time.
const TRIES: usize = 20;

fn device(id: &str) -> Option<Device> {
    let press = |buttons: &[&str], held: &str| json!([{"buttons": buttons, "for": held}]);
    let document = json!({
        "device": id, "title": id, "roles": ["a2dp-sink"], "codecs": ["sbc"], "boot": "0 s",
        "gestures": {
            "chord": {"press": press(&["power", "up", "down"], "400 ms")},
            "tap": {"press": press(&["power"], "100 ms")},
            "long": {"press": press(&["power"], "30 s")},
            "inverted": {"press": press(&["down"], "100 ms")},
            "elsewhere": {"press": press(&["nowhere"], "100 ms")},
            "taps": {"press": [
                {"buttons": ["power"], "for": "50 ms", "gap": "150 ms"}, {"buttons": ["power"], "for": "50 ms"},
            ], "takes": "100 ms"},
            "key": {"press": press(&["power"], "100 ms"), "power": "over"},
            "reset": {"press": press(&["power"], "100 ms"), "factory-reset": true},
            "pairing-mode": {"press": press(&["power", "up"], "100 ms")},
        },
    });
    serde_json::from_value(document).ok()
}

/// A unit with buttons on two boards, one of which is closed at rest.
struct Lab {
    a: Board,
    b: Board,
    rig: Rig,
    state: TempDir,
}

impl Lab {
    fn new(change: impl FnOnce(&mut Value)) -> Self {
        let (a, b) = (Board::new(4), Board::new(4));
        let port = |board: &Board| board.port().to_str().expect("plain").to_owned();
        let mut document = json!({
            "rig": format!("gestures-{}", port(&a).replace('/', "-").trim_matches('-')),
            "title": "Buttons", "world": "hardware", "rooms": {"room": {}},
            "relays": {
                "a": {"lcus": {"port": port(&a)}, "channels": 4}, "b": {"lcus": {"port": port(&b)}, "channels": 4},
            },
            "units": {"unit": {
                "device": "test/lamp", "firmware": "1", "address": "D2:00:00:00:00:01",
                "power": {"relay": "a", "channel": 4},
                "buttons": {
                    "power": {"relay": "a", "channel": 1, "longest-hold": "2 s"},
                    "up": {"relay": "a", "channel": 2},
                    "down": {"relay": "b", "channel": 3, "rest": "closed"},
                },
            }},
        });
        change(&mut document);
        // Somebody has left it as it should be.
        b.put(3, true);
        let rig = serde_json::from_value(document).expect("a rig");
        Self { a, b, rig, state: tempfile::tempdir().expect("a folder") }
    }

    /// One that is open.
    fn opened(change: impl FnOnce(&mut Value)) -> (Self, Bench) {
        let lab = Self::new(change);
        let bench = lab.open();
        (lab, bench)
    }

    fn state(&self) -> State {
        State::at(self.state.path().to_owned()).expect("usable")
    }

    fn open(&self) -> Bench {
        let wanted = Selection::all(&self.rig);
        let hold = Hold::take_with(&self.rig, &wanted, Ok(self.state())).expect("nobody else has it");
        open(&self.rig, &device, &wanted, hold, &mut |_| {}).expect("the boards are there")
    }

    /// Does a gesture; what was pressed, or why not.
    fn gesture(&self, bench: &Bench, name: &str) -> Result<Vec<Pressed>, String> {
        let gestures = bench.units["unit"].gestures.clone().expect("it has buttons");
        let runtime = runtime().expect("a runtime");
        let done = runtime.block_on(gestures.perform(name, bench.clock.now().plus(PATIENCE)));
        done.map_err(|fault| fault.to_string())
    }

    fn worn(&self) -> Vec<(String, u64)> {
        let found = worn(&self.rig, &self.state()).expect("readable");
        let told = |c: &WornContact| (format!("{}/{}", c.relay, c.channel), c.operations());
        found.iter().map(told).filter(|(_, operations)| *operations > 0).collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(format!("/tmp/rigtone-{}.lock", self.rig.rig));
    }
}

/// Makes a gesture that this host was not too busy for.
fn in_time(make: impl Fn() -> (Lab, Bench), gesture: &str) -> (Lab, Bench, Vec<Pressed>) {
    for _ in 0..TRIES {
        let (lab, bench) = make();
        match lab.gesture(&bench, gesture) {
            Ok(pressed) => return (lab, bench, pressed),
            Err(fault) => assert!(fault.contains("this host was too busy to let go in time"), "{fault}"),
        }
        // Before the boards go.
        drop(bench);
    }
    panic!("this host was too busy {TRIES} times");
}

/// That time of the bench as the boards tell it, and never later.
fn instant(bench: &Bench, ns: i64) -> Instant {
    let (now, of_bench) = (Instant::now(), bench.clock.now());
    now - Duration::from_nanos((of_bench.0 - ns).unsigned_abs())
}

#[test]
fn a_chord_over_two_boards_comes_down_together_and_goes_up_together() {
    let (lab, bench, pressed) = in_time(|| Lab::opened(|_| {}), "chord");
    let [pressed] = pressed.try_into().expect("one press");
    let edge = pressed.switched.edge.expect("the host looked at its clock");
    assert!(edge.sent_ns < edge.acknowledged_ns);
    // The host's word for the last that came down: a board may get to look at it late.
    let down = instant(&bench, edge.acknowledged_ns);
    drop(bench);
    lab.a.settle();
    lab.b.settle();
    // What follows is the way out.
    assert_eq!(&lab.a.orders()[..4], &[(1, true), (2, true), (1, false), (2, false)]);
    assert_eq!(&lab.b.orders()[..2], &[(3, false), (3, true)], "closed at rest");
    let (a, b) = (lab.a.times(), lab.b.times());
    let up = a[2].min(b[1]);
    assert!(up >= down + Duration::from_millis(400), "{:?}", up - down);
    assert_eq!((pressed.timed_by, pressed.switched.truth), (TimedBy::Host, Truth::Commanded));
    assert!((400_000_000..700_000_000).contains(&pressed.held_ns), "{}", pressed.held_ns);
    assert_eq!(lab.worn(), [("a/1", 1), ("a/2", 1), ("b/3", 1)].map(|(c, n)| (c.to_owned(), n)));
}

#[test]
fn presses_come_one_after_the_other_with_their_gaps_and_the_device_gets_its_time() {
    let (lab, bench, pressed) = in_time(|| Lab::opened(|_| {}), "taps");
    let ended = bench.clock.now();
    let edge = pressed[0].switched.edge.expect("the host looked at its clock");
    // 50 ms, the smallest gap of the button of 200 ms, 50 ms, and 100 ms for the device.
    assert!(ended.0 - edge.sent_ns >= 400_000_000, "{}", ended.0 - edge.sent_ns);
    // The host's word for it: the board may get to look at it late.
    let let_go = instant(&bench, edge.acknowledged_ns + pressed[0].held_ns);
    lab.a.settle();
    assert_eq!(lab.a.orders(), [(1, true), (1, false), (1, true), (1, false)]);
    let again = lab.a.times()[2];
    assert!(again >= let_go + Duration::from_millis(200), "{:?}", again - let_go);
}

#[rstest]
#[case::too_long("long", "it holds `power` for 30 s, and 2 s is the longest")]
#[case::not_wired("elsewhere", "its button `nowhere` is wired to no relay")]
#[case::unknown("yodel", "its device has no such gesture")]
#[case::reset("reset", "it makes the unit forget what it knows")]
#[case::over("key", "nobody knows whether it is on")]
fn what_may_not_be_done_moves_nothing(#[case] gesture: &str, #[case] said: &str) {
    let lab = Lab::new(|_| {});
    let bench = lab.open();
    let fault = lab.gesture(&bench, gesture).expect_err("refused");
    assert!(fault.starts_with("unit unit: ") && fault.contains(said), "{fault}");
    lab.a.settle();
    assert_eq!((lab.a.count(), lab.b.count()), (0, 0));
}

#[test]
fn a_reset_that_is_allowed_is_done() {
    let allows = || Lab::opened(|rig| rig["units"]["unit"]["allows-factory-reset"] = json!(true));
    let (lab, bench, _) = in_time(allows, "reset");
    drop(bench);
    lab.a.settle();
    assert_eq!(&lab.a.orders()[..2], &[(1, true), (1, false)]);
}

#[test]
fn a_unit_whose_supply_went_off_and_on_is_known_to_be_on() {
    let switched = || {
        let (lab, bench) = Lab::opened(|_| {});
        let power = bench.units["unit"].power.clone().expect("wired");
        for on in [false, true] {
            let switched = runtime().expect("a runtime").block_on(power.switch(on, bench.clock.now().plus(PATIENCE)));
            let edge = switched.expect("it obeys").edge.expect("the host looked at its clock");
            assert!(edge.sent_ns < edge.acknowledged_ns);
        }
        (lab, bench)
    };
    let (lab, _bench, _) = in_time(switched, "key");
    assert!(lab.worn().contains(&("a/4".to_owned(), 1)), "on and off is one operation");
}

#[test]
fn whoever_gives_up_lets_go() {
    let lab = Lab::new(|rig| rig["units"]["unit"]["buttons"]["power"]["longest-hold"] = json!("60 s"));
    let bench = lab.open();
    let gestures = bench.units["unit"].gestures.clone().expect("it has buttons");
    let began = Instant::now();
    runtime().expect("a runtime").block_on(async {
        let deadline = bench.clock.now().plus(PATIENCE);
        let pressed = async {
            while lab.a.count() == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            done = gestures.perform("long", deadline) => panic!("{done:?}"),
            () = pressed => {}
        }
    });
    while lab.a.count() < 2 {
        assert!(began.elapsed() < Duration::from_secs(60), "it is held on");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(lab.a.orders(), [(1, true), (1, false)]);
    let times = lab.a.times();
    assert!(times[1] - times[0] < Duration::from_secs(20), "and not thirty seconds later");
}

#[test]
fn a_release_that_fails_is_tried_again() {
    let lab = Lab::new(|_| {});
    let bench = lab.open();
    thread::scope(|scope| {
        scope.spawn(|| {
            while lab.a.count() == 0 {
                thread::sleep(Duration::from_millis(1));
            }
            lab.a.hang();
            thread::sleep(Duration::from_millis(900));
            lab.a.recover();
        });
        // Either it is released a little late, or that is said.
        if let Err(fault) = lab.gesture(&bench, "tap") {
            assert!(fault.contains("tap") || fault.contains("letting go"), "{fault}");
        }
    });
    let began = Instant::now();
    while lab.a.is_on(1) {
        assert!(began.elapsed() < Duration::from_secs(60), "it is held on");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn an_output_is_on_for_no_longer_than_it_may_be_whoever_forgets_it() {
    let lab = Lab::new(|rig| rig["units"]["unit"]["power"]["longest-on"] = json!("300 ms"));
    let bench = lab.open();
    let power = bench.units["unit"].power.clone().expect("wired");
    let runtime = runtime().expect("a runtime");
    runtime.block_on(power.switch(true, bench.clock.now().plus(PATIENCE))).expect("it obeys");
    // The thread that asked does nothing more.
    let began = Instant::now();
    while lab.a.is_on(4) || lab.a.count() == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "it is on for ever");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(lab.a.orders(), [(4, true), (4, false)]);
    let scope = rigtone_rig::bench::Scope::Members(&["relay a"]);
    let check = || runtime.block_on(bench.keeper.check(scope, bench.clock.now().plus(PATIENCE)));
    let found = check();
    assert!(!found[0].ok && found[0].finding.contains("its longest time"), "{found:?}");
    assert!(check()[0].ok, "it is told once");
}
