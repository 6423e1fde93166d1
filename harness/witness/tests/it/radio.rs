//! Captures of BlueZ whose times, codecs and refusals tshark shows as well.

use std::{fs, path::Path};

use rigtone_model::{
    document::Codec,
    event::CaptureClock,
    observation::{Observation, Quantity, Value},
    trial::FailureClass,
};
use rigtone_witness::radio::{Agreed, Cause, Step, Traffic};
use rstest::rstest;

const SECOND: i64 = 1_000_000_000;
/// The devices of the captures.
const SPEAKER_A: [u8; 6] = [0xD2, 0, 0, 0, 0, 1];
const REFERENCE: [u8; 6] = [0, 0xAA, 1, 4, 0, 0x42];
const REJECTING: [u8; 6] = [0, 0xAA, 1, 5, 0, 0x42];
const LDAC: [u8; 6] = [0, 0xAA, 1, 1, 0, 0x42];

fn bytes(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../bluetooth/tests/data").join(name)).unwrap()
}

/// A capture whose first record has the rig's time 0.
fn traffic(bytes: &[u8]) -> Traffic {
    let at_0 = CaptureClock { unix_ns: 0, t_ns: 0, uncertainty_ns: 1_000 };
    let begins_ns = Traffic::decode(bytes, at_0).unwrap().report().capture.begins_ns;
    Traffic::decode(bytes, CaptureClock { unix_ns: begins_ns, ..at_0 }).unwrap()
}

fn step(action: &'static str, from_s: f64, to_s: f64, peer: [u8; 6]) -> Step {
    let ns = |s: f64| (s * SECOND as f64) as i64;
    Step { label: action.to_owned(), action, from_ns: ns(from_s), to_ns: ns(to_s), peer, agreed: None, judged: true }
}

fn agreed(codec: Codec, configuration: &[u8]) -> Option<Agreed> {
    Some(Agreed { requested: codec, codec, configuration: configuration.to_vec() })
}

/// The steps of `codec-switch`: SBC, then aptX.
fn switching() -> Vec<Step> {
    let sbc = agreed(Codec::Sbc, &[0x21, 0x15, 2, 0x35]);
    let aptx = agreed(Codec::Aptx, &[0x4f, 0, 0, 0, 1, 0, 0x12]);
    vec![
        step("discover", 0.1, 2.013, SPEAKER_A),
        step("pair", 2.013, 3.585, SPEAKER_A),
        Step { agreed: sbc, ..step("connect", 3.585, 3.68, SPEAKER_A) },
        step("play", 4.48, 6.3, SPEAKER_A),
        Step { agreed: aptx, ..step("connect", 7.25, 7.3, SPEAKER_A) },
        step("play", 8.09, 8.5, SPEAKER_A),
    ]
}

/// What was observed of a quantity, step by step.
fn of(observations: &[Observation], quantity: Quantity) -> Vec<&Value> {
    observations.iter().filter(|o| o.quantity == quantity).map(|o| &o.value).collect()
}

#[track_caller]
fn ms(value: &Value) -> f64 {
    match value {
        Value::Number { value, unit, uncertainty } if unit == "ms" && *uncertainty >= 2.0 => *value,
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case(Quantity::InquiryTime, &[1912.3])]
#[case(Quantity::PageTime, &[1015.7])]
#[case(Quantity::AuthenticationTime, &[348.7])]
// From 0.100728 to 3.059235 + 0.3487.
#[case(Quantity::ColdStartTime, &[3307.2])]
#[case(Quantity::SdpTime, &[50.6])]
// From 3.585015 to 3.645813 + 0.0101; the second stream goes over the same channel.
#[case(Quantity::NegotiationTime, &[70.9])]
// From 3.059235 + 0.3487 to 3.655955 + 0.0101, and to 7.260946 + 0.0101.
#[case(Quantity::SetUpTime, &[258.1, 3863.1])]
#[case(Quantity::FirstMediaTime, &[8.1, 8.1])]
fn times_are_those_of_the_capture(#[case] quantity: Quantity, #[case] expected: &[f64]) {
    let observed = traffic(&bytes("codec-switch.btsnoop")).observations(&switching(), &[], "hash");
    let found: Vec<f64> = of(&observed, quantity).into_iter().map(ms).collect();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 0.15, "{found} for {expected}");
    }
    assert!(observed.iter().all(|o| o.evidence.as_deref() == Some("hash") && o.method.is_some()));
}

