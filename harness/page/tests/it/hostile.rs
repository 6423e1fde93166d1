//! Text of devices, drivers and documents stays text.

use proptest::prelude::*;
use rstest::rstest;

use crate::world::{Run, id};

/// The page of a run in which everything that is anybody's text is this one.
fn page_with(text: &str) -> String {
    let mut run = Run::new(&[text]);
    let combination = id(text);
    run.trial(&combination, 1, Ok(100.0));
    run.trial(&combination, 2, Err(text));
    run.event(0, None, "checked", serde_json::json!({"member": text, "finding": text, "ok": false}));
    run.event(0, None, "warning", serde_json::json!({"text": text}));
    run.event(0, Some((&combination, 3, None)), "trial-started", serde_json::Value::Null);
    run.evidence(&combination, 3, text, 1);
    run.event(
        1,
        Some((&combination, 3, None)),
        "trial-finished",
        serde_json::json!({"outcome": {"lost": {"member": text, "what": text, "hint": null}}}),
    );
    run.event(2, None, text, serde_json::json!({}));
    run.verdicts(&[(&combination, "fail", 2)]);
    run.end();
    run.page().html
}

/// Tags of a page, without what stands between them.
fn tags(html: &str) -> usize {
    html.matches('<').count()
}

#[rstest]
#[case("<script>alert(1)</script>")]
#[case("\"><img src=x onerror=alert(1)>")]
#[case("' onmouseover='alert(1)")]
#[case("</style><script>alert(1)</script>")]
#[case("javascript:alert(1)")]
#[case("]]><!--")]
fn markup_in_a_name_is_shown_and_does_nothing(#[case] text: &str) {
    let (plain, hostile) = (page_with("plain"), page_with(text));
    assert_eq!(tags(&plain), tags(&hostile), "as many tags as with a plain name");
    assert!(!hostile.contains("<img") && !hostile.contains("href=\"javascript:"));
    assert_eq!(hostile.matches("<script").count(), 1);
}

#[test]
fn control_characters_and_turned_text_are_gone() {
    let html = page_with("a\u{202e}b\u{1b}[31mc\u{7}");
    assert!(!html.contains(['\u{202e}', '\u{1b}', '\u{7}']));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn no_text_adds_a_tag(text in "[<>&\"'/=a-z ,#\\-]{1,24}") {
        let begins_none = text.replace(['<', '>', '&', '"', '\''], "x");
        let (plain, hostile) = (page_with(&begins_none), page_with(&text));
        prop_assert_eq!(tags(&plain), tags(&hostile));
        prop_assert_eq!(plain.matches('"').count(), hostile.matches('"').count());
    }
}
