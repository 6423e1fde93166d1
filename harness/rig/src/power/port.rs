//! A serial port with a board behind it: opening it, sending, and waiting for whole answers.

use std::{
    io::{self, Read, Write},
    path::Path,
    thread,
    time::{Duration, Instant as HostInstant},
};

use rigtone_model::{document::SerialPort, trial::InfrastructureFault};

use crate::{
    usage::{self, PortRefused},
    usb::{Plug, Refusal, Sysfs},
};

/// How long one order may take, and its answer.
const ORDER_TIMEOUT: Duration = Duration::from_millis(500);
/// How much of an answer that is none is shown.
const SHOWN: usize = 12;
const CABLE: &str = "check the board's USB cable and its hub";

/// What was received after a question, as far as it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard<T> {
    /// Not all of the answer is there.
    Part,
    /// The answer.
    Whole(T),
    /// It cannot become an answer.
    Garbage,
}

impl<T> Heard<T> {
    /// The same, where the answer means something else.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Heard<U> {
        match self {
            Self::Part => Heard::Part,
            Self::Whole(answer) => Heard::Whole(change(answer)),
            Self::Garbage => Heard::Garbage,
        }
    }
}

/// A port, opened for this program alone.
pub(crate) struct Port {
    member: String,
    document: SerialPort,
    sysfs: Sysfs,
    /// Where it was found last, or is looked for.
    path: String,
    baud: u32,
    /// The words of the rig file that decide how the board is spoken to.
    stated: &'static str,
    open: Option<Box<dyn serialport::SerialPort>>,
    #[cfg(test)]
    patience: patience::Least,
}

impl Port {
    /// The port of a board, which is not opened yet. `stated` are the words of the rig file that a board contradicts which
    /// does not answer as it should.
    pub(crate) fn new(member: &str, document: SerialPort, baud: u32, stated: &'static str) -> Self {
        let path = document.key().unwrap_or_default();
        Self {
            member: member.to_owned(),
            document,
            sysfs: Sysfs::host(),
            path,
            baud,
            stated,
            open: None,
            #[cfg(test)]
            patience: patience::of_this_test(),
        }
    }

    /// A fault of the board.
    pub(crate) fn fault(&self, what: impl Into<String>) -> InfrastructureFault {
        InfrastructureFault::new(&self.member, what)
    }

    /// Opens it, if it is not open; tells whether it was not.
    ///
    /// # Errors
    /// When it is missing, busy or refused.
    pub(crate) fn open(&mut self) -> Result<bool, InfrastructureFault> {
        if self.open.is_some() {
            return Ok(false);
        }
        self.path = self.find().map_err(|refusal| self.fault(refusal.what).hint(refusal.hint))?;
        let port = serialport::new(&self.path, self.baud).timeout(ORDER_TIMEOUT).open();
        self.open = Some(port.map_err(|e| self.refused(&e))?);
        Ok(true)
    }

    /// Closes it: the next call opens it again.
    pub(crate) fn close(&mut self) {
        self.open = None;
    }

    /// The path of the port that the document means now.
    fn find(&self) -> Result<String, Refusal> {
        let SerialPort { path, usb, usb_id, serial } = self.document.clone();
        if let Some(path) = path {
            return Ok(path);
        }
        let port = usb.map(|usb| usb.parse()).transpose();
        let port = port.map_err(|e| Refusal::new(e, "write the port that `rigtone rig list` shows"))?;
        let node = self.sysfs.serial_port(&Plug { port, id: usb_id, serial })?;
        Ok(node.path.to_string_lossy().into_owned())
    }

    fn refused(&self, error: &serialport::Error) -> InfrastructureFault {
        let why = match error.kind() {
            serialport::ErrorKind::Io(io::ErrorKind::PermissionDenied) => PortRefused::Denied,
            serialport::ErrorKind::NoDevice => PortRefused::Busy,
            _ => PortRefused::Otherwise,
        };
        let hint = usage::of_port(Path::new("/proc"), Path::new(&self.path), why);
        self.fault(format!("opening {} failed: {error}", self.path)).hint(hint)
    }

