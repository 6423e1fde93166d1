//! Counts as bars, which begin at zero. What bars stand for shows in their shapes, beside their colours.

use std::collections::BTreeMap;

use rigtone_html::{
    Markup, coordinate as c,
    drawing::{Scale, count_axis, drawing, line, words},
};

use super::SMALL;
use crate::digest::Fate;

const HEIGHT: f64 = 130.0;
const LEFT: f64 = 34.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 100.0;
/// From so many attempts on they are counted together.
const MOST_ATTEMPTS: usize = 12;
/// About the width of a letter.
const LETTER: f64 = 6.0;
/// A row of a legend, and the sample of a shape in it.
const ROW: f64 = 15.0;
const SAMPLE: (f64, f64) = (14.0, 10.0);

/// What fills the place of a bar: shapes differ on paper too, and for whom colours say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// All of it.
    Full,
    /// Its edge.
    Frame,
    /// Stripes across.
    Stripes,
    /// A triangle that stands on its bottom.
    Triangle,
    /// Its left half.
    Half,
}

impl Shape {
    /// The shape as a path, in a place with this left lower corner.
    fn path(self, (x, bottom): (f64, f64), (width, height): (f64, f64)) -> String {
        let block = |x: f64, bottom: f64, width: f64, height: f64| {
            format!("M{} {}v-{}h{}v{}z", c(x), c(bottom), c(height), c(width), c(height))
        };
        let full = block(x, bottom, width, height);
        match self {
            Self::Full => full,
            Self::Frame => {
                let edge = (width / 4.0).min(2.0);
                let (inner, high) = (width - 2.0 * edge, height - 2.0 * edge);
                if high <= 0.0 {
                    return full;
                }
                // The inside runs the other way round, and so is a hole.
                format!("{full}M{} {}h{}v-{}h-{}z", c(x + edge), c(bottom - edge), c(inner), c(high), c(inner))
            }
            Self::Stripes => {
                const STRIPE: f64 = 2.0;
                let stripes = (height / (2.0 * STRIPE)).ceil() as usize;
                let stripe = |n: usize| {
                    let below = n as f64 * 2.0 * STRIPE;
                    block(x, bottom - below, width, STRIPE.min(height - below))
                };
                (0..stripes).map(stripe).collect()
            }
            Self::Triangle => {
                let half = width / 2.0;
                format!("M{} {}l{} -{}l{} {}z", c(x), c(bottom), c(half), c(height), c(half), c(height))
            }
            Self::Half => block(x, bottom, width / 2.0, height),
        }
    }
}

/// A kind of bars.
struct Sort {
    name: &'static str,
    class: &'static str,
    shape: Shape,
}

/// Writes a shape with words for whom points at it.
fn shape(m: &mut Markup, class: &str, d: &str, title: &str) {
    m.element("path", &[("class", class), ("d", d)], |m| {
        m.leaf("title", &[], title);
    });
}

/// Where the entries of a legend begin, in as many rows as they need, and how high those are.
fn places(sorts: &[&Sort]) -> (Vec<(f64, f64)>, f64) {
    let (mut x, mut y) = (LEFT, 0.0);
    let mut places = Vec::new();
    for sort in sorts {
        let width = SAMPLE.0 + 4.0 + LETTER * sort.name.chars().count() as f64 + 12.0;
        if x > LEFT && x + width > SMALL {
            (x, y) = (LEFT, y + ROW);
        }
        places.push((x, y));
        x += width;
    }
    let rows = if places.is_empty() { 0.0 } else { y + ROW };
    (places, rows)
}

/// What the shapes stand for, from `top` down.
fn legend(m: &mut Markup, top: f64, sorts: &[&Sort]) {
    for (sort, (x, y)) in sorts.iter().zip(places(sorts).0) {
        let bottom = top + y + SAMPLE.1;
        shape(m, sort.class, &sort.shape.path((x, bottom), SAMPLE), sort.name);
        words(m, "tick start", (x + SAMPLE.0 + 4.0, bottom), sort.name);
    }
}

