//! A run judged from its events alone.

use std::collections::BTreeMap;

use rigtone_model::{
    event::{Body, Event},
    id::CombinationId,
    trial::{TrialFolder, TrialRecord},
    verdict::RunVerdicts,
};

use super::{Ending, RunPlan, judge};

/// Takes the events of a run in their order and gives its verdicts.
#[derive(Debug, Default)]
pub struct Replay {
    folder: TrialFolder,
    started: BTreeMap<(CombinationId, u32, u32), i64>,
    records: Vec<(TrialRecord, i64)>,
    broken: Vec<(String, String)>,
    ended: bool,
    interrupted: Option<(String, Ending)>,
}

impl Replay {
    /// Takes the next event.
    pub fn take(&mut self, event: &Event) {
        match (&event.body, &event.at) {
            (Body::Checked { member, finding, ok: false }, _) => self.broken.push((member.clone(), finding.clone())),
            (Body::TrialStarted, Some(at)) => {
                self.started.insert((at.combination.clone(), at.trial, at.attempt), event.t_ns);
            }
            (Body::RunFinished { interrupted, out_of_time }, _) => {
                self.ended = true;
                let ending = if *out_of_time { Ending::OutOfTime } else { Ending::Interrupted };
                self.interrupted = interrupted.clone().map(|why| (why, ending));
            }
            _ => {}
        }
        if let Some(record) = self.folder.take(event) {
            let key = (record.combination.clone(), record.trial, record.attempt);
            let took_ns = event.t_ns - self.started.remove(&key).unwrap_or(event.t_ns);
            self.records.push((record, took_ns));
        }
    }

    /// The verdicts. A log that ends before its run does is one of an interrupted run.
    pub fn verdicts(self, plan: &RunPlan, run: &str) -> RunVerdicts {
        let interrupted =
            if self.ended { self.interrupted } else { Some(("the end of its log".to_owned(), Ending::Interrupted)) };
        judge(&plan.plan, &plan.rules, run, self.records.into_iter(), &self.broken, interrupted)
    }
}
