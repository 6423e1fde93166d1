//! Gestures, the buttons that do them, and supplies that are cut.

use rstest::rstest;

use crate::{DEVICE, RIG, SCENARIO, findings};

/// Each finding as `code path`, and all that is said of the first.
fn told(files: &[(&str, &str)]) -> (Vec<String>, String) {
    let found = findings(files);
    let all = found.iter().map(|f| format!("{} {}", f.code, f.document_path)).collect();
    let first = found.first().map(|f| format!("{} / {}", f.message, f.suggestion.clone().unwrap_or_default()));
    (all, first.unwrap_or_default())
}

fn one(files: &[(&str, &str)], at: &str, said: &[&str]) {
    let (all, first) = told(files);
    let due: &[&str] = if at.is_empty() { &[] } else { &[at] };
    assert_eq!(all, due, "{first}");
    for part in said {
        assert!(first.contains(part), "{first}");
    }
}

const PRESS: &str = "{press: [{buttons: [power], for: 1 s}]";

#[rstest]
#[case::all_of_it(
    "press: [{buttons: [power, up], for: 1 s, gap: 1 s}, {buttons: [up], for: 200 ms}], from: off, power: on, takes: 2 s",
    "",
    ""
)]
#[case::over("press: [{buttons: [power], for: 1 s}], power: over", "", "")]
#[case::reset("press: [{buttons: [power], for: 9 s}], factory-reset: true", "", "")]
#[case::no_time(
    "press: [{buttons: [power], for: 0 s}]",
    "out-of-range gestures.other.press[0].for",
    "a press of no time"
)]
#[case::twice_at_once(
    "press: [{buttons: [up, power, up], for: 1 s}]",
    "repeated-value gestures.other.press[0].buttons",
    "`up` is pressed twice at once"
)]
#[case::nowhere(
    "press: [{buttons: [power], for: 1 s}], from: on, power: on",
    "unfit-value gestures.other.power",
    "turns the device to where it was"
)]
#[case::known_way(
    "press: [{buttons: [power], for: 1 s}], from: on, power: over",
    "unfit-value gestures.other.power",
    "write `power: on` or `power: off`"
)]
#[case::by_itself("automatic: true, from: on", "unfit-value gestures.other.from", "`from` is said of buttons")]
fn a_gesture_says_what_it_does(#[case] gesture: &str, #[case] at: &str, #[case] said: &str) {
    let device = DEVICE.replace("  pairing-mode:", &format!("  other: {{{gesture}}}\n  pairing-mode:"));
    one(&[("jbl/charge-5.yaml", &device)], at, &[said]);
}

#[rstest]
#[case::without_its_mark("", "incomplete gestures.factory-reset", "add `factory-reset: true`")]
#[case::with_it(", factory-reset: true", "", "")]
fn a_reset_is_marked_as_one(#[case] mark: &str, #[case] at: &str, #[case] said: &str) {
    let device = DEVICE.replace("  pairing-mode:", &format!("  factory-reset: {PRESS}{mark}}}\n  pairing-mode:"));
    one(&[("jbl/charge-5.yaml", &device)], at, &[said]);
}

