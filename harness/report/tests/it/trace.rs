//! Traces, held against the rules of their format by `ci/oracles/trace.py`.

use std::process::Command;

use rigtone_model::{
    event::{Body, Event, Phase, TrialOutcome},
    plan::Plan,
    verdict::Verdict,
};
use rigtone_report::trace::write;
use serde_json::Value;

use crate::{
    log::{Log, log},
    sample::{FAIL, LOST, PASS, REPORTS, UNDECIDED, plan},
};

/// What a trace shows, after it was found right.
#[track_caller]
fn shown(plan: &Plan, events: Vec<Event>) -> Value {
    let missing = ["the log ends before its run does".to_owned()];
    let mut text = Vec::new();
    write("run-1", plan, &missing, events, &mut text).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trace.json");
    std::fs::write(&file, &text).unwrap();
    let script = format!("{REPORTS}/../ci/oracles/trace.py");
    let output = Command::new("python3").arg(script).arg(&file).output().expect("python3 is there: run ci/setup");
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
        panic!("{e}: {}\n{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&text))
    });
    assert_eq!(shown["faults"], serde_json::json!([]), "{}", String::from_utf8_lossy(&text));
    shown
}

/// The slices of that name on tracks whose name begins so: from, to in milliseconds, and how it ended.
fn slices(shown: &Value, track: &str, name: &str) -> Vec<(f64, f64, String)> {
    let of = |slice: &&Value| {
        let key = format!("{}.{}", slice[0], slice[1]);
        let on = shown["tracks"][&key].as_str().unwrap();
        on.starts_with(track) && (name.is_empty() || slice[2] == name)
    };
    let ms = |value: &Value| value.as_f64().unwrap() / 1000.0;
    let all = shown["slices"].as_array().unwrap().iter().filter(of);
    all.map(|s| (ms(&s[3]), ms(&s[4]), s[5]["outcome"].as_str().unwrap_or_default().to_owned())).collect()
}

#[test]
fn trials_steps_and_members_are_slices_from_their_beginning_to_their_end() {
    let mut plan = plan();
    for combination in &mut plan.combinations {
        combination.resources =
            ["airtime of lab", "dongle d", "microphone m"].map(Into::into).into_iter().collect::<Vec<_>>().into();
        if combination.id.as_str() != UNDECIDED {
            combination.resources =
                ["airtime of lab", "dongle e"].map(Into::into).into_iter().collect::<Vec<_>>().into();
        }
    }
    let shown = shown(&plan, log());
    assert_eq!(slices(&shown, "lane", &format!("{UNDECIDED} trial 1")), [(10.0, 2006.0, "completed".into())]);
    assert_eq!(slices(&shown, "lane", "power-cycle"), [(11.0, 15.0, "done".into())]);
    assert_eq!(slices(&shown, "lane", "play"), [(17.0, 2005.0, "done".into())]);
    // A step beside a step has a lane of its own; the lost trial ends both.
    assert_eq!(slices(&shown, "lane", "listen"), [(20.0, 22.0, "unfinished".into())]);
    assert_eq!(slices(&shown, "dongle d", "")[0].0, 10.0);
    assert_eq!(slices(&shown, "lane", &format!("{PASS} trial 1")), [(2007.0, 2009.0, "unfinished".into())]);
    // Two of them share the air for a while.
    assert_eq!(shown["counters"]["airtime of lab"], serde_json::json!([1.0, 2.0, 1.0, 0.0, 1.0, 0.0]));
    assert_eq!(shown["otherData"]["missing"][0], "the log ends before its run does");
}

#[test]
fn an_edge_stands_where_the_contact_moved_and_a_sound_flows_to_where_it_arrived() {
    let shown = shown(&plan(), log());
    let at = |name: &str| {
        let found = shown["instants"].as_array().unwrap().iter().find(|i| i[2] == name);
        found.unwrap_or_else(|| panic!("no {name}"))[3].as_f64().unwrap()
    };
    assert_eq!(at("on"), 12_345.678);
    assert_eq!((at("attempt"), at("benched")), (19_000.0, 23_000.0));
    assert_eq!(shown["flows"], serde_json::json!([[1_000_500.0, 1_182_750.0]]));
    assert_eq!(shown["counters"]["lost trials"], serde_json::json!([1.0]));
}

