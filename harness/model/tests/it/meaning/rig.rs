//! Rigs and devices.

use rstest::rstest;

use super::one_fault;
use crate::{DEVICE, RIG, findings, place, with_line};

#[rstest]
#[case::device(
    14,
    "    device: jbl/charge-4",
    "dangling-reference 14:13-25 units.charge.device",
    "there is no device `jbl/charge-4`",
    "did you mean `jbl/charge-5`?"
)]
#[case::firmware(
    15,
    "    firmware: 1.0.9",
    "dangling-reference 15:15-20 units.charge.firmware",
    "there is no firmware of `jbl/charge-5` called `1.0.9`",
    "`1.0.6`, `1.1.0`"
)]
#[case::room(
    11,
    "  bench: {room: rooom}",
    "dangling-reference 11:17-22 microphones.bench.room",
    "there is no room `rooom`",
    "did you mean `room`?"
)]
#[case::relay(
    17,
    "    power: {relay: bored, channel: 1}",
    "dangling-reference 17:20-25 units.charge.power.relay",
    "there is no relay board `bored`",
    "there are `board`"
)]
#[case::channel(
    17,
    "    power: {relay: board, channel: 5}",
    "dangling-reference 17:36-37 units.charge.power.channel",
    "channel 5 of a board with 4",
    "from 1 to 4"
)]
#[case::microphone(
    18,
    "    heard-by: {banch: {distance: 0.3 m}}",
    "dangling-reference 18:16-21 units.charge.heard-by.banch",
    "there is no microphone `banch`",
    "did you mean `bench`?"
)]
#[case::shared_channel(
    18,
    "    buttons: {power: {relay: board, channel: 1}}",
    "shared-channel 18:15-20 units.charge.buttons.power",
    "channel 1 of `board` is wired already",
    "another channel"
)]
#[case::dongle(
    18,
    "    dongle: hcy",
    "dangling-reference 18:13-16 units.charge.dongle",
    "there is no dongle `hcy`",
    "did you mean `hci`?"
)]
#[case::address(
    16,
    "    address: \"00:00:00:00:00:01\"",
    "duplicate-address 16:14-33 units.charge.address",
    "belongs to `hci` already",
    "the device itself shows"
)]
#[case::real_microphone(
    11,
    "  bench: {room: room, alsa: {device: hw, rate: 48000, channels: 1, channel: 1}}",
    "wrong-world 11:23-27 microphones.bench.alsa",
    "a simulated rig has no real microphone",
    "world: hardware"
)]
#[case::real_board(
    9,
    "  board: {channels: 4, lcus: {port: /dev/ttyUSB0}}",
    "wrong-world 9:24-28 relays.board.lcus",
    "a simulated rig has no real relay board",
    "world: hardware"
)]
#[case::no_day(
    18,
    "    verify: {declared: {on: 2026-02-30}}",
    "unfit-value 18:29-39 units.charge.verify.declared.on",
    "there is no day `2026-02-30`",
    "such as `2026-11-01`"
)]
#[case::too_patient(
    18,
    "    verify: {command: {program: [x], within: 5 min}}",
    "out-of-range 18:46-51 units.charge.verify.command.within",
    "at most 1 min",
    "such as `10 s`"
)]
#[case::updated_to_nothing(
    18,
    "    simulated: {runs-from: 3 s}",
    "incomplete 18:28-31 units.charge.simulated.runs-from",
    "does not say what the unit runs",
    "add `runs`"
)]
#[case::deafened_the_wrong_way(
    18,
    "    simulated: {assistant: {deafened: {half: 70 dB SPL, slope: 0 dB}}}",
    "out-of-range 18:64-68 units.charge.simulated.assistant.deafened.slope",
    "and not less",
    "such as `2 dB`"
)]
#[case::battery(
    18,
    "    simulated: {battery: 8 h}",
    "wrong-reference 18:26-29 units.charge.simulated.battery",
    "the device `jbl/charge-5` has no battery",
    "`battery: true`"
)]
fn a_rig_that_makes_no_sense_is_explained(
    #[case] line: usize,
    #[case] by: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    one_fault(&[("lab.yaml", &with_line(RIG, line, by)), ("jbl/charge-5.yaml", DEVICE)], at, message, suggestion);
}

