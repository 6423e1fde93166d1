//! `rigtone judge`

use std::fs;

use rstest::rstest;
use serde_json::Value;

use crate::{
    report::MIXED,
    user::{Home, copy_run, read_json},
};

#[test]
fn the_log_alone_gives_the_verdicts_of_the_run() {
    let run = MIXED.to_str().unwrap();
    let home = Home::empty();
    let (reported, judged) =
        (home.rigtone(&["report", run, "--format", "json"]), home.rigtone(&["judge", run, "--json"]));
    assert_eq!(reported.code, judged.code);
    assert_eq!(judged.err, "");
    assert_eq!(reported.json(), judged.json());
    let verdicts = read_json(&MIXED.join("verdicts.json"));
    for (judged, recorded) in
        judged.json()["combinations"].as_array().unwrap().iter().zip(verdicts["combinations"].as_array().unwrap())
    {
        assert_eq!((&judged["id"], &judged["verdict"]), (&recorded["id"], &recorded["verdict"]));
    }
}

#[test]
fn a_last_line_that_was_cut_off_is_warned_of_and_the_rest_is_judged() {
    let home = Home::empty();
    copy_run(&MIXED, &home.path("run"));
    let log = fs::read(MIXED.join("events.jsonl")).unwrap();
    fs::write(home.path("run/events.jsonl"), &log[..log.len() - 10]).unwrap();
    // Every combination had its answer: nothing was interrupted.
    let judged = home.rigtone(&["judge", "run", "--json"]).with_code(10);
    let lines = log.iter().filter(|&&b| b == b'\n').count();
    assert!(judged.err.contains(&format!("events.jsonl:{lines}: the last line is cut off")), "{}", judged.err);
    // Only the end of the run is lost: what was decided before stays.
    let whole = read_json(&MIXED.join("verdicts.json"));
    for (now, then) in
        judged.json()["combinations"].as_array().unwrap().iter().zip(whole["combinations"].as_array().unwrap())
    {
        assert_eq!(now["verdict"], then["verdict"], "{}", then["id"]);
    }
}

#[test]
fn a_line_that_was_changed_is_an_error_that_names_it() {
    let home = Home::empty();
    copy_run(&MIXED, &home.path("run"));
    let log = fs::read_to_string(MIXED.join("events.jsonl")).unwrap();
    let mut lines: Vec<&str> = log.lines().collect();
    lines[4] = "{}";
    fs::write(home.path("run/events.jsonl"), lines.join("\n") + "\n").unwrap();
    home.rigtone(&["judge", "run"]).with_code(2).says(&["events.jsonl:5:", "help:"]);
}

/// The events of a trial, copied to the end of the log with numbers that follow on: no run writes that.
#[rstest]
fn a_trial_with_two_results_is_an_error_that_names_it(
    #[values(&["judge", "run"], &["compare", "run", "--by", "speaker"])] arguments: &[&str],
) {
    let home = Home::empty();
    copy_run(&MIXED, &home.path("run"));
    let log = fs::read_to_string(MIXED.join("events.jsonl")).unwrap();
    let mut events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let trial = events.iter().find(|e| e["kind"] == "trial-finished" && e["payload"]["outcome"] == "completed");
    let at = trial.expect("a trial that was completed").clone();
    let of_trial = |e: &&Value| ["combination", "trial", "attempt"].iter().all(|key| e[key] == at[key]);
    let mut copies: Vec<Value> = events.iter().filter(of_trial).cloned().collect();
    for (n, copy) in copies.iter_mut().enumerate() {
        copy["seq"] = (events.len() + n).into();
    }
    events.extend(copies);
    let text: String = events.iter().map(|event| format!("{event}\n")).collect();
    home.write("run/events.jsonl", &text);
    let combination = at["combination"].as_str().unwrap();
    home.rigtone(arguments).with_code(2).says(&["has two results in the log of run", combination, "help:"]);
}

#[rstest]
fn a_plan_of_another_major_version_is_refused_by_name(
    #[values(&["judge", "run"], &["report", "run"])] arguments: &[&str],
) {
    let home = Home::empty();
    copy_run(&MIXED, &home.path("run"));
    let mut plan = home.read_json("run/plan.json");
    plan["schema"] = "9.0".into();
    home.write("run/plan.json", &plan.to_string());
    home.rigtone(arguments).with_code(2).says(&["run/plan.json", "schema 9.0", "help: use the version of Rigtone"]);
}

#[rstest]
fn a_run_that_is_not_there_is_named(#[values(&["judge", "nowhere"], &["report", "nowhere"])] arguments: &[&str]) {
    Home::empty().rigtone(arguments).with_code(2).says(&["nowhere/plan.json", "help: name the directory of a run"]);
}
