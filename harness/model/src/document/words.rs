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
