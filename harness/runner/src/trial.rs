//! One attempt at a trial: setup, trial, and cleanup for whatever began.

use rigtone_model::{
    document::{Scenario, Step},
    event::{Body, Phase, StepOutcome, TrialOutcome},
    plan::{AxisValue, Bindings, Combination, Plan},
    trial::{InfrastructureFault, TrialRecord},
};
use rigtone_rig::{
    bench::{Bench, TrialKey},
    capability::Unit,
    clock::Instant,
};

use crate::{
    cancel::Cancel,
    emit::Place,
    step::{Session, StepEnd},
};

/// What a trial needs.
pub(crate) struct Trial<'a> {
    pub(crate) bench: &'a Bench,
    pub(crate) plan: &'a Plan,
    pub(crate) combination: &'a Combination,
    pub(crate) scenario: &'a Scenario,
    pub(crate) place: Place<'a>,
    pub(crate) cancel: &'a Cancel,
    pub(crate) seed: u64,
}

impl Trial<'_> {
    /// The unit that stands on an axis.
    pub(crate) fn unit(&self, axis: &str) -> Result<&Unit, InfrastructureFault> {
        let name = self.combination.unit(axis).unwrap_or(axis);
        let missing = || InfrastructureFault::new(format!("unit {name}"), "is not part of the rig that was opened");
        self.bench.units.get(name).ok_or_else(missing)
    }

    pub(crate) fn bindings(&self) -> Bindings<'_> {
        Bindings::of(self.combination, self.scenario)
    }

    pub(crate) fn now(&self) -> Instant {
        self.bench.clock.now()
    }
}

/// Runs one attempt; gives its record, folded from its own events.
pub(crate) async fn run_trial(trial: &Trial<'_>) -> Option<TrialRecord> {
    let units: Vec<&str> = trial
        .combination
        .axes
        .iter()
        .filter_map(|(_, value)| match value {
            AxisValue::Unit { name, .. } => Some(&**name),
            _ => None,
        })
        .collect();
    let microphones: Vec<&str> =
        trial.combination.resources.iter().filter_map(|r| r.strip_prefix("microphone ")).collect();
    let key = TrialKey {
        seed: trial.seed,
        combination: trial.combination.id.clone(),
        trial: trial.place.trial,
        attempt: trial.place.attempt,
    };
    trial.bench.keeper.trial_begins(&key, &units, &microphones);
    trial.place.emit(trial.now(), Body::TrialStarted);
    let mut session = Session::new(trial);
    let condition = trial.combination.condition.as_deref();
    let mut outcome = TrialOutcome::Completed;
    let before = trial.scenario.setup.iter().map(|s| (Phase::Setup, s));
    let proper = trial.scenario.trial.iter().map(|s| (Phase::Trial, s));
    for (phase, step) in before.chain(proper).filter(|(_, s)| s.applies(condition)) {
        match (phase, do_step(trial, &mut session, phase, step, Some(trial.cancel)).await) {
            (_, StepOutcome::Done) => continue,
            // Setup brings the device where the trial begins: it is no part of what is judged.
            (Phase::Setup, StepOutcome::Failed(failure)) => {
                let what = format!("setup step `{}` failed: {failure}", step.name());
                outcome = TrialOutcome::Lost(InfrastructureFault::new("setup", what));
            }
            (_, StepOutcome::Failed(_)) => {}
            (_, StepOutcome::Lost(fault)) => outcome = TrialOutcome::Lost(fault),
            (_, StepOutcome::Cancelled) => outcome = TrialOutcome::Cancelled,
        }
        break;
    }
    for step in trial.scenario.cleanup.iter().filter(|s| s.applies(condition)) {
        // Cleanup is done also when the run is to end; a fault in it costs the trial, because the next one starts
        // from what it leaves.
        if let StepOutcome::Lost(fault) = do_step(trial, &mut session, Phase::Cleanup, step, None).await
            && outcome == TrialOutcome::Completed
        {
            outcome = TrialOutcome::Lost(fault);
        }
    }
    trial.place.emit(trial.now(), Body::TrialFinished { outcome, memory: None })
}

/// Does a step and records it. With `cancel` it ends when the run is to end.
async fn do_step(
    trial: &Trial<'_>,
    session: &mut Session<'_>,
    phase: Phase,
    step: &Step,
    cancel: Option<&Cancel>,
) -> StepOutcome {
    let action = step.action();
    let place = trial.place.in_step(step.name());
    let started = trial.now();
    place.emit(started, Body::StepStarted { action: action.name().to_owned(), phase });
    let work = session.perform(step, place);
    let end = match cancel {
        Some(cancel) => cancel.unless(work).await,
        None => Some(work.await),
    };
    let outcome = match end {
        Some(Ok(StepEnd::Done)) => StepOutcome::Done,
        Some(Ok(StepEnd::Failed(failure))) => StepOutcome::Failed(failure),
        Some(Err(fault)) => StepOutcome::Lost(fault),
        None => StepOutcome::Cancelled,
    };
    let took_ns = trial.now().since(started);
    let body = Body::StepFinished { action: action.name().to_owned(), phase, outcome: outcome.clone(), took_ns };
    place.emit(trial.now(), body);
    outcome
}
