//! What Rigtone itself costs: planning 100,000 combinations, and a simulated trial without audio.
//!
//! `cargo bench -p rigtone-runner` prints medians of whole runs and the peak memory of the process after planning.

#![expect(clippy::print_stdout, reason = "the figures are its product")]

use std::time::Instant;

use indexmap::IndexMap;
use rigtone_judge::verdicts::RunPlan;
use rigtone_model::{
    document::{Device, Rig, Scenario},
    plan::{Expansion, Plan, PlannedScenario, expand},
    quantity::Duration,
};
use rigtone_record::RunWriter;
use rigtone_rig::simulated::{self, VirtualClock};
use rigtone_runner::{Cancel, Options, run};
use serde_json::json;

fn main() {
    let device = |id: &str, role: &str| -> Device {
        let document = json!({
            "device": id, "title": id, "roles": [role], "tags": [role], "codecs": ["sbc", "aac"],
            "gestures": {"pairing-mode": {"automatic": true}}, "firmware": {"1": {}},
        });
        serde_json::from_value(document).expect("a device")
    };
    let devices: IndexMap<String, Device> = [("a/source", "a2dp-source"), ("a/sink", "a2dp-sink")]
        .map(|(id, role)| (id.to_owned(), device(id, role)))
        .into_iter()
        .collect();
    let rig = |sources: usize, sinks: usize| -> Rig {
        let mut units = serde_json::Map::new();
        for (kind, device, count) in [("source", "a/source", sources), ("sink", "a/sink", sinks)] {
            for i in 0..count {
                let tail = if kind == "source" { 1 } else { 2 };
                let address = format!("0{tail}:00:00:00:{:02X}:{:02X}", i >> 8, i & 255);
                let mut unit = json!({"device": device, "firmware": "1", "address": address, "control": "command"});
                if kind == "sink" {
                    unit["power"] = json!({"relay": "board", "channel": 1});
                }
                units.insert(format!("{kind}-{i}"), unit);
            }
        }
        let rig = json!({
            "rig": "bench", "title": "bench", "world": "simulated", "rooms": {"room": {}},
            "relays": {"board": {"channels": 64}}, "units": units,
        });
        serde_json::from_value(rig).expect("a rig")
    };
    let scenario = |values: usize, trials: u32| -> Scenario {
        let pauses: Vec<String> = (1..=values).map(|i| format!("{i} ms")).collect();
        let document = json!({
            "scenario": "bench", "title": "bench",
            "matrix": {"source": {"role": "a2dp-source"}, "speaker": {"role": "a2dp-sink"}, "pause": pauses},
            "trial": [
                {"power-cycle": {"unit": "speaker", "off-for": "1 s"}}, {"enter-pairing-mode": {"unit": "speaker"}},
                {"wait": {"for": "$pause"}}, {"discover": {"within": "30 s"}}, {"pair": {}},
            ],
            "cleanup": [{"forget": {}}],
            "repeat": {"at-least": trials, "at-most": trials},
            "expect": [{"success-rate": {"of": "pair"}}],
        });
        serde_json::from_value(document).expect("a scenario")
    };
    let plan = |rig: &Rig, scenario: Scenario| -> RunPlan {
        let planned = PlannedScenario { document: scenario, hash: String::new() };
        let length = |_: &str| Some(Duration::from_s(3));
        let from = Expansion { rig, devices: &devices, signal_length: &length };
        let combinations = expand(&planned, &from).expect("a plan");
        let plan = Plan {
            schema: Plan::SCHEMA.to_owned(),
            rig: rig.rig.clone(),
            rig_hash: String::new(),
            retries: 0,
            bench_after: 3,
            scenarios: vec![planned],
            combinations,
        };
        RunPlan::new(plan).expect("rules")
    };

    let large = rig(100, 100);
    let mut times = Vec::new();
    for _ in 0..9 {
        let begun = Instant::now();
        let planned = plan(&large, scenario(10, 60));
        times.push(begun.elapsed().as_secs_f64());
        assert_eq!(planned.plan.combinations.len(), 100_000);
    }
    let peak = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = peak.lines().find_map(|l| l.strip_prefix("VmHWM:")).map_or("unknown", str::trim);
    println!("planning 100000 combinations: {:.3} s, peak memory {peak}", median(&mut times));

    let small = rig(4, 4);
    let planned = plan(&small, scenario(1, 200));
    let mut costs = Vec::new();
    for seed in 0..9 {
        let directory = tempfile::tempdir().expect("a directory");
        let writer = RunWriter::create(&directory.path().join("run"), "bench").expect("a run");
        let clock = VirtualClock::new();
        let bench = simulated::open(&small, &|id| devices.get(id).cloned(), &clock).expect("a rig");
        let options = Options { seed, version: String::new(), unix_s: 0, max_time: None, ..Options::default() };
        let cancel = Cancel::new();
        let runtime = clock.runtime().expect("a runtime");
        let begun = Instant::now();
        let work = run(&planned.plan, &planned.rules, &bench, writer, Box::new(|_| ()), &cancel, &options);
        let verdicts = runtime.block_on(work).expect("verdicts");
        let trials: u32 = verdicts.combinations.iter().map(|c| c.trials).sum();
        costs.push(begun.elapsed().as_secs_f64() / f64::from(trials));
    }
    println!("a simulated trial without audio: {:.3} ms", 1e3 * median(&mut costs));
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
