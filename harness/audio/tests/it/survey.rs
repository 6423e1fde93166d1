//! The whole stimulus through a whole path: each truth is found by its own measurement, and no other says anything wrong.

use std::f64::consts::PI;

use rigtone_audio::channels::{Carries, Layout, Side};
use rigtone_audio::continuity::{Continuity, EventKind};
use rigtone_audio::excerpt::Excerpt;
use rigtone_audio::fft::Fft;
use rigtone_audio::filter::{apply, highpass};
use rigtone_audio::fingerprint::Family;
use rigtone_audio::measure::{Emission, Expectation, Outcome, Polarity, Presence, Reason, Recording};
use rigtone_audio::stimulus::{Name, PartKind, Stimulus};
use rigtone_audio::survey::{Corner, Settings, Survey};
use rstest::rstest;

use crate::acoustics::{filtered, reason, value, wall};
use crate::rooms::{Scene, shoebox};

const CORNER_HZ: f64 = 97.396; // -9 dB at 60 Hz
const LATENCY_S: f64 = 0.18;
const DRIFT_PPM: f64 = 40.0;

fn stimulus(name: Name, rate: u32) -> Stimulus {
    Stimulus::build(name, rate, 20_260_711).expect("a rate of A2DP")
}

fn scene(rate: u32, snr_db: f64) -> Scene {
    let at = (0.25 + LATENCY_S) * f64::from(rate) + 0.37;
    Scene { rate, rt60_s: 0.3, distance_m: 0.5, drift_ppm: DRIFT_PPM, snr_db, at, ..Scene::default() }
}

fn downmix(stimulus: &Stimulus) -> Vec<f32> {
    stimulus.channel(0).iter().zip(stimulus.channel(1)).map(|(left, right)| 0.5 * (left + right)).collect()
}

/// A small speaker: second-order high-pass.
fn speaker(stream: &[f32], rate: u32) -> Vec<f32> {
    let samples: Vec<f64> = stream.iter().map(|sample| f64::from(*sample)).collect();
    let out = apply(&mut Fft::default(), &samples, rate, 0, |hz| highpass(hz, CORNER_HZ));
    out.into_iter().map(|sample| sample as f32).collect()
}

fn survey(stimulus: &Stimulus, scene: &Scene, recording: &[f32], settings: &Settings) -> Survey {
    // The scene's clock drifts from the first frame of the recording on.
    let arrival = scene.at * (1.0 + 1e-6 * scene.drift_ppm);
    let frame = arrival - LATENCY_S * f64::from(scene.rate);
    let expectation = Expectation { emission: Some(Emission { frame, uncertainty_s: 1e-6 }), ..Expectation::default() };
    let recording = Recording::mono(scene.rate, recording);
    Survey::of(&recording, stimulus, &expectation, settings).expect("a sound recording")
}

fn near_left() -> Settings {
    Settings { nearer: Some(Side::Left), ..Settings::default() }
}

fn continuity(found: &Survey) -> Continuity {
    value(&found.steadiness.as_ref().expect("the stimulus has noise").continuity)
}

/// Power gain of the planted speaker and room over a band in Hz, by the definition of the transform.
fn planted(scene: &Scene, low: f64, high: f64) -> f64 {
    let room = shoebox(scene.rate, scene.rt60_s, scene.distance_m);
    let power = |hz: f64| {
        let omega = 2.0 * PI * hz / f64::from(scene.rate);
        let sum = room.iter().enumerate().fold((0.0, 0.0), |sum, (n, value)| {
            let (sin, cos) = (omega * n as f64).sin_cos();
            (sum.0 + f64::from(*value) * cos, sum.1 + f64::from(*value) * sin)
        });
        highpass(hz, CORNER_HZ).norm_sqr() * (sum.0 * sum.0 + sum.1 * sum.1)
    };
    let count = 100;
    (0..count).map(|n| power(low + (high - low) * (f64::from(n) + 0.5) / f64::from(count))).sum::<f64>()
        / f64::from(count)
}

/// The same over a fraction of an octave.
fn planted_round(scene: &Scene, hz: f64, octaves: f64) -> f64 {
    planted(scene, hz * (-octaves / 2.0).exp2(), hz * (octaves / 2.0).exp2())
}

