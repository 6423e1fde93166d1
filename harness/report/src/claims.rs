//! What runs say of the claims of the field. Only real devices confirm or refute one; what a simulated or a virtual rig shows stands
//! beside it, under its name.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use rigtone_model::{
    claim::CLAIMS,
    plan::Plan,
    rig_kind::RigKind,
    verdict::{CombinationVerdict, RunVerdicts, Verdict},
};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;

use crate::{figure, sanitise::line};

/// The version of the findings this build writes: `major.minor`.
pub const SCHEMA: &str = "1.0";
/// Combinations that the text shows of a claim and a kind of rig; all stand in the JSON.
const SHOWN: usize = 5;

/// A run whose verdicts count.
#[derive(Debug, Clone, Copy)]
pub struct OfRun<'a> {
    /// When it began, in seconds since 1970.
    pub unix_s: i64,
    /// What its rig was made of.
    pub kind: RigKind,
    /// Its plan.
    pub plan: &'a Plan,
    /// Its verdicts.
    pub verdicts: &'a RunVerdicts,
}

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every combination that was decided holds it.
    Confirmed,
    /// None of them holds it.
    Refuted,
    /// Some hold it and others do not: it depends on the devices.
    Differs,
    /// None was decided.
    CannotTell,
    /// No combination was run.
    NotTested,
}

impl Outcome {
    /// As people read it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Refuted => "refuted",
            Self::Differs => "holds for some devices",
            Self::CannotTell => "cannot tell",
            Self::NotTested => "not tested",
        }
    }

    fn of(held: usize, not: usize, undecided: usize) -> Self {
        match (held, not) {
            (0, 0) if undecided == 0 => Self::NotTested,
            (0, 0) => Self::CannotTell,
            (_, 0) => Self::Confirmed,
            (0, _) => Self::Refuted,
            _ => Self::Differs,
        }
    }
}

/// What runs say of all claims.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Findings {
    /// Version of this format: `major.minor`.
    pub schema: String,
    /// Every claim, in their usual order.
    pub claims: Vec<Finding>,
}

/// What runs say of a claim.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// The claim.
    pub claim: String,
    /// What is claimed.
    pub says: String,
    /// What real devices say.
    pub outcome: Outcome,
    /// What was found on each kind of rig that it was tried on.
    pub on: Vec<OnKind>,
}

/// What was found on rigs of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct OnKind {
    /// The kind of rig.
    pub kind: RigKind,
    /// What was found there.
    pub outcome: Outcome,
    /// The combinations, those that do not hold it first: of each the newest run that has it.
    pub combinations: Vec<Row>,
}

/// A combination that tests a claim.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    /// The combination.
    pub combination: String,
    /// The run.
    pub run: String,
    /// When that began, in seconds since 1970.
    pub unix_s: i64,
    /// `pass`, `fail` or another verdict.
    pub verdict: String,
    /// Trials that gave a result.
    pub n: u32,
    /// What was seen of each expectation, with unit, n and interval.
    pub seen: Vec<String>,
}

