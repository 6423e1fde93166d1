//! The page, put together within its size.

mod combination;
mod head;
mod matrix;
mod trial;
mod words;

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rigtone_model::{document::Expectation, verdict::Verdict};
use rigtone_report::figure::count;
use sha2::{Digest as _, Sha256};

use self::{
    trial::Room,
    words::{badge, shown},
};
use crate::{
    Options,
    digest::{Combined, Digest, Fate, Kept},
    markup::{LONGEST, Markup},
    shortcoming::Shortcoming,
    sound::Painter,
};

const STYLE: &str = include_str!("../../../../reports/templates/page.css");
const SCRIPT: &str = include_str!("../../../../reports/templates/page.js");

/// Bytes of the whole page, and of its parts. All parts but the trials have room beside each other, with the largest theme and logo.
const PAGE: usize = 9_400_000;
const MATRIX: usize = 2_500_000;
/// Combinations with drawings, and all of them.
const DRAWN: usize = 2_500_000;
const COMBINATIONS: usize = 3_500_000;
/// One that takes more than this leaves its place to others.
const LARGE: usize = 100_000;
/// Names of scenarios to choose from, and what the failures follow.
const SCENARIOS: usize = 100_000;
const CAUSES: usize = 100_000;
/// What stands behind all parts: what found no room, and how to read the page.
const END: usize = 20_000;
/// Trials that are shown, those of them with pictures of their sound, and with a clip.
const TRIALS: usize = 240;
const SOUNDS: usize = 100;
const CLIPS: usize = 32;

/// What the parts of a page need to know.
pub(crate) struct Made<'a> {
    pub(crate) digest: &'a Digest,
    /// When the page is made, in seconds since 1970.
    pub(crate) now: i64,
    /// Which combinations have a section.
    details: Vec<bool>,
}

impl Made<'_> {
    fn has_details(&self, at: usize) -> bool {
        self.details.get(at).copied().unwrap_or(false)
    }

    /// The last evidence of a combination, in seconds since 1970. A simulated clock runs ahead of the calendar.
    fn last(&self, combined: &Combined) -> Option<i64> {
        let last = combined.told.tally.last?;
        if self.digest.is_simulated() { self.digest.log.began } else { Some(last.min(self.now)) }
    }

    /// What an expectation is called in a word or two.
    fn kind(&self, combined: &Combined, index: usize) -> Option<String> {
        let scenario = self.digest.plan.as_ref()?.plan.scenario(&combined.planned.scenario)?;
        scenario.expect.get(index)?.kinds().first().map(Expectation::title)
    }
}

/// A trial that waits for its place on the page.
struct Waiting {
    combination: usize,
    kept: Kept,
}

/// Makes the page; adds to the shortcomings what found no room.
pub(crate) fn page(run: &Path, digest: &mut Digest, options: &Options) -> String {
    let waiting = waiting(digest);
    let mut made = Made { digest, now: options.made_unix_s, details: vec![false; digest.combinations.len()] };
    let (bodies, no_details) = bodies(&mut made);
    let (matrix, left_out) = matrix::matrix(&made, MATRIX);
    let mut room = Vec::new();
    if left_out > 0 {
        room.push(format!("{} in the matrix", count(left_out, "combination")));
    }
    if no_details > 0 {
        room.push(format!("the details of {}", count(no_details, "combination")));
    }
    let (top, no_choice) = top(digest, options);
    if no_choice > 0 {
        room.push(format!("{} to filter by", count(no_choice, "scenario")));
    }
    let mut causes = Markup::new();
    if let (Some(plan), Some(verdicts)) = (&digest.plan, &digest.verdicts) {
        let more = head::causes(&mut causes, &rigtone_judge::verdicts::causes(&plan.plan, verdicts), CAUSES);
        if more > 0 {
            room.push(count(more, "cause"));
        }
    }
    let mut bottom = Markup::new();
    head::facts(&mut bottom, digest, run, options.made_unix_s);
    let more = head::rig(&mut bottom, digest);
    if more > 0 {
        room.push(format!("{} of the rig", count(more, "note")));
    }
    let all = [&top, &matrix, &causes, &bottom].into_iter().chain(bodies.iter().map(|body| &body.markup));
    let used =
        all.map(Markup::len).sum::<usize>() + bodies.iter().map(|body| body.end).sum::<usize>() + END + SCRIPT.len();
    let (trials, more) = trials(run, waiting, &made, used);
    if more > 0 {
        room.push(format!("the details of {} that were kept", count(more, "trial")));
    }
    let mut m = top;
    m.piece(&matrix).ours("</section>").piece(&causes);
    sections(&mut m, digest, &bodies, &trials);
    m.piece(&bottom);
    if m.cut() > 0 {
        room.push(format!("the rest of {} of more than {LONGEST} characters", count(m.cut(), "text")));
    }
    let remark = (!room.is_empty()).then(|| Shortcoming::Room {
        what: format!(
            "{} are not on this page: `rigtone report`, `rigtone timeline` and events.jsonl have them",
            room.join(", ")
        ),
    });
    head::shortcomings(&mut m, remark.as_slice());
    m.ours("<section class=\"note\"><h2>How to read this page</h2><p class=\"small\">An estimate stands with its interval in brackets and with the number n of trials that counted. Verdicts: <b>pass</b> and <b>fail</b> are shown at the stated confidence, <b>inconclusive</b> is neither, <b>infra-error</b> means that the rig prevented an answer. Ages count from the last trial to the making of this page. Links to evidence work while this page lies in its run directory. What the filter hides is not printed.</p></section>");
    m.ours("</main>").sheet("script", SCRIPT).ours("</body></html>\n");
    digest.shortcomings.extend(remark);
    m.into_string()
}

