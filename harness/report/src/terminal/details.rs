//! What is behind each combination that did not pass: failures first, for they are what people look for.

use std::{collections::HashMap, fmt::Write};

use rigtone_model::{
    id::CombinationId,
    plan::{AxisValue, Combination, Plan},
    verdict::{CombinationVerdict, ExpectationVerdict, RunVerdicts, Verdict},
};

use super::{View, paint, wrap};
use crate::{exit::GOES_ON, figure, sanitise::line};

const KEY: usize = 10;
/// Infrastructure faults and evidence files shown of each combination, and combinations of each fault.
const SHOWN: usize = 3;

pub(super) fn write(text: &mut String, verdicts: &RunVerdicts, plan: &Plan, view: &View<'_>) {
    let planned: HashMap<&CombinationId, &Combination> = plan.combinations.iter().map(|c| (&c.id, c)).collect();
    let planned = |combination: &CombinationVerdict| planned.get(&combination.id).copied();
    // The first words tell whose fault it is.
    for (verdict, what) in [(Verdict::Fail, "the product failed"), (Verdict::Inconclusive, "not decided")] {
        for combination in verdicts.combinations.iter().filter(|c| c.verdict == verdict) {
            one(text, what, combination, planned(combination), view);
        }
    }
    for (fault, combinations) in by_fault(verdicts) {
        match combinations[..] {
            [only] => one(text, RIG, only, planned(only), view),
            _ => several(text, fault, &combinations, view),
        }
    }
    ended_early(text, verdicts, view);
}

/// What is said of combinations that the rig lost.
const RIG: &str = "the rig failed";

/// A combination with all that is known of it.
fn one(
    text: &mut String,
    what: &str,
    combination: &CombinationVerdict,
    planned: Option<&Combination>,
    view: &View<'_>,
) {
    let _ = writeln!(text, "{}: {}", paint(&combination.verdict, what, view.colour), line(combination.id.as_str()));
    let mut facts = Facts { text, width: view.width };
    facts.units(planned);
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

/// The combinations that the rig lost, by what it said last, in the order of the plan.
fn by_fault(verdicts: &RunVerdicts) -> Vec<(&str, Vec<&CombinationVerdict>)> {
    let mut groups: Vec<(&str, Vec<&CombinationVerdict>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for combination in verdicts.combinations.iter().filter(|c| c.verdict == Verdict::InfraError) {
        let fault = combination.faults.last().map_or("nothing tells at what", String::as_str);
        let place = *places.entry(fault).or_insert_with(|| {
            groups.push((fault, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(combination);
    }
    groups
}

/// What the rig failed at, and where: a fault that costs a hundred combinations is one fault.
fn several(text: &mut String, fault: &str, combinations: &[&CombinationVerdict], view: &View<'_>) {
    let heading = paint(&Verdict::InfraError, RIG, view.colour);
    let _ = writeln!(text, "{heading}: {}", figure::count(combinations.len(), "combination"));
    let mut facts = Facts { text, width: view.width };
    facts.fact("rig", fault);
    for (at, combination) in combinations.iter().take(SHOWN).enumerate() {
        let key = if at == 0 { "such as" } else { "" };
        facts.whole(key, combination.id.as_str());
    }
    text.push('\n');
}

/// What has no answer for the run was ended, or is not that far: how many, and how to go on.
fn ended_early(text: &mut String, verdicts: &RunVerdicts, view: &View<'_>) {
    let open = verdicts.count(Verdict::Aborted.word());
    if open == 0 {
        return;
    }
    let (combinations, colour) = (figure::count(open, "combination"), view.colour);
    if verdicts.interrupted.as_deref() == Some(GOES_ON) {
        let _ = writeln!(text, "{}: {combinations}\n", paint(&Verdict::Aborted, "no answer yet", colour));
        return;
    }
    let _ = writeln!(text, "{}: {combinations}", paint(&Verdict::Aborted, "ended before an answer", colour));
    let mut facts = Facts { text, width: view.width };
    facts.whole("to go on", &format!("rigtone run --resume {}", view.directory.unwrap_or("RUN")));
    text.push('\n');
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

    /// A line that is there to be copied stays in one piece.
    fn whole(&mut self, key: &str, value: &str) {
        let _ = writeln!(self.text, "  {key:KEY$} {}", line(value));
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
            let path = directory.map_or_else(|| file.clone(), |d| format!("{}/{file}", d.trim_end_matches('/')));
            self.whole("evidence", &path);
        }
    }
}
