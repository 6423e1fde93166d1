//! Channel identity, polarity, doubled audio, howling: told apart in rooms.

use std::f64::consts::PI;

use proptest::prelude::*;
use rigtone_audio::channels::{
    CODE_FRAMES, Carries, ChannelTest, Content, Heard, Layout, Side, channel_test, code_pair, doubled, heard, howling,
    layout, layout_from, polarity,
};
use rigtone_audio::excerpt::Excerpt;
use rigtone_audio::measure::{Outcome, Polarity, Reason};
use rigtone_audio::resample::Interpolator;
use rigtone_audio::response::Sweep;
use rstest::rstest;

use crate::acoustics::{convolve, excerpt, noise, padded, reason, rms, room, samples, seeds, sum, value};
use crate::material::{music, pink_noise, speech};

const RATE: u32 = 48_000;

#[rstest]
fn the_test_leaves_headroom_and_holds_what_its_parts_say(#[values(44_100, 48_000)] rate: u32) {
    for code in [0, 1, 2, 12_345] {
        let test = channel_test(rate, code);
        assert!(test.left.iter().chain(&test.right).all(|sample| sample.abs() <= 10f64.powf(-1.0 / 20.0)));
        for part in test.parts {
            let range = part.start..part.start + part.frames;
            let (left, right) = (rms(&test.left[range.clone()]), rms(&test.right[range]));
            assert_eq!(
                (left > 0.1, right > 0.1),
                (part.content != Content::RightOnly, part.content != Content::LeftOnly)
            );
        }
    }
}

/// A driver: which channels feed it, how strongly, and its way to the microphone.
struct Driver {
    left: f64,
    right: f64,
    distance_m: f64,
    room: Option<u64>,
    gain: f64,
}

fn driver(left: f64, right: f64, distance_m: f64, room: u64) -> Driver {
    Driver { left, right, distance_m, room: Some(room), gain: 1.0 }
}

/// What a microphone records: drivers in a room of RT60 0.4 s, white noise.
fn record(test: &ChannelTest, drivers: &[Driver], snr_db: f64, seed: u64) -> Vec<f32> {
    let mut out = vec![0.0; test.left.len()];
    for driver in drivers {
        let fed: Vec<f64> = test
            .left
            .iter()
            .zip(&test.right)
            .map(|(l, r)| driver.gain * (driver.left * l + driver.right * r))
            .collect();
        // Flight, counted from 1 m, and the fall of the direct sound with distance.
        let late = (driver.distance_m - 1.0) / 343.4 * f64::from(test.rate) + 20.0;
        let mut moved = vec![0.0f32; fed.len()];
        Interpolator::default().add(&mut moved, &samples(&fed), -late, 1.0, (1.0 / driver.distance_m) as f32);
        let moved: Vec<f64> = moved.iter().map(|sample| f64::from(*sample)).collect();
        let heard = match driver.room {
            Some(seed) => convolve(&moved, &room(test.rate, 0.4, driver.distance_m, seed)),
            None => moved,
        };
        out = sum(&out, &heard);
    }
    // Quiet enough for the nearest driver.
    out = out.iter().map(|sample| 0.05 * sample).collect();
    let level = rms(&out) * 10f64.powf(-snr_db / 20.0);
    samples(&sum(&out, &noise(out.len(), level, seed)))
}

fn identify(test: &ChannelTest, drivers: &[Driver], snr_db: f64, seed: u64) -> Outcome<Heard> {
    heard(&excerpt(test.rate, &record(test, drivers, snr_db, seed)), test)
}

