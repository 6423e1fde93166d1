//! How many trials and how much lab time a plan is expected to take.

use std::{collections::BTreeMap, sync::Arc};

use rigtone_judge::verdicts::RunPlan;
use rigtone_model::{document::Action, plan::capacity};
use serde::Serialize;

/// A recording of one stimulus: about four seconds of two channels with 16 bits at 48 kHz.
const RECORDING_BYTES: f64 = 4.0 * 48_000.0 * 2.0 * 2.0;

/// What a plan is expected to take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// Combinations that will be run.
    pub combinations: usize,
    /// Combinations that will be skipped.
    pub skipped: usize,
    /// Trials on average, were every device a good one.
    pub trials_expected: f64,
    /// Trials at most, infrastructure errors apart.
    pub trials_at_most: u64,
    /// Seconds on average, were every device a good one and everything done one after the other.
    pub serial_s: f64,
    /// Seconds on average on the resource that is needed longest: no schedule can be faster.
    pub critical_s: f64,
    /// That resource.
    pub critical_resource: Option<Arc<str>>,
    /// Seconds at most on that resource.
    pub critical_at_most_s: f64,
    /// Bytes of recordings on average, were every device a good one.
    pub evidence_bytes: u64,
}

impl Forecast {
    /// Of a plan.
    pub fn of(run: &RunPlan) -> Self {
        let mut load: BTreeMap<Arc<str>, (f64, f64)> = BTreeMap::new();
        let mut total = Self {
            combinations: 0,
            skipped: 0,
            trials_expected: 0.0,
            trials_at_most: 0,
            serial_s: 0.0,
            critical_s: 0.0,
            critical_resource: None,
            critical_at_most_s: 0.0,
            evidence_bytes: 0,
        };
        let mut evidence = 0.0;
        let per_scenario: BTreeMap<&str, (f64, u32, usize)> = run
            .plan
            .scenarios
            .iter()
            .filter_map(|planned| {
                let scenario = &planned.document;
                let good =
                    scenario.expect.iter().filter_map(|e| Some(e.expectation().rate()?.good)).fold(1.0, f64::min);
                let rules = run.rules.scenario(&scenario.scenario)?;
                let expected = rules.expected_trials(scenario.repeat.at_least, good);
                let plays = scenario.trial.iter().filter(|s| matches!(s.action(), Action::Play(_))).count();
                Some((scenario.scenario.as_str(), (expected, scenario.repeat.at_most, plays)))
            })
            .collect();
        for combination in &run.plan.combinations {
            if combination.skipped.is_some() {
                total.skipped += 1;
                continue;
            }
            let Some((expected, at_most, plays)) = per_scenario.get(&*combination.scenario) else { continue };
            let trial_s = combination.trial_ns as f64 / 1e9;
            total.combinations += 1;
            total.trials_expected += expected;
            total.trials_at_most += u64::from(*at_most);
            total.serial_s += expected * trial_s;
            evidence += expected * *plays as f64 * RECORDING_BYTES;
            for resource in combination.resources.iter() {
                let entry = load.entry(resource.clone()).or_default();
                let share = trial_s / f64::from(capacity(resource));
                entry.0 += expected * share;
                entry.1 += f64::from(*at_most) * share;
            }
        }
        total.evidence_bytes = evidence as u64;
        if let Some((resource, (expected, at_most))) = load.into_iter().max_by(|a, b| a.1.0.total_cmp(&b.1.0)) {
            (total.critical_resource, total.critical_s, total.critical_at_most_s) = (Some(resource), expected, at_most);
        }
        total
    }
}
