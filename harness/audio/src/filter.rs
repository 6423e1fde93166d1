//! Frequency responses, applied in the frequency domain: exact, and zero-phase where a filter must not move what is timed.

use std::f64::consts::SQRT_2;

use crate::fft::{Complex, Fft, fast_size};

/// Magnitude of a band-pass of Butterworth order 4 from `low` to `high` Hz run forward and backward: -6 dB at the edges, no phase.
pub fn bandpass_zero_phase(frequency: f64, low: f64, high: f64) -> f64 {
    if frequency <= 0.0 {
        return 0.0;
    }
    let detuning = (frequency * frequency - low * high) / (frequency * (high - low));
    1.0 / (1.0 + detuning.powi(8))
}

/// Response of an analogue second-order Butterworth high-pass with its -3 dB point at `cutoff` Hz.
pub fn highpass(frequency: f64, cutoff: f64) -> Complex<f64> {
    let s = Complex::new(0.0, frequency / cutoff);
    s * s / (s * s + s * SQRT_2 + 1.0)
}

/// Response of an analogue second-order Butterworth low-pass with its -3 dB point at `cutoff` Hz.
pub fn lowpass(frequency: f64, cutoff: f64) -> Complex<f64> {
    let s = Complex::new(0.0, frequency / cutoff);
    (s * s + s * SQRT_2 + 1.0).inv()
}

/// Runs `samples` through a response given per frequency in Hz. The result is `tail` frames longer, room for what rings on.
pub fn apply(
    fft: &mut Fft<f64>,
    samples: &[f64],
    rate: u32,
    tail: usize,
    response: impl Fn(f64) -> Complex<f64>,
) -> Vec<f64> {
    let frames = samples.len() + tail;
    let size = fast_size(frames);
    let mut spectrum = fft.forward(samples, size);
    let step = f64::from(rate) / size as f64;
    for (bin, value) in spectrum.iter_mut().enumerate() {
        *value *= response(bin as f64 * step);
    }
    let mut out = fft.inverse(spectrum, size);
    out.truncate(frames);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn db(x: f64) -> f64 {
        20.0 * x.log10()
    }

    #[test]
    fn responses_have_their_known_values() {
        // Magnitude at 60 Hz of the two high-passes planted in the response measurements: D = 10 log10(1 + (fc/60)^4).
        assert!((db(highpass(60.0, 97.396).norm()) + 9.0).abs() < 1e-3);
        assert!((db(highpass(60.0, 54.847).norm()) + 2.3).abs() < 1e-3);
        assert!((db(lowpass(1000.0, 1000.0).norm()) + 3.0103).abs() < 1e-3);
        for edge in [500.0, 8000.0] {
            assert!((db(bandpass_zero_phase(edge, 500.0, 8000.0)) + 6.0206).abs() < 1e-3);
        }
        assert_eq!(bandpass_zero_phase(2000.0, 500.0, 8000.0), 1.0);
    }
}
