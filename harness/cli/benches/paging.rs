//! How long the HTML report of a night of 100,000 trials takes, how much memory, and how large the page is.
//!
//! `cargo bench -p rigtone-cli --bench paging` makes the log from the trials of a simulated run, each with a number of its own (`ci/proof/many.py`);
//! once of a rig without captures, and once, with a tenth of the trials, of one that records HCI traffic of each trial. There are no verdicts: they
//! are judged on the way, which is the slower of the two. Beside it stands what Python's `json` takes to read the same lines. `RIGTONE_TRIALS` sets
//! another number of trials. `ci/browse` says how fast a browser opens such a page.
//!
//! Fails when a page takes more than 10 s or 500 MB, or has 10 MB.

#![expect(clippy::print_stdout, reason = "the figures are its product")]

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const RUNS: usize = 3;
/// What a page may take.
const MOST_S: f64 = 10.0;
const MOST_MB: u64 = 500;
const MOST_BYTES: u64 = 10_000_000;
/// The exit code of the planted failures.
const FAILED: i32 = 10;

fn main() {
    let trials = std::env::var("RIGTONE_TRIALS").map_or(100_000, |text| text.parse().expect("a number of trials"));
    page("rigs/simulated.yaml", trials);
    page("rigs/simulated-air.yaml", trials / 10);
}

fn page(rig: &str, trials: u32) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().expect("a folder");
    let (run, many) = (folder.path().join("run"), folder.path().join("many"));
    let rigtone = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rigtone"));
        command.current_dir(&project).stderr(Stdio::null());
        command
    };
    let mut ran = rigtone();
    ran.args(["run", "--rig", rig, "--out"]).arg(&run);
    if rig != "rigs/simulated.yaml" {
        ran.arg("scenarios/starter/codec-per-firmware.yaml");
    }
    assert_eq!(ran.stdout(Stdio::null()).status().expect("a run").code(), Some(FAILED), "the run on {rig}");
    let made = Command::new("python3")
        .current_dir(&project)
        .arg("ci/proof/many.py")
        .args([&run, &many])
        .arg(trials.to_string())
        .status()
        .expect("python3");
    assert!(made.success(), "no log was made");
    let log = many.join("events.jsonl");
    let megabytes = fs::metadata(&log).expect("a log").len() as f64 / 1e6;
    println!("{rig}: {trials} trials, {megabytes:.0} MB");

    let begun = Instant::now();
    let read = "import json, sys\nfor line in open(sys.argv[1]): json.loads(line)";
    let peer = Command::new("python3").args(["-c", read]).arg(&log).status().expect("python3");
    assert!(peer.success());
    let peer = begun.elapsed().as_secs_f64();

    let page = folder.path().join("report.html");
    let (mut best, mut peak) = (f64::INFINITY, 0);
    for _ in 0..RUNS {
        let begun = Instant::now();
        let mut child = rigtone()
            .args(["report", "--format", "html"])
            .arg(&many)
            .stdout(File::create(&page).expect("a file"))
            .spawn()
            .expect("a process");
        let status = format!("/proc/{}/status", child.id());
        let ended = loop {
            if let Some(ended) = child.try_wait().expect("a process") {
                break ended;
            }
            let text = fs::read_to_string(&status).unwrap_or_default();
            let kib: Option<u64> =
                text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
            peak = peak.max(kib.unwrap_or(0) / 1024);
            std::thread::sleep(Duration::from_millis(2));
        };
        assert_eq!(ended.code(), Some(FAILED), "the report");
        best = begun.elapsed().as_secs_f64().min(best);
    }
    let bytes = fs::metadata(&page).expect("a page").len();
    println!(
        "page in {best:.2} s ({:.2} of Python reading the log), {peak} MB at most, {:.2} MB large",
        best / peer,
        bytes as f64 / 1e6
    );
    assert!(best <= MOST_S, "the page took {best:.2} s");
    assert!(peak <= MOST_MB, "the page took {peak} MB");
    assert!(bytes < MOST_BYTES, "the page has {bytes} bytes");
}
