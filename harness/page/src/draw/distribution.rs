//! How values are distributed: each one as a dot where they are few, else counted in classes; the limits, the median and its interval.

use rigtone_html::{
    Markup, coordinate as c,
    drawing::{Scale, count_axis, drawing, horizontal_axis, line, rectangle, round_step, words},
};
use rigtone_judge::{Confidence, Rate, percentile::interval_ranks};
use rigtone_report::figure::{count, quantity};

use super::SMALL;
use crate::digest::{Never, rank};

/// Up to so many values each has a dot of its own.
const DOTS: usize = 40;
/// Radius of a dot, and how far apart dots stand that are stacked, where there is room.
const DOT: f64 = 3.0;
const STACK: f64 = 6.5;
const LEFT: f64 = 34.0;
/// Where values and limits begin below one row of labels, where they end, and what stands below.
const TOP: f64 = 18.0;
const BOTTOM: f64 = 108.0;
const BELOW: f64 = 42.0;
/// Height of a label of a limit.
const LABEL: f64 = 12.0;

/// On which side of a limit values have to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    AtLeast,
    AtMost,
}

/// A limit that is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limit {
    pub(crate) side: Side,
    pub(crate) value: f64,
    /// The share of trials in which it has to hold; nothing for every trial.
    pub(crate) share: Option<f64>,
}

impl Limit {
    fn text(&self, unit: &str) -> String {
        let side = match self.side {
            Side::AtLeast => "at least",
            Side::AtMost => "at most",
        };
        format!("{side} {}", quantity(self.value, unit))
    }

    /// Beside its line.
    fn label(&self, unit: &str) -> String {
        let share = self.share.map_or_else(|| "all".to_owned(), |share| quantity(share * 100.0, "%"));
        format!("{} ({share})", self.text(unit))
    }

    /// In a sentence.
    fn words(&self, unit: &str) -> String {
        let text = self.text(unit);
        match self.share {
            Some(share) => format!("{text} in {} of trials", quantity(share * 100.0, "%")),
            None => format!("{text} in every trial"),
        }
    }
}

/// What is drawn.
pub(crate) struct Distribution<'a> {
    pub(crate) title: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) sorted: &'a [f64],
    /// All limits that are asked for.
    pub(crate) limits: &'a [Limit],
    /// Trials in which it never came, or was not told.
    pub(crate) never: Never,
    pub(crate) untold: u32,
    /// The largest half width of the values' own intervals.
    pub(crate) uncertainty: f64,
}

/// From so many values on the exact ranks and those of the normal distribution are the same drawing.
const EXACT: usize = 400;

/// The places, from 1, of the values between which the median lies, at 95 % confidence: without any assumption about the values.
fn median_ranks(n: usize) -> Option<(usize, usize)> {
    if n <= EXACT {
        let ranks = interval_ranks(n as u64, Rate::new(0.5).ok()?, Confidence::new(0.95).ok()?)?;
        return Some((ranks.lower as usize, ranks.upper as usize));
    }
    let (n, half) = (n as f64, 1.96 * (n as f64).sqrt() / 2.0);
    Some(((n / 2.0 - half).floor() as usize, (n / 2.0 + half).ceil() as usize + 1))
}

impl Distribution<'_> {
    /// Trials that have a place in the order of the values.
    fn n(&self) -> usize {
        self.never.before as usize + self.sorted.len() + self.never.behind as usize
    }

    /// The value at a place from 1; infinite for what never came.
    fn at(&self, rank: usize) -> Option<f64> {
        let place = rank.checked_sub(1).filter(|place| *place < self.n())?;
        Some(match place.checked_sub(self.never.before as usize) {
            None => f64::NEG_INFINITY,
            Some(place) => self.sorted.get(place).copied().unwrap_or(f64::INFINITY),
        })
    }

    fn percentile(&self, share: f64) -> Option<f64> {
        self.at(rank(self.n(), share))
    }

    /// The interval of the median, at 95 % confidence.
    fn median_interval(&self) -> Option<(f64, f64)> {
        let (lower, upper) = median_ranks(self.n())?;
        Some((self.at(lower)?, self.at(upper)?))
    }

    /// A value in words.
    fn value(&self, value: f64) -> String {
        if value.is_finite() { quantity(value, self.unit) } else { "never".to_owned() }
    }

    fn said(&self) -> String {
        let mut parts = vec![format!("n = {}", self.n())];
        if let Some(median) = self.percentile(0.5) {
            let interval = self.median_interval();
            let interval =
                interval.map(|(low, high)| format!(" [{}, {}] (95 % confidence)", self.value(low), self.value(high)));
            parts.push(format!("median {}{}", self.value(median), interval.unwrap_or_default()));
        }
        if let Some(high) = self.percentile(0.9).filter(|_| self.n() >= 10) {
            parts.push(format!("90th percentile {}", self.value(high)));
        }
        if let (Some(first), Some(last)) = (self.sorted.first(), self.sorted.last()) {
            parts.push(format!("{} to {}", self.value(*first), self.value(*last)));
        }
        if self.uncertainty > 0.0 {
            parts.push(format!("each value ± {} or better", quantity(self.uncertainty, self.unit)));
        }
        if self.never.count() > 0 {
            parts.push(format!("never came in {}", count(self.never.count() as usize, "trial")));
        }
        let untold = self.untold.saturating_sub(self.never.count());
        if untold > 0 {
            parts.push(format!("not told in {untold}"));
        }
        if !self.limits.is_empty() {
            let limits: Vec<String> = self.limits.iter().map(|limit| limit.words(self.unit)).collect();
            parts.push(format!("asked for: {}", limits.join(", ")));
        }
        parts.join("; ")
    }
}

