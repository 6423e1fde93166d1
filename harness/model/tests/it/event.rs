//! Events as lines of the log.

use proptest::prelude::*;
use rigtone_model::{
    event::{At, Body, Event, Phase, StepOutcome, TrialOutcome},
    observation::{Observation, Quantity, Value},
    trial::{TrialFolder, TrialRecord},
};

/// Finite numbers of any size, and those that measurements give.
fn figure() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>().prop_filter("JSON has no other", |x| x.is_finite()), -200.0..20_000.0]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Judged again from the log, a value on its limit must be on the same side of it.
    #[test]
    fn a_measured_value_reads_back_bit_for_bit(value in figure(), uncertainty in figure(), quality in figure()) {
        let value = Value::Number { value, unit: "ms".to_owned(), uncertainty };
        let mut observation = Observation::raw("play", Quantity::Latency, value);
        observation.quality.insert("drift-ppm".to_owned(), quality);
        let event = Event { seq: 0, t_ns: 0, at: None, body: Body::Observed(observation) };
        let line = event.to_line("run").expect("events are JSON");
        prop_assert_eq!(Event::from_line(&line).expect("what we write we read"), ("run".into(), event));
    }
}

/// The events of one attempt, folded.
fn folded(bodies: Vec<Body>) -> TrialRecord {
    let at = At { combination: "s/a=b#00000000".into(), trial: 1, attempt: 1, step: Some("play".to_owned()) };
    let mut folder = TrialFolder::default();
    let records = bodies
        .into_iter()
        .enumerate()
        .filter_map(|(seq, body)| folder.take(Event { seq: seq as u64, t_ns: seq as i64, at: Some(at.clone()), body }));
    records.last().expect("the trial ended")
}

#[test]
fn what_is_observed_before_and_after_the_trial_proper_is_not_judged() {
    let started = |phase| Body::StepStarted { action: "play".to_owned(), phase };
    let finished =
        |phase| Body::StepFinished { action: "play".to_owned(), phase, outcome: StepOutcome::Done, took_ns: 1 };
    let heard = |heard| Body::Observed(Observation::raw("play", Quantity::Presence, Value::Truth(heard)));
    let codec = Observation::raw("connect", Quantity::AirCodec, Value::Word("sbc".to_owned()));
    let record = folded(vec![
        Body::TrialStarted,
        started(Phase::Setup),
        heard(true),
        finished(Phase::Setup),
        started(Phase::Trial),
        heard(false),
        finished(Phase::Trial),
        started(Phase::Cleanup),
        heard(true),
        finished(Phase::Cleanup),
        // What a capture says is known when all is over.
        Body::Observed(codec.clone()),
        Body::TrialFinished { outcome: TrialOutcome::Completed, memory: None },
    ]);
    assert_eq!(record.observations, [Observation::raw("play", Quantity::Presence, Value::Truth(false)), codec]);
    assert_eq!(record.steps.len(), 1);
}
