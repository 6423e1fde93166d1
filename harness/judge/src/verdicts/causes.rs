//! What the failures of a run follow.

use std::collections::{BTreeMap, HashMap};

use rigtone_model::{
    id::CombinationId,
    plan::{AxisValue, Combination, Plan},
    verdict::{CombinationVerdict, RunVerdicts},
};

use crate::{
    Confidence,
    attribution::{Cause, Cell, attribute},
};

/// The level of a member of the rig that a combination needs.
const NEEDED: &str = "needed";

/// The causes that the trials of a run support, as sentences. Each scenario is looked at alone: what fails one need not fail another.
pub fn causes(plan: &Plan, verdicts: &RunVerdicts) -> Vec<String> {
    let planned: HashMap<&CombinationId, &Combination> = plan.combinations.iter().map(|c| (&c.id, c)).collect();
    let mut scenarios: BTreeMap<&str, Vec<Cell>> = BTreeMap::new();
    for verdict in &verdicts.combinations {
        if let (Some(combination), Some(cell)) = (planned.get(&verdict.id), counts(verdict)) {
            scenarios.entry(&verdict.scenario).or_default().push(Cell { levels: levels(combination), ..cell });
        }
    }
    // All scenarios are one family: each may err by its share.
    let share = 0.05 / scenarios.len().max(1) as f64;
    let Ok(confidence) = Confidence::new(1.0 - share) else { return Vec::new() };
    let of = |(scenario, cells): (&str, Vec<Cell>)| -> Vec<String> {
        // Each cause sets its trials aside for those after it.
        let causes = attribute(&cells, confidence).into_iter().enumerate();
        causes.map(|(before, cause)| sentence(scenario, &cause, before > 0)).collect()
    };
    scenarios.into_iter().flat_map(of).collect()
}

/// Trials of a combination, and how many of them violated a gating expectation: of several the one that was violated most, and of those the one that
/// was decided in the most trials.
fn counts(verdict: &CombinationVerdict) -> Option<Cell> {
    let gating = verdict.expectations.iter().filter(|e| e.gating);
    let worst = gating.max_by_key(|e| (e.n - e.held - e.ambiguous, e.n - e.ambiguous))?;
    let failed = worst.n - worst.held - worst.ambiguous;
    Some(Cell { levels: BTreeMap::new(), failed: failed.into(), trials: (worst.n - worst.ambiguous).into() })
}

fn levels(combination: &Combination) -> BTreeMap<String, String> {
    let mut levels = BTreeMap::new();
    let mut put = |factor: String, level: &str| _ = levels.insert(factor, level.to_owned());
    for (axis, value) in &combination.axes {
        put(axis.to_string(), value.text());
        if let AxisValue::Unit { device, firmware, .. } = value {
            put(format!("{axis} device"), device);
            put(format!("{axis} firmware"), &format!("{device} {firmware}"));
        }
    }
    if let Some(condition) = &combination.condition {
        put("condition".to_owned(), condition);
    }
    for member in combination.resources.iter().chain(&*combination.relies_on) {
        if ["microphone ", "dongle ", "relay "].iter().any(|kind| member.starts_with(kind)) {
            put(member.to_string(), NEEDED);
        }
    }
    levels
}

/// A cause in words. Where trials were set aside its figures are not those of the whole run, and it says so.
fn sentence(scenario: &str, cause: &Cause, set_aside: bool) -> String {
    let named = |(factor, level): &(String, String)| {
        if level == NEEDED { factor.clone() } else { format!("{factor} {level}") }
    };
    let levels: Vec<String> = cause.levels.iter().map(named).collect();
    let apart = if levels.len() > 1 { " (which cannot be told apart here)" } else { "" };
    let rest = if set_aside { ", of the trials that no line above explains" } else { "" };
    format!(
        "failures of `{scenario}` follow {}{apart}: {} of {} trials, {} of {} without{rest} (adjusted p = {:.1e})",
        levels.join(", "),
        cause.with.0,
        cause.with.1,
        cause.without.0,
        cause.without.1,
        cause.p
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rigtone_model::verdict::{ExpectationVerdict, Verdict};

    fn expectation(index: usize, n: u32, held: u32, ambiguous: u32) -> ExpectationVerdict {
        serde_json::from_value(serde_json::json!({
            "index": index, "expected": "", "gating": true, "verdict": Verdict::Pass, "seen": "", "n": n, "held": held, "ambiguous": ambiguous,
            "estimate": null, "unit": "", "interval": null, "needed": null, "classes": {},
        }))
        .expect("a verdict")
    }

    fn combination(expectations: Vec<ExpectationVerdict>) -> CombinationVerdict {
        CombinationVerdict {
            id: "s/a=b#0".into(),
            scenario: "s".to_owned(),
            verdict: Verdict::Pass,
            trials: 5,
            lost: 0,
            expectations,
            classes: BTreeMap::new(),
            faults: Vec::new(),
            evidence: Vec::new(),
            took_ns: 0,
            quarantined: None,
        }
    }

    /// A latency that nobody could tell says nothing of a speaker that was heard each time.
    #[test]
    fn the_order_of_expectations_does_not_matter() {
        let (heard, untold) = (|n| expectation(n, 5, 5, 0), |n| expectation(n, 5, 0, 5));
        for expectations in [vec![heard(0), untold(1)], vec![untold(0), heard(1)]] {
            let cell = counts(&combination(expectations)).expect("a gating one");
            assert_eq!((cell.failed, cell.trials), (0, 5));
        }
    }
}
