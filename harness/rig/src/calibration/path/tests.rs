//! The sound goes a way of known length: into a wire at once, to the microphone later and fainter, both with noise.

use super::*;
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rstest::rstest;

const SPEED: f64 = 343.42;

/// Where the sound is in a recording.
#[derive(Debug, Clone, Copy)]
struct Planted {
    rate: u32,
    /// From the beginning of the recording until it left by the word of its card, in seconds.
    left_s: f64,
    /// By how much that word is off, in seconds.
    off_s: f64,
    metres: f64,
    /// In the wire, if there is one.
    wire: Option<bool>,
    /// What the microphone hears of it.
    gain: f64,
}

const PLANTED: Planted =
    Planted { rate: 48_000, left_s: 0.8, off_s: 0.0137, metres: 1.25, wire: Some(true), gain: 0.1 };

fn smoke() -> Stimulus {
    Stimulus::build(Name::Smoke, RATE, CODE).expect("there is one")
}

/// The stimulus as a signal of any time: interpolated by a windowed sinc.
fn at(signal: &[f32], frame: f64) -> f64 {
    let middle = frame.floor() as i64;
    (middle - 31..=middle + 32)
        .filter_map(|n| Some((n, f64::from(*signal.get(usize::try_from(n).ok()?)?))))
        .map(|(n, sample)| {
            let x = frame - n as f64;
            let sinc = if x.abs() < 1e-9 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
            sample * sinc * (0.5 + 0.5 * (std::f64::consts::PI * x / 33.0).cos())
        })
        .sum()
}

fn recorded(planted: Planted) -> (Captured, Instant) {
    let stimulus = smoke();
    let signal = stimulus.channel(0);
    let mut noise = ChaCha8Rng::seed_from_u64(7);
    let frames = ((stimulus.duration_s() + 2.0) * f64::from(planted.rate)) as usize;
    let samples = (0..frames).flat_map(|frame| {
        let t = frame as f64 / f64::from(planted.rate) - planted.left_s - planted.off_s;
        let wire = planted.wire.is_some_and(|plays| plays).then(|| at(signal, t * f64::from(RATE)) * 0.5);
        let air = at(signal, (t - planted.metres / SPEED) * f64::from(RATE)) * planted.gain;
        [air, wire.unwrap_or_default()].map(|v| ((v + noise.random_range(-1e-3..1e-3)) * 32_767.0).round() as i16)
    });
    let origin_ns = 5_000_000_000_i64;
    let anchor = |frame: usize| Anchor {
        frame: frame as f64,
        t_ns: origin_ns + (frame as f64 / f64::from(planted.rate) * 1e9).round() as i64,
    };
    let captured = Captured {
        rate: planted.rate,
        channels: 2,
        channel: 0,
        reference: planted.wire.map(|_| 1),
        samples: samples.collect::<Vec<i16>>().into(),
        anchors: vec![anchor(0), anchor(frames)],
        residual_ns: 0,
        received: None,
    };
    (captured, Instant(origin_ns + (planted.left_s * 1e9).round() as i64))
}

#[rstest]
#[case::near(Planted { metres: 0.3, ..PLANTED })]
#[case::usual(PLANTED)]
#[case::across_the_room(Planted { metres: 6.5, gain: 0.02, ..PLANTED })]
#[case::its_card_says_it_too_late(Planted { off_s: -0.004, ..PLANTED })]
#[case::another_rate(Planted { rate: 44_100, ..PLANTED })]
fn a_wire_tells_the_distance_and_what_the_clocks_are_apart(#[case] planted: Planted) {
    let (captured, began) = recorded(planted);
    let round = of_recording(&captured, &smoke(), began, None).expect("a way");
    assert!((round.loopback_s - planted.off_s).abs() < 20e-6, "{round:?}");
    let path = together(&[round]);
    let (metres, uncertainty) = path.distance_m.expect("a distance");
    assert!((metres - planted.metres).abs() < 0.005, "{metres} m");
    // 5 degrees are 0.88 %, and the membrane is no point.
    assert!(uncertainty > 0.01 && uncertainty < 0.012 + 0.01 * planted.metres, "{uncertainty} m");
}

#[test]
fn without_a_wire_a_tape_measure_is_needed() {
    let (captured, began) = recorded(Planted { wire: None, ..PLANTED });
    let round = of_recording(&captured, &smoke(), began, Some(1.25)).expect("a way");
    assert!((round.loopback_s - PLANTED.off_s).abs() < 50e-6 && round.flight.is_none(), "{round:?}");
    let (what, hint) = of_recording(&captured, &smoke(), began, None).expect_err("nothing to go by");
    assert!(what.contains("no wire") && hint.contains("--at"), "{what}; {hint}");
}

#[rstest]
#[case::silent_wire(Planted { wire: Some(false), ..PLANTED }, "reference channel", "own signal")]
#[case::silent_room(Planted { gain: 0.0, ..PLANTED }, "did not hear", "turn the loudspeaker up")]
#[case::the_wrong_way_round(Planted { metres: -3.0, ..PLANTED }, "before the wire", "wrong way round")]
#[case::delayed(Planted { metres: 80.0, ..PLANTED }, "80 m away", "effect")]
#[case::no_clock(Planted { off_s: 1.4, ..PLANTED }, "as on no sound card", "load")]
fn what_cannot_be_is_refused(#[case] planted: Planted, #[case] what: &str, #[case] to_do: &str) {
    let (captured, began) = recorded(planted);
    let (said, hint) = of_recording(&captured, &smoke(), began, None).expect_err("no way");
    assert!(said.contains(what) && hint.contains(to_do), "{said}; {hint}");
}

#[test]
fn of_several_rounds_the_middle_counts_and_the_farthest_is_told() {
    let round = |ms: f64, flight_ms: f64| Round { loopback_s: ms / 1e3, flight: Some((flight_ms / 1e3, 1e-6)) };
    let path = together(&[round(10.0, 2.0), round(12.5, 2.1), round(11.0, 2.0)]);
    assert!((path.loopback_s - 0.011).abs() < 1e-9 && (path.spread_s - 0.0015).abs() < 1e-9, "{path:?}");
    let (metres, uncertainty) = path.distance_m.expect("a distance");
    assert!((metres - 0.002 * SPEED).abs() < 1e-6 && uncertainty > 0.1e-3 * SPEED, "{metres} ± {uncertainty}");
    assert_eq!(path.rounds, 3);
}
