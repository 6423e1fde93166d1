//! What a media packet looks like, whatever was agreed on.

use super::latm;
use crate::{
    packet::RtpHeader,
    sbc::{Frame, SYNCWORD},
};

/// The first byte of a frame of LDAC.
const LDAC_SYNC: u8 = 0xAA;

/// What a packet looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Its RTP header, when it has one.
    pub rtp: Option<RtpHeader>,
    /// What follows it.
    pub content: Content,
}

/// What frames a packet holds, by their headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Whole frames of SBC.
    Sbc {
        /// Format of the first.
        frame: Frame,
        /// How many.
        frames: u8,
    },
    /// A fragment of a frame of SBC.
    SbcFragment,
    /// An AAC element in LATM with its configuration.
    Aac {
        /// Sampling frequency in Hz.
        rate: u32,
        /// Channels.
        channels: u8,
    },
    /// Frames of LDAC.
    Ldac {
        /// How many by the payload header.
        frames: u8,
    },
    /// MPEG audio.
    Mpeg,
    /// Frames of SBC without RTP, as FastStream sends them.
    FastStream,
    /// Something with RTP that has no sign of its own: aptX HD, Opus and others.
    WithRtp,
    /// Something without RTP and without a sign: aptX.
    WithoutRtp,
}

/// Looks at a packet of a media channel.
pub fn look(packet: &[u8]) -> Look {
    match RtpHeader::parse(packet) {
        Some((rtp, payload)) => {
            let mut content = payload_of(payload, rtp.payload_type);
            // With content protection a byte with two bits stands before everything else.
            if let (Content::WithRtp, [0..=3, head, frames @ ..]) = (content, payload) {
                content = sbc(*head, frames).unwrap_or(content);
            }
            Look { rtp: Some(rtp), content }
        }
        None if packet.first() == Some(&SYNCWORD) => Look { rtp: None, content: Content::FastStream },
        None => Look { rtp: None, content: Content::WithoutRtp },
    }
}

fn payload_of(payload: &[u8], payload_type: u8) -> Content {
    if let [head, frames @ ..] = payload {
        // Bit 7 says that a frame is spread over packets.
        if head & 0x80 != 0 && head & 0x10 == 0 && frames.first() != Some(&SYNCWORD) && head & 0x0F != 0 {
            return Content::SbcFragment;
        }
        if frames.first() == Some(&SYNCWORD)
            && let Some(content) = sbc(*head, frames)
        {
            return content;
        }
        if frames.first() == Some(&LDAC_SYNC) && head & 0x80 == 0 && head & 0x0F != 0 {
            return Content::Ldac { frames: head & 0x0F };
        }
    }
    if let [0, 0, _, _, 0xFF, second, ..] = payload
        && payload_type == 14
        && second & 0xE0 == 0xE0
    {
        return Content::Mpeg;
    }
    match latm::configuration(payload) {
        Some(latm::Configuration { rate, channels }) => Content::Aac { rate, channels },
        None => Content::WithRtp,
    }
}

/// As many whole frames as the payload header says, and nothing else.
fn sbc(head: u8, frames: &[u8]) -> Option<Content> {
    let frame = Frame::parse(frames).ok()?;
    let count = head & 0x0F;
    if head & 0x80 != 0 {
        return Some(Content::SbcFragment);
    }
    (count > 0 && frames.len() == usize::from(count) * frame.length()).then_some(Content::Sbc { frame, frames: count })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn packet(head: &[u8], payload: &[u8], filling: usize) -> Vec<u8> {
        [head, &[0, 1, 0, 0, 0, 0, 0, 0, 0, 1], payload, &vec![0x55; filling]].concat()
    }

    fn sbc_packet(frames: usize) -> Vec<u8> {
        let frame = [[0x9C, 0xBD, 0x35].as_slice(), &[0x55; 116]].concat();
        packet(&[0x80, 0x60], &[&[frames as u8], frame.repeat(frames).as_slice()].concat(), 0)
    }

    #[test]
    fn whole_frames_of_sbc_are_known_by_their_headers() {
        let Content::Sbc { frame, frames } = look(&sbc_packet(15)).content else { panic!("no SBC") };
        assert_eq!((frame.bitpool, frame.frequency.hz(), frames), (53, 44_100, 15));
        // A frame less than the payload header says.
        let mut short = sbc_packet(15);
        short.truncate(short.len() - 119);
        assert_eq!(look(&short).content, Content::WithRtp);
    }

    #[test]
    fn a_byte_of_content_protection_hides_no_frames() {
        let mut protected = sbc_packet(5);
        protected.insert(12, 1);
        assert!(matches!(look(&protected).content, Content::Sbc { frames: 5, .. }));
    }

    #[rstest]
    #[case::ldac(packet(&[0x80, 0x60], &[0x02, 0xAA, 0x10], 656), true, Content::Ldac { frames: 2 })]
    #[case::aac(packet(&[0x80, 0xE0], &[0x20, 0x00, 0x12, 0x10], 400), true, Content::Aac { rate: 44_100, channels: 2 })]
    #[case::mpeg(packet(&[0x80, 0x8E], &[0, 0, 0, 0, 0xFF, 0xFB, 0x90], 400), true, Content::Mpeg)]
    #[case::first_fragment(packet(&[0x80, 0x60], &[0xC3, 0x9C, 0xBD, 0x35], 60), true, Content::SbcFragment)]
    #[case::next_fragment(packet(&[0x80, 0x60], &[0x82, 0x12, 0x34, 0x56], 60), true, Content::SbcFragment)]
    #[case::aptx_hd(packet(&[0x80, 0x60], &[0x73, 0xBE, 0xFF], 600), true, Content::WithRtp)]
    #[case::aptx(vec![0x4B, 0xBF, 0x4B, 0xBF, 0x4B, 0xBF, 0x4B, 0xBF, 0, 0, 0, 0, 0, 0, 0, 0], false, Content::WithoutRtp)]
    #[case::fast_stream(vec![0x9C, 0xBD, 0x1D, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], false, Content::FastStream)]
    #[case::nothing(vec![], false, Content::WithoutRtp)]
    fn codecs_are_told_apart(#[case] packet: Vec<u8>, #[case] rtp: bool, #[case] content: Content) {
        let found = look(&packet);
        assert_eq!((found.rtp.is_some(), found.content), (rtp, content));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = look(&bytes);
            let _ = look(&packet(&[0x80, 0x60], &bytes, 0));
        }
    }
}
