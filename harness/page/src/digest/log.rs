//! One pass over the log of a run: aggregates of everything, details of little.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use rigtone_judge::verdicts::{Replay, RunPlan};
use rigtone_model::{
    event::{Body, Event},
    id::CombinationId,
    trial::{TrialFolder, TrialRecord},
    verdict::RunVerdicts,
};
use rigtone_record::{ReadError, read_events};
use rigtone_report::outline::{Mismatch, Outline};

use super::{
    faults::Faults,
    files::Files,
    kept::{Ending, Kept, wanted},
    notes::{Notes, short},
    tally::{Asked, Fate, Tally},
};

/// Events of one trial that are kept until it ends.
const MOST_EVENTS: usize = 20_000;
/// Trials that may be in flight at one time.
const MOST_OPEN: usize = 4096;

/// What the log says of a combination.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) tally: Tally,
    pub(crate) kept: Vec<Kept>,
}

/// What the log says.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) run: Option<String>,
    pub(crate) rig: Option<String>,
    pub(crate) rigtone: Option<String>,
    pub(crate) seed: Option<u64>,
    /// Seconds since 1970.
    pub(crate) began: Option<i64>,
    pub(crate) resumed: u32,
    /// How far it goes, and which trials count; nothing where there is no log.
    pub(crate) outline: Option<Outline>,
    /// The last time on the rig's clock, in nanoseconds.
    pub(crate) last_ns: i64,
    pub(crate) told: HashMap<CombinationId, Told>,
    pub(crate) notes: Notes,
    pub(crate) faults: Faults,
    pub(crate) files: Files,
    pub(crate) unknown: BTreeMap<String, u64>,
    pub(crate) in_flight: usize,
    /// The verdicts, where they were asked for and it can be judged.
    pub(crate) verdicts: Option<RunVerdicts>,
}

impl Log {
    /// Whether it stops before its run does.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.outline.as_ref().is_some_and(Outline::is_cut_off)
    }

    /// Why verdicts are not those of this log, if they are not.
    pub(crate) fn mismatch(&self, verdicts: &RunVerdicts) -> Option<Mismatch> {
        self.outline.as_ref()?.mismatch(self.run.as_deref(), verdicts)
    }
}

type Key = (CombinationId, u32, u32);

struct Pass<'a> {
    run: &'a Path,
    log: Log,
    outline: Outline,
    asked: HashMap<&'a CombinationId, Asked<'a>>,
    folder: TrialFolder,
    open: HashMap<Key, Vec<Event>>,
    kept: usize,
    /// Seconds since 1970 at the beginning of the rig's clock.
    zero: Option<i64>,
}

/// Reads the log of a run; with `judge` it is judged on the way, as `rigtone judge` does: not if it is damaged before its end, or is not of the plan.
///
/// # Errors
/// When there is no log.
pub(crate) fn read(run: &Path, plan: Option<&RunPlan>, judge: bool) -> Result<Log, ReadError> {
    let mut events = read_events(run)?;
    let asked = plan.iter().flat_map(|plan| &plan.plan.combinations).filter_map(|c| {
        let scenario = plan?.plan.scenario(&c.scenario)?;
        Some((&c.id, Asked::of(scenario, c.condition.as_deref())))
    });
    let mut pass = Pass {
        run,
        log: Log::default(),
        outline: Outline::default(),
        asked: asked.collect(),
        folder: TrialFolder::default(),
        open: HashMap::new(),
        kept: 0,
        zero: None,
    };
    let mut replay = plan.filter(|_| judge).map(|plan| Replay::new(&plan.plan, &plan.rules));
    let (mut is_damaged, mut is_last) = (false, false);
    for event in &mut events {
        // What a kill leaves half written is the last line.
        is_damaged |= is_last;
        match event {
            Ok(event) => {
                if let Some(replay) = &mut replay {
                    replay.take(event.clone());
                }
                pass.take(event);
            }
            Err(fault) => {
                is_last = true;
                is_damaged |= !fault.is_damage();
                pass.outline.take_damage();
                pass.log.faults.take(&fault);
            }
        }
    }
    let mut log = pass.log;
    log.run = events.run().map(str::to_owned);
    log.in_flight = pass.folder.in_flight().count();
    log.outline = Some(pass.outline);
    let of_plan = |replay: &Replay<'_>| replay.stranger().is_none() && replay.doubled().is_none();
    let judged = replay.filter(|replay| !is_damaged && of_plan(replay));
    log.verdicts = judged.map(|replay| replay.verdicts(log.run.as_deref().unwrap_or_default()));
    // Rare enough to go through the log once more.
    if log.files.lacks_names() {
        log.files.learn(read_events(run)?.flatten().filter_map(|event| match event.body {
            Body::Evidence { file, .. } => Some(file),
            _ => None,
        }));
    }
    Ok(log)
}

