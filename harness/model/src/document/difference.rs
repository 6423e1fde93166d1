//! Expectations about two sides: what has to differ between conditions, or between the values of an axis.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scenario::{Axis, Scenario};
use crate::quantity::{Duration, EventRate, Frequency, Level, Share};

/// What may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Comparable {
    /// The success rate of the step, in percentage points.
    SuccessRate,
    /// The share of trials in which the step was heard, in percentage points.
    Presence,
    /// The step's latency.
    Latency,
    /// The step's duration.
    Duration,
    /// The level at a frequency.
    Response,
    /// The number of dropouts an hour.
    Dropouts,
}

/// What has to differ between the values of an axis, or between two conditions, and by how much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Difference {
    /// What is compared.
    pub of: Comparable,
    /// The step it belongs to; the whole trial when left out.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The frequency, for `response`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Frequency>,
    /// The two values to compare: the second less the first. Conditions, or values of one axis.
    #[schemars(length(min = 2, max = 2))]
    pub between: Vec<String>,
    /// The smallest difference, in the unit of what is compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<String>,
    /// The greatest difference, in the unit of what is compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<String>,
    /// The confidence; default `95 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Share>,
}

impl Comparable {
    /// The unit in which it is compared, and how a limit is written.
    pub const fn unit(self) -> (&'static str, &'static str) {
        match self {
            Self::SuccessRate | Self::Presence => ("%", "5 %"),
            Self::Latency | Self::Duration => ("ms", "20 ms"),
            Self::Response => ("dB", "3 dB"),
            Self::Dropouts => ("/h", "1 /h"),
        }
    }

    /// A limit in that unit, with its sign; none if it is not written in a unit of this quantity.
    pub fn limit(self, text: &str) -> Option<f64> {
        // Shares, durations and rates have no sign of their own, and their differences have one.
        let (sign, size) = text.strip_prefix('-').map_or((1.0, text), |size| (-1.0, size));
        let value = match self {
            Self::SuccessRate | Self::Presence => size.parse().ok().map(|share: Share| 100.0 * share.fraction()),
            Self::Latency | Self::Duration => size.parse().ok().map(Duration::milliseconds),
            Self::Response if size.starts_with('-') => None,
            Self::Response => size.parse().ok().map(Level::db),
            Self::Dropouts => size.parse().ok().map(EventRate::per_hour),
        };
        value.map(|value| sign * value)
    }

    /// As documents write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SuccessRate => "success-rate",
            Self::Presence => "presence",
            Self::Latency => "latency",
            Self::Duration => "duration",
            Self::Response => "response",
            Self::Dropouts => "dropouts",
        }
    }
}

impl Difference {
    /// The axis with both values; none where they are conditions.
    pub fn axis<'a>(&self, scenario: &'a Scenario) -> Option<&'a str> {
        let holds = |axis: &Axis| match axis {
            Axis::Values(values) => self.between.iter().all(|wanted| values.contains(wanted)),
            Axis::Units(_) | Axis::Microphone(_) => false,
        };
        scenario.matrix.iter().find(|(_, axis)| holds(axis)).map(|(name, _)| name.as_str())
    }

    /// The limits below and above in the unit of what is compared; a limit that does not read is none.
    pub fn limits(&self) -> (Option<f64>, Option<f64>) {
        let limit = |text: &Option<String>| text.as_deref().and_then(|text| self.of.limit(text));
        (limit(&self.at_least), limit(&self.at_most))
    }

    /// The confidence of either answer, a fraction.
    pub fn confidence(&self) -> f64 {
        self.confidence.map_or(0.95, Share::fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Comparable::SuccessRate, "5 %", Some(5.0))]
    #[case(Comparable::Presence, "-5 %", Some(-5.0))]
    #[case(Comparable::Latency, "-20 ms", Some(-20.0))]
    #[case(Comparable::Duration, "2 s", Some(2000.0))]
    #[case(Comparable::Response, "-3 dB", Some(-3.0))]
    #[case(Comparable::Response, "--3 dB", None)]
    #[case(Comparable::Dropouts, "-1 /h", Some(-1.0))]
    #[case(Comparable::Dropouts, "1", None)]
    #[case(Comparable::Latency, "5 %", None)]
    #[case(Comparable::Latency, "- 5 ms", None)]
    #[case(Comparable::Latency, "--5 ms", None)]
    fn a_limit_of_a_difference_has_a_unit_and_may_have_a_sign(
        #[case] of: Comparable,
        #[case] text: &str,
        #[case] wanted: Option<f64>,
    ) {
        assert_eq!(of.limit(text), wanted);
    }
}
