use rigtone_model::{
    event::{At, Body, Event, TrialOutcome},
    trial::InfrastructureFault,
    verdict::Verdict,
};
use rigtone_report::progress::{Progress, TimeLeft};
use rstest::rstest;

use crate::sample::{FAIL, LOST, PASS, UNDECIDED, plan};

const SECOND: i64 = 1_000_000_000;

fn event(t_s: i64, combination: &str, trial: u32, body: Body) -> Event {
    let at = At { combination: combination.into(), trial, attempt: 1, step: None };
    Event { seq: 0, t_ns: t_s * SECOND, at: Some(at), body }
}

fn finished() -> Body {
    Body::TrialFinished { outcome: TrialOutcome::Completed, memory: None }
}

/// A trial that took `seconds` from `t_s` on.
fn trial(progress: &mut Progress, t_s: i64, seconds: i64, combination: &str, trial: u32) {
    progress.take(&event(t_s, combination, trial, Body::TrialStarted));
    progress.take(&event(t_s + seconds, combination, trial, finished()));
}

#[test]
fn before_the_first_trial_has_ended_the_plan_tells_the_time_left() {
    let mut progress = Progress::new(&plan());
    // Two combinations of at most 120 trials and two of at most 60; the skipped one is not run. All of them need one dongle.
    assert_eq!(progress.line(100), "0/4 decided, 0 of at most 360 trials, at most 3 h 0 min left");
    assert_eq!(progress.time_left(), Some(TimeLeft { ns: 360 * 30 * SECOND, at_most: true }));
    progress.take(&event(10, PASS, 1, Body::TrialStarted));
    progress.wait(20 * SECOND);
    assert_eq!(progress.time_left(), Some(TimeLeft { ns: (360 * 30 - 20) * SECOND, at_most: true }));
    // Three may search at a time, and nothing else is shared.
    let mut plan = plan();
    for combination in &mut plan.combinations {
        combination.resources = ["airtime lab"].map(Into::into).into_iter().collect::<Vec<_>>().into();
    }
    assert_eq!(Progress::new(&plan).time_left(), Some(TimeLeft { ns: 120 * 30 * SECOND, at_most: true }));
}

/// Whoever looks between two events sees the time run, and what begins no trial's end makes it no longer.
#[test]
fn the_time_left_runs_down_between_the_ends_of_trials() {
    let mut progress = Progress::new(&plan());
    for n in 0..10 {
        trial(&mut progress, i64::from(n) * 30, 30, PASS, n + 1);
    }
    let left = |progress: &Progress| progress.time_left().map(|left| left.ns / SECOND);
    assert_eq!(left(&progress), Some(350 * 30));
    progress.wait(60 * SECOND);
    assert_eq!(left(&progress), Some(350 * 30 - 60));
    progress.take(&event(420, PASS, 11, Body::TrialStarted));
    assert_eq!(left(&progress), Some(350 * 30 - 120));
    // Nothing is said when it takes longer than all that was thought of.
    progress.wait(350 * 30 * SECOND);
    assert_eq!(left(&progress), None);
    assert_eq!(progress.line(100), "0/4 decided, 10 of at most 360 trials, 1 running");
}

#[test]
fn the_plans_durations_are_scaled_by_the_pace_so_far() {
    let mut progress = Progress::new(&plan());
    // Planned as 30 s each; they take 15 s.
    for n in 0..10 {
        trial(&mut progress, i64::from(n) * 15, 15, PASS, n + 1);
    }
    // 110 + 120 + 60 + 60 trials of 15 s at most.
    assert_eq!(progress.time_left(), Some(TimeLeft { ns: 350 * 15 * SECOND, at_most: true }));
    assert_eq!(progress.line(100), "0/4 decided, 10 of at most 360 trials, at most 1 h 27 min left");
}

