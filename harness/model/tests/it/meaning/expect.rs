//! Expectations.

use rstest::rstest;

use super::{RICH, one_fault};
use crate::{DEVICE, RIG, findings, with_line};

#[rstest]
#[case::no_step(
    "success-rate: {of: pear}",
    "unknown-step 21:24-28 expect[0].success-rate.of",
    "there is no step `pear`",
    "there are `power-cycle`, `first`"
)]
#[case::misspelt_step(
    "success-rate: {of: frist}",
    "unknown-step 21:24-29 expect[0].success-rate.of",
    "there is no step `frist`",
    "did you mean `first`?"
)]
#[case::not_done(
    "success-rate: {of: power-cycle}",
    "unknown-step 21:24-35 expect[0].success-rate.of",
    "`power-cycle` is not done under the condition `warm`",
    "name the conditions in `when`"
)]
#[case::wrong_step(
    "audio: {in: wait, present: true}",
    "wrong-step 21:17-21 expect[0].audio.in",
    "`audio` needs a step that plays or listens, and `wait` is a `wait`",
    "`play`"
)]
#[case::latency_of_connect(
    "latency: {in: first, percentile: 90, at-most: 1 s}",
    "wrong-step 21:19-24 expect[0].latency.in",
    "needs a step that plays, and `first` is a `connect`",
    "`play`"
)]
#[case::which_connect(
    "codec: {is: sbc}",
    "ambiguous-step 21:17-20 expect[0].codec.is",
    "the trial has 2 steps that connect",
    "in: <label>"
)]
#[case::nothing_heard(
    "audio: {in: play}",
    "incomplete 21:5-10 expect[0].audio",
    "nothing is expected of the sound",
    "`present`"
)]
#[case::microphone(
    "audio: {in: play, at: beach, present: true}",
    "dangling-reference 21:27-32 expect[0].audio.at",
    "there is no axis of microphones `beach`",
    "did you mean `bench`?"
)]
#[case::no_time(
    "duration: {of: first, percentile: 90}",
    "incomplete 21:5-13 expect[0].duration",
    "no limit is given",
    "`at-most`"
)]
#[case::time_crossed(
    "duration: {of: first, percentile: 90, at-least: 2 s, at-most: 1 s}",
    "limits-crossed 21:67-70 expect[0].duration.at-most",
    "at most 1 s, at least 2 s",
    "not below"
)]
#[case::good_too_low(
    "success-rate: {of: first, at-least: 95 %, good: 90 %}",
    "untestable 21:53-57 expect[0].success-rate.good",
    "`good` is 90 %, not above the limit of 95 %",
    "above `at-least`"
)]
#[case::certainty(
    "success-rate: {of: first, at-least: 100 %}",
    "untestable 21:41-46 expect[0].success-rate.at-least",
    "no number of trials shows a rate of 100 %",
    "`good` above"
)]
#[case::good_below_percentile(
    "latency: {in: play, percentile: 90, at-most: 1 s, good: 80 %}",
    "untestable 21:61-65 expect[0].latency.good",
    "not above the limit of 90 %",
    "above `percentile`"
)]
#[case::confidence(
    "success-rate: {of: first, confidence: 100 %}",
    "untestable 21:43-48 expect[0].success-rate.confidence",
    "a confidence of 100 %",
    "`95 %`"
)]
#[case::tossing_a_coin(
    "success-rate: {of: first, confidence: 50 %}",
    "untestable 21:43-47 expect[0].success-rate.confidence",
    "a confidence of 50 %",
    "above 50 %"
)]
#[case::role_unread(
    "role: {of: speaker, is: a2dp-sink}",
    "unknown-step 21:16-23 expect[0].role.of",
    "no step reads the service records of `speaker`",
    "read-services: {unit: speaker}"
)]
#[case::role_of_values(
    "role: {of: pause, is: a2dp-sink}",
    "dangling-reference 21:16-21 expect[0].role.of",
    "there is no axis of units `pause`",
    "`source`"
)]
#[case::between_nothing(
    "difference: {of: success-rate, in: first, between: [cold, hot], at-least: 5 %}",
    "dangling-reference 21:63-66 expect[0].difference.between[1]",
    "no value of an axis `hot`",
    "`cold`"
)]
#[case::between_itself(
    "difference: {of: success-rate, in: first, between: [cold, cold], at-least: 5 %}",
    "wrong-reference 21:47-54 expect[0].difference.between",
    "`cold` cannot differ from itself",
    "two values"
)]
#[case::difference_without_limit(
    "difference: {of: success-rate, in: first, between: [cold, warm]}",
    "incomplete 21:5-15 expect[0].difference",
    "no limit is given",
    "`at-least`"
)]
#[case::difference_unit(
    "difference: {of: success-rate, in: first, between: [cold, warm], at-least: 5 dB}",
    "wrong-unit 21:80-84 expect[0].difference.at-least",
    "`5 dB` is not in the unit of what is compared",
    "`5 %`"
)]
#[case::difference_no_unit(
    "difference: {of: latency, in: play, between: [cold, warm], at-most: \"5\"}",
    "missing-unit 21:73-76 expect[0].difference.at-most",
    "`5` is not in the unit",
    "`20 ms`"
)]
#[case::difference_step(
    "difference: {of: latency, between: [cold, warm], at-most: 5 ms}",
    "incomplete 21:5-15 expect[0].difference",
    "the step is not named",
    "add `in`"
)]
#[case::response_frequency(
    "difference: {of: response, in: play, between: [cold, warm], at-most: 5 dB}",
    "incomplete 21:5-15 expect[0].difference",
    "the frequency is not given",
    "`at: 60 Hz`"
)]
#[case::no_limit(
    "response: {in: play, at: 60 Hz}",
    "incomplete 21:5-13 expect[0].response",
    "no limit is given",
    "`at-most`"
)]
#[case::response_crossed(
    "response: {in: play, at: 60 Hz, at-least: 3 dB, at-most: -3 dB}",
    "limits-crossed 21:62-67 expect[0].response.at-most",
    "at most -3 dB, at least 3 dB",
    "not below"
)]
#[case::beyond_the_sweep(
    "response: {in: play, at: 30 kHz, at-least: 3 dB}",
    "unfit-value 21:30-36 expect[0].response.at",
    "30000 Hz lies outside",
    "20 Hz to 20 kHz"
)]
#[case::measured_without_limit(
    "measured: {in: play, of: drift}",
    "incomplete 21:5-13 expect[0].measured",
    "no limit is given",
    "`at-most`"
)]
#[case::measured_in_another_unit(
    "measured: {in: play, of: drift, at-most: 50 ms}",
    "wrong-unit 21:46-51 expect[0].measured.at-most",
    "`50 ms` is not in the unit of what is limited",
    "`50 ppm`"
)]
#[case::measured_without_unit(
    "measured: {in: play, of: noise-floor, at-most: \"-50\"}",
    "missing-unit 21:52-57 expect[0].measured.at-most",
    "`-50` is not in the unit",
    "`-50 dBFS`"
)]
#[case::measured_crossed(
    "measured: {in: play, of: drift, at-least: 50 ppm, at-most: -50 ppm}",
    "limits-crossed 21:64-71 expect[0].measured.at-most",
    "at most -50 ppm, at least 50 ppm",
    "not below"
)]
#[case::on_the_air_in_another_step(
    "measured: {in: play, of: negotiation-time, at-most: 2 s}",
    "wrong-step 21:20-24 expect[0].measured.in",
    "`measured` needs a step that connects, and `play` is a `play`",
    "`first`"
)]
#[case::on_the_air_in_another_unit(
    "measured: {in: first, of: page-time, at-most: 50 ppm}",
    "wrong-unit 21:51-57 expect[0].measured.at-most",
    "`50 ppm` is not in the unit of what is limited",
    "`500 ms`"
)]
#[case::what_the_signal_does_not_answer(
    "audio: {in: play, howling: false}",
    "wrong-step 21:32-37 expect[0].audio.howling",
    "a recording of the signal `whole` does not answer `howling`",
    "no signal does"
)]
#[case::never(
    "count: {of: dropouts, in: play, at-most: 0 /h}",
    "untestable 21:46-50 expect[0].count.at-most",
    "no time of listening shows that something never happens",
    "`at-most: 1 /h`"
)]
#[case::as_bad_as_good(
    "count: {of: dropouts, in: play, at-most: 3 /h, good: 4 /h}",
    "untestable 21:58-62 expect[0].count.good",
    "`good` is 4 /h, not below the limit of 3 /h",
    "below `at-most`"
)]
#[case::the_sound_of_silence(
    "audio: {in: play, present: false, dropouts-at-most: 0}",
    "wrong-reference 21:57-58 expect[0].audio.dropouts-at-most",
    "there is nothing to expect of the sound",
    "`present: true`"
)]
#[case::of_which_trials(
    "latency: {in: play, at-most: 1 s}",
    "incomplete 21:5-12 expect[0].latency",
    "of which trials?",
    "`percentile: 90`, or `every-trial: true`"
)]
#[case::forgiving_every_trial(
    "latency: {in: play, at-most: 1 s, every-trial: true, good: 99 %}",
    "wrong-reference 21:64-68 expect[0].latency.good",
    "`every-trial` forgives no trial",
    "delete `good`"
)]
#[case::attempts_of_nothing(
    "success-rate: {per: attempt}",
    "incomplete 21:5-17 expect[0].success-rate",
    "attempts of which step?",
    "add `of`"
)]
#[case::attempts_of_what_makes_none(
    "success-rate: {of: first, per: attempt}",
    "wrong-step 21:24-29 expect[0].success-rate.of",
    "needs a step that makes attempts, and `first` is a `connect`",
    "there is none in the trial"
)]
#[case::part_with_a_fault(
    "any: [{success-rate: {of: first}}, {success-rate: {of: pear}}]",
    "unknown-step 21:60-64 expect[0].any[1].success-rate.of",
    "there is no step `pear`",
    "there are"
)]
#[case::part_with_conditions(
    "any: [{success-rate: {of: first}, when: [cold]}, {success-rate: {of: play}}]",
    "wrong-reference 21:39-43 expect[0].any[0].when",
    "a part of `any` cannot have `when`",
    "beside the whole"
)]
#[case::part_with_parts(
    "all: [{success-rate: {of: first}}, {any: [{success-rate: {of: first}}, {success-rate: {of: play}}]}]",
    "wrong-reference 21:41-44 expect[0].all[1].any",
    "a part of `all` cannot have `any`",
    "one list"
)]
#[case::part_of_two_sides(
    "all: [{success-rate: {of: first}}, {difference: {of: latency, in: play, between: [cold, warm], at-most: 5 ms}}]",
    "wrong-reference 21:41-51 expect[0].all[1].difference",
    "a part of `all` cannot have `difference`",
    "an expectation of its own"
)]
#[case::one_part("all: [{success-rate: {of: first}}]", "wrong-length 21:5-8 expect[0].all", "", "")]
#[case::difference_when(
    "difference: {of: latency, in: play, between: [cold, warm], at-most: 5 ms}\n    when: [cold]",
    "wrong-reference 22:5-9 expect[0].when",
    "a difference is between two values",
    "delete `when`"
)]
fn an_expectation_that_cannot_be_judged_is_explained(
    #[case] by: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    let text = with_line(RICH, 21, &format!("  - {by}"));
    one_fault(&[("one.yaml", &text), ("jbl/charge-5.yaml", DEVICE), ("lab.yaml", RIG)], at, message, suggestion);
}

