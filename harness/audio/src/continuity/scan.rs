//! Gaps, clicks and the figures of blocks, from the recording less reverberation and what the direct sound must be.

use std::ops::Range;

use super::clock::median;
use super::response::BAND;
use super::window::Heard;

/// Log-likelihood ratio in nats from which a gap counts.
pub(super) const THRESHOLD: f64 = 32.0;
/// A gap has ended when the ratio has fallen by so much from its highest.
const ENDED: f64 = 14.0;
/// Fewer frames are an edge and no gap.
const SHORTEST: usize = 8;
/// Gain below 1 in standard deviations of the gap's own remainder: keeps loud sounds of the room from passing for gaps.
const DISTINCT: f64 = 6.5;
/// Energy over noise, in nats times 2, at which [`THRESHOLD`] is passed with 99.9 %: u^2/2 - 3.1 u = THRESHOLD, squared.
pub(super) const NEEDED: f64 = 137.0;
/// Gain below which the usual gain of a window is not looked for.
const ALIVE: f64 = 0.12;
/// The same in standard deviations of the gain of a cell.
const ALIVE_Z: f64 = 4.0;

/// Sums over 10 ms.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cell {
    /// dry . direct, direct . direct, dry . dry
    pub(super) ep: f64,
    pub(super) pp: f64,
    pub(super) ee: f64,
    /// With q, the half difference of the neighbours of direct: dry . q, direct . q, q . q
    pub(super) eq: f64,
    pub(super) pq: f64,
    pub(super) qq: f64,
}

impl Cell {
    pub(super) fn add(&mut self, other: &Self) {
        self.ep += other.ep;
        self.pp += other.pp;
        self.ee += other.ee;
        self.eq += other.eq;
        self.pq += other.pq;
        self.qq += other.qq;
    }

    pub(super) fn gain(&self) -> f64 {
        if self.pp > 0.0 { self.ep / self.pp } else { 0.0 }
    }

    /// How many frames later than expected the sound came: least squares for a small delay, which changes the sound by its slope. The half
    /// difference stands for the slope; the ratio of both over the spectrum of the direct sound sets the scale.
    pub(super) fn delay(&self, slope_ratio: f64) -> f64 {
        let gain = self.gain();
        let square = slope_ratio * self.qq * gain;
        if square.abs() > 0.0 { -(self.eq - gain * self.pq) / square } else { 0.0 }
    }

    /// Energy that belongs not to the direct sound at this gain.
    fn remainder(&self, gain: f64) -> f64 {
        (self.ee - 2.0 * gain * self.ep + gain * gain * self.pp).max(0.0)
    }
}

/// What there is in a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing.
    Silence,
    /// Another sound.
    Sound,
    /// The noise hides which of both.
    Unknown,
}

/// A stretch of the window without its sound.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gap {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) strength: f64,
    pub(super) gain: f64,
    /// Silent, filled with something else, or too noisy to tell.
    pub(super) content: Content,
}

/// Sound beside the reference.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extra {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) above_db: f64,
    pub(super) z: f64,
}

/// The window in figures.
pub(super) struct Scan<'a> {
    heard: &'a Heard,
    /// Index of the first frame of the first cell.
    first: usize,
    end: usize,
    cell: usize,
    /// Share of all frequencies within the band.
    share: f64,
    pub(super) cells: Vec<Cell>,
    /// Usual gain round each cell.
    gains: Vec<f64>,
    /// Variance of a sample as the correlation with the direct sound sees it, per cell.
    variances: Vec<f64>,
    /// Power of a sample that the remainder usually has.
    floor: f64,
    /// Standard deviation of the gain of blocks of 2.5 ms.
    pub(super) sigma: f64,
}

