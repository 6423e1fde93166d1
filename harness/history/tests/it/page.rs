//! The page: whole without anything else, escaped, with words beside colours.

use std::fs;

use rigtone_history::page::{Links, html};
use rigtone_html::Look;
use rigtone_model::verdict::Verdict;
use rstest::rstest;
use serde_json::json;

use crate::sample::{Lab, Planted};

fn page(lab: &Lab) -> String {
    html(&lab.history(), &Links::from(&lab.runs().join("matrix.html")), &Look::default())
}

fn regression() -> Lab {
    let lab = Lab::new();
    for night in 0..20 {
        let held = if night < 10 { 59 } else { 48 };
        lab.run(&format!("night-{night:02}"), 30 - night, &[Planted::new(held, 60)]);
    }
    lab
}

/// The page without its own style and script: what is left came from runs.
fn body(page: &str) -> String {
    let mut rest = page.to_owned();
    for (begin, end) in [("<style>", "</style>"), ("<script>", "</script>")] {
        while let Some(from) = rest.find(begin) {
            let to = rest[from..].find(end).unwrap() + from + end.len();
            rest.replace_range(from..to, "");
        }
    }
    rest
}

#[test]
fn it_says_what_the_matrix_says_and_leads_to_the_trend_and_the_run() {
    let lab = regression();
    fs::write(lab.runs().join("night-19/report.html"), "").unwrap();
    let page = body(&page(&lab));
    for said in [
        "<span class=\"badge v-fail\"><span aria-hidden=\"true\">✗</span> fail</span>",
        "<a href=\"#t0\" aria-label=\"fail: trend of pairing/codec=sbc,source=phone-7.1,speaker=box-2.0#",
        "<span class=\"estimate\">80 % [72, 100], n 60</span>",
        "<a href=\"night-19/report.html\" title=\"night-19\">11 days ago</a>",
        "<a href=\"night-18/\"",
        "<th scope=\"row\" data-column=\"source\">maker/phone 7.1</th>",
        "<td class=\"points\" data-column=\"maker/box 2.0\" data-rank=\"0\">",
        "<div id=\"t0\" class=\"body\" tabindex=\"-1\">",
        "held in 98.3 % → 80 %",
        "1 point: 1 fresh, 0 stale, 0 without an answer",
    ] {
        assert!(page.contains(said), "`{said}` is not said:\n{page}");
    }
    assert_eq!(page.matches("<path class=\"change\"").count(), 1);
    assert_eq!((page.matches("class=\"run good\"").count(), page.matches("class=\"run bad\"").count()), (10, 10));
    assert_eq!(page.matches("class=\"sign ").count(), 0);
}

/// Five nights at 180 ms, then five in which the median never came: those failed worst.
#[test]
fn nights_in_which_a_time_never_came_are_drawn_and_named() {
    let lab = Lab::new();
    for night in 0..10 {
        let planted = if night < 5 { Planted::new(30, 30) } else { Planted::new(0, 30) };
        let planted = planted.measured("ms", (night < 5).then_some(180.0)).expected("`play` is heard within 220 ms");
        lab.run(&format!("night-{night:02}"), 20 - night, &[planted]);
    }
    let page = body(&page(&lab));
    assert_eq!((page.matches("class=\"run good\"").count(), page.matches("class=\"sign bad\"").count()), (5, 5));
    for said in [
        ": fail, never, held in 0 of 30</title>",
        ">✗</text>",
        "<text class=\"tick end\" x=\"53\" y=\"30\">never</text>",
        "10 runs, newest never, held in 0 of 30; change held in 100 % → 0 %, p ",
        "; 5 runs without a figure",
        ">held in 100 % → 0 %</text>",
        " ms</text>",
    ] {
        assert!(page.contains(said), "`{said}` is not said:\n{page}");
    }
    assert!(!page.contains("newest ;"), "{page}");
}

