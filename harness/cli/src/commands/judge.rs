//! `rigtone judge`

use std::path::Path;

use rigtone_judge::verdicts::{Replay, RunPlan};
use rigtone_record::{read_events, read_plan};
use rigtone_report::exit::{self, Code};

use super::report::{policy, read_trouble, results, summary};
use crate::{args::Inconclusive, printer, trouble::Trouble};

pub(crate) fn judge(run: &Path, inconclusive: Inconclusive, json: bool) -> Result<Code, Trouble> {
    let plan: RunPlan = read_plan(run).map_err(|e| read_trouble(&e))?;
    let mut events = read_events(run).map_err(|e| read_trouble(&e))?;
    let mut replay = Replay::default();
    for event in &mut events {
        match event {
            Ok(event) => replay.take(&event),
            // What was being written when the program was killed is no event.
            Err(error) if error.is_truncation() => printer::note(&format!("warning: {error}")),
            Err(error) => return Err(read_trouble(&error)),
        }
    }
    let id = events.run().unwrap_or_default().to_owned();
    let verdicts = replay.verdicts(&plan, &id);
    let (code, _) = exit::of(&verdicts, policy(inconclusive));
    if json {
        printer::out(&results(&verdicts, &plan.plan, inconclusive, run)?);
    } else {
        printer::out(&summary(&verdicts, &plan.plan, inconclusive, run));
    }
    Ok(code)
}
