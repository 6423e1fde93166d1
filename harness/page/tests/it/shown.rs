//! What a whole run shows.

use crate::world::{Run, codes, id};
use rigtone_page::{Options, Theme, page};

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
    assert!(html.contains("never came in 3 trials"), "what never came is counted");
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
    run.write("events.jsonl", &run.log());
    let theme = Theme::new(":root { --accent: #400080; }").unwrap();
    let title = Some("Speakers & <co>".to_owned());
    let options = Options { theme: Some(theme), title, ..Options::default() };
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
