use proptest::prelude::*;
use rigtone_audio::continuity::{Continuity, EventKind, Place, Settings, Tracker, examine};
use rigtone_audio::measure::{CaptureFault, Outcome, Reason, Recording};
use rstest::rstest;

use super::{gaps, listen, noise, place};
use crate::material::{music, speech, white};
use crate::rooms::Scene;

fn nothing_is_claimed(found: &Continuity, why: &dyn Fn(&Reason) -> bool) {
    assert!(found.events.is_empty(), "{:?}", found.events);
    let reason = |outcome: Option<Reason>| assert!(outcome.as_ref().is_some_and(why), "{outcome:?}");
    fn of<T>(outcome: &Outcome<T>) -> Option<Reason> {
        if let Outcome::Inconclusive(why) = outcome { Some(*why) } else { None }
    }
    reason(of(&found.dropouts));
    reason(of(&found.jumps));
    reason(of(&found.clicks));
    reason(of(&found.levels));
    reason(of(&found.start_up));
    reason(of(&found.clock));
}

/// A gap of one SBC frame, a longer one and a skip, from clear to hopeless: what is said is right, or it is said that nothing can be said.
#[rstest]
#[case(20.0, 1.0, 15.0)]
#[case(10.0, 0.3, 0.0)]
#[case(0.0, 1.0, 15.0)]
#[case(0.0, 0.3, 0.0)]
#[case(-10.0, 0.3, 0.0)]
fn from_20_to_minus_10_db_nothing_wrong_is_said(
    #[case] snr_db: f64,
    #[case] distance_m: f64,
    #[case] occluded_db: f64,
) {
    nothing_wrong_is_said(snr_db, distance_m, occluded_db, 41);
}

/// The direct sound as much as 25 dB down: reflections lead.
#[rstest]
#[ignore = "nightly: the whole of it"]
fn from_30_to_minus_20_db_nothing_wrong_is_said(
    #[values(30.0, 20.0, 15.0, 10.0, 5.0, 0.0, -5.0, -10.0, -15.0, -20.0)] snr_db: f64,
    #[values((0.3, 0.0), (1.0, 0.0), (1.0, 6.0), (1.0, 15.0), (1.0, 25.0), (2.0, 0.0))] (distance_m, occluded_db): (
        f64,
        f64,
    ),
    #[values(41, 42, 43)] seed: u64,
) {
    nothing_wrong_is_said(snr_db, distance_m, occluded_db, seed);
}

fn nothing_wrong_is_said(snr_db: f64, distance_m: f64, occluded_db: f64, seed: u64) {
    let scene = Scene { snr_db, distance_m, occluded_db, drift_ppm: 25.0, seed, ..Scene::default() };
    let reference = noise(48_000, 10.0, 41);
    let mut stream = reference.clone();
    stream[100_000..100_128].fill(0.0);
    stream[200_000..202_000].fill(0.0);
    stream.drain(300_000..300_480);
    let mut recording = scene.record(&stream);
    recording.truncate(scene.at as usize + stream.len());
    let found = listen(&scene, &reference, &recording);
    for event in &found.events {
        let (at, sigma) = (event.reference_s * 48_000.0, event.uncertainty_s * 48_000.0);
        let right = match event.kind {
            EventKind::Mute { .. } => (at - 100_000.0).abs() < 100.0 || (at - 200_000.0).abs() < 200.0,
            EventKind::Lost => (at - 200_000.0).abs() < 500.0 || found.jumps.measured().is_none(),
            EventKind::Skip { frames, .. } => frames == 480 && (at - 300_000.0).abs() < (5.0 * sigma).max(100.0),
            _ => false,
        };
        assert!(right, "{event:?} {:?}", found.quality);
    }
    if let Outcome::Measured(dropouts) = found.dropouts {
        assert_eq!(dropouts.count, 2, "{:?} {:?}", found.events, found.quality);
    }
    if let Outcome::Measured(jumps) = found.jumps {
        assert_eq!((jumps.skips, jumps.net_frames), (1, -480), "{:?} {:?}", found.events, found.quality);
    }
    if let Outcome::Measured(clock) = &found.clock {
        assert!((clock.drift_ppm - 25.0).abs() < 6.0 * clock.uncertainty_ppm.max(0.005), "{clock:?}");
    }
    if snr_db >= 10.0 && occluded_db == 0.0 {
        assert!(found.dropouts.measured().is_some(), "{:?}", found.dropouts);
    }
    if snr_db >= 0.0 && occluded_db == 0.0 {
        assert!(found.jumps.measured().is_some() && found.clock.measured().is_some(), "{:?}", found.jumps);
    }
    if snr_db <= -10.0 {
        assert!(found.dropouts.measured().is_none());
    }
}

