//! Words that documents share.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $vdoc:literal])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[doc = $vdoc])* #[serde(rename = $text)] $variant),+
        }
        // A plain `enum`, where the derive would write `oneOf`: maps keyed by the words and `Param` rest on it.
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "description": concat!($($doc),*).trim(),
                    "enum": [$($text),+],
                    "enumDescriptions": [$(concat!($($vdoc),*).trim()),+],
                })
            }
        }
        impl $name {
            /// Every value, in the order of the schema.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// As documents write it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().find(|v| v.as_str() == text).copied().ok_or_else(|| {
                    format!("`{text}` is not one of {}", [$($text),+].map(|w| format!("`{w}`")).join(", "))
                })
            }
        }
    };
}

words!(
    /// An audio codec of Bluetooth Classic.
    Codec {
        /// Mandatory for A2DP.
        Sbc = "sbc",
        /// MPEG-2/4 AAC-LC.
        Aac = "aac",
        /// aptX.
        Aptx = "aptx",
        /// aptX HD.
        AptxHd = "aptx-hd",
        /// aptX Low Latency.
        AptxLl = "aptx-ll",
        /// LDAC.
        Ldac = "ldac",
        /// Opus as Google and Linux use it over A2DP.
        Opus = "opus",
        /// CVSD, the narrow-band codec of HFP.
        Cvsd = "cvsd",
        /// mSBC, the wide-band codec of HFP.
        Msbc = "msbc",
    }
);

words!(
    /// How the channels of a stream are coded.
    ChannelMode {
        /// One channel.
        Mono = "mono",
        /// Two channels, each for itself.
        DualChannel = "dual-channel",
        /// Two channels that share the bits.
        Stereo = "stereo",
        /// Two channels, sum and difference where that is shorter.
        JointStereo = "joint-stereo",
    }
);

words!(
    /// How SBC gives bits to subbands.
    Allocation {
        /// By loudness.
        Loudness = "loudness",
        /// By signal to noise ratio.
        Snr = "snr",
    }
);

words!(
    /// A role in a Bluetooth profile, as service records state it.
    Role {
        /// Sends music (service class 0x110A).
        A2dpSource = "a2dp-source",
        /// Plays music (service class 0x110B).
        A2dpSink = "a2dp-sink",
        /// Hands-free gateway: the phone's side (0x111F).
        HfpGateway = "hfp-gateway",
        /// Hands-free unit: the headset's side (0x111E).
        HfpUnit = "hfp-unit",
    }
);

impl Role {
    /// The service class that states it (Bluetooth Assigned Numbers, section 3.3).
    pub const fn service_class(self) -> u16 {
        match self {
            Self::A2dpSource => 0x110A,
            Self::A2dpSink => 0x110B,
            Self::HfpUnit => 0x111E,
            Self::HfpGateway => 0x111F,
        }
    }
}

words!(
    /// How far a fact is to be trusted.
    Mark {
        /// Published by the maker or by the specification, or observed and reported with a source.
        Known = "known",
        /// Said by somebody and confirmed by nobody.
        Claimed = "claimed",
        /// A value of whoever wrote the document, to be measured.
        Estimate = "estimate",
        /// Nobody was found who says; the document does not state it.
        Unknown = "unknown",
    }
);

words!(
    /// What feeds a device.
    PowerKind {
        /// A cord into the wall.
        Mains = "mains",
        /// A power pack of its own, which stands between the wall and the device.
        Adapter = "adapter",
        /// Any USB port or USB power pack; what it charges is said by `battery`.
        Usb = "usb",
        /// Cells that are taken out. No relay cuts them.
        Cells = "cells",
        /// The host that it is a part of or plugged into.
        Host = "host",
    }
);

