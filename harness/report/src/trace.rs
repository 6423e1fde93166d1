//! A run as a trace that Perfetto (<https://ui.perfetto.dev>) and `chrome://tracing` open: the Trace Event Format of JSON.
//!
//! Three groups of tracks: `trials` with a lane for each that runs at the same time, its steps within it and a flow from where
//! a sound left to where it arrived; `rig` with a track for each member that a trial has for itself, supplies and findings;
//! `run` with counters. Events are taken one after the other: memory is that of the trials that run at the same time.

mod lanes;
mod trial;
mod writer;

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write},
    sync::Arc,
};

use rigtone_model::{
    event::{At, Body, Event, TrialOutcome},
    id::CombinationId,
    plan::{Combination, Plan, capacity},
    verdict::Verdict,
};
use serde_json::{Value as Json, json};

use lanes::Lanes;
use trial::{Trial, When};
use writer::{Track, Writer};

/// The groups of tracks.
const RUN: u32 = 1;
const TRIALS: u32 = 2;
const RIG: u32 = 3;

/// Writes the trace of a log. `missing` is what of the run is not there, as sentences: it stands in the trace's `otherData`.
///
/// # Errors
/// When the output takes no more.
pub fn write(
    run: &str,
    plan: &Plan,
    missing: &[String],
    events: impl IntoIterator<Item = Event>,
    sink: impl Write,
) -> io::Result<()> {
    let mut trace = Trace::new(plan, Writer::new(sink)?)?;
    for event in events {
        trace.take(event)?;
    }
    trace.finish(run, missing)
}

/// The trace as far as it is.
struct Trace<'a, W: Write> {
    out: Writer<W>,
    planned: HashMap<&'a CombinationId, &'a Combination>,
    trials: BTreeMap<(CombinationId, u32, u32), Trial>,
    lanes: Lanes,
    /// The tracks of members by name.
    members: HashMap<Arc<str>, Track>,
    /// How many trials share what several may use.
    shared: BTreeMap<Arc<str>, u32>,
    /// The verdict that each combination has so far, and how many have each.
    verdicts: HashMap<CombinationId, &'static str>,
    decided: BTreeMap<&'static str, u32>,
    lost: u32,
    flows: u64,
    last_ns: i64,
    /// Where the run went on last. The rig's clock may begin anew there, and no track runs backwards.
    resumed_ns: i64,
}

impl<'a, W: Write> Trace<'a, W> {
    fn new(plan: &'a Plan, mut out: Writer<W>) -> io::Result<Self> {
        for (group, name) in [(RUN, "run"), (TRIALS, "trials"), (RIG, "rig")] {
            out.group(group, name)?;
        }
        Ok(Self {
            out,
            planned: plan.combinations.iter().map(|c| (&c.id, c)).collect(),
            trials: BTreeMap::new(),
            lanes: Lanes::default(),
            members: HashMap::new(),
            shared: BTreeMap::new(),
            verdicts: HashMap::new(),
            decided: BTreeMap::new(),
            lost: 0,
            flows: 0,
            last_ns: 0,
            resumed_ns: i64::MIN,
        })
    }

    /// The track of a member of the rig.
    fn member(&mut self, name: &str) -> io::Result<Track> {
        if let Some(track) = self.members.get(name) {
            return Ok(*track);
        }
        let track = Track { group: RIG, number: self.members.len() as u32 + 1 };
        self.out.track(track, name)?;
        self.members.insert(name.into(), track);
        Ok(track)
    }

    fn take(&mut self, event: Event) -> io::Result<()> {
        if matches!(event.body, Body::RunResumed { .. }) {
            self.resumed_ns = self.last_ns;
        }
        let ns = event.t_ns.max(self.resumed_ns);
        self.last_ns = self.last_ns.max(ns);
        match event.at {
            Some(at) => self.of_trial(ns, at, event.body),
            None => self.of_run(ns, &event.body),
        }
    }

