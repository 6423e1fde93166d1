//! Gestures in a run, worn contacts, and the units of systemd that make outputs safe.

use std::{fs, process::Command};

use serde_json::Value;

use crate::user::{Home, repository};

const SPEAKER: &str = "device: test/speaker
title: A speaker with buttons
roles: [a2dp-sink]
codecs: [sbc]
boot: 2 s
gestures:
  pairing-mode: {press: [{buttons: [power, up], for: 3 s}], from: on}
  power-key: {press: [{buttons: [power], for: 1 s}], power: over}
  reset: {press: [{buttons: [power, up], for: 9 s}], factory-reset: true}
firmware:
  \"1\": {}
sources: {test: a test}
";

const RIG: &str = "rig: pressed
title: A speaker whose buttons are wired
world: simulated
rooms: {lab: {noise: -70 dB}}
relays: {board: {channels: 4}}
microphones: {bench: {room: lab, latency-uncertainty: 1 ms}}
units:
  source: {device: amazon/echo-dot-5, firmware: \"2024.02\", address: \"0C:00:00:00:00:01\", control: command}
  speaker:
    device: test/speaker
    firmware: \"1\"
    address: \"5E:00:00:00:00:01\"
    power: {relay: board, channel: 1}
    heard-by: {bench: {distance: 0.3 m}}
    buttons: {power: {relay: board, channel: 2}, up: {relay: board, channel: 3, rest: closed}}
";

const SCENARIO: &str = "scenario: pressed
title: A speaker is turned off and on with its button
matrix:
  source: {role: a2dp-source}
  speaker: {devices: [test/speaker]}
conditions:
  as-it-is: {}
  reset: {}
trial:
  - power-cycle: {unit: speaker, off-for: 2 s}
  - enter-pairing-mode: {unit: speaker}
  - gesture: {unit: speaker, name: reset}
    when: [reset]
  - pair: {attempts: 3}
  - gesture: {unit: speaker, name: power-key}
    label: off
  - gesture: {unit: speaker, name: power-key}
    label: on
  - wait: {for: 3 s}
  - connect: {profile: a2dp}
cleanup:
  - forget: {}
  - power: {unit: speaker, state: off}
repeat: {at-least: 3, at-most: 20}
expect:
  - success-rate: {of: connect, at-least: 50 %, good: 98 %, confidence: 90 %}
";

fn home() -> Home {
    let home = Home::new();
    home.write("devices/test/speaker.yaml", SPEAKER);
    home.write("pressed.yaml", RIG);
    home.write("scenarios/test/pressed.yaml", SCENARIO);
    home
}

fn events(home: &Home, run: &str, kind: &str) -> Vec<Value> {
    let log = fs::read_to_string(home.path(run).join("events.jsonl")).unwrap();
    let events = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["kind"] == kind).collect()
}

#[test]
fn gestures_are_done_and_told_and_a_reset_is_skipped_where_it_is_not_allowed() {
    let home = home();
    let done =
        home.rigtone(&["run", "scenarios/test/pressed.yaml", "--rig", "pressed.yaml", "--out", "run"]).with_code(0);
    done.says(&["the gesture `reset` resets it,", "`allows-factory-reset: true`"]);
    let pressed = events(&home, "run", "buttons-pressed");
    let of_step = |step: &str| pressed.iter().filter(|event| event["step"] == step).count();
    assert!(of_step("enter-pairing-mode") >= 3 && of_step("off") == of_step("on") && of_step("on") >= 3);
    let first = &pressed[0]["payload"];
    assert_eq!(
        (&first["unit"], &first["gesture"], &first["timed_by"], &first["truth"]),
        (&"speaker".into(), &"pairing-mode".into(), &"host".into(), &"reported".into())
    );
    assert_eq!((first["buttons"].as_array().map(Vec::len), &first["held_ns"]), (Some(2), &3_000_000_000_i64.into()));
    assert!(events(&home, "run", "step-finished").iter().all(|event| event["payload"]["outcome"] == "done"));
}

#[test]
fn a_reset_that_is_allowed_makes_the_speaker_forget() {
    let home = home();
    home.write("pressed.yaml", &format!("{RIG}    allows-factory-reset: true\n"));
    // After a reset it is not in pairing mode any more.
    home.rigtone(&["run", "scenarios/test/pressed.yaml", "--rig", "pressed.yaml", "--out", "run"]).with_code(10);
    let failed = events(&home, "run", "step-finished");
    let failed = failed.iter().filter(|event| event["payload"]["outcome"]["failed"].is_object());
    let all: Vec<_> = failed.map(|event| (&event["step"], &event["payload"]["outcome"]["failed"]["class"])).collect();
    assert!(
        !all.is_empty() && all.iter().all(|(step, class)| *step == "pair" && *class == "pairing-timed-out"),
        "{all:?}"
    );
}

