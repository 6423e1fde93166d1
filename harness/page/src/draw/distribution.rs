//! How values are distributed: each one as a dot where they are few, else counted in classes; the limit, the median and its interval.

use rigtone_judge::{Confidence, Rate, percentile::interval_ranks};
use rigtone_report::figure::quantity;

use super::{
    SMALL,
    scale::{Scale, round_step},
    shapes::{count_axis, drawing, horizontal_axis, line, rectangle, words},
};
use crate::{
    digest::percentile,
    markup::{Markup, coordinate as c},
};

/// Up to so many values each has a dot of its own.
const DOTS: usize = 40;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 34.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 108.0;

/// What is drawn.
pub(crate) struct Distribution<'a> {
    pub(crate) title: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) sorted: &'a [f64],
    /// The limits below and above that are asked for.
    pub(crate) limits: (Option<f64>, Option<f64>),
    /// Trials in which it never came, or was not told.
    pub(crate) never: u32,
    pub(crate) untold: u32,
    /// The largest half width of the values' own intervals.
    pub(crate) uncertainty: f64,
}

/// From so many values on the exact ranks and those of the normal distribution are the same drawing.
const EXACT: usize = 400;

/// The interval of the median, at 95 % confidence: by ranks, without any assumption about the values.
pub(crate) fn median_interval(sorted: &[f64]) -> Option<(f64, f64)> {
    let n = sorted.len();
    let (lower, upper) = if n <= EXACT {
        let ranks = interval_ranks(n as u64, Rate::new(0.5).ok()?, Confidence::new(0.95).ok()?)?;
        (ranks.lower as usize, ranks.upper as usize)
    } else {
        let (n, half) = (n as f64, 1.96 * (n as f64).sqrt() / 2.0);
        ((n / 2.0 - half).floor() as usize, (n / 2.0 + half).ceil() as usize + 1)
    };
    Some((*sorted.get(lower.checked_sub(1)?)?, *sorted.get(upper - 1)?))
}

/// Draws a distribution, with its figures in words below.
pub(crate) fn distribution(m: &mut Markup, of: &Distribution<'_>) {
    let said = said(of);
    m.element("figure", &[("class", "chart")], |m| {
        m.leaf("figcaption", &[], of.title);
        if let (Some(first), Some(last)) = (of.sorted.first(), of.sorted.last()) {
            let ends = [of.limits.0, of.limits.1].into_iter().flatten().chain([*first, *last]);
            let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
            let room = ((high - low) * 0.06).max(high.abs() * 0.01).max(1e-6);
            let scale = Scale::new(low - room, high + room, LEFT, SMALL - 8.0);
            drawing(m, "plot", (SMALL, HEIGHT), &format!("{}: {said}", of.title), |m| {
                if of.sorted.len() <= DOTS {
                    dots(m, of, scale);
                } else {
                    classes(m, of, scale);
                }
                middle(m, of, scale);
                limits(m, of, scale);
                horizontal_axis(m, scale, BOTTOM + 14.0, 5, of.unit);
            });
        }
        m.leaf("p", &[("class", "small")], &said);
    });
}

fn dots(m: &mut Markup, of: &Distribution<'_>, scale: Scale) {
    // Dots that would cover each other are stacked.
    let mut columns: std::collections::BTreeMap<i64, usize> = std::collections::BTreeMap::new();
    for value in of.sorted {
        let x = scale.at(*value);
        let level = columns.entry((x / 6.0).round() as i64).or_default();
        let y = BOTTOM - 4.0 - (*level as f64 * 6.5).min(BOTTOM - TOP - 8.0);
        *level += 1;
        let title = quantity(*value, of.unit);
        m.element("circle", &[("class", "dot"), ("cx", &c(x)), ("cy", &c(y)), ("r", "3")], |m| {
            m.leaf("title", &[], &title);
        });
    }
    line(m, "axis", (LEFT, BOTTOM), (SMALL - 8.0, BOTTOM));
}

fn classes(m: &mut Markup, of: &Distribution<'_>, scale: Scale) {
    let step = round_step((scale.high - scale.low) / 40.0);
    let first = (scale.low / step).floor();
    let mut counts = vec![0usize; (((scale.high / step).floor() - first).max(0.0) as usize).min(200) + 1];
    for value in of.sorted {
        let at = ((value / step).floor() - first).max(0.0) as usize;
        let last = counts.len() - 1;
        counts[at.min(last)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1);
    let up = Scale::new(0.0, most as f64, BOTTOM, TOP + 4.0);
    for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (from, to) = ((first + at as f64) * step, (first + at as f64 + 1.0) * step);
        let (x, y) = (scale.at(from), up.at(*count as f64));
        let title = format!("{} to {}: {count}", quantity(from, of.unit), quantity(to, of.unit));
        rectangle(m, "bar", (x + 0.5, y), (scale.at(to) - x - 1.0, BOTTOM - y), &title);
    }
    count_axis(m, up, LEFT, "");
    line(m, "axis", (LEFT, BOTTOM), (SMALL - 8.0, BOTTOM));
}

/// The median with its interval, below the values.
fn middle(m: &mut Markup, of: &Distribution<'_>, scale: Scale) {
    let y = BOTTOM + 7.0;
    if let Some((low, high)) = median_interval(of.sorted) {
        line(m, "whisker", (scale.at(low), y), (scale.at(high), y));
    }
    if let Some(median) = percentile(of.sorted, 0.5) {
        line(m, "median", (scale.at(median), y - 4.0), (scale.at(median), y + 4.0));
    }
}

fn limits(m: &mut Markup, of: &Distribution<'_>, scale: Scale) {
    for (limit, says) in [(of.limits.0, "at least"), (of.limits.1, "at most")] {
        let Some(limit) = limit else { continue };
        let x = scale.at(limit);
        line(m, "limit", (x, TOP - 4.0), (x, BOTTOM));
        let class = if x > SMALL / 2.0 { "tick end strong" } else { "tick start strong" };
        words(m, class, (x, TOP - 7.0), &format!("{says} {}", quantity(limit, of.unit)));
    }
}

fn said(of: &Distribution<'_>) -> String {
    let mut parts = vec![format!("n = {}", of.sorted.len())];
    let figure = |share| percentile(of.sorted, share).map(|v| quantity(v, of.unit)).unwrap_or_default();
    if !of.sorted.is_empty() {
        let interval = median_interval(of.sorted)
            .map(|(low, high)| format!(" [{}, {}] (95 % confidence)", quantity(low, of.unit), quantity(high, of.unit)));
        parts.push(format!("median {}{}", figure(0.5), interval.unwrap_or_default()));
        if of.sorted.len() >= 10 {
            parts.push(format!("90th percentile {}", figure(0.9)));
        }
        parts.push(format!("{} to {}", figure(0.0), figure(1.0)));
    }
    if of.uncertainty > 0.0 {
        parts.push(format!("each value ± {} or better", quantity(of.uncertainty, of.unit)));
    }
    if of.never > 0 {
        parts.push(format!("never came in {}", rigtone_report::figure::count(of.never as usize, "trial")));
    }
    let untold = of.untold.saturating_sub(of.never);
    if untold > 0 {
        parts.push(format!("not told in {untold}"));
    }
    parts.join("; ")
}
