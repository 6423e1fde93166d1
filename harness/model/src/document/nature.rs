//! How a simulated unit behaves. What is left out is ideal.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    voice::{SimulatedAssistant, SimulatedHandsFree},
    words::{Codec, Layout, Role},
};
use crate::quantity::{Drift, Duration, Frequency, Level, Share};

/// How a simulated unit behaves. What is left out is ideal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SimulatedUnit {
    /// How likely it answers an inquiry at all; default `100 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery: Option<Share>,
    /// How it listens for inquiries; when left out, it answers after 0.3 to 3 s, whatever the search does meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inquiry_scan: Option<InquiryScan>,
    /// How likely one pairing attempt succeeds; default `100 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairing: Option<Share>,
    /// The same for the first attempt of a trial, the second and so on, where they depend on each other; the last one stands for all
    /// that follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairing_by_attempt: Vec<Share>,
    /// How long a pairing takes; default `1.8 s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairing_takes: Option<Duration>,
    /// How long it takes to connect a profile: service search, capabilities, configuration; default `350 ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connecting_takes: Option<Duration>,
    /// The roles its service records state, where they differ from its device's. Without that of a source it refuses to be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<Role>>,
    /// The codecs it really offers, where they differ from what its firmware claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codecs: Option<Vec<Codec>>,
    /// The highest bitpool of SBC that it takes; default 53.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 250))]
    pub bitpool: Option<u8>,
    /// Codecs whose configuration it refuses, though it offers them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refuses: Vec<Codec>,
    /// Settings that it takes and does not follow. Else `source-mode: off` keeps it from sending anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignores: Vec<String>,
    /// The codec whose frames it sends as a source, whatever was agreed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends: Option<Codec>,
    /// Latency for each codec. Of a sink: `180 ms` for one that is not named. Of a source: what it adds, nothing for one that is not named.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub latency: IndexMap<Codec, Duration>,
    /// Standard deviation of the latency from one connection to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Duration>,
    /// Deviation of its sample clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// `true`: as a sink it accepts the stream and stays silent; as a source it links and sends nothing.
    #[serde(default)]
    pub silent: bool,
    /// Contents of it, as a source, of which nothing is heard over a link.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent_contents: Vec<String>,
    /// What it makes, as a source, of a second link beside one that it has; both live beside each other when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_link: Option<SecondLink>,
    /// `true`: sources cannot set its volume.
    #[serde(default)]
    pub fixed_volume: bool,
    /// The level at one metre, relative to full scale; default `-20 dB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// What its sound is like beyond that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<SimulatedSound>,
    /// Where its response falls off below; default `60 Hz`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_pass: Option<Frequency>,
    /// The same for a codec with which it falls off elsewhere.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub high_pass_with: IndexMap<Codec, Frequency>,
    /// Its supply fails this long after a stream started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fails_after: Option<Duration>,
    /// It drops the link this long after a stream started, and stays on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drops_link_after: Option<Duration>,
    /// It freezes this long after a stream started: the link stays, streams are accepted, and nothing sounds until its
    /// supply is cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freezes_after: Option<Duration>,
    /// It switches itself off after so long without sound; a button or its supply switches it on again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switches_off_after: Option<Duration>,
    /// It drops its links after so long without sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disconnects_after: Option<Duration>,
    /// From power on until it answers, where that differs from its device's document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Duration>,
    /// How long its battery lasts when its supply is cut; when left out, its battery was taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery: Option<Duration>,
    /// `true`: it refuses a second link while it has one, and as a source makes none.
    #[serde(default)]
    pub one_link: bool,
    /// What its pairing gesture does when it is in pairing mode already; default `momentary`.
    #[serde(default)]
    pub pairing_button: PairingButton,
    /// `true`: when the other side forgets the bond it keeps its own half, and refuses to pair or connect until it has
    /// really lost power.
    #[serde(default)]
    pub stale_cache: bool,
    /// The firmware it really runs, where that is not the one it is named by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub runs: Option<String>,
    /// From when on it does, on the rig's clock: it was updated over the air; from the beginning when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_from: Option<Duration>,
    /// `true`: nobody gets to know which firmware it runs.
    #[serde(default)]
    pub hides_firmware: bool,
    /// How it hears and reacts as an assistant; always, when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assistant: Option<SimulatedAssistant>,
    /// How it is as a hands-free unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hands_free: Option<SimulatedHandsFree>,
}

/// What a source makes of a second link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SecondLink {
    /// What plays over the first one has a hole while the second one is made.
    Disturbs,
    /// From then on nothing is heard over the first one.
    TakesOver,
}

/// How a unit listens for inquiries (Bluetooth Core Specification, volume 2, part B, section 8.4): now and then, at one of 32
/// frequencies. Whoever searches sends at 16 of them for 2.56 s, at the other 16 for the next 2.56 s, and so on; each search
/// begins with the same half, and the unit's frequency is in either half with the same probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct InquiryScan {
    /// From one time that it listens to the next; `1.28 s` and `2.56 s` are usual.
    pub every: Duration,
    /// `true`: right after the one frequency it listens at its counterpart of the other half, so that it hears either.
    #[serde(default)]
    pub interlaced: bool,
    /// How likely it hears a search that sends at its frequency, each time it listens; default `100 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hears: Option<Share>,
}

impl InquiryScan {
    /// As often may it listen: all the time, one window after the other.
    pub const SHORTEST: Duration = Duration::from_ns(11_250_000);
    /// As seldom.
    pub const LONGEST: Duration = Duration::from_ns(2_560_000_000);
}

/// What a pairing gesture does in pairing mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PairingButton {
    /// Nothing more.
    #[default]
    Momentary,
    /// It leaves pairing mode.
    Toggle,
}

/// What the sound of a simulated unit is like. What is left out is ideal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SimulatedSound {
    /// It is muted now and then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holes: Option<Every>,
    /// It leaves stretches out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skips: Option<Every>,
    /// It stops and goes on where it had stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalls: Option<Every>,
    /// It clicks, once in this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clicks_every: Option<Duration>,
    /// So much of the start of every sound is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_late: Option<Duration>,
    /// How it plays the channels of the stream; default `mono`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Layout>,
    /// `true`: its drivers are wired the wrong way round.
    #[serde(default)]
    pub inverted: bool,
    /// Its sound is heard a second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied: Option<Copied>,
    /// Feedback builds up while it plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub howl: Option<Howl>,
    /// Where its response falls off above; not at all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_pass: Option<Frequency>,
    /// Second harmonic of a full-scale tone; none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distortion: Option<Share>,
    /// The codec that its sound really went through, whatever was agreed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coded_as: Option<Codec>,
}

/// Something that happens again and again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Every {
    /// From one to the next; the first comes so long after the start.
    pub every: Duration,
    /// How long each is.
    #[serde(rename = "for")]
    pub lasting: Duration,
}

/// The sound once more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Copied {
    /// How much later.
    pub after: Duration,
    /// Its level relative to the first; default `0 dB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

/// A howl.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Howl {
    /// Its frequency.
    pub at: Frequency,
    /// When it begins, after the start of the sound.
    pub after: Duration,
    /// The level that it grows to at the microphone within half a second, relative to full scale.
    pub level: Level,
}
