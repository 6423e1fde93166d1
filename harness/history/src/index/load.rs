//! Reading the index.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ffi::OsString,
    os::unix::ffi::OsStringExt as _,
    path::PathBuf,
    sync::Arc,
};

use rigtone_model::{
    document::Scenario,
    id::CombinationId,
    plan::{AxisValue, Combination},
};
use rusqlite::{Connection, Row, types::ValueRef};
use serde::Deserialize;

use crate::{Filter, Kind, word::Word};

/// A run of the index.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// Its directory.
    pub directory: PathBuf,
    /// The rig's id.
    pub rig: String,
    /// What the rig is made of.
    pub kind: Kind,
    /// When it began, in seconds since 1970.
    pub unix_s: i64,
    /// The version of Rigtone that ran it.
    pub rigtone: String,
    /// What ended it before its plan was done.
    pub interrupted: Option<String>,
    /// The exit code that its verdicts have.
    pub exit_code: u8,
}

/// A combination on a kind of rig, with all its runs.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The combination as it was planned; resources and times are not in the index.
    pub planned: Combination,
    /// What became of it, by time.
    pub entries: Vec<Entry>,
}

/// What became of a combination in a run.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The place of the run in [`Loaded::runs`].
    pub run: usize,
    /// The verdict.
    pub verdict: Word,
    /// Why it was skipped.
    pub reason: Option<Box<str>>,
    /// Trials lost to the rig.
    pub lost: u32,
    /// Why it was in quarantine.
    pub quarantined: Option<Box<str>>,
    /// The answers of its expectations and of their parts, in their order.
    pub answers: Vec<Answer>,
}

/// What an expectation came to in a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// What was asked: a place in [`Loaded::questions`].
    pub question: usize,
    /// Whether it is a part of the expectation before it.
    pub part: bool,
    /// Whether it decides the combination.
    pub gating: bool,
    /// The verdict.
    pub verdict: Word,
    /// Trials that counted.
    pub n: u32,
    /// Of these, those in which it held.
    pub held: u32,
    /// Of these, those that do not tell.
    pub ambiguous: u32,
    /// The estimate, in the unit of the question.
    pub estimate: Option<f64>,
    /// The lower end of its interval.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// The confidence of the interval, a fraction.
    pub confidence: Option<f64>,
}

/// A part of the index.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The runs, by time.
    pub runs: Vec<Run>,
    /// The combinations, by kind of rig, scenario and id.
    pub subjects: BTreeMap<(Kind, CombinationId), Subject>,
    /// What was expected, and the unit of its estimate.
    pub questions: Vec<(String, String)>,
    /// The newest documents of the scenarios.
    pub scenarios: Vec<Scenario>,
    /// Runs that are left out because another one holds the same trials, and which.
    pub doubled: Vec<(PathBuf, String)>,
    /// Only runs that began at this time or later are in it.
    pub since_unix_s: Option<i64>,
}

#[derive(Deserialize)]
struct Planned {
    id: String,
    scenario: Arc<str>,
    axes: Vec<(Arc<str>, AxisValue)>,
    condition: Option<Arc<str>>,
}

impl From<Planned> for Combination {
    fn from(planned: Planned) -> Self {
        Self {
            id: planned.id.as_str().into(),
            scenario: planned.scenario,
            axes: planned.axes,
            condition: planned.condition,
            group: 0,
            resources: Arc::default(),
            relies_on: Arc::default(),
            trial_ns: 0,
            skipped: None,
        }
    }
}

