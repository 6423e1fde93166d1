//! The display of a run: on a terminal a few lines that change, and above them what has happened; elsewhere plain lines, once it takes long.

mod lines;

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rigtone_model::event::Event;
use rigtone_report::progress::{Progress, news};

use self::lines::Lines;
use crate::printer;

/// Simulated events come faster than anybody reads.
const BETWEEN_DRAWINGS: Duration = Duration::from_millis(100);
/// In a file no line is too long.
const ANY_WIDTH: usize = usize::MAX;

/// The display of a run. Nothing is shown where nobody wants it.
pub(crate) struct Display {
    bar: ProgressBar,
    /// What is said instead where nothing can move.
    lines: Option<Lines>,
    progress: Progress,
    began: Instant,
    drawn: Option<Instant>,
    last_event: Instant,
}

impl Display {
    pub(crate) fn new(progress: Progress) -> Self {
        let target = if printer::moving() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let lines = (!printer::moving() && !printer::quiet()).then(Lines::new);
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self { bar, lines, progress, began: Instant::now(), drawn: None, last_event: Instant::now() }
    }

    /// Takes the next event. `still`: somebody is asked a question where the display would be drawn.
    pub(crate) fn take(&mut self, event: &Event, still: bool) {
        self.progress.take(event);
        self.last_event = Instant::now();
        if let Some(lines) = &mut self.lines {
            lines.take(news(event, ANY_WIDTH, false));
            self.say(still);
        }
        if self.bar.is_hidden() || still {
            return;
        }
        if let Some(line) = news(event, width().0, printer::colour_of_notes()) {
            self.bar.println(line);
        }
        if self.drawn.is_none_or(|drawn| drawn.elapsed() >= BETWEEN_DRAWINGS) {
            self.draw();
        }
    }

    /// Draws anew between events, for the times that it shows.
    pub(crate) fn tick(&mut self, still: bool) {
        self.progress.wait(i64::try_from(self.last_event.elapsed().as_nanos()).unwrap_or(i64::MAX));
        self.say(still);
        if !self.bar.is_hidden() && !still {
            self.draw();
        }
    }

    fn draw(&mut self) {
        let (columns, rows) = width();
        self.drawn = Some(Instant::now());
        self.bar.set_message(self.progress.block(columns, rows).join("\n"));
        self.bar.tick();
    }

    /// Writes the lines that are due.
    fn say(&mut self, still: bool) {
        let Some(lines) = self.lines.as_mut().filter(|_| !still) else { return };
        let progress = &self.progress;
        lines.at(self.began.elapsed(), || progress.line(ANY_WIDTH)).iter().for_each(|line| printer::note(line));
    }

    /// Shows a note above the display.
    pub(crate) fn note(&self, text: &str) {
        self.bar.suspend(|| printer::note(text));
    }

    /// Takes it away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// Columns and rows that may be used: a line that fills a window breaks in some.
fn width() -> (usize, usize) {
    let (columns, rows) = printer::size_of_notes().unwrap_or((printer::ELSEWHERE, 24));
    (columns.saturating_sub(1), rows)
}
