//! Trends: the runs of each expectation of a combination, and firmware versions beside each other.

use std::fmt::Write as _;

use rigtone_report::sanitise::line;

use super::{
    View,
    figure::{self, count},
    painted,
};
use crate::{
    Kind,
    age::{day, minute},
    history::{History, Series},
};

/// A table for each expectation of each combination: its runs by time, and where they changed.
pub fn trends(history: &History, view: View) -> String {
    let mut text = String::new();
    for one in &history.combinations {
        let _ = writeln!(text, "{} ({})", line(&one.id), one.kind.heading());
        for series in &one.series {
            trend(&mut text, series, history, view);
        }
        if one.series.is_empty() {
            text.push_str("  no run has judged it\n");
        }
        text.push('\n');
    }
    text
}

fn trend(text: &mut String, series: &Series, history: &History, view: View) {
    let part = if series.part { "part: " } else { "" };
    let former = if series.current { "" } else { " (no longer asked)" };
    let _ = writeln!(text, "\n  {part}{}{former}", line(&series.expected));
    let _ = writeln!(text, "  {:<16}  {:<12}  {:>9}  {:<28}  run", "began (UTC)", "verdict", "held of n", "estimate");
    for (index, point) in series.points.iter().enumerate() {
        if let Some(change) = series.changes.iter().find(|change| change.point == index) {
            let _ = writeln!(
                text,
                "  {} change: {}, before {}; after {}; {}",
                if view.unicode { "┄┄" } else { "--" },
                figure::step(&change.before, &change.after, view.arrow()),
                figure::rate(&change.before),
                figure::rate(&change.after),
                figure::p(change.p)
            );
        }
        let run = &history.runs[point.run];
        let doubtful = if point.ambiguous > 0 { format!(", {} do not tell", point.ambiguous) } else { String::new() };
        let estimate = figure::estimate(point, &series.unit).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {:<16}  {}  {:>9}  {:<28}  {}",
            minute(run.unix_s),
            painted(point.verdict, 12, view),
            format!("{} of {}", point.held, point.n),
            format!("{estimate}{doubtful}"),
            line(&run.directory)
        );
    }
}

/// Firmware versions of one device beside each other, everything else alike.
pub fn firmware(history: &History, view: View) -> String {
    let mut text = String::new();
    for kind in Kind::ALL {
        let of_kind: Vec<_> = history.firmware.iter().filter(|one| one.kind == kind).collect();
        if !of_kind.is_empty() {
            let _ = writeln!(text, "{}", kind.heading());
        }
        for one in of_kind {
            let others = if one.others.is_empty() { String::new() } else { format!(", {}", one.others) };
            let what = format!("{}: {} {}{others}", one.scenario, one.axis, one.device);
            let _ = writeln!(text, "\n{}\n  {}", line(&what), line(&one.expected));
            for version in &one.versions {
                let (first, last) = (&history.runs[version.first_run], &history.runs[version.last_run]);
                let beside = version.p.map(|p| format!("; beside the version before: {}", figure::p(p)));
                let _ = writeln!(
                    text,
                    "  {:<2} {:<12} {} in {}, {} to {}{}",
                    if version.p.is_some() { view.arrow() } else { "" },
                    line(&version.firmware),
                    figure::rate(&version.rate),
                    count(version.runs, "run"),
                    day(first.unix_s),
                    day(last.unix_s),
                    beside.unwrap_or_default()
                );
            }
        }
        text.push_str(if history.firmware.iter().any(|one| one.kind == kind) { "\n" } else { "" });
    }
    if text.is_empty() {
        text.push_str("no device has been tried with two firmware versions\n");
    }
    text
}
