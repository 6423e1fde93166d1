//! What is missing of a run is named, and the rest is shown.

use std::fs;

use rigtone_page::{Options, PageError, Shortcoming, page};
use rstest::rstest;

use crate::world::{Run, codes, id};

fn whole() -> Run {
    let mut run = Run::new(&["good"]);
    for trial in 1..=3 {
        run.trial(&id("good"), trial, Ok(100.0));
    }
    run.end();
    run.verdicts(&[(&id("good"), "pass", 3)]);
    run.write("events.jsonl", run.log());
    run
}

fn cut(run: &Run, name: &str, keep: impl FnOnce(&str) -> String) {
    let text = fs::read_to_string(run.path().join(name)).expect("a file");
    run.write(name, keep(&text));
}

fn without_end(run: &Run) {
    cut(run, "events.jsonl", |t| t.lines().take(9).map(|l| format!("{l}\n")).collect());
}

fn damaged(run: &Run) {
    cut(run, "events.jsonl", |t| t.replacen("\"trial-started\"", "trial-started", 1));
}

fn remove(run: &Run, name: &str) {
    fs::remove_file(run.path().join(name)).expect("a file");
}

#[rstest]
#[case::nothing(|_: &Run| {}, &[])]
#[case::no_verdicts(|run: &Run| remove(run, "verdicts.json"), &["document"])]
#[case::no_plan(|run: &Run| remove(run, "plan.json"), &["document"])]
#[case::no_environment(|run: &Run| remove(run, "environment.json"), &["document"])]
#[case::no_log(|run: &Run| remove(run, "events.jsonl"), &["document"])]
#[case::half_a_plan(|run: &Run| cut(run, "plan.json", |t| t[..t.len() / 2].to_owned()), &["document"])]
#[case::log_cut_off(|run: &Run| cut(run, "events.jsonl", |t| t[..t.len() - 30].to_owned()), &["unended", "other-verdicts", "lines"])]
#[case::log_without_end(without_end, &["unended", "other-verdicts", "in-flight"])]
#[case::empty_log(|run: &Run| cut(run, "events.jsonl", |_| String::new()), &["unended", "other-verdicts"])]
#[case::damaged_line(damaged, &["other-verdicts", "lines"])]
#[case::newer_major_plan(|run: &Run| cut(run, "plan.json", |t| t.replace("\"schema\":\"1.0\"", "\"schema\":\"2.0\"")), &["document"])]
#[case::newer_minor_plan(|run: &Run| cut(run, "plan.json", |t| t.replace("\"schema\":\"1.0\"", "\"schema\":\"1.9\"")), &["newer"])]
#[case::newer_log(|run: &Run| cut(run, "events.jsonl", |t| t.replace("\"schema\":\"1.0\"", "\"schema\":\"2.0\"")), &["lines"])]
#[case::unknown_kind(
    |run: &Run| cut(run, "events.jsonl", |t| t.replacen("\"kind\":\"observed\"", "\"kind\":\"smelled\"", 1)),
    &["unknown-kinds"]
)]
#[case::other_verdicts(|run: &Run| cut(run, "verdicts.json", |t| t.replace("night", "day")), &["other-verdicts"])]
#[case::other_plan(|run: &Run| cut(run, "plan.json", |t| t.replace("speaker=good", "speaker=best")), &["strangers"])]
#[case::interrupted(|run: &Run| cut(run, "verdicts.json", |t| t.replace("\"interrupted\":null", "\"interrupted\":\"SIGINT\"")), &["interrupted"])]
fn what_is_missing_is_named(#[case] harm: fn(&Run), #[case] expected: &[&str]) {
    let run = whole();
    harm(&run);
    let page = run.page_of_what_is_there();
    assert_eq!(codes(&page), expected, "{:?}", page.shortcomings);
    for shortcoming in &page.shortcomings {
        assert!(page.html.contains(&format!("data-shortcoming=\"{}\"", shortcoming.code())));
        assert!(!shortcoming.hint().is_empty());
    }
    assert!(page.html.contains("class=\"matrix\"") && page.html.contains("speaker"), "the rest is shown");
}

/// The numbers of a page are all of one log.
#[test]
fn verdicts_of_a_longer_log_are_not_shown_beside_a_shorter_one() {
    let run = whole();
    without_end(&run);
    let page = run.page_of_what_is_there();
    let verdicts = page.verdicts.as_ref().expect("judged from the log");
    assert_eq!((verdicts.combinations[0].trials, verdicts.interrupted.is_some()), (1, true));
    for text in
        ["n = 1", "were judged from the log when it was made", "the log ends before its run does; the verdicts here"]
    {
        assert!(page.html.contains(text), "{text}");
    }
    assert!(!page.html.contains("n = 3"), "what verdicts.json counts");
}

