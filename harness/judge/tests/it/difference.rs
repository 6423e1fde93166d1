//! What is expected of two sides together.

use rigtone_judge::verdicts::{Ending, Rules, Tallies};
use rigtone_model::{
    event::TrialOutcome,
    plan::Plan,
    trial::{InfrastructureFault, TrialRecord},
    verdict::{CombinationVerdict, Verdict},
};
use rstest::rstest;
use serde_json::{Value, json};

use crate::verdicts::{heard, late, played, times, undecided};
use rigtone_model::observation::Quantity;

pub(crate) const FIRST: &str = "s/condition=cold#1";
pub(crate) const SECOND: &str = "s/condition=warm#2";

/// Two conditions of one scenario, and what is expected of them.
pub(crate) fn plan(expect: &Value, at_least: u32, at_most: u32) -> Plan {
    let combination = |id: &str, condition: &str| {
        json!({"id": id, "scenario": "s", "axes": [["codec", {"value": "sbc"}]], "condition": condition,
            "group": 1, "resources": [], "trial_ns": 1_000_000_000_i64})
    };
    serde_json::from_value(json!({
        "schema": Plan::SCHEMA, "rig": "r", "rig_hash": "", "retries": 1, "bench_after": 3,
        "scenarios": [{"hash": "", "document": {
            "scenario": "s", "title": "s", "matrix": {"codec": ["sbc"]}, "conditions": {"cold": {}, "warm": {}},
            "trial": [{"pair": {}}, {"connect": {"profile": "a2dp"}}, {"play": {"signal": "smoke"}}],
            "repeat": {"at-least": at_least, "at-most": at_most}, "expect": [expect],
        }}],
        "combinations": [combination(FIRST, "cold"), combination(SECOND, "warm")],
    }))
    .expect("a plan")
}

pub(crate) fn of(id: &str, number: u32, record: TrialRecord) -> TrialRecord {
    TrialRecord { combination: id.into(), trial: number, ..record }
}

/// Feeds both sides in turns until neither wants more; gives the verdict of the second side.
fn judged(
    expect: &Value,
    at_most: u32,
    of_first: &dyn Fn(u32) -> TrialRecord,
    of_second: &dyn Fn(u32) -> TrialRecord,
) -> CombinationVerdict {
    let plan = plan(expect, 10, at_most);
    let rules = Rules::of(&plan).unwrap();
    let mut tallies = Tallies::new(&plan, &rules);
    for number in 1..=at_most {
        for (place, id, record) in [(0, FIRST, of_first(number)), (1, SECOND, of_second(number))] {
            if !tallies.is_settled(place) {
                tallies.take(&of(id, number, record), 1);
            }
        }
    }
    assert!((0..2).all(|place| tallies.is_settled(place)), "nobody waits for what cannot come");
    tallies.verdict(1, &Ending::Complete).unwrap()
}

fn presence(yes: bool) -> TrialRecord {
    played(vec![heard(yes)])
}

fn latency(ms: f64) -> TrialRecord {
    played(vec![heard(true), late(ms, 0.1)])
}

fn holes(n: u32) -> TrialRecord {
    let mut count = times(Quantity::Dropouts, n);
    count.quality.insert("listened-s".into(), 360.0);
    played(vec![heard(true), count])
}

#[rstest]
#[case::far_apart_at_the_first_look(json!({"at-least": "5 %"}), 4, Verdict::Pass, 15)]
#[case::alike_and_so_not_apart(json!({"at-least": "5 %"}), 1, Verdict::Fail, 120)]
#[case::alike_as_demanded(json!({"at-least": "-5 %", "at-most": "5 %"}), 1, Verdict::Pass, 120)]
#[case::apart_and_should_not_be(json!({"at-most": "5 %"}), 4, Verdict::Fail, 15)]
fn a_share_differs_as_much_as_is_wanted(
    #[case] limits: Value,
    #[case] one_heard_of: u32,
    #[case] wanted: Verdict,
    #[case] trials: u32,
) {
    let mut difference = json!({"of": "presence", "in": "play", "between": ["cold", "warm"]});
    difference.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
    let found =
        judged(&json!({"difference": difference}), 120, &|n| presence(n % one_heard_of == 0), &|_| presence(true));
    assert_eq!((found.verdict.clone(), found.trials), (wanted, trials), "{:#?}", found.expectations);
    let expectation = &found.expectations[0];
    assert_eq!(expectation.beside.as_ref().map(rigtone_model::id::CombinationId::as_str), Some(FIRST));
    let apart = f64::from(trials - trials / one_heard_of) / f64::from(trials) * 100.0;
    assert!((expectation.estimate.unwrap() - apart).abs() < 1e-9, "{expectation:#?}");
}

