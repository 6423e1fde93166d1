//! Whether trials are alike: do failures come in clusters, do sessions of trials differ more than chance allows.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::{normal::upper_tail, proportion::Proportion};

/// Whether successes and failures alternate as they would by chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Runs {
    /// Stretches of equal outcomes.
    pub runs: u64,
    /// As many would be expected.
    pub expected: f64,
    /// Standard deviations from that; negative: failures come in clusters.
    pub z: f64,
    /// Two-sided probability of so many standard deviations; rough with fewer than five of either outcome.
    pub p: f64,
}

/// The test of A. Wald and J. Wolfowitz (1940); nothing when all outcomes are equal, or there are too few to scatter.
#[must_use]
pub fn runs(outcomes: &[bool]) -> Option<Runs> {
    let n = outcomes.len() as f64;
    let held = outcomes.iter().filter(|held| **held).count() as f64;
    let failed = n - held;
    if held == 0.0 || failed == 0.0 {
        return None;
    }
    let runs = outcomes.chunk_by(|a, b| a == b).count() as u64;
    let expected = 2.0 * held * failed / n + 1.0;
    let variance = (expected - 1.0) * (expected - 2.0) / (n - 1.0);
    if variance.is_nan() || variance <= 0.0 {
        return None;
    }
    let z = (runs as f64 - expected) / variance.sqrt();
    Some(Runs { runs, expected, z, p: (2.0 * upper_tail(z.abs())).min(1.0) })
}

/// Whether sessions of trials have one rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dispersion {
    /// Pearson's chi-squared.
    pub chi_squared: f64,
    /// Sessions less one.
    pub freedom: u64,
    /// Probability of so much or more if they have.
    pub p: f64,
}

/// Over-dispersion between sessions by Pearson's chi-squared: small p means that something changes from session to session, and an interval from
/// all trials together is too narrow. Nothing with fewer than two sessions, or when all trials ended alike.
#[must_use]
pub fn dispersion(sessions: &[Proportion]) -> Option<Dispersion> {
    let sessions: Vec<&Proportion> = sessions.iter().filter(|session| session.trials() > 0).collect();
    let (held, trials) =
        sessions.iter().fold((0.0, 0.0), |sum, s| (sum.0 + s.successes() as f64, sum.1 + s.trials() as f64));
    let freedom = sessions.len().checked_sub(1).filter(|freedom| *freedom > 0)?;
    let rate = held / trials;
    let variance = rate * (1.0 - rate);
    if variance.is_nan() || variance <= 0.0 {
        return None;
    }
    let chi_squared = sessions
        .iter()
        .map(|s| (s.successes() as f64 - s.trials() as f64 * rate).powi(2) / (s.trials() as f64 * variance))
        .sum();
    let p = ChiSquared::new(freedom as f64).ok()?.sf(chi_squared);
    Some(Dispersion { chi_squared, freedom: freedom as u64, p })
}

/// Below this probability sessions are taken for different.
const DIFFERENT: f64 = 0.01;

/// Whether sessions differ more than chance allows, by their [`dispersion`].
#[must_use]
pub fn runs_differ(dispersion: &Dispersion) -> bool {
    dispersion.p < DIFFERENT
}
