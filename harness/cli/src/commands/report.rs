//! `rigtone report`

use std::{fmt::Write as _, path::Path};

use rigtone_judge::verdicts::RunPlan;
use rigtone_model::{event::Body, plan::Plan, verdict::RunVerdicts};
use rigtone_record::{ReadError, read_events, read_plan, read_verdicts};
use rigtone_report::{
    baseline::Baseline,
    exit::{self, Code, InconclusivePolicy},
    json, junit, sanitise, terminal,
};

use crate::{
    args::{Format, Inconclusive},
    commands::page::{self, Look},
    printer,
    trouble::Trouble,
};

pub(crate) fn policy(inconclusive: Inconclusive) -> InconclusivePolicy {
    match inconclusive {
        Inconclusive::Error => InconclusivePolicy::AsError,
        Inconclusive::Pass => InconclusivePolicy::AsPass,
        Inconclusive::Fail => InconclusivePolicy::AsFailure,
    }
}

pub(crate) fn read_trouble(error: &ReadError) -> Trouble {
    Trouble::usage(error).hint(error.hint())
}

/// The results as JSON, for people's scripts.
pub(crate) fn results(
    verdicts: &RunVerdicts,
    plan: &Plan,
    inconclusive: Inconclusive,
    directory: &Path,
    baseline: Option<&Baseline>,
) -> Result<String, Trouble> {
    let paths = ["plan.json", "events.jsonl", "verdicts.json", "junit.xml"]
        .map(|name| (name.split('.').next().unwrap_or(name).to_owned(), directory.join(name).display().to_string()));
    let value = json::results(verdicts, plan, policy(inconclusive), &paths.into(), baseline);
    serde_json::to_string_pretty(&value).map(|t| t + "\n").map_err(|e| Trouble::new(Code::Internal, e))
}

/// The results as a table for a terminal.
pub(crate) fn summary(verdicts: &RunVerdicts, plan: &Plan, inconclusive: Inconclusive, directory: &Path) -> String {
    let directory = directory.display().to_string();
    let causes = rigtone_judge::verdicts::causes(plan, verdicts);
    let view = terminal::View {
        width: printer::width(),
        colour: printer::colour(),
        inconclusive: policy(inconclusive),
        directory: Some(&directory),
        causes: &causes,
    };
    terminal::summary(verdicts, plan, &view)
}

/// When a run began, in seconds since 1970.
fn started(run: &Path) -> Option<i64> {
    read_events(run).ok()?.flatten().find_map(|event| match event.body {
        Body::RunStarted { unix_s, .. } => Some(unix_s),
        _ => None,
    })
}

pub(crate) fn report(run: &Path, format: Format, inconclusive: Inconclusive, look: &Look) -> Result<Code, Trouble> {
    if format == Format::Html {
        return page::report(run, look, inconclusive);
    }
    if look.is_asked() {
        return Err(Trouble::usage("--theme, --title and --logo are of the HTML report").hint("add `--format html`"));
    }
    let plan: RunPlan = read_plan(run).map_err(|e| read_trouble(&e))?;
    let verdicts = read_verdicts(run).map_err(|e| match &e {
        // The plan is there: the run was killed before it could judge.
        ReadError::Io { os, .. } if os.kind() == std::io::ErrorKind::NotFound => {
            Trouble::usage(&e).hint("the run did not come to its end: `rigtone judge` judges what it recorded")
        }
        _ => read_trouble(&e),
    })?;
    let (code, _) = exit::of(&verdicts, policy(inconclusive));
    match format {
        Format::Terminal => {
            printer::out(&summary(&verdicts, &plan.plan, inconclusive, run));
        }
        Format::List => {
            let mut text = String::new();
            for combination in &verdicts.combinations {
                let known = combination.quarantined.as_ref().map(|known| {
                    sanitise::line(&format!(
                        " (in quarantine until {}, {}: {})",
                        known.expires, known.owner, known.reason
                    ))
                });
                let (verdict, id) = (combination.verdict.word(), &combination.id);
                let _ = writeln!(text, "{verdict:<12} {id}{}", known.unwrap_or_default());
            }
            printer::out(&text);
        }
        // Made above, from whatever there is.
        Format::Html => {}
        Format::Json => printer::out(&results(&verdicts, &plan.plan, inconclusive, run, None)?),
        Format::Junit => {
            let mut text = Vec::new();
            let started_unix_s = started(run).unwrap_or_default();
            let directory = run.display().to_string();
            let options =
                junit::Options { inconclusive: policy(inconclusive), started_unix_s, directory: Some(&directory) };
            junit::write(&verdicts, &plan.plan, &options, &mut text)
                .map_err(|e| Trouble::new(Code::Internal, &e).hint(e.hint()))?;
            printer::out(&String::from_utf8_lossy(&text));
        }
    }
    Ok(code)
}
