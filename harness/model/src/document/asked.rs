//! What Rigtone cannot do itself and asks others for: a person at the terminal, a voice assistant, a phone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::voice::LoudspeakerLevel;
use crate::quantity::{Distance, Level};

/// What a person does who is told so at the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ByHand {
    /// Switches its supply: the plug, or its own switch.
    Power,
    /// Does the gesture `pairing-mode` of its device.
    PairingMode,
}

impl ByHand {
    /// As documents write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::PairingMode => "pairing-mode",
        }
    }
}

/// A loudspeaker of the rig, which speaks prompts to sources with `control: voice`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Loudspeaker {
    /// The room it stands in.
    pub room: String,
    /// The ALSA device that plays.
    pub alsa: Playback,
    /// The level of what it plays, relative to the recording: `0 dB` at the most, and when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// How loud it is. Without it a step cannot ask for the loudness of a prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<LoudspeakerLevel>,
}

/// An ALSA playback device, opened exactly as written, in 16 bits: exactly one of `device` and `usb`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Playback {
    /// The PCM, such as `hw:CARD=RIG1OUT,DEV=0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub device: Option<String>,
    /// The USB port that the sound card is plugged into. Which card that is is looked up whenever it is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[1-9][0-9]{0,2}-[1-9][0-9]{0,2}(\.[1-9][0-9]{0,2}){0,5}$"), extend("examples" = ["1-2.3"]))]
    pub usb: Option<String>,
    /// The PCM device of the card at `usb`; default `0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 31))]
    pub pcm: Option<u8>,
    /// The USB vendor and product of the card at `usb`, as `lsusb` shows them. Anything else is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-f]{4}:[0-9a-f]{4}$"), extend("examples" = ["0a12:0001"]))]
    pub usb_id: Option<String>,
    /// Frames a second.
    #[schemars(extend("enum" = [44100, 48000]))]
    pub rate: u32,
    /// Channels that the device takes; a prompt goes to all of them.
    #[schemars(range(min = 1, max = 8))]
    pub channels: u16,
}

/// From where prompts are spoken to a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SpokenTo {
    /// The loudspeaker.
    pub loudspeaker: String,
    /// From the loudspeaker to the source.
    pub distance: Distance,
}

/// Something that is said to a device: `text` to be spoken by a synthesiser, or a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SpokenPrompt {
    /// The words. `{speaker}` stands for the name that the other device has on the air, `{signal}` for the stimulus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500), extend("examples" = ["Alexa, connect to {speaker}"]))]
    pub text: Option<String>,
    /// A recording of the words, a WAV file; relative to the folder in which Rigtone runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub wav: Option<String>,
    /// The language in which `text` is spoken, as the synthesiser names it; default `en-us`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[a-z]{2,3}(-[a-z0-9]{1,8})*$"), extend("examples" = ["de"]))]
    pub language: Option<String>,
}

impl SpokenPrompt {
    /// The language in which its words are spoken.
    pub fn language(&self) -> &str {
        self.language.as_deref().unwrap_or("en-us")
    }
}

/// An Android phone that is reached by adb.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Android {
    /// Its serial number, as `adb devices` shows it. No other device is ever spoken to.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$"), extend("examples" = ["R58M12ABCDE"]))]
    pub serial: String,
}

impl Playback {
    /// Where the device is, as of a microphone: to the host a sound card is one place for both.
    pub fn place(&self) -> super::Alsa {
        let Self { device, usb, pcm, usb_id, rate, channels } = self.clone();
        let (format, channel, reference) = (super::SampleWidth::S16, 1, None);
        super::Alsa { device, usb, pcm, usb_id, rate, format, channels, channel, reference }
    }
}
