//! The history on a terminal.

use rigtone_history::{
    Filter,
    text::{View, firmware, matrices, summary, trends},
};
use rstest::rstest;
use serde_json::json;

use crate::sample::{DAY, Lab, Planted, TODAY};

fn regression() -> Lab {
    let lab = Lab::new();
    for night in 0..20 {
        let held = if night < 10 { 60 } else { 30 };
        lab.run(&format!("night-{night:02}"), 60 - night, &[Planted::new(held, 60)]);
    }
    lab
}

#[test]
fn a_line_says_how_a_combination_stands_and_where_it_changed() {
    let text = summary(&regression().history(), View::default());
    for said in [
        "hardware: real devices\n20 runs from 2026-10-01 to 2026-10-20\n",
        "fail            41 d!   51 d!    20  10 x fail         9999999999|4444444444 pairing/codec=sbc",
        "change: held in 100 % -> 50 % from 2026-10-11 on, p < 1e-6 (`pair` succeeds in at least 90 % of trials)",
        "\ntrend: 0-9 from none to all held, | changed\n",
        "! older than 30 d: stale",
        "20 runs, 1 combination, 1 change",
    ] {
        assert!(text.contains(said), "`{said}` is not said:\n{text}");
    }
    let unicode = summary(&regression().history(), View { unicode: true, ..View::default() });
    assert!(unicode.contains("██████████|▄▄▄▄▄▄▄▄▄▄"), "{unicode}");
}

