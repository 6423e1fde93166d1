//! What a run that goes on has behind it: the trials that were done, and those that were in flight.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rigtone_model::{
    event::{At, Body, Event, FirmwareLook, TrialOutcome},
    id::CombinationId,
    trial::{InfrastructureFault, TrialFolder, TrialRecord},
};

/// Combination, trial, attempt.
type Key = (CombinationId, u32, u32);

/// A trial that was in flight at so many crashes is not tried again: it may be what brings the host down.
const CRASHES: u32 = 5;

/// What the event log of an interrupted run holds, for the run that goes on.
///
/// The runner goes through its schedule again. A trial that was done gives its recorded result; on the virtual clock it
/// also takes its recorded time, so that what follows meets the world that it would have met without the interruption.
#[derive(Debug, Clone, Default)]
pub struct Past {
    folder: TrialFolder,
    steps: BTreeMap<Key, Vec<(i64, String)>>,
    over: BTreeMap<Key, i64>,
    evidence: BTreeMap<Key, Vec<(String, u64)>>,
    removed: HashSet<String>,
    /// The trials that were done, in the order of their ends.
    order: Vec<Key>,
    done: BTreeMap<Key, Done>,
    benched: BTreeMap<Key, Vec<(String, String)>>,
    looks: BTreeMap<Key, Vec<FirmwareLook>>,
    /// The events with which units were found as they should be, outside of trials.
    proven: BTreeMap<String, u64>,
    /// The events with which the last trials of combinations began.
    last_began: BTreeMap<CombinationId, u64>,
    /// Combinations whose trials count no more, with the member and what was found.
    voided: Vec<(CombinationId, String, String)>,
    cancelled: BTreeSet<Key>,
    crashes: BTreeMap<Key, u32>,
    fatal: Vec<TrialRecord>,
    decided: HashSet<CombinationId>,
    seed: Option<u64>,
    last_ns: i64,
    events: u64,
    mended_bytes: u64,
}

/// A trial that was done.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) record: TrialRecord,
    pub(crate) took_ns: i64,
    /// When it was over and the rig was looked at, in nanoseconds after its beginning.
    pub(crate) over_ns: i64,
    /// When its steps began, in nanoseconds after the trial: faults may be planted there.
    pub(crate) steps: Vec<(i64, String)>,
    pub(crate) memory: Option<serde_json::Value>,
    /// Evidence that it stored, with its size in bytes, whatever became of it.
    pub(crate) evidence: Vec<(String, u64)>,
    /// Members that were given up in it, with what was found.
    pub(crate) benched: Vec<(String, String)>,
    /// What was seen of the firmware of units.
    pub(crate) looks: Vec<FirmwareLook>,
}

impl Past {
    /// Takes the next event of the log.
    pub fn take(&mut self, event: &Event) {
        self.events += 1;
        self.last_ns = self.last_ns.max(event.t_ns);
        if let Body::RunStarted { seed, .. } = event.body {
            self.seed = Some(seed);
        }
        if let (Body::FirmwareLooked(look), None) = (&event.body, &event.at)
            && look.fault().is_none()
        {
            self.proven.insert(look.unit.clone(), self.events);
        }
        let Some(at) = &event.at else { return };
        let key = (at.combination.clone(), at.trial, at.attempt);
        match &event.body {
            Body::Recovering { .. } => {
                let after = self.since_its_start(&key, event.t_ns);
                self.over.insert(key.clone(), after);
            }
            Body::StepStarted { .. } => {
                let after = self.since_its_start(&key, event.t_ns);
                self.steps.entry(key.clone()).or_default().push((after, at.step.clone().unwrap_or_default()));
            }
            Body::Evidence { file, bytes, .. } => {
                self.evidence.entry(key.clone()).or_default().push((file.clone(), *bytes));
            }
            Body::EvidenceRemoved { file, .. } => {
                self.removed.insert(file.clone());
            }
            Body::TrialDiscarded { .. } => {
                self.evidence.remove(&key);
                self.steps.remove(&key);
                self.over.remove(&key);
                if self.folder.open(&key.0, key.1, key.2).is_some() {
                    *self.crashes.entry(key.clone()).or_default() += 1;
                }
                self.benched.remove(&key);
                self.looks.remove(&key);
                self.cancelled.remove(&key);
            }
            Body::Benched { member, why } => {
                self.benched.entry(key.clone()).or_default().push((member.clone(), why.clone()));
            }
            Body::FirmwareLooked(look) => self.looks.entry(key.clone()).or_default().push(look.clone()),
            Body::Voided { member, why } => {
                self.voided.push((at.combination.clone(), member.clone(), why.clone()));
            }
            Body::TrialStarted => {
                self.last_began.insert(at.combination.clone(), self.events);
            }
            Body::Decided { .. } => {
                self.decided.insert(at.combination.clone());
            }
            _ => {}
        }
        let Some(record) = self.folder.take(event.clone()) else { return };
        let took_ns = event.t_ns.saturating_sub(record.began_ns);
        let steps = self.steps.remove(&key).unwrap_or_default();
        let evidence = self.evidence.remove(&key).unwrap_or_default();
        let over_ns = self.over.remove(&key).unwrap_or(took_ns);
        if record.outcome == TrialOutcome::Cancelled {
            self.cancelled.insert(key);
        } else if let Body::TrialFinished { memory, .. } = &event.body {
            let benched = self.benched.remove(&key).unwrap_or_default();
            let looks = self.looks.remove(&key).unwrap_or_default();
            self.order.push(key.clone());
            let memory = memory.clone();
            self.done.insert(key, Done { record, took_ns, over_ns, steps, memory, evidence, benched, looks });
        }
    }

