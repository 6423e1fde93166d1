//! Small runs with planted truths, written line by line.

use std::{fs, path::Path};

use rigtone_judge::verdicts::RunPlan;
use rigtone_model::plan::Plan;
use rigtone_page::{Options, Page, page};
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

impl Run {
    /// A run of these speakers with one source, in which nothing has happened yet.
    pub(crate) fn new(speakers: &[&str]) -> Self {
        let unit = |name: &str| json!({"unit": {"name": name, "device": format!("vendor/{name}"), "firmware": "1.0"}});
        let combinations: Vec<Value> = speakers
            .iter()
            .map(|speaker| {
                json!({"id": id(speaker), "scenario": "heard", "group": 1, "trial_ns": S, "resources": [],
                    "axes": [["codec", {"value": "sbc"}], ["source", unit("phone")], ["speaker", unit(speaker)]]})
            })
            .collect();
        let scenario = json!({"scenario": "heard", "title": "It is heard", "matrix": {},
            "trial": [{"play": {"signal": "smoke"}}], "repeat": {"at-least": 5, "at-most": 20},
            "expect": [{"audio": {"in": "play", "present": true, "at-least": "60 %", "confidence": "90 %"}},
                {"latency": {"in": "play", "percentile": 50, "at-most": "220 ms", "confidence": "90 %"}}]});
        let plan = json!({"schema": "1.0", "rig": "bench", "rig_hash": "", "retries": 1, "bench_after": 3,
            "scenarios": [{"document": scenario, "hash": ""}], "combinations": combinations});
        let plan: Plan = serde_json::from_value(plan).expect("a plan");
        let plan = RunPlan::new(plan).expect("rules");
        let run = Self { folder: tempfile::tempdir().expect("a folder"), lines: Vec::new() };
        run.write("plan.json", &serde_json::to_string(&plan).expect("JSON"));
        run.write("environment.json", &json!({"schema": "1.0", "kernel": "6.1"}).to_string());
        let mut run = run;
        let started = json!({"rigtone": "0.1.0", "rig": "bench", "seed": 1, "unix_s": BEGAN, "trials_at_most": 100});
        run.event(0, None, "run-started", started);
        run
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
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
        self.write("verdicts.json", &verdicts.to_string());
    }

    /// The log as it stands.
    pub(crate) fn log(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    pub(crate) fn page(&self) -> Page {
        self.write("events.jsonl", &self.log());
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
