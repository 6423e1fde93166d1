//! The only place that writes to the terminal.

use std::io::{self, IsTerminal, Write};

use rigtone_report::exit::Code;

use crate::trouble::Trouble;

/// Writes to standard output; a reader that went away ends the output, not the program.
pub(crate) fn out(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes a value to standard output as JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<(), Trouble> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Trouble::new(Code::Internal, format!("making JSON of it failed: {e}")))?;
    out(&format!("{text}\n"));
    Ok(())
}

/// Writes a line to standard error.
pub(crate) fn note(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "{text}");
}

/// Shows a person at a terminal how far something is; the next one takes its place. Nothing elsewhere.
pub(crate) fn so_far(text: &str) {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r{text}\x1b[K").and_then(|()| stderr.flush());
    }
}

/// Whether standard output is shown to a person who sees colours.
pub(crate) fn colour() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Whether standard error is shown to a person who sees colours.
pub(crate) fn colour_of_notes() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// The width of the terminal in characters; 100 elsewhere.
pub(crate) fn width() -> usize {
    if !io::stdout().is_terminal() {
        return 100;
    }
    std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).filter(|w| (40..=400).contains(w)).unwrap_or(100)
}
