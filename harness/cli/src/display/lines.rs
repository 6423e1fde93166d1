//! What is said of a long run where no display can move: plain lines, few of them.

use std::time::Duration;

/// So long nothing is said: a run that is over by then says all in its report. Then how it stands is said as often.
const EVERY: Duration = Duration::from_secs(300);

/// Lines that are to be written now and then. It has no clock: whoever asks says how long the run has lasted.
#[derive(Debug)]
pub(super) struct Lines {
    /// News that nobody has heard yet.
    held: Vec<String>,
    /// When it is next said how the run stands.
    due: Duration,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { held: Vec::new(), due: EVERY }
    }

    /// Takes something that has happened.
    pub(super) fn take(&mut self, news: Option<String>) {
        self.held.extend(news);
    }

    /// The lines to write when the run has `lasted` so long, in their order.
    pub(super) fn at(&mut self, lasted: Duration, standing: impl FnOnce() -> String) -> Vec<String> {
        let is_silent = self.due == EVERY;
        if lasted < self.due {
            return if is_silent { Vec::new() } else { std::mem::take(&mut self.held) };
        }
        self.due = lasted + EVERY;
        let mut lines = std::mem::take(&mut self.held);
        lines.push(standing());
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lines: &mut Lines, minutes: u64, news: &str) -> Vec<String> {
        lines.take(Some(news.to_owned()).filter(|news| !news.is_empty()));
        lines.at(Duration::from_secs(60 * minutes), || format!("after {minutes} min"))
    }

    #[test]
    fn a_short_run_says_nothing_and_a_long_one_its_news_and_now_and_then_how_it_stands() {
        let mut lines = Lines::new();
        assert_eq!(at(&mut lines, 0, "first"), [""; 0]);
        assert_eq!(at(&mut lines, 4, ""), [""; 0]);
        assert_eq!(at(&mut lines, 6, "second"), ["first", "second", "after 6 min"]);
        assert_eq!(at(&mut lines, 7, ""), [""; 0]);
        assert_eq!(at(&mut lines, 8, "third"), ["third"]);
        assert_eq!(at(&mut lines, 10, ""), [""; 0]);
        assert_eq!(at(&mut lines, 11, "fourth"), ["fourth", "after 11 min"]);
        // Nothing happened for an hour: it is said once.
        assert_eq!(at(&mut lines, 71, ""), ["after 71 min"]);
        assert_eq!(at(&mut lines, 72, ""), [""; 0]);
    }
}
