//! Level changes, from the level of blocks of 0.1 s.

use super::clock::median;

/// Smallest change that counts, in dB, however quiet the room.
const SMALLEST_DB: f64 = 1.0;
/// And in standard deviations of a block.
const DISTINCT: f64 = 6.0;
/// Changes within so many blocks are sudden.
const SUDDEN: usize = 1;

/// The level of one block.
#[derive(Debug, Clone, Copy)]
pub(super) struct LevelBlock {
    /// Its middle, in frames of the recording.
    pub(super) at: i64,
    pub(super) db: f64,
}

/// One change; `from` and `to` are indices of blocks between which it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) db: f64,
    pub(super) sudden: bool,
}

/// What the levels say.
#[derive(Debug, Clone)]
pub(super) struct LevelFigures {
    pub(super) changes: Vec<Change>,
    /// Standard deviation of a block in dB.
    pub(super) sigma_db: f64,
    pub(super) minimum_db: f64,
    pub(super) range_db: f64,
    /// Share of the blocks that lie within slow changes.
    pub(super) moving: f64,
}

/// Finds the changes: sudden ones by medians over 0.3 s, then slow ones by medians over 2 s in what is left.
pub(super) fn figures(blocks: &[LevelBlock]) -> Option<LevelFigures> {
    let mut levels: Vec<f64> = blocks.iter().map(|block| block.db).collect();
    if levels.len() < 6 {
        return None;
    }
    let mut steps: Vec<f64> = levels.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    let sigma_db = 1.4826 * median(&mut steps)? / 2f64.sqrt();
    let minimum_db = SMALLEST_DB.max(DISTINCT * sigma_db);
    let smooth: Vec<f64> =
        (0..levels.len()).map(|n| middle(&levels[n.saturating_sub(2)..(n + 3).min(levels.len())])).collect();
    let (low, high) = smooth.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    let mut changes = Vec::new();
    for width in [3, 20] {
        let found = scale(&levels, width, minimum_db);
        for change in &found {
            // Taken out, so that the slower scale does not see it again.
            for (n, level) in levels.iter_mut().enumerate() {
                if n > change.from {
                    let done = ((n - change.from) as f64 / (change.to - change.from).max(1) as f64).min(1.0);
                    *level -= done * change.db;
                }
            }
        }
        changes.extend(found);
    }
    changes.sort_by_key(|change| change.from);
    let moving: usize = changes.iter().filter(|c| !c.sudden).map(|c| c.to - c.from).sum();
    let moving = moving as f64 / levels.len() as f64;
    Some(LevelFigures { changes, sigma_db, minimum_db, range_db: high - low, moving })
}

fn middle(values: &[f64]) -> f64 {
    median(&mut values.to_vec()).unwrap_or(0.0)
}

fn scale(levels: &[f64], width: usize, minimum_db: f64) -> Vec<Change> {
    let mut changes = Vec::new();
    if levels.len() < 2 * width {
        return changes;
    }
    let difference = |n: usize| middle(&levels[n..n + width]) - middle(&levels[n - width..n]);
    let differences: Vec<f64> = (width..=levels.len() - width).map(difference).collect();
    let mut n = 0;
    while n < differences.len() {
        if differences[n].abs() < minimum_db {
            n += 1;
            continue;
        }
        let first = n;
        while n < differences.len()
            && differences[n] * differences[first] > 0.0
            && differences[n].abs() >= 0.5 * minimum_db
        {
            n += 1;
        }
        // Blocks that surely lie before and after.
        let (before, after) = (first + width - 1, n - 1 + width);
        let from_db = middle(&levels[before.saturating_sub(width - 1)..before.max(1)]);
        let to_db = middle(&levels[after.min(levels.len() - 1)..(after + width).min(levels.len())]);
        let change = to_db - from_db;
        if change.abs() < minimum_db {
            continue;
        }
        let reached = |n: usize, share: f64| (levels[n] - from_db) / change >= share;
        let search = first.max(1)..(after + width).min(levels.len());
        let start = search.clone().find(|n| reached(*n, 0.15)).unwrap_or(before);
        let end = search.clone().filter(|n| *n >= start).find(|n| reached(*n, 0.85)).unwrap_or(after);
        // The last block that was not touched; the first that has arrived.
        let (from, to) = (start.saturating_sub(1), end.max(start));
        changes.push(Change { from, to, db: change, sudden: to - from <= SUDDEN + 1 });
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::gaussian;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn series(count: usize, sigma: f64, level: impl Fn(usize) -> f64) -> Vec<LevelBlock> {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        (0..count).map(|n| LevelBlock { at: n as i64 * 4800, db: level(n) + sigma * gaussian(&mut rng) }).collect()
    }

    #[test]
    fn a_steady_level_has_no_changes() {
        for sigma in [0.0, 0.05, 0.3] {
            let found = figures(&series(3000, sigma, |_| -20.0)).unwrap();
            assert!(found.changes.is_empty(), "{sigma}: {:?}", found.changes);
        }
    }

    #[test]
    fn steps_are_sudden_and_fades_are_slow() {
        let found = figures(&series(300, 0.05, |n| if n < 100 { 0.0 } else { -6.0 })).unwrap();
        assert_eq!(found.changes.len(), 1);
        let step = found.changes[0];
        assert!(step.sudden && (step.db + 6.0).abs() < 0.2 && step.from == 99 && step.to == 100, "{step:?}");

        let fade = |n: usize| -0.15 * (n as f64 - 100.0).clamp(0.0, 40.0);
        let found = figures(&series(300, 0.05, fade)).unwrap();
        assert_eq!(found.changes.len(), 1, "{:?}", found.changes);
        let fade = found.changes[0];
        assert!(!fade.sudden && (fade.db + 6.0).abs() < 0.5, "{fade:?}");
        assert!(fade.from.abs_diff(103) < 8 && fade.to.abs_diff(137) < 8, "{fade:?}");
    }

    #[test]
    fn a_duck_is_two_steps() {
        let found = figures(&series(300, 0.1, |n| if (100..110).contains(&n) { -9.0 } else { 0.0 })).unwrap();
        let changes: Vec<f64> = found.changes.iter().map(|change| change.db.round()).collect();
        assert_eq!(changes, [-9.0, 9.0], "{:?}", found.changes);
    }
}
