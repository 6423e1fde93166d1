//! Runs that are not whole: what is there is shown, what is missing is named.

use std::{fs, path::Path};

use rstest::rstest;
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use crate::{
    report::MIXED,
    user::{Done, Home, copy_run, read_json},
};

/// A copy of a run, spoiled.
fn spoiled(spoil: fn(&Path)) -> Home {
    let home = Home::empty();
    let run = home.path("run");
    copy_run(&MIXED, &run);
    let log = fs::read_to_string(run.join("events.jsonl")).unwrap();
    for line in log.lines().filter(|line| line.contains("\"kind\":\"evidence\"")) {
        let event: Value = serde_json::from_str(line).unwrap();
        let file = run.join(event["payload"]["file"].as_str().unwrap());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        // As long as it was: what is cut off is named.
        fs::File::create(file).unwrap().set_len(event["payload"]["bytes"].as_u64().unwrap()).unwrap();
    }
    spoil(&run);
    home
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, change(text)).unwrap();
}

fn without_verdicts(run: &Path) {
    fs::remove_file(run.join("verdicts.json")).unwrap();
}

fn half_copied_verdicts(run: &Path) {
    edit(&run.join("verdicts.json"), |text| text[..text.len() / 2].to_owned());
}

fn verdicts_of_a_newer_minor(run: &Path) {
    let mut verdicts = read_json(&run.join("verdicts.json"));
    verdicts["schema"] = "1.7".into();
    verdicts["mood"] = "good".into();
    fs::write(run.join("verdicts.json"), verdicts.to_string()).unwrap();
}

fn verdicts_of_a_newer_major(run: &Path) {
    let mut verdicts = read_json(&run.join("verdicts.json"));
    verdicts["schema"] = "9.0".into();
    fs::write(run.join("verdicts.json"), verdicts.to_string()).unwrap();
}

fn cut_log(run: &Path) {
    without_verdicts(run);
    edit(&run.join("events.jsonl"), |text| text[..text.len() * 2 / 3].to_owned());
}

/// A copy that broke off, beside verdicts of the whole.
fn half_copied_log(run: &Path) {
    edit(&run.join("events.jsonl"), |text| text.split_inclusive('\n').take(200).collect());
}

fn empty_log(run: &Path) {
    fs::write(run.join("events.jsonl"), "").unwrap();
}

fn without_a_log(run: &Path) {
    fs::remove_file(run.join("events.jsonl")).unwrap();
}

/// A trial is gone from the middle, and nothing tells it but the numbers of the events.
fn without_a_trial(run: &Path) {
    edit(&run.join("events.jsonl"), |text| {
        let ended = text.lines().find(|line| line.contains("\"outcome\":\"completed\"")).unwrap().to_owned();
        text.split_inclusive('\n').filter(|line| line.trim_end() != ended).collect()
    });
}

/// The run went on and came to its end; the verdicts are those from before.
fn verdicts_from_before(run: &Path) {
    let mut verdicts = read_json(&run.join("verdicts.json"));
    verdicts["combinations"][0]["trials"] = 1.into();
    fs::write(run.join("verdicts.json"), verdicts.to_string()).unwrap();
}

fn verdicts_of_another_run(run: &Path) {
    let mut verdicts = read_json(&run.join("verdicts.json"));
    verdicts["run"] = "another".into();
    fs::write(run.join("verdicts.json"), verdicts.to_string()).unwrap();
}

fn without_a_plan(run: &Path) {
    fs::remove_file(run.join("plan.json")).unwrap();
}

fn half_copied_plan(run: &Path) {
    edit(&run.join("plan.json"), |text| text[..text.len() / 2].to_owned());
}

fn without_an_environment(run: &Path) {
    fs::remove_file(run.join("environment.json")).unwrap();
}

fn half_copied_environment(run: &Path) {
    edit(&run.join("environment.json"), |text| text[..text.len() / 2].to_owned());
}

fn environment_of_a_newer_major(run: &Path) {
    edit(&run.join("environment.json"), |text| {
        let mut environment: Value = serde_json::from_str(&text).unwrap();
        environment["schema"] = "9.0".into();
        environment.to_string()
    });
}

