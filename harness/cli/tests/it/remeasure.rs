//! `rigtone judge --remeasure` and `--layer`

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use rstest::rstest;
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use crate::user::{Home, copy_evidence, read_json};

/// A run with a speaker that plays and one that is silent; tests read it and change nothing.
static RECORDED: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recorded-run");
    if directory.exists() {
        fs::remove_dir_all(&directory).unwrap();
    }
    let selection = ["--select", "scenario=playback-heard", "--select", "speaker=*10", "--select", "source=echo-dot-5"];
    Home::new().rigtone(&[&["run", "--out", directory.to_str().unwrap()], &selection[..]].concat()).with_code(10);
    directory
});

fn log() -> String {
    fs::read_to_string(RECORDED.join("events.jsonl")).unwrap()
}

/// A copy of the run, with another log.
fn with_log(log: &str) -> Home {
    let home = Home::empty();
    copy_evidence(&RECORDED, &home.path("run"), log);
    home
}

/// The log with events changed.
fn changed(mut change: impl FnMut(&mut Value)) -> String {
    let event = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let change = |mut event: Value| {
        change(&mut event);
        format!("{event}\n")
    };
    log().lines().map(event).map(change).collect()
}

/// The first recording of the run, below its directory.
fn first_recording() -> String {
    let log = log();
    let line = log.lines().find(|line| line.contains("\"kind\":\"evidence\"")).unwrap();
    serde_json::from_str::<Value>(line).unwrap()["payload"]["file"].as_str().unwrap().to_owned()
}

/// The layers of a run, unfinished ones included.
fn layers(home: &Home) -> Vec<String> {
    let Ok(entries) = fs::read_dir(home.path("run/remeasured")) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_untouched_run_says_the_same_again_and_keeps_its_record() {
    let home = with_log(&log());
    let judged = home.rigtone(&["judge", "run", "--json"]).with_code(10);
    for layer in ["0001", "0002"] {
        let again = home.rigtone(&["judge", "run", "--remeasure", "--json"]).with_code(10);
        assert_eq!(again.json(), judged.json());
        again.says(&["values are as recorded", &format!("run/remeasured/{layer}")]);
    }
    assert_eq!(layers(&home), ["0001", "0002"]);
    assert_eq!(fs::read_to_string(home.path("run/events.jsonl")).unwrap(), log());
    // What was measured again is what was recorded, to the last bit.
    let of = |event: Value| (event["kind"] == "observed").then(|| event["payload"].clone());
    let recorded = log().lines().filter_map(|line| of(serde_json::from_str(line).unwrap())).collect::<Vec<_>>();
    let recorded: Vec<&Value> = recorded.iter().filter(|o| o["evidence"].is_string()).collect();
    let layer = fs::read_to_string(home.path("run/remeasured/0001/observations.jsonl")).unwrap();
    let trials: Vec<Value> = layer.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let recordings = trials.iter().flat_map(|trial| trial["recordings"].as_array().unwrap());
    let again: Vec<&Value> = recordings.flat_map(|recording| recording["observations"].as_array().unwrap()).collect();
    assert!(recorded.len() >= 50, "{}", recorded.len());
    assert_eq!(again.len(), recorded.len());
    assert!(recorded.iter().all(|o| again.contains(o)));
}

#[test]
fn a_log_that_was_tampered_with_is_told_by_its_evidence() {
    let truth = Home::empty().rigtone(&["judge", RECORDED.to_str().unwrap(), "--json"]).with_code(10).json();
    let home = with_log(&changed(|event| {
        let observation = &mut event["payload"];
        if observation["quantity"] == "presence" && observation["value"]["truth"] == false {
            observation["value"]["truth"] = true.into();
        }
    }));
    // Whoever made the log say that the silent speaker was heard is believed by those who read the log alone.
    let believed = home.rigtone(&["judge", "run", "--json"]).json();
    assert_ne!(believed["counts"], truth["counts"]);
    let again = home.rigtone(&["judge", "run", "--remeasure", "--json"]).with_code(10);
    assert_eq!(again.json()["combinations"], truth["combinations"]);
    let again = again.says(&["presence of play was yes, is no", "values are not as recorded"]);
    let layer = home.rigtone(&["judge", "run", "--layer", "1", "--json"]).with_code(10);
    assert_eq!(layer.json(), again.json());
    assert_eq!(layer.err, "");
    // Without it the record is what it was.
    assert_eq!(home.rigtone(&["judge", "run", "--json"]).json(), believed);
}

/// What happens to a recording after the run.
#[rstest]
#[case::missing("is missing", |file: &Path| fs::remove_file(file).unwrap())]
#[case::one_bit("was changed: its SHA-256", |file: &Path| {
    let mut bytes = fs::read(file).unwrap();
    bytes[1000] ^= 1;
    fs::write(file, bytes).unwrap();
})]
#[case::cut_off("was changed: its SHA-256", |file: &Path| {
    let bytes = fs::read(file).unwrap();
    fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
})]
#[case::a_folder("cannot be read", |file: &Path| {
    fs::remove_file(file).unwrap();
    fs::create_dir(file).unwrap();
})]
#[case::a_pipe("cannot be read", |file: &Path| {
    fs::remove_file(file).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, file, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
})]
fn evidence_that_is_not_what_was_recorded_is_named_and_nothing_is_judged_by_it(
    #[case] what: &str,
    #[case] happens: fn(&Path),
) {
    let home = with_log(&log());
    let file = first_recording();
    happens(&home.path("run").join(&file));
    let done = home.rigtone(&["judge", "run", "--remeasure"]).with_code(12);
    assert_eq!(done.out, "");
    done.says(&["1 of the recordings cannot be measured", &file, what, "help: restore the files"]);
    assert_eq!(layers(&home), Vec::<String>::new());
    home.rigtone(&["judge", "run"]).with_code(10);
}

