//! Stage 2: the schema generated from the types, held against the tree.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::LazyLock,
};

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Map, Value};

use super::{
    budget,
    explain::{self, Violation},
    keywords,
    tree::Tree,
};
use crate::{
    diagnostic::{Diagnostic, nearest},
    document::Kind,
    schema::schema,
};

/// All faults in the shape of a document.
pub(crate) fn faults(kind: Kind, path: &Path, tree: &Tree) -> Vec<Diagnostic> {
    let instance = tree.root.to_json();
    let schema = schema(kind);
    let violations: Vec<Violation<'_>> = validator(kind)
        .iter_errors(&instance)
        .filter_map(|error| violation(schema, tree, error))
        // Far more than is shown, since some explain each other; few enough for any machine.
        .take(20 * budget::FAULTS)
        .collect();
    let related = Related::of(&violations);
    violations
        .iter()
        .filter(|violation| !related.explains(violation))
        .flat_map(|violation| explain::explain(path, tree, schema, violation))
        .collect()
}

/// Whether the shape of a document has no fault at all.
pub(crate) fn is_right(kind: Kind, tree: &Tree) -> bool {
    validator(kind).is_valid(&tree.root.to_json())
}

fn validator(kind: Kind) -> &'static Validator {
    static SCENARIO: LazyLock<Validator> = LazyLock::new(|| build(Kind::Scenario));
    static DEVICE: LazyLock<Validator> = LazyLock::new(|| build(Kind::Device));
    static RIG: LazyLock<Validator> = LazyLock::new(|| build(Kind::Rig));
    static SUITE: LazyLock<Validator> = LazyLock::new(|| build(Kind::Suite));
    static QUARANTINE: LazyLock<Validator> = LazyLock::new(|| build(Kind::Quarantine));
    static CALIBRATION: LazyLock<Validator> = LazyLock::new(|| build(Kind::Calibration));
    match kind {
        Kind::Scenario => &SCENARIO,
        Kind::Device => &DEVICE,
        Kind::Rig => &RIG,
        Kind::Suite => &SUITE,
        Kind::Quarantine => &QUARANTINE,
        Kind::Calibration => &CALIBRATION,
    }
}

fn build(kind: Kind) -> Validator {
    jsonschema::draft202012::options()
        .with_keyword(keywords::QUANTITY, keywords::quantity)
        .with_keyword(keywords::EXACTLY_ONE, keywords::exactly_one)
        .with_keyword(keywords::ALONE, keywords::alone)
        .build(schema(kind))
        .expect("our types have valid schemas: a test builds each")
}

fn violation<'s>(root: &'s Value, tree: &Tree, error: ValidationError<'_>) -> Option<Violation<'s>> {
    let at = segments(error.instance_path().as_str());
    if tree.find(&at).refused {
        return None;
    }
    let parts = error.into_parts();
    let mut schema_path = segments(parts.schema_path.as_str());
    let keyword = schema_path.pop()?;
    let schema = walk(root, &schema_path)?;
    Some(Violation { at, keyword, schema, kind: parts.kind })
}

/// The keys of a JSON pointer. Empty keys count, too.
fn segments(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()
}

/// The schema that a path of keywords leads to, through references.
fn walk<'s>(root: &'s Value, path: &[String]) -> Option<&'s Map<String, Value>> {
    let mut at = root;
    for segment in path {
        if segment == "$ref" {
            at = explain::resolve(root, at);
            continue;
        }
        at = step(at, segment).or_else(|| step(explain::resolve(root, at), segment))?;
    }
    at.as_object()
}

fn step<'s>(at: &'s Value, segment: &str) -> Option<&'s Value> {
    match at {
        Value::Array(items) => items.get(segment.parse::<usize>().ok()?),
        _ => at.get(segment),
    }
}

/// What violations say about each other: one fault is shown once.
#[derive(Default)]
struct Related {
    /// By object: what its unknown keys were probably meant to be.
    meant: HashMap<Vec<String>, Vec<Option<String>>>,
    /// Texts that violate a pattern.
    formless: HashSet<Vec<String>>,
}

impl Related {
    fn of(violations: &[Violation<'_>]) -> Self {
        let mut related = Self::default();
        for violation in violations {
            match &violation.kind {
                ValidationErrorKind::AdditionalProperties { unexpected } => {
                    let known = violation.keys();
                    let some = unexpected.iter().take(10 * budget::FAULTS);
                    let meant = some.map(|key| nearest(key, known.iter().copied()).map(str::to_owned));
                    related.meant.entry(violation.at.clone()).or_default().extend(meant);
                }
                ValidationErrorKind::Pattern { .. } => {
                    related.formless.insert(violation.at.clone());
                }
                _ => {}
            }
        }
        related
    }

    /// Whether another violation says all there is to say about this one.
    fn explains(&self, violation: &Violation<'_>) -> bool {
        let meant = self.meant.get(&violation.at);
        match (&violation.kind, violation.keyword.as_str()) {
            // The key is there, but misspelt.
            (ValidationErrorKind::Required { property }, _) => {
                meant.is_some_and(|meant| meant.iter().flatten().any(|m| Some(m.as_str()) == property.as_str()))
            }
            // The action is there, but misspelt.
            (_, keywords::EXACTLY_ONE) => meant.is_some(),
            // An empty step is first of all a step without an action.
            (ValidationErrorKind::MinProperties { .. }, _) => violation.schema.contains_key(keywords::EXACTLY_ONE),
            (_, keywords::QUANTITY) => self.formless.contains(&violation.at),
            _ => false,
        }
    }
}
