//! Which cases there are, what they are called, and how they ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rigtone_model::{
    id::CombinationId,
    plan::{Combination, Plan},
    verdict::{CombinationVerdict, ExpectationVerdict, RunVerdicts, Verdict},
};

use super::{
    JunitError, Options,
    text::{attachments, body, properties},
    xml::{Case, CaseResult, Detail, Suite},
};
use crate::{
    exercised,
    exit::InconclusivePolicy,
    figure::count,
    sanitise::{label, short},
};

/// The longest name, in characters.
const LONGEST_NAME: usize = 240;
/// The longest message, in characters; the body says it all.
const LONGEST_MESSAGE: usize = 300;

/// What a case is about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) run: &'a str,
    /// What of the run is not there, in the case that says so.
    pub(super) missing: &'a [String],
    pub(super) combination: &'a CombinationVerdict,
    pub(super) planned: Option<&'a Combination>,
    /// Test cases of the Bluetooth SIG whose behaviour its scenario exercises.
    pub(super) exercises: &'a [String],
    /// The expectation; none in the case of the combination's trials.
    pub(super) expectation: Option<&'a ExpectationVerdict>,
    pub(super) verdict: &'a Verdict,
}

pub(super) fn suites(verdicts: &RunVerdicts, plan: &Plan, options: &Options<'_>) -> Result<Vec<Suite>, JunitError> {
    let planned: HashMap<&CombinationId, &Combination> = plan.combinations.iter().map(|c| (&c.id, c)).collect();
    let mut suites: Vec<Suite> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut expectations: HashMap<&str, Vec<Expected>> = HashMap::new();
    for combination in &verdicts.combinations {
        let scenario = combination.scenario.as_str();
        let place = *places.entry(scenario).or_insert_with(|| {
            suites.push(Suite {
                name: label(scenario, LONGEST_NAME),
                host: label(&plan.rig, LONGEST_NAME),
                started_unix_s: options.started_unix_s,
                cases: Vec::new(),
            });
            suites.len() - 1
        });
        let expected = expectations.entry(scenario).or_insert_with(|| expected(plan, scenario));
        let planned = planned.get(&combination.id).copied();
        let exercises = exercised::of(plan, scenario);
        // Readers have no place for what is missing of a run: the first case of each suite says it.
        let missing: &[String] = if suites[place].cases.is_empty() { options.missing } else { &[] };
        let options = Options { missing, ..*options };
        suites[place].cases.extend(cases(&verdicts.run, combination, planned, exercises, expected, &options));
    }
    for suite in &suites {
        let mut seen = BTreeSet::new();
        if let Some(case) = suite.cases.iter().find(|case| !seen.insert((&case.classname, &case.name))) {
            let (classname, name) = (case.classname.clone(), case.name.clone());
            return Err(JunitError::Duplicate { suite: suite.name.clone(), classname, name });
        }
    }
    Ok(suites)
}

/// An expectation of a scenario, as names show it.
struct Expected {
    name: String,
    when: Vec<String>,
}

/// Names an expectation by its kind and step, not by its position: another one added before it does not rename it.
fn expected(plan: &Plan, scenario: &str) -> Vec<Expected> {
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    let Some(scenario) = plan.scenario(scenario) else { return Vec::new() };
    let name = |expect: &rigtone_model::document::Expect| {
        let kinds = expect.kinds();
        let Some(kind) = kinds.first() else { return "expectation".to_owned() };
        match kind.step() {
            Some(step) => format!("{} of {step}", kind.title()),
            None => kind.title(),
        }
    };
    let number = |mut name: String| {
        let n = times.entry(name.clone()).or_default();
        *n += 1;
        if *n > 1 {
            name.push_str(&format!(" ({n})"));
        }
        name
    };
    let names: Vec<String> = scenario.expect.iter().map(name).map(number).collect();
    names.into_iter().zip(&scenario.expect).map(|(name, e)| Expected { name, when: e.when.clone() }).collect()
}

