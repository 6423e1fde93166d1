//! How runs end: undisturbed, interrupted, out of time, without a record.

use std::path::Path;

use rigtone_model::{
    event::{Body, Phase, TrialOutcome},
    plan::capacity,
    quantity::Duration,
    verdict::Verdict,
};
use rigtone_runner::{Interruption, Options};

use crate::bench::{options, plan, planted_fault, run_from, run_with};

const SCENARIO: &[&str] = &["scenarios/starter/playback-heard.yaml"];

fn log(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("run/events.jsonl")).expect("an event log")
}

#[test]
fn the_same_seed_gives_the_same_events_byte_for_byte() {
    let planned = plan(SCENARIO, |_| {});
    let (first, second) = (run_from(&planned, 7), run_from(&planned, 7));
    assert_eq!(log(first.directory.path()), log(second.directory.path()));
    assert_ne!(log(first.directory.path()), log(run_from(&planned, 8).directory.path()));
}

#[test]
fn an_interrupted_run_cleans_up_what_it_began_and_judges_what_it_knows() {
    let planned = plan(SCENARIO, |_| {});
    let done = run_with(&planned, &options(1), |event, cancel| {
        if event.seq == 400 {
            cancel.ask(Interruption::Asked("SIGINT".to_owned()));
        }
    });
    assert_eq!(done.verdicts.interrupted.as_deref(), Some("SIGINT"));
    assert!(done.verdicts.count(Verdict::Aborted.word()) > 0);
    let count = |wanted: &dyn Fn(&Body) -> bool| done.events.iter().filter(|e| wanted(&e.body)).count();
    let began = count(&|b| matches!(b, Body::TrialStarted));
    let ended = count(&|b| matches!(b, Body::TrialFinished { .. }));
    let forgotten =
        count(&|b| matches!(b, Body::StepFinished { action, phase: Phase::Cleanup, .. } if action == "forget"));
    assert!(count(&|b| matches!(b, Body::TrialFinished { outcome: TrialOutcome::Cancelled, .. })) > 0);
    assert_eq!((began, began), (ended, forgotten), "every trial that began was cleaned up and closed");
    assert!(matches!(
        done.events.last().map(|e| &e.body),
        Some(Body::RunFinished { interrupted: Some(_), out_of_time: false })
    ));
}

#[test]
fn what_the_time_did_not_allow_is_skipped_and_never_passes() {
    let planned = plan(SCENARIO, |_| {});
    let limited = Options { max_time: Some(Duration::from_s(40)), ..options(1) };
    let done = run_with(&planned, &limited, |_, _| {});
    assert_eq!(done.verdicts.interrupted, None);
    let skipped = Verdict::Skipped("time".to_owned());
    assert!(done.verdicts.combinations.iter().any(|c| c.verdict == skipped));
    assert!(done.verdicts.combinations.iter().all(|c| c.verdict != Verdict::Pass || c.trials >= 5));
}

#[test]
fn trials_on_disjoint_resources_run_at_the_same_time_and_never_share_a_unit() {
    let planned = plan(&["scenarios/starter"], |_| {});
    let done = run_from(&planned, 3);
    let resources = |id: &str| {
        let combination = planned.run.plan.combinations.iter().find(|c| c.id.as_str() == id).expect("of the plan");
        combination.resources.clone()
    };
    let mut running: Vec<String> = Vec::new();
    let mut most = 0;
    for event in &done.events {
        let Some(at) = &event.at else { continue };
        let id = at.combination.as_str();
        match event.body {
            Body::TrialStarted => {
                for other in &running {
                    let taken = resources(other);
                    let own = |r: &&std::sync::Arc<str>| capacity(r) == 1;
                    assert!(resources(id).iter().filter(own).all(|r| !taken.contains(r)), "{id} beside {other}");
                }
                running.push(id.to_owned());
                most = most.max(running.len());
            }
            Body::TrialFinished { .. } => running.retain(|other| other != id),
            _ => {}
        }
    }
    assert!(most >= 2, "two sources and six speakers leave room for two trials at a time");
}

#[test]
fn a_verdict_is_the_same_when_it_is_judged_again_from_the_log() {
    use rigtone_judge::verdicts::Replay;
    let planned = plan(SCENARIO, |_| {});
    let done = run_from(&planned, 5);
    let mut replay = Replay::new(&planned.run.plan, &planned.run.rules);
    for event in rigtone_record::read_events(&done.directory.path().join("run")).expect("a log") {
        replay.take(event.expect("an event"));
    }
    let again = replay.verdicts("test");
    assert_eq!(again, done.verdicts);
}

#[test]
fn a_log_that_cannot_be_written_ends_the_run_with_an_error() {
    use rigtone_record::RunWriter;
    use rigtone_rig::simulated::{self, VirtualClock};
    use rigtone_runner::{Cancel, run};
    let planned = plan(SCENARIO, |_| {});
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run");
    let mut writer = RunWriter::create(&path, "test").expect("a new run");
    // An event out of order poisons the log as a full disk would.
    let stray = rigtone_model::event::Event { seq: 9, t_ns: 0, at: None, body: Body::TrialStarted };
    assert!(writer.append(&stray).is_err());
    let clock = VirtualClock::new();
    let bench = simulated::open(&planned.rig, &|id| planned.devices.get(id).cloned(), &clock).expect("a rig");
    let runtime = clock.runtime().expect("a runtime");
    let (cancel, options) = (Cancel::new(), options(1));
    let work = run(&planned.run.plan, &planned.run.rules, &bench, writer, Box::new(|_| ()), &cancel, &options);
    assert!(runtime.block_on(work).is_err());
}

#[test]
fn a_contact_that_sticks_costs_its_own_unit_and_no_other() {
    let planned = plan(&["scenarios/starter/pairing-cold-start.yaml"], |rig| {
        rig.faults = vec![planted_fault("relay-sticks: {relay: board-1, channel: 2}, from: 1 min")];
    });
    let undisturbed = run_from(&plan(&["scenarios/starter/pairing-cold-start.yaml"], |_| {}), 4);
    let done = run_from(&planned, 4);
    let benched: Vec<&str> = done
        .events
        .iter()
        .filter_map(|e| match &e.body {
            Body::Benched { member, .. } => Some(member.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(benched, ["relay board-1 channel 2"]);
    for (combination, whole) in done.verdicts.combinations.iter().zip(&undisturbed.verdicts.combinations) {
        let struck = combination.id.as_str().contains("charge-5-fw110");
        let expected = if struck { &Verdict::InfraError } else { &whole.verdict };
        assert_eq!(&combination.verdict, expected, "{}", combination.id);
    }
}
