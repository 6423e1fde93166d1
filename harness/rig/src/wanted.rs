//! What a wish for a connection stands for, in the octets of its codec.

use rigtone_bluetooth::{
    aac, aptx,
    codec::{self, CodecConfiguration},
    ldac, opus,
    sbc::{self, Frequency},
};
use rigtone_model::document::{Allocation, ChannelMode, Codec, Profile, WantedConfiguration};

use crate::capability::{Link, Wish};

/// The rate in Hz that is asked for when nobody says which.
const USUAL_HZ: u32 = 48_000;

impl Wish {
    /// The one configuration that it stands for: what it names, and else the best quality that is usual. None where no codec of A2DP
    /// can be so, or none is sent.
    pub fn configuration(&self) -> Option<CodecConfiguration> {
        if self.profile != Profile::A2dp {
            return None;
        }
        let wanted = self.configured.unwrap_or_default();
        if wanted.misfit(self.codec).is_some() {
            return None;
        }
        let hz = wanted.rate_hz.unwrap_or(USUAL_HZ);
        let aptx = |variant| CodecConfiguration::Aptx(aptx::Configuration { variant, hz });
        Some(match self.codec {
            Codec::Sbc => CodecConfiguration::Sbc(sbc(wanted, hz)?),
            Codec::Aac => CodecConfiguration::Aac(aac::Configuration::high_quality(hz)),
            Codec::Aptx => aptx(aptx::Variant::Classic),
            Codec::AptxHd => aptx(aptx::Variant::Hd),
            Codec::Opus => CodecConfiguration::Opus(opus::Configuration),
            Codec::Ldac => {
                let mode = match wanted.mode {
                    Some(ChannelMode::Mono) => ldac::Mode::Mono,
                    Some(ChannelMode::DualChannel) => ldac::Mode::DualChannel,
                    _ => ldac::Mode::Stereo,
                };
                CodecConfiguration::Ldac(ldac::Configuration { hz, mode })
            }
            Codec::AptxLl | Codec::Cvsd | Codec::Msbc => return None,
        })
    }

    /// Whether `link` is what was wished for, the whole configuration included; none when no configuration was asked for, or nobody
    /// tells what was agreed on. Else what differs, in words.
    pub fn held_by(&self, link: &Link) -> Option<Result<(), String>> {
        self.configured?;
        let wanted = self.configuration()?;
        if link.configuration.is_empty() {
            return None;
        }
        Some(match CodecConfiguration::parse(wanted.codec_type(), &link.configuration) {
            Ok(agreed) => wanted.held_by(agreed),
            Err(e) => Err(format!("{} was agreed on: {e}", link.codec)),
        })
    }
}

impl Link {
    /// The highest bit rate that what was agreed on allows, in bit/s; nothing where it does not say one, or nobody tells it.
    pub fn highest_bit_rate(&self) -> Option<f64> {
        let codec_type = match self.codec {
            Codec::Sbc => codec::SBC,
            Codec::Aac => codec::AAC,
            _ => codec::VENDOR,
        };
        codec::highest_bit_rate(codec_type, &self.configuration)
    }
}

