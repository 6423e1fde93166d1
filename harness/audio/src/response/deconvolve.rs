//! From a recorded sweep to impulse responses, and from these to spectra.

use super::curve::{Fine, Gate, Response};
use super::harmonics::{ORDERS, order_window};
use super::sweep::Sweep;
use crate::excerpt::{Excerpt, outcome};
use crate::fft::{Complex, Fft, fast_size};
use crate::filter::bandpass_zero_phase;
use crate::loudness::Spectrum;
use crate::measure::{Outcome, Reason};

/// Transform of a windowed impulse response: bins 0.37 Hz apart at 48 kHz.
const SPECTRUM: usize = 1 << 17;
/// After the arrival the path is followed so long.
pub(super) const TAIL_S: f64 = 0.5;
/// The arrival stands so far over the noise before it; noise alone reaches 14 dB.
const PRESENT_DB: f64 = 18.0;
/// Octaves whose arrivals must agree. Lower ones rise too slowly to tell.
const OCTAVES: [(f64, f64); 5] =
    [(250.0, 1000.0), (1000.0, 2000.0), (2000.0, 4000.0), (4000.0, 8000.0), (8000.0, 16_000.0)];
/// An octave has arrived at this share of its envelope's peak.
const ONSET: f64 = 0.3;
/// Arrivals of neighbouring octaves further apart than this are no crossover: a lost SBC frame is 2.67 ms.
const APART_S: f64 = 0.002;

/// An impulse response with the responses of the harmonics before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Impulse {
    /// Frames per second.
    pub rate: u32,
    /// One value per frame; the linear response of a path of gain 1 peaks at 1.
    pub samples: Vec<f64>,
    /// Where in `samples` the strongest arrival of the linear response lies.
    pub arrival: usize,
    /// Frame of the recording at which the sweep arrived.
    pub frame: i64,
    /// The arrival over the RMS of what lies between it and the second harmonic, in dB.
    pub peak_over_noise_db: f64,
}

/// Deconvolves recordings of one sweep. Keeps plans and spectra: use one for many recordings.
pub struct Deconvolver {
    sweep: Sweep,
    fft: Fft<f64>,
    /// Spectrum of the inverse sweep, for the size last used.
    inverse: Vec<Complex<f64>>,
    size: usize,
    /// Power spectra of the sweep's own response, per gate.
    own: [Vec<f64>; 2],
    scale: f64,
}

impl Deconvolver {
    /// For one sweep.
    pub fn new(sweep: Sweep) -> Self {
        let mut this = Self {
            sweep,
            fft: Fft::default(),
            inverse: Vec::new(),
            size: 0,
            own: [Vec::new(), Vec::new()],
            scale: 1.0,
        };
        let samples = this.sweep.samples().to_vec();
        let mut own = this.convolve(&samples);
        let arrival = samples.len() - 1;
        this.scale = own[arrival].recip();
        for value in &mut own {
            *value *= this.scale;
        }
        for gate in [Gate::Room, Gate::Direct] {
            this.own[gate as usize] = this.spectrum(&own, arrival, &gate.window(this.sweep.rate()));
        }
        this
    }

    /// The sweep that it is for.
    pub fn sweep(&self) -> &Sweep {
        &self.sweep
    }

    /// Impulse response of a recording that holds the whole sweep and 0.5 s after it. Inconclusive if it is too short, clipped, of another rate,
    /// without the sweep, or if the sweep moved in time within it.
    pub fn impulse(&mut self, recording: &Excerpt<'_>) -> Outcome<Impulse> {
        outcome(self.try_impulse(recording))
    }

    /// Frequency response of a recording as for [`Deconvolver::impulse`]; `noise` is a stretch without signal, best of 1 s or more.
    pub fn response(&mut self, recording: &Excerpt<'_>, noise: &Excerpt<'_>) -> Outcome<Response> {
        outcome(self.try_response(recording, noise))
    }

    fn try_response(&mut self, recording: &Excerpt<'_>, noise: &Excerpt<'_>) -> Result<Response, Reason> {
        noise.runs_at(self.sweep.rate())?;
        noise.unclipped()?;
        // Windows of about a third of a second tell 60 Hz from its neighbours.
        let mut size = 32_768;
        while size > 4096 && size / 2 * 3 > noise.samples().len() {
            size /= 2;
        }
        let noise = Spectrum::new(noise, size)?;
        let impulse = self.try_impulse(recording)?;
        let rate = self.sweep.rate();
        let windows = ORDERS.map(|order| order_window(&self.sweep, order));
        let mut fine = |window: &[(i64, f64)], own: Gate| {
            let mut power = self.spectrum(&impulse.samples, impulse.arrival, window);
            for (value, own) in power.iter_mut().zip(&self.own[own as usize]) {
                *value /= own.max(1e-30);
            }
            Fine { power, bin_hz: f64::from(rate) / SPECTRUM as f64, window_energy: energy(window) }
        };
        let linear = [Gate::Room, Gate::Direct].map(|gate| fine(&gate.window(rate), gate));
        let orders = windows.map(|window| fine(&window, Gate::Room)).to_vec();
        Ok(Response::new(self.sweep.clone(), linear, orders, noise, &impulse))
    }