#[rstest]
fn one_microphone_tells_the_channels_apart_at_1_m(#[values(1, 2)] seed: u64, #[values(20.0, 0.0)] snr_db: f64) {
    let test = channel_test(RATE, seed as u32);
    let rooms = (100 * seed, 100 * seed + 1);
    let conditions = format!("RT60 0.4 s, 1 m, SNR {snr_db} dB, seed {seed}");
    let cases = [
        (vec![driver(1.0, 0.0, 1.0, rooms.0)], Carries::Left, Layout::LeftOnly),
        (vec![driver(0.0, 1.0, 1.0, rooms.0)], Carries::Right, Layout::RightOnly),
        (vec![driver(0.5, 0.5, 1.0, rooms.0)], Carries::Sum, Layout::MonoSum),
        (vec![driver(0.5, 0.5, 1.0, rooms.0), driver(0.5, 0.5, 1.1, rooms.1)], Carries::Sum, Layout::MonoSum),
        (vec![driver(1.0, 0.0, 1.0, rooms.0), driver(0.0, 1.0, 1.1, rooms.1)], Carries::Both, Layout::Stereo),
        (vec![driver(0.0, 1.0, 1.0, rooms.0), driver(1.0, 0.0, 1.1, rooms.1)], Carries::Both, Layout::Swapped),
    ];
    for (n, (drivers, carries, wired)) in cases.iter().enumerate() {
        let found = identify(&test, drivers, snr_db, seed);
        assert_eq!(value(&found).carries, *carries, "{conditions}, case {n}: {found:?}");
        // The microphone stands nearer to the left driver.
        assert_eq!(value(&layout_from(&found, Side::Left)), *wired, "{conditions}, case {n}: {found:?}");
        for code in [value(&found).left, value(&found).right].into_iter().flatten() {
            assert_eq!(code.polarity.polarity, Polarity::Normal, "{conditions}, case {n}");
        }
    }
}

#[rstest]
fn two_microphones_tell_stereo_from_swapped_and_mono(#[values(1, 2)] seed: u64) {
    let test = channel_test(RATE, 9);
    // Near one driver at 0.15 m, the other at 0.8 m.
    let both = |near: (f64, f64), far: (f64, f64)| {
        identify(&test, &[driver(near.0, near.1, 0.15, seed), driver(far.0, far.1, 0.8, seed + 50)], 20.0, seed)
    };
    let (l, r, m) = ((1.0, 0.0), (0.0, 1.0), (0.5, 0.5));
    assert_eq!(value(&layout(&both(l, r), &both(r, l))), Layout::Stereo);
    assert_eq!(value(&layout(&both(r, l), &both(l, r))), Layout::Swapped);
    assert_eq!(value(&layout(&both(m, m), &both(m, m))), Layout::MonoSum);
    assert_eq!(value(&layout(&both(l, l), &both(l, l))), Layout::LeftOnly);
    let found = value(&both(l, r));
    assert!(found.ratio_db > 10.0 && found.together_db.unwrap() > 10.0, "{found:?}");
}

#[test]
fn codes_are_isolated_by_25_db_and_a_mono_sum_reads_0() {
    let test = channel_test(RATE, 4);
    let left = value(&identify(&test, &[driver(1.0, 0.0, 1.0, 7)], 20.0, 1));
    assert!(left.ratio_db >= 25.0 && left.together_db.unwrap() >= 20.0, "{left:?}");
    let dry = Driver { room: None, ..driver(1.0, 0.0, 1.0, 0) };
    let left = value(&identify(&test, &[dry], 20.0, 4));
    assert!(left.ratio_db >= 25.0 && left.together_db.unwrap() >= 25.0, "{left:?}");
    let mono = value(&identify(&test, &[driver(0.5, 0.5, 1.0, 7)], 20.0, 2));
    assert!(mono.ratio_db.abs() < 0.2 && mono.likeness.unwrap() > 0.95, "{mono:?}");
    let dry = Driver { room: None, ..driver(0.5, 0.5, 1.0, 0) };
    let mono = value(&identify(&test, &[dry], 40.0, 3));
    assert!((mono.left.unwrap().db + 6.02 + 26.02).abs() < 0.3, "half of the code at 0.05: {mono:?}");
}

