//! Random rigs with random suites, drawn from a seed, run through the real runner; shared by tests and benchmarks.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use indexmap::IndexMap;
use rigtone_judge::verdicts::RunPlan;
use rigtone_model::{
    document::{Device, Rig},
    event::{Body, Event},
    plan::{Expansion, Plan, PlannedScenario, expand},
    quantity::Duration,
    verdict::RunVerdicts,
};
use rigtone_record::RunWriter;
use rigtone_rig::simulated::{self, VirtualClock};
use rigtone_runner::{Cancel, Options, run};
use serde_json::{Value, json};

/// SplitMix64 (Steele, Lea and Flood 2014): what is drawn depends on the seed alone.
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    pub(crate) fn from(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.from(1, n) == 1
    }
}

/// What stands in a rig.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) sources: u64,
    pub(crate) dongles: u64,
    pub(crate) speakers: u64,
    pub(crate) rooms: u64,
}

/// A rig with a plan for it.
pub(crate) struct Suite {
    pub(crate) rig: Rig,
    pub(crate) devices: IndexMap<String, Device>,
    pub(crate) run: RunPlan,
}

fn devices() -> IndexMap<String, Device> {
    let device = |id: &str, role: &str| -> Device {
        let document = json!({
            "device": id, "title": id, "roles": [role], "codecs": ["sbc"],
            "gestures": {"pairing-mode": {"automatic": true}}, "firmware": {"1": {}},
        });
        serde_json::from_value(document).expect("a device")
    };
    let roles = [("a/source", "a2dp-source"), ("a/sink", "a2dp-sink")];
    roles.map(|(id, role)| (id.to_owned(), device(id, role))).into_iter().collect()
}

/// A rig of that size: one speaker in three seldom pairs, one in eight is silent.
pub(crate) fn rig(draw: &mut Draw, size: Size, faults: &[Value]) -> Rig {
    let mut units = serde_json::Map::new();
    for i in 0..size.sources {
        let unit = json!({
            "device": "a/source", "firmware": "1", "address": format!("0C:00:00:00:00:{i:02X}"),
            "control": "endpoint", "dongle": format!("dongle-{}", i % size.dongles),
        });
        units.insert(format!("source-{i}"), unit);
    }
    for i in 0..size.speakers {
        let mut unit = json!({
            "device": "a/sink", "firmware": "1", "address": format!("5E:00:00:00:00:{i:02X}"),
            "power": {"relay": "board", "channel": i + 1},
            "heard-by": {format!("microphone-{}", i % size.rooms): {"distance": "0.3 m"}},
            "simulated": {"pairing-takes": format!("{} ms", draw.from(800, 3000))},
        });
        if draw.one_in(3) {
            unit["simulated"]["pairing"] = json!(format!("{} %", draw.from(20, 97)));
        }
        if draw.one_in(8) {
            unit["simulated"]["silent"] = json!(true);
        }
        units.insert(format!("speaker-{i}"), unit);
    }
    let named = |count: u64, kind: &str, of: &dyn Fn(u64) -> Value| -> serde_json::Map<String, Value> {
        (0..count).map(|i| (format!("{kind}-{i}"), of(i))).collect()
    };
    let document = json!({
        "rig": "drawn", "title": "drawn", "world": "simulated", "faults": faults,
        "rooms": named(size.rooms, "room", &|_| json!({"noise": "-70 dB"})),
        "dongles": named(size.dongles, "dongle", &|i| json!({"address": format!("0C:00:00:00:00:{i:02X}")})),
        "relays": {"board": {"channels": 16}},
        "microphones": named(size.rooms, "microphone", &|i| json!({"room": format!("room-{i}")})),
        "units": units,
    });
    serde_json::from_value(document).expect("a rig")
}

