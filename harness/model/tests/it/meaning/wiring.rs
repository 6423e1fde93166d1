//! Ports, channels and buttons.

use rstest::rstest;

use super::one_fault;
use crate::{DEVICE, RIG, SCENARIO, findings, place};

/// Brings the speaker into pairing mode.
fn scenario() -> String {
    SCENARIO.replace("trial:\n", "trial:\n  - enter-pairing-mode: {unit: speaker}\n")
}

/// Its pairing mode needs two buttons.
fn device() -> String {
    DEVICE.replace("[power]", "[power, volume-up]")
}

fn wired(buttons: &str) -> String {
    format!("{RIG}    buttons: {{{buttons}}}\n")
}

const POWER: &str = "power: {relay: board, channel: 2}";
const UP: &str = "volume-up: {relay: board, channel: 3}";

#[test]
fn a_gesture_that_a_scenario_needs_and_a_unit_is_not_wired_for_is_a_fault_of_the_rig() {
    let (rig, scenario, device) = (wired(POWER), scenario(), device());
    let files = [("lab.yaml", rig.as_str()), ("jbl/charge-5.yaml", &device), ("one.yaml", &scenario)];
    one_fault(
        &files,
        "unwired-button 19:5-12 units.charge.buttons",
        "the gesture `pairing-mode` of `jbl/charge-5` presses `volume-up`, which is not wired",
        "add `volume-up` to `buttons`",
    );
    let label = &findings(&files)[0].labels[0];
    assert_eq!((label.path.to_str(), label.position.line), (Some("one.yaml"), 7));
}

#[test]
fn a_misspelt_button_is_recognised() {
    let (rig, scenario, device) =
        (wired(&format!("{POWER}, volumeup: {{relay: board, channel: 3}}")), scenario(), device());
    let files = [("lab.yaml", rig.as_str()), ("jbl/charge-5.yaml", &device), ("one.yaml", &scenario)];
    one_fault(&files, "unwired-button 19:5-12 units.charge.buttons", "`volume-up`", "where `volumeup` is wired");
}

#[rstest]
#[case::everything_is_wired(wired(&format!("{POWER}, {UP}")), scenario())]
#[case::nothing_is_wired(RIG.to_owned(), scenario())]
#[case::no_scenario_needs_it(wired(POWER), SCENARIO.to_owned())]
#[case::the_scenario_chooses_other_firmware(wired(POWER), scenario().replace("role: a2dp-sink", "role: a2dp-sink, firmware: [\"1.1.0\"]"))]
fn a_rig_that_can_do_what_is_asked_has_no_fault(#[case] rig: String, #[case] scenario: String) {
    assert_eq!(findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", &device()), ("one.yaml", &scenario)]), []);
}

#[test]
fn two_units_on_one_channel_are_a_fault_whether_power_or_button() {
    let second = "  other:
    device: jbl/charge-5
    firmware: 1.1.0
    address: \"00:00:00:00:00:03\"
";
    for output in ["power: {relay: board, channel: 1}", "buttons: {power: {relay: board, channel: 1}}"] {
        let rig = format!("{RIG}{second}    {output}\n");
        let found = findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)]);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(place(&found[0]).starts_with("shared-channel 23:"), "{found:#?}");
        assert_eq!(found[0].labels[0].position.line, 17);
    }
}

#[test]
fn two_boards_on_one_port_and_two_microphones_on_one_channel_are_faults() {
    let rig = RIG
        .replace("world: simulated", "world: hardware")
        .replace(
            "  board: {channels: 4}",
            "  board: {channels: 4, lcus: {port: /dev/ttyUSB0}}\n  again: {channels: 4, lcus: {port: /dev//ttyUSB0}}",
        )
        .replace(
            "  bench: {room: room}",
            "  bench: {room: room, alsa: {device: hw, rate: 48000, channels: 2, channel: 1}}
  right: {room: room, alsa: {device: hw, rate: 48000, channels: 2, channel: 2}}
  again: {room: room, alsa: {device: hw, rate: 48000, channels: 2, channel: 2}}",
        );
    let found = findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)]);
    assert_eq!(
        found.iter().map(place).collect::<Vec<_>>(),
        ["shared-port 10:37-50 relays.again.lcus.port", "shared-port 14:38-40 microphones.again.alsa.device"]
    );
}

#[rstest::rstest]
#[case::two_dongles("{address: \"00:00:00:00:00:09\", usb: \"1-2\"}", "1-9", "shared-port dongles.other.usb")]
#[case::dongle_and_microphone("{address: \"00:00:00:00:00:09\"}", "1-2", "shared-port microphones.bench.alsa.usb")]
#[case::behind_a_dongle("{address: \"00:00:00:00:00:09\"}", "1-2.1", "shared-port microphones.bench.alsa.usb")]
#[case::a_hub("{address: \"00:00:00:00:00:09\", usb: \"1-9\"}", "1-9.2.3", "shared-port microphones.bench.alsa.usb")]
#[case::neighbours("{address: \"00:00:00:00:00:09\", usb: \"1-22\"}", "1-21.3", "")]
fn one_thing_is_plugged_into_one_usb_port(#[case] other: &str, #[case] microphone: &str, #[case] found: &str) {
    let rig = RIG
        .replace("world: simulated", "world: hardware")
        .replace("{channels: 4}", "{channels: 4, lcus: {port: /dev/ttyUSB0}}")
        .replace(
            "{address: \"00:00:00:00:00:01\"}",
            &format!("{{address: \"00:00:00:00:00:01\", usb: \"1-2\"}}\n  other: {other}"),
        )
        .replace(
            "  bench: {room: room}",
            &format!(
                "  bench: {{room: room, alsa: {{usb: \"{microphone}\", rate: 48000, channels: 2, channel: 1}}}}
  right: {{room: room, alsa: {{device: hw, rate: 48000, channels: 2, channel: 2}}}}"
            ),
        );
    let findings = findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)]);
    let told: Vec<String> = findings.iter().map(|f| format!("{} {}", f.code, f.document_path)).collect();
    assert_eq!(told, if found.is_empty() { vec![] } else { vec![found.to_owned()] }, "{findings:#?}");
}

#[test]
fn the_channels_of_one_card_are_several_microphones_each_once() {
    let alsa = |channel: u8| format!("alsa: {{usb: \"1-2\", rate: 48000, channels: 2, channel: {channel}}}");
    let of = |second: u8| {
        RIG.replace("world: simulated", "world: hardware")
            .replace("{channels: 4}", "{channels: 4, lcus: {port: /dev/ttyUSB0}}")
            .replace(
                "  bench: {room: room}",
                &format!("  bench: {{room: room, {}}}\n  right: {{room: room, {}}}", alsa(1), alsa(second)),
            )
    };
    assert_eq!(findings(&[("lab.yaml", &of(2)), ("jbl/charge-5.yaml", DEVICE)]), []);
    let found = findings(&[("lab.yaml", &of(1)), ("jbl/charge-5.yaml", DEVICE)]);
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), ["shared-port 12:35-40 microphones.right.alsa.usb"]);
    assert!(found[0].message.contains("channel 1 of `PCM 0 at USB port 1-2` is a microphone already"));
}
