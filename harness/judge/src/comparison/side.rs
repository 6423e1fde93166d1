//! What is compared with what.

use std::{collections::BTreeMap, fmt, str::FromStr};

use rigtone_model::plan::{AxisValue, Combination};
use thiserror::Error;

/// What the two sides of a comparison differ in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// The runs.
    Run,
    /// The conditions of a scenario.
    Condition,
    /// The values of an axis.
    Axis(String),
    /// The firmware of the units on an axis.
    Firmware(String),
}

/// A comparison that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SideError {
    /// Nothing has two values of it.
    #[error("nothing that was run has two values of `{by}` to compare{}", .seen.as_ref().map(|s| format!("; there is only {s}")).unwrap_or_default())]
    Nothing {
        /// What was asked for.
        by: By,
        /// What there is.
        seen: Option<String>,
    },
    /// More than two, and nobody said which.
    #[error("there are {} values of `{by}`: {}", .values.len(), .values.join(", "))]
    TooMany {
        /// What was asked for.
        by: By,
        /// The values.
        values: Vec<String>,
    },
    /// A value that nothing has.
    #[error("nothing that was run has the value `{value}` of `{by}`; there are {}", .values.join(", "))]
    NoSuchValue {
        /// What was asked for.
        by: By,
        /// The value.
        value: String,
        /// The values there are.
        values: Vec<String>,
    },
}

impl FromStr for By {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('.') {
            _ if text.is_empty() || text.contains('=') => {
                Err("write `run`, `condition`, an axis such as `codec`, or `speaker.firmware`".to_owned())
            }
            Some((axis, "firmware")) if !axis.is_empty() => Ok(Self::Firmware(axis.to_owned())),
            Some((_, other)) => Err(format!("`{other}` is no property to compare by: write AXIS.firmware")),
            None => Ok(match text {
                "run" => Self::Run,
                "condition" => Self::Condition,
                axis => Self::Axis(axis.to_owned()),
            }),
        }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => f.write_str("run"),
            Self::Condition => f.write_str("condition"),
            Self::Axis(axis) => f.write_str(axis),
            Self::Firmware(axis) => write!(f, "{axis}.firmware"),
        }
    }
}

impl By {
    /// The side on which a combination stands, and all else of it; nothing when it has no such property.
    pub fn side(&self, run: &str, combination: &Combination) -> Option<(String, String)> {
        let mut side = match self {
            Self::Run => Some(run.to_owned()),
            Self::Condition => Some(combination.condition.as_deref()?.to_owned()),
            Self::Axis(_) | Self::Firmware(_) => None,
        };
        let mut rest = Vec::new();
        for (axis, value) in &combination.axes {
            match (self, value) {
                (Self::Axis(wanted), value) if **axis == *wanted => side = Some(value.text().to_owned()),
                (Self::Firmware(wanted), AxisValue::Unit { device, firmware, .. }) if **axis == *wanted => {
                    side = Some(firmware.to_string());
                    rest.push(format!("{axis}={device}"));
                }
                _ => rest.push(format!("{axis}={}", value.text())),
            }
        }
        if let (Some(condition), false) = (&combination.condition, *self == Self::Condition) {
            rest.push(format!("condition={condition}"));
        }
        let mut key = combination.scenario.to_string();
        if !rest.is_empty() {
            key = format!("{key}/{}", rest.join(","));
        }
        if *self == Self::Run {
            // Two runs are of one kind only if the same is done in them.
            let hash = combination.id.as_str().rsplit_once('#').map_or("", |(_, hash)| hash);
            key = format!("{key}#{hash}");
        }
        Some((key, side?))
    }
}

/// A group of which both sides are there: its key, and the places of either side.
pub type Pair<'a> = (&'a str, &'a [usize], &'a [usize]);

/// Places of combinations, by all that is not compared and then by side.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matched {
    groups: BTreeMap<String, BTreeMap<String, Vec<usize>>>,
}

impl Matched {
    /// Adds a combination, which stands at a place of the caller's.
    pub fn add(&mut self, key: String, side: String, place: usize) {
        self.groups.entry(key).or_default().entry(side).or_default().push(place);
    }

    /// The two sides that are compared: those named, or the only two there are.
    ///
    /// # Errors
    /// When there are fewer or more, or one that is named is not there.
    pub fn sides(&self, by: &By, named: Option<(&str, &str)>) -> Result<(String, String), SideError> {
        let mut values: Vec<String> = self.groups.values().flat_map(BTreeMap::keys).cloned().collect();
        values.sort();
        values.dedup();
        if let Some((first, second)) = named {
            for value in [first, second] {
                if !values.iter().any(|known| known == value) {
                    return Err(SideError::NoSuchValue { by: by.clone(), value: value.to_owned(), values });
                }
            }
            return Ok((first.to_owned(), second.to_owned()));
        }
        match values.as_slice() {
            [first, second] => Ok((first.clone(), second.clone())),
            [_, _, ..] => Err(SideError::TooMany { by: by.clone(), values }),
            few => Err(SideError::Nothing { by: by.clone(), seen: few.first().cloned() }),
        }
    }

    /// Groups in which both sides are there, with their places; and those in which one is missing.
    pub fn pairs<'a>(&'a self, sides: &(String, String)) -> (Vec<Pair<'a>>, Vec<&'a str>) {
        let (mut both, mut alone) = (Vec::new(), Vec::new());
        for (key, group) in &self.groups {
            match (group.get(&sides.0), group.get(&sides.1)) {
                (Some(first), Some(second)) => both.push((key.as_str(), first.as_slice(), second.as_slice())),
                (None, None) => {}
                _ => alone.push(key.as_str()),
            }
        }
        (both, alone)
    }
}
