//! Conversations that were planted: every phase, every refusal, every delay is found where it was put.

use rigtone_bluetooth::{
    capture::{
        Direction::{Received, Sent},
        Format, Kind,
    },
    codec::Codec,
    timeline::{Class, Damage, Delay, EndedBy, Finding, Happening, Link, MessageKind, Outcome, PhaseKind, Side},
};
use rstest::rstest;

use crate::{
    build::{FORMATS, Packet, btsnoop, file, head, record},
    recorded::report,
    scene::{HANDLE, SBC, SPEAKER, Scene, phase, sbc_packet, took},
};

fn classes(link: &Link) -> Vec<Class> {
    link.findings.iter().map(|Finding { class, .. }| *class).collect()
}

fn happened(link: &Link) -> Vec<&Happening> {
    link.moments.iter().map(|moment| &moment.what).collect()
}

/// A whole evening: call, agree, play 40 packets, suspend, close, part.
fn evening() -> Scene {
    let mut scene = Scene::opened().start().wait(20);
    for sequence in 0..40 {
        scene = scene.media(sequence).wait(15);
    }
    scene
        .ask(Sent, 0x09, &[1 << 2])
        .wait(7)
        .accept(Received, 0x09, &[])
        .wait(100)
        .ask(Sent, 0x08, &[1 << 2])
        .wait(8)
        .accept(Received, 0x08, &[])
        .wait(50)
        .command(0x0406, &[HANDLE as u8, 0, 0x13])
        .wait(9)
        .disconnected(0x16)
}

#[test]
fn every_phase_is_timed() {
    let link = evening().link();
    assert_eq!((link.handle, link.called_by), (Some(HANDLE), Some(Side::Host)));
    assert_eq!(link.address.unwrap().to_string(), "00:18:6B:01:02:03");
    for (kind, ms) in [
        (PhaseKind::Page, 100.0),
        (PhaseKind::Signalling, 2.0),
        (PhaseKind::Discover, 5.0),
        (PhaseKind::Capabilities, 5.0),
        (PhaseKind::Configuration, 5.0),
        (PhaseKind::Open, 5.0),
        (PhaseKind::MediaChannel, 2.0),
        (PhaseKind::Start, 10.0),
        (PhaseKind::FirstMedia, 30.0),
        (PhaseKind::Media, 39.0 * 15.0),
        (PhaseKind::Suspend, 7.0),
        (PhaseKind::Close, 8.0),
        (PhaseKind::Disconnect, 9.0),
    ] {
        assert_eq!(took(&link, kind), (ms, Some(Side::Host)), "{kind:?}");
        assert_eq!((phase(&link, kind).outcome, &phase(&link, kind).delays[..]), (Outcome::Done, &[][..]), "{kind:?}");
    }
    assert_eq!(link.phases.len(), 13);
    assert_eq!(classes(&link), []);

    let [stream] = &link.streams[..] else { panic!("{:#?}", link.streams) };
    assert_eq!((stream.host_seid, stream.peer_seid, stream.chosen_by), (Some(3), Some(1), Some(Side::Host)));
    assert_eq!(
        stream.codec.as_ref().map(|codec| (codec.codec, codec.octets.as_str())),
        Some((Codec::Sbc, "21 15 02 35"))
    );
    assert_eq!((stream.mtu_to_peer, stream.end.map(|end| end.how)), (Some(2048), Some(EndedBy::Close)));
    let [start] = &stream.starts[..] else { panic!("{:#?}", stream.starts) };
    assert_eq!(start.end.map(|end| (end.how, end.by)), Some((EndedBy::Suspend, Some(Side::Host))));
    let media = start.media.as_ref().unwrap();
    assert_eq!((media.packets, media.bytes), (40, 40 * 608));
    // 39 intervals of 15 ms; samples for 14.512 ms each.
    assert!((media.packets_per_s.unwrap() - 1000.0 / 15.0).abs() < 1e-9);
    assert!((media.bytes_per_s.unwrap() - 608.0 * 1000.0 / 15.0).abs() < 1e-6);
    assert_eq!((media.largest_gap_ns, media.stalls), (15_000_000, 0));
    assert!(media.interval_sd_ns.unwrap() < 1.0);
    let steady = 15e6 - 640.0 / 44_100.0 * 1e9;
    assert!((media.jitter_ns.unwrap() - steady).abs() < 0.1 * steady, "{:?}", media.jitter_ns);
    assert_eq!(media.sequence.map(|s| (s.packets, s.gaps, s.missing, s.disordered)), Some((40, 0, 0, 0)));
    assert_eq!(media.seen_as.as_agreed, Some(true));
    assert_eq!(media.sbc.map(|sbc| (sbc.bitpool_max, sbc.frames_max, sbc.samples)), Some((53, 5, 40 * 640)));
}

