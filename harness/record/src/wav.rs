//! Recordings as WAV files: 16-bit linear PCM behind the header of 44 bytes that every program reads
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

/// A WAV file of interleaved samples at `rate` frames per second.
///
/// # Errors
/// When the samples are not whole frames, or too many for the format.
pub fn encode_i16(rate: u32, channels: u16, samples: &[i16]) -> Result<Vec<u8>, WavError> {
    if channels == 0 || !samples.len().is_multiple_of(usize::from(channels)) {
        return Err(WavError::Frames { samples: samples.len(), channels });
    }
    let too_long = || WavError::TooLong { samples: samples.len() };
    let data = u32::try_from(samples.len()).ok().and_then(|n| n.checked_mul(2)).ok_or_else(too_long)?;
    let riff = data.checked_add(36).ok_or_else(too_long)?;
    let frame = channels.checked_mul(2).ok_or_else(too_long)?;
    let bytes_per_second = rate.checked_mul(u32::from(frame)).ok_or_else(too_long)?;

    let mut file = Vec::with_capacity(44 + samples.len() * 2);
    file.extend(b"RIFF");
    file.extend(riff.to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend(bytes_per_second.to_le_bytes());
    file.extend(frame.to_le_bytes());
    file.extend(16u16.to_le_bytes());
    file.extend(b"data");
    file.extend(data.to_le_bytes());
    file.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
    Ok(file)
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
    #[case(0, 4)]
    #[case(2, 3)]
    fn half_a_frame_is_refused(#[case] channels: u16, #[case] samples: usize) {
        assert_eq!(encode_i16(8_000, channels, &vec![0; samples]), Err(WavError::Frames { samples, channels }));
    }
}
