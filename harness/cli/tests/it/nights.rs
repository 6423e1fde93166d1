//! What a night needs beside the trials: parts that are joined, what failed run again, evidence within its bounds, a
//! disk that fills up.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use rstest::rstest;
use serde_json::Value;

use crate::user::Home;

const PLAYBACK: [&str; 4] = ["--select", "scenario=playback-heard", "--select", "speaker=*-fw*1*"];
const PAIRING: [&str; 6] =
    ["--select", "scenario=pairing-cold-start", "--select", "speaker=charge-5-*", "--select", "source=echo-dot-5"];

fn combinations(home: &Home, run: &str) -> BTreeMap<String, Value> {
    let verdicts = home.read_json(&format!("{run}/verdicts.json"));
    let all = verdicts["combinations"].as_array().unwrap().clone();
    all.into_iter().map(|c| (c["id"].as_str().unwrap().to_owned(), c)).collect()
}

fn ids(home: &Home, run: &str, verdicts: &[&str]) -> BTreeSet<String> {
    let of = |c: &Value| c["verdict"].as_str().is_some_and(|v| verdicts.contains(&v));
    combinations(home, run).into_iter().filter(|(_, c)| of(c)).map(|(id, _)| id).collect()
}

#[test]
fn parts_of_a_plan_are_joined_into_the_whole() {
    let home = Home::new();
    let whole = home.rigtone(&[&["run", "--out", "whole"], &PLAYBACK[..]].concat());
    for part in ["1", "2"] {
        let (partition, out) = (format!("hash:{part}/2"), format!("part-{part}"));
        home.rigtone(&[&["run", "--out", &out, "--partition", &partition], &PLAYBACK[..]].concat());
    }
    let (one, two) = (combinations(&home, "part-1"), combinations(&home, "part-2"));
    assert!(!one.is_empty() && !two.is_empty(), "both parts have something to do");
    home.rigtone(&["merge", "part-1", "part-2", "--out", "merged"]).with_code(whole.code);
    assert_eq!(combinations(&home, "merged"), combinations(&home, "whole"));
    // The merged run is a run like any other.
    home.rigtone(&["judge", "merged"]).with_code(whole.code);
    home.rigtone(&["report", "merged", "--format", "junit"]).with_code(whole.code);
    for combination in combinations(&home, "merged").values() {
        for file in combination["evidence"].as_array().unwrap() {
            assert!(home.path("merged").join(file.as_str().unwrap()).is_file(), "{file}");
        }
    }
    home.rigtone(&["merge", "part-2", "part-1", "--out", "other-way"]).with_code(whole.code);
    assert_eq!(combinations(&home, "other-way"), combinations(&home, "merged"));
}

/// The events of a run; those of the run as a whole are left out.
fn of_trials(home: &Home, run: &str) -> Vec<Value> {
    let log = fs::read_to_string(home.path(run).join("events.jsonl")).unwrap();
    let events = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| !event["kind"].as_str().unwrap().starts_with("run-")).collect()
}

/// All times on the rig's clock in an event; what the simulated world remembers is its own.
fn times(of: &Value) -> Vec<i64> {
    match of {
        Value::Array(all) => all.iter().flat_map(times).collect(),
        Value::Object(map) => {
            let is_time = |key: &str| matches!(key, "t_ns" | "sent_ns" | "acknowledged_ns");
            let of_key = |(key, value): (&String, &Value)| match value.as_i64().filter(|_| is_time(key)) {
                Some(time) => vec![time],
                None if key == "memory" => Vec::new(),
                None => times(value),
            };
            map.iter().flat_map(of_key).collect()
        }
        _ => Vec::new(),
    }
}