/// What holds whatever was planted: right, or nothing is said.
fn nothing_wrong_is_said(found: &Survey) {
    if let Outcome::Measured(latency) = &found.findings.latency {
        assert!((latency.value_s - LATENCY_S).abs() < 50e-6, "{latency:?}");
    }
    if let Outcome::Measured(arrival) = &found.findings.arrival {
        assert!((arrival.drift_ppm - DRIFT_PPM).abs() < 0.5 && arrival.polarity == Polarity::Normal, "{arrival:?}");
    }
    if let Some(channels) = &found.channels {
        assert!(channels.doubled.measured().is_none_or(|doubled| !doubled.doubled), "{:?}", channels.doubled);
        assert!(channels.polarity.measured().is_none_or(|found| found.polarity == Polarity::Normal));
    }
    let floor = found.floor.as_ref().expect("the stimulus begins with silence");
    assert!(floor.hum.measured().is_none_or(|hum| hum.lines.is_empty()), "{:?}", floor.hum);
    if let Some(steadiness) = &found.steadiness {
        assert!(steadiness.howling.measured().is_none_or(|howling| howling.howls.is_empty()));
        if let Outcome::Measured(continuity) = &steadiness.continuity {
            assert!(continuity.jumps.measured().is_none_or(|jumps| jumps.net_frames == 0), "{:?}", continuity.events);
            assert!(continuity.clock.measured().is_none_or(|clock| (clock.drift_ppm - DRIFT_PPM).abs() < 0.5));
        }
    }
}

fn nothing_is_missing(found: &Survey) {
    assert_eq!(found.findings.presence, Presence::Present, "{:?}", found.findings.quality);
    let continuity = continuity(found);
    assert_eq!(value(&continuity.dropouts).count, 0, "{:?}", continuity.events);
    assert!(continuity.events.is_empty(), "{:?}", continuity.events);
}

fn no_gain_control(found: &Survey) {
    let chain = value(found.chain.as_ref().expect("the stimulus has a ladder"));
    assert!(!chain.controlled && (chain.slope - 1.0).abs() < 0.03, "{chain:?}");
}

fn not_hands_free(found: &Survey) {
    let fingerprint = value(found.fingerprint.as_ref().expect("the stimulus has a probe"));
    assert!(matches!(fingerprint.family, Family::FullBand | Family::NotHandsFree), "{fingerprint:?}");
}

#[rstest]
fn a_sound_path_is_measured_as_planted(#[values(44_100, 48_000)] rate: u32) {
    let stimulus = stimulus(Name::Full, rate);
    let scene = scene(rate, 25.0);
    let recording = scene.record(&speaker(&downmix(&stimulus), rate));
    let found = survey(&stimulus, &scene, &recording, &near_left());
    nothing_wrong_is_said(&found);
    nothing_is_missing(&found);
    no_gain_control(&found);
    not_hands_free(&found);
    let latency = value(&found.findings.latency);
    assert!((latency.value_s - LATENCY_S).abs() < 10e-6, "{latency:?}");
    assert!((value(&found.findings.arrival).drift_ppm - DRIFT_PPM).abs() < 0.05, "{:?}", found.findings.arrival);
    let clock = value(&continuity(&found).clock);
    assert!((clock.drift_ppm - DRIFT_PPM).abs() < 0.1 && clock.steady, "{clock:?}");

    let response = value(found.response.as_ref().expect("the stimulus has a sweep"));
    let bass = value(&response.at_60_hz);
    let truth = 10.0 * (planted_round(&scene, 60.0, 1.0 / 6.0) / planted_round(&scene, 1000.0, 1.0 / 3.0)).log10();
    assert!((bass.db - truth).abs() < 0.2, "{bass:?} instead of {truth}");
    // The room moves the corner from 97 Hz to where speaker and room together lie 3 dB down.
    let Corner::At { hz, .. } = value(&response.lower_corner) else { panic!("{:?}", response.lower_corner) };
    let octaves = [(500.0, 1000.0), (1000.0, 2000.0)].map(|(low, high)| planted(&scene, low, high));
    let middle = (octaves[0] + octaves[1]) / 2.0;
    let down = 10.0 * (planted_round(&scene, hz, 1.0 / 3.0) / middle).log10();
    assert!((down + 3.0).abs() < 0.7 && (hz / CORNER_HZ).log2().abs() < 0.35, "{hz} Hz: {down} dB");
    assert!(!matches!(response.upper_corner, Outcome::Measured(Corner::At { .. })), "{:?}", response.upper_corner);

    let channels = found.channels.as_ref().expect("the stimulus has codes");
    assert_eq!(value(&channels.heard).carries, Carries::Sum, "{:?}", channels.heard);
    assert_eq!(value(channels.layout.as_ref().expect("the nearer side is known")), Layout::MonoSum);
    assert_eq!(value(&channels.polarity).polarity, Polarity::Normal);
    assert!(!value(&channels.doubled).doubled);

    // White noise: its level within the silence is the planted one over the whole.
    let floor = found.floor.as_ref().expect("the stimulus begins with silence");
    let rest = Excerpt::new(rate, &recording[..8000]).expect("numbers");
    let before = 20.0 * rigtone_audio::measure::rms(rest.samples()).log10();
    assert!((value(&floor.noise).z_dbfs - before).abs() < 0.3, "{:?} {before}", floor.noise);
    assert!(value(&floor.snr).value_db > 20.0 && value(&floor.hum).lines.is_empty());
    // The room's noise lies above what 3 % of distortion would be.
    assert!(matches!(reason(found.thd_n.as_ref().expect("a tone")), Reason::LowSnr { .. }), "{:?}", found.thd_n);

    let json = serde_json::to_value(&found).expect("a survey is JSON");
    assert!(json["chain"]["measured"].is_object());
    assert!(json["response"]["measured"]["curve"].as_array().is_some_and(|curve| curve.len() > 100));
}

