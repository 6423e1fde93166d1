//! Suites, and combinations for which there is no device.

use std::path::Path;

use rigtone_model::{
    document::{Absent, Placeholder, Scenario, Suite},
    load::load,
    plan::{Combination, Expansion, PlannedScenario, Selector, expand, placeholders},
    quantity::Duration,
};
use rstest::rstest;

use crate::{DEVICE, RIG, SCENARIO, findings, load_one, meaning::one_fault, source};

const SUITE: &str = "\
suite: lab
title: What a lab runs
scenarios:
  - path: scenarios/one.yaml
    select: [speaker=charge*]
placeholders:
  - scenario: one
    axes:
      speaker: {devices: [jbl/charge-5], firmware: [\"1.1.0\"]}
    reason: nobody has one
";

#[test]
fn a_suite_that_names_what_is_there_is_right() {
    let files = [("suites/lab.yaml", SUITE), ("one.yaml", SCENARIO), ("jbl/charge-5.yaml", DEVICE)];
    assert_eq!(findings(&files), []);
    // Alone nobody knows what it speaks of.
    assert_eq!(findings(&files[..1]), []);
}

#[rstest]
#[case(
    "speaker=charge*",
    "speakre=charge*",
    "dangling-reference 5:14-29 scenarios[0].select[0]",
    "no selector key `speakre`",
    "`speaker`"
)]
#[case(
    "scenario: one",
    "scenario: two",
    "dangling-reference 7:15-18 placeholders[0].scenario",
    "no scenario `two`",
    "`one`"
)]
#[case(
    "speaker: {",
    "spaeker: {",
    "dangling-reference 9:7-14 placeholders[0].axes.spaeker",
    "no axis `spaeker`",
    "`speaker`"
)]
#[case(
    "jbl/charge-5]",
    "jbl/charge-4]",
    "dangling-reference 9:27-39 placeholders[0].axes.speaker.devices[0]",
    "no device",
    "jbl/charge-5"
)]
#[case(
    "\"1.1.0\"",
    "\"1.1.1\"",
    "dangling-reference 9:53-60 placeholders[0].axes.speaker.firmware[0]",
    "no firmware of `jbl/charge-5`",
    "1.1.0"
)]
#[case("suite: lab", "suite: lob", "path-differs 1:8-11 suite", "does not agree", "lob.yaml")]
fn what_a_suite_names_has_to_be_there(
    #[case] line: &str,
    #[case] by: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    let suite = SUITE.replacen(line, by, 1);
    let files = [("suites/lab.yaml", &*suite), ("one.yaml", SCENARIO), ("jbl/charge-5.yaml", DEVICE)];
    one_fault(&files, at, message, suggestion);
}

/// The same path with another selection is another choice; the same choice twice is none.
#[test]
fn a_choice_is_made_once() {
    let twice = |second: &str| {
        SUITE.replacen("placeholders:", &format!("  - path: scenarios/one.yaml\n{second}placeholders:"), 1)
    };
    assert_eq!(findings(&[("suites/lab.yaml", &twice(""))]), []);
    let same = twice("    select: [speaker=charge*]\n");
    one_fault(&[("suites/lab.yaml", &same)], "repeated-value 6:11-29 scenarios[1].path", "named twice", "delete");
}

#[rstest]
#[case("suites/smoke.yaml", "scenarios/starter")]
#[case("/lab/suites/smoke.yaml", "/lab/scenarios/starter")]
#[case("../suites/smoke.yaml", "../scenarios/starter")]
#[case("/lab/smoke.yaml", "/lab/scenarios/starter")]
#[case("smoke.yaml", "scenarios/starter")]
fn paths_are_from_the_folder_in_which_suites_lies(#[case] file: &str, #[case] due: &str) {
    let loaded = load_one("lab.yaml", SUITE.replace("scenarios/one.yaml", "scenarios/starter"));
    let suite: &Suite = &loaded.library.suites["lab"].value;
    assert_eq!(suite.paths(Path::new(file)), [Path::new(due)]);
}