const WELL: Sort = Sort { name: "went well", class: "bar", shape: Shape::Full };
const IN_VAIN: Sort = Sort { name: "in vain", class: "bar bad", shape: Shape::Frame };

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
    // One kind alone is what the title says.
    let sorts: &[&Sort] = if vain > 0 { &[&WELL, &IN_VAIN] } else { &[] };
    m.element("figure", &[("class", "chart")], |m| {
        m.leaf("figcaption", &[], title);
        drawing(m, "plot", (SMALL, HEIGHT + places(sorts).1), &format!("{title}: {said}"), |m| {
            let up = Scale::new(0.0, f64::from(most), BOTTOM, TOP);
            let width = (SMALL - LEFT - 10.0) / last as f64;
            for tries in 1..=last {
                let x = LEFT + (tries - 1) as f64 * width;
                let (well, vain) = columns.get(&tries).copied().unwrap_or_default();
                let bar = (width * 0.8).min(40.0);
                let left = x + (width - bar) / 2.0;
                let (first, second) = (up.at(f64::from(well)), up.at(f64::from(well + vain)));
                if well > 0 {
                    let d = WELL.shape.path((left, BOTTOM), (bar, BOTTOM - first));
                    shape(m, WELL.class, &d, &format!("{well} went well"));
                }
                if vain > 0 {
                    let d = IN_VAIN.shape.path((left, first), (bar, first - second));
                    shape(m, IN_VAIN.class, &d, &format!("{vain} in vain"));
                }
                words(m, "tick", (x + width / 2.0, BOTTOM + 13.0), &label(tries));
            }
            count_axis(m, up, LEFT, "");
            line(m, "axis", (LEFT, BOTTOM), (SMALL - 8.0, BOTTOM));
            words(m, "tick", ((LEFT + SMALL) / 2.0, BOTTOM + 27.0), "attempts");
            legend(m, HEIGHT, sorts);
        });
        m.leaf("p", &[("class", "small")], &said);
    });
}

/// What becomes of trials, from the bottom up.
static FATES: [(Fate, Sort); 5] = [
    (Fate::Failed, Sort { name: "failed", class: "shape-bad", shape: Shape::Full }),
    (Fate::Untold, Sort { name: "not told", class: "shape-open", shape: Shape::Frame }),
    (Fate::Lost, Sort { name: "lost to the rig", class: "shape-lost", shape: Shape::Stripes }),
    (Fate::Cancelled, Sort { name: "broken off", class: "shape-off", shape: Shape::Triangle }),
    (Fate::Held, Sort { name: "held", class: "shape-good", shape: Shape::Half }),
];

