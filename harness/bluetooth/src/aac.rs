//! AAC over A2DP: capability and configuration octets, the elements of an encoded stream.
//!
//! Source: Advanced Audio Distribution Profile, section 4.5 (codec specific information); ISO/IEC 14496-3, section 1.7 (LATM and LOAS);
//! RFC 3016, section 4 (payload).

use thiserror::Error;

/// Samples of each channel in an element.
pub const SAMPLES: u32 = 1024;
/// The bit rate in bits a second that is asked for unless the other end takes less.
const HIGH_QUALITY_BPS: u32 = 256_000;
/// Below this, stereo sounds of nothing.
const LOWEST_BPS: u32 = 64_000;
/// Octet 0: MPEG-2 AAC LC, which every end with AAC has.
const MPEG_2_LC: u8 = 0x80;
const VARIABLE: u8 = 0x80;
const STEREO: u8 = 0x04;
/// The largest bit rate that 23 bits hold.
const MOST_BPS: u32 = (1 << 23) - 1;

/// One choice from the capabilities of both ends: MPEG-2 LC in stereo at a constant bit rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Configuration {
    /// Sampling frequency in Hz: 44100 or 48000.
    pub hz: u32,
    /// Bits a second.
    pub bps: u32,
}

/// Why octets are no configuration, or bytes no stream.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AacError {
    /// Another number of octets.
    #[error("AAC has 6 octets of codec information, not {0}")]
    Length(usize),
    /// Another object type, rate, number of channels, or several.
    #[error("{octets:02x?} is none of MPEG-2 AAC LC in stereo at 44.1 or 48 kHz")]
    Choice {
        /// The octets.
        octets: [u8; 6],
    },
    /// An element does not begin, or does not end, where it should.
    #[error("element {number} at byte {at} {what}")]
    Element {
        /// Which one, from 1.
        number: usize,
        /// Where it begins.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// The bit of a rate: in octet 1 or 2.
const fn rate_bit(hz: u32) -> (usize, u8) {
    if hz == 48_000 { (2, 0x80) } else { (1, 0x01) }
}

impl Configuration {
    /// The best quality that is usual, at 44100 or 48000 Hz.
    pub const fn high_quality(hz: u32) -> Self {
        Self { hz, bps: HIGH_QUALITY_BPS }
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// When the octets choose something else than this type holds, or several things.
    pub fn parse(octets: &[u8]) -> Result<Self, AacError> {
        let octets: [u8; 6] = octets.try_into().map_err(|_| AacError::Length(octets.len()))?;
        let bps = u32::from_be_bytes([0, octets[3] & !VARIABLE, octets[4], octets[5]]);
        let found = [44_100, 48_000].into_iter().map(|hz| Self { hz, bps });
        let same = |one: &Self| one.octets()[..3] == octets[..3];
        found.into_iter().find(same).ok_or(AacError::Choice { octets })
    }

    /// As on the air.
    pub fn octets(self) -> [u8; 6] {
        let [_, high, middle, low] = self.bps.min(MOST_BPS).to_be_bytes();
        let mut octets = [MPEG_2_LC, 0, STEREO, high, middle, low];
        let (octet, bit) = rate_bit(self.hz);
        octets[octet] |= bit;
        octets
    }

    /// The same at a bit rate that an end with these capabilities takes, or what those lack, in words.
    ///
    /// # Errors
    /// When the octets are no capabilities.
    pub fn choose(self, capabilities: &[u8]) -> Result<Result<Self, Vec<String>>, AacError> {
        let offered: [u8; 6] = capabilities.try_into().map_err(|_| AacError::Length(capabilities.len()))?;
        let mut lacking = Vec::new();
        let (octet, bit) = rate_bit(self.hz);
        for (octet, bit, words) in [
            (0, MPEG_2_LC, "MPEG-2 AAC LC".to_owned()),
            (octet, bit, format!("{} Hz", self.hz)),
            (2, STEREO, "stereo".to_owned()),
        ] {
            if offered[octet] & bit == 0 {
                lacking.push(words);
            }
        }
        // 0 stands for: whatever you like.
        let peak = match u32::from_be_bytes([0, offered[3] & !VARIABLE, offered[4], offered[5]]) {
            0 => MOST_BPS,
            peak => peak,
        };
        if peak < LOWEST_BPS {
            lacking.push(format!("{LOWEST_BPS} bit/s (offered: {peak})"));
        }
        Ok(if lacking.is_empty() { Ok(Self { bps: self.bps.min(peak), ..self }) } else { Err(lacking) })
    }
}

/// The elements of a LOAS stream without their headers: what A2DP sends.
///
/// # Errors
/// When an element does not begin with its sync word, or the stream ends within one.
pub fn elements(loas: &[u8]) -> Result<Vec<&[u8]>, AacError> {
    const HEADER: usize = 3;
    let (mut elements, mut at) = (Vec::new(), 0);
    while at < loas.len() {
        let fault = |what| AacError::Element { number: elements.len() + 1, at, what };
        let header: [u8; HEADER] =
            loas.get(at..at + HEADER).and_then(|h| h.try_into().ok()).ok_or(fault("is cut off"))?;
        // 11 bits of sync, 13 of length.
        if header[0] != 0x56 || header[1] & 0xE0 != 0xE0 {
            return Err(fault("does not begin with the sync word of LOAS"));
        }
        let length = usize::from(u16::from_be_bytes([header[1] & 0x1F, header[2]]));
        let element = loas.get(at + HEADER..at + HEADER + length).ok_or(fault("is cut off"))?;
        elements.push(element);
        at += HEADER + length;
    }
    Ok(elements)
}

/// The stream of these elements, as [`elements`] takes it apart. One that is longer than LOAS can tell is left out.
pub fn loas<'a>(elements: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    const LONGEST: usize = 0x1FFF;
    let mut stream = Vec::new();
    for element in elements.filter(|element| element.len() <= LONGEST) {
        let [high, low] = (element.len() as u16).to_be_bytes();
        stream.extend([0x56, 0xE0 | high, low]);
        stream.extend(element);
    }
    stream
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    // As a speaker of the virtual rig offered it, as BlueZ has configured it, as a headset offers it.
    const SPEAKER: [u8; 6] = [0x80, 0x01, 0x8C, 0x03, 0xE8, 0x00];

    #[test]
    fn the_configuration_is_the_known_one() {
        let configuration = Configuration::high_quality(44_100);
        assert_eq!(configuration.octets(), [0x80, 0x01, 0x04, 0x03, 0xE8, 0x00]);
        assert_eq!(Configuration::high_quality(48_000).octets(), [0x80, 0x00, 0x84, 0x03, 0xE8, 0x00]);
        assert_eq!(Configuration::parse(&configuration.octets()), Ok(configuration));
    }

    #[rstest]
    #[case::all(SPEAKER, 48_000, Some(256_000), &[])]
    #[case::less([0x80, 0x01, 0x8C, 0x03, 0x0D, 0x40], 48_000, Some(200_000), &[])]
    #[case::any_rate([0x80, 0x01, 0x8C, 0x80, 0x00, 0x00], 48_000, Some(256_000), &[])]
    #[case::another_frequency([0x80, 0x01, 0x04, 0x03, 0xE8, 0x00], 48_000, None, &["48000 Hz"])]
    #[case::mono([0x80, 0x01, 0x88, 0x03, 0xE8, 0x00], 48_000, None, &["stereo"])]
    #[case::another_object([0x40, 0x01, 0x8C, 0x03, 0xE8, 0x00], 44_100, None, &["MPEG-2 AAC LC"])]
    #[case::hardly_anything([0x80, 0x01, 0x8C, 0x00, 0x10, 0x00], 44_100, None, &["64000 bit/s (offered: 4096)"])]
    #[case::nothing([0; 6], 44_100, None, &["MPEG-2 AAC LC", "44100 Hz", "stereo"])]
    fn the_bit_rate_is_what_the_other_end_takes(
        #[case] capabilities: [u8; 6],
        #[case] hz: u32,
        #[case] bps: Option<u32>,
        #[case] lacking: &[&str],
    ) {
        let found = Configuration::high_quality(hz).choose(&capabilities).expect("6 octets");
        assert_eq!(found.as_ref().ok(), bps.map(|bps| Configuration { hz, bps }).as_ref());
        assert_eq!(found.err().unwrap_or_default(), lacking);
    }

    #[rstest]
    #[case(&[])]
    #[case(&[0x80, 0x01, 0x04, 0x03, 0xE8])]
    #[case::two_rates(&[0x80, 0x01, 0x84, 0x03, 0xE8, 0x00])]
    #[case::mono(&[0x80, 0x01, 0x08, 0x03, 0xE8, 0x00])]
    fn anything_else_is_no_configuration(#[case] octets: &[u8]) {
        assert!(Configuration::parse(octets).is_err());
    }

    #[test]
    fn a_stream_is_cut_into_its_elements() {
        let stream = [&[0x56, 0xE0, 3, 1, 2, 3][..], &[0x56, 0xE0, 0], &[0x56, 0xE1, 0x00], &[9; 256]].concat();
        let elements = elements(&stream).expect("three elements");
        assert_eq!(elements, [&[1, 2, 3][..], &[], &[9; 256]]);
        assert_eq!(loas(elements.into_iter()), stream);
    }

    #[rstest]
    #[case(&[0x56, 0xE0, 3, 1, 2], "element 1 at byte 0 is cut off")]
    #[case(&[0x56, 0xE0], "element 1 at byte 0 is cut off")]
    #[case(&[0x56, 0xE0, 1, 1, 0x47, 0xE0, 0], "element 2 at byte 4 does not begin with the sync word of LOAS")]
    fn what_is_no_stream_is_told_with_its_place(#[case] stream: &[u8], #[case] said: &str) {
        assert_eq!(elements(stream).expect_err("no stream").to_string(), said);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = (Configuration::parse(&bytes), elements(&bytes), Configuration::high_quality(48_000).choose(&bytes));
        }
    }
}
