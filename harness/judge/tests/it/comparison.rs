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

/// So many pairs that took turns: both held, only the first did, only the second, neither.
fn turns((both, only_first, only_second, neither): (usize, usize, usize, usize)) -> (Side, Side) {
    use Outcome::{Failure, Success};
    let kinds = [
        (both, (Success, Success)),
        (only_first, (Success, Failure)),
        (only_second, (Failure, Success)),
        (neither, (Failure, Failure)),
    ];
    let pairs: Vec<(Outcome, Outcome)> = kinds.into_iter().flat_map(|(n, kind)| std::iter::repeat_n(kind, n)).collect();
    let of = |from: i64, which: fn(&(Outcome, Outcome)) -> Outcome| {
        side(pairs.iter().enumerate().map(|(n, pair)| (from + 2 * n as i64, which(pair), None)))
    };
    (of(0, |pair| pair.0), of(1, |pair| pair.1))
}

/// The answer to a question among so many, the others of which show nothing.
fn among(questions: usize, expect: &Expect, (first, second): (Side, Side), margin: Option<(&str, f64)>) -> Comparison {
    let mut margins = Margins::default();
    if let Some((unit, value)) = margin {
        margins.set(unit, value);
    }
    let others = rate();
    let mut asked = vec![(expect, first, second)];
    asked.extend(std::iter::repeat_n((&others, rates(0, 5, 0), rates(10_000, 5, 0)), questions - 1));
    answers(&asked, &margins).remove(0)
}

/// Beyond 50 numbers are tried in steps of a fiftieth.
#[track_caller]
fn needs(found: &Comparison, wanted: u64) {
    assert_eq!(found.answer, Answer::CannotTell, "{found:?}");
    let needed = found.needed.expect("a number");
    assert!((wanted..=wanted + wanted / 50).contains(&needed), "{needed} instead of {wanted}");
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

/// Counted with SciPy 1.17.1 over all results of so many trials with the rates seen: of how many trials Fisher's test reaches 5 % by the number of
/// questions in 80 % of cases, and with a margin the interval lies beyond it.
#[rstest]
#[case::thirty_are_too_few((30, 0), (25, 5), 1, None, 46)]
// 2 / C(12, 6) is the first below a tenth of 5 %.
#[case::opposed((0, 5), (5, 0), 10, None, 6)]
#[case::nearly((48, 2), (41, 9), 1, None, 83)]
#[case::nearly_among_many((48, 2), (41, 9), 20, None, 150)]
#[case::beyond_a_margin((60, 0), (50, 10), 1, Some(("%", 10.0)), 217)]
fn trials_that_are_needed_are_those_of_the_test(
    #[case] first: (usize, usize),
    #[case] second: (usize, usize),
    #[case] questions: usize,
    #[case] margin: Option<(&str, f64)>,
    #[case] wanted: u64,
) {
    let sides = (rates(0, first.0, first.1), rates(10_000, second.0, second.1));
    let found = among(questions, &rate(), sides, margin);
    assert_eq!(found.method, Method::Fisher);
    needs(&found, wanted);
}

/// The same of McNemar's test. Of pairs that are all opposed 2^(1 - n) must come below 5 % by the number of questions.
#[rstest]
#[case::opposed((0, 0, 5, 0), 1, None, 6)]
#[case::opposed_among_ten((0, 0, 5, 0), 10, None, 9)]
#[case::opposed_the_other_way((0, 5, 0, 0), 10, None, 9)]
#[case::mostly_alike((13, 1, 6, 0), 1, None, 45)]
#[case::mostly_alike_among_ten((13, 1, 6, 0), 10, None, 72)]
#[case::beyond_a_margin((30, 2, 8, 0), 1, Some(("%", 5.0)), 251)]
fn pairs_that_are_needed_are_those_of_the_test(
    #[case] pairs: (usize, usize, usize, usize),
    #[case] questions: usize,
    #[case] margin: Option<(&str, f64)>,
    #[case] wanted: u64,
) {
    let found = among(questions, &rate(), turns(pairs), margin);
    assert_eq!(found.method, Method::Mcnemar);
    needs(&found, wanted);
}

/// Events in ten hours of either side; SciPy as above, with the binomial test of the sum.
#[rstest]
#[case(2, 6, 1, 43)]
#[case(0, 4, 1, 20)]
#[case(0, 4, 4, 26)]
fn hours_that_are_needed_are_those_of_the_test(
    #[case] first: u64,
    #[case] second: u64,
    #[case] questions: usize,
    #[case] wanted: u64,
) {
    let count = expect(json!({"count": {"of": "dropouts", "at-most": "3 /h"}}));
    let counted = |events: u64| {
        let mut side = side((0..10).map(|n| (n, Outcome::Ambiguous, None)));
        side.trials
            .iter_mut()
            .zip(0..)
            .for_each(|(trial, n)| trial.counted = Some((if n == 0 { events } else { 0 }, 1.0)));
        side
    };
    needs(&among(questions, &count, (counted(first), counted(second)), None), wanted);
}

const RISING: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];
const RAISED: [f64; 5] = [3.5, 4.5, 5.5, 6.5, 2.5];
const MOSTLY_UP: [f64; 8] = [1.0, 2.0, 3.0, 4.0, 5.0, -1.5, -2.5, 6.0];

