//! The JSON Schemas of the documents, generated from their types.

use std::sync::LazyLock;

use schemars::{generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::{Map, Value, json};

use crate::document::{Calibration, Device, Kind, Quarantine, Rig, Scenario, Suite};

/// The schema of a kind of document (draft 2020-12).
///
/// Beyond JSON Schema it has `x-quantity`, `x-words`, `x-exactly-one`, `x-beside` and `x-alone`, which the loader uses
/// for rules and explanations that JSON Schema cannot give at the place of the fault.
pub fn schema(kind: Kind) -> &'static Value {
    static SCENARIO: LazyLock<Value> = LazyLock::new(|| generate(Kind::Scenario));
    static DEVICE: LazyLock<Value> = LazyLock::new(|| generate(Kind::Device));
    static RIG: LazyLock<Value> = LazyLock::new(|| generate(Kind::Rig));
    static SUITE: LazyLock<Value> = LazyLock::new(|| generate(Kind::Suite));
    static QUARANTINE: LazyLock<Value> = LazyLock::new(|| generate(Kind::Quarantine));
    static CALIBRATION: LazyLock<Value> = LazyLock::new(|| generate(Kind::Calibration));
    match kind {
        Kind::Scenario => &SCENARIO,
        Kind::Device => &DEVICE,
        Kind::Rig => &RIG,
        Kind::Suite => &SUITE,
        Kind::Quarantine => &QUARANTINE,
        Kind::Calibration => &CALIBRATION,
    }
}

/// The schemas as they are kept under `reports/schemas/`: file name and text.
pub fn committed() -> Vec<(String, String)> {
    Kind::ALL.into_iter().map(|kind| (format!("{}.schema.json", kind.key()), format!("{:#}\n", schema(kind)))).collect()
}

fn generate(kind: Kind) -> Value {
    let generator = SchemaSettings::draft2020_12()
        .with_transform(RecursiveTransform(|schema: &mut schemars::Schema| {
            if let Some(map) = schema.as_object_mut() {
                plain(map);
            }
        }))
        .into_generator();
    let schema = match kind {
        Kind::Scenario => generator.into_root_schema_for::<Scenario>(),
        Kind::Device => generator.into_root_schema_for::<Device>(),
        Kind::Rig => generator.into_root_schema_for::<Rig>(),
        Kind::Suite => generator.into_root_schema_for::<Suite>(),
        Kind::Quarantine => generator.into_root_schema_for::<Quarantine>(),
        Kind::Calibration => generator.into_root_schema_for::<Calibration>(),
    };
    sorted(schema.to_value())
}

/// The same with the keys of every object in alphabetical order. Whether `serde_json` keeps their order depends on who else is built: a
/// committed text must not.
pub fn sorted(value: Value) -> Value {
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

/// Makes a schema say what documents may say, in the plainest words: a fault is then reported where it is.
fn plain(schema: &mut Map<String, Value>) {
    // A key without a value is a fault, not another way of leaving the key out.
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|t| t != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(branches)) = schema.get_mut("anyOf") {
        branches.retain(|branch| branch.get("type").is_none_or(|t| t != "null"));
        if let [Value::Object(only)] = branches.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.entry(key).or_insert(value);
            }
        }
    }
    // Words with descriptions come as `oneOf` constants; `enum` says the same in one fault.
    if let Some(Value::Array(branches)) = schema.get("oneOf")
        && let Some(words) = branches.iter().map(|b| b.get("const").cloned()).collect::<Option<Vec<_>>>()
    {
        let descriptions: Vec<Value> =
            branches.iter().map(|b| b.get("description").cloned().unwrap_or_else(|| json!(""))).collect();
        schema.remove("oneOf");
        schema.insert("type".into(), json!("string"));
        schema.insert("enum".into(), words.into());
        schema.insert("enumDescriptions".into(), descriptions.into());
    }
    // `uint8` and its like mean nothing to JSON Schema: say the limit.
    let limit = schema.get("format").and_then(Value::as_str).and_then(|format| match format {
        "uint8" => Some(u64::from(u8::MAX)),
        "uint16" => Some(u64::from(u16::MAX)),
        "uint32" => Some(u64::from(u32::MAX)),
        _ => None,
    });
    if let Some(limit) = limit {
        schema.remove("format");
        schema.entry("maximum").or_insert(json!(limit));
    }
}
