//! What is said of a unit's records, of bit rates, and of latencies with a limit at either end.

use crate::verdicts::{late, played, step, trial};
use rigtone_judge::{
    sequential::Outcome::{self, Ambiguous, Failure, Success},
    verdicts::result,
};
use rigtone_model::{
    document::Scenario,
    observation::{Observation, Quantity, Value},
    trial::{FailureClass, TrialRecord},
};
use rstest::rstest;
use serde_json::json;

fn scenario(expect: &serde_json::Value) -> Scenario {
    serde_json::from_value(json!({
        "scenario": "s", "title": "s", "matrix": {"source": {"role": "a2dp-source"}, "speaker": {"tags": ["speaker"]}},
        "trial": [{"read-services": {"unit": "source"}, "label": "of-source"},
                  {"read-services": {"unit": "speaker"}, "label": "of-speaker"},
                  {"read-services": {"unit": "speaker"}, "label": "again"},
                  {"connect": {"profile": "a2dp"}}, {"play": {"signal": "smoke"}}],
        "repeat": {"at-least": 5, "at-most": 40}, "expect": [expect],
    }))
    .expect("a scenario")
}

fn outcome(expect: &serde_json::Value, trial: &TrialRecord) -> (Outcome, Option<FailureClass>) {
    let scenario = scenario(expect);
    let found = result(&scenario.expect[0].expectation(), &scenario, trial);
    (found.outcome, found.class)
}

fn classes(label: &str, classes: &str) -> Observation {
    Observation::raw(label, Quantity::ServiceClasses, Value::Word(classes.to_owned()))
}

#[rstest]
#[case::stated(vec![classes("of-speaker", "110b 110e")], Success, None)]
#[case::of_another_unit(vec![classes("of-source", "110b"), classes("of-speaker", "110a")], Failure, Some(FailureClass::WrongRole))]
#[case::none_at_all(vec![classes("of-speaker", "")], Failure, Some(FailureClass::WrongRole))]
#[case::only_the_first_time(vec![classes("of-speaker", "110b"), classes("again", "110e")], Failure, Some(FailureClass::WrongRole))]
#[case::as_a_part_of_another_class(vec![classes("of-speaker", "1110b")], Failure, Some(FailureClass::WrongRole))]
fn a_role_is_what_the_records_of_that_unit_state(
    #[case] observations: Vec<Observation>,
    #[case] expected: Outcome,
    #[case] class: Option<FailureClass>,
) {
    let expect = json!({"role": {"of": "speaker", "is": "a2dp-sink"}});
    assert_eq!(outcome(&expect, &trial(vec![step("of-speaker", None)], observations)), (expected, class));
}

#[test]
fn records_that_could_not_be_read_state_no_role() {
    let expect = json!({"role": {"of": "speaker", "is": "a2dp-sink"}});
    let failed = trial(vec![step("of-speaker", Some(FailureClass::NotConnected))], vec![]);
    assert_eq!(outcome(&expect, &failed), (Failure, Some(FailureClass::NotConnected)));
}

fn agreed(codec: &str) -> Observation {
    Observation::raw("connect", Quantity::Codec, Value::Word(codec.to_owned()))
}

fn bits(label: &str, quantity: Quantity, kbit_s: f64, uncertainty: f64) -> Observation {
    Observation::raw(label, quantity, Value::Number { value: kbit_s, unit: "kbit/s".into(), uncertainty })
}

#[rstest]
#[case::within(vec![bits("connect", Quantity::BitRate, 327.99, 0.0)], Success, None)]
#[case::configured_beyond(vec![bits("connect", Quantity::BitRate, 357.0, 0.0)], Failure, Some(FailureClass::OutOfLimits))]
#[case::sent_beyond(
    vec![bits("connect", Quantity::BitRate, 328.0, 0.0), bits("play", Quantity::SentBitRate, 345.0, 0.0)],
    Failure,
    Some(FailureClass::OutOfLimits)
)]
#[case::sent_as_nobody_knows_exactly(vec![bits("play", Quantity::SentBitRate, 326.0, 4.0)], Ambiguous, None)]
#[case::nobody_says_it(vec![], Ambiguous, None)]
fn neither_what_was_agreed_on_nor_what_was_sent_may_have_more_bits(
    #[case] mut observations: Vec<Observation>,
    #[case] expected: Outcome,
    #[case] class: Option<FailureClass>,
) {
    observations.push(agreed("sbc"));
    let expect = json!({"codec": {"is": "sbc", "bit-rate-at-most": "328 kbit/s"}});
    assert_eq!(outcome(&expect, &played(observations)), (expected, class));
}

#[test]
fn bits_do_not_make_it_the_codec() {
    let expect = json!({"codec": {"is": "sbc", "bit-rate-at-most": "328 kbit/s"}});
    let observations = vec![agreed("aac"), bits("connect", Quantity::BitRate, 256.0, 0.0)];
    assert_eq!(outcome(&expect, &played(observations)), (Failure, Some(FailureClass::WrongCodec)));
}

#[rstest]
#[case(200.0, Success, None)]
#[case(180.0, Ambiguous, None)]
#[case(150.0, Failure, Some(FailureClass::OutOfLimits))]
#[case(240.0, Failure, Some(FailureClass::Late))]
fn a_sound_may_be_too_early(#[case] ms: f64, #[case] expected: Outcome, #[case] class: Option<FailureClass>) {
    let expect = json!({"latency": {"in": "play", "percentile": 50, "at-least": "180 ms", "at-most": "220 ms"}});
    assert_eq!(outcome(&expect, &played(vec![late(ms, 1.0)])), (expected, class));
}