impl<'a> Scan<'a> {
    pub(super) fn new(heard: &'a Heard, range: Range<usize>, rate: u32) -> Self {
        let cell = (rate / 100) as usize;
        let (dry, direct) = (&heard.dry, &heard.direct);
        let cells: Vec<Cell> =
            range.clone().step_by(cell).map(|from| sums(dry, direct, from..(from + cell).min(range.end))).collect();
        let share = 2.0 * (BAND.1.min(f64::from(rate) / 2.0) - BAND.0) / f64::from(rate);

        let mut sorted: Vec<f64> = cells.iter().map(Cell::gain).collect();
        sorted.sort_by(f64::total_cmp);
        let high = sorted.get(sorted.len() * 9 / 10).copied().unwrap_or(0.0).max(0.5);
        let mut jitter: Vec<f64> = cells.windows(2).map(|pair| (pair[1].gain() - pair[0].gain()).abs()).collect();
        let noise = 1.4826 * median(&mut jitter).unwrap_or(0.0) / 2f64.sqrt();
        let gains = usual_gains(&cells, (ALIVE * high).max(ALIVE_Z * noise).min(0.5 * high));

        let powers: Vec<f64> = cells.iter().zip(&gains).map(|(c, g)| c.remainder(*g) / cell as f64).collect();
        let mut ranked = powers.clone();
        ranked.sort_by(f64::total_cmp);
        // The lower quartile: half of the window may be gap.
        let floor = ranked.get(ranked.len() / 4).copied().unwrap_or(0.0);
        let local: Vec<f64> = (0..powers.len())
            .map(|n| {
                let around = &powers[n.saturating_sub(5)..(n + 6).min(powers.len())];
                (around.iter().sum::<f64>() / around.len() as f64).max(floor).max(1e-30)
            })
            .collect();

        // How much more of the remainder falls along the direct sound than white noise would: measured on blocks of 2.5 ms.
        let block = (rate / 400) as usize;
        let (mut scores, mut deviations) = (Vec::new(), Vec::new());
        for from in range.clone().step_by(block).filter(|from| from + block <= range.end) {
            let n = ((from - range.start) / cell).min(local.len().saturating_sub(1));
            let sum = dots(&dry[from..from + block], &direct[from..from + block]);
            if sum.1 > 0.0 {
                scores.push((sum.0 - gains[n] * sum.1) / (sum.1 * local[n]).sqrt());
                deviations.push(sum.0 / sum.1 - gains[n]);
            }
        }
        let spread = |values: &mut Vec<f64>| {
            let middle = median(values).unwrap_or(0.0);
            let mut off: Vec<f64> = values.iter().map(|v| (v - middle).abs()).collect();
            1.4826 * median(&mut off).unwrap_or(0.0)
        };
        let colour = spread(&mut scores).powi(2).max(1.0);
        let usual = median(&mut gains.clone()).unwrap_or(1.0).max(1e-9);
        let sigma = spread(&mut deviations) / usual;
        let variances = local.iter().map(|power| power * colour).collect();
        Self { heard, first: range.start, end: range.end, cell, share, cells, gains, variances, floor, sigma }
    }

    fn at(&self, index: usize) -> usize {
        ((index - self.first) / self.cell).min(self.cells.len().saturating_sub(1))
    }

    /// The usual gains over their mean for each frame of a window of `size` frames, if they differ by more than chance.
    pub(super) fn envelope(&self, size: usize) -> Option<Vec<f32>> {
        let mean = self.gains.iter().sum::<f64>() / self.gains.len().max(1) as f64;
        let (low, high) =
            self.gains.iter().fold((f64::MAX, 0.0), |(low, high), g| (f64::min(low, *g), f64::max(high, *g)));
        if mean <= 0.0 || high - low < mean * f64::max(0.15, self.sigma) {
            return None;
        }
        let gain = |index: usize| self.gains[self.at(index.clamp(self.first, self.end.saturating_sub(1)))] / mean;
        let mut envelope: Vec<f32> = (0..size).map(|index| gain(index) as f32).collect();
        for n in self.steps() {
            let (from, to) = ((n - 2) * self.cell + self.first, ((n + 2) * self.cell + self.first).min(self.end));
            let at = self.step_place(from..to, self.gains[n - 1], self.gains[n]);
            envelope[from..at].fill((self.gains[n - 1] / mean) as f32);
            envelope[at..to].fill((self.gains[n] / mean) as f32);
        }
        Some(envelope)
    }

