//! Two series of trials: which test is used, and what is said of them.

use rigtone_judge::{
    Confidence, Interval,
    comparison::{By, Compared, Margins, Matched, Side, SideError, Trial, compare},
    pairs::{mcnemar, signed_rank},
    sequential::Outcome,
};
use rigtone_model::comparison::{Answer, Comparison, Method};
use rigtone_model::document::{Expect, Expectation};
use rstest::rstest;
use serde_json::json;

fn confidence() -> Confidence {
    Confidence::new(0.95).expect("a confidence")
}

fn expect(value: serde_json::Value) -> Expect {
    serde_json::from_value(value).expect("an expectation")
}

fn latency() -> Expect {
    expect(json!({"latency": {"in": "play", "percentile": 90, "at-most": "220 ms"}}))
}

fn rate() -> Expect {
    expect(json!({"success-rate": {"of": "pair"}}))
}

/// Trials that begin at these times, numbered from 1.
fn side(trials: impl IntoIterator<Item = (i64, Outcome, Option<f64>)>) -> Side {
    let trials = trials.into_iter().zip(1..).map(|((began_ns, outcome, value), number)| Trial {
        number,
        began_ns,
        outcome,
        value: value.map(|value| Interval { lower: value, upper: value }),
        counted: None,
    });
    Side { trials: trials.collect(), one_series: true, run: Some(0) }
}

/// Values at every second instant from `from` on.
fn values(from: i64, values: &[f64]) -> Side {
    side(values.iter().enumerate().map(|(n, value)| (from + 2 * n as i64, Outcome::Success, Some(*value))))
}

/// So many that held, then so many that did not, one after the other from `from` on.
fn rates(from: i64, held: usize, failed: usize) -> Side {
    let outcomes = std::iter::repeat_n(Outcome::Success, held).chain(std::iter::repeat_n(Outcome::Failure, failed));
    side(outcomes.enumerate().map(|(n, outcome)| (from + n as i64, outcome, None)))
}

fn answers(asked: &[(&Expect, Side, Side)], margins: &Margins) -> Vec<Comparison> {
    let compared: Vec<Compared> = asked
        .iter()
        .map(|(e, a, b)| compare(&e.expectation(), a, b, confidence()).expect("trials on both sides"))
        .collect();
    Compared::answered(&compared, margins, confidence())
}

fn answer(expect: &Expect, first: Side, second: Side, margin: Option<(&str, f64)>) -> Comparison {
    let mut margins = Margins::default();
    if let Some((unit, value)) = margin {
        margins.set(unit, value);
    }
    answers(&[(expect, first, second)], &margins).remove(0)
}

const SLOW: [f64; 12] = [230.1, 228.0, 231.5, 229.9, 232.2, 227.4, 230.8, 229.1, 231.0, 228.8, 230.3, 229.5];
const FAST: [f64; 12] = [210.2, 209.1, 212.4, 208.8, 211.7, 210.9, 209.6, 211.1, 210.0, 212.0, 208.2, 210.5];

#[rstest]
// The second side is what is spoken of.
#[case::faster(&SLOW, &FAST, None, Answer::Better)]
#[case::slower(&FAST, &SLOW, None, Answer::Worse)]
#[case::slower_by_less_than_matters(&FAST, &SLOW, Some(("ms", 30.0)), Answer::Same)]
#[case::slower_by_about_what_matters(&FAST, &SLOW, Some(("ms", 20.0)), Answer::CannotTell)]
#[case::equal_without_a_margin(&FAST, &FAST, None, Answer::CannotTell)]
#[case::equal_within_a_margin(&FAST, &FAST, Some(("ms", 5.0)), Answer::Same)]
#[case::a_margin_of_another_unit(&FAST, &FAST, Some(("%", 5.0)), Answer::CannotTell)]
#[case::too_few(&SLOW[..3], &FAST[..3], None, Answer::CannotTell)]
fn latencies_are_compared_by_ranks(
    #[case] first: &[f64],
    #[case] second: &[f64],
    #[case] margin: Option<(&str, f64)>,
    #[case] wanted: Answer,
) {
    // One after the other: nobody took turns.
    let found = answer(&latency(), values(0, first), values(1_000, second), margin);
    assert_eq!((found.answer, found.method), (wanted, Method::MannWhitney), "{found:?}");
}

