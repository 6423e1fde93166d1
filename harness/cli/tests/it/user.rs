//! A user: a folder with documents, and commands typed in it.

use std::{
    fmt::Debug,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// Nothing that is typed here takes as long on any machine: what does hangs.
const DEADLINE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(5);

/// The repository.
pub(crate) fn repository() -> PathBuf {
    fs::canonicalize(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).unwrap()
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.out, self.err);
        self
    }

    /// Standard output and error hold all of these.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        let said = format!("{}{}", self.out, self.err);
        for part in parts {
            assert!(said.contains(part), "`{part}` is not said:\n{said}");
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}:\n{}", self.out))
    }
}

/// A command that runs.
pub(crate) struct Running {
    child: Child,
    out: JoinHandle<Vec<u8>>,
    err: JoinHandle<Vec<u8>>,
}

fn drain(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            stream.read_to_end(&mut bytes).unwrap();
        }
        bytes
    })
}

/// Looks again and again until there is something to see.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begin.elapsed() < DEADLINE, "waited in vain for {what}");
        thread::sleep(POLL);
    }
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
        Self { child, out, err }
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for the end of a command that was killed; tells whether that was what ended it.
    pub(crate) fn killed(mut self) -> bool {
        use std::os::unix::process::ExitStatusExt;
        let status = self.child.wait().unwrap();
        let _ = (self.out.join(), self.err.join());
        status.signal().is_some()
    }

    /// Waits for the end; a command that hangs is ended, and the test with it.
    #[track_caller]
    pub(crate) fn done(mut self) -> Done {
        let begin = Instant::now();
        let status = loop {
            match self.ended() {
                Some(status) => break status,
                None if begin.elapsed() > DEADLINE => {
                    self.child.kill().unwrap();
                    panic!("the command hangs");
                }
                None => thread::sleep(POLL),
            }
        };
        let text = |stream: JoinHandle<Vec<u8>>| String::from_utf8(stream.join().unwrap()).unwrap();
        let done = Done { code: status.code().unwrap_or(-1), out: text(self.out), err: text(self.err) };
        assert!(!done.err.contains("panicked"), "{}", done.err);
        assert!(status.code().is_some(), "{status}: {}", done.err);
        done
    }
}

/// A folder with the documents of the repository, or with none.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn empty() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// With copies of all documents of the repository.
    pub(crate) fn new() -> Self {
        let home = Self::empty();
        for folder in ["scenarios", "devices", "rigs", "suites"] {
            copy_documents(&repository().join(folder), &home.path(folder));
        }
        home
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A document, changed at a place that it must have.
    pub(crate) fn changed(&self, name: &str, from: &str, to: &str) -> String {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} has no `{from}`");
        text.replace(from, to)
    }

    /// Types a command here.
    #[track_caller]
    pub(crate) fn rigtone(&self, arguments: &[&str]) -> Done {
        self.start(arguments).done()
    }

    /// Types a command where no file can grow beyond so many bytes, as on a full disk.
    #[track_caller]
    pub(crate) fn rigtone_with_room(&self, bytes: u64, arguments: &[&str]) -> Done {
        let mut shell = Command::new("bash");
        // Blocks of 1024 bytes. The signal that comes with the limit would end the command; a full disk sends none.
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", bytes / 1024);
        shell.args(["-c", &script, "bash", env!("CARGO_BIN_EXE_rigtone")]).args(arguments);
        shell.current_dir(self.0.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::start(shell).done()
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::start(command(self.0.path(), arguments, Stdio::piped()))
    }

    /// Types a command whose reader has gone.
    #[track_caller]
    pub(crate) fn rigtone_unread(&self, arguments: &[&str]) -> Done {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Running::start(command(self.0.path(), arguments, writer.into())).done()
    }

    pub(crate) fn read_json(&self, name: &str) -> Value {
        read_json(&self.path(name))
    }
}

pub(crate) fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).unwrap()
}

/// Types a command in the repository itself, which it must not change.
#[track_caller]
pub(crate) fn rigtone_in_repository(arguments: &[&str]) -> Done {
    Running::start(command(&repository(), arguments, Stdio::piped())).done()
}

fn command(folder: &Path, arguments: &[&str], out: Stdio) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rigtone"));
    // What outlives a command stays in its user's folder.
    command.env("RIGTONE_STATE", folder.join("state"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(out).stderr(Stdio::piped());
    command
}

fn copy_documents(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if path.is_dir() && !hidden {
            copy_documents(&path, &copy);
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "wav") {
            fs::copy(&path, copy).unwrap();
        }
    }
}

/// Copies a run, so that a test may spoil it.
pub(crate) fn copy_run(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in ["plan.json", "environment.json", "events.jsonl", "verdicts.json", "junit.xml"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

/// Copies what a run had recorded when its log was `log`.
pub(crate) fn copy_evidence(from: &Path, to: &Path, log: &str) {
    fs::create_dir_all(to.join("evidence")).unwrap();
    for name in ["plan.json", "environment.json"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
    fs::write(to.join("events.jsonl"), log).unwrap();
    for line in log.lines().filter(|line| line.contains("\"kind\":\"evidence\"")) {
        let event: Value = serde_json::from_str(line).unwrap();
        let file = event["payload"]["file"].as_str().unwrap();
        fs::create_dir_all(to.join(file).parent().unwrap()).unwrap();
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
}

/// Holds a document against its published schema.
#[track_caller]
pub(crate) fn keeps_to(schema: &str, document: &Value) {
    let schema = read_json(&repository().join("reports/schemas").join(schema));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(document).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert_eq!(faults, Vec::<String>::new());
}