#[rstest]
fn polarity_is_right_both_ways_in_25_rooms(#[values(1.0, -1.0)] sign: f64) {
    let (code, _) = code_pair(RATE, 0);
    let want = if sign > 0.0 { Polarity::Normal } else { Polarity::Inverted };
    for seed in seeds(25) {
        let played = padded(&code.iter().map(|sample| 0.3 * sign * sample).collect::<Vec<_>>(), 100, 9600);
        let mut sound = convolve(&played, &room(RATE, 0.4, 1.0, seed));
        let level = rms(&sound) * 0.1;
        sound = sum(&sound, &noise(sound.len(), level, seed));
        let found = value(&polarity(&excerpt(RATE, &samples(&sound)), &code));
        assert_eq!(found.polarity, want, "RT60 0.4 s, 1 m, SNR 20 dB, seed {seed}: {found:?}");
    }
}

#[test]
fn one_driver_wired_the_wrong_way_round_is_seen() {
    let test = channel_test(RATE, 2);
    let found = value(&identify(&test, &[driver(1.0, 0.0, 1.0, 3), driver(0.0, -1.0, 1.1, 4)], 20.0, 1));
    assert_eq!(found.left.unwrap().polarity.polarity, Polarity::Normal);
    assert_eq!(found.right.unwrap().polarity.polarity, Polarity::Inverted);
}

#[test]
fn what_holds_no_codes_is_inconclusive() {
    let test = channel_test(RATE, 1);
    for seed in 0..3 {
        for material in [pink_noise, speech, music] {
            let other = material(test.left.len(), 0.1, seed);
            let found = heard(&excerpt(RATE, &other), &test);
            assert_eq!(reason(&found), Reason::NotPresent, "seed {seed}");
            let found = polarity(&excerpt(RATE, &other), &test.left_code);
            assert_eq!(reason(&found), Reason::NotPresent, "seed {seed}");
        }
    }
    let good = record(&test, &[driver(1.0, 0.0, 1.0, 3)], 20.0, 1);
    let short = heard(&excerpt(RATE, &good[..100_000]), &test);
    assert!(matches!(reason(&short), Reason::TooShort { .. }));
    assert!(matches!(reason(&heard(&excerpt(44_100, &good), &test)), Reason::WrongRate { .. }));
    let mut clipped = good;
    clipped[10_000..10_040].fill(-1.0);
    assert!(matches!(reason(&heard(&excerpt(RATE, &clipped), &test)), Reason::Clipped { .. }));
}

#[test]
fn one_channel_hardly_over_the_noise_does_not_prove_that_the_other_is_silent() {
    let test = channel_test(RATE, 1);
    let found = identify(&test, &[driver(1.0, 0.0, 0.3, 3)], -21.0, 1);
    assert!(
        matches!(reason(&found), Reason::LowSnr { .. } | Reason::NotPresent),
        "a code 10 dB down would hide in this noise: {found:?}"
    );
}

/// The code heard twice, the second time late and quieter, through a room or without one.
fn twice(lag_s: f64, db: f64, at: Option<(f64, u64)>, snr_db: f64, seed: u64) -> (Vec<f32>, Vec<f64>) {
    let (code, _) = code_pair(RATE, seed as u32);
    let mut sound = padded(&code, 100, 30_000);
    let late = (lag_s * f64::from(RATE)).round() as usize;
    let copy: Vec<f64> = padded(&code, 100 + late, 30_000 - late);
    sound = sum(&sound, &copy.iter().map(|sample| 10f64.powf(db / 20.0) * sample).collect::<Vec<_>>());
    if let Some((distance, room_seed)) = at {
        sound = convolve(&sound, &room(RATE, 0.4, distance, room_seed));
    }
    let level = 0.15 * 10f64.powf(-snr_db / 20.0);
    (samples(&sum(&sound, &noise(sound.len(), level, seed))), code)
}