#[rstest]
#[case("../secret.wav")]
#[case("/etc/passwd")]
#[case("evidence/../plan.json")]
#[case("plan.json")]
fn a_log_that_points_elsewhere_is_not_followed(#[case] file: &str) {
    let home = with_log(&log());
    let first = first_recording();
    home.write("run/events.jsonl", &log().replace(&format!("\"{first}\""), &format!("\"{file}\"")));
    home.write("secret.wav", "nobody's business");
    home.rigtone(&["judge", "run", "--remeasure"]).with_code(12).says(&[file, "does not lie below `evidence`"]);
}

#[test]
fn what_retention_took_away_stands_as_recorded() {
    let home = Home::new();
    let selection = ["--select", "scenario=playback-heard", "--select", "speaker=*10", "--select", "source=echo-dot-5"];
    home.rigtone(&[&["run", "--out", "run", "--keep-evidence", "failures"], &selection[..]].concat()).with_code(10);
    let judged = home.rigtone(&["judge", "run", "--json"]).json();
    let again = home.rigtone(&["judge", "run", "--remeasure", "--json"]).with_code(10);
    assert_eq!(again.json(), judged);
    again.says(&["recordings were not kept, what they said stands"]);
    home.rigtone(&[&["run", "--out", "none", "--keep-evidence", "none"], &selection[..]].concat()).with_code(10);
    let none = home.rigtone(&["judge", "none", "--remeasure"]).with_code(2);
    none.says(&["nothing is left to measure", "help: run with `--keep-evidence all`"]);
}

#[test]
fn a_log_that_does_not_say_how_it_listened_stands_as_recorded() {
    let home = with_log(&changed(|event| {
        if event["kind"] == "evidence" {
            event["payload"].as_object_mut().unwrap().remove("listening");
        }
    }));
    let done = home.rigtone(&["judge", "run", "--remeasure"]).with_code(2);
    done.says(&["made by a version that did not write down how it listened"]);
}

