//! The exponential sine sweep.

use std::f64::consts::PI;

/// Peak of the sweep: -12 dBFS.
const PEAK: f64 = 0.251_188_643;
/// Fades in seconds: without them the ends of the band ring.
const FADE_IN_S: f64 = 0.050;
const FADE_OUT_S: f64 = 0.005;

/// Why a sweep cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("cannot make a sweep from {low_hz} to {high_hz} Hz in {seconds} s at {rate} frames per second")]
pub struct SweepError {
    /// Frames per second.
    pub rate: u32,
    /// Length in seconds.
    pub seconds: f64,
    /// First frequency in Hz.
    pub low_hz: f64,
    /// Last frequency in Hz.
    pub high_hz: f64,
}

/// An exponential sine sweep `sin(2 pi f1 L (e^(t/L) - 1))`, `L = T / ln(f2/f1)` (Farina 2000), faded in over 50 ms and out over 5 ms.
/// It must be followed by 0.5 s of silence, in which the path rings on.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    rate: u32,
    seconds: f64,
    low_hz: f64,
    high_hz: f64,
    samples: Vec<f64>,
}

impl Sweep {
    /// The sweep of `seconds` over the audio band, 20 to 20000 Hz.
    ///
    /// # Errors
    /// [`SweepError`] if the rate does not carry 20 kHz or the length is not within 0.5 to 60 s.
    pub fn audio_band(rate: u32, seconds: f64) -> Result<Self, SweepError> {
        Self::new(rate, seconds, 20.0, 20_000.0)
    }

    /// A sweep of `seconds` (0.5 to 60) from `low_hz` to `high_hz`, at least an octave.
    ///
    /// # Errors
    /// [`SweepError`] for what cannot be.
    pub fn new(rate: u32, seconds: f64, low_hz: f64, high_hz: f64) -> Result<Self, SweepError> {
        let possible = (0.5..=60.0).contains(&seconds)
            && low_hz >= 1.0
            && high_hz >= 2.0 * low_hz
            && 2.0 * high_hz < f64::from(rate);
        if !possible {
            return Err(SweepError { rate, seconds, low_hz, high_hz });
        }
        let per_second = f64::from(rate);
        let frames = (seconds * per_second).round() as usize;
        let length = seconds / (high_hz / low_hz).ln();
        let samples = (0..frames)
            .map(|n| {
                let t = n as f64 / per_second;
                let left = (frames - 1 - n) as f64 / per_second;
                let fade = rise(t / FADE_IN_S) * rise(left / FADE_OUT_S);
                PEAK * fade * (2.0 * PI * low_hz * length * (t / length).exp_m1()).sin()
            })
            .collect();
        Ok(Self { rate, seconds, low_hz, high_hz, samples })
    }

    /// One channel, full scale 1.0, peak -12 dBFS.
    pub fn samples(&self) -> &[f64] {
        &self.samples
    }

    /// Frames per second.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// First and last frequency in Hz.
    pub fn band_hz(&self) -> (f64, f64) {
        (self.low_hz, self.high_hz)
    }

    /// `L`: the time in which its frequency grows by the factor e, in seconds.
    pub fn time_constant_s(&self) -> f64 {
        self.seconds / (self.high_hz / self.low_hz).ln()
    }

    /// How much earlier than the linear response that of a harmonic lies after deconvolution, in seconds: `L ln k`.
    pub fn harmonic_lead_s(&self, order: u32) -> f64 {
        self.time_constant_s() * f64::from(order).ln()
    }

    /// When the sweep passes a frequency, in seconds after its start.
    pub(super) fn time_of(&self, hz: f64) -> f64 {
        self.time_constant_s() * (hz / self.low_hz).ln()
    }

    /// Power spectrum of the sweep (square of the magnitude of its transform) by stationary phase.
    pub(super) fn power_at(&self, hz: f64) -> f64 {
        let rate = f64::from(self.rate);
        PEAK * PEAK * self.time_constant_s() * rate * rate / (4.0 * hz)
    }
}

/// Raised cosine from 0 at 0 to 1 at 1.
fn rise(x: f64) -> f64 {
    (0.5 * PI * x.clamp(0.0, 1.0)).sin().powi(2)
}
