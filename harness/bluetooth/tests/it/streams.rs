//! Streams that were planted: what was agreed on and refused, media with gaps, late, and of another codec.

use rigtone_bluetooth::{
    capture::{
        Direction::{Received, Sent},
        Format,
    },
    codec::Codec,
    timeline::{Class, Damage, Delay, EndedBy, MessageKind, Outcome, PhaseKind, Side},
};
use rstest::rstest;

use crate::scene::{HANDLE, SBC, SPEAKER, Scene, classes, phase, sbc_packet, took};

/// Every error code keeps its number, the category that was refused and its words.
#[rstest]
#[case(0x03, &[7, 0x29], Some(7), 0x29, "unsupported configuration")]
#[case(0x03, &[7, 0xC4], Some(7), 0xC4, "sampling frequency not supported")]
#[case(0x03, &[4, 0xE0], Some(4), 0xE0, "invalid content protection type")]
#[case(0x03, &[8, 0x17], Some(8), 0x17, "bad service category")]
#[case(0x03, &[0x13], None, 0x13, "endpoint in use")]
fn a_configuration_is_refused_with_its_category(
    #[case] id: u8,
    #[case] content: &[u8],
    #[case] category: Option<u8>,
    #[case] code: u8,
    #[case] words: &str,
) {
    let link = Scene::default()
        .call(100)
        .signalling()
        .ask(Sent, id, &[&[1 << 2, 3 << 2], SBC.as_slice()].concat())
        .wait(5)
        .reject(Received, id, content)
        .link();
    let refusal = link.streams[0].refusal.unwrap();
    assert_eq!((refusal.category, refusal.code, refusal.words), (category, code, words));
    assert_eq!(classes(&link), [Class::ConfigurationRejected]);
    assert!(
        matches!(phase(&link, PhaseKind::Configuration).outcome, Outcome::Refused { code: c, .. } if c == u16::from(code))
    );
}

#[test]
fn a_refused_start_and_an_unknown_signal_are_told_apart() {
    let refused = Scene::opened().ask(Sent, 0x07, &[1 << 2]).wait(5).reject(Received, 0x07, &[1 << 2, 0x31]).link();
    assert_eq!(classes(&refused), [Class::StartFailed]);
    let refusal = refused.streams[0].starts[0].refusal.unwrap();
    assert_eq!((refusal.category, refusal.code, refusal.words), (None, 0x31, "bad state"));
    // GET_ALL_CAPABILITIES is not known by old devices: they answer with a general reject.
    let unknown =
        Scene::default().call(100).signalling().ask(Sent, 0x0C, &[1 << 2]).signal(Received, &[0x11, 0x0C]).link();
    let answer = unknown.signals.last().unwrap();
    assert_eq!(
        (answer.message, answer.refusal.unwrap().words),
        (MessageKind::GeneralReject, "the signal is not known there")
    );
}

#[test]
fn start_into_silence_is_never_answered_and_said_to_be_their_turn() {
    let link = Scene::opened().ask(Sent, 0x07, &[1 << 2]).wait(6000).disconnected(0x13).link();
    assert_eq!(phase(&link, PhaseKind::Start).outcome, Outcome::LinkEnded);
    let [Delay::Silence { of: Side::Peer, lasting_ns: 6_000_000_000, .. }] = phase(&link, PhaseKind::Start).delays[..]
    else {
        panic!("{:?}", phase(&link, PhaseKind::Start).delays)
    };
    assert_eq!(classes(&link), [Class::StartFailed]);
}

#[test]
fn media_that_comes_late_by_the_host_is_the_hosts_turn() {
    let link = Scene::opened().start().wait(800).media(0).media(1).link();
    assert_eq!(took(&link, PhaseKind::FirstMedia), (810.0, Some(Side::Host)));
    let delays = &phase(&link, PhaseKind::FirstMedia).delays[..];
    assert!(matches!(delays, [Delay::Silence { of: Side::Host, lasting_ns: 800_000_000, .. }]), "{delays:?}");
}

