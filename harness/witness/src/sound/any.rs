//! Whether anything sounds at all: the level of a recording against the noise of its room.
//!
//! The mean square of the samples, their mean taken out, in windows of 100 ms; the loudest five in a row (half a second) are held against the
//! noise that the check of the rig heard where nothing played. Something sounds when they are 10 dB above it: noise alone, of whatever kind, does not
//! rise by that over half a second, and whoever speaks in a room does by far more.

use std::collections::BTreeMap;

use rigtone_model::observation::{Method, Quantity, Value};

use super::{Fact, Heard, Take};

const METHOD: &str = "level-over-noise";
const METHOD_VERSION: u32 = 1;
const WINDOW_S: f64 = 0.1;
/// Windows in a row.
const ROW: usize = 5;
/// How far above the noise something is that sounds, in dB.
const OVER_DB: f64 = 10.0;
/// So close to that it is not told, in dB.
const DOUBT_DB: f64 = 1.0;
/// How well a level is known, in dB.
const LEVEL_DB: f64 = 0.5;

/// What a recording says in which any sound was listened for.
pub fn hear_any(take: &Take<'_>) -> Heard {
    let window = ((WINDOW_S * f64::from(take.rate)) as usize).max(1);
    let power = |samples: &[f32]| {
        let n = samples.len() as f64;
        let mean = samples.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
        samples.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n
    };
    let powers: Vec<f64> = take.samples.chunks_exact(window).map(power).collect();
    let loudest = powers.windows(ROW).map(|row| row.iter().sum::<f64>() / ROW as f64).fold(f64::NAN, f64::max);
    let method = || Method { name: METHOD.to_owned(), version: METHOD_VERSION };
    let fact = |quantity, value, quality| Fact { quantity, at_hz: None, value, method: method(), quality };
    let Some(noise_dbfs) = take.listening.any_above_dbfs.filter(|_| loudest.is_finite()) else {
        let reason = "it is shorter than half a second, or the noise of its room is not known".to_owned();
        let facts = vec![fact(Quantity::Presence, Value::Inconclusive { reason }, BTreeMap::new())];
        return Heard { facts, seam_s: None };
    };
    // Digital silence is below every noise.
    let level_dbfs = 10.0 * loudest.max(1e-20).log10();
    let over_db = level_dbfs - noise_dbfs;
    let presence = if (over_db - OVER_DB).abs() < DOUBT_DB {
        let reason =
            format!("{over_db:.1} dB above the noise of the room are too close to the {OVER_DB} dB that tell a sound");
        Value::Inconclusive { reason }
    } else {
        Value::Truth(over_db > OVER_DB)
    };
    let quality = [("noise-dbfs", noise_dbfs), ("over-noise-db", over_db)];
    let quality = quality.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect();
    let level = Value::Number { value: level_dbfs, unit: "dBFS".to_owned(), uncertainty: LEVEL_DB };
    let facts = vec![fact(Quantity::Presence, presence, quality), fact(Quantity::Level, level, BTreeMap::new())];
    Heard { facts, seam_s: None }
}
