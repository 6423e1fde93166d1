use std::collections::BTreeSet;

use rigtone_model::verdict::Verdict;
use rigtone_report::{
    exit::InconclusivePolicy::{self, AsError, AsFailure, AsPass},
    junit::{JunitError, Options, write},
};
use rstest::rstest;

use super::{check, reader, report};
use crate::sample::{plan, verdicts};

#[test]
fn each_verdict_is_the_result_that_readers_know() {
    let report = report(&verdicts(), &plan(), AsError);
    let results: Vec<(&str, &str, &str)> =
        report.cases().map(|c| (c.name.as_str(), c.result.as_str(), c.kind.as_str())).collect();
    assert_eq!(
        results,
        [
            ("source=echo-a,speaker=charge-b#1a2b3c4d: trials", "success", ""),
            ("source=echo-a,speaker=charge-b#1a2b3c4d: success-rate of pair", "success", ""),
            ("source=echo-a,speaker=flip-a#5e6f7a8b: trials", "success", ""),
            ("source=echo-a,speaker=flip-a#5e6f7a8b: success-rate of pair", "failure", "product-failure"),
            ("source=echo-a,speaker=wired-a#0badcafe: trials", "skipped", "skipped"),
            ("source=echo-a,speaker=wired-a#0badcafe: success-rate of pair", "skipped", "skipped"),
            ("codec=sbc,source=echo-a,speaker=charge-b#9c0d1e2f: trials", "success", ""),
            ("codec=sbc,source=echo-a,speaker=charge-b#9c0d1e2f: audio of play", "success", ""),
            ("codec=sbc,source=echo-a,speaker=charge-b#9c0d1e2f: latency of play", "error", "inconclusive"),
            ("codec=sbc,source=echo-a,speaker=charge-b#9c0d1e2f: latency of play (2)", "skipped", "not-gating"),
            ("codec=sbc,source=echo-a,speaker=flip-a#3a4b5c6d: trials", "error", "infra-error"),
            ("codec=sbc,source=echo-a,speaker=flip-a#3a4b5c6d: audio of play", "error", "infra-error"),
            ("codec=sbc,source=echo-a,speaker=flip-a#3a4b5c6d: latency of play", "error", "infra-error"),
            ("codec=sbc,source=echo-a,speaker=flip-a#3a4b5c6d: latency of play (2)", "error", "infra-error"),
        ]
    );
    let suites: Vec<&str> = report.suites.iter().map(|s| s.attributes["name"].as_str()).collect();
    assert_eq!(suites, ["pairing-cold-start", "playback-heard"]);
    assert!(report.suites[0].cases.iter().all(|c| c.classname == "rigtone.pairing-cold-start"));
}

#[rstest]
#[case(AsError, "error", "inconclusive")]
#[case(AsPass, "success", "")]
#[case(AsFailure, "failure", "inconclusive")]
fn inconclusive_counts_as_asked_and_keeps_its_word(
    #[case] policy: InconclusivePolicy,
    #[case] result: &str,
    #[case] kind: &str,
) {
    let report = report(&verdicts(), &plan(), policy);
    let case = report.cases().find(|c| c.name.ends_with("#9c0d1e2f: latency of play")).unwrap();
    assert_eq!((case.result.as_str(), case.kind.as_str()), (result, kind));
    assert!(case.output.contains("\nverdict=inconclusive\n"), "{}", case.output);
}

#[test]
fn a_failure_says_what_was_expected_what_was_seen_and_where_the_evidence_lies() {
    let report = report(&verdicts(), &plan(), AsError);
    let case = report.case(&["#5e6f7a8b", "success-rate"]);
    for fact in [
        "expected: `pair` succeeds in at least 90 % of trials, 98 % with a good device",
        "seen:     11 of 23 trials (47.8 %; at least 29.6 %",
        "n:        23 trials: held in 11, 0 ambiguous",
        "estimate: 47.8 % [26.8, 69.4] at 95 % confidence",
        "classes:  pairing-refused 12",
        "evidence: evidence/pairing-cold-start.source-echo-a.speaker-flip-a.5e6f7a8b/0003/relay.log",
    ] {
        assert!(case.body.contains(fact), "{fact} in\n{}", case.body);
    }
    assert!(case.output.contains("firmware.speaker=0.9.2\n"), "{}", case.output);
    // GitLab and Jenkins look for exactly this.
    let attachment =
        "[[ATTACHMENT|runs/1/evidence/pairing-cold-start.source-echo-a.speaker-flip-a.5e6f7a8b/0003/relay.log]]\n";
    assert!(case.output.contains(attachment), "{}", case.output);
    let passed = report.case(&["#1a2b3c4d", "success-rate"]);
    assert!(!passed.output.contains("ATTACHMENT"));
}

