//! Impulse response of a path by what was played, and its arrivals.

use crate::fft::{Complex, Fft, fast_size};
use crate::filter::bandpass_zero_phase;

/// Regularisation: share of the mean power of the reference in its band.
const REGULAR: f64 = 0.01;
/// An earlier arrival counts from this share of the strongest.
const FIRST: f64 = 0.3;
/// How long before the strongest arrival the first is looked for, in seconds.
pub(crate) const EARLY_S: f64 = 0.010;
/// An earlier arrival is so many times a sidelobe of the sound itself.
const OVER_SIDELOBE: f64 = 1.5;
/// The first arrival stands so many times over the noise.
const OVER_NOISE: f64 = 4.0;

/// Impulse response in a band, zero-phase; a path of gain 1 peaks at 1.
pub(crate) struct Impulse {
    pub(crate) rate: f64,
    /// The response, from `before` frames before lag 0 on.
    pub(crate) samples: Vec<f64>,
    /// Its envelope.
    pub(crate) envelope: Vec<f64>,
    pub(crate) before: usize,
    /// Energy of the response of a path of gain 1.
    pub(crate) unit_energy: f64,
    band: (f64, f64),
}

/// An arrival in an impulse response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// Index of the peak of the envelope.
    pub(crate) at: usize,
    /// Lag of the swing that carries the sign, in frames with their fraction.
    pub(crate) lag: f64,
    pub(crate) inverted: bool,
    /// Largest swing over the largest of the other sign beside it, in dB.
    pub(crate) sign_margin_db: f64,
    /// Envelope over the RMS of the noise, in dB.
    pub(crate) over_noise_db: f64,
}

impl Impulse {
    /// Deconvolves `recording` by `reference`, both starting at lag 0: lags from `before` frames before that to `after` frames after it.
    pub(crate) fn new(
        fft: &mut Fft<f64>,
        recording: &[f64],
        reference: &[f64],
        rate: u32,
        band: (f64, f64),
        (before, after): (usize, usize),
    ) -> Self {
        let size = fast_size(recording.len().max(reference.len() + after) + before.max(reference.len()));
        let played = fft.forward(reference, size);
        let mut heard = fft.forward(recording, size);
        let step = f64::from(rate) / size as f64;
        let weight: Vec<f64> =
            (0..played.len()).map(|bin| bandpass_zero_phase(bin as f64 * step, band.0, band.1)).collect();
        let total: f64 = weight.iter().sum();
        let mean = played.iter().zip(&weight).map(|(x, w)| w * x.norm_sqr()).sum::<f64>() / total.max(1e-30);
        let inverse = |x: &Complex<f64>, w: f64| w / (x.norm_sqr() + REGULAR * mean).max(1e-30);
        // What band and regularisation leave of a unit impulse: its largest value, and its energy by Parseval.
        let kept = played.iter().zip(&weight).map(|(x, w)| inverse(x, *w) * x.norm_sqr());
        let (sum, square) = kept.fold((0.0, 0.0), |sums, kept| (sums.0 + kept, sums.1 + kept * kept));
        let scale = size as f64 / (2.0 * f64::max(sum, 1e-30));
        let unit_energy = 2.0 * square * scale * scale / size as f64;
        for ((y, x), w) in heard.iter_mut().zip(&played).zip(&weight) {
            *y = *y * x.conj() * (scale * inverse(x, *w));
        }
        let turned = heard.iter().map(|value| Complex::new(value.im, -value.re)).collect();
        let (real, imaginary) = (fft.inverse(heard, size), fft.inverse(turned, size));
        let samples: Vec<f64> = real[size - before..].iter().chain(&real[..after]).copied().collect();
        let quadrature = imaginary[size - before..].iter().chain(&imaginary[..after]);
        let envelope = samples.iter().zip(quadrature).map(|(a, b)| a.hypot(*b)).collect();
        Self { rate: f64::from(rate), samples, envelope, before, unit_energy, band }
    }

    /// RMS of the response within a range of indices.
    pub(crate) fn rms(&self, range: std::ops::Range<usize>) -> f64 {
        let part = self.samples.get(range).unwrap_or_default();
        (part.iter().map(|value| value * value).sum::<f64>() / part.len().max(1) as f64).sqrt()
    }

    /// RMS of what came before the first sound could, at least `early_s` before index `at`.
    pub(crate) fn noise_before(&self, at: usize, early_s: f64) -> f64 {
        self.rms(0..at.saturating_sub((early_s * self.rate) as usize))
    }

    /// The first arrival: the earliest peak of the envelope within 10 ms before the strongest that reaches 0.3 of it.
    pub(crate) fn first_arrival(&self) -> Option<Arrival> {
        self.first_arrival_beside(|_| 0.0)
    }

    /// The same of a sound whose own response has sidelobes: `own` is their share of its peak, so many frames before it. What is not half as
    /// much again is one of them.
    pub(crate) fn first_arrival_beside(&self, own: impl Fn(usize) -> f64) -> Option<Arrival> {
        let envelope = &self.envelope;
        let strongest = (1..envelope.len() - 1).max_by(|&a, &b| envelope[a].total_cmp(&envelope[b]))?;
        let early = (EARLY_S * self.rate) as usize;
        let noise = self.noise_before(strongest, EARLY_S + 0.002);
        let threshold = (FIRST * envelope[strongest]).max(OVER_NOISE * noise);
        let is_peak = |n: usize| envelope[n] >= envelope[n - 1] && envelope[n] > envelope[n + 1];
        let at = (strongest.saturating_sub(early).max(1)..strongest)
            .find(|&n| {
                let sidelobe = OVER_SIDELOBE * own(strongest - n) * envelope[strongest];
                envelope[n] >= threshold.max(sidelobe) && is_peak(n)
            })
            .unwrap_or(strongest);
        // Half a period of the middle of the band to both sides holds the swing that belongs to this peak.
        let half = (self.rate / (self.band.0 + self.band.1)).ceil() as usize;
        let near = at.saturating_sub(half).max(1)..(at + half + 1).min(self.samples.len() - 1);
        let largest = |sign: f64| {
            near.clone().map(|n| (n, sign * self.samples[n])).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((at, 0.0))
        };
        let (up, down) = (largest(1.0), largest(-1.0));
        let (main, other) = if up.1 >= down.1 { (up, down) } else { (down, up) };
        let (a, b, c) = (self.samples[main.0 - 1].abs(), self.samples[main.0].abs(), self.samples[main.0 + 1].abs());
        let curvature = a - 2.0 * b + c;
        let fraction = if curvature < 0.0 { (0.5 * (a - c) / curvature).clamp(-0.5, 0.5) } else { 0.0 };
        Some(Arrival {
            at,
            lag: main.0 as f64 + fraction - self.before as f64,
            inverted: down.1 > up.1,
            sign_margin_db: 20.0 * (main.1.max(1e-30) / other.1.max(1e-3 * main.1.max(1e-30))).log10(),
            over_noise_db: 20.0 * (envelope[at].max(1e-30) / noise.max(1e-30)).log10(),
        })
    }
}
