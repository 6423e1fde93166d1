//! Faults that are planted in a simulated rig.

use std::collections::BTreeSet;

use super::dangling;
use crate::{
    diagnostic::{Code, Diagnostic, nearest},
    document::{Fault, Moment, Rig, Step, Trouble, World},
    load::{Entry, Library},
};

pub(super) fn check(entry: &Entry<Rig>, library: &Library, faults: &mut Vec<Diagnostic>) {
    let rig = &entry.value;
    if rig.world == World::Hardware && !rig.faults.is_empty() {
        let message = "faults are planted in simulated rigs alone";
        let fault = entry.diagnostic(Code::WrongWorld, &["faults"], message);
        faults.push(fault.suggest("delete it, or write `world: simulated`"));
        return;
    }
    let mut checker = Checker { entry, library, faults };
    for (n, fault) in rig.faults.iter().enumerate() {
        let at = n.to_string();
        checker.member(&at, fault.trouble());
        checker.time(&at, fault);
        if let Some(moment) = &fault.moment {
            checker.moment(&at, moment);
        }
    }
}

struct Checker<'a> {
    entry: &'a Entry<Rig>,
    library: &'a Library,
    faults: &'a mut Vec<Diagnostic>,
}

impl Checker<'_> {
    fn member(&mut self, at: &str, trouble: Trouble<'_>) {
        let kind = trouble.name();
        match trouble {
            Trouble::RelaySticks(f) | Trouble::RelayAnswersGarbage(f) | Trouble::RelayAnswersNothing(f) => {
                self.relay(at, kind, &f.relay, f.channel);
            }
            Trouble::RelayAnswersLate(f) => self.relay(at, kind, &f.relay, f.channel),
            Trouble::DongleGone(f) => {
                let known: Vec<&str> = self.entry.value.dongles.keys().map(String::as_str).collect();
                self.known(&["faults", at, kind, "dongle"], "dongle", &f.dongle, &known);
            }
            Trouble::MicrophoneDead(f) | Trouble::MicrophoneClips(f) | Trouble::MicrophoneLosesSamples(f) => {
                self.microphone(at, kind, &f.microphone);
            }
            Trouble::MicrophoneNoisy(f) => self.microphone(at, kind, &f.microphone),
            Trouble::DaemonRestarts | Trouble::DiskFull | Trouble::ClockJumps(_) => {}
        }
    }

    fn known(&mut self, path: &[&str], what: &str, name: &str, known: &[&str]) {
        if !known.contains(&name) {
            self.faults.push(dangling(self.entry, path, what, name, known));
        }
    }

    fn microphone(&mut self, at: &str, kind: &str, name: &str) {
        let known: Vec<&str> = self.entry.value.microphones.keys().map(String::as_str).collect();
        self.known(&["faults", at, kind, "microphone"], "microphone", name, &known);
    }

    fn relay(&mut self, at: &str, kind: &str, relay: &str, channel: Option<u8>) {
        let boards = &self.entry.value.relays;
        let Some(board) = boards.get(relay) else {
            let known: Vec<&str> = boards.keys().map(String::as_str).collect();
            return self.known(&["faults", at, kind, "relay"], "relay board", relay, &known);
        };
        if let Some(channel) = channel.filter(|c| *c > board.channels) {
            let message = format!("channel {channel} of a board with {}", board.channels);
            let fault = self.entry.diagnostic(Code::DanglingReference, &["faults", at, kind, "channel"], message);
            self.faults.push(fault.suggest(format!("write a channel from 1 to {}", board.channels)));
        }
    }

    fn time(&mut self, at: &str, fault: &Fault) {
        if fault.moment.is_some() && fault.from.is_some() {
            let message = "a fault begins at a time or with a step, not with both";
            let fault = self.entry.diagnostic(Code::NotExactlyOne, &["faults", at, "from"], message);
            self.faults.push(fault.suggest("keep `from` or `in`; `after` counts from the step"));
        }
        if fault.moment.is_none() && fault.after.is_some() {
            let message = "`after` counts from a step, and `in` names none";
            let fault = self.entry.diagnostic(Code::Incomplete, &["faults", at, "after"], message);
            self.faults.push(fault.suggest("add `in`, or write `from` for a time on the rig's clock"));
        }
    }

    fn moment(&mut self, at: &str, moment: &Moment) {
        let rig = &self.entry.value;
        if let Some(unit) = &moment.unit {
            let known: Vec<&str> = rig.units.keys().map(String::as_str).collect();
            self.known(&["faults", at, "in", "unit"], "unit", unit, &known);
        }
        let library = self.library;
        let meant: Vec<_> = library.scenarios.values().filter(|s| moment.names(&s.value.scenario)).collect();
        if let (Some(pattern), true) = (&moment.scenario, meant.is_empty()) {
            // Often only the scenarios of one run were loaded: what resembles none of them may be another one.
            let known: Vec<&str> = library.scenarios.values().map(|s| s.value.scenario.as_str()).collect();
            if nearest(pattern, known.iter().copied()).is_some() {
                self.faults.push(dangling(self.entry, &["faults", at, "in", "scenario"], "scenario", pattern, &known));
            }
        }
        let Some(step) = &moment.step else { return };
        let mut labels = BTreeSet::new();
        for scenario in &meant {
            let scenario = &scenario.value;
            for step in scenario.setup.iter().chain(&scenario.trial).chain(&scenario.cleanup) {
                with_meanwhile(step, &mut labels);
            }
        }
        // One scenario by its name is known whole; others may have the step that these have not.
        let whole = !meant.is_empty() && moment.scenario.as_deref().is_some_and(|s| !s.contains('*'));
        if !whole {
            labels.extend(Step::ACTIONS);
        }
        let known: Vec<&str> = labels.into_iter().collect();
        let doubtful = !known.contains(&step.as_str()) && (whole || nearest(step, known.iter().copied()).is_some());
        if doubtful {
            self.faults.push(dangling(self.entry, &["faults", at, "in", "step"], "step", step, &known));
        }
    }
}

fn with_meanwhile<'a>(step: &'a Step, labels: &mut BTreeSet<&'a str>) {
    labels.insert(step.name());
    for beside in &step.meanwhile {
        with_meanwhile(beside, labels);
    }
}
