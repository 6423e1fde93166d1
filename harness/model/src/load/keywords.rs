//! The keywords that our schemas have beyond JSON Schema.
//!
//! They only say whether a value is right; what to say about it is found in [`super::explain`].

use jsonschema::{Keyword, ValidationError, paths::Location};
use serde_json::{Map, Value};

use crate::quantity;

/// A quantity outside its range. A text that is no quantity at all also violates `pattern`, which says more.
pub(crate) const QUANTITY: &str = "x-quantity";
/// An object with exactly one of the keys that do not carry `x-beside`.
pub(crate) const EXACTLY_ONE: &str = "x-exactly-one";
/// A key that stands alone.
pub(crate) const ALONE: &str = "x-alone";

type Made<'a> = Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>>;

struct Rule<F>(F);

impl<'i, F: Fn(&Value) -> bool + Send + Sync> Keyword<'i> for Rule<F> {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if (self.0)(instance) { Ok(()) } else { Err(ValidationError::custom("refused")) }
    }
    fn is_valid(&self, instance: &'i Value) -> bool {
        (self.0)(instance)
    }
}

pub(crate) fn quantity<'a>(parent: &'a Map<String, Value>, keyword: &'a Value, _: Location) -> Made<'a> {
    let kind = keyword["kind"].as_str().unwrap_or_default().to_owned();
    let pattern = parent.get("pattern").and_then(Value::as_str).unwrap_or_default();
    // A parameter may be `$axis` instead; the pattern says whether it is well formed.
    let parameter = pattern.contains("\\$");
    Ok(Box::new(Rule(move |instance: &Value| match instance.as_str() {
        Some(text) if parameter && text.starts_with('$') => true,
        Some(text) => quantity::reads(&kind, text).unwrap_or(true),
        None => true,
    })))
}

pub(crate) fn exactly_one<'a>(parent: &'a Map<String, Value>, _: &'a Value, _: Location) -> Made<'a> {
    let kinds = exclusive_keys(parent);
    Ok(Box::new(Rule(move |instance: &Value| {
        instance.as_object().is_none_or(|map| map.keys().filter(|key| kinds.contains(key)).count() == 1)
    })))
}

pub(crate) fn alone<'a>(_: &'a Map<String, Value>, keyword: &'a Value, _: Location) -> Made<'a> {
    let key = keyword.as_str().unwrap_or_default().to_owned();
    Ok(Box::new(Rule(move |instance: &Value| {
        instance.as_object().is_none_or(|map| !map.contains_key(&key) || map.len() == 1)
    })))
}

/// The keys of an `x-exactly-one` schema of which one has to be there.
pub(crate) fn exclusive_keys(schema: &Map<String, Value>) -> Vec<String> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    properties.iter().filter(|(_, p)| p.get("x-beside").is_none()).map(|(key, _)| key.clone()).collect()
}
