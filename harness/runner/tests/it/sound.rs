//! Every expectation about the sound, in a world where it holds and in one where it does not.

use std::collections::BTreeSet;

use rigtone_audio::stimulus::Name;
use rigtone_model::{
    document::Rig,
    event::Body,
    load::{SourceFile, load},
    observation::{Observation, Quantity, Value},
    trial::FailureClass::{
        self, Disturbed, Doubled, Howling, OutOfLimits, Silent, WithHoles, WrongBandwidth, WrongChannels,
    },
};
use rigtone_witness::sound::carries;
use rstest::rstest;

use crate::bench::{Done, plan, run_from};

/// What differs from a good speaker in a good room before a good microphone: `room`, `microphone` and `speaker` are keys of
/// the rig's document.
#[derive(Debug, Clone, Copy)]
struct World {
    room: &'static str,
    microphone: &'static str,
    heard: &'static str,
    speaker: &'static str,
}

const GOOD: World = World { room: "rt60: 250 ms, noise: -75 dB", microphone: "", heard: "", speaker: "" };

const fn speaker(speaker: &'static str) -> World {
    World { speaker, ..GOOD }
}

fn rig(world: World) -> Rig {
    let World { room, microphone, heard, speaker } = world;
    let text = format!(
        r#"rig: sounding
title: One source, one speaker and one microphone
world: simulated
rooms: {{lab: {{{room}}}}}
microphones:
  bench-1: {{room: lab{microphone}}}
units:
  echo: {{device: amazon/echo-dot-5, firmware: "2024.02", address: "0C:00:00:00:00:02", control: command}}
  speaker:
    {{device: jbl/charge-5, firmware: "1.1.0", address: "5E:00:00:00:00:01",
     heard-by: {{bench-1: {{distance: 0.3 m{heard}}}}}, simulated: {{{speaker}}}}}
"#
    );
    let mut loaded = load(vec![SourceFile { path: "sounding.yaml".into(), bytes: text.clone().into_bytes() }]);
    assert!(loaded.diagnostics.is_empty(), "{text}\n{:#?}", loaded.diagnostics);
    loaded.library.rigs.swap_remove("sounding").expect("a rig").value
}

/// One trial with the signal, judged by the expectation.
fn played(world: World, signal: &str, expect: &str) -> Done {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trial.yaml");
    let text = format!(
        "scenario: trial\ntitle: A trial\nmatrix:\n  source: {{role: a2dp-source}}\n  speaker: {{tags: [speaker]}}\n\
         trial:\n  - enter-pairing-mode: {{unit: speaker}}\n  - pair: {{}}\n  - connect: {{profile: a2dp}}\n  - play: {{signal: {signal}}}\n\
         repeat: {{at-least: 1, at-most: 1}}\nexpect:\n  - {expect}\n"
    );
    std::fs::write(&path, text).expect("a file");
    run_from(&plan(&[path.to_str().expect("plain text")], |document| *document = rig(world)), 1)
}

fn observations(done: &Done) -> Vec<Observation> {
    let observed = done.events.iter().filter_map(|event| match &event.body {
        Body::Observed(observation) if observation.of == "play" => Some(observation.clone()),
        _ => None,
    });
    observed.collect()
}

/// A room makes the response its own: what is planted is read without one.
const DRY: &str = "noise: -75 dB";
const COPY: &str = "sound: {copied: {after: 60 ms, level: -3 dB}}";
const HOLES: &str = "sound: {holes: {every: 3 s, for: 20 ms}}";
const STEREO: &str = "sound: {channels: stereo}";
const QUIET: &str = "level: -60 dB";

