//! Packets of a sink with planted losses, repetitions and rubbish.

use proptest::prelude::*;
use rigtone_bluetooth::{
    aac, aptx,
    codec::CodecConfiguration,
    ldac, opus,
    packet::{RtpHeader, packetise},
    received::{Arrival, Counts, Intervals, Part, unpack},
    sbc::{self, Frequency},
};
use rstest::rstest;

const SBC: CodecConfiguration = CodecConfiguration::Sbc(sbc::Configuration::high_quality(Frequency::Hz48000));
const AAC: CodecConfiguration = CodecConfiguration::Aac(aac::Configuration::high_quality(48_000));
const OPUS: CodecConfiguration = CodecConfiguration::Opus(opus::Configuration);
const HD: CodecConfiguration = CodecConfiguration::Aptx(aptx::Configuration { variant: aptx::Variant::Hd, hz: 48_000 });
const APTX: CodecConfiguration =
    CodecConfiguration::Aptx(aptx::Configuration { variant: aptx::Variant::Classic, hz: 48_000 });
const LDAC: CodecConfiguration = CodecConfiguration::Ldac(ldac::Configuration { hz: 48_000, mode: ldac::Mode::Stereo });
/// 5 frames of SBC in 672 bytes.
const SAMPLES: u64 = 640;

/// A stream of so many frames of SBC at 48 kHz, each of its own content.
fn sbc_stream(frames: usize) -> Vec<u8> {
    let frame = |n: usize| [&[0x9C, 0xFD, 0x35][..], &[n as u8; 116]].concat();
    (0..frames).flat_map(frame).collect()
}

/// Packets of 672 bytes at most with the times at which they came: each when its sound is due.
fn sent(configuration: CodecConfiguration, encoded: &[u8]) -> Vec<(i64, Vec<u8>)> {
    let packets = packetise(configuration, encoded, 672).expect("packets");
    let at = |sample: u64| (sample * 1_000_000_000 / u64::from(configuration.rate())) as i64;
    packets.into_iter().map(|packet| (at(packet.first_sample), packet.bytes)).collect()
}

fn received(configuration: CodecConfiguration, packets: &[(i64, Vec<u8>)]) -> (Vec<Part>, Counts) {
    let arrivals: Vec<Arrival<'_>> = packets.iter().map(|(at_ns, bytes)| Arrival { at_ns: *at_ns, bytes }).collect();
    unpack(configuration, &arrivals)
}

fn renumbered(packet: &mut (i64, Vec<u8>), change: impl FnOnce(&mut RtpHeader)) {
    let (mut header, payload) = RtpHeader::parse(&packet.1).expect("RTP");
    let payload = payload.to_vec();
    change(&mut header);
    packet.1 = [&header.bytes()[..], &payload].concat();
}

fn positions(parts: &[Part]) -> Vec<u64> {
    parts.iter().map(|part| part.position).collect()
}

fn loas(elements: &[usize]) -> Vec<u8> {
    let made: Vec<Vec<u8>> = elements.iter().enumerate().map(|(n, length)| vec![n as u8 + 1; *length]).collect();
    aac::loas(made.iter().map(|element| &element[..]))
}

fn ogg(frames: usize) -> Vec<u8> {
    let made: Vec<Vec<u8>> = (0..frames).map(|n| vec![n as u8; 100 + n]).collect();
    opus::ogg(made.iter().map(|frame| &frame[..]))
}

