//! Recorded captures: what is known of them, counted and timed by others than ourselves.
//!
//! Small parts lie in `tests/data`; whole ones, and those of real devices, are read from `captures` of the folder that
//! `RIGTONE_DATA` names.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use rigtone_bluetooth::timeline::{
    Class, Damage, Decoder, Delay, EndedBy, Link, MessageKind, Outcome, PhaseKind, Report, Side, Start, Stream,
};
use rstest::rstest;

pub(crate) fn report(file: &[u8]) -> Report {
    let mut decoder = Decoder::new();
    for slice in file.chunks(1 << 16) {
        decoder.feed(slice).unwrap();
    }
    decoder.finish().unwrap()
}

pub(crate) fn copied(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

/// A capture of `RIGTONE_DATA`; says so where that is not set.
fn elsewhere(name: &str) -> Option<Report> {
    let Some(folder) = std::env::var_os("RIGTONE_DATA").map(PathBuf::from) else {
        let _ = writeln!(std::io::stderr(), "not run: {name}: RIGTONE_DATA is not set");
        return None;
    };
    Some(report(&fs::read(folder.join("captures").join(name)).unwrap()))
}

fn streams(report: &Report) -> Vec<(&Stream, &Start)> {
    let of = |link: &'_ Link| link.streams.len();
    assert!(report.links.iter().map(of).sum::<usize>() > 0, "no stream");
    let streams = report.links.iter().flat_map(|link| &link.streams);
    streams.flat_map(|stream| stream.starts.iter().map(move |start| (stream, start))).collect()
}

/// What is known of one start of a stream: octets, START in us, ms to its accept and to the first media packet, packets,
/// shortest and longest in bytes, the last packet in us.
type Known = (&'static str, i64, f64, f64, u64, u32, u32, i64);

#[track_caller]
fn holds(report: &Report, known: &[Known]) {
    let found = streams(report);
    assert_eq!(found.len(), known.len());
    for ((stream, start), (octets, at_us, accept_ms, media_ms, packets, shortest, longest, last_us)) in
        found.into_iter().zip(known)
    {
        assert_eq!(stream.codec.as_ref().unwrap().octets, *octets);
        let media = start.media.as_ref().unwrap();
        let at_ns = start.at_ns.unwrap();
        assert_eq!(at_ns, at_us * 1000);
        let after = |ns: i64| (ns - at_ns) as f64 / 1e6;
        assert!((after(start.accepted_ns.unwrap()) - accept_ms).abs() < 0.06, "{octets}: {start:?}");
        assert!((after(media.first_ns) - media_ms).abs() < 0.06, "{octets}: {start:?}");
        assert_eq!((media.packets, media.shortest, media.longest), (*packets, *shortest, *longest));
        assert_eq!(media.last_ns, last_us * 1000);
        assert_eq!((start.by, start.media_from), (Some(Side::Host), Some(Side::Host)));
        assert_eq!(media.seen_as.as_agreed, Some(true));
    }
}

const SBC_48: &str = "11 15 02 35";
const SBC_44: &str = "21 15 02 35";
const APTX: &str = "4f 00 00 00 01 00 12";
const AAC: &str = "80 01 04 03 e8 00";
const LDAC: &str = "2d 01 00 00 aa 00 04 01";

#[rstest]
#[case("motog2013-lghbs730/btsnoop_hci.log", &[(SBC_48, 18_141_819, 417.5, 435.0, 1585, 588, 588, 39_696_627)])]
#[case("sim_btvirt_bumble_ldac_then_sbc.btsnoop", &[
    (LDAC, 122_367_271, 74.0, 464.6, 37, 673, 673, 127_932_154),
    (SBC_48, 138_645_310, 102.4, 643.3, 26, 703, 933, 140_592_638),
])]
#[case("sim_rootcanal_bluer_faults.btsnoop", &[(SBC_44, 48_256_648, 19.4, 426.9, 51, 1798, 1798, 50_861_252)])]
#[case("sim_rootcanal_bluer_sbc_two_cycles.btsnoop", &[
    (SBC_44, 28_760_978, 13.6, 80.0, 150, 1798, 1798, 35_327_588),
    (SBC_44, 50_455_149, 9.0, 70.8, 150, 1798, 1798, 57_013_753),
])]
#[case("sim_uml_bluer_codec_switch.btsnoop", &[
    (SBC_44, 4_487_198, 8.1, 8.1, 40, 1798, 1798, 6_193_682),
    (APTX, 8_092_169, 8.1, 8.1, 40, 360, 360, 8_394_539),
    (AAC, 10_261_077, 8.1, 8.2, 40, 426, 876, 11_176_024),
    (SBC_44, 13_054_681, 8.1, 8.2, 40, 1798, 1798, 14_762_090),
])]
fn streams_start_and_flow_as_two_other_readers_say(#[case] name: &str, #[case] known: &[Known]) {
    if let Some(report) = elsewhere(name) {
        holds(&report, known);
    }
}

