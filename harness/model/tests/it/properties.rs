//! What holds for all documents: nothing panics, and what the schema accepts can be decoded.

use proptest::{collection::vec, prelude::*};
use rigtone_model::{
    check::check,
    diagnostic::{Code, render},
    document::Kind,
    load::Loaded,
    schema::schema,
};
use serde_json::{Map, Value, json};

use crate::{DEVICE, RIG, SCENARIO, VOCABULARY, load_one};

/// Choices from a list of random numbers, so that proptest can print and shrink them.
struct Dice<'a> {
    numbers: &'a [u32],
    next: usize,
}

impl Dice<'_> {
    fn below(&mut self, n: usize) -> usize {
        let number = self.numbers.get(self.next % self.numbers.len()).copied().unwrap_or_default();
        // Mixed with the place, so that a short list does not repeat itself.
        let mixed = (number as usize ^ self.next.wrapping_mul(0x9E37_79B9)).wrapping_mul(0x85EB_CA6B) >> 7;
        self.next += 1;
        mixed % n.max(1)
    }
    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }
}

const TEXTS: &[&str] =
    &["x", "~", "null", "true", "1e3", "$pause", "$", "a: b", "- a", "#x", "é😀", "\u{a0}", "a\nb", " ", "<<", "0x1F"];

/// A value that `schema` accepts.
fn valid(root: &Value, schema: &Value, dice: &mut Dice<'_>, depth: usize) -> Value {
    let map = schema.as_object().expect("a schema is a map");
    if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(reference.trim_start_matches('#')).expect("references lead somewhere");
        return valid(root, target, dice, depth);
    }
    if let Some(words) = map.get("x-words").or_else(|| map.get("enum")).and_then(Value::as_array) {
        return dice.pick(words).clone();
    }
    if let Some(quantity) = map.get("x-quantity") {
        let units: Vec<&str> =
            quantity["units"].as_str().unwrap_or_default().split('`').filter(|u| !u.trim().is_empty()).collect();
        return json!(format!("{}{}{}", dice.pick(&["0", "1", "0.5", "99"]), dice.pick(&["", " "]), dice.pick(&units)));
    }
    if let Some(example) = map.get("pattern").and(map.get("examples")) {
        return example[0].clone();
    }
    let kind = match &map["type"] {
        Value::Array(several) => dice.pick(several).as_str(),
        single => single.as_str(),
    };
    let number = |key: &str| map.get(key).and_then(Value::as_u64).unwrap_or(0) as usize;
    match kind {
        // A number, or the name of an axis.
        Some("string") if map.contains_key("x-form") && map.contains_key("minimum") => json!("$pause"),
        Some("string") => json!(*dice.pick(TEXTS)),
        Some("boolean") => json!(dice.below(2) == 0),
        Some("integer" | "number") => {
            let low = map.get("minimum").and_then(Value::as_f64).unwrap_or(0.0);
            let high = map.get("maximum").and_then(Value::as_f64).unwrap_or(1e6);
            // The ends are multiples, what lies between may be none.
            match dice.below(if number("multipleOf") > 1 { 2 } else { 3 }) {
                0 => json!(low.ceil() as u64),
                1 => json!(high.floor() as u64),
                _ => json!((low.midpoint(high)).ceil() as u64),
            }
        }
        Some("array") => {
            let least = number("minItems");
            let most = map.get("maxItems").and_then(Value::as_u64).map_or(least + 2, |n| (n as usize).min(least + 2));
            let unique = map.get("uniqueItems").is_some();
            let count = if unique || depth > 6 { least } else { least + dice.below(most - least + 1) };
            (0..count).map(|_| valid(root, &map["items"], dice, depth + 1)).collect()
        }
        Some("object") => object(root, map, dice, depth),
        other => panic!("the schema has the type {other:?}"),
    }
}

fn object(root: &Value, schema: &Map<String, Value>, dice: &mut Dice<'_>, depth: usize) -> Value {
    let mut made = Map::new();
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let exclusive: Vec<&String> =
        properties.iter().filter(|(_, p)| p.get("x-beside").is_none()).map(|(key, _)| key).collect();
    let one = schema.contains_key("x-exactly-one").then(|| (*dice.pick(&exclusive)).clone());
    for (key, property) in properties {
        let wanted = match &one {
            Some(one) if exclusive.contains(&key) => one == key,
            _ => required.contains(&key.as_str()) || (depth < 6 && dice.below(3) == 0),
        };
        if wanted && schema.get("x-alone").is_none_or(|alone| alone != key) {
            made.insert(key.clone(), valid(root, property, dice, depth + 1));
        }
    }
    if let Some(values) = schema.get("additionalProperties").filter(|v| v.is_object()) {
        // Keys that have a form say by an example how they look.
        let like = schema.get("propertyNames").and_then(|names| names["examples"][0].as_str()).unwrap_or("key");
        for n in 0..=dice.below(3) {
            made.insert(format!("{like}-{n}"), valid(root, values, dice, depth + 1));
        }
    }
    if made.is_empty() && schema.get("minProperties").is_some() {
        let (key, property) = properties.iter().next().expect("an object that may not be empty has keys");
        made.insert(key.clone(), valid(root, property, dice, depth + 1));
    }
    Value::Object(made)
}

