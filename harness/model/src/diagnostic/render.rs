//! Findings as text for a terminal.

use std::{fmt::Write as _, path::Path};

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, renderer::DecorStyle};

use super::{Diagnostic, Position, Severity};
use crate::load::SourceFile;

/// How many characters of a line are shown on either side of the place.
const AROUND: usize = 100;

/// Shows findings with the lines they stand in, and a summary. Text of the documents cannot reach the terminal's
/// controls: control and direction characters are replaced.
pub fn render(diagnostics: &[Diagnostic], sources: &[SourceFile], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&one(&renderer, diagnostic, sources));
        text.push_str("\n\n");
    }
    if !diagnostics.is_empty() {
        text.push_str(&summary(diagnostics));
        text.push('\n');
    }
    text
}

/// Counts findings: `2 errors and 1 warning in 2 files`.
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    let warnings = diagnostics.len() - errors;
    let files: std::collections::BTreeSet<&Path> = diagnostics.iter().map(|d| d.path.as_path()).collect();
    let many = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let found = match (errors, warnings) {
        (0, 0) => return "no faults".into(),
        (_, 0) => many(errors, "error"),
        (0, _) => many(warnings, "warning"),
        _ => format!("{} and {}", many(errors, "error"), many(warnings, "warning")),
    };
    format!("{found} in {}", many(files.len(), "file"))
}

fn one(renderer: &Renderer, diagnostic: &Diagnostic, sources: &[SourceFile]) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut message = clean(&diagnostic.message);
    if !diagnostic.document_path.is_empty() {
        let _ = write!(message, " (at {})", clean(&diagnostic.document_path));
    }
    let title = level.primary_title(message).id(diagnostic.code.name());
    let mut group = Group::with_title(title);
    let places =
        diagnostic.position.map(|position| (diagnostic.path.as_path(), position, "")).into_iter().chain(
            diagnostic.labels.iter().map(|label| (label.path.as_path(), label.position, label.message.as_str())),
        );
    let mut shown = false;
    for (n, (path, position, label)) in places.enumerate() {
        let kind =
            if n == 0 && diagnostic.position.is_some() { AnnotationKind::Primary } else { AnnotationKind::Context };
        let name = clean(&path.to_string_lossy());
        match excerpt(path, position, sources) {
            Some(excerpt) => {
                let annotation = kind.span(excerpt.span).label(clean(label));
                let snippet = Snippet::source(excerpt.text).line_start(position.line as usize).path(name);
                group = group.element(snippet.annotation(annotation));
            }
            None => {
                let origin = Origin::path(name).line(position.line as usize).char_column(position.column as usize);
                group = group.element(origin);
            }
        }
        shown = true;
    }
    if !shown {
        group = group.element(Origin::path(clean(&diagnostic.path.to_string_lossy())));
    }
    if let Some(suggestion) = &diagnostic.suggestion {
        group = group.element(Level::HELP.message(clean(suggestion)));
    }
    renderer.render(&[group])
}

/// The part of a line around a place, and where in it the place is, in bytes.
struct Excerpt {
    text: String,
    span: std::ops::Range<usize>,
}

fn excerpt(path: &Path, position: Position, sources: &[SourceFile]) -> Option<Excerpt> {
    let source = sources.iter().find(|source| source.path == path)?;
    let text = std::str::from_utf8(&source.bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line = lines(text).nth(position.line as usize - 1)?;
    let column = position.column as usize - 1;
    let width = position.end_column.saturating_sub(position.column).max(1) as usize;
    // A line cut on its left would show a wrong column: far out, the place is named without its line.
    if column > AROUND {
        return None;
    }
    let shown: Vec<char> = line.chars().take(column + width.min(AROUND) + AROUND).map(visible).collect();
    let byte = |n: usize| shown.iter().take(n).map(|c| c.len_utf8()).sum::<usize>();
    let span = byte(column)..byte(column + width.min(AROUND));
    Some(Excerpt { text: shown.into_iter().collect(), span })
}

/// The lines of a YAML text: its breaks are CR LF, LF and CR alone.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let now = rest?;
        match now.find(['\n', '\r']) {
            None => rest = None,
            Some(at) => {
                let broken = if now[at..].starts_with("\r\n") { at + 2 } else { at + 1 };
                rest = Some(&now[broken..]);
                return Some(&now[..at]);
            }
        }
        Some(now)
    })
}

/// Text as one line of bearable length, without anything that a terminal obeys.
fn clean(text: &str) -> String {
    const LONGEST: usize = 800;
    let mut shown: String = text.chars().take(LONGEST).map(visible).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push_str("...");
    }
    shown
}

/// A character that stands for itself on a terminal, or a stand-in for it.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        _ => c,
    }
}
