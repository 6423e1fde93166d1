//! Where a short sound occurs in a long recording, under whatever else sounds there, at a stated rate of false alarms.
//!
//! A matched filter in noise that has a colour and changes (Turin, "An introduction to matched filters", IRE Trans. Inf. Theory 6, 1960): block by
//! block, recording and sound are whitened by the recording's own smoothed spectrum. Their correlation is divided by the root of what the squared
//! recording leaves under the squared sound. Of such a self-normalised sum P(|z| >= x) <= 2 exp(-x²/2) holds however loud it is when, as long as
//! samples are as often positive as negative (Efron, "Student's t-test under symmetry conditions", J. Am. Stat. Assoc. 64, 1969). The bound, and
//! how many places an hour has, give the threshold.
//!
//! Melodies break that condition: a note that is also in the sound correlates with its part of it. So each stretch of the sound has to bring its
//! share of the correlation (Allen, "A χ² time-frequency discriminator for gravitational wave detection", Phys. Rev. D 71, 062001, 2005), and the
//! sound has to match far better than sounds of its kind that nobody plays match nearby: the same backwards, and the same higher and lower by
//! up to seven half-tones, or with its stretches in another order, as music would have it as often. What those match is chance (Elias and Gygi, "Target-decoy search strategy", Nature
//! Methods 4, 2007). A sound that is alike backwards is refused; a shifted or reordered one that it is alike is left out. For music there
//! is no bound: tests look for alarms there.

use std::{f64::consts::PI, ops::RangeInclusive};

use crate::fft::{Complex, Fft, fast_size};
use crate::locate::{LANES, UnfitSound, decimated, energy, filter, fit, loudest};

/// Recording and sound are brought to this rate in Hz, or the next above that is a whole part of theirs.
const RATE: u32 = 16_000;
/// A longer sound is looked for by its loudest stretch of this length in seconds.
const LONGEST_S: f64 = 2.0;
/// A block in seconds: as long as sounds of a room keep their colour, and many times the sound.
const BLOCK_S: f64 = 8.0;
/// Half-width over which the spectrum is smoothed, in Hz.
const SMOOTH_HZ: f64 = 50.0;
/// What whitening smears to either side, in seconds.
const GUARD_S: f64 = 0.04;
/// Share of the mean power that the smoothed spectrum is held above.
const FLOOR: f64 = 1e-4;
/// Stretches of the sound, each with the same share of its energy.
const PARTS: usize = 6;
/// How unequal their shares may be: 0 for equal ones, 1 when half of them are missing; rooms take some and add some.
const UNEQUAL: f64 = 0.2;
/// How many times better than backwards it has to match.
const BACKWARDS: f64 = 1.75;
/// The same for its other decoys, of which there are many.
const BETTER: f64 = 1.5;
/// Half-tones up and down by which it is shifted.
const SHIFTS: RangeInclusive<i32> = -7..=7;
/// Orders of its stretches in which none follows or precedes its own neighbour.
const ORDERS: [[usize; PARTS]; 6] = [
    [1, 3, 5, 0, 2, 4],
    [4, 2, 0, 5, 3, 1],
    [2, 4, 0, 5, 1, 3],
    [3, 1, 5, 0, 4, 2],
    [3, 0, 4, 1, 5, 2],
    [2, 5, 1, 4, 0, 3],
];
/// How far the interpolation between samples reaches.
const TAPS: i64 = 16;
/// Places nearer than this to a better one are the same, in seconds.
const SAME_S: f64 = 0.02;
/// The most samples at which a search is begun anew: the lanes of the low-pass allow no more.
const MOST_STEPS: u32 = 6;

/// An occurrence of the sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Occurrence {
    /// Frame of the recording at which frame 0 of the sound lies, within one frame of the decimated recording.
    pub frame: f64,
    /// Correlation over its standard deviation where nothing but noise is.
    pub score: f64,
    /// How unequally the stretches of the sound contribute: 0 for equal shares, 1 where half of them are missing.
    pub unequal: f64,
}

