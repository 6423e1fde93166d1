//! The matrix for a terminal: a row for each cell, for there is no width for all columns.

use std::fmt::Write as _;

use rigtone_report::sanitise::line;

use super::{View, figure::count, painted, span, stale, without_answer};
use crate::{
    Kind,
    age::age,
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
    text
}

fn one(matrix: &Matrix, cell: &Cell, history: &History, view: View) -> String {
    let others = if cell.others.is_empty() { String::new() } else { format!(", {}", cell.others) };
    let column = line(&format!("{}{others}", heading(&matrix.columns[cell.column])));
    let mut text = match (&cell.last, cell.state) {
        (Some(last), _) => {
            let figure = cell.figure.as_deref().unwrap_or("no figure");
            format!("{} {:>6}  {column}: {}", painted(last.verdict, 12, view), stale(last.when, history), line(figure))
        }
        (None, State::NeverPlanned) => format!("{:<12} {:>6}  {column}: never tried, in no plan", "-", ""),
        (None, _) => format!("{:<12} {:>6}  {column}: no answer yet", "-", ""),
    };
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
