//! The steps of a trial: one line of them, and lines beside it.
//!
//! All lines run on the one thread, the main line first: at one instant what is written first is done first, so that a run is the same
//! every time. A step that fails leaves those beside it to go on, for what they measure is worth having; a fault of the rig ends them all.

use std::{cell::Cell, future::Future, pin::Pin};

use futures::future::join;
use rigtone_model::{
    document::Step,
    event::{Body, FirmwareLook, Phase, StepOutcome, TrialOutcome},
    quantity::Duration,
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};
use rigtone_rig::clock::Instant;
use tokio::sync::Notify;

use crate::{
    cancel::Cancel,
    radio::Radio,
    step::{Session, StepEnd, StepResult},
    trial::Trial,
};

/// Setup, trial, and cleanup for whatever began.
pub(crate) async fn do_steps(trial: &Trial<'_>, radio: &Radio, looks: &mut Vec<FirmwareLook>) -> TrialOutcome {
    let mut session = Session::new(trial);
    let condition = trial.combination.condition.as_deref();
    let scenario = trial.scenario;
    let setup = Lines::new(trial, radio, Phase::Setup).ended_by(trial.cancel);
    let mut outcome = TrialOutcome::Completed;
    for step in scenario.setup.iter().filter(|s| s.applies(condition)) {
        outcome = match setup.step(&mut session, step).await {
            StepOutcome::Done => continue,
            // Setup brings the device where the trial begins: it is no part of what is judged.
            StepOutcome::Failed(failure) => {
                let what = format!("setup step `{}` failed: {failure}", step.name());
                TrialOutcome::Lost(InfrastructureFault::new("setup", what))
            }
            StepOutcome::Lost(fault) => TrialOutcome::Lost(fault),
            StepOutcome::Cancelled => TrialOutcome::Cancelled,
        };
        break;
    }
    if outcome == TrialOutcome::Completed {
        let proper = Lines::new(trial, radio, Phase::Trial).ended_by(trial.cancel).within(scenario.trial_limit);
        outcome = match proper.line(&mut session, &scenario.trial).await {
            StepOutcome::Done | StepOutcome::Failed(_) => TrialOutcome::Completed,
            StepOutcome::Lost(fault) => TrialOutcome::Lost(fault),
            StepOutcome::Cancelled => TrialOutcome::Cancelled,
        };
    }
    // Cleanup is done also when the run is to end; a fault in it costs the trial, because the next one starts from what it leaves.
    for step in scenario.cleanup.iter().filter(|s| s.applies(condition)) {
        let cleanup = Lines::new(trial, radio, Phase::Cleanup);
        if let StepOutcome::Lost(fault) = cleanup.step(&mut session, step).await
            && outcome == TrialOutcome::Completed
        {
            outcome = TrialOutcome::Lost(fault);
        }
    }
    *looks = session.looks;
    outcome
}

/// What all lines of a part of a trial have in common.
struct Lines<'a> {
    trial: &'a Trial<'a>,
    radio: &'a Radio,
    phase: Phase,
    /// Ends them when the run is to end.
    cancel: Option<&'a Cancel>,
    /// When they have to be done, and how long that is.
    limit: Option<(Instant, Duration)>,
    /// The rig failed in one of them.
    lost: Cell<bool>,
    told: Notify,
}

/// How the work of a step came to its end.
enum Ended {
    ByItself(StepResult),
    /// The time of the trial is over.
    ByLimit,
    /// The run is to end, or the rig failed in a step beside it.
    FromOutside,
}

type Doing<'s> = Pin<Box<dyn Future<Output = StepOutcome> + 's>>;

impl<'a> Lines<'a> {
    fn new(trial: &'a Trial<'a>, radio: &'a Radio, phase: Phase) -> Self {
        let (lost, told) = (Cell::new(false), Notify::new());
        Self { trial, radio, phase, cancel: None, limit: None, lost, told }
    }

    fn ended_by(self, cancel: &'a Cancel) -> Self {
        Self { cancel: Some(cancel), ..self }
    }

    /// With a limit that begins now.
    fn within(self, limit: Option<Duration>) -> Self {
        let limit = limit.map(|limit| (self.trial.now().plus(limit.ns()), limit));
        Self { limit, ..self }
    }

