//! SBC frames: headers, lengths, splitting a stream.

use super::{Allocation, Blocks, ChannelMode, Frequency, SbcError, Subbands};

/// The first byte of every frame.
pub const SYNCWORD: u8 = 0x9C;

/// The format of a frame, as its header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Sampling frequency.
    pub frequency: Frequency,
    /// Blocks.
    pub blocks: Blocks,
    /// Channel mode.
    pub mode: ChannelMode,
    /// Bit allocation.
    pub allocation: Allocation,
    /// Subbands.
    pub subbands: Subbands,
    /// Bitpool.
    pub bitpool: u8,
}

impl Frame {
    /// Reads the header at the beginning of `bytes`; the checksum is not checked.
    ///
    /// # Errors
    /// When there are fewer than 3 bytes, or no syncword.
    pub fn parse(bytes: &[u8]) -> Result<Self, SbcError> {
        let &[sync, format, bitpool, ..] = bytes else {
            return Err(SbcError::Frame { at: 0, what: "the header is cut off" });
        };
        if sync != SYNCWORD {
            return Err(SbcError::Frame { at: 0, what: "no syncword" });
        }
        Ok(Self {
            frequency: Frequency::of_code(format >> 6),
            blocks: Blocks::of_code(format >> 4 & 3),
            mode: ChannelMode::of_code(format >> 2 & 3),
            allocation: Allocation::of_code(format >> 1 & 1),
            subbands: Subbands::of_code(format & 1),
            bitpool,
        })
    }

    /// Length in bytes, header included.
    pub fn length(self) -> usize {
        let (blocks, subbands, channels) = (self.blocks.count(), self.subbands.count(), self.mode.channels());
        let bitpool = u32::from(self.bitpool);
        let bits = match self.mode {
            ChannelMode::Mono | ChannelMode::DualChannel => blocks * channels * bitpool,
            ChannelMode::Stereo => blocks * bitpool,
            ChannelMode::JointStereo => subbands + blocks * bitpool,
        };
        (4 + 4 * subbands * channels / 8 + bits.div_ceil(8)) as usize
    }

    /// Samples of each channel in a frame.
    pub fn samples(self) -> u32 {
        self.blocks.count() * self.subbands.count()
    }

    /// Bits a second.
    pub fn bit_rate(self) -> f64 {
        self.length() as f64 * 8.0 * f64::from(self.frequency.hz()) / f64::from(self.samples())
    }
}

/// Splits an SBC stream into its frames, which must be of one format and whole.
///
/// # Errors
/// When the stream is empty, out of step, cut off, or changes its format.
pub fn frames(stream: &[u8]) -> Result<(Frame, std::slice::ChunksExact<'_, u8>), SbcError> {
    let format = Frame::parse(stream)?;
    let length = format.length();
    let chunks = stream.chunks_exact(length);
    if !chunks.remainder().is_empty() {
        return Err(SbcError::Frame { at: stream.len() - chunks.remainder().len(), what: "the last frame is cut off" });
    }
    for (number, chunk) in chunks.clone().enumerate() {
        let at = number * length;
        let frame = Frame::parse(chunk).map_err(|e| match e {
            SbcError::Frame { what, .. } => SbcError::Frame { at, what },
            other => other,
        })?;
        if frame != format {
            return Err(SbcError::Mixed { at });
        }
    }
    Ok((format, chunks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sbc::Configuration;
    use proptest::prelude::*;
    use rstest::rstest;

    const JOINT_48: Configuration = Configuration::high_quality(Frequency::Hz48000);

    // Lengths and rates as the profile's formula gives them, computed by hand.
    #[rstest]
    #[case(&[0x9C, 0xBD, 0x35], 119, 44_100, 128, 327_993.75)]
    #[case(&[0x9C, 0xFD, 0x35], 119, 48_000, 128, 357_000.0)]
    #[case(&[0x9C, 0xFD, 0x33], 115, 48_000, 128, 345_000.0)]
    #[case(&[0x9C, 0xFD, 0x23], 83, 48_000, 128, 249_000.0)]
    // Mono, 16 blocks, 8 subbands, bitpool 31: 4 + 4 + 62.
    #[case(&[0x9C, 0xB1, 0x1F], 70, 44_100, 128, 192_937.5)]
    // Dual channel, 16 blocks, 8 subbands, bitpool 38: 4 + 8 + 152.
    #[case(&[0x9C, 0xB5, 0x26], 164, 44_100, 128, 452_025.0)]
    // Stereo, 4 blocks, 4 subbands, bitpool 15: 4 + 4 + 7.5 rounded up.
    #[case(&[0x9C, 0x08, 0x0F], 16, 16_000, 16, 128_000.0)]
    fn a_header_tells_length_and_rate(
        #[case] header: &[u8],
        #[case] length: usize,
        #[case] hz: u32,
        #[case] samples: u32,
        #[case] bit_rate: f64,
    ) {
        let frame = Frame::parse(header).expect("a header");
        assert_eq!((frame.length(), frame.frequency.hz(), frame.samples()), (length, hz, samples));
        assert!((frame.bit_rate() - bit_rate).abs() < 1e-6, "{}", frame.bit_rate());
    }

    #[test]
    fn a_stream_is_split_into_its_frames() {
        let frame = [[0x9C, 0xFD, 0x35].as_slice(), &[0; 116]].concat();
        let (format, frames) = frames(&frame.repeat(3)).map(|(f, c)| (f, c.len())).expect("three frames");
        assert_eq!((format, frames), (JOINT_48.frame(), 3));
    }

    #[rstest]
    #[case(vec![], "at byte 0: the header is cut off")]
    #[case(vec![0x9D, 0xFD, 0x35], "at byte 0: no syncword")]
    #[case([[0x9C, 0xFD, 0x35].as_slice(), &[0; 116], &[0x9C]].concat(), "at byte 119: the last frame is cut off")]
    #[case([[0x9C, 0xFD, 0x35].as_slice(), &[0; 235]].concat(), "at byte 119: no syncword")]
    #[case([[0x9C, 0xFD, 0x35].as_slice(), &[0; 116], &[0x9C, 0xBD, 0x35], &[0; 116]].concat(), "at byte 119 has another format")]
    fn a_broken_stream_is_refused_where_it_breaks(#[case] stream: Vec<u8>, #[case] said: &str) {
        let error = frames(&stream).map(|_| ()).expect_err("broken").to_string();
        assert!(error.contains(said), "{error}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = frames(&bytes).map(|_| ());
            if let Ok(frame) = Frame::parse(&bytes) {
                prop_assert!(frame.length() >= 4 && frame.bit_rate() > 0.0);
            }
        }
    }
}
