//! Tails of the binomial distribution, good to about 1e-13 relative for any number of trials.
//!
//! Single probabilities by the saddle-point expansion of C. Loader, "Fast and accurate computation of binomial
//! probabilities" (2000); tails by summing away from the mode. The incomplete beta function of statrs 0.19 stops after
//! 140 terms of its continued fraction, which is too few for large n, and does not say so.

use statrs::function::factorial::ln_factorial;

/// P(X ≤ k) for X ~ Bin(n, p). `p` outside 0 to 1 is taken as the nearer end; NaN gives NaN.
#[must_use]
pub fn at_most(k: u64, n: u64, p: f64) -> f64 {
    // Just as many trials or more have the other outcome.
    n.checked_sub(k).map_or(1.0, |others| tail(others, n, 1.0 - p, p))
}

/// P(X ≥ k) for X ~ Bin(n, p). `p` outside 0 to 1 is taken as the nearer end; NaN gives NaN.
#[must_use]
pub fn at_least(k: u64, n: u64, p: f64) -> f64 {
    tail(k, n, p, 1.0 - p)
}

/// P(X ≥ k). Both probabilities are handed in, for 1 − (1 − p) is not p when p is small.
fn tail(k: u64, n: u64, p: f64, q: f64) -> f64 {
    if p.is_nan() {
        f64::NAN
    } else if k == 0 {
        1.0
    } else if k > n || p <= 0.0 {
        0.0
    } else if q <= 0.0 {
        1.0
    } else if k as f64 > n as f64 * p {
        falling(k, n, p, q)
    } else {
        (1.0 - falling(n - k + 1, n, q, p)).max(0.0)
    }
}

/// P(X ≥ k) for k above the mean, where the terms fall.
fn falling(k: u64, n: u64, p: f64, q: f64) -> f64 {
    let odds = p / q;
    let (mut term, mut sum) = (1.0, 1.0);
    for i in k..n {
        term *= (n - i) as f64 / (i + 1) as f64 * odds;
        sum += term;
        if term < 1e-18 * sum {
            break;
        }
    }
    (point(k, n, p, q) * sum).min(1.0)
}

/// P(X = k) for 0 < k ≤ n, p and q above 0.
fn point(k: u64, n: u64, p: f64, q: f64) -> f64 {
    let (x, m) = (k as f64, n as f64);
    if k == n {
        let log = if p < 0.5 { p.ln() } else { (-q).ln_1p() };
        return (m * log).exp();
    }
    let exponent =
        stirling_error(n) - stirling_error(k) - stirling_error(n - k) - deviance(x, m * p) - deviance(m - x, m * q);
    exponent.exp() * (m / (std::f64::consts::TAU * x * (m - x))).sqrt()
}

/// ln n! less Stirling's approximation of it.
fn stirling_error(n: u64) -> f64 {
    let x = n as f64;
    if n < 16 {
        return ln_factorial(n) - (x + 0.5) * x.ln() + x - 0.5 * std::f64::consts::TAU.ln();
    }
    let r = 1.0 / (x * x);
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - r / 1188.0) * r) * r) * r) / x
}

/// x ln(x/μ) + μ − x, without cancellation where x is near μ.
fn deviance(x: f64, mean: f64) -> f64 {
    if (x - mean).abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() + mean - x;
    }
    let v = (x - mean) / (x + mean);
    let mut sum = (x - mean) * v;
    let mut term = 2.0 * x * v;
    for j in 1..1000 {
        term *= v * v;
        let next = sum + term / f64::from(2 * j + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}
