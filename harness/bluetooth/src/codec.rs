//! A codec with everything that both ends of a stream must agree on.

use thiserror::Error;

use crate::sbc;

mod named;

pub use named::{Codec, rate, words};

/// What an A2DP stream was, or should be, configured to. Other codecs become variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodecConfiguration {
    /// SBC.
    Sbc(sbc::Configuration),
}

/// Why bytes are no configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigurationError {
    /// A codec that this build does not know.
    #[error("media codec type {0:#04x} is not known")]
    UnknownCodec(u8),
    /// Of a known codec, and wrong.
    #[error(transparent)]
    Sbc(#[from] sbc::SbcError),
}

/// The media codec type of SBC (assigned numbers, A2DP).
pub const SBC: u8 = 0x00;

impl CodecConfiguration {
    /// Reads the configuration of a codec.
    ///
    /// # Errors
    /// When the codec is unknown or the octets choose nothing it knows.
    pub fn parse(codec_type: u8, octets: &[u8]) -> Result<Self, ConfigurationError> {
        match codec_type {
            SBC => Ok(Self::Sbc(sbc::Configuration::parse(octets)?)),
            other => Err(ConfigurationError::UnknownCodec(other)),
        }
    }

    /// The media codec type; `0xff` stands for all vendor codecs.
    pub const fn codec_type(self) -> u8 {
        match self {
            Self::Sbc(_) => SBC,
        }
    }

    /// The codec specific information, as on the air.
    pub fn octets(self) -> Vec<u8> {
        match self {
            Self::Sbc(configuration) => configuration.octets().to_vec(),
        }
    }

    /// Sampling frequency in Hz.
    pub const fn rate(self) -> u32 {
        match self {
            Self::Sbc(configuration) => configuration.frequency.hz(),
        }
    }

    /// What the other end's capabilities lack for this configuration, in words; empty when it can be configured.
    ///
    /// # Errors
    /// When the octets are no capabilities of this codec.
    pub fn lacking(self, capabilities: &[u8]) -> Result<Vec<String>, ConfigurationError> {
        match self {
            Self::Sbc(configuration) => Ok(sbc::Capabilities::parse(capabilities)?.lacks(configuration)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_codec_is_an_error_and_names_its_type() {
        let error = CodecConfiguration::parse(0xFF, &[0x4F, 0, 0, 0, 1, 0, 0x12]).expect_err("aptX is not known");
        assert_eq!(error.to_string(), "media codec type 0xff is not known");
    }

    #[test]
    fn sbc_knows_its_type_rate_and_octets() {
        let configuration = CodecConfiguration::parse(0, &[0x21, 0x15, 2, 53]).expect("SBC at 44.1 kHz");
        assert_eq!((configuration.codec_type(), configuration.rate()), (0, 44_100));
        assert_eq!(configuration.octets(), [0x21, 0x15, 2, 53]);
    }
}
