//! Expectations: what has to hold, with which confidence.
//!
//! Expectations about single trials (audio, codec, latency of each) are judged as rates: a rate is never a boolean.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    difference::Difference,
    sound::{Audio, Measured, Response},
    words::{Codec, Role},
};
use crate::quantity::{BitRate, Duration, EventRate, Share};

/// An expectation: exactly one of the kinds, and what may stand beside it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "x-exactly-one" = "an expectation"))]
pub struct Expect {
    /// The conditions under which it must hold; all when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-beside" = true))]
    pub when: Vec<String>,
    /// `false`: judged and shown, but it decides neither verdict nor exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-beside" = true))]
    pub gating: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    success_rate: Option<SuccessRate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audio: Option<Audio>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    codec: Option<CodecIs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latency: Option<Latency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration: Option<TimeTaken>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<Count>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    measured: Option<Measured>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<RoleIs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unsupported: Option<Unsupported>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    difference: Option<Difference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all: Option<Parts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    any: Option<Parts>,
}

/// Expectations that are judged together as one: neither conditions nor gating of their own, and no difference among them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Parts(#[schemars(length(min = 2, max = 16))] pub Vec<Expect>);

/// What is expected.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "each variant is documented at the type it carries")]
pub enum Expectation<'a> {
    SuccessRate(&'a SuccessRate),
    Audio(&'a Audio),
    Codec(&'a CodecIs),
    Latency(&'a Latency),
    Duration(&'a TimeTaken),
    Count(&'a Count),
    Response(&'a Response),
    Measured(&'a Measured),
    Role(&'a RoleIs),
    Unsupported(&'a Unsupported),
    Difference(&'a Difference),
    All(&'a Parts),
    Any(&'a Parts),
}

macro_rules! expectations {
    ($(($field:ident, $variant:ident, $name:literal)),+ $(,)?) => {
        impl Expect {
            /// The names of all kinds.
            pub const KINDS: &'static [&'static str] = &[$($name),+];

            /// The kinds that are written here: exactly one in an expectation that `check` accepts.
            pub fn kinds(&self) -> Vec<Expectation<'_>> {
                let mut found = Vec::new();
                $(if let Some(kind) = &self.$field { found.push(Expectation::$variant(kind)); })+
                found
            }
        }
        impl Expectation<'_> {
            /// The key of the kind, such as `success-rate`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant(_) => $name),+ }
            }
        }
    };
}

expectations!(
    (success_rate, SuccessRate, "success-rate"),
    (audio, Audio, "audio"),
    (codec, Codec, "codec"),
    (latency, Latency, "latency"),
    (duration, Duration, "duration"),
    (count, Count, "count"),
    (response, Response, "response"),
    (measured, Measured, "measured"),
    (role, Role, "role"),
    (unsupported, Unsupported, "unsupported"),
    (difference, Difference, "difference"),
    (all, All, "all"),
    (any, Any, "any"),
);

impl Expect {
    /// What is expected.
    ///
    /// # Panics
    /// Never on a document that the loader accepted: it refuses an expectation without exactly one kind.
    pub fn expectation(&self) -> Expectation<'_> {
        self.kinds().first().copied().expect("the loader accepts only expectations with one kind")
    }

    /// Whether the expectation decides verdict and exit code.
    pub fn gates(&self) -> bool {
        self.gating.unwrap_or(true)
    }
}

impl Expectation<'_> {
    /// What it is called where several stand side by side: the kind, and what of it where that says more.
    pub fn title(&self) -> String {
        match self {
            Self::Response(e) => format!("response at {}", e.at),
            Self::Measured(e) => e.of.quantity().as_str().to_owned(),
            Self::Difference(e) => format!("difference of {}", e.of.as_str()),
            other => other.name().to_owned(),
        }
    }

    /// The label of the step it speaks of, if it speaks of one.
    pub fn step(&self) -> Option<&str> {
        match self {
            Self::SuccessRate(e) => e.of.as_deref(),
            Self::Audio(e) => Some(&e.step),
            Self::Codec(e) => e.step.as_deref(),
            Self::Latency(e) => Some(&e.step),
            Self::Duration(e) => Some(&e.of),
            Self::Count(e) => e.step.as_deref(),
            Self::Response(e) => Some(&e.step),
            Self::Measured(e) => Some(&e.step),
            Self::Role(_) => None,
            Self::Unsupported(e) => Some(&e.of),
            Self::Difference(e) => e.step.as_deref(),
            Self::All(_) | Self::Any(_) => None,
        }
    }
}

impl<'a> Expectation<'a> {
    /// The parts of one that is judged from several; none of any other.
    pub fn parts(self) -> impl Iterator<Item = Expectation<'a>> {
        let parts: &[Expect] = match self {
            Self::All(parts) | Self::Any(parts) => &parts.0,
            _ => &[],
        };
        parts.iter().map(Expect::expectation)
    }

    /// Its parts, or itself where it has none.
    pub fn leaves(self) -> impl Iterator<Item = Expectation<'a>> {
        let whole = !matches!(self, Self::All(_) | Self::Any(_));
        self.parts().chain(whole.then_some(self))
    }
}

/// The rate that trials have to reach, and the error rates of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// The rate that must be rejected: the limit, a fraction.
    pub at_least: f64,
    /// The rate that should be accepted quickly, a fraction.
    pub good: f64,
    /// One minus the probability of either error, a fraction.
    pub confidence: f64,
}

impl Rate {
    fn of(at_least: Option<Share>, good: Option<Share>, confidence: Option<Share>) -> Self {
        let at_least = at_least.map_or(0.9, Share::fraction);
        // Three quarters of the way to certainty when only the limit is given.
        let default_good = if (at_least - 0.9).abs() < 1e-9 { 0.98 } else { at_least + 0.75 * (1.0 - at_least) };
        Self {
            at_least,
            good: good.map_or(default_good, Share::fraction),
            confidence: confidence.map_or(0.95, Share::fraction),
        }
    }

    /// P(value within the limits) >= p says the same as "the p-quantile is within". An extreme forgives no trial.
    fn within(percentile: Option<f64>, extreme: bool, good: Option<Share>, confidence: Option<Share>) -> Self {
        if !extreme {
            return Self::of(percentile.map(Share::from_percent), good, confidence);
        }
        Self::of(Some(Share::from_percent(percentile.unwrap_or(95.0))), Some(Share::from_percent(100.0)), confidence)
    }
}

/// How often a step, or the whole trial, has to succeed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SuccessRate {
    /// The step; the whole trial when left out. A trial that fails before it reaches the step counts against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// What counts: trials, or the attempts of a step that makes several; default `trial`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
    /// The rate that must be reached; default `90 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Share>,
    /// The rate of a good device, which should pass quickly; default `98 %` for a limit of 90 %, else three quarters
    /// of the way from the limit to 100 %. With `100 %` the first failure decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Share>,
    /// The confidence of both answers; default `95 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Share>,
}

/// What is counted in a success rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// Trials: a step that succeeds at last has succeeded.
    #[default]
    Trial,
    /// Attempts: each of them counts, those that were followed by a better one too.
    Attempt,
}

impl Per {
    /// Several of it, in words.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Trial => "trials",
            Self::Attempt => "attempts",
        }
    }
}

