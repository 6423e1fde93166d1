//! The probe: a pink multitone with a line every 10 Hz, every tenth one left out.

use std::f64::consts::PI;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::fft::{Complex, Fft};

/// Length of the probe in seconds.
pub const PROBE_S: f64 = 4.0;
/// Lines per second of frequency: the period lasts a tenth of a second, which is no multiple of any codec's frame.
const PERIODS_PER_S: f64 = 10.0;
/// RMS, full scale 1: as pink noise in the measurements the rules come from. It peaks below -5 dBFS.
const RMS: f64 = 0.12;
/// The first line, and the highest as a share of the rate.
const FIRST: usize = 2;
const TOP: f64 = 0.485;
/// Every tenth line is left out, this one of each ten. 60 Hz and 1 kHz stay in.
const EMPTY: usize = 7;
const FADE_S: f64 = 0.005;

/// Why there is no probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no probe is made at {rate} frames per second (possible: 8000 to 192000)")]
pub struct ProbeError {
    /// The rate asked for.
    pub rate: u32,
}

/// The probe as it is played.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Frames per second.
    pub rate: u32,
    /// One channel, full scale 1.0.
    pub samples: Vec<f64>,
    /// Frames of one period.
    pub period: usize,
    /// Power (mean square) of each multiple of `rate / period` Hz, 0 where it is left out.
    pub lines: Vec<f64>,
}

/// Generates the probe: phases by `code`.
///
/// # Errors
/// [`ProbeError`] for a rate that is none.
pub fn probe(rate: u32, code: u32) -> Result<Probe, ProbeError> {
    if !(8000..=192_000).contains(&rate) {
        return Err(ProbeError { rate });
    }
    let period = (f64::from(rate) / PERIODS_PER_S).round() as usize;
    let mut rng = ChaCha8Rng::seed_from_u64(0xf1a6 << 32 | u64::from(code));
    let top = (TOP * period as f64) as usize;
    let mut spectrum = vec![Complex::default(); period / 2 + 1];
    for (line, value) in spectrum.iter_mut().enumerate().take(top + 1).skip(FIRST) {
        let phase = 2.0 * PI * rng.random_range(0.0..1.0);
        if line % 10 != EMPTY {
            *value = Complex::from_polar((line as f64).sqrt().recip(), phase);
        }
    }
    let power: f64 = spectrum.iter().map(Complex::norm_sqr).sum();
    let lines = spectrum.iter().map(|value| value.norm_sqr() / power * RMS * RMS).collect();
    let scale = RMS / (2.0 * power).sqrt() * period as f64;
    let one = Fft::default().inverse(spectrum.into_iter().map(|value| value * scale).collect(), period);
    let frames = (PROBE_S * f64::from(rate)) as usize;
    let fade = FADE_S * f64::from(rate);
    let samples = (0..frames)
        .map(|n| {
            let edge = (n.min(frames - 1 - n) as f64 / fade).min(1.0);
            one[n % period] * (0.5 * PI * edge).sin().powi(2)
        })
        .collect();
    Ok(Probe { rate, samples, period, lines })
}

impl Probe {
    /// Distance of the lines in Hz.
    pub(super) fn line_hz(&self) -> f64 {
        f64::from(self.rate) / self.period as f64
    }

    /// The highest line.
    pub(super) fn top(&self) -> usize {
        self.lines.iter().rposition(|power| *power > 0.0).unwrap_or(0)
    }

    pub(super) fn is_empty_place(&self, line: usize) -> bool {
        line % 10 == EMPTY && line > FIRST && line < self.top()
    }
}
