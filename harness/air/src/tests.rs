//! What is rendered is what is measured.

use super::*;
use rigtone_audio::measure::{
    Analyser, CaptureFault, Emission, Expectation, Findings, Outcome, Polarity, Presence, Recording,
};
use rigtone_audio::stimulus::Name;
use rstest::rstest;

const RATE: u32 = 48_000;
const FRAMES: usize = 4 * RATE as usize;

fn smoke(code: u32) -> Stimulus {
    Stimulus::build(Name::Smoke, RATE, code).expect("the rate is supported")
}

fn quiet() -> Microphone {
    Microphone { noise_dbfs: -70.0, ..Microphone::default() }
}

fn expectation(emitted_at: f64, path: &AirPath) -> Expectation {
    let emission = Some(Emission { frame: emitted_at, uncertainty_s: 0.0 });
    Expectation { emission, flight_s: path.flight_s(), ..Expectation::default() }
}

fn heard(path: &AirPath, silences: &[Range<f64>], microphone: &Microphone, seed: u64) -> Findings {
    let stimulus = smoke(0xA1);
    let emitted_at = 4800.25;
    let sound = Sound { stimulus: &stimulus, path, emitted_at, silences, flaws: None };
    let samples = Renderer::new().record(FRAMES, &[sound], microphone, seed);
    Analyser::new()
        .analyse(&Recording::mono(RATE, &samples), &stimulus, &expectation(emitted_at, path))
        .expect("a sound recording")
}

fn latency(findings: &Findings) -> f64 {
    match &findings.latency {
        Outcome::Measured(latency) => latency.value_s,
        Outcome::Inconclusive(reason) => panic!("{reason}: {findings:?}"),
    }
}

const SBC: Codec = Codec::Sbc { bitpool: 53 };

#[rstest]
#[case::wire(AirPath { latency_s: 0.1, ..AirPath::default() }, 0.1e-6)]
#[case::sbc(AirPath { codec: SBC, latency_s: 0.182_345_678, ..AirPath::default() }, 1e-6)]
#[case::low_bitpool(AirPath { codec: Codec::Sbc { bitpool: 19 }, latency_s: 0.2, ..AirPath::default() }, 5e-6)]
#[case::aac(AirPath { codec: Codec::Aac { kbit_s: 128 }, latency_s: 0.21, ..AirPath::default() }, 5e-6)]
#[case::aptx(AirPath { codec: Codec::AptX, latency_s: 0.07, ..AirPath::default() }, 5e-6)]
#[case::ldac(AirPath { codec: Codec::Ldac, latency_s: 0.3, ..AirPath::default() }, 5e-6)]
#[case::drift(AirPath { codec: SBC, latency_s: 0.15, drift_ppm: 80.0, ..AirPath::default() }, 2e-6)]
#[case::drift_back(AirPath { codec: SBC, latency_s: 0.15, drift_ppm: -300.0, ..AirPath::default() }, 3e-6)]
#[case::near_in_a_room(AirPath { codec: SBC, latency_s: 0.15, drift_ppm: 20.0, room: Some(Room { rt60_s: 0.4, seed: 1 }), ..AirPath::default() }, 10e-6)]
#[case::a_metre_away(AirPath { codec: SBC, latency_s: 0.15, distance_m: 1.0, room: Some(Room { rt60_s: 0.4, seed: 2 }), ..AirPath::default() }, 30e-6)]
#[case::quiet(AirPath { codec: SBC, latency_s: 0.15, gain_db: -40.0, ..AirPath::default() }, 5e-6)]
#[case::small_speaker(AirPath { latency_s: 0.15, speaker: Speaker { highpass_hz: 120.0, ..Speaker::default() }, ..AirPath::default() }, 10e-6)]
fn the_latency_that_was_set_is_measured(#[case] path: AirPath, #[case] tolerance_s: f64) {
    let findings = heard(&path, &[], &quiet(), 5);
    assert_eq!(findings.presence, Presence::Present, "{:?}", findings.quality);
    let error = latency(&findings) - path.latency_s;
    assert!(error.abs() < tolerance_s, "{:.3} us off", error * 1e6);
    let arrival = findings.arrival.measured().unwrap();
    assert!((arrival.drift_ppm - path.drift_ppm).abs() < 5.0, "{} ppm", arrival.drift_ppm);
}

/// Ten rooms each, as far as one metre, down to a wideband ratio of 0 dB: heard in all of them, timed by the direct sound.
#[rstest]
fn rooms_up_to_a_metre_are_heard_through(
    #[values(0.25, 0.4, 0.6)] rt60_s: f64,
    #[values(0.3, 1.0)] distance_m: f64,
    #[values((-33.0, 30e-6), (-13.0, 60e-6))] (noise_dbfs, tolerance_s): (f64, f64),
) {
    for seed in 0..10 {
        let room = Some(Room { rt60_s, seed });
        let path = AirPath { codec: SBC, latency_s: 0.15, drift_ppm: 20.0, distance_m, room, ..AirPath::default() };
        let findings = heard(&path, &[], &Microphone { noise_dbfs, ..Microphone::default() }, seed);
        assert_eq!(findings.presence, Presence::Present, "room {seed}: {:?}", findings.quality);
        if let Outcome::Measured(latency) = &findings.latency {
            let error = latency.value_s - path.latency_s;
            assert!(error.abs() < tolerance_s, "room {seed}: {:.1} us off", error * 1e6);
        } else {
            panic!("room {seed}: {:?}", findings.latency)
        }
    }
}

