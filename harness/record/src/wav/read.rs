//! Reading WAV files of any program, block by block: an hour needs no more memory than a second.
//!
//! What is read: linear PCM of 16, 24 and 32 bits and IEEE float of 32 and 64 bits, plain or behind the extensible
//! header, 1 to 8 channels, any rate. Sizes in the header are claims: recorders that were cut off leave 0 or the
//! largest number there, and files beyond 4 GiB cannot say their size. What counts is what is there; where the two
//! differ, [`WavReader::remark`] says so.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use thiserror::Error;

/// The most channels of a recording.
const MOST_CHANNELS: u16 = 8;
/// The most frames a second that any converter makes.
const MOST_RATE: u32 = 768_000;
/// A chunk that is read whole; every known one is smaller.
const MOST_HEADER: u32 = 4096;

/// A file that holds no samples that can be read.
#[derive(Debug, Error)]
pub enum WavReadError {
    /// The operating system refused.
    #[error("read the recording: {0}")]
    Io(#[from] io::Error),
    /// Not this kind of file.
    #[error("the file is no WAV file: it begins with {found} where `RIFF....WAVE` is due")]
    NotWav {
        /// What stands there.
        found: String,
    },
    /// It ends before its samples begin.
    #[error("the file ends within its header: {missing} is missing")]
    NoHeader {
        /// The part of the header.
        missing: &'static str,
    },
    /// A header whose fields contradict each other, or are out of any range.
    #[error("the header cannot be right: {what}")]
    Header {
        /// What is wrong with it.
        what: String,
    },
    /// A way of writing samples that is not read.
    #[error("{what} are not read; convert the file to linear PCM of 16 or 24 bits, or to float of 32 bits")]
    Format {
        /// Which one.
        what: String,
    },
    /// There is no frame: nothing was recorded.
    #[error("the file holds no samples")]
    Empty,
}

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleFormat {
    /// Linear PCM of 16 bits.
    I16,
    /// Linear PCM of 24 bits in three bytes.
    I24,
    /// Linear PCM of 32 bits.
    I32,
    /// IEEE float of 32 bits.
    F32,
    /// IEEE float of 64 bits.
    F64,
}

impl SampleFormat {
    const fn bytes(self) -> u64 {
        match self {
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// Where header and file differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark {
    /// The file ends before its header says: it was cut off.
    Truncated {
        /// Frames that the header claims.
        claimed: u64,
        /// Frames that are there.
        there: u64,
    },
    /// The header gives no length: the recorder was stopped before it could, or the file is too long for it.
    NoLength,
}

/// A WAV file that is being read.
#[derive(Debug)]
pub struct WavReader<R> {
    reader: R,
    rate: u32,
    channels: u16,
    format: SampleFormat,
    /// Frames that are there and not read yet.
    left: u64,
    frames: u64,
    /// Where the first of them lies in the file.
    begin: u64,
    remark: Option<Remark>,
    bytes: Vec<u8>,
}

impl WavReader<BufReader<File>> {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, or is none that this reader reads.
    pub fn open(path: &Path) -> Result<Self, WavReadError> {
        Self::new(BufReader::new(File::open(path)?))
    }
}

impl<R: Read + Seek> WavReader<R> {
    /// Reads the header; the samples follow by [`read`](Self::read).
    ///
    /// # Errors
    /// When there is no header of a kind that this reader reads, or no frame behind it.
    pub fn new(mut reader: R) -> Result<Self, WavReadError> {
        let size = reader.seek(SeekFrom::End(0))?;
        reader.rewind()?;
        if size == 0 {
            return Err(WavReadError::Empty);
        }
        let head: [u8; 12] = exactly(&mut reader, "the first 12 bytes")?;
        if !matches!(&head[..4], b"RIFF" | b"RF64" | b"BW64") || &head[8..] != b"WAVE" {
            let found = String::from_utf8_lossy(&head).escape_debug().to_string();
            return Err(WavReadError::NotWav { found });
        }
        let mut layout = None;
        let mut long = None;
        loop {
            let chunk: [u8; 8] = exactly(&mut reader, if layout.is_none() { "`fmt `" } else { "`data`" })?;
            let length = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
            match &chunk[..4] {
                b"fmt " => layout = Some(format(&whole(&mut reader, length, "`fmt `")?)?),
                b"ds64" => long = ds64(&whole(&mut reader, length, "`ds64`")?),
                b"data" => {
                    let Some(layout) = layout else {
                        let what = "the samples come before their format".to_owned();
                        return Err(WavReadError::Header { what });
                    };
                    return Self::at_data(reader, size, layout, length, long);
                }
                _ => {
                    // Chunks are padded to even lengths.
                    let skip = u64::from(length) + u64::from(length % 2);
                    if reader.stream_position()?.saturating_add(skip) > size {
                        return Err(WavReadError::NoHeader { missing: "`data`" });
                    }
                    reader.seek_relative(i64::try_from(skip).unwrap_or(i64::MAX))?;
                }
            }
        }
    }

    fn at_data(
        mut reader: R,
        size: u64,
        (rate, channels, format): (u32, u16, SampleFormat),
        length: u32,
        long: Option<u64>,
    ) -> Result<Self, WavReadError> {
        let begin = reader.stream_position()?;
        let there = size.saturating_sub(begin);
        let claimed = match (length, long) {
            (u32::MAX, Some(long)) => Some(long),
            (0 | u32::MAX, _) => None,
            // Behind 4 GiB the 32 bits have gone round, or were left at their end.
            (length, _) if there > u64::from(u32::MAX) && u64::from(length) < there => None,
            (length, _) => Some(u64::from(length)),
        };
        let frame = format.bytes() * u64::from(channels);
        let frames = claimed.unwrap_or(there).min(there) / frame;
        let remark = match claimed {
            None => Some(Remark::NoLength),
            Some(claimed) if claimed > there => Some(Remark::Truncated { claimed: claimed / frame, there: frames }),
            Some(_) => None,
        };
        if frames == 0 {
            return Err(WavReadError::Empty);
        }
        Ok(Self { reader, rate, channels, format, left: frames, frames, begin, remark, bytes: Vec::new() })
    }
}

impl<R: Read + Seek> WavReader<R> {
    /// Goes to a frame, counted from 0; behind the last one there is nothing left to read.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn seek(&mut self, frame: u64) -> Result<(), WavReadError> {
        let frame = frame.min(self.frames);
        let bytes = frame * self.format.bytes() * u64::from(self.channels);
        self.reader.seek(SeekFrom::Start(self.begin + bytes))?;
        self.left = self.frames - frame;
        Ok(())
    }
}

impl<R: Read> WavReader<R> {
    /// Frames a second.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Channels of a frame.
    pub fn channels(&self) -> u16 {
        self.channels
    }