words!(
    /// A side of a Bluetooth profile that a device offers, as its service records state it.
    ServiceProfile {
        /// Sends music (service class 0x110A).
        A2dpSource = "a2dp-source",
        /// Plays music (0x110B).
        A2dpSink = "a2dp-sink",
        /// Is controlled: play, pause, volume (0x110C).
        AvrcpTarget = "avrcp-target",
        /// Controls others (0x110E, 0x110F).
        AvrcpController = "avrcp-controller",
        /// Hands-free gateway (0x111F).
        HfpGateway = "hfp-gateway",
        /// Hands-free unit (0x111E).
        HfpUnit = "hfp-unit",
        /// Headset gateway (0x1112).
        HspGateway = "hsp-gateway",
        /// Headset (0x1108, 0x1131).
        HspUnit = "hsp-unit",
        /// A serial port, which makers use for their apps (0x1101).
        SerialPort = "serial-port",
        /// Human interface device: buttons as a keyboard (0x1124).
        Hid = "hid",
        /// Phone book access, the side that asks (0x112E).
        PbapClient = "pbap-client",
        /// Phone book access, the side that answers (0x112F).
        PbapServer = "pbap-server",
    }
);

words!(
    /// A Bluetooth profile to connect.
    Profile {
        /// Music.
        A2dp = "a2dp",
        /// Voice in both directions.
        Hfp = "hfp",
    }
);

words!(
    /// How Rigtone gives orders to a source.
    Control {
        /// Rigtone itself is the A2DP endpoint, on a dongle of the rig.
        Endpoint = "endpoint",
        /// By spoken commands that the rig plays.
        Voice = "voice",
        /// By a command of the host, such as a debug bridge.
        Command = "command",
        /// By a person who is told what to do.
        Operator = "operator",
        /// By adb: it is an Android phone.
        Android = "android",
    }
);

words!(
    /// Something that a program can make a source do.
    SourceAbility {
        /// Search for others.
        Inquiry = "inquiry",
        /// Pair with others, and forget them.
        Pairing = "pairing",
        /// Connect profiles, and disconnect.
        Connecting = "connecting",
        /// Play a stimulus.
        Streaming = "streaming",
        /// Take the sound from a content that is named.
        Contents = "contents",
        /// Change settings.
        Settings = "settings",
    }
);

words!(
    /// A switch position.
    OnOff {
        /// Energised.
        On = "on",
        /// Cut.
        Off = "off",
    }
);

words!(
    /// What a gesture does to the power of a device.
    Turns {
        /// It is on afterwards.
        On = "on",
        /// It is off afterwards.
        Off = "off",
        /// It is on if it was off, and off if it was on.
        Over = "over",
    }
);

words!(
    /// A side of a stereo speaker.
    Side {
        /// The left one.
        Left = "left",
        /// The right one.
        Right = "right",
    }
);

words!(
    /// How a speaker plays the channels of the stream.
    Layout {
        /// Each side its channel.
        Stereo = "stereo",
        /// Each side the other's channel.
        Swapped = "swapped",
        /// The sum of both channels.
        Mono = "mono",
        /// The left channel only.
        LeftOnly = "left-only",
        /// The right channel only.
        RightOnly = "right-only",
    }
);

words!(
    /// Whether a sound comes as it was sent.
    Polarity {
        /// As sent.
        Normal = "normal",
        /// Turned over.
        Inverted = "inverted",
    }
);

words!(
    /// What the bandwidth of a sound says about its codec.
    Fingerprint {
        /// Hands-free profile, narrow band: it ends below 4.5 kHz.
        Cvsd = "cvsd",
        /// Hands-free profile, wide band: it ends below 9.5 kHz.
        Msbc = "msbc",
        /// A brick wall from 15 kHz on: AAC or LC3.
        BrickWall = "brick-wall",
        /// A gentle edge from 15 kHz on: SBC at a low bitpool.
        SoftEdge = "soft-edge",
        /// An edge that belongs to no codec known.
        OtherEdge = "other-edge",
        /// No edge: SBC or aptX.
        FullBand = "full-band",
        /// No edge below 9.5 kHz, noise above: not the hands-free profile.
        NotHandsFree = "not-hands-free",
    }
);
