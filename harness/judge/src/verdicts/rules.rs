//! The rules of a run, fixed before its first trial and kept in its plan.

use std::{collections::HashMap, sync::Arc};

use rigtone_model::{
    document::{Expectation, Scenario},
    plan::Plan,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Confidence,
    poisson::Watch,
    sequential::{Boundaries, Design, DesignError},
};

/// The rules of every scenario of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// In the order of the plan's scenarios.
    pub scenarios: Vec<Arc<ScenarioRules>>,
}

/// The rules of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioRules {
    /// The scenario's id.
    pub scenario: String,
    /// One for each expectation, in its order.
    pub expectations: Vec<ExpectationRule>,
}

/// When an expectation is decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpectationRule {
    /// The boundaries of its sequential test; absent for kinds that have none, or that this version does not judge.
    pub boundaries: Option<Arc<Boundaries>>,
    /// The watch over its rate, for counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
}

/// An expectation that no test can decide as it is written.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("scenario `{scenario}`, expectation {number}: {source}")]
pub struct RuleError {
    /// The scenario.
    pub scenario: String,
    /// The expectation, from 1.
    pub number: usize,
    /// Why.
    pub source: DesignError,
}

/// The test design of an expectation; none for kinds that this version does not judge.
pub fn design(scenario: &Scenario, index: usize) -> Option<Design> {
    let rate = scenario.expect.get(index)?.expectation().rate()?;
    Some(Design {
        reject: rate.at_least,
        accept: rate.good,
        alpha: 1.0 - rate.confidence,
        beta: 1.0 - rate.confidence,
        at_least: scenario.repeat.at_least,
        at_most: scenario.repeat.at_most,
    })
}

/// The watch over a count; none for other kinds, or where its rates are out of order.
fn watch(scenario: &Scenario, index: usize) -> Option<Watch> {
    let Expectation::Count(count) = scenario.expect.get(index)?.expectation() else { return None };
    let (limit, good, confidence) = count.rates();
    Watch::new(limit, good, Confidence::new(confidence).ok()?)
}

impl ScenarioRules {
    /// The rules of a scenario; equal designs share their boundaries through `known`.
    ///
    /// # Errors
    /// When an expectation cannot be tested as it is written.
    fn of(scenario: &Scenario, known: &mut HashMap<String, Arc<Boundaries>>) -> Result<Self, RuleError> {
        let rule = |(index, _)| {
            let Some(design) = design(scenario, index) else {
                return Ok(ExpectationRule { boundaries: None, watch: watch(scenario, index) });
            };
            let key = format!("{design:?}");
            if let Some(boundaries) = known.get(&key) {
                return Ok(ExpectationRule { boundaries: Some(boundaries.clone()), watch: None });
            }
            let boundaries = design.boundaries().map_err(|source| RuleError {
                scenario: scenario.scenario.clone(),
                number: index + 1,
                source,
            })?;
            let boundaries = Arc::new(boundaries);
            known.insert(key, boundaries.clone());
            Ok(ExpectationRule { boundaries: Some(boundaries), watch: None })
        };
        let expectations: Result<_, _> = scenario.expect.iter().enumerate().map(rule).collect();
        Ok(Self { scenario: scenario.scenario.clone(), expectations: expectations? })
    }

    /// The trials that a device of this success rate needs on average until all its expectations are decided, were
    /// the rate the same for each of them: that of the slowest.
    pub fn expected_trials(&self, at_least: u32, rate: f64) -> f64 {
        let of = |rule: &ExpectationRule| rule.boundaries.as_ref()?.probabilities(rate).map(|p| p.expected_trials);
        self.expectations.iter().filter_map(of).fold(f64::from(at_least), f64::max)
    }
}

impl Rules {
    /// The rules of a plan.
    ///
    /// # Errors
    /// When an expectation cannot be tested as it is written.
    pub fn of(plan: &Plan) -> Result<Self, RuleError> {
        Self::of_scenarios(plan.scenarios.iter().map(|s| &s.document))
    }

    /// The rules of scenarios.
    ///
    /// # Errors
    /// When an expectation cannot be tested as it is written.
    pub fn of_scenarios<'a>(scenarios: impl Iterator<Item = &'a Scenario>) -> Result<Self, RuleError> {
        let mut known = HashMap::new();
        let rules: Result<_, _> = scenarios.map(|s| ScenarioRules::of(s, &mut known).map(Arc::new)).collect();
        Ok(Self { scenarios: rules? })
    }

    /// The rules of a scenario.
    pub fn scenario(&self, id: &str) -> Option<&Arc<ScenarioRules>> {
        self.scenarios.iter().find(|s| s.scenario == id)
    }
}

/// What stands in `plan.json`: what was asked, and the rules fixed before the first trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunPlan {
    /// Version of this format: `major.minor`.
    pub schema: String,
    /// What was asked.
    pub plan: Plan,
    /// When it is decided.
    pub rules: Rules,
}

impl RunPlan {
    /// A plan with its rules.
    ///
    /// # Errors
    /// When an expectation cannot be tested as it is written.
    pub fn new(plan: Plan) -> Result<Self, RuleError> {
        Ok(Self { schema: Plan::SCHEMA.to_owned(), rules: Rules::of(&plan)?, plan })
    }
}