fn without_evidence(run: &Path) {
    fs::remove_dir_all(run.join("evidence")).unwrap();
}

fn with_an_unknown_kind(run: &Path) {
    edit(&run.join("events.jsonl"), |text| {
        let (rest, last) = text.trim_end().rsplit_once('\n').unwrap();
        let mut event: Value = serde_json::from_str(last).unwrap();
        let seq = event["seq"].as_u64().unwrap();
        event["seq"] = (seq + 1).into();
        let mut new: Value = serde_json::from_str(last).unwrap();
        new["kind"] = "celebrated".into();
        format!("{rest}\n{new}\n{event}\n")
    });
    without_verdicts(run);
}

fn report(home: &Home, format: &str) -> Done {
    home.rigtone(&["report", "run", "--format", format])
}

#[rstest]
#[case::no_verdicts(without_verdicts, 10, "verdicts.json is not there: judged from the log")]
#[case::half_copied_verdicts(
    half_copied_verdicts,
    10,
    "judged from the log, as `rigtone judge` does: read `run/verdicts.json`"
)]
#[case::newer_minor(verdicts_of_a_newer_minor, 10, "newer version of Rigtone (schema 1.7; this one knows 1.0)")]
#[case::newer_major(verdicts_of_a_newer_major, 10, "its schema 9.0 cannot be read")]
#[case::cut_log(cut_log, 130, "the last line is cut off")]
#[case::half_copied_log(
    half_copied_log,
    130,
    "does not belong to this log: the log ends before its run does; judged from the log"
)]
#[case::no_trial(without_a_trial, 10, "5 trials with a result and 0 lost ones of")]
#[case::verdicts_from_before(
    verdicts_from_before,
    10,
    "does not belong to this log: they count 1 trials with a result"
)]
#[case::verdicts_of_another_run(verdicts_of_another_run, 10, "they are of the run another; judged from the log")]
#[case::no_plan(without_a_plan, 10, "the plan is not there, and with it titles, axes and units: read `run/plan.json`")]
#[case::half_copied_plan(
    half_copied_plan,
    10,
    "the plan cannot be read, and with it titles, axes and units: read `run/plan.json`"
)]
#[case::no_environment(without_an_environment, 10, "environment.json: it is missing; on what it ran is not known")]
#[case::no_environment_no_policy(without_an_environment, 10, "what counts as inconclusive is not known, so it counts")]
#[case::half_copied_environment(half_copied_environment, 10, "environment.json: read `run/environment.json`")]
#[case::environment_of_a_newer_major(environment_of_a_newer_major, 10, "its schema 9.0 cannot be read")]
#[case::no_evidence(without_evidence, 10, "evidence files")]
#[case::newer_kind(with_an_unknown_kind, 10, "1 event of kinds that this version does not know")]
fn what_is_there_is_shown_and_what_is_missing_is_named(
    #[case] spoil: fn(&Path),
    #[case] code: i32,
    #[case] named: &str,
    #[values("terminal", "list", "json", "junit", "markdown", "csv", "perfetto")] format: &str,
) {
    let home = spoiled(spoil);
    let done = report(&home, format);
    let notes: Vec<&str> = done.err.lines().collect();
    assert!(notes.iter().any(|note| note.starts_with("note: ") && note.contains(named)), "{notes:?}");
    assert_eq!(done.code, code, "{}", done.err);
    let shown = match format {
        "csv" => "playback-heard/",
        "perfetto" => "traceEvents",
        _ => "speaker=",
    };
    assert!(done.out.contains(shown), "{:.500}", done.out);
    // Where the document has a place for it, it stands there too.
    match format {
        "json" => assert!(done.json()["missing"].to_string().contains(named.split('`').next().unwrap())),
        "markdown" => assert!(done.out.contains("**Not all of this run is there:**")),
        "perfetto" => {
            assert!(done.json()["otherData"]["missing"].as_array().is_some_and(|missing| !missing.is_empty()));
        }
        _ => {}
    }
}

