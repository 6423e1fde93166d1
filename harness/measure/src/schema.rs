//! The JSON Schema of a report.

use schemars::{Schema, generate::SchemaSettings};
use serde_json::Value;

use crate::report::Report;

/// The schema of a [`Report`] (draft 2020-12), its keys in alphabetical order.
pub fn schema() -> Value {
    let schema: Schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Report>();
    sorted(schema.to_value())
}

/// Whether `serde_json` keeps the order of keys depends on who else is built: the committed text must not.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
