//! Real Fourier transforms with their plans kept.

pub use realfft::num_complex::Complex;
use realfft::{FftNum, RealFftPlanner};

/// Transforms of real signals. Keep one for many calls: planning costs far more than transforming.
pub struct Fft<T: FftNum> {
    planner: RealFftPlanner<T>,
    input: Vec<T>,
    scratch: Vec<Complex<T>>,
}

impl<T: FftNum> Default for Fft<T> {
    fn default() -> Self {
        Self { planner: RealFftPlanner::new(), input: Vec::new(), scratch: Vec::new() }
    }
}

impl<T: FftNum> Fft<T> {
    /// Spectrum of `samples`, zero-padded (or cut) to `size` samples: `size / 2 + 1` bins, unscaled.
    pub fn forward(&mut self, samples: &[T], size: usize) -> Vec<Complex<T>> {
        if size == 0 {
            return Vec::new();
        }
        let plan = self.planner.plan_fft_forward(size);
        self.input.clear();
        self.input.extend_from_slice(&samples[..samples.len().min(size)]);
        self.input.resize(size, T::zero());
        self.scratch.resize(plan.get_scratch_len(), Complex::new(T::zero(), T::zero()));
        let mut spectrum = plan.make_output_vec();
        plan.process_with_scratch(&mut self.input, &mut spectrum, &mut self.scratch)
            .expect("all three buffers have the lengths that the plan asked for");
        spectrum
    }

    /// Signal of `size` samples with this spectrum, scaled so that it undoes [`Fft::forward`]. Missing bins count as zero. The spectrum is
    /// used as working space.
    pub fn inverse(&mut self, mut spectrum: Vec<Complex<T>>, size: usize) -> Vec<T> {
        if size == 0 {
            return Vec::new();
        }
        let plan = self.planner.plan_fft_inverse(size);
        spectrum.resize(size / 2 + 1, Complex::new(T::zero(), T::zero()));
        // A real signal has real first and last bins; rounding leaves dust there that the transform refuses.
        spectrum[0].im = T::zero();
        if size.is_multiple_of(2) {
            spectrum[size / 2].im = T::zero();
        }
        self.scratch.resize(plan.get_scratch_len(), Complex::new(T::zero(), T::zero()));
        let mut samples = plan.make_output_vec();
        plan.process_with_scratch(&mut spectrum, &mut samples, &mut self.scratch)
            .expect("lengths are the plan's and the edge bins are real");
        let scale = T::one() / T::from_usize(size).expect("a length fits a float");
        for sample in &mut samples {
            *sample = *sample * scale;
        }
        samples
    }
}

/// The smallest length of at least `frames` that transforms fast: a power of two, or three times one.
pub fn fast_size(frames: usize) -> usize {
    let two = frames.max(2).next_power_of_two();
    let three = two / 4 * 3;
    if three >= frames.max(2) && three.is_multiple_of(2) { three } else { two }
}

/// The bins of a transform of `size` samples at `rate` that lie within `band` Hz, both edges included.
pub fn bins(size: usize, rate: u32, band: (f64, f64)) -> std::ops::Range<usize> {
    let per_hz = size as f64 / f64::from(rate);
    let last = (band.1 * per_hz).floor().max(0.0) as usize;
    let first = (band.0 * per_hz).ceil().max(0.0) as usize;
    let end = (last + 1).min(size / 2 + 1);
    first.min(end)..end
}
