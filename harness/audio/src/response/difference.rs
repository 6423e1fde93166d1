//! The difference of two responses.

use schemars::JsonSchema;
use serde::Serialize;

use super::curve::{Gate, Response};
use crate::measure::{Outcome, Reason};

/// Levels at 1 kHz may differ by so much: beyond it a limiter or a loudness contour would pass for a response.
const LEVEL_LIMIT_DB: f64 = 1.0;

/// How much more one condition gives than another at one frequency, both taken relative to their level at 1 kHz.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// The frequency in Hz.
    pub hz: f64,
    /// First minus second in dB, normalised at 1 kHz (a third of an octave).
    pub db: f64,
    /// Its standard uncertainty in dB: noise only.
    pub uncertainty_db: f64,
    /// Ratio of response to noise at this frequency in the first and in the second, in dB.
    pub snr_db: (f64, f64),
    /// Level at 1 kHz of the first minus that of the second, in dB.
    pub level_db: f64,
}

/// Compares two responses at a frequency in Hz. Both must have been recorded at the same geometry: then room and microphone cancel.
/// Inconclusive if one of them is so, or if their levels at 1 kHz differ by more than 1 dB.
pub fn difference(first: &Response, second: &Response, hz: f64) -> Outcome<Difference> {
    let values = [first.at(hz, Gate::Room), second.at(hz, Gate::Room), first.at_1_khz(), second.at_1_khz()];
    let mut points = Vec::new();
    for value in values {
        match value {
            Outcome::Measured(point) => points.push(point),
            Outcome::Inconclusive(reason) => return Outcome::Inconclusive(reason),
        }
    }
    let level_db = points[2].db - points[3].db;
    if level_db.abs() > LEVEL_LIMIT_DB {
        return Outcome::Inconclusive(Reason::LevelsDiffer { by_db: level_db, limit_db: LEVEL_LIMIT_DB });
    }
    Outcome::Measured(Difference {
        hz,
        db: points[0].db - points[1].db - level_db,
        uncertainty_db: points.iter().map(|point| point.uncertainty_db.powi(2)).sum::<f64>().sqrt(),
        snr_db: (points[0].snr_db, points[1].snr_db),
        level_db,
    })
}
