//! Observations: facts recorded in a trial, never changed afterwards.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

macro_rules! quantities {
    ($($(#[doc = $doc:literal])* $variant:ident = $word:literal),+ $(,)?) => {
        /// What was observed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Quantity {
            $($(#[doc = $doc])* #[serde(rename = $word)] $variant,)+
            /// What a newer version of Rigtone recorded.
            #[serde(other)]
            Unknown,
        }

        impl Quantity {
            /// All that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As events write it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Unknown => "unknown",
                }
            }
        }
    };
}

quantities! {
    /// Whether the stimulus was heard.
    Presence = "presence",
    /// First arrival of the sound less its emission.
    Latency = "latency",
    /// The codec that was agreed on.
    Codec = "codec",
    /// The codec that was asked for.
    RequestedCodec = "requested-codec",
    /// How long a step took.
    Duration = "duration",
    /// How many attempts a step needed.
    Attempts = "attempts",
    /// Level of the recorded stimulus.
    Level = "level",
    /// Signal-to-noise ratio in the band of the markers.
    Snr = "snr",
    /// The delay that the sink reports over AVDTP.
    ReportedDelay = "reported-delay",
    /// How many holes the sound had.
    Dropouts = "dropouts",
    /// The longest of them.
    LongestDropout = "longest-dropout",
    /// How often the sound jumped: skips, stalls and repeats.
    Skips = "skips",
    /// How many clicks and bursts were heard beside the sound.
    Clicks = "clicks",
    /// How often the level changed and stayed.
    LevelChanges = "level-changes",
    /// Highest over lowest level.
    LevelRange = "level-range",
    /// What was missing at the start of the sound.
    StartUpLoss = "start-up-loss",
    /// How the clocks of player and microphone run apart.
    Drift = "drift",
    /// Level of the silence before the stimulus.
    NoiseFloor = "noise-floor",
    /// The same, A-weighted.
    AWeightedNoise = "a-weighted-noise",
    /// Level of mains hum in that silence.
    Hum = "hum",
    /// A-weighted level of the stimulus's noise.
    AWeightedLevel = "a-weighted-level",
    /// A-weighted sound pressure level of the stimulus's noise.
    SoundPressure = "sound-pressure",
    /// Total harmonic distortion and noise of a tone at 1 kHz.
    ThdN = "thd-n",
    /// The response at a frequency, relative to that at 1 kHz.
    Response = "response",
    /// Where the response ends below: 3 dB down.
    LowerCorner = "lower-corner",
    /// Where the response ends above: 3 dB down.
    UpperCorner = "upper-corner",
    /// Up to where the sound is whole.
    Bandwidth = "bandwidth",
    /// What the bandwidth says about the codec.
    Fingerprint = "fingerprint",
    /// Whether the sound comes as sent or turned over.
    Polarity = "polarity",
    /// How the channels of the stream are played.
    Channels = "channels",
    /// Whether the sound is heard more than once.
    Doubled = "doubled",
    /// Whether feedback howls.
    Howling = "howling",
    /// Whether something between source and recording moves the gain.
    GainControl = "gain-control",
    /// From the start of the search to the answer, on the air.
    InquiryTime = "inquiry-time",
    /// From the call to the link.
    PageTime = "page-time",
    /// How long it took to prove who is there, pairing included.
    AuthenticationTime = "authentication-time",
    /// From the first question for services to the last answer.
    SdpTime = "sdp-time",
    /// From the channel for signals to the agreed configuration.
    NegotiationTime = "negotiation-time",
    /// From the end of authentication to the open stream.
    SetUpTime = "set-up-time",
    /// From the start of the search to the end of the pairing.
    ColdStartTime = "cold-start-time",
    /// From START to the first media packet.
    FirstMediaTime = "first-media-time",
    /// The codec that was configured on the air.
    AirCodec = "air-codec",
    /// The codec that media packets look like.
    FrameCodec = "frame-codec",
    /// Whether everything that tells the codec tells the same.
    CodecAgreement = "codec-agreement",
    /// Media packets that a sink received.
    Packets = "packets",
    /// Media packets that are missing by their numbers.
    LostPackets = "lost-packets",
    /// The mean time from one media packet to the next.
    PacketInterval = "packet-interval",
    /// The configuration that was asked for beyond the codec.
    RequestedConfiguration = "requested-configuration",
    /// The configuration that was agreed on.
    Configuration = "configuration",
    /// Whether what was agreed on is what was asked for, the whole of it.
    ConfigurationAgreement = "configuration-agreement",
    /// How many packets of a stream left.
    SentPackets = "sent-packets",
    /// What they held.
    SentBytes = "sent-bytes",
    /// How much later than the frame clock 99 of 100 packets left at most.
    PacketLateness = "packet-lateness",
    /// How much later the latest one left.
    WorstPacketLateness = "worst-packet-lateness",
    /// Standard deviation of how late they left.
    PacketJitter = "packet-jitter",
    /// The share of packets for which the link was full when they were due.
    BlockedPackets = "blocked-packets",
    /// The share of packets that the link did not take in time.
    DroppedPackets = "dropped-packets",
    /// The volume that was set at the sounding unit.
    Volume = "volume",
    /// The service classes that a unit's records state, in four hexadecimal digits each, in order.
    ServiceClasses = "service-classes",
    /// The highest bit rate that what was agreed on allows.
    BitRate = "bit-rate",
    /// The bit rate of the stream on the air, without the headers of its packets.
    SentBitRate = "sent-bit-rate",
    /// When a unit reacted, from when it began to be spoken to, or to be watched.
    Reaction = "reaction",
    /// How often it reacted in the time that it was listened to.
    Reactions = "reactions",
    /// From the microphone of a hands-free unit to its gateway and back to its sound.
    RoundTrip = "round-trip",
}

/// The value of an observation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// A number with its unit and its uncertainty in the same unit.
    Number {
        /// The value.
        value: f64,
        /// The unit, such as `ms`.
        unit: String,
        /// Half the width of the interval in which the true value lies.
        uncertainty: f64,
    },
    /// It lies beyond what could be seen: only a bound is known.
    Range {
        /// It is not below this; no bound when left out.
        low: Option<f64>,
        /// It is not above this; no bound when left out.
        high: Option<f64>,
        /// The unit, such as `Hz`.
        unit: String,
    },
    /// Yes or no.
    Truth(bool),
    /// A word, such as a codec.
    Word(String),
    /// The recording does not carry the answer.
    Inconclusive {
        /// Why not.
        reason: String,
    },
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { value, unit, uncertainty } if *uncertainty > 0.0 => {
                write!(f, "{value:.3} {unit} ± {uncertainty:.3} {unit}")
            }
            Self::Number { value, unit, .. } => write!(f, "{value:.3} {unit}"),
            Self::Range { low: Some(low), high: Some(high), unit } => write!(f, "{low:.3} to {high:.3} {unit}"),
            Self::Range { low: Some(low), high: None, unit } => write!(f, "at least {low:.3} {unit}"),
            Self::Range { low: None, high: Some(high), unit } => write!(f, "at most {high:.3} {unit}"),
            Self::Range { low: None, high: None, .. } => f.write_str("unknown"),
            Self::Truth(true) => f.write_str("yes"),
            Self::Truth(false) => f.write_str("no"),
            Self::Word(word) => f.write_str(word),
            Self::Inconclusive { reason } => write!(f, "inconclusive: {reason}"),
        }
    }
}

/// How a derived observation was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// The method's name.
    pub name: String,
    /// Its version: another one may give another value for the same evidence.
    pub version: u32,
}

/// A fact recorded in a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The label of the step it belongs to.
    pub of: String,
    /// What was observed.
    pub quantity: Quantity,
    /// The axis of the microphone that heard it, where a step names its microphones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The frequency that it is about, in Hz, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hz: Option<f64>,
    /// Its value.
    pub value: Value,
    /// How it was derived; absent for what was read directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// SHA-256 of the evidence it was derived from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The figures on which it rests, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quality: BTreeMap<String, f64>,
}

impl Observation {
    /// What was read directly, without a method between.
    pub fn raw(of: &str, quantity: Quantity, value: Value) -> Self {
        let (of, at) = (of.to_owned(), None);
        Self { of, quantity, at, at_hz: None, value, method: None, evidence: None, quality: BTreeMap::new() }
    }
}
