//! One combination: what was expected and seen, how it is distributed, how it failed.

use rigtone_html::Markup;
use rigtone_model::{
    document::Expectation,
    observation::Quantity,
    plan::AxisValue,
    quantity::{Duration, Level},
    verdict::{CombinationVerdict, ExpectationVerdict, Verdict},
};
use rigtone_report::{
    exercised,
    figure::{count, estimate, quantity, span},
};

use super::{
    Made,
    words::{ago, shown},
};
use crate::{
    digest::{Asked, Combined, Fate, Measured, Never, percentile},
    draw::{self, Distribution, Limit, Side, Span},
};

/// Times on the air, which are drawn together.
const ON_AIR: [Quantity; 8] = [
    Quantity::InquiryTime,
    Quantity::PageTime,
    Quantity::AuthenticationTime,
    Quantity::ColdStartTime,
    Quantity::SdpTime,
    Quantity::NegotiationTime,
    Quantity::SetUpTime,
    Quantity::FirstMediaTime,
];

/// The beginning of a combination's section; it has to be closed behind its trials by [`close`].
pub(crate) fn open(m: &mut Markup, at: usize, combined: &Combined) {
    let verdict = combined.verdict.as_ref();
    let shown = shown(verdict.map(|v| &v.verdict));
    let id = format!("c{at}");
    m.open(
        "details",
        &[
            ("class", &format!("combination {}", shown.class)),
            ("data-verdict", shown.word),
            ("data-scenario", &combined.planned.scenario),
        ],
    );
    m.open("summary", &[]);
    shown.write(m);
    m.text(" ").leaf(
        "span",
        &[("class", "name")],
        &format!("{}: {}", combined.planned.scenario, combined.planned.title()),
    );
    if let Some(verdict) = verdict.filter(|v| !v.classes.is_empty()) {
        let classes: Vec<String> = verdict.classes.iter().map(|(class, n)| format!("{class} {n}")).collect();
        m.leaf("span", &[("class", "small")], &format!(" {}", classes.join(", ")));
    }
    m.close("summary").open("div", &[("id", &id), ("class", "body"), ("tabindex", "-1")]);
}

pub(crate) fn close(m: &mut Markup) {
    m.ours("</div></details>");
}

/// What there is to say of a combination; with drawings if there is room for them.
pub(crate) fn body(m: &mut Markup, made: &Made<'_>, combined: &Combined, drawings: bool) {
    facts(m, made, combined);
    if let Some(verdict) = &combined.verdict {
        expectations(m, verdict);
        classes(m, verdict);
    }
    let tally = &combined.told.tally;
    if tally.fates.is_empty() {
        return;
    }
    if drawings {
        m.ours("<div class=\"charts\">");
        draw::fates(m, &tally.fates);
        charts(m, made, combined);
        m.ours("</div>");
        measured(m, &tally.measured);
    }
}

fn facts(m: &mut Markup, made: &Made<'_>, combined: &Combined) {
    m.open("dl", &[("class", "facts")]);
    let mut fact = |key: &str, value: &str| {
        m.open("div", &[]).leaf("dt", &[], key).leaf("dd", &[], value).close("div");
    };
    for (axis, value) in &combined.planned.axes {
        match value {
            AxisValue::Unit { name, device, firmware } => {
                fact(axis, &format!("{name} ({device}, firmware {firmware})"));
            }
            other => fact(axis, other.text()),
        }
    }
    if let Some(condition) = &combined.planned.condition {
        fact("condition", condition);
    }
    if let Some(plan) = &made.digest.plan {
        let exercised = exercised::of(&plan.plan, &combined.planned.scenario);
        if !exercised.is_empty() {
            fact(exercised::TITLE, &exercised.join(", "));
        }
    }
    if let Some(verdict) = &combined.verdict {
        if let Verdict::Skipped(reason) = &verdict.verdict {
            fact("skipped", reason);
        }
        if let Some(known) = &verdict.quarantined {
            fact("quarantine", &format!("until {}, {} looks after it: {}", known.expires, known.owner, known.reason));
        }
        let lost = if verdict.lost > 0 { format!(", {} lost to the rig", verdict.lost) } else { String::new() };
        fact("trials", &format!("{} with a result{lost}, in {}", verdict.trials, span(verdict.took_ns)));
        for fault in verdict.faults.iter().rev().take(3) {
            fact("rig", fault);
        }
    } else if let Some(reason) = &combined.planned.skipped {
        fact("skipped", reason);
    }
    if let Some(last) = made.last(combined) {
        m.open("div", &[]).leaf("dt", &[], "evidence").open("dd", &[]);
        ago(m, made.now, last);
        m.text(" old when this page was made").close("dd").close("div");
    }
    m.open("div", &[("class", "wide")]).leaf("dt", &[], "id").open("dd", &[]);
    m.leaf("code", &[], combined.planned.id.as_str()).close("dd").close("div").close("dl");
}

