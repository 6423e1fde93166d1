//! What a recording says, by planted truths: rates, reference channels, the response of the microphone.

use std::sync::Arc;

use rigtone_audio::{resample::Converter, stimulus::Stimulus};
use rigtone_model::{
    event::{Anchor, Deviation, Listening},
    observation::{Quantity, Value},
};
use rigtone_witness::sound::{Emitted, Take, hear, hear_any, stimulus};
use rstest::rstest;

/// When the stimulus leaves, and how much later it is heard.
const EMITTED_NS: i64 = 7_000_000_000;
const LATE_S: f64 = 0.15;
const BEGINS_NS: i64 = 6_750_000_000;

/// What a microphone of that rate records of it.
fn recorded(stimulus: &Stimulus, rate: u32) -> Vec<f32> {
    let converter = Converter::new(stimulus.rate(), rate);
    let mut sound = vec![0.0; converter.frames(stimulus.samples().len() as u64) as usize];
    converter.convert(stimulus.samples(), 0, 0, &mut sound);
    let before = ((EMITTED_NS - BEGINS_NS) as f64 / 1e9 + LATE_S) * f64::from(rate);
    [vec![0.0; before.round() as usize], sound, vec![0.0; rate as usize / 2]].concat()
}

fn listening(rate_hz: u32) -> Listening {
    Listening {
        signal: "smoke".into(),
        code: 7,
        channel: 0,
        reference: None,
        residual_ns: 0,
        clock_uncertainty_ns: 0,
        distance_m: 0.0,
        nearer: None,
        calibrated: None,
        response: None,
        digital_silence: true,
        at: None,
        times: 1,
        any_above_dbfs: None,
        rate_hz,
    }
}

fn anchors(samples: &[f32], rate: u32) -> [Anchor; 2] {
    let seconds = samples.len() as f64 / f64::from(rate);
    [
        Anchor { frame: 0.0, t_ns: BEGINS_NS },
        Anchor { frame: samples.len() as f64, t_ns: BEGINS_NS + (seconds * 1e9) as i64 },
    ]
}

#[rstest]
fn a_stimulus_is_heard_whatever_the_rate_of_the_microphone(
    #[values(44_100, 48_000)] sent: u32,
    #[values(44_100, 48_000)] rate: u32,
) {
    let stimulus = stimulus("smoke", sent, 7).expect("a stimulus");
    let samples = recorded(&stimulus, rate);
    let (anchors, listening) = (anchors(&samples, rate), listening(sent));
    let emitted = Some(Emitted { t_ns: EMITTED_NS, uncertainty_ns: 0 });
    let take = Take { rate, samples: &samples, reference: None, anchors: &anchors, emitted, listening: &listening };
    let heard: Vec<_> = hear(&take, &stimulus, &[]).expect("a recording").observations("play", "", None).collect();
    let of = |quantity| heard.iter().find(|o| o.quantity == quantity).map(|o| &o.value);
    assert_eq!(of(Quantity::Presence), Some(&Value::Truth(true)));
    let Some(Value::Number { value, .. }) = of(Quantity::Latency) else { panic!("{heard:?}") };
    assert!((value - LATE_S * 1e3).abs() < 0.05, "{value} ms");
}

/// What is known of the emission otherwise does not count, right or wrong: both ends are samples of one converter.
#[rstest]
fn a_reference_channel_says_when_the_stimulus_left(
    #[values(44_100, 48_000)] rate: u32,
    #[values(None, Some(9_000_000_000))] told: Option<i64>,
) {
    let stimulus = stimulus("smoke", 48_000, 7).expect("a stimulus");
    let samples = recorded(&stimulus, rate);
    // The wire has it 80 ms before the microphone.
    let ahead = (0.08 * f64::from(rate)).round() as usize;
    let reference = [&samples[ahead..], &vec![0.0; ahead]].concat();
    let (anchors, listening) = (anchors(&samples, rate), listening(48_000));
    let emitted = told.map(|t_ns| Emitted { t_ns, uncertainty_ns: 0 });
    let take = Take {
        rate,
        samples: &samples,
        reference: Some(&reference),
        anchors: &anchors,
        emitted,
        listening: &listening,
    };
    let heard: Vec<_> = hear(&take, &stimulus, &[]).expect("a recording").observations("play", "", None).collect();
    let latency = heard.iter().find(|o| o.quantity == Quantity::Latency).map(|o| &o.value);
    let Some(Value::Number { value, uncertainty, .. }) = latency else { panic!("{heard:?}") };
    assert!((value - 80.0).abs() < 0.05 && *uncertainty < 0.5, "{value} ms, {uncertainty} ms");
    // A wire that was pulled tells nothing, and nothing is made up for it.
    let silent = vec![0.0; samples.len()];
    let take = Take { reference: Some(&silent), ..take };
    let heard: Vec<_> = hear(&take, &stimulus, &[]).expect("a recording").observations("play", "", None).collect();
    let latency = heard.iter().find(|o| o.quantity == Quantity::Latency).map(|o| &o.value);
    let reason = "the reference channel does not hold the stimulus".to_owned();
    assert_eq!(latency, Some(&Value::Inconclusive { reason }));
    let presence = heard.iter().find(|o| o.quantity == Quantity::Presence).map(|o| &o.value);
    assert_eq!(presence, Some(&Value::Truth(true)));
}

