//! Recordings as WAV files: linear PCM of 16, 24 or 32 bits behind the header of 44 bytes that every program reads
//! (RIFF, `fmt ` of 16 bytes with format 1, `data`).

mod read;

use thiserror::Error;

pub use read::{Remark, SampleFormat, WavReadError, WavReader};

/// Samples that have no form as a WAV file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WavError {
    /// No channel, or a last frame without all of its samples.
    #[error("write {samples} samples as WAV: they are no whole number of frames of {channels} channels")]
    Frames {
        /// Samples given.
        samples: usize,
        /// Channels given.
        channels: u16,
    },
    /// More than the 32-bit sizes of the format hold.
    #[error("write {samples} samples as WAV: the format holds at most 4 GiB")]
    TooLong {
        /// Samples given.
        samples: usize,
    },
}

/// Interleaved samples, in the width in which they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pcm<'a> {
    /// 16 bits.
    I16(&'a [i16]),
    /// 24 bits; what lies above them is not written.
    I24(&'a [i32]),
    /// 32 bits.
    I32(&'a [i32]),
}

impl Pcm<'_> {
    const fn len(self) -> usize {
        match self {
            Self::I16(samples) => samples.len(),
            Self::I24(samples) | Self::I32(samples) => samples.len(),
        }
    }

    /// Bytes of a sample.
    const fn bytes(self) -> u16 {
        match self {
            Self::I16(_) => 2,
            Self::I24(_) => 3,
            Self::I32(_) => 4,
        }
    }

    fn write(self, file: &mut Vec<u8>) {
        match self {
            Self::I16(samples) => file.extend(samples.iter().flat_map(|s| s.to_le_bytes())),
            Self::I24(samples) => {
                for [low, middle, high, _] in samples.iter().map(|s| s.to_le_bytes()) {
                    file.extend([low, middle, high]);
                }
            }
            Self::I32(samples) => file.extend(samples.iter().flat_map(|s| s.to_le_bytes())),
        }
    }
}

/// A WAV file of interleaved samples at `rate` frames per second.
///
/// # Errors
/// When the samples are not whole frames, or too many for the format.
pub fn encode(rate: u32, channels: u16, samples: Pcm<'_>) -> Result<Vec<u8>, WavError> {
    let (count, width) = (samples.len(), samples.bytes());
    if channels == 0 || !count.is_multiple_of(usize::from(channels)) {
        return Err(WavError::Frames { samples: count, channels });
    }
    let too_long = || WavError::TooLong { samples: count };
    let data = u32::try_from(count).ok().and_then(|n| n.checked_mul(u32::from(width))).ok_or_else(too_long)?;
    // Chunks are padded to even lengths.
    let padding = data % 2;
    let riff = data.checked_add(36 + padding).ok_or_else(too_long)?;
    let frame = channels.checked_mul(width).ok_or_else(too_long)?;
    let bytes_per_second = rate.checked_mul(u32::from(frame)).ok_or_else(too_long)?;

    let mut file = Vec::with_capacity(45 + data as usize);
    file.extend(b"RIFF");
    file.extend(riff.to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend(bytes_per_second.to_le_bytes());
    file.extend(frame.to_le_bytes());
    file.extend((8 * width).to_le_bytes());
    file.extend(b"data");
    file.extend(data.to_le_bytes());
    samples.write(&mut file);
    file.resize(file.len() + padding as usize, 0);
    Ok(file)
}

/// As [`encode`], of samples of 16 bits.
///
/// # Errors
/// Those of [`encode`].
pub fn encode_i16(rate: u32, channels: u16, samples: &[i16]) -> Result<Vec<u8>, WavError> {
    encode(rate, channels, Pcm::I16(samples))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(48_000, 1, vec![])]
    #[case(44_100, 1, vec![i16::MIN, -1, 0, 1, i16::MAX])]
    #[case(16_000, 2, vec![1, -1, 2, -2])]
    #[case(96_000, 3, vec![7; 300])]
    fn an_independent_reader_finds_the_samples(#[case] rate: u32, #[case] channels: u16, #[case] samples: Vec<i16>) {
        let file = encode_i16(rate, channels, &samples).unwrap();
        let mut reader = hound::WavReader::new(&file[..]).unwrap();
        let spec = reader.spec();
        assert_eq!((spec.sample_rate, spec.channels, spec.bits_per_sample), (rate, channels, 16));
        assert_eq!(spec.sample_format, hound::SampleFormat::Int);
        assert_eq!(reader.samples::<i16>().collect::<Result<Vec<_>, _>>().unwrap(), samples);
        // The sizes that this reader does not look at: RIFF counts all but its own first 8 bytes.
        let field = |at: usize| u32::from_le_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]]);
        assert_eq!(file.len(), 44 + samples.len() * 2);
        assert_eq!((field(4) as usize, field(40) as usize), (file.len() - 8, samples.len() * 2));
        assert_eq!(field(28), rate * u32::from(channels) * 2);
    }

    #[rstest]
    // An odd number of bytes too.
    #[case(24, 1, vec![-8_388_608, -1, 0, 1, 8_388_607])]
    #[case(24, 2, vec![0x123456, -0x123456])]
    #[case(32, 3, vec![i32::MIN, i32::MAX, 0x1234_5678])]
    fn wider_samples_are_kept_whole(#[case] bits: u16, #[case] channels: u16, #[case] samples: Vec<i32>) {
        let pcm = if bits == 24 { Pcm::I24(&samples) } else { Pcm::I32(&samples) };
        let file = encode(48_000, channels, pcm).unwrap();
        assert!(file.len().is_multiple_of(2));
        assert_eq!(u32::from_le_bytes([file[4], file[5], file[6], file[7]]) as usize, file.len() - 8);
        let mut reader = hound::WavReader::new(&file[..]).unwrap();
        assert_eq!((reader.spec().bits_per_sample, reader.spec().channels), (bits, channels));
        assert_eq!(reader.samples::<i32>().collect::<Result<Vec<_>, _>>().unwrap(), samples);
        let (mut own, mut read) = (WavReader::new(std::io::Cursor::new(&file)).unwrap(), Vec::new());
        own.read(&mut read, 100).unwrap();
        let full = f64::from(1u32 << (bits - 1));
        assert_eq!(read, samples.iter().map(|s| (f64::from(*s) / full) as f32).collect::<Vec<_>>());
    }

    #[rstest]
    #[case(0, 4)]
    #[case(2, 3)]
    fn half_a_frame_is_refused(#[case] channels: u16, #[case] samples: usize) {
        assert_eq!(encode_i16(8_000, channels, &vec![0; samples]), Err(WavError::Frames { samples, channels }));
    }
}