    /// How its samples are written.
    pub fn format(&self) -> SampleFormat {
        self.format
    }

    /// Frames that are there.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Where header and file differ.
    pub fn remark(&self) -> Option<Remark> {
        self.remark
    }

    /// Appends at most `most` frames to `samples`, interleaved, with full scale at 1.0; gives how many, 0 at the end.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn read(&mut self, samples: &mut Vec<f32>, most: usize) -> Result<usize, WavReadError> {
        let frames = self.left.min(most as u64);
        let frame = (self.format.bytes() * u64::from(self.channels)) as usize;
        self.bytes.resize(frames as usize * frame, 0);
        self.reader.read_exact(&mut self.bytes)?;
        self.left -= frames;
        let bytes = &self.bytes;
        match self.format {
            SampleFormat::I16 => {
                samples.extend(bytes.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0));
            }
            // Three bytes at the upper end of four: the sign comes with them.
            SampleFormat::I24 => samples.extend(
                bytes
                    .chunks_exact(3)
                    .map(|b| (f64::from(i32::from_le_bytes([0, b[0], b[1], b[2]])) / 2_147_483_648.0) as f32),
            ),
            SampleFormat::I32 => samples.extend(
                bytes
                    .chunks_exact(4)
                    .map(|b| (f64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]])) / 2_147_483_648.0) as f32),
            ),
            SampleFormat::F32 => {
                samples.extend(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
            }
            SampleFormat::F64 => samples.extend(
                bytes
                    .chunks_exact(8)
                    .map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32),
            ),
        }
        Ok(frames as usize)
    }
}

fn exactly<const N: usize>(reader: &mut impl Read, missing: &'static str) -> Result<[u8; N], WavReadError> {
    let mut bytes = [0; N];
    match reader.read_exact(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(WavReadError::NoHeader { missing }),
        Err(e) => Err(e.into()),
    }
}

/// A chunk of the header, with its padding.
fn whole(reader: &mut impl Read, length: u32, name: &'static str) -> Result<Vec<u8>, WavReadError> {
    if length > MOST_HEADER {
        return Err(WavReadError::Header { what: format!("{name} claims {length} bytes") });
    }
    let mut bytes = vec![0; length as usize + length as usize % 2];
    match reader.read_exact(&mut bytes) {
        Ok(()) => {
            bytes.truncate(length as usize);
            Ok(bytes)
        }
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(WavReadError::NoHeader { missing: name }),
        Err(e) => Err(e.into()),
    }
}

/// The size of the samples in a file that is too long for 32 bits.
fn ds64(chunk: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(chunk.get(8..16)?.try_into().ok()?))
}

