//! Observations as CSV, read back by two readers that are not ours: the `csv` module of Python and the crate's own.

use std::process::Command;

use rigtone_model::{
    event::{Body, Phase, TrialOutcome},
    plan::Plan,
    trial::InfrastructureFault,
};
use rigtone_report::observations::{COLUMNS, write};
use rstest::rstest;
use serde_json::Value;

use crate::{
    log::log,
    sample::{PASS, UNDECIDED, plan},
};

fn table(plan: &Plan) -> Vec<u8> {
    let mut bytes = Vec::new();
    write("run-1", plan, log(), &mut bytes).unwrap();
    bytes
}

/// The rows as Python reads them, each a map from column to cell.
fn by_python(bytes: &[u8]) -> Vec<serde_json::Map<String, Value>> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("observations.csv");
    std::fs::write(&file, bytes).unwrap();
    let script = "import csv, json, sys\nprint(json.dumps(list(csv.DictReader(open(sys.argv[1], encoding='utf-8', newline='')))))";
    let output =
        Command::new("python3").args(["-c", script]).arg(&file).output().expect("python3 is there: run ci/setup");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn python_reads_what_was_observed() {
    let rows = by_python(&table(&plan()));
    let of = |quantity: &str| rows.iter().find(|row| row["quantity"] == quantity).unwrap();
    let latency = of("latency");
    for (column, cell) in [
        ("run", "run-1"),
        ("scenario", "playback-heard"),
        ("combination", UNDECIDED),
        ("trial", "1"),
        ("attempt", "1"),
        ("outcome", "completed"),
        ("phase", "trial"),
        ("step", "play"),
        ("form", "number"),
        ("value", "182.25"),
        ("unit", "ms"),
        ("uncertainty", "0.5"),
        ("method", "arrival"),
        ("version", "3"),
        ("t_ns", "2000000000"),
        ("axis.codec", "sbc"),
        ("axis.speaker", "charge-b"),
        ("device.speaker", "jbl/charge-5"),
        ("firmware.speaker", "1.1.0"),
        ("text", ""),
    ] {
        assert_eq!(latency[column], cell, "{column}");
    }
    assert_eq!(latency["evidence"], "ab".repeat(32));
    assert_eq!((&of("level")["low"], &of("level")["high"]), (&"".into(), &"-12.5".into()));
    assert_eq!((&of("presence")["form"], &of("presence")["text"]), (&"truth".into(), &"true".into()));
    assert_eq!(of("noise-floor")["phase"], "setup");
    assert_eq!(of("snr")["form"], "inconclusive");
    // A trial that never ended has facts all the same, and says so; it stands last.
    let last = rows.last().unwrap();
    assert_eq!(
        (&last["combination"], &last["outcome"], &last["value"]),
        (&PASS.into(), &"unfinished".into(), &"1e-9".into())
    );
}

#[test]
fn a_text_that_a_spreadsheet_would_compute_is_defused_and_comes_back_whole() {
    let rows = by_python(&table(&plan()));
    let codec = rows.iter().find(|row| row["quantity"] == "codec").unwrap();
    assert_eq!(codec["text"], "'=HYPERLINK(\"x\"),\n'sbc'");
    for cell in rows.iter().flat_map(|row| row.iter().filter(|(name, _)| !name.ends_with("high"))).map(|(_, cell)| cell)
    {
        assert!(!cell.as_str().unwrap().starts_with(['=', '+', '-', '@', '\t']), "{cell}");
    }
}

#[test]
fn the_first_columns_are_always_the_same_and_each_row_has_all() {
    let mut none = plan();
    none.combinations.clear();
    none.scenarios.clear();
    for plan in [plan(), none] {
        let bytes = table(&plan);
        assert!(bytes.windows(2).filter(|pair| pair == b"\r\n").count() > 7, "RFC 4180 ends rows so");
        let mut reader = csv::Reader::from_reader(&*bytes);
        assert!(reader.headers().unwrap().iter().zip(COLUMNS).all(|(is, must)| is == must));
        // A row of another length is an error of the reader.
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        // Seven observations, and an attempt without any.
        assert_eq!(rows.len(), 8);
        assert!(rows.iter().all(|row| matches!(&row[1], "playback-heard" | "pairing-cold-start")));
    }
}

