//! A look at a log and at the evidence that it names: what can be read, and what is not there.

use std::{collections::BTreeMap, path::Path};

use rigtone_model::{
    event::{At, Body},
    id::CombinationId,
};
use rigtone_record::read_events;
use rigtone_report::figure::count;

/// Faults of a log that are told; the others are counted.
const TOLD: usize = 3;

/// What a log holds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The id of the run.
    pub(super) run: String,
    pub(super) rig: Option<String>,
    /// When it began, in seconds since 1970.
    pub(super) started_unix_s: Option<i64>,
    read: bool,
    ended: bool,
    events: u64,
    faults: Vec<String>,
    more_faults: u64,
    /// Events of kinds that a newer version wrote.
    unknown: u64,
    named: u64,
    /// Evidence that is not there, by attempt.
    gone: BTreeMap<(CombinationId, u32, u32), Vec<String>>,
}

impl Scan {
    /// Goes through the log of a run.
    pub(super) fn of(run: &Path) -> Self {
        let mut scan = Self { read: true, ..Self::default() };
        match read_events(run) {
            Err(error) => scan.fault(error.to_string()),
            Ok(mut events) => {
                for event in events.by_ref() {
                    match event {
                        Ok(event) => scan.take(run, event.at, event.body),
                        Err(error) => scan.fault(error.to_string()),
                    }
                }
                scan.run = events.run().unwrap_or_default().to_owned();
            }
        }
        scan
    }

    /// Whether a log was looked for at all.
    pub(super) fn was_read(&self) -> bool {
        self.read
    }

    fn fault(&mut self, fault: String) {
        if self.faults.len() < TOLD {
            self.faults.push(fault);
        } else {
            self.more_faults += 1;
        }
    }

    fn take(&mut self, run: &Path, at: Option<At>, body: Body) {
        self.events += 1;
        let key = at.map(|at| (at.combination, at.trial, at.attempt));
        match (body, key) {
            (Body::RunStarted { rig, unix_s, .. }, _) => {
                self.rig.get_or_insert(rig);
                self.started_unix_s.get_or_insert(unix_s);
            }
            (Body::RunFinished { .. }, _) => self.ended = true,
            (Body::RunResumed { .. }, _) => self.ended = false,
            (Body::Unknown { .. }, _) => self.unknown += 1,
            (Body::Evidence { file, .. }, Some(key)) => {
                self.named += 1;
                // Most of it is there: only the rest takes memory.
                if !run.join(&file).exists() {
                    self.gone.entry(key).or_default().push(file);
                }
            }
            (Body::EvidenceRemoved { file, .. }, Some(key)) => {
                if let Some(gone) = self.gone.get_mut(&key) {
                    gone.retain(|known| *known != file);
                }
            }
            // Its evidence was put aside.
            (Body::TrialDiscarded { .. }, Some(key)) => drop(self.gone.remove(&key)),
            _ => {}
        }
    }

    /// What is not there, as sentences. `end`: whether it matters that the log does not come to its end.
    pub(super) fn missing(&self, end: bool) -> Vec<String> {
        if !self.read {
            return Vec::new();
        }
        let mut missing = self.faults.clone();
        if self.more_faults > 0 {
            missing.push(format!("{} of the log", count(self.more_faults as usize, "more fault")));
        }
        if end && !self.ended && self.events > 0 {
            missing.push("the log ends before its run does: what came after is not known".to_owned());
        }
        if self.unknown > 0 {
            let events = count(self.unknown as usize, "event");
            missing.push(format!("{events} of kinds that this version does not know: not shown"));
        }
        let gone: u64 = self.gone.values().map(|files| files.len() as u64).sum();
        if let Some(first) = self.gone.values().flatten().next() {
            let named = self.named;
            missing.push(format!("{gone} of {named} evidence files of the log are not there, such as {first}"));
        }
        missing
    }
}