/// The scenario with what the rig has of it.
fn planned(scenario: &str) -> (Scenario, Vec<Combination>) {
    let source_device = DEVICE.replace("jbl/charge-5", "acme/source").replace("a2dp-sink", "a2dp-source");
    let unit = "  source:\n    device: acme/source\n    firmware: 1.0.6\n    address: \"00:00:00:00:00:03\"\n    control: command\n";
    let loaded = load(vec![
        source("one.yaml", scenario),
        source("lab.yaml", format!("{RIG}{unit}")),
        source("jbl/charge-5.yaml", DEVICE),
        source("acme/source.yaml", source_device),
    ]);
    assert_eq!(loaded.diagnostics, []);
    let devices = loaded.library.devices.iter().map(|(id, entry)| (id.clone(), entry.value.clone())).collect();
    let length = |_: &str| Some(Duration::from_s(4));
    let from = Expansion { rig: &loaded.library.rigs["lab"].value, devices: &devices, signal_length: &length };
    let document = loaded.library.scenarios["one"].value.clone();
    let all = expand(&PlannedScenario { document: document.clone(), hash: String::new() }, &from).expect("a plan");
    (document, all)
}

fn absent(devices: &[&str], firmware: &[&str]) -> Absent {
    let owned = |all: &[&str]| all.iter().map(|&text| text.to_owned()).collect();
    Absent { devices: owned(devices), firmware: owned(firmware) }
}

fn placeholder(axes: &[(&str, Absent)]) -> Placeholder {
    let axes = axes.iter().map(|(name, absent)| ((*name).to_owned(), absent.clone())).collect();
    Placeholder { scenario: "one".into(), axes, reason: "nobody has one".into() }
}

/// In the rig stands a unit at 1.0.6.
#[rstest]
#[case::another_version(&[("speaker", absent(&["jbl/charge-5"], &["1.1.0"]))], &["speaker=charge-5-1.1.0"])]
#[case::that_of_the_rig(&[("speaker", absent(&["jbl/charge-5"], &["1.0.6"]))], &[])]
#[case::any_version_of_a_device_of_the_rig(&[("speaker", absent(&["jbl/charge-5"], &[]))], &[])]
#[case::another_device(&[("speaker", absent(&["a/b"], &[]))], &["speaker=b"])]
#[case::some_are_there(&[("speaker", absent(&["jbl/charge-5"], &["1.0.6", "1.1.0"]))], &["speaker=charge-5-1.1.0"])]
#[case::each_with_each(
    &[("speaker", absent(&["a/b", "a/c"], &[])), ("source", absent(&["acme/source"], &["1.0.6", "9"]))],
    &["source=source-1.0.6,speaker=b", "source=source-1.0.6,speaker=c", "source=source-9,speaker=b", "source=source-9,speaker=c"]
)]
fn a_placeholder_stands_for_what_the_rig_lacks(#[case] axes: &[(&str, Absent)], #[case] due: &[&str]) {
    let (scenario, all) = planned(SCENARIO);
    let found = placeholders(&placeholder(axes), &scenario, &all);
    let ids: Vec<&str> =
        found.iter().map(|c| c.id.as_str().strip_prefix("one/").unwrap().rsplit_once('#').unwrap().0).collect();
    assert_eq!(ids, due);
    assert!(found.iter().all(|c| c.skipped.as_deref() == Some("placeholder: nobody has one")));
    // Selectors find it by what would stand there.
    let any: Selector = "device=*".parse().unwrap();
    assert!(found.iter().all(|c| any.matches(c, &scenario)));
}

#[test]
fn a_placeholder_stands_under_each_condition() {
    let text = SCENARIO.replace("trial:", "conditions: {cold: {}, warm: {}}\ntrial:");
    let (scenario, all) = planned(&text);
    let found = placeholders(&placeholder(&[("speaker", absent(&["a/b"], &[]))]), &scenario, &all);
    assert_eq!(found.iter().map(|c| c.condition.as_deref().unwrap()).collect::<Vec<_>>(), ["cold", "warm"]);
    assert_eq!(found[0].group, found[1].group);
    assert_ne!(found[0].id, found[1].id);
}

#[rstest]
#[case("A2DP/SRC/SET/BV-01-I", true)]
#[case("AVDTP/SRC/INT/SIG/SMG/BV-09-C", true)]
#[case("GAP/DISC/GENM", true)]
#[case("A2DP", false)]
#[case("a2dp/src/set/bv-01-i", false)]
#[case("A2DP/SRC/SET/BV-1-I", false)]
#[case("A2DP SRC SET BV-01-I", false)]
fn a_test_case_of_the_sig_has_its_form(#[case] id: &str, #[case] right: bool) {
    let text = SCENARIO.replace("matrix:", &format!("exercises: [\"{id}\"]\nmatrix:"));
    assert_eq!(load_one("one.yaml", text).diagnostics.is_empty(), right);
}
