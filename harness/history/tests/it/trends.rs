//! Trends: streaks, proofs, change points and firmware.

use rigtone_history::{History, State, Word};
use rigtone_model::verdict::Verdict;
use serde_json::json;

use crate::sample::{DAY, Lab, Planted, TODAY};

fn only(history: &History) -> &rigtone_history::Line {
    let [line] = &history.combinations[..] else { panic!("{:?}", history.combinations) };
    line
}

#[test]
fn a_regression_is_marked_at_the_night_it_came() {
    let lab = Lab::new();
    for night in 0..20 {
        let held = if night < 10 { 59 } else { 48 };
        lab.run(&format!("night-{night:02}"), 30 - night, &[Planted::new(held, 60)]);
    }
    let history = lab.history();
    let series = &only(&history).series[0];
    let [change] = &series.changes[..] else { panic!("{:?}", series.changes) };
    assert_eq!(history.runs[change.run].id, "night-10");
    assert_eq!((change.before.held, change.before.n, change.after.held, change.after.n), (590, 600, 480, 600));
    assert!((change.before.estimate - 100.0 * 59.0 / 60.0).abs() < 1e-9 && (change.after.estimate - 80.0).abs() < 1e-9);
    // SciPy: binomtest(480, 600).proportion_ci(0.95, "exact").
    let [low, high] = [76.571_691_507_561_67, 83.129_752_962_883_43];
    assert!((change.after.low - low).abs() < 1e-6 && (change.after.high - high).abs() < 1e-6, "{:?}", change.after);
    assert!(change.p < 1e-6);
}

#[test]
fn nights_that_are_alike_have_no_mark() {
    let lab = Lab::new();
    for night in 0..20 {
        lab.run(&format!("night-{night:02}"), 30 - night, &[Planted::new(58 + night as u32 % 3, 60)]);
    }
    assert!(only(&lab.history()).series[0].changes.is_empty());
}

#[test]
fn another_limit_is_another_series_and_no_change() {
    let lab = Lab::new();
    for night in 0..20 {
        let (held, limit) = if night < 10 { (60, "250 ms") } else { (20, "150 ms") };
        let expected = format!("`play` is heard within {limit}");
        lab.run(&format!("night-{night:02}"), 30 - night, &[Planted::new(held, 60).expected(&expected)]);
    }
    let history = lab.history();
    let told: Vec<_> = only(&history).series.iter().map(|s| (&*s.expected, s.current, s.points.len())).collect();
    assert_eq!(told, [("`play` is heard within 150 ms", true, 10), ("`play` is heard within 250 ms", false, 10)]);
    assert!(only(&history).series.iter().all(|series| series.changes.is_empty()));
}

#[test]
fn streak_proof_and_newest_try_are_told() {
    let lab = Lab::new();
    let night = |name: &str, ago, planted: Planted| lab.run(name, ago, &[planted]);
    night("a", 9, Planted::new(60, 60));
    night("b", 7, Planted::new(30, 60));
    night("c", 6, Planted::new(0, 0).verdict(Verdict::InfraError));
    night("d", 5, Planted::new(20, 60));
    night("e", 1, Planted::new(0, 0).verdict(Verdict::Skipped("time".into())));
    let history = lab.history();
    let line = only(&history);
    assert_eq!((line.planned, line.answered), (5, 3));
    let last = line.last.as_ref().unwrap();
    assert_eq!((last.verdict, last.when.age_s), (Word::Fail, 5 * DAY));
    let tried = line.tried.as_ref().unwrap();
    assert_eq!((tried.verdict, tried.reason.as_deref(), tried.when.age_s), (Word::Skipped, Some("time"), DAY));
    assert_eq!(line.proven.unwrap().age_s, 9 * DAY);
    // The night that the rig lost neither breaks the streak nor counts.
    let streak = line.streak.unwrap();
    assert_eq!((streak.verdict, streak.runs), (Word::Fail, 2));
}

#[test]
fn rates_are_told_in_percent_with_their_intervals() {
    let lab = Lab::new();
    lab.run("a", 1, &[Planted::new(57, 60)]);
    let history = lab.history();
    let series = &only(&history).series[0];
    assert!(series.rate && series.unit == "%");
    let point = series.points[0];
    assert!((point.estimate.unwrap() - 95.0).abs() < 1e-9);
    assert!((point.low.unwrap() - 85.5).abs() < 1e-9 && (point.high.unwrap() - 100.0).abs() < 1e-9);
}

