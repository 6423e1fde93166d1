//! The steps of a scenario, in their places.

use indexmap::IndexMap;

use crate::document::{Scenario, Step};

/// A step and where it stands.
pub(super) struct Placed<'a> {
    pub(super) step: &'a Step,
    /// Such as `["trial", "2", "meanwhile", "0"]`.
    pub(super) path: Vec<String>,
    /// The conditions under which it is done: its own and those of the step it stands beside.
    pub(super) when: Vec<&'a [String]>,
}

impl Placed<'_> {
    /// `setup`, `trial` or `cleanup`.
    pub(super) fn section(&self) -> &str {
        &self.path[0]
    }

    pub(super) fn applies(&self, condition: Option<&str>) -> bool {
        self.when.iter().all(|when| when.is_empty() || condition.is_some_and(|c| when.iter().any(|w| w == c)))
    }

    /// The path of a part of the step.
    pub(super) fn at<'p>(&'p self, rest: impl IntoIterator<Item = &'p str>) -> Vec<&'p str> {
        self.path.iter().map(String::as_str).chain(rest).collect()
    }
}

/// All steps, also those beside others.
pub(super) fn placed(scenario: &Scenario) -> Vec<Placed<'_>> {
    let mut all = Vec::new();
    for (section, steps) in [("setup", &scenario.setup), ("trial", &scenario.trial), ("cleanup", &scenario.cleanup)] {
        place(steps, &[section.to_owned()], &[], &mut all);
    }
    all
}

fn place<'a>(steps: &'a [Step], above: &[String], when: &[&'a [String]], all: &mut Vec<Placed<'a>>) {
    for (n, step) in steps.iter().enumerate() {
        let path: Vec<String> = above.iter().cloned().chain([n.to_string()]).collect();
        let when: Vec<&[String]> = when.iter().copied().chain([step.when.as_slice()]).collect();
        let beside: Vec<String> = path.iter().cloned().chain(["meanwhile".to_owned()]).collect();
        all.push(Placed { step, path, when: when.clone() });
        place(&step.meanwhile, &beside, &when, all);
    }
}

/// The conditions of a scenario; one nameless one when it has none.
pub(super) fn conditions(conditions: &IndexMap<String, IndexMap<String, String>>) -> Vec<Option<&str>> {
    if conditions.is_empty() { vec![None] } else { conditions.keys().map(|name| Some(name.as_str())).collect() }
}