#[rstest]
#[case(20.0, 0.3)]
#[case(-10.0, 1.0)]
fn another_codes_noise_is_not_present(#[case] snr_db: f64, #[case] distance_m: f64) {
    let scene = Scene { snr_db, distance_m, ..Scene::default() };
    let recording = scene.record(&noise(48_000, 11.0, 42));
    let found = listen(&scene, &noise(48_000, 11.0, 43), &recording);
    nothing_is_claimed(&found, &|why| *why == Reason::NotPresent);
}

#[test]
fn speech_music_and_hiss_are_not_present() {
    let reference = noise(48_000, 9.0, 44);
    let scene = Scene::default();
    for (n, material) in [speech, music, white].into_iter().enumerate() {
        let found = listen(&scene, &reference, &material(480_000, 0.1, n as u64));
        nothing_is_claimed(&found, &|why| *why == Reason::NotPresent);
    }
}

/// Another speaker 10 dB louder than the own one: either the own one is followed rightly, or nothing is said.
#[test]
fn a_louder_stranger_makes_no_dropouts() {
    let scene = Scene { distance_m: 0.3, ..Scene::default() };
    let reference = noise(48_000, 10.0, 45);
    let mut recording = scene.record(&reference);
    let other = Scene { at: 5000.0, seed: 2, ..scene }.record(&noise(48_000, 10.2, 46));
    for (sample, stranger) in recording.iter_mut().zip(&other) {
        *sample += 3.16 * stranger;
    }
    let found = listen(&scene, &reference, &recording);
    assert!(gaps(&found, 48_000).is_empty(), "{:?}", found.events);
    assert_eq!(found.jumps.measured().map_or(0, |jumps| jumps.net_frames), 0);
}

#[test]
fn power_lost_in_mid_sound_is_one_mute_to_the_end() {
    let scene = Scene::default();
    let reference = noise(48_000, 17.0, 47);
    let mut stream = reference.clone();
    stream[300_000..].fill(0.0);
    let found = listen(&scene, &reference, &scene.record(&stream));
    let heard = gaps(&found, 48_000);
    assert!(heard.len() == 1 && (heard[0].0 - 300_000.0).abs() < 30.0, "{:?}", found.events);
    assert!((heard[0].1 - (reference.len() - 300_000) as f64).abs() < 1000.0, "{heard:?}");
}

/// The sound stops for longer than a window, and goes on where it should be: one gap, no jump.
#[test]
fn a_gap_of_15_s_is_one_gap() {
    let scene = Scene { drift_ppm: 10.0, ..Scene::default() };
    let reference = noise(48_000, 32.0, 48);
    let mut stream = reference.clone();
    stream[300_000..1_020_000].fill(0.0);
    let found = listen(&scene, &reference, &scene.record(&stream));
    assert_eq!(gaps(&found, 48_000).len(), 1, "{:?}", found.events);
    assert!((found.events[0].length_s() - 15.0).abs() < 0.002, "{:?}", found.events);
    assert_eq!(found.jumps.measured().map(|jumps| jumps.net_frames), Some(0));
}

#[test]
fn clipping_and_shortness_are_said() {
    let scene = Scene::default();
    let reference = noise(48_000, 4.0, 49);
    let mut recording = scene.record(&reference);
    let short = listen(&scene, &reference, &recording[..scene.at as usize + 40_000]);
    nothing_is_claimed(&short, &|why| matches!(why, Reason::TooShort { .. }));
    recording[60_000..60_012].fill(1.0);
    let clipped = listen(&scene, &reference, &recording);
    let Outcome::Inconclusive(Reason::Clipped { at_s, longest }) = clipped.dropouts else { panic!("{clipped:?}") };
    assert!(longest == 12 && (at_s - 1.25).abs() < 1e-9, "{at_s} {longest}");
    assert!(clipped.jumps.measured().is_none() && clipped.levels.measured().is_none());
}

