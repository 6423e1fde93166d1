//! No recording makes the analysis panic, and a broken one is named as the rig's fault.

use proptest::prelude::*;
use rigtone_audio::measure::{Analyser, CaptureFault, Emission, Expectation, Presence, Reason, Recording};
use rstest::rstest;

use crate::material::{RATE, plant, smoke, white};

fn fault(samples: &[f32], rate: u32) -> Option<CaptureFault> {
    Analyser::new().analyse(&Recording::mono(rate, samples), &smoke(1), &Expectation::default()).err()
}

#[test]
fn broken_recordings_are_faults_of_the_rig() {
    let good = white(20_000, 0.1, 1);
    let with = |value: f32| {
        let mut samples = good.clone();
        samples[1234] = value;
        samples
    };
    assert_eq!(fault(&[], RATE), Some(CaptureFault::Empty));
    assert_eq!(fault(&[0.0; 48_000], RATE), Some(CaptureFault::Dead { value: 0.0 }));
    assert_eq!(fault(&[-0.25; 100], RATE), Some(CaptureFault::Dead { value: -0.25 }));
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30] {
        assert_eq!(fault(&with(value), RATE), Some(CaptureFault::NotASample { frame: 1234 }));
    }
    assert_eq!(fault(&good, 44_100), Some(CaptureFault::WrongRate { have: 44_100, want: RATE }));
    assert_eq!(fault(&good, 0), Some(CaptureFault::WrongRate { have: 0, want: RATE }));
    let ragged = Recording::interleaved(RATE, 3, &good[..100]).err();
    assert_eq!(ragged, Some(CaptureFault::RaggedFrames { samples: 100, channels: 3 }));
    assert!(Recording::interleaved(RATE, 0, &good).is_err());
}

#[test]
fn digital_silence_is_absence_where_the_chain_is_proven_alive() {
    let proven = Expectation { capture_proven: true, ..Expectation::default() };
    let found = Analyser::new().analyse(&Recording::mono(RATE, &[0.0; 192_000]), &smoke(1), &proven).unwrap();
    assert_eq!(found.presence, Presence::Absent);
}

#[test]
fn a_recording_shorter_than_the_stimulus_proves_nothing() {
    for frames in [1, 2, 100, 4800, 48_000] {
        let mut samples = white(frames, 1e-5, 2);
        samples[0] = 1e-6;
        if frames == 1 {
            continue; // one sample is all the same value
        }
        let found =
            Analyser::new().analyse(&Recording::mono(RATE, &samples), &smoke(1), &Expectation::default()).unwrap();
        assert!(
            matches!(found.presence, Presence::Inconclusive { why: Reason::TooShort { .. } }),
            "{frames}: {found:?}"
        );
    }
}

#[test]
fn a_clipped_recording_is_inconclusive_in_everything() {
    let mut samples = plant(&smoke(1), 192_000, 5000.0, 0.0, 0.5);
    samples[100_000..100_012].fill(1.0);
    let found = Analyser::new().analyse(&Recording::mono(RATE, &samples), &smoke(1), &Expectation::default()).unwrap();
    assert!(matches!(found.presence, Presence::Inconclusive { why: Reason::Clipped { longest: 12, .. } }));
    assert!(found.arrival.measured().is_none() && found.level.measured().is_none());
}

#[rstest]
#[case(f64::NAN)]
#[case(f64::INFINITY)]
#[case(-1e18)]
#[case(1e18)]
#[case(191_999.0)]
fn a_senseless_time_of_emission_gives_no_latency(#[case] frame: f64) {
    let samples = plant(&smoke(1), 192_000, 5000.0, 0.0, 0.5);
    let wanted = Expectation { emission: Some(Emission { frame, uncertainty_s: 0.0 }), ..Expectation::default() };
    let found = Analyser::new().analyse(&Recording::mono(RATE, &samples), &smoke(1), &wanted).unwrap();
    assert!(found.latency.measured().is_none(), "{:?}", found.latency);
}

