//! LDAC over A2DP: capability and configuration octets, the frames of an encoded stream.
//!
//! Source: AOSP `a2dp_vendor_ldac_constants.h` (octets); AOSP `external/libldac`, `ldaclib.h` and `ldacBT_internal.h` (frame header).

use thiserror::Error;

/// The longest packet that sinks are built for: what the library of the codec's vendor fills.
pub const LONGEST_PACKET: usize = 679;
/// The payload header counts frames with 4 bits.
pub const FRAMES_AT_MOST: usize = 15;
const SYNC: u8 = 0xAA;
const HEADER: usize = 3;
/// Vendor and codec, as octets.
const NUMBERS: [u8; 6] = [0x2D, 1, 0, 0, 0xAA, 0];

/// Sampling frequencies in Hz, in the order of the frame header's codes, and their bits in octet 6.
const RATES: [(u32, u8); 4] = [(44_100, 0x20), (48_000, 0x10), (88_200, 0x08), (96_000, 0x04)];

/// How the channels are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// One channel.
    Mono,
    /// Two channels, each for itself.
    DualChannel,
    /// Two channels that share the bits.
    Stereo,
}

impl Mode {
    /// In the order of the frame header's codes.
    const ALL: [Self; 3] = [Self::Mono, Self::DualChannel, Self::Stereo];

    const fn bit(self) -> u8 {
        match self {
            Self::Mono => 0x04,
            Self::DualChannel => 0x02,
            Self::Stereo => 0x01,
        }
    }

    /// Channels.
    pub const fn channels(self) -> u32 {
        if matches!(self, Self::Mono) { 1 } else { 2 }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Mono => "mono",
            Self::DualChannel => "dual channel",
            Self::Stereo => "stereo",
        }
    }
}

/// One choice from the capabilities of both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Configuration {
    /// Sampling frequency in Hz: 44100, 48000, 88200 or 96000.
    pub hz: u32,
    /// How the channels are coded.
    pub mode: Mode,
}

/// Why octets are no configuration, or bytes no stream.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LdacError {
    /// Not of this codec.
    #[error("{0:02x?} is no codec information of LDAC")]
    Foreign(Vec<u8>),
    /// Another rate or mode, or several.
    #[error("{0:02x?} does not choose one rate and one mode of LDAC")]
    Choice([u8; 2]),
    /// A frame does not begin, or does not end, where it should.
    #[error("LDAC frame {number} at byte {at} {what}")]
    Frame {
        /// Which one, from 1.
        number: usize,
        /// Where it begins.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
}

fn choice(octets: &[u8]) -> Result<[u8; 2], LdacError> {
    match octets.strip_prefix(&NUMBERS) {
        Some(&[rate, mode]) => Ok([rate, mode]),
        _ => Err(LdacError::Foreign(octets.to_vec())),
    }
}

impl Configuration {
    /// Reads a configuration.
    ///
    /// # Errors
    /// When it is of another codec, or does not choose one rate and one mode.
    pub fn parse(octets: &[u8]) -> Result<Self, LdacError> {
        let [rate, mode] = choice(octets)?;
        let hz = RATES.into_iter().find(|(_, bit)| *bit == rate).map(|(hz, _)| hz);
        let found = Mode::ALL.into_iter().find(|known| known.bit() == mode);
        match (hz, found) {
            (Some(hz), Some(mode)) => Ok(Self { hz, mode }),
            _ => Err(LdacError::Choice([rate, mode])),
        }
    }

    fn rate_bit(self) -> u8 {
        RATES.into_iter().find(|(hz, _)| *hz == self.hz).map_or(0, |(_, bit)| bit)
    }

    /// As on the air.
    pub fn octets(self) -> [u8; 8] {
        let [a, b, c, d, e, f] = NUMBERS;
        [a, b, c, d, e, f, self.rate_bit(), self.mode.bit()]
    }

    /// Samples of each channel in a frame.
    pub const fn samples(self) -> u32 {
        if self.hz > 48_000 { 256 } else { 128 }
    }

    /// The same with an end of these capabilities, or what those lack, in words.
    ///
    /// # Errors
    /// When the octets are no capabilities of LDAC.
    pub fn choose(self, capabilities: &[u8]) -> Result<Result<Self, Vec<String>>, LdacError> {
        let [rates, modes] = choice(capabilities)?;
        let mut lacking = Vec::new();
        if rates & self.rate_bit() == 0 {
            lacking.push(format!("{} Hz", self.hz));
        }
        if modes & self.mode.bit() == 0 {
            lacking.push(self.mode.text().to_owned());
        }
        Ok(if lacking.is_empty() { Ok(self) } else { Err(lacking) })
    }

