//! Level and distortion of a single tone, fitted by least squares.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::Serialize;

use crate::excerpt::{Excerpt, outcome};
use crate::fft::{Complex, Fft, bins, fast_size};
use crate::loudness::{Spectrum, mean_and_uncertainty_db};
use crate::measure::{Outcome, Reason, dbfs};
use crate::window::hann;

/// Frequency of the distortion tone in Hz: it divides neither the rates nor the frame rates of codecs.
pub const TONE_HZ: f64 = 997.0;
/// Band in which distortion and noise count, in Hz.
const BAND_HZ: (f64, f64) = (20.0, 20_000.0);
/// Beyond this drift the clocks are not the cause.
const MAX_DRIFT: f64 = 2000e-6;
/// Lowest tone: four periods fill a block of its phase track.
const LOWEST_HZ: f64 = 20.0;
/// Blocks whose phases must lie on a line.
const BLOCK_S: f64 = 0.05;
/// Shortest tone.
const SHORTEST_S: f64 = 0.5;
/// Deviation in radians from that line which noise at 20 dB and rooms do not make: 1.5 frames at 997 Hz and 48 kHz.
const JUMP: f64 = 0.2;
/// A tone stands so far over the noise round it, in dB, or it is none.
const PRESENT_DB: f64 = 10.0;
/// What the noise may add: it lies this far below the limit, in dB.
const MARGIN_DB: f64 = 10.0;
/// Orders listed.
const ORDERS: std::ops::RangeInclusive<u32> = 2..=9;
/// Stretches over which the scatter of the residual is taken.
const STRETCHES: usize = 16;

/// A sine of `hz` Hz and `peak_dbfs` (dB re full scale, of its peak) over `seconds`, ends faded over 5 ms. Measure it without its first 0.5 s,
/// in which a room builds up.
pub fn tone(rate: u32, hz: f64, seconds: f64, peak_dbfs: f64) -> Vec<f64> {
    let frames = (seconds * f64::from(rate)).round().max(0.0) as usize;
    let fade = 0.005 * f64::from(rate);
    let gain = 10f64.powf(peak_dbfs / 20.0);
    (0..frames)
        .map(|n| {
            let end = (n.min(frames - 1 - n) as f64 / fade).min(1.0);
            gain * (0.5 * PI * end).sin().powi(2) * (2.0 * PI * hz * n as f64 / f64::from(rate)).sin()
        })
        .collect()
}

/// Level of a tone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct ToneLevel {
    /// Level in dB re full scale (RMS).
    pub dbfs: f64,
    /// Its standard uncertainty in dB: noise only.
    pub uncertainty_db: f64,
    /// The frequency found, in Hz.
    pub hz: f64,
    /// Tone over everything else within a third of an octave, in dB.
    pub snr_db: f64,
}

/// Level of the tone of `hz` Hz that fills a stretch of at least 0.5 s: the cross-check of a response. Inconclusive if the stretch is too short,
/// clipped, or without a steady tone within 2000 ppm of that frequency.
pub fn tone_level(excerpt: &Excerpt<'_>, hz: f64) -> Outcome<ToneLevel> {
    outcome(fit(excerpt, hz).map(|fit| {
        let values = f64::max(1.0, fit.around.1 * excerpt.seconds());
        ToneLevel {
            dbfs: dbfs(fit.power.sqrt()),
            uncertainty_db: 10.0 / std::f64::consts::LN_10 * (2.0 * fit.around.0 / fit.power).sqrt() / values.sqrt(),
            hz: fit.hz,
            snr_db: fit.snr_db,
        }
    }))
}

/// One harmonic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Order {
    /// 2 for the second harmonic.
    pub order: u32,
    /// Its level re the tone in dB, noise included.
    pub db: f64,
}

/// Total harmonic distortion and noise of a tone.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ThdN {
    /// All within 20 Hz to 20 kHz but the tone, over the tone, in dB (RMS).
    pub db: f64,
    /// The same in per cent.
    pub percent: f64,
    /// Its standard uncertainty in dB, from its scatter over time.
    pub uncertainty_db: f64,
    /// The frequency found, in Hz.
    pub hz: f64,
    /// Level of the tone in dB re full scale (RMS).
    pub tone_dbfs: f64,
    /// What the noise without the tone makes of this, in dB re the tone.
    pub noise_db: f64,
    /// Harmonics 2 to 9 as far as they lie below 20 kHz.
    pub orders: Vec<Order>,
}

/// THD+N of the tone of `hz` Hz that fills `excerpt`, to be judged against `limit_db` (AES17 style: least squares instead of a notch, 20 Hz to
/// 20 kHz). Inconclusive if the noise without the tone is not 10 dB below the limit: the room would be judged. Otherwise as [`tone_level`].
pub fn thd_n(excerpt: &Excerpt<'_>, hz: f64, noise: &Excerpt<'_>, limit_db: f64) -> Outcome<ThdN> {
    outcome(distortion(excerpt, hz, noise, limit_db))
}

