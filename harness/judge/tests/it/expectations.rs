//! Extremes, attempts, lost links, and expectations that are judged from several.

use rigtone_judge::verdicts::{Ending, designs};
use rigtone_model::{
    trial::{FailureClass, StepRecord, TrialRecord},
    verdict::Verdict,
};
use rstest::rstest;
use serde_json::json;

use crate::verdicts::{heard, judged, late, played, scenario, step, trial};

/// As many trials with these latencies, in this order.
fn latencies(of: &[(usize, f64)]) -> Vec<TrialRecord> {
    of.iter().flat_map(|&(n, ms)| (0..n).map(move |_| played(vec![heard(true), late(ms, 1.0)]))).collect()
}

/// Twenty-nine of twenty-nine show 90 % with 95 % confidence: ln 0.05 / ln 0.9 is 28.4.
#[rstest]
#[case::one_short(&[(28, 200.0)], Verdict::Inconclusive, 28)]
#[case::enough(&[(29, 200.0)], Verdict::Pass, 29)]
#[case::the_first_beyond_is_final(&[(6, 200.0), (1, 230.0), (30, 200.0)], Verdict::Fail, 37)]
#[case::one_on_the_limit_leaves_it_open(&[(6, 200.0), (1, 220.0), (30, 200.0)], Verdict::Inconclusive, 37)]
fn no_trial_may_lie_beyond_an_extreme(#[case] of: &[(usize, f64)], #[case] wanted: Verdict, #[case] n: u32) {
    let expect = json!({"latency": {"in": "play", "every-trial": true, "percentile": 90, "at-most": "220 ms"}});
    let found = judged(&expect, &latencies(of), &Ending::Complete);
    let expectation = &found.expectations[0];
    assert_eq!((expectation.verdict.clone(), expectation.n), (wanted, n), "{expectation:#?}");
    let largest = of.iter().map(|(_, ms)| *ms).fold(0.0, f64::max);
    assert_eq!(expectation.estimate, Some(largest), "the largest value is shown");
    assert!(expectation.seen.starts_with("largest = "), "{}", expectation.seen);
    assert!(expectation.expected.contains("in every trial, shown for at least 90 % of trials"), "{expectation:?}");
}

#[test]
fn what_would_show_an_extreme_is_said() {
    let expect = json!({"latency": {"in": "play", "every-trial": true, "percentile": 90, "at-most": "220 ms"}});
    let found = judged(&expect, &latencies(&[(20, 200.0)]), &Ending::Complete);
    assert_eq!(found.expectations[0].needed, Some(9));
}

fn paired(attempts: &[bool]) -> TrialRecord {
    let attempts: Vec<_> = attempts.iter().map(|held| (!held).then_some(FailureClass::PairingRefused)).collect();
    let last = attempts.last().copied().flatten();
    trial(vec![StepRecord { attempts, ..step("pair", last) }], Vec::new())
}

/// A device that pairs in the end hides its refusals from a rate of trials, and not from one of attempts.
#[rstest]
#[case::of_trials("trial", 2, 3, "2 of 3 trials")]
#[case::of_attempts("attempt", 2, 7, "2 of 7 attempts")]
fn attempts_count_where_they_are_asked_for(#[case] per: &str, #[case] held: u32, #[case] n: u32, #[case] seen: &str) {
    let expect = json!({"success-rate": {"of": "pair", "per": per, "at-least": "50 %", "good": "90 %"}});
    let trials = [paired(&[false, false, true]), paired(&[true]), paired(&[false, false, false])];
    let found = &judged(&expect, &trials, &Ending::Complete).expectations[0];
    assert_eq!((found.held, found.n), (held, n), "{found:#?}");
    assert!(found.seen.contains(seen), "{}", found.seen);
}

/// A minute of play each.
fn held(link_lost: bool) -> TrialRecord {
    let mut play = step("play", link_lost.then_some(FailureClass::LinkLost));
    play.took_ns = 60_000_000_000;
    trial(vec![step("pair", None), step("connect", None), play], Vec::new())
}

