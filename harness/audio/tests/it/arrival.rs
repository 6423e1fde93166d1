//! Where a sound of somebody's own begins in a recording, to fractions of a frame.

use std::f64::consts::TAU;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rigtone_audio::{
    arrival::{BEFORE_S, BEHIND_S, first_arrival},
    chime::chime,
    excerpt::Excerpt,
    signal::gaussian,
};
use rstest::rstest;

use crate::material::{RATE, add_white};

/// Six struck notes of two partials with some noise: its response has sidelobes.
fn jingle() -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let note = |hz: f64| {
        let sound = |frame: i32| {
            let t = f64::from(frame) / f64::from(RATE);
            let partials = (TAU * hz * t).sin() + 0.5 * (TAU * 2.01 * hz * t).sin();
            (0.25 * (-6.0 * t).exp() * (partials + 0.05 * gaussian(&mut rng))) as f32
        };
        (0..24_000).map(sound).collect::<Vec<f32>>()
    };
    [440.0, 660.0, 880.0, 523.0, 784.0, 990.0].map(note).concat()
}

#[rstest]
#[case::jingle(jingle())]
#[case::chime(chime(RATE))]
fn sidelobes_of_a_sound_are_no_arrivals(
    #[case] sound: Vec<f32>,
    #[values(0.0, 1e-4, 1e-3)] noise: f64,
    #[values(1, 2, 3)] seed: u64,
) {
    let (before, behind) = ((BEFORE_S * f64::from(RATE)) as usize, (BEHIND_S * f64::from(RATE)) as usize);
    let mut recording = vec![0.0; before];
    recording.extend_from_slice(&sound);
    recording.resize(recording.len() + behind, 0.0);
    add_white(&mut recording, noise, seed);
    let found = first_arrival(&Excerpt::new(RATE, &recording).expect("numbers"), &sound);
    let found = found.measured().expect("a sound");
    let off_s = (found.frame - before as f64) / f64::from(RATE);
    assert!(off_s.abs() < 4.0 * found.uncertainty_s.max(1e-7), "{off_s:.2e} s off: {found:?}");
    assert_eq!(found.strongest_after_s, 0.0);
}

/// A softer sound by the direct path, then a reflection: the first one counts all the same.
#[rstest]
fn an_earlier_sound_is_still_the_first(#[values(0.5, 0.7)] direct: f32, #[values(20, 40)] later: usize) {
    let sound = crate::material::smoke(1);
    let (before, behind) = ((BEFORE_S * f64::from(RATE)) as usize, (BEHIND_S * f64::from(RATE)) as usize);
    let mut recording = vec![0.0f32; before + sound.samples().len() + behind];
    for (at, gain) in [(before, 0.5 * direct), (before + later, 0.5)] {
        recording[at..].iter_mut().zip(sound.samples()).for_each(|(out, sample)| *out += gain * sample);
    }
    add_white(&mut recording, 1e-4, 7);
    let found = first_arrival(&Excerpt::new(RATE, &recording).expect("numbers"), sound.samples());
    let found = found.measured().expect("a sound");
    assert!((found.frame - before as f64).abs() < 0.5, "{found:?}");
}
