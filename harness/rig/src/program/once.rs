//! A program of the host that is run to its end, within a deadline.

use std::{ffi::OsString, io, os::unix::process::ExitStatusExt, path::Path, process::Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

use crate::{
    clock::Instant,
    hardware::{HostClock, within},
};

/// What is kept of complaints.
const COMPLAINTS: u64 = 4096;

/// Why a program gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    /// It is not installed.
    #[error("there is no program `{0}`")]
    NotThere(String),
    /// It could not be started, or listened to.
    #[error("running `{program}` failed: {source}")]
    Io { program: String, source: io::Error },
    /// It did not end.
    #[error("`{0}` had not ended at the deadline and was killed")]
    Late(String),
    /// It said more than anybody wants to know.
    #[error("`{program}` wrote more than {most} bytes")]
    Much { program: String, most: u64 },
    /// It ended with another code than 0.
    #[error("`{program}` {how}{complaint}")]
    Failed { program: String, how: String, complaint: String },
}

/// A program with all that it started, which end with it.
struct Group {
    child: Child,
    leader: Option<Pid>,
}

impl Drop for Group {
    fn drop(&mut self) {
        // A child that hangs on would go on talking to a unit while the next program asks it.
        if let Some(leader) = self.leader {
            // What has ended already needs no end.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// Runs a program with these arguments and this input, without a shell; gives what it wrote. It is killed, with all that it
/// started, at the deadline or when nobody waits for it any more.
pub(crate) async fn run(
    program: &Path,
    arguments: &[OsString],
    input: &[u8],
    most: u64,
    clock: HostClock,
    deadline: Instant,
) -> Result<Vec<u8>, ProgramError> {
    let name = || program.display().to_string();
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ProgramError::NotThere(name()),
        _ => ProgramError::Io { program: name(), source },
    };
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let leader = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let mut group = Group { child, leader };
    let ended = within(clock, deadline, converse(&mut group.child, input, most)).await;
    let (output, complaints, status) = match ended {
        None => return Err(ProgramError::Late(name())),
        Some(Err(source)) => return Err(ProgramError::Io { program: name(), source }),
        Some(Ok(None)) => return Err(ProgramError::Much { program: name(), most }),
        Some(Ok(Some(ended))) => ended,
    };
    if status.success() {
        return Ok(output);
    }
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "did not end well".to_owned(),
    };
    // Some write their complaints where their answers belong. What a program complains of last is why it ended.
    let complaints = if complaints.iter().all(u8::is_ascii_whitespace) { output } else { complaints };
    let text = String::from_utf8_lossy(&complaints);
    let line: String =
        text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().chars().take(200).collect();
    let complaint = if line.is_empty() { String::new() } else { format!(": {}", line.escape_debug()) };
    Err(ProgramError::Failed { program: name(), how, complaint })
}

type Ended = (Vec<u8>, Vec<u8>, std::process::ExitStatus);

async fn converse(child: &mut Child, input: &[u8], most: u64) -> io::Result<Option<Ended>> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A program may end without having read everything.
            let _ = stdin.write_all(input).await;
        }
    };
    let ((), output, complaints) = tokio::join!(feed, upto(most + 1, stdout), upto(COMPLAINTS, stderr));
    let output = output?;
    if output.len() as u64 > most {
        return Ok(None);
    }
    Ok(Some((output, complaints.unwrap_or_default(), child.wait().await?)))
}

/// Reads so many bytes at most; what comes after them meets a closed pipe.
async fn upto(most: u64, from: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use rstest::rstest;

    async fn sh(script: &str, input: &str, within_ns: i64) -> Result<Vec<u8>, String> {
        let clock = HostClock::start();
        let arguments = ["-c", script].map(OsString::from);
        let deadline = clock.now().plus(within_ns);
        run(Path::new("sh"), &arguments, input.as_bytes(), 1000, clock, deadline).await.map_err(|e| e.to_string())
    }

    #[rstest]
    #[case::echo("cat; echo end", "in ", Ok("in end\n"))]
    #[case::unread("echo end", "in", Ok("end\n"))]
    #[case::complains("echo one >&2; echo two >&2; exit 3", "", Err("ended with exit code 3: two"))]
    #[case::complains_where_answers_belong("echo no; exit 1", "", Err("exit code 1: no"))]
    #[case::killed("kill -9 $$", "", Err("signal 9"))]
    #[case::much("yes", "", Err("more than 1000 bytes"))]
    #[case::late("sleep 600", "", Err("had not ended at the deadline"))]
    #[tokio::test]
    async fn a_program_gives_its_output_or_why_not(
        #[case] script: &str,
        #[case] input: &str,
        #[case] said: Result<&str, &str>,
    ) {
        let patience = if script.starts_with("sleep") { 300_000_000 } else { 60_000_000_000 };
        match (sh(script, input, patience).await, said) {
            (Ok(output), Ok(due)) => assert_eq!(output, due.as_bytes()),
            (Err(text), Err(due)) => assert!(text.contains(due), "{text}"),
            (found, due) => panic!("{found:?} where {due:?} is due"),
        }
    }

    #[tokio::test]
    async fn what_is_not_installed_is_named() {
        let clock = HostClock::start();
        let found = run(Path::new("no-such-program"), &[], &[], 10, clock, clock.now().plus(60_000_000_000)).await;
        assert_eq!(found.expect_err("not there").to_string(), "there is no program `no-such-program`");
    }
}