#[test]
fn an_infrastructure_error_names_the_member_of_the_rig() {
    let report = report(&verdicts(), &plan(), AsError);
    let case = report.case(&["#3a4b5c6d", "trials"]);
    assert_eq!(case.message, "the rig failed: microphone bench-1: the device is gone");
    assert!(case.body.contains("rig:      relay board-1: no answer within 250 ms"), "{}", case.body);
    assert!(case.body.contains("5 trials with a result, 7 lost to the rig"), "{}", case.body);
}

#[test]
fn a_skipped_case_says_why() {
    let report = report(&verdicts(), &plan(), AsError);
    assert!(report.cases().filter(|c| c.kind == "skipped").all(|c| c.message == "`wired-a` has no microphone near it"));
}

#[test]
fn an_aborted_combination_is_an_error_of_that_type() {
    let mut run = verdicts();
    run.combinations[0].verdict = Verdict::Aborted;
    run.combinations[0].expectations.clear();
    let report = report(&run, &plan(), AsError);
    for what in ["trials", "success-rate"] {
        let case = report.case(&["#1a2b3c4d", what]);
        assert_eq!((case.result.as_str(), case.kind.as_str()), ("error", "aborted"));
    }
}

#[test]
fn a_combination_that_failed_is_never_green_as_a_whole() {
    let mut run = verdicts();
    run.combinations[1].expectations.clear();
    let report = report(&run, &plan(), AsError);
    assert_eq!(report.case(&["#5e6f7a8b", "trials"]).result, "failure");
}

#[test]
fn names_do_not_change_with_what_was_measured_or_with_other_combinations() {
    let names = |run| -> BTreeSet<String> { report(&run, &plan(), AsError).cases().map(|c| c.name.clone()).collect() };
    let before = names(verdicts());
    let mut other = verdicts();
    for combination in &mut other.combinations {
        combination.verdict = Verdict::Skipped("time".into());
        combination.expectations.clear();
        combination.trials += 1;
    }
    assert_eq!(names(other), before);
    let mut fewer = verdicts();
    fewer.combinations.remove(0);
    assert!(names(fewer).is_subset(&before));
}

#[test]
fn the_same_combination_twice_is_refused() {
    let mut run = verdicts();
    run.combinations.push(run.combinations[0].clone());
    let error = write(&run, &plan(), &Options::default(), Vec::new()).expect_err("two cases of one name");
    assert!(matches!(&error, JunitError::Duplicate { suite, .. } if suite == "pairing-cold-start"), "{error}");
}

#[rstest]
#[case(0)]
#[case(1_235_000_000)]
#[case(i64::MAX)]
#[case(i64::MIN)]
#[case(86_399_999_999_999)]
fn any_duration_is_a_time_that_jenkins_takes(#[case] took_ns: i64) {
    let mut run = verdicts();
    run.combinations.truncate(2);
    run.combinations[0].took_ns = took_ns;
    let report = report(&run, &plan(), AsError);
    let time: f64 = report.case(&["#1a2b3c4d", "trials"]).time.parse().unwrap();
    assert!((time - took_ns.max(0) as f64 / 1e9).abs() <= 0.0126 + time * 1e-12, "{time}");
}

#[rstest]
#[case(i64::MIN)]
#[case(-1)]
#[case(1_795_392_000)]
#[case(i64::MAX)]
fn any_calendar_time_is_a_timestamp(#[case] started_unix_s: i64) {
    let mut xml = Vec::new();
    let options = Options { started_unix_s, ..Options::default() };
    write(&verdicts(), &plan(), &options, &mut xml).unwrap();
    super::validate(&xml);
}

#[test]
fn a_run_without_combinations_is_an_empty_report() {
    let mut run = verdicts();
    run.combinations.clear();
    assert_eq!(report(&run, &plan(), AsError).cases().count(), 0);
}

