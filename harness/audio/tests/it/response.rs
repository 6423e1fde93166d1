//! Frequency response, differences, distortion, microphone files: what is planted is read.

use std::f64::consts::PI;

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rigtone_audio::excerpt::Excerpt;
use rigtone_audio::fft::Fft;
use rigtone_audio::filter::{apply, highpass};
use rigtone_audio::measure::Reason;
use rigtone_audio::response::{
    Deconvolver, Gate, Impulse, MicrophoneError, MicrophoneResponse, Response, Sweep, TONE_HZ, difference, thd_n, tone,
    tone_level,
};
use rigtone_audio::signal::pink;
use rstest::rstest;

use crate::acoustics::{convolve, excerpt, noise, padded, reason, rms, room, samples, seeds, sum, value};

const RATE: u32 = 48_000;
/// Recordings are made at this gain.
const SCALE: f64 = 0.3;
const SCALE_DB: f64 = -10.457_575;
/// Second-order high-passes that are 9 and 2.3 dB down at 60 Hz: fc = 60 (10^(D/10) - 1)^(1/4).
const HIGHPASS_HZ: (f64, f64) = (97.396, 54.847);

fn pink_noise(frames: usize, level: f64, seed: u64) -> Vec<f64> {
    pink(&mut ChaCha8Rng::seed_from_u64(seed), RATE, frames).into_iter().map(|sample| level * sample).collect()
}

/// Power mean of the high-pass over a fraction of an octave, in dB: what a smoothed response must read.
fn smoothed(cutoff: f64, hz: f64, octaves: f64) -> f64 {
    let half = (octaves / 2.0).exp2();
    let steps = 2000;
    let powers = (0..steps).map(|n| hz / half + hz * (half - 1.0 / half) * (f64::from(n) + 0.5) / f64::from(steps));
    10.0 * (powers.map(|hz| highpass(hz, cutoff).norm_sqr()).sum::<f64>() / f64::from(steps)).log10()
}

/// The sweep through a high-pass, a room and noise.
struct Path {
    cutoff: f64,
    room: Option<(f64, u64)>,
    snr_db: f64,
    seed: u64,
}

impl Path {
    /// The recording and a second of its noise.
    fn record(&self, sweep: &Sweep) -> (Vec<f32>, Vec<f32>) {
        let mut sound = padded(sweep.samples(), 777, 36_000);
        if self.cutoff > 0.0 {
            sound = apply(&mut Fft::default(), &sound, RATE, 0, |hz| highpass(hz, self.cutoff));
        }
        if let Some((distance, seed)) = self.room {
            sound = convolve(&sound, &room(RATE, 0.4, distance, seed));
        }
        sound = sound.iter().map(|sample| SCALE * sample).collect();
        let level = rms(&sound) * 10f64.powf(-self.snr_db / 20.0);
        let floor = pink_noise(sound.len() + RATE as usize, level, self.seed);
        (samples(&sum(&sound, &floor[RATE as usize..])), samples(&floor[..RATE as usize]))
    }

    fn response(&self, deconvolver: &mut Deconvolver) -> Response {
        let (recording, floor) = self.record(&deconvolver.sweep().clone());
        value(&deconvolver.response(&excerpt(RATE, &recording), &excerpt(RATE, &floor)))
    }
}

#[test]
fn the_sweep_has_its_known_constants() {
    let sweep = Sweep::audio_band(RATE, 5.0).unwrap();
    for (have, want) in [
        (sweep.time_constant_s(), 0.723_82),
        (sweep.harmonic_lead_s(2), 0.501_72),
        (sweep.harmonic_lead_s(3), 0.795_20),
        (sweep.harmonic_lead_s(4), 1.003_43),
    ] {
        assert!((have - want).abs() < 1e-5, "{have} instead of {want}");
    }
    let peak = sweep.samples().iter().fold(0.0f64, |peak, sample| peak.max(sample.abs()));
    assert!((20.0 * peak.log10() + 12.0).abs() < 0.01);
    for (rate, seconds, low, high) in [
        (32_000, 5.0, 20.0, 20_000.0),
        (RATE, 0.1, 20.0, 20_000.0),
        (RATE, 5.0, 0.0, 20_000.0),
        (RATE, 5.0, 500.0, 600.0),
        (0, 5.0, 20.0, 200.0),
        (RATE, f64::NAN, 20.0, 200.0),
    ] {
        assert!(Sweep::new(rate, seconds, low, high).is_err(), "{rate} {seconds} {low} {high}");
    }
}

