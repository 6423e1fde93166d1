//! What one trial says about an expectation, and what trials together say about a combination.

use rigtone_judge::{
    sequential::Outcome,
    verdicts::{Ending, Rules, Tallies, result},
};
use rigtone_model::{
    document::Scenario,
    event::TrialOutcome,
    observation::{Observation, Quantity, Value},
    plan::Plan,
    trial::{DeviceFailure, FailureClass, InfrastructureFault, StepRecord, TrialRecord},
    verdict::{CombinationVerdict, Verdict},
};
use rstest::rstest;
use serde_json::json;

pub(crate) fn scenario(expect: &serde_json::Value) -> Scenario {
    serde_json::from_value(json!({
        "scenario": "s", "title": "s", "matrix": {"source": {"role": "a2dp-source"}},
        "trial": [{"pair": {}}, {"connect": {"profile": "a2dp"}}, {"play": {"signal": "smoke"}}],
        "repeat": {"at-least": 5, "at-most": 40}, "expect": [expect],
    }))
    .expect("a scenario")
}

pub(crate) fn step(label: &str, failure: Option<FailureClass>) -> StepRecord {
    let failure = failure.map(|class| DeviceFailure::new(class, "planted"));
    StepRecord {
        label: label.to_owned(),
        action: label.to_owned(),
        failure,
        attempts: Vec::new(),
        took_ns: 1_500_000_000,
    }
}

pub(crate) fn trial(steps: Vec<StepRecord>, observations: Vec<Observation>) -> TrialRecord {
    let outcome = TrialOutcome::Completed;
    let (combination, evidence) = ("s#0".into(), Vec::new());
    TrialRecord { combination, trial: 1, attempt: 1, began_ns: 0, outcome, steps, observations, evidence }
}

pub(crate) fn played(observations: Vec<Observation>) -> TrialRecord {
    trial(vec![step("pair", None), step("connect", None), step("play", None)], observations)
}

pub(crate) fn heard(yes: bool) -> Observation {
    Observation::raw("play", Quantity::Presence, Value::Truth(yes))
}

pub(crate) fn late(ms: f64, uncertainty: f64) -> Observation {
    Observation::raw("play", Quantity::Latency, Value::Number { value: ms, unit: "ms".into(), uncertainty })
}

pub(crate) fn undecided(quantity: Quantity) -> Observation {
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

fn number(quantity: Quantity, value: f64, uncertainty: f64, unit: &str) -> Observation {
    Observation::raw("play", quantity, Value::Number { value, unit: unit.into(), uncertainty })
}

pub(crate) fn times(quantity: Quantity, n: u32) -> Observation {
    number(quantity, f64::from(n), 0.0, "times")
}

fn word(quantity: Quantity, word: &str) -> Observation {
    Observation::raw("play", quantity, Value::Word(word.into()))
}

fn range(quantity: Quantity, low: Option<f64>, high: Option<f64>, unit: &str) -> Observation {
    Observation::raw("play", quantity, Value::Range { low, high, unit: unit.into() })
}

#[rstest]
#[case::as_many_as_allowed(json!({"dropouts-at-most": 2}), vec![times(Quantity::Dropouts, 2)], Outcome::Success, None)]
#[case::one_too_many(json!({"dropouts-at-most": 2}), vec![times(Quantity::Dropouts, 3)], Outcome::Failure, Some(FailureClass::WithHoles))]
#[case::jumps(json!({"skips-at-most": 0}), vec![times(Quantity::Skips, 1)], Outcome::Failure, Some(FailureClass::WithHoles))]
#[case::clicks(json!({"clicks-at-most": 0}), vec![times(Quantity::Clicks, 1)], Outcome::Failure, Some(FailureClass::Disturbed))]
#[case::level(json!({"level-changes-at-most": 0}), vec![times(Quantity::LevelChanges, 1)], Outcome::Failure, Some(FailureClass::Disturbed))]
#[case::once(json!({"doubled": false}), vec![Observation::raw("play", Quantity::Doubled, Value::Truth(true))], Outcome::Failure, Some(FailureClass::Doubled))]
#[case::one_of_two_words(json!({"fingerprint": ["full-band", "soft-edge"]}), vec![word(Quantity::Fingerprint, "soft-edge")], Outcome::Success, None)]
#[case::another_word(json!({"fingerprint": ["full-band"]}), vec![word(Quantity::Fingerprint, "msbc")], Outcome::Failure, Some(FailureClass::WrongBandwidth))]
#[case::turned_over(json!({"polarity": "normal"}), vec![word(Quantity::Polarity, "inverted")], Outcome::Failure, Some(FailureClass::WrongChannels))]
#[case::one_undecided_leaves_all_undecided(
    json!({"dropouts-at-most": 0, "clicks-at-most": 0}),
    vec![times(Quantity::Dropouts, 0), undecided(Quantity::Clicks)],
    Outcome::Ambiguous,
    None
)]
#[case::what_is_violated_outweighs_what_is_undecided(
    json!({"dropouts-at-most": 0, "clicks-at-most": 0}),
    vec![undecided(Quantity::Dropouts), times(Quantity::Clicks, 1)],
    Outcome::Failure,
    Some(FailureClass::Disturbed)
)]
#[case::an_answer_of_another_kind(json!({"howling": false}), vec![times(Quantity::Howling, 0)], Outcome::Ambiguous, None)]
fn all_that_is_expected_of_a_sound_has_to_hold(
    #[case] mut audio: serde_json::Value,
    #[case] observations: Vec<Observation>,
    #[case] expected: Outcome,
    #[case] class: Option<FailureClass>,
) {
    audio["in"] = json!("play");
    let observations = std::iter::once(heard(true)).chain(observations).collect();
    assert_eq!(outcome(&json!({ "audio": audio }), &played(observations)), (expected, class));
}

