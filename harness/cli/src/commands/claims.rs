//! `rigtone claims`

use std::path::{Path, PathBuf};

use rigtone_judge::verdicts::RunPlan;
use rigtone_model::{event::Body, plan::Plan, rig_kind::RigKind, verdict::RunVerdicts};
use rigtone_record::{read_environment, read_events, read_plan, read_verdicts};
use rigtone_report::{
    claims::{self, OfRun},
    exit::Code,
};

use super::report::read_trouble;
use crate::{printer, trouble::Trouble};

/// Which runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Claims {
    /// The run directories.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

struct Run {
    unix_s: i64,
    kind: RigKind,
    plan: Plan,
    verdicts: RunVerdicts,
}

pub(crate) fn claims(what: &Claims) -> Result<Code, Trouble> {
    let runs = what.runs.iter().map(|run| read(run)).collect::<Result<Vec<Run>, _>>()?;
    let of: Vec<OfRun<'_>> = runs
        .iter()
        .map(|run| OfRun { unix_s: run.unix_s, kind: run.kind, plan: &run.plan, verdicts: &run.verdicts })
        .collect();
    let findings = claims::findings(&of);
    match what.json {
        true => printer::json(&findings)?,
        false => printer::out(&claims::text(&findings)),
    }
    Ok(Code::Passed)
}

fn read(run: &Path) -> Result<Run, Trouble> {
    let plan: RunPlan = read_plan(run).map_err(|e| read_trouble(&e))?;
    let verdicts = read_verdicts(run).map_err(|e| {
        read_trouble(&e)
            .hint("`rigtone run --resume RUN` goes on with it, `rigtone merge RUN --out DIR` judges what it recorded")
    })?;
    // Whoever has no environment says nothing of real devices.
    let kind = RigKind::of(read_environment(run).ok().as_ref(), &plan.plan.combinations);
    let began = read_events(run).ok().into_iter().flatten().flatten().find_map(|event| match event.body {
        Body::RunStarted { unix_s, .. } => Some(unix_s),
        _ => None,
    });
    Ok(Run { unix_s: began.unwrap_or_default(), kind, plan: plan.plan, verdicts })
}
