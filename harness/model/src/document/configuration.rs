//! How a codec is to be configured, beyond which one it is.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::{Allocation, ChannelMode, Codec};
use crate::quantity::{Frequency, Param, Whole};

/// A bitpool of SBC.
pub type Bitpool = Whole<2, 250>;
/// Blocks in a frame of SBC.
pub type Blocks = Whole<4, 16, 4>;
/// Subbands of SBC.
pub type Subbands = Whole<4, 8, 4>;

/// The configuration that a connection has to have: what is named is offered and nothing else, what is left out is as usual.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct Configuration {
    /// The sampling frequency; default `48 kHz`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Param<Frequency>>,
    /// The channel mode, with SBC and LDAC; default `joint-stereo` with SBC, `stereo` with LDAC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Param<ChannelMode>>,
    /// The bitpool that is sent, with SBC: 2 to 250, or `$axis`; default up to 53, as both ends take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bitpool: Option<Param<Bitpool>>,
    /// Blocks in a frame, with SBC: 4, 8, 12 or 16, or `$axis`; default 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Param<Blocks>>,
    /// Subbands, with SBC: 4 or 8, or `$axis`; default 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subbands: Option<Param<Subbands>>,
    /// How bits are given to subbands, with SBC; default `loudness`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocation: Option<Param<Allocation>>,
}

/// A configuration as one combination asks for it. What is absent is as usual.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct WantedConfiguration {
    /// The sampling frequency in Hz.
    pub rate_hz: Option<u32>,
    /// The channel mode.
    pub mode: Option<ChannelMode>,
    /// The bitpool.
    pub bitpool: Option<u8>,
    /// Blocks in a frame.
    pub blocks: Option<u8>,
    /// Subbands.
    pub subbands: Option<u8>,
    /// How bits are given to subbands.
    pub allocation: Option<Allocation>,
}

/// What of a configuration no codec can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The key of [`Configuration`].
    pub key: &'static str,
    /// What is wrong with it.
    pub what: String,
    /// What to write.
    pub advice: String,
}

/// Sampling frequencies in Hz that the codec can be configured to.
const fn rates(codec: Codec) -> &'static [u32] {
    match codec {
        Codec::Sbc => &[16_000, 32_000, 44_100, 48_000],
        Codec::Ldac => &[44_100, 48_000, 88_200, 96_000],
        Codec::Aac | Codec::Aptx | Codec::AptxHd | Codec::AptxLl => &[44_100, 48_000],
        Codec::Opus => &[48_000],
        Codec::Cvsd | Codec::Msbc => &[],
    }
}

const fn modes(codec: Codec) -> &'static [ChannelMode] {
    match codec {
        Codec::Sbc => ChannelMode::ALL,
        Codec::Ldac => &[ChannelMode::Mono, ChannelMode::DualChannel, ChannelMode::Stereo],
        _ => &[],
    }
}

/// The largest bitpool of a mode (A2DP, section 4.3.2.6; SBC, section 12.5.2 of its appendix B).
pub const fn largest_bitpool(mode: ChannelMode, subbands: u8) -> u8 {
    match mode {
        ChannelMode::Mono | ChannelMode::DualChannel => subbands.saturating_mul(16),
        ChannelMode::Stereo | ChannelMode::JointStereo if subbands < 8 => 128,
        ChannelMode::Stereo | ChannelMode::JointStereo => 250,
    }
}

fn listed(values: impl Iterator<Item = String>) -> String {
    values.map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
}

fn khz(hz: u32) -> String {
    format!("{} kHz", f64::from(hz) / 1000.0)
}

impl WantedConfiguration {
    /// What of it the codec cannot be.
    pub fn misfit(&self, codec: Codec) -> Option<Misfit> {
        if let Some(hz) = self.rate_hz
            && !rates(codec).contains(&hz)
        {
            let known = listed(rates(codec).iter().copied().map(khz));
            let advice = if known.is_empty() {
                format!("leave it out: {codec} is no codec of A2DP")
            } else {
                format!("write one of {known}")
            };
            return Some(Misfit { key: "rate", what: format!("{codec} has no rate of {}", khz(hz)), advice });
        }
        if let Some(mode) = self.mode
            && !modes(codec).contains(&mode)
        {
            let known = listed(modes(codec).iter().map(ToString::to_string));
            let (what, advice) = if known.is_empty() {
                (format!("{codec} has one mode only"), "leave it out".to_owned())
            } else {
                (format!("{codec} has no mode `{mode}`"), format!("write one of {known}"))
            };
            return Some(Misfit { key: "mode", what, advice });
        }
        if codec != Codec::Sbc {
            let of_sbc = [
                ("bitpool", self.bitpool.is_some()),
                ("blocks", self.blocks.is_some()),
                ("subbands", self.subbands.is_some()),
                ("allocation", self.allocation.is_some()),
            ];
            let key = of_sbc.into_iter().find_map(|(key, there)| there.then_some(key))?;
            let what = format!("only sbc has a `{key}`, and {codec} is asked for");
            return Some(Misfit { key, what, advice: "leave it out".to_owned() });
        }
        let (mode, subbands) = (self.mode.unwrap_or(ChannelMode::JointStereo), self.subbands.unwrap_or(8));
        let most = largest_bitpool(mode, subbands);
        let bitpool = self.bitpool.filter(|bitpool| *bitpool > most)?;
        let what = format!("a bitpool of {bitpool} is too large for `{mode}` with {subbands} subbands");
        Some(Misfit { key: "bitpool", what, advice: format!("write a number from 2 to {most}") })
    }
}

