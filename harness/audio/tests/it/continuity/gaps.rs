use rigtone_audio::continuity::{EventKind, Place, examine};
use rigtone_audio::measure::{Outcome, Recording};
use rstest::rstest;

use super::{gaps, listen, noise, place, sharp};
use crate::rooms::{Dice, Scene};

const FRAME: usize = 128; // one SBC frame: 2.67 ms at 48 kHz

/// 38 gaps in each of eight conditions: 304. They lie on 304 different phases of the blocks of 10 ms.
#[test]
fn every_gap_of_one_sbc_frame_is_found_at_10_db_and_above() {
    find_all(&[(0.4, f64::INFINITY)]);
}

/// The same in other rooms and with a codec's noise 20 to 30 dB below the sound: 2736.
#[test]
#[ignore = "nightly: 15 minutes of sound"]
fn every_gap_of_one_sbc_frame_is_found_in_other_rooms_and_codecs() {
    let rooms = [0.25, 0.4, 0.6].into_iter();
    let all: Vec<(f64, f64)> =
        rooms.flat_map(|rt60_s| [f64::INFINITY, 30.0, 20.0].map(|codec| (rt60_s, codec))).collect();
    find_all(&all);
}

fn find_all(rounds: &[(f64, f64)]) {
    let (mut planted, mut hits, mut report) = (0, 0, String::new());
    for (round, (rt60_s, codec_db)) in rounds.iter().enumerate() {
        for (n, (distance_m, drift_ppm, snr_db)) in [
            (0.3, 0.0, 20.0),
            (0.3, 0.0, 10.0),
            (0.3, 80.0, 20.0),
            (0.3, 80.0, 10.0),
            (1.0, 0.0, 20.0),
            (1.0, 0.0, 10.0),
            (1.0, 80.0, 20.0),
            (1.0, 80.0, 10.0),
        ]
        .into_iter()
        .enumerate()
        {
            let seed = (round * 8 + n) as u64;
            let scene =
                Scene { rt60_s: *rt60_s, distance_m, drift_ppm, snr_db, seed, codec_db: *codec_db, ..Scene::default() };
            let reference = noise(48_000, 12.0, 100 + seed);
            let mut stream = reference.clone();
            let mut dice = Dice::new(200 + seed);
            let places: Vec<usize> = (0..38)
                .map(|k| 4800 + k * 14_880 + dice.between(0, 20) * 480 + ((round * 8 + n) * 38 + k) * 37 % 480)
                .collect();
            for from in &places {
                stream[*from..*from + FRAME].fill(0.0);
            }
            let found = listen(&scene, &reference, &scene.record(&stream));
            let heard = gaps(&found, 48_000);
            let near = |from: &usize| heard.iter().filter(|gap| (gap.0 - *from as f64).abs() < 24.0).count() == 1;
            let count = places.iter().filter(|from| near(from)).count();
            planted += places.len();
            hits += count;
            report += &format!("RT60 {rt60_s} s, {distance_m} m, {drift_ppm} ppm, {snr_db} dB: {count} of 38\n");
            assert_eq!(heard.len(), count, "{scene:?}: more gaps than planted: {:?}", found.events);
            let Outcome::Measured(dropouts) = found.dropouts else { panic!("{scene:?}: {:?}", found.dropouts) };
            assert_eq!(dropouts.count, heard.len());
            for (_, length) in &heard {
                let off = (length - FRAME as f64).abs() / 48_000.0;
                assert!(off < 5.0 * dropouts.uncertainty_s, "{scene:?}: {length} frames, {dropouts:?}");
            }
            assert_eq!(found.events.len(), count, "{scene:?}: {:?}", found.events);
        }
    }
    assert_eq!((hits, planted), (304 * rounds.len(), 304 * rounds.len()), "{report}");
}

#[rstest]
fn gaps_of_any_length_have_their_length(#[values(72, 696, 12_000, 96_000)] length: usize) {
    let scene = Scene { distance_m: 0.3, drift_ppm: 20.0, seed: length as u64, ..Scene::default() };
    let reference = noise(48_000, 9.0, 4);
    let mut stream = reference.clone();
    stream[200_000..200_000 + length].fill(0.0);
    let found = listen(&scene, &reference, &scene.record(&stream));
    let heard = gaps(&found, 48_000);
    assert_eq!(heard.len(), 1, "{:?}", found.events);
    assert!((heard[0].0 - 200_000.0).abs() < 10.0 && (heard[0].1 - length as f64).abs() < 12.0, "{heard:?}");
    assert_eq!(found.events.len(), 1, "{:?}", found.events);
    assert!(matches!(found.events[0].kind, EventKind::Mute { gain } if gain < 0.1), "{:?}", found.events);
    assert_eq!(found.jumps.measured().map(|jumps| jumps.net_frames), Some(0));
}

