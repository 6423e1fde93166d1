//! A chime planted in noise and in music: where it is found, down to which level, and how often where it is not.

use std::f64::consts::TAU;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rigtone_audio::{
    chime::{chime, speech},
    locate::UnfitSound,
    occurrences::Finder,
    signal::{gaussian, pink},
};
use rstest::rstest;

use crate::rooms::Scene;

const RATE: u32 = 48_000;
/// One false alarm in a thousand hours.
const RARE: f64 = 1e-3;

fn seconds(n: f64) -> usize {
    (n * f64::from(RATE)) as usize
}

fn rms(samples: &[f32]) -> f64 {
    (samples.iter().map(|x| f64::from(x * x)).sum::<f64>() / samples.len() as f64).sqrt()
}

fn scaled(samples: Vec<f64>) -> Vec<f32> {
    let level = (samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64).sqrt();
    samples.into_iter().map(|x| (0.1 * x / level) as f32).collect()
}

fn white(rng: &mut ChaCha8Rng, frames: usize) -> Vec<f32> {
    (0..frames).map(|_| (0.1 * gaussian(rng)) as f32).collect()
}

/// Chords and a melody over all half-tones of three octaves, the notes of the chime among them: struck, with four partials.
fn music(rng: &mut ChaCha8Rng, frames: usize) -> Vec<f32> {
    let mut wave = vec![0.0f64; frames];
    let mut from = 0;
    while from < frames {
        let lasts = seconds(0.1 + 0.4 * f64::from(rng.next_u32() % 8) / 8.0);
        for _ in 0..1 + rng.next_u32() % 3 {
            let hz = 329.63 * 2f64.powf(f64::from(rng.next_u32() % 36) / 12.0);
            let decay = 0.05 + 0.4 * f64::from(rng.next_u32() % 10) / 10.0;
            for (n, sample) in wave[from..(from + 3 * lasts).min(frames)].iter_mut().enumerate() {
                let t = n as f64 / f64::from(RATE);
                let partials = [(1.0, 1.0), (2.0, 0.5), (3.0, 0.3), (4.0, 0.1)];
                let tone: f64 = partials.iter().map(|(k, a)| a * (TAU * k * hz * t).sin()).sum();
                *sample += (t / 0.003).min(1.0) * (-t / decay).exp() * tone;
            }
        }
        from += lasts;
    }
    scaled(wave)
}

/// A piece in E major, the key of the chime: a bass, triads, and a melody out of the scale, plucked notes with five partials.
fn piece(rng: &mut ChaCha8Rng, frames: usize) -> Vec<f32> {
    const SCALE: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];
    /// Half-tones above the tonic of the lowest octave.
    fn halftones(degree: usize) -> i32 {
        SCALE[degree % 7] + 12 * (degree / 7) as i32
    }
    // A quarter of it is longer than the chime's time from note to note: else the melody would be the chime now and then.
    let beat_s = 60.0 / 96.0;
    let mut wave = vec![0.0f64; frames];
    let mut pluck = |at_s: f64, halftones: i32, level: f64, decay_s: f64| {
        let hz = 82.41 * 2f64.powf(f64::from(halftones) / 12.0);
        for (n, sample) in wave.iter_mut().skip(seconds(at_s)).take(seconds(6.0 * decay_s)).enumerate() {
            let t = n as f64 / f64::from(RATE);
            let tone: f64 = (1..=5).map(|k| 0.45f64.powi(k - 1) * (TAU * f64::from(k) * hz * t).sin()).sum();
            *sample += level * tone * (t / 0.002).min(1.0) * (-t / decay_s).exp();
        }
    };
    let mut degree = 21usize;
    let bars = (frames as f64 / f64::from(RATE) / (4.0 * beat_s)).ceil() as u32;
    for bar in 0..bars {
        let from_s = 4.0 * beat_s * f64::from(bar);
        let root = [0, 5, 3, 4][rng.next_u32() as usize % 4];
        for beat in 0..4 {
            let at_s = from_s + beat_s * f64::from(beat);
            pluck(at_s, halftones(root), 0.8, 0.3);
            (0..3).for_each(|third| pluck(at_s, halftones(14 + root + 2 * third), 0.25, 0.2));
        }
        let mut beats = 0.0;
        while beats < 4.0 {
            degree = (degree + rng.next_u32() as usize % 9).saturating_sub(4).clamp(14, 35);
            pluck(from_s + beat_s * beats, halftones(degree), 0.6, 0.09 + 0.05 * f64::from(rng.next_u32() % 4));
            beats += [0.25, 0.25, 0.5, 0.5, 1.0][rng.next_u32() as usize % 5];
        }
    }
    scaled(wave)
}

