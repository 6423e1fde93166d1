//! A trend in a few characters.

use crate::{
    history::{Line, Series},
    rigs::Rigs,
    series::proportion,
};

/// The newest runs that are shown.
pub(crate) const SHOWN: usize = 20;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Trials of which none tells: no bar, for they do not say that it did not hold.
const UNCLEAR: char = '?';

/// The rate in which an expectation held, run by run, with a mark before each change and before each other rig. Without Unicode a digit for each
/// tenth of all trials. A run without a trial is a dot, one without a trial that tells a question mark.
pub(crate) fn spark(series: &Series, rigs: &Rigs<'_>, unicode: bool) -> String {
    let first = series.points.len().saturating_sub(SHOWN);
    let mut text = String::new();
    for (index, point) in series.points.iter().enumerate().skip(first) {
        if rigs.at(index).is_some() {
            text.push(if unicode { '┊' } else { ':' });
        }
        if series.changes.iter().any(|change| change.point == index) {
            text.push('|');
        }
        // As changes are searched for: what does not tell is neither.
        text.push(match (proportion(point).estimate(), unicode) {
            (None, _) if point.n > 0 => UNCLEAR,
            (None, true) => '·',
            (None, false) => '.',
            // The highest is for everything alone: a single failure shows.
            (Some(share), true) => BARS[((share * 7.0) as usize).min(7)],
            (Some(share), false) => char::from(b'0' + ((share * 9.0) as u8).min(9)),
        });
    }
    text
}

/// What the signs of trends mean, as far as they are in `trends`; nothing where there is none.
pub(crate) fn legend(trends: &str, unicode: bool) -> Option<String> {
    let (bars, rig, untried) = if unicode { ("▁…█", '┊', '·') } else { ("0-9", ':', '.') };
    let signs = [('|', "changed"), (rig, "another rig"), (UNCLEAR, "no trial tells"), (untried, "no trial")];
    let told = signs.iter().filter(|(sign, _)| trends.contains(*sign)).map(|(sign, words)| format!(", {sign} {words}"));
    (!trends.is_empty()).then(|| format!("trend: {bars} from none to all held{}", told.collect::<String>()))
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
        Kind,
        history::{Changed, Point, Rate, RunLine},
        word::Word,
    };
    use rstest::rstest;

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

    /// As many runs, on another rig from this one on.
    fn shown(series: &Series, moved: usize, unicode: bool) -> String {
        let run = |place: usize| RunLine {
            id: String::new(),
            directory: String::new(),
            rig: if place < moved { "a" } else { "b" }.to_owned(),
            kind: Kind::Hardware,
            unix_s: 0,
            rigtone: String::new(),
            interrupted: None,
            exit_code: 0,
        };
        let runs: Vec<RunLine> = (0..series.points.len()).map(run).collect();
        spark(series, &Rigs::of(&series.points, &runs), unicode)
    }

    #[test]
    fn a_trend_shows_its_runs_and_marks_its_changes() {
        let series = series(&[(60, 60), (59, 60), (0, 0), (30, 60), (0, 60)], &[3]);
        assert_eq!(shown(&series, 0, true), "█▇·|▄▁");
        assert_eq!(shown(&series, 0, false), "98.|40");
        assert_eq!(shown(&series, 2, true), "█▇┊·|▄▁");
        assert_eq!(shown(&series, 2, false), "98:.|40");
    }

    #[test]
    fn of_a_long_series_the_newest_runs_are_shown() {
        let series = series(&[(1, 1); 500], &[]);
        assert_eq!(shown(&series, 0, false), "9".repeat(SHOWN));
    }

    #[test]
    fn what_does_not_tell_is_no_failure() {
        let mut series = series(&[(30, 60), (0, 60)], &[]);
        (series.points[0].ambiguous, series.points[1].ambiguous) = (30, 60);
        assert_eq!(shown(&series, 0, false), "9?");
        assert_eq!(shown(&series, 0, true), "█?");
    }

    #[rstest]
    #[case::nothing("", true, None)]
    #[case::bars("█▄", true, Some("trend: ▁…█ from none to all held"))]
    #[case::all(
        "█|┊?·",
        true,
        Some("trend: ▁…█ from none to all held, | changed, ┊ another rig, ? no trial tells, · no trial")
    )]
    #[case::without_unicode(
        "9|:?.",
        false,
        Some("trend: 0-9 from none to all held, | changed, : another rig, ? no trial tells, . no trial")
    )]
    fn signs_are_told_where_they_are(#[case] trends: &str, #[case] unicode: bool, #[case] said: Option<&str>) {
        assert_eq!(legend(trends, unicode).as_deref(), said);
    }
}
