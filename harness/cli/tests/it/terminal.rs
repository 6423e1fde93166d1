//! What a terminal is shown, and what no pipe is shown.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Command, Stdio},
};

use rstest::rstest;
use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use crate::user::Home;

/// A report that is cut off is no report.
#[rstest]
#[case(&["check"])]
#[case(&["plan", "--json"])]
#[case(&["report", "run", "--format", "html"])]
#[case(&["completions", "bash"])]
#[case(&["--help"])]
fn output_that_finds_no_room_is_no_success(#[case] arguments: &[&str]) {
    let home = Home::new();
    let run = ["run", "--out", "run", "--select", "speaker=charge-5-fw110", "--select", "scenario=playback-heard"];
    home.rigtone(&run);
    let full = || Stdio::from(File::create("/dev/full").unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_rigtone"));
    let done = command.args(arguments).current_dir(home.path("")).stdin(Stdio::null()).stdout(full()).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(12), "{said}");
    assert!(said.contains("writing to standard output failed: No space left"), "{said}");
}

/// What became of a command at a terminal.
struct Shown {
    code: i32,
    /// All that was written to the terminal.
    terminal: String,
    /// What went into the pipe, if standard output was one.
    piped: String,
}

/// Who sits at a terminal.
struct Seat<'a> {
    /// Columns and rows.
    size: (u16, u16),
    /// Standard output goes into a pipe.
    piped: bool,
    /// What is typed; without it nobody listens to the keyboard.
    typed: Option<&'a str>,
}

/// A command whose errors, and whose output unless it is piped, go to a terminal.
fn seated(home: &Home, arguments: &[&str], environment: &[(&str, &str)], at: &Seat<'_>) -> Shown {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    tcsetwinsize(&master, Winsize { ws_col: at.size.0, ws_row: at.size.1, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let path = ptsname(&master, Vec::new()).unwrap();
    let seat = || {
        let seat = rustix::fs::open(&path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        Stdio::from(seat)
    };
    let mut child = Command::new(env!("CARGO_BIN_EXE_rigtone"))
        .args(arguments)
        .current_dir(home.path(""))
        .env("RIGTONE_STATE", home.path("state"))
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .envs(environment.iter().copied())
        .stdin(if at.typed.is_some() { seat() } else { Stdio::null() })
        .stdout(if at.piped { Stdio::piped() } else { seat() })
        .stderr(seat())
        .spawn()
        .unwrap();
    let pipe = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_string(&mut text).unwrap();
        }
        text
    });
    let (mut terminal, mut shown, mut block) = (File::from(master), Vec::new(), [0; 4096]);
    terminal.write_all(at.typed.unwrap_or_default().as_bytes()).unwrap();
    // The last one to close the seat ends it with an error.
    while let Ok(n @ 1..) = terminal.read(&mut block) {
        shown.extend_from_slice(&block[..n]);
    }
    let code = child.wait().unwrap().code().unwrap_or(-1);
    Shown { code, terminal: String::from_utf8_lossy(&shown).into_owned(), piped: reader.join().unwrap() }
}

/// A command with output and errors on a terminal: its exit code, and all that was written there.
fn on_a_terminal(
    home: &Home,
    arguments: &[&str],
    environment: &[(&str, &str)],
    columns: u16,
    rows: u16,
) -> (i32, String) {
    let shown = seated(home, arguments, environment, &Seat { size: (columns, rows), piped: false, typed: None });
    (shown.code, shown.terminal)
}

const RUN: [&str; 9] = [
    "run",
    "scenarios/starter/playback-heard.yaml",
    "--select",
    "speaker=s*",
    "--select",
    "source=echo-dot-5",
    "--out",
    "run",
    "--keep-evidence=none",
];