#[rstest]
#[case::unit(
    "    simulated: {silent: true}",
    "wrong-world 18:5-14 units.charge.simulated",
    "a unit of a hardware rig is not simulated"
)]
#[case::faults("faults: [{disk-full: {}}]", "wrong-world 18:1-7 faults", "faults are planted in simulated rigs alone")]
#[case::no_dongle("    control: endpoint", "missing-dongle 18:14-22 units.charge.control", "needs a dongle")]
fn a_hardware_rig_is_no_simulated_one(#[case] by: &str, #[case] at: &str, #[case] message: &str) {
    let real = with_line(RIG, 18, by)
        .replace("world: simulated", "world: hardware")
        .replace("{channels: 4}", "{channels: 4, lcus: {port: /dev/ttyUSB0}}")
        .replace("{room: room}", "{room: room, alsa: {device: hw, rate: 48000, channels: 2, channel: 2}}");
    one_fault(&[("lab.yaml", &real), ("jbl/charge-5.yaml", DEVICE)], at, message, "");
}

/// One case for each way in which a planted fault can speak of nothing.
#[rstest]
#[case::relay(
    "relay-sticks: {relay: bored, channel: 1}",
    "relay-sticks.relay",
    "relay board `bored`",
    "there are `board`"
)]
#[case::channel(
    "relay-answers-late: {relay: board, channel: 5, by: 2 s}",
    "relay-answers-late.channel",
    "channel 5 of a board with 4",
    "from 1 to 4"
)]
#[case::dongle("dongle-gone: {dongle: hcy}", "dongle-gone.dongle", "dongle `hcy`", "did you mean `hci`?")]
#[case::microphone(
    "microphone-noisy: {microphone: banch}",
    "microphone-noisy.microphone",
    "microphone `banch`",
    "did you mean `bench`?"
)]
#[case::unit("disk-full: {}, in: {unit: chargee}", "in.unit", "unit `chargee`", "did you mean `charge`?")]
#[case::scenario("disk-full: {}, in: {scenario: onne}", "in.scenario", "scenario `onne`", "did you mean `one`?")]
#[case::step("disk-full: {}, in: {step: conect}", "in.step", "step `conect`", "did you mean `connect`?")]
#[case::step_of_a_scenario(
    "disk-full: {}, in: {scenario: one, step: forget}",
    "in.step",
    "step `forget`",
    "there are `discover`, `pair`, `play`"
)]
fn a_fault_that_refers_to_nothing_is_explained(
    #[case] fault: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    let rig = format!("{RIG}faults: [{{{fault}}}]\n");
    let found = findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE), ("one.yaml", crate::SCENARIO)]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].code.name(), &*found[0].document_path), ("dangling-reference", &*format!("faults[0].{at}")));
    assert!(found[0].message.contains(message), "{}", found[0].message);
    let given = found[0].suggestion.as_deref().unwrap_or_default();
    assert!(given.contains(suggestion), "{given}");
}

#[rstest]
#[case::of_two_kinds("disk-full: {}, daemon-restarts: {}", "not-exactly-one")]
#[case::of_no_kind("lasting: 3 s", "not-exactly-one")]
#[case::with_two_beginnings("disk-full: {}, from: 3 s, in: {step: pair}", "not-exactly-one")]
#[case::after_nothing("disk-full: {}, after: 3 s", "incomplete")]
#[case::on_channel_zero("relay-sticks: {relay: board, channel: 0}", "out-of-range")]
fn a_fault_has_one_kind_and_one_beginning(#[case] fault: &str, #[case] code: &str) {
    let rig = format!("{RIG}faults: [{{{fault}}}]\n");
    let found = findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)]);
    assert_eq!(found.iter().map(|f| f.code.name()).collect::<Vec<_>>(), [code], "{found:#?}");
}

/// What a run does not load may still be there: only what resembles something loaded is taken for a slip.
#[rstest]
#[case("disk-full: {}, in: {scenario: another-scenario, step: its-label}")]
#[case("disk-full: {}, in: {scenario: \"o*\", step: forget, trial: 2, attempt: 1}, after: 1 s, lasting: 2 s")]
#[case("daemon-restarts: {}, from: 10 min, lasting: 30 s")]
#[case("microphone-clips: {microphone: bench}")]
fn a_fault_that_may_come_is_accepted(#[case] fault: &str) {
    let rig = format!("{RIG}faults: [{{{fault}}}]\n");
    let files = [("lab.yaml", rig.as_str()), ("jbl/charge-5.yaml", DEVICE), ("one.yaml", crate::SCENARIO)];
    assert_eq!(findings(&files), []);
}