/// Records, HCI traffic by kind, signals of AVDTP, media packets, length in ms.
#[rstest]
#[case("motog2013-lghbs730/btsnoop_hci.log", 3674, [93, 1793, 1678, 110], 18, 1585, 130_157)]
#[case("sim_btvirt_bumble_ldac_then_sbc.btsnoop", 2253, [144, 714, 527, 43], 30, 63, 146_220)]
#[case("sim_btvirt_faults.btsnoop", 2112, [296, 455, 77, 77], 28, 0, 116_310)]
#[case("sim_rootcanal_bluer_faults.btsnoop", 2208, [233, 430, 153, 51], 18, 51, 55_587)]
#[case("sim_rootcanal_bluer_sbc_two_cycles.btsnoop", 3181, [222, 923, 671, 71], 30, 300, 63_476)]
#[case("sim_uml_bluer_codec_switch.btsnoop", 1623, [68, 380, 297, 57], 56, 160, 17_433)]
fn everything_is_counted(
    #[case] name: &str,
    #[case] records: u64,
    #[case] hci: [u64; 4],
    #[case] signals: usize,
    #[case] media: u64,
    #[case] length_ms: i64,
) {
    let Some(report) = elsewhere(name) else { return };
    let facts = &report.capture;
    assert_eq!(facts.records, records);
    assert_eq!([facts.commands, facts.events, facts.acl_sent, facts.acl_received], hci);
    assert_eq!(report.links.iter().map(|link| link.signals.len()).sum::<usize>(), signals);
    let starts = report.links.iter().flat_map(|link| &link.streams).flat_map(|stream| &stream.starts);
    assert_eq!(starts.filter_map(|start| start.media.as_ref()).map(|media| media.packets).sum::<u64>(), media);
    assert!((facts.length_ns / 1_000_000 - length_ms).abs() <= 1);
    assert_eq!(report.left_out, 0);
    // One of them is damaged; the others prove something.
    assert_eq!(report.proof.usable, !name.contains("ldac"), "{:?}", report.proof.damage);
}

/// The first samples are late because the link rests: the reason stands beside the time.
#[test]
fn a_slow_start_is_explained_by_sniff_mode() {
    let Some(report) = elsewhere("motog2013-lghbs730/btsnoop_hci.log") else { return };
    let [link] = &report.links[..] else { panic!("{} links", report.links.len()) };
    assert_eq!((link.handle, link.called_by, link.name.as_deref()), (Some(2), Some(Side::Host), Some("LG HBS730")));
    let phase = |kind| link.phases.iter().find(|phase| phase.kind == kind).unwrap();
    let page = phase(PhaseKind::Page);
    assert_eq!((page.from_ns, page.to_ns), (654_549_000, Some(1_801_524_000)));
    assert_eq!(phase(PhaseKind::Encryption).to_ns, Some(2_220_483_000));
    assert_eq!(
        (phase(PhaseKind::Signalling).by, phase(PhaseKind::Signalling).from_ns),
        (Some(Side::Peer), 2_446_802_000)
    );
    let first = phase(PhaseKind::FirstMedia);
    let [Delay::Sniff { interval_ns: 500_000_000, lasting_ns, left: true }] = first.delays[..] else {
        panic!("{:?}", first.delays)
    };
    // From START at 18.141819 s to the active mode at 18.497731 s.
    assert_eq!(lasting_ns, 355_912_000);
    assert!(link.findings.iter().any(|finding| finding.class == Class::SlowBySniff));
    let discover = phase(PhaseKind::Discover);
    assert_eq!((discover.from_ns, discover.to_ns), (4_457_343_000, Some(4_996_033_000)));
    assert!(matches!(discover.delays[..], [Delay::Sniff { interval_ns: 500_000_000, .. }]), "{:?}", discover.delays);

    let endpoints: Vec<(u8, &str)> = link
        .endpoints
        .iter()
        .map(|endpoint| (endpoint.seid, endpoint.codec.as_ref().unwrap().octets.as_str()))
        .collect();
    assert_eq!(endpoints, [(5, "4f 00 00 00 01 00 f2"), (2, "3f 3f ff fe"), (1, "ff ff 02 35")]);
    assert!(link.endpoints.iter().all(|one| one.sink && !one.delay_reporting && one.content_protection == ["0002"]));
    let (stream, start) = streams(&report)[0];
    assert!(stream.content_protection.is_empty() && !stream.delay_reporting);
    assert_eq!((stream.configured_ns, stream.accepted_ns), (Some(5_532_820_000), Some(5_554_777_000)));
    assert_eq!(stream.opened_ns, Some(5_571_140_000));
    // 53 was agreed on, and 51 used.
    let media = start.media.as_ref().unwrap();
    let sbc = media.sbc.unwrap();
    assert_eq!((sbc.bitpool_min, sbc.bitpool_max, sbc.frames_min, sbc.frames_max), (51, 51, 5, 5));
    assert_eq!(sbc.samples, 1585 * 640);
    assert_eq!(media.sequence.map(|s| (s.gaps, s.missing, s.disordered)), Some((0, 0, 0)));
    assert_eq!(media.largest_gap_ns / 100_000, 598);
    assert_eq!(start.end.map(|end| (end.how, end.at_ns)), Some((EndedBy::Suspend, 39_757_536_000)));
    assert_eq!(stream.end.map(|end| (end.how, end.at_ns)), Some((EndedBy::Close, 129_075_058_000)));
    assert_eq!(link.end.map(|end| (end.at_ns, end.reason)), Some((129_134_500_000, Some(0x16))));
}