    fn try_impulse(&mut self, recording: &Excerpt<'_>) -> Result<Impulse, Reason> {
        let rate = self.sweep.rate();
        recording.runs_at(rate)?;
        let tail = (TAIL_S * f64::from(rate)).ceil() as usize;
        recording.lasts(self.sweep.samples().len() + tail)?;
        recording.unclipped()?;
        let mut samples = self.convolve(&recording.to_f64());
        for value in &mut samples {
            *value *= self.scale;
        }
        // The sweep may start at any frame that leaves room for its tail.
        let first = self.sweep.samples().len() - 1;
        let last = recording.samples().len() - 1 - tail;
        let arrival = (first..=last).max_by(|&a, &b| samples[a].abs().total_cmp(&samples[b].abs())).unwrap_or(first);
        let lead = self.sweep.harmonic_lead_s(2) * f64::from(rate);
        let before = &samples[arrival - (0.9 * lead) as usize..arrival - (0.25 * lead) as usize];
        let rms = (before.iter().map(|value| value * value).sum::<f64>() / before.len().max(1) as f64).sqrt();
        let peak_over_noise_db = 20.0 * (samples[arrival].abs().max(1e-30) / rms.max(1e-30)).log10();
        if samples[arrival] == 0.0 || peak_over_noise_db < PRESENT_DB {
            return Err(Reason::NotPresent);
        }
        self.check_octaves(&samples, arrival)?;
        Ok(Impulse { rate, samples, arrival, frame: arrival as i64 - first as i64, peak_over_noise_db })
    }

    /// Convolution with the inverse sweep, the time-reversed sweep under its level ramp. Lag 0 lies at the last frame of the sweep.
    fn convolve(&mut self, samples: &[f64]) -> Vec<f64> {
        let frames = self.sweep.samples().len();
        let size = fast_size(samples.len() + frames);
        if self.size != size {
            let length = self.sweep.time_constant_s() * f64::from(self.sweep.rate());
            let ramp = |n: usize| (-(n as f64) / length).exp();
            let inverse: Vec<f64> =
                self.sweep.samples().iter().rev().enumerate().map(|(n, sample)| sample * ramp(n)).collect();
            self.inverse = self.fft.forward(&inverse, size);
            self.size = size;
        }
        let mut spectrum = self.fft.forward(samples, size);
        for (value, inverse) in spectrum.iter_mut().zip(&self.inverse) {
            *value *= inverse;
        }
        let mut out = self.fft.inverse(spectrum, size);
        out.truncate(samples.len() + frames - 1);
        out
    }

    /// Power spectrum of what a window (offsets from the arrival, weights) cuts out.
    fn spectrum(&mut self, impulse: &[f64], arrival: usize, window: &[(i64, f64)]) -> Vec<f64> {
        let cut: Vec<f64> = window
            .iter()
            .map(|(offset, weight)| {
                let value = usize::try_from(arrival as i64 + offset).ok().and_then(|at| impulse.get(at));
                value.map_or(0.0, |value| weight * value)
            })
            .collect();
        self.fft.forward(&cut, SPECTRUM).iter().map(Complex::norm_sqr).collect()
    }

    /// A sweep that was cut and joined arrives at different times in different octaves.
    fn check_octaves(&mut self, impulse: &[f64], arrival: usize) -> Result<(), Reason> {
        let rate = f64::from(self.sweep.rate());
        let before = (0.1 * rate) as usize;
        let size = fast_size((0.4 * rate) as usize);
        let start = arrival - before;
        let segment = &impulse[start..(start + size).min(impulse.len())];
        let spectrum = self.fft.forward(segment, size);
        let mut last: Option<(f64, f64)> = None;
        for (low, high) in OCTAVES {
            let weight = |bin: usize| bandpass_zero_phase(bin as f64 * rate / size as f64, low, high);
            let band: Vec<Complex<f64>> = spectrum.iter().enumerate().map(|(bin, value)| value * weight(bin)).collect();
            let turned = band.iter().map(|value| Complex::new(value.im, -value.re)).collect();
            let (real, imaginary) = (self.fft.inverse(band, size), self.fft.inverse(turned, size));
            let envelope: Vec<f64> = real.iter().zip(imaginary).map(|(a, b)| a.hypot(b)).collect();
            let peak = envelope.iter().copied().fold(0.0, f64::max);
            let ahead = &envelope[before / 20..before / 2];
            let noise = (ahead.iter().map(|value| value * value).sum::<f64>() / ahead.len() as f64).sqrt();
            // An octave that the path does not carry says nothing.
            if high > self.sweep.band_hz().1 || low < self.sweep.band_hz().0 || ONSET * peak < 4.0 * noise {
                continue;
            }
            let onset = envelope.iter().position(|value| *value >= ONSET * peak).unwrap_or(0) as f64 / rate;
            // The onset of a band comes early by about the time in which its envelope rises.
            let onset = onset + 0.5 / (high - low);
            if let Some((_, before)) = last
                && (onset - before).abs() > APART_S
            {
                let frame = arrival as f64 - self.sweep.samples().len() as f64;
                return Err(Reason::SamplesLost { at_s: frame / rate + self.sweep.time_of(low), by_s: onset - before });
            }
            last = Some((high, onset));
        }
        Ok(())
    }
}

fn energy(window: &[(i64, f64)]) -> f64 {
    window.iter().map(|(_, weight)| weight * weight).sum()
}
