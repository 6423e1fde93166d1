//! `rigtone compare`, and `rigtone judge` with other limits.

use std::fs;

use rstest::rstest;
use serde_json::Value;

use crate::user::{Home, keeps_to};

/// Two runs of the latency and presence of one speaker; in the second its latency is another.
fn two_runs(latency: &str) -> Home {
    let home = Home::new();
    let run = |out: &str, seed: &str| {
        let select = ["--select", "scenario=playback-heard", "--select", "speaker=charge-5-fw110"];
        home.rigtone(&[&["run", "--out", out, "--seed", seed][..], &select].concat());
    };
    run("before", "1");
    let rig = home.changed("rigs/simulated.yaml", "latency: {sbc: 190 ms, aac: 135 ms}", latency);
    home.write("rigs/simulated.yaml", &rig);
    run("after", "2");
    home
}

fn questions(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let questions = report["questions"].as_array().unwrap();
    questions.iter().map(|q| (text(&q["title"]), text(&q["answer"]))).collect()
}

#[rstest]
#[case::slower("latency: {sbc: 215 ms}", "worse", 10)]
#[case::faster("latency: {sbc: 150 ms}", "better", 11)]
fn what_became_of_a_speaker_is_said_for_each_expectation(
    #[case] latency: &str,
    #[case] answer: &str,
    #[case] code: i32,
) {
    let home = two_runs(latency);
    let report = home.rigtone(&["compare", "before", "after", "--json"]).with_code(code).json();
    assert_eq!((&report["schema"], &report["first"]), (&Value::from("1.0"), &Value::from("before")));
    keeps_to("comparison.schema.json", &report);
    let latencies: Vec<_> = questions(&report).into_iter().filter(|(title, _)| title == "latency of play").collect();
    assert_eq!(latencies.len(), 2, "{report:#}");
    assert!(latencies.iter().all(|(_, found)| found == answer), "{report:#}");
    // Both were heard always: with five trials each that is not shown to be the same.
    let heard = questions(&report).into_iter().filter(|(title, _)| title == "audio of play");
    assert!(heard.into_iter().all(|(_, found)| found == "cannot-tell"));
    home.rigtone(&["compare", "before", "after"]).says(&[answer, "latency of play", "95 % confidence", "n = 5"]);
    // What is smaller than matters is the same.
    let report = home
        .rigtone(&["compare", "before", "after", "--margin", "100 ms", "--margin", "80 %", "--json"])
        .with_code(0)
        .json();
    assert!(questions(&report).iter().all(|(_, found)| found == "same"), "{report:#}");
}

#[test]
fn two_firmware_versions_of_one_run_are_compared() {
    let home = Home::new();
    home.rigtone(&["run", "--out", "run", "--select", "speaker=charge-5-*", "--select", "scenario=pairing-cold-start"]);
    let report = home
        .rigtone(&["compare", "run", "--by", "speaker.firmware", "--between", "1.0.6", "1.1.0", "--json"])
        .with_code(0)
        .json();
    // One pairing attempt in three succeeds with the old one: 8 of 10 beside 35 of 35 are 45 of 990 ways, p = 0.045, and the last question of two.
    assert!(questions(&report).contains(&("success-rate of pair".into(), "better".into())), "{report:#}");
    assert_eq!(report["questions"][0]["first"]["n"], 10);
}

/// Trials that are asked for are more than did not show it, and as many as the test that is named needs among so many questions.
#[test]
fn what_is_needed_shows_what_was_seen() {
    let home = Home::new();
    home.rigtone(&["run", "--out", "run", "--select", "speaker=srs-xb33-*"]);
    let by = ["compare", "run", "--by", "speaker.firmware", "--between", "2.1.0", "2.1.1"];
    let report = home.rigtone(&[&by[..], &["--json"]].concat()).with_code(11).json();
    let questions = report["questions"].as_array().unwrap();
    let level = 0.05 / questions.len() as f64;
    let divisions = |n: u32| (1..=n).map(|k| f64::from(n + k) / f64::from(k)).product::<f64>();
    let mut opposed = 0;
    for question in questions {
        let needed = question["needed"].as_u64();
        let of = |side: &str, what: &str| question[side][what].as_f64();
        assert!(needed.is_none_or(|needed| needed as f64 > of("first", "n").unwrap()), "{question:#}");
        // The old firmware is silent, the new one is heard.
        if question["unit"] == "%" && (of("first", "estimate"), of("second", "estimate")) == (Some(0.0), Some(1.0)) {
            let p = |n: u32| match question["method"].as_str() {
                Some("fisher") => 2.0 / divisions(n),
                _ => 2.0 * 0.5f64.powi(n as i32),
            };
            assert_eq!(needed, (1..).find(|n| p(*n) <= level).map(u64::from), "{question:#}");
            opposed += 1;
        }
    }
    assert!(opposed > 0, "{report:#}");
    home.rigtone(&by).with_code(11).says(&["trials would show it with 80 %, at p = 0.0", "5 % for all "]);
}