/// Which codec has to be agreed on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CodecIs {
    /// The step that connects; the only one of the trial when left out.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// `requested`, or a codec.
    pub is: WantedCodec,
    /// The highest bit rate that may be configured, and sent where the air is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bit_rate_at_most: Option<BitRate>,
    /// The share of trials in which it must hold; default `90 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Share>,
    /// That share with a good device; default as for `success-rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Share>,
    /// The confidence of both answers; default `95 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Share>,
}

/// The codec asked for in the step, or a certain one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedCodec {
    /// The one the step asked for.
    Requested,
    /// This one.
    Codec(Codec),
}

impl WantedCodec {
    /// As documents write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Codec(codec) => codec.as_str(),
        }
    }
}

impl Serialize for WantedCodec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for WantedCodec {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if text == "requested" {
            return Ok(Self::Requested);
        }
        text.parse().map(Self::Codec).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for WantedCodec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "WantedCodec".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let words: Vec<&str> = std::iter::once("requested").chain(Codec::ALL.iter().map(|c| c.as_str())).collect();
        schemars::json_schema!({"type": "string", "enum": words, "description": "`requested`, or a codec."})
    }
}

/// How late the sound may be, and how early: a percentile of the trials' latencies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Latency {
    /// The step that plays.
    #[serde(rename = "in")]
    pub step: String,
    /// The percentile that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1.0, max = 99.99))]
    pub percentile: Option<f64>,
    /// `true`: a limit of the extreme. The first trial outside fails it; it passes after as many trials without one as show,
    /// with the confidence, that a share of `percentile` of all trials lies within (default 95).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_trial: Option<bool>,
    /// The limit above: pass when at least this percentile of all trials lies at or under it, and not below `at-least`.
    pub at_most: Duration,
    /// The limit below: nothing should be heard earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Duration>,
    /// The share of trials under the limit with a good device; default as for `success-rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Share>,
    /// The confidence of both answers; default `95 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Share>,
}

