//! Quarantines.

use super::unknown;
use crate::{
    diagnostic::{Code, Diagnostic},
    document::{Quarantine, day_number},
    load::{Entry, Library},
    plan::SelectError,
};

pub(super) fn check(entry: &Entry<Quarantine>, library: &Library, faults: &mut Vec<Diagnostic>) {
    let scenarios = || library.scenarios.values().map(|scenario| &scenario.value);
    for (n, quarantined) in entry.value.entries.iter().enumerate() {
        let n = n.to_string();
        // Without scenarios nobody knows their axes.
        let axes_are_known = !library.scenarios.is_empty() && !library.has_faulty();
        for (m, selector) in quarantined.select.iter().enumerate().filter(|_| axes_are_known) {
            if let Err(SelectError::Key { key, known, .. }) = selector.fits(scenarios()) {
                let known: Vec<&str> = known.split(", ").collect();
                let path = ["entries", &n, "select", &m.to_string()];
                faults.push(unknown(entry, Code::DanglingReference, &path, "selector key", &key, &known));
            }
        }
        if day_number(&quarantined.expires).is_none() {
            let message = format!("there is no day `{}`", quarantined.expires);
            let fault = entry.diagnostic(Code::UnfitValue, &["entries", &n, "expires"], message);
            faults.push(fault.suggest("write a day such as `2027-01-31`"));
        }
    }
}

/// Entries that have come to their end: whoever looks after them mends the device, or says anew until when.
pub fn expired(entry: &Entry<Quarantine>, today: &str) -> Vec<Diagnostic> {
    let over = entry.value.entries.iter().enumerate().filter(|(_, quarantined)| quarantined.is_over(today));
    over.map(|(n, quarantined)| {
        let message = format!(
            "the quarantine of {} ended on {}: {}",
            quarantined.selected(),
            quarantined.expires,
            quarantined.reason
        );
        let fault = entry.diagnostic(Code::Expired, &["entries", &n.to_string(), "expires"], message);
        let owner = &quarantined.owner;
        fault.suggest(format!("{owner} looks after it: mend the device and delete the entry, or renew the day"))
    })
    .collect()
}