#[rstest]
#[case::zero(0.0, "0")]
#[case::small(0.1 + 0.2, "0.30000000000000004")]
#[case::tiny(-1.5e-12, "-1.5e-12")]
#[case::large(6.02e23, "6.02e23")]
fn numbers_are_exact_when_they_are_read_back(#[case] value: f64, #[case] cell: &str) {
    use rigtone_model::observation::{Quantity, Value};
    let mut log = crate::log::Log::default();
    log.trial(0, (PASS, 1), None, Body::TrialStarted);
    log.observed(1, (PASS, 1), Quantity::Level, Value::Number { value, unit: "dB".into(), uncertainty: 0.0 });
    let mut bytes = Vec::new();
    write("r", &plan(), log.0, &mut bytes).unwrap();
    let row = &by_python(&bytes)[0];
    assert_eq!(row["value"], cell);
    assert_eq!(row["value"].as_str().unwrap().parse::<f64>().unwrap().to_bits(), value.to_bits());
}

/// A pairing that failed observed nothing: whoever computes rates must see it all the same.
#[test]
fn every_attempt_has_a_row_also_one_in_which_nothing_was_observed() {
    let mut log = crate::log::Log::default();
    let outcomes = [
        TrialOutcome::Completed,
        TrialOutcome::Lost(InfrastructureFault::new("relay", "gone")),
        TrialOutcome::Cancelled,
    ];
    for (trial, outcome) in (1_u32..).zip(outcomes) {
        log.trial(i64::from(trial), (PASS, trial), None, Body::TrialStarted);
        log.step(i64::from(trial), (PASS, trial), "pair", Phase::Setup);
        log.ends(10 * i64::from(trial), (PASS, trial), outcome);
    }
    log.trial(40, (PASS, 4), None, Body::TrialStarted);
    log.trial(41, (PASS, 4), None, Body::TrialDiscarded { aside: None });
    log.trial(50, (PASS, 4), None, Body::TrialStarted);
    let mut bytes = Vec::new();
    write("r", &plan(), log.0, &mut bytes).unwrap();
    let rows = by_python(&bytes);
    let told: Vec<[&str; 4]> = rows
        .iter()
        .map(|row| ["trial", "outcome", "t_ns", "seq"].map(|column| row[column].as_str().unwrap()))
        .collect();
    let due = [
        ["1", "completed", "10000000", "2"],
        ["2", "lost", "20000000", "5"],
        ["3", "cancelled", "30000000", "8"],
        ["4", "discarded", "41000000", "10"],
        ["4", "unfinished", "50000000", "11"],
    ];
    assert_eq!(told, due);
    for row in &rows {
        assert_eq!((&row["axis.speaker"], &row["firmware.speaker"]), (&"charge-b".into(), &"1.1.0".into()));
        for column in ["phase", "step", "quantity", "form", "value", "text", "evidence", "microphone"] {
            assert_eq!(row[column], "", "{column}");
        }
    }
}

/// On a simulated rig the clock begins anew where a run goes on.
#[test]
fn what_was_cut_off_ends_where_the_log_was() {
    let mut log = crate::log::Log::default();
    log.trial(100, (PASS, 1), None, Body::TrialStarted);
    log.whole(110, Body::Warning { text: "the last that is known".into() });
    log.whole(0, Body::RunResumed { rigtone: "0.1.0".into(), unix_s: 1_795_392_100, mended_bytes: 0 });
    log.trial(0, (PASS, 1), None, Body::TrialDiscarded { aside: None });
    let mut bytes = Vec::new();
    write("r", &plan(), log.0, &mut bytes).unwrap();
    let row = &by_python(&bytes)[0];
    assert_eq!((&row["outcome"], &row["t_ns"], &row["seq"]), (&"discarded".into(), &"110000000".into(), &"3".into()));
}

/// Whoever prints it must see that a reader only went away.
#[test]
fn what_the_output_says_comes_through() {
    struct Gone;
    impl std::io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    // More than is held back until it is worth writing.
    let many = || std::iter::repeat_with(log).take(100).flatten();
    for events in [many().take(0).collect::<Vec<_>>(), many().collect()] {
        let error = write("r", &plan(), events, Gone).expect_err("nobody reads");
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{error}");
    }
}

/// Nothing but names when nothing was tried.
#[test]
fn an_empty_log_gives_the_names_of_the_columns() {
    let mut bytes = Vec::new();
    write("r", &plan(), [], &mut bytes).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap().lines().count(), 1);
}
