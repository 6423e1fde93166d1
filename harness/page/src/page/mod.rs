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
    markup::Markup,
    shortcoming::Shortcoming,
    sound::Painter,
};

const STYLE: &str = include_str!("../../../../reports/templates/page.css");
const SCRIPT: &str = include_str!("../../../../reports/templates/page.js");

/// Bytes of the whole page, and of its parts.
const PAGE: usize = 9_400_000;
const MATRIX: usize = 2_500_000;
/// Combinations with drawings, and all of them.
const DRAWN: usize = 2_500_000;
const COMBINATIONS: usize = 3_500_000;
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
    let (order, bodies) = bodies(&mut made);
    let (matrix, left_out) = matrix::matrix(&made, MATRIX);
    let mut room = Vec::new();
    if left_out > 0 {
        room.push(format!("{} in the matrix", count(left_out, "combination")));
    }
    let no_details = order.len() - bodies.len();
    if no_details > 0 {
        room.push(format!("the details of {}", count(no_details, "combination")));
    }
    let used =
        matrix.len() + bodies.iter().map(|(_, body)| body.len()).sum::<usize>() + STYLE.len() + SCRIPT.len() + 200_000;
    let (trials, more) = trials(run, waiting, &made, used);
    if more > 0 {
        room.push(format!("the details of {} that were kept", count(more, "trial")));
    }
    let remark = (!room.is_empty()).then(|| Shortcoming::Room {
        what: format!(
            "{} are not on this page: `rigtone report`, `rigtone timeline` and events.jsonl have them",
            room.join(", ")
        ),
    });
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
    controls(&mut m, digest);
    m.piece(&matrix).ours("</section>");
    if let (Some(plan), Some(verdicts)) = (&digest.plan, &digest.verdicts) {
        head::causes(&mut m, &rigtone_judge::verdicts::causes(&plan.plan, verdicts));
    }
    sections(&mut m, digest, &bodies, &trials);
    head::facts(&mut m, digest, run, options.made_unix_s);
    head::rig(&mut m, digest);
    head::shortcomings(&mut m, remark.as_slice());
    m.ours("<section class=\"note\"><h2>How to read this page</h2><p class=\"small\">An estimate stands with its interval in brackets and with the number n of trials that counted. Verdicts: <b>pass</b> and <b>fail</b> are shown at the stated confidence, <b>inconclusive</b> is neither, <b>infra-error</b> means that the rig prevented an answer. Ages count from the last trial to the making of this page. Links to evidence work while this page lies in its run directory. What the filter hides is not printed.</p></section>");
    m.ours("</main>").sheet("script", SCRIPT).ours("</body></html>\n");
    digest.shortcomings.extend(remark);
    m.into_string()
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

/// The filter; the script shows it.
fn controls(m: &mut Markup, digest: &Digest) {
    m.ours("<form id=\"filter\" class=\"filter\" hidden role=\"search\" aria-label=\"Filter combinations\"><label>Text <input type=\"search\" name=\"text\" autocomplete=\"off\" placeholder=\"device, firmware, codec\"></label><label>Scenario <select name=\"scenario\"><option value=\"\">all</option>");
    let mut scenarios: Vec<&str> = digest.combinations.iter().map(|c| &*c.planned.scenario).collect();
    scenarios.sort_unstable();
    scenarios.dedup();
    for scenario in scenarios.into_iter().take(500) {
        m.leaf("option", &[("value", scenario)], scenario);
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

/// The combinations in the order in which they are told, and what is said of each as far as there is room.
fn bodies(made: &mut Made<'_>) -> (Vec<usize>, Vec<(usize, Markup)>) {
    let mut order: Vec<usize> = (0..made.digest.combinations.len()).collect();
    order.sort_by_key(|at| shown(made.digest.combinations[*at].verdict.as_ref().map(|v| &v.verdict)).rank);
    // What was never tried has its reason in the matrix.
    order.retain(|at| {
        let combined = &made.digest.combinations[*at];
        let skipped = matches!(combined.verdict.as_ref().map(|v| &v.verdict), Some(Verdict::Skipped(_)));
        !(skipped && combined.told.tally.fates.is_empty())
    });
    let (mut bytes, mut bodies) = (0, Vec::new());
    for at in &order {
        if bytes > COMBINATIONS {
            break;
        }
        let mut m = Markup::new();
        combination::body(&mut m, made, &made.digest.combinations[*at], bytes < DRAWN);
        bytes += m.len() + 600;
        made.details[*at] = true;
        bodies.push((*at, m));
    }
    (order, bodies)
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

fn sections(m: &mut Markup, digest: &Digest, bodies: &[(usize, Markup)], trials: &[(usize, Fate, Markup)]) {
    m.ours("<section aria-labelledby=\"combinations\"><h2 id=\"combinations\">Combinations</h2>");
    if bodies.is_empty() {
        m.leaf("p", &[], "No combination was tried.");
    }
    for (at, body) in bodies {
        let combined = &digest.combinations[*at];
        combination::open(m, *at, combined);
        m.piece(body);
        let of: Vec<&(usize, Fate, Markup)> = trials.iter().filter(|(combination, ..)| combination == at).collect();
        if !of.is_empty() {
            m.leaf("h3", &[], "Trials");
        }
        for (.., trial) in &of {
            m.piece(trial);
        }
        combination::others(m, combined, of.iter().filter(|(_, fate, _)| *fate == Fate::Failed).count());
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
