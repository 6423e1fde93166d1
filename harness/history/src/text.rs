//! The history for a terminal.

pub(crate) mod figure;
mod fit;
mod matrix;
pub(crate) mod spark;
mod trend;

use std::fmt::Write as _;

use rigtone_report::sanitise::line;

pub use matrix::matrices;
pub(crate) use matrix::{counted, heading, unanswered};
pub use trend::{firmware, trends};

use crate::{
    Kind,
    age::{age, day},
    history::{Evidence, History, Line, Series, When},
    rigs::Rigs,
    word::Word,
};
use figure::count;
use fit::fit;

/// From so many characters on, lines have the columns of a table.
const TABLE: usize = 80;

/// How it is shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct View {
    /// Whether the terminal shows characters beyond ASCII.
    pub unicode: bool,
    /// Whether it shows colours.
    pub colour: bool,
    /// Characters in a line. Without it every line is whole, as whoever searches in them needs it.
    pub width: Option<usize>,
}

impl View {
    pub(crate) fn arrow(self) -> &'static str {
        if self.unicode { "→" } else { "->" }
    }

    /// Whether the columns of a table do not stand beside each other.
    fn is_narrow(self) -> bool {
        self.width.is_some_and(|width| width < TABLE)
    }
}

/// A verdict in its colour, padded before it is painted.
pub(crate) fn painted(word: Word, width: usize, view: View) -> String {
    let code = match word {
        Word::Pass => "32",
        Word::Fail => "1;31",
        Word::Inconclusive => "33",
        Word::InfraError => "35",
        Word::Aborted => "36",
        Word::Skipped => "2",
    };
    let text = format!("{:<width$}", word.text());
    if view.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text }
}

/// A line for each combination, by kind of rig: newest answer, age, last proof, runs, streak, trend; below it its rigs and its changes.
pub fn summary(history: &History, view: View) -> String {
    let (mut text, mut signs) = (String::new(), String::new());
    for kind in Kind::ALL {
        let lines: Vec<&Line> = history.combinations.iter().filter(|line| line.kind == kind).collect();
        if lines.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}", kind.heading());
        let _ = writeln!(text, "{}\n", span(history, kind));
        if !view.is_narrow() {
            let _ = writeln!(
                text,
                "{:<14} {:>6}  {:>proven$}  {:>4}  {:<17} {:<21} combination",
                "last answer",
                "age",
                "proven",
                "runs",
                "streak",
                "trend",
                proven = width_of_proof(history)
            );
        }
        for one in lines {
            signs += &combination(&mut text, one, history, view);
        }
        text.push('\n');
    }
    text.extend(spark::legend(&signs, view.unicode).map(|legend| legend + "\n"));
    tail(&mut text, history);
    fit(text, view.width)
}

/// What was never proven was not proven since the first day that was asked for.
fn unproven(history: &History) -> &'static str {
    if history.since_unix_s.is_some() { "not since" } else { "never" }
}

fn width_of_proof(history: &History) -> usize {
    unproven(history).len().max("proven".len())
}

/// How many runs of a kind there are, and from when to when.
pub(crate) fn span(history: &History, kind: Kind) -> String {
    let runs: Vec<_> = history.runs.iter().filter(|run| run.kind == kind).collect();
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return "no run".to_owned() };
    let (first, last) = (day(first.unix_s), day(last.unix_s));
    match first == last {
        true => format!("{} on {first}", count(runs.len(), "run")),
        false => format!("{} from {first} to {last}", count(runs.len(), "run")),
    }
}