#[rstest]
fn a_copy_at_10_db_down_is_found_and_one_at_25_is_not(
    #[values(0.025, 0.080, 0.200)] lag_s: f64,
    #[values(None, Some((0.3, 1)), Some((0.3, 2)), Some((1.0, 3)), Some((1.0, 4)))] at: Option<(f64, u64)>,
    #[values(20.0)] snr_db: f64,
) {
    let conditions = format!("lag {lag_s} s, room {at:?}, SNR {snr_db} dB");
    let (recording, code) = twice(lag_s, -10.0, at, snr_db, 5);
    let found = doubled(&excerpt(RATE, &recording), &code);
    // At 1 m the reverberation of 25 ms is as loud as the copy.
    if at.is_some_and(|(distance, _)| distance == 1.0) && lag_s < 0.05 && found.measured().is_none() {
        assert!(matches!(reason(&found), Reason::Undecided { .. }), "{conditions}");
        return;
    }
    let found = value(&found);
    assert!(found.doubled && found.copies.len() == 2, "{conditions}: {found:?}");
    let copy = found.copies[1];
    assert!((copy.lag_s - lag_s).abs() < 0.0005, "{conditions}: {found:?}");
    assert!((copy.db + 10.0).abs() < 0.3f64.max(3.0 * copy.uncertainty_db), "{conditions}: {found:?}");
    let (recording, code) = twice(lag_s, -25.0, at, snr_db, 6);
    match doubled(&excerpt(RATE, &recording), &code) {
        Outcome::Measured(found) => assert!(!found.doubled, "{conditions}: {found:?}"),
        Outcome::Inconclusive(why) => {
            assert!(
                matches!(why, Reason::Undecided { .. }) && at.is_some_and(|(d, _)| d == 1.0),
                "{conditions}: {why}"
            );
        }
    }
}

#[test]
fn a_room_alone_is_no_echo() {
    let mut answered = 0;
    let rooms = seeds(24);
    for seed in rooms.clone() {
        let (recording, code) = twice(0.1, -300.0, Some((if seed % 2 == 0 { 1.0 } else { 0.3 }, seed)), 20.0, seed);
        match doubled(&excerpt(RATE, &recording), &code) {
            Outcome::Measured(found) => {
                assert!(!found.doubled && found.detectable_db <= -10.0, "RT60 0.4 s, seed {seed}: {found:?}");
                answered += 1;
            }
            Outcome::Inconclusive(why) => {
                assert!(matches!(why, Reason::Undecided { .. }) && seed % 2 == 0, "RT60 0.4 s, seed {seed}: {why}");
            }
        }
    }
    assert!(2 * answered >= rooms.end, "{answered} of {} rooms answered", rooms.end);
}

#[test]
fn a_louder_copy_after_the_first_is_found() {
    let (recording, code) = twice(0.12, 6.0, None, 30.0, 1);
    let found = value(&doubled(&excerpt(RATE, &recording), &code));
    assert!(found.doubled && (found.copies[1].lag_s - 0.12).abs() < 1e-4, "{found:?}");
    assert!((found.copies[0].db + 6.0).abs() < 0.3, "{found:?}");
}

#[test]
fn noise_that_would_hide_a_copy_is_inconclusive() {
    let (recording, code) = twice(0.1, -10.0, None, -12.0, 1);
    let found = doubled(&excerpt(RATE, &recording), &code);
    assert!(matches!(reason(&found), Reason::LowSnr { .. }), "{found:?}");
    let other = samples(&noise(recording.len(), 0.1, 9));
    assert_eq!(reason(&doubled(&excerpt(RATE, &other), &code)), Reason::NotPresent);
    let short = doubled(&excerpt(RATE, &recording[..CODE_FRAMES]), &code);
    assert!(matches!(reason(&short), Reason::TooShort { .. }));
}

