//! Where the recording stands on the reference after it was lost: blocks are searched for, runs of them make plateaus, and between two
//! plateaus lies the most likely change point.

use std::ops::Range;

use super::clock::{fit, median};
use super::reference::Reference;
use super::response::Response;
use super::scan::THRESHOLD;
use super::window::{Line, Piece, Tools, Window};
use crate::fft::{Complex, Fft, fast_size};

/// Correlation over its RMS at all lags from which a block is located: 6.5 would be chance once in 1e6 blocks.
const LOCATED: f64 = 7.0;
/// Blocks that differ by more lie on different plateaus, in frames.
pub(super) const SAME: f64 = 0.6;
/// Half-width of the search in seconds: near for each block, far where near failed.
const NEAR_S: f64 = 0.25;
const FAR_S: f64 = 3.0;
/// Far searches per window; each costs as much as forty near ones.
const FAR_TRIES: usize = 8;

/// Blocks that agree on their alignment.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// Indices of the window from the start of the first block to the end of the last.
    pub(super) frames: Range<usize>,
    /// Frames of the recording by which the sound comes later than the line says: at its start and at its end.
    pub(super) late: (f64, f64),
}

/// Runs of a window and the line to which they refer.
#[derive(Debug, Clone)]
pub(super) struct Alignment {
    pub(super) line: Line,
    pub(super) runs: Vec<Run>,
}

struct Located {
    frames: Range<usize>,
    centre: i64,
    lag: f64,
    correlogram: Vec<f32>,
}

/// Aligns the blocks of `range` anew. `known` is the response of the window before, whose lags count as "not late".
pub(super) fn align(
    tools: &mut Tools,
    reference: &mut dyn Reference,
    window: &Window,
    range: Range<usize>,
    mut line: Line,
    known: Option<&Response>,
) -> Option<Alignment> {
    let mut blocks = locate(tools, reference, window, range.clone(), line);
    let mut runs = split(&blocks);
    let longest = |runs: &[Range<usize>]| runs.iter().max_by_key(|run| run.len()).cloned();
    // A drift that was told wrong shows as a slope of the lags.
    let base = longest(&runs)?;
    let points: Vec<(f64, f64, f64)> = blocks[base.clone()]
        .iter()
        .map(|block| (block.frames.start as f64, block.centre as f64 + block.lag, 0.1))
        .collect();
    if let Some(slope) = fit(&points)
        && base.len() >= 5
        && (slope.slope * (points[points.len() - 1].0 - points[0].0)).abs() > 0.5
    {
        let pivot = (window.origin + blocks[base.start].frames.start as i64) as f64;
        line = Line { at: pivot, reference: line.map(pivot), step: line.step * (1.0 - slope.slope) };
        blocks = locate(tools, reference, window, range, line);
        runs = split(&blocks);
    }
    let base = longest(&runs)?;
    let model = mean(&blocks[base.clone()]);
    let reach = (model.len() / 2) as i64;
    let base_lag = blocks[base.clone()].iter().map(|block| block.lag).sum::<f64>() / base.len() as f64;
    // The base against what was known of the path.
    let base_centre = blocks[base.start].centre;
    let base_late = match known {
        Some(known) => {
            let taps = known_taps(known, reach);
            base_centre as f64 + shift(&mut tools.fft, &model, &taps, base_lag - known.peak as f64)
        }
        None => {
            let lag = blocks[base.start].lag + base_centre as f64;
            if (-200.0..=480.0).contains(&lag) { 0.0 } else { lag }
        }
    };
    let mut late = |part: &[Located]| {
        let about = part.iter().map(|block| block.lag).sum::<f64>() / part.len() as f64 - base_lag;
        let shift = shift(&mut tools.fft, &mean(part), &model, about);
        base_late + (part[0].centre - base_centre) as f64 + shift
    };
    let mut found: Vec<Run> = Vec::new();
    for run in runs {
        let (first, last) =
            (run.start..(run.start + 5).min(run.end), run.end.saturating_sub(5).max(run.start)..run.end);
        let start = late(&blocks[first]);
        let end = if run.len() > 5 { late(&blocks[last]) } else { start };
        let frames = blocks[run.start].frames.start..blocks[run.end - 1].frames.end;
        match found.last_mut() {
            Some(before) if (before.late.1 - start).abs() < SAME => {
                before.frames.end = frames.end;
                before.late.1 = end;
            }
            _ => found.push(Run { frames, late: (start, end) }),
        }
    }
    Some(Alignment { line, runs: found })
}

