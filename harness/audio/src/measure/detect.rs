//! Finding markers: whitened matched filters for both sweeps, the peaks compared with everything else in the recording.

use std::collections::HashMap;

use super::findings::MarkerFinding;
use crate::fft::{Complex, Fft, bins, fast_size};
use crate::stimulus::{MARKER_BAND, MARKER_S, Part, PartKind, Sweep, Triplet};

/// Half-width round a peak that is not sidelobe: room reflections fall into it. Tuned together with [`MIN_PSR`] on rooms up to 1 m.
pub(super) const GUARD_S: f64 = 0.020;
/// Peak over sidelobes from which a marker counts: 6 dB, against at most 1.74 of any material without markers.
pub(super) const MIN_PSR: f64 = 2.0;
/// How far two markers of a triplet may lie from their spacing.
pub(super) const SPACING_S: f64 = 0.0005;

/// Copies of the sound are looked for so far before and after it.
const COPIES_S: f64 = 0.55;
/// So many of them: a second speaker, and what a source plays by itself.
const MOST_COPIES: usize = 2;
/// Half-width over which the spectrum is averaged for whitening: several teeth of the comb that markers 0.17 s apart make (6 Hz each).
const WHITEN_HZ: f64 = 25.0;
/// Cells of the coarse search per second: 0.25 ms each.
const CELLS_PER_S: u32 = 4000;
/// How far the last triplet may move against the first: 200 ms, far more than drift, so that a skip or a stall is not taken for silence.
const SLACK_CELLS: i64 = 800;
/// How far drift moves it at least: 2000 ppm over 2.5 s.
const DRIFT_CELLS: i64 = 20;
/// The same over a longer stimulus, per frame.
const DRIFT: f64 = 2000e-6;
/// What a place beyond drift is worth: two markers cut off from their third must not move onto its neighbours' places.
const MOVED: f32 = 0.75;
/// Correlation without any sidelobe is possible only on paper.
const MAX_PSR: f64 = 1e6;

/// A stretch of the recording after the matched filters.
pub(super) struct Traces {
    rate: u32,
    cell: usize,
    /// Magnitude per lag, for rising and for falling sweeps.
    correlation: [Vec<f32>; 2],
    /// Its maximum per cell.
    cells: [Vec<f32>; 2],
    /// The maximum over two cells on both sides: what a search with a tolerance of 0.5 ms sees.
    near: [Vec<f32>; 2],
}

/// Templates for the whitened matched filter, kept per rate and length.
#[derive(Default)]
pub(super) struct Detector {
    templates: HashMap<(u32, usize), [Vec<Complex<f32>>; 2]>,
}

/// Where the markers of one layout would lie.
pub(super) struct Hypothesis {
    /// The markers, frames relative to the traces.
    pub(super) markers: Vec<MarkerFinding>,
    /// Correlation at each of them.
    pub(super) peaks: Vec<f32>,
    /// Lags at which all of them are heard once more, in cells.
    copies: Vec<i64>,
}

fn side(sweep: Sweep) -> usize {
    match sweep {
        Sweep::Up => 0,
        Sweep::Down => 1,
    }
}

fn marker_of(part: &Part) -> Option<(Triplet, Sweep)> {
    match part.kind {
        PartKind::Marker { triplet, sweep, .. } => Some((triplet, sweep)),
        _ => None,
    }
}