/// Reads what is known of these runs.
pub(super) fn load(from: &Connection, wanted: &BTreeSet<PathBuf>, filter: &Filter) -> rusqlite::Result<Loaded> {
    // One transaction: what another command writes meanwhile is seen whole or not at all.
    let from = from.unchecked_transaction()?;
    let Runs { runs, places, by_time, doubled } = runs(&from, wanted, filter)?;
    let scenarios = scenarios(&from, &by_time)?;
    let (questions, question_places) = questions(&from)?;
    let planned = chosen(&from, filter, &scenarios)?;
    let since_unix_s = filter.since_unix_s;
    let mut loaded = Loaded { runs, questions, scenarios, doubled, since_unix_s, subjects: BTreeMap::new() };
    let mut entries = from.prepare("SELECT run, verdict, reason, lost, quarantined FROM verdict WHERE subject = ?")?;
    let mut answers = from.prepare(
        "SELECT run, question, part, gating, verdict, n, held, ambiguous, estimate, low, high, confidence
         FROM answer WHERE subject = ? ORDER BY run, place",
    )?;
    for (number, planned) in planned {
        let mut of_run: HashMap<i64, Entry> = HashMap::new();
        let mut rows = entries.query([number])?;
        while let Some(row) = rows.next()? {
            let run = row.get(0)?;
            if let Some(place) = places.get(&run) {
                of_run.insert(run, entry(row, *place)?);
            }
        }
        let mut rows = answers.query([number])?;
        while let Some(row) = rows.next()? {
            if let Some(entry) = of_run.get_mut(&row.get(0)?) {
                let question = question_places.get(&row.get(1)?).copied().unwrap_or_default();
                entry.answers.push(answer(row, question)?);
            }
        }
        for entry in of_run.into_values() {
            let key = (loaded.runs[entry.run].kind, planned.id.clone());
            let subject = loaded.subjects.entry(key);
            subject.or_insert_with(|| Subject { planned: planned.clone(), entries: Vec::new() }).entries.push(entry);
        }
    }
    for subject in loaded.subjects.values_mut() {
        subject.entries.sort_by_key(|entry| entry.run);
    }
    Ok(loaded)
}

/// The runs that were asked for.
struct Runs {
    runs: Vec<Run>,
    /// The place of each in `runs`, by its number.
    places: HashMap<i64, usize>,
    /// The numbers of all of them, also of those that are left out, with their places by time.
    by_time: HashMap<i64, usize>,
    doubled: Vec<(PathBuf, String)>,
}

fn runs(from: &Connection, wanted: &BTreeSet<PathBuf>, filter: &Filter) -> rusqlite::Result<Runs> {
    let mut all = from.prepare(
        "SELECT run, directory, id, rig, kind, unix_s, rigtone, interrupted, exit_code, parts
         FROM run ORDER BY unix_s, id, directory",
    )?;
    let rows = all.query_map([], |row| {
        let directory: Vec<u8> = row.get(1)?;
        let run = Run {
            id: row.get(2)?,
            directory: PathBuf::from(OsString::from_vec(directory)),
            rig: row.get(3)?,
            kind: Kind::named(&row.get::<_, String>(4)?).unwrap_or(Kind::Unknown),
            unix_s: row.get(5)?,
            rigtone: row.get(6)?,
            interrupted: row.get(7)?,
            exit_code: row.get(8)?,
        };
        Ok((row.get::<_, i64>(0)?, run, row.get::<_, String>(9)?))
    })?;
    let mut found: Vec<(i64, Run, String)> = rows.collect::<rusqlite::Result<_>>()?;
    found.retain(|(_, run, _)| wanted.contains(&run.directory));
    let by_time = found.iter().enumerate().map(|(place, (number, ..))| (*number, place)).collect();
    let merged = merged(&found);
    let (mut runs, mut places, mut doubled, mut seen) = (Vec::new(), HashMap::new(), Vec::new(), HashSet::new());
    for (number, run, parts) in found {
        let elsewhere = |part: &String| merged.get(part).filter(|whole| **whole != run.id);
        if let Some(whole) = elsewhere(&run.id) {
            doubled.push((run.directory, format!("its trials are in the merged run `{whole}`")));
        } else if let Some(whole) = self::parts(&parts).iter().find_map(elsewhere) {
            doubled.push((run.directory, format!("some of its trials are in the merged run `{whole}` too")));
        } else if !seen.insert(run.id.clone()) {
            doubled.push((run.directory, format!("it is a copy of the run `{}`", run.id)));
        } else if filter.since_unix_s.is_none_or(|since| run.unix_s >= since) {
            places.insert(number, runs.len());
            runs.push(run);
        }
    }
    Ok(Runs { runs, places, by_time, doubled })
}

