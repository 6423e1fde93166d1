//! Drivers that a rig's document states: power switches on the network, and programs of the lab.

use rstest::rstest;

use super::one_fault;
use crate::{DEVICE, RIG, findings, with_line};

/// The rig of hardware, with that board.
fn real(board: &str) -> String {
    RIG.replace("world: simulated", "world: hardware")
        .replace("board: {channels: 4}", &format!("board: {board}"))
        .replace("{room: room}", "{room: room, alsa: {device: hw, rate: 48000, channels: 2, channel: 2}}")
}

const BOARD: &str = "{channels: 4, lcus: {port: /dev/ttyUSB0}}";

#[rstest]
#[case("{channels: 2, shelly-gen1: {host: 10.0.0.1, login: {user: admin, password: {from-env: PLUG}}}}")]
#[case("{channels: 1, shelly-gen2: {host: \"plug-2.lab:8080\"}}")]
#[case("{channels: 1, tasmota: {host: \"[fe80::1]\", login: {user: admin, password: {from-file: /etc/plug}}}}")]
#[case("{channels: 4, netio: {host: 10.0.0.1}}")]
#[case("{channels: 8, sainsmart-web: {host: 10.0.0.1}}")]
#[case("{channels: 1, http: {on: \"http://h/on\", off: \"http://h/off\"}}")]
#[case(
    "{channels: 2, http: {on: \"http://h/on/{index}\", off: \"http://h/off?{channel}\", method: post, state: {url: \"http://h/\", says-on: \"{channel}: up\", says-off: \"{channel}: down\"}}}"
)]
#[case("{channels: 2, snmp: {host: h, version: v2c, community: {from-env: C}, preset: apc-rack-pdu}}")]
#[case(
    "{channels: 2, snmp: {host: h, community: {from-env: C}, outlet: {oid: \"1.3.6.1.4.1.1.{channel}\", on: 1, off: 0}}}"
)]
#[case("{channels: 20, devantech-eth: {host: h, password: {from-env: P}}}")]
#[case("{channels: 4, usb-hub: {usb: 1-2}}")]
#[case("{channels: 4, usb-hub: {usb: usb1}}")]
#[case("{channels: 4, command: {program: [/opt/lab/strip], within: 3 s}}")]
fn a_board_is_named_by_its_family(#[case] board: &str) {
    let found = findings(&[("lab.yaml", &real(board)), ("jbl/charge-5.yaml", DEVICE)]);
    // What is wired to channels that the board has not is another matter.
    let found: Vec<_> = found.iter().filter(|d| d.code.name() != "dangling-reference").collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// What the page tells to write.
#[test]
fn the_switches_of_the_documentation_are_boards() {
    let page = include_str!("../../../../../docs/network-power.md");
    let (_, behind) = page.split_once("```yaml\n").expect("an example");
    let (example, _) = behind.split_once("```").expect("its end");
    let boards: Vec<&str> = example.lines().filter_map(|line| line.split_once(": {").map(|(_, board)| board)).collect();
    assert_eq!(boards.len(), 10, "one of each family, and two by SNMP");
    for board in boards {
        let found = findings(&[("lab.yaml", &real(&format!("{{{board}"))), ("jbl/charge-5.yaml", DEVICE)]);
        assert!(found.is_empty(), "{board}: {found:#?}");
    }
}

#[rstest]
#[case::same_for_all(
    "{channels: 4, http: {on: \"http://h/on\", off: \"http://h/off/{channel}\"}}",
    "unfit-value 9:35-48 relays.board.http.on",
    "the same for all 4 channels",
    "`{channel}`"
)]
#[case::turns_over(
    "{channels: 4, http: {on: \"http://h/{channel}\", off: \"http://h/{channel}\"}}",
    "unfit-value 9:62-82 relays.board.http.off",
    "the same address switches on and off",
    "nothing but switch off"
)]
#[case::same_answer(
    "{channels: 1, http: {on: \"http://h/1\", off: \"http://h/0\", state: {url: \"http://h/\", says-on: \"on\", says-off: \"on!\"}}}",
    "unfit-value 9:119-124 relays.board.http.state.says-off",
    "cannot be told apart",
    "more of the answer"
)]
#[case::no_object(
    "{channels: 4, snmp: {host: h, community: {from-env: C}}}",
    "not-exactly-one 9:24-28 relays.board.snmp",
    "does not say what switches an outlet",
    "`preset`"
)]
#[case::two_objects(
    "{channels: 4, snmp: {host: h, community: {from-env: C}, preset: apc-rack-pdu, outlet: {oid: \"1.3.{channel}\", on: 1, off: 2}}}",
    "not-exactly-one 9:88-94 relays.board.snmp.outlet",
    "known already",
    "keep `preset`"
)]
#[case::same_object(
    "{channels: 4, snmp: {host: h, community: {from-env: C}, outlet: {oid: \"1.3.6\", on: 1, off: 2}}}",
    "unfit-value 9:80-87 relays.board.snmp.outlet.oid",
    "the same for all 4 channels",
    "`{channel}`"
)]
#[case::same_value(
    "{channels: 4, snmp: {host: h, community: {from-env: C}, outlet: {oid: \"1.3.{channel}\", on: 1, off: 1}}}",
    "unfit-value 9:109-110 relays.board.snmp.outlet.off",
    "the same value",
    "nothing but switch off"
)]
#[case::too_patient(
    "{channels: 4, command: {program: [x], within: 20 s}}",
    "out-of-range 9:56-60 relays.board.command.within",
    "at most 10 s",
    "`5 s`"
)]
fn a_board_that_cannot_be_switched_is_explained(
    #[case] board: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    one_fault(&[("lab.yaml", &real(board)), ("jbl/charge-5.yaml", DEVICE)], at, message, suggestion);
}

