//! Steps beside each other, limits of trials, and everything that a play can be asked for, in the simulated world.

use rigtone_model::{
    document::Rig,
    event::{Body, Event, StepOutcome, TrialOutcome},
    load::{SourceFile, load},
    observation::{Observation, Quantity, Value},
    trial::FailureClass,
};
use rstest::rstest;

use crate::bench::{Done, plan, run_from};

const SECOND: i64 = 1_000_000_000;

/// A source, two speakers and a microphone far from them; the natures as in a rig's document.
fn rig(source: &str, speaker: &str) -> Rig {
    let text = format!(
        r#"rig: pair
title: A source and two speakers
world: simulated
rooms: {{lab: {{noise: -75 dB}}, far: {{noise: -75 dB}}}}
relays: {{board-1: {{channels: 4}}}}
microphones:
  bench-1: {{room: lab, latency-uncertainty: 1 ms, calibrated: {{full-scale: 110 dB SPL, uncertainty: 0.5 dB}}}}
  bench-2: {{room: far, latency-uncertainty: 1 ms}}
units:
  source:
    device: rigtone/simulated-source
    firmware: "1"
    address: "0C:00:00:00:00:02"
    control: command
    heard-by: {{bench-2: {{distance: 0.3 m}}}}
    simulated: {{{source}}}
  first:
    device: rigtone/simulated-speaker
    firmware: "1"
    address: "5E:00:00:00:00:03"
    tags: [first]
    heard-by: {{bench-1: {{distance: 0.3 m}}}}
    simulated: {{{speaker}}}
  second:
    device: rigtone/simulated-speaker
    firmware: "1"
    address: "5E:00:00:00:00:04"
    tags: [second]
    heard-by: {{bench-1: {{distance: 0.3 m}}}}
"#
    );
    let mut loaded = load(vec![SourceFile { path: "pair.yaml".into(), bytes: text.into_bytes() }]);
    loaded.library.rigs.swap_remove("pair").expect("a rig").value
}

const MEET: &str = "setup:\n  - enter-pairing-mode: {unit: speaker}\n  - discover: {within: 30 s}\n  - pair: {}\n  \
                    - enter-pairing-mode: {unit: second}\n  - discover: {unit: second, within: 30 s}\n  - pair: {unit: second}\n";

/// Runs three trials of these steps, which have to be given with their dashes.
fn done(natures: (&str, &str), trial: &str, rest: &str) -> Done {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trial.yaml");
    let text = format!(
        "scenario: trial\ntitle: A trial\nmatrix:\n  source: {{role: a2dp-source}}\n  speaker: {{tags: [first]}}\n  \
         second: {{tags: [second]}}\n  near: {{microphone: {{near: speaker}}}}\n  far: {{microphone: {{near: source}}}}\n{MEET}\
         trial:\n  - connect: {{profile: a2dp}}\n{trial}\
         repeat: {{at-least: 3, at-most: 3}}\n{rest}expect:\n  - success-rate: {{of: connect, at-least: 50 %, good: 90 %}}\n  \
         - audio: {{in: axes, at: near, present: true, at-least: 50 %, good: 90 %}}\n"
    );
    // Every axis has to be used by somebody.
    let axes = "  - play: {signal: smoke, heard-by: [near, far]}\n    label: axes\n";
    let text = text.replace("repeat:", &format!("{axes}repeat:"));
    std::fs::write(&path, text).expect("a file");
    let planned = plan(&[path.to_str().expect("plain text")], |document| *document = rig(natures.0, natures.1));
    for combination in &planned.run.plan.combinations {
        assert_eq!(combination.skipped, None);
    }
    run_from(&planned, 1)
}

fn first_trial(done: &Done) -> impl Iterator<Item = &Event> {
    done.events.iter().filter(|event| event.at.as_ref().is_some_and(|at| at.trial == 1))
}

/// When the step of that label began and ended, and how; none where it was not begun.
fn step(done: &Done, label: &str) -> Option<(i64, i64, StepOutcome)> {
    let mine =
        || first_trial(done).filter(move |event| event.at.as_ref().and_then(|at| at.step.as_deref()) == Some(label));
    let began = mine().find(|event| matches!(event.body, Body::StepStarted { .. }))?.t_ns;
    let ended = mine().find_map(|event| match &event.body {
        Body::StepFinished { outcome, .. } => Some((event.t_ns, outcome.clone())),
        _ => None,
    });
    let (ended_ns, outcome) = ended.expect("what has begun ends");
    Some((began, ended_ns, outcome))
}

fn observed<'d>(done: &'d Done, label: &str, quantity: Quantity, at: Option<&str>) -> Option<&'d Observation> {
    first_trial(done).find_map(|event| match &event.body {
        Body::Observed(o) if o.of == label && o.quantity == quantity && (at.is_none() || o.at.as_deref() == at) => {
            Some(o)
        }
        _ => None,
    })
}

fn number(observation: Option<&Observation>) -> f64 {
    match observation.map(|o| &o.value) {
        Some(Value::Number { value, .. }) => *value,
        other => panic!("{other:?}"),
    }
}

