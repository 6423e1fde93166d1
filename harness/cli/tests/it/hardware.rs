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
