//! What Rigtone can be on a dongle.

use crate::document::{Codec, Role};

/// The codecs of which it can be that end of a stream. Nothing that could be used decodes LDAC; of the codecs of voice, and of aptX
/// Low Latency, it has neither end.
pub const fn codecs(role: Role) -> &'static [Codec] {
    match role {
        Role::A2dpSource => &[Codec::Sbc, Codec::Aac, Codec::Aptx, Codec::AptxHd, Codec::Opus, Codec::Ldac],
        Role::A2dpSink => &[Codec::Sbc, Codec::Aac, Codec::Aptx, Codec::AptxHd, Codec::Opus],
        Role::HfpGateway | Role::HfpUnit => &[],
    }
}

/// The same, in words.
pub fn codecs_in_words(role: Role) -> String {
    codecs(role).iter().map(|codec| codec.as_str()).collect::<Vec<_>>().join(", ")
}