/// Pairs of equal trials: what scatters from trial to trial cancels.
#[rstest]
#[case::slower_by_ten(json!({"at-most": "12 ms"}), Verdict::Pass)]
#[case::slower_than_allowed(json!({"at-most": "8 ms"}), Verdict::Fail)]
#[case::limit_in_the_noise(json!({"at-most": "10 ms"}), Verdict::Inconclusive)]
fn a_latency_differs_in_its_own_unit(#[case] limits: Value, #[case] wanted: Verdict) {
    let mut difference = json!({"of": "latency", "in": "play", "between": ["cold", "warm"]});
    difference.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
    // A drift far greater than the difference, and a ripple about it.
    let drift = |n: u32| 200.0 + 3.0 * f64::from(n);
    let ripple = |n: u32| if n.is_multiple_of(2) { 0.4 } else { -0.4 };
    let found = judged(&json!({"difference": difference}), 40, &|n| latency(drift(n)), &|n| {
        latency(drift(n) + 10.0 + ripple(n))
    });
    let expectation = &found.expectations[0];
    assert_eq!(found.verdict, wanted, "{expectation:#?}");
    assert!((expectation.estimate.unwrap() - 10.0).abs() < 0.5 && expectation.unit == "ms", "{expectation:#?}");
}

/// Of what never came on either side nobody knows how far it is apart.
#[test]
fn two_sides_that_were_never_heard_are_not_alike() {
    let never = |_: u32| played(vec![heard(false), undecided(Quantity::Latency)]);
    let difference = json!({"of": "latency", "in": "play", "between": ["cold", "warm"], "at-most": "20 ms"});
    let found = judged(&json!({"difference": difference}), 40, &never, &never);
    let expectation = &found.expectations[0];
    assert_eq!((&found.verdict, expectation.estimate), (&Verdict::Inconclusive, None), "{expectation:#?}");
    assert!(expectation.seen.starts_with("unknown (at least any less, at most any more"), "{expectation:#?}");
}

/// Five holes in a tenth of an hour and none: 50 /h apart.
#[rstest]
#[case::many_more(json!({"at-least": "10 /h"}), Verdict::Pass)]
#[case::too_many_more(json!({"at-most": "10 /h"}), Verdict::Fail)]
fn holes_differ_by_the_hour(#[case] limits: Value, #[case] wanted: Verdict) {
    let mut difference = json!({"of": "dropouts", "in": "play", "between": ["cold", "warm"]});
    difference.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
    let found = judged(&json!({"difference": difference}), 40, &|_| holes(0), &|_| holes(5));
    assert_eq!(found.verdict, wanted, "{:#?}", found.expectations);
    assert!((found.expectations[0].estimate.unwrap() - 50.0).abs() < 1e-9);
}

fn helps() -> Value {
    json!({"difference": {"of": "presence", "in": "play", "between": ["cold", "warm"], "at-least": "5 %"}})
}

/// Whichever side is ahead of the other: looks are taken at the first trials of both.
#[test]
fn the_order_in_which_sides_end_changes_nothing() {
    let plan = plan(&helps(), 10, 120);
    let rules = Rules::of(&plan).unwrap();
    let heard = |id: &str, n: u32| presence(id == SECOND || n.is_multiple_of(4));
    let orders: [Vec<(&str, u32)>; 3] = [
        (1..=40).flat_map(|n| [(FIRST, n), (SECOND, n)]).collect(),
        (1..=40).map(|n| (FIRST, n)).chain((1..=40).map(|n| (SECOND, n))).collect(),
        (1..=40).map(|n| (SECOND, n)).chain((1..=40).map(|n| (FIRST, n))).collect(),
    ];
    let verdicts = orders.map(|order| {
        let mut tallies = Tallies::new(&plan, &rules);
        for (id, number) in order {
            tallies.take(&of(id, number, heard(id, number)), 1);
        }
        tallies.verdicts("r", None)
    });
    assert_eq!(verdicts[0].combinations[1].verdict, Verdict::Pass);
    assert!(verdicts.iter().all(|other| *other == verdicts[0]), "{verdicts:#?}");
}

/// Trials of one side alone answer nothing: it has none, and that is no verdict of a device.
#[rstest]
#[case::the_second(0, 1, Ending::Complete)]
#[case::the_first(1, 0, Ending::Complete)]
#[case::in_a_run_that_was_interrupted(1, 0, Ending::Interrupted)]
#[case::in_a_run_without_time(1, 0, Ending::OutOfTime)]
fn a_side_is_skipped_with_the_other(#[case] skipped: usize, #[case] other: usize, #[case] ending: Ending) {
    let mut plan = plan(&helps(), 10, 120);
    plan.combinations[skipped].skipped = Some("no microphone".into());
    let rules = Rules::of(&plan).unwrap();
    let tallies = Tallies::new(&plan, &rules);
    assert!(tallies.is_settled(other));
    let found = tallies.verdict(other, &ending).unwrap();
    assert_eq!(found.verdict, Verdict::Skipped("the other side was skipped: no microphone".into()), "{found:#?}");
    assert!(found.expectations.is_empty(), "{found:#?}");
}

