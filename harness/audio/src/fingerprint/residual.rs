//! What fills the empty places of the probe: noise that follows the signal, per band.

use schemars::JsonSchema;
use serde::Serialize;

use super::probe::Probe;
use crate::excerpt::Excerpt;
use crate::loudness::Spectrum;
use crate::measure::Reason;

/// Bins per line: windows of one second.
pub(super) const BINS: usize = 10;
/// A line fills five bins of a Hann window.
const LINE: usize = 2;
/// The room builds up; this much of the probe is left out.
const SETTLE_S: f64 = 0.5;
/// Bands of the residual: 1.5 kHz each at 48 kHz.
const BANDS: usize = 16;

/// Signal over residual in one band.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct BandResidual {
    /// Lower edge in Hz.
    pub low_hz: f64,
    /// Upper edge in Hz.
    pub high_hz: f64,
    /// The probe over what fills its empty places, room noise taken out, in dB; none if nothing is left of either.
    pub snr_db: Option<f64>,
    /// Its standard uncertainty in dB: number of empty places and noise.
    pub uncertainty_db: f64,
    /// The probe over the noise of the room, in dB: residuals beyond it cannot be seen.
    pub room_snr_db: f64,
}

/// The probe's lines as they were recorded.
pub(super) struct Lines {
    /// Power of each line, noise of the room taken out; the residual in empty places.
    pub(super) power: Vec<f64>,
    /// Noise of the room that a line of five bins holds.
    pub(super) noise: Vec<f64>,
    /// Residual of a whole place of ten bins, room noise taken out, for empty places.
    empty: Vec<f64>,
    place_noise: Vec<f64>,
    pieces: f64,
}

pub(super) fn lines(recording: &Excerpt<'_>, probe: &Probe, noise: &Excerpt<'_>) -> Result<Lines, Reason> {
    recording.runs_at(probe.rate)?;
    noise.runs_at(probe.rate)?;
    let settle = (SETTLE_S * f64::from(probe.rate)) as usize;
    let size = BINS * probe.period;
    let steady = recording.cut(settle, probe.samples.len() - settle - probe.period)?;
    steady.unclipped()?;
    noise.unclipped()?;
    let mut noise_size = size;
    while noise_size > 4096 && noise_size > noise.samples().len() {
        noise_size /= 2;
    }
    let floor = Spectrum::new(noise, noise_size / 2 * 2)?;
    let heard = Spectrum::new(&steady, size)?;
    let bins = heard.power();
    let count = probe.top() + 1;
    let sum = |from: usize, to: usize| bins.get(from..to).unwrap_or_default().iter().sum::<f64>();
    let mut out = Lines {
        power: vec![0.0; count],
        noise: vec![0.0; count],
        empty: vec![0.0; count],
        place_noise: vec![0.0; count],
        pieces: heard.pieces() as f64,
    };
    for line in 1..count {
        let hz = line as f64 * probe.line_hz();
        // Averaged over several lines: the noise of a pause is known to few windows.
        let density = floor.density(hz, (0.06 * hz).max(5.0 * probe.line_hz()));
        let middle = BINS * line;
        let width = (2 * LINE + 1) as f64 * heard.bin_hz();
        out.noise[line] = density * width;
        out.power[line] = sum(middle - LINE, middle + LINE + 1) - density * width;
        if probe.is_empty_place(line) {
            let place = BINS as f64 * heard.bin_hz();
            out.place_noise[line] = density * place;
            out.empty[line] = sum(middle - BINS / 2, middle + BINS / 2) - density * place;
        }
    }
    Ok(out)
}

pub(super) fn residuals(lines: &Lines, probe: &Probe) -> Vec<BandResidual> {
    let width = f64::from(probe.rate) / (2.0 * BANDS as f64);
    (0..BANDS)
        .map(|band| {
            let (low_hz, high_hz) = (band as f64 * width, (band + 1) as f64 * width);
            let within = |line: &usize| (low_hz..high_hz).contains(&(*line as f64 * probe.line_hz()));
            let mean = |values: &[f64], wanted: &dyn Fn(usize) -> bool| {
                let all: Vec<f64> =
                    (1..values.len()).filter(within).filter(|line| wanted(*line)).map(|line| values[line]).collect();
                (all.iter().sum::<f64>() / all.len().max(1) as f64, all.len())
            };
            let (signal, _) = mean(&lines.power, &|line| probe.lines[line] > 0.0);
            let (residual, places) = mean(&lines.empty, &|line| probe.is_empty_place(line));
            let (noise, _) = mean(&lines.place_noise, &|line| probe.is_empty_place(line));
            // Each place holds ten bins of noise, seen through so many windows.
            let values = (places as f64 * BINS as f64 * lines.pieces / 2.0).max(1.0);
            let scatter = (residual.max(0.0) + noise) / values.sqrt();
            let fading = (places.max(1) as f64).sqrt().recip();
            let seen = signal > 0.0 && residual > 2.0 * scatter;
            BandResidual {
                low_hz,
                high_hz,
                snr_db: seen.then(|| 10.0 * (signal / residual).log10()),
                // A room moves each place by as much as its own level.
                uncertainty_db: if seen {
                    fading.hypot(scatter / residual) * 10.0 / std::f64::consts::LN_10
                } else {
                    0.0
                },
                room_snr_db: 10.0 * (signal.max(1e-30) / noise.max(1e-30)).log10(),
            }
        })
        .collect()
}