/// What the schema offers and what the types read are the same words.
#[test]
fn the_schema_has_every_kind_of_fault() {
    let rig = rigtone_model::schema::schema(rigtone_model::document::Kind::Rig);
    let properties = rig["$defs"]["Fault"]["properties"].as_object().expect("an object");
    let mut offered: Vec<&str> =
        properties.iter().filter(|(_, p)| p.get("x-beside").is_none()).map(|(key, _)| key.as_str()).collect();
    let mut read = rigtone_model::document::Fault::KINDS.to_vec();
    offered.sort_unstable();
    read.sort_unstable();
    assert_eq!(offered, read);
}

#[test]
fn a_hardware_rig_needs_ports_and_devices_and_channels_that_exist() {
    let bare = RIG.replace("world: simulated", "world: hardware");
    let found = findings(&[("lab.yaml", &bare), ("jbl/charge-5.yaml", DEVICE)]);
    assert_eq!(
        found.iter().map(place).collect::<Vec<_>>(),
        ["wrong-world 9:3-8 relays.board", "wrong-world 11:3-8 microphones.bench"]
    );
    let real = bare
        .replace("{channels: 4}", "{channels: 4, lcus: {port: /dev/ttyUSB0}}")
        .replace("{room: room}", "{room: room, alsa: {device: hw, rate: 48000, channels: 1, channel: 2}}");
    one_fault(
        &[("lab.yaml", &real), ("jbl/charge-5.yaml", DEVICE)],
        "dangling-reference 11:77-78 microphones.bench.alsa.channel",
        "channel 2 of a device with 1",
        "from 1 to 1",
    );
}

#[rstest]
#[case::not_there(
    "alsa: {device: hw, rate: 48000, channels: 2, channel: 1, reference: 3}",
    "dangling-reference microphones.bench.alsa.reference",
    "channel 3 of a device with 2",
    "from 1 to 2"
)]
#[case::itself(
    "alsa: {device: hw, rate: 48000, channels: 2, channel: 1, reference: 1}",
    "wrong-reference microphones.bench.alsa.reference",
    "the microphone itself cannot say when",
    "wired to the source"
)]
#[case::width(
    "alsa: {device: hw, rate: 48000, channels: 2, channel: 1, format: s20}",
    "unknown-word microphones.bench.alsa.format",
    "s20",
    "s24"
)]
fn a_reference_and_a_format_are_those_of_the_device(
    #[case] device: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] advice: &str,
) {
    let rig = plugged_in("", &format!("{{room: room, {device}}}"));
    let found = findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)]);
    let [fault] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(format!("{} {}", fault.code, fault.document_path), at);
    assert!(fault.message.contains(message), "{fault:?}");
    assert!(fault.suggestion.as_deref().is_some_and(|said| said.contains(advice)), "{fault:?}");
}

#[test]
fn only_a_real_microphone_has_a_calibration_file() {
    let file = "{room: room, calibration-file: {file: umik.txt}}";
    let rig = RIG.replace("{room: room}", file);
    let found = findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)]);
    let said: Vec<_> = found.iter().map(|fault| (fault.code.name(), fault.document_path.as_str())).collect();
    assert_eq!(said, [("incomplete", "microphones.bench.calibration-file")]);
}

/// A lab with a sink of its own on the dongle `hci`, beside the speaker.
fn with_sink(microphone: &str, role: &str) -> (String, String) {
    let real = RIG
        .replace("world: simulated", "world: hardware")
        .replace("{channels: 4}", "{channels: 4, lcus: {port: /dev/ttyUSB0}}")
        .replace("{room: room}", microphone);
    let sink = "  sink: {device: rigtone/sink, firmware: host, address: \"00:00:00:00:00:01\", control: endpoint, dongle: hci}\n";
    let device =
        format!("device: rigtone/sink\ntitle: A sink\nroles: [{role}]\ncodecs: [sbc]\nfirmware:\n  host: {{}}\n");
    (format!("{real}{sink}"), device)
}