impl Detector {
    /// Runs both matched filters over `samples`.
    pub(super) fn traces(&mut self, fft: &mut Fft<f32>, samples: &[f32], rate: u32) -> Traces {
        let marker_frames = (MARKER_S * f64::from(rate)).round() as usize;
        let size = fast_size(samples.len() + marker_frames);
        let band = bins(size, rate, MARKER_BAND);
        let templates = self.templates.entry((rate, size)).or_insert_with(|| {
            [Sweep::Up, Sweep::Down].map(|sweep| {
                let marker: Vec<f32> = sweep.marker(rate).into_iter().map(|sample| sample as f32).collect();
                fft.forward(&marker, size)[band.clone()].iter().map(|value| unit(value.conj())).collect()
            })
        });
        let mut spectrum = fft.forward(samples, size);
        whiten(&mut spectrum[band.clone()], (WHITEN_HZ * size as f64 / f64::from(rate)) as usize);
        let correlation = [0, 1].map(|side| {
            let mut product = vec![Complex::default(); size / 2 + 1];
            let inputs = spectrum[band.clone()].iter().zip(&templates[side]);
            for (out, (value, template)) in product[band.clone()].iter_mut().zip(inputs) {
                *out = value * template;
            }
            let mut trace = fft.inverse(product, size);
            trace.truncate(samples.len());
            for value in &mut trace {
                *value = value.abs();
            }
            trace
        });
        let cell = (rate / CELLS_PER_S).max(1) as usize;
        let cells = correlation.each_ref().map(|trace| trace.chunks(cell).map(largest).collect::<Vec<_>>());
        let near = cells.each_ref().map(|cells| {
            let window = |n: usize| &cells[n.saturating_sub(2)..(n + 3).min(cells.len())];
            (0..cells.len()).map(|n| largest(window(n))).collect()
        });
        Traces { rate, cell, correlation, cells, near }
    }
}

impl Traces {
    /// The best place for the markers of `parts`, with frame 0 of the stimulus within `range` (frames relative to the traces).
    pub(super) fn search(&self, parts: &[Part], range: (f64, f64)) -> Option<Hypothesis> {
        let first = self.sums(parts, Triplet::First);
        let last = self.sums(parts, Triplet::Last);
        let cell = self.cell as f64;
        let (from, to) = ((range.0 / cell).floor() as i64, (range.1 / cell).ceil() as i64);
        let reach = -(parts.iter().map(Part::range).map(|range| range.end).max()? as i64) / self.cell as i64;
        let apart = parts.iter().filter(|part| marker_of(part).is_some()).map(|part| part.start).max()?;
        let drift = DRIFT_CELLS.max((DRIFT * apart as f64 / cell) as i64);
        let drifted = largest_around(&last, drift as usize);
        let moved = largest_around(&last, SLACK_CELLS as usize);
        let begin = from.max(reach);
        let end = to.min(self.cells[0].len() as i64);
        // `sums` starts at `reach`; values before or behind it count as nothing.
        let value = |sums: &[f32], n: i64| usize::try_from(n).ok().and_then(|n| sums.get(n)).copied().unwrap_or(0.0);
        let best = (begin..=end).max_by(|&a, &b| {
            let last = |n: i64| value(&drifted, n - reach).max(MOVED * value(&moved, n - reach));
            let score = |n: i64| value(&first, n - reach) + last(n);
            // The earlier of equals.
            score(a).total_cmp(&score(b)).then(b.cmp(&a))
        })?;
        let last_start = (-SLACK_CELLS..=SLACK_CELLS).max_by(|&a, &b| {
            let worth = |slack: i64| {
                let value = value(&last, best + slack - reach);
                if slack.abs() <= drift { value } else { MOVED * value }
            };
            // Of equals the one that needs the least movement.
            worth(a).total_cmp(&worth(b)).then(b.abs().cmp(&a.abs()))
        })?;
        let last_start = best + last_start;
        let found = self.evaluate(parts, best, last_start);
        // The first of several copies is the arrival, whichever is the loudest.
        match found.copies.iter().min() {
            Some(&earlier) if earlier < 0 => Some(self.evaluate(parts, best + earlier, last_start + earlier)),
            _ => Some(found),
        }
    }

    /// Sum of the correlations of one triplet for each cell in which the stimulus may start, from the earliest that still touches the
    /// recording.
    fn sums(&self, parts: &[Part], wanted: Triplet) -> Vec<f32> {
        let cells = self.cells[0].len();
        let earliest = parts.iter().map(|part| part.range().end).max().unwrap_or(0) / self.cell;
        let mut sums = vec![0.0f32; earliest + cells];
        for part in parts {
            if let Some((triplet, sweep)) = marker_of(part)
                && triplet == wanted
            {
                // Start cell n - earliest puts this marker into cell n - earliest + offset.
                let offset = (part.start as f64 / self.cell as f64).round() as usize;
                let skip = earliest.saturating_sub(offset);
                for (sum, value) in sums[skip..].iter_mut().zip(&self.near[side(sweep)]) {
                    *sum += value;
                }
            }
        }
        sums
    }

