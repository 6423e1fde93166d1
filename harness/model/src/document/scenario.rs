//! Scenarios: what to do and what to expect.

use std::{borrow::Cow, fmt};

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    expect::Expect,
    step::{Action, Step},
    words::Role,
};
use crate::quantity::{Duration, Scalar};

/// A scenario: what to do with every combination of its matrix, how often, and what to expect of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// The scenario's id: lower case words joined by `-`, the same as its file name.
    #[schemars(regex(pattern = r"^[a-z0-9]+(-[a-z0-9]+)*$"), extend("examples" = ["pairing-cold-start"]))]
    pub scenario: String,
    /// One sentence that says what the scenario shows.
    #[schemars(length(min = 1))]
    pub title: String,
    /// The claims this scenario tests, such as `claim/stale-cache`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covers: Vec<String>,
    /// Test cases of the Bluetooth SIG, or groups of them, whose behaviour the scenario exercises, such as `A2DP/SRC/SET/BV-01-I`. It passes
    /// none of them: that takes the SIG's own tester and procedure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<TestCase>")]
    pub exercises: Vec<String>,
    /// Words to select scenarios by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The axes, named by the author; one combination for each point of their product.
    #[schemars(extend("minProperties" = 1, "propertyNames" = {"pattern": r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "examples": ["near-microphone"]}))]
    pub matrix: IndexMap<String, Axis>,
    /// Conditions to compare: each runs the same combination with the steps that name it in `when` and with its own
    /// parameters. The trials of the conditions are interleaved.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty", deserialize_with = "parameters")]
    #[schemars(
        with = "IndexMap<String, IndexMap<String, Parameter>>",
        extend("propertyNames" = {"pattern": r"^[a-z0-9]+(-[a-z0-9]+)*$", "examples": ["power-cycled"]})
    )]
    pub conditions: IndexMap<String, IndexMap<String, String>>,
    /// Steps before each trial that are not part of what is judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<Step>,
    /// The steps of a trial.
    #[schemars(length(min = 1))]
    pub trial: Vec<Step>,
    /// Steps after each trial, whether it succeeded or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cleanup: Vec<Step>,
    /// How often a combination is tried.
    pub repeat: Repeat,
    /// The longest that the steps of `trial` may take together before the trial is ended; each step has its own limit when left out.
    /// A trial that is ended so has failed as `untimely`: it is the device that took the time, for a driver that hangs is found out by
    /// the limit of its step. Setup and cleanup are not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_limit: Option<Duration>,
    /// What has to hold; each becomes a verdict of its own.
    #[schemars(length(min = 1))]
    pub expect: Vec<Expect>,
}

impl Scenario {
    /// All steps that are done under `condition`, those beside others too, in the order in which they are written.
    pub fn steps_under<'s>(&'s self, condition: Option<&str>) -> impl Iterator<Item = &'s Step> + use<'s> {
        let all = self.setup.iter().chain(&self.trial).chain(&self.cleanup);
        let done: Vec<_> = all.filter(|step| step.applies(condition)).flat_map(|s| s.with_beside(condition)).collect();
        done.into_iter()
    }

    /// The steps of the trial proper under whatever condition, those beside others too, in the order in which they are written.
    pub fn steps_of_trial(&self) -> Vec<&Step> {
        fn all(steps: &[Step]) -> impl Iterator<Item = &Step> {
            steps.iter().flat_map(|step| std::iter::once(step).chain(all(&step.meanwhile).collect::<Vec<_>>()))
        }
        all(&self.trial).collect()
    }

    /// The axis of the unit that makes the link to the one on the axis `unit` under `condition`, if one does.
    pub fn linked_by<'s>(&'s self, unit: &str, condition: Option<&str>) -> Option<&'s str> {
        self.steps_under(condition).find_map(|step| match step.action() {
            Action::Connect(connect) if connect.unit == unit => Some(connect.by.as_str()),
            _ => None,
        })
    }
}

/// How often a combination is tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Repeat {
    /// No verdict before this many trials.
    #[schemars(range(min = 1, max = 100_000))]
    pub at_least: u32,
    /// No more trials than this; what is undecided then is inconclusive.
    #[schemars(range(min = 1, max = 100_000))]
    pub at_most: u32,
}

