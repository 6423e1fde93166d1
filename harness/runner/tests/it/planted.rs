//! How probable it is that a planted verdict comes out otherwise: computed exactly, not sampled.

use rigtone_judge::{sequential::Probabilities, verdicts::RunPlan};
use rigtone_model::{document::Codec, quantity::Duration};
use rstest::rstest;

use crate::bench::plan;

/// The limit for one combination.
const MOST: f64 = 1e-4;

fn of(run: &RunPlan, scenario: &str, expectation: usize, rate: f64) -> Probabilities {
    let rules = run.rules.scenario(scenario).expect("a scenario of the library");
    let boundaries = rules.expectations[expectation].boundaries.as_ref().expect("a rate");
    boundaries.probabilities(rate).expect("a rate between 0 and 1")
}

/// One attempt in three, three attempts: what pairing-cold-start has to reject.
const SELDOM: f64 = 1.0 - 0.65 * 0.65 * 0.65;
/// The same unit with the twenty attempts of the scenarios that ask about something else.
fn nearly_always() -> f64 {
    1.0 - 0.65_f64.powi(20)
}

#[rstest]
#[case::units_that_always_pair("pairing-cold-start", 0, 1.0, true)]
#[case::the_unit_that_seldom_pairs("pairing-cold-start", 0, SELDOM, false)]
#[case::heard_once_paired("playback-heard", 0, nearly_always(), true)]
#[case::soon_enough_once_paired("playback-heard", 1, nearly_always(), true)]
#[case::the_silent_unit("playback-heard", 0, 0.0, false)]
#[case::codec_once_paired("codec-per-firmware", 0, nearly_always(), true)]
#[case::the_unit_that_claims_a_codec("codec-per-firmware", 0, 0.0, false)]
fn a_planted_verdict_comes_out_otherwise_with_a_probability_under_one_in_ten_thousand(
    #[case] scenario: &str,
    #[case] expectation: usize,
    #[case] rate: f64,
    #[case] passes: bool,
) {
    let run = plan(&["scenarios/starter"], |_| {}).run;
    let probabilities = of(&run, scenario, expectation, rate);
    let right = if passes { probabilities.pass } else { probabilities.fail };
    assert!(1.0 - right < MOST, "{scenario} at {rate}: {probabilities:?}");
}

/// The unit's latency is the limit itself; only a jitter far beyond its own standard deviation could tell the two apart.
#[test]
fn the_latency_at_the_limit_stays_within_its_uncertainty() {
    let mut uncertainty_ms = 0.0;
    let mut jitter_ms = 0.0;
    let planned = plan(&["scenarios/starter"], |rig| {
        let unit = rig.units["srs-xb33-fw211"].simulated.clone().expect("a simulated unit");
        // The limit of playback-heard.
        assert_eq!(unit.latency[&Codec::Sbc], Duration::from_ms(220));
        jitter_ms = unit.jitter.expect("a jitter").milliseconds();
        uncertainty_ms = rig.microphones["bench-2"].latency_uncertainty.expect("an uncertainty").milliseconds();
    });
    assert!(!planned.run.plan.combinations.is_empty());
    // Beyond ten standard deviations lies less than 1.6e-23 of a normal distribution: even 20 trials add up to nothing.
    assert!(uncertainty_ms / jitter_ms > 10.0);
}