/// The same conversation says the same in every format, whatever the size of the ACL packets.
#[rstest]
fn formats_and_fragments_change_nothing(#[values(0, 1, 2, 3, 4)] format: usize, #[values(0, 27, 5)] fragments: usize) {
    let plain = evening();
    let packets = if fragments == 0 { plain.packets.clone() } else { cut(&plain, fragments) };
    let found = report(&file(FORMATS[format], &packets));
    let expected = plain.report(Format::BtsnoopH4);
    assert_eq!(found.links, expected.links);
    assert!(found.proof.usable, "{:?}", found.proof);
    assert_eq!(found.capture.format, FORMATS[format]);
}

/// Every ACL packet in fragments; the reports of the controller fit them.
fn cut(scene: &Scene, size: usize) -> Vec<Packet> {
    let mut made = Scene { fragments: size, ..Scene::default() };
    for one in &scene.packets {
        made.now = one.at_us;
        made = match (one.kind, &one.data[..]) {
            (Kind::Acl, [_, _, _, _, _, _, low, high, data @ ..]) => {
                made.l2cap(one.direction, u16::from_le_bytes([*low, *high]), data)
            }
            (Kind::Event, [0x13, ..]) => made,
            (Kind::Event, [code, _, parameters @ ..]) => made.event(*code, parameters),
            (Kind::Command, [low, high, _, parameters @ ..]) => {
                made.command(u16::from_le_bytes([*low, *high]), parameters)
            }
            other => panic!("{other:?}"),
        };
    }
    made.packets
}

#[rstest]
#[case(0x04, Class::PageTimeout)]
#[case(0x0D, Class::CallFailed)]
fn a_call_that_fails_is_no_link(#[case] status: u8, #[case] class: Class) {
    let scene = Scene::default().command(0x0405, &[SPEAKER.as_slice(), &[0; 7]].concat()).wait(5120).connected(status);
    let link = scene.link();
    assert_eq!((link.handle, classes(&link)), (None, vec![class]));
    assert_eq!(link.end.map(|end| end.reason), Some(Some(status)));
    // The next one is another try of it.
    let again = scene.wait(1000).call(300).report(Format::BtsnoopH4);
    assert_eq!(phase(&again.links[1], PhaseKind::Page).delays, [Delay::Retries { count: 1 }]);
}

/// A search, and the name that the device gives.
#[test]
fn a_device_is_searched_and_named() {
    let found = [&[1], SPEAKER.as_slice(), &[1, 0, 0x14, 4, 0x24, 0, 0, 0xC0, 5, 9, b'B', b'o', b'x', b'!']].concat();
    let name = [&[0], SPEAKER.as_slice(), b"Kitchen\x1b[2J\0\0\0"].concat();
    let link = Scene::default()
        .command(0x0401, &[0x33, 0x8B, 0x9E, 8, 0])
        .wait(1500)
        .event(0x2F, &found)
        .wait(500)
        .event(0x01, &[0])
        .call(100)
        .event(0x07, &name)
        .link();
    assert_eq!(took(&link, PhaseKind::Inquiry), (1500.0, Some(Side::Host)));
    assert_eq!(phase(&link, PhaseKind::Inquiry).detail.as_deref(), Some("heard at -64 dBm"));
    assert_eq!(link.name.as_deref(), Some("Kitchen\x1b[2J"));
}

