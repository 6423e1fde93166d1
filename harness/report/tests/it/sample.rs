//! A small run with every verdict in it, made by hand.

use std::collections::BTreeMap;

use rigtone_model::{
    plan::Plan,
    trial::FailureClass::{self, Late, PairingRefused, Silent},
    verdict::{CombinationVerdict, ExpectationVerdict, Interval, RunVerdicts, Verdict},
};
use serde_json::{Value, json};

/// The directory of the samples and schemas.
pub(crate) const REPORTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../reports");

pub(crate) const PASS: &str = "pairing-cold-start/source=echo-a,speaker=charge-b#1a2b3c4d";
pub(crate) const FAIL: &str = "pairing-cold-start/source=echo-a,speaker=flip-a#5e6f7a8b";
pub(crate) const SKIPPED: &str = "pairing-cold-start/source=echo-a,speaker=wired-a#0badcafe";
pub(crate) const UNDECIDED: &str = "playback-heard/codec=sbc,source=echo-a,speaker=charge-b#9c0d1e2f";
pub(crate) const LOST: &str = "playback-heard/codec=sbc,source=echo-a,speaker=flip-a#3a4b5c6d";

fn unit(name: &str, device: &str, firmware: &str) -> Value {
    json!({"unit": {"name": name, "device": device, "firmware": firmware}})
}

fn planned(id: &str, axes: &[(&str, Value)]) -> Value {
    json!({
        "id": id,
        "scenario": id.split('/').next(),
        "axes": axes,
        "group": 1,
        "resources": ["dongle-1"],
        "trial_ns": 30_000_000_000_i64,
        "skipped": (id == SKIPPED).then_some("`wired-a` has no microphone near it"),
    })
}

pub(crate) fn plan() -> Plan {
    let source = || ("source", unit("echo-a", "amazon/echo-dot-5", "9.2"));
    let charge = || ("speaker", unit("charge-b", "jbl/charge-5", "1.1.0"));
    let flip = || ("speaker", unit("flip-a", "jbl/flip-6", "0.9.2"));
    let sbc = || ("codec", json!({"value": "sbc"}));
    let scenario = |document: Value| json!({"document": document, "hash": "00"});
    let plan = json!({
        "schema": "1.0",
        "rig": "lab-3",
        "rig_hash": "00",
        "retries": 2, "bench_after": 3,
        "scenarios": [
            scenario(json!({
                "scenario": "pairing-cold-start",
                "title": "Pairing succeeds after both ends were power-cycled",
                "matrix": {"source": {"role": "a2dp-source"}, "speaker": {"role": "a2dp-sink"}},
                "trial": [{"pair": {}}],
                "repeat": {"at-least": 10, "at-most": 120},
                "expect": [{"success-rate": {"of": "pair", "at-least": "90 %"}}],
            })),
            scenario(json!({
                "scenario": "playback-heard",
                "title": "What is played is heard, soon enough",
                "matrix": {"codec": ["sbc"], "source": {"role": "a2dp-source"}, "speaker": {"role": "a2dp-sink"}},
                "trial": [{"play": {"signal": "smoke"}}],
                "repeat": {"at-least": 10, "at-most": 60},
                "expect": [
                    {"audio": {"in": "play", "present": true}},
                    {"latency": {"in": "play", "percentile": 90, "at-most": "220 ms"}},
                    {"latency": {"in": "play", "percentile": 50, "at-most": "100 ms"}, "gating": false},
                ],
            })),
        ],
        "combinations": [
            planned(PASS, &[source(), charge()]),
            planned(FAIL, &[source(), flip()]),
            planned(SKIPPED, &[source(), ("speaker", unit("wired-a", "generic/wired", "1"))]),
            planned(UNDECIDED, &[sbc(), source(), charge()]),
            planned(LOST, &[sbc(), source(), flip()]),
        ],
    });
    serde_json::from_value(plan).expect("the sample is a plan")
}

/// An expectation about a share of trials as the judge writes it: a fraction, with the interval that `held` of `n` give (Clopper-Pearson, 95 %).
fn rate(
    index: usize,
    expected: &str,
    seen: &str,
    verdict: Verdict,
    held: u32,
    n: u32,
    ends: (f64, f64),
) -> ExpectationVerdict {
    ExpectationVerdict {
        index,
        expected: expected.into(),
        gating: true,
        verdict,
        seen: seen.into(),
        n,
        held,
        ambiguous: 0,
        estimate: Some(f64::from(held) / f64::from(n)),
        unit: String::new(),
        interval: Some(Interval { low: Some(ends.0), high: Some(ends.1), confidence: 0.95 }),
        needed: None,
        classes: BTreeMap::new(),
        unstable: None,
        parts: Vec::new(),
        beside: None,
    }
}

