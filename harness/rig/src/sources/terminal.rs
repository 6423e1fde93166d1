//! The terminal at which a person is asked.

use std::{
    cell::Cell,
    io::{self, IsTerminal},
    os::fd::OwnedFd,
    path::Path,
};

use rigtone_model::trial::InfrastructureFault;
use rustix::{
    fs::{Mode, OFlags},
    process::{Signal, getpid, kill_process},
    termios::{QueueSelector, tcflush, tcgetattr, ttyname},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::unix::pipe::{Receiver, Sender},
};

use crate::{
    clock::{Clock, Instant},
    hardware::{HostClock, within},
};

/// The member that faults name.
pub(crate) const MEMBER: &str = "operator";
/// No answer is longer.
const LONGEST: usize = 256;
/// What is written over the progress display.
const CLEAR: &str = "\r\x1b[K";
const TO_READ: &str = "type what it shows; empty = it cannot be read, q = stop the run";
const CHOICES: &str = "d = done, n = it did not work, s = skip this trial, q = stop the run";

/// What a person says of what they were asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is done.
    Done,
    /// It was tried and did not work.
    DidNotWork,
}

/// What a line may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Answer(Answer),
    Text(String),
    Skip,
    Stop,
}

fn meaning(line: &str) -> Option<Line> {
    Some(match line.trim().to_ascii_lowercase().as_str() {
        "d" | "done" => Line::Answer(Answer::Done),
        "n" | "no" | "did not work" | "it did not work" => Line::Answer(Answer::DidNotWork),
        "s" | "skip" => Line::Skip,
        "q" | "stop" | "quit" => Line::Stop,
        _ => return None,
    })
}

/// The same, of something that is read off.
fn read_off(line: &str) -> Option<Line> {
    let text = line.trim();
    Some(match text {
        "" => Line::Skip,
        "q" => Line::Stop,
        _ if text.chars().any(char::is_control) => return None,
        _ => Line::Text(text.to_owned()),
    })
}

/// A terminal, and who sits at it.
pub(crate) struct Terminal {
    tty: OwnedFd,
    /// Questions are counted, so that the record and the person speak of the same one.
    asked: Cell<u32>,
    asking: Cell<bool>,
    /// One question at a time.
    turn: tokio::sync::Mutex<()>,
    /// Ends the run as Ctrl-C does.
    stop: Box<dyn Fn()>,
    clock: HostClock,
}

