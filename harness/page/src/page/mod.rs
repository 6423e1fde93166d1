//! The page, put together within its size.

mod combination;
mod head;
mod matrix;
mod trial;
mod words;

use std::path::Path;

use rigtone_html::{Badge, Frame, LONGEST, Markup, end, filter};
use rigtone_model::{document::Expectation, verdict::Verdict};
use rigtone_report::figure::count;

use self::{trial::Room, words::shown};
use crate::{
    Options,
    digest::{Combined, Digest, Ending, Kept},
    shortcoming::Shortcoming,
    sound::Painter,
};

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
/// Trials that are made to see whether they fit; each may take the decoding of its captures.
const MISFITS: usize = 10;

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
        all.map(Markup::len).sum::<usize>() + bodies.iter().map(|body| body.end).sum::<usize>() + END + Frame::END;
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
    end(&mut m);
    digest.shortcomings.extend(remark);
    m.into_string()
}

/// What stands above the matrix, and how many scenarios found no room in the filter.
fn top(digest: &Digest, options: &Options) -> (Markup, usize) {
    let mut m = Markup::new();
    let rig = digest.log.rig.as_deref().or(digest.plan.as_ref().map(|p| &*p.plan.rig)).unwrap_or("unknown rig");
    let run = digest.log.run.as_deref();
    let parts =
        &[("#summary", "Result"), ("#matrix", "Matrix"), ("#combinations", "Combinations"), ("#run", "Run and rig")];
    let frame = Frame {
        look: &options.look,
        title: "Rigtone report",
        subtitle: &format!("{rig}, {}", run.unwrap_or("unknown run")),
        window: run.unwrap_or_default(),
        sheet: None,
        parts,
    };
    frame.begin(&mut m);
    head::shortcomings(&mut m, &digest.shortcomings);
    head::summary(&mut m, digest, options.policy);
    m.ours("<section aria-labelledby=\"matrix\"><h2 id=\"matrix\">Compatibility matrix</h2>");
    let mut scenarios: Vec<&str> = digest.combinations.iter().map(|c| &*c.planned.scenario).collect();
    scenarios.sort_unstable();
    scenarios.dedup();
    let mut badges: Vec<Badge> =
        digest.combinations.iter().map(|c| shown(c.verdict.as_ref().map(|v| &v.verdict))).collect();
    badges.sort_by_key(|badge| badge.rank);
    badges.dedup();
    let no_choice = filter(&mut m, &badges, &scenarios, SCENARIOS);
    (m, no_choice)
}

/// Trials in the order in which they find room: first one failure of each combination, then the next; what went well last.
fn waiting(digest: &mut Digest) -> Vec<Waiting> {
    let mut waiting = Vec::new();
    for (combination, combined) in digest.combinations.iter_mut().enumerate() {
        let rank = shown(combined.verdict.as_ref().map(|v| &v.verdict)).rank;
        let mut kept = std::mem::take(&mut combined.told.kept);
        kept.sort_by_key(|k| k.facts.ending);
        for (round, kept) in kept.into_iter().enumerate() {
            let round = if kept.facts.ending == Ending::Held { if rank < 4 { 3 } else { 9 } } else { round };
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

/// A trial as it is shown.
struct Shown {
    combination: usize,
    ending: Ending,
    markup: Markup,
}

/// Trials as they are shown, and how many that were kept found no room. `used` are the bytes of everything else.
fn trials(run: &Path, waiting: Vec<Waiting>, made: &Made<'_>, used: usize) -> (Vec<Shown>, usize) {
    let mut painter = Painter::default();
    let (mut sounds, mut clips) = (0, 0);
    let (with_place, without): (Vec<Waiting>, Vec<Waiting>) =
        waiting.into_iter().partition(|waiting| made.has_details(waiting.combination));
    let (shown, more) = fitting(with_place, PAGE.saturating_sub(used), |Waiting { combination, kept }, left| {
        let recorded = kept.facts.files.iter().any(|f| !f.anchors.is_empty());
        let ending = kept.facts.ending;
        let room = Room { sounds: sounds < SOUNDS && left > 1_000_000, clips: clips < CLIPS && left > 2_000_000 };
        let mut markup = Markup::new();
        trial::trial(&mut markup, run, combination, kept, &mut painter, room);
        sounds += usize::from(room.sounds && recorded);
        clips += usize::from(room.clips && recorded && ending == Ending::Failed);
        (markup.len(), Shown { combination, ending, markup })
    });
    (shown, more + without.len())
}

/// Makes pieces as long as they find room in `left` bytes; gives them, and how many were left out. `make` is told what is left, and says how much of it
/// its piece takes.
fn fitting<T, P>(all: Vec<T>, mut left: usize, mut make: impl FnMut(T, usize) -> (usize, P)) -> (Vec<P>, usize) {
    let (count, mut done, mut misfits) = (all.len(), Vec::new(), 0);
    for one in all {
        if done.len() == TRIALS || misfits == MISFITS {
            break;
        }
        let (takes, piece) = make(one, left);
        match left.checked_sub(takes) {
            Some(rest) => {
                left = rest;
                done.push(piece);
            }
            // A smaller one may still fit.
            None => misfits += 1,
        }
    }
    let left_out = count - done.len();
    (done, left_out)
}

fn sections(m: &mut Markup, digest: &Digest, bodies: &[Body], trials: &[Shown]) {
    m.ours("<section aria-labelledby=\"combinations\"><h2 id=\"combinations\">Combinations</h2>");
    if bodies.is_empty() {
        m.leaf("p", &[], "No combination was tried.");
    }
    for Body { combination: at, markup, .. } in bodies {
        m.piece(markup);
        let of: Vec<&Shown> = trials.iter().filter(|trial| trial.combination == *at).collect();
        if !of.is_empty() {
            trials_title(m);
        }
        for trial in &of {
            m.piece(&trial.markup);
        }
        let failed = of.iter().filter(|trial| trial.ending == Ending::Failed).count();
        combination::others(m, &digest.combinations[*at], failed);
        combination::close(m);
    }
    m.ours("</section>");
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::all_fit(&[10, 20, 30], 100, &[10, 20, 30], 3)]
    #[case::a_smaller_one_finds_room(&[60, 60, 40], 100, &[60, 40], 3)]
    #[case::a_full_page_ends_it(&[50; 5000], 100, &[50, 50], 2 + MISFITS)]
    #[case::as_many_as_are_shown(&[1; 5000], 100_000, &[1; TRIALS], TRIALS)]
    #[case::nothing_fits(&[5; 4], 0, &[], 4)]
    fn what_finds_no_room_is_counted_and_not_made(
        #[case] sizes: &[usize],
        #[case] room: usize,
        #[case] shown: &[usize],
        #[case] made: usize,
    ) {
        let mut calls = 0;
        let (done, left_out) = fitting(sizes.to_vec(), room, |size, _| {
            calls += 1;
            (size, size)
        });
        assert_eq!((done.as_slice(), left_out, calls), (shown, sizes.len() - shown.len(), made));
    }
}
