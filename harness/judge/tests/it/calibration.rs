//! Error rates of whole verdicts, for devices exactly at the limits.
//!
//! A million trials a night show more: `RIGTONE_CALIBRATION` sets the number of simulated campaigns.

use rand::{Rng, RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rigtone_judge::verdicts::{Ending, Rules, Standing, Tallies};
use rigtone_model::{
    observation::Quantity,
    trial::{DeviceFailure, FailureClass, TrialRecord},
    verdict::Verdict,
};
use serde_json::{Value, json};

use crate::{
    difference::{FIRST, SECOND, of, plan},
    verdicts::{heard, late, played, times},
};

const SEED: u64 = 20_261_127;

fn campaigns() -> u32 {
    std::env::var("RIGTONE_CALIBRATION").ok().and_then(|n| n.parse().ok()).unwrap_or(600)
}

/// A trial of the first side or of the second.
type World = fn(&mut ChaCha8Rng, second: bool) -> TrialRecord;

/// How many campaigns passed and failed of the second side, and the mean number of its trials.
fn simulate(expect: &Value, at_most: u32, world: World) -> (f64, f64, f64) {
    let plan = plan(expect, 5, at_most);
    let rules = Rules::of(&plan).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let (mut passed, mut failed, mut trials) = (0, 0, 0);
    for _ in 0..campaigns() {
        let mut tallies = Tallies::new(&plan, &rules);
        for number in 1..=at_most {
            for (place, id) in [(0, FIRST), (1, SECOND)] {
                if !tallies.is_settled(place) {
                    tallies.take(&of(id, number, world(&mut rng, place == 1)), 1);
                }
            }
        }
        let found = tallies.verdict(1, &Ending::Complete).unwrap();
        passed += u32::from(found.verdict == Verdict::Pass);
        failed += u32::from(found.verdict == Verdict::Fail);
        trials += found.trials;
    }
    let share = |n: u32| f64::from(n) / f64::from(campaigns());
    (share(passed), share(failed), share(trials))
}

/// No more than the stated error, but for what chance allows in so many campaigns (three standard errors).
#[track_caller]
fn keeps(name: &str, which: &str, found: f64, stated: f64) {
    let chance = 3.0 * (stated * (1.0 - stated) / f64::from(campaigns())).sqrt();
    println!("{name:<40} {which} {:.4}, stated at most {stated:.4} ({} campaigns, seed {SEED})", found, campaigns());
    assert!(found <= stated + chance, "{name}: {which} {found} is more than {stated}");
}

fn with(rng: &mut impl Rng, share: f64) -> bool {
    rng.random_bool(share)
}

fn sound(yes: bool) -> TrialRecord {
    played(vec![heard(yes)])
}

/// Events of a Poisson process in a tenth of an hour.
fn holes(rng: &mut ChaCha8Rng, per_hour: f64) -> TrialRecord {
    let (mut n, mut t) = (0, 0.0);
    loop {
        t -= rng.random::<f64>().max(1e-300).ln() / per_hour;
        if t > 0.1 {
            break;
        }
        n += 1;
    }
    let mut count = times(Quantity::Dropouts, n);
    count.quality.insert("listened-s".into(), 360.0);
    played(vec![heard(true), count])
}

/// A latency that is skewed, as latencies are: 100 ms and an exponential of 50 ms. Its quantile p is 100 − 50·ln(1 − p).
fn skewed(rng: &mut ChaCha8Rng, shift: f64) -> TrialRecord {
    let ms = 100.0 + shift - 50.0 * (1.0 - rng.random::<f64>()).ln();
    played(vec![heard(true), late(ms, 0.0)])
}

/// Two rates that know nothing of each other: the sound is heard as often as the pairing succeeds.
fn two_rates(rng: &mut ChaCha8Rng, share: f64) -> TrialRecord {
    let mut record = sound(with(rng, share));
    if !with(rng, share) {
        record.steps[0].failure = Some(DeviceFailure::new(FailureClass::PairingRefused, "planted"));
    }
    record
}

fn heard_in_most() -> Value {
    json!({"audio": {"in": "play", "present": true, "at-least": "80 %", "good": "95 %"}})
}

fn of_two_rates(kind: &str) -> Value {
    json!({kind: [heard_in_most(), {"success-rate": {"at-least": "80 %", "good": "95 %"}}]})
}

fn few_holes() -> Value {
    json!({"count": {"of": "dropouts", "in": "play", "at-most": "3 /h"}})
}

/// A difference that lies exactly on its limit passes by mistake and fails by mistake.
fn ten_points() -> (&'static str, Value, u32, World) {
    let expect =
        json!({"difference": {"of": "presence", "in": "play", "between": ["cold", "warm"], "at-least": "10 %"}});
    ("difference of 10 points", expect, 80, |rng, second| sound(with(rng, if second { 0.8 } else { 0.7 })))
}

/// Devices exactly at the limit that must be rejected: how many pass.
#[test]
fn false_passes_stay_below_their_share() {
    let p90 = 100.0 - 50.0 * 0.1_f64.ln();
    let cases: [(&str, Value, u32, World); 7] = [
        ("rate of 80 %", heard_in_most(), 80, |rng, _| sound(with(rng, 0.8))),
        (
            "p90 of a skewed latency",
            json!({"latency": {"in": "play", "percentile": 90, "at-most": format!("{p90:.9} ms")}}),
            120,
            |rng, _| skewed(rng, 0.0),
        ),
        (
            "every trial, 90 % of them",
            json!({"latency": {"in": "play", "every-trial": true, "percentile": 90, "at-most": format!("{p90:.9} ms")}}),
            60,
            |rng, _| skewed(rng, 0.0),
        ),
        ("3 holes an hour", few_holes(), 80, |rng, _| holes(rng, 3.0)),
        ("any of two rates of 80 %", of_two_rates("any"), 80, |rng, _| two_rates(rng, 0.8)),
        ten_points(),
        (
            "difference of 10 ms",
            json!({"difference": {"of": "latency", "in": "play", "between": ["cold", "warm"], "at-least": "10 ms"}}),
            40,
            |rng, second| skewed(rng, if second { 10.0 } else { 0.0 }),
        ),
    ];
    for (name, expect, at_most, world) in cases {
        let (passed, _, trials) = simulate(&expect, at_most, world);
        keeps(name, "false passes", passed, 0.05);
        println!("{:<40} {trials:.1} trials on average", "");
    }
}

/// Good devices, exactly at the rate that should be accepted: how many fail.
#[test]
fn false_fails_stay_below_their_share() {
    let p98 = 100.0 - 50.0 * 0.02_f64.ln();
    let cases: [(&str, Value, u32, World); 6] = [
        ("rate of 95 %", heard_in_most(), 80, |rng, _| sound(with(rng, 0.95))),
        (
            "p90 of a skewed latency",
            json!({"latency": {"in": "play", "percentile": 90, "at-most": format!("{p98:.9} ms")}}),
            120,
            |rng, _| skewed(rng, 0.0),
        ),
        ("1 hole an hour", few_holes(), 80, |rng, _| holes(rng, 1.0)),
        ("all of two rates of 95 %", of_two_rates("all"), 80, |rng, _| two_rates(rng, 0.95)),
        ten_points(),
        (
            "difference of 20 holes an hour",
            json!({"difference": {"of": "dropouts", "in": "play", "between": ["cold", "warm"], "at-most": "20 /h"}}),
            40,
            |rng, second| holes(rng, if second { 30.0 } else { 10.0 }),
        ),
    ];
    for (name, expect, at_most, world) in cases {
        let (_, failed, trials) = simulate(&expect, at_most, world);
        keeps(name, "false fails", failed, 0.05);
        println!("{:<40} {trials:.1} trials on average", "");
    }
}

/// What a plan promises is what campaigns take: the mean number of trials of a tenth of an hour, for good, middling and bad devices.
#[test]
fn campaigns_take_as_long_as_was_forecast() {
    let cases: [(&str, Value, Standing, World); 6] = [
        ("1 hole an hour", few_holes(), Standing::Good, |rng, _| holes(rng, 1.0)),
        ("2 holes an hour", few_holes(), Standing::Middling, |rng, _| holes(rng, 2.0)),
        ("3 holes an hour", few_holes(), Standing::Bad, |rng, _| holes(rng, 3.0)),
        ("95 %", heard_in_most(), Standing::Good, |rng, _| sound(with(rng, 0.95))),
        ("87.5 %", heard_in_most(), Standing::Middling, |rng, _| sound(with(rng, 0.875))),
        ("80 %", heard_in_most(), Standing::Bad, |rng, _| sound(with(rng, 0.8))),
    ];
    for (name, expect, standing, world) in cases {
        let at_most = 200;
        let (_, _, trials) = simulate(&expect, at_most, world);
        let plan = plan(&expect, 5, at_most);
        let rules = Rules::of(&plan).unwrap();
        let forecast = rules.scenarios[0].expected_trials(plan.scenarios[0].document.repeat, standing, 0.1);
        println!(
            "{name:<20} {standing:?}: {forecast:.1} trials forecast, {trials:.1} taken ({} campaigns)",
            campaigns()
        );
        assert!((forecast / trials - 1.0).abs() < 0.12, "{name}: {forecast} was forecast, {trials} were taken");
    }
}
