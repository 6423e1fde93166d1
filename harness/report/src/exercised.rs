//! The test cases of the Bluetooth SIG whose behaviour scenarios exercise. None of them is passed by that: it takes the SIG's own tester.

use rigtone_model::plan::Plan;

/// What a report calls them.
pub const TITLE: &str = "exercises behaviour of";

/// The test cases of a scenario of the plan.
pub fn of<'a>(plan: &'a Plan, scenario: &str) -> &'a [String] {
    plan.scenario(scenario).map_or(&[], |scenario| &scenario.exercises)
}

/// What the scenarios of a plan exercise, a sentence for each that exercises any.
pub fn sentences(plan: &Plan) -> Vec<String> {
    let scenarios = plan.scenarios.iter().map(|planned| &planned.document);
    let exercising = scenarios.filter(|scenario| !scenario.exercises.is_empty());
    exercising.map(|scenario| format!("{} {TITLE} {}", scenario.scenario, scenario.exercises.join(", "))).collect()
}
