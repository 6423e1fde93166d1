//! Where a known sound lies in a recording that is longer: a matched filter on decimated copies, then at full rate round the best place.
//!
//! The template is divided by the smoothed power of its own spectrum, so that a voice or a piece of music peaks as sharply as a marker; the
//! correlation is divided by the energy under it, so that whatever is loud elsewhere does not outshine a quiet sound.

use crate::fft::{Complex, Fft, fast_size};

/// The sound is decimated by the largest of these that leaves a quarter of its energy: a search can spare that, the place is found at full rate.
const STEPS: [usize; 5] = [6, 4, 3, 2, 1];
const ENERGY: f64 = 0.25;
/// A longer sound is looked for by its loudest stretch of this length in seconds: clocks of two devices smear a longer one.
const LONGEST_S: f64 = 4.0;
/// A shorter one is none that could be told from chance.
const SHORTEST_S: f64 = 0.05;
/// Half-width over which the spectrum is smoothed, in Hz.
const SMOOTH_HZ: f64 = 50.0;
/// Share of the mean power that the smoothed one is held above.
const REGULAR: f64 = 0.01;
/// Half-width round the peak that is not sidelobe: room reflections fall into it.
const GUARD_S: f64 = 0.020;
/// Values that are summed side by side, and as many as the longest filter has taps: 3 * 5 + 1.
pub(crate) const LANES: usize = 16;
/// Places that share one figure of energy: two milliseconds and more at the rates after decimation.
const GROUP: usize = 16;
/// A transform covers so many templates.
const BLOCK: usize = 4;

/// A sound that cannot be looked for.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum UnfitSound {
    /// Shorter than 50 ms.
    #[error("it lasts {have_s:.3} s; what is looked for must last {SHORTEST_S} s")]
    TooShort {
        /// Its length in seconds.
        have_s: f64,
    },
    /// Nothing sounds in it.
    #[error("it is silent")]
    Silent,
    /// It is much the same when it is played backwards.
    #[error("it is much the same backwards, as a steady tone is: a note of any music would be taken for it")]
    AlikeBackwards,
    /// A sample is not a number.
    #[error("frame {frame} is no sample")]
    NotASample {
        /// The frame.
        frame: usize,
    },
}

/// Whether a sound is long enough and all of it numbers.
pub(crate) fn fit(sound: &[f32], rate: u32) -> Result<(), UnfitSound> {
    let have_s = sound.len() as f64 / f64::from(rate.max(1));
    if have_s < SHORTEST_S {
        return Err(UnfitSound::TooShort { have_s });
    }
    sound.iter().position(|sample| !sample.is_finite()).map_or(Ok(()), |frame| Err(UnfitSound::NotASample { frame }))
}

/// Where a sound was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Located {
    /// Frame of the recording, with its fraction, at which frame 0 of the sound lies; strongest path.
    pub frame: f64,
    /// How much of what sounds there is this sound, 0 to 1; a room takes from it.
    pub likeness: f64,
    /// Likeness there over the largest anywhere else but within 20 ms. Chance reaches about 1.5.
    pub psr: f64,
    /// It comes turned over.
    pub inverted: bool,
}

/// Looks for one sound in recordings. Keeps plans and spectra: use one for many.
pub struct Locator {
    rate: u32,
    /// The stretch of the sound that is looked for, and its first frame.
    sound: Vec<f32>,
    offset: usize,
    step: usize,
    filter: [f32; LANES],
    /// Spectrum of the template, conjugated, for blocks of `size`; its length and norm.
    template: Vec<Complex<f32>>,
    size: usize,
    length: usize,
    norm: f64,
    fft: Fft<f32>,
}

