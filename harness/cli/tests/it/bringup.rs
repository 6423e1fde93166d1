//! The first hour of whoever sets up a rig: what is plugged in, looking at the rig, calibrating it, and the pages that say so.

use std::{fs, path::Path};

use rstest::rstest;
use serde_json::Value;

use crate::{
    junit::cases,
    user::{Home, repository},
};

/// A small rig that is well.
const LAB: &str = "rig: lab
title: One source, one speaker, one microphone
world: simulated
rooms:
  room-1: {noise: -70 dB}
dongles:
  dongle-1: {address: \"00:1A:7D:DA:71:13\"}
relays:
  board-1: {channels: 4}
microphones:
  microphone-1: {room: room-1}
units:
  host-1:
    device: rigtone/endpoint
    firmware: host
    address: \"00:1A:7D:DA:71:13\"
    control: endpoint
    dongle: dongle-1
  speaker-1:
    device: jbl/charge-5
    firmware: \"1.1.0\"
    address: \"5E:00:00:00:00:01\"
    power: {relay: board-1, channel: 1}
    buttons:
      power: {relay: board-1, channel: 2}
      volume-up: {relay: board-1, channel: 3}
    heard-by: {microphone-1: {distance: 0.3 m}}
";

/// The same with something planted in its microphone.
fn planted(microphone: &str) -> String {
    LAB.replace("{room: room-1}", &format!("{{room: room-1, {microphone}}}"))
}

fn lab() -> Home {
    let home = Home::new();
    home.write("rigs/lab.yaml", LAB);
    home
}

#[test]
fn what_is_plugged_in_here_makes_a_rigs_document() {
    let home = Home::new();
    let text = home.rigtone(&["rig", "suggest", "--name", "here"]).with_code(0).out;
    let json = home.rigtone(&["rig", "suggest", "--name", "here", "--json"]).with_code(0).json();
    assert_eq!(json["document"], Value::from(text.clone()));
    assert!(json["serial-ports"].is_array() && json["captures"].is_array() && json["dongles"].is_array());
    // A host without dongles leaves a unit to be filled in; what else a host has is complete.
    let filled = [
        ("\n  device: ___", "\n  device: rigtone/virtual-speaker"),
        ("  device: ___", "  device: rigtone/virtual-speaker"),
        ("firmware: ___", "firmware: \"1\""),
        ("address: ___", "address: \"D2:00:00:00:00:01\""),
        ("distance: ___", "distance: 0.3 m"),
    ];
    let filled = filled.iter().fold(text, |text, (blank, value)| text.replace(blank, value));
    home.write("rigs/here.yaml", &filled);
    home.rigtone(&["check", "rigs/here.yaml", "devices"]).with_code(0);
}

#[rstest]
#[case("Lab")]
#[case("lab 1")]
#[case("")]
#[case("../lab")]
#[case("lab-")]
fn a_rig_is_named_like_its_file(#[case] name: &str) {
    Home::empty().rigtone(&["rig", "suggest", "--name", name]).with_code(2).says(&["is no id of a rig", "lab-1"]);
}

#[test]
fn the_members_of_a_rig_are_listed_as_json() {
    let listed = lab().rigtone(&["rig", "list", "rigs/lab.yaml", "--json"]).with_code(0).json();
    assert_eq!(listed["rig"], "lab");
    assert_eq!(listed["units"]["speaker-1"]["firmware"], "1.1.0");
    assert_eq!(listed["relays"]["board-1"]["channels"], 4);
    assert_eq!(listed["microphones"]["microphone-1"]["device"], "simulated");
}

fn found<'a>(inspection: &'a Value, member: &str) -> &'a Value {
    let all = inspection["found"].as_array().expect("a list");
    all.iter()
        .find(|found| found["member"] == member)
        .unwrap_or_else(|| panic!("{member} is not told of: {inspection:#}"))
}