impl Terminal {
    /// The terminal at the program's standard input.
    ///
    /// # Errors
    /// When there is none: nobody could be asked.
    pub(crate) fn of_stdin(clock: HostClock) -> Result<Self, InfrastructureFault> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return Err(InfrastructureFault::new(MEMBER, "nobody can be asked: standard input is no terminal").hint(
                "run it in a terminal with a person at it, or leave out the units that need one (`--only`, `by-hand`, `control: operator`)",
            ));
        }
        let path = ttyname(&stdin, Vec::new()).ok().and_then(|path| path.into_string().ok());
        let path = path.unwrap_or_else(|| "/dev/tty".to_owned());
        let stop = Box::new(|| {
            // Whoever catches it ends the run in order. A signal to oneself is always delivered.
            let _ = kill_process(getpid(), Signal::INT);
        });
        Self::at(Path::new(&path), stop, clock)
    }

    /// The terminal at a path. It is opened anew, so that nobody else has to read without blocking.
    pub(super) fn at(path: &Path, stop: Box<dyn Fn()>, clock: HostClock) -> Result<Self, InfrastructureFault> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let tty = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| {
            let what = format!("opening the terminal {} failed: {e}", path.display());
            InfrastructureFault::new(MEMBER, what).hint("run it in a terminal that this user may open")
        })?;
        let turn = tokio::sync::Mutex::new(());
        Ok(Self { tty, asked: Cell::new(0), asking: Cell::new(false), turn, stop, clock })
    }

    /// Whether the terminal is still there.
    pub(crate) fn check(&self) -> io::Result<()> {
        Ok(tcgetattr(&self.tty).map(|_| ())?)
    }

    /// Whether a question stands there now, which nothing else should be written over.
    pub(crate) fn is_asking(&self) -> bool {
        self.asking.get()
    }

    /// Tells a person what to do, step by step, and waits for the answer until `deadline`.
    ///
    /// # Errors
    /// When nobody answers in time, the trial is skipped or the run is stopped, or the terminal is gone.
    pub(crate) async fn ask(
        &self,
        title: &str,
        steps: &[String],
        deadline: Instant,
    ) -> Result<Answer, InfrastructureFault> {
        let question = Question { title, steps, choices: CHOICES, understood: &meaning };
        match self.answered(&question, deadline).await? {
            Line::Answer(answer) => Ok(answer),
            Line::Text(_) | Line::Skip => {
                Err(InfrastructureFault::new(MEMBER, format!("a person skipped this: {title}"))
                    .hint("nothing is known of the trial: run it again with `rigtone run --only undecided`"))
            }
            Line::Stop => Err(self.stopped(deadline).await),
        }
    }

    /// Has a person read something and type it, until `deadline`.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub(crate) async fn read(
        &self,
        title: &str,
        steps: &[String],
        deadline: Instant,
    ) -> Result<String, InfrastructureFault> {
        let question = Question { title, steps, choices: TO_READ, understood: &read_off };
        match self.answered(&question, deadline).await? {
            Line::Text(text) => Ok(text),
            Line::Answer(_) | Line::Skip => {
                Err(InfrastructureFault::new(MEMBER, format!("a person could not: {title}")).hint("see why, by hand"))
            }
            Line::Stop => Err(self.stopped(deadline).await),
        }
    }

    async fn stopped(&self, deadline: Instant) -> InfrastructureFault {
        (self.stop)();
        // The run ends this step.
        self.clock.sleep_until(deadline).await;
        InfrastructureFault::new(MEMBER, "a person stopped the run")
    }

    async fn answered(&self, question: &Question<'_>, deadline: Instant) -> Result<Line, InfrastructureFault> {
        let asked = within(self.clock, deadline, async {
            let _turn = self.turn.lock().await;
            let _asking = Asking::begin(&self.asking);
            self.converse(question, deadline).await
        });
        match asked.await {
            None => {
                // Who looks up later should not answer what nobody waits for.
                let over = b"\n  the time for this is over; an answer does not count any more\n";
                let _ = rustix::io::write(&self.tty, over);
                Err(InfrastructureFault::new(MEMBER, format!("nobody answered in time: {}", question.title))
                    .hint("answer sooner, or give the step more time with `within`"))
            }
            Some(Err(e)) => Err(InfrastructureFault::new(MEMBER, format!("the terminal failed: {e}"))
                .hint("leave the terminal open as long as the run lasts")),
            Some(Ok(line)) => Ok(line),
        }
    }

    async fn converse(&self, question: &Question<'_>, deadline: Instant) -> io::Result<Line> {
        let Question { title, steps, choices, understood } = question;
        // A terminal is read and written as a pipe is.
        let mut typed = Receiver::from_owned_fd_unchecked(self.tty.try_clone()?)?;
        let mut screen = Sender::from_owned_fd_unchecked(self.tty.try_clone()?)?;
        let number = self.asked.get() + 1;
        self.asked.set(number);
        let mut text = format!("{CLEAR}\n[{number}] {}\n", shown(title));
        for (step, number) in steps.iter().zip(1..) {
            text.push_str(&format!("  {number}. {}\n", shown(step)));
        }
        let left_s = deadline.since(self.clock.now()).max(0) / 1_000_000_000;
        text.push_str(&format!("  {choices} ({left_s} s left): "));
        // What was typed before the question is no answer to it.
        tcflush(&self.tty, QueueSelector::IFlush)?;
        screen.write_all(text.as_bytes()).await?;
        loop {
            let line = read_line(&mut typed).await?;
            if let Some(meaning) = understood(&line) {
                return Ok(meaning);
            }
            screen.write_all(format!("  `{}` is none of them: {choices}: ", shown(line.trim())).as_bytes()).await?;
        }
    }
}

/// What a person is asked.
struct Question<'a> {
    title: &'a str,
    steps: &'a [String],
    /// What may be answered.
    choices: &'a str,
    /// What a line means; nothing where it is no answer.
    understood: &'a dyn Fn(&str) -> Option<Line>,
}

/// A question that stands at the terminal, however it ends.
struct Asking<'a>(&'a Cell<bool>);

impl<'a> Asking<'a> {
    fn begin(asking: &'a Cell<bool>) -> Self {
        asking.set(true);
        Self(asking)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// Names come from documents: they move no cursor.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A line, as the terminal gives it when it is ended.
async fn read_line(typed: &mut Receiver) -> io::Result<String> {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') && line.len() < LONGEST {
        let mut buffer = [0; LONGEST];
        let count = typed.read(&mut buffer).await?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it was closed"));
        }
        line.extend(&buffer[..count]);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}
