//! Prints what this crate computes, for comparison by `ci/oracles/judge.py`.

use std::error::Error;
use std::io::Write;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rigtone_judge::multiple::{benjamini_hochberg, holm};
use rigtone_judge::pairs::{mcnemar, signed_rank};
use rigtone_judge::percentile::{interval_ranks, lower_bound_rank, upper_bound_rank};
use rigtone_judge::poisson::{self, Count};
use rigtone_judge::proportion::Proportion;
use rigtone_judge::ranks::{Exactness, mann_whitney, shift};
use rigtone_judge::rates::{difference, fisher};
use rigtone_judge::sequential::Design;
use rigtone_judge::stability::{dispersion, runs};
use rigtone_judge::{Confidence, Rate, binomial};
use serde_json::{Value, json};

const SEED: u64 = 20_260_101;

fn main() -> Result<(), Box<dyn Error>> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let document = json!({
        "seed": SEED,
        "boundaries": boundaries(&mut random)?,
        "proportions": proportions(&mut random)?,
        "binomials": binomials(&mut random),
        "ranks": ranks(&mut random)?,
        "samples": samples(&mut random)?,
        "tables": tables(&mut random)?,
        "counts": counts(&mut random)?,
        "pairs": pairs(&mut random)?,
        "families": families(&mut random),
        "sessions": sessions(&mut random)?,
    });
    writeln!(std::io::stdout().lock(), "{document}")?;
    Ok(())
}

fn boundaries(random: &mut ChaCha8Rng) -> Result<Vec<Value>, Box<dyn Error>> {
    let design =
        |reject, accept, risk, at_least, at_most| Design { reject, accept, alpha: risk, beta: risk, at_least, at_most };
    let mut designs = vec![
        design(0.9, 0.98, 0.05, 10, 120),
        design(0.95, 0.99, 0.05, 1, 362),
        design(0.6, 0.98, 0.1, 5, 20),
        design(0.5, 0.52, 0.05, 1, 2000),
    ];
    for _ in 0..60 {
        let reject = random.random_range(0.02..0.95);
        let at_least = random.random_range(1..40);
        designs.push(Design {
            reject,
            accept: reject + (1.0 - reject) * random.random_range(0.05..0.95),
            alpha: random.random_range(0.001..0.3),
            beta: random.random_range(0.001..0.3),
            at_least,
            at_most: at_least + random.random_range(0..200),
        });
    }
    let mut cases = Vec::new();
    for design in designs {
        let boundaries = design.boundaries()?;
        let trials = design.at_least..=design.at_most;
        let probabilities: Vec<_> = [design.reject, (design.reject + design.accept) / 2.0, design.accept]
            .iter()
            .map(|rate| json!({"rate": rate, "found": boundaries.probabilities(*rate)}))
            .collect();
        cases.push(json!({
            "design": design,
            "pass-at": trials.clone().map(|n| boundaries.pass_at(n)).collect::<Vec<_>>(),
            "fail-at": trials.map(|n| boundaries.fail_at(n)).collect::<Vec<_>>(),
            "probabilities": probabilities,
        }));
    }
    Ok(cases)
}

fn proportions(random: &mut ChaCha8Rng) -> Result<Vec<Value>, Box<dyn Error>> {
    let mut cases = Vec::new();
    for i in 0..2000 {
        let trials = if i % 4 == 0 { random.random_range(1..100_000) } else { random.random_range(1..300) };
        let successes = match i % 10 {
            0 => 0,
            1 => trials,
            2 => 1,
            _ => random.random_range(0..=trials),
        };
        let confidence = random.random_range(0.5..0.9999);
        let (level, of) = (Confidence::new(confidence)?, Proportion::new(successes, trials)?);
        cases.push(json!({
            "successes": successes, "trials": trials, "confidence": confidence,
            "wilson": of.wilson(level), "clopper-pearson": of.clopper_pearson(level),
            "lower": of.lower_bound(level), "upper": of.upper_bound(level),
        }));
    }
    Ok(cases)
}

fn binomials(random: &mut ChaCha8Rng) -> Vec<Value> {
    let mut case = |most: u64| {
        let n = random.random_range(1..most);
        let p: f64 = random.random_range(1e-6..1.0);
        let spread = (n as f64 * p * (1.0 - p)).sqrt();
        let k = (n as f64 * p + random.random_range(-6.0..6.0) * spread).clamp(0.0, n as f64) as u64;
        json!({"k": k, "n": n, "p": p, "at-most": binomial::at_most(k, n, p), "at-least": binomial::at_least(k, n, p)})
    };
    (0..2000).map(|i| case(if i % 2 == 0 { 200 } else { 1_000_000 })).collect()
}

fn ranks(random: &mut ChaCha8Rng) -> Result<Vec<Value>, Box<dyn Error>> {
    let mut cases = Vec::new();
    for _ in 0..300 {
        let n = random.random_range(1..400);
        let (level, confidence) = (random.random_range(0.02..0.98), random.random_range(0.5..0.999));
        let (q, c) = (Rate::new(level)?, Confidence::new(confidence)?);
        let interval = interval_ranks(n, q, c).map(|r| json!([r.lower, r.upper, r.coverage]));
        cases.push(json!({
            "n": n, "level": level, "confidence": confidence, "interval": interval,
            "upper": upper_bound_rank(n, q, c), "lower": lower_bound_rank(n, q, c),
        }));
    }
    Ok(cases)
}

fn exact(exactness: Exactness) -> bool {
    exactness == Exactness::Exact
}

