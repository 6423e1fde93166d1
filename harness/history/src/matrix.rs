//! The matrix: the newest evidence of every point, and the points that nobody has tried.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    Kind,
    age::ago,
    firmware::natural,
    history::{Axis, Cell, Head, Line, Matrix, State, Tally},
    index::Loaded,
    text::{figure, heading},
    word::Word,
};

/// The axis of the rows and that of the columns, by the names that scenarios give them.
const ROWS: &str = "source";
const COLUMNS: &str = "speaker";

/// A matrix for each scenario on each kind of rig.
pub(crate) fn matrices(loaded: &Loaded, lines: &[Line], stale_after_s: i64) -> Vec<Matrix> {
    let mut groups: BTreeMap<(Kind, &str), Vec<&Line>> = BTreeMap::new();
    for line in lines {
        groups.entry((line.kind, &line.scenario)).or_default().push(line);
    }
    let title = |scenario: &str| loaded.scenarios.iter().find(|s| s.scenario == scenario).map(|s| s.title.clone());
    groups
        .into_iter()
        .map(|((kind, scenario), lines)| Matrix {
            title: title(scenario),
            ..matrix(kind, scenario, &lines, stale_after_s)
        })
        .collect()
}

/// Which axes are rows and columns: those of source and speaker, else the first with units, else any.
fn chosen(lines: &[&Line]) -> (Option<String>, Option<String>) {
    let axes: BTreeSet<(&str, bool)> = lines
        .iter()
        .flat_map(|line| line.axes.iter().map(|(name, axis)| (name.as_str(), axis.device.is_some())))
        .collect();
    let mut units: Vec<&str> = axes.iter().filter(|(_, unit)| *unit).map(|(name, _)| *name).collect();
    let mut others: Vec<&str> = axes.iter().filter(|(_, unit)| !unit).map(|(name, _)| *name).collect();
    let mut take = |wanted: &str| {
        let from = if units.is_empty() { &mut others } else { &mut units };
        let at = from.iter().position(|name| *name == wanted).unwrap_or(0);
        (at < from.len()).then(|| from.remove(at).to_owned())
    };
    // The columns first: a scenario with one unit is about its speaker.
    let column = take(COLUMNS);
    let row = take(ROWS);
    (row, column)
}

fn head(axis: Option<&Axis>) -> Head {
    match axis {
        Some(Axis { device: Some(device), firmware, .. }) => Head { name: device.clone(), firmware: firmware.clone() },
        Some(axis) => Head { name: axis.name.clone(), firmware: None },
        None => Head { name: "all".to_owned(), firmware: None },
    }
}

/// The axes that are neither row nor column, and the condition.
pub(crate) fn others(line: &Line, without: &[Option<&str>]) -> String {
    let axes = line.axes.iter().filter(|(name, _)| !without.contains(&Some(name.as_str())));
    let mut parts: Vec<String> = axes.map(|(name, axis)| format!("{name}={}", shown(axis))).collect();
    parts.extend(line.condition.iter().map(|condition| format!("condition={condition}")));
    parts.join(", ")
}

/// A unit by device and firmware: two units of one firmware are one point.
fn shown(axis: &Axis) -> String {
    match (&axis.device, &axis.firmware) {
        (Some(device), Some(firmware)) => format!("{device} {firmware}"),
        _ => axis.name.clone(),
    }
}

fn matrix(kind: Kind, scenario: &str, lines: &[&Line], stale_after_s: i64) -> Matrix {
    let (row_axis, column_axis) = chosen(lines);
    let axis = |line: &Line, name: &Option<String>| head(name.as_ref().and_then(|name| line.axes.get(name)));
    let without = [row_axis.as_deref(), column_axis.as_deref()];
    let mut points: BTreeMap<(Head, Head, String), Vec<&Line>> = BTreeMap::new();
    for line in lines {
        let point = (axis(line, &row_axis), axis(line, &column_axis), others(line, &without));
        points.entry(point).or_default().push(line);
    }
    let rows = heads(points.keys().map(|(row, ..)| row));
    let columns = heads(points.keys().map(|(_, column, _)| column));
    let variants: BTreeSet<&String> = points.keys().map(|(.., others)| others).collect();
    let mut variants: Vec<String> = variants.into_iter().cloned().collect();
    variants.sort_by(|a, b| natural(a).cmp(&natural(b)));
    let mut cells = Vec::with_capacity(rows.len() * columns.len() * variants.len());
    for (row, row_head) in rows.iter().enumerate() {
        for (column, column_head) in columns.iter().enumerate() {
            for others in &variants {
                let point = (row_head.clone(), column_head.clone(), others.clone());
                let there = points.get(&point).map_or(&[][..], Vec::as_slice);
                cells.push(cell((row, column), others, there, lines, stale_after_s));
            }
        }
    }
    Matrix { kind, scenario: scenario.to_owned(), title: None, row_axis, column_axis, rows, columns, cells }
}

/// Each row or column once, names and versions as people order them.
fn heads<'a>(found: impl Iterator<Item = &'a Head>) -> Vec<Head> {
    let mut heads: Vec<Head> = found.collect::<BTreeSet<_>>().into_iter().cloned().collect();
    heads.sort_by(|a, b| natural(&heading(a)).cmp(&natural(&heading(b))));
    heads
}

