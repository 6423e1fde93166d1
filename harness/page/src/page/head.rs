//! What stands at the top: what run this is, how it ended, what is missing of it, and how its rig was.

use std::path::Path;

use rigtone_html::Markup;
use rigtone_model::{rig_kind::RigKind, verdict::Verdict};
use rigtone_report::{
    exit::{self, InconclusivePolicy},
    figure::{count, span},
};
use serde_json::Value as Json;

use super::words::{ago, date, shown, size, timestamp};
use crate::{
    digest::{Digest, Fate},
    shortcoming::Shortcoming,
};

/// Bytes of what is said of the rig: of its troubles, as many of its warnings, as many of its checks.
const NOTES: usize = 300_000;

/// Writes the beginning of the page's body.
pub(crate) fn summary(m: &mut Markup, digest: &Digest, policy: InconclusivePolicy) {
    let verdicts = digest.verdicts.as_ref();
    m.element("section", &[("aria-labelledby", "summary")], |m| {
        m.leaf("h2", &[("id", "summary")], "Result");
        if let Some(verdicts) = verdicts {
            let unfinished = digest.shortcomings.iter().any(|s| {
                matches!(s, Shortcoming::BeingWritten | Shortcoming::Unended | Shortcoming::Interrupted { .. })
            });
            let (code, why) = exit::of(verdicts, policy);
            m.open("p", &[("class", "result")]);
            if unfinished {
                m.leaf("strong", &[], "Not finished. ");
            }
            m.text(&format!("{why} (exit code {}).", code.number())).close("p");
        }
        counts(m, digest);
        if digest.kind != RigKind::Hardware {
            m.leaf("p", &[("class", "notice")], &sentence(digest.kind.heading()));
        }
        if digest.judged_now {
            m.leaf("p", &[("class", "small")], "The verdicts on this page were judged from the log when it was made.");
        }
    });
}

fn counts(m: &mut Markup, digest: &Digest) {
    let verdict = |c: &crate::digest::Combined| c.verdict.as_ref().map(|v| v.verdict.clone());
    let all: [Option<Verdict>; 7] = [
        Some(Verdict::Fail),
        Some(Verdict::InfraError),
        Some(Verdict::Inconclusive),
        Some(Verdict::Aborted),
        Some(Verdict::Pass),
        Some(Verdict::Skipped(String::new())),
        None,
    ];
    m.open("ul", &[("class", "counts")]);
    for of in all {
        let shown = shown(of.as_ref());
        let word = |v: Option<Verdict>| super::words::shown(v.as_ref()).word;
        let n = digest.combinations.iter().filter(|c| word(verdict(c)) == shown.word).count();
        if n > 0 {
            m.open("li", &[]);
            m.leaf("b", &[], &n.to_string()).text(" ");
            shown.write(m);
            m.close("li");
        }
    }
    m.close("ul");
}

