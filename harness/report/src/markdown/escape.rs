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
    escaped(text, most, is_link)
}

/// The same in the type of a machine: there these sites look for addresses alone, and what is copied is whole otherwise.
pub(super) fn code(text: &str, most: usize) -> String {
    let shown = escaped(text, most, is_address);
    if shown.is_empty() { String::new() } else { format!("<code>{shown}</code>") }
}

fn escaped(text: &str, most: usize, link: fn(&str, char, char) -> bool) -> String {
    let line = short(text, most);
    let line = line.trim();
    let mut out = String::with_capacity(line.len() + line.len() / 4);
    for (at, c) in line.char_indices() {
        let (before, next) = (&line[..at], line[at + c.len_utf8()..].chars().next().unwrap_or(' '));
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
        if link(before, c, next) {
            out.push_str(APART);
        }
    }
    out
}

fn ends_with(text: &str, word: &str) -> bool {
    text.len().checked_sub(word.len()).and_then(|at| text.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// Whether a character is within what these sites make an address of: `://`, `www.`, `a@b`.
fn is_address(before: &str, c: char, next: char) -> bool {
    match c {
        ':' => next == '/',
        '.' => ends_with(before, "www"),
        '@' => true,
        _ => false,
    }
}

/// Whether a character begins what these sites make a link or a picture of.
fn is_link(before: &str, c: char, next: char) -> bool {
    let word = next.is_alphanumeric() || matches!(next, '_' | '-' | '+' | '"' | '/');
    match c {
        // People, issues, merge requests, snippets, labels, milestones, epics, alerts.
        '@' | '#' | '!' | '$' | '~' | '%' | '&' | '^' => word,
        // Emoji by name.
        ':' => word,
        '-' => ends_with(before, "gh") && next.is_ascii_digit(),
        _ => is_address(before, c, next),
    }
}
