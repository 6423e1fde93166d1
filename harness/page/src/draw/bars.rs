//! Counts as bars, which begin at zero.

use std::collections::BTreeMap;

use super::{
    SMALL,
    scale::Scale,
    shapes::{count_axis, drawing, line, path, rectangle, words},
};
use crate::{
    digest::Fate,
    markup::{Markup, coordinate as c},
};

const HEIGHT: f64 = 130.0;
const LEFT: f64 = 34.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 100.0;
/// From so many attempts on they are counted together.
const MOST_ATTEMPTS: usize = 12;

/// How many attempts a step took.
pub(crate) fn attempts(m: &mut Markup, title: &str, done: &BTreeMap<usize, u32>, in_vain: &BTreeMap<usize, u32>) {
    let mut columns: BTreeMap<usize, (u32, u32)> = BTreeMap::new();
    for (tries, n) in done {
        columns.entry((*tries).min(MOST_ATTEMPTS)).or_default().0 += n;
    }
    for (tries, n) in in_vain {
        columns.entry((*tries).min(MOST_ATTEMPTS)).or_default().1 += n;
    }
    let most = columns.values().map(|(a, b)| a + b).max().unwrap_or(1);
    let last = columns.keys().last().copied().unwrap_or(1).max(4);
    let (well, vain): (u32, u32) = columns.values().fold((0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1));
    let label = |tries: usize| if tries == MOST_ATTEMPTS { format!("≥ {tries}") } else { tries.to_string() };
    let each: Vec<String> = columns.iter().map(|(t, (a, b))| format!("{}: {}", label(*t), a + b)).collect();
    let gave_up = if vain > 0 { format!("; in vain in {vain}") } else { String::new() };
    let said = format!("n = {}; trials by attempts: {}{gave_up}", well + vain, each.join(", "));
    m.element("figure", &[("class", "chart")], |m| {
        m.leaf("figcaption", &[], title);
        drawing(m, "plot", (SMALL, HEIGHT), &format!("{title}: {said}"), |m| {
            let up = Scale::new(0.0, f64::from(most), BOTTOM, TOP);
            let width = (SMALL - LEFT - 10.0) / last as f64;
            for tries in 1..=last {
                let x = LEFT + (tries - 1) as f64 * width;
                let (well, vain) = columns.get(&tries).copied().unwrap_or_default();
                let bar = (width * 0.8).min(40.0);
                let left = x + (width - bar) / 2.0;
                let (first, second) = (up.at(f64::from(well)), up.at(f64::from(well + vain)));
                if well > 0 {
                    rectangle(m, "bar", (left, first), (bar, BOTTOM - first), &format!("{well} went well"));
                }
                if vain > 0 {
                    rectangle(m, "bar bad", (left, second), (bar, first - second), &format!("{vain} in vain"));
                }
                words(m, "tick", (x + width / 2.0, BOTTOM + 13.0), &label(tries));
            }
            count_axis(m, up, LEFT, "");
            line(m, "axis", (LEFT, BOTTOM), (SMALL - 8.0, BOTTOM));
            words(m, "tick", ((LEFT + SMALL) / 2.0, BOTTOM + 27.0), "attempts");
        });
        m.leaf("p", &[("class", "small")], &said);
    });
}

/// What became of the trials, in their order: each one where they are few, else the share of each stretch.
pub(crate) fn fates(m: &mut Markup, fates: &[Fate]) {
    const COLUMNS: usize = 94;
    let each = fates.len().div_ceil(COLUMNS).max(1);
    let columns: Vec<&[Fate]> = fates.chunks(each).collect();
    let (top, bottom) = (14.0, 54.0);
    let width = ((SMALL - LEFT - 4.0) / columns.len().max(1) as f64).min(14.0);
    let kinds = [
        (Fate::Failed, "failed", "shape-bad"),
        (Fate::Untold, "not told", "shape-open"),
        (Fate::Lost, "lost to the rig", "shape-lost"),
        (Fate::Cancelled, "broken off", "shape-off"),
        (Fate::Held, "held", "shape-good"),
    ];
    let count = |of: &[Fate], fate| of.iter().filter(|f| **f == fate).count();
    let said: Vec<String> = kinds
        .iter()
        .filter(|(fate, ..)| count(fates, *fate) > 0)
        .map(|(fate, name, _)| format!("{} {name}", count(fates, *fate)))
        .collect();
    let said = format!("n = {}: {}", fates.len(), said.join(", "));
    m.element("figure", &[("class", "chart")], |m| {
        m.leaf("figcaption", &[], "Trials in their order");
        drawing(m, "plot", (SMALL, 72.0), &format!("Trials in their order: {said}"), |m| {
            for (at, (fate, _, class)) in kinds.iter().enumerate() {
                let mut d = String::new();
                for (place, column) in columns.iter().enumerate() {
                    let share = |n: usize| n as f64 / column.len().max(1) as f64;
                    let own = share(count(column, *fate));
                    if own == 0.0 {
                        continue;
                    }
                    let below: f64 = kinds[..at].iter().map(|(fate, ..)| share(count(column, *fate))).sum();
                    let x = LEFT + place as f64 * width;
                    let high = bottom - top;
                    let (from, height) = (bottom - below * high, own * high);
                    // What went well is a low mark where every column is one trial: what failed stands out.
                    let height = if each == 1 && *fate == Fate::Held { 6.0 } else { height };
                    d.push_str(&format!("M{} {}v-{}h{}v{}z", c(x), c(from), c(height), c(width - 0.6), c(height)));
                }
                if !d.is_empty() {
                    path(m, class, &d);
                }
            }
            line(m, "axis", (LEFT, bottom), (LEFT + width * columns.len() as f64, bottom));
            words(m, "tick start", (LEFT, bottom + 13.0), "first");
            words(m, "tick end", ((LEFT + width * columns.len() as f64).max(LEFT + 52.0), bottom + 13.0), "last");
            if each > 1 {
                words(m, "tick end", (LEFT - 3.0, top + 8.0), "100 %");
                words(m, "tick end", (LEFT - 3.0, bottom), "0");
            }
        });
        let stretch = if each > 1 { format!("; {each} trials in each column") } else { String::new() };
        m.leaf("p", &[("class", "small")], &format!("{said}{stretch}"));
    });
}
