//! Suites: planned, run and checked by their documents.

use serde_json::Value;

use crate::user::Home;

const RIG: [&str; 2] = ["--rig", "rigs/claims/matrix-holds.yaml"];

fn reasons(plan: &Value) -> Vec<&str> {
    plan["plan"]["combinations"].as_array().unwrap().iter().filter_map(|c| c["skipped"].as_str()).collect()
}

/// 14 of the 32 combinations have no name: two brands with each of four versions, and a version with each of six brands.
#[test]
fn the_placeholders_of_the_guide_are_planned_as_skipped_on_a_rig_without_them() {
    let home = Home::new();
    let plan = home.rigtone(&["plan", "--suite", "suites/guide-matrix.yaml", "--json"]).with_code(0).json();
    let placeholders = reasons(&plan).iter().filter(|reason| reason.starts_with("placeholder: the guide")).count();
    assert_eq!(placeholders, 14);
    home.rigtone(&["plan", "--suite", "suites/guide-matrix.yaml"])
        .with_code(0)
        .says(&["speaker=brand-7", "placeholder: the guide counts 8 brands and names 6"]);
    let selected = ["plan", "--suite", "suites/guide-matrix.yaml", "--select", "device=placeholder/*", "--json"];
    assert_eq!(reasons(&home.rigtone(&selected).with_code(3).json()).len(), 8);
}

/// Where units stand for them, these are skipped for what they lack, and no combination stands there twice.
#[test]
fn a_unit_takes_the_place_of_its_placeholder() {
    let words = [&["plan", "--suite", "suites/guide-matrix.yaml", "--json"], &RIG[..]].concat();
    let plan = Home::new().rigtone(&words).with_code(0).json();
    assert_eq!(reasons(&plan).iter().filter(|reason| reason.starts_with("placeholder:")).count(), 0);
}

#[test]
fn a_run_of_a_suite_reports_its_placeholders_and_selects_as_it_says() {
    let home = Home::new();
    home.write(
        "suites/mine.yaml",
        "suite: mine\ntitle: Mine\nscenarios:\n  - path: scenarios/starter/playback-heard.yaml\n    select: [speaker=charge-5-fw110, source=echo-dot-5]\n  \
         - path: scenarios/roles/accepted-as-sink.yaml\n    select: [speaker=charge-5-fw110, source=echo-dot-5]\nplaceholders:\n  - scenario: playback-heard\n    \
         axes: {speaker: {devices: [placeholder/brand-8]}}\n    reason: nobody sells it\n",
    );
    let done = home.rigtone(&["run", "--suite", "suites/mine.yaml", "--out", "run"]);
    done.says(&["accepted-as-sink exercises behaviour of A2DP/SRC/SDP/BV-01-I, A2DP/SNK/SDP/BV-02-I", "no test case"]);
    let list = home.rigtone(&["report", "run", "--format", "list"]).out;
    let ids: Vec<&str> =
        list.lines().filter(|l| !l.starts_with(' ')).map(|l| l.split_whitespace().nth(1).unwrap()).collect();
    // In the order of the suite, which is not that of the files.
    let due = ["playback-heard/", "playback-heard/speaker=brand-8#", "accepted-as-sink/"];
    assert!(ids.len() == due.len() && ids.iter().zip(due).all(|(id, due)| id.starts_with(due)), "{list}");
    assert!(list.contains("skipped      playback-heard/speaker=brand-8#"));
    for format in ["terminal", "json", "junit", "markdown", "html"] {
        let shown = home.rigtone(&["report", "run", "--format", format]).out;
        assert!(shown.contains("nobody sells it"), "{format} tells why");
        assert!(shown.contains("A2DP/SRC/SDP/BV-01-I"), "{format} tells what was exercised");
    }
    let documents = &home.read_json("run/environment.json")["run"]["documents"];
    assert_eq!(documents["suite"]["id"], "mine");
}

#[test]
fn a_suite_that_leads_nowhere_is_refused_where_it_says_so() {
    let home = Home::new();
    home.write("suites/lost.yaml", "suite: lost\ntitle: Lost\nscenarios:\n  - path: scenarios/gone.yaml\n");
    for words in [&["check", "suites/lost.yaml"][..], &["plan", "--suite", "suites/lost.yaml"]] {
        home.rigtone(words).with_code(2).says(&["suites/lost.yaml:4:11", "there is no scenarios/gone.yaml"]);
    }
    home.rigtone(&["plan", "--suite", "scenarios/starter/playback-heard.yaml"])
        .with_code(2)
        .says(&["is not one suite"]);
    // The devices of a rig are beside the point.
    for option in ["--suite", "--quarantine"] {
        let done = home.rigtone(&["run", option, "rigs/simulated.yaml", "--out", "run"]).with_code(2);
        assert!(!done.err.contains("no device"), "{}", done.err);
        done.says(&[&format!("rigs/simulated.yaml is not one {}", &option[2..])]);
    }
    home.rigtone(&["plan", "scenarios/starter", "--suite", "suites/smoke.yaml"])
        .with_code(2)
        .says(&["cannot be used with"]);
}
