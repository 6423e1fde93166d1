//! The worst that can lie where documents and runs are due: the command says what it is, at once, and in little memory.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, symlink},
        process::CommandExt as _,
    },
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rstest::rstest;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::user::{Done, Home};

/// What a command may take from the machine, in KiB: half a GiB, address space included.
const MEMORY_KIB: u64 = 1 << 19;
/// Nothing here takes as long on any machine.
const DEADLINE: Duration = Duration::from_secs(300);

/// Types a command in a shell that allows it so much address space, and measures the most memory that it held.
#[track_caller]
fn limited(home: &Home, arguments: &[&str]) -> (Done, u64) {
    let [out, err] = ["out", "err"].map(|name| home.path(name));
    let mut child = Command::new("sh")
        .args(["-c", &format!("ulimit -v {MEMORY_KIB} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_rigtone")])
        .args(arguments)
        .current_dir(home.path(""))
        .stdin(Stdio::null())
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(&err).unwrap())
        .spawn()
        .unwrap();
    let (begun, status_file, mut peak) = (Instant::now(), format!("/proc/{}/status", child.id()), 0);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > DEADLINE {
            child.kill().unwrap();
            panic!("the command hangs: {arguments:?}");
        }
        let text = fs::read_to_string(&status_file).unwrap_or_default();
        let kib = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        thread::sleep(Duration::from_millis(2));
    };
    let text = |path: &Path| String::from_utf8(fs::read(path).unwrap()).unwrap();
    let done = Done { code: status.code().unwrap_or(-1), out: text(&out), err: text(&err) };
    assert!(status.code().is_some() && !done.err.contains("panicked"), "{arguments:?}: {status}: {}", done.err);
    (done, peak)
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

fn scenario(name: &str, more: &str, expect: &str) -> String {
    format!(
        "scenario: {name}\ntitle: x\nmatrix:\n  source: {{role: a2dp-source}}\n  speaker: {{role: a2dp-sink}}\n{more}trial:\n  \
         - pair: {{attempts: 3}}\nrepeat: {{at-least: 1, at-most: 5000}}\nexpect:\n{expect}"
    )
}

fn a_hundred_megabytes(home: &Home) {
    home.write("d/a.yaml", "rig: x\n");
    File::options().append(true).open(home.path("d/a.yaml")).unwrap().set_len(100 << 20).unwrap();
}

fn a_terabyte(home: &Home) {
    home.write("d/a.yaml", "rig: x\n");
    File::options().append(true).open(home.path("d/a.yaml")).unwrap().set_len(1 << 40).unwrap();
}

