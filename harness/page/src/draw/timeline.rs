//! The lanes of a trial on one time axis, and below them what was heard, on the same axis.

use rigtone_html::{
    Markup, coordinate as c,
    drawing::{Scale, drawing, horizontal_axis, line, path, rectangle, words},
};

use super::lanes::{Item, Kind, Lane};
use crate::sound::Drawn;

const WIDTH: f64 = 900.0;
const LEFT: f64 = 112.0;
const RIGHT: f64 = 10.0;
const ROW: f64 = 18.0;
const GAP: f64 = 6.0;
const WAVE: f64 = 64.0;
const SPECTRUM: f64 = 96.0;
/// About the width of a letter.
const LETTER: f64 = 6.0;

/// What is drawn.
pub(crate) struct Scene<'a> {
    pub(crate) lanes: &'a [Lane],
    /// In seconds since the trial began.
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) sound: Option<&'a Drawn>,
    pub(crate) words: &'a str,
}

/// The place of a time in the drawing, for the script that moves a line along while a clip plays: left, width, begin, end.
pub(crate) fn place(scene: &Scene<'_>) -> [f64; 4] {
    [LEFT, WIDTH - LEFT - RIGHT, scene.from, scene.to]
}

fn height(lane: &Lane) -> f64 {
    match lane {
        Lane::Items { rows, .. } => ROW * rows.len() as f64,
        Lane::Supply { .. } => ROW,
    }
}

fn is_within(lane: &Lane, from: f64, to: f64) -> bool {
    match lane {
        Lane::Items { rows, .. } => rows.iter().flatten().any(|item| item.to >= from && item.from <= to),
        // How a supply stands says itself beside a sound too.
        Lane::Supply { edges, .. } => edges.iter().any(|(at, _)| (from..=to).contains(at)),
    }
}

/// Draws lanes on one axis.
pub(crate) fn timeline(m: &mut Markup, scene: &Scene<'_>) {
    let lanes: Vec<&Lane> = scene.lanes.iter().filter(|lane| is_within(lane, scene.from, scene.to)).collect();
    let lanes_height: f64 = lanes.iter().map(|lane| height(lane) + GAP).sum();
    let sound_height = if scene.sound.is_some() { WAVE + SPECTRUM + 3.0 * GAP } else { 0.0 };
    let total = lanes_height + sound_height + 26.0;
    let scale = Scale::new(scene.from, scene.to, LEFT, WIDTH - RIGHT);
    drawing(m, "timeline", (WIDTH, total), scene.words, |m| {
        let mut grid = String::new();
        for tick in scale.ticks(10) {
            grid.push_str(&format!("M{} 0V{}", c(scale.at(tick)), c(total - 22.0)));
        }
        path(m, "grid", &grid);
        let mut top = 2.0;
        for lane in lanes {
            draw(m, lane, scale, top);
            top += height(lane) + GAP;
        }
        if let Some(sound) = scene.sound {
            heard(m, sound, scale, top);
        }
        horizontal_axis(m, scale, total - 22.0, 10, "s");
        if scene.sound.is_some() {
            m.open("path", &[("class", "playhead"), ("d", &format!("M{} 0V{}", c(LEFT), c(total - 22.0)))])
                .close("path");
        }
    });
}

fn name(m: &mut Markup, name: &str, top: f64) {
    words(m, "lane", (0.0, top + 13.0), &rigtone_report::sanitise::short(name, 17));
}

fn draw(m: &mut Markup, lane: &Lane, scale: Scale, top: f64) {
    match lane {
        Lane::Items { name: of, rows } => {
            name(m, of, top);
            for (at, row) in rows.iter().enumerate() {
                let top = top + at as f64 * ROW;
                for item in row.iter().filter(|i| i.to >= scale.low && i.from <= scale.high) {
                    one(m, item, scale, top);
                }
            }
        }
        Lane::Supply { name: of, edges } => {
            name(m, of, top);
            let y = |on: bool| if on { top + 3.0 } else { top + ROW - 3.0 };
            let mut d = String::new();
            let mut last: Option<bool> = None;
            for (at, on) in edges {
                let x = scale.at(*at);
                match last {
                    // How it stood before is not known.
                    None => d.push_str(&format!("M{} {}", c(x), c(y(*on)))),
                    Some(_) => d.push_str(&format!("H{}V{}", c(x), c(y(*on)))),
                }
                last = Some(*on);
            }
            d.push_str(&format!("H{}", c(scale.at(scale.high))));
            path(m, "supply", &d);
            for (at, on) in edges.iter().filter(|(at, _)| (scale.low..=scale.high).contains(at)) {
                let text = if *on { "on" } else { "off" };
                let x = scale.at(*at);
                // Beside the line, where it runs elsewhere; at the right end before it.
                let (class, x) = if x > WIDTH - 36.0 { ("tick end", x - 3.0) } else { ("tick start", x + 3.0) };
                let y = if *on != class.ends_with("end") { top + ROW - 4.0 } else { top + 10.0 };
                words(m, class, (x, y), text);
            }
        }
    }
}

