//! What is reported of endpoints, streams and the signals about them.

use schemars::JsonSchema;
use serde::Serialize;

use super::report::Side;
use crate::{
    avdtp::{self, Capability, Message, category},
    codec::{self, Codec},
    media::MediaFacts,
};

/// A codec with its capabilities or its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CodecFacts {
    /// Which.
    pub codec: Codec,
    /// Its media codec type.
    pub codec_type: u8,
    /// Its octets in hexadecimal.
    pub octets: String,
    /// Its octets.
    #[serde(skip)]
    pub(super) raw: Vec<u8>,
    /// It in words.
    pub words: String,
    /// The sampling frequency in Hz, where exactly one is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
}

impl CodecFacts {
    pub(super) fn of(capabilities: &[Capability<'_>]) -> Option<Self> {
        let (codec_type, octets) = avdtp::codec_of(capabilities)?;
        Some(Self {
            codec: Codec::of(codec_type, octets),
            codec_type,
            octets: hex(octets),
            raw: octets.to_vec(),
            words: codec::words(codec_type, octets),
            rate: codec::rate(codec_type, octets),
        })
    }
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(" ")
}

/// What was refused, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refusal {
    /// The category that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<u8>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category_name: Option<&'static str>,
    /// The error code; 0 when the signal itself is not known there.
    pub code: u8,
    /// It in words.
    pub words: &'static str,
}

impl Refusal {
    pub(super) const fn new(category: Option<u8>, code: u8) -> Self {
        let category_name = match category {
            Some(category) => Some(avdtp::category_name(category)),
            None => None,
        };
        Self { category, category_name, code, words: avdtp::error(code) }
    }

    pub(super) const UNKNOWN_SIGNAL: Self =
        Self { category: None, category_name: None, code: 0, words: "the signal is not known there" };
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EndpointFacts {
    /// Whose.
    pub of: Side,
    /// Its number.
    pub seid: u8,
    /// It plays; otherwise it sends.
    pub sink: bool,
    /// It is for audio.
    pub audio: bool,
    /// A stream had it when it was listed.
    pub in_use: bool,
    /// Its codec; none when nobody asked for its capabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec: Option<CodecFacts>,
    /// It can report its delay.
    pub delay_reporting: bool,
    /// Its kinds of content protection in hexadecimal.
    pub content_protection: Vec<String>,
}

impl EndpointFacts {
    /// Fills in what an answer says of it.
    pub(super) fn take(&mut self, capabilities: &[Capability<'_>]) {
        self.codec = CodecFacts::of(capabilities);
        self.delay_reporting = capabilities.iter().any(|one| one.category == category::DELAY_REPORTING);
        self.content_protection = protection(capabilities);
    }
}

/// The kinds of content protection, which stand with their low byte first.
pub(super) fn protection(capabilities: &[Capability<'_>]) -> Vec<String> {
    let of = |one: &Capability<'_>| match (one.category, one.value) {
        (category::CONTENT_PROTECTION, [low, high, ..]) => Some(format!("{high:02x}{low:02x}")),
        _ => None,
    };
    capabilities.iter().filter_map(of).collect()
}

/// A stream that was configured, or should have been; by default one of which nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Stream {
    /// When it was asked for; none when it was there before the capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configured_ns: Option<i64>,
    /// Who chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen_by: Option<Side>,
    /// The endpoint of the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_seid: Option<u8>,
    /// The endpoint of the peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_seid: Option<u8>,
    /// The codec that was chosen; the last one, when it was configured anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec: Option<CodecFacts>,
    /// Delay reporting was chosen.
    pub delay_reporting: bool,
    /// Content protection that was chosen, in hexadecimal.
    pub content_protection: Vec<String>,
    /// When the configuration was agreed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_ns: Option<i64>,
    /// Why it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// When it was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_ns: Option<i64>,
    /// The longest media packet that the peer takes, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu_to_peer: Option<u16>,
    /// The longest media packet that the host takes, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu_to_host: Option<u16>,
    /// Delays that a side reported.
    pub delays: Vec<DelayFacts>,
    /// Each start.
    pub starts: Vec<Start>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<StreamEnd>,
}

/// A delay that a side reported.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct DelayFacts {
    /// When.
    pub at_ns: i64,
    /// Whose.
    pub of: Side,
    /// In ms.
    pub delay_ms: f64,
}

/// One start of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Start {
    /// When; none when media came without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ns: Option<i64>,
    /// Who started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Side>,
    /// When it was agreed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_ns: Option<i64>,
    /// Why it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// Who sent media.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_from: Option<Side>,
    /// The media.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaFacts>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<StreamEnd>,
}

/// The end of a stream or of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StreamEnd {
    /// When.
    pub at_ns: i64,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Side>,
    /// By what.
    pub how: EndedBy,
}

/// What ends a stream or a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EndedBy {
    /// SUSPEND.
    Suspend,
    /// CLOSE.
    Close,
    /// ABORT.
    Abort,
    /// The end of its channel.
    Channel,
    /// The end of the link.
    Link,
}

/// Question or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MessageKind {
    /// A question.
    Command,
    /// The signal is not known there.
    GeneralReject,
    /// Yes.
    Accept,
    /// No.
    Reject,
}

impl From<Message> for MessageKind {
    fn from(message: Message) -> Self {
        match message {
            Message::Command => Self::Command,
            Message::GeneralReject => Self::GeneralReject,
            Message::Accept => Self::Accept,
            Message::Reject => Self::Reject,
        }
    }
}

/// A signal of AVDTP.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SignalFacts {
    /// When its last part was there.
    pub at_ns: i64,
    /// Whose.
    pub by: Side,
    /// Ties questions and answers.
    pub label: u8,
    /// Question or answer.
    pub message: MessageKind,
    /// Its name.
    pub signal: &'static str,
    /// Its number.
    pub id: u8,
    /// Endpoints it names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seids: Vec<u8>,
    /// The codec that it carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec: Option<CodecFacts>,
    /// A delay that it carries, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<f64>,
    /// What it refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}
