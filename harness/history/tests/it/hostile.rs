//! What is no run, half a run, or a run of another time: named, skipped, and the rest is there.

use std::{fs, os::unix::fs::symlink, path::Path};

use rigtone_history::{IndexError, find};
use rigtone_record::RunWriter;
use rstest::rstest;

use crate::sample::{Lab, Planted};

fn spoil(run: &Path, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(run.join(name)).unwrap();
    assert!(text.contains(from), "{name} has no `{from}`");
    fs::write(run.join(name), text.replace(from, to)).unwrap();
}

#[rstest]
#[case::not_judged(|run: &Path| fs::remove_file(run.join("verdicts.json")).unwrap(), "did not come to its end")]
#[case::no_plan(|run: &Path| fs::remove_file(run.join("plan.json")).unwrap(), "no `plan.json`")]
#[case::cut_off(|run: &Path| fs::write(run.join("verdicts.json"), "{\"schema\":\"1.0\",\"run\":").unwrap(), "EOF")]
#[case::empty(|run: &Path| fs::write(run.join("verdicts.json"), "").unwrap(), "EOF")]
#[case::no_text(|run: &Path| fs::write(run.join("plan.json"), [0xff, 0xfe, 0]).unwrap(), "plan.json")]
#[case::newer_verdicts(|run: &Path| spoil(run, "verdicts.json", "\"schema\":\"1.0\"", "\"schema\":\"2.0\""), "schema 2.0")]
#[case::newer_plan(|run: &Path| spoil(run, "plan.json", "\"schema\":\"1.0\"", "\"schema\":\"7.3\""), "schema 7.3")]
#[case::a_list(|run: &Path| fs::write(run.join("plan.json"), "[]").unwrap(), "plan.json")]
#[case::a_folder(|run: &Path| {
    fs::remove_file(run.join("verdicts.json")).unwrap();
    fs::create_dir(run.join("verdicts.json")).unwrap();
}, "not a file")]
#[case::of_two_runs(|run: &Path| spoil(run, "verdicts.json", "codec=sbc", "codec=ldac"), "do not belong together")]
#[case::no_time(|run: &Path| fs::remove_file(run.join("environment.json")).unwrap(), "when the run began")]
fn what_cannot_be_taken_is_named_and_the_rest_is_there(#[case] spoil: fn(&Path), #[case] why: &str) {
    let lab = Lab::new();
    lab.run("good", 2, &[Planted::new(60, 60)]);
    let bad = lab.run("bad", 1, &[Planted::new(10, 60)]);
    spoil(&bad);
    let history = lab.history();
    assert_eq!(history.runs.iter().map(|run| &*run.id).collect::<Vec<_>>(), ["good"]);
    let [skipped] = &history.skipped[..] else { panic!("{:?}", history.skipped) };
    assert_eq!(Path::new(&skipped.directory), bad);
    assert!(skipped.why.contains(why), "{}", skipped.why);
}

#[test]
fn a_run_that_was_spoilt_after_it_was_taken_is_no_longer_told() {
    let lab = Lab::new();
    lab.run("good", 2, &[Planted::new(60, 60)]);
    let bad = lab.run("bad", 1, &[Planted::new(10, 60)]);
    assert_eq!(lab.history().runs.len(), 2);
    fs::remove_file(bad.join("verdicts.json")).unwrap();
    assert_eq!(lab.history().runs.len(), 1);
}

#[test]
fn a_run_that_is_being_written_is_left_alone_until_it_is_done() {
    let lab = Lab::new();
    let writer = RunWriter::create(&lab.runs().join("tonight"), "tonight").unwrap();
    lab.run("tonight", 0, &[Planted::new(60, 60)]);
    let history = lab.history();
    assert!(history.runs.is_empty() && history.skipped[0].why.contains("being written"), "{:?}", history.skipped);
    drop(writer);
    assert_eq!(lab.history().runs.len(), 1);
}

#[test]
fn folders_that_hold_no_run_are_named() {
    let lab = Lab::new();
    lab.run("2026/november/a", 1, &[Planted::new(60, 60)]);
    fs::create_dir_all(lab.runs().join("notes/drafts")).unwrap();
    fs::write(lab.runs().join("readme.txt"), "not a folder").unwrap();
    let history = lab.history();
    assert_eq!(history.runs.len(), 1);
    assert_eq!(history.skipped.len(), 1, "{:?}", history.skipped);
    assert!(history.skipped[0].directory.ends_with("notes") && history.skipped[0].why.contains("no run directory"));
}

#[test]
fn links_that_lead_in_a_circle_or_twice_to_a_run_count_it_once() {
    let lab = Lab::new();
    let run = lab.run("a", 1, &[Planted::new(60, 60)]);
    symlink(&run, lab.runs().join("latest")).unwrap();
    symlink(lab.runs(), lab.runs().join("circle")).unwrap();
    symlink(lab.runs().join("nowhere"), lab.runs().join("dangling")).unwrap();
    let history = lab.history();
    assert_eq!((history.runs.len(), history.combinations[0].answered), (1, 1));
}

#[test]
fn a_run_without_its_environment_is_of_an_unknown_kind() {
    let lab = Lab::new();
    let run = lab.run("a", 1, &[Planted::new(60, 60)]);
    fs::remove_file(run.join("environment.json")).unwrap();
    let began = r#"{"schema":"1.0","run":"a","seq":0,"t_ns":0,"kind":"run-started","payload":{"rig":"lab","rigtone":"0.1.0","seed":0,"trials_at_most":2,"unix_s":1795000000}}"#;
    fs::write(run.join("events.jsonl"), format!("{began}\n")).unwrap();
    let history = lab.history();
    assert_eq!(history.runs[0].kind, rigtone_history::Kind::Unknown);
    assert_eq!(history.runs[0].unix_s, 1_795_000_000);
}

#[test]
fn counts_that_cannot_be_are_no_change_and_no_panic() {
    let lab = Lab::new();
    for night in 0..8 {
        let run = lab.run(&format!("night-{night}"), 20 - night, &[Planted::new(60, 60)]);
        let to = if night < 4 { "\"held\":4000000000" } else { "\"held\":0" };
        spoil(&run, "verdicts.json", "\"held\":60", to);
    }
    let history = lab.history();
    assert_eq!(history.combinations[0].answered, 8);
    let _ = rigtone_history::text::summary(&history, rigtone_history::text::View::default());
    let _ = rigtone_history::page::html(&history, &rigtone_history::page::Links::default());
}

#[test]
fn a_path_that_is_not_there_is_an_error() {
    let lab = Lab::new();
    let error = find(&[lab.runs()]).unwrap_err();
    assert!(matches!(&error, IndexError::Io { .. }));
    assert!(error.to_string().contains("look for runs in"), "{error}");
}
