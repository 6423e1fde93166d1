use rigtone_audio::continuity::{Continuity, EventKind, Origin};
use rigtone_audio::measure::{Outcome, Reason};
use rstest::rstest;

use super::{listen, noise};
use crate::rooms::Scene;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Skip(usize),
    Stall(usize),
    Repeat(usize),
}

impl Change {
    fn plant(self, stream: &mut Vec<f32>, at: usize) {
        match self {
            Self::Skip(frames) => drop(stream.drain(at..at + frames)),
            Self::Stall(frames) => drop(stream.splice(at..at, std::iter::repeat_n(0.0, frames))),
            Self::Repeat(frames) => {
                let again = stream[at - frames..at].to_vec();
                stream.splice(at..at, again);
            }
        }
    }
}

/// The recording of a stream that was changed: where that made it shorter, it stops with the sound.
fn record(scene: &Scene, reference: &[f32], stream: &[f32]) -> Vec<f32> {
    let mut recording = scene.record(stream);
    if stream.len() < reference.len() {
        recording.truncate(scene.at as usize + stream.len());
    }
    recording
}

/// The one event, and how far its end (or start, for a skip) is from where it was planted on the reference.
fn only_jump(found: &Continuity) -> (Change, f64, Origin) {
    assert_eq!(found.events.len(), 1, "{:?} {:?}", found.events, found.quality);
    let event = found.events[0];
    let (change, origin) = match event.kind {
        EventKind::Skip { frames, origin, .. } => (Change::Skip(frames as usize), origin),
        EventKind::Stall { frames, origin, .. } => (Change::Stall(frames as usize), origin),
        EventKind::Repeat { frames, origin, .. } => (Change::Repeat(frames as usize), origin),
        other => panic!("{other:?}"),
    };
    (change, event.reference_s * 48_000.0, origin)
}

/// Distance in metres, wideband ratio in dB, drift in ppm.
type Condition = (f64, f64, f64);
const NEAR: Condition = (0.3, 30.0, 0.0);
const FAR: Condition = (1.0, 10.0, 80.0);
const NOISY: Condition = (1.0, 0.0, -20.0);

/// From one frame, which a response of two peaks could hide, to more than a second.
#[rstest]
#[case(Change::Skip(1), NEAR)]
#[case(Change::Skip(96), NEAR)]
#[case(Change::Skip(480), NOISY)]
#[case(Change::Skip(60_000), FAR)]
#[case(Change::Stall(72_000), NEAR)]
#[case(Change::Repeat(3), NOISY)]
#[case(Change::Repeat(128), NEAR)]
#[case(Change::Repeat(1024), FAR)]
fn lengths_are_exact_to_the_frame(#[case] change: Change, #[case] condition: Condition) {
    check_length(change, condition);
}

#[rstest]
#[ignore = "nightly: all lengths in all conditions"]
fn all_lengths_are_exact_in_all_conditions(
    #[values(1, 2, 3, 5, 8, 12, 24, 30, 60, 64, 95, 96, 97, 128, 300, 480, 1024, 9000, 60_000)] frames: usize,
    #[values(Change::Skip, Change::Stall, Change::Repeat)] kind: fn(usize) -> Change,
    #[values(NEAR, (0.3, 10.0, 80.0), (1.0, 30.0, 0.0), FAR, (0.3, 0.0, 0.0), NOISY)] condition: Condition,
) {
    // A silence so short that it cannot be told from a repeated piece, or one so long that the piece before it does not exist.
    let told_apart =
        !matches!(kind(frames), Change::Stall(..480)) && !matches!(kind(frames), Change::Repeat(130_000..));
    if told_apart {
        check_length(kind(frames), condition);
    }
}

fn check_length(change: Change, (distance_m, snr_db, drift_ppm): Condition) {
    let scene = Scene { distance_m, snr_db, drift_ppm, ..Scene::default() };
    let reference = noise(48_000, 5.0, 11);
    let mut stream = reference.clone();
    change.plant(&mut stream, 130_123);
    let found = listen(&scene, &reference, &record(&scene, &reference, &stream));
    let (heard, at, origin) = only_jump(&found);
    assert_eq!(heard, change, "{:?}", found.events);
    let begins = if let Change::Repeat(frames) = change { 130_123 - frames } else { 130_123 };
    let sigma = found.events[0].uncertainty_s * 48_000.0;
    assert!((at - begins as f64).abs() < (5.0 * sigma).max(20.0), "{at} instead of {begins}");
    assert_ne!(origin, Origin::Capture);
    let jumps = found.jumps.measured().expect("it was followed");
    let net = match change {
        Change::Skip(frames) => -(frames as i64),
        Change::Stall(frames) | Change::Repeat(frames) => frames as i64,
    };
    assert_eq!(jumps.net_frames, net);
    let clock = found.clock.measured().expect("jumps are not drift");
    assert!((clock.drift_ppm - drift_ppm).abs() < 1.0, "{clock:?}");
}