/// One axis of the matrix: a list of values, or a choice of units or microphones of the rig.
#[derive(Debug, Clone, PartialEq)]
pub enum Axis {
    /// Values written out, such as `[sbc, aac]`.
    Values(Vec<String>),
    /// The units of the rig that fit.
    Units(UnitChoice),
    /// A microphone of the rig.
    Microphone(MicrophoneChoice),
}

/// Which units of the rig stand on an axis: those for which everything that is given holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct UnitChoice {
    /// The role the device must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Tags that the device or the unit must carry, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Devices, such as `jbl/charge-5`; any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// Units of the rig by name; any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<String>,
    /// Firmware versions; any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firmware: Vec<String>,
    /// Do not pair a unit with itself: the other unit axes from which this one must differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differs_from: Vec<String>,
}

/// Which microphone stands on an axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MicrophoneChoice {
    /// The unit axis whose nearest microphone is meant.
    pub near: String,
}

/// The keys of an axis in map form. Deserialised through one visitor, so that no position is lost.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct AxisMap {
    role: Option<Role>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    devices: Vec<String>,
    #[serde(default)]
    units: Vec<String>,
    #[serde(default)]
    firmware: Vec<String>,
    #[serde(default)]
    differs_from: Vec<String>,
    microphone: Option<MicrophoneChoice>,
}

impl Serialize for Axis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Values(values) => values.serialize(serializer),
            Self::Units(choice) => choice.serialize(serializer),
            Self::Microphone(choice) => IndexMap::from([("microphone", choice)]).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Axis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AxisVisitor;
        impl<'de> Visitor<'de> for AxisVisitor {
            type Value = Axis;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of values or a choice of units")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Axis, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element::<Scalar>()? {
                    values.push(value.0);
                }
                Ok(Axis::Values(values))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Axis, A::Error> {
                let map = AxisMap::deserialize(MapAccessDeserializer::new(map))?;
                match map.microphone {
                    Some(choice) => Ok(Axis::Microphone(choice)),
                    None => Ok(Axis::Units(UnitChoice {
                        role: map.role,
                        tags: map.tags,
                        devices: map.devices,
                        units: map.units,
                        firmware: map.firmware,
                        differs_from: map.differs_from,
                    })),
                }
            }
        }
        deserializer.deserialize_any(AxisVisitor)
    }
}

/// Parameters of conditions: whole numbers are kept as they are written.
fn parameters<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<IndexMap<String, IndexMap<String, String>>, D::Error> {
    let given = IndexMap::<String, IndexMap<String, Scalar>>::deserialize(deserializer)?;
    let kept = |(name, Scalar(value)): (String, Scalar)| (name, value);
    Ok(given.into_iter().map(|(condition, given)| (condition, given.into_iter().map(kept).collect())).collect())
}

/// The schema of a condition's parameter. Other numbers have to be quoted: `1.10` would be read as 1.1.
struct Parameter;

impl JsonSchema for Parameter {
    fn schema_name() -> Cow<'static, str> {
        "Parameter".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "integer"]})
    }
}

/// A test case of the Bluetooth SIG, or a group of them: profile, groups, and `BV` or `BI` with a number.
struct TestCase;

impl JsonSchema for TestCase {
    fn schema_name() -> Cow<'static, str> {
        "TestCase".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[A-Z][A-Z0-9]*(/[A-Z0-9]+)+(/B[VI]-[0-9]{2,3}-[CI])?$",
            "examples": ["A2DP/SRC/SET/BV-01-I"],
        })
    }
}

impl JsonSchema for Axis {
    fn schema_name() -> Cow<'static, str> {
        "Axis".into()
    }
    /// Each keyword of JSON Schema speaks of one type only, so list and map need no `oneOf`: a fault is reported
    /// where it is.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let units = UnitChoice::json_schema(generator);
        let mut properties = units.get("properties").cloned().unwrap_or_default();
        if let Some(properties) = properties.as_object_mut() {
            properties.insert("microphone".into(), generator.subschema_for::<MicrophoneChoice>().to_value());
        }
        json_schema!({
            "description": "An axis: a list of values, or a choice of the rig's units or microphones.",
            "type": ["array", "object"],
            "items": {"type": ["string", "number", "boolean"]},
            "minItems": 1,
            "uniqueItems": true,
            "properties": properties,
            "additionalProperties": false,
            "minProperties": 1,
            "x-alone": "microphone",
        })
    }
}