#[rstest]
#[case::no_holes(json!({"audio": {"in": "play", "dropouts-at-most": 9}}), Quantity::Dropouts)]
#[case::no_howling(json!({"audio": {"in": "play", "howling": false}}), Quantity::Howling)]
#[case::no_distortion(json!({"measured": {"in": "play", "of": "thd-n", "at-most": "0 dB"}}), Quantity::ThdN)]
#[case::no_treble(json!({"response": {"in": "play", "at": "10 kHz", "at-most": "0 dB"}}), Quantity::Response)]
fn silence_does_nothing_well(#[case] expect: serde_json::Value, #[case] quantity: Quantity) {
    let mut unknown = undecided(quantity);
    unknown.at_hz = (quantity == Quantity::Response).then_some(10_000.0);
    let silent = played(vec![heard(false), unknown]);
    assert_eq!(outcome(&expect, &silent), (Outcome::Failure, Some(FailureClass::Silent)));
}

#[rstest]
#[case::within(number(Quantity::Drift, 48.0, 1.0, "ppm"), Outcome::Success)]
#[case::at_the_upper_limit(number(Quantity::Drift, 50.0, 1.0, "ppm"), Outcome::Ambiguous)]
#[case::above(number(Quantity::Drift, 52.0, 1.0, "ppm"), Outcome::Failure)]
#[case::below(number(Quantity::Drift, -52.0, 1.0, "ppm"), Outcome::Failure)]
#[case::wider_than_the_limits(number(Quantity::Drift, 0.0, 80.0, "ppm"), Outcome::Ambiguous)]
#[case::another_unit(number(Quantity::Drift, 0.0, 0.0, "Hz"), Outcome::Ambiguous)]
#[case::not_a_number(number(Quantity::Drift, f64::NAN, 0.0, "ppm"), Outcome::Ambiguous)]
#[case::below_a_bound(range(Quantity::Drift, None, Some(-60.0), "ppm"), Outcome::Failure)]
#[case::a_bound_within(range(Quantity::Drift, Some(-10.0), Some(10.0), "ppm"), Outcome::Success)]
#[case::a_bound_on_one_side(range(Quantity::Drift, Some(-10.0), None, "ppm"), Outcome::Ambiguous)]
fn a_measured_value_is_held_against_both_limits_with_its_uncertainty(
    #[case] drift: Observation,
    #[case] expected: Outcome,
) {
    let expect = json!({"measured": {"in": "play", "of": "drift", "at-least": "-50 ppm", "at-most": "50 ppm"}});
    let class = (expected == Outcome::Failure).then_some(FailureClass::OutOfLimits);
    assert_eq!(outcome(&expect, &played(vec![heard(true), drift])), (expected, class));
}