/// Where things stand in a drawing.
#[derive(Debug, Clone, Copy)]
struct Plot {
    scale: Scale,
    top: f64,
    bottom: f64,
}

impl Plot {
    /// There is none without a value.
    fn of(of: &Distribution<'_>) -> Option<Self> {
        let (first, last) = (of.sorted.first()?, of.sorted.last()?);
        let ends = of.limits.iter().map(|limit| limit.value).chain([*first, *last]);
        let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let room = ((high - low) * 0.06).max(high.abs() * 0.01).max(1e-6);
        let labels = of.limits.len().saturating_sub(1) as f64 * LABEL;
        Some(Self {
            scale: Scale::new(low - room, high + room, LEFT, SMALL - 8.0),
            top: TOP + labels,
            bottom: BOTTOM + labels,
        })
    }
}

/// Draws a distribution, with its figures in words below.
pub(crate) fn distribution(m: &mut Markup, of: &Distribution<'_>) {
    let said = of.said();
    m.element("figure", &[("class", "chart")], |m| {
        m.leaf("figcaption", &[], of.title);
        if let Some(plot) = Plot::of(of) {
            drawing(m, "plot", (SMALL, plot.bottom + BELOW), &format!("{}: {said}", of.title), |m| {
                if of.sorted.len() <= DOTS {
                    dots(m, of, plot);
                } else {
                    classes(m, of, plot);
                }
                middle(m, of, plot);
                limits(m, of, plot);
                horizontal_axis(m, plot.scale, plot.bottom + 14.0, 5, of.unit);
            });
        }
        m.leaf("p", &[("class", "small")], &said);
    });
}

/// The level on which a dot at each of these places stands, which rise: the lowest on which it covers none before it.
fn levels(places: &[f64]) -> Vec<usize> {
    let mut last: Vec<f64> = Vec::new();
    let mut level = |place: f64| {
        let level = last.iter().position(|before| place - before >= 2.0 * DOT).unwrap_or(last.len());
        match last.get_mut(level) {
            Some(before) => *before = place,
            None => last.push(place),
        }
        level
    };
    places.iter().map(|place| level(*place)).collect()
}

fn dots(m: &mut Markup, of: &Distribution<'_>, plot: Plot) {
    let places: Vec<f64> = of.sorted.iter().map(|value| plot.scale.at(*value)).collect();
    let levels = levels(&places);
    // The highest stack fits: its dots are smaller rather than above each other.
    let most = levels.iter().copied().max().unwrap_or(0).max(1);
    let step = STACK.min((plot.bottom - plot.top - 8.0) / most as f64);
    let radius = c(DOT.min(step / 2.0));
    for ((value, x), level) in of.sorted.iter().zip(&places).zip(levels) {
        let y = plot.bottom - 4.0 - level as f64 * step;
        let title = quantity(*value, of.unit);
        m.element("circle", &[("class", "dot"), ("cx", &c(*x)), ("cy", &c(y)), ("r", &radius)], |m| {
            m.leaf("title", &[], &title);
        });
    }
    line(m, "axis", (LEFT, plot.bottom), (SMALL - 8.0, plot.bottom));
}

/// How many values lie in each of classes of one width.
#[derive(Debug)]
struct Classes {
    width: f64,
    /// The place of the first class, in widths.
    first: f64,
    counts: Vec<usize>,
}

impl Classes {
    fn of(sorted: &[f64], scale: Scale) -> Self {
        let width = round_step((scale.high - scale.low) / 40.0);
        let first = (scale.low / width).floor();
        let last = (((scale.high / width).floor() - first).max(0.0) as usize).min(200);
        let mut counts = vec![0; last + 1];
        for value in sorted {
            let at = ((value / width).floor() - first).max(0.0) as usize;
            if let Some(count) = counts.get_mut(at.min(last)) {
                *count += 1;
            }
        }
        Self { width, first, counts }
    }

