//! Combinations that somebody speaks of and no device is known for.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{AxisValue, Combination, expand};
use crate::{
    document::{Placeholder, Scenario},
    id::CombinationId,
};

/// What stands for a firmware that nobody named.
const ANY: &str = "any";

/// The combinations that a placeholder of `scenario` stands for, each skipped with the reason why; without those for which a unit stands in the
/// rig, be it one that stands for nothing itself: `planned` has them.
pub fn placeholders(placeholder: &Placeholder, scenario: &Scenario, planned: &[Combination]) -> Vec<Combination> {
    let mut points: Vec<Vec<(Arc<str>, AxisValue)>> = vec![Vec::new()];
    let mut axes: Vec<_> = placeholder.axes.iter().collect();
    axes.sort_by(|a, b| a.0.cmp(b.0));
    for (axis, absent) in axes {
        let firmware: Vec<&str> =
            if absent.firmware.is_empty() { vec![ANY] } else { absent.firmware.iter().map(String::as_str).collect() };
        let of =
            |device: &String| -> Vec<AxisValue> { firmware.iter().map(|firmware| value(device, firmware)).collect() };
        let values: Vec<AxisValue> = absent.devices.iter().flat_map(of).collect();
        let with = |point: &Vec<(Arc<str>, AxisValue)>| -> Vec<Vec<_>> {
            let one =
                |value: &AxisValue| point.iter().cloned().chain([(axis.as_str().into(), value.clone())]).collect();
            values.iter().map(one).collect()
        };
        points = points.iter().flat_map(with).collect();
    }
    let stands = |point: &[(Arc<str>, AxisValue)]| {
        let mut of_scenario = planned.iter().filter(|c| *c.scenario == *scenario.scenario);
        of_scenario.any(|c| point.iter().all(|(axis, value)| c.axis(axis).is_some_and(|there| same(value, there))))
    };
    points.retain(|point| !stands(point));
    let conditions: Vec<Option<&str>> = match scenario.conditions.is_empty() {
        true => vec![None],
        false => scenario.conditions.keys().map(|c| Some(c.as_str())).collect(),
    };
    let of = |axes: &Vec<_>| -> Vec<Combination> {
        conditions
            .iter()
            .map(|condition| combination(scenario, axes.clone(), *condition, &placeholder.reason))
            .collect()
    };
    points.iter().flat_map(of).collect()
}

fn value(device: &str, firmware: &str) -> AxisValue {
    let model = device.rsplit('/').next().unwrap_or(device);
    let name = if firmware == ANY { model.to_owned() } else { format!("{model}-{firmware}") };
    AxisValue::Unit { name: name.into(), device: device.into(), firmware: firmware.into() }
}

fn same(wanted: &AxisValue, there: &AxisValue) -> bool {
    match (wanted, there) {
        (AxisValue::Unit { device, firmware, .. }, AxisValue::Unit { device: other, firmware: runs, .. }) => {
            device == other && (firmware == runs || **firmware == *ANY)
        }
        _ => false,
    }
}

fn combination(
    scenario: &Scenario,
    axes: Vec<(Arc<str>, AxisValue)>,
    condition: Option<&str>,
    reason: &str,
) -> Combination {
    // It is no point of the matrix: it has not the id that a unit of the device would bring.
    let mut group = Sha256::new_with_prefix(expand::meaning_of(scenario)).chain_update("placeholder");
    for (name, value) in &axes {
        group.update(name.as_bytes());
        if let AxisValue::Unit { device, firmware, .. } = value {
            group.update(device.as_bytes());
            group.update([0]);
            group.update(firmware.as_bytes());
        }
        group.update([0]);
    }
    let meaning = group.clone().chain_update(condition.unwrap_or_default());
    let pairs = axes.iter().map(|(name, value)| (&**name, value.text())).chain(condition.map(|c| ("condition", c)));
    Combination {
        id: CombinationId::new(&scenario.scenario, pairs, &meaning.finalize().into()),
        scenario: scenario.scenario.as_str().into(),
        condition: condition.map(Into::into),
        group: expand::group(&group.finalize().into()),
        axes,
        resources: Arc::from([]),
        relies_on: Arc::from([]),
        trial_ns: 0,
        skipped: Some(format!("placeholder: {reason}").into()),
    }
}
