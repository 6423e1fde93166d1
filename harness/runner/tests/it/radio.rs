//! What goes over the air in a trial: recorded, kept without keys, measured, and held against what everybody says.

use rigtone_bluetooth::timeline::{Decoder, PhaseKind, Report};
use rigtone_model::{
    document::Rig,
    event::{Body, Event, StepOutcome},
    load::{SourceFile, load},
    observation::{Observation, Quantity, Value},
    trial::{DeviceFailure, FailureClass},
    verdict::Verdict,
};
use rstest::rstest;

use crate::bench::{Done, Planned, plan, run_from};

const CODEC: &str = "codec: {is: requested}";

fn rig(capture: &str, source: &str, speaker: &str) -> Rig {
    let text = format!(
        r#"rig: air
title: A source on a dongle, a speaker and a microphone
world: simulated
rooms: {{lab: {{noise: -75 dB}}}}
dongles:
  usb-1: {{address: "0C:00:00:00:00:02"{capture}}}
relays: {{board-1: {{channels: 1}}}}
microphones:
  bench-1: {{room: lab, latency-uncertainty: 1 ms}}
units:
  source:
    {{device: amazon/echo-dot-5, firmware: "2024.02", address: "0C:00:00:00:00:02", control: endpoint, dongle: usb-1,
     simulated: {{{source}}}}}
  speaker:
    {{device: jbl/charge-5, firmware: "1.1.0", address: "5E:00:00:00:00:01", power: {{relay: board-1, channel: 1}},
     heard-by: {{bench-1: {{distance: 0.3 m}}}}, simulated: {{{speaker}}}}}
"#
    );
    let mut loaded = load(vec![SourceFile { path: "air.yaml".into(), bytes: text.clone().into_bytes() }]);
    assert!(loaded.diagnostics.is_empty(), "{text}\n{:#?}", loaded.diagnostics);
    loaded.library.rigs.swap_remove("air").expect("a rig").value
}

const RECORDED: &str = ", capture: without-keys";

/// Three trials with a codec, judged by the expectation.
fn planned(codec: &str, expect: &str, rig: Rig) -> Planned {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trial.yaml");
    let text = format!(
        "scenario: trial\ntitle: A trial\nmatrix:\n  source: {{role: a2dp-source}}\n  speaker: {{role: a2dp-sink, tags: [speaker]}}\n\
         trial:\n  - power-cycle: {{unit: speaker, off-for: 2 s}}\n  - enter-pairing-mode: {{unit: speaker}}\n  - discover: {{within: 30 s}}\n\
         \x20 - pair: {{}}\n  - connect: {{profile: a2dp, codec: {codec}}}\n  - play: {{signal: smoke}}\n\
         cleanup:\n  - disconnect: {{}}\n  - forget: {{}}\n\
         repeat: {{at-least: 3, at-most: 3}}\nexpect:\n  - {expect}\n"
    );
    std::fs::write(&path, text).expect("a file");
    plan(&[path.to_str().expect("plain text")], |document| *document = rig)
}

fn done(codec: &str, expect: &str, rig: Rig) -> Done {
    run_from(&planned(codec, expect, rig), 1)
}

/// The events of the first trial.
fn first(done: &Done) -> impl Iterator<Item = &Event> {
    done.events.iter().filter(|event| event.at.as_ref().is_some_and(|at| at.trial == 1))
}

fn observed(done: &Done, step: &str, quantity: Quantity) -> Option<Observation> {
    let mut all = first(done).filter_map(|event| match &event.body {
        Body::Observed(observation) => Some(observation),
        _ => None,
    });
    all.find(|o| o.of == step && o.quantity == quantity).cloned()
}

/// A time in ms, with its uncertainty.
#[track_caller]
fn ms(done: &Done, step: &str, quantity: Quantity) -> (f64, f64) {
    match observed(done, step, quantity).map(|o| o.value) {
        Some(Value::Number { value, uncertainty, unit }) if unit == "ms" => (value, uncertainty),
        other => panic!("{quantity:?} of {step} is {other:?}"),
    }
}

/// How long a step took by the runner's clock, in ms.
fn took(done: &Done, label: &str) -> f64 {
    let took = first(done).find_map(|event| match &event.body {
        Body::StepFinished { took_ns, .. } if event.at.as_ref()?.step.as_deref() == Some(label) => Some(*took_ns),
        _ => None,
    });
    took.expect("the step ended") as f64 / 1e6
}

fn failure(done: &Done) -> DeviceFailure {
    let failure = first(done).find_map(|event| match &event.body {
        Body::StepFinished { outcome: StepOutcome::Failed(failure), .. } => Some(failure.clone()),
        _ => None,
    });
    failure.expect("a step failed")
}

