//! What an endpoint offers to the other end, and what it chooses of what that has.

use rigtone_bluetooth::{
    aac, aptx,
    codec::{AAC, CodecConfiguration, SBC, VENDOR},
    opus,
    sbc::{self, Frequency},
};
use rigtone_model::document::Codec;

/// What one endpoint offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) codec_type: u8,
    pub(super) capabilities: Vec<u8>,
    /// What is chosen when we choose: the first that the other end has.
    choices: Vec<CodecConfiguration>,
    /// Whether the other end must take the whole of it, the bitpool too.
    whole: bool,
}

impl Offer {
    /// This configuration and no other, the `whole` of it or what the other end has of it.
    pub(super) fn only(configuration: CodecConfiguration, whole: bool) -> Self {
        let (codec_type, capabilities) = (configuration.codec_type(), configuration.octets());
        Self { codec_type, capabilities, choices: vec![configuration], whole }
    }

    /// All that a sink can receive of a codec, the better first; none where it cannot.
    pub(super) fn to_receive(codec: Codec) -> Option<Self> {
        const RATES: [u32; 2] = [48_000, 44_100];
        let both = |of: &dyn Fn(u32) -> CodecConfiguration| {
            let choices: Vec<CodecConfiguration> = RATES.into_iter().map(of).collect();
            // Each choice has one bit for each field, so what has any of them is all of them.
            let capabilities = choices
                .iter()
                .map(|choice| choice.octets())
                .reduce(|all, one| all.into_iter().zip(one).map(|(a, b)| a | b).collect());
            (capabilities.unwrap_or_default(), choices)
        };
        let aptx = |variant| both(&move |hz| CodecConfiguration::Aptx(aptx::Configuration { variant, hz }));
        let (codec_type, (capabilities, choices)) = match codec {
            Codec::Sbc => {
                let rates = [Frequency::Hz48000, Frequency::Hz44100];
                let choices = rates.map(|rate| CodecConfiguration::Sbc(sbc::Configuration::high_quality(rate)));
                // Every field of SBC that there is, with the bitpools that are usual.
                (SBC, (vec![0xFF, 0xFF, sbc::SMALLEST_BITPOOL, 53], choices.to_vec()))
            }
            Codec::Aac => (AAC, both(&|hz| CodecConfiguration::Aac(aac::Configuration::high_quality(hz)))),
            Codec::Aptx => (VENDOR, aptx(aptx::Variant::Classic)),
            Codec::AptxHd => (VENDOR, aptx(aptx::Variant::Hd)),
            Codec::Opus => {
                let only = CodecConfiguration::Opus(opus::Configuration);
                (VENDOR, (only.octets(), vec![only]))
            }
            _ => return None,
        };
        Some(Self { codec_type, capabilities, choices, whole: false })
    }

    /// What is chosen from the capabilities of the other end, or why nothing can be.
    pub(super) fn choose(&self, capabilities: &[u8]) -> Result<CodecConfiguration, String> {
        let mut refusal = None;
        for choice in &self.choices {
            let chosen = if self.whole { choice.choose_whole(capabilities) } else { choice.choose(capabilities) };
            let why = match chosen {
                Ok(Ok(chosen)) => return Ok(chosen),
                Ok(Err(lacking)) => {
                    format!("the device offers {capabilities:02x?}, which lacks {}", lacking.join(", "))
                }
                Err(e) => format!("the device offers {capabilities:02x?}: {e}"),
            };
            refusal.get_or_insert(why);
        }
        Err(refusal.unwrap_or_else(|| "nothing is offered".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rigtone_model::{document::Role, dongle};
    use rstest::rstest;

    #[rstest]
    #[case(Codec::Sbc, 0, &[0xFF, 0xFF, 2, 53])]
    #[case(Codec::Aac, 2, &[0x80, 0x01, 0x84, 0x03, 0xE8, 0x00])]
    #[case(Codec::Aptx, 0xFF, &[0x4F, 0, 0, 0, 1, 0, 0x32])]
    #[case(Codec::AptxHd, 0xFF, &[0xD7, 0, 0, 0, 0x24, 0, 0x32, 0, 0, 0, 0])]
    #[case(Codec::Opus, 0xFF, &[0xE0, 0, 0, 0, 1, 0, 0x92])]
    fn a_sink_offers_all_that_it_decodes(#[case] codec: Codec, #[case] codec_type: u8, #[case] capabilities: &[u8]) {
        let offer = Offer::to_receive(codec).expect("a codec that is decoded");
        assert_eq!((offer.codec_type, &offer.capabilities[..]), (codec_type, capabilities));
        // Whatever a source may choose of it is understood, and each of our choices lies within.
        for choice in &offer.choices {
            assert_eq!(choice.choose(capabilities), Ok(Ok(*choice)));
        }
    }

    #[test]
    fn a_sink_offers_the_codecs_that_plans_count_on() {
        for codec in Codec::ALL {
            let counted_on = dongle::codecs(Role::A2dpSink).contains(codec);
            assert_eq!(Offer::to_receive(*codec).is_some(), counted_on, "{codec}");
        }
    }

    #[rstest]
    #[case::better_first(&[0xFF, 0xFF, 2, 250], Ok([0x11, 0x15, 2, 53]))]
    #[case::what_there_is(&[0x2F, 0xFF, 2, 35], Ok([0x21, 0x15, 2, 35]))]
    #[case::neither(&[0xCF, 0xFF, 2, 53], Err("lacks 48 kHz"))]
    #[case::nonsense(&[1], Err("4 octets"))]
    fn we_choose_what_the_source_has(#[case] source: &[u8], #[case] chosen: Result<[u8; 4], &str>) {
        let found = Offer::to_receive(Codec::Sbc).expect("SBC").choose(source);
        match (found, chosen) {
            (Ok(found), Ok(chosen)) => assert_eq!(found.octets(), chosen),
            (Err(found), Err(said)) => assert!(found.contains(said), "{found}"),
            (found, _) => panic!("{found:?}"),
        }
    }

    #[rstest]
    #[case::what_there_is(false, Ok([0x11, 0x15, 2, 35]))]
    #[case::all_of_it(true, Err("lacks"))]
    fn the_whole_is_more_than_what_there_is(#[case] whole: bool, #[case] chosen: Result<[u8; 4], &str>) {
        let wanted = CodecConfiguration::Sbc(sbc::Configuration::high_quality(Frequency::Hz48000));
        match (Offer::only(wanted, whole).choose(&[0xFF, 0xFF, 2, 35]), chosen) {
            (Ok(found), Ok(chosen)) => assert_eq!(found.octets(), chosen),
            (Err(found), Err(said)) => assert!(found.contains(said), "{found}"),
            (found, _) => panic!("{found:?}"),
        }
    }
}
