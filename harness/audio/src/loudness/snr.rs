//! Signal-to-noise ratio.

use schemars::JsonSchema;
use serde::Serialize;

use super::spectrum::{Spectrum, level_size};
use crate::excerpt::{Excerpt, outcome};
use crate::measure::{Outcome, Reason, dbfs};

/// Signal-to-noise ratio in a band, noise taken out of the signal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Snr {
    /// The ratio in dB (powers).
    pub value_db: f64,
    /// Its standard uncertainty in dB: what the length of the noise allows.
    pub uncertainty_db: f64,
    /// The band in Hz.
    pub band_hz: (f64, f64),
    /// The signal in dB re full scale, noise taken out.
    pub signal_dbfs: f64,
    /// The noise in dB re full scale.
    pub noise_dbfs: f64,
}

/// Compares a stretch with the signal to one without it, within a band in Hz. Inconclusive if one is too short or clipped, or if the signal
/// does not stand out of the noise by three standard uncertainties.
pub fn snr(signal: &Excerpt<'_>, noise: &Excerpt<'_>, band_hz: (f64, f64)) -> Outcome<Snr> {
    outcome(measure(signal, noise, band_hz))
}

fn measure(signal: &Excerpt<'_>, noise: &Excerpt<'_>, band_hz: (f64, f64)) -> Result<Snr, Reason> {
    noise.runs_at(signal.rate())?;
    signal.carries(band_hz.1)?;
    signal.unclipped()?;
    noise.unclipped()?;
    let power = |excerpt: &Excerpt<'_>| -> Result<f64, Reason> {
        Ok(Spectrum::new(excerpt, level_size(excerpt)?)?.band(band_hz.0, band_hz.1).max(1e-30))
    };
    let (both, floor) = (power(signal)?, power(noise)?);
    // A band of B Hz holds 2 B T independent values in T seconds.
    let scatter = |excerpt: &Excerpt<'_>| ((band_hz.1 - band_hz.0) * excerpt.seconds()).max(1.0).sqrt().recip();
    let alone = both - floor;
    let sigma = floor * scatter(signal).hypot(scatter(noise));
    let value_db = 10.0 * (alone.max(1e-30) / floor).log10();
    if alone < 3.0 * sigma {
        let need_db = 10.0 * (3.0 * sigma / floor).log10();
        return Err(Reason::LowSnr { snr_db: value_db, need_db, at_hz: (band_hz.0 * band_hz.1).max(0.0).sqrt() });
    }
    // Noise adds to the signal both as power and as the product of the two; the divisor has its own scatter.
    let above = (floor / alone * scatter(signal)).hypot((2.0 * floor / alone).sqrt() * scatter(signal));
    let below = (1.0 + floor / alone) * scatter(noise);
    Ok(Snr {
        value_db,
        uncertainty_db: 10.0 / std::f64::consts::LN_10 * above.hypot(below),
        band_hz,
        signal_dbfs: dbfs(alone.sqrt()),
        noise_dbfs: dbfs(floor.sqrt()),
    })
}