/// Control sequences, but the ends of lines.
fn escapes(shown: &str) -> usize {
    shown.chars().filter(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')).count()
}

/// The text of a display without what moves the cursor, line by line.
fn lines(shown: &str) -> Vec<String> {
    shown.split(['\n', '\r']).map(rigtone_report::sanitise::line).collect()
}

#[rstest]
#[case(40)]
#[case(80)]
#[case(120)]
fn a_run_at_a_terminal_shows_what_goes_on_in_lines_that_fit(#[case] columns: u16) {
    let home = Home::new();
    let (code, shown) = on_a_terminal(&home, &RUN, &[], columns, 24);
    assert_eq!(code, 10, "{shown}");
    let lines = lines(&shown);
    assert!(lines.iter().any(|line| line.contains("decided")), "{shown}");
    // The rig's clock is none that anybody waits by.
    assert!(lines.iter().any(|line| line.contains(" of rig time left")), "{shown}");
    assert!(lines.iter().any(|line| line.contains("writing reports")), "{shown}");
    // A display of several lines is written as one that fills each line of the window up with spaces.
    let display = lines.iter().filter(|line| line.contains(" decided") && line.contains(" open"));
    for line in display {
        let line: Vec<char> = line.chars().collect();
        let mut full = line.chunks_exact(usize::from(columns));
        assert!(full.all(|row| row.last() == Some(&' ')), "{}", line.iter().collect::<String>());
    }
    assert!(escapes(&shown) > 0);
}

#[rstest]
#[case::no_color(&["--no-color"], &[])]
#[case::no_color_of_the_environment(&[], &[("NO_COLOR", "1")])]
fn without_colours_there_are_none(#[case] arguments: &[&str], #[case] environment: &[(&str, &str)]) {
    let home = Home::new();
    let (_, coloured) = on_a_terminal(&home, &RUN, &[], 100, 24);
    assert!(coloured.contains("\u{1b}[1;31m"), "{coloured}");
    let report = ["report", "run"];
    let (_, plain) = on_a_terminal(&home, &[&report[..], arguments].concat(), environment, 100, 24);
    assert_eq!(escapes(&plain), 0, "{plain}");
    let (_, help) = on_a_terminal(&home, &[&["report", "--help"], arguments].concat(), environment, 100, 24);
    assert_eq!(escapes(&help), 0, "{help}");
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let (code, shown) = on_a_terminal(&Home::new(), &RUN, &[("TERM", "dumb")], 100, 24);
    assert_eq!((code, escapes(&shown)), (10, 0), "{shown}");
    assert!(shown.contains("exit code 10:"));
}

#[test]
fn quiet_leaves_the_result() {
    let (code, shown) = on_a_terminal(&Home::new(), &[&RUN[..], &["--quiet"]].concat(), &[], 100, 24);
    assert_eq!(code, 10);
    assert!(shown.starts_with("exit code 10: ") && shown.trim_end().lines().count() == 1, "{shown}");
}

#[test]
fn quiet_says_errors() {
    Home::empty().rigtone(&["-q", "report", "nowhere"]).with_code(2).says(&["error:", "help:"]);
}

#[test]
fn no_escape_goes_into_a_pipe() {
    let done = Home::new().rigtone(&RUN).with_code(10);
    assert_eq!(escapes(&format!("{}{}", done.out, done.err)), 0, "{}", done.err);
    assert!(!done.err.contains("decided"), "no progress either: {}", done.err);
}

#[test]
fn a_pipe_beside_a_terminal_gets_no_escape_either() {
    let shown = seated(&Home::new(), &RUN, &[], &Seat { size: (100, 24), piped: true, typed: None });
    assert_eq!((shown.code, escapes(&shown.piped)), (10, 0), "{}", shown.piped);
    assert!(shown.piped.contains("exit code 10:") && shown.terminal.contains(" decided"), "{}", shown.terminal);
}

#[test]
fn few_rows_have_one_line() {
    let (code, shown) = on_a_terminal(&Home::new(), &RUN, &[], 80, 8);
    assert_eq!(code, 10);
    let lines = lines(&shown);
    let display: Vec<&String> = lines.iter().filter(|line| line.contains(" decided, ")).collect();
    assert!(!display.is_empty() && display.iter().all(|line| line.contains(" of at most ")), "{shown}");
}

/// The commands that `--help` lists below another one; none of one that has none.
fn commands_below(home: &Home, parent: &[String]) -> Vec<Vec<String>> {
    let arguments: Vec<&str> = parent.iter().map(String::as_str).chain(["--help"]).collect();
    let help = home.rigtone(&arguments).with_code(0).out;
    let Some((_, listed)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let listed = listed.split("\n\n").next().unwrap();
    let is_name = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let names = listed.lines().filter(is_name).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(|name| [parent, &[name.to_owned()]].concat()).collect()
}

/// Every command at every depth has a page, as `--help` lists them, and no page makes the formatter complain.
#[test]
fn each_command_has_a_manual_page() {
    let home = Home::empty();
    home.rigtone(&["man", "--out", "man"]).with_code(0).says(&["man/rigtone.1"]);
    let groff = Command::new("groff").arg("--version").output().is_ok();
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    let mut found = Vec::new();
    while let Some(command) = open.pop() {
        open.extend(commands_below(&home, &command));
        let name = [&["rigtone".to_owned()][..], &command].concat().join("-");
        let page = home.path(format!("man/{name}.1"));
        assert!(page.is_file(), "{name}.1 is missing");
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(text.contains(concat!("\"rigtone ", env!("CARGO_PKG_VERSION"), "\"")), "{name}: {text:.200}");
        let tells = ["rigtone", "rigtone-run", "rigtone-merge", "rigtone-judge", "rigtone-report"].contains(&&*name);
        for code in ["0", "1", "2", "3", "10", "11", "12", "13", "130"] {
            assert_eq!(text.contains(&format!(".TP\n\\fB{code}\\fR\n")), tells, "{name}: {code}");
        }
        if groff {
            let output = Command::new("groff").args(["-man", "-ww", "-z", "-Tutf8", "-k"]).arg(&page).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && said.is_empty(), "{said}");
        }
        found.push(name);
    }
    for name in ["rigtone-run", "rigtone-rig-check", "rigtone-device-new", "rigtone-key-new"] {
        assert!(found.iter().any(|found| found == name), "{name} is not among {found:?}");
    }
}

/// Types answers to `device new`.
fn answered(home: &Home, typed: &str) -> Shown {
    seated(home, &["device", "new", "acme/boom"], &[], &Seat { size: (100, 24), piped: false, typed: Some(typed) })
}

#[test]
fn a_device_is_described_by_answers_and_a_wrong_one_is_asked_for_again() {
    let home = Home::empty();
    // The name on the box, roles, codecs, name over the air, gesture, supply, battery, boot, firmware, source.
    let answers =
        "\nAcme Boom\nspeaker\na2dp-sink\naac, ldac\n\npower 5\npower 5 s\nusb\nperhaps\nyes\n\n1.0 1.1\nits manual\n";
    let shown = answered(&home, answers);
    assert_eq!(shown.code, 0, "{}", shown.terminal);
    for said in [
        "The document cannot do without it.",
        "`speaker` is not one of",
        "`power 5` is no gesture",
        "neither `yes` nor `no`",
    ] {
        assert!(shown.terminal.contains(said), "`{said}` is not in\n{}", shown.terminal);
    }
    let text = std::fs::read_to_string(home.path("devices/acme/boom.yaml")).unwrap();
    for line in [
        "title: Acme Boom",
        "roles: [a2dp-sink]",
        "codecs: [sbc, aac, ldac]",
        "battery: true",
        "  air-name: {mark: unknown}",
        "  boot: {mark: unknown}",
        "  power: {mark: known, from: [said]}",
        "  gestures.pairing-mode: {mark: known, from: [said]}",
        "  said: its manual",
    ] {
        assert!(text.contains(line), "`{line}` is not in\n{text}");
    }
    home.rigtone(&["check", "devices"]).with_code(0).says(&["1 device,", "no faults"]);
}

/// The key that ends the input, in the middle of it.
#[test]
fn a_terminal_that_ends_before_all_was_said_leaves_no_document() {
    let home = Home::empty();
    let shown = answered(&home, "Acme Boom\na2dp-sink\n\u{4}");
    assert_eq!(shown.code, 2, "{}", shown.terminal);
    assert!(
        shown.terminal.contains("the terminal ended before all was said; nothing was written"),
        "{}",
        shown.terminal
    );
    assert!(!home.path("devices").exists());
}
