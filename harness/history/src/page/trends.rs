//! The trends: for each combination that ran more than once, how what decides it today went.

use std::collections::BTreeMap;

use rigtone_html::{Badge, Markup};

use super::{badge, chart, kind_heading};
use crate::{
    Kind,
    history::{History, Line, Series},
    matrix::others,
    text::figure,
};

/// Trends as far as there is room.
pub(super) struct Trends {
    pub(super) markup: Markup,
    /// Combinations whose trend found no room.
    pub(super) left_out: usize,
    /// The numbers of those that are shown.
    places: BTreeMap<(Kind, String), usize>,
}

impl Trends {
    /// Where the trend of a combination stands, if it is shown.
    pub(super) fn place(&self, kind: Kind, id: &str) -> Option<String> {
        self.places.get(&(kind, id.to_owned())).map(|at| format!("t{at}"))
    }
}

pub(super) fn trends(history: &History, most_bytes: usize) -> Trends {
    let mut made = Trends { markup: Markup::new(), left_out: 0, places: BTreeMap::new() };
    made.markup.ours("<section aria-labelledby=\"trends\"><h2 id=\"trends\">Trends</h2>");
    for kind in Kind::ALL {
        let of_kind = history.combinations.iter().filter(|line| line.kind == kind);
        let mut drawn: Vec<&Line> = of_kind.filter(|line| line.series.iter().any(chart::is_drawn)).collect();
        if drawn.is_empty() {
            continue;
        }
        // What changed comes first, then what does not pass: the rest may be long.
        drawn.sort_by_key(|line| (changed(line, history).is_empty(), standing(line).rank));
        kind_heading(&mut made.markup, kind, history);
        for line in drawn {
            one(&mut made, line, history, most_bytes);
        }
    }
    if made.places.is_empty() && made.left_out == 0 {
        made.markup.leaf("p", &[], "No combination has run more than once yet.");
    }
    made.markup.close("section");
    made
}

fn one(made: &mut Trends, line: &Line, history: &History, most_bytes: usize) {
    let (badge, changes, at) = (standing(line), changed(line, history), made.places.len());
    let mut m = Markup::new();
    let class = format!("combination {}", badge.class);
    m.open("details", &[("class", &class), ("data-verdict", badge.word), ("data-scenario", &line.scenario)]);
    m.open("summary", &[]);
    badge.write(&mut m);
    m.text(" ").leaf("span", &[("class", "name")], &line.id);
    if !changes.is_empty() {
        m.leaf("span", &[("class", "small")], &format!(" {}", changes.join("; ")));
    }
    m.close("summary").open("div", &[("id", &format!("t{at}")), ("class", "body"), ("tabindex", "-1")]);
    m.leaf("p", &[("class", "facts small")], &others(line, &[]));
    for series in line.series.iter().filter(|series| chart::is_drawn(series)) {
        chart::draw(&mut m, series, history);
    }
    m.close("div").close("details");
    if made.markup.len() + m.len() > most_bytes {
        made.left_out += 1;
        return;
    }
    made.markup.piece(&m);
    made.places.insert((line.kind, line.id.clone()), at);
}

/// How a combination stands today.
fn standing(line: &Line) -> Badge {
    line.last.as_ref().map_or(Badge::NONE, |last| badge(last.verdict))
}

/// The changes of what decides a combination today.
fn changed(line: &Line, history: &History) -> Vec<String> {
    let series = line.series.iter().filter(|series| chart::is_drawn(series));
    let words = |series: &Series| -> Vec<String> {
        series.changes.iter().map(|change| figure::step(change, series, history, "→")).collect()
    };
    series.flat_map(words).collect()
}
