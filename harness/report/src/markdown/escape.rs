//! Text that came from anywhere, made safe for Markdown as GitHub and GitLab read it.
//!
//! Everything that could be structure is written as a numeric reference, which Markdown never takes for structure: it holds in
//! tables, lists and HTML alike. What these sites make links of in the finished page (people, issues, addresses, emoji) is
//! parted by a space of no width, for there a reference is no longer one.

use std::fmt::Write as _;

use crate::sanitise::short;

/// Parts what would be a link.
const APART: &str = "&#8203;";

/// A line of at most `most` characters, which shows as it is and does nothing.
pub(super) fn text(text: &str, most: usize) -> String {
    let line = short(text, most);
    let line = line.trim();
    let mut out = String::with_capacity(line.len() + line.len() / 4);
    let mut before = ' ';
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '!' | '#' | '@' | '\'' | '^' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
        if is_link(before, c, next) {
            out.push_str(APART);
        }
        before = c;
    }
    out
}

/// The same in the type of a machine.
pub(super) fn code(text_: &str, most: usize) -> String {
    let shown = text(text_, most);
    if shown.is_empty() { String::new() } else { format!("<code>{shown}</code>") }
}

/// Whether a character begins what these sites make a link or a picture of.
fn is_link(before: char, c: char, next: char) -> bool {
    let word = next.is_alphanumeric() || matches!(next, '_' | '-' | '+' | '"' | '/');
    match c {
        // People, issues, merge requests, snippets, labels, milestones, epics, alerts; addresses of mail.
        '@' | '#' | '!' | '$' | '~' | '%' | '&' | '^' => word,
        // Addresses, and emoji by name.
        ':' => next == '/' || word,
        // `www.` and `GH-1`.
        '.' => before.eq_ignore_ascii_case(&'w'),
        '-' => before.eq_ignore_ascii_case(&'h') && next.is_ascii_digit(),
        _ => false,
    }
}
