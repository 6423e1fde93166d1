use proptest::prelude::*;
use rigtone_judge::binomial::{at_least, at_most};
use rstest::rstest;

use crate::{cases, shows};

/// Fixed plans: n, failures allowed, P(pass) at the rate to reject and at the rate to accept.
#[rstest]
#[case(61, 2, (0.90, 0.0491), (0.99, 0.9766))]
#[case(181, 4, (0.95, 0.0492), (0.99, 0.9637))]
#[case(50, 5, (0.80, 0.0480), (0.95, 0.9622))]
fn fixed_plans_pass_as_published(
    #[case] n: u64,
    #[case] allowed: u64,
    #[case] bad: (f64, f64),
    #[case] good: (f64, f64),
) {
    for (rate, pass) in [bad, good] {
        shows(at_least(n - allowed, n, rate), pass, 4);
        shows(at_most(allowed, n, 1.0 - rate), pass, 4);
    }
}

#[rstest]
#[case::no_trials(0, 0, 0.3, 1.0, 1.0)]
#[case::impossible(4, 3, 0.3, 1.0, 0.0)]
#[case::never(1, 3, 0.0, 1.0, 0.0)]
#[case::always(2, 3, 1.0, 0.0, 1.0)]
#[case::all(3, 3, 0.5, 1.0, 0.125)]
#[case::one_in_a_billion(1, 1_000_000_000, 1e-9, 0.735_758_882_526_383_4, 0.632_120_559_012_498)]
fn edges(#[case] k: u64, #[case] n: u64, #[case] p: f64, #[case] below: f64, #[case] above: f64) {
    assert!((at_most(k, n, p) - below).abs() < 1e-9, "{}", at_most(k, n, p));
    assert!((at_least(k, n, p) - above).abs() < 1e-9, "{}", at_least(k, n, p));
}

#[test]
fn a_probability_that_is_not_a_number_gives_none() {
    assert!(at_most(1, 3, f64::NAN).is_nan());
    assert!(at_least(1, 3, f64::NAN).is_nan());
}

/// Independent: Pascal's rule, one trial after the other.
fn by_steps(n: usize, p: f64) -> Vec<f64> {
    let mut mass = vec![0.0; n + 1];
    mass[0] = 1.0;
    for trial in 1..=n {
        for k in (0..=trial).rev() {
            mass[k] = mass[k] * (1.0 - p) + if k > 0 { mass[k - 1] * p } else { 0.0 };
        }
    }
    mass
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn tails_equal_the_sum_over_all_trials(n in 1_usize..400, share in 0.0..=1.0_f64, p in 0.001..0.999_f64) {
        let k = (share * n as f64) as usize;
        let mass = by_steps(n, p);
        let below: f64 = mass[..=k].iter().sum();
        let above: f64 = mass[k..].iter().rev().sum();
        prop_assert!((at_most(k as u64, n as u64, p) - below).abs() <= 1e-12 * below + 1e-14);
        prop_assert!((at_least(k as u64, n as u64, p) - above).abs() <= 1e-12 * above + 1e-14);
    }
}
