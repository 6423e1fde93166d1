//! Findings about documents: what is wrong, where, and what to do about it.

mod code;
mod nearest;
mod render;

use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

pub use code::Code;
pub use nearest::nearest;
pub use render::{render, summary};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The documents cannot be used.
    Error,
    /// The documents can be used; the result may not be what was meant.
    Warning,
}

/// Where something stands in a file. Lines and columns count from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column of the first character.
    pub column: u32,
    /// The column after the last character; text of several lines ends with its first line.
    pub end_column: u32,
}

impl Position {
    /// The first character of a file.
    pub const START: Self = Self { line: 1, column: 1, end_column: 1 };
}

/// A second place that belongs to a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Label {
    /// The file.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// The place.
    #[serde(flatten)]
    pub position: Position,
    /// What stands there.
    pub message: String,
}

/// A finding about a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Diagnostic {
    /// The kind of finding: a stable name.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// The file.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// The place in the file; `None` when the finding is about the file itself.
    #[serde(flatten)]
    pub position: Option<Position>,
    /// The place in the document, such as `trial[3].play.signal`; empty for the document itself.
    pub document_path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// Other places that belong to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
}

/// Paths need not be UTF-8, JSON has to be.
fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

impl Diagnostic {
    /// A finding about a whole file.
    pub fn of_file(code: Code, path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            path: path.into(),
            position: None,
            document_path: String::new(),
            message: message.into(),
            suggestion: None,
            labels: Vec::new(),
        }
    }

    /// The same finding at a place of its file.
    #[must_use]
    pub fn at(mut self, position: Position, document_path: impl Into<String>) -> Self {
        self.position = Some(position);
        self.document_path = document_path.into();
        self
    }

    /// The same finding with what to do about it.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// The same finding with a second place.
    #[must_use]
    pub fn label(mut self, path: impl Into<PathBuf>, position: Position, message: impl Into<String>) -> Self {
        self.labels.push(Label { path: path.into(), position, message: message.into() });
        self
    }

    /// Whether the documents cannot be used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Puts findings in the order of their files and lines.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics
        .sort_by(|a, b| (&a.path, a.position, a.code, &a.message).cmp(&(&b.path, b.position, b.code, &b.message)));
}