/// A howl that grows to its level and stays, over a background.
fn howl(background: Vec<f32>, hz: f64, from_s: f64, db_per_s: f64, dbfs: f64) -> Vec<f32> {
    let rate = f64::from(RATE);
    background
        .into_iter()
        .enumerate()
        .map(|(n, sample)| {
            let t = n as f64 / rate - from_s;
            let level = (dbfs - 40.0 + db_per_s * t).min(dbfs);
            let tone = 2f64.sqrt() * 10f64.powf(level / 20.0) * (2.0 * PI * hz * t).sin();
            sample + if t > 0.0 { tone as f32 } else { 0.0 }
        })
        .collect()
}

#[rstest]
fn a_planted_howl_is_found(
    #[values(440.0, 2317.0, 6400.0)] hz: f64,
    #[values(20.0, 60.0)] db_per_s: f64,
    #[values(speech, pink_noise)] material: fn(usize, f64, u64) -> Vec<f32>,
) {
    let found = value(&howling(&excerpt(RATE, &howl(material(4 * RATE as usize, 0.01, 3), hz, 1.0, db_per_s, -12.0))));
    let loudest = found.howls.iter().max_by(|a, b| a.dbfs.total_cmp(&b.dbfs)).expect("it howls");
    assert!((loudest.hz - hz).abs() <= 12.0 && (loudest.dbfs + 12.0).abs() < 2.0, "{found:?}");
    assert!(loudest.from_s > 0.9 && loudest.from_s < 3.0 && loudest.growth_db_per_s > 0.0, "{found:?}");
    assert!(loudest.papr_db >= 20.0 && loudest.pnpr_db >= 15.0 && loudest.phpr_db >= 20.0);
}

#[test]
fn speech_music_noise_and_sweeps_do_not_howl() {
    for seed in seeds(5) {
        for (name, material) in
            [("speech", speech as fn(usize, f64, u64) -> Vec<f32>), ("music", music), ("pink", pink_noise)]
        {
            let found = value(&howling(&excerpt(RATE, &material(4 * RATE as usize, 0.05, seed))));
            assert!(found.howls.is_empty(), "{name}-like, seed {seed}: {found:?}");
        }
    }
    let sweep = samples(Sweep::audio_band(RATE, 5.0).unwrap().samples());
    let found = value(&howling(&excerpt(RATE, &sweep)));
    assert!(found.howls.is_empty(), "{found:?}");
    assert!(value(&howling(&excerpt(RATE, &vec![0.0; 48_000]))).howls.is_empty());
}

#[test]
fn a_recording_too_short_or_clipped_for_a_howl_is_inconclusive() {
    assert!(matches!(reason(&howling(&excerpt(RATE, &vec![0.1; 9000]))), Reason::TooShort { .. }));
    let saturated: Vec<f32> =
        howl(vec![0.0; 96_000], 2317.0, 0.0, 1e6, 12.0).iter().map(|sample| sample.clamp(-1.0, 1.0)).collect();
    let mut clipped = saturated.clone();
    clipped[500..520].fill(1.0);
    assert!(matches!(reason(&howling(&excerpt(RATE, &clipped))), Reason::Clipped { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn no_samples_make_channels_panic(
        rate in prop::sample::select(vec![0u32, 8000, 44_100, 48_000, u32::MAX]),
        frames in 1usize..150_000,
        scale in prop::sample::select(vec![0.0f32, 1e-20, 0.1, 500.0]),
        seed: u64,
    ) {
        let samples: Vec<f32> = noise(frames, 0.3, seed).into_iter().map(|s| scale * (s as f32).clamp(-1.0, 1.0)).collect();
        let excerpt = Excerpt::new(rate, &samples).unwrap();
        let test = channel_test(48_000, 1);
        let _ = (heard(&excerpt, &test), polarity(&excerpt, &test.left_code), howling(&excerpt));
        let _ = (doubled(&excerpt, &test.left_code), doubled(&excerpt, &[]), polarity(&excerpt, &[]));
    }
}