/// Where windows meet (about every 9.4 s), near the ends, and in between.
#[rstest]
fn jumps_are_found_wherever_they_are(#[values(&[0.25, 8.9, 9.6, 11.9], &[1.0, 9.2, 9.7])] seconds: &[f64]) {
    let scene = Scene { distance_m: 0.3, drift_ppm: 15.0, ..Scene::default() };
    let reference = noise(48_000, 12.2, 12);
    let mut stream = reference.clone();
    let mut planted = Vec::new();
    // From the back, so that earlier places stay where they are.
    for (n, at_s) in seconds.iter().enumerate().rev() {
        let change = if n % 2 == 0 { Change::Skip(333 + n) } else { Change::Repeat(512 + n) };
        change.plant(&mut stream, (at_s * 48_000.0) as usize);
        planted.insert(0, change);
    }
    let found = listen(&scene, &reference, &record(&scene, &reference, &stream));
    let heard: Vec<Change> = found
        .events
        .iter()
        .map(|event| match event.kind {
            EventKind::Skip { frames, .. } => Change::Skip(frames as usize),
            EventKind::Repeat { frames, .. } => Change::Repeat(frames as usize),
            other => panic!("{other:?} at {} s", event.from_s),
        })
        .collect();
    assert_eq!(heard, planted);
}

#[test]
fn several_jumps_and_gaps_are_told_apart() {
    let scene = Scene { distance_m: 0.5, drift_ppm: 40.0, ..Scene::default() };
    let reference = noise(48_000, 18.0, 13);
    let mut stream = reference.clone();
    // From the back, so that earlier places stay where they are.
    stream[800_000..800_500].fill(0.0);
    Change::Skip(77).plant(&mut stream, 600_000);
    Change::Stall(2000).plant(&mut stream, 480_000);
    Change::Repeat(128).plant(&mut stream, 300_000);
    Change::Skip(1000).plant(&mut stream, 100_000);
    let found = listen(&scene, &reference, &record(&scene, &reference, &stream));
    let names: Vec<String> = found
        .events
        .iter()
        .map(|event| match event.kind {
            EventKind::Skip { frames, .. } => format!("skip {frames}"),
            EventKind::Stall { frames, .. } => format!("stall {frames}"),
            EventKind::Repeat { frames, .. } => format!("repeat {frames}"),
            EventKind::Mute { .. } => format!("mute at {:.1} s", event.reference_s),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["skip 1000", "repeat 128", "stall 2000", "skip 77", "mute at 16.7 s"]);
}

/// In the last 100 ms there may be too little left to align, but something is said.
#[rstest]
fn a_jump_in_the_last_100_ms_is_not_missed(#[values(90, 40)] left_ms: usize) {
    let scene = Scene { distance_m: 0.3, ..Scene::default() };
    let reference = noise(48_000, 7.3, 14);
    let mut stream = reference.clone();
    let end = reference.len() - 480;
    Change::Skip(480).plant(&mut stream, end - left_ms * 48);
    let mut recording = record(&scene, &reference, &stream);
    recording.truncate(scene.at as usize + end);
    let found = listen(&scene, &reference, &recording);
    assert_eq!(found.events.len(), 1, "{:?}", found.events);
    let event = found.events[0];
    match event.kind {
        EventKind::Skip { frames, .. } => assert_eq!(frames, 480),
        EventKind::Garbled => {
            assert!((event.from_s - (scene.at / 48_000.0 + (end - left_ms * 48) as f64 / 48_000.0)).abs() < 0.01);
        }
        other => panic!("{other:?}"),
    }
}

/// The reverberation of what was played goes on through a jump of the stream; in a recording that lost samples it jumps too.
#[rstest]
fn samples_lost_in_the_recording_are_the_rigs_fault(
    #[values((480, 1.0, 10.0), (-2048, 0.3, 20.0))] (frames, distance_m, snr_db): (i64, f64, f64),
) {
    let scene = Scene { distance_m, snr_db, ..Scene::default() };
    let reference = noise(48_000, 6.0, 15);
    let mut recording = scene.record(&reference);
    let at = 140_000;
    if frames < 0 {
        recording.drain(at..at + frames.unsigned_abs() as usize);
    } else {
        let again = recording[at - frames as usize..at].to_vec();
        recording.splice(at..at, again);
    }
    let found = listen(&scene, &reference, &recording);
    let (_, _, origin) = only_jump(&found);
    assert_eq!(origin, Origin::Capture, "{:?}", found.events);
    let Outcome::Inconclusive(Reason::SamplesLost { at_s, by_s }) = found.jumps else { panic!("{:?}", found.jumps) };
    assert!((at_s - at as f64 / 48_000.0).abs() < 0.002 && (by_s * 48_000.0 - frames as f64).abs() < 0.01);
    assert!(found.dropouts.measured().is_none() && found.clock.measured().is_none());

    let mut stream = reference.clone();
    let change =
        if frames < 0 { Change::Skip(frames.unsigned_abs() as usize) } else { Change::Repeat(frames as usize) };
    change.plant(&mut stream, 130_000);
    let found = listen(&scene, &reference, &record(&scene, &reference, &stream));
    assert_eq!(only_jump(&found).2, Origin::Stream, "{:?}", found.events);
}