fn background(kind: &str, seed: u64, frames: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    match kind {
        "white noise" => white(&mut rng, frames),
        "pink noise" => scaled(pink(&mut rng, RATE, frames)),
        "speech" => speech(RATE, frames as f64 / f64::from(RATE), seed),
        "music" => music(&mut rng, frames),
        "a piece" => piece(&mut rng, frames),
        // Noise that comes and goes by 40 dB four times a second.
        "bursts" => {
            let loud = |n: usize| if (n / seconds(0.125)).is_multiple_of(2) { 1.0 } else { 0.01 };
            white(&mut rng, frames).into_iter().enumerate().map(|(n, x)| x * loud(n)).collect()
        }
        other => panic!("no background {other}"),
    }
}

/// The chime at `at_s` seconds, `db` over the background (RMS over its length).
fn plant(into: &mut [f32], at_s: f64, db: f64) {
    let sound = chime(RATE);
    let gain = (rms(into) / rms(&sound) * 10f64.powf(db / 20.0)) as f32;
    for (out, sample) in into[seconds(at_s)..].iter_mut().zip(&sound) {
        *out += gain * sample;
    }
}

#[rstest]
#[case("white noise", -12.0)]
#[case("white noise", 20.0)]
#[case("white noise", 60.0)]
#[case("pink noise", -6.0)]
#[case("pink noise", 20.0)]
#[case("speech", -6.0)]
#[case("speech", 20.0)]
#[case("music", -6.0)]
#[case("music", 20.0)]
#[case("a piece", -6.0)]
#[case("a piece", 20.0)]
fn what_is_planted_is_found_where_it_is_and_nothing_else(#[case] kind: &str, #[case] db: f64) {
    let places = [0.0, 2.3, 7.9, 15.001, 24.4];
    let mut finder = Finder::new(&chime(RATE), RATE).expect("a sound");
    for seed in 1..=4 {
        let quiet = background(kind, seed, seconds(25.0));
        let mut recording = quiet.clone();
        for at_s in places {
            let mut planted = quiet.clone();
            plant(&mut planted, at_s, db);
            recording
                .iter_mut()
                .zip(planted.iter().zip(&quiet))
                .for_each(|(out, (with, without))| *out += with - without);
        }
        let found = finder.find(&recording, finder.threshold(RARE));
        let times: Vec<f64> = found.iter().map(|one| one.frame / f64::from(RATE)).collect();
        assert_eq!(found.len(), places.len(), "{kind} {seed}: {found:?}");
        for (time, at_s) in times.iter().zip(places) {
            assert!((time - at_s).abs() < 0.002, "{kind} {seed}: {times:?}");
        }
    }
}

/// Walls take from some stretches of it and add to others; a reflection may be stronger than the direct path.
#[rstest]
fn in_a_room_it_is_found(
    #[values("pink noise", "speech", "music", "a piece")] kind: &str,
    #[values(0.3, 0.6)] rt60_s: f64,
    #[values(0.3, 1.0)] distance_m: f64,
) {
    let mut finder = Finder::new(&chime(RATE), RATE).expect("a sound");
    for seed in 1..=4 {
        let at = 3.0 * f64::from(RATE);
        let scene = Scene { rate: RATE, rt60_s, distance_m, snr_db: 90.0, at, seed, ..Scene::default() };
        let heard = scene.record(&chime(RATE));
        let mut recording = background(kind, 50 + seed, heard.len());
        // As loud as what else sounds there, over its own length.
        let gain = rms(&recording) / rms(&heard[seconds(3.0)..seconds(3.5)]);
        recording.iter_mut().zip(&heard).for_each(|(out, sample)| *out += gain as f32 * sample);
        let found = finder.find(&recording, finder.threshold(RARE));
        let [one] = found[..] else { panic!("{kind} {seed}: {found:?}") };
        assert!((one.frame - at).abs() < 0.005 * f64::from(RATE), "{kind} {seed}: {one:?}");
    }
}

