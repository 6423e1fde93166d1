//! How near the schedule comes to the shortest one, and what a trial leaves behind in memory.
//!
//! `cargo bench -p rigtone-runner --bench makespan` runs 20 random suites on 8 speakers, 4 dongles and 2 rooms, and
//! prints for each how much longer it took than the least that any schedule would have needed for the same trials: the
//! time of the resource that was needed longest. It ends with an error when one is above the limit.

#![expect(clippy::print_stdout, reason = "the figures are its product")]

use std::{cell::Cell, collections::BTreeMap, process::ExitCode, rc::Rc, sync::Arc};

use rigtone_model::{
    event::Body,
    plan::{Plan, capacity},
};

#[path = "../tests/it/suites.rs"]
mod suites;

use suites::{Draw, Size, Span, Suite, rig, run_suite, run_timed, suite};

/// The most that a suite may take, in units of its lower bound.
const LIMIT: f64 = 1.05;
const SUITES: u64 = 20;
/// The most that 9,000 trials may leave behind. Allocators keep some pages; a record for each trial would be more.
const GROWTH_KB: u64 = 1024;

fn main() -> ExitCode {
    // First, while nothing that a suite gave back could hide what grows.
    let growth = growth_kb();
    println!("suite  combinations  trials  makespan  lower bound  ratio  one at a time  on");
    let (mut worst, mut sum) = (0.0_f64, 0.0);
    for seed in 1..=SUITES {
        let ratio = measure(seed);
        worst = worst.max(ratio);
        sum += ratio;
    }
    println!("ratio: worst {worst:.3}, mean {:.3}, limit {LIMIT}", sum / SUITES as f64);
    if worst <= LIMIT && growth.is_none_or(|kb| kb <= GROWTH_KB) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the suite of a seed and gives its ratio.
fn measure(seed: u64) -> f64 {
    let mut draw = Draw(seed);
    let size = Size { sources: draw.from(4, 8), dongles: 4, speakers: 8, rooms: 2 };
    let rig = rig(&mut draw, size, &[]);
    let (sounding, pairing) = (draw.from(0, 2) as usize, draw.from(1, 4) as usize);
    let suite = suite(&mut draw, rig, sounding, pairing);
    let (_, spans) = run_timed(&suite, seed);
    let took = |s: &Span| s.to_ns - s.from_ns;
    let begun = spans.iter().map(|s| s.from_ns).min().unwrap_or_default();
    let makespan = spans.iter().map(|s| s.to_ns).max().unwrap_or_default() - begun;
    // One combination has its trials one after the other, always with its units: its chain is never the longest.
    let critical = loads(&suite, &spans).into_iter().max_by_key(|(_, ns)| *ns);
    let (resource, bound) = critical.expect("trials on resources");
    let serial: i64 = spans.iter().map(took).sum();
    let (seconds, ratio) = (|ns: i64| ns as f64 / 1e9, makespan as f64 / bound as f64);
    println!(
        "{seed:>5}  {:>12}  {:>6}  {:>6.0} s  {:>9.0} s  {ratio:>5.3}  {:>13.3}  {resource}",
        suite.run.plan.combinations.len(),
        spans.len(),
        seconds(makespan),
        seconds(bound),
        serial as f64 / bound as f64,
    );
    ratio
}

/// For how long each resource was needed, as if all that it bears were used at any time.
fn loads(suite: &Suite, spans: &[Span]) -> BTreeMap<Arc<str>, i64> {
    let mut loads: BTreeMap<Arc<str>, i64> = BTreeMap::new();
    for span in spans {
        for resource in suite.run.plan.combinations[span.index].resources.iter() {
            *loads.entry(resource.clone()).or_default() += span.to_ns - span.from_ns;
        }
    }
    loads.into_iter().map(|(name, ns)| (name.clone(), ns / i64::from(capacity(&name)))).collect()
}

/// By how much the memory in use grows from the 1,000th to the 10,000th trial of a run.
fn growth_kb() -> Option<u64> {
    let mut draw = Draw(SUITES + 1);
    let rig = rig(&mut draw, Size { sources: 4, dongles: 4, speakers: 8, rooms: 2 }, &[]);
    let Suite { rig, devices, run } = suite(&mut draw, rig, 0, 1);
    let mut plan: Plan = run.plan;
    let runnable = plan.combinations.iter().filter(|c| c.skipped.is_none()).count() as u32;
    for scenario in &mut plan.scenarios {
        let each = 10_000_u32.div_ceil(runnable);
        (scenario.document.repeat.at_least, scenario.document.repeat.at_most) = (each, each);
    }
    let suite = Suite { rig, devices, run: rigtone_judge::verdicts::RunPlan::new(plan).expect("rules") };
    let (trials, early, late) = (Cell::new(0_u32), Rc::new(Cell::new(None)), Rc::new(Cell::new(None)));
    let (at_early, at_late) = (early.clone(), late.clone());
    run_suite(&suite, 1, move |event| {
        if matches!(event.body, Body::TrialFinished { .. }) {
            trials.set(trials.get() + 1);
            match trials.get() {
                1_000 => at_early.set(resident_kb()),
                10_000 => at_late.set(resident_kb()),
                _ => {}
            }
        }
    });
    let (early, late) = (early.get()?, late.get()?);
    println!("memory: {early} kB after 1,000 trials, {late} kB after 10,000, limit {GROWTH_KB} kB more");
    Some(late.saturating_sub(early))
}

fn resident_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.trim().parse().ok()
}
