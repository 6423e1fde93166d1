//! One trial of a run on one time axis.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use rigtone_judge::verdicts::RunPlan;
use rigtone_model::event::Body;
use rigtone_record::read_plan;
use rigtone_report::{exit::Code, sanitise};
use rigtone_witness::axis::{Axis, Builder, Moment};

use super::super::{log::read_log, report::read_trouble};
use crate::{printer, trouble::Trouble};

/// Which trial of a run.
pub(super) struct Which<'a> {
    pub(super) combination: Option<&'a str>,
    pub(super) trial: Option<u32>,
}

/// Shows a trial of a run.
pub(super) fn show(run: &Path, which: &Which<'_>, json: bool) -> Result<Code, Trouble> {
    let plan: RunPlan = read_plan(run).map_err(|e| read_trouble(&e))?;
    let known: Vec<&str> = plan.plan.combinations.iter().map(|c| c.id.as_str()).collect();
    let combination = choose(&known, which.combination)?;
    let trial = which.trial.unwrap_or(1);
    let (mut builder, mut there) = (None, BTreeSet::new());
    let log = read_log(run, |event| {
        let Some(at) = &event.at else { return Ok(()) };
        if at.combination.as_str() != combination || at.trial == 0 {
            return Ok(());
        }
        there.insert(at.trial);
        if at.trial == trial {
            // Of several attempts the last one is shown: the others were lost to the rig.
            if matches!(event.body, Body::TrialStarted) {
                builder = Some(Builder::new(&at.combination, trial, at.attempt, event.t_ns));
            }
            if let Some(builder) = &mut builder {
                builder.take(&event);
            }
        }
        Ok(())
    })?;
    log.warn();
    let Some(builder) = builder else {
        let hint = match (there.first(), there.last()) {
            (Some(first), Some(last)) => format!("it has the trials {first} to {last}"),
            _ => "it has none".to_owned(),
        };
        return Err(Trouble::usage(format!("there is no trial {trial} of `{combination}`")).hint(hint));
    };
    let axis = builder.finish(run);
    if json {
        let text = serde_json::to_string_pretty(&axis).map_err(|e| Trouble::new(Code::Internal, e))?;
        printer::out(&format!("{}\n", sanitise::json(&text)));
    } else {
        printer::out(&text(&axis));
    }
    Ok(Code::Passed)
}

/// The combination that is meant.
pub(crate) fn choose<'a>(known: &[&'a str], wanted: Option<&str>) -> Result<&'a str, Trouble> {
    const SHOWN: usize = 10;
    let fits = |id: &&&str| wanted.is_none_or(|wanted| id.contains(wanted));
    // An id that is meant as it is may be a part of another one.
    if let Some(exactly) = known.iter().find(|id| Some(**id) == wanted) {
        return Ok(exactly);
    }
    let found: Vec<&&str> = known.iter().filter(fits).collect();
    match found[..] {
        [one] => Ok(one),
        [] => Err(Trouble::usage(format!("no combination of the run has `{}` in its id", wanted.unwrap_or_default()))
            .hint("`rigtone report RUN --format list` lists them")),
        _ => {
            let mut shown: Vec<&str> = found.iter().take(SHOWN).map(|id| **id).collect();
            if found.len() > SHOWN {
                shown.push("...");
            }
            Err(Trouble::usage(format!("{} combinations fit; name one with --combination", found.len()))
                .hint(shown.join(", ")))
        }
    }
}

fn text(axis: &Axis) -> String {
    let mut text = String::new();
    let Axis { combination, trial, attempt, .. } = axis;
    let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
    let _ = writeln!(text, "trial {trial}{again} of {}", sanitise::line(combination));
    let codecs = axis.codecs.to_string();
    if !codecs.is_empty() {
        let _ = writeln!(text, "codec: {}", sanitise::line(&codecs));
    }
    for doubt in &axis.doubts {
        let _ = writeln!(text, "note: {}", sanitise::line(doubt));
    }
    let _ = writeln!(text, "\n{:>11}  {:>11}  {:>10}  source   what", "at s", "known to", "took");
    for moment in &axis.moments {
        let took = moment.took_ns.map(ms).unwrap_or_default();
        let (at, known, source) = (moment.at_ns as f64 / 1e9, known(moment), moment.source.as_str());
        let _ = writeln!(text, "{at:>11.6}  {known:>11}  {took:>10}  {source:<7}  {}", sanitise::line(&moment.what));
    }
    text
}

fn ms(ns: i64) -> String {
    format!("{:.1} ms", ns as f64 / 1e6)
}

/// How well the time of a moment is known.
fn known(moment: &Moment) -> String {
    let (before, after) =
        (moment.at_ns.saturating_sub(moment.earliest_ns), moment.latest_ns.saturating_sub(moment.at_ns));
    match (before, after) {
        (0, 0) => String::new(),
        (before, after) if before == after => format!("\u{b1} {:.2} ms", after as f64 / 1e6),
        (before, _) => format!("- {}", ms(before)),
    }
}