#[test]
fn the_codec_is_told_by_each_of_its_tellers() {
    let traffic = traffic(&bytes("codec-switch.btsnoop"));
    let observed = traffic.observations(&switching(), &[], "hash");
    let word = |word: &str| Value::Word(word.to_owned());
    assert_eq!(of(&observed, Quantity::AirCodec), [&word("sbc"), &word("aptx")]);
    // aptX has no sign of its own.
    assert_eq!(of(&observed, Quantity::FrameCodec), [&word("sbc")]);
    assert!(of(&observed, Quantity::CodecAgreement).iter().all(|value| **value == Value::Truth(true)));
    let steps = switching();
    let told = traffic.tellers(&steps[3], &steps[..3], &[]).to_string();
    assert_eq!(told, "asked for sbc, BlueZ says sbc, configured on the air sbc, frames look like sbc");
}

#[test]
fn what_was_agreed_on_with_another_device_tells_nothing_of_this_one() {
    let steps = switching();
    let other = Step { agreed: agreed(Codec::Aac, &[]), ..step("connect", 3.69, 3.7, [9; 6]) };
    let before = [&steps[..3], &[other]].concat();
    let told = traffic(&bytes("codec-switch.btsnoop")).tellers(&steps[3], &before, &[]);
    assert_eq!((told.requested.as_deref(), told.stack.as_deref()), (Some("sbc"), Some("sbc")));
}

#[rstest]
#[case::another_codec(agreed(Codec::Aac, &[]))]
#[case::another_configuration(agreed(Codec::Sbc, &[0x11, 0x15, 2, 0x35]))]
fn a_stack_that_says_something_else_than_the_air_is_contradicted(#[case] said: Option<Agreed>) {
    let mut steps = switching();
    steps[2].agreed = said;
    let observed = traffic(&bytes("codec-switch.btsnoop")).observations(&steps, &[], "hash");
    assert_eq!(of(&observed, Quantity::CodecAgreement)[0], &Value::Truth(false));
}

#[rstest]
#[case::of_a_telephone("msbc", Value::Truth(false))]
#[case::of_music("full-band", Value::Truth(true))]
fn the_sound_is_held_beside_the_packets(#[case] heard: &str, #[case] agrees: Value) {
    let heard = Observation::raw("play", Quantity::Fingerprint, Value::Word(heard.to_owned()));
    let observed = traffic(&bytes("codec-switch.btsnoop")).observations(&switching()[..4], &[heard], "hash");
    assert_eq!(of(&observed, Quantity::CodecAgreement)[1], &agrees);
}

#[rstest]
#[case::refused_to_pair("pair", 58.2, 60.7, REFERENCE, FailureClass::PairingRefused, "authentication failure")]
#[case::refused_when_connecting("connect", 58.2, 60.7, REFERENCE, FailureClass::NotConnected, "authentication failure")]
#[case::refused_configuration(
    "connect",
    74.7,
    79.0,
    REJECTING,
    FailureClass::NoStream,
    "unsupported configuration (0x29)"
)]
fn a_failure_has_the_cause_that_the_capture_shows(
    #[case] action: &'static str,
    #[case] from_s: f64,
    #[case] to_s: f64,
    #[case] peer: [u8; 6],
    #[case] class: FailureClass,
    #[case] words: &str,
) {
    let traffic = traffic(&bytes("faults.btsnoop"));
    let Cause { class: found, words: said, .. } = traffic.cause(&step(action, from_s, to_s, peer)).unwrap();
    assert_eq!(found, Some(class));
    assert!(said.contains(words), "{said}");
    // Of another device, or at another time, it explains nothing.
    assert_eq!(traffic.cause(&step(action, from_s, to_s, SPEAKER_A)), None);
    assert_eq!(traffic.cause(&step(action, from_s - 50.0, to_s - 50.0, peer)), None);
}