/// As for every other format: with verdicts those are shown, without nothing is judged.
#[rstest]
#[case::with_verdicts(|_: &Run| {}, Some(3), "they are shown all the same, for the log cannot be judged")]
#[case::without(|run: &Run| remove(run, "verdicts.json"), None, "there are no verdicts")]
#[case::with_those_of_another_run(
    |run: &Run| cut(run, "verdicts.json", |t| t.replace("night", "day")),
    None,
    "they are of the run day; there are no verdicts"
)]
fn a_log_that_is_damaged_before_its_end_is_not_judged(
    #[case] verdicts: fn(&Run),
    #[case] trials: Option<u32>,
    #[case] said: &str,
) {
    let run = whole();
    damaged(&run);
    verdicts(&run);
    let page = run.page_of_what_is_there();
    assert_eq!(page.verdicts.as_ref().map(|verdicts| verdicts.combinations[0].trials), trials);
    assert!(page.html.contains(said) && page.html.contains("data-shortcoming=\"lines\""), "{:?}", page.shortcomings);
}

#[test]
fn a_run_that_is_still_written_is_not_taken_for_a_finished_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let writer = rigtone_record::RunWriter::create(&path, "night").unwrap();
    let run = whole();
    // What an earlier end of it was judged to be is no longer so.
    for name in ["plan.json", "events.jsonl", "verdicts.json"] {
        fs::copy(run.path().join(name), path.join(name)).unwrap();
    }
    // Its log has no end yet.
    let log = run.log();
    let (so_far, _) = log.trim_end().rsplit_once('\n').unwrap();
    fs::write(path.join("events.jsonl"), format!("{so_far}\n")).unwrap();
    let made = |path: &std::path::Path| page(path, &Options::default()).unwrap();
    let during = made(&path);
    assert_eq!(during.shortcomings.first(), Some(&Shortcoming::BeingWritten));
    assert!(during.html.contains("still being written") && during.html.contains("Not finished."));
    assert!(during.html.contains("the run is still going on: ") && !during.html.contains("interrupted by"));
    assert!(during.html.contains("were judged from the log"));
    drop(writer);
    assert!(!made(&path).shortcomings.contains(&Shortcoming::BeingWritten));
}

#[test]
fn evidence_that_is_gone_cut_or_elsewhere_is_counted_and_named() {
    let mut run = Run::new(&["good"]);
    let good = id("good");
    run.event(0, Some((&good, 1, None)), "trial-started", serde_json::Value::Null);
    for (file, bytes) in [
        ("evidence/a/0001/gone.wav", 10),
        ("evidence/a/0001/cut.wav", 10),
        ("evidence/a/0001/whole.wav", 3),
        ("../outside.wav", 3),
    ] {
        run.evidence(&good, 1, file, bytes);
    }
    run.event(1, Some((&good, 1, None)), "trial-finished", serde_json::json!({"outcome": "completed"}));
    run.end();
    run.write("evidence/a/0001/cut.wav", "abc");
    run.write("evidence/a/0001/whole.wav", "abc");
    let page = run.page();
    let said: Vec<String> =
        page.shortcomings.iter().filter(|s| s.code() == "evidence").map(ToString::to_string).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    for text in ["is missing: evidence/a/0001/gone.wav", "another size", "lies elsewhere"] {
        assert!(said.iter().any(|s| s.contains(text)), "{text}: {said:?}");
    }
}

/// An evidence budget lets many files come and go; each of them was looked at when it had gone already.
#[rstest]
#[case::the_first(0)]
#[case::one_of_many(10_049)]
fn of_many_files_that_made_room_only_the_one_that_is_missing_is_named(#[case] missing: usize) {
    const EACH: usize = 150;
    let mut run = Run::new(&["good"]);
    let good = id("good");
    let files: Vec<String> = (0..67 * EACH).map(|n| format!("evidence/a/{n}.wav")).collect();
    for (trial, files) in (1..).zip(files.chunks(EACH)) {
        run.event(0, Some((&good, trial, None)), "trial-started", serde_json::Value::Null);
        for file in files {
            run.evidence(&good, trial, file, 10);
        }
        run.event(1, Some((&good, trial, None)), "trial-finished", serde_json::json!({"outcome": "completed"}));
    }
    for (n, file) in files.iter().enumerate().filter(|(n, _)| *n != missing) {
        let trial = u32::try_from(n / EACH + 1).unwrap();
        let payload = serde_json::json!({"file": file, "why": "it made room for newer evidence"});
        run.event(2, Some((&good, trial, None)), "evidence-removed", payload);
    }
    run.end();
    run.verdicts(&[(&good, "pass", 67)]);
    let page = run.page();
    let said: Vec<String> = page.shortcomings.iter().map(ToString::to_string).collect();
    assert_eq!(said, [format!("1 evidence file is missing: evidence/a/{missing}.wav")]);
    assert!(page.html.contains("<dd>1 file, 10 B</dd>"), "what was taken away is not there");
}

#[test]
fn what_is_no_run_is_an_error_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let error = page(folder.path(), &Options::default()).expect_err("no run");
    assert!(matches!(error, PageError::NoRun { .. }) && error.hint().contains("plan.json"));
}
