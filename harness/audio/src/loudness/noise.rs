//! What a pause holds: the noise floor, its thirds of an octave, hum of the mains.

use schemars::JsonSchema;
use serde::Serialize;

use super::level::level;
use super::spectrum::{Spectrum, level_size};
use super::weighting::Weighting;
use crate::excerpt::{Excerpt, outcome};
use crate::measure::{Outcome, Reason, dbfs};

/// A line must stand this far over the median of its surroundings, in dB.
const LINE_DB: f64 = 10.0;
/// Half-width in Hz of these surroundings.
const AROUND_HZ: f64 = 10.0;
/// Highest hum line looked for, in Hz.
const HUM_TOP_HZ: f64 = 1000.0;
/// The mains and the clock of the recording may be off by so much of a hum frequency, at least one bin.
const HUM_OFF: f64 = 0.003;
/// Standard normal quantile of the chance at which noise alone makes a line: small, because the median of so few bins scatters too.
const CHANCE_Z: f64 = 6.0;

/// One third of an octave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Third {
    /// Exact middle in Hz (IEC 61260, base 10).
    pub hz: f64,
    /// Level in dB re full scale.
    pub dbfs: f64,
    /// Its standard uncertainty in dB, as of noise.
    pub uncertainty_db: f64,
}

/// The noise of a stretch without signal.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NoiseFloor {
    /// Level from 10 Hz up, in dB re full scale.
    pub z_dbfs: f64,
    /// A-weighted level.
    pub a_dbfs: f64,
    /// C-weighted level.
    pub c_dbfs: f64,
    /// Standard uncertainty of these in dB, the largest of the three.
    pub uncertainty_db: f64,
    /// Thirds of an octave as far as the rate and the length allow, at most 20 Hz to 20 kHz.
    pub thirds: Vec<Third>,
    /// Length of the stretch in seconds.
    pub seconds: f64,
}

/// Noise floor of a stretch without signal. Inconclusive if it is too short (54 ms at 48 kHz) or clipped.
pub fn noise_floor(excerpt: &Excerpt<'_>) -> Outcome<NoiseFloor> {
    outcome(floor(excerpt))
}

fn floor(excerpt: &Excerpt<'_>) -> Result<NoiseFloor, Reason> {
    let weighted = |weighting| match level(excerpt, weighting) {
        Outcome::Measured(level) => Ok(level),
        Outcome::Inconclusive(reason) => Err(reason),
    };
    let (z, a, c) = (weighted(Weighting::Z)?, weighted(Weighting::A)?, weighted(Weighting::C)?);
    let spectrum = Spectrum::new(excerpt, level_size(excerpt)?)?;
    let thirds = (-17..=13)
        .map(|n| 1000.0 * 10f64.powf(f64::from(n) / 10.0))
        .map(|hz| (hz, hz * 10f64.powf(-0.05), hz * 10f64.powf(0.05)))
        // A band narrower than a bin is not resolved.
        .filter(|(_, low, high)| high - low >= spectrum.bin_hz() && 2.0 * high <= f64::from(excerpt.rate()))
        .map(|(hz, low, high)| Third {
            hz,
            dbfs: dbfs(spectrum.band(low, high).sqrt()),
            uncertainty_db: 10.0 / std::f64::consts::LN_10 / ((high - low) * excerpt.seconds()).sqrt(),
        })
        .collect();
    Ok(NoiseFloor {
        z_dbfs: z.dbfs,
        a_dbfs: a.dbfs,
        c_dbfs: c.dbfs,
        uncertainty_db: z.uncertainty_db.max(a.uncertainty_db).max(c.uncertainty_db),
        thirds,
        seconds: excerpt.seconds(),
    })
}

/// One line of mains hum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct HumLine {
    /// The mains frequency it belongs to, 50 or 60 Hz.
    pub mains_hz: u32,
    /// Which multiple of it.
    pub order: u32,
    /// Where its peak lies in Hz; the grain is 1 Hz or finer.
    pub hz: f64,
    /// Its level in dB re full scale (RMS), noise taken out.
    pub dbfs: f64,
    /// Its standard uncertainty in dB.
    pub uncertainty_db: f64,
    /// Its peak over the median of +-10 Hz, in dB.
    pub above_db: f64,
}