#[test]
fn what_is_never_heard_is_worse_than_what_is_late() {
    let silent = [f64::INFINITY; 12];
    let found = answer(&latency(), values(0, &SLOW), values(1_000, &silent), None);
    assert_eq!((found.answer, found.second.estimate, found.difference), (Answer::Worse, None, None));
}

/// A quantity with limits on both sides has no better end.
#[test]
fn without_a_direction_a_difference_is_only_that() {
    let drift = expect(json!({"measured": {"in": "play", "of": "drift", "at-least": "-50 ppm", "at-most": "50 ppm"}}));
    assert_eq!(answer(&drift, values(0, &SLOW), values(1_000, &FAST), None).answer, Answer::Different);
    let louder = expect(json!({"measured": {"in": "play", "of": "level", "at-least": "-50 dBFS"}}));
    assert_eq!(answer(&louder, values(0, &FAST), values(1_000, &SLOW), None).answer, Answer::Better);
}

#[rstest]
#[case::fails_now((60, 0), (40, 20), None, Answer::Worse)]
#[case::works_now((40, 20), (60, 0), None, Answer::Better)]
#[case::thirty_show_too_little((30, 0), (25, 5), None, Answer::CannotTell)]
#[case::the_same_within_a_margin((400, 4), (398, 6), Some(("%", 5.0)), Answer::Same)]
fn rates_are_compared_exactly(
    #[case] first: (usize, usize),
    #[case] second: (usize, usize),
    #[case] margin: Option<(&str, f64)>,
    #[case] wanted: Answer,
) {
    let found = answer(&rate(), rates(0, first.0, first.1), rates(10_000, second.0, second.1), margin);
    assert_eq!((found.answer, found.method), (wanted, Method::Fisher), "{found:?}");
    assert_eq!(found.needed.is_some(), wanted == Answer::CannotTell);
}

/// Each of 100 questions alone would be answered by chance once in twenty.
#[test]
fn many_questions_need_more_than_one_alone() {
    let one = (&rate(), rates(0, 50, 0), rates(10_000, 42, 8));
    assert_eq!(answers(std::slice::from_ref(&one), &Margins::default())[0].answer, Answer::Worse);
    let same = (one.0, rates(0, 49, 1), rates(10_000, 49, 1));
    let mut asked = vec![one];
    asked.extend(std::iter::repeat_n(same, 99));
    let found = &answers(&asked, &Margins::default())[0];
    assert!(found.answer == Answer::CannotTell && found.p < 0.05 && found.p_adjusted > 0.05, "{found:?}");
}

/// The same values: the room warms up by 3 ms from trial to trial, and the second condition is 1 ms slower each time.
#[test]
fn trials_that_took_turns_are_compared_in_pairs() {
    let first: Vec<f64> = (0..12).map(|n| 200.0 + 3.0 * f64::from(n)).collect();
    let second: Vec<f64> = first.iter().map(|value| value + 1.0 + 0.01 * (value % 7.0)).collect();
    let apart = answer(&latency(), values(0, &first), values(1_000, &second), None);
    assert_eq!((apart.answer, apart.method), (Answer::CannotTell, Method::MannWhitney));
    let paired = answer(&latency(), values(0, &first), values(1, &second), None);
    assert_eq!((paired.answer, paired.method), (Answer::Worse, Method::SignedRank), "{paired:?}");
    // Of two runs nobody knows whether they took turns.
    let other = Side { run: Some(1), ..values(1, &second) };
    assert_eq!(answer(&latency(), values(0, &first), other, None).method, Method::MannWhitney);
}

#[test]
fn what_does_not_tell_is_counted_and_left_out() {
    let mut second = rates(1_000, 18, 0);
    second.trials[3].outcome = Outcome::Ambiguous;
    let found = answer(&rate(), rates(0, 20, 0), second, None);
    assert_eq!((found.second.n, found.second.ambiguous), (17, 1));
    let nothing = compare(&rate().expectation(), &Side::default(), &rates(0, 1, 0), confidence());
    assert!(nothing.is_none());
}