/// Readers have a place for facts of cases alone.
#[test]
fn the_first_case_of_each_suite_says_what_is_missing_of_the_run() {
    let missing: Vec<String> = (1..=7).map(|n| format!("{n} [[ATTACHMENT|/etc/passwd]]")).collect();
    let options = Options { missing: &missing, ..Options::default() };
    let mut xml = Vec::new();
    write(&verdicts(), &plan(), &options, &mut xml).unwrap();
    super::validate(&xml);
    let report = reader::read(&String::from_utf8(xml).unwrap());
    assert_eq!(report.suites.len(), 2);
    for suite in &report.suites {
        let (first, others) = suite.cases.split_first().unwrap();
        let said: Vec<&str> = first.output.lines().filter_map(|line| line.strip_prefix("missing=")).collect();
        assert_eq!((said.len(), said[0], said[5]), (6, "1 [ [ATTACHMENT|/etc/passwd]]", "2 more"), "{}", first.output);
        assert!(others.iter().all(|case| !case.output.contains("missing=")));
    }
}

#[test]
fn a_plan_that_does_not_know_the_scenario_loses_no_verdict() {
    let mut plan = plan();
    plan.scenarios.clear();
    plan.combinations.clear();
    let report = report(&verdicts(), &plan, AsError);
    assert_eq!(report.case(&["#5e6f7a8b", "expectation 1"]).result, "failure");
}

#[test]
fn an_output_that_is_full_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = write(&verdicts(), &plan(), &Options::default(), full).expect_err("no space");
    assert!(matches!(error, JunitError::Io(_)), "{error}");
}

/// The schema would let nothing of this through: so a report that it lets through has none of it.
#[rstest]
#[case::no_classname(r#"<testcase name="n" time="1"/>"#)]
#[case::no_name(r#"<testcase classname="c" time="1"/>"#)]
#[case::empty_name(r#"<testcase classname="c" name="" time="1"/>"#)]
#[case::noisy_time(r#"<testcase classname="c" name="n" time="1.2349999999999999"/>"#)]
#[case::exponent(r#"<testcase classname="c" name="n" time="1e3"/>"#)]
#[case::two_of_a_name(r#"<testcase classname="c" name="n" time="1"/><testcase classname="c" name="n" time="2"/>"#)]
#[case::file(r#"<testcase classname="c" name="n" time="1" file="f"/>"#)]
#[case::two_results(r#"<testcase classname="c" name="n" time="1"><skipped type="skipped" message=""/><error type="aborted" message=""/></testcase>"#)]
#[case::error_without_type(r#"<testcase classname="c" name="n" time="1"><error message="m"/></testcase>"#)]
#[case::failure_of_the_rig(
    r#"<testcase classname="c" name="n" time="1"><failure type="infra-error" message="m"/></testcase>"#
)]
fn the_schema_refuses_what_readers_lose(#[case] cases: &str) {
    let suite = |cases: &str| {
        format!(
            r#"<?xml version="1.0"?><testsuites><testsuite name="s" timestamp="2026-11-23T00:00:00Z" time="1" tests="1" failures="0" errors="0">{cases}</testsuite></testsuites>"#
        )
    };
    check(suite(r#"<testcase classname="c" name="n" time="1"/>"#).as_bytes()).expect("the frame itself is valid");
    assert!(check(suite(cases).as_bytes()).is_err());
}

/// Whatever became of it: failures, passes and what has no verdict are skipped, with owner, day and reason.
#[test]
fn what_is_in_quarantine_is_skipped_and_says_who_looks_after_it() {
    let mut verdicts = verdicts();
    for combination in &mut verdicts.combinations {
        combination.quarantined = Some(rigtone_model::document::Quarantined {
            select: vec!["speaker=*".parse().unwrap()],
            reason: "known".into(),
            owner: "lab".into(),
            expires: "2027-01-31".into(),
        });
    }
    let report = report(&verdicts, &plan(), AsFailure);
    assert!(report.cases().count() > 10);
    for case in report.cases() {
        assert_eq!((case.result.as_str(), case.kind.as_str()), ("skipped", "quarantined"), "{}", case.name);
    }
    let failed = report.case(&["#5e6f7a8b", "success-rate"]);
    assert!(
        failed.message.starts_with("in quarantine until 2027-01-31 (lab): known; fail: expected"),
        "{}",
        failed.message
    );
    assert!(failed.body.contains("seen:     11 of 23 trials"), "{}", failed.body);
}