/// A limit that no recording could answer is a fault of the document, found before the night begins.
#[rstest]
#[case::response("smoke", "response: {in: play, at: 60 Hz, at-least: -3 dB}", "response", "`sweep`, `whole`")]
#[case::dropouts("smoke", "audio: {in: play, dropouts-at-most: 0}", "dropouts", "`noise`, `whole`")]
#[case::longest("sweep", "measured: {in: play, of: noise-floor, at-most: -50 dB}", "noise-floor", "`whole`")]
#[case::difference(
    "noise",
    "difference: {of: response, in: play, at: 60 Hz, between: [cold, warm], at-least: 1 dB}",
    "response",
    "`sweep`, `whole`"
)]
#[case::count("sweep", "count: {of: dropouts, in: play, at-most: 1 /h}", "dropouts", "`noise`, `whole`")]
fn a_signal_that_does_not_carry_the_answer_is_refused_with_those_that_do(
    #[case] signal: &str,
    #[case] by: &str,
    #[case] quantity: &str,
    #[case] fitting: &str,
) {
    let text = with_line(&RICH.replace("signal: whole", &format!("signal: {signal}")), 21, &format!("  - {by}"));
    let found = findings(&[("one.yaml", &text), ("jbl/charge-5.yaml", DEVICE), ("lab.yaml", RIG)]);
    let [fault] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(fault.message, format!("a recording of the signal `{signal}` does not answer `{quantity}`"));
    assert_eq!(fault.suggestion.as_deref(), Some(format!("play a signal that does: {fitting}").as_str()));
}

