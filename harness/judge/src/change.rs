//! Where the success rate of a series of runs changed: binary segmentation with an exact test at each split.
//!
//! A series is split in two where the likelihood of two rates exceeds that of one rate the most (binary segmentation, A. J. Scott and M. Knott
//! 1974; L. Y. Vostrikova 1981), or around a stretch with a rate of its own, which halves do not show (circular binary segmentation, A. B. Olshen
//! and others 2004). Each part is then looked at in the same way. A place is marked only if all of this holds:
//!
//! - Fisher's exact test of the two rates, times the places that were searched (C. E. Bonferroni 1936), is at most `alpha`, half of it for
//!   either way to split;
//! - the two rates differ by at least `least`;
//! - the runs are exchanged among each other at random, and at most `alpha` of those orders show a stretch as clear: trials of one run are
//!   not quite independent, and then the exact test alone is too bold. Where too few runs have the new rate for any order to be that rare, the
//!   parts must differ clearly beside how much the runs of each part do (F-test of quasi-likelihood).
//!
//! A series without a change has a mark with probability `alpha` at most: further splits are looked for only after a first one.

use statrs::{
    distribution::{ContinuousCDF, FisherSnedecor},
    function::factorial::ln_binomial,
};

use crate::{
    proportion::Proportion,
    rates::fisher,
    stability::{dispersion, runs_differ},
};

/// What it takes to be marked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// The probability with which a series without a change has a mark, above 0 and below 1.
    pub alpha: f64,
    /// The smallest difference of two rates that matters, a fraction.
    pub least: f64,
    /// Orders of the runs that are tried.
    pub orders: u32,
    /// Where the random numbers of those begin: the same seed gives the same answer.
    pub seed: u64,
}

impl Default for Search {
    fn default() -> Self {
        Self { alpha: 0.01, least: 0.05, orders: 999, seed: 1 }
    }
}

/// A place at which the rate of a series changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The first run with the new rate: its place in the series, from 1.
    pub at: usize,
    /// All runs with the rate before, together.
    pub before: Proportion,
    /// All runs with the rate after, together.
    pub after: Proportion,
    /// Fisher's probability on two sides of the two rates as they are told, times the places that were searched for this one.
    pub p: f64,
}

/// Stretches are searched for among so many blocks of runs at most: their number goes with the square of it.
const BLOCKS: usize = 64;

/// The changes of a series of runs, in their order. Runs without trials are passed over and keep their place.
#[must_use]
pub fn changes(series: &[Proportion], search: Search) -> Vec<Change> {
    // Only what has trials can be split; its places are translated back at the end.
    let (places, runs): (Vec<usize>, Vec<Proportion>) =
        series.iter().enumerate().filter(|(_, run)| run.trials() > 0).map(|(place, run)| (place, *run)).unzip();
    let mut found: Vec<Found> = Vec::new();
    let mut open = Vec::from_iter(std::iter::once(0..runs.len()));
    while let Some(range) = open.pop() {
        let Some(split) = split(&runs[range.clone()], search) else { continue };
        let mut from = range.start;
        for at in split.at {
            found.push(Found { at: range.start + at, searched: split.searched });
            open.push(from..range.start + at);
            from = range.start + at;
        }
        open.push(from..range.end);
    }
    found.sort_unstable_by_key(|found| found.at);
    settle(&runs, &mut found);
    // Parts of parts may leave too little of a difference beside an earlier split: the weakest goes first.
    loop {
        let told = tell(&runs, &found);
        let weakest = told
            .iter()
            .enumerate()
            .filter(|(_, change)| apart(change.before, change.after) < search.least || change.p > search.alpha)
            .max_by(|a, b| a.1.p.total_cmp(&b.1.p));
        match weakest {
            Some((index, _)) => drop(found.remove(index)),
            None => return told.into_iter().map(|change| Change { at: places[change.at], ..change }).collect(),
        }
    }
}

/// A place that is marked, and how many were searched for it.
struct Found {
    at: usize,
    searched: usize,
}

/// Moves each change to the most likely place between its neighbours: blocks and halves are only near it.
fn settle(runs: &[Proportion], found: &mut [Found]) {
    for index in 0..found.len() {
        let from = index.checked_sub(1).map_or(0, |before| found[before].at);
        let to = found.get(index + 1).map_or(runs.len(), |after| after.at);
        if let Some((at, _)) = halves(&runs[from..to]) {
            found[index].at = from + at;
        }
    }
}

