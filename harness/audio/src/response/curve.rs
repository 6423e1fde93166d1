//! Frequency response with fractional-octave smoothing.

use schemars::JsonSchema;
use serde::Serialize;

use super::deconvolve::{Impulse, TAIL_S};
use super::microphone::MicrophoneResponse;
use super::sweep::Sweep;
use crate::excerpt::outcome;
use crate::loudness::Spectrum;
use crate::measure::{Outcome, Reason};

/// Ratio of response to noise from which a value is given, in dB.
pub(super) const NEED_SNR_DB: f64 = 20.0;
/// Below this frequency values are smoothed over 1/6 octave, above over 1/12.
const WIDE_BELOW_HZ: f64 = 200.0;
/// Lowest frequency that the gated response resolves, in Hz.
const DIRECT_FROM_HZ: f64 = 500.0;

/// How much of the path's time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// From 0.1 s before to 0.5 s after the arrival: all frequencies, room included.
    Room,
    /// 4.5 ms after the arrival: without most of the room, from 500 Hz up.
    Direct,
}

impl Gate {
    /// Offsets from the arrival in frames, and weights.
    pub(super) fn window(self, rate: u32) -> Vec<(i64, f64)> {
        match self {
            Self::Room => window(rate, (-0.1, TAIL_S), (0.05, 0.1)),
            Self::Direct => window(rate, (-0.001, 0.0045), (0.0005, 0.002)),
        }
    }
}

/// A window from `span.0` to `span.1` seconds round the arrival with raised-cosine fades.
pub(super) fn window(rate: u32, span: (f64, f64), fades: (f64, f64)) -> Vec<(i64, f64)> {
    let rate = f64::from(rate);
    let edge = |x: f64| (0.5 * std::f64::consts::PI * x.clamp(0.0, 1.0)).sin().powi(2);
    ((span.0 * rate).ceil() as i64..=(span.1 * rate).floor() as i64)
        .map(|offset| {
            let t = offset as f64 / rate;
            (offset, edge((t - span.0) / fades.0) * edge((span.1 - t) / fades.1))
        })
        .collect()
}

/// Power gain per bin, and what noise adds to it.
#[derive(Debug, Clone)]
pub(super) struct Fine {
    pub(super) power: Vec<f64>,
    pub(super) bin_hz: f64,
    /// Sum of the squared weights of the window: noise grows with it.
    pub(super) window_energy: f64,
}

/// A band of a response.
pub(super) struct Band {
    /// Power gain, noise taken out; may be negative in noise.
    pub(super) power: f64,
    /// Power that noise is expected to add.
    pub(super) noise: f64,
    /// Standard uncertainty of the power.
    pub(super) uncertainty: f64,
}

/// Magnitude of the path from the samples played to the samples recorded.
#[derive(Debug, Clone)]
pub struct Response {
    sweep: Sweep,
    linear: [Fine; 2],
    pub(super) orders: Vec<Fine>,
    noise: Spectrum,
    microphone: Option<MicrophoneResponse>,
    frame: i64,
    peak_over_noise_db: f64,
}

/// A response at one frequency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Point {
    /// The frequency in Hz.
    pub hz: f64,
    /// Gain in dB: 0 if the recording is the sweep itself, more exactly dB re full scale per full scale.
    pub db: f64,
    /// Its standard uncertainty in dB: noise only.
    pub uncertainty_db: f64,
    /// Response over noise in this band, in dB.
    pub snr_db: f64,
    /// Width of the smoothing in octaves.
    pub octaves: f64,
}

impl Response {
    pub(super) fn new(sweep: Sweep, linear: [Fine; 2], orders: Vec<Fine>, noise: Spectrum, impulse: &Impulse) -> Self {
        Self {
            sweep,
            linear,
            orders,
            noise,
            microphone: None,
            frame: impulse.frame,
            peak_over_noise_db: impulse.peak_over_noise_db,
        }
    }

    /// The same response with the microphone's own taken out. Frequencies that its file does not cover have no value any more.
    #[must_use]
    pub fn corrected(mut self, microphone: MicrophoneResponse) -> Self {
        self.microphone = Some(microphone);
        self
    }

    /// Frame of the recording at which the sweep arrived.
    pub fn frame(&self) -> i64 {
        self.frame
    }

