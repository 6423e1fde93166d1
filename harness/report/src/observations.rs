//! The observations of a run as CSV, one row each, and one for each attempt in which nothing was observed: for spreadsheets, R and pandas.
//!
//! RFC 4180 in UTF-8 with a row of names, without a mark of byte order. The fixed columns keep their names and places; those of
//! the axes follow. Events are taken one after the other: memory is that of the trials that run at the same time.

mod cells;
mod row;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::{self, Write},
};

use rigtone_model::{
    event::{At, Body, Event, Phase, TrialOutcome},
    id::CombinationId,
    plan::{AxisValue, Combination, Plan},
};

use cells::text;
use row::Row;

/// The fixed columns.
pub const COLUMNS: [&str; 24] = [
    "run",
    "scenario",
    "combination",
    "condition",
    "trial",
    "attempt",
    "outcome",
    "phase",
    "step",
    "quantity",
    "at_hz",
    "form",
    "value",
    "unit",
    "uncertainty",
    "low",
    "high",
    "text",
    "method",
    "version",
    "evidence",
    "t_ns",
    "seq",
    "microphone",
];

/// What became of the attempt that an observation was made in, by trial and attempt.
type Open = BTreeMap<(CombinationId, u32, u32), Attempt>;

/// An attempt that has begun.
struct Attempt {
    /// The number and the time of the event that began it.
    began: (u64, i64),
    phase: Phase,
    /// Steps that have not ended.
    running: u32,
    rows: Vec<Row>,
}

impl Attempt {
    /// What was observed; a row of nothing where that is nothing, as of the event that ended it: whoever counts trials misses none.
    fn told(self, ended: (u64, i64)) -> Vec<Row> {
        if self.rows.is_empty() { vec![Row::nothing(ended)] } else { self.rows }
    }
}

/// Writes all observations of a log, those of each trial when it has ended; those of trials that never did come last.
///
/// # Errors
/// When the output takes no more.
pub fn write(run: &str, plan: &Plan, events: impl IntoIterator<Item = Event>, sink: impl Write) -> io::Result<()> {
    let mut table = Table::new(run, plan, sink)?;
    let mut open = Open::new();
    // The last time of the log, and what it was when the run went on.
    let (mut last_ns, mut resumed_ns) = (0, 0);
    for Event { seq, t_ns, at, body } in events {
        last_ns = t_ns.max(last_ns);
        if matches!(body, Body::RunResumed { .. }) {
            resumed_ns = last_ns;
        }
        let Some(At { combination, trial, attempt, .. }) = at else { continue };
        let key = (combination, trial, attempt);
        match body {
            Body::TrialStarted => {
                let begun = Attempt { began: (seq, t_ns), phase: Phase::Trial, running: 0, rows: Vec::new() };
                if let Some(before) = open.insert(key.clone(), begun) {
                    table.rows(&key, "discarded", &before.told((seq, t_ns)))?;
                }
            }
            Body::StepStarted { phase, .. } => {
                if let Some(attempt) = open.get_mut(&key) {
                    attempt.phase = phase;
                    attempt.running += 1;
                }
            }
            // What is known only when all steps are done says itself what it is about, and counts.
            Body::StepFinished { .. } => {
                if let Some(attempt) = open.get_mut(&key) {
                    attempt.running = attempt.running.saturating_sub(1);
                    if attempt.running == 0 {
                        attempt.phase = Phase::Trial;
                    }
                }
            }
            Body::Observed(observation) => match open.get_mut(&key) {
                Some(attempt) => attempt.rows.push(Row::new(seq, t_ns, attempt.phase, &observation)),
                // A log that was cut at its beginning: the fact stands all the same.
                None => table.rows(&key, "unknown", &[Row::new(seq, t_ns, Phase::Trial, &observation)])?,
            },
            Body::TrialFinished { outcome, .. } => {
                let outcome = match outcome {
                    TrialOutcome::Completed => "completed",
                    TrialOutcome::Lost(_) => "lost",
                    TrialOutcome::Cancelled => "cancelled",
                };
                if let Some(attempt) = open.remove(&key) {
                    table.rows(&key, outcome, &attempt.told((seq, t_ns)))?;
                }
            }
            Body::TrialDiscarded { .. } => {
                if let Some(attempt) = open.remove(&key) {
                    // The rig's clock may have begun anew by then: an attempt ends no earlier than what was known before.
                    let ended_ns = t_ns.max(resumed_ns).max(attempt.began.1);
                    table.rows(&key, "discarded", &attempt.told((seq, ended_ns)))?;
                }
            }
            _ => {}
        }
    }
    for (key, attempt) in open {
        let began = attempt.began;
        table.rows(&key, "unfinished", &attempt.told(began))?;
    }
    table.writer.flush()
}