impl Locator {
    /// A locator for `sound` at `rate` Hz.
    ///
    /// # Errors
    /// [`UnfitSound`].
    pub fn new(sound: &[f32], rate: u32) -> Result<Self, UnfitSound> {
        fit(sound, rate)?;
        let offset = loudest(sound, (LONGEST_S * f64::from(rate)) as usize);
        let sound = sound[offset..(offset + (LONGEST_S * f64::from(rate)) as usize).min(sound.len())].to_vec();
        let whole = energy(&sound);
        if whole <= 0.0 {
            return Err(UnfitSound::Silent);
        }
        let mut fft = Fft::default();
        let step = STEPS.into_iter().find(|step| {
            let kept = decimated(&sound, &filter(*step), *step);
            energy(&kept) * *step as f64 >= ENERGY * whole
        });
        let step = step.unwrap_or(1);
        let filter = filter(step);
        let slow = decimated(&sound, &filter, step);
        let length = slow.len();
        let size = fast_size(BLOCK * length);
        let reach = (SMOOTH_HZ * size as f64 * step as f64 / f64::from(rate)) as usize;
        let whitened = whitened(&mut fft, &slow, size, reach.max(1));
        // Back into time and cut to the sound's own length: a block then needs no more than that of overlap.
        let mut time = fft.inverse(whitened, size);
        time.truncate(length);
        let norm = energy(&time).sqrt();
        let template = fft.forward(&time, size).iter().map(Complex::conj).collect();
        Ok(Self { rate, sound, offset, step, filter, template, size, length, norm, fft })
    }

    /// The length of the stretch of the sound that is looked for, in frames, and its first frame.
    pub fn stretch(&self) -> (usize, usize) {
        (self.offset, self.sound.len())
    }

    /// The best place for the sound among those where all of that stretch was recorded; none in a recording that is shorter, or silent.
    pub fn locate(&mut self, recording: &[f32]) -> Option<Located> {
        let slow = decimated(recording, &self.filter, self.step);
        let places = slow.len().checked_sub(self.length)? + 1;
        let likeness = self.squares(&slow, places);
        let largest = likeness.iter().copied().fold(0.0f32, f32::max);
        let at = likeness.iter().position(|value| *value == largest).filter(|_| largest > 0.0)?;
        let guard = (GUARD_S * f64::from(self.rate)) as usize / self.step;
        let beside = likeness[..at.saturating_sub(guard)].iter().chain(&likeness[(at + guard + 1).min(places)..]);
        let sidelobe = beside.copied().fold(0.0f32, f32::max);
        let (frame, share, inverted) = self.refine(recording, at * self.step)?;
        Some(Located {
            frame: frame - self.offset as f64,
            likeness: share,
            psr: f64::from(likeness[at] / sidelobe.max(1e-18)).sqrt(),
            inverted,
        })
    }

    /// Correlation with the template over the energy under it, squared, for every place.
    fn squares(&mut self, slow: &[f32], places: usize) -> Vec<f32> {
        let mut out = Vec::with_capacity(places);
        let hop = self.size - self.length + 1;
        for from in (0..places).step_by(hop) {
            let block = &slow[from..(from + self.size).min(slow.len())];
            let mut spectrum = self.fft.forward(block, self.size);
            for (value, template) in spectrum.iter_mut().zip(&self.template) {
                *value *= template;
            }
            let correlation = self.fft.inverse(spectrum, self.size);
            out.extend(correlation.iter().take(hop.min(places - from)).map(|value| value * value));
        }
        // Energy is summed in groups, and that of the whole groups that a template touches is what it stands on.
        let groups: Vec<f64> = std::iter::once(0.0)
            .chain(slow.chunks(GROUP).scan(0.0, |sum, group| {
                *sum += energy(group);
                Some(*sum)
            }))
            .collect();
        // What is hardly there is nobody's: rounding must not be divided by rounding.
        let floor = (1e-6 * groups[groups.len() - 1] * self.length as f64 / slow.len().max(1) as f64).max(1e-30);
        let norm = self.norm * self.norm;
        let spanned = self.length.div_ceil(GROUP) + 1;
        for (n, places) in out.chunks_mut(GROUP).enumerate() {
            let under = groups[(n + spanned).min(groups.len() - 1)] - groups[n];
            let share = (norm * under.max(floor)).recip() as f32;
            places.iter_mut().for_each(|value| *value *= share);
        }
        out
    }

    /// The place near `about` at full rate, how alike the two are there, and whether one is turned over.
    fn refine(&self, recording: &[f32], about: usize) -> Option<(f64, f64, bool)> {
        let last = recording.len().checked_sub(self.sound.len())?;
        let (low, high) = (about.saturating_sub(2 * self.step).min(last), (about + 2 * self.step).min(last));
        let values: Vec<f64> = (low..=high).map(|at| dot(&recording[at..at + self.sound.len()], &self.sound)).collect();
        let best = (0..values.len()).max_by(|&a, &b| values[a].abs().total_cmp(&values[b].abs()))?;
        let around = |n: usize| values.get(n).map_or(0.0, |value| value.abs());
        let (a, b, c) = (around(best.wrapping_sub(1)), values[best].abs(), around(best + 1));
        let curvature = a - 2.0 * b + c;
        let inside = best > 0 && best + 1 < values.len() && curvature < 0.0;
        let fraction = if inside { (0.5 * (a - c) / curvature).clamp(-0.5, 0.5) } else { 0.0 };
        let at = low + best;
        let under = energy(&recording[at..at + self.sound.len()]) * energy(&self.sound);
        Some((at as f64 + fraction, (b / under.sqrt().max(1e-30)).min(1.0), values[best] < 0.0))
    }
}