/// What was seen two nights ago was not seen today because somebody joined it with what came since.
#[test]
fn a_merged_run_is_as_old_as_its_parts() {
    const LATER_S: i64 = 2 * 86_400;
    let home = Home::new();
    for part in ["1", "2"] {
        let (partition, out) = (format!("hash:{part}/2"), format!("part-{part}"));
        home.rigtone(&[&["run", "--out", &out, "--partition", &partition], &PLAYBACK[..]].concat());
    }
    let started = |run: &str| {
        let log = fs::read_to_string(home.path(run).join("events.jsonl")).unwrap();
        let (first, rest) = log.split_once('\n').unwrap();
        (serde_json::from_str::<Value>(first).unwrap(), rest.to_owned())
    };
    let began =
        |event: &Value| event["payload"]["unix_s"].as_i64().unwrap() - event["t_ns"].as_i64().unwrap() / 1_000_000_000;
    let (mut first, rest) = started("part-1");
    first["payload"]["unix_s"] = (began(&first) - LATER_S).into();
    home.write("part-1/events.jsonl", &format!("{first}\n{rest}"));
    let (began, later_ns) = (began(&first), (began(&started("part-2").0) - began(&first)) * 1_000_000_000);
    assert!(later_ns >= LATER_S * 1_000_000_000);

    // In whichever order they are named.
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    home.rigtone(&["merge", "part-2", "part-1", "--out", "merged"]);
    let environment = home.read_json("merged/environment.json");
    assert_eq!(started("merged").0["payload"]["unix_s"], began);
    assert_eq!(environment["run"]["unix_s"], began, "{environment:#}");
    assert!(environment["merged_unix_s"].as_i64().unwrap() >= before, "{environment:#}");

    let (one, two, merged) = (of_trials(&home, "part-1"), of_trials(&home, "part-2"), of_trials(&home, "merged"));
    let due = one.iter().map(|event| (event, 0)).chain(two.iter().map(|event| (event, later_ns)));
    assert_eq!(merged.len(), one.len() + two.len());
    let mut several = 0;
    for (found, (event, later_ns)) in merged.iter().zip(due) {
        assert_eq!((&found["kind"], &found["combination"]), (&event["kind"], &event["combination"]));
        let late: Vec<i64> = times(event).into_iter().map(|time| time + later_ns).collect();
        assert_eq!(times(found), late, "{found}");
        several += usize::from(late.len() > 1);
    }
    assert!(several > 10, "recordings and emissions have times of their own");

    let written = time::OffsetDateTime::from_unix_timestamp(began).unwrap();
    let written = written.format(&time::format_description::well_known::Rfc3339).unwrap();
    let junit = fs::read_to_string(home.path("merged/junit.xml")).unwrap();
    assert!(junit.contains(&format!("timestamp=\"{written}\"")), "{written}: {junit:.400}");
    let page = fs::read_to_string(home.path("merged/report.html")).unwrap();
    assert!(page.contains(&format!("datetime=\"{written}\"")), "{written}");
    if cfg!(feature = "history") {
        assert_eq!(home.rigtone(&["history", "merged", "--json"]).with_code(0).json()["runs"][0]["unix_s"], began);
    }
}

/// Whoever cuts a plan of one combination into three has two empty parts, and merges all of them in the morning.
#[test]
fn an_empty_part_is_a_run_and_a_missing_one_is_named() {
    let home = Home::new();
    let one =
        ["--select", "scenario=playback-heard", "--select", "source=echo-dot-5", "--select", "speaker=charge-5-fw110"];
    let codes: Vec<i32> = (1..=3)
        .map(|part| {
            let (partition, out) = (format!("hash:{part}/3"), format!("part-{part}"));
            home.rigtone(&[&["run", "--out", &out, "--partition", &partition], &one[..]].concat()).code
        })
        .collect();
    assert_eq!(codes.iter().filter(|code| **code == 3).count(), 2, "{codes:?}");
    let whole = home.rigtone(&["merge", "part-1", "part-2", "part-3", "--out", "whole"]).with_code(0);
    assert!(!whole.err.contains("is not among them"), "{}", whole.err);
    assert_eq!(combinations(&home, "whole").len(), 1);
    let full = codes.iter().position(|code| *code == 0).unwrap() + 1;
    home.rigtone(&["merge", &format!("part-{full}"), "--out", "some"])
        .with_code(0)
        .says(&[&format!("warning: the part hash:{}/3 is not among them", full % 3 + 1)]);
}

/// What a lab has decided that no answer means does not depend on who looks at the run later.
#[test]
fn what_an_inconclusive_verdict_means_is_kept_with_the_run() {
    let home = Home::new();
    let open =
        ["--select", "scenario=playback-heard", "--select", "speaker=srs-xb33-fw211", "--select", "source=echo-dot-5"];
    home.rigtone(&[&["run", "--out", "run", "--inconclusive", "pass"], &open[..]].concat()).with_code(0);
    for words in
        [&["report", "run"][..], &["judge", "run"], &["run", "--resume", "run"], &["report", "run", "--format", "html"]]
    {
        home.rigtone(words).with_code(0);
    }
    if cfg!(feature = "history") {
        let history = home.rigtone(&["history", "run", "--json"]).with_code(0).json();
        assert_eq!(history["runs"][0]["exit_code"], 0, "{history:#}");
    }
    home.rigtone(&["report", "run", "--inconclusive", "error"]).with_code(11);
    home.rigtone(&["judge", "run", "--inconclusive", "fail"]).with_code(10);
    home.rigtone(&["merge", "run", "--out", "merged", "--inconclusive", "pass"]).with_code(0);
    home.rigtone(&["report", "merged"]).with_code(0);
}

