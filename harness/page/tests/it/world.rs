//! Small runs with planted truths, written line by line.

use std::{fs, path::Path};

use rigtone_judge::verdicts::RunPlan;
use rigtone_model::{id::sha256_hex, plan::Plan};
use rigtone_page::{Options, Page, page};
use rigtone_record::wav::encode_i16;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A second on the rig's clock.
pub(crate) const S: i64 = 1_000_000_000;
/// When runs begin, in seconds since 1970.
pub(crate) const BEGAN: i64 = 1_700_000_000;

/// A run directory.
pub(crate) struct Run {
    pub(crate) folder: TempDir,
    lines: Vec<Value>,
}

/// A combination of the scenario `heard`: its id by the name of its speaker.
pub(crate) fn id(speaker: &str) -> String {
    format!("heard/codec=sbc,source=phone,speaker={speaker}#00000001")
}

/// The same under a condition.
pub(crate) fn id_under(condition: &str, speaker: &str) -> String {
    format!("heard/codec=sbc,condition={condition},source=phone,speaker={speaker}#00000002")
}

/// A second of a tone at half of full scale, 48,000 frames of it.
pub(crate) fn tone() -> Vec<u8> {
    let omega = 2.0 * std::f64::consts::PI * 440.0 / 48_000.0;
    let samples: Vec<i16> = (0..48_000).map(|n| (16_384.0 * (omega * f64::from(n)).sin()) as i16).collect();
    encode_i16(48_000, 1, &samples).expect("a WAV file")
}

impl Run {
    /// A run of these speakers with one source, in which nothing has happened yet.
    pub(crate) fn new(speakers: &[&str]) -> Self {
        let combinations: Vec<(String, &str, Option<&str>)> = speakers.iter().map(|s| (id(s), *s, None)).collect();
        let expect = json!([{"audio": {"in": "play", "present": true, "at-least": "60 %", "confidence": "90 %"}},
            {"latency": {"in": "play", "percentile": 50, "at-most": "220 ms", "confidence": "90 %"}}]);
        Self::asking(&combinations, &expect)
    }

    /// A run of one speaker under these conditions, of which this is expected.
    pub(crate) fn under(conditions: &[&str], speaker: &str, expect: &Value) -> Self {
        let of: Vec<(String, &str, Option<&str>)> =
            conditions.iter().map(|condition| (id_under(condition, speaker), speaker, Some(*condition))).collect();
        Self::asking(&of, expect)
    }

