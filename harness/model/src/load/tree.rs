//! A document as it stands in its file: values and their positions.

use std::fmt::Write as _;

use serde_json::{Map, Number};

use crate::diagnostic::Position;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stands; of a map or list the first character.
    pub position: Position,
    /// Something stands here that stage 1 refused: nothing more is said about it.
    pub(crate) refused: bool,
}

/// A value as YAML 1.2 (core schema) reads it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number and its text.
    Number(Number, String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map in the author's order, without repeated keys.
    Map(Vec<Field>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub position: Position,
    /// The value.
    pub node: Node,
}

impl Node {
    /// The entries of a map; none of anything else.
    pub fn entries(&self) -> &[Field] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Field> {
        self.entries().iter().find(|field| field.key == key)
    }

    /// The place of a value; of a map its first key.
    pub(crate) fn start(&self) -> Position {
        self.entries().first().map_or(self.position, |field| field.position)
    }

    fn is_collection(&self) -> bool {
        matches!(self.value, Value::List(_) | Value::Map(_))
    }

    /// As JSON Schema sees it.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(truth) => Json::Bool(*truth),
            Value::Number(number, _) => Json::Number(number.clone()),
            Value::Text(text) => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Map(entries) => {
                Json::Object(entries.iter().map(|e| (e.key.clone(), e.node.to_json())).collect::<Map<_, _>>())
            }
        }
    }
}

/// A document with its positions.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// The outermost value.
    pub root: Node,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) node: &'a Node,
    /// The key it stands under, if it stands in a map.
    pub(crate) key: Option<&'a Field>,
    /// Whether the whole path exists; if not, `node` is the last value on the way.
    pub(crate) whole: bool,
    /// Whether a refused value lies on the way.
    pub(crate) refused: bool,
}

impl Found<'_> {
    /// The place to show: the value if it is short, else the key above it.
    pub(crate) fn position(&self) -> Position {
        match self.key {
            Some(field) if self.node.is_collection() || self.node.value == Value::Null => field.position,
            _ => self.node.start(),
        }
    }

    /// The place of the key; of an item of a list its beginning.
    pub(crate) fn key_position(&self) -> Position {
        self.key.map_or(self.node.start(), |field| field.position)
    }
}

impl Tree {
    /// Follows a path as far as it exists.
    pub(crate) fn find<S: AsRef<str>>(&self, path: impl IntoIterator<Item = S>) -> Found<'_> {
        let mut found = Found { node: &self.root, key: None, whole: true, refused: self.root.refused };
        for segment in path {
            let segment = segment.as_ref();
            let next = match &found.node.value {
                Value::Map(_) => found.node.entry(segment).map(|field| (&field.node, Some(field))),
                Value::List(items) => segment.parse().ok().and_then(|n: usize| items.get(n)).map(|node| (node, None)),
                _ => None,
            };
            let Some((node, key)) = next else {
                found.whole = false;
                return found;
            };
            found = Found { node, key, whole: true, refused: found.refused || node.refused };
        }
        found
    }

    /// A path as people write it: `trial[3].play.signal`.
    pub(crate) fn path_text<S: AsRef<str>>(&self, path: impl IntoIterator<Item = S>) -> String {
        let mut text = String::new();
        let mut node = Some(&self.root);
        for segment in path {
            let segment = segment.as_ref();
            match node.map(|n| &n.value) {
                Some(Value::List(items)) => {
                    let _ = write!(text, "[{segment}]");
                    node = segment.parse().ok().and_then(|n: usize| items.get(n));
                }
                _ => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(segment);
                    node = node.and_then(|n| n.entry(segment)).map(|field| &field.node);
                }
            }
        }
        text
    }
}
