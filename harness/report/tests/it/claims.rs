//! What becomes of a claim, by what its combinations showed and on what.

use rigtone_model::{
    plan::Plan,
    rig_kind::RigKind::{self, Hardware, Simulated, Virtual},
    verdict::{RunVerdicts, Verdict},
};
use rigtone_report::claims::{Findings, OfRun, Outcome, findings, text};
use rstest::rstest;

use crate::sample::{self, FAIL, PASS, SKIPPED};

const CLAIM: &str = "claim/pairing-attempts";

/// The sample, whose first scenario covers the claim, with these verdicts of its combinations.
fn run(verdicts: &[(&str, Verdict)]) -> (Plan, RunVerdicts) {
    let (mut plan, mut all) = (sample::plan(), sample::verdicts());
    plan.scenarios[0].document.covers = vec![CLAIM.into()];
    all.combinations.retain(|c| verdicts.iter().any(|(id, _)| c.id == (*id).into()));
    for (id, verdict) in verdicts {
        let given = all.combinations.iter_mut().find(|c| c.id == (*id).into()).unwrap();
        given.verdict = verdict.clone();
    }
    (plan, all)
}

fn of(runs: &[(RigKind, i64, &(Plan, RunVerdicts))]) -> Findings {
    let runs: Vec<OfRun<'_>> = runs
        .iter()
        .map(|(kind, unix_s, (plan, verdicts))| OfRun { unix_s: *unix_s, kind: *kind, plan, verdicts })
        .collect();
    findings(&runs)
}

fn outcome(found: &Findings) -> Outcome {
    found.claims.iter().find(|f| f.claim == CLAIM).unwrap().outcome
}

#[rstest]
#[case::all_hold(&[(PASS, Verdict::Pass), (FAIL, Verdict::Pass)], Outcome::Confirmed)]
#[case::none_holds(&[(PASS, Verdict::Fail), (FAIL, Verdict::Fail)], Outcome::Refuted)]
#[case::some_hold(&[(PASS, Verdict::Pass), (FAIL, Verdict::Fail)], Outcome::Differs)]
#[case::one_is_decided(&[(PASS, Verdict::Pass), (FAIL, Verdict::Inconclusive)], Outcome::Confirmed)]
#[case::none_is_decided(&[(PASS, Verdict::InfraError), (FAIL, Verdict::Inconclusive)], Outcome::CannotTell)]
#[case::none_was_run(&[(SKIPPED, Verdict::Skipped("no microphone".into()))], Outcome::NotTested)]
fn real_devices_confirm_or_refute(#[case] verdicts: &[(&str, Verdict)], #[case] due: Outcome) {
    let run = run(verdicts);
    assert_eq!(outcome(&of(&[(Hardware, 1, &run)])), due);
}

#[rstest]
#[case(Simulated)]
#[case(Virtual)]
#[case(RigKind::Unknown)]
fn another_world_proves_nothing_of_them_and_says_so(#[case] kind: RigKind) {
    let run = run(&[(PASS, Verdict::Pass)]);
    let found = of(&[(kind, 1, &run)]);
    assert_eq!(outcome(&found), Outcome::NotTested);
    let said = text(&found);
    let due = format!("on a {} rig, which proves nothing of a real device: confirmed (1 combination)", kind.word());
    assert!(said.contains(&due), "{said}");
    assert!(said.contains("28 claims by real devices: 28 not tested"), "{said}");
}

#[test]
fn the_newest_run_counts_and_kinds_do_not_mix() {
    let (good, bad) = (run(&[(PASS, Verdict::Pass)]), run(&[(PASS, Verdict::Fail)]));
    assert_eq!(outcome(&of(&[(Hardware, 2, &good), (Hardware, 1, &bad)])), Outcome::Confirmed);
    assert_eq!(outcome(&of(&[(Hardware, 1, &good), (Hardware, 2, &bad)])), Outcome::Refuted);
    assert_eq!(outcome(&of(&[(Hardware, 1, &good), (Simulated, 2, &bad)])), Outcome::Confirmed);
}

#[test]
fn estimate_interval_and_n_are_told() {
    let run = run(&[(PASS, Verdict::Pass)]);
    let found = of(&[(Hardware, 1, &run)]);
    let verdict = &run.1.combinations[0];
    let said = text(&found);
    assert!(
        said.contains(&format!("n = {}", verdict.trials)) && said.contains(&verdict.expectations[0].seen),
        "{said}"
    );
}
