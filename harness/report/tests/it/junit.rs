//! JUnit, checked by two programs that are not ours: xmllint against the schemas, and an XML reader that counts.

mod hostile;
mod reader;
mod rig;
mod verdicts;

use std::{fs, process::Command};

use rigtone_model::{plan::Plan, verdict::RunVerdicts};
use rigtone_report::{
    exit::InconclusivePolicy,
    junit::{self, Options},
};

use crate::sample::REPORTS;

/// The report of a run, after it was found valid.
fn report(verdicts: &RunVerdicts, plan: &Plan, inconclusive: InconclusivePolicy) -> reader::Report {
    let options =
        Options { inconclusive, started_unix_s: 1_795_392_000, directory: Some("runs/1"), ..Options::default() };
    let mut xml = Vec::new();
    junit::write(verdicts, plan, &options, &mut xml).unwrap();
    validate(&xml);
    reader::read(&String::from_utf8(xml).unwrap())
}

/// Validates with `ci/check-junit`, as CI does.
fn validate(xml: &[u8]) {
    if let Err(fault) = check(xml) {
        panic!("{fault}");
    }
}

fn check(xml: &[u8]) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("junit.xml");
    fs::write(&file, xml).unwrap();
    let script = format!("{REPORTS}/../ci/check-junit");
    let output = Command::new(script).arg(&file).output().expect("ci/check-junit runs; is bash there? run ci/setup");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(text) }
}
