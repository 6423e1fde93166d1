//! `rigtone history`

use std::fs;

use rstest::rstest;
use serde_json::Value;

use crate::user::{Home, copy_run, keeps_to, read_json};

/// A night of one speaker with two codecs.
const NIGHT: [&str; 5] = ["run", "--select", "scenario=playback-heard", "--select", "speaker=charge-5-fw110"];

/// Nights of the simulated rig; the speaker falls silent in the second half of them.
fn nights(good: usize, silent: usize) -> Home {
    let home = Home::new();
    home.rigtone(&[&NIGHT[..], &["--out", "first"]].concat());
    let rig = home.changed("rigs/simulated.yaml", "latency: {sbc: 190 ms, aac: 135 ms}", "silent: true");
    home.write("rigs/simulated.yaml", &rig);
    home.rigtone(&[&NIGHT[..], &["--out", "second"]].concat()).with_code(10);
    for night in 0..good + silent {
        let run = home.path(format!("runs/night-{night:02}"));
        copy_run(&home.path(if night < good { "first" } else { "second" }), &run);
        // Each night has its name and its time.
        let id = read_json(&run.join("verdicts.json"))["run"].as_str().unwrap().to_owned();
        let mut environment = read_json(&run.join("environment.json"));
        environment["run"]["unix_s"] = Value::from(1_700_000_000 + 86_400 * night as i64);
        fs::write(run.join("environment.json"), environment.to_string()).unwrap();
        for name in ["verdicts.json", "events.jsonl"] {
            let text = fs::read_to_string(run.join(name)).unwrap();
            fs::write(run.join(name), text.replace(&id, &format!("night-{night:02}"))).unwrap();
        }
    }
    home
}

#[test]
fn a_regression_over_nights_is_marked_in_text_json_and_page() {
    let home = nights(8, 8);
    home.rigtone(&["history"]).with_code(0).says(&[
        "simulated rig: no real device; it proves nothing about one",
        "16 runs from 2023-11-14 to 2023-11-29",
        "8 x fail",
        "0 % from 2023-11-22 on, p < 1e-6",
    ]);
    let report = home.rigtone(&["history", "--json"]).with_code(0).json();
    keeps_to("history.schema.json", &report);
    assert_eq!(report["schema"], "1.1");
    let changes = report["combinations"].as_array().unwrap().iter().flat_map(|line| line["series"].as_array().unwrap());
    let changes: Vec<&Value> = changes.flat_map(|series| series["changes"].as_array().unwrap()).collect();
    assert!(!changes.is_empty() && changes.iter().all(|change| change["run"] == 8), "{changes:?}");
    home.rigtone(&["history", "--html", "matrix.html"]).with_code(0).says(&["page      matrix.html"]);
    let page = fs::read_to_string(home.path("matrix.html")).unwrap();
    assert!(page.contains("<a href=\"runs/night-15/\"") && page.contains("class=\"change\""));
    // Deleted, the index comes back and says the same.
    let before = home.rigtone(&["history"]).with_code(0).out;
    fs::remove_file(home.path("runs/.rigtone-history.sqlite")).unwrap();
    assert_eq!(home.rigtone(&["history"]).with_code(0).out, before);
    assert_eq!(home.rigtone(&["history", "--rebuild"]).with_code(0).out, before);
}

#[test]
fn matrix_trend_and_firmware_show_what_they_are_named_after() {
    let home = nights(1, 1);
    home.rigtone(&["history", "--matrix", "--stale", "1 d"]).with_code(0).says(&[
        "playback-heard: ",
        "jbl/charge-5 1.1.0",
        "! older than 1 d: stale",
        "last proven ",
    ]);
    home.rigtone(&["history", "--trend"]).with_code(0).says(&["began (UTC)", "2023-11-14 22:13", "runs/night-01"]);
    home.rigtone(&["history", "--firmware"])
        .with_code(0)
        .says(&["no device has been tried with two firmware versions"]);
}

#[test]
fn a_choice_of_one_combination_shows_its_runs() {
    let home = nights(1, 0);
    let all = home.rigtone(&["history", "--json"]).json();
    let ids: Vec<&str> =
        all["combinations"].as_array().unwrap().iter().filter_map(|line| line["id"].as_str()).collect();
    assert!(ids.len() > 1, "{ids:?}");
    let one = ids.iter().find(|id| id.contains("source=echo-dot-5")).unwrap();
    let by_id = format!("id={one}");
    home.rigtone(&["history", "--select", &by_id, "--scenario", "playback-*"])
        .with_code(0)
        .says(&["1 combination", "began (UTC)"]);
    home.rigtone(&["history", "--select", "source=nobody"]).with_code(3).says(&["no combination"]);
}

#[rstest]
#[case::no_such_axis(&["history", "--select", "spaeker=x"], 2, "did you mean `speaker`")]
#[case::no_day(&["history", "--since", "yesterday"], 2, "write one such as `2026-11-30`")]
#[case::no_duration(&["history", "--stale", "30"], 2, "30")]
#[case::nowhere(&["history", "elsewhere"], 2, "look for runs in `elsewhere`")]
#[case::nothing_there(&["history", "scenarios"], 3, "there is no run in scenarios")]
#[case::index_of_somebody_else(&["history", "--index", "rigs/simulated.yaml"], 2, "is not an index of Rigtone")]
#[case::page_nowhere(&["history", "--html", "no/folder/page.html"], 2, "no/folder")]
#[case::two_shapes(&["history", "--matrix", "--json"], 2, "cannot be used with")]
fn what_cannot_be_done_is_said(#[case] arguments: &[&str], #[case] code: i32, #[case] said: &str) {
    let home = nights(1, 0);
    home.rigtone(arguments).with_code(code).says(&[said]);
}

#[test]
fn what_is_no_run_is_named_beside_the_rest() {
    let home = nights(2, 0);
    home.write("runs/notes/readme.txt", "no run");
    home.write("runs/half/events.jsonl", "");
    fs::remove_file(home.path("runs/night-01/verdicts.json")).unwrap();
    home.rigtone(&["history"]).with_code(0).says(&[
        "runs/notes: it is no run directory",
        "runs/half: it has files of a run and no `plan.json`",
        "runs/night-01: it has no `verdicts.json`",
        "1 run on 2023-11-14",
    ]);
    // Quiet, nothing is said but the result and errors.
    let quiet = home.rigtone(&["-q", "history"]).with_code(0);
    assert_eq!(quiet.err, "");
    quiet.says(&["1 run on 2023-11-14"]);
    let nothing = home.rigtone(&["-q", "history", "runs/notes"]).with_code(3);
    assert!(nothing.err.starts_with("error: there is no run in runs/notes\n"), "{}", nothing.err);
}

/// The index is derived: a disk that is full costs time, not the answer.
#[rstest]
#[case::from_the_beginning(4)]
#[case::in_the_middle(40)]
fn an_index_that_finds_no_room_is_made_in_memory(#[case] kib: u64) {
    let home = Home::new();
    home.rigtone(&[&NIGHT[..], &["--out", "run"]].concat());
    let done = home.rigtone_with_room(1024 * kib, &["history", "run", "--index", "index"]).with_code(0);
    done.says(&["1 run on ", "cannot be written", "it was made in memory"]);
}