/// A speaker that was never heard has no latency, and not the same one as before.
#[test]
fn what_never_came_is_not_the_same() {
    let home = Home::new();
    for (out, seed) in [("before", "1"), ("after", "2")] {
        let select = ["--select", "scenario=playback-heard", "--select", "speaker=srs-xb33-fw210"];
        home.rigtone(&[&["run", "--out", out, "--seed", seed][..], &select].concat());
    }
    let compare = ["compare", "before", "after", "--margin", "10 ms"];
    let report = home.rigtone(&[&compare[..], &["--json"]].concat()).with_code(11).json();
    keeps_to("comparison.schema.json", &report);
    let latencies: Vec<_> = questions(&report).into_iter().filter(|(title, _)| title == "latency of play").collect();
    assert!(!latencies.is_empty() && latencies.iter().all(|(_, found)| found == "cannot-tell"), "{report:#}");
    home.rigtone(&compare).says(&["never (n = 5) -> never (n = 5): no figure", "never on both sides: "]);
}

/// A choice that nothing matches is named, and not what is missing for want of it.
#[test]
fn a_selector_that_chooses_nothing_is_named() {
    let home = Home::new();
    let some = ["--select", "scenario=playback-heard", "--select", "speaker=charge-5-fw110"];
    home.rigtone(&[&["run", "--out", "run"][..], &some].concat());
    home.rigtone(&["run", "--out", "other", "--select", "scenario=playback-heard"]);
    let cases: [(&[&str], &str); 3] = [
        (
            &["compare", "run", "--by", "codec", "--select", "speaker=nope"],
            "nothing that was run matches `speaker=nope`",
        ),
        (&["compare", "run", "other", "--select", "speaker=nope"], "nothing that was run matches `speaker=nope`"),
        (&["compare", "run", "other", "--select", "speaker=srs-*"], "nothing of run matches `speaker=srs-*`"),
    ];
    for (compare, said) in cases {
        home.rigtone(compare).with_code(3).says(&[said, "stands for anything"]);
    }
}

/// Copies and merged runs hold trials that were counted already.
#[test]
fn no_trial_is_compared_twice() {
    let home = Home::new();
    home.rigtone(&["run", "--out", "run", "--select", "speaker=charge-5-*", "--select", "scenario=pairing-cold-start"]);
    home.rigtone(&["merge", "run", "--out", "merged"]);
    home.rigtone(&["merge", "merged", "--out", "again"]);
    fs::create_dir(home.path("copy")).unwrap();
    for name in ["plan.json", "events.jsonl"] {
        fs::copy(home.path("run").join(name), home.path("copy").join(name)).unwrap();
    }
    let by = ["--by", "speaker.firmware", "--between", "1.0.6", "1.1.0"];
    for pair in [["run", "copy"], ["run", "merged"], ["merged", "again"], ["again", "copy"]] {
        let done = home.rigtone(&[&["compare"][..], &pair, &by].concat());
        done.with_code(2).says(&["both hold the trials of the run `", "count once"]);
    }
}

/// What failed last night and fails tonight is no news; what did not is.
#[test]
fn a_run_is_judged_beside_an_earlier_one() {
    let home = Home::new();
    let select = ["--select", "scenario=pairing-cold-start", "--select", "speaker=charge-5-*"];
    home.rigtone(&[&["run", "--out", "before"][..], &select].concat()).with_code(10);
    let rig = home.changed("rigs/simulated.yaml", "latency: {sbc: 190 ms, aac: 135 ms}", "pairing: 5 %");
    home.write("rigs/simulated.yaml", &rig);
    home.rigtone(&[&["run", "--out", "after"][..], &select].concat()).with_code(10);
    let done = home.rigtone(&["judge", "after", "--baseline", "before"]).with_code(10);
    done.says(&["beside before:", "still failing", "new failure", "2 new failures"]);
    home.rigtone(&["judge", "after", "--baseline", "after"]).says(&["still failing", "0 new failures"]);
    home.rigtone(&["judge", "after", "--baseline", "nowhere"]).with_code(2).says(&["nowhere"]);
}

