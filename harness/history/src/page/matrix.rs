//! The matrices: a table for each scenario and kind of rig, in each cell a line for each value of the other axes.

use rigtone_html::Markup;

use super::{Links, kind_heading, linked, of_cell, trends::Trends, without_answer};
use crate::{
    Kind,
    history::{Cell, History, Matrix, State},
    text::{counted, figure::of_several, heading, unanswered},
};

/// Matrices as far as there is room.
pub(super) struct Matrices {
    pub(super) markup: Markup,
    /// Points that found no room.
    pub(super) left_out: usize,
}

pub(super) fn matrices(history: &History, links: &Links, trends: &Trends, most_bytes: usize) -> Matrices {
    let mut made = Matrices { markup: Markup::new(), left_out: 0 };
    for kind in Kind::ALL {
        let of_kind: Vec<&Matrix> = history.matrices.iter().filter(|matrix| matrix.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        kind_heading(&mut made.markup, kind, history);
        for matrix in of_kind {
            table(&mut made, matrix, history, links, trends, most_bytes);
        }
    }
    made
}

fn table(made: &mut Matrices, matrix: &Matrix, history: &History, links: &Links, trends: &Trends, most_bytes: usize) {
    let m = &mut made.markup;
    if m.len() > most_bytes {
        made.left_out += matrix.cells.len();
        return;
    }
    m.open("section", &[("class", "scenario"), ("data-scenario", &matrix.scenario)]);
    m.open("h4", &[]).leaf("code", &[], &matrix.scenario);
    if let Some(title) = &matrix.title {
        m.text(": ").text(title);
    }
    m.close("h4").leaf("p", &[("class", "small")], &counted(matrix));
    let label = format!("Compatibility matrix of {}", matrix.scenario);
    m.open("div", &[("class", "scroll"), ("tabindex", "0"), ("role", "group"), ("aria-label", &label)]);
    m.open("table", &[("class", "matrix")]).leaf("caption", &[("class", "hidden")], &label).ours("<thead><tr>");
    let axes = [&matrix.row_axis, &matrix.column_axis].map(|axis| axis.as_deref().unwrap_or_default());
    let corner = if axes[0].is_empty() { axes[1].to_owned() } else { format!("{} \\ {}", axes[0], axes[1]) };
    m.leaf("th", &[("scope", "col"), ("data-sort", "text")], &corner);
    let columns: Vec<String> = matrix.columns.iter().map(heading).collect();
    for column in &columns {
        m.leaf("th", &[("scope", "col"), ("data-sort", "rank")], column);
    }
    m.ours("</tr></thead><tbody>");
    // Cells stand row by row, in each row column by column.
    for row in matrix.cells.chunk_by(|a, b| a.row == b.row) {
        if m.len() > most_bytes {
            made.left_out += row.len();
            continue;
        }
        let head = row.first().map(|cell| heading(&matrix.rows[cell.row])).unwrap_or_default();
        m.open("tr", &[]).leaf("th", &[("scope", "row"), ("data-column", axes[0])], &head);
        for cells in row.chunk_by(|a, b| a.column == b.column) {
            let rank = cells.iter().map(|cell| of_cell(cell).rank).min().unwrap_or(9).to_string();
            let column = cells.first().map(|cell| columns[cell.column].as_str()).unwrap_or_default();
            m.open("td", &[("class", "points"), ("data-column", column), ("data-rank", &rank)]);
            for cell in cells {
                point(m, matrix.kind, cell, history, links, trends);
            }
            m.close("td");
        }
        m.close("tr");
    }
    m.ours("</tbody></table></div></section>");
}

fn point(m: &mut Markup, kind: Kind, cell: &Cell, history: &History, links: &Links, trends: &Trends) {
    let (badge, stale) = (of_cell(cell), cell.state == State::Stale);
    let class = format!("point {}{}", badge.class, if stale { " stale" } else { "" });
    m.open("div", &[("class", &class), ("data-verdict", badge.word)]);
    if !cell.others.is_empty() {
        m.leaf("span", &[("class", "others")], &cell.others).text(" ");
    }
    let place = cell.id.as_deref().and_then(|id| trends.place(kind, id));
    match &place {
        Some(place) => {
            let label = format!("{}: trend of {}", badge.word, cell.id.as_deref().unwrap_or_default());
            m.open("a", &[("href", &format!("#{place}")), ("aria-label", &label)]);
            badge.write(m);
            m.close("a");
        }
        None => badge.write(m),
    }
    match &cell.last {
        None => {
            m.leaf("span", &[("class", "small")], &format!(" {}", unanswered(cell.state, history)));
        }
        Some(last) => {
            m.text(" ").leaf("span", &[("class", "estimate")], cell.figure.as_deref().unwrap_or("no figure"));
            if let Some(units) = &cell.units {
                m.leaf("span", &[("class", "small")], &format!(" ({units})"));
            }
            m.text(", ");
            linked(m, last.when, history, links);
            if stale {
                m.text(", ").leaf("strong", &[], "stale");
            }
            if let Some(why) = &last.quarantined {
                m.leaf("span", &[("class", "small")], &format!(", in quarantine ({why})"));
            }
        }
    }
    if let Some(several) = of_several(cell) {
        m.leaf("span", &[("class", "also")], &several);
    }
    if let Some(tried) = &cell.tried {
        m.ours("<span class=\"also\">last try: ");
        without_answer(m, tried, history, links);
        m.close("span");
    }
    if let Some(proven) = &cell.proven {
        m.leaf("span", &[("class", "also")], &format!("last proven {proven}"));
    }
    m.close("div");
}