#[test]
fn findings_are_json_with_their_quality() {
    let samples = plant(&smoke(1), 192_000, 5000.0, 0.0, 0.5);
    let found = Analyser::new().analyse(&Recording::mono(RATE, &samples), &smoke(1), &Expectation::default()).unwrap();
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["presence"]["state"], "present");
    assert_eq!(json["latency"]["inconclusive"]["reason"], "no-emission");
    assert_eq!(json["quality"]["markers"][0]["sweep"], "up");
    assert!(json["arrival"]["measured"]["uncertainty_s"].is_f64() && json["method_version"].is_u64());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn arbitrary_samples_never_panic(
        samples in prop::collection::vec(prop_oneof![
            8 => -1.0f32..1.0,
            1 => any::<f32>(),
            1 => Just(0.0f32),
            1 => Just(1.0f32),
        ], 0..6000),
        repeat in 1usize..40,
        channels in 1usize..4,
        emission in prop::option::of(-1e6f64..1e6),
    ) {
        let samples = samples.repeat(repeat);
        let expectation = Expectation {
            emission: emission.map(|frame| Emission { frame, uncertainty_s: 1e-4 }),
            ..Expectation::default()
        };
        if let Ok(recording) = Recording::interleaved(RATE, channels, &samples)
            && let Ok(found) = Analyser::new().analyse(&recording, &smoke(1), &expectation)
        {
            prop_assert!(found.latency.measured().is_none(), "{found:?}");
            let claimed = matches!(found.presence, Presence::Present | Presence::Partial { .. });
            prop_assert!(!claimed, "{found:?}");
        }
    }

    #[test]
    fn a_stimulus_damaged_anywhere_never_panics_and_never_gives_another_time(
        start in 0usize..170_000,
        length in 0usize..120_000,
        value in -0.9f32..0.9,
        drop in any::<bool>(),
    ) {
        let stimulus = smoke(1);
        let mut samples = plant(&stimulus, 192_000, 20_000.0, 0.0, 0.5);
        let end = (start + length).min(samples.len());
        if drop {
            samples.drain(start..end);
        } else {
            samples[start..end].fill(value);
        }
        if let Ok(found) = Analyser::new().analyse(&Recording::mono(RATE, &samples), &stimulus, &Expectation::default())
            && let Some(arrival) = found.arrival.measured()
        {
            // What is taken out before the first marker moves everything; what is taken out of the triplet moves most of it: not judged here.
            let (marker, noise) = (20_000 + 28_800, 20_000 + 61_440);
            prop_assume!(!drop || end <= marker || start >= noise);
            let moved = if drop && end <= marker { (end - start) as f64 } else { 0.0 };
            let error_s = (arrival.frame - (20_000.0 - moved)) / f64::from(RATE);
            // A piece so short that it passes for drift is within the definition's uncertainty.
            prop_assert!(error_s.abs() < 100e-6, "{error_s} s: {found:?}");
        }
    }
}

/// A skip between the two triplets must not be read as clock drift that moves the latency.
#[rstest]
fn a_skip_or_a_repeat_is_not_drift(#[values(-480, -96, -30, -12, 12, 30, 96, 480)] skip: i64) {
    let stimulus = smoke(1);
    let mut samples = plant(&stimulus, 192_000, 20_000.0, 0.0, 0.5);
    let at = 20_000 + 75_000;
    if skip < 0 {
        samples.drain(at..at + skip.unsigned_abs() as usize);
    } else {
        let repeated = samples[at..at + skip as usize].to_vec();
        samples.splice(at..at, repeated);
    }
    let found = Analyser::new().analyse(&Recording::mono(RATE, &samples), &stimulus, &Expectation::default()).unwrap();
    assert!(found.arrival.measured().is_none(), "{found:?}");
    match &found.presence {
        Presence::Present => {}
        Presence::Partial { missing, .. } => {
            assert!(missing.len() == 1 && missing[0].to_s - missing[0].from_s < 0.11, "{found:?}");
        }
        other => panic!("it was heard on both sides of the skip: {other:?}"),
    }
}
