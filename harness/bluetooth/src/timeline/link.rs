//! What is reported of a link.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    report::Side,
    stream::{EndpointFacts, SignalFacts, Stream},
};
use crate::hci::Address;

/// A link, or a call that led to none.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Link {
    /// The controller.
    pub adapter: u16,
    /// Its handle; none when the call failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<u16>,
    /// The address of the device; none when the link was there before the capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The name by which the device calls itself: anybody's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Low Energy: such links are listed and not looked into.
    pub low_energy: bool,
    /// Who called; none when the link was there before the capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called_by: Option<Side>,
    /// When the call, or what is seen of it, began.
    pub from_ns: i64,
    /// How it ended; none when the capture ends before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<LinkEnd>,
    /// What took time, in the order of its beginning.
    pub phases: Vec<Phase>,
    /// Services that were looked for.
    pub services: Vec<ServiceSearch>,
    /// Endpoints that a side listed.
    pub endpoints: Vec<EndpointFacts>,
    /// Streams that were configured, or should have been.
    pub streams: Vec<Stream>,
    /// Packets on channels whose opening is not in the capture: they could not be read.
    pub unread: u64,
    /// Other things that happened.
    pub moments: Vec<Moment>,
    /// Every signal of AVDTP.
    pub signals: Vec<SignalFacts>,
    /// What stands out.
    pub findings: Vec<Finding>,
}

/// The end of a link or of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LinkEnd {
    /// When.
    pub at_ns: i64,
    /// Who ended it, as far as that is known: by an order of the host, else by the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Side>,
    /// The reason as the controller gave it; none when the controller itself went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<u8>,
    /// It in words.
    pub words: &'static str,
}

/// The kinds of phases, in their usual order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseKind {
    /// From the start of the search that found the device to its first answer.
    Inquiry,
    /// The call, until the link is there.
    Page,
    /// Proving who is there, pairing included.
    Authentication,
    /// Turning encryption on.
    Encryption,
    /// Looking for services.
    Sdp,
    /// The channel for the signals of AVDTP.
    Signalling,
    /// Which endpoints there are.
    Discover,
    /// What the endpoints can do, from the first question to the last answer.
    Capabilities,
    /// Agreeing on a configuration.
    Configuration,
    /// Opening the stream.
    Open,
    /// The channel for media.
    MediaChannel,
    /// From START to its answer.
    Start,
    /// From START to the first media packet.
    FirstMedia,
    /// From the first media packet to the last.
    Media,
    /// From SUSPEND to its answer.
    Suspend,
    /// From CLOSE to its answer.
    Close,
    /// From ABORT to its answer.
    Abort,
    /// The end of the link.
    Disconnect,
}

impl PhaseKind {
    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Inquiry => "inquiry",
            Self::Page => "page",
            Self::Authentication => "authentication",
            Self::Encryption => "encryption",
            Self::Sdp => "SDP",
            Self::Signalling => "signalling",
            Self::Discover => "discover",
            Self::Capabilities => "capabilities",
            Self::Configuration => "configuration",
            Self::Open => "open",
            Self::MediaChannel => "media channel",
            Self::Start => "start",
            Self::FirstMedia => "first media",
            Self::Media => "media",
            Self::Suspend => "suspend",
            Self::Close => "close",
            Self::Abort => "abort",
            Self::Disconnect => "disconnect",
        }
    }
}

/// How a phase ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Outcome {
    /// As asked.
    Done,
    /// With a no.
    Refused {
        /// The code.
        code: u16,
        /// It in words.
        words: &'static str,
    },
    /// There was no answer until its channel was closed or something else was asked.
    Unanswered,
    /// The link ended before an answer.
    LinkEnded,
    /// The capture ends before an answer.
    CaptureEnded,
}

/// What made a phase long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Delay {
    /// The link rested between intervals.
    Sniff {
        /// The interval in ns.
        interval_ns: i64,
        /// How much of the phase, in ns.
        lasting_ns: i64,
        /// It was left within the phase.
        left: bool,
    },
    /// The same was asked again before an answer, or calls before this one failed.
    Retries {
        /// How often.
        count: u32,
    },
    /// Nothing went over the link.
    Silence {
        /// Whose turn it was.
        of: Side,
        /// From when, in ns since the first record.
        from_ns: i64,
        /// For how long, in ns.
        lasting_ns: i64,
    },
    /// The peer asked to wait before it opened a channel.
    Pending {
        /// For how long, in ns.
        lasting_ns: i64,
    },
    /// The host's user or agent had to agree to the pairing.
    Confirmation {
        /// For how long, in ns.
        lasting_ns: i64,
    },
}

