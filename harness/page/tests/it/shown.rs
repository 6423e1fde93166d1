//! What a whole run shows.

use rigtone_html::{Look, Theme};
use rigtone_page::{Options, page};
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{Run, S, codes, id, id_under};

fn whole() -> Run {
    let mut run = Run::new(&["good", "bad"]);
    for trial in 1..=4 {
        run.trial(&id("good"), trial, Ok(100.0 + f64::from(trial)));
        run.trial(&id("bad"), trial, if trial == 1 { Ok(300.0) } else { Err("page timeout") });
    }
    run.end();
    run.verdicts(&[(&id("good"), "pass", 4), (&id("bad"), "fail", 4)]);
    run
}

#[test]
fn a_whole_run_lacks_nothing_and_shows_verdict_estimate_n_and_age() {
    let page = whole().page();
    assert_eq!(codes(&page), [""; 0]);
    for text in ["25 % [12.5, 50]", "n = 4", "47 h", "vendor/bad, firmware 1.0", "page timeout", "link-lost"] {
        assert!(page.html.contains(text), "{text}");
    }
    assert!(page.html.find("id=\"matrix\"") < page.html.find("id=\"combinations\""), "the matrix comes first");
}

#[test]
fn a_distribution_states_its_values_limit_and_uncertainty() {
    let html = whole().page().html;
    for text in ["n = 4; median 102 ms", "101 ms to 104 ms", "each value ± 1.5 ms", "at most 220 ms"] {
        assert!(html.contains(text), "{text}");
    }
    // What never came has its place behind what did, as the judge gives it one.
    assert!(
        html.contains("n = 4; median never; 300 ms to 300 ms; each value ± 1.5 ms or better; never came in 3 trials")
    );
}

/// A difference is asked of two sides: no trial of one of them fails it, as none does for the judge.
#[test]
fn what_a_difference_alone_misses_is_no_failed_trial() {
    let expect = json!([{"success-rate": {"of": "play", "at-least": "60 %", "confidence": "90 %"}}, {"difference":
        {"of": "presence", "in": "play", "between": ["as-it-was", "power-cycled"], "at-least": "20 %"}}]);
    let mut run = Run::under(&["as-it-was", "power-cycled"], "good", &expect);
    let as_it_was = id_under("as-it-was", "good");
    for trial in 1..=10 {
        run.silent(&as_it_was, trial);
    }
    run.end();
    run.verdicts(&[(&as_it_was, "pass", 10)]);
    let html = run.page().html;
    assert!(html.contains("n = 10: 10 held") && !html.contains("10 failed"));
    assert!(!html.contains("class=\"trial v-fail\"") && html.contains("class=\"trial v-pass\""));
}

fn latency(percentile: u32, at_most: &str) -> Value {
    json!({"in": "play", "percentile": percentile, "at-most": at_most, "confidence": "90 %"})
}

#[test]
fn a_chart_has_the_limit_of_its_own_condition() {
    let expect = json!([{"latency": latency(50, "150 ms"), "when": ["short"]},
        {"latency": latency(50, "220 ms"), "when": ["long"]}]);
    let mut run = Run::under(&["short", "long"], "good", &expect);
    run.trial(&id_under("long", "good"), 1, Ok(200.0));
    run.end();
    run.verdicts(&[(&id_under("long", "good"), "inconclusive", 1)]);
    let html = run.page().html;
    assert!(html.contains("at most 220 ms") && !html.contains("at most 150 ms"));
}

#[rstest]
#[case::side_by_side(json!([{"latency": latency(50, "150 ms")}, {"latency": latency(75, "220 ms")}]))]
#[case::together(json!([{"all": [{"latency": latency(50, "150 ms")}, {"latency": latency(75, "220 ms")}]}]))]
fn a_chart_has_every_limit_and_what_never_came(#[case] expect: Value) {
    let mut run = Run::under(&["short"], "good", &expect);
    let short = id_under("short", "good");
    for (trial, heard) in (1..).zip([Ok(100.0), Ok(120.0), Err("page timeout")]) {
        run.trial(&short, trial, heard);
    }
    run.end();
    run.verdicts(&[(&short, "inconclusive", 3)]);
    let html = run.page().html;
    assert_eq!(html.matches("class=\"limit\"").count(), 2);
    for text in [
        "at most 150 ms (50 %)",
        "at most 220 ms (75 %)",
        "asked for: at most 150 ms in 50 % of trials, at most 220 ms in 75 % of trials",
        "n = 3; median 120 ms; 100 ms to 120 ms",
        "never came in 1 trial;",
    ] {
        assert!(html.contains(text), "{text}");
    }
}

/// A level that must be reached is not reached by what was not heard.
#[test]
fn what_was_too_soft_to_measure_lies_below_every_level() {
    let expect = json!([{"measured": {"in": "play", "of": "level", "at-least": "-40 dBFS"}}]);
    let mut run = Run::under(&["short"], "good", &expect);
    let short = id_under("short", "good");
    for trial in 1..=3u32 {
        let (began, at) = (i64::from(trial) * 10 * S, Some((short.as_str(), trial, Some("play"))));
        run.event(began, Some((&short, trial, None)), "trial-started", Value::Null);
        run.event(began, at, "step-started", json!({"action": "play", "phase": "trial"}));
        let heard = trial == 1;
        let level = match heard {
            true => json!({"number": {"value": -30.0, "unit": "dBFS", "uncertainty": 0.5}}),
            false => json!({"inconclusive": {"reason": "nothing was heard"}}),
        };
        for (quantity, value) in [("presence", json!({"truth": heard})), ("level", level)] {
            run.event(began + S, at, "observed", json!({"of": "play", "quantity": quantity, "value": value}));
        }
        let finished = json!({"action": "play", "phase": "trial", "outcome": "done", "took_ns": S});
        run.event(began + S, at, "step-finished", finished);
        run.event(began + S, Some((&short, trial, None)), "trial-finished", json!({"outcome": "completed"}));
    }
    run.end();
    run.verdicts(&[(&short, "inconclusive", 3)]);
    let html = run.page().html;
    assert!(html.contains("n = 3; median never; -30 dBFS to -30 dBFS") && html.contains("never came in 2 trials;"));
}

