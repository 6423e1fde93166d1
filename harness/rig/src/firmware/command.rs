//! A program of the lab that says which firmware a unit runs.

use std::{ffi::OsString, path::Path};

use rigtone_model::document::CommandLine;

use crate::{
    clock::Instant,
    hardware::HostClock,
    program::once::{ProgramError, run},
};

/// No version is longer; more is something else.
const LONGEST: u64 = 256;

/// What a program says, as one word or line; else why there is none.
pub(crate) async fn output_of(command: &CommandLine, clock: HostClock, deadline: Instant) -> Result<String, String> {
    let [program, arguments @ ..] = command.program.as_slice() else {
        return Err("no program is named".to_owned());
    };
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let said =
        run(Path::new(program), &arguments, &[], LONGEST, clock, deadline).await.map_err(|error| match error {
            ProgramError::Late(program) => format!("`{program}` had not ended after {} and was killed", command.within),
            ProgramError::Much { .. } => format!("{error}, which is no version"),
            error => error.to_string(),
        })?;
    match std::str::from_utf8(&said).map(str::trim) {
        Ok("") => Err(format!("`{program}` wrote nothing")),
        Ok(text) if text.chars().any(char::is_control) => {
            Err(format!("`{program}` wrote more than one line, or what is no text: {}", text.escape_debug()))
        }
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(format!("`{program}` wrote what is no text")),
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
        assert!(text.contains("there is no program `/does/not/exist`"), "{text}");
    }

    /// It and what it started, which holds its output open.
    #[tokio::test]
    async fn a_program_that_hangs_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let pids = folder.path().join("pids");
        let script = format!("sleep 600 & echo $! $$ > {0}.new; mv {0}.new {0}; wait", pids.display());
        let began = std::time::Instant::now();
        // It gets longer each time that this host did not let it begin.
        for within_s in [1, 4, 16, 50] {
            let text = run(&["sh", "-c", &script], within_s * 1_000).await.expect_err("it hangs");
            assert!(text.contains(&format!("had not ended after {within_s} s")), "{text}");
            if pids.exists() {
                break;
            }
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(300), "nobody waits for it");
        let pids = std::fs::read_to_string(pids).expect("it had begun");
        for pid in pids.split_whitespace() {
            let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
            // A zombie has ended too; its parent is elsewhere.
            let is_gone = || state().is_none_or(|stat| stat.rsplit(')').next().is_some_and(|s| s.starts_with(" Z")));
            let killed = std::time::Instant::now();
            while !is_gone() {
                assert!(killed.elapsed() < std::time::Duration::from_secs(60), "{pid} still runs");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
}
