//! Stage 2: the schema against the tree. One case for each fault, each fault shown once.

use rstest::rstest;

use crate::{DEVICE, RIG, SCENARIO, load_one, place, with_line};

fn one_fault(text: &str, at: &str, message: &str, suggestion: &str) {
    let found = load_one("x.yaml", text).diagnostics;
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), [at], "{text}");
    assert!(found[0].message.contains(message), "{}", found[0].message);
    let given = found[0].suggestion.as_deref().unwrap_or_default();
    assert!(given.contains(suggestion), "{given}");
}

#[rstest]
#[case::unknown_key(2, "titel: A scenario", "unknown-key 2:1-6 titel", "unknown key `titel`", "did you mean `title`?")]
#[case::unknown_key_in_a_step(
    7,
    "  - discover: {wthin: 90 s}",
    "unknown-key 7:16-21 trial[0].discover.wthin",
    "unknown key `wthin` in `discover`",
    "did you mean `within`? The keys that fit here: `by`, `restart-every`, `unit`, `within`"
)]
#[case::unknown_action(
    9,
    "  - pley: {signal: smoke}",
    "unknown-key 9:5-9 trial[2].pley",
    "unknown key `pley`",
    "did you mean `play`?"
)]
#[case::unknown_far(
    9,
    "  - play: {signal: smoke, zzz: 1}",
    "unknown-key 9:27-30 trial[2].play.zzz",
    "unknown key `zzz` in `play`",
    "the keys that fit here: `by`"
)]
#[case::missing_key(
    7,
    "  - discover: {}",
    "missing-key 7:5-13 trial[0].discover",
    "`discover` has no `within`",
    "add `within`, such as `within: 90 s`"
)]
#[case::missing_first(2, "", "missing-key 1:1-9", "the document has no `title`", "One sentence")]
#[case::text_for_map(
    8,
    "  - pair: now",
    "wrong-type 8:11-14 trial[1].pair",
    "the text `now` stands where a map is due",
    ""
)]
#[case::text_for_number(
    8,
    "  - pair: {attempts: three}",
    "wrong-type 8:22-27 trial[1].pair.attempts",
    "the text `three` stands where a whole number is due",
    ""
)]
#[case::quoted_number(
    8,
    "  - pair: {attempts: \"3\"}",
    "wrong-type 8:22-25 trial[1].pair.attempts",
    "the text `3`",
    "without quotes: `3`"
)]
#[case::broken_number(
    8,
    "  - pair: {attempts: 2.5}",
    "wrong-type 8:22-25 trial[1].pair.attempts",
    "the number `2.5` stands where a whole number",
    ""
)]
#[case::text_for_list(
    3,
    "covers: claim/stale-cache\nmatrix:",
    "wrong-type 3:9-26 covers",
    "the text `claim/stale-cache` stands where a list is due",
    "write a list: `[claim/stale-cache]`"
)]
#[case::number_for_text(
    2,
    "title: 2024.02",
    "wrong-type 2:8-15 title",
    "the number `2024.02` stands where text is due",
    "quote it: `\"2024.02\"`"
)]
#[case::nothing(
    8,
    "  - pair:",
    "wrong-type 8:5-9 trial[1].pair",
    "nothing stands where a map is due",
    "write a value after `pair`"
)]
#[case::no_unit(
    7,
    "  - discover: {within: 90}",
    "missing-unit 7:24-26 trial[0].discover.within",
    "the duration `90` has no unit",
    "add one of the units `ns` `us` `ms` `s` `min` `h` `d`, such as in `90 s`"
)]
#[case::no_unit_in_quotes(
    7,
    "  - discover: {within: \"90\"}",
    "missing-unit 7:24-28 trial[0].discover.within",
    "has no unit",
    "such as in `90 s`"
)]
#[case::foreign_unit(
    7,
    "  - discover: {within: 90 m}",
    "wrong-unit 7:24-28 trial[0].discover.within",
    "`m` is not a unit of a duration",
    "write one of the units `ns`"
)]
#[case::capital_unit(
    7,
    "  - discover: {within: 90 S}",
    "wrong-unit 7:24-28 trial[0].discover.within",
    "`S` is not a unit",
    "did you mean `90 s`?"
)]
#[case::no_quantity(
    7,
    "  - discover: {within: long}",
    "wrong-format 7:24-28 trial[0].discover.within",
    "`long` is not a duration",
    "such as `90 s`"
)]
#[case::negative_duration(
    7,
    "  - discover: {within: -3 s}",
    "wrong-format 7:24-28 trial[0].discover.within",
    "`-3 s` is not a duration",
    "like `90 s`"
)]
#[case::parameter_without_unit(
    7,
    "  - wait: {for: 5}",
    "missing-unit 7:17-18 trial[0].wait.for",
    "the duration `5` has no unit",
    "such as in `90 s`"
)]
#[case::bad_parameter(
    7,
    "  - wait: {for: $Pause}",
    "wrong-format 7:17-23 trial[0].wait.for",
    "`$Pause` is not a duration",
    ""
)]
#[case::share_too_large(
    12,
    "  - success-rate: {of: pair, at-least: 101 %}",
    "out-of-range 12:40-45 expect[0].success-rate.at-least",
    "the share `101 %` is out of range",
    "from 0 % to 100 %"
)]
#[case::number_too_small(
    8,
    "  - pair: {attempts: 0}",
    "out-of-range 8:22-23 trial[1].pair.attempts",
    "the number `0` is out of range",
    "between 1 and 20"
)]
#[case::number_too_large(
    10,
    "repeat: {at-least: 1, at-most: 5000000000}",
    "out-of-range 10:32-42 repeat.at-most",
    "the number `5000000000` is out of range",
    "between 1 and 100000"
)]
#[case::unknown_word(
    4,
    "  source: {role: a2dp-sorce}",
    "unknown-word 4:18-28 matrix.source.role",
    "`a2dp-sorce` is not one of the words",
    "did you mean `a2dp-source`?"
)]
#[case::unknown_codec(
    9,
    "  - connect: {profile: a2dp, codec: sbcc}",
    "unknown-word 9:37-41 trial[2].connect.codec",
    "`sbcc` is not one of the words",
    "or `$` and the name of an axis"
)]
#[case::bad_id(
    1,
    "scenario: My Scenario",
    "wrong-format 1:11-22 scenario",
    "`My Scenario` does not have the right form",
    "write it like `pairing-cold-start`"
)]
#[case::bad_axis_name(
    4,
    "  Source: {role: a2dp-source}",
    "wrong-format 4:3-9 matrix.Source",
    "the key `Source` does not have the right form",
    "like `near-microphone`"
)]
#[case::empty_axis(4, "  source: []", "empty 4:3-9 matrix.source", "`source` is empty", "name at least one value")]
#[case::empty_choice(4, "  source: {}", "empty 4:3-9 matrix.source", "`source` is empty", "at least one key")]
#[case::text_for_axis(
    4,
    "  source: a2dp-source",
    "wrong-type 4:11-22 matrix.source",
    "the text `a2dp-source` stands where a list or a map is due",
    "write a list: `[a2dp-source]`"
)]
#[case::repeated_value(
    4,
    "  source: [a, b, a]",
    "repeated-value 4:18-19 matrix.source",
    "`a` stands here again",
    "keep one"
)]
#[case::map_in_axis(
    4,
    "  source: [{a: b}]",
    "wrong-type 4:13-14 matrix.source[0]",
    "a map stands where text or a number or `true` or `false` is due",
    ""
)]
#[case::microphone_beside(
    4,
    "  source: {microphone: {near: speaker}, role: a2dp-sink}",
    "not-exactly-one 4:12-22 matrix.source.microphone",
    "`microphone` stands beside other keys",
    "keep `microphone` alone"
)]
#[case::two_actions(
    9,
    "  - play: {signal: smoke}\n    wait: {for: 3 s}",
    "not-exactly-one 10:5-9 trial[2]",
    "more than one action stands here: `play` and `wait`",
    "begin another item of the list with `- wait:`"
)]
#[case::no_action(9, "  - label: nothing", "not-exactly-one 9:5-10 trial[2]", "an action is missing", "`play`")]
#[case::empty_step(9, "  - {}", "not-exactly-one 9:5-6 trial[2]", "an action is missing", "`play`")]
#[case::two_expectations(
    12,
    "  - {success-rate: {of: pair}, role: {of: source, is: a2dp-source}}",
    "not-exactly-one 12:32-36 expect[0]",
    "more than one expectation",
    "- role:"
)]
#[case::step_in_meanwhile(
    9,
    "  - play: {signal: smoke}\n    meanwhile: [{wait: {}}]",
    "missing-key 10:18-22 trial[2].meanwhile[0].wait",
    "`wait` has no `for`",
    "such as `for: 90 s`"
)]
#[case::one_to_compare(
    12,
    "  - difference: {of: latency, between: [a]}",
    "wrong-length 12:31-38 expect[0].difference.between",
    "the length of `between` is 1, due is 2",
    ""
)]
#[case::percentile_of_100(
    12,
    "  - latency: {in: play, percentile: 100, at-most: 1 s}",
    "out-of-range 12:37-40 expect[0].latency.percentile",
    "the number `100`",
    "between 1.0 and 99.99"
)]
fn a_fault_of_a_scenario_is_explained_where_it_stands(
    #[case] line: usize,
    #[case] by: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    one_fault(&with_line(SCENARIO, line, by), at, message, suggestion);
}