#[rstest]
#[case::well("{room: room, sink: {dongle: hci}}", "a2dp-sink", &[])]
#[case::right_channel("{room: room, sink: {dongle: hci, channel: 2}}", "a2dp-sink", &[])]
#[case::dongle(
    "{room: room, sink: {dongle: hcy}}",
    "a2dp-sink",
    &[("dangling-reference", "there is no dongle `hcy`", "did you mean `hci`?")]
)]
#[case::of_a_source(
    "{room: room, sink: {dongle: hci}}",
    "a2dp-source",
    &[("wrong-reference", "no sink of Rigtone is on the dongle `hci`", "rigtone/reference-sink")]
)]
#[case::two_things(
    "{room: room, sink: {dongle: hci}, alsa: {device: hw, rate: 48000, channels: 2, channel: 2}}",
    "a2dp-sink",
    &[("wrong-world", "a microphone is one thing", "keep one of `alsa` and `sink`")]
)]
#[case::channel(
    "{room: room, sink: {dongle: hci, channel: 3}}",
    "a2dp-sink",
    &[("out-of-range", "3", "")]
)]
fn a_microphone_may_hear_what_a_sink_receives(
    #[case] microphone: &str,
    #[case] role: &str,
    #[case] faults: &[(&str, &str, &str)],
) {
    let (rig, device) = with_sink(microphone, role);
    let found = findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE), ("rigtone/sink.yaml", &device)]);
    assert_eq!(found.len(), faults.len(), "{found:#?}");
    for (fault, (code, message, suggestion)) in found.iter().zip(faults) {
        assert_eq!(fault.code.name(), *code);
        assert!(fault.message.contains(message), "{}", fault.message);
        assert!(fault.suggestion.as_deref().unwrap_or_default().contains(suggestion), "{fault:#?}");
    }
}

const REAL_BOARD: &str = "{channels: 4, lcus: {port: /dev/ttyUSB0}}";
const REAL_MICROPHONE: &str = "{room: room, alsa: {device: hw, rate: 48000, channels: 2, channel: 2}}";

/// The rig as hardware, with its dongle and its microphone written so.
fn plugged_in(dongle: &str, microphone: &str) -> String {
    RIG.replace("world: simulated", "world: hardware")
        .replace("{channels: 4}", REAL_BOARD)
        .replace("{room: room}", microphone)
        .replace("{address: \"00:00:00:00:00:01\"}", &format!("{{address: \"00:00:00:00:00:01\"{dongle}}}"))
}

#[rstest]
#[case::bus_alone(", usb: \"1\"", "wrong-format 7:44-47 dongles.hci.usb", "", "1-2.3")]
#[case::interface(", usb: \"1-2:1.0\"", "wrong-format 7:44-53 dongles.hci.usb", "", "1-2.3")]
#[case::port_zero(", usb: \"1-0\"", "wrong-format 7:44-49 dongles.hci.usb", "", "1-2.3")]
#[case::upper_case(", usb-id: \"0A12:0001\"", "wrong-format 7:47-58 dongles.hci.usb-id", "", "0a12:0001")]
#[case::no_way(
    ", recover: {off-for: 2 s}",
    "not-exactly-one 7:39-46 dongles.hci.recover",
    "a way to cut its supply is missing",
    "`hub-port`, `power`"
)]
#[case::two_ways(
    ", usb: \"1-2\", recover: {hub-port: {}, power: {relay: board, channel: 2}}",
    "not-exactly-one 7:75-80 dongles.hci.recover",
    "more than one way",
    ""
)]
#[case::no_port(
    ", recover: {hub-port: {}}",
    "incomplete 7:49-57 dongles.hci.recover.hub-port",
    "no port is named",
    "add `usb`"
)]
#[case::no_time(
    ", usb: \"1-2\", recover: {hub-port: {}, off-for: 0 s}",
    "out-of-range 7:84-87 dongles.hci.recover.off-for",
    "at most 10 s",
    "`2 s`"
)]
#[case::for_ever(
    ", usb: \"1-2\", recover: {hub-port: {}, off-for: 1 h}",
    "out-of-range 7:84-87 dongles.hci.recover.off-for",
    "at most 10 s",
    "`2 s`"
)]
#[case::kept(
    ", recover: {power: {relay: board, channel: 2, safe: keep}}",
    "incomplete 7:89-93 dongles.hci.recover.power.safe",
    "in which the dongle has its supply",
    "`on` or `off`"
)]
#[case::no_board(
    ", recover: {power: {relay: bored, channel: 2}}",
    "dangling-reference 7:64-69 dongles.hci.recover.power.relay",
    "relay board `bored`",
    "`board`"
)]
#[case::no_channel(
    ", recover: {power: {relay: board, channel: 9}}",
    "dangling-reference 7:80-81 dongles.hci.recover.power.channel",
    "channel 9 of a board with 4",
    "1 to 4"
)]
#[case::wired_already(
    ", recover: {power: {relay: board, channel: 1}}",
    "shared-channel 17:5-10 units.charge.power",
    "channel 1 of `board` is wired already",
    "another channel"
)]
fn where_a_dongle_is_and_how_it_is_brought_back_is_checked(
    #[case] dongle: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    let rig = plugged_in(dongle, REAL_MICROPHONE);
    one_fault(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)], at, message, suggestion);
}

