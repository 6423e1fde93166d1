//! What a plan makes of sources that are only asked, on a rig of hardware.

use indexmap::IndexMap;
use rigtone_model::{
    document::{Device, Rig, Scenario},
    plan::{Expansion, PlannedScenario, expand},
};
use rstest::rstest;
use serde_json::{Value, json};

fn devices() -> IndexMap<String, Device> {
    let device = |id: &str, role: &str, prompts: Value| {
        let document = json!({
            "device": id, "title": id, "roles": [role], "codecs": ["sbc", "aac"], "firmware": {"1": {}},
            "gestures": {"pairing-mode": {"press": [{"buttons": ["power"], "for": "3 s"}]}}, "prompts": prompts,
        });
        (id.to_owned(), serde_json::from_value(document).expect("a device"))
    };
    let prompts = json!({
        "pair": {"text": "Pair"}, "connect": {"text": "Connect"}, "disconnect": {"text": "Disconnect"},
        "play": {"text": "Play"}, "wake": {"text": "Wake"},
    });
    [
        device("a/echo", "a2dp-source", prompts),
        device("a/box", "a2dp-sink", json!({})),
        device("rigtone/sink", "a2dp-sink", json!({})),
    ]
    .into()
}

/// A lab with a source that is controlled so, a speaker with a person at it, and a sink of our own.
fn rig(source: &Value) -> Rig {
    let mut echo = json!({"device": "a/echo", "firmware": "1", "address": "00:00:00:00:00:01"});
    let map = echo.as_object_mut().expect("a map");
    map.extend(source.as_object().expect("a map").clone());
    let document = json!({
        "rig": "lab", "title": "A lab", "world": "hardware", "rooms": {"room": {}, "hall": {}},
        "dongles": {"one": {"address": "00:00:00:00:00:03"}},
        "microphones": {"mic": {"room": "room", "alsa": {"device": "hw", "rate": 48000, "channels": 1, "channel": 1}}},
        "loudspeakers": {"desk": {"room": "hall", "alsa": {"device": "hw", "rate": 48000, "channels": 2}}},
        "units": {
            "echo": echo,
            "box": {
                "device": "a/box", "firmware": "1", "address": "00:00:00:00:00:02", "by-hand": ["power", "pairing-mode"],
                "heard-by": {"mic": {"distance": "0.3 m"}},
            },
            "sink": {
                "device": "rigtone/sink", "firmware": "1", "address": "00:00:00:00:00:03", "control": "endpoint",
                "dongle": "one", "heard-by": {"mic": {"distance": "0.3 m"}},
            },
        },
    });
    serde_json::from_value(document).expect("a rig")
}

fn operator() -> Value {
    json!({"control": "operator"})
}

fn voice() -> Value {
    json!({"control": "voice", "spoken-to": {"loudspeaker": "desk", "distance": "0.5 m"}})
}

fn android() -> Value {
    json!({"control": "android", "android": {"serial": "R58M"}})
}

struct Planned {
    skipped: Option<String>,
    resources: Vec<String>,
}

/// A trial of these steps with that speaker, of which `expect` speaks.
fn planned(source: &Value, speaker: &str, codec: bool, steps: &Value, expect: &Value) -> Planned {
    let mut matrix = json!({"source": {"units": ["echo"]}, "speaker": {"units": [speaker]}});
    if codec {
        matrix["codec"] = json!(["aac"]);
    }
    let document = json!({
        "scenario": "trial", "title": "A trial", "matrix": matrix, "trial": steps,
        "repeat": {"at-least": 1, "at-most": 1}, "expect": [expect],
    });
    let document: Scenario = serde_json::from_value(document).expect("a scenario");
    let (rig, devices) = (rig(source), devices());
    let from = Expansion { rig: &rig, devices: &devices, signal_length: &|_| None };
    let mut all = expand(&PlannedScenario { document, hash: String::new() }, &from).expect("a plan");
    assert_eq!(all.len(), 1);
    let combination = all.remove(0);
    Planned {
        skipped: combination.skipped.map(|why| why.to_string()),
        resources: combination.resources.iter().map(ToString::to_string).collect(),
    }
}

fn of(step: &str) -> Value {
    json!({"success-rate": {"of": step}})
}

#[rstest]
#[case::search(json!({"discover": {"within": "30 s"}}), [true, false, false])]
#[case::pair(json!({"pair": {}}), [true, true, false])]
#[case::connect(json!({"connect": {"profile": "a2dp"}}), [true, true, true])]
#[case::disconnect(json!({"disconnect": {}}), [true, true, true])]
// The device has no prompt `forget`.
#[case::forget(json!({"forget": {}}), [true, false, false])]
#[case::play(json!({"play": {"signal": "smoke"}}), [true, true, true])]
#[case::prompt(json!({"prompt": {"unit": "source", "says": "wake", "times": 1, "every": "4 s"}}), [false, true, false])]
#[case::unknown_prompt(json!({"prompt": {"unit": "source", "says": "sing", "times": 1, "every": "4 s"}}), [false, false, false])]
#[case::elsewhere(json!({"prompt": {"unit": "source", "says": "wake", "times": 1, "every": "4 s", "from": "2 m"}}), [false, false, false])]
#[case::from_there(json!({"prompt": {"unit": "source", "says": "wake", "times": 1, "every": "4 s", "from": "0.5 m"}}), [false, true, false])]
#[case::power(json!({"power-cycle": {"unit": "speaker", "off-for": "2 s"}}), [true, true, true])]
#[case::pairing_mode(json!({"enter-pairing-mode": {"unit": "speaker"}}), [true, true, true])]
fn each_source_can_do_what_it_can(#[case] step: Value, #[case] can: [bool; 3]) {
    for (source, can) in [operator(), voice(), android()].iter().zip(can) {
        let steps = json!([step, {"play": {"signal": "smoke"}, "label": "sound"}]);
        let found = planned(source, "box", false, &steps, &json!({"audio": {"in": "sound", "present": true}}));
        assert_eq!(found.skipped.is_none(), can, "{source}: {:?}", found.skipped);
    }
}

