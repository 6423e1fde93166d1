//! Trends: the runs of each expectation of a combination, and firmware versions beside each other.

use std::{collections::BTreeSet, fmt::Write as _};

use rigtone_report::sanitise::line;

use super::{
    View,
    figure::{self, count, number},
    fit::fit,
    painted,
};
use crate::{
    Kind,
    age::{day, minute},
    history::{History, Series, Version},
    rigs::Rigs,
};

/// A table for each expectation of each combination: its runs by time, where they changed, and where another rig went on.
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
    fit(text, view.width)
}

fn trend(text: &mut String, series: &Series, history: &History, view: View) {
    let part = if series.part { "part: " } else { "" };
    let former = if series.current { "" } else { " (no longer asked)" };
    let _ = writeln!(text, "\n  {part}{}{former}", line(&series.expected));
    let rigs = Rigs::of(&series.points, &history.runs);
    if let Some(words) = rigs.in_words(&series.points, &history.runs) {
        let _ = writeln!(text, "  {}: changes are looked for on each alone", line(&words));
    }
    let rule = if view.unicode { "┄┄" } else { "--" };
    let _ = writeln!(text, "  {:<16}  {:<12}  {:>9}  {:<28}  run", "began (UTC)", "verdict", "held of n", "estimate");
    for (index, point) in series.points.iter().enumerate() {
        if let Some(rig) = rigs.at(index) {
            let _ = writeln!(text, "  {rule} rig {} from here on", line(rig));
        }
        if let Some(change) = series.changes.iter().find(|change| change.point == index) {
            let _ = writeln!(
                text,
                "  {rule} change: {}, before {}; after {}; {}",
                line(&figure::step(change, series, history, view.arrow())),
                figure::rate(&change.before),
                figure::rate(&change.after),
                figure::p(change.p)
            );
        }
        let run = &history.runs[point.run];
        let doubtful = if point.ambiguous > 0 { format!(", {} do not tell", point.ambiguous) } else { String::new() };
        let estimate = figure::estimate(point, &series.unit);
        let estimate = estimate.unwrap_or_else(|| figure::missing(point, &series.unit).to_owned());
        let on = if rigs.are_several() { format!(" on {}", run.rig) } else { String::new() };
        let _ = writeln!(
            text,
            "  {:<16}  {}  {:>9}  {:<28}  {}",
            minute(run.unix_s),
            painted(point.verdict, 12, view),
            format!("{} of {}", point.held, point.n),
            format!("{estimate}{doubtful}"),
            line(&format!("{}{on}", run.directory))
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
            // Rigs may differ as firmware does.
            let several = one.versions.iter().flat_map(|version| &version.rigs).collect::<BTreeSet<_>>().len() > 1;
            for version in &one.versions {
                let (first, last) = (&history.runs[version.first_run], &history.runs[version.last_run]);
                let on = if several { format!(" on {}", version.rigs.join(", ")) } else { String::new() };
                let beside = version.p.map(|p| format!("; beside the version before: {}", figure::p(p)));
                let _ = writeln!(
                    text,
                    "  {:<2} {:<12} {} in {}, {} to {}{}{}{}",
                    if version.p.is_some() { view.arrow() } else { "" },
                    line(&version.firmware),
                    figure::rate(&version.rate),
                    count(version.runs, "run"),
                    day(first.unix_s),
                    day(last.unix_s),
                    line(&on),
                    beside.unwrap_or_default(),
                    line(&changed(version, history, view))
                );
            }
        }
        text.push_str(if history.firmware.iter().any(|one| one.kind == kind) { "\n" } else { "" });
    }
    if text.is_empty() {
        text.push_str("no device has been tried with two firmware versions\n");
    }
    fit(text, view.width)
}

/// Where the rate of a version has changed, which its pooled rate does not show.
fn changed(version: &Version, history: &History, view: View) -> String {
    let several = version.rigs.len() > 1;
    let told = version.changed.iter().enumerate().map(|(place, change)| {
        let run = &history.runs[change.run];
        let on = if several { format!(" on {}", run.rig) } else { String::new() };
        let [before, after] = [change.before, change.after].map(|rate| number(rate.estimate, "%"));
        let begin = if place == 0 { "; its rate changed" } else { "," };
        format!("{begin} on {}{on} ({before} % {} {after} %)", day(run.unix_s), view.arrow())
    });
    told.collect()
}