/// A scenario that pairs, and plays too if it `sounds`; with one value or two, with conditions or without.
fn scenario(draw: &mut Draw, number: usize, sounds: bool, speakers: u64) -> PlannedScenario {
    let mut trial = vec![
        json!({"power-cycle": {"unit": "speaker", "off-for": format!("{} s", draw.from(1, 8))}}),
        json!({"enter-pairing-mode": {"unit": "speaker"}}),
        json!({"wait": {"for": "$pause"}}),
        json!({"discover": {"within": "30 s"}}),
        json!({"pair": {"attempts": draw.from(1, 3)}}),
    ];
    let mut cleanup = vec![json!({"forget": {}}), json!({"power": {"unit": "speaker", "state": "off"}})];
    let [at_least, confidence] = [["60 %", "90 %"], ["80 %", "90 %"], ["90 %", "95 %"]][draw.from(0, 2) as usize];
    let mut rate = json!({"at-least": at_least, "good": "98 %", "confidence": confidence});
    let expect = if sounds {
        trial.extend([json!({"connect": {"profile": "a2dp"}}), json!({"play": {"signal": "smoke"}})]);
        cleanup.insert(0, json!({"disconnect": {}}));
        (rate["in"], rate["present"]) = (json!("play"), json!(true));
        json!({"audio": rate})
    } else {
        rate["of"] = json!("pair");
        json!({"success-rate": rate})
    };
    let some: Vec<String> = (0..speakers).filter(|_| !draw.one_in(4)).map(|i| format!("speaker-{i}")).collect();
    let mut document = json!({
        "scenario": format!("drawn-{number}"), "title": "drawn",
        "matrix": {"source": {"role": "a2dp-source"}, "speaker": {"role": "a2dp-sink", "units": some}},
        "trial": trial, "cleanup": cleanup,
        "repeat": {"at-least": draw.from(3, 8), "at-most": draw.from(20, 40)},
        "expect": [expect],
    });
    let pause = |draw: &mut Draw| format!("{} ms", draw.from(100, 9000));
    if draw.one_in(3) {
        document["conditions"] = json!({"short": {"pause": pause(draw)}, "long": {"pause": pause(draw)}});
        let (of, step) = if sounds { ("presence", "play") } else { ("success-rate", "pair") };
        // The pause changes nothing: what differs does so by chance.
        let same = json!({"of": of, "in": step, "between": ["short", "long"], "at-least": "-30 %", "at-most": "30 %"});
        let expect = document["expect"].as_array_mut().expect("expectations");
        expect.push(json!({"difference": same, "gating": number.is_multiple_of(2)}));
    } else {
        let values: Vec<String> = (0..if sounds { 1 } else { draw.from(1, 2) }).map(|_| pause(draw)).collect();
        document["matrix"]["pause"] = json!(values);
    }
    PlannedScenario { document: serde_json::from_value(document).expect("a scenario"), hash: String::new() }
}

/// A suite of so many scenarios that sound, and so many that only pair.
pub(crate) fn suite(draw: &mut Draw, rig: Rig, sounding: usize, pairing: usize) -> Suite {
    let devices = devices();
    let speakers = rig.units.keys().filter(|name| name.starts_with("speaker")).count() as u64;
    let scenarios: Vec<PlannedScenario> =
        (0..sounding + pairing).map(|i| scenario(draw, i, i < sounding, speakers)).collect();
    let length = |_: &str| Some(Duration::from_s(3));
    let from = Expansion { rig: &rig, devices: &devices, signal_length: &length };
    let combinations = scenarios.iter().flat_map(|s| expand(s, &from).expect("a plan")).collect();
    let plan = Plan {
        schema: Plan::SCHEMA.to_owned(),
        rig: rig.rig.clone(),
        rig_hash: String::new(),
        retries: rig.retries.infrastructure,
        bench_after: rig.retries.bench_after,
        scenarios,
        combinations,
    };
    Suite { run: RunPlan::new(plan).expect("rules"), rig, devices }
}

/// A trial as the log has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// The place of its combination in the plan.
    pub(crate) index: usize,
    pub(crate) from_ns: i64,
    pub(crate) to_ns: i64,
}

/// Runs a suite; `see` sees every event.
pub(crate) fn run_suite(suite: &Suite, seed: u64, see: impl FnMut(&Event) + 'static) -> RunVerdicts {
    let directory = tempfile::tempdir().expect("a directory");
    let writer = RunWriter::create(&directory.path().join("run"), "drawn").expect("a run");
    let clock = VirtualClock::new();
    let bench = simulated::open(&suite.rig, &|id| suite.devices.get(id).cloned(), &clock).expect("a rig");
    let (cancel, options) = (Cancel::new(), Options { seed, ..Options::default() });
    let work = run(&suite.run.plan, &suite.run.rules, &bench, writer, Box::new(see), &cancel, &options);
    clock.runtime().expect("a runtime").block_on(work).expect("a record that can be written")
}

/// Runs a suite; gives its verdicts and when which attempt at a trial held its resources.
pub(crate) fn run_timed(suite: &Suite, seed: u64) -> (RunVerdicts, Vec<Span>) {
    let places: BTreeMap<String, usize> =
        suite.run.plan.combinations.iter().enumerate().map(|(i, c)| (c.id.as_str().to_owned(), i)).collect();
    let watched = Rc::new(RefCell::new((BTreeMap::new(), Vec::new())));
    let record = watched.clone();
    let verdicts = run_suite(suite, seed, move |event| {
        let Some(at) = &event.at else { return };
        let (open, spans) = &mut *record.borrow_mut();
        let index = places[at.combination.as_str()];
        match event.body {
            Body::TrialStarted => {
                assert!(open.insert(index, event.t_ns).is_none(), "{} twice at a time", at.combination.as_str());
            }
            Body::TrialFinished { .. } => {
                let from_ns = open.remove(&index).expect("a trial that began");
                spans.push(Span { index, from_ns, to_ns: event.t_ns });
            }
            _ => {}
        }
    });
    let (open, spans) = watched.take();
    assert!(open.is_empty(), "trials without an end: {open:?}");
    (verdicts, spans)
}
