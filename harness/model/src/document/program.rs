//! Programs of the lab that speak with Rigtone: `docs/command.md`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    relay::{Place, Stated},
    words::{Role, SourceAbility},
};
use crate::{id::sha256_hex, quantity::Duration};

/// A program of the lab that switches outputs, by lines of JSON on its standard input and output (`docs/command.md`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SwitchProgram {
    /// The program and its arguments; no shell comes between. By its whole path, or found in `PATH`.
    #[schemars(length(min = 1, max = 100), extend("examples" = [["/opt/lab/power-strip", "--channels", "4"]]))]
    pub program: Vec<String>,
    /// How long each answer may take, at most 10 s; default `5 s`.
    #[serde(default = "SwitchProgram::usual")]
    pub within: Duration,
}

impl SwitchProgram {
    /// As long may an answer take: outputs have to be safe soon.
    pub const LONGEST: Duration = Duration::from_s(10);

    const fn usual() -> Duration {
        Duration::from_s(5)
    }

    pub(super) fn stated(&self) -> Stated {
        // What it is called, for people, and all of it, for files whose names have to be short.
        let name = self.program.first().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let name: String = name.chars().take(40).collect();
        let key = format!("program:{name}#{}", &sha256_hex(self.program.join("\0").as_bytes())[..12]);
        Stated { family: "command", place: Place::Elsewhere { key, field: "program" }, sizes: &[] }
    }
}

/// A program of the lab that is the driver of a source (`control: command`), by lines of JSON on its standard input and
/// output (`docs/command.md`). It runs as long as the rig is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SourceProgram {
    /// The program and its arguments; no shell comes between. By its whole path, or found in `PATH`.
    #[schemars(length(min = 1, max = 100), extend("examples" = [["/opt/lab/phone", "--serial", "0123"]]))]
    pub program: Vec<String>,
    /// What it can make the unit do. Scenarios that need more are skipped; a program that offers less is refused.
    #[schemars(length(min = 1, max = 4), extend("uniqueItems" = true))]
    pub can: Vec<SourceAbility>,
    /// How long it may take to start and to say what it can, at most a minute; default `10 s`.
    #[serde(default = "SourceProgram::usual")]
    pub starts_within: Duration,
}

impl SourceProgram {
    /// As long may it take to start.
    pub const LONGEST: Duration = Duration::from_s(60);

    const fn usual() -> Duration {
        Duration::from_s(10)
    }

    /// Whether it is the driver of something.
    pub fn can(&self, ability: SourceAbility) -> bool {
        self.can.contains(&ability)
    }
}

impl SourceAbility {
    /// Whether only a unit of that role has it.
    pub const fn needs(self) -> Option<Role> {
        match self {
            Self::Streaming | Self::Contents => Some(Role::A2dpSource),
            Self::Inquiry | Self::Pairing | Self::Connecting | Self::Settings => None,
        }
    }
}
