//! A codec with everything that both ends of a stream must agree on.

use thiserror::Error;

use crate::{aac, aptx, ldac, opus, sbc};

mod bit_rate;
mod named;

pub use bit_rate::highest_bit_rate;
pub use named::{Codec, rate, words};

/// What an A2DP stream was, or should be, configured to. Other codecs become variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodecConfiguration {
    /// SBC.
    Sbc(sbc::Configuration),
    /// AAC.
    Aac(aac::Configuration),
    /// aptX or aptX HD.
    Aptx(aptx::Configuration),
    /// Opus.
    Opus(opus::Configuration),
    /// LDAC.
    Ldac(ldac::Configuration),
}

/// Why bytes are no configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigurationError {
    /// A codec that this build does not know.
    #[error("media codec type {0:#04x} is not known")]
    UnknownCodec(u8),
    /// Of SBC, and wrong.
    #[error(transparent)]
    Sbc(#[from] sbc::SbcError),
    /// Of AAC, and wrong.
    #[error(transparent)]
    Aac(#[from] aac::AacError),
    /// Of a vendor, and none of aptX, aptX HD, LDAC and Opus.
    #[error(transparent)]
    Aptx(#[from] aptx::AptxError),
    /// Of Opus, and wrong.
    #[error(transparent)]
    Opus(#[from] opus::OpusError),
    /// Of LDAC, and wrong.
    #[error(transparent)]
    Ldac(#[from] ldac::LdacError),
}

/// The media codec type of SBC (assigned numbers, A2DP).
pub const SBC: u8 = 0x00;
/// That of AAC.
pub const AAC: u8 = 0x02;
/// That of all codecs of vendors.
pub const VENDOR: u8 = 0xFF;

impl CodecConfiguration {
    /// Reads the configuration of a codec.
    ///
    /// # Errors
    /// When the codec is unknown or the octets choose nothing it knows.
    pub fn parse(codec_type: u8, octets: &[u8]) -> Result<Self, ConfigurationError> {
        Ok(match codec_type {
            SBC => Self::Sbc(sbc::Configuration::parse(octets)?),
            AAC => Self::Aac(aac::Configuration::parse(octets)?),
            VENDOR if Codec::of(codec_type, octets) == Codec::Opus => Self::Opus(opus::Configuration::parse(octets)?),
            VENDOR if Codec::of(codec_type, octets) == Codec::Ldac => Self::Ldac(ldac::Configuration::parse(octets)?),
            VENDOR => Self::Aptx(aptx::Configuration::parse(octets)?),
            other => return Err(ConfigurationError::UnknownCodec(other)),
        })
    }

    /// Which codec it is.
    pub fn codec(self) -> Codec {
        Codec::of(self.codec_type(), &self.octets())
    }

    /// The media codec type; `0xff` stands for all vendor codecs.
    pub const fn codec_type(self) -> u8 {
        match self {
            Self::Sbc(_) => SBC,
            Self::Aac(_) => AAC,
            Self::Aptx(_) | Self::Opus(_) | Self::Ldac(_) => VENDOR,
        }
    }

    /// The codec specific information, as on the air.
    pub fn octets(self) -> Vec<u8> {
        match self {
            Self::Sbc(configuration) => configuration.octets().to_vec(),
            Self::Aac(configuration) => configuration.octets().to_vec(),
            Self::Aptx(configuration) => configuration.octets(),
            Self::Opus(configuration) => configuration.octets().to_vec(),
            Self::Ldac(configuration) => configuration.octets().to_vec(),
        }
    }

    /// Sampling frequency in Hz.
    pub const fn rate(self) -> u32 {
        match self {
            Self::Sbc(configuration) => configuration.frequency.hz(),
            Self::Aac(configuration) => configuration.hz,
            Self::Aptx(configuration) => configuration.hz,
            Self::Opus(_) => 48_000,
            Self::Ldac(configuration) => configuration.hz,
        }
    }

    /// The configuration to set with a device of these capabilities: this one, at the highest bit rate that the device takes. Else what
    /// the capabilities lack, in words.
    ///
    /// # Errors
    /// When the octets are no capabilities of this codec.
    pub fn choose(self, capabilities: &[u8]) -> Result<Result<Self, Vec<String>>, ConfigurationError> {
        Ok(match self {
            Self::Sbc(configuration) => sbc::Capabilities::parse(capabilities)?.choose(configuration).map(Self::Sbc),
            Self::Aac(configuration) => configuration.choose(capabilities)?.map(Self::Aac),
            Self::Aptx(configuration) => configuration.choose(capabilities)?.map(Self::Aptx),
            Self::Opus(configuration) => configuration.choose(capabilities)?.map(Self::Opus),
            Self::Ldac(configuration) => configuration.choose(capabilities)?.map(Self::Ldac),
        })
    }

    /// The same, but with no less than asked for: a device that only takes a smaller bitpool lacks this one.
    ///
    /// # Errors
    /// When the octets are no capabilities of this codec.
    pub fn choose_whole(self, capabilities: &[u8]) -> Result<Result<Self, Vec<String>>, ConfigurationError> {
        Ok(self.choose(capabilities)?.and_then(|chosen| match (self, chosen) {
            (Self::Sbc(wanted), Self::Sbc(chosen)) if chosen.max_bitpool < wanted.max_bitpool => {
                Err(vec![format!("bitpool {} (offered: up to {})", wanted.max_bitpool, chosen.max_bitpool)])
            }
            _ => Ok(chosen),
        }))
    }

    /// Whether what was agreed on is this configuration: every choice the same and, with SBC, the same largest bitpool. Else what differs,
    /// in words. How small a bitpool may be and the bit rate of AAC are the other end's to say.
    ///
    /// # Errors
    /// What differs.
    pub fn held_by(self, agreed: Self) -> Result<(), String> {
        let same = match (self, agreed) {
            (Self::Sbc(wanted), Self::Sbc(agreed)) => wanted.frame() == agreed.frame(),
            (Self::Aac(wanted), Self::Aac(agreed)) => wanted.hz == agreed.hz,
            (wanted, agreed) => wanted == agreed,
        };
        let said = |one: Self| words(one.codec_type(), &one.octets());
        if same { Ok(()) } else { Err(format!("{} was agreed on, and {} asked for", said(agreed), said(self))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn an_unknown_codec_is_an_error_and_names_its_type() {
        let error = CodecConfiguration::parse(0x04, &[1, 2, 3]).expect_err("ATRAC is not known");
        assert_eq!(error.to_string(), "media codec type 0x04 is not known");
        let error = CodecConfiguration::parse(0xFF, &[0x3A, 5, 0, 0, 0x35, 0x4C, 4, 1]).expect_err("nor is LHDC");
        assert!(error.to_string().contains("is no codec information of aptX"), "{error}");
    }

    #[rstest]
    #[case(SBC, &[0x21, 0x15, 2, 53], Codec::Sbc, 44_100)]
    #[case(AAC, &[0x80, 0, 0x84, 3, 0xE8, 0], Codec::Aac, 48_000)]
    #[case(VENDOR, &[0x4F, 0, 0, 0, 1, 0, 0x12], Codec::Aptx, 48_000)]
    #[case(VENDOR, &[0xD7, 0, 0, 0, 0x24, 0, 0x22, 0, 0, 0, 0], Codec::AptxHd, 44_100)]
    #[case(VENDOR, &[0xE0, 0, 0, 0, 1, 0, 0x92], Codec::Opus, 48_000)]
    #[case(VENDOR, &[0x2D, 1, 0, 0, 0xAA, 0, 4, 1], Codec::Ldac, 96_000)]
    fn a_configuration_is_read_and_written(
        #[case] codec_type: u8,
        #[case] octets: &[u8],
        #[case] codec: Codec,
        #[case] hz: u32,
    ) {
        let read = CodecConfiguration::parse(codec_type, octets).expect("a configuration");
        assert_eq!((read.codec_type(), read.codec(), read.rate()), (codec_type, codec, hz));
        assert_eq!(read.octets(), octets);
    }

    #[rstest]
    #[case::itself(&[0x11, 0x15, 2, 53], None)]
    #[case::a_higher_floor(&[0x11, 0x15, 10, 53], None)]
    #[case::a_smaller_bitpool(&[0x11, 0x15, 2, 51], Some("bitpool 2-51 was agreed on"))]
    #[case::another_mode(&[0x12, 0x15, 2, 53], Some(", stereo, "))]
    #[case::another_rate(&[0x21, 0x15, 2, 53], Some("44.1 kHz"))]
    #[case::other_blocks(&[0x11, 0x25, 2, 53], Some("12 blocks"))]
    fn what_was_asked_for_is_held_whole(#[case] agreed: &[u8], #[case] differs: Option<&str>) {
        let wanted = CodecConfiguration::parse(SBC, &[0x11, 0x15, 2, 53]).expect("SBC");
        let held = wanted.held_by(CodecConfiguration::parse(SBC, agreed).expect("SBC"));
        match differs {
            None => assert_eq!(held, Ok(())),
            Some(said) => assert!(held.as_ref().is_err_and(|words| words.contains(said)), "{held:?}"),
        }
        assert!(wanted.held_by(CodecConfiguration::Opus(opus::Configuration)).is_err());
    }

    #[rstest]
    #[case::all_modes(&[0x3F, 0xFF, 2, 53], Ok([0x22, 0x15, 2, 35]))]
    #[case::just_enough(&[0x22, 0x15, 10, 35], Ok([0x22, 0x15, 10, 35]))]
    #[case::too_small(&[0x3F, 0xFF, 2, 34], Err("bitpool 35 (offered: up to 34)"))]
    #[case::another_rate(&[0x1F, 0xFF, 2, 53], Err("44.1 kHz"))]
    fn what_is_wanted_whole_is_not_made_smaller(#[case] offered: &[u8], #[case] chosen: Result<[u8; 4], &str>) {
        let wanted = CodecConfiguration::parse(SBC, &[0x22, 0x15, 2, 35]).expect("SBC");
        let found = wanted.choose_whole(offered).expect("capabilities of SBC");
        let found = found.map(CodecConfiguration::octets);
        assert_eq!(found, chosen.map(|octets| octets.to_vec()).map_err(|lacks| vec![lacks.to_owned()]));
    }

    #[test]
    fn sbc_knows_its_type_rate_and_octets() {
        let configuration = CodecConfiguration::parse(0, &[0x21, 0x15, 2, 53]).expect("SBC at 44.1 kHz");
        assert_eq!((configuration.codec_type(), configuration.rate()), (0, 44_100));
        assert_eq!(configuration.octets(), [0x21, 0x15, 2, 53]);
    }
}