/// What became of the trials, in their order: each one where they are few, else the share of each stretch.
pub(crate) fn fates(m: &mut Markup, fates: &[Fate]) {
    const COLUMNS: usize = 94;
    /// Of what went well, where every column is one trial: what did not stands out.
    const LOW: f64 = 6.0;
    let each = fates.len().div_ceil(COLUMNS).max(1);
    let columns: Vec<&[Fate]> = fates.chunks(each).collect();
    let (top, bottom) = (14.0, 54.0);
    let width = ((SMALL - LEFT - 4.0) / columns.len().max(1) as f64).min(14.0);
    let count = |of: &[Fate], fate| of.iter().filter(|f| **f == fate).count();
    let there: Vec<&(Fate, Sort)> = FATES.iter().filter(|(fate, _)| count(fates, *fate) > 0).collect();
    let said: Vec<String> = there.iter().map(|(fate, sort)| format!("{} {}", count(fates, *fate), sort.name)).collect();
    let said = format!("n = {}: {}", fates.len(), said.join(", "));
    let sorts: Vec<&Sort> = there.iter().map(|(_, sort)| sort).collect();
    let below = bottom + 20.0;
    m.element("figure", &[("class", "chart")], |m| {
        m.leaf("figcaption", &[], "Trials in their order");
        let size = (SMALL, below + places(&sorts).1);
        drawing(m, "plot", size, &format!("Trials in their order: {said}"), |m| {
            // How much of each column stands so far.
            let mut stands = vec![0.0; columns.len()];
            for (fate, sort) in &there {
                let mut d = String::new();
                for ((place, column), stands) in columns.iter().enumerate().zip(&mut stands) {
                    let own = count(column, *fate) as f64 / column.len().max(1) as f64;
                    if own == 0.0 {
                        continue;
                    }
                    let whole = bottom - top;
                    let corner = (LEFT + place as f64 * width, bottom - *stands * whole);
                    let height = if each == 1 && *fate == Fate::Held { LOW } else { own * whole };
                    d.push_str(&sort.shape.path(corner, (width - 0.6, height)));
                    *stands += own;
                }
                shape(m, sort.class, &d, sort.name);
            }
            line(m, "axis", (LEFT, bottom), (LEFT + width * columns.len() as f64, bottom));
            words(m, "tick start", (LEFT, bottom + 13.0), "first");
            words(m, "tick end", ((LEFT + width * columns.len() as f64).max(LEFT + 52.0), bottom + 13.0), "last");
            if each > 1 {
                words(m, "tick end", (LEFT - 3.0, top + 8.0), "100 %");
                words(m, "tick end", (LEFT - 3.0, bottom), "0");
            }
            legend(m, below, &sorts);
        });
        let stretch = if each > 1 { format!("; {each} trials in each column") } else { String::new() };
        m.leaf("p", &[("class", "small")], &format!("{said}{stretch}"));
    });
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::draw::probe::attributes;

    fn drawn(draw: impl FnOnce(&mut Markup)) -> String {
        let mut m = Markup::new();
        draw(&mut m);
        m.into_string()
    }

    /// The left lower corner and the height of each block of a path.
    fn blocks(d: &str) -> Vec<(f64, f64, f64)> {
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let block = |block: &str| {
            let (corner, rest) = block.split_once("v-").expect("upwards");
            let (x, bottom) = corner.split_once(' ').expect("a corner");
            let (height, _) = rest.split_once('h').expect("to the right");
            (number(x), number(bottom), number(height))
        };
        d.split('M').filter(|block| !block.is_empty()).map(block).collect()
    }

    #[test]
    fn bars_of_attempts_are_as_high_as_their_counts_and_say_what_was_in_vain() {
        let (done, in_vain) = (BTreeMap::from([(1, 4), (2, 1), (30, 1)]), BTreeMap::from([(2, 1)]));
        let html = drawn(|m| attempts(m, "Attempts at pair", &done, &in_vain));
        let heights: Vec<f64> =
            attributes(&html, "bar", "d").iter().flat_map(|d| blocks(d)).map(|(.., height)| height).collect();
        // Of 1, 2 and 12 or more attempts, and the sample in the legend.
        assert_eq!(heights, [88.0, 22.0, 22.0, SAMPLE.1]);
        // What was in vain stands on what went well; its edge has an inside.
        let vain = attributes(&html, "bar bad", "d");
        let (outside, inside) = vain[0].split_once('z').expect("an edge");
        assert_eq!(blocks(outside)[0].1, BOTTOM - 22.0);
        assert_eq!(blocks(outside)[0].2, 22.0);
        assert!(inside.starts_with('M'), "{inside}");
        for text in ["n = 7; trials by attempts: 1: 4, 2: 2, ≥ 12: 1; in vain in 1", ">went well<", ">in vain<"] {
            assert!(html.contains(text), "{text}: {html}");
        }
        // One kind alone needs no legend.
        assert!(!drawn(|m| attempts(m, "Attempts at pair", &done, &BTreeMap::new())).contains(">in vain<"));
    }

    #[test]
    fn each_trial_has_its_column_and_what_did_not_go_well_stands_out() {
        let html = drawn(|m| fates(m, &[Fate::Held, Fate::Failed, Fate::Held]));
        let failed = blocks(attributes(&html, "shape-bad", "d")[0]);
        let held = blocks(attributes(&html, "shape-good", "d")[0]);
        assert_eq!(failed, [(LEFT + 14.0, 54.0, 40.0)]);
        assert_eq!(held, [(LEFT, 54.0, 6.0), (LEFT + 28.0, 54.0, 6.0)]);
        assert!(html.contains("n = 3: 1 failed, 2 held"));
        // What is not there has no place in the legend.
        assert!(html.contains(">failed</text>") && html.contains(">held</text>"));
        assert_eq!(html.matches("</text>").count(), ["first", "last", "failed", "held"].len());
    }

    #[test]
    fn a_column_of_several_trials_is_divided_by_their_shares() {
        let all: Vec<Fate> = (0..188).map(|n| if n == 0 { Fate::Failed } else { Fate::Held }).collect();
        let html = drawn(|m| fates(m, &all));
        assert_eq!(blocks(attributes(&html, "shape-bad", "d")[0]), [(LEFT, 54.0, 20.0)]);
        let held = blocks(attributes(&html, "shape-good", "d")[0]);
        assert_eq!((held.len(), held[0]), (94, (LEFT, 34.0, 20.0)));
        assert!(html.contains("; 2 trials in each column"));
    }

    #[rstest]
    #[case::of_a_sample(SAMPLE)]
    #[case::of_the_narrowest_column((2.4, 40.0))]
    fn no_two_kinds_have_one_shape(#[case] size: (f64, f64)) {
        let paths: Vec<String> = FATES.iter().map(|(_, sort)| sort.shape.path((0.0, 50.0), size)).collect();
        for (at, path) in paths.iter().enumerate() {
            assert!(!paths[..at].contains(path), "{path}");
        }
    }

    #[test]
    fn a_legend_names_every_kind_within_the_drawing() {
        let all: Vec<Fate> = FATES.iter().map(|(fate, _)| *fate).collect();
        let html = drawn(|m| fates(m, &all));
        let sorts: Vec<&Sort> = FATES.iter().map(|(_, sort)| sort).collect();
        for ((x, _), sort) in places(&sorts).0.into_iter().zip(&sorts) {
            assert!(x + SAMPLE.0 + 4.0 + LETTER * sort.name.len() as f64 <= SMALL, "{} at {x}", sort.name);
            assert!(html.contains(&format!(">{}</text>", sort.name)), "{}", sort.name);
            assert_eq!(attributes(&html, sort.class, "d").len(), 2, "in the drawing and in the legend");
        }
    }
}