    /// Cells at which the usual gain steps by more than a tenth.
    fn steps(&self) -> impl Iterator<Item = usize> {
        let gains = &self.gains;
        (2..gains.len()).filter(move |&n| (gains[n] - gains[n - 1]).abs() > 0.1 * gains[n].max(gains[n - 1]))
    }

    /// Where within `range` the gain most likely changed.
    fn step_place(&self, range: Range<usize>, before: f64, after: f64) -> usize {
        let cost = |index: usize, gain: f64| {
            (f64::from(self.heard.dry[index]) - gain * f64::from(self.heard.direct[index])).powi(2)
        };
        let (mut sum, mut best) = (0.0, (0.0, range.start));
        for index in range {
            sum += cost(index, before) - cost(index, after);
            if sum < best.0 {
                best = (sum, index + 1);
            }
        }
        best.1
    }

    /// Usual gain at a cell.
    pub(super) fn usual(&self, cell: usize) -> f64 {
        self.gains[cell]
    }

    /// Gain over `range` relative to the usual one, and in its standard deviations as the remainder there has them.
    pub(super) fn gain_over(&self, range: Range<usize>) -> (f64, f64) {
        if range.is_empty() {
            return (0.0, 0.0);
        }
        let usual = self.gain_at(range.start).max(1e-9);
        let (ep, pp) = dots(&self.heard.dry[range.clone()], &self.heard.direct[range.clone()]);
        let ee: f64 = self.heard.dry[range.clone()].iter().map(|v| f64::from(*v).powi(2)).sum();
        let rest = (ee - ep * ep / pp.max(1e-30)).max(1e-30);
        let sigma = (rest / (range.len() as f64 * self.share).max(1.0) / pp.max(1e-30)).sqrt();
        (ep / pp.max(1e-30) / usual, ep / pp.max(1e-30) / sigma)
    }

    pub(super) fn frames_per_cell(&self) -> f64 {
        self.cell as f64
    }

    /// Signal over noise per sample, as detection of gaps sees it, in each cell.
    pub(super) fn ratios(&self) -> Vec<f64> {
        let frames = self.cell as f64;
        self.cells
            .iter()
            .zip(self.gains.iter().zip(&self.variances))
            .map(|(cell, (gain, variance))| gain * gain * cell.pp / frames / variance)
            .collect()
    }

    /// Mean power of the direct sound and usual power of the remainder.
    pub(super) fn powers(&self) -> (f64, f64) {
        let frames = (self.end - self.first).max(1) as f64;
        let direct: f64 = self.cells.iter().zip(&self.gains).map(|(cell, gain)| gain * gain * cell.pp).sum();
        (direct / frames, self.floor)
    }

    pub(super) fn gain_at(&self, index: usize) -> f64 {
        self.gains[self.at(index)]
    }

    pub(super) fn variance(&self) -> f64 {
        median(&mut self.variances.clone()).unwrap_or(1.0)
    }

