//! A program of the lab that runs as long as it is needed, with all that it started.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant as HostInstant},
};

use rigtone_model::trial::{DeviceFailure, InfrastructureFault};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use serde_json::{Map, Value};

use super::protocol::{self, Began, Greeting, Hello, LONGEST, Said, VERSION, shown};
use crate::{
    clock::{Clock, Instant},
    hardware::HostClock,
};

/// How much of what it complained is kept, in bytes.
const COMPLAINTS: usize = 4096;
/// How many lines of that are shown.
const SHOWN: usize = 3;
/// How long a program may take to end.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long is waited for what is on its way.
const SOON: Duration = Duration::from_millis(500);
/// From one look to the next.
const LOOK: Duration = Duration::from_millis(10);

/// What a program is, before it runs.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// As faults name it, such as `unit phone`.
    pub(crate) member: String,
    /// The program and its arguments.
    pub(crate) program: Vec<String>,
    /// What it is the driver of.
    pub(crate) of: Value,
    /// What it must be able to do.
    pub(crate) can: Vec<String>,
    /// How long it may take until it has said what it can.
    pub(crate) starts_within: Duration,
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// When what lasts began, and how well that is known in nanoseconds.
    pub(crate) began: Option<(Instant, i64)>,
    /// What is done, or what the device did not do.
    pub(crate) ended: Result<Map<String, Value>, DeviceFailure>,
}

/// Ends a program from another thread, with all that it started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Killer(Arc<Mutex<Option<Pid>>>);