/// Mains hum up to 1 kHz.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Hum {
    /// The lines, in rising frequency; empty if there is no hum.
    pub lines: Vec<HumLine>,
    /// Level of all lines together in dB re full scale, if there are any.
    pub dbfs: Option<f64>,
    /// Bins per window: the resolution is twice the rate over this.
    pub size: usize,
    /// From this ratio of peak over median on, in dB, a line counts: 10, or more where few windows leave noise peaks standing.
    pub threshold_db: f64,
}

/// Looks for hum lines in a stretch without signal, which must last 1 s. Multiples that 50 and 60 Hz share belong to the mains frequency
/// that has lines of its own, to 50 Hz if neither has.
pub fn hum(excerpt: &Excerpt<'_>) -> Outcome<Hum> {
    outcome(lines(excerpt))
}

fn lines(excerpt: &Excerpt<'_>) -> Result<Hum, Reason> {
    excerpt.carries(2.0 * HUM_TOP_HZ)?;
    excerpt.unclipped()?;
    // One window where there is 1 s, several of 2 s and more in a long stretch: both resolve lines 1 Hz wide.
    let second = excerpt.rate() as usize;
    excerpt.lasts(second)?;
    let size = if excerpt.samples().len() >= 5 * second { 2 * second } else { second };
    let spectrum = Spectrum::new(excerpt, size)?;
    // Averages of k windows follow a gamma distribution: its quantile and its median by Wilson and Hilferty.
    let k = (spectrum.pieces() as f64 * 0.75).max(1.0);
    let cube = |z: f64| (1.0 - 1.0 / (9.0 * k) + z / (3.0 * k.sqrt())).powi(3);
    let threshold_db = LINE_DB.max(10.0 * (cube(CHANCE_Z) / cube(0.0)).log10());

    let power = spectrum.power();
    let line = |mains: u32, order: u32| -> Option<HumLine> {
        let nominal = f64::from(mains * order) / spectrum.bin_hz();
        let off = (nominal * HUM_OFF).round().max(1.0) as usize;
        let middle = nominal.round() as usize;
        let peak = (middle - off..=middle + off).max_by(|&a, &b| power[a].total_cmp(&power[b]))?;
        let reach = (AROUND_HZ / spectrum.bin_hz()).round() as usize;
        let mut around: Vec<f64> = (peak.saturating_sub(reach)..=peak + reach)
            .filter(|bin| bin.abs_diff(peak) > 2)
            .map(|bin| power[bin])
            .collect();
        around.sort_by(f64::total_cmp);
        let median = around[around.len() / 2].max(1e-30);
        let above_db = 10.0 * (power[peak] / median).log10();
        if above_db < threshold_db {
            return None;
        }
        // The line fills five bins of a Hann window, with noise under it.
        let noise = 5.0 * median / cube(0.0);
        let alone = power[peak - 2..=peak + 2].iter().sum::<f64>() - noise;
        let relative = (2.0 * noise / 5.0 / alone.max(1e-30) / k).sqrt();
        Some(HumLine {
            mains_hz: mains,
            order,
            hz: peak as f64 * spectrum.bin_hz(),
            dbfs: dbfs(alone.max(1e-30).sqrt()),
            uncertainty_db: 10.0 / std::f64::consts::LN_10 * relative,
            above_db,
        })
    };
    let family = |mains: u32| -> Vec<HumLine> {
        (1..=HUM_TOP_HZ as u32 / mains).filter_map(|order| line(mains, order)).collect()
    };
    let shared = |line: &HumLine| (line.mains_hz * line.order).is_multiple_of(300);
    let (mut fifty, mut sixty) = (family(50), family(60));
    let own = |lines: &[HumLine]| lines.iter().filter(|line| !shared(line)).count();
    if own(&sixty) > own(&fifty) {
        fifty.retain(|line| !shared(line));
    } else {
        sixty.retain(|line| !shared(line));
    }
    let mut lines = fifty;
    lines.extend(sixty);
    lines.sort_by(|a, b| a.hz.total_cmp(&b.hz));
    let total: f64 = lines.iter().map(|line| 10f64.powf(line.dbfs / 10.0)).sum();
    let dbfs = (!lines.is_empty()).then(|| dbfs(total.sqrt()));
    Ok(Hum { lines, dbfs, size, threshold_db })
}
