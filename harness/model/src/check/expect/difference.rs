//! Expectations about two sides.

use super::{Checker, sounds, sounds_with_a_source};
use crate::{
    check::dangling,
    diagnostic::Code,
    document::{Action, Axis, Comparable, Difference, Expect, Expectation},
    observation::Quantity,
};

impl<'a> Checker<'a> {
    pub(super) fn difference(&mut self, difference: &'a Difference, expect: &Expect) {
        let [first, second] = difference.between.as_slice() else { return };
        if !expect.when.is_empty() {
            let fault = self.entry.diagnostic(
                Code::WrongReference,
                &self.beside(&["when"]),
                "a difference is between two values and cannot hold under one",
            );
            self.faults.push(fault.suggest("delete `when`"));
        }
        let compared: Vec<Option<&str>> =
            if self.conditions_compared(first, second) { vec![Some(first), Some(second)] } else { self.all.to_vec() };
        let expectation = Expectation::Difference(difference);
        let (needs_step, does, fits): (bool, &str, fn(Action<'_>) -> bool) = match difference.of {
            Comparable::SuccessRate | Comparable::Duration => (false, "", |_| true),
            Comparable::Dropouts => (false, "plays or listens", sounds),
            Comparable::Presence => (true, "plays or listens", sounds),
            Comparable::Latency => (true, "plays", sounds_with_a_source),
            Comparable::Response => (true, "plays", |a| matches!(a, Action::Play(_))),
        };
        if needs_step && difference.step.is_none() {
            self.incomplete("the step is not named", "add `in` and the name of a step");
        }
        self.step(expectation, &compared, does, fits);
        let quantity = match difference.of {
            Comparable::Dropouts => Some(Quantity::Dropouts),
            Comparable::Response => Some(Quantity::Response),
            Comparable::SuccessRate | Comparable::Presence | Comparable::Latency | Comparable::Duration => None,
        };
        if let (Some(step), Some(quantity)) = (&difference.step, quantity) {
            self.carried(step, "of", quantity);
        }
        match (difference.of, difference.at) {
            (Comparable::Response, None) => {
                self.incomplete("the frequency is not given", "add `at`, such as `at: 60 Hz`");
            }
            (Comparable::Response, Some(_)) | (_, None) => {}
            (_, Some(_)) => self.fault(Code::WrongReference, "at", "only a response has a frequency", "delete `at`"),
        }
        for (key, text) in [("at-least", &difference.at_least), ("at-most", &difference.at_most)] {
            if let Some(text) = text {
                self.limit(key, text, &|text| difference.of.limit(text), difference.of.unit().1);
            }
        }
        match difference.limits() {
            (Some(low), Some(high)) if high < low => self.crossed("the upper limit lies below the lower one".into()),
            _ if difference.at_least.is_none() && difference.at_most.is_none() => {
                self.incomplete("no limit is given", "add `at-least`, `at-most` or both");
            }
            _ => {}
        }
    }

    /// Whether a difference is one between conditions; explains when it is between nothing.
    fn conditions_compared(&mut self, first: &str, second: &str) -> bool {
        if first == second {
            self.fault(
                Code::WrongReference,
                "between",
                format!("`{first}` cannot differ from itself"),
                "name two values",
            );
            return false;
        }
        let scenario = &self.entry.value;
        let conditions = [first, second].map(|name| scenario.conditions.contains_key(name));
        let axes: Vec<&str> = (scenario.matrix.iter())
            .filter(|(_, axis)| matches!(axis, Axis::Values(v) if v.iter().any(|v| v == first) && v.iter().any(|v| v == second)))
            .map(|(name, _)| name.as_str())
            .collect();
        match (conditions, axes.as_slice()) {
            ([true, true], []) => return true,
            ([true, true], _) | (_, [_, _, ..]) => {
                let message = format!("`{first}` and `{second}` stand on several axes or conditions");
                self.fault(Code::WrongReference, "between", message, "give the conditions other names");
            }
            (_, [_]) => {}
            ([known, _], []) => {
                let (missing, n) = if known { (second, "1") } else { (first, "0") };
                let mut names: Vec<&str> = scenario.conditions.keys().map(String::as_str).collect();
                for axis in scenario.matrix.values() {
                    if let Axis::Values(values) = axis {
                        names.extend(values.iter().map(String::as_str));
                    }
                }
                let path = self.beside(&[self.kind, "between", n]);
                let fault = dangling(self.entry, &path, "condition and no value of an axis", missing, &names);
                self.faults.push(fault);
            }
        }
        false
    }
}
