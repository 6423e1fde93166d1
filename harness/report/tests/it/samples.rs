//! The samples under `reports/samples/` show what a run leaves behind. `RIGTONE_BLESS=1` writes them anew.

use std::{collections::BTreeMap, env, fs};

use rigtone_judge::verdicts::{Replay, RunPlan};
use rigtone_model::rig_kind::RigKind;
use rigtone_report::{exit::InconclusivePolicy, json, junit, markdown, observations, trace};
use rstest::rstest;

use crate::{
    log::log,
    sample::{REPORTS, plan, verdicts},
};

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

fn junit() -> String {
    let mut xml = Vec::new();
    let options = junit::Options { started_unix_s: 1_795_392_000, ..junit::Options::default() };
    junit::write(&verdicts(), &plan(), &options, &mut xml).unwrap();
    String::from_utf8(xml).unwrap()
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn markdown() -> String {
    let options = markdown::Options { kind: RigKind::Hardware, ..markdown::Options::default() };
    text(|file| markdown::write(&verdicts(), &plan(), &options, file))
}

fn results() -> String {
    let paths = BTreeMap::from([("junit".to_owned(), "runs/1/junit.xml".to_owned())]);
    pretty(&json::results(&verdicts(), &plan(), InconclusivePolicy::AsError, &paths, &[], None))
}

#[rstest]
#[case("verdicts.json", pretty(&verdicts()))]
#[case("junit.xml", junit())]
#[case("results.json", results())]
#[case("report.md", markdown())]
#[case("observations.csv", text(|file| observations::write("2026-11-23-lab-3-0001", &plan(), log(), file)))]
#[case("trace.json", text(|file| trace::write("2026-11-23-lab-3-0001", &plan(), &[], log(), file)))]
fn the_samples_are_what_this_version_writes(#[case] name: &str, #[case] text: String) {
    let path = format!("{REPORTS}/samples/{name}");
    if env::var_os("RIGTONE_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let sample = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        sample == text,
        "reports/samples/{name} is not what is written now: look at it, then run the test with RIGTONE_BLESS=1"
    );
}

/// What no run writes proves nothing about how it is shown: words, units and fractions are those of the judge.
#[test]
fn the_sample_is_in_the_form_that_the_judge_writes() {
    let plan = RunPlan::new(plan()).unwrap();
    let mut replay = Replay::new(&plan.plan, &plan.rules);
    log().into_iter().for_each(|event| replay.take(event));
    let judged = replay.verdicts("2026-11-23-lab-3-0001").combinations;
    for combination in verdicts().combinations {
        let of_scenario = judged.iter().filter(|judged| judged.scenario == combination.scenario);
        let by_judge: Vec<_> = of_scenario.flat_map(|judged| &judged.expectations).collect();
        for sample in &combination.expectations {
            let judged = by_judge.iter().find(|judged| judged.index == sample.index).expect("the judge knows it");
            assert_eq!((&sample.expected, &sample.unit), (&judged.expected, &judged.unit));
            let share = f64::from(sample.held) / f64::from(sample.n);
            assert!(sample.unit == "ms" || sample.estimate == Some(share), "{sample:?}");
        }
    }
}

#[test]
fn verdicts_read_back_as_they_were_written() {
    let read: rigtone_model::verdict::RunVerdicts = serde_json::from_str(&pretty(&verdicts())).unwrap();
    assert_eq!(read, verdicts());
}

#[test]
fn the_results_carry_the_exit_code_and_a_count_of_every_verdict() {
    let results: serde_json::Value = serde_json::from_str(&results()).unwrap();
    assert_eq!(results["schema"], json::SCHEMA);
    assert_eq!(results["exit_code"], 10);
    assert_eq!(
        results["counts"],
        serde_json::json!({"pass": 1, "fail": 1, "inconclusive": 1, "infra-error": 1, "skipped": 1, "aborted": 0})
    );
    assert_eq!(results["combinations"][0]["axes"]["speaker"]["unit"]["firmware"], "1.1.0");
    assert_eq!(results["combinations"][0]["verdict"], "pass");
    assert_eq!(results["combinations"][2]["verdict"]["skipped"], "`wired-a` has no microphone near it");
}
