//! Trials whose HCI traffic is recorded: `rigtone timeline RUN` and `rigtone attach`.

use std::{fs, path::Path, sync::LazyLock};

use rstest::rstest;
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use crate::user::{Home, keeps_to, read_json};

const RIG: &str = r#"rig: air
title: A source on a dongle that is recorded
world: simulated
rooms: {lab: {noise: -75 dB}}
dongles: {usb-1: {address: "0C:00:00:00:00:02", capture: without-keys}}
relays: {board-1: {channels: 1}}
microphones: {bench-1: {room: lab, latency-uncertainty: 1 ms}}
units:
  source: {device: amazon/echo-dot-5, firmware: "2024.02", address: "0C:00:00:00:00:02", control: endpoint, dongle: usb-1}
  speaker:
    device: jbl/charge-5
    firmware: "1.1.0"
    address: "5E:00:00:00:00:01"
    power: {relay: board-1, channel: 1}
    heard-by: {bench-1: {distance: 0.3 m}}
"#;

/// A folder with a run of five trials, which tests copy.
struct Recorded {
    home: Home,
}

static RECORDED: LazyLock<Recorded> = LazyLock::new(|| {
    let home = Home::new();
    home.write("rigs/air.yaml", RIG);
    let run = ["run", "scenarios/starter/playback-heard.yaml", "--rig", "rigs/air.yaml", "--out", "run"];
    home.rigtone(&run).with_code(0);
    Recorded { home }
});

/// A folder with a copy of that run.
fn copied() -> Home {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let (path, target) = (entry.path(), to.join(entry.file_name()));
            if path.is_dir() {
                copy(&path, &target);
            } else {
                fs::copy(path, target).unwrap();
            }
        }
    }
    let home = Home::empty();
    copy(&RECORDED.home.path("run"), &home.path("run"));
    home
}

