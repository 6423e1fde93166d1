//! The counts of all combinations of a run, and its verdicts.

use std::collections::{BTreeMap, HashMap};

use rigtone_model::{
    event::TrialOutcome,
    id::CombinationId,
    plan::Plan,
    trial::TrialRecord,
    verdict::{RunVerdicts, Verdict},
};

use super::{
    rules::Rules,
    tally::{Ending, Tally},
};

/// The running counts of a run. The runner feeds them while it runs, `rigtone judge` from the log.
#[derive(Debug)]
pub struct Tallies<'a> {
    plan: &'a Plan,
    places: HashMap<CombinationId, usize>,
    tallies: Vec<Option<Tally>>,
    /// How combinations ended that come from another run than the rest.
    endings: BTreeMap<usize, Ending>,
}

impl<'a> Tallies<'a> {
    /// Empty counts for a plan.
    pub fn new(plan: &'a Plan, rules: &Rules) -> Self {
        let scenarios: HashMap<&str, _> = plan
            .scenarios
            .iter()
            .filter_map(|s| Some((s.document.scenario.as_str(), (&s.document, rules.scenario(&s.document.scenario)?))))
            .collect();
        let tallies = plan.combinations.iter().map(|c| {
            let (scenario, rules) = scenarios.get(&*c.scenario)?;
            Some(Tally::new(c, scenario, rules))
        });
        Self {
            plan,
            places: plan.combinations.iter().enumerate().map(|(i, c)| (c.id.clone(), i)).collect(),
            tallies: tallies.collect(),
            endings: BTreeMap::new(),
        }
    }

    /// Where a combination stands in the plan.
    pub fn place(&self, id: &CombinationId) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The count of the combination at a place.
    pub fn at(&self, place: usize) -> Option<&Tally> {
        self.tallies.get(place)?.as_ref()
    }

    /// Counts one attempt at a trial, and the time it took in nanoseconds.
    pub fn take(&mut self, record: &TrialRecord, took_ns: i64) {
        let Some(place) = self.place(&record.combination) else { return };
        let scenario = self.plan.scenario(&self.plan.combinations[place].scenario);
        if let (Some(tally), Some(scenario)) = (&mut self.tallies[place], scenario) {
            tally.take(record, scenario);
            // What was cancelled is run again, or never: its time is nobody's.
            if record.outcome != TrialOutcome::Cancelled {
                tally.spent(took_ns);
            }
        }
    }

    /// The rig cannot do a combination any more.
    pub fn give_up(&mut self, id: &CombinationId, member: &str, why: &str) {
        if let Some(tally) = self.of(id) {
            tally.give_up(&format!("{member}: {why}"));
        }
    }

    /// The rig is looked at anew, and with it all that was given up.
    pub fn take_up(&mut self) {
        for tally in self.tallies.iter_mut().flatten() {
            tally.take_up();
        }
    }

    /// A piece of evidence of a combination is no longer there.
    pub fn forget_evidence(&mut self, id: &CombinationId, file: &str) {
        if let Some(tally) = self.of(id) {
            tally.forget_evidence(file);
        }
    }

    /// How a combination ended, whatever ended the others.
    pub fn ended(&mut self, id: &CombinationId, ending: Ending) {
        if let Some(place) = self.place(id) {
            self.endings.insert(place, ending);
        }
    }

    /// Combinations that still want trials.
    pub fn open(&self) -> impl Iterator<Item = &CombinationId> {
        let planned = self.plan.combinations.iter().zip(&self.tallies);
        let open = |tally: &Option<Tally>| tally.as_ref().is_some_and(|tally| !tally.is_settled());
        planned.filter(move |(c, tally)| c.skipped.is_none() && open(tally)).map(|(c, _)| &c.id)
    }

    fn of(&mut self, id: &CombinationId) -> Option<&mut Tally> {
        let place = self.place(id)?;
        self.tallies[place].as_mut()
    }

    /// The verdict of the combination at a place as it stands.
    pub fn verdict(&self, place: usize, ending: &Ending) -> Option<rigtone_model::verdict::CombinationVerdict> {
        let combination = self.plan.combinations.get(place)?;
        Some(self.at(place)?.verdict(combination, self.plan.scenario(&combination.scenario)?, ending))
    }

    /// The verdicts of the run. `interrupted` says what ended it before its plan was done, and how that counts.
    pub fn verdicts(&self, run: &str, interrupted: Option<(String, Ending)>) -> RunVerdicts {
        let ending = interrupted.as_ref().map_or(Ending::Complete, |(_, ending)| ending.clone());
        let ending_of = |place: usize| self.endings.get(&place).unwrap_or(&ending);
        let combinations: Vec<_> =
            (0..self.tallies.len()).filter_map(|place| self.verdict(place, ending_of(place))).collect();
        RunVerdicts {
            schema: RunVerdicts::SCHEMA.to_owned(),
            run: run.to_owned(),
            // What ran out of time is skipped, one by one; and an end that left nothing open interrupted nothing.
            interrupted: interrupted
                .filter(|(_, ending)| *ending == Ending::Interrupted)
                .filter(|_| combinations.iter().any(|c| c.verdict == Verdict::Aborted))
                .map(|(why, _)| why),
            combinations,
        }
    }
}
