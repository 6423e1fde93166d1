//! `rigtone judge`

use std::{
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use rigtone_judge::verdicts::{Replay, Rules, RunPlan};
use rigtone_model::{document::Scenario, id::CombinationId, plan::Plan, verdict::RunVerdicts};
use rigtone_record::{Layer, LayerError, keep_quiet, read_plan};
use rigtone_report::{
    baseline::Baseline,
    exit::{self, Code},
    figure::count,
    sanitise,
};
use rigtone_witness::{Remeasure, RemeasureError};

use super::{
    log::{Log, read_log},
    report::{self, Format, policy, read_trouble},
    run::record_trouble,
};
use crate::{args::Inconclusive, documents, printer, trouble::Trouble};

/// What a run is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// What was recorded.
    Record,
    /// What its recordings say now.
    EvidenceAnew,
    /// What they said before.
    Layer(u32),
}

/// How to judge.
pub(crate) struct How<'a> {
    pub(crate) scenarios: &'a [PathBuf],
    pub(crate) by: By,
    pub(crate) baseline: Option<&'a Path>,
    pub(crate) quarantine: Option<&'a Path>,
    pub(crate) inconclusive: Option<Inconclusive>,
    pub(crate) json: bool,
}

pub(crate) fn judge(run: &Path, how: &How<'_>) -> Result<Code, Trouble> {
    let mut plan: RunPlan = read_plan(run).map_err(|e| read_trouble(&e))?;
    if !how.scenarios.is_empty() {
        change_limits(&mut plan, how.scenarios)?;
    }
    if let Some(file) = how.quarantine {
        documents::quarantine(file, &mut plan)?;
    }
    let earlier = how.baseline.map(Earlier::read).transpose()?;
    let layer = match how.by {
        By::Record => None,
        By::EvidenceAnew => Some(remeasured(run, &plan.plan)?),
        By::Layer(number) => Some(number),
    };
    let verdicts = verdicts(run, &plan, layer)?;
    let counted = report::counted_as(run, how.inconclusive);
    counted.missing().iter().for_each(|missing| printer::note(&format!("note: {}", sanitise::line(missing))));
    let inconclusive = counted.inconclusive;
    let (code, _) = exit::of(&verdicts, policy(inconclusive));
    let baseline = earlier.map(|earlier| earlier.beside(&verdicts));
    let material = report::material(&verdicts, &plan.plan, inconclusive, run, baseline.as_ref());
    report::show(if how.json { Format::Json } else { Format::Terminal }, &material)?;
    Ok(code)
}

/// An earlier run that a run is held against.
pub(crate) struct Earlier {
    run: String,
    verdicts: RunVerdicts,
}

impl Earlier {
    /// Judges it by its own plan.
    pub(crate) fn read(run: &Path) -> Result<Self, Trouble> {
        Ok(Self { run: run.display().to_string(), verdicts: judged(run)?.1 })
    }

    /// What has changed since.
    pub(crate) fn beside(self, now: &RunVerdicts) -> Baseline {
        Baseline::of(now, &self.verdicts, self.run)
    }
}

/// Takes limits and numbers of trials from other documents of the plan's scenarios.
fn change_limits(plan: &mut RunPlan, paths: &[PathBuf]) -> Result<(), Trouble> {
    let library = documents::read(paths).must_be_right_without_devices()?;
    let mut changed = 0;
    for planned in &mut plan.plan.scenarios {
        let Some(entry) = library.scenarios.get(&planned.document.scenario) else { continue };
        let (old, new) = (&planned.document, &entry.value);
        let done = |s: &Scenario| (s.setup.clone(), s.trial.clone(), s.cleanup.clone(), s.conditions.clone());
        if done(old) != done(new) {
            return Err(Trouble::usage(format!("`{}` does something else now than in the run", new.scenario))
                .hint("only limits, confidence and numbers of trials may differ: run it anew"));
        }
        planned.document = new.clone();
        planned.hash.clone_from(&entry.hash);
        changed += 1;
    }
    if changed == 0 {
        let known: Vec<&str> = plan.plan.scenarios.iter().map(|s| s.document.scenario.as_str()).collect();
        return Err(
            Trouble::usage("none of these scenarios is part of the run").hint(format!("it has {}", known.join(", ")))
        );
    }
    plan.rules = Rules::of(&plan.plan).map_err(Trouble::usage)?;
    Ok(())
}

