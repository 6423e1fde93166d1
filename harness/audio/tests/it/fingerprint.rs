//! What the codec left: band limits as measured on real encoders, planted with filters of our own.

use proptest::prelude::*;
use rigtone_audio::excerpt::Excerpt;
use rigtone_audio::filter::{highpass, lowpass};
use rigtone_audio::fingerprint::{Family, Fingerprint, PROBE_S, fingerprint, probe};
use rigtone_audio::measure::{Outcome, Reason};
use rstest::rstest;

use crate::acoustics::{convolve, excerpt, filtered, noise, reason, rms, room, samples, seeds, sum, value, wall};

const RATE: u32 = 48_000;

/// Frequencies at -3 and -20 dB, and the family that has them. The brick walls are 150 Hz wide.
const CVSD: (f64, f64) = (2760.0, 3460.0);
const MSBC: (f64, f64) = (7420.0, 8570.0);
const SBC_LOW: (f64, f64) = (18_000.0, 18_900.0);

/// The probe behind a band limit, a speaker, a room, noise.
#[derive(Clone, Copy)]
struct Path {
    rate: u32,
    wall: Option<(f64, f64)>,
    /// High-pass and low-pass of the speaker in Hz.
    speaker: (f64, f64),
    room: Option<(f64, u64)>,
    snr_db: f64,
    seed: u64,
}

const PLAIN: Path = Path { rate: RATE, wall: None, speaker: (0.0, 0.0), room: None, snr_db: 50.0, seed: 1 };

impl Path {
    /// What a path with more in it than a filter leaves of the probe.
    fn through(&self, bent: impl Fn(Vec<f64>) -> Vec<f64>) -> Outcome<Fingerprint> {
        let probe = probe(self.rate, self.seed as u32).expect("a possible rate");
        let mut sound = probe.samples.clone();
        if let Some(edge) = self.wall {
            sound = filtered(&sound, self.rate, |hz| wall(hz, edge));
        }
        sound = filtered(&sound, self.rate, |hz| {
            let high = if self.speaker.0 > 0.0 { highpass(hz, self.speaker.0).norm() } else { 1.0 };
            let low = if self.speaker.1 > 0.0 { lowpass(hz, self.speaker.1).norm() } else { 1.0 };
            high * low
        });
        sound = bent(sound);
        if let Some((distance, seed)) = self.room {
            sound = convolve(&sound, &room(self.rate, 0.4, distance, seed));
        }
        let level = rms(&sound) * 10f64.powf(-self.snr_db / 20.0);
        let floor = noise(self.rate as usize, level, self.seed + 500);
        let sound = samples(&sum(&sound, &noise(sound.len(), level, self.seed + 900)));
        fingerprint(&excerpt(self.rate, &sound), &probe, &excerpt(self.rate, &samples(&floor)))
    }

    fn found(&self) -> Outcome<Fingerprint> {
        self.through(|sound| sound)
    }
}

#[rstest]
fn the_probe_leaves_headroom_and_its_places_are_empty(#[values(44_100, 48_000)] rate: u32) {
    let probe = probe(rate, 3).unwrap();
    assert_eq!(probe.samples.len(), (PROBE_S * f64::from(rate)) as usize);
    let peak = probe.samples.iter().fold(0.0f64, |peak, sample| peak.max(sample.abs()));
    assert!(peak < 0.6 && (rms(&probe.samples) - 0.12).abs() < 0.002, "peak {peak}");
    assert!((probe.lines.iter().sum::<f64>() - 0.0144).abs() < 1e-9);
    assert!(probe.lines[6] > 0.0 && probe.lines[100] > 0.0 && probe.lines[7] == 0.0 && probe.lines[1007] == 0.0);
    for rate in [0, 7999, 200_000, u32::MAX] {
        assert!(rigtone_audio::fingerprint::probe(rate, 1).is_err());
    }
}

#[rstest]
#[case::cvsd(CVSD, Family::Cvsd)]
#[case::msbc(MSBC, Family::MSbc)]
#[case::sbc_bitpool_19(SBC_LOW, Family::SoftEdge)]
#[case::aac_128(( 17_150.0, 17_300.0), Family::BrickWall)]
#[case::aac_192((19_350.0, 19_500.0), Family::BrickWall)]
#[case::aac_256((21_650.0, 21_800.0), Family::BrickWall)]
#[case::lc3_160((19_950.0, 20_100.0), Family::BrickWall)]
#[case::unknown((11_800.0, 12_000.0), Family::OtherEdge)]
fn band_limits_are_found_and_named(
    #[case] edge: (f64, f64),
    #[case] family: Family,
    #[values((None, 48_000), (Some((0.3, 11)), 44_100), (Some((1.0, 12)), 48_000))] (room, rate): (
        Option<(f64, u64)>,
        u32,
    ),
) {
    if rate == 44_100 && edge.1 > 21_000.0 {
        return; // at the end of the band nothing is left above the wall
    }
    let found = value(&Path { rate, wall: Some(edge), room, ..PLAIN }.found());
    let have = found.edge.unwrap_or_else(|| panic!("no edge at {edge:?}, room {room:?}: {found:?}"));
    assert_eq!(found.family, family, "{edge:?}, room {room:?}: {have:?}");
    assert!((have.hz - edge.1).abs() < 60f64.max(3.0 * have.uncertainty_hz), "{edge:?}, room {room:?}: {have:?}");
    assert!((have.hz / edge.1 - 1.0).abs() < 0.03, "{edge:?}, room {room:?}: {have:?}");
}

