//! Documents that nobody would write by mistake. Each ends in a clear fault, within the budgets.

use rigtone_model::{
    check::check,
    diagnostic::{Diagnostic, render},
    load::{SourceFile, load},
};
use rstest::rstest;

use crate::{DEVICE, RIG, SCENARIO, VOCABULARY, findings, load_one, place, source, with_line};

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
#[case::many_values(format!("rig: [\n{}]", " 1,\n".repeat(200_000)).into_bytes(), "too-many-nodes 19999:2-3 rig[19997]")]
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
    let found = load_one("x.yaml", SCENARIO.replace("trial:\n", &format!("trial:\n{steps}"))).diagnostics;
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

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

#[rstest]
#[case::latin_1(b"rig: x\ntitle: B\xfcro\n".to_vec(), "not-utf8 2:9-10", "not UTF-8")]
#[case::utf16_little(utf16("\u{feff}rig: x\n", u16::to_le_bytes), "not-utf8 1:1-2", "UTF-16")]
#[case::utf16_big(utf16("\u{feff}rig: x\n", u16::to_be_bytes), "not-utf8 1:1-2", "UTF-16")]
#[case::utf16_without_mark(utf16("rig: x\n", u16::to_le_bytes), "control-character 1:2-3", "U+0000")]
#[case::surrogate(b"rig: \xed\xa0\x80\n".to_vec(), "not-utf8 1:6-7", "not UTF-8")]
#[case::overlong(b"rig: \xc0\xaf\n".to_vec(), "not-utf8 1:6-7", "not UTF-8")]
#[case::cut(b"rig: \xf0\x9f\x94".to_vec(), "not-utf8 1:6-7", "not UTF-8")]
#[case::nul(b"rig: x\ntitle: a\0b\n".to_vec(), "control-character 2:9-10", "U+0000")]
#[case::escape(b"rig: \x1b[2J\n".to_vec(), "control-character 1:6-7", "U+001B")]
#[case::escaped_surrogate(b"rig: \"\\ud800\"\n".to_vec(), "syntax 1:", "not YAML")]
#[case::escaped_half(b"rig: \"\\ud83d\\ude00\"\n".to_vec(), "syntax 1:", "not YAML")]
#[case::escaped_beyond(b"rig: \"\\U00110000\"\n".to_vec(), "syntax 1:", "not YAML")]
fn what_is_no_text_is_told_with_its_place(#[case] bytes: Vec<u8>, #[case] at: &str, #[case] says: &str) {
    let found = load_one("x.yaml", bytes).diagnostics;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(place(&found[0]).starts_with(at) && found[0].message.contains(says), "{found:#?}");
}

/// However it is written: names of documents are shown in tables, lists and reports.
#[rstest]
#[case::escape("title: \"a\\e[2Jb\"", "control-character 2:8-17 title", "U+001B")]
#[case::c1("title: \"\\x9b2J\"", "control-character 2:8-16 title", "U+009B")]
#[case::carriage_return("title: \"a\\rb\"", "control-character 2:8-14 title", "U+000D")]
#[case::direction("title: \"\\u202egnp.exe\"", "control-character 2:8-23 title", "U+202E")]
#[case::plain_direction("title: \u{2067}x", "control-character 2:8-10 title", "U+2067")]
#[case::key("\"a\\e[2J\": 1", "control-character 2:1-9", "U+001B")]
#[case::line_in_a_key("\"a\\nb\": 1", "control-character 2:1-7", "U+000A")]
fn a_value_that_a_terminal_would_obey_is_refused(#[case] line: &str, #[case] at: &str, #[case] says: &str) {
    let found = load_one("x.yaml", with_line(RIG, 2, line)).diagnostics;
    let fault = found.iter().find(|f| f.code.name() == "control-character").expect("it is refused");
    assert!(place(fault) == at && fault.message.contains(says), "{fault:#?}");
}

#[test]
fn a_text_may_have_several_lines_and_a_value_of_an_axis_may_not() {
    let text = SCENARIO.replace("title: A scenario", "title: \"two\\nlines\"");
    assert_eq!(load_one("one.yaml", text).diagnostics, []);
    let text = SCENARIO.replace("trial:", "  pause: [\"1 s\\n\"]\ntrial:\n  - wait: {for: $pause}");
    let found = findings(&[("one.yaml", &text)]);
    assert!(
        found.iter().any(|f| place(f) == "unfit-value 6:11-18 matrix.pause[0]" && f.message.contains("one line")),
        "{found:#?}"
    );
}