/// Signals that are too long for one packet of the channel are put together, and timed by their last part.
#[test]
fn a_fragmented_signal_is_one_signal() {
    let capabilities = [&[1, 0, 7, 6, 0, 0, 0xFF, 0xFF, 2, 0x35], [4, 2, 2, 0].repeat(3).as_slice()].concat();
    let mut scene =
        Scene::default().call(100).signalling().ask(Sent, 0x01, &[]).accept(Received, 0x01, &[1 << 2, 0x08]);
    scene = scene.ask(Sent, 0x02, &[1 << 2]);
    // The label of the second question is 2.
    scene = scene.signal(Received, &[&[0x26, 3, 0x02], &capabilities[..5]].concat()).wait(10);
    scene = scene.signal(Received, &[&[0x2A], &capabilities[5..12]].concat()).wait(10);
    scene = scene.signal(Received, &[&[0x2E], &capabilities[12..]].concat());
    let link = scene.link();
    assert_eq!(link.signals.len(), 4);
    let endpoint = &link.endpoints[0];
    assert_eq!(endpoint.codec.as_ref().map(|codec| codec.octets.as_str()), Some("ff ff 02 35"));
    assert_eq!(endpoint.content_protection, ["0002"; 3]);
    assert_eq!(took(&link, PhaseKind::Capabilities), (20.0, Some(Side::Host)));
}

#[test]
fn a_delay_report_belongs_to_the_stream_of_the_receivers_endpoint() {
    let link = Scene::opened().ask(Received, 0x0D, &[3 << 2, 0x05, 0xDC]).accept(Sent, 0x0D, &[]).link();
    let delays = &link.streams[0].delays;
    assert_eq!(delays.iter().map(|delay| (delay.of, delay.delay_ms)).collect::<Vec<_>>(), [(Side::Peer, 150.0)]);
    assert_eq!(link.streams.len(), 1);
}

#[test]
fn a_stream_may_be_configured_anew() {
    let aac = [7, 8, 0, 2, 0x80, 0x01, 0x04, 0x03, 0xE8, 0];
    let link =
        Scene::opened().ask(Sent, 0x05, &[&[1 << 2], aac.as_slice()].concat()).accept(Received, 0x05, &[]).link();
    assert_eq!(link.streams.len(), 1);
    assert_eq!(link.streams[0].codec.as_ref().map(|codec| codec.codec), Some(Codec::Aac));
}

#[test]
fn a_stream_that_is_aborted_ended_so() {
    let link = Scene::opened().start().media(0).ask(Received, 0x0A, &[3 << 2]).accept(Sent, 0x0A, &[]).link();
    assert_eq!(link.streams[0].end.map(|end| (end.how, end.by)), Some((EndedBy::Abort, Some(Side::Peer))));
    assert_eq!(took(&link, PhaseKind::Abort).1, Some(Side::Peer));
}

#[rstest]
// One is missing, one comes twice.
#[case(&[0, 1, 3, 4, 4, 5], (1, 1, 1))]
// Numbers wrap round.
#[case(&[65_534, 65_535, 0, 1], (0, 0, 0))]
#[case(&[10, 20, 30], (2, 18, 0))]
fn gaps_in_the_numbers_are_counted(#[case] numbers: &[u16], #[case] expected: (u64, u64, u64)) {
    let mut scene = Scene::opened().start();
    for number in numbers {
        scene = scene.media(*number).wait(15);
    }
    let report = scene.report(Format::BtsnoopH4);
    let media = report.links[0].streams[0].starts[0].media.as_ref().unwrap();
    assert_eq!(media.sequence.map(|s| (s.gaps, s.missing, s.disordered)), Some(expected));
    let (gaps, missing, _) = expected;
    // What the host itself has sent cannot get lost on the way into the capture of the host.
    let damage = Damage::MissingNumbers { adapter: 0, handle: HANDLE, gaps, missing };
    assert_eq!(report.proof.damage, if gaps > 0 { vec![damage] } else { vec![] });
}