#[rstest]
fn a_full_band_has_no_edge(
    #[values(44_100, 48_000)] rate: u32,
    #[values(None, Some((0.3, 21)), Some((1.0, 22)))] room: Option<(f64, u64)>,
    #[values((0.0, 0.0), (150.0, 12_000.0), (200.0, 4000.0))] speaker: (f64, f64),
) {
    let found = value(&Path { rate, room, speaker, snr_db: 60.0, ..PLAIN }.found());
    assert!(matches!(found.family, Family::FullBand | Family::NotHandsFree), "{found:?}");
    assert!(found.edge.is_none() && found.clear_to_hz > 9500.0, "{found:?}");
    if speaker.1 == 0.0 {
        assert_eq!(found.family, Family::FullBand, "{found:?}");
    }
}

/// The important failure: the source opened the microphone. Where the noise allows an answer it is the right one; a miss is never allowed.
#[test]
fn the_fall_back_to_hands_free_is_never_missed_and_never_made_up() {
    let (mut told, mut asked) = (0, 0);
    for seed in seeds(18) {
        let at = [None, Some((0.3, seed)), Some((1.0, seed))][seed as usize % 3];
        let speaker = [(0.0, 0.0), (120.0, 14_000.0), (250.0, 6000.0)][seed as usize / 3 % 3];
        let snr_db = [60.0, 45.0, 35.0, 25.0][seed as usize / 2 % 4];
        for wall in [None, Some(CVSD), Some(MSBC)] {
            let path = Path { wall, speaker, room: at, snr_db, seed, ..PLAIN };
            asked += 1;
            if let Outcome::Measured(found) = path.found() {
                told += 1;
                let want = wall.map(|wall| if wall == CVSD { Family::Cvsd } else { Family::MSbc });
                let have = Some(found.family).filter(|family| family.is_hands_free());
                assert_eq!(
                    have, want,
                    "seed {seed}, room {at:?}, speaker {speaker:?}, SNR {snr_db} dB: {:?}",
                    found.edge
                );
            }
        }
    }
    assert!(told * 2 > asked, "{told} of {asked} answered");
}

#[rstest]
fn below_20_db_in_the_deciding_band_the_answer_is_inconclusive(
    #[values(None, Some(CVSD), Some(MSBC), Some(SBC_LOW))] wall: Option<(f64, f64)>,
    #[values(10.0, 0.0)] snr_db: f64,
) {
    let found = Path { wall, snr_db, ..PLAIN }.found();
    assert!(matches!(reason(&found), Reason::LowSnr { .. } | Reason::NotPresent), "{found:?}");
}

#[test]
fn an_edge_hidden_by_noise_is_not_ruled_out() {
    // The pink probe is 20 dB over white noise to about 15 kHz.
    let found = value(&Path { wall: Some((17_150.0, 17_300.0)), snr_db: 23.0, ..PLAIN }.found());
    assert_eq!(found.family, Family::NotHandsFree, "{:?} clear to {}", found.edge, found.clear_to_hz);
    assert!(found.edge.is_none() && found.clear_to_hz > 9500.0 && found.clear_to_hz < 17_300.0);
}

/// Noise that follows the signal by so many dB in each of 16 bands: the residual of a codec.
fn with_residual(sound: &[f64], snr_db: [f64; 16], seed: u64) -> Vec<f64> {
    // White noise shaped by the probe's own pink slope and the ratio of each band.
    let probe = probe(RATE, 1).expect("a possible rate");
    let white = noise(sound.len(), 1.0, seed);
    let hiss = filtered(&white, RATE, |hz| {
        let band = ((hz / 1500.0) as usize).min(15);
        let lines = &probe.lines[150 * band..(150 * (band + 1)).min(probe.lines.len())];
        // Mean power per Hz of the lines that are there, a tenth of which is left out.
        let there: Vec<f64> = lines.iter().copied().filter(|power| *power > 0.0).collect();
        let density = there.iter().sum::<f64>() / there.len().max(1) as f64 / 10.0;
        (density * 24_000.0 * 10f64.powf(-snr_db[band] / 10.0)).sqrt()
    });
    sum(sound, &hiss)
}