/// Something that took time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Phase {
    /// What.
    pub kind: PhaseKind,
    /// Who began it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Side>,
    /// When it began.
    pub from_ns: i64,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_ns: Option<i64>,
    /// How it ended.
    pub outcome: Outcome,
    /// More about it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What made it long.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delays: Vec<Delay>,
}

/// A question for services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ServiceSearch {
    /// When.
    pub at_ns: i64,
    /// Who asked.
    pub by: Side,
    /// For which: four digits and a name.
    pub services: Vec<String>,
    /// When the answer was whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_ns: Option<i64>,
    /// Records that were found.
    pub records: u32,
    /// The code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<u16>,
    /// The service classes of the records: four digits and a name.
    pub classes: Vec<String>,
    /// Profiles and their versions.
    pub profiles: Vec<String>,
}

/// Something that happened at an instant.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Moment {
    /// When.
    pub at_ns: i64,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// What may happen.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[expect(missing_docs, reason = "fields say what they are")]
pub enum Happening {
    /// The link rests between intervals, or not any more.
    Mode { mode: &'static str, interval_ns: i64 },
    /// The host's controller is central or peripheral now.
    Role { host_is: &'static str },
    /// The controller asked for the stored key.
    LinkKey { known: bool },
    /// There is a new key.
    NewLinkKey { key_type: &'static str },
    /// A PIN is needed.
    PinRequested,
    /// Pairing ended.
    Pairing { status: u8, words: &'static str },
    /// Authentication ended.
    Authentication { status: u8, words: &'static str },
    /// Encryption changed.
    Encryption { on: bool, status: u8 },
    /// A channel was opened.
    ChannelOpened { psm: u16, service: &'static str, by: Side },
    /// A channel was refused.
    ChannelRefused { psm: u16, service: &'static str, by: Side, code: u16, words: &'static str },
    /// A channel was closed.
    ChannelClosed { psm: u16, service: &'static str, by: Side },
    /// Voice was set up, or failed to be.
    Voice { status: u8, words: &'static str },
    /// Voice ended.
    VoiceEnded { reason: u8, words: &'static str },
    /// Features of hands-free, as bits.
    HandsFreeFeatures { by: Side, features: u32 },
    /// Codecs of voice that are offered, chosen or agreed to.
    HandsFreeCodec { by: Side, said: &'static str, codecs: Vec<&'static str> },
    /// An indicator of the gateway.
    HandsFreeIndicator { by: Side, number: u8, value: u8 },
    /// Volume that is ordered, taken or reported, 0 to 127.
    Volume { by: Side, said: &'static str, value: u8 },
    /// An order about volume was refused.
    VolumeRefused { by: Side },
    /// What a player does.
    Playback { by: Side, status: &'static str, changed: bool },
    /// A key of the remote control.
    Key { by: Side, key: &'static str, pressed: bool },
}

/// The classes of what stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The device did not answer the call.
    PageTimeout,
    /// The call failed otherwise.
    CallFailed,
    /// Pairing was refused.
    PairingRefused,
    /// One side has lost the bond.
    BondLost,
    /// The link ended during authentication.
    LostWhilePairing,
    /// Authentication took longer than the host waits.
    AuthenticationCalledOff,
    /// A service that was looked for is not there.
    ServiceMissing,
    /// The channel for audio was refused, or there are no endpoints.
    NoAudio,
    /// Capabilities were seen, and nobody configured anything.
    NeverConfigured,
    /// A configuration was refused.
    ConfigurationRejected,
    /// A stream was opened and never started.
    NeverStarted,
    /// START was refused or never answered.
    StartFailed,
    /// Started, and no media packet.
    NoMedia,
    /// The first media packet had to wait for the end of sniff mode.
    SlowBySniff,
    /// More than 100 ms between media packets.
    Stall,
    /// Media packets that the peer sent did not arrive.
    MediaLost,
    /// Media packets do not look like what was agreed on.
    OtherCodec,
    /// Voice was set up while a stream was there.
    SwitchedToVoice,
    /// The link was lost.
    LinkLost,
    /// The peer ended the link while a stream was running.
    LeftWhileStreaming,
    /// The controller went.
    ControllerGone,
}

/// Something that stands out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// When.
    pub at_ns: i64,
    /// What class.
    pub class: Class,
    /// In words.
    pub words: String,
}
