//! A look at a log and at the evidence that it names: what can be read, and what is not there.

use std::{collections::BTreeMap, io, path::Path};

use rigtone_model::{
    event::{Body, Event},
    id::CombinationId,
    verdict::RunVerdicts,
};
use rigtone_record::{Amiss, ReadError, look_at_evidence, read_events, skim_events};
use rigtone_report::{
    figure::count,
    outline::{self, Mismatch, Outline},
};

/// Faults of a log that are told; the others are counted.
const TOLD: usize = 3;
/// The kinds that tell when a run began and on what, and which evidence it has.
const MORE_KINDS: [&str; 3] = ["run-started", "evidence", "evidence-removed"];

/// What a log holds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The id of the run.
    pub(super) run: String,
    pub(super) rig: Option<String>,
    /// When it began, in seconds since 1970.
    pub(super) started_unix_s: Option<i64>,
    /// Whether every event was looked at.
    whole: bool,
    outline: Outline,
    faults: Vec<String>,
    more_faults: u64,
    /// Events of kinds that a newer version wrote.
    unknown: u64,
    /// Evidence that is not as it was recorded, by attempt.
    amiss: BTreeMap<(CombinationId, u32, u32), Vec<(String, Amiss)>>,
}

impl Scan {
    /// Goes through the log of a run.
    pub(super) fn of(run: &Path) -> Self {
        let mut scan = Self { whole: true, ..Self::default() };
        match read_events(run) {
            Err(ReadError::Io { os, .. }) if os.kind() == io::ErrorKind::NotFound => {
                scan.fault("events.jsonl is not there: of single trials nothing is known".to_owned());
            }
            Err(error) => scan.fault(error.to_string()),
            Ok(mut events) => {
                for event in events.by_ref() {
                    match event {
                        Ok(event) => scan.take(run, event),
                        Err(error) => scan.fault(error.to_string()),
                    }
                }
                scan.run = events.run().unwrap_or_default().to_owned();
            }
        }
        scan
    }

    /// Goes through the log of a run for what tells when it began, whether verdicts are its own, and which evidence it has: of a long night the
    /// other events are not even decoded. Nothing when something is amiss, for then all of it has to be looked at.
    pub(super) fn skim(run: &Path) -> Option<Self> {
        let mut scan = Self::default();
        let kinds: Vec<&str> = outline::KINDS.into_iter().chain(MORE_KINDS).collect();
        scan.run = skim_events(run, &kinds, |event| scan.take(run, event))?;
        Some(scan)
    }

    /// Whether all of the log was looked at, and not only what tells of the run as a whole.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Why verdicts are not those of this log, if they are not.
    pub(super) fn mismatch(&self, verdicts: &RunVerdicts) -> Option<Mismatch> {
        let run = Some(&*self.run).filter(|run| !run.is_empty());
        self.outline.mismatch(run, verdicts)
    }

    fn fault(&mut self, fault: String) {
        self.outline.take_damage();
        if self.faults.len() < TOLD {
            self.faults.push(fault);
        } else {
            self.more_faults += 1;
        }
    }

    /// Looks at the evidence that verdicts name.
    pub(super) fn look_by(&mut self, run: &Path, verdicts: &RunVerdicts) {
        for combination in &verdicts.combinations {
            for file in &combination.evidence {
                self.look(run, (combination.id.clone(), 0, 0), file.clone(), 0);
            }
        }
    }

    /// Most of it is as it was: only the rest takes memory.
    fn look(&mut self, run: &Path, key: (CombinationId, u32, u32), file: String, bytes: u64) {
        if let Some(amiss) = look_at_evidence(run, &file, bytes) {
            self.amiss.entry(key).or_default().push((file, amiss));
        }
    }

    fn take(&mut self, run: &Path, event: Event) {
        self.outline.take(&event);
        let key = event.at.map(|at| (at.combination, at.trial, at.attempt));
        match (event.body, key) {
            (Body::RunStarted { rig, unix_s, .. }, _) => {
                self.rig.get_or_insert(rig);
                self.started_unix_s.get_or_insert(unix_s);
            }
            (Body::Unknown { .. }, _) => self.unknown += 1,
            (Body::Evidence { file, bytes, .. }, Some(key)) => self.look(run, key, file, bytes),
            (Body::EvidenceRemoved { file, .. }, Some(key)) => {
                if let Some(amiss) = self.amiss.get_mut(&key) {
                    amiss.retain(|(known, _)| *known != file);
                }
            }
            // Its evidence was put aside.
            (Body::TrialDiscarded { .. }, Some(key)) => drop(self.amiss.remove(&key)),
            _ => {}
        }
    }

    /// What is not there, as sentences.
    pub(super) fn missing(&self) -> Vec<String> {
        let mut missing = self.faults.clone();
        if self.more_faults > 0 {
            missing.push(format!("{} of the log", count(self.more_faults as usize, "more fault")));
        }
        if self.outline.is_cut_off() {
            missing.push("the log ends before its run does: what came after is not known".to_owned());
        }
        if self.unknown > 0 {
            let events = count(self.unknown as usize, "event");
            missing.push(format!("{events} of kinds that this version does not know: not shown"));
        }
        let mut kinds: BTreeMap<Amiss, (usize, &str)> = BTreeMap::new();
        for (file, amiss) in self.amiss.values().flatten() {
            kinds.entry(*amiss).or_insert((0, file.as_str())).0 += 1;
        }
        missing.extend(kinds.into_iter().map(|(amiss, (n, first))| match n {
            1 => format!("1 evidence file {}: {first}", amiss.of_one()),
            n => format!("{n} evidence files {}, such as {first}", amiss.of_several()),
        }));
        missing
    }
}
