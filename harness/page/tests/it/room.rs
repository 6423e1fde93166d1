//! A page keeps its size whatever the run holds.

use crate::world::{Run, codes, id};

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
