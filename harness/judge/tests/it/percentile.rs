use proptest::prelude::*;
use rigtone_judge::percentile::{
    Sample, SampleError, interval_ranks, lower_bound_rank, smallest_n_for_interval, smallest_n_for_lower_bound,
    smallest_n_for_upper_bound, upper_bound_rank,
};
use rigtone_judge::{Gate, Interval};
use rstest::rstest;

use crate::{cases, rate, shows, sure};

const NEVER: f64 = f64::INFINITY;

fn counted(n: u64) -> Sample {
    Sample::new((1..=n).map(|v| v as f64).collect()).unwrap()
}

#[rstest]
#[case(20, 0.5, (6, 15), 0.9586)]
#[case(30, 0.5, (10, 21), 0.9572)]
#[case(50, 0.5, (18, 32), 0.9511)]
#[case(50, 0.9, (41, 50), 0.9703)]
#[case(59, 0.95, (50, 59), 0.9509)]
#[case(100, 0.95, (91, 100), 0.9659)]
fn narrowest_interval_as_computed_by_scipy(
    #[case] n: u64,
    #[case] level: f64,
    #[case] places: (u64, u64),
    #[case] coverage: f64,
) {
    let ranks = interval_ranks(n, rate(level), sure(0.95)).unwrap();
    assert_eq!((ranks.lower, ranks.upper), places);
    shows(ranks.coverage, coverage, 4);
}

#[test]
fn twenty_values_have_no_interval_for_p95() {
    assert_eq!(interval_ranks(20, rate(0.95), sure(0.95)), None);
    assert_eq!(counted(20).interval(rate(0.95), sure(0.95)), None);
    // The whole sample covers 0.6415.
    assert_eq!(interval_ranks(20, rate(0.95), sure(0.6416)), None);
    shows(interval_ranks(20, rate(0.95), sure(0.6415)).unwrap().coverage, 0.6415, 4);
}

#[rstest]
#[case(0.90, 29)]
#[case(0.95, 59)]
#[case(0.99, 299)]
fn largest_value_is_a_bound_only_from_n(#[case] level: f64, #[case] n: u64) {
    assert_eq!(smallest_n_for_upper_bound(rate(level), sure(0.95)), n);
    assert_eq!(smallest_n_for_lower_bound(rate(1.0 - level), sure(0.95)), n);
    assert_eq!(upper_bound_rank(n - 1, rate(level), sure(0.95)), None);
    assert_eq!(upper_bound_rank(n, rate(level), sure(0.95)), Some(n));
    assert_eq!(lower_bound_rank(n - 1, rate(1.0 - level), sure(0.95)), None);
    assert_eq!(lower_bound_rank(n, rate(1.0 - level), sure(0.95)), Some(1));
}

#[rstest]
fn an_interval_exists_from_the_stated_n_on(
    #[values(0.05, 0.5, 0.9, 0.95, 0.99)] level: f64,
    #[values(0.1, 0.9, 0.95, 0.99)] confidence: f64,
) {
    let n = smallest_n_for_interval(rate(level), sure(confidence));
    assert!(interval_ranks(n, rate(level), sure(confidence)).is_some());
    assert_eq!(interval_ranks(n - 1, rate(level), sure(confidence)), None);
}

#[rstest]
#[case::all_fast(vec![100.0; 29], Gate::Pass)]
#[case::one_short(vec![100.0; 28], Gate::Inconclusive)]
#[case::never_heard(vec![NEVER; 29], Gate::Fail)]
#[case::nothing(vec![], Gate::Inconclusive)]
fn gate_of_p90_within_220_ms(#[case] values: Vec<f64>, #[case] gate: Gate) {
    assert_eq!(Sample::new(values).unwrap().gate(rate(0.9), 220.0, sure(0.95)), gate);
}

#[test]
fn a_limit_that_is_not_a_number_decides_nothing() {
    assert_eq!(counted(100).gate(rate(0.9), f64::NAN, sure(0.95)), Gate::Inconclusive);
}

#[test]
fn a_sound_never_heard_takes_the_last_place() {
    let mut values = vec![100.0; 99];
    values.push(NEVER);
    let sample = Sample::new(values).unwrap();
    assert_eq!(sample.estimate(rate(0.99)), Some(Interval { lower: 100.0, upper: 100.0 }));
    assert_eq!(sample.upper_bound(rate(0.9), sure(0.95)), Some(100.0));
    assert_eq!(sample.upper_bound(rate(0.95), sure(0.99)), Some(NEVER));
}

#[test]
fn estimate_is_the_smallest_value_that_enough_do_not_exceed() {
    for (n, level, place) in [(50, 0.9, 45.0), (100, 0.07, 7.0), (20, 0.5, 10.0), (1, 0.01, 1.0)] {
        assert_eq!(counted(n).estimate(rate(level)).map(|e| e.lower), Some(place));
    }
    assert_eq!(counted(0).estimate(rate(0.5)), None);
}

#[test]
fn a_limit_within_the_uncertainty_is_inconclusive() {
    let around = |width: f64| vec![Interval { lower: 219.0 - width, upper: 219.0 + width }; 40];
    let gate = |width| Sample::from_ranges(&around(width)).unwrap().gate(rate(0.9), 220.0, sure(0.95));
    assert_eq!(gate(0.5), Gate::Pass);
    assert_eq!(gate(2.0), Gate::Inconclusive);
}

#[test]
fn values_without_order_are_refused() {
    assert_eq!(Sample::new(vec![1.0, f64::NAN]), Err(SampleError::NotANumber { index: 1 }));
    let ranges = [Interval { lower: 2.0, upper: 1.0 }];
    assert_eq!(Sample::from_ranges(&ranges), Err(SampleError::Reversed { index: 0 }));
    let ranges = [Interval { lower: 2.0, upper: f64::NAN }];
    assert_eq!(Sample::from_ranges(&ranges), Err(SampleError::NotANumber { index: 0 }));
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn one_sided_bounds_enclose_the_estimate(n in 1_u64..500, level in 0.02..0.98_f64, c in 0.6..0.999_f64) {
        let place = counted(n).estimate(rate(level)).unwrap().lower;
        let sample = counted(n);
        prop_assert!(sample.lower_bound(rate(level), sure(c)).is_none_or(|bound| bound <= place));
        prop_assert!(sample.upper_bound(rate(level), sure(c)).is_none_or(|bound| bound >= place));
    }

    #[test]
    fn bounds_of_ranges_hold_wherever_the_values_lie(
        ranges in proptest::collection::vec((0.0..300.0_f64, 0.0..40.0_f64, 0.0..=1.0_f64), 1..80), level in 0.1..0.9_f64
    ) {
        let known: Vec<_> = ranges.iter().map(|(at, width, _)| Interval { lower: *at, upper: at + width }).collect();
        let truth = Sample::new(ranges.iter().map(|(at, width, share)| at + width * share).collect()).unwrap();
        let known = Sample::from_ranges(&known).unwrap();
        let (level, c) = (rate(level), sure(0.9));
        prop_assert!(known.lower_bound(level, c) <= truth.lower_bound(level, c));
        prop_assert!(known.upper_bound(level, c) >= truth.upper_bound(level, c));
        let (found, exact) = (known.gate(level, 150.0, c), truth.gate(level, 150.0, c));
        prop_assert!(found == exact || found == Gate::Inconclusive);
    }
}