#[rstest]
#[case(&["compare", "run"], &["two runs are compared", "--by condition"])]
#[case(&["compare", "run", "--by", "speaker"], &["values of `speaker`", "--between A B"])]
#[case(&["compare", "run", "--by", "codec"], &["two values of `codec`"])]
#[case(&["compare", "run", "--by", "speaker", "--between", "charge-5-fw106", "boom"], &["the value `boom`", "charge-5-fw110"])]
#[case(&["compare", "run", "nowhere"], &["nowhere"])]
#[case(&["compare", "run", "./run"], &["run and ./run both hold the trials of the run `", "count once"])]
#[case(&["compare", "run", "run", "--by", "speaker.firmware"], &["named twice", "count once"])]
#[case(&["compare", "run", "run", "--margin", "5"], &["no margin", "`5 %`"])]
#[case(&["compare", "run", "run", "--select", "speeker=x"], &["speeker", "did you mean `speaker`"])]
#[case(&["compare", "run", "run", "--confidence", "100 %"], &["confidence"])]
#[case(&["compare", "run", "run", "--between", "1", "2"], &["`--between` names two values", "--by condition"])]
#[case(&["compare", "run", "run", "--by", "run", "--between", "1", "2"], &["`--between` names two values"])]
#[case(&["compare", "run", "run", "--margin", "60 %", "--margin", "1 %"], &["`--margin` is given twice in `%`", "each unit"])]
#[case(&["compare", "run", "run", "--margin", "1 s", "--margin", "5 ms"], &["`--margin` is given twice in `ms`"])]
#[case(&["judge", "run", "--scenarios", "scenarios/sound"], &["none of these scenarios", "playback-heard"])]
#[case(&["judge", "run", "--scenarios", "none.yaml"], &["none.yaml"])]
fn wrong_usage_is_explained(#[case] arguments: &[&str], #[case] said: &[&str]) {
    let home = Home::new();
    home.rigtone(&["run", "--out", "run", "--select", "scenario=playback-heard"]);
    home.rigtone(arguments).with_code(2).says(said);
}

/// The same trials, another limit: what was late enough then is too late now; and what does something else is another scenario.
#[test]
fn a_run_is_judged_again_with_other_limits() {
    let home = Home::new();
    let file = "scenarios/starter/playback-heard.yaml";
    let select = ["--select", "scenario=playback-heard", "--select", "speaker=charge-5-*"];
    home.rigtone(&[&["run", "--out", "run"][..], &select].concat()).with_code(0);
    home.rigtone(&["judge", "run", "--scenarios", file]).with_code(0);
    home.write("changed/playback-heard.yaml", &home.changed(file, "at-most: 220 ms", "at-most: 100 ms"));
    home.rigtone(&["judge", "run", "--scenarios", "changed"]).with_code(10).says(&["late", "within 100 ms"]);
    // The run itself stays what it was.
    home.rigtone(&["judge", "run"]).with_code(0);
    home.write("changed/playback-heard.yaml", &home.changed(file, "signal: smoke", "signal: noise"));
    home.rigtone(&["judge", "run", "--scenarios", "changed"])
        .with_code(2)
        .says(&["does something else", "run it anew"]);
    home.write("changed/playback-heard.yaml", &home.changed(file, "at-most: 220 ms", "at-most: 220"));
    home.rigtone(&["judge", "run", "--scenarios", "changed"]).with_code(2).says(&["missing-unit"]);
}

/// A run that was killed while it wrote is compared by what it has, and that is said.
#[test]
fn the_last_line_of_a_killed_run_is_named() {
    let home = two_runs("latency: {sbc: 215 ms}");
    let log = home.path("after/events.jsonl");
    let mut torn = fs::read(&log).unwrap();
    torn.extend_from_slice(b"{\"seq\":");
    fs::write(&log, torn).unwrap();
    home.rigtone(&["compare", "before", "after"]).says(&["warning: ", "events.jsonl"]);
}
