//! Levels, weighting, noise, hum, signal-to-noise ratio, gain control: what is planted is read.

use std::f64::consts::PI;

use proptest::prelude::*;
use rigtone_audio::excerpt::Excerpt;
use rigtone_audio::loudness::{
    Calibration, Chain, Ladder, Weighting, chain, hum, ladder, level, noise_floor, snr, sound_pressure,
};
use rigtone_audio::measure::{CaptureFault, Outcome, Reason};
use rstest::rstest;

use crate::acoustics::{convolve, excerpt, noise, reason, rms, room, samples, seeds, sum, value};

const RATE: u32 = 48_000;

/// A sine of this level (RMS) and length.
fn sine(rate: u32, hz: f64, dbfs: f64, seconds: f64) -> Vec<f64> {
    let amplitude = 2f64.sqrt() * 10f64.powf(dbfs / 20.0);
    (0..(seconds * f64::from(rate)) as usize)
        .map(|n| amplitude * (2.0 * PI * hz * n as f64 / f64::from(rate)).sin())
        .collect()
}

/// IEC 61672-1:2013, table 3: design goals at the nominal frequencies, which stand for 1000 * 10^(n/10).
#[rustfmt::skip]
const TABLE: [(f64, f64); 34] = [
    (-70.4, -14.3), (-63.4, -11.2), (-56.7, -8.5), (-50.5, -6.2), (-44.7, -4.4), (-39.4, -3.0), (-34.6, -2.0),
    (-30.2, -1.3), (-26.2, -0.8), (-22.5, -0.5), (-19.1, -0.3), (-16.1, -0.2), (-13.4, -0.1), (-10.9, 0.0),
    (-8.6, 0.0), (-6.6, 0.0), (-4.8, 0.0), (-3.2, 0.0), (-1.9, 0.0), (-0.8, 0.0), (0.0, 0.0), (0.6, 0.0),
    (1.0, -0.1), (1.2, -0.2), (1.3, -0.3), (1.2, -0.5), (1.0, -0.8), (0.5, -1.3), (-0.1, -2.0), (-1.1, -3.0),
    (-2.5, -4.4), (-4.3, -6.2), (-6.6, -8.5), (-9.3, -11.2),
];

#[test]
fn weightings_are_those_of_the_standard() {
    for (n, (a, c)) in TABLE.into_iter().enumerate() {
        let hz = 1000.0 * 10f64.powf((n as f64 - 20.0) / 10.0);
        for (weighting, want) in [(Weighting::A, a), (Weighting::C, c), (Weighting::Z, 0.0)] {
            let have = weighting.db(hz);
            assert!((have - want).abs() <= 0.0501, "{weighting:?} at {hz:.1} Hz: {have} instead of {want}");
        }
    }
}

#[rstest]
#[case(31.5, -39.52)]
#[case(63.0, -26.22)]
#[case(100.0, -19.14)]
#[case(1000.0, 0.0)]
#[case(2000.0, 1.20)]
#[case(10_000.0, -2.49)]
#[case(16_000.0, -6.71)]
fn a_weighting_has_its_exact_values(#[case] hz: f64, #[case] want: f64) {
    assert!((Weighting::A.db(hz) - want).abs() <= 0.0101, "{hz} Hz: {}", Weighting::A.db(hz));
}

#[rstest]
fn the_level_of_a_tone_is_weighted_as_the_curve_says(
    #[values(44_100, 48_000)] rate: u32,
    #[values(100.0, 1000.0, 4000.0)] hz: f64,
    #[values(0.5, 2.0)] seconds: f64,
) {
    let tone = samples(&sine(rate, hz, -23.0, seconds));
    for weighting in [Weighting::Z, Weighting::A, Weighting::C] {
        let found = value(&level(&excerpt(rate, &tone), weighting));
        let want = -23.0 + weighting.db(hz);
        assert!((found.dbfs - want).abs() < 0.05, "{weighting:?} {hz} Hz {seconds} s: {found:?} instead of {want}");
        assert!(found.uncertainty_db < 0.05, "a steady tone has no scatter: {found:?}");
    }
}

#[test]
fn the_uncertainty_of_a_level_is_its_scatter_over_seeds() {
    let levels: Vec<_> =
        (0..60).map(|seed| value(&level(&excerpt(RATE, &samples(&noise(24_000, 0.01, seed))), Weighting::A))).collect();
    let deviations: Vec<f64> =
        levels.iter().map(|level| level.dbfs - levels.iter().map(|l| l.dbfs).sum::<f64>() / 60.0).collect();
    let claimed = rms(&levels.iter().map(|level| level.uncertainty_db).collect::<Vec<_>>());
    let ratio = rms(&deviations) / claimed;
    assert!((0.6..1.5).contains(&ratio), "scatter {} dB over claimed {claimed} dB", rms(&deviations));
}

