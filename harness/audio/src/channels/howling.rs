//! Howling: acoustic feedback between a speaker and a microphone that feeds it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::excerpt::{Excerpt, outcome};
use crate::fft::{Complex, Fft};
use crate::measure::{Outcome, Reason, dbfs};
use crate::window::hann;

/// Frames per window at 48 kHz, and of one step.
const WINDOW: usize = 4096;
const HOP: usize = 1024;
/// Peak over average of the spectrum (PAPR), in dB.
const PAPR_DB: f64 = 20.0;
/// Peak over its neighbours (PNPR), in dB; these are the bins beyond the window's main lobe up to the fifth.
const PNPR_DB: f64 = 15.0;
const NEIGHBOURS: std::ops::RangeInclusive<usize> = 3..=5;
/// Peak over its second and third harmonic (PHPR), in dB: music has harmonics, howling has not.
const PHPR_DB: f64 = 20.0;
/// Windows in a row, half a second in all: a syllable passes for eight, a short pure note for sixteen.
const PERSISTENT: usize = 20;
/// A steady howl changes by less per window, in dB; a growing one only rises.
const STEADY_DB: f64 = 0.5;
/// Below this frequency there is hum, and no speaker that howls.
const LOWEST_HZ: f64 = 150.0;
/// What is quieter is no howl, in dB re full scale.
const QUIET_DBFS: f64 = -80.0;

/// One howl.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Howl {
    /// Its frequency in Hz, within half a bin (6 Hz at 48 kHz).
    pub hz: f64,
    /// Where it begins in the recording, in seconds: the middle of its first window.
    pub from_s: f64,
    /// Where it ends, in seconds.
    pub to_s: f64,
    /// Its highest level in dB re full scale (RMS).
    pub dbfs: f64,
    /// How fast it grew on average, in dB/s.
    pub growth_db_per_s: f64,
    /// Its lowest peak over average, in dB.
    pub papr_db: f64,
    /// Its lowest peak over neighbours, in dB.
    pub pnpr_db: f64,
    /// Its lowest peak over harmonics, in dB.
    pub phpr_db: f64,
}

/// Howling in a recording.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Howling {
    /// The howls in the order of time; empty if nothing howls.
    pub howls: Vec<Howl>,
    /// Windows looked at.
    pub windows: usize,
    /// The shortest howl that would be found, in seconds.
    pub shortest_s: f64,
}

#[derive(Clone, Copy)]
struct Candidate {
    bin: usize,
    power: f64,
    papr: f64,
    pnpr: f64,
    phpr: f64,
}

/// Looks for howling by peak ratios (van Waterschoot and Moonen: PAPR, PNPR, PHPR) that hold for half a second. Not for parts of a
/// stimulus that are tones themselves. Inconclusive if the recording is too short, or clipped with no howl found: a saturated howl has
/// harmonics.
pub fn howling(recording: &Excerpt<'_>) -> Outcome<Howling> {
    outcome(measure(recording))
}

fn measure(recording: &Excerpt<'_>) -> Result<Howling, Reason> {
    recording.carries(4000.0)?;
    let rate = f64::from(recording.rate());
    // The same time and resolution at every rate.
    let scale = rate / 48_000.0;
    let hop = (HOP as f64 * scale).round() as usize;
    let size = hop * WINDOW / HOP;
    recording.lasts(size + (PERSISTENT - 1) * hop)?;
    let samples = recording.to_f64();
    let window = hann(size);
    let mut fft = Fft::default();
    let mut tracks: Vec<Vec<(usize, Candidate)>> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let windows = (samples.len() - size) / hop + 1;
    for index in 0..windows {
        let windowed: Vec<f64> = samples[index * hop..].iter().zip(&window).map(|(s, w)| s * w).collect();
        let power: Vec<f64> = fft.forward(&windowed, size).iter().map(Complex::norm_sqr).collect();
        let found = candidates(&power, rate / size as f64, size);
        let mut next = Vec::new();
        for candidate in found {
            let before = open
                .iter()
                .copied()
                .find(|&track| tracks[track].last().is_some_and(|(_, last)| last.bin.abs_diff(candidate.bin) <= 1));
            let track = before.unwrap_or_else(|| {
                tracks.push(Vec::new());
                tracks.len() - 1
            });
            if !next.contains(&track) {
                tracks[track].push((index, candidate));
                next.push(track);
            }
        }
        open = next;
    }
    let hop_s = hop as f64 / rate;
    let middle = |index: usize| (index * hop + size / 2) as f64 / rate;
    let mut howls: Vec<Howl> =
        tracks.iter().filter_map(|track| howl(track, rate / size as f64, size, hop_s, middle)).collect();
    howls.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
    if howls.is_empty() {
        recording.unclipped()?;
    }
    Ok(Howling { howls, windows, shortest_s: (size + (PERSISTENT - 1) * hop) as f64 / rate })
}

