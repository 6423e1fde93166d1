//! Programs that do well, and programs that do not.

use super::{
    process::{Outcome, Program, Setup},
    source::Source,
};
use crate::{
    capability::{Address, Codec, Connecting, FailureClass, Inquiry, Pairing, Profile, Programme, Streaming, Wish},
    clock::{Clock, Instant},
    hardware::HostClock,
};
use rigtone_audio::stimulus::Stimulus;
use rigtone_model::{
    document::{SourceAbility, SourceProgram},
    quantity,
    trial::InfrastructureFault,
};
use rstest::rstest;
use serde_json::{Map, Value, json};
use std::{fs, path::PathBuf, sync::atomic::AtomicBool, time::Duration};

const HELLO: &str = r#"read g; echo '{"rigtone": 1, "can": ["pairing", "connecting", "streaming"]}'; "#;
const PATIENCE: i64 = 30_000_000_000;
const TARGET: Address = Address([0xD2, 0, 0, 0, 0, 1]);
const WISH: Wish = Wish { profile: Profile::A2dp, codec: Codec::Sbc, configured: None };

fn setup(script: &str) -> Setup {
    Setup {
        member: "unit phone".to_owned(),
        program: ["sh", "-c", script].map(str::to_owned).to_vec(),
        of: json!({"unit": "phone"}),
        can: vec!["pairing".to_owned()],
        starts_within: Duration::from_secs(30),
    }
}

fn ask(script: &str, patience_ns: i64) -> Result<Outcome, InfrastructureFault> {
    let clock = HostClock::start();
    let mut program = Program::new(setup(script), clock);
    program.start()?;
    program.ask("pair", &json!({"target": "x"}), clock.now().plus(patience_ns), &AtomicBool::new(false))
}

#[test]
fn a_program_is_greeted_and_gives_its_answer() {
    let script = r#"read g; echo "$g" >&2; [ "$g" = '{"rigtone":1,"for":{"unit":"phone"}}' ] || exit 9
        echo '{"rigtone": 1, "can": ["pairing"]}'; read o
        for due in '"id":1' '"do":"pair"' '"within_ms":2' '"target":"x"'; do case "$o" in *"$due"*) ;; *) exit 8;; esac; done
        echo '{"id": 1, "done": {"rssi_dbm": -50}}'
        read rest"#;
    let done: Map<String, Value> = [("rssi_dbm".to_owned(), json!(-50))].into_iter().collect();
    assert_eq!(ask(script, PATIENCE), Ok(Outcome { began: None, ended: Ok(done) }));
}

#[rstest]
#[case::not_there("exec /does/not/exist", "exit code 127")]
#[case::ends_at_once("echo no phone >&2; exit 3", "ended with exit code 3; it complained: no phone")]
#[case::no_hello("read g; echo ready; read o", "wrote `ready`: it is no hello")]
#[case::other_version(r#"read g; echo '{"rigtone": 7, "can": []}'; read o"#, "speaks version 7")]
#[case::less(
    r#"read g; echo '{"rigtone": 1, "can": ["connecting"]}'; read o"#,
    "does not say that it can do `pairing`; it can: connecting"
)]
#[case::dies(&format!("{HELLO} read o; echo cable >&2; kill -9 $$"), "was ended by signal 9; it complained: cable")]
#[case::goes(&format!("{HELLO} read o; exit 0"), "ended with exit code 0")]
#[case::chatters(&format!("{HELLO} read o; echo pairing...; read o"), "wrote `pairing...`: it is no answer")]
#[case::old_answer(&format!("{HELLO} read o; echo '{{\"id\": 9, \"done\": {{}}}}'; read o"), "answers the order 9, where 1 is due")]
#[case::no_text(&format!("{HELLO} read o; printf '\\377\\n'; read o"), "what is no text")]
#[case::half(&format!("{HELLO} read o; printf '{{\"id\": 1, \"done\"'; exit 0"), "it is no answer")]
#[case::endless(&format!("{HELLO} read o; yes | tr -d '\\n'"), "a line of more than 65536 bytes")]
#[case::faulty(&format!("{HELLO} read o; echo '{{\"id\": 1, \"fault\": {{\"what\": \"no phone\", \"hint\": \"plug it in\"}}}}'; read o"), "no phone")]
fn a_program_that_does_not_do_well_is_the_rigs_fault(#[case] script: &str, #[case] said: &str) {
    let fault = ask(script, PATIENCE).expect_err("nothing is known");
    assert_eq!(fault.member, "unit phone");
    assert!(fault.what.contains(said) && fault.hint.is_some(), "{fault:?}");
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let mut program =
        Program::new(Setup { program: vec!["/does/not/exist".to_owned()], ..setup("") }, HostClock::start());
    let fault = program.start().map(<[String]>::to_vec).expect_err("nothing to run");
    assert!(fault.what.contains("starting `/does/not/exist` failed"), "{fault:?}");
}

