//! Voice: how a device shows that it reacts, and how simulated assistants and hands-free units behave.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    nature::{Copied, Howl},
    words::Codec,
};
use crate::quantity::{Duration, EventRate, Level, Loudness, Share};

/// How a device shows that it has understood that it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reaction {
    /// A recording of the sound that it makes then: a WAV file of 16 bits, 50 ms to 5 s, without other sounds in it; relative to the folder of
    /// the device's document.
    #[schemars(length(min = 1), extend("examples" = ["start-of-request.wav"]))]
    pub sound: String,
}

impl Reaction {
    /// Lets a relative path begin at the folder of the device's document.
    pub fn beside(&mut self, folder: &Path) {
        self.sound = folder.join(&self.sound).to_string_lossy().into_owned();
    }
}

/// What is known of the level of a loudspeaker of the rig, at the present gain of its amplifier.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LoudspeakerLevel {
    /// The sound pressure level at one metre of a sound whose RMS level is 0 dB relative to full scale: what a sound level meter shows there,
    /// less the RMS level of the sound that plays.
    pub at_one_metre: Loudness,
    /// Its standard uncertainty.
    pub uncertainty: Level,
}

/// How a simulated assistant behaves. It plays the chime of `devices/rigtone` when it reacts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SimulatedAssistant {
    /// How likely it recognises what is said to it while nothing else sounds; default `100 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recognition: Option<Share>,
    /// What of that is left while something else sounds; all of it when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deafened: Option<Deafened>,
    /// How often it wakes though nobody spoke; never when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub false_wakes: Option<FalseWakes>,
    /// From the end of what is said to its reaction; default `400 ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reacts_after: Option<Duration>,
    /// What it answers; nothing when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
}

/// How recognition falls with the level of what plays at the place of the assistant: 1 / (1 + exp((level - half) / slope)).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Deafened {
    /// The level at its place at which half of the recognition is left.
    pub half: Loudness,
    /// How gently it falls; default `2 dB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slope: Option<Level>,
}

/// Wakes that nobody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FalseWakes {
    /// How often, while something plays.
    pub rate: EventRate,
    /// The level at its place from which on that wakes it; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Loudness>,
}

/// What an assistant answers to a prompt that it understood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Answers {
    /// The prompts that it answers, by their names in its device's document.
    #[schemars(length(min = 1))]
    pub to: Vec<String>,
    /// Where the answer sounds; default `itself`.
    #[serde(default)]
    pub on: AnswersOn,
    /// From its reaction to the answer; default `6 s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Duration>,
}

/// Where an answer sounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnswersOn {
    /// On its own driver.
    #[default]
    Itself,
    /// On the speaker that it is linked to.
    LinkedSpeaker,
}

/// How a simulated unit behaves as a hands-free unit. It is one only if its roles name `hfp-unit`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SimulatedHandsFree {
    /// The codec that it agrees on; default `msbc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<VoiceCodec>,
    /// From its microphone to the gateway; default `120 ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uplink: Option<Duration>,
    /// From the gateway to its sound; default `120 ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downlink: Option<Duration>,
    /// While the link is there, its music is heard a second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied: Option<Copied>,
    /// While the link is there, feedback builds up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub howl: Option<Howl>,
}

/// A codec of hands-free links.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VoiceCodec {
    /// Wide band: up to 7 kHz.
    #[default]
    Msbc,
    /// Narrow band: up to 3.4 kHz.
    Cvsd,
}

impl VoiceCodec {
    /// The same among all codecs.
    pub const fn codec(self) -> Codec {
        match self {
            Self::Msbc => Codec::Msbc,
            Self::Cvsd => Codec::Cvsd,
        }
    }
}