const APTX: [f64; 16] = [38.0, 33.0, 31.0, 26.0, 18.0, 17.0, 16.0, 14.0, 13.0, 11.0, 11.0, 10.0, 7.0, 6.0, 6.0, 6.0];
const APTX_HD: [f64; 16] =
    [50.0, 45.0, 43.0, 38.0, 31.0, 29.0, 28.0, 26.0, 24.0, 23.0, 22.0, 20.0, 17.0, 16.0, 16.0, 16.0];
const SBC_53: [f64; 16] =
    [51.0, 44.0, 34.0, 32.0, 32.0, 31.0, 31.0, 31.0, 30.0, 30.0, 29.0, 28.0, 25.0, 24.0, 22.0, 21.0];
const SBC_35: [f64; 16] =
    [38.0, 32.0, 21.0, 20.0, 19.0, 19.0, 18.0, 18.0, 17.0, 17.0, 16.0, 16.0, 12.0, 11.0, 8.0, 7.0];

#[rstest]
#[case::aptx(APTX, true)]
#[case::aptx_hd(APTX_HD, true)]
#[case::sbc_53(SBC_53, false)]
#[case::sbc_35(SBC_35, false)]
fn the_residual_of_each_band_is_read_and_the_staircase_of_aptx_seen(
    #[case] planted: [f64; 16],
    #[case] staircase: bool,
    #[values(None, Some((0.3, 31)))] room: Option<(f64, u64)>,
) {
    let found = value(&Path { room, snr_db: 70.0, ..PLAIN }.through(|sound| with_residual(&sound, planted, 77)));
    assert_eq!(value(&found.staircase), staircase, "{:?}", found.residual);
    for (band, want) in found.residual.iter().zip(planted).take(15).skip(1) {
        let have = band.snr_db.unwrap_or_else(|| panic!("{band:?}"));
        let limit = if room.is_none() { 0.7 } else { 3.0 * band.uncertainty_db };
        assert!((have - want).abs() < limit, "room {room:?}: {band:?} instead of {want}");
    }
    assert_eq!(found.family, Family::FullBand);
}

#[test]
fn a_staircase_under_the_noise_of_the_room_is_inconclusive() {
    let found = value(&Path { snr_db: 30.0, ..PLAIN }.through(|sound| with_residual(&sound, APTX, 78)));
    assert!(matches!(reason(&found.staircase), Reason::LowSnr { .. }), "{found:?}");
}

#[test]
fn another_sound_is_not_the_probe() {
    let probe = probe(RATE, 1).expect("a possible rate");
    let floor = samples(&noise(RATE as usize, 1e-5, 2));
    let floor = excerpt(RATE, &floor);
    for seed in 0..5 {
        let other = crate::material::pink_noise(probe.samples.len(), 0.12, seed);
        assert_eq!(reason(&fingerprint(&excerpt(RATE, &other), &probe, &floor)), Reason::NotPresent, "seed {seed}");
    }
    let silence = samples(&noise(probe.samples.len(), 1e-5, 3));
    assert!(matches!(
        reason(&fingerprint(&excerpt(RATE, &silence), &probe, &floor)),
        Reason::NotPresent | Reason::LowSnr { .. }
    ));
    let mut clipped = samples(&probe.samples);
    assert!(matches!(
        reason(&fingerprint(&excerpt(RATE, &clipped[..90_000]), &probe, &floor)),
        Reason::TooShort { .. }
    ));
    assert!(matches!(reason(&fingerprint(&excerpt(44_100, &clipped), &probe, &floor)), Reason::WrongRate { .. }));
    clipped[60_000..60_020].fill(1.0);
    assert!(matches!(reason(&fingerprint(&excerpt(RATE, &clipped), &probe, &floor)), Reason::Clipped { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn no_samples_make_the_fingerprint_panic(
        rate in prop::sample::select(vec![0u32, 8000, 44_100, 48_000, u32::MAX]),
        frames in 1usize..200_000,
        scale in prop::sample::select(vec![0.0f32, 1e-20, 0.1, 500.0]),
        seed: u64,
    ) {
        let samples: Vec<f32> = noise(frames, 0.3, seed).into_iter().map(|s| scale * (s as f32).clamp(-1.0, 1.0)).collect();
        let excerpt = Excerpt::new(rate, &samples).unwrap();
        let _ = fingerprint(&excerpt, &probe(RATE, 1).unwrap(), &excerpt);
    }
}
