//! What a log says of its run as a whole, and whether written verdicts are those of it.

use std::collections::{BTreeMap, BTreeSet};

use rigtone_model::{
    event::{Body, Event, TrialOutcome},
    id::CombinationId,
    trial::TrialFolder,
    verdict::{CombinationVerdict, RunVerdicts},
};
use thiserror::Error;

/// The kinds of events that an [`Outline`] goes by: whoever wants nothing else of a log need not decode others.
pub const KINDS: [&str; 6] =
    ["run-resumed", "run-finished", "trial-started", "trial-finished", "trial-discarded", "voided"];

/// Attempts that count: those that gave a result, and those that the rig lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Attempts {
    given: u32,
    lost: u32,
}

/// What a log says of its run as a whole.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    folder: TrialFolder,
    attempts: BTreeMap<CombinationId, Attempts>,
    voided: BTreeSet<CombinationId>,
    ended: bool,
    /// Whether it has anything, and whether it has what nobody can read.
    read: bool,
    damaged: bool,
}

/// Why written verdicts are not those of a log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Mismatch {
    /// Another run gave them.
    #[error("they are of the run {found}")]
    AnotherRun {
        /// The run that they name.
        found: String,
    },
    /// Verdicts are written behind the end of a log.
    #[error("the log ends before its run does")]
    Unended,
    /// Trials are missing on one of the two sides.
    #[error(
        "they count {counted} trials with a result and {counted_lost} lost ones of {combination}, the log {held} and {held_lost}"
    )]
    Trials {
        /// The first combination of which it is so.
        combination: CombinationId,
        /// Trials with a result, in the verdicts.
        counted: u32,
        /// Lost ones, in the verdicts.
        counted_lost: u32,
        /// Trials with a result, in the log.
        held: u32,
        /// Lost ones, in the log.
        held_lost: u32,
    },
}

impl Mismatch {
    /// Whether the verdicts say nothing of the run, not even where its log cannot be judged.
    pub const fn is_of_another_run(&self) -> bool {
        matches!(self, Self::AnotherRun { .. })
    }
}

/// Which verdicts of a run are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Those that were written.
    AsTold,
    /// Those that its log is judged to have.
    Judged,
    /// Those that were written, though they are not those of its log: it cannot be judged.
    ToldAllTheSame,
    /// None.
    Nothing,
}

/// Which verdicts of a run are shown: whether some were written that count, why they are not those of its log, and whether it can be judged.
pub fn choose(told: bool, mismatch: Option<&Mismatch>, judged: bool) -> Shown {
    match mismatch {
        None if told => Shown::AsTold,
        _ if judged => Shown::Judged,
        Some(mismatch) if told && !mismatch.is_of_another_run() => Shown::ToldAllTheSame,
        _ => Shown::Nothing,
    }
}

impl Outline {
    /// Takes the next event.
    pub fn take(&mut self, event: &Event) {
        self.read = true;
        match (&event.body, &event.at) {
            (Body::RunFinished { .. }, _) => self.ended = true,
            (Body::RunResumed { .. }, _) => self.ended = false,
            (Body::Voided { .. }, Some(at)) => _ = self.voided.insert(at.combination.clone()),
            (Body::TrialStarted | Body::TrialFinished { .. } | Body::TrialDiscarded { .. }, _) => {
                // What was begun and what counts is told as the judge is told it.
                let Some(record) = self.folder.take(event.clone()) else { return };
                let attempts = self.attempts.entry(record.combination).or_default();
                match record.outcome {
                    TrialOutcome::Completed => attempts.given += 1,
                    TrialOutcome::Lost(_) => attempts.lost += 1,
                    TrialOutcome::Cancelled => {}
                }
            }
            _ => {}
        }
    }

    /// Takes note of something that cannot be read.
    pub fn take_damage(&mut self) {
        self.damaged = true;
    }

    /// Whether the run came to its end.
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether it stops before its run does. Of a log of which nothing can be read nobody knows.
    pub const fn is_cut_off(&self) -> bool {
        !self.ended && (self.read || !self.damaged)
    }

    /// Why verdicts are not those of this log, if they are not. `run` is the run that the log names. A log of which nothing can be read
    /// contradicts nothing.
    pub fn mismatch(&self, run: Option<&str>, verdicts: &RunVerdicts) -> Option<Mismatch> {
        if run.is_some_and(|run| run != verdicts.run) {
            return Some(Mismatch::AnotherRun { found: verdicts.run.clone() });
        }
        if self.is_cut_off() {
            return Some(Mismatch::Unended);
        }
        if !self.read {
            return None;
        }
        let counted = |c: &CombinationVerdict| Attempts { given: c.trials, lost: c.lost };
        let known: BTreeSet<&CombinationId> = verdicts.combinations.iter().map(|c| &c.id).collect();
        let told = verdicts.combinations.iter().map(|c| (&c.id, counted(c)));
        let untold = self.attempts.keys().filter(|id| !known.contains(id)).map(|id| (id, Attempts::default()));
        let (id, counted) = told.chain(untold).find(|(id, counted)| *counted != self.of(id))?;
        let held = self.of(id);
        Some(Mismatch::Trials {
            combination: id.clone(),
            counted: counted.given,
            counted_lost: counted.lost,
            held: held.given,
            held_lost: held.lost,
        })
    }

    /// The attempts at a combination, as its verdict counts them: trials that are void gave nothing.
    fn of(&self, id: &CombinationId) -> Attempts {
        let attempts = self.attempts.get(id).copied().unwrap_or_default();
        match self.voided.contains(id) {
            true => Attempts { given: 0, lost: attempts.given + attempts.lost },
            false => attempts,
        }
    }
}
