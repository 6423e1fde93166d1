//! aptX and aptX HD over A2DP: capability and configuration octets.
//!
//! Source: the vendors' numbers of the Bluetooth SIG's assigned numbers; the octets as BlueZ `profiles/audio/a2dp-codecs.h` has them.

use thiserror::Error;

/// Samples of each channel that go into one code word of each.
pub const SAMPLES: u32 = 4;
const STEREO: u8 = 0x02;

/// The two codecs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// aptX: 4 bytes for 4 samples of two channels, without RTP.
    Classic,
    /// aptX HD: 6 bytes for 4 samples of two channels, in RTP.
    Hd,
}

impl Variant {
    /// Vendor and codec, as octets.
    const fn numbers(self) -> [u8; 6] {
        match self {
            Self::Classic => [0x4F, 0, 0, 0, 1, 0],
            Self::Hd => [0xD7, 0, 0, 0, 0x24, 0],
        }
    }

    /// Length of the codec information.
    const fn octets(self) -> usize {
        match self {
            Self::Classic => 7,
            Self::Hd => 11,
        }
    }

    /// Bytes for 4 samples of both channels.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Classic => 4,
            Self::Hd => 6,
        }
    }
}

/// One choice from the capabilities of both ends: stereo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Configuration {
    /// Which codec.
    pub variant: Variant,
    /// Sampling frequency in Hz: 44100 or 48000.
    pub hz: u32,
}

/// Why octets are no configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AptxError {
    /// Not of this codec.
    #[error("{0:02x?} is no codec information of aptX or aptX HD")]
    Foreign(Vec<u8>),
    /// Another rate or mode, or several.
    #[error("{0:#04x} is none of stereo at 44.1 or 48 kHz")]
    Choice(u8),
}

const fn rate_bit(hz: u32) -> u8 {
    if hz == 48_000 { 0x10 } else { 0x20 }
}

/// The octet of rate and mode of a codec's information.
fn choice(variant: Variant, octets: &[u8]) -> Option<u8> {
    let ours = octets.len() == variant.octets() && octets.starts_with(&variant.numbers());
    octets.get(6).copied().filter(|_| ours)
}

impl Configuration {
    /// Reads a configuration of either codec.
    ///
    /// # Errors
    /// When it is of another codec, or chooses something else than this type holds.
    pub fn parse(octets: &[u8]) -> Result<Self, AptxError> {
        let found = [Variant::Classic, Variant::Hd].into_iter().find_map(|v| Some((v, choice(v, octets)?)));
        let (variant, chosen) = found.ok_or_else(|| AptxError::Foreign(octets.to_vec()))?;
        let hz = [44_100, 48_000].into_iter().find(|hz| chosen == rate_bit(*hz) | STEREO);
        hz.map(|hz| Self { variant, hz }).ok_or(AptxError::Choice(chosen))
    }

    /// As on the air.
    pub fn octets(self) -> Vec<u8> {
        let mut octets = self.variant.numbers().to_vec();
        octets.resize(self.variant.octets(), 0);
        octets[6] = rate_bit(self.hz) | STEREO;
        octets
    }

    /// The same with an end of these capabilities, or what those lack, in words.
    ///
    /// # Errors
    /// When the octets are no capabilities of this codec.
    pub fn choose(self, capabilities: &[u8]) -> Result<Result<Self, Vec<String>>, AptxError> {
        let offered = choice(self.variant, capabilities).ok_or_else(|| AptxError::Foreign(capabilities.to_vec()))?;
        let wanted = [(rate_bit(self.hz), format!("{} Hz", self.hz)), (STEREO, "stereo".to_owned())];
        let lacking: Vec<String> =
            wanted.into_iter().filter(|(bit, _)| offered & bit == 0).map(|(_, words)| words).collect();
        Ok(if lacking.is_empty() { Ok(self) } else { Err(lacking) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    // As captures have them.
    #[rstest]
    #[case(Variant::Classic, 48_000, &[0x4F, 0, 0, 0, 1, 0, 0x12])]
    #[case(Variant::Hd, 44_100, &[0xD7, 0, 0, 0, 0x24, 0, 0x22, 0, 0, 0, 0])]
    fn configurations_are_the_known_ones(#[case] variant: Variant, #[case] hz: u32, #[case] octets: &[u8]) {
        let configuration = Configuration { variant, hz };
        assert_eq!(configuration.octets(), octets);
        assert_eq!(Configuration::parse(octets), Ok(configuration));
    }

    #[rstest]
    #[case::both(&[0x4F, 0, 0, 0, 1, 0, 0x32], 48_000, &[])]
    #[case::another_rate(&[0x4F, 0, 0, 0, 1, 0, 0x22], 48_000, &["48000 Hz"])]
    #[case::nothing(&[0x4F, 0, 0, 0, 1, 0, 0], 44_100, &["44100 Hz", "stereo"])]
    fn what_is_not_offered_is_named(#[case] offered: &[u8], #[case] hz: u32, #[case] lacking: &[&str]) {
        let wanted = Configuration { variant: Variant::Classic, hz };
        let found = wanted.choose(offered).expect("aptX");
        assert_eq!(found.is_ok(), lacking.is_empty());
        assert_eq!(found.err().unwrap_or_default(), lacking);
    }

    #[rstest]
    #[case(&[])]
    #[case::sbc(&[0x21, 0x15, 2, 53])]
    #[case::another_vendor(&[0x2D, 1, 0, 0, 0xAA, 0, 0x20, 1])]
    #[case::two_rates(&[0x4F, 0, 0, 0, 1, 0, 0x32])]
    #[case::mono(&[0x4F, 0, 0, 0, 1, 0, 0x11])]
    #[case::hd_of_another_length(&[0xD7, 0, 0, 0, 0x24, 0, 0x22])]
    fn anything_else_is_no_configuration(#[case] octets: &[u8]) {
        assert!(Configuration::parse(octets).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let _ = Configuration::parse(&bytes);
            let _ = Configuration { variant: Variant::Hd, hz: 48_000 }.choose(&bytes);
        }
    }
}