    /// Whether it is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether it is still there; opens it again where it was lost.
    ///
    /// # Errors
    /// When it is gone.
    pub(crate) fn alive(&mut self) -> Result<(), InfrastructureFault> {
        if let Err(gone) = self.present() {
            return self.open().map(drop).map_err(|_| gone);
        }
        self.open().map(drop)
    }

    /// As [`Port::alive`], without opening it again.
    ///
    /// # Errors
    /// When it is gone.
    pub(crate) fn present(&mut self) -> Result<(), InfrastructureFault> {
        if let Some(port) = &mut self.open
            && let Err(e) = port.bytes_to_read()
        {
            self.open = None;
            return Err(self.fault(format!("{} is gone: {e}", self.path)).hint(CABLE));
        }
        Ok(())
    }

    /// Sends bytes, whole. `doing` says what for.
    ///
    /// # Errors
    /// When the port cannot be opened, or does not take them.
    pub(crate) fn tell(&mut self, bytes: &[u8], doing: &str) -> Result<(), InfrastructureFault> {
        self.open()?;
        let Some(port) = &mut self.open else { return Err(self.fault("no port is open")) };
        let _ = port.set_timeout(ORDER_TIMEOUT);
        let sent = port.write_all(bytes).and_then(|()| drain(&**port));
        if let Err(e) = sent {
            // Closing waits for what was not sent.
            let _ = port.clear(serialport::ClearBuffer::Output);
            return Err(self.lost(doing, &e));
        }
        Ok(())
    }

    /// Sends a question and waits for all of its answer, which `read` tells from a part of one.
    ///
    /// # Errors
    /// As [`Port::tell`], and when there is no answer, half of one, or something else.
    pub(crate) fn ask<T>(
        &mut self,
        question: &[u8],
        doing: &str,
        read: impl Fn(&[u8]) -> Heard<T>,
    ) -> Result<T, InfrastructureFault> {
        self.ask_within(ORDER_TIMEOUT, question, doing, read)
    }