fn expectations(m: &mut Markup, verdict: &CombinationVerdict) {
    if verdict.expectations.is_empty() {
        return;
    }
    m.ours("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Expectations\"><table class=\"expectations\"><thead><tr>");
    for head in ["verdict", "expected", "seen", "estimate", "n"] {
        m.leaf("th", &[("scope", "col")], head);
    }
    m.ours("</tr></thead><tbody>");
    for e in &verdict.expectations {
        expectation(m, e, 0);
    }
    m.ours("</tbody></table></div>");
}

fn expectation(m: &mut Markup, e: &ExpectationVerdict, depth: usize) {
    m.open("tr", &[]).open("td", &[]);
    shown(Some(&e.verdict)).write(m);
    m.close("td").open("td", &[]);
    if depth > 0 {
        m.text("part: ");
    }
    m.text(&e.expected);
    if !e.gating {
        m.leaf("span", &[("class", "small")], " (not gating)");
    }
    m.close("td").open("td", &[]).text(&e.seen);
    if let Some(why) = &e.unstable {
        m.leaf("p", &[("class", "small")], &format!("Unstable: {why}"));
    }
    if let Some(needed) = e.needed.filter(|_| e.verdict == Verdict::Inconclusive) {
        let text = format!("{} more in which it holds would decide it.", count(needed as usize, "trial"));
        m.leaf("p", &[("class", "small")], &text);
    }
    if let Some(beside) = &e.beside {
        m.leaf("p", &[("class", "small")], &format!("Compared with {beside}"));
    }
    m.close("td").open("td", &[("class", "number")]).text(&estimate(e).unwrap_or_else(|| "–".to_owned()));
    if let Some(interval) = e.interval.filter(|_| e.estimate.is_some()) {
        m.leaf("span", &[("class", "small")], &format!(" at {}", quantity(interval.confidence * 100.0, "%")));
    }
    m.close("td").open("td", &[("class", "number")]).text(&e.n.to_string());
    m.leaf("span", &[("class", "small")], &format!(" held {}, untold {}", e.held, e.ambiguous)).close("td").close("tr");
    for part in e.parts.iter().filter(|_| depth < 4) {
        expectation(m, part, depth + 1);
    }
}

fn classes(m: &mut Markup, verdict: &CombinationVerdict) {
    if verdict.classes.is_empty() {
        return;
    }
    m.ours("<table class=\"classes\"><caption>Failure classes</caption><thead><tr>");
    for head in ["class", "trials", "share"] {
        m.leaf("th", &[("scope", "col")], head);
    }
    m.ours("</tr></thead><tbody>");
    for (class, n) in &verdict.classes {
        let share = f64::from(*n) / f64::from(verdict.trials.max(1));
        m.open("tr", &[]).leaf("th", &[("scope", "row")], class.as_str());
        m.leaf("td", &[("class", "number")], &format!("{n} of {}", verdict.trials)).open("td", &[]);
        let width = rigtone_html::coordinate(share.min(1.0) * 120.0);
        m.ours("<svg class=\"share\" width=\"120\" height=\"12\" aria-hidden=\"true\"><rect class=\"rest\" width=\"120\" height=\"12\"></rect>");
        m.open("rect", &[("class", "bar bad"), ("width", &width), ("height", "12")]).close("rect").ours("</svg> ");
        m.text(&quantity(share * 100.0, "%")).close("td").close("tr");
    }
    m.ours("</tbody></table>");
}

