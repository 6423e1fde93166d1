//! The trials of a run: which comes when, what their ends mean for the rest.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream::FuturesUnordered};
use rigtone_judge::verdicts::{Ending, Rules, Tallies};
use rigtone_model::{
    event::{At, Body, TrialOutcome},
    plan::{Combination, Plan},
    trial::{InfrastructureFault, TrialRecord},
    verdict::RunVerdicts,
};
use rigtone_rig::{
    bench::{Bench, Scope},
    clock::Instant,
};

use crate::{
    cancel::Cancel,
    emit::{Emitter, Place},
    forecast::expected_trials,
    run::{Interruption, Options},
    schedule::{Job, Schedule},
    trial::{Trial, relive, run_trial},
};

/// How long the rig's own check may take.
const CHECK_NS: i64 = 60_000_000_000;
/// How long the outputs may take to reach their safe state.
const SAFE_NS: i64 = 10_000_000_000;
/// On a virtual clock the log is synced after so many trials, else after each.
const SYNC_EVERY: u32 = 64;

/// A combination on its way.
struct State {
    next_trial: u32,
    next_attempt: u32,
    /// Trials that a good device needs until its verdict, on average.
    expected_trials: f64,
}

pub(crate) struct Campaign<'a> {
    plan: &'a Plan,
    rules: &'a Rules,
    bench: &'a Bench,
    emitter: &'a Emitter,
    cancel: &'a Cancel,
    options: &'a Options,
    tallies: Tallies<'a>,
    states: BTreeMap<usize, State>,
    schedule: Schedule,
    /// Members that are not used any more.
    benched: BTreeSet<String>,
    /// How many trials in a row were lost to a member.
    streaks: BTreeMap<String, u32>,
    unsynced: u32,
}

/// A trial that ended.
struct Ended {
    index: usize,
    attempt: u32,
    record: Option<TrialRecord>,
    took_ns: i64,
    /// Members that were given up in it, with what was found.
    benched: Vec<(String, String)>,
}

/// Whether a combination's trials cannot do without a member of the rig.
fn depends(combination: &Combination, member: &str) -> bool {
    combination.needs(member)
        || match member {
            "host clock" => true,
            // What cannot be stored cannot be judged again.
            "evidence" => combination.resources.iter().any(|r| r.starts_with("microphone ")),
            "daemon bluetoothd" => combination.resources.iter().any(|r| r.starts_with("dongle ")),
            _ => false,
        }
}