/// Low-pass for decimation: a mean of `step` samples three times over. What it lets through from above half the new rate lies 14 dB down and
/// more; sound and recording go through the same, and a search needs no more.
pub(crate) fn filter(step: usize) -> [f32; LANES] {
    let mut taps = vec![1.0f64];
    for _ in 0..3 {
        taps = (0..taps.len() + step - 1)
            .map(|n| (0..step).filter_map(|back| taps.get(n.checked_sub(back)?)).sum::<f64>() / step as f64)
            .collect();
    }
    std::array::from_fn(|n| taps.get(n).map_or(0.0, |tap| *tap as f32))
}

/// Every `step`-th sample of the low-passed signal: sample n lies at frame n * step, within half a frame.
pub(crate) fn decimated(samples: &[f32], filter: &[f32; LANES], step: usize) -> Vec<f32> {
    if step == 1 {
        return samples.to_vec();
    }
    let half = 3 * (step - 1) / 2;
    let mut out = vec![0.0f32; samples.len().div_ceil(step)];
    for (n, value) in out.iter_mut().enumerate() {
        let around = (n * step).checked_sub(half).and_then(|from| samples.get(from..)?.first_chunk::<LANES>());
        *value = match around {
            Some(around) => lanes(around, filter),
            None => {
                let tap = |k: usize| (n * step + k).checked_sub(half).and_then(|frame| samples.get(frame));
                filter.iter().enumerate().filter_map(|(k, weight)| tap(k).map(|sample| weight * sample)).sum()
            }
        };
    }
    out
}

/// The sum of products of two rows. Halves are added onto halves, side by side: floating-point addition keeps the order it is given.
#[inline]
fn lanes(a: &[f32; LANES], b: &[f32; LANES]) -> f32 {
    fold(std::array::from_fn(|lane| a[lane] * b[lane]))
}

#[inline]
fn fold(mut sums: [f32; LANES]) -> f32 {
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
    }
    sums[0]
}

/// The same of longer rows.
fn short_dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, b) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0f32; LANES];
    for (a, b) in a.0.iter().zip(b.0) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    fold(sums) + a.1.iter().zip(b.1).map(|(a, b)| a * b).sum::<f32>()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.chunks(4096).zip(b.chunks(4096)).map(|(a, b)| f64::from(short_dot(a, b))).sum()
}

pub(crate) fn energy(samples: &[f32]) -> f64 {
    dot(samples, samples)
}

/// First frame of the loudest stretch of `length` frames, to a tenth of it.
pub(crate) fn loudest(sound: &[f32], length: usize) -> usize {
    let last = sound.len().saturating_sub(length);
    let hop = (length / 10).max(1);
    let starts = (0..=last).step_by(hop).chain([last]);
    let loudness = |start: usize| energy(&sound[start..(start + length).min(sound.len())]);
    // The first of equals.
    starts
        .map(|start| (start, loudness(start)))
        .fold((0, 0.0), |best, next| if next.1 > best.1 { next } else { best })
        .0
}

/// The spectrum over its own smoothed power.
fn whitened(fft: &mut Fft<f32>, samples: &[f32], size: usize, reach: usize) -> Vec<Complex<f32>> {
    let spectrum = fft.forward(samples, size);
    let mut sums = vec![0.0f64];
    let mut sum = 0.0;
    for value in &spectrum {
        sum += f64::from(value.norm_sqr());
        sums.push(sum);
    }
    let floor = REGULAR * sum / spectrum.len() as f64;
    let smooth = |n: usize| {
        let (from, to) = (n.saturating_sub(reach), (n + reach + 1).min(spectrum.len()));
        ((sums[to] - sums[from]) / (to - from) as f64).max(floor)
    };
    spectrum.iter().enumerate().map(|(n, value)| value * (1.0 / smooth(n)) as f32).collect()
}
