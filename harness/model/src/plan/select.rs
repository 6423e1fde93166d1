//! Choosing a part of a plan: selectors and partitions.

use std::{borrow::Cow, collections::BTreeSet, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Combination;
use crate::{diagnostic::nearest, document::Scenario};

/// The keys that every scenario has, beside its axes.
const KEYS: [&str; 7] = ["scenario", "id", "tag", "claim", "condition", "firmware", "device"];

/// A selector or partition that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectError {
    /// Not `KEY=PATTERN`.
    #[error(
        "`{0}` is not a selector: write KEY=PATTERN, such as `speaker=charge-5*`; KEY is scenario, id, tag, claim, condition, firmware, device or an axis"
    )]
    Selector(String),
    /// A key that nothing has.
    #[error("no scenario has the selector key `{key}`{}; write one of {known}", .meant.as_ref().map(|m| format!(", did you mean `{m}`")).unwrap_or_default())]
    Key {
        /// The key.
        key: String,
        /// The key that was probably meant.
        meant: Option<String>,
        /// All keys that would choose something.
        known: String,
    },
    /// Not `hash:I/N`.
    #[error("`{0}` is not a partition: write hash:I/N with 1 <= I <= N, such as `hash:1/4`")]
    Partition(String),
}

/// `KEY=PATTERN`: combinations whose KEY matches PATTERN, in which `*` stands for anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selector {
    key: String,
    pattern: String,
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.pattern)
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> Self {
        selector.to_string()
    }
}

impl TryFrom<String> for Selector {
    type Error = SelectError;
    fn try_from(text: String) -> Result<Self, SelectError> {
        text.parse()
    }
}

impl JsonSchema for Selector {
    fn schema_name() -> Cow<'static, str> {
        "Selector".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[^=]+=.+$",
            "examples": ["speaker=charge-5*"],
            "description": "KEY=PATTERN: combinations whose KEY matches PATTERN, in which `*` stands for anything.",
        })
    }
}

impl FromStr for Selector {
    type Err = SelectError;
    fn from_str(text: &str) -> Result<Self, SelectError> {
        match text.split_once('=') {
            Some((key, pattern)) if !key.is_empty() && !pattern.is_empty() => {
                Ok(Self { key: key.to_owned(), pattern: pattern.to_owned() })
            }
            _ => Err(SelectError::Selector(text.to_owned())),
        }
    }
}

impl Selector {
    /// Refuses a key that is no axis of any scenario: it would silently choose nothing.
    ///
    /// # Errors
    /// With the keys that are known, and the one that was probably meant.
    pub fn fits<'s>(&self, scenarios: impl IntoIterator<Item = &'s Scenario>) -> Result<(), SelectError> {
        let axes: BTreeSet<&str> =
            scenarios.into_iter().flat_map(|scenario| scenario.matrix.keys()).map(String::as_str).collect();
        if KEYS.contains(&self.key.as_str()) || axes.contains(self.key.as_str()) {
            return Ok(());
        }
        let known = || KEYS.into_iter().chain(axes.iter().copied());
        Err(SelectError::Key {
            key: self.key.clone(),
            meant: nearest(&self.key, known()).map(str::to_owned),
            known: known().collect::<Vec<_>>().join(", "),
        })
    }

    /// Whether combinations of `scenario` may be chosen at all: not where the selector is for another scenario.
    pub fn is_of(&self, scenario: &Scenario) -> bool {
        self.key != "scenario" || glob(&self.pattern, &scenario.scenario)
    }

    /// Whether a combination of `scenario` is chosen.
    pub fn matches(&self, combination: &Combination, scenario: &Scenario) -> bool {
        let glob = |text: &str| glob(&self.pattern, text);
        match self.key.as_str() {
            "scenario" => glob(&scenario.scenario),
            "id" => glob(combination.id.as_str()),
            "tag" => scenario.tags.iter().any(|t| glob(t)),
            "claim" => scenario.covers.iter().any(|c| glob(c) || glob(c.trim_start_matches("claim/"))),
            "condition" => combination.condition.as_deref().is_some_and(glob),
            key @ ("firmware" | "device") => combination.axes.iter().any(|(_, value)| match value {
                super::AxisValue::Unit { device, firmware, .. } => {
                    glob(if key == "device" { device } else { firmware })
                }
                _ => false,
            }),
            axis => combination.axis(axis).is_some_and(|value| glob(value.text())),
        }
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for anything. Linear in the length of both for one `*`,
/// never exponential.
fn glob(pattern: &str, text: &str) -> bool {
    let (p, t) = (pattern.as_bytes(), text.as_bytes());
    let (mut i, mut j, mut star) = (0, 0, None);
    while j < t.len() {
        if i < p.len() && p[i] == b'*' {
            star = Some((i, j));
            i += 1;
        } else if i < p.len() && p[i] == t[j] {
            i += 1;
            j += 1;
        } else if let Some((si, sj)) = star {
            i = si + 1;
            j = sj + 1;
            star = Some((si, sj + 1));
        } else {
            return false;
        }
    }
    p[i..].iter().all(|&c| c == b'*')
}

/// `hash:I/N`: the I-th of N parts; comparison groups stay together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    index: u64,
    of: u64,
}

