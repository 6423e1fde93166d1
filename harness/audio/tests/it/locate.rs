//! Finding a known sound in a longer recording: planted places, noise, rooms, other sounds.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rigtone_audio::locate::{Located, Locator, UnfitSound};
use rigtone_audio::resample::Interpolator;
use rigtone_audio::signal::{gaussian, lfm, pink};
use rstest::rstest;

use crate::material::{self, white};
use crate::rooms::Scene;

const RATE: u32 = 48_000;
const SECOND: usize = RATE as usize;

/// A marker of one second, a piece of pink noise, a voice-like and a music-like sound.
fn sounds() -> [(&'static str, Vec<f32>); 4] {
    let f32s = |samples: Vec<f64>| samples.into_iter().map(|sample| 0.3 * sample as f32).collect();
    [
        ("marker", f32s(lfm(RATE, SECOND, 500.0, 8000.0))),
        ("pink", f32s(pink(&mut ChaCha8Rng::seed_from_u64(1), RATE, 2 * SECOND))),
        ("speech", material::speech(3 * SECOND, 0.05, 7)),
        ("music", material::music(6 * SECOND, 0.05, 8)),
    ]
}

fn rms(samples: &[f32]) -> f64 {
    rigtone_audio::measure::rms(samples)
}

/// The sound at a frame with its fraction, in white noise of that ratio.
fn planted(sound: &[f32], at: f64, frames: usize, snr_db: f64, seed: u64) -> Vec<f32> {
    let mut out = white(frames, rms(sound) * 10f64.powf(-snr_db / 20.0), seed);
    Interpolator::default().add(&mut out, sound, -at, 1.0, 1.0);
    out
}

fn located(sound: &[f32], recording: &[f32]) -> Located {
    Locator::new(sound, RATE).expect("a sound").locate(recording).expect("a place")
}

#[rstest]
fn a_sound_is_found_where_it_is(
    #[values(0, 1, 2, 3)] which: usize,
    #[values(30.0, 10.0, 0.0)] snr_db: f64,
    #[values(0.0, 12_345.0, 100_000.4)] at: f64,
) {
    let (name, sound) = &sounds()[which];
    let recording = planted(sound, at, 10 * SECOND, snr_db, 3);
    let found = located(sound, &recording);
    assert!((found.frame - at).abs() < 0.6, "{name} at {at}, {snr_db} dB: {found:?}");
    assert!(found.psr > 2.0 && !found.inverted, "{name}: {found:?}");
    let share = (1.0 / (1.0 + 10f64.powf(-snr_db / 10.0))).sqrt();
    assert!((found.likeness - share).abs() < 0.1, "{name}, {snr_db} dB: {found:?} instead of {share}");
}

#[test]
fn a_sound_turned_over_is_found_and_said_to_be() {
    let (_, sound) = &sounds()[1];
    let turned: Vec<f32> = planted(sound, 30_000.0, 8 * SECOND, 20.0, 4).iter().map(|sample| -sample).collect();
    let found = located(sound, &turned);
    assert!((found.frame - 30_000.0).abs() < 0.6 && found.inverted, "{found:?}");
}

#[test]
fn something_louder_elsewhere_does_not_outshine_it() {
    let (_, sound) = &sounds()[0];
    let mut recording = planted(sound, 200_000.0, 10 * SECOND, 20.0, 5);
    for (sample, loud) in recording.iter_mut().zip(white(3 * SECOND, 30.0 * rms(sound), 6)) {
        *sample += loud;
    }
    assert!((located(sound, &recording).frame - 200_000.0).abs() < 0.6);
}

#[test]
fn what_is_not_there_does_not_stand_out() {
    for (name, sound) in &sounds() {
        for seed in 0..5 {
            let found = located(sound, &white(20 * SECOND, 0.1, seed));
            assert!(found.psr < 1.6, "{name} in white noise, seed {seed}: {found:?}");
        }
    }
    let [(_, marker), _, (_, speech), _] = &sounds();
    assert!(located(marker, speech).psr < 2.0);
}

#[rstest]
fn in_a_room_it_is_found_within_the_first_reflections(
    #[values(0.3, 1.0)] distance_m: f64,
    #[values(0, 1, 2)] seed: u64,
) {
    for (name, sound) in &sounds() {
        let scene = Scene { rate: RATE, rt60_s: 0.4, distance_m, snr_db: 10.0, at: 30_000.0, seed, ..Scene::default() };
        let found = located(sound, &scene.record(sound));
        assert!((found.frame - 30_000.0).abs() < 0.002 * f64::from(RATE), "{name}: {found:?}");
        assert!(found.psr > 1.7, "{name}: {found:?}");
    }
}

#[test]
fn a_long_sound_is_found_by_its_loudest_stretch() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut sound: Vec<f32> = (0..20 * SECOND).map(|_| 0.01 * gaussian(&mut rng) as f32).collect();
    sound[10 * SECOND..14 * SECOND].iter_mut().for_each(|sample| *sample *= 10.0);
    let locator = Locator::new(&sound, RATE).expect("a sound");
    assert_eq!(locator.stretch(), (10 * SECOND, 4 * SECOND));
    // Its beginning was not recorded: it lies before the recording.
    let recording = &planted(&sound, 0.0, 20 * SECOND, 20.0, 10)[5 * SECOND..];
    assert!((located(&sound, recording).frame + 5.0 * f64::from(RATE)).abs() < 0.6);
}

#[rstest]
#[case::short(vec![0.1; 100], UnfitSound::TooShort { have_s: 100.0 / 48_000.0 })]
#[case::nothing(Vec::new(), UnfitSound::TooShort { have_s: 0.0 })]
#[case::silence(vec![0.0; SECOND], UnfitSound::Silent)]
#[case::no_number(vec![f32::NAN; SECOND], UnfitSound::NotASample { frame: 0 })]
fn what_cannot_be_looked_for_is_said(#[case] sound: Vec<f32>, #[case] why: UnfitSound) {
    assert_eq!(Locator::new(&sound, RATE).err(), Some(why));
}

#[test]
fn a_recording_that_is_shorter_or_silent_has_no_place() {
    let (_, sound) = &sounds()[0];
    let mut locator = Locator::new(sound, RATE).expect("a sound");
    assert_eq!(locator.locate(&sound[..SECOND / 2]), None);
    assert_eq!(locator.locate(&[]), None);
    assert_eq!(locator.locate(&vec![0.0; 3 * SECOND]), None);
}