#[rstest]
#[case::empty_matrix("matrix: {}", "empty 3:1-7 matrix", "`matrix` is empty", "at least one key")]
#[case::matrix_without_value(
    "matrix:",
    "wrong-type 3:1-7 matrix",
    "nothing stands where a map is due",
    "after `matrix`"
)]
fn a_matrix_needs_axes(#[case] by: &str, #[case] at: &str, #[case] message: &str, #[case] suggestion: &str) {
    let axes = "matrix:\n  source: {role: a2dp-source}\n  speaker: {role: a2dp-sink}";
    one_fault(&SCENARIO.replace(axes, by), at, message, suggestion);
}

#[rstest]
#[case::empty_list(DEVICE, 3, "roles: []", "empty 3:1-6 roles", "`roles` is empty", "at least one value")]
#[case::empty_text(DEVICE, 2, "title: \"\"", "empty 2:8-10 title", "`title` is empty", "write something")]
#[case::truth(
    DEVICE,
    4,
    "battery: yes",
    "wrong-type 4:10-13 battery",
    "the text `yes` stands where `true` or `false` is due",
    "write `true`"
)]
#[case::bare_version(
    DEVICE,
    4,
    "tags: [1.10]",
    "wrong-type 4:8-12 tags[0]",
    "the number `1.10` stands where text is due",
    "quote it: `\"1.10\"`"
)]
#[case::device_id(
    DEVICE,
    1,
    "device: charge-5",
    "wrong-format 1:9-17 device",
    "`charge-5` does not have the right form",
    "like `jbl/charge-5`"
)]
#[case::codec_as_key(
    RIG,
    18,
    "    simulated: {latency: {sbcc: 3 ms}}",
    "unknown-key 18:27-31 units.charge.simulated.latency.sbcc",
    "unknown key `sbcc` in `latency`",
    "did you mean `sbc`?"
)]
#[case::address(
    RIG,
    7,
    "  hci: {address: \"0:1:2:3:4:5\"}",
    "wrong-format 7:18-31 dongles.hci.address",
    "`0:1:2:3:4:5` does not have the right form",
    "like `00:1A:7D:DA:71:13`"
)]
#[case::base_60_address(
    RIG,
    7,
    "  hci: {address: 00:00:00:00:00:01, adress: x}",
    "unknown-key 7:37-43 dongles.hci.adress",
    "unknown key `adress` in `hci`",
    "the keys that fit here: `capture`"
)]
#[case::channel_256(
    RIG,
    17,
    "    power: {relay: board, channel: 256}",
    "out-of-range 17:36-39 units.charge.power.channel",
    "the number `256`",
    "between 1 and 64"
)]
#[case::frames(
    RIG,
    11,
    "  bench: {room: room, alsa: {device: hw, rate: 96000, channels: 1, channel: 1}}",
    "unknown-word 11:48-53 microphones.bench.alsa.rate",
    "`96000` is not one of the words",
    "`44100`, `48000`"
)]
#[case::distance(
    RIG,
    18,
    "    heard-by: {bench: {distance: 30}}",
    "missing-unit 18:34-36 units.charge.heard-by.bench.distance",
    "the distance `30` has no unit",
    "`m`"
)]
#[case::device_without_value(
    RIG,
    14,
    "    device:",
    "wrong-type 14:5-11 units.charge.device",
    "nothing stands where text is due",
    "after `device`"
)]
fn a_fault_of_a_device_or_a_rig_is_explained_where_it_stands(
    #[case] document: &str,
    #[case] line: usize,
    #[case] by: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    one_fault(&with_line(document, line, by), at, message, suggestion);
}

