//! What a plan makes of units that are Rigtone itself, on a dongle or in a simulated world.

use indexmap::IndexMap;
use rigtone_model::{
    document::{Device, Rig, Scenario},
    plan::{Expansion, PlannedScenario, expand},
};
use rstest::rstest;
use serde_json::{Value, json};

fn devices() -> IndexMap<String, Device> {
    let all = json!(["sbc", "aac", "aptx", "aptx-hd", "aptx-ll", "ldac", "opus"]);
    let device = |id: &str, roles: &[&str]| {
        let document = json!({"device": id, "title": id, "roles": roles, "codecs": all, "firmware": {"1": {}}});
        (id.to_owned(), serde_json::from_value(document).expect("a device"))
    };
    [
        device("a/source", &["a2dp-source"]),
        device("a/sink", &["a2dp-sink"]),
        device("a/headset", &["hfp-unit"]),
        device("a/phone", &["hfp-gateway"]),
    ]
    .into()
}

/// A lab with Rigtone itself as each device, and with a source that a program controls.
fn rig(world: &str) -> Rig {
    let unit = |device: &str, n: usize, more: Value| {
        let mut unit = json!({"device": device, "firmware": "1", "address": format!("00:00:00:00:00:0{n}")});
        unit.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        unit
    };
    let own = |dongle: &str| json!({"control": "endpoint", "dongle": dongle});
    let document = json!({
        "rig": "lab", "title": "A lab", "world": world, "rooms": {"room": {}},
        "dongles": {"one": {"address": "00:00:00:00:00:01"}, "two": {"address": "00:00:00:00:00:02"}},
        "microphones": {"mic": {"room": "room"}},
        "units": {
            "host": unit("a/source", 1, own("one")),
            "phone": unit("a/phone", 1, own("one")),
            "sink": unit("a/sink", 2, own("two")),
            "box": unit("a/sink", 3, json!({"heard-by": {"mic": {"distance": "0.3 m"}}})),
            "echo": unit("a/source", 4, json!({
                "control": "command", "command": {"program": ["x"], "can": ["pairing", "connecting", "streaming"]},
            })),
        },
    });
    serde_json::from_value(document).expect("a rig")
}

/// Why a trial is skipped in which `by` connects to `unit`, with more steps after that.
fn skipped(world: &str, [by, unit]: [&str; 2], codec: &str, more: &[Value], expect: &Value) -> Option<String> {
    let mut steps = vec![json!({"connect": {"profile": "a2dp", "codec": codec}})];
    steps.extend_from_slice(more);
    let matrix = json!({"source": {"units": [by]}, "speaker": {"units": [unit]}});
    planned(world, &matrix, &json!(steps), expect)
}

fn planned(world: &str, matrix: &Value, steps: &Value, expect: &Value) -> Option<String> {
    let document = json!({
        "scenario": "trial", "title": "A trial", "matrix": matrix, "trial": steps,
        "repeat": {"at-least": 1, "at-most": 1}, "expect": [expect],
    });
    let document: Scenario = serde_json::from_value(document).expect("a scenario");
    let (rig, devices) = (rig(world), devices());
    let from = Expansion { rig: &rig, devices: &devices, signal_length: &|_| None };
    let all = expand(&PlannedScenario { document, hash: String::new() }, &from).expect("a plan");
    assert_eq!(all.len(), 1);
    all[0].skipped.as_ref().map(ToString::to_string)
}

#[track_caller]
fn says(found: Option<&str>, due: Option<&str>) {
    match (found, due) {
        (None, None) => {}
        (Some(found), Some(due)) => assert!(found.starts_with(due), "{found}"),
        _ => panic!("{found:?} where {due:?} is due"),
    }
}