#[test]
fn a_check_is_told_as_json_and_as_junit() {
    let home = lab();
    let done = home.rigtone(&["rig", "check", "rigs/lab.yaml", "--json", "--junit", "rig.xml"]).with_code(0);
    let inspection = done.json();
    for member in ["relay board-1", "dongle dongle-1", "microphone microphone-1"] {
        assert_eq!(found(&inspection, member)["health"], "ok");
    }
    assert!(inspection["found"].as_array().is_some_and(|all| all.iter().all(|f| f["subject"] == "member")));
    let cases = cases(&fs::read_to_string(home.path("rig.xml")).unwrap());
    assert!(cases.iter().all(|(suite, _, result)| suite == "rig" && *result == "pass"), "{cases:?}");
    assert!(cases.iter().any(|(_, name, _)| name == "microphone microphone-1"), "{cases:?}");
}

#[test]
fn what_is_wrong_with_a_rig_is_an_error_and_no_failure() {
    let home = lab();
    home.write("rigs/lab.yaml", &planted("simulated: {dead: true}"));
    let done = home.rigtone(&["rig", "check", "rigs/lab.yaml", "--json", "--junit", "rig.xml"]).with_code(12);
    let inspection = done.json();
    assert_eq!(found(&inspection, "microphone microphone-1")["health"], "fault");
    let cases = cases(&fs::read_to_string(home.path("rig.xml")).unwrap());
    let wrong: Vec<_> = cases.iter().filter(|(_, _, result)| *result != "pass").collect();
    assert_eq!(wrong, [&("rig".to_owned(), "microphone microphone-1".to_owned(), "error")]);
}

#[test]
fn outputs_are_switched_when_somebody_says_so_and_only_then() {
    let home = lab();
    home.rigtone(&["rig", "check", "rigs/lab.yaml", "--switch"]).with_code(2).says(&[
        "there is nobody at a terminal",
        "nothing of `lab` was switched",
        "--yes",
    ]);
    home.rigtone(&["rig", "check", "rigs/lab.yaml", "--yes"]).with_code(2);
    let inspection =
        home.rigtone(&["rig", "check", "rigs/lab.yaml", "--switch", "--yes", "--json"]).with_code(0).json();
    for wired in ["power of speaker-1", "button power of speaker-1", "button volume-up of speaker-1"] {
        let found = found(&inspection, wired);
        assert_eq!((&found["subject"], &found["health"]), (&"output".into(), &"ok".into()), "{found}");
        let times = found["answered-ns"].as_array().expect("there and back");
        assert!(times.iter().all(|ns| ns.as_i64().is_some_and(|ns| ns > 0)), "{found}");
    }
    home.write("rigs/lab.yaml", &LAB.replace("channel: 1}", "channel: 1, safe: keep}"));
    let inspection =
        home.rigtone(&["rig", "check", "rigs/lab.yaml", "--switch", "--yes", "--json"]).with_code(0).json();
    let kept = found(&inspection, "power of speaker-1");
    assert!(kept["health"] == "skipped" && kept["what"].as_str().is_some_and(|what| what.contains("no safe position")));
}

#[test]
fn what_became_of_the_outputs_is_told_as_json() {
    let told = lab().rigtone(&["rig", "safe", "rigs/lab.yaml", "--json"]).with_code(0).json();
    assert_eq!((&told["rig"], &told["safe"]), (&"lab".into(), &true.into()));
}

const CALIBRATE: [&str; 6] = ["rig", "calibrate", "rigs/lab.yaml", "microphone-1", "--level", "94"];
const FILE: &str = "rigs/calibration/lab.yaml";