/// By E. L. Lehmann's approximation in NumPy, and never fewer than 2 / C(2n, n) and 2^(1 - n) allow.
#[rstest]
#[case::all_apart(&RISING[..3], &[4.0, 5.0, 6.0], 1, 4)]
#[case::all_apart_among_ten(&RISING[..3], &[4.0, 5.0, 6.0], 10, 6)]
#[case::overlapping(&RISING, &RAISED, 1, 18)]
#[case::overlapping_among_ten(&RISING, &RAISED, 10, 30)]
fn values_that_are_needed_are_those_of_the_ranks(
    #[case] first: &[f64],
    #[case] second: &[f64],
    #[case] questions: usize,
    #[case] wanted: u64,
) {
    let found = among(questions, &latency(), (values(0, first), values(1_000, second)), None);
    assert_eq!(found.method, Method::MannWhitney);
    needs(&found, wanted);
}

#[rstest]
#[case(1, 16)]
#[case(10, 28)]
fn differences_that_are_needed_are_those_of_the_signed_ranks(#[case] questions: usize, #[case] wanted: u64) {
    let first = [200.0; 8];
    let second = MOSTLY_UP.map(|by| 200.0 + by);
    let found = among(questions, &latency(), (values(0, &first), values(1, &second)), None);
    assert_eq!(found.method, Method::SignedRank);
    needs(&found, wanted);
}

/// What so many trials did not show, as many do not show: of whatever size the sides and however many questions.
#[test]
fn more_trials_are_needed_than_did_not_show_it() {
    for (n, m, questions) in [(5, 5, 1), (5, 5, 30), (4, 9, 3)] {
        // The harmonic mean: what two equal sides would have told.
        let tried = 2.0 * (n * m) as f64 / (n + m) as f64;
        for (k, l) in (0..=n).flat_map(|k| (0..=m).map(move |l| (k, l))) {
            let apart = among(questions, &rate(), (rates(0, k, n - k), rates(10_000, l, m - l)), None);
            assert!(apart.needed.is_none_or(|needed| needed as f64 > tried), "{apart:?}");
            if n == m {
                let paired = among(questions, &rate(), turns((0, k, l.min(n - k), n - k - l.min(n - k))), None);
                assert!(paired.needed.is_none_or(|needed| needed as f64 > tried), "{paired:?}");
            }
        }
    }
}

/// What lies within the margin is never shown to lie beyond it.
#[test]
fn no_number_of_trials_shows_a_difference_that_does_not_matter() {
    let found = among(1, &rate(), (rates(0, 20, 0), rates(10_000, 18, 2)), Some(("%", 15.0)));
    assert_eq!((found.answer, found.needed), (Answer::CannotTell, None), "{found:?}");
}

/// The interval lies on one side of no difference where the p-value beside it shows one, and on both where it does not, and the answer to a single question goes by both.
#[test]
fn interval_and_test_say_the_same() {
    let agrees = |found: &Comparison| {
        let (low, high) = (found.low.expect("bounded"), found.high.expect("bounded"));
        let shown = found.p <= confidence().alpha();
        let difference = found.difference.expect("a difference");
        // Where the two disagreed the interval ends at no difference.
        assert!(!shown || (low >= 0.0 && difference > 0.0) || (high <= 0.0 && difference < 0.0), "{found:?}");
        assert!(shown || (low <= 0.0 && high >= 0.0), "{found:?}");
        assert_eq!(shown, found.answer != Answer::CannotTell, "{found:?}");
    };
    // Newcombe's interval and Fisher's test disagree about some of these, either way.
    for (n, m) in [(6, 3), (9, 6), (10, 4)] {
        for (k, l) in (0..=n).flat_map(|k| (0..=m).map(move |l| (k, l))) {
            agrees(&answer(&rate(), rates(0, k, n - k), rates(10_000, l, m - l), None));
        }
    }
    for (first, second) in (0..=9).flat_map(|first| (0..=9 - first).map(move |second| (first, second))) {
        let (of_first, of_second) = turns((9 - first - second, first, second, 0));
        agrees(&answer(&rate(), of_first, of_second, None));
    }
}