#[rstest]
fn a_path_of_gain_one_is_flat(#[values(44_100, 48_000)] rate: u32, #[values(0.0, 100e-6)] drift: f64) {
    let sweep = Sweep::audio_band(rate, 3.0).unwrap();
    let mut recording = vec![0.0f32; sweep.samples().len() + rate as usize];
    let played = samples(sweep.samples());
    rigtone_audio::resample::Interpolator::default().add(&mut recording, &played, -500.3, 1.0 / (1.0 + drift), 0.5);
    let floor = samples(&noise(rate as usize, 1e-6, 1));
    let found = value(&Deconvolver::new(sweep).response(&excerpt(rate, &recording), &excerpt(rate, &floor)));
    for (gate, low) in [(Gate::Room, 25.0), (Gate::Direct, 700.0)] {
        for (hz, point) in found.curve(gate).iter().filter(|(hz, _)| *hz > low && *hz < 16_000.0) {
            let point = value(point);
            // 5 ms resolve 200 Hz: the gated response ripples under drift.
            let limit = if gate == Gate::Room { 0.05 } else { 0.3 };
            assert!((point.db + 6.0206).abs() < limit, "{rate} {gate:?} {hz:.0} Hz, drift {drift}: {point:?}");
        }
    }
    // Drift moves the sweep's arrival as it moves frequencies.
    assert!(drift > 0.0 || found.frame() == 500);
    assert!(matches!(reason(&found.at(100.0, Gate::Direct)), Reason::OutsideBand { .. }));
    assert!(matches!(reason(&found.at(21_000.0, Gate::Room)), Reason::OutsideBand { .. }));
}

#[test]
fn a_planted_high_pass_is_read_at_every_frequency() {
    let mut deconvolver = Deconvolver::new(Sweep::audio_band(RATE, 5.0).unwrap());
    for cutoff in [HIGHPASS_HZ.0, HIGHPASS_HZ.1] {
        let found = Path { cutoff, room: None, snr_db: 60.0, seed: 1 }.response(&mut deconvolver);
        for hz in [40.0, 60.0, 100.0, 180.0, 250.0, 1000.0, 8000.0] {
            let point = value(&found.at(hz, Gate::Room));
            let want = smoothed(cutoff, hz, point.octaves) + SCALE_DB;
            assert!((point.db - want).abs() < 0.1, "{cutoff} Hz at {hz} Hz: {point:?} instead of {want}");
        }
    }
    assert!((smoothed(HIGHPASS_HZ.0, 60.0, 1.0 / 6.0) + 8.957).abs() < 0.003, "the planted truth is the published one");
    assert!((smoothed(HIGHPASS_HZ.1, 60.0, 1.0 / 6.0) + 2.295).abs() < 0.003);
}

#[test]
fn the_difference_at_60_hz_is_within_0_3_db() {
    let mut deconvolver = Deconvolver::new(Sweep::audio_band(RATE, 5.0).unwrap());
    for (distance, snr_db) in [(0.3, 40.0), (1.0, 40.0), (1.0, 50.0)] {
        for seed in seeds(2) {
            let mut of = |cutoff, seed| {
                Path { cutoff, room: Some((distance, seed / 2)), snr_db, seed }.response(&mut deconvolver)
            };
            let (first, second) = (of(HIGHPASS_HZ.1, 2 * seed), of(HIGHPASS_HZ.0, 2 * seed + 1));
            let found = value(&difference(&first, &second, 60.0));
            let off = found.db - 6.662;
            assert!(off.abs() < 0.3, "RT60 0.4 s, {distance} m, SNR {snr_db} dB, seed {seed}: {found:?}");
        }
    }
}

