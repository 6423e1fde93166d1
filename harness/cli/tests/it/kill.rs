//! Runs that are killed at random instants, with SIGKILL, and go on.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    formats::python,
    user::{Home, copy_evidence, repository},
};

/// Enough trials with and without sound to be hit anywhere, few enough to be run again and again.
const RUN: [&str; 9] = [
    "run",
    "--select",
    "scenario=p*",
    "--select",
    "speaker=charge-5-*",
    "--select",
    "source=echo-dot-5",
    "--seed",
    "7",
];

/// How often a run is killed on each push; the nightly run kills more often.
fn kills() -> usize {
    std::env::var("RIGTONE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(100)
}

/// The trials of a log that have a result, each with everything that was recorded in it but the times of the rig's clock.
fn trials(run: &Path) -> Vec<String> {
    let text = fs::read_to_string(run.join("events.jsonl")).unwrap();
    let mut open: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
    let mut done = Vec::new();
    for line in text.lines() {
        let mut event: Value = serde_json::from_str(line).unwrap();
        let Some(trial) = event.get("trial").and_then(Value::as_u64).filter(|trial| *trial > 0) else { continue };
        let key = format!("{} {trial} {}", event["combination"], event["attempt"]);
        match event["kind"].as_str().unwrap() {
            "trial-started" => drop(open.insert(key.clone(), Vec::new())),
            "trial-discarded" => drop(open.remove(&key)),
            _ => {}
        }
        let kind = event["kind"].clone();
        for absolute in ["run", "seq", "t_ns"] {
            event[absolute] = Value::Null;
        }
        for absolute in ["t_ns", "anchors"] {
            if let Some(payload) = event["payload"].as_object_mut() {
                payload.remove(absolute);
            }
        }
        if kind == "decided" {
            continue;
        }
        if let Some(events) = open.get_mut(&key) {
            events.push(event.to_string());
            if kind == "trial-finished" {
                done.push(open.remove(&key).unwrap().join("\n"));
            }
        }
    }
    done.sort();
    done
}

fn verdicts(run: &Path) -> Value {
    let mut verdicts: Value = serde_json::from_slice(&fs::read(run.join("verdicts.json")).unwrap()).unwrap();
    // Each run has an id of its own.
    verdicts["run"] = Value::Null;
    verdicts
}

/// A sequence of numbers that is the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

#[test]
fn a_run_that_was_killed_and_goes_on_ends_like_the_one_that_was_not() {
    const SEED: u64 = 20_240_229;
    let home = Home::new();
    let begin = Instant::now();
    let code = home.rigtone(&[&RUN[..], &["--out", "whole"]].concat()).code;
    let mut takes = begin.elapsed();
    let expected = (verdicts(&home.path("whole")), trials(&home.path("whole")));
    let mut numbers = Numbers(SEED);
    let (mut killed, mut in_flight, mut again) = (0, 0, 0);
    println!("{} runs of {} ms, instants from seed {SEED}", kills(), takes.as_millis());
    for number in 0..kills() {
        let name = format!("run-{number}");
        let run = home.path(&name);
        // Half of the runs are killed once more while they go on.
        let times = 1 + number % 2;
        for time in 0..times {
            let resume = ["run", "--resume", &name];
            let begin = [&RUN[..], &["--out", &name]].concat();
            // A run that was killed before its plan was written is begun anew.
            let arguments = if run.join("plan.json").exists() { &resume[..] } else { &begin[..] };
            if arguments.len() > 3 && run.exists() {
                fs::remove_dir_all(&run).unwrap();
            }
            let process = home.start(arguments);
            // The instant itself is what is random: nothing is waited for.
            let instant = takes * (numbers.next() % 1_000) as u32 / 1_000;
            thread::sleep(instant);
            process.signal(Signal::KILL);
            if process.killed() {
                killed += 1;
                again += usize::from(time > 0);
            } else if time == 0 {
                // The whole run took less: the host had other work to do when it was timed.
                takes = takes.min(instant);
            }
        }
        if !run.join("plan.json").exists() {
            continue;
        }
        let before = fs::read_to_string(run.join("events.jsonl")).unwrap_or_default();
        in_flight += usize::from(
            before.matches("\"kind\":\"trial-started\"").count()
                > before.matches("\"kind\":\"trial-finished\"").count(),
        );
        home.rigtone(&["run", "--resume", &name]).with_code(code);
        assert_eq!(verdicts(&run), expected.0, "{name}");
        let found = trials(&run);
        assert_eq!(found.len(), expected.1.len(), "{name}");
        for (found, expected) in found.iter().zip(&expected.1) {
            assert_eq!(found, expected, "{name}");
        }
        home.rigtone(&["judge", &name]).with_code(code);
        fs::remove_dir_all(run).unwrap();
    }
    println!("{killed} kills, {again} of them of runs that went on; {in_flight} runs had trials in flight");
    assert!(killed * 10 > kills() * 7, "most kills come before the end");
    assert!(Duration::ZERO < takes && in_flight > 0);
}

#[test]
fn a_run_goes_on_from_another_folder_and_a_finished_one_only_says_its_verdicts() {
    let home = Home::new();
    home.rigtone(&[&RUN[..], &["--out", "run", "--max-time", "100 s"]].concat());
    let log = |home: &Home| fs::read_to_string(home.path("run/events.jsonl")).unwrap();
    assert!(log(&home).contains("\"out_of_time\":true"));
    let (run, elsewhere) = (home.path("run"), Home::empty());
    let code = elsewhere.rigtone(&["run", "--resume", run.to_str().unwrap()]).code;
    assert!([0, 10, 11].contains(&code), "{code}");
    let finished = log(&home);
    home.rigtone(&["run", "--resume", "run"]).with_code(code);
    assert_eq!(log(&home), finished, "nothing is run twice");
}

#[test]
fn a_run_goes_on_only_with_the_documents_it_began_with() {
    let home = Home::new();
    home.rigtone(&[&RUN[..], &["--out", "run", "--max-time", "100 s"]].concat());
    let rig = fs::read_to_string(home.path("rigs/simulated.yaml")).unwrap();
    home.write("rigs/simulated.yaml", &home.changed("rigs/simulated.yaml", "jitter: 3 ms", "jitter: 4 ms"));
    home.rigtone(&["run", "--resume", "run"]).with_code(2).says(&["has changed since the run began", "help:"]);
    home.write("rigs/simulated.yaml", &rig);
    home.write("devices/jbl/charge-5.yaml", &home.changed("devices/jbl/charge-5.yaml", "title: ", "title: Another "));
    home.rigtone(&["run", "--resume", "run"]).with_code(2).says(&["device `jbl/charge-5` has changed"]);
}

#[test]
fn what_cannot_go_on_says_why() {
    let home = Home::new();
    home.rigtone(&["run", "--resume", "nowhere"]).with_code(2).says(&["nowhere/plan.json", "help:"]);
    home.rigtone(&["run", "--resume", "run", "--seed", "3"]).with_code(2).says(&["--seed"]);
    home.rigtone(&["run", "--resume", "run", "scenarios/starter"]).with_code(2).says(&["cannot be used with"]);
    home.rigtone(&[&RUN[..], &["--out", "run", "--max-time", "100 s"]].concat());
    let log = fs::read(home.path("run/events.jsonl")).unwrap();
    let half = log.len() / 2 + log[log.len() / 2..].iter().position(|b| *b == b'\n').unwrap() + 1;
    let mut spoilt = log.clone();
    spoilt[half..half + 8].fill(b'#');
    fs::write(home.path("run/events.jsonl"), &spoilt).unwrap();
    home.rigtone(&["run", "--resume", "run"]).with_code(2).says(&["events.jsonl:", "not an event", "help:"]);
    assert_eq!(fs::read(home.path("run/events.jsonl")).unwrap(), spoilt);
}

#[test]
fn a_run_is_written_by_one_process_at_a_time() {
    let home = Home::new();
    let mut first = home.start(&["run", "--out", "run"]);
    crate::user::wait_for("the plan", || {
        assert!(first.ended().is_none(), "it ended too early");
        home.path("run/plan.json").exists().then_some(())
    });
    first.signal(Signal::STOP);
    home.rigtone(&["run", "--resume", "run"]).with_code(13).says(&["another process is writing", "help:"]);
    first.signal(Signal::KILL);
    assert!(first.killed());
}

#[test]
fn the_evidence_of_a_discarded_trial_stays_beside_the_new_one() {
    let home = Home::new();
    home.rigtone(&[&RUN[..], &["--out", "run"]].concat());
    let log = fs::read_to_string(home.path("run/events.jsonl")).unwrap();
    let at = log.find("\"kind\":\"evidence\"").unwrap();
    let cut = at + log[at..].find('\n').unwrap() + 1;
    copy_evidence(&home.path("run"), &home.path("cut"), &log[..cut]);
    home.rigtone(&["run", "--resume", "cut"]);
    assert_eq!(verdicts(&home.path("cut")), verdicts(&home.path("run")));
    let aside = walk(&home.path("cut/evidence")).into_iter().filter(|path| path.contains(".aside-1")).count();
    assert!(aside > 0);
    // The rig's clock began anew there, and the trace shows no track that runs backwards.
    home.rigtone(&["report", "cut", "--format", "perfetto", "--out", "t.json"]);
    let checker = repository().join("ci/oracles/trace.py");
    let shown = python(&[checker.to_str().unwrap()], &home.path("t.json"));
    assert_eq!(shown["faults"], serde_json::json!([]));
    let mut slices = shown["slices"].as_array().unwrap().iter();
    assert!(slices.any(|slice| slice[5]["outcome"] == "discarded"));
}

fn walk(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        found.push(entry.path().display().to_string());
        if entry.path().is_dir() {
            found.extend(walk(&entry.path()));
        }
    }
    found
}