/// Of pairs: Clopper-Pearson limits of the share of unlike ones and of those that lean to the second, from SciPy's beta distribution, multiplied.
#[rstest]
#[case::opposed((0, 0, 5, 0), -4.364_750, 100.0)]
#[case::one_more_shows_it((0, 0, 6, 0), 4.406_167, 100.0)]
#[case::alike((5, 0, 0, 0), -52.182_375, 52.182_375)]
#[case::mostly_alike((13, 1, 6, 0), -9.323_795, 58.791_258)]
#[case::the_other_way((13, 6, 1, 0), -58.791_258, 9.323_795)]
fn the_interval_of_pairs_is_known(#[case] pairs: (usize, usize, usize, usize), #[case] low: f64, #[case] high: f64) {
    let (of_first, of_second) = turns(pairs);
    let found = answer(&rate(), of_first, of_second, None);
    assert_eq!(found.method, Method::Mcnemar);
    assert!((found.low.expect("bounded") - low).abs() < 1e-6, "{found:?}");
    assert!((found.high.expect("bounded") - high).abs() < 1e-6, "{found:?}");
}

/// Over all results of twelve pairs each end of their interval is missed in at most half of 5 %, whatever the shares.
#[test]
fn the_interval_of_pairs_covers_what_it_says() {
    const PAIRS: usize = 12;
    let results: Vec<(usize, usize, f64, f64)> = (0..=PAIRS)
        .flat_map(|first| (0..=PAIRS - first).map(move |second| (first, second)))
        .map(|(first, second)| {
            let (of_first, of_second) = turns((PAIRS - first - second, first, second, 0));
            let found = answer(&rate(), of_first, of_second, None);
            (first, second, found.low.expect("bounded") / 100.0, found.high.expect("bounded") / 100.0)
        })
        .collect();
    let ways = |n: usize, k: usize| (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product::<f64>();
    for (p, q) in (0..=20).flat_map(|p| (0..=20 - p).map(move |q| (f64::from(p) / 20.0, f64::from(q) / 20.0))) {
        let (mut below, mut above) = (0.0, 0.0);
        for &(first, second, low, high) in &results {
            let rest = PAIRS - first - second;
            let share = ways(PAIRS, first)
                * ways(PAIRS - first, second)
                * p.powi(first as i32)
                * q.powi(second as i32)
                * (1.0 - p - q).max(0.0).powi(rest as i32);
            below += if q - p < low - 1e-9 { share } else { 0.0 };
            above += if q - p > high + 1e-9 { share } else { 0.0 };
        }
        assert!(below <= 0.025 && above <= 0.025, "{p} {q}: {below} {above}");
    }
}

/// Two that never came are not apart by nothing: nobody knows by what.
#[rstest]
#[case::one_after_the_other(1_000, Method::MannWhitney)]
#[case::in_turns(1, Method::SignedRank)]
fn what_never_came_on_either_side_is_not_the_same(#[case] from: i64, #[case] method: Method) {
    let never = [f64::INFINITY; 12];
    let found = answer(&latency(), values(0, &never), values(from, &never), Some(("ms", 10.0)));
    assert_eq!((found.answer, found.method, found.p), (Answer::CannotTell, method, 1.0), "{found:?}");
    assert_eq!((found.difference, found.low, found.high, found.needed), (None, None, None, None), "{found:?}");
    // Of twenty each twelve never came: of all 400 differences 96 are gains without end, 96 losses, and 144 unknown. The 128th is open.
    let mut some = FAST.map(|_| f64::INFINITY).to_vec();
    some.extend(&FAST[..8]);
    let found = answer(&latency(), values(0, &some), values(1_000, &some), Some(("ms", 10.0)));
    assert_eq!((found.answer, found.low, found.high), (Answer::CannotTell, None, None), "{found:?}");
    // A single one of twelve leaves the middle known.
    let mut one = FAST;
    one[4] = f64::INFINITY;
    let found = answer(&latency(), values(0, &one), values(from, &one), Some(("ms", 10.0)));
    assert_eq!((found.answer, found.difference), (Answer::Same, Some(0.0)), "{found:?}");
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
