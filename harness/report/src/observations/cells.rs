//! What stands in a cell.

use crate::sanitise::block;

/// Text that no spreadsheet takes for a formula and no terminal for an order. A cell that would begin a formula, or begins with
/// an apostrophe, gets an apostrophe before it: taking one away from each cell that begins with one gives the text back.
pub(super) fn text(text: &str) -> String {
    let text = block(text);
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\n' | '\'' | '＝' | '＋' | '－' | '＠') => format!("'{text}"),
        _ => text,
    }
}

/// A number as every reader takes it, exact when it is read back; nothing where there is none.
pub(super) fn number(value: Option<f64>) -> String {
    match value {
        None => String::new(),
        Some(value) if value == 0.0 || (1e-5..1e16).contains(&value.abs()) => value.to_string(),
        Some(value) => format!("{value:e}"),
    }
}
