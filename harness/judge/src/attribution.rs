//! What failures follow: a speaker, a source, a firmware, a dongle, a relay, a microphone.
//!
//! Each level of each factor is held against everything else by Fisher's exact test; the surest is named if it stands all tests together (Holm), its
//! trials are set aside, and the rest is looked at again. Levels that stand for the same trials cannot be told apart and are named together: a
//! speaker that one microphone alone hears may be that microphone.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Confidence, multiple::holm, proportion::Proportion, rates::fisher};

/// So many causes are looked for.
const MOST_CAUSES: usize = 5;

/// Trials that were done under the same circumstances.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Factors and their levels, such as `speaker` and `charge-5-a`.
    pub levels: BTreeMap<String, String>,
    /// Trials that failed.
    pub failed: u64,
    /// All of them.
    pub trials: u64,
}

/// What failures follow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cause {
    /// The factor and its level; several that cannot be told apart.
    pub levels: Vec<(String, String)>,
    /// Failures with it, and trials, those of causes that were named before left out.
    pub with: (u64, u64),
    /// Failures without it, and trials, the same left out.
    pub without: (u64, u64),
    /// Probability of so many failures with it, or more, if it had nothing to do with them (Fisher, one-sided), adjusted for everything that was asked
    /// at the same time (Holm).
    pub p: f64,
}

/// The causes that the trials support, the surest first.
#[must_use]
pub fn attribute(cells: &[Cell], confidence: Confidence) -> Vec<Cause> {
    let mut left: Vec<&Cell> = cells.iter().filter(|cell| cell.trials > 0).collect();
    let mut causes = Vec::new();
    while causes.len() < MOST_CAUSES {
        let Some((cause, with)) = surest(&left, confidence) else { break };
        causes.push(cause);
        left = left.into_iter().zip(with).filter(|(_, with)| !with).map(|(cell, _)| cell).collect();
    }
    causes
}

/// The surest cause of what is left, and which cells it stands for.
fn surest(cells: &[&Cell], confidence: Confidence) -> Option<(Cause, Vec<bool>)> {
    let mut candidates: BTreeMap<Vec<bool>, Vec<(String, String)>> = BTreeMap::new();
    let mut seen: Vec<(&String, &String)> = cells.iter().flat_map(|cell| &cell.levels).collect();
    seen.sort_unstable();
    seen.dedup();
    for (factor, level) in seen {
        let with: Vec<bool> = cells.iter().map(|cell| cell.levels.get(factor) == Some(level)).collect();
        // What all of them have tells nothing apart.
        if with.contains(&false) {
            candidates.entry(with).or_default().push((factor.clone(), level.clone()));
        }
    }
    let count = |with: &[bool], wanted: bool| {
        let chosen = cells.iter().zip(with).filter(|(_, with)| **with == wanted);
        chosen.fold((0, 0), |(failed, trials), (cell, _)| (failed + cell.failed.min(cell.trials), trials + cell.trials))
    };
    let tested: Vec<(Vec<bool>, Cause)> = candidates
        .into_iter()
        .filter_map(|(with, levels)| {
            let (yes, no) = (count(&with, true), count(&with, false));
            let p = fisher(Proportion::new(yes.0, yes.1).ok()?, Proportion::new(no.0, no.1).ok()?).greater;
            Some((with, Cause { levels, with: yes, without: no, p }))
        })
        .collect();
    let adjusted = holm(&tested.iter().map(|(_, cause)| cause.p).collect::<Vec<_>>());
    let rate = |(failed, trials): (u64, u64)| failed as f64 / trials.max(1) as f64;
    tested
        .into_iter()
        .zip(adjusted)
        .map(|((with, cause), p)| (Cause { p, ..cause }, with))
        .filter(|(cause, _)| cause.p <= confidence.alpha())
        // Of equally sure ones that with the higher share of failures: the part, not the whole that it lies in.
        .min_by(|(a, _), (b, _)| a.p.total_cmp(&b.p).then(rate(b.with).total_cmp(&rate(a.with))))
}