/// Control characters may be written as escapes; what they say is still not obeyed.
#[test]
fn an_escaped_control_character_does_not_reach_the_terminal() {
    let loaded = load_one("x.yaml", "rig: \"a\\e[2J\\0\\x9b\"\n\"k\\e]0;\\a\": 1\n");
    let shown = render(&loaded.diagnostics, &loaded.sources, false);
    assert_eq!(loaded.diagnostics.iter().filter(|f| f.code.name() == "control-character").count(), 2, "{shown}");
    assert_eq!(shown.chars().find(|c| c.is_control() && *c != '\n'), None, "{shown}");
}

#[rstest]
#[case("off-for: 99999999999999999999 s", "out-of-range")]
#[case("off-for: 900000 h", "out-of-range")]
#[case("off-for: -1 s", "wrong-format")]
#[case("off-for: -0 s", "wrong-format")]
#[case("off-for: 1e999 s", "wrong-")]
#[case("off-for: 1e999", "not-finite")]
#[case("off-for: .inf", "not-finite")]
#[case("off-for: -.inf s", "wrong-format")]
#[case("off-for: NaN s", "wrong-format")]
#[case("off-for: 0x10 s", "wrong-")]
#[case("off-for: 9223372036854775808 ns", "out-of-range")]
fn a_duration_that_no_clock_can_count_is_refused(#[case] value: &str, #[case] code: &str) {
    let text =
        with_line(SCENARIO, 7, &format!("  - power-cycle: {{unit: speaker, {value}}}\n  - discover: {{within: 90 s}}"));
    let found = load_one("one.yaml", text).diagnostics;
    assert!(found.len() == 1 && found[0].code.name().starts_with(code), "{found:#?}");
    assert_eq!(found[0].position.map(|p| p.line), Some(7));
}

#[rstest]
#[case("{at-least: -0, at-most: 100}", "out-of-range")]
#[case("{at-least: 10, at-most: 1e999}", "not-finite")]
#[case("{at-least: 10, at-most: 1e300}", "out-of-range")]
#[case("{at-least: 10, at-most: 4294967297}", "out-of-range")]
#[case("{at-least: 10, at-most: 18446744073709551616}", "out-of-range")]
#[case("{at-least: 10, at-most: 10.5}", "wrong-type")]
#[case("{at-least: 10, at-most: -1}", "out-of-range")]
fn a_number_of_trials_that_nobody_can_do_is_refused(#[case] repeat: &str, #[case] code: &str) {
    let found = load_one("one.yaml", with_line(SCENARIO, 10, &format!("repeat: {repeat}"))).diagnostics;
    assert!(!found.is_empty() && found.iter().all(|f| f.code.name() == code), "{found:#?}");
}

/// An id becomes a path only through its slug; one that looks like a path refers to nothing.
#[rstest]
#[case::of_a_unit(RIG.replace("device: jbl/charge-5", "device: ../../etc/passwd"), "dangling-reference 14:13-29 units.charge.device")]
#[case::of_a_rig(RIG.replace("rig: lab", "rig: ../lab"), "wrong-format 1:6-12 rig")]
fn an_id_that_leaves_its_folder_is_refused(#[case] rig: String, #[case] at: &str) {
    let found = findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)]);
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), [at]);
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

