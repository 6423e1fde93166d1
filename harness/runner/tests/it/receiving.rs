//! A sink of Rigtone's own waits for sources, in the simulated world.

use rigtone_model::{
    document::Rig,
    event::{Body, StepOutcome, TrialOutcome},
    load::{SourceFile, load},
    observation::{Quantity, Value},
    trial::FailureClass,
};
use rstest::rstest;

use crate::bench::{Done, plan, run_from};

fn rig() -> Rig {
    let text = r#"rig: sinks
title: A source on a dongle, a sink on another one
world: simulated
rooms: {lab: {noise: -75 dB}}
dongles:
  usb-1: {address: "0C:00:00:00:00:02"}
  usb-2: {address: "0C:00:00:00:00:03"}
microphones:
  bench-1: {room: lab, latency-uncertainty: 1 ms}
units:
  source:
    {device: rigtone/endpoint, firmware: host, address: "0C:00:00:00:00:02", control: endpoint, dongle: usb-1}
  sink:
    {device: rigtone/reference-sink, firmware: host, address: "0C:00:00:00:00:03", control: endpoint, dongle: usb-2,
     heard-by: {bench-1: {distance: 0.3 m}}}
"#;
    let mut loaded = load(vec![SourceFile { path: "sinks.yaml".into(), bytes: text.as_bytes().to_vec() }]);
    loaded.library.rigs.swap_remove("sinks").expect("a rig").value
}

/// Runs three trials of these steps, of which `expect` speaks.
fn done(steps: &[&str], expect: &str) -> Done {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trial.yaml");
    let steps: String = steps.iter().map(|step| format!("  - {step}\n")).collect();
    let text = format!(
        "scenario: trial\ntitle: A trial\nmatrix:\n  source: {{role: a2dp-source}}\n  sink: {{role: a2dp-sink, tags: [reference-sink]}}\n  \
         codec: [aac]\n  wire: {{microphone: {{near: sink}}}}\ntrial:\n{steps}\
         repeat: {{at-least: 3, at-most: 3}}\nexpect:\n  - {expect}\n"
    );
    std::fs::write(&path, text).expect("a file");
    let planned = plan(&[path.to_str().expect("plain text")], |document| *document = rig());
    run_from(&planned, 1)
}

fn bodies(done: &Done) -> impl Iterator<Item = &Body> {
    done.events.iter().filter(|event| event.at.as_ref().is_some_and(|at| at.trial == 1)).map(|event| &event.body)
}

/// How the step of that action ended, and after how many ns.
fn ended(done: &Done, action: &str) -> (StepOutcome, i64) {
    let found = bodies(done).find_map(|body| match body {
        Body::StepFinished { action: of, outcome, took_ns, .. } if of == action => Some((outcome.clone(), *took_ns)),
        _ => None,
    });
    found.expect("a step that ended")
}

const MEET: [&str; 4] = [
    "enter-pairing-mode: {unit: sink}",
    "discover: {unit: sink, within: 30 s}",
    "pair: {unit: sink}",
    "connect: {unit: sink, profile: a2dp, codec: $codec}",
];

#[test]
fn a_source_that_connects_is_what_is_waited_for() {
    let steps = [&MEET[..], &["wait-for: {event: connected, unit: sink, within: 5 s}"]].concat();
    let done = done(&steps, "codec: {in: wait-for, is: requested}");
    assert_eq!(ended(&done, "wait-for").0, StepOutcome::Done);
    let told: Vec<_> = bodies(&done)
        .filter_map(|body| match body {
            Body::Connected { unit, codec, configuration } => {
                Some((&**unit, codec.as_deref(), configuration.is_some()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, [("sink", Some("aac"), true); 2]);
    let codecs = bodies(&done).filter(|body| {
        matches!(body, Body::Observed(o) if o.of == "wait-for" && o.quantity == Quantity::Codec
            && o.value == Value::Word("aac".to_owned()))
    });
    assert_eq!(codecs.count(), 1);
}

#[rstest]
#[case::connected("connected", None, Some(FailureClass::NotConnected), 5_000_000_000)]
#[case::connected_as_it_should_not("connected", Some("success"), None, 5_000_000_000)]
#[case::disconnected("disconnected", None, None, 0)]
#[case::disconnected_as_it_should_not("disconnected", Some("success"), Some(FailureClass::Accepted), 0)]
fn waiting_ends_with_the_event_or_in_time(
    #[case] event: &str,
    #[case] absence_is: Option<&str>,
    #[case] failure: Option<FailureClass>,
    #[case] took_ns: i64,
) {
    let absence = absence_is.map(|absence| format!(", absence-is: {absence}")).unwrap_or_default();
    let wait = format!("wait-for: {{event: {event}, unit: sink, within: 5 s{absence}}}");
    // Something has to speak of the axis of codecs.
    let steps = [&MEET[..3], &[&wait, "connect: {unit: sink, profile: a2dp, codec: $codec}"]].concat();
    let done = done(&steps, "success-rate: {of: wait-for, at-least: 50 %, good: 90 %}");
    let (outcome, took) = ended(&done, "wait-for");
    match (outcome, failure) {
        (StepOutcome::Done, None) => {}
        (StepOutcome::Failed(found), Some(class)) => assert_eq!(found.class, class, "{found}"),
        (outcome, _) => panic!("{outcome:?}"),
    }
    assert_eq!(took, took_ns);
}

#[test]
fn a_link_that_stays_is_no_disconnection() {
    let steps = [&MEET[..], &["wait-for: {event: disconnected, unit: sink, within: 5 s}"]].concat();
    let done = done(&steps, "success-rate: {of: wait-for, at-least: 50 %, good: 90 %}");
    let (StepOutcome::Failed(failure), took_ns) = ended(&done, "wait-for") else { panic!("a failure") };
    assert_eq!((failure.class, took_ns), (FailureClass::Untimely, 5_000_000_000));
}

#[test]
fn listening_without_a_sound_hears_none_and_loses_no_trial() {
    let steps = [&MEET[..], &["listen: {with: wire, for: 4 s, signal: smoke}"]].concat();
    let done = done(&steps, "audio: {in: listen, present: false}");
    let presence = bodies(&done).find_map(|body| match body {
        Body::Observed(o) if o.of == "listen" && o.quantity == Quantity::Presence => Some(o.value.clone()),
        _ => None,
    });
    assert_eq!(presence, Some(Value::Truth(false)));
    let finished =
        bodies(&done).any(|body| matches!(body, Body::TrialFinished { outcome: TrialOutcome::Completed, .. }));
    assert!(finished && ended(&done, "listen").1 >= 4_000_000_000);
}