/// The changes at these places, each with the rates from the one before it to the one after it.
fn tell(runs: &[Proportion], found: &[Found]) -> Vec<Change> {
    let one = |(index, here): (usize, &Found)| {
        let from = index.checked_sub(1).map_or(0, |before| found[before].at);
        let to = found.get(index + 1).map_or(runs.len(), |after| after.at);
        let (before, after) = (pooled(&runs[from..here.at]), pooled(&runs[here.at..to]));
        let p = (fisher(before, after).two_sided * here.searched as f64).min(1.0);
        Change { at: here.at, before, after, p }
    };
    found.iter().enumerate().map(one).collect()
}

/// One place or two, at which parts begin that are not of one rate.
struct Split {
    at: Vec<usize>,
    searched: usize,
}

/// Where a part has two rates, if it has.
fn split(runs: &[Proportion], search: Search) -> Option<Split> {
    let clear = |inside: Proportion, outside: Proportion, searched: usize| {
        apart(inside, outside) >= search.least
            && fisher(inside, outside).two_sided * searched as f64 <= search.alpha / 2.0
    };
    let size = runs.len().div_ceil(BLOCKS).max(1);
    let blocks: Vec<Proportion> = runs.chunks(size).map(pooled).collect();
    let in_two = halves(runs).map(|(at, _)| Split { at: vec![at], searched: runs.len() - 1 });
    let in_two = in_two.filter(|it| clear(pooled(&runs[..it.at[0]]), pooled(&runs[it.at[0]..]), it.searched));
    let stretch = stretch(&blocks)?;
    let (from, to) = (stretch.from * size, (stretch.to * size).min(runs.len()));
    let inside = pooled(&runs[from..to]);
    let searched = blocks.len() * (blocks.len() - 1) / 2;
    let at = [from, to].into_iter().filter(|at| *at > 0 && *at < runs.len()).collect();
    let around = clear(inside, less(pooled(runs), inside), searched).then_some(Split { at, searched });
    // Both ends of a stretch at once only where that leaves nothing to explain: each part is looked at again.
    let whole = around.as_ref().is_some_and(|it| is_calm(runs, &it.at));
    let best = match in_two {
        Some(in_two) if !whole || is_calm(runs, &in_two.at) => in_two,
        _ => around?,
    };
    let shown = match can_be_shown(blocks.len(), stretch.to - stretch.from, search.alpha) {
        true => exchanged(&blocks, stretch.apart, search) <= search.alpha,
        false => beside_restlessness(runs, &best.at) * best.searched as f64 <= search.alpha,
    };
    shown.then_some(best)
}

/// Whether so many blocks can stand together by chance as seldom as `alpha`: of few runs on one side no order is rare enough.
fn can_be_shown(blocks: usize, together: usize, alpha: f64) -> bool {
    let few = together.min(blocks - together);
    // Places at which they stand together, among all that they can have.
    let places = (blocks + 1) as f64;
    places / ln_binomial(blocks as u64, few as u64).exp() <= alpha / 2.0
}

/// Whether the runs of each part differ no more than chance allows.
fn is_calm(runs: &[Proportion], at: &[usize]) -> bool {
    let mut from = 0;
    at.iter().copied().chain([runs.len()]).all(|to| {
        let part = &runs[from..to];
        from = to;
        !dispersion(part).is_some_and(|d| runs_differ(&d))
    })
}

/// Probability of parts that differ so much, where runs of one part differ as they do: the F-test of quasi-likelihood (P. McCullagh, J. A. Nelder
/// 1989). Runs that are more alike than chance allows count as alike as chance has them.
fn beside_restlessness(runs: &[Proportion], at: &[usize]) -> f64 {
    let (mut from, mut within, mut parts) = (0, 0.0, Vec::new());
    for to in at.iter().copied().chain([runs.len()]) {
        within += dispersion(&runs[from..to]).map_or(0.0, |d| d.chi_squared);
        parts.push(pooled(&runs[from..to]));
        from = to;
    }
    let (between, freedom) = (at.len() as f64, runs.len() as f64 - parts.len() as f64);
    let Some(apart) = dispersion(&parts) else { return 1.0 };
    let ratio = apart.chi_squared / between / (within / freedom).max(1.0);
    FisherSnedecor::new(between, freedom).map_or(1.0, |f| f.sf(ratio))
}