impl Pass<'_> {
    fn take(&mut self, event: Event) {
        self.log.last_ns = self.log.last_ns.max(event.t_ns);
        self.log.notes.take(&event);
        self.outline.take(&event);
        let zero = |unix_s: i64| Some(unix_s.saturating_sub(event.t_ns / 1_000_000_000));
        match &event.body {
            Body::RunStarted { rigtone, rig, seed, unix_s, .. } => {
                let log = &mut self.log;
                (log.rigtone, log.rig, log.seed) = (Some(rigtone.clone()), Some(rig.clone()), Some(*seed));
                log.began = Some(*unix_s);
                self.zero = zero(*unix_s);
            }
            Body::RunResumed { unix_s, .. } => {
                self.log.resumed += 1;
                self.zero = zero(*unix_s);
            }
            // Anybody's text, as many kinds as anybody likes.
            Body::Unknown { kind, .. } => {
                let (kind, unknown) = (short(kind), &mut self.log.unknown);
                if unknown.len() < 50 || unknown.contains_key(&kind) {
                    *unknown.entry(kind).or_default() += 1;
                }
            }
            Body::EvidenceRemoved { file, why } => {
                self.log.files.removed(file);
                let told = event.at.as_ref().and_then(|at| self.log.told.get_mut(&at.combination));
                for kept in told.into_iter().flat_map(|told| &mut told.kept) {
                    kept.facts.remove(file, why);
                }
            }
            _ => {}
        }
        self.of_trial(event);
    }

    fn of_trial(&mut self, event: Event) {
        let Some(at) = event.at.as_ref().filter(|at| at.trial > 0) else { return };
        let key = (at.combination.clone(), at.trial, at.attempt);
        let over = matches!(event.body, Body::TrialFinished { .. } | Body::TrialDiscarded { .. });
        match &event.body {
            Body::TrialStarted if self.open.len() < MOST_OPEN => {
                self.open.insert(key.clone(), vec![event.clone()]);
            }
            _ => {
                if let Some(events) = self.open.get_mut(&key).filter(|events| events.len() < MOST_EVENTS) {
                    events.push(event.clone());
                }
            }
        }
        let record = self.folder.take(event);
        if over {
            let events = self.open.remove(&key).unwrap_or_default();
            if let Some(record) = record {
                self.ended(record, &events);
            }
        }
    }

    fn ended(&mut self, record: TrialRecord, events: &[Event]) {
        let told = self.log.told.entry(record.combination.clone()).or_default();
        let asked = self.asked.get(&record.combination);
        let said = told.tally.take(&record, asked);
        for event in events {
            if let Body::Evidence { file, bytes, .. } = &event.body
                && record.evidence.contains(file)
            {
                self.log.files.look(self.run, file, *bytes);
            }
        }
        let last = events.last();
        if said.fate != Fate::Cancelled
            && let (Some(zero), Some(last)) = (self.zero, last)
        {
            told.tally.last = Some(zero.saturating_add(last.t_ns / 1_000_000_000));
        }
        if let (Some(at), Some(ending)) = (last.and_then(|last| last.at.as_ref()), Ending::of(said.fate))
            && wanted(&told.kept, self.kept, ending, said.class)
        {
            self.kept += 1;
            told.kept.push(Kept::new(at, ending, said, record, events));
        }
    }
}
