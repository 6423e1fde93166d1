//! A run from its plan to its verdicts.

use std::collections::BTreeMap;

use futures::{StreamExt, stream::FuturesUnordered};
use rigtone_judge::verdicts::{Ending, Rules, Tally, judge};
use rigtone_model::{
    event::{Body, TrialOutcome},
    plan::{Combination, Plan},
    quantity::Duration,
    trial::TrialRecord,
    verdict::RunVerdicts,
};
use rigtone_record::{RecordError, RunWriter};
use rigtone_rig::{bench::Bench, clock::Instant};
use thiserror::Error;

use crate::{
    cancel::Cancel,
    emit::{Emitter, Observer, Place},
    schedule::Schedule,
    trial::{Trial, run_trial},
};

/// How long the rig's own check may take.
const CHECK_NS: i64 = 60_000_000_000;
/// How long the outputs may take to reach their safe state.
const SAFE_NS: i64 = 10_000_000_000;
/// On a virtual clock the log is synced after so many trials, else after each.
const SYNC_EVERY: u32 = 64;

/// What ended a run before its plan was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interruption {
    /// A signal or a person.
    Asked(String),
    /// The time that was given to it.
    OutOfTime,
}

impl std::fmt::Display for Interruption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Asked(who) => f.write_str(who),
            Self::OutOfTime => f.write_str("the time given by --max-time was up"),
        }
    }
}

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The seed of everything that is left to chance.
    pub seed: u64,
    /// The version of Rigtone, for the record.
    pub version: String,
    /// Seconds since 1970, for the record.
    pub unix_s: i64,
    /// End the run after this long on the rig's clock.
    pub max_time: Option<Duration>,
}

/// A run that could not be recorded: nothing after that point is a result.
#[derive(Debug, Error)]
pub enum RunError {
    /// The event log could not be written.
    #[error("the run was stopped and the rig left safe because its record cannot be kept")]
    Record(#[from] RecordError),
}

/// Runs a plan on a bench and gives its verdicts.
///
/// Ends early when `cancel` asks; cleanup and safe state are done all the same, and what is known is judged.
///
/// # Errors
/// When the event log cannot be written; the rig is safe by then.
pub async fn run(
    plan: &Plan,
    rules: &Rules,
    bench: &Bench,
    writer: RunWriter,
    observer: Observer,
    cancel: &Cancel,
    options: &Options,
) -> Result<RunVerdicts, RunError> {
    let run_id = writer.run().to_owned();
    let emitter = Emitter::new(writer, observer);
    let mut campaign = Campaign {
        plan,
        rules,
        bench,
        emitter: &emitter,
        cancel,
        options,
        broken: Vec::new(),
        states: BTreeMap::new(),
        records: Vec::new(),
        unsynced: 0,
    };
    campaign.begin().await;
    campaign.trials().await;
    // Whatever happened: outputs first, words afterwards.
    campaign.make_safe().await;
    let interruption = cancel.asked();
    emitter.emit(
        bench.clock.now(),
        None,
        Body::RunFinished {
            interrupted: interruption.as_ref().map(ToString::to_string),
            out_of_time: interruption == Some(Interruption::OutOfTime),
        },
    );
    emitter.sync();
    if let Some(error) = emitter.take_broken() {
        return Err(error.into());
    }
    let interrupted = interruption.map(|why| {
        let ending = if why == Interruption::OutOfTime { Ending::OutOfTime } else { Ending::Interrupted };
        (why.to_string(), ending)
    });
    Ok(judge(plan, rules, &run_id, campaign.records.into_iter(), &campaign.broken, interrupted))
}

/// A combination on its way.
struct State {
    tally: Tally,
    next_trial: u32,
}

struct Campaign<'a> {
    plan: &'a Plan,
    rules: &'a Rules,
    bench: &'a Bench,
    emitter: &'a Emitter,
    cancel: &'a Cancel,
    options: &'a Options,
    /// Members that failed their check, with what was found.
    broken: Vec<(String, String)>,
    states: BTreeMap<usize, State>,
    records: Vec<(TrialRecord, i64)>,
    unsynced: u32,
}

/// A trial that ended.
struct Ended {
    index: usize,
    attempt: u32,
    record: Option<TrialRecord>,
    took_ns: i64,
}