#[test]
fn the_response_of_the_microphone_is_taken_out_of_that_of_the_speaker() {
    let stimulus = stimulus("full", 48_000, 7).expect("a stimulus");
    let samples = recorded(&stimulus, 48_000);
    let anchors = anchors(&samples, 48_000);
    let response = |listening: &Listening| {
        let take =
            Take { rate: 48_000, samples: &samples, reference: None, anchors: &anchors, emitted: None, listening };
        let heard: Vec<_> =
            hear(&take, &stimulus, &[60.0]).expect("a recording").observations("play", "", None).collect();
        let at_60_hz = heard.iter().find(|o| o.quantity == Quantity::Response && o.at_hz == Some(60.0));
        match at_60_hz.map(|o| &o.value) {
            Some(Value::Number { value, .. }) => *value,
            other => panic!("{other:?}"),
        }
    };
    let flat = listening(48_000);
    let deviation = Deviation {
        file_sha256: String::new(),
        serial: None,
        points: vec![(20.0, -4.0), (200.0, -4.0), (500.0, 0.0), (20_000.0, 0.0)],
    };
    // A microphone that hears 4 dB too little of the bass heard a speaker that has 4 dB more.
    let mut corrected = Listening { response: Some(Arc::new(deviation)), ..flat.clone() };
    let gained = response(&corrected) - response(&flat);
    assert!((gained - 4.0).abs() < 0.05, "{gained} dB");
    // What was tampered with is no response.
    let reversed = Deviation { file_sha256: String::new(), serial: None, points: vec![(200.0, 0.0), (20.0, 0.0)] };
    corrected.response = Some(Arc::new(reversed));
    let take = Take {
        rate: 48_000,
        samples: &samples,
        reference: None,
        anchors: &anchors,
        emitted: None,
        listening: &corrected,
    };
    let error = hear(&take, &stimulus, &[]).map(|_| ()).expect_err("no response");
    assert!(error.to_string().contains("rising order"), "{error}");
}

#[test]
fn what_is_at_the_usual_rate_is_recorded_as_it_always_was() {
    let usual = serde_json::json!({
        "signal": "smoke", "code": 7, "channel": 0, "residual_ns": 0, "clock_uncertainty_ns": 0, "distance_m": 0.0,
        "digital_silence": true,
    });
    let mut listening: Listening = serde_json::from_value(usual.clone()).expect("of an older version");
    assert_eq!(listening.rate_hz, 48_000);
    assert_eq!(serde_json::to_value(&listening).expect("plain data"), usual);
    listening.rate_hz = 44_100;
    let written = serde_json::to_value(&listening).expect("plain data");
    assert_eq!(serde_json::from_value::<Listening>(written).expect("it reads"), listening);
}

/// What a microphone records of a stimulus that is sent `times` times without a gap; `of` gives the samples of each time.
fn again(stimulus: &Stimulus, times: u32, of: impl Fn(u32, &mut [f32])) -> Vec<f32> {
    let rate = stimulus.rate();
    let before = ((EMITTED_NS - BEGINS_NS) as f64 / 1e9 + LATE_S) * f64::from(rate);
    let mut samples = vec![0.0; before.round() as usize];
    for time in 0..times {
        let mut once = stimulus.samples().to_vec();
        of(time, &mut once);
        samples.extend(once);
    }
    samples.extend(vec![0.0; rate as usize / 2]);
    samples
}

