//! How long the HTML report of a night of 100,000 trials takes, how much memory, and how large the page is.
//!
//! `cargo bench -p rigtone-cli --bench paging` makes the log from the trials of a simulated run, each with a number of its own (`ci/proof/many.py`).
//! There are no verdicts: they are judged on the way, which is the slower of the two. `RIGTONE_TRIALS` sets another number of trials. `ci/browse`
//! says how fast a browser opens such a page.

#![expect(clippy::print_stdout, reason = "the figures are its product")]

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const RUNS: usize = 3;

fn main() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let trials = std::env::var("RIGTONE_TRIALS").unwrap_or_else(|_| "100000".to_owned());
    let folder = tempfile::tempdir().expect("a folder");
    let (run, many) = (folder.path().join("run"), folder.path().join("many"));
    let rigtone = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rigtone"));
        command.current_dir(&project).stderr(Stdio::null());
        command
    };
    rigtone().args(["run", "--out"]).arg(&run).stdout(Stdio::null()).status().expect("a run");
    let made = Command::new("python3")
        .current_dir(&project)
        .arg("ci/proof/many.py")
        .args([&run, &many])
        .arg(&trials)
        .status()
        .expect("python3");
    assert!(made.success(), "no log was made");
    let log = fs::metadata(many.join("events.jsonl")).expect("a log").len();
    println!("{trials} trials, {:.0} MB", log as f64 / 1e6);

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
        while child.try_wait().expect("a process").is_none() {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let kib: Option<u64> =
                text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
            peak = peak.max(kib.unwrap_or(0) / 1024);
            std::thread::sleep(Duration::from_millis(2));
        }
        best = begun.elapsed().as_secs_f64().min(best);
    }
    let bytes = fs::metadata(&page).expect("a page").len();
    println!("page in {best:.2} s, {peak} MB at most, {:.2} MB large", bytes as f64 / 1e6);
    assert!(bytes < 10_000_000, "the page has {bytes} bytes");
}