fn distortion(excerpt: &Excerpt<'_>, hz: f64, noise: &Excerpt<'_>, limit_db: f64) -> Result<ThdN, Reason> {
    excerpt.carries(BAND_HZ.1)?;
    noise.runs_at(excerpt.rate())?;
    noise.unclipped()?;
    let mut size = 32_768;
    while size > 4096 && size > noise.samples().len() {
        size /= 2;
    }
    let floor = Spectrum::new(noise, size)?.band(BAND_HZ.0, BAND_HZ.1);
    let fit = fit(excerpt, hz)?;
    let noise_db = 10.0 * (floor.max(1e-30) / fit.power).log10();
    if -noise_db < MARGIN_DB - limit_db {
        return Err(Reason::LowSnr { snr_db: -noise_db, need_db: MARGIN_DB - limit_db, at_hz: hz });
    }
    let rate = f64::from(excerpt.rate());
    let frames = fit.residual.len();
    let orders = ORDERS
        .take_while(|order| f64::from(*order) * fit.hz < BAND_HZ.1)
        .map(|order| {
            let omega = 2.0 * PI * f64::from(order) * fit.hz / rate;
            let sum: Complex<f64> =
                fit.residual.iter().enumerate().map(|(n, value)| Complex::from_polar(*value, -omega * n as f64)).sum();
            let power = 2.0 * sum.norm_sqr() / (frames as f64).powi(2);
            Order { order, db: 10.0 * (power.max(1e-30) / fit.power).log10() }
        })
        .collect();
    let residual = band_limited(&fit.residual, excerpt.rate());
    let powers: Vec<f64> = residual
        .chunks_exact(frames / STRETCHES)
        .map(|stretch| stretch.iter().map(|value| value * value).sum::<f64>() / stretch.len() as f64)
        .collect();
    let (power, uncertainty_db) = mean_and_uncertainty_db(&powers);
    let ratio = (power / fit.power).sqrt();
    Ok(ThdN {
        db: dbfs(ratio),
        percent: 100.0 * ratio,
        uncertainty_db,
        hz: fit.hz,
        tone_dbfs: dbfs(fit.power.sqrt()),
        noise_db,
        orders,
    })
}

struct Fit {
    hz: f64,
    /// Mean square of the tone.
    power: f64,
    residual: Vec<f64>,
    /// Power of the rest within a third of an octave, and the width of that in Hz.
    around: (f64, f64),
    snr_db: f64,
}

/// Four-parameter sine fit (IEEE 1057): cosine, sine, offset and frequency.
fn fit(excerpt: &Excerpt<'_>, nominal: f64) -> Result<Fit, Reason> {
    let top = f64::from(excerpt.rate()) / 2.2;
    if !(LOWEST_HZ..=top).contains(&nominal) {
        return Err(Reason::OutsideBand { hz: nominal, low_hz: LOWEST_HZ, high_hz: top });
    }
    let rate = f64::from(excerpt.rate());
    excerpt.lasts((SHORTEST_S * rate).ceil() as usize)?;
    excerpt.unclipped()?;
    let samples = excerpt.to_f64();
    let mut hz = nominal;
    // Each pass starts at the frequency that the one before found.
    let mut phases = Vec::new();
    for _ in 0..3 {
        phases = phase_track(&samples, hz, rate);
        let (_, slope) = line(&phases);
        hz += slope / (2.0 * PI);
    }
    let middle = (samples.len() - 1) as f64 / 2.0;
    let (mut a, mut b) = (0.0, 0.0);
    let mut residual = Vec::new();
    for pass in 0..6 {
        let omega = 2.0 * PI * hz / rate;
        let rows = |n: usize| {
            let t = (n as f64 - middle) / middle;
            let (sin, cos) = (omega * (n as f64 - middle)).sin_cos();
            [cos, sin, 1.0, t * (b * cos - a * sin)]
        };
        // The frequency joins once there is an amplitude to turn.
        let unknowns = if pass == 0 { 3 } else { 4 };
        let Some(found) = least_squares(&samples, unknowns, rows) else { return Err(Reason::NotPresent) };
        residual = samples.iter().enumerate().map(|(n, y)| y - dot(&rows(n), &found)).collect();
        (a, b) = (found[0], found[1]);
        hz += found[3] / middle * rate / (2.0 * PI);
    }
    let power = 0.5 * (a * a + b * b);
    let drift = hz / nominal - 1.0;
    let around = around(&residual, excerpt.rate(), nominal);
    let snr_db = 10.0 * (power.max(1e-30) / around.0.max(1e-30)).log10();
    // What is no tone at all has neither frequency nor phase to complain about.
    let steady = phases.iter().all(|phase| phase.2 > 0.5 * phases[phases.len() / 2].2);
    if power <= 0.0 || (snr_db < PRESENT_DB && !steady) {
        return Err(Reason::NotPresent);
    }
    let (start, slope) = line(&phases);
    let off = |phase: &(f64, f64, f64)| phase.1 - start - slope * phase.0;
    if let Some(jump) = phases.windows(2).find(|pair| (off(&pair[1]) - off(&pair[0])).abs() > JUMP) {
        let by = off(&jump[1]) - off(&jump[0]);
        return Err(Reason::SamplesLost { at_s: jump[1].0, by_s: -by / (2.0 * PI * nominal) });
    }
    if drift.is_nan() || drift.abs() > MAX_DRIFT {
        return Err(Reason::Drift { ppm: drift * 1e6 });
    }
    if snr_db < PRESENT_DB {
        return Err(Reason::LowSnr { snr_db, need_db: PRESENT_DB, at_hz: nominal });
    }
    Ok(Fit { hz, power, residual, around, snr_db })
}