/// Who says no to a pairing may be the host itself; who refuses a configuration is the device.
#[rstest]
#[case("connect", 58.2, 60.7, REFERENCE, false)]
#[case("connect", 74.7, 79.0, REJECTING, true)]
fn it_is_told_whether_the_device_itself_said_no(
    #[case] action: &'static str,
    #[case] from_s: f64,
    #[case] to_s: f64,
    #[case] peer: [u8; 6],
    #[case] by_device: bool,
) {
    let whole = bytes("faults.btsnoop");
    let step = step(action, from_s, to_s, peer);
    assert_eq!(traffic(&whole).cause(&step).unwrap().by_device, by_device);
    // A damaged capture may explain, and decides nothing.
    let cut = traffic(&whole[..whole.len() - 5]).cause(&step).unwrap();
    assert_eq!((cut.class, cut.by_device), (None, false));
    assert!(cut.words.contains("the capture is damaged"), "{}", cut.words);
}

#[test]
fn a_damaged_capture_proves_nothing() {
    let whole = bytes("codec-switch.btsnoop");
    let cut = traffic(&whole[..whole.len() - 7]);
    let observed = cut.observations(&switching(), &[], "hash");
    assert!(!observed.is_empty());
    for observation in &observed {
        match (&observation.value, observation.quantity) {
            // What is there was there.
            (Value::Word(_), Quantity::AirCodec | Quantity::FrameCodec) => {}
            (Value::Inconclusive { reason }, _) => {
                assert!(reason.contains("the capture is damaged: it ends within record"), "{reason}");
            }
            (other, quantity) => panic!("{quantity:?} is {other:?}"),
        }
    }
    // A contradiction stands: nothing that is missing could take it back.
    let mut steps = switching();
    steps[2].agreed = agreed(Codec::Aac, &[]);
    let observed = cut.observations(&steps, &[], "hash");
    assert_eq!(of(&observed, Quantity::CodecAgreement)[0], &Value::Truth(false));
}

#[test]
fn packets_that_the_recorder_lost_prove_nothing_either() {
    let traffic = traffic(&bytes("ldac-damaged.btsnoop"));
    let steps = [step("connect", 57.9, 60.0, LDAC)];
    let observed = traffic.observations(&steps, &[], "hash");
    assert_eq!(of(&observed, Quantity::AirCodec), [&Value::Word("ldac".to_owned())]);
    for quantity in [Quantity::PageTime, Quantity::NegotiationTime] {
        let [Value::Inconclusive { reason }] = of(&observed, quantity)[..] else { panic!("{observed:?}") };
        assert!(reason.contains("packets that were never finished: "), "{reason}");
        assert!(reason.ends_with("; other faults: 4"), "{reason}");
    }
}

#[test]
fn what_comes_before_the_trial_is_no_observation_and_still_its_beginning() {
    let mut steps = switching();
    steps[0].judged = false;
    let observed = traffic(&bytes("codec-switch.btsnoop")).observations(&steps, &[], "hash");
    assert_eq!(of(&observed, Quantity::InquiryTime), Vec::<&Value>::new());
    // The search of the setup is where a cold start began.
    assert!((ms(of(&observed, Quantity::ColdStartTime)[0]) - 3307.2).abs() < 0.15);
}

#[test]
fn a_step_without_traffic_has_nothing_to_say() {
    let traffic = traffic(&bytes("codec-switch.btsnoop"));
    for step in
        [step("wait", 0.0, 20.0, SPEAKER_A), step("connect", 0.0, 20.0, REFERENCE), step("play", 0.0, 1.0, SPEAKER_A)]
    {
        assert_eq!(traffic.observations(&[step], &[], "hash"), Vec::new());
    }
}

#[test]
fn a_clock_that_is_hours_away_makes_no_difference() {
    let file = bytes("codec-switch.btsnoop");
    let (near, begins_ns) = (traffic(&file), traffic(&file).report().capture.begins_ns);
    let shifted: Vec<Step> = switching()
        .into_iter()
        .map(|step| Step { from_ns: step.from_ns + 5_000 * SECOND, to_ns: step.to_ns + 5_000 * SECOND, ..step })
        .collect();
    let clock = CaptureClock { unix_ns: begins_ns, t_ns: 5_000 * SECOND, uncertainty_ns: 1_000 };
    let far = Traffic::decode(&file, clock).unwrap();
    assert_eq!(far.observations(&shifted, &[], "hash"), near.observations(&switching(), &[], "hash"));
}