#[test]
fn the_hands_free_codecs_are_heard() {
    for codec in [Codec::MSbc, Codec::Cvsd] {
        let findings = heard(&AirPath { codec, latency_s: 0.1, ..AirPath::default() }, &[], &quiet(), 6);
        assert_eq!(findings.presence, Presence::Present, "{codec:?}: {:?}", findings.quality);
    }
}

#[test]
fn no_sound_is_absent_and_a_dead_microphone_is_the_rigs_fault() {
    let stimulus = smoke(0xA1);
    let mut analyser = Analyser::new();
    let mut analyse = |microphone: &Microphone| {
        let samples = Renderer::new().record(FRAMES, &[], microphone, 7);
        analyser.analyse(&Recording::mono(RATE, &samples), &stimulus, &Expectation::default())
    };
    assert_eq!(analyse(&quiet()).unwrap().presence, Presence::Absent);
    assert_eq!(analyse(&Microphone { dead: true, ..quiet() }), Err(CaptureFault::Dead { value: 0.0 }));
    let loud = analyse(&Microphone { noise_dbfs: -20.0, ..Microphone::default() }).unwrap();
    assert!(matches!(loud.presence, Presence::Inconclusive { .. }), "{loud:?}");
}

#[rstest]
fn power_lost_in_mid_stream_leaves_the_part_before_it(
    #[values(1.5, 1.83, 2.3)] cut_s: f64,
    #[values(None, Some(Room { rt60_s: 0.4, seed: 9 }))] room: Option<Room>,
) {
    let path = AirPath { codec: SBC, latency_s: 0.15, room, ..AirPath::default() };
    // In the stimulus's own time the cut comes at `cut_s`.
    let cut = 4800.25 + (path.latency_s + cut_s) * f64::from(RATE);
    let findings = heard(&path, &[cut..f64::INFINITY], &quiet(), 8);
    let Presence::Partial { heard_until_s, missing } = &findings.presence else {
        panic!("{:?} {:?}", findings.presence, findings.quality)
    };
    // One block of noise, or one pause between parts.
    assert!(*heard_until_s <= cut_s + 0.03 && *heard_until_s > cut_s - 0.16, "{heard_until_s}");
    assert!(missing.last().unwrap().to_s > 2.7, "{missing:?}");
    assert!((latency(&findings) - 0.15).abs() < 20e-6);
}

#[test]
fn a_gap_of_100_ms_is_missing_and_nothing_else() {
    let path = AirPath { codec: SBC, latency_s: 0.15, room: Some(Room { rt60_s: 0.4, seed: 4 }), ..AirPath::default() };
    let at = |s: f64| 4800.25 + (0.15 + s) * f64::from(RATE);
    let findings = heard(&path, &[at(1.60)..at(1.70)], &quiet(), 9);
    let Presence::Partial { missing, .. } = &findings.presence else { panic!("{findings:?}") };
    assert_eq!(missing.len(), 1);
    assert!((missing[0].from_s - 1.60).abs() < 0.051 && (missing[0].to_s - 1.70).abs() < 0.051, "{missing:?}");
}

#[test]
fn another_speakers_sound_is_foreign_and_both_together_are_still_told_apart() {
    let (own, other) = (smoke(1), smoke(2));
    let path = AirPath { codec: SBC, latency_s: 0.15, ..AirPath::default() };
    let far = AirPath { gain_db: -26.0, latency_s: 0.32, ..path };
    let mut renderer = Renderer::new();
    let mut analyser = Analyser::new();
    let sound = |stimulus, path| Sound { stimulus, path, emitted_at: 4800.0, silences: &[], flaws: None };
    let mut presence = |sounds: &[Sound<'_>]| {
        let samples = renderer.record(FRAMES, sounds, &quiet(), 11);
        analyser.analyse(&Recording::mono(RATE, &samples), &own, &expectation(4800.0, &path)).unwrap()
    };
    assert_eq!(presence(&[sound(&other, &path)]).presence, Presence::Foreign);
    let both = presence(&[sound(&own, &path), sound(&other, &far)]);
    assert_eq!(both.presence, Presence::Present, "{:?}", both.quality);
    assert!((latency(&both) - 0.15).abs() < 20e-6);
}

#[test]
fn a_speaker_wired_the_wrong_way_is_seen_and_an_overdriven_microphone_is_inconclusive() {
    let speaker = Speaker { inverted: true, ..Speaker::default() };
    let findings = heard(&AirPath { speaker, ..AirPath::default() }, &[], &quiet(), 12);
    assert_eq!(findings.arrival.measured().unwrap().polarity, Polarity::Inverted);
    let clipped = heard(&AirPath { gain_db: 40.0, ..AirPath::default() }, &[], &quiet(), 12);
    assert!(matches!(clipped.presence, Presence::Inconclusive { .. }));
}

#[test]
fn the_same_seed_gives_the_same_samples_with_warm_and_cold_caches() {
    let stimulus = smoke(3);
    let path = AirPath { codec: SBC, drift_ppm: 7.0, room: Some(Room { rt60_s: 0.3, seed: 5 }), ..AirPath::default() };
    let sound = Sound { stimulus: &stimulus, path: &path, emitted_at: 100.5, silences: &[], flaws: None };
    let mut renderer = Renderer::new();
    let cold = renderer.record(FRAMES, &[sound], &quiet(), 13);
    assert_eq!(cold, renderer.record(FRAMES, &[sound], &quiet(), 13));
    assert_ne!(cold, renderer.record(FRAMES, &[sound], &quiet(), 14));
}
