//! The history as a page: one file, no script, nothing fetched; words and signs beside every colour.

mod chart;
mod links;

use std::fmt::Write as _;

use rigtone_report::sanitise::line;

pub use links::Links;

use crate::{
    Kind,
    age::{age, minute},
    history::{Cell, Evidence, History, Line, Matrix, State, When},
    text::{figure, span},
    word::Word,
};

/// Its stylesheet, which is a part of the file.
const STYLE: &str = include_str!("../../../reports/templates/matrix.css");

/// Nothing is loaded and nothing runs; the only style is the one in the file.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page of a history.
pub fn html(history: &History, links: &Links) -> String {
    let mut page = String::with_capacity(1 << 16);
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Compatibility over {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        figure::count(history.runs.len(), "run")
    );
    top(&mut page, history);
    for kind in Kind::ALL {
        of_kind(&mut page, kind, history, links);
    }
    skipped(&mut page, history);
    page.push_str("</body>\n</html>\n");
    page
}

/// Text of documents, devices and paths: it is shown and never obeyed.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in line(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

fn top(page: &mut String, history: &History) {
    let _ = write!(
        page,
        "<h1>Compatibility over {}</h1>\n<p>As of {} UTC. Evidence older than {} is <span class=\"stale-word\">stale</span>: \
         it stands in a dashed frame. A change is marked where the rate in which an expectation held differs by 5 percentage points \
         or more, and chance explains it in one series of a hundred at most.</p>\n\
         <p class=\"faint\">✓ pass, ✗ fail, ? inconclusive, · no answer; n: trials that counted; in brackets the interval of the estimate.</p>\n",
        figure::count(history.runs.len(), "run"),
        minute(history.at_unix_s),
        age(history.stale_after_s)
    );
    if history.combinations.is_empty() {
        page.push_str("<p>There is no combination.</p>\n");
    }
}

fn of_kind(page: &mut String, kind: Kind, history: &History, links: &Links) {
    let matrices: Vec<&Matrix> = history.matrices.iter().filter(|matrix| matrix.kind == kind).collect();
    if matrices.is_empty() {
        return;
    }
    let worth = if kind == Kind::Hardware { "" } else { " class=\"worth\"" };
    let (heading, span) = (escape(kind.heading()), escape(&span(history, kind)));
    let _ = write!(page, "<section>\n<h2{worth}>{heading}</h2>\n<p>{span}</p>\n");
    for matrix in matrices {
        table(page, matrix, history, links);
    }
    let lines: Vec<&Line> = history.combinations.iter().filter(|line| line.kind == kind).collect();
    trends(page, &lines, history);
    page.push_str("</section>\n");
}

fn table(page: &mut String, matrix: &Matrix, history: &History, links: &Links) {
    let _ = writeln!(page, "<h3>{}</h3>", escape(&matrix.scenario));
    let title = matrix.title.as_deref().map(|title| format!("{title}. ")).unwrap_or_default();
    let caption = escape(&format!("{title}{}", crate::text::counted(matrix)));
    let axes = [&matrix.row_axis, &matrix.column_axis].map(|axis| escape(axis.as_deref().unwrap_or("")));
    let corner = if axes[0].is_empty() { axes[1].clone() } else { format!("{} \\ {}", axes[0], axes[1]) };
    let _ = write!(
        page,
        "<div class=\"wide\"><table class=\"matrix\">\n<caption>{caption}</caption>\n<thead><tr><th scope=\"col\">{corner}</th>"
    );
    let columns: Vec<String> = matrix.columns.iter().map(|head| escape(&crate::text::heading(head))).collect();
    for column in &columns {
        let _ = write!(page, "<th scope=\"col\">{column}</th>");
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for (row, head) in matrix.rows.iter().enumerate() {
        let _ = write!(page, "<tr><th scope=\"row\">{}</th>", escape(&crate::text::heading(head)));
        for (column, name) in columns.iter().enumerate() {
            let _ = write!(page, "<td data-column=\"{name}\">");
            for cell in matrix.cells.iter().filter(|cell| (cell.row, cell.column) == (row, column)) {
                point(page, cell, history, links);
            }
            page.push_str("</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table></div>\n");
}

fn point(page: &mut String, cell: &Cell, history: &History, links: &Links) {
    let others = if cell.others.is_empty() { String::new() } else { format!("{}: ", escape(&cell.others)) };
    match &cell.last {
        None => {
            let why = if cell.state == State::NeverPlanned { "never tried, in no plan" } else { "no answer yet" };
            let _ = write!(page, "<p class=\"none\">{others}· {why}");
        }
        Some(last) => {
            let stale = if cell.state == State::Stale { " class=\"stale\"" } else { "" };
            let word = if cell.state == State::Stale { ", <span class=\"stale-word\">stale</span>" } else { "" };
            let known = last.quarantined.as_ref().map(|why| format!(", in quarantine ({})", escape(why)));
            let _ = write!(
                page,
                "<p{stale}>{others}{}, {}, {}{word}{}",
                verdict(last.verdict),
                escape(cell.figure.as_deref().unwrap_or("no figure")),
                linked(last.when, history, links),
                known.unwrap_or_default()
            );
        }
    }
    if let Some(tried) = &cell.tried {
        let _ = write!(page, "<br>last try: {}", without_answer(tried, history, links));
    }
    if let Some(proven) = &cell.proven {
        let _ = write!(page, "<br>last proven {}", escape(proven));
    }
    page.push_str("</p>");
}

fn verdict(word: Word) -> String {
    format!("<strong class=\"{0}\">{1} {0}</strong>", word.text(), word.sign())
}

fn without_answer(tried: &Evidence, history: &History, links: &Links) -> String {
    let why = tried.reason.as_ref().map(|reason| format!(" ({})", escape(reason))).unwrap_or_default();
    format!("{}{why}, {}", verdict(tried.verdict), linked(tried.when, history, links))
}

/// The age of a run, which leads to its directory.
fn linked(when: When, history: &History, links: &Links) -> String {
    let run = &history.runs[when.run];
    let (name, shown) = (escape(&run.id), escape(&age(when.age_s)));
    match links.to(&run.directory) {
        Some(path) => format!("<a href=\"{}\" title=\"{name}\">{shown}</a>", escape(&path)),
        None => format!("<span title=\"{name}\">{shown}</span>"),
    }
}

fn trends(page: &mut String, lines: &[&Line], history: &History) {
    let charted = |line: &&&Line| line.series.iter().any(chart::is_drawn);
    if !lines.iter().any(|line| charted(&line)) {
        return;
    }
    page.push_str("<h3>Trends</h3>\n");
    // What changed comes first: the rest may be long.
    let changed = |line: &Line| line.series.iter().any(|series| chart::is_drawn(series) && !series.changes.is_empty());
    let mut drawn: Vec<&Line> = lines.iter().filter(charted).copied().collect();
    drawn.sort_by_key(|line| !changed(line));
    for line in drawn {
        let _ = writeln!(page, "<h4>{}</h4>", escape(&line.id));
        for series in line.series.iter().filter(|series| chart::is_drawn(series)) {
            chart::draw(page, series, history);
        }
    }
}

fn skipped(page: &mut String, history: &History) {
    if history.skipped.is_empty() {
        return;
    }
    page.push_str("<section>\n<h2>Not counted</h2>\n<ul>\n");
    for one in &history.skipped {
        let _ = writeln!(page, "<li>{}: {}</li>", escape(&one.directory), escape(&one.why));
    }
    page.push_str("</ul>\n</section>\n");
}