/// Neither `any:` nor `all:` has an estimate, and a time that never came in any night has none either.
#[rstest]
#[case::of_parts("")]
#[case::never_at_all("ms")]
fn a_series_without_estimates_shows_the_share_of_trials_in_which_it_held(#[case] unit: &str) {
    let lab = Lab::new();
    for night in 0..20 {
        let held = if night < 10 { 29 } else { 6 };
        lab.run(&format!("night-{night:02}"), 30 - night, &[Planted::new(held, 30).measured(unit, None)]);
    }
    let page = body(&page(&lab));
    assert_eq!((page.matches("class=\"run good\"").count(), page.matches("class=\"run bad\"").count()), (10, 10));
    assert_eq!((page.matches("<path class=\"change\"").count(), page.matches("class=\"sign ").count()), (1, 0));
    for said in [
        ", share of trials in which it held: 20 runs, newest 20 % [7.71, 38.6] at 95 %, n 30; change held in 96.7 % → 20 %",
        "<text class=\"tick end\" x=\"53\" y=\"30\">100 %</text>",
        ">held in 96.7 % → 20 %</text>",
    ] {
        assert!(page.contains(said), "`{said}` is not said:\n{page}");
    }
}

/// A night of which nothing is known has no figure and no place on the axis, and is there all the same.
#[test]
fn a_night_in_which_nothing_told_has_its_sign() {
    let lab = Lab::new();
    let unclear = Planted::new(0, 60).ambiguous(60).measured("dB", None).verdict(Verdict::Inconclusive);
    lab.run("a", 3, &[Planted::new(60, 60).measured("dB", Some(-3.0))]);
    lab.run("b", 2, &[Planted::new(60, 60).measured("dB", Some(-3.0))]);
    lab.run("c", 1, &[unclear]);
    let page = body(&page(&lab));
    for said in [
        ">no figure</text>",
        "class=\"sign open\"",
        ": inconclusive, no figure, held in 0 of 60, 60 do not tell</title>",
        "newest no figure, held in 0 of 60, 60 do not tell; no change; 1 run without a figure",
    ] {
        assert!(page.contains(said), "`{said}` is not said:\n{page}");
    }
}

#[test]
fn what_finds_no_room_is_counted() {
    let lab = Lab::new();
    let long = |number: usize| Planted { scenario: format!("{number:02}{}", "x".repeat(1900)), ..Planted::new(60, 60) };
    lab.run("a", 1, &(0..40).map(long).collect::<Vec<_>>());
    let page = page(&lab);
    let (_, left_out) = page.split_once("<h2>Left out to keep the page small</h2><p>").unwrap();
    let count = left_out.split(' ').next().unwrap().parse::<usize>().unwrap();
    assert!(left_out.starts_with(&format!("{count} scenarios in the filter are not on this page.")), "{count}");
    assert_eq!(page.matches("<option value=\"").count() - 1 + count, 40);
}

#[test]
fn it_needs_nothing_else_and_runs_only_its_own() {
    let page = page(&regression());
    assert!(page.contains("http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;;"));
    assert_eq!((page.matches("<script").count(), page.matches("&#39;sha256-").count()), (1, 3), "a script, two styles");
    assert!(!page.contains("unsafe-inline"));
    for never in ["http://", "https://", " src=", "@import", "url(", "javascript:", " style=\"", " onload="] {
        assert!(!page.contains(never), "`{never}` is in the page");
    }
}

#[test]
fn a_rig_without_real_devices_is_told_apart_by_words() {
    let lab = Lab::new();
    lab.run_in("sim", 1, &[Planted::new(60, 60)], &json!({"world": "simulated"}));
    assert!(page(&lab).contains("simulated rig: no real device; it proves nothing about one"));
}

#[test]
fn text_of_others_is_shown_and_never_obeyed() {
    let lab = Lab::new();
    let evil = "<script>alert(1)</script>\"'&\u{1b}[31m\u{202e}";
    lab.run_on(evil, "a", 2, &[Planted::new(60, 60).codec(evil).expected(evil)]);
    lab.run_on("lab", "b", 1, &[Planted::new(60, 60).codec(evil).expected(evil)]);
    let page = page(&lab);
    assert_eq!(page.matches("<script").count(), 1, "that of the page");
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
}

#[test]
fn every_tag_is_closed() {
    let lab = regression();
    lab.run_on("other", "other", 1, &[Planted::new(0, 0).codec("aac"), Planted::new(3, 60).speaker("box-2.1")]);
    lab.run("night-20", 0, &[Planted::new(0, 60).measured("", None)]);
    let page = body(&page(&lab));
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap();
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
        match tag {
            _ if tag.starts_with('!') => {}
            _ if ["br", "input", "link", "meta"].contains(&name) => {}
            _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(name)),
            _ => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn without_runs_it_says_so() {
    let lab = Lab::new();
    fs::create_dir_all(lab.runs()).unwrap();
    assert!(page(&lab).contains("There is no combination"));
}