#[rstest]
#[case::sent("hardware", ["host", "box"], "aptx-ll", Some("host: a dongle cannot be the source of aptx-ll: ask for another codec (sbc, aac, "))]
#[case::sent_by_the_simulation("simulated", ["host", "box"], "aptx-ll", None)]
#[case::ldac_is_sent("hardware", ["host", "box"], "ldac", None)]
#[case::ldac_is_not_received("hardware", ["echo", "sink"], "ldac", Some("sink: a dongle cannot be the sink of ldac: "))]
#[case::aptx_is_received("hardware", ["echo", "sink"], "aptx-hd", None)]
#[case::between_others("hardware", ["echo", "box"], "aptx-ll", None)]
fn a_dongle_is_not_asked_for_a_codec_that_it_cannot_do(
    #[case] world: &str,
    #[case] ends: [&str; 2],
    #[case] codec: &str,
    #[case] due: Option<&str>,
    // A dongle cannot offer it either where something else is to be agreed on.
    #[values(json!({"success-rate": {}}), json!({"codec": {"is": "sbc"}}), json!({"unsupported": {"of": "connect"}}))]
    expect: Value,
) {
    says(skipped(world, ends, codec, &[], &expect).as_deref(), due);
}

#[rstest]
#[case::own(
    "hardware",
    "sink",
    Some("sink: a dongle cannot be the sink of aptx-ll, which `a/sink` would offer in pairing mode: list only ")
)]
#[case::of_the_simulation("simulated", "sink", None)]
fn a_dongle_in_pairing_mode_offers_no_codec_that_it_cannot_do(
    #[case] world: &str,
    #[case] sink: &str,
    #[case] due: Option<&str>,
) {
    let matrix = json!({"source": {"units": ["echo"]}, "speaker": {"units": [sink]}});
    let steps = json!([{"enter-pairing-mode": {"unit": "speaker"}}, {"connect": {"profile": "a2dp", "codec": "sbc"}}]);
    says(planned(world, &matrix, &steps, &json!({"success-rate": {}})).as_deref(), due);
}

const NO_SOURCE: &str = "Rigtone is no A2DP source as this unit, because its device `a/";

#[rstest]
#[case::source("hardware", ["host", "box"], None)]
#[case::sink_to_a_source("hardware", ["sink", "echo"], None)]
#[case::sink_to_a_sink("hardware", ["sink", "box"], Some(format!("sink: {NO_SOURCE}sink` lacks the role a2dp-source: ")))]
#[case::neither("hardware", ["phone", "box"], Some(format!("phone: {NO_SOURCE}phone` lacks the role a2dp-source: ")))]
// There the device is what refuses.
#[case::neither_in_the_simulation("simulated", ["phone", "box"], None)]
fn a_dongle_connects_as_what_its_device_is(#[case] world: &str, #[case] ends: [&str; 2], #[case] due: Option<String>) {
    says(skipped(world, ends, "sbc", &[], &json!({"success-rate": {}})).as_deref(), due.as_deref());
}

#[rstest]
#[case::source("host", None)]
#[case::own("phone", Some(format!("phone: {NO_SOURCE}phone` lacks the role a2dp-source: let it be of a device that has the role")))]
#[case::nobodys("box", Some("box: it is no A2DP source, because its device `a/sink` lacks the role a2dp-source: ".to_owned()))]
fn who_is_no_source_is_told_which_role_is_missing(#[case] by: &str, #[case] due: Option<String>) {
    let matrix = json!({"source": {"units": [by]}, "speaker": {"units": [if by == "box" { "sink" } else { "box" }]}});
    let steps = json!([{"play": {"signal": "smoke"}}]);
    says(planned("hardware", &matrix, &steps, &json!({"success-rate": {}})).as_deref(), due.as_deref());
}

#[test]
fn an_axis_that_nobody_fits_for_lack_of_a_role_says_so() {
    let steps = json!([{"connect": {"profile": "a2dp"}}]);
    let of = |choice: Value| {
        let matrix = json!({"source": choice, "speaker": {"units": ["box"]}});
        planned("hardware", &matrix, &steps, &json!({"success-rate": {}})).expect("skipped")
    };
    let nobody = "no unit of the rig `lab` fits the axis `source`";
    assert_eq!(of(json!({"role": "hfp-unit"})), format!("{nobody}: no device of a unit there has the role hfp-unit"));
    assert_eq!(of(json!({"role": "a2dp-source", "firmware": ["2"]})), nobody);
}
