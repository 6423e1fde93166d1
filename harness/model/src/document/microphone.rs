//! Microphones of a rig: what they are, and what is known of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::{Duration, Level, Loudness};

/// A microphone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Microphone {
    /// The room it stands in.
    pub room: String,
    /// The ALSA device it is. Without `alsa` and `sink` it is simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alsa: Option<Alsa>,
    /// It hears the stream that a sink of Rigtone's own receives, before it becomes sound. Zeros are silence then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<Wire>,
    /// How well the rig knows the time of what this microphone hears; part of every latency's uncertainty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_uncertainty: Option<Duration>,
    /// `true`: it is a loopback that delivers zeros while nothing sounds. Of any other microphone zeros are a fault:
    /// even a quiet room has noise.
    #[serde(default)]
    pub digital_silence: bool,
    /// What makes sound pressure of its levels; without it they are known relative to full scale only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<Calibrated>,
    /// Its own response, which is taken out of what it heard; without it the response of a speaker holds that of the microphone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration_file: Option<CalibrationFile>,
    /// Faults of a simulated microphone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<SimulatedMicrophone>,
}

impl Microphone {
    /// Whether zeros are silence, and no fault of it.
    pub const fn hears_zeros(&self) -> bool {
        self.digital_silence || self.sink.is_some()
    }
}

/// What a calibrator showed of a microphone at its present gain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Calibrated {
    /// The sound pressure level of a full-scale signal: 94 dB SPL less the level, relative to full scale, that a calibrator
    /// of 94 dB SPL reads.
    pub full_scale: Loudness,
    /// Its standard uncertainty.
    pub uncertainty: Level,
}

/// An ALSA capture device, opened exactly as written: exactly one of `device` and `usb`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Alsa {
    /// The PCM, such as `hw:CARD=RIG1MIC,DEV=0`.
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
    /// How wide its samples are; default `s16`.
    #[serde(default, skip_serializing_if = "SampleWidth::is_usual")]
    pub format: SampleWidth,
    /// Channels that the device delivers.
    #[schemars(range(min = 1, max = 8))]
    pub channels: u16,
    /// Which of them is this microphone, from 1.
    #[schemars(range(min = 1, max = 8))]
    pub channel: u16,
    /// Which of them, from 1, is wired to the source, so that it holds the sound as it is emitted. Latency is counted from there:
    /// both ends are samples of one converter. When the sound is not found in it, nothing is known of the latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 8))]
    pub reference: Option<u16>,
}

/// How wide the samples of a converter are. They are kept as they come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SampleWidth {
    /// 16 bits.
    #[default]
    S16,
    /// 24 bits in words of 32 (`S24_LE`). A card that packs them into three bytes (`S24_3LE`) is opened as
    /// `plughw:` with `s32`, which only puts zeros below them.
    S24,
    /// 32 bits.
    S32,
}

impl SampleWidth {
    /// Whether it is what is meant when a document says nothing.
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// How many bits it has.
    pub const fn bits(self) -> u16 {
        match self {
            Self::S16 => 16,
            Self::S24 => 24,
            Self::S32 => 32,
        }
    }
}

/// The response of a microphone, as its maker measured it: it is taken out of that of the speaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CalibrationFile {
    /// The maker's file (`.txt`, `.cal`, `.frd`): lines of frequency in Hz and deviation in dB. A relative path begins at
    /// the rig's document. Of two files take the one for the way the microphone points.
    #[schemars(length(min = 1))]
    pub file: String,
    /// The serial number on the microphone. A file that names another one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("examples" = ["7001234"]))]
    pub serial: Option<String>,
}

impl Alsa {
    /// The device as the document names it, such as `hw:CARD=RIG1MIC,DEV=0` or `PCM 0 at USB port 1-2.4`.
    pub fn named(&self) -> String {
        match (&self.device, &self.usb) {
            (Some(device), _) => device.clone(),
            (None, Some(port)) => format!("PCM {} at USB port {port}", self.pcm.unwrap_or_default()),
            (None, None) => "no device".to_owned(),
        }
    }
}

/// The stream that a sink of Rigtone's own receives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Wire {
    /// The dongle of the sink.
    pub dongle: String,
    /// Which channel of the stream is this microphone, from 1; the only one of a mono stream.
    #[serde(default = "Wire::channel")]
    #[schemars(range(min = 1, max = 2))]
    pub channel: u16,
}

impl Wire {
    const fn channel() -> u16 {
        1
    }
}

/// What is wrong with a simulated microphone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SimulatedMicrophone {
    /// `true`: it delivers zeros.
    #[serde(default)]
    pub dead: bool,
    /// `true`: it turns its gain down when it is loud, and up again when it is quiet.
    #[serde(default)]
    pub gain_control: bool,
    /// A calibrator sits on it: all that it records holds a tone of 1 kHz of this level (RMS), relative to full scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrator: Option<Level>,
}
