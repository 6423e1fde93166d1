//! Who has a device open, as far as `/proc` tells: files of one's own processes, and the owners of sound devices of all.
//!
//! Source: Linux `Documentation/filesystems/proc.rst` (`/proc/PID/fd`), `sound/core/pcm.c` (`owner_pid` of a substream).

use std::{fs, path::Path};

#[cfg(any(feature = "alsa", test))]
use crate::{lock::alsa_key, usb::Sysfs};

/// So many are named.
const SHOWN: usize = 4;

/// The programs that have a device file open, such as "`minicom` (process 4711)". This one is not among them.
#[cfg(any(feature = "serial", test))]
pub(crate) fn of_file(proc: &Path, device: &Path) -> Vec<String> {
    let device = fs::canonicalize(device).unwrap_or_else(|_| device.to_owned());
    let holds = |pid: &u32| {
        let files = fs::read_dir(proc.join(format!("{pid}/fd"))).into_iter().flatten().flatten();
        files.filter_map(|file| fs::read_link(file.path()).ok()).any(|target| target == device)
    };
    let mut pids: Vec<u32> = fs::read_dir(proc)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != std::process::id())
        .collect();
    pids.sort_unstable();
    pids.iter().filter(|pid| holds(pid)).take(SHOWN).map(|pid| named(proc, *pid)).collect()
}

/// How a serial port was refused.
#[cfg(any(feature = "serial", test))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PortRefused {
    /// This user may not.
    Denied,
    /// Another program has it.
    Busy,
    /// In another way.
    Otherwise,
}

/// What to do about a serial port that cannot be opened.
#[cfg(any(feature = "serial", test))]
pub(crate) fn of_port(proc: &Path, port: &Path, why: PortRefused) -> String {
    match why {
        _ if !port.exists() => "plug the board in, or correct its port in the rig file".to_owned(),
        PortRefused::Denied => "give this user the right to use serial ports (group dialout)".to_owned(),
        PortRefused::Busy => to_end(&of_file(proc, port), "the port"),
        PortRefused::Otherwise => {
            "see whether it is a serial port, and correct it in the rig file if it is none".to_owned()
        }
    }
}

/// The programs that capture from a PCM, such as `hw:CARD=1,DEV=0`; none of a PCM of no card.
#[cfg(any(feature = "alsa", test))]
pub(crate) fn of_pcm(proc: &Path, sysfs: &Sysfs, name: &str) -> Vec<String> {
    let Some((card, device)) = hardware(sysfs, name) else { return Vec::new() };
    let folder = proc.join(format!("asound/card{card}/pcm{device}c"));
    let substreams = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut owners: Vec<u32> = substreams.filter_map(|sub| owner(&sub.path().join("status"))).collect();
    owners.sort_unstable();
    owners.dedup();
    owners.into_iter().take(SHOWN).map(|pid| named(proc, pid)).collect()
}

/// Whom to end, in words: "end the program that uses it", by name where it is known.
pub(crate) fn to_end(users: &[String], what: &str) -> String {
    match users {
        [] => format!("end the program that uses {what}"),
        users => format!("end {}: {what} is open there", users.join(" and ")),
    }
}

#[cfg(any(feature = "alsa", test))]
fn owner(status: &Path) -> Option<u32> {
    let text = fs::read_to_string(status).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("owner_pid")?.trim_start().strip_prefix(':'))?;
    value.trim().parse().ok()
}

/// The number of the card behind a PCM, and that of its device.
#[cfg(any(feature = "alsa", test))]
fn hardware(sysfs: &Sysfs, name: &str) -> Option<(u32, u32)> {
    let key = alsa_key(name, &|id| sysfs.card_named(id));
    let (card, device) = key.strip_prefix("card")?.split_once('-')?;
    Some((card.parse().ok()?, device.parse().ok()?))
}

