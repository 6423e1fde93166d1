//! The configuration that a step asks for: whether its codec can be so, at every point of the matrix.

use std::sync::Arc;

use super::{
    Vocabulary,
    steps::{self, Placed},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    document::{Action, Axis, Connect, Misfit, Profile, Scenario},
    load::Entry,
    plan::{AxisValue, Bindings},
    quantity::Param,
};

/// The axes or parameters that the fields of a step come from, by key.
fn sources(connect: &Connect) -> Vec<(&'static str, &str)> {
    fn of<'a, T>(key: &'static str, value: Option<&'a Param<T>>) -> Option<(&'static str, &'a str)> {
        match value? {
            Param::Fixed(_) => None,
            Param::From(name) => Some((key, name)),
        }
    }
    let Some(asked) = &connect.configuration else { return Vec::new() };
    let codec = match &connect.codec {
        None => Some(("codec", "codec")),
        codec => of("codec", codec.as_ref()),
    };
    [
        codec,
        of("rate", asked.rate.as_ref()),
        of("mode", asked.mode.as_ref()),
        of("bitpool", asked.bitpool.as_ref()),
        of("blocks", asked.blocks.as_ref()),
        of("subbands", asked.subbands.as_ref()),
        of("allocation", asked.allocation.as_ref()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Holds a step against every codec that it may ask for, under every condition.
pub(super) fn check(
    entry: &Entry<Scenario>,
    placed: &Placed<'_>,
    connect: &Connect,
    vocabulary: &Vocabulary<'_>,
    faults: &mut Vec<Diagnostic>,
) {
    let scenario = &entry.value;
    if connect.configuration.is_none() {
        return;
    }
    if connect.profile != Profile::A2dp {
        let path = placed.at(["connect", "configuration"]);
        let message = format!("{} has no configuration that could be asked for", connect.profile);
        faults.push(entry.diagnostic(Code::UnfitValue, &path, message).suggest("delete it, or connect `a2dp`"));
        return;
    }
    let sources = sources(connect);
    let mut axes: Vec<(&str, &[String])> = Vec::new();
    for (_, name) in &sources {
        if let Some(Axis::Values(values)) = scenario.matrix.get(*name)
            && axes.iter().all(|(known, _)| known != name)
        {
            axes.push((name, values));
        }
    }
    let plays = steps::placed(scenario).iter().any(|placed| matches!(placed.step.action(), Action::Play(_)));
    for condition in steps::conditions(&scenario.conditions).into_iter().filter(|c| placed.applies(*c)) {
        let parameters = condition.and_then(|c| scenario.conditions.get(c));
        let mut odometer = vec![0_usize; axes.len()];
        loop {
            let point: Vec<(Arc<str>, AxisValue)> = odometer
                .iter()
                .zip(&axes)
                .filter_map(|(&n, (name, values))| {
                    Some(((*name).into(), AxisValue::Value(values.get(n)?.as_str().into())))
                })
                .collect();
            let bindings = Bindings::new(&point, parameters);
            // What does not read at all is told where it stands.
            if let (Ok(codec), Ok(Some(wanted))) = (bindings.codec(connect), bindings.asked(connect)) {
                let silent = || {
                    let hz = wanted.rate_hz.filter(|hz| plays && !vocabulary.rates.contains(hz))?;
                    let khz = |hz: u32| format!("`{} kHz`", f64::from(hz) / 1000.0);
                    let known: Vec<String> = vocabulary.rates.iter().copied().map(khz).collect();
                    let what = format!("no stimulus is made at {}, and a step plays one", khz(hz).trim_matches('`'));
                    Some(Misfit { key: "rate", what, advice: format!("write one of {}", known.join(", ")) })
                };
                if let Some(misfit) = wanted.misfit(codec).or_else(silent) {
                    let source = sources.iter().find(|(key, _)| *key == misfit.key).map(|(_, name)| *name);
                    let place = source.and_then(|name| axes.iter().position(|(axis, _)| *axis == name));
                    let number = place.map(|place| odometer[place].to_string());
                    let path: Vec<&str> = match (source, &number, condition) {
                        (Some(name), Some(number), _) => vec!["matrix", name, number],
                        (Some(name), None, Some(condition)) => vec!["conditions", condition, name],
                        _ => placed.at(["connect", "configuration", misfit.key]),
                    };
                    let fault = entry.diagnostic(Code::UnfitValue, &path, misfit.what).suggest(misfit.advice);
                    if !faults.contains(&fault) {
                        faults.push(fault);
                    }
                }
            }
            let Some(turn) = (0..axes.len()).rev().find(|&i| odometer[i] + 1 < axes[i].1.len()) else { break };
            odometer[turn] += 1;
            odometer[turn + 1..].fill(0);
        }
    }
}