/// BlueZ 5.66 remembers capabilities of a device that was removed.
#[test]
fn capabilities_that_were_not_asked_for_are_seen_to_be_remembered() {
    let Some(report) = elsewhere("sim_rootcanal_bluer_sbc_two_cycles.btsnoop") else { return };
    let asked = |link: &Link| link.phases.iter().any(|phase| phase.kind == PhaseKind::Capabilities);
    assert_eq!(report.links.iter().map(asked).collect::<Vec<_>>(), [true, false]);
    for link in &report.links {
        let page = link.phases.iter().find(|phase| phase.kind == PhaseKind::Page).unwrap();
        let took_ms = (page.to_ns.unwrap() - page.from_ns) / 1_000_000;
        assert!((1020..=1023).contains(&took_ms), "{took_ms}");
        assert_eq!(link.end.and_then(|end| end.reason), Some(0x16));
        assert_eq!(link.streams[0].delays.iter().map(|delay| delay.delay_ms).collect::<Vec<_>>(), [150.0]);
    }
}

#[test]
fn a_speaker_that_drops_the_link_in_mid_stream_is_named() {
    let Some(report) = elsewhere("sim_rootcanal_bluer_faults.btsnoop") else { return };
    let classes: Vec<Vec<Class>> =
        report.links.iter().map(|link| link.findings.iter().map(|finding| finding.class).collect()).collect();
    let expected = [vec![Class::PairingRefused], vec![Class::ConfigurationRejected], vec![Class::LeftWhileStreaming]];
    assert_eq!(classes, expected);
    let end = report.links[2].end.unwrap();
    assert_eq!((end.at_ns, end.by, end.reason), (50_864_508_000, Some(Side::Peer), Some(0x13)));
    assert_eq!(report.links[2].streams[0].starts[0].end.map(|end| end.how), Some(EndedBy::Link));
}