/// The documents of the scenarios, each as the newest of these runs had it.
fn scenarios(from: &Connection, by_time: &HashMap<i64, usize>) -> rusqlite::Result<Vec<Scenario>> {
    let mut all = from.prepare("SELECT scenario, run, document FROM scenario")?;
    let mut rows = all.query([])?;
    let mut newest: BTreeMap<String, (usize, i64)> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let Some(place) = by_time.get(&row.get::<_, i64>(1)?) else { continue };
        let this = (*place, row.get::<_, i64>(2)?);
        newest.entry(row.get(0)?).and_modify(|other| *other = this.max(*other)).or_insert(this);
    }
    let mut document = from.prepare("SELECT text FROM document WHERE document = ?")?;
    let mut scenarios = Vec::with_capacity(newest.len());
    for (_, number) in newest.into_values() {
        let text: String = document.query_row([number], |row| row.get(0))?;
        // One that this version cannot read has no tags and claims to select by; its combinations are there all the same.
        scenarios.extend(serde_json::from_str::<Scenario>(&text).ok());
    }
    Ok(scenarios)
}

/// The merged run that holds the trials of a run, by the id of the latter. Of several that share a part the one of most parts is it.
fn merged(found: &[(i64, Run, String)]) -> HashMap<String, String> {
    let mut wholes: Vec<(&Run, Vec<String>)> = found.iter().map(|(_, run, text)| (run, parts(text))).collect();
    wholes.sort_by_key(|(_, parts)| Reverse(parts.len()));
    let mut merged = HashMap::new();
    for (run, parts) in wholes {
        if parts.iter().all(|part| !merged.contains_key(part)) {
            merged.extend(parts.into_iter().map(|part| (part, run.id.clone())));
        }
    }
    merged
}

/// The ids in a row's `parts`.
fn parts(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}

/// What was expected with its unit, and the place of each by its number.
type Questions = (Vec<(String, String)>, HashMap<i64, usize>);

fn questions(from: &Connection) -> rusqlite::Result<Questions> {
    let mut all = from.prepare("SELECT question, expected, unit FROM question ORDER BY expected, unit")?;
    let (mut questions, mut places) = (Vec::new(), HashMap::new());
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        places.insert(row.get(0)?, questions.len());
        questions.push((row.get(1)?, row.get(2)?));
    }
    Ok((questions, places))
}

/// The combinations that the filter lets through, with their numbers. Numbers tell in which order runs came, and that decides nothing.
fn chosen(from: &Connection, filter: &Filter, scenarios: &[Scenario]) -> rusqlite::Result<Vec<(i64, Combination)>> {
    let mut all = from.prepare("SELECT subject, planned FROM subject ORDER BY planned")?;
    let rows = all.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    let mut chosen = Vec::new();
    for row in rows {
        let (number, text) = row?;
        let Ok(planned) = serde_json::from_str::<Planned>(&text) else { continue };
        let combination = Combination::from(planned);
        let scenario = scenarios.iter().find(|scenario| *scenario.scenario == *combination.scenario);
        let fits = match scenario {
            Some(scenario) => filter.select.iter().all(|selector| selector.matches(&combination, scenario)),
            None => filter.select.is_empty(),
        };
        if fits {
            chosen.push((number, combination));
        }
    }
    Ok(chosen)
}

fn entry(row: &Row<'_>, run: usize) -> rusqlite::Result<Entry> {
    Ok(Entry {
        run,
        verdict: word(row, 1)?,
        reason: row.get::<_, Option<String>>(2)?.map(Into::into),
        lost: row.get(3)?,
        quarantined: row.get::<_, Option<String>>(4)?.map(Into::into),
        answers: Vec::new(),
    })
}

fn answer(row: &Row<'_>, question: usize) -> rusqlite::Result<Answer> {
    Ok(Answer {
        question,
        part: row.get(2)?,
        gating: row.get(3)?,
        verdict: word(row, 4)?,
        n: row.get(5)?,
        held: row.get(6)?,
        ambiguous: row.get(7)?,
        estimate: row.get(8)?,
        low: row.get(9)?,
        high: row.get(10)?,
        confidence: row.get(11)?,
    })
}

/// Without a copy of the text: there are hundreds of thousands of them.
fn word(row: &Row<'_>, column: usize) -> rusqlite::Result<Word> {
    let bytes = match row.get_ref(column)? {
        ValueRef::Text(bytes) => bytes,
        _ => b"",
    };
    Ok(Word::named(bytes))
}
