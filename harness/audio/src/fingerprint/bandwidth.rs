//! Where the sound ends: the edge at -20 dB, and how steep it is.

use schemars::JsonSchema;
use serde::Serialize;

use super::probe::Probe;
use super::residual::Lines;
use crate::measure::Reason;

/// The edge is where the level has fallen so far below what precedes it, in dB.
const FALL_DB: f64 = 20.0;
/// The upper end of the flat part, in dB below it.
const UPPER_DB: f64 = 3.0;
/// Level before an edge: the mean over these shares of its frequency. A speaker's own roll-off falls by little from there to the edge.
const PLATEAU: (f64, f64) = (0.62, 0.80);
/// Lines to either side of one over which levels are averaged: narrow enough for a brick wall, wide enough for a room.
const SMOOTH: usize = 6;
/// All that lies above an edge is at least so far down, in dB: a notch has sound above it.
const AFTER_DB: f64 = 17.0;
/// The sound that an edge takes away must have stood so far over the noise, in dB.
pub(super) const NEED_SNR_DB: f64 = 20.0;
/// Edges are looked for from here on.
const FROM_HZ: f64 = 1000.0;

/// The upper end of the sound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Edge {
    /// Where the level has fallen by 20 dB, in Hz.
    pub hz: f64,
    /// Its standard uncertainty in Hz: grain, and scatter of the levels in a room.
    pub uncertainty_hz: f64,
    /// Where it has fallen by 3 dB, in Hz.
    pub upper_hz: f64,
    /// Slope between the two in dB per kHz.
    pub db_per_khz: f64,
    /// What would have been heard above the edge over the noise there, in dB.
    pub snr_db: f64,
}

/// What the lines say about the bandwidth.
pub(super) struct Bandwidth {
    pub(super) edge: Option<Edge>,
    /// Up to here there is no edge, in Hz.
    pub(super) clear_to_hz: f64,
    /// Why it was not looked for further: the noise.
    pub(super) stopped: Option<Reason>,
    /// The deepest fall that lasts but is no edge, in dB, below 9.5 kHz.
    pub(super) deepest_db: f64,
}

/// Sums over lines, for means over any range.
struct Means {
    gain: Vec<f64>,
    played: Vec<f64>,
    noise: Vec<f64>,
    count: Vec<f64>,
}

impl Means {
    fn new(lines: &Lines, probe: &Probe) -> Self {
        let mut this = Self { gain: vec![0.0], played: vec![0.0], noise: vec![0.0], count: vec![0.0] };
        for (line, played) in probe.lines.iter().enumerate().take(lines.power.len()) {
            let there = *played > 0.0;
            let add = |sums: &mut Vec<f64>, value: f64| {
                let last = sums.last().copied().unwrap_or(0.0);
                sums.push(last + if there { value } else { 0.0 });
            };
            add(&mut this.gain, lines.power[line] / played.max(1e-30));
            add(&mut this.played, *played);
            add(&mut this.noise, lines.noise[line]);
            add(&mut this.count, 1.0);
        }
        this
    }

    fn mean(sums: &[f64], from: usize, to: usize) -> f64 {
        let end = sums.len() - 1;
        let (from, to) = (from.min(end), to.min(end));
        sums[to] - sums[from.min(to)]
    }

    /// Mean power gain over lines `from..to`.
    fn gain(&self, from: usize, to: usize) -> f64 {
        Self::mean(&self.gain, from, to) / Self::mean(&self.count, from, to).max(1.0)
    }

    /// Power played over noise recorded in lines `from..to`.
    fn played_over_noise(&self, from: usize, to: usize) -> f64 {
        Self::mean(&self.played, from, to) / Self::mean(&self.noise, from, to).max(1e-30)
    }

    fn at(&self, line: usize) -> f64 {
        self.gain(line - SMOOTH, line + SMOOTH + 1)
    }
}

fn db(power: f64) -> f64 {
    10.0 * power.max(1e-30).log10()
}

pub(super) fn bandwidth(lines: &Lines, probe: &Probe, decide_hz: f64) -> Bandwidth {
    let means = Means::new(lines, probe);
    let line_hz = probe.line_hz();
    let top = probe.top();
    let share = |line: usize, share: f64| (share * line as f64) as usize;
    let mut deepest_db = 0.0f64;
    let first = (FROM_HZ / line_hz) as usize;
    for line in first..=top.saturating_sub(SMOOTH) {
        let plateau = means.gain(share(line, PLATEAU.0), share(line, PLATEAU.1)).max(1e-30);
        let snr_db = db(plateau * means.played_over_noise(share(line, 0.97), share(line, 1.03) + SMOOTH));
        let hz = line as f64 * line_hz;
        if snr_db < NEED_SNR_DB {
            let why = Reason::LowSnr { snr_db, need_db: NEED_SNR_DB, at_hz: hz };
            return Bandwidth { edge: None, clear_to_hz: hz, stopped: Some(why), deepest_db };
        }
        let fall = db(plateau) - db(means.at(line));
        let after = db(plateau) - db(means.gain(line, top + 1));
        let lasting = fall.min(after);
        if fall >= FALL_DB && after >= AFTER_DB {
            let edge = edge(&means, line, plateau, snr_db, line_hz);
            return Bandwidth { edge: Some(edge), clear_to_hz: edge.upper_hz, stopped: None, deepest_db };
        }
        if hz <= decide_hz {
            deepest_db = deepest_db.max(lasting);
        }
    }
    Bandwidth { edge: None, clear_to_hz: top as f64 * line_hz, stopped: None, deepest_db }
}

fn edge(means: &Means, line: usize, plateau: f64, snr_db: f64, line_hz: f64) -> Edge {
    let upper = (line / 2..line).rev().find(|&n| db(means.at(n)) >= db(plateau) - UPPER_DB).unwrap_or(line / 2);
    let (hz, upper_hz) = (line as f64 * line_hz, upper as f64 * line_hz);
    let db_per_khz = (FALL_DB - UPPER_DB) / ((hz - upper_hz) / 1000.0);
    // A room scatters the mean of so many lines by this.
    let scatter_db = 10.0 / std::f64::consts::LN_10 / ((2 * SMOOTH + 1) as f64).sqrt();
    let grain_hz = SMOOTH as f64 * line_hz / 3f64.sqrt();
    Edge { hz, uncertainty_hz: grain_hz.hypot(1000.0 * scatter_db / db_per_khz), upper_hz, db_per_khz, snr_db }
}
