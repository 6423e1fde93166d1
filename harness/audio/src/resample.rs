//! Reading a signal between its samples: fractional delay, clock drift and other rates in one step.

use crate::window::kaiser;

const TAPS: usize = 32;
const PHASES: usize = 512;
/// Side lobes below -90 dB; flat to 0.8 of half the rate with 32 taps.
const BETA: f64 = 9.0;

/// Windowed-sinc interpolator. Error below -80 dB up to 0.75 of half the rate.
pub struct Interpolator {
    /// One kernel per phase, with one extra so that the last phase has a neighbour to blend with.
    kernels: Vec<[f32; TAPS]>,
}

impl Default for Interpolator {
    fn default() -> Self {
        let kernels = (0..=PHASES).map(|phase| kernel(phase as f64 / PHASES as f64)).collect();
        Self { kernels }
    }
}

impl Interpolator {
    /// Adds `gain * signal(first + n * step)` to `out[n]` for every n. The signal is zero outside its samples. `step` is in samples of the
    /// signal per sample of `out`: 1 / (1 + drift).
    pub fn add(&self, out: &mut [f32], signal: &[f32], first: f64, step: f64, gain: f32) {
        if !(first.is_finite() && step.is_finite() && step > 0.0) {
            return;
        }
        // Only the part of `out` that the signal can reach.
        let reach = TAPS as f64 / 2.0;
        let begin = ((-reach - first) / step).ceil().max(0.0) as usize;
        let end = (((signal.len() as f64 + reach - first) / step).ceil().max(0.0) as usize).min(out.len());
        let fixed = (step == 1.0).then(|| kernel(first - first.floor()));
        for (n, sample) in out.iter_mut().enumerate().take(end).skip(begin) {
            let position = first + n as f64 * step;
            let whole = position.floor();
            let start = whole as i64 - (TAPS as i64 / 2 - 1);
            let kernel = fixed.unwrap_or_else(|| self.blend(position - whole));
            let value = match usize::try_from(start).ok().and_then(|start| signal.get(start..start + TAPS)) {
                Some(around) => kernel.iter().zip(around).map(|(k, s)| k * s).sum(),
                None => edge(&kernel, signal, start),
            };
            *sample += gain * value;
        }
    }

    fn blend(&self, fraction: f64) -> [f32; TAPS] {
        let phase = fraction * PHASES as f64;
        let index = (phase as usize).min(PHASES - 1);
        let weight = (phase - index as f64) as f32;
        let (low, high) = (&self.kernels[index], &self.kernels[index + 1]);
        std::array::from_fn(|tap| low[tap] + weight * (high[tap] - low[tap]))
    }
}

fn edge(kernel: &[f32; TAPS], signal: &[f32], start: i64) -> f32 {
    let at = |tap: usize| usize::try_from(start + tap as i64).ok().and_then(|index| signal.get(index));
    (0..TAPS).filter_map(|tap| at(tap).map(|sample| kernel[tap] * sample)).sum()
}

fn kernel(fraction: f64) -> [f32; TAPS] {
    let half = TAPS as f64 / 2.0;
    std::array::from_fn(|tap| {
        let x = tap as f64 - (half - 1.0) - fraction;
        let angle = std::f64::consts::PI * x;
        let sinc = if x.abs() < 1e-12 { 1.0 } else { angle.sin() / angle };
        (sinc * kaiser(x / half, BETA)) as f32
    })
}

/// Taps of a [`Converter`] per zero crossing of its kernel, on each side.
const CROSSINGS: f64 = 32.0;

/// Changes the rate of a signal of any length, a stretch at a time. Windowed sinc: 90 dB beyond half the lower of both rates less a
/// twentieth, flat up to 0.9 of it.
pub struct Converter {
    from: u32,
    to: u32,
    half: usize,
    /// One kernel per phase, with one extra so that the last phase has a neighbour to blend with.
    kernels: Vec<Vec<f32>>,
}

impl Converter {
    /// From `from` to `to` frames per second, neither of them 0.
    pub fn new(from: u32, to: u32) -> Self {
        let (from, to) = (from.max(1), to.max(1));
        // The lower of both rates, less the half of the transition.
        let cut = 0.955 * (f64::from(to) / f64::from(from)).min(1.0);
        let half = (CROSSINGS / cut).ceil() as usize;
        let kernels = (0..=PHASES)
            .map(|phase| {
                let fraction = phase as f64 / PHASES as f64;
                let tap = |n: usize| {
                    let x = n as f64 - (half as f64 - 1.0) - fraction;
                    let angle = std::f64::consts::PI * cut * x;
                    let sinc = if x.abs() < 1e-12 { 1.0 } else { angle.sin() / angle };
                    cut * sinc * kaiser(x / half as f64, BETA)
                };
                let taps: Vec<f64> = (0..2 * half).map(tap).collect();
                // Every phase lets a constant through as it is.
                let sum: f64 = taps.iter().sum();
                taps.into_iter().map(|tap| (tap / sum) as f32).collect()
            })
            .collect();
        Self { from, to, half, kernels }
    }

    /// Length after the conversion of `frames` frames before it.
    pub fn frames(&self, frames: u64) -> u64 {
        (u128::from(frames) * u128::from(self.to) / u128::from(self.from)) as u64
    }

    /// Frames of the signal that `count` converted frames from `first` on are made of.
    pub fn needs(&self, first: u64, count: usize) -> std::ops::Range<i64> {
        let (begin, end) = (self.place(first).0, self.place(first + count as u64).0);
        begin - self.half as i64..end + self.half as i64 + 1
    }

