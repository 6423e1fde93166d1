//! The statistics of the crate against published and independently computed answers.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]
#![expect(clippy::print_stdout, reason = "measured error rates are printed")]

mod agreed;
mod attribution;
mod binomial;
mod calibration;
mod change;
mod comparing;
mod comparison;
mod difference;
mod expectations;
mod percentile;
mod proportion;
mod running;
mod sequential;
mod verdicts;

use proptest::test_runner::{Config, RngSeed};
use rigtone_judge::{Confidence, Rate};

/// The same cases in every run; a failure prints its smallest input.
fn cases(count: u32) -> Config {
    Config { cases: count, rng_seed: RngSeed::Fixed(20_260_101), failure_persistence: None, ..Config::default() }
}

fn sure(value: f64) -> Confidence {
    Confidence::new(value).unwrap()
}

fn rate(value: f64) -> Rate {
    Rate::new(value).unwrap()
}

/// Equal to the digits shown in a table.
#[track_caller]
fn shows(found: f64, expected: f64, digits: i32) {
    assert!((found - expected).abs() <= 0.5001 * 10_f64.powi(-digits), "{found} is not {expected} to {digits} digits");
}
