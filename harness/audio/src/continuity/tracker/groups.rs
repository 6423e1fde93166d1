//! The figures of blocks of 0.1 s.

use crate::continuity::clock::median;
use crate::continuity::scan::{Cell, Scan};

/// Cells of 10 ms in a block whose gain and delay are followed.
pub(super) const GROUP: usize = 10;
/// Gain, in its standard deviations, below which such a block is lost.
pub(super) const LOST: f64 = 6.0;

/// Gain and delay of a block of 0.1 s.
pub(super) struct Group {
    pub(super) gain: f64,
    /// Power of the direct sound that is expected, over its mean.
    pub(super) expected: f64,
    /// The gain in its standard deviations.
    pub(super) z: f64,
    pub(super) delay: f64,
}

pub(super) fn groups(scan: &Scan<'_>, slope_ratio: f64) -> Vec<Group> {
    let ratios = scan.ratios();
    let mean = scan.cells.iter().map(|cell| cell.pp).sum::<f64>() / scan.cells.len().max(1) as f64;
    scan.cells
        .chunks(GROUP)
        .enumerate()
        .map(|(n, cells)| {
            let mut sum = Cell::default();
            for cell in cells {
                sum.add(cell);
            }
            let ratio = ratios[n * GROUP..n * GROUP + cells.len()].iter().sum::<f64>();
            let usual = scan.usual(n * GROUP).max(1e-9);
            let z = sum.gain() / usual * (ratio * scan.frames_per_cell()).sqrt();
            let expected = sum.pp / cells.len() as f64 / mean.max(1e-30);
            Group { gain: sum.gain(), expected, z, delay: sum.delay(slope_ratio) }
        })
        .collect()
}

/// Standard deviation in frames of the delay of a block of 0.1 s.
pub(super) fn delay_sigma(scan: &Scan<'_>, slope_ratio: f64) -> f64 {
    let (mut square, mut power) = (0.0, 0.0);
    for cell in &scan.cells {
        square += cell.qq;
        power += cell.pp;
    }
    let ratio = median(&mut scan.ratios()).unwrap_or(0.0);
    let frames = scan.cells.len().clamp(1, GROUP) as f64 * scan.frames_per_cell();
    // Power of the slope over that of the sound.
    let steepness = if power > 0.0 { slope_ratio * slope_ratio * square / power } else { 0.0 };
    (ratio * frames * steepness).max(1e-12).sqrt().recip()
}

/// Standard uncertainty in frames of a change point at a ratio of signal to noise per sample. The best estimate of a small change of power
/// scatters by 5.1 over the ratio, with long tails; the ringing of the band and the early reflections keep it from falling below 2.
pub(super) fn edge(ratio: f64) -> f64 {
    (10.0 / ratio.max(1e-9)).max(2.0)
}
