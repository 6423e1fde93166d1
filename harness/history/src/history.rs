//! What the history says: for people's scripts as JSON, and what text and page are made of.

use std::collections::BTreeMap;

use rigtone_model::schema::sorted;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;

use crate::{Kind, word::Word};

/// Many runs together.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct History {
    /// Version of this format: `major.minor`.
    pub schema: String,
    /// When it was asked for, in seconds since 1970: ages count from here.
    pub at_unix_s: i64,
    /// From which age on evidence is stale, in seconds.
    pub stale_after_s: i64,
    /// Only runs that began at this time or later were looked at, in seconds since 1970: `proven` and streaks are of those alone.
    pub since_unix_s: Option<i64>,
    /// The runs, by time.
    pub runs: Vec<RunLine>,
    /// What is not in it, and why.
    pub skipped: Vec<Skipped>,
    /// What became of each combination, by kind of rig, scenario and id.
    pub combinations: Vec<Line>,
    /// The newest evidence of each point of the matrix, for each scenario and kind of rig.
    pub matrices: Vec<Matrix>,
    /// Devices with several firmware versions, everything else alike.
    pub firmware: Vec<Firmware>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunLine {
    /// Its id.
    pub id: String,
    /// Its directory.
    pub directory: String,
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

/// A directory that is not in the history.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Skipped {
    /// The directory.
    pub directory: String,
    /// Why not.
    pub why: String,
}

/// A combination on a kind of rig.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Line {
    /// What the rig is made of.
    pub kind: Kind,
    /// The combination.
    pub id: String,
    /// The scenario.
    pub scenario: String,
    /// Its axes.
    pub axes: BTreeMap<String, Axis>,
    /// The condition, in a scenario that compares some.
    pub condition: Option<String>,
    /// Runs that had it in their plan.
    pub planned: usize,
    /// Runs that gave an answer: pass, fail or inconclusive.
    pub answered: usize,
    /// Trials lost to the rig, in all runs.
    pub lost: u64,
    /// The newest answer.
    pub last: Option<Evidence>,
    /// The newest try, where it gave no answer and is newer than the newest answer.
    pub tried: Option<Evidence>,
    /// The newest pass, on any rig of the kind.
    pub proven: Option<When>,
    /// How long it has answered the same, on any rig of the kind.
    pub streak: Option<Streak>,
    /// What each expectation came to, run by run.
    pub series: Vec<Series>,
}

/// A place on an axis.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Axis {
    /// The unit, the microphone or the value.
    pub name: String,
    /// The device of a unit.
    pub device: Option<String>,
    /// The firmware of a unit.
    pub firmware: Option<String>,
}

/// What a run said of a combination.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Evidence {
    /// The verdict.
    pub verdict: Word,
    /// Why it was skipped.
    pub reason: Option<String>,
    /// Why it was in quarantine.
    pub quarantined: Option<String>,
    /// When, and in which run.
    pub when: When,
}

/// A run, and how long ago it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct When {
    /// The place of the run in `runs`.
    pub run: usize,
    /// How long ago it began, in seconds.
    pub age_s: i64,
}

/// Equal answers, one after the other, up to the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Streak {
    /// The answer.
    pub verdict: Word,
    /// In so many runs. Runs without an answer are passed over.
    pub runs: usize,
}

/// An expectation of a combination, run by run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Series {
    /// What was expected, in words. Other words, such as another limit, are another series.
    pub expected: String,
    /// Whether it is a part of another expectation.
    pub part: bool,
    /// Whether it decides the combination.
    pub gating: bool,
    /// Whether the newest answer of the combination has it.
    pub current: bool,
    /// The unit of the estimates; that of a rate is `%`.
    pub unit: String,
    /// Whether the estimates are the rate in which it held.
    pub rate: bool,
    /// Its answers, by time.
    pub points: Vec<Point>,
    /// Where the rate in which it held has changed on a rig; between two rigs no change is looked for.
    pub changes: Vec<Changed>,
}

/// What an expectation came to in a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Point {
    /// The place of the run in `runs`.
    pub run: usize,
    /// The verdict.
    pub verdict: Word,
    /// Trials that counted.
    pub n: u32,
    /// Of these, those in which it held.
    pub held: u32,
    /// Of these, those that do not tell.
    pub ambiguous: u32,
    /// The estimate.
    pub estimate: Option<f64>,
    /// The lower end of its interval; absent when unbounded.
    pub low: Option<f64>,
    /// The upper end of its interval; absent when unbounded.
    pub high: Option<f64>,
    /// The confidence of the interval, a fraction.
    pub confidence: Option<f64>,
}