/// The table that is written.
struct Table<'a, W: Write> {
    writer: csv::Writer<W>,
    run: String,
    planned: HashMap<&'a CombinationId, &'a Combination>,
    /// The axes of the plan: name, and whether some of its values are units.
    axes: Vec<(&'a str, bool)>,
}

impl<'a, W: Write> Table<'a, W> {
    fn new(run: &str, plan: &'a Plan, sink: W) -> io::Result<Self> {
        let all = || plan.combinations.iter().flat_map(|c| &c.axes);
        let units: BTreeSet<&str> =
            all().filter(|(_, value)| matches!(value, AxisValue::Unit { .. })).map(|(axis, _)| &**axis).collect();
        let names: BTreeSet<&str> = all().map(|(axis, _)| &**axis).collect();
        let axes: Vec<(&str, bool)> = names.into_iter().map(|axis| (axis, units.contains(axis))).collect();
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(sink);
        let mut names: Vec<String> = COLUMNS.map(str::to_owned).into();
        for (axis, is_unit) in &axes {
            names.push(text(&format!("axis.{axis}")));
            if *is_unit {
                names.push(text(&format!("device.{axis}")));
                names.push(text(&format!("firmware.{axis}")));
            }
        }
        writer.write_record(&names).map_err(own)?;
        let planned = plan.combinations.iter().map(|c| (&c.id, c)).collect();
        Ok(Self { writer, run: text(run), planned, axes })
    }

    fn rows(
        &mut self,
        (id, trial, attempt): &(CombinationId, u32, u32),
        outcome: &str,
        rows: &[Row],
    ) -> io::Result<()> {
        let planned = self.planned.get(id).copied();
        // Without a plan the id tells it.
        let scenario = planned.map_or_else(|| id.as_str().split('/').next().unwrap_or_default(), |c| &c.scenario);
        let condition = planned.and_then(|c| c.condition.as_deref()).unwrap_or_default();
        let [scenario, condition, id] = [scenario, condition, id.as_str()].map(text);
        for row in rows {
            let (trial, attempt) = (trial.to_string(), attempt.to_string());
            let place = [&self.run, &scenario, &id, &condition, &trial, &attempt].map(String::as_str);
            for cell in place.into_iter().chain([outcome]).chain(row.cells()) {
                self.writer.write_field(cell).map_err(own)?;
            }
            for (axis, is_unit) in &self.axes {
                let value = planned.and_then(|c| c.axis(axis));
                self.writer.write_field(text(value.map_or("", AxisValue::text))).map_err(own)?;
                if *is_unit {
                    let (device, firmware) = match value {
                        Some(AxisValue::Unit { device, firmware, .. }) => (&**device, &**firmware),
                        _ => ("", ""),
                    };
                    self.writer.write_field(text(device)).map_err(own)?;
                    self.writer.write_field(text(firmware)).map_err(own)?;
                }
            }
            self.writer.write_record(None::<&[u8]>).map_err(own)?;
        }
        Ok(())
    }
}

/// The operating system's own error: the crate's conversion hides its kind, and with it that a reader only went away.
fn own(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}
