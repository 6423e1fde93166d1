//! The counts of all combinations of a run, and its verdicts.

use std::collections::{BTreeMap, HashMap};

use rigtone_model::{
    document::{Difference, Expectation},
    event::TrialOutcome,
    id::CombinationId,
    plan::{Combination, Plan},
    trial::TrialRecord,
    verdict::{CombinationVerdict, ExpectationVerdict, RunVerdicts, Verdict},
};

use super::{
    beside::Beside,
    rules::Rules,
    tally::{Ending, Tally, Untried, Wants},
};
use crate::{comparison::By, sequential::Decision};

/// The running counts of a run. The runner feeds them while it runs, `rigtone judge` from the log.
#[derive(Debug)]
pub struct Tallies<'a> {
    plan: &'a Plan,
    places: HashMap<CombinationId, usize>,
    tallies: Vec<Option<Tally>>,
    /// The other side of each difference: by place and expectation.
    others: HashMap<(usize, usize), usize>,
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
        let tallies: Vec<Option<Tally>> = tallies.collect();
        Self {
            plan,
            others: others(plan, &tallies),
            places: plan.combinations.iter().enumerate().map(|(i, c)| (c.id.clone(), i)).collect(),
            tallies,
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
        self.look(place);
    }

    /// Looks at the differences in which a combination is a side.
    fn look(&mut self, place: usize) {
        let sides = self.at(place).map_or(&[][..], Tally::beside);
        let open: Vec<usize> =
            sides.iter().filter(|side| side.decision() == Decision::Continue).map(Beside::index).collect();
        for index in open {
            let Some(&other) = self.others.get(&(place, index)) else { continue };
            let side = |place: usize| self.at(place)?.beside().iter().find(|beside| beside.index() == index);
            let (Some(a), Some(b)) = (side(place), side(other)) else { continue };
            let (first, second) = if a.speaks() { (b, a) } else { (a, b) };
            let Some(difference) = self.difference(place, index) else { continue };
            let found = second.look(first, difference);
            for place in [place, other] {
                let tally = self.tallies[place].as_mut();
                let mine = tally.and_then(|t| t.beside_mut().iter_mut().find(|beside| beside.index() == index));
                if let Some(mine) = mine {
                    mine.decide(found);
                }
            }
        }
    }

    fn difference(&self, place: usize, index: usize) -> Option<&'a Difference> {
        let scenario = self.plan.scenario(&self.plan.combinations.get(place)?.scenario)?;
        match scenario.expect.get(index)?.expectation() {
            Expectation::Difference(difference) => Some(difference),
            _ => None,
        }
    }

    /// Whether the combination needs no more trials: every gating expectation is decided, its trials are used up, or the rig lost too many of them.
    pub fn is_settled(&self, place: usize) -> bool {
        self.at(place).is_none_or(|tally| tally.is_over() || (tally.is_decided() && !self.waits(place, tally)))
    }

    /// Whether a difference needs more of its trials, and can still be decided.
    fn waits(&self, place: usize, tally: &Tally) -> bool {
        let done = |place: usize| self.plan.combinations.get(place).is_some_and(|c| c.skipped.is_none());
        tally.beside().iter().any(|beside| {
            let other = self.others.get(&(place, beside.index())).filter(|other| done(**other));
            tally.waits_for(beside) && other.and_then(|other| self.at(*other)).is_some_and(|other| !other.is_lost())
        })
    }

    /// The other sides of the differences in which a combination is one.
    pub fn others(&self, place: usize) -> impl Iterator<Item = usize> {
        let sides = self.at(place).map_or(&[][..], Tally::beside).iter();
        sides.filter_map(move |beside| self.others.get(&(place, beside.index())).copied())
    }

    /// The rig cannot do a combination any more.
    pub fn give_up(&mut self, id: &CombinationId, member: &str, why: &str) {
        if let Some(tally) = self.of(id) {
            tally.give_up(&format!("{member}: {why}"));
        }
    }

    /// The trials of a combination were not of the device that it names.
    pub fn void(&mut self, id: &CombinationId, member: &str, why: &str) {
        if let Some(tally) = self.of(id) {
            tally.void(&format!("{member}: {why}"));
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
        let planned = self.plan.combinations.iter().enumerate();
        planned.filter(|(place, c)| c.skipped.is_none() && !self.is_settled(*place)).map(|(_, c)| &c.id)
    }

    fn of(&mut self, id: &CombinationId) -> Option<&mut Tally> {
        let place = self.place(id)?;
        self.tallies[place].as_mut()
    }

    /// The verdict of the combination at a place as it stands.
    pub fn verdict(&self, place: usize, ending: &Ending) -> Option<CombinationVerdict> {
        let combination = self.plan.combinations.get(place)?;
        let (tally, scenario) = (self.at(place)?, self.plan.scenario(&combination.scenario)?);
        let wants = self.wants(place, tally);
        // What wants trials and had none never began, even where the log says that the run came to its end.
        let never_began = wants == Wants::Trials && tally.is_untried() && *ending == Ending::Complete;
        let ending = if never_began { &Ending::Interrupted } else { ending };
        let differences = self.differences(place, tally, ending);
        Some(tally.verdict(combination, scenario, ending, &wants, differences))
    }

    /// What a combination wants; of one that never wanted anything, why.
    fn wants(&self, place: usize, tally: &Tally) -> Wants {
        if !self.is_settled(place) {
            return Wants::Trials;
        }
        if tally.trials() > 0 || tally.is_over() {
            return Wants::Nothing;
        }
        // Settled without a trial: nothing of its own is open, and no difference can be answered.
        let waiting = tally.beside().iter().filter(|beside| tally.waits_for(beside));
        let alone = waiting.filter_map(|beside| self.other(place, beside).err()).min();
        Wants::Never(alone.unwrap_or_else(|| Untried::Plan("nothing is expected of it that can be judged".to_owned())))
    }

    /// The other side of a difference, or why there is none.
    fn other(&self, place: usize, beside: &Beside) -> Result<(&Beside, &Combination), Untried> {
        let other = self.others.get(&(place, beside.index()));
        let Some((other, tally)) =
            other.and_then(|other| Some((self.plan.combinations.get(*other)?, self.at(*other)?)))
        else {
            return Err(Untried::Plan("the plan has no combination to compare with".to_owned()));
        };
        if let Some(why) = &other.skipped {
            return Err(Untried::Plan(format!("the other side was skipped: {why}")));
        }
        if tally.is_void() {
            return Err(Untried::Rig(format!("the trials of the other side, {}, count no more", other.id)));
        }
        if tally.is_lost() && beside.decision() == Decision::Continue {
            return Err(Untried::Rig(format!("the rig lost the other side, {}", other.id)));
        }
        let side = tally.beside().iter().find(|side| side.index() == beside.index());
        side.map(|side| (side, other)).ok_or_else(|| Untried::Plan("the other side has no trials".to_owned()))
    }

    /// The verdicts of the differences in which a combination is the second side.
    fn differences(&self, place: usize, tally: &Tally, ending: &Ending) -> Vec<ExpectationVerdict> {
        let mine = tally.beside().iter().filter(|beside| beside.speaks());
        let verdict = |beside: &Beside| {
            let difference = self.difference(place, beside.index())?;
            let first = self.other(place, beside);
            Some(beside.verdict(first.as_ref().map(|first| *first).map_err(Untried::why), difference, ending))
        };
        mine.filter_map(verdict).collect()
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

/// Who is compared with whom: combinations that differ in what is compared alone.
fn others(plan: &Plan, tallies: &[Option<Tally>]) -> HashMap<(usize, usize), usize> {
    let mut groups: BTreeMap<(usize, String), [Option<usize>; 2]> = BTreeMap::new();
    for (place, (combination, tally)) in plan.combinations.iter().zip(tallies).enumerate() {
        let (Some(tally), Some(scenario)) = (tally, plan.scenario(&combination.scenario)) else { continue };
        for beside in tally.beside() {
            let Some(Expectation::Difference(difference)) =
                scenario.expect.get(beside.index()).map(|expect| expect.expectation())
            else {
                continue;
            };
            let by = difference.axis(scenario).map_or(By::Condition, |axis| By::Axis(axis.to_owned()));
            if let Some((rest, _)) = by.side("", combination) {
                groups.entry((beside.index(), rest)).or_default()[usize::from(beside.speaks())] = Some(place);
            }
        }
    }
    let mut others = HashMap::new();
    for ((index, _), sides) in groups {
        if let [Some(first), Some(second)] = sides {
            others.insert((first, index), second);
            others.insert((second, index), first);
        }
    }
    others
}
