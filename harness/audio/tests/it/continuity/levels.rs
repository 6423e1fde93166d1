use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rigtone_audio::continuity::{Continuity, EventKind};
use rigtone_audio::measure::{Outcome, Reason};
use rigtone_audio::signal::gaussian;
use rstest::rstest;

use super::{gaps, listen, noise};
use crate::rooms::Scene;

fn shaped(scene: &Scene, seconds: f64, gain_db: impl Fn(f64) -> f64) -> Continuity {
    let reference = noise(48_000, seconds, 21);
    let louder = |(n, sample): (usize, &f32)| *sample * 10f64.powf(gain_db(n as f64 / 48_000.0) / 20.0) as f32;
    let stream: Vec<f32> = reference.iter().enumerate().map(louder).collect();
    listen(scene, &reference, &scene.record(&stream))
}

#[rstest]
#[case(-12.0, 9.5, 30.0)]
#[case(-6.0, 13.0, 10.0)]
#[case(10.0, 13.0, 30.0)]
fn a_step_of_the_level_has_its_size_and_place(#[case] change: f64, #[case] at_s: f64, #[case] snr_db: f64) {
    check_step(change, at_s, snr_db);
}

#[rstest]
#[ignore = "nightly: all steps everywhere"]
fn every_step_of_the_level_has_its_size_and_place(
    #[values(-12.0, -6.0, -2.0, 3.0, 10.0)] change: f64,
    #[values(4.0, 9.2, 9.5, 9.7, 13.0)] at_s: f64,
    #[values(30.0, 10.0)] snr_db: f64,
) {
    check_step(change, at_s, snr_db);
}

fn check_step(change: f64, at_s: f64, snr_db: f64) {
    let scene = Scene { snr_db, distance_m: 0.3, ..Scene::default() };
    let found = shaped(&scene, 16.0, |t| if t < at_s { 0.0 } else { change });
    let [event] = found.events[..] else { panic!("{:?}", found.events) };
    let EventKind::Step { change_db, .. } = event.kind else { panic!("{event:?}") };
    assert!((change_db - change).abs() < 0.5, "{change_db} dB");
    let middle = 0.5 * (event.from_s + event.to_s) - scene.at / 48_000.0;
    assert!((middle - at_s).abs() < 0.11, "{middle} s");
    let levels = found.levels.measured().expect("a steady microphone");
    assert_eq!((levels.steps, levels.fades), (1, 0));
    // 12 dB down at 10 dB nothing can be said of gaps.
    if let Some(dropouts) = found.dropouts.measured() {
        assert_eq!(dropouts.count, 0);
    } else {
        assert!(snr_db <= 10.0, "{:?}", found.dropouts);
    }
}

#[test]
fn a_fade_has_its_size_and_length() {
    let found = shaped(&Scene::default(), 16.0, |t| -2.0 * (t - 5.0).clamp(0.0, 4.0));
    let [event] = found.events[..] else { panic!("{:?}", found.events) };
    let EventKind::Fade { change_db, .. } = event.kind else { panic!("{event:?}") };
    assert!((change_db + 8.0).abs() < 0.8, "{change_db} dB");
    assert!((event.from_s - 5.2).abs() < 0.8 && (event.to_s - 9.2).abs() < 0.8, "{event:?}");
    assert!(gaps(&found, 48_000).is_empty());
}

#[test]
fn a_level_that_never_rests_is_suspected_of_gain_control() {
    let found = shaped(&Scene::default(), 24.0, |t| 4.0 * (t * 0.7).sin());
    assert!(matches!(found.levels, Outcome::Inconclusive(Reason::LevelMoves { .. })), "{:?}", found.levels);
    assert!(gaps(&found, 48_000).is_empty(), "{:?}", found.events);
}