fn named(proc: &Path, pid: u32) -> String {
    let name = fs::read_to_string(proc.join(format!("{pid}/comm"))).unwrap_or_default();
    // A program names itself.
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(32).collect();
    if name.is_empty() { format!("process {pid}") } else { format!("`{name}` (process {pid})") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usb::{Class, tree::Tree};
    use rstest::rstest;
    use std::{
        fs::File,
        process::{Command, Stdio},
    };

    #[test]
    fn a_program_that_has_a_file_open_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("port");
        File::create(&file).expect("a file");
        let held = Stdio::from(File::open(&file).expect("open"));
        let _own = File::open(&file).expect("this process is not told of");
        let mut child = Command::new("sleep").arg("60").stdin(held).spawn().expect("it runs");
        let users = of_file(Path::new("/proc"), &file);
        child.kill().expect("ours");
        child.wait().expect("ours");
        // Between fork and exec the child has the name of its parent.
        assert!(users.len() == 1 && users[0].ends_with(&format!("(process {})", child.id())), "{users:?}");
        assert_eq!(of_file(Path::new("/proc"), &file), [""; 0]);
    }

    #[rstest]
    #[case::missing("/dev/no-such-port", PortRefused::Busy, "plug the board in")]
    #[case::missing_whatever_was_said("/dev/no-such-port", PortRefused::Denied, "plug the board in")]
    #[case::denied("/dev/null", PortRefused::Denied, "group dialout")]
    #[case::busy("port", PortRefused::Busy, "end `minicom` (process 4711): the port is open there")]
    #[case::busy_with_nobody_known("/dev/null", PortRefused::Busy, "end the program that uses the port")]
    #[case::no_port("/dev/null", PortRefused::Otherwise, "see whether it is a serial port")]
    fn a_port_that_cannot_be_opened_is_told_with_what_to_do(
        #[case] port: &str,
        #[case] why: PortRefused,
        #[case] to_do: &str,
    ) {
        let tree = Tree::new();
        tree.file("port", b"");
        let port = if port == "port" { tree.path("port") } else { port.into() };
        tree.file("proc/4711/comm", b"minicom\n");
        tree.file("proc/self/comm", b"no number\n");
        tree.symlink("proc/4711/fd/3", &tree.path("port").display().to_string());
        let said = of_port(&tree.path("proc"), &port, why);
        assert!(said.contains(to_do), "{said}");
    }

    fn playing() -> Tree {
        let tree = Tree::new();
        tree.link_to(Class::Sound, 1, "devices/pci0/sound/card1");
        tree.file("devices/pci0/sound/card1/id", b"RIG1MIC\n");
        let status = "state: RUNNING\nowner_pid   : 4711\ntrigger_time: 12.5\n";
        tree.file("proc/asound/card1/pcm0c/sub0/status", status.as_bytes());
        tree.file("proc/asound/card1/pcm0c/sub1/status", b"closed\n");
        tree.file("proc/4711/comm", b"arecord\n");
        tree
    }

    #[rstest]
    #[case("hw:CARD=1,DEV=0", &["`arecord` (process 4711)"])]
    #[case("hw:CARD=RIG1MIC,DEV=0", &["`arecord` (process 4711)"])]
    #[case("plughw:1,0", &["`arecord` (process 4711)"])]
    #[case("hw:CARD=1,DEV=1", &[])]
    #[case("hw:CARD=2,DEV=0", &[])]
    #[case("default", &[])]
    fn the_owner_of_a_sound_device_is_named(#[case] pcm: &str, #[case] due: &[&str]) {
        let tree = playing();
        assert_eq!(of_pcm(&tree.path("proc"), &tree.sysfs(), pcm), due);
    }

    #[test]
    fn a_name_that_a_program_gave_itself_is_no_order_to_a_terminal() {
        let tree = playing();
        tree.file("proc/4711/comm", b"\x1b[2Jx\n");
        assert_eq!(of_pcm(&tree.path("proc"), &tree.sysfs(), "hw:1,0"), ["`[2Jx` (process 4711)"]);
    }

    #[test]
    fn whoever_is_not_known_is_not_named() {
        assert_eq!(to_end(&[], "hw:1,0"), "end the program that uses hw:1,0");
        let users = ["`a` (process 1)".to_owned(), "process 2".to_owned()];
        assert_eq!(to_end(&users, "hw:1,0"), "end `a` (process 1) and process 2: hw:1,0 is open there");
    }
}