/// The plan of a run, and its verdicts from its events alone.
pub(crate) fn judged(run: &Path) -> Result<(RunPlan, RunVerdicts), Trouble> {
    let plan: RunPlan = read_plan(run).map_err(|e| read_trouble(&e))?;
    let verdicts = verdicts(run, &plan, None)?;
    Ok((plan, verdicts))
}

/// Measures the recordings of a run again; gives the number of the layer.
fn remeasured(run: &Path, plan: &Plan) -> Result<u32, Trouble> {
    // A run that goes on has recordings that nobody has named yet.
    let _quiet = keep_quiet(run).map_err(|e| record_trouble(&e))?;
    let mut again = Remeasure::new(run, plan).map_err(|e| record_trouble(&e))?;
    let mut told = 0;
    let log = read_log(run, |event| {
        again.take(event).map_err(|e| record_trouble(&e))?;
        if again.recordings() != told {
            told = again.recordings();
            printer::so_far(&format!("measured again: {}", count(told as usize, "recording")));
        }
        Ok(())
    });
    printer::so_far("");
    let unix_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    let (number, path, outcome) = again.finish(&log?.run, unix_s).map_err(|error| {
        let code = match error {
            RemeasureError::Nothing { .. } => Code::Usage,
            RemeasureError::Evidence { .. } | RemeasureError::Record(_) => Code::Infrastructure,
        };
        Trouble::new(code, &error).hint(error.hint())
    })?;
    for change in &outcome.first {
        printer::note(&sanitise::line(&change.to_string()));
    }
    printer::note(&sanitise::line(&format!("{outcome}; layer {number}: {}", path.display())));
    Ok(number)
}

fn layer_trouble(error: &LayerError) -> Trouble {
    let code = match error {
        LayerError::NoSuchLayer { .. } | LayerError::Read(_) => Code::Usage,
        _ => Code::Infrastructure,
    };
    Trouble::new(code, error).hint(error.hint())
}

/// The verdicts of a run by a plan and its rules, with the values of a layer in the place of what was recorded.
fn verdicts(run: &Path, plan: &RunPlan, layer: Option<u32>) -> Result<RunVerdicts, Trouble> {
    let (verdicts, log) = replayed(run, plan, layer)?;
    log.warn();
    Ok(verdicts)
}

/// The verdicts of a run as far as it is; whoever asks says what of its log cannot be read.
pub(crate) fn verdicts_now(run: &Path, plan: &RunPlan) -> Result<RunVerdicts, Trouble> {
    replayed(run, plan, None).map(|(verdicts, _)| verdicts)
}

fn replayed(run: &Path, plan: &RunPlan, layer: Option<u32>) -> Result<(RunVerdicts, Log), Trouble> {
    let mut replay = Replay::new(&plan.plan, &plan.rules);
    let mut layer = layer.map(|number| Layer::open(run, number)).transpose().map_err(|e| layer_trouble(&e))?;
    let log = read_log(run, |event| {
        replay.take_corrected(event, |record| {
            let Some(layer) = &mut layer else { return Ok(()) };
            if let Some(trial) = layer.next_if(|trial| trial.is_of(record)).map_err(|e| layer_trouble(&e))? {
                trial.correct(record);
            }
            Ok(())
        })
    })?;
    if let Some(layer) = layer {
        layer.finish(&log.run, log.events).map_err(|e| layer_trouble(&e))?;
    }
    if let Some(combination) = replay.stranger() {
        return Err(foreign(run, combination));
    }
    if let Some(trial) = replay.doubled() {
        return Err(doubled(run, trial));
    }
    let mut verdicts = replay.verdicts(&log.run);
    plan.put_in_quarantine(&mut verdicts);
    Ok((verdicts, log))
}

/// A log that was put together by somebody.
pub(crate) fn doubled(run: &Path, (combination, trial): &(CombinationId, u32)) -> Trouble {
    Trouble::usage(format!("trial {trial} of `{combination}` has two results in the log of {}", run.display()))
        .hint("a run gives each trial one: restore events.jsonl from a copy")
}

/// The plan and the log of a directory are not of one run.
pub(crate) fn foreign(run: &Path, combination: &CombinationId) -> Trouble {
    let run = run.display();
    Trouble::usage(format!("the log of {run} has trials of `{combination}`, which its plan does not have"))
        .hint("plan.json and events.jsonl come from different runs: restore them from a copy")
}