#[rstest]
#[case::heard("smoke", "audio: {in: play, present: true}", GOOD, speaker("silent: true"), Silent)]
#[case::without_holes("noise", "audio: {in: play, dropouts-at-most: 0}", GOOD, speaker(HOLES), WithHoles)]
#[case::a_silent_speaker_has_no_holes_to_count(
    "noise",
    "audio: {in: play, dropouts-at-most: 0}",
    GOOD,
    speaker("silent: true"),
    Silent
)]
#[case::some_holes(
    "noise",
    "audio: {in: play, dropouts-at-most: 4}",
    speaker(HOLES),
    speaker("sound: {holes: {every: 2 s, for: 20 ms}}"),
    WithHoles
)]
#[case::short_holes(
    "noise",
    "measured: {in: play, of: longest-dropout, at-most: 30 ms}",
    speaker(HOLES),
    speaker("sound: {holes: {every: 5 s, for: 80 ms}}"),
    OutOfLimits
)]
#[case::no_skips(
    "noise",
    "audio: {in: play, skips-at-most: 0}",
    GOOD,
    speaker("sound: {skips: {every: 5 s, for: 10 ms}}"),
    WithHoles
)]
#[case::no_stalls(
    "noise",
    "audio: {in: play, skips-at-most: 0}",
    GOOD,
    speaker("sound: {stalls: {every: 5 s, for: 30 ms}}"),
    WithHoles
)]
#[case::no_clicks(
    "noise",
    "audio: {in: play, clicks-at-most: 0}",
    GOOD,
    speaker("sound: {clicks-every: 4 s}"),
    Disturbed
)]
#[case::from_the_start(
    "noise",
    "measured: {in: play, of: start-up-loss, at-most: 20 ms}",
    GOOD,
    speaker("sound: {starts-late: 4 s}"),
    OutOfLimits
)]
#[case::its_clock(
    "noise",
    "measured: {in: play, of: drift, at-least: -50 ppm, at-most: 50 ppm}",
    speaker("drift: 40 ppm"),
    speaker("drift: 90 ppm"),
    OutOfLimits
)]
#[case::its_clock_by_markers(
    "smoke",
    "measured: {in: play, of: drift, at-least: -50 ppm, at-most: 50 ppm}",
    speaker("drift: 20 ppm"),
    speaker("drift: 90 ppm"),
    OutOfLimits
)]
#[case::not_howling(
    "noise",
    "audio: {in: play, howling: false}",
    GOOD,
    speaker("sound: {howl: {at: 1500 Hz, after: 5 s, level: -15 dB}}"),
    Howling
)]
#[case::once("channels", "audio: {in: play, doubled: false}", GOOD, speaker(COPY), Doubled)]
#[case::twice("channels", "audio: {in: play, doubled: true}", speaker(COPY), GOOD, Doubled)]
#[case::the_right_way_round(
    "channels",
    "audio: {in: play, polarity: normal}",
    GOOD,
    speaker("sound: {inverted: true}"),
    WrongChannels
)]
#[case::both_channels(
    "channels",
    "audio: {in: play, channels: [mono]}",
    GOOD,
    speaker("sound: {channels: left-only}"),
    WrongChannels
)]
#[case::left_and_right(
    "channels", "audio: {in: play, channels: [stereo]}",
    World { heard: ", nearer: left", ..speaker(STEREO) },
    World { heard: ", nearer: left", ..speaker("sound: {channels: swapped}") },
    WrongChannels
)]
#[case::right_and_left(
    "channels", "audio: {in: play, channels: [stereo]}",
    World { heard: ", nearer: right", ..speaker(STEREO) },
    World { heard: ", nearer: right", ..speaker("sound: {channels: swapped}") },
    WrongChannels
)]
#[case::no_gain_control("ladder", "audio: {in: play, gain-control: false}", GOOD, World { microphone: ", simulated: {gain-control: true}", ..GOOD }, OutOfLimits)]
#[case::music(
    "probe",
    "audio: {in: play, fingerprint: [full-band, not-hands-free]}",
    GOOD,
    speaker("sound: {coded-as: msbc}"),
    WrongBandwidth
)]
#[case::voice(
    "probe",
    "audio: {in: play, fingerprint: [cvsd]}",
    speaker("sound: {coded-as: cvsd}"),
    GOOD,
    WrongBandwidth
)]
#[case::bandwidth(
    "probe",
    "measured: {in: play, of: bandwidth, at-least: 15 kHz}",
    GOOD,
    speaker("sound: {coded-as: msbc}"),
    OutOfLimits
)]
#[case::bass(
    "sweep",
    "response: {in: play, at: 60 Hz, at-least: -6 dB}",
    World { room: DRY, ..speaker("high-pass: 60 Hz") },
    World { room: DRY, ..speaker("high-pass: 97 Hz") },
    OutOfLimits
)]
#[case::treble(
    "sweep",
    "response: {in: play, at: 10 kHz, at-least: -6 dB}",
    GOOD,
    speaker("sound: {low-pass: 4 kHz}"),
    OutOfLimits
)]
#[case::lower_corner(
    "sweep",
    "measured: {in: play, of: lower-corner, at-most: 80 Hz}",
    speaker("high-pass: 50 Hz"),
    speaker("high-pass: 150 Hz"),
    OutOfLimits
)]
#[case::upper_corner(
    "sweep",
    "measured: {in: play, of: upper-corner, at-least: 10 kHz}",
    GOOD,
    speaker("sound: {low-pass: 4 kHz}"),
    OutOfLimits
)]
#[case::distortion(
    "tone",
    "measured: {in: play, of: thd-n, at-most: -26 dB}",
    World { room: DRY, ..GOOD },
    World { room: DRY, ..speaker("sound: {distortion: 20 %}") },
    OutOfLimits
)]
#[case::loud(
    "smoke",
    "measured: {in: play, of: level, at-least: -40 dBFS}",
    GOOD,
    speaker("level: -45 dB"),
    OutOfLimits
)]
#[case::over_the_noise(
    "smoke",
    "measured: {in: play, of: snr, at-least: 20 dB}",
    GOOD,
    speaker("level: -56 dB"),
    OutOfLimits
)]
#[case::a_weighted(
    "noise",
    "measured: {in: play, of: a-weighted-level, at-least: -40 dBFS}",
    GOOD,
    speaker("level: -45 dB"),
    OutOfLimits
)]
#[case::sound_pressure(
    "noise", "measured: {in: play, of: sound-pressure, at-least: 90 dB SPL}",
    World { microphone: ", calibrated: {full-scale: 130 dB SPL, uncertainty: 0.3 dB}", ..GOOD },
    World { microphone: ", calibrated: {full-scale: 100 dB SPL, uncertainty: 0.3 dB}", ..GOOD },
    OutOfLimits
)]
#[case::quiet_room("noise", "measured: {in: play, of: noise-floor, at-most: -60 dBFS}", GOOD, World { room: "rt60: 250 ms, noise: -57 dB", ..GOOD }, OutOfLimits)]
#[case::quiet_room_to_the_ear("noise", "measured: {in: play, of: a-weighted-noise, at-most: -60 dBFS}", GOOD, World { room: "rt60: 250 ms, noise: -57 dB", ..GOOD }, OutOfLimits)]
#[case::no_hum("noise", "measured: {in: play, of: hum, at-most: -70 dBFS}", GOOD, World { room: "rt60: 250 ms, noise: -75 dB, hum: -60 dB", ..GOOD }, OutOfLimits)]
#[case::level_holds(
    "noise",
    "measured: {in: play, of: level-range, at-most: 3 dB}",
    GOOD,
    speaker("silent: true"),
    Silent
)]
fn what_holds_passes_and_what_does_not_fails_in_its_own_class(
    #[case] signal: &str,
    #[case] expect: &str,
    #[case] good: World,
    #[case] bad: World,
    #[case] class: FailureClass,
) {
    for (world, wanted) in [(good, None), (bad, Some(class))] {
        let done = played(world, signal, expect);
        let [combination] = done.verdicts.combinations.as_slice() else { panic!("{:#?}", done.verdicts) };
        let [seen] = combination.expectations.as_slice() else { panic!("{combination:#?}") };
        let observed = observations(&done);
        assert_eq!((seen.n, seen.ambiguous), (1, 0), "{world:?}\n{combination:#?}\n{observed:#?}");
        assert_eq!(seen.held == 1, wanted.is_none(), "{world:?}\n{seen:#?}\n{observed:#?}");
        assert_eq!(seen.classes.keys().next().copied(), wanted, "{world:?}\n{seen:#?}\n{observed:#?}");
    }
}