fn an_alias_bomb(home: &Home) {
    let mut text = String::from("rig: x\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..2000 {
        let _ = writeln!(text, "a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 10].join(", "));
    }
    home.write("d/a.yaml", &text);
}

fn brackets(home: &Home) {
    home.write("d/a.yaml", &format!("rig: x\nunits: {}", "[\n".repeat(500_000)));
    home.write("d/b.yaml", &format!("rig: x\nunits: {}", "{a: ".repeat(2_400)));
}

/// Right documents, as many values as there may be at all.
fn the_most_values(home: &Home) {
    for n in 0..90 {
        let tags = lines(19_000, |n| format!("\n {n:x},"));
        home.write(
            &format!("a/b{n}.yaml"),
            &format!(
                "device: a/b{n}\ntitle: x\nroles: [a2dp-sink]\ncodecs: [sbc]\nsettings: {{all: [{}]}}\n",
                tags.replace(' ', " t")
            ),
        );
    }
}

fn the_most_files(home: &Home) {
    for n in 0..10_000 {
        home.write(&format!("a/b{n}.yaml"), &format!("device: a/b{n}\ntitle: x\nroles: [a2dp-sink]\ncodecs: [sbc]\n"));
    }
}

fn the_most_faults(home: &Home) {
    for n in 0..2_000 {
        home.write(&format!("a/{n}.yaml"), &format!("rig: x\n{}", lines(120, |n| format!("nothing-{n}: 1\n"))));
    }
}

/// Every unit refers to a device that is not there, and there are many that it could have meant.
fn the_most_names(home: &Home) {
    for n in 0..3_000 {
        home.write(&format!("a/b{n}.yaml"), &format!("device: a/b{n}\ntitle: x\nroles: [a2dp-sink]\ncodecs: [sbc]\n"));
    }
    for r in 0..5 {
        let unit = |n: usize| {
            format!(
                "  u{n}: {{device: a/c{n}, firmware: x, address: \"0{r}:00:00:00:{:02X}:{:02X}\"}}\n",
                n / 256,
                n % 256
            )
        };
        let rig = format!("rig: r{r}\ntitle: x\nworld: simulated\nrooms: {{a: {{}}}}\nunits:\n{}", lines(1_900, unit));
        home.write(&format!("r{r}.yaml"), &rig);
    }
}

/// Far too few trials: how many would be enough is looked for.
fn the_fewest_trials(home: &Home) {
    let expect = "  - success-rate: {of: pair, at-least: 90 %, good: 90.5 %, confidence: 99 %}\n";
    home.write("one.yaml", &scenario("one", "", expect).replace("at-most: 5000", "at-most: 50"));
}

fn the_most_expectations(home: &Home) {
    let expect =
        lines(100, |_| "  - success-rate: {of: pair, at-least: 90 %, good: 90.5 %, confidence: 99 %}\n".into());
    home.write("one.yaml", &scenario("one", "", &expect));
}

/// `documents`: whether they are right.
#[rstest]
#[case::a_hundred_megabytes(a_hundred_megabytes, &["check", "."], 2, "error[too-large]")]
#[case::a_terabyte(a_terabyte, &["check", "."], 2, "error[too-large]")]
#[case::an_alias_bomb(an_alias_bomb, &["check", "."], 2, "error[anchor]")]
#[case::brackets(brackets, &["check", "."], 2, "2 files: 0 scenarios")]
#[case::the_most_values(the_most_values, &["check", "."], 2, "error[too-large]")]
#[case::the_most_files(the_most_files, &["check", "."], 0, "10000 devices")]
#[case::the_most_faults(the_most_faults, &["check", "."], 2, "more have faults, too")]
#[case::the_most_names(the_most_names, &["check", "."], 2, "error[dangling-reference]")]
#[case::the_fewest_trials(the_fewest_trials, &["check", "."], 0, "warning[undecidable]")]
#[case::the_most_expectations(the_most_expectations, &["check", "."], 0, "warning[undecidable]")]
fn the_worst_files_need_little_memory(
    #[case] make: fn(&Home),
    #[case] arguments: &[&str],
    #[case] code: i32,
    #[case] says: &str,
) {
    let home = Home::empty();
    make(&home);
    let begun = Instant::now();
    let (done, peak) = limited(&home, arguments);
    let made = done.with_code(code).says(&[says]);
    // Past the capture of the test harness: the peak is a figure of every run.
    let _ = writeln!(
        std::io::stderr(),
        "{}: exit {}, {} MiB at most (sampled), {:.1} s, {} KiB shown",
        thread::current().name().unwrap_or(says),
        made.code,
        peak / 1024,
        begun.elapsed().as_secs_f64(),
        made.out.len() / 1024
    );
    assert!(made.out.len() + made.err.len() < 16 << 20, "{} bytes are shown", made.out.len());
}

/// A hundred thousand files that are no documents, beside one that is.
#[test]
fn a_folder_of_very_many_files_is_not_listed_to_its_end() {
    let home = Home::empty();
    home.write("d/a.yaml", "rig: x\n");
    home.write("notes", "");
    for n in 0..100_000 {
        fs::hard_link(home.path("notes"), home.path(format!("d/{n}")))
            // A file system allows a file so many names.
            .or_else(|_| fs::write(home.path(format!("d/{n}")), ""))
            .unwrap();
    }
    let (done, peak) = limited(&home, &["check", "d"]);
    done.with_code(2).says(&["error[too-large]", "more than 100000 entries", "name smaller folders"]);
    assert!(peak < 200 << 10, "{peak} KiB");
}

fn a_pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[rstest]
#[case::a_pipe(a_pipe, "error[not-a-file]")]
#[case::an_endless_device(|path: &Path| symlink("/dev/zero", path).unwrap(), "error[not-a-file]")]
#[case::a_folder(|path: &Path| fs::create_dir(path).unwrap(), "error[not-a-file]")]
#[case::a_dangling_link(|path: &Path| symlink("nowhere.yaml", path).unwrap(), "error[not-found]")]
#[case::a_link_to_itself(|path: &Path| symlink("x.yaml", path).unwrap(), "error[link-loop]")]
fn what_is_no_document_is_named_and_not_waited_for(#[case] make: fn(&Path), #[case] says: &str) {
    let home = Home::new();
    make(&home.path("rigs/x.yaml"));
    home.rigtone(&["check", "rigs/x.yaml"]).with_code(2).says(&[says, "--> rigs/x.yaml"]);
    home.rigtone(&["plan", "--rig", "rigs/x.yaml"]).with_code(2).says(&[says, "--> rigs/x.yaml"]);
}

/// What lies in a folder may be put there by anybody.
#[test]
fn in_a_folder_a_link_out_of_the_project_is_refused_and_what_is_no_file_is_named() {
    let home = Home::new();
    symlink("/dev/zero", home.path("rigs/zero.yaml")).unwrap();
    symlink("/etc", home.path("devices/etc")).unwrap();
    a_pipe(&home.path("scenarios/pipe.yaml"));
    let done = home.rigtone(&["check"]).with_code(2);
    let faults: Vec<&str> = done.out.lines().filter(|line| line.starts_with("error[")).collect();
    assert_eq!(faults.len(), 3, "{}", done.out);
    done.says(&[
        "error[leaves-project]",
        "--> rigs/zero.yaml",
        "--> devices/etc",
        "error[not-a-file]",
        "--> scenarios/pipe.yaml",
    ]);
}

#[rstest]
#[case::several(&["plan", "--rig", "rigs"], "more than one rig was given")]
#[case::with_a_slash(&["plan", "--rig", "rigs/simulated.yaml/"], "error[unreadable]")]
#[case::as_devices(&["plan", "--devices", "rigs/simulated.yaml"], "there is no device")]
fn a_folder_where_a_file_is_due_and_the_other_way_round_are_explained(#[case] arguments: &[&str], #[case] says: &str) {
    Home::new().rigtone(arguments).with_code(2).says(&[says]);
}

/// Nobody but root reads what may not be read: root becomes somebody else.
#[test]
fn what_may_not_be_read_is_named() {
    let home = Home::new();
    let rigtone = home.path("rigtone");
    fs::copy(env!("CARGO_BIN_EXE_rigtone"), &rigtone).unwrap();
    let mode = |name: &str, mode| fs::set_permissions(home.path(name), fs::Permissions::from_mode(mode)).unwrap();
    mode("", 0o755);
    mode("rigs/virtual.yaml", 0);
    mode("devices/jbl", 0);
    let mut command = Command::new(rigtone);
    command.args(["check", "rigs", "devices"]).current_dir(home.path("")).stdin(Stdio::null());
    if fs::metadata(home.path("")).unwrap().uid() == 0 {
        const NOBODY: u32 = 65534;
        command.uid(NOBODY).gid(NOBODY);
    }
    let done = command.output().unwrap();
    mode("devices/jbl", 0o755);
    let out = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(2), "{out}");
    for path in ["rigs/virtual.yaml", "devices/jbl"] {
        assert!(out.contains("error[unreadable]") && out.contains(&format!("--> {path}\n")), "{out}");
    }
}

