//! The suite `rig`.

use rigtone_model::inspection::{Found, Health, Inspection, Subject};
use rigtone_report::junit;

use super::{reader, validate};

fn found(member: &str, subject: Subject, health: Health, what: &str) -> Found {
    Found { member: member.into(), subject, health, what: what.into(), answered_ns: None }
}

fn inspection(found: Vec<Found>) -> Inspection {
    Inspection { found, took_ns: 2_000_000_000, ..Inspection::of("lab", 1_795_392_000) }
}

#[test]
fn what_was_found_of_a_rig_is_one_suite_of_which_nothing_is_a_failure() {
    let board = "relay board-1";
    let all = vec![
        found(board, Subject::Member, Health::Ok, "its port is open"),
        found("encoder LDAC", Subject::Member, Health::Lacks, "missing: apt-get install x"),
        found("unit speaker", Subject::Firmware, Health::Ok, "runs 1.0"),
        Found {
            answered_ns: Some([12_000_000, 13_000_000]),
            ..found("power of speaker", Subject::Output, Health::Ok, "went on")
        },
        found("button power of speaker", Subject::Output, Health::Skipped, "it has no safe position"),
        found(
            board,
            Subject::SafeState,
            Health::Fault,
            "<&]]> [[ATTACHMENT|/etc/passwd]]\u{1b}; switch it off by hand",
        ),
    ];
    let mut xml = Vec::new();
    junit::write_inspection(&inspection(all), &mut xml).unwrap();
    validate(&xml);
    let xml = String::from_utf8(xml).unwrap();
    assert!(!xml.contains("[[ATTACHMENT"), "{xml}");
    let report = reader::read(&xml);
    assert_eq!(report.suites.len(), 1);
    assert_eq!(report.suites[0].attributes["name"], "rig");
    let results: Vec<_> = report.cases().map(|case| (&case.name[..], &case.result[..], &case.kind[..])).collect();
    assert_eq!(
        results,
        [
            ("relay board-1", "success", ""),
            ("encoder LDAC", "skipped", "skipped"),
            ("firmware of unit speaker", "success", ""),
            ("switching the power of speaker", "success", ""),
            ("switching the button power of speaker", "skipped", "skipped"),
            ("safe state of relay board-1", "error", "infra-error"),
        ]
    );
    assert!(report.cases().all(|case| case.classname == "rigtone.rig.lab"));
    assert_eq!(report.case(&["switching the power"]).time, "0.025");
}

#[test]
fn two_findings_of_one_name_are_two_cases() {
    let twice =
        vec![found("a", Subject::SafeState, Health::Fault, "x"), found("a", Subject::SafeState, Health::Fault, "y")];
    let mut xml = Vec::new();
    junit::write_inspection(&inspection(twice), &mut xml).unwrap();
    let report = reader::read(&String::from_utf8(xml).unwrap());
    let names: Vec<&str> = report.cases().map(|case| &case.name[..]).collect();
    assert_eq!(names, ["safe state of a", "safe state of a (2)"]);
}