fn locate(
    tools: &mut Tools,
    reference: &mut dyn Reference,
    window: &Window,
    range: Range<usize>,
    line: Line,
) -> Vec<Located> {
    let rate = f64::from(window.rate);
    let (near, far) = ((NEAR_S * rate) as usize, (FAR_S * rate) as usize);
    let edge = far + near;
    let block = window.rate as usize / 10;
    let origin = window.origin + range.start as i64 - edge as i64;
    let whole = [Piece { from: i64::MIN, line }];
    let played = tools.warp(reference, &whole, origin, range.len() + 2 * edge);
    // Index of `played` that belongs to an index of the window.
    let place = |index: usize| index - range.start + edge;
    let look = |fft: &mut Fft<f32>, frames: Range<usize>, centre: i64, reach: usize| -> Option<Located> {
        let from = place(frames.start) as i64 - centre - reach as i64;
        let from = usize::try_from(from).ok()?;
        let source = played.get(from..from + frames.len() + 2 * reach)?;
        let correlogram = correlate(fft, &window.samples[frames.clone()], source, reach);
        let (lag, z) = peak(&correlogram)?;
        (z >= LOCATED).then_some(Located { frames, centre, lag: lag - reach as f64, correlogram })
    };
    let mut starts: Vec<usize> = range.clone().step_by(block).collect();
    if starts.len() > 1 && starts.last().is_some_and(|start| range.end - start < block / 5) {
        starts.pop();
    }
    let frames = |start: usize| start..(start + block).min(range.end);
    let mut found: Vec<Option<Located>> =
        starts.iter().map(|&start| look(&mut tools.fft, frames(start), 0, near)).collect();
    let power = |frames: Range<usize>| {
        window.samples[frames.clone()].iter().map(|v| f64::from(v * v)).sum::<f64>() / frames.len().max(1) as f64
    };
    let usual = median(&mut starts.iter().map(|&start| power(frames(start))).collect::<Vec<f64>>()).unwrap_or(0.0);
    let (mut tries, mut n) = (0, 0);
    while n + 4 <= found.len() && tries < FAR_TRIES {
        if found[n..n + 4].iter().any(Option::is_some) {
            n += 1;
            continue;
        }
        let long = starts[n]..(starts[n + 3] + block).min(range.end);
        if power(long.clone()) < 0.4 * usual {
            n += 1;
            continue;
        }
        tries += 1;
        let Some(hit) = look(&mut tools.fft, long, 0, far) else {
            n += 4;
            continue;
        };
        let centre = hit.lag.round() as i64;
        for (start, slot) in starts.iter().zip(&mut found).skip(n) {
            if slot.is_none() {
                *slot = look(&mut tools.fft, frames(*start), centre, near);
            }
        }
        n += 4;
    }
    found.into_iter().flatten().collect()
}

/// Lag of each block of `width` frames of `range` round `about`, in frames, as far as 100 frames to either side: small jumps make one response
/// of two, which explains both sides of the jump and hides it from all else.
pub(super) fn small_lags(
    fft: &mut Fft<f32>,
    heard: &[f32],
    played: &[f32],
    range: Range<usize>,
    width: usize,
    about: i64,
) -> Vec<Option<f64>> {
    const REACH: usize = 100;
    let lag = |from: usize| {
        let source = usize::try_from(from as i64 - about - REACH as i64).ok()?;
        let block = heard.get(from..(from + width).min(range.end))?;
        let source = played.get(source..source + block.len() + 2 * REACH)?;
        peak(&correlate(fft, block, source, REACH)).map(|(at, _)| at - REACH as f64)
    };
    range.clone().step_by(width).map(lag).collect()
}

/// `out[lag + reach]` = sum of heard(t) played(t - lag), the lag from `-reach` to `reach`; `played` starts `reach` frames before `heard`.
fn correlate(fft: &mut Fft<f32>, heard: &[f32], played: &[f32], reach: usize) -> Vec<f32> {
    let size = fast_size(played.len());
    let mut spectrum = fft.forward(played, size);
    for (value, heard) in spectrum.iter_mut().zip(fft.forward(heard, size)) {
        *value *= heard.conj();
    }
    let mut out = fft.inverse(spectrum, size);
    out.truncate(2 * reach + 1);
    out.reverse();
    out
}

/// Place of the strongest value with its fraction, and its height over the RMS of all else.
fn peak(values: &[f32]) -> Option<(f64, f64)> {
    const GUARD: usize = 100;
    let at = (0..values.len()).max_by(|&a, &b| values[a].abs().total_cmp(&values[b].abs()))?;
    let outside = values[..at.saturating_sub(GUARD)].iter().chain(values.get(at + GUARD..).unwrap_or(&[]));
    let (count, sum) = outside.fold((0.0, 0.0), |(n, sum), v| (n + 1.0, sum + f64::from(*v).powi(2)));
    let rms = (sum / f64::max(count, 1.0)).sqrt();
    if values[at] == 0.0 {
        return None;
    }
    let value = |n: Option<usize>| n.and_then(|n| values.get(n)).map_or(0.0, |v| f64::from(*v));
    let (a, b, c) = (value(at.checked_sub(1)), f64::from(values[at]), value(at.checked_add(1)));
    let curvature = a - 2.0 * b + c;
    let fraction = if curvature == 0.0 { 0.0 } else { (0.5 * (a - c) / curvature).clamp(-0.5, 0.5) };
    Some((at as f64 + fraction, b.abs() / rms.max(1e-30)))
}