#[test]
fn a_step_of_which_there_are_two_has_to_be_labelled() {
    let text = RICH.replace("    label: first\n", "").replace("of: first", "of: connect");
    one_fault(
        &[("one.yaml", &text), ("jbl/charge-5.yaml", DEVICE)],
        "ambiguous-step 20:24-31 expect[0].success-rate.of",
        "there are 2 steps called `connect`",
        "give the step a `label`",
    );
}

#[test]
fn steps_of_different_conditions_may_share_a_label() {
    let text = RICH.replace("    label: first\n", "    label: first\n    when: [cold]\n").replace(
        "  - wait: {for: $pause}\n",
        "  - wait: {for: $pause}\n  - connect: {profile: hfp}\n    label: first\n    when: [warm]\n",
    );
    assert_eq!(findings(&[("one.yaml", &text), ("jbl/charge-5.yaml", DEVICE)]), []);
}

#[test]
fn a_step_outside_the_trial_is_not_judged() {
    let text = RICH.replace("of: first", "of: forget").replace("repeat:", "cleanup: [{forget: {}}]\nrepeat:");
    one_fault(
        &[("one.yaml", &text), ("jbl/charge-5.yaml", DEVICE)],
        "unknown-step 22:24-30 expect[0].success-rate.of",
        "the step `forget` is part of `cleanup`, not of the trial",
        "",
    );
}