fn failure(outcome: &StepOutcome) -> Option<FailureClass> {
    match outcome {
        StepOutcome::Failed(failure) => Some(failure.class),
        _ => None,
    }
}

#[test]
fn steps_beside_another_go_on_at_once_and_the_next_waits_for_all() {
    let done = done(
        ("", ""),
        "  - wait: {for: 5 s}\n    label: main\n    meanwhile:\n      - wait: {for: 2 s}\n        label: one\n        meanwhile:\n          \
         - wait: {for: 7 s}\n            label: nested\n      - wait: {for: 1 s}\n        label: two\n",
        "",
    );
    let at = |label| step(&done, label).expect("it was done");
    let begin = at("main").0;
    let seconds = |label| ((at(label).0 - begin) / SECOND, (at(label).1 - begin) / SECOND);
    assert_eq!((seconds("main"), seconds("one"), seconds("nested")), ((0, 5), (0, 2), (0, 7)));
    assert_eq!((seconds("two"), seconds("axes").0), ((7, 8), 8), "one after the other, and the longest of all counts");
}

#[test]
fn what_fails_beside_a_step_leaves_it_to_its_end_and_ends_the_trial() {
    let done = done(
        ("", ""),
        "  - play: {signal: smoke}\n    meanwhile:\n      - wait-for: {event: disconnected, within: 1 s}\n        label: gone\n      \
         - wait: {for: 1 s}\n        label: after\n  - wait: {for: 1 s}\n    label: next\n",
        "",
    );
    assert_eq!(failure(&step(&done, "gone").expect("it was done").2), Some(FailureClass::Untimely));
    assert_eq!(step(&done, "play").expect("it was done").2, StepOutcome::Done);
    assert_eq!(observed(&done, "play", Quantity::Presence, None).map(|o| &o.value), Some(&Value::Truth(true)));
    assert_eq!((step(&done, "after"), step(&done, "next")), (None, None));
}

#[rstest]
#[case::it_drops_its_link("drops-link-after: 1 s", None, Some(FailureClass::LinkLost))]
#[case::it_holds_its_link("", Some(FailureClass::Untimely), None)]
fn the_end_of_a_link_is_seen_beside_a_play(
    #[case] nature: &str,
    #[case] watched: Option<FailureClass>,
    #[case] played: Option<FailureClass>,
) {
    let done = done(
        ("", nature),
        "  - play: {signal: smoke}\n    meanwhile:\n      - wait-for: {event: disconnected, within: 2500 ms}\n        label: gone\n",
        "",
    );
    let (began, ended, outcome) = step(&done, "gone").expect("it was done");
    assert_eq!(failure(&outcome), watched);
    if watched.is_none() {
        assert!((SECOND..SECOND + SECOND / 2).contains(&(ended - began)), "{} ns", ended - began);
    }
    assert_eq!(failure(&step(&done, "play").expect("it was done").2), played);
}

#[test]
fn the_same_seed_gives_the_same_events_with_steps_beside_each_other() {
    let trial = "  - play: {signal: smoke, for: 8 s}\n    meanwhile:\n      - wait: {for: 2 s}\n      \
                 - connect: {unit: second, profile: a2dp}\n        label: connect-second\n";
    let log = |done: &Done| std::fs::read_to_string(done.directory.path().join("run/events.jsonl")).expect("a log");
    let both = [done(("", ""), trial, ""), done(("", ""), trial, "")];
    assert_eq!(log(&both[0]), log(&both[1]));
}

#[rstest]
#[case::over("  - wait-for: {event: disconnected, within: 1 min}\n    label: long\n", true)]
#[case::within("  - wait: {for: 4 s}\n    label: long\n", false)]
fn a_trial_that_takes_longer_than_its_limit_has_failed(#[case] trial: &str, #[case] over: bool) {
    let done = done(("", ""), trial, "trial-limit: 20 s\n");
    let began = step(&done, "connect").expect("it was done").0;
    let (_, ended, outcome) = step(&done, "long").expect("it was done");
    assert_eq!(failure(&outcome), over.then_some(FailureClass::Untimely));
    if over {
        assert_eq!(ended - began, 20 * SECOND);
        assert_eq!(step(&done, "axes"), None, "nothing follows");
    }
    let completed = |event: &Event| matches!(event.body, Body::TrialFinished { outcome: TrialOutcome::Completed, .. });
    assert!(first_trial(&done).any(completed), "it is the device's result, and none of the rig's");
}

#[test]
fn every_microphone_that_a_play_names_is_judged_by_itself() {
    let done = done(("", ""), "", "");
    let presence = |at| observed(&done, "axes", Quantity::Presence, Some(at)).map(|o| o.value.clone());
    assert_eq!(presence("near"), Some(Value::Truth(true)));
    assert_eq!(presence("far"), Some(Value::Truth(false)), "it stands in another room");
}