    /// Peaks and sidelobes of the markers, the first triplet for a start in cell `first`, the last one for `last`.
    fn evaluate(&self, parts: &[Part], first: i64, last: i64) -> Hypothesis {
        let mut markers = Vec::new();
        let mut peaks = Vec::new();
        for part in parts {
            let Some((triplet, sweep)) = marker_of(part) else { continue };
            let start = match triplet {
                Triplet::First => first,
                Triplet::Last => last,
            };
            let expected = start * self.cell as i64 + part.start as i64;
            let trace = &self.correlation[side(sweep)];
            let clamp = |frame: i64| (frame.max(0) as usize).min(trace.len());
            let window = clamp(expected - 3 * self.cell as i64)..clamp(expected + 4 * self.cell as i64);
            let peak = trace[window.clone()].iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            let (offset, peak) = peak.map_or((0, 0.0), |(offset, peak)| (offset, *peak));
            markers.push(MarkerFinding { kind: part.kind, psr: 0.0, frame: window.start + offset, found: false });
            peaks.push(peak);
        }
        let mut copies = Vec::new();
        let mut sidelobe = self.sidelobes(&markers, &peaks, &copies);
        while copies.len() < MOST_COPIES
            && let Some((lag, without)) = self.copy(&markers, &peaks, &copies)
        {
            copies.push(lag);
            sidelobe = without;
        }
        for (marker, peak) in markers.iter_mut().zip(&peaks) {
            let background = marker_side(marker).map_or(0.0, |side| sidelobe[side]);
            marker.psr = if *peak <= 0.0 { 0.0 } else { f64::from(peak / background.max(1e-9)).min(MAX_PSR) };
        }
        let mut hypothesis = Hypothesis { markers, peaks, copies };
        hypothesis.agree(parts, self.rate);
        hypothesis
    }

    /// The highest correlation of either kind beside the markers and their copies.
    fn sidelobes(&self, markers: &[MarkerFinding], peaks: &[f32], copies: &[i64]) -> [f32; 2] {
        let guard = (GUARD_S * f64::from(self.rate)) as i64 / self.cell as i64;
        [0, 1].map(|side| {
            let mut masked = self.cells[side].clone();
            let own =
                markers.iter().zip(peaks).filter(|(marker, peak)| marker_side(marker) == Some(side) && **peak > 0.0);
            for centre in own.map(|(marker, _)| (marker.frame / self.cell) as i64) {
                for at in copies.iter().chain(&[0]).map(|lag| centre + lag) {
                    let clamp = |cell: i64| cell.clamp(0, masked.len() as i64) as usize;
                    let (from, to) = (clamp(at - guard), clamp(at + guard + 1));
                    masked[from..to].fill(0.0);
                }
            }
            largest(&masked)
        })
    }