/// What the rig could not do has a verdict as much as what was decided; each combination counts once, by what it has now.
#[test]
fn a_combination_that_was_given_up_or_voided_is_marked_and_counted() {
    let (member, why) = (|| "dongle usb-1".to_owned(), || "it is gone".to_owned());
    let given_up = || Body::GivenUp { member: member(), why: why() };
    let mut log = Log::default();
    log.trial(1, (PASS, 1), None, Body::Decided { verdict: Verdict::Pass, n: 35 });
    log.trial(2, (LOST, 0), None, given_up());
    log.trial(3, (LOST, 0), None, given_up());
    log.trial(4, (FAIL, 0), None, given_up());
    // A run that went on had it after all.
    log.trial(5, (FAIL, 23), None, Body::Decided { verdict: Verdict::Fail, n: 23 });
    log.trial(6, (PASS, 0), None, Body::Voided { member: member(), why: why() });
    let shown = shown(&plan(), log.0);
    let names: Vec<&str> =
        shown["instants"].as_array().unwrap().iter().filter_map(|instant| instant[2].as_str()).collect();
    assert_eq!(names, ["decided: pass", "given up", "given up", "decided: fail", "voided"]);
    let counted = |verdict: &str| shown["counters"][format!("decided: {verdict}")].clone();
    assert_eq!(counted("pass"), serde_json::json!([1.0, 0.0]));
    assert_eq!(counted("infra-error"), serde_json::json!([1.0, 2.0, 1.0, 2.0]));
    assert_eq!(counted("fail"), serde_json::json!([1.0]));
}

/// On a simulated rig the clock begins anew: that a trial was discarded is told with the time 0, and it begins once more before it was cut off.
#[test]
fn what_was_cut_off_ends_where_the_log_was_and_the_rest_stands_behind_it() {
    let of = (PASS, 1);
    let mut log = Log::default();
    log.trial(100, of, None, Body::TrialStarted);
    log.step(101, of, "pair", Phase::Trial);
    log.whole(110, Body::Warning { text: "the last that is known".into() });
    log.whole(0, Body::RunResumed { rigtone: "0.1.0".into(), unix_s: 1_795_392_100, mended_bytes: 0 });
    log.trial(0, of, None, Body::TrialDiscarded { aside: None });
    log.trial(100, of, None, Body::TrialStarted);
    log.step(101, of, "pair", Phase::Trial);
    log.done(120, of, "pair", Phase::Trial);
    log.ends(121, of, TrialOutcome::Completed);
    let shown = shown(&plan(), log.0);
    let due = [(100.0, 110.0, "discarded".into()), (110.0, 121.0, "completed".into())];
    assert_eq!(slices(&shown, "lane", &format!("{PASS} trial 1")), due);
    assert_eq!(slices(&shown, "lane", "pair"), [(101.0, 110.0, "unfinished".into()), (110.0, 120.0, "done".into())]);
    let resumed = shown["instants"].as_array().unwrap().iter().find(|i| i[2] == "run resumed").unwrap();
    assert_eq!(resumed[3], 110_000.0);
}

#[test]
fn any_text_is_a_name() {
    let mut log = Log::default();
    let of = (PASS, 1);
    log.trial(0, of, None, Body::TrialStarted);
    for (at, text) in (1..).zip(["\"}],", "\u{1b}[2J", "\\", "\n", "", "\u{1f50a}\u{202e}", &"x".repeat(10_000)]) {
        log.step(at, of, text, Phase::Trial);
        log.done(at, of, text, Phase::Trial);
    }
    assert!(shown(&plan(), log.0)["slices"].as_array().unwrap().len() > 7);
}

#[test]
fn a_log_without_a_plan_has_lanes() {
    let mut none = plan();
    none.combinations.clear();
    assert_eq!(slices(&shown(&none, log()), "lane", "play").len(), 1);
}
