//! `rigtone report`

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use rstest::rstest;
use serde_json::Value;

use crate::{
    junit,
    user::{Done, Home, copy_evidence, read_json, repository},
};

/// A run in which every verdict occurs; tests read it and change nothing.
pub(crate) static MIXED: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mixed-run");
    if directory.exists() {
        fs::remove_dir_all(&directory).unwrap();
    }
    let arguments = [
        "run",
        "scenarios/starter/playback-heard.yaml",
        "scenarios/starter/codec-per-firmware.yaml",
        "--select",
        "speaker=s*",
        "--select",
        "source=echo-dot-5",
        "--out",
        directory.to_str().unwrap(),
    ];
    Home::new().rigtone(&arguments).with_code(10);
    directory
});

/// How often each verdict stands in `verdicts.json`.
fn counts() -> BTreeMap<String, usize> {
    let verdicts = read_json(&MIXED.join("verdicts.json"));
    let mut counts = BTreeMap::new();
    for combination in verdicts["combinations"].as_array().unwrap() {
        *counts.entry(word(&combination["verdict"])).or_default() += 1;
    }
    counts
}

fn word(verdict: &Value) -> String {
    // A skipped one carries its reason.
    verdict.as_str().unwrap_or("skipped").to_owned()
}

fn report(format: &str) -> Done {
    Home::empty().rigtone(&["report", MIXED.to_str().unwrap(), "--format", format]).with_code(10)
}

