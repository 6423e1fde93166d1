//! The starter library finds what was planted in the simulated rig.

use std::collections::BTreeSet;

use rigtone_judge::verdicts::causes;
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

/// The units that were spoiled are named, each in the scenario that shows it, and nobody else is.
#[test]
fn failures_follow_what_was_planted() {
    let planned = plan(&["scenarios/starter"], |_| {});
    let done = run_from(&planned, 1);
    let causes = causes(&planned.run.plan, &done.verdicts);
    for (scenario, cause) in [
        ("pairing-cold-start", "speaker charge-5-fw106"),
        ("playback-heard", "speaker soundlink-flex-fw304"),
        ("playback-heard", "speaker srs-xb33-fw210"),
        ("codec-per-firmware", "speaker soundlink-flex-fw304"),
        ("codec-per-firmware", "speaker srs-xb33-fw210"),
        // It claims a codec that it does not offer.
        ("codec-per-firmware", "codec aac"),
    ] {
        let found = causes.iter().any(|c| c.starts_with(&format!("failures of `{scenario}`")) && c.contains(cause));
        assert!(found, "{scenario}: {cause} is not in {causes:#?}");
    }
    assert!(causes.iter().all(|c| !c.contains("source ") && !c.contains("fw110")), "{causes:#?}");
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