#[test]
fn the_uncertainty_of_a_response_covers_its_error_in_noise() {
    let mut deconvolver = Deconvolver::new(Sweep::audio_band(RATE, 2.0).unwrap());
    let mut scaled = Vec::new();
    for seed in 0..12 {
        let found = Path { cutoff: 0.0, room: None, snr_db: 24.0, seed }.response(&mut deconvolver);
        for hz in [60.0, 200.0, 1000.0, 5000.0] {
            let point = value(&found.at(hz, Gate::Room));
            scaled.push((point.db - SCALE_DB) / point.uncertainty_db);
        }
    }
    assert!((0.5..1.6).contains(&rms(&scaled)), "error over uncertainty: {}", rms(&scaled));
}

#[test]
fn responses_under_noise_or_at_other_levels_are_inconclusive() {
    let mut deconvolver = Deconvolver::new(Sweep::audio_band(RATE, 2.0).unwrap());
    let loud = Path { cutoff: 0.0, room: None, snr_db: 50.0, seed: 1 }.response(&mut deconvolver);
    let noisy = Path { cutoff: HIGHPASS_HZ.0, room: None, snr_db: 3.0, seed: 2 }.response(&mut deconvolver);
    assert!(matches!(reason(&noisy.at(60.0, Gate::Room)), Reason::LowSnr { at_hz: 60.0, .. }));
    assert!(matches!(reason(&difference(&loud, &noisy, 60.0)), Reason::LowSnr { .. }));
    let (recording, floor) =
        Path { cutoff: 0.0, room: None, snr_db: 50.0, seed: 3 }.record(&deconvolver.sweep().clone());
    let half: Vec<f32> = recording.iter().map(|sample| 0.8 * sample).collect();
    let quiet = value(&deconvolver.response(&excerpt(RATE, &half), &excerpt(RATE, &floor)));
    assert!(matches!(reason(&difference(&loud, &quiet, 60.0)), Reason::LevelsDiffer { .. }));
}

#[test]
fn what_holds_no_sweep_is_inconclusive() {
    let mut deconvolver = Deconvolver::new(Sweep::audio_band(RATE, 2.0).unwrap());
    let (mut recording, floor) =
        Path { cutoff: 0.0, room: None, snr_db: 40.0, seed: 1 }.record(&deconvolver.sweep().clone());
    let floor = excerpt(RATE, &floor);
    for seed in 0..5 {
        let other = samples(&noise(recording.len(), 0.1, seed));
        assert_eq!(reason(&deconvolver.impulse(&excerpt(RATE, &other))), Reason::NotPresent, "seed {seed}");
    }
    let silent = vec![0.0; recording.len()];
    assert_eq!(reason(&deconvolver.impulse(&excerpt(RATE, &silent))), Reason::NotPresent);
    let short = deconvolver.impulse(&excerpt(RATE, &recording[..110_000]));
    assert!(matches!(reason(&short), Reason::TooShort { .. }));
    let slow = deconvolver.response(&excerpt(44_100, &recording), &floor);
    assert_eq!(reason(&slow), Reason::WrongRate { have: 44_100, need: RATE });
    recording[50_000..50_030].fill(1.0);
    assert!(matches!(reason(&deconvolver.impulse(&excerpt(RATE, &recording))), Reason::Clipped { .. }));
}

#[test]
fn lost_samples_within_the_sweep_are_noticed_and_rooms_are_not_lost_samples() {
    let mut deconvolver = Deconvolver::new(Sweep::audio_band(RATE, 3.0).unwrap());
    for seed in seeds(12) {
        let path = Path { cutoff: 80.0, room: Some((if seed % 2 == 0 { 0.3 } else { 1.0 }, seed)), snr_db: 30.0, seed };
        let (mut recording, _) = path.record(&deconvolver.sweep().clone());
        let whole = deconvolver.impulse(&excerpt(RATE, &recording));
        assert!(whole.measured().is_some(), "room {seed}: {}", reason(&whole));
        // One SBC frame, where the sweep passes 3 kHz or so.
        let at = 777 + 104_000;
        recording.drain(at..at + 128);
        let found = reason(&deconvolver.impulse(&excerpt(RATE, &recording)));
        let Reason::SamplesLost { by_s, .. } = found else { panic!("room {seed}: {found:?}") };
        assert!((by_s + 128.0 / 48_000.0).abs() < 0.001, "room {seed}: {found:?}");
    }
}