/// What a scenario sets limits to.
enum About<'a> {
    /// A quantity of a step, at a frequency where it has one.
    Quantity(&'a str, Quantity, Option<f64>),
    /// The time of a step, in seconds.
    Time(&'a str),
}

impl About<'_> {
    /// The limits below and above that an expectation sets to it, if it is about it.
    fn limits(&self, expectation: &Expectation<'_>) -> Option<(Option<f64>, Option<f64>)> {
        Some(match (expectation, self) {
            (Expectation::Latency(e), Self::Quantity(of, Quantity::Latency, _)) if e.step == *of => {
                (e.at_least.map(Duration::milliseconds), Some(e.at_most.milliseconds()))
            }
            (Expectation::Measured(e), Self::Quantity(of, q, _)) if e.step == *of && e.of.quantity() == *q => {
                e.limits()
            }
            (Expectation::Response(e), Self::Quantity(of, Quantity::Response, hz))
                if e.step == *of && *hz == Some(e.at.hertz()) =>
            {
                (e.at_least.map(Level::db), e.at_most.map(Level::db))
            }
            (Expectation::Duration(e), Self::Time(of)) if e.of == *of => {
                let s = |limit: Option<Duration>| limit.map(|l| l.milliseconds() / 1e3);
                (s(e.at_least), s(e.at_most))
            }
            _ => return None,
        })
    }
}

/// All limits that the combination is asked to keep, in their order, and in how many trials what they are about never came.
fn limits(made: &Made<'_>, combined: &Combined, about: &About<'_>) -> (Vec<Limit>, Never) {
    let (planned, tally) = (&combined.planned, &combined.told.tally);
    let (mut limits, mut never) = (Vec::new(), Never::default());
    let scenario = made.digest.plan.as_ref().and_then(|p| p.plan.scenario(&planned.scenario));
    let asked = scenario.map(|scenario| Asked::of(scenario, planned.condition.as_deref()));
    for (place, _, expectation) in asked.iter().flat_map(|asked| &asked.expectations) {
        for (part, leaf) in expectation.leaves().enumerate() {
            let Some((low, high)) = about.limits(&leaf) else { continue };
            let share = leaf.rate().filter(|_| !leaf.is_extreme()).map(|rate| rate.at_least);
            for (side, value) in [(Side::AtLeast, low), (Side::AtMost, high)] {
                let Some(value) = value else { continue };
                let limit = Limit { side, value, share };
                if !limits.contains(&limit) {
                    limits.push(limit);
                }
            }
            // Several limits of one quantity count the same trials.
            let of_leaf = tally.never.get(&(*place, part)).copied().unwrap_or_default();
            if of_leaf.count() > never.count() {
                never = of_leaf;
            }
        }
    }
    limits.sort_by(|a, b| a.value.total_cmp(&b.value));
    (limits, never)
}

