//! A trend as a drawing: time to the right, the estimate with its interval upwards, changes as dashed lines.

use std::fmt::Write as _;

use super::escape;
use crate::{
    age::{day, minute},
    history::{Changed, History, Point, Series},
    text::figure,
    word::Word,
};

/// The newest runs that are drawn; older ones are in the tables of `rigtone history --trend`.
const DRAWN: usize = 90;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 624.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 160.0;

/// Whether a series says more than its last point: it has several, and decides something today.
pub(super) fn is_drawn(series: &Series) -> bool {
    let drawable = series.points.iter().filter(|point| point.estimate.is_some_and(f64::is_finite)).count();
    series.gating && !series.part && series.current && drawable > 1
}

/// The drawing with its words.
pub(super) fn draw(page: &mut String, series: &Series, history: &History) {
    let first = series.points.len().saturating_sub(DRAWN);
    let points: Vec<(usize, &Point)> = series.points.iter().enumerate().skip(first).collect();
    let drawn: Vec<&Point> = points.iter().map(|(_, point)| *point).collect();
    let scale = Scale::of(series, &drawn, history);
    let label = escape(&format!("{}: {}", series.expected, in_words(series, &points)));
    let _ = write!(page, "<figure>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">\n");
    scale.axes(page, &series.unit, history, &drawn);
    for change in series.changes.iter().filter(|change| change.point > first) {
        mark(page, change, &scale, series, history);
    }
    for (_, point) in &points {
        dot(page, point, &scale, series, history);
    }
    let earlier =
        if first > 0 { format!(" {} before are not drawn.", figure::count(first, "run")) } else { String::new() };
    let _ = write!(page, "</svg>\n<figcaption>{label}.{earlier}</figcaption>\n</figure>\n");
}

/// What the drawing shows, for whom does not see it.
fn in_words(series: &Series, points: &[(usize, &Point)]) -> String {
    let last = points.last().and_then(|(_, point)| figure::estimate(point, &series.unit)).unwrap_or_default();
    let change =
        |change: &Changed| format!("{}, {}", figure::step(&change.before, &change.after, "→"), figure::p(change.p));
    let changes: Vec<String> = series.changes.iter().map(change).collect();
    let changes = if changes.is_empty() { "no change".to_owned() } else { format!("change {}", changes.join("; ")) };
    format!("{}, newest {last}; {changes}", figure::count(points.len(), "run"))
}

/// From times and estimates to places of the drawing.
struct Scale {
    first_s: f64,
    span_s: f64,
    low: f64,
    high: f64,
}

impl Scale {
    fn of(series: &Series, points: &[&Point], history: &History) -> Self {
        let times: Vec<f64> = points.iter().map(|point| history.runs[point.run].unix_s as f64).collect();
        let (first_s, last_s) = (times.first().copied().unwrap_or(0.0), times.last().copied().unwrap_or(0.0));
        let (low, high) = if series.rate { (0.0, 100.0) } else { range(points) };
        Self { first_s, span_s: last_s - first_s, low, high }
    }

    /// Runs that began at one time stand in the middle.
    fn x(&self, unix_s: i64) -> f64 {
        let share = if self.span_s > 0.0 { (unix_s as f64 - self.first_s) / self.span_s } else { 0.5 };
        LEFT + 8.0 + share * (RIGHT - LEFT - 16.0)
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        BOTTOM - share.clamp(0.0, 1.0) * (BOTTOM - TOP)
    }

    fn axes(&self, page: &mut String, unit: &str, history: &History, points: &[&Point]) {
        for part in 0..=4 {
            let value = self.low + (self.high - self.low) * f64::from(part) / 4.0;
            let (y, text) = (self.y(value), escape(&format!("{} {unit}", figure::number(value, ""))));
            let _ = writeln!(
                page,
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 5.0,
                y + 4.0
            );
        }
        let _ = writeln!(page, "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{BOTTOM}\" x2=\"{RIGHT}\" y2=\"{BOTTOM}\"/>");
        let ends = points.first().zip(points.last()).map(|(first, last)| (first.run, last.run));
        let Some((first, last)) = ends else { return };
        let y = BOTTOM + 16.0;
        for (x, anchor, run) in [(LEFT, "start", first), (RIGHT, "end", last)] {
            let day = day(history.runs[run].unix_s);
            let _ = writeln!(page, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{day}</text>");
        }
    }
}

/// The range of measured values with their intervals. It begins at zero where all are above it: a small difference must not look large.
fn range(points: &[&Point]) -> (f64, f64) {
    let values = points.iter().flat_map(|point| [point.estimate, point.low, point.high]).flatten();
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

fn mark(page: &mut String, change: &Changed, scale: &Scale, series: &Series, history: &History) {
    let here = scale.x(history.runs[change.run].unix_s);
    let before = series.points[change.point - 1].run;
    let x = f64::midpoint(here, scale.x(history.runs[before].unix_s));
    let text = escape(&figure::step(&change.before, &change.after, "→"));
    // The words stay within the drawing.
    let anchor = if x > (LEFT + RIGHT) / 2.0 { "end" } else { "start" };
    let _ = writeln!(
        page,
        "<line class=\"change\" x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{BOTTOM}\"/>\
         <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{text}</text>",
        TOP - 8.0,
        TOP - 12.0
    );
}

/// A circle that is filled for a pass, a square for a failure, an empty circle for anything else.
fn dot(page: &mut String, point: &Point, scale: &Scale, series: &Series, history: &History) {
    let Some(estimate) = point.estimate.filter(|value| value.is_finite()) else { return };
    let run = &history.runs[point.run];
    let (x, y) = (scale.x(run.unix_s), scale.y(estimate));
    let (low, high) = (scale.y(point.low.unwrap_or(scale.low)), scale.y(point.high.unwrap_or(scale.high)));
    let words = figure::estimate(point, &series.unit).unwrap_or_default();
    let title = escape(&format!("{}: {}, {words}, n {}", minute(run.unix_s), point.verdict.text(), point.n));
    let _ = write!(page, "<g><title>{title}</title>");
    if point.low.is_some() || point.high.is_some() {
        let _ = write!(page, "<line class=\"interval\" x1=\"{x:.1}\" y1=\"{low:.1}\" x2=\"{x:.1}\" y2=\"{high:.1}\"/>");
    }
    let _ = match point.verdict {
        Word::Pass => write!(page, "<circle class=\"dot pass\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>"),
        Word::Fail => write!(
            page,
            "<rect class=\"dot fail\" x=\"{:.1}\" y=\"{:.1}\" width=\"7\" height=\"7\"/>",
            x - 3.5,
            y - 3.5
        ),
        _ => write!(page, "<circle class=\"dot other\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>"),
    };
    page.push_str("</g>\n");
}