/// JSON is YAML; the key that names the kind comes first.
fn text(kind: Kind, document: &Value) -> String {
    let entries = document.as_object().expect("a document is a map");
    let first = entries.iter().filter(|(key, _)| *key == kind.key());
    let rest = entries.iter().filter(|(key, _)| *key != kind.key());
    first.chain(rest).map(|(key, value)| format!("{}: {value}\n", json!(key))).collect()
}

fn generated(kind: Kind, numbers: &[u32]) -> Value {
    valid(schema(kind), schema(kind), &mut Dice { numbers, next: 0 }, 0)
}

/// Puts something else in a random place.
fn mutate(value: &mut Value, dice: &mut Dice<'_>) {
    let children = match value {
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    };
    if children > 0 && dice.below(8) != 0 {
        let n = dice.below(children);
        match value {
            Value::Array(items) => return mutate(&mut items[n], dice),
            Value::Object(map) => {
                let key = map.keys().nth(n).expect("there are so many").clone();
                match dice.below(12) {
                    0 => drop(map.remove(&key)),
                    1 => drop(map.insert((*dice.pick(TEXTS)).to_owned(), json!(1))),
                    _ => mutate(map.get_mut(&key).expect("it is there"), dice),
                }
                return;
            }
            _ => {}
        }
    }
    let others = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(3),
        json!(2.5),
        json!(1e30),
        json!(u64::MAX),
        json!(i64::MIN),
        json!([]),
        json!({}),
        json!(["a", "a"]),
        json!({"a": 1}),
        json!("3 s"),
        json!("3"),
        json!("999999999 h"),
        json!("50 %"),
        json!("sbc"),
        json!("on"),
        json!("a2dp"),
        json!("$x"),
    ];
    *value = match dice.below(2) {
        0 => dice.pick(&others).clone(),
        _ => json!(*dice.pick(TEXTS)),
    };
}

/// Stage 2 without a fault means that stage 3 succeeded; and nothing that follows panics.
fn consistent(loaded: &Loaded) {
    let library = &loaded.library;
    let documents = [
        library.scenarios.len(),
        library.devices.len(),
        library.rigs.len(),
        library.quarantines.len(),
        library.calibrations.len(),
        library.suites.len(),
    ];
    let documents: usize = documents.into_iter().sum();
    assert!(loaded.diagnostics.iter().all(|d| d.code != Code::Internal), "{:#?}", loaded.diagnostics);
    assert_eq!(documents == 1, loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    let mut found = loaded.diagnostics.clone();
    found.extend(check(library, &VOCABULARY));
    let shown = render(&found, &loaded.sources, true);
    assert_eq!(shown.is_empty(), found.is_empty());
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_schema_accepts_is_decoded(kind in kinds(), numbers in vec(any::<u32>(), 1..60)) {
        let document = text(kind, &generated(kind, &numbers));
        let loaded = load_one("x.yaml", &document);
        prop_assert!(loaded.diagnostics.is_empty(), "{document}\n{}", render(&loaded.diagnostics, &loaded.sources, false));
        consistent(&loaded);
    }

    #[test]
    fn a_mutated_document_is_explained_or_decoded(
        kind in kinds(), numbers in vec(any::<u32>(), 1..60), changes in vec(any::<u32>(), 1..40), times in 1_usize..3,
    ) {
        let mut document = generated(kind, &numbers);
        let mut dice = Dice { numbers: &changes, next: 0 };
        for _ in 0..times {
            mutate(&mut document, &mut dice);
            if !document.is_object() {
                document = json!({});
            }
        }
        consistent(&load_one("x.yaml", text(kind, &document)));
    }

    #[test]
    fn a_document_with_changed_characters_is_explained_or_decoded(
        which in 0_usize..3, changes in vec((any::<prop::sample::Index>(), 0_usize..3, prop::sample::select(
            vec!['\n', ' ', ':', '-', '{', '}', '[', ']', '"', '\'', '#', '&', '*', '!', '|', '>', '%', '$', '~', '0', 'x', '\t', '\r', '\u{e9}', '\u{85}', '\u{2028}', '\0']
        )), 1..8),
    ) {
        let mut characters: Vec<char> = [SCENARIO, DEVICE, RIG][which].chars().collect();
        for (index, how, character) in changes {
            let at = index.index(characters.len());
            match how {
                0 => characters[at] = character,
                1 => characters.insert(at, character),
                _ => drop(characters.remove(at)),
            }
        }
        consistent(&load_one("x.yaml", characters.into_iter().collect::<String>()));
    }

    #[test]
    fn random_bytes_are_explained(bytes in vec(any::<u8>(), 0..400)) {
        consistent(&load_one("x.yaml", bytes));
    }

    #[test]
    fn random_yaml_is_explained(text in "[-a:?&*!|>%@`'\"{}\\[\\], \n\t#~0.<é]{0,200}") {
        consistent(&load_one("x.yaml", format!("rig: x\n{text}")));
        consistent(&load_one("x.yaml", text));
    }
}
