//! A run judged from its events alone.

use std::convert::Infallible;

use rigtone_model::{
    event::{Body, Event},
    id::CombinationId,
    plan::Plan,
    trial::{TrialFolder, TrialRecord},
    verdict::RunVerdicts,
};

use super::{Ending, Rules, Tallies};

/// Takes the events of a run in their order and gives its verdicts.
#[derive(Debug)]
pub struct Replay<'a> {
    tallies: Tallies<'a>,
    folder: TrialFolder,
    under_way: bool,
    interrupted: Option<(String, Ending)>,
    stranger: Option<CombinationId>,
}

fn cut_off() -> (String, Ending) {
    ("the end of its log".to_owned(), Ending::Interrupted)
}

impl<'a> Replay<'a> {
    /// Nothing has happened yet.
    pub fn new(plan: &'a Plan, rules: &Rules) -> Self {
        Self {
            tallies: Tallies::new(plan, rules),
            folder: TrialFolder::default(),
            under_way: true,
            interrupted: None,
            stranger: None,
        }
    }

    /// Takes the next event.
    pub fn take(&mut self, event: Event) {
        let Ok(()) = self.take_corrected(event, |_| Ok::<_, Infallible>(()));
    }

    /// Takes the next event; when it ends a trial, its record is corrected before it counts.
    ///
    /// # Errors
    /// When the correction fails.
    pub fn take_corrected<E>(
        &mut self,
        event: Event,
        correct: impl FnOnce(&mut TrialRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        // Of every trial its first event is enough.
        if let Some(at) = &event.at
            && (at.trial == 0 || matches!(event.body, Body::TrialStarted))
            && self.stranger.is_none()
            && self.tallies.place(&at.combination).is_none()
        {
            self.stranger = Some(at.combination.clone());
        }
        match (&event.body, &event.at) {
            (Body::GivenUp { member, why }, Some(at)) => self.tallies.give_up(&at.combination, member, why),
            (Body::Voided { member, why }, Some(at)) => self.tallies.void(&at.combination, member, why),
            (Body::EvidenceRemoved { file, .. }, Some(at)) => self.tallies.forget_evidence(&at.combination, file),
            (Body::LeftOpen { out_of_time, .. }, Some(at)) => {
                let ending = if *out_of_time { Ending::OutOfTime } else { Ending::Interrupted };
                self.tallies.ended(&at.combination, ending);
            }
            (Body::RunResumed { .. }, _) => {
                // The rig was looked at anew, and what had been interrupted went on.
                self.tallies.take_up();
                (self.under_way, self.interrupted) = (true, None);
            }
            (Body::RunFinished { interrupted, out_of_time }, _) => {
                self.under_way = false;
                if let Some(why) = interrupted {
                    let ending = if *out_of_time { Ending::OutOfTime } else { Ending::Interrupted };
                    self.interrupted = Some((why.clone(), ending));
                }
            }
            _ => {}
        }
        let t_ns = event.t_ns;
        if let Some(mut record) = self.folder.take(event) {
            correct(&mut record)?;
            self.tallies.take(&record, t_ns.saturating_sub(record.began_ns));
        }
        Ok(())
    }

    /// A trial that gave a result twice: the log is that of no run.
    pub fn doubled(&self) -> Option<&(CombinationId, u32)> {
        self.folder.doubled()
    }

    /// A combination of the log that the plan does not have: they do not belong together.
    pub fn stranger(&self) -> Option<&CombinationId> {
        self.stranger.as_ref()
    }

    /// What ended the run before its plan was done, if something did, and the combinations that it left open.
    pub fn left_open(&self) -> Option<(String, Ending, Vec<CombinationId>)> {
        let (why, ending) = self.ending()?;
        Some((why, ending, self.tallies.open().cloned().collect()))
    }

    fn ending(&self) -> Option<(String, Ending)> {
        if self.under_way { Some(cut_off()) } else { self.interrupted.clone() }
    }

    /// The verdicts. A log that ends before its run does is one of an interrupted run.
    pub fn verdicts(self, run: &str) -> RunVerdicts {
        let interrupted = self.ending();
        self.tallies.verdicts(run, interrupted)
    }
}