    /// The frames of an encoded stream of this configuration.
    ///
    /// # Errors
    /// When a frame does not begin with its sync byte, is of another configuration, or the stream ends within one.
    pub fn frames(self, stream: &[u8]) -> Result<Vec<&[u8]>, LdacError> {
        let (mut frames, mut at) = (Vec::new(), 0);
        while at < stream.len() {
            let fault = |what| LdacError::Frame { number: frames.len() + 1, at, what };
            let rest = stream.get(at..).unwrap_or_default();
            let &[sync, high, low, ..] = rest else { return Err(fault("is cut off")) };
            if sync != SYNC {
                return Err(fault("does not begin with its sync byte"));
            }
            // Rate (3 bits), channels (2), length less one (9), status (2).
            let (rate, mode) = (usize::from(high >> 5), usize::from(high >> 3 & 3));
            if RATES.get(rate).map(|(hz, _)| *hz) != Some(self.hz) || Mode::ALL.get(mode) != Some(&self.mode) {
                return Err(fault("is of another configuration"));
            }
            let length = HEADER + (usize::from(u16::from_be_bytes([high & 7, low])) >> 2) + 1;
            frames.push(rest.get(..length).ok_or(fault("is cut off"))?);
            at += length;
        }
        Ok(frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const STEREO_48: Configuration = Configuration { hz: 48_000, mode: Mode::Stereo };

    // The second as captures of real devices have it.
    #[rstest]
    #[case(STEREO_48, &[0x2D, 1, 0, 0, 0xAA, 0, 0x10, 1])]
    #[case(Configuration { hz: 96_000, mode: Mode::Stereo }, &[0x2D, 1, 0, 0, 0xAA, 0, 4, 1])]
    #[case(Configuration { hz: 44_100, mode: Mode::Mono }, &[0x2D, 1, 0, 0, 0xAA, 0, 0x20, 4])]
    fn configurations_are_the_known_ones(#[case] configuration: Configuration, #[case] octets: &[u8]) {
        assert_eq!(configuration.octets(), octets);
        assert_eq!(Configuration::parse(octets), Ok(configuration));
    }

    #[rstest]
    #[case::all(&[0x2D, 1, 0, 0, 0xAA, 0, 0x3C, 7], &[])]
    #[case::another_rate(&[0x2D, 1, 0, 0, 0xAA, 0, 0x20, 7], &["48000 Hz"])]
    #[case::nothing(&[0x2D, 1, 0, 0, 0xAA, 0, 0, 0], &["48000 Hz", "stereo"])]
    fn what_is_not_offered_is_named(#[case] offered: &[u8], #[case] lacking: &[&str]) {
        let found = STEREO_48.choose(offered).expect("LDAC");
        assert_eq!(found.err().unwrap_or_default(), lacking);
    }

    #[rstest]
    #[case(&[])]
    #[case::aptx(&[0x4F, 0, 0, 0, 1, 0, 0x12])]
    #[case::two_rates(&[0x2D, 1, 0, 0, 0xAA, 0, 0x30, 1])]
    #[case::no_mode(&[0x2D, 1, 0, 0, 0xAA, 0, 0x10, 0])]
    #[case::too_long(&[0x2D, 1, 0, 0, 0xAA, 0, 0x10, 1, 0])]
    fn anything_else_is_no_configuration(#[case] octets: &[u8]) {
        assert!(Configuration::parse(octets).is_err());
    }

    /// The header that GStreamer's `ldacenc eqmid=sq` writes at 48 kHz in stereo: 217 bytes behind it.
    fn frame() -> Vec<u8> {
        [[0xAA, 0x33, 0x60].as_slice(), &[0x55; 217]].concat()
    }

    #[test]
    fn a_stream_is_cut_into_its_frames() {
        let stream = frame().repeat(3);
        let frames = STEREO_48.frames(&stream).expect("LDAC");
        assert_eq!(frames, [frame(), frame(), frame()]);
    }

    #[rstest]
    #[case::no_sync(|stream: &mut Vec<u8>| stream[220] = 0, "frame 2 at byte 220 does not begin")]
    #[case::another_rate(|stream: &mut Vec<u8>| stream[1] = 0x13, "frame 1 at byte 0 is of another configuration")]
    #[case::cut(|stream: &mut Vec<u8>| stream.truncate(439), "frame 2 at byte 220 is cut off")]
    #[case::cut_in_the_header(|stream: &mut Vec<u8>| stream.truncate(222), "frame 2 at byte 220 is cut off")]
    fn a_broken_stream_is_refused(#[case] breaking: fn(&mut Vec<u8>), #[case] said: &str) {
        let mut stream = frame().repeat(2);
        breaking(&mut stream);
        let error = STEREO_48.frames(&stream).expect_err("broken").to_string();
        assert!(error.contains(said), "{error}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = Configuration::parse(&bytes);
            let _ = STEREO_48.choose(&bytes);
            if let Ok(frames) = STEREO_48.frames(&bytes) {
                prop_assert_eq!(frames.concat(), bytes);
            }
        }
    }
}
