//! What to say about a violation of the schema: in the document's words, with the place and the cure.

use std::{collections::HashMap, path::Path};

use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value as Json};

use super::{
    budget, keywords,
    tree::{Found, Node, Tree, Value},
};
use crate::diagnostic::{Code, Diagnostic, Position, nearest};

/// A place of a document that its schema refuses.
pub(crate) struct Violation<'s> {
    /// The place.
    pub(crate) at: Vec<String>,
    /// The keyword that refuses it.
    pub(crate) keyword: String,
    /// The schema that the keyword stands in.
    pub(crate) schema: &'s Map<String, Json>,
    /// Why.
    pub(crate) kind: ValidationErrorKind,
}

impl<'s> Violation<'s> {
    /// The keys that an object may have here.
    pub(crate) fn keys(&self) -> Vec<&'s str> {
        let properties = self.schema.get("properties").and_then(Json::as_object);
        properties.map(|p| p.keys().map(String::as_str).collect()).unwrap_or_default()
    }
}

/// Follows a `$ref`; a schema without one is itself.
pub(crate) fn resolve<'s>(root: &'s Json, schema: &'s Json) -> &'s Json {
    let target = schema.get("$ref").and_then(Json::as_str).and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

/// The findings about one violation: one for each unknown key, else one.
pub(crate) fn explain(path: &Path, tree: &Tree, root: &Json, violation: &Violation<'_>) -> Vec<Diagnostic> {
    let found = tree.find(&violation.at);
    let case = Case { path, tree, root, violation, found };
    match &violation.kind {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            // One more than is shown: the reader is told that there are more.
            unexpected.iter().take(budget::FAULTS + 1).map(|key| case.unknown_key(key)).collect()
        }
        kind => vec![case.one(kind)],
    }
}

struct Case<'a> {
    path: &'a Path,
    tree: &'a Tree,
    root: &'a Json,
    violation: &'a Violation<'a>,
    found: Found<'a>,
}