    /// The arrival over the noise in the impulse response, in dB.
    pub fn peak_over_noise_db(&self) -> f64 {
        self.peak_over_noise_db
    }

    pub(super) fn sweep(&self) -> &Sweep {
        &self.sweep
    }

    /// The gain at a frequency in Hz: power mean over 1/6 octave below 200 Hz and 1/12 octave above. Inconclusive if it is not 20 dB over the
    /// noise, outside of the sweep (or of the gate: 500 Hz), or not covered by the microphone's file.
    pub fn at(&self, hz: f64, gate: Gate) -> Outcome<Point> {
        let octaves = if hz < WIDE_BELOW_HZ { 1.0 / 6.0 } else { 1.0 / 12.0 };
        outcome(self.point(hz, octaves, gate))
    }

    /// The gain at 1 kHz over a third of an octave: what levels are compared by.
    pub fn at_1_khz(&self) -> Outcome<Point> {
        outcome(self.point(1000.0, 1.0 / 3.0, Gate::Room))
    }

    /// The gain in steps of 1/12 octave over the sweep, 1 kHz among them.
    pub fn curve(&self, gate: Gate) -> Vec<(f64, Outcome<Point>)> {
        let (low, high) = self.sweep.band_hz();
        let low = if gate == Gate::Direct { low.max(DIRECT_FROM_HZ) } else { low };
        let step = |hz: f64| 12.0 * (hz / 1000.0).log2();
        (step(low).ceil() as i32..=step(high).floor() as i32)
            .map(|step| 1000.0 * (f64::from(step) / 12.0).exp2())
            .map(|hz| (hz, self.at(hz, gate)))
            .collect()
    }

    fn point(&self, hz: f64, octaves: f64, gate: Gate) -> Result<Point, Reason> {
        let (low_hz, high_hz) = self.sweep.band_hz();
        let low_hz = if gate == Gate::Direct { low_hz.max(DIRECT_FROM_HZ) } else { low_hz };
        if !(low_hz..=high_hz).contains(&hz) {
            return Err(Reason::OutsideBand { hz, low_hz, high_hz });
        }
        let microphone = match &self.microphone {
            Some(microphone) => microphone.db_at(hz).ok_or(Reason::NoCalibration)?,
            None => 0.0,
        };
        let band = self.band(&self.linear[gate as usize], hz, octaves);
        let snr_db = 10.0 * (band.power.max(1e-30) / band.noise.max(1e-30)).log10();
        if snr_db < NEED_SNR_DB {
            return Err(Reason::LowSnr { snr_db, need_db: NEED_SNR_DB, at_hz: hz });
        }
        Ok(Point {
            hz,
            db: 10.0 * band.power.log10() - microphone,
            uncertainty_db: 10.0 / std::f64::consts::LN_10 * band.uncertainty / band.power,
            snr_db,
            octaves,
        })
    }

    /// Power mean over a fraction of an octave.
    pub(super) fn band(&self, fine: &Fine, hz: f64, octaves: f64) -> Band {
        let (first, last) = self.sweep.band_hz();
        let half = (octaves / 2.0).exp2();
        let (low, high) = ((hz / half).max(first), (hz * half).min(last));
        let bins = (low / fine.bin_hz).ceil() as usize..=(high / fine.bin_hz).floor() as usize;
        // At 20 Hz a band still holds six bins.
        let count = bins.clone().count().max(1) as f64;
        let all = fine.power.get(bins).unwrap_or_default().iter().sum::<f64>() / count;
        // Noise in the recording, as power per frame, through the inverse of the sweep.
        let rate = f64::from(self.sweep.rate());
        let density = self.noise.density(hz, high - low) * rate / 2.0;
        let noise = density * fine.window_energy / self.sweep.power_at(hz);
        let power = all - noise;
        // A window of this energy resolves so many independent values in the band.
        let values = ((high - low) * fine.window_energy / rate).max(1.0);
        let uncertainty = ((2.0 * power.max(0.0) * noise + noise * noise) / values).sqrt();
        Band { power, noise, uncertainty }
    }

    pub(super) fn linear_band(&self, hz: f64, octaves: f64) -> Band {
        self.band(&self.linear[Gate::Room as usize], hz, octaves)
    }
}