impl<'a> Campaign<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        rules: &'a Rules,
        bench: &'a Bench,
        emitter: &'a Emitter,
        cancel: &'a Cancel,
        options: &'a Options,
    ) -> Self {
        Self {
            plan,
            rules,
            bench,
            emitter,
            cancel,
            options,
            tallies: Tallies::new(plan, rules),
            states: BTreeMap::new(),
            schedule: Schedule::default(),
            benched: BTreeSet::new(),
            streaks: BTreeMap::new(),
            unsynced: 0,
        }
    }

    /// Without a record nothing is a result: the run ends before it switches anything more.
    fn end_if_unrecorded(&self) {
        if self.emitter.is_broken() {
            self.cancel.ask(Interruption::Asked("the event log cannot be written".to_owned()));
        }
    }

    fn emit(&self, at: Option<At>, body: Body) {
        self.emitter.emit(self.bench.clock.now(), at, body);
    }

    pub(crate) async fn make_safe(&self) {
        let deadline = self.bench.clock.now().plus(SAFE_NS);
        for fault in self.bench.keeper.make_safe(deadline).await {
            let hint = fault.hint.unwrap_or_else(|| "switch it by hand".to_owned());
            self.emit(None, Body::OutputUnsafe { member: fault.member, what: fault.what, hint });
        }
    }

    pub(crate) fn verdicts(&self, run: &str, interrupted: Option<(String, Ending)>) -> RunVerdicts {
        self.tallies.verdicts(run, interrupted)
    }

    pub(crate) async fn begin(&mut self) {
        if self.options.past.has_begun() {
            self.resume();
        } else {
            self.start();
        }
        for text in self.bench.keeper.warnings() {
            self.emit(None, Body::Warning { text });
        }
        // What a crash of an earlier run left switched on is repaired before anything relies on it.
        self.make_safe().await;
        let mut expected: BTreeMap<&str, f64> = BTreeMap::new();
        for (index, combination) in self.plan.combinations.iter().enumerate() {
            let (Some(scenario), Some(rules)) =
                (self.plan.scenario(&combination.scenario), self.rules.scenario(&combination.scenario))
            else {
                continue;
            };
            if combination.skipped.is_none() {
                let expected_trials =
                    *expected.entry(&*combination.scenario).or_insert_with(|| expected_trials(scenario, rules));
                self.states.insert(index, State { next_trial: 1, next_attempt: 1, expected_trials });
            }
        }
        if !self.bench.simulated {
            self.recall();
        }
        let check = self.bench.keeper.check(Scope::Whole, self.bench.clock.now().plus(CHECK_NS));
        for finding in self.cancel.unless(check).await.unwrap_or_default() {
            let (member, text, ok) = (finding.member, finding.finding, finding.ok);
            self.emit(None, Body::Checked { member: member.clone(), finding: text.clone(), ok });
            if !ok {
                self.bench_member(&member, &text);
            }
        }
        for index in self.states.keys() {
            if self.is_open(*index) {
                self.schedule.want(self.job(*index));
            }
        }
    }

    fn start(&self) {
        let at_most = |c: &Combination| self.plan.scenario(&c.scenario).map_or(0, |s| u64::from(s.repeat.at_most));
        let runnable = self.plan.combinations.iter().filter(|c| c.skipped.is_none());
        let body = Body::RunStarted {
            rigtone: self.options.version.clone(),
            rig: self.plan.rig.clone(),
            seed: self.options.seed,
            unix_s: self.options.unix_s,
            trials_at_most: runnable.map(at_most).sum(),
        };
        self.emit(None, body);
    }

    /// Says that the run goes on, and what becomes of the trials that were cut off.
    fn resume(&self) {
        let past = &self.options.past;
        let body = Body::RunResumed {
            rigtone: self.options.version.clone(),
            unix_s: self.options.unix_s,
            mended_bytes: past.mended_bytes(),
        };
        self.emit(None, body);
        for record in past.fatal() {
            let at = At {
                combination: record.combination.clone(),
                trial: record.trial,
                attempt: record.attempt,
                step: None,
            };
            // It ended with the program, as far as anybody knows.
            let now = if self.bench.simulated { Instant(past.last_ns()) } else { self.bench.clock.now() };
            self.emitter.emit(now, Some(at), Body::TrialFinished { outcome: record.outcome.clone(), memory: None });
        }
        for at in past.open() {
            let aside = self.emitter.put_aside(&at);
            self.emit(Some(at), Body::TrialDiscarded { aside });
        }
        self.emitter.sync();
    }

    /// Counts what was done before the run was interrupted. What those trials say about the rig may be true no more.
    fn recall(&mut self) {
        let past = &self.options.past;
        for done in past.all_done() {
            let record = &done.record;
            self.tallies.take(record, done.took_ns);
            let Some(index) = self.tallies.place(&record.combination) else { continue };
            let (combination, Some(state)) = (&self.plan.combinations[index], self.states.get_mut(&index)) else {
                continue;
            };
            let again = matches!(record.outcome, TrialOutcome::Lost(_)) && record.attempt <= self.plan.retries;
            (state.next_trial, state.next_attempt) =
                if again { (record.trial, record.attempt + 1) } else { (record.trial + 1, 1) };
            if let Some(scenario) = self.plan.scenario(&combination.scenario) {
                let place = Place {
                    emitter: self.emitter,
                    combination: &combination.id,
                    trial: record.trial,
                    attempt: record.attempt,
                    step: None,
                };
                place.settle_past(self.bench.clock.now(), scenario, done, past);
            }
            for (combination, file) in self.emitter.take_forgotten() {
                self.tallies.forget_evidence(&combination, &file);
            }
        }
    }

    /// Whether a combination still wants trials.
    fn is_open(&self, index: usize) -> bool {
        self.tallies.at(index).is_some() && !self.tallies.is_settled(index)
    }

    /// What the schedule has to know of a combination that wants its next trial.
    fn job(&self, index: usize) -> Job {
        let combination = &self.plan.combinations[index];
        let (trials, expected) =
            self.states.get(&index).map_or((0, 1.0), |state| (state.next_trial - 1, state.expected_trials));
        let tally = self.tallies.at(index);
        let remaining_ns = tally.map_or(0, |tally| tally.expected_ns(combination.trial_ns, expected));
        Job {
            index,
            resources: combination.resources.clone(),
            group: combination.group,
            trials,
            remaining_ns,
            trial_ns: combination.trial_ns,
        }
    }

    pub(crate) async fn trials(&mut self) {
        // On the virtual clock a run that goes on lives through its past once more.
        let lived_ns = if self.bench.simulated { self.options.past.last_ns() } else { 0 };
        let end = self.options.max_time.map(|limit| self.bench.clock.now().plus(lived_ns).plus(limit.ns()));
        self.end_if_unrecorded();
        // Borrowed apart from the counts, which change while trials run.
        let run = Attempts {
            bench: self.bench,
            plan: self.plan,
            emitter: self.emitter,
            cancel: self.cancel,
            options: self.options,
        };
        let mut running = FuturesUnordered::new();
        let clock = self.bench.clock.clone();
        let out_of_time = async {
            match end {
                Some(end) => clock.sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(out_of_time);
        loop {
            while self.cancel.asked().is_none()
                && let Some(index) = self.schedule.take()
            {
                let State { next_trial, next_attempt, .. } = self.states[&index];
                running.push(run.attempt(index, next_trial, next_attempt));
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
            if let Some((trial, attempt)) = self.settle(&ended) {
                running.push(run.attempt(ended.index, trial, attempt));
                continue;
            }
            self.schedule.give_back(&self.plan.combinations[ended.index].resources);
            if self.is_open(ended.index) {
                self.schedule.want(self.job(ended.index));
            }
        }
    }

    /// Counts a trial that ended; gives trial and attempt when it has to be tried again on the same resources.
    fn settle(&mut self, ended: &Ended) -> Option<(u32, u32)> {
        let combination = &self.plan.combinations[ended.index];
        let record = ended.record.as_ref()?;
        // In the log, what had to go for a trial's evidence stands before its end.
        for (combination, file) in self.emitter.take_forgotten() {
            self.tallies.forget_evidence(&combination, &file);
        }
        self.tallies.take(record, ended.took_ns);
        self.watch(combination, ended, &record.outcome);
        self.unsynced += 1;
        if !self.bench.simulated || self.unsynced >= SYNC_EVERY {
            self.emitter.sync();
            self.unsynced = 0;
        }
        self.end_if_unrecorded();
        let lost = matches!(record.outcome, TrialOutcome::Lost(_));
        if lost
            && ended.attempt <= self.plan.retries
            && self.is_open(ended.index)
            && (self.cancel.asked().is_none() || self.was_done(combination, record.trial, ended.attempt + 1))
        {
            return Some((record.trial, ended.attempt + 1));
        }
        let state = self.states.get_mut(&ended.index)?;
        (state.next_trial, state.next_attempt) = (record.trial + 1, 1);
        if self.tallies.is_settled(ended.index) {
            self.say_decided(ended.index, record.trial, ended.attempt);
        }
        self.release_others(ended.index);
        None
    }

    fn say_decided(&self, index: usize, trial: u32, attempt: u32) {
        let combination = &self.plan.combinations[index];
        let Some(decided) = self.tallies.verdict(index, &Ending::Complete) else { return };
        if !self.options.past.has_decided(&combination.id) {
            let at = At { combination: combination.id.clone(), trial, attempt, step: None };
            self.emit(Some(at), Body::Decided { verdict: decided.verdict, n: decided.trials });
        }
    }

    /// A difference that is decided, or cannot be, sets the other side free too.
    fn release_others(&mut self, index: usize) {
        let others: Vec<usize> = self.tallies.others(index).collect();
        for other in others {
            if self.tallies.is_settled(other) && self.schedule.withdraw(other) {
                let trial = self.states.get(&other).map_or(0, |state| state.next_trial - 1);
                self.say_decided(other, trial, u32::from(trial > 0));
            }
        }
    }

    fn was_done(&self, combination: &Combination, trial: u32, attempt: u32) -> bool {
        self.options.past.done(&combination.id, trial, attempt).is_some()
    }

    /// Learns from a trial's end what the members of the rig are worth.
    fn watch(&mut self, combination: &Combination, ended: &Ended, outcome: &TrialOutcome) {
        for (member, why) in &ended.benched {
            self.bench_member(member, why);
        }
        match outcome {
            TrialOutcome::Completed => self.streaks.retain(|member, _| !depends(combination, member)),
            TrialOutcome::Lost(InfrastructureFault { member, what, .. }) if depends(combination, member) => {
                let streak = self.streaks.entry(member.clone()).or_default();
                *streak += 1;
                if *streak >= self.plan.bench_after && !self.benched.contains(member) {
                    let why = format!("{streak} trials in a row were lost to it, the last one because {what}");
                    self.emit(None, Body::Benched { member: member.clone(), why: why.clone() });
                    self.bench_member(member, &why);
                }
            }
            TrialOutcome::Lost(_) | TrialOutcome::Cancelled => {}
        }
    }

    /// Gives up a member of the rig, and with it what cannot be done without it.
    fn bench_member(&mut self, member: &str, why: &str) {
        if !self.benched.insert(member.to_owned()) {
            return;
        }
        let is_hit =
            |index: &usize| depends(&self.plan.combinations[*index], member) && !self.tallies.is_settled(*index);
        // All of them first: the loss of one side of a difference settles the other.
        let hit: Vec<usize> = self.states.keys().copied().filter(is_hit).collect();
        for index in &hit {
            let combination = &self.plan.combinations[*index];
            self.schedule.withdraw(*index);
            let at = At { combination: combination.id.clone(), trial: 0, attempt: 0, step: None };
            let body = Body::GivenUp { member: member.to_owned(), why: why.to_owned() };
            self.emitter.emit(self.bench.clock.now(), Some(at), body);
            self.tallies.give_up(&combination.id, member, why);
        }
        for index in hit {
            self.release_others(index);
        }
    }
}

/// What attempts at trials borrow from the campaign.
#[derive(Clone, Copy)]
struct Attempts<'a> {
    bench: &'a Bench,
    plan: &'a Plan,
    emitter: &'a Emitter,
    cancel: &'a Cancel,
    options: &'a Options,
}

impl Attempts<'_> {
    async fn attempt(self, index: usize, trial: u32, attempt: u32) -> Ended {
        let Self { bench, plan, emitter, cancel, options } = self;
        let combination = &plan.combinations[index];
        let started = bench.clock.now();
        let nothing = Ended { index, attempt, record: None, took_ns: 0, benched: Vec::new() };
        let Some(scenario) = plan.scenario(&combination.scenario) else { return nothing };
        let place = Place { emitter, combination: &combination.id, trial, attempt, step: None };
        let trial_of_run = Trial { bench, plan, combination, scenario, place, cancel, seed: options.seed };
        // On hardware what was done was counted at the beginning.
        if let Some(done) = options.past.done(&combination.id, trial, attempt).filter(|_| bench.simulated) {
            relive(&trial_of_run, done).await;
            place.settle_past(bench.clock.now(), scenario, done, &options.past);
            let (record, benched) = (Some(done.record.clone()), done.benched.clone());
            return Ended { record, took_ns: done.took_ns, benched, ..nothing };
        }
        let (record, benched) = run_trial(&trial_of_run).await;
        Ended { record, took_ns: bench.clock.now().since(started), benched, ..nothing }
    }
}