#[rstest]
#[case::https("{channels: 1, http: {on: \"https://h/1\", off: \"http://h/0\"}}", "relays.board.http.on")]
#[case::clear_text(
    "{channels: 1, netio: {host: h, login: {user: a, password: geheim}}}",
    "relays.board.netio.login.password"
)]
#[case::two_places(
    "{channels: 1, devantech-eth: {host: h, password: {from-env: A, from-file: /b}}}",
    "relays.board.devantech-eth.password"
)]
#[case::nowhere("{channels: 1, devantech-eth: {host: h, password: {}}}", "relays.board.devantech-eth.password")]
#[case::no_community("{channels: 1, snmp: {host: h, preset: apc-rack-pdu}}", "relays.board.snmp")]
#[case::address_as_host("{channels: 1, shelly-gen1: {host: \"http://10.0.0.1/\"}}", "relays.board.shelly-gen1.host")]
#[case::no_port("{channels: 1, usb-hub: {usb: hub}}", "relays.board.usb-hub.usb")]
#[case::no_program("{channels: 1, command: {program: []}}", "relays.board.command.program")]
fn what_is_no_board_at_all_is_refused(#[case] board: &str, #[case] path: &str) {
    let found = findings(&[("lab.yaml", &real(board)), ("jbl/charge-5.yaml", DEVICE)]);
    assert!(found.iter().any(|d| crate::place(d).contains(path)), "{found:#?}");
}

#[rstest]
#[case::no_program(
    "    control: command",
    "incomplete 18:14-21 units.charge.control",
    "no program is named",
    "docs/command.md"
)]
#[case::no_orders(
    "    command: {program: [x], can: [pairing]}",
    "incomplete 18:5-12 units.charge.command",
    "its program gets no orders",
    "`control: command`"
)]
#[case::too_patient(
    "    control: command\n    command: {program: [x], can: [pairing], starts-within: 2 min}",
    "out-of-range 19:60-65 units.charge.command.starts-within",
    "at most 1 min",
    "`5 s`"
)]
fn a_program_without_orders_is_explained(
    #[case] by: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    let real = with_line(&real(BOARD), 18, by);
    one_fault(&[("lab.yaml", &real), ("jbl/charge-5.yaml", DEVICE)], at, message, suggestion);
}

#[test]
fn a_simulated_rig_runs_no_program() {
    let rig = with_line(RIG, 18, "    control: command\n    command: {program: [x], can: [pairing]}");
    let at = "wrong-world 19:5-12 units.charge.command";
    one_fault(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)], at, "runs no program", "world: hardware");
}

/// What the page on programs tells to write.
#[test]
fn the_programs_of_the_documentation_are_a_rig() {
    let page = include_str!("../../../../../docs/command.md");
    let blocks: Vec<&str> = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 2, "a switch and a source");
    let rig = format!("rig: lab\ntitle: A lab\nworld: hardware\nrooms:\n  room: {{}}\n{}", blocks.concat());
    let phone = "device: acme/phone\ntitle: A phone\nroles: [a2dp-source]\ncodecs: [sbc]\nfirmware:\n  \"14\": {}\n";
    let found = findings(&[("lab.yaml", &rig), ("acme/phone.yaml", phone)]);
    assert!(found.is_empty(), "{found:#?}");
}