impl Case<'_> {
    fn fault(&self, code: Code, position: Position, message: String) -> Diagnostic {
        Diagnostic::of_file(code, self.path, message).at(position, self.tree.path_text(&self.violation.at))
    }

    /// A finding about the value.
    fn value(&self, code: Code, message: String) -> Diagnostic {
        self.fault(code, self.found.position(), message)
    }

    /// A finding about a key of the value.
    fn of_key(&self, code: Code, key: &str, message: String) -> Diagnostic {
        let position = self.found.node.entry(key).map_or(self.found.position(), |entry| entry.position);
        let path = self.violation.at.iter().map(String::as_str).chain([key]);
        Diagnostic::of_file(code, self.path, message).at(position, self.tree.path_text(path))
    }

    /// What the value is called.
    fn name(&self) -> String {
        match (self.violation.at.last(), self.found.key) {
            (_, Some(entry)) => format!("`{}`", entry.key),
            (Some(_), None) => "the item".into(),
            (None, None) => "the document".into(),
        }
    }

    fn one(&self, kind: &ValidationErrorKind) -> Diagnostic {
        use ValidationErrorKind as Kind;
        match kind {
            Kind::Required { property } => self.missing_key(property.as_str().unwrap_or_default()),
            Kind::Type { .. } => self.wrong_type(),
            Kind::Enum { options } => self.unknown_word(&words(options), false),
            Kind::Pattern { .. } => self.pattern(),
            Kind::PropertyNames { error } => self.key_name(error.instance().as_str().unwrap_or_default()),
            Kind::MinItems { .. } | Kind::MinLength { .. } | Kind::MinProperties { .. } if self.is_empty() => {
                self.value(Code::Empty, format!("{} is empty", self.name())).suggest(match &self.found.node.value {
                    Value::List(_) => "name at least one value, or delete the key if it may be left out",
                    Value::Map(_) => "give it at least one key",
                    _ => "write something",
                })
            }
            Kind::MinItems { .. } | Kind::MaxItems { .. } => {
                let (count, due) = (self.found.node.items().len(), self.due_items());
                let message = format!("the length of {} is {count}, due is {due}", self.name());
                self.value(Code::WrongLength, message)
            }
            Kind::Minimum { .. } | Kind::Maximum { .. } => {
                let limit = |key| self.violation.schema.get(key).map(ToString::to_string);
                let range = match (limit("minimum"), limit("maximum")) {
                    (Some(low), Some(high)) => format!("between {low} and {high}"),
                    (Some(low), None) => format!("from {low} on"),
                    (None, Some(high)) => format!("up to {high}"),
                    (None, None) => "in its range".into(),
                };
                let message = format!("{} is out of range", self.shown());
                self.value(Code::OutOfRange, message).suggest(format!("write a number {range}"))
            }
            Kind::MultipleOf { multiple_of } => {
                let limit = |key| self.violation.schema.get(key).map(ToString::to_string).unwrap_or_default();
                let message = format!("{} is no multiple of {multiple_of}", self.shown());
                let range = format!("between {} and {} in steps of {multiple_of}", limit("minimum"), limit("maximum"));
                self.value(Code::OutOfRange, message).suggest(format!("write a number {range}"))
            }
            Kind::UniqueItems => self.repeated(),
            Kind::Custom { .. } => match self.violation.keyword.as_str() {
                keywords::EXACTLY_ONE => self.not_exactly_one(),
                keywords::ALONE => self.not_alone(),
                _ => self.out_of_range(),
            },
            // Our schemas use no other keyword; should they, the value is refused at least.
            _ => self.value(Code::WrongFormat, format!("{} does not fit here", self.shown())),
        }
    }

    fn is_empty(&self) -> bool {
        match &self.found.node.value {
            Value::List(items) => items.is_empty(),
            Value::Map(entries) => entries.is_empty(),
            Value::Text(text) => text.is_empty(),
            _ => false,
        }
    }

    fn due_items(&self) -> String {
        let limit = |key| self.violation.schema.get(key).map(ToString::to_string);
        match (limit("minItems"), limit("maxItems")) {
            (Some(low), Some(high)) if low == high => low,
            (Some(low), Some(high)) => format!("{low} to {high}"),
            (Some(low), None) => format!("at least {low}"),
            (None, high) => format!("at most {}", high.unwrap_or_default()),
        }
    }

    fn unknown_key(&self, key: &str) -> Diagnostic {
        let place = if self.violation.at.is_empty() { String::new() } else { format!(" in {}", self.name()) };
        let fault = self.of_key(Code::UnknownKey, key, format!("unknown key `{key}`{place}"));
        // What is there already was not meant.
        let free: Vec<&str> =
            self.violation.keys().into_iter().filter(|known| self.found.node.entry(known).is_none()).collect();
        fault.suggest(did_you_mean(nearest(key, free.iter().copied()), "keys", &free))
    }

    fn missing_key(&self, key: &str) -> Diagnostic {
        let property = self.violation.schema.get("properties").and_then(|p| p.get(key));
        let of = |name: &str| property.and_then(|p| p.get(name).or_else(|| resolve(self.root, p).get(name)));
        let description = of("description").and_then(Json::as_str).unwrap_or_default();
        let example = of("x-quantity").and_then(|q| q["example"].as_str());
        let fault = self.fault(Code::MissingKey, self.found.key_position(), format!("{} has no `{key}`", self.name()));
        fault.suggest(match example {
            Some(example) => format!("add `{key}`, such as `{key}: {example}`"),
            None => format!("add `{key}`. {description}").trim_end().to_owned(),
        })
    }

    fn wrong_type(&self) -> Diagnostic {
        if let (Some(quantity), Value::Number(_, text)) = (Quantity::of(self.violation.schema), &self.found.node.value)
        {
            return self.missing_unit(&quantity, text);
        }
        let due: Vec<&str> = match self.violation.schema.get("type") {
            Some(Json::Array(several)) => several.iter().filter_map(Json::as_str).collect(),
            single => single.and_then(Json::as_str).into_iter().collect(),
        };
        let words: Vec<&str> = due.iter().map(|name| type_name(name)).collect();
        let message = format!("{} stands where {} is due", describe(self.found.node), words.join(" or "));
        let fault = self.value(Code::WrongType, message);
        let suggestion = match (&self.found.node.value, due.as_slice()) {
            (Value::Null, _) => Some(format!("write a value after {}, or delete the key", self.name())),
            (Value::Number(_, text), due) if due.contains(&"string") => Some(format!("quote it: `\"{text}\"`")),
            (Value::Bool(truth), ["string"]) => Some(format!("quote it: `\"{truth}\"`")),
            (Value::Text(text), ["array", ..]) if text.len() <= 40 => Some(format!("write a list: `[{text}]`")),
            (Value::Text(text), ["integer" | "number"]) if text.parse::<f64>().is_ok() => {
                Some(format!("write it without quotes: `{text}`"))
            }
            (Value::Text(text), ["boolean"]) => match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "true" => Some("write `true`".into()),
                "no" | "off" | "false" => Some("write `false`".into()),
                _ => None,
            },
            _ => None,
        };
        match suggestion {
            Some(suggestion) => fault.suggest(suggestion),
            None => fault,
        }
    }

    fn missing_unit(&self, quantity: &Quantity<'_>, number: &str) -> Diagnostic {
        self.value(Code::MissingUnit, format!("the {} `{number}` has no unit", quantity.kind))
            .suggest(format!("add one of the units {}, such as in `{}`", quantity.units, quantity.example))
    }

    fn out_of_range(&self) -> Diagnostic {
        let (kind, range) = Quantity::of(self.violation.schema).map_or(("value", ""), |q| (q.kind, q.range));
        self.value(Code::OutOfRange, format!("the {kind} {} is out of range", quoted(self.found.node)))
            .suggest(format!("write a {kind} from {range}"))
    }

    fn unknown_word(&self, words: &[String], parameter: bool) -> Diagnostic {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let text = match &self.found.node.value {
            Value::Text(text) | Value::Number(_, text) => text.as_str(),
            _ => "",
        };
        let mut suggestion = did_you_mean(nearest(text, words.iter().copied()), "words", &words);
        if parameter {
            suggestion.push_str(", or `$` and the name of an axis");
        }
        self.value(Code::UnknownWord, format!("{} is not one of the words that fit", quoted(self.found.node)))
            .suggest(suggestion)
    }

    fn pattern(&self) -> Diagnostic {
        let schema = self.violation.schema;
        let Value::Text(text) = &self.found.node.value else {
            return self.value(Code::WrongFormat, format!("{} does not fit here", self.shown()));
        };
        if let Some(words) = schema.get("x-words") {
            return self.unknown_word(&self::words(words), true);
        }
        if let Some(quantity) = Quantity::of(schema) {
            return self.not_a_quantity(&quantity, text);
        }
        let fault = self.value(Code::WrongFormat, format!("{} does not have the right form", quoted(self.found.node)));
        self.with_form(fault)
    }

    fn not_a_quantity(&self, quantity: &Quantity<'_>, text: &str) -> Diagnostic {
        let number_end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(text.len());
        let (number, unit) = text.split_at(number_end);
        let Quantity { kind, units, example, .. } = quantity;
        if number.parse::<f64>().is_err() {
            return self
                .value(Code::WrongFormat, format!("{} is not a {kind}", quoted(self.found.node)))
                .suggest(format!("write a number and one of the units {units}, such as `{example}`"));
        }
        let unit = unit.trim();
        if unit.is_empty() {
            return self.missing_unit(quantity, number);
        }
        let known: Vec<&str> = units.split('`').filter(|unit| !unit.trim().is_empty()).collect();
        if known.contains(&unit) {
            // The number is the trouble: a sign, or too many spaces.
            return self
                .value(Code::WrongFormat, format!("{} is not a {kind}", quoted(self.found.node)))
                .suggest(format!("write it like `{example}`"));
        }
        let unit: String = unit.chars().take(20).collect();
        let fault = self.value(Code::WrongUnit, format!("`{unit}` is not a unit of a {kind}"));
        let same = known.iter().find(|known| known.eq_ignore_ascii_case(&unit)).copied();
        fault.suggest(match same {
            Some(same) => format!("did you mean `{number} {same}`?"),
            None => format!("write one of the units {units}, such as in `{example}`"),
        })
    }

    fn key_name(&self, key: &str) -> Diagnostic {
        let fault = self.of_key(Code::WrongFormat, key, format!("the key `{key}` does not have the right form"));
        self.with_form(fault)
    }

    /// Says which form is due.
    fn with_form(&self, fault: Diagnostic) -> Diagnostic {
        let schema = self.violation.schema;
        let text = |key: &str| schema.get(key).and_then(Json::as_str);
        match (schema.get("examples").and_then(|e| e[0].as_str()), text("x-form")) {
            (Some(example), _) => fault.suggest(format!("write it like `{example}`")),
            (None, Some(form)) => fault.suggest(form),
            (None, None) => fault.suggest(format!("it has to match {}", text("pattern").unwrap_or_default())),
        }
    }

    fn repeated(&self) -> Diagnostic {
        let mut seen = HashMap::new();
        for item in self.found.node.items() {
            if let Some(first) = seen.insert(item.to_json().to_string(), item.position) {
                return self
                    .fault(Code::RepeatedValue, item.position, format!("{} stands here again", quoted(item)))
                    .label(self.path, first, "it stands here first")
                    .suggest("keep one of them");
            }
        }
        self.value(Code::RepeatedValue, format!("{} names a value twice", self.name()))
    }

    fn not_exactly_one(&self) -> Diagnostic {
        let kinds = keywords::exclusive_keys(self.violation.schema);
        let what = self.violation.schema.get(keywords::EXACTLY_ONE).and_then(Json::as_str).unwrap_or("a key");
        let present: Vec<_> = self.found.node.entries().iter().filter(|entry| kinds.contains(&entry.key)).collect();
        match present.as_slice() {
            [first, second, ..] => {
                let noun = what.trim_start_matches("an ").trim_start_matches("a ");
                let all: Vec<String> = present.iter().map(|entry| format!("`{}`", entry.key)).collect();
                let message = format!("more than one {noun} stands here: {}", all.join(" and "));
                self.fault(Code::NotExactlyOne, second.position, message)
                    .label(self.path, first.position, "the first one")
                    .suggest(format!("begin another item of the list with `- {}:`", second.key))
            }
            _ => {
                let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
                self.fault(Code::NotExactlyOne, self.found.key_position(), format!("{what} is missing here"))
                    .suggest(format!("add one of {}", listed(&kinds)))
            }
        }
    }

    fn not_alone(&self) -> Diagnostic {
        let key = self.violation.schema.get(keywords::ALONE).and_then(Json::as_str).unwrap_or_default();
        self.of_key(Code::NotExactlyOne, key, format!("`{key}` stands beside other keys"))
            .suggest(format!("keep `{key}` alone, or delete it"))
    }

    /// The value as a message shows it.
    fn shown(&self) -> String {
        describe(self.found.node)
    }
}