fn events(home: &Home) -> Vec<Value> {
    let log = fs::read_to_string(home.path("run/events.jsonl")).unwrap();
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The capture of the second trial, as somebody else's file.
fn foreign_capture(home: &Home) {
    let event = events(home).into_iter().find(|e| e["trial"] == 2 && e["payload"]["clock"].is_object());
    let file = event.unwrap()["payload"]["file"].as_str().unwrap().to_owned();
    fs::copy(home.path("run").join(file), home.path("phone.log")).unwrap();
}

/// The simulated clock is no calendar's: anything may be of its time.
const ATTACH: [&str; 5] = ["attach", "run", "phone.log", "--clock-within", "9000 h"];

#[test]
fn a_trial_is_shown_on_one_axis() {
    let home = copied();
    let axis = home.rigtone(&["timeline", "run", "--trial", "2", "--json"]).with_code(0).json();
    keeps_to("trial.schema.json", &axis);
    assert_eq!(axis["trial"], 2);
    assert_eq!(axis["doubts"], Value::Array(Vec::new()));
    for teller in ["requested", "stack", "air", "frames"] {
        assert_eq!(axis["codecs"][teller], "sbc", "{teller}");
    }
    let moments = axis["moments"].as_array().unwrap();
    let ns = |moment: &Value, key: &str| moment[key].as_i64().unwrap();
    assert!(moments.is_sorted_by_key(|moment| ns(moment, "at_ns")));
    let mut sources: Vec<&str> = moments.iter().map(|moment| moment["source"].as_str().unwrap()).collect();
    sources.sort_unstable();
    sources.dedup();
    assert_eq!(sources, ["air", "packets", "relay", "runner", "sound", "stack"]);
    for moment in moments {
        assert!(ns(moment, "earliest_ns") <= ns(moment, "at_ns") && ns(moment, "at_ns") <= ns(moment, "latest_ns"));
        assert!(ns(moment, "latest_ns") >= 0, "{moment}");
    }
    // What leaves, goes over the air, and is heard after the time that the latency says.
    let named = |source: &str, what: &str| {
        let of = |m: &&Value| m["source"] == source && m["what"].as_str().unwrap().starts_with(what);
        moments.iter().find(of).unwrap_or_else(|| panic!("no {what} of {source}"))
    };
    let (leaves, media, heard) =
        (named("packets", "the first packet"), named("air", "media with"), named("sound", "the stimulus is heard"));
    assert!((ns(leaves, "at_ns") - ns(media, "at_ns")).abs() <= ns(media, "latest_ns") - ns(media, "at_ns"));
    let latency = events(&home).into_iter().find(|e| e["trial"] == 2 && e["payload"]["quantity"] == "latency").unwrap();
    let ms = latency["payload"]["value"]["number"]["value"].as_f64().unwrap();
    assert!(((ns(heard, "at_ns") - ns(leaves, "at_ns")) as f64 / 1e6 - ms).abs() < 0.001);
    let text = home.rigtone(&["timeline", "run", "--trial", "2"]).with_code(0);
    text.says(&[
        "trial 2 of playback-heard/",
        "codec: asked for sbc, BlueZ says sbc",
        "known to",
        "authentication with",
    ]);
}

/// A log that somebody put together is shown as it is; no number in it ends the program.
#[rstest]
fn numbers_of_a_hostile_log_are_only_numbers(
    #[values(i64::MIN, i64::MAX, -1)] t_ns: i64,
    #[values(i64::MIN, i64::MAX, 0)] other: i64,
) {
    let home = copied();
    let mut changed = String::new();
    for mut event in events(&home) {
        if event["trial"] == 1 && event["kind"] != "trial-started" {
            event["t_ns"] = t_ns.into();
            let payload = &mut event["payload"];
            if payload["clock"].is_object() {
                payload["clock"] = serde_json::json!({"unix_ns": other, "t_ns": t_ns, "uncertainty_ns": other});
            }
            if payload["anchors"].is_array() && !payload["anchors"].as_array().unwrap().is_empty() {
                payload["anchors"] = serde_json::json!([{"frame": 0.0, "t_ns": t_ns}, {"frame": 1.0, "t_ns": other}]);
            }
            if event["kind"] == "emitted" {
                (event["payload"]["t_ns"], event["payload"]["uncertainty_ns"]) = (other.into(), t_ns.into());
            }
        }
        changed += &format!("{event}\n");
    }
    fs::write(home.path("run/events.jsonl"), changed).unwrap();
    for arguments in
        [&["timeline", "run"][..], &["timeline", "run", "--json"], &["judge", "run"], &["judge", "run", "--remeasure"]]
    {
        let done = home.rigtone(arguments);
        assert!([0, 10, 11, 12].contains(&done.code), "{arguments:?}: {} {}", done.code, done.err);
    }
}

/// What is planted in `rigs/simulated-air.yaml`, and nothing else, is found.
#[test]
fn faults_that_only_the_air_shows_are_told_apart() {
    let home = Home::new();
    let run = ["run", "scenarios/starter/codec-per-firmware.yaml", "--rig", "rigs/simulated-air.yaml", "--out", "run"];
    let done = home.rigtone(&run).with_code(10);
    assert_eq!(done.err, "");
    let verdicts = home.read_json("run/verdicts.json");
    let combinations = verdicts["combinations"].as_array().unwrap();
    assert_eq!(combinations.len(), 16);
    for combination in combinations {
        let id = combination["id"].as_str().unwrap();
        let aac = id.contains("codec=aac");
        let failures = combination["classes"].as_object().unwrap();
        let planted = match id {
            _ if !aac => None,
            _ if id.contains("charge-5-refusing") => Some("no-stream"),
            _ if id.contains("charge-5-falling-back") => Some("wrong-codec"),
            _ if id.contains("sends-sbc") => Some("codec-disagreement"),
            _ => None,
        };
        assert_eq!(failures.keys().map(String::as_str).collect::<Vec<_>>(), Vec::from_iter(planted), "{id}");
        assert_eq!(combination["verdict"] == "fail", planted.is_some(), "{id}");
    }
    let shown =
        home.rigtone(&["timeline", "run", "--combination", "codec=aac,source=source-that-sends-sbc,speaker=charge-5#"]);
    shown.with_code(0).says(&["note: the codec is not one: asked for aac", "frames look like sbc"]);
}

#[rstest]
#[case::no_trial(&["timeline", "run", "--trial", "99"], &["there is no trial 99", "it has the trials 1 to 5"])]
#[case::no_combination(&["timeline", "run", "--combination", "x"], &["no combination of the run has `x` in its id"])]
#[case::of_a_capture(&["timeline", "phone.log", "--trial", "1"], &["is no run directory", "help:"])]
#[case::a_folder(&["timeline", "run/evidence"], &["is a folder, and no run directory"])]
#[case::attach_to_no_trial(&["attach", "run", "phone.log", "--trial", "99"], &["there is no trial 99"])]
#[case::attach_to_no_combination(&["attach", "run", "phone.log", "--combination", "x"], &["no combination"])]
#[case::attach_no_capture(&["attach", "run", "run/plan.json"], &["run/plan.json: no HCI capture"])]
#[case::attach_a_folder(&["attach", "run", "run/evidence"], &["is no file"])]
#[case::attach_nothing(&["attach", "run", "nothing"], &["reading nothing failed"])]
#[case::attach_to_nothing(&["attach", "nowhere", "phone.log"], &["nowhere/plan.json"])]
#[case::of_another_time(&["attach", "run", "phone.log"], &["is of another time", "--clock-within"])]
fn what_cannot_be_shown_or_attached_is_told(#[case] arguments: &[&str], #[case] says: &[&str]) {
    let home = copied();
    foreign_capture(&home);
    let before = fs::read(home.path("run/events.jsonl")).unwrap();
    home.rigtone(arguments).with_code(2).says(says).says(&["help:"]);
    assert_eq!(fs::read(home.path("run/events.jsonl")).unwrap(), before);
}

#[test]
fn a_capture_of_somebody_else_becomes_evidence_of_the_trial_and_changes_no_verdict() {
    let home = copied();
    foreign_capture(&home);
    let judged = home.rigtone(&["judge", "run", "--json"]).with_code(0).json();
    let shown = home.rigtone(&["timeline", "run", "--json"]).with_code(0).json();
    let attached = home.rigtone(&[&ATTACH[..], &["--trial", "1"]].concat()).with_code(0);
    let file = attached.out.trim();
    assert!(file.ends_with("/0001/attached-phone.log"), "{file}");
    assert_eq!(fs::read(home.path(file)).unwrap(), fs::read(home.path("phone.log")).unwrap());
    let last = events(&home).pop().unwrap();
    assert_eq!((&last["kind"], &last["trial"]), (&"evidence".into(), &1.into()));
    // 9000 hours, and the half of the second in which the run began.
    assert_eq!(last["payload"]["clock"]["uncertainty_ns"], 32_400_000_500_000_000_i64);
    assert_eq!(home.rigtone(&["judge", "run", "--json"]).with_code(0).json(), judged);
    // It is shown beside what is there already, with its own uncertainty.
    let both = home.rigtone(&["timeline", "run", "--json"]).with_code(0).json();
    let count = |axis: &Value| axis["moments"].as_array().unwrap().iter().filter(|m| m["source"] == "air").count();
    assert!(count(&both) > count(&shown), "{} {}", count(&both), count(&shown));
    // Attached twice it lies twice; and a run that has ended has nothing left to do.
    home.rigtone(&[&ATTACH[..], &["--trial", "1"]].concat()).with_code(0);
    assert_eq!(read_json(&home.path("run/verdicts.json"))["combinations"][0]["verdict"], "pass");
}

#[test]
fn a_run_that_goes_on_or_was_cut_off_takes_no_captures() {
    let home = copied();
    foreign_capture(&home);
    let held = fs::File::open(home.path("run")).unwrap();
    flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
    home.rigtone(&ATTACH).with_code(13).says(&["another process is writing to it"]);
    drop(held);
    let log = fs::read_to_string(home.path("run/events.jsonl")).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    fs::write(home.path("run/events.jsonl"), lines[..lines.len() - 1].join("\n") + "\n").unwrap();
    home.rigtone(&ATTACH).with_code(2).says(&["did not come to its end", "--resume"]);
}

/// Keys in a capture of somebody else are taken out as well, unless they are asked for.
#[rstest]
#[case(&[], false)]
#[case(&["--with-keys"], true)]
fn keys_of_somebody_else_are_taken_out(#[case] how: &[&str], #[case] kept: bool) {
    let home = copied();
    foreign_capture(&home);
    let mut bytes = fs::read(home.path("phone.log")).unwrap();
    // A link key notification of the monitor: 23 bytes behind the code and the length.
    let place = bytes.windows(2).position(|two| two == [0x18, 23]).unwrap() + 2 + 6;
    bytes[place..place + 16].copy_from_slice(b"SECRET LINK KEY!");
    fs::write(home.path("phone.log"), &bytes).unwrap();
    let attached = home.rigtone(&[&ATTACH[..], how].concat()).with_code(0);
    let stored = fs::read(home.path(attached.out.trim())).unwrap();
    assert_eq!(stored.windows(16).any(|window| window == b"SECRET LINK KEY!"), kept);
    assert_eq!(stored.len(), bytes.len());
}