/// Two sides of a difference are one question: whoever asks for one of them again gets both.
#[test]
fn both_sides_of_a_difference_run_again_together() {
    let home = Home::new();
    let pair = ["--select", "speaker=charge-5-fw106", "--select", "source=echo-dot-5"];
    let run = home.rigtone(&[&["run", "scenarios/rates", "--out", "run", "--json"], &pair[..]].concat()).with_code(0);
    let judged = home.rigtone(&["judge", "run", "--json"]).with_code(0);
    assert_eq!(run.json()["combinations"], judged.json()["combinations"]);
    let [first, second] = run.json()["combinations"].as_array().unwrap().clone().try_into().unwrap();
    let difference = &second["expectations"][0];
    assert_eq!((&difference["beside"], &difference["verdict"]), (&first["id"], &Value::from("pass")), "{difference}");
    assert_eq!(first["trials"], second["trials"], "both go on until it is decided");
    // Limits that so few trials do not tell: the second side alone is undecided.
    let plan = home.read_json("run/plan.json").to_string();
    home.write("run/plan.json", &plan.replace("-25 %", "-3 %").replace("25 %", "3 %"));
    assert_eq!(home.rigtone(&["judge", "run", "--json"]).with_code(11).json()["counts"]["inconclusive"], 1);
    let again = home.rigtone(&["plan", "scenarios/rates", "--only", "undecided", "run", "--json"]).json();
    let planned: Vec<&Value> = again["plan"]["combinations"].as_array().unwrap().iter().map(|c| &c["id"]).collect();
    assert_eq!(planned, [&first["id"], &second["id"]]);
}

/// Parts that ended in every way, in every order.
#[test]
fn parts_that_did_not_come_to_their_end_are_joined_as_they_are() {
    let home = Home::new();
    let part = |number: usize, more: &[&str]| {
        let (partition, out) = (format!("hash:{number}/3"), format!("part-{number}"));
        home.rigtone(&[&["run", "--out", &out, "--partition", &partition], more].concat());
    };
    part(1, &[]);
    part(2, &["--max-time", "6 min"]);
    part(3, &["--max-time", "6 min"]);
    // The third was killed, and the first was killed and went on.
    for (name, share) in [("part-3", 60), ("part-1", 70)] {
        let path = home.path(name).join("events.jsonl");
        let log = fs::read(&path).unwrap();
        fs::write(&path, &log[..log.len() * share / 100]).unwrap();
    }
    home.rigtone(&["run", "--resume", "part-1"]);
    let mut alone = BTreeMap::new();
    for number in 1..=3 {
        let verdicts = home.rigtone(&["judge", &format!("part-{number}"), "--json"]).json();
        for combination in verdicts["combinations"].as_array().unwrap() {
            alone.insert(combination["id"].clone().to_string(), combination["verdict"].clone());
        }
    }
    for (name, order) in [("a", ["part-1", "part-2", "part-3"]), ("b", ["part-3", "part-1", "part-2"])] {
        let merged = home.rigtone(&[&["merge", "--out", name, "--json"], &order[..]].concat()).with_code(130).json();
        for combination in merged["combinations"].as_array().unwrap() {
            assert_eq!(combination["verdict"], alone[&combination["id"].to_string()], "{name}: {}", combination["id"]);
        }
        assert_eq!(home.rigtone(&["judge", name, "--json"]).json()["combinations"], merged["combinations"]);
    }
    home.rigtone(&["run", "--resume", "a"]).with_code(2).says(&["was merged from other runs", "help:"]);
    home.rigtone(&["merge", "a", "--out", "again"]).with_code(130);
    assert_eq!(combinations(&home, "again"), combinations(&home, "a"));
}