/// The captures of the run, by their files below its directory.
fn captures(done: &Done) -> Vec<(String, Vec<u8>)> {
    let kept = done.events.iter().filter_map(|event| match &event.body {
        Body::Evidence { file, clock: Some(_), .. } => Some(file.clone()),
        _ => None,
    });
    let read = |file: &str| std::fs::read(done.directory.path().join("run").join(file)).expect("evidence");
    kept.map(|file| (file.clone(), read(&file))).collect()
}

fn report(capture: &[u8]) -> Report {
    let mut decoder = Decoder::new();
    decoder.feed(capture).expect("a capture");
    decoder.finish().expect("records")
}

fn verdict(done: &Done) -> (Verdict, Vec<FailureClass>) {
    let [combination] = &done.verdicts.combinations[..] else { panic!("one combination") };
    (combination.verdict.clone(), combination.classes.keys().copied().collect())
}

#[test]
fn phases_on_the_air_last_as_long_as_the_runner_waited_for_them() {
    let done = done("sbc", CODEC, rig(RECORDED, "", "pairing-takes: 900 ms"));
    let (inquiry, uncertainty) = ms(&done, "discover", Quantity::InquiryTime);
    assert!((inquiry - took(&done, "discover")).abs() <= uncertainty, "{inquiry}");
    // A pairing is its call, the proof of who is there, and encryption.
    let (page, _) = ms(&done, "pair", Quantity::PageTime);
    let (proof, _) = ms(&done, "pair", Quantity::AuthenticationTime);
    let pairing = took(&done, "pair");
    assert!(page + proof < pairing && page + proof > 0.8 * pairing, "{page} + {proof} of {pairing}");
    // From the start of the search to the end of the proof.
    let (cold, _) = ms(&done, "pair", Quantity::ColdStartTime);
    let between = inquiry + page + proof;
    assert!((cold - between).abs() < 5.0, "{cold}, {between}");
    let (negotiation, _) = ms(&done, "connect", Quantity::NegotiationTime);
    let (set_up, _) = ms(&done, "connect", Quantity::SetUpTime);
    assert!(
        negotiation > 0.0 && negotiation < set_up && set_up < took(&done, "connect") + pairing,
        "{negotiation}, {set_up}"
    );
    // Nothing is told twice: the services are looked for in one step alone.
    assert!(observed(&done, "pair", Quantity::SdpTime).is_none());
    assert!(ms(&done, "connect", Quantity::SdpTime).0 > 0.0);
    assert!(ms(&done, "play", Quantity::FirstMediaTime).0 > 0.0);
}

#[test]
fn the_first_media_packet_leaves_when_the_stimulus_is_said_to_leave() {
    let done = done("sbc", CODEC, rig(RECORDED, "", ""));
    let emitted = first(&done).find_map(|event| match event.body {
        Body::Emitted { t_ns, .. } => Some(t_ns),
        _ => None,
    });
    let clock = first(&done).find_map(|event| match event.body {
        Body::Evidence { clock, .. } => clock,
        _ => None,
    });
    let (clock, report) = (clock.expect("a capture"), report(&captures(&done)[0].1));
    let media = report.links[0].phases.iter().find(|phase| phase.kind == PhaseKind::Media).expect("media");
    let left = clock.rig_ns(report.capture.begins_ns + media.from_ns);
    assert!((left - emitted.expect("an emission")).abs() <= clock.uncertainty_ns, "{left}, {emitted:?}");
}

#[rstest]
#[case::sbc("sbc")]
#[case::aac("aac")]
fn all_who_tell_the_codec_tell_the_same(#[case] codec: &str) {
    let done = done(codec, CODEC, rig(RECORDED, "", ""));
    let word = |step, quantity| observed(&done, step, quantity).map(|o| o.value);
    let told = Some(Value::Word(codec.to_owned()));
    assert_eq!(word("connect", Quantity::Codec), told);
    assert_eq!(word("connect", Quantity::AirCodec), told);
    assert_eq!(word("play", Quantity::FrameCodec), told);
    for step in ["connect", "play"] {
        assert_eq!(word(step, Quantity::CodecAgreement), Some(Value::Truth(true)), "{step}");
    }
    // Three trials decide nothing at these rates, and none of them failed.
    assert_eq!(verdict(&done), (Verdict::Inconclusive, Vec::new()));
}

#[test]
fn frames_of_another_codec_than_agreed_are_a_failure_of_their_own() {
    let done = done("aac", CODEC, rig(RECORDED, "sends: sbc", ""));
    assert_eq!(verdict(&done).1, [FailureClass::CodecDisagreement]);
    let warned = first(&done).find_map(|event| match &event.body {
        Body::Warning { text } => Some(text.clone()),
        _ => None,
    });
    let warned = warned.expect("a warning");
    for told in ["asked for aac", "BlueZ says aac", "configured on the air aac", "frames look like sbc"] {
        assert!(warned.contains(told), "{warned}");
    }
}