#[test]
fn a_response_is_judged_at_its_own_frequency() {
    let at = |hz: f64, db: f64| Observation { at_hz: Some(hz), ..number(Quantity::Response, db, 0.1, "dB") };
    let trial = played(vec![heard(true), at(60.0, -9.0), at(1000.0, 0.0), at(10_000.0, -2.0)]);
    let judged = |hz: &str| outcome(&json!({"response": {"in": "play", "at": hz, "at-least": "-3 dB"}}), &trial).0;
    assert_eq!([judged("60 Hz"), judged("10 kHz")], [Outcome::Failure, Outcome::Success]);
    // Nobody recorded it: no answer, and no failure of the device.
    assert_eq!(judged("5 kHz"), Outcome::Ambiguous);
}

#[rstest]
#[case(json!({"audio": {"in": "play", "present": true, "dropouts-at-most": 0, "howling": false}}), "`play` is heard with at most 0 dropouts, no howling in at least 90 % of trials")]
#[case(json!({"audio": {"in": "play", "channels": ["stereo", "mono"]}}), "`play` is heard with channels stereo or mono in")]
#[case(json!({"audio": {"in": "play", "present": false}}), "`play` stays silent in")]
#[case(json!({"response": {"in": "play", "at": "60 Hz", "at-least": "-3 dB"}}), "`play` at 60 Hz is at least -3 dB re 1 kHz in")]
#[case(json!({"measured": {"in": "play", "of": "drift", "percentile": 95, "at-least": "-50 ppm", "at-most": "50 ppm"}}), "drift of `play` is at least -50 ppm and at most 50 ppm in at least 95 % of trials")]
fn an_expectation_of_sound_is_said_in_words(#[case] expect: serde_json::Value, #[case] words: &str) {
    let expected = &judged(&expect, &[], &Ending::Complete).expectations[0].expected;
    assert!(expected.contains(words), "{expected}");
}

/// The same rate, once in clusters and once scattered: what changes from time to time is said to be unstable.
#[rstest]
#[case::clusters("PPPPPPPPPPFFFFFFFFPPPPPPPPPPFFFFFF", true)]
#[case::scattered("PFPPFPPFPFPPFPFPPFPPFPFPPFPFPPFPFP", false)]
#[case::too_few_failures("PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPFFFF", false)]
#[case::always("PPPPPPPPPPPPPPPPPPPP", false)]
fn failures_in_clusters_are_said_to_be_unstable(#[case] outcomes: &str, #[case] unstable: bool) {
    let expect = json!({"audio": {"in": "play", "present": true}});
    let trials: Vec<TrialRecord> = outcomes.chars().map(|c| played(vec![heard(c == 'P')])).collect();
    let found = judged(&expect, &trials, &Ending::Complete);
    let why = found.expectations[0].unstable.as_deref();
    assert_eq!(why.is_some(), unstable, "{why:?}");
    assert!(why.is_none_or(|why| why.contains("4 stretches") && why.contains("34 trials")), "{why:?}");
}

/// Ten of ten, ten of ten, nine of ten and three of ten, on four evenings: chi-squared 21.25 with 3 degrees of freedom. In one night the same trials
/// are nothing but trials.
#[rstest]
#[case::evenings(86_400, true)]
#[case::minutes(60, false)]
fn sessions_that_differ_are_said_to_be_unstable(#[case] apart_s: i64, #[case] unstable: bool) {
    let expect = json!({"audio": {"in": "play", "present": true}});
    // The failures of a session are scattered, so that no stretch of them stands out.
    let sessions = ["PPPPPPPPPP", "PPPPPPPPPP", "PPPPFPPPPP", "FPFFPFFPFF"];
    let trials: Vec<TrialRecord> = sessions
        .iter()
        .enumerate()
        .flat_map(|(session, outcomes)| outcomes.chars().enumerate().map(move |(n, c)| (session, n, c)))
        .map(|(session, n, c)| TrialRecord {
            began_ns: (session as i64 * apart_s * 10 + n as i64 * apart_s.min(60)) * 1_000_000_000,
            ..played(vec![heard(c == 'P')])
        })
        .collect();
    let found = judged(&expect, &trials, &Ending::Complete);
    let why = found.expectations[0].unstable.clone().unwrap_or_default();
    assert_eq!(why.contains("sessions differ: 10 of 10, 10 of 10, 9 of 10, 3 of 10 (p = 9.3e-5)"), unstable, "{why}");
}

