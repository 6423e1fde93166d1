//! A run beside an earlier one: which failures are new, which are gone, which are still there.

use std::{collections::HashMap, fmt::Write as _};

use rigtone_model::{
    id::CombinationId,
    verdict::{CombinationVerdict, RunVerdicts, Verdict},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{figure::count, sanitise::line};

/// What became of a combination since an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It fails, and did not before.
    NewFailure,
    /// It failed, and fails still.
    StillFailing,
    /// It failed, and passes.
    Fixed,
    /// It failed, and nobody knows whether it would still.
    NotConfirmed,
    /// It passed, and nobody knows whether it still would.
    LostAnswer,
    /// It was not there before.
    Added,
    /// It was there, and is no more.
    Gone,
    /// Nothing of interest.
    Unchanged,
}

impl Change {
    const fn words(self) -> &'static str {
        match self {
            Self::NewFailure => "new failure",
            Self::StillFailing => "still failing",
            Self::Fixed => "fixed",
            Self::NotConfirmed => "failed before, no answer now",
            Self::LostAnswer => "passed before, no answer now",
            Self::Added => "new combination",
            Self::Gone => "no longer there",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A combination and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    /// The combination.
    #[schemars(with = "String")]
    pub id: CombinationId,
    /// What became of it.
    pub change: Change,
    /// Whether it is in quarantine now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quarantined: bool,
}

impl Changed {
    const fn in_quarantine(&self) -> &'static str {
        if self.quarantined { " (in quarantine)" } else { "" }
    }
}

/// A run beside an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    /// The earlier run, as it was named.
    pub run: String,
    /// Failures that are new and not in quarantine.
    pub new_failures: usize,
    /// What has changed.
    pub changes: Vec<Changed>,
}

impl Baseline {
    /// What became of each combination since an earlier run.
    pub fn of(now: &RunVerdicts, before: &RunVerdicts, run: String) -> Self {
        let changes = changes(now, before);
        let new = |changed: &&Changed| changed.change == Change::NewFailure && !changed.quarantined;
        Self { run, new_failures: changes.iter().filter(new).count(), changes }
    }
}

/// What became of each combination of either run; what is unchanged is left out. In the order of [`Change`], then of the run.
pub fn changes(now: &RunVerdicts, before: &RunVerdicts) -> Vec<Changed> {
    let earlier: HashMap<&CombinationId, &CombinationVerdict> =
        before.combinations.iter().map(|c| (&c.id, c)).collect();
    let later: HashMap<&CombinationId, &CombinationVerdict> = now.combinations.iter().map(|c| (&c.id, c)).collect();
    let of = |c: &CombinationVerdict| {
        let Some(old) = earlier.get(&c.id) else {
            return if c.verdict == Verdict::Fail { Change::NewFailure } else { Change::Added };
        };
        match (&old.verdict, &c.verdict) {
            (Verdict::Fail, Verdict::Fail) => Change::StillFailing,
            (Verdict::Fail, Verdict::Pass) => Change::Fixed,
            (Verdict::Fail, _) => Change::NotConfirmed,
            (_, Verdict::Fail) => Change::NewFailure,
            (Verdict::Pass, Verdict::Pass) => Change::Unchanged,
            (Verdict::Pass, _) => Change::LostAnswer,
            _ => Change::Unchanged,
        }
    };
    let gone = before.combinations.iter().filter(|c| !later.contains_key(&c.id)).map(|c| (c, Change::Gone));
    let mut all: Vec<Changed> = now
        .combinations
        .iter()
        .map(|c| (c, of(c)))
        .chain(gone)
        .filter(|(_, change)| *change != Change::Unchanged)
        .map(|(c, change)| Changed {
            id: c.id.clone(),
            change,
            quarantined: later.get(&c.id).is_some_and(|now| now.quarantined.is_some()),
        })
        .collect();
    all.sort_by_key(|changed| changed.change);
    all
}

/// What is said where there are no changes.
const NOTHING: &str = "nothing has changed";

/// The earlier run and the changes, one line each; one that says so where there are none.
pub(crate) fn lines(baseline: &Baseline) -> Vec<String> {
    let mut lines = vec![format!("beside {}", baseline.run)];
    if baseline.changes.is_empty() {
        lines.push(NOTHING.to_owned());
    }
    let told = |changed: &Changed| format!("{}: {}{}", changed.change.words(), changed.id, changed.in_quarantine());
    lines.extend(baseline.changes.iter().map(told));
    lines
}

