//! The history as a page: one file, nothing fetched; words and signs beside every colour; the matrix first, its trends below it.

mod chart;
mod links;
mod matrix;
mod trends;

use std::collections::BTreeSet;

use rigtone_html::{Badge, Frame, Look, Markup, end, filter};
use rigtone_model::verdict::Verdict;

pub use links::Links;

use crate::{
    Kind,
    age::{age, ago, day, minute},
    history::{Cell, Evidence, History, When},
    text::figure::count,
    word::Word,
};

/// What only this page has.
const STYLE: &str = include_str!("../../../reports/templates/history.css");

/// Bytes of the whole page, of its matrices, of the names of scenarios to choose from, and of all that stands around matrix and trends.
const PAGE: usize = 9_400_000;
const MATRIX: usize = 4_000_000;
const SCENARIOS: usize = 100_000;
const AROUND: usize = 1_200_000;
/// The newest runs that are listed, and directories that are no run.
const RUNS: usize = 1000;
const SKIPPED: usize = 500;

/// The page of a history.
pub fn html(history: &History, links: &Links, look: &Look) -> String {
    let trends = trends::trends(history, PAGE - MATRIX - AROUND);
    let matrix = matrix::matrices(history, links, &trends, MATRIX);
    let mut choice = Markup::new();
    let scenarios: BTreeSet<&str> = history.matrices.iter().map(|matrix| matrix.scenario.as_str()).collect();
    let scenarios: Vec<&str> = scenarios.into_iter().collect();
    let unnamed = filter(&mut choice, &badges(history), &scenarios, SCENARIOS);
    let mut m = Markup::new();
    let title = format!("Compatibility over {}", count(history.runs.len(), "run"));
    let since = history.since_unix_s.map(|since| format!(", runs since {}", day(since))).unwrap_or_default();
    let as_of = format!("as of {} UTC{since}", minute(history.at_unix_s));
    let parts = &[("#matrix", "Matrix"), ("#trends", "Trends"), ("#runs", "Runs")];
    Frame { look, title: &title, subtitle: &as_of, window: &as_of, sheet: Some(STYLE), parts }.begin(&mut m);
    left_out(
        &mut m,
        &[
            (matrix.left_out, "point of the matrix", "points of the matrix"),
            (trends.left_out, "trend", "trends"),
            (unnamed, "scenario in the filter", "scenarios in the filter"),
        ],
    );
    m.ours("<section aria-labelledby=\"matrix\"><h2 id=\"matrix\">Compatibility matrix</h2>");
    let text = format!(
        "The newest evidence of each point, on any rig of its kind. Older than {} is stale: it stands in a dashed frame.",
        age(history.stale_after_s)
    );
    m.leaf("p", &[("class", "small")], &text);
    if history.combinations.is_empty() {
        m.leaf("p", &[], "There is no combination.");
    }
    m.piece(&choice).piece(&matrix.markup).close("section").piece(&trends.markup);
    runs(&mut m, history, links);
    m.ours("<section class=\"note\"><h2>How to read this page</h2><p class=\"small\">An estimate stands with its interval in brackets and with the number n of trials that counted. A change is marked where the rate in which an expectation held differs by 5 percentage points or more, and chance explains it in one series of a hundred at most; it is looked for on each rig alone, and a dotted line tells where another rig goes on. A sign at the upper edge of a trend is a run without a figure, such as one in which a time never came. What ran on a simulated or virtual rig proves nothing about a real device. Links work while this page lies where it was written, beside the runs.</p></section>");
    end(&mut m);
    m.into_string()
}

/// The kinds of cells that there are, in the order in which people look.
fn badges(history: &History) -> Vec<Badge> {
    let cells = history.matrices.iter().flat_map(|matrix| &matrix.cells);
    let mut badges: Vec<Badge> = cells.map(of_cell).collect();
    badges.sort_by_key(|badge| badge.rank);
    badges.dedup();
    badges
}

/// How a point stands.
fn of_cell(cell: &Cell) -> Badge {
    cell.last.as_ref().map_or(Badge::new("no answer", "·", "v-skipped", 6), |last| badge(last.verdict))
}