/// Twelve seconds of listening are no hour: without a hole nothing is decided, with holes at once.
#[rstest]
#[case::clean(GOOD, "inconclusive")]
#[case::holed(speaker(HOLES), "fail")]
fn holes_an_hour_are_counted_over_the_trials(#[case] world: World, #[case] verdict: &str) {
    let done = played(world, "noise", "count: {of: dropouts, in: play, at-most: 3 /h}");
    assert_eq!(done.verdicts.combinations[0].verdict.word(), verdict, "{:#?}", done.verdicts);
}

/// What a recording does not carry is no answer, whatever the device did.
#[rstest]
#[case::stereo_or_swapped(
    "channels",
    "audio: {in: play, channels: [stereo]}",
    speaker(STEREO),
    "which driver the microphone is nearer to"
)]
#[case::too_quiet_for_treble("sweep", "response: {in: play, at: 10 kHz, at-least: -6 dB}", speaker(QUIET), "dB")]
#[case::too_quiet_for_codecs("probe", "audio: {in: play, fingerprint: [full-band]}", speaker(QUIET), "dB")]
#[case::no_calibration("noise", "measured: {in: play, of: sound-pressure, at-least: 60 dB SPL}", GOOD, "calibrated")]
fn what_the_recording_does_not_tell_is_inconclusive_with_its_reason(
    #[case] signal: &str,
    #[case] expect: &str,
    #[case] world: World,
    #[case] reason: &str,
) {
    let done = played(world, signal, expect);
    let combination = &done.verdicts.combinations[0];
    if let rigtone_model::verdict::Verdict::Skipped(why) = &combination.verdict {
        assert!(why.contains(reason), "{why}");
        return;
    }
    let seen = &combination.expectations[0];
    assert_eq!((seen.n, seen.ambiguous), (1, 1), "{:#?}", observations(&done));
    assert!(seen.seen.contains(reason), "{seen:#?}");
}

/// `check` refuses an expectation that its signal does not answer; this keeps its table true.
#[rstest]
fn a_recording_of_a_signal_answers_what_its_table_says(#[values(0, 1, 2, 3, 4, 5, 6, 7)] n: usize) {
    let signal = Name::ALL[n].to_string();
    let world = World {
        microphone: ", calibrated: {full-scale: 120 dB SPL, uncertainty: 0.3 dB}",
        heard: ", nearer: left",
        ..GOOD
    };
    let done = played(world, &signal, "audio: {in: play, present: true}");
    let observed = observations(&done);
    let answered: BTreeSet<Quantity> = observed.iter().map(|o| o.quantity).collect();
    assert_eq!(answered, carries(&signal).into_iter().collect(), "{signal}");
    // In a quiet room, from a good speaker, everything has an answer.
    let open: Vec<&Observation> = observed.iter().filter(|o| matches!(o.value, Value::Inconclusive { .. })).collect();
    assert!(open.is_empty(), "{signal}: {open:#?}");
}

#[test]
fn a_stimulus_that_nobody_knows_answers_nothing() {
    assert_eq!(carries("click-train"), []);
}
