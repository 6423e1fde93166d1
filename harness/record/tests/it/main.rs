//! The run directory as its writers and readers meet it.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, wherever they do")]

mod hostile;
mod reading;
#[path = "../../../model/tests/it/target.rs"]
mod target;
mod writing;

use rigtone_model::{
    event::{At, Body, Event, TrialOutcome},
    verdict::RunVerdicts,
};

/// The run of all tests here.
const RUN: &str = "run-1";

/// Events as a short run leaves them, hostile text included.
fn events() -> Vec<Event> {
    let at = || Some(At { combination: "s/a=b#00000000".into(), trial: 1, attempt: 1, step: None });
    [
        (None, Body::RunStarted { rigtone: "0.1.0".into(), rig: "r".into(), seed: 7, unix_s: 0, trials_at_most: 1 }),
        (at(), Body::TrialStarted),
        (at(), Body::Warning { text: "a line\nfeed, a \u{1b}[31m colour, a \0, a \u{1f50a}".into() }),
        (at(), Body::TrialFinished { outcome: TrialOutcome::Completed, memory: None }),
        (None, Body::RunFinished { interrupted: None, out_of_time: false }),
    ]
    .into_iter()
    .enumerate()
    .map(|(i, (at, body))| Event { seq: i as u64, t_ns: 1_000 * i as i64, at, body })
    .collect()
}

fn verdicts() -> RunVerdicts {
    RunVerdicts { schema: RunVerdicts::SCHEMA.into(), run: RUN.into(), interrupted: None, combinations: Vec::new() }
}
