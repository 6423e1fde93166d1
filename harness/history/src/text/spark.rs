//! A trend in a few characters.

use crate::history::{Line, Series};

/// The newest runs that are shown.
pub(crate) const SHOWN: usize = 20;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The rate in which an expectation held, run by run, with a mark before each change. Without Unicode a digit for each tenth of all trials.
/// A run without trials is a dot.
pub(crate) fn spark(series: &Series, unicode: bool) -> String {
    let first = series.points.len().saturating_sub(SHOWN);
    let mut text = String::new();
    for (index, point) in series.points.iter().enumerate().skip(first) {
        if series.changes.iter().any(|change| change.point == index) {
            text.push('|');
        }
        let share = f64::from(point.held) / f64::from(point.n);
        text.push(match (point.n, unicode) {
            (0, true) => '·',
            (0, false) => '.',
            // The highest is for everything alone: a single failure shows.
            (_, true) => BARS[((share * 7.0) as usize).min(7)],
            (_, false) => char::from(b'0' + ((share * 9.0) as u8).min(9)),
        });
    }
    text
}

/// The series that tells most of a combination: the one with the newest change, else the one that stands worst.
pub(crate) fn telling(line: &Line) -> Option<&Series> {
    let gating = || line.series.iter().filter(|series| series.gating && !series.part && series.current);
    let changed = gating().filter(|series| !series.changes.is_empty());
    changed
        .max_by_key(|series| series.changes.last().map(|change| change.run))
        .or_else(|| super::figure::worst_of(line).map(|(series, _)| series))
        .or_else(|| gating().next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::{Changed, Point, Rate},
        word::Word,
    };

    fn series(counts: &[(u32, u32)], changes: &[usize]) -> Series {
        let point = |(run, &(held, n)): (usize, &(u32, u32))| Point {
            run,
            verdict: Word::Pass,
            n,
            held,
            ambiguous: 0,
            estimate: None,
            low: None,
            high: None,
            confidence: None,
        };
        let rate = Rate { held: 0, n: 0, estimate: 0.0, low: 0.0, high: 0.0, confidence: 0.95 };
        let changed = |&at: &usize| Changed { run: at, point: at, before: rate, after: rate, p: 0.0 };
        Series {
            expected: "e".into(),
            part: false,
            gating: true,
            current: true,
            unit: "%".into(),
            rate: true,
            points: counts.iter().enumerate().map(point).collect(),
            changes: changes.iter().map(changed).collect(),
        }
    }

    #[test]
    fn a_trend_shows_its_runs_and_marks_its_changes() {
        let series = series(&[(60, 60), (59, 60), (0, 0), (30, 60), (0, 60)], &[3]);
        assert_eq!(spark(&series, true), "█▇·|▄▁");
        assert_eq!(spark(&series, false), "98.|40");
    }

    #[test]
    fn of_a_long_series_the_newest_runs_are_shown() {
        let series = series(&[(1, 1); 500], &[]);
        assert_eq!(spark(&series, false), "9".repeat(SHOWN));
    }
}