/// The same about latencies: what is shown is a percentile with its interval, in milliseconds.
fn latency(share: ExpectationVerdict, ms: f64) -> ExpectationVerdict {
    ExpectationVerdict { estimate: Some(ms), unit: "ms".into(), ..share }
}

fn combination(id: &str, verdict: Verdict, trials: u32, expectations: Vec<ExpectationVerdict>) -> CombinationVerdict {
    CombinationVerdict {
        id: id.into(),
        scenario: id.split('/').next().unwrap_or_default().into(),
        verdict,
        trials,
        lost: 0,
        expectations,
        classes: BTreeMap::new(),
        faults: Vec::new(),
        evidence: Vec::new(),
        took_ns: i64::from(trials) * 31_234_567_890,
        quarantined: None,
    }
}

fn classes(counts: &[(FailureClass, u32)]) -> BTreeMap<FailureClass, u32> {
    counts.iter().copied().collect()
}

pub(crate) fn verdicts() -> RunVerdicts {
    let pairs = "`pair` succeeds in at least 90 % of trials, 98 % with a good device (95 % confidence)";
    let heard = "`play` is heard in at least 90 % of trials, 98 % with a good device (95 % confidence)";
    let soon = "`play` is heard within 220 ms in at least 90 % of trials, 98 % with a good device (95 % confidence)";
    let very_soon =
        "`play` is heard within 100 ms in at least 50 % of trials, 87.5 % with a good device (95 % confidence)";

    let seen = "11 of 23 trials (47.8 %; at least 29.6 %, at most 66.5 %, each with 95 % confidence)";
    let mut failed = rate(0, pairs, seen, Verdict::Fail, 11, 23, (0.2682, 0.6941));
    failed.classes = classes(&[(PairingRefused, 12)]);
    let seen = "p90 = 214.6 ms, 206.1 ms to 231.8 ms by rank; 43 of 50 trials, 4 do not tell (86 %; at least 75.3 %, at most 98.3 %, each with \
                95 % confidence)";
    let mut late = latency(rate(1, soon, seen, Verdict::Inconclusive, 43, 50, (206.1, 231.8)), 214.6);
    late.ambiguous = 4;
    late.needed = Some(31);
    late.classes = classes(&[(Late, 7)]);
    let seen = "p50 = 187.2 ms, 181.9 ms to 193.4 ms by rank; 2 of 50 trials (4 %; at least 0.7 %, at most 12.1 %, each with 95 % confidence)";
    let mut hoped = latency(rate(2, very_soon, seen, Verdict::Fail, 2, 50, (181.9, 193.4)), 187.2);
    hoped.gating = false;

    let seen = "35 of 35 trials (100 %; at least 91.8 %, at most 100 %, each with 95 % confidence)";
    let pass = rate(0, pairs, seen, Verdict::Pass, 35, 35, (0.9, 1.0));
    let seen = "50 of 50 trials (100 %; at least 94.2 %, at most 100 %, each with 95 % confidence)";
    let all_heard = rate(0, heard, seen, Verdict::Pass, 50, 50, (0.9289, 1.0));

    RunVerdicts {
        schema: RunVerdicts::SCHEMA.into(),
        run: "2026-11-23-lab-3-0001".into(),
        interrupted: None,
        combinations: vec![
            combination(PASS, Verdict::Pass, 35, vec![pass]),
            CombinationVerdict {
                classes: classes(&[(PairingRefused, 12)]),
                evidence: vec![
                    "evidence/pairing-cold-start.source-echo-a.speaker-flip-a.5e6f7a8b/0003/relay.log".into(),
                ],
                ..combination(FAIL, Verdict::Fail, 23, vec![failed])
            },
            combination(SKIPPED, Verdict::Skipped("`wired-a` has no microphone near it".into()), 0, vec![]),
            CombinationVerdict {
                classes: classes(&[(Late, 7)]),
                lost: 1,
                faults: vec!["microphone bench-1: 512 frames are missing".into()],
                evidence: vec![
                    "evidence/playback-heard.codec-sbc.source-echo-a.speaker-charge-b.9c0d1e2f/0007/bench-1.wav".into(),
                ],
                ..combination(UNDECIDED, Verdict::Inconclusive, 50, vec![all_heard, late, hoped])
            },
            CombinationVerdict {
                classes: classes(&[(Silent, 2)]),
                lost: 7,
                faults: vec![
                    "relay board-1: no answer within 250 ms".into(),
                    "microphone bench-1: the device is gone".into(),
                ],
                ..combination(LOST, Verdict::InfraError, 5, vec![])
            },
        ],
    }
}
