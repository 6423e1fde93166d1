use proptest::prelude::*;
use rigtone_judge::sequential::{Counts, Decision, Outcome, Running};
use std::sync::Arc;

use crate::cases;
use crate::sequential::design;

fn fed(boundaries: &Arc<rigtone_judge::sequential::Boundaries>, outcomes: &[Outcome]) -> Running {
    let mut running = Running::new(Arc::clone(boundaries));
    for outcome in outcomes {
        running.record(*outcome);
    }
    running
}

#[test]
fn a_boundary_once_crossed_stays_crossed() {
    let boundaries = Arc::new(design(0.5, 0.9, 0.1, 1, 40).boundaries().unwrap());
    let enough = boundaries.straight_successes_to_pass().unwrap();
    let mut running = fed(&boundaries, &vec![Outcome::Success; enough as usize]);
    assert_eq!(running.decision(), Decision::Pass);
    for _ in 0..30 {
        assert_eq!(running.record(Outcome::Failure), Decision::Pass);
    }
    assert_eq!(running.decided_after(), Some(enough));
    assert_eq!(running.counts(), Counts { successes: enough, failures: 30, ambiguous: 0 });
}

#[test]
fn only_ambiguous_trials_end_inconclusive_and_early() {
    let boundaries = Arc::new(design(0.5, 0.9, 0.1, 1, 40).boundaries().unwrap());
    let running = fed(&boundaries, &[Outcome::Ambiguous; 40]);
    assert_eq!(running.decision(), Decision::Inconclusive);
    // As soon as one world has failed and the other has passed.
    let both = boundaries.straight_successes_to_pass().max(boundaries.straight_failures_to_fail());
    assert_eq!(running.decided_after(), both);
}

#[test]
fn an_ambiguous_trial_counts_against_a_pass_and_against_a_fail() {
    let boundaries = design(0.5, 0.9, 0.1, 1, 40).boundaries().unwrap();
    let (pass, fail) =
        (boundaries.straight_successes_to_pass().unwrap(), boundaries.straight_failures_to_fail().unwrap());
    assert_eq!(boundaries.decide_with_ambiguous(pass, 0, 0), Decision::Pass);
    assert_eq!(boundaries.decide_with_ambiguous(pass - 1, 0, 1), Decision::Continue);
    assert_eq!(boundaries.decide_with_ambiguous(0, fail, 0), Decision::Fail);
    assert_eq!(boundaries.decide_with_ambiguous(0, fail - 1, 1), Decision::Continue);
}

fn some_outcomes() -> impl Strategy<Value = Vec<(bool, bool)>> {
    (0.0..1.0_f64, 0.0..0.5_f64).prop_flat_map(|(good, unclear)| {
        proptest::collection::vec((proptest::bool::weighted(good), proptest::bool::weighted(unclear)), 1..60)
    })
}

fn outcome(success: bool) -> Outcome {
    if success { Outcome::Success } else { Outcome::Failure }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn what_is_decided_with_ambiguous_trials_the_truth_decides_too(trials in some_outcomes()) {
        let boundaries = Arc::new(design(0.6, 0.9, 0.1, 3, 40).boundaries().unwrap());
        let truth: Vec<_> = trials.iter().map(|(success, _)| outcome(*success)).collect();
        let seen: Vec<_> =
            trials.iter().map(|(success, unclear)| if *unclear { Outcome::Ambiguous } else { outcome(*success) }).collect();
        let (truth, seen) = (fed(&boundaries, &truth), fed(&boundaries, &seen));
        if matches!(seen.decision(), Decision::Pass | Decision::Fail) {
            prop_assert_eq!(truth.decision(), seen.decision());
            prop_assert!(truth.decided_after() <= seen.decided_after());
        }
    }

    /// Waiting on can change nothing: no continuation leads from inconclusive to a verdict that the walk would give.
    #[test]
    fn inconclusive_falls_only_when_neither_world_can_be_decided(trials in some_outcomes()) {
        let boundaries = Arc::new(design(0.6, 0.9, 0.1, 3, 40).boundaries().unwrap());
        let seen: Vec<_> =
            trials.iter().map(|(success, unclear)| if *unclear { Outcome::Ambiguous } else { outcome(*success) }).collect();
        let running = fed(&boundaries, &seen);
        if running.decision() == Decision::Inconclusive && let Some(n) = running.decided_after() {
            for rest in [Outcome::Success, Outcome::Failure] {
                let mut worlds = [Outcome::Failure, Outcome::Success].map(|ambiguous| {
                    let mut world = Running::new(Arc::clone(&boundaries));
                    for outcome in &seen[..n as usize] {
                        world.record(if *outcome == Outcome::Ambiguous { ambiguous } else { *outcome });
                    }
                    world
                });
                for _ in n..40 {
                    for world in &mut worlds {
                        world.record(rest);
                    }
                }
                prop_assert!(worlds[0].decision() != Decision::Pass);
                prop_assert!(worlds[1].decision() != Decision::Fail);
            }
        }
    }

    #[test]
    fn without_ambiguous_trials_counts_and_walk_agree_until_decided(trials in some_outcomes()) {
        let boundaries = Arc::new(design(0.6, 0.9, 0.1, 3, 40).boundaries().unwrap());
        let mut running = Running::new(Arc::clone(&boundaries));
        for (success, _) in trials {
            if running.decision() != Decision::Continue {
                break;
            }
            running.record(outcome(success));
            let counts = running.counts();
            prop_assert_eq!(running.decision(), boundaries.decide(counts.successes, counts.failures));
        }
    }
}
