//! How long `rigtone judge` takes for a night of 100,000 trials, and how much memory.
//!
//! `cargo bench -p rigtone-cli --bench judging` makes the log from the trials of a simulated run, each with a number of its own. Beside it, in the
//! same process and on the same lines, what `serde_json` takes to read them into values and drop them: nothing that judges can do less than
//! read. `RIGTONE_TRIALS` sets another number of trials.

#![expect(clippy::print_stdout, reason = "the figures are its product")]

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

const RUNS: usize = 3;

fn rigtone() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rigtone"));
    command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn main() {
    let trials = std::env::var("RIGTONE_TRIALS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    rigtone().args(["run", "scenarios/starter", "--out"]).arg(&run).status().expect("a run");
    let (events, bytes) = multiply(&run, trials);
    println!("{trials} trials, {events} events, {:.0} MB", bytes as f64 / 1e6);

    let mut best = (f64::INFINITY, 0);
    for _ in 0..RUNS {
        let (seconds, peak) = judge(&run);
        best = if seconds < best.0 { (seconds, peak) } else { best };
    }
    let plain = plain(&run.join("events.jsonl"));
    let (seconds, peak) = best;
    println!("judged in {seconds:.2} s ({:.0} MB/s), {peak} MB at most", bytes as f64 / 1e6 / seconds);
    println!("read into values and dropped in {plain:.2} s: judging takes {:.2} of it", seconds / plain);
}

/// Replaces the log of a run by one with so many of its trials; gives events and bytes.
fn multiply(run: &Path, trials: usize) -> (u64, u64) {
    let path: PathBuf = run.join("events.jsonl");
    let lines: Vec<String> = fs::read_to_string(&path).expect("a log").lines().map(str::to_owned).collect();
    let mut templates: BTreeMap<(String, u64), Vec<Value>> = BTreeMap::new();
    let mut lost: Vec<(String, u64)> = Vec::new();
    for line in &lines {
        let event: Value = serde_json::from_str(line).expect("an event");
        let (Some(combination), Some(trial), Some(1)) =
            (event["combination"].as_str(), event["trial"].as_u64(), event["attempt"].as_u64())
        else {
            continue;
        };
        let key = (combination.to_owned(), trial);
        if event["kind"] == "trial-finished" && event["payload"]["outcome"] != "completed" {
            lost.push(key.clone());
        }
        if trial > 0 && event["kind"] != "decided" {
            templates.entry(key).or_default().push(event);
        }
    }
    templates.retain(|key, _| !lost.contains(key));
    let templates: Vec<Vec<Value>> = templates.into_values().collect();

    let mut out = BufWriter::new(File::create(&path).expect("a log"));
    writeln!(out, "{}", lines[0]).expect("a line");
    let (mut seq, mut bytes, mut numbers) = (1, lines[0].len() as u64 + 1, BTreeMap::<String, u64>::new());
    for template in templates.iter().cycle().take(trials) {
        let combination = template[0]["combination"].as_str().expect("a combination");
        let number = numbers.entry(combination.to_owned()).or_default();
        *number += 1;
        for event in template {
            let mut event = event.clone();
            (event["seq"], event["trial"]) = (seq.into(), (*number).into());
            let line = event.to_string();
            bytes += line.len() as u64 + 1;
            seq += 1;
            writeln!(out, "{line}").expect("a line");
        }
    }
    out.flush().expect("a log");
    (seq, bytes)
}

/// Seconds and megabytes of judging.
fn judge(run: &Path) -> (f64, u64) {
    let begun = Instant::now();
    let mut child = rigtone().args(["judge", "--json"]).arg(run).spawn().expect("a process");
    let (status, mut peak) = (format!("/proc/{}/status", child.id()), 0);
    while child.try_wait().expect("a process").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let kib = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    (begun.elapsed().as_secs_f64(), peak / 1024)
}

/// Seconds in which the lines are read into values, on one thread.
fn plain(log: &Path) -> f64 {
    let begun = Instant::now();
    let (mut reader, mut line) = (BufReader::new(File::open(log).expect("a log")), Vec::new());
    while reader.read_until(b'\n', &mut line).expect("a line") > 0 {
        let value: Value = serde_json::from_slice(&line).expect("an event");
        std::hint::black_box(&value);
        line.clear();
    }
    begun.elapsed().as_secs_f64()
}
