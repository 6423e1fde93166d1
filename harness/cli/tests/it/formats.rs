//! `rigtone report --format` and `rigtone run --report`: files of a whole run.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use rstest::rstest;
use serde_json::Value;

use crate::{
    report::MIXED,
    user::{Home, copy_run, keeps_to, read_json, repository},
};

/// What each format is called as a file, and a text that it has.
const FILES: [(&str, &str); 7] = [
    ("report.txt", "exit code 10:"),
    ("list.txt", "inconclusive"),
    ("results.json", "\"exit_code\": 10"),
    ("junit.xml", "<testsuites"),
    ("report.md", "<details>"),
    ("observations.csv", "run,scenario,combination"),
    ("trace.json", "traceEvents"),
];
const ALL: &str = "terminal,list,json,junit,markdown,csv,perfetto";

fn mixed() -> &'static str {
    MIXED.to_str().unwrap()
}

/// Runs a script of Python with a file; gives what it prints as JSON.
#[track_caller]
pub(crate) fn python(arguments: &[&str], file: &Path) -> Value {
    let output = Command::new("python3").args(arguments).arg(file).output().expect("python3 is there: run ci/setup");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"))
}

#[test]
fn several_formats_become_files_of_a_folder() {
    let home = Home::empty();
    let done = home.rigtone(&["report", mixed(), "--format", ALL, "--format", "json", "--out", "new/folder"]);
    let done = done.with_code(10);
    let expected: Vec<String> = FILES.iter().map(|(name, _)| format!("new/folder/{name}")).collect();
    assert_eq!(done.out.lines().collect::<Vec<_>>(), expected);
    for (name, text) in FILES {
        let written = fs::read_to_string(home.path("new/folder").join(name)).unwrap();
        assert!(written.contains(text) && !written.contains('\u{1b}'), "{name}: {written:.300}");
    }
    assert_eq!(fs::read_dir(home.path("new/folder")).unwrap().count(), FILES.len(), "nothing else is left");
}

#[rstest]
#[case("markdown", "report.md")]
#[case("csv", "observations.csv")]
#[case("perfetto", "trace.json")]
fn one_format_is_printed_or_becomes_the_file_that_is_named(#[case] format: &str, #[case] name: &str) {
    let home = Home::empty();
    let printed = home.rigtone(&["report", mixed(), "--format", format]).with_code(10).out;
    home.rigtone(&["report", mixed(), "--format", format, "--out", "mine"]).with_code(10).says(&["mine"]);
    assert!(printed == fs::read_to_string(home.path("mine")).unwrap());
    home.rigtone(&["report", mixed(), "--format", format, "--out", "folder/"]).with_code(10);
    assert!(printed == fs::read_to_string(home.path("folder").join(name)).unwrap());
}

#[rstest]
#[case::several_to_one_output(&["--format", "json,csv"], "help: name a folder with --out")]
#[case::unknown(&["--format", "pdf"], "possible values")]
#[case::a_limit_that_nothing_fits(&["--format", "markdown", "--limit", "100"], "8192")]
#[case::a_file_for_a_folder(&["--format", "json,csv", "--out", "file"], "making the folder file failed")]
#[case::no_such_folder(&["--format", "csv", "--out", "nowhere/x.csv"], "nowhere")]
fn what_cannot_be_written_is_wrong_usage(#[case] arguments: &[&str], #[case] said: &str) {
    let home = Home::empty();
    home.write("file", "");
    home.rigtone(&[&["report", mixed()], arguments].concat()).with_code(2).says(&[said]);
}

#[test]
fn the_record_of_a_run_is_not_overwritten() {
    let home = Home::empty();
    copy_run(&MIXED, &home.path("run"));
    for name in ["plan.json", "events.jsonl", "verdicts.json", "environment.json"] {
        let before = fs::read(home.path("run").join(name)).unwrap();
        let out = format!("run/../run/{name}");
        home.rigtone(&["report", "run", "--format", "csv", "--out", &out]).with_code(2).says(&["own record", "help:"]);
        assert!(before == fs::read(home.path("run").join(name)).unwrap(), "{name}");
    }
}

