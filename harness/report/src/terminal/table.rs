//! The table of combinations, one block for each scenario.

use std::fmt::Write;

use rigtone_model::{
    document::{Expect, Expectation},
    plan::Plan,
    verdict::{CombinationVerdict, ExpectationVerdict, RunVerdicts, Verdict},
};

use super::{View, paint, wrap};
use crate::{
    figure,
    sanitise::{line, short},
};

const VERDICT: usize = 12;
const COUNT: usize = 5;
/// The longest estimate column; combinations have the rest.
const ESTIMATES: usize = 40;
/// In narrower terminals a combination has lines of its own instead of columns.
const COLUMNS: usize = 60;
/// What stands between and before the columns.
const GAPS: usize = 2 + 2 + 1 + 1 + 2;

pub(super) fn write(text: &mut String, verdicts: &RunVerdicts, plan: &Plan, view: &View<'_>) {
    let names: Vec<String> = verdicts.combinations.iter().map(axes).collect();
    let narrow = view.width < COLUMNS;
    let room = view.width.max(COLUMNS) - VERDICT - 2 * COUNT - GAPS;
    let longest = names.iter().map(|n| n.chars().count()).max().unwrap_or_default();
    let column = longest.clamp(11, room.saturating_sub(ESTIMATES).max(16));
    let mut scenario = None;
    for (combination, name) in verdicts.combinations.iter().zip(&names) {
        if scenario != Some(&combination.scenario) {
            if scenario.is_some() {
                text.push('\n');
            }
            scenario = Some(&combination.scenario);
            heading(text, &combination.scenario, plan, view.width);
            if !narrow {
                let _ = writeln!(
                    text,
                    "  {:VERDICT$}  {:column$} {:>COUNT$} {:>COUNT$}  seen",
                    "verdict", "combination", "n", "lost"
                );
            }
        }
        let expected = plan.scenario(&combination.scenario).map_or(&[][..], |s| &s.expect);
        if narrow {
            stacked(text, combination, name, expected, view);
        } else {
            row(text, combination, name, expected, (column, room - column), view.colour);
        }
    }
    if scenario.is_some() {
        text.push('\n');
    }
}

fn heading(text: &mut String, scenario: &str, plan: &Plan, width: usize) {
    let title = plan.scenario(scenario).map(|s| format!(": {}", s.title)).unwrap_or_default();
    for line in wrap(&line(&format!("{scenario}{title}")), width) {
        let _ = writeln!(text, "{line}");
    }
}

fn row(
    text: &mut String,
    combination: &CombinationVerdict,
    name: &str,
    expected: &[Expect],
    (column, room): (usize, usize),
    colour: bool,
) {
    let names = wrap(name, column);
    let seen = all_seen(combination, expected, room);
    for at in 0..names.len().max(seen.len()) {
        let name = names.get(at).map_or("", String::as_str);
        let seen = seen.get(at).map_or("", String::as_str);
        let row = if at == 0 {
            let padded = format!("{:VERDICT$}", combination.verdict);
            let verdict = paint(&combination.verdict, &padded, colour);
            format!("  {verdict}  {name:column$} {:>COUNT$} {:>COUNT$}  {seen}", combination.trials, combination.lost)
        } else {
            format!("  {:VERDICT$}  {name:column$} {:COUNT$} {:COUNT$}  {seen}", "", "", "")
        };
        let _ = writeln!(text, "{}", row.trim_end());
    }
}

/// The verdict with its counts, and below it the combination and what was seen.
fn stacked(text: &mut String, combination: &CombinationVerdict, name: &str, expected: &[Expect], view: &View<'_>) {
    let verdict = paint(&combination.verdict, combination.verdict.word(), view.colour);
    let _ = writeln!(text, "  {verdict}, n {}, lost {}", combination.trials, combination.lost);
    let room = view.width - 4;
    for part in wrap(name, room).into_iter().chain(all_seen(combination, expected, room)) {
        let _ = writeln!(text, "    {part}");
    }
}

/// All that the last column says, in lines of that width.
fn all_seen(combination: &CombinationVerdict, expected: &[Expect], room: usize) -> Vec<String> {
    let mut all: Vec<String> = match &combination.verdict {
        Verdict::Skipped(reason) => wrap(&line(reason), room),
        verdict => combination.expectations.iter().flat_map(|e| wrap(&seen(e, expected, verdict), room)).collect(),
    };
    // Where nothing was seen, what the rig said tells why.
    if let Some(fault) = combination.faults.last().filter(|_| all.is_empty()) {
        all.extend(wrap(&line(fault), room));
    }
    if let Some(known) = &combination.quarantined {
        let known = format!("in quarantine until {} ({}): {}", known.expires, known.owner, known.reason);
        all.extend(wrap(&line(&known), room));
    }
    all
}

/// The combination without its scenario, which heads the block, and without the hash of its meaning.
fn axes(combination: &CombinationVerdict) -> String {
    let id = combination.id.as_str();
    let rest = id.strip_prefix(combination.scenario.as_str()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(id);
    line(rest.rsplit_once('#').map_or(rest, |(axes, _)| axes))
}

/// An expectation in a few words: its kind, the estimate with its interval, and its verdict where that is not the combination's.
fn seen(e: &ExpectationVerdict, expected: &[Expect], combination: &Verdict) -> String {
    let kind = expected.get(e.index).and_then(|e| e.kinds().first().map(Expectation::title));
    let kind = kind.unwrap_or_else(|| "expectation".to_owned());
    let mut text = format!("{kind} {}", line(&figure::estimate(e).unwrap_or_else(|| short(&e.seen, 80))));
    if e.verdict != *combination {
        text = format!("{text}: {}", e.verdict);
    }
    if e.unstable.is_some() {
        text.push_str(" (unstable)");
    }
    if !e.gating {
        text.push_str(" (not gating)");
    }
    text
}