/// ln 20 = 3.0 of evidence is needed; a minute without a loss gives (60 - 20) / 60 = 0.67, a loss takes ln 3 = 1.1.
#[rstest]
#[case::five_clean_minutes(&[false; 5], Verdict::Pass, "0 in 0.083 h")]
#[case::four_clean_minutes(&[false; 4], Verdict::Inconclusive, "0 in 0.067 h")]
#[case::lost_each_time(&[true; 8], Verdict::Fail, "7 in 0.117 h")]
fn lost_links_are_counted_by_the_hour(#[case] lost: &[bool], #[case] wanted: Verdict, #[case] seen: &str) {
    for expect in [
        json!({"count": {"of": "link-losses", "in": "play", "at-most": "60 /h"}}),
        // Of the whole trial: what follows the step that connected.
        json!({"count": {"of": "link-losses", "at-most": "60 /h"}}),
    ] {
        let trials: Vec<TrialRecord> = lost.iter().map(|lost| held(*lost)).collect();
        let found = judged(&expect, &trials, &Ending::Complete);
        assert_eq!(found.verdict, wanted, "{found:#?}");
        assert!(found.expectations[0].seen.starts_with(seen), "{}", found.expectations[0].seen);
    }
}

/// Five trials have to be seen, however much the first of them show; the second loss in one shows the limit of 2 /h beyond doubt.
#[rstest]
#[case::passes(false, "100000 /h", Verdict::Pass)]
#[case::fails(true, "2 /h", Verdict::Fail)]
fn no_count_is_decided_before_the_trials_that_have_to_be_seen(
    #[case] lost: bool,
    #[case] at_most: &str,
    #[case] wanted: Verdict,
) {
    let expect = json!({"count": {"of": "link-losses", "in": "play", "at-most": at_most}});
    for n in 1..=6 {
        let trials: Vec<TrialRecord> = (0..n).map(|_| held(lost)).collect();
        let found = &judged(&expect, &trials, &Ending::Complete).expectations[0];
        let due = if n < 5 { Verdict::Inconclusive } else { wanted.clone() };
        assert_eq!(found.verdict, due, "after {n} trials: {found:#?}");
        assert!(n >= 5 || found.needed.is_none_or(|needed| needed >= 5 - n), "{found:#?}");
    }
}

/// A part that passes, fails or stays open with forty trials in which the pairing held and the sound did not.
fn part(what: char) -> serde_json::Value {
    match what {
        'P' => json!({"success-rate": {"of": "pair", "at-least": "50 %", "good": "90 %"}}),
        'F' => json!({"audio": {"in": "play", "present": true, "at-least": "50 %", "good": "90 %"}}),
        // No forty trials show this.
        _ => json!({"success-rate": {"of": "pair", "at-least": "95 %", "good": "99 %"}}),
    }
}

#[rstest]
#[case::all("all", "PP", Verdict::Pass)]
#[case::all("all", "PF", Verdict::Fail)]
#[case::all("all", "P?", Verdict::Inconclusive)]
#[case::all("all", "F?", Verdict::Fail)]
#[case::any("any", "PF", Verdict::Pass)]
#[case::any("any", "P?", Verdict::Pass)]
#[case::any("any", "FF", Verdict::Fail)]
#[case::any("any", "F?", Verdict::Inconclusive)]
fn several_expectations_are_judged_as_one(#[case] kind: &str, #[case] parts: &str, #[case] wanted: Verdict) {
    let expect = json!({kind: parts.chars().map(part).collect::<Vec<_>>()});
    let trials: Vec<TrialRecord> = (0..40).map(|_| played(vec![heard(false)])).collect();
    let found = judged(&expect, &trials, &Ending::Complete);
    let whole = &found.expectations[0];
    assert_eq!(found.verdict, wanted, "{whole:#?}");
    assert_eq!(whole.parts.len(), 2);
    assert!(whole.expected.starts_with(&format!("{kind} of: ")), "{}", whole.expected);
    let failed = whole.parts.iter().any(|part| part.verdict == Verdict::Fail);
    assert_eq!(whole.seen.contains("fail: 0 of 40 trials"), failed, "{}", whole.seen);
}

/// A pass by any of two parts may err twice, a fail by any of two as well: each part keeps its share of the whole's error.
#[rstest]
#[case::any("any", 0.025, 0.05)]
#[case::all("all", 0.05, 0.025)]
fn the_errors_of_the_parts_add_up_to_that_of_the_whole(#[case] kind: &str, #[case] alpha: f64, #[case] beta: f64) {
    let designs = designs(&scenario(&json!({kind: [part('P'), part('F')]})), 0);
    assert_eq!(designs.len(), 2);
    for design in designs {
        assert!((design.alpha - alpha).abs() < 1e-12 && (design.beta - beta).abs() < 1e-12, "{design:?}");
    }
}