/// y = x + a x^2 + b x^3: cos^2 and cos^3 give a A / 2 at twice and b A^2 / 4 at three times the frequency, and 1 + 3 b A^2 / 4 at the first.
#[test]
fn harmonics_of_a_polynomial_lie_at_l_ln_k_only_and_have_their_levels() {
    let (square, cube, peak) = (0.2, 0.3, 0.251_188_643f64);
    // So low that no product folds back.
    let mut deconvolver = Deconvolver::new(Sweep::new(RATE, 4.0, 20.0, 7500.0).unwrap());
    let sweep = deconvolver.sweep().clone();
    let bent: Vec<f64> = sweep.samples().iter().map(|x| x + square * x * x + cube * x * x * x).collect();
    let mean = bent.iter().sum::<f64>() / bent.len() as f64;
    let bent: Vec<f64> = bent.iter().map(|y| y - mean).collect();
    let recording = samples(&padded(&bent, 0, 30_000));
    let floor = samples(&noise(RATE as usize, 1e-7, 1));
    let impulse = value(&deconvolver.impulse(&excerpt(RATE, &recording)));
    let energy = |impulse: &Impulse, lead_s: f64| {
        let middle = impulse.arrival - (lead_s * f64::from(RATE)).round() as usize;
        let part = &impulse.samples[middle - 960..middle + 960];
        10.0 * part.iter().map(|value| value * value).sum::<f64>().log10()
    };
    let linear = energy(&impulse, 0.0);
    for order in [2, 3] {
        assert!(energy(&impulse, sweep.harmonic_lead_s(order)) > linear - 60.0, "order {order}");
    }
    // Elsewhere there is no more than what the undistorted sweep leaves of its own fades.
    let clean = samples(&padded(sweep.samples(), 0, 30_000));
    let clean = value(&deconvolver.impulse(&excerpt(RATE, &clean)));
    for lead_s in [sweep.harmonic_lead_s(4), sweep.harmonic_lead_s(5), 0.7 * sweep.harmonic_lead_s(2), 0.95] {
        let (have, own) = (energy(&impulse, lead_s) - linear, energy(&clean, lead_s) - energy(&clean, 0.0));
        assert!(have < (own + 1.0).max(-90.0), "{lead_s} s: {have} dB, {own} dB of its own");
    }
    let first = 1.0 + 0.75 * cube * peak * peak;
    let want = [20.0 * (square * peak / 2.0 / first).log10(), 20.0 * (cube * peak * peak / 4.0 / first).log10()];
    let response = value(&deconvolver.response(&excerpt(RATE, &recording), &excerpt(RATE, &floor)));
    for hz in [200.0, 500.0, 1000.0] {
        let found = value(&response.thd(hz));
        for (harmonic, want) in found.orders.iter().zip(want) {
            assert!((harmonic.db.unwrap() - want).abs() < 0.2, "{hz} Hz: {harmonic:?} instead of {want}");
        }
        assert!(found.orders[2].at_most_db < -80.0, "{found:?}");
        let total = 10.0 * want.iter().map(|db| 10f64.powf(db / 10.0)).sum::<f64>().log10();
        assert!((found.db.unwrap() - total).abs() < 0.2, "{hz} Hz: {found:?} instead of {total}");
    }
    assert!(matches!(reason(&response.thd(5000.0)), Reason::OutsideBand { .. }));
}

#[test]
fn distortion_under_the_noise_is_a_bound_not_a_value() {
    let mut deconvolver = Deconvolver::new(Sweep::audio_band(RATE, 2.0).unwrap());
    let found = Path { cutoff: 0.0, room: None, snr_db: 30.0, seed: 1 }.response(&mut deconvolver);
    let thd = value(&found.thd(1000.0));
    assert!(thd.at_most_db < -30.0 && thd.orders.iter().all(|order| order.at_most_db < -30.0), "{thd:?}");
}

