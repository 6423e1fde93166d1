//! The marks of a device's facts: each is of something that is stated, or of something that is not and nobody knows.

use std::str::FromStr;

use super::{dangling, unknown};
use crate::{
    claim,
    diagnostic::{Code, Diagnostic},
    document::{Codec, Device, Mark, PowerKind, Role, ServiceProfile, day_number},
    load::Entry,
};

/// Whatever a list does not name: it can be marked as unknown.
const OTHER: &str = "other";
/// A firmware of this name says itself that nobody knows its version.
const UNKNOWN_FIRMWARE: &str = "unknown";

/// A fact that a document states.
struct Stated {
    /// As `facts` names it.
    name: String,
    /// Where it stands.
    at: Vec<String>,
}

/// What a document states, in the order of the keys.
fn stated(entry: &Entry<Device>) -> Vec<Stated> {
    let mut found = Vec::new();
    for key in Device::fact_keys() {
        let Some(field) = entry.tree.root.entry(key) else { continue };
        let mut add = |name: String, at: &[&str]| {
            found.push(Stated { name, at: at.iter().map(|&part| part.to_owned()).collect() });
        };
        let (fields, items) = (field.node.entries(), field.node.items());
        for part in fields.iter().filter(|part| has_parts(key) && (key != "firmware" || part.key != UNKNOWN_FIRMWARE)) {
            add(format!("{key}.{}", part.key), &[key, &part.key]);
        }
        for (n, item) in items.iter().enumerate() {
            if let Some(word) = item.to_json().as_str() {
                add(format!("{key}.{word}"), &[key, &n.to_string()]);
            }
        }
        if !has_parts(key) {
            add(key.to_owned(), &[key]);
        }
    }
    found
}

fn has_parts(key: &str) -> bool {
    matches!(key, "roles" | "profiles" | "codecs" | "gestures" | "prompts" | "settings" | "firmware")
}

/// Whether something of that name could stand below the key.
fn could_be(key: &str, part: &str) -> bool {
    part == OTHER
        || match key {
            "roles" => Role::from_str(part).is_ok(),
            "profiles" => ServiceProfile::from_str(part).is_ok(),
            "codecs" => Codec::from_str(part).is_ok(),
            key => has_parts(key),
        }
}

pub(super) fn check(entry: &Entry<Device>, faults: &mut Vec<Diagnostic>) {
    let device = &entry.value;
    if device.power == Some(PowerKind::Cells) && !device.battery {
        let message = "it runs on cells, and does not go on from a battery".to_owned();
        let fault = entry.diagnostic(Code::UnfitValue, &["power"], message);
        faults.push(fault.suggest("write `battery: true`: what no relay cuts goes on"));
    }
    for (n, role) in device.roles.iter().enumerate() {
        let offered = device.profiles.is_empty() || device.profiles.iter().any(|p| p.as_str() == role.as_str());
        if !offered {
            let message = format!("it has the role `{role}`, and its profiles lack it");
            let fault = entry.diagnostic(Code::UnfitValue, &["roles", &n.to_string()], message);
            faults
                .push(fault.suggest(format!("add `{role}` to `profiles`, which are all of them, or delete the role")));
        }
    }
    let stated = stated(entry);
    for (name, fact) in &device.facts {
        let (key, part) = name.split_once('.').map_or((&**name, None), |(key, part)| (key, Some(part)));
        if !Device::fact_keys().any(|known| known == key) {
            let known: Vec<&str> = Device::fact_keys().collect();
            faults.push(dangling(entry, &["facts", name], "fact", key, &known));
            continue;
        }
        if part.is_some_and(|part| !could_be(key, part)) {
            let message = format!("`{}` is nothing that can stand in `{key}`", part.unwrap_or_default());
            let fault = entry.diagnostic(Code::WrongReference, &["facts", name], message);
            faults.push(fault.suggest(format!("name what stands in `{key}`, or mark `{key}` as a whole")));
            continue;
        }
        let is_stated = stated.iter().any(|fact| fact.name == *name || (part.is_none() && fact.at[0] == *key));
        match (fact.mark, is_stated) {
            (Mark::Unknown, true) => {
                let message = format!("the document states `{name}`, and marks it as unknown");
                let fault = entry.diagnostic(Code::UnfitValue, &["facts", name, "mark"], message);
                faults.push(fault.suggest("delete what nobody knows, or mark it as known, claimed or estimate"));
            }
            (Mark::Known | Mark::Claimed | Mark::Estimate, false) => {
                let message = format!("the document does not state `{name}`");
                let fault = entry.diagnostic(Code::DanglingReference, &["facts", name], message);
                faults.push(fault.suggest("state it, or delete its mark; what nobody knows is `mark: unknown`"));
            }
            _ => {}
        }
        source(entry, &["facts", name], fact.mark, &fact.from, fact.on.as_deref(), faults);
    }
    for (n, quirk) in device.quirks.iter().enumerate() {
        source(entry, &["quirks", &n.to_string()], quirk.mark, &quirk.from, quirk.on.as_deref(), faults);
    }
}

/// Who says it, and when it was seen.
fn source(
    entry: &Entry<Device>,
    path: &[&str],
    mark: Mark,
    from: &[String],
    on: Option<&str>,
    faults: &mut Vec<Diagnostic>,
) {
    if matches!(mark, Mark::Known | Mark::Claimed) && from.is_empty() {
        let message = format!("it is marked as {mark}, and nothing says by whom");
        let fault = entry.diagnostic(Code::Incomplete, &[path, &["mark"]].concat(), message);
        faults.push(fault.suggest("add `from` with a claim or with a name of `sources`"));
    }
    for (n, name) in from.iter().enumerate() {
        let n = n.to_string();
        let path = [path, &["from", &n]].concat();
        if name.starts_with("claim/") {
            if !claim::IDS.contains(&name.as_str()) {
                faults.push(unknown(entry, Code::UnknownClaim, &path, "claim", name, claim::IDS));
            }
        } else if !entry.value.sources.contains_key(name) {
            let known: Vec<&str> = entry.value.sources.keys().map(String::as_str).collect();
            faults.push(dangling(entry, &path, "source", name, &known));
        }
    }
    if let Some(day) = on.filter(|day| day_number(day).is_none()) {
        let fault = entry.diagnostic(Code::UnfitValue, &[path, &["on"]].concat(), format!("there is no day `{day}`"));
        faults.push(fault.suggest("write a day such as `2026-11-01`"));
    }
}

/// Facts without a mark: those who look after the document say how far they are to be trusted.
pub fn unmarked(entry: &Entry<Device>) -> Vec<Diagnostic> {
    let facts = &entry.value.facts;
    let bare =
        stated(entry).into_iter().filter(|fact| !facts.contains_key(&fact.name) && !facts.contains_key(&fact.at[0]));
    bare.map(|fact| {
        let name = &fact.name;
        let message = format!("nothing says how far `{name}` is to be trusted");
        let advice = format!("add `{name}: {{mark: known, from: [...]}}` to `facts`, or `claimed`, or `estimate`");
        entry.diagnostic(Code::UnmarkedFact, &fact.at, message).suggest(advice)
    })
    .collect()
}