    /// The time since a trial that is under way began, in nanoseconds.
    fn since_its_start(&self, (combination, trial, attempt): &Key, now_ns: i64) -> i64 {
        self.folder.open(combination, *trial, *attempt).map_or(0, |record| now_ns.saturating_sub(record.began_ns))
    }

    /// The log has been read to its end, of which so many bytes were damaged.
    pub fn close(&mut self, mended_bytes: u64) {
        self.mended_bytes = mended_bytes;
        let crashes = |record: &TrialRecord| self.crashes.get(&key_of(record)).copied().unwrap_or_default();
        let fatal: Vec<TrialRecord> = self.folder.in_flight().filter(|r| crashes(r) + 1 >= CRASHES).cloned().collect();
        for mut record in fatal {
            let key = key_of(&record);
            let what = format!("the program died {CRASHES} times while this trial ran");
            let fault = InfrastructureFault::new("host", what).hint("look into the system log of those moments");
            record.outcome = TrialOutcome::Lost(fault);
            let took_ns = self.last_ns.saturating_sub(record.began_ns);
            self.fatal.push(record.clone());
            let evidence = self.evidence.remove(&key).unwrap_or_default();
            self.order.push(key.clone());
            let looks = self.looks.remove(&key).unwrap_or_default();
            let (steps, benched) = (Vec::new(), Vec::new());
            let done = Done { record, took_ns, over_ns: took_ns, steps, memory: None, evidence, benched, looks };
            self.done.insert(key, done);
        }
    }

    /// Trials that are given no further chance, because the program died in each of them.
    pub(crate) fn fatal(&self) -> &[TrialRecord] {
        &self.fatal
    }

    /// The seed of the run; none when it had not begun.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// The last time on the rig's clock that was recorded, in nanoseconds.
    pub(crate) fn last_ns(&self) -> i64 {
        self.last_ns
    }

    /// Events that were recorded: the number of the next.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    pub(crate) fn mended_bytes(&self) -> u64 {
        self.mended_bytes
    }

    /// Whether the run had begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.events > 0
    }

    /// Whether the decision on a combination was recorded.
    pub(crate) fn has_decided(&self, combination: &CombinationId) -> bool {
        self.decided.contains(combination)
    }

    /// Whether a unit was found as it should be after the last trial that used it: what it did before stands, whatever it is now.
    pub(crate) fn has_proven(&self, unit: &str, used_by: impl Fn(&CombinationId) -> bool) -> bool {
        let is_before = |event: &u64| self.last_began.iter().all(|(id, began)| began < event || !used_by(id));
        self.proven.get(unit).is_some_and(is_before)
    }

    /// Combinations whose trials count no more, with the member and what was found.
    pub(crate) fn voided(&self) -> &[(CombinationId, String, String)] {
        &self.voided
    }

    /// Whether a piece of evidence was removed.
    pub(crate) fn has_removed(&self, file: &str) -> bool {
        self.removed.contains(file)
    }

    /// The trials that were done, in the order of their ends.
    pub(crate) fn all_done(&self) -> impl Iterator<Item = &Done> {
        self.order.iter().filter_map(|key| self.done.get(key))
    }

    /// The result of an attempt that was done.
    pub(crate) fn done(&self, combination: &CombinationId, trial: u32, attempt: u32) -> Option<&Done> {
        self.done.get(&(combination.clone(), trial, attempt))
    }

    /// Trials that began, have no result and are run again, in the order of their ids.
    pub(crate) fn open(&self) -> impl Iterator<Item = At> {
        let in_flight = self.folder.in_flight().map(key_of).filter(|key| !self.done.contains_key(key));
        in_flight.chain(self.cancelled.iter().cloned()).map(|(combination, trial, attempt)| At {
            combination,
            trial,
            attempt,
            step: None,
        })
    }
}

fn key_of(record: &TrialRecord) -> Key {
    (record.combination.clone(), record.trial, record.attempt)
}