/// Rate, channels and sample format.
fn format(chunk: &[u8]) -> Result<(u32, u16, SampleFormat), WavReadError> {
    let wrong = |what: String| WavReadError::Header { what };
    if chunk.len() < 16 {
        return Err(wrong(format!("`fmt ` has {} bytes of 16", chunk.len())));
    }
    let u16_at = |at: usize| u16::from_le_bytes([chunk[at], chunk[at + 1]]);
    let rate = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
    let (channels, block, bits) = (u16_at(2), u16_at(12), u16_at(14));
    let tag = match u16_at(0) {
        // The extensible header: the true tag is the first field of its identifier.
        0xFFFE if chunk.len() >= 40 => u16_at(24),
        0xFFFE => return Err(wrong("the extensible header is cut short".to_owned())),
        tag => tag,
    };
    if channels == 0 || channels > MOST_CHANNELS {
        return Err(wrong(format!("{channels} channels (1 to {MOST_CHANNELS} are read)")));
    }
    if rate == 0 || rate > MOST_RATE {
        return Err(wrong(format!("{rate} frames a second")));
    }
    let format = match (tag, bits) {
        (1, 16) => SampleFormat::I16,
        (1, 24) => SampleFormat::I24,
        (1, 32) => SampleFormat::I32,
        (3, 32) => SampleFormat::F32,
        (3, 64) => SampleFormat::F64,
        (1, bits) => return Err(WavReadError::Format { what: format!("samples of {bits} bits") }),
        (3, bits) => return Err(WavReadError::Format { what: format!("floats of {bits} bits") }),
        (6, _) => return Err(WavReadError::Format { what: "A-law samples".to_owned() }),
        (7, _) => return Err(WavReadError::Format { what: "mu-law samples".to_owned() }),
        (tag, _) => return Err(WavReadError::Format { what: format!("samples of format 0x{tag:04x}") }),
    };
    let frame = format.bytes() * u64::from(channels);
    if u64::from(block) != frame {
        return Err(wrong(format!("frames of {block} bytes, where {channels} channels of {bits} bits need {frame}")));
    }
    Ok((rate, channels, format))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use rstest::rstest;

    /// A file by an independent writer.
    fn written(bits: u16, float: bool, channels: u16, samples: &[f64]) -> Vec<u8> {
        let sample_format = if float { hound::SampleFormat::Float } else { hound::SampleFormat::Int };
        let spec = hound::WavSpec { channels, sample_rate: 44_100, bits_per_sample: bits, sample_format };
        let mut file = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
        for sample in samples {
            if float {
                writer.write_sample(*sample as f32).unwrap();
            } else {
                writer.write_sample((sample * f64::from(1_u32 << (bits - 1))) as i32).unwrap();
            }
        }
        writer.finalize().unwrap();
        file.into_inner()
    }

    fn all(file: &[u8]) -> Result<(Vec<f32>, Option<Remark>), WavReadError> {
        let mut reader = WavReader::new(Cursor::new(file))?;
        let mut samples = Vec::new();
        while reader.read(&mut samples, 3)? > 0 {}
        Ok((samples, reader.remark()))
    }

    /// Exact in every format.
    const SAMPLES: [f64; 8] = [0.0, 0.5, -0.5, -1.0, 0.25, 0.125, -0.75, 0.875];

    #[rstest]
    #[case(16, false)]
    #[case(24, false)]
    #[case(32, false)]
    #[case(32, true)]
    fn what_an_independent_writer_wrote_is_read(
        #[case] bits: u16,
        #[case] float: bool,
        #[values(1, 2, 4, 8)] channels: u16,
    ) {
        let file = written(bits, float, channels, &SAMPLES);
        let reader = WavReader::new(Cursor::new(&file)).unwrap();
        assert_eq!((reader.rate(), reader.channels()), (44_100, channels));
        assert_eq!(reader.frames(), 8 / u64::from(channels));
        let (samples, remark) = all(&file).unwrap();
        assert_eq!(samples, SAMPLES.map(|s| s as f32));
        assert_eq!(remark, None);
    }

    #[test]
    fn reading_goes_on_where_it_is_sent() {
        let file = written(24, false, 2, &SAMPLES);
        let mut reader = WavReader::new(Cursor::new(&file)).unwrap();
        for (frame, most, want) in
            [(2, 1, &SAMPLES[4..6]), (0, 9, &SAMPLES[..]), (3, 9, &SAMPLES[6..]), (4, 9, &[]), (99, 9, &[])]
        {
            let mut samples = Vec::new();
            reader.seek(frame).unwrap();
            reader.read(&mut samples, most).unwrap();
            assert_eq!(samples, want.iter().map(|s| *s as f32).collect::<Vec<_>>(), "from frame {frame}");
        }
    }

    fn plain() -> Vec<u8> {
        crate::wav::encode_i16(48_000, 2, &[1, 2, 3, 4, 5, 6]).unwrap()
    }

    fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut file = plain();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    }

    #[rstest]
    #[case::cut_off(plain()[..52].to_vec(), 2, Some(Remark::Truncated { claimed: 3, there: 2 }))]
    #[case::cut_off_in_a_frame(plain()[..54].to_vec(), 2, Some(Remark::Truncated { claimed: 3, there: 2 }))]
    #[case::length_zero(with(40, &[0; 4]), 3, Some(Remark::NoLength))]
    #[case::length_of_4_gib(with(40, &[0xff; 4]), 3, Some(Remark::NoLength))]
    #[case::almost_4_gib(with(40, &[0xf0, 0xff, 0xff, 0xff]), 3, Some(Remark::Truncated { claimed: 1_073_741_820, there: 3 }))]
    #[case::something_behind([plain(), b"LIST\x04\0\0\0abcd".to_vec()].concat(), 3, None)]
    #[case::something_before([&plain()[..36], b"LIST\x03\0\0\0abc\0", &plain()[36..]].concat(), 3, None)]
    #[case::wrong_riff_size(with(4, &[0; 4]), 3, None)]
    fn the_file_counts_and_not_what_its_header_claims(
        #[case] file: Vec<u8>,
        #[case] frames: usize,
        #[case] remark: Option<Remark>,
    ) {
        let (samples, found) = all(&file).unwrap();
        assert_eq!((samples.len(), found), (frames * 2, remark));
        assert_eq!(samples[0], 1.0 / 32_768.0);
    }

    #[rstest]
    #[case::nothing(vec![], "no samples")]
    #[case::text(b"this is no recording at all".to_vec(), "no WAV file: it begins with this is no r")]
    #[case::big_endian([b"RIFX", &plain()[4..]].concat(), "no WAV file")]
    #[case::no_format(plain()[..12].to_vec(), "`fmt ` is missing")]
    #[case::half_a_format(plain()[..20].to_vec(), "`fmt ` is missing")]
    #[case::no_data(plain()[..36].to_vec(), "`data` is missing")]
    #[case::no_samples(plain()[..44].to_vec(), "no samples")]
    #[case::half_a_frame(plain()[..46].to_vec(), "no samples")]
    #[case::eight_bits(with(34, &[8, 0]), "samples of 8 bits are not read")]
    #[case::mu_law(with(20, &[7, 0]), "mu-law samples are not read")]
    #[case::mp3(with(20, &[0x55, 0]), "format 0x0055 are not read")]
    #[case::no_channels(with(22, &[0, 0]), "0 channels")]
    #[case::many_channels(with(22, &[9, 0]), "9 channels")]
    #[case::no_rate(with(24, &[0; 4]), "0 frames a second")]
    #[case::absurd_rate(with(24, &[0xff; 4]), "4294967295 frames a second")]
    #[case::contradiction(with(32, &[5, 0]), "frames of 5 bytes, where 2 channels of 16 bits need 4")]
    #[case::short_format(with(16, &[4, 0, 0, 0]), "`fmt ` has 4 bytes of 16")]
    #[case::endless_format(with(16, &[0xff; 4]), "`fmt ` claims 4294967295 bytes")]
    #[case::endless_chunk(with(12, b"junk\xff\xff\xff\xff"), "`data` is missing")]
    #[case::extensible_cut_short(with(20, &[0xfe, 0xff]), "extensible header is cut short")]
    #[case::samples_first([&plain()[..12], &plain()[36..]].concat(), "come before their format")]
    fn what_is_no_recording_is_refused_in_words(#[case] file: Vec<u8>, #[case] said: &str) {
        let error = all(&file).expect_err("no recording").to_string();
        assert!(error.contains(said), "{error}");
    }

    #[test]
    fn a_file_that_says_its_length_in_64_bits_is_read() {
        let plain = plain();
        let mut file = b"RF64\xff\xff\xff\xffWAVEds64".to_vec();
        file.extend(24_u32.to_le_bytes());
        for field in [0_u64, 12, 3] {
            file.extend(field.to_le_bytes());
        }
        file.extend(&plain[12..40]);
        file.extend([0xff; 4]);
        file.extend(&plain[44..]);
        file.extend(b"LIST\x04\0\0\0abcd");
        let (samples, remark) = all(&file).unwrap();
        assert_eq!((samples.len(), remark), (6, None));
    }

    #[test]
    fn any_bytes_behind_a_header_end() {
        for at in 0..44 {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut file = plain();
                file[at] = value;
                if let Ok((samples, _)) = all(&file) {
                    assert!(samples.len() <= 16);
                }
            }
        }
    }
}
