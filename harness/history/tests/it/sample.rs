//! Run directories with planted truths, written as the runner writes them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use rigtone_history::{Filter, History, Index, find};
use rigtone_model::{
    event::{At, Body, Event, TrialOutcome},
    id::CombinationId,
    verdict::{CombinationVerdict, ExpectationVerdict, Interval, RunVerdicts, Verdict},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The day on which everybody in these tests lives: 2026-11-30T00:00:00Z.
pub(crate) const TODAY: i64 = 1_795_996_800;
pub(crate) const DAY: i64 = 86_400;
/// 30 days.
pub(crate) const STALE: i64 = 30 * DAY;

/// A combination of a run: unit names carry their firmware as `speaker-1.0`; another unit with it is `speaker-1.0@2`.
#[derive(Debug, Clone)]
pub(crate) struct Planted {
    pub(crate) scenario: String,
    pub(crate) source: String,
    pub(crate) speaker: String,
    pub(crate) codec: String,
    pub(crate) verdict: Verdict,
    pub(crate) counts: (u32, u32),
    pub(crate) expected: String,
    /// Other expectations that stand before it, with the same trials.
    pub(crate) in_front: Vec<String>,
    /// Of these trials, those that do not tell.
    pub(crate) ambiguous: u32,
    /// Unit and estimate of what is measured; without it the estimate is the rate.
    pub(crate) measured: Option<(String, Option<f64>)>,
    /// That of its interval; without it there is none.
    pub(crate) confidence: Option<f64>,
    /// Title and tag of its scenario.
    pub(crate) titled: (String, String),
}

impl Planted {
    /// `pair` held in so many of so many trials.
    pub(crate) fn new(held: u32, n: u32) -> Self {
        let share = f64::from(held) / f64::from(n.max(1));
        let verdict = if n == 0 {
            Verdict::Skipped("nothing hears it".into())
        } else if share >= 0.9 {
            Verdict::Pass
        } else {
            Verdict::Fail
        };
        Self {
            scenario: "pairing".into(),
            source: "phone-7.1".into(),
            speaker: "box-2.0".into(),
            codec: "sbc".into(),
            verdict,
            counts: (held, n),
            expected: "`pair` succeeds in at least 90 % of trials".into(),
            in_front: Vec::new(),
            ambiguous: 0,
            measured: None,
            confidence: Some(0.95),
            titled: ("The pairing of devices".into(), "nightly".into()),
        }
    }
    pub(crate) fn speaker(mut self, unit: &str) -> Self {
        unit.clone_into(&mut self.speaker);
        self
    }
    pub(crate) fn source(mut self, unit: &str) -> Self {
        unit.clone_into(&mut self.source);
        self
    }
    pub(crate) fn codec(mut self, codec: &str) -> Self {
        codec.clone_into(&mut self.codec);
        self
    }
    pub(crate) fn verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = verdict;
        self
    }
    pub(crate) fn expected(mut self, words: &str) -> Self {
        words.clone_into(&mut self.expected);
        self
    }
    pub(crate) fn in_front(mut self, words: &str) -> Self {
        self.in_front.push(words.to_owned());
        self
    }
    pub(crate) fn ambiguous(mut self, trials: u32) -> Self {
        self.ambiguous = trials;
        self
    }
    /// In a unit; nothing where no estimate can be given, as of a time that did not come in most trials.
    pub(crate) fn measured(mut self, unit: &str, estimate: Option<f64>) -> Self {
        self.measured = Some((unit.to_owned(), estimate));
        self
    }
    pub(crate) fn titled(mut self, title: &str, tag: &str) -> Self {
        self.titled = (title.to_owned(), tag.to_owned());
        self
    }

    pub(crate) fn sure(mut self, confidence: Option<f64>) -> Self {
        self.confidence = confidence;
        self
    }

    fn axes(&self) -> [(&str, Value); 3] {
        let unit = |name: &str| {
            let (device, firmware) = name.split('@').next().unwrap().rsplit_once('-').unwrap();
            json!({"unit": {"name": name, "device": format!("maker/{device}"), "firmware": firmware}})
        };
        [("codec", json!({"value": self.codec})), ("source", unit(&self.source)), ("speaker", unit(&self.speaker))]
    }

    pub(crate) fn id(&self) -> CombinationId {
        let meaning = rigtone_model::id::sha256_hex(format!("{}{:?}", self.scenario, self.axes()).as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(&meaning.as_bytes()[..32]);
        let axes = [("codec", &*self.codec), ("source", &*self.source), ("speaker", &*self.speaker)];
        CombinationId::new(&self.scenario, axes.into_iter(), &hash)
    }

    fn judged(&self) -> CombinationVerdict {
        let (held, n) = self.counts;
        let rate = f64::from(held) / f64::from(n.max(1));
        let (unit, estimate) = self.measured.clone().unwrap_or((String::new(), Some(rate)));
        let high = if self.measured.is_some() { estimate.map(|estimate| estimate * 1.1) } else { Some(1.0) };
        let low = estimate.map(|estimate| estimate * 0.9);
        let expectation = |(index, expected): (usize, &String)| ExpectationVerdict {
            index,
            expected: expected.clone(),
            gating: true,
            verdict: self.verdict.clone(),
            seen: format!("{held} of {n} trials"),
            n,
            held,
            ambiguous: self.ambiguous,
            estimate,
            unit: unit.clone(),
            interval: self.confidence.map(|confidence| Interval { low, high, confidence }),
            needed: None,
            classes: BTreeMap::new(),
            unstable: None,
            parts: Vec::new(),
            beside: None,
        };
        let asked = self.in_front.iter().chain([&self.expected]).enumerate();
        CombinationVerdict {
            id: self.id(),
            scenario: self.scenario.clone(),
            verdict: self.verdict.clone(),
            trials: n,
            lost: 0,
            expectations: if n > 0 { asked.map(expectation).collect() } else { Vec::new() },
            classes: BTreeMap::new(),
            faults: Vec::new(),
            evidence: Vec::new(),
            took_ns: 1,
            quarantined: None,
        }
    }

    fn planned(&self) -> Value {
        json!({
            "id": self.id(), "scenario": self.scenario, "axes": self.axes(), "group": 1,
            "resources": [], "trial_ns": 1_000_000_000,
        })
    }
}

/// A lab: a folder of runs.
pub(crate) struct Lab(TempDir);

impl Lab {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn runs(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap().join("runs")
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.runs().join(rigtone_history::INDEX)
    }

    /// A run of the rig `lab`, so many days ago.
    pub(crate) fn run(&self, name: &str, days_ago: i64, combinations: &[Planted]) -> PathBuf {
        self.run_in(name, days_ago, combinations, &json!({"kernel": "6.12"}))
    }

    /// A run whose environment says this of its rig.
    pub(crate) fn run_in(&self, name: &str, days_ago: i64, combinations: &[Planted], rig: &Value) -> PathBuf {
        self.write(("lab", name), days_ago, combinations, rig)
    }

    /// A run of another rig, as real as `lab`.
    pub(crate) fn run_on(&self, rig: &str, name: &str, days_ago: i64, combinations: &[Planted]) -> PathBuf {
        self.write((rig, name), days_ago, combinations, &json!({"kernel": "6.12"}))
    }

    fn write(&self, of: (&str, &str), days_ago: i64, combinations: &[Planted], rig: &Value) -> PathBuf {
        let directory = self.runs().join(of.1);
        write(&directory, of, TODAY - days_ago * DAY, combinations, rig);
        directory
    }

    /// Looks at all runs anew, and says what there is at the end of today.
    pub(crate) fn history(&self) -> History {
        self.history_of(&Filter::default())
    }

    pub(crate) fn history_of(&self, filter: &Filter) -> History {
        let mut index = Index::open(&self.index()).unwrap();
        let found = find(&[self.runs()]).unwrap();
        let directories = found.runs.clone();
        let refreshed = index.refresh(found, &[self.runs()]).unwrap();
        let loaded = index.load(&directories, filter).unwrap();
        History::of(&loaded, &refreshed.skipped, TODAY, STALE)
    }
}

/// Writes the log of a run that has ended: a trial with a result for each that its verdicts count.
pub(crate) fn write_log(directory: &Path, run: &str, days_ago: i64, combinations: &[Planted]) {
    let unix_s = TODAY - days_ago * DAY;
    let (rigtone, rig) = ("0.1.0".to_owned(), "lab".to_owned());
    let mut events = vec![
        (None, Body::RunStarted { rigtone, rig, seed: 0, unix_s, trials_at_most: 60 }),
        (None, Body::Checked { member: "relay board-1".into(), finding: "it answers".into(), ok: true }),
    ];
    for planted in combinations {
        for trial in 1..=planted.counts.1 {
            let at = Some(At { combination: planted.id(), trial, attempt: 1, step: None });
            events.push((at.clone(), Body::TrialStarted));
            events.push((at, Body::TrialFinished { outcome: TrialOutcome::Completed, memory: None }));
        }
    }
    events.push((None, Body::RunFinished { interrupted: None, out_of_time: false }));
    let line = |(seq, (at, body)): (usize, (Option<At>, Body))| {
        let event = Event { seq: seq as u64, t_ns: seq as i64, at, body };
        event.to_line(run).unwrap() + "\n"
    };
    let log: String = events.into_iter().enumerate().map(line).collect();
    fs::write(directory.join("events.jsonl"), log).unwrap();
}

fn write(directory: &Path, (rig_id, run): (&str, &str), unix_s: i64, combinations: &[Planted], rig: &Value) {
    fs::create_dir_all(directory).unwrap();
    let scenarios: BTreeMap<&str, &Planted> = combinations.iter().map(|c| (&*c.scenario, c)).collect();
    let document = |(name, planted): (&&str, &&Planted)| {
        let (title, tag) = &planted.titled;
        json!({"hash": "0", "document": {
            "scenario": name, "title": title, "tags": [tag],
            "matrix": {"source": {"role": "a2dp-source"}, "speaker": {"role": "a2dp-sink"}, "codec": ["sbc", "aac"]},
            "trial": [{"pair": {}}], "repeat": {"at-least": 10, "at-most": 60},
            "expect": [{"success-rate": {"of": "pair", "at-least": "90 %"}}],
        }})
    };
    let plan = json!({"schema": "1.0", "rules": {"scenarios": []}, "plan": {
        "schema": "1.0", "rig": rig_id, "rig_hash": "0", "retries": 1, "bench_after": 3,
        "scenarios": scenarios.iter().map(document).collect::<Vec<_>>(),
        "combinations": combinations.iter().map(Planted::planned).collect::<Vec<_>>(),
    }});
    let environment = json!({"schema": "1.0", "rigtone": "0.1.0", "run": {"run": run, "unix_s": unix_s}, "rig": rig});
    let verdicts = RunVerdicts {
        schema: RunVerdicts::SCHEMA.into(),
        run: run.into(),
        interrupted: None,
        combinations: combinations.iter().map(Planted::judged).collect(),
    };
    fs::write(directory.join("plan.json"), plan.to_string()).unwrap();
    fs::write(directory.join("environment.json"), environment.to_string()).unwrap();
    fs::write(directory.join("verdicts.json"), serde_json::to_string(&verdicts).unwrap()).unwrap();
}
