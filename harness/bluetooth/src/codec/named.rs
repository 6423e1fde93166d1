//! Any codec by its name and its capabilities or configuration in words.
//!
//! Source: the codecs' specifications where they are public; for the others BlueZ `profiles/audio/a2dp-codecs.h`, PipeWire
//! `a2dp-codec-caps.h`, bluez-alsa `bluetooth-a2dp.h`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{cursor::Cursor, sbc};

/// The codecs that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "names of codecs")]
pub enum Codec {
    Sbc,
    Mpeg,
    Aac,
    Usac,
    Atrac,
    Aptx,
    AptxLowLatency,
    AptxHd,
    AptxTwsPlus,
    AptxAdaptive,
    FastStream,
    Ldac,
    Lhdc,
    Opus,
    Lc3plus,
    Samsung,
    /// A type or a vendor's codec that is not known.
    Other,
}

impl Codec {
    /// By the media codec type and the codec's octets.
    pub fn of(codec_type: u8, octets: &[u8]) -> Self {
        match codec_type {
            0x00 => Self::Sbc,
            0x01 => Self::Mpeg,
            0x02 => Self::Aac,
            0x03 => Self::Usac,
            0x04 => Self::Atrac,
            0xFF => {
                let mut cursor = Cursor::new(octets);
                match (cursor.le32(), cursor.le16()) {
                    (Some(0x0000_004F), Some(0x0001)) => Self::Aptx,
                    (Some(0x0000_000A | 0x0000_00D7), Some(0x0002)) => Self::AptxLowLatency,
                    (Some(0x0000_00D7), Some(0x0024)) => Self::AptxHd,
                    (Some(0x0000_00D7), Some(0x0025)) => Self::AptxTwsPlus,
                    (Some(0x0000_00D7), Some(0x00AD)) => Self::AptxAdaptive,
                    (Some(0x0000_000A), Some(0x0001)) => Self::FastStream,
                    (Some(0x0000_012D), Some(0x00AA)) => Self::Ldac,
                    (Some(0x0000_053A), Some(0x484C | 0x4C32 | 0x4C33 | 0x4C35 | 0x4C4C)) => Self::Lhdc,
                    (Some(0x0000_00E0), Some(0x0001)) | (Some(0x0000_05F1), Some(0x1005)) => Self::Opus,
                    (Some(0x0000_08A9), Some(0x0001)) => Self::Lc3plus,
                    (Some(0x0000_0075), Some(0x0102 | 0x0103)) => Self::Samsung,
                    _ => Self::Other,
                }
            }
            _ => Self::Other,
        }
    }

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sbc => "SBC",
            Self::Mpeg => "MPEG audio",
            Self::Aac => "AAC",
            Self::Usac => "USAC",
            Self::Atrac => "ATRAC",
            Self::Aptx => "aptX",
            Self::AptxLowLatency => "aptX LL",
            Self::AptxHd => "aptX HD",
            Self::AptxTwsPlus => "aptX TWS+",
            Self::AptxAdaptive => "aptX Adaptive",
            Self::FastStream => "FastStream",
            Self::Ldac => "LDAC",
            Self::Lhdc => "LHDC",
            Self::Opus => "Opus",
            Self::Lc3plus => "LC3plus",
            Self::Samsung => "Samsung",
            Self::Other => "unknown codec",
        }
    }

    /// Whether its media packets begin with an RTP header.
    pub const fn has_rtp(self) -> bool {
        !matches!(self, Self::Aptx | Self::AptxLowLatency | Self::FastStream)
    }
}

/// A bit of an octet, and what it stands for.
type Bits = &'static [(usize, u8, &'static str)];

