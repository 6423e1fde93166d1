//! `rigtone check`

use rstest::rstest;

use crate::user::{Home, rigtone_in_repository};

const SHAPE: &str = "\
scenario: shape
title: Faults of shape
matrix:
  source: {role: a2dp-source}
  speaker: {tags: [speaker]}
trial:
  - power-cycle: {unit: speaker, off-for: 5}
  - discover: {withn: 30 s}
  - pair: {attempts: many}
repeat: {at-least: 10, at-most: 120}
expect:
  - success-rate: {of: pair, at-least: 90 %, good: 98 %, confidence: 95 %}
";

const MEANING: &str = "\
scenario: meaning
title: Faults of meaning
matrix:
  source: {role: a2dp-source}
  speaker: {role: a2dp-sink}
trial:
  - power-cycle: {unit: speeker, off-for: 5 s}
  - discover: {within: 30 s}
  - pair: {attempts: 3}
repeat: {at-least: 10, at-most: 120}
expect:
  - success-rate: {of: pairs, at-least: 90 %, good: 98 %, confidence: 95 %}
";

const TWICE: &str = "\
device: acme/twice
title: A key that stands twice
title: again
roles: [a2dp-sink]
codecs: [sbc]
";

const SYNTAX: &str = "device: acme/syntax\ntitle: [a list that does not end\n";

/// Code, place, what the line says, and a part of the suggestion.
const FAULTS: [(&str, &str, u64, u64, &str, &str); 6] = [
    ("missing-unit", "faulty/shape.yaml", 7, 43, "- power-cycle: {unit: speaker, off-for: 5}", "90 s"),
    ("unknown-key", "faulty/shape.yaml", 8, 16, "- discover: {withn: 30 s}", "did you mean `within`?"),
    ("wrong-type", "faulty/shape.yaml", 9, 22, "- pair: {attempts: many}", ""),
    ("dangling-reference", "faulty/meaning.yaml", 7, 25, "{unit: speeker, off-for: 5 s}", "did you mean `speaker`?"),
    ("unknown-step", "faulty/meaning.yaml", 12, 24, "{of: pairs, at-least: 90 %", "did you mean `pair`?"),
    ("duplicate-key", "faulty/acme/twice.yaml", 3, 1, "title: again", "keep one of them"),
];

fn faulty() -> Home {
    let home = Home::empty();
    let files = [("shape", SHAPE), ("meaning", MEANING), ("acme/twice", TWICE), ("acme/syntax", SYNTAX)];
    for (name, text) in files {
        home.write(&format!("faulty/{name}.yaml"), text);
    }
    home
}

#[test]
fn the_documents_of_the_repository_have_no_fault() {
    let done = rigtone_in_repository(&["check"]).with_code(0).says(&["no faults"]);
    assert!(!done.out.contains("warning"), "{}", done.out);
    assert_eq!(done.err, "");
}

#[test]
fn every_fault_of_every_file_is_shown_with_its_place_its_line_and_a_suggestion() {
    let done = faulty().rigtone(&["check", "faulty"]).with_code(2);
    for (code, file, line, column, text, suggestion) in FAULTS {
        let (title, place) = (format!("error[{code}]"), format!("--> {file}:{line}:{column}\n"));
        let block = done.out.split("\n\n").find(|block| block.contains(&title) && block.contains(&place));
        let block = block.unwrap_or_else(|| panic!("no {title} at {place}:\n{}", done.out));
        assert!(block.contains(text) && block.contains(suggestion), "{block}");
    }
    // Where a file ends too early is a matter of taste; that it does is not.
    assert!(done.out.contains("error[syntax]") && done.out.contains("--> faulty/acme/syntax.yaml:"), "{}", done.out);
    assert!(done.out.contains(&format!("{} errors in 4 files", FAULTS.len() + 1)), "{}", done.out);
}

#[test]
fn the_faults_as_json_are_the_same() {
    let faults = faulty().rigtone(&["check", "faulty", "--json"]).with_code(2).json();
    let faults = faults.as_array().unwrap();
    assert_eq!(faults.len(), FAULTS.len() + 1, "{faults:#?}");
    for (code, file, line, column, _, suggestion) in FAULTS {
        let same = |f: &&serde_json::Value| {
            f["code"] == code && f["path"] == file && f["line"] == line && f["column"] == column
        };
        let fault = faults.iter().find(same).unwrap_or_else(|| panic!("no {code} in {file}: {faults:#?}"));
        assert_eq!(fault["severity"], "error");
        assert!(fault["suggestion"].as_str().unwrap_or_default().contains(suggestion), "{fault}");
    }
}

#[rstest]
#[case::one(&["devices/rigtone/endpoint.yaml"], "1 file: 0 scenarios, 1 device, 0 rigs; no faults\n")]
#[case::several(&["devices/rigtone/endpoint.yaml", "rigs/virtual.yaml"], "2 files: 0 scenarios, 1 device, 1 rig")]
#[case::suite(&["suites/smoke.yaml"], "1 file: 0 scenarios, 0 devices, 0 rigs, 1 suite")]
fn one_document_is_counted_as_one(#[case] files: &[&str], #[case] said: &str) {
    let done = rigtone_in_repository(&[&["check"], files].concat());
    assert!(done.out.contains(said), "{}", done.out);
}

#[test]
fn a_folder_without_documents_is_told_where_to_go() {
    Home::empty().rigtone(&["check"]).with_code(2).says(&["there is nothing to check here", "help:", "`scenarios`"]);
}

#[rstest]
#[case::path(&["check", "nowhere"])]
#[case::scenario(&["plan", "nowhere"])]
#[case::rig(&["plan", "--rig", "nowhere"])]
#[case::devices(&["run", "--devices", "nowhere"])]
#[case::rig_of_a_rig_command(&["rig", "check", "nowhere"])]
fn a_path_that_is_not_there_is_named(#[case] arguments: &[&str]) {
    Home::new().rigtone(arguments).with_code(2).says(&["error[not-found]", "--> nowhere"]);
}

/// 0.9^29 is 4.7 %: with fewer trials nothing shows 90 % with 95 % confidence, with some more a good device seldom does.
#[rstest]
#[case::never(20, 2, "error[untestable]", "allow `at-most: 29` trials or more")]
#[case::seldom(40, 0, "warning[undecidable]", "allow `at-most: ")]
fn trials_that_never_or_seldom_decide_are_named_with_those_that_do(
    #[case] at_most: u32,
    #[case] code: i32,
    #[case] says: &str,
    #[case] advice: &str,
) {
    let home = Home::new();
    let few = home
        .changed("scenarios/starter/pairing-cold-start.yaml", "at-most: 120", &format!("at-most: {at_most}"))
        .replace("pairing-cold-start", "few");
    home.write("scenarios/starter/few.yaml", &few);
    home.rigtone(&["check"]).with_code(code).says(&[says, "scenarios/starter/few.yaml:18:5", advice]);
}