/// The unit with more lines, and its device with a gesture that resets it.
#[rstest]
#[case::usual("buttons: {power: {relay: board, channel: 2}}", "", "")]
#[case::all_of_it(
    "buttons: {power: {relay: board, channel: 2, rest: closed, longest-hold: 20 s, smallest-gap: 1 s}}",
    "",
    ""
)]
#[case::never(
    "buttons: {power: {relay: board, channel: 2, longest-hold: 0 s}}",
    "out-of-range units.charge.buttons.power.longest-hold",
    "at most 1 min"
)]
#[case::for_ever(
    "buttons: {power: {relay: board, channel: 2, longest-hold: 61 s}}",
    "out-of-range units.charge.buttons.power.longest-hold",
    "such as `10 s`"
)]
#[case::rare(
    "buttons: {power: {relay: board, channel: 2, smallest-gap: 2 min}}",
    "out-of-range units.charge.buttons.power.smallest-gap",
    "longest gap"
)]
#[case::left_on(
    "buttons: {power: {relay: board, channel: 2, safe: on}}",
    "unknown-key units.charge.buttons.power.safe",
    ""
)]
#[case::no_channel(
    "buttons: {power: {relay: board, channel: 9}}",
    "dangling-reference units.charge.buttons.power.channel",
    "channel 9 of a board with 4"
)]
#[case::resets("allows-factory-reset: true", "", "")]
#[case::no_battery("without-battery: true", "wrong-reference units.charge.without-battery", "has no battery")]
fn buttons_are_wired_with_limits(#[case] line: &str, #[case] at: &str, #[case] said: &str) {
    let device =
        DEVICE.replace("  pairing-mode:", &format!("  factory-reset: {PRESS}, factory-reset: true}}\n  pairing-mode:"));
    one(&[("lab.yaml", &format!("{RIG}    {line}\n")), ("jbl/charge-5.yaml", &device)], at, &[said]);
}

#[test]
fn resets_are_allowed_only_where_there_are_any() {
    let rig = format!("{RIG}    allows-factory-reset: true\n");
    let at = "wrong-reference units.charge.allows-factory-reset";
    one(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)], at, &["no gesture that is marked as one"]);
}

#[rstest]
#[case::usual("power: {relay: board, channel: 1, longest-on: 10 min, settle: 200 ms}", "", "")]
#[case::never(
    "power: {relay: board, channel: 1, longest-on: 0 s}",
    "out-of-range units.charge.power.longest-on",
    "never on"
)]
#[case::left_on(
    "power: {relay: board, channel: 1, longest-on: 1 s, safe: on}",
    "incomplete units.charge.power.longest-on",
    "`safe: off`"
)]
#[case::for_ever(
    "power: {relay: board, channel: 1, settle: 1 h}",
    "out-of-range units.charge.power.settle",
    "1 min is the longest"
)]
fn a_supply_has_limits_too(#[case] power: &str, #[case] at: &str, #[case] said: &str) {
    let rig = RIG.replace("power: {relay: board, channel: 1}", power);
    one(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)], at, &[said]);
}

/// A scenario that holds a button for five seconds.
#[rstest]
#[case::longer(
    ", longest-hold: 4 s",
    "held-too-long units.charge.buttons.power",
    "holds `power` for 5 s, and 4 s is the longest here"
)]
#[case::just_as_long(", longest-hold: 5 s", "", "")]
#[case::as_usual("", "", "")]
fn a_hold_is_no_longer_than_its_button_allows(#[case] limit: &str, #[case] at: &str, #[case] said: &str) {
    let rig = format!("{RIG}    buttons: {{power: {{relay: board, channel: 2{limit}}}}}\n");
    let scenario = SCENARIO.replace("trial:\n", "trial:\n  - enter-pairing-mode: {unit: speaker}\n");
    let files = [("lab.yaml", rig.as_str()), ("jbl/charge-5.yaml", DEVICE), ("one.yaml", &scenario)];
    one(&files, at, &[said]);
    // What no scenario needs may be as long as it likes.
    one(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE), ("one.yaml", SCENARIO)], "", &[]);
}

fn cut(step: &str) -> String {
    SCENARIO.replace("trial:\n", &format!("trial:\n  - {step}\n"))
}

#[rstest]
#[case::shorter(
    "power-cycle: {unit: speaker, off-for: 2 s}",
    "short-cut trial[0].power-cycle.off-for",
    "`jbl/charge-5` has lost its power only after 10 s, and is cut for 2 s"
)]
#[case::just_as_long("power-cycle: {unit: speaker, off-for: 10 s}", "", "")]
#[case::by_hand("power: {unit: speaker, state: off}", "", "")]
#[case::another("power-cycle: {unit: source, off-for: 2 s}", "", "")]
fn a_supply_is_cut_until_the_power_is_gone(#[case] step: &str, #[case] at: &str, #[case] said: &str) {
    let device = DEVICE.replace("tags: [portable]", "tags: [portable]\ndischarge: 10 s");
    one(&[("lab.yaml", RIG), ("jbl/charge-5.yaml", &device), ("one.yaml", &cut(step))], at, &[said]);
}

