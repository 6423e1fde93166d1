//! Scenarios that nobody could run: told before anything multiplies their parts.

use super::steps;
use crate::{
    diagnostic::{Code, Diagnostic},
    document::{Axis, Scenario},
    load::{Entry, Node, Value, budget},
    quantity::Duration,
};

/// The fault of a scenario with too many parts.
pub(super) fn fault(entry: &Entry<Scenario>) -> Option<Diagnostic> {
    let scenario = &entry.value;
    let parts = [
        ("trial", "steps", steps::placed(scenario).len(), budget::STEPS),
        ("matrix", "axes", scenario.matrix.len(), budget::AXES),
        ("conditions", "conditions", scenario.conditions.len(), budget::CONDITIONS),
        ("expect", "expectations", scenario.expect.len(), budget::EXPECTATIONS),
    ];
    for (key, what, count, most) in parts {
        if count > most {
            let message = format!("the scenario has {count} {what}, and {most} are the most");
            return Some(oversized(entry, key, message));
        }
    }
    let values = scenario.matrix.values().filter_map(|axis| match axis {
        Axis::Values(values) => Some(values.len()),
        Axis::Units(_) | Axis::Microphone(_) => None,
    });
    let points = values.chain([scenario.conditions.len().max(1)]).fold(1_usize, usize::saturating_mul);
    if points > budget::POINTS {
        let most = budget::POINTS;
        let message = format!(
            "values and conditions make {points} combinations for each choice of units, and {most} are the most"
        );
        return Some(oversized(entry, "matrix", message));
    }
    too_long(entry)
}

/// The fault of a scenario whose times leave every lab behind, and added up in the end every clock.
fn too_long(entry: &Entry<Scenario>) -> Option<Diagnostic> {
    let root = &entry.tree.root;
    let part = |key: &str| root.entry(key).map(|field| &field.node);
    let given = ["matrix", "conditions"].into_iter().filter_map(part).map(longest).fold(0.0, f64::max);
    let trial: f64 = ["setup", "trial", "cleanup"].into_iter().filter_map(part).map(|steps| hours(steps, given)).sum();
    let all = trial * f64::from(entry.value.repeat.at_most);
    let (key, message) = if trial > budget::TRIAL_H {
        ("trial", format!("a trial may take {trial:.0} h, and {} h are the most", budget::TRIAL_H))
    } else if all > budget::COMBINATION_H {
        let most = budget::COMBINATION_H;
        ("repeat", format!("all trials of one combination may take {all:.0} h, and {most} h are the most"))
    } else {
        return None;
    };
    Some(entry.diagnostic(Code::Oversized, &[key], message).suggest("write shorter times, or fewer trials"))
}

fn written(text: &str) -> Option<f64> {
    text.parse::<Duration>().ok().map(|duration| duration.seconds() / 3600.0)
}

/// The longest time that stands in a part of a document, in hours.
fn longest(node: &Node) -> f64 {
    match &node.value {
        Value::Text(text) => written(text).unwrap_or(0.0),
        Value::List(items) => items.iter().map(longest).fold(0.0, f64::max),
        Value::Map(fields) => fields.iter().map(|field| longest(&field.node)).fold(0.0, f64::max),
        Value::Null | Value::Bool(_) | Value::Number(..) => 0.0,
    }
}

/// All times of a part together, those that are repeated as often as they are, in hours. `given`: what a `$name` may be.
fn hours(node: &Node, given: f64) -> f64 {
    match &node.value {
        Value::Text(text) if text.starts_with('$') => given,
        Value::Text(text) => written(text).unwrap_or(0.0),
        Value::List(items) => items.iter().map(|item| hours(item, given)).sum(),
        Value::Map(fields) => {
            let times = node.entry("times").and_then(|times| match &times.node.value {
                Value::Number(number, _) => number.as_f64(),
                _ => None,
            });
            times.unwrap_or(1.0) * fields.iter().map(|field| hours(&field.node, given)).sum::<f64>()
        }
        Value::Null | Value::Bool(_) | Value::Number(..) => 0.0,
    }
}

fn oversized(entry: &Entry<Scenario>, key: &str, message: String) -> Diagnostic {
    entry.diagnostic(Code::Oversized, &[key], message).suggest("split it into several scenarios")
}