#[test]
fn a_planted_gap_is_found_where_it_is() {
    let stimulus = stimulus(Name::Full, 48_000);
    let scene = scene(48_000, 25.0);
    let mut stream = speaker(&downmix(&stimulus), 48_000);
    let noise = *stimulus.positions().first(|kind| kind == PartKind::Noise).expect("noise");
    let (at, length) = (250_000, 640);
    stream[noise.start + at..noise.start + at + length].fill(0.0);
    let found = survey(&stimulus, &scene, &scene.record(&stream), &near_left());
    nothing_wrong_is_said(&found);
    no_gain_control(&found);
    not_hands_free(&found);
    let continuity = continuity(&found);
    assert_eq!(value(&continuity.dropouts).count, 1);
    let [event] = continuity.events.as_slice() else { panic!("{:?}", continuity.events) };
    assert!(matches!(event.kind, EventKind::Mute { .. }), "{event:?}");
    assert!((event.reference_s * 48_000.0 - at as f64).abs() < 12.0, "{event:?}");
    assert!((event.length_s() * 48_000.0 - length as f64).abs() < 12.0, "{event:?}");
    assert!(found.response.as_ref().is_some_and(|response| response.measured().is_some()));
}

/// 2:1 above -30 dBFS, attack 5 ms, release 80 ms.
fn compress(stream: &mut [f32], rate: u32) {
    let rise = (-1.0 / (0.005 * f64::from(rate))).exp();
    let fall = (-1.0 / (0.080 * f64::from(rate))).exp();
    let threshold = 10f64.powf(-30.0 / 20.0);
    let mut envelope = 0.0f64;
    for sample in stream {
        let level = f64::from(sample.abs());
        let keep = if level > envelope { rise } else { fall };
        envelope = keep * envelope + (1.0 - keep) * level;
        *sample *= (envelope / threshold).max(1.0).sqrt().recip() as f32;
    }
}

#[test]
fn a_compressor_is_found_and_takes_the_levels_with_it() {
    let stimulus = stimulus(Name::Full, 44_100);
    let scene = scene(44_100, 25.0);
    let mut stream = downmix(&stimulus);
    compress(&mut stream, 44_100);
    let found = survey(&stimulus, &scene, &scene.record(&speaker(&stream, 44_100)), &near_left());
    nothing_wrong_is_said(&found);
    let chain = value(found.chain.as_ref().expect("the stimulus has a ladder"));
    assert!(chain.controlled && (0.4..0.8).contains(&chain.slope), "{chain:?}");
    let control = |why: Reason| matches!(why, Reason::GainControl { .. });
    assert!(control(reason(found.response.as_ref().expect("a sweep"))));
    assert!(control(reason(found.thd_n.as_ref().expect("a tone"))));
    assert!(control(reason(&found.loudness.as_ref().expect("noise").a_weighted)));
    assert!(continuity(&found).events.is_empty(), "{:?}", continuity(&found).events);
    assert!(control(reason(&continuity(&found).clicks)));
    let fingerprint = found.fingerprint.as_ref().expect("a probe").measured();
    assert!(fingerprint.is_none_or(|found| !found.family.is_hands_free()), "{fingerprint:?}");
    assert_eq!(found.findings.presence, Presence::Present);
}

