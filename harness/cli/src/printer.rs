//! The only place that writes to the terminal.

use std::{
    io::{self, IsTerminal, Write},
    sync::OnceLock,
};

use rigtone_report::exit::Code;

use crate::trouble::Trouble;

/// The width of what is no terminal, in characters.
pub(crate) const ELSEWHERE: usize = 100;
/// Terminals are believed to be at least and at most so wide.
const WIDTHS: std::ops::RangeInclusive<usize> = 20..=400;

/// What the user asked of all output.
#[derive(Debug, Clone, Copy, Default)]
struct Manner {
    quiet: bool,
    no_color: bool,
}

static MANNER: OnceLock<Manner> = OnceLock::new();

fn manner() -> Manner {
    MANNER.get().copied().unwrap_or_default()
}

/// Notes once what the user asked of all output.
pub(crate) fn set_up(quiet: bool, no_color: bool) {
    let _ = MANNER.set(Manner { quiet, no_color });
}

/// Whether only the result and errors are wanted.
pub(crate) fn quiet() -> bool {
    manner().quiet
}

/// Why standard output is not whole.
static CUT: OnceLock<String> = OnceLock::new();

/// Writes to standard output; a reader that went away ends the output, not the program.
pub(crate) fn out(text: &str) {
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
}

/// Takes how writing to standard output ended: all but a reader that went away is told at the end.
pub(crate) fn written(result: io::Result<()>) {
    if let Err(error) = result
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = CUT.set(error.to_string());
    }
}

/// What became of the output, when not all of it was written.
pub(crate) fn cut() -> Option<Trouble> {
    let why = CUT.get()?;
    let hint = "what was shown is not whole: free some space, or write it elsewhere";
    Some(Trouble::new(Code::Infrastructure, format!("writing to standard output failed: {why}")).hint(hint))
}

/// Writes a value to standard output as JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<(), Trouble> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Trouble::new(Code::Internal, format!("making JSON of it failed: {e}")))?;
    out(&format!("{text}\n"));
    Ok(())
}

/// Writes a line to standard error. Warnings and notes, which say so in their first word, are left out when nobody wants them.
pub(crate) fn note(text: &str) {
    if quiet() && ["warning:", "note:"].iter().any(|word| text.starts_with(word)) {
        return;
    }
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "{text}");
}

/// Shows a person at a terminal how far something is; the next one takes its place. Nothing elsewhere.
pub(crate) fn so_far(text: &str) {
    if !moving() {
        return;
    }
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "\r{text}\x1b[K").and_then(|()| stderr.flush());
}

/// Whether standard error is a terminal on which a display can move, and somebody wants to see it.
pub(crate) fn moving() -> bool {
    !quiet() && io::stderr().is_terminal() && !dumb()
}

/// Whether standard output is shown to a person who sees colours.
pub(crate) fn colour() -> bool {
    io::stdout().is_terminal() && coloured()
}

/// Whether standard error is shown to a person who sees colours.
pub(crate) fn colour_of_notes() -> bool {
    io::stderr().is_terminal() && coloured()
}

fn coloured() -> bool {
    // <https://no-color.org>: present and not empty, whatever it says.
    !manner().no_color && std::env::var_os("NO_COLOR").is_none_or(|text| text.is_empty()) && !dumb()
}

/// Whether the terminal says that it can do nothing but print.
fn dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// The width of standard output in characters; [`ELSEWHERE`] when it is no terminal.
pub(crate) fn width() -> usize {
    size(&io::stdout()).map_or(ELSEWHERE, |(columns, _)| columns)
}

/// Columns and rows of standard error, now; nothing when it is no terminal.
pub(crate) fn size_of_notes() -> Option<(usize, usize)> {
    size(&io::stderr())
}

fn size(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> Option<(usize, usize)> {
    if !stream.is_terminal() {
        return None;
    }
    let told = rustix::termios::tcgetwinsize(stream).ok();
    let columns = told.map(|size| usize::from(size.ws_col)).filter(|columns| WIDTHS.contains(columns));
    let named = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|columns| WIDTHS.contains(columns));
    let rows = told.map(|size| usize::from(size.ws_row)).filter(|rows| *rows > 0);
    Some((columns.or_else(named).unwrap_or(ELSEWHERE), rows.unwrap_or(24)))
}