/// Whether a process has ended; a zombie has.
fn is_gone(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|s| s.starts_with(" Z")))
        || !fs::exists(format!("/proc/{pid}")).unwrap_or(true)
}

fn until_gone(pids: &str) {
    let end = std::time::Instant::now() + Duration::from_secs(20);
    for pid in pids.split_whitespace() {
        while !is_gone(pid) {
            assert!(std::time::Instant::now() < end, "{pid} still runs");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// It, and what it started, which holds its output open.
#[test]
fn a_program_that_is_late_is_killed_with_all_that_it_started_and_started_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let pids = folder.path().join("pids");
    let answers = r#"read o; echo '{"id": 1, "done": {}}'; read o"#;
    let script = format!(
        "{HELLO} if [ -e {0} ]; then {answers}; else echo busy >&2; sleep 600 & echo $! $$ > {0}.new; mv {0}.new {0}; wait; fi",
        pids.display()
    );
    let clock = HostClock::start();
    let mut program = Program::new(setup(&script), clock);
    program.start().expect("it says hello");
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while !pids.exists() {
        assert!(std::time::Instant::now() < end, "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    let fault = program
        .ask("pair", &Value::Null, clock.now().plus(300_000_000), &AtomicBool::new(false))
        .expect_err("it hangs");
    assert!(fault.what.contains("had not answered in time, and was ended; it complained: busy"), "{fault:?}");
    until_gone(&fs::read_to_string(&pids).expect("it had begun"));
    let outcome = program.ask("pair", &Value::Null, clock.now().plus(PATIENCE), &AtomicBool::new(false));
    assert_eq!(outcome, Ok(Outcome { began: None, ended: Ok(Map::new()) }), "a new one answers");
}

#[test]
fn a_program_ends_with_its_input_or_is_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pid, well) = (folder.path().join("pid"), folder.path().join("well"));
    let script = format!("echo $$ > {}; {HELLO} read o || echo yes > {}", pid.display(), well.display());
    let mut program = Program::new(setup(&script), HostClock::start());
    // No load of the host may end it before it has ended.
    program.farewell = Duration::from_secs(60);
    program.start().expect("it says hello");
    drop(program);
    assert_eq!(fs::read_to_string(&well).expect("it ended by itself"), "yes\n");
    let script = format!("echo $$ > {}; {HELLO} sleep 600", pid.display());
    let mut program = Program::new(setup(&script), HostClock::start());
    program.start().expect("it says hello");
    let running = fs::read_to_string(&pid).expect("it runs");
    drop(program);
    until_gone(&running);
}

#[test]
fn a_program_that_died_between_two_orders_is_started_again() {
    let clock = HostClock::start();
    let script = format!(r#"{HELLO} read o; echo '{{"id": 1, "done": {{}}}}'; exit 0"#);
    let mut program = Program::new(setup(&script), clock);
    for _ in 0..2 {
        // The first one may be dying still: then its end is seen, and said.
        let outcome = (0..5)
            .find_map(|_| program.ask("pair", &Value::Null, clock.now().plus(PATIENCE), &AtomicBool::new(false)).ok());
        assert_eq!(outcome, Some(Outcome { began: None, ended: Ok(Map::new()) }));
    }
}

fn source(program: Vec<String>, can: &[SourceAbility], clock: HostClock) -> Source {
    let document = SourceProgram { program, can: can.to_vec(), starts_within: quantity::Duration::from_s(30) };
    Source::new("phone", TARGET, &document, clock)
}

fn example(name: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/command").join(name);
    vec!["python3".to_owned(), path.display().to_string()]
}

#[tokio::test]
async fn the_phone_of_the_documentation_is_a_source() {
    use SourceAbility::{Connecting, Pairing, Streaming};
    let clock = HostClock::start();
    let patience = || clock.now().plus(PATIENCE);
    let phone = source(example("phone.py"), &[Pairing, Connecting, Streaming], clock);
    assert_eq!(phone.check().await, Ok("its program can do pairing, connecting, streaming".to_owned()));
    let fault = phone.connect(TARGET, WISH, patience()).await.expect_err("no bond");
    assert_eq!((fault.what.as_str(), fault.hint.as_deref()), ("the phone has no bond with it", Some("pair first")));
    assert_eq!(phone.pair(TARGET, patience()).await, Ok(Ok(())));
    let failure = phone.connect(TARGET, Wish { codec: Codec::Ldac, ..WISH }, patience()).await.expect("it is well");
    assert_eq!(failure.expect_err("it has none").class, FailureClass::Unsupported);
    let link = phone.connect(TARGET, WISH, patience()).await.expect("it is well").expect("connected");
    assert_eq!((link.codec, link.rate_hz, link.reported_delay_ns), (Codec::Sbc, 44_100, None));
    let stimulus = Stimulus::build("smoke".parse().expect("a name"), 44_100, 7).expect("a stimulus");
    phone.prepare(&Programme::once(&stimulus), WISH, patience()).await.expect("prepared");
    let before = clock.now();
    let played = phone.stream(TARGET, &Programme::once(&stimulus), patience()).await.expect("it is well");
    let emission = played.emission.expect("it began");
    assert_eq!((emission.uncertainty_ns, played.ended), (50_000_000, Ok(())));
    let length_ns = (stimulus.duration_s() * 1e9) as i64;
    assert!(before <= emission.at && emission.at <= clock.now(), "when it began is known");
    assert!(clock.now().since(before) >= length_ns, "all of it was played");
    assert_eq!(phone.disconnect(TARGET, patience()).await, Ok(()));
    let lost = phone.stream(TARGET, &Programme::once(&stimulus), patience()).await.expect("it is well");
    assert_eq!((lost.emission, lost.ended.map_err(|failure| failure.class)), (None, Err(FailureClass::LinkLost)));
    assert_eq!(phone.forget(TARGET, patience()).await, Ok(()));
}

fn shell(answer: &str) -> Vec<String> {
    ["sh", "-c", &format!("{HELLO} read o; echo '{answer}'; read o")].map(str::to_owned).to_vec()
}

#[rstest]
#[case(r#"{"id": 1, "done": {"codec": "sbc", "rate_hz": 44100, "configuration": "21ff0235", "delay_ms": 150}}"#, "")]
#[case(r#"{"id": 1, "done": {}}"#, "missing field")]
#[case(r#"{"id": 1, "done": {"codec": "mp3", "rate_hz": 44100}}"#, "mp3")]
#[case(r#"{"id": 1, "done": {"codec": "sbc", "rate_hz": 8000}}"#, "no stimulus has 8000")]
#[case(r#"{"id": 1, "done": {"codec": "sbc", "rate_hz": 44100, "configuration": "21f"}}"#, "no row of hexadecimal")]
#[case(r#"{"id": 1, "done": {"codec": "sbc", "rate_hz": 44100, "delay_ms": -1}}"#, "`delay_ms`")]
#[tokio::test]
async fn what_was_agreed_on_is_understood_or_a_fault(#[case] answer: &str, #[case] why: &str) {
    let clock = HostClock::start();
    let phone = source(shell(answer), &[SourceAbility::Connecting], clock);
    match phone.connect(TARGET, WISH, clock.now().plus(PATIENCE)).await {
        Ok(link) => {
            let link = link.expect("connected");
            assert_eq!((link.configuration, link.reported_delay_ns), (vec![0x21, 0xFF, 2, 0x35], Some(150_000_000)));
            assert!(why.is_empty());
        }
        Err(fault) => assert!(!why.is_empty() && fault.what.contains(why), "{fault:?}"),
    }
}

#[tokio::test]
async fn what_cannot_fail_for_the_device_is_a_fault() {
    let clock = HostClock::start();
    let failed = r#"{"id": 1, "failed": {"class": "link-lost"}}"#;
    let phone = source(shell(failed), &[SourceAbility::Pairing], clock);
    let fault = phone.forget(TARGET, clock.now().plus(PATIENCE)).await.expect_err("no failure");
    assert!(fault.what.contains("which it cannot") && fault.hint.is_some(), "{fault:?}");
    let phone = source(shell(r#"{"id": 1, "failed": {"class": "not-discovered"}}"#), &[SourceAbility::Pairing], clock);
    let failure =
        phone.find(TARGET, None, clock.now().plus(PATIENCE)).await.expect("it is well").expect_err("not found");
    assert_eq!(failure.class, FailureClass::NotDiscovered);
}

#[tokio::test]
async fn playing_without_saying_when_it_began_proves_nothing() {
    let clock = HostClock::start();
    let phone = source(shell(r#"{"id": 1, "done": {}}"#), &[SourceAbility::Streaming], clock);
    let stimulus = Stimulus::build("smoke".parse().expect("a name"), 44_100, 7).expect("a stimulus");
    let fault =
        phone.stream(TARGET, &Programme::once(&stimulus), clock.now().plus(PATIENCE)).await.expect_err("no time");
    assert!(fault.what.contains("did not say when"), "{fault:?}");
}

#[tokio::test]
async fn an_order_that_is_given_up_ends_the_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let pids = folder.path().join("pids");
    let script = format!("{HELLO} read o; sleep 600 & echo $! $$ > {0}.new; mv {0}.new {0}; wait", pids.display());
    let clock = HostClock::start();
    let program = ["sh", "-c", &script].map(str::to_owned).to_vec();
    let phone = source(program, &[SourceAbility::Pairing], clock);
    {
        let pairing = phone.pair(TARGET, Instant(i64::MAX / 2));
        tokio::pin!(pairing);
        while !pids.exists() {
            assert!(futures::poll!(&mut pairing).is_pending());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    until_gone(&fs::read_to_string(&pids).expect("it had begun"));
}

/// What stands on the page goes between Rigtone and the program, line by line.
#[test]
fn the_page_shows_what_is_said() {
    use std::{
        io::{BufRead, BufReader, Write},
        process::{Command, Stdio},
    };
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/command.md");
    let page = fs::read_to_string(page).expect("the page");
    let (_, rest) = page.split_once("```text\n").expect("a transcript");
    let (transcript, _) = rest.split_once("```").expect("its end");
    let [program, script] = example("power_strip.py").try_into().expect("two words");
    let mut child = Command::new(program)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python 3 is there");
    let mut input = child.stdin.take().expect("piped");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let mut lines = 0;
    for line in transcript.lines() {
        let (side, said) = line.split_once(' ').expect("a side");
        let due: Value = serde_json::from_str(said).expect("JSON");
        match side {
            ">" => writeln!(input, "{said}").expect("it listens"),
            "<" => {
                let mut found = String::new();
                output.read_line(&mut found).expect("it answers");
                assert_eq!(serde_json::from_str::<Value>(&found).expect("JSON"), due);
                let id = due["id"].as_u64();
                let understood = id.map_or_else(
                    || super::protocol::Hello::read(said).map(drop),
                    |id| super::protocol::said(id, said).map(drop),
                );
                assert_eq!(understood, Ok(()), "{said}");
            }
            other => panic!("{other}"),
        }
        lines += 1;
    }
    assert!(lines >= 6);
    drop(input);
    assert!(child.wait().expect("it ends").success());
}

#[cfg(feature = "serial")]
mod switching {
    use super::*;
    use crate::{power::Line, program::Switch};
    use rigtone_model::document::SwitchProgram;
    use std::num::NonZeroU8;

    fn switch(program: Vec<String>) -> Switch {
        let document = SwitchProgram { program, within: quantity::Duration::from_s(10) };
        Switch::new("relay strip", &document, 4)
    }

    fn number(channel: u8) -> NonZeroU8 {
        NonZeroU8::new(channel).expect("from 1")
    }

    #[test]
    fn the_power_strip_of_the_documentation_is_a_board() {
        let mut strip = switch(example("power_strip.py"));
        assert_eq!(strip.open(), Ok(()));
        assert_eq!(strip.switch(number(2), true), Ok(Some(true)));
        assert_eq!((strip.position(number(2)), strip.position(number(1))), (Ok(Some(true)), Ok(Some(false))));
        assert_eq!(strip.switch(number(2), false), Ok(Some(false)));
        assert_eq!(strip.pulse(number(1), Duration::from_secs(1)), Ok(false), "it cannot");
        let fault = strip.switch(number(9), true).expect_err("no such channel");
        assert_eq!((fault.what.as_str(), fault.hint.as_deref()), ("there is no channel 9", Some("it has 4")));
        assert_eq!(strip.alive(), Ok(()), "a refusal is no reason to die");
    }

    fn script(can: &str, answer: &str) -> Vec<String> {
        let script = format!(r#"read g; echo '{{"rigtone": 1, "can": {can}}}'; read o; echo '{answer}'; read o"#);
        ["sh", "-c", &script].map(str::to_owned).to_vec()
    }

    #[test]
    fn what_a_switch_does_not_tell_is_not_known() {
        let mut silent = switch(script(r#"["switch"]"#, r#"{"id": 1, "done": {}}"#));
        assert_eq!(silent.switch(number(1), true), Ok(None));
        assert_eq!(silent.position(number(1)), Ok(None));
        let mut timed = switch(script(r#"["switch", "pulse"]"#, r#"{"id": 1, "done": {"begun": true}}"#));
        assert_eq!(timed.pulse(number(1), Duration::from_secs(1)), Ok(true));
    }

    #[rstest]
    #[case(r#"{"id": 1, "done": {"on": 1}}"#, "neither true nor false")]
    #[case(
        r#"{"id": 1, "failed": {"class": "unsupported", "detail": "fuse"}}"#,
        "its program says that it failed: fuse"
    )]
    fn a_switch_is_no_device_under_test(#[case] answer: &str, #[case] said: &str) {
        let mut switch = switch(script(r#"["switch"]"#, answer));
        let fault = switch.switch(number(1), true).expect_err("a fault");
        assert!(fault.what.contains(said) && fault.hint.is_some(), "{fault:?}");
    }
}