/// Documents that are right in shape and as large as they may be, built so that every part refers to every other.
fn tangles() -> Vec<(&'static str, String)> {
    let scenario = |matrix: &str, rest: &str, steps: &str| {
        format!(
            "scenario: one\ntitle: x\nmatrix:\n  source: {{role: a2dp-source}}\n  speaker: {{role: a2dp-sink}}\n{matrix}{rest}trial:\n  - pair: {{attempts: 3}}\n{steps}repeat: {{at-least: 1, at-most: 2}}\nexpect:\n  - success-rate: {{of: pair}}\n"
        )
    };
    let labelled = |n| format!("  - forget: {{}}\n    label: same\n    when: [c{n}]\n");
    let units = |n: usize| {
        format!(
            "  u{n}: {{device: a/b{n}, firmware: x, address: \"{:02X}:00:00:00:{:02X}:{:02X}\", dongle: d{n}, power: {{relay: r{n}, channel: 1}}}}\n",
            n >> 16,
            n >> 8 & 255,
            n & 255
        )
    };
    vec![
        ("steps", scenario("", "", &lines(3900, |_| "  - forget: {}\n".into()))),
        (
            "labels",
            scenario("", &format!("conditions:\n{}", lines(900, |n| format!("  c{n}: {{}}\n"))), &lines(900, labelled)),
        ),
        (
            "labels within the limits",
            scenario(
                "",
                &format!("conditions:\n{}", lines(100, |n| format!("  c{n}: {{}}\n"))),
                &lines(490, |n| labelled(n % 50)),
            ),
        ),
        ("axes", scenario(&lines(6000, |n| format!("  a{n}: [1]\n")), "", "")),
        (
            "values",
            scenario(
                &format!("  pause: [{}]\n", lines(9000, |n| format!("\n   {n},"))),
                "",
                &lines(480, |_| "  - wait: {for: $pause}\n".into()),
            ),
        ),
        ("points", scenario(&lines(20, |n| format!("  a{n}: [1, 2, 3, 4, 5, 6, 7, 8, 9]\n")), "", "")),
        ("tags", scenario(&format!("  more: {{tags: [{}]}}\n", lines(15_000, |n| format!("\n   t{n},"))), "", "")),
        (
            "covers",
            scenario("", &format!("covers: [{}]\n", lines(15_000, |n| format!("\n  claim/pairing-attempt{n},"))), ""),
        ),
        (
            "expectations",
            scenario("", "", "").replace(
                "  - success-rate",
                &format!("{}  - success-rate", lines(4000, |_| "  - success-rate: {of: pairs}\n".into())),
            ),
        ),
        ("units", format!("rig: lab\ntitle: x\nworld: simulated\nrooms: {{a: {{}}}}\nunits:\n{}", lines(1100, units))),
        ("keys", format!("rig: lab\ntitle: x\n{}", lines(9900, |n| format!("units-{n}: 1\n")))),
        ("long text", format!("rig: lab\ntitle: |\n{}", lines(110, |_| format!("  {}\n", "a-".repeat(4500))))),
        ("long id", format!("rig: \"{}\"\ntitle: x\n", lines(110, |_| format!("{}\\\n", "a-".repeat(4500))))),
        (
            "firmware",
            format!(
                "device: a/b\ntitle: x\nroles: [a2dp-sink]\ncodecs: [sbc]\nfirmware:\n{}",
                lines(4900, |n| format!("  v{n}: {{codecs: [aac]}}\n"))
            ),
        ),
    ]
}

/// The first faults of each are shown, within the budget, and in the time of a coffee at most.
#[test]
fn a_tangle_of_references_is_checked_within_bounds() {
    let devices: Vec<SourceFile> = (0..500)
        .map(|n| {
            source(&format!("a/c{n}.yaml"), format!("device: a/c{n}\ntitle: x\nroles: [a2dp-sink]\ncodecs: [sbc]\n"))
        })
        .collect();
    for (name, text) in tangles() {
        let mut files = devices.clone();
        files.push(source("lab.yaml", &text));
        let begun = std::time::Instant::now();
        let loaded = load(files);
        let mut found = loaded.diagnostics.clone();
        found.extend(check(&loaded.library, &VOCABULARY));
        let shown = render(&found, &loaded.sources, false);
        assert!(!found.is_empty() && found.len() <= 202, "{name}: {} faults", found.len());
        assert!(found.iter().any(Diagnostic::is_error), "{name}: {shown}");
        assert!(shown.len() < MIB, "{name}: {} bytes are shown", shown.len());
        let seconds = begun.elapsed().as_secs();
        assert!(seconds < 60, "{name}: {seconds} s");
    }
}

#[test]
fn of_a_thousand_faulty_files_some_are_shown_and_the_others_are_counted() {
    let files = (0..1200).map(|n| source(&format!("{n:04}.yaml"), "rig: x\nnothing: 1\n")).collect();
    let found = load(files).diagnostics;
    assert!((1000..1100).contains(&found.len()), "{}", found.len());
    assert!(found.iter().any(|f| f.code.name() == "too-many-faults" && f.message.contains("more have faults")));
}