/// Time in seconds, unwrapped phase against `hz` in radians, and amplitude of every block.
fn phase_track(samples: &[f64], hz: f64, rate: f64) -> Vec<(f64, f64, f64)> {
    let block = ((BLOCK_S * rate) as usize).max((4.0 * rate / hz).ceil() as usize);
    let window = hann(block);
    let omega = 2.0 * PI * hz / rate;
    let mut track: Vec<(f64, f64, f64)> = Vec::new();
    for (index, samples) in samples.chunks_exact(block).enumerate() {
        let start = index * block;
        let sum: Complex<f64> = samples
            .iter()
            .zip(&window)
            .enumerate()
            .map(|(n, (sample, weight))| Complex::from_polar(sample * weight, -omega * (start + n) as f64))
            .sum();
        let mut phase = sum.arg();
        if let Some((_, before, _)) = track.last() {
            phase -= 2.0 * PI * ((phase - before) / (2.0 * PI)).round();
        }
        track.push(((start + block / 2) as f64 / rate, phase, sum.norm()));
    }
    track
}

/// Straight line through the phases: value at time 0 and slope per second.
fn line(track: &[(f64, f64, f64)]) -> (f64, f64) {
    let n = track.len().max(1) as f64;
    let (t, p) = track.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0 / n, sum.1 + point.1 / n));
    let spread: f64 = track.iter().map(|point| (point.0 - t).powi(2)).sum();
    let product: f64 = track.iter().map(|point| (point.0 - t) * (point.1 - p)).sum();
    let slope = if spread > 0.0 { product / spread } else { 0.0 };
    (p - slope * t, slope)
}

/// Solves the normal equations of the first `unknowns` columns; the other factors are 0.
fn least_squares(samples: &[f64], unknowns: usize, row: impl Fn(usize) -> [f64; 4]) -> Option<[f64; 4]> {
    let mut matrix = [[0.0; 5]; 4];
    for (n, y) in samples.iter().enumerate() {
        let row = row(n);
        for i in 0..unknowns {
            for j in 0..unknowns {
                matrix[i][j] += row[i] * row[j];
            }
            matrix[i][4] += row[i] * y;
        }
    }
    // Diagonally dominant: elimination needs no pivoting.
    for i in 0..unknowns {
        let pivot = matrix[i][i];
        if pivot.is_nan() || pivot <= 0.0 {
            return None;
        }
        let upper = matrix[i];
        for (j, lower) in matrix.iter_mut().enumerate().take(unknowns) {
            if j != i {
                let factor = lower[i] / pivot;
                for (value, above) in lower.iter_mut().zip(&upper) {
                    *value -= factor * above;
                }
            }
        }
    }
    let mut out = [0.0; 4];
    for i in 0..unknowns {
        out[i] = matrix[i][4] / matrix[i][i];
    }
    Some(out)
}

fn dot(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Power of the residual within a third of an octave round the tone, and the width of that.
fn around(residual: &[f64], rate: u32, hz: f64) -> (f64, f64) {
    let (low, high) = (hz * 2f64.powf(-1.0 / 6.0), hz * 2f64.powf(1.0 / 6.0));
    let size = fast_size(residual.len());
    let spectrum = Fft::default().forward(residual, size);
    let sum: f64 = spectrum[bins(size, rate, (low, high))].iter().map(Complex::norm_sqr).sum();
    (2.0 * sum / (size as f64 * residual.len() as f64), high - low)
}

fn band_limited(residual: &[f64], rate: u32) -> Vec<f64> {
    let mut fft = Fft::default();
    let size = fast_size(residual.len());
    let mut spectrum = fft.forward(residual, size);
    let band = bins(size, rate, BAND_HZ);
    spectrum[..band.start].fill(Complex::default());
    spectrum[band.end..].fill(Complex::default());
    let mut out = fft.inverse(spectrum, size);
    out.truncate(residual.len());
    out
}