#[rstest]
#[case::both(
    "device: hw, usb: \"1-2.4\"",
    "not-exactly-one 11:47-54 microphones.bench.alsa.usb",
    "named already",
    "keep `usb`"
)]
#[case::neither("", "not-exactly-one 11:23-27 microphones.bench.alsa", "no device is named", "add `usb`")]
#[case::pcm_of_none(
    "device: hw, pcm: 1",
    "incomplete 11:47-48 microphones.bench.alsa.pcm",
    "no port is named",
    "delete `pcm`"
)]
#[case::kind_of_none(
    "device: hw, usb-id: \"0d8c:0014\"",
    "incomplete 11:50-61 microphones.bench.alsa.usb-id",
    "no port is named",
    "delete `usb-id`"
)]
#[case::no_port("usb: front", "wrong-format 11:35-40 microphones.bench.alsa.usb", "", "1-2.3")]
fn a_microphone_is_named_in_exactly_one_way(
    #[case] device: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    let device = if device.is_empty() { String::new() } else { format!("{device}, ") };
    let microphone = format!("{{room: room, alsa: {{{device}rate: 48000, channels: 1, channel: 1}}}}");
    let rig = plugged_in("", &microphone);
    one_fault(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)], at, message, suggestion);
}

#[test]
fn members_may_be_known_by_their_ports_and_brought_back_there() {
    let microphone =
        "{room: room, alsa: {usb: \"1-2.4\", pcm: 1, usb-id: \"0d8c:0014\", rate: 48000, channels: 2, channel: 2}}";
    for recover in
        ["{hub-port: {}}", "{hub-port: {}, off-for: 500 ms}", "{power: {relay: board, channel: 2, safe: on}}"]
    {
        let dongle = format!(", usb: \"1-2.3\", usb-id: \"0a12:0001\", recover: {recover}");
        let rig = plugged_in(&dongle, microphone);
        assert_eq!(findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)]), []);
    }
}

#[test]
fn a_simulated_rig_receives_no_real_stream() {
    let rig = with_line(RIG, 11, "  bench: {room: room, sink: {dongle: hci}}");
    let found = findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)]);
    assert!(found.iter().any(|f| f.message.contains("a simulated rig receives no real stream")), "{found:#?}");
}

#[test]
fn a_simulated_dongle_is_plugged_in_nowhere() {
    let rig = with_line(RIG, 7, "  hci: {address: \"00:00:00:00:00:01\", usb: \"1-2\", recover: {hub-port: {}}}");
    let found = findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)]);
    assert_eq!(
        found.iter().map(place).collect::<Vec<_>>(),
        ["wrong-world 7:44-49 dongles.hci.usb", "wrong-world 7:51-58 dongles.hci.recover"],
        "{found:#?}"
    );
}

#[test]
fn a_source_that_is_rigtone_itself_has_the_address_of_its_dongle() {
    let own = with_line(&with_line(RIG, 16, "    address: \"00:00:00:00:00:01\""), 18, "    dongle: hci");
    assert_eq!(findings(&[("lab.yaml", &own), ("jbl/charge-5.yaml", DEVICE)]), []);
}

#[rstest]
#[case::codec(
    13,
    "  \"1.0.6\": {codecs: [sbc, ldac]}",
    "foreign-codec 13:27-31 firmware.1.0.6.codecs[1]",
    "the device does not have the codec `ldac`",
    "`codecs` of the device"
)]
#[case::gesture(
    7,
    "  reset: {}\n  pairing-mode:",
    "incomplete 7:3-8 gestures.reset",
    "the gesture does nothing",
    "`press`"
)]
#[case::both(
    7,
    "  pairing-mode:\n    automatic: true",
    "incomplete 7:3-15 gestures.pairing-mode",
    "automatic and presses",
    "either"
)]
fn a_device_that_makes_no_sense_is_explained(
    #[case] line: usize,
    #[case] by: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    one_fault(&[("devices/jbl/charge-5.yaml", &with_line(DEVICE, line, by))], at, message, suggestion);
}

