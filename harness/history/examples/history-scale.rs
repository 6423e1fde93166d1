//! How long an index of many runs takes: `cargo run -p rigtone-history --example history-scale -- [RUNS] [COMBINATIONS]`.
//!
//! Writes run directories with three expectations for each combination into a temporary folder, indexes them, looks again, and asks for
//! everything. Prints the seconds of each.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "an example for whoever measures")]

use std::{fs, path::Path, time::Instant};

use rigtone_history::{Filter, History, INDEX, Index, find, page, text};
use serde_json::{Value, json};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>().unwrap());
    let (runs, combinations) = (arguments.next().unwrap_or(1000), arguments.next().unwrap_or(100));
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for run in 0..runs {
        write(&root.join(format!("run-{run:05}")), run, combinations);
    }
    let mut index = Index::open(&root.join(INDEX)).unwrap();
    let mut look = |what: &str| {
        let begun = Instant::now();
        let found = find(std::slice::from_ref(&root)).unwrap();
        let wanted = found.runs.clone();
        let done = index.refresh(found, std::slice::from_ref(&root)).unwrap();
        let seconds = begun.elapsed().as_secs_f64();
        println!("{what:<34} {seconds:>7.3} s  ({} taken, {} known)", done.taken, done.known);
        wanted
    };
    look("index all runs");
    let wanted = look("look again");
    let begun = Instant::now();
    let loaded = index.load(&wanted, &Filter::default()).unwrap();
    println!("{:<34} {:>7.3} s", "read everything", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let history = History::of(&loaded, &[], 1_800_000_000, 30 * 86_400);
    println!("{:<34} {:>7.3} s", "trends, changes and matrices", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let text = text::summary(&history, text::View::default());
    println!("{:<34} {:>7.3} s  ({} bytes)", "as text", begun.elapsed().as_secs_f64(), text.len());
    let begun = Instant::now();
    let html = page::html(&history, &page::Links::default(), &rigtone_html::Look::default());
    println!("{:<34} {:>7.3} s  ({} bytes)", "as a page", begun.elapsed().as_secs_f64(), html.len());
    let filter = Filter { select: vec!["codec=codec-7".parse().unwrap()], since_unix_s: None };
    let begun = Instant::now();
    let one = History::of(&index.load(&wanted, &filter).unwrap(), &[], 1_800_000_000, 30 * 86_400);
    println!(
        "{:<34} {:>7.3} s  ({} combination)",
        "one combination",
        begun.elapsed().as_secs_f64(),
        one.combinations.len()
    );
    let size = fs::metadata(root.join(INDEX)).unwrap().len() as f64 / 1e6;
    println!("{:<34} {size:>7.1} MB", "size of the index");
}

fn write(directory: &Path, run: usize, combinations: usize) {
    fs::create_dir_all(directory).unwrap();
    let unit =
        |name: String, firmware: &str| json!({"unit": {"name": name, "device": "maker/box", "firmware": firmware}});
    let id = |at: usize| format!("scale/codec=codec-{at},source=phone,speaker=box#{at:08x}");
    let planned = |at: usize| {
        json!({
            "id": id(at), "scenario": "scale", "group": at, "resources": ["room lab", "unit phone", "unit box"],
            "trial_ns": 30_000_000_000_i64,
            "axes": [["codec", {"value": format!("codec-{at}")}], ["source", unit("phone".into(), "7.1")],
                     ["speaker", unit("box".into(), "2.0")]],
        })
    };
    let expectation = |at: usize, index: usize| {
        // A rate of its own, and a regression of every tenth combination in the middle of the time.
        let chance = (run * 7919 + at * 104_729 + index * 31) % 100;
        let held = 60 - u32::from(chance < 30) - if at.is_multiple_of(10) && run > 500 { 12 } else { 0 };
        let rate = f64::from(held) / 60.0;
        json!({
            "index": index, "expected": format!("expectation {index} holds in at least 90 % of trials, 98 % with a good device"),
            "gating": true, "verdict": if held > 54 { "pass" } else { "fail" }, "n": 60, "held": held, "ambiguous": 0,
            "seen": format!("{held} of 60 trials (98 %; at least 92 %, at most 99.9 %, each with 95 % confidence)"),
            "estimate": rate, "unit": "", "interval": {"low": rate * 0.95, "high": 1.0, "confidence": 0.95},
            "needed": Value::Null, "classes": {},
        })
    };
    let judged = |at: usize| {
        json!({
            "id": id(at), "scenario": "scale", "verdict": "pass", "trials": 60, "lost": 0, "classes": {}, "faults": [],
            "evidence": ["evidence/scale/0001/bench-1.wav"], "took_ns": 1_800_000_000_000_i64,
            "expectations": (0..3).map(|index| expectation(at, index)).collect::<Vec<_>>(),
        })
    };
    let document = json!({
        "scenario": "scale", "title": "Many combinations",
        "matrix": {"source": {"role": "a2dp-source"}, "speaker": {"role": "a2dp-sink"}, "codec": ["sbc", "aac"]},
        "trial": [{"pair": {}}], "repeat": {"at-least": 10, "at-most": 60},
        "expect": [{"success-rate": {"of": "pair", "at-least": "90 %"}}],
    });
    let plan = json!({"schema": "1.0", "rules": {"scenarios": []}, "plan": {
        "schema": "1.0", "rig": "lab", "rig_hash": "0", "retries": 1, "bench_after": 3,
        "scenarios": [{"hash": "0", "document": document}],
        "combinations": (0..combinations).map(planned).collect::<Vec<_>>(),
    }});
    let name = format!("run-{run:05}");
    let verdicts = json!({
        "schema": "1.0", "run": name, "interrupted": Value::Null,
        "combinations": (0..combinations).map(judged).collect::<Vec<_>>(),
    });
    let began = 1_700_000_000 + run as i64 * 86_400;
    let environment =
        json!({"schema": "1.0", "rigtone": "0.1.0", "run": {"run": name, "unix_s": began}, "rig": {"kernel": "6"}});
    for (name, document) in [("plan.json", plan), ("verdicts.json", verdicts), ("environment.json", environment)] {
        fs::write(directory.join(name), document.to_string()).unwrap();
    }
}