    /// A copy of all the markers, as another speaker or a second way of the sound makes one: its lag in cells, and the sidelobes without it.
    /// It has to stand out of all the rest as much as the markers themselves, or it would lend its strength to whatever is loud.
    fn copy(&self, markers: &[MarkerFinding], peaks: &[f32], known: &[i64]) -> Option<(i64, [f32; 2])> {
        let per_second = (self.rate as usize / self.cell) as f64;
        let (guard, reach) = ((GUARD_S * per_second) as i64, (COPIES_S * per_second) as i64);
        let apart = |lag: &i64| known.iter().chain(&[0]).all(|known| (lag - known).abs() > guard);
        let heights = |lag: i64| {
            let heard = markers.iter().zip(peaks).filter(|(_, peak)| **peak > 0.0);
            heard.filter_map(move |(marker, _)| {
                let side = marker_side(marker)?;
                let at = usize::try_from((marker.frame / self.cell) as i64 + lag).ok()?;
                Some((side, *self.near[side].get(at)?))
            })
        };
        let least = |lag: i64| {
            let (count, least) =
                heights(lag).fold((0, f32::INFINITY), |(count, least), (_, height)| (count + 1, least.min(height)));
            if count == markers.len() { least } else { 0.0 }
        };
        let (lag, _) =
            (-reach..=reach).filter(apart).map(|lag| (lag, least(lag))).max_by(|a, b| a.1.total_cmp(&b.1))?;
        let copies: Vec<i64> = known.iter().copied().chain([lag]).collect();
        let without = self.sidelobes(markers, peaks, &copies);
        let stands_out =
            |(side, height): (usize, f32)| height > 0.0 && f64::from(height) >= MIN_PSR * f64::from(without[side]);
        let found = least(lag) > 0.0 && heights(lag).all(stands_out);
        found.then_some((lag, without))
    }

    /// Whether three markers stand out that are spaced like a triplet of one of these other layouts.
    pub(super) fn holds_foreign(&self, layouts: impl Iterator<Item = Vec<Part>>) -> bool {
        let strong = [self.strongest(0), self.strongest(1)];
        // Six markers mask six peaks at most, so the seventh is a sidelobe whatever the layout: most layouts end here.
        let least = strong.each_ref().map(|peaks| peaks.get(6).map_or(0.0, |(_, height)| MIN_PSR as f32 * height));
        layouts.into_iter().any(|parts| {
            [Triplet::First, Triplet::Last].into_iter().any(|wanted| {
                let triplet: Vec<(&Part, usize)> = parts
                    .iter()
                    .filter_map(|part| {
                        marker_of(part).filter(|(triplet, _)| *triplet == wanted).map(|(_, sweep)| (part, side(sweep)))
                    })
                    .collect();
                let Some(&(lead, lead_side)) = triplet.first() else { return false };
                strong[lead_side].iter().any(|&(cell, _)| {
                    let start = cell as i64 - (lead.start / self.cell) as i64;
                    let likely = triplet.iter().all(|(part, side)| {
                        let at = start + (part.start as f64 / self.cell as f64).round() as i64;
                        let height = usize::try_from(at).ok().and_then(|at| self.near[*side].get(at));
                        height.is_some_and(|height| *height >= least[*side])
                    });
                    likely && self.evaluate(&parts, start, start).established(wanted) == 3
                })
            })
        })
    }

    /// Cells and heights of the strongest peaks of one trace, a guard apart.
    fn strongest(&self, side: usize) -> Vec<(usize, f32)> {
        let guard = (GUARD_S * f64::from(self.rate)) as usize / self.cell;
        let mut left = self.cells[side].clone();
        (0..12)
            .filter_map(|_| {
                let (cell, height) = left.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
                let end = (cell + guard + 1).min(left.len());
                left[cell.saturating_sub(guard)..end].fill(0.0);
                (height > 0.0).then_some((cell, height))
            })
            .collect()
    }
}

impl Hypothesis {
    /// Marks the markers that stand out and agree with the others of their triplet.
    fn agree(&mut self, parts: &[Part], rate: u32) {
        let starts: Vec<usize> = parts.iter().filter(|part| marker_of(part).is_some()).map(|part| part.start).collect();
        let offset = |n: usize, markers: &[MarkerFinding]| markers[n].frame as i64 - starts[n] as i64;
        let limit = (SPACING_S * f64::from(rate)) as i64;
        let agrees = |a: usize, b: usize, markers: &[MarkerFinding]| {
            markers[a].psr >= MIN_PSR
                && markers[b].psr >= MIN_PSR
                && triplet_of(&markers[a]) == triplet_of(&markers[b])
                && (offset(a, markers) - offset(b, markers)).abs() < limit
        };
        let count = self.markers.len();
        let friends: Vec<usize> =
            (0..count).map(|a| (0..count).filter(|&b| agrees(a, b, &self.markers)).count()).collect();
        for wanted in [Triplet::First, Triplet::Last] {
            let members = (0..count).filter(|&n| triplet_of(&self.markers[n]) == Some(wanted));
            let Some(reference) = members.max_by_key(|&n| friends[n]) else { continue };
            for n in 0..count {
                if friends[reference] >= 2 && agrees(reference, n, &self.markers) {
                    self.markers[n].found = true;
                }
            }
        }
    }

