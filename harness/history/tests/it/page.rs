//! The page: whole without anything else, escaped, with words beside colours.

use rigtone_history::page::{Links, html};
use serde_json::json;

use crate::sample::{Lab, Planted};

fn page(lab: &Lab) -> String {
    html(&lab.history(), &Links::from(&lab.runs().join("matrix.html")))
}

fn regression() -> Lab {
    let lab = Lab::new();
    for night in 0..20 {
        let held = if night < 10 { 59 } else { 48 };
        lab.run(&format!("night-{night:02}"), 30 - night, &[Planted::new(held, 60)]);
    }
    lab
}

#[test]
fn it_says_what_the_matrix_says_and_leads_to_the_run() {
    let page = page(&regression());
    for said in [
        "<strong class=\"fail\">✗ fail</strong>, 80 % [72, 100], n 60",
        "<a href=\"night-19/\" title=\"night-19\">11 d</a>",
        "<th scope=\"row\">maker/phone 7.1</th>",
        "<td data-column=\"maker/box 2.0\">",
        "98.3 % → 80 %",
        "1 point: 1 fresh, 0 stale, 0 without an answer",
    ] {
        assert!(page.contains(said), "`{said}` is not said:\n{page}");
    }
    assert_eq!(page.matches("<line class=\"change\"").count(), 1);
    assert_eq!(page.matches("class=\"dot ").count(), 20);
}

#[test]
fn it_needs_nothing_else_and_runs_nothing() {
    let page = page(&regression());
    assert!(page.contains("http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"));
    for never in ["<script", "http://", "https://", " src=", "@import", "url(", "javascript:", " style=", " onload"] {
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
    lab.run("a", 2, &[Planted::new(60, 60).codec(evil).expected(evil)]);
    lab.run("b", 1, &[Planted::new(60, 60).codec(evil).expected(evil)]);
    let page = page(&lab);
    assert!(!page.contains("<script") && !page.contains('\u{1b}') && !page.contains('\u{202e}'));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
}

#[test]
fn every_tag_is_closed() {
    let lab = regression();
    lab.run("other", 1, &[Planted::new(0, 0).codec("aac"), Planted::new(3, 60).speaker("box-2.1")]);
    let page = page(&lab);
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap();
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
        match tag {
            _ if tag.starts_with('!') || tag.ends_with('/') => {}
            _ if ["meta", "br"].contains(&name) => {}
            _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(name)),
            _ => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn without_runs_it_says_so() {
    let lab = Lab::new();
    std::fs::create_dir_all(lab.runs()).unwrap();
    assert!(page(&lab).contains("There is no combination"));
}