fn cases(
    run: &str,
    combination: &CombinationVerdict,
    planned: Option<&Combination>,
    exercises: &[String],
    expected: &[Expected],
    options: &Options<'_>,
) -> Vec<Case> {
    let id = combination.id.as_str();
    let axes = id.strip_prefix(combination.scenario.as_str()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(id);
    let case = |what: &str, took_ns: i64, subject: Subject<'_>| {
        let result = result(subject, options.inconclusive);
        let mut output = properties(&subject);
        if !matches!(result, CaseResult::Success) {
            output.push_str(&attachments(combination, options.directory));
        }
        Case {
            classname: label(&format!("rigtone.{}", combination.scenario), LONGEST_NAME),
            name: label(&format!("{axes}: {what}"), LONGEST_NAME),
            took_ns,
            result,
            output,
        }
    };
    let verdict = &combination.verdict;
    let subject = Subject { run, missing: &[], combination, planned, exercises, expectation: None, verdict };

    // Whoever fails or is not decided says so himself; the combination repeats it only when none of its expectations does.
    let said = combination.expectations.iter().any(|e| e.gating && e.verdict == combination.verdict);
    let of_the_device = matches!(combination.verdict, Verdict::Fail | Verdict::Inconclusive);
    let own = if of_the_device && said { &Verdict::Pass } else { &combination.verdict };
    let of_trials = Subject { missing: options.missing, verdict: own, ..subject };
    let mut cases = vec![case("trials", combination.took_ns, of_trials)];

    for verdict in &combination.expectations {
        let name = match expected.get(verdict.index) {
            Some(expected) => expected.name.clone(),
            None => format!("expectation {}", verdict.index + 1),
        };
        cases.push(case(&name, 0, Subject { expectation: Some(verdict), verdict: &verdict.verdict, ..subject }));
    }
    // What was never judged keeps its name in the report, with the reason why.
    if matches!(combination.verdict, Verdict::Skipped(_) | Verdict::InfraError | Verdict::Aborted) {
        let condition = planned.and_then(|p| p.condition.as_deref());
        for (index, expected) in expected.iter().enumerate() {
            let meant = expected.when.is_empty() || condition.is_some_and(|c| expected.when.iter().any(|w| w == c));
            if meant && combination.expectations.iter().all(|e| e.index != index) {
                cases.push(case(&expected.name, 0, subject));
            }
        }
    }
    cases
}

fn result(subject: Subject<'_>, policy: InconclusivePolicy) -> CaseResult {
    let detail = |kind: &str| Detail { kind: kind.to_owned(), message: message(&subject), body: body(&subject) };
    let result = match (subject.verdict, policy) {
        (Verdict::Pass, _) | (Verdict::Inconclusive, InconclusivePolicy::AsPass) => CaseResult::Success,
        (Verdict::Fail, _) => CaseResult::Failure(detail("product-failure")),
        (Verdict::Inconclusive, InconclusivePolicy::AsFailure) => CaseResult::Failure(detail("inconclusive")),
        (Verdict::Skipped(_), _) => CaseResult::Skipped(detail("skipped")),
        (verdict @ (Verdict::Inconclusive | Verdict::InfraError | Verdict::Aborted), _) => {
            CaseResult::Error(detail(verdict.word()))
        }
    };
    // What is known to fail wakes nobody up either, and what passes there has not been let out yet: it says who looks after it, and until when.
    if let Some(known) = &subject.combination.quarantined {
        let message = format!(
            "in quarantine until {} ({}): {}; {}: {}",
            known.expires,
            known.owner,
            known.reason,
            subject.verdict,
            message(&subject)
        );
        let (kind, message) = ("quarantined".to_owned(), short(&message, LONGEST_MESSAGE));
        return CaseResult::Skipped(Detail { kind, message, body: body(&subject) });
    }
    match (subject.expectation, result) {
        // It decides nothing: readers show it with the verdict it has, and nobody is woken up.
        (Some(e), CaseResult::Failure(d) | CaseResult::Error(d)) if !e.gating => CaseResult::Skipped(Detail {
            message: short(&format!("not gating, {}: {}", subject.verdict, d.message), LONGEST_MESSAGE),
            kind: "not-gating".to_owned(),
            ..d
        }),
        (_, result) => result,
    }
}

fn message(subject: &Subject<'_>) -> String {
    let text = match (subject.verdict, subject.expectation) {
        (Verdict::Skipped(reason), _) => reason.clone(),
        (_, Some(e)) => format!("expected {}; seen {}", e.expected, e.seen),
        (Verdict::InfraError, None) => match subject.combination.faults.last() {
            Some(fault) => format!("the rig failed: {fault}"),
            None => "the rig failed".to_owned(),
        },
        (Verdict::Aborted, None) => "the run was ended before an answer".to_owned(),
        (verdict, None) => format!("{verdict} after {}", count(subject.combination.trials as usize, "trial")),
    };
    short(&text, LONGEST_MESSAGE)
}