    /// Each class in which something lies: from, to, how many.
    fn filled(&self) -> impl Iterator<Item = (f64, f64, usize)> {
        let end = move |at: usize| (self.first + at as f64) * self.width;
        let all = self.counts.iter().enumerate().map(move |(at, count)| (end(at), end(at + 1), *count));
        all.filter(|(.., count)| *count > 0)
    }
}

fn classes(m: &mut Markup, of: &Distribution<'_>, plot: Plot) {
    let classes = Classes::of(of.sorted, plot.scale);
    let most = classes.counts.iter().copied().max().unwrap_or(1);
    let up = Scale::new(0.0, most as f64, plot.bottom, plot.top + 4.0);
    for (from, to, count) in classes.filled() {
        let (x, y) = (plot.scale.at(from), up.at(count as f64));
        let title = format!("{} to {}: {count}", quantity(from, of.unit), quantity(to, of.unit));
        rectangle(m, "bar", (x + 0.5, y), (plot.scale.at(to) - x - 1.0, plot.bottom - y), &title);
    }
    count_axis(m, up, LEFT, "");
    line(m, "axis", (LEFT, plot.bottom), (SMALL - 8.0, plot.bottom));
}

/// The median with its interval, below the values. What never came has no place on the axis: the words say so.
fn middle(m: &mut Markup, of: &Distribution<'_>, plot: Plot) {
    let (scale, y) = (plot.scale, plot.bottom + 7.0);
    if let Some((low, high)) = of.median_interval().filter(|(low, high)| low.is_finite() && high.is_finite()) {
        line(m, "whisker", (scale.at(low), y), (scale.at(high), y));
    }
    if let Some(median) = of.percentile(0.5).filter(|median| median.is_finite()) {
        line(m, "median", (scale.at(median), y - 4.0), (scale.at(median), y + 4.0));
    }
}

