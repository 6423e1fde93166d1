//! From the index to the history.

use std::path::{Path, PathBuf};

use rigtone_model::plan::AxisValue;

use crate::{
    Kind,
    error::TakeError,
    firmware,
    history::{Axis, Evidence, History, Line, RunLine, Skipped, Streak, When},
    index::{Entry, Loaded, Run, Subject},
    matrix,
    series::series,
    word::Word,
};

impl History {
    /// The history of what was loaded, as it is at a time. `skipped` is what could not be taken.
    pub fn of(loaded: &Loaded, skipped: &[(PathBuf, TakeError)], at_unix_s: i64, stale_after_s: i64) -> Self {
        let ages = Ages { runs: &loaded.runs, at_unix_s };
        let combinations: Vec<Line> =
            loaded.subjects.iter().map(|((kind, _), subject)| line(*kind, subject, loaded, &ages)).collect();
        let matrices = matrix::matrices(loaded, &combinations, stale_after_s);
        let firmware = firmware::firmware(&combinations, &loaded.runs);
        Self {
            schema: Self::SCHEMA.to_owned(),
            at_unix_s,
            stale_after_s,
            since_unix_s: loaded.since_unix_s,
            runs: loaded.runs.iter().map(run_line).collect(),
            skipped: left_out(loaded, skipped),
            combinations,
            matrices,
            firmware,
        }
    }
}

/// How long ago runs were.
pub(crate) struct Ages<'a> {
    runs: &'a [Run],
    at_unix_s: i64,
}

impl Ages<'_> {
    fn when(&self, run: usize) -> When {
        When { run, age_s: self.at_unix_s.saturating_sub(self.runs[run].unix_s) }
    }

    fn evidence(&self, entry: &Entry) -> Evidence {
        Evidence {
            verdict: entry.verdict,
            reason: entry.reason.as_deref().map(str::to_owned),
            quarantined: entry.quarantined.as_deref().map(str::to_owned),
            when: self.when(entry.run),
        }
    }
}

fn run_line(run: &Run) -> RunLine {
    RunLine {
        id: run.id.clone(),
        directory: run.directory.display().to_string(),
        rig: run.rig.clone(),
        kind: run.kind,
        unix_s: run.unix_s,
        rigtone: run.rigtone.clone(),
        interrupted: run.interrupted.clone(),
        exit_code: run.exit_code,
    }
}

fn left_out(loaded: &Loaded, skipped: &[(PathBuf, TakeError)]) -> Vec<Skipped> {
    let named = |directory: &Path, why: String| Skipped { directory: directory.display().to_string(), why };
    let doubled = loaded.doubled.iter().map(|(directory, why)| named(directory, why.clone()));
    skipped.iter().map(|(directory, why)| named(directory, why.to_string())).chain(doubled).collect()
}

fn line(kind: Kind, subject: &Subject, loaded: &Loaded, ages: &Ages<'_>) -> Line {
    let Subject { planned, entries } = subject;
    let answers = || entries.iter().rev().filter(|entry| entry.verdict.is_answer());
    let newest = entries.last().filter(|entry| !entry.verdict.is_answer());
    let streak = answers().next().map(|last| Streak {
        verdict: last.verdict,
        runs: answers().take_while(|entry| entry.verdict == last.verdict).count(),
    });
    Line {
        kind,
        id: planned.id.as_str().to_owned(),
        scenario: planned.scenario.to_string(),
        axes: planned.axes.iter().map(|(axis, value)| (axis.to_string(), place(value))).collect(),
        condition: planned.condition.as_deref().map(str::to_owned),
        planned: entries.len(),
        answered: answers().count(),
        lost: entries.iter().map(|entry| u64::from(entry.lost)).sum(),
        last: answers().next().map(|entry| ages.evidence(entry)),
        tried: newest.map(|entry| ages.evidence(entry)),
        proven: answers().find(|entry| entry.verdict == Word::Pass).map(|entry| ages.when(entry.run)),
        streak,
        series: series(entries, &loaded.questions, &loaded.runs),
    }
}

fn place(value: &AxisValue) -> Axis {
    let name = value.text().to_owned();
    match value {
        AxisValue::Unit { device, firmware, .. } => {
            Axis { name, device: Some(device.to_string()), firmware: Some(firmware.to_string()) }
        }
        AxisValue::Microphone(_) | AxisValue::Value(_) => Axis { name, device: None, firmware: None },
    }
}