/// Has the microphone calibrated with a tone that it reads at -26 dBFS: full scale is 120 dB SPL.
fn calibrated() -> Home {
    let home = lab();
    home.write("rigs/lab.yaml", &planted("simulated: {calibrator: -26 dB}"));
    let told = home.rigtone(&[&CALIBRATE[..], &["--json"]].concat()).with_code(0).json();
    assert_eq!(told["full-scale"], "120 dB SPL");
    let uncertainty = told["uncertainty"].as_str().and_then(|text| text.strip_suffix(" dB")?.parse::<f64>().ok());
    assert!(uncertainty.is_some_and(|db| (0.2..0.3).contains(&db)), "{told}");
    assert_eq!(told["of"], "the simulated microphone microphone-1");
    home.write("rigs/lab.yaml", LAB);
    home
}

#[test]
fn a_calibrator_gives_the_figure_that_was_planted_and_it_is_kept_beside_the_rig() {
    let home = calibrated();
    let kept = fs::read_to_string(home.path(FILE)).unwrap();
    assert!(kept.contains("full-scale: 120 dB SPL") && kept.contains("calibration: lab"), "{kept}");
    home.rigtone(&["check", "rigs", "devices"]).with_code(0);
    home.rigtone(&["rig", "calibrate", "rigs/lab.yaml"])
        .with_code(0)
        .says(&["microphone-1: full scale 120 dB SPL", "holds"]);
    home.write("rigs/lab.yaml", &planted("simulated: {calibrator: -25 dB}"));
    home.rigtone(&CALIBRATE).with_code(0).says(&["full scale   119 dB SPL", "it moved by -1.00 dB", FILE]);
}

#[rstest]
#[case::silence("simulated: {}", "no steady tone", "seat the calibrator")]
#[case::too_loud("simulated: {calibrator: 3 dB}", "full scale", "gain")]
#[case::dead("simulated: {dead: true, calibrator: -26 dB}", "", "seat the calibrator")]
#[case::another_level("simulated: {calibrator: -70 dB}", "", "calibrator")]
fn what_is_no_calibrator_is_refused_and_nothing_is_kept(
    #[case] microphone: &str,
    #[case] _what: &str,
    #[case] to_do: &str,
) {
    let home = lab();
    home.write("rigs/lab.yaml", &planted(microphone));
    home.rigtone(&CALIBRATE)
        .with_code(12)
        .says(&["`microphone-1` heard is not the steady tone of a calibrator", to_do]);
    assert!(!home.path(FILE).exists());
}

#[rstest]
#[case(&["rig", "calibrate", "rigs/lab.yaml", "microphone-9", "--level", "94"], "there is no microphone `microphone-9`")]
#[case(&["rig", "calibrate", "rigs/lab.yaml", "microphone-1", "--level", "loud"], "no sound pressure level")]
#[case(&["rig", "calibrate", "rigs/lab.yaml", "microphone-1"], "--level")]
#[case(&["rig", "calibrate", "rigs/lab.yaml", "microphone-1", "--level", "94", "--listen", "1 s"], "2 s to 60 s")]
#[case(&["rig", "calibrate", "rigs/lab.yaml", "microphone-1", "--level", "94", "--good-for", "1 h"], "1 d to 3660 d")]
#[case(&["rig", "calibrate", "rigs/lab.yaml", "microphone-1", "--level", "94", "--uncertainty", "0 dB"], "more than 0 dB")]
fn what_cannot_be_measured_is_refused(#[case] command: &[&str], #[case] said: &str) {
    lab().rigtone(command).with_code(2).says(&[said]);
}

fn run(home: &Home, out: &str) -> Value {
    let command = ["run", "scenarios/starter/playback-heard.yaml", "--rig", "rigs/lab.yaml", "--out", out];
    home.rigtone(&command).with_code(0);
    serde_json::from_slice(&fs::read(home.path(out).join("environment.json")).unwrap()).unwrap()
}

/// The sound pressure figures that the analysis of a run's recordings went by.
fn listened_with(home: &Home, out: &str) -> String {
    let log = fs::read_to_string(home.path(out).join("events.jsonl")).unwrap();
    let listened = log.lines().find(|line| line.contains("\"full-scale\""));
    listened.unwrap_or_default().to_owned()
}