/// How long a step may take: a percentile over the trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TimeTaken {
    /// The step.
    pub of: String,
    /// The percentile that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1.0, max = 99.99))]
    pub percentile: Option<f64>,
    /// `true`: a limit of the extreme. The first trial outside fails it; it passes after as many trials without one as show,
    /// with the confidence, that a share of `percentile` of all trials lies within (default 95).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_trial: Option<bool>,
    /// The limit above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Duration>,
    /// The limit below: nothing should happen before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Duration>,
    /// The share of trials within the limit with a good device; default as for `success-rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Share>,
    /// The confidence of both answers; default `95 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Share>,
}

/// What can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Countable {
    /// Holes in the sound.
    Dropouts,
    /// Reactions of a unit to voice.
    Reactions,
    /// Losses of the link.
    LinkLosses,
}

/// How often something may happen in a given time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Count {
    /// What is counted.
    pub of: Countable,
    /// The step in which it is counted; the whole trial when left out.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The limit: the rate that must be rejected.
    pub at_most: EventRate,
    /// The rate of a good device, which should pass quickly; default a third of the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<EventRate>,
    /// The confidence of both answers; default `95 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Share>,
}

impl Count {
    /// The rate an hour that must be rejected, that of a good device, and the confidence as a fraction.
    pub fn rates(&self) -> (f64, f64, f64) {
        let limit = self.at_most.per_hour();
        let good = self.good.map_or(limit / 3.0, EventRate::per_hour);
        (limit, good, self.confidence.map_or(0.95, Share::fraction))
    }
}

/// The role that a unit's service records have to state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RoleIs {
    /// The axis of the unit.
    pub of: String,
    /// The role.
    pub is: Role,
    /// The share of trials in which they must state it; default `90 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Share>,
    /// That share with a good device; default as for `success-rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Share>,
    /// The confidence of both answers; default `95 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Share>,
}

/// A step that the device has to refuse: the refusal is the pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Unsupported {
    /// The step.
    pub of: String,
    /// The share of trials in which it must be refused; default `90 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Share>,
    /// That share with a device that never supports it; default as for `success-rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Share>,
    /// The confidence of both answers; default `95 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Share>,
}

impl Expectation<'_> {
    /// The rate test behind the expectation, for the kinds that are judged as a rate of trials.
    pub fn rate(&self) -> Option<Rate> {
        Some(match self {
            Self::SuccessRate(e) => Rate::of(e.at_least, e.good, e.confidence),
            Self::Audio(e) => Rate::of(e.at_least, e.good, e.confidence),
            Self::Codec(e) => Rate::of(e.at_least, e.good, e.confidence),
            Self::Role(e) => Rate::of(e.at_least, e.good, e.confidence),
            Self::Unsupported(e) => Rate::of(e.at_least, e.good, e.confidence),
            Self::Latency(e) => Rate::within(e.percentile, self.is_extreme(), e.good, e.confidence),
            Self::Duration(e) => Rate::within(e.percentile, self.is_extreme(), e.good, e.confidence),
            Self::Response(e) => Rate::within(e.percentile, self.is_extreme(), e.good, e.confidence),
            Self::Measured(e) => Rate::within(e.percentile, self.is_extreme(), e.good, e.confidence),
            Self::Count(_) | Self::Difference(_) | Self::All(_) | Self::Any(_) => return None,
        })
    }

    /// Whether no trial may lie outside of the limits of what is measured.
    pub fn is_extreme(&self) -> bool {
        let every = match self {
            Self::Latency(e) => e.every_trial,
            Self::Duration(e) => e.every_trial,
            Self::Response(e) => e.every_trial,
            Self::Measured(e) => e.every_trial,
            _ => None,
        };
        every == Some(true)
    }

    /// What it counts.
    pub fn per(&self) -> Per {
        match self {
            Self::SuccessRate(e) => e.per.unwrap_or_default(),
            _ => Per::Trial,
        }
    }
}
