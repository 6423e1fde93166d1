//! Random suites on random rigs, through the real runner: what its event log says about resources.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rigtone_model::{plan::capacity, verdict::Verdict};
use serde_json::{Value, json};

use crate::suites::{Draw, Size, Span, Suite, rig, run_timed, suite};

/// What may happen to a rig in a night, at a moment and for a time that are drawn.
fn fault(draw: &mut Draw, size: Size) -> Value {
    let mut fault = match draw.from(1, 6) {
        1 => json!({"dongle-gone": {"dongle": format!("dongle-{}", draw.from(0, size.dongles - 1))}}),
        2 => json!({"relay-answers-nothing": {"relay": "board"}}),
        3 => json!({"relay-sticks": {"relay": "board", "channel": draw.from(1, size.speakers)}}),
        4 => json!({"microphone-dead": {"microphone": format!("microphone-{}", draw.from(0, size.rooms - 1))}}),
        5 => {
            json!({"microphone-loses-samples": {"microphone": format!("microphone-{}", draw.from(0, size.rooms - 1))}})
        }
        _ => json!({"daemon-restarts": {}}),
    };
    fault["from"] = json!(format!("{} s", draw.from(0, 900)));
    if draw.one_in(4) {
        // This one does not come back: what depends on it has to be given up.
        return fault;
    }
    fault["lasting"] = json!(format!("{} s", draw.from(1, 120)));
    fault
}

/// A rig and a suite; the same seed gives the same with faults and without.
fn drawn(seed: u64, faulty: bool) -> (Suite, usize) {
    let mut draw = Draw(seed);
    let dongles = draw.from(1, 4);
    let size =
        Size { sources: draw.from(dongles, dongles + 1), dongles, speakers: draw.from(2, 8), rooms: draw.from(1, 3) };
    let mut apart = Draw(!seed);
    let faults: Vec<Value> = (0..if faulty { apart.from(2, 8) } else { 0 }).map(|_| fault(&mut apart, size)).collect();
    let rig = rig(&mut draw, size, &faults);
    let (sounding, pairing) = (draw.from(0, 1) as usize, draw.from(1, 2) as usize);
    (suite(&mut draw, rig, sounding, pairing), faults.len())
}

/// The most trials that held each resource at a time.
fn most_at_a_time(suite: &Suite, spans: &[Span]) -> BTreeMap<Arc<str>, i32> {
    let mut changes: BTreeMap<Arc<str>, Vec<(i64, i32)>> = BTreeMap::new();
    for span in spans {
        for resource in suite.run.plan.combinations[span.index].resources.iter() {
            // Ends sort before the beginnings of the same instant.
            changes.entry(resource.clone()).or_default().extend([(span.from_ns, 1), (span.to_ns, -1)]);
        }
    }
    let most = |mut changes: Vec<(i64, i32)>| {
        changes.sort_unstable();
        let (mut held, mut most) = (0, 0);
        for (_, by) in changes {
            held += by;
            most = most.max(held);
        }
        most
    };
    changes.into_iter().map(|(name, changes)| (name, most(changes))).collect()
}

#[test]
fn no_resource_is_held_by_more_trials_than_it_bears_and_every_combination_gets_its_verdict() {
    let (mut trials, mut lost, mut combinations, mut planted, mut shared) = (0, 0, 0, 0, 0);
    const SEEDS: u64 = 8;
    for seed in 0..SEEDS {
        for faulty in [false, true] {
            let (suite, faults) = drawn(seed, faulty);
            let (verdicts, spans) = run_timed(&suite, seed);
            for (resource, most) in most_at_a_time(&suite, &spans) {
                assert!(most as u32 <= capacity(&resource), "seed {seed}: {resource} was held {most} times");
                shared += u32::from(most > 1);
            }
            assert_eq!(verdicts.combinations.len(), suite.run.plan.combinations.len(), "seed {seed}");
            for verdict in &verdicts.combinations {
                let settled = match verdict.verdict {
                    Verdict::Pass | Verdict::Fail | Verdict::Inconclusive => verdict.trials > 0,
                    Verdict::InfraError => faulty && !verdict.faults.is_empty(),
                    _ => false,
                };
                assert!(settled, "seed {seed}, faults {faulty}: {verdict:?}");
                lost += verdict.lost;
            }
            (trials, planted) = (trials + spans.len(), planted + faults);
            combinations += suite.run.plan.combinations.len();
        }
    }
    println!(
        "seeds 0 to {}: {combinations} combinations, {trials} attempts, {planted} faults planted, {lost} attempts lost",
        SEEDS - 1
    );
    assert!(shared > 0, "no airtime was ever shared");
    assert!(lost > 0, "no fault ever met a trial");
}

/// Time that a decided combination sets free goes to those that are not: after its decision it has no trial more, and without one it goes on to
/// `at-most` and no further.
#[test]
fn what_is_decided_makes_room_for_what_is_not() {
    let (mut decided, mut worked_off) = (0, 0);
    for seed in 200..206 {
        let (suite, _) = drawn(seed, false);
        let (verdicts, spans) = run_timed(&suite, seed);
        let plan = &suite.run.plan;
        let mut trials: BTreeMap<usize, u32> = BTreeMap::new();
        for span in &spans {
            *trials.entry(span.index).or_default() += 1;
        }
        for (index, verdict) in verdicts.combinations.iter().enumerate() {
            let repeat = plan.scenario(&verdict.scenario).expect("a scenario").repeat;
            let had = trials.get(&index).copied().unwrap_or_default();
            assert_eq!(had, verdict.trials + verdict.lost, "seed {seed}: {}", verdict.id);
            assert!(verdict.trials <= repeat.at_most, "seed {seed}: {verdict:?}");
            let open = verdict.expectations.iter().any(|e| e.gating && e.verdict == Verdict::Inconclusive);
            if open && verdict.expectations.iter().all(|e| e.beside.is_none()) {
                // Nothing further could have decided it, or nothing further was allowed.
                worked_off += u32::from(verdict.trials == repeat.at_most);
                assert!(verdict.trials >= repeat.at_least, "seed {seed}: {verdict:?}");
            } else {
                decided += u32::from(verdict.trials < repeat.at_most);
            }
        }
    }
    println!("seeds 200 to 205: {decided} combinations decided early, {worked_off} worked off");
    assert!(decided > 0, "no time was set free");
}

#[test]
fn conditions_that_are_compared_take_turns() {
    let mut turns = 0;
    for seed in 100..104 {
        let (suite, _) = drawn(seed, false);
        let (_, mut spans) = run_timed(&suite, seed);
        spans.sort_by_key(|span| span.from_ns);
        let group = |index: usize| suite.run.plan.combinations[index].group;
        let last: BTreeMap<usize, i64> = spans.iter().map(|span| (span.index, span.from_ns)).collect();
        let mut begun: BTreeMap<usize, u32> = BTreeMap::new();
        for span in &spans {
            let own = begun.get(&span.index).copied().unwrap_or_default();
            let rivals: BTreeSet<usize> =
                last.keys().copied().filter(|i| *i != span.index && group(*i) == group(span.index)).collect();
            for rival in rivals.into_iter().filter(|i| last[i] > span.from_ns) {
                let had = begun.get(&rival).copied().unwrap_or_default();
                assert!(own <= had, "seed {seed}: {} has {own} trials and {rival} waits with {had}", span.index);
                turns += 1;
            }
            *begun.entry(span.index).or_default() += 1;
        }
    }
    println!("seeds 100 to 103: {turns} turns");
    assert!(turns > 0, "nothing was compared");
}