fn one(m: &mut Markup, item: &Item, scale: Scale, top: f64) {
    let (from, to) = (scale.at(item.from), scale.at(item.to));
    let width = (to - from).max(1.5);
    match item.kind {
        Kind::Mark => {
            let (early, late) = (scale.at(item.known.0), scale.at(item.known.1));
            if late - early > 2.0 {
                line(m, "unsure", (early, top + 8.0), (late, top + 8.0));
            }
            rectangle(m, "mark", (from - 1.0, top + 1.0), (2.0, ROW - 4.0), &item.words);
            if !item.name.is_empty() {
                words(m, "tick start", (from + 4.0, top + 12.0), &item.name);
            }
        }
        kind => {
            let class = match kind {
                Kind::Bad => "span bad",
                Kind::State => "span state",
                Kind::Bar | Kind::Mark => "span",
            };
            rectangle(m, class, (from, top + 1.0), (width, ROW - 4.0), &item.words);
            let text = if kind == Kind::Bad { format!("✗ {}", item.name) } else { item.name.clone() };
            let room = ((width - 6.0) / LETTER) as usize;
            if room >= 3 && !text.is_empty() {
                words(m, "inside", (from + 4.0, top + 12.0), &rigtone_report::sanitise::short(&text, room));
            }
        }
    }
}

/// Waveform and spectrogram at their place on the axis.
fn heard(m: &mut Markup, sound: &Drawn, scale: Scale, top: f64) {
    let (from, to) = (scale.at(sound.from), scale.at(sound.to));
    let width = (to - from).max(1.0);
    let middle = top + WAVE / 2.0;
    words(m, "lane", (0.0, top + 13.0), "waveform");
    words(m, "lane faint", (0.0, top + 28.0), &format!("peak {}", sound.peak_words()));
    line(m, "axis", (from, middle), (to, middle));
    let column = width / sound.envelope.len().max(1) as f64;
    let (mut upper, mut lower) = (String::new(), String::new());
    let half = WAVE / 2.0 - 2.0;
    let scaled = |value: f32| f64::from(value / sound.peak.max(1e-9)) * half;
    for (at, (low, high)) in sound.envelope.iter().enumerate() {
        let x = c(from + (at as f64 + 0.5) * column);
        upper.push_str(&format!("{}{x} {}", if at == 0 { "M" } else { "L" }, c(middle - scaled(*high) - 0.3)));
        lower.insert_str(0, &format!("L{x} {}", c(middle - scaled(*low) + 0.3)));
    }
    path(m, "wave", &format!("{upper}{lower}z"));
    let top = top + WAVE + GAP;
    words(m, "lane", (0.0, top + 13.0), "spectrogram");
    words(m, "lane faint", (0.0, top + 28.0), &format!("0 to {:.0} kHz", sound.top_hz / 1000.0));
    words(m, "lane faint", (0.0, top + 43.0), &format!("{:.0} dB range", crate::sound::RANGE_DB));
    m.open(
        "image",
        &[
            ("x", &c(from)),
            ("y", &c(top)),
            ("width", &c(width)),
            ("height", &c(SPECTRUM)),
            ("preserveAspectRatio", "none"),
            ("href", &format!("data:image/png;base64,{}", sound.picture)),
        ],
    )
    .close("image");
    if let Some(clip) = &sound.clip {
        let (from, to) = (scale.at(clip.from), scale.at(clip.from + clip.seconds));
        rectangle(m, "clip", (from, top - GAP - WAVE), (to - from, WAVE), "what the clip holds");
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::draw::probe::attributes;

    fn drawn(lanes: &[Lane]) -> String {
        let mut m = Markup::new();
        timeline(&mut m, &Scene { lanes, from: 0.0, to: 10.0, sound: None, words: "a trial" });
        m.into_string()
    }

    fn supply(edges: &[(f64, bool)]) -> Lane {
        Lane::Supply { name: "speaker".to_owned(), edges: edges.to_vec() }
    }

    /// A supply that is on runs above one that is off, from the time of its edge.
    #[rstest]
    #[case(&[(1.0, true)], &["M189.8 5", "H890"])]
    #[case(&[(1.0, false)], &["M189.8 17", "H890"])]
    #[case(&[(1.0, true), (5.0, false)], &["M189.8 5", "H501V17", "H890"])]
    #[case(&[(0.0, false), (5.0, true), (10.0, false)], &["M112 17", "H501V5", "H890V17", "H890"])]
    fn a_supply_is_high_while_it_is_on(#[case] edges: &[(f64, bool)], #[case] path: &[&str]) {
        let html = drawn(&[supply(edges)]);
        assert_eq!(attributes(&html, "supply", "d"), [path.concat()]);
    }

    #[test]
    fn what_went_badly_says_so_without_its_colour() {
        let item = |kind, from: f64| Item {
            kind,
            from,
            to: from + 3.0,
            known: (from, from + 3.0),
            name: "connect".to_owned(),
            words: "connect, in words".to_owned(),
        };
        let rows = vec![vec![item(Kind::Bar, 0.0), item(Kind::Bad, 5.0)]];
        let html = drawn(&[Lane::Items { name: "steps".to_owned(), rows }]);
        assert_eq!((html.matches(">connect</text>").count(), html.matches(">✗ connect</text>").count()), (1, 1));
        assert_eq!(attributes(&html, "span", "x"), ["112"]);
        assert_eq!(attributes(&html, "span bad", "x"), ["501"]);
    }
}
