use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rigtone_judge::sequential::{Boundaries, Decision, Design, DesignError, MOST_TRIALS, Outcome, Running};
use rstest::rstest;
use std::sync::Arc;

use crate::cases;

pub(crate) fn design(reject: f64, accept: f64, risk: f64, at_least: u32, at_most: u32) -> Design {
    Design { reject, accept, alpha: risk, beta: risk, at_least, at_most }
}

fn any_design() -> impl Strategy<Value = Design> {
    (0.02..0.95_f64, 0.05..0.95_f64, 0.005..0.3_f64, 0.005..0.3_f64, 1_u32..40, 0_u32..160).prop_map(
        |(reject, share, alpha, beta, at_least, more)| Design {
            reject,
            accept: reject + (1.0 - reject) * share,
            alpha,
            beta,
            at_least,
            at_most: at_least + more,
        },
    )
}

/// Independent of the walk that computed the boundaries: every sequence of outcomes, one by one.
#[rstest]
#[case(design(0.6, 0.98, 0.1, 5, 14))]
#[case(design(0.5, 0.9, 0.1, 1, 15))]
#[case(design(0.3, 0.6, 0.2, 3, 15))]
#[case(design(0.9, 0.98, 0.05, 1, 12))]
fn probabilities_equal_the_sum_over_all_sequences(#[case] design: Design) {
    let boundaries = Arc::new(design.boundaries().unwrap());
    for rate in [design.reject, design.accept, 0.77] {
        let (mut pass, mut fail, mut neither, mut trials) = (0.0, 0.0, 0.0, 0.0);
        for sequence in 0_u32..1 << design.at_most {
            let mut running = Running::new(Arc::clone(&boundaries));
            for trial in 0..design.at_most {
                running.record(if sequence >> trial & 1 == 1 { Outcome::Success } else { Outcome::Failure });
            }
            let successes = sequence.count_ones() as i32;
            let weight = rate.powi(successes) * (1.0 - rate).powi(design.at_most as i32 - successes);
            match running.decision() {
                Decision::Pass => pass += weight,
                Decision::Fail => fail += weight,
                Decision::Inconclusive => neither += weight,
                Decision::Continue => panic!("undecided after the last trial: {sequence:b}"),
            }
            trials += weight * f64::from(running.decided_after().unwrap());
        }
        let exact = boundaries.probabilities(rate).unwrap();
        for (found, expected) in
            [(exact.pass, pass), (exact.fail, fail), (exact.inconclusive, neither), (exact.expected_trials, trials)]
        {
            assert!((found - expected).abs() < 1e-11 * (1.0 + expected), "rate {rate}: {found} is not {expected}");
        }
    }
}

