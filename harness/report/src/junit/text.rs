//! What stands inside a case: the facts behind its verdict.

use std::fmt::Write;

use rigtone_model::{
    plan::AxisValue,
    verdict::{CombinationVerdict, Interval, Verdict},
};

use super::cases::Subject;
use crate::{
    figure,
    sanitise::{line, short},
};

/// The longest fact, in characters: reports stay far below the 30 MB that GitLab reads.
const LONGEST: usize = 2_000;
/// Infrastructure faults, evidence files and what is missing of the run: so many are shown.
const SHOWN: usize = 5;

/// What was expected and seen, in lines of one fact each.
pub(super) fn body(subject: &Subject<'_>) -> String {
    let combination = subject.combination;
    let mut text = String::new();
    let mut fact = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<9} {}", short(value, LONGEST));
    };
    match subject.verdict {
        Verdict::Skipped(reason) => fact("skipped:", reason),
        verdict => fact("verdict:", verdict.word()),
    }
    let classes = match subject.expectation {
        Some(e) => {
            fact("expected:", &e.expected);
            fact("seen:", &e.seen);
            fact(
                "n:",
                &format!("{}: held in {}, {} ambiguous", figure::count(e.n as usize, "trial"), e.held, e.ambiguous),
            );
            if let (Some(estimate), Some(value)) = (figure::estimate(e), e.interval.map(|i| i.confidence * 100.0)) {
                fact("estimate:", &format!("{estimate} at {} confidence", figure::quantity(value, "%")));
            }
            if let Some(needed) = e.needed {
                fact("needed:", &format!("{} more in which it holds", figure::count(needed as usize, "trial")));
            }
            &e.classes
        }
        None => {
            fact(
                "n:",
                &format!(
                    "{} with a result, {} lost to the rig",
                    figure::count(combination.trials as usize, "trial"),
                    combination.lost
                ),
            );
            &combination.classes
        }
    };
    if !classes.is_empty() {
        fact("classes:", &classes.iter().map(|(class, n)| format!("{class} {n}")).collect::<Vec<_>>().join(", "));
    }
    for fault in combination.faults.iter().rev().take(SHOWN) {
        fact("rig:", fault);
    }
    for file in combination.evidence.iter().take(SHOWN) {
        fact("evidence:", file);
    }
    fact("id:", combination.id.as_str());
    text
}

/// The facts that scripts read, one `key=value` a line, in a fixed order: junit-report knows no properties.
pub(super) fn properties(subject: &Subject<'_>) -> String {
    let combination = subject.combination;
    let mut text = String::new();
    let mut property = |key: &str, value: &str| {
        // Readers fetch the file that brackets name, wherever they stand: no text of a device may name one.
        let _ = writeln!(text, "{}", short(&format!("{key}={value}"), LONGEST).replace("[[", "[ ["));
    };
    property("run", subject.run);
    for sentence in subject.missing.iter().take(SHOWN) {
        property("missing", sentence);
    }
    if subject.missing.len() > SHOWN {
        property("missing", &format!("{} more", subject.missing.len() - SHOWN));
    }
    property("combination", combination.id.as_str());
    for (axis, value) in subject.planned.iter().flat_map(|p| &p.axes) {
        property(&format!("axis.{axis}"), value.text());
        if let AxisValue::Unit { device, firmware, .. } = value {
            property(&format!("device.{axis}"), device);
            property(&format!("firmware.{axis}"), firmware);
        }
    }
    if let Some(condition) = subject.planned.and_then(|p| p.condition.as_deref()) {
        property("condition", condition);
    }
    if !subject.exercises.is_empty() {
        property("exercises-behaviour-of", &subject.exercises.join(" "));
    }
    property("verdict", subject.verdict.word());
    property("combination-verdict", combination.verdict.word());
    property("trials", &combination.trials.to_string());
    property("lost", &combination.lost.to_string());
    let Some(e) = subject.expectation else { return text };
    property("gating", if e.gating { "yes" } else { "no" });
    property("expected", &e.expected);
    property("seen", &e.seen);
    property("n", &e.n.to_string());
    property("held", &e.held.to_string());
    property("ambiguous", &e.ambiguous.to_string());
    if let Some(estimate) = e.estimate {
        property("estimate", format!("{estimate} {}", e.unit).trim_end());
    }
    if let Some(interval) = &e.interval {
        property("interval", &ends(interval));
        property("confidence", &figure::quantity(interval.confidence * 100.0, "%"));
    }
    text
}

/// An interval in brackets, with every digit: programs read it. An end that is not there is open.
fn ends(interval: &Interval) -> String {
    let low = interval.low.map_or("(-inf".to_owned(), |low| format!("[{low}"));
    let high = interval.high.map_or("inf)".to_owned(), |high| format!("{high}]"));
    format!("{low}, {high}")
}

/// The lines by which GitLab and Jenkins find files that belong to a case.
pub(super) fn attachments(combination: &CombinationVerdict, directory: Option<&str>) -> String {
    let path = |file: &String| match directory {
        Some(directory) => format!("{}/{file}", directory.trim_end_matches('/')),
        None => file.clone(),
    };
    let files = combination.evidence.iter().filter(|file| is_plain(file)).take(SHOWN);
    files.map(|file| format!("[[ATTACHMENT|{}]]\n", line(&path(file)))).collect()
}

/// Whether a path is one of ours: below the run directory, of characters that mean nothing to readers.
fn is_plain(file: &str) -> bool {
    !file.is_empty()
        && file.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        })
}