    fn of_run(&mut self, ns: i64, body: &Body) -> io::Result<()> {
        let whole = Track { group: RUN, number: 0 };
        match body {
            Body::RunStarted { rigtone, rig, seed, .. } => {
                self.out.instant(whole, ns, "run started", &json!({"rigtone": rigtone, "rig": rig, "seed": seed}))
            }
            Body::RunResumed { rigtone, mended_bytes, .. } => {
                let arguments = &json!({"rigtone": rigtone, "mended_bytes": mended_bytes});
                self.out.instant(whole, ns, "run resumed", arguments)
            }
            Body::RunFinished { interrupted, .. } => {
                self.out.instant(whole, ns, "run finished", &json!({"interrupted": interrupted}))
            }
            Body::Warning { text } => self.out.instant(whole, ns, "warning", &json!({"text": text})),
            body => self.of_member(ns, body),
        }
    }

    /// What is about a member of the rig, in a trial or outside.
    fn of_member(&mut self, ns: i64, body: &Body) -> io::Result<()> {
        let (member, name, arguments) = match body {
            Body::Checked { member, finding, ok } => {
                (member.clone(), if *ok { "in order" } else { "fault" }, json!({"finding": finding}))
            }
            Body::FirmwareLooked(look) => (look.member(), "firmware", json!({"finding": look.finding()})),
            Body::Recovering { member } => (member.clone(), "recovering", json!({})),
            Body::Benched { member, why } => (member.clone(), "benched", json!({"why": why})),
            Body::OutputUnsafe { member, what, hint } => {
                (member.clone(), "output is not safe", json!({"what": what, "hint": hint}))
            }
            _ => return Ok(()),
        };
        let track = self.member(&member)?;
        self.out.instant(track, ns, name, &arguments)
    }

    fn of_trial(&mut self, ns: i64, at: At, body: Body) -> io::Result<()> {
        let At { combination, trial, attempt, step } = at;
        let key = (combination, trial, attempt);
        match body {
            Body::TrialStarted => {
                // What began twice was cut off the first time.
                self.end(ns, &key, &json!({"outcome": "discarded"}))?;
                return self.begin(ns, key);
            }
            Body::TrialFinished { outcome, .. } => {
                let arguments = match &outcome {
                    TrialOutcome::Completed => json!({"outcome": "completed"}),
                    TrialOutcome::Lost(fault) => {
                        self.lost += 1;
                        self.out.counter(RUN, ns, "lost trials", self.lost)?;
                        json!({"outcome": "lost", "member": fault.member, "what": fault.what})
                    }
                    TrialOutcome::Cancelled => json!({"outcome": "cancelled"}),
                };
                return self.end(ns, &key, &arguments);
            }
            Body::TrialDiscarded { .. } => return self.end(ns, &key, &json!({"outcome": "discarded"})),
            Body::Decided { verdict, n } => {
                let name = format!("decided: {verdict}");
                return self.judged(ns, &key.0, &verdict, &name, &json!({"combination": key.0.as_str(), "n": n}));
            }
            // What the rig cannot do any more has its verdict too.
            Body::GivenUp { ref member, ref why } | Body::Voided { ref member, ref why } => {
                let name = if matches!(body, Body::GivenUp { .. }) { "given up" } else { "voided" };
                let arguments = &json!({"combination": key.0.as_str(), "member": member, "why": why});
                return self.judged(ns, &key.0, &Verdict::InfraError, name, arguments);
            }
            Body::PowerSwitched { ref unit, on, edge, .. } => {
                let when = edge.map_or(ns, |edge| edge.acknowledged_ns).max(self.resumed_ns);
                let track = self.member(&format!("supply of {unit}"))?;
                self.out.instant(track, when, if on { "on" } else { "off" }, &json!({}))?;
                self.out.counter(RIG, when, &format!("supply of {unit}"), u32::from(on))?;
            }
            Body::ButtonsPressed { ref unit, ref gesture, ref buttons, held_ns, edge, .. } => {
                let track = self.member(&format!("buttons of {unit}"))?;
                let end = edge.map_or(ns, |edge| edge.acknowledged_ns.saturating_add(held_ns));
                let begin = end.saturating_sub(held_ns.max(0)).max(self.resumed_ns);
                self.out.slice(track, begin, end, gesture, &json!({"buttons": buttons}))?;
            }
            ref body => self.of_member(ns, body)?,
        }
        let Some(trial) = self.trials.get_mut(&key) else { return Ok(()) };
        let when = When { ns, resumed_ns: self.resumed_ns };
        trial.take(&mut self.out, &mut self.lanes, &mut self.flows, when, step.as_deref(), &body)
    }