impl WantedConfiguration {
    /// Whether it asks for nothing but what is usual with the codec.
    pub fn is_usual(&self, codec: Codec) -> bool {
        let mode = if codec == Codec::Sbc { ChannelMode::JointStereo } else { ChannelMode::Stereo };
        self.rate_hz.is_none_or(|hz| hz == 48_000)
            && self.mode.is_none_or(|wanted| wanted == mode)
            && self.bitpool.is_none_or(|bitpool| bitpool == 53)
            && self.blocks.is_none_or(|blocks| blocks == 16)
            && self.subbands.is_none_or(|subbands| subbands == 8)
            && self.allocation.is_none_or(|allocation| allocation == Allocation::Loudness)
    }
}

impl fmt::Display for WantedConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.rate_hz.map(khz),
            self.mode.map(|mode| mode.to_string()),
            self.blocks.map(|blocks| format!("{blocks} blocks")),
            self.subbands.map(|subbands| format!("{subbands} subbands")),
            self.allocation.map(|allocation| allocation.to_string()),
            self.bitpool.map(|bitpool| format!("bitpool {bitpool}")),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn sbc(mode: ChannelMode, subbands: u8, bitpool: u8) -> WantedConfiguration {
        WantedConfiguration {
            mode: Some(mode),
            subbands: Some(subbands),
            bitpool: Some(bitpool),
            ..WantedConfiguration::default()
        }
    }

    // The table of the specification: 16 times the subbands for channels by themselves, 32 times for both together, never above 250.
    #[rstest]
    #[case(ChannelMode::Mono, 4, 64)]
    #[case(ChannelMode::DualChannel, 8, 128)]
    #[case(ChannelMode::Stereo, 4, 128)]
    #[case(ChannelMode::JointStereo, 8, 250)]
    fn a_bitpool_is_as_large_as_its_mode_allows(#[case] mode: ChannelMode, #[case] subbands: u8, #[case] most: u8) {
        assert_eq!(sbc(mode, subbands, most).misfit(Codec::Sbc), None);
        if most < 250 {
            let misfit = sbc(mode, subbands, most + 1).misfit(Codec::Sbc).expect("too large");
            assert_eq!((misfit.key, misfit.advice), ("bitpool", format!("write a number from 2 to {most}")));
        }
    }

    #[rstest]
    #[case(Codec::Aac, WantedConfiguration { rate_hz: Some(44_100), ..WantedConfiguration::default() }, None)]
    #[case(Codec::Ldac, WantedConfiguration { rate_hz: Some(96_000), mode: Some(ChannelMode::Mono), ..WantedConfiguration::default() }, None)]
    #[case(Codec::Ldac, WantedConfiguration { mode: Some(ChannelMode::JointStereo), ..WantedConfiguration::default() }, Some("mode"))]
    #[case(Codec::Sbc, WantedConfiguration { rate_hz: Some(96_000), ..WantedConfiguration::default() }, Some("rate"))]
    #[case(Codec::Opus, WantedConfiguration { rate_hz: Some(44_100), ..WantedConfiguration::default() }, Some("rate"))]
    #[case(Codec::Aptx, WantedConfiguration { mode: Some(ChannelMode::Stereo), ..WantedConfiguration::default() }, Some("mode"))]
    #[case(Codec::Aptx, WantedConfiguration { blocks: Some(16), ..WantedConfiguration::default() }, Some("blocks"))]
    #[case(Codec::Msbc, WantedConfiguration { rate_hz: Some(16_000), ..WantedConfiguration::default() }, Some("rate"))]
    fn what_a_codec_cannot_be_is_named(
        #[case] codec: Codec,
        #[case] wanted: WantedConfiguration,
        #[case] key: Option<&str>,
    ) {
        assert_eq!(wanted.misfit(codec).map(|misfit| misfit.key), key);
    }

    #[test]
    fn it_is_said_in_few_words() {
        let wanted = WantedConfiguration { rate_hz: Some(44_100), ..sbc(ChannelMode::DualChannel, 4, 31) };
        assert_eq!(wanted.to_string(), "44.1 kHz, dual-channel, 4 subbands, bitpool 31");
    }
}
