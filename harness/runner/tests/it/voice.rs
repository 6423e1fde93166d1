//! Speaking to assistants and over hands-free links, in the simulated world.

use rigtone_model::{
    document::Rig,
    event::{Body, StepOutcome},
    load::{SourceFile, load},
    observation::{Observation, Quantity, Value},
    trial::FailureClass,
};
use rstest::rstest;

use crate::bench::{Done, Planned, plan, run_from};

/// An assistant and a speaker, each with a microphone beside it; `assistant` and `speaker` are keys of `simulated`.
fn rig(assistant: &str, speaker: &str) -> Rig {
    let text = format!(
        r#"rig: voices
title: An assistant and a speaker
world: simulated
rooms: {{lab: {{noise: -75 dB, rt60: 300 ms}}}}
relays: {{board-1: {{channels: 4}}}}
microphones:
  near-assistant: {{room: lab, calibrated: {{full-scale: 100 dB SPL, uncertainty: 1 dB}}}}
  near-speaker: {{room: lab, latency-uncertainty: 1 ms}}
units:
  assistant:
    {{device: rigtone/simulated-assistant, firmware: "1", address: "0C:00:00:00:00:02", control: voice,
     heard-by: {{near-assistant: {{distance: 0.2 m}}}}, simulated: {{{assistant}}}}}
  speaker:
    {{device: rigtone/simulated-speaker, firmware: "1", address: "5E:00:00:00:00:01",
     heard-by: {{near-speaker: {{distance: 0.3 m}}, near-assistant: {{distance: 0.8 m}}}}, simulated: {{{speaker}}}}}
"#
    );
    let mut loaded = load(vec![SourceFile { path: "voices.yaml".into(), bytes: text.clone().into_bytes() }]);
    assert!(loaded.diagnostics.is_empty(), "{text}\n{:#?}", loaded.diagnostics);
    loaded.library.rigs.swap_remove("voices").expect("a rig").value
}

fn planned(steps: &[&str], expect: &str, rig: Rig) -> Planned {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trial.yaml");
    let steps: String = steps.iter().map(|step| format!("  - {step}\n")).collect();
    let text = format!(
        "scenario: trial\ntitle: A trial\nmatrix:\n  source: {{role: a2dp-source}}\n  speaker: {{tags: [speaker]}}\n\
         trial:\n{steps}repeat: {{at-least: 1, at-most: 1}}\nexpect:\n  - {expect}\n"
    );
    std::fs::write(&path, text).expect("a file");
    plan(&[path.to_str().expect("plain text")], |document| *document = rig)
}

fn done(steps: &[&str], expect: &str, rig: Rig) -> Done {
    let planned = planned(steps, expect, rig);
    assert_eq!(planned.run.plan.combinations[0].skipped, None);
    run_from(&planned, 3)
}

fn observed(done: &Done, wanted: Quantity) -> Vec<Observation> {
    let observed = done.events.iter().filter_map(|event| match &event.body {
        Body::Observed(observation) if observation.quantity == wanted => Some(observation.clone()),
        _ => None,
    });
    observed.collect()
}

fn number(observation: &Observation) -> f64 {
    match observation.value {
        Value::Number { value, .. } => value,
        ref other => panic!("{other}"),
    }
}

/// How the last step of that action ended.
fn ended(done: &Done, action: &str) -> Result<(), FailureClass> {
    let outcomes = done.events.iter().rev().find_map(|event| match &event.body {
        Body::StepFinished { action: of, outcome, .. } if of == action => Some(outcome.clone()),
        _ => None,
    });
    match outcomes.expect("a step that ended") {
        StepOutcome::Done => Ok(()),
        StepOutcome::Failed(failure) => Err(failure.class),
        other => panic!("{other:?}"),
    }
}

const WAKE: &str = "prompt: {unit: source, says: wake-word, times: 1, every: 6 s, loudness: 65 dB SPL, from: 1.5 m}";

#[rstest]
// A prompt lasts one second.
#[case::at_once("", Ok(1.4))]
#[case::slowly("assistant: {reacts-after: 2 s}", Ok(3.0))]
#[case::too_late("assistant: {reacts-after: 20 s}", Err(FailureClass::NoReaction))]
#[case::deaf("assistant: {recognition: 0 %}", Err(FailureClass::NoReaction))]
fn a_prompt_succeeds_when_the_unit_is_heard_to_react(#[case] assistant: &str, #[case] due: Result<f64, FailureClass>) {
    let done = done(&[WAKE], "success-rate: {of: prompt}", rig(assistant, ""));
    let times: Vec<f64> = observed(&done, Quantity::Reaction).iter().map(number).collect();
    assert_eq!(ended(&done, "prompt"), due.map(|_| ()));
    match due {
        // The chime has 0.2 m to fly.
        Ok(at_s) => assert!(times.len() == 1 && (times[0] - at_s - 0.2 / 343.0).abs() < 0.002, "{times:?}"),
        Err(_) => assert!(times.is_empty(), "{times:?}"),
    }
}

#[test]
fn each_of_several_prompts_is_an_attempt() {
    let step = "prompt: {unit: source, says: wake-word, times: 12, every: 6 s}";
    let expect = "success-rate: {of: prompt, per: attempt}";
    let done = done(&[step], expect, rig("assistant: {recognition: 50 %}", ""));
    let attempts: Vec<bool> = done
        .events
        .iter()
        .filter_map(|event| match &event.body {
            Body::Attempt { failure, .. } => Some(failure.is_none()),
            _ => None,
        })
        .collect();
    let reacted = attempts.iter().filter(|reacted| **reacted).count();
    assert_eq!(attempts.len(), 12);
    assert_eq!(reacted, observed(&done, Quantity::Reaction).len());
    // One in two: 12 of 12 or none come once in two thousand seeds.
    assert!((1..12).contains(&reacted), "{reacted}");
    assert_eq!(done.verdicts.combinations[0].expectations[0].n, 12);
}

