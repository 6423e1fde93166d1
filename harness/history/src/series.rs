//! The answers of an expectation, run by run, and where they changed on a rig.

use std::collections::{BTreeMap, HashMap};

use rigtone_judge::{
    Confidence,
    change::{Search, changes},
    proportion::Proportion,
};

use crate::{
    history::{Changed, Point, Rate, Series},
    index::{Answer, Entry, Run},
};

/// The confidence of intervals of several runs together, where no verdict tells that of the expectation.
const CONFIDENCE: f64 = 0.95;

/// How far an estimate may be from the share in which it held, to be that share.
const SAME: f64 = 1e-6;

/// The series of a combination, in the order of its newest answer; those that it no longer has come last.
pub(crate) fn series(entries: &[Entry], questions: &[(String, String)], runs: &[Run]) -> Vec<Series> {
    let mut places: HashMap<(usize, usize, bool), usize> = HashMap::new();
    let mut found: Vec<Series> = Vec::new();
    // The newest answer comes first: it gives the order.
    for (age, entry) in entries.iter().rev().filter(|entry| !entry.answers.is_empty()).enumerate() {
        // One question may be asked twice: of two steps in the same words.
        let mut asked: HashMap<(usize, bool), usize> = HashMap::new();
        for answer in &entry.answers {
            let number = asked.entry((answer.question, answer.part)).or_default();
            let place = *places.entry((answer.question, *number, answer.part)).or_insert_with(|| {
                found.push(of(answer, questions, age == 0));
                found.len() - 1
            });
            *number += 1;
            found[place].points.push(point(entry.run, answer));
        }
    }
    found.into_iter().map(|series| finished(series, runs)).collect()
}

fn of(answer: &Answer, questions: &[(String, String)], current: bool) -> Series {
    let (expected, unit) = questions.get(answer.question).cloned().unwrap_or_default();
    let (part, gating) = (answer.part, answer.gating);
    Series { expected, part, gating, current, unit, rate: false, points: Vec::new(), changes: Vec::new() }
}

fn point(run: usize, answer: &Answer) -> Point {
    Point {
        run,
        verdict: answer.verdict,
        n: answer.n,
        held: answer.held,
        ambiguous: answer.ambiguous,
        estimate: answer.estimate,
        low: answer.low,
        high: answer.high,
        confidence: answer.confidence,
    }
}

/// Puts the points in order, makes percentages of rates, and looks for changes.
fn finished(mut series: Series, runs: &[Run]) -> Series {
    series.points.reverse();
    let factor = match series.unit.as_str() {
        "" => 100.0,
        _ => 1.0,
    };
    let is_rate = |point: &Point| {
        let of = |n: u32| 100.0 * f64::from(point.held) / f64::from(n);
        let shares = [of(point.n), of(point.n.saturating_sub(point.ambiguous))];
        point.estimate.is_none_or(|e| shares.iter().any(|share| (e * factor - share).abs() <= SAME * 100.0))
    };
    let answered = || series.points.iter().filter(|point| point.n > 0);
    series.rate = matches!(series.unit.as_str(), "" | "%") && answered().next().is_some() && answered().all(is_rate);
    if series.rate {
        series.unit = "%".to_owned();
        for value in series.points.iter_mut().flat_map(|p| [&mut p.estimate, &mut p.low, &mut p.high]).flatten() {
            *value *= factor;
        }
    }
    series.changes = changed(&series, runs);
    series
}

/// Looks for changes in what each rig saw. Between two rigs none is looked for: it would be one of the room as likely as one of the device.
fn changed(series: &Series, runs: &[Run]) -> Vec<Changed> {
    let mut of_rig: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, point) in series.points.iter().enumerate() {
        of_rig.entry(&runs[point.run].rig).or_default().push(place);
    }
    let sure = confidence(series);
    let mut found = Vec::new();
    for places in of_rig.values() {
        let counts: Vec<Proportion> = places.iter().map(|place| proportion(&series.points[*place])).collect();
        found.extend(changes(&counts, Search::default()).into_iter().map(|change| Changed {
            run: series.points[places[change.at]].run,
            point: places[change.at],
            before: rate(change.before, sure),
            after: rate(change.after, sure),
            p: change.p,
        }));
    }
    found.sort_by_key(|change| change.point);
    found
}

/// In how many of the trials that tell it held: what a microphone cannot decide is no change of the device.
pub(crate) fn proportion(point: &Point) -> Proportion {
    let (held, n) = (u64::from(point.held), u64::from(point.n.saturating_sub(point.ambiguous)));
    // A file may say that it held more often than it was tried: then it says nothing.
    Proportion::new(held, n).unwrap_or(Proportion::new(0, 0).expect("nothing of nothing is a proportion"))
}

/// The confidence with which the expectation is judged: that of its newest interval.
pub(crate) fn confidence(series: &Series) -> Option<f64> {
    series.points.iter().rev().find_map(|point| point.confidence)
}

/// Several runs together, in %; with the exact limits that each of them is shown with.
pub(crate) fn rate(of: Proportion, confidence: Option<f64>) -> Rate {
    // A file may say anything.
    let confidence = confidence.and_then(|confidence| Confidence::new(confidence).ok());
    let confidence = confidence.unwrap_or_else(|| Confidence::new(CONFIDENCE).expect("it lies between 0 and 1"));
    let interval = of.clopper_pearson(confidence);
    Rate {
        held: of.successes(),
        n: of.trials(),
        estimate: 100.0 * of.estimate().unwrap_or(0.0),
        low: 100.0 * interval.lower,
        high: 100.0 * interval.upper,
        confidence: confidence.get(),
    }
}
