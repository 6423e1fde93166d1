//! People, voice assistants and phones, and what speaks to them.

use rstest::rstest;

use super::one_fault;
use crate::{DEVICE, RIG, findings};

const ECHO: &str = "\
device: amazon/echo
title: An Echo
roles: [a2dp-source]
codecs: [sbc]
prompts:
  pair: {text: \"Alexa, pair\"}
  connect: {text: \"Alexa, connect to {speaker}\"}
firmware:
  \"1\": {}
";

const LOUDSPEAKER: &str = "{room: room, alsa: {device: hw, rate: 48000, channels: 2}}";

/// A lab with a loudspeaker, and a second unit that is written so.
fn lab(loudspeaker: &str, unit: &str) -> String {
    let real = RIG
        .replace("world: simulated", "world: hardware")
        .replace("{channels: 4}", "{channels: 4, lcus: {port: /dev/ttyUSB0}}")
        .replace("{room: room}", "{room: room, alsa: {device: hw, rate: 48000, channels: 2, channel: 2}}");
    format!(
        "{real}  echo: {{device: amazon/echo, firmware: \"1\", address: \"00:00:00:00:00:03\"{unit}}}\nloudspeakers: {{desk: {loudspeaker}}}\n"
    )
}

fn files<'a>(lab: &'a str, echo: &'a str) -> [(&'a str, &'a str); 3] {
    [("lab.yaml", lab), ("jbl/charge-5.yaml", DEVICE), ("amazon/echo.yaml", echo)]
}

#[rstest]
#[case(", control: voice, spoken-to: {loudspeaker: desk, distance: 0.4 m}")]
#[case(", control: operator, by-hand: [power, pairing-mode]")]
#[case(", control: android, android: {serial: R58M12ABCDE}")]
#[case("")]
fn whoever_is_asked_is_described_whole(#[case] unit: &str) {
    assert_eq!(findings(&files(&lab(LOUDSPEAKER, unit), ECHO)), []);
}

#[rstest]
#[case::nothing_speaks(
    ", control: voice",
    "incomplete 19:85-90 units.echo.control",
    "nothing speaks to it",
    "add `spoken-to`"
)]
#[case::not_spoken_to(
    ", spoken-to: {loudspeaker: desk, distance: 0.4 m}",
    "wrong-reference 19:76-85 units.echo.spoken-to",
    "only a unit with `control: voice`",
    "`control: voice`"
)]
#[case::no_loudspeaker(
    ", control: voice, spoken-to: {loudspeaker: desc, distance: 0.4 m}",
    "dangling-reference 19:117-121 units.echo.spoken-to.loudspeaker",
    "there is no loudspeaker `desc`",
    "did you mean `desk`?"
)]
#[case::no_phone(", control: android", "incomplete 19:85-92 units.echo.control", "no phone is named", "`adb devices`")]
#[case::no_phone_at_all(
    ", android: {serial: R58M12ABCDE}",
    "wrong-reference 19:76-83 units.echo.android",
    "only a unit with `control: android`",
    "`control: android`"
)]
#[case::twice(
    ", by-hand: [power, power]",
    "repeated-value 19:76-83 units.echo.by-hand",
    "`power` stands there twice",
    "delete"
)]
fn what_they_need_is_asked_for(#[case] unit: &str, #[case] at: &str, #[case] message: &str, #[case] suggestion: &str) {
    one_fault(&files(&lab(LOUDSPEAKER, unit), ECHO), at, message, suggestion);
}

#[rstest]
#[case::room(
    "{room: rom, alsa: {device: hw, rate: 48000, channels: 2}}",
    "dangling-reference",
    "there is no room `rom`"
)]
#[case::louder(
    "{room: room, level: 3 dB, alsa: {device: hw, rate: 48000, channels: 2}}",
    "out-of-range",
    "cut off at the top"
)]
#[case::no_device("{room: room, alsa: {rate: 48000, channels: 2}}", "not-exactly-one", "no device is named")]
#[case::two_devices(
    "{room: room, alsa: {device: hw, usb: \"1-2\", rate: 48000, channels: 2}}",
    "not-exactly-one",
    "named already"
)]
#[case::pcm("{room: room, alsa: {device: hw, pcm: 1, rate: 48000, channels: 2}}", "incomplete", "no port is named")]
#[case::rate("{room: room, alsa: {device: hw, rate: 8000, channels: 2}}", "unknown-word", "8000")]
fn a_loudspeaker_is_one_device_in_a_room(#[case] loudspeaker: &str, #[case] code: &str, #[case] message: &str) {
    let found = findings(&files(&lab(loudspeaker, ""), ECHO));
    assert_eq!(found.iter().map(|f| f.code.name()).collect::<Vec<_>>(), [code], "{found:#?}");
    assert!(found[0].message.contains(message), "{}", found[0].message);
}

#[rstest]
#[case::nothing("  pair: {}", "not-exactly-one", "it says nothing")]
#[case::both("  pair: {text: Pair, wav: pair.wav}", "not-exactly-one", "both spoken and recorded")]
#[case::unknown("  pair: {text: \"Connect {speeker}\"}", "dangling-reference", "`{speeker}` stands for nothing")]
#[case::open("  pair: {text: \"Connect {speaker\"}", "dangling-reference", "`{speaker` stands for nothing")]
fn a_prompt_has_words_or_a_recording(#[case] prompt: &str, #[case] code: &str, #[case] message: &str) {
    let echo = ECHO.replace("  pair: {text: \"Alexa, pair\"}", prompt);
    let found = findings(&files(&lab(LOUDSPEAKER, ""), &echo));
    assert_eq!(found.iter().map(|f| f.code.name()).collect::<Vec<_>>(), [code], "{found:#?}");
    assert!(found[0].message.contains(message), "{}", found[0].message);
}

#[test]
fn nobody_lays_hands_on_what_is_simulated() {
    let rig = format!("{RIG}    by-hand: [pairing-mode]\n");
    one_fault(
        &[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)],
        "wrong-world 19:5-12 units.charge.by-hand",
        "nobody can lay hands on",
        "world: hardware",
    );
}

#[test]
fn a_supply_has_one_switch() {
    let rig = lab(LOUDSPEAKER, "").replace(
        "    power: {relay: board, channel: 1}",
        "    power: {relay: board, channel: 1}\n    by-hand: [power]",
    );
    one_fault(
        &files(&rig, ECHO),
        "not-exactly-one 18:5-12 units.charge.by-hand",
        "switched by a relay already",
        "let a person do it",
    );
}

#[test]
fn nobody_looks_at_what_is_simulated() {
    let rig = format!("{RIG}    verify: {{operator: {{at: the label}}}}\n");
    one_fault(
        &[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)],
        "wrong-world 19:14-22 units.charge.verify.operator",
        "nobody can look at",
        "in another way",
    );
}
