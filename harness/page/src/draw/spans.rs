//! Several times on one axis that begins at zero: each with its range, its middle half and its median.

use rigtone_html::{
    Markup, coordinate as c,
    drawing::{Scale, drawing, horizontal_axis, line, rectangle, words},
};
use rigtone_report::figure::quantity;

use super::SMALL;
use crate::digest::percentile;

/// Up to so many values each has a mark of its own: a box of few would look surer than it is.
const MARKS: usize = 12;
const ROW: f64 = 30.0;

/// One time.
pub(crate) struct Span {
    pub(crate) name: String,
    /// Sorted, none below zero.
    pub(crate) sorted: Vec<f64>,
    pub(crate) failed: u32,
}

/// Draws times below each other.
pub(crate) fn spans(m: &mut Markup, title: &str, unit: &str, spans: &[Span]) {
    let high = spans.iter().filter_map(|s| s.sorted.last()).copied().fold(0.0, f64::max);
    let scale = Scale::new(0.0, high * 1.02, 4.0, SMALL - 10.0);
    let height = ROW * spans.len() as f64;
    let said: Vec<String> = spans.iter().map(|s| said(s, unit)).collect();
    m.element("figure", &[("class", "chart")], |m| {
        m.leaf("figcaption", &[], title);
        drawing(m, "plot", (SMALL, height + 24.0), &format!("{title}: {}", said.join("; ")), |m| {
            for (row, span) in spans.iter().enumerate() {
                let top = row as f64 * ROW;
                words(m, "tick start strong", (4.0, top + 11.0), &rigtone_report::sanitise::short(&said[row], 58));
                one(m, span, scale, top + 20.0);
            }
            horizontal_axis(m, scale, height + 3.0, 5, unit);
        });
        let few = spans.iter().any(|s| s.sorted.len() <= MARKS);
        let many = spans.iter().any(|s| s.sorted.len() > MARKS);
        let box_ = "line from the smallest to the largest, box the middle half, bar the median";
        let text = match (few, many) {
            (true, true) => format!("one mark for each trial where they are {MARKS} or fewer; else {box_}"),
            (false, true) => box_.to_owned(),
            _ => "one mark for each trial".to_owned(),
        };
        m.leaf("p", &[("class", "small")], &text);
    });
}

fn said(span: &Span, unit: &str) -> String {
    let median = percentile(&span.sorted, 0.5).map(|v| format!(" {}", quantity(v, unit))).unwrap_or_default();
    let failed = if span.failed > 0 { format!(", failed {}", span.failed) } else { String::new() };
    format!("{}{median} (n = {}{failed})", span.name, span.sorted.len())
}

fn one(m: &mut Markup, span: &Span, scale: Scale, y: f64) {
    let (Some(first), Some(last)) = (span.sorted.first(), span.sorted.last()) else { return };
    line(m, "range", (scale.at(*first), y), (scale.at(*last), y));
    if span.sorted.len() <= MARKS {
        let mut d = String::new();
        for value in &span.sorted {
            d.push_str(&format!("M{} {}v8", c(scale.at(*value)), c(y - 4.0)));
        }
        m.open("path", &[("class", "marks"), ("d", &d)]).close("path");
        return;
    }
    let at = |share| percentile(&span.sorted, share).map_or(0.0, |v| scale.at(v));
    rectangle(m, "box", (at(0.25), y - 5.0), ((at(0.75) - at(0.25)).max(1.0), 10.0), "");
    line(m, "median", (at(0.5), y - 7.0), (at(0.5), y + 7.0));
}
