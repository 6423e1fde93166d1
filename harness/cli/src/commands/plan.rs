//! `rigtone plan`

use std::fmt::Write as _;

use rigtone_report::{exercised, exit::Code, figure::count};
use rigtone_runner::{Cost, Forecast};

use crate::{args::What, documents, printer, trouble::Trouble};

pub(crate) fn plan(what: &What, json: bool) -> Result<Code, Trouble> {
    let planned = documents::plan(what)?;
    let forecast = Forecast::of(&planned.run);
    if json {
        let whole = serde_json::json!({"schema": planned.run.schema, "plan": planned.run.plan, "forecast": forecast});
        let text = serde_json::to_string(&whole).map_err(|e| Trouble::new(Code::Internal, e))?;
        printer::out(&format!("{text}\n"));
    } else {
        printer::out(&show(&planned, &forecast)?);
    }
    Ok(if forecast.combinations == 0 { Code::Nothing } else { Code::Passed })
}

fn show(planned: &documents::Planned, forecast: &Forecast) -> Result<String, Trouble> {
    let mut text = String::new();
    let plan = &planned.run.plan;
    for planned_scenario in &plan.scenarios {
        let scenario = documents::scenario(plan, &planned_scenario.document.scenario)?;
        let most = count(scenario.repeat.at_most as usize, "trial");
        let trials = match scenario.repeat.at_least {
            least if least == scenario.repeat.at_most => most,
            least => format!("{least} to {most}"),
        };
        let _ = writeln!(text, "{}: {trials} each\n  {}", scenario.scenario, scenario.title);
        if !scenario.exercises.is_empty() {
            let _ = writeln!(text, "  {} {}", exercised::TITLE, scenario.exercises.join(", "));
        }
        for combination in plan.combinations.iter().filter(|c| *c.scenario == *scenario.scenario) {
            let id = combination.id.as_str();
            let _ = match &combination.skipped {
                Some(reason) => writeln!(text, "  skip  {id}\n        {reason}"),
                None => writeln!(
                    text,
                    "  run   {id}\n        {} a trial; needs {}",
                    seconds(combination.trial_ns as f64 / 1e9),
                    combination.resources.join(", ")
                ),
            };
        }
    }
    let _ = writeln!(text, "\n{} to run, {} to skip", count(forecast.combinations, "combination"), forecast.skipped);
    if forecast.combinations > 0 {
        text.push_str(&costs(forecast));
    }
    Ok(text)
}

/// What the plan costs, by what kind of devices it meets.
fn costs(forecast: &Forecast) -> String {
    let columns = ["expected", "trials", "lab time", "one by one", "longest on"];
    let row = |name: &str, cost: &Cost| {
        [
            name.to_owned(),
            format!("{:.0}", cost.trials),
            seconds(cost.critical_s),
            seconds(cost.serial_s),
            cost.critical_resource.as_deref().unwrap_or_default().to_owned(),
        ]
    };
    let rows = [
        columns.map(str::to_owned),
        row("good devices", &forecast.good),
        row("middling devices", &forecast.middling),
        row("bad devices", &forecast.bad),
        row("at most", &forecast.at_most),
    ];
    let mut text = String::new();
    for [name, trials, time, serial, resource] in rows {
        let _ = writeln!(text, "  {name:<16}  {trials:>9}  {time:>9}  {serial:>10}  {resource}");
    }
    text
}

/// A length of time for a person: whole seconds, minutes or tenths of hours.
fn seconds(s: f64) -> String {
    match s {
        s if s < 120.0 => format!("{} s", s.round()),
        s if s < 7200.0 => format!("{} min", (s / 60.0).round()),
        s => format!("{:.1} h", s / 3600.0),
    }
}