/// A trial that listened for so many hours and counted so many holes.
fn listened(hours: f64, holes: u32) -> TrialRecord {
    let mut count = times(Quantity::Dropouts, holes);
    count.quality.insert("listened-s".into(), hours * 3600.0);
    played(vec![heard(true), count])
}

#[rstest]
// ln 20 = 3.0 of evidence is needed; an hour without a hole gives 3 - 1 = 2, a hole takes ln 3 = 1.1.
#[case::two_clean_hours(&[(0.4, 0); 5], Verdict::Pass, "0 in 2.000 h (0.00 /h; at most 1.50 /h with 95 % confidence)")]
#[case::one_clean_hour(&[(0.2, 0); 5], Verdict::Inconclusive, "0 in 1.000 h")]
#[case::holes_at_once(&[(0.02, 1), (0.02, 1), (0.02, 1), (0.02, 0), (0.02, 0)], Verdict::Fail, "3 in 0.100 h (30.00 /h")]
#[case::a_hole_and_clean_hours(&[(0.6, 1), (0.6, 0), (0.6, 0), (0.6, 0), (0.6, 0)], Verdict::Pass, "1 in 3.000 h")]
fn holes_are_counted_by_the_hour(#[case] trials: &[(f64, u32)], #[case] wanted: Verdict, #[case] seen: &str) {
    let expect = json!({"count": {"of": "dropouts", "in": "play", "at-most": "3 /h"}});
    let trials: Vec<TrialRecord> = trials.iter().map(|(hours, holes)| listened(*hours, *holes)).collect();
    let found = judged(&expect, &trials, &Ending::Complete);
    let expectation = &found.expectations[0];
    assert_eq!(found.verdict, wanted, "{found:#?}");
    assert!(expectation.seen.starts_with(seen), "{}", expectation.seen);
    assert_eq!((expectation.unit.as_str(), expectation.needed.is_some()), ("/h", wanted == Verdict::Inconclusive));
}

/// Time in which nothing was heard is no time without holes.
#[test]
fn silence_counts_for_nothing() {
    let expect = json!({"count": {"of": "dropouts", "in": "play", "at-most": "3 /h"}});
    let silent = played(vec![heard(false), undecided(Quantity::Dropouts)]);
    let found = judged(&expect, &[silent], &Ending::Complete);
    assert_eq!(found.verdict, Verdict::Inconclusive);
    assert!(found.expectations[0].seen.contains("nothing was listened to"), "{found:#?}");
}

/// Of a lower limit the percentile from below is what matters, in its own unit: of ten values the ninth and the first.
#[test]
fn what_was_measured_is_shown_as_the_percentile_that_the_limit_is_about() {
    for (limits, wanted) in [("at-most", "p90 = -49.0 dBFS"), ("at-least", "p10 = -81.0 dBFS")] {
        let expect = json!({"measured": {"in": "play", "of": "noise-floor", limits: "-60 dBFS"}});
        let level = |n| number(Quantity::NoiseFloor, -45.0 - 4.0 * f64::from(n), 0.0, "dBFS");
        let trials: Vec<TrialRecord> = (0..10).map(|n| played(vec![heard(true), level(n)])).collect();
        let seen = &judged(&expect, &trials, &Ending::Complete).expectations[0];
        assert!(seen.seen.starts_with(wanted) && seen.unit == "dBFS", "{limits}: {}", seen.seen);
    }
}