/// What a schema says about a quantity.
struct Quantity<'s> {
    kind: &'s str,
    units: &'s str,
    example: &'s str,
    range: &'s str,
}

impl<'s> Quantity<'s> {
    fn of(schema: &'s Map<String, Json>) -> Option<Self> {
        let quantity = schema.get(keywords::QUANTITY)?;
        let text = |key: &str| quantity[key].as_str().unwrap_or_default();
        Some(Self { kind: text("kind"), units: text("units"), example: text("example"), range: text("range") })
    }
}

fn words(list: &Json) -> Vec<String> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect()
}

fn did_you_mean(meant: Option<&str>, what: &str, all: &[&str]) -> String {
    match (meant, all) {
        (Some(meant), _) => format!("did you mean `{meant}`? The {what} that fit here: {}", listed(all)),
        (None, []) => format!("delete it: the {what} that fit here are there already"),
        (None, all) => format!("the {what} that fit here: {}", listed(all)),
    }
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// A word of JSON Schema for a type, in the words of documents.
fn type_name(name: &str) -> &'static str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a map",
        _ => "nothing",
    }
}

/// What stands at a place.
fn describe(node: &Node) -> String {
    match &node.value {
        Value::Null => "nothing".into(),
        Value::Bool(truth) => format!("the truth value `{truth}`"),
        Value::Number(_, text) => format!("the number `{text}`"),
        Value::Text(_) => format!("the text {}", quoted(node)),
        Value::List(_) => "a list".into(),
        Value::Map(_) => "a map".into(),
    }
}

/// A short value in backticks, a long one cut.
fn quoted(node: &Node) -> String {
    const LONGEST: usize = 60;
    match &node.value {
        Value::Text(text) | Value::Number(_, text) if text.chars().count() > LONGEST => {
            format!("`{}...`", text.chars().take(LONGEST).collect::<String>())
        }
        Value::Text(text) | Value::Number(_, text) => format!("`{text}`"),
        Value::Bool(truth) => format!("`{truth}`"),
        Value::Null => "nothing".into(),
        Value::List(_) => "a list".into(),
        Value::Map(_) => "a map".into(),
    }
}