/// Runs of blocks whose lags agree with their neighbours.
fn split(blocks: &[Located]) -> Vec<Range<usize>> {
    let lag = |n: usize| blocks[n].centre as f64 + blocks[n].lag;
    let mut runs: Vec<Range<usize>> = Vec::new();
    for n in 0..blocks.len() {
        match runs.last_mut() {
            Some(run) if blocks[n].centre == blocks[n - 1].centre && (lag(n) - lag(n - 1)).abs() <= SAME => {
                run.end = n + 1;
            }
            _ => runs.push(n..n + 1),
        }
    }
    runs
}

fn mean(blocks: &[Located]) -> Vec<f32> {
    let mut sum = vec![0.0; blocks.first().map_or(0, |block| block.correlogram.len())];
    for block in blocks {
        for (sum, value) in sum.iter_mut().zip(&block.correlogram) {
            *sum += value;
        }
    }
    sum
}

fn known_taps(known: &Response, reach: i64) -> Vec<f32> {
    let mut taps = vec![0.0; 2 * reach as usize + 1];
    let mut put = |first: i64, values: &[f32]| {
        for (n, value) in values.iter().enumerate() {
            if let Some(tap) = usize::try_from(first + n as i64 + reach).ok().and_then(|n| taps.get_mut(n)) {
                *tap += value;
            }
        }
    };
    put(known.early_from(), &known.early);
    put(-(super::response::LEAD as i64), &known.late);
    taps
}

/// How many lags later `a` looks like `b`: all reflections decide it, not the one that is strongest. Where the strongest says `about`, the
/// others may shift it by what lies between two reflections, and by no more.
fn shift(fft: &mut Fft<f32>, a: &[f32], b: &[f32], about: f64) -> f64 {
    const BETWEEN: i64 = 1500;
    let size = fast_size(a.len() + b.len());
    let mut spectrum = fft.forward(a, size);
    for (value, b) in spectrum.iter_mut().zip(fft.forward(b, size)) {
        *value *= Complex::new(b.re, -b.im);
    }
    let product = fft.inverse(spectrum, size);
    let middle = about.round() as i64;
    let around: Vec<f32> =
        (middle - BETWEEN..=middle + BETWEEN).map(|lag| product[lag.rem_euclid(size as i64) as usize]).collect();
    peak(&around).map_or(about, |(at, _)| at + (middle - BETWEEN) as f64)
}

/// The most likely instants at which the sound along `before` ended and that along `after` began; silence between, if it is likelier by
/// [`THRESHOLD`] than a change at once. All three are stretches of the same frames.
pub(super) fn change_point(dry: &[f32], before: &[f32], after: &[f32], variance: f64) -> (usize, usize) {
    let scale = 0.5 / variance.max(1e-30);
    let square = |x: f32| f64::from(x * x) * scale;
    // Costs so far of: all before; the best change to silence; then from the back what `after` costs.
    let count = dry.len();
    let mut rest = vec![0.0; count + 1];
    for n in (0..count).rev() {
        rest[n] = rest[n + 1] + square(dry[n] - after[n]);
    }
    let (mut sound, mut silence) = (0.0, 0.0);
    let (mut ended, mut ended_cost) = (0, 0.0f64);
    let (mut direct, mut gap) = ((f64::INFINITY, 0), (f64::INFINITY, 0, 0));
    for n in 0..=count {
        if sound - silence < ended_cost {
            (ended, ended_cost) = (n, sound - silence);
        }
        if sound + rest[n] < direct.0 {
            direct = (sound + rest[n], n);
        }
        let total = ended_cost + silence + rest[n];
        if total < gap.0 {
            gap = (total, ended, n);
        }
        if n < count {
            sound += square(dry[n] - before[n]);
            silence += square(dry[n]);
        }
    }
    if gap.0 + THRESHOLD < direct.0 { (gap.1, gap.2) } else { (direct.1, direct.1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::gaussian;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rstest::rstest;

    fn noise(frames: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..frames).map(|_| gaussian(&mut rng) as f32).collect()
    }

    #[rstest]
    #[case(500, 500)]
    #[case(300, 700)]
    #[case(0, 400)]
    #[case(900, 1000)]
    fn a_change_point_is_where_it_was_planted(#[case] ended: usize, #[case] began: usize) {
        let (before, after, hiss) = (noise(1000, 1), noise(1000, 2), noise(1000, 3));
        let dry: Vec<f32> = (0..1000)
            .map(|n| {
                let sound = if n < ended {
                    before[n]
                } else if n >= began {
                    after[n]
                } else {
                    0.0
                };
                sound + 0.1 * hiss[n]
            })
            .collect();
        let (from, to) = change_point(&dry, &before, &after, 0.01);
        assert!(from.abs_diff(ended) <= 1 && to.abs_diff(began) <= 1, "{from}..{to}");
    }

    #[rstest]
    fn the_lag_of_a_copy_is_found(#[values(-300, -1, 0, 17, 299)] lag: i64) {
        let played = noise(3000, 4);
        let heard: Vec<f32> = (0..2000).map(|t| played[(t + 500 - lag) as usize]).collect();
        let found = correlate(&mut Fft::default(), &heard, &played, 500);
        let (at, z) = peak(&found).expect("there is a copy");
        assert!((at - 500.0 - lag as f64).abs() < 0.2 && z > 20.0, "{at} {z}");
    }
}