/// The changes for people.
pub fn text(baseline: &Baseline) -> String {
    let mut text = format!("\nbeside {}:\n", line(&baseline.run));
    if baseline.changes.is_empty() {
        let _ = writeln!(text, "  {NOTHING}");
    }
    for changed in &baseline.changes {
        let (words, id) = (changed.change.words(), line(changed.id.as_str()));
        let _ = writeln!(text, "  {words:<30} {id}{}", changed.in_quarantine());
    }
    let _ = writeln!(text, "  {}", count(baseline.new_failures, "new failure"));
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use rstest::rstest;

    fn run(combinations: &[(&str, Verdict)]) -> RunVerdicts {
        let of = |(id, verdict): &(&str, Verdict)| CombinationVerdict {
            id: (*id).into(),
            scenario: "s".into(),
            verdict: verdict.clone(),
            trials: 1,
            lost: 0,
            expectations: Vec::new(),
            classes: BTreeMap::new(),
            faults: Vec::new(),
            evidence: Vec::new(),
            took_ns: 0,
            quarantined: None,
        };
        RunVerdicts {
            schema: RunVerdicts::SCHEMA.into(),
            run: "r".into(),
            interrupted: None,
            combinations: combinations.iter().map(of).collect(),
        }
    }

    #[rstest]
    #[case(Some(Verdict::Pass), Some(Verdict::Fail), Some(Change::NewFailure))]
    #[case(Some(Verdict::Inconclusive), Some(Verdict::Fail), Some(Change::NewFailure))]
    #[case(None, Some(Verdict::Fail), Some(Change::NewFailure))]
    #[case(Some(Verdict::Fail), Some(Verdict::Fail), Some(Change::StillFailing))]
    #[case(Some(Verdict::Fail), Some(Verdict::Pass), Some(Change::Fixed))]
    #[case(Some(Verdict::Fail), Some(Verdict::InfraError), Some(Change::NotConfirmed))]
    #[case(Some(Verdict::Pass), Some(Verdict::Inconclusive), Some(Change::LostAnswer))]
    #[case(Some(Verdict::Pass), Some(Verdict::Skipped("time".into())), Some(Change::LostAnswer))]
    #[case(Some(Verdict::Inconclusive), Some(Verdict::Pass), None)]
    #[case(Some(Verdict::Pass), Some(Verdict::Pass), None)]
    #[case(None, Some(Verdict::Pass), Some(Change::Added))]
    #[case(Some(Verdict::Pass), None, Some(Change::Gone))]
    fn what_became_of_a_combination_is_said(
        #[case] before: Option<Verdict>,
        #[case] now: Option<Verdict>,
        #[case] change: Option<Change>,
    ) {
        let of =
            |verdict: Option<Verdict>| run(&verdict.map(|verdict| ("s#1", verdict)).into_iter().collect::<Vec<_>>());
        let found = changes(&of(now), &of(before));
        assert_eq!(found.first().map(|changed| changed.change), change);
    }

    #[test]
    fn new_failures_come_first_and_are_counted() {
        let before = run(&[("s/a#1", Verdict::Fail), ("s/b#2", Verdict::Pass), ("s/c#3", Verdict::Pass)]);
        let now = run(&[("s/a#1", Verdict::Pass), ("s/b#2", Verdict::Fail), ("s/c#3", Verdict::Pass)]);
        let text = text(&Baseline::of(&now, &before, "runs/last\u{1b}[31m".into()));
        assert!(text.find("new failure").unwrap() < text.find("fixed").unwrap(), "{text}");
        assert!(text.contains("1 new failure\n") && !text.contains('\u{1b}') && !text.contains("s/c"), "{text}");
    }

    #[test]
    fn a_new_failure_in_quarantine_is_shown_and_not_counted() {
        let (before, mut now) = (run(&[("s/a#1", Verdict::Pass)]), run(&[("s/a#1", Verdict::Fail)]));
        now.combinations[0].quarantined = Some(rigtone_model::document::Quarantined {
            select: vec!["speaker=a".parse().unwrap()],
            reason: "known".into(),
            owner: "lab".into(),
            expires: "2027-01-31".into(),
        });
        let text = text(&Baseline::of(&now, &before, "last".into()));
        assert!(text.contains("new failure                    s/a#1 (in quarantine)"), "{text}");
        assert!(text.contains("  0 new failures\n"), "{text}");
    }
}
