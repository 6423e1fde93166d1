//! What is played.

use rigtone_audio::channels::Content;
use rigtone_audio::stimulus::{
    GENERATOR_VERSION, Name, Part, PartKind, Positions, RATES, Stimulus, StimulusError, Sweep, Triplet,
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
                other => panic!("smoke has no {other:?}"),
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
    for name in ["", "Smoke", "smoke ", "whole", "\u{1b}[31m"] {
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

#[rstest]
fn every_stimulus_is_framed_by_its_markers_carries_its_code_and_leaves_headroom(
    #[values(44_100, 48_000)] rate: u32,
    #[values(3, 0xFFFF_FFF0)] code: u32,
) {
    for name in Name::ALL {
        let stimulus = Stimulus::build(name, rate, code).unwrap();
        let positions = stimulus.positions();
        assert!(stimulus.duration_s() <= 90.0 && positions.frames == stimulus.samples().len(), "{name}");
        assert_eq!(stimulus.channels(), if matches!(name, Name::Full | Name::Channels) { 2 } else { 1 });
        let mut end = 0;
        for part in &positions.parts {
            assert!(part.start >= end, "{name}: {part:?} overlaps the part before it");
            end = part.range().end;
        }
        assert!(end <= positions.frames);
        let sounding = positions.parts.iter().filter(|part| !matches!(part.kind, PartKind::Silence | PartKind::Primer));
        let kinds: Vec<_> = sounding.map(|part| matches!(part.kind, PartKind::Marker { .. })).collect();
        assert!(kinds.starts_with(&[true; 3]) && kinds.ends_with(&[true; 3]), "{name}");
        assert!(positions.parts.iter().any(|part| part.kind == PartKind::Noise), "{name}: nothing says whose it is");
        for channel in 0..2 {
            let samples = stimulus.channel(channel);
            let peak = samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
            assert!(f64::from(peak) <= 10f64.powf(-1.0 / 20.0), "{name}: peak {peak}");
            // What lies between the parts is silent.
            let mut left = samples.to_vec();
            positions.parts.iter().for_each(|part| left[part.range()].fill(0.0));
            assert!(left.iter().all(|sample| *sample == 0.0), "{name}");
        }
        let json = serde_json::to_string(positions).unwrap();
        assert_eq!(&serde_json::from_str::<Positions>(&json).unwrap(), positions);
        assert_eq!(json.contains("\"channels\":"), stimulus.channels() == 2, "{name}: smoke keeps its old form");
        assert_eq!(stimulus.le_bytes().len(), 4 * stimulus.channels() * positions.frames);
    }
}

#[test]
fn channels_differ_in_their_codes_and_nowhere_else() {
    let stimulus = Stimulus::build(Name::Full, 48_000, 6).unwrap();
    let rms = |channel: usize, part: &Part| rigtone_audio::measure::rms(&stimulus.channel(channel)[part.range()]);
    for part in &stimulus.positions().parts {
        let heard = [rms(0, part) > 1e-6, rms(1, part) > 1e-6];
        match part.kind {
            PartKind::Silence => assert_eq!(heard, [false, false]),
            PartKind::ChannelCode { content: Content::LeftOnly } => assert_eq!(heard, [true, false]),
            PartKind::ChannelCode { content: Content::RightOnly } => assert_eq!(heard, [false, true]),
            PartKind::ChannelCode { content: Content::Both } => {
                assert_ne!(stimulus.channel(0)[part.range()], stimulus.channel(1)[part.range()]);
            }
            PartKind::LadderStep { dbfs } => {
                assert!((20.0 * rms(0, part).log10() - f64::from(dbfs)).abs() < 0.5, "{part:?}");
                assert_eq!(stimulus.channel(0)[part.range()], stimulus.channel(1)[part.range()]);
            }
            _ => {
                assert_eq!(heard, [true, true], "{part:?}");
                assert_eq!(stimulus.channel(0)[part.range()], stimulus.channel(1)[part.range()]);
            }
        }
    }
    assert_eq!(stimulus.channel(2), stimulus.channel(0));
}

#[test]
fn another_code_changes_every_random_part() {
    let [one, other] = [6, 7].map(|code| Stimulus::build(Name::Full, 48_000, code).unwrap());
    let of = |stimulus: &Stimulus, wanted: fn(PartKind) -> bool| {
        let part = *stimulus.positions().first(wanted).unwrap();
        stimulus.samples()[part.range()].to_vec()
    };
    let random: [fn(PartKind) -> bool; 5] = [
        |kind| kind == PartKind::Primer,
        |kind| kind == PartKind::ChannelCode { content: Content::LeftOnly },
        |kind| matches!(kind, PartKind::LadderStep { .. }),
        |kind| kind == PartKind::Probe,
        |kind| kind == PartKind::Noise,
    ];
    for (n, wanted) in random.into_iter().enumerate() {
        assert_ne!(of(&one, wanted), of(&other, wanted), "part {n}");
    }
}