#[test]
fn a_decided_combination_tells_how_many_trials_its_scenario_needs() {
    let mut progress = Progress::new(&plan());
    for n in 0..10 {
        trial(&mut progress, i64::from(n) * 30, 30, PASS, n + 1);
        trial(&mut progress, i64::from(n) * 30, 30, UNDECIDED, n + 1);
    }
    for id in [PASS, UNDECIDED] {
        progress.take(&event(300, id, 10, Body::Decided { verdict: Verdict::Pass, n: 10 }));
    }
    // Two at a time: 20 more trials of 30 s take 300 s.
    assert_eq!(progress.time_left(), Some(TimeLeft { ns: 300 * SECOND, at_most: false }));
    assert_eq!(progress.line(100), "2/4 decided, 20 of at most 360 trials, about 5 min 0 s left");
    assert_eq!((progress.decided(), progress.combinations()), (2, 4));
}

#[test]
fn running_and_lost_trials_are_counted() {
    let mut progress = Progress::new(&plan());
    progress.take(&event(0, LOST, 1, Body::TrialStarted));
    progress.take(&event(0, FAIL, 1, Body::TrialStarted));
    let lost = TrialOutcome::Lost(InfrastructureFault::new("relay board-1", "no answer"));
    progress.take(&event(5, LOST, 1, Body::TrialFinished { outcome: lost, memory: None }));
    assert_eq!(progress.line(100), "0/4 decided, 0 of at most 360 trials, at most 2 h 59 min left, 1 lost, 1 running");
}

#[test]
fn what_the_rig_cannot_do_any_more_and_what_was_discarded_is_not_waited_for() {
    let mut progress = Progress::new(&plan());
    progress.take(&event(0, PASS, 1, Body::TrialStarted));
    progress.take(&event(5, PASS, 1, Body::TrialDiscarded { aside: None }));
    let (member, why) = ("microphone bench-3".to_owned(), "it delivers zeros".to_owned());
    progress.take(&event(5, LOST, 0, Body::GivenUp { member, why }));
    assert_eq!(progress.line(100), "1/4 decided, 0 of at most 360 trials, at most 2 h 29 min left");
}

/// Nobody can wait by the clock of a simulated rig.
#[test]
fn on_a_virtual_clock_it_is_said_whose_time_is_left() {
    let progress = Progress::new(&plan()).on_a_virtual_clock();
    assert_eq!(progress.line(100), "0/4 decided, 0 of at most 360 trials, at most 3 h 0 min of rig time left");
    assert!(progress.block(100, 24)[1].starts_with("at most 3 h 0 min of rig time left, "));
}

#[test]
fn a_finished_run_has_no_time_left() {
    let mut progress = Progress::new(&plan());
    for id in [PASS, FAIL, UNDECIDED, LOST] {
        trial(&mut progress, 0, 30, id, 1);
        progress.take(&event(30, id, 1, Body::Decided { verdict: Verdict::Pass, n: 1 }));
        // Said twice, counted once.
        progress.take(&event(30, id, 1, Body::Decided { verdict: Verdict::Pass, n: 1 }));
    }
    assert_eq!(progress.time_left(), Some(TimeLeft { ns: 0, at_most: false }));
    assert_eq!(progress.line(100), "4/4 decided, 4 of at most 360 trials");
}

#[test]
fn events_of_combinations_that_are_not_planned_are_passed_over() {
    let mut progress = Progress::new(&plan());
    trial(&mut progress, 0, 30, "elsewhere/a=b#00000000", 1);
    assert_eq!(progress.line(100), Progress::new(&plan()).line(100));
}

#[rstest]
#[case(0, "")]
#[case(5, "0/4 d")]
#[case(11, "0/4 decided")]
#[case(35, "0/4 decided")]
#[case(36, "0/4 decided, 0 of at most 360 trials")]
fn a_narrow_line_leaves_out_the_end(#[case] width: usize, #[case] line: &str) {
    assert_eq!(Progress::new(&plan()).line(width), line);
}
