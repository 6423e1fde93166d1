//! A fuzz target: as many cases as are asked for, from a seed that is printed. Shared by the crates that fuzz.
//!
//! `RIGTONE_FUZZ_CASES` sets the number of cases of each target, `RIGTONE_FUZZ_SEED` repeats a run.

use std::{
    cell::Cell,
    hash::{BuildHasher, RandomState},
    io::Write as _,
    time::{Duration, Instant},
};

use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

/// A case that takes longer has run away, on any machine.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

/// Runs a target on as many cases as are asked for, and says how many and from which seed.
pub(crate) fn target<S: Strategy>(name: &'static str, cases: u32, strategy: S, test: impl Fn(S::Value)) {
    let given = |key: &str| std::env::var(key).ok().filter(|text| !text.is_empty());
    let number = |key: &str| given(key).map(|text| text.parse::<u64>().unwrap_or_else(|e| panic!("{key}={text}: {e}")));
    let cases = number("RIGTONE_FUZZ_CASES").map_or(cases, |n| n.try_into().unwrap_or(u32::MAX));
    // A push is judged by the cases of the one before it; those who ask for more get others every time.
    let another = || given("RIGTONE_FUZZ_CASES").map_or(1, |_| RandomState::new().hash_one(name));
    let seed = number("RIGTONE_FUZZ_SEED").unwrap_or_else(another);
    let config = ProptestConfig {
        cases,
        source_file: Some(file!()),
        test_name: Some(name),
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let tried = Cell::new(0_u32);
    let result = runner.run(&strategy, |case| {
        tried.set(tried.get() + 1);
        let begun = Instant::now();
        test(case);
        assert!(begun.elapsed() < LONGEST, "the case took {:?}", begun.elapsed());
        Ok(())
    });
    let tried = tried.get();
    // Past the capture of the test harness: what was tried is a figure of every run.
    let _ = writeln!(std::io::stderr(), "fuzz {name}: {tried} cases, RIGTONE_FUZZ_SEED={seed}");
    if let Err(error) = result {
        panic!("fuzz {name}, RIGTONE_FUZZ_SEED={seed}: {error}");
    }
}
