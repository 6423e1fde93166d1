//! Failures follow what was planted, and nothing where nothing was.

use std::collections::BTreeMap;

use rigtone_judge::{
    Confidence,
    attribution::{Cause, Cell, attribute},
    verdicts::causes,
};
use rigtone_model::verdict::{CombinationVerdict, RunVerdicts, Verdict};
use serde_json::json;

use crate::difference::plan;

fn confidence() -> Confidence {
    Confidence::new(0.95).expect("a confidence")
}

/// Two sources and four speakers, two of each firmware; each combination tried twenty times.
fn cells(failed: impl Fn(&str, &str) -> u64) -> Vec<Cell> {
    let speakers = [("a", "1.0", "bench-1"), ("b", "1.0", "bench-2"), ("c", "2.0", "bench-1"), ("d", "2.0", "bench-2")];
    let mut cells = Vec::new();
    for source in ["echo", "studio"] {
        for (speaker, firmware, microphone) in speakers {
            let level = |factor: &str, level: &str| (factor.to_owned(), level.to_owned());
            cells.push(Cell {
                levels: [
                    level("source", source),
                    level("speaker", speaker),
                    level("speaker firmware", firmware),
                    level("microphone", microphone),
                    level("dongle", "usb-1"),
                ]
                .into(),
                failed: failed(source, speaker),
                trials: 20,
            });
        }
    }
    cells
}

fn named(causes: &[Cause]) -> Vec<Vec<String>> {
    causes
        .iter()
        .map(|cause| cause.levels.iter().map(|(factor, level)| format!("{factor} {level}")).collect())
        .collect()
}

#[test]
fn failures_of_one_speaker_follow_that_speaker() {
    let causes = attribute(&cells(|_, speaker| if speaker == "b" { 12 } else { 0 }), confidence());
    assert_eq!(named(&causes), [["speaker b"]]);
    assert_eq!((causes[0].with, causes[0].without), ((24, 40), (0, 120)));
    assert!(causes[0].p < 1e-9, "{causes:?}");
}

#[test]
fn failures_of_a_firmware_follow_the_firmware_and_not_one_of_its_units() {
    let causes = attribute(&cells(|_, speaker| if matches!(speaker, "c" | "d") { 9 } else { 0 }), confidence());
    assert_eq!(named(&causes), [["speaker firmware 2.0"]]);
}

#[test]
fn two_causes_are_named_one_after_the_other() {
    let failed = |source: &str, speaker: &str| {
        if source == "studio" {
            15
        } else if speaker == "a" {
            10
        } else {
            0
        }
    };
    let causes = attribute(&cells(failed), confidence());
    assert_eq!(named(&causes), [["source studio"], ["speaker a"]]);
}

#[test]
fn what_cannot_be_told_apart_is_named_together() {
    let mut cells = cells(|_, speaker| if speaker == "a" { 12 } else { 0 });
    for cell in &mut cells {
        let relay = if cell.levels["speaker"] == "a" { "channel 1" } else { "channel 2" };
        cell.levels.insert("relay".into(), relay.into());
    }
    assert_eq!(named(&attribute(&cells, confidence())), [["relay channel 1", "speaker a"]]);
}

#[test]
fn nothing_is_named_where_the_trials_do_not_support_it() {
    // Scattered, everywhere, nowhere, and too few.
    assert_eq!(attribute(&cells(|_, _| 2), confidence()), []);
    assert_eq!(attribute(&cells(|_, _| 20), confidence()), []);
    assert_eq!(attribute(&cells(|_, _| 0), confidence()), []);
    assert_eq!(attribute(&cells(|source, speaker| u64::from(source == "echo" && speaker == "a")), confidence()), []);
    assert_eq!(attribute(&[], confidence()), []);
    let untried = cells(|_, _| 0).into_iter().map(|cell| Cell { trials: 0, ..cell }).collect::<Vec<_>>();
    assert_eq!(attribute(&untried, confidence()), []);
}

/// Each of two codecs with each of four speakers, twenty trials each.
#[test]
fn what_a_line_above_explains_is_set_aside_and_the_line_says_so() {
    let mut plan = plan(&json!({"success-rate": {"of": "pair"}}), 5, 20);
    plan.combinations.clear();
    let mut combinations = Vec::new();
    for (codec, speaker) in ["aac", "sbc"].iter().flat_map(|c| ["a", "b", "c", "d"].map(|s| (*c, s))) {
        let id = format!("s/codec={codec},speaker={speaker}#1");
        let planned = json!({"id": id, "scenario": "s", "axes": [["codec", {"value": codec}], ["speaker", {"value": speaker}]],
            "group": 1, "resources": [], "trial_ns": 1});
        plan.combinations.push(serde_json::from_value(planned).unwrap());
        let held = match (codec, speaker) {
            (_, "a") => 0,
            ("aac", _) => 8,
            _ => 20,
        };
        let expectation = json!({"index": 0, "expected": "", "gating": true, "verdict": Verdict::Pass, "seen": "", "n": 20, "held": held,
            "ambiguous": 0, "estimate": null, "unit": "", "interval": null, "needed": null, "classes": {}});
        combinations.push(CombinationVerdict {
            id: id.as_str().into(),
            scenario: "s".to_owned(),
            verdict: Verdict::Pass,
            trials: 20,
            lost: 0,
            expectations: vec![serde_json::from_value(expectation).unwrap()],
            classes: BTreeMap::new(),
            faults: Vec::new(),
            evidence: Vec::new(),
            took_ns: 0,
            quarantined: None,
        });
    }
    let run =
        RunVerdicts { schema: RunVerdicts::SCHEMA.to_owned(), run: "r".to_owned(), interrupted: None, combinations };
    let lines = causes(&plan, &run);
    let [first, second] = &lines[..] else { panic!("{lines:#?}") };
    let all = "failures of `s` follow speaker a: 40 of 40 trials, 36 of 120 without (adjusted p = ";
    assert!(first.starts_with(all), "{first}");
    let rest = "failures of `s` follow codec aac: 36 of 60 trials, 0 of 60 without, of the trials that no line above explains (adjusted p = ";
    assert!(second.starts_with(rest), "{second}");
}
