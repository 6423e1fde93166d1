//! The repository's own documents and schemas.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rigtone_model::{
    check::{Stimulus, Vocabulary, check, unmarked},
    diagnostic::{Diagnostic, render},
    document::{Expect, Kind, Step},
    load::{Loaded, load, read},
    observation::Quantity,
    schema,
};
use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn library() -> Loaded {
    let root = repository();
    let (files, faults) = read(&["scenarios", "devices", "rigs", "suites"].map(|folder| root.join(folder)));
    assert_eq!(faults, []);
    load(files)
}

/// `RIGTONE_BLESS=1` writes the schemas instead.
#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let folder = repository().join("reports/schemas");
    for (name, text) in schema::committed() {
        let path = folder.join(&name);
        if std::env::var_os("RIGTONE_BLESS").is_some() {
            fs::create_dir_all(&folder).and_then(|()| fs::write(&path, &text)).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "{name} differs from the types: run the test with RIGTONE_BLESS=1 and commit it");
    }
}

#[test]
fn every_document_of_the_repository_passes() {
    let loaded = library();
    assert!(loaded.sources.len() >= 12, "only {} documents found", loaded.sources.len());
    let mut found: Vec<Diagnostic> = loaded.diagnostics;
    // What each stimulus really carries is the runner's to know; `rigtone check` holds documents against that.
    let stimuli = ["smoke", "noise", "full"].map(|name| Stimulus { name, carries: Quantity::ALL });
    found.extend(check(&loaded.library, &Vocabulary { stimuli: &stimuli, rates: &[44_100, 48_000] }));
    found.extend(loaded.library.devices.values().flat_map(unmarked));
    assert!(found.is_empty(), "{}", render(&found, &loaded.sources, false));
}

#[test]
fn every_document_names_its_schema_in_its_first_line() {
    for source in library().sources {
        let text = String::from_utf8(source.bytes).unwrap();
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let relative = first.strip_prefix("# yaml-language-server: $schema=");
        let relative = relative.unwrap_or_else(|| panic!("{}: {first}", source.path.display()));
        let kind =
            lines.find(|line| !line.starts_with('#')).and_then(|line| line.split(':').next()).unwrap_or_default();
        assert!(
            relative.ends_with(&format!("reports/schemas/{kind}.schema.json")),
            "{}: {first}",
            source.path.display()
        );
        let target = source.path.parent().unwrap().join(relative);
        assert!(target.is_file(), "{} is not there", target.display());
    }
}

/// The five claims that the language was tried on.
#[test]
fn the_awkward_claims_are_scenarios() {
    let loaded = library();
    for claim in ["one-speaker", "route-split", "stale-cache", "idle-disconnect", "wake-accuracy"] {
        let scenario = &loaded.library.scenarios[claim].value;
        assert!(scenario.covers.contains(&format!("claim/{claim}")), "{claim}");
    }
}

/// Editors show descriptions; the loader explains with them.
#[test]
fn every_key_of_a_schema_is_described() {
    fn walk(schema: &Value, at: &str, missing: &mut Vec<String>) {
        for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let described = property.get("description").is_some() || property.get("$ref").is_some();
            if !described {
                missing.push(format!("{at}/{key}"));
            }
        }
        for (key, value) in schema.as_object().into_iter().flatten() {
            walk(value, &format!("{at}/{key}"), missing);
        }
    }
    for kind in Kind::ALL {
        let mut missing = Vec::new();
        walk(schema::schema(kind), kind.key(), &mut missing);
        assert_eq!(missing, Vec::<String>::new());
    }
}

/// What a schema offers and what the types read are the same words.
#[test]
fn the_schema_has_every_action_and_every_expectation() {
    let scenario = schema::schema(Kind::Scenario);
    let exclusive = |name: &str| {
        let properties = scenario["$defs"][name]["properties"].as_object().unwrap();
        let mut keys: Vec<&str> =
            properties.iter().filter(|(_, p)| p.get("x-beside").is_none()).map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        keys
    };
    let sorted = |names: &[&'static str]| {
        let mut names = names.to_vec();
        names.sort_unstable();
        names
    };
    assert_eq!(exclusive("Step"), sorted(Step::ACTIONS));
    assert_eq!(exclusive("Expect"), sorted(Expect::KINDS));
}
