//! `rigtone run`

use std::fs;

use rstest::rstest;

use crate::user::Home;

/// Selects one combination whose verdict is planted.
const PASS: [&str; 6] =
    ["--select", "scenario=pairing-cold-start", "--select", "speaker=charge-5-fw110", "--select", "source=echo-dot-5"];
const FAIL: [&str; 6] =
    ["--select", "scenario=pairing-cold-start", "--select", "speaker=charge-5-fw106", "--select", "source=echo-dot-5"];
const UNDECIDED: [&str; 6] =
    ["--select", "scenario=playback-heard", "--select", "speaker=srs-xb33-fw211", "--select", "source=echo-dot-5"];
const LOST: [&str; 6] = [
    "--select",
    "scenario=playback-heard",
    "--select",
    "speaker=soundlink-flex-fw315",
    "--select",
    "source=echo-dot-5",
];

fn run<'a>(selection: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "--out", "run"], selection, more].concat()
}

#[rstest]
#[case::pass(&PASS, 0, "pass")]
#[case::fail(&FAIL, 10, "fail")]
#[case::inconclusive(&UNDECIDED, 11, "inconclusive")]
#[case::infrastructure(&LOST, 12, "infra-error")]
fn a_run_leaves_its_whole_record_and_its_verdict_as_exit_code(
    #[case] selection: &[&str],
    #[case] code: i32,
    #[case] verdict: &str,
) {
    let home = Home::new();
    let done = home.rigtone(&run(selection, &[])).with_code(code);
    assert_eq!(done.err, "", "without a terminal there is no progress, and nothing to warn of");
    done.says(&[&format!("exit code {code}:"), "run/junit.xml"]);
    let verdicts = home.read_json("run/verdicts.json");
    assert_eq!(verdicts["combinations"].as_array().unwrap().len(), 1);
    assert_eq!(verdicts["combinations"][0]["verdict"], verdict);
    for name in ["plan.json", "environment.json", "events.jsonl", "junit.xml"] {
        assert!(fs::metadata(home.path("run").join(name)).unwrap().len() > 0, "{name}");
    }
    for file in verdicts["combinations"][0]["evidence"].as_array().unwrap() {
        assert!(home.path("run").join(file.as_str().unwrap()).is_file(), "{file}");
    }
    assert!(home.path("run/evidence").is_dir());
    assert!(home.read_json("run/environment.json")["rigtone"].is_string());
}

#[test]
fn a_failure_shows_what_was_expected_what_was_seen_and_in_how_many_trials() {
    let done = Home::new().rigtone(&run(&FAIL, &[])).with_code(10);
    done.says(&["`pair` succeeds in at least 90 % of trials", "seen", "trials", "95 % confidence", "firmware 1.0.6"]);
}

#[test]
fn a_recording_of_a_trial_that_was_not_decided_is_named_and_is_there() {
    let home = Home::new();
    home.rigtone(&run(&UNDECIDED, &[])).with_code(11).says(&["run/evidence/"]);
    let verdicts = home.read_json("run/verdicts.json");
    let evidence = verdicts["combinations"][0]["evidence"][0].as_str().unwrap();
    assert!(fs::read(home.path("run").join(evidence)).unwrap().starts_with(b"RIFF"));
}

#[test]
fn results_as_json_agree_with_the_verdicts() {
    let home = Home::new();
    let results = home.rigtone(&run(&PASS, &["--json"])).with_code(0).json();
    assert_eq!((&results["exit_code"], &results["counts"]["pass"]), (&0.into(), &1.into()));
    let verdicts = home.read_json("run/verdicts.json");
    assert_eq!(results["combinations"][0]["id"], verdicts["combinations"][0]["id"]);
    assert_eq!(results["combinations"][0]["trials"], verdicts["combinations"][0]["trials"]);
}

#[rstest]
#[case("pass", 0, r#"errors="0" failures="0""#)]
#[case("fail", 10, r#"errors="0" failures="1""#)]
#[case("error", 11, r#"errors="1" failures="0""#)]
fn what_inconclusive_means_is_chosen_for_exit_code_and_junit_alone(
    #[case] meaning: &str,
    #[case] code: i32,
    #[case] junit_says: &str,
) {
    let home = Home::new();
    home.rigtone(&run(&UNDECIDED, &["--inconclusive", meaning])).with_code(code);
    assert_eq!(home.read_json("run/verdicts.json")["combinations"][0]["verdict"], "inconclusive");
    let junit = fs::read_to_string(home.path("run/junit.xml")).unwrap();
    assert!(junit.contains(junit_says), "{junit}");
}

#[rstest]
#[case::nothing_selected(&["--select", "speaker=nobody"], "no combination was selected")]
#[case::all_skipped(
    &["--select", "codec=aac", "--select", "speaker=charge-5-fw106"],
    "firmware 1.0.6 does not claim the codec aac"
)]
fn a_run_with_nothing_to_do_says_why_and_leaves_nothing(#[case] selection: &[&str], #[case] why: &str) {
    let home = Home::new();
    home.rigtone(&run(selection, &[])).with_code(3).says(&["nothing to do on the rig `simulated`", why]);
    assert!(!home.path("run").exists());
}