#[test]
fn sound_pressure_follows_the_calibrator() {
    let calibrator = samples(&sum(&sine(RATE, 1001.0, -26.0, 2.0), &noise(2 * RATE as usize, 1e-4, 1)));
    let calibration = value(&Calibration::of(&excerpt(RATE, &calibrator), 94.0, 0.2));
    assert!((calibration.full_scale_db - 120.0).abs() < 0.02 && calibration.uncertainty_db >= 0.2, "{calibration:?}");
    let quiet = samples(&sine(RATE, 1000.0, -60.0, 2.0));
    let heard = level(&excerpt(RATE, &quiet), Weighting::A);
    let found = value(&sound_pressure(&heard, Some(&calibration), None));
    assert!((found.spl_db - 60.0).abs() < 0.05 && found.uncertainty_db >= 0.2, "{found:?}");
    assert_eq!(reason(&sound_pressure(&heard, None, None)), Reason::NoCalibration);
    let (controlled, linear) = (compressed(0.5, 0.1), recorded_linear());
    let refused = sound_pressure(&heard, Some(&calibration), Some(&controlled));
    assert!(matches!(reason(&refused), Reason::GainControl { .. }));
    assert!(sound_pressure(&heard, Some(&calibration), Some(&linear)).measured().is_some());
    let no_calibrator = samples(&noise(RATE as usize, 0.1, 2));
    let refused = Calibration::of(&excerpt(RATE, &no_calibrator), 94.0, 0.2);
    assert!(matches!(reason(&refused), Reason::LowSnr { .. }));
}

#[test]
fn the_thirds_of_white_noise_rise_by_1_db() {
    let found = value(&noise_floor(&excerpt(RATE, &samples(&noise(4 * RATE as usize, 1e-3, 3)))));
    assert!((found.z_dbfs + 60.0).abs() < 0.05, "{found:?}");
    for third in found.thirds.iter().filter(|third| third.hz > 90.0) {
        // Width of a third: 0.2308 of its middle.
        let want = -60.0 + 10.0 * (third.hz * 0.230_77 / 24_000.0).log10();
        let off = third.dbfs - want;
        assert!(off.abs() < (4.0 * third.uncertainty_db).max(0.1), "{third:?} instead of {want}");
    }
    assert_eq!(found.thirds.len(), 31);
}

#[rstest]
fn hum_lines_have_their_planted_levels(
    #[values(44_100, 48_000)] rate: u32,
    #[values((50, 50.0), (50, 49.93), (60, 60.02))] (mains, hz): (u32, f64),
    #[values(1.0, 6.0)] seconds: f64,
) {
    let planted = [(1, -62.0), (2, -75.0), (3, -68.0), (6, -72.0), (10, -80.0)];
    let mut signal = noise((seconds * f64::from(rate)) as usize, 1e-3, u64::from(rate));
    for (order, dbfs) in planted {
        signal = sum(&signal, &sine(rate, f64::from(order) * hz, dbfs, seconds));
    }
    let found = value(&hum(&excerpt(rate, &samples(&signal))));
    let orders: Vec<(u32, u32)> = found.lines.iter().map(|line| (line.mains_hz, line.order)).collect();
    assert_eq!(orders, planted.map(|(order, _)| (mains, order)), "{found:?}");
    for (line, (_, dbfs)) in found.lines.iter().zip(planted) {
        let off = (line.dbfs - dbfs).abs();
        assert!(off < 0.1 + 3.5 * line.uncertainty_db && off < 1.5, "{line:?} instead of {dbfs}");
        assert!((line.hz - f64::from(line.order) * hz).abs() <= 1.0);
    }
    let total = 10.0 * planted.iter().map(|(_, dbfs)| 10f64.powf(dbfs / 10.0)).sum::<f64>().log10();
    assert!((found.dbfs.unwrap() - total).abs() < 0.3, "{found:?} instead of {total}");
}

#[test]
fn noise_alone_has_no_hum() {
    for seed in seeds(60) {
        let found = value(&hum(&excerpt(RATE, &samples(&noise(RATE as usize, 1e-3, seed)))));
        assert!(found.lines.is_empty() && found.dbfs.is_none(), "seed {seed}: {found:?}");
    }
}

