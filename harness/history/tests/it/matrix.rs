//! The matrix: the newest evidence of every point, and what is missing.

use rigtone_history::{
    Cell, Head, History, Matrix, State, Word,
    page::{Links, html},
    text,
};
use rigtone_html::Look;
use rigtone_model::verdict::Verdict;
use rstest::rstest;

use crate::sample::{DAY, Lab, Planted};

fn cell<'a>(history: &'a History, speaker: &str, codec: &str) -> &'a Cell {
    let matrix: &Matrix = &history.matrices[0];
    let column = matrix.columns.iter().position(|head| head.firmware.as_deref() == Some(speaker)).unwrap();
    let others = format!("codec={codec}");
    matrix.cells.iter().find(|cell| cell.column == column && cell.others == others).unwrap()
}

fn lab() -> Lab {
    let lab = Lab::new();
    lab.run("old", 40, &[Planted::new(60, 60).speaker("box-2.0"), Planted::new(60, 60).speaker("box-2.1")]);
    lab.run("mid", 12, &[Planted::new(60, 60).speaker("box-2.1")]);
    lab.run(
        "new",
        2,
        &[
            Planted::new(30, 60).speaker("box-2.2"),
            Planted::new(60, 60).speaker("box-2.2").codec("aac"),
            Planted::new(0, 0).speaker("box-2.1").codec("aac"),
        ],
    );
    lab
}

#[test]
fn every_point_of_all_axes_has_a_cell() {
    let history = lab().history();
    let [matrix] = &history.matrices[..] else { panic!("{:?}", history.matrices) };
    assert_eq!((matrix.row_axis.as_deref(), matrix.column_axis.as_deref()), (Some("source"), Some("speaker")));
    assert_eq!((matrix.rows.len(), matrix.columns.len(), matrix.cells.len()), (1, 3, 6));
    assert_eq!(matrix.title.as_deref(), Some("The pairing of devices"));
}

#[test]
fn cells_tell_their_newest_evidence_and_how_old_it_is() {
    let history = lab().history();
    let fresh = cell(&history, "2.1", "sbc");
    assert_eq!(fresh.state, State::Fresh);
    let last = fresh.last.as_ref().unwrap();
    assert_eq!((last.verdict, last.when.age_s, &*history.runs[last.when.run].id), (Word::Pass, 12 * DAY, "mid"));
    assert_eq!(fresh.figure.as_deref(), Some("100 % [90, 100], n 60"));
    assert_eq!(fresh.proven, None);
}

#[test]
fn stale_evidence_is_marked_and_says_where_it_was_proven_last() {
    let history = lab().history();
    let stale = cell(&history, "2.0", "sbc");
    assert_eq!(stale.state, State::Stale);
    assert_eq!(stale.proven.as_deref(), Some("12 days ago on speaker firmware 2.1"));
}

#[test]
fn a_failure_says_with_which_firmware_it_was_proven_last() {
    let history = lab().history();
    let failed = cell(&history, "2.2", "sbc");
    assert_eq!(failed.last.as_ref().unwrap().verdict, Word::Fail);
    assert_eq!(failed.proven.as_deref(), Some("12 days ago on speaker firmware 2.1"));
}

#[test]
fn what_was_never_tried_is_named() {
    let history = lab().history();
    assert_eq!(cell(&history, "2.0", "aac").state, State::NeverPlanned);
    let skipped = cell(&history, "2.1", "aac");
    assert_eq!(skipped.state, State::Unanswered);
    let tried = skipped.tried.as_ref().unwrap();
    assert_eq!((tried.verdict, tried.reason.as_deref()), (Word::Skipped, Some("nothing hears it")));
    assert_eq!(skipped.proven.as_deref(), Some("2 days ago on speaker firmware 2.2"));
}

#[test]
fn evidence_exactly_as_old_as_allowed_is_fresh() {
    let lab = Lab::new();
    lab.run("a", 30, &[Planted::new(60, 60)]);
    assert_eq!(lab.history().matrices[0].cells[0].state, State::Fresh);
    lab.run("a", 31, &[Planted::new(60, 60)]);
    assert_eq!(lab.history().matrices[0].cells[0].state, State::Stale);
}

#[test]
fn of_two_units_with_one_firmware_the_newest_answer_counts_and_in_one_run_the_worse() {
    let lab = Lab::new();
    let (good, bad) = (Planted::new(60, 60), Planted::new(10, 60).source("phone-7.1@2"));
    lab.run("a", 3, &[good.clone(), bad.clone()]);
    let verdict = |history: &History| {
        let [cell] = &history.matrices[0].cells[..] else { panic!("{:?}", history.matrices) };
        cell.last.as_ref().unwrap().verdict
    };
    assert_eq!(verdict(&lab.history()), Word::Fail);
    lab.run("b", 2, &[good]);
    assert_eq!(verdict(&lab.history()), Word::Pass);
    lab.run("c", 1, &[bad]);
    assert_eq!(verdict(&lab.history()), Word::Fail);
}

