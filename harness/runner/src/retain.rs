//! Which evidence stays.

use std::collections::VecDeque;

use rigtone_judge::{sequential::Outcome, verdicts::result};
use rigtone_model::{
    document::Scenario,
    event::{At, TrialOutcome},
    trial::TrialRecord,
};

/// Which trials' evidence is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    /// Of every trial.
    #[default]
    All,
    /// Of trials that did not go as expected: failed, not decided, or lost to the rig.
    Failures,
    /// Of none.
    None,
}

/// How much evidence is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Of which trials.
    pub keep: Keep,
    /// Bytes that all of it may need. What went as expected makes room first, the oldest before the newer.
    pub budget: Option<u64>,
}

/// Whether a person would want to hear a trial: it did not go as all its expectations say.
pub(crate) fn is_of_interest(record: &TrialRecord, outcome: &TrialOutcome, scenario: &Scenario) -> bool {
    *outcome != TrialOutcome::Completed
        || record.failure().is_some()
        || scenario.expect.iter().any(|e| result(&e.expectation(), scenario, record).outcome != Outcome::Success)
}

/// What is stored, against the budget.
#[derive(Debug, Default)]
pub(crate) struct Store {
    bytes: u64,
    /// Evidence that may make room, the oldest first.
    dispensable: VecDeque<(At, String, u64)>,
    told: bool,
}

/// What makes room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Removal {
    pub(crate) at: At,
    pub(crate) file: String,
    pub(crate) why: &'static str,
}

const UNINTERESTING: &str = "its trial went as expected";
const NONE: &str = "no evidence is kept in this run";
const ROOM: &str = "it made room for newer evidence";
const FULL: &str = "the budget for evidence is used up";

impl Store {
    /// A trial has ended and left these files: what has to go, and whether the budget was used up for the first time.
    pub(crate) fn settle(
        &mut self,
        retention: Retention,
        at: &At,
        files: Vec<(String, u64)>,
        of_interest: bool,
    ) -> (Vec<Removal>, bool) {
        let mut removals = Vec::new();
        let mut remove = |at: At, file, why| removals.push(Removal { at, file, why });
        let why = match retention.keep {
            Keep::None => Some(NONE),
            Keep::Failures if !of_interest => Some(UNINTERESTING),
            Keep::All | Keep::Failures => None,
        };
        if let Some(why) = why {
            for (file, _) in files {
                remove(at.clone(), file, why);
            }
            return (removals, false);
        }
        let Some(budget) = retention.budget else { return (removals, false) };
        let mut own = VecDeque::new();
        for (file, bytes) in files {
            self.bytes += bytes;
            own.push_back((at.clone(), file, bytes));
        }
        if !of_interest {
            self.dispensable.append(&mut own);
        }
        while self.bytes > budget
            && let Some((at, file, bytes)) = self.dispensable.pop_front()
        {
            self.bytes -= bytes;
            remove(at, file, ROOM);
        }
        let mut first = false;
        while self.bytes > budget
            && let Some((at, file, bytes)) = own.pop_front()
        {
            self.bytes -= bytes;
            remove(at, file, FULL);
            first = !std::mem::replace(&mut self.told, true);
        }
        (removals, first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn at(trial: u32) -> At {
        At { combination: "s#0".into(), trial, attempt: 1, step: None }
    }

    fn files(removals: &[Removal]) -> Vec<&str> {
        removals.iter().map(|r| r.file.as_str()).collect()
    }

    #[rstest]
    #[case(Keep::All, true, &[])]
    #[case(Keep::All, false, &[])]
    #[case(Keep::Failures, true, &[])]
    #[case(Keep::Failures, false, &["a.wav"])]
    #[case(Keep::None, true, &["a.wav"])]
    #[case(Keep::None, false, &["a.wav"])]
    fn what_is_kept_is_what_was_asked_for(#[case] keep: Keep, #[case] of_interest: bool, #[case] removed: &[&str]) {
        let retention = Retention { keep, budget: None };
        let (removals, _) = Store::default().settle(retention, &at(1), vec![("a.wav".to_owned(), 9)], of_interest);
        assert_eq!(files(&removals), removed);
    }

    /// Trials as (of interest, bytes), a budget of 10 bytes, and the trials whose evidence is left in the end.
    #[rstest]
    #[case::all_fits(&[(false, 5), (true, 5)], &[1, 2])]
    #[case::the_oldest_goes_first(&[(false, 5), (false, 5), (false, 5)], &[2, 3])]
    #[case::what_failed_stays(&[(true, 5), (false, 5), (false, 5)], &[1, 3])]
    #[case::what_failed_makes_room_for_nothing(&[(true, 5), (true, 5), (false, 5), (true, 5)], &[1, 2])]
    #[case::too_large_at_all(&[(true, 11), (false, 3)], &[2])]
    fn the_budget_is_kept_and_failures_stay_longest(#[case] trials: &[(bool, u64)], #[case] left: &[u32]) {
        let retention = Retention { keep: Keep::All, budget: Some(10) };
        let mut store = Store::default();
        let mut there: Vec<u32> = Vec::new();
        for (trial, (of_interest, bytes)) in (1..).zip(trials) {
            there.push(trial);
            let (removals, _) = store.settle(retention, &at(trial), vec![(trial.to_string(), *bytes)], *of_interest);
            there.retain(|t| !removals.iter().any(|r| r.at.trial == *t));
            assert!(store.bytes <= 10, "{} bytes", store.bytes);
        }
        assert_eq!(there, left);
    }
}
