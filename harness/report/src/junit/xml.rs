//! The only file that names junit-report. What that crate leaves to its callers is done here: every text is made fit for XML
//! first, times are such that their sum prints with at most three decimals, dates are within what it can print.

use std::io::{self, Write};

use junit_report::{Duration, Error, OffsetDateTime, Report, TestCase, TestResult, TestSuite};

use crate::sanitise::{cdata, line};

/// Sums of multiples of this many nanoseconds print as a float without noise; those of single milliseconds do not.
const TIME_STEP_NS: i64 = 25_000_000;

/// The last second of the year 9999.
const LATEST_UNIX_S: i64 = 253_402_300_799;

pub(super) struct Suite {
    pub(super) name: String,
    pub(super) host: String,
    pub(super) started_unix_s: i64,
    pub(super) cases: Vec<Case>,
}

pub(super) struct Case {
    pub(super) classname: String,
    pub(super) name: String,
    pub(super) took_ns: i64,
    pub(super) result: CaseResult,
    /// What `system-out` holds.
    pub(super) output: String,
}

pub(super) enum CaseResult {
    Success,
    Skipped(Detail),
    Failure(Detail),
    Error(Detail),
}

pub(super) struct Detail {
    pub(super) kind: String,
    pub(super) message: String,
    pub(super) body: String,
}

pub(super) fn write(suites: Vec<Suite>, mut sink: impl Write) -> io::Result<()> {
    let mut report = Report::new();
    report.add_testsuites(suites.into_iter().map(suite));
    report.write_xml(&mut sink).map_err(|e| match e {
        Error::Io(e) => e,
        Error::Xml(e) => io::Error::other(e.to_string()),
    })?;
    sink.write_all(b"\n")?;
    sink.flush()
}

fn suite(suite: Suite) -> TestSuite {
    let started = suite.started_unix_s.clamp(0, LATEST_UNIX_S);
    TestSuite {
        name: line(&suite.name),
        package: "rigtone".to_owned(),
        timestamp: OffsetDateTime::from_unix_timestamp(started).unwrap_or(OffsetDateTime::UNIX_EPOCH),
        hostname: line(&suite.host),
        testcases: suite.cases.into_iter().map(case).collect(),
        system_out: None,
        system_err: None,
    }
}

fn case(case: Case) -> TestCase {
    let parts = |d: Detail| (line(&d.kind), line(&d.message), Some(cdata(&d.body)));
    let result = match case.result {
        CaseResult::Success => TestResult::Success,
        CaseResult::Skipped(detail) => {
            let (type_, message, cause) = parts(detail);
            TestResult::SkippedWithCause { type_, message, cause }
        }
        CaseResult::Failure(detail) => {
            let (type_, message, cause) = parts(detail);
            TestResult::Failure { type_, message, cause }
        }
        CaseResult::Error(detail) => {
            let (type_, message, cause) = parts(detail);
            TestResult::Error { type_, message, cause }
        }
    };
    let steps = case.took_ns.max(0).saturating_add(TIME_STEP_NS / 2) / TIME_STEP_NS;
    TestCase {
        name: line(&case.name),
        time: Duration::nanoseconds(steps.saturating_mul(TIME_STEP_NS)),
        result,
        classname: Some(line(&case.classname)),
        filepath: None,
        system_out: Some(cdata(&case.output)),
        system_err: None,
    }
}
