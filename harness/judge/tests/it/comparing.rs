//! Two samples, two rates, two counts: published and computed known answers.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rigtone_judge::{
    Confidence, Interval,
    multiple::{benjamini_hochberg, holm},
    poisson::{self, Count, Watch, e_test, hours_needed},
    proportion::Proportion,
    ranks::{Exactness, mann_whitney, shift},
    rates::{difference, fisher, trials_needed},
    sequential::Decision,
    stability::{dispersion, runs},
};
use rstest::rstest;

const A: [f64; 8] = [212.1, 214.3, 209.8, 216.0, 211.2, 213.7, 210.5, 215.1];
const B: [f64; 8] = [218.4, 221.0, 216.9, 219.5, 223.2, 217.7, 220.3, 214.9];

fn confidence() -> Confidence {
    Confidence::new(0.95).expect("a confidence")
}

fn near(found: f64, wanted: f64, digits: f64) {
    assert!((found - wanted).abs() <= digits, "{found} instead of {wanted}");
}

#[test]
fn latencies_of_two_versions_differ_as_the_tables_say() {
    let test = mann_whitney(&A, &B).expect("two samples");
    assert_eq!((test.u, test.exactness), (2.0, Exactness::Exact));
    near(test.two_sided, 0.000_621_600_6, 1e-10);
    near(test.less, 0.000_310_800_3, 1e-10);
    near(test.greater, 0.999_844_599_8, 1e-10);
    let found = shift(&A, &B, confidence()).expect("two samples");
    near(found.estimate, 6.15, 1e-9);
    near(found.interval.lower, 3.4, 1e-9);
    near(found.interval.upper, 8.9, 1e-9);
    near(found.cliff_delta, 0.9375, 1e-12);
}

/// In both orders of the samples: one popular crate answers 1 in one of them.
#[rstest]
#[case(&[19.0, 22.0, 16.0, 29.0, 24.0], &[20.0, 11.0, 17.0, 12.0], 0.1111, 5e-5)]
#[case(&[20.0, 11.0, 17.0, 12.0], &[19.0, 22.0, 16.0, 29.0, 24.0], 0.1111, 5e-5)]
// Ties: by all 252 divisions.
#[case(&[1.0, 2.0, 2.0, 3.0, 5.0], &[2.0, 4.0, 4.0, 5.0, 6.0], 2.0 * 23.0 / 252.0, 1e-12)]
#[case(&[1.0; 6], &[1.0; 4], 1.0, 0.0)]
fn two_sided_probabilities_are_known(#[case] a: &[f64], #[case] b: &[f64], #[case] p: f64, #[case] digits: f64) {
    near(mann_whitney(a, b).expect("two samples").two_sided, p, digits);
    near(mann_whitney(b, a).expect("two samples").two_sided, p, digits);
}

/// M. Hollander and D. A. Wolfe, "Nonparametric Statistical Methods": permeability of membranes at term and at 12 to 26 weeks.
#[test]
fn the_published_example_is_met() {
    let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
    let early = [1.15, 0.88, 0.90, 0.74, 1.21];
    let test = mann_whitney(&term, &early).expect("two samples");
    assert_eq!(test.u, 35.0);
    near(test.greater, 0.127_206_1, 5e-8);
}

#[test]
fn what_never_came_is_later_than_everything() {
    let never = [210.0, 212.0, 214.0, f64::INFINITY, f64::INFINITY, f64::INFINITY];
    let found = shift(&A, &never, confidence()).expect("two samples");
    assert_eq!(found.interval.upper, f64::INFINITY);
    let both = shift(&[f64::INFINITY; 5], &[f64::INFINITY; 5], confidence()).expect("two samples");
    assert_eq!((both.estimate, both.cliff_delta), (0.0, 0.0));
    assert!(mann_whitney(&[f64::NAN], &A).is_none() && mann_whitney(&[], &A).is_none());
}

#[test]
fn three_against_three_show_nothing() {
    let found = shift(&A[..3], &B[..3], confidence()).expect("two samples");
    assert_eq!(found.interval, Interval { lower: f64::NEG_INFINITY, upper: f64::INFINITY });
    near(mann_whitney(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]).expect("two samples").two_sided, 0.1, 1e-12);
}

fn of(held: u64, trials: u64) -> Proportion {
    Proportion::new(held, trials).expect("a proportion")
}