#[rstest]
#[case::sbc(SBC, sbc_stream(100), 640)]
#[case::aptx(APTX, (0..4000u32).map(|n| n as u8).collect(), 672)]
#[case::aptx_hd(HD, (0..6600u32).map(|n| n as u8).collect(), 440)]
#[case::opus(OPUS, ogg(20), 960)]
#[case::ldac(LDAC, [&[0xAA, 0x33, 0x60][..], &[0x55; 217]].concat().repeat(20), 256)]
#[case::aac(AAC, loas(&[300, 600, 660, 1500, 20, 1980]), 1024)]
fn what_was_sent_is_received_in_its_places(
    #[case] configuration: CodecConfiguration,
    #[case] encoded: Vec<u8>,
    #[case] samples: u64,
) {
    let packets = sent(configuration, &encoded);
    let (parts, counts) = received(configuration, &packets);
    let all = packets.len() as u64;
    let bytes = packets.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    assert_eq!(counts, Counts { packets: all, bytes, ..Counts::default() });
    assert_eq!(positions(&parts), (0..parts.len() as u64).map(|n| n * samples).collect::<Vec<_>>());
    let frames: Vec<&[u8]> = parts.iter().map(|part| &part.frames[..]).collect();
    match configuration {
        CodecConfiguration::Aac(_) => assert_eq!(frames, aac::elements(&encoded).expect("elements")),
        CodecConfiguration::Opus(_) => assert_eq!(frames, opus::frames(&encoded).expect("frames")),
        _ => assert_eq!(frames.concat(), encoded),
    }
}

#[rstest]
#[case::one(&[7], 1)]
#[case::at_two_places(&[3, 12], 2)]
#[case::three_in_a_row(&[5, 6, 7], 3)]
#[case::all_but_the_ends(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18], 18)]
fn what_is_lost_is_a_silence_of_its_length(#[case] lost: &[usize], #[case] count: u64) {
    for configuration in [SBC, HD, OPUS] {
        let (encoded, samples) = match configuration {
            SBC => (sbc_stream(100), SAMPLES),
            OPUS => (ogg(20), 960),
            _ => (vec![9; 6 * 110 * 20], 440),
        };
        let packets = sent(configuration, &encoded);
        assert_eq!(packets.len(), 20);
        let kept: Vec<_> = (0..20).filter(|n| !lost.contains(n)).collect();
        let came: Vec<_> = kept.iter().map(|n| packets[*n].clone()).collect();
        let (parts, counts) = received(configuration, &came);
        assert_eq!((counts.lost, counts.lost_samples, counts.malformed), (count, count * samples, 0));
        assert_eq!(positions(&parts), kept.iter().map(|n| *n as u64 * samples).collect::<Vec<_>>());
    }
}

#[rstest]
#[case::in_ticks_of_90_khz(15)]
#[case::in_samples(8)]
fn a_lost_fragment_costs_its_element(#[case] eighths: u32) {
    // An element of three packets, whose second is lost; senders count in samples or at 90 kHz.
    let mut packets = sent(AAC, &loas(&[300, 300, 1500, 300, 300]));
    for packet in &mut packets {
        renumbered(packet, |header| header.timestamp = header.timestamp * eighths / 8);
    }
    assert_eq!(packets.len(), 7);
    packets.remove(3);
    let (parts, counts) = received(AAC, &packets);
    assert_eq!((counts.lost, counts.lost_samples), (1, 1024));
    assert_eq!(positions(&parts), [0, 1024, 3 * 1024, 4 * 1024]);
}

#[test]
fn elements_without_a_mark_are_told_by_their_timestamps() {
    let mut packets = sent(AAC, &loas(&[300, 1500, 200]));
    for packet in &mut packets {
        renumbered(packet, |header| header.marker = false);
    }
    // The last one has no end.
    let (parts, _) = received(AAC, &packets);
    assert_eq!(parts.iter().map(|part| part.frames.len()).collect::<Vec<_>>(), [300, 1500]);
}

