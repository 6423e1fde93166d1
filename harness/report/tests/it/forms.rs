//! The published forms of JSON: what is written keeps to them, and they know all that is written.

use std::{collections::BTreeMap, env, fs};

use rigtone_report::{
    baseline::Baseline,
    exit::InconclusivePolicy,
    json::{
        self,
        form::{Results, Verdicts, schemas},
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::sample::{PASS, REPORTS, plan, verdicts};

/// `RIGTONE_BLESS=1` writes the schemas instead.
#[test]
fn the_committed_schemas_are_those_of_the_forms() {
    for (name, text) in schemas() {
        let path = format!("{REPORTS}/schemas/{name}");
        if env::var_os("RIGTONE_BLESS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "{name} differs from the types: run the test with RIGTONE_BLESS=1 and commit it");
    }
}

/// With everything in it that may be left out.
fn full() -> (Value, Value) {
    let mut run = verdicts();
    run.interrupted = Some("SIGINT".into());
    let combination = &mut run.combinations[1];
    combination.quarantined = Some(rigtone_model::document::Quarantined {
        select: vec!["speaker=flip-*".parse().unwrap()],
        reason: "known".into(),
        owner: "lab".into(),
        expires: "2027-01-31".into(),
    });
    let part = combination.expectations[0].clone();
    combination.expectations[0].parts = vec![part];
    combination.expectations[0].beside = Some(PASS.into());
    combination.expectations[0].unstable = Some("sessions differ".into());
    let baseline = Baseline::of(&run, &verdicts(), "runs/last".into());
    let missing = ["verdicts.json is not there".to_owned()];
    let paths = BTreeMap::from([("junit".to_owned(), "runs/1/junit.xml".to_owned())]);
    let results = json::results(&run, &plan(), InconclusivePolicy::AsError, &paths, &missing, Some(&baseline));
    (results, serde_json::to_value(&run).unwrap())
}

/// A field that the form does not know would be lost on the way.
#[track_caller]
fn survives<T: Serialize + DeserializeOwned>(document: &Value) {
    let read: T = serde_json::from_value(document.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), *document);
}

#[test]
fn the_forms_know_every_field_that_is_written() {
    let (results, verdicts) = full();
    survives::<Results>(&results);
    survives::<Verdicts>(&verdicts);
}

#[test]
fn what_is_written_keeps_to_its_schema_and_what_is_wrong_does_not() {
    let (results, verdicts) = full();
    for ((name, schema), document) in schemas().into_iter().zip([results, verdicts]) {
        let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
        let faults: Vec<String> = validator.iter_errors(&document).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{name}");
        let mut wrong = document;
        wrong["combinations"][0]["verdict"] = "passed".into();
        assert!(!validator.is_valid(&wrong), "{name}");
    }
}
