//! Marks of a device's facts.

use rigtone_model::{check::unmarked, load::load};
use rstest::rstest;

use crate::{DEVICE, findings, meaning::one_fault, place, source};

const PATH: &str = "devices/jbl/charge-5.yaml";

fn with(more: &str) -> String {
    format!("{DEVICE}{more}")
}

#[rstest]
#[case(
    "facts: {boot: {mark: estimate}}\n",
    "dangling-reference 15:9-13 facts.boot",
    "does not state `boot`",
    "mark: unknown"
)]
#[case(
    "facts: {codecs.ldac: {mark: estimate}}\n",
    "dangling-reference 15:9-20 facts.codecs.ldac",
    "does not state `codecs.ldac`",
    "mark: unknown"
)]
#[case(
    "facts: {codecs.other: {mark: estimate}}\n",
    "dangling-reference 15:9-21 facts.codecs.other",
    "does not state",
    ""
)]
#[case(
    "facts: {codecs.sbc: {mark: unknown}}\n",
    "unfit-value 15:28-35 facts.codecs.sbc.mark",
    "states `codecs.sbc`, and marks it as unknown",
    "delete"
)]
#[case("facts: {codecs: {mark: unknown}}\n", "unfit-value 15:24-31 facts.codecs.mark", "states `codecs`", "delete")]
#[case("facts: {coddecs: {mark: unknown}}\n", "dangling-reference 15:9-16 facts.coddecs", "no fact", "`codecs`")]
#[case(
    "facts: {codecs.acc: {mark: unknown}}\n",
    "wrong-reference 15:9-19 facts.codecs.acc",
    "`acc` is nothing",
    "`codecs`"
)]
#[case("facts: {boot.fast: {mark: unknown}}\n", "wrong-reference 15:9-18 facts.boot.fast", "`fast` is nothing", "")]
#[case(
    "facts: {roles: {mark: known}}\n",
    "incomplete 15:23-28 facts.roles.mark",
    "marked as known, and nothing says by whom",
    "sources"
)]
#[case(
    "facts: {roles: {mark: known, from: [manual]}}\nsources: {manuel: p. 7}\n",
    "dangling-reference 15:37-43 facts.roles.from[0]",
    "no source `manual`",
    "did you mean `manuel`"
)]
#[case(
    "facts: {codecs.aac: {mark: claimed, from: [claim/aac-gaet]}}\n",
    "unknown-claim 15:44-58 facts.codecs.aac.from[0]",
    "no claim",
    "claim/aac-gate"
)]
#[case(
    "facts: {roles: {mark: estimate, on: \"2026-02-30\"}}\n",
    "unfit-value 15:37-49 facts.roles.on",
    "no day",
    "2026-11-01"
)]
#[case(
    "quirks: [{says: it hums, mark: claimed}]\n",
    "incomplete 15:32-39 quirks[0].mark",
    "nothing says by whom",
    "sources"
)]
#[case("power: cells\n", "unfit-value 15:8-13 power", "does not go on from a battery", "battery: true")]
#[case("profiles: [hfp-unit]\n", "unfit-value 3:9-18 roles[0]", "its profiles lack it", "add `a2dp-sink`")]
fn a_mark_is_of_something_and_of_somebody(
    #[case] more: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    one_fault(&[(PATH, &with(more))], at, message, suggestion);
}

/// A version has dots, and is one name; what is unknown may be a list that is not there, or whatever it lacks.
#[test]
fn facts_that_are_there_and_facts_that_are_not_can_be_marked() {
    let more = "facts:\n  roles: {mark: known, from: [manual], on: \"2026-11-30\"}\n  codecs: {mark: estimate}\n  \
                codecs.aac: {mark: claimed, from: [claim/aac-gate]}\n  codecs.ldac: {mark: unknown}\n  codecs.other: {mark: unknown}\n  \
                firmware.1.0.6: {mark: known, from: [manual]}\n  firmware.1.1.0: {mark: estimate}\n  profiles: {mark: unknown}\n  \
                gestures.pairing-mode: {mark: estimate}\n  gestures.factory-reset: {mark: unknown}\n  battery: {mark: unknown}\n  \
                settings: {mark: estimate}\nsources: {manual: page 7}\n";
    let files = [(PATH, with(more))];
    assert_eq!(findings(&[(PATH, &files[0].1)]), []);
    let loaded = load(vec![source(PATH, &files[0].1)]);
    assert_eq!(unmarked(&loaded.library.devices["jbl/charge-5"]), []);
}

#[test]
fn every_fact_without_a_mark_is_named_where_it_stands() {
    let loaded =
        load(vec![source(PATH, with("facts: {codecs: {mark: estimate}, firmware.1.1.0: {mark: estimate}}\n"))]);
    let found = unmarked(&loaded.library.devices["jbl/charge-5"]);
    let places: Vec<String> = found.iter().map(place).collect();
    let due = [
        "unmarked-fact 3:9-18 roles[0]",
        "unmarked-fact 7:3-15 gestures.pairing-mode",
        "unmarked-fact 11:3-5 settings.eq",
        "unmarked-fact 13:3-10 firmware.1.0.6",
    ];
    assert_eq!(places, due);
    assert!(found.iter().all(|finding| !finding.is_error()));
}

/// Nobody knows its version: there is nothing to mark.
#[test]
fn a_firmware_named_unknown_states_nothing() {
    let device = "device: a/b\ntitle: x\nroles: [a2dp-sink]\ncodecs: [sbc]\nfirmware: {unknown: {}}\nfacts: {roles: {mark: estimate}, codecs: {mark: estimate}, firmware: {mark: unknown}}\n";
    assert_eq!(findings(&[("devices/a/b.yaml", device)]), []);
}