/// What run this is.
pub(crate) fn facts(m: &mut Markup, digest: &Digest, run: &Path, now: i64) {
    m.ours("<section aria-labelledby=\"run\"><h2 id=\"run\">The run</h2>");
    let log = &digest.log;
    let environment = |path: &str| {
        let value = digest.environment.as_ref()?.pointer(path)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    m.open("dl", &[("class", "facts")]);
    let mut fact = |key: &str, write: &mut dyn FnMut(&mut Markup)| {
        m.open("div", &[]);
        m.leaf("dt", &[], key).open("dd", &[]);
        write(m);
        m.close("dd").close("div");
    };
    let run_id = log.run.clone().or_else(|| digest.verdicts.as_ref().map(|v| v.run.clone()));
    fact("run", &mut |m| _ = m.text(run_id.as_deref().unwrap_or("unknown")));
    if let Some(rig) = log.rig.as_deref().or(digest.plan.as_ref().map(|p| &*p.plan.rig)) {
        fact("rig", &mut |m| {
            m.text(rig);
            if matches!(digest.kind, RigKind::Simulated | RigKind::Virtual) {
                m.text(&format!(" ({})", digest.kind.word()));
            }
        });
    }
    if let Some(began) = log.began {
        fact("begun", &mut |m| {
            m.leaf("time", &[("datetime", &timestamp(began))], &date(began)).text(", ");
            ago(m, now, began);
            m.text(" before this page");
            if log.resumed > 0 {
                m.text(&format!("; resumed {}", count(log.resumed as usize, "time")));
            }
        });
    }
    fact("took", &mut |m| {
        let of = if digest.is_simulated() { " on the simulated clock" } else { "" };
        m.text(&format!("{}{of}", span(log.last_ns)));
    });
    fact("trials", &mut |m| _ = m.text(&trials(digest)));
    fact("evidence", &mut |m| {
        m.text(&format!("{}, {}", count(log.files.count(), "file"), size(log.files.bytes())));
    });
    if let Some(version) = log.rigtone.clone().or_else(|| environment("/rigtone")) {
        fact("Rigtone", &mut |m| {
            m.text(&version);
            if let Some(seed) = log.seed {
                m.text(&format!(", seed {seed}"));
            }
        });
    }
    for (key, path) in [("kernel", "/kernel"), ("BlueZ", "/bluez")] {
        if let Some(value) = environment(path) {
            fact(key, &mut |m| _ = m.text(&value));
        }
    }
    if let Some(parts) = digest.environment.as_ref().and_then(|e| e.get("merged")).and_then(Json::as_array) {
        fact("merged", &mut |m| _ = m.text(&format!("from {}; ages count from the first", count(parts.len(), "run"))));
    }
    fact("page", &mut |m| {
        m.text("made ");
        m.leaf("time", &[("datetime", &timestamp(now))], &date(now));
        m.text(&format!(" of {}", run.display()));
    });
    m.close("dl").close("section");
}

/// How many trials there were, such as `8 with a result in 2 combinations, 1 lost to the rig`.
fn trials(digest: &Digest) -> String {
    let all = &digest.combinations;
    let results: usize = all.iter().map(|c| c.told.tally.results()).sum();
    let mut said = format!("{results} with a result in {}", count(all.len(), "combination"));
    for (fate, words) in [(Fate::Lost, "lost to the rig"), (Fate::Cancelled, "broken off")] {
        let n: usize = all.iter().map(|c| c.told.tally.count(fate)).sum();
        if n > 0 {
            said += &format!(", {n} {words}");
        }
    }
    said
}

/// What is missing, above everything else.
pub(crate) fn shortcomings(m: &mut Markup, shortcomings: &[Shortcoming]) {
    for (remarks, class, title) in
        [(false, "notice missing", "What this page does not have"), (true, "notice", "Left out to keep the page small")]
    {
        let of: Vec<&Shortcoming> = shortcomings.iter().filter(|s| s.is_remark() == remarks).collect();
        if of.is_empty() {
            continue;
        }
        m.element("section", &[("class", class), ("aria-label", title)], |m| {
            m.leaf("h2", &[], title);
            m.open("ul", &[]);
            for shortcoming in of {
                m.open("li", &[("data-shortcoming", shortcoming.code())]);
                m.text(&shortcoming.to_string()).text(". ");
                m.leaf("span", &[("class", "small")], &sentence(shortcoming.hint())).close("li");
            }
            m.close("ul");
        });
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

/// Writes a piece for each of these as far as there is room; gives how many find none.
fn as_many_as_fit<T>(m: &mut Markup, all: &[T], most_bytes: usize, mut write: impl FnMut(&mut Markup, &T)) -> usize {
    let full = m.len() + most_bytes;
    for (at, one) in all.iter().enumerate() {
        if m.len() > full {
            return all.len() - at;
        }
        write(m, one);
    }
    0
}

/// What the failures follow; gives how many causes find no room.
pub(crate) fn causes(m: &mut Markup, causes: &[String], most_bytes: usize) -> usize {
    if causes.is_empty() {
        return 0;
    }
    m.ours("<section aria-labelledby=\"causes\"><h2 id=\"causes\">What failures follow</h2><ul>");
    let more = as_many_as_fit(m, causes, most_bytes, |m, cause| _ = m.leaf("li", &[], cause));
    m.ours("</ul></section>");
    more
}

/// How the rig was; gives how many notes find no room.
pub(crate) fn rig(m: &mut Markup, digest: &Digest) -> usize {
    let notes = &digest.log.notes;
    if notes.checks.is_empty() && notes.troubles.is_empty() && notes.warnings.is_empty() {
        return 0;
    }
    let mut left_out = 0;
    m.element("section", &[("aria-labelledby", "rig")], |m| {
        m.leaf("h2", &[("id", "rig")], "The rig");
        if !notes.troubles.is_empty() {
            m.open("ul", &[("class", "notice missing")]);
            left_out += as_many_as_fit(m, &notes.troubles, NOTES, |m, (member, what)| {
                m.open("li", &[]).leaf("b", &[], member).text(": ").text(what).close("li");
            });
            m.close("ul");
        }
        if !notes.warnings.is_empty() {
            m.open("ul", &[]);
            left_out += as_many_as_fit(m, &notes.warnings, NOTES, |m, warning| _ = m.leaf("li", &[], warning));
            m.close("ul");
        }
        let unfit = notes.checks.iter().filter(|c| !c.ok).count();
        m.open("details", &[]);
        let text = format!("{} checked; {unfit} unfit at the last check", count(notes.checks.len(), "member"));
        m.leaf("summary", &[], &text);
        m.ours(
            "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Checks of the rig\"><table><thead><tr>",
        );
        for head in ["member", "last finding", "checks", "unfit"] {
            m.leaf("th", &[("scope", "col")], head);
        }
        m.ours("</tr></thead><tbody>");
        left_out += as_many_as_fit(m, &notes.checks, NOTES, |m, check| {
            m.open("tr", &[]).leaf("th", &[("scope", "row")], &check.member).open("td", &[]);
            if !check.ok {
                m.ours("<b class=\"bad\">✗ unfit:</b> ");
            }
            m.text(&check.finding).close("td");
            m.leaf("td", &[("class", "number")], &check.times.to_string());
            m.leaf("td", &[("class", "number")], &check.unfit.to_string()).close("tr");
        });
        m.ours("</tbody></table></div>").close("details");
        if notes.more > 0 {
            m.leaf("p", &[("class", "small")], &format!("{} more stand in events.jsonl.", notes.more));
        }
    });
    left_out
}
