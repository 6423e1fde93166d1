//! Scenarios that are right in every part and too large as a whole; gestures that no hand could do.

use rstest::rstest;

use super::one_fault;
use crate::{DEVICE, SCENARIO, findings};

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect()
}

#[rstest]
#[case::steps("trial:\n", "trial:\n", list(500, |_| "  - forget: {}\n".into()), "oversized 6:1-6 trial", "503 steps, and 500")]
#[case::axes("trial:\n", "", list(31, |n| format!("  a{n}: [1]\n")) + "trial:\n", "oversized 3:1-7 matrix", "33 axes, and 32")]
#[case::conditions(
    "trial:\n", "conditions:\n", list(101, |n| format!("  c{n}: {{}}\n")) + "trial:\n",
    "oversized 6:1-11 conditions", "101 conditions, and 100"
)]
#[case::expectations(
    "expect:\n", "expect:\n", list(100, |_| "  - success-rate: {of: pair}\n".into()),
    "oversized 11:1-7 expect", "101 expectations, and 100"
)]
#[case::combinations(
    "trial:\n", "", list(5, |n| format!("  a{n}: [1, 2, 3, 4, 5, 6, 7]\n")) + "trial:\n",
    "oversized 3:1-7 matrix", "16807 combinations"
)]
fn a_scenario_that_no_lab_could_try_is_a_fault(
    #[case] before: &str,
    #[case] first: &str,
    #[case] more: String,
    #[case] at: &str,
    #[case] message: &str,
) {
    let text = SCENARIO.replace(before, &format!("{first}{more}"));
    one_fault(&[("one.yaml", &text), ("jbl/charge-5.yaml", DEVICE)], at, message, "split it");
}

#[rstest]
#[case::one_wait("  - wait: {for: 169 h}\n", "oversized 6:1-6 trial", "a trial may take 169 h, and 168 h")]
#[case::sum("  - wait: {for: 100 h}\n  - wait: {for: 100 h}\n", "oversized 6:1-6 trial", "a trial may take 200 h")]
#[case::repeated(
    "  - prompt: {unit: speaker, says: x, times: 1000, every: 15 min}\n",
    "oversized 6:1-6 trial",
    "a trial may take 250 h"
)]
#[case::trials("  - wait: {for: 100 h}\n", "oversized 11:1-7 repeat", "one combination may take 1000")]
fn times_that_no_lab_has_are_a_fault(#[case] steps: &str, #[case] at: &str, #[case] message: &str) {
    let text = SCENARIO.replace("  - discover", &format!("{steps}  - discover"));
    one_fault(&[("one.yaml", &text), ("jbl/charge-5.yaml", DEVICE)], at, message, "shorter times");
}

#[test]
fn a_time_that_a_condition_gives_counts_wherever_it_is_used() {
    let text = SCENARIO.replace(
        "trial:\n",
        "conditions:\n  long: {pause: 90 h}\n  short: {pause: 1 s}\ntrial:\n  - wait: {for: $pause}\n  - wait: {for: $pause}\n",
    );
    one_fault(
        &[("one.yaml", &text), ("jbl/charge-5.yaml", DEVICE)],
        "oversized 9:1-6 trial",
        "may take 180 h",
        "shorter",
    );
}

/// The times of a gesture are added up; together they must not leave the clock.
#[test]
fn a_gesture_that_takes_longer_than_any_hand_can_is_a_fault() {
    let press = "      - {buttons: [power], for: 5 s}\n";
    let years = DEVICE.replace(press, &"      - {buttons: [power], for: 880000 h}\n".repeat(4));
    one_fault(
        &[("jbl/charge-5.yaml", &years)],
        "out-of-range 7:3-15 gestures.pairing-mode",
        "and 1 h is the most",
        "manual",
    );
    let hour = DEVICE.replace("for: 5 s}", "for: 1 h}");
    assert_eq!(findings(&[("jbl/charge-5.yaml", &hour)]), []);
}

/// There are no includes; what may refer to each other in a circle is the axes that differ from each other.
#[test]
fn axes_that_differ_from_each_other_are_no_endless_circle() {
    let text = SCENARIO
        .replace("{role: a2dp-source}", "{role: a2dp-source, differs-from: [speaker]}")
        .replace("{role: a2dp-sink}", "{role: a2dp-sink, differs-from: [source]}");
    assert_eq!(findings(&[("one.yaml", &text), ("jbl/charge-5.yaml", DEVICE)]), []);
}