/// Else one fault of a device would be shown again at each of its units.
#[rstest]
#[case::of_shape("titel: x", "unknown-key 4:1-6 titel")]
#[case::of_yaml("tags: [", "syntax 5:1-2 tags[0]")]
fn what_refers_to_a_faulty_document_is_not_at_fault(#[case] line: &str, #[case] at: &str) {
    let device = with_line(DEVICE, 4, line);
    let scenario =
        crate::SCENARIO.replace("role: a2dp-sink", "devices: [jbl/charge-5], tags: [portable], firmware: [\"1.1.0\"]");
    let files = [("devices/jbl/charge-5.yaml", device.as_str()), ("lab.yaml", RIG), ("one.yaml", scenario.as_str())];
    assert_eq!(findings(&files).iter().map(place).collect::<Vec<_>>(), [at]);
}

#[rstest]
#[case::two_ways("{gatt: {}, declared: {on: 2026-11-01}}", "not-exactly-one", "more than one way to verify")]
#[case::no_way("{}", "not-exactly-one", "a way to verify is missing here")]
#[case::unknown_way("{devise-id: {version: 1}}", "unknown-key", "devise-id")]
#[case::version_and_record(
    "{device-id: {version: 0x0211, modalias: \"usb:v0000p0000d0211\"}}",
    "not-exactly-one",
    "version or the whole record"
)]
#[case::no_record("{device-id: {modalias: \"v0000p0000d0211\"}}", "wrong-format", "")]
#[case::too_large("{device-id: {version: 0x10000}}", "out-of-range", "")]
#[case::no_program("{command: {program: []}}", "empty", "")]
#[case::a_shell_line("{command: {program: firmware-of charge}}", "wrong-type", "")]
#[case::no_date("{declared: {on: yesterday}}", "wrong-format", "")]
fn a_way_to_verify_is_written_as_it_is_meant(#[case] verify: &str, #[case] code: &str, #[case] said: &str) {
    let rig = with_line(RIG, 18, &format!("    verify: {verify}"));
    let found = findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)]);
    assert!(found.iter().any(|f| f.code.name() == code && f.message.contains(said)), "{found:#?}");
}

#[rstest]
#[case::version("{device-id: {version: 0x0211}}")]
#[case::record("{device-id: {modalias: \"bluetooth:v0057p0301d0211\"}}")]
#[case::over_le("{gatt: {says: V1.0.6}}")]
#[case::command("{command: {program: [/opt/lab/firmware-of, charge], within: 20 s}}")]
#[case::declared("{declared: {on: 2026-11-01, good-for: 30 d}}")]
fn every_way_to_verify_is_accepted(#[case] verify: &str) {
    let rig = with_line(RIG, 18, &format!("    verify: {verify}"));
    assert_eq!(findings(&[("lab.yaml", &rig), ("jbl/charge-5.yaml", DEVICE)]), []);
}

#[rstest]
#[case::of_yesterday("2026-11-28", "2026-11-29", "")]
#[case::of_its_last_day("2026-11-01", "2026-11-15", "")]
#[case::too_old("2026-11-01", "2026-11-16", "15 days ago; that is worth something for 14")]
#[case::of_tomorrow("2026-11-30", "2026-11-29", "a day that has not come yet")]
fn a_declaration_grows_old(#[case] on: &str, #[case] today: &str, #[case] said: &str) {
    let rig = with_line(RIG, 18, &format!("    verify: {{declared: {{on: {on}}}}}"));
    let file = |path: &str, text: &str| rigtone_model::load::SourceFile {
        path: path.into(),
        bytes: text.to_owned().into_bytes(),
    };
    let loaded = rigtone_model::load::load(vec![file("lab.yaml", &rig), file("jbl/charge-5.yaml", DEVICE)]);
    let found: Vec<_> =
        loaded.library.rigs.values().flat_map(|entry| rigtone_model::check::stale_declarations(entry, today)).collect();
    match found.as_slice() {
        [] => assert_eq!(said, ""),
        [only] => {
            assert!(!said.is_empty() && only.message.contains(said), "{}", only.message);
            assert_eq!((only.code.name(), only.is_error()), ("stale-declaration", false));
            assert_eq!(only.document_path, "units.charge.verify.declared.on");
        }
        more => panic!("{more:#?}"),
    }
}