/// The tone with harmonics and noise over `seconds`, drifting.
fn distorted(drift: f64, orders: &[(u32, f64)], noise_db: f64, seed: u64) -> Vec<f32> {
    let frames = 2 * RATE as usize;
    let omega = 2.0 * PI * TONE_HZ / (1.0 + drift) / f64::from(RATE);
    let mut out = noise(frames, 0.25 / 2f64.sqrt() * 10f64.powf(noise_db / 20.0), seed);
    for (n, sample) in out.iter_mut().enumerate() {
        let phase = 0.3 + omega * n as f64;
        *sample += 0.25 * phase.sin();
        for (order, db) in orders {
            *sample += 0.25 * 10f64.powf(db / 20.0) * (f64::from(*order) * phase + f64::from(*order)).sin();
        }
    }
    samples(&out)
}

#[rstest]
fn thd_n_reads_the_planted_distortion(
    #[values(0.0, 30e-6, -200e-6)] drift: f64,
    #[values((-50.0, -60.0, -55.0), (-40.0, -140.0, -90.0), (-70.0, -75.0, -70.0), (-140.0, -140.0, -80.0))]
    (second, third, noise_db): (f64, f64, f64),
) {
    let recording = distorted(drift, &[(2, second), (3, third)], noise_db, 7);
    let floor = samples(&noise(RATE as usize, 1e-7, 1));
    let found = value(&thd_n(&excerpt(RATE, &recording), TONE_HZ, &excerpt(RATE, &floor), -60.0));
    // 20 Hz to 20 kHz of the white noise count.
    let in_band = noise_db + 10.0 * (19_980.0f64 / 24_000.0).log10();
    let want = 10.0 * [second, third, in_band].iter().map(|db| 10f64.powf(db / 10.0)).sum::<f64>().log10();
    assert!((found.db - want).abs() < 0.1, "drift {drift}: {found:?} instead of {want}");
    assert!((found.percent - 100.0 * 10f64.powf(found.db / 20.0)).abs() < 1e-9);
    assert!((found.hz / TONE_HZ * (1.0 + drift) - 1.0).abs() < 1e-7, "{found:?}");
    assert!((found.tone_dbfs + 15.05).abs() < 0.01);
    if second > -100.0 {
        assert_eq!(found.orders[0].order, 2);
        assert!((found.orders[0].db - second).abs() < 0.2, "{found:?}");
    }
}

#[test]
fn a_clean_tone_of_16_bits_reads_its_rounding() {
    // Rounding to 16 bits leaves -98.1 dB re full-scale sine, 6 dB more under a tone of -6 dBFS, with 19980 of 24000 Hz counted.
    let recording: Vec<f32> = tone(RATE, TONE_HZ, 3.0, -6.0206)[24_000..120_000]
        .iter()
        .map(|sample| ((sample * 32_768.0).round() / 32_768.0) as f32)
        .collect();
    let floor = vec![0.0; RATE as usize];
    let found = value(&thd_n(&excerpt(RATE, &recording), TONE_HZ, &excerpt(RATE, &floor), -80.0));
    let want = -98.09 + 6.02 + 10.0 * (19_980.0f64 / 24_000.0).log10();
    assert!((found.db - want).abs() < 0.3, "{found:?} instead of {want}");
}

#[test]
fn a_tone_that_was_cut_moved_or_drowned_is_inconclusive() {
    let quiet = samples(&noise(RATE as usize, 1e-6, 1));
    let quiet = excerpt(RATE, &quiet);
    let judge = |recording: &[f32], limit: f64| reason(&thd_n(&excerpt(RATE, recording), TONE_HZ, &quiet, limit));
    let mut skipped = distorted(0.0, &[], -80.0, 1);
    skipped.drain(50_000..50_010);
    let Reason::SamplesLost { at_s, by_s } = judge(&skipped, -40.0) else { panic!("{}", judge(&skipped, -40.0)) };
    assert!((at_s - 50_000.0 / 48_000.0).abs() < 0.06 && (by_s + 10.0 / 48_000.0).abs() < 1e-4, "{at_s} {by_s}");
    assert!(matches!(judge(&distorted(0.004, &[], -80.0, 2), -40.0), Reason::Drift { .. }));
    assert_eq!(judge(&samples(&noise(96_000, 0.1, 3)), -40.0), Reason::NotPresent);
    assert_eq!(judge(&[0.0; 96_000], -40.0), Reason::NotPresent);
    assert!(matches!(judge(&distorted(0.0, &[], -80.0, 4)[..20_000], -40.0), Reason::TooShort { .. }));
    let loud = samples(&noise(RATE as usize, 0.003, 5));
    let found = thd_n(&excerpt(RATE, &distorted(0.0, &[], -80.0, 6)), TONE_HZ, &excerpt(RATE, &loud), -40.0);
    assert!(matches!(reason(&found), Reason::LowSnr { .. }), "{found:?}");
}

