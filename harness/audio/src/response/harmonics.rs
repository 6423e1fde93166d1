//! Harmonic distortion by order, from the same sweep as the response.

use schemars::JsonSchema;
use serde::Serialize;

use super::curve::{Response, window};
use super::sweep::Sweep;
use crate::excerpt::outcome;
use crate::measure::{Outcome, Reason};

/// The orders that are looked at; later ones lie too close together.
pub(super) const ORDERS: [u32; 4] = [2, 3, 4, 5];
/// A harmonic counts as heard from so many standard uncertainties of the noise on.
const HEARD: f64 = 4.0;
/// The fundamental must stand so far over the noise, in dB.
const NEED_SNR_DB: f64 = 20.0;
const OCTAVES: f64 = 1.0 / 6.0;

/// One order of distortion.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Harmonic {
    /// 2 for the second harmonic.
    pub order: u32,
    /// Its level re the fundamental in dB, noise taken out; none if it does not stand out of the noise.
    pub db: Option<f64>,
    /// It is no stronger than this, in dB re the fundamental (two standard uncertainties).
    pub at_most_db: f64,
}

/// Total harmonic distortion at one frequency of the fundamental.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Thd {
    /// Frequency of the fundamental in Hz.
    pub hz: f64,
    /// All heard orders together, in dB re the fundamental; none if none is heard.
    pub db: Option<f64>,
    /// Its standard uncertainty in dB: noise only.
    pub uncertainty_db: Option<f64>,
    /// It is no more than this, in dB re the fundamental (two standard uncertainties).
    pub at_most_db: f64,
    /// The orders within the band of the sweep.
    pub orders: Vec<Harmonic>,
    /// The fundamental over the noise, in dB.
    pub snr_db: f64,
}

impl Response {
    /// Distortion of a fundamental at `hz`, orders 2 to 5 as far as they lie within the sweep, smoothed over 1/6 octave. Inconclusive if the
    /// fundamental is not 20 dB over the noise, or if it or its second harmonic lies outside of the sweep.
    pub fn thd(&self, hz: f64) -> Outcome<Thd> {
        outcome(self.distortion(hz))
    }

    fn distortion(&self, hz: f64) -> Result<Thd, Reason> {
        let (low_hz, high_hz) = self.sweep().band_hz();
        if hz < low_hz || 2.0 * hz > high_hz || hz.is_nan() {
            return Err(Reason::OutsideBand { hz, low_hz, high_hz: high_hz / 2.0 });
        }
        let linear = self.linear_band(hz, OCTAVES);
        let snr_db = 10.0 * (linear.power.max(1e-30) / linear.noise.max(1e-30)).log10();
        if snr_db < NEED_SNR_DB {
            return Err(Reason::LowSnr { snr_db, need_db: NEED_SNR_DB, at_hz: hz });
        }
        let db = |power: f64| 10.0 * (power.max(1e-30) / linear.power).log10();
        let (mut sum, mut variance, mut most) = (0.0, 0.0, 0.0);
        let mut orders = Vec::new();
        for (order, fine) in ORDERS.into_iter().zip(&self.orders) {
            let harmonic_hz = f64::from(order) * hz;
            if harmonic_hz > high_hz {
                break;
            }
            let band = self.band(fine, harmonic_hz, OCTAVES);
            let heard = band.power > HEARD * band.uncertainty && band.power > 0.0;
            if heard {
                sum += band.power;
                variance += band.uncertainty.powi(2);
            }
            let limit = band.power.max(0.0) + 2.0 * band.uncertainty;
            most += limit;
            orders.push(Harmonic { order, db: heard.then(|| db(band.power)), at_most_db: db(limit) });
        }
        let heard = sum > 0.0;
        Ok(Thd {
            hz,
            db: heard.then(|| db(sum)),
            uncertainty_db: heard.then(|| 10.0 / std::f64::consts::LN_10 * f64::sqrt(variance) / sum),
            at_most_db: db(most),
            orders,
            snr_db,
        })
    }
}

/// Window round the response of an order: into the gap before it, and towards the order after it.
pub(super) fn order_window(sweep: &Sweep, order: u32) -> Vec<(i64, f64)> {
    let lead = |order: u32| sweep.harmonic_lead_s(order);
    let before = (0.3 * (lead(order + 1) - lead(order))).min(0.03);
    let after = (0.6 * (lead(order) - lead(order - 1))).min(0.15);
    let shift = (lead(order) * f64::from(sweep.rate())).round() as i64;
    window(sweep.rate(), (-before, after), (before / 2.0, after / 4.0))
        .into_iter()
        .map(|(offset, weight)| (offset - shift, weight))
        .collect()
}
