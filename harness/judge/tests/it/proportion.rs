use proptest::prelude::*;
use rigtone_judge::proportion::{Proportion, ProportionError, zero_failure_trials};
use rigtone_judge::{Confidence, Gate, LevelError, Rate};
use rstest::rstest;

use crate::{cases, rate, shows, sure};

fn of(successes: u64, trials: u64) -> Proportion {
    Proportion::new(successes, trials).unwrap()
}

#[rstest]
#[case(0, 10, (0.0, 0.277533), (0.0, 0.308497), 0.0)]
#[case(10, 10, (0.722467, 1.0), (0.691503, 1.0), 0.741134)]
#[case(9, 10, (0.595850, 0.982124), (0.554984, 0.997471), 0.605837)]
#[case(29, 30, (0.833296, 0.994091), (0.827831, 0.999156), 0.851404)]
#[case(30, 30, (0.886487, 1.0), (0.884297, 1.0), 0.904966)]
#[case(48, 50, (0.865399, 0.988961), (0.862862, 0.995119), 0.879386)]
#[case(95, 100, (0.888250, 0.978456), (0.887165, 0.983568), 0.897747)]
#[case(59, 59, (0.938871, 1.0), (0.939391, 1.0), 0.950492)]
#[case(299, 299, (0.987315, 1.0), (0.987738, 1.0), 0.990031)]
fn intervals_as_computed_by_scipy(
    #[case] k: u64,
    #[case] n: u64,
    #[case] wilson: (f64, f64),
    #[case] exact: (f64, f64),
    #[case] one_sided: f64,
) {
    let (displayed, two_sided) = (of(k, n).wilson(sure(0.95)), of(k, n).clopper_pearson(sure(0.95)));
    shows(displayed.lower, wilson.0, 6);
    shows(displayed.upper, wilson.1, 6);
    shows(two_sided.lower, exact.0, 6);
    shows(two_sided.upper, exact.1, 6);
    shows(of(k, n).lower_bound(sure(0.95)), one_sided, 6);
}

#[rstest]
#[case(81, 263, (0.2553, 0.3662), (0.2527, 0.3676))]
#[case(15, 148, (0.0624, 0.1605), (0.0578, 0.1617))]
#[case(0, 20, (0.0, 0.1611), (0.0, 0.1684))]
#[case(1, 29, (0.0061, 0.1718), (0.0009, 0.1776))]
fn intervals_as_published_by_newcombe(
    #[case] k: u64,
    #[case] n: u64,
    #[case] wilson: (f64, f64),
    #[case] exact: (f64, f64),
) {
    let (displayed, two_sided) = (of(k, n).wilson(sure(0.95)), of(k, n).clopper_pearson(sure(0.95)));
    shows(displayed.lower, wilson.0, 4);
    shows(displayed.upper, wilson.1, 4);
    shows(two_sided.lower, exact.0, 4);
    shows(two_sided.upper, exact.1, 4);
}

#[rstest]
#[case(0, 0.0950)]
#[case(1, 0.1486)]
#[case(2, 0.1953)]
#[case(3, 0.2386)]
#[case(4, 0.2796)]
#[case(5, 0.3190)]
fn upper_bound_of_failures_of_thirty(#[case] failures: u64, #[case] bound: f64) {
    shows(of(failures, 30).upper_bound(sure(0.95)), bound, 4);
}

#[rstest]
#[case(0.90, 29)]
#[case(0.95, 59)]
#[case(0.98, 149)]
#[case(0.99, 299)]
#[case(0.995, 598)]
#[case(0.999, 2995)]
fn trials_without_failure_that_demonstrate_a_rate(#[case] required: f64, #[case] n: u64) {
    assert_eq!(zero_failure_trials(rate(required), sure(0.95)), n);
    assert_eq!(of(0, 0).needed(rate(required), sure(0.95)), Some(n));
}

#[test]
fn a_bound_that_equals_the_required_rate_needs_no_further_trial() {
    // 0.5³ = 0.125 exactly.
    assert_eq!(zero_failure_trials(rate(0.5), sure(0.875)), 3);
    assert_eq!(of(3, 3).gate(rate(0.5), sure(0.875)), Gate::Pass);
}

#[rstest]
#[case(10, 10, Some(19))]
#[case(29, 29, Some(0))]
#[case(9, 10, Some(36))] // one failure: 46 trials in all
#[case(58, 60, Some(1))] // two failures: 61 trials in all
#[case(0, 1_000_000_000, None)]
fn further_successes_needed_for_ninety_percent(#[case] k: u64, #[case] n: u64, #[case] needed: Option<u64>) {
    assert_eq!(of(k, n).needed(rate(0.9), sure(0.95)), needed);
}

