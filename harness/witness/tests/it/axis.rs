//! What a drawing of a trial goes by beside the words: kinds of moments, and how they ended.

use std::{fs, path::Path};

use rigtone_model::{
    event::{At, Body, CaptureClock, Event, Phase, StepOutcome},
    id::{CombinationId, sha256_hex},
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};
use rigtone_witness::{
    axis::{Axis, Builder, Kind, Moment, Outcome, Source},
    radio::Traffic,
};
use rstest::rstest;

fn event(body: Body) -> Event {
    let (combination, step) = (CombinationId::from("c"), Some("connect".to_owned()));
    Event { seq: 0, t_ns: 2_000_000_000, at: Some(At { combination, trial: 1, attempt: 1, step }), body }
}

fn builder() -> Builder {
    Builder::new(&CombinationId::from("c"), 1, 1, 0)
}

/// How a step ended is told by its kind: a failure may say anything in its own words.
#[rstest]
#[case::done(StepOutcome::Done, Outcome::Done)]
#[case::failed(
    StepOutcome::Failed(DeviceFailure::new(FailureClass::NoStream, "the speaker says that all is done")),
    Outcome::Failed
)]
#[case::lost(StepOutcome::Lost(InfrastructureFault::new("dongle usb-1", "is gone")), Outcome::Lost)]
#[case::broken_off(StepOutcome::Cancelled, Outcome::Cancelled)]
fn the_end_of_a_step_says_how_it_ended(#[case] outcome: StepOutcome, #[case] expected: Outcome) {
    let mut builder = builder();
    let finished =
        Body::StepFinished { action: "connect".to_owned(), phase: Phase::Trial, outcome, took_ns: 1_000_000_000 };
    builder.take(&event(finished));
    let axis = builder.finish(Path::new("nowhere"));
    let [Moment { kind: Kind::Step, outcome, took_ns: Some(1_000_000_000), .. }] = axis.moments[..] else {
        panic!("{:?}", axis.moments)
    };
    assert_eq!(outcome, Some(expected));
}

/// The axis of a trial whose only evidence is this capture.
fn captured(name: &str) -> Axis {
    // Tests run side by side: none reads what another is writing.
    let run = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("axis-{:?}", std::thread::current().id()));
    let file = format!("evidence/{name}");
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../bluetooth/tests/data").join(name)).unwrap();
    fs::create_dir_all(run.join("evidence")).unwrap();
    fs::write(run.join(&file), &bytes).unwrap();
    let at_0 = CaptureClock { unix_ns: 0, t_ns: 0, uncertainty_ns: 1_000 };
    let unix_ns = Traffic::decode(&bytes, at_0).unwrap().report().capture.begins_ns;
    let mut builder = builder();
    builder.take(&event(Body::Evidence {
        file,
        sha256: sha256_hex(&bytes),
        bytes: bytes.len() as u64,
        about: "HCI traffic".to_owned(),
        anchors: Vec::new(),
        clock: Some(CaptureClock { unix_ns, ..at_0 }),
        listening: None,
    }));
    builder.finish(&run)
}

/// What the words say and what the kinds say is the same.
#[rstest]
#[case("codec-switch.btsnoop")]
#[case("faults.btsnoop")]
fn phases_on_the_air_say_what_they_are_and_how_they_ended(#[case] name: &str) {
    let axis = captured(name);
    let air: Vec<&Moment> = axis.moments.iter().filter(|moment| moment.source == Source::Air).collect();
    assert!(!air.is_empty(), "{:?}", axis.doubts);
    for Moment { what, kind, outcome, .. } in air {
        let (Kind::Phase(phase) | Kind::Media(phase)) = *kind else {
            assert_eq!((kind, outcome), (&Kind::Other, &None), "{what}");
            continue;
        };
        assert!(what.starts_with(phase), "{what}");
        assert_eq!(matches!(kind, Kind::Media(_)), ["media", "first media"].contains(&phase), "{what}");
        let said = [", refused: ", ", never answered", ", cut off by"].iter().any(|words| what.contains(words));
        assert_eq!(*outcome == Some(Outcome::Failed), said, "{what}");
    }
}

#[test]
fn a_capture_of_faults_has_phases_of_either_end() {
    let (faults, media) = (captured("faults.btsnoop"), captured("codec-switch.btsnoop"));
    let ended = |wanted: Outcome| faults.moments.iter().any(|moment| moment.outcome == Some(wanted));
    assert!(ended(Outcome::Done) && ended(Outcome::Failed));
    assert!(media.moments.iter().any(|moment| moment.kind == Kind::Media("media") && moment.took_ns.is_some()));
}

/// The form that `rigtone timeline --json` writes has words only.
#[test]
fn kinds_are_no_part_of_the_form() {
    let mut builder = builder();
    builder.take(&event(Body::StepStarted { action: "connect".to_owned(), phase: Phase::Trial }));
    let form = serde_json::to_value(builder.finish(Path::new("nowhere"))).unwrap();
    let keys: Vec<&str> = form["moments"][0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["at_ns", "earliest_ns", "latest_ns", "source", "step", "what"]);
}