    /// A run of combinations, each with its speaker and its condition, of which this is expected.
    fn asking(of: &[(String, &str, Option<&str>)], expect: &Value) -> Self {
        let unit = |name: &str| json!({"unit": {"name": name, "device": format!("vendor/{name}"), "firmware": "1.0"}});
        let combinations: Vec<Value> = of
            .iter()
            .map(|(id, speaker, condition)| {
                json!({"id": id, "scenario": "heard", "group": 1, "trial_ns": S, "resources": [],
                    "axes": [["codec", {"value": "sbc"}], ["source", unit("phone")], ["speaker", unit(speaker)]],
                    "condition": condition})
            })
            .collect();
        let scenario = json!({"scenario": "heard", "title": "It is heard", "matrix": {}, "expect": expect,
            "trial": [{"play": {"signal": "smoke"}}], "repeat": {"at-least": 5, "at-most": 20}});
        let plan = json!({"schema": "1.0", "rig": "bench", "rig_hash": "", "retries": 1, "bench_after": 3,
            "scenarios": [{"document": scenario, "hash": ""}], "combinations": combinations});
        let plan: Plan = serde_json::from_value(plan).expect("a plan");
        let plan = RunPlan::new(plan).expect("rules");
        let run = Self { folder: tempfile::tempdir().expect("a folder"), lines: Vec::new() };
        run.write("plan.json", serde_json::to_string(&plan).expect("JSON"));
        run.write("environment.json", json!({"schema": "1.0", "kernel": "6.1"}).to_string());
        let mut run = run;
        let started = json!({"rigtone": "0.1.0", "rig": "bench", "seed": 1, "unix_s": BEGAN, "trials_at_most": 100});
        run.event(0, None, "run-started", started);
        run
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn event(&mut self, t_ns: i64, at: Option<(&str, u32, Option<&str>)>, kind: &str, payload: Value) {
        let mut event = json!({"schema": "1.0", "run": "night", "seq": self.lines.len(), "t_ns": t_ns, "kind": kind});
        if let Some((combination, trial, step)) = at {
            event["combination"] = combination.into();
            event["trial"] = trial.into();
            event["attempt"] = 1.into();
            if let Some(step) = step {
                event["step"] = step.into();
            }
        }
        if !payload.is_null() {
            event["payload"] = payload;
        }
        self.lines.push(event);
    }

    /// A trial that takes two seconds and is heard after so many milliseconds, or fails with these words.
    pub(crate) fn trial(&mut self, combination: &str, trial: u32, heard: Result<f64, &str>) {
        let began = i64::from(trial) * 10 * S;
        let (whole, step) = ((combination, trial, None), (combination, trial, Some("play")));
        self.event(began, Some(whole), "trial-started", Value::Null);
        self.event(began, Some(step), "step-started", json!({"action": "play", "phase": "trial"}));
        let observed = |quantity: &str, value: Value| json!({"of": "play", "quantity": quantity, "value": value});
        let outcome = match heard {
            Ok(ms) => {
                let latency = json!({"number": {"value": ms, "unit": "ms", "uncertainty": 1.5}});
                self.event(began + S, Some(step), "observed", observed("presence", json!({"truth": true})));
                self.event(began + S, Some(step), "observed", observed("latency", latency));
                json!("done")
            }
            Err(detail) => json!({"failed": {"class": "link-lost", "detail": detail}}),
        };
        let finished = json!({"action": "play", "phase": "trial", "outcome": outcome, "took_ns": 2 * S});
        self.event(began + 2 * S, Some(step), "step-finished", finished);
        self.event(began + 2 * S, Some(whole), "trial-finished", json!({"outcome": "completed"}));
    }

    /// A trial in which every step is done, and nothing is heard.
    pub(crate) fn silent(&mut self, combination: &str, trial: u32) {
        let began = i64::from(trial) * 10 * S;
        let (whole, step) = ((combination, trial, None), (combination, trial, Some("play")));
        self.event(began, Some(whole), "trial-started", Value::Null);
        self.event(began, Some(step), "step-started", json!({"action": "play", "phase": "trial"}));
        let presence = json!({"of": "play", "quantity": "presence", "value": {"truth": false}});
        self.event(began + S, Some(step), "observed", presence);
        let finished = json!({"action": "play", "phase": "trial", "outcome": "done", "took_ns": 2 * S});
        self.event(began + 2 * S, Some(step), "step-finished", finished);
        self.event(began + 2 * S, Some(whole), "trial-finished", json!({"outcome": "completed"}));
    }

    /// A trial that leaves this recording of a second, and in which the speaker is heard, or is not.
    pub(crate) fn recorded(&mut self, combination: &str, trial: u32, file: &str, wav: &[u8], heard: bool) {
        let began = i64::from(trial) * 10 * S;
        let (whole, step) = ((combination, trial, None), (combination, trial, Some("play")));
        self.event(began, Some(whole), "trial-started", Value::Null);
        self.event(began, Some(step), "step-started", json!({"action": "play", "phase": "trial"}));
        let emitted = json!({"signal": "smoke", "t_ns": began + S / 2, "uncertainty_ns": 0});
        self.event(began + S / 2, Some(step), "emitted", emitted);
        let anchors = json!([{"frame": 0.0, "t_ns": began + S / 4}, {"frame": 48_000.0, "t_ns": began + S + S / 4}]);
        let evidence = json!({"file": file, "sha256": sha256_hex(wav), "bytes": wav.len(), "about": "recording",
            "anchors": anchors});
        self.event(began + 2 * S, Some(step), "evidence", evidence);
        for (quantity, value) in [
            ("presence", json!({"truth": heard})),
            ("latency", json!({"number": {"value": 100.0, "unit": "ms", "uncertainty": 1.5}})),
        ] {
            let observed = json!({"of": "play", "quantity": quantity, "value": value});
            self.event(began + 2 * S, Some(step), "observed", observed);
        }
        let finished = json!({"action": "play", "phase": "trial", "outcome": "done", "took_ns": 2 * S});
        self.event(began + 2 * S, Some(step), "step-finished", finished);
        self.event(began + 2 * S, Some(whole), "trial-finished", json!({"outcome": "completed"}));
        self.write(file, wav);
    }

    /// A file of a trial that began and has not ended.
    pub(crate) fn evidence(&mut self, combination: &str, trial: u32, file: &str, bytes: u64) {
        let payload = json!({"file": file, "sha256": "00", "bytes": bytes, "about": "recording", "anchors": []});
        self.event(0, Some((combination, trial, Some("play"))), "evidence", payload);
    }

    pub(crate) fn end(&mut self) {
        self.event(1000 * S, None, "run-finished", json!({"interrupted": null}));
    }

    /// Verdicts of the whole run: this one of each combination, with so many trials, and as many lost ones as it has so far.
    pub(crate) fn verdicts(&self, of: &[(&str, &str, u32)]) {
        let lost = |id: &str| {
            let of_id = self.lines.iter().filter(|line| line["combination"] == id && line["kind"] == "trial-finished");
            of_id.filter(|line| line["payload"]["outcome"].is_object()).count()
        };
        let verdict = |(id, verdict, trials): &(&str, &str, u32)| {
            json!({"id": id, "scenario": "heard", "verdict": verdict, "trials": trials, "lost": lost(id), "classes": {},
                "faults": [], "evidence": [], "took_ns": S, "expectations": [{"index": 0, "expected": "it is heard",
                "gating": true, "verdict": verdict, "seen": "some", "n": trials, "held": 0, "ambiguous": 0,
                "estimate": 0.25, "unit": "", "interval": {"low": 0.125, "high": 0.5, "confidence": 0.9},
                "needed": null, "classes": {}}]})
        };
        let all: Vec<Value> = of.iter().map(verdict).collect();
        let verdicts = json!({"schema": "1.0", "run": "night", "interrupted": null, "combinations": all});
        self.write("verdicts.json", verdicts.to_string());
    }

    /// The log as it stands.
    pub(crate) fn log(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    pub(crate) fn page(&self) -> Page {
        self.write("events.jsonl", self.log());
        self.page_of_what_is_there()
    }

    pub(crate) fn page_of_what_is_there(&self) -> Page {
        let options = Options { made_unix_s: BEGAN + 2 * 86_400, ..Options::default() };
        page(self.path(), &options).expect("a page")
    }
}

/// The shortcomings of a page by their names.
pub(crate) fn codes(page: &Page) -> Vec<&'static str> {
    page.shortcomings.iter().map(rigtone_page::Shortcoming::code).collect()
}