impl FromStr for Partition {
    type Err = SelectError;
    fn from_str(text: &str) -> Result<Self, SelectError> {
        text.strip_prefix("hash:")
            .and_then(|t| t.split_once('/'))
            .and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)))
            .filter(|&(i, n)| i >= 1 && i <= n)
            .map(|(index, of)| Self { index, of })
            .ok_or_else(|| SelectError::Partition(text.to_owned()))
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hash:{}/{}", self.index, self.of)
    }
}

impl Partition {
    /// The parts that are missing where these are there; none where they are of different cuts.
    pub fn missing(there: &[Self]) -> Vec<Self> {
        let Some(of) = there.first().map(|part| part.of).filter(|of| there.iter().all(|part| part.of == *of)) else {
            return Vec::new();
        };
        let all = (1..=of).map(|index| Self { index, of });
        all.filter(|part| !there.contains(part)).collect()
    }

    /// Whether a combination belongs to this part.
    pub fn holds(self, combination: &Combination) -> bool {
        combination.group % self.of == self.index - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::all(&["hash:2/2", "hash:1/2"], &[])]
    #[case::some(&["hash:1/4", "hash:3/4"], &["hash:2/4", "hash:4/4"])]
    #[case::of_different_cuts(&["hash:1/4", "hash:1/2"], &[])]
    #[case::of_no_cut(&[], &[])]
    fn parts_that_are_missing_are_named(#[case] there: &[&str], #[case] missing: &[&str]) {
        let there: Vec<Partition> = there.iter().map(|part| part.parse().expect("a part")).collect();
        let found: Vec<String> = Partition::missing(&there).iter().map(ToString::to_string).collect();
        assert_eq!(found, missing);
    }

    #[rstest]
    #[case("*", "anything", true)]
    #[case("charge-5*", "charge-5-fw110", true)]
    #[case("*-fw110", "charge-5-fw110", true)]
    #[case("c*5*0", "charge-5-fw110", true)]
    #[case("charge", "charge-5", false)]
    #[case("*x*", "charge-5", false)]
    #[case("a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false)]
    fn a_star_stands_for_anything(#[case] pattern: &str, #[case] text: &str, #[case] expected: bool) {
        assert_eq!(glob(pattern, text), expected);
    }

    #[rstest]
    #[case("hash:0/3")]
    #[case("hash:4/3")]
    #[case("1/3")]
    #[case("hash:1/0")]
    #[case("hash:a/b")]
    fn a_partition_outside_its_whole_is_refused(#[case] text: &str) {
        assert!(text.parse::<Partition>().is_err());
    }
}