#[rstest]
#[case(without_verdicts)]
#[case(verdicts_from_before)]
#[case(verdicts_of_another_run)]
fn the_verdicts_of_a_log_are_those_that_were_written(#[case] spoil: fn(&Path)) {
    let (home, whole) = (spoiled(spoil), spoiled(|_| {}));
    let results = |home: &Home| report(home, "json").with_code(10).json();
    assert_eq!(results(&home)["combinations"], results(&whole)["combinations"]);
    let done = report(&whole, "terminal");
    assert_eq!(done.err, "", "of a whole run nothing is missing");
}

/// Formats that read the log and formats that do not say the same of it, and the page beside them.
#[rstest]
#[case(half_copied_log, 130, true)]
#[case(empty_log, 130, true)]
#[case(verdicts_from_before, 10, true)]
#[case::damaged_before_its_end(without_a_trial, 10, false)]
fn all_formats_have_the_same_verdicts_in_whatever_state_the_log_is(
    #[case] spoil: fn(&Path),
    #[case] code: i32,
    #[case] judged: bool,
) {
    let home = spoiled(spoil);
    let alone = report(&home, "json").with_code(code).json();
    home.rigtone(&["report", "run", "--format", "json,csv,html", "--out", "all"]).with_code(code);
    let beside = home.read_json("all/results.json");
    assert_eq!(alone["combinations"], beside["combinations"]);
    let page = fs::read_to_string(home.path("all/report.html")).unwrap();
    assert!(page.contains("data-shortcoming=\"other-verdicts\""));
    assert_eq!(page.contains("were judged from the log when it was made"), judged);
    for combination in alone["combinations"].as_array().unwrap().iter().filter(|c| c["trials"] != 0) {
        assert!(page.contains(&format!("n = {}", combination["trials"])), "{combination}");
    }
}

#[rstest]
fn without_a_log_the_verdicts_are_shown_and_it_is_named(
    #[values("terminal", "list", "json", "junit", "markdown")] format: &str,
) {
    let done = report(&spoiled(without_a_log), format).with_code(10);
    assert!(done.err.contains("note: events.jsonl is not there"), "{}", done.err);
    assert!(done.out.contains("speaker="));
    match format {
        "json" => assert!(done.json()["missing"].to_string().contains("events.jsonl is not there")),
        "markdown" => assert!(done.out.contains("**Not all of this run is there:**")),
        _ => {}
    }
}

/// What a run says at its end is not doubted, in whatever way it came to it.
#[test]
fn of_merged_and_resumed_runs_nothing_is_missing() {
    let home = Home::new();
    let run = ["run", "scenarios/starter/playback-heard.yaml", "--select", "source=echo*"];
    for (part, out) in [("hash:1/2", "one"), ("hash:2/2", "two")] {
        home.rigtone(&[&run[..], &["--partition", part, "--out", out]].concat());
    }
    home.rigtone(&["merge", "one", "two", "--out", "merged"]);
    let whole = home.rigtone(&[&run[..], &["--out", "whole"]].concat());
    let results = |run: &str| {
        let done = home.rigtone(&["report", run, "--format", "json"]).with_code(whole.code);
        let results = done.json();
        assert_eq!((done.err.as_str(), results.get("missing")), ("", None), "{run}");
        results["combinations"].clone()
    };
    results("merged");
    let undisturbed = results("whole");
    // As a kill leaves it while it goes on: verdicts of an end that is none any more.
    let log = fs::read_to_string(home.path("whole/events.jsonl")).unwrap();
    let half: String = log.split_inclusive('\n').take(log.lines().count() / 2).collect();
    fs::write(home.path("whole/events.jsonl"), half).unwrap();
    home.rigtone(&["report", "whole", "--format", "list"])
        .with_code(130)
        .says(&["note: verdicts.json does not belong"]);
    home.rigtone(&["run", "--resume", "whole"]).with_code(whole.code);
    assert_eq!(results("whole"), undisturbed);
}