/// Two controllers use the same handle: nothing of one is taken for the other.
#[test]
fn two_controllers_with_one_handle_are_kept_apart() {
    let report = report(&copied("faults.btsnoop"));
    assert!(report.proof.usable, "{:?}", report.proof);
    let links: Vec<(u16, Option<u16>, Option<&str>)> =
        report.links.iter().map(|link| (link.adapter, link.handle, link.name.as_deref())).collect();
    let on = |adapter, name| (adapter, Some(42), Some(name));
    let expected = [
        on(0, "SPKREF"),
        on(0, "SPKREJ"),
        on(0, "SPKREJ"),
        on(0, "SPKOK"),
        on(0, "SPKOK"),
        on(1, "SPKSBC"),
        on(1, "SPKSBC"),
    ];
    assert_eq!(links, expected);
    assert_eq!(report.links.iter().map(|link| link.signals.len()).sum::<usize>(), 28);

    let refused = report.links[0].phases.iter().find(|phase| phase.kind == PhaseKind::Authentication).unwrap();
    assert!(matches!(refused.outcome, Outcome::Refused { code: 5, .. }), "{:?}", refused.outcome);
    let refusal = report.links[2].streams[0].refusal.unwrap();
    assert_eq!((refusal.category, refusal.code, refusal.words), (Some(7), 0x29, "unsupported configuration"));
    let reject = report.links[2].signals.iter().find(|signal| signal.message == MessageKind::Reject).unwrap();
    assert_eq!(reject.refusal, Some(refusal));
    for link in [&report.links[4], &report.links[6]] {
        assert_eq!(link.findings.iter().map(|finding| finding.class).collect::<Vec<_>>(), [Class::NeverStarted]);
        assert_eq!(link.streams[0].delays.iter().map(|delay| delay.delay_ms).collect::<Vec<_>>(), [150.0]);
        assert_eq!(link.end, None);
    }
}

/// The recorder says that it lost nothing; the packets say otherwise.
#[test]
fn damage_that_the_recorder_does_not_report_is_found() {
    let report = report(&copied("ldac-damaged.btsnoop"));
    assert!(!report.proof.usable);
    assert_eq!(report.proof.damage.iter().find(|damage| matches!(damage, Damage::Dropped { .. })), None);
    let of = |wanted: fn(&Damage) -> Option<u64>| report.proof.damage.iter().find_map(wanted);
    let unfinished = of(|damage| match damage {
        Damage::Unfinished { adapter: 0, handle: 42, of: Side::Host, packets } => Some(*packets),
        _ => None,
    });
    assert!(unfinished.is_some_and(|packets| packets > 50), "{:?}", report.proof.damage);
    let missing = of(|damage| match damage {
        Damage::MissingNumbers { adapter: 0, handle: 42, missing, .. } => Some(*missing),
        _ => None,
    });
    assert!(missing.is_some_and(|missing| missing > 100), "{:?}", report.proof.damage);
    holds(&report, &[(LDAC, 122_367_271, 74.0, 464.6, 37, 673, 673, 127_932_154)]);
    // The link that was dead: a question that nobody answered.
    let dead = report.links.iter().find(|link| link.handle == Some(43)).unwrap();
    assert!(dead.services.iter().all(|search| search.answered_ns.is_none()));
    let sdp = dead.phases.iter().find(|phase| phase.kind == PhaseKind::Sdp).unwrap();
    assert!(matches!(sdp.delays[..], [Delay::Silence { of: Side::Peer, lasting_ns: 30_000_000_000.., .. }]), "{sdp:?}");
}

/// What is whole counts as unfinished nowhere: 107 packets of the whole file, four fragments of nothing, one report too many.
#[test]
fn the_damage_of_the_whole_file_is_counted() {
    let Some(report) = elsewhere("sim_btvirt_bumble_ldac_then_sbc.btsnoop") else { return };
    let damage = &report.proof.damage;
    let of = (0, 42, Side::Host);
    let (adapter, handle, side) = of;
    assert!(damage.contains(&Damage::Unfinished { adapter, handle, of: side, packets: 107 }), "{damage:?}");
    assert!(damage.contains(&Damage::Orphans { adapter, handle, of: side, fragments: 4 }), "{damage:?}");
    // The handle is used by two links: 9 packets went over the first.
    assert!(damage.contains(&Damage::MoreCompleted { adapter, handle, sent: 516, completed: 517 }), "{damage:?}");
}

/// Channel 64 is service discovery first and carries media later; the codec in force changes twice.
#[test]
fn three_codecs_follow_one_another_on_one_link() {
    let report = report(&copied("codec-switch.btsnoop"));
    assert!(report.proof.usable, "{:?}", report.proof);
    holds(
        &report,
        &[
            (SBC_44, 4_487_198, 8.1, 8.1, 40, 1798, 1798, 6_193_682),
            (APTX, 8_092_169, 8.1, 8.1, 40, 360, 360, 8_394_539),
            (AAC, 10_261_077, 8.1, 8.2, 40, 426, 876, 11_176_024),
        ],
    );
    let seen: Vec<Option<bool>> =
        streams(&report).iter().map(|(_, start)| start.media.as_ref().map(|media| media.sequence.is_some())).collect();
    assert_eq!(seen, [Some(true), Some(false), Some(true)]);
    assert_eq!(streams(&report)[0].0.mtu_to_peer, Some(2048));
}