/// `noise` lasts 16.4 s, 12 s of which are noise from 2.7 s on, and the last time begins within the time that is asked for.
#[rstest]
#[case::whole("", 3.0, true, 0.0)]
#[case::holes_in_every_time("sound: {holes: {every: 10 s, for: 80 ms}}", 3.0, false, 4.0)]
#[case::it_breaks_off("freezes-after: 25 s", 3.0, false, 1.0)]
fn a_long_play_is_measured_from_its_beginning_to_its_end(
    #[case] nature: &str,
    #[case] times: f64,
    #[case] heard: bool,
    #[case] dropouts: f64,
) {
    let done = done(("", nature), "  - play: {signal: noise, for: 40 s}\n", "");
    let (began, ended, _) = step(&done, "play").expect("it was done");
    assert!((ended - began) / 1_000_000 >= 3 * 16_400, "{} ns", ended - began);
    let presence = observed(&done, "play", Quantity::Presence, None).expect("it was listened for");
    assert_eq!(presence.value, Value::Truth(heard));
    assert_eq!(presence.quality.get("times-sent"), Some(&times));
    let found = number(observed(&done, "play", Quantity::Dropouts, None));
    assert_eq!(found, dropouts, "holes");
}

#[rstest]
#[case::level("level: -20 dB", -20.0)]
#[case::volume("volume: 50 %", -29.8)]
fn what_is_played_softer_is_heard_softer(#[case] how: &str, #[case] softer_db: f64) {
    let trial =
        format!("  - play: {{signal: smoke}}\n    label: loud\n  - play: {{signal: smoke, {how}}}\n    label: soft\n");
    let done = done(("", ""), &trial, "");
    let level = |label| number(observed(&done, label, Quantity::Level, None));
    assert!((level("soft") - level("loud") - softer_db).abs() < 0.5, "{} {}", level("loud"), level("soft"));
}

#[rstest]
#[case::in_reach("", 70, None)]
#[case::too_loud("", 130, Some(FailureClass::OutOfLimits))]
#[case::fixed("fixed-volume: true", 70, Some(FailureClass::Unsupported))]
fn the_volume_is_turned_until_it_is_as_loud_as_asked_for(
    #[case] nature: &str,
    #[case] wanted: i32,
    #[case] fails: Option<FailureClass>,
) {
    let trial = format!("  - play: {{signal: noise, loudness: {wanted} dB SPL}}\n");
    let done = done(("", nature), &trial, "");
    assert_eq!(failure(&step(&done, "play").expect("it was done").2), fails);
    if fails.is_none() {
        let loud = number(observed(&done, "play", Quantity::SoundPressure, None));
        assert!((loud - f64::from(wanted)).abs() <= 1.2, "{loud} dB SPL");
        let volume = number(observed(&done, "play", Quantity::Volume, None));
        assert!((0.0..100.0).contains(&volume), "{volume} %");
    }
}

#[rstest]
#[case::sounds("music", true)]
#[case::is_silent("radio", false)]
fn of_a_silent_content_nothing_is_heard(#[case] content: &str, #[case] heard: bool) {
    let trial = format!("  - play: {{signal: smoke, content: {content}}}\n");
    let done = done(("silent-contents: [radio]", ""), &trial, "");
    assert_eq!(observed(&done, "play", Quantity::Presence, None).map(|o| &o.value), Some(&Value::Truth(heard)));
}

#[rstest]
#[case::beside_each_other("", None, true, 0.0)]
// A sound with such a hole was not heard whole.
#[case::disturbs("second-link: disturbs", None, false, 1.0)]
#[case::takes_over("second-link: takes-over", None, false, 1.0)]
#[case::refused("one-link: true", Some(FailureClass::NotConnected), true, 0.0)]
fn a_second_link_is_made_of_what_the_source_makes_of_it(
    #[case] nature: &str,
    #[case] refused: Option<FailureClass>,
    #[case] heard: bool,
    #[case] dropouts: f64,
) {
    let trial = "  - play: {signal: noise, for: 40 s}\n    meanwhile:\n      - wait: {for: 20 s}\n      \
                 - connect: {unit: second, profile: a2dp}\n        label: connect-second\n";
    let done = done((nature, ""), trial, "");
    assert_eq!(failure(&step(&done, "connect-second").expect("it was done").2), refused);
    assert_eq!(observed(&done, "play", Quantity::Presence, None).map(|o| &o.value), Some(&Value::Truth(heard)));
    assert_eq!(number(observed(&done, "play", Quantity::Dropouts, None)), dropouts);
}

#[rstest]
#[case::while_it_plays("near", true)]
#[case::in_another_room("far", false)]
fn any_sound_is_heard_above_the_noise_of_its_room(#[case] with: &str, #[case] heard: bool) {
    let trial = format!(
        "  - play: {{signal: smoke}}\n    meanwhile:\n      - listen: {{with: {with}, for: 3 s}}\n        label: any\n"
    );
    let done = done(("", ""), &trial, "");
    let presence = observed(&done, "any", Quantity::Presence, None).expect("it was listened for");
    assert_eq!(presence.value, Value::Truth(heard), "{presence:?}");
}
