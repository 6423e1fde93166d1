//! Power spectra by Welch's method.

use super::level::MIN_HZ;
use crate::excerpt::Excerpt;
use crate::fft::Fft;
use crate::measure::Reason;
use crate::window::hann;

/// Power spectrum of a stretch: Hann windows that overlap by half or more and together cover every frame; the mean is taken out first.
#[derive(Debug, Clone)]
pub struct Spectrum {
    size: usize,
    bin_hz: f64,
    power: Vec<f64>,
    pieces: usize,
}

impl Spectrum {
    /// Spectrum with bins `rate / size` Hz apart.
    ///
    /// # Errors
    /// [`Reason::TooShort`] if there are fewer than `size` frames.
    pub fn new(excerpt: &Excerpt<'_>, size: usize) -> Result<Self, Reason> {
        let mut power = vec![0.0; size / 2 + 1];
        let pieces = for_each_piece(excerpt, size, |piece| {
            for (sum, value) in power.iter_mut().zip(piece) {
                *sum += value;
            }
        })?;
        for value in &mut power {
            *value /= pieces as f64;
        }
        Ok(Self { size, bin_hz: f64::from(excerpt.rate()) / size as f64, power, pieces })
    }

    /// Distance of the bins in Hz.
    pub fn bin_hz(&self) -> f64 {
        self.bin_hz
    }

    /// How many windows were averaged.
    pub fn pieces(&self) -> usize {
        self.pieces
    }

    /// Mean square per bin, one-sided: their sum is the power of the stretch.
    pub fn power(&self) -> &[f64] {
        &self.power
    }

    /// Power within a band in Hz; bins at its edges count by their share.
    pub fn band(&self, low: f64, high: f64) -> f64 {
        let (low, high) = (low / self.bin_hz + 0.5, high / self.bin_hz + 0.5);
        let (first, last) = (low.floor().max(0.0) as usize, high.floor().max(0.0) as usize);
        let end = last.saturating_add(1).min(self.power.len());
        let share = |bin: usize| ((bin + 1) as f64).min(high) - (bin as f64).max(low);
        (first.min(end)..end).map(|bin| self.power[bin] * share(bin).max(0.0)).sum()
    }

    /// Mean square per Hz round a frequency in Hz, averaged over `width` Hz.
    pub fn density(&self, hz: f64, width: f64) -> f64 {
        let top = self.bin_hz * (self.size / 2) as f64;
        let width = width.max(self.bin_hz);
        let low = (hz - width / 2.0).clamp(0.0, top - self.bin_hz);
        let high = (hz + width / 2.0).clamp(low + self.bin_hz, top);
        self.band(low, high) / (high - low)
    }
}

/// Hands the spectrum of every piece to `take`: mean square per bin, one-sided.
pub(super) fn for_each_piece(
    excerpt: &Excerpt<'_>,
    size: usize,
    mut take: impl FnMut(&[f64]),
) -> Result<usize, Reason> {
    excerpt.lasts(size.max(4))?;
    let mut samples = excerpt.to_f64();
    let mean = samples.iter().sum::<f64>() / samples.len() as f64;
    for sample in &mut samples {
        *sample -= mean;
    }
    let window = hann(size);
    let scale = 1.0 / (size as f64 * window.iter().map(|w| w * w).sum::<f64>());
    let room = samples.len() - size;
    let pieces = room.div_ceil(size / 2) + 1;
    let mut fft = Fft::default();
    let mut windowed = vec![0.0; size];
    let mut power = vec![0.0; size / 2 + 1];
    for piece in 0..pieces {
        let start = if pieces > 1 { room * piece / (pieces - 1) } else { 0 };
        for ((out, sample), weight) in windowed.iter_mut().zip(&samples[start..]).zip(&window) {
            *out = sample * weight;
        }
        for (bin, (out, value)) in power.iter_mut().zip(fft.forward(&windowed, size)).enumerate() {
            let sides = if bin == 0 || 2 * bin == size { 1.0 } else { 2.0 };
            *out = sides * scale * value.norm_sqr();
        }
        take(&power);
    }
    Ok(pieces)
}

/// The size with which a level is taken: 32768, or less so that four pieces fit.
pub(super) fn level_size(excerpt: &Excerpt<'_>) -> Result<usize, Reason> {
    // The lowest frequency needs a few periods in a window.
    let least = (4.0 * f64::from(excerpt.rate()) / MIN_HZ / 8.0) as usize;
    let mut size = 32_768usize;
    while size > 1024 && size / 2 * 5 > excerpt.samples().len() {
        size /= 2;
    }
    excerpt.lasts((size / 2 * 5).max(least))?;
    Ok(size)
}
