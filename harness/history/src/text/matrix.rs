//! The matrix for a terminal: a row for each cell, for there is no width for all columns.

use std::fmt::Write as _;

use rigtone_report::sanitise::line;

use super::{
    View,
    figure::{count, of_several},
    fit::fit,
    painted, span, stale, without_answer,
};
use crate::{
    Kind,
    age::{age, day},
    history::{Cell, Head, History, Matrix, State},
};

/// A row or column, such as `jbl/charge-5 1.1.0`.
pub(crate) fn heading(head: &Head) -> String {
    match &head.firmware {
        Some(firmware) => format!("{} {firmware}", head.name),
        None => head.name.clone(),
    }
}

/// The newest evidence of every point of every matrix, and what was never tried.
pub fn matrices(history: &History, view: View) -> String {
    let mut text = String::new();
    for kind in Kind::ALL {
        let of_kind: Vec<&Matrix> = history.matrices.iter().filter(|matrix| matrix.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}\n{}", kind.heading(), span(history, kind));
        for matrix in of_kind {
            let title = matrix.title.as_deref().map(|title| format!(": {title}")).unwrap_or_default();
            let _ = writeln!(text, "\n{}", line(&format!("{}{title}", matrix.scenario)));
            for (row, head) in matrix.rows.iter().enumerate() {
                let axis = matrix.row_axis.as_deref().map(|axis| format!("{axis} ")).unwrap_or_default();
                let _ = writeln!(text, "  {}", line(&format!("{axis}{}", heading(head))));
                for cell in matrix.cells.iter().filter(|cell| cell.row == row) {
                    let _ = writeln!(text, "    {}", one(matrix, cell, history, view));
                }
            }
            let _ = writeln!(text, "  {}", counted(matrix));
        }
        text.push('\n');
    }
    if history.matrices.is_empty() {
        text.push_str("no combination\n");
    } else {
        let _ = writeln!(text, "! older than {}: stale", age(history.stale_after_s));
    }
    fit(text, view.width)
}

/// Why a point has no answer. What was before the first day that was asked for nobody knows here.
pub(crate) fn unanswered(state: State, history: &History) -> String {
    match (state, history.since_unix_s.map(day)) {
        (State::NeverPlanned, None) => "never tried, in no plan".to_owned(),
        (State::NeverPlanned, Some(since)) => format!("not tried since {since}, in no plan"),
        (_, None) => "planned, no answer yet".to_owned(),
        (_, Some(since)) => format!("planned, no answer since {since}"),
    }
}

fn one(matrix: &Matrix, cell: &Cell, history: &History, view: View) -> String {
    let others = if cell.others.is_empty() { String::new() } else { format!(", {}", cell.others) };
    let column = line(&format!("{}{others}", heading(&matrix.columns[cell.column])));
    let mut text = match &cell.last {
        Some(last) => {
            let figure = cell.figure.as_deref().unwrap_or("no figure");
            format!("{} {:>6}  {column}: {}", painted(last.verdict, 12, view), stale(last.when, history), line(figure))
        }
        None => format!("{:<12} {:>6}  {column}: {}", "-", "", unanswered(cell.state, history)),
    };
    if let Some(units) = &cell.units {
        let _ = write!(text, " ({})", line(units));
    }
    if let Some(several) = of_several(cell) {
        let _ = write!(text, "; {several}");
    }
    if let Some(tried) = &cell.tried {
        let _ = write!(text, "; last try: {}", without_answer(tried));
    }
    if let Some(proven) = &cell.proven {
        let _ = write!(text, "; last proven {}", line(proven));
    }
    text
}

/// How many points are fresh, stale and untried.
pub(crate) fn counted(matrix: &Matrix) -> String {
    let of = |state: State| matrix.cells.iter().filter(|cell| cell.state == state).count();
    let without = of(State::Unanswered) + of(State::NeverPlanned);
    format!(
        "{}: {} fresh, {} stale, {without} without an answer",
        count(matrix.cells.len(), "point"),
        of(State::Fresh),
        of(State::Stale)
    )
}
