//! Documents of devices, made of what is said.

use std::fs;

use rstest::rstest;

use crate::user::Home;

const ID: &str = "acme/boom-2";
const FILE: &str = "devices/acme/boom-2.yaml";

fn new(home: &Home, more: &[&str]) -> crate::user::Done {
    home.rigtone(&[&["device", "new"], more].concat())
}

/// What is said has its source, what is not said is unknown, and nothing has to be mended.
#[test]
fn a_document_of_options_passes_and_marks_what_nobody_said() {
    let home = Home::empty();
    let said = [
        ID,
        "--title",
        "Acme Boom 2: the loud one",
        "--role",
        "a2dp-sink",
        "--codec",
        "aac",
        "--tag",
        "speaker",
        "--battery",
        "yes",
        "--pairing-mode",
        "power+volume-up 5 s",
        "--firmware",
        "1.10",
        "--source",
        "its manual, page 7",
    ];
    new(&home, &said).with_code(0).says(&[FILE]);
    home.rigtone(&["check", "devices"]).with_code(0).says(&["1 device,", "no faults"]);
    let text = fs::read_to_string(home.path(FILE)).unwrap();
    for line in [
        "title: \"Acme Boom 2: the loud one\"",
        "codecs: [sbc, aac]",
        "battery: true",
        "\"1.10\": {}",
        "  codecs.sbc: {mark: known, from: [a2dp]}",
        "  codecs.aac: {mark: known, from: [said]}",
        "  codecs.other: {mark: unknown}",
        "  air-name: {mark: unknown}",
        "  boot: {mark: unknown}",
        "  power: {mark: unknown}",
        "  gestures.pairing-mode: {mark: known, from: [said]}",
        "  said: \"its manual, page 7\"",
    ] {
        assert!(text.contains(line), "`{line}` is not in\n{text}");
    }
    assert!(!text.contains("\nboot:") && !text.contains("\npower:"), "what nobody said is not stated\n{text}");
}

/// Nobody vouches for it: it is an estimate.
#[test]
fn what_has_no_source_is_an_estimate() {
    let home = Home::empty();
    new(&home, &[ID, "--title", "Boom", "--role", "a2dp-sink", "--boot", "3 s", "--devices", "models"]).with_code(0);
    let text = fs::read_to_string(home.path("models/acme/boom-2.yaml")).unwrap();
    assert!(text.contains("  boot: {mark: estimate}") && text.contains("  firmware: {mark: unknown}"), "{text}");
    home.rigtone(&["check", "models"]).with_code(0).says(&["no faults"]);
}

#[test]
fn a_document_that_is_there_stays_as_it_is() {
    let home = Home::new();
    let before = fs::read_to_string(home.path("devices/jbl/charge-5.yaml")).unwrap();
    new(&home, &["jbl/charge-5", "--title", "Mine", "--role", "a2dp-sink"]).with_code(2).says(&["is there already"]);
    assert_eq!(fs::read_to_string(home.path("devices/jbl/charge-5.yaml")).unwrap(), before);
}

#[rstest]
#[case::nobody_to_ask(&[ID], "--title and --role: not given, and there is nobody at a terminal")]
#[case::no_role(&[ID, "--title", "Boom"], "--role: not given")]
#[case::no_id(&["Boom", "--title", "Boom", "--role", "a2dp-sink"], "is no id of a device")]
#[case::out_of_the_folder(&["../boom", "--title", "Boom", "--role", "a2dp-sink"], "is no id of a device")]
#[case::no_such_role(&[ID, "--title", "Boom", "--role", "speaker"], "`speaker` is not one of")]
#[case::no_gesture(&[ID, "--title", "Boom", "--role", "a2dp-sink", "--pairing-mode", "power"], "is no gesture")]
#[case::cells_without_a_battery(&[ID, "--title", "Boom", "--role", "a2dp-sink", "--power", "cells"], "does not go on from a battery")]
#[case::dongle_without_rig(&[ID, "--from-dongle", "hci"], "--rig")]
#[case::simulated(
    &[ID, "--from-dongle", "hci", "--rig", "rigs/simulated.yaml", "--address", "04:21:44:00:00:01"],
    "is a simulated one: its dongles see no device of the market"
)]
#[case::no_address(&[ID, "--from-dongle", "hci", "--rig", "rigs/simulated.yaml", "--address", "04:21"], "is not a Bluetooth address")]
fn what_makes_no_document_is_refused_and_leaves_none(#[case] said: &[&str], #[case] why: &str) {
    let home = Home::new();
    new(&home, said).with_code(2).says(&[why]);
    assert!(!home.path(FILE).exists());
}