/// The peers' slip: a natural logarithm called dB reads 136.6.
#[rstest]
fn a_planted_snr_of_60_db_reads_60_db(#[values(44_100, 48_000)] rate: u32, #[values(1, 2, 3)] seed: u64) {
    let frames = rate as usize;
    let signal = noise(frames, 0.1, seed);
    let floor = noise(2 * frames, 0.1 / 1000.0, seed + 100);
    let band = (0.0, f64::from(rate) / 2.0);
    let found = value(&snr(
        &excerpt(rate, &samples(&sum(&signal, &floor[frames..]))),
        &excerpt(rate, &samples(&floor[..frames])),
        band,
    ));
    let want = 60.0 + 20.0 * (rms(&signal) / 0.1).log10();
    assert!((found.value_db - want).abs() < 0.1, "seed {seed}: {found:?} instead of {want}");
    assert!(found.uncertainty_db < 0.1, "{found:?}");
}

#[test]
fn the_uncertainty_of_a_low_snr_is_its_scatter() {
    let mut scaled = Vec::new();
    for seed in 0..60 {
        let tone = sine(RATE, 997.0, -40.0, 0.5);
        let floor = noise(48_000, 0.01, seed);
        let both = samples(&sum(&tone, &floor[24_000..]));
        let floor = samples(&floor[..24_000]);
        let found = value(&snr(&excerpt(RATE, &both), &excerpt(RATE, &floor), (500.0, 2000.0)));
        // 1500 of 24000 Hz of the noise.
        scaled.push((found.value_db - 10.0 * 16f64.log10()) / found.uncertainty_db);
    }
    assert!((0.5..1.5).contains(&rms(&scaled)), "deviation over uncertainty: {}", rms(&scaled));
}

#[test]
fn a_signal_that_does_not_stand_out_has_no_snr() {
    let floor = noise(2 * RATE as usize, 0.01, 5);
    let (a, b) = (samples(&floor[..48_000]), samples(&floor[48_000..]));
    let found = snr(&excerpt(RATE, &a), &excerpt(RATE, &b), (500.0, 8000.0));
    assert!(matches!(reason(&found), Reason::LowSnr { .. }), "{found:?}");
}

#[rstest]
fn the_ladder_leaves_headroom_and_has_its_levels(#[values(44_100, 48_000)] rate: u32, #[values(0, 1, 77)] code: u32) {
    let Ladder { samples, steps, .. } = ladder(rate, code);
    assert!(samples.iter().all(|sample| sample.abs() <= 10f64.powf(-1.0 / 20.0)));
    for step in steps {
        let part = &samples[step.start..step.start + step.frames];
        // Faded ends and clipping take a few tenths.
        assert!((20.0 * rms(part).log10() - step.dbfs).abs() < 0.4, "{step:?}: {}", 20.0 * rms(part).log10());
    }
}

/// The ladder recorded at a gain of 0.3, in a room, over noise.
fn recorded(gain: impl Fn(f64, f64) -> f64, noise_rms: f64, seed: u64) -> Outcome<Chain> {
    let ladder = ladder(RATE, seed as u32);
    let in_room = convolve(&ladder.samples, &room(RATE, 0.4, 1.0, seed));
    // Feed-forward control on the squared signal, as microphones have it: 5 ms up.
    let (mut power, mut out) = (0.0f64, Vec::new());
    for sample in in_room {
        let sample = 0.3 * sample;
        out.push(sample);
        power += (sample * sample - power) / (0.005 * f64::from(RATE));
        let last = out.len() - 1;
        out[last] *= gain(10.0 * power.max(1e-12).log10(), last as f64 / f64::from(RATE));
    }
    let floor = noise(RATE as usize, noise_rms, seed + 1000);
    let out = samples(&sum(&out, &noise(out.len(), noise_rms, seed + 2000)));
    chain(&excerpt(RATE, &out), &ladder, &excerpt(RATE, &samples(&floor)))
}

fn recorded_linear() -> Outcome<Chain> {
    recorded(|_, _| 1.0, 1e-5, 1)
}

/// A compressor of this slope above -60 dBFS with a release in seconds.
fn compressed(slope: f64, release_s: f64) -> Outcome<Chain> {
    let state = std::cell::Cell::new(-60.0f64);
    recorded(
        move |level, _| {
            let fall = (state.get() - level) / (release_s * f64::from(RATE));
            state.set(if level > state.get() { level } else { state.get() - fall });
            let over = (state.get() + 60.0).max(0.0);
            10f64.powf(-(1.0 - slope) * over / 20.0)
        },
        1e-5,
        2,
    )
}

#[rstest]
fn a_linear_chain_is_linear_in_a_room(#[values(1e-5, 1e-4)] noise_rms: f64) {
    for seed in seeds(6) {
        let found = value(&recorded(|_, _| 1.0, noise_rms, seed));
        assert!(!found.controlled, "RT60 0.4 s, 1 m, seed {seed}: {found:?}");
        assert!((found.slope - 1.0).abs() < 0.03, "RT60 0.4 s, 1 m, seed {seed}: {found:?}");
    }
}

