//! A device's document, written of what is known of it.

use serde_json::{Map, Value};

use crate::document::Device;

/// Where an editor finds the schema, seen from `devices/<vendor>/`.
const HEADER: &str = "# yaml-language-server: $schema=../../reports/schemas/device.schema.json\n";

/// A device of which perhaps nobody knows whether it goes on from a battery: then the document does not say.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What is known.
    pub device: Device,
    /// Whether it goes on from a battery; `battery` of the device counts for nothing.
    pub battery: Option<bool>,
}

impl Draft {
    /// The document, which reads as the device.
    ///
    /// # Panics
    /// Never: a device is plain data.
    pub fn text(&self) -> String {
        let Value::Object(mut all) = serde_json::to_value(&self.device).expect("a device is plain data") else {
            unreachable!("a device is a map")
        };
        all.remove("battery");
        if let Some(battery) = self.battery {
            all.insert("battery".to_owned(), battery.into());
        }
        let mut text = HEADER.to_owned();
        for key in Device::KEYS {
            match all.get(key) {
                Some(Value::Object(map)) => {
                    text.push_str(&format!("{key}:\n"));
                    for (name, value) in map {
                        text.push_str(&format!("  {}: {}\n", scalar(name), flow(value)));
                    }
                }
                Some(Value::Array(items)) if items.iter().any(Value::is_object) => {
                    text.push_str(&format!("{key}:\n"));
                    for item in items {
                        text.push_str(&format!("  - {}\n", flow(item)));
                    }
                }
                Some(value) => text.push_str(&format!("{key}: {}\n", flow(value))),
                None => {}
            }
        }
        text
    }
}

/// A value in one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => format!("{{{}}}", pairs(map).join(", ")),
        other => other.to_string(),
    }
}

fn pairs(map: &Map<String, Value>) -> Vec<String> {
    // The mark of a fact stands first.
    let mut entries: Vec<_> = map.iter().filter(|(key, _)| *key == "mark").collect();
    entries.extend(map.iter().filter(|(key, value)| *key != "mark" && **value != Value::Bool(false)));
    entries.into_iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value))).collect()
}

/// Text that YAML reads as that text: in quotes, unless it is plain words.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '/' | '.' | '-' | '_');
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    // What old and new versions of YAML read as something else.
    let word =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    // A quantity such as `3 s` is text in all of them.
    let quantity = text.split_once(' ').is_some_and(|(number, unit)| {
        number.bytes().all(|b| b.is_ascii_digit()) && !unit.is_empty() && unit.bytes().all(|b| b.is_ascii_alphabetic())
    });
    if quantity || (begins && !word && !text.ends_with(' ') && text.chars().all(plain)) {
        text.to_owned()
    } else {
        // A string of JSON is one of YAML.
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{SourceFile, load};
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    fn device(more: Value) -> Device {
        let mut all = json!({"device": "acme/boom", "title": "Acme Boom", "roles": ["a2dp-sink"], "codecs": ["sbc"]});
        let Value::Object(more) = more else { panic!("a map is due") };
        all.as_object_mut().unwrap().extend(more);
        serde_json::from_value(all).unwrap()
    }

    fn read(text: &str) -> Device {
        let loaded = load(vec![SourceFile { path: "acme/boom.yaml".into(), bytes: text.as_bytes().to_vec() }]);
        assert_eq!(loaded.diagnostics, [], "{text}");
        loaded.library.devices["acme/boom"].value.clone()
    }

    #[rstest]
    #[case(json!({}))]
    #[case(json!({"firmware": {"1.0": {}, "1.10": {"codecs": ["sbc"]}, "on": {}}}))]
    #[case(json!({"boot": "3 s", "gestures": {"pairing-mode": {"press": [{"buttons": ["power", "volume-up"], "for": "5 s"}]}}}))]
    #[case(json!({"facts": {"codecs.other": {"mark": "unknown"}, "roles": {"mark": "known", "from": ["seen"], "on": "2026-11-30"}},
                  "sources": {"seen": "the lab: dongle #1, \"here\""}, "quirks": [{"says": "it hums", "mark": "estimate"}]}))]
    fn a_draft_reads_as_its_device(#[case] more: Value) {
        let device = device(more);
        assert_eq!(read(&Draft { device: device.clone(), battery: None }.text()), device);
    }

    #[rstest]
    #[case(None, false)]
    #[case(Some(true), true)]
    #[case(Some(false), true)]
    fn what_nobody_knows_of_a_battery_is_not_stated(#[case] battery: Option<bool>, #[case] stated: bool) {
        let text = Draft { device: device(json!({})), battery }.text();
        assert_eq!(text.contains("battery:"), stated);
        assert_eq!(read(&text).battery, battery.unwrap_or_default());
    }

    proptest! {
        #[test]
        fn any_text_stays_that_text(title in "[ -~äöü♪]{1,30}", name in "[ -~]{1,12}") {
            let device = device(json!({"title": title, "firmware": {name: {}}}));
            prop_assert_eq!(read(&Draft { device: device.clone(), battery: None }.text()), device);
        }
    }
}