#[rstest]
#[case::no_loudspeaker(json!({"control": "voice"}))]
#[case::no_phone(json!({"control": "android"}))]
#[case::nobody(json!({}))]
fn who_is_not_reached_is_asked_for_nothing(#[case] source: Value) {
    let steps = json!([{"connect": {"profile": "a2dp"}}]);
    let found = planned(&source, "box", false, &steps, &json!({"success-rate": {}}));
    assert!(found.skipped.expect("skipped").contains("cannot be told to connect"));
}

/// What is asked of a trial that connects and plays, and why nobody could answer.
#[rstest]
#[case::word_of_a_person(operator(), "box", false, of("connect"), None)]
#[case::pairing_by_a_person(operator(), "box", false, of("pair"), None)]
#[case::word_of_an_assistant(voice(), "box", false, of("connect"), Some("whether `connect` succeeded is not seen"))]
#[case::pairing_by_voice(voice(), "sink", false, of("pair"), Some("whether `pair` succeeded is not seen"))]
#[case::seen_by_our_sink(voice(), "sink", false, of("connect"), None)]
#[case::heard(voice(), "box", false, of("play"), None)]
#[case::whole_trial(voice(), "box", false, json!({"success-rate": {}}), None)]
#[case::codec_of_a_foreign_speaker(operator(), "box", false, json!({"codec": {"is": "sbc"}}), Some("which codec was agreed on"))]
#[case::codec_by_our_sink(operator(), "sink", false, json!({"codec": {"is": "sbc"}}), None)]
#[case::codec_asked_for(voice(), "box", true, of("play"), Some("nobody can tell it which codec"))]
#[case::codec_offered(voice(), "sink", true, json!({"codec": {"is": "requested"}}), None)]
#[case::latency(operator(), "box", false, json!({"latency": {"in": "play", "at-most": "200 ms"}}), Some("when the sound of `play` leaves"))]
#[case::duration(operator(), "box", false, json!({"duration": {"of": "connect", "at-most": "5 s"}}), Some("the time of whoever is asked"))]
fn what_nobody_could_see_is_skipped_by_name(
    #[case] source: Value,
    #[case] speaker: &str,
    #[case] codec: bool,
    #[case] expect: Value,
    #[case] why: Option<&str>,
) {
    let steps = json!([{"pair": {}}, {"connect": {"profile": "a2dp"}}, {"play": {"signal": "smoke"}}]);
    let found = planned(&source, speaker, codec, &steps, &expect).skipped;
    match (&found, why) {
        (None, None) => {}
        (Some(found), Some(why)) => assert!(found.starts_with("echo: ") && found.contains(why), "{found}"),
        _ => panic!("{found:?} where {why:?} is due"),
    }
}

#[rstest]
#[case::android(json!({"codec": {"is": "aac"}}), None)]
#[case::report(of("connect"), None)]
fn a_phone_reports_its_link(#[case] expect: Value, #[case] why: Option<&str>) {
    let steps = json!([{"connect": {"profile": "a2dp"}}]);
    assert_eq!(planned(&android(), "box", false, &steps, &expect).skipped.as_deref(), why);
}

#[rstest]
#[case::in_the_step(json!({"profile": "a2dp", "codec": "aac"}))]
#[case::configured(json!({"profile": "a2dp", "codec": "sbc", "configuration": {"bitpool": 35}}))]
fn a_codec_that_the_step_names_is_told_to_nobody(#[case] connect: Value) {
    let steps = json!([{"connect": connect}]);
    let found = planned(&operator(), "sink", false, &steps, &of("connect")).skipped.expect("skipped");
    assert!(found.contains("which codec to use"), "{found}");
}

#[test]
fn one_person_and_one_loudspeaker_do_one_thing_at_a_time() {
    let steps = json!([{"play": {"signal": "smoke"}}]);
    let spoken = planned(&voice(), "sink", false, &steps, &of("play")).resources;
    let has = |all: &[String], name: &str| all.iter().any(|resource| resource == name);
    assert!(has(&spoken, "loudspeaker desk") && has(&spoken, "room hall") && !has(&spoken, "operator"), "{spoken:?}");
    let by_hand = planned(&voice(), "box", false, &steps, &of("play")).resources;
    assert!(has(&by_hand, "operator"), "{by_hand:?}");
}