#[rstest]
#[case((48, 50), (41, 50), 0.051_120_93, 0.025_560_47, 5.268_293)]
#[case((8, 10), (1, 6), 0.034_965_03, 0.024_475_52, 20.0)]
#[case((30, 30), (25, 30), 0.052_185_55, 0.026_092_77, f64::INFINITY)]
#[case((100, 100), (94, 100), 0.028_930_28, 0.014_465_14, f64::INFINITY)]
fn fisher_is_known(
    #[case] a: (u64, u64),
    #[case] b: (u64, u64),
    #[case] two: f64,
    #[case] one: f64,
    #[case] odds: f64,
) {
    let test = fisher(of(a.0, a.1), of(b.0, b.1));
    near(test.two_sided, two, 5e-9);
    near(test.greater, one, 5e-9);
    assert!(test.odds_ratio == odds || (test.odds_ratio - odds).abs() < 5e-7, "{test:?}");
    near(fisher(of(b.0, b.1), of(a.0, a.1)).less, one, 5e-9);
}

/// Over all outcomes of two devices with these rates the interval covers their difference as often as it says.
#[rstest]
fn the_interval_of_a_difference_covers_it(
    #[values((20, 20), (30, 50), (60, 60))] (n, m): (u64, u64),
    #[values(0.05, 0.5, 0.9, 0.98)] p: f64,
    #[values(0.1, 0.6, 0.9, 0.99)] q: f64,
) {
    let probability = |k: u64, n: u64, p: f64| {
        let at_most = |k| rigtone_judge::binomial::at_most(k, n, p);
        at_most(k) - k.checked_sub(1).map_or(0.0, at_most)
    };
    let mut covered = 0.0;
    for k in 0..=n {
        for l in 0..=m {
            let interval = difference(of(k, n), of(l, m), confidence());
            if interval.lower <= q - p && q - p <= interval.upper {
                covered += probability(k, n, p) * probability(l, m, q);
            }
        }
    }
    assert!(covered >= 0.95, "{covered}");
}

#[test]
fn trials_for_a_difference_are_about_those_of_the_table() {
    // 98 % against 90 % is found with 80 % from 150 each on, 99 % against 95 % from 300.
    for (p, q, wanted) in [(0.98, 0.90, 150.0), (0.99, 0.95, 300.0)] {
        let n = trials_needed(p, q, confidence(), 0.8, 10_000).expect("a number") as f64;
        assert!((n / wanted - 1.0).abs() < 0.15, "{n} instead of {wanted}");
    }
    assert_eq!(trials_needed(0.9, 0.9, confidence(), 0.8, 10_000), None);
    assert_eq!(trials_needed(0.9, 0.901, confidence(), 0.8, 1_000), None);
}

fn counted(events: u64, hours: f64) -> Count {
    Count { events, hours }
}

#[test]
fn rates_of_events_are_known() {
    near(counted(0, 4.0).upper_bound(confidence()), 0.748_933, 5e-7);
    let three = counted(3, 10.0).interval(confidence());
    near(three.lower, 0.061_867, 5e-7);
    near(three.upper, 0.876_727, 5e-7);
    for (events, upper) in [(0, 2.9957), (1, 4.7439), (2, 6.2958), (3, 7.7537)] {
        near(counted(events, 1.0).upper_bound(confidence()), upper, 5e-5);
    }
    let (few, many) = (counted(3, 10.0), counted(12, 10.0));
    near(e_test(few, many).expect("time"), 0.019_703, 5e-7);
    near(poisson::compare(few, many).expect("time"), 0.035_156, 5e-7);
    assert_eq!(counted(2, 0.0).upper_bound(confidence()), f64::INFINITY);
    assert_eq!((poisson::compare(counted(1, 0.0), many), counted(1, 0.0).estimate()), (None, None));
    let ratio = poisson::ratio(few, many, confidence());
    assert!(ratio.lower > 1.0 && ratio.lower < 4.0 && ratio.upper > 4.0, "{ratio:?}");
}

#[test]
fn a_watch_over_a_rate_decides_when_it_may() {
    let watch = Watch::new(3.0, 1.0, confidence()).expect("rates");
    // ln 20 = (3 - 1) T.
    let needed = watch.hours_needed(counted(0, 0.0)).expect("hours");
    near(needed, 20f64.ln() / 2.0, 1e-12);
    assert_eq!(watch.decide(counted(0, needed - 0.01)), Decision::Continue);
    assert_eq!(watch.decide(counted(0, needed + 0.01)), Decision::Pass);
    assert_eq!(watch.decide(counted(3, 0.1)), Decision::Fail);
    let strict = Watch::new(3.0, 0.0, confidence()).expect("rates");
    assert_eq!(strict.decide(counted(1, 100.0)), Decision::Fail);
    assert_eq!(strict.hours_needed(counted(1, 1.0)), None);
    assert_eq!(Watch::new(1.0, 1.0, confidence()), None);
    assert_eq!(Watch::new(0.0, 0.0, confidence()), None);
}