#[rstest]
#[case::seed(&["--seed", "one"], "--seed")]
#[case::time_without_a_unit(&["--max-time", "30"], "unit")]
#[case::option(&["--fast"], "--fast")]
#[case::meaning(&["--inconclusive", "ignore"], "--inconclusive")]
fn wrong_usage_is_explained_and_nothing_runs(#[case] more: &[&str], #[case] said: &str) {
    let home = Home::new();
    home.rigtone(&run(&PASS, more)).with_code(2).says(&[said]);
    assert!(!home.path("run").exists());
}

#[test]
fn documents_with_faults_are_not_run() {
    let home = Home::new();
    let faulty = home.changed("scenarios/starter/playback-heard.yaml", "in: play,", "in: plai,");
    home.write("scenarios/starter/playback-heard.yaml", &faulty);
    home.rigtone(&run(&PASS, &[])).with_code(2).says(&["error[unknown-step]", "help: did you mean `play`"]);
    assert!(!home.path("run").exists());
}

#[test]
fn a_directory_with_something_in_it_is_never_overwritten() {
    let home = Home::new();
    home.write("run/notes.txt", "mine");
    home.rigtone(&run(&PASS, &[])).with_code(2).says(&["run directory `run`", "it is not empty", "help:"]);
    assert_eq!(fs::read_dir(home.path("run")).unwrap().count(), 1);
}

#[test]
fn a_run_directory_that_cannot_be_made_ends_the_run_before_it_begins() {
    let home = Home::new();
    home.write("file", "no folder");
    let arguments = [&["run", "--out", "file/run"], &PASS[..]].concat();
    home.rigtone(&arguments).with_code(2).says(&["create the run directory `file/run`", "help:"]);
}

/// The page that a night leaves looks as somebody wants it, however the run came to its end.
#[test]
fn the_page_of_a_run_looks_as_asked() {
    let home = Home::new();
    home.write("theme.css", ":root { --accent: #004; }");
    let looks = |run: &str, parts: &[&str]| {
        let page = fs::read_to_string(home.path(run).join("report.html")).unwrap();
        parts.iter().for_each(|part| assert!(page.contains(part), "{run}: {part}"));
    };
    home.rigtone(&run(&PASS, &["--title", "Acme nights", "--theme", "theme.css"])).with_code(0);
    looks("run", &["Acme nights", "--accent: #004"]);
    home.rigtone(&["merge", "run", "--out", "merged", "--title", "Acme weeks"]).with_code(0);
    looks("merged", &["Acme weeks"]);
    home.rigtone(&["run", "--resume", "run", "--title", "Acme once more"]).with_code(0);
    looks("run", &["Acme once more"]);
}

/// Not in the morning.
#[rstest]
#[case::no_such_file(&["--theme", "nowhere.css"], "nowhere.css")]
#[case::no_picture(&["--logo", "scenarios/starter/playback-heard.yaml"], "playback-heard.yaml")]
fn a_page_that_cannot_look_so_is_refused_before_the_first_trial(#[case] look: &[&str], #[case] said: &str) {
    let home = Home::new();
    home.rigtone(&run(&PASS, look)).with_code(2).says(&[said]);
    assert!(!home.path("run").exists());
    home.rigtone(&run(&PASS, &[])).with_code(0);
    for command in [&["merge", "run", "--out", "merged"][..], &["run", "--resume", "run"]] {
        home.rigtone(&[command, look].concat()).with_code(2).says(&[said]);
    }
    assert!(!home.path("merged").exists());
}

#[test]
fn without_a_name_runs_lie_side_by_side() {
    let home = Home::new();
    for _ in 0..2 {
        home.rigtone(&[&["run"], &PASS[..]].concat()).with_code(0);
    }
    assert_eq!(fs::read_dir(home.path("runs")).unwrap().count(), 2);
}

#[test]
fn what_the_time_cut_off_is_skipped_and_never_passed() {
    let home = Home::new();
    let speakers = ["--select", "scenario=pairing-cold-start", "--select", "speaker=charge-5-*"];
    home.rigtone(&run(&speakers, &["--max-time", "30 s"])).with_code(11);
    let verdicts = home.read_json("run/verdicts.json");
    let verdicts = verdicts["combinations"].as_array().unwrap();
    assert_eq!(verdicts.len(), 4);
    for combination in verdicts {
        assert_eq!(combination["verdict"]["skipped"], "time", "{combination}");
    }
    assert!(verdicts.iter().any(|c| c["trials"].as_u64() > Some(0)), "something ran");
}

#[rstest]
#[case::check(&["check"], 0)]
#[case::plan(&["plan"], 0)]
#[case::plan_json(&["plan", "--json"], 0)]
#[case::schema(&["schema"], 0)]
#[case::help(&["--help"], 0)]
#[case::run(&["run", "--select", "scenario=pairing-cold-start", "--select", "speaker=charge-5-fw106"], 10)]
fn a_reader_that_went_away_ends_the_output_and_not_the_work(#[case] arguments: &[&str], #[case] code: i32) {
    let done = Home::new().rigtone_unread(arguments).with_code(code);
    assert_eq!(done.err, "");
}
