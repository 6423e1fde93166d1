//! Polarity: the sign of the first arrival.

use schemars::JsonSchema;
use serde::Serialize;

use super::codes::CODE_BAND_HZ;
use crate::excerpt::{Excerpt, outcome};
use crate::fft::Fft;
use crate::impulse::{Arrival, Impulse};
use crate::measure::{Outcome, Polarity, Reason};

/// Lags looked at before and after the expected arrival, in seconds.
pub(super) const BEFORE_S: f64 = 0.08;
/// The first arrival stands so far over the noise, in dB: noise alone makes peaks of 14 dB.
pub(super) const HEARD_DB: f64 = 18.0;
/// Below this margin the two signs are as good as each other, in dB.
const SIGN_DB: f64 = 1.0;
const AFTER_S: f64 = 0.1;

/// Polarity with its quality.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct PolarityFound {
    /// As played or turned over, 500 to 8000 Hz.
    pub polarity: Polarity,
    /// The swing that decides over the largest one of the other sign beside it, in dB. An all-pass crossover makes it small, or turns it over:
    /// compare with a device known to be right.
    pub margin_db: f64,
    /// The first arrival over the noise in the impulse response, in dB.
    pub over_noise_db: f64,
}

/// Polarity of a recording of `reference`, which was played from the first frame on (within 10 ms), with 0.1 s after it. Inconclusive if the
/// reference is not heard 18 dB over the noise of the impulse response, or if both signs are within 1 dB.
pub fn polarity(recording: &Excerpt<'_>, reference: &[f64]) -> Outcome<PolarityFound> {
    outcome(measure(recording, reference))
}

fn measure(recording: &Excerpt<'_>, reference: &[f64]) -> Result<PolarityFound, Reason> {
    recording.carries(2.0 * CODE_BAND_HZ.1)?;
    let rate = f64::from(recording.rate());
    let lags = ((BEFORE_S * rate) as usize, (AFTER_S * rate) as usize);
    recording.lasts(reference.len() + lags.1)?;
    recording.unclipped()?;
    let impulse =
        Impulse::new(&mut Fft::default(), &recording.to_f64(), reference, recording.rate(), CODE_BAND_HZ, lags);
    let arrival = impulse.first_arrival().filter(|arrival| arrival.over_noise_db >= HEARD_DB);
    found(&arrival.ok_or(Reason::NotPresent)?)
}

pub(super) fn found(arrival: &Arrival) -> Result<PolarityFound, Reason> {
    if arrival.sign_margin_db < SIGN_DB {
        return Err(Reason::Undecided { figure_db: arrival.sign_margin_db, below_db: -SIGN_DB, above_db: SIGN_DB });
    }
    Ok(PolarityFound {
        polarity: if arrival.inverted { Polarity::Inverted } else { Polarity::Normal },
        margin_db: arrival.sign_margin_db,
        over_noise_db: arrival.over_noise_db,
    })
}
