//! Quarantine: what is known to fail, who looks after it, and until when it may.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scenario::Scenario;
use crate::plan::{Combination, Selector};

/// Combinations whose verdicts are shown and decide nothing, for as long as somebody answers for that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Quarantine {
    /// The id: lower case words joined by `-`, the same as its file name.
    #[schemars(regex(pattern = r"^[a-z0-9]+(-[a-z0-9]+)*$"), extend("examples" = ["quarantine"]))]
    pub quarantine: String,
    /// What is in quarantine.
    #[schemars(length(min = 1))]
    pub entries: Vec<Quarantined>,
}

/// One entry: which combinations, why, and who looks after it until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Quarantined {
    /// Selectors as `--select` takes them, such as `speaker=charge-5*`; all of them must match.
    #[schemars(length(min = 1))]
    pub select: Vec<Selector>,
    /// Why it fails, as far as that is known.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// Who looks after it.
    #[schemars(length(min = 1))]
    pub owner: String,
    /// The last day on which it holds, in UTC, such as `2027-01-31`.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), extend("examples" = ["2027-01-31"]))]
    pub expires: String,
}

impl Quarantined {
    /// Its selectors, such as "speaker=charge-5* and codec=aac".
    pub fn selected(&self) -> String {
        self.select.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
    }

    /// Whether a combination of `scenario` falls under it.
    pub fn holds(&self, combination: &Combination, scenario: &Scenario) -> bool {
        self.select.iter().all(|selector| selector.matches(combination, scenario))
    }

    /// Whether it has come to its end on a day that is written in the same way.
    pub fn is_over(&self, today: &str) -> bool {
        // Days in this form sort like their dates.
        *self.expires < *today
    }
}