/// The split in two with the most likely rates: its place, and what it gains in logarithm of the likelihood.
fn halves(runs: &[Proportion]) -> Option<(usize, f64)> {
    let whole = pooled(runs);
    let mut held = Proportion::new(0, 0).ok()?;
    let mut best: Option<(usize, f64)> = None;
    for (index, run) in runs.iter().enumerate().take(runs.len().saturating_sub(1)) {
        held = pooled(&[held, *run]);
        let gain = gain(held, whole);
        if best.is_none_or(|(_, so_far)| gain > so_far) {
            best = Some((index + 1, gain));
        }
    }
    best
}

/// A stretch of blocks.
struct Stretch {
    from: usize,
    to: usize,
    /// How far its rate is from that of the others: Pearson's chi-squared but for a factor that every order has. No logarithm: it is
    /// asked for millions of times.
    apart: f64,
}

/// The stretch whose rate is the furthest from that of the others; one that begins or ends with the blocks splits them in two.
fn stretch(blocks: &[Proportion]) -> Option<Stretch> {
    let counts: Vec<(f64, f64)> = blocks.iter().map(|b| (b.successes() as f64, b.trials() as f64)).collect();
    let (all_held, all) = counts.iter().fold((0.0, 0.0), |sum, block| (sum.0 + block.0, sum.1 + block.1));
    let rate = all_held / all;
    let mut best: Option<Stretch> = None;
    let mut most = f64::NEG_INFINITY;
    for from in 0..counts.len() {
        let (mut held, mut trials) = (0.0, 0.0);
        for (index, block) in counts.iter().enumerate().skip(from) {
            (held, trials) = (held + block.0, trials + block.1);
            // All blocks are no stretch of them.
            if from == 0 && index + 1 == counts.len() {
                continue;
            }
            let excess = held - rate * trials;
            let apart = excess * excess / (trials * (all - trials));
            if apart > most {
                most = apart;
                best = Some(Stretch { from, to: index + 1, apart });
            }
        }
    }
    best
}

/// How much more likely a rate of its own makes a part of the whole, in logarithm of the likelihood.
fn gain(part: Proportion, whole: Proportion) -> f64 {
    likelihood(part) + likelihood(less(whole, part)) - likelihood(whole)
}

/// The logarithm of the likelihood of a rate that is that of the counts.
fn likelihood(of: Proportion) -> f64 {
    let trials = of.trials() as f64;
    let term = |k: u64| if k > 0 { k as f64 * (k as f64 / trials).ln() } else { 0.0 };
    term(of.successes()) + term(of.trials() - of.successes())
}

/// The share of orders of the blocks, this one included, in which some stretch is as far apart.
fn exchanged(blocks: &[Proportion], apart: f64, search: Search) -> f64 {
    let mut order = blocks.to_vec();
    let mut random = Random(search.seed);
    let mut as_clear = 1u32;
    for _ in 0..search.orders {
        for last in (1..order.len()).rev() {
            order.swap(last, random.below(last as u64 + 1) as usize);
        }
        // Rounding must not part orders that are the same.
        if stretch(&order).is_some_and(|other| other.apart >= apart * (1.0 - 1e-9)) {
            as_clear += 1;
            // Enough of them settle it: nothing that follows can take them back.
            if f64::from(as_clear) > search.alpha * f64::from(search.orders + 1) {
                return 1.0;
            }
        }
    }
    f64::from(as_clear) / f64::from(search.orders + 1)
}

/// The whole without a part of it.
fn less(whole: Proportion, part: Proportion) -> Proportion {
    Proportion::new(whole.successes() - part.successes(), whole.trials() - part.trials())
        .expect("what is left of the trials holds what is left of the successes")
}

/// All runs together.
fn pooled(runs: &[Proportion]) -> Proportion {
    let sum = runs.iter().fold((0, 0), |(held, trials), run| (held + run.successes(), trials + run.trials()));
    Proportion::new(sum.0, sum.1).expect("each run has at most as many successes as trials")
}

fn apart(before: Proportion, after: Proportion) -> f64 {
    before.estimate().zip(after.estimate()).map_or(0.0, |(before, after)| (before - after).abs())
}

/// SplitMix64 (G. L. Steele, D. Lea, C. H. Flood 2014): the crate draws nothing else at random, and needs no more than a fair order.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `most`; its lean towards small ones is below 2⁻³² for any series that fits into memory.
    fn below(&mut self, most: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(most)) >> 64) as u64
    }
}
