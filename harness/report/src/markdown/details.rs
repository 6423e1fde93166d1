//! What stands behind each combination that failed, is not decided, or was lost: folded, for whoever wants to know.

use std::collections::HashMap;

use rigtone_model::{
    id::CombinationId,
    plan::{AxisValue, Combination, Plan},
    verdict::{CombinationVerdict, ExpectationVerdict, Verdict},
};

use super::{
    LONGEST, Page,
    escape::{code, text},
    symbol, words,
};
use crate::figure::{self, count};

/// Faults and evidence files shown of one combination.
const SHOWN: usize = 3;
/// Expectations shown of one combination.
const EXPECTATIONS: usize = 20;

/// Whether there is something to say of it.
pub(super) fn has(combination: &CombinationVerdict) -> bool {
    matches!(combination.verdict, Verdict::Fail | Verdict::Inconclusive | Verdict::InfraError | Verdict::Aborted)
}

/// Writes as many as fit, the first ones first.
pub(super) fn write(page: &mut Page, told: &[&CombinationVerdict], plan: &Plan) {
    let planned: HashMap<&CombinationId, &Combination> = plan.combinations.iter().map(|c| (&c.id, c)).collect();
    for (at, combination) in told.iter().enumerate() {
        let part = details(combination, planned.get(&combination.id).copied());
        let room = page.room();
        if !page.add(&part, room) {
            let left = &told[at..];
            page.text.push_str(&format!(
                "\nThe details of {} more are left out, for the limit of this text: {}.\n",
                left.len(),
                words(left)
            ));
            break;
        }
    }
}

fn details(combination: &CombinationVerdict, planned: Option<&Combination>) -> String {
    let mut out = format!(
        "\n<details><summary>{} {} {}</summary>\n\n",
        symbol(&combination.verdict),
        combination.verdict.word(),
        code(combination.id.as_str(), LONGEST)
    );
    let mut fact = |name: &str, value: &str| out.push_str(&format!("- {name}: {value}\n"));
    for (axis, value) in planned.iter().flat_map(|p| &p.axes) {
        if let AxisValue::Unit { name, device, firmware } = value {
            fact(&text(axis, LONGEST), &text(&format!("{name} ({device}, firmware {firmware})"), LONGEST));
        }
    }
    for e in combination.expectations.iter().filter(|e| e.verdict != Verdict::Pass).take(EXPECTATIONS) {
        expectation(&mut fact, e);
    }
    if !combination.classes.is_empty() {
        let classes: Vec<String> = combination.classes.iter().map(|(class, n)| format!("{class} {n}")).collect();
        fact("failures", &classes.join(", "));
    }
    if combination.lost > 0 {
        let lost = count(combination.lost as usize, "trial");
        fact("lost", &format!("{lost} to the rig; {} gave a result", combination.trials));
    }
    for fault in combination.faults.iter().rev().take(SHOWN) {
        fact("rig", &text(fault, LONGEST));
    }
    for file in combination.evidence.iter().take(SHOWN) {
        fact("evidence", &code(file, LONGEST));
    }
    out.push_str("\n</details>\n");
    out
}

fn expectation(fact: &mut impl FnMut(&str, &str), e: &ExpectationVerdict) {
    let gating = if e.gating { "" } else { " (not gating)" };
    fact("expected", &format!("{}{gating}: **{}**", text(&e.expected, LONGEST), e.verdict.word()));
    fact("seen", &text(&e.seen, LONGEST));
    let mut n = format!("{}: held in {}, {} ambiguous", count(e.n as usize, "trial"), e.held, e.ambiguous);
    if let Some((estimate, interval)) = figure::estimate(e).zip(e.interval) {
        n.push_str(&format!("; {estimate} at {} confidence", figure::quantity(interval.confidence * 100.0, "%")));
    }
    fact("n", &text(&n, LONGEST));
    if let Some(why) = &e.unstable {
        fact("unstable", &text(why, LONGEST));
    }
    if let Some(needed) = e.needed.filter(|_| e.verdict == Verdict::Inconclusive) {
        fact("needed", &format!("{} more in which it holds", count(needed as usize, "trial")));
    }
}
