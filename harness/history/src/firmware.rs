//! Firmware versions of one device, everything else alike: a change of firmware is another combination, and no change point.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rigtone_judge::{proportion::Proportion, rates::fisher};

use crate::{
    Kind,
    history::{Firmware, Line, Version, Within},
    index::Run,
    matrix::others,
    series::{confidence, proportion, rate},
};

/// What is alike: kind of rig, scenario, axis, device, and the other axes.
type Key = (Kind, String, String, String, String);

/// What was expected, and how many expectations in the same words stand before it. Its place would not do: a scenario may gain another one in
/// front.
type Asked = (String, usize);

/// What an expectation came to.
struct Answers {
    /// Where it stands among those of its scenario, for the order in which it is shown.
    place: usize,
    versions: BTreeMap<String, Sum>,
}

/// The trials of a version, in all its runs.
#[derive(Default)]
struct Sum {
    held: u64,
    n: u64,
    runs: Vec<usize>,
    /// That with which the expectation is judged.
    confidence: Option<f64>,
    changed: Vec<Within>,
}

/// Devices that have several versions, with what each gating expectation came to.
pub(crate) fn firmware(lines: &[Line], runs: &[Run]) -> Vec<Firmware> {
    let mut found: BTreeMap<Key, BTreeMap<Asked, Answers>> = BTreeMap::new();
    for line in lines {
        for (name, axis) in &line.axes {
            let (Some(device), Some(version)) = (&axis.device, &axis.firmware) else { continue };
            let others = others(line, &[Some(name)]);
            let key = (line.kind, line.scenario.clone(), name.clone(), device.clone(), others);
            let asked = found.entry(key).or_default();
            let mut before: HashMap<&str, usize> = HashMap::new();
            for (place, series) in line.series.iter().enumerate().filter(|(_, s)| s.gating && !s.part) {
                let number = before.entry(&series.expected).or_default();
                let answers = asked.entry((series.expected.clone(), *number));
                let answers = answers.or_insert_with(|| Answers { place, versions: BTreeMap::new() });
                *number += 1;
                answers.place = answers.place.max(place);
                let sum = answers.versions.entry(version.clone()).or_default();
                sum.confidence = confidence(series).or(sum.confidence);
                sum.changed.extend(series.changes.iter().map(|change| Within {
                    id: line.id.clone(),
                    run: change.run,
                    before: change.before,
                    after: change.after,
                }));
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
    let mut compared = Vec::new();
    for ((kind, scenario, axis, device, others), asked) in found {
        let mut asked: Vec<(Asked, Answers)> = asked.into_iter().collect();
        asked.sort_by_key(|(_, answers)| answers.place);
        for ((expected, _), answers) in asked {
            let versions = told(answers.versions, runs);
            if versions.len() > 1 {
                compared.push(Firmware {
                    kind,
                    scenario: scenario.clone(),
                    axis: axis.clone(),
                    device: device.clone(),
                    others: others.clone(),
                    expected,
                    versions,
                });
            }
        }
    }
    compared
}

/// The versions that have trials, by the time of their first run, each beside the one before.
fn told(versions: BTreeMap<String, Sum>, runs: &[Run]) -> Vec<Version> {
    let mut sums: Vec<(String, Sum)> = versions.into_iter().filter(|(_, sum)| sum.n > 0).collect();
    sums.iter_mut().for_each(|(_, sum)| {
        sum.runs.sort_unstable();
        sum.runs.dedup();
        sum.changed.sort_by_key(|change| change.run);
    });
    // Versions that were tried side by side from the beginning stand in the order of their names, numbers by their value.
    sums.sort_by(|a, b| (a.1.runs[0], natural(&a.0)).cmp(&(b.1.runs[0], natural(&b.0))));
    let mut before: Option<Proportion> = None;
    sums.into_iter()
        .filter_map(|(firmware, sum)| {
            let all = Proportion::new(sum.held, sum.n).ok()?;
            let p = before.replace(all).map(|before| fisher(before, all).two_sided);
            let (first_run, last_run) = (*sum.runs.first()?, *sum.runs.last()?);
            let rigs: BTreeSet<&String> = sum.runs.iter().map(|run| &runs[*run].rig).collect();
            Some(Version {
                firmware,
                runs: sum.runs.len(),
                first_run,
                last_run,
                rigs: rigs.into_iter().cloned().collect(),
                rate: rate(all, sum.confidence),
                changed: sum.changed,
                p,
            })
        })
        .collect()
}

/// A name as people order it, numbers by their value: 1.9 before 1.10, and `rate=8000` before `rate=48000`.
pub(crate) fn natural(name: &str) -> Vec<(&str, u64)> {
    let (mut parts, mut rest) = (Vec::new(), name);
    while !rest.is_empty() {
        let (text, from) = rest.split_at(rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len()));
        let (digits, after) = from.split_at(from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len()));
        // Nothing, or a number that is too large for any order.
        let number = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u64::MAX) };
        parts.push((text, number));
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1.9", "1.10")]
    #[case("1.9", "1.9.1")]
    #[case("1.9", "1.9-beta")]
    #[case("box-2", "box-10")]
    #[case("codec=aac, rate=8000", "codec=aac, rate=48000")]
    #[case("", "1")]
    #[case("9", "x")]
    #[case("99999999999999999998", "99999999999999999999a")]
    fn names_stand_in_the_order_of_their_numbers(#[case] first: &str, #[case] second: &str) {
        assert!(natural(first) < natural(second), "{:?} {:?}", natural(first), natural(second));
    }
}
