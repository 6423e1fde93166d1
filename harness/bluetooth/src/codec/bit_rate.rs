//! How many bits a second a configuration allows.

use super::{AAC, Codec, SBC, rate};
use crate::sbc;

/// The highest bit rate that a configuration allows, in bit/s; nothing where it does not say one.
///
/// SBC with its largest bitpool (A2DP, 12.9); AAC as both ends agreed on, where they did (A2DP, 4.5.2.4); the codecs of the aptX family
/// have one rate, 4 or 6 bits for each sample of two channels. Configurations of others do not limit it.
pub fn highest_bit_rate(codec_type: u8, octets: &[u8]) -> Option<f64> {
    match (codec_type, Codec::of(codec_type, octets)) {
        (SBC, _) => Some(sbc::Configuration::parse(octets).ok()?.frame().bit_rate()),
        (AAC, Codec::Aac) => {
            let &[.., high, middle, low] = octets else { return None };
            // The highest bit says whether it varies; what is left is its peak then.
            let bps = u32::from_be_bytes([0, high & 0x7F, middle, low]);
            (bps > 0).then(|| f64::from(bps))
        }
        (_, Codec::Aptx | Codec::AptxLowLatency) => Some(f64::from(rate(codec_type, octets)?) * 8.0),
        (_, Codec::AptxHd) => Some(f64::from(rate(codec_type, octets)?) * 12.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    // A2DP, table 4.7: 328 kbit/s at 44.1 kHz with bitpool 53, 345 kbit/s at 48 kHz with bitpool 51, 193 kbit/s in mono with 31.
    #[rstest]
    #[case::sbc_44100(0, &[0x21, 0x15, 2, 53], Some(328.0))]
    #[case::sbc_48000(0, &[0x11, 0x15, 2, 51], Some(345.0))]
    #[case::sbc_mono(0, &[0x28, 0x15, 2, 31], Some(193.0))]
    #[case::sbc_of_nothing(0, &[0x11], None)]
    #[case::aac_at_most(2, &[0x80, 0x00, 0x84, 0x83, 0xE8, 0x00], Some(256.0))]
    #[case::aac_constant(2, &[0x80, 0x00, 0x84, 0x03, 0xE8, 0x00], Some(256.0))]
    #[case::aac_that_says_none(2, &[0x80, 0x00, 0x84, 0x80, 0, 0], None)]
    // 352 kbit/s and 576 kbit/s are what their vendor names for 44.1 and 48 kHz.
    #[case::aptx(0xFF, &[0x4F, 0, 0, 0, 1, 0, 0x22], Some(352.8))]
    #[case::aptx_ll(0xFF, &[0x0A, 0, 0, 0, 2, 0, 0x22, 0], Some(352.8))]
    #[case::aptx_hd(0xFF, &[0xD7, 0, 0, 0, 0x24, 0, 0x12, 0, 0, 0, 0], Some(576.0))]
    #[case::ldac_adapts(0xFF, &[0x2D, 1, 0, 0, 0xAA, 0, 0x10, 1], None)]
    fn a_configuration_says_how_many_bits_there_are_at_most(
        #[case] codec_type: u8,
        #[case] octets: &[u8],
        #[case] kbit_s: Option<f64>,
    ) {
        let found = highest_bit_rate(codec_type, octets).map(|bps| bps / 1e3);
        assert_eq!(found.is_some(), kbit_s.is_some(), "{found:?}");
        if let (Some(found), Some(due)) = (found, kbit_s) {
            assert!((found - due).abs() < 0.5, "{found}");
        }
    }

    proptest! {
        #[test]
        fn no_octets_make_it_panic(codec_type in any::<u8>(), octets in prop::collection::vec(any::<u8>(), 0..12)) {
            let _ = highest_bit_rate(codec_type, &octets);
        }
    }
}
