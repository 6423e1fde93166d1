//! Stage 1: bytes to a tree with positions, within budgets.
//!
//! Aliases are refused, not expanded: documents are short, an editor's schema cannot follow them, and a bomb of them
//! is then no matter at all.

use std::{collections::HashMap, fmt::Write as _, path::Path};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::{
    budget, scalar,
    tree::{Field, Node, Tree, Value},
};
use crate::diagnostic::{Code, Diagnostic, Position};

/// A tree, as far as there is one, and the faults found on the way.
pub(crate) struct Parsed {
    pub(crate) tree: Option<Tree>,
    pub(crate) faults: Vec<Diagnostic>,
}

/// Reads one document.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Parsed {
    let fail = |fault: Diagnostic| Parsed { tree: None, faults: vec![fault] };
    if bytes.len() as u64 > budget::BYTES {
        return fail(too_large(path));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => return fail(not_utf8(path, bytes, error.valid_up_to())),
    };
    if let Some(fault) = forbidden_character(path, text) {
        return fail(fault);
    }
    let line_lengths = line_lengths(text);
    if let Some(line) = line_lengths.iter().position(|length| *length > budget::LINE) {
        let position = Position { line: line as u32 + 1, column: 1, end_column: 2 };
        let message = format!("the line is longer than {} characters", budget::LINE);
        return fail(Diagnostic::of_file(Code::TooLarge, path, message).at(position, "").suggest("break it"));
    }
    let mut builder = Builder { path, line_lengths, faults: Vec::new(), nodes: 0, open: Vec::new(), root: None };
    let whole = builder.events(text);
    let Builder { mut faults, root, .. } = builder;
    let root = root.filter(|root| root.value != Value::Null);
    if root.is_none() && faults.is_empty() {
        return fail(
            Diagnostic::of_file(Code::EmptyFile, path, "the file has no document")
                .suggest("begin with `scenario:`, `device:` or `rig:`"),
        );
    }
    faults.truncate(budget::FAULTS + 1);
    Parsed { tree: root.filter(|_| whole).map(|root| Tree { root }), faults }
}

/// The fault of a file that is too large.
pub(crate) fn too_large(path: &Path) -> Diagnostic {
    Diagnostic::of_file(Code::TooLarge, path, format!("the file is larger than {} KiB", budget::BYTES >> 10))
        .suggest("split it: a document describes one scenario, one device or one rig")
}

fn not_utf8(path: &Path, bytes: &[u8], valid: usize) -> Diagnostic {
    let what = match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "the file is UTF-16, not UTF-8",
        _ => "the file is not UTF-8 text",
    };
    let before = String::from_utf8_lossy(&bytes[..valid]);
    let position = end_of(before.strip_prefix('\u{feff}').unwrap_or(&before));
    Diagnostic::of_file(Code::NotUtf8, path, what).at(position, "").suggest("save it as UTF-8")
}

/// The position after the last character of `text`.
fn end_of(text: &str) -> Position {
    let lengths = line_lengths(text);
    let column = lengths.last().copied().unwrap_or(0) + 1;
    Position { line: lengths.len() as u32, column, end_column: column + 1 }
}

/// What YAML allows as a character (YAML 1.2.2, rule 1, `c-printable`).
fn forbidden_character(path: &Path, text: &str) -> Option<Diagnostic> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
    let (at, c) = text.char_indices().find(|(_, c)| !allowed(*c))?;
    Some(
        Diagnostic::of_file(
            Code::ControlCharacter,
            path,
            format!("the character U+{:04X} may not stand in a document", c as u32),
        )
        .at(end_of(&text[..at]), "")
        .suggest("delete it"),
    )
}

/// Characters that tell a terminal what to do, or turn the direction of text, however they are written. What documents
/// name is shown to people and written into reports; a name is one line.
fn commands(c: char, in_key: bool) -> bool {
    match c {
        '\n' | '\t' => in_key,
        '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    }
}

/// The number of characters of each line.
fn line_lengths(text: &str) -> Vec<u32> {
    let mut lengths = vec![0];
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\r' => lengths.push(0),
            _ => {
                if let Some(last) = lengths.last_mut() {
                    *last += 1;
                }
            }
        }
    }
    lengths
}

