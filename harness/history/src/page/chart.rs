//! A trend as a drawing: time to the right, the estimate with its interval upwards, changes as dashed lines, another rig behind a dotted one.

use rigtone_html::{
    Markup, coordinate as c,
    drawing::{Scale, drawing, label, line, words},
};

use crate::{
    age::{day, minute},
    history::{Changed, History, Point, Series},
    rigs::Rigs,
    series::{proportion, rate},
    text::figure,
    word::Word,
};

/// The newest runs that are drawn; older ones are in the tables of `rigtone history --trend`.
const DRAWN: usize = 90;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 624.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 160.0;
/// The lane below the upper edge for runs without a figure, where there are some.
const LANE: f64 = 20.0;

/// Whether a series says more than its last point: it has several, and decides something today.
pub(super) fn is_drawn(series: &Series) -> bool {
    let telling = series.points.iter().filter(|point| point.n > 0 || measured(point, "").is_some()).count();
    series.gating && !series.part && series.current && telling > 1
}

/// The drawing with its words.
pub(super) fn draw(m: &mut Markup, series: &Series, history: &History) {
    let first = series.points.len().saturating_sub(DRAWN);
    let chart = Chart::of(series, first, history);
    let label = chart.in_words();
    m.element("figure", &[("class", "trend")], |m| {
        drawing(m, "plot", (WIDTH, HEIGHT), &label, |m| chart.draw(m));
        let earlier =
            if first > 0 { format!(" {} before are not drawn.", figure::count(first, "run")) } else { String::new() };
        m.leaf("figcaption", &[("class", "small")], &format!("{label}.{earlier}"));
    });
}

/// What a run has for the axis: a value with its interval, and the same in words with the number of trials.
struct Figure {
    value: f64,
    low: Option<f64>,
    high: Option<f64>,
    words: String,
}

/// The estimate.
fn measured(point: &Point, unit: &str) -> Option<Figure> {
    let value = point.estimate.filter(|value| value.is_finite())?;
    let words = format!("{}, n {}", figure::estimate(point, unit)?, point.n);
    Some(Figure { value, low: point.low, high: point.high, words })
}

/// The share of trials in which it held, of those that tell.
fn share(point: &Point) -> Option<Figure> {
    let counted = proportion(point);
    let rate = (counted.trials() > 0).then(|| rate(counted, point.confidence))?;
    Some(Figure { value: rate.estimate, low: Some(rate.low), high: Some(rate.high), words: figure::rate(&rate) })
}

/// The newest runs of a series on their axes: time to the right, figures upwards.
struct Chart<'a> {
    series: &'a Series,
    history: &'a History,
    /// The place of the first of them in the series.
    first: usize,
    points: &'a [Point],
    figures: Vec<Option<Figure>>,
    /// Whether shares are drawn, for want of any estimate.
    shares: bool,
    rigs: Rigs<'a>,
    right: Scale,
    up: Scale,
}

impl<'a> Chart<'a> {
    fn of(series: &'a Series, first: usize, history: &'a History) -> Self {
        let points = &series.points[first..];
        let estimates: Vec<Option<Figure>> = points.iter().map(|point| measured(point, &series.unit)).collect();
        let shares = estimates.iter().all(Option::is_none);
        let figures: Vec<Option<Figure>> = if shares { points.iter().map(share).collect() } else { estimates };
        let times: Vec<f64> = points.iter().map(|point| history.runs[point.run].unix_s as f64).collect();
        let (begin, end) = (times.first().copied().unwrap_or(0.0), times.last().copied().unwrap_or(0.0));
        // Runs that began at one time stand in the middle.
        let room = if end > begin { 0.0 } else { 1.0 };
        let (low, high) = if series.rate || shares { (0.0, 100.0) } else { range(&figures) };
        let top = if figures.iter().any(Option::is_none) { TOP + LANE } else { TOP };
        Self {
            series,
            history,
            first,
            points,
            figures,
            shares,
            rigs: Rigs::of(points, &history.runs),
            right: Scale::new(begin - room, end + room, LEFT + 8.0, RIGHT - 8.0),
            up: Scale::new(low, high, BOTTOM, top),
        }
    }

    fn unit(&self) -> &str {
        if self.shares { "%" } else { &self.series.unit }
    }

