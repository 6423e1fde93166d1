//! `rigtone judge`

use std::path::Path;

use rigtone_judge::verdicts::{Ending, RunPlan, judge as judge_records};
use rigtone_model::{
    event::Body,
    trial::{TrialFolder, TrialRecord},
};
use rigtone_record::{read_events, read_plan};
use rigtone_report::exit::{self, Code};

use super::report::{policy, read_trouble, results, summary};
use crate::{args::Inconclusive, printer, trouble::Trouble};

pub(crate) fn judge(run: &Path, inconclusive: Inconclusive, json: bool) -> Result<Code, Trouble> {
    let plan: RunPlan = read_plan(run).map_err(|e| read_trouble(&e))?;
    let mut events = read_events(run).map_err(|e| read_trouble(&e))?;
    let (mut folder, mut started) = (TrialFolder::default(), std::collections::BTreeMap::new());
    let (mut records, mut broken): (Vec<(TrialRecord, i64)>, Vec<(String, String)>) = (Vec::new(), Vec::new());
    let mut interrupted = Some(("the log ends before the run does".to_owned(), Ending::Interrupted));
    for event in &mut events {
        let event = match event {
            Ok(event) => event,
            // What was being written when the program was killed is no event.
            Err(error) if error.is_truncation() => {
                printer::note(&format!("warning: {error}"));
                continue;
            }
            Err(error) => return Err(read_trouble(&error)),
        };
        match (&event.body, &event.at) {
            (Body::Checked { member, finding, ok: false }, _) => broken.push((member.clone(), finding.clone())),
            (Body::TrialStarted, Some(at)) => {
                started.insert((at.combination.clone(), at.trial, at.attempt), event.t_ns);
            }
            (Body::RunFinished { interrupted: why }, _) => {
                interrupted = why.clone().map(|why| {
                    let out_of_time = why.contains("--max-time");
                    (why, if out_of_time { Ending::OutOfTime } else { Ending::Interrupted })
                });
            }
            _ => {}
        }
        if let Some(record) = folder.take(&event) {
            let key = (record.combination.clone(), record.trial, record.attempt);
            let took_ns = event.t_ns - started.remove(&key).unwrap_or(event.t_ns);
            records.push((record, took_ns));
        }
    }
    let id = events.run().unwrap_or_default().to_owned();
    let verdicts = judge_records(&plan.plan, &plan.rules, &id, records.into_iter(), &broken, interrupted);
    let (code, _) = exit::of(&verdicts, policy(inconclusive));
    if json {
        printer::out(&results(&verdicts, &plan.plan, inconclusive, run)?);
    } else {
        printer::out(&summary(&verdicts, &plan.plan, inconclusive, run));
    }
    Ok(code)
}