/// Every limit, its words above its line.
fn limits(m: &mut Markup, of: &Distribution<'_>, plot: Plot) {
    for (row, limit) in of.limits.iter().enumerate() {
        let x = plot.scale.at(limit.value);
        line(m, "limit", (x, plot.top - 4.0), (x, plot.bottom));
        let class = if x > SMALL / 2.0 { "tick end strong" } else { "tick start strong" };
        words(m, class, (x, TOP - 7.0 + row as f64 * LABEL), &limit.label(of.unit));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::draw::probe::attributes;

    const NONE: Never = Never { before: 0, behind: 0 };

    fn of<'a>(sorted: &'a [f64], limits: &'a [Limit], never: Never) -> Distribution<'a> {
        Distribution { title: "Latency", unit: "ms", sorted, limits, never, untold: 0, uncertainty: 0.0 }
    }

    fn drawn(of: &Distribution<'_>) -> String {
        let mut m = Markup::new();
        distribution(&mut m, of);
        m.into_string()
    }

    fn numbers(texts: Vec<&str>) -> Vec<f64> {
        texts.into_iter().map(|text| text.parse().expect("a number")).collect()
    }

    #[rstest]
    // With 5 values even the whole sample covers the median with 1 - 2/2^5 = 93.75 % only, with 6 it is 1 - 2/2^6 = 96.9 %.
    #[case(0, None)]
    #[case(5, None)]
    #[case(6, Some((1, 6)))]
    // 1 - 2 · (1 + 10)/2^10 = 97.9 %; from the second to the eighth it would be 93.5 %.
    #[case(10, Some((2, 9)))]
    fn the_median_lies_between_known_ranks(#[case] n: usize, #[case] ranks: Option<(usize, usize)>) {
        assert_eq!(median_ranks(n), ranks);
        let sorted: Vec<f64> = (1..=n).map(|value| value as f64).collect();
        let interval = ranks.map(|(lower, upper)| (lower as f64, upper as f64));
        assert_eq!(of(&sorted, &[], NONE).median_interval(), interval);
    }

    #[rstest]
    #[case(EXACT)]
    #[case(EXACT + 1)]
    #[case(700)]
    fn ranks_of_many_values_are_within_one_of_the_exact_ones(#[case] n: usize) {
        let exact = interval_ranks(n as u64, Rate::new(0.5).unwrap(), Confidence::new(0.95).unwrap()).unwrap();
        let (lower, upper) = median_ranks(n).unwrap();
        let apart = (exact.lower.abs_diff(lower as u64), exact.upper.abs_diff(upper as u64));
        assert!(apart.0 <= 1 && apart.1 <= 1, "{lower} to {upper}, not {} to {}", exact.lower, exact.upper);
    }

    #[rstest]
    #[case::most(&[300.0], (0, 3), "n = 4; median never; 300 ms to 300 ms; never came in 3 trials", 0)]
    #[case::half(&[100.0, 200.0], (0, 2), "n = 4; median 200 ms; 100 ms to 200 ms; never came in 2 trials", 1)]
    #[case::too_soft(&[100.0], (1, 0), "n = 2; median never; 100 ms to 100 ms; never came in 1 trial", 0)]
    #[case::interval(&[1.0, 2.0, 3.0, 4.0, 5.0], (0, 1), "n = 6; median 3 ms [1 ms, never] (95 % confidence)", 1)]
    #[case::all(&[], (0, 2), "n = 2; median never; never came in 2 trials", 0)]
    fn what_never_came_has_its_place_before_or_behind_every_value(
        #[case] sorted: &[f64],
        #[case] never: (u32, u32),
        #[case] said: &str,
        #[case] medians: usize,
    ) {
        let (before, behind) = never;
        let html = drawn(&of(sorted, &[], Never { before, behind }));
        assert!(html.contains(said), "{html}");
        // No line stands for what has no place on the axis.
        assert_eq!(attributes(&html, "median", "d").len(), medians);
        assert_eq!(attributes(&html, "whisker", "d").len(), 0);
    }

    #[test]
    fn equal_values_stand_above_each_other_however_many() {
        for n in [2, 14, DOTS] {
            let sorted = vec![100.0; n];
            let html = drawn(&of(&sorted, &[], NONE));
            let (mut heights, radii) =
                (numbers(attributes(&html, "dot", "cy")), numbers(attributes(&html, "dot", "r")));
            assert_eq!(heights.len(), n);
            heights.sort_by(f64::total_cmp);
            let apart = heights.windows(2).map(|two| two[1] - two[0]).fold(f64::INFINITY, f64::min);
            // Coordinates have one decimal.
            assert!(apart > 0.0 && apart >= 2.0 * radii[0] - 0.21, "{n} dots of {} are {apart} apart", radii[0]);
            assert!(heights[0] >= TOP && heights[n - 1] <= BOTTOM, "{heights:?}");
        }
    }

    #[test]
    fn dots_that_would_cover_each_other_stand_on_levels() {
        assert_eq!(levels(&[10.0, 12.0, 16.0, 17.0, 30.0]), [0, 1, 0, 2, 0]);
    }

    #[test]
    fn classes_hold_every_value_once_and_where_it_lies() {
        // Five of each value, none at the end of a class.
        let sorted: Vec<f64> = (0..500).map(|n| 100.05 + f64::from(n / 5) * 1.1).collect();
        let of = of(&sorted, &[], NONE);
        let classes = Classes::of(&sorted, Plot::of(&of).unwrap().scale);
        assert_eq!(classes.counts.iter().sum::<usize>(), sorted.len());
        for (from, to, count) in classes.filled() {
            let within = sorted.iter().filter(|value| (from..to).contains(*value)).count();
            assert_eq!(count, within, "{from} to {to}");
        }
        assert_eq!(attributes(&drawn(&of), "bar", "x").len(), classes.filled().count());
    }

    #[test]
    fn every_limit_has_its_line_at_its_place_and_its_words() {
        let limits = [
            Limit { side: Side::AtMost, value: 150.0, share: Some(0.5) },
            Limit { side: Side::AtMost, value: 220.0, share: Some(0.95) },
            Limit { side: Side::AtLeast, value: 20.0, share: None },
        ];
        let sorted = [100.0, 110.0, 120.0];
        let of = of(&sorted, &limits, NONE);
        let (html, scale) = (drawn(&of), Plot::of(&of).unwrap().scale);
        let lines = attributes(&html, "limit", "d");
        let place = |d: &str| d.trim_start_matches('M').split(' ').next().map(str::to_owned);
        let places: Vec<Option<String>> = lines.into_iter().map(place).collect();
        assert_eq!(places, limits.map(|limit| Some(c(scale.at(limit.value)))));
        for text in ["at most 150 ms (50 %)", "at most 220 ms (95 %)", "at least 20 ms (all)"] {
            assert!(html.contains(text), "{text}");
        }
        assert!(html.contains("asked for: at most 150 ms in 50 % of trials, at most 220 ms in 95 % of trials"));
        // Labels stand in rows of their own.
        let mut rows = attributes(&html, "tick start strong", "y");
        rows.extend(attributes(&html, "tick end strong", "y"));
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), limits.len());
    }
}