/// A place in a block, with the correlation there over the root of the sound's energy.
struct Placed {
    place: usize,
    score: f64,
    unequal: f64,
    strength: f64,
}

/// Looks for one sound. Keeps plans: use one for many recordings.
pub struct Finder {
    rate: u32,
    step: usize,
    filter: [f32; LANES],
    /// The decimated stretch that is looked for, and its first frame at full rate.
    sound: Vec<f32>,
    offset: usize,
    /// Sounds of its kind that nobody plays, and how many times better than each it has to match.
    decoys: Vec<(Vec<f32>, f64)>,
    fft: Fft<f32>,
}

impl Finder {
    /// A finder for `sound` at `rate` Hz.
    ///
    /// # Errors
    /// [`UnfitSound`].
    pub fn new(sound: &[f32], rate: u32) -> Result<Self, UnfitSound> {
        fit(sound, rate)?;
        let longest = (LONGEST_S * f64::from(rate)) as usize;
        let offset = loudest(sound, longest);
        let stretch = &sound[offset..(offset + longest).min(sound.len())];
        let step = (rate / RATE).clamp(1, MOST_STEPS) as usize;
        let filter = filter(step);
        let slow = decimated(stretch, &filter, step);
        if energy(&slow) <= 0.0 {
            return Err(UnfitSound::Silent);
        }
        let mut fft = Fft::default();
        let backwards: Vec<f32> = slow.iter().rev().copied().collect();
        if alike(&mut fft, &slow, &backwards) * BACKWARDS > 1.0 {
            return Err(UnfitSound::AlikeBackwards);
        }
        let shifts = SHIFTS.filter(|halftones| *halftones != 0).map(|halftones| shifted(&slow, halftones));
        let stirred = ORDERS.iter().map(|order| reordered(&slow, order));
        let others = shifts.chain(stirred).filter(|decoy| alike(&mut fft, &slow, decoy) * BETTER <= 1.0);
        let decoys = std::iter::once((backwards, BACKWARDS)).chain(others.map(|decoy| (decoy, BETTER))).collect();
        Ok(Self { rate, step, filter, sound: slow, offset, decoys, fft })
    }

    /// The score above which chance gets `per_hour` times an hour at most, of recordings at the finder's rate.
    pub fn threshold(&self, per_hour: f64) -> f64 {
        let places = 3600.0 * f64::from(self.rate) / self.step as f64;
        (2.0 * (2.0 * places / per_hour).ln()).sqrt()
    }

    /// The occurrences that reach the score `threshold`, in order; none overlaps another. One that is cut off by the recording's ends is none.
    pub fn find(&mut self, recording: &[f32], threshold: f64) -> Vec<Occurrence> {
        let slow_rate = f64::from(self.rate) / self.step as f64;
        let guard = (GUARD_S * slow_rate) as usize;
        let span = self.sound.len() + 2 * guard;
        // Room for a sound at the very beginning.
        let mut slow = vec![0.0; guard];
        slow.extend(decimated(recording, &self.filter, self.step));
        slow.resize(slow.len() + guard, 0.0);
        if slow.len() < span {
            return Vec::new();
        }
        let wanted = fast_size(((BLOCK_S * slow_rate) as usize).max(4 * span));
        let size = wanted.min(fast_size(slow.len()));
        let last = slow.len().saturating_sub(size);
        let hop = size - span + 1;
        let mut found: Vec<(f64, Occurrence)> = Vec::new();
        for from in (0..last).step_by(hop).chain([last]) {
            let block = &slow[from..(from + size).min(slow.len())];
            let placed = self.block(block, size, guard, span, slow_rate, threshold);
            found.extend(placed.into_iter().map(|Placed { place, score, unequal, strength }| {
                // The guard before the block and that before the sound cancel out.
                let frame = ((from + place) * self.step) as f64 - self.offset as f64;
                (strength, Occurrence { frame, score, unequal })
            }));
        }
        best_apart(found, (self.sound.len() * self.step) as f64)
    }