#[test]
fn a_run_uses_what_was_measured_and_says_so() {
    let home = calibrated();
    let environment = run(&home, "runs/one");
    let known = &environment["calibration"]["microphones"]["microphone-1"];
    assert_eq!((&known["worth"], &known["used"]["full-scale"]), (&"holds".into(), &"120 dB SPL".into()));
    assert_eq!(environment["calibration"]["in-use"][0], "microphone-1");
    assert!(listened_with(&home, "runs/one").contains("\"full-scale\":\"120 dB SPL\""));
}

/// Changes a line of what is kept.
fn change(home: &Home, key: &str, value: &str) {
    let kept = fs::read_to_string(home.path(FILE)).unwrap();
    let changed: String = kept
        .lines()
        .map(|line| match line.trim_start().starts_with(&format!("{key}:")) {
            true => format!("    {key}: {value}\n"),
            false => format!("{line}\n"),
        })
        .collect();
    assert_ne!(kept, changed);
    home.write(FILE, &changed);
}

#[test]
fn a_figure_that_has_ended_is_used_with_a_warning_and_a_larger_uncertainty() {
    let home = calibrated();
    change(&home, "on", "\"2020-01-01\"");
    let command = ["run", "scenarios/starter/playback-heard.yaml", "--rig", "rigs/lab.yaml", "--out", "runs/one"];
    home.rigtone(&command).with_code(0).says(&["the calibration of `microphone-1` ended", "rig calibrate"]);
    let environment: Value =
        serde_json::from_slice(&fs::read(home.path("runs/one/environment.json")).unwrap()).unwrap();
    let known = &environment["calibration"]["microphones"]["microphone-1"];
    assert!(known["worth"]["ended"].as_i64().is_some_and(|days| days > 1000), "{known}");
    assert!(listened_with(&home, "runs/one").contains("\"uncertainty\":\"1.0"));
}

#[test]
fn the_figure_of_another_microphone_is_not_used() {
    let home = calibrated();
    change(&home, "of", "\"USB port 1-2.4 (0d8c:0014), channel 1\"");
    let command = ["run", "scenarios/starter/playback-heard.yaml", "--rig", "rigs/lab.yaml", "--out", "runs/one"];
    let said =
        ["the calibration of `microphone-1` is not used", "USB port 1-2.4 (0d8c:0014), channel 1", "calibrate it anew"];
    home.rigtone(&command).with_code(0).says(&said);
    assert_eq!(listened_with(&home, "runs/one"), "");
}

#[test]
fn a_run_goes_on_with_the_figures_that_it_began_with() {
    let home = calibrated();
    let command = ["run", "scenarios/starter", "--rig", "rigs/lab.yaml", "--out", "runs/one", "--max-time", "30 s"];
    home.rigtone(&command);
    change(&home, "full-scale", "121 dB SPL");
    let said = ["what was measured of the rig `lab` has changed since the run began"];
    home.rigtone(&["run", "--resume", "runs/one"]).with_code(2).says(&said);
}