/// How bad a verdict is.
fn rank(verdict: Word) -> u8 {
    match verdict {
        Word::Fail => 2,
        Word::Inconclusive => 1,
        _ => 0,
    }
}

/// The newest evidence of a point. Where several units have one firmware, the newest of them all; of two of one run the worse.
fn cell((row, column): (usize, usize), others: &str, there: &[&Line], all: &[&Line], stale_after_s: i64) -> Cell {
    let answered = there.iter().filter_map(|line| line.last.as_ref().map(|last| (*line, last)));
    let newest = answered.max_by_key(|(_, last)| (last.when.run, rank(last.verdict)));
    let tried = there.iter().filter_map(|line| line.tried.as_ref()).max_by_key(|tried| tried.when.run);
    let tried = tried.filter(|tried| newest.is_none_or(|(_, last)| tried.when.run > last.when.run)).cloned();
    let state = match newest {
        Some((_, last)) if last.when.age_s <= stale_after_s => State::Fresh,
        Some(_) => State::Stale,
        None if there.is_empty() => State::NeverPlanned,
        None => State::Unanswered,
    };
    let passes = state == State::Fresh && newest.is_some_and(|(_, last)| last.verdict == Word::Pass);
    let id = newest.map(|(line, _)| line).or(there.first().copied());
    Cell {
        row,
        column,
        others: others.to_owned(),
        state,
        id: id.map(|line| line.id.clone()),
        units: newest.and_then(|(line, _)| units(line, there)),
        combinations: there.len(),
        answers: tallied(there),
        last: newest.map(|(_, last)| last.clone()),
        figure: newest.and_then(|(line, _)| figure::worst(line)),
        tried,
        proven: id.filter(|_| !passes).and_then(|line| proven(line, all)),
    }
}

/// How many combinations have which newest answer, the worst first.
fn tallied(there: &[&Line]) -> Vec<Tally> {
    let mut tallies: Vec<Tally> = Vec::new();
    for verdict in there.iter().filter_map(|line| line.last.as_ref()).map(|last| last.verdict) {
        match tallies.iter_mut().find(|tally| tally.verdict == verdict) {
            Some(tally) => tally.combinations += 1,
            None => tallies.push(Tally { verdict, combinations: 1 }),
        }
    }
    tallies.sort_by_key(|tally| Reverse(rank(tally.verdict)));
    tallies
}

/// The units of a combination that others of its point do not have; nothing where it is alone.
fn units(line: &Line, there: &[&Line]) -> Option<String> {
    let shared = |name: &str| there.iter().all(|other| other.axes.get(name) == line.axes.get(name));
    let units = line.axes.iter().filter(|(name, axis)| axis.device.is_some() && !shared(name));
    let units: Vec<String> = units.map(|(name, axis)| format!("{name} {}", axis.name)).collect();
    (!units.is_empty()).then(|| units.join(", "))
}

/// The newest pass of the same devices, whatever their firmware and unit; of those of one run that with the least other firmware, then with the
/// fewest other units.
fn proven(line: &Line, all: &[&Line]) -> Option<String> {
    let lineage = lineage(line);
    let passed = all.iter().filter(|other| self::lineage(other) == lineage);
    let passed = passed
        .filter_map(|other| other.proven.map(|when| (when, other_firmware(line, other), other_units(line, other))));
    let (when, firmware, units) =
        passed.max_by_key(|(when, firmware, units)| (when.run, Reverse(firmware.len()), Reverse(units.len())))?;
    let on: Vec<String> = [firmware, units].concat();
    let on = if on.is_empty() { String::new() } else { format!(" on {}", on.join(" and ")) };
    Some(format!("{}{on}", ago(when.age_s)))
}

/// The units that `other` had in place of those of `line`, such as `speaker box-2`, where their firmware does not tell them apart.
fn other_units(line: &Line, other: &Line) -> Vec<String> {
    let units = other.axes.iter().filter_map(|(name, axis)| {
        let here = line.axes.get(name)?;
        let another = axis.device.is_some() && here.firmware == axis.firmware && here.name != axis.name;
        another.then(|| format!("{name} {}", axis.name))
    });
    units.collect()
}

/// The firmware that `other` had and `line` has not, such as `speaker firmware 2.1`.
fn other_firmware(line: &Line, other: &Line) -> Vec<String> {
    let firmware = other.axes.iter().filter_map(|(name, axis)| {
        let firmware = axis.firmware.as_ref()?;
        let same = line.axes.get(name).is_some_and(|here| here.firmware.as_ref() == Some(firmware));
        (!same).then(|| format!("{name} firmware {firmware}"))
    });
    firmware.collect()
}

/// What two combinations have in common that differ in firmware only.
pub(crate) fn lineage(line: &Line) -> (Kind, &str, Option<&str>, Vec<(&str, &str)>) {
    let axes = line.axes.iter().map(|(name, axis)| (name.as_str(), axis.device.as_deref().unwrap_or(&axis.name)));
    (line.kind, &line.scenario, line.condition.as_deref(), axes.collect())
}
