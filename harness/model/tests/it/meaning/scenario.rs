//! Scenarios: axes, conditions, steps.

use rstest::rstest;

use super::{RICH, one_fault};
use crate::{DEVICE, RIG, SCENARIO, findings, place, with_line};

#[rstest]
#[case(SCENARIO)]
#[case(RICH)]
fn a_scenario_that_makes_sense_has_no_fault(#[case] text: &str) {
    assert_eq!(findings(&[("one.yaml", text), ("jbl/charge-5.yaml", DEVICE), ("lab.yaml", RIG)]), []);
}

#[rstest]
#[case::unit(
    12,
    "  - power-cycle: {unit: speeker, off-for: $off}",
    "dangling-reference 12:25-32 trial[0].power-cycle.unit",
    "there is no axis `speeker`",
    "did you mean `speaker`?"
)]
#[case::values_for_unit(
    12,
    "  - power-cycle: {unit: pause, off-for: $off}",
    "wrong-reference 12:25-30 trial[0].power-cycle.unit",
    "`pause` is an axis of values, due is one of units",
    "name an axis of units"
)]
#[case::unit_for_microphone(
    18,
    "  - play: {signal: smoke, heard-by: [speaker]}",
    "wrong-reference 18:38-45 trial[4].play.heard-by[0]",
    "`speaker` is an axis of units, due is one of microphones",
    "microphones"
)]
#[case::microphone_near(
    6,
    "  bench: {microphone: {near: there}}",
    "dangling-reference 6:30-35 matrix.bench.microphone.near",
    "there is no axis `there`",
    "there are `source`"
)]
#[case::condition_of_step(
    13,
    "    when: [cool]",
    "dangling-reference 13:12-16 trial[0].when[0]",
    "there is no condition `cool`",
    "there are `cold`, `warm`"
)]
#[case::condition_of_expectation(
    21,
    "  - success-rate: {of: first}\n    when: [hot]",
    "dangling-reference 22:12-15 expect[0].when[0]",
    "there is no condition `hot`",
    "`cold`, `warm`"
)]
#[case::parameter(
    16,
    "  - wait: {for: $paus}",
    "dangling-reference 16:17-22 trial[2].wait.for",
    "there is no axis or parameter of conditions `paus`",
    "did you mean `pause`?"
)]
#[case::parameter_of_units(
    16,
    "  - wait: {for: $speaker}",
    "wrong-reference 16:17-25 trial[2].wait.for",
    "`speaker` is an axis of units or microphones",
    "a list of values"
)]
#[case::missing_in_condition(
    9,
    "  cold: {}",
    "dangling-reference 9:3-7 conditions.cold",
    "`cold` does not say what `off` is",
    "add `off`"
)]
#[case::unfit_axis(
    7,
    "  pause: [1 s, 2]",
    "unfit-value 7:16-17 matrix.pause[1]",
    "`2` does not fit where it is used, as `for`",
    ""
)]
#[case::unfit_condition(
    9,
    "  cold: {off: 5}",
    "unfit-value 9:15-16 conditions.cold.off",
    "`5` does not fit where it is used, as `off-for`",
    ""
)]
#[case::unfit_text(
    9,
    "  cold: {off: soon}",
    "unfit-value 9:15-19 conditions.cold.off",
    "`soon` does not fit where it is used, as `off-for`",
    ""
)]
#[case::stimulus(
    18,
    "  - play: {signal: smoky, heard-by: [bench]}",
    "unknown-stimulus 18:20-25 trial[4].play.signal",
    "there is no stimulus `smoky`",
    "did you mean `smoke`? There are `smoke`, `sweep`, `noise`"
)]
#[case::claim(
    2,
    "title: A scenario\ncovers: [claim/stale-cash]",
    "unknown-claim 3:10-26 covers[0]",
    "there is no claim `claim/stale-cash`",
    "did you mean `claim/stale-cache`?"
)]
#[case::device(
    5,
    "  speaker: {devices: [jbl/charge-6]}",
    "dangling-reference 5:23-35 matrix.speaker.devices[0]",
    "there is no device `jbl/charge-6`",
    "did you mean `jbl/charge-5`?"
)]
#[case::firmware(
    5,
    "  speaker: {firmware: [\"1.0.7\"]}",
    "dangling-reference 5:24-31 matrix.speaker.firmware[0]",
    "there is no firmware `1.0.7`",
    "did you mean `1.0.6`?"
)]
#[case::unit_name(
    5,
    "  speaker: {units: [charged]}",
    "dangling-reference 5:21-28 matrix.speaker.units[0]",
    "there is no unit `charged`",
    "did you mean `charge`?"
)]
#[case::tag(
    5,
    "  speaker: {tags: [portabel]}",
    "unknown-tag 5:20-28 matrix.speaker.tags[0]",
    "there is no tag `portabel`",
    "did you mean `portable`?"
)]
#[case::itself(
    5,
    "  speaker: {role: a2dp-sink, differs-from: [speaker]}",
    "wrong-reference 5:45-52 matrix.speaker.differs-from[0]",
    "cannot differ from itself",
    "another axis"
)]
#[case::gesture(
    16,
    "  - wait: {for: $pause}\n  - gesture: {unit: speaker, name: reset}",
    "dangling-reference 17:36-41 trial[3].gesture.name",
    "there is no gesture `reset`",
    "there are `pairing-mode`"
)]
#[case::setting(
    16,
    "  - wait: {for: $pause}\n  - set: {unit: speaker, option: eg, value: flat}",
    "dangling-reference 17:34-36 trial[3].set.option",
    "there is no setting `eg`",
    "did you mean `eq`?"
)]
#[case::float_in_axis(
    7,
    "  pause: [1 s, 2 s]\n  revision: [1.10]",
    "unfit-value 8:14-18 matrix.revision[0]",
    "`1.10` is read as the number 1.1",
    "quote it: `\"1.10\"`"
)]
#[case::label_twice(
    17,
    "  - connect: {profile: a2dp}\n    label: first",
    "duplicate-label 18:12-17 trial[3].label",
    "the label `first` stands here again",
    "change one"
)]
#[case::codec_axis(
    7,
    "  pause: [1 s, 2 s]\n  codec: [sbc, acc]",
    "unfit-value 8:16-19 matrix.codec[1]",
    "`acc` does not fit",
    ""
)]
#[case::trials_crossed(
    19,
    "repeat: {at-least: 10, at-most: 9}",
    "limits-crossed 19:33-34 repeat.at-most",
    "at most 9 trials, at least 10",
    "not smaller than"
)]
#[case::unused_axis(
    7,
    "  pause: [1 s, 2 s]\n  other: [x, y]",
    "unused-axis 8:3-8 matrix.other",
    "no step uses the axis `other`",
    "delete it"
)]
#[case::unused_parameter(
    9,
    "  cold: {off: 5 s, on: x}",
    "unused-condition 9:24-25 conditions.cold.on",
    "nothing uses `on`",
    "write `$on` in a step"
)]
#[case::same_condition(
    10,
    "  warm: {off: 9 s}\n  mild: {off: 9 s}",
    "unused-condition 11:3-7 conditions.mild",
    "`mild` does the same as `warm`",
    "`when`"
)]
fn a_scenario_that_makes_no_sense_is_explained(
    #[case] line: usize,
    #[case] by: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    let text = with_line(RICH, line, by);
    let is_revision = by.contains("revision");
    let text = if is_revision { text.replace("signal: smoke", "signal: smoke, content: $revision") } else { text };
    one_fault(&[("one.yaml", &text), ("jbl/charge-5.yaml", DEVICE), ("lab.yaml", RIG)], at, message, suggestion);
}

