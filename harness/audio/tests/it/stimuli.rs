//! What is played.

use rigtone_audio::stimulus::{
    GENERATOR_VERSION, Name, PartKind, Positions, RATES, Stimulus, StimulusError, Sweep, Triplet,
};
use rstest::rstest;

#[rstest]
fn smoke_is_short_and_leaves_headroom(#[values(44_100, 48_000)] rate: u32, #[values(0, 1, 0xFFFF_FFFF)] code: u32) {
    let stimulus = Stimulus::build(Name::Smoke, rate, code).unwrap();
    assert!(stimulus.duration_s() <= 3.0);
    let peak = stimulus.samples().iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    assert!(f64::from(peak) <= 10f64.powf(-1.0 / 20.0), "peak {peak}");
}

#[rstest]
fn parts_follow_each_other_and_hold_what_they_say(#[values(44_100, 48_000)] rate: u32) {
    for code in 0..64 {
        let stimulus = Stimulus::build(Name::Smoke, rate, code).unwrap();
        let positions = stimulus.positions();
        assert_eq!(positions.frames, stimulus.samples().len());
        let mut end = 0;
        for part in &positions.parts {
            assert!(part.start >= end, "code {code}: {part:?} overlaps the part before it");
            end = part.range().end;
            let content = &stimulus.samples()[part.range()];
            let power = content.iter().map(|s| f64::from(s * s)).sum::<f64>() / content.len() as f64;
            let dbfs = 10.0 * power.max(1e-30).log10();
            let want = match part.kind {
                PartKind::Silence => -300.0,
                PartKind::Primer => -30.0,
                // A sine of -10 dBFS peak whose ends are tapered.
                PartKind::Marker { .. } => -13.1,
                PartKind::Noise => -16.5,
            };
            assert!((dbfs - want).abs() < 0.3, "{part:?}: {dbfs} dBFS");
        }
        assert!(end <= positions.frames);
    }
}

#[test]
fn the_same_code_gives_the_same_samples_and_another_code_others() {
    let bytes = |code| Stimulus::build(Name::Smoke, 48_000, code).unwrap().le_bytes();
    assert_eq!(bytes(5), bytes(5));
    assert_ne!(bytes(5), bytes(6));
    assert_eq!(bytes(5).len(), 4 * Stimulus::build(Name::Smoke, 48_000, 5).unwrap().samples().len());
}

#[test]
fn the_last_triplet_is_the_first_with_its_directions_turned_round() {
    let positions = Stimulus::build(Name::Smoke, 48_000, 77).unwrap().positions().clone();
    let sweeps = |wanted: Triplet| -> Vec<_> {
        let kinds = positions.parts.iter().map(|part| part.kind);
        kinds
            .filter_map(|kind| match kind {
                PartKind::Marker { triplet, sweep, .. } if triplet == wanted => Some(sweep),
                _ => None,
            })
            .collect()
    };
    assert_eq!(sweeps(Triplet::First).len(), 3);
    let turned: Vec<_> = sweeps(Triplet::First).into_iter().map(Sweep::reversed).collect();
    assert_eq!(sweeps(Triplet::Last), turned);
}

#[test]
fn positions_survive_json() {
    let positions = Stimulus::build(Name::Smoke, 44_100, 3).unwrap().positions().clone();
    let json = serde_json::to_string(&positions).unwrap();
    assert_eq!(serde_json::from_str::<Positions>(&json).unwrap(), positions);
    assert!(json.contains("\"generator_version\":1") && GENERATOR_VERSION == 1);
}

#[test]
fn what_cannot_be_made_is_an_error() {
    for name in ["", "Smoke", "smoke ", "full", "\u{1b}[31m"] {
        assert_eq!(name.parse::<Name>(), Err(StimulusError::UnknownName { name: name.to_owned() }));
    }
    for name in Name::ALL {
        assert_eq!(name.to_string().parse(), Ok(name));
        for rate in [0, 8000, 96_000, u32::MAX] {
            assert_eq!(Stimulus::build(name, rate, 1).err(), Some(StimulusError::UnsupportedRate { name, rate }));
        }
        assert!(RATES.into_iter().all(|rate| Stimulus::build(name, rate, 1).is_ok()));
    }
}