#[test]
fn the_hands_free_band_is_found() {
    let stimulus = stimulus(Name::Full, 48_000);
    let scene = scene(48_000, 25.0);
    let stream: Vec<f64> = speaker(&downmix(&stimulus), 48_000).iter().map(|sample| f64::from(*sample)).collect();
    let stream: Vec<f32> =
        filtered(&stream, 48_000, |hz| wall(hz, (3400.0, 3800.0))).iter().map(|sample| *sample as f32).collect();
    let found = survey(&stimulus, &scene, &scene.record(&stream), &near_left());
    nothing_wrong_is_said(&found);
    no_gain_control(&found);
    let fingerprint = value(found.fingerprint.as_ref().expect("the stimulus has a probe"));
    assert_eq!(fingerprint.family, Family::Cvsd, "{fingerprint:?}");
    assert!(continuity(&found).dropouts.measured().is_none_or(|dropouts| dropouts.count == 0));
    let layout = found.channels.as_ref().and_then(|channels| channels.layout).expect("codes");
    assert!(layout.measured().is_none_or(|layout| *layout == Layout::MonoSum), "{layout:?}");
    let response = value(found.response.as_ref().expect("a sweep"));
    if let Outcome::Measured(corner) = response.upper_corner {
        assert!(matches!(corner, Corner::At { hz, .. } if (3000.0..3900.0).contains(&hz)), "{corner:?}");
    }
}

/// Two drivers, the left one nearer by 10 cm, in a quiet room; the tone is the only one that needs it quiet.
#[rstest]
fn stereo_and_swapped_stereo_are_told_apart(
    #[values((Name::Full, true), (Name::Channels, true), (Name::Channels, false))] (name, swapped): (Name, bool),
) {
    let stimulus = stimulus(name, 48_000);
    let scene = Scene { snr_db: 50.0, ..scene(48_000, 50.0) };
    let far = Scene { distance_m: 0.6, ..scene };
    let (near_channel, far_channel) = if swapped { (1, 0) } else { (0, 1) };
    let near = scene.sound(&speaker(stimulus.channel(near_channel), 48_000));
    let away = far.sound(&speaker(stimulus.channel(far_channel), 48_000));
    let late = 14; // 10 cm
    let mut sum = near;
    for (sample, other) in sum.iter_mut().skip(late).zip(away) {
        *sample += other * 0.5 / 0.6;
    }
    let dry = Scene { rt60_s: 0.0, ..scene };
    sum.iter_mut().for_each(|sample| *sample *= 0.5);
    let found = survey(&stimulus, &dry, &dry.record(&sum), &near_left());
    nothing_wrong_is_said(&found);
    let channels = found.channels.as_ref().expect("the stimulus has codes");
    assert_eq!(value(&channels.heard).carries, Carries::Both, "{:?}", channels.heard);
    let wanted = if swapped { Layout::Swapped } else { Layout::Stereo };
    assert_eq!(value(channels.layout.as_ref().expect("the nearer side is known")), wanted);
    if name == Name::Full {
        nothing_is_missing(&found);
        no_gain_control(&found);
        not_hands_free(&found);
        let tone = value(found.thd_n.as_ref().expect("the stimulus has a tone"));
        assert!(tone.db < -40.0, "nothing distorts: {tone:?}");
    } else {
        assert!(found.chain.is_none() && found.response.is_none() && found.fingerprint.is_none());
        assert!(found.thd_n.is_none());
    }
}