/// Looked at after every tenth of an hour for a long time, a device at the limit passes at most as often as stated, and a good one fails so.
#[test]
fn a_watch_errs_no_more_often_than_it_says() {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    let watch = Watch::new(3.0, 1.0, confidence()).expect("rates");
    let mut random = ChaCha8Rng::seed_from_u64(77);
    let mut wrong = |rate: f64, mistake: Decision| {
        let mut count = 0;
        for _ in 0..2_000 {
            let mut seen = counted(0, 0.0);
            while watch.decide(seen) == Decision::Continue && seen.hours < 200.0 {
                seen.hours += 0.1;
                seen.events += u64::from(rand::RngExt::random_range(&mut random, 0.0..1.0) < rate * 0.1);
            }
            count += usize::from(watch.decide(seen) == mistake);
        }
        count as f64 / 2_000.0
    };
    // 0.05 and three standard errors. A tenth of an hour holds one event at most, which makes rates a little lower than Poisson's.
    let (false_pass, false_fail) = (wrong(3.0, Decision::Pass), wrong(1.0, Decision::Fail));
    assert!(false_pass < 0.065 && false_fail < 0.065, "{false_pass} {false_fail}");
}

const P_VALUES: [f64; 25] = [
    0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216, 0.222, 0.251, 0.269, 0.275, 0.34, 0.341,
    0.384, 0.569, 0.594, 0.696, 0.762, 0.94, 0.942, 0.975, 0.986,
];

#[test]
fn many_questions_are_adjusted_as_the_tables_say() {
    // In whatever order they are asked.
    let mut shuffled = P_VALUES;
    shuffled.reverse();
    let (holm, hochberg) = (holm(&shuffled), benjamini_hochberg(&shuffled));
    for (place, (by_holm, by_hochberg)) in
        [(0.025, 0.025), (0.192, 0.1), (0.897, 0.21), (0.902, 0.21), (0.902, 0.21), (1.0, 0.25)].into_iter().enumerate()
    {
        near(holm[24 - place], by_holm, 1e-9);
        near(hochberg[24 - place], by_hochberg, 1e-9);
    }
    near(hochberg[24 - 6], 0.264_286, 5e-7);
    near(hochberg[24 - 7], 0.491_071, 5e-7);
    near(hochberg[0], 0.986, 1e-12);
}

#[test]
fn runs_and_sessions_are_known() {
    let outcomes: Vec<bool> = "PPPPFPPPPPFFFPPPPPPPPPPFPPPPPP".chars().map(|c| c == 'P').collect();
    let found = runs(&outcomes).expect("both outcomes");
    assert_eq!(found.runs, 7);
    near(found.expected, 9.3333, 5e-5);
    near(found.z, -1.607_37, 5e-6);
    near(found.p, 0.107_97, 5e-6);
    assert!(runs(&[true; 9]).is_none() && runs(&[]).is_none());
    let found = dispersion(&[of(10, 10), of(10, 10), of(9, 10), of(3, 10)]).expect("sessions");
    near(found.chi_squared, 21.25, 1e-9);
    assert_eq!(found.freedom, 3);
    near(found.p, 9.341e-5, 5e-9);
    assert!(dispersion(&[of(3, 10)]).is_none() && dispersion(&[of(0, 10), of(0, 5), of(0, 0)]).is_none());
}

/// The hours that are asked for show the difference as often as is said: simulated.
#[test]
fn as_many_hours_as_are_asked_for_show_the_difference() {
    const SEED: u64 = 7;
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let hours = hours_needed(3.0, 9.0, confidence(), 0.8);
    let mut count = |per_hour: f64| {
        let (mut events, mut t) = (0, 0.0);
        while t < hours {
            t -= random.random_range(f64::MIN_POSITIVE..1.0).ln() / per_hour;
            events += u64::from(t < hours);
        }
        Count { events, hours }
    };
    let shown = (0..400).filter(|_| e_test(count(3.0), count(9.0)).unwrap() <= 0.05).count();
    let power = shown as f64 / 400.0;
    println!("{hours:.2} hours each, shown in {power:.3} of 400, seed {SEED}");
    assert!((0.72..0.90).contains(&power), "{hours} hours: {power}");
}