fn charts(m: &mut Markup, made: &Made<'_>, combined: &Combined) {
    let tally = &combined.told.tally;
    for measured in &tally.measured {
        let about = About::Quantity(&measured.of, measured.quantity, measured.at_hz);
        let (limits, never) = limits(made, combined, &about);
        if limits.is_empty() && measured.quantity != Quantity::Latency {
            continue;
        }
        let sorted = measured.values.sorted();
        if sorted.is_empty() && limits.is_empty() {
            continue;
        }
        // Of several microphones the nearest is judged, which is the first.
        let alike = |other: &&Measured| {
            (other.quantity, &other.of, other.at_hz) == (measured.quantity, &measured.of, measured.at_hz)
        };
        let is_nearest = tally.measured.iter().find(alike).is_some_and(|nearest| nearest.at == measured.at);
        let title = title(measured);
        draw::distribution(
            m,
            &Distribution {
                title: &title,
                unit: &measured.values.unit,
                sorted: &sorted,
                limits: &limits,
                never: if is_nearest { never } else { Never::default() },
                untold: measured.values.untold,
                uncertainty: measured.values.uncertainty,
            },
        );
    }
    for step in &tally.steps {
        let (limits, never) = limits(made, combined, &About::Time(&step.label));
        if !limits.is_empty() {
            let title = format!("Time of {}", step.label);
            let sorted = step.took.sorted();
            draw::distribution(
                m,
                &Distribution {
                    title: &title,
                    unit: "s",
                    sorted: &sorted,
                    limits: &limits,
                    never,
                    untold: 0,
                    uncertainty: 0.0,
                },
            );
        }
        let several = step.attempts.keys().chain(step.in_vain.keys()).any(|tries| *tries > 1);
        if several {
            draw::attempts(m, &format!("Attempts at {}", step.label), &step.attempts, &step.in_vain);
        }
    }
    let times: Vec<Span> =
        tally.steps.iter().map(|s| Span { name: s.label.clone(), sorted: s.took.sorted(), failed: s.failed }).collect();
    if !times.is_empty() {
        draw::spans(m, "Time of each step", "s", &times);
    }
    let air = tally.measured.iter().filter(|m| ON_AIR.contains(&m.quantity) && !m.values.numbers.is_empty());
    let air: Vec<&Measured> = air.collect();
    if let Some(unit) = air.first().map(|m| &m.values.unit) {
        let of_unit = air.iter().filter(|m| m.values.unit == *unit);
        let spans: Vec<Span> = of_unit
            .map(|m| Span {
                name: format!("{} of {}", m.quantity.as_str(), m.of),
                sorted: m.values.sorted(),
                failed: 0,
            })
            .collect();
        draw::spans(m, "Phases on the air", unit, &spans);
    }
}

/// The frequency and the microphone that figures are about, where there are several.
fn place(measured: &Measured) -> String {
    let hz = measured.at_hz.map(|hz| format!(" at {}", quantity(hz, "Hz"))).unwrap_or_default();
    format!("{hz}{}", measured.at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default())
}

fn title(measured: &Measured) -> String {
    let at = place(measured);
    let name = measured.quantity.as_str().replace('-', " ");
    let mut letters = name.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}{at} of {}", letters.as_str(), measured.of)
}

/// Everything that was measured, as figures.
fn measured(m: &mut Markup, all: &[Measured]) {
    let with_numbers: Vec<&Measured> = all.iter().filter(|m| !m.values.numbers.is_empty()).collect();
    if with_numbers.is_empty() {
        return;
    }
    m.open("details", &[("class", "more")]);
    m.leaf("summary", &[], &format!("Everything that was measured ({})", with_numbers.len()));
    m.ours("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Measurements\"><table><thead><tr>");
    for head in ["quantity", "step", "n", "median", "smallest", "largest", "uncertainty"] {
        m.leaf("th", &[("scope", "col")], head);
    }
    m.ours("</tr></thead><tbody>");
    for measured in with_numbers {
        let values = &measured.values;
        let sorted = values.sorted();
        let figure = |share| percentile(&sorted, share).map(|v| quantity(v, &values.unit)).unwrap_or_default();
        let at = place(measured);
        m.open("tr", &[]).leaf("th", &[("scope", "row")], &format!("{}{at}", measured.quantity.as_str()));
        m.leaf("td", &[], &measured.of);
        let untold = if values.untold > 0 { format!(", {} not told", values.untold) } else { String::new() };
        m.leaf("td", &[("class", "number")], &format!("{}{untold}", sorted.len()));
        for share in [0.5, 0.0, 1.0] {
            m.leaf("td", &[("class", "number")], &figure(share));
        }
        let uncertainty = if values.uncertainty > 0.0 {
            format!("± {}", quantity(values.uncertainty, &values.unit))
        } else {
            "–".to_owned()
        };
        m.leaf("td", &[("class", "number")], &uncertainty).close("tr");
    }
    m.ours("</tbody></table></div>").close("details");
}

/// What is said of failed trials that are not shown one by one.
pub(crate) fn others(m: &mut Markup, combined: &Combined, shown: usize) {
    let failed = combined.told.tally.count(Fate::Failed);
    if failed > shown {
        let id = combined.planned.id.as_str();
        m.open("p", &[("class", "small")]);
        m.text(&format!("{} failed; ", count(failed - shown, "further trial")));
        m.leaf("code", &[], &format!("rigtone timeline RUN --combination '{id}' --trial N"))
            .text(" shows any of them.");
        m.close("p");
    }
}