/// Indented lines say what of a combination failed or was not decided, or why nothing is known; whoever wants the verdicts alone leaves them out.
#[test]
fn a_list_has_one_line_for_each_combination_with_its_verdict_and_one_for_each_reason_behind_it() {
    let verdicts = read_json(&MIXED.join("verdicts.json"));
    let expected: Vec<String> = verdicts["combinations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| format!("{:<12} {}", word(&c["verdict"]), c["id"].as_str().unwrap()))
        .collect();
    let list = report("list").out;
    let (behind, combinations): (Vec<&str>, Vec<&str>) = list.lines().partition(|line| line.starts_with(' '));
    assert_eq!(combinations, expected);
    let of = |word: &str| -> Vec<String> {
        let judged =
            verdicts["combinations"].as_array().unwrap().iter().flat_map(|c| c["expectations"].as_array().unwrap());
        let chosen = judged.filter(|e| e["gating"] == true && e["verdict"] == word);
        chosen.map(|e| e["expected"].as_str().unwrap().to_owned()).collect()
    };
    for (verdict, words) in [("fail", "failed: "), ("inconclusive", "not decided: ")] {
        let told: Vec<&str> = behind.iter().filter_map(|line| line.trim_start().strip_prefix(words)).collect();
        let due = of(verdict);
        assert!(!due.is_empty() && due.len() == told.len(), "{verdict}: {told:#?}");
        assert!(told.iter().zip(&due).all(|(told, due)| told.starts_with(&format!("{due}; seen: "))), "{told:#?}");
    }
    for combination in verdicts["combinations"].as_array().unwrap() {
        let reason = match &combination["verdict"] {
            Value::Object(skipped) => format!("skipped: {}", skipped["skipped"].as_str().unwrap()),
            Value::String(verdict) if verdict == "infra-error" => {
                format!(
                    "the rig failed: {}",
                    combination["faults"].as_array().unwrap().last().unwrap().as_str().unwrap()
                )
            }
            _ => continue,
        };
        let below = list.lines().skip_while(|line| !line.ends_with(combination["id"].as_str().unwrap())).skip(1);
        let said = below.take_while(|line| line.starts_with(' ')).any(|line| line.trim_start() == reason);
        assert!(said, "{reason}: {list}");
    }
    let all = ["fail", "inconclusive", "infra-error", "pass", "skipped"];
    assert!(counts().keys().eq(all), "every verdict occurs: {:?}", counts());
}

#[test]
fn json_counts_what_the_verdicts_say() {
    let results = report("json").json();
    assert_eq!(results["exit_code"], 10);
    for (verdict, n) in counts() {
        assert_eq!(results["counts"][&verdict], n, "{verdict}");
    }
}

#[test]
fn a_terminal_shows_the_table_and_every_failure_without_colours_in_a_pipe() {
    let done = report("terminal").says(&["exit code 10:", "not decided:", "the rig failed:", "evidence"]);
    // The table says it too: what the rig failed at stands where nothing was seen.
    let table = done.out.split("the product failed").next().unwrap();
    assert!(table.contains("microphone bench-3"), "{table}");
    assert!(!done.out.contains('\u{1b}'));
}

#[test]
fn junit_is_valid_and_a_reader_counts_what_the_verdicts_say() {
    let file = MIXED.join("junit.xml");
    let check = Command::new(repository().join("ci/check-junit")).arg(&file).output().unwrap();
    assert!(check.status.success(), "ci/check-junit: {}", String::from_utf8_lossy(&check.stderr));
    assert_counts(
        &fs::read_to_string(&file).unwrap(),
        [
            ("failure", &["fail"]),
            ("error", &["inconclusive", "infra-error"]),
            ("skipped", &["skipped"]),
            ("pass", &["pass"]),
        ],
    );
}

#[test]
fn a_fault_of_the_rig_is_no_failure_whatever_inconclusive_means() {
    let arguments = ["report", MIXED.to_str().unwrap(), "--format", "junit", "--inconclusive", "fail"];
    assert_counts(
        &Home::empty().rigtone(&arguments).with_code(10).out,
        [
            ("failure", &["fail", "inconclusive"]),
            ("error", &["infra-error"]),
            ("skipped", &["skipped"]),
            ("pass", &["pass"]),
        ],
    );
}

/// The combinations that ended so in JUnit are those with these verdicts.
#[track_caller]
fn assert_counts(xml: &str, expected: [(&'static str, &[&str]); 4]) {
    let counts = counts();
    let expected = expected.map(|(result, verdicts)| (result, verdicts.iter().map(|v| counts[*v]).sum::<usize>()));
    assert_eq!(junit::combinations(xml), BTreeMap::from(expected));
}

#[test]
fn junit_on_demand_is_that_of_the_run() {
    assert_eq!(report("junit").out, fs::read_to_string(MIXED.join("junit.xml")).unwrap());
}

/// A run of which one recording was cut off and one got lost, and whose log names a file of the host. All formats say the same of it.
#[rstest]
fn evidence_that_is_not_as_it_was_is_named_whatever_the_format(
    #[values("terminal", "list", "json", "junit", "markdown", "csv", "perfetto", "html")] format: &str,
) {
    let home = Home::empty();
    let log = fs::read_to_string(MIXED.join("events.jsonl")).unwrap();
    copy_evidence(&MIXED, &home.path("run"), &log);
    fs::copy(MIXED.join("verdicts.json"), home.path("run/verdicts.json")).unwrap();
    let named: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event["kind"] == "evidence")
        .map(|event| event["payload"]["file"].as_str().unwrap().to_owned())
        .collect();
    let report = || home.rigtone(&["report", "run", "--format", format]).with_code(10);
    assert_eq!(report().err, "", "nothing is amiss yet");
    let [cut, lost, foreign] = [0, 1, 2].map(|at| named[at].as_str());
    fs::File::options().write(true).open(home.path("run").join(cut)).unwrap().set_len(100).unwrap();
    fs::remove_file(home.path("run").join(lost)).unwrap();
    home.write("run/events.jsonl", &log.replace(&format!("\"{foreign}\""), "\"/etc/passwd\""));
    let done = report();
    for due in [
        format!("1 evidence file has another size than when it was recorded: {cut}"),
        format!("1 evidence file is missing: {lost}"),
        "1 evidence file lies elsewhere than below `evidence`: /etc/passwd".to_owned(),
    ] {
        let said = done.err.lines().filter(|line| line.ends_with(&due)).count();
        assert_eq!(said, 1, "{due}:\n{}", done.err);
        match format {
            "json" => assert!(done.json()["missing"].as_array().unwrap().contains(&due.into())),
            "junit" => assert!(done.out.contains(&format!("missing={due}")), "{due}"),
            _ => {}
        }
    }
}
