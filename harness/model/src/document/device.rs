//! Devices: models on the market.

use std::path::Path;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    asked::SpokenPrompt,
    fact::{Fact, Quirk},
    gesture::Gesture,
    voice::Reaction,
    words::{Codec, PowerKind, Role, ServiceProfile},
};
use crate::quantity::Duration;

/// A model on the market: what its documents say it can do. A claim, not a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Device {
    /// The device's id, `<vendor>/<model>`, the same as its path under `devices/`.
    #[schemars(regex(pattern = r"^[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*$"), extend("examples" = ["jbl/charge-5"]))]
    pub device: String,
    /// The name on the box.
    #[schemars(length(min = 1))]
    pub title: String,
    /// The roles it can take.
    #[schemars(length(min = 1))]
    pub roles: Vec<Role>,
    /// The profiles that its service records state, all of them; what the roles imply when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ServiceProfile>,
    /// Words to select devices by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The codecs it offers, whatever its firmware.
    #[schemars(length(min = 1))]
    pub codecs: Vec<Codec>,
    /// The name it answers to over the air, where units share one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub air_name: Option<String>,
    /// From power on until it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Duration>,
    /// How long its supply must be cut before it has really lost power.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discharge: Option<Duration>,
    /// What feeds it. Whether it goes on without that is said by `battery`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<PowerKind>,
    /// Whether it goes on from a battery when its supply is cut.
    #[serde(default)]
    pub battery: bool,
    /// What to do with its buttons; `pairing-mode` is used by the step `enter-pairing-mode`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub gestures: IndexMap<String, Gesture>,
    /// What is said to it, by purpose: `pair`, `connect`, `disconnect`, `forget`, `play`, or a name that a step `prompt` says.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub prompts: IndexMap<String, SpokenPrompt>,
    /// How it shows that it has understood that it is spoken to; without it no microphone can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaction: Option<Reaction>,
    /// Settings and the values they can take, such as `source-mode: [on, off]`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub settings: IndexMap<String, Vec<String>>,
    /// The firmware versions in question, oldest first.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub firmware: IndexMap<String, Firmware>,
    /// What it does that no other key has a word for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quirks: Vec<Quirk>,
    /// How far each fact is to be trusted, and who says it: by its key (`boot`), by its key and what stands there (`codecs.aac`,
    /// `firmware.2.1.1`), or by a list or map as a whole (`roles`), for whatever of it has no mark of its own. What is marked as unknown is not
    /// stated; `codecs.other` and its like are whatever the list does not name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("propertyNames" = {"pattern": r"^[a-z-]+(\.[^.].*)?$", "examples": ["codecs.aac"]}))]
    pub facts: IndexMap<String, Fact>,
    /// Who says so: names for `from`, and where to look it up.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("propertyNames" = {"pattern": r"^[a-z0-9]+(-[a-z0-9]+)*$", "examples": ["manual"]}))]
    pub sources: IndexMap<String, String>,
}

/// A firmware version of a device.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Firmware {
    /// The codecs this version offers; those of the device when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codecs: Option<Vec<Codec>>,
    /// Anything worth knowing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Device {
    /// The keys of a document in the order in which people read them.
    pub const KEYS: [&str; 19] = [
        "device",
        "title",
        "roles",
        "profiles",
        "tags",
        "codecs",
        "air-name",
        "boot",
        "discharge",
        "power",
        "battery",
        "gestures",
        "prompts",
        "reaction",
        "settings",
        "firmware",
        "quirks",
        "facts",
        "sources",
    ];

    /// The keys that state facts. The others are words to find a device by, and what is said about facts; a quirk has a mark of its own.
    pub fn fact_keys() -> impl Iterator<Item = &'static str> {
        Self::KEYS
            .into_iter()
            .filter(|key| !matches!(*key, "device" | "title" | "tags" | "quirks" | "facts" | "sources"))
    }

    /// Lets relative paths begin at the folder of the device's document.
    pub fn beside(&mut self, folder: &Path) {
        self.reaction.iter_mut().for_each(|reaction| reaction.beside(folder));
    }

    /// The codecs that a firmware version offers.
    pub fn codecs_of(&self, firmware: &str) -> &[Codec] {
        self.firmware.get(firmware).and_then(|f| f.codecs.as_deref()).unwrap_or(&self.codecs)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{document::Kind, schema::schema};

    #[test]
    fn the_keys_are_those_of_the_schema() {
        let properties = schema(Kind::Device)["properties"].as_object().expect("a map");
        let of_schema: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        assert_eq!(BTreeSet::from(Device::KEYS), of_schema);
    }
}