#[test]
fn a_scenario_in_which_nothing_decides_is_told() {
    let text = format!("{SCENARIO}    gating: false\n");
    one_fault(
        &[("one.yaml", &text), ("jbl/charge-5.yaml", DEVICE), ("lab.yaml", RIG)],
        "nothing-decides 13:13-18 expect[0].gating",
        "whatever comes out, the scenario passes",
        "delete `gating: false`",
    );
}

#[test]
fn an_axis_that_is_meant_when_it_is_left_out_has_to_exist() {
    let text = SCENARIO
        .replace("  source: {role: a2dp-source}\n", "")
        .replace(
            "  - discover: {within: 90 s}\n  - pair: {attempts: 3}\n",
            "  - discover: {unit: speaker, by: speaker, within: 90 s}\n",
        )
        .replace("of: pair", "of: discover");
    one_fault(
        &[("one.yaml", &text)],
        "dangling-reference 7:5-9 trial[1].play.by",
        "there is no axis `source`, which `by` means when it is left out",
        "there are `speaker`",
    );
}

#[rstest]
#[case::device("devices/jbl/flip-6.yaml", DEVICE, "path-differs 1:9-21 device", "`jbl/charge-5.yaml`")]
#[case::vendor("devices/sony/charge-5.yaml", DEVICE, "path-differs 1:9-21 device", "`jbl/charge-5.yaml`")]
#[case::scenario("scenarios/topic/two.yml", SCENARIO, "path-differs 1:11-14 scenario", "`one.yaml`")]
fn a_path_agrees_with_the_id(#[case] path: &str, #[case] text: &str, #[case] at: &str, #[case] suggestion: &str) {
    one_fault(&[(path, text)], at, "does not agree with the path", suggestion);
}

#[test]
fn an_id_belongs_to_one_document_of_a_kind() {
    let found = findings(&[("a/one.yaml", SCENARIO), ("b/one.yaml", SCENARIO)]);
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), ["duplicate-id 1:11-14 scenario"]);
    assert_eq!(found[0].path.to_str(), Some("b/one.yaml"));
    assert_eq!(found[0].labels[0].path.to_str(), Some("a/one.yaml"));
}
