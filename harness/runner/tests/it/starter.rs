//! The starter library finds what was planted in the simulated rig.

use std::collections::BTreeSet;

use rigtone_model::plan::Selector;
use rstest::rstest;

use crate::bench::{plan, repository, run_from};

/// The verdict that was planted for a combination: the first pattern that matches.
fn planted(id: &str) -> String {
    let text = std::fs::read_to_string(repository().join("rigs/simulated.planted")).expect("the planted truths");
    let matches = |pattern: &str| {
        let mut rest = id;
        let mut parts = pattern.split('*').peekable();
        let first = parts.next().unwrap_or_default();
        let Some(after) = rest.strip_prefix(first) else { return false };
        rest = after;
        parts.all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
    };
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(char::is_whitespace))
        .find(|(pattern, _)| matches(pattern))
        .map(|(_, verdict)| verdict.trim().to_owned())
        .unwrap_or_else(|| panic!("nothing was planted for {id}"))
}

#[rstest]
fn every_planted_verdict_comes_out(#[values(1, 2)] seed: u64) {
    let done = run_from(&plan(&["scenarios/starter"], |_| {}), seed);
    let mut seen = BTreeSet::new();
    for combination in &done.verdicts.combinations {
        let word = combination.verdict.word();
        assert_eq!(word, planted(combination.id.as_str()), "seed {seed}: {combination:#?}");
        seen.insert(word);
    }
    let all = BTreeSet::from(["pass", "fail", "inconclusive", "infra-error", "skipped"]);
    assert_eq!(seen, all, "seed {seed}");
}

#[test]
fn a_selector_chooses_by_axis() {
    let planned = plan(&["scenarios/starter"], |_| {});
    let selector: Selector = "speaker=charge-5-*".parse().expect("a selector");
    let chosen = planned.run.plan.combinations.iter().filter(|c| {
        let scenario = planned.run.plan.scenario(&c.scenario).expect("its scenario");
        selector.matches(c, scenario)
    });
    // Two firmware versions x two sources, once for each of two scenarios and twice for the one with two codecs.
    assert_eq!(chosen.count(), 2 * 2 * (1 + 1 + 2));
}