#[test]
fn pairing_that_waits_for_a_user_says_so() {
    let key = [SPEAKER.as_slice(), &[7; 16], &[4]].concat();
    let link = Scene::default()
        .call(100)
        .command(0x0411, &[HANDLE as u8, 0])
        .event(0x17, &SPEAKER)
        .command(0x040C, &SPEAKER)
        .event(0x31, &SPEAKER)
        .event(0x33, &[SPEAKER.as_slice(), &[1, 2, 3, 0]].concat())
        .wait(4000)
        .command(0x042C, &SPEAKER)
        .wait(50)
        .event(0x36, &[&[0], SPEAKER.as_slice()].concat())
        .event(0x18, &key)
        .event(0x06, &[0, HANDLE as u8, 0])
        .command(0x0413, &[HANDLE as u8, 0, 1])
        .wait(20)
        .event(0x08, &[0, HANDLE as u8, 0, 1])
        .link();
    assert_eq!(took(&link, PhaseKind::Authentication), (4050.0, Some(Side::Host)));
    let authentication = phase(&link, PhaseKind::Authentication);
    assert_eq!(authentication.delays, [Delay::Confirmation { lasting_ns: 4_000_000_000 }]);
    assert_eq!(authentication.detail.as_deref(), Some("paired: unauthenticated key, P-192"));
    assert_eq!(took(&link, PhaseKind::Encryption), (20.0, Some(Side::Host)));
    assert!(happened(&link).contains(&&Happening::Encryption { on: true, status: 0 }));
    // The key itself is nowhere.
    assert!(!serde_json::to_string(&link).unwrap().contains("7, 7, 7"));
}

#[rstest]
#[case(0x05, Class::PairingRefused)]
#[case(0x18, Class::PairingRefused)]
#[case(0x06, Class::BondLost)]
fn authentication_that_fails_has_a_class(#[case] status: u8, #[case] class: Class) {
    let link = Scene::default()
        .call(100)
        .command(0x0411, &[HANDLE as u8, 0])
        .event(0x17, &SPEAKER)
        .command(0x040B, &[SPEAKER.as_slice(), &[7; 16]].concat())
        .wait(30)
        .event(0x06, &[status, HANDLE as u8, 0])
        .link();
    assert_eq!(classes(&link), [class]);
    assert!(happened(&link).contains(&&Happening::LinkKey { known: true }));
}

#[test]
fn a_link_that_ends_during_authentication_was_lost_while_pairing() {
    let link = Scene::default().call(100).command(0x0411, &[HANDLE as u8, 0]).wait(900).disconnected(0x08).link();
    assert_eq!(classes(&link), [Class::LostWhilePairing, Class::LinkLost]);
    assert_eq!(phase(&link, PhaseKind::Authentication).outcome, Outcome::LinkEnded);
    assert_eq!(link.end.map(|end| (end.by, end.reason)), Some((None, Some(8))));
}

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

/// Leaving a rest of 500 ms takes 300 ms of the start.
#[test]
fn leaving_sniff_mode_delays_a_start() {
    let mode = |mode: u8, interval: u16| {
        let [low, high] = interval.to_le_bytes();
        [0, HANDLE as u8, 0, mode, low, high]
    };
    let link = Scene::opened()
        .event(0x14, &mode(2, 800))
        .wait(5000)
        .ask(Sent, 0x07, &[1 << 2])
        .command(0x0804, &[HANDLE as u8, 0])
        .wait(300)
        .event(0x14, &mode(0, 0))
        .wait(20)
        .accept(Received, 0x07, &[])
        .wait(15)
        .media(0)
        .link();
    let sniff = [Delay::Sniff { interval_ns: 500_000_000, lasting_ns: 300_000_000, left: true }];
    assert_eq!(phase(&link, PhaseKind::Start).delays, sniff);
    assert_eq!(phase(&link, PhaseKind::FirstMedia).delays, sniff);
    assert_eq!(took(&link, PhaseKind::FirstMedia), (335.0, Some(Side::Host)));
    assert_eq!(classes(&link), [Class::SlowBySniff]);
    assert!(happened(&link).contains(&&Happening::Mode { mode: "sniff", interval_ns: 500_000_000 }));
}

#[test]
fn a_question_asked_twice_is_another_try() {
    let link = Scene::default()
        .call(100)
        .signalling()
        .ask(Sent, 0x01, &[])
        .wait(100)
        .ask(Sent, 0x01, &[])
        .wait(5)
        .accept(Received, 0x01, &[1 << 2, 0x08])
        .link();
    assert_eq!(phase(&link, PhaseKind::Discover).delays, [Delay::Retries { count: 1 }]);
    assert_eq!(took(&link, PhaseKind::Discover), (105.0, Some(Side::Host)));
}

