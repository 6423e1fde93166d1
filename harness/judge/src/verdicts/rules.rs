//! The rules of a run, fixed before its first trial and kept in its plan.

use std::{collections::HashMap, sync::Arc};

use rigtone_model::{
    document::{Expect, Expectation, Quarantined, Repeat, Scenario},
    id::CombinationId,
    plan::{Combination, Plan},
    verdict::RunVerdicts,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::looks::Looks;
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExpectationRule {
    /// The boundaries of its sequential test; absent for kinds that have none, or that this version does not judge.
    pub boundaries: Option<Arc<Boundaries>>,
    /// The watch over its rate, for counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
    /// The trials before which the watch gives no answer.
    #[serde(default, skip_serializing_if = "is_none")]
    pub watch_at_least: u32,
    /// When two sides are looked at, for a difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
    /// The rules of its parts, for one that has parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ExpectationRule>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_none(trials: &u32) -> bool {
    *trials == 0
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

/// How an error probability is shared among the parts of an expectation, so that the whole keeps it: `any` passes by any of its parts, `all` fails by
/// any of them (C. E. Bonferroni 1936).
#[derive(Debug, Clone, Copy)]
struct Shares {
    alpha: f64,
    beta: f64,
}

impl Shares {
    fn of(expectation: &Expectation<'_>) -> Self {
        let parts = expectation.parts().count().max(1) as f64;
        match expectation {
            Expectation::Any(_) => Self { alpha: 1.0 / parts, beta: 1.0 },
            Expectation::All(_) => Self { alpha: 1.0, beta: 1.0 / parts },
            _ => Self { alpha: 1.0, beta: 1.0 },
        }
    }
}

fn design(expectation: &Expectation<'_>, repeat: Repeat, shares: Shares) -> Option<Design> {
    let rate = expectation.rate()?;
    Some(Design {
        reject: rate.at_least,
        accept: rate.good,
        alpha: shares.alpha * (1.0 - rate.confidence),
        beta: shares.beta * (1.0 - rate.confidence),
        at_least: repeat.at_least,
        at_most: repeat.at_most,
    })
}

/// The test designs of an expectation, one for each of its parts; none for kinds that have no sequential test.
pub fn designs(scenario: &Scenario, index: usize) -> Vec<Design> {
    let Some(expect) = scenario.expect.get(index) else { return Vec::new() };
    let expectation = expect.expectation();
    let shares = Shares::of(&expectation);
    expectation.leaves().filter_map(|leaf| design(&leaf, scenario.repeat, shares)).collect()
}

/// The watch over a count; none for other kinds, or where its rates are out of order.
fn watch(expectation: &Expectation<'_>, shares: Shares) -> Option<Watch> {
    let Expectation::Count(count) = expectation else { return None };
    let (limit, good, confidence) = count.rates();
    // One error probability for both answers: the smaller share.
    let confidence = 1.0 - (1.0 - confidence) * shares.alpha.min(shares.beta);
    Watch::new(limit, good, Confidence::new(confidence).ok()?)
}

fn looks(expectation: &Expectation<'_>, repeat: Repeat) -> Option<Looks> {
    let Expectation::Difference(difference) = expectation else { return None };
    Some(Looks::new(repeat.at_least, repeat.at_most, Confidence::new(difference.confidence()).ok()?))
}

/// Boundaries that were computed before, by their design: equal ones are computed once.
type Known = HashMap<String, Arc<Boundaries>>;

impl ExpectationRule {
    fn of(
        expectation: &Expectation<'_>,
        repeat: Repeat,
        shares: Shares,
        known: &mut Known,
    ) -> Result<Self, DesignError> {
        if let Some(design) = design(expectation, repeat, shares) {
            let key = format!("{design:?}");
            let boundaries = match known.get(&key) {
                Some(boundaries) => boundaries.clone(),
                None => known.entry(key).or_insert(Arc::new(design.boundaries()?)).clone(),
            };
            return Ok(Self { boundaries: Some(boundaries), ..Self::default() });
        }
        let (watch, shares) = (watch(expectation, shares), Shares::of(expectation));
        let parts: Result<_, _> = expectation.parts().map(|part| Self::of(&part, repeat, shares, known)).collect();
        let watch_at_least = watch.map_or(0, |_| repeat.at_least);
        Ok(Self { watch, watch_at_least, looks: looks(expectation, repeat), parts: parts?, ..Self::default() })
    }

    /// The trials that it needs on average until it is decided, each of which is watched for so many hours.
    fn expected_trials(&self, standing: Standing, hours: f64) -> f64 {
        let by_boundaries = self.boundaries.as_ref().and_then(|boundaries| {
            let design = boundaries.design();
            boundaries.probabilities(standing.between(design.accept, design.reject)).map(|p| p.expected_trials)
        });
        let by_watch =
            self.watch.map(|watch| watch.expected_hours(standing.between(watch.good(), watch.limit())) / hours);
        // How far two sides are apart, no standing says: all looks are taken.
        let by_looks = self.looks.as_ref().and_then(|looks| looks.looks.last()).map(|last| f64::from(last.trials));
        let parts = self.parts.iter().map(|part| part.expected_trials(standing, hours));
        parts.chain([by_boundaries, by_watch, by_looks].into_iter().flatten()).fold(0.0, f64::max)
    }
}

/// What kind of device is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// At the rates that should be accepted quickly.
    Good,
    /// Midway between those and the limits: it takes longest.
    Middling,
    /// At the limits that must be rejected.
    Bad,
}

impl Standing {
    fn between(self, good: f64, limit: f64) -> f64 {
        match self {
            Self::Good => good,
            Self::Middling => f64::midpoint(good, limit),
            Self::Bad => limit,
        }
    }
}

impl ScenarioRules {
    /// The rules of a scenario; equal designs share their boundaries through `known`.
    ///
    /// # Errors
    /// When an expectation cannot be tested as it is written.
    fn of(scenario: &Scenario, known: &mut Known) -> Result<Self, RuleError> {
        let rule = |(index, expect): (usize, &Expect)| {
            let all = Shares { alpha: 1.0, beta: 1.0 };
            ExpectationRule::of(&expect.expectation(), scenario.repeat, all, known).map_err(|source| RuleError {
                scenario: scenario.scenario.clone(),
                number: index + 1,
                source,
            })
        };
        let expectations: Result<_, _> = scenario.expect.iter().enumerate().map(rule).collect();
        Ok(Self { scenario: scenario.scenario.clone(), expectations: expectations? })
    }

    /// The trials that a device needs on average until all its expectations are decided: those of the slowest of them, within what the scenario
    /// allows. `hours` is how long each trial is watched, for counts.
    pub fn expected_trials(&self, repeat: Repeat, standing: Standing, hours: f64) -> f64 {
        let slowest = self.expectations.iter().map(|rule| rule.expected_trials(standing, hours)).fold(0.0, f64::max);
        slowest.clamp(f64::from(repeat.at_least.min(repeat.at_most)), f64::from(repeat.at_most))
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
    /// What is known to fail: judged and shown, and decides nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantine: Vec<Quarantined>,
}

impl RunPlan {
    /// A plan with its rules.
    ///
    /// # Errors
    /// When an expectation cannot be tested as it is written.
    pub fn new(plan: Plan) -> Result<Self, RuleError> {
        Ok(Self { schema: Plan::SCHEMA.to_owned(), rules: Rules::of(&plan)?, quarantine: Vec::new(), plan })
    }

    /// Says of each combination whether it is in quarantine: by the first entry that holds it.
    pub fn put_in_quarantine(&self, verdicts: &mut RunVerdicts) {
        if self.quarantine.is_empty() {
            return;
        }
        let planned: HashMap<&CombinationId, &Combination> =
            self.plan.combinations.iter().map(|c| (&c.id, c)).collect();
        for verdict in &mut verdicts.combinations {
            let Some(combination) = planned.get(&verdict.id) else { continue };
            verdict.quarantined = self.quarantine.iter().find(|entry| self.holds(entry, combination)).cloned();
        }
    }

    /// Entries of the quarantine that hold no combination of the plan.
    pub fn idle_quarantine(&self) -> impl Iterator<Item = &Quarantined> {
        self.quarantine.iter().filter(|entry| !self.plan.combinations.iter().any(|c| self.holds(entry, c)))
    }

    fn holds(&self, entry: &Quarantined, combination: &Combination) -> bool {
        self.plan.scenario(&combination.scenario).is_some_and(|scenario| entry.holds(combination, scenario))
    }
}
