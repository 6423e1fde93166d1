//! A page keeps its size whatever the run holds.

use std::fs;

use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{Run, codes, id};

/// A document of a run, changed.
fn edit(run: &Run, name: &str, change: impl FnOnce(&mut Value)) {
    let text = fs::read_to_string(run.path().join(name)).expect("a file");
    let mut document: Value = serde_json::from_str(&text).expect("JSON");
    change(&mut document);
    run.write(name, document.to_string());
}

fn long_warnings(run: &mut Run) {
    for n in 0..40 {
        run.event(n, None, "warning", json!({"text": "w".repeat(900_000)}));
    }
}

fn long_findings(run: &mut Run) {
    for n in 0..100 {
        let text = format!("{n} {}", "<".repeat(5000));
        run.event(n, None, "checked", json!({"member": text, "finding": text, "ok": false}));
    }
}

fn long_troubles(run: &mut Run) {
    for n in 0..100 {
        run.event(n, None, "benched", json!({"member": "relay", "why": format!("{n} {}", "&".repeat(5000))}));
    }
}

fn a_long_environment(run: &mut Run) {
    let long = vec!["\"".repeat(100_000); 60];
    edit(run, "environment.json", |document| (document["kernel"], document["bluez"]) = (json!(long), json!(long)));
}

fn a_long_title(run: &mut Run) {
    edit(run, "plan.json", |document| {
        document["plan"]["scenarios"][0]["document"]["title"] = "t".repeat(5_000_000).into();
    });
}

fn many_expectations(run: &mut Run) {
    edit(run, "verdicts.json", |document| {
        let expectations = &mut document["combinations"][0]["expectations"];
        expectations[0]["seen"] = "s".repeat(1900).into();
        *expectations = vec![expectations[0].clone(); 3000].into();
    });
}

fn many_axes(run: &mut Run) {
    edit(run, "plan.json", |document| {
        let axes = document["plan"]["combinations"][0]["axes"].as_array_mut().expect("axes");
        axes.extend((0..3000).map(|n| json!([format!("axis-{n}"), {"value": "v".repeat(1900)}])));
    });
}

#[rstest]
#[case(long_warnings, "the rest of 40 texts of more than 2000 characters are not on this page")]
#[case(long_findings, "notes of the rig, the rest of")]
#[case(long_troubles, "notes of the rig, the rest of")]
#[case(a_long_environment, "the rest of 2 texts of more than 2000 characters")]
#[case(a_long_title, "the rest of 1 text of more than 2000 characters")]
#[case(many_expectations, "the details of 1 combination")]
#[case(many_axes, "1 combination in the matrix, the details of 1 combination")]
fn whatever_is_long_a_page_stays_below_10_mb_and_says_what_it_leaves_out(
    #[case] change: fn(&mut Run),
    #[case] said: &str,
) {
    let mut run = Run::new(&["good", "other"]);
    for name in ["good", "other"] {
        run.trial(&id(name), 1, Ok(100.0));
    }
    run.verdicts(&[(&id("good"), "pass", 1), (&id("other"), "pass", 1)]);
    change(&mut run);
    run.end();
    let page = run.page();
    assert!(page.html.len() < 10_000_000, "{}", page.html.len());
    assert!(codes(&page).contains(&"room") && page.html.contains(said), "{:?}", page.shortcomings.last());
    // The rest has its place.
    assert!(page.html.contains("speaker other") && page.html.contains("id=\"matrix\""));
}

#[test]
fn many_combinations_that_fail_with_long_words_stay_below_10_mb_and_it_is_said() {
    let speakers: Vec<String> = (0..4000).map(|n| format!("speaker-{n:04}-{}", "long".repeat(20))).collect();
    let names: Vec<&str> = speakers.iter().map(String::as_str).collect();
    let mut run = Run::new(&names);
    let words = "words ".repeat(200);
    for name in &names {
        for trial in 1..=2 {
            run.trial(&id(name), trial, Err(&words));
        }
    }
    run.end();
    let ids: Vec<String> = names.iter().map(|name| id(name)).collect();
    let verdicts: Vec<(&str, &str, u32)> = ids.iter().map(|id| (id.as_str(), "fail", 2)).collect();
    run.verdicts(&verdicts);
    let page = run.page();
    assert!(page.html.len() < 10_000_000, "{}", page.html.len());
    assert_eq!(codes(&page), ["room"]);
    assert!(page.html.contains("data-shortcoming=\"room\""));
}