#[test]
fn an_answer_that_asks_to_wait_delays_a_channel_and_a_refusal_has_words() {
    let waits = Scene::default()
        .call(100)
        .l2cap(Received, 1, &[2, 1, 4, 0, 25, 0, 65, 0])
        .l2cap(Sent, 1, &[3, 1, 8, 0, 64, 0, 65, 0, 1, 0, 2, 0])
        .wait(3000)
        .l2cap(Sent, 1, &[3, 1, 8, 0, 64, 0, 65, 0, 0, 0, 0, 0])
        .link();
    assert_eq!(took(&waits, PhaseKind::Signalling), (3000.0, Some(Side::Peer)));
    assert_eq!(phase(&waits, PhaseKind::Signalling).delays[0], Delay::Pending { lasting_ns: 3_000_000_000 });
    let refused = Scene::default()
        .call(100)
        .l2cap(Sent, 1, &[2, 1, 4, 0, 25, 0, 64, 0])
        .l2cap(Received, 1, &[3, 1, 8, 0, 0, 0, 64, 0, 2, 0, 0, 0])
        .link();
    assert_eq!(classes(&refused), [Class::NoAudio]);
    assert!(happened(&refused).iter().any(|what| {
        matches!(what, Happening::ChannelRefused { psm: 25, by: Side::Host, code: 2, words: "service not there", .. })
    }));
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
fn a_service_that_is_not_there_is_missing() {
    let search = [6, 0, 1, 0, 15, 0x35, 3, 0x19, 0x11, 0x0B, 0xFF, 0xFF, 0x35, 5, 0x0A, 0, 0, 0xFF, 0xFF, 0];
    let asked = Scene::default().call(100).channel(Sent, 1, 64, 65).l2cap(Sent, 65, &search).wait(30);
    let missing = asked.clone().l2cap(Received, 64, &[7, 0, 1, 0, 5, 0, 2, 0x35, 0, 0]).link();
    assert_eq!(classes(&missing), [Class::ServiceMissing]);
    assert_eq!((missing.services[0].records, missing.services[0].services.join("")), (0, "110b audio sink".to_owned()));

    // One record in two parts.
    let record = [
        [0x35, 25, 0x35, 23].as_slice(),
        &[0x09, 0, 1, 0x35, 3, 0x19, 0x11, 0x0B],
        &[0x09, 0, 9, 0x35, 8, 0x35, 6, 0x19, 0x11, 0x0D, 0x09, 1, 3, 0x08, 7],
    ]
    .concat();
    let (first, second) = record.split_at(9);
    let part = |bytes: &[u8], more: &[u8]| {
        let length = (2 + bytes.len() + more.len()) as u8;
        [&[7, 0, 1, 0, length, 0, bytes.len() as u8], bytes, more].concat()
    };
    let again = [&search[..4], &[17], &search[5..19], &[2, 0, 9]].concat();
    let found = asked
        .l2cap(Received, 64, &part(first, &[2, 0, 9]))
        .l2cap(Sent, 65, &again)
        .l2cap(Received, 64, &part(second, &[0]))
        .link();
    let service = &found.services[0];
    assert_eq!(
        (found.services.len(), service.records, &service.classes[..]),
        (1, 1, &["110b audio sink".to_owned()][..])
    );
    assert_eq!(service.profiles, ["110d advanced audio 1.3"]);
    assert_eq!(took(&found, PhaseKind::Sdp), (32.0, Some(Side::Host)));
}

#[test]
fn volume_playback_keys_and_voice_are_moments() {
    let avrcp = |kind: u8, rest: &[u8]| [&[0x10 | kind, 0x11, 0x0E], rest].concat();
    let link = Scene::default()
        .call(100)
        .channel(Sent, 23, 64, 65)
        .l2cap(Sent, 65, &avrcp(0, &[0x00, 0x48, 0x00, 0, 0x19, 0x58, 0x50, 0, 0, 1, 0x40]))
        .l2cap(Received, 64, &avrcp(2, &[0x09, 0x48, 0x00, 0, 0x19, 0x58, 0x50, 0, 0, 1, 0x3F]))
        .l2cap(Sent, 65, &avrcp(2, &[0x0D, 0x48, 0x00, 0, 0x19, 0x58, 0x31, 0, 0, 2, 1, 1]))
        .l2cap(Received, 64, &avrcp(0, &[0x00, 0x48, 0x7C, 0x46, 0]))
        .channel(Received, 3, 70, 66)
        .l2cap(Received, 66, &[&[0x0B, 0xEF, 24 << 1 | 1], b"AT+BRSF=155\rAT+BAC=1,2\r\n".as_slice(), &[0]].concat())
        .l2cap(Sent, 70, &[&[0x09, 0xEF, 10 << 1 | 1], b"\r\n+BCS: 2\r".as_slice(), &[0]].concat())
        .event(0x2C, &[&[0, 9, 0], SPEAKER.as_slice(), &[2, 12, 6, 60, 0, 60, 0, 2]].concat())
        .wait(2000)
        .event(0x05, &[0, 9, 0, 0x13])
        .link();
    let expected = [
        Happening::Volume { by: Side::Host, said: "set", value: 64 },
        Happening::Volume { by: Side::Peer, said: "taken", value: 63 },
        Happening::Playback { by: Side::Host, status: "playing", changed: true },
        Happening::Key { by: Side::Peer, key: "pause", pressed: true },
        Happening::HandsFreeFeatures { by: Side::Peer, features: 155 },
        Happening::HandsFreeCodec { by: Side::Peer, said: "offered", codecs: vec!["CVSD", "mSBC"] },
        Happening::HandsFreeCodec { by: Side::Host, said: "chosen", codecs: vec!["mSBC"] },
        Happening::Voice { status: 0, words: "success" },
        Happening::VoiceEnded { reason: 0x13, words: "ended by the remote user" },
    ];
    let channels = |what: &&&Happening| !matches!(what, Happening::ChannelOpened { .. });
    let found: Vec<&Happening> = happened(&link).iter().filter(channels).copied().collect();
    assert_eq!(found, expected.iter().collect::<Vec<_>>());
    // Voice ended, the link did not.
    assert_eq!(link.end, None);
}

#[test]
fn voice_that_takes_the_place_of_music_is_found() {
    let voice = [&[0, 9, 0], SPEAKER.as_slice(), &[2, 12, 6, 60, 0, 60, 0, 2]].concat();
    let link = Scene::opened().start().media(0).wait(15).media(1).event(0x2C, &voice).link();
    assert_eq!(classes(&link), [Class::SwitchedToVoice]);
}

/// Whoever asked ended the link, whatever number the controller copies; without an order of the host the reason tells.
#[rstest]
#[case(false, 0x13, Some(Side::Peer))]
#[case(false, 0x15, Some(Side::Peer))]
#[case(false, 0x16, Some(Side::Host))]
#[case(false, 0x08, None)]
#[case(true, 0x13, Some(Side::Host))]
fn who_ended_the_link_is_told(#[case] ordered: bool, #[case] reason: u8, #[case] by: Option<Side>) {
    let mut scene = Scene::default().call(100);
    if ordered {
        scene = scene.command(0x0406, &[HANDLE as u8, 0, 0x13]).wait(5);
    }
    let link = scene.disconnected(reason).link();
    assert_eq!(link.end.map(|end| (end.by, end.reason)), Some((by, Some(reason))));
    assert_eq!(phase(&link, PhaseKind::Disconnect).by, by);
}

/// A sixteenth of how much later than its timestamp says the second packet is.
#[test]
fn jitter_is_that_of_rfc_3550() {
    let link = Scene::opened().start().media(0).wait(31).media(1).link();
    let media = link.streams[0].starts[0].media.as_ref().unwrap();
    let late = 31e6 - 640.0 / 44_100.0 * 1e9;
    assert!((media.jitter_ns.unwrap() - late / 16.0).abs() < 1.0, "{:?}", media.jitter_ns);
}

/// A call by the peer, paired and ended by it; the host only answers.
#[test]
fn a_peer_may_do_everything() {
    let called = [SPEAKER.as_slice(), &[0x14, 4, 0x24, 1]].concat();
    let link = Scene::default()
        .event(0x04, &called)
        .command(0x0409, &[SPEAKER.as_slice(), &[1]].concat())
        .wait(80)
        .connected(0)
        .event(0x17, &SPEAKER)
        .command(0x040B, &[SPEAKER.as_slice(), &[7; 16]].concat())
        .wait(40)
        .event(0x08, &[0, HANDLE as u8, 0, 1])
        .channel(Received, 25, 65, 64)
        .ask(Received, 0x01, &[])
        .wait(3)
        .accept(Sent, 0x01, &[3 << 2, 0x00])
        .ask(Received, 0x03, &[&[3 << 2, 1 << 2], SBC.as_slice()].concat())
        .wait(3)
        .accept(Sent, 0x03, &[])
        .ask(Received, 0x06, &[3 << 2])
        .accept(Sent, 0x06, &[])
        .channel(Received, 25, 67, 66)
        .ask(Received, 0x07, &[3 << 2])
        .wait(9)
        .accept(Sent, 0x07, &[])
        .wait(11)
        .media(0)
        .disconnected(0x13)
        .link();
    let peer = Some(Side::Peer);
    assert_eq!(link.called_by, peer);
    assert_eq!(took(&link, PhaseKind::Page), (80.0, peer));
    assert_eq!(took(&link, PhaseKind::Authentication), (40.0, peer));
    assert_eq!(took(&link, PhaseKind::Discover), (3.0, peer));
    assert_eq!(took(&link, PhaseKind::Configuration), (3.0, peer));
    assert_eq!(took(&link, PhaseKind::Start), (9.0, peer));
    assert_eq!(took(&link, PhaseKind::FirstMedia), (20.0, peer));
    let [stream] = &link.streams[..] else { panic!("{:#?}", link.streams) };
    assert_eq!((stream.host_seid, stream.peer_seid, stream.chosen_by), (Some(3), Some(1), peer));
    assert_eq!(stream.starts[0].media_from, Some(Side::Host));
    let [endpoint] = &link.endpoints[..] else { panic!("{:#?}", link.endpoints) };
    assert_eq!((endpoint.of, endpoint.seid, endpoint.sink), (Side::Host, 3, false));
    assert_eq!(classes(&link), [Class::LeftWhileStreaming]);
}

/// A capture may begin in the middle: what was agreed on before is unknown, and nothing is made up.
#[test]
fn a_link_that_was_there_before_is_followed_as_far_as_it_can_be() {
    let mut whole = evening();
    let started = whole.packets.iter().position(|packet| packet.data.ends_with(&[0x07, 1 << 2])).unwrap();
    whole.packets.drain(..started);
    let report = whole.report(Format::BtsnoopH4);
    assert_eq!(report.links.len(), 1);
    let link = &report.links[0];
    assert_eq!((link.address, link.called_by, link.streams.len(), link.signals.len()), (None, None, 0, 0));
    assert_eq!(link.end.map(|end| end.reason), Some(Some(0x16)));
}

#[test]
fn a_controller_that_goes_takes_its_links_along() {
    let mut scene = Scene::opened().start().media(0);
    scene = scene.wait(100).command(0x0C03, &[]);
    let link = scene.link();
    assert_eq!(classes(&link), [Class::ControllerGone]);
    assert_eq!(link.streams[0].end.map(|end| end.how), Some(EndedBy::Link));
}

/// What the recorder lost, cut or turned round is said, and the capture proves nothing.
#[test]
fn damage_is_named() {
    let scene = Scene::opened().start().media(0);
    let plain = file(Format::BtsnoopH4, &scene.packets);
    let damage = |more: &[u8]| report(&[plain.as_slice(), more].concat()).proof.damage;
    let next = scene.packets.len() as u64 + 1;
    assert_eq!(damage(&[]), []);
    let later = scene.now + 1000;
    let reset: &[u8] = &[1, 3, 0x0C, 0];
    assert_eq!(damage(&btsnoop(later, 2, 7, 4, reset)), [Damage::Dropped { packets: 7 }]);
    assert_eq!(damage(&btsnoop(later, 2, 0, 9, reset)), [Damage::CutPackets { records: 1, first: next }]);
    assert_eq!(
        damage(&btsnoop(later, 2, 0, 5, &[1, 3, 0x0C, 1, 0, 0])),
        [Damage::Malformed { records: 1, first: next }]
    );
    assert_eq!(damage(&btsnoop(later, 2, 0, 1, &[9])), [Damage::Malformed { records: 1, first: next }]);
    let by_ns = (scene.now - 1000) as i64 * 1000;
    assert_eq!(damage(&btsnoop(1000, 2, 0, 4, reset)), [Damage::OutOfOrder { records: 1, first: next, by_ns }]);
    // What a recorder swapped by a little is no damage; it says how good its times are.
    let swapped = report(&[plain.as_slice(), &btsnoop(scene.now - 3000, 2, 0, 4, reset)].concat());
    assert_eq!((swapped.proof.usable, swapped.capture.swapped_ns), (true, 3_000_000));
    let offset = plain.len() as u64;
    assert_eq!(damage(&btsnoop(later, 2, 0, 4, reset)[..9]), [Damage::CutShort { record: next, offset }]);
}

/// Android may leave media out of its log, or keep only the heads of packets: neither is a speaker that got nothing.
#[test]
fn a_filtered_log_is_recognised() {
    let mut scene = Scene::opened().start();
    let before = scene.packets.len();
    for number in 0..20 {
        scene = scene.media(number).wait(15);
    }
    let is_media = |one: &Packet| one.kind == Kind::Acl;
    let mut without = scene.clone();
    let mut at = 0;
    without.packets.retain(|one| {
        at += 1;
        at <= before || !is_media(one)
    });
    let found = without.report(Format::BtsnoopH4);
    let damage = &found.proof.damage[..];
    assert!(matches!(damage, [Damage::MoreCompleted { sent, completed, .. }] if completed - sent == 20), "{damage:?}");
    let [finding] = &found.links[0].findings[..] else { panic!("{:?}", found.links[0].findings) };
    assert!(finding.class == Class::NoMedia && finding.words.contains("damaged or filtered"), "{finding:?}");

    let mut heads = head(Format::BtsnoopH4);
    for (number, one) in scene.packets.iter().enumerate() {
        let whole = record(Format::BtsnoopH4, one);
        if number < before || !is_media(one) {
            heads.extend(whole);
        } else {
            let kept = &whole[24..24 + 9];
            let received = u32::from(one.direction == Received);
            heads.extend(btsnoop(one.at_us, received, 0, whole.len() as u32 - 24, kept));
        }
    }
    let found = report(&heads);
    assert_eq!(found.proof.damage, [Damage::CutPackets { records: 20, first: before as u64 + 1 }]);
    let media = found.links[0].streams[0].starts[0].media.as_ref().unwrap();
    assert_eq!((media.packets, media.bytes, media.cut, media.seen_as.packets), (20, 20 * 608, 20, 0));
    assert_eq!((media.sequence, media.seen_as.as_agreed), (None, None));
}

#[test]
fn packets_that_do_not_fit_together_are_damage() {
    let begun = [&[0xFF, 0, 67, 0], [0; 20].as_slice()].concat();
    let scene = Scene::opened().start().acl(Sent, false, &begun).media(0).acl(Sent, true, &[1, 2, 3]);
    let of = Side::Host;
    let (adapter, handle) = (0, HANDLE);
    assert_eq!(
        scene.report(Format::BtsnoopH4).proof.damage,
        [Damage::Unfinished { adapter, handle, of, packets: 1 }, Damage::Orphans { adapter, handle, of, fragments: 1 },]
    );
    // More packets reported as sent than there are.
    let scene = Scene::opened().event(0x13, &[1, HANDLE as u8, 0, 1, 0]);
    let damage = scene.report(Format::BtsnoopH4).proof.damage;
    assert!(
        matches!(damage[..], [Damage::MoreCompleted { sent, completed, .. }] if completed == sent + 1),
        "{damage:?}"
    );
}

/// A controller with room for three packets cannot hold four.
#[test]
fn reports_that_are_missing_are_damage() {
    let room = [1, 0x05, 0x10, 0, 0xFD, 3, 0x40, 3, 0, 8, 0];
    let mut scene = Scene::default().event(0x0E, &room).call(100);
    for number in 0..4 {
        let report = scene.report(Format::BtsnoopH4);
        assert!(report.proof.usable, "{number}: {:?}", report.proof);
        scene = scene.acl(Sent, false, &[0, 0, 67, 0]);
    }
    let held = [Damage::FewerCompleted { adapter: 0, handle: HANDLE, held: 4, room: 3 }];
    assert_eq!(scene.report(Format::BtsnoopH4).proof.damage, held);
}

/// Traffic of Low Energy is not taken for something else.
#[test]
fn links_of_low_energy_are_listed_and_left_alone() {
    let connected = [&[1, 0, HANDLE as u8, 0, 0, 0], SPEAKER.as_slice(), &[6, 0, 0, 0, 0x2A, 0, 0]].concat();
    let link = Scene::default().event(0x3E, &connected).signalling().ask(Sent, 0x01, &[]).link();
    assert!(link.low_energy);
    assert_eq!((link.signals.len(), link.phases.len()), (0, 0));
}
