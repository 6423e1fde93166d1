//! The combinations, one row each.

use rigtone_model::{
    document::{Expect, Expectation},
    plan::Plan,
    verdict::{CombinationVerdict, ExpectationVerdict, Verdict},
};

use super::{
    LONGEST, Page,
    escape::{code, text},
    symbol, words,
};
use crate::figure;

/// Expectations shown in a row.
const SHOWN: usize = 6;

const HEADING: &str = "\n| verdict | scenario | combination | n | lost | seen |\n|:--|:--|:--|--:|--:|:--|\n";

/// Writes as many rows as fit into a share of the room, the first ones first.
pub(super) fn write(page: &mut Page, worst: &[&CombinationVerdict], plan: &Plan, share: f64) {
    if worst.is_empty() {
        return;
    }
    let end = page.text.len() + (page.room() as f64 * share) as usize;
    page.text.push_str(HEADING);
    for (at, combination) in worst.iter().enumerate() {
        let row = row(combination, plan);
        let room = end.saturating_sub(page.text.len());
        if !page.add(&row, room) {
            let left = &worst[at..];
            page.text.push_str(&format!("\nand {} more: {}\n", left.len(), words(left)));
            break;
        }
    }
}

fn row(combination: &CombinationVerdict, plan: &Plan) -> String {
    let expected = plan.scenario(&combination.scenario).map_or(&[][..], |s| &s.expect);
    let mut seen: Vec<String> = match &combination.verdict {
        Verdict::Skipped(reason) => vec![text(reason, LONGEST)],
        verdict => combination.expectations.iter().take(SHOWN).map(|e| seen(e, expected, verdict)).collect(),
    };
    if let Some(more) = combination.expectations.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        seen.push(format!("and {more} more"));
    }
    // Where nothing was seen, what the rig said tells why.
    if let Some(fault) = combination.faults.last().filter(|_| seen.is_empty()) {
        seen.push(text(fault, LONGEST));
    }
    if let Some(known) = &combination.quarantined {
        let known = format!("in quarantine until {} ({}): {}", known.expires, known.owner, known.reason);
        seen.push(text(&known, LONGEST));
    }
    format!(
        "| {} {} | {} | {} | {} | {} | {} |\n",
        symbol(&combination.verdict),
        combination.verdict.word(),
        text(&combination.scenario, LONGEST),
        code(axes(combination), LONGEST),
        combination.trials,
        combination.lost,
        seen.join("<br>")
    )
}

/// The combination without its scenario and without the hash of its meaning.
fn axes(combination: &CombinationVerdict) -> &str {
    let id = combination.id.as_str();
    let rest = id.strip_prefix(combination.scenario.as_str()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(id);
    rest.rsplit_once('#').map_or(rest, |(axes, _)| axes)
}

fn seen(e: &ExpectationVerdict, expected: &[Expect], combination: &Verdict) -> String {
    let kind = expected.get(e.index).and_then(|e| e.kinds().first().map(Expectation::title));
    let kind = kind.unwrap_or_else(|| "expectation".to_owned());
    let mut line = format!("{kind} {}", figure::estimate(e).unwrap_or_else(|| e.seen.clone()));
    if e.verdict != *combination {
        line.push_str(&format!(": {}", e.verdict));
    }
    if e.unstable.is_some() {
        line.push_str(" (unstable)");
    }
    if !e.gating {
        line.push_str(" (not gating)");
    }
    text(&line, LONGEST)
}