/// What stands above the matrix, and how many scenarios found no room in the filter.
fn top(digest: &Digest, options: &Options) -> (Markup, usize) {
    let mut m = Markup::new();
    let title = options.title.clone().unwrap_or_else(|| "Rigtone report".to_owned());
    document_head(&mut m, &title, digest, options);
    m.ours("<a class=\"skip\" href=\"#matrix\">Skip to the matrix</a><header>");
    if let Some(logo) = &options.logo {
        m.embedded(logo.before, &STANDARD.encode(&logo.bytes), "\">");
    }
    m.leaf("h1", &[], &title);
    let rig = digest.log.rig.as_deref().or(digest.plan.as_ref().map(|p| &*p.plan.rig)).unwrap_or("unknown rig");
    m.leaf("p", &[("class", "small")], &format!("{rig}, {}", digest.log.run.as_deref().unwrap_or("unknown run")));
    m.ours("<nav aria-label=\"Sections\"><a href=\"#summary\">Result</a> <a href=\"#matrix\">Matrix</a> <a href=\"#combinations\">Combinations</a> <a href=\"#run\">Run and rig</a></nav></header><main>");
    head::shortcomings(&mut m, &digest.shortcomings);
    head::summary(&mut m, digest, options.policy);
    m.ours("<section aria-labelledby=\"matrix\"><h2 id=\"matrix\">Compatibility matrix</h2>");
    let no_choice = controls(&mut m, digest);
    (m, no_choice)
}

fn hash_of(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// The head: nothing is ever fetched, and only what stands here runs.
fn document_head(m: &mut Markup, title: &str, digest: &Digest, options: &Options) {
    let theme = options.theme.as_ref().map(crate::Theme::css);
    let styles: Vec<String> = [Some(STYLE), theme].into_iter().flatten().map(hash_of).collect();
    let policy = format!(
        "default-src 'none'; img-src data:; media-src data:; font-src data:; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        styles.join(" "),
        hash_of(SCRIPT)
    );
    m.ours("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    m.open("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)]);
    m.ours("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><meta name=\"referrer\" content=\"no-referrer\">");
    m.ours("<link rel=\"icon\" href=\"data:,\">");
    let run = digest.log.run.as_deref().unwrap_or_default();
    m.leaf("title", &[], format!("{title} {run}").trim());
    m.sheet("style", STYLE);
    if let Some(theme) = theme {
        m.sheet("style", theme);
    }
    m.ours("</head><body>");
}

/// The filter; the script shows it. Gives how many scenarios it leaves out.
fn controls(m: &mut Markup, digest: &Digest) -> usize {
    m.ours("<form id=\"filter\" class=\"filter\" hidden role=\"search\" aria-label=\"Filter combinations\"><label>Text <input type=\"search\" name=\"text\" autocomplete=\"off\" placeholder=\"device, firmware, codec\"></label><label>Scenario <select name=\"scenario\"><option value=\"\">all</option>");
    let mut scenarios: Vec<&str> = digest.combinations.iter().map(|c| &*c.planned.scenario).collect();
    scenarios.sort_unstable();
    scenarios.dedup();
    let (mut left_out, full) = (scenarios.len(), m.len() + SCENARIOS);
    for scenario in scenarios {
        if m.len() > full {
            break;
        }
        m.leaf("option", &[("value", scenario)], scenario);
        left_out -= 1;
    }
    m.ours("</select></label><fieldset><legend>Verdict</legend>");
    let mut words: Vec<words::Shown> =
        digest.combinations.iter().map(|c| shown(c.verdict.as_ref().map(|v| &v.verdict))).collect();
    words.sort_by_key(|s| s.rank);
    words.dedup();
    for shown in words {
        m.ours("<label class=\"check\">")
            .open("input", &[("type", "checkbox"), ("name", "verdict"), ("value", shown.word), ("checked", "")])
            .text(" ");
        badge(m, shown);
        m.ours("</label>");
    }
    m.ours(
        "</fieldset><button type=\"reset\">Show all</button><output id=\"shown\" aria-live=\"polite\"></output></form>",
    );
    left_out
}

