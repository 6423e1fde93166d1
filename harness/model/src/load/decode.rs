//! Stage 3: a tree to a typed document. The one place that names serde_yaml.
//!
//! The values come from the tree of stage 1 and not from the bytes, so that no second reader of YAML can take a word
//! for something else than stages 1 and 2 took it for.

use serde::de::DeserializeOwned;
use serde_yaml::{Mapping, Number, Value as Yaml};

use super::tree::{Node, Value};

/// Decodes a tree that the schema of `T` accepts.
///
/// # Errors
/// Never for such a tree; the text is then for a report about Rigtone.
pub(crate) fn decode<T: DeserializeOwned>(root: &Node) -> Result<T, String> {
    serde_yaml::from_value(to_yaml(root)).map_err(|error| error.to_string())
}

fn to_yaml(node: &Node) -> Yaml {
    match &node.value {
        Value::Null => Yaml::Null,
        Value::Bool(truth) => Yaml::Bool(*truth),
        Value::Number(number, _) => Yaml::Number(to_number(number)),
        Value::Text(text) => Yaml::String(text.clone()),
        Value::List(items) => Yaml::Sequence(items.iter().map(to_yaml).collect()),
        Value::Map(entries) => {
            Yaml::Mapping(entries.iter().map(|e| (Yaml::String(e.key.clone()), to_yaml(&e.node))).collect::<Mapping>())
        }
    }
}

fn to_number(number: &serde_json::Number) -> Number {
    match (number.as_u64(), number.as_i64()) {
        (Some(whole), _) => whole.into(),
        (None, Some(whole)) => whole.into(),
        (None, None) => number.as_f64().unwrap_or_default().into(),
    }
}