#[test]
fn a_toggle_that_nobody_knows_the_state_of_costs_the_trial_and_blames_nobody_else() {
    let home = home();
    // Nothing before it tells whether the speaker is on.
    let scenario = SCENARIO.replace(
        "  - power-cycle: {unit: speaker, off-for: 2 s}\n  - enter-pairing-mode",
        "  - power: {unit: speaker, state: on}\n  - gesture: {unit: speaker, name: power-key}\n  - enter-pairing-mode",
    );
    let rig = RIG.replace("    power: {relay: board, channel: 1}\n", "");
    let scenario = scenario
        .replace("  - power: {unit: speaker, state: on}\n", "")
        .replace("  - power: {unit: speaker, state: off}\n", "");
    home.write("scenarios/test/pressed.yaml", &scenario);
    home.write("pressed.yaml", &rig);
    let done = home.rigtone(&["run", "scenarios/test/pressed.yaml", "--rig", "pressed.yaml", "--out", "run"]);
    let lost = events(&home, "run", "step-finished");
    let what = lost.iter().find_map(|event| event["payload"]["outcome"]["lost"]["what"].as_str());
    assert!(what.is_some_and(|what| what.contains("nobody knows whether it is on")), "{what:?}\n{}", done.out);
    done.with_code(12);
}

#[test]
fn contacts_of_the_simulated_world_do_not_wear() {
    home().rigtone(&["rig", "wear", "pressed.yaml"]).with_code(2).says(&["is simulated"]);
}

/// The units of systemd, as a lab would install them.
fn units() -> Vec<(String, String)> {
    let folder = repository().join("rigs/systemd");
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let read =
        |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap());
    all.map(read).collect()
}

/// What systemd would start, it can start: the commands are those of this version.
#[test]
fn the_units_of_systemd_name_commands_that_work() {
    let home = home();
    home.write("etc/rigs/lab.yaml", RIG.replace("rig: pressed", "rig: lab").as_str());
    for (name, _) in [("etc/scenarios/pressed.yaml", ()), ("etc/devices/test/speaker.yaml", ())] {
        home.write(name, if name.contains("speaker") { SPEAKER } else { SCENARIO });
    }
    for device in ["amazon/echo-dot-5", "test/speaker"] {
        let text = fs::read_to_string(home.path(format!("devices/{device}.yaml"))).unwrap();
        home.write(&format!("etc/devices/{device}.yaml"), &text);
    }
    let mut commands = 0;
    for (name, text) in units() {
        for line in text.lines().filter_map(|line| line.strip_prefix("Exec")) {
            let (_, command) = line.split_once('=').unwrap();
            let command = command.replace("/etc/rigtone", "etc").replace("%i", "lab");
            let mut words = command.split_whitespace();
            assert_eq!(words.next(), Some("/usr/bin/rigtone"), "{name}");
            let words: Vec<&str> = words.collect();
            home.rigtone(&words).with_code(0);
            commands += 1;
        }
    }
    assert_eq!(commands, 3);
}

#[test]
fn systemd_takes_its_units() {
    // Where there is no systemd nobody uses them.
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return;
    }
    let home = Home::empty();
    let mut paths = Vec::new();
    for (name, text) in units() {
        let name = name.replace("@.", "@lab.");
        // What they start is not installed here.
        home.write(&name, &text.replace("/usr/bin/rigtone", "/bin/true"));
        paths.push(home.path(name));
    }
    let verify = Command::new("systemd-analyze").arg("verify").args(&paths).output().unwrap();
    let said = String::from_utf8_lossy(&verify.stderr).into_owned();
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("rigtone")).collect();
    assert!(verify.status.success() && ours.is_empty(), "{said}");
}

#[cfg(feature = "hardware")]
mod worn {
    use std::fmt::Write as _;

    use super::*;
    use crate::board::Board;

    /// A lamp behind a board, and a scenario that switches it.
    struct Lab {
        home: Home,
        board: Board,
        rig: String,
    }

