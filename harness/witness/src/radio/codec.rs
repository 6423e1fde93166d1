//! Everything that tells the codec of a stream, side by side.

use std::fmt;

use rigtone_bluetooth::{
    codec::Codec,
    media::MediaFacts,
    sbc,
    timeline::{Start, Stream},
};
use rigtone_model::{
    document,
    observation::{Observation, Quantity, Value},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Step, Traffic};

/// Bytes of the header that begins a media packet (RFC 3550).
const RTP_HEADER: f64 = 12.0;
/// Fingerprints of the codecs of HFP.
const TELEPHONE: [&str; 2] = ["cvsd", "msbc"];

/// What the stack says was agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// What was asked for.
    pub requested: document::Codec,
    /// The codec.
    pub codec: document::Codec,
    /// Its configuration as on the air; empty where nobody tells.
    pub configuration: Vec<u8>,
}

/// Who says which codec it is. What is absent says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tellers {
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested: Option<String>,
    /// What the stack says was agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// What was configured on the air.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub air: Option<String>,
    /// What media packets look like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<String>,
    /// What kind of sound was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
}

impl fmt::Display for Tellers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tellers = [
            ("asked for", &self.requested),
            ("BlueZ says", &self.stack),
            ("configured on the air", &self.air),
            ("frames look like", &self.frames),
            ("sound like", &self.sound),
        ];
        let told = tellers.into_iter().filter_map(|(who, what)| Some(format!("{who} {}", what.as_ref()?)));
        f.write_str(&told.collect::<Vec<_>>().join(", "))
    }
}

/// A codec in the words of documents, where they have one.
pub(super) fn word(codec: Codec) -> String {
    match codec {
        Codec::Sbc => "sbc",
        Codec::Aac => "aac",
        Codec::Aptx => "aptx",
        Codec::AptxLowLatency => "aptx-ll",
        Codec::AptxHd => "aptx-hd",
        Codec::Ldac => "ldac",
        Codec::Opus => "opus",
        other => other.name(),
    }
    .to_owned()
}

impl Traffic {
    /// The stream that was agreed on last in a step, or before it.
    fn stream<'a>(&'a self, step: &'a Step) -> Option<&'a Stream> {
        let agreed = |stream: &&Stream| stream.accepted_ns.is_some_and(|at| self.rig_ns(at) <= step.to_ns);
        self.links(step).flat_map(|link| &link.streams).filter(agreed).last()
    }

    /// The start of a stream in a step.
    fn start<'a>(&'a self, step: &'a Step) -> Option<&'a Start> {
        let starts = self.links(step).flat_map(|link| &link.streams).flat_map(|stream| &stream.starts);
        starts.filter(|start| start.at_ns.is_some_and(|at| self.is_within(step, at))).last()
    }

    /// What tells the codec in a step, the sound apart.
    pub fn tellers(&self, step: &Step, before: &[Step], heard: &[Observation]) -> Tellers {
        let of_before =
            || before.iter().rev().filter(|other| other.peer == step.peer).find_map(|other| other.agreed.as_ref());
        let agreed = step.agreed.as_ref().or_else(of_before);
        let stream = self.stream(step).and_then(|stream| stream.codec.as_ref());
        let frames = self.start(step).and_then(|start| start.media.as_ref()).and_then(|media| media.seen_as.codec);
        Tellers {
            requested: agreed.map(|agreed| agreed.requested.as_str().to_owned()),
            stack: agreed.map(|agreed| agreed.codec.as_str().to_owned()),
            air: stream.map(|codec| word(codec.codec)),
            frames: frames.map(word),
            sound: sound(step, heard),
        }
    }

    /// What is observed of the codec in a step.
    pub(super) fn codecs(&self, step: &Step, before: &[Step], heard: &[Observation]) -> Vec<(Quantity, Value)> {
        let mut observed = Vec::new();
        let tellers = self.tellers(step, before, heard);
        // A contradiction between packets that are there stands, whatever is missing beside them; that all is well needs all of them.
        let doubt = self.damage();
        let known = |agrees: bool| match &doubt {
            Some(reason) if agrees => Value::Inconclusive { reason: reason.clone() },
            _ => Value::Truth(agrees),
        };
        match step.action {
            "connect" | "wait-for" => {
                let Some(stream) = self.stream(step).and_then(|stream| stream.codec.as_ref()) else { return observed };
                observed.push((Quantity::AirCodec, Value::Word(word(stream.codec))));
                if let Some(agreed) = &step.agreed {
                    let same = agreed.codec.as_str() == word(stream.codec);
                    let octets = hex(&agreed.configuration);
                    let agrees = same && (agreed.configuration.is_empty() || octets == stream.octets);
                    observed.push((Quantity::CodecAgreement, known(agrees)));
                }
            }
            "play" | "listen" => {
                let Some(media) = self.start(step).and_then(|start| start.media.as_ref()) else { return observed };
                if let Some(codec) = tellers.frames {
                    observed.push((Quantity::FrameCodec, Value::Word(codec)));
                }
                // The sound of a telephone call is that of no codec of A2DP.
                let telephone = tellers.sound.is_some_and(|sound| TELEPHONE.contains(&&*sound));
                let agrees = if telephone { Some(false) } else { media.seen_as.as_agreed };
                if let Some(agrees) = agrees {
                    observed.push((Quantity::CodecAgreement, known(agrees)));
                }
                let configured = self.stream(step).and_then(|stream| stream.codec.as_ref());
                if let Some(value) = sent_bit_rate(media, configured.map(|codec| &*codec.octets)) {
                    let value = doubt.map_or(value, |reason| Value::Inconclusive { reason });
                    observed.push((Quantity::SentBitRate, value));
                }
            }
            _ => {}
        }
        observed
    }
}

/// The bit rate of packets that were sent. Frames of SBC say it themselves, by their largest bitpool; of other codecs their bytes are
/// counted, and one packet at either end is what is not known.
fn sent_bit_rate(media: &MediaFacts, configured: Option<&str>) -> Option<Value> {
    let number = |bps: f64, uncertainty: f64| Value::Number {
        value: bps / 1e3,
        unit: "kbit/s".to_owned(),
        uncertainty: uncertainty / 1e3,
    };
    if let Some(frames) = media.sbc {
        let format = sbc::Configuration::parse(&octets(configured?)?).ok()?.frame();
        let known = frames.other_formats == 0 && media.cut == 0;
        return known.then(|| number(sbc::Frame { bitpool: frames.bitpool_max, ..format }.bit_rate(), 0.0));
    }
    let header = if media.seen_as.codec?.has_rtp() { RTP_HEADER } else { 0.0 };
    let lasted_s = (media.last_ns - media.first_ns) as f64 / 1e9;
    let bytes = media.bytes_per_s? - header * media.packets_per_s?;
    (lasted_s > 0.0).then(|| number(8.0 * bytes, 8.0 * f64::from(media.longest) / lasted_s))
}

/// Octets that are written in hexadecimal.
fn octets(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let pair = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if rest.is_empty() { pairs.iter().map(pair).collect() } else { None }
}

/// What the sound of a step was like, where that was told.
fn sound(step: &Step, heard: &[Observation]) -> Option<String> {
    let of = |o: &&Observation| o.of == step.label && o.quantity == Quantity::Fingerprint;
    match &heard.iter().find(of)?.value {
        Value::Word(word) => Some(word.clone()),
        _ => None,
    }
}

/// Octets as reports write them.
fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(" ")
}
