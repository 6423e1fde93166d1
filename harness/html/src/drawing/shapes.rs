//! The few shapes that drawings are made of.

use super::scale::{Scale, label};
use crate::{Markup, coordinate as c};

/// A drawing of a size, with what it shows in words.
pub fn drawing(
    m: &mut Markup,
    class: &str,
    (width, height): (f64, f64),
    words: &str,
    inside: impl FnOnce(&mut Markup),
) {
    let view = format!("0 0 {} {}", c(width), c(height));
    let attributes = [
        ("class", class),
        ("viewBox", &view),
        ("width", &c(width)),
        ("height", &c(height)),
        ("role", "img"),
        ("aria-label", words),
    ];
    m.element("svg", &attributes, inside);
}

/// A straight line.
pub fn line(m: &mut Markup, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    m.open("path", &[("class", class), ("d", &format!("M{} {}L{} {}", c(x1), c(y1), c(x2), c(y2)))]).close("path");
}

/// A path, as SVG writes it.
pub fn path(m: &mut Markup, class: &str, d: &str) {
    m.open("path", &[("class", class), ("d", d)]).close("path");
}

/// A rectangle from its left upper corner, with words for whom points at it.
pub fn rectangle(m: &mut Markup, class: &str, (x, y): (f64, f64), (width, height): (f64, f64), title: &str) {
    let (x, y, width, height) = (c(x), c(y), c(width.max(0.0)), c(height.max(0.0)));
    m.open("rect", &[("class", class), ("x", &x), ("y", &y), ("width", &width), ("height", &height)]);
    if !title.is_empty() {
        m.leaf("title", &[], title);
    }
    m.close("rect");
}

/// Words at a place.
pub fn words(m: &mut Markup, class: &str, (x, y): (f64, f64), text: &str) {
    m.leaf("text", &[("class", class), ("x", &c(x)), ("y", &c(y))], text);
}

/// The ticks of a horizontal axis at height `y`, with its unit behind the last one.
pub fn horizontal_axis(m: &mut Markup, scale: Scale, y: f64, most: usize, unit: &str) {
    let ticks = scale.ticks(most);
    let step = match ticks[..] {
        [first, second, ..] => second - first,
        _ => scale.high - scale.low,
    };
    let (from, to) = (scale.at(scale.low), scale.at(scale.high));
    let mut d = format!("M{} {}H{}", c(from), c(y), c(to));
    for tick in &ticks {
        d.push_str(&format!("M{} {}v4", c(scale.at(*tick)), c(y)));
    }
    path(m, "axis", &d);
    for (at, tick) in ticks.iter().enumerate() {
        let unit = if at + 1 == ticks.len() && !unit.is_empty() { format!(" {unit}") } else { String::new() };
        let text = format!("{}{unit}", label(*tick, step));
        // What would reach over the edge ends at it.
        let class = if scale.at(*tick) > to - 3.0 * text.chars().count() as f64 { "tick end" } else { "tick" };
        let x = if class == "tick end" { to.max(scale.at(*tick)) } else { scale.at(*tick) };
        words(m, class, (x, y + 15.0), &text);
    }
}

/// The ticks of a vertical axis of counts, which begins at zero.
pub fn count_axis(m: &mut Markup, scale: Scale, x: f64, unit: &str) {
    let (bottom, top) = (scale.at(scale.low), scale.at(scale.high));
    path(m, "axis", &format!("M{} {}V{}", c(x), c(bottom), c(top)));
    words(m, "tick end", (x - 3.0, bottom), "0");
    words(m, "tick end", (x - 3.0, top + 8.0), &format!("{}{unit}", label(scale.high, 1.0)));
}