/// What a configuration of SBC asks for. The range of bitpools begins at the smallest, because sinks expect it there.
fn sbc(wanted: WantedConfiguration, hz: u32) -> Option<sbc::Configuration> {
    fn of<T: Copy>(all: &[T], is: impl Fn(&T) -> bool) -> Option<T> {
        all.iter().copied().find(is)
    }
    let usual = sbc::Configuration::high_quality(of(Frequency::ALL, |frequency| frequency.hz() == hz)?);
    Some(sbc::Configuration {
        mode: match wanted.mode {
            None | Some(ChannelMode::JointStereo) => sbc::ChannelMode::JointStereo,
            Some(ChannelMode::Stereo) => sbc::ChannelMode::Stereo,
            Some(ChannelMode::DualChannel) => sbc::ChannelMode::DualChannel,
            Some(ChannelMode::Mono) => sbc::ChannelMode::Mono,
        },
        blocks: match wanted.blocks {
            Some(count) => of(sbc::Blocks::ALL, |blocks| blocks.count() == u32::from(count))?,
            None => usual.blocks,
        },
        subbands: match wanted.subbands {
            Some(count) => of(sbc::Subbands::ALL, |subbands| subbands.count() == u32::from(count))?,
            None => usual.subbands,
        },
        allocation: match wanted.allocation {
            None | Some(Allocation::Loudness) => sbc::Allocation::Loudness,
            Some(Allocation::Snr) => sbc::Allocation::Snr,
        },
        max_bitpool: wanted.bitpool.unwrap_or(usual.max_bitpool),
        ..usual
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rigtone_model::{document::Role, dongle};
    use rstest::rstest;

    fn wish(codec: Codec, configured: Option<WantedConfiguration>) -> Wish {
        Wish { profile: Profile::A2dp, codec, configured }
    }

    fn stereo_35() -> WantedConfiguration {
        WantedConfiguration {
            rate_hz: Some(44_100),
            mode: Some(ChannelMode::Stereo),
            bitpool: Some(35),
            ..WantedConfiguration::default()
        }
    }

    // Octets by the tables of A2DP, section 4.3.2.
    #[rstest]
    #[case::usual(Codec::Sbc, None, &[0x11, 0x15, 2, 53])]
    #[case::stereo(Codec::Sbc, Some(stereo_35()), &[0x22, 0x15, 2, 35])]
    #[case::all_of_it(
        Codec::Sbc,
        Some(WantedConfiguration {
            rate_hz: Some(16_000),
            mode: Some(ChannelMode::Mono),
            bitpool: Some(31),
            blocks: Some(4),
            subbands: Some(4),
            allocation: Some(Allocation::Snr),
        }),
        &[0x88, 0x8A, 2, 31],
    )]
    #[case::ldac(
        Codec::Ldac,
        Some(WantedConfiguration { rate_hz: Some(96_000), mode: Some(ChannelMode::Mono), ..WantedConfiguration::default() }),
        &[0x2D, 1, 0, 0, 0xAA, 0, 4, 4],
    )]
    #[case::aptx(
        Codec::Aptx,
        Some(WantedConfiguration { rate_hz: Some(44_100), ..WantedConfiguration::default() }),
        &[0x4F, 0, 0, 0, 1, 0, 0x22],
    )]
    fn a_wish_is_one_configuration(
        #[case] codec: Codec,
        #[case] configured: Option<WantedConfiguration>,
        #[case] octets: &[u8],
    ) {
        assert_eq!(wish(codec, configured).configuration().map(CodecConfiguration::octets).as_deref(), Some(octets));
    }

    #[test]
    fn a_source_sends_the_codecs_that_plans_count_on() {
        for codec in Codec::ALL {
            let counted_on = dongle::codecs(Role::A2dpSource).contains(codec);
            assert_eq!(wish(*codec, None).configuration().is_some(), counted_on, "{codec}");
        }
    }

    #[test]
    fn what_cannot_be_is_no_configuration() {
        assert_eq!(wish(Codec::Aac, Some(stereo_35())).configuration(), None);
        assert_eq!(wish(Codec::Msbc, None).configuration(), None);
        assert_eq!(Wish { profile: Profile::Hfp, ..wish(Codec::Sbc, None) }.configuration(), None);
    }

    #[rstest]
    #[case::as_asked(&[0x22, 0x15, 10, 35], Some(true))]
    #[case::another_bitpool(&[0x22, 0x15, 2, 32], Some(false))]
    #[case::another_codec(&[0x4F, 0, 0, 0, 1, 0, 0x22], Some(false))]
    #[case::nobody_tells(&[], None)]
    fn a_link_is_held_against_all_of_it(#[case] octets: &[u8], #[case] held: Option<bool>) {
        let link = Link {
            codec: Codec::Sbc,
            configuration: octets.to_vec(),
            rate_hz: 44_100,
            reported_delay_ns: None,
            changes: vec![],
        };
        assert_eq!(wish(Codec::Sbc, Some(stereo_35())).held_by(&link).map(|held| held.is_ok()), held);
        assert_eq!(wish(Codec::Sbc, None).held_by(&link), None);
    }
}