impl Campaign<'_> {
    /// Without a record nothing is a result: the run ends before it switches anything more.
    fn end_if_unrecorded(&self) {
        if self.emitter.is_broken() {
            self.cancel.ask(Interruption::Asked("the event log cannot be written".to_owned()));
        }
    }

    async fn make_safe(&self) {
        let deadline = self.bench.clock.now().plus(SAFE_NS);
        for fault in self.bench.keeper.make_safe(deadline).await {
            let text = format!("an output could not be brought to its safe state: {fault}; switch it by hand");
            self.emitter.emit(self.bench.clock.now(), None, Body::Warning { text });
        }
    }

    async fn begin(&mut self) {
        let now = self.bench.clock.now();
        let at_most = |c: &Combination| self.plan.scenario(&c.scenario).map_or(0, |s| u64::from(s.repeat.at_most));
        let runnable = self.plan.combinations.iter().filter(|c| c.skipped.is_none());
        let body = Body::RunStarted {
            rigtone: self.options.version.clone(),
            rig: self.plan.rig.clone(),
            seed: self.options.seed,
            unix_s: self.options.unix_s,
            trials_at_most: runnable.map(at_most).sum(),
        };
        self.emitter.emit(now, None, body);
        // What a crash of an earlier run left switched on is repaired before anything relies on it.
        self.make_safe().await;
        let check = self.bench.keeper.check(rigtone_rig::bench::Scope::Whole, self.bench.clock.now().plus(CHECK_NS));
        for finding in self.cancel.unless(check).await.unwrap_or_default() {
            let (member, text, ok) = (finding.member, finding.finding, finding.ok);
            if !ok {
                self.broken.push((member.clone(), text.clone()));
            }
            self.emitter.emit(self.bench.clock.now(), None, Body::Checked { member, finding: text, ok });
        }
        for (index, combination) in self.plan.combinations.iter().enumerate() {
            let (Some(scenario), Some(rules)) =
                (self.plan.scenario(&combination.scenario), self.rules.scenario(&combination.scenario))
            else {
                continue;
            };
            if combination.skipped.is_some() {
                continue;
            }
            // What depends on a member that is out of order is not tried: it would only cost time.
            let needs_broken = self.broken.iter().any(|(m, _)| combination.needs(m));
            if !needs_broken {
                self.states.insert(index, State { tally: Tally::new(combination, scenario, rules), next_trial: 1 });
            }
        }
    }

    async fn trials(&mut self) {
        let end = self.options.max_time.map(|limit| self.bench.clock.now().plus(limit.ns()));
        let mut schedule = Schedule::default();
        for index in self.states.keys() {
            schedule.want(&self.plan.combinations[*index].resources, 0, *index);
        }
        self.end_if_unrecorded();
        // Borrowed apart from the counts, which change while trials run.
        let (bench, plan, emitter, cancel, seed) =
            (self.bench, self.plan, self.emitter, self.cancel, self.options.seed);
        let start = |index, trial, number| attempt(bench, plan, emitter, cancel, seed, index, trial, number);
        let mut running = FuturesUnordered::new();
        let out_of_time = async {
            match end {
                Some(end) => self.bench.clock.sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(out_of_time);
        loop {
            while self.cancel.asked().is_none()
                && let Some(index) = schedule.take()
            {
                let trial = self.states[&index].next_trial;
                running.push(start(index, trial, 1));
            }
            let ended = tokio::select! {
                biased;
                () = &mut out_of_time, if self.cancel.asked().is_none() => {
                    self.cancel.ask(Interruption::OutOfTime);
                    continue;
                }
                ended = running.next() => ended,
            };
            let Some(ended) = ended else { return };
            let combination = &self.plan.combinations[ended.index];
            if let Some((trial, attempt_number)) = self.settle(&ended) {
                running.push(start(ended.index, trial, attempt_number));
                continue;
            }
            schedule.give_back(&combination.resources);
            if let Some(state) = self.states.get(&ended.index)
                && !state.tally.is_settled()
            {
                schedule.want(&combination.resources, state.next_trial, ended.index);
            }
        }
    }

    /// Counts a trial that ended; gives trial and attempt when it has to be tried again on the same resources.
    fn settle(&mut self, ended: &Ended) -> Option<(u32, u32)> {
        let combination = &self.plan.combinations[ended.index];
        let (scenario, state) = (self.plan.scenario(&combination.scenario)?, self.states.get_mut(&ended.index)?);
        let record = ended.record.clone()?;
        let lost = matches!(record.outcome, TrialOutcome::Lost(_));
        state.tally.take(&record, scenario);
        state.tally.spent(ended.took_ns);
        let trial = record.trial;
        self.records.push((record, ended.took_ns));
        self.unsynced += 1;
        if !self.bench.simulated || self.unsynced >= SYNC_EVERY {
            self.emitter.sync();
            self.unsynced = 0;
        }
        self.end_if_unrecorded();
        let state = self.states.get_mut(&ended.index)?;
        if lost && ended.attempt <= self.plan.retries && !state.tally.is_settled() && self.cancel.asked().is_none() {
            return Some((trial, ended.attempt + 1));
        }
        state.next_trial = trial + 1;
        if state.tally.is_settled() {
            let verdict = state.tally.verdict(combination, scenario, &Ending::Complete).verdict;
            let body = Body::Decided { verdict, n: state.tally.trials() };
            let at = rigtone_model::event::At {
                combination: combination.id.clone(),
                trial,
                attempt: ended.attempt,
                step: None,
            };
            self.emitter.emit(self.bench.clock.now(), Some(at), body);
        }
        None
    }
}

#[expect(clippy::too_many_arguments, reason = "what a trial borrows from the campaign, which is changed meanwhile")]
async fn attempt(
    bench: &Bench,
    plan: &Plan,
    emitter: &Emitter,
    cancel: &Cancel,
    seed: u64,
    index: usize,
    trial: u32,
    attempt: u32,
) -> Ended {
    let combination = &plan.combinations[index];
    let started: Instant = bench.clock.now();
    let place = Place { emitter, combination: &combination.id, trial, attempt, step: None };
    let record = match plan.scenario(&combination.scenario) {
        Some(scenario) => run_trial(&Trial { bench, plan, combination, scenario, place, cancel, seed }).await,
        None => None,
    };
    Ended { index, attempt, record, took_ns: bench.clock.now().since(started) }
}