    /// As [`Port::ask`], waiting no longer than `within` for the answer.
    ///
    /// # Errors
    /// As [`Port::ask`].
    pub(crate) fn ask_within<T>(
        &mut self,
        within: Duration,
        question: &[u8],
        doing: &str,
        read: impl Fn(&[u8]) -> Heard<T>,
    ) -> Result<T, InfrastructureFault> {
        #[cfg(test)]
        let within = within.max(*self.patience.lock().expect("no panic"));
        // What it said unasked, or too late, is no answer to this question.
        if let Some(port) = &self.open {
            let _ = port.clear(serialport::ClearBuffer::Input);
        }
        self.tell(question, doing)?;
        let (mut received, mut buffer) = (Vec::new(), [0; 64]);
        let end = HostInstant::now() + within;
        loop {
            let rest = end.saturating_duration_since(HostInstant::now());
            if rest.is_zero() {
                break;
            }
            let Some(port) = &mut self.open else { return Err(self.fault("no port is open")) };
            // A port that takes no other patience waits as long as it did before.
            let _ = port.set_timeout(rest);
            match port.read(&mut buffer) {
                Ok(0) => return Err(self.lost(doing, &io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => received.extend(&buffer[..count]),
                Err(e) if matches!(e.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted) => {}
                Err(e) => return Err(self.lost(doing, &e)),
            }
            match read(&received) {
                Heard::Whole(answer) => return Ok(answer),
                Heard::Part => {}
                Heard::Garbage => return Err(self.misheard(doing, &received, "which is no answer")),
            }
        }
        if received.is_empty() {
            let what = format!("{doing}: no answer within {} ms", within.as_millis());
            let hint = format!("check the board's cable and supply, and {} in the rig file", self.stated);
            return Err(self.fault(what).hint(hint));
        }
        let end = format!("and nothing more within {} ms, which is half an answer", within.as_millis());
        Err(self.misheard(doing, &received, &end))
    }

    fn misheard(&self, doing: &str, received: &[u8], end: &str) -> InfrastructureFault {
        let shown: Vec<String> = received.iter().take(SHOWN).map(|byte| format!("{byte:02X}")).collect();
        let more = if received.len() > SHOWN { " ..." } else { "" };
        self.fault(format!("{doing}: it answered {}{more}, {end}", shown.join(" ")))
            .hint(format!("check what else uses its port, and {} in the rig file", self.stated))
    }

    /// The port failed. The next order opens it again: a board that was plugged in again must be usable.
    fn lost(&mut self, doing: &str, error: &io::Error) -> InfrastructureFault {
        self.open = None;
        self.fault(format!("{doing} on {} failed: {error}", self.path)).hint(CABLE)
    }
}

/// Waits until the port has sent what it was given, and not for ever: a board may take nothing.
fn drain(port: &dyn serialport::SerialPort) -> io::Result<()> {
    let begin = HostInstant::now();
    while port.bytes_to_write()? > 0 {
        if begin.elapsed() > ORDER_TIMEOUT {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the board takes nothing"));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// How long the boards of a test get for their answers at least: whoever plays one may get no time to run.
#[cfg(test)]
pub(crate) mod patience {
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    /// Far enough that no load of the host matters.
    pub(crate) const LONG: Duration = Duration::from_secs(20);
    /// Where silence is waited for that follows an answer: as in life, and longer each time that the answer came too late.
    pub(crate) const GROWING: [Duration; 4] =
        [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(8), Duration::from_secs(20)];

    pub(super) type Least = Arc<Mutex<Duration>>;

    thread_local! {
        static LEAST: Least = Least::default();
    }

    /// That of the test whose thread this is, for the ports that it makes.
    pub(super) fn of_this_test() -> Least {
        LEAST.with(Arc::clone)
    }

    /// From now on its boards get at least so long, and never less than in life.
    pub(crate) fn set(least: Duration) {
        *of_this_test().lock().expect("no panic") = least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{test_port::Pty, usb::tree::Tree};

    /// The board at a USB port, as the kernel names its serial port now.
    fn plug(tree: &Tree, pty: &Pty, interface: &str) {
        tree.usb("1-2", "1a86", "7523", None);
        let name = pty.path().strip_prefix("/dev/").expect("a device").replace('/', "!");
        tree.node("tty", &name, &format!("1-2/1-2:1.{interface}/{name}"));
    }

    fn unplug(tree: &Tree, pty: &Pty) {
        let name = pty.path().strip_prefix("/dev/").expect("a device").replace('/', "!");
        std::fs::remove_file(tree.path(&format!("class/tty/{name}"))).expect("it was there");
    }

    fn port(tree: &Tree, usb_id: Option<&str>) -> Port {
        let usb_id = usb_id.map(str::to_owned);
        let document = SerialPort { usb: Some("1-2".into()), usb_id, ..SerialPort::default() };
        Port { sysfs: tree.sysfs(), ..Port::new("relay b", document, 9_600, "`reports`") }
    }

    #[test]
    fn a_board_that_was_plugged_in_again_is_found_under_its_new_name() {
        let (tree, mut first, mut second) = (Tree::new(), Pty::open(), Pty::open());
        plug(&tree, &first, "0");
        let mut port = port(&tree, Some("1a86:7523"));
        port.tell(b"one", "telling").expect("it is there");
        assert_eq!(first.read(3), b"one");
        unplug(&tree, &first);
        let _number = first.unplug();
        let fault = port.alive().expect_err("gone");
        assert!(fault.what.contains("is gone") && fault.hint.is_some(), "{fault}");
        let fault = port.tell(b"two", "telling").expect_err("gone");
        assert_eq!(fault.what, "no serial port at USB port 1-2; there is: nothing");
        plug(&tree, &second, "0");
        port.tell(b"three", "telling").expect("it is there again");
        assert_eq!(second.read(5), b"three");
    }

    #[test]
    fn two_that_fit_and_one_of_another_kind_are_refused() {
        let (tree, one, other) = (Tree::new(), Pty::open(), Pty::open());
        plug(&tree, &one, "0");
        let fault = port(&tree, Some("0403:6001")).open().expect_err("another kind");
        assert!(fault.what.contains("is 1a86:7523, where 0403:6001 is due") && fault.hint.is_some(), "{fault:?}");
        plug(&tree, &other, "1");
        let fault = port(&tree, None).open().expect_err("two");
        assert!(fault.what.contains("several serial ports at USB port 1-2") && fault.hint.is_some(), "{fault:?}");
    }
}
