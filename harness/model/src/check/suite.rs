//! Suites.

use super::{dangling, unknown};
use crate::{
    diagnostic::{Code, Diagnostic},
    document::{Axis, Placeholder, Suite},
    load::{Entry, Library},
    plan::SelectError,
};

pub(super) fn check(entry: &Entry<Suite>, library: &Library, faults: &mut Vec<Diagnostic>) {
    let suite = &entry.value;
    for (n, chosen) in suite.scenarios.iter().enumerate().filter(|(n, chosen)| suite.scenarios[..*n].contains(chosen)) {
        let message = format!("`{}` is named twice", chosen.path);
        let fault = entry.diagnostic(Code::RepeatedValue, &["scenarios", &n.to_string(), "path"], message);
        faults.push(fault.suggest("delete one of them"));
    }
    // Without scenarios nobody knows their axes.
    if library.scenarios.is_empty() || library.has_faulty() {
        return;
    }
    for (n, chosen) in suite.scenarios.iter().enumerate() {
        for (m, selector) in chosen.select.iter().enumerate() {
            let scenarios = library.scenarios.values().map(|scenario| &scenario.value);
            if let Err(SelectError::Key { key, known, .. }) = selector.fits(scenarios) {
                let known: Vec<&str> = known.split(", ").collect();
                let path = ["scenarios", &n.to_string(), "select", &m.to_string()];
                faults.push(unknown(entry, Code::DanglingReference, &path, "selector key", &key, &known));
            }
        }
    }
    for (n, placeholder) in suite.placeholders.iter().enumerate() {
        self::placeholder(entry, library, &n.to_string(), placeholder, faults);
    }
}

fn placeholder(
    entry: &Entry<Suite>,
    library: &Library,
    n: &str,
    placeholder: &Placeholder,
    faults: &mut Vec<Diagnostic>,
) {
    let Some(scenario) = library.scenarios.get(&placeholder.scenario) else {
        let names: Vec<&str> = library.scenarios.keys().map(String::as_str).collect();
        let path = ["placeholders", n, "scenario"];
        faults.push(dangling(entry, &path, "scenario", &placeholder.scenario, &names));
        return;
    };
    let devices: Vec<&str> = library.devices.keys().map(String::as_str).collect();
    for (axis, absent) in &placeholder.axes {
        let path = ["placeholders", n, "axes", axis];
        match scenario.value.matrix.get(axis) {
            Some(Axis::Units(_)) => {}
            Some(_) => {
                let message = format!("no unit stands on the axis `{axis}` of `{}`", placeholder.scenario);
                let fault = entry.diagnostic(Code::WrongReference, &path, message);
                faults.push(fault.suggest("name an axis whose values are units"));
            }
            None => {
                let axes: Vec<&str> = scenario.value.matrix.keys().map(String::as_str).collect();
                faults.push(dangling(entry, &path, "axis", axis, &axes));
            }
        }
        // Without devices nobody knows what could stand there.
        for (m, id) in absent.devices.iter().enumerate().filter(|_| !devices.is_empty()) {
            let Some(device) = library.devices.get(id) else {
                let path = ["placeholders", n, "axes", axis, "devices", &m.to_string()];
                faults.push(dangling(entry, &path, "device", id, &devices));
                continue;
            };
            let versions: Vec<&str> = device.value.firmware.keys().map(String::as_str).collect();
            for (k, version) in absent.firmware.iter().enumerate().filter(|(_, v)| !versions.contains(&v.as_str())) {
                let path = ["placeholders", n, "axes", axis, "firmware", &k.to_string()];
                faults.push(dangling(entry, &path, &format!("firmware of `{id}` named"), version, &versions));
            }
        }
    }
}