/// `level`: RMS of what is added over RMS of the sound.
fn disturbed(scene: &Scene, from_s: f64, length: usize, level: f64) -> Continuity {
    let reference = noise(48_000, 8.0, 22);
    let mut recording = scene.record(&reference);
    let rms = rigtone_audio::measure::rms(&recording[20_000..200_000]);
    let mut rng = ChaCha8Rng::seed_from_u64(23);
    let from = (scene.at + from_s * 48_000.0) as usize;
    for sample in &mut recording[from..from + length] {
        *sample += (level * rms * gaussian(&mut rng)) as f32;
    }
    listen(scene, &reference, &recording)
}

#[rstest]
#[case(0.5, 10.0)]
#[case(3.3, 30.0)]
#[case(7.9, 10.0)]
fn a_click_is_a_click(#[case] from_s: f64, #[case] snr_db: f64) {
    let scene = Scene { distance_m: 0.3, snr_db, ..Scene::default() };
    let found = disturbed(&scene, from_s, 20, 4.0);
    let [event] = found.events[..] else { panic!("{:?}", found.events) };
    assert!(matches!(event.kind, EventKind::Click { .. }), "{event:?}");
    assert!((event.from_s - scene.at / 48_000.0 - from_s).abs() < 0.003, "{event:?}");
    assert_eq!(found.clicks.measured().map(|clicks| (clicks.clicks, clicks.bursts)), Some((1, 0)));
}

/// The recording goes on in silence, in which band edges ring.
#[rstest]
fn a_sound_that_ends_without_a_fade_has_no_click_at_its_end(#[values(1, 2, 3, 4)] seed: u64) {
    let seconds = |n: f64| (n * 48_000.0) as usize;
    let phase = |t: f64| std::f64::consts::TAU * (200.0 * t + (8000.0 - 200.0) * t * t / 6.0);
    let sweep: Vec<f32> = (0..seconds(3.0)).map(|n| (0.3 * phase(n as f64 / 48_000.0).sin()) as f32).collect();
    let mut recording = vec![0.0; seconds(0.5)];
    recording.extend_from_slice(&sweep);
    recording.resize(seconds(4.0), 0.0);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    recording.iter_mut().for_each(|sample| *sample += (4.0 / 32_768.0 * gaussian(&mut rng)) as f32);
    let scene = Scene { at: 24_000.0, drift_ppm: 0.0, ..Scene::default() };
    let found = listen(&scene, &sweep, &recording);
    let clicks = found.clicks.measured().expect("a clean recording");
    assert_eq!((clicks.clicks, clicks.bursts), (0, 0), "{:?}", found.events);
}

/// A door, a cough: loud sound in the room is a burst, and never a gap or a jump.
#[rstest]
#[case(1.0, 9600)]
#[case(3.0, 960)]
#[case(10.0, 9600)]
fn a_burst_is_no_dropout(#[case] level: f64, #[case] length: usize) {
    let scene = Scene { snr_db: 20.0, ..Scene::default() };
    let found = disturbed(&scene, 3.0, length, level);
    assert!(!found.events.is_empty(), "{:?}", found.quality);
    assert!(
        found.events.iter().all(|event| matches!(event.kind, EventKind::Burst { .. } | EventKind::Click { .. })),
        "{:?}",
        found.events
    );
}

/// Concealment: another stretch of the sound in the place of a lost one.
#[rstest]
fn what_is_filled_with_something_else_is_garbled(#[values(256, 1024)] length: usize) {
    let scene = Scene { distance_m: 0.3, ..Scene::default() };
    let reference = noise(48_000, 8.0, 24);
    let mut stream = reference.clone();
    let other = stream[180_000 - length..180_000].to_vec();
    stream[180_000..180_000 + length].copy_from_slice(&other);
    let found = listen(&scene, &reference, &scene.record(&stream));
    let [event] = found.events[..] else { panic!("{:?}", found.events) };
    assert!(matches!(event.kind, EventKind::Garbled), "{event:?}");
    assert!(
        (event.reference_s * 48_000.0 - 180_000.0).abs() < 30.0
            && (event.length_s() * 48_000.0 - length as f64).abs() < 40.0
    );
}
