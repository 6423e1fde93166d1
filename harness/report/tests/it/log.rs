//! The log of the small run, made by hand: what happened in it is known.

use rigtone_model::{
    event::{At, Body, Edge, Event, Phase, StepOutcome, TrialOutcome, Truth},
    observation::{Method, Observation, Quantity, Value},
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
    verdict::Verdict,
};

use crate::sample::{LOST, PASS, UNDECIDED};

const MS: i64 = 1_000_000;

/// Builds a log event by event.
#[derive(Default)]
pub(crate) struct Log(pub(crate) Vec<Event>);

impl Log {
    pub(crate) fn whole(&mut self, t_ms: i64, body: Body) {
        let seq = self.0.len() as u64;
        self.0.push(Event { seq, t_ns: t_ms * MS, at: None, body });
    }

    pub(crate) fn trial(&mut self, t_ms: i64, (id, trial): (&str, u32), step: Option<&str>, body: Body) {
        let at = At { combination: id.into(), trial, attempt: 1, step: step.map(str::to_owned) };
        let seq = self.0.len() as u64;
        self.0.push(Event { seq, t_ns: t_ms * MS, at: Some(at), body });
    }

    pub(crate) fn step(&mut self, t_ms: i64, of: (&str, u32), step: &str, phase: Phase) {
        self.trial(t_ms, of, Some(step), Body::StepStarted { action: step.into(), phase });
    }

    pub(crate) fn done(&mut self, t_ms: i64, of: (&str, u32), step: &str, phase: Phase) {
        let (action, outcome) = (step.into(), StepOutcome::Done);
        self.trial(t_ms, of, Some(step), Body::StepFinished { action, phase, outcome, took_ns: MS });
    }

    pub(crate) fn ends(&mut self, t_ms: i64, of: (&str, u32), outcome: TrialOutcome) {
        self.trial(t_ms, of, None, Body::TrialFinished { outcome, memory: None });
    }

    pub(crate) fn observed(&mut self, t_ms: i64, of: (&str, u32), quantity: Quantity, value: Value) {
        let observation = Observation {
            method: Some(Method { name: "arrival".into(), version: 3 }),
            evidence: Some("ab".repeat(32)),
            ..Observation::raw("play", quantity, value)
        };
        self.trial(t_ms, of, Some("play"), Body::Observed(observation));
    }
}

/// A trial with a sound that leaves at 1000.5 ms and is heard 182.25 ms later; beside it one that the rig loses, with a step
/// beside a step; and one that never ends.
pub(crate) fn log() -> Vec<Event> {
    let (heard, lost, cut) = ((UNDECIDED, 1), (LOST, 1), (PASS, 1));
    let mut log = Log::default();
    log.whole(
        0,
        Body::RunStarted {
            rigtone: "0.1.0".into(),
            rig: "lab-3".into(),
            seed: 1,
            unix_s: 1_795_392_000,
            trials_at_most: 360,
        },
    );
    log.whole(1, Body::Checked { member: "relay board-1".into(), finding: "it answers".into(), ok: true });
    log.trial(10, heard, None, Body::TrialStarted);
    log.step(11, heard, "power-cycle", Phase::Setup);
    let edge = Some(Edge { sent_ns: 12 * MS, acknowledged_ns: 12 * MS + 345_678 });
    let unit = "charge-b".to_owned();
    log.trial(13, heard, Some("power-cycle"), Body::PowerSwitched { unit, on: true, truth: Truth::Reported, edge });
    log.observed(14, heard, Quantity::NoiseFloor, Value::Truth(false));
    log.done(15, heard, "power-cycle", Phase::Setup);
    log.trial(16, lost, None, Body::TrialStarted);
    log.step(17, heard, "play", Phase::Trial);
    log.step(18, lost, "pair", Phase::Trial);
    let refused = DeviceFailure::new(FailureClass::PairingRefused, "it said no");
    log.trial(19, lost, Some("pair"), Body::Attempt { number: 1, failure: Some(refused) });
    log.step(20, lost, "listen", Phase::Trial);
    log.done(21, lost, "pair", Phase::Trial);
    let fault = InfrastructureFault::new("relay board-1", "no answer");
    log.ends(22, lost, TrialOutcome::Lost(fault));
    log.whole(23, Body::Benched { member: "relay board-1".into(), why: "no answer".into() });
    let emitted = Body::Emitted { signal: "smoke".into(), t_ns: 1_000_500_000, uncertainty_ns: 1000 };
    log.trial(1001, heard, Some("play"), emitted);
    let latency = Value::Number { value: 182.25, unit: "ms".into(), uncertainty: 0.5 };
    log.observed(2000, heard, Quantity::Latency, latency);
    let range = Value::Range { low: None, high: Some(-12.5), unit: "dB".into() };
    log.observed(2001, heard, Quantity::Level, range);
    log.observed(2002, heard, Quantity::Presence, Value::Truth(true));
    log.observed(2003, heard, Quantity::Codec, Value::Word("=HYPERLINK(\"x\"),\n'sbc'".into()));
    log.observed(2004, heard, Quantity::Snr, Value::Inconclusive { reason: "it does not carry the answer".into() });
    log.done(2005, heard, "play", Phase::Trial);
    log.ends(2006, heard, TrialOutcome::Completed);
    log.trial(2006, heard, None, Body::Decided { verdict: Verdict::Inconclusive, n: 1 });
    log.trial(2007, cut, None, Body::TrialStarted);
    log.step(2008, cut, "pair", Phase::Trial);
    log.observed(2009, cut, Quantity::Attempts, Value::Number { value: 1e-9, unit: String::new(), uncertainty: 0.0 });
    log.0
}