#[rstest]
#[case::none(&["--layer", "1"], 2, &["`run` has no layer 1: it was never measured again", "--remeasure"])]
#[case::both(&["--layer", "1", "--remeasure"], 2, &["cannot be used with"])]
#[case::no_number(&["--layer", "first"], 2, &["invalid value 'first'"])]
fn a_layer_that_is_not_there_is_told(#[case] how: &[&str], #[case] code: i32, #[case] says: &[&str]) {
    let home = with_log(&log());
    home.rigtone(&[&["judge", "run"], how].concat()).with_code(code).says(says);
}

/// What happens to a layer after it was made.
#[rstest]
#[case::a_value("observations.jsonl", |text: &str| text.replacen("\"truth\":true", "\"truth\":false", 1), 12, &["was changed: it has not the SHA-256"])]
#[case::a_trial_less("observations.jsonl", |text: &str| text.split_once('\n').unwrap().1.to_owned(), 12, &["was changed"])]
#[case::no_json("observations.jsonl", |text: &str| text.replacen("\"trial\"", "trial", 1), 12, &["observations.jsonl:1: "])]
#[case::facts("layer.json", |_: &str| "{}".to_owned(), 2, &["layer.json", "missing field"])]
#[case::a_newer_version("layer.json", |text: &str| text.replace("\"1.0\"", "\"9.0\""), 2, &["schema 9.0"])]
#[case::of_another_run("layer.json", |text: &str| text.replace("\"run\": \"", "\"run\": \"not-"), 12, &["is a layer of the run not-"])]
fn a_layer_that_was_changed_judges_nothing(
    #[case] file: &str,
    #[case] change: fn(&str) -> String,
    #[case] code: i32,
    #[case] says: &[&str],
) {
    let home = with_log(&log());
    home.rigtone(&["judge", "run", "--remeasure"]).with_code(10);
    let name = format!("run/remeasured/0001/{file}");
    let text = fs::read_to_string(home.path(&name)).unwrap();
    assert_ne!(change(&text), text);
    home.write(&name, &change(&text));
    let done = home.rigtone(&["judge", "run", "--layer", "1"]).with_code(code);
    assert_eq!(done.out, "");
    done.says(says).says(&["help:"]);
    // Another one is made beside it.
    home.rigtone(&["judge", "run", "--remeasure"]).with_code(10).says(&["0002"]);
}

#[test]
fn a_run_that_went_on_has_no_layer_that_fits() {
    let home = with_log(&log());
    let log = log();
    let half: Vec<&str> = log.lines().take(log.lines().count() / 2).collect();
    home.write("run/events.jsonl", &(half.join("\n") + "\n"));
    home.rigtone(&["judge", "run", "--remeasure"]);
    assert_eq!(layers(&home), ["0001"]);
    home.write("run/events.jsonl", &log);
    home.rigtone(&["judge", "run", "--layer", "1"]).with_code(12).says(&["was made when the log had", "help:"]);
}

#[test]
fn a_layer_that_was_never_finished_is_none() {
    let home = with_log(&log());
    home.write("run/remeasured/.unfinished/observations.jsonl", "half a li");
    home.rigtone(&["judge", "run", "--layer", "1"]).with_code(2).says(&["has no layer 1"]);
    home.rigtone(&["judge", "run", "--remeasure"]).with_code(10);
    assert_eq!(layers(&home), ["0001"]);
    home.rigtone(&["judge", "run", "--layer", "2"]).with_code(2).says(&["has no layer 2; it has 1"]);
}

#[test]
fn a_full_disk_leaves_no_layer_and_says_what_to_do() {
    let home = with_log(&log());
    let done = home.rigtone_with_room(1024, &["judge", "run", "--remeasure"]).with_code(12);
    assert_eq!(done.out, "");
    done.says(&["observations.jsonl", "help:"]);
    assert_eq!(layers(&home), Vec::<String>::new());
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let home = with_log(&log());
    home.write("run/remeasured", "a file");
    home.rigtone(&["judge", "run", "--remeasure"]).with_code(12).says(&["create `run/remeasured`", "help:"]);
}