#[test]
fn the_level_of_a_tone_agrees_with_the_sweep() {
    let path = Path { cutoff: HIGHPASS_HZ.0, room: None, snr_db: 40.0, seed: 1 };
    let swept = path.response(&mut Deconvolver::new(Sweep::audio_band(RATE, 5.0).unwrap()));
    let played = tone(RATE, 60.0, 3.0, -12.0);
    let heard = apply(&mut Fft::default(), &played, RATE, 0, |hz| highpass(hz, HIGHPASS_HZ.0));
    let found = value(&tone_level(&excerpt(RATE, &samples(&heard[24_000..120_000])), 60.0));
    let gain = found.dbfs + 12.0 + 3.0103;
    assert!((gain + 9.0).abs() < 0.01, "{found:?}");
    assert!((gain - value(&swept.at(60.0, Gate::Room)).db + SCALE_DB).abs() < 0.5);
}

#[rstest]
#[case::mini_dsp("\"Sens Factor =-1.378dB, SERNO: 7001234\"\n10.054\t-4.2271\n10.179\t-4.1571\n20.0 0.5\n", 3, Some(-1.378), Some("7001234"))]
#[case::dayton("*1000Hz\t-39.6\n20.00\t-0.5\n25.00\t-0.2\n", 2, Some(-39.6), None)]
#[case::commas_and_crlf("Freq,dB\r\n20,0.1\r\n40,-0.2\r\n", 2, None, None)]
#[case::comma_and_blank("* made in a lab\n20, 0.1, 12.0\n40, -0.2, 11.0\n", 2, None, None)]
#[case::decimal_commas("20,5\t0,1\n40,25\t-0,2\n", 2, None, None)]
#[case::semicolons("20,5;0,1\n40,25;-0,2\n", 2, None, None)]
#[case::byte_order_mark("\u{feff}20 0.1 180\n40 -0.2 170\n", 2, None, None)]
fn microphone_files_of_the_usual_makers_are_read(
    #[case] text: &str,
    #[case] points: usize,
    #[case] sensitivity: Option<f64>,
    #[case] serial: Option<&str>,
) {
    let found = MicrophoneResponse::parse(text).unwrap();
    assert_eq!(found.points().len(), points, "{found:?}");
    assert_eq!((found.sensitivity_db(), found.serial()), (sensitivity, serial));
}

#[rstest]
#[case("", MicrophoneError::NoValues)]
#[case("nothing\nhere 1\n", MicrophoneError::NoValues)]
#[case("20 0.1\n40 x\n", MicrophoneError::NotNumbers { line: 2, text: "40 x".to_owned() })]
#[case("20 0.1\n\n40\n", MicrophoneError::NotNumbers { line: 3, text: "40".to_owned() })]
#[case("20 0.1\n20 0.2\n", MicrophoneError::Order { line: 2 })]
#[case("40 0.1\n20 0.2\n", MicrophoneError::Order { line: 2 })]
#[case("20 0.1\n40 300\n", MicrophoneError::Range { line: 2 })]
#[case("-5 0.1\n", MicrophoneError::Range { line: 1 })]
#[case("20 NaN\n", MicrophoneError::NoValues)]
fn a_file_that_is_none_is_named_with_its_line(#[case] text: &str, #[case] want: MicrophoneError) {
    assert_eq!(MicrophoneResponse::parse(text), Err(want));
}

