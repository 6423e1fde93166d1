//! Recordings of another rate than that of the stimulus.

use rigtone_audio::{resample::Converter, stimulus::Stimulus};
use rigtone_model::{
    event::{Anchor, Listening},
    observation::{Quantity, Value},
};
use rigtone_witness::sound::{Emitted, Take, hear, stimulus};
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

#[rstest]
fn a_stimulus_is_heard_whatever_the_rate_of_the_microphone(
    #[values(44_100, 48_000)] sent: u32,
    #[values(44_100, 48_000)] rate: u32,
) {
    let stimulus = stimulus("smoke", sent, 7).expect("a stimulus");
    let samples = recorded(&stimulus, rate);
    let seconds = samples.len() as f64 / f64::from(rate);
    let anchors = [
        Anchor { frame: 0.0, t_ns: BEGINS_NS },
        Anchor { frame: samples.len() as f64, t_ns: BEGINS_NS + (seconds * 1e9) as i64 },
    ];
    let listening = Listening {
        signal: "smoke".into(),
        code: 7,
        channel: 0,
        residual_ns: 0,
        clock_uncertainty_ns: 0,
        distance_m: 0.0,
        nearer: None,
        calibrated: None,
        digital_silence: true,
        rate_hz: sent,
    };
    let emitted = Some(Emitted { t_ns: EMITTED_NS, uncertainty_ns: 0 });
    let take = Take { rate, samples: &samples, anchors: &anchors, emitted, listening: &listening };
    let heard: Vec<_> = hear(&take, &stimulus, &[]).expect("a recording").observations("play", "").collect();
    let of = |quantity| heard.iter().find(|o| o.quantity == quantity).map(|o| &o.value);
    assert_eq!(of(Quantity::Presence), Some(&Value::Truth(true)));
    let Some(Value::Number { value, .. }) = of(Quantity::Latency) else { panic!("{heard:?}") };
    assert!((value - LATE_S * 1e3).abs() < 0.05, "{value} ms");
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