#[test]
fn a_frame_of_sbc_may_be_spread_over_packets() {
    let frame = sbc_stream(1);
    let cut = [(0xC3, &frame[..50]), (0x82, &frame[50..90]), (0xA1, &frame[90..])];
    let packet = |n: usize| {
        let header = RtpHeader { marker: false, payload_type: 96, sequence: n as u16, timestamp: 128, ssrc: 1 };
        let (head, part) = cut[n % 3];
        (n as i64, [&header.bytes()[..], &[head], part].concat())
    };
    let (parts, counts) = received(SBC, &(0..3).map(packet).collect::<Vec<_>>());
    assert_eq!((parts.len(), parts[0].samples, &parts[0].frames, parts[0].at_ns), (1, 128, &frame, 2));
    assert_eq!((counts.malformed, counts.lost), (0, 0));
    // Without its beginning there is no frame, and without its end neither.
    assert!(received(SBC, &[packet(1), packet(2)]).0.is_empty());
    assert!(received(SBC, &[packet(0), packet(1)]).0.is_empty());
}

#[test]
fn numbers_and_timestamps_wrap_round() {
    let mut packets = sent(SBC, &sbc_stream(100));
    for packet in &mut packets {
        renumbered(packet, |header| {
            header.sequence = header.sequence.wrapping_add(65_530);
            header.timestamp = header.timestamp.wrapping_add(u32::MAX - 3000);
        });
    }
    packets.remove(6);
    let (parts, counts) = received(SBC, &packets);
    assert_eq!((counts.lost, counts.lost_samples, counts.renumbered), (1, SAMPLES, 0));
    assert_eq!(parts[6].position, 7 * SAMPLES);
}

#[test]
fn what_comes_twice_or_late_is_left_out() {
    let mut packets = sent(SBC, &sbc_stream(100));
    packets.insert(5, packets[4].clone());
    packets.insert(12, packets[3].clone());
    let (parts, counts) = received(SBC, &packets);
    assert_eq!((counts.packets, counts.disordered, counts.lost), (22, 2, 0));
    assert_eq!(positions(&parts), (0..20).map(|n| n * SAMPLES).collect::<Vec<_>>());
}

#[test]
fn a_source_that_numbers_anew_has_lost_nothing() {
    for shift in [20_000u16, 40_000] {
        let mut packets = sent(SBC, &sbc_stream(100));
        for packet in &mut packets[10..] {
            renumbered(packet, |header| header.sequence = header.sequence.wrapping_add(shift));
        }
        let (parts, counts) = received(SBC, &packets);
        assert_eq!((counts.renumbered, counts.lost, counts.lost_samples), (1, 0, 0), "{shift}");
        assert_eq!(parts.last().map(|part| part.position), Some(19 * SAMPLES));
    }
}

#[test]
fn packets_of_somebody_else_are_left_out() {
    let mut packets = sent(SBC, &sbc_stream(100));
    for n in [0, 6, 13] {
        let mut foreign = packets[n].clone();
        renumbered(&mut foreign, |header| (header.ssrc, header.sequence) = (7, 30_000));
        packets.insert(n, foreign);
    }
    let (parts, counts) = received(SBC, &packets);
    assert_eq!((counts.foreign, counts.lost, counts.renumbered, parts.len()), (3, 0, 0, 20));
}

#[rstest]
#[case::empty(vec![])]
#[case::no_rtp(vec![0x9C; 40])]
#[case::header_alone(RtpHeader { marker: false, payload_type: 96, sequence: 10, timestamp: 6400, ssrc: 1 }.bytes().to_vec())]
#[case::fewer_frames_than_it_says(sbc_packet(10, 5, 4, 0))]
#[case::more_frames_than_it_says(sbc_packet(10, 3, 4, 0))]
#[case::no_frames(sbc_packet(10, 0, 0, 0))]
#[case::cut_off(sbc_packet(10, 5, 5, 60))]
#[case::another_codec([&RtpHeader { marker: true, payload_type: 96, sequence: 10, timestamp: 6400, ssrc: 1 }.bytes()[..], &[0x20, 0, 0x12, 0x10]].concat())]
fn what_is_no_packet_of_the_codec_is_counted_and_silent(#[case] rubbish: Vec<u8>) {
    let mut packets = sent(SBC, &sbc_stream(100));
    packets[10].1 = rubbish;
    let (parts, counts) = received(SBC, &packets);
    assert_eq!((counts.malformed, counts.lost_samples, counts.renumbered), (1, SAMPLES, 0), "{counts:?}");
    assert_eq!(positions(&parts), (0..20).filter(|n| *n != 10).map(|n| n * SAMPLES).collect::<Vec<_>>());
}