/// Trials in the order in which they find room: first one failure of each combination, then the next; what went well last.
fn waiting(digest: &mut Digest) -> Vec<Waiting> {
    let mut waiting = Vec::new();
    for (combination, combined) in digest.combinations.iter_mut().enumerate() {
        let rank = shown(combined.verdict.as_ref().map(|v| &v.verdict)).rank;
        let mut kept = std::mem::take(&mut combined.told.kept);
        kept.sort_by_key(|k| match k.fate {
            Fate::Failed => 0,
            Fate::Untold => 1,
            Fate::Lost => 2,
            Fate::Held | Fate::Cancelled => 3,
        });
        for (round, kept) in kept.into_iter().enumerate() {
            let round = if kept.fate == Fate::Held { if rank < 4 { 3 } else { 9 } } else { round };
            waiting.push(((round, rank), Waiting { combination, kept }));
        }
    }
    waiting.sort_by_key(|(place, _)| *place);
    waiting.into_iter().map(|(_, waiting)| waiting).collect()
}

/// What is said of a combination, as far as its trials.
struct Body {
    combination: usize,
    markup: Markup,
    /// Bytes of what stands around and behind its trials.
    end: usize,
}

/// The combinations in the order in which they are told, as far as there is room, and how many find none.
fn bodies(made: &mut Made<'_>) -> (Vec<Body>, usize) {
    let digest = made.digest;
    let mut order: Vec<usize> = (0..digest.combinations.len()).collect();
    order.sort_by_key(|at| shown(digest.combinations[*at].verdict.as_ref().map(|v| &v.verdict)).rank);
    // What was never tried has its reason in the matrix.
    order.retain(|at| {
        let combined = &digest.combinations[*at];
        let skipped = matches!(combined.verdict.as_ref().map(|v| &v.verdict), Some(Verdict::Skipped(_)));
        !(skipped && combined.told.tally.fates.is_empty())
    });
    let (mut bytes, mut bodies) = (0, Vec::new());
    for combination in order.iter().copied() {
        let combined = &digest.combinations[combination];
        let mut markup = Markup::new();
        combination::open(&mut markup, combination, combined);
        combination::body(&mut markup, made, combined, bytes < DRAWN);
        let mut end = Markup::new();
        trials_title(&mut end);
        combination::others(&mut end, combined, 0);
        combination::close(&mut end);
        let takes = markup.len() + end.len();
        if bytes + takes > COMBINATIONS {
            if takes > LARGE {
                continue;
            }
            break;
        }
        bytes += takes;
        made.details[combination] = true;
        bodies.push(Body { combination, markup, end: end.len() });
    }
    let left_out = order.len() - bodies.len();
    (bodies, left_out)
}

fn trials_title(m: &mut Markup) {
    m.leaf("h3", &[], "Trials");
}

/// Trials as they are shown, by their combination, and how many that were kept found no room.
fn trials(run: &Path, waiting: Vec<Waiting>, made: &Made<'_>, used: usize) -> (Vec<(usize, Fate, Markup)>, usize) {
    let mut painter = Painter::default();
    let (mut done, mut bytes, mut more) = (Vec::new(), used, 0);
    let (mut sounds, mut clips) = (0, 0);
    for Waiting { combination, kept } in waiting {
        if !made.has_details(combination) || done.len() >= TRIALS || bytes > PAGE {
            more += 1;
            continue;
        }
        let recorded = kept.files.iter().any(|f| !f.anchors.is_empty());
        let fate = kept.fate;
        let room = Room {
            sounds: sounds < SOUNDS && bytes < PAGE - 1_000_000,
            clips: clips < CLIPS && bytes < PAGE - 2_000_000,
        };
        let mut m = Markup::new();
        trial::trial(&mut m, run, combination, kept, &mut painter, room);
        if bytes + m.len() > PAGE {
            more += 1;
            continue;
        }
        bytes += m.len();
        sounds += usize::from(room.sounds && recorded);
        clips += usize::from(room.clips && recorded && fate == Fate::Failed);
        done.push((combination, fate, m));
    }
    (done, more)
}

fn sections(m: &mut Markup, digest: &Digest, bodies: &[Body], trials: &[(usize, Fate, Markup)]) {
    m.ours("<section aria-labelledby=\"combinations\"><h2 id=\"combinations\">Combinations</h2>");
    if bodies.is_empty() {
        m.leaf("p", &[], "No combination was tried.");
    }
    for Body { combination: at, markup, .. } in bodies {
        m.piece(markup);
        let of: Vec<&(usize, Fate, Markup)> = trials.iter().filter(|(combination, ..)| combination == at).collect();
        if !of.is_empty() {
            trials_title(m);
        }
        for (.., trial) in &of {
            m.piece(trial);
        }
        let failed = of.iter().filter(|(_, fate, _)| *fate == Fate::Failed).count();
        combination::others(m, &digest.combinations[*at], failed);
        combination::close(m);
    }
    m.ours("</section>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_sheets_stay_within_their_elements() {
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
    }
}