#[test]
fn a_silent_fallback_is_another_codec_than_asked_for() {
    let done = done("aac", CODEC, rig(RECORDED, "", "codecs: [sbc]"));
    assert_eq!(verdict(&done).1, [FailureClass::WrongCodec]);
    assert_eq!(observed(&done, "connect", Quantity::RequestedCodec).map(|o| o.value), Some(Value::Word("aac".into())));
    assert_eq!(observed(&done, "connect", Quantity::AirCodec).map(|o| o.value), Some(Value::Word("sbc".into())));
}

/// What the stack says, and what the capture shows.
#[rstest]
#[case::refused_configuration("refuses: [aac]", FailureClass::NoStream, &["unsupported configuration (0x29)", "br-connection-create-socket"])]
#[case::refused_pairing("pairing: 0 %", FailureClass::PairingRefused, &["authentication ended with", "authentication failed"])]
#[case::no_sink("roles: [a2dp-source]", FailureClass::WrongRole, &["the peer has no 110b audio sink", "no A2DP sink"])]
#[case::lost_in_mid_stream("fails-after: 1 s", FailureClass::LinkLost, &["supervision timeout", "in mid-stream"])]
#[case::left_in_mid_stream("drops-link-after: 1 s", FailureClass::LinkLost, &["ended by the peer while a stream was running", "ended the link"])]
fn a_failure_is_told_as_the_air_shows_it(#[case] speaker: &str, #[case] class: FailureClass, #[case] told: &[&str]) {
    let failed = failure(&done("aac", CODEC, rig(RECORDED, "", speaker)));
    assert_eq!(failed.class, class, "{failed}");
    for part in told {
        assert!(failed.detail.contains(part), "{failed}");
    }
    // Without a capture it is as the stack says, and of the same class.
    let blind = failure(&done("aac", CODEC, rig("", "", speaker)));
    assert_eq!(blind.class, class, "{blind}");
    assert!(!blind.detail.contains("the stack said"), "{blind}");
}

#[test]
fn a_device_that_is_away_was_called_in_vain() {
    let planned = planned("aac", CODEC, rig(RECORDED, "", "discovery: 0 %"));
    let done = run_from(&planned, 1);
    assert_eq!(failure(&done).class, FailureClass::NotDiscovered);
    let report = report(&captures(&done)[0].1);
    assert!(report.links.is_empty() && report.inquiries[0].found.is_empty(), "{report:#?}");
}

#[rstest]
#[case(", capture: without-keys", false)]
#[case(", capture: with-keys", true)]
fn keys_are_kept_only_when_asked_for(#[case] capture: &str, #[case] kept: bool) {
    let captures = captures(&done("sbc", CODEC, rig(capture, "", "")));
    assert_eq!(captures.len(), 3);
    for (file, bytes) in captures {
        assert!(file.ends_with("/hci-usb-1.btsnoop"), "{file}");
        let leaked = bytes.windows(10).any(|window| window == b"not a key!");
        assert_eq!(leaked, kept, "{file}");
        assert!(report(&bytes).proof.usable, "{file}");
    }
}

#[test]
fn without_a_capture_what_is_measured_on_the_air_is_skipped_by_name() {
    let expect = "measured: {in: connect, of: negotiation-time, at-most: 1800 ms}";
    let skipped = planned("sbc", expect, rig("", "", ""));
    let why = skipped.run.plan.combinations[0].skipped.clone().expect("it is skipped");
    assert!(why.contains("the HCI traffic of the dongle `usb-1` is not recorded"), "{why}");
    assert!(captures(&done("sbc", CODEC, rig("", "", ""))).is_empty());
    let recorded = planned("sbc", expect, rig(RECORDED, "", ""));
    assert_eq!(recorded.run.plan.combinations[0].skipped, None);
}

#[rstest]
#[case::allowed("at-most: 1800 ms", &[])]
#[case::too_long("at-most: 10 ms", &[FailureClass::Untimely])]
fn times_on_the_air_can_be_limited(#[case] limit: &str, #[case] classes: &[FailureClass]) {
    let expect = format!("measured: {{in: connect, of: negotiation-time, {limit}}}");
    assert_eq!(verdict(&done("sbc", &expect, rig(RECORDED, "", ""))).1, classes);
}

#[test]
fn the_same_seed_records_the_same_traffic() {
    let once = || captures(&done("sbc", CODEC, rig(RECORDED, "", "pairing: 70 %")));
    assert_eq!(once(), once());
}