/// Trials of which none tells are no rate of 0 %.
#[test]
fn where_no_trial_tells_there_is_no_rate() {
    let expect = json!({"audio": {"in": "play", "present": true}});
    let doubtful = vec![played(vec![undecided(Quantity::Presence)]); 5];
    let found = &judged(&expect, &doubtful, &Ending::Complete).expectations[0];
    assert_eq!((found.n, found.ambiguous, found.estimate), (5, 5, None), "{found:#?}");
    assert!(found.seen.starts_with("5 trials, none of which tells; ") && !found.seen.contains('%'), "{}", found.seen);
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

/// What these trials make of the one expectation of a scenario.
pub(crate) fn judged(expect: &serde_json::Value, trials: &[TrialRecord], ending: &Ending) -> CombinationVerdict {
    let plan: Plan = serde_json::from_value(json!({
        "schema": Plan::SCHEMA, "rig": "r", "rig_hash": "", "retries": 0, "bench_after": 3,
        "scenarios": [{"hash": "", "document": scenario(expect)}],
        "combinations": [{"id": "s#0", "scenario": "s", "axes": [], "group": 0, "resources": [], "trial_ns": 0}],
    }))
    .expect("a plan");
    let rules = Rules::of(&plan).expect("rules");
    let mut tallies = Tallies::new(&plan, &rules);
    for trial in trials {
        tallies.take(trial, 0);
    }
    tallies.verdict(0, ending).expect("a combination of the plan")
}

fn verdict(expect: &serde_json::Value, trials: &[TrialRecord], ending: &Ending) -> Verdict {
    judged(expect, trials, ending).verdict
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
#[case::nothing_but_lost_and_interrupted(0, 0, 3, Ending::Interrupted, Verdict::Aborted)]
#[case::never_begun(0, 0, 0, Ending::Interrupted, Verdict::Aborted)]
#[case::never_begun_before_the_time_was_up(0, 0, 0, Ending::OutOfTime, Verdict::Skipped("time".into()))]
#[case::never_begun_though_the_log_says_that_it_ended(0, 0, 0, Ending::Complete, Verdict::Aborted)]
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

#[rstest]
#[case::the_whole_of_it(Some(true), true, Outcome::Success, None)]
#[case::a_part_of_it(Some(false), true, Outcome::Failure, Some(FailureClass::WrongCodec))]
#[case::nobody_tells(None, true, Outcome::Ambiguous, None)]
#[case::nothing_but_the_codec_was_asked_for(None, false, Outcome::Success, None)]
fn a_configuration_that_was_requested_has_to_be_agreed_on(
    #[case] agreement: Option<bool>,
    #[case] asked: bool,
    #[case] expected: Outcome,
    #[case] class: Option<FailureClass>,
) {
    let raw = |quantity, value| Observation::raw("connect", quantity, value);
    let word = |quantity, word: &str| raw(quantity, Value::Word(word.into()));
    let mut observations = vec![word(Quantity::RequestedCodec, "sbc"), word(Quantity::Codec, "sbc")];
    if asked {
        observations.push(word(Quantity::RequestedConfiguration, "44.1 kHz, bitpool 35"));
    }
    observations.extend(agreement.map(|agrees| raw(Quantity::ConfigurationAgreement, Value::Truth(agrees))));
    let trial = played(observations);
    assert_eq!(outcome(&json!({"codec": {"is": "requested"}}), &trial), (expected, class));
    // Who names a codec speaks of nothing else.
    assert_eq!(outcome(&json!({"codec": {"is": "sbc"}}), &trial), (Outcome::Success, None));
}

#[rstest]
#[case::none("0 %", 0.0, Outcome::Success)]
#[case::some("0 %", 0.4, Outcome::Failure)]
#[case::few_enough("0.5 %", 0.4, Outcome::Success)]
fn packets_are_limited_whether_their_sound_is_heard_or_not(
    #[case] limit: &str,
    #[case] dropped: f64,
    #[case] expected: Outcome,
) {
    let expect = json!({"measured": {"in": "play", "of": "dropped-packets", "at-most": limit}});
    let trial = played(vec![heard(false), number(Quantity::DroppedPackets, dropped, 0.0, "%")]);
    let class = (expected == Outcome::Failure).then_some(FailureClass::OutOfLimits);
    assert_eq!(outcome(&expect, &trial), (expected, class));
}