#[test]
fn a_merge_that_fails_leaves_no_run_behind() {
    let home = Home::new();
    for (out, speaker) in [("one", "speaker=charge-5-fw110"), ("two", "speaker=charge-5-fw106")] {
        home.rigtone(&["run", "--out", out, "--select", "scenario=pairing-cold-start", "--select", speaker]);
    }
    home.rigtone(&["merge", "one", "two", "--out", "one/evidence/both"]).with_code(2).says(&["lies in one", "help:"]);
    let longest = fs::metadata(home.path("one/events.jsonl")).unwrap().len();
    // The disk is full in the log of the second part, or where its first event should stand.
    for room in [longest + 4096, 0] {
        home.rigtone_with_room(room, &["merge", "one", "two", "--out", "both"]).with_code(12).says(&["merge again"]);
        assert!(!home.path("both").exists(), "{room} bytes");
    }
    let log = fs::read_to_string(home.path("two/events.jsonl")).unwrap();
    let spoilt: String =
        log.lines().enumerate().map(|(n, l)| if n == 50 { "garbage\n".into() } else { format!("{l}\n") }).collect();
    fs::write(home.path("two/events.jsonl"), spoilt).unwrap();
    home.rigtone(&["merge", "one", "two", "--out", "both"]).with_code(2).says(&["events.jsonl:51:", "help:"]);
    assert!(!home.path("both").exists());
}

#[test]
fn a_log_and_a_plan_of_different_runs_are_told_apart() {
    let home = Home::new();
    for (out, speaker) in [("one", "speaker=charge-5-fw110"), ("two", "speaker=charge-5-fw106")] {
        home.rigtone(&["run", "--out", out, "--select", "scenario=pairing-cold-start", "--select", speaker]);
    }
    fs::copy(home.path("two/plan.json"), home.path("one/plan.json")).unwrap();
    for command in [&["judge", "one"][..], &["run", "--resume", "one"], &["merge", "one", "--out", "out"]] {
        home.rigtone(command).with_code(2).says(&["which its plan does not have", "help:"]);
    }
}

#[test]
fn what_does_not_belong_together_is_not_joined() {
    let home = Home::new();
    home.rigtone(&[&["run", "--out", "one"], &PAIRING[..]].concat());
    home.rigtone(&["merge", "one", "one", "--out", "out"]).with_code(2).says(&["was run in one and in one", "help:"]);
    home.write("rigs/simulated.yaml", &home.changed("rigs/simulated.yaml", "jitter: 3 ms", "jitter: 4 ms"));
    home.rigtone(&["run", "--out", "two", "--select", "scenario=playback-heard", "--select", "speaker=charge-5-fw110"]);
    home.rigtone(&["merge", "one", "two", "--out", "out"]).with_code(2).says(&["differ in the rig's document"]);
    home.rigtone(&["merge", "one", "nowhere", "--out", "out"]).with_code(2).says(&["nowhere/plan.json"]);
    assert!(!home.path("out").exists());
    home.rigtone(&["merge", "one", "--out", "one"]).with_code(2).says(&["one lies in one"]);
    home.write("full/notes.txt", "mine");
    home.rigtone(&["merge", "one", "--out", "full"]).with_code(2).says(&["not empty"]);
}

#[test]
fn only_what_failed_or_was_left_undecided_is_run_again() {
    let home = Home::new();
    home.rigtone(&["run", "--out", "night", "--select", "source=echo-dot-5"]);
    for (which, verdicts) in [("failed", &["fail"][..]), ("undecided", &["inconclusive", "infra-error"][..])] {
        let expected = ids(&home, "night", verdicts);
        assert!(!expected.is_empty());
        home.rigtone(&["run", "--only", which, "night", "--out", which]);
        assert_eq!(combinations(&home, which).into_keys().collect::<BTreeSet<_>>(), expected);
    }
    home.rigtone(&["plan", "--only", "failed", "night"]).with_code(0).says(&["combinations to run"]);
    // Its own scenarios, whatever became of them since.
    fs::rename(home.path("scenarios"), home.path("elsewhere")).unwrap();
    home.rigtone(&["plan", "--only", "failed", "night"]).with_code(0).says(&["combinations to run"]);
    fs::rename(home.path("elsewhere"), home.path("scenarios")).unwrap();
    home.rigtone(&["run", "--only", "passed", "night"]).with_code(2).says(&["`failed` or `undecided`"]);
    home.rigtone(&["run", "--only", "failed", "nowhere"]).with_code(2).says(&["nowhere/plan.json"]);
    home.rigtone(&[&["run", "--out", "good"], &PAIRING[..], &["--select", "speaker=*fw110"]].concat()).with_code(0);
    home.rigtone(&["run", "--only", "failed", "good"]).with_code(3).says(&["nothing to do"]);
}

/// Recordings below a run, with their sizes.
fn recordings(run: &Path) -> BTreeMap<PathBuf, u64> {
    fn below(folder: &Path, found: &mut BTreeMap<PathBuf, u64>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.metadata().unwrap() {
                meta if meta.is_dir() => below(&entry.path(), found),
                meta => drop(found.insert(entry.path(), meta.len())),
            }
        }
    }
    let mut found = BTreeMap::new();
    below(&run.join("evidence"), &mut found);
    found
}