/// What these runs say of every claim. A combination in quarantine says nothing; one that was skipped was not run.
pub fn findings(runs: &[OfRun<'_>]) -> Findings {
    // Of each combination on each kind of rig the newest.
    let mut newest: BTreeMap<(&str, RigKind, &str), (i64, Row, &Verdict)> = BTreeMap::new();
    for run in runs {
        let planned: HashMap<_, _> = run.plan.combinations.iter().map(|c| (&c.id, c)).collect();
        for verdict in &run.verdicts.combinations {
            let skipped = matches!(verdict.verdict, Verdict::Skipped(_)) || verdict.quarantined.is_some();
            let scenario = planned.get(&verdict.id).and_then(|planned| run.plan.scenario(&planned.scenario));
            let Some(scenario) = scenario.filter(|_| !skipped) else { continue };
            for claim in &scenario.covers {
                let key = (claim.as_str(), run.kind, verdict.id.as_str());
                if newest.get(&key).is_none_or(|(known, ..)| *known <= run.unix_s) {
                    newest.insert(key, (run.unix_s, row(run, verdict), &verdict.verdict));
                }
            }
        }
    }
    let finding = |claim: &rigtone_model::claim::Claim| {
        let on: Vec<OnKind> = RigKind::ALL.into_iter().filter_map(|kind| on_kind(&newest, claim.id, kind)).collect();
        let real = on.iter().find(|on| on.kind == RigKind::Hardware);
        Finding {
            claim: claim.id.to_owned(),
            says: claim.says.to_owned(),
            outcome: real.map_or(Outcome::NotTested, |on| on.outcome),
            on,
        }
    };
    Findings { schema: SCHEMA.to_owned(), claims: CLAIMS.iter().map(finding).collect() }
}

fn on_kind(
    newest: &BTreeMap<(&str, RigKind, &str), (i64, Row, &Verdict)>,
    claim: &str,
    kind: RigKind,
) -> Option<OnKind> {
    let of_claim = newest
        .iter()
        .filter(|((of, on, _), _)| *of == claim && *on == kind)
        .map(|(_, (_, row, verdict))| (row, *verdict));
    let mut rows: Vec<(&Row, &Verdict)> = of_claim.collect();
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Fail => 0,
        Verdict::Pass => 2,
        _ => 1,
    };
    rows.sort_by_key(|(row, verdict)| (rank(verdict), row.combination.clone()));
    let count = |of: u8| rows.iter().filter(|(_, verdict)| rank(verdict) == of).count();
    let outcome = Outcome::of(count(2), count(0), count(1));
    (!rows.is_empty()).then(|| OnKind {
        kind,
        outcome,
        combinations: rows.iter().map(|(row, _)| (*row).clone()).collect(),
    })
}

fn row(run: &OfRun<'_>, verdict: &CombinationVerdict) -> Row {
    let seen = verdict.expectations.iter().map(|e| format!("{}: {} ({})", e.expected, e.seen, e.verdict));
    Row {
        combination: verdict.id.to_string(),
        run: run.verdicts.run.clone(),
        unix_s: run.unix_s,
        verdict: verdict.verdict.word().to_owned(),
        n: verdict.trials,
        seen: seen.collect(),
    }
}

/// The findings as text.
pub fn text(findings: &Findings) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for finding in &findings.claims {
        let _ = writeln!(text, "{:<23} {}: {}", finding.outcome.words(), finding.claim, finding.says);
        for on in &finding.on {
            let beside = if on.kind == RigKind::Hardware { "" } else { ", which proves nothing of a real device" };
            let n = figure::count(on.combinations.len(), "combination");
            let _ = writeln!(text, "  on a {} rig{beside}: {} ({n})", on.kind.word(), on.outcome.words());
            for row in on.combinations.iter().take(SHOWN) {
                let _ = writeln!(text, "    {:<12} {}, n = {}", row.verdict, line(&row.combination), row.n);
                for seen in &row.seen {
                    let _ = writeln!(text, "      {}", line(seen));
                }
            }
            if on.combinations.len() > SHOWN {
                let _ = writeln!(text, "    and {} more: `--json` has them", on.combinations.len() - SHOWN);
            }
        }
    }
    let counts = [Outcome::Confirmed, Outcome::Refuted, Outcome::Differs, Outcome::CannotTell, Outcome::NotTested]
        .map(|outcome| (findings.claims.iter().filter(|f| f.outcome == outcome).count(), outcome));
    let counts: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, outcome)| format!("{n} {}", outcome.words())).collect();
    let _ =
        writeln!(text, "\n{} by real devices: {}", figure::count(findings.claims.len(), "claim"), counts.join(", "));
    text
}

/// The JSON Schema of [`Findings`].
pub fn schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    rigtone_model::schema::sorted(settings.into_generator().into_root_schema_for::<Findings>().to_value())
}
