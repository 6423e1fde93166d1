//! A vendor certifies a firmware, and somebody else checks what he got.

use std::{fs, path::Path};

use rigtone_certificate::{Trust, verify};
use rstest::rstest;
use serde_json::{Value, json};

use crate::user::{Done, Home};

const RIG: &str = "rigs/simulated.yaml";
const UNIT: &str = "  charge-5-fw110:\n";
const SELECT: [&str; 4] = ["--select", "speaker=charge-5-fw110", "--select", "source=echo-dot-5"];
const SUITE: &str = "suite/paired.yaml";
const PAIRED: &str = "\
scenario: paired
title: Pairing succeeds
matrix:
  source: {role: a2dp-source}
  speaker: {role: a2dp-sink}
trial:
  - power-cycle: {unit: speaker, off-for: 5 s}
  - enter-pairing-mode: {unit: speaker}
  - discover: {within: 90 s}
  - pair: {attempts: 3}
cleanup:
  - forget: {}
  - power: {unit: speaker, state: off}
repeat: {at-least: 1, at-most: 5}
expect:
  - success-rate: {of: pair, at-least: 20 %, good: 99 %, confidence: 80 %}
";

/// The suite, by its document; a scenario is added by writing it beside the first.
const LAB: &str = "suite: lab\ntitle: What a lab certifies\nscenarios:\n  - path: suite\n";

/// A home with a suite, two pairs of keys, and a run whose rig stands for a lab: its world is simulated, and its record says it is not.
fn home(verified: bool) -> Home {
    let home = Home::new();
    home.write(SUITE, PAIRED);
    home.write("suites/lab.yaml", LAB);
    if verified {
        home.write(
            RIG,
            &home.changed(RIG, UNIT, &format!("{UNIT}    verify: {{command: {{program: [firmware-of, charge]}}}}\n")),
        );
    }
    home.rigtone(&["key", "new", "lab.key", "--name", "lab-1 2026"]).with_code(0);
    home.rigtone(&["key", "new", "try.key", "--name", "nobody", "--test"]).with_code(0);
    home.rigtone(&[&["run", "--suite", "suites/lab.yaml", "--out", "run"], &SELECT[..]].concat()).with_code(0);
    home
}

fn as_of_a_lab(home: &Home) {
    change(home, "run/environment.json", |environment| {
        environment["rig-kind"] = json!("hardware");
        environment["rig"]["world"] = json!("hardware");
    });
}

fn change(home: &Home, file: &str, how: impl FnOnce(&mut Value)) {
    let mut value = home.read_json(file);
    how(&mut value);
    home.write(file, &value.to_string());
}

fn certify(home: &Home, more: &[&str]) -> Done {
    let words = ["certify", "run", "--device", "jbl/charge-5", "--suite", "suites/lab.yaml", "--out", "certificate"];
    let firmware: &[&str] = if more.contains(&"--firmware") { &[] } else { &["--firmware", "1.1.0"] };
    let key: &[&str] = if more.contains(&"--key") { &[] } else { &["--key", "lab.key"] };
    home.rigtone(&[&words, firmware, key, more].concat())
}

#[test]
fn what_was_certified_is_verified_by_whoever_trusts_the_key() {
    let home = home(true);
    as_of_a_lab(&home);
    certify(&home, &[]).with_code(0).says(&[
        "certificate: jbl/charge-5 firmware 1.1.0",
        "pass",
        "signed by lab-1 2026",
    ]);
    let whole = ["certificate: jbl/charge-5", "judged again from its record: the same"];
    home.rigtone(&["verify", "certificate", "--trust", "lab.key.pub"]).with_code(0).says(&whole).says(&["trusted"]);
    home.rigtone(&["verify", "certificate", "--trust", "."]).with_code(0).says(&["trusted"]);
    home.rigtone(&["verify", "certificate"]).with_code(11).says(&whole).says(&["not trusted here"]);
    let told = home.rigtone(&["verify", "certificate", "--trust", "lab.key.pub", "--json"]).with_code(0).json();
    assert_eq!((&told["key"], &told["problems"]), (&json!("trusted"), &json!([])));
    let schema: Value = home
        .rigtone(&["schema"])
        .out
        .split("\n\n")
        .filter_map(|text| serde_json::from_str(text).ok())
        .find(|schema: &Value| schema["title"] == "Manifest")
        .expect("its schema is published");
    let faults: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&told["certificate"]).map(|e| e.to_string()).collect();
    assert_eq!(faults, [""; 0]);
    // Rotation: the old key ends, and what it signs afterwards counts no more.
    change(&home, "lab.key.pub", |key| key["until"] = json!("2026-01-01"));
    home.rigtone(&["verify", "certificate", "--trust", "lab.key.pub"]).with_code(11).says(&["trusted no more"]);
    certify(&home, &[]).with_code(2).says(&["is there already"]);
}

