//! What one trial says about an expectation, and what trials together say about a combination.

use rigtone_judge::{
    sequential::Outcome,
    verdicts::{Ending, Rules, Tally, result},
};
use rigtone_model::{
    document::Scenario,
    event::TrialOutcome,
    observation::{Observation, Quantity, Value},
    plan::Combination,
    trial::{DeviceFailure, FailureClass, InfrastructureFault, StepRecord, TrialRecord},
    verdict::Verdict,
};
use rstest::rstest;
use serde_json::json;

fn scenario(expect: &serde_json::Value) -> Scenario {
    serde_json::from_value(json!({
        "scenario": "s", "title": "s", "matrix": {"source": {"role": "a2dp-source"}},
        "trial": [{"pair": {}}, {"connect": {"profile": "a2dp"}}, {"play": {"signal": "smoke"}}],
        "repeat": {"at-least": 5, "at-most": 40}, "expect": [expect],
    }))
    .expect("a scenario")
}

fn step(label: &str, failure: Option<FailureClass>) -> StepRecord {
    let failure = failure.map(|class| DeviceFailure::new(class, "planted"));
    StepRecord { label: label.to_owned(), action: label.to_owned(), failure, took_ns: 1_500_000_000 }
}

fn trial(steps: Vec<StepRecord>, observations: Vec<Observation>) -> TrialRecord {
    let outcome = TrialOutcome::Completed;
    TrialRecord { combination: "s#0".into(), trial: 1, attempt: 1, outcome, steps, observations, evidence: Vec::new() }
}

fn played(observations: Vec<Observation>) -> TrialRecord {
    trial(vec![step("pair", None), step("connect", None), step("play", None)], observations)
}

fn heard(yes: bool) -> Observation {
    Observation::raw("play", Quantity::Presence, Value::Truth(yes))
}

fn late(ms: f64, uncertainty: f64) -> Observation {
    Observation::raw("play", Quantity::Latency, Value::Number { value: ms, unit: "ms".into(), uncertainty })
}

fn undecided(quantity: Quantity) -> Observation {
    Observation::raw("play", quantity, Value::Inconclusive { reason: "too noisy".into() })
}

fn outcome(expect: &serde_json::Value, trial: &TrialRecord) -> (Outcome, Option<FailureClass>) {
    let scenario = scenario(expect);
    let result = result(&scenario.expect[0].expectation(), &scenario, trial);
    (result.outcome, result.class)
}

#[rstest]
#[case::well_below(late(200.0, 1.0), Outcome::Success, None)]
#[case::at_the_limit_and_certain(late(220.0, 0.0), Outcome::Success, None)]
#[case::the_limit_within_its_uncertainty(late(219.0, 2.0), Outcome::Ambiguous, None)]
#[case::the_limit_within_its_uncertainty_from_above(late(221.0, 2.0), Outcome::Ambiguous, None)]
#[case::well_above(late(230.0, 2.0), Outcome::Failure, Some(FailureClass::Late))]
#[case::not_a_number(late(f64::NAN, 2.0), Outcome::Ambiguous, None)]
fn a_latency_is_held_against_its_limit_with_its_uncertainty(
    #[case] latency: Observation,
    #[case] expected: Outcome,
    #[case] class: Option<FailureClass>,
) {
    let expect = json!({"latency": {"in": "play", "percentile": 50, "at-most": "220 ms"}});
    assert_eq!(outcome(&expect, &played(vec![heard(true), latency])), (expected, class));
}

#[test]
fn a_sound_that_never_came_is_later_than_any_limit() {
    let expect = json!({"latency": {"in": "play", "percentile": 50, "at-most": "10 min"}});
    let silent = played(vec![heard(false), undecided(Quantity::Latency)]);
    assert_eq!(outcome(&expect, &silent), (Outcome::Failure, Some(FailureClass::Silent)));
}

#[rstest]
#[case::heard(vec![heard(true)], true, Outcome::Success, None)]
#[case::silent(vec![heard(false)], true, Outcome::Failure, Some(FailureClass::Silent))]
#[case::nobody_can_tell(vec![undecided(Quantity::Presence)], true, Outcome::Ambiguous, None)]
#[case::silent_as_it_should_be(vec![heard(false)], false, Outcome::Success, None)]
#[case::heard_though_it_should_be_silent(vec![heard(true)], false, Outcome::Failure, Some(FailureClass::UnexpectedSound))]
fn presence_is_what_was_asked_for_or_not(
    #[case] observations: Vec<Observation>,
    #[case] wanted: bool,
    #[case] expected: Outcome,
    #[case] class: Option<FailureClass>,
) {
    let expect = json!({"audio": {"in": "play", "present": wanted}});
    assert_eq!(outcome(&expect, &played(observations)), (expected, class));
}