/// Printed or written, the page is made in one way: what is said of it and how it ends is the same.
#[rstest]
#[case::whole(|_: &Path| {})]
#[case::without_verdicts(|run: &Path| fs::remove_file(run.join("verdicts.json")).unwrap())]
#[case::without_a_plan(|run: &Path| fs::remove_file(run.join("plan.json")).unwrap())]
#[case::without_anything(|run: &Path| fs::remove_dir_all(run).unwrap())]
fn a_page_in_a_file_is_that_which_is_printed(#[case] spoil: fn(&Path)) {
    let home = Home::empty();
    copy_run(&MIXED, &home.path("run"));
    spoil(&home.path("run"));
    let printed = home.rigtone(&["report", "run", "--format", "html"]);
    let written = home.rigtone(&["report", "run", "--format", "html", "--out", "page.html"]);
    assert_eq!((printed.code, &printed.err), (written.code, &written.err));
    let is_page = printed.out.starts_with("<!DOCTYPE html>");
    assert_eq!(written.out, if is_page { "page.html\n" } else { "" });
    assert_eq!(home.path("page.html").is_file(), is_page);
}

#[test]
fn json_names_the_files_that_are_there() {
    let home = Home::empty();
    copy_run(&MIXED, &home.path("run"));
    let names = || -> BTreeSet<String> {
        let results = home.rigtone(&["report", "run", "--format", "json"]).json();
        let paths = results["paths"].as_object().unwrap();
        assert!(paths.values().all(|path| home.path(path.as_str().unwrap()).is_file()), "{paths:?}");
        paths.keys().cloned().collect()
    };
    assert!(names().iter().eq(["events", "junit", "plan", "verdicts"]), "{:?}", names());
    fs::remove_file(home.path("run/junit.xml")).unwrap();
    fs::copy(MIXED.join("report.html"), home.path("run/report.html")).unwrap();
    assert!(names().iter().eq(["events", "plan", "report", "verdicts"]), "{:?}", names());
}

#[test]
fn a_reader_that_goes_away_ends_the_output_and_not_the_program() {
    for format in ["terminal", "list", "json", "junit", "markdown", "csv", "html", "perfetto"] {
        let done = Home::empty().rigtone_unread(&["report", mixed(), "--format", format]).with_code(10);
        assert_eq!(done.err, "", "{format}");
    }
}

#[test]
fn json_of_real_runs_keeps_to_its_published_form() {
    let results = Home::empty().rigtone(&["report", mixed(), "--format", "json"]).with_code(10).json();
    keeps_to("results.schema.json", &results);
    keeps_to("verdicts.schema.json", &read_json(&MIXED.join("verdicts.json")));
    assert_eq!(results.get("missing"), None, "nothing is missing");
}

#[test]
fn every_observation_of_the_log_is_a_row_and_every_attempt_has_one() {
    let home = Home::empty();
    home.rigtone(&["report", mixed(), "--format", "csv", "--out", "o.csv"]).with_code(10);
    let script = "import csv, json, sys\nprint(json.dumps(list(csv.DictReader(open(sys.argv[1], encoding='utf-8', newline='')))))";
    let table = python(&["-c", script], &home.path("o.csv"));
    let mut rows = std::collections::BTreeMap::new();
    for row in table.as_array().unwrap() {
        rows.insert(row["seq"].as_str().unwrap().parse::<u64>().unwrap(), row);
    }
    let log = fs::read_to_string(MIXED.join("events.jsonl")).unwrap();
    let mut observed = 0;
    for line in log.lines().filter(|line| line.contains("\"kind\":\"observed\"")) {
        let event: Value = serde_json::from_str(line).unwrap();
        let row = rows[&event["seq"].as_u64().unwrap()];
        let payload = &event["payload"];
        assert_eq!((&row["quantity"], &row["combination"]), (&payload["quantity"], &event["combination"]));
        assert_eq!(row["step"], payload["of"]);
        if let Some(number) = payload["value"].get("number") {
            assert_eq!(row["value"].as_str().unwrap().parse::<f64>().ok(), number["value"].as_f64());
        }
        observed += 1;
    }
    let told = |row: &&&Value| row["quantity"] != "";
    assert!(observed > 100 && observed == rows.values().filter(told).count(), "{observed}");
    let attempts: BTreeSet<String> = rows.values().map(|row| attempt(row)).collect();
    let begun: Vec<Value> = log
        .lines()
        .filter(|line| line.contains("\"kind\":\"trial-started\""))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(!begun.is_empty() && begun.iter().all(|event| attempts.contains(&attempt(event))));
}