#[rstest]
#[case::other_key("name: x\n", "unknown-kind 1:1-5", "the first key does not name the kind", "begin with")]
#[case::misspelt("scenarios: x\n", "unknown-kind 1:1-10", "the first key", "did you mean `scenario`?")]
#[case::list("- rig: x\n", "unknown-kind 1:1-1", "a document is a map", "begin with")]
#[case::word("rig\n", "unknown-kind 1:1-4", "a document is a map", "begin with")]
fn a_document_names_its_kind_first(
    #[case] text: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    one_fault(text, at, message, suggestion);
}

#[test]
fn a_kind_that_is_named_later_is_recognised() {
    let text =
        DEVICE.replace("device: jbl/charge-5\ntitle: JBL Charge 5\n", "title: JBL Charge 5\ndevice: jbl/charge-5\n");
    one_fault(&text, "unknown-kind 1:1-6", "the first key does not name the kind", "put `device:` first");
}

#[test]
fn every_fault_of_every_file_is_shown_at_once() {
    let scenario = SCENARIO
        .replace("90 s", "90")
        .replace("role: a2dp-sink", "rolle: a2dp-sink")
        .replace("at-most: 100", "at-most: 0");
    let files = [("a.yaml", scenario.as_str()), ("b.yaml", "rig: x\n"), ("c.yaml", "- [\n")];
    let found = crate::findings(&files);
    let places: Vec<String> = found.iter().map(|f| format!("{} {}", f.path.display(), place(f))).collect();
    assert_eq!(
        places,
        [
            "a.yaml unknown-key 5:13-18 matrix.speaker.rolle",
            "a.yaml missing-unit 7:24-26 trial[0].discover.within",
            "a.yaml out-of-range 10:33-34 repeat.at-most",
            "b.yaml missing-key 1:1-4",
            "b.yaml missing-key 1:1-4",
            "b.yaml missing-key 1:1-4",
            "b.yaml missing-key 1:1-4",
            "c.yaml syntax 2:1-2 [0][0]",
        ]
    );
}

#[rstest]
#[case(SCENARIO)]
#[case(DEVICE)]
#[case(RIG)]
fn a_right_document_has_no_fault(#[case] text: &str) {
    let loaded = load_one("x.yaml", text);
    assert_eq!(loaded.diagnostics, []);
    let library = loaded.library;
    assert_eq!(library.scenarios.len() + library.devices.len() + library.rigs.len(), 1);
}
