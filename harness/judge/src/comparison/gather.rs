//! From the events of a run to what each trial says about each expectation.

use std::collections::{HashMap, HashSet};

use rigtone_model::{
    event::{Body, Event, TrialOutcome},
    id::CombinationId,
    plan::Plan,
    trial::{TrialFolder, TrialRecord},
};

use crate::{
    Interval,
    sequential::Outcome,
    verdicts::{TrialResult, counted, results},
};

/// What one trial says about one expectation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// Its number.
    pub number: u32,
    /// When it began, in nanoseconds of its run.
    pub began_ns: i64,
    /// Whether the expectation held.
    pub outcome: Outcome,
    /// The measured value as a range, for expectations about one.
    pub value: Option<Interval>,
    /// Events and hours, for expectations about a count.
    pub counted: Option<(u64, f64)>,
}

/// The trials of a combination, one series for each expectation of its scenario.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// By expectation.
    pub expectations: Vec<Vec<Trial>>,
}

/// Takes the events of a run in their order.
#[derive(Debug)]
pub struct Gatherer<'a> {
    plan: &'a Plan,
    places: HashMap<CombinationId, usize>,
    folder: TrialFolder,
    series: Vec<Series>,
    /// Combinations whose trials count no more.
    void: HashSet<usize>,
    stranger: Option<CombinationId>,
}

impl<'a> Gatherer<'a> {
    /// Nothing has happened yet.
    pub fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            places: plan.combinations.iter().enumerate().map(|(i, c)| (c.id.clone(), i)).collect(),
            folder: TrialFolder::default(),
            series: vec![Series::default(); plan.combinations.len()],
            void: HashSet::new(),
            stranger: None,
        }
    }

    /// Takes the next event. Trials that were lost to the rig or cancelled say nothing, nor do those of another device than was thought.
    pub fn take(&mut self, event: Event) {
        if let (Body::Voided { .. }, Some(at)) = (&event.body, &event.at)
            && let Some(&place) = self.places.get(&at.combination)
        {
            self.void.insert(place);
        }
        let Some(record) = self.folder.take(event) else { return };
        if record.outcome == TrialOutcome::Completed {
            self.add(&record);
        }
    }

    fn add(&mut self, record: &TrialRecord) {
        let Some(&place) = self.places.get(&record.combination) else {
            self.stranger.get_or_insert_with(|| record.combination.clone());
            return;
        };
        let Some(scenario) = self.plan.scenario(&self.plan.combinations[place].scenario) else { return };
        let series = &mut self.series[place].expectations;
        series.resize(scenario.expect.len(), Vec::new());
        for (trials, expect) in series.iter_mut().zip(&scenario.expect) {
            let expectation = expect.expectation();
            let counted = counted(&expectation, record);
            for TrialResult { outcome, value, .. } in results(&expectation, scenario, record) {
                trials.push(Trial { number: record.trial, began_ns: record.began_ns, outcome, value, counted });
            }
        }
    }

    /// A trial that gave a result twice: the log is that of no run.
    pub fn doubled(&self) -> Option<&(CombinationId, u32)> {
        self.folder.doubled()
    }

    /// A combination of the log that the plan does not have: they do not belong together.
    pub fn stranger(&self) -> Option<&CombinationId> {
        self.stranger.as_ref()
    }

    /// The series of all combinations, in the order of the plan.
    pub fn finish(mut self) -> Vec<Series> {
        for place in self.void {
            self.series[place].expectations.iter_mut().for_each(Vec::clear);
        }
        self.series
    }
}