/// Gives the signs of its trend.
fn combination(text: &mut String, one: &Line, history: &History, view: View) -> String {
    let width = if view.is_narrow() { 0 } else { 12 };
    let (verdict, aged) = match &one.last {
        Some(last) => (painted(last.verdict, width, view), stale(last.when, history)),
        None => (format!("{:<width$}", "none"), String::new()),
    };
    // What is in quarantine decides nothing, and looks like it.
    let quarantined = one.last.as_ref().is_some_and(|last| last.quarantined.is_some());
    let proven = one.proven.map(|when| stale(when, history)).unwrap_or_else(|| unproven(history).to_owned());
    let streak = one.streak.map(|streak| format!("{} x {}", streak.runs, streak.verdict.text())).unwrap_or_default();
    let telling = spark::telling(one).map(|series| (series, Rigs::of(&series.points, &history.runs)));
    let trend = telling.as_ref().map(|(series, rigs)| spark::spark(series, rigs, view.unicode)).unwrap_or_default();
    if view.is_narrow() {
        let stands = format!("{verdict}{}", if quarantined { " q" } else { "" });
        let parts = [&stands, &aged, &format!("proven {proven}"), &count(one.answered, "run"), &streak, &trend];
        let parts: Vec<&str> = parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        let _ = writeln!(text, "{}\n    {}", parts.join(", "), line(&one.id));
    } else {
        let _ = writeln!(
            text,
            "{verdict} {} {aged:>6}  {proven:>wide$}  {:>4}  {streak:<17} {trend:<21} {}",
            if quarantined { 'q' } else { ' ' },
            one.answered,
            line(&one.id),
            wide = width_of_proof(history)
        );
    }
    if let Some(tried) = &one.tried {
        let _ = writeln!(text, "    since then: {}", without_answer(tried));
    }
    if let Some(rigs) = telling.and_then(|(series, rigs)| rigs.in_words(&series.points, &history.runs)) {
        let _ = writeln!(text, "    {}: changes are looked for on each alone", line(&rigs));
    }
    for series in shown(one) {
        for change in &series.changes {
            let run = &history.runs[change.run];
            let _ = writeln!(
                text,
                "    change: {} from {} on, {} ({})",
                line(&figure::step(change, series, history, view.arrow())),
                day(run.unix_s),
                figure::p(change.p),
                line(&series.expected)
            );
        }
    }
    trend
}

/// What is asked of a combination today: the changes of what is no longer asked are in its trend.
fn shown(one: &Line) -> impl Iterator<Item = &Series> {
    one.series.iter().filter(|series| series.current)
}

/// A try that gave no answer.
pub(crate) fn without_answer(tried: &Evidence) -> String {
    let why = tried.reason.as_ref().map(|reason| format!(" ({})", line(reason))).unwrap_or_default();
    format!("{}, {}{why}", tried.verdict.text(), age(tried.when.age_s))
}

/// An age with a mark where it is stale.
pub(crate) fn stale(when: When, history: &History) -> String {
    let mark = if when.age_s > history.stale_after_s { "!" } else { "" };
    format!("{}{mark}", age(when.age_s))
}

/// What the signs mean, where there are any, and what was left out.
fn tail(text: &mut String, history: &History) {
    let all = &history.combinations;
    if all.is_empty() {
        text.push_str("no combination\n");
    }
    let old = |line: &Line| {
        let ages = [line.last.as_ref().map(|last| last.when), line.proven];
        ages.into_iter().flatten().any(|when| when.age_s > history.stale_after_s)
    };
    if all.iter().any(old) {
        let _ = writeln!(text, "! older than {}: stale", age(history.stale_after_s));
    }
    if all.iter().filter_map(|line| line.last.as_ref()).any(|last| last.quarantined.is_some()) {
        text.push_str("q in quarantine: it decides nothing\n");
    }
    if let Some(since) = history.since_unix_s.filter(|_| all.iter().any(|line| line.proven.is_none())) {
        let _ = writeln!(text, "not since {}: an earlier run may have proven it", day(since));
    }
    let changes: usize = all.iter().flat_map(shown).map(|series| series.changes.len()).sum();
    let _ = writeln!(
        text,
        "{}, {}, {}",
        count(history.runs.len(), "run"),
        count(all.len(), "combination"),
        count(changes, "change")
    );
}