fn heard_again(samples: &[f32], stimulus: &Stimulus, times: u32) -> Vec<rigtone_model::observation::Observation> {
    let (anchors, listening) = (anchors(samples, 48_000), Listening { times, ..listening(48_000) });
    let emitted = Some(Emitted { t_ns: EMITTED_NS, uncertainty_ns: 0 });
    let take = Take { rate: 48_000, samples, reference: None, anchors: &anchors, emitted, listening: &listening };
    hear(&take, stimulus, &[]).expect("a recording").observations("play", "", None).collect()
}

/// 50 ms are cut out of the noise, which lies from 2.7 to 14.7 s, of the times that are named: what was not heard whole is not present.
#[rstest]
#[case::none(&[], true, 0.0)]
#[case::one(&[1], false, 1.0)]
#[case::several(&[0, 2, 3], false, 3.0)]
fn holes_are_counted_over_all_times(#[case] holed: &[u32], #[case] heard: bool, #[case] holes: f64) {
    let stimulus = stimulus("noise", 48_000, 7).expect("a stimulus");
    let samples = again(&stimulus, 4, |time, once| {
        if holed.contains(&time) {
            once[200_000..202_400].fill(0.0);
        }
    });
    let found = heard_again(&samples, &stimulus, 4);
    let of = |quantity| found.iter().find(|o| o.quantity == quantity).expect("it is told");
    assert_eq!(of(Quantity::Presence).value, Value::Truth(heard));
    let Value::Number { value, .. } = of(Quantity::Dropouts).value else { panic!("{found:?}") };
    assert_eq!(value, holes);
    let Value::Number { value, .. } = of(Quantity::Latency).value else { panic!("{found:?}") };
    assert!((value - LATE_S * 1e3).abs() < 0.05, "{value} ms");
}

#[rstest]
#[case::from_the_second_on(&[1, 2, 3], 1.0, 16.4)]
#[case::one_between(&[2], 3.0, 32.8)]
fn a_silence_of_whole_times_is_no_presence_and_one_hole(
    #[case] silent: &[u32],
    #[case] heard: f64,
    #[case] until_s: f64,
) {
    let stimulus = stimulus("noise", 48_000, 7).expect("a stimulus");
    let samples = again(&stimulus, 4, |time, once| {
        if silent.contains(&time) {
            once.fill(0.0);
        }
    });
    let found = heard_again(&samples, &stimulus, 4);
    let of = |quantity| found.iter().find(|o| o.quantity == quantity).expect("it is told");
    let presence = of(Quantity::Presence);
    assert_eq!((&presence.value, presence.quality["times-heard"]), (&Value::Truth(false), heard));
    assert!((presence.quality["heard-until-s"] - until_s).abs() < 1e-6, "{presence:?}");
    let Value::Number { value, .. } = of(Quantity::Dropouts).value else { panic!("{found:?}") };
    assert_eq!(value, 1.0);
    let Value::Number { value, .. } = of(Quantity::LongestDropout).value else { panic!("{found:?}") };
    assert!((value - 16_400.0 * silent.len() as f64).abs() < 1.0, "{value} ms");
}

/// Half a second of a tone over noise of -60 dBFS.
#[rstest]
#[case::nothing(None, Value::Truth(false))]
#[case::softer_than_the_noise(Some(-70.0), Value::Truth(false))]
#[case::well_above_it(Some(-40.0), Value::Truth(true))]
fn any_sound_is_told_from_the_noise_of_the_room(#[case] tone_dbfs: Option<f64>, #[case] heard: Value) {
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31) * 2.0 - 1.0
    };
    // Even noise between -a and a has the RMS a/sqrt 3.
    let mut samples: Vec<f32> = (0..4 * 48_000).map(|_| (3f64.sqrt() * 1e-3 * noise()) as f32).collect();
    if let Some(dbfs) = tone_dbfs {
        let amplitude = 2f64.sqrt() * 10f64.powf(dbfs / 20.0);
        for (n, sample) in samples[96_000..120_000].iter_mut().enumerate() {
            *sample += (amplitude * (n as f64 * 0.3).sin()) as f32;
        }
    }
    let (anchors, listening) =
        (anchors(&samples, 48_000), Listening { any_above_dbfs: Some(-60.0), ..listening(48_000) });
    let take = Take {
        rate: 48_000,
        samples: &samples,
        reference: None,
        anchors: &anchors,
        emitted: None,
        listening: &listening,
    };
    let found: Vec<_> = hear_any(&take).observations("listen", "", None).collect();
    assert_eq!(found.iter().find(|o| o.quantity == Quantity::Presence).map(|o| &o.value), Some(&heard), "{found:?}");
}
