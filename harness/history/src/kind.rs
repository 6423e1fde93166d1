//! Kinds of rigs, which never prove anything for each other.

use rigtone_model::plan::{AxisValue, Combination};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a rig's world is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Real devices in a lab.
    Hardware,
    /// Real drivers and a real kernel, virtual devices.
    Virtual,
    /// Simulated in the process.
    Simulated,
    /// The run does not tell.
    Unknown,
}

impl Kind {
    /// Every kind, the one that proves most first.
    pub const ALL: [Self; 4] = [Self::Hardware, Self::Virtual, Self::Simulated, Self::Unknown];

    /// Its name in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hardware => "hardware",
            Self::Virtual => "virtual",
            Self::Simulated => "simulated",
            Self::Unknown => "unknown",
        }
    }

    /// The kind of that name.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// As a heading, with what it is worth.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Hardware => "hardware: real devices",
            Self::Virtual => "virtual rig: real drivers, no real device; it proves nothing about one",
            Self::Simulated => "simulated rig: no real device; it proves nothing about one",
            Self::Unknown => "unknown rig: the run does not say what it ran on; it proves nothing about a device",
        }
    }

    /// The kind of rig of a run: by what its environment says of the world, and by the devices that it had. A run that was merged of
    /// others is worth what the least of them is.
    pub(crate) fn of(environment: Option<&Value>, combinations: &[Combination]) -> Self {
        let Some(environment) = environment else { return Self::Unknown };
        if let Some(parts) = environment["merged"].as_array() {
            let of_part = |part: &Value| Self::of(Some(&part["environment"]), combinations);
            return parts.iter().map(of_part).max().unwrap_or(Self::Unknown);
        }
        match &environment["rig"] {
            Value::Object(rig) if rig.get("world").is_some_and(|world| world == "simulated") => Self::Simulated,
            Value::Object(_) if combinations.iter().any(has_virtual_unit) => Self::Virtual,
            Value::Object(_) => Self::Hardware,
            _ => Self::Unknown,
        }
    }
}

/// The devices of the virtual rig have names of their own.
fn has_virtual_unit(combination: &Combination) -> bool {
    combination.axes.iter().any(|(_, value)| match value {
        AxisValue::Unit { device, .. } => {
            device.starts_with("virtual/")
                || device.starts_with("rigtone/virtual-")
                || &**device == "rigtone/reference-sink"
        }
        AxisValue::Microphone(_) | AxisValue::Value(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn with(device: &str) -> Combination {
        let unit = AxisValue::Unit { name: "u".into(), device: device.into(), firmware: "1".into() };
        Combination {
            id: "s/a=u#1".into(),
            scenario: "s".into(),
            axes: vec![("a".into(), unit)],
            condition: None,
            group: 0,
            resources: Arc::default(),
            relies_on: Arc::default(),
            trial_ns: 0,
            skipped: None,
        }
    }

    #[rstest]
    #[case::simulated(Some(json!({"rig": {"world": "simulated"}})), "jbl/charge-5", Kind::Simulated)]
    #[case::hardware(Some(json!({"rig": {"kernel": "6"}})), "jbl/charge-5", Kind::Hardware)]
    #[case::virtual_speaker(Some(json!({"rig": {"kernel": "6"}})), "rigtone/virtual-speaker", Kind::Virtual)]
    #[case::nobody_tells(None, "jbl/charge-5", Kind::Unknown)]
    #[case::no_rig(Some(json!({"kernel": "6"})), "jbl/charge-5", Kind::Unknown)]
    #[case::not_an_object(Some(json!([1])), "jbl/charge-5", Kind::Unknown)]
    #[case::merged_of_real_ones(
        Some(json!({"merged": [{"environment": {"rig": {}}}, {"environment": {"rig": {}}}]})), "jbl/charge-5", Kind::Hardware
    )]
    #[case::merged_with_a_simulated_one(
        Some(json!({"merged": [{"environment": {"rig": {}}}, {"environment": {"rig": {"world": "simulated"}}}]})),
        "jbl/charge-5", Kind::Simulated
    )]
    #[case::merged_of_none(Some(json!({"merged": []})), "jbl/charge-5", Kind::Unknown)]
    fn a_rig_is_worth_what_its_run_says(#[case] environment: Option<Value>, #[case] device: &str, #[case] kind: Kind) {
        assert_eq!(Kind::of(environment.as_ref(), &[with(device)]), kind);
    }
}