const SBC: [Bits; 5] = [
    &[(0, 0x80, "16"), (0, 0x40, "32"), (0, 0x20, "44.1"), (0, 0x10, "48")],
    &[(0, 0x08, "mono"), (0, 0x04, "dual channel"), (0, 0x02, "stereo"), (0, 0x01, "joint stereo")],
    &[(1, 0x80, "4"), (1, 0x40, "8"), (1, 0x20, "12"), (1, 0x10, "16")],
    &[(1, 0x08, "4"), (1, 0x04, "8")],
    &[(1, 0x02, "SNR"), (1, 0x01, "loudness")],
];
const MPEG: [Bits; 3] = [
    &[(0, 0x80, "layer I"), (0, 0x40, "layer II"), (0, 0x20, "layer III")],
    &[(1, 0x20, "16"), (1, 0x10, "22.05"), (1, 0x08, "24"), (1, 0x04, "32"), (1, 0x02, "44.1"), (1, 0x01, "48")],
    &[(0, 0x08, "mono"), (0, 0x04, "dual channel"), (0, 0x02, "stereo"), (0, 0x01, "joint stereo")],
];
const AAC: [Bits; 3] = [
    &[
        (0, 0x80, "MPEG-2 LC"),
        (0, 0x40, "MPEG-4 LC"),
        (0, 0x20, "MPEG-4 LTP"),
        (0, 0x10, "MPEG-4 scalable"),
        (0, 0x08, "HE-AAC"),
        (0, 0x04, "HE-AAC v2"),
        (0, 0x02, "ELD v2"),
    ],
    &[
        (1, 0x80, "8"),
        (1, 0x40, "11.025"),
        (1, 0x20, "12"),
        (1, 0x10, "16"),
        (1, 0x08, "22.05"),
        (1, 0x04, "24"),
        (1, 0x02, "32"),
        (1, 0x01, "44.1"),
        (2, 0x80, "48"),
        (2, 0x40, "64"),
        (2, 0x20, "88.2"),
        (2, 0x10, "96"),
    ],
    &[(2, 0x08, "1"), (2, 0x04, "2"), (2, 0x02, "5.1"), (2, 0x01, "7.1")],
];
const APTX: [Bits; 2] = [
    &[(6, 0x80, "16"), (6, 0x40, "32"), (6, 0x20, "44.1"), (6, 0x10, "48")],
    &[(6, 0x01, "mono"), (6, 0x02, "stereo"), (6, 0x08, "TWS")],
];
const LDAC: [Bits; 2] = [
    &[(6, 0x20, "44.1"), (6, 0x10, "48"), (6, 0x08, "88.2"), (6, 0x04, "96"), (6, 0x02, "176.4"), (6, 0x01, "192")],
    &[(7, 0x04, "mono"), (7, 0x02, "dual channel"), (7, 0x01, "stereo")],
];
const OPUS: [Bits; 3] = [
    &[(6, 0x20, "16"), (6, 0x40, "24"), (6, 0x80, "48")],
    &[(6, 0x01, "mono"), (6, 0x02, "stereo"), (6, 0x04, "dual mono")],
    &[(6, 0x08, "10"), (6, 0x10, "20")],
];
const FAST_STREAM: [Bits; 1] = [&[(7, 0x02, "44.1"), (7, 0x01, "48")]];

/// What is set of some bits, in words; `none` where nothing is.
fn set(octets: &[u8], bits: Bits) -> String {
    let set: Vec<&str> = bits
        .iter()
        .filter(|(at, bit, _)| octets.get(*at).is_some_and(|o| o & bit != 0))
        .map(|(_, _, word)| *word)
        .collect();
    if set.is_empty() { "none".to_owned() } else { set.join("/") }
}

/// Capabilities or a configuration in words: what is offered stands separated by `/`.
pub fn words(codec_type: u8, octets: &[u8]) -> String {
    let codec = Codec::of(codec_type, octets);
    let of = |bits: Bits| set(octets, bits);
    match (codec, octets) {
        (Codec::Sbc, [_, _, min, max]) => {
            let [rate, mode, blocks, subbands, allocation] = SBC.map(of);
            format!("SBC {rate} kHz, {mode}, {blocks} blocks, {subbands} subbands, {allocation}, bitpool {min}-{max}")
        }
        (Codec::Mpeg, [first, _, high, _]) => {
            let [layer, rate, mode] = MPEG.map(of);
            let crc = if first & 0x10 == 0 { "" } else { ", CRC" };
            let variable = if high & 0x80 == 0 { "" } else { ", variable bit rate" };
            format!("MPEG {layer}, {rate} kHz, {mode}{crc}{variable}")
        }
        (Codec::Aac, [_, _, _, high, mid, low]) => {
            let [object, rate, channels] = AAC.map(of);
            let peak = u32::from_be_bytes([0, high & 0x7F, *mid, *low]);
            let variable = if high & 0x80 == 0 { "constant" } else { "variable" };
            let peak = if peak == 0 { "any".to_owned() } else { format!("{} kbit/s", f64::from(peak) / 1000.0) };
            format!("AAC {object}, {rate} kHz, {channels} channels, {variable} bit rate, peak {peak}")
        }
        (Codec::Aptx | Codec::AptxLowLatency | Codec::AptxHd, [_, _, _, _, _, _, _, ..]) => {
            let [rate, mode] = APTX.map(of);
            format!("{} {rate} kHz, {mode}", codec.name())
        }
        (Codec::Ldac, [_, _, _, _, _, _, _, _]) => {
            let [rate, mode] = LDAC.map(of);
            format!("LDAC {rate} kHz, {mode}")
        }
        (Codec::Opus, [0xE0, _, _, _, _, _, _]) => {
            let [rate, mode, frame] = OPUS.map(of);
            format!("Opus {rate} kHz, {mode}, frames of {frame} ms")
        }
        (Codec::FastStream, [_, _, _, _, _, _, _, _]) => {
            let [rate] = FAST_STREAM.map(of);
            format!("FastStream {rate} kHz")
        }
        (Codec::Other, [v0, v1, v2, v3, c0, c1, ..]) if codec_type == 0xFF => {
            let (vendor, codec) = (u32::from_le_bytes([*v0, *v1, *v2, *v3]), u16::from_le_bytes([*c0, *c1]));
            format!("codec {codec:04x} of vendor {vendor:08x}")
        }
        (Codec::Other, _) => format!("codec of type {codec_type:#04x}"),
        _ => codec.name().to_owned(),
    }
}