#[test]
fn events_are_compared_by_their_share_of_the_time() {
    let count = expect(json!({"count": {"of": "dropouts", "at-most": "3 /h"}}));
    let counted = |events: u64| {
        let mut side = side((0..10).map(|n| (n, Outcome::Ambiguous, None)));
        side.trials.iter_mut().for_each(|trial| trial.counted = Some((events, 1.0)));
        side
    };
    let found = answer(&count, counted(1), counted(4), None);
    assert_eq!(
        (found.answer, found.method, found.difference),
        (Answer::Worse, Method::Poisson, Some(4.0)),
        "{found:?}"
    );
    assert_eq!(answer(&count, counted(0), counted(1), None).difference, None);
}

#[test]
fn pairs_are_known() {
    // R. A. Fisher, "The Design of Experiments" (Darwin's maize): crossed less self-fertilised, in eighths of an inch.
    let maize = [49.0, -67.0, 8.0, 16.0, 6.0, 23.0, 28.0, 41.0, 14.0, 29.0, 56.0, 24.0, 75.0, 60.0, -48.0];
    let found = signed_rank(&maize, confidence()).expect("pairs");
    assert_eq!(found.w, 96.0);
    // 1348 of 2^15 sums are so far out.
    assert!((found.two_sided - 0.041_259_765_625).abs() < 1e-12, "{found:?}");
    assert!(found.interval.lower > 0.0 && found.interval.lower < found.estimate, "{found:?}");
    assert!((mcnemar(1, 9) - 22.0 / 1024.0).abs() < 1e-12);
    assert_eq!((mcnemar(0, 0), mcnemar(5, 5)), (1.0, 1.0));
    assert!(signed_rank(&[], confidence()).is_none() && signed_rank(&[f64::NAN], confidence()).is_none());
    assert_eq!(signed_rank(&[0.0; 5], confidence()).expect("pairs").two_sided, 1.0);
}

#[rstest]
#[case("run", By::Run)]
#[case("condition", By::Condition)]
#[case("codec", By::Axis("codec".into()))]
#[case("speaker.firmware", By::Firmware("speaker".into()))]
fn what_is_compared_is_written_as_it_is_read(#[case] text: &str, #[case] by: By) {
    assert_eq!(text.parse(), Ok(by.clone()));
    assert_eq!(by.to_string(), text);
}

#[rstest]
#[case("", "write `run`")]
#[case("a=b", "write `run`")]
#[case("speaker.colour", "`colour`")]
fn anything_else_is_refused(#[case] text: &str, #[case] why: &str) {
    assert!(text.parse::<By>().expect_err("no key").contains(why));
}

#[test]
fn sides_are_found_or_asked_for() {
    let by = By::Axis("codec".into());
    let mut matched = Matched::default();
    assert!(matches!(matched.sides(&by, None), Err(SideError::Nothing { seen: None, .. })));
    matched.add("s".into(), "sbc".into(), 0);
    assert!(matches!(matched.sides(&by, None), Err(SideError::Nothing { seen: Some(_), .. })));
    matched.add("s".into(), "aac".into(), 1);
    matched.add("t".into(), "aac".into(), 2);
    let sides = matched.sides(&by, None).expect("two");
    assert_eq!(sides, ("aac".into(), "sbc".into()));
    assert_eq!(matched.pairs(&sides), (vec![("s", &[1][..], &[0][..])], vec!["t"]));
    assert!(matches!(matched.sides(&by, Some(("aac", "ldac"))), Err(SideError::NoSuchValue { .. })));
    matched.add("t".into(), "ldac".into(), 3);
    assert!(matches!(matched.sides(&by, None), Err(SideError::TooMany { .. })));
    assert_eq!(matched.sides(&by, Some(("ldac", "aac"))), Ok(("ldac".into(), "aac".into())));
}

#[test]
fn kinds_without_trials_of_their_own_are_not_compared() {
    let role = expect(json!({"role": {"of": "speaker", "is": "a2dp-sink"}}));
    assert!(matches!(role.expectation(), Expectation::Role(_)));
    assert!(compare(&role.expectation(), &rates(0, 1, 0), &rates(0, 1, 0), confidence()).is_none());
}