#[test]
fn a_run_that_is_being_written_is_left_alone() {
    let home = with_log(&log());
    let held = fs::File::open(home.path("run")).unwrap();
    flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
    home.rigtone(&["judge", "run", "--remeasure"]).with_code(13).says(&["another process is writing to it"]);
}

const RESPONSE: &str = r#"scenario: flat
title: The response is flat enough
matrix:
  source: {role: a2dp-source}
  speaker: {tags: [speaker]}
trial:
  - power-cycle: {unit: speaker, off-for: 2 s}
  - enter-pairing-mode: {unit: speaker}
  - discover: {within: 30 s}
  - pair: {attempts: 20}
  - connect: {profile: a2dp}
  - play: {signal: full}
repeat: {at-least: 3, at-most: 3}
expect:
  - response: {in: play, at: 100 Hz, percentile: 30, at-least: -40 dB, good: 98 %, confidence: 80 %}
"#;

#[test]
fn a_question_that_nobody_asked_that_night_is_answered_by_the_recordings() {
    let home = Home::new();
    home.write("flat.yaml", RESPONSE);
    let arguments =
        ["run", "flat.yaml", "--select", "speaker=charge-5-fw110", "--select", "source=echo-dot-5", "--out", "run"];
    home.rigtone(&arguments).with_code(0);
    home.rigtone(&["judge", "run", "--remeasure"]).with_code(0).says(&["3 recordings", "values are as recorded"]);
    home.write("flat.yaml", &RESPONSE.replace("100 Hz", "5 kHz"));
    // The log has no response at 5 kHz.
    let judge = ["judge", "run", "--scenarios", "flat.yaml", "--json"];
    let blind = home.rigtone(&judge);
    assert_ne!(blind.json()["counts"]["pass"], 1, "{}", blind.out);
    let again = home.rigtone(&[&judge[..], &["--remeasure"]].concat()).with_code(0);
    assert_eq!(again.json()["counts"]["pass"], 1, "{}", again.out);
    again.says(&["response of play at 5000 Hz was nothing, is"]);
    assert_eq!(read_json(&home.path("run/remeasured/0002/layer.json"))["recordings"], 3);
}

#[test]
fn a_merged_run_can_be_measured_again() {
    let home = Home::new();
    for (part, out) in [("hash:1/2", "one"), ("hash:2/2", "other")] {
        home.rigtone(&["run", "scenarios/starter/playback-heard.yaml", "--partition", part, "--out", out]);
    }
    let merged = home.rigtone(&["merge", "one", "other", "--out", "run"]);
    assert!(home.path("run/verdicts.json").exists(), "{}", merged.err);
    home.rigtone(&["judge", "run", "--remeasure"]).with_code(merged.code).says(&["values are as recorded"]);
}

/// What was played to bring the device where the trial begins is not judged, neither by the log nor by its recording.
#[test]
fn recordings_of_the_setup_are_left_alone() {
    let home = Home::new();
    let setup = "setup:\n  - power-cycle: {unit: speaker, off-for: 2 s}\n  - enter-pairing-mode: {unit: speaker}\n  - pair: {attempts: 20}\n\
                 \x20 - connect: {profile: a2dp}\n  - play: {signal: smoke}\n  - disconnect: {}\n  - forget: {}\ntrial:\n";
    home.write("flat.yaml", &RESPONSE.replace("trial:\n", setup));
    let arguments =
        ["run", "flat.yaml", "--select", "speaker=charge-5-fw110", "--select", "source=echo-dot-5", "--out", "run"];
    home.rigtone(&arguments).with_code(0);
    let judged = home.rigtone(&["judge", "run", "--json"]).with_code(0).json();
    let again = home.rigtone(&["judge", "run", "--remeasure", "--json"]).with_code(0);
    assert_eq!(again.json(), judged);
    // Of six recordings, three.
    again.says(&["3 recordings measured again", "values are as recorded"]);
}