/// The sound comes once more, later by a lag and softer or louder by some decibels: presence, first arrival and the doubling itself are told
/// all the same, and no latency is claimed of the second one.
#[rstest]
fn a_sound_that_is_heard_twice_is_heard_and_said_to_be_doubled(
    #[values(0.03, 0.06, 0.2)] lag_s: f64,
    #[values(-3.0, 0.0, 3.0)] db: f64,
) {
    let stimulus = stimulus(Name::Channels, 48_000);
    let scene = scene(48_000, 25.0);
    let once = scene.record(&downmix(&stimulus));
    let (late, gain) = ((lag_s * 48_000.0) as usize, 10f64.powf(db / 20.0) as f32);
    let twice: Vec<f32> =
        (0..once.len()).map(|n| once[n] + n.checked_sub(late).map_or(0.0, |n| gain * once[n])).collect();
    let found = survey(&stimulus, &scene, &twice, &near_left());
    assert_eq!(found.findings.presence, Presence::Present, "{:?}", found.findings.quality);
    let copies = value(&found.channels.as_ref().expect("the stimulus has codes").doubled);
    assert!(copies.doubled && (copies.copies[1].lag_s - lag_s).abs() < 0.0005, "{copies:?}");
    let arrival = found.findings.arrival.measured().map(|arrival| arrival.frame / 48_000.0);
    let planted = scene.at / 48_000.0;
    assert!(arrival.is_none_or(|arrival| (arrival - planted).abs() < 0.0005), "{arrival:?} instead of {planted}");
}

#[rstest]
fn each_part_alone_is_aligned_and_measured_alone(
    #[values(Name::Smoke, Name::Ladder, Name::Sweep, Name::Probe, Name::Tone)] name: Name,
) {
    let stimulus = stimulus(name, 44_100);
    let scene = scene(44_100, 45.0);
    let found = survey(&stimulus, &scene, &scene.record(&downmix(&stimulus)), &Settings::default());
    assert_eq!(found.findings.presence, Presence::Present);
    let latency = value(&found.findings.latency);
    assert!((latency.value_s - LATENCY_S).abs() < 10e-6, "{latency:?}");
    let measured = [
        found.chain.as_ref().map(|chain| !value(chain).controlled),
        found.response.as_ref().map(|response| value(response).at_60_hz.measured().is_some()),
        found.fingerprint.as_ref().map(|found| !value(found).family.is_hands_free()),
        found.thd_n.as_ref().map(|tone| value(tone).db < -35.0),
    ];
    let wanted = [Name::Ladder, Name::Sweep, Name::Probe, Name::Tone].map(|part| (part == name).then_some(true));
    assert_eq!(measured, wanted);
    assert!(found.channels.is_none());
    // The noise of smoke says whose it is and is too short for more.
    assert_eq!((found.steadiness.is_some(), found.floor.is_some()), (name != Name::Smoke, name != Name::Smoke));
    if name != Name::Smoke {
        nothing_wrong_is_said(&found);
        nothing_is_missing(&found);
    }
}

#[test]
fn what_is_not_there_and_what_is_another_rigs_is_said_of_every_part() {
    let stimulus = stimulus(Name::Full, 48_000);
    let scene = scene(48_000, 25.0);
    let other = Stimulus::build(Name::Full, 48_000, 1).expect("a rate of A2DP");
    let silent = crate::material::white(stimulus.samples().len() + 30_000, 1e-4, 5);
    for recording in [scene.record(&downmix(&other)), silent] {
        let found = survey(&stimulus, &scene, &recording, &near_left());
        assert!(!matches!(found.findings.presence, Presence::Present | Presence::Partial { .. }));
        let json = serde_json::to_string(&found).expect("a survey is JSON");
        assert!(!json.contains("\"measured\":"), "{json}");
    }
}

#[test]
fn a_skip_within_the_noise_is_followed_although_no_latency_is_claimed() {
    let stimulus = stimulus(Name::Noise, 48_000);
    let scene = scene(48_000, 25.0);
    let mut stream = downmix(&stimulus);
    let noise = *stimulus.positions().first(|kind| kind == PartKind::Noise).expect("noise");
    stream.drain(noise.start + 200_000..noise.start + 200_480);
    let found = survey(&stimulus, &scene, &scene.record(&stream), &Settings::default());
    assert!(found.findings.arrival.measured().is_none(), "{:?}", found.findings.arrival);
    let continuity = continuity(&found);
    assert_eq!(value(&continuity.jumps).net_frames, -480, "{:?}", continuity.events);
    assert_eq!(value(&continuity.dropouts).count, 0, "{:?}", continuity.events);
}