    impl Lab {
        fn new(rated: &str) -> Self {
            let (home, board) = (Home::empty(), Board::new(4));
            let port = board.port().to_str().unwrap().to_owned();
            let rig = format!("it-worn-{}", port.replace('/', "-").trim_matches('-'));
            let mut text = format!("rig: {rig}\ntitle: A lamp\nworld: hardware\nrooms: {{lab: {{}}}}\nrelays:\n");
            let _ = writeln!(text, "  a: {{lcus: {{port: {port}}}, channels: 4{rated}}}\nunits:");
            text.push_str("  lamp: {device: test/lamp, firmware: \"1\", address: \"D2:00:00:00:00:01\", power: {relay: a, channel: 2}}\n");
            home.write(&format!("{rig}.yaml"), &text);
            home.write(
                "devices/test/lamp.yaml",
                "device: test/lamp\ntitle: A lamp\nroles: [a2dp-sink]\ncodecs: [sbc]\nboot: 10 ms\nfirmware: {\"1\": {}}\nsources: {test: a test}\n",
            );
            home.write(
                "blink.yaml",
                "scenario: blink\ntitle: A lamp blinks\nmatrix:\n  speaker: {role: a2dp-sink}\ntrial:\n  \
                 - power-cycle: {unit: speaker, off-for: 20 ms}\ncleanup:\n  - power: {unit: speaker, state: off}\n\
                 repeat: {at-least: 5, at-most: 60}\nexpect:\n  \
                 - success-rate: {of: power-cycle, at-least: 50 %, good: 98 %, confidence: 95 %}\n",
            );
            Self { home, board, rig }
        }

        fn file(&self) -> String {
            format!("{}.yaml", self.rig)
        }

        fn wear(&self, more: &[&str]) -> crate::user::Done {
            self.home.rigtone(&[&["rig", "wear", &self.file()], more].concat())
        }
    }

    impl Drop for Lab {
        fn drop(&mut self) {
            let _ = fs::remove_file(format!("/tmp/rigtone-{}.lock", self.rig));
        }
    }

    #[test]
    fn what_contacts_have_done_is_counted_shown_and_begun_anew() {
        let lab = Lab::new("");
        lab.wear(&[]).with_code(0).says(&["relay a channel 2: power of lamp: 0 operations, 0.0 % of 100000\n"]);
        lab.home.rigtone(&["run", "blink.yaml", "--rig", &lab.file()]).with_code(0);
        lab.board.settle();
        let ons = lab.board.orders().iter().filter(|order| **order == (2, true)).count();
        let told = lab.wear(&["--json"]).with_code(0).json();
        let contact = &told["contacts"][0];
        assert_eq!(
            (&contact["operations"], &contact["channel"], &contact["replace"]),
            (&ons.into(), &2.into(), &false.into())
        );
        assert!(ons >= 5 && contact["days_left"].as_f64().is_some_and(|days| days > 0.0), "{told:#}");
        lab.wear(&["--reset", "a/2"])
            .with_code(0)
            .says(&[&format!("the old one had done {ons} operation"), ": 0 operations"]);
        let told = lab.wear(&["--json"]).json();
        assert_eq!(told["contacts"][0]["replaced"][0]["operations"], ons);
        for (reset, said) in
            [("b", "no real board `b`"), ("a/9", "no real board `a/9`"), ("a/x", "`a/x` names no channel")]
        {
            let done = lab.wear(&["--reset", reset]);
            assert_ne!(done.code, 0);
            done.says(&[said]);
        }
    }

    #[test]
    fn a_worn_contact_is_warned_of_before_a_run_and_in_a_check() {
        let lab = Lab::new(", rated-operations: 1000");
        let state = lab.home.path("state");
        let port = lab.board.port().to_str().unwrap().to_owned();
        let state = rigtone_rig::safety::State::at(state).unwrap();
        let mut wear = state.wear("relay a", &port).unwrap();
        for _ in 0..800 {
            wear.count(2, "power of lamp", "lab", 0).unwrap();
        }
        drop(wear);
        let said = "relay a channel 2 (power of lamp) has done 800 operations, 80 % of the 1000";
        lab.home.rigtone(&["rig", "check", &lab.file()]).with_code(0).says(&["warning: ", said, "--reset a/2"]);
        lab.home.rigtone(&["run", "blink.yaml", "--rig", &lab.file()]).says(&[said]);
        lab.wear(&[]).with_code(0).says(&["; replace it"]);
    }
}