#[cfg(feature = "hardware")]
const RADIO: &str = "rig: NAME
title: One dongle
world: hardware
rooms: {room-1: {}}
dongles:
  dongle-1: {address: \"00:1A:7D:DA:71:13\"}
units:
  host-1:
    device: rigtone/endpoint
    firmware: host
    address: \"00:1A:7D:DA:71:13\"
    control: endpoint
    dongle: dongle-1
";

/// Without a bus, and with a bus that nobody is on.
#[cfg(feature = "hardware")]
#[rstest]
#[case::no_bus(false, "the system bus cannot be reached", "systemctl status dbus")]
#[case::no_daemon(true, "it does not run", "journalctl -u bluetooth")]
fn a_host_without_bluetoothd_is_told_what_to_start(#[case] bus: bool, #[case] what: &str, #[case] to_do: &str) {
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };
    let (home, name) = (Home::new(), format!("it-radio-{bus}-{}", std::process::id()));
    home.write(&format!("{name}.yaml"), &RADIO.replace("NAME", &name));
    let mut address = format!("unix:path={}", home.path("no-bus").display());
    let mut daemon = None;
    if bus {
        let words = ["--session", "--nofork", "--nopidfile", "--print-address"];
        let mut running =
            Command::new("dbus-daemon").args(words).stdout(Stdio::piped()).spawn().expect("ci/setup installs it");
        let mut line = String::new();
        BufReader::new(running.stdout.take().unwrap()).read_line(&mut line).unwrap();
        address = line.trim().to_owned();
        daemon = Some(running);
    }
    let done = Command::new(env!("CARGO_BIN_EXE_rigtone"))
        .args(["rig", "check", &format!("{name}.yaml")])
        .current_dir(home.path(""))
        .env("RIGTONE_STATE", home.path("state"))
        .env("DBUS_SYSTEM_BUS_ADDRESS", address)
        .stdin(Stdio::null())
        .output();
    if let Some(mut daemon) = daemon {
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }
    let _ = fs::remove_file(format!("/tmp/rigtone-{name}.lock"));
    let done = done.unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(done.status.code(), Some(12), "{said}{}", String::from_utf8_lossy(&done.stderr));
    for words in ["fault  daemon bluetoothd: ", what, to_do] {
        assert!(said.contains(words), "`{words}` is not said: {said}");
    }
}

/// Every command of the page, on a rig that is simulated. What is for a person's hands is not typed.
#[test]
fn the_first_hour_goes_as_its_page_says() {
    let page = fs::read_to_string(repository().join("docs/bring-up.md")).unwrap();
    let home = lab();
    let mut typed = Vec::new();
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    for line in blocks.flat_map(str::lines).filter(|line| line.starts_with("rigtone ")) {
        let (command, file) = line.split_once(" > ").map_or((line, None), |(command, file)| (command, Some(file)));
        let mut words: Vec<&str> = command.split_whitespace().skip(1).collect();
        if words.contains(&"--switch") {
            // Nobody is there to be asked.
            words.push("--yes");
        }
        let calibrates = words.contains(&"--level");
        if calibrates {
            home.write("rigs/lab.yaml", &planted("simulated: {calibrator: -26 dB}"));
        }
        // In a simulated world nothing plays; the virtual rig has a loudspeaker.
        let done = home.rigtone(&words).with_code(if words.contains(&"--through") { 2 } else { 0 });
        if calibrates {
            home.write("rigs/lab.yaml", LAB);
        }
        assert!(file.is_none() || done.out.contains("rig: lab"), "{line}");
        typed.push(words[..2].join(" "));
    }
    let due = [
        "rig suggest",
        "check rigs/lab.yaml",
        "rig list",
        "rig check",
        "rig safe",
        "rig check",
        "rig calibrate",
        "rig calibrate",
        "rig calibrate",
    ];
    assert_eq!(typed[..due.len()], due);
    assert!(typed.len() >= due.len() + 4, "{typed:?}");
}

/// The table of what may be wrong names tests that there are.
#[test]
fn everything_that_may_be_wrong_has_its_test() {
    fn tests(folder: &Path, all: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                tests(&path, all);
            } else if path.extension().is_some_and(|e| e == "rs") {
                all.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut all = String::new();
    for folder in ["harness/rig/src", "harness/rig/tests", "harness/cli/tests"] {
        tests(&repository().join(folder), &mut all);
    }
    let page = fs::read_to_string(repository().join("docs/bring-up.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains("` |"));
    let named: Vec<&str> =
        rows.filter_map(|row| row.trim_end_matches(" |").rsplit_once("| `")?.1.strip_suffix('`')).collect();
    assert!(named.len() >= 15, "{named:?}");
    let missing: Vec<_> = named.iter().filter(|name| !all.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