/// Every place where a message could carry text that somebody else wrote to a terminal.
#[test]
fn no_text_of_files_reaches_the_terminal_as_a_command() {
    const NAME: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\n\u{9b}31m\u{202e}x";
    let home = Home::new();
    let document = format!("{NAME}.yaml");
    home.write(&format!("d/{document}"), "rig: \"x\\e[2J\"\n\"\\e[31m\": \"\\x9b2J\"\n");
    home.write(&format!("run/{NAME}"), "");
    for name in ["plan.json", "events.jsonl", "verdicts.json", "environment.json"] {
        home.write(&format!("{NAME}/{name}"), "{\"schema\":\"\\u001b[2J\\n\",\"run\":\"\\u001b[31m\"}\n");
    }
    let in_folder = format!("d/{document}");
    let commands: [&[&str]; 9] = [
        &["check", "d"],
        &["check", "d", "--json"],
        &["plan", "--rig", &in_folder],
        &["plan", &in_folder],
        &["plan", "--rig", NAME],
        &["rig", "list", NAME],
        &["judge", NAME],
        &["report", NAME],
        &["run", "--out", NAME],
    ];
    for arguments in commands {
        let done = home.rigtone(arguments);
        let said = format!("{}{}", done.out, done.err);
        assert_ne!(done.code, 0, "{arguments:?}: {said}");
        // JSON is for programs, which want the path as it is; its own escapes keep C0 away.
        let json = arguments.contains(&"--json");
        let turned = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let obeyed = |c: char| c != '\n' && (c.is_ascii_control() || (!json && turned(c)));
        assert_eq!(said.chars().find(|c| obeyed(*c)), None, "{arguments:?}: {said:?}");
    }
}

#[test]
fn a_selector_with_a_misspelt_key_is_a_wrong_usage() {
    let home = Home::new();
    home.rigtone(&["plan", "--select", "speker=charge-5*"]).with_code(2).says(&[
        "no scenario has the selector key `speker`, did you mean `speaker`; write one of",
        "scenario, id, tag, claim, condition, firmware, device, codec, source, speaker",
    ]);
    home.rigtone(&["run", "--select", "moon=full"]).with_code(2).says(&["no scenario has the selector key `moon`;"]);
    home.rigtone(&["plan", "--select", "speaker=nothing"]).with_code(3);
}

/// The longest times that a document may name would add up to more than any clock counts.
#[test]
fn times_beyond_every_clock_are_refused_and_the_longest_that_are_allowed_run() {
    let home = Home::new();
    let text = |hours: u32, trials: u32| {
        let wait = format!("  - wait: {{for: {hours} h}}\n  - discover");
        let file = "scenarios/starter/pairing-cold-start.yaml";
        let text = home.changed(file, "  - discover", &wait).replace("pairing-cold-start", "ages");
        text.replace("{at-least: 10, at-most: 120}", &format!("{{at-least: 1, at-most: {trials}}}"))
    };
    home.write("ages.yaml", &text(880_000, 20));
    home.rigtone(&["run", "ages.yaml", "--out", "run"]).with_code(2).says(&["error[oversized]"]);
    home.write("ages.yaml", &text(160, 52));
    home.rigtone(&["plan", "ages.yaml"]).with_code(0);
    let done = home.rigtone(&["run", "ages.yaml", "--out", "run"]);
    assert!(![1, 2].contains(&done.code), "{}{}", done.out, done.err);
    assert!(home.path("run/verdicts.json").exists(), "{}{}", done.out, done.err);
}