    fn begin(&mut self, ns: i64, key: (CombinationId, u32, u32)) -> io::Result<()> {
        let planned = self.planned.get(&key.0).copied();
        let name = format!("{} trial {}", key.0, key.1);
        let mut held = Vec::new();
        for resource in planned.iter().flat_map(|c| c.resources.iter()) {
            if capacity(resource) > 1 {
                let users = self.shared.entry(resource.clone()).or_default();
                *users += 1;
                self.out.counter(RIG, ns, resource, *users)?;
                continue;
            }
            let track = self.member(resource)?;
            self.out.begin(track, ns, &name, &json!({}))?;
            held.push((resource.clone(), track));
        }
        let lane = self.lanes.take(&mut self.out)?;
        self.out.begin(lane, ns, &name, &json!({"trial": key.1, "attempt": key.2}))?;
        self.trials.insert(key, Trial::new(lane, held, ns));
        self.out.counter(RUN, ns, "running trials", self.trials.len() as u32)
    }

    fn end(&mut self, ns: i64, key: &(CombinationId, u32, u32), arguments: &Json) -> io::Result<()> {
        let Some(trial) = self.trials.remove(key) else { return Ok(()) };
        // In a merged log nothing tells that a part went on: what was discarded there has not ended before it began either.
        let ns = ns.max(trial.last_ns());
        trial.end(&mut self.out, &mut self.lanes, ns, arguments)?;
        let planned = self.planned.get(&key.0).copied();
        for resource in planned.iter().flat_map(|c| c.resources.iter()).filter(|r| capacity(r) > 1) {
            if let Some(users) = self.shared.get_mut(resource) {
                *users = users.saturating_sub(1);
                self.out.counter(RIG, ns, resource, *users)?;
            }
        }
        self.out.counter(RUN, ns, "running trials", self.trials.len() as u32)
    }

    /// A combination has its verdict, or another one than before: it counts once.
    fn judged(
        &mut self,
        ns: i64,
        id: &CombinationId,
        verdict: &Verdict,
        name: &str,
        arguments: &Json,
    ) -> io::Result<()> {
        let word = verdict.word();
        let before = self.verdicts.insert(id.clone(), word);
        if before == Some(word) {
            return Ok(());
        }
        if let Some(before) = before {
            self.count(ns, before, |n| n.saturating_sub(1))?;
        }
        self.count(ns, word, |n| n + 1)?;
        self.out.instant(Track { group: RUN, number: 0 }, ns, name, arguments)
    }

    /// Changes how many combinations have a verdict.
    fn count(&mut self, ns: i64, verdict: &'static str, change: impl FnOnce(u32) -> u32) -> io::Result<()> {
        let n = self.decided.entry(verdict).or_default();
        *n = change(*n);
        self.out.counter(RUN, ns, &format!("decided: {verdict}"), *n)
    }

    /// What is still open ends where the log ends.
    fn finish(mut self, run: &str, missing: &[String]) -> io::Result<()> {
        let open: Vec<_> = self.trials.keys().cloned().collect();
        let last = self.last_ns;
        for key in open {
            self.end(last, &key, &json!({"outcome": "unfinished"}))?;
        }
        self.out.finish(&json!({"run": run, "missing": missing}))
    }
}