/// Four units of a phone and two of a box: eight answers in one cell, and one of them is shown.
#[test]
fn a_point_of_several_units_counts_them_and_names_the_one_that_is_shown() {
    let lab = Lab::new();
    let planted = |phone: &str, speaker: &str, held| Planted::new(held, 60).source(phone).speaker(speaker);
    let mut all = Vec::new();
    for phone in ["phone-7.1", "phone-7.1@2", "phone-7.1@3", "phone-7.1@4"] {
        let held = if phone == "phone-7.1@4" { 60 } else { 10 };
        all.extend([planted(phone, "box-2.0", held), planted(phone, "box-2.0@2", held)]);
    }
    lab.run("a", 2, &all);
    let history = lab.history();
    let [cell] = &history.matrices[0].cells[..] else { panic!("{:?}", history.matrices) };
    let told: Vec<_> = cell.answers.iter().map(|tally| (tally.verdict, tally.combinations)).collect();
    assert_eq!((cell.combinations, told), (8, vec![(Word::Fail, 6), (Word::Pass, 2)]));
    let shown = history.combinations.iter().find(|line| Some(&line.id) == cell.id.as_ref()).unwrap();
    let units = format!("source {}, speaker {}", shown.axes["source"].name, shown.axes["speaker"].name);
    assert_eq!(cell.units.as_ref(), Some(&units));
    // It did not pass itself.
    let proven = cell.proven.as_deref().unwrap();
    assert!(proven.starts_with("2 days ago on source phone-7.1@4"), "{proven}");
    let text = text::matrices(&history, text::View::default());
    let said = format!("60 ({units}); of 8: 6 fail, 2 pass; last proven {proven}\n");
    assert!(text.contains(&said), "`{said}` is not said:\n{text}");
    let page = html(&history, &Links::default(), &Look::default());
    assert!(page.contains("<span class=\"also\">of 8: 6 fail, 2 pass</span>") && page.contains(&units), "{page}");
}

#[test]
fn a_point_of_one_unit_says_nothing_of_several() {
    let history = lab().history();
    let failed = cell(&history, "2.2", "sbc");
    assert_eq!((failed.combinations, &failed.units), (1, &None));
    assert!(!text::matrices(&history, text::View::default()).contains("; of "));
}

#[rstest]
#[case::a_time_that_never_came("ms", "never, held in 0 of 30")]
#[case::of_parts("", "held in 0 of 30")]
fn what_has_no_estimate_says_what_there_is(#[case] unit: &str, #[case] figure: &str) {
    let lab = Lab::new();
    lab.run("a", 2, &[Planted::new(0, 30).measured(unit, None)]);
    assert_eq!(lab.history().matrices[0].cells[0].figure.as_deref(), Some(figure));
}

/// The same night proved the next firmware too: the point's own pass is nearer.
#[rstest]
#[case::another_firmware_beside_it("box-2.1")]
#[case::another_firmware_before_it("box-1.9")]
fn of_passes_of_one_night_that_of_the_same_firmware_is_told(#[case] other: &str) {
    let lab = Lab::new();
    lab.run("old", 40, &[Planted::new(60, 60), Planted::new(60, 60).speaker(other)]);
    lab.run("new", 2, &[Planted::new(10, 60)]);
    assert_eq!(cell(&lab.history(), "2.0", "sbc").proven.as_deref(), Some("40 days ago"));
}

#[test]
fn rows_columns_and_variants_stand_in_the_order_of_their_numbers() {
    let lab = Lab::new();
    let planted =
        |source: &str, speaker: &str, codec: &str| Planted::new(60, 60).source(source).speaker(speaker).codec(codec);
    lab.run("a", 1, &[planted("phone-7.10", "box-1.10", "aac-256"), planted("phone-7.9", "box-1.9", "aac-96")]);
    let history = lab.history();
    let matrix = &history.matrices[0];
    let versions = |heads: &[Head]| -> Vec<String> { heads.iter().filter_map(|head| head.firmware.clone()).collect() };
    assert_eq!(
        (versions(&matrix.rows), versions(&matrix.columns)),
        (vec!["7.9".into(), "7.10".into()], vec!["1.9".into(), "1.10".into()])
    );
    let variants: Vec<&str> = matrix.cells[..2].iter().map(|cell| &*cell.others).collect();
    assert_eq!(variants, ["codec=aac-96", "codec=aac-256"]);
}

#[test]
fn a_lost_night_does_not_hide_the_answer_before_it() {
    let lab = Lab::new();
    lab.run("a", 3, &[Planted::new(60, 60)]);
    lab.run("b", 1, &[Planted::new(0, 0).verdict(Verdict::InfraError)]);
    let history = lab.history();
    let cell = &history.matrices[0].cells[0];
    assert_eq!(cell.last.as_ref().unwrap().verdict, Word::Pass);
    assert_eq!(cell.tried.as_ref().unwrap().verdict, Word::InfraError);
}

#[test]
fn the_terminal_names_the_same() {
    let text = text::matrices(&lab().history(), text::View::default());
    for said in [
        "hardware: real devices",
        "source maker/phone 7.1",
        "maker/box 2.1, codec=sbc: 100 % [90, 100], n 60",
        "40 d!  maker/box 2.0, codec=sbc",
        "maker/box 2.0, codec=aac: never tried, in no plan",
        "last try: skipped, 2 d (nothing hears it)",
        "last proven 12 days ago on speaker firmware 2.1",
        "6 points: 3 fresh, 1 stale, 2 without an answer",
    ] {
        assert!(text.contains(said), "`{said}` is not said:\n{text}");
    }
}