#[rstest]
#[case::simulated(true, |_: &Home| (), "a simulated one")]
#[case::nobody_looked(false, as_of_a_lab as fn(&Home), "was not verified: nobody looked at it")]
#[case::of_the_virtual_rig(true, |home: &Home| {
    as_of_a_lab(home);
    change(home, "run/environment.json", |environment| environment["rig-kind"] = json!("virtual"));
}, "a virtual one")]
#[case::calibration_that_ended(true, |home: &Home| {
    as_of_a_lab(home);
    change(home, "run/environment.json", |environment| {
        environment["calibration"] = json!({"in-use": ["bench-1"], "microphones": {"bench-1": {"worth": {"ended": 3}}}});
    });
}, "calibration of microphone `bench-1` had ended")]
#[case::other_limits(true, |home: &Home| {
    as_of_a_lab(home);
    change(home, "run/verdicts.json", |verdicts| verdicts["combinations"][0]["expectations"][0]["held"] = json!(0));
}, "judged with other limits")]
#[case::another_suite(true, |home: &Home| {
    as_of_a_lab(home);
    home.write(SUITE, &PAIRED.replace("20 %", "30 %"));
}, "in another form than the suite has it")]
#[case::more_in_the_suite(true, |home: &Home| {
    as_of_a_lab(home);
    home.write("suite/again.yaml", &PAIRED.replace("scenario: paired", "scenario: again"));
}, "`again` was run in another form than the suite has it, or not at all")]
#[case::a_document_that_changed(true, |home: &Home| {
    as_of_a_lab(home);
    home.write("devices/jbl/charge-5.yaml", &(fs::read_to_string(home.path("devices/jbl/charge-5.yaml")).unwrap() + "# new\n"));
}, "`documents/devices/jbl/charge-5.yaml` has changed")]
#[case::nobody_knows_its_documents(true, |home: &Home| {
    as_of_a_lab(home);
    change(home, "run/environment.json", |environment| { environment["run"].as_object_mut().unwrap().remove("documents"); });
}, "`documents/rig.yaml` has changed since it began, or is gone")]
#[case::merged(true, |home: &Home| {
    home.rigtone(&["merge", "run", "--out", "merged"]).with_code(0);
    fs::remove_dir_all(home.path("run")).unwrap();
    fs::rename(home.path("merged"), home.path("run")).unwrap();
}, "it was merged from other runs")]
#[case::cut_off(true, |home: &Home| {
    as_of_a_lab(home);
    let log = fs::read_to_string(home.path("run/events.jsonl")).unwrap();
    let (_, last) = log.trim_end().rsplit_once('\n').unwrap();
    home.write("run/events.jsonl", log.strip_suffix(&format!("{last}\n")).unwrap());
}, "did not come to its end")]
fn what_is_no_ground_is_refused_and_only_tried_with_a_test_key(
    #[case] verified: bool,
    #[case] spoil: impl Fn(&Home),
    #[case] why: &str,
) {
    let home = home(verified);
    spoil(&home);
    certify(&home, &[]).with_code(10).says(&[why, "--trial"]);
    assert!(!home.path("certificate").exists(), "nothing is left");
    certify(&home, &["--key", "try.key"]).with_code(2).says(&["is a test key"]);
    certify(&home, &["--trial"]).with_code(2).says(&["no test key"]);
    certify(&home, &["--trial", "--key", "try.key"]).with_code(0).says(&["TRIAL, no certificate", why]);
    home.rigtone(&["verify", "certificate", "--trust", "try.key.pub"]).with_code(11).says(&["it is a trial"]);
}

/// The run keeps which suite it was asked for; certified is what the suite says, from whichever of its paths.
#[test]
fn a_suite_may_have_several_paths() {
    let home = home(true);
    as_of_a_lab(&home);
    home.write("more/again.yaml", &PAIRED.replace("scenario: paired", "scenario: again"));
    let words = ["certify", "run", "--device", "jbl/charge-5", "--firmware", "1.1.0", "--out", "certificate"];
    assert_eq!(home.read_json("run/environment.json")["run"]["documents"]["suite"]["id"], "lab");
    home.write("suites/more.yaml", &format!("{}  - path: more/again.yaml\n", LAB.replace("suite: lab", "suite: more")));
    let suite = ["--suite", "suites/more.yaml", "--key", "lab.key"];
    home.rigtone(&[&words[..], &suite].concat()).with_code(10).says(&["`again` was run in another form"]);
}

#[test]
fn another_firmware_than_that_of_the_run_has_nothing_to_show() {
    let home = home(true);
    as_of_a_lab(&home);
    certify(&home, &["--firmware", "9.9"]).with_code(10).says(&["no combination of `paired` has this device"]);
}