#[test]
fn broken_recordings_are_faults_of_the_rig() {
    let reference = noise(48_000, 2.0, 50);
    let told = Place { frame: 0.0, drift_ppm: 0.0 };
    let run = |samples: &[f32]| {
        let mut tracker = Tracker::new(48_000, reference.as_slice(), told, Settings::default());
        tracker.push(samples).and_then(|()| tracker.finish())
    };
    assert_eq!(run(&[]), Err(CaptureFault::Empty));
    assert_eq!(run(&[0.25; 96_000]), Err(CaptureFault::Dead { value: 0.25 }));
    let mut broken = white(96_000, 0.1, 1);
    broken[77_777] = f32::NAN;
    assert_eq!(run(&broken), Err(CaptureFault::NotASample { frame: 77_777 }));
    let proven = Settings { capture_proven: true, ..Settings::default() };
    let silent = examine(&Recording::mono(48_000, &[0.0; 96_000]), 0, reference.as_slice(), told, proven).unwrap();
    nothing_is_claimed(&silent, &|why| *why == Reason::NotPresent);
}

/// A header may say anything.
#[test]
fn a_rate_that_nobody_records_at_is_told() {
    let reference = noise(48_000, 2.0, 52);
    let samples: Vec<f32> = (0..4000).map(|n| (n % 7) as f32 / 10.0).collect();
    for rate in [0, 1, 100, 7_999] {
        let told = Place { frame: 0.0, drift_ppm: 0.0 };
        let found = examine(&Recording::mono(rate, &samples), 0, reference.as_slice(), told, Settings::default());
        nothing_is_claimed(&found.unwrap(), &|why| *why == Reason::WrongRate { have: rate, need: 8_000 });
    }
}

#[test]
fn findings_are_json() {
    let scene = Scene::default();
    let reference = noise(48_000, 4.0, 51);
    let mut stream = reference.clone();
    stream[90_000..90_500].fill(0.0);
    let json = serde_json::to_value(listen(&scene, &reference, &scene.record(&stream))).unwrap();
    assert_eq!(json["events"][0]["kind"], "mute");
    assert!(json["dropouts"]["measured"].is_object());
    assert!(json["quality"]["minimum_gap_s"].is_f64() && json["method_version"].is_u64());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5))]

    #[test]
    fn arbitrary_recordings_and_places_never_panic_and_claim_nothing(
        samples in prop::collection::vec(prop_oneof![
            8 => -1.0f32..1.0,
            1 => any::<f32>(),
            1 => Just(0.0f32),
            1 => Just(1.0f32),
        ], 1..4000),
        repeat in 1usize..40,
        frame in prop_oneof![-1e6f64..1e6, any::<f64>()],
        drift_ppm in prop_oneof![-500f64..500.0, any::<f64>()],
        rate in prop_oneof![Just(48_000u32), Just(44_100), Just(8000), Just(1), Just(0)],
    ) {
        let samples = samples.repeat(repeat);
        let reference = noise(48_000, 2.0, 52);
        let told = Place { frame, drift_ppm };
        if let Ok(found) = examine(&Recording::mono(rate, &samples), 0, reference.as_slice(), told, Settings::default()) {
            prop_assert!(found.events.is_empty() && found.dropouts.measured().is_none(), "{found:?}");
        }
    }

    /// Whatever is done to a stretch of the sound, nothing is reported elsewhere.
    #[test]
    fn damage_is_reported_where_it_is(
        start in 20_000usize..170_000,
        length in 0usize..40_000,
        value in -0.02f32..0.02,
    ) {
        let scene = Scene { distance_m: 0.3, ..Scene::default() };
        let reference = noise(48_000, 5.0, 53);
        let mut stream = reference.clone();
        stream[start..start + length].fill(value);
        let recording = scene.record(&stream);
        let found = examine(&Recording::mono(48_000, &recording), 0, reference.as_slice(), place(&scene), Settings::default()).unwrap();
        for event in &found.events {
            let at = event.reference_s * 48_000.0;
            prop_assert!(at > start as f64 - 200.0 && at < (start + length) as f64 + 3000.0, "{event:?}");
        }
        prop_assert!(length < 480 || !found.events.is_empty());
        prop_assert_eq!(found.jumps.measured().map(|jumps| jumps.net_frames), Some(0));
    }
}