impl Killer {
    /// It ends now. Whoever waits for its answer learns that it has ended.
    pub(crate) fn kill(&self) {
        // What has ended already needs no end. Its number is not given to another process before it is waited for, which happens under the
        // same lock.
        let leader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leader) = *leader {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// A program: started when it is first needed, and again when it has died.
pub(crate) struct Program {
    setup: Setup,
    clock: HostClock,
    killer: Killer,
    /// How long it may take to end when nobody wants anything more of it.
    pub(super) farewell: Duration,
    running: Option<Running>,
}

/// A line of the program, and when it came.
type Heard = (Instant, Result<String, String>);

struct Running {
    child: Child,
    input: Option<ChildStdin>,
    lines: mpsc::Receiver<Heard>,
    complaints: Arc<Mutex<VecDeque<u8>>>,
    /// Ends with what it complains.
    complained: mpsc::Receiver<()>,
    can: Vec<String>,
    last: u64,
}

impl Program {
    pub(crate) fn new(setup: Setup, clock: HostClock) -> Self {
        Self { setup, clock, killer: Killer::default(), farewell: FAREWELL, running: None }
    }

    pub(crate) fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// The words that it said it can, once it runs.
    ///
    /// # Errors
    /// When it cannot be started, says no hello in time, or cannot do what it must.
    pub(crate) fn start(&mut self) -> Result<&[String], InfrastructureFault> {
        if self.running.as_ref().is_some_and(|running| running.how_it_ended().is_some()) {
            self.end();
        }
        if self.running.is_none() {
            self.launch()?;
            if let Err(fault) = self.greet() {
                self.end();
                return Err(fault);
            }
        }
        Ok(self.running.as_ref().map(|running| running.can.as_slice()).unwrap_or_default())
    }

    /// Gives an order and waits for what comes of it, until `deadline`. A program that is late or answers what is no answer
    /// is ended with all that it started, and started again for the next order.
    ///
    /// # Errors
    /// When nothing is known of the device.
    pub(crate) fn ask(
        &mut self,
        what: &str,
        with: &Value,
        deadline: Instant,
        given_up: &AtomicBool,
    ) -> Result<Outcome, InfrastructureFault> {
        self.start()?;
        // Whoever gives up says so first, and then ends the program: from here on it is there to be ended.
        if given_up.load(Ordering::Acquire) {
            return Err(InfrastructureFault::new(&self.setup.member, format!("`{what}` was given up")));
        }
        match self.talk(what, with, deadline) {
            Ok(Ok(outcome)) => Ok(outcome),
            // It said so itself, and is well.
            Ok(Err(fault)) => Err(fault.of(&self.setup.member)),
            Err(trouble) => Err(self.given_up(&format!("doing `{what}`"), &trouble)),
        }
    }

    fn launch(&mut self) -> Result<(), InfrastructureFault> {
        let fault = |what: String| {
            let hint = "check `program` in the rig file, and that it can be run by this user";
            InfrastructureFault::new(&self.setup.member, what).hint(hint)
        };
        let [program, arguments @ ..] = self.setup.program.as_slice() else {
            return Err(fault("no program is named".to_owned()));
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|e| fault(format!("starting `{program}` failed: {e}")))?;
        *self.killer.0.lock().unwrap_or_else(PoisonError::into_inner) = Pid::from_raw(child.id().cast_signed());
        let (sender, lines) = mpsc::channel();
        let complaints = Arc::new(Mutex::new(VecDeque::new()));
        let (complains, complained) = mpsc::channel();
        let input = child.stdin.take();
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let kept = complaints.clone();
        self.running = Some(Running { child, input, lines, complaints, complained, can: Vec::new(), last: 0 });
        let clock = self.clock;
        let named = || thread::Builder::new().name(format!("{} reading", self.setup.member));
        let begun = named()
            .spawn(move || output.map_or((), |output| hear(output, clock, &sender)))
            .and_then(|_| named().spawn(move || errors.map_or((), |errors| keep(errors, &kept, complains))));
        if let Err(error) = begun {
            self.end();
            return Err(InfrastructureFault::new(&self.setup.member, format!("starting a thread failed: {error}")));
        }
        Ok(())
    }

    fn greet(&mut self) -> Result<(), InfrastructureFault> {
        let doing = "greeting it";
        let greeting = serde_json::to_string(&Greeting { rigtone: VERSION, of: &self.setup.of }).unwrap_or_default();
        let deadline = self.clock.now().plus(self.setup.starts_within.as_nanos() as i64);
        let heard = self.write(&greeting).and_then(|()| self.next(deadline));
        let read = heard.and_then(|(_, line)| {
            Hello::read(&line).map_err(|why| Trouble::Wrong(format!("it wrote `{}`: {why}", shown(&line))))
        });
        let can = match read {
            Ok(can) => can,
            Err(trouble) => return Err(self.given_up(doing, &trouble)),
        };
        if let Some(missing) = self.setup.can.iter().find(|due| !can.contains(due)) {
            let what = format!("`{}` does not say that it can do `{missing}`; it can: {}", self.name(), can.join(", "));
            let hint = "correct `can` in the rig file, or the program";
            return Err(InfrastructureFault::new(&self.setup.member, shown(&what)).hint(hint));
        }
        if let Some(running) = &mut self.running {
            running.can = can;
        }
        Ok(())
    }

    fn talk(
        &mut self,
        what: &str,
        with: &Value,
        deadline: Instant,
    ) -> Result<Result<Outcome, protocol::Fault>, Trouble> {
        let Some(running) = &mut self.running else { return Err(Trouble::Ended) };
        running.last += 1;
        let id = running.last;
        let left_ms = deadline.since(self.clock.now()).max(0) / 1_000_000;
        self.write(&protocol::order(id, what, left_ms.unsigned_abs(), with))?;
        let mut began = None;
        loop {
            let (at, line) = self.next(deadline)?;
            let said = protocol::said(id, &line);
            match said.map_err(|why| Trouble::Wrong(format!("it wrote `{}`: {why}", shown(&line))))? {
                Said::Began(Began { ago_ms, uncertainty_ms }) if began.is_none() => {
                    began = Some((at.plus(-((ago_ms * 1e6) as i64)), (uncertainty_ms * 1e6) as i64));
                }
                Said::Began(_) => return Err(Trouble::Wrong("it said twice that it began".to_owned())),
                Said::Done(done) => return Ok(Ok(Outcome { began, ended: Ok(done) })),
                Said::Failed(failure) => return Ok(Ok(Outcome { began, ended: Err(failure) })),
                Said::Fault(fault) => return Ok(Err(fault)),
            }
        }
    }

    fn write(&mut self, line: &str) -> Result<(), Trouble> {
        let input = self.running.as_mut().and_then(|running| running.input.as_mut()).ok_or(Trouble::Ended)?;
        let written = input.write_all(format!("{line}\n").as_bytes()).and_then(|()| input.flush());
        written.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Trouble::Ended,
            _ => Trouble::Wrong(format!("writing to it failed: {error}")),
        })
    }

    fn next(&mut self, deadline: Instant) -> Result<(Instant, String), Trouble> {
        let running = self.running.as_mut().ok_or(Trouble::Ended)?;
        let left = deadline.since(self.clock.now());
        let left = Duration::from_nanos(u64::try_from(left).unwrap_or_default());
        match running.lines.recv_timeout(left) {
            Ok((at, Ok(line))) => Ok((at, line)),
            Ok((_, Err(why))) => Err(Trouble::Wrong(why)),
            Err(RecvTimeoutError::Timeout) => Err(Trouble::Late),
            Err(RecvTimeoutError::Disconnected) => Err(Trouble::Ended),
        }
    }