#[test]
fn a_new_firmware_is_no_change_point_but_stands_beside_the_old_one() {
    let lab = Lab::new();
    for night in 0..20 {
        let (held, speaker) = if night < 10 { (59, "box-1.9") } else { (30, "box-1.10") };
        lab.run(&format!("night-{night:02}"), 30 - night, &[Planted::new(held, 60).speaker(speaker)]);
    }
    let history = lab.history();
    assert!(history.combinations.iter().flat_map(|line| &line.series).all(|series| series.changes.is_empty()));
    let [one] = &history.firmware[..] else { panic!("{:?}", history.firmware) };
    assert_eq!((&*one.axis, &*one.device), ("speaker", "maker/box"));
    let told: Vec<_> = one.versions.iter().map(|v| (&*v.firmware, v.runs, v.rate.held, v.rate.n)).collect();
    assert_eq!(told, [("1.9", 10, 590, 600), ("1.10", 10, 300, 600)]);
    assert!(one.versions[0].p.is_none() && one.versions[1].p.unwrap() < 1e-6);
}

#[test]
fn versions_that_were_always_tried_side_by_side_stand_in_the_order_of_their_numbers() {
    let lab = Lab::new();
    let both = [Planted::new(60, 60).speaker("box-1.10"), Planted::new(60, 60).speaker("box-1.9")];
    lab.run("a", 1, &both);
    let history = lab.history();
    let told: Vec<_> = history.firmware[0].versions.iter().map(|v| &*v.firmware).collect();
    assert_eq!(told, ["1.9", "1.10"]);
}

/// A scenario that gained an expectation in front asks the old one all the same; one that asks in the same words twice asks two things.
#[test]
fn versions_are_compared_by_what_was_asked_and_not_by_its_place() {
    let lab = Lab::new();
    let (old, new) = (Planted::new(60, 60).speaker("box-1.9"), Planted::new(30, 60).speaker("box-1.10"));
    lab.run("old", 2, std::slice::from_ref(&old));
    lab.run("new", 1, &[new.clone().in_front("`connect` succeeds in at least 90 % of trials")]);
    let told = |history: &History| -> Vec<(String, u64, u64)> {
        let held = |one: &rigtone_history::Firmware, at: usize| one.versions[at].rate.held;
        history.firmware.iter().map(|one| (one.expected.clone(), held(one, 0), held(one, 1))).collect()
    };
    assert_eq!(told(&lab.history()), [(old.expected.clone(), 60, 30)]);
    lab.run("old", 2, &[old.clone().in_front(&old.expected)]);
    lab.run("new", 1, &[new.clone().in_front(&new.expected)]);
    assert_eq!(told(&lab.history()), [(old.expected.clone(), 60, 30), (old.expected.clone(), 60, 30)]);
}

/// What was played does not tell of the speaker when the room was loud: neither the change search nor the trend counts it.
#[test]
fn nights_that_do_not_tell_look_like_the_others() {
    let lab = Lab::new();
    for night in 0..20 {
        let planted = if night < 10 { Planted::new(60, 60) } else { Planted::new(40, 60).ambiguous(20) };
        lab.run(&format!("night-{night:02}"), 30 - night, &[planted]);
    }
    let history = lab.history();
    assert!(only(&history).series[0].changes.is_empty());
    let text = rigtone_history::text::summary(&history, rigtone_history::text::View::default());
    assert!(text.contains(&format!(" {} ", "9".repeat(20))), "{text}");
}

#[test]
fn changes_of_what_is_no_longer_asked_are_not_counted_where_they_are_not_shown() {
    let lab = Lab::new();
    for night in 0..20 {
        let held = if night < 10 { 59 } else { 48 };
        lab.run(&format!("night-{night:02}"), 30 - night, &[Planted::new(held, 60)]);
    }
    lab.run("today", 0, &[Planted::new(60, 60).expected("`pair` succeeds in at least 95 % of trials")]);
    let history = lab.history();
    assert_eq!(only(&history).series.iter().map(|series| series.changes.len()).collect::<Vec<_>>(), [0, 1]);
    let text = rigtone_history::text::summary(&history, rigtone_history::text::View::default());
    assert!(text.ends_with("21 runs, 1 combination, 0 changes\n") && !text.contains("change: "), "{text}");
}

#[test]
fn a_clock_that_was_ahead_makes_no_negative_age() {
    let lab = Lab::new();
    lab.run("a", -3, &[Planted::new(60, 60)]);
    let history = lab.history();
    assert_eq!(history.matrices[0].cells[0].state, State::Fresh);
    let text = rigtone_history::text::summary(&history, rigtone_history::text::View::default());
    assert!(text.contains("in the future"), "{text}");
}

#[test]
fn the_history_of_the_same_runs_is_the_same_at_the_same_time() {
    let lab = Lab::new();
    lab.run_in("a", 1, &[Planted::new(60, 60)], &json!({"world": "simulated"}));
    assert_eq!(serde_json::to_value(lab.history()).unwrap(), serde_json::to_value(lab.history()).unwrap());
    assert_eq!(lab.history().at_unix_s, TODAY);
}