#[test]
fn a_trend_has_a_line_for_each_run_and_one_for_the_change() {
    let text = trends(&regression().history(), View::default());
    assert_eq!(text.matches(" of 60 ").count(), 20, "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.contains("change: held in 100 % -> 50 %")).unwrap();
    assert!(lines[at - 1].contains("2026-10-10") && lines[at + 1].contains("2026-10-11"), "{text}");
    assert!(
        lines[at].contains("before 100 % [99.4, 100] at 95 %, n 600; after 50 % [45.9, 54.1] at 95 %, n 600; p < 1e-6"),
        "{text}"
    );
}

/// Terminals of 40, 80 and 100 columns.
#[rstest]
#[case::narrow(40, &["\nfail, 41 d!, proven 51 d!, 20 runs, 10 x\n", "\n    pairing/codec=sbc,source=phone-7.1,\n        speaker=box-2.0#"])]
#[case::common(80, &["\nfail            41 d!   51 d!    20  10 x fail         9999999999|4444444444\n    pairing/codec=sbc,"])]
#[case::wide(100, &[" 9999999999|4444444444 pairing/codec=sbc,\n    source=phone-7.1,speaker=box-2.0#"])]
fn lines_keep_to_the_width_of_the_terminal(#[case] width: usize, #[case] said: &[&str]) {
    let lab = regression();
    lab.run("other", 9, &[Planted::new(60, 60).speaker("box-2.1")]);
    let history = lab.history();
    let view = View { colour: false, unicode: false, width: Some(width) };
    let text = summary(&history, view);
    for said in said {
        assert!(text.contains(said), "`{said}` is not said:\n{text}");
    }
    for text in [text, trends(&history, view), firmware(&history, view), matrices(&history, view)] {
        assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
    }
}

#[test]
fn what_was_simulated_is_never_among_what_was_real() {
    let lab = regression();
    lab.run_in("sim", 1, &[Planted::new(60, 60)], &json!({"world": "simulated"}));
    let text = summary(&lab.history(), View::default());
    let at = text.find("simulated rig: no real device").unwrap();
    assert!(text[..at].contains("10 x fail") && text[at..].contains("1 x pass"), "{text}");
}

#[test]
fn firmware_versions_stand_beside_each_other() {
    let lab = Lab::new();
    for night in 0..4 {
        let (held, speaker) = if night < 2 { (60, "box-1.9") } else { (30, "box-1.10") };
        lab.run(&format!("night-{night}"), 9 - night, &[Planted::new(held, 60).speaker(speaker)]);
    }
    let text = firmware(&lab.history(), View::default());
    assert!(text.contains("pairing: speaker maker/box, codec=sbc, source=maker/phone 7.1"), "{text}");
    assert!(
        text.contains("   1.9          100 % [97, 100] at 95 %, n 120 in 2 runs, 2026-11-21 to 2026-11-22\n"),
        "{text}"
    );
    assert!(text.contains("-> 1.10         50 % [40.7, 59.3] at 95 %, n 120 in 2 runs"), "{text}");
    assert!(text.contains("beside the version before: p < 1e-6"), "{text}");
}

#[test]
fn a_rate_that_changed_within_a_version_says_when() {
    let lab = Lab::new();
    for night in 0..24 {
        let planted = Planted::new(if night < 10 { 60 } else { 40 }, 60);
        let speaker = if night < 20 { "box-1.9" } else { "box-1.10" };
        lab.run(&format!("night-{night:02}"), 29 - night, &[planted.speaker(speaker)]);
    }
    let history = lab.history();
    let [old, new] = &history.firmware[0].versions[..] else { panic!("{:?}", history.firmware) };
    assert_eq!((old.changed.len(), new.changed.len()), (1, 0));
    assert_eq!((&*history.runs[old.changed[0].run].id, &old.changed[0].id), ("night-10", &history.combinations[1].id));
    let text = firmware(&history, View::default());
    assert!(text.contains("2026-11-20; its rate changed on 2026-11-11 (100 % -> 66.7 %)\n"), "{text}");
    assert_eq!(text.matches("its rate changed").count(), 1, "{text}");
}

/// Of the runs before nothing is known: "never" would be wrong.
#[test]
fn what_was_proven_before_the_first_day_is_not_called_unproven() {
    let lab = Lab::new();
    lab.run("old", 9, &[Planted::new(60, 60)]);
    lab.run(
        "new",
        2,
        &[Planted::new(10, 60), Planted::new(60, 60).codec("aac"), Planted::new(60, 60).speaker("box-2.1")],
    );
    let filter = Filter { since_unix_s: Some(TODAY - 5 * DAY), ..Filter::default() };
    let history = lab.history_of(&filter);
    let text = summary(&history, View::default());
    assert!(!text.contains("never"), "{text}");
    for said in ["   2 d  not since     1  1 x fail ", "\nnot since 2026-11-25: an earlier run may have proven it\n"] {
        assert!(text.contains(said), "`{said}` is not said:\n{text}");
    }
    let text = matrices(&history, View::default());
    assert!(text.contains("maker/box 2.1, codec=aac: not tried since 2026-11-25, in no plan\n"), "{text}");
    assert!(!summary(&lab.history(), View::default()).contains("not since"));
}

/// Ten of ten leave 5 % below 0.05^(1/10), and 2.5 % below 0.025^(1/10): with the confidence that the expectation is judged with.
#[rstest]
#[case::as_it_is_judged(Some(0.9), "100 % [74.1, 100] at 90 %, n 10 in 1 run")]
#[case::where_nobody_tells(None, "100 % [69.2, 100] at 95 %, n 10 in 1 run")]
fn several_runs_are_as_sure_as_each_of_them(#[case] confidence: Option<f64>, #[case] said: &str) {
    let lab = Lab::new();
    for speaker in ["box-1.9", "box-1.10"] {
        lab.run(speaker, 1, &[Planted::new(10, 10).speaker(speaker).sure(confidence)]);
    }
    let text = firmware(&lab.history(), View::default());
    assert_eq!(text.matches(said).count(), 2, "{text}");
}

#[test]
fn names_cannot_make_a_terminal_do_anything() {
    let lab = Lab::new();
    lab.run("a", 1, &[Planted::new(60, 60).codec("\u{1b}[2Jx").expected("e\u{1b}]0;owned\u{7}")]);
    let history = lab.history();
    for text in [summary(&history, View::default()), trends(&history, View::default())] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    }
}
