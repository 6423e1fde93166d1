//! Media packets of A2DP: RTP header, payload header, codec frames.
//!
//! Source: RFC 3550 (RTP); A2DP, sections 4.3.4 (SBC) and 4.5.4 (AAC); RFC 3016, section 4. aptX has no payload format, and without HD no RTP.

use thiserror::Error;

use crate::{
    aac::{self, AacError},
    aptx,
    codec::CodecConfiguration,
    ldac::{self, LdacError},
    opus::{self, OpusError},
    sbc::{self, SbcError},
};

/// Length of the RTP header without contributing sources.
pub const RTP_HEADER: usize = 12;
/// The dynamic payload type that A2DP sources use.
pub const PAYLOAD_TYPE: u8 = 96;
/// The payload header of SBC counts frames with 4 bits.
const SBC_FRAMES_AT_MOST: usize = 15;
/// No link has room for less of an AAC element.
const SHORTEST_PART: usize = 32;
/// The most sound in a packet of aptX, in ms.
const LONGEST_MS: u32 = 20;

/// Why no packets can be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PacketError {
    /// The encoded stream is broken.
    #[error(transparent)]
    Sbc(#[from] SbcError),
    /// The encoded stream has not the format that was agreed on.
    #[error("the stream was encoded as {encoded:?}, which {configured:?} does not allow")]
    Format {
        /// What it is.
        encoded: sbc::Frame,
        /// What was agreed on.
        configured: sbc::Configuration,
    },
    /// The encoded stream of AAC is broken.
    #[error(transparent)]
    Aac(#[from] AacError),
    /// The encoded stream of Opus is broken.
    #[error(transparent)]
    Opus(#[from] OpusError),
    /// The encoded stream of LDAC is broken.
    #[error(transparent)]
    Ldac(#[from] LdacError),
    /// The encoded stream of aptX ends within a code word.
    #[error("the stream of {length} bytes is no whole number of code words of {word} bytes")]
    Words {
        /// Its length.
        length: usize,
        /// Length of a code word of both channels.
        word: usize,
    },
    /// Not even one frame fits.
    #[error("a frame of {frame} bytes does not fit a packet of {mtu} bytes with {overhead} bytes of headers")]
    Mtu {
        /// Length of a frame.
        frame: usize,
        /// Longest packet.
        mtu: usize,
        /// Length of the headers.
        overhead: usize,
    },
}

/// One packet, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// What goes on the media channel.
    pub bytes: Vec<u8>,
    /// The first sample in it, counted from the beginning of the stream.
    pub first_sample: u64,
    /// Samples of each channel in it, or in the element of which it is a part.
    pub samples: u32,
}

/// An RTP header as A2DP uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpHeader {
    /// The marker bit.
    pub marker: bool,
    /// The payload type.
    pub payload_type: u8,
    /// Counts packets.
    pub sequence: u16,
    /// Counts in the clock of the codec.
    pub timestamp: u32,
    /// The synchronisation source.
    pub ssrc: u32,
}

impl RtpHeader {
    /// As on the air.
    pub fn bytes(self) -> [u8; RTP_HEADER] {
        let mut bytes = [0; RTP_HEADER];
        bytes[0] = 0x80;
        bytes[1] = u8::from(self.marker) << 7 | self.payload_type & 0x7F;
        bytes[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        bytes[8..].copy_from_slice(&self.ssrc.to_be_bytes());
        bytes
    }

    /// Reads the header of a packet; gives the payload too. `None` when it is cut off, of another version, or carries
    /// contributing sources or an extension, which A2DP does not use.
    pub fn parse(packet: &[u8]) -> Option<(Self, &[u8])> {
        let (header, payload) = packet.split_at_checked(RTP_HEADER)?;
        let &[0x80, kind, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3] = header else { return None };
        let header = Self {
            marker: kind & 0x80 != 0,
            payload_type: kind & 0x7F,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([r0, r1, r2, r3]),
        };
        Some((header, payload))
    }
}

/// Makes the packets of an encoded stream: as many whole frames in each as the MTU of the media channel (in bytes)
/// allows, sequence and timestamp from 0.
///
/// # Errors
/// When the stream is broken, was encoded in another format, or a frame does not fit.
pub fn packetise(configuration: CodecConfiguration, encoded: &[u8], mtu: usize) -> Result<Vec<Packet>, PacketError> {
    match configuration {
        CodecConfiguration::Sbc(configuration) => packetise_sbc(configuration, encoded, mtu),
        CodecConfiguration::Aac(_) => packetise_aac(encoded, mtu),
        CodecConfiguration::Aptx(configuration) => packetise_aptx(configuration, encoded, mtu),
        CodecConfiguration::Opus(_) => packetise_opus(encoded, mtu),
        CodecConfiguration::Ldac(configuration) => packetise_ldac(configuration, encoded, mtu),
    }
}

/// The header of a packet; both counters wrap round by definition.
const fn rtp(number: usize, first_sample: u64, marker: bool) -> RtpHeader {
    RtpHeader { marker, payload_type: PAYLOAD_TYPE, sequence: number as u16, timestamp: first_sample as u32, ssrc: 1 }
}

/// One element in each packet, or in several where it is longer; the last part has the marker. Timestamps count samples, as Android and
/// PipeWire have them.
fn packetise_aac(loas: &[u8], mtu: usize) -> Result<Vec<Packet>, PacketError> {
    let room = mtu.saturating_sub(RTP_HEADER);
    let mut packets: Vec<Packet> = Vec::new();
    for (number, element) in aac::elements(loas)?.into_iter().enumerate() {
        let first_sample = number as u64 * u64::from(aac::SAMPLES);
        let parts = element.len().div_ceil(room.max(1)).max(1);
        if room < SHORTEST_PART {
            return Err(PacketError::Mtu { frame: SHORTEST_PART, mtu, overhead: RTP_HEADER });
        }
        for part in 0..parts {
            let content = element.chunks(room).nth(part).unwrap_or_default();
            let header = rtp(packets.len(), first_sample, part + 1 == parts);
            let bytes = [header.bytes().as_slice(), content].concat();
            packets.push(Packet { bytes, first_sample, samples: aac::SAMPLES });
        }
    }
    Ok(packets)
}

/// One frame in each packet, behind a byte that says so.
fn packetise_opus(ogg: &[u8], mtu: usize) -> Result<Vec<Packet>, PacketError> {
    const OVERHEAD: usize = RTP_HEADER + 1;
    let mut packets = Vec::new();
    for (number, frame) in opus::frames(ogg)?.into_iter().enumerate() {
        if OVERHEAD + frame.len() > mtu {
            return Err(PacketError::Mtu { frame: frame.len(), mtu, overhead: OVERHEAD });
        }
        let first_sample = number as u64 * u64::from(opus::SAMPLES);
        let bytes = [rtp(number, first_sample, false).bytes().as_slice(), &[1], &frame].concat();
        packets.push(Packet { bytes, first_sample, samples: opus::SAMPLES });
    }
    Ok(packets)
}

/// As many whole frames in each packet as sinks are built for, behind a byte that counts them.
fn packetise_ldac(configuration: ldac::Configuration, encoded: &[u8], mtu: usize) -> Result<Vec<Packet>, PacketError> {
    const OVERHEAD: usize = RTP_HEADER + 1;
    let room = mtu.min(ldac::LONGEST_PACKET).saturating_sub(OVERHEAD);
    let frames = configuration.frames(encoded)?;
    let (mut packets, mut rest, mut first_sample) = (Vec::new(), &frames[..], 0);
    while let Some(first) = rest.first() {
        let mut length = 0;
        let fits = |frame: &&&[u8]| {
            length += frame.len();
            length <= room
        };
        let count = rest.iter().take(ldac::FRAMES_AT_MOST).take_while(fits).count();
        if count == 0 {
            return Err(PacketError::Mtu { frame: first.len(), mtu, overhead: OVERHEAD });
        }
        let (these, others) = rest.split_at(count);
        let header = rtp(packets.len(), first_sample, false);
        let bytes = [header.bytes().as_slice(), &[count as u8], &these.concat()].concat();
        let samples = count as u32 * configuration.samples();
        packets.push(Packet { bytes, first_sample, samples });
        first_sample += u64::from(samples);
        rest = others;
    }
    Ok(packets)
}

fn packetise_aptx(configuration: aptx::Configuration, encoded: &[u8], mtu: usize) -> Result<Vec<Packet>, PacketError> {
    let word = configuration.variant.bytes();
    let overhead = if configuration.variant == aptx::Variant::Hd { RTP_HEADER } else { 0 };
    // More would be a longer silence for a speaker that loses one.
    let most = (configuration.hz / 1000 * LONGEST_MS / aptx::SAMPLES) as usize;
    let words = (mtu.saturating_sub(overhead) / word).min(most);
    if words == 0 {
        return Err(PacketError::Mtu { frame: word, mtu, overhead });
    }
    if !encoded.len().is_multiple_of(word) {
        return Err(PacketError::Words { length: encoded.len(), word });
    }
    let mut first_sample = 0;
    let packets = encoded.chunks(words * word).enumerate().map(|(number, content)| {
        let samples = (content.len() / word) as u32 * aptx::SAMPLES;
        let header = rtp(number, first_sample, false).bytes();
        let head = if overhead > 0 { &header[..] } else { &[] };
        let packet = Packet { bytes: [head, content].concat(), first_sample, samples };
        first_sample += u64::from(samples);
        packet
    });
    Ok(packets.collect())
}

fn packetise_sbc(configuration: sbc::Configuration, encoded: &[u8], mtu: usize) -> Result<Vec<Packet>, PacketError> {
    const OVERHEAD: usize = RTP_HEADER + 1;
    let (format, _) = sbc::frames(encoded)?;
    if !configuration.allows(format) {
        return Err(PacketError::Format { encoded: format, configured: configuration });
    }
    let length = format.length();
    let most = (mtu.saturating_sub(OVERHEAD) / length).min(SBC_FRAMES_AT_MOST);
    if most == 0 {
        return Err(PacketError::Mtu { frame: length, mtu, overhead: OVERHEAD });
    }
    let mut first_sample = 0;
    let packets = encoded.chunks(most * length).enumerate().map(|(number, frames)| {
        let count = frames.len() / length;
        let header = rtp(number, first_sample, false);
        let mut bytes = Vec::with_capacity(OVERHEAD + frames.len());
        bytes.extend(header.bytes());
        bytes.push(count as u8);
        bytes.extend(frames);
        let samples = count as u32 * format.samples();
        let packet = Packet { bytes, first_sample, samples };
        first_sample += u64::from(samples);
        packet
    });
    Ok(packets.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use sbc::{Configuration, Frequency};

    fn stream(header: [u8; 3], length: usize, frames: usize) -> Vec<u8> {
        let mut frame = vec![0xAA; length];
        frame[..3].copy_from_slice(&header);
        frame.repeat(frames)
    }

    fn sbc(frequency: Frequency) -> CodecConfiguration {
        CodecConfiguration::Sbc(Configuration::high_quality(frequency))
    }

    const LDAC: ldac::Configuration = ldac::Configuration { hz: 48_000, mode: ldac::Mode::Stereo };

    fn of_ldac(frames: usize) -> Vec<u8> {
        [[0xAA, 0x33, 0x60].as_slice(), &[0x55; 217]].concat().repeat(frames)
    }

    #[rstest]
    #[case::as_sinks_are_built(2048, &[3, 3, 1])]
    #[case::a_short_link(672, &[2, 2, 2, 1])]
    #[case::one_at_a_time(233, &[1, 1, 1, 1, 1, 1, 1])]
    fn packets_of_ldac_count_their_frames(#[case] mtu: usize, #[case] counts: &[u8]) {
        let packets = packetise(CodecConfiguration::Ldac(LDAC), &of_ldac(7), mtu).expect("packets");
        assert_eq!(packets.iter().map(|p| p.bytes[12]).collect::<Vec<_>>(), counts);
        let mut sample = 0;
        for (number, packet) in packets.iter().enumerate() {
            let (header, payload) = RtpHeader::parse(&packet.bytes).expect("RTP");
            assert_eq!((usize::from(header.sequence), u64::from(header.timestamp)), (number, sample));
            assert_eq!((packet.first_sample, packet.samples), (sample, u32::from(payload[0]) * 128));
            assert_eq!(payload[1..], of_ldac(payload[0].into()));
            sample += u64::from(packet.samples);
        }
    }

    #[test]
    fn a_frame_of_ldac_that_does_not_fit_is_refused() {
        let error = packetise(CodecConfiguration::Ldac(LDAC), &of_ldac(1), 232).expect_err("too short");
        assert_eq!(error, PacketError::Mtu { frame: 220, mtu: 232, overhead: 13 });
        assert!(packetise(CodecConfiguration::Ldac(LDAC), &of_ldac(1)[..9], 679).is_err());
    }

    // The first packet of a stream that a virtual speaker received and decoded.
    #[test]
    fn the_first_packet_is_the_known_one() {
        let packets =
            packetise(sbc(Frequency::Hz44100), &stream([0x9C, 0xBD, 0x35], 119, 150 * 15), 2048).expect("packets");
        let known = [0x80, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x0F, 0x9C, 0xBD, 0x35];
        assert_eq!(packets[0].bytes[..16], known);
        assert_eq!(packets[0].bytes.len(), 1798);
        assert_eq!(packets.len(), 150);
        assert_eq!(packets.iter().map(|p| p.bytes.len() - RTP_HEADER).sum::<usize>(), 267_900);
        let (header, payload) = RtpHeader::parse(&packets[1].bytes).expect("RTP");
        assert_eq!((header.sequence, header.timestamp, payload[0]), (1, 1920, 15));
    }

    fn loas(lengths: &[usize]) -> Vec<u8> {
        let element = |length: &usize| {
            let [high, low] = (*length as u16).to_be_bytes();
            [&[0x56, 0xE0 | high, low][..], &vec![0x20; *length]].concat()
        };
        lengths.iter().flat_map(element).collect()
    }

    #[test]
    fn an_element_of_aac_goes_into_one_packet_or_into_several() {
        let aac = CodecConfiguration::Aac(aac::Configuration::high_quality(48_000));
        let packets = packetise(aac, &loas(&[600, 660, 1500, 0]), 672).expect("packets");
        let seen: Vec<_> = packets
            .iter()
            .map(|packet| {
                let (header, payload) = RtpHeader::parse(&packet.bytes).expect("RTP");
                (header.sequence, header.timestamp, header.marker, payload.len())
            })
            .collect();
        assert_eq!(
            seen,
            [
                (0, 0, true, 600),
                (1, 1024, true, 660),
                (2, 2048, false, 660),
                (3, 2048, false, 660),
                (4, 2048, true, 180),
                (5, 3072, true, 0),
            ]
        );
        assert!(packets.iter().all(|p| p.samples == 1024 && p.bytes.len() <= 672));
        assert_eq!(packets[0].bytes[..2], [0x80, 0xE0]);
    }

    #[test]
    fn a_frame_of_opus_goes_into_one_packet() {
        let page = |content: &[u8]| [b"OggS\0".as_slice(), &[0; 21], &[1, content.len() as u8], content].concat();
        let stream = [page(b"OpusHead"), page(b"OpusTags"), page(&[7; 200]), page(&[8; 100])].concat();
        let opus = CodecConfiguration::Opus(opus::Configuration);
        let packets = packetise(opus, &stream, 672).expect("packets");
        let (header, payload) = RtpHeader::parse(&packets[1].bytes).expect("RTP");
        assert_eq!((header.sequence, header.timestamp, payload[0], payload.len()), (1, 960, 1, 101));
        assert_eq!((packets.len(), packets[1].first_sample, packets[1].samples), (2, 960, 960));
        let error = packetise(opus, &stream, 212).expect_err("too long").to_string();
        assert!(error.contains("a frame of 200 bytes does not fit a packet of 212 bytes"), "{error}");
    }

    #[rstest]
    // 7.5 ms a packet of 360 bytes at 48 kHz, as a virtual speaker took it; and at most 20 ms.
    #[case(aptx::Variant::Classic, 360, 360, 360)]
    #[case(aptx::Variant::Classic, 2048, 960, 960)]
    #[case(aptx::Variant::Hd, 672, 672, 440)]
    #[case(aptx::Variant::Hd, 2048, 1452, 960)]
    fn aptx_is_cut_at_code_words(
        #[case] variant: aptx::Variant,
        #[case] mtu: usize,
        #[case] length: usize,
        #[case] samples: u32,
    ) {
        let configuration = CodecConfiguration::Aptx(aptx::Configuration { variant, hz: 48_000 });
        let encoded: Vec<u8> = (0..variant.bytes() * 1000).map(|byte| byte as u8).collect();
        let packets = packetise(configuration, &encoded, mtu).expect("packets");
        assert_eq!(
            (packets[0].bytes.len(), packets[0].samples, packets[1].first_sample),
            (length, samples, u64::from(samples))
        );
        let header = if variant == aptx::Variant::Hd { RTP_HEADER } else { 0 };
        let joined: Vec<u8> = packets.iter().flat_map(|packet| packet.bytes[header..].to_vec()).collect();
        assert_eq!(joined, encoded);
        assert_eq!(packets.iter().map(|packet| packet.samples).sum::<u32>(), 4000);
    }

    #[rstest]
    #[case(aptx::Variant::Classic, &[1, 2, 3, 4, 5], 672, "no whole number of code words of 4 bytes")]
    #[case(aptx::Variant::Hd, &[0; 6], 17, "a frame of 6 bytes does not fit a packet of 17 bytes with 12 bytes of headers")]
    fn aptx_that_cannot_be_sent_is_refused(
        #[case] variant: aptx::Variant,
        #[case] encoded: &[u8],
        #[case] mtu: usize,
        #[case] said: &str,
    ) {
        let configuration = CodecConfiguration::Aptx(aptx::Configuration { variant, hz: 48_000 });
        let error = packetise(configuration, encoded, mtu).expect_err("no packets").to_string();
        assert!(error.contains(said), "{error}");
    }

    // n = min(15, (MTU - 13) / frame): a headset with bitpool 51 and an MTU of 600 gets 5 frames, 588 bytes.
    #[rstest]
    #[case([0x9C, 0xFD, 0x33], 115, 600, 5)]
    #[case([0x9C, 0xFD, 0x35], 119, 2048, 15)]
    #[case([0x9C, 0xFD, 0x35], 119, 672, 5)]
    #[case([0x9C, 0xFD, 0x35], 119, 132, 1)]
    fn a_packet_takes_as_many_frames_as_fit(
        #[case] header: [u8; 3],
        #[case] length: usize,
        #[case] mtu: usize,
        #[case] frames: usize,
    ) {
        let packets = packetise(sbc(Frequency::Hz48000), &stream(header, length, 30), mtu).expect("packets");
        assert_eq!(packets[0].bytes.len(), 13 + frames * length);
        assert_eq!(packets[0].samples as usize, frames * 128);
    }

    #[test]
    fn the_last_packet_carries_what_is_left() {
        let packets = packetise(sbc(Frequency::Hz48000), &stream([0x9C, 0xFD, 0x35], 119, 17), 2048).expect("packets");
        assert_eq!(packets.iter().map(|p| p.bytes[12]).collect::<Vec<_>>(), [15, 2]);
        assert_eq!((packets[1].first_sample, packets[1].samples), (15 * 128, 256));
    }

    #[rstest]
    #[case(&stream([0x9C, 0xFD, 0x35], 119, 1), 131, "a frame of 119 bytes does not fit a packet of 131 bytes")]
    #[case(&stream([0x9C, 0xFD, 0x35], 119, 1), 0, "does not fit")]
    #[case(&stream([0x9C, 0xBD, 0x35], 119, 1), 2048, "does not allow")]
    #[case(&[], 2048, "the header is cut off")]
    fn what_cannot_be_sent_is_refused(#[case] encoded: &[u8], #[case] mtu: usize, #[case] said: &str) {
        let error = packetise(sbc(Frequency::Hz48000), encoded, mtu).expect_err("no packets").to_string();
        assert!(error.contains(said), "{error}");
    }

    #[rstest]
    #[case(&[])]
    #[case(&[0x80, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0])]
    #[case(&[0x90, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])]
    fn what_is_no_rtp_header_is_none(#[case] packet: &[u8]) {
        assert_eq!(RtpHeader::parse(packet), None);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_added_or_too_long(
            frames in 1usize..300, bitpool in 2u8..=53, mtu in 100usize..2100, noise: u8,
        ) {
            let length = sbc::Frame::parse(&[0x9C, 0xFD, bitpool]).expect("a header").length();
            let mut encoded = stream([0x9C, 0xFD, bitpool], length, frames);
            for frame in encoded.chunks_mut(length) { frame[3] = noise; }
            let Ok(packets) = packetise(sbc(Frequency::Hz48000), &encoded, mtu) else {
                prop_assert!(13 + length > mtu);
                return Ok(());
            };
            let mut joined = Vec::new();
            for (number, packet) in packets.iter().enumerate() {
                prop_assert!(packet.bytes.len() <= mtu);
                let (header, payload) = RtpHeader::parse(&packet.bytes).expect("RTP");
                prop_assert_eq!(usize::from(header.sequence), number);
                prop_assert_eq!(u64::from(header.timestamp), packet.first_sample);
                prop_assert_eq!(usize::from(payload[0]) * length, payload.len() - 1);
                joined.extend_from_slice(&payload[1..]);
            }
            prop_assert_eq!(joined, encoded);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), mtu in 0usize..3000) {
            let _ = packetise(sbc(Frequency::Hz48000), &bytes, mtu);
            let _ = packetise(CodecConfiguration::Aac(aac::Configuration::high_quality(48_000)), &bytes, mtu);
            let hd = aptx::Configuration { variant: aptx::Variant::Hd, hz: 48_000 };
            let _ = packetise(CodecConfiguration::Aptx(hd), &bytes, mtu);
            let _ = packetise(CodecConfiguration::Ldac(LDAC), &bytes, mtu);
            if let Some((header, payload)) = RtpHeader::parse(&bytes) {
                prop_assert_eq!([header.bytes().as_slice(), payload].concat(), bytes);
            }
        }
    }
}