/// Peaks of one spectrum that meet all three ratios.
fn candidates(power: &[f64], bin_hz: f64, size: usize) -> Vec<Candidate> {
    let mean = power.iter().sum::<f64>() / power.len() as f64;
    let first = ((LOWEST_HZ / bin_hz) as usize).max(*NEIGHBOURS.end() + 1);
    let db = |ratio: f64| 10.0 * ratio.max(1e-30).log10();
    let quiet = level_power(QUIET_DBFS, size);
    (first..power.len() - NEIGHBOURS.end() - 1)
        .filter(|&bin| power[bin] > power[bin - 1] && power[bin] >= power[bin + 1] && power[bin] > quiet)
        .filter_map(|bin| {
            let peak = power[bin];
            let papr = db(peak / mean.max(1e-300));
            if papr < PAPR_DB {
                return None;
            }
            let around =
                NEIGHBOURS.map(|n| power[bin - n] + power[bin + n]).sum::<f64>() / (2 * NEIGHBOURS.count()) as f64;
            let pnpr = db(peak / around.max(1e-300));
            let harmonic = |order: usize| {
                let middle = order * bin;
                (middle.saturating_sub(order)..=middle + order)
                    .filter_map(|n| power.get(n))
                    .copied()
                    .fold(0.0, f64::max)
            };
            let phpr = db(peak / harmonic(2).max(harmonic(3)).max(1e-300));
            (pnpr >= PNPR_DB && phpr >= PHPR_DB).then_some(Candidate { bin, power: peak, papr, pnpr, phpr })
        })
        .collect()
}

/// The longest stretch of a track that rises or is steady, if it is long enough.
fn howl(
    track: &[(usize, Candidate)],
    bin_hz: f64,
    size: usize,
    hop_s: f64,
    middle: impl Fn(usize) -> f64,
) -> Option<Howl> {
    let level = |candidate: &Candidate| 10.0 * candidate.power.log10();
    let mut best = 0..0;
    let mut start = 0;
    for end in 1..=track.len() {
        // A fall beyond what counts as steady ends the stretch.
        if end == track.len() || level(&track[end].1) - level(&track[end - 1].1) < -STEADY_DB {
            if end - start > best.len() {
                best = start..end;
            }
            start = end;
        }
    }
    let part = &track[best];
    if part.len() < PERSISTENT {
        return None;
    }
    let (from, to) = (part.first()?, part.last()?);
    let lowest = |value: fn(&Candidate) -> f64| part.iter().map(|(_, c)| value(c)).fold(f64::INFINITY, f64::min);
    let loudest = part.iter().map(|(_, candidate)| candidate.power).fold(0.0, f64::max);
    Some(Howl {
        hz: to.1.bin as f64 * bin_hz,
        from_s: middle(from.0),
        to_s: middle(to.0),
        dbfs: dbfs((loudest / level_power(0.0, size)).sqrt()),
        growth_db_per_s: (level(&to.1) - level(&from.1)) / ((part.len() - 1) as f64 * hop_s),
        papr_db: lowest(|candidate| candidate.papr),
        pnpr_db: lowest(|candidate| candidate.pnpr),
        phpr_db: lowest(|candidate| candidate.phpr),
    })
}

/// Power in the peak bin of a sine of this level (RMS) under a Hann window.
fn level_power(dbfs: f64, size: usize) -> f64 {
    10f64.powf(dbfs / 10.0) * 2.0 * (size as f64 / 4.0).powi(2)
}