#[rstest]
#[case::it_should_not("wait-for: {event: reaction, unit: source, within: 150 s, absence-is: success}", Ok(()))]
#[case::it_should("wait-for: {event: reaction, unit: source, within: 20 s}", Err(FailureClass::NoReaction))]
fn nobody_speaks_and_it_does_not_react(#[case] step: &str, #[case] due: Result<(), FailureClass>) {
    let done = done(&[step], "count: {of: reactions, in: wait-for, at-most: 1 /h}", rig("", ""));
    assert_eq!(ended(&done, "wait-for"), due);
    let count = &observed(&done, Quantity::Reactions)[0];
    let within = if due.is_ok() { 150.0 } else { 20.0 };
    // What a stretch ends with could hold no whole chime.
    let listened = count.quality["listened-s"];
    assert!(number(count) == 0.0 && listened <= within && listened > 0.85 * within, "{listened}");
}

#[test]
fn a_reaction_whose_sound_nobody_knows_is_skipped_by_name() {
    let mut planned = planned(&[WAKE], "success-rate: {of: prompt}", rig("", ""));
    let device = planned.devices.get_mut("rigtone/simulated-assistant").expect("a device");
    device.reaction = None;
    let from =
        rigtone_model::plan::Expansion { rig: &planned.rig, devices: &planned.devices, signal_length: &|_| None };
    let found = rigtone_model::plan::expand(&planned.run.plan.scenarios[0], &from).expect("a plan");
    assert!(
        found[0].skipped.as_deref().is_some_and(|reason| reason.contains("names no sound that it makes then")),
        "{found:?}"
    );
}

const LINK: [&str; 2] = ["enter-pairing-mode: {unit: speaker}", "pair: {}"];
const GATEWAY: &str = "roles: [a2dp-source, hfp-gateway]";
const UNIT: &str = "roles: [a2dp-sink, hfp-unit]";

#[rstest]
#[case::both_can(GATEWAY, UNIT, Ok(()))]
#[case::no_gateway("", UNIT, Err(FailureClass::Unsupported))]
#[case::no_unit(GATEWAY, "", Err(FailureClass::Unsupported))]
fn hands_free_needs_its_role_at_either_end(
    #[case] source: &str,
    #[case] speaker: &str,
    #[case] due: Result<(), FailureClass>,
) {
    let steps = [&LINK[..], &["connect: {profile: hfp}"]].concat();
    let done = done(&steps, "unsupported: {of: connect}", rig(source, speaker));
    assert_eq!(ended(&done, "connect"), due);
    assert_eq!(done.verdicts.combinations[0].expectations[0].held, u32::from(due.is_err()));
}

#[rstest]
#[case::as_usual("", 240.0)]
#[case::slow("hands-free: {uplink: 200 ms, downlink: 350 ms}", 550.0)]
#[case::narrow("hands-free: {codec: cvsd, uplink: 90 ms, downlink: 110 ms}", 200.0)]
fn a_round_trip_is_both_ways_together(#[case] hands_free: &str, #[case] due_ms: f64) {
    let speaker = if hands_free.is_empty() { UNIT.to_owned() } else { format!("{UNIT}, {hands_free}") };
    let steps = [&LINK[..], &["connect: {profile: hfp}", "voice-loop: {signal: smoke, times: 3}"]].concat();
    let expect = "duration: {of: voice-loop, percentile: 50, at-most: 600 ms}";
    let done = done(&steps, expect, rig(GATEWAY, &speaker));
    assert_eq!(ended(&done, "voice-loop"), Ok(()));
    let trip = &observed(&done, Quantity::RoundTrip)[0];
    assert!((number(trip) - due_ms).abs() < 2.0, "{trip:?}");
    assert_eq!(done.verdicts.combinations[0].expectations[0].held, 1);
}

#[rstest]
#[case::silent("silent: true", FailureClass::Silent)]
#[case::not_connected("", FailureClass::NoStream)]
fn a_voice_that_does_not_come_back_fails(#[case] nature: &str, #[case] class: FailureClass) {
    let speaker = if nature.is_empty() { UNIT.to_owned() } else { format!("{UNIT}, {nature}") };
    let connect: &[&str] = if class == FailureClass::Silent { &["connect: {profile: hfp}"] } else { &[] };
    let steps = [&LINK[..], connect, &["voice-loop: {signal: smoke, times: 3}"]].concat();
    let done = done(&steps, "duration: {of: voice-loop, at-most: 600 ms}", rig(GATEWAY, &speaker));
    assert_eq!(ended(&done, "voice-loop"), Err(class));
    assert!(observed(&done, Quantity::RoundTrip).is_empty());
}

#[rstest]
#[case::off(false)]
#[case::on(true)]
fn music_is_disturbed_while_the_hands_free_link_is_on(#[case] on: bool) {
    let speaker = format!("{UNIT}, hands-free: {{copied: {{after: 60 ms, level: -3 dB}}}}");
    let hands_free: &[&str] = if on { &["connect: {profile: hfp}"] } else { &[] };
    let music = ["{connect: {profile: a2dp}, label: for-music}"];
    let steps = [&LINK[..], &music, hands_free, &["play: {signal: channels}"]].concat();
    let expect = "audio: {in: play, doubled: false}";
    let done = done(&steps, expect, rig(GATEWAY, &speaker));
    assert_eq!(done.verdicts.combinations[0].expectations[0].held, u32::from(!on));
}