fn badge(word: Word) -> Badge {
    Badge::of(&match word {
        Word::Pass => Verdict::Pass,
        Word::Fail => Verdict::Fail,
        Word::Inconclusive => Verdict::Inconclusive,
        Word::InfraError => Verdict::InfraError,
        Word::Skipped => Verdict::Skipped(String::new()),
        Word::Aborted => Verdict::Aborted,
    })
}

fn left_out(m: &mut Markup, parts: &[(usize, &str, &str)]) {
    let parts: Vec<String> = parts
        .iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, one, many)| format!("{n} {}", if *n == 1 { one } else { many }))
        .collect();
    if parts.is_empty() {
        return;
    }
    m.element("section", &[("class", "notice"), ("aria-label", "Left out to keep the page small")], |m| {
        m.leaf("h2", &[], "Left out to keep the page small");
        let text = format!(
            "{} are not on this page. Choose with --select or --scenario; `rigtone history --json` has them.",
            parts.join(" and ")
        );
        m.leaf("p", &[], &text);
    });
}

/// The age of a run, which leads to its report.
fn linked(m: &mut Markup, when: When, history: &History, links: &Links) {
    let run = &history.runs[when.run];
    led(m, &run.directory, &run.id, &ago(when.age_s), links);
}

fn led(m: &mut Markup, directory: &str, title: &str, shown: &str, links: &Links) {
    match links.to(directory) {
        Some(path) => m.leaf("a", &[("href", &path), ("title", title)], shown),
        None => m.leaf("span", &[("title", title)], shown),
    };
}

/// A try that gave no answer: its verdict, why, and when.
fn without_answer(m: &mut Markup, tried: &Evidence, history: &History, links: &Links) {
    badge(tried.verdict).write(m);
    if let Some(reason) = &tried.reason {
        m.text(" ").text(reason);
    }
    m.text(", ");
    linked(m, tried.when, history, links);
}

/// The runs that this rests on, newest first, and what was not counted.
fn runs(m: &mut Markup, history: &History, links: &Links) {
    m.ours("<section aria-labelledby=\"runs\"><h2 id=\"runs\">Runs</h2><details class=\"more\">");
    m.leaf("summary", &[], &count(history.runs.len(), "run"));
    m.ours("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Runs\"><table><thead><tr>");
    for head in ["begun (UTC)", "run", "rig", "kind", "exit code", "Rigtone"] {
        m.leaf("th", &[("scope", "col")], head);
    }
    m.ours("</tr></thead><tbody>");
    for run in history.runs.iter().rev().take(RUNS) {
        m.open("tr", &[]).leaf("td", &[("class", "number")], &minute(run.unix_s)).open("th", &[("scope", "row")]);
        led(m, &run.directory, &run.directory, &run.id, links);
        m.close("th").leaf("td", &[], &run.rig).leaf("td", &[], run.kind.word()).open("td", &[("class", "number")]);
        m.text(&run.exit_code.to_string());
        if let Some(interrupted) = &run.interrupted {
            m.leaf("span", &[("class", "small")], &format!(" {interrupted}"));
        }
        m.close("td").leaf("td", &[], &run.rigtone).close("tr");
    }
    m.ours("</tbody></table></div>");
    more(m, history.runs.len(), RUNS);
    m.ours("</details>");
    if !history.skipped.is_empty() {
        m.ours("<h3>Not counted</h3><ul>");
        for one in history.skipped.iter().take(SKIPPED) {
            m.leaf("li", &[], &format!("{}: {}", one.directory, one.why));
        }
        m.ours("</ul>");
        more(m, history.skipped.len(), SKIPPED);
    }
    m.ours("</section>");
}

fn more(m: &mut Markup, all: usize, shown: usize) {
    if all > shown {
        m.leaf("p", &[("class", "small")], &format!("{} more; `rigtone history --json` names them.", all - shown));
    }
}

/// The part of a page for a kind of rig: its heading and when it ran.
fn kind_heading(m: &mut Markup, kind: Kind, history: &History) {
    let class = if kind == Kind::Hardware { "kind" } else { "kind worth" };
    m.leaf("h3", &[("class", class)], kind.heading());
    m.leaf("p", &[("class", "small")], &crate::text::span(history, kind));
}