    /// How many markers of a triplet stand out and agree: 0, 2 or 3.
    pub(super) fn established(&self, triplet: Triplet) -> usize {
        self.markers.iter().filter(|marker| marker.found && triplet_of(marker) == Some(triplet)).count()
    }

    /// How good the whole is, for comparing stretches of a long recording.
    pub(super) fn score(&self) -> f64 {
        self.markers.iter().map(|marker| marker.psr.min(10.0)).sum()
    }
}

pub(super) fn triplet_of(marker: &MarkerFinding) -> Option<Triplet> {
    match marker.kind {
        PartKind::Marker { triplet, .. } => Some(triplet),
        _ => None,
    }
}

fn marker_side(marker: &MarkerFinding) -> Option<usize> {
    match marker.kind {
        PartKind::Marker { sweep, .. } => Some(side(sweep)),
        _ => None,
    }
}

/// Divides every value by the root of the mean power in `reach` bins on both sides of it.
///
/// The plain whitened filter (each value by its own magnitude) takes the comb that equal sweeps make of the spectrum for colour and answers
/// with ghosts at their distances, up to a quarter of the peaks. Over some teeth the comb averages out, and the colour of speaker, room and
/// noise remains.
fn whiten(values: &mut [Complex<f32>], reach: usize) {
    let mut sums = Vec::with_capacity(values.len() + 1);
    let mut sum = 0.0f64;
    sums.push(0.0);
    for value in values.iter() {
        sum += f64::from(value.norm_sqr());
        sums.push(sum);
    }
    let count = values.len();
    for (n, value) in values.iter_mut().enumerate() {
        let (from, to) = (n.saturating_sub(reach), (n + reach + 1).min(count));
        let mean = (sums[to] - sums[from]) / (to - from) as f64;
        *value =
            if mean > f64::from(f32::MIN_POSITIVE) { *value * mean.sqrt().recip() as f32 } else { Complex::default() };
    }
}

fn unit(value: Complex<f32>) -> Complex<f32> {
    let power = value.norm_sqr();
    if power > f32::MIN_POSITIVE { value * power.sqrt().recip() } else { Complex::default() }
}

fn largest(values: &[f32]) -> f32 {
    values.iter().copied().fold(0.0, f32::max)
}

/// The maximum within `reach` values on both sides of each value, in linear time: running maxima of blocks from both ends.
fn largest_around(values: &[f32], reach: usize) -> Vec<f32> {
    let width = 2 * reach + 1;
    let padded = |n: usize| n.checked_sub(reach).and_then(|n| values.get(n)).copied().unwrap_or(0.0);
    let count = values.len() + 2 * reach;
    let mut rising = vec![0.0f32; count];
    let mut falling = vec![0.0f32; count];
    for n in 0..count {
        rising[n] = if n % width == 0 { padded(n) } else { rising[n - 1].max(padded(n)) };
    }
    for n in (0..count).rev() {
        falling[n] = if n % width == width - 1 || n == count - 1 { padded(n) } else { falling[n + 1].max(padded(n)) };
    }
    (0..values.len()).map(|n| falling[n].max(rising[n + width - 1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_maxima_agree_with_their_definition() {
        let values: Vec<f32> = (0..101u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 20) as f32).collect();
        for reach in [0, 1, 7, 50, 300] {
            let plain: Vec<f32> = (0..values.len())
                .map(|n| largest(&values[n.saturating_sub(reach)..(n + reach + 1).min(values.len())]))
                .collect();
            assert_eq!(largest_around(&values, reach), plain, "reach {reach}");
        }
        assert!(largest_around(&[], 3).is_empty());
    }
}