    /// Steps one after the other until one of them, or of those beside them, is not done.
    fn line<'s>(&'s self, session: &'s mut Session<'a>, steps: &'s [Step]) -> Doing<'s> {
        Box::pin(async move {
            let condition = self.trial.combination.condition.as_deref();
            for step in steps.iter().filter(|step| step.applies(condition)) {
                match self.step(session, step).await {
                    StepOutcome::Done => {}
                    other => return other,
                }
            }
            StepOutcome::Done
        })
    }

    /// A step with those beside it, until all of them have ended.
    async fn step(&self, session: &mut Session<'a>, step: &Step) -> StepOutcome {
        if step.meanwhile.is_empty() {
            return self.alone(session, step).await;
        }
        let mut beside = session.beside();
        let both = join(self.alone(session, step), self.line(&mut beside, &step.meanwhile)).await;
        session.looks.append(&mut beside.looks);
        match both {
            (main, StepOutcome::Done) => main,
            (StepOutcome::Done, aside) => aside,
            // What is known of the rig outweighs what is known of the device, and that what was broken off.
            (lost @ StepOutcome::Lost(_), _) | (_, lost @ StepOutcome::Lost(_)) => lost,
            (StepOutcome::Cancelled, _) | (_, StepOutcome::Cancelled) => StepOutcome::Cancelled,
            (main, _) => main,
        }
    }

    /// Does one step and records it.
    async fn alone(&self, session: &mut Session<'a>, step: &Step) -> StepOutcome {
        let (trial, phase, action) = (self.trial, self.phase, step.action().name());
        let place = trial.place.in_step(step.name());
        let started = trial.now();
        trial.bench.keeper.step_begins(&trial.key(), step.name());
        place.emit(started, Body::StepStarted { action: action.to_owned(), phase });
        let ended = self.unless_ended(session.perform(step, place)).await;
        let took_ns = trial.now().since(started);
        let agreed = session.agreed.take();
        let end = match ended {
            Ended::ByItself(end) => Some(end),
            Ended::ByLimit => Some(Ok(StepEnd::Failed(self.overrun(step)))),
            Ended::FromOutside => None,
        };
        let end = match end {
            Some(end) => Some(self.radio.step_ended(trial, (phase, step), started, agreed, end).await),
            None => None,
        };
        let outcome = match end {
            Some(Ok(StepEnd::Done)) => StepOutcome::Done,
            Some(Ok(StepEnd::Failed(failure))) => StepOutcome::Failed(failure),
            Some(Err(fault)) => StepOutcome::Lost(fault),
            None => StepOutcome::Cancelled,
        };
        let body = Body::StepFinished { action: action.to_owned(), phase, outcome: outcome.clone(), took_ns };
        place.emit(trial.now(), body);
        // When the step is over: looking takes none of its time.
        let outcome = match session.look_at_firmware(place).await {
            Err(fault) if outcome == StepOutcome::Done => StepOutcome::Lost(fault),
            _ => outcome,
        };
        if matches!(outcome, StepOutcome::Lost(_)) {
            self.lost.set(true);
            self.told.notify_waiters();
        }
        outcome
    }

    fn overrun(&self, step: &Step) -> DeviceFailure {
        let limit = self.limit.map(|(_, limit)| limit.to_string()).unwrap_or_default();
        let what = format!("the trial had taken its limit of {limit} when `{}` was still going on", step.name());
        DeviceFailure::new(FailureClass::Untimely, what)
    }

    /// Does the work of a step unless something ends it: then it is dropped.
    async fn unless_ended(&self, work: impl Future<Output = StepResult>) -> Ended {
        let lost = self.told.notified();
        tokio::pin!(lost);
        // From here on no word is missed.
        lost.as_mut().enable();
        if self.lost.get() {
            return Ended::FromOutside;
        }
        let over = async {
            match self.limit {
                Some((limit, _)) => self.trial.bench.clock.sleep_until(limit).await,
                None => std::future::pending().await,
            }
        };
        let work = async {
            match self.cancel {
                Some(cancel) => cancel.unless(work).await,
                None => Some(work.await),
            }
        };
        tokio::select! {
            biased;
            () = lost => Ended::FromOutside,
            end = work => end.map_or(Ended::FromOutside, Ended::ByItself),
            () = over => Ended::ByLimit,
        }
    }
}