    /// All gaps: stretches in which half the usual gain or less is more likely than all of it.
    pub(super) fn gaps(&self) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = Vec::new();
        let (mut sum, mut start) = (0.0f64, self.first);
        let (mut best, mut best_at) = (0.0f64, self.first);
        let (mut gain, mut scale) = (0.0f32, 0.0f64);
        let (mut index, mut cell_end) = (self.first, self.first);
        while index < self.end {
            if index >= cell_end {
                let n = self.at(index);
                (gain, scale) = (self.gains[n] as f32, 0.5 / self.variances[n]);
                cell_end = self.first + (n + 1) * self.cell;
            }
            if sum <= 0.0 {
                (sum, start, best) = (0.0, index, 0.0);
            }
            let expected = gain * self.heard.direct[index];
            sum += f64::from(expected * (expected - 2.0 * self.heard.dry[index])) * scale;
            index += 1;
            if sum > best {
                (best, best_at) = (sum, index);
            }
            if best >= THRESHOLD && sum < best - ENDED {
                gaps.extend(self.judge(start, best_at, best));
                // What follows the end of the gap is looked at anew.
                (index, cell_end, sum) = (best_at, 0, 0.0);
            }
        }
        if best >= THRESHOLD && sum > 0.0 {
            gaps.extend(self.judge(start, best_at, best));
        }
        gaps
    }

    fn judge(&self, from: usize, to: usize, strength: f64) -> Option<Gap> {
        let usual = self.gain_at((from + to) / 2);
        let (ep, pp) = dots(&self.heard.dry[from..to], &self.heard.direct[from..to]);
        let ee: f64 = self.heard.dry[from..to].iter().map(|v| f64::from(*v).powi(2)).sum();
        let frames = (to - from) as f64;
        if pp <= 0.0 || usual <= 0.0 || to - from < SHORTEST {
            return None;
        }
        let gain = ep / pp / usual;
        // What remains at the best gain tells how well that gain is known, whatever the noise was elsewhere.
        let rest = (ee - ep * ep / pp).max(1e-30);
        let sigma = (rest / (frames * self.share).max(1.0) / pp).sqrt() / usual;
        if gain > 0.5 || (1.0 - gain) / sigma < DISTINCT {
            return None;
        }
        // A step of the level has the gap's gain on one side.
        let side = |range: Range<usize>| {
            let (ep, pp) = dots(&self.heard.dry[range.clone()], &self.heard.direct[range]);
            (pp > 0.0).then(|| ep / pp / usual)
        };
        let margin = 2 * self.cell;
        let before = side(from.saturating_sub(margin).max(self.first)..from);
        let after = side(to..(to + margin).min(self.end));
        let lowest = before.into_iter().chain(after).fold(1.0, f64::min);
        if gain > 0.1 && gain > 0.5 * lowest + 2.0 * sigma {
            return None;
        }
        // Long and not silent: a change of the level.
        if frames > 10.0 * self.cell as f64 && gain > 0.12 && gain > 5.0 * sigma {
            return None;
        }
        let expected = usual * usual * pp;
        let noise = self.floor * frames;
        let content = if ee - gain.max(0.0).powi(2) * expected > 2.0 * noise + 0.35 * expected {
            Content::Sound
        } else if expected > noise
            || (expected * (frames * self.share).sqrt() > 8.0 * noise && ee < noise + 0.35 * expected)
        {
            Content::Silence
        } else {
            Content::Unknown
        };
        Some(Gap { from, to, strength, gain: gain.clamp(0.0, 0.5), content })
    }

    /// Sound beside the reference: blocks whose remainder stands out of the usual one. `excluded` are stretches in which it means nothing.
    pub(super) fn extras(&self, excluded: &[Range<usize>]) -> Vec<Extra> {
        let mut remainder: Vec<f32> = Vec::with_capacity(self.end - self.first);
        for index in self.first..self.end {
            remainder.push(self.heard.dry[index] - self.gain_at(index) as f32 * self.heard.direct[index]);
        }
        let mut extras: Vec<Extra> = Vec::new();
        for block in [self.cell / 20, self.cell / 2] {
            if block < 8 || remainder.len() < 4 * block {
                continue;
            }
            let hop = block / 2;
            let starts: Vec<usize> = (0..=remainder.len() - block).step_by(hop).collect();
            let logs: Vec<f64> = starts
                .iter()
                .map(|&from| {
                    let sum: f64 = remainder[from..from + block].iter().map(|v| f64::from(*v).powi(2)).sum();
                    (sum / block as f64).max(1e-30).ln()
                })
                .collect();
            let middle = median(&mut logs.clone()).unwrap_or(0.0);
            let mut off: Vec<f64> = logs.iter().map(|v| (v - middle).abs()).collect();
            let spread = (1.4826 * median(&mut off).unwrap_or(0.0)).max(0.05);
            for (from, log) in starts.iter().zip(&logs) {
                let z = (log - middle) / spread;
                let (from, to) = (self.first + from, self.first + from + block);
                // Codecs and speakers leave more where the sound is louder; a remainder well below the sound must stand out twice as far.
                if z < EXTRA_Z
                    || log - middle < 2.0
                    || excluded.iter().any(|range| from < range.end && range.start < to)
                {
                    continue;
                }
                let above_db = (log - middle) * 10.0 / std::f64::consts::LN_10;
                match extras.iter_mut().find(|extra| from <= extra.to + hop && extra.from <= to + hop) {
                    Some(extra) => {
                        extra.from = extra.from.min(from);
                        extra.to = extra.to.max(to);
                        extra.above_db = extra.above_db.max(above_db);
                        extra.z = extra.z.max(z);
                    }
                    None => extras.push(Extra { from, to, above_db, z }),
                }
            }
        }
        extras.sort_by_key(|extra| extra.from);
        extras.dedup_by(|next, kept| {
            let touch = next.from <= kept.to;
            if touch {
                kept.to = kept.to.max(next.to);
                kept.above_db = kept.above_db.max(next.above_db);
                kept.z = kept.z.max(next.z);
            }
            touch
        });
        for extra in &mut extras {
            self.tighten(extra, &remainder);
        }
        extras
    }

    /// Narrows an extra to the blocks of 0.5 ms that hold more than a twentieth of its strongest.
    fn tighten(&self, extra: &mut Extra, remainder: &[f32]) {
        let block = (self.cell / 20).max(1);
        let part = &remainder[extra.from - self.first..(extra.to - self.first).min(remainder.len())];
        let powers: Vec<f32> = part.chunks(block).map(|piece| piece.iter().map(|v| v * v).sum()).collect();
        let limit = 0.05 * powers.iter().copied().fold(0.0, f32::max);
        let (first, last) =
            (powers.iter().position(|power| *power > limit), powers.iter().rposition(|power| *power > limit));
        if let (Some(first), Some(last)) = (first, last) {
            extra.to = (extra.from + (last + 1) * block).min(extra.to);
            extra.from += first * block;
        }
    }
}

