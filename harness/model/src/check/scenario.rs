//! Scenarios: axes, conditions, steps.

use std::collections::{BTreeMap, HashSet};

use indexmap::IndexMap;

use super::{
    Vocabulary, configuration, dangling, expect,
    known::Known,
    references::{self, AxisName, Due, Parameter},
    steps::{self, Placed},
    unknown,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    document::{Action, Axis, Codec, Scenario, UnitChoice},
    load::{Entry, Library, Value, budget},
};

pub(super) fn check(
    entry: &Entry<Scenario>,
    library: &Library,
    known: &Known<'_>,
    vocabulary: &Vocabulary<'_>,
    faults: &mut Vec<Diagnostic>,
) {
    let steps = steps::placed(&entry.value);
    let before = faults.len();
    let mut checker = Checker { entry, library, known, steps: &steps, used: HashSet::new(), faults };
    checker.covers();
    checker.axes();
    checker.steps(vocabulary);
    if entry.value.repeat.at_most < entry.value.repeat.at_least {
        let message =
            format!("at most {} trials, at least {}", entry.value.repeat.at_most, entry.value.repeat.at_least);
        let fault = entry.diagnostic(Code::LimitsCrossed, &["repeat", "at-most"], message);
        checker.faults.push(fault.suggest("write an `at-most` that is not smaller than `at-least`"));
    }
    // Beside a misspelt name, the name that was meant is no news.
    if !checker.faults[before..].iter().any(Diagnostic::is_error) {
        checker.unused();
    }
    expect::check(entry, &steps, vocabulary, faults);
}

struct Checker<'a, 'f> {
    entry: &'a Entry<Scenario>,
    library: &'a Library,
    known: &'a Known<'a>,
    steps: &'a [Placed<'a>],
    /// Axes and parameters that something refers to.
    used: HashSet<&'a str>,
    faults: &'f mut Vec<Diagnostic>,
}