#[test]
fn a_run_that_is_being_written_is_shown_as_far_as_it_is() {
    let home = spoiled(|run| {
        // What an earlier end was judged to be is no longer so.
        edit(&run.join("events.jsonl"), |text| text.split_inclusive('\n').take(200).collect());
    });
    let directory = fs::File::open(home.path("run")).unwrap();
    flock(&directory, FlockOperation::LockExclusive).unwrap();
    let done = report(&home, "json").with_code(130);
    assert!(done.err.contains("note: the run is still being written"), "{}", done.err);
    assert!(done.err.contains("note: the log ends before its run does"), "{}", done.err);
    let counts = &done.json()["counts"];
    assert_eq!(counts["fail"], 0, "of 200 events none fails: {counts}");
    // Nothing interrupted it: what has no answer will have one.
    for format in ["terminal", "markdown"] {
        let done = report(&home, format).with_code(130);
        assert!(done.out.contains("the run is still going on: "), "{}", done.out);
        assert!(done.out.contains("no answer yet") && !done.out.contains("interrupted by"), "{}", done.out);
    }
}

#[test]
fn a_record_without_plan_and_verdicts_is_still_a_record() {
    let home = spoiled(|run| {
        without_a_plan(run);
        without_verdicts(run);
    });
    for format in ["csv", "perfetto"] {
        let done = report(&home, format).with_code(2).says(&["run/plan.json", "exit code 2: nothing is judged"]);
        assert!(done.out.len() > 1_000, "{}", done.out);
        // What was asked for is whole, and nothing was judged.
        assert!(!done.err.contains("error:") && !done.err.contains("judged from the log"), "{}", done.err);
        assert!(done.err.contains("note: verdicts.json is not there: nothing is judged (read"), "{}", done.err);
    }
    assert_eq!(report(&home, "markdown").with_code(2).says(&["run/plan.json", "help:"]).out, "");
}

/// One that cannot be made does not take the others with it.
#[rstest]
#[case::no_log(
    without_a_log,
    &["results.json", "report.html", "junit.xml"],
    &["observations.csv", "trace.json"]
)]
#[case::no_plan_and_no_verdicts(
    |run: &Path| {
        without_a_plan(run);
        without_verdicts(run);
    },
    &["observations.csv", "trace.json", "report.html"],
    &["results.json", "junit.xml"]
)]
fn every_report_that_can_be_made_is_made_and_the_others_are_named(
    #[case] spoil: fn(&Path),
    #[case] made: &[&str],
    #[case] unmade: &[&str],
) {
    let home = spoiled(spoil);
    let done = home.rigtone(&["report", "run", "--format", "json,csv,perfetto,html,junit", "--out", "all"]);
    let done = done.with_code(2);
    for name in made {
        assert!(home.path("all").join(name).is_file(), "{name}: {}", done.err);
        assert!(done.out.contains(&format!("all/{name}\n")), "{}", done.out);
    }
    for name in unmade {
        assert!(!home.path("all").join(name).exists(), "{name}");
        assert!(done.err.contains(&format!("error: {name}: read `run/")), "{}", done.err);
    }
    assert_eq!(fs::read_dir(home.path("all")).unwrap().count(), made.len(), "nothing else is left");
}

/// What is said of a run does not silently depend on a file that is gone.
#[test]
fn what_counts_as_inconclusive_is_said_where_nobody_knows_unless_it_is_asked_for() {
    let home = spoiled(without_an_environment);
    let guessed = "note: what counts as inconclusive is not known, so it counts as an error";
    for arguments in [&["judge", "run"][..], &["report", "run", "--format", "html"]] {
        home.rigtone(arguments).says(&[guessed, "environment.json: it is missing"]);
        let asked = home.rigtone(&[arguments, &["--inconclusive", "fail"]].concat());
        assert!(!asked.err.contains(guessed), "{}", asked.err);
    }
}

#[test]
fn nothing_is_made_of_nothing() {
    let home = Home::empty();
    fs::create_dir(home.path("empty")).unwrap();
    for format in ["terminal", "markdown", "csv", "perfetto"] {
        for run in ["nowhere", "empty"] {
            home.rigtone(&["report", run, "--format", format]).with_code(2).says(&[&format!("{run}/"), "help:"]);
        }
    }
}

#[test]
fn quiet_keeps_the_notes_away_and_not_the_report() {
    let home = spoiled(without_verdicts);
    let done = home.rigtone(&["report", "run", "--format", "list", "--quiet"]).with_code(10);
    assert_eq!(done.err, "");
    assert!(done.out.contains("fail"));
}