#[rstest]
#[case::the_first(0)]
#[case::the_second(1)]
fn a_side_that_the_plan_leaves_alone_is_skipped(#[case] alone: usize) {
    let mut plan = plan(&helps(), 10, 120);
    plan.combinations.remove(1 - alone);
    let rules = Rules::of(&plan).unwrap();
    let found = Tallies::new(&plan, &rules).verdict(0, &Ending::Complete).unwrap();
    let why = "the plan has no combination to compare with";
    assert_eq!(found.verdict, Verdict::Skipped(why.into()), "{found:#?}");
}

/// With trials of its own the question is open; without them the rig prevented an answer, as it did on the other side.
#[rstest]
#[case::the_first(0)]
#[case::the_second(1)]
fn a_side_without_trials_is_the_rigs_fault_where_the_other_was(#[case] untried: usize) {
    let plan = plan(&helps(), 10, 120);
    let rules = Rules::of(&plan).unwrap();
    let mut tallies = Tallies::new(&plan, &rules);
    let lost = [SECOND, FIRST][untried];
    tallies.give_up(&lost.into(), "dongle d", "gone");
    assert!(tallies.is_settled(untried));
    let found = tallies.verdict(untried, &Ending::Complete).unwrap();
    assert_eq!(found.verdict, Verdict::InfraError, "{found:#?}");
    assert_eq!(found.faults, [format!("the rig lost the other side, {lost}")]);
}

#[test]
fn a_condition_of_which_nothing_is_expected_is_skipped() {
    let expect = json!({"success-rate": {"of": "pair"}, "when": ["warm"]});
    let plan = plan(&expect, 10, 120);
    let rules = Rules::of(&plan).unwrap();
    let tallies = Tallies::new(&plan, &rules);
    let verdict = |place| tallies.verdict(place, &Ending::Complete).unwrap().verdict;
    assert_eq!(verdict(0), Verdict::Skipped("nothing is expected of it that can be judged".into()));
    assert_eq!(verdict(1), Verdict::Aborted, "it wanted trials, and had none");
}

/// The first side has no expectation of its own that would say so.
#[rstest]
#[case::never_begun(0, Ending::Interrupted, Verdict::Aborted)]
#[case::begun(3, Ending::Interrupted, Verdict::Aborted)]
#[case::decided(15, Ending::Interrupted, Verdict::Pass)]
#[case::never_begun_without_time(0, Ending::OutOfTime, Verdict::out_of_time())]
#[case::never_begun_though_the_log_says_that_it_ended(0, Ending::Complete, Verdict::Aborted)]
#[case::nothing_failed(15, Ending::Complete, Verdict::Pass)]
fn both_sides_of_a_difference_end_alike(#[case] trials: u32, #[case] ending: Ending, #[case] wanted: Verdict) {
    let plan = plan(&helps(), 10, 120);
    let rules = Rules::of(&plan).unwrap();
    let mut tallies = Tallies::new(&plan, &rules);
    for number in 1..=trials {
        tallies.take(&of(FIRST, number, presence(number.is_multiple_of(4))), 1);
        tallies.take(&of(SECOND, number, presence(true)), 1);
    }
    let [first, second] = [0, 1].map(|place| tallies.verdict(place, &ending).unwrap());
    assert_eq!([&first.verdict, &second.verdict], [&wanted, &wanted], "{first:#?} {second:#?}");
    assert_eq!(first.trials, trials);
    assert!(first.expectations.is_empty(), "the verdict stands at the second side: {first:#?}");
}

#[test]
fn a_side_that_the_rig_lost_sets_the_other_free() {
    let plan = plan(&helps(), 10, 120);
    let rules = Rules::of(&plan).unwrap();
    let mut tallies = Tallies::new(&plan, &rules);
    let lost = TrialOutcome::Lost(InfrastructureFault::new("dongle d", "gone"));
    for number in 1..=10 {
        tallies.take(&of(FIRST, number, TrialRecord { outcome: lost.clone(), ..presence(true) }), 1);
        tallies.take(&of(SECOND, number, presence(true)), 1);
    }
    assert!(tallies.is_settled(1));
    let found = tallies.verdict(1, &Ending::Complete).unwrap();
    assert_eq!(found.verdict, Verdict::Inconclusive);
    assert!(found.expectations[0].seen.contains("the rig lost the other side"), "{found:#?}");
}

#[test]
fn an_interrupted_difference_was_not_answered() {
    let plan = plan(&helps(), 10, 120);
    let rules = Rules::of(&plan).unwrap();
    let tallies = Tallies::new(&plan, &rules);
    assert_eq!(tallies.verdict(1, &Ending::Interrupted).unwrap().expectations[0].verdict, Verdict::Aborted);
    assert!(matches!(tallies.verdict(1, &Ending::OutOfTime).unwrap().verdict, Verdict::Skipped(_)));
}