impl<'a> Checker<'a, '_> {
    fn matrix(&self) -> &'a IndexMap<String, Axis> {
        &self.entry.value.matrix
    }

    fn fault(&mut self, code: Code, path: &[&str], message: String, suggestion: &str) {
        self.faults.push(self.entry.diagnostic(code, path, message).suggest(suggestion));
    }

    fn covers(&mut self) {
        for (n, claim) in self.entry.value.covers.iter().enumerate() {
            if !crate::claim::IDS.contains(&claim.as_str()) {
                let path = ["covers", &n.to_string()];
                self.faults.push(unknown(self.entry, Code::UnknownClaim, &path, "claim", claim, crate::claim::IDS));
            }
        }
    }

    fn axes(&mut self) {
        for (name, axis) in self.matrix() {
            match axis {
                Axis::Values(values) => self.values(name, values),
                Axis::Units(choice) => self.units(name, choice),
                Axis::Microphone(choice) => {
                    let path = ["matrix", name, "microphone", "near"];
                    self.axis(&path, &choice.near, Due::Unit);
                }
            }
        }
    }

    fn values(&mut self, name: &str, values: &[String]) {
        let items = self.entry.tree.find(["matrix", name]).node.items();
        let mut seen = HashSet::new();
        for (n, item) in items.iter().enumerate() {
            let at = n.to_string();
            let path = ["matrix", name, &at];
            // `1.10` is the number 1.1: what the author wrote would silently be something else.
            if let Value::Number(_, text) = &item.value
                && values.get(n) != Some(text)
            {
                let message = format!("`{text}` is read as the number {}", values.get(n).map_or("", String::as_str));
                self.fault(Code::UnfitValue, &path, message, &format!("quote it: `\"{text}\"`"));
            } else if values.get(n).is_some_and(|value| value.contains(['\n', '\t'])) {
                // Values are parts of names: of combinations, in tables and lists.
                self.fault(Code::UnfitValue, &path, "a value of an axis is one line".into(), "write it in one line");
            } else if let Some(value) = values.get(n)
                && !seen.insert(value.as_str())
            {
                let message = format!("`{value}` stands here again");
                self.fault(Code::RepeatedValue, &path, message, "keep one of them");
            }
        }
        if name == "codec" {
            self.fitting(&["matrix", name], values, "codec", |text| text.parse::<Codec>().is_ok());
        }
    }

    fn units(&mut self, name: &str, choice: &UnitChoice) {
        let (library, known) = (self.library, self.known);
        let mut all_known = |key, what, code, names: &[String], known: &[&str]| {
            for (n, wanted) in names.iter().enumerate() {
                // What a faulty document has is not known.
                let left_out = if key == "devices" { library.is_faulty(wanted) } else { library.has_faulty() };
                if !left_out && known.binary_search(&wanted.as_str()).is_err() {
                    let path = ["matrix", name, key, &n.to_string()];
                    self.faults.push(unknown(self.entry, code, &path, what, wanted, known));
                }
            }
        };
        all_known("devices", "device", Code::DanglingReference, &choice.devices, &known.devices);
        all_known("firmware", "firmware", Code::DanglingReference, &choice.firmware, &known.firmware);
        all_known("tags", "tag", Code::UnknownTag, &choice.tags, &known.tags);
        // A lab's rig may be elsewhere: units are known only if a rig is.
        if !self.library.rigs.is_empty() {
            all_known("units", "unit", Code::DanglingReference, &choice.units, &known.units);
        }
        for (n, other) in choice.differs_from.iter().enumerate() {
            let n = n.to_string();
            let path = ["matrix", name, "differs-from", &n];
            if other == name {
                self.fault(
                    Code::WrongReference,
                    &path,
                    "the axis cannot differ from itself".into(),
                    "name another axis",
                );
            } else {
                self.axis(&path, other, Due::Unit);
            }
        }
    }

    /// A reference to an axis.
    fn axis(&mut self, path: &[&str], name: &str, due: Due) {
        let found = match self.matrix().get(name) {
            Some(Axis::Units(_)) => Some(Due::Unit),
            Some(Axis::Microphone(_)) => Some(Due::Microphone),
            Some(Axis::Values(_)) => None,
            None => {
                let known: Vec<&str> = self.matrix().keys().map(String::as_str).collect();
                let mut fault = dangling(self.entry, path, "axis", name, &known);
                if !self.entry.tree.find(path).whole {
                    let key = path.last().copied().unwrap_or_default();
                    fault.message = format!("there is no axis `{name}`, which `{key}` means when it is left out");
                }
                self.faults.push(fault);
                return;
            }
        };
        if found != Some(due) {
            let (is, needs) = match (found, due) {
                (Some(Due::Unit), _) => ("units", "microphones"),
                (Some(Due::Microphone), _) => ("microphones", "units"),
                (None, Due::Unit) => ("values", "units"),
                (None, Due::Microphone) => ("values", "microphones"),
            };
            self.fault(
                Code::WrongReference,
                path,
                format!("`{name}` is an axis of {is}, due is one of {needs}"),
                &format!("name an axis of {needs}"),
            );
        }
    }

    fn steps(&mut self, vocabulary: &Vocabulary<'_>) {
        let steps = self.steps;
        let all = self.all_conditions();
        for placed in steps {
            for (n, condition) in placed.step.when.iter().enumerate() {
                self.condition(&placed.at(["when", &n.to_string()]), condition);
            }
            let action = placed.step.action();
            for AxisName { at, due, name } in references::axes(action) {
                let path = placed.at(std::iter::once(action.name()).chain(at.iter().map(String::as_str)));
                self.axis(&path, name, due);
                self.used.insert(name);
            }
            for parameter in references::parameters(action) {
                self.parameter(placed, action, &parameter, &all);
            }
            if let Action::Connect(connect) = action
                && connect.codec.is_none()
            {
                self.used.insert("codec");
            }
            if let Action::Connect(connect) = action {
                configuration::check(self.entry, placed, connect, vocabulary, self.faults);
            }
            if let Some(signal) = references::stimulus(action)
                && vocabulary.stimulus(signal).is_none()
            {
                let path = placed.at([action.name(), "signal"]);
                let fault = unknown(self.entry, Code::UnknownStimulus, &path, "stimulus", signal, &vocabulary.names());
                self.faults.push(fault);
            }
            self.gesture_or_setting(placed, action);
        }
        self.labels();
    }

    /// Gestures and settings that no device has.
    fn gesture_or_setting(&mut self, placed: &Placed<'_>, action: Action<'_>) {
        let (key, what, name, known) = match action {
            Action::Gesture(a) => ("name", "gesture", a.name.as_str(), &self.known.gestures),
            Action::Set(a) => ("option", "setting", a.option.as_str(), &self.known.settings),
            _ => return,
        };
        if !self.library.has_faulty() && known.binary_search(&name).is_err() {
            let path = placed.at([action.name(), key]);
            self.faults.push(dangling(self.entry, &path, what, name, known));
        }
    }

    /// Two steps with one name that go on at once: nobody could tell which of them something belongs to.
    fn names_at_once(&mut self) {
        let all = self.all_conditions();
        for later in self.steps {
            let clash = self.steps.iter().find(|main| {
                later.path.len() > main.path.len()
                    && later.path.starts_with(&main.path)
                    && later.step.name() == main.step.name()
                    && all.iter().any(|c| main.applies(*c) && later.applies(*c))
            });
            if let Some(main) = clash {
                let name = later.step.name();
                let message = format!("the step `{name}` is done beside another one of that name");
                let fault =
                    self.entry.diagnostic(Code::DuplicateLabel, &later.at([later.step.action().name()]), message);
                let first = self.entry.key_position(&main.at([main.step.action().name()]));
                self.faults.push(fault.label(&self.entry.path, first, "it stands here").suggest("give it a `label`"));
            }
        }
    }

    /// Two steps with one label, done under the same condition.
    fn labels(&mut self) {
        self.names_at_once();
        let all = self.all_conditions();
        for (n, later) in self.steps.iter().enumerate() {
            let Some(label) = &later.step.label else { continue };
            let clash = self.steps[..n].iter().find(|earlier| {
                earlier.section() == later.section()
                    && earlier.step.label.as_ref() == Some(label)
                    && all.iter().any(|c| earlier.applies(*c) && later.applies(*c))
            });
            if let Some(earlier) = clash {
                let fault = self.entry.diagnostic(
                    Code::DuplicateLabel,
                    &later.at(["label"]),
                    format!("the label `{label}` stands here again"),
                );
                let first = self.entry.position(&earlier.at(["label"]));
                self.faults
                    .push(fault.label(&self.entry.path, first, "it stands here first").suggest("change one of them"));
            }
        }
    }

    fn parameter(&mut self, placed: &Placed<'_>, action: Action<'_>, parameter: &Parameter<'a>, all: &[Option<&str>]) {
        let name = parameter.name;
        self.used.insert(name);
        let path = placed.at(std::iter::once(action.name()).chain(parameter.at.iter().copied()));
        let scenario = &self.entry.value;
        let given: Vec<&str> =
            scenario.conditions.iter().filter(|(_, given)| given.contains_key(name)).map(|(c, _)| c.as_str()).collect();
        match (scenario.matrix.get(name), given.is_empty()) {
            (Some(_), false) => {
                let message = format!("`{name}` is an axis and a parameter of conditions");
                self.fault(Code::WrongReference, &path, message, "give one of them another name");
            }
            (Some(Axis::Values(values)), true) => {
                self.fitting(&["matrix", name], values, parameter.key(), parameter.fits);
            }
            (Some(_), true) => {
                let message = format!("`{name}` is an axis of units or microphones, due is one of values");
                self.fault(Code::WrongReference, &path, message, "name an axis with a list of values");
            }
            (None, true) => {
                let mut known: Vec<&str> =
                    scenario.conditions.values().flat_map(|c| c.keys()).map(String::as_str).collect();
                known.extend(
                    scenario.matrix.iter().filter(|(_, a)| matches!(a, Axis::Values(_))).map(|(n, _)| n.as_str()),
                );
                known.sort_unstable();
                known.dedup();
                let fault = dangling(self.entry, &path, "axis or parameter of conditions", name, &known);
                self.faults.push(fault);
            }
            (None, false) => {
                for condition in all.iter().flatten().filter(|c| placed.applies(Some(c))) {
                    match scenario.conditions.get(*condition).and_then(|c| c.get(name)) {
                        None => {
                            let message = format!("the condition `{condition}` does not say what `{name}` is");
                            let fault =
                                self.entry.diagnostic(Code::DanglingReference, &["conditions", condition], message);
                            self.faults.push(fault.suggest(format!("add `{name}` to it")));
                        }
                        Some(value) if !(parameter.fits)(value) => {
                            self.unfit(&["conditions", condition, name], value, parameter.key());
                        }
                        Some(_) => {}
                    }
                }
            }
        }
    }

    /// All values of an axis stand where `key` wants them.
    fn fitting(&mut self, axis: &[&str], values: &[String], key: &str, fits: impl Fn(&str) -> bool) {
        for (n, value) in values.iter().enumerate() {
            // As many as are shown, and one to tell that there are more.
            if self.faults.len() > budget::FAULTS {
                return;
            }
            if !fits(value) {
                let n = n.to_string();
                let path: Vec<&str> = axis.iter().copied().chain([n.as_str()]).collect();
                self.unfit(&path, value, key);
            }
        }
    }

    fn unfit(&mut self, path: &[&str], value: &str, key: &str) {
        let fault = self.entry.diagnostic(
            Code::UnfitValue,
            path,
            format!("`{value}` does not fit where it is used, as `{key}`"),
        );
        // Two steps may use the same value.
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    fn all_conditions(&self) -> Vec<Option<&'a str>> {
        steps::conditions(&self.entry.value.conditions)
    }

    fn condition(&mut self, path: &[&str], name: &str) {
        let known: Vec<&str> = self.entry.value.conditions.keys().map(String::as_str).collect();
        if !known.contains(&name) {
            self.faults.push(dangling(self.entry, path, "condition", name, &known));
        }
    }

    /// Conditions that do the same, and parameters that nothing uses.
    fn conditions(&mut self) {
        let mut done = BTreeMap::new();
        for (name, given) in &self.entry.value.conditions {
            let switched: Vec<bool> = self.steps.iter().map(|placed| placed.applies(Some(name))).collect();
            let mut parameters: Vec<(&str, &str)> = given.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            parameters.sort_unstable();
            for parameter in given.keys().filter(|parameter| !self.used.contains(parameter.as_str())) {
                let path = ["conditions", name, parameter];
                let fault = self.entry.diagnostic(Code::UnusedCondition, &path, format!("nothing uses `{parameter}`"));
                self.faults.push(fault.suggest(format!("write `${parameter}` in a step, or delete it")));
            }
            if let Some(first) = done.insert((switched, parameters), name) {
                let message = format!("the condition `{name}` does the same as `{first}`");
                let fault = self.entry.diagnostic(Code::UnusedCondition, &["conditions", name], message);
                self.faults.push(fault.suggest("name it in `when` of a step, or give it a parameter that a step uses"));
            }
        }
    }

    fn unused(&mut self) {
        self.conditions();
        for (name, axis) in self.matrix() {
            let near = |other: &Axis| matches!(other, Axis::Microphone(choice) if choice.near == *name);
            let differs = |other: &Axis| matches!(other, Axis::Units(choice) if choice.differs_from.contains(name));
            let of_role = |e: &crate::document::Expect| {
                e.expectation().leaves().any(|e| matches!(e, crate::document::Expectation::Role(r) if r.of == *name))
            };
            let used = self.used.contains(name.as_str())
                || (matches!(axis, Axis::Units(_))
                    && self.matrix().values().any(|other| near(other) || differs(other)))
                || self.entry.value.expect.iter().any(of_role);
            if !used {
                let message = format!("no step uses the axis `{name}`");
                let advice = "delete it: it multiplies the combinations without changing them";
                self.fault(Code::UnusedAxis, &["matrix", name], message, advice);
            }
        }
    }
}
