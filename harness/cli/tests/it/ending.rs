//! A run that is ended from outside.

use std::{collections::BTreeSet, fs, path::Path};

use rstest::rstest;
use rustix::process::Signal;
use serde_json::Value;

use crate::user::{Home, Running, wait_for};

/// More trials than a run has done when it is ended.
const TRIALS: [&str; 3] = ["run", "--out", "run"];

fn events(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("events.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The trials with an event of this kind.
fn trials(events: &[Value], kind: &str) -> BTreeSet<String> {
    let at = |e: &Value| format!("{} trial {} attempt {}", e["combination"], e["trial"], e["attempt"]);
    events.iter().filter(|e| e["kind"] == kind).map(at).collect()
}

/// A run of the starter library in which trials are going on.
fn under_way(home: &Home) -> Running {
    let mut running = home.start(&TRIALS);
    let log = home.path("run/events.jsonl");
    wait_for("the first trial to end", || {
        assert!(running.ended().is_none(), "it ended too early");
        fs::read_to_string(&log).ok().filter(|text| text.contains("trial-finished")).map(drop)
    });
    running
}

#[rstest]
#[case(Signal::INT, "SIGINT")]
#[case(Signal::TERM, "SIGTERM")]
fn a_run_that_is_ended_finishes_its_trials_and_judges_what_is_known(#[case] signal: Signal, #[case] name: &str) {
    let home = Home::new();
    let running = under_way(&home);
    running.signal(signal);
    running.done().with_code(130).says(&[name, "exit code 130:"]);
    let events = events(&home.path("run"));
    let started = trials(&events, "trial-started");
    assert!(!started.is_empty());
    assert_eq!(started, trials(&events, "trial-finished"));
    let last = events.last().unwrap();
    assert_eq!((&last["kind"], &last["payload"]["interrupted"]), (&"run-finished".into(), &name.into()));
    let verdicts = home.read_json("run/verdicts.json");
    assert_eq!(verdicts["interrupted"], name);
    let combinations = verdicts["combinations"].as_array().unwrap();
    assert_eq!(combinations.len(), 48);
    assert!(combinations.iter().any(|c| c["verdict"] == "aborted"));
    assert!(home.path("run/junit.xml").is_file());
    home.rigtone(&["judge", "run"]).with_code(130);
}

#[test]
fn a_run_that_is_ended_twice_is_given_up_at_once_and_what_was_recorded_can_be_judged() {
    let home = Home::new();
    let running = under_way(&home);
    // While it stands still both arrive at the same time.
    running.signal(Signal::STOP);
    running.signal(Signal::INT);
    running.signal(Signal::TERM);
    running.signal(Signal::CONT);
    running.done().with_code(130).says(&["again: the run was given up", "help: the run directory holds"]);
    assert!(!home.path("run/verdicts.json").exists());
    let again = home.rigtone(&["judge", "run", "--json"]).with_code(130).json();
    assert!(again["counts"]["aborted"].as_u64() > Some(0), "{}", again["counts"]);
    home.rigtone(&["report", "run"]).with_code(130).says(&["verdicts.json is not there", "rigtone judge"]);
}
