//! A program of the lab that says which firmware a unit runs.

use std::{io, os::unix::process::ExitStatusExt, process::Stdio};

use rigtone_model::document::CommandLine;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
};

use crate::{
    clock::Instant,
    hardware::{HostClock, within},
};

/// No version is longer; more is something else.
const LONGEST: usize = 256;
/// What is kept of complaints.
const COMPLAINTS: usize = 4096;

/// A program with all that it started, which end with it.
struct Group {
    child: Child,
    leader: Option<Pid>,
}

impl Drop for Group {
    fn drop(&mut self) {
        // A child that hangs on would go on talking to the unit while the next program asks it.
        if let Some(leader) = self.leader {
            // What has ended already needs no end.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// What a program says, as one word or line; else why there is none.
pub(crate) async fn output_of(command: &CommandLine, clock: HostClock, deadline: Instant) -> Result<String, String> {
    let [program, arguments @ ..] = command.program.as_slice() else {
        return Err("no program is named".to_owned());
    };
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| format!("starting `{program}` failed: {e}"))?;
    let leader = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let mut group = Group { child, leader };
    match within(clock, deadline, said_by(&mut group.child)).await {
        None => Err(format!("`{program}` had not ended after {} and was killed", command.within)),
        Some(Err(e)) => Err(format!("listening to `{program}` failed: {e}")),
        Some(Ok(said)) => said.version(program),
    }
}

/// What a program said before it ended.
struct Said {
    output: Vec<u8>,
    complaints: Vec<u8>,
    /// How it ended; nothing when it said so much that nobody waited for it.
    status: Option<std::process::ExitStatus>,
}

async fn said_by(child: &mut Child) -> io::Result<Said> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (output, complaints) = tokio::join!(upto(LONGEST + 1, stdout), upto(COMPLAINTS, stderr));
    let output = output?;
    let status = if output.len() > LONGEST { None } else { Some(child.wait().await?) };
    Ok(Said { output, complaints: complaints.unwrap_or_default(), status })
}

/// Reads so many bytes at most; what comes after them meets a closed pipe.
async fn upto(most: usize, from: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most as u64).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

impl Said {
    fn version(&self, program: &str) -> Result<String, String> {
        let Some(status) = self.status else {
            return Err(format!("`{program}` wrote more than {LONGEST} bytes, which is no version"));
        };
        if !status.success() {
            let how = match (status.code(), status.signal()) {
                (Some(code), _) => format!("ended with exit code {code}"),
                (None, Some(signal)) => format!("was ended by signal {signal}"),
                (None, None) => "did not end well".to_owned(),
            };
            let complaints = String::from_utf8_lossy(&self.complaints);
            let complaint = complaints.lines().map(str::trim).rfind(|line| !line.is_empty());
            let complaint: String = complaint.into_iter().flat_map(|line| line.chars().take(200)).collect();
            return Err(if complaint.is_empty() {
                format!("`{program}` {how}")
            } else {
                format!("`{program}` {how}: {}", complaint.escape_debug())
            });
        }
        match std::str::from_utf8(&self.output).map(str::trim) {
            Ok("") => Err(format!("`{program}` wrote nothing")),
            Ok(text) if text.chars().any(char::is_control) => {
                Err(format!("`{program}` wrote more than one line, or what is no text: {}", text.escape_debug()))
            }
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(format!("`{program}` wrote what is no text")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use rigtone_model::quantity::Duration;
    use rstest::rstest;

    async fn run(program: &[&str], within_ms: i64) -> Result<String, String> {
        let clock = HostClock::start();
        let command = CommandLine {
            program: program.iter().map(|word| (*word).to_owned()).collect(),
            within: Duration::from_ms(within_ms),
        };
        let deadline = clock.now().plus(command.within.ns());
        output_of(&command, clock, deadline).await
    }

    #[rstest]
    #[case::right("echo 2.1.1", Ok("2.1.1"))]
    #[case::words("printf ' 2.1.1 beta\\n\\n'", Ok("2.1.1 beta"))]
    #[case::exit_code("echo 2.1.1; echo no answer >&2; exit 3", Err("exit code 3: no answer"))]
    #[case::signal("kill -9 $$", Err("signal 9"))]
    #[case::nothing("true", Err("wrote nothing"))]
    #[case::two_lines("echo 2.1.1; echo 2.1.2", Err("more than one line"))]
    #[case::garbage("printf '\\377\\376\\0'", Err("no text"))]
    #[case::much("yes 2.1.1", Err("more than 256 bytes"))]
    #[case::much_of_both("yes 2.1.1 >&2 & yes; wait", Err("more than 256 bytes"))]
    #[case::complains_a_lot("yes no | head -c 1000000 >&2; exit 3", Err("`sh`"))]
    #[tokio::test]
    async fn what_a_program_writes_is_a_version_or_nothing(#[case] script: &str, #[case] said: Result<&str, &str>) {
        let found = run(&["sh", "-c", script], 20_000).await;
        match said {
            Ok(version) => assert_eq!(found.as_deref(), Ok(version)),
            Err(why) => {
                let text = found.expect_err("no version");
                assert!(text.contains(why), "{text}");
            }
        }
    }

    #[tokio::test]
    async fn no_shell_comes_between() {
        assert_eq!(run(&["echo", "$HOME;", "echo", "2"], 20_000).await.as_deref(), Ok("$HOME; echo 2"));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let text = run(&["/does/not/exist"], 20_000).await.expect_err("nothing to run");
        assert!(text.contains("starting `/does/not/exist` failed"), "{text}");
    }

    /// It and what it started, which holds its output open.
    #[tokio::test]
    async fn a_program_that_hangs_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let pids = folder.path().join("pids");
        let script = format!("sleep 600 & echo $! $$ > {}; wait", pids.display());
        let began = std::time::Instant::now();
        let text = run(&["sh", "-c", &script], 1_000).await.expect_err("it hangs");
        assert!(text.contains("had not ended after 1 s"), "{text}");
        assert!(began.elapsed() < std::time::Duration::from_secs(15), "nobody waits for it");
        let pids = std::fs::read_to_string(pids).expect("it had begun");
        for pid in pids.split_whitespace() {
            let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
            // A zombie has ended too; its parent is elsewhere.
            let is_gone = || state().is_none_or(|stat| stat.rsplit(')').next().is_some_and(|s| s.starts_with(" Z")));
            for _ in 0..200 {
                if is_gone() {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            assert!(is_gone(), "{pid} still runs");
        }
    }
}