#[test]
fn a_secret_key_is_its_owners_alone_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.rigtone(&["key", "new", "lab.key", "--name", "lab"]).with_code(0);
    assert_eq!(fs::metadata(home.path("lab.key")).unwrap().permissions().mode() & 0o777, 0o600);
    home.rigtone(&["key", "new", "lab.key", "--name", "lab"]).with_code(2).says(&["is there already"]);
    let secret = home.read_json("lab.key")["secret"].as_str().unwrap().to_owned();
    assert!(!fs::read_to_string(home.path("lab.key.pub")).unwrap().contains(&secret));
    home.write("lab.key", &format!("{{\"secret\": \"{secret}\""));
    let refused = home.rigtone(&[
        "certify",
        "run",
        "--device",
        "d",
        "--firmware",
        "1",
        "--suite",
        "s",
        "--key",
        "lab.key",
        "--out",
        "c",
    ]);
    assert!(!refused.with_code(2).says(&["is no key"]).err.contains(&secret), "a message holds no secret");
}

#[rstest]
#[case::key(&["certify", "run", "--device", "d", "--firmware", "1", "--suite", "s", "--key", "gone", "--out", "c"], "gone")]
#[case::folder_for_a_key(&["key", "new", "gone/lab.key", "--name", "lab"], "gone/lab.key")]
#[case::trust(&["verify", "rigs", "--trust", "gone"], "gone")]
#[case::certificate(&["verify", "gone"], "gone")]
fn a_path_that_is_not_there_is_named(#[case] words: &[&str], #[case] path: &str) {
    Home::new().rigtone(words).with_code(2).says(&[&format!("`{path}`"), "help: "]);
}

/// Somebody else made the folder: nothing in it is waited for, and nothing fills the memory.
#[rstest]
#[case::manifest("manifest.json", 2, "it has no `manifest.json` (it is not a file)")]
#[case::signature("signature.json", 2, "it has no `signature.json` (it is not a file)")]
#[case::part("run/environment.json", 10, "run/environment.json: it cannot be read: it is not a file")]
fn what_is_no_file_in_a_certificate_is_refused_at_once(
    #[case] file: &str,
    #[case] code: i32,
    #[case] said: &str,
    #[values("an endless device", "a pipe")] kind: &str,
) {
    let home = home(true);
    certify(&home, &["--trial", "--key", "try.key"]).with_code(0);
    let path = home.path("certificate").join(file);
    fs::remove_file(&path).unwrap();
    match kind {
        "a pipe" => rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap(),
        _ => std::os::unix::fs::symlink("/dev/zero", &path).unwrap(),
    }
    home.rigtone(&["verify", "certificate", "--trust", "try.key.pub"]).with_code(code).says(&[said]);
}

/// It only claims its size: a terabyte would be read for hours.
#[test]
fn a_part_that_grew_is_not_read_to_its_end() {
    let home = home(true);
    certify(&home, &["--trial", "--key", "try.key"]).with_code(0);
    fs::File::options().write(true).open(home.path("certificate/run/plan.json")).unwrap().set_len(1 << 40).unwrap();
    home.rigtone(&["verify", "certificate"]).with_code(10).says(&["run/plan.json: it was changed: it has more than "]);
}

fn files_below(folder: &Path, all: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, all) } else { all.push(path) }
    }
}

/// Every byte of every file, one at a time.
#[test]
fn a_byte_that_was_changed_anywhere_is_found_and_named() {
    let home = home(true);
    as_of_a_lab(&home);
    certify(&home, &[]).with_code(0);
    let folder = home.path("certificate");
    let trust = Trust::read(&[home.path("lab.key.pub")]).unwrap();
    assert_eq!(verify(&folder, &trust).unwrap().problems, []);
    let mut files = Vec::new();
    files_below(&folder, &mut files);
    let mut flipped = 0;
    for file in files {
        let name = file.strip_prefix(&folder).unwrap().display().to_string();
        let own = fs::read(&file).unwrap();
        for place in 0..own.len() {
            let mut bytes = own.clone();
            bytes[place] ^= 1 << (place % 8);
            fs::write(&file, &bytes).unwrap();
            match verify(&folder, &trust) {
                // The signature is of the manifest: which of the two was changed cannot be told.
                Ok(found) => assert!(
                    found
                        .problems
                        .iter()
                        .any(|p| p.file == name || name == "signature.json" && p.file == "manifest.json"),
                    "{name}, byte {place}: {:?}",
                    found.problems
                ),
                Err(error) => assert!(error.to_string().contains(&name), "{name}, byte {place}: {error}"),
            }
            flipped += 1;
        }
        fs::write(&file, &own).unwrap();
    }
    assert!(flipped > 5_000, "{flipped} bytes");
    assert_eq!(verify(&folder, &trust).unwrap().problems, []);
    fs::write(folder.join("run/more.json"), "{}").unwrap();
    assert_eq!(verify(&folder, &trust).unwrap().problems[0].file, "run/more.json");
    fs::remove_file(folder.join("run/more.json")).unwrap();
    fs::remove_file(folder.join("run/plan.json")).unwrap();
    assert_eq!(verify(&folder, &trust).unwrap().problems[0].what, "it is missing");
    fs::create_dir(folder.join("empty")).unwrap();
    assert!(verify(&folder, &trust).unwrap().problems.iter().any(|problem| problem.file == "empty"));
}