/// Standard deviations of the logarithm of a block's power from which sound beside the reference counts.
pub(super) const EXTRA_Z: f64 = 8.0;

/// Median gain of the blocks round each that are alive; where none is, that of the nearest.
fn usual_gains(cells: &[Cell], alive: f64) -> Vec<f64> {
    const AROUND: usize = 50;
    let all: Vec<f64> = cells.iter().map(Cell::gain).collect();
    let mut gains: Vec<Option<f64>> = Vec::with_capacity(all.len());
    let mut near: Vec<f64> = Vec::with_capacity(2 * AROUND + 1);
    for n in 0..all.len() {
        near.clear();
        let around = &all[n.saturating_sub(AROUND)..(n + AROUND + 1).min(all.len())];
        near.extend(around.iter().copied().filter(|gain| *gain >= alive));
        gains.push(if near.len() >= around.len().min(10) { median(&mut near) } else { None });
    }
    let mut last = gains.iter().copied().flatten().next().unwrap_or(1.0);
    gains
        .into_iter()
        .map(|gain| {
            last = gain.unwrap_or(last);
            last
        })
        .collect()
}

fn sums(dry: &[f32], direct: &[f32], range: Range<usize>) -> Cell {
    let mut cell = Cell::default();
    for n in range {
        let (e, p) = (dry[n], direct[n]);
        let before = if n > 0 { direct[n - 1] } else { 0.0 };
        let after = direct.get(n + 1).copied().unwrap_or(0.0);
        let q = 0.5 * (after - before);
        cell.ep += f64::from(e * p);
        cell.pp += f64::from(p * p);
        cell.ee += f64::from(e * e);
        cell.eq += f64::from(e * q);
        cell.pq += f64::from(p * q);
        cell.qq += f64::from(q * q);
    }
    cell
}

fn dots(dry: &[f32], direct: &[f32]) -> (f64, f64) {
    dry.iter().zip(direct).fold((0.0, 0.0), |(ep, pp), (e, p)| (ep + f64::from(e * p), pp + f64::from(p * p)))
}