#[rstest]
#[case::two_to_one(0.5, 0.05)]
#[case::slow_release(0.5, 1.0)]
#[case::gentle(0.8, 0.1)]
fn a_compressor_is_flagged(#[case] slope: f64, #[case] release_s: f64) {
    let found = value(&compressed(slope, release_s));
    assert!(found.controlled, "{found:?}");
    if release_s < 0.1 {
        assert!((found.slope - slope).abs() < 0.1, "{found:?}");
    }
}

#[test]
fn a_limiter_of_the_loudest_step_is_flagged() {
    let found = value(&recorded(|level, _| 10f64.powf(-(level + 26.0).max(0.0) / 20.0), 1e-5, 3));
    assert!(found.controlled, "{found:?}");
}

#[test]
fn a_gain_that_creeps_back_is_flagged() {
    // Pulled down by 6 dB at the loudest step, coming back within seconds.
    let found =
        value(&recorded(|_, t| if t < 1.2 { 1.0 } else { 10f64.powf((-6.0 + 2.0 * (t - 1.2)) / 20.0) }, 1e-5, 4));
    assert!(found.controlled && found.hysteresis_db < -0.5, "{found:?}");
}

#[test]
fn a_ladder_under_noise_is_inconclusive() {
    let found = recorded(|_, _| 1.0, 0.1, 5);
    assert!(matches!(reason(&found), Reason::LowSnr { .. }), "{found:?}");
}

#[test]
fn what_carries_no_level_is_inconclusive() {
    let mut clipped = samples(&sine(RATE, 997.0, -6.0, 2.0));
    clipped[30_000..30_020].fill(1.0);
    let (short, clipped) = (samples(&sine(RATE, 997.0, -6.0, 0.02)), excerpt(RATE, &clipped));
    let (short, good) = (excerpt(RATE, &short), samples(&noise(2 * RATE as usize, 0.01, 1)));
    let good = excerpt(RATE, &good);
    let is_short = |reason: Reason| matches!(reason, Reason::TooShort { .. });
    let is_clipped = |reason: Reason| matches!(reason, Reason::Clipped { .. });
    assert!(is_short(reason(&level(&short, Weighting::A))) && is_clipped(reason(&level(&clipped, Weighting::A))));
    assert!(is_short(reason(&noise_floor(&short))) && is_clipped(reason(&noise_floor(&clipped))));
    assert!(is_short(reason(&hum(&short))) && is_clipped(reason(&hum(&clipped))));
    assert!(is_short(reason(&snr(&good, &short, (500.0, 8000.0)))));
    assert!(is_clipped(reason(&snr(&clipped, &good, (500.0, 8000.0)))));
    let steps = ladder(RATE, 1);
    assert!(is_short(reason(&chain(&good, &steps, &good))));
    let other = samples(&noise(5 * RATE as usize, 0.01, 1));
    let slow = Excerpt::new(16_000, &other).unwrap();
    assert_eq!(reason(&chain(&slow, &steps, &good)), Reason::WrongRate { have: 16_000, need: RATE });
    assert_eq!(reason(&snr(&slow, &slow, (500.0, 20_000.0))), Reason::WrongRate { have: 16_000, need: 40_000 });
}

#[test]
fn what_is_no_recording_is_a_fault() {
    assert_eq!(Excerpt::new(RATE, &[]).err(), Some(CaptureFault::Empty));
    assert_eq!(Excerpt::new(RATE, &[0.0, f32::NAN]).err(), Some(CaptureFault::NotASample { frame: 1 }));
    let samples = [0.5; 10];
    let excerpt = Excerpt::new(RATE, &samples).unwrap();
    assert!(excerpt.cut(3, 7).is_ok());
    for (start, frames) in [(3, 8), (10, 0), (0, 0), (usize::MAX, 2)] {
        assert!(matches!(excerpt.cut(start, frames).err(), Some(Reason::TooShort { .. })), "{start} {frames}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_samples_make_levels_panic(
        rate in prop::sample::select(vec![0u32, 1, 8000, 44_100, 48_000, 192_000, u32::MAX]),
        frames in 1usize..60_000,
        scale in prop::sample::select(vec![0.0f32, 1e-30, 1e-3, 1.0, 900.0]),
        seed: u64,
    ) {
        let samples: Vec<f32> = noise(frames, 0.3, seed).into_iter().map(|s| scale * (s as f32).clamp(-1.0, 1.0)).collect();
        let excerpt = Excerpt::new(rate, &samples).unwrap();
        let steps = ladder(48_000, 1);
        let _ = (level(&excerpt, Weighting::A), noise_floor(&excerpt), hum(&excerpt));
        let _ = (snr(&excerpt, &excerpt, (500.0, 8000.0)), chain(&excerpt, &steps, &excerpt));
        let _ = Calibration::of(&excerpt, 94.0, 0.2);
    }
}