fn sbc_packet(sequence: u16, says: u8, frames: usize, cut: usize) -> Vec<u8> {
    let header = RtpHeader { marker: false, payload_type: 96, sequence, timestamp: 6400, ssrc: 1 };
    let mut packet = [&header.bytes()[..], &[says], &sbc_stream(frames)].concat();
    packet.truncate(packet.len() - cut);
    packet
}

#[rstest]
#[case(&[], None)]
#[case(&[5], Some((5, 5.0, 5, 5)))]
#[case(&[9, 1, 5], Some((1, 5.0, 9, 9)))]
fn intervals_are_told(#[case] intervals: &[i64], #[case] told: Option<(i64, f64, i64, i64)>) {
    let found = Intervals::of(intervals.to_vec());
    assert_eq!(found.map(|i| (i.min_ns, i.mean_ns, i.p99_ns, i.max_ns)), told);
}

#[test]
fn one_in_a_hundred_may_be_longer_than_the_99th_percentile() {
    let mut intervals = vec![10; 99];
    intervals.push(1000);
    let found = Intervals::of(intervals).expect("a hundred");
    assert_eq!((found.p99_ns, found.max_ns), (10, 1000));
}

proptest! {
    #[test]
    fn any_losses_keep_everything_else_in_its_place(lost in prop::collection::btree_set(1usize..59, 0..40)) {
        let packets = sent(SBC, &sbc_stream(300));
        let kept: Vec<usize> = (0..60).filter(|n| !lost.contains(n)).collect();
        let came: Vec<_> = kept.iter().map(|n| packets[*n].clone()).collect();
        let (parts, counts) = received(SBC, &came);
        prop_assert_eq!(counts.lost as usize, lost.len());
        prop_assert_eq!(positions(&parts), kept.iter().map(|n| *n as u64 * SAMPLES).collect::<Vec<_>>());
    }

    #[test]
    fn hostile_packets_never_panic_and_are_all_counted(
        all in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..80), any::<bool>(), 0u16..5), 0..60),
    ) {
        for configuration in [SBC, AAC, OPUS, HD, APTX] {
            let packets: Vec<(i64, Vec<u8>)> = all.iter().enumerate().map(|(n, (bytes, rtp, jump))| {
                let sequence = (n as u16).wrapping_mul(*jump * 7919 + 1);
                let header = RtpHeader { marker: bytes.len() % 2 == 0, payload_type: 96, sequence, timestamp: n as u32 * 640, ssrc: u32::from(*jump == 4) };
                let head = if *rtp { header.bytes().to_vec() } else { Vec::new() };
                (n as i64 * 10_000_000, [&head[..], bytes].concat())
            }).collect();
            let (parts, counts) = received(configuration, &packets);
            prop_assert_eq!(counts.packets as usize, packets.len());
            let left_out = counts.disordered + counts.foreign + counts.malformed;
            prop_assert!(parts.len() as u64 + left_out <= counts.packets + parts.len() as u64);
            for pair in parts.windows(2) {
                prop_assert!(pair[1].position >= pair[0].position + u64::from(pair[0].samples));
            }
            // No more silence than there was time for.
            let end = parts.last().map_or(0, |last| last.position);
            let sound: u64 = parts.iter().map(|part| u64::from(part.samples)).sum();
            let time = packets.len() as u64 * (480 + 48_000);
            prop_assert!(end <= sound + time, "{end} {sound}");
        }
    }
}
