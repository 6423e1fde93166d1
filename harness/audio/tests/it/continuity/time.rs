use rigtone_audio::continuity::{PseudoNoise, Tracker, examine};
use rigtone_audio::measure::Recording;
use rstest::rstest;

use super::{listen, noise, place, sharp};
use crate::rooms::Scene;

#[rstest]
fn drift_is_measured_within_50_ppb_over_12_s(
    #[values((0.3, 10.0, 1.0), (0.3, 10.0, -300.0), (1.0, 10.0, 80.0))] (distance_m, snr_db, ppm): (f64, f64, f64),
) {
    let scene = Scene { distance_m, snr_db, drift_ppm: ppm, seed: 31, ..Scene::default() };
    let reference = noise(48_000, 12.0, 31);
    let recording = scene.record(&reference);
    // The arrival knew the drift to 0.4 ppm.
    let told = rigtone_audio::continuity::Place { drift_ppm: ppm + 0.4, ..place(&scene) };
    let found = examine(&Recording::mono(48_000, &recording), 0, reference.as_slice(), told, sharp()).unwrap();
    let clock = found.clock.measured().expect("it was followed");
    let error = clock.drift_ppm - ppm;
    assert!(error.abs() < 0.05, "{error} ppm, {clock:?}");
    assert!(error.abs() < 5.0 * clock.uncertainty_ppm.max(0.002), "{error} ppm, {clock:?}");
    assert!(clock.steady, "{clock:?}");
    assert!(found.events.is_empty(), "{:?}", found.events);
}

#[test]
fn a_drift_that_changes_shows_in_its_track_and_is_no_event() {
    let scene = Scene { distance_m: 0.5, drift_ppm: 20.0, ..Scene::default() };
    let reference = noise(48_000, 30.0, 32);
    let ppm = |t: f64| {
        if t < 15.0 {
            20.0
        } else if t < 25.0 {
            20.0 + 3.0 * (t - 15.0)
        } else {
            50.0
        }
    };
    let recording = scene.record_drifting(&reference, ppm);
    let found = listen(&scene, &reference, &recording);
    let clock = found.clock.measured().expect("it was followed");
    assert!(!clock.steady, "{clock:?}");
    assert!(found.events.is_empty(), "{:?}", found.events);
    for point in &clock.track {
        // The mean over the 5 s round the point.
        let want = (0..50).map(|n| ppm(point.at_s - 2.5 + 0.1 * f64::from(n))).sum::<f64>() / 50.0;
        assert!((point.ppm - want).abs() < 0.6, "{} s: {} instead of {want} ppm", point.at_s, point.ppm);
    }
}

#[test]
fn a_recording_in_pieces_gives_the_same_as_the_whole() {
    let scene = Scene { drift_ppm: 12.0, ..Scene::default() };
    let reference = noise(48_000, 16.0, 33);
    let mut stream = reference.clone();
    stream[500_000..500_200].fill(0.0);
    stream.drain(600_000..600_100);
    let recording = scene.record(&stream);
    let whole = examine(&Recording::mono(48_000, &recording), 0, reference.as_slice(), place(&scene), sharp()).unwrap();
    assert_eq!(whole.events.len(), 2, "{:?}", whole.events);
    // The same noise, made where it is needed.
    let noise = PseudoNoise::new(48_000, reference.len() as u64, 33);
    let mut tracker = Tracker::new(48_000, noise, place(&scene), sharp());
    for samples in recording.chunks(77_777) {
        tracker.push(samples).unwrap();
    }
    assert_eq!(tracker.finish().unwrap(), whole);
}
