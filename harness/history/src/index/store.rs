//! Putting a run into the index.

use std::{collections::HashMap, os::unix::ffi::OsStrExt as _, path::Path};

use rigtone_model::{
    plan::Combination,
    verdict::{CombinationVerdict, ExpectationVerdict, Verdict},
};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;

use crate::take::Taken;

/// Puts runs in, and remembers by which number each text goes.
#[derive(Default)]
pub(super) struct Store {
    subjects: HashMap<String, i64>,
    questions: HashMap<(String, String), i64>,
    documents: HashMap<String, i64>,
    /// Of which version of the database those numbers are, but for what was put in here.
    version: Option<i64>,
}

/// What makes a combination what it is, beside its id.
#[derive(Serialize)]
struct Planned<'a> {
    id: &'a str,
    scenario: &'a str,
    axes: &'a [(std::sync::Arc<str>, rigtone_model::plan::AxisValue)],
    condition: Option<&'a str>,
}

impl Store {
    /// Puts a run in, in place of what was known of its directory.
    pub(super) fn put(
        &mut self,
        into: &Connection,
        directory: &Path,
        state: &str,
        taken: &Taken,
    ) -> rusqlite::Result<()> {
        // Another command may have taken texts out, or made the tables anew. What this one does leaves the number as it is.
        let version = into.pragma_query_value(None, "data_version", |row| row.get(0))?;
        if self.version != Some(version) {
            *self = Self { version: Some(version), ..Self::default() };
        }
        let directory = directory.as_os_str().as_bytes();
        forget(into, directory)?;
        into.prepare_cached("INSERT INTO run VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(params![
            directory,
            state,
            taken.id,
            taken.rig,
            taken.kind.word(),
            taken.unix_s,
            taken.rigtone,
            taken.interrupted,
            taken.exit_code,
            json(&taken.parts),
        ])?;
        let run = into.last_insert_rowid();
        for (scenario, document) in &taken.scenarios {
            let document = self.document(into, document.get())?;
            // A plan that somebody wrote may name a scenario twice.
            let row = "INSERT OR REPLACE INTO scenario VALUES (?, ?, ?)";
            into.prepare_cached(row)?.execute(params![run, scenario, document])?;
        }
        for (planned, verdict) in &taken.combinations {
            let subject = self.subject(into, planned)?;
            put_verdict(into, subject, run, verdict)?;
            let mut place = 0;
            for answer in &verdict.expectations {
                self.put_answer(into, (subject, run), &mut place, false, answer)?;
            }
        }
        Ok(())
    }

    fn subject(&mut self, into: &Connection, planned: &Combination) -> rusqlite::Result<i64> {
        let text = json(&Planned {
            id: planned.id.as_str(),
            scenario: &planned.scenario,
            axes: &planned.axes,
            condition: planned.condition.as_deref(),
        });
        if let Some(number) = self.subjects.get(&text) {
            return Ok(*number);
        }
        let known = into.prepare_cached("SELECT subject FROM subject WHERE planned = ?")?;
        let number = number_of(known, into, "INSERT INTO subject VALUES (NULL, ?)", params![text])?;
        self.subjects.insert(text, number);
        Ok(number)
    }

    fn document(&mut self, into: &Connection, text: &str) -> rusqlite::Result<i64> {
        if let Some(number) = self.documents.get(text) {
            return Ok(*number);
        }
        let known = into.prepare_cached("SELECT document FROM document WHERE text = ?")?;
        let number = number_of(known, into, "INSERT INTO document VALUES (NULL, ?)", params![text])?;
        self.documents.insert(text.to_owned(), number);
        Ok(number)
    }

    fn question(&mut self, into: &Connection, answer: &ExpectationVerdict) -> rusqlite::Result<i64> {
        let key = (answer.expected.clone(), answer.unit.clone());
        if let Some(number) = self.questions.get(&key) {
            return Ok(*number);
        }
        let known = into.prepare_cached("SELECT question FROM question WHERE expected = ? AND unit = ?")?;
        let number = number_of(known, into, "INSERT INTO question VALUES (NULL, ?, ?)", params![key.0, key.1])?;
        self.questions.insert(key, number);
        Ok(number)
    }

    fn put_answer(
        &mut self,
        into: &Connection,
        (subject, run): (i64, i64),
        place: &mut i64,
        part: bool,
        answer: &ExpectationVerdict,
    ) -> rusqlite::Result<()> {
        let question = self.question(into, answer)?;
        let row = "INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        into.prepare_cached(row)?.execute(params![
            subject,
            run,
            *place,
            question,
            part,
            answer.gating,
            answer.verdict.word(),
            answer.n,
            answer.held,
            answer.ambiguous,
            answer.estimate,
            answer.interval.and_then(|interval| interval.low),
            answer.interval.and_then(|interval| interval.high),
            answer.interval.map(|interval| interval.confidence),
        ])?;
        *place += 1;
        for one in &answer.parts {
            self.put_answer(into, (subject, run), place, true, one)?;
        }
        Ok(())
    }
}

fn put_verdict(into: &Connection, subject: i64, run: i64, verdict: &CombinationVerdict) -> rusqlite::Result<()> {
    let reason = match &verdict.verdict {
        Verdict::Skipped(reason) => Some(reason.as_str()),
        _ => None,
    };
    into.prepare_cached("INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?)")?.execute(params![
        subject,
        run,
        verdict.verdict.word(),
        reason,
        verdict.lost,
        verdict.quarantined.as_ref().map(|entry| &entry.reason),
    ])?;
    Ok(())
}

/// The number of a row that is there, or of a new one.
fn number_of(
    mut known: rusqlite::CachedStatement<'_>,
    into: &Connection,
    new: &str,
    values: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<i64> {
    if let Some(number) = known.query_row(values, |row| row.get(0)).optional()? {
        return Ok(number);
    }
    into.prepare_cached(new)?.execute(values)?;
    Ok(into.last_insert_rowid())
}

/// Takes a run out; tells whether it was there. Texts that only it had stay until [`tidy`].
pub(super) fn forget(from: &Connection, directory: &[u8]) -> rusqlite::Result<bool> {
    let mut number = from.prepare_cached("SELECT run FROM run WHERE directory = ?")?;
    let Some(run) = number.query_row([directory], |row| row.get::<_, i64>(0)).optional()? else { return Ok(false) };
    let answers = "DELETE FROM answer WHERE run = ?1 AND subject IN (SELECT subject FROM verdict WHERE run = ?1)";
    let rest = ["scenario", "verdict", "run"].map(|table| format!("DELETE FROM {table} WHERE run = ?1"));
    from.prepare_cached(answers)?.execute([run])?;
    for row in &rest {
        from.prepare_cached(row)?.execute([run])?;
    }
    Ok(true)
}

/// Takes out texts that no run has any more.
pub(super) fn tidy(from: &Connection) -> rusqlite::Result<()> {
    from.execute_batch(
        "DELETE FROM subject WHERE NOT EXISTS (SELECT 1 FROM verdict WHERE verdict.subject = subject.subject);
         DELETE FROM question WHERE question NOT IN (SELECT question FROM answer);
         DELETE FROM document WHERE document NOT IN (SELECT document FROM scenario);",
    )
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and lists of them have a form in JSON")
}
