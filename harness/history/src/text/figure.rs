//! Numbers as people read them: three figures, a unit, an interval.

use rigtone_report::figure::quantity;
pub(crate) use rigtone_report::figure::{count, number};

use crate::{
    history::{Cell, Changed, History, Line, Point, Rate, Series},
    rigs::Rigs,
    word::Word,
};

/// Estimate and interval, such as `97.1 % [85.1, 99.9]`; an end that is not there is open.
pub(crate) fn estimate(point: &Point, unit: &str) -> Option<String> {
    let value = quantity(point.estimate?, unit);
    if point.low.is_none() && point.high.is_none() {
        return Some(value);
    }
    let low = point.low.map_or("(-inf".to_owned(), |v| format!("[{}", number(v, unit)));
    let high = point.high.map_or("inf)".to_owned(), |v| format!("{}]", number(v, unit)));
    Some(format!("{value} {low}, {high}"))
}

/// Several runs together, such as `97.1 % [85.1, 99.9] at 95 %, n 60`.
pub(crate) fn rate(rate: &Rate) -> String {
    let (low, high) = (number(rate.low, "%"), number(rate.high, "%"));
    let sure = number(100.0 * rate.confidence, "%");
    format!("{} % [{low}, {high}] at {sure} %, n {}", number(rate.estimate, "%"), rate.n)
}

/// What stands where there is no estimate: a time that did not come in enough trials for one, or nothing that could be told.
pub(crate) fn missing(point: &Point, unit: &str) -> &'static str {
    let counted = point.n.saturating_sub(point.ambiguous);
    if unit == "ms" && point.held < counted { "never" } else { "no figure" }
}

/// A change, such as `held in 98 % -> 80 %`: it is one of the rate, whatever the estimates measure. Where a series has several rigs it tells its
/// own.
pub(crate) fn step(change: &Changed, series: &Series, history: &History, arrow: &str) -> String {
    let [before, after] = [change.before, change.after].map(|rate| number(rate.estimate, "%"));
    let step = format!("held in {before} % {arrow} {after} %");
    match Rigs::of(&series.points, &history.runs).are_several() {
        true => format!("{step} on {}", history.runs[change.run].rig),
        false => step,
    }
}

/// A probability; below what matters to anybody only its size.
pub(crate) fn p(p: f64) -> String {
    match p {
        p if p < 1e-6 => "p < 1e-6".to_owned(),
        p if p < 1e-2 => format!("p = {p:.0e}"),
        p => format!("p = {}", number(p, "")),
    }
}

/// The gating expectation that decides how a combination stands in its newest answer: the first that failed, else the first undecided, else
/// that with the lowest rate.
pub(crate) fn worst_of(line: &Line) -> Option<(&Series, &Point)> {
    let run = line.last.as_ref()?.when.run;
    let gating = line.series.iter().filter(|series| series.gating && !series.part && series.current);
    let here = gating.filter_map(|series| Some((series, series.points.iter().rev().find(|point| point.run == run)?)));
    let rank = |point: &Point| match point.verdict {
        Word::Fail => 0,
        Word::Inconclusive => 1,
        _ => 2,
    };
    let share = |point: &Point| f64::from(point.held) / f64::from(point.n.max(1));
    here.min_by(|(_, a), (_, b)| rank(a).cmp(&rank(b)).then(share(a).total_cmp(&share(b))))
}

/// What is shown of a combination in a cell: estimate, interval and trials of [`worst_of`].
pub(crate) fn worst(line: &Line) -> Option<String> {
    let (series, point) = worst_of(line)?;
    let n = format!("n {}", point.n);
    Some(match estimate(point, &series.unit) {
        Some(estimate) => format!("{estimate}, {n}"),
        // `any:` and `all:` have no figure by design: there is none to miss.
        None if series.rate => held(point),
        None => without(point, &series.unit),
    })
}

/// A run without a figure in words: what there is instead of one, and how often it held.
pub(crate) fn without(point: &Point, unit: &str) -> String {
    format!("{}, {}", missing(point, unit), held(point))
}

fn held(point: &Point) -> String {
    let doubtful = if point.ambiguous > 0 { format!(", {} do not tell", point.ambiguous) } else { String::new() };
    format!("held in {} of {}{doubtful}", point.held, point.n)
}

/// How the combinations of a point of the matrix stand, such as `of 8: 6 fail, 2 pass`; nothing of one alone, or where none has an answer.
pub(crate) fn of_several(cell: &Cell) -> Option<String> {
    let answered: usize = cell.answers.iter().map(|tally| tally.combinations).sum();
    if cell.combinations < 2 || answered == 0 {
        return None;
    }
    let mut parts: Vec<String> =
        cell.answers.iter().map(|tally| format!("{} {}", tally.combinations, tally.verdict.text())).collect();
    if answered < cell.combinations {
        parts.push(format!("{} without an answer", cell.combinations - answered));
    }
    Some(format!("of {}: {}", cell.combinations, parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(100.0, "%", "100")]
    #[case(99.97, "%", "99.9")]
    #[case(97.14, "%", "97.1")]
    #[case(0.0, "%", "0")]
    #[case(182.4, "ms", "182")]
    fn numbers_have_three_figures(#[case] value: f64, #[case] unit: &str, #[case] text: &str) {
        assert_eq!(number(value, unit), text);
    }

    #[rstest]
    #[case(3e-12, "p < 1e-6")]
    #[case(2e-5, "p = 2e-5")]
    #[case(0.004, "p = 4e-3")]
    #[case(0.5, "p = 0.5")]
    fn probabilities_keep_their_size(#[case] value: f64, #[case] text: &str) {
        assert_eq!(p(value), text);
    }
}
