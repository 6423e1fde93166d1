//! A trial on its lane: its steps, what happened in them, and where its sound went.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::Arc,
};

use rigtone_model::{
    event::{Body, StepOutcome},
    observation::{Observation, Quantity, Value},
};
use serde_json::{Value as Json, json};

use super::{
    lanes::Lanes,
    writer::{Track, Writer},
};

/// When something happened.
#[derive(Clone, Copy)]
pub(super) struct When {
    pub(super) ns: i64,
    /// Nothing is shown before: the run went on here.
    pub(super) resumed_ns: i64,
}

/// A trial that has begun.
pub(super) struct Trial {
    lane: Track,
    /// What it has for itself, with the track of each.
    held: Vec<(Arc<str>, Track)>,
    /// Steps that have begun: label and lane. The first runs on the lane of the trial, others beside it on lanes of their own.
    steps: Vec<(String, Track)>,
    /// When the sound of a step left, and the flow that begins there.
    emitted: BTreeMap<String, (i64, u64)>,
    /// The last time of which something is known.
    last_ns: i64,
}

impl Trial {
    pub(super) fn new(lane: Track, held: Vec<(Arc<str>, Track)>, ns: i64) -> Self {
        Self { lane, held, steps: Vec::new(), emitted: BTreeMap::new(), last_ns: ns }
    }

    /// The last time of which something is known: it ends no earlier.
    pub(super) const fn last_ns(&self) -> i64 {
        self.last_ns
    }

    /// The lane of a step that runs; that of the trial when it does not.
    fn lane_of(&self, step: &str) -> Track {
        self.steps.iter().find(|(label, _)| label == step).map_or(self.lane, |(_, lane)| *lane)
    }

    pub(super) fn take<W: Write>(
        &mut self,
        out: &mut Writer<W>,
        lanes: &mut Lanes,
        flows: &mut u64,
        When { ns, resumed_ns }: When,
        step: Option<&str>,
        body: &Body,
    ) -> io::Result<()> {
        self.last_ns = self.last_ns.max(ns);
        let label = step.unwrap_or_default();
        let lane = self.lane_of(label);
        match body {
            Body::StepStarted { action, phase } => {
                let beside = self.steps.iter().any(|(_, lane)| *lane == self.lane);
                let lane = if beside { lanes.take(out)? } else { self.lane };
                self.steps.push((label.to_owned(), lane));
                out.begin(lane, ns, label, &json!({"action": action, "phase": phase}))
            }
            Body::StepFinished { outcome, .. } => {
                let Some(at) = self.steps.iter().position(|(known, _)| known == label) else { return Ok(()) };
                let (_, lane) = self.steps.remove(at);
                out.end(lane, ns, &ended(outcome))?;
                if lane != self.lane {
                    lanes.give(lane);
                }
                Ok(())
            }
            Body::Attempt { number, failure } => {
                let failure = failure.as_ref().map(ToString::to_string);
                out.instant(lane, ns, "attempt", &json!({"number": number, "failure": failure}))
            }
            Body::Found { unit, rssi_dbm } => {
                out.instant(lane, ns, "found", &json!({"unit": unit, "rssi_dbm": rssi_dbm}))
            }
            Body::Connected { unit, codec, .. } => {
                out.instant(lane, ns, "connected", &json!({"unit": unit, "codec": codec}))
            }
            Body::Asked { unit, asked, said, .. } => {
                out.instant(lane, ns, "asked", &json!({"unit": unit, "asked": asked, "said": said}))
            }
            Body::TransportChanged { unit, t_ns, change } => {
                let arguments = &json!({"unit": unit, "change": change.to_string()});
                out.instant(lane, (*t_ns).max(resumed_ns), "transport", arguments)
            }
            Body::Warning { text } => out.instant(lane, ns, "warning", &json!({"text": text})),
            Body::Emitted { signal, t_ns, .. } => {
                *flows += 1;
                let left = (*t_ns).max(resumed_ns);
                self.emitted.insert(label.to_owned(), (*t_ns, *flows));
                out.instant(lane, left, "emitted", &json!({"signal": signal}))?;
                out.flow_from(lane, left, *flows)
            }
            Body::Observed(observation) => self.observed(out, observation, resumed_ns),
            _ => Ok(()),
        }
    }

    /// The sound arrives at the microphone that heard it.
    fn observed<W: Write>(
        &mut self,
        out: &mut Writer<W>,
        observation: &Observation,
        resumed_ns: i64,
    ) -> io::Result<()> {
        let (Quantity::Latency, Value::Number { value, unit, .. }) = (observation.quantity, &observation.value) else {
            return Ok(());
        };
        let Some((left, flow)) = self.emitted.remove(&observation.of).filter(|_| unit == "ms") else { return Ok(()) };
        let ears = self.held.iter().find(|(name, _)| name.starts_with("microphone "));
        let ears = ears.map_or(self.lane, |(_, track)| *track);
        let arrival = left.saturating_add((value * 1e6) as i64).max(resumed_ns);
        out.instant(ears, arrival, "arrival", &json!({"latency_ms": value}))?;
        out.flow_to(ears, arrival, flow)
    }

    /// Ends what is open on its lanes and tracks.
    pub(super) fn end<W: Write>(
        self,
        out: &mut Writer<W>,
        lanes: &mut Lanes,
        ns: i64,
        arguments: &Json,
    ) -> io::Result<()> {
        for (_, lane) in self.steps {
            out.end(lane, ns, &json!({"outcome": "unfinished"}))?;
            if lane != self.lane {
                lanes.give(lane);
            }
        }
        out.end(self.lane, ns, arguments)?;
        lanes.give(self.lane);
        for (_, track) in self.held {
            out.end(track, ns, &json!({}))?;
        }
        Ok(())
    }
}

fn ended(outcome: &StepOutcome) -> Json {
    match outcome {
        StepOutcome::Done => json!({"outcome": "done"}),
        StepOutcome::Failed(failure) => {
            json!({"outcome": "failed", "class": failure.class.as_str(), "detail": failure.detail})
        }
        StepOutcome::Lost(fault) => json!({"outcome": "lost", "member": fault.member, "what": fault.what}),
        StepOutcome::Cancelled => json!({"outcome": "cancelled"}),
    }
}
