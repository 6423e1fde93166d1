//! Conversations that were planted: every phase, every link and every delay is found where it was put.

use rigtone_bluetooth::{
    capture::{
        Direction::{Received, Sent},
        Format, Kind,
    },
    codec::Codec,
    timeline::{Class, Delay, EndedBy, Happening, Outcome, PhaseKind, Side},
};
use rstest::rstest;

use crate::{
    build::{FORMATS, Packet, file},
    recorded::report,
    scene::{HANDLE, SBC, SPEAKER, Scene, classes, evening, happened, phase, took},
};

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

#[test]
fn authentication_that_the_host_calls_off_is_not_lost() {
    let link = Scene::default().call(100).command(0x0411, &[HANDLE as u8, 0]).wait(900).disconnected(0x16).link();
    assert_eq!(classes(&link), [Class::AuthenticationCalledOff]);
    assert!(link.findings[0].words.contains("not over after 900.0 ms"), "{:?}", link.findings);
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
fn a_search_without_an_answer_stays_without_one() {
    let search = [6, 0, 1, 0, 15, 0x35, 3, 0x19, 0x11, 0x0B, 0xFF, 0xFF, 0x35, 5, 0x0A, 0, 0, 0xFF, 0xFF, 0];
    let link = Scene::default()
        .call(100)
        .channel(Sent, 1, 64, 65)
        .l2cap(Sent, 65, &search)
        .wait(5000)
        .l2cap(Sent, 1, &[6, 9, 4, 0, 65, 0, 64, 0])
        .l2cap(Received, 1, &[7, 9, 4, 0, 65, 0, 64, 0])
        .wait(10)
        .link();
    assert_eq!(phase(&link, PhaseKind::Sdp).outcome, Outcome::Unanswered);
    assert_eq!(link.services[0].answered_ns, None);
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
    // 40 media packets and the signals from START's accept on cannot be read, and are counted.
    assert_eq!(link.unread, 40 + 6);
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

/// Traffic of Low Energy is not taken for something else.
#[test]
fn links_of_low_energy_are_listed_and_left_alone() {
    let connected = [&[1, 0, HANDLE as u8, 0, 0, 0], SPEAKER.as_slice(), &[6, 0, 0, 0, 0x2A, 0, 0]].concat();
    let link = Scene::default().event(0x3E, &connected).signalling().ask(Sent, 0x01, &[]).link();
    assert!(link.low_energy);
    assert_eq!((link.signals.len(), link.phases.len()), (0, 0));
}