/// What tells an attempt from any other, of an event and of a row.
fn attempt(of: &Value) -> String {
    ["combination", "trial", "attempt"].map(|key| of[key].to_string().replace('"', "")).join(" ")
}

/// A pairing that fails observes nothing: rates that are computed from the table count it all the same.
#[test]
fn trials_that_failed_before_anything_was_observed_are_rows_too() {
    let home = Home::new();
    let select = ["--select", "speaker=charge-5-fw106", "--select", "source=echo-dot-5"];
    home.rigtone(&[&["run", "scenarios/starter/pairing-cold-start.yaml", "--out", "run"][..], &select].concat())
        .with_code(10);
    let script = "import csv, json, sys\nprint(json.dumps(list(csv.DictReader(open(sys.argv[1], encoding='utf-8', newline='')))))";
    home.rigtone(&["report", "run", "--format", "csv", "--out", "o.csv"]).with_code(10);
    let rows = python(&["-c", script], &home.path("o.csv"));
    let of = |wanted: &dyn Fn(&Value) -> bool| -> BTreeSet<String> {
        rows.as_array()
            .unwrap()
            .iter()
            .filter(|&row| row["outcome"] == "completed" && wanted(row))
            .map(attempt)
            .collect()
    };
    let (all, paired) = (of(&|_| true), of(&|row| row["quantity"] != ""));
    let combination = &home.read_json("run/verdicts.json")["combinations"][0];
    assert_eq!(combination["trials"], all.len());
    assert!(paired.len() < all.len(), "{} of {} trials observed something", paired.len(), all.len());
}

#[test]
fn the_trace_of_a_real_run_keeps_to_the_rules_of_its_format() {
    let home = Home::empty();
    home.rigtone(&["report", mixed(), "--format", "perfetto", "--out", "t.json"]).with_code(10);
    let checker = repository().join("ci/oracles/trace.py");
    let shown = python(&[checker.to_str().unwrap()], &home.path("t.json"));
    assert_eq!(shown["faults"], serde_json::json!([]));
    let log = fs::read_to_string(MIXED.join("events.jsonl")).unwrap();
    let trials = log.lines().filter(|line| line.contains("\"kind\":\"trial-started\"")).count();
    let lanes = shown["slices"].as_array().unwrap().iter().filter(|s| s[0] == 2 && s[5].get("trial").is_some()).count();
    assert_eq!(lanes, trials);
    assert!(shown["flows"].as_array().unwrap().len() > 10);
}

#[test]
fn a_run_writes_the_reports_that_were_asked_for_into_its_directory() {
    let home = Home::new();
    let select = ["--select", "speaker=charge-5-fw106", "--select", "source=echo-dot-5"];
    let run = ["run", "scenarios/starter/playback-heard.yaml", "--out", "run", "--report", "markdown,csv,perfetto"];
    let done = home.rigtone(&[&run[..], &select].concat());
    for name in ["verdicts.json", "junit.xml", "report.md", "observations.csv", "trace.json"] {
        assert!(home.path("run").join(name).is_file(), "{name}: {}{}", done.out, done.err);
        assert!(done.out.contains(&format!("run/{name}")), "{}", done.out);
    }
    let code = done.code;
    // The same again, of the run that is whole: now one of them cannot be written.
    fs::remove_file(home.path("run/report.md")).unwrap();
    fs::create_dir(home.path("run/report.md")).unwrap();
    fs::remove_file(home.path("run/verdicts.json")).unwrap();
    let again = home.rigtone(&["run", "--resume", "run", "--report", "markdown,list"]).with_code(code);
    assert!(again.err.contains("warning:") && again.err.contains("report.md"), "{}", again.err);
    assert!(home.path("run/verdicts.json").is_file() && home.path("run/list.txt").is_file());
}
