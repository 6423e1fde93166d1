//! An expected error with its exit code: what happened, and what to do next.

use std::fmt;

use rigtone_report::{exit::Code, sanitise};

/// What ends a command before its time.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    pub(crate) code: Code,
    what: String,
    hint: Option<String>,
}

impl Trouble {
    pub(crate) fn new(code: Code, what: impl fmt::Display) -> Self {
        Self { code, what: what.to_string(), hint: None }
    }
    pub(crate) fn usage(what: impl fmt::Display) -> Self {
        Self::new(Code::Usage, what)
    }
    /// The same, of one of several things.
    pub(crate) fn of(mut self, name: &str) -> Self {
        self.what = format!("{name}: {}", self.what);
        self
    }
    /// What happened and what to do next, in one line.
    pub(crate) fn in_a_line(&self) -> String {
        let hint = self.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        sanitise::line(&format!("{}{hint}", self.what))
    }
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Paths and texts of runs are somebody else's: a terminal must not obey them.
        write!(f, "error: {}", sanitise::line(&self.what))?;
        match &self.hint {
            Some(hint) => write!(f, "\n  help: {}", sanitise::line(hint)),
            None => Ok(()),
        }
    }
}
