//! What must not stand in a document: passwords and SNMP communities.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a secret is read from when it is needed: exactly one place. The secret itself never stands in a document, and is
/// never printed nor recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "x-exactly-one" = "a place to read it from"))]
pub struct Secret {
    /// A variable of the environment, such as `NETIO_PASSWORD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]*$"), extend("examples" = ["NETIO_PASSWORD"]))]
    from_env: Option<String>,
    /// A file that holds it alone, by its whole path. `rigtone rig safe` finds it there too when nobody is logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^/"), extend("examples" = ["/etc/rigtone/netio-password"]))]
    from_file: Option<String>,
}

/// A place that a secret is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden<'a> {
    /// A variable of the environment.
    Environment(&'a str),
    /// A file.
    File(&'a str),
}

impl Secret {
    /// One that is read from a variable of the environment.
    pub fn from_env(name: &str) -> Self {
        Self { from_env: Some(name.to_owned()), from_file: None }
    }

    /// One that is read from a file.
    pub fn from_file(path: &str) -> Self {
        Self { from_env: None, from_file: Some(path.to_owned()) }
    }

    /// The place that is written; exactly one in a document that `check` accepts.
    pub fn place(&self) -> Option<Hidden<'_>> {
        let file = self.from_file.as_deref().map(Hidden::File);
        self.from_env.as_deref().map(Hidden::Environment).or(file)
    }
}