/// Recordings that the log says are there.
fn logged(run: &Path) -> BTreeSet<PathBuf> {
    let mut there = BTreeSet::new();
    for line in fs::read_to_string(run.join("events.jsonl")).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let file = || run.join(event["payload"]["file"].as_str().unwrap());
        match event["kind"].as_str().unwrap() {
            "evidence" => assert!(there.insert(file())),
            "evidence-removed" => assert!(there.remove(&file())),
            _ => {}
        }
    }
    there
}

#[rstest]
#[case::all(&[], |kept, all, _| kept == all)]
#[case::failures(&["--keep-evidence", "failures"], |kept, all, failing| kept == failing && kept > 0 && kept < all)]
#[case::none(&["--keep-evidence", "none"], |kept, _, _| kept == 0)]
#[case::budget(&["--evidence-budget", "4 MB"], |kept, all, _| kept > 0 && kept < all)]
#[case::no_room(&["--evidence-budget", "1 kB"], |kept, _, _| kept == 0)]
fn evidence_is_kept_as_asked_and_the_log_says_what_is_there(
    #[case] how: &[&str],
    #[case] right: fn(usize, usize, usize) -> bool,
) {
    let home = Home::new();
    // One speaker is silent, the other plays as expected.
    let selection = ["--select", "scenario=playback-heard", "--select", "speaker=*10"];
    let all = home.rigtone(&[&["run", "--out", "all"], &selection[..]].concat());
    home.rigtone(&[&["run", "--out", "run"], &selection[..], how].concat()).with_code(all.code);
    let (run, kept) = (home.path("run"), recordings(&home.path("run")));
    assert_eq!(kept.keys().cloned().collect::<BTreeSet<_>>(), logged(&run));
    let everything = recordings(&home.path("all"));
    let failing = everything.keys().filter(|path| path.to_string_lossy().contains("fw210")).count();
    assert!(
        right(kept.len(), everything.len(), failing),
        "{} of {} recordings are kept, {failing} of them of a silent speaker",
        kept.len(),
        everything.len()
    );
    if let ["--evidence-budget", "4 MB"] = how {
        assert!(kept.values().sum::<u64>() <= 4_000_000);
    }
    for (id, combination) in combinations(&home, "run") {
        assert_eq!(combination["verdict"], combinations(&home, "all")[&id]["verdict"], "{id}");
        for file in combination["evidence"].as_array().unwrap() {
            assert!(run.join(file.as_str().unwrap()).is_file(), "{file} of {id}");
        }
    }
    home.rigtone(&["judge", "run"]).with_code(all.code);
}

#[test]
fn a_log_that_cannot_grow_ends_the_run_and_the_run_goes_on_when_there_is_room() {
    let home = Home::new();
    let whole = home.rigtone(&[&["run", "--out", "whole"], &PAIRING[..]].concat());
    let size = |name: &str| fs::metadata(home.path("whole").join(name)).unwrap().len();
    let room = size("events.jsonl") / 2;
    assert!(size("plan.json") < room, "the plan must fit");
    let stopped = home.rigtone_with_room(room, &[&["run", "--out", "run"], &PAIRING[..]].concat()).with_code(12);
    stopped.says(&["the run was stopped and the rig left safe because its record cannot be kept", "events.jsonl"]);
    assert!(!home.path("run/verdicts.json").exists());
    home.rigtone(&["run", "--resume", "run"]).with_code(whole.code);
    assert_eq!(combinations(&home, "run"), combinations(&home, "whole"));
}

#[test]
fn evidence_that_cannot_be_stored_costs_trials_and_not_the_run() {
    let home = Home::new();
    let selection = ["--select", "scenario=playback-heard", "--select", "speaker=charge-5-fw110"];
    // A recording needs more than this, the log and the plan need less.
    home.rigtone_with_room(300_000, &[&["run", "--out", "run"], &selection[..]].concat())
        .with_code(12)
        .says(&["evidence", "infrastructure"]);
    let mut lost = 0;
    for (id, combination) in combinations(&home, "run") {
        assert_eq!((&combination["verdict"], &combination["trials"]), (&"infra-error".into(), &0.into()), "{id}");
        lost += combination["lost"].as_u64().unwrap();
    }
    assert!((1..=6).contains(&lost), "what keeps failing is given up after a few trials, not after {lost}");
    assert!(recordings(&home.path("run")).len() <= 6, "at most what was cut off");
}