/// A map or list that is still open.
enum Open {
    List { position: Position, items: Vec<Node> },
    Map { position: Position, entries: Vec<Field>, seen: HashMap<String, Position>, key: Option<Key> },
}

/// A key that waits for its value.
struct Key {
    /// `None`: the key was refused, and its value is dropped.
    text: Option<String>,
    position: Position,
}

struct Builder<'a> {
    path: &'a Path,
    line_lengths: Vec<u32>,
    faults: Vec<Diagnostic>,
    nodes: usize,
    open: Vec<Open>,
    root: Option<Node>,
}

/// There is nothing more to read.
struct Stop;

impl Builder<'_> {
    /// Reads all events; `false` when the tree is not fit for the next stage.
    fn events(&mut self, text: &str) -> bool {
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            match event {
                Ok((event, span)) => {
                    let position = self.position(span);
                    if self.event(event, position).is_err() {
                        // After a second document the first is whole; after a budget nothing is.
                        return self.open.is_empty();
                    }
                }
                Err(error) => {
                    let start = self.clamped(*error.marker());
                    let position = Position { end_column: start.column + 1, ..start };
                    let advice = if error.info().contains("tab") { "indent with spaces" } else { "" };
                    self.fault(Code::Syntax, position, format!("this is not YAML: {}", error.info()), advice);
                    return false;
                }
            }
        }
        true
    }

    fn event(&mut self, event: Event<'_>, position: Position) -> Result<(), Stop> {
        let node = match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => return Ok(()),
            Event::DocumentStart(_) if self.root.is_none() => return Ok(()),
            Event::DocumentStart(_) => {
                let advice = "put it into a file of its own";
                self.fault(Code::SeveralDocuments, position, "a second document begins here".into(), advice);
                return Err(Stop);
            }
            Event::Alias(_) => {
                let advice = "write the value out: anchors and aliases are not used in documents";
                self.fault(Code::Anchor, position, "an alias stands here".into(), advice);
                Node { value: Value::Null, position, refused: true }
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.decorations(anchor, tag.is_some(), position);
                self.scalar(&text, style, position)
            }
            Event::SequenceStart(anchor, tag) => {
                self.decorations(anchor, tag.is_some(), position);
                self.open.push(Open::List { position, items: Vec::new() });
                return self.budget(position);
            }
            Event::MappingStart(anchor, tag) => {
                self.decorations(anchor, tag.is_some(), position);
                self.open.push(Open::Map { position, entries: Vec::new(), seen: HashMap::new(), key: None });
                return self.budget(position);
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { position, items }) => Node { value: Value::List(items), position, refused: false },
                Some(Open::Map { position, entries, .. }) => {
                    Node { value: Value::Map(entries), position, refused: false }
                }
                None => return Ok(()),
            },
        };
        self.budget(position)?;
        self.place(node);
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match key.take() {
                Some(Key { text: Some(text), position }) => entries.push(Field { key: text, position, node }),
                Some(Key { text: None, .. }) => {}
                None => {
                    let taken = self.key(node);
                    if let Some(Open::Map { key, .. }) = self.open.last_mut() {
                        *key = Some(taken);
                    }
                }
            },
        }
    }

    /// A word or a text, which may be a key.
    fn scalar(&mut self, text: &str, style: ScalarStyle, position: Position) -> Node {
        let value = match style {
            ScalarStyle::Plain => scalar::plain(text),
            _ => Some(Value::Text(text.to_owned())),
        };
        let is_key = matches!(self.open.last(), Some(Open::Map { key: None, .. }));
        if let Some(c) = text.chars().find(|c| commands(*c, is_key)) {
            let message =
                format!("the character U+{:04X} may not stand in a {}", c as u32, if is_key { "key" } else { "value" });
            self.fault(Code::ControlCharacter, position, message, "delete it");
            return Node { value: Value::Null, position, refused: true };
        }
        if !is_key {
            if value.is_none() {
                let advice = "write a finite number, or quote it if text is meant";
                self.fault(
                    Code::NotFinite,
                    position,
                    format!("`{text}` is not a number that a value can have"),
                    advice,
                );
            }
            let refused = value.is_none();
            return Node { value: value.unwrap_or(Value::Null), position, refused };
        }
        match value {
            Some(Value::Text(word)) if word == "<<" && style == ScalarStyle::Plain => {
                let advice = "write the keys out: merge keys are not used in documents";
                self.fault(Code::MergeKey, position, "a merge key stands here".into(), advice);
                Node { value: Value::Null, position, refused: true }
            }
            Some(value @ Value::Text(_)) => Node { value, position, refused: false },
            _ if text.is_empty() => {
                self.fault(Code::NonTextKey, position, "a key is empty".into(), "write a key before the `:`");
                Node { value: Value::Null, position, refused: true }
            }
            _ => {
                let advice = format!("quote it: `\"{text}\"`");
                self.fault(Code::NonTextKey, position, format!("the key `{text}` is not text"), &advice);
                Node { value: Value::Text(text.to_owned()), position, refused: false }
            }
        }
    }

    /// Takes a finished node as a key.
    fn key(&mut self, node: Node) -> Key {
        let position = node.position;
        let Value::Text(text) = node.value else {
            if !node.refused {
                let advice = "quote a text that begins with `[` or `{`";
                self.fault(Code::NonTextKey, position, "a key is a list or a map".into(), advice);
            }
            return Key { text: None, position };
        };
        let first = match self.open.last_mut() {
            Some(Open::Map { seen, .. }) => seen.get(&text).copied().or_else(|| {
                seen.insert(text.clone(), position);
                None
            }),
            _ => None,
        };
        if let Some(first) = first {
            let path = self.path;
            self.fault(Code::DuplicateKey, position, format!("the key `{text}` stands here again"), "keep one of them");
            if let Some(fault) = self.faults.last_mut() {
                *fault = fault.clone().label(path, first, "it stands here first");
            }
            return Key { text: None, position };
        }
        Key { text: Some(text), position }
    }

    /// Anchors and tags are refused; the value itself is still looked at.
    fn decorations(&mut self, anchor: usize, tag: bool, position: Position) {
        if anchor != 0 {
            let advice = "delete the `&` and its name: anchors and aliases are not used in documents";
            self.fault(Code::Anchor, position, "a value with an anchor stands here".into(), advice);
        }
        if tag {
            let advice = "delete the `!` and its name: tags have no meaning in documents";
            self.fault(Code::Tag, position, "a value with a tag stands here".into(), advice);
        }
    }

    fn budget(&mut self, position: Position) -> Result<(), Stop> {
        self.nodes += 1;
        if self.open.len() > budget::DEPTH {
            let message = format!("maps and lists stand more than {} deep here", budget::DEPTH);
            self.fault(Code::TooDeep, position, message, "");
            return Err(Stop);
        }
        if self.nodes > budget::NODES {
            let message = format!("the document has more than {} values", budget::NODES);
            self.fault(Code::TooManyNodes, position, message, "");
            return Err(Stop);
        }
        if self.faults.len() > budget::FAULTS {
            return Err(Stop);
        }
        Ok(())
    }

    fn fault(&mut self, code: Code, position: Position, message: String, suggestion: &str) {
        let mut fault = Diagnostic::of_file(code, self.path, message).at(position, self.document_path());
        fault.suggestion = (!suggestion.is_empty()).then(|| suggestion.to_owned());
        self.faults.push(fault);
    }

    /// Where in the document the parser is.
    fn document_path(&self) -> String {
        let mut text = String::new();
        for open in &self.open {
            match open {
                Open::List { items, .. } => {
                    let _ = write!(text, "[{}]", items.len());
                }
                Open::Map { key: Some(Key { text: Some(key), .. }), .. } => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(key);
                }
                Open::Map { .. } => {}
            }
        }
        text
    }

    /// A marker as a place that exists in the text.
    fn clamped(&self, marker: Marker) -> Position {
        let line = marker.line().clamp(1, self.line_lengths.len());
        let length = self.line_lengths[line - 1];
        let column = (marker.col() as u32).min(length) + 1;
        Position { line: line as u32, column, end_column: column }
    }

    fn position(&self, span: Span) -> Position {
        let start = self.clamped(span.start);
        let end = self.clamped(span.end);
        let length = self.line_lengths[start.line as usize - 1];
        let end_column = if end.line == start.line { end.column } else { length + 1 };
        Position { end_column: end_column.max(start.column), ..start }
    }
}
