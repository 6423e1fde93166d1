//! Relay boards.

use rstest::rstest;

use super::one_fault;
use crate::{DEVICE, RIG, findings};

/// The board of a hardware rig, on line 9.
fn with_board(board: &str) -> String {
    RIG.replace("world: simulated", "world: hardware")
        .replace("  board: {channels: 4}", &format!("  board: {board}"))
        .replace("{room: room}", "{room: room, alsa: {device: hw, rate: 48000, channels: 2, channel: 2}}")
}

#[rstest]
#[case("{channels: 4, lcus: {port: /dev/ttyUSB0}}")]
#[case("{channels: 4, lcus: {usb: \"1-4.2\", usb-id: \"1a86:7523\", reports: text}}")]
#[case("{channels: 4, lcus: {serial: A9079L5D, usb-id: \"1a86:7523\"}}")]
#[case("{channels: 4, lcus: {usb: \"1-4.2\", serial: A9079L5D}}")]
#[case("{channels: 8, modbus-rtu: {port: /dev/ttyUSB0, address: 3, baud: 115200, pulses: true}}")]
#[case("{channels: 32, numato: {serial: NL1}}")]
#[case("{channels: 4, kmtronic: {port: /dev/ttyUSB0}}")]
#[case("{channels: 8, devantech: {port: /dev/ttyACM0, model: rly16l}}")]
#[case("{channels: 8, devantech: {port: /dev/ttyACM0, model: rly16, pulses: true, number: \"00001234\"}}")]
#[case("{channels: 8, k8090: {port: /dev/ttyACM0}}")]
#[case("{channels: 24, conrad: {port: /dev/ttyUSB0}}")]
#[case("{channels: 16, sainsmart: {port: /dev/ttyUSB0, reports: true}}")]
#[case("{channels: 4, dlp-ior4: {port: /dev/ttyUSB0}}")]
#[case("{channels: 4, icstation: {port: /dev/ttyUSB0, state-after-open: assumed}}")]
#[case("{channels: 2, dcttech: {usb: \"1-4.2\"}}")]
#[case("{channels: 2, dcttech: {serial: HURTM}}")]
fn every_family_can_be_written(#[case] board: &str) {
    assert_eq!(findings(&[("lab.yaml", &with_board(board)), ("jbl/charge-5.yaml", DEVICE)]), []);
}

#[rstest]
#[case::none("{channels: 4}", "wrong-world 9:3-8 relays.board", "needs a family", "such as `lcus`")]
#[case::two(
    "{channels: 4, lcus: {port: /dev/a}, kmtronic: {port: /dev/b}}",
    "not-exactly-one 9:46-54 relays.board.kmtronic",
    "of the family `lcus` already",
    "keep the one that it is"
)]
#[case::nowhere(
    "{channels: 4, lcus: {reports: text}}",
    "not-exactly-one 9:24-28 relays.board.lcus",
    "where the board is",
    "add `port`"
)]
#[case::hid_nowhere(
    "{channels: 4, dcttech: {}}",
    "not-exactly-one 9:24-31 relays.board.dcttech",
    "where the board is",
    "add `usb`"
)]
#[case::twice(
    "{channels: 4, lcus: {port: /dev/a, usb: \"1-4\"}}",
    "not-exactly-one 9:50-55 relays.board.lcus.usb",
    "named already by `port`",
    "keep `usb`, or `port`"
)]
#[case::kind_of_a_path(
    "{channels: 4, lcus: {port: /dev/a, usb-id: \"1a86:7523\"}}",
    "incomplete 9:53-64 relays.board.lcus.usb-id",
    "`port` names a path",
    "delete `usb-id`"
)]
#[case::number_of_a_path(
    "{channels: 4, lcus: {port: /dev/a, serial: A1}}",
    "incomplete 9:53-55 relays.board.lcus.serial",
    "`port` names a path",
    "delete `serial`"
)]
#[case::size(
    "{channels: 4, k8090: {port: /dev/a}}",
    "out-of-range 9:21-22 relays.board.channels",
    "no board of the family `k8090` has 4 channels",
    "though not all of them are wired: 8"
)]
#[case::not_assumed(
    "{channels: 4, icstation: {port: /dev/a}}",
    "missing-key 9:24-33 relays.board.icstation",
    "state-after-open",
    ""
)]
#[case::no_model("{channels: 8, devantech: {port: /dev/a}}", "missing-key 9:24-33 relays.board.devantech", "model", "")]
fn a_board_that_makes_no_sense_is_explained(
    #[case] board: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    one_fault(&[("lab.yaml", &with_board(board)), ("jbl/charge-5.yaml", DEVICE)], at, message, suggestion);
}

#[rstest]
#[case("lcus: {usb: \"1-4\"}", "numato: {usb: \"1-4\"}", "shared-port 10:38-43 relays.other.numato.usb")]
#[case("lcus: {serial: A1}", "numato: {serial: A1}", "shared-port 10:41-43 relays.other.numato.serial")]
fn two_boards_in_one_place_are_a_fault(#[case] one: &str, #[case] other: &str, #[case] at: &str) {
    let rig = with_board(&format!("{{channels: 4, {one}}}\n  other: {{channels: 4, {other}}}"));
    let found = findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)]);
    assert!(found.iter().any(|fault| crate::place(fault) == at), "{found:#?}");
}

/// What the page on relay boards tells to write.
#[test]
fn the_boards_of_the_documentation_are_boards() {
    let page = include_str!("../../../../../docs/relay-boards.md");
    let (_, behind) = page.split_once("```yaml\n").expect("an example");
    let (example, _) = behind.split_once("```").expect("its end");
    let boards: Vec<&str> = example.lines().filter_map(|line| line.split_once(": {").map(|(_, board)| board)).collect();
    assert_eq!(boards.len(), 11, "one of each family");
    for board in boards {
        let found = findings(&[("lab.yaml", &with_board(&format!("{{{board}"))), ("jbl/charge-5.yaml", DEVICE)]);
        assert_eq!(found, [], "{board}");
    }
}