#[rstest]
#[case("white noise", 1)]
#[case("pink noise", 2)]
#[case("speech", 3)]
#[case("music", 4)]
#[case("bursts", 5)]
#[case("a piece", 6)]
fn where_it_is_not_it_is_not_found(#[case] kind: &str, #[case] seed: u64) {
    let mut finder = Finder::new(&chime(RATE), RATE).expect("a sound");
    let threshold = finder.threshold(RARE);
    for minute in 0..5 {
        let found = finder.find(&background(kind, 100 * seed + minute, seconds(60.0)), threshold);
        assert!(found.is_empty(), "{kind}, minute {minute}: {found:?}");
    }
}

/// The bound is one: with a threshold that lets ten an hour pass, no more than ten come.
#[rstest]
#[case("white noise", 21)]
#[case("bursts", 22)]
fn chance_comes_no_more_often_than_the_threshold_says(#[case] kind: &str, #[case] seed: u64) {
    let mut finder = Finder::new(&chime(RATE), RATE).expect("a sound");
    let threshold = finder.threshold(600.0);
    let minutes = 6;
    let alarms: usize = (0..minutes)
        .map(|minute| finder.find(&background(kind, 1000 * seed + minute, seconds(60.0)), threshold).len())
        .sum();
    // 600 an hour are 60 in six minutes.
    assert!(alarms <= 60, "{alarms}");
}

/// An hour of each: takes minutes, and is done by `ci/nightly`.
#[rstest]
#[case("white noise")]
#[case("music")]
#[case("a piece")]
#[ignore = "an hour of sound"]
fn an_hour_without_it_has_no_alarm(#[case] kind: &str) {
    let mut finder = Finder::new(&chime(RATE), RATE).expect("a sound");
    let threshold = finder.threshold(RARE);
    for minute in 0..60 {
        let found = finder.find(&background(kind, 9000 + minute, seconds(60.0)), threshold);
        assert!(found.is_empty(), "{kind}, minute {minute}: {found:?}");
    }
}

#[test]
fn another_melody_of_its_notes_is_not_it() {
    let sound = chime(RATE);
    let mut backwards = background("white noise", 7, seconds(10.0));
    backwards.iter_mut().for_each(|x| *x *= 0.01);
    // The notes as they are, the last one first.
    let note = seconds(0.13);
    for (n, part) in [2, 1, 0].into_iter().enumerate() {
        for (out, sample) in backwards[seconds(4.0) + n * note..].iter_mut().zip(&sound[part * note..(part + 1) * note])
        {
            *out += sample;
        }
    }
    let mut finder = Finder::new(&sound, RATE).expect("a sound");
    let found = finder.find(&backwards, finder.threshold(RARE));
    assert!(found.is_empty(), "{found:?}");
}

#[rstest]
#[case::short(vec![0.5; 1000], UnfitSound::TooShort { have_s: 1000.0 / 48_000.0 })]
#[case::silent(vec![0.0; 10_000], UnfitSound::Silent)]
#[case::a_tone((0..24_000).map(|n| (0.1 * n as f32).sin()).collect(), UnfitSound::AlikeBackwards)]
#[case::no_number(vec![f32::NAN; 10_000], UnfitSound::NotASample { frame: 0 })]
fn what_cannot_be_looked_for_is_refused(#[case] sound: Vec<f32>, #[case] why: UnfitSound) {
    assert_eq!(Finder::new(&sound, RATE).err(), Some(why));
}

#[rstest]
#[case::silence(vec![0.0; 480_000])]
#[case::shorter_than_the_sound(vec![0.1; 5000])]
#[case::nothing(vec![])]
fn a_recording_without_anything_holds_nothing(#[case] recording: Vec<f32>) {
    let mut finder = Finder::new(&chime(RATE), RATE).expect("a sound");
    assert_eq!(finder.find(&recording, 5.0), []);
}