/// A place at which a rate has changed on a rig, which is that of `run`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Changed {
    /// The place in `runs` of the first run with the new rate.
    pub run: usize,
    /// The place of its point in `points`.
    pub point: usize,
    /// All runs of the rig since the change before, together.
    pub before: Rate,
    /// All runs of the rig until the change after, together.
    pub after: Rate,
    /// Probability of such a difference by chance, times the places that were searched: Fisher's exact test with Bonferroni's correction.
    pub p: f64,
}

/// Trials of several runs together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Rate {
    /// In how many it held.
    pub held: u64,
    /// Trials.
    pub n: u64,
    /// The rate, in %.
    pub estimate: f64,
    /// The lower end of its exact interval (Clopper and Pearson), in %.
    pub low: f64,
    /// The upper end, in %.
    pub high: f64,
    /// The confidence of the interval, a fraction: that of the expectation, and 0.95 where no verdict tells it.
    pub confidence: f64,
}

/// The newest evidence of each point of a scenario's matrix.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Matrix {
    /// What the rig is made of.
    pub kind: Kind,
    /// The scenario.
    pub scenario: String,
    /// What it shows, in words.
    pub title: Option<String>,
    /// The axis of the rows.
    pub row_axis: Option<String>,
    /// The axis of the columns.
    pub column_axis: Option<String>,
    /// The rows.
    pub rows: Vec<Head>,
    /// The columns.
    pub columns: Vec<Head>,
    /// Row by row, in each row column by column: every point of all axes that any plan has named.
    pub cells: Vec<Cell>,
}

/// A row or a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Head {
    /// The device, or the value.
    pub name: String,
    /// The firmware.
    pub firmware: Option<String>,
}

/// How much the evidence of a point is worth today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// There is some that is not stale.
    Fresh,
    /// There was some, long ago.
    Stale,
    /// It was planned, and no run gave an answer.
    Unanswered,
    /// No plan had it.
    NeverPlanned,
}

/// A point of the matrix.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Cell {
    /// The row.
    pub row: usize,
    /// The column.
    pub column: usize,
    /// The other axes and the condition, such as `codec=aac`; empty where there are none.
    pub others: String,
    /// How much its evidence is worth.
    pub state: State,
    /// The combination with the newest evidence: what is shown is of it.
    pub id: Option<String>,
    /// Where the point has several units: those of that combination, such as `source phone-2, speaker box-1`.
    pub units: Option<String>,
    /// How many combinations it stands for: each unit of its devices makes another one.
    pub combinations: usize,
    /// How many of them have which newest answer, the worst first. Those without an answer are in none.
    pub answers: Vec<Tally>,
    /// The newest answer.
    pub last: Option<Evidence>,
    /// Of the gating expectations the one that stood worst, in words: estimate, interval, n.
    pub figure: Option<String>,
    /// The newest try, where it gave no answer.
    pub tried: Option<Evidence>,
    /// Where it does not pass today: the newest pass of the same devices, and with which other firmware or unit, such as
    /// `4 days ago on speaker firmware 2.1`.
    pub proven: Option<String>,
}

/// Combinations with one newest answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tally {
    /// The answer.
    pub verdict: Word,
    /// How many have it.
    pub combinations: usize,
}

/// A device with several firmware versions, everything else alike.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Firmware {
    /// What the rig is made of.
    pub kind: Kind,
    /// The scenario.
    pub scenario: String,
    /// The axis of the unit.
    pub axis: String,
    /// The device.
    pub device: String,
    /// The other axes and the condition.
    pub others: String,
    /// What was expected.
    pub expected: String,
    /// Its firmware versions, by the time of their first run.
    pub versions: Vec<Version>,
}

/// A firmware version in all runs that had it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Version {
    /// The firmware.
    pub firmware: String,
    /// Runs that gave an answer.
    pub runs: usize,
    /// The place of the first of them in `runs`.
    pub first_run: usize,
    /// The place of the last of them.
    pub last_run: usize,
    /// The rigs of these runs. Where those of two versions differ, so may their rates.
    pub rigs: Vec<String>,
    /// In how many trials it held.
    pub rate: Rate,
    /// Where its rate has changed, by time: before and after are in `rate` together.
    pub changed: Vec<Within>,
    /// Probability by chance of such a difference to the version before: Fisher's exact test on two sides.
    pub p: Option<f64>,
}

/// A change of the rate within a firmware version.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Within {
    /// The combination whose rate has changed.
    pub id: String,
    /// The place in `runs` of the first run with the new rate.
    pub run: usize,
    /// The rate before.
    pub before: Rate,
    /// The rate after.
    pub after: Rate,
}

impl History {
    /// The version this build writes.
    pub const SCHEMA: &'static str = "1.1";

    /// Its JSON Schema (draft 2020-12), its keys in alphabetical order.
    pub fn json_schema() -> serde_json::Value {
        let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        sorted(generator.into_root_schema_for::<Self>().to_value())
    }
}