#[test]
fn the_shortest_of_several_times_counts() {
    let device = DEVICE.replace("tags: [portable]", "tags: [portable]\ndischarge: 10 s");
    let scenario = cut("power-cycle: {unit: speaker, off-for: $off}");
    let scenario = scenario.replace("trial:\n", "conditions:\n  long: {off: 30 s}\n  short: {off: 9 s}\ntrial:\n");
    let files = [("lab.yaml", RIG), ("jbl/charge-5.yaml", &device), ("one.yaml", &scenario)];
    one(&files, "short-cut trial[0].power-cycle.off-for", &["cut for 9 s", "write `10 s`"]);
}

/// A unit of a hardware rig with a battery, whose supply a scenario cuts.
#[rstest]
#[case::cycle("power-cycle: {unit: speaker, off-for: 2 s}", "", "goes-on-from-battery units.charge.power")]
#[case::off("power: {unit: speaker, state: off}", "", "goes-on-from-battery units.charge.power")]
#[case::only_on("power: {unit: speaker, state: on}", "", "")]
#[case::taken_out("power-cycle: {unit: speaker, off-for: 2 s}", "    without-battery: true\n", "")]
fn a_battery_keeps_a_unit_on(#[case] step: &str, #[case] more: &str, #[case] at: &str) {
    let device = DEVICE.replace("tags: [portable]", "tags: [portable]\nbattery: true");
    let rig = RIG
        .replace("world: simulated", "world: hardware")
        .replace("{channels: 4}", "{channels: 4, lcus: {port: /dev/ttyUSB0}}")
        .replace("{room: room}", "{room: room, alsa: {device: hw, rate: 48000, channels: 2, channel: 1}}");
    let rig = format!("{rig}{more}");
    let said = if at.is_empty() { "" } else { "a cut supply does not turn `charge` off" };
    one(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", &device), ("one.yaml", &cut(step))], at, &[said]);
    // In the simulated world there is a battery only where one is planted.
    let simulated = format!("{RIG}{more}");
    one(&[("lab.yaml", &simulated), ("jbl/charge-5.yaml", &device), ("one.yaml", &cut(step))], "", &[]);
}

#[test]
fn what_is_cut_in_the_end_nobody_relies_on() {
    let device = DEVICE.replace("tags: [portable]", "tags: [portable]\nbattery: true");
    let rig = RIG
        .replace("world: simulated", "world: hardware")
        .replace("{channels: 4}", "{channels: 4, lcus: {port: /dev/ttyUSB0}}")
        .replace("{room: room}", "{room: room, alsa: {device: hw, rate: 48000, channels: 2, channel: 1}}");
    let scenario = SCENARIO.replace("repeat:", "cleanup:\n  - power: {unit: speaker, state: off}\nrepeat:");
    one(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", &device), ("one.yaml", &scenario)], "", &[]);
}

/// The examples of the page about buttons.
#[test]
fn what_the_page_about_buttons_shows_is_understood() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/buttons.md")).expect("a page");
    let blocks: Vec<&str> = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [gestures, wiring] = blocks[..] else { panic!("{} examples", blocks.len()) };
    let header = "device: jbl/charge-5\ntitle: JBL Charge 5\nroles: [a2dp-sink]\ncodecs: [sbc]\nbattery: true\n";
    let device = format!("{header}{gestures}firmware: {{\"1\": {{}}}}\n");
    let unit = wiring.replace("    # ...\n", "    firmware: \"1\"\n    address: \"00:00:00:00:00:02\"\n");
    let rig = format!("rig: lab\ntitle: A lab\nworld: hardware\nrooms: {{room: {{}}}}\n{unit}");
    one(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", &device)], "", &[]);
}