    /// Ends it, for it is not understood or did not answer, and says what there is to say of it.
    fn given_up(&mut self, doing: &str, trouble: &Trouble) -> InfrastructureFault {
        let name = self.name();
        let (what, hint) = match trouble {
            Trouble::Late => (
                format!("{doing}: `{name}` had not answered in time, and was ended"),
                "it must answer within `within_ms` of each order: see docs/command.md",
            ),
            Trouble::Wrong(why) => (
                format!("{doing}: `{name}` was not understood, and was ended: {why}"),
                "only answers belong on its standard output, one on a line: see docs/command.md",
            ),
            Trouble::Ended => {
                let how = self.running.as_ref().and_then(Running::soon_ended);
                let how = how.unwrap_or_else(|| "closed its input or its output".to_owned());
                (format!("{doing}: `{name}` {how}"), "run it by hand, and see why: docs/command.md")
            }
        };
        let complained = self.end().map(|ended| ended.last_lines()).unwrap_or_default();
        let what = if complained.is_empty() { what } else { format!("{what}; it complained: {complained}") };
        InfrastructureFault::new(&self.setup.member, what).hint(hint)
    }

    fn name(&self) -> String {
        self.setup.program.first().cloned().unwrap_or_default()
    }

    /// Ends it now, with all that it started; gives what is left of it.
    fn end(&mut self) -> Option<Running> {
        let mut running = self.running.take()?;
        drop(running.input.take());
        self.killer.kill();
        let mut leader = self.killer.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = running.child.wait();
        *leader = None;
        Some(running)
    }

    /// Lets it end by itself, and ends it when it does not.
    fn dismiss(&mut self) {
        if let Some(running) = &mut self.running {
            drop(running.input.take());
            let end = HostInstant::now() + self.farewell;
            while HostInstant::now() < end && running.how_it_ended().is_none() {
                thread::sleep(LOOK);
            }
        }
        self.end();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.dismiss();
    }
}

impl Running {
    /// How it ended, if it has. It is not waited for: its number must stay its own until all that it started has ended.
    fn how_it_ended(&self) -> Option<String> {
        let leader = Pid::from_raw(self.child.id().cast_signed())?;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(leader), options).ok()??;
        Some(match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => format!("ended with exit code {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "ended".to_owned(),
        })
    }

    /// The same of one that is about to end.
    fn soon_ended(&self) -> Option<String> {
        let end = HostInstant::now() + SOON;
        loop {
            let how = self.how_it_ended();
            if how.is_some() || HostInstant::now() >= end {
                return how;
            }
            thread::sleep(LOOK);
        }
    }

    /// What it complained last.
    fn last_lines(&self) -> String {
        // Until all of it is read. Something that left the group may hold the other end open: nobody waits for that.
        let _ = self.complained.recv_timeout(SOON);
        let kept: Vec<u8> = self.complaints.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        let text = String::from_utf8_lossy(&kept);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        shown(&lines[lines.len().saturating_sub(SHOWN)..].join(" | "))
    }
}

/// Why there is no answer.
enum Trouble {
    Late,
    Ended,
    Wrong(String),
}

/// Reads lines until there are no more, or one is too long.
fn hear(output: ChildStdout, clock: HostClock, lines: &mpsc::Sender<Heard>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        let read = (&mut output).take(LONGEST as u64 + 1).read_until(b'\n', &mut line);
        let at = clock.now();
        let heard = match read {
            Ok(0) | Err(_) => return,
            Ok(_) if line.len() > LONGEST => Err(format!("it wrote a line of more than {LONGEST} bytes")),
            Ok(_) => match String::from_utf8(line) {
                Ok(line) if line.trim().is_empty() => continue,
                Ok(line) => Ok(line.trim_end().to_owned()),
                Err(_) => Err("it wrote what is no text".to_owned()),
            },
        };
        let is_last = heard.is_err();
        if lines.send((at, heard)).is_err() || is_last {
            return;
        }
    }
}

/// Keeps the end of what it complains; `_end` is dropped when that is over.
fn keep(mut errors: ChildStderr, complaints: &Mutex<VecDeque<u8>>, _end: mpsc::Sender<()>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = errors.read(&mut buffer) {
        let mut kept = complaints.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&buffer[..count]);
        let spare = kept.len().saturating_sub(COMPLAINTS);
        kept.drain(..spare);
    }
}