#[test]
fn a_skip_within_the_sweep_takes_the_response_and_nothing_else_is_made_up() {
    let stimulus = stimulus(Name::Full, 44_100);
    let scene = scene(44_100, 30.0);
    let mut stream = downmix(&stimulus);
    let sweep = *stimulus.positions().first(|kind| matches!(kind, PartKind::Sweep { .. })).expect("a sweep");
    stream.drain(sweep.start + 100_000..sweep.start + 100_512);
    let found = survey(&stimulus, &scene, &scene.record(&stream), &near_left());
    nothing_wrong_is_said(&found);
    assert!(found.findings.latency.measured().is_none() && found.response.expect("a sweep").measured().is_none());
    let continuity = value(&found.steadiness.expect("noise").continuity);
    assert!(continuity.events.is_empty() && value(&continuity.dropouts).count == 0, "{:?}", continuity.events);
}

#[test]
fn what_is_cut_off_or_clipped_is_inconclusive_and_never_a_panic() {
    let stimulus = stimulus(Name::Channels, 48_000);
    let scene = scene(48_000, 30.0);
    let mut recording = scene.record(&downmix(&stimulus));
    for tenths in 1..10 {
        let found = survey(&stimulus, &scene, &recording[..recording.len() * tenths / 10], &near_left());
        nothing_wrong_is_said(&found);
        assert_ne!(found.findings.presence, Presence::Present, "{tenths} tenths");
    }
    let late = survey(&stimulus, &scene, &recording[60_000..], &near_left());
    assert!(late.floor.is_some_and(|floor| floor.noise.measured().is_none_or(|noise| noise.seconds < 1.2)));
    recording[200_000..200_020].fill(1.0);
    let json = serde_json::to_string(&survey(&stimulus, &scene, &recording, &near_left())).expect("JSON");
    assert!(!json.contains("\"outcome\":\"measured\"") && json.contains("\"reason\":\"clipped\""), "{json}");
}

/// 1 m, RT60 0.4 s: from clear to hopeless, each measurement is right or says that it cannot tell.
#[rstest]
fn noise_takes_measurements_away_and_makes_none_wrong(#[values(10.0, 0.0, -10.0)] snr_db: f64) {
    let stimulus = stimulus(Name::Full, 48_000);
    let scene = Scene { rt60_s: 0.4, distance_m: 1.0, ..scene(48_000, snr_db) };
    let found = survey(&stimulus, &scene, &scene.record(&speaker(&downmix(&stimulus), 48_000)), &near_left());
    nothing_wrong_is_said(&found);
    assert!(!matches!(found.findings.presence, Presence::Foreign | Presence::Absent | Presence::Partial { .. }));
    assert!(
        found.chain.as_ref().and_then(Outcome::measured).is_none_or(|chain| !chain.controlled),
        "{:?}",
        found.chain
    );
    let fingerprint = found.fingerprint.as_ref().and_then(Outcome::measured);
    assert!(fingerprint.is_none_or(|found| !found.family.is_hands_free()), "{fingerprint:?}");
    let layout = found.channels.as_ref().and_then(|channels| channels.layout).expect("codes");
    assert!(layout.measured().is_none_or(|layout| *layout == Layout::MonoSum), "{layout:?}");
    if let Some(bass) = found.response.as_ref().and_then(Outcome::measured).and_then(|it| it.at_60_hz.measured()) {
        let truth = planted_round(&scene, 60.0, 1.0 / 6.0) / planted_round(&scene, 1000.0, 1.0 / 3.0);
        let off = bass.db - 10.0 * truth.log10();
        assert!(off.abs() < (4.0 * bass.uncertainty_db).max(0.3), "{bass:?} off by {off} dB");
    }
    let continuity = found.steadiness.as_ref().and_then(|it| it.continuity.measured());
    assert!(continuity.is_none_or(|found| found.events.is_empty()), "{continuity:?}");
    if snr_db >= 10.0 {
        let latency = value(&found.findings.latency);
        assert!((latency.value_s - LATENCY_S).abs() < 10e-6, "{latency:?}");
        nothing_is_missing(&found);
    }
}
