//! Documents that nobody would write by mistake. Each ends in a clear fault, within the budgets.

use rigtone_model::diagnostic::render;
use rstest::rstest;

use crate::{DEVICE, load_one, place, with_line};

const MIB: usize = 1 << 20;

#[rstest]
#[case::too_large(vec![b'#'; MIB + 1], "too-large -")]
#[case::two_megabytes(vec![b'a'; 2 * MIB], "too-large -")]
#[case::zeros(vec![0; 1000], "control-character 1:1-2")]
#[case::deep_lists(format!("{}{}", "[".repeat(100), "]".repeat(100)).into_bytes(), "too-deep 1:65-66")]
#[case::deep_maps(format!("{}{}", "{a: ".repeat(100), "}".repeat(100)).into_bytes(), "too-deep 1:257-258")]
// The parser looks ahead and meets its own limit first.
#[case::very_deep_lists("[".repeat(10_000).into_bytes(), "syntax 1:256-257")]
#[case::long_line(format!("rig: x\ntitle: {}", "x".repeat(9_994)).into_bytes(), "too-large 2:1-2")]
#[case::deep_blocks("- ".repeat(1000).into_bytes(), "too-deep 1:129-129")]
#[case::many_values(format!("rig: [\n{}]", " 1,\n".repeat(200_000)).into_bytes(), "too-many-nodes 99999:2-3 rig[99997]")]
fn a_budget_is_kept(#[case] bytes: Vec<u8>, #[case] at: &str) {
    let found = load_one("x.yaml", bytes).diagnostics;
    assert!(found.iter().any(|f| place(f).starts_with(at)), "{:?}", found.iter().map(place).collect::<Vec<_>>());
    assert!(found.len() <= 101);
}

/// Two to the power of twenty values, if it were expanded.
#[test]
fn an_alias_bomb_is_not_expanded() {
    let mut text = String::from("rig: x\na0: &a0 [x, x]\n");
    for n in 1..20 {
        text += &format!("a{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1);
    }
    let found = load_one("x.yaml", text).diagnostics;
    assert_eq!(found.iter().filter(|f| f.code.name() == "anchor").count(), 20 + 38);
}

#[test]
fn only_the_first_hundred_faults_of_a_file_are_shown() {
    let text: String = (0..5000).map(|n| format!("  key-{n}: 1\n")).collect();
    let found = load_one("x.yaml", with_line(DEVICE, 4, &format!("nothing:\n{text}battery: 3"))).diagnostics;
    assert!(found.len() < 101, "{}", found.len());
    let steps: String = (0..3000).map(|_| "  - {}\n").collect();
    let found = load_one("x.yaml", crate::SCENARIO.replace("trial:\n", &format!("trial:\n{steps}"))).diagnostics;
    assert_eq!(found.len(), 101);
    assert!(found.iter().any(|f| f.code.name() == "too-many-faults"));
    assert!(found.iter().any(|f| place(f) == "not-exactly-one 7:5-6 trial[0]"), "{}", place(&found[1]));
}

/// A file of the largest size, full of one thing. The parser must not need time or memory beyond measure.
#[rstest]
fn a_file_full_of_one_thing_ends(
    #[values(
        "[",
        "]",
        "{",
        "}",
        "- ",
        "-",
        "a: ",
        "? ",
        ": ",
        "? a\n",
        "a: b\n",
        "a:\n ",
        "\"",
        "'",
        "'a' ",
        "&a ",
        "*a ",
        "! ",
        "!!a ",
        "%a\n",
        "---\n",
        "...\n",
        "|\n",
        ">",
        "# ",
        "\n",
        " ",
        "\r",
        ",",
        "[]",
        "[a]: ",
        "{a: b}\n",
        "a, ",
        "\u{e9}",
        "\u{1f600}: ",
        "\\",
        "\"\\u0041",
        "- a\n",
        "a\n\n",
        "<<: a\n",
        "@",
        "`",
        "\u{feff}",
        "\t",
        "- - ",
        "[a, ",
        "{? "
    )]
    piece: &str,
    #[values("", "rig: [\n")] before: &str,
    #[values(1, 4000)] width: usize,
) {
    let line = piece.repeat(width.div_ceil(piece.len()).min(width));
    let mut text = before.to_owned();
    while text.len() + line.len() < MIB {
        text.push_str(&line);
        text.push('\n');
    }
    let loaded = load_one("x.yaml", text);
    assert!(!loaded.diagnostics.is_empty());
    assert!(loaded.diagnostics.len() <= 101);
    let shown = render(&loaded.diagnostics, &loaded.sources, false);
    assert!(shown.len() < MIB, "{} bytes are shown", shown.len());
}
