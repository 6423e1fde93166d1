//! Weighted levels and sound pressure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ladder::Chain;
use super::spectrum::{for_each_piece, level_size};
use super::weighting::Weighting;
use crate::excerpt::{Excerpt, outcome};
use crate::measure::{Outcome, Reason, dbfs};

/// Lowest frequency that counts, in Hz: what lies below is the converter's offset and draughts.
pub(super) const MIN_HZ: f64 = 10.0;
/// Lowest rate in Hz at which a level makes sense.
const LOWEST_RATE: f64 = 8000.0;
/// A calibrator's tone must stand so far above everything else, in dB.
const CALIBRATOR_SNR_DB: f64 = 20.0;
/// Neighbouring windows under half overlap share a part of their noise.
const INDEPENDENT: f64 = 0.9;

/// Equivalent continuous level of a stretch (Leq), 10 Hz and up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct WeightedLevel {
    /// Its frequency weighting.
    pub weighting: Weighting,
    /// The level in dB re full scale (RMS).
    pub dbfs: f64,
    /// Its standard uncertainty in dB, from the scatter of the windows: how well the stretch stands for a steady sound.
    pub uncertainty_db: f64,
    /// Length of the stretch in seconds.
    pub seconds: f64,
    /// How many windows were averaged.
    pub windows: usize,
}

/// Level of a stretch, which should last at least 54 ms at 48 kHz; longer than 1.7 s it is taken over 32768 frames at a time.
/// Inconclusive if it is too short or clipped.
pub fn level(excerpt: &Excerpt<'_>, weighting: Weighting) -> Outcome<WeightedLevel> {
    outcome(measure(excerpt, weighting))
}

fn measure(excerpt: &Excerpt<'_>, weighting: Weighting) -> Result<WeightedLevel, Reason> {
    excerpt.carries(LOWEST_RATE / 2.0)?;
    excerpt.unclipped()?;
    let size = level_size(excerpt)?;
    let bin_hz = f64::from(excerpt.rate()) / size as f64;
    let first = (MIN_HZ / bin_hz).ceil().max(1.0) as usize;
    let weights: Vec<f64> =
        (0..=size / 2).map(|bin| if bin < first { 0.0 } else { weighting.power(bin as f64 * bin_hz) }).collect();
    let mut powers = Vec::new();
    for_each_piece(excerpt, size, |piece| {
        powers.push(piece.iter().zip(&weights).map(|(power, weight)| power * weight).sum::<f64>());
    })?;
    let (mean, uncertainty_db) = mean_and_uncertainty_db(&powers);
    Ok(WeightedLevel {
        weighting,
        dbfs: dbfs(mean.sqrt()),
        uncertainty_db,
        seconds: excerpt.seconds(),
        windows: powers.len(),
    })
}

/// Mean of the powers of overlapping windows, and the standard uncertainty of that mean in dB.
pub(crate) fn mean_and_uncertainty_db(powers: &[f64]) -> (f64, f64) {
    let n = powers.len().max(1) as f64;
    let mean = powers.iter().sum::<f64>() / n;
    let variance = powers.iter().map(|power| (power - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let relative = if mean > 0.0 { (variance / (n * INDEPENDENT)).sqrt() / mean } else { 0.0 };
    (mean, 10.0 / std::f64::consts::LN_10 * relative)
}

/// What turns dB re full scale into sound pressure: valid for one microphone at one gain setting.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// Sound pressure level of a full-scale signal, in dB re 20 uPa: 94 minus the level that a 94 dB calibrator reads.
    pub full_scale_db: f64,
    /// Its standard uncertainty in dB.
    pub uncertainty_db: f64,
}

impl Calibration {
    /// The figure from a recording of a calibrator: `spl_db` at 1 kHz (94 or 114), whose own standard uncertainty is `calibrator_db` (0.2 dB for
    /// class 1 of IEC 60942 with the usual k = 2 limits). Inconclusive unless its tone is 20 dB above all else.
    pub fn of(excerpt: &Excerpt<'_>, spl_db: f64, calibrator_db: f64) -> Outcome<Self> {
        outcome(Self::measure(excerpt, spl_db, calibrator_db))
    }

    fn measure(excerpt: &Excerpt<'_>, spl_db: f64, calibrator_db: f64) -> Result<Self, Reason> {
        let whole = measure(excerpt, Weighting::Z)?;
        let spectrum = super::Spectrum::new(excerpt, level_size(excerpt)?)?;
        // Calibrators keep 1 kHz within a few per cent.
        let tone = spectrum.band(900.0, 1100.0);
        let rest = (10f64.powf(whole.dbfs / 10.0) - tone).max(1e-30);
        let snr_db = 10.0 * (tone.max(1e-30) / rest).log10();
        if snr_db < CALIBRATOR_SNR_DB {
            return Err(Reason::LowSnr { snr_db, need_db: CALIBRATOR_SNR_DB, at_hz: 1000.0 });
        }
        Ok(Self {
            full_scale_db: spl_db - dbfs(tone.sqrt()),
            uncertainty_db: calibrator_db.hypot(whole.uncertainty_db),
        })
    }
}

/// A level in the air.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct SoundPressure {
    /// Its frequency weighting.
    pub weighting: Weighting,
    /// Sound pressure level in dB re 20 uPa.
    pub spl_db: f64,
    /// Its standard uncertainty in dB, calibration included.
    pub uncertainty_db: f64,
}

/// Sound pressure level of a level. Inconclusive without calibration, and if the microphone's chain showed gain control (`chain`, where it was
/// measured): such a chain has no calibration figure.
pub fn sound_pressure(
    level: &Outcome<WeightedLevel>,
    calibration: Option<&Calibration>,
    chain: Option<&Outcome<Chain>>,
) -> Outcome<SoundPressure> {
    let level = match level {
        Outcome::Measured(level) => level,
        Outcome::Inconclusive(reason) => return Outcome::Inconclusive(*reason),
    };
    if let Some(Outcome::Measured(chain)) = chain
        && chain.controlled
    {
        return Outcome::Inconclusive(chain.reason());
    }
    let Some(calibration) = calibration else { return Outcome::Inconclusive(Reason::NoCalibration) };
    Outcome::Measured(SoundPressure {
        weighting: level.weighting,
        spl_db: level.dbfs + calibration.full_scale_db,
        uncertainty_db: level.uncertainty_db.hypot(calibration.uncertainty_db),
    })
}