#[test]
fn half_a_stimulus_is_neither_heard_nor_silence() {
    let mut half = heard(false);
    half.quality.insert("heard-until-s".into(), 1.4);
    let half = played(vec![half]);
    assert_eq!(outcome(&json!({"audio": {"in": "play", "present": true}}), &half).0, Outcome::Failure);
    assert_eq!(outcome(&json!({"audio": {"in": "play", "present": false}}), &half).0, Outcome::Failure);
}

#[test]
fn a_trial_that_ends_before_the_step_counts_against_it() {
    let refused = trial(vec![step("pair", Some(FailureClass::PairingRefused))], Vec::new());
    let class = Some(FailureClass::PairingRefused);
    for expect in [
        json!({"success-rate": {"of": "connect"}}),
        json!({"audio": {"in": "play", "present": true}}),
        json!({"latency": {"in": "play", "percentile": 50, "at-most": "220 ms"}}),
        json!({"codec": {"is": "requested"}}),
    ] {
        assert_eq!(outcome(&expect, &refused), (Outcome::Failure, class), "{expect}");
    }
}

#[rstest]
#[case::refused(Some(FailureClass::NotConnected), Outcome::Success)]
#[case::accepted(None, Outcome::Failure)]
#[case::broke_off(Some(FailureClass::LinkLost), Outcome::Ambiguous)]
fn the_refusal_is_the_pass_where_something_is_unsupported(
    #[case] failure: Option<FailureClass>,
    #[case] expected: Outcome,
) {
    let done = trial(vec![step("pair", None), step("connect", failure)], Vec::new());
    assert_eq!(outcome(&json!({"unsupported": {"of": "connect"}}), &done).0, expected);
}

fn verdict(expect: &serde_json::Value, trials: &[TrialRecord], ending: &Ending) -> Verdict {
    let scenario = scenario(expect);
    let rules = Rules::of_scenarios(std::iter::once(&scenario)).expect("rules");
    let combination: Combination = serde_json::from_value(json!({
        "id": "s#0", "scenario": "s", "axes": [], "group": 0, "resources": [], "trial_ns": 0,
    }))
    .expect("a combination");
    let mut tally = Tally::new(&combination, &scenario, &rules.scenarios[0]);
    for trial in trials {
        tally.take(trial, &scenario);
    }
    tally.verdict(&combination, &scenario, ending).verdict
}

fn lost() -> TrialRecord {
    let fault = InfrastructureFault::new("relay board-1", "no answer");
    TrialRecord { outcome: TrialOutcome::Lost(fault), ..trial(Vec::new(), Vec::new()) }
}

/// Five of five demonstrate 50 % with 95 %: 0.5^5 is 3.1 %.
const HALF: &str = r#"{"success-rate": {"of": "pair", "at-least": "50 %", "good": "98 %", "confidence": "95 %"}}"#;

#[rstest]
#[case::enough_successes(5, 0, 0, Ending::Complete, Verdict::Pass)]
#[case::enough_failures(0, 5, 0, Ending::Complete, Verdict::Fail)]
#[case::too_few(3, 0, 0, Ending::Complete, Verdict::Inconclusive)]
#[case::interrupted(3, 0, 0, Ending::Interrupted, Verdict::Aborted)]
#[case::out_of_time(3, 0, 0, Ending::OutOfTime, Verdict::Skipped("time".into()))]
#[case::a_failure_shown_before_the_time_was_up(0, 5, 0, Ending::OutOfTime, Verdict::Fail)]
#[case::one_lost_of_few(5, 0, 1, Ending::Complete, Verdict::Pass)]
#[case::nothing_but_lost(0, 0, 3, Ending::Complete, Verdict::InfraError)]
#[case::one_in_ten_lost(9, 0, 1, Ending::Complete, Verdict::Pass)]
#[case::more_than_one_in_ten_lost(9, 0, 2, Ending::Complete, Verdict::InfraError)]
fn trials_together_give_the_verdict(
    #[case] successes: usize,
    #[case] failures: usize,
    #[case] faults: usize,
    #[case] ending: Ending,
    #[case] expected: Verdict,
) {
    let good = trial(vec![step("pair", None)], Vec::new());
    let bad = trial(vec![step("pair", Some(FailureClass::PairingRefused))], Vec::new());
    let mut trials = vec![good; successes];
    trials.extend(vec![bad; failures]);
    trials.extend(vec![lost(); faults]);
    let expect = serde_json::from_str(HALF).expect("an expectation");
    assert_eq!(verdict(&expect, &trials, &ending), expected);
}
