//! `rigtone judge`

use std::path::Path;

use rigtone_judge::verdicts::{Replay, RunPlan};
use rigtone_model::{id::CombinationId, verdict::RunVerdicts};
use rigtone_record::{read_events, read_plan};
use rigtone_report::exit::{self, Code};

use super::report::{policy, read_trouble, results, summary};
use crate::{args::Inconclusive, printer, trouble::Trouble};

pub(crate) fn judge(run: &Path, inconclusive: Inconclusive, json: bool) -> Result<Code, Trouble> {
    let (plan, verdicts) = judged(run)?;
    let (code, _) = exit::of(&verdicts, policy(inconclusive));
    if json {
        printer::out(&results(&verdicts, &plan.plan, inconclusive, run)?);
    } else {
        printer::out(&summary(&verdicts, &plan.plan, inconclusive, run));
    }
    Ok(code)
}

/// The plan of a run, and its verdicts from its events alone.
pub(crate) fn judged(run: &Path) -> Result<(RunPlan, RunVerdicts), Trouble> {
    let plan: RunPlan = read_plan(run).map_err(|e| read_trouble(&e))?;
    let mut events = read_events(run).map_err(|e| read_trouble(&e))?;
    let mut replay = Replay::new(&plan.plan, &plan.rules);
    while let Some(event) = events.next() {
        match event {
            Ok(event) => replay.take(&event),
            // What was being written when the program was killed is no event.
            Err(error) if error.is_damage() && events.next().is_none() => {
                printer::note(&format!("warning: {error}"));
                break;
            }
            Err(error) => return Err(read_trouble(&error)),
        }
    }
    let id = events.run().unwrap_or_default().to_owned();
    if let Some(combination) = replay.stranger() {
        return Err(foreign(run, combination));
    }
    let verdicts = replay.verdicts(&id);
    Ok((plan, verdicts))
}

/// The plan and the log of a directory are not of one run.
pub(crate) fn foreign(run: &Path, combination: &CombinationId) -> Trouble {
    let run = run.display();
    Trouble::usage(format!("the log of {run} has trials of `{combination}`, which its plan does not have"))
        .hint("plan.json and events.jsonl come from different runs: restore them from a copy")
}
