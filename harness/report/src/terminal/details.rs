//! What is behind each combination that did not pass.

use std::{collections::HashMap, fmt::Write};

use rigtone_model::{
    id::CombinationId,
    plan::{AxisValue, Combination, Plan},
    verdict::{CombinationVerdict, ExpectationVerdict, RunVerdicts, Verdict},
};

use super::{View, paint, wrap};
use crate::{figure, sanitise::line};

const KEY: usize = 10;
/// Infrastructure faults and evidence files shown of each combination.
const SHOWN: usize = 3;

pub(super) fn write(text: &mut String, verdicts: &RunVerdicts, plan: &Plan, view: &View<'_>) {
    let planned: HashMap<&CombinationId, &Combination> = plan.combinations.iter().map(|c| (&c.id, c)).collect();
    for combination in &verdicts.combinations {
        // The first words tell whose fault it is.
        let what = match combination.verdict {
            Verdict::Fail => "the product failed",
            Verdict::InfraError => "the rig failed",
            Verdict::Inconclusive => "not decided",
            Verdict::Aborted => "ended before an answer",
            Verdict::Pass | Verdict::Skipped(_) => continue,
        };
        let _ = writeln!(text, "{}: {}", paint(&combination.verdict, what, view.colour), line(combination.id.as_str()));
        let mut facts = Facts { text, width: view.width };
        facts.units(planned.get(&combination.id).copied());
        if let Some(known) = &combination.quarantined {
            let text = format!("until {}, {} looks after it: {}", known.expires, known.owner, known.reason);
            facts.fact("quarantine", &text);
        }
        for e in combination.expectations.iter().filter(|e| e.verdict != Verdict::Pass) {
            facts.expectation(e);
        }
        facts.combination(combination, view.directory);
        text.push('\n');
    }
}

struct Facts<'a> {
    text: &'a mut String,
    width: usize,
}

impl Facts<'_> {
    fn fact(&mut self, key: &str, value: &str) {
        let key = line(key);
        let column = key.chars().count().max(KEY);
        for (i, part) in wrap(&line(value), self.width.saturating_sub(column + 3).max(KEY)).iter().enumerate() {
            let key = if i == 0 { key.as_str() } else { "" };
            let _ = writeln!(self.text, "  {key:column$} {part}");
        }
    }

    fn units(&mut self, planned: Option<&Combination>) {
        for (axis, value) in planned.iter().flat_map(|p| &p.axes) {
            if let AxisValue::Unit { name, device, firmware } = value {
                self.fact(axis, &format!("{name} ({device}, firmware {firmware})"));
            }
        }
    }

    fn expectation(&mut self, e: &ExpectationVerdict) {
        let gating = if e.gating { "" } else { " (not gating)" };
        self.fact("expected", &format!("{}{gating}", e.expected));
        self.fact("seen", &e.seen);
        let mut n = format!("{}: held in {}, {} ambiguous", figure::count(e.n as usize, "trial"), e.held, e.ambiguous);
        if let Some(interval) = e.interval.and_then(|i| Some((figure::estimate(e)?, i.confidence * 100.0))) {
            let (estimate, confidence) = interval;
            n.push_str(&format!("; {estimate} at {} confidence", figure::quantity(confidence, "%")));
        }
        self.fact("n", &n);
        if let Some(why) = &e.unstable {
            self.fact("unstable", why);
        }
        if let Some(needed) = e.needed.filter(|_| e.verdict == Verdict::Inconclusive) {
            self.fact("needed", &format!("{} more in which it holds", figure::count(needed as usize, "trial")));
        }
    }

    fn combination(&mut self, combination: &CombinationVerdict, directory: Option<&str>) {
        if !combination.classes.is_empty() {
            let classes: Vec<String> = combination.classes.iter().map(|(class, n)| format!("{class} {n}")).collect();
            self.fact("failures", &classes.join(", "));
        }
        if combination.lost > 0 {
            let given = combination.trials;
            self.fact(
                "lost",
                &format!("{} to the rig; {given} gave a result", figure::count(combination.lost as usize, "trial")),
            );
        }
        for fault in combination.faults.iter().rev().take(SHOWN) {
            self.fact("rig", fault);
        }
        for file in combination.evidence.iter().take(SHOWN) {
            // A path stays in one piece: it is there to be copied.
            let path = directory.map_or_else(|| file.clone(), |d| format!("{}/{file}", d.trim_end_matches('/')));
            let _ = writeln!(self.text, "  {:KEY$} {}", "evidence", line(&path));
        }
    }
}