    /// The runs without a figure, and what each has instead.
    fn missing(&self) -> Vec<&'static str> {
        let all = self.points.iter().zip(&self.figures);
        all.filter(|(_, figure)| figure.is_none()).map(|(point, _)| figure::missing(point, self.unit())).collect()
    }

    /// What the drawing shows, for whom does not see it.
    fn in_words(&self) -> String {
        let newest = self.points.last().zip(self.figures.last()).map(|(point, figure)| match figure {
            Some(figure) => figure.words.clone(),
            None => figure::without(point, self.unit()),
        });
        let change = |change: &Changed| {
            format!("{}, {}", figure::step(change, self.series, self.history, "→"), figure::p(change.p))
        };
        let changes: Vec<String> = self.series.changes.iter().map(change).collect();
        let changes =
            if changes.is_empty() { "no change".to_owned() } else { format!("change {}", changes.join("; ")) };
        let of = if self.shares { ", share of trials in which it held" } else { "" };
        let newest = newest.unwrap_or_default();
        let runs = figure::count(self.points.len(), "run");
        let mut said = format!("{}{of}: {runs}, newest {newest}; {changes}", self.series.expected);
        let missing = self.missing().len();
        if missing > 0 {
            said += &format!("; {} without a figure", figure::count(missing, "run"));
        }
        if let Some(rigs) = self.rigs.in_words(self.points, &self.history.runs) {
            said += &format!("; {rigs}");
        }
        said
    }

    fn draw(&self, m: &mut Markup) {
        self.axes(m);
        for (place, rig) in self.rigs.moves() {
            self.moved(m, *place, rig);
        }
        for change in self.series.changes.iter().filter(|change| change.point > self.first) {
            self.change(m, change);
        }
        for (point, figure) in self.points.iter().zip(&self.figures) {
            self.run(m, point, figure.as_ref());
        }
    }

    fn x(&self, run: usize) -> f64 {
        self.right.at(self.history.runs[run].unix_s as f64)
    }

    /// Between a point and the one before it.
    fn before(&self, place: usize) -> f64 {
        f64::midpoint(self.x(self.points[place].run), self.x(self.points[place.saturating_sub(1)].run))
    }

    fn axes(&self, m: &mut Markup) {
        let ticks = self.up.ticks(4);
        let step = ticks.windows(2).next().map_or(self.up.high - self.up.low, |pair| pair[1] - pair[0]);
        for tick in ticks {
            let y = self.up.at(tick);
            line(m, "grid", (LEFT, y), (RIGHT, y));
            words(m, "tick end", (LEFT - 5.0, y + 4.0), format!("{} {}", label(tick, step), self.unit()).trim());
        }
        let missing = self.missing();
        if let Some(word) = missing.first() {
            let word = if missing.iter().all(|other| other == word) { *word } else { "no figure" };
            line(m, "grid", (LEFT, TOP), (RIGHT, TOP));
            words(m, "tick end", (LEFT - 5.0, TOP + 4.0), word);
        }
        line(m, "axis", (LEFT, BOTTOM), (RIGHT, BOTTOM));
        if let (Some(first), Some(last)) = (self.points.first(), self.points.last()) {
            for (x, class, run) in [(LEFT, "tick start", first.run), (RIGHT, "tick end", last.run)] {
                words(m, class, (x, BOTTOM + 16.0), &day(self.history.runs[run].unix_s));
            }
        }
    }

    fn change(&self, m: &mut Markup, change: &Changed) {
        let x = self.before(change.point - self.first);
        line(m, "change", (x, TOP - 8.0), (x, BOTTOM));
        let said = figure::step(change, self.series, self.history, "→");
        words(m, &format!("{} strong", towards_the_middle(x)), (x, TOP - 12.0), &said);
    }

    /// Where another rig goes on. Its name stands below the days.
    fn moved(&self, m: &mut Markup, place: usize, rig: &str) {
        let x = self.before(place);
        line(m, "move", (x, TOP - 8.0), (x, BOTTOM + 24.0));
        words(m, towards_the_middle(x), (x, BOTTOM + 34.0), &format!("rig {rig}"));
    }

    /// A circle that is filled for a pass, a square for a failure, an empty circle for anything else; at the upper edge, for a run without a
    /// figure, the sign of its verdict.
    fn run(&self, m: &mut Markup, point: &Point, figure: Option<&Figure>) {
        let x = self.x(point.run);
        let run = &self.history.runs[point.run];
        let seen = figure.map_or_else(|| figure::without(point, self.unit()), |figure| figure.words.clone());
        let on = if self.rigs.are_several() { format!(", rig {}", run.rig) } else { String::new() };
        let title = format!("{}: {}, {seen}{on}", minute(run.unix_s), point.verdict.text());
        let class = match point.verdict {
            Word::Pass => "good",
            Word::Fail => "bad",
            _ => "open",
        };
        m.open("g", &[]).leaf("title", &[], &title);
        match figure {
            Some(figure) => self.dot(m, x, figure, class),
            None => words(m, &format!("sign {class}"), (x, TOP + 4.0), point.verdict.sign()),
        }
        m.close("g");
    }

    fn dot(&self, m: &mut Markup, x: f64, figure: &Figure, class: &str) {
        let y = self.up.at(figure.value);
        if figure.low.is_some() || figure.high.is_some() {
            let ends = [figure.low.unwrap_or(self.up.low), figure.high.unwrap_or(self.up.high)];
            let ends = ends.map(|end| self.up.at(end));
            line(m, "interval", (x, ends[0]), (x, ends[1]));
        }
        let run = format!("run {class}");
        if class == "bad" {
            let (left, top) = (c(x - 3.5), c(y - 3.5));
            m.open("rect", &[("class", &run), ("x", &left), ("y", &top), ("width", "7"), ("height", "7")]);
            m.close("rect");
        } else {
            m.open("circle", &[("class", &run), ("cx", &c(x)), ("cy", &c(y)), ("r", "3.5")]).close("circle");
        }
    }
}

/// The class of words that begin or end at a place: they stay within the drawing.
fn towards_the_middle(x: f64) -> &'static str {
    if x > f64::midpoint(LEFT, RIGHT) { "tick end" } else { "tick start" }
}

/// The range of measured values with their intervals. It begins at zero where all are above it: a small difference must not look large.
fn range(figures: &[Option<Figure>]) -> (f64, f64) {
    let values = figures.iter().flatten().flat_map(|figure| [Some(figure.value), figure.low, figure.high]).flatten();
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if !low.is_finite() {
        return (0.0, 1.0);
    }
    let low = if low >= 0.0 { 0.0 } else { low };
    let room = 0.05 * (high - low);
    let (low, high) = (if low < 0.0 { low - room } else { low }, high + room);
    if high > low { (low, high) } else { (low - 1.0, high + 1.0) }
}