    /// The converted frames from `first` on. `signal` begins with frame `origin`; what it does not hold is silent.
    pub fn convert(&self, signal: &[f32], origin: i64, first: u64, out: &mut [f32]) {
        for (n, sample) in out.iter_mut().enumerate() {
            let (whole, fraction) = self.place(first + n as u64);
            let phase = fraction * PHASES as f64;
            let index = (phase as usize).min(PHASES - 1);
            let weight = (phase - index as f64) as f32;
            let start = whole - (self.half as i64 - 1) - origin;
            let kernels = self.kernels[index].iter().zip(&self.kernels[index + 1]);
            let kernel = kernels.map(|(low, high)| low + weight * (high - low));
            *sample = match usize::try_from(start).ok().and_then(|start| signal.get(start..start + 2 * self.half)) {
                Some(around) => kernel.zip(around).map(|(tap, value)| tap * value).sum(),
                None => kernel
                    .enumerate()
                    .filter_map(|(tap, value)| {
                        let at = usize::try_from(start + tap as i64).ok()?;
                        signal.get(at).map(|sample| value * sample)
                    })
                    .sum(),
            };
        }
    }

    /// Where a converted frame lies in the signal: exact, however long it is.
    fn place(&self, frame: u64) -> (i64, f64) {
        let (from, to) = (u128::from(self.from), u128::from(self.to));
        let position = u128::from(frame) * from;
        ((position / to) as i64, (position % to) as f64 / f64::from(self.to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    fn a_sine_is_read_between_its_samples(
        #[values(60.0, 997.0, 7901.0, 15_013.0)] hz: f64,
        #[values((100.0, 1.0), (100.37, 1.0), (100.5, 1.0 / 1.0001), (99.99, 1.0 / 0.9995))] (first, step): (f64, f64),
    ) {
        let omega = 2.0 * std::f64::consts::PI * hz / 48_000.0;
        let signal: Vec<f32> = (0..6000).map(|n| (omega * f64::from(n)).sin() as f32).collect();
        let mut out = vec![0.0; 5000];
        Interpolator::default().add(&mut out, &signal, first, step, 0.5);
        for (n, sample) in out.iter().enumerate() {
            let want = 0.5 * (omega * (first + n as f64 * step)).sin();
            assert!((f64::from(*sample) - want).abs() < 5e-5, "frame {n}: {sample} instead of {want}");
        }
    }

    #[test]
    fn a_signal_outside_the_buffer_adds_nothing_and_one_half_outside_adds_its_half() {
        let signal = [1.0f32; 100];
        let interpolator = Interpolator::default();
        for first in [-1e9, -200.0, 1e9, f64::NAN, f64::INFINITY] {
            let mut out = [0.0; 50];
            interpolator.add(&mut out, &signal, first, 1.0, 1.0);
            assert_eq!(out, [0.0; 50], "first = {first}");
        }
        let mut out = [0.0; 100];
        interpolator.add(&mut out, &signal, -50.0, 1.0, 1.0);
        assert!(out[..50].iter().all(|s| s.abs() < 1e-6) && out[50..].iter().all(|s| (s - 1.0).abs() < 1e-6));
    }

    /// Sines well inside the band come through as they are, at the right place, whatever the two rates and wherever the stretches are cut.
    #[rstest]
    fn a_sine_is_converted(
        #[values((44_100, 48_000), (48_000, 44_100), (96_000, 48_000), (192_000, 44_100), (16_000, 48_000))] (from, to): (u32, u32),
        #[values(0.02, 0.5, 0.85)] share: f64,
    ) {
        let hz = share * 0.5 * f64::from(from.min(to));
        let omega = 2.0 * std::f64::consts::PI * hz;
        let signal: Vec<f32> = (0..from / 4).map(|n| (omega * f64::from(n) / f64::from(from)).sin() as f32).collect();
        let converter = Converter::new(from, to);
        let frames = converter.frames(signal.len() as u64);
        assert_eq!(frames, u64::from(to) / 4);
        let mut out = Vec::new();
        for (first, count) in [(0, 1000), (1000, 1), (1001, frames as usize - 1001)] {
            let needs = converter.needs(first, count);
            let held = needs.start.max(0) as usize..(needs.end as usize).min(signal.len());
            let mut piece = vec![0.0; count];
            converter.convert(&signal[held.clone()], held.start as i64, first, &mut piece);
            out.extend(piece);
        }
        let edge = to as usize / 100;
        for (n, sample) in out.iter().enumerate().take(out.len() - edge).skip(edge) {
            let want = (omega * n as f64 / f64::from(to)).sin();
            assert!((f64::from(*sample) - want).abs() < 2e-4, "frame {n} at {hz} Hz: {sample} instead of {want}");
        }
    }

    /// What the lower rate cannot carry is not folded into it.
    #[test]
    fn what_lies_beyond_the_band_is_gone() {
        let hz = 30_000.0;
        let signal: Vec<f32> =
            (0..96_000).map(|n| (2.0 * std::f64::consts::PI * hz * f64::from(n) / 96_000.0).sin() as f32).collect();
        let mut out = vec![0.0; 40_000];
        Converter::new(96_000, 48_000).convert(&signal, 0, 4000, &mut out);
        let worst = out.iter().fold(0.0f32, |worst, sample| worst.max(sample.abs()));
        assert!(worst < 1e-4, "{worst}");
    }
}