    /// Places of a block above the threshold that are the sound in all its parts.
    fn block(
        &mut self,
        block: &[f32],
        size: usize,
        guard: usize,
        span: usize,
        rate: f64,
        threshold: f64,
    ) -> Vec<Placed> {
        let spectrum = self.fft.forward(block, size);
        let reach = ((SMOOTH_HZ * size as f64 / rate) as usize).max(1);
        let Some(weights) = whitening(&spectrum, reach) else { return Vec::new() };
        let weighted = |spectrum: Vec<Complex<f32>>| -> Vec<Complex<f32>> {
            spectrum.into_iter().zip(&weights).map(|(value, weight)| value * *weight).collect()
        };
        let mut white = self.fft.inverse(weighted(spectrum), size);
        white.truncate(block.len());
        let kernel_of = |fft: &mut Fft<f32>, sound: &[f32]| {
            let mut placed = vec![0.0; guard];
            placed.extend_from_slice(sound);
            let spectrum = fft.forward(&placed, size);
            let mut kernel = fft.inverse(weighted(spectrum), size);
            kernel.truncate(span);
            kernel
        };
        let kernel = kernel_of(&mut self.fft, &self.sound);
        let places = (block.len() + 1).saturating_sub(span);
        let products = self.correlation(&white, &kernel, size, places);
        let squares = |samples: &[f32]| samples.iter().map(|x| x * x).collect::<Vec<f32>>();
        let variances = self.correlation(&squares(&white), &squares(&kernel), size, places);
        // Rounding must not be divided by rounding.
        let floor = (1e-5 * energy(&kernel) * energy(&white) / block.len() as f64).max(1e-30) as f32;
        let near = |place: usize, reach: usize| place.saturating_sub(reach)..(place + reach + 1).min(places);
        let same = (SAME_S * rate) as usize;
        let parts = parts(&kernel);
        let norm = energy(&kernel).sqrt();
        let mut kept = Vec::new();
        for (place, product) in products.iter().enumerate() {
            let score = f64::from(product.abs() / variances[place].max(floor).sqrt());
            // The best place is that of the largest correlation: what it is divided by is largest there too.
            let is_better = |other: &f32| other.abs() > product.abs();
            if score < threshold || products[near(place, same)].iter().any(is_better) {
                continue;
            }
            let unequal = unequal(&white[place..place + span], &kernel, &parts);
            // Noise makes shares unequal by as much as its part in the score.
            if unequal <= UNEQUAL + 2.0 * (PARTS - 1) as f64 / (score * score) {
                kept.push(Placed { place, score, unequal, strength: f64::from(product.abs()) / norm });
            }
        }
        for n in 0..self.decoys.len() {
            if kept.is_empty() {
                break;
            }
            let (decoy, times) = (kernel_of(&mut self.fft, &self.decoys[n].0), self.decoys[n].1);
            let norm = energy(&decoy).max(1e-30).sqrt();
            let chances = self.correlation(&white, &decoy, size, places);
            kept.retain(|placed| {
                let chance =
                    chances[near(placed.place, span)].iter().fold(0.0f32, |most, chance| most.max(chance.abs()));
                placed.strength >= times * f64::from(chance) / norm
            });
        }
        kept
    }

    fn correlation(&mut self, samples: &[f32], kernel: &[f32], size: usize, places: usize) -> Vec<f32> {
        let template = self.fft.forward(kernel, size);
        let mut spectrum = self.fft.forward(samples, size);
        for (value, template) in spectrum.iter_mut().zip(&template) {
            *value *= template.conj();
        }
        let mut out = self.fft.inverse(spectrum, size);
        out.truncate(places);
        out
    }
}

/// The largest correlation of two sounds over the root of their energies.
fn alike(fft: &mut Fft<f32>, sound: &[f32], other: &[f32]) -> f64 {
    let size = fast_size(2 * sound.len());
    let (mut a, b) = (fft.forward(sound, size), fft.forward(other, size));
    a.iter_mut().zip(&b).for_each(|(a, b)| *a *= b.conj());
    let best = fft.inverse(a, size).into_iter().fold(0.0f32, |best, value| best.max(value.abs()));
    f64::from(best) / (energy(sound) * energy(other)).sqrt().max(1e-30)
}

