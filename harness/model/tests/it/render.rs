//! How findings look.

use rigtone_model::diagnostic::{Code, Diagnostic, Position, render, summary};
use serde_json::json;

use crate::{DEVICE, SCENARIO, findings, load_one, source, with_line};

#[test]
fn a_finding_shows_its_line_and_what_to_do() {
    let loaded = load_one("scenarios/one.yaml", with_line(SCENARIO, 7, "  - discover: {wthin: 90 s}"));
    let expected = "\
error[unknown-key]: unknown key `wthin` in `discover` (at trial[0].discover.wthin)
 --> scenarios/one.yaml:7:16
  |
7 |   - discover: {wthin: 90 s}
  |                ^^^^^
  |
  = help: did you mean `within`? The keys that fit here: `by`, `restart-every`, `unit`, `within`

1 error in 1 file
";
    assert_eq!(render(&loaded.diagnostics, &loaded.sources, false), expected);
}

#[test]
fn a_second_place_is_shown_beside_the_first() {
    let loaded = load_one("b.yaml", with_line(DEVICE, 4, "title: again"));
    let expected = "\
error[duplicate-key]: the key `title` stands here again
 --> b.yaml:4:1
  |
4 | title: again
  | ^^^^^
  |
 ::: b.yaml:2:1
  |
2 | title: JBL Charge 5
  | ----- it stands here first
  |
  = help: keep one of them

1 error in 1 file
";
    assert_eq!(render(&loaded.diagnostics, &loaded.sources, false), expected);
}

#[test]
fn a_finding_about_a_file_has_no_line() {
    let finding =
        Diagnostic::of_file(Code::NotFound, "a/b.yaml", "there is no such file or folder").suggest("check the path");
    let expected = "\
error[not-found]: there is no such file or folder
--> a/b.yaml
 = help: check the path

1 error in 1 file
";
    assert_eq!(render(&[finding], &[], false), expected);
}

/// ESC, bell, a direction override and C1 controls, in the file, its name and the messages.
#[test]
fn text_of_a_document_cannot_command_the_terminal() {
    let name = "evil\u{1b}]0;x\u{7}.yaml";
    let text = "rig: \"\u{202e}\u{9b}31m\"\nti\u{85}tle: \"\\e[2J\\a\"\n";
    let loaded = load_one(name, text);
    assert!(!loaded.diagnostics.is_empty());
    let mut found = loaded.diagnostics;
    found.push(
        Diagnostic::of_file(Code::Syntax, name, "\u{1b}[2J\r\n\u{8}")
            .at(Position { line: 1, column: 1, end_column: 3 }, "\u{1b}"),
    );
    let shown = render(&found, &loaded.sources, false);
    let bad = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert_eq!(shown.chars().find(bad), None, "{shown:?}");
}

#[test]
fn colour_only_adds_escape_sequences() {
    let loaded = load_one("x.yaml", with_line(SCENARIO, 7, "  - discover: {within: 90}"));
    let plain = render(&loaded.diagnostics, &loaded.sources, false);
    let coloured = render(&loaded.diagnostics, &loaded.sources, true);
    assert!(coloured.contains('\u{1b}'));
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        stripped.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain);
}

#[test]
fn a_place_far_out_on_a_line_is_named_without_it() {
    let text = format!("rig: x\ntitle: \"{}\", x\n", "a".repeat(5000));
    let loaded = load_one("x.yaml", text);
    let shown = render(&loaded.diagnostics, &loaded.sources, false);
    assert!(shown.lines().all(|line| line.chars().count() < 300), "{shown}");
    assert!(shown.contains("--> x.yaml:2:"), "{shown}");
}

#[test]
fn a_summary_counts() {
    let error = Diagnostic::of_file(Code::Syntax, "a", "x");
    let warning = Diagnostic::of_file(Code::UnusedAxis, "b", "x");
    assert_eq!(summary(&[]), "no faults");
    assert_eq!(summary(std::slice::from_ref(&warning)), "1 warning in 1 file");
    assert_eq!(summary(&[error.clone(), error.clone()]), "2 errors in 1 file");
    assert_eq!(summary(&[error.clone(), error, warning]), "2 errors and 1 warning in 2 files");
}

#[test]
fn a_finding_as_json_carries_everything() {
    let found = findings(&[("x.yaml", &with_line(DEVICE, 4, "title: again"))]);
    assert_eq!(
        serde_json::to_value(&found).unwrap(),
        json!([{
            "code": "duplicate-key",
            "severity": "error",
            "path": "x.yaml",
            "line": 4,
            "column": 1,
            "end-column": 6,
            "document-path": "",
            "message": "the key `title` stands here again",
            "suggestion": "keep one of them",
            "labels": [{"path": "x.yaml", "line": 2, "column": 1, "end-column": 6, "message": "it stands here first"}],
        }])
    );
}

/// Other crates add findings of their own about parts of a document.
#[test]
fn a_part_of_a_document_has_a_position() {
    let loaded = load_one("one.yaml", SCENARIO);
    let entry = &loaded.library.scenarios["one"];
    let place = |path: &[&str]| {
        let position = entry.position(path);
        (position.line, position.column)
    };
    assert_eq!(place(&["expect", "0", "success-rate"]), (12, 5));
    assert_eq!(place(&["expect", "0", "success-rate", "of"]), (12, 24));
    // Left out: the nearest part that is there.
    assert_eq!(place(&["expect", "0", "success-rate", "at-least"]), (12, 5));
    assert_eq!(place(&["repeat", "at-most"]), (10, 33));
    assert_eq!(place(&[]), (1, 1));
    let finding = entry.diagnostic(Code::Undecidable, &["repeat", "at-most"], "x");
    assert_eq!((finding.document_path.as_str(), finding.is_error()), ("repeat.at-most", false));
}

#[test]
fn the_hash_is_that_of_the_bytes() {
    let loaded = rigtone_model::load::load(vec![source("a.yaml", "rig: x")]);
    assert!(loaded.library.rigs.is_empty());
    // sha256sum of the file.
    let device = load_one("jbl/charge-5.yaml", "device: a/b\ntitle: x\nroles: [a2dp-sink]\ncodecs: [sbc]\n");
    assert_eq!(device.library.devices["a/b"].hash, "3047f7276844b38dd57065f8e2e0f0ff61cfb2640a0ab943c487b6c5eb880915");
}
