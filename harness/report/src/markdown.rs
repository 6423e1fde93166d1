//! A report in Markdown: for summaries of jobs and comments of pull requests on GitHub, and for GitLab.
//!
//! What must be known stands first: the result, then the combinations, worst first, then the facts behind each that did not
//! pass, folded. Both sites cut what is too long without a word; here it ends before, and says what it left out.

mod details;
mod escape;
mod table;

use std::io::{self, Write};

use rigtone_model::{
    plan::Plan,
    rig_kind::RigKind,
    verdict::{CombinationVerdict, RunVerdicts, Verdict},
};

use crate::{
    baseline::{self, Baseline},
    exercised,
    exit::{self, Code, InconclusivePolicy},
    figure::count,
    sign::Sign,
    terminal::{counts, in_quarantine},
};
use escape::{code, text};

/// The most bytes that GitHub takes as the summary of a job: the limit unless another one is given. A comment takes
/// [`COMMENT`] characters.
pub const SUMMARY: usize = 1 << 20;

/// The most characters that GitHub takes as a comment.
pub const COMMENT: usize = 65_536;

/// The smallest limit in bytes that is kept to: what must be known fits into it.
pub const SMALLEST: usize = 8_192;

/// The longest facts, in characters. A character that must be written as a reference takes up to 13 bytes.
const LONGEST: usize = 300;
/// The longest names in the head.
const LONGEST_NAME: usize = 100;
/// The share of the room that the table may take where there is something to say of failures.
const TABLE: f64 = 0.6;
/// Room for the words that say what was left out.
const LAST_WORDS: usize = 320;
/// A list of the head takes this part of the limit at most.
const LIST: usize = 8;

/// How the report is written.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// What inconclusive counts as in the exit code.
    pub inconclusive: InconclusivePolicy,
    /// The most bytes; at least [`SMALLEST`].
    pub limit: usize,
    /// What failures follow, as sentences.
    pub causes: &'a [String],
    /// What of the run is not there, as sentences.
    pub missing: &'a [String],
    /// What the rig is made of: of anything but hardware it is said what that is worth.
    pub kind: RigKind,
    /// What has changed since an earlier run, if one was named.
    pub baseline: Option<&'a Baseline>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        let inconclusive = InconclusivePolicy::default();
        let kind = RigKind::Unknown;
        Self { inconclusive, limit: SUMMARY, causes: &[], missing: &[], kind, baseline: None }
    }
}

/// Writes the report.
///
/// # Errors
/// When the output takes no more.
pub fn write(verdicts: &RunVerdicts, plan: &Plan, options: &Options<'_>, mut sink: impl Write) -> io::Result<()> {
    let mut page = Page { text: head(verdicts, plan, options), limit: options.limit.max(SMALLEST) };
    page.list("Not all of this run is there:", options.missing);
    if let Some(baseline) = options.baseline {
        let since = format!("Since the baseline: {}", count(baseline.new_failures, "new failure"));
        page.list(&since, &baseline::lines(baseline));
    }
    page.list("What failures follow:", options.causes);
    page.list(
        "Test cases of the Bluetooth SIG whose behaviour was exercised; none of them is passed by that:",
        &exercised::sentences(plan),
    );
    let mut worst: Vec<&CombinationVerdict> = verdicts.combinations.iter().collect();
    worst.sort_by_key(|c| rank(c));
    let told: Vec<&CombinationVerdict> = worst.iter().copied().filter(|c| details::has(c)).collect();

    let for_table = if told.is_empty() { 1.0 } else { TABLE };
    table::write(&mut page, &worst, plan, for_table);
    details::write(&mut page, &told, plan);
    sink.write_all(page.text.as_bytes())?;
    sink.flush()
}

/// A text that stays within its limit.
struct Page {
    text: String,
    limit: usize,
}

impl Page {
    /// The bytes that are left, the last words put by.
    fn room(&self) -> usize {
        self.limit.saturating_sub(self.text.len() + LAST_WORDS)
    }

    /// Adds a part, if it fits into this much; tells whether it did.
    fn add(&mut self, part: &str, room: usize) -> bool {
        let fits = part.len() <= room;
        if fits {
            self.text.push_str(part);
        }
        fits
    }

    fn list(&mut self, title: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        let end = self.text.len() + self.limit / LIST;
        self.text.push_str(&format!("\n**{title}**\n\n"));
        for (at, item) in items.iter().enumerate() {
            let room = end.saturating_sub(self.text.len());
            if !self.add(&format!("- {}\n", text(item, LONGEST)), room) {
                self.text.push_str(&format!("- and {} more\n", items.len() - at));
                break;
            }
        }
    }
}

fn head(verdicts: &RunVerdicts, plan: &Plan, options: &Options<'_>) -> String {
    let (exit, why) = exit::of(verdicts, options.inconclusive);
    let sign = match exit {
        Code::Passed => symbol(&Verdict::Pass),
        Code::Failure => symbol(&Verdict::Fail),
        Code::Inconclusive => symbol(&Verdict::Inconclusive),
        Code::Nothing => symbol(&Verdict::Skipped(String::new())),
        Code::Interrupted => symbol(&Verdict::Aborted),
        Code::Infrastructure | Code::InUse | Code::Usage | Code::Internal => symbol(&Verdict::InfraError),
    };
    let given: Vec<String> = counts(verdicts)
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(verdict, n)| format!("{} {n} {verdict}{}", symbol(verdict), in_quarantine(verdicts, verdict)))
        .collect();
    let tally = match given.is_empty() {
        true => "no combinations".to_owned(),
        false => format!("{}: {}", count(verdicts.combinations.len(), "combination"), given.join(", ")),
    };
    let kind = match options.kind {
        RigKind::Hardware => String::new(),
        kind => format!("\n**{}**\n", text(kind.heading(), LONGEST_NAME)),
    };
    format!(
        "## {sign} {}\n\nRun {} on rig {}, exit code {}. {tally}.\n{kind}",
        text(&why, LONGEST_NAME),
        code(&verdicts.run, LONGEST_NAME),
        code(&plan.rig, LONGEST_NAME),
        exit.number(),
    )
}

/// The worst first. What is in quarantine decides nothing and comes behind the verdicts of its kind.
fn rank(combination: &CombinationVerdict) -> (u8, bool) {
    (Sign::of(&combination.verdict).rank, combination.quarantined.is_some())
}

/// A verdict at a glance.
const fn symbol(verdict: &Verdict) -> &'static str {
    Sign::of(verdict).symbol
}

/// How many combinations of each verdict these are, in words.
fn words(left: &[&CombinationVerdict]) -> String {
    let mut parts: Vec<(&str, usize)> = Vec::new();
    for combination in left {
        let word = combination.verdict.word();
        match parts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, n)) => *n += 1,
            None => parts.push((word, 1)),
        }
    }
    parts.iter().map(|(word, n)| format!("{n} {word}")).collect::<Vec<_>>().join(", ")
}
