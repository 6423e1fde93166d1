//! The display of a run on a terminal: a few lines that are drawn again and again, each no wider than the window.

use super::{Progress, Running};
use crate::{
    figure::{count, span},
    sanitise::line,
};

/// With fewer rows one line is all.
const FEW_ROWS: usize = 10;
/// Trials shown at most.
const MOST_TRIALS: usize = 6;
/// Lines about the run as a whole, and the line that counts the trials that are not shown.
const OTHER_LINES: usize = 4;
/// A combination is shown in so many columns at least, or not with its trial in one line.
const NAME: usize = 12;
/// From so many columns on words are spelt out.
const ROOMY: usize = 60;

impl Progress {
    /// The state in lines of at most `width` columns, for a window of so many rows: what is decided and what is not, the time
    /// left, members that are not used any more, and the trials that run. One line where there are few rows.
    pub fn block(&self, width: usize, rows: usize) -> Vec<String> {
        if rows < FEW_ROWS {
            return vec![self.line(width)];
        }
        let mut lines = vec![self.decided_so_far(width), self.trials_so_far(width)];
        if !self.benched.is_empty() {
            let members: Vec<String> = self.benched.iter().map(|member| line(member)).collect();
            lines.push(cut(&format!("not used any more: {}", members.join(", ")), width));
        }
        let room = (rows / 2).saturating_sub(OTHER_LINES).clamp(1, MOST_TRIALS);
        lines.extend(self.running.iter().take(room).map(|running| self.trial(running, width)));
        if let Some(more) = self.running.len().checked_sub(room).filter(|more| *more > 0) {
            lines.push(cut(&format!("  and {more} more"), width));
        }
        lines
    }

    fn decided_so_far(&self, width: usize) -> String {
        let given: Vec<String> = self.verdicts.iter().map(|(verdict, n)| format!("{n} {verdict}")).collect();
        let mut parts = vec![format!("{}/{} decided", self.decided, self.combinations.len())];
        if !given.is_empty() {
            parts[0] = format!("{}: {}", parts[0], given.join(", "));
        }
        parts.push(format!("{} open", self.combinations.len().saturating_sub(self.decided)));
        fit(&parts, width)
    }

    fn trials_so_far(&self, width: usize) -> String {
        let mut parts: Vec<String> = self.left().into_iter().collect();
        parts.push(format!("{} of at most {}", self.trials, count(self.trials_at_most as usize, "trial")));
        if self.lost > 0 {
            parts.push(format!("{} lost to the rig", self.lost));
        }
        fit(&parts, width)
    }

    /// A trial that runs: which, at what, and since when.
    fn trial(&self, running: &Running, width: usize) -> String {
        let now = self.now_ns.saturating_add(self.quiet_ns);
        let (step, since) = match &running.step {
            Some((step, since)) => (line(step), *since),
            None => ("begins".to_owned(), running.since_ns),
        };
        let again = if running.at.attempt > 1 { format!(".{}", running.at.attempt) } else { String::new() };
        let trial = if width < ROOMY { "" } else { "trial " };
        let doing = format!("{trial}{}{again}: {step} {}", running.at.trial, span(now.saturating_sub(since)));
        let doing = cut(&doing, width.saturating_sub(2));
        let room = width.saturating_sub(columns(&doing) + 4);
        if room < NAME {
            return cut(&format!("  {doing}"), width);
        }
        let id = line(running.at.combination.as_str());
        let id = id.rsplit_once('#').map_or(&*id, |(axes, _)| axes);
        format!("  {}  {doing}", tail(id, room))
    }
}

/// As many of the parts as fit, from the first on; of the first what fits.
pub(super) fn fit(parts: &[String], width: usize) -> String {
    let mut shown = parts.len();
    while shown > 1 && parts[..shown].iter().map(|part| columns(part) + 2).sum::<usize>() - 2 > width {
        shown -= 1;
    }
    take(&parts[..shown].join(", "), width)
}

/// The columns of a text; some characters are believed to be wider than they are, none narrower.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(wide).sum()
}

fn wide(c: char) -> usize {
    if c < '\u{1100}' || c == '…' { 1 } else { 2 }
}

fn take(text: &str, width: usize) -> String {
    let mut used = 0;
    let fits = |c: &char| {
        used += wide(*c);
        used <= width
    };
    text.chars().take_while(fits).collect()
}

/// The beginning of a text that is too long, with `…` at its end.
pub(super) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut kept = take(text, width.saturating_sub(1));
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// The end of a text that is too long, with `…` before it: the end of an id tells most.
pub(super) fn tail(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let backwards: String = text.chars().rev().collect();
    let kept: Vec<char> = take(&backwards, width.saturating_sub(1)).chars().rev().collect();
    std::iter::once('…').chain(kept).collect()
}