/// A host that is the sink: what the air lost is a finding, and no damage of the capture.
#[test]
fn packets_that_a_source_lost_on_the_air_are_no_damage() {
    let mut scene = Scene::opened().start();
    for number in [0, 1, 5] {
        scene = scene.l2cap(Received, 66, &sbc_packet(number)).wait(15);
    }
    let link = scene.link();
    assert_eq!(classes(&link), [Class::MediaLost]);
    assert_eq!(link.streams[0].starts[0].media_from, Some(Side::Peer));
}

#[test]
fn media_of_another_codec_than_agreed_is_seen() {
    let aptx = vec![0x4B; 360];
    let link = Scene::opened().start().l2cap(Sent, 67, &aptx).wait(8).l2cap(Sent, 67, &aptx).link();
    assert_eq!(classes(&link), [Class::OtherCodec]);
    let media = link.streams[0].starts[0].media.as_ref().unwrap();
    assert_eq!((media.seen_as.as_agreed, media.seen_as.codec, media.sequence), (Some(false), None, None));
}

/// A smaller bitpool than agreed on is a source's right; another rate, or a larger bitpool, is not.
#[rstest]
#[case([0x9C, 0xBD, 0x33], 115, true)]
#[case([0x9C, 0xFD, 0x35], 119, false)]
#[case([0x9C, 0xBD, 0x36], 121, false)]
fn frames_are_held_against_the_configuration(#[case] header: [u8; 3], #[case] length: usize, #[case] allowed: bool) {
    let mut frame = vec![0x55; length];
    frame[..3].copy_from_slice(&header);
    let packet =
        |sequence: u8| [&[0x80, 0x60, 0, sequence, 0, 0, 0, 0, 0, 0, 0, 1, 2], frame.as_slice(), &frame].concat();
    let link = Scene::opened().start().l2cap(Sent, 67, &packet(0)).wait(5).l2cap(Sent, 67, &packet(1)).link();
    let media = link.streams[0].starts[0].media.as_ref().unwrap();
    let not_allowed = if allowed { 0 } else { 2 };
    assert_eq!(media.sbc.map(|sbc| (sbc.bitpool_max, sbc.not_allowed)), Some((header[2], not_allowed)));
    assert_eq!(media.seen_as.as_agreed, Some(allowed));
    assert_eq!(classes(&link), if allowed { vec![] } else { vec![Class::OtherCodec] });
}

#[rstest]
#[case(99, 0, None)]
#[case(101, 1, Some(Class::Stall))]
fn a_gap_that_a_buffer_may_not_bridge_is_a_stall(#[case] ms: u64, #[case] stalls: u64, #[case] class: Option<Class>) {
    let link = Scene::opened().start().media(0).wait(ms).media(1).wait(15).media(2).link();
    let media = link.streams[0].starts[0].media.as_ref().unwrap();
    assert_eq!((media.stalls, media.largest_gap_ns), (stalls, ms as i64 * 1_000_000));
    assert_eq!(classes(&link), class.into_iter().collect::<Vec<_>>());
}

#[test]
fn a_stream_that_brings_nothing_and_one_that_is_never_started_have_classes() {
    assert_eq!(classes(&Scene::opened().start().wait(1000).link()), [Class::NoMedia]);
    assert_eq!(classes(&Scene::opened().link()), [Class::NeverStarted]);
}

#[test]
fn voice_that_takes_the_place_of_music_is_found() {
    let voice = [&[0, 9, 0], SPEAKER.as_slice(), &[2, 12, 6, 60, 0, 60, 0, 2]].concat();
    let link = Scene::opened().start().media(0).wait(15).media(1).event(0x2C, &voice).link();
    assert_eq!(classes(&link), [Class::SwitchedToVoice]);
}

/// A sixteenth of how much later than its timestamp says the second packet is.
#[test]
fn jitter_is_that_of_rfc_3550() {
    let link = Scene::opened().start().media(0).wait(31).media(1).link();
    let media = link.streams[0].starts[0].media.as_ref().unwrap();
    let late = 31e6 - 640.0 / 44_100.0 * 1e9;
    assert!((media.jitter_ns.unwrap() - late / 16.0).abs() < 1.0, "{:?}", media.jitter_ns);
}
