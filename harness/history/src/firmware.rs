//! Firmware versions of one device, everything else alike: a change of firmware is another combination, and no change point.

use std::collections::BTreeMap;

use rigtone_judge::{proportion::Proportion, rates::fisher};

use crate::{
    Kind,
    history::{Firmware, Line, Version},
    matrix::others,
    series::{confidence, proportion, rate},
};

/// What is alike: kind of rig, scenario, axis, device, the other axes, the place of the expectation, and the expectation.
type Key = (Kind, String, String, String, String, usize, String);

/// The trials of a version, in all its runs.
#[derive(Default)]
struct Sum {
    held: u64,
    n: u64,
    runs: Vec<usize>,
    /// That with which the expectation is judged.
    confidence: Option<f64>,
}

/// Devices that have several versions, with what each gating expectation came to.
pub(crate) fn firmware(lines: &[Line]) -> Vec<Firmware> {
    let mut found: BTreeMap<Key, BTreeMap<String, Sum>> = BTreeMap::new();
    for line in lines {
        for (name, axis) in &line.axes {
            let (Some(device), Some(version)) = (&axis.device, &axis.firmware) else { continue };
            let others = others(line, &[Some(name)]);
            for (place, series) in line.series.iter().enumerate().filter(|(_, s)| s.gating && !s.part) {
                let key = (
                    line.kind,
                    line.scenario.clone(),
                    name.clone(),
                    device.clone(),
                    others.clone(),
                    place,
                    series.expected.clone(),
                );
                let sum = found.entry(key).or_default().entry(version.clone()).or_default();
                sum.confidence = confidence(series).or(sum.confidence);
                for point in &series.points {
                    let counted = proportion(point);
                    if counted.trials() > 0 {
                        sum.held += counted.successes();
                        sum.n += counted.trials();
                        sum.runs.push(point.run);
                    }
                }
            }
        }
    }
    let several = found.into_iter().map(|(key, versions)| (key, told(versions))).filter(|(_, v)| v.len() > 1);
    several
        .map(|((kind, scenario, axis, device, others, _, expected), versions)| Firmware {
            kind,
            scenario,
            axis,
            device,
            others,
            expected,
            versions,
        })
        .collect()
}

/// The versions that have trials, by the time of their first run, each beside the one before.
fn told(versions: BTreeMap<String, Sum>) -> Vec<Version> {
    let mut sums: Vec<(String, Sum)> = versions.into_iter().filter(|(_, sum)| sum.n > 0).collect();
    sums.iter_mut().for_each(|(_, sum)| {
        sum.runs.sort_unstable();
        sum.runs.dedup();
    });
    // Versions that were tried side by side from the beginning stand in the order of their names, numbers by their value.
    sums.sort_by(|a, b| (a.1.runs[0], natural(&a.0)).cmp(&(b.1.runs[0], natural(&b.0))));
    let mut before: Option<Proportion> = None;
    sums.into_iter()
        .filter_map(|(firmware, sum)| {
            let all = Proportion::new(sum.held, sum.n).ok()?;
            let p = before.replace(all).map(|before| fisher(before, all).two_sided);
            let (first_run, last_run) = (*sum.runs.first()?, *sum.runs.last()?);
            Some(Version { firmware, runs: sum.runs.len(), first_run, last_run, rate: rate(all, sum.confidence), p })
        })
        .collect()
}

/// A version as people order them: 1.9 before 1.10.
fn natural(version: &str) -> Vec<(u64, String)> {
    version
        .split(['.', '-', '_', ' '])
        .map(|part| {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            (digits.parse().unwrap_or(u64::MAX), part[digits.len()..].to_owned())
        })
        .collect()
}