/// The sampling frequency of a configuration, in Hz, where exactly one is set.
pub fn rate(codec_type: u8, octets: &[u8]) -> Option<u32> {
    let bits = match Codec::of(codec_type, octets) {
        Codec::Sbc => return sbc::Configuration::parse(octets).ok().map(|configuration| configuration.frequency.hz()),
        Codec::Mpeg => MPEG[1],
        Codec::Aac => AAC[1],
        Codec::Aptx | Codec::AptxLowLatency | Codec::AptxHd => APTX[0],
        Codec::Ldac => LDAC[0],
        Codec::Opus => OPUS[0],
        Codec::FastStream => FAST_STREAM[0],
        _ => return None,
    };
    let mut set = bits.iter().filter(|(at, bit, _)| octets.get(*at).is_some_and(|octet| octet & bit != 0));
    match (set.next(), set.next()) {
        (Some((_, _, khz)), None) => khz.parse().ok().map(|khz: f64| (khz * 1000.0) as u32),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    // Vectors from captures of real devices.
    #[rstest]
    #[case(0, &[0x11, 0x15, 2, 0x35], "SBC 48 kHz, joint stereo, 16 blocks, 8 subbands, loudness, bitpool 2-53", Some(48_000))]
    #[case(
        0,
        &[0xFF, 0xFF, 2, 0x35],
        "SBC 16/32/44.1/48 kHz, mono/dual channel/stereo/joint stereo, 4/8/12/16 blocks, 4/8 subbands, SNR/loudness, bitpool 2-53",
        None,
    )]
    #[case(0xFF, &[0x4F, 0, 0, 0, 1, 0, 0xF2], "aptX 16/32/44.1/48 kHz, stereo", None)]
    #[case(0xFF, &[0x4F, 0, 0, 0, 1, 0, 0x12], "aptX 48 kHz, stereo", Some(48_000))]
    #[case(
        1,
        &[0x3F, 0x3F, 0xFF, 0xFE],
        "MPEG layer III, 16/22.05/24/32/44.1/48 kHz, mono/dual channel/stereo/joint stereo, CRC, variable bit rate",
        None,
    )]
    #[case(
        2,
        &[0x80, 0x01, 0x8C, 0x83, 0xE8, 0],
        "AAC MPEG-2 LC, 44.1/48 kHz, 1/2 channels, variable bit rate, peak 256 kbit/s",
        None,
    )]
    #[case(
        2,
        &[0x80, 0x01, 0x04, 0x03, 0xE8, 0],
        "AAC MPEG-2 LC, 44.1 kHz, 2 channels, constant bit rate, peak 256 kbit/s",
        Some(44_100),
    )]
    #[case(0xFF, &[0x2D, 1, 0, 0, 0xAA, 0, 0x3C, 7], "LDAC 44.1/48/88.2/96 kHz, mono/dual channel/stereo", None)]
    #[case(0xFF, &[0x2D, 1, 0, 0, 0xAA, 0, 4, 1], "LDAC 96 kHz, stereo", Some(96_000))]
    #[case(0xFF, &[0xD7, 0, 0, 0, 0x24, 0, 0x22, 0, 0, 0, 0], "aptX HD 44.1 kHz, stereo", Some(44_100))]
    #[case(0xFF, &[0xE0, 0, 0, 0, 1, 0, 0x92], "Opus 48 kHz, stereo, frames of 20 ms", Some(48_000))]
    #[case(0xFF, &[9, 0, 0, 0, 7, 0, 1], "codec 0007 of vendor 00000009", None)]
    #[case(7, &[1], "codec of type 0x07", None)]
    #[case(0, &[0x11, 0x15], "SBC", None)]
    fn codecs_are_named_and_explained(
        #[case] codec_type: u8,
        #[case] octets: &[u8],
        #[case] said: &str,
        #[case] hz: Option<u32>,
    ) {
        assert_eq!(words(codec_type, octets), said);
        assert_eq!(rate(codec_type, octets), hz);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(codec_type: u8, octets in prop::collection::vec(any::<u8>(), 0..30)) {
            let _ = (words(codec_type, &octets), rate(codec_type, &octets));
            let _ = (words(0xFF, &octets), rate(0xFF, &octets));
        }
    }
}