#[test]
fn a_run_says_how_many_trials_gave_a_result_and_how_many_did_not() {
    let mut run = Run::new(&["good"]);
    let good = id("good");
    run.trial(&good, 1, Ok(100.0));
    run.trial(&good, 2, Err("page timeout"));
    let lost = json!({"lost": {"member": "dongle usb-1", "what": "is gone", "hint": null}});
    for (trial, outcome) in [(3, lost.clone()), (4, lost), (5, json!("cancelled"))] {
        run.event(0, Some((&good, trial, None)), "trial-started", Value::Null);
        run.event(S, Some((&good, trial, None)), "trial-finished", json!({"outcome": outcome}));
    }
    run.end();
    run.verdicts(&[(&good, "inconclusive", 2)]);
    let html = run.page().html;
    assert!(html.contains("2 with a result in 1 combination, 2 lost to the rig, 1 broken off"));
    // Each is told apart in the drawing of all of them, in words and by its shape.
    for sort in ["failed", "lost to the rig", "broken off", "held"] {
        assert!(html.contains(&format!("{sort}</text>")), "{sort}");
    }
    // Of what was broken off there is nothing to show.
    assert!(!html.contains("class=\"trial v-aborted\""));
}

#[rstest]
#[case::simulated(json!({"rig": {"world": "simulated"}}), Some("Simulated rig: no real device; it proves nothing about one."))]
#[case::merged(
    json!({"merged": [{"environment": {"rig": {"world": "simulated"}}}, {"environment": {"rig": {}}}]}),
    Some("Simulated rig: no real device; it proves nothing about one.")
)]
#[case::virtual_rig(
    json!({"rig": {"kernel": "6"}, "rig-kind": "virtual"}),
    Some("Virtual rig: real drivers, no real device; it proves nothing about one.")
)]
#[case::unknown(
    json!({"kernel": "6.1"}),
    Some("Unknown rig: the run does not say what it ran on; it proves nothing about a device.")
)]
#[case::hardware(json!({"rig": {"kernel": "6"}}), None)]
fn a_run_that_proves_nothing_of_a_real_device_says_so_beside_its_result(
    #[case] environment: Value,
    #[case] said: Option<&str>,
) {
    let run = whole();
    run.write("environment.json", environment.to_string());
    let html = run.page().html;
    let (result, matrix) = (html.find("id=\"summary\"").unwrap(), html.find("id=\"matrix\"").unwrap());
    match said {
        Some(said) => assert!(html[result..matrix].contains(&format!("<p class=\"notice\">{said}</p>"))),
        None => assert!(!html.contains("proves nothing")),
    }
    // The clock of a simulated world is not the calendar's.
    assert_eq!(html.contains("on the simulated clock"), said.is_some_and(|said| said.starts_with("Simulated")));
}

#[test]
fn a_wide_matrix_scrolls_in_a_box_of_its_own() {
    let html = whole().page().html;
    let scrolled = "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Compatibility matrix of heard\"><table class=\"matrix\">";
    assert!(html.contains(scrolled) && html.contains("</tbody></table></div></section>"));
}

#[test]
fn a_failed_trial_has_its_own_timeline_and_is_told_by_its_class() {
    let html = whole().page().html;
    assert!(html.contains("link-lost: page timeout"), "its words");
    // Two of a class are kept of a combination; the third is counted.
    assert_eq!(html.matches("class=\"trial v-fail\"").count(), 3, "late once, lost twice");
    assert!(html.contains("1 further trial failed"));
}

#[test]
fn nothing_is_fetched_and_only_what_is_ours_runs() {
    let html = whole().page().html;
    assert!(html.contains("default-src &#39;none&#39;") && !html.contains("unsafe-inline"));
    assert_eq!(html.matches("<script").count(), 1);
    for outside in ["src=\"http", "href=\"http", "src=\"//", "@import", "url("] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[test]
fn a_theme_stands_behind_our_style_and_its_hash_is_allowed() {
    let run = whole();
    run.write("events.jsonl", run.log());
    let theme = Theme::new(":root { --accent: #400080; }").unwrap();
    let title = Some("Speakers & <co>".to_owned());
    let look = Look { theme: Some(theme), title, logo: None };
    let options = Options { look, ..Options::default() };
    let html = page(run.path(), &options).unwrap().html;
    let (ours, theirs) = (html.find("--pass-edge"), html.find("--accent: #400080"));
    assert!(ours < theirs && theirs.is_some());
    assert_eq!(html.matches("&#39;sha256-").count(), 3, "two styles and a script");
    assert!(html.contains("<h1>Speakers &amp; &lt;co&gt;</h1>"));
}

#[test]
fn the_same_run_gives_the_same_page() {
    let run = whole();
    assert_eq!(run.page().html, run.page().html);
}
