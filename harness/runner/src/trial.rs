//! One attempt at a trial: setup, trial, and cleanup for whatever began.

use rigtone_model::{
    document::{Axis, Scenario},
    event::{Body, FirmwareLook, TrialOutcome},
    plan::{AxisValue, Bindings, Combination, Plan},
    trial::{InfrastructureFault, TrialRecord},
};
use rigtone_rig::{
    bench::{Bench, TrialKey},
    capability::Unit,
    clock::Instant,
};

use crate::{cancel::Cancel, emit::Place, lines::do_steps, past::Done, radio::Radio, recovery};

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

    /// The microphone that stands on an axis, and the axis of the unit that it stands beside.
    pub(crate) fn microphone(&self, axis: &str) -> Result<(&str, &str), InfrastructureFault> {
        let missing = || InfrastructureFault::new("plan", format!("no microphone stands on the axis `{axis}`"));
        let value = self.combination.axes.iter().find(|(name, _)| &**name == axis).map(|(_, value)| value);
        match (value, self.scenario.matrix.get(axis)) {
            (Some(AxisValue::Microphone(name)), Some(Axis::Microphone(choice))) => Ok((name, &choice.near)),
            _ => Err(missing().hint("make the plan anew")),
        }
    }

    pub(crate) fn bindings(&self) -> Bindings<'_> {
        Bindings::of(self.combination, self.scenario)
    }

    pub(crate) fn now(&self) -> Instant {
        self.bench.clock.now()
    }

    pub(crate) fn units(&self) -> Vec<&str> {
        self.combination.axes.iter().filter_map(|(axis, _)| self.combination.unit(axis)).collect()
    }

    fn microphones(&self) -> Vec<&str> {
        self.combination.resources.iter().filter_map(|r| r.strip_prefix("microphone ")).collect()
    }

    /// What the rig knows the trial by.
    pub(crate) fn key(&self) -> TrialKey {
        TrialKey {
            seed: self.seed,
            combination: self.combination.id.clone(),
            trial: self.place.trial,
            attempt: self.place.attempt,
        }
    }
}

/// What became of an attempt.
#[derive(Debug, Default)]
pub(crate) struct Attempted {
    /// Its record, folded from its own events.
    pub(crate) record: Option<TrialRecord>,
    /// The members that had to be given up in it, with what was found.
    pub(crate) benched: Vec<(String, String)>,
    /// What was seen of the firmware of units.
    pub(crate) looks: Vec<FirmwareLook>,
}

/// Runs one attempt.
pub(crate) async fn run_trial(trial: &Trial<'_>) -> Attempted {
    let (units, microphones) = (trial.units(), trial.microphones());
    let key = trial.key();
    trial.bench.keeper.trial_begins(&key, &units, &microphones);
    trial.place.emit(trial.now(), Body::TrialStarted);
    let mut looks = Vec::new();
    let mut outcome = match Radio::begin(trial).await {
        Ok(radio) => {
            let outcome = do_steps(trial, &radio, &mut looks).await;
            let kept = if outcome == TrialOutcome::Cancelled { Ok(()) } else { radio.end(trial).await };
            match (outcome, kept) {
                // What became of the trial before matters more.
                (TrialOutcome::Completed, Err(fault)) => TrialOutcome::Lost(fault),
                (outcome, _) => outcome,
            }
        }
        Err(fault) => TrialOutcome::Lost(fault),
    };
    // A failure stands only if the rig proves itself around it; and what was lost is lost again as long as it does not.
    if outcome == TrialOutcome::Completed
        && trial.place.is_suspicious()
        && let Some(fault) = recovery::look(trial).await
    {
        outcome = TrialOutcome::Lost(fault);
    }
    let aftermath = trial.bench.keeper.trial_ends(&key, &units);
    for fault in aftermath.incidents {
        let body = Body::Checked { member: fault.member.clone(), finding: fault.what.clone(), ok: false };
        trial.place.emit(trial.now(), body);
        if outcome == TrialOutcome::Completed {
            outcome = TrialOutcome::Lost(fault);
        }
    }
    let benched = match &outcome {
        // That a unit is not the one it seemed is no trouble that passes.
        TrialOutcome::Lost(_) if looks.iter().any(|look| look.fault().is_some()) => Vec::new(),
        TrialOutcome::Lost(fault) => {
            trial.place.emit(trial.now(), Body::Recovering { member: fault.member.clone() });
            match trial.cancel.unless(recovery::recover(trial)).await {
                Some(benched) => benched,
                None => {
                    // Nobody knows what would have become of the rig: the trial is run again when the run goes on.
                    outcome = TrialOutcome::Cancelled;
                    Vec::new()
                }
            }
        }
        TrialOutcome::Completed | TrialOutcome::Cancelled => Vec::new(),
    };
    for (member, why) in &benched {
        trial.place.emit(trial.now(), Body::Benched { member: member.clone(), why: why.clone() });
    }
    trial.place.settle_evidence(trial.now(), trial.scenario, &outcome);
    let record = trial.place.emit(trial.now(), Body::TrialFinished { outcome, memory: aftermath.memory });
    Attempted { record, benched, looks }
}

/// Lets the simulated world go through a trial that was done before the run was interrupted: it takes its time, meets
/// the faults that are planted in it, and leaves behind what it left behind.
pub(crate) async fn relive(trial: &Trial<'_>, done: &Done) {
    let (keeper, clock) = (&trial.bench.keeper, &trial.bench.clock);
    let (key, units, started) = (trial.key(), trial.units(), trial.now());
    keeper.trial_begins(&key, &units, &trial.microphones());
    for (after, label) in &done.steps {
        clock.sleep_until(started.plus(*after)).await;
        keeper.step_begins(&key, label);
    }
    clock.sleep_until(started.plus(done.over_ns)).await;
    keeper.trial_ends(&key, &units);
    clock.sleep_until(started.plus(done.took_ns)).await;
    if let Some(memory) = &done.memory {
        keeper.remember(memory);
    }
}