/// Tools that look at powers of two miss the rest. The recording stops where the reference stops, or in the midst of it.
#[rstest]
fn a_gap_in_the_last_100_ms_is_found(
    #[values(1.5, 10.9)] seconds: f64,
    #[values((4700, false), (2000, true), (700, false), (700, true))] (before_end, cut): (usize, bool),
) {
    let scene = Scene { distance_m: 0.3, snr_db: 15.0, ..Scene::default() };
    let reference = noise(48_000, seconds + if cut { 3.0 } else { 0.0 }, 5);
    let mut stream = reference.clone();
    let end = (seconds * 48_000.0) as usize;
    stream[end - before_end..end - before_end + FRAME].fill(0.0);
    let mut recording = scene.record(&stream);
    if cut {
        recording.truncate(scene.at as usize + end);
    }
    let found = listen(&scene, &reference, &recording);
    let heard = gaps(&found, 48_000);
    assert!(heard.len() == 1 && (heard[0].0 - (end - before_end) as f64).abs() < 12.0, "{:?}", found.events);
}

#[rstest]
fn gaps_are_found_in_any_channel_at_both_rates(
    #[values((1, 44_100), (2, 48_000), (2, 44_100), (4, 48_000))] (channels, rate): (usize, u32),
) {
    let scene = Scene { rate, distance_m: 0.3, ..Scene::default() };
    let reference = noise(rate, 3.0, 6);
    let mut stream = reference.clone();
    stream[70_000..70_128].fill(0.0);
    let heard = scene.record(&stream);
    let channel = channels - 1;
    let samples: Vec<f32> = heard
        .iter()
        .flat_map(|sample| (0..channels).map(move |n| if n == channel { -*sample } else { 0.3 * *sample + 0.01 }))
        .collect();
    let recording = Recording::interleaved(rate, channels, &samples).unwrap();
    let found = examine(&recording, channel, reference.as_slice(), place(&scene), sharp()).unwrap();
    let heard = gaps(&found, rate);
    assert!(heard.len() == 1 && (heard[0].0 - 70_000.0).abs() < 8.0, "{:?}", found.events);
    assert!((heard[0].1 - 128.0).abs() < 8.0);
}

#[rstest]
#[case(0.0)]
#[case(0.04)]
#[case(0.35)]
#[case(2.5)]
#[case(14.0)]
fn what_is_missing_at_the_start_is_measured_and_is_no_dropout(#[case] lost_s: f64) {
    let scene = Scene::default();
    let reference = noise(48_000, lost_s + 8.0, 7);
    let mut stream = reference.clone();
    stream[..(lost_s * 48_000.0) as usize].fill(0.0);
    let found = listen(&scene, &reference, &scene.record(&stream));
    let Outcome::Measured(start_up) = found.start_up else { panic!("{:?} {:?}", found.start_up, found.quality) };
    assert!((start_up.lost_s - lost_s).abs() < 5.0 * start_up.uncertainty_s + 0.001, "{start_up:?}");
    assert!(start_up.uncertainty_s < 0.001, "{start_up:?}");
    assert!(gaps(&found, 48_000).is_empty(), "{:?}", found.events);
}

/// The arrival need not be exact: it is looked for up to 3 s away.
#[rstest]
fn a_place_that_is_told_wrong_is_corrected(#[values(-100_000.0, 300.0)] off: f64) {
    let scene = Scene { at: 120_000.5, drift_ppm: 30.0, ..Scene::default() };
    let reference = noise(48_000, 8.0, 8);
    let mut stream = reference.clone();
    stream[250_000..250_000 + FRAME].fill(0.0);
    let recording = scene.record(&stream);
    let told = Place { frame: scene.at + off, drift_ppm: 10.0 };
    let found = examine(&Recording::mono(48_000, &recording), 0, reference.as_slice(), told, sharp()).unwrap();
    let heard = gaps(&found, 48_000);
    assert!(heard.iter().any(|gap| (gap.0 - 250_000.0).abs() < 12.0), "{:?} {:?}", found.events, found.quality);
    let clock =
        found.clock.measured().unwrap_or_else(|| panic!("{:?} {:?} {:?}", found.clock, found.quality, found.events));
    assert!((clock.drift_ppm - 30.0).abs() < 0.1, "{clock:?}");
}
