//! What is missing, cut off, unknown or newer in a run directory: shown at the top of its page.

use std::fmt;

/// Something of the run that the page does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shortcoming {
    /// Another process writes the run at this moment.
    BeingWritten,
    /// The log has no end, and nobody writes it.
    Unended,
    /// The run was ended before its plan was done.
    Interrupted {
        /// By what.
        by: String,
    },
    /// A document is not there or cannot be read.
    Document {
        /// Its name.
        name: &'static str,
        /// Why, in words.
        why: String,
        /// What to do next.
        hint: String,
        /// What the page lacks or does instead.
        instead: &'static str,
    },
    /// A document was written by a newer version.
    Newer {
        /// Its name.
        name: &'static str,
        /// The version found.
        found: String,
        /// The version that is read.
        read: &'static str,
    },
    /// Lines of the log that cannot be read.
    Lines {
        /// What is wrong, the first of its kind in full.
        what: String,
        /// How many of this kind.
        count: u64,
        /// What to do next.
        hint: &'static str,
    },
    /// Events of kinds that this version does not know.
    UnknownKinds {
        /// The kinds and how many of each.
        kinds: Vec<(String, u64)>,
    },
    /// Trials that had begun and have no end.
    InFlight {
        /// How many.
        trials: usize,
    },
    /// Verdicts that are not of this log.
    OtherVerdicts {
        /// Why not.
        why: String,
        /// What the page does instead.
        instead: &'static str,
    },
    /// The log names combinations that the plan does not have.
    Strangers {
        /// The first of them.
        first: String,
        /// How many.
        count: usize,
    },
    /// Evidence that the log names and that is not there, or not whole.
    Evidence {
        /// What is wrong with it, of one file.
        what: &'static str,
        /// The same of several.
        of_several: &'static str,
        /// How many files.
        count: u64,
        /// The first of them.
        first: String,
    },
    /// What found no room.
    Room {
        /// What, and where it is to be had.
        what: String,
    },
}

impl Shortcoming {
    /// A stable name of its kind.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BeingWritten => "being-written",
            Self::Unended => "unended",
            Self::Interrupted { .. } => "interrupted",
            Self::Document { .. } => "document",
            Self::Newer { .. } => "newer",
            Self::Lines { .. } => "lines",
            Self::UnknownKinds { .. } => "unknown-kinds",
            Self::InFlight { .. } => "in-flight",
            Self::OtherVerdicts { .. } => "other-verdicts",
            Self::Strangers { .. } => "strangers",
            Self::Evidence { .. } => "evidence",
            Self::Room { .. } => "room",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> &str {
        match self {
            Self::BeingWritten => "make the report again when the run has ended",
            Self::Unended => "`rigtone run --resume` goes on with it; until then no verdict here is final",
            Self::Interrupted { .. } => "`rigtone run --resume` goes on with it",
            Self::Document { hint, .. } => hint,
            Self::Newer { .. } => "use the version of Rigtone that wrote the run to see all of it",
            Self::Lines { hint, .. } => hint,
            Self::UnknownKinds { .. } => "a newer version of Rigtone shows them",
            Self::InFlight { .. } => "they have no result and count nowhere",
            Self::OtherVerdicts { .. } => "restore verdicts.json and events.jsonl from a copy of one run",
            Self::Strangers { .. } => "restore plan.json and events.jsonl from a copy of one run",
            Self::Evidence { .. } => "copy the whole run directory again",
            Self::Room { .. } => "the page stays small; nothing is lost in the run directory",
        }
    }

    /// Whether it only says what is left out, as of every large run.
    pub const fn is_remark(&self) -> bool {
        matches!(self, Self::Room { .. })
    }
}

impl fmt::Display for Shortcoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeingWritten => f.write_str("this run is still being written: what follows is as far as it had got"),
            Self::Unended => f.write_str("this run has not come to its end: its log stops in the middle"),
            Self::Interrupted { by } => write!(f, "this run was interrupted by {by}"),
            Self::Document { name, why, instead, .. } => write!(f, "{name}: {why}; {instead}"),
            Self::Newer { name, found, read } => {
                write!(f, "{name} has the version {found}, newer than {read}: what is new in it is not shown")
            }
            Self::Lines { what, count: 1, .. } => f.write_str(what),
            Self::Lines { what, count, .. } => write!(f, "{what}; {} more of this kind", count - 1),
            Self::UnknownKinds { kinds } => {
                let kinds: Vec<String> = kinds.iter().map(|(kind, n)| format!("`{kind}` ({n})")).collect();
                write!(f, "the log holds events of kinds that this version does not know: {}", kinds.join(", "))
            }
            Self::InFlight { trials: 1 } => f.write_str("1 trial had begun and has no end"),
            Self::InFlight { trials } => write!(f, "{trials} trials had begun and have no end"),
            Self::OtherVerdicts { why, instead } => {
                write!(f, "verdicts.json does not belong to this log: {why}; {instead}")
            }
            Self::Strangers { first, count: 1 } => {
                write!(f, "plan.json does not have a combination of the log: {first}")
            }
            Self::Strangers { first, count } => {
                write!(f, "plan.json does not have {count} combinations of the log, such as {first}")
            }
            Self::Evidence { what, count: 1, first, .. } => write!(f, "1 evidence file {what}: {first}"),
            Self::Evidence { of_several, count, first, .. } => {
                write!(f, "{count} evidence files {of_several}, such as {first}")
            }
            Self::Room { what } => f.write_str(what),
        }
    }
}
