//! How many trials and how much lab time a plan is expected to take.

use std::{collections::BTreeMap, sync::Arc};

use rigtone_audio::stimulus;
use rigtone_judge::verdicts::{RunPlan, ScenarioRules, Standing};
use rigtone_model::{
    document::{Action, Play, Scenario},
    plan::{Combination, capacity},
    quantity::{Duration, Param},
};
use serde::Serialize;

/// A recording of one stimulus: about four seconds of two channels with 16 bits at 48 kHz.
const RECORDING_BYTES: f64 = 4.0 * 48_000.0 * 2.0 * 2.0;

/// What a plan is expected to take, infrastructure errors apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// Combinations that will be run.
    pub combinations: usize,
    /// Combinations that will be skipped.
    pub skipped: usize,
    /// On average, were every device a good one.
    pub good: Cost,
    /// On average, were every device midway between good and bad: it takes longest.
    pub middling: Cost,
    /// On average, were every device at the limits.
    pub bad: Cost,
    /// At most.
    pub at_most: Cost,
    /// Bytes of recordings on average, were every device a good one.
    pub evidence_bytes: u64,
}

/// Trials and time.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cost {
    /// Trials.
    pub trials: f64,
    /// Seconds, were everything done one after the other.
    pub serial_s: f64,
    /// Seconds on the resource that is needed longest: no schedule can be faster.
    pub critical_s: f64,
    /// That resource.
    pub critical_resource: Option<Arc<str>>,
}

/// The trials of each combination of a scenario.
struct Expected {
    good: f64,
    middling: f64,
    bad: f64,
    at_most: f64,
}

impl Expected {
    fn of(scenario: &Scenario, rules: &ScenarioRules) -> Self {
        let hours = listened_hours(scenario);
        let trials = |standing| rules.expected_trials(scenario.repeat, standing, hours);
        Self {
            good: trials(Standing::Good),
            middling: trials(Standing::Middling),
            bad: trials(Standing::Bad),
            at_most: f64::from(scenario.repeat.at_most),
        }
    }
}

/// The hours of sound of a trial.
fn listened_hours(scenario: &Scenario) -> f64 {
    let seconds = |name: &str| {
        name.parse().ok().and_then(|name| stimulus::Positions::of(name, 48_000, 0).ok()).map_or(0.0, |p| p.duration_s())
    };
    // Under some conditions it may be less.
    let each = scenario.steps_of_trial().into_iter().map(|step| match step.action() {
        Action::Play(play) => {
            let once = seconds(&play.signal);
            match play.lasting {
                Some(Param::Fixed(lasting)) => {
                    f64::from(Play::times(lasting, Duration::from_ns((once * 1e9) as i64))) * once
                }
                _ => once,
            }
        }
        Action::Listen(listen) => listen.lasting.seconds(),
        _ => 0.0,
    });
    each.sum::<f64>() / 3600.0
}

/// The trials that a good device needs on average until its verdict.
pub(crate) fn expected_trials(scenario: &Scenario, rules: &ScenarioRules) -> f64 {
    rules.expected_trials(scenario.repeat, Standing::Good, listened_hours(scenario))
}

impl Forecast {
    /// Of a plan.
    pub fn of(run: &RunPlan) -> Self {
        let known: BTreeMap<&str, (Expected, usize)> = (run.plan.scenarios.iter())
            .filter_map(|planned| {
                let scenario = &planned.document;
                let rules = run.rules.scenario(&scenario.scenario)?;
                let plays = scenario.steps_of_trial().iter().filter(|s| matches!(s.action(), Action::Play(_))).count();
                Some((scenario.scenario.as_str(), (Expected::of(scenario, rules), plays)))
            })
            .collect();
        let planned: Vec<(&Combination, &(Expected, usize))> = (run.plan.combinations.iter())
            .filter(|c| c.skipped.is_none())
            .filter_map(|c| Some((c, known.get(&*c.scenario)?)))
            .collect();
        let cost = |of: fn(&Expected) -> f64| Cost::of(planned.iter().map(|(c, (expected, _))| (*c, of(expected))));
        let recordings: f64 = planned.iter().map(|(_, (expected, plays))| expected.good * *plays as f64).sum();
        Self {
            combinations: planned.len(),
            skipped: run.plan.combinations.iter().filter(|c| c.skipped.is_some()).count(),
            good: cost(|e| e.good),
            middling: cost(|e| e.middling),
            bad: cost(|e| e.bad),
            at_most: cost(|e| e.at_most),
            evidence_bytes: (recordings * RECORDING_BYTES) as u64,
        }
    }
}

impl Cost {
    /// Of so many trials of each combination.
    fn of<'a>(each: impl Iterator<Item = (&'a Combination, f64)>) -> Self {
        let mut load: BTreeMap<&Arc<str>, f64> = BTreeMap::new();
        let mut cost = Self::default();
        for (combination, trials) in each {
            let seconds = trials * combination.trial_ns as f64 / 1e9;
            cost.trials += trials;
            cost.serial_s += seconds;
            for resource in combination.resources.iter() {
                *load.entry(resource).or_default() += seconds / f64::from(capacity(resource));
            }
        }
        if let Some((resource, seconds)) = load.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
            (cost.critical_resource, cost.critical_s) = (Some(resource.clone()), seconds);
        }
        cost
    }
}
