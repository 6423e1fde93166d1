use rigtone_audio::measure::Reason;

use super::{listen, noise};
use crate::rooms::Scene;

/// Gapless sound through rooms, clocks, noise and codecs must raise no event.
#[test]
fn three_minutes_without_a_gap_raise_no_alarm() {
    soak(3.0, 0);
}

#[test]
#[ignore = "slow: 20 minutes of sound"]
fn twenty_minutes_without_a_gap_raise_no_alarm() {
    soak(20.0, 1000);
}

/// Then fewer than one false alarm per hour at 95 %.
#[test]
#[ignore = "nightly: 3 hours of sound"]
fn three_hours_without_a_gap_raise_no_alarm() {
    soak(180.0, 10_000);
}

fn soak(minutes: f64, first: u64) {
    let (mut heard_s, mut seed) = (0.0, first);
    while heard_s < 60.0 * minutes {
        let pick = |step: u64, of: &[f64]| of[((seed / step) % of.len() as u64) as usize];
        let scene = Scene {
            snr_db: pick(1, &[10.0, 20.0, 30.0, 0.0, 40.0]),
            distance_m: pick(2, &[0.3, 1.0]),
            drift_ppm: pick(1, &[0.0, 80.0, -35.0, 7.0]),
            rt60_s: pick(1, &[0.4, 0.25, 0.6]),
            codec_db: pick(1, &[f64::INFINITY, 20.0, f64::INFINITY, 30.0, 12.0, 25.0, f64::INFINITY]),
            seed,
            ..Scene::default()
        };
        let seconds = pick(1, &[12.0, 30.0, 7.5]);
        let reference = noise(48_000, seconds, 1_000_000 + seed);
        let found = listen(&scene, &reference, &scene.record(&reference));
        assert!(found.events.is_empty(), "{scene:?}: {:?} {:?}", found.events, found.quality);
        for (what, why) in [("dropouts", inconclusive(&found.dropouts)), ("jumps", inconclusive(&found.jumps))] {
            assert!(why.is_none() || scene.snr_db < 10.0, "{scene:?}: {what}: {why:?}");
        }
        heard_s += found.quality.expect("it was heard").listened_s;
        seed += 1;
    }
}

fn inconclusive<T>(outcome: &rigtone_audio::measure::Outcome<T>) -> Option<Reason> {
    match outcome {
        rigtone_audio::measure::Outcome::Measured(_) => None,
        rigtone_audio::measure::Outcome::Inconclusive(why) => Some(*why),
    }
}
