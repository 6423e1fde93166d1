//! Rigs with hardware, on a machine that has none of it.

use std::{fs::File, path::PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::user::Home;

/// A rig with one speaker behind a relay board that is not plugged in.
fn lab(name: &str) -> Home {
    let home = Home::new();
    let rig = format!(
        "rig: {name}
title: A lab whose relay board is not plugged in
world: hardware
rooms:
  lab: {{}}
relays:
  board-1: {{lcus: {{port: /dev/no-such-relay}}, channels: 2}}
units:
  speaker:
    device: rigtone/virtual-speaker
    firmware: \"1\"
    address: \"D2:00:00:00:00:01\"
    power: {{relay: board-1, channel: 1}}
"
    );
    home.write(&format!("{name}.yaml"), &rig);
    home
}

/// Locks are of the whole system: every rig here has a name of its own.
struct Rig(String);

impl Rig {
    fn new(what: &str) -> Self {
        Self(format!("it-{what}-{}", std::process::id()))
    }
    fn lock(&self) -> PathBuf {
        PathBuf::from(format!("/tmp/rigtone-{}.lock", self.0))
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.lock());
    }
}

#[cfg(not(feature = "hardware"))]
#[test]
fn a_driver_that_this_build_lacks_is_named_with_how_to_get_it() {
    let rig = Rig::new("driver");
    let file = format!("{}.yaml", rig.0);
    lab(&rig.0).rigtone(&["rig", "check", &file]).with_code(2).says(&[
        "relay board-1",
        "`serial`",
        "feature `hardware`",
    ]);
}

#[cfg(feature = "hardware")]
#[test]
fn a_relay_board_that_is_not_there_is_named_with_its_port_and_what_to_do() {
    let rig = Rig::new("relay");
    let file = format!("{}.yaml", rig.0);
    let said = ["relay board-1", "/dev/no-such-relay", "help: plug the board in"];
    lab(&rig.0).rigtone(&["rig", "check", &file]).with_code(12).says(&said);
}

#[test]
fn a_rig_that_another_process_has_is_left_alone() {
    let rig = Rig::new("lock");
    let (home, file) = (lab(&rig.0), format!("{}.yaml", rig.0));
    let lock = File::create(rig.lock()).unwrap();
    flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
    std::fs::write(rig.lock(), "4711").unwrap();
    for command in ["check", "safe"] {
        home.rigtone(&["rig", command, &file]).with_code(13).says(&["in use by process 4711", "help: wait for"]);
    }
}

/// A rig of one speaker that a person looks after, and nothing else.
fn looked_after(name: &str) -> Home {
    let home = Home::new();
    let rig = format!(
        "rig: {name}
title: A speaker and a person
world: hardware
rooms:
  lab: {{}}
units:
  speaker:
    device: rigtone/virtual-speaker
    firmware: \"1\"
    address: \"D2:00:00:00:00:01\"
    by-hand: [power, pairing-mode]
    verify: {{operator: {{at: the label below}}}}
"
    );
    home.write(&format!("{name}.yaml"), &rig);
    home
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let rig = Rig::new("nobody");
    let file = format!("{}.yaml", rig.0);
    let said = ["operator: nobody can be asked: standard input is no terminal", "help: run it in a terminal"];
    looked_after(&rig.0).rigtone(&["rig", "check", &file]).with_code(12).says(&said);
}

#[test]
fn a_person_at_the_terminal_reads_the_firmware_off() {
    use rustix::{
        fs::{Mode, OFlags},
        pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    };
    use std::io::{Read, Write};
    for (typed, code, found) in [("1\n", 0, "says 1"), ("2.0\n", 12, "says 2.0 where 1 is expected")] {
        let rig = Rig::new("person");
        let (home, file) = (looked_after(&rig.0), format!("{}.yaml", rig.0));
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap();
        let seat = rustix::fs::open(&path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let child = std::process::Command::new(env!("CARGO_BIN_EXE_rigtone"))
            .args(["rig", "check", &file])
            .env("RIGTONE_STATE", home.path("state"))
            .current_dir(home.path(""))
            .stdin(seat)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut terminal = File::from(master);
        let (mut shown, mut byte) = (String::new(), [0]);
        // The question stands there to its end before anybody answers.
        while !shown.ends_with("s left): ") {
            assert_eq!(terminal.read(&mut byte).unwrap(), 1, "{shown}");
            shown.push(char::from(byte[0]));
        }
        assert!(shown.contains("read the firmware of `speaker`") && shown.contains("1. Look at the label below."));
        terminal.write_all(typed.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert_eq!(done.status.code(), Some(code), "{said}");
        assert!(said.contains(found), "{said}");
    }
}