/// Two samples: with and without ties, of few and of many values.
fn samples(random: &mut ChaCha8Rng) -> Result<Vec<Value>, Box<dyn Error>> {
    let confidence = Confidence::new(0.95)?;
    let mut cases = Vec::new();
    for i in 0..1500 {
        let most = if i % 10 == 0 { 120 } else { 12 };
        let (n, m) = (random.random_range(1..most), random.random_range(1..most));
        // A grain of 4 makes ties.
        let grain: f64 = if i % 3 == 0 { 4.0 } else { 1e9 };
        let mut draw = |count: usize, from: f64| -> Vec<f64> {
            (0..count).map(|_| from + (random.random_range(0.0..10.0) * grain).round() / grain).collect()
        };
        let (a, b) = (draw(n, 0.0), draw(m, 1.5));
        let test = mann_whitney(&a, &b).ok_or("two samples")?;
        let found = shift(&a, &b, confidence).ok_or("two samples")?;
        cases.push(json!({
            "a": a, "b": b, "u": test.u, "two-sided": test.two_sided, "less": test.less, "greater": test.greater,
            "exact": exact(test.exactness), "shift": found.estimate,
        }));
    }
    Ok(cases)
}

fn tables(random: &mut ChaCha8Rng) -> Result<Vec<Value>, Box<dyn Error>> {
    let mut cases = Vec::new();
    for i in 0..2000 {
        let most = if i % 20 == 0 { 1000 } else { 60 };
        let (n, m) = (random.random_range(1..most), random.random_range(1..most));
        let (k, l) = (random.random_range(0..=n), random.random_range(0..=m));
        let test = fisher(Proportion::new(k, n)?, Proportion::new(l, m)?);
        let confidence = random.random_range(0.5..0.9999);
        let apart = difference(Proportion::new(k, n)?, Proportion::new(l, m)?, Confidence::new(confidence)?);
        cases.push(json!({
            "table": [[k, n - k], [l, m - l]], "two-sided": test.two_sided, "less": test.less, "greater": test.greater,
            "confidence": confidence, "difference": [apart.lower, apart.upper],
        }));
    }
    Ok(cases)
}

fn counts(random: &mut ChaCha8Rng) -> Result<Vec<Value>, Box<dyn Error>> {
    let mut cases = Vec::new();
    for i in 0..1000 {
        let confidence = random.random_range(0.5..0.9999);
        let level = Confidence::new(confidence)?;
        let mut count = || Count {
            events: if i % 5 == 0 { 0 } else { random.random_range(0..60) },
            hours: random.random_range(0.01..100.0),
        };
        let (a, b) = (count(), count());
        let (interval, apart) = (a.interval(level), poisson::difference(a, b, level));
        cases.push(json!({
            "k": [a.events, b.events], "hours": [a.hours, b.hours], "confidence": confidence,
            "lower": interval.lower, "upper": interval.upper, "one-sided-lower": a.lower_bound(level),
            "one-sided-upper": a.upper_bound(level), "conditional": poisson::compare(a, b),
            "difference": [apart.lower, apart.upper],
            "e-test": (i % 10 == 1).then(|| poisson::e_test(a, b)).flatten(),
        }));
    }
    Ok(cases)
}

fn pairs(random: &mut ChaCha8Rng) -> Result<Vec<Value>, Box<dyn Error>> {
    let confidence = Confidence::new(0.95)?;
    let mut cases = Vec::new();
    for i in 0..500 {
        let n = random.random_range(1..40);
        // Distinct sizes, so that others are exact too.
        let differences: Vec<f64> = (0..n).map(|k| random.random_range(-4.0..5.0) + 1e-7 * f64::from(k)).collect();
        let found = signed_rank(&differences, confidence).ok_or("pairs")?;
        let (b, c) = (random.random_range(0..30), random.random_range(0..30));
        cases.push(json!({
            "differences": differences, "w": found.w, "two-sided": found.two_sided, "only": [b, c],
            "mcnemar": mcnemar(b, c), "number": i,
        }));
    }
    Ok(cases)
}

fn families(random: &mut ChaCha8Rng) -> Vec<Value> {
    let mut case = || {
        let n = random.random_range(1..60);
        let p: Vec<f64> = (0..n).map(|_| random.random_range(0.0f64..1.0).powi(3)).collect();
        json!({"holm": holm(&p), "benjamini-hochberg": benjamini_hochberg(&p), "p": p})
    };
    (0..500).map(|_| case()).collect()
}

fn sessions(random: &mut ChaCha8Rng) -> Result<Vec<Value>, Box<dyn Error>> {
    let mut cases = Vec::new();
    for _ in 0..500 {
        let count = random.random_range(2..8);
        let mut proportions = Vec::new();
        for _ in 0..count {
            let n = random.random_range(1..40);
            proportions.push(Proportion::new(random.random_range(0..=n), n)?);
        }
        let outcomes: Vec<bool> =
            (0..random.random_range(2..60)).map(|_| random.random_range(0.0..1.0) < 0.7).collect();
        let table: Vec<_> = proportions.iter().map(|p| [p.successes(), p.trials()]).collect();
        let found = dispersion(&proportions).map(|d| json!([d.chi_squared, d.freedom, d.p]));
        cases.push(json!({
            "sessions": table, "dispersion": found, "outcomes": outcomes,
            "runs": runs(&outcomes).map(|r| json!([r.runs, r.z, r.p])),
        }));
    }
    Ok(cases)
}