#[test]
fn the_microphone_is_taken_out_where_its_file_reaches() {
    let microphone = MicrophoneResponse::parse("50 3.0\n200 1.0\n1000 0\n").unwrap();
    // Half way between 50 and 200 Hz on the logarithmic axis lies 100 Hz.
    assert!((microphone.db_at(100.0).unwrap() - 2.0).abs() < 1e-12);
    assert_eq!((microphone.db_at(50.0), microphone.db_at(1000.0)), (Some(3.0), Some(0.0)));
    assert_eq!((microphone.db_at(49.9), microphone.db_at(1000.1), microphone.db_at(f64::NAN)), (None, None, None));
    let mut deconvolver = Deconvolver::new(Sweep::audio_band(RATE, 2.0).unwrap());
    let plain = Path { cutoff: 0.0, room: None, snr_db: 50.0, seed: 1 }.response(&mut deconvolver);
    let before = value(&plain.at(100.0, Gate::Room)).db;
    let corrected = plain.corrected(microphone);
    assert!((before - value(&corrected.at(100.0, Gate::Room)).db - 2.0).abs() < 1e-12);
    assert_eq!(reason(&corrected.at(5000.0, Gate::Room)), Reason::NoCalibration);
}

/// A curve as makers give it: hundreds of points with some structure.
fn curve() -> MicrophoneResponse {
    let points = (0..600).map(|n| {
        let hz = 10.0 * 2400f64.powf(f64::from(n) / 599.0);
        (
            hz,
            3.0 * (hz / 5000.0).powi(2) / (1.0 + (hz / 5000.0).powi(2)) - 2.0 / (1.0 + hz / 15.0) + 0.3 * hz.ln().sin(),
        )
    });
    MicrophoneResponse::of(points.collect()).expect("a response")
}

#[test]
fn a_thinned_curve_is_the_curve_within_what_was_asked() {
    let whole = curve();
    let thinned = whole.thinned(0.05);
    assert!(thinned.len() < 100, "{}", thinned.len());
    let thin = MicrophoneResponse::of(thinned).unwrap();
    let (first, last) = (whole.points()[0].0, whole.points()[599].0);
    assert_eq!((thin.points()[0].0, thin.points().last().unwrap().0), (first, last));
    for n in 0..5000 {
        let hz = (first * (last / first).powf(f64::from(n) / 4999.0)).clamp(first, last);
        let off = (thin.db_at(hz).unwrap() - whole.db_at(hz).unwrap()).abs();
        assert!(off <= 0.0501, "{off} dB at {hz} Hz");
    }
    assert_eq!(whole.thinned(0.0).len(), 600);
    assert_eq!(MicrophoneResponse::of(vec![(100.0, 1.0)]).unwrap().thinned(0.05), [(100.0, 1.0)]);
}

#[rstest]
#[case(vec![], MicrophoneError::NoValues)]
#[case(vec![(20.0, 0.0), (20.0, 1.0)], MicrophoneError::Order { line: 2 })]
#[case(vec![(20.0, f64::NAN)], MicrophoneError::Range { line: 1 })]
fn points_that_are_no_response_are_refused(#[case] points: Vec<(f64, f64)>, #[case] want: MicrophoneError) {
    assert_eq!(MicrophoneResponse::of(points), Err(want));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(text in "[-0-9.,;eE+ \t\n*#a-z\u{e4}\u{20ac}=:\"]{0,80}") {
        if let Ok(found) = MicrophoneResponse::parse(&text) {
            prop_assert!(found.points().windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }

    #[test]
    fn no_samples_make_the_tone_panic(
        rate in prop::sample::select(vec![0u32, 8000, 48_000, u32::MAX]),
        frames in 1usize..60_000,
        hz in prop::sample::select(vec![0.0, 1.0, 997.0, 20_000.0, f64::NAN, 1e9]),
        seed: u64,
    ) {
        let samples = samples(&noise(frames, 0.1, seed));
        let excerpt = Excerpt::new(rate, &samples).unwrap();
        let _ = (tone_level(&excerpt, hz), thd_n(&excerpt, hz, &excerpt, -40.0));
    }
}
