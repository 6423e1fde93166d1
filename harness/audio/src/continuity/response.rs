//! The impulse response of the path, by regularised deconvolution.

use crate::fft::{Complex, Fft, bins};

/// Where references have their energy and remainders are looked at, in Hz.
pub(super) const BAND: (f64, f64) = (200.0, 15_000.0);
/// Width of the band's soft edges in Hz: hard ones would ring for long after a click.
const EDGES_HZ: (f64, f64) = (220.0, 1500.0);

/// Weight of a frequency: 1 within the band, falling off within its edges.
pub(super) fn weight(frequency: f64) -> f32 {
    let rise = ((frequency - BAND.0) / EDGES_HZ.0).clamp(0.0, 1.0);
    let fall = ((BAND.1 - frequency) / EDGES_HZ.1).clamp(0.0, 1.0);
    let soft = |x: f64| 0.5 - 0.5 * (std::f64::consts::PI * x).cos();
    (soft(rise) * soft(fall)) as f32
}

/// Share of the mean power of the reference that is added to each bin.
const REGULARISATION: f64 = 0.01;
/// The response may start so many frames before its expected place.
pub(super) const LEAD: usize = 256;
/// The direct sound: frames before and after the strongest path, and the faded end of it.
const BEFORE: usize = 24;
const AFTER: usize = 96;
const FADE: usize = 32;
/// Grain of the search for the end of the reverberation, in frames.
const GRAIN: usize = 240;

/// Impulse response, split in the direct sound and all else.
#[derive(Debug, Clone)]
pub(super) struct Response {
    /// Lag of the strongest path in frames.
    pub(super) peak: i64,
    /// Its height over the floor.
    pub(super) z: f64,
    /// The direct sound, from lag `peak - BEFORE` on.
    pub(super) early: Vec<f32>,
    /// All else, from lag `-LEAD` on.
    pub(super) late: Vec<f32>,
}

impl Response {
    /// Estimates the response from spectra of reference and recording of `size` frames; it is as long as `taps` frames at most.
    pub(super) fn estimate(
        fft: &mut Fft<f32>,
        reference: &[Complex<f32>],
        heard: &[Complex<f32>],
        size: usize,
        rate: u32,
        taps: usize,
    ) -> Option<Self> {
        let band = bins(size, rate, BAND);
        let mean = reference[band.clone()].iter().map(|x| f64::from(x.norm_sqr())).sum::<f64>() / band.len() as f64;
        if mean.is_nan() || mean <= 0.0 {
            return None;
        }
        let floor = (REGULARISATION * mean) as f32;
        let mut quotient = vec![Complex::default(); size / 2 + 1];
        for bin in band {
            let x = reference[bin];
            quotient[bin] = heard[bin] * x.conj() / (x.norm_sqr() + floor);
        }
        let response = fft.inverse(quotient, size);
        // No path is as long as a third of the window: there is noise only.
        let idle = &response[size / 3..size / 3 * 2];
        let floor = (idle.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / idle.len() as f64).sqrt();
        if floor.is_nan() || floor <= 0.0 {
            return None;
        }
        let at = |lag: i64| response[lag.rem_euclid(size as i64) as usize];
        let mut late: Vec<f32> = (-(LEAD as i64)..taps as i64).map(at).collect();
        let strongest = (0..late.len()).max_by(|&a, &b| late[a].abs().total_cmp(&late[b].abs()))?;
        let z = f64::from(late[strongest].abs()) / floor;
        let first = strongest as i64 - BEFORE as i64;
        let mut early = Vec::with_capacity(BEFORE + AFTER);
        for n in 0..BEFORE + AFTER {
            let left = (BEFORE + AFTER - n) as f64;
            let weight =
                if left > FADE as f64 { 1.0 } else { 0.5 - 0.5 * (std::f64::consts::PI * left / FADE as f64).cos() };
            let value = usize::try_from(first + n as i64).ok().and_then(|lag| late.get_mut(lag));
            early.push(value.map_or(0.0, |value| {
                let share = *value * weight as f32;
                *value -= share;
                share
            }));
        }
        // The end of the reverberation: what follows would only add noise.
        let energy = |piece: &[f32]| piece.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / piece.len() as f64;
        let loud = late.chunks(GRAIN).rposition(|piece| energy(piece) > 1.6 * floor * floor);
        late.truncate((loud.map_or(0, |grain| grain + 2) * GRAIN).max(strongest + AFTER));
        Some(Self { peak: strongest as i64 - LEAD as i64, z, early, late })
    }

    /// Lag of the first frame of `early`.
    pub(super) fn early_from(&self) -> i64 {
        self.peak - BEFORE as i64
    }

    /// Spectrum of the direct sound.
    pub(super) fn early_spectrum(&self, fft: &mut Fft<f32>, size: usize) -> Vec<Complex<f32>> {
        circular(fft, &self.early, self.early_from(), size)
    }

    /// Spectrum of all else.
    pub(super) fn late_spectrum(&self, fft: &mut Fft<f32>, size: usize) -> Vec<Complex<f32>> {
        circular(fft, &self.late, -(LEAD as i64), size)
    }

    /// Gain of the direct sound: root of its energy.
    pub(super) fn height(&self) -> f64 {
        self.early.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt()
    }

    /// The same path at another level.
    pub(super) fn scaled(&self, gain: f32) -> Self {
        let scale = |taps: &[f32]| taps.iter().map(|tap| tap * gain).collect();
        Self { early: scale(&self.early), late: scale(&self.late), ..self.clone() }
    }

    /// Energy of all else over that of the direct sound.
    pub(super) fn reverberance(&self) -> f64 {
        let energy = |taps: &[f32]| taps.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
        energy(&self.late) / energy(&self.early).max(f64::MIN_POSITIVE)
    }

    /// How many frames later the direct sound of `self` comes than that of `other`, if both are the same sound.
    pub(super) fn later_than(&self, other: &Self) -> Option<f64> {
        let at = |response: &Self, lag: i64| {
            let index = usize::try_from(lag - response.early_from()).ok();
            index.and_then(|index| response.early.get(index)).map_or(0.0, |v| f64::from(*v))
        };
        let lags = other.early_from() - 4..other.early_from() + other.early.len() as i64 + 4;
        let (mut product, mut slope_square, mut own, mut theirs, mut both) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for lag in lags {
            let (a, b) = (at(self, lag), at(other, lag));
            let slope =
                (8.0 * (at(other, lag + 1) - at(other, lag - 1)) - at(other, lag + 2) + at(other, lag - 2)) / 12.0;
            product += (a - b) * slope;
            slope_square += slope * slope;
            (own, theirs, both) = (own + a * a, theirs + b * b, both + a * b);
        }
        (both > 0.7 * (own * theirs).sqrt() && slope_square > 0.0).then(|| -product / slope_square)
    }
}

fn circular(fft: &mut Fft<f32>, taps: &[f32], first: i64, size: usize) -> Vec<Complex<f32>> {
    let mut placed = vec![0.0; size];
    for (n, tap) in taps.iter().enumerate() {
        placed[(first + n as i64).rem_euclid(size as i64) as usize] += tap;
    }
    fft.forward(&placed, size)
}
