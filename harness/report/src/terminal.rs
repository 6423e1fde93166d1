//! The summary that ends a run: a table of combinations, what is behind each that did not pass, and the exit code.

mod details;
mod table;

use std::fmt::Write;

use rigtone_model::{
    plan::Plan,
    rig_kind::RigKind,
    verdict::{CombinationVerdict, RunVerdicts, Verdict},
};

use crate::{
    exercised,
    exit::{self, InconclusivePolicy},
    figure,
    sanitise::line,
    sign::{Sign, kinds},
};

/// How the summary is shown.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Characters in a line.
    pub width: usize,
    /// Whether the terminal shows colours.
    pub colour: bool,
    /// What inconclusive counts as in the exit code.
    pub inconclusive: InconclusivePolicy,
    /// The run directory, so that paths of evidence can be opened as they stand.
    pub directory: Option<&'a str>,
    /// What its failures follow, as sentences.
    pub causes: &'a [String],
    /// What the rig is made of: of anything but hardware it is said what that is worth.
    pub kind: RigKind,
}

/// The narrowest summary; a terminal that is narrower wraps it.
const NARROWEST: usize = 40;

/// The summary of a run, in lines that each end in a line feed. The last one is `exit code N: why`.
pub fn summary(verdicts: &RunVerdicts, plan: &Plan, view: &View<'_>) -> String {
    let view = View { width: view.width.max(NARROWEST), ..*view };
    let mut text = String::new();
    table::write(&mut text, verdicts, plan, &view);
    details::write(&mut text, verdicts, plan, &view);

    for cause in view.causes {
        for part in wrap(&line(cause), view.width) {
            let _ = writeln!(text, "{part}");
        }
    }
    if !view.causes.is_empty() {
        text.push('\n');
    }
    let exercised = exercised::sentences(plan);
    for part in exercised.iter().flat_map(|sentence| wrap(&line(sentence), view.width)) {
        let _ = writeln!(text, "{part}");
    }
    if !exercised.is_empty() {
        text.push_str("(no test case of the Bluetooth SIG is passed by that)\n\n");
    }
    tally(&mut text, verdicts, &view);
    if view.kind != RigKind::Hardware {
        for part in wrap(view.kind.heading(), view.width) {
            let _ = writeln!(text, "{part}");
        }
    }
    let (code, why) = exit::of(verdicts, view.inconclusive);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "exit code {}: {}", code.number(), line(&why));
    text
}

/// How often each verdict was given, in lines no longer than the terminal.
fn tally(text: &mut String, verdicts: &RunVerdicts, view: &View<'_>) {
    let all = verdicts.combinations.len();
    if all == 0 {
        text.push_str("no combinations\n");
        return;
    }
    text.push_str(&figure::count(all, "combination"));
    text.push(':');
    let mut used = figure::count(all, "combination").len() + 1;
    let given: Vec<_> = counts(verdicts).into_iter().filter(|(_, n)| *n > 0).collect();
    for (i, (verdict, n)) in given.iter().enumerate() {
        let comma = if i + 1 < given.len() { "," } else { "" };
        let rest = format!("{}{comma}", in_quarantine(verdicts, verdict));
        let length = format!(" {n} {verdict}{rest}").len();
        if used + length > view.width {
            text.push_str("\n ");
            used = 1;
        }
        used += length;
        let _ = write!(text, " {n} {}{rest}", paint(verdict, verdict.word(), view.colour));
    }
    text.push('\n');
}

/// How many combinations have each verdict, in the order in which people look for them.
pub(crate) fn counts(verdicts: &RunVerdicts) -> [(Verdict, usize); 6] {
    kinds().map(|verdict| {
        let n = verdicts.count(verdict.word());
        (verdict, n)
    })
}

/// How many of those with a verdict decide nothing, in words; nothing when all of them decide.
pub(crate) fn in_quarantine(verdicts: &RunVerdicts, verdict: &Verdict) -> String {
    let known = |c: &&CombinationVerdict| c.quarantined.is_some() && c.verdict.word() == verdict.word();
    match verdicts.combinations.iter().filter(known).count() {
        0 => String::new(),
        n => format!(" ({n} in quarantine)"),
    }
}

/// A text in the colour of a verdict.
pub(crate) fn paint(verdict: &Verdict, text: &str, colour: bool) -> String {
    let code = Sign::of(verdict).colour;
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// A text in lines of at most `width` characters, broken after a comma or a space where there is one.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while rest.len() > width {
        let at = rest[..width].iter().rposition(|c| matches!(c, ' ' | ',')).map_or(width, |at| at + 1);
        let next = rest.split_off(at);
        lines.push(rest.iter().collect::<String>().trim_end().to_owned());
        rest = next;
    }
    if !rest.is_empty() || lines.is_empty() {
        lines.push(rest.into_iter().collect());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", &[""])]
    #[case("abc", &["abc"])]
    #[case("codec=sbc,source=a", &["codec=sbc,", "source=a"])]
    #[case("0123456789ab", &["0123456789", "ab"])]
    #[case("one two three", &["one two", "three"])]
    fn lines_break_where_they_may(#[case] text: &str, #[case] lines: &[&str]) {
        assert_eq!(wrap(text, 10), lines);
    }
}
