//! `rigtone plan`

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::Value;

use crate::user::Home;

fn combinations(plan: &Value) -> Vec<Value> {
    plan["plan"]["combinations"].as_array().unwrap().clone()
}

/// The ids of a plan, which are unique.
fn ids(home: &Home, arguments: &[&str]) -> BTreeSet<String> {
    let done = home.rigtone(&[&["plan", "--json"], arguments].concat());
    let combinations = combinations(&done.json());
    let ids: BTreeSet<String> = combinations.iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), combinations.len(), "an id stands twice: {ids:#?}");
    ids
}

#[test]
fn the_starter_plan_lists_every_combination_and_why_some_are_skipped() {
    let home = Home::new();
    // 2 sources and 6 speakers; with 2 codecs in one of the three scenarios.
    let all = ids(&home, &[]);
    assert_eq!(all.len(), 12 + 12 + 24);
    let done = home.rigtone(&["plan"]).with_code(0);
    for id in &all {
        assert!(done.out.contains(id.as_str()), "{id}");
    }
    // One source does not claim AAC, and two speakers with the other source.
    done.says(&[
        "40 combinations to run, 8 to skip",
        "charge-5-fw106: firmware 1.0.6 does not claim the codec aac",
        "middling devices",
        "lab time",
    ]);
}

#[test]
fn a_plan_as_json_says_what_it_costs_and_what_it_needs() {
    let plan = Home::new().rigtone(&["plan", "--json"]).with_code(0).json();
    assert_eq!((&plan["forecast"]["combinations"], &plan["forecast"]["skipped"]), (&40.into(), &8.into()));
    let of = |standing: &str, what: &str| plan["forecast"][standing][what].as_f64().unwrap();
    for what in ["trials", "critical_s", "serial_s"] {
        let [good, middling, bad, most] = ["good", "middling", "bad", "at_most"].map(|standing| of(standing, what));
        assert!(0.0 < good && good < middling && bad < middling && middling < most, "{what}: {}", plan["forecast"]);
    }
    assert!(of("good", "critical_s") < of("good", "serial_s"), "two sources work beside each other");
    let heard = combinations(&plan).into_iter().find(|c| c["scenario"] == "playback-heard").unwrap();
    assert!(heard["resources"].as_array().unwrap().contains(&"microphone bench-1".into()), "{heard}");
}

#[rstest]
#[case::axis(&["speaker=charge-5*"], 16)]
#[case::both_must_match(&["speaker=charge-5*", "source=echo-dot-5"], 8)]
#[case::scenario(&["scenario=pairing-cold-start"], 12)]
#[case::firmware(&["firmware=1.0.6"], 8)]
#[case::device(&["device=sony/*"], 16)]
#[case::claim(&["claim=latency-sbc"], 12)]
#[case::id(&["id=codec-per-firmware/codec=aac,*"], 12)]
fn selectors_choose(#[case] selectors: &[&str], #[case] n: usize) {
    let arguments: Vec<&str> = selectors.iter().flat_map(|s| ["--select", s]).collect();
    let home = Home::new();
    let heard = "scenarios/starter/playback-heard.yaml";
    home.write(heard, &home.changed(heard, "tags: [starter]", "covers: [claim/latency-sbc]\ntags: [starter]"));
    assert_eq!(ids(&home, &arguments).len(), n);
}

#[test]
fn parts_are_disjoint_and_together_whole() {
    let home = Home::new();
    let parts: Vec<_> = (1..=3).map(|i| ids(&home, &["--partition", &format!("hash:{i}/3")])).collect();
    let together: BTreeSet<String> = parts.iter().flatten().cloned().collect();
    assert_eq!(parts.iter().map(BTreeSet::len).sum::<usize>(), together.len(), "{parts:#?}");
    assert_eq!(together, ids(&home, &[]));
    assert!(parts.iter().all(|part| !part.is_empty()));
}

#[rstest]
#[case::selector(&["--select", "speaker"], "write KEY=PATTERN")]
#[case::partition(&["--partition", "hash:4/3"], "write hash:I/N")]
#[case::rig_without_a_rig(&["--rig", "devices/jbl/charge-5.yaml"], "holds no rig")]
#[case::two_rigs(&["--rig", "rigs"], "more than one rig")]
#[case::no_scenario(&["rigs/simulated.yaml"], "no scenario was given")]
fn what_cannot_be_planned_is_explained(#[case] arguments: &[&str], #[case] said: &str) {
    Home::new().rigtone(&[&["plan"], arguments].concat()).with_code(2).says(&[said]);
}

#[test]
fn a_matrix_that_no_known_device_fits_is_an_invalid_document() {
    let home = Home::new();
    // A speaker is no source.
    let nobody = home
        .changed(
            "scenarios/starter/pairing-cold-start.yaml",
            "tags: [speaker]",
            "role: a2dp-source, devices: [jbl/charge-5]",
        )
        .replace("pairing-cold-start", "nobody");
    home.write("nobody.yaml", &nobody);
    home.rigtone(&["plan", "nobody.yaml"]).with_code(2).says(&["no known device fits the axis `speaker`"]);
}

#[test]
fn a_plan_that_is_skipped_as_a_whole_is_shown_and_has_nothing_to_do() {
    let done = Home::new().rigtone(&["plan", "--select", "codec=aac", "--select", "source=echo-studio-2"]);
    done.with_code(3).says(&["0 combinations to run, 6 to skip", "firmware 2023.12 does not claim the codec aac"]);
}

#[test]
fn one_combination_and_one_trial_are_no_more_than_one() {
    let home = Home::new();
    let once = home
        .changed(
            "scenarios/starter/pairing-cold-start.yaml",
            "{at-least: 10, at-most: 120}",
            "{at-least: 1, at-most: 1}",
        )
        .replace("pairing-cold-start", "once")
        .replace("at-least: 90 %, good: 98 %, confidence: 95 %", "at-least: 10 %, good: 98 %, confidence: 80 %");
    home.write("once.yaml", &once);
    let one = ["--select", "speaker=charge-5-fw106", "--select", "source=echo-dot-5"];
    home.rigtone(&[&["plan", "once.yaml"], &one[..]].concat())
        .with_code(0)
        .says(&["once: 1 trial each\n", "\n1 combination to run, 0 to skip\n"]);
}

#[test]
fn an_id_stays_when_a_device_a_unit_and_a_scenario_are_added() {
    let home = Home::new();
    let before = ids(&home, &[]);
    let device = home.changed("devices/jbl/charge-5.yaml", "jbl/charge-5", "acme/boom").replace("JBL Charge 5", "Boom");
    home.write("devices/acme/boom.yaml", &device);
    let unit = "units:\n  boom:\n    device: acme/boom\n    firmware: \"1.1.0\"\n    address: \"5E:00:00:00:00:77\"\n    \
                power: {relay: board-1, channel: 8}\n    heard-by: {bench-1: {distance: 0.3 m}}\n";
    home.write("rigs/simulated.yaml", &home.changed("rigs/simulated.yaml", "units:\n", unit));
    let scenario = home.changed("scenarios/starter/pairing-cold-start.yaml", "pairing-cold-start", "another");
    home.write("scenarios/starter/another.yaml", &scenario);
    let after = ids(&home, &[]);
    // The new unit with two sources in 1 + 1 + 2 rows, and the new scenario with seven speakers.
    assert_eq!(after.len(), before.len() + 8 + 14);
    assert!(after.is_superset(&before), "{:#?}", before.difference(&after));
}