#[rstest]
#[case(29, 29, Gate::Pass)]
#[case(28, 28, Gate::Inconclusive)]
#[case(27, 30, Gate::Inconclusive)]
#[case(20, 30, Gate::Fail)]
#[case(0, 0, Gate::Inconclusive)]
fn gate_at_ninety_percent(#[case] k: u64, #[case] n: u64, #[case] gate: Gate) {
    assert_eq!(of(k, n).gate(rate(0.9), sure(0.95)), gate);
}

#[test]
fn nothing_is_known_without_trials() {
    let none = of(0, 0);
    assert_eq!(none.estimate(), None);
    assert_eq!((none.wilson(sure(0.95)).lower, none.wilson(sure(0.95)).upper), (0.0, 1.0));
    assert_eq!((none.lower_bound(sure(0.95)), none.upper_bound(sure(0.95))), (0.0, 1.0));
}

#[test]
fn more_successes_than_trials_are_refused() {
    assert_eq!(Proportion::new(3, 2), Err(ProportionError::TooManySuccesses { successes: 3, trials: 2 }));
}

#[rstest]
#[case(0.0)]
#[case(1.0)]
#[case(-0.1)]
#[case(f64::INFINITY)]
fn levels_outside_zero_to_one_are_refused(#[case] value: f64) {
    assert_eq!(Rate::new(value), Err(LevelError::Rate { value }));
    assert_eq!(Confidence::new(value), Err(LevelError::Confidence { value }));
    assert!(serde_json::from_value::<Rate>(serde_json::json!(value)).is_err());
}

#[test]
fn levels_that_are_not_numbers_are_refused() {
    assert!(Rate::new(f64::NAN).is_err() && Confidence::new(f64::NAN).is_err());
}

/// The probability that an interval covers the true rate, over all outcomes of n trials.
fn coverage(n: u64, p: f64, covers: impl Fn(Proportion) -> bool) -> f64 {
    use rigtone_judge::binomial::at_most;
    (0..=n)
        .filter(|k| covers(of(*k, n)))
        .map(|k| at_most(k, n, p) - if k > 0 { at_most(k - 1, n, p) } else { 0.0 })
        .sum()
}

#[rstest]
fn clopper_pearson_covers_at_least_as_stated(#[values(1, 5, 10, 30, 59)] n: u64) {
    for step in 1..100 {
        let p = f64::from(step) / 100.0;
        let two_sided = |x: Proportion| {
            let interval = x.clopper_pearson(sure(0.95));
            interval.lower <= p && p <= interval.upper
        };
        assert!(coverage(n, p, two_sided) >= 0.95 - 1e-9, "two-sided, n {n}, p {p}");
        assert!(coverage(n, p, |x| x.lower_bound(sure(0.95)) <= p) >= 0.95 - 1e-9, "lower, n {n}, p {p}");
        assert!(coverage(n, p, |x| x.upper_bound(sure(0.95)) >= p) >= 0.95 - 1e-9, "upper, n {n}, p {p}");
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn bounds_grow_with_successes_and_hold_the_estimate(n in 1_u64..2000, share in 0.0..1.0_f64, c in 0.5..0.999_f64) {
        let k = (share * n as f64) as u64;
        let (less, more) = (of(k, n), of(k + 1, n));
        prop_assert!(less.lower_bound(sure(c)) < more.lower_bound(sure(c)));
        prop_assert!(less.upper_bound(sure(c)) <= more.upper_bound(sure(c)));
        for interval in [less.wilson(sure(c)), less.clopper_pearson(sure(c))] {
            let estimate = less.estimate().unwrap();
            prop_assert!(0.0 <= interval.lower && interval.lower <= estimate);
            prop_assert!(estimate <= interval.upper && interval.upper <= 1.0);
        }
    }

    #[test]
    fn what_is_needed_suffices_and_one_less_does_not(n in 0_u64..200, failures in 0_u64..8, required in 0.5..0.99_f64) {
        let x = of(n.saturating_sub(failures), n.max(failures));
        let required = rate(required);
        let more = x.needed(required, sure(0.95)).unwrap();
        let after = |more| of(x.successes() + more, x.trials() + more).gate(required, sure(0.95));
        prop_assert_eq!(after(more), Gate::Pass);
        prop_assert!(more == 0 || after(more - 1) != Gate::Pass);
    }
}