#[rstest]
#[case(design(0.9, 0.98, 0.05, 10, 120), 1)]
#[case(design(0.95, 0.99, 0.05, 1, 362), 2)]
#[case(design(0.5, 0.55, 0.1, 20, 900), 3)]
fn simulated_devices_are_judged_at_the_stated_rates(#[case] design: Design, #[case] seed: u64) {
    let boundaries = Arc::new(design.boundaries().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for rate in [design.reject, (design.reject + design.accept) / 2.0, design.accept] {
        let runs = 10_000;
        let (mut pass, mut fail) = (0, 0);
        for _ in 0..runs {
            let mut running = Running::new(Arc::clone(&boundaries));
            while running.decision() == Decision::Continue {
                running.record(if random.random_bool(rate) { Outcome::Success } else { Outcome::Failure });
            }
            pass += u32::from(running.decision() == Decision::Pass);
            fail += u32::from(running.decision() == Decision::Fail);
        }
        let exact = boundaries.probabilities(rate).unwrap();
        for (count, probability) in [(pass, exact.pass), (fail, exact.fail)] {
            let seen = f64::from(count) / f64::from(runs);
            let error = (probability * (1.0 - probability) / f64::from(runs)).sqrt();
            assert!((seen - probability).abs() <= 4.0 * error + 1e-12, "seed {seed}: {seen} is not {probability}");
        }
    }
}

/// Sequential against fixed tests of the same error probabilities.
#[test]
fn a_sequential_test_saves_trials() {
    println!("rates         fixed n   mean n (share)  at p0       midway        at p1     P(pass|p0)  P(fail|p1)");
    for (reject, accept, fixed) in [(0.90, 0.99, 61), (0.95, 0.99, 181), (0.80, 0.95, 50)] {
        let boundaries = design(reject, accept, 0.05, 1, 2 * fixed).boundaries().unwrap();
        let [bad, middle, good] =
            [reject, (reject + accept) / 2.0, accept].map(|rate| boundaries.probabilities(rate).unwrap());
        let share = |mean: f64| mean / f64::from(fixed);
        print!("{reject:.2}/{accept:.2} {fixed:12}             ");
        for mean in [bad.expected_trials, middle.expected_trials, good.expected_trials] {
            print!("{mean:7.1} ({:.2})", share(mean));
        }
        println!("{:11.4}{:12.4}", bad.pass, good.fail);
        assert!(share(bad.expected_trials) <= 0.75 && share(good.expected_trials) <= 0.75);
    }
}

#[rstest]
#[case::enough_trials(design(0.9, 0.98, 0.05, 10, 200))]
#[case::fixed_sample(design(0.9, 0.98, 0.05, 300, 300))]
#[case::coarse(design(0.8, 0.98, 0.05, 8, 60))]
fn with_enough_trials_nothing_stays_inconclusive(#[case] design: Design) {
    let boundaries = design.boundaries().unwrap();
    for step in 0..=100 {
        let found = boundaries.probabilities(f64::from(step) / 100.0).unwrap();
        assert!(found.inconclusive < 1e-9, "rate {step} %: {found:?}");
    }
    assert!(boundaries.can_decide(0.98).unwrap() > 1.0 - 1e-9);
}

#[rstest]
#[case::nearly_the_same(design(0.9, 0.900_000_1, 0.05, 1, MOST_TRIALS))]
#[case::worst_for_time(design(0.5, 0.51, 0.05, 1, MOST_TRIALS))]
#[case::late_first_look(design(0.5, 0.51, 0.05, MOST_TRIALS / 2, MOST_TRIALS))]
#[case::opposite(design(1e-9, 1.0 - 1e-9, 0.05, 1, MOST_TRIALS))]
#[case::tiny_risks(design(0.5, 0.9, 1e-12, 1, 1000))]
#[case::one_trial(design(0.01, 0.99, 0.05, 1, 1))]
#[case::hopeless(design(0.9, 0.98, 0.05, 1, 1))]
fn extreme_designs_keep_their_error_probabilities(#[case] design: Design) {
    let boundaries = design.boundaries().unwrap();
    assert!(boundaries.probabilities(design.reject).unwrap().pass <= design.alpha);
    assert!(boundaries.probabilities(design.accept).unwrap().fail <= design.beta);
    let text = serde_json::to_string(&boundaries).unwrap();
    assert_eq!(serde_json::from_str::<Boundaries>(&text).unwrap(), boundaries);
}

#[test]
fn the_last_look_spends_what_is_left() {
    // Ten trials at most cannot demonstrate 90 %; they can show that 98 % is not reached.
    let short = design(0.9, 0.98, 0.05, 1, 10).boundaries().unwrap();
    assert_eq!(short.straight_successes_to_pass(), None);
    assert!(short.can_decide(0.98).unwrap() < 0.05);
    assert!(short.can_decide(0.3).unwrap() > 0.99);
    // 29 successes are just enough: 0.9^29 = 0.0471.
    let just = design(0.9, 0.98, 0.05, 1, 29).boundaries().unwrap();
    assert_eq!(just.straight_successes_to_pass(), Some(29));
}

#[test]
fn nothing_is_decided_before_at_least() {
    let boundaries = design(0.5, 0.9, 0.1, 12, 40).boundaries().unwrap();
    for n in 0..12 {
        for failures in 0..=n {
            assert_eq!(boundaries.decide(n - failures, failures), Decision::Continue);
        }
        assert_eq!((boundaries.pass_at(n), boundaries.fail_at(n)), (None, None));
    }
    assert_eq!(boundaries.decide(12, 0), Decision::Pass);
    assert_eq!(boundaries.decide(0, 12), Decision::Fail);
    assert_eq!(boundaries.straight_successes_to_pass(), Some(12));
    assert_eq!(boundaries.straight_failures_to_fail(), Some(12));
}

#[test]
fn more_trials_than_the_design_has_decide_nothing() {
    let boundaries = design(0.5, 0.9, 0.1, 1, 40).boundaries().unwrap();
    assert_eq!(boundaries.decide(41, 0), Decision::Inconclusive);
    assert_eq!(boundaries.decide(u32::MAX, u32::MAX), Decision::Inconclusive);
}

#[rstest]
#[case::equal_rates(design(0.9, 0.9, 0.05, 1, 10), DesignError::Order { reject: 0.9, accept: 0.9 })]
#[case::swapped_rates(design(0.98, 0.9, 0.05, 1, 10), DesignError::Order { reject: 0.98, accept: 0.9 })]
#[case::more_than_perfect(design(0.9, 1.01, 0.05, 1, 10), DesignError::Rate { name: "accept", value: 1.01 })]
#[case::nothing_to_reject(design(0.0, 0.9, 0.05, 1, 10), DesignError::Rate { name: "reject", value: 0.0 })]
#[case::infinite(design(0.5, f64::INFINITY, 0.05, 1, 10), DesignError::Rate { name: "accept", value: f64::INFINITY })]
#[case::certain(design(0.9, 0.98, 0.0, 1, 10), DesignError::Risk { name: "alpha", value: 0.0 })]
#[case::guessing(design(0.9, 0.98, 0.5, 1, 10), DesignError::Risk { name: "alpha", value: 0.5 })]
#[case::no_beta(Design { beta: -0.1, ..design(0.9, 0.98, 0.05, 1, 10) }, DesignError::Risk { name: "beta", value: -0.1 })]
#[case::no_trials(design(0.9, 0.98, 0.05, 0, 0), DesignError::Range { at_least: 0, at_most: 0 })]
#[case::empty_range(design(0.9, 0.98, 0.05, 11, 10), DesignError::Range { at_least: 11, at_most: 10 })]
#[case::too_long(design(0.9, 0.98, 0.05, 1, MOST_TRIALS + 1), DesignError::TooLong { at_most: MOST_TRIALS + 1 })]
fn designs_that_make_no_test_are_refused(#[case] design: Design, #[case] error: DesignError) {
    assert_eq!(design.boundaries(), Err(error));
}

/// The sample sizes without a failure, ⌈ln 0.05 / ln p⌉: one trial fewer shows nothing, and the first failure is final.
#[rstest]
#[case(0.90, 29)]
#[case(0.95, 59)]
#[case(0.98, 149)]
#[case(0.99, 299)]
#[case(0.995, 598)]
#[case(0.999, 2995)]
fn a_perfect_device_is_shown_by_trials_without_a_failure(#[case] reject: f64, #[case] n: u32) {
    let boundaries = design(reject, 1.0, 0.05, 1, n + 10).boundaries().unwrap();
    assert_eq!(boundaries.decide(n - 1, 0), Decision::Continue);
    assert_eq!(boundaries.decide(n, 0), Decision::Pass);
    assert_eq!(boundaries.decide(0, 1), Decision::Fail);
    assert_eq!(boundaries.decide(n - 2, 1), Decision::Fail);
    let (bad, good) = (boundaries.probabilities(reject).unwrap(), boundaries.probabilities(1.0).unwrap());
    assert!(bad.pass <= 0.05 && (bad.pass - reject.powi(n as i32)).abs() < 1e-12, "{bad:?}");
    assert!((good.pass - 1.0).abs() < 1e-12 && (good.expected_trials - f64::from(n)).abs() < 1e-9, "{good:?}");
}

#[rstest]
fn designs_with_nan_are_refused(#[values(0, 1, 2, 3)] place: usize) {
    let mut numbers = [0.9, 0.98, 0.05, 0.05];
    numbers[place] = f64::NAN;
    let [reject, accept, alpha, beta] = numbers;
    assert!(Design { reject, accept, alpha, beta, at_least: 1, at_most: 10 }.boundaries().is_err());
}

#[rstest]
#[case(f64::NAN)]
#[case(-0.01)]
#[case(1.01)]
fn there_is_no_device_with_such_a_rate(#[case] rate: f64) {
    let boundaries = design(0.5, 0.9, 0.1, 1, 40).boundaries().unwrap();
    assert_eq!(boundaries.probabilities(rate), None);
    assert_eq!(boundaries.can_decide(rate), None);
}

#[test]
fn boundaries_read_back_are_the_same() {
    let boundaries = design(0.9, 0.98, 0.05, 10, 120).boundaries().unwrap();
    let text = serde_json::to_string(&boundaries).unwrap();
    assert!(text.len() < 300, "{text}");
    assert_eq!(serde_json::from_str::<Boundaries>(&text).unwrap(), boundaries);
}

#[rstest]
#[case::good_table("[3,6]", "[0,0,5,10]", true)]
#[case::pass_falls("[6,3]", "[0,0,5,10]", false)]
#[case::pass_before_the_first_trial("[0]", "[0,0,5,10]", false)]
#[case::pass_beyond_the_last_trial("[11]", "[0,0,5,10]", false)]
#[case::more_failures_than_trials("[1,1]", "[0,0,5,10]", false)]
#[case::fail_falls("[3]", "[0,0,5,4,10]", false)]
#[case::fail_stands_still("[3]", "[0,0,5,5,10]", false)]
#[case::fail_ends_early("[3]", "[0,0,5,9]", false)]
#[case::fail_without_failure("[3]", "[1,10]", false)]
#[case::pass_and_fail_at_once("[3,5]", "[0,5,10]", false)]
fn boundaries_that_contradict_themselves_are_refused(#[case] pass: &str, #[case] fail: &str, #[case] good: bool) {
    let design = r#"{"reject":0.5,"accept":0.9,"alpha":0.1,"beta":0.1,"at-least":1,"at-most":10}"#;
    let text = format!(r#"{{"design":{design},"pass-from":{pass},"fail-until":{fail}}}"#);
    let read = serde_json::from_str::<Boundaries>(&text);
    assert_eq!(read.is_ok(), good, "{read:?}");
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn error_probabilities_are_kept(design in any_design()) {
        let boundaries = design.boundaries().unwrap();
        let (bad, good) = (boundaries.probabilities(design.reject).unwrap(), boundaries.probabilities(design.accept).unwrap());
        prop_assert!(bad.pass <= design.alpha, "{bad:?}");
        prop_assert!(good.fail <= design.beta, "{good:?}");
        for found in [bad, good] {
            prop_assert!((found.pass + found.fail + found.inconclusive - 1.0).abs() < 1e-11, "{found:?}");
            prop_assert!(found.expected_trials >= f64::from(design.at_least) - 1e-9);
            prop_assert!(found.expected_trials <= f64::from(design.at_most) + 1e-9);
        }
    }

    #[test]
    fn the_last_look_affords_no_further_count(design in any_design()) {
        let boundaries = design.boundaries().unwrap();
        let table = serde_json::to_value(&boundaries).unwrap();
        let staircase = |name: &str| -> Vec<u32> { serde_json::from_value(table[name].clone()).unwrap() };
        let (mut pass, mut fail) = (staircase("pass-from"), staircase("fail-until"));
        // Fewer than two counts apart, nothing is inconclusive at the end.
        prop_assume!(fail.len() > pass.len() + 1);
        let changed = |name: &str, staircase: &[u32]| -> Boundaries {
            let mut table = table.clone();
            table[name] = serde_json::json!(staircase);
            serde_json::from_value(table).unwrap()
        };
        pass.push(design.at_most);
        let generous = changed("pass-from", &pass).probabilities(design.reject).unwrap();
        prop_assert!(generous.pass > design.alpha * (1.0 - 1e-10), "{generous:?}");
        fail.pop();
        // Without any failure no device fails.
        if fail.len() > 1 && let Some(last) = fail.last_mut() {
            *last = design.at_most;
            let strict = changed("fail-until", &fail).probabilities(design.accept).unwrap();
            prop_assert!(strict.fail > design.beta * (1.0 - 1e-10), "{strict:?}");
        }
    }

    #[test]
    fn a_better_device_passes_more_often(design in any_design(), worse in 0.0..1.0_f64, share in 0.0..1.0_f64) {
        let boundaries = design.boundaries().unwrap();
        let better = worse + (1.0 - worse) * share;
        let (worse, better) = (boundaries.probabilities(worse).unwrap(), boundaries.probabilities(better).unwrap());
        prop_assert!(worse.pass <= better.pass + 1e-12);
        prop_assert!(worse.fail + 1e-12 >= better.fail);
    }

    #[test]
    fn boundaries_rise_by_single_steps_and_never_meet(design in any_design()) {
        let boundaries = design.boundaries().unwrap();
        let failures = |n: u32| (
            boundaries.pass_at(n).map(|s| n - s),
            boundaries.fail_at(n).map(|s| n - s),
        );
        for n in design.at_least..=design.at_most {
            let (pass, fail) = failures(n);
            if let (Some(pass), Some(fail)) = (pass, fail) {
                prop_assert!(pass < fail);
            }
            if n > design.at_least {
                let (pass_before, fail_before) = failures(n - 1);
                prop_assert!(pass_before <= pass);
                if let (Some(before), Some(now)) = (fail_before, fail) {
                    prop_assert!(before <= now && now <= before + 1);
                }
            }
        }
    }

    #[test]
    fn written_boundaries_are_accepted_when_read(design in any_design()) {
        let boundaries = design.boundaries().unwrap();
        let text = serde_json::to_string(&boundaries).unwrap();
        let read: Boundaries = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read.probabilities(0.7), boundaries.probabilities(0.7));
    }
}
