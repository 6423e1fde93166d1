//! `rigtone compare`

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use clap::Args;
use rigtone_judge::{
    Confidence,
    comparison::{By, Compared, Gatherer, Margins, Matched, Series, Side, SideError, compare},
    verdicts::RunPlan,
};
use rigtone_model::{
    comparison::{Comparisons, Question},
    plan::{Combination, Selector},
};
use rigtone_record::{merged_of, read_environment, read_plan};
use rigtone_report::{comparison, exit::Code};

use super::{
    judge::{doubled, foreign},
    log::read_log,
    report::read_trouble,
};
use crate::{printer, trouble::Trouble};

/// What is compared.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// Run directories: two that are compared, or any number that are looked at together with `--by`.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// What the two sides differ in: `run`, `condition`, an axis such as `codec`, or `speaker.firmware`; `run` when left out.
    #[arg(long, value_name = "KEY")]
    by: Option<By>,
    /// The two values of what `--by` names to compare, where there are more: the second beside the first.
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    between: Vec<String>,
    /// Only combinations that match, such as `speaker=charge-5*`; several must all match.
    #[arg(long, value_name = "KEY=PATTERN")]
    select: Vec<Selector>,
    /// The smallest difference that matters, such as "5 %" of a rate, "10 ms" or "1 dB"; one for each unit.
    #[arg(long, value_name = "QUANTITY", value_parser = margin)]
    margin: Vec<(String, f64)>,
    /// The confidence of every interval and of all answers together, such as "95 %".
    #[arg(long, value_name = "SHARE", default_value = "95 %")]
    confidence: rigtone_model::quantity::Share,
    /// Print the comparison as JSON; its schema is `comparison.schema.json`.
    #[arg(long)]
    json: bool,
}