/// The sound as it is heard when it is played faster or slower by so many half-tones, over its length: windowed sines between its samples.
fn shifted(sound: &[f32], halftones: i32) -> Vec<f32> {
    let speed = 2f64.powf(f64::from(halftones) / 12.0);
    // What would lie above half the rate is left out.
    let band = speed.recip().min(1.0);
    let weight = |apart: f64| {
        let angle = PI * apart * band;
        let sine = if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle };
        band * sine * (0.5 + 0.5 * (PI * apart / TAPS as f64).cos())
    };
    let sample = |n: usize| {
        let at = n as f64 * speed;
        let first = (at.floor() as i64 - TAPS + 1).max(0);
        let range = first..(at.floor() as i64 + TAPS + 1).min(sound.len() as i64);
        range.map(|k| f64::from(sound[k as usize]) * weight(at - k as f64)).sum::<f64>() as f32
    };
    (0..sound.len()).map(sample).collect()
}

/// The sound with its stretches in another order.
fn reordered(sound: &[f32], order: &[usize; PARTS]) -> Vec<f32> {
    let ends = parts(sound);
    let part = |n: &usize| &sound[n.checked_sub(1).map_or(0, |before| ends[before])..ends[*n]];
    order.iter().flat_map(part).copied().collect()
}

/// What makes each frequency as strong as every other: one over the root of the smoothed power; nothing of silence.
fn whitening(spectrum: &[Complex<f32>], reach: usize) -> Option<Vec<f32>> {
    let mut sums = Vec::with_capacity(spectrum.len() + 1);
    sums.push(0.0f64);
    let mut sum = 0.0;
    for value in spectrum {
        sum += f64::from(value.norm_sqr());
        sums.push(sum);
    }
    let floor = FLOOR * sum / spectrum.len() as f64;
    let smooth = |n: usize| {
        let (from, to) = (n.saturating_sub(reach), (n + reach + 1).min(spectrum.len()));
        ((sums[to] - sums[from]) / (to - from) as f64).max(floor)
    };
    (floor > 0.0).then(|| (0..spectrum.len()).map(|n| smooth(n).sqrt().recip() as f32).collect())
}

/// The last frames, exclusive, of stretches of equal energy.
fn parts(kernel: &[f32]) -> [usize; PARTS] {
    let whole = energy(kernel);
    let (mut ends, mut sum, mut part) = ([kernel.len(); PARTS], 0.0, 0);
    for (n, sample) in kernel.iter().enumerate() {
        sum += f64::from(sample * sample);
        while part + 1 < PARTS && sum >= whole * (part + 1) as f64 / PARTS as f64 {
            ends[part] = n + 1;
            part += 1;
        }
    }
    ends
}

/// The variance of the parts' shares of the correlation over what equal ones would bring.
fn unequal(white: &[f32], kernel: &[f32], parts: &[usize; PARTS]) -> f64 {
    let mut from = 0;
    let shares = parts.map(|end| {
        let range = from..end;
        from = end;
        white[range.clone()].iter().zip(&kernel[range]).map(|(a, b)| f64::from(a * b)).sum::<f64>()
    });
    let whole: f64 = shares.iter().sum();
    let due = whole / PARTS as f64;
    PARTS as f64 * shares.iter().map(|share| (share - due).powi(2)).sum::<f64>() / (whole * whole).max(1e-30)
}

/// The best of those that overlap, in order.
fn best_apart(mut found: Vec<(f64, Occurrence)>, apart: f64) -> Vec<Occurrence> {
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut kept: Vec<Occurrence> = Vec::new();
    for (_, one) in found {
        if kept.iter().all(|other| (other.frame - one.frame).abs() >= apart) {
            kept.push(one);
        }
    }
    kept.sort_by(|a, b| a.frame.total_cmp(&b.frame));
    kept
}
