//! Stage 1: from bytes to a tree.

use rstest::rstest;

use crate::{load_one, place};

#[rstest]
#[case::empty("", "empty-file -", "no document", "begin with `scenario:`, `device:` or `rig:`")]
#[case::only_a_comment("# nothing\n", "empty-file -", "no document", "begin with")]
#[case::only_null("~\n", "empty-file -", "no document", "begin with")]
#[case::unclosed_list("scenario: x\ntitle: [a, b\n", "syntax 3:1-2 title[2]", "not YAML", "")]
#[case::tab_as_indentation(
    "scenario: x\nmatrix:\n\ta: b\n",
    "syntax 3:2-3 matrix",
    "not YAML: tabs",
    "indent with spaces"
)]
#[case::two_documents("rig: x\n---\nrig: y\n", "several-documents 2:1-4", "a second document", "a file of its own")]
#[case::tag("rig: !!str x\n", "tag 1:6-13 rig", "a tag", "delete the `!`")]
#[case::anchor("rig: &a x\n", "anchor 1:6-10 rig", "an anchor", "delete the `&`")]
#[case::merge("rig: x\n<<: {a: b}\n", "merge-key 2:1-3", "merge key", "write the keys out")]
#[case::twice("rig: x\nrooms: {a: {}, a: {}}\n", "duplicate-key 2:16-17 rooms", "`a` stands here again", "keep one")]
#[case::number_as_key(
    "device: a/b\nfirmware:\n  2023.12: {}\n",
    "non-text-key 3:3-10 firmware",
    "`2023.12` is not text",
    "quote it: `\"2023.12\"`"
)]
#[case::truth_as_key("rig: x\ntrue: y\n", "non-text-key 2:1-5", "`true` is not text", "quote it")]
#[case::list_as_key("rig: x\n? [a, b]\n: y\n", "non-text-key 2:3-4", "a key is a list or a map", "quote")]
#[case::no_key("rig: x\n: y\n", "non-text-key 2:1-1", "a key is empty", "before the `:`")]
#[case::infinite("rig: x\ntitle: .inf\n", "not-finite 2:8-12 title", "`.inf` is not a number", "finite")]
#[case::nul("rig: x\ntitle: a\0b\n", "control-character 2:9-10", "U+0000", "delete it")]
#[case::escape("rig: \u{1b}[31m\n", "control-character 1:6-7", "U+001B", "delete it")]
fn a_fault_of_yaml_is_explained_where_it_stands(
    #[case] text: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    let found = load_one("x.yaml", text).diagnostics;
    let fault = found.iter().find(|f| place(f) == at);
    let Some(fault) = fault else { panic!("{at} is not among {found:#?}") };
    assert!(fault.message.contains(message), "{}", fault.message);
    assert!(fault.suggestion.as_deref().unwrap_or_default().contains(suggestion), "{:?}", fault.suggestion);
}

#[rstest]
#[case::latin_1(b"rig: caf\xe9\n", "not-utf8 1:9-10", "not UTF-8 text")]
#[case::utf_16(b"\xff\xfer\0i\0", "not-utf8 1:1-2", "UTF-16")]
#[case::cut_character("rig: x\ntitle: \u{20ac}".as_bytes().split_last().map(|(_, rest)| rest).unwrap_or_default(), "not-utf8 2:8-9", "not UTF-8 text")]
fn bytes_that_are_no_text_are_refused(#[case] bytes: &[u8], #[case] at: &str, #[case] message: &str) {
    let found = load_one("x.yaml", bytes).diagnostics;
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), [at]);
    assert!(found[0].message.contains(message), "{}", found[0].message);
}

#[test]
fn a_byte_order_mark_is_skipped_and_moves_no_column() {
    let found = load_one("x.yaml", format!("\u{feff}{}", crate::with_line(crate::DEVICE, 2, "titel: x"))).diagnostics;
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), ["unknown-key 2:1-6 titel"]);
}

#[rstest]
#[case("\n")]
#[case("\r\n")]
#[case("\r")]
fn every_line_break_of_yaml_counts_as_one_line(#[case] line_break: &str) {
    let text = crate::with_line(crate::DEVICE, 4, "tagz: [portable]").replace('\n', line_break);
    let found = load_one("x.yaml", text).diagnostics;
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), ["unknown-key 4:1-5 tagz"]);
}

#[test]
fn columns_count_characters() {
    let text = crate::with_line(crate::RIG, 7, "  hci: {\"é€😀\": 1, address: \"00:00:00:00:00:01\"}");
    let found = load_one("x.yaml", text).diagnostics;
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), ["unknown-key 7:9-14 dongles.hci.é€😀"]);
}

/// The second value is dropped, the rest is still looked at.
#[test]
fn a_fault_of_yaml_does_not_hide_those_of_the_shape() {
    let text = crate::DEVICE.replace("tags: [portable]\n", "titel: x\ntitle: y\n");
    let found = load_one("x.yaml", text).diagnostics;
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), ["unknown-key 4:1-6 titel", "duplicate-key 5:1-6"]);
    assert_eq!(found[1].labels[0].position.line, 2);
}

#[test]
fn an_alias_is_named_once_and_nothing_is_said_about_what_it_stands_for() {
    let text = crate::DEVICE.replace("roles: [a2dp-sink]", "roles: *r");
    let found = load_one("x.yaml", text).diagnostics;
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), ["syntax 3:8-9 roles"]);
    let text = crate::DEVICE
        .replace("roles: [a2dp-sink]", "roles: &r [a2dp-sink]")
        .replace("codecs: [sbc, aac]", "codecs: *r");
    let found = load_one("x.yaml", text).diagnostics;
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), ["anchor 3:8-12 roles", "anchor 5:9-11 codecs"]);
}
