//! What is no run, half a run, or a run of another time: named, skipped, and the rest is there.

use std::{fs, os::unix::fs::symlink, path::Path};

use rigtone_history::{IndexError, find};
use rigtone_record::RunWriter;
use rstest::rstest;

use crate::sample::{DAY, Lab, Planted, TODAY, write_log};

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
    let run = lab.run("tonight", 0, &[Planted::new(60, 60)]);
    write_log(&run, "tonight", 0, &[Planted::new(60, 60)]);
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

/// A walk through everything below a folder could take any time: it stops, and says where.
#[test]
fn folders_that_lie_too_deep_are_named() {
    let lab = Lab::new();
    lab.run("a/b/night", 1, &[Planted::new(60, 60)]);
    let deep = lab.run("a/b/c/night", 2, &[Planted::new(60, 60)]);
    symlink(lab.runs(), lab.runs().join("circle")).unwrap();
    let history = lab.history();
    assert_eq!(history.runs.len(), 1);
    let [skipped] = &history.skipped[..] else { panic!("{:?}", history.skipped) };
    assert_eq!(Path::new(&skipped.directory), deep.parent().unwrap());
    assert!(skipped.why.contains("lies 3 folders deep") && skipped.why.contains("name it"), "{}", skipped.why);
    assert!(find(&[deep.parent().unwrap().to_owned()]).unwrap().runs.contains(&deep));
}

/// Only the words are missing where the log is whole; one that was interrupted can go on.
#[rstest]
#[case::whole(|log: &str| log.to_owned(), "though the run came to its end: `rigtone run --resume` writes them")]
#[case::cut_off(cut_in_half, "the run did not come to its end")]
#[case::goes_on(goes_on, "the run did not come to its end")]
#[case::interrupted(|log: &str| log.replace("\"interrupted\":null", "\"interrupted\":\"a signal\""), "the run did not come to its end")]
fn a_run_without_verdicts_says_whether_it_ended(#[case] change: fn(&str) -> String, #[case] why: &str) {
    let lab = Lab::new();
    let planted = [Planted::new(10, 60)];
    let bad = lab.run("bad", 1, &planted);
    write_log(&bad, "bad", 1, &planted);
    fs::remove_file(bad.join("verdicts.json")).unwrap();
    let log = fs::read_to_string(bad.join("events.jsonl")).unwrap();
    fs::write(bad.join("events.jsonl"), change(&log)).unwrap();
    let history = lab.history();
    let [skipped] = &history.skipped[..] else { panic!("{:?}", history.skipped) };
    assert!(skipped.why.starts_with("it has no `verdicts.json`") && skipped.why.contains(why), "{}", skipped.why);
}

#[test]
fn a_run_without_verdicts_that_is_being_written_is_told_so() {
    let lab = Lab::new();
    let run = lab.run("tonight", 0, &[Planted::new(60, 60)]);
    fs::remove_file(run.join("verdicts.json")).unwrap();
    let elsewhere = lab.runs().join("new");
    let writer = RunWriter::create(&elsewhere, "new").unwrap();
    fs::copy(run.join("plan.json"), elsewhere.join("plan.json")).unwrap();
    let why = |history: &rigtone_history::History| -> Vec<String> {
        history.skipped.iter().map(|skipped| skipped.why.clone()).collect()
    };
    let told = why(&lab.history());
    assert!(told[0].contains("being written") && told[1].contains("did not come to its end"), "{told:?}");
    drop(writer);
    assert!(why(&lab.history())[0].contains("did not come to its end"));
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
    write_log(&run, "a", 9, &[Planted::new(60, 60)]);
    let history = lab.history();
    assert_eq!(history.runs[0].kind, rigtone_history::Kind::Unknown);
    assert_eq!(history.runs[0].unix_s, TODAY - 9 * DAY);
}

fn cut_in_half(log: &str) -> String {
    log[..log.len() / 2].to_owned()
}

/// What `rigtone run --resume` adds first. Number and time are not looked at.
fn goes_on(log: &str) -> String {
    let event = r#""kind":"run-resumed","payload":{"rigtone":"0.1.0","unix_s":1795990000,"mended_bytes":0}}"#;
    format!("{log}{{\"schema\":\"1.0\",\"run\":\"bad\",\"seq\":900,\"t_ns\":900,{event}\n")
}

fn of_another_run(log: &str) -> String {
    log.replace("\"run\":\"bad\"", "\"run\":\"other\"")
}

fn with_a_trial_less(log: &str) -> String {
    log.lines().filter(|line| !line.contains("\"trial\":7,")).map(|line| format!("{line}\n")).collect()
}

/// The report says of such verdicts that they do not belong to this log; here they would be counted in silence.
#[rstest]
#[case(cut_in_half, "the log ends before its run does")]
#[case(|_: &str| String::new(), "the log ends before its run does")]
#[case(goes_on, "the log ends before its run does")]
#[case(of_another_run, "they are of the run bad")]
#[case(with_a_trial_less, "they count 60 trials with a result and 0 lost ones of pairing/")]
fn verdicts_that_do_not_belong_to_their_log_are_named_and_not_counted(
    #[case] change: fn(&str) -> String,
    #[case] why: &str,
) {
    let lab = Lab::new();
    lab.run("good", 2, &[Planted::new(60, 60)]);
    let planted = [Planted::new(10, 60)];
    let bad = lab.run("bad", 1, &planted);
    write_log(&bad, "bad", 1, &planted);
    assert_eq!(lab.history().runs.len(), 2, "whole, it counts");
    let log = fs::read_to_string(bad.join("events.jsonl")).unwrap();
    fs::write(bad.join("events.jsonl"), change(&log)).unwrap();
    let history = lab.history();
    assert_eq!(history.runs.iter().map(|run| &*run.id).collect::<Vec<_>>(), ["good"]);
    let [skipped] = &history.skipped[..] else { panic!("{:?}", history.skipped) };
    assert!(skipped.why.contains("does not belong to its log") && skipped.why.contains(why), "{}", skipped.why);
    // Mended, it counts again.
    fs::write(bad.join("events.jsonl"), log).unwrap();
    assert_eq!(lab.history().runs.len(), 2);
}

#[rstest]
#[case::not_copied(None)]
#[case::not_a_file(Some(""))]
#[case::unreadable_within(Some("not an event"))]
fn a_log_that_cannot_be_read_contradicts_nothing(#[case] instead: Option<&str>) {
    let lab = Lab::new();
    let planted = [Planted::new(60, 60)];
    let run = lab.run("a", 1, &planted);
    write_log(&run, "a", 1, &planted);
    let path = run.join("events.jsonl");
    let log = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    match instead {
        None => {}
        Some("") => fs::create_dir(&path).unwrap(),
        // Of one event that decides nothing.
        Some(instead) => {
            let lines = log.lines().map(|line| if line.contains("\"kind\":\"checked\"") { instead } else { line });
            fs::write(&path, lines.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        }
    }
    let history = lab.history();
    assert_eq!((history.runs.len(), history.skipped.len()), (1, 0), "{:?}", history.skipped);
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
    let _ =
        rigtone_history::page::html(&history, &rigtone_history::page::Links::default(), &rigtone_html::Look::default());
}

#[test]
fn a_path_that_is_not_there_is_an_error() {
    let lab = Lab::new();
    let error = find(&[lab.runs()]).unwrap_err();
    assert!(matches!(&error, IndexError::Io { .. }));
    assert!(error.to_string().contains("look for runs in"), "{error}");
}