fn margin(text: &str) -> Result<(String, f64), String> {
    let wrong = || format!("`{text}` is no margin: write a number and a unit, such as `5 %`, `10 ms` or `1 dB`");
    let at = text.find(|c: char| !matches!(c, '0'..='9' | '.')).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let (unit, factor) = match unit.trim() {
        "s" => ("ms", 1e3),
        "kHz" => ("Hz", 1e3),
        known @ ("%" | "ms" | "dB" | "dBFS" | "dB SPL" | "ppm" | "Hz") => (known, 1.0),
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Ok((unit.to_owned(), number * factor))
}

/// A run with what its trials say.
struct Read {
    plan: RunPlan,
    /// Its id, and those of the runs that it was merged of.
    ids: Vec<String>,
    series: Vec<Series>,
}

fn read(run: &Path) -> Result<Read, Trouble> {
    let plan: RunPlan = read_plan(run).map_err(|e| read_trouble(&e))?;
    let mut gatherer = Gatherer::new(&plan.plan);
    let log = read_log(run, |event| {
        gatherer.take(event);
        Ok(())
    })?;
    log.warn();
    if let Some(combination) = gatherer.stranger() {
        return Err(foreign(run, combination));
    }
    if let Some(trial) = gatherer.doubled() {
        return Err(doubled(run, trial));
    }
    let series = gatherer.finish();
    // A run whose environment was not copied is known by its id alone.
    let mut ids = read_environment(run).map(|environment| merged_of(&environment)).unwrap_or_default();
    ids.push(log.run);
    Ok(Read { plan, ids, series })
}

/// No trial is counted twice, whichever way its directory was typed, copied or merged.
fn apart(directories: &[PathBuf], runs: &[Read]) -> Result<(), Trouble> {
    let mut seen = BTreeMap::new();
    for (directory, run) in directories.iter().zip(runs) {
        for id in run.ids.iter().filter(|id| !id.is_empty()) {
            let Some(before) = seen.insert(id, directory) else { continue };
            let (first, other) = (before.display(), directory.display());
            let what = if before == directory {
                format!("the run {first} is named twice")
            } else {
                format!("{first} and {other} both hold the trials of the run `{id}`")
            };
            return Err(Trouble::usage(what).hint("its trials count once: name runs that share none"));
        }
    }
    Ok(())
}

/// Refuses what would be taken for something else than was meant.
fn agree(what: &Compare, by: &By) -> Result<(), Trouble> {
    if *by == By::Run && !what.between.is_empty() {
        return Err(Trouble::usage(
            "`--between` names two values of what `--by` names: two runs are named by themselves",
        )
        .hint("add `--by condition`, `--by codec`, `--by speaker.firmware`; or leave `--between` out"));
    }
    let mut units = BTreeSet::new();
    for (unit, _) in &what.margin {
        if !units.insert(unit) {
            return Err(Trouble::usage(format!("`--margin` is given twice in `{unit}`"))
                .hint("one difference is the smallest that matters: give one margin for each unit"));
        }
    }
    Ok(())
}

/// Refuses selectors that choose nothing of all runs, or of one of two that are compared. How many combinations they chose is counted by run.
fn chosen_some(what: &Compare, by: &By, counted: &[usize]) -> Result<(), Trouble> {
    let selectors: Vec<String> = what.select.iter().map(|selector| format!("`{selector}`")).collect();
    let nothing = |of: &str| {
        Trouble::new(Code::Nothing, format!("nothing {of} matches {}", selectors.join(" and ")))
            .hint("`*` stands for anything, as in `speaker=charge-5*`; several selectors must all match")
    };
    if selectors.is_empty() {
        return Ok(());
    }
    if counted.iter().all(|count| *count == 0) {
        return Err(nothing("that was run"));
    }
    match what.runs.iter().zip(counted).find(|(_, count)| **count == 0) {
        Some((run, _)) if *by == By::Run => Err(nothing(&format!("of {}", run.display()))),
        _ => Ok(()),
    }
}

pub(crate) fn run(what: &Compare) -> Result<Code, Trouble> {
    let by = what.by.clone().unwrap_or(By::Run);
    agree(what, &by)?;
    if by == By::Run && what.runs.len() != 2 {
        return Err(Trouble::usage("two runs are compared with each other").hint(
            "name two run directories, or say what to compare within one: `--by condition`, `--by codec`, `--by speaker.firmware`",
        ));
    }
    let confidence = Confidence::new(what.confidence.fraction())
        .map_err(|e| Trouble::usage(e).hint("write a confidence such as `95 %`"))?;
    let runs: Vec<Read> = what.runs.iter().map(|run| read(run)).collect::<Result<_, _>>()?;
    for selector in &what.select {
        let scenarios = runs.iter().flat_map(|run| run.plan.plan.scenarios.iter().map(|s| &s.document));
        selector.fits(scenarios).map_err(Trouble::usage)?;
    }
    apart(&what.runs, &runs)?;
    // Every combination of every run, at a place of its own.
    let mut places: Vec<(usize, usize)> = Vec::new();
    let mut matched = Matched::default();
    let mut counted = vec![0; runs.len()];
    for (number, run) in runs.iter().enumerate() {
        // Two runs may have one name in two folders: they are told apart by what was typed.
        let label = what.runs[number].display().to_string();
        for (index, combination) in run.plan.plan.combinations.iter().enumerate() {
            if !chosen(what, run, combination) {
                continue;
            }
            counted[number] += 1;
            if let Some((key, side)) = by.side(&label, combination) {
                matched.add(key, side, places.len());
                places.push((number, index));
            }
        }
    }
    chosen_some(what, &by, &counted)?;
    let typed: Vec<String> = what.runs.iter().map(|run| run.display().to_string()).collect();
    let named = match (by == By::Run, what.between.as_slice(), typed.as_slice()) {
        (true, _, [first, second]) => Some((first.as_str(), second.as_str())),
        (false, [first, second], _) => Some((first.as_str(), second.as_str())),
        _ => None,
    };
    let sides = matched.sides(&by, named).map_err(|e| match &e {
        SideError::TooMany { .. } => Trouble::usage(&e).hint("name two of them: `--between A B`"),
        SideError::Nothing { .. } | SideError::NoSuchValue { .. } => Trouble::usage(&e),
    })?;
    let (pairs, alone) = matched.pairs(&sides);
    let mut asked: Vec<(String, String, Compared)> = Vec::new();
    for (group, first, second) in pairs {
        ask(&runs, &places, group, (first, second), confidence, &mut asked);
    }
    let mut margins = Margins::default();
    what.margin.iter().for_each(|(unit, value)| margins.set(unit, *value));
    let questions: Vec<Compared> = asked.iter().map(|(_, _, compared)| compared.clone()).collect();
    let answers = Compared::answered(&questions, &margins, confidence);
    let whole = Comparisons {
        schema: Comparisons::SCHEMA.to_owned(),
        by: by.to_string(),
        first: sides.0,
        second: sides.1,
        confidence: confidence.get(),
        questions: asked
            .into_iter()
            .zip(answers)
            .map(|((group, title, _), comparison)| Question { group, title, comparison })
            .collect(),
        unmatched: alone.into_iter().map(|key| shown(key).to_owned()).collect(),
    };
    if what.json {
        let text = serde_json::to_string_pretty(&whole).map_err(|e| Trouble::new(Code::Internal, e))?;
        printer::out(&format!("{text}\n"));
    } else {
        printer::out(&comparison::text(&whole));
    }
    Ok(comparison::code(&whole))
}

fn chosen(what: &Compare, run: &Read, combination: &Combination) -> bool {
    let scenario = run.plan.plan.scenario(&combination.scenario);
    scenario.is_some_and(|scenario| what.select.iter().all(|s| s.matches(combination, scenario)))
}

/// A group without the hash that only matches it.
fn shown(key: &str) -> &str {
    key.rsplit_once('#').map_or(key, |(shown, _)| shown)
}

/// Asks what the expectations of a group ask, of both sides.
fn ask(
    runs: &[Read],
    places: &[(usize, usize)],
    group: &str,
    (first, second): (&[usize], &[usize]),
    confidence: Confidence,
    asked: &mut Vec<(String, String, Compared)>,
) {
    let Some(&(run, index)) = first.first().map(|place| &places[*place]) else { return };
    let plan = &runs[run].plan.plan;
    let Some(scenario) = plan.scenario(&plan.combinations[index].scenario) else { return };
    for (n, expect) in scenario.expect.iter().enumerate() {
        let side = |of: &[usize]| {
            let mut side = Side { one_series: of.len() == 1, ..Side::default() };
            for &(run, index) in of.iter().map(|place| &places[*place]) {
                side.run = Some(run);
                side.trials.extend(runs[run].series[index].expectations.get(n).into_iter().flatten().copied());
            }
            side
        };
        let expectation = expect.expectation();
        if let Some(compared) = compare(&expectation, &side(first), &side(second), confidence) {
            let title = match expectation.step() {
                Some(step) => format!("{} of {step}", expectation.title()),
                None => expectation.title(),
            };
            asked.push((shown(group).to_owned(), title, compared));
        }
    }
}
